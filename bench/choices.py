#!/usr/bin/python3
"""Which relays Debian's tor and Tunic choose, over one consensus of 10,000 relays as different as the
public network's: each against what the specifications say, and one against the other.

usage: bench/choices.py [--paths N]        BUILD: where the programs are (build)

tor is told to begin circuits where there is no network (EXTENDCIRCUIT 0, without entry guards) and
logs whom it chose; Tunic's part is tests/path/draw. The tests are those of tests/path/choices, and a
chi-square test of two samples for each place of the path."""

import argparse
import importlib.machinery
import importlib.util
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter

import stem.control

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("BUILD", os.path.join(TOP, "build"))
loader = importlib.machinery.SourceFileLoader("choices", TOP + "/tests/path/choices")
choices = importlib.util.module_from_spec(importlib.util.spec_from_loader("choices", loader))
sys.dont_write_bytecode = True
loader.exec_module(choices)
HOP = re.compile(r"Chose router \$([0-9A-F]{40})\S* .* for hop #(\d)")
START_S, PENDING = 60, 500
PREDICTED = {"predicted": "443"}    # what tor expects of a user who has asked for nothing yet


class Tor:
    """tor on the caches in FOLDER, with no network at all."""

    def __init__(self, folder):
        self.log, self.socket = folder + "/log", folder + "/control"
        self.process = subprocess.Popen(
            ["unshare", "--net", "tor", "-f", folder + "/torrc", "--defaults-torrc", "/dev/null",
             "--SocksPort", "0", "--ControlSocket", self.socket, "--UseEntryGuards", "0",
             "--__DisablePredictedCircuits", "1", "--ConfluxEnabled", "0",
             "--LearnCircuitBuildTimeout", "0", "--MaxClientCircuitsPending", "1024",
             # It refuses to begin more once too many of the last period have failed.
             "--NewCircuitPeriod", "1000000", "--SafeLogging", "0", "--Log", "[circ]debug file " + self.log],
            stdout=subprocess.DEVNULL)

    def talk(self):
        end = time.monotonic() + START_S
        while not os.path.exists(self.socket) and time.monotonic() < end:
            time.sleep(0.1)
        controller = stem.control.Controller.from_socket_file(self.socket)
        controller.authenticate()
        while controller.get_info("status/enough-dir-info") != "1":
            time.sleep(0.1)
        controller.close()

    def begin(self, n):
        """Has N circuits begun, so many at a time as may be pending; that they fail is answered."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.socket)
            answers = s.makefile("r")
            s.sendall(b"AUTHENTICATE\r\n")
            answers.readline()
            for done in range(0, n, PENDING):
                now = min(PENDING, n - done)
                s.sendall(b"EXTENDCIRCUIT 0\r\n" * now)
                for _ in range(now):
                    answers.readline()

    def paths(self, rows):
        """[(guard, middle, exit)] of the log."""
        out, path = [], []
        with open(self.log, encoding="utf-8", errors="replace") as f:
            for line in f:
                hop = HOP.search(line)
                if not hop:
                    continue
                path = path[:int(hop[2]) - 1] + [rows.get(hop[1])]
                if len(path) == 3:
                    out.append(tuple(path))
        return out


def compare(first, second, checks):
    """Chi-square of two samples of one size."""
    for place, name in enumerate(("guards", "middles", "exits")):
        a, b = Counter(p[place] for p in first), Counter(p[place] for p in second)
        x, bins, left = 0.0, 0, [0, 0]
        for i in sorted(a.keys() | b.keys()):
            left = [left[0] + a[i], left[1] + b[i]]
            if sum(left) >= 2 * choices.EXPECTED_LEAST:
                x, bins, left = x + (left[0] - left[1]) ** 2 / sum(left), bins + 1, [0, 0]
        p = choices.tail(x, bins)
        print("tor and Tunic, %s: chi-square %.1f of %d bins, p = %.2g" % (name, x, bins, p))
        if p < choices.P_LEAST:
            checks.fail("tor and Tunic choose other %s" % name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paths", type=int, default=1000,
                        help="of each program; tor begins no more than some 1,000 that fail")
    args = parser.parse_args()
    checks = choices.Checks()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([BUILD + "/tunic", "forge", "consensus", "--phantom", str(choices.RELAYS),
                        "--seed", "a", "--out", folder], check=True, stdout=subprocess.DEVNULL)
        os.chmod(folder + "/data", 0o700)
        files = [folder + "/data/cached-microdesc-consensus", folder + "/data/cached-microdescs"]
        net = choices.Network(files[0], choices.read_microdescs(files[1]))
        tor = Tor(folder)
        try:
            tor.talk()
            begun = time.monotonic()
            tor.begin(args.paths)
            print("tor: %.0f paths a second" % (args.paths / (time.monotonic() - begun)))
        finally:
            tor.process.kill()
            tor.process.wait()
        theirs = tor.paths(net.by_fingerprint)
        print("tor chose %d paths" % len(theirs))
        done = subprocess.run([BUILD + "/tests/path/draw", *files, str(len(theirs)), "1",
                               "predicted", "443"], check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        print("Tunic: " + done.stderr.strip())
        ours = [tuple(map(int, x.split())) for x in done.stdout.splitlines()]
    for name, paths in (("tor", theirs), ("Tunic", ours)):
        case = choices.Case(name, len(paths), net, PREDICTED)
        choices.check_rules(case, paths, checks)
        choices.check_exits(case, paths, checks)
        choices.check_guards(case, paths, checks)
        choices.check_middles(case, paths, checks)
    print("%d chi-square tests against path-spec, least p = %.2g" % (checks.n, checks.worst))
    compare(theirs, ours, checks)
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
