#!/usr/bin/python3
"""Many streams and circuits: what 10,000 idle streams hold, what a burst over 4,000 of them leaves
behind, whether 1,000 that are busy at once have fair shares, and the same for 1,000 circuits of one stream.

usage: bench/streams.py [--idle N] [--burst N] [--busy N] [--circuits N] [--program PATH]

The network is a process of its own (`tunic testnet`); each 800 streams share a circuit, or a conflux set,
but for those of --circuits. Each of the three has a client and a network of its own; 0 leaves it out. Memory
is VmRSS. Figures, no verdict, but that all bytes have to come."""

import argparse
import multiprocessing
import resource
import select
import socket
import statistics
import sys
import threading
import time

sys.dont_write_bytecode = True
import os  # noqa: E402
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import loopback  # noqa: E402
import pair      # noqa: E402

AT_A_TIME = 100
MESSAGE = bytes(2000)
BUSY_BYTES = 200 * 1000
REST_S = (2, 8)     # queues are trimmed after one second, memory goes back five later


def say(text, *values):
    print(text % values, flush=True)


class FarEnd:
    """A process of its own that has the other ends: two of each in one would be too many."""

    def __init__(self):
        self.pipe, far = multiprocessing.Pipe()
        multiprocessing.Process(target=self.serve, args=(far,), daemon=True).start()
        self.port = self.pipe.recv()

    def ask(self, what, number=0):
        self.pipe.send((what, number))

    def do(self, what, number=0):
        self.ask(what, number)
        self.pipe.recv()

    @staticmethod
    def serve(pipe):
        server, socks = socket.create_server(("127.0.0.1", 0), backlog=4096), []
        pipe.send(server.getsockname()[1])
        while True:
            what, number = pipe.recv()
            if what == "accept":
                socks += [server.accept()[0] for _ in range(number)]
            elif what == "send":
                send(socks[:number])
            elif what == "drain":
                drain(socks[:number], len(MESSAGE))
            else:
                while socks:
                    socks.pop().close()
            pipe.send(what)


def send(socks):
    for sock in socks:
        sock.sendall(MESSAGE)


def open_idle(client, number):
    """-> (sockets here, those who have the other ends)."""
    far, here = FarEnd(), []
    while len(here) < number:
        new = [client.begin(far.port, len(here) + i)
               for i in range(min(AT_A_TIME, number - len(here)))]
        far.do("accept", len(new))
        here += [client.finish(sock) for sock in new]
    return here, far


def drain(socks, size):
    poll, left = select.poll(), {}
    for sock in socks:
        left[sock.fileno()] = [sock, size]
        poll.register(sock, select.POLLIN)
    while left:
        for fd, _ in poll.poll(1000 * pair.WAIT_S):
            sock, want = left[fd]
            left[fd][1] = want - len(sock.recv(65536))
            if left[fd][1] <= 0:
                poll.unregister(fd)
                del left[fd]


def close_all(here, far):
    while here:
        here.pop().close()
    far.do("close")


def measure_idle(client, args):
    before = client.rss_kb()
    here, far = open_idle(client, args.idle)
    time.sleep(REST_S[1])
    idle = client.rss_kb()
    say("%d idle streams: %.1f MB more than %.1f, %.2f kB each", args.idle, (idle - before) / 1000,
        before / 1000, (idle - before) / args.idle)
    some = min(args.burst, args.idle)
    for way in ("down", "up"):
        if way == "down":
            far.ask("send", some)
            drain(here[:some], len(MESSAGE))
            far.pipe.recv()
        else:
            send(here[:some])
            far.do("drain", some)
        at_once = client.rss_kb()
        time.sleep(REST_S[0])
        rested = client.rss_kb()
        time.sleep(REST_S[1])
        say("%d of them 2 kB %s: %+.1f MB at once, %+.1f after 2 s, %+.1f after 10 s", some, way,
            (at_once - idle) / 1000, (rested - idle) / 1000, (client.rss_kb() - idle) / 1000)
    close_all(here, far)
    time.sleep(REST_S[0] + REST_S[1])
    say("all closed: %+.1f MB against the start", (client.rss_kb() - before) / 1000)


def transfer_all(client, number, way):
    """NUMBER transfers at the same time -> a sentence."""
    far, took, failed = pair.Far(), [], []

    def one(i):
        try:
            took.append(pair.transfer(client, far, way, BUSY_BYTES, i))
        except (OSError, RuntimeError) as error:
            failed.append(error)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(number)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        sys.exit("streams: %d of %d failed: %s" % (len(failed), number, failed[0]))
    return "%d kB %s each, at once: %.1f s; the slowest has %.2f of the median's rate" % (
        BUSY_BYTES // 1000, way, time.monotonic() - begun, statistics.median(took) / max(took))


def measure_busy(client, args):
    before = client.rss_kb()
    for way in ("down", "up"):
        say("%d streams, %s; %+.1f MB", args.busy, transfer_all(client, args.busy, way),
            (client.rss_kb() - before) / 1000)


def measure_circuits(client, args):
    client.a_circuit = 1
    before, cpu, begun = client.rss_kb(), client.cpu_s(), time.monotonic()
    here, far = open_idle(client, args.circuits)
    took, cpu = time.monotonic() - begun, client.cpu_s() - cpu
    time.sleep(REST_S[1])
    say("%d circuits with a stream each: there after %.1f s, %.2f ms of processor each; %.1f MB more "
        "than %.1f, %.1f kB each", args.circuits, took, 1000 * cpu / args.circuits,
        (client.rss_kb() - before) / 1000, before / 1000, (client.rss_kb() - before) / args.circuits)
    for way in ("down", "up"):
        say("%d circuits, %s; %+.1f MB", args.circuits, transfer_all(client, args.circuits, way),
            (client.rss_kb() - before) / 1000)
    close_all(here, far)
    time.sleep(REST_S[0] + REST_S[1])
    say("all streams closed: %+.1f MB against the start", (client.rss_kb() - before) / 1000)


def allow_files(wanted):
    """-> how many descriptors a process may have: WANTED, if we may raise the bound that far."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for files in (max(most, wanted), most):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
            break
        except (OSError, ValueError):
            continue
    return files


def main():
    parser = argparse.ArgumentParser(description="Many streams through one client.")
    parser.add_argument("--idle", type=int, default=10000)
    parser.add_argument("--burst", type=int, default=4000)
    parser.add_argument("--busy", type=int, default=1000)
    parser.add_argument("--circuits", type=int, default=1000)
    parser.add_argument("--program", default=pair.OURS)
    args = parser.parse_args()
    loopback.enter()
    args.idle = min(args.idle, allow_files(args.idle + 1000) - 500)
    for number, measured in ((args.idle, measure_idle), (args.busy, measure_busy),
                             (args.circuits, measure_circuits)):
        if not number:
            continue
        with pair.pair(args.program) as client:
            time.sleep(REST_S[0])
            measured(client, args)


if __name__ == "__main__":
    main()
