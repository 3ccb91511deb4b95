#!/usr/bin/python3
"""What controllers ask of a directory as large as the public one: how long the answers take, and what
they cost in memory.

usage: bench/answers.py [--rounds N] [--phantoms N] [--program NAME=PATH ...]     (Tunic, and Debian's tor)

All programs run on one network (`tunic testnet --phantom`), asked in turn over one connection. Of each
question the median of the rounds: milliseconds until the whole answer is here, and by how much VmRSS was
higher at most while it was made, and after. Memory is looked at 3 s after "Bootstrapped 100%" before that.
Figures, no verdict."""

import argparse
import os
import re
import shutil
import socket
import statistics
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path.insert(0, HERE)

import loopback  # noqa: E402
from many import Process  # noqa: E402

COUNTRIES = 10000       # addresses, asked for without waiting for answers
QUESTIONS = ["ns/all", "md/all", "dir/status-vote/current/consensus-microdesc",
             "ip-to-country/192.0.2.1", "ip-to-country/2001:db8::1"]


class Asked:
    """A program with a controller's connection."""

    def __init__(self, name, path, network, directory):
        self.name = name
        os.mkdir(directory, 0o700)
        self.process = Process([path, "-f", network, "--DataDirectory", directory, "--SocksPort",
                                "auto", "--ControlPort", "auto", "--Log", "notice stdout"],
                               directory + ".log")
        port = self.process.wait_for(r"Control listener.* on 127\.0\.0\.1:([1-9]\d*)").group(1)
        self.process.wait_for("Bootstrapped 100%", 120)
        time.sleep(3)
        self.idle_kb = self.memory("VmRSS")
        self.sock = socket.create_connection(("127.0.0.1", int(port)))
        self.ask("AUTHENTICATE")

    def memory(self, field):
        with open("/proc/%d/status" % self.process.popen.pid, encoding="ascii") as f:
            return int(re.search(r"^%s:\s+(\d+) kB" % field, f.read(), re.M).group(1))

    def ask(self, commands, n=1):
        """-> the replies of N commands that can be granted"""
        self.sock.sendall(commands.encode() + b"\r\n")
        reply = bytearray()
        while not (reply.endswith(b"250 OK\r\n") and reply.count(b"250 OK\r\n") >= n):
            more = self.sock.recv(1 << 20)
            assert more and not reply.startswith(b"5"), bytes(reply[:200])
            reply += more
        return reply

    def measure(self, commands, n=1):
        """-> bytes, ms, kB more at most, kB more afterwards"""
        with open("/proc/%d/clear_refs" % self.process.popen.pid, "w", encoding="ascii") as f:
            f.write("5")        # VmHWM begins anew
        before, begun = self.memory("VmRSS"), time.monotonic()
        size = len(self.ask(commands, n))
        ms = (time.monotonic() - begun) * 1000
        return size, ms, self.memory("VmHWM") - before, self.memory("VmRSS") - before


def questions():
    for question in QUESTIONS:
        yield question, "GETINFO " + question, 1
    addresses = ("%d.%d.3.4" % (1 + i % 220, i // 220) for i in range(COUNTRIES))
    yield ("ip-to-country, %d addresses" % COUNTRIES,
           "\r\n".join("GETINFO ip-to-country/" + a for a in addresses), COUNTRIES)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--phantoms", type=int, default=10000)
    parser.add_argument("--network", default=os.path.join(TOP, "build", "tunic"))
    parser.add_argument("--program", action="append", metavar="NAME=PATH")
    args = parser.parse_args()
    if not loopback.enter():
        sys.exit("answers: no network namespace of its own is to be had here")
    programs = args.program or ["Tunic=" + os.path.join(TOP, "build", "tunic"),
                                "tor=" + shutil.which("tor")]
    directory = tempfile.mkdtemp(prefix="tunic-answers-")
    network = Process([args.network, "testnet", "--no-client", "--dir", directory + "/net", "--relays",
                       "8", "--phantom", str(args.phantoms)], directory + "/network.log")
    network.wait_for("testnet ready")
    try:
        asked = [Asked(*program.split("=", 1), directory + "/net/client.torrc",
                       "%s/%d" % (directory, i)) for i, program in enumerate(programs)]
        for one in asked:
            print("%-8s %8.1f MB before anything is asked" % (one.name, one.idle_kb / 1024))
        print("%-46s %-8s %9s %9s %9s %9s" % ("", "", "bytes", "ms", "kB most", "kB after"))
        for what, commands, n in questions():
            runs = [[one.measure(commands, n) for one in asked] for _ in range(args.rounds)]
            for i, one in enumerate(asked):
                rows = list(zip(*(run[i] for run in runs)))
                first = "" if rows[1][0] < 2 * statistics.median(rows[1]) else (
                    " (the first %.0f ms, %d kB)" % (rows[1][0], rows[3][0]))
                print("%-46s %-8s %9d %9.1f %9d %9d%s" % (
                    what, one.name, rows[0][0], *(statistics.median(row) for row in rows[1:]),
                    first), flush=True)
                time.sleep(0.2)
        for one in asked:
            one.process.end()
    finally:
        network.end()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
