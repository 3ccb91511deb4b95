#!/usr/bin/python3
"""What a test network costs: time from the command to the page, memory, a directory of full size, and
scenarios of the simulator. usage: bench/testnet.py [--rounds N]      TUNIC, SIM: the programs

Memory is the peak of the process with network and client (VmHWM, as /proc has it at the end)."""

import argparse
import os
import re
import statistics
import subprocess
import time

TUNIC = os.environ.get("TUNIC", "build/tunic")
SIM = os.environ.get("SIM", "build/tests/sim/sim")
PEAK = "grep VmHWM /proc/$PPID/status >&2"


def page(*options):
    """Seconds from the command to the page, and the peak in MB."""
    begun = time.monotonic()
    done = subprocess.run([TUNIC, "testnet", *options, "--", "sh", "-c",
                           "curl -sS http://hello.test/ && " + PEAK],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
    took = time.monotonic() - begun
    assert "through three relays" in done.stdout
    return took, int(re.search(r"VmHWM:\s+(\d+) kB", done.stderr).group(1)) / 1024


def transfer(megabytes):
    """Seconds for a download, all of client, network and server in one process."""
    command = "curl -sS -o /dev/null -w '%%{time_total}' http://hello.test/bytes/%d && %s" % (
        megabytes * 1000000, PEAK)
    done = subprocess.run([TUNIC, "testnet", "--relays", "10", "--", "sh", "-c", command],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
    return float(done.stdout), int(re.search(r"VmHWM:\s+(\d+) kB", done.stderr).group(1)) / 1024


def show(name, values, unit):
    print("%-58s %8.2f %s (%.2f..%.2f)" % (name, statistics.median(values), unit, min(values),
                                           max(values)), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    for name, options in (("3 authorities, 8 relays", ()),
                          ("3 authorities, 10 relays", ("--relays", "10")),
                          ("10,000 phantoms besides", ("--phantom", "10000"))):
        runs = [page(*options) for _ in range(rounds)]
        show(name + ": command to page", [r[0] for r in runs], "s")
        show(name + ": peak memory", [r[1] for r in runs], "MB")
    runs = [transfer(100) for _ in range(max(1, rounds // 3))]
    show("100 MB through three of 10 relays, all in one process", [r[0] for r in runs], "s")
    show("the same: peak memory", [r[1] for r in runs], "MB")
    if os.path.exists(SIM):
        out = subprocess.run([SIM, "--from", "1", "--count", "1000"], stdout=subprocess.PIPE,
                             text=True, check=True).stdout
        print("simulator: " + out.strip().splitlines()[0])


if __name__ == "__main__":
    main()
