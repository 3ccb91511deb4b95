#!/usr/bin/python3
"""What a coordinator pays for the results that it has: processor seconds until it serves, and how
long its answers take while results are read.

usage: bench/coordinator.py [--relays 1000] [--days 60] [--starts 3]

Makes results as bench/report.py does, all of them at one address and all but two days compressed.
Then `ctl status` again and again while somebody is told one relay's results, and while somebody is
told all of them. TUNIC is the program, as an absolute path, else build/tunic."""

import argparse
import gzip
import json
import os
import random
import socket
import subprocess
import tempfile
import time

from report import DAY, TUNIC, fingerprint, one_run

END = b'{"event":"end"}\n'


def make(folder, relays, days):
    dice = random.Random(1)
    today = int(time.time()) // DAY * DAY
    for ago in range(days, 0, -1):
        name = time.strftime("%Y-%m-%d.jsonl", time.gmtime(today - ago * DAY))
        path = os.path.join(folder, name)
        with gzip.open(path + ".gz", "wt", 6) if ago > 2 else open(path, "w", encoding="ascii") as f:
            for i in range(relays):
                at = today - ago * DAY + i * (DAY - 120) // relays
                for line in one_run(dice, ago * relays + i + 1, fingerprint(i), at, 10 ** 6 + i):
                    line["addr"] = "203.0.113.1:9001"
                    f.write(json.dumps(line, separators=(",", ":")) + "\n")


class Coordinator:
    def __init__(self, folder):
        data = os.path.join(folder, "data")
        log = os.path.join(folder, "log")
        self.socket = os.path.join(data, "ctl")
        os.makedirs(data, 0o700, exist_ok=True)
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                [TUNIC, "measure", "coord", "--datadir", data, "--keydir",
                 os.path.join(folder, "keys"), "--resultsdir", os.path.join(folder, "results"),
                 "--listen-addr", "localhost:0", "--every", "0", "--compress", "0"],
                cwd=folder, stdout=out, stderr=out)
        while True:
            with open(log, encoding="utf-8") as f:
                text = f.read()
            if "orders on" in text:
                break
            if self.process.poll() is not None:
                raise SystemExit(text)
            time.sleep(.02)

    def seconds(self):
        with open("/proc/%d/stat" % self.process.pid, encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, **order):
        s = socket.socket(socket.AF_UNIX)
        s.connect(self.socket)
        s.sendall((json.dumps(order) + "\n").encode())
        return s

    def status(self):
        began, tail = time.monotonic(), b""
        with self.ask(cmd="status") as s:
            while not tail.endswith(END):
                tail = tail[-len(END):] + s.recv(1 << 16)
        return time.monotonic() - began

    def results(self, **order):
        """-> seconds, bytes, and the slowest `status` meanwhile"""
        began, size, tail, slowest = time.monotonic(), 0, b"", 0
        with self.ask(cmd="results", **order) as s:
            s.setblocking(False)
            while not tail.endswith(END):
                slowest = max(slowest, self.status())
                try:
                    while not tail.endswith(END):
                        more = s.recv(1 << 16)
                        if not more:
                            raise SystemExit("the coordinator hung up")
                        size += len(more)
                        tail = tail[-len(END):] + more
                except BlockingIOError:
                    time.sleep(.005)
        return time.monotonic() - began, size, slowest

    def end(self):
        self.process.kill()
        self.process.wait()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--relays", type=int, default=1000)
    p.add_argument("--days", type=int, default=60)
    p.add_argument("--starts", type=int, default=3)
    args = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="tunic-bench-") as folder:
        os.mkdir(os.path.join(folder, "results"))
        make(os.path.join(folder, "results"), args.relays, args.days)
        subprocess.run([TUNIC, "measure", "keygen", "coord", "--out", os.path.join(folder, "keys")],
                       check=True, stdout=subprocess.DEVNULL)
        for _ in range(args.starts):
            c = Coordinator(folder)
            print("serves after %.2f s of processor time" % c.seconds(), flush=True)
            c.end()
        c = Coordinator(folder)
        for what, order in (("one relay's", {"relay": fingerprint(7)}), ("all", {})):
            print("%s results: %.1f s, %d bytes; the slowest status %.3f s" %
                  (what, *c.results(**order)), flush=True)
        c.end()


if __name__ == "__main__":
    main()
