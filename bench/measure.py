#!/usr/bin/python3
"""How right `tunic measure` is, and what it costs.

usage: bench/measure.py grid [COUNT] [--out FILE]      runs in memory under virtual time
       bench/measure.py sockets [COUNT] [--out FILE]   runs against relays of `tunic testnet`
       bench/measure.py speed [--seconds N]            a relay without a limit: CPU a Gbit

Each run is a line of FILE (build/bench/measure-PART.txt) as soon as it is over, and what is there is
not done again: a long one may be stopped and begun anew. Figures, no verdict."""

import argparse
import math
import os
import re
import resource
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
TUNIC = os.environ.get("TUNIC", os.path.join(TOP, "build", "tunic"))
GRID = os.path.join(TOP, "build", "tests", "measure", "test_team")
KB, MB = 1024, 1024 * 1024
# Bytes a second, and delay and jitter of the links in ms.
SOCKETS = [(rate, way) for way in ((0, 0), (50, 20)) for rate in
           (250 * KB, 1 * MB, 3 * MB, 6 * MB, 12 * MB, 24 * MB)]
LONG_ONE_IN, LONG_S, SHORT_S = 10, 30, 10


def lines_of(path):
    try:
        with open(path, encoding="ascii") as f:
            return f.read().splitlines()
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return []


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, math.ceil(share * len(values)) - 1)]


def show(what, errors, left_out):
    """ERRORS in thousandths."""
    errors = [abs(e) / 10 for e in errors]
    print("%s: %d runs, |z-L|/L median %.1f%%, 95%% %.1f%%, worst %.1f%%; not a number: %d" % (
        what, len(errors), quantile(errors, .5), quantile(errors, .95), max(errors), left_out))


# ---- in memory ----

def grid(count, path):
    done = len(lines_of(path))
    env = dict(os.environ, CK_FORK="no", TEST="test_team_grid", GRID="%d,%d" % (done, count - done))
    if done < count:
        with open(path, "a", encoding="ascii") as out:
            child = subprocess.Popen([GRID], cwd=TOP, env=env, stdout=subprocess.PIPE, text=True)
            for line in child.stdout:
                if " off " in line:
                    out.write(line)
                    out.flush()
            child.wait()
    rows = [re.match(r"\d+ rate (\d+) sockets (\d+) measurers (\d+) rtt (\d+) bw \d+ off (-?\d+) "
                     r"blocked \d+ (.*)", line).groups() for line in lines_of(path)[:count]]
    good = [row for row in rows if row[5] == "good"]
    show("all", [int(row[4]) for row in good], len(rows) - len(good))
    for at, what in ((0, "B/s"), (1, "sockets"), (2, "measurers"), (3, "ms")):
        for value in sorted({row[at] for row in good}, key=int):
            show("%s %s" % (value, what), [int(r[4]) for r in good if r[at] == value],
                 sum(r[at] == value for r in rows) - sum(r[at] == value for r in good))


# ---- on sockets ----

def one(number):
    """A line: number, rate, delay, what came out (0: no number)."""
    rate, (delay, jitter) = SOCKETS[number % len(SOCKETS)]
    seconds = LONG_S if number % LONG_ONE_IN == 0 else SHORT_S
    done = subprocess.run(
        [TUNIC, "testnet", "--no-client", "--quiet", "--measurable", "--rate", "%dKB" % (rate // KB),
         "--delay", str(delay), "--jitter", str(jitter), "--", TUNIC, "measure", "run", "--local",
         "--quiet", "--seconds", str(seconds), "--prior", "%dKB" % (rate // KB), "guard1"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    found = re.search(r"carries .*? \(([\d.]+) MB/s\)", done.stdout)
    return "%d %d %d %d" % (number, rate, delay, float(found.group(1)) * 1e6 if found else 0)


def sockets(count, path):
    for number in range(len(lines_of(path)), count):
        line = one(number)
        with open(path, "a", encoding="ascii") as out:
            out.write(line + "\n")
    rows = [tuple(map(int, line.split())) for line in lines_of(path)[:count]]
    off = {row: (row[3] - row[1]) * 1000 / row[1] for row in rows if row[3]}
    show("all", off.values(), len(rows) - len(off))
    for rate in sorted({row[1] for row in off}):
        show("%d KB/s" % (rate // KB), [e for row, e in off.items() if row[1] == rate],
             sum(row[1] == rate and not row[3] for row in rows))


# ---- what it costs ----

def cost(check, seconds):
    """CPU seconds of the measurer a Gbit that came back, and Mbit/s."""
    argv = [sys.executable, os.path.abspath(__file__), "child", str(check), str(seconds)]
    done = subprocess.run([TUNIC, "testnet", "--no-client", "--quiet", "--measurable", "--", *argv],
                          stdout=subprocess.PIPE, text=True, check=True)
    return tuple(map(float, done.stdout.split()))


def child(check, seconds):
    done = subprocess.run([TUNIC, "measure", "run", "--local", "--quiet", "--seconds", str(seconds),
                           "--prior", "400mbit", "--bw", "4gbit", "--sockets", "16", "--check",
                           str(check), "guard1"], stdout=subprocess.PIPE, text=True, check=False)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    mbit = float(re.search(r"([\d.]+) Mbit/s", done.stdout).group(1))
    print((used.ru_utime + used.ru_stime) / (mbit * seconds / 1000), mbit)


def speed(seconds):
    rows = {}
    for _ in range(5):
        for check in (1, .01, 0):
            rows.setdefault(check, []).append(cost(check, seconds))
    for check, row in rows.items():
        costs, rates = zip(*row)
        print("--check %g: %.2f CPU s a Gbit (%.2f..%.2f), %.0f Mbit/s" % (
            check, quantile(costs, .5), min(costs), max(costs), quantile(rates, .5)))


def main():
    if sys.argv[1:2] == ["child"]:
        child(float(sys.argv[2]), int(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("part", choices=("grid", "sockets", "speed"))
    parser.add_argument("count", nargs="?", type=int, default=200)
    parser.add_argument("--out")
    parser.add_argument("--seconds", type=int, default=10)
    args = parser.parse_args()
    path = args.out or os.path.join(TOP, "build", "bench", "measure-%s.txt" % args.part)
    if args.part == "speed":
        speed(args.seconds)
    else:
        {"grid": grid, "sockets": sockets}[args.part](args.count, os.path.abspath(path))


if __name__ == "__main__":
    main()
