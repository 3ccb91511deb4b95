#!/usr/bin/python3
"""One stream over links with delay, down and up: Tunic and Debian's tor.

usage: bench/links.py [--rounds N] [--delay MS] [--jitter MS] [--megabytes N] [--params "NAME=N ..."]
                      [--at-once N]

A round is each program in turn on one network (`tunic testnet`), with an empty DataDirectory, a page
first and then a download and an upload, each a new stream of the same client. MB/s are curl's, the
connection's start included. Links with delay leave the processor idle, and one transfer says little,
for jitter decides when slow start ends: --at-once has as many clients of each program at work together.
All of it in a network namespace whose loopback acknowledges at once. Figures, no verdict."""

import argparse
import concurrent.futures
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path.insert(0, HERE)

import loopback  # noqa: E402
from many import Process  # noqa: E402
from start import PAGE, Start, free_port, middle  # noqa: E402

FIGURES = ["MB/s down", "MB/s up", "s to a first byte"]


def curl(start, what, *more):
    argv = ["curl", "-sS", "--max-time", "300", "--socks5-hostname", "127.0.0.1:%d" % start.port,
            "-o", "/dev/null", "-w", "%{" + what + "}", *more]
    return float(subprocess.run(argv, stdout=subprocess.PIPE, check=True, text=True).stdout)


def run(path, torrc, data, megabytes):
    """-> FIGURES"""
    shutil.rmtree(data, ignore_errors=True)
    os.mkdir(data, 0o700)
    size = megabytes * 1000000
    with open(data + "/upload", "wb") as f:
        f.write(os.urandom(size))
    start = Start(path, torrc, data, free_port())
    start.page()
    first = curl(start, "time_starttransfer", PAGE)
    down = curl(start, "speed_download", PAGE + "bytes/%d" % size) / 1e6
    up = curl(start, "speed_upload", "-H", "Expect:", "--data-binary", "@" + data + "/upload",
              PAGE) / 1e6
    start.end()
    return [down, up, first]


def run_round(programs, torrc, directory, args):
    """-> for each client of each program its FIGURES, [client][program]"""
    def one(job):
        number, (name, path) = job
        return run(path, torrc, "%s/%s%d" % (directory, name, number), args.megabytes)
    jobs = [(number, program) for number in range(args.at_once) for program in programs]
    together = len(jobs) if args.at_once > 1 else 1
    with concurrent.futures.ThreadPoolExecutor(together) as pool:
        found = list(pool.map(one, jobs))
    return [found[i:i + len(programs)] for i in range(0, len(found), len(programs))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--delay", type=int, default=50)
    parser.add_argument("--jitter", type=int, default=20)
    parser.add_argument("--megabytes", type=int, default=10)
    parser.add_argument("--params", default="")
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--network", default=os.path.join(TOP, "build", "tunic"))
    parser.add_argument("--program", action="append", metavar="NAME=PATH")
    args = parser.parse_args()
    if not loopback.enter():
        sys.exit("links: no network namespace of its own is to be had here")
    programs = [p.split("=", 1) for p in args.program or [
        "Tunic=" + os.path.join(TOP, "build", "tunic"), "tor=" + shutil.which("tor")]]
    directory = tempfile.mkdtemp(prefix="tunic-links-")
    network = Process([args.network, "testnet", "--no-client", "--dir", directory + "/net", "--delay",
                       str(args.delay), "--jitter", str(args.jitter),
                       *(["--params", args.params] if args.params else [])], directory + "/log")
    network.wait_for("testnet ready")
    try:
        rounds = []
        for i in range(args.rounds):
            for found in run_round(programs, directory + "/net/client.torrc", directory, args):
                rounds.append(found)
                print("round %d: %s" % (i, "; ".join("%.2f %.2f %.2f" % tuple(r) for r in found)),
                      file=sys.stderr, flush=True)
        for i, figure in enumerate(FIGURES):
            columns = [[r[j][i] for r in rounds] for j in range(len(programs))]
            cells = ["%s %s" % (name, middle(c)) for (name, _), c in zip(programs, columns)]
            if len(columns) > 1:
                cells.append("ratio" + middle([a / b for a, b in zip(columns[0], columns[1])]))
            print("%-18s %s" % (figure, "  ".join(cells)), flush=True)
    finally:
        network.end()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
