#!/usr/bin/python3
"""Relays of Debian's tor, limited by RelayBandwidthRate, measured by `tunic measure run`: what we say
of them against what they count themselves (650 BW of their control ports).

usage: bench/measure_stock.py [--runs N] [--seconds N] [--rates 1,2,5,10] [--modes echo2,sink2,...]
                              [--log FILE]

A line a run, then a table: the medians over the runs of our figure by the relay's own, their errors
(median, 95th percentile), our figure by the configured rate, and what a run moved. With --log each
run is also appended to FILE as JSON, and runs that stand there already are not made again, so that
what was interrupted goes on.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "net"))

from privnet import free_base_port  # noqa: E402
from stocktor import SERVER, StockTor  # noqa: E402

TUNIC = os.environ.get("TUNIC", os.path.join(TOP, "build", "tunic"))
MB = 1000 * 1000


def options(mode, seconds, relay, base):
    there = ["--control", str(relay.control), "--seconds", str(seconds), "--bw", "1000mbit"]
    if mode == "http":
        there += ["--exit", "127.0.0.1:%d" % (base + 10), "--server", "127.0.0.1:%d" % (base + 50)]
    return there


def measured(out, err, mode):
    figure = re.search(r"(?:carries at least|was sent) [\d.]+ Mbit/s \(([\d.]+) MB/s\)", out)
    its = re.search(r"By its own count it (?:wrote|read) [\d.]+ Mbit/s \(([\d.]+) MB/s\)", out)
    if not figure or not its:
        return {"failed": (out + err)[-300:]}
    return {"ours": float(figure.group(1)), "its": float(its.group(1)),
            "conclusive": "inconclusively" not in out}


def one_run(directory, base, rate, mode, seconds):
    with StockTor(os.path.join(directory, "relay"), base, int(rate * MB)) as relay:
        done = subprocess.run([TUNIC, "measure", "run", relay.at, "--local", "--mode", mode]
                              + options(mode, seconds, relay, base),
                              capture_output=True, text=True, timeout=seconds + 120, check=False)
        result = measured(done.stdout, done.stderr, mode)
        result.update(rate=rate, mode=mode, seconds=seconds, warnings=relay.warnings(),
                      closed=relay.closed_for_us())
    return result


def all_runs(args, known):
    base = free_base_port()
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(base + 50)],
                              stdout=subprocess.PIPE)
    server.stdout.readline()
    done = list(known)
    try:
        with tempfile.TemporaryDirectory(prefix="stock-") as top, StockTor(
                top + "/exit", base + 10, extra=["ExitRelay 1", "ExitPolicyRejectPrivate 0",
                                                 "ExitPolicy accept *:*", "RefuseUnknownExits 0"]):
            for n in range(args.runs):
                for rate in args.rates:
                    for mode in args.modes:
                        have = [r for r in known if r["rate"] == rate and r["mode"] == mode]
                        if len(have) > n:
                            continue
                        folder = os.path.join(top, "%s-%s-%d" % (mode, rate, n))
                        os.mkdir(folder, 0o700)
                        done.append(one_run(folder, base, rate, mode, args.seconds))
                        print(json.dumps(done[-1]), flush=True)
                        if args.log:
                            with open(args.log, "a", encoding="utf-8") as log:
                                log.write(json.dumps(done[-1]) + "\n")
    finally:
        server.kill()
        server.wait()
    return done


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


def table(runs, args):
    print("\n%-7s %6s %5s %10s %8s %8s %10s  %s" % (
        "mode", "MB/s", "runs", "ours/its", "error", "95%", "ours/rate", "complaints"))
    groups = [(m, r) for m in args.modes for r in args.rates] + [(m, None) for m in args.modes]
    for mode, rate in groups:
        mine = [r for r in runs if r["mode"] == mode and rate in (None, r["rate"])]
        good = [r for r in mine if "ours" in r and r["its"]]
        if not good:
            print("%-7s %6s %5d  all failed" % (mode, rate or "all", len(mine)))
            continue
        ratios = [r["ours"] / r["its"] for r in good]
        errors = [abs(x - 1) for x in ratios]
        print("%-7s %6s %5d %10.3f %7.2f%% %7.2f%% %10.3f  %d failed, %d warnings, %d closed" % (
            mode, rate or "all", len(good), statistics.median(ratios),
            100 * statistics.median(errors), 100 * percentile(errors, .95),
            statistics.median(r["ours"] / r["rate"] for r in good), len(mine) - len(good),
            sum(len(r["warnings"]) for r in mine), sum(len(r["closed"]) for r in mine)))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=12)
    parser.add_argument("--rates", type=lambda t: [float(x) for x in t.split(",")],
                        default=[1., 2., 5., 10.])
    parser.add_argument("--modes", type=lambda t: t.split(","), default=["echo2"])
    parser.add_argument("--log")
    args = parser.parse_args()
    known = []
    if args.log and os.path.exists(args.log):
        with open(args.log, encoding="utf-8") as log:
            known = [json.loads(line) for line in log]
    table(all_runs(args, known), args)


if __name__ == "__main__":
    main()
