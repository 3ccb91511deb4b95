#!/usr/bin/python3
"""From start to the first page on links with delay, and what is downloaded for it: Tunic and Debian's tor.

usage: bench/start.py [--rounds N] [--delay MS] [--jitter MS] [--relays N] [--phantoms N] [--rate R]
                      [--program NAME=PATH[,FLAG...] ...] [--timeline]

FLAGs are those of its SocksPort line: 'early=build/tunic,OptimisticReply'.

A round is each program in turn on one network (`tunic testnet`): with an empty DataDirectory (cold), then
again with what that run left (warm). Timed from before the process is begun until curl has the page; curl is
begun anew until the SOCKS port is there. Bytes are TCP's payload, from the kernel (ss: bytes_received and
bytes_sent of the program's sockets to relays; none closes in so short a time), at the page and when nothing
has come for some seconds. All of it in a network namespace whose loopback acknowledges at once. The first
round is not counted: in it the relays open their links to each other. --timeline shows besides what one relay
after the other sees of one start of each program (from the network's own log). Figures, no verdict."""

import argparse
import os
import re
import shutil
import signal
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
from many import Process  # noqa: E402

PAGE = "http://hello.test/"
QUIET_S = 2.5       # nothing has come for so long: all is here
LIMIT_S = 60
FIGURES = ["s to the page", "kB received at the page", "kB sent at the page", "kB received in all",
           "kB sent in all"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Start:
    """One start of a program."""

    def __init__(self, path, torrc, data, port):
        self.port = port
        self.begun = time.monotonic()
        self.wall = time.time()
        path, *flags = path.split(",")
        self.process = Process([path, "-f", torrc, "--DataDirectory", data,
                                "--SocksPort", " ".join([str(port), *flags]),
                                "--Log", "notice stdout"], data + ".log")

    def page(self):
        """-> seconds from the start until the page is here"""
        argv = ["curl", "-sS", "--socks5-hostname", "127.0.0.1:%d" % self.port, "--max-time", "30", PAGE]
        while time.monotonic() < self.begun + LIMIT_S:
            done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
            if done.returncode == 0 and b"three relays" in done.stdout:
                return time.monotonic() - self.begun
            time.sleep(0.005)
        sys.exit("start: no page:\n" + open(self.process.log, encoding="utf-8").read())

    def kilobytes(self):
        """-> received, sent"""
        out = subprocess.run(["ss", "-tinHOp"], stdout=subprocess.PIPE, check=True, text=True).stdout
        sums = {"received": 0, "sent": 0}
        for line in out.splitlines():
            # What applications send to the SOCKS port is not the network's.
            if "pid=%d," % self.process.popen.pid not in line or ":%d " % self.port in line:
                continue
            for way, n in re.findall(r"bytes_(received|sent):(\d+)", line):
                sums[way] += int(n) / 1000
        return sums["received"], sums["sent"]

    def settle(self):
        """-> kilobytes once no more come"""
        last, since = None, time.monotonic()
        while time.monotonic() < since + QUIET_S:
            time.sleep(0.25)
            received, sent = self.kilobytes()
            # A padding cell, or a circuit built ahead, is no document.
            if last is None or received > last + 8:
                last, since = received, time.monotonic()
        return received, sent

    def measure(self):
        page = self.page()
        return [page, *self.kilobytes(), *self.settle()]

    def end(self):
        self.process.popen.send_signal(signal.SIGINT)
        self.process.popen.wait()


def run(path, torrc, data):
    """-> {"cold": figures, "warm": figures}"""
    shutil.rmtree(data, ignore_errors=True)
    os.mkdir(data, 0o700)
    figures = {}
    for what in ("cold", "warm"):
        start = Start(path, torrc, data, free_port())
        figures[what] = start.measure()
        start.end()
    return figures


def middle(values):
    return "%8.2f (%.2f..%.2f)" % (statistics.median(values), min(values), max(values))


def show(names, rounds, what):
    print("\n%-26s %s" % (what, " ".join("%-24s" % n for n in names)))
    for i, figure in enumerate(FIGURES):
        columns = [[r[name][what][i] for r in rounds] for name in names]
        cells = [middle(c) for c in columns]
        if len(names) > 1:
            cells.append("ratio" + middle([a / b for a, b in zip(columns[0], columns[1])]))
        print("%-26s %s" % (figure, " ".join("%-24s" % c for c in cells)), flush=True)


# ---- what the relays see ----

LINE = re.compile(r"^\w+ +\d+ (\d\d):(\d\d):(\d\d\.\d+) \[debug\] (\S+): (from|to) (\S+): (.*)$")


def timeline(log, offset, wall):
    """The cells of one start, by the relay that saw them; ms from the start of the process, at WALL."""
    day = time.localtime(wall)
    midnight = time.mktime((day.tm_year, day.tm_mon, day.tm_mday, 0, 0, 0, 0, 0, -1))
    with open(log, encoding="utf-8", errors="replace") as f:
        f.seek(offset)
        for line in f:
            match = LINE.match(line)
            if not match:
                continue
            h, m, s, relay, way, _peer, what = match.groups()
            at = midnight + int(h) * 3600 + int(m) * 60 + float(s) - wall
            yield at * 1000, relay, way, what


def show_timeline(name, path, torrc, data, log):
    shutil.rmtree(data, ignore_errors=True)
    os.mkdir(data, 0o700)
    for what in ("cold", "warm"):
        time.sleep(1)       # the end of the run before is no part of it
        offset = os.path.getsize(log)
        start = Start(path, torrc, data, free_port())
        page = start.page() * 1000
        time.sleep(0.3)
        print("\n%s, %s: ms from the start, at the relay; the page after %.0f ms" % (name, what, page))
        last = None
        for at, relay, way, text in timeline(log, offset, start.wall):
            if at > page:
                break
            key = (relay, way, text.split()[0])
            if key == last:
                continue        # a document's cells are one line
            last = key
            print("%8.0f  %-10s %-4s %s" % (at, relay, way, text))
        start.settle()
        start.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--delay", type=int, default=50)
    parser.add_argument("--jitter", type=int, default=20)
    parser.add_argument("--relays", type=int, default=16)
    parser.add_argument("--phantoms", type=int, default=2000)
    parser.add_argument("--rate", help="of each relay, over all its links: 200KB")
    parser.add_argument("--network", default=os.path.join(TOP, "build", "tunic"))
    parser.add_argument("--program", action="append", metavar="NAME=PATH[,FLAG...]")
    parser.add_argument("--timeline", action="store_true")
    args = parser.parse_args()
    if not loopback.enter():
        sys.exit("start: no network namespace of its own is to be had here")
    programs = [p.split("=", 1) for p in args.program or [
        "Tunic=" + os.path.join(TOP, "build", "tunic"), "tor=" + shutil.which("tor")]]
    directory = tempfile.mkdtemp(prefix="tunic-start-")
    log = directory + "/network.log"
    network = Process([args.network, "testnet", "--no-client", "--dir", directory + "/net",
                       "--relays", str(args.relays), "--phantom", str(args.phantoms), "--delay",
                       str(args.delay), "--jitter", str(args.jitter),
                       *(["--rate", args.rate] if args.rate else []),
                       *(["--log", "debug"] if args.timeline else [])], log)
    network.wait_for("testnet ready")
    torrc = directory + "/net/client.torrc"
    try:
        rounds = []
        for i in range(args.rounds + 1):
            rounds.append({name: run(path, torrc, "%s/%s" % (directory, name))
                           for name, path in programs})
            print("round %d%s: %s" % (i, "" if i else " (not counted)", ", ".join(
                "%s %.2f s, %.2f s" % (n, rounds[-1][n]["cold"][0], rounds[-1][n]["warm"][0])
                for n, _path in programs)), file=sys.stderr, flush=True)
        for what in ("cold", "warm"):
            show([name for name, _path in programs], rounds[1:], what)
        if args.timeline:
            for name, path in programs:
                show_timeline(name, path, torrc, "%s/%s" % (directory, name), log)
    finally:
        network.end()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
