#!/usr/bin/python3
"""Tunic and Debian's tor as the relays of test networks see them: a table of what each does in two
minutes, its least, median and most; what of Tunic's lies outside of tor's is marked.

usage: bench/apart/run [--quick] [--runs N] [--at-once N] [--keep FILE]
"""

import argparse
import collections
import concurrent.futures
import os
import pickle
import shutil
import statistics
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.dirname(HERE)
sys.path[:0] = [HERE, BENCH, os.path.join(os.path.dirname(BENCH), "tests", "net")]

import figures      # noqa: E402
import loopback     # noqa: E402
import one          # noqa: E402

# Both with their defaults: congestion control, CGO, conflux.
PARAMS = "cc_alg=2"
TOR_OPTIONS = []
SPANS = [("after", "from 100% on, two minutes"), ("before", "until 100%")]


def all_runs(n, starts):
    """Both programs in turn, so that both meet the same load."""
    return [one.Run(who, how, seed) for seed in range(n) for how in starts
            for who in ("tor", "tunic")]


def perform(runs, options):
    work = tempfile.mkdtemp(prefix="apart-")
    done = []
    try:
        with concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
            jobs = {}
            for number, run in enumerate(runs):
                jobs[pool.submit(run.go, "%s/%d" % (work, number), options, TOR_OPTIONS)] = run
            for job in concurrent.futures.as_completed(jobs):
                run = jobs[job]
                if job.exception():
                    print("%s, %s, run %d: %r" % (run.who, run.how, run.seed, job.exception()),
                          file=sys.stderr, flush=True)
                else:
                    done.append(run)
                    if options.keep:
                        with open(options.keep, "ab") as f:
                            pickle.dump(run, f)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return done


def load(paths):
    runs = []
    for path in paths:
        with open(path, "rb") as f:
            while True:
                try:
                    runs.append(pickle.load(f))
                except EOFError:
                    break
    return runs


def spread(values):
    return "%g %g %g" % (min(values), statistics.median(values), max(values))


def mark(tors, ours):
    """"**": our median lies outside of all tor's; "*": some of ours do."""
    lo, hi = min(tors), max(tors)
    if not lo <= statistics.median(ours) <= hi:
        return "**"
    out = sum(not lo <= v <= hi for v in ours)
    return "*%d" % out if out else ""


def print_table(runs, how):
    rows = collections.defaultdict(lambda: {"tor": [], "tunic": []})
    n = collections.Counter(run.who for run in runs)
    for run in runs:
        for key, value in figures.of_run(run).items():
            rows[key][run.who].append(value)
    print("\n%s start: %d of tor, %d of Tunic; least, median, most" % (
        how, n["tor"], n["tunic"]))
    for span, title in SPANS:
        print("\n  %-48s %20s %20s" % (title, "tor", "Tunic"))
        for name in sorted(name for s, name in rows if s == span):
            tors, ours = (rows[span, name][who] + [0] * (n[who] - len(rows[span, name][who]))
                          for who in ("tor", "tunic"))
            print("  %-48s %20s %20s %s" % (name, spread(tors), spread(ours), mark(tors, ours)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="3 of each: less than 3 minutes")
    parser.add_argument("--runs", type=int, default=20, help="of each program and start (20)")
    parser.add_argument("--starts", default="cold,warm")
    parser.add_argument("--at-once", type=int, default=12)
    parser.add_argument("--relays", type=int, default=16)
    parser.add_argument("--phantom", type=int, default=300)
    parser.add_argument("--params", default=PARAMS, help="of the consensus (%(default)s)")
    parser.add_argument("--network-option", action="append", default=[],
                        help="word for tunic testnet: --network-option=--delay")
    parser.add_argument("--keep", help="what was seen is added to this file")
    parser.add_argument("--look", nargs="+", help="the table of files that --keep made")
    options = parser.parse_args()
    starts = options.starts.split(",")
    if not options.look:
        loopback.enter()
        begun = time.monotonic()
        runs = perform(all_runs(3 if options.quick else options.runs, starts), options)
        print("%d runs in %d s, %d pages failed" % (
            len(runs), time.monotonic() - begun, sum(run.failed_pages for run in runs)))
    else:
        runs = load(options.look)
    for how in starts:
        of_start = [run for run in runs if run.how == how]
        if {run.who for run in of_start} == {"tor", "tunic"}:
            print_table(of_start, how)


if __name__ == "__main__":
    main()
