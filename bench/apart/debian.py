#!/usr/bin/python3
"""What Debian's relays count of a client in two minutes from 100% on: handshakes by their kind, for
guards, middles and exits; connections; streams. Tunic and tor in turn on one network of theirs
(tests/net/torlab.py). Relays tell it by their MetricsPort; what they do among themselves is in it.

usage: bench/apart/debian.py [--runs N]      TUNIC=path (default build/tunic)
"""

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
import urllib.request

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.dirname(HERE)
sys.path[:0] = [HERE, BENCH, os.path.join(os.path.dirname(BENCH), "tests", "net")]

import loopback     # noqa: E402
import one          # noqa: E402
import sut          # noqa: E402
import torlab       # noqa: E402

COUNTED = re.compile(r'^tor_relay_(load_onionskins|streams|connections)_total\{(.*)\} (\d+)$', re.M)
METRICS_FROM = 9100


def name_of(what, labels):
    """Of a row; None: it is not counted."""
    said = dict(re.findall(r'(\w+)="([^"]*)"', labels))
    if what == "load_onionskins":
        return said["type"] if said.get("action") == "processed" else None
    if what == "streams":
        return "stream " + said["type"]
    if (said.get("type"), said.get("direction"), said.get("state")) == (
            "OR", "received", "created"):
        return "connections" if said.get("family", "ipv4") == "ipv4" else None
    return None


def look(lab):
    """{(role, name): how many so far}"""
    sums = collections.Counter()
    for number, node in enumerate(lab.nodes):
        url = "http://%s:%d/metrics" % (node.address, METRICS_FROM + number)
        with urllib.request.urlopen(url, timeout=10) as answer:
            text = answer.read().decode()
        for what, labels, n in COUNTED.findall(text):
            name = name_of(what, labels)
            if name:
                sums[node.role, name] += int(n)
    return sums


def browse(client, lab, seed, ready_at):
    failed = 0
    for at, size in one.plan(seed):
        time.sleep(max(0, ready_at + at - time.time()))
        got = subprocess.run(
            ["curl", "-sS", "-o", "/dev/null", "--max-time", "20", "--socks5-hostname",
             "127.0.0.1:%d" % client.socks_port, lab.url("/bytes/%d" % size)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        failed += got.returncode != 0
    return failed


def observe(lab, who, where, seed):
    """One run: {(role, name): count}"""
    client = sut.Sut(lab, where, as_tor=who == "tor")
    client.start()
    ready_at, before = time.time(), look(lab)
    failed = browse(client, lab, seed, ready_at)
    time.sleep(max(0, ready_at + one.WINDOW_S - time.time()))
    after = look(lab)
    client.stop()
    if failed:
        print("%s, seed %d: %d pages failed" % (who, seed, failed), file=sys.stderr)
    return {key: after[key] - before[key] for key in after}


def print_rows(seen):
    print("%-10s %-24s %20s %20s" % ("", "least, median, most", "tor", "Tunic"))
    for key in sorted({key for runs in seen.values() for run in runs for key in run}):
        both = [[run.get(key, 0) for run in seen[who]] for who in ("tor", "tunic")]
        if any(sum(values) for values in both):
            print("%-10s %-24s %20s %20s" % (*key, *(
                "%g %g %g" % (min(v), statistics.median(v), max(v)) for v in both)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--runs", type=int, default=5, help="of each program (5): 5 minutes each")
    options = parser.parse_args()
    loopback.enter()
    work = tempfile.mkdtemp(prefix="apart-debian-")
    lab = torlab.Lab(work + "/lab")
    for number, node in enumerate(lab.nodes):
        lab.extra_torrc[node.name] = ["MetricsPort %s:%d" % (node.address, METRICS_FROM + number),
                                      "MetricsPortPolicy accept 127.0.0.0/8"]
    seen = {"tor": [], "tunic": []}
    try:
        lab.start()
        for seed in range(options.runs):
            for who in seen:
                seen[who].append(observe(lab, who, "%s/%s%d" % (work, who, seed), seed))
    except KeyboardInterrupt:
        print("stopped after %d of tor" % len(seen["tor"]))
    finally:
        lab.stop()
        shutil.rmtree(work, ignore_errors=True)
    print_rows(seen)


if __name__ == "__main__":
    main()
