#!/usr/bin/python3
"""Relays of Debian's tor, limited by RelayBandwidthRate, measured by `tunic measure run`: what we say
of them against what they count themselves (650 BW of their control ports).

usage: bench/measure_stock.py [--runs N] [--seconds N] [--rates 1,2,5,10] [--modes echo2,sink2,...]
                              [--log FILE] [--shaped MBIT,...]

A line a run, then a table: the medians over the runs of our figure by the relay's own, their errors
(median, 95th percentile), our figure by the configured rate, and how many runs gave no figure. With
--log each run is also appended to FILE as JSON with the load of that minute, and runs that stand
there already are not made again: a long series may be stopped at any time and begun anew by the same
command (--runs 0 only shows the table). `--runs 12 --seconds 10 --rates 1,2,5,10,20 --log FILE` is 60
runs, in about 20 minutes; where the program is built anew meanwhile, let TUNIC name a copy, with
build/libexec beside that: the commands are in there. With --shaped the relay has no limit of its own,
and stands in a network namespace whose cable carries so much (tc tbf, both ways; root is needed): our
figure by what is left of that for TLS behind the heads of Ethernet, IP and TCP.
"""

import argparse
import json
import math
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
    figure = re.search(r"(?:carries at least|carries|was sent) [\d.]+ Mbit/s \(([\d.]+) MB/s\)", out)
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
                      closed=relay.closed_for_us(), load=round(os.getloadavg()[0], 1))
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
                        have = [r for r in known if (r["rate"], r["mode"], r["seconds"]) ==
                                (rate, mode, args.seconds)]
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


# Of a frame of 1,514 bytes, as tc counts it, TCP has 1,448 for what is above it.
PAYLOAD = 1448 / 1514


def shaped_run(directory, base, mbit, seconds):
    holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"],
                              stdout=subprocess.PIPE)
    holder.stdout.readline()
    enter = ["nsenter", "--net=/proc/%d/ns/net" % holder.pid]
    shape = "rate %dmbit burst %dkb latency 100ms" % (mbit, max(32, 2 * mbit))

    def there(command):
        subprocess.run(enter + command.split(), check=True)
    for command in ("ip link add stock0 type veth peer name stock1 netns %d" % holder.pid,
                    "ip addr add 198.51.100.1/24 dev stock0", "ip link set stock0 up",
                    "ip link set stock0 gso_max_segs 1",
                    "tc qdisc add dev stock0 root tbf " + shape):
        subprocess.run(command.split(), check=True)
    for command in ("ip link set lo up", "ip addr add 198.51.100.2/24 dev stock1",
                    "ip link set stock1 gso_max_segs 1",
                    "ip link set stock1 up", "tc qdisc add dev stock1 root tbf " + shape):
        there(command)
    try:
        made = subprocess.run([TUNIC, "measure", "keygen", "bench", "--out", directory],
                              capture_output=True, text=True, check=True).stdout
        word = re.search(r"tunic-measure:sha256//\S+", made).group(0)
        with StockTor(directory + "/relay", base, address="198.51.100.2", enter=enter,
                      extra=["ContactInfo " + word]) as relay:
            done = subprocess.run(
                [TUNIC, "measure", "run", relay.at, "--local", "--mode", "echo2", "--hop",
                 "198.51.100.1:0", "--key", directory + "/bench", "--seconds", str(seconds)],
                env=dict(os.environ, XDG_STATE_HOME=directory),     # each run is this relay's first
                capture_output=True, text=True, timeout=seconds + 120, check=False)
            complaints = relay.warnings() + relay.closed_for_us()
    finally:
        subprocess.run(["ip", "link", "del", "stock0"], check=False)
        holder.kill()
        holder.wait()
    figure = re.search(r"carries (?:at least )?[\d.]+ Mbit/s \(([\d.]+) MB/s\)(, incon)?", done.stdout)
    if not figure:
        return {"shaped": mbit, "failed": (done.stdout + done.stderr)[-300:]}
    mine = float(figure.group(1)) * 8
    return {"shaped": mbit, "load": round(os.getloadavg()[0], 1), "ours": mine,
            "conclusive": not figure.group(2), "of what is left": round(mine / (mbit * PAYLOAD), 4),
            "complaints": complaints}


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, math.ceil(share * len(values)) - 1)]


def known_runs(path):
    """A line that was torn by a crash is passed over, and its run made again."""
    runs = []
    if path and os.path.exists(path):
        with open(path, encoding="utf-8") as log:
            for line in log:
                try:
                    runs.append(json.loads(line))
                except ValueError:
                    pass
    return runs


def table(runs, args):
    print("\n%-7s %6s %5s %10s %8s %8s %10s  %s" % (
        "mode", "MB/s", "runs", "ours/its", "error", "95%", "ours/rate", "and"))
    groups = [(m, r) for m in args.modes for r in args.rates] + [(m, None) for m in args.modes]
    for mode, rate in groups:
        mine = [r for r in runs if r["mode"] == mode and rate in (None, r["rate"])]
        good = [r for r in mine if "ours" in r and r["its"] and
                (r["conclusive"] or r["mode"] == "drop")]   # else it is no figure
        if not good:
            print("%-7s %6s %5d  none has a figure" % (mode, rate or "all", len(mine)))
            continue
        ratios = [r["ours"] / r["its"] for r in good]
        errors = [abs(x - 1) for x in ratios]
        failed = sum("failed" in r for r in mine)
        print("%-7s %6s %5d %10.3f %7.2f%% %7.2f%% %10.3f  %d inconclusive, %d failed, %d warnings, "
              "%d closed" % (
            mode, rate or "all", len(good), statistics.median(ratios),
            100 * statistics.median(errors), 100 * percentile(errors, .95),
            statistics.median(r["ours"] / r["rate"] for r in good),
            len(mine) - len(good) - failed, failed,
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
    parser.add_argument("--shaped", type=lambda t: [int(x) for x in t.split(",")])
    args = parser.parse_args()
    if args.shaped:
        for n in range(args.runs):
            for mbit in args.shaped:
                with tempfile.TemporaryDirectory(prefix="stock-") as top:
                    print(json.dumps(shaped_run(top, free_base_port() + n, mbit, args.seconds)),
                          flush=True)
        return
    known = known_runs(args.log)
    table(all_runs(args, known), args)


if __name__ == "__main__":
    main()
