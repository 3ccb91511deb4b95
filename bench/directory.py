#!/usr/bin/python3
"""What a directory as large as the public one costs a client: processor, memory, bytes, time.

usage: bench/directory.py [--rounds N] [--phantoms N] [--heap] [--program NAME=PATH ...]   (Tunic, and Debian's tor)

All programs run on one network (`tunic testnet --phantom`), in turn. A round of one program is a start with
an empty DataDirectory, until every microdescriptor is in its files and the bootstrap is done, and a start
with what that left behind, until a page is there. Figures, and their ratios within each round; no verdict.

  cold CPU       of all threads (/proc/PID/task/*/schedstat) until the files are whole: TLS, cells and circuits
                 included
  cold bytes     GETINFO traffic/read then
  warm CPU       until "Bootstrapped 75%": consensus and microdescriptors parsed and verified from the files,
                 and a first link; and what of it is the documents' (less the same program's start on a
                 network of the same relays without phantoms)
  warm page      from starting the process until 2 kB are there; asked for as soon as the SOCKS port accepts
  memory         VmRSS 3 s after the bootstrap, with the cache warm
  peak heap      the most of RssAnon in either start, looked at every 4 ms: heap, stacks, written data pages, no
                 file mapped. With --heap also what valgrind's massif counts in one more start of each kind:
                 what malloc() has handed out, touched or not."""

import argparse
import glob
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path.insert(0, HERE)

import loopback  # noqa: E402
from many import Process, request  # noqa: E402

LOOK_S = 0.004
SETTLED_S = 3
ROWS = [("cold CPU", "s"), ("cold bytes", "MB"), ("cold peak heap", "MB"), ("warm CPU", "s"),
        ("warm CPU, documents", "s"), ("warm page", "s"), ("warm peak heap", "MB"), ("memory", "MB")]
MICRODESCS = ("cached-microdescs", "cached-microdescs.new")


class Run:
    """A program under measure, from its start to end()."""

    def __init__(self, argv):
        self.heap_kb = 0
        self.marks = {}             # of a bootstrap step: CPU until then
        self.said = []
        self.begun = time.monotonic()
        self.popen = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *argv], text=True,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT)
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self.listen, self.look)]
        for thread in self.threads:
            thread.start()

    def listen(self):
        for line in self.popen.stdout:
            match = re.search(r"Bootstrapped (\d+)%", line)
            if match:
                self.marks[int(match.group(1))] = self.cpu_s()
            self.said.append(line)

    def look(self):
        """RssAnon, until the program has ended."""
        while self.popen.poll() is None:
            try:
                self.heap_kb = max(self.heap_kb, self.memory_kb("RssAnon"))
            except (OSError, AttributeError):
                return
            time.sleep(LOOK_S)

    def memory_kb(self, field):
        with open("/proc/%d/status" % self.popen.pid, encoding="ascii") as f:
            return int(re.search(r"^%s:\s+(\d+) kB" % field, f.read(), re.M).group(1))

    def cpu_s(self):
        ns = 0
        for path in glob.glob("/proc/%d/task/*/schedstat" % self.popen.pid):
            try:
                with open(path, encoding="ascii") as f:
                    ns += int(f.read().split()[0])
            except OSError:
                pass            # a thread that ended
        return ns / 1e9

    def wait_for(self, what, done, seconds=300):
        end = time.monotonic() + seconds
        while not done():
            if self.popen.poll() is not None or time.monotonic() > end:
                sys.exit("directory: no %s:\n%s" % (what, "".join(self.said[-30:])))
            time.sleep(LOOK_S)

    def port(self, kind):
        pattern = re.compile(r"%s listener.* on 127\.0\.0\.1:([1-9]\d*)" % kind)
        found = []
        self.wait_for(kind, lambda: found.extend(m.group(1) for m in map(pattern.search, list(self.said))
                                                 if m) or found)
        return int(found[0])

    def traffic_read(self):
        with socket.create_connection(("127.0.0.1", self.port("Control"))) as s:
            s.sendall(b"AUTHENTICATE\r\nGETINFO traffic/read\r\nQUIT\r\n")
            reply = b""
            while b"closing" not in reply:
                reply += s.recv(4096)
        return int(re.search(rb"traffic/read=(\d+)", reply).group(1))

    def page(self):
        """-> seconds from the start until a page of 2 kB is there"""
        with socket.create_connection(("127.0.0.1", self.port("Socks"))) as s:
            s.settimeout(120)
            s.sendall(b"\x05\x01\x00" + request("hello.test", 80) + b"GET /bytes/2048 HTTP/1.0\r\n\r\n")
            got = b""
            while len(got) < 2048:
                more = s.recv(65536)
                assert more, got
                got += more
        return time.monotonic() - self.begun

    def end(self):
        self.popen.send_signal(signal.SIGTERM)
        self.popen.wait()
        for thread in self.threads:
            thread.join()


def arguments(path, torrc, directory, *more):
    return [path, "-f", torrc, "--DataDirectory", directory, "--SocksPort", "auto", "--ControlPort", "auto",
            "--Log", "notice stdout", *more]


def known(directory):
    """How many microdescriptors are in the files."""
    n = 0
    for name in MICRODESCS:
        try:
            with open(os.path.join(directory, name), "rb") as f:
                n += f.read().count(b"\nonion-key\n")
        except OSError:
            pass
    return n


def cold(argv, directory, listed):
    run = Run(argv)
    run.wait_for("end of the bootstrap", lambda: 100 in run.marks)
    while known(directory) < listed:
        run.wait_for("growth", lambda: True)
        time.sleep(0.1)
    out = {"cold CPU": run.cpu_s(), "cold bytes": run.traffic_read() / 1e6}
    time.sleep(1)
    out["cold peak heap"] = run.heap_kb / 1024
    run.end()
    return out


def warm(argv):
    run = Run(argv)
    out = {"warm page": run.page()}
    run.wait_for("end of the bootstrap", lambda: 100 in run.marks)
    time.sleep(SETTLED_S)
    out.update({"warm CPU": run.marks[75], "memory": run.memory_kb("VmRSS") / 1024,
                "warm peak heap": run.heap_kb / 1024})
    run.end()
    return out


def one_round(path, nets, directory):
    os.mkdir(directory, 0o700)
    small, large = (arguments(path, torrc, directory + "/" + name) for name, torrc, _ in nets)
    cold(small, directory + "/small", nets[0][2])
    base = warm(small)
    out = cold(large, directory + "/large", nets[1][2])
    out.update(warm(large))
    out["warm CPU, documents"] = out["warm CPU"] - base["warm CPU"]
    shutil.rmtree(directory)
    return out


def massif_mb(file):
    with open(file, encoding="ascii") as f:
        return max(int(n) for n in re.findall(r"^mem_heap_B=(\d+)", f.read(), re.M)) / 2**20


def heap(name, path, nets, directory):
    """The same two starts in massif, which is slow: figures of bytes only."""
    os.mkdir(directory, 0o700)
    for kind in ("cold", "warm"):
        out = "%s/massif.%s" % (directory, kind)
        argv = ["valgrind", "--tool=massif", "--massif-out-file=" + out,
                *arguments(path, nets[1][1], directory + "/large")]
        if kind == "cold":
            cold(argv, directory + "/large", nets[1][2])
        else:
            warm(argv)
        print("%-22s %-8s %9.2f MB" % ("massif, " + kind, name, massif_mb(out)), flush=True)
    shutil.rmtree(directory)


def network(args, directory, phantoms):
    """-> the process, (its name, its torrc, how many relays its consensus lists)"""
    name = os.path.basename(directory)
    process = Process([args.network, "testnet", "--no-client", "--dir", directory, "--relays", "8",
                       "--phantom", str(phantoms), "--spread", args.spread, *args.network_option], directory + ".log")
    process.wait_for("testnet ready")
    return process, (name, directory + "/client.torrc", 3 + 8 + phantoms)


def table(names, rounds):
    print("%-22s %-3s" % ("", "") + "".join(" %16s" % name for name in names) + "   ratio to %s" % names[-1])
    for row, unit in ROWS:
        cells = ""
        for i in range(len(names)):
            values = [r[i][row] for r in rounds]
            cells += " %16s" % ("%.3f (%.2f-%.2f)" % (statistics.median(values), min(values), max(values)))
        ratios = [r[0][row] / r[-1][row] for r in rounds if r[-1][row] > 0]
        cells += "   %.3f (%.2f-%.2f)" % (statistics.median(ratios), min(ratios), max(ratios)) if ratios else ""
        print("%-22s %-3s%s" % (row, unit, cells), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--phantoms", type=int, default=10000)
    parser.add_argument("--spread", default="light")
    parser.add_argument("--heap", action="store_true")
    parser.add_argument("--network", default=os.path.join(TOP, "build", "tunic"))
    parser.add_argument("--network-option", action="append", default=[])
    parser.add_argument("--program", action="append", metavar="NAME=PATH")
    args = parser.parse_args()
    if not loopback.enter():
        sys.exit("directory: no network namespace of its own is to be had here")
    programs = [p.split("=", 1) for p in args.program or
                ["Tunic=" + os.path.join(TOP, "build", "tunic"), "tor=" + shutil.which("tor")]]
    directory = tempfile.mkdtemp(prefix="tunic-directory-")
    processes, nets = zip(*(network(args, directory + "/" + name, n)
                            for name, n in (("small", 0), ("large", args.phantoms))))
    try:
        rounds = []
        for n in range(args.rounds):
            rounds.append([one_round(path, nets, "%s/run-%d-%s" % (directory, n, name))
                           for name, path in programs])
            print("round %d of %d" % (n + 1, args.rounds), file=sys.stderr, flush=True)
        if rounds:
            table([name for name, _ in programs], rounds)
        for name, path in programs if args.heap else []:
            heap(name, path, nets, "%s/heap-%s" % (directory, name))
    finally:
        for process in processes:
            process.end()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
