#!/usr/bin/python3
"""What `tunic measure report` takes for a large network: seconds, and the most memory.

usage: bench/report.py [--relays 10000] [--days 30] [--folder DIR]

Makes results as a coordinator with three measurers writes them (one run a relay and day, 30 seconds
each; one in 20 without a figure), and what the relays carry in truth; then the pages, one relay's
report and FlashFlow's lines of them. With --folder what was made stays there, and is used again."""

import argparse
import json
import os
import random
import subprocess
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TUNIC = os.environ.get("TUNIC", os.path.join(TOP, "build", "tunic"))
DAY, SECONDS = 24 * 3600, 30
SHARES = {"ams": .5, "fra": .3, "nyc": .2}
RTT = {"ams": 12, "fra": 20, "nyc": 95}
FAILURES = ["timeout", "timeout", "relay_lost", "inconclusive"]


def fingerprint(i):
    return "%040X" % ((i + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC8341082276B % (1 << 160))


def one_run(dice, number, fp, at, truth):
    alloc = {m: int(truth * 2.953 * share) for m, share in SHARES.items()}
    begin = {"t": "begin", "id": number, "ts": at, "fp": fp, "mode": "flashflow", "dur": SECONDS,
             "r": .25, "prior": truth, "alloc": alloc, "sockets": 160, "check": 1.0}
    end = {"t": "end", "id": number, "ts": at + SECONDS + 5, "fp": fp, "mode": "flashflow",
           "began": at}
    if dice.random() < .05:
        end.update(ok=False, why=dice.choice(FAILURES), detail="as it came", checked=0, bad=0)
        return begin, end
    bg = [int(truth * dice.uniform(.02, .2)) for _ in range(SECONDS)]
    much = dice.random() < .05
    claimed = [b * 3 if much else b for b in bg]
    seen = {m: share * dice.uniform(.8, 1.2) for m, share in SHARES.items()}
    every = sum(seen.values())
    rows = {m: [max(0, int((truth * dice.uniform(.97, 1.03) - b) * share / every)) for b in bg]
            for m, share in seen.items()}
    x = [sum(row[i] for row in rows.values()) for i in range(SECONDS)]
    trusted = [min(c, v // 3) for c, v in zip(claimed, x)]
    total = sorted(v + t for v, t in zip(x, trusted))
    end.update(ok=True, bw=total[15], x=sorted(x)[15], bg=sorted(trusted)[15], p10=total[3],
               p90=total[26], limited_by="relay", clamped=SECONDS if much else 0, counted=29,
               checked=sum(x) // 509, bad=0, tries=1, bytes=2 * sum(x),
               sec={"m": rows, "wire": [2 * v for v in x], "bg_sent": claimed, "bg_recv": claimed,
                    "trusted": trusted},
               blocked={m: .95 for m in SHARES}, rtt_ms={m: RTT[m] + dice.randrange(9) for m in RTT},
               cpu={m: .2 for m in SHARES})
    return begin, end


def make(folder, relays, days):
    dice = random.Random(1)
    truths = [int(10 ** dice.gauss(6.3, .7)) for _ in range(relays)]
    fps = [fingerprint(i) for i in range(relays)]
    with open(os.path.join(folder, "truth"), "w", encoding="ascii") as f:
        f.writelines("%s %d\n" % row for row in zip(fps, truths))
    now = int(time.time())
    today = now - now % DAY
    number = 0
    for ago in range(days - 1, -1, -1):
        path = os.path.join(folder, "results",
                            time.strftime("%Y-%m-%d.jsonl", time.gmtime(today - ago * DAY)))
        with open(path, "w", encoding="ascii") as f:
            for i in range(relays):
                number += 1
                at = today - ago * DAY + i * (DAY - 120) // relays
                if at > now - 60:
                    break
                for line in one_run(dice, number, fps[i], at, truths[i]):
                    f.write(json.dumps(line, separators=(",", ":")) + "\n")
    return fps


def timed(what, argv, folder):
    began = time.monotonic()
    with open(os.path.join(folder, "out"), "wb") as out:
        child = subprocess.Popen(argv, stdout=out, cwd=folder)
        _, status, used = os.wait4(child.pid, 0)
    print("%s: %.1f s, %.1f s of a processor, %.0f MB at most, exit status %d" % (
        what, time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024,
        os.waitstatus_to_exitcode(status)))


def measure(folder, relays, days):
    results = os.path.join(folder, "results")
    if not os.path.isdir(results):
        os.makedirs(results)
        make(folder, relays, days)
    size = sum(os.path.getsize(os.path.join(results, f)) for f in os.listdir(results))
    print("%d relays, %d days, %.0f MB of results; load %.1f" % (
        relays, days, size / 1e6, os.getloadavg()[0]))
    report = [TUNIC, "measure", "report", "results"]
    timed("pages and plots", report + ["--out", "pages", "--truth", "truth"], folder)
    timed("one relay", report + ["--relay", fingerprint(0)], folder)
    timed("FlashFlow's lines", report + ["--classic"], folder)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("--relays", type=int, default=10000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--folder")
    args = parser.parse_args()
    if args.folder:
        measure(os.path.abspath(args.folder), args.relays, args.days)
        return
    with tempfile.TemporaryDirectory(prefix="report-") as folder:
        measure(folder, args.relays, args.days)


if __name__ == "__main__":
    main()
