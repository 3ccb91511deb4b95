#!/usr/bin/python3
"""Controllers that want to know everything, while streams run: what they cost the streams.

usage: bench/controllers.py [--controllers N] [--streams N] [--pairs N] [--seconds S] [--without EVENT ...]
                            [--program NAME=PATH ...]

A program on a network of its own (`tunic testnet`), in a network namespace whose loopback acknowledges at
once. So many applications download at once, each a piece on a stream of its own, and again. Periods without
and with the controllers take turns (which comes first does too), and a ratio is taken within each pair; the
controllers are one process more, which reads all that they are told (SETEVENTS of all that GETINFO events/names
has). CPU is taken a megabyte: the program's own, and that of all here (network, applications and program) but
the controllers. Where processors are what limits, the latter's ratio is the throughput's if controllers have a
processor of their own, and what else the machine does matters little to it. Figures, no verdict."""

import argparse
import os
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
from many import Flow, Process, cpu_seconds, request  # noqa: E402

PIECE = 400000      # of one stream
READ_EVERY_S = 0.02
DROPPED = b"EVENTS_DROPPED"


class Stream(Flow):
    """Downloads a piece, and then another one on a stream of its own."""

    def __init__(self, load):
        self.got = 0
        super().__init__(load, load.dial(), b"\x05\x01\x00" + request("hello.test", 80) +
                         b"GET /bytes/%d HTTP/1.0\r\n\r\n" % PIECE)

    def take(self, data):
        self.got += len(data)
        self.load.received += len(data)

    def lost(self, _error):
        self.leave()
        self.sock.close()
        self.load.pieces += self.got >= PIECE
        Stream(self.load)


class Load:
    def __init__(self, socks_port, streams):
        self.socks_port = socks_port
        self.selector = selectors.DefaultSelector()
        self.received = self.pieces = 0
        for _ in range(streams):
            Stream(self)

    def dial(self):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", self.socks_port))
        return sock

    def run(self, seconds):
        """-> bytes a second"""
        begun, had = time.monotonic(), self.received
        while time.monotonic() - begun < seconds:
            for key, events in self.selector.select(0.1):
                key.data.handle(events)
        return (self.received - had) / (time.monotonic() - begun)


def ask(sock, command):
    sock.sendall(command.encode() + b"\r\n")
    reply = b""
    while not reply.endswith(b"250 OK\r\n"):
        reply += sock.recv(65536)
    return reply.decode()


def listen(port, n, without):
    """The controllers' process: reads until its standard input ends, then says how much that was."""
    socks, selector = [], selectors.DefaultSelector()
    for _ in range(n):
        sock = socket.create_connection(("127.0.0.1", port))
        ask(sock, "AUTHENTICATE")
        names = ask(sock, "GETINFO events/names").split("\r\n")[0].partition("=")[2].split()
        sock.sendall(("SETEVENTS %s\r\n" % " ".join(e for e in names if e not in without)).encode())
        selector.register(sock, selectors.EVENT_READ)
        socks.append(sock)
    selector.register(sys.stdin, selectors.EVENT_READ)
    print("listening", flush=True)
    read = events = dropped = 0
    room = bytearray(1 << 18)
    while True:
        time.sleep(READ_EVERY_S)    # else it is this process that the streams wait for
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                print(read, events, dropped, flush=True)
                return
            n = key.fileobj.recv_into(room)
            read += n
            events += room.count(b"\r\n650", 0, n) + (room[:3] == b"650")
            dropped += room.count(DROPPED, 0, n)


class Listeners:
    def __init__(self, port, args):
        self.popen = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), "--listen", str(port),
             "--controllers", str(args.controllers), *["--without=" + e for e in args.without]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.popen.stdout.readline() == "listening\n"

    def cpu_seconds(self):
        return cpu_seconds(self.popen.pid)

    def end(self):
        """-> bytes, events, how often some were dropped"""
        said = self.popen.communicate()[0]
        return [int(word) for word in said.split()]


class Period:
    """Megabytes a second, and CPU milliseconds a megabyte."""

    def __init__(self, load, client, network, listeners, args):
        def used():
            here, program = sum(os.times()[:2]), client.cpu_seconds()
            return (program, program + here + network.cpu_seconds(),
                    listeners.cpu_seconds() if listeners else 0)
        before = used()
        self.rate = load.run(args.seconds) / 1e6
        self.program, self.all, self.controllers = (
            1000 * (b - a) / (self.rate * args.seconds) for a, b in zip(before, used()))


def pair(load, client, network, control, args, with_first):
    """-> the periods without and with the controllers, and what these were told"""
    def without():
        return Period(load, client, network, None, args)

    def among():
        listeners = Listeners(control, args)
        found = Period(load, client, network, listeners, args)
        return found, listeners.end()

    if with_first:
        found, told = among()
        return without(), found, told
    return (without(), *among())


def figures(rows, what):
    """-> medians without and with, and of the pairs' ratios the median, the least and the most"""
    pairs = [(what(without), what(among)) for without, among, _ in rows]
    ratios = [among / without for without, among in pairs]
    return (*(statistics.median(p[i] for p in pairs) for i in (0, 1)),
            statistics.median(ratios), min(ratios), max(ratios))


def measure(name, program, args, directory):
    network = Process([args.network, "testnet", "--no-client", "--dir", directory + "/net",
                       "--relays", "8", *args.network_option], directory + "/network.log")
    network.wait_for("testnet ready")
    client = Process([program, "-f", directory + "/net/client.torrc", "--SocksPort", "auto",
                      "--ControlPort", "auto", "--DataDirectory", directory + "/data",
                      "--Log", "notice stdout"], directory + "/client.log")
    port = int(client.wait_for(r"Socks listener.* on 127\.0\.0\.1:([1-9]\d*)").group(1))
    control = int(client.wait_for(r"Control listener.* on 127\.0\.0\.1:([1-9]\d*)").group(1))
    client.wait_for("Bootstrapped 100%")
    load = Load(port, args.streams)
    load.run(2)
    rows = [pair(load, client, network, control, args, i % 2) for i in range(args.pairs)]
    client.end()
    network.end()
    told = [sum(row[2][i] for row in rows) for i in range(3)]
    print("\n".join([
        "%s: %d streams, %d controllers, %d pairs of periods of %g s each" % (
            name, args.streams, args.controllers, args.pairs, args.seconds),
        "                                      without     with    ratio",
        "  MB/s                               %8.2f %8.2f %8.2f (%.2f to %.2f)" % figures(
            rows, lambda p: p.rate),
        "  CPU ms a MB, the program's         %8.2f %8.2f %8.2f (%.2f to %.2f)" % figures(
            rows, lambda p: p.program),
        "  CPU ms a MB, of all but controllers%8.2f %8.2f %8.2f (%.2f to %.2f)" % figures(
            rows, lambda p: p.all),
        "  CPU ms a MB, the controllers'               %8.2f" % statistics.median(
            row[1].controllers for row in rows),
        "  told: MB, events, times some dropped %8.2f %8d %8d" % (told[0] / 1e6, *told[1:]),
        "  streams that ended whole             %8d" % load.pieces,
    ]), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--controllers", type=int, default=50)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--without", action="append", default=[], metavar="EVENT")
    parser.add_argument("--network", default=os.path.join(TOP, "build", "tunic"))
    parser.add_argument("--network-option", action="append", default=[], metavar="WORD",
                        help="of tunic testnet (--network-option=--rate --network-option=6MB)")
    parser.add_argument("--program", action="append", metavar="NAME=PATH",
                        help="several are measured in turn (Tunic=build/tunic)")
    parser.add_argument("--listen", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.listen:
        listen(args.listen, args.controllers, args.without)
        return
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if not loopback.enter():
        sys.exit("controllers: no network namespace of its own is to be had here")
    programs = args.program or ["Tunic=" + os.path.join(TOP, "build", "tunic")]
    for name, path in (p.split("=", 1) for p in programs):
        directory = tempfile.mkdtemp(prefix="tunic-controllers-")
        try:
            measure(name, path, args, directory)
        finally:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
