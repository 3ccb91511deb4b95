#!/usr/bin/python3
"""What a coordinator pays for the results that it has: processor seconds until it serves, and how
long its answers take while results are read.

usage: bench/coordinator.py [--relays 1000] [--days 60] [--starts 3]

Makes results as bench/report.py does, all of them at one address and all but two days compressed.
Then `ctl status` again and again while somebody is told one relay's results, and while somebody is
told all of them. TUNIC is the program, as an absolute path, else build/tunic.

usage: bench/coordinator.py --network FOLDER

What it pays for a network: FOLDER is of `tunic forge consensus --count 10000 --out FOLDER` (some
minutes). Until each relay is described, then told of each (`relays`, and the schedule), and for all
but one of them becoming new ones of a day's schedule at once. Nobody is measured: forged relays are
nowhere."""

import argparse
import gzip
import json
import os
import random
import re
import signal
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
    def __init__(self, folder, *more):
        data = os.path.join(folder, "data")
        log = self.log = os.path.join(folder, "log")
        self.socket = os.path.join(data, "ctl")
        os.makedirs(data, 0o700, exist_ok=True)
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                [TUNIC, "measure", "coord", "--datadir", data, "--keydir",
                 os.path.join(folder, "keys"), "--resultsdir", os.path.join(folder, "results"),
                 "--listen-addr", "localhost:0" if not more else "localhost:12999", "--every", "0",
                 "--compress", "0", *more],
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

    def answer(self, **order):
        """Objects."""
        text = b""
        with self.ask(**order) as s:
            while not text.endswith(END):
                more = s.recv(1 << 20)
                if not more:
                    raise SystemExit("the coordinator hung up after %d bytes" % len(text))
                text += more
        return [json.loads(line) for line in text.splitlines()]

    def memory(self):
        """MB: resident now, and at most"""
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as f:
            lines = dict(line.split(":", 1) for line in f)
        return tuple(int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))

    def told(self, **order):
        """-> seconds, bytes, and the slowest `status` meanwhile"""
        began, size, tail, slowest = time.monotonic(), 0, b"", 0
        with self.ask(**order) as s:
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


def wait_for(what, patience=600):
    end = time.monotonic() + patience
    while not (got := what()):
        if time.monotonic() > end:
            raise SystemExit("it does not come")
        time.sleep(.1)
    return got


def keygen(folder, name):
    done = subprocess.run([TUNIC, "measure", "keygen", name, "--out", os.path.join(folder, "keys")],
                          check=True, stdout=subprocess.PIPE, text=True)
    return re.search(r"sha256//\S+", done.stdout).group(0)


def new_ones(folder, c, n, pin):
    """One relay has a plan, and then there are all the others."""
    measurer = subprocess.Popen(
        [TUNIC, "measure", "measurer", "--name", "m1", "--keydir", os.path.join(folder, "keys"),
         "--coord-addr", "127.0.0.1:12999", "--coord-pin", pin, "--bw", "1gbit"],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        c.answer(cmd="schedule", do="start")
        planned = lambda: sum(c.answer(cmd="schedule")[0].get("counts", {}).values())
        wait_for(lambda: planned() == 1)
        before, began = c.seconds(), time.monotonic()
        write_relays(folder, n)
        c.process.send_signal(signal.SIGHUP)
        wait_for(lambda: planned() == n)
        print("%d new relays of the day: %.2f s of processor time, %.1f s" %
              (n - 1, c.seconds() - before, time.monotonic() - began), flush=True)
    finally:
        measurer.kill()
        measurer.wait()


def write_relays(folder, n):
    """That have opted in, each on a host of its own, where nobody is."""
    with open(os.path.join(folder, "relays"), "w", encoding="ascii") as f:
        for i in range(1, n + 1):
            f.write("%040X@127.%d.%d.%d:9 1mbit\n" % (i, 100 + (i >> 16), i >> 8 & 255, i & 255))


def of_a_network(folder, network):
    pins = {name: keygen(folder, name) for name in ("coord", "m1")}
    os.mkdir(os.path.join(folder, "results"))
    write_relays(folder, 1)
    began = time.monotonic()
    c = Coordinator(folder, "--directory", os.path.join(network, "data"), "--torrc",
                    os.path.join(network, "torrc"), "--relays", os.path.join(folder, "relays"),
                    "--measurer", "m1 %s 1gbit" % pins["m1"])
    print("serves after %.2f s of processor time, %.1f s" % (c.seconds(), time.monotonic() - began),
          flush=True)

    def described():
        with open(c.log, encoding="utf-8") as f:
            got = re.search(r"; (\d+) of (\d+) relays are described", f.read())
        return got and got.group(1) == got.group(2) and got.group(1)
    n, slowest = None, 0
    while not n:
        slowest = max(slowest, c.status())
        time.sleep(.02)
        n = described()
    print("%s relays are described after %.2f s of processor time, %.1f s; %.0f MB, %.0f at most; "
          "the slowest status meanwhile %.3f s" %
          (n, c.seconds(), time.monotonic() - began, *c.memory(), slowest), flush=True)
    before = c.seconds()
    print("all relays: %.2f s, %d bytes; the slowest status %.3f s" % c.told(cmd="relays"), end="; ")
    print("%.2f s of processor time" % (c.seconds() - before), flush=True)
    new_ones(folder, c, int(n), pins["coord"])
    print("all of the schedule: %.2f s, %d bytes; the slowest status %.3f s; %.0f MB, %.0f at most" %
          (*c.told(cmd="schedule", do="show"), *c.memory()), flush=True)
    c.end()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--relays", type=int, default=1000)
    p.add_argument("--days", type=int, default=60)
    p.add_argument("--starts", type=int, default=3)
    p.add_argument("--network", help="a folder that tunic forge made")
    args = p.parse_args()
    if args.network:
        with tempfile.TemporaryDirectory(prefix="tunic-bench-") as folder:
            of_a_network(folder, os.path.realpath(args.network))
        return
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
                  (what, *c.told(cmd="results", **order)), flush=True)
        c.end()


if __name__ == "__main__":
    main()
