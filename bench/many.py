#!/usr/bin/python3
"""Many at once: some thousand CONNECTs, each with a user name of its own (so each wants a circuit of its
own), while one application downloads and another greets the SOCKS port now and then.

usage: bench/many.py [--connects N] [--limit S] [--rounds N] [--program NAME=PATH ...]

A round is one program on a network of its own (`tunic testnet`), in a network namespace whose loopback
acknowledges at once: else delayed acknowledgements between the relays are what is measured. First the
download alone, then everything together until each CONNECT is answered or --limit seconds are over.
CPU is the program's (all of its threads); what the download alone costs a byte is also taken off. Figures,
no verdict."""

import argparse
import collections
import os
import re
import resource
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path.insert(0, HERE)

import loopback  # noqa: E402

ALONE_S = 4         # of the download by itself
PAUSE_S = 0.02      # between two greetings
AT_A_TIME = 50      # CONNECTs begun between two looks at the sockets


def say(text):
    print("many: " + text, file=sys.stderr, flush=True)


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Process:
    """A program that ends with this one; its output in a file."""

    def __init__(self, argv, log):
        self.log = log
        with open(log, "wb") as out:
            self.popen = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *argv],
                                          stdin=subprocess.DEVNULL, stdout=out,
                                          stderr=subprocess.STDOUT)

    def wait_for(self, pattern, seconds=60):
        end = time.monotonic() + seconds
        while True:
            with open(self.log, encoding="utf-8", errors="replace") as f:
                text = f.read()
            match = re.search(pattern, text)
            if match:
                return match
            if self.popen.poll() is not None or time.monotonic() > end:
                sys.exit("many: no %r from %s:\n%s" % (pattern, self.log, text[-2000:]))
            time.sleep(0.02)

    def cpu_seconds(self):
        return cpu_seconds(self.popen.pid)

    def end(self):
        self.popen.kill()
        self.popen.wait()


class Flow:
    """One socket in the selector: bytes to send, and what to do with what comes."""

    def __init__(self, load, sock, to_send):
        self.load, self.sock, self.to_send = load, sock, to_send
        sock.setblocking(False)
        load.selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE, self)

    def handle(self, events):
        if events & selectors.EVENT_WRITE:
            if self.to_send:
                try:
                    self.to_send = self.to_send[self.sock.send(self.to_send):]
                except OSError as error:
                    self.lost(error)
                    return
            if not self.to_send:
                self.load.selector.modify(self.sock, selectors.EVENT_READ, self)
        if events & selectors.EVENT_READ:
            try:
                data = self.sock.recv(65536)
            except BlockingIOError:
                return
            except OSError as error:
                self.lost(error)
                return
            self.take(data) if data else self.lost(None)

    def leave(self):
        self.load.selector.unregister(self.sock)

    def send(self, data):
        self.to_send += data
        self.load.selector.modify(self.sock, selectors.EVENT_READ | selectors.EVENT_WRITE, self)


def request(host, port):
    name = host.encode()
    return b"\x05\x01\x00\x03" + bytes([len(name)]) + name + port.to_bytes(2, "big")


class Download(Flow):
    def __init__(self, load):
        self.received = 0
        super().__init__(load, load.dial(), b"\x05\x01\x00" + request("hello.test", 80) +
                         b"GET /bytes/%d HTTP/1.0\r\n\r\n" % (1 << 40))

    def take(self, data):
        self.received += len(data)

    def lost(self, error):
        sys.exit("many: the download ended: %s" % error)


class Greeting(Flow):
    """A connection that says hello and goes: needs no circuit."""

    def __init__(self, load):
        self.begun = time.monotonic()
        super().__init__(load, load.dial(), b"\x05\x01\x00")

    def take(self, _data):
        self.load.greeted.append(time.monotonic() - self.begun)
        self.over()

    def lost(self, _error):
        self.over()

    def over(self):
        self.leave()
        self.sock.close()
        self.load.next_greeting = time.monotonic() + PAUSE_S
        self.load.greeting = None


class Connect(Flow):
    """CONNECT with a user name; stays open until the end."""

    CODE_AT = 5         # in what is answered to greeting, password and request

    def __init__(self, load, number):
        user = b"user%d" % number
        self.answer = b""
        super().__init__(load, load.dial(), b"\x05\x01\x02\x01" + bytes([len(user)]) + user +
                         b"\x01x" + request("many.test", load.sink.getsockname()[1]))

    def take(self, data):
        self.answer += data
        if len(self.answer) > self.CODE_AT:
            code = self.answer[self.CODE_AT]
            self.done("refused with %d" % code if code else "connected")

    def lost(self, error):
        self.done("lost (%s)" % error)

    def done(self, how):
        self.leave()
        self.load.answered(how)


class Load:
    """What the applications do."""

    def __init__(self, socks_port, connects):
        self.socks_port, self.connects = socks_port, connects
        self.selector = selectors.DefaultSelector()
        self.sink = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.sink.setblocking(False)
        self.selector.register(self.sink, selectors.EVENT_READ, None)
        self.kept = []              # nothing is closed before the end
        self.greeted, self.greeting, self.next_greeting = [], None, 0
        self.answers = collections.Counter()
        self.begun = 0
        self.download = Download(self)

    def dial(self):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", self.socks_port))
        return sock

    def accept(self):
        try:
            while True:
                self.kept.append(self.sink.accept()[0])
        except BlockingIOError:
            pass

    def answered(self, how):
        self.answers[how] += 1

    def begin_connects(self):
        for _ in range(min(AT_A_TIME, self.connects - self.begun)):
            self.kept.append(Connect(self, self.begun))
            self.begun += 1

    def turn(self):
        now = time.monotonic()
        if not self.greeting and now >= self.next_greeting:
            self.greeting = Greeting(self)
        for key, events in self.selector.select(PAUSE_S / 2):
            if key.data:
                key.data.handle(events)
            else:
                self.accept()

    def run(self, seconds, connects=False):
        """-> (seconds it took, bytes downloaded, greetings' seconds)."""
        begun, had, self.greeted = time.monotonic(), self.download.received, []
        while time.monotonic() - begun < seconds:
            if connects:
                self.begin_connects()
                if self.answers.total() == self.connects:
                    break
            self.turn()
        if self.greeting:           # still without an answer
            self.greeted.append(time.monotonic() - self.greeting.begun)
        return time.monotonic() - begun, self.download.received - had, self.greeted


def measure(name, program, args, directory):
    network = Process([args.network, "testnet", "--no-client", "--dir", directory + "/net",
                       "--relays", "8", *args.network_option], directory + "/network.log")
    network.wait_for("testnet ready")
    client = Process([program, "-f", directory + "/net/client.torrc", "--SocksPort", "auto",
                      "--DataDirectory", directory + "/data", "--Log", "notice stdout"],
                     directory + "/client.log")
    port = int(client.wait_for(r"Socks listener.* on 127\.0\.0\.1:([1-9]\d*)").group(1))
    client.wait_for("Bootstrapped 100%")
    load = Load(port, args.connects)
    load.run(1)
    cpu = client.cpu_seconds()
    alone_s, alone_bytes, alone_greeted = load.run(ALONE_S)
    cpu_a_byte = (client.cpu_seconds() - cpu) / alone_bytes
    cpu, network_cpu = client.cpu_seconds(), network.cpu_seconds()
    took, received, greeted = load.run(args.limit, connects=True)
    cpu, network_cpu = client.cpu_seconds() - cpu, network.cpu_seconds() - network_cpu
    client.end()
    network.end()
    rate, before = received / took / 1e6, alone_bytes / alone_s / 1e6
    connects_cpu = max(0, cpu - received * cpu_a_byte)
    print("\n".join([
        "%s: %d CONNECTs, %s after %.1f s" % (name, args.connects, ", ".join(
            "%d %s" % (n, how) for how, n in load.answers.most_common()) or "none answered", took),
        "  the program's CPU s                    %8.2f; less the download's %.2f, %.2f ms for each "
        "answered" % (cpu, connects_cpu, 1000 * connects_cpu / max(1, load.answers.total())),
        "  the network's CPU s                    %8.2f" % network_cpu,
        "  download, MB/s: alone, among them      %8.2f %8.2f  ratio %.2f" % (
            before, rate, rate / before),
        "  greeting, ms: alone: median            %8.2f" % (
            1000 * statistics.median(alone_greeted)),
        "  greeting, ms: among them: median, most %8.2f %8.2f  of %d" % (
            1000 * statistics.median(greeted), 1000 * max(greeted), len(greeted)),
    ]), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connects", type=int, default=6000)
    parser.add_argument("--limit", type=float, default=120, help="seconds at most (120)")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--network", default=os.path.join(TOP, "build", "tunic"))
    parser.add_argument("--network-option", action="append", default=[], metavar="WORD",
                        help="of tunic testnet (--network-option=--delay --network-option=5)")
    parser.add_argument("--program", action="append", metavar="NAME=PATH",
                        help="several are measured in turn (Tunic=build/tunic)")
    args = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < 2 * args.connects + 100:
        sys.exit("many: ulimit -Hn is %d: too few open files for both ends" % most)
    if not loopback.enter():
        sys.exit("many: no network namespace of its own is to be had here")
    programs = args.program or ["Tunic=" + os.path.join(TOP, "build", "tunic")]
    for _ in range(args.rounds):
        for name, path in (p.split("=", 1) for p in programs):
            directory = tempfile.mkdtemp(prefix="tunic-many-")
            try:
                measure(name, path, args, directory)
            finally:
                shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
