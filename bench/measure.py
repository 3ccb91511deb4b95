#!/usr/bin/python3
"""How right `tunic measure` is, and what it costs.

usage: bench/measure.py grid [COUNT] [--out FILE]      runs in memory under virtual time
       bench/measure.py sockets [COUNT] [--out FILE] [--at-once N]
                                                       runs against relays of `tunic testnet`
       bench/measure.py network [RELAYS]               two days of a network, under virtual time
       bench/measure.py speed [--seconds N]            a relay without a limit: CPU a Gbit
       bench/measure.py threads [--seconds N]          the same of two threads beside one
       bench/measure.py honest [CELLS] [--seconds N]   whether an honest cell is ever taken for a cheat

Each run is a line of FILE (build/bench/measure-PART.txt; of sockets a JSON object a line, with the
load of that minute) as soon as it is over, and what is there is not done again: a long one may be
stopped at any time and begun anew by the same command. `sockets 200` takes about 50 minutes (two at
once, which together take a tenth of two cores, half of that); where the
program is built anew meanwhile, let TUNIC name a copy of it, with build/libexec beside that: the
commands are in there. `sockets 0` only shows what is there.
Figures, no verdict: runs that say of themselves that they are inconclusive are counted apart."""

import argparse
import concurrent.futures
import json
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
NETWORK = os.path.join(TOP, "build", "tests", "measure", "test_network")
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


# ---- a network ----

def network(relays):
    """6,433 relays take about half a minute of a core."""
    env = dict(os.environ, CK_FORK="no", TEST="test_network_days", NETWORK=str(relays))
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([NETWORK], cwd=TOP, env=env, check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print("%.0f s of CPU, %.0f MB" % (used.ru_utime - before, used.ru_maxrss / 1024))


# ---- on sockets ----

def outcome(text):
    """What `run` said: a figure in bytes a second, and whether it is one."""
    found = re.search(r"carries [\d.]+ Mbit/s \(([\d.]+) MB/s\)", text)
    if found:
        return {"figure": float(found.group(1)) * 1e6, "conclusive": True}
    found = re.search(r"inconclusive\. It carries ([\d.]+) Mbit/s or more", text)
    if found:
        return {"figure": float(found.group(1)) * 1e6 / 8, "conclusive": False}
    return {"failed": text[-200:]}


def one(number):
    rate, (delay, jitter) = SOCKETS[number % len(SOCKETS)]
    seconds = LONG_S if number % LONG_ONE_IN == 0 else SHORT_S
    done = subprocess.run(
        [TUNIC, "testnet", "--no-client", "--quiet", "--measurable", "--rate", "%dKB" % (rate // KB),
         "--delay", str(delay), "--jitter", str(jitter), "--", TUNIC, "measure", "run", "--local",
         "--quiet", "--seconds", str(seconds), "--prior", "%dKB" % (rate // KB), "guard1"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    row = {"number": number, "rate": rate, "delay": delay, "seconds": seconds,
           "load": round(os.getloadavg()[0], 1)}
    row.update(outcome(done.stdout))
    return row


def rows_of(path):
    """A line that was torn by a crash is passed over, and made again."""
    rows = []
    for line in lines_of(path):
        try:
            rows.append(json.loads(line))
        except ValueError:
            pass
    return rows


def is_torn(path):
    """Whether what was written last has no end."""
    with open(path, "a+b") as f:
        f.seek(max(0, f.seek(0, os.SEEK_END) - 1))
        return f.read(1) not in (b"", b"\n")


def show_rows(what, rows):
    good = [r for r in rows if r.get("conclusive")]
    if good:
        show(what, [(r["figure"] - r["rate"]) * 1000 / r["rate"] for r in good],
             len(rows) - len(good))
    else:
        print("%s: none of %d runs has a figure" % (what, len(rows)))


def sockets(count, path, at_once):
    done = {row["number"] for row in rows_of(path)}
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        for row in pool.map(one, [n for n in range(count) if n not in done]):
            line = json.dumps(row)
            print(line, flush=True)
            gap = "\n" if is_torn(path) else ""
            with open(path, "a", encoding="ascii") as out:
                out.write(gap + line + "\n")
    rows = rows_of(path)
    show_rows("all", rows)
    for rate in sorted({r["rate"] for r in rows}):
        show_rows("%d KB/s" % (rate // KB), [r for r in rows if r["rate"] == rate])
    for delay in sorted({r["delay"] for r in rows}):
        show_rows("%d ms away" % delay, [r for r in rows if r["delay"] == delay])
    if rows:
        loads = [r["load"] for r in rows]
        print("load of the machine: median %.1f, %.1f to %.1f; inconclusive %d, failed %d" % (
            quantile(loads, .5), min(loads), max(loads),
            sum(r.get("conclusive") is False for r in rows), sum("failed" in r for r in rows)))


# ---- what it costs ----

def cost(check, seconds, threads=1, sockets=16):
    """CPU seconds of the measurer a Gbit that came back, Mbit/s, and MB of memory at most."""
    argv = [sys.executable, os.path.abspath(__file__), "child", str(check), str(seconds), str(threads),
            str(sockets)]
    done = subprocess.run([TUNIC, "testnet", "--no-client", "--quiet", "--measurable", "--", *argv],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return tuple(map(float, done.stdout.split()))


def child(check, seconds, threads, sockets):
    """What is inconclusive is measured once more by `run` itself, which is paid for, too."""
    done = subprocess.run([TUNIC, "measure", "run", "--local", "--quiet", "--seconds", str(seconds),
                           "--prior", "1500mbit", "--bw", "8gbit", "--sockets", str(sockets), "--check",
                           str(check), "--threads", str(threads), "guard1"], stdout=subprocess.PIPE,
                          text=True, check=False)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    mbit = [float(m) for m in re.findall(r"arr(?:ies|y) ([\d.]+) Mbit/s", done.stdout)]
    print((used.ru_utime + used.ru_stime) / (sum(mbit) * seconds / 1000), mbit[-1],
          used.ru_maxrss * 1024 / 1e6)


def cipher_ns(cipher, piece):
    """Of a byte, as OpenSSL itself says of this machine."""
    out = subprocess.run(["openssl", "speed", "-mr", "-seconds", "1", "-bytes", str(piece), "-evp",
                          cipher], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                         check=True).stdout
    return 1e9 / float(re.search(r"^\+F:.*:([0-9.]+)$", out, re.M).group(1))


def least(check):
    """CPU seconds a Gbit of echo at least: key streams of a cell's body (what is sent, the relay's
    layer on it, and what is expected), and TLS' AES-GCM of what goes out and what comes in."""
    aes, gcm = cipher_ns("aes-128-ctr", 509), cipher_ns("aes-256-gcm", 16384)
    cell_ns = (2 + check) * 509 * aes + 2 * 514 * gcm
    return cell_ns / (514 * 8)


def speed(seconds):
    rows = {}
    for _ in range(5):
        for check in (1, .01, 0):
            rows.setdefault(check, []).append(cost(check, seconds))
    for check, row in rows.items():
        costs, rates, memory = zip(*row)
        print("--check %g: %.3f CPU s a Gbit (%.3f..%.3f), %.0f Mbit/s, %.1f MB; AES and GCM alone %.3f" % (
            check, quantile(costs, .5), min(costs), max(costs), quantile(rates, .5), max(memory),
            least(check)))
    ratios = [a[0] / b[0] for a, b in zip(rows[1], rows[0])]
    print("all checked by none: median %.2f (%.2f..%.2f)" % (
        quantile(ratios, .5), min(ratios), max(ratios)))
    many = [cost(1, seconds, 1, 160) for _ in range(3)]
    print("160 sockets: %.3f CPU s a Gbit, %.0f Mbit/s, %.1f MB" % (
        quantile([m[0] for m in many], .5), quantile([m[1] for m in many], .5),
        max(m[2] for m in many)))


def threads(seconds):
    """Two threads beside one, in pairs: what the machine does meanwhile is the same for both."""
    pairs = [(cost(1, seconds), cost(1, seconds, 2)) for _ in range(7)]
    ratios = [two[0] / one[0] for one, two in pairs]
    print("two threads by one, CPU a cell: median %.2f (%.2f..%.2f)" % (
        quantile(ratios, .5), min(ratios), max(ratios)))
    for n, row in (1, [p[0] for p in pairs]), (2, [p[1] for p in pairs]):
        costs, rates, _ = zip(*row)
        print("%d: %.3f CPU s a Gbit (%.3f..%.3f), %.0f Mbit/s" % (
            n, quantile(costs, .5), min(costs), max(costs), quantile(rates, .5)))


def honest(cells, seconds):
    """As fast as this machine can, until so many were checked. What the measurer's processor limits
    is inconclusive, and its cells were checked as well."""
    checked, runs, others = 0, 0, []
    while checked < cells and len(others) < 3:
        done = subprocess.run(
            [TUNIC, "testnet", "--no-client", "--quiet", "--measurable", "--", TUNIC, "measure", "run",
             "--local", "--seconds", str(seconds), "--prior", "1500mbit", "--bw", "8gbit", "--sockets",
             "40", "guard1"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        lines = re.findall(r"\[(\d+)/\d+ s\].* ([\d,]+) cells checked", done.stdout)
        whole = [int(n.replace(",", "")) for second, n in lines if int(second) == seconds]
        checked += sum(whole)
        runs += len(whole)
        if not whole or not re.search(r"carries [\d.]+ Mbit/s", done.stdout):
            others.append(done.stdout)
        print("%d whole runs, %d cells checked; something else is said %d times" % (
            runs, checked, len(others)), flush=True)
    print("\n".join(others), end="")


def main():
    if sys.argv[1:2] == ["child"]:
        child(float(sys.argv[2]), *map(int, sys.argv[3:6]))
        return
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("part", choices=("grid", "sockets", "network", "speed", "threads", "honest"))
    parser.add_argument("count", nargs="?", type=int)
    parser.add_argument("--out")
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=10)
    args = parser.parse_args()
    path = args.out or os.path.join(TOP, "build", "bench", "measure-%s.txt" % args.part)
    count = args.count if args.count is not None else 6433 if args.part == "network" else 200
    if args.part in ("speed", "threads"):
        {"speed": speed, "threads": threads}[args.part](args.seconds)
    elif args.part == "honest":
        honest(args.count or 10 ** 8, args.seconds)
    elif args.part == "network":
        network(count)
    elif args.part == "grid":
        grid(count, os.path.abspath(path))
    else:
        sockets(count, os.path.abspath(path), args.at_once)


if __name__ == "__main__":
    main()
