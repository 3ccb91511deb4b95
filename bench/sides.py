#!/usr/bin/python3
"""Clients side by side on Debian's relays: processor time and speed of bulk transfers, and nothing else.

usage: bench/sides.py [--rounds N] [--mb N] [--streams N] [--calls] [--client NAME=PROGRAM[,OPTION VALUE...] ...]

All clients run at once on one network (tests/net/torlab.py); in a round each has its turn, down and then up,
so that what the machine does meanwhile falls on all of them alike, and ratios are taken within a round, to
the last client. Without --client these are build/tunic and Debian's tor, both with their defaults; with
`--client 'one=build/tunic,ConfluxEnabled 0'` and the like other builds and other options. CPU is user and
system time by the kernel's own count of what ran (schedstat), and how it divides by its ticks. --calls counts
system calls of one more transfer each way (strace). Figures, no verdict."""

import argparse
import collections
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path[:0] = [HERE, os.path.join(TOP, "tests", "net")]

import compare   # noqa: E402
import loopback  # noqa: E402
import pair      # noqa: E402
import sut       # noqa: E402
import torlab    # noqa: E402

WAYS = ("down", "up")
FIGURES = [("cpu", "CPU s per 100 MB"), ("kernel", "of it in the kernel"), ("speed", "MB/s")]
CALLS = {"read": "recvfrom|read|readv|recvmsg", "write": "sendto|write|writev|sendmsg",
         "wait": "epoll_wait|epoll_pwait", "other": ".*"}


class Side(sut.Sut):
    def __init__(self, lab, directory, text):
        name, rest = text.split("=", 1)
        path, *options = rest.split(",")
        self.name, self.path = name, path
        super().__init__(lab, os.path.join(directory, name), log_level="notice",
                         as_tor="tor" in os.path.basename(path))
        self.lines = [line for line in self.lines if line != "ConfluxEnabled 0"] + options
        self.write_torrc()

    def command(self):
        return [self.path] + super().command()[1:]

    def ticks(self):
        """-> user and system time, in the kernel's ticks."""
        fields = pair.read("/proc/%d/stat" % self.process.pid).rsplit(")", 1)[1].split()
        return int(fields[11]), int(fields[12])


def move(lab, side, way, args, path):
    """One transfer of all streams."""
    if way == "down":
        compare.curl(side, compare.downloads(lab, args.streams, args.size))
    else:
        compare.curl(side, compare.uploads(lab, args.streams, path))


def measure(lab, side, way, args, path):
    ns, (user, system), begun = pair.cpu_ns(side.process.pid), side.ticks(), time.monotonic()
    move(lab, side, way, args, path)
    took, after = time.monotonic() - begun, side.ticks()
    cpu = (pair.cpu_ns(side.process.pid) - ns) / 1e9 * 100 / args.mb
    user, system = after[0] - user, after[1] - system
    return {"cpu": cpu, "kernel": system / max(1, user + system), "speed": args.mb / took}


def count_calls(lab, side, way, args, path):
    out = os.path.join(side.dir, "calls")
    with subprocess.Popen(["strace", "-f", "-c", "-o", out, "-p", str(side.process.pid)],
                          stderr=subprocess.DEVNULL) as strace:
        time.sleep(0.5)
        move(lab, side, way, args, path)
        strace.terminate()
    counts = collections.Counter()
    for line in pair.read(out).splitlines():
        match = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line)
        if match and match.group(2) != "total":
            counts[next(k for k, names in CALLS.items() if re.fullmatch(names, match.group(2)))] += int(
                match.group(1))
    return "  ".join("%s %d" % (k, counts[k] * 100 / args.mb) for k in CALLS)


def middle(values):
    return "%.2f (%.2f..%.2f)" % (statistics.median(values), min(values), max(values))


def show(sides, found):
    last = sides[-1].name
    for way in WAYS:
        for side in sides:
            rows = found[way, side.name]
            line = "%-5s %-12s" % (way, side.name)
            for key, what in FIGURES:
                line += "  %s %s" % (what, middle([r[key] for r in rows]))
            if side.name != last:
                for key in ("cpu", "speed"):
                    line += "  %s/%s %s" % (key, last, middle(
                        [a[key] / b[key] for a, b in zip(rows, found[way, last])]))
            print(line, flush=True)


def run(lab, sides, args, directory):
    path = os.path.join(directory, "body")
    with open(path, "wb") as f:
        f.truncate(args.size)
    for side in sides:
        side.start()
    time.sleep(3)      # circuits built ahead of need
    found = collections.defaultdict(list)
    for number in range(args.rounds + 1):
        for way in WAYS:
            for side in sides:
                row = measure(lab, side, way, args, path)
                if number:      # the first is for warming up
                    found[way, side.name].append(row)
                print("%d %-5s %-12s %s" % (number, way, side.name, "  ".join(
                    "%s %.3f" % (key, row[key]) for key, _ in FIGURES)), file=sys.stderr, flush=True)
    show(sides, found)
    for way in WAYS if args.calls else ():
        for side in sides:
            print("%-5s %-12s calls for 100 MB: %s" % (way, side.name,
                                                       count_calls(lab, side, way, args, path)), flush=True)
    for side in sides:
        side.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mb", type=int, default=40)
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--calls", action="store_true")
    parser.add_argument("--client", action="append", metavar="NAME=PROGRAM[,OPTION VALUE...]")
    args = parser.parse_args()
    args.size = args.mb * 1000000 // args.streams
    if not loopback.enter():
        sys.exit("sides: no network namespace of its own is to be had here")
    clients = args.client or ["Tunic=" + os.path.join(TOP, "build", "tunic"), "tor=" + shutil.which("tor")]
    directory = tempfile.mkdtemp(prefix="tunic-sides-")
    lab = torlab.Lab(os.path.join(directory, "lab"))
    sides = []
    try:
        lab.start()
        sides += [Side(lab, directory, text) for text in clients]
        run(lab, sides, args, directory)
    finally:
        for side in sides:
            if side.process:
                side.kill()
        lab.stop()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
