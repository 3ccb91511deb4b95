#!/usr/bin/python3
"""How right `tunic measure` is, and what it costs.

usage: bench/measure.py grid [COUNT] [--out FILE]      runs in memory under virtual time
       bench/measure.py priors [COUNT]                 the same, with priors that are wrong
       bench/measure.py bursts [COUNT]                 at relays that have saved up 10 s of rate
       bench/measure.py small [COUNT]                  by teams that have less than the relay
       bench/measure.py sockets [COUNT] [--out FILE] [--at-once N]
                                                       runs against relays of `tunic testnet`
       bench/measure.py network [RELAYS]               two days of a network, under virtual time
       bench/measure.py speed [--seconds N]            a relay without a limit: CPU a Gbit
       bench/measure.py threads [--seconds N]          the same of two threads beside one
       bench/measure.py honest [CELLS] [--seconds N]   whether an honest cell is ever taken for a cheat

Each run is a JSON object in a line of FILE (build/bench/measure-PART.txt; of sockets with the load of
that minute) as soon as it is over, and what is there is not done again: a long one may be stopped at
any time and begun anew by the same command. `sockets 200` takes about 50 minutes (two at once, which
together take a tenth of two cores, half of that), `grid 2000` about 25 minutes of a processor; where
the program is built anew meanwhile, let TUNIC name a copy of it, with build/libexec beside that: the
commands are in there; and TEAM one of build/tests/measure/test_team. `sockets 0` only shows what is
there, and so do `grid 0` and the like.
Figures, no verdict: runs that say of themselves that they are inconclusive are counted apart."""

import argparse
import collections
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
TEAM = os.environ.get("TEAM", os.path.join(TOP, "build", "tests", "measure", "test_team"))
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

# How many runs in a row have the same rate, of which there are six.
IN_A_ROW = {"grid": 1, "priors": 5, "bursts": 4, "small": 6}


def slow_last(part):
    """Two rounds of the grid's 216 settings before the others, whatever those take; of both the fast
    relays last."""
    def key(number):
        return (part == "grid" and number >= 432, number // IN_A_ROW[part] % 6, number)
    return key


def in_memory(part, count, path):
    done = {row["number"] for row in rows_of(path)}
    todo = [n for n in range(count) if n not in done]
    todo.sort(key=slow_last(part))
    if todo:
        env = dict(os.environ, CK_FORK="no", TEST="test_team_series",
                   SERIES="%s:%s" % (part, ",".join(map(str, todo))))
        with open(path, "a", encoding="ascii") as out:
            out.write("\n" if is_torn(path) else "")
            child = subprocess.Popen([TEAM], cwd=TOP, env=env, stdout=subprocess.PIPE, text=True)
            for line in child.stdout:
                if line.startswith("{"):
                    out.write(line)
                    out.flush()
            child.wait()
    rows = rows_of(path)
    show_memory("all", rows)
    for key, unit in (("rate", "B/s"), ("sockets", "sockets"), ("measurers", "measurers"),
                      ("rtt", "ms away")):
        for value in sorted({row[key] for row in rows}):
            show_memory("%d %s" % (value, unit), [r for r in rows if r[key] == value])
    {"grid": grid, "priors": priors, "bursts": bursts, "small": small}[part](rows)


def is_good(row):
    return row["outcome"] == "good"


def off(row):
    """In thousandths; the file's own are rounded."""
    return (row["bw"] - row["rate"]) * 1000 / row["rate"]


def show_memory(what, rows):
    good = [off(r) for r in rows if is_good(r)]
    if good:
        show(what, good, len(rows) - len(good))
    else:
        print("%s: none of %d runs has a figure" % (what, len(rows)))


def grid(rows):
    """Every setting with how many runs it has, and those that are off most."""
    settings = collections.Counter((r["rate"], r["sockets"], r["measurers"], r["rtt"]) for r in rows)
    for rate in sorted({r["rate"] for r in rows}):
        many = [n for key, n in settings.items() if key[0] == rate]
        print("%d B/s: %d settings, %d to %d runs each" % (rate, len(many), min(many), max(many)))


def priors(rows):
    """Five in a row are of one relay."""
    groups = {}
    for r in rows:
        groups.setdefault(r["number"] // 5, []).append(r)
    whole = [g for g in groups.values() if len(g) == 5]
    apart = [max(r["bw"] for r in g) / min(r["bw"] for r in g) - 1 for g in whole]
    print("%d relays, each by five priors; with a second run %d of %d runs; no figure %d" % (
        len(whole), sum(r["runs"] > 1 for r in rows), len(rows), sum(not is_good(r) for r in rows)))
    print("from the least to the most of five: median %.2f%%, 95%% %.2f%%, worst %.2f%%" % (
        100 * quantile(apart, .5), 100 * quantile(apart, .95), 100 * max(apart)))
    for share in sorted({r["prior"] / r["rate"] for r in rows}):
        show_memory("prior %g of the rate" % share,
                    [r for r in rows if r["prior"] == share * r["rate"]])


def bursts(rows):
    for kind, what in enumerate(("prior 1/2", "prior 1", "prior 4", "prior 1, as a schedule's")):
        show_memory(what, [r for r in rows if r["number"] % 4 == kind])


def small(rows):
    for share in sorted({r["team"] * 100 // r["rate"] for r in rows}):
        these = [r for r in rows if r["team"] * 100 // r["rate"] == share]
        print("%d%%: %d runs, inconclusive %d, found %.1f to %.1f%% of the rate" % (
            share, len(these), sum(r["outcome"] == "inconclusive" for r in these),
            min(100 * r["bw"] / r["rate"] for r in these),
            max(100 * r["bw"] / r["rate"] for r in these)))


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
    parser.add_argument("part", choices=("grid", "priors", "bursts", "small", "sockets",
                                         "network", "speed", "threads", "honest"))
    parser.add_argument("count", nargs="?", type=int)
    parser.add_argument("--out")
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=10)
    args = parser.parse_args()
    path = args.out or os.path.join(TOP, "build", "bench", "measure-%s.txt" % args.part)
    usual = {"network": 6433, "grid": 2000, "priors": 360, "bursts": 288, "small": 216}
    count = args.count if args.count is not None else usual.get(args.part, 200)
    if args.part in ("speed", "threads"):
        {"speed": speed, "threads": threads}[args.part](args.seconds)
    elif args.part == "honest":
        honest(args.count or 10 ** 8, args.seconds)
    elif args.part == "network":
        network(count)
    elif args.part == "sockets":
        sockets(count, os.path.abspath(path), args.at_once)
    else:
        in_memory(args.part, count, os.path.abspath(path))


if __name__ == "__main__":
    main()
