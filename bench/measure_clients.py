#!/usr/bin/python3
"""Relays of `tunic testnet` measured while clients use them: Debian's tor downloads through the relay
at a share of its rate, and a coordinator with a measurer measures it.

usage: bench/measure_clients.py [--runs N] [--rates 2,5,10] [--shares 0,10,25,60] [--seconds N]
                                [--at-once N] [--log FILE]

RATES in MB/s, SHARES in percent of it. A line of JSON a run, then a table: the figure by the rate
(tor's cells and ours, both within the relay's limit), what clients had each second by what they
may have (r of the total, or r of what goes with 10 Mbit/s of echoes) and by what they want, where they
want more than that the least second by the floor, and what the relay told of them (MEAS_BG) by what the node counted over the same seconds. With --log
runs that stand in FILE are not made again."""

import argparse
import concurrent.futures
import glob
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "net"))

from privnet import bound_to_parent, find_program, read_text, write_text  # noqa: E402

TUNIC = os.environ.get("TUNIC", os.path.join(TOP, "build", "tunic"))
MB = 1024 * 1024            # as `--rate 5MB` has it
R = 25                      # FFBackgroundTrafficPercent
FLOOR_X = 10 * 1000 * 1000 // 8     # of echoes: so much of clients always passes as goes with it
CELL, DATA = 514, 488       # of a cell with congestion control
PIN = re.compile(r"sha256//[A-Za-z0-9+/]{43}=")
WAIT_S = 60


def wait_for(what, why):
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        found = what()
        if found:
            return found
        time.sleep(.05)
    raise SystemExit("in vain: " + why)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# ---- clients ----

class Client:
    """Debian's tor, whose first relay is the measured one: it downloads what a server of ours has for
    it, so many bytes a second."""

    def __init__(self, folder, entry, rate):
        self.port, self.rate = free_port(), rate
        self.server = socket.create_server(("127.0.0.1", 0))
        argv = [find_program("tor"), "-f", os.environ["TUNIC_TESTNET_TORRC"], "--DataDirectory",
                folder + "/data", "--SocksPort", str(self.port), "--Log",
                "notice file %s/log" % folder, "--EntryNodes", "$" + entry, "--ConfluxEnabled", "0"]
        os.mkdir(folder)
        self.process = subprocess.Popen(bound_to_parent(argv), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: "Bootstrapped 100%" in read_text(folder + "/log"), "the client")
        threading.Thread(target=self.serve, daemon=True).start()
        threading.Thread(target=self.read, daemon=True).start()

    def serve(self):
        """What cannot go for longer than a second is not made good later."""
        s, _ = self.server.accept()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        begun, sent, piece = time.monotonic(), 0, bytes(max(498, int(self.rate) // 50))
        while True:
            s.sendall(piece)
            sent += len(piece)
            ahead = sent / self.rate - (time.monotonic() - begun)
            time.sleep(max(0, ahead))
            begun -= min(0, ahead + 1)

    def read(self):
        with socket.create_connection(("127.0.0.1", self.port)) as s:
            s.sendall(b"\x05\x01\x00\x05\x01\x00\x03\x08any.test" +
                      self.server.getsockname()[1].to_bytes(2, "big"))
            while s.recv(65536):
                pass

    def stop(self):
        self.process.kill()
        self.process.wait()


# ---- what the node counts ----

class Counts:
    """What guard1 has carried for clients, looked at again and again, from its first echo on."""

    def __init__(self):
        self.rows = []
        threading.Thread(target=self.look, daemon=True).start()

    def look(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(os.environ["TUNIC_TESTNET_DIR"] + "/control")
            f = s.makefile("rw")
            while True:
                f.write("counts\n")
                f.flush()
                counts = json.loads(f.readline())["guard1"]
                self.rows.append((time.monotonic(), counts["client_bytes_in"], counts["client_bytes_out"],
                                  counts["echoes"]))
                time.sleep(.02)

    def between(self, at, column, seconds):
        """Bytes from AT seconds after the first echo on."""
        first = next(t for t, _, _, echoes in self.rows if echoes) + at

        def by(t):
            return next(row[column] for row in self.rows if row[0] >= t)
        return by(first + seconds) - by(first)


# ---- the team ----

def keygen(name):
    made = subprocess.run([TUNIC, "measure", "keygen", name, "--out", "keys"], check=True,
                          stdout=subprocess.PIPE, text=True)
    return PIN.search(made.stdout).group()


def service(*words):
    with open(words[0] + ".log", "w", encoding="utf-8") as log:
        return subprocess.Popen(bound_to_parent([TUNIC, "measure", *words]), stdout=log, stderr=log,
                                stdin=subprocess.DEVNULL)


def team(rate, seconds):
    pins, port = {n: keygen(n) for n in ("coord", "m1")}, free_port()
    with open(os.environ["TUNIC_TESTNET_DIR"] + "/measure/coord.id", "rb") as f, \
            open("keys/coord.id", "wb") as out:
        out.write(f.read())     # the identity that these relays know
    write_text("coord.ini", "[coord]\ndatadir = data\nkeydir = keys\nlisten_addr = 127.0.0.1:%d\n"
               "measurer = m1 %s 200MB\n[meas_params]\nmeas_duration = %d\nprior = %dKB\n"
               % (port, pins["m1"], seconds, rate // 1024))
    write_text("m1.ini", "[measurer]\nname = m1\nkeydir = keys\ncoord_addr = 127.0.0.1:%d\n"
               "coord_pin = %s\nbw = 200MB\n" % (port, pins["coord"]))
    return [service("coord", "-c", "coord.ini"), service("measurer", "-c", "m1.ini")]


def is_connected():
    got = subprocess.run([TUNIC, "measure", "ctl", "-c", "coord.ini", "--json", "status"],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return got.returncode == 0 and all(
        m["connected"] for m in json.loads(got.stdout.splitlines()[0])["measurers"])


def result():
    for path in glob.glob("data/results/*.jsonl"):
        for line in read_text(path).splitlines():
            row = json.loads(line)
            if row["t"] == "end":
                return row
    return None


def inside(rate, share, seconds):
    """Within the network's environment, in a folder of its own."""
    with open(os.environ["TUNIC_TESTNET_DIR"] + "/nodes.json", encoding="utf-8") as f:
        relay = next(n for n in json.load(f)["nodes"] if n["nickname"] == "guard1")
    running = team(rate, seconds)
    client = Client(os.getcwd() + "/client", relay["fingerprint"], rate * share / 100) if share else None
    counts = Counts()
    wait_for(is_connected, "the measurer")
    time.sleep(5 if share else 0)       # clients are at their pace by then
    subprocess.run([TUNIC, "measure", "ctl", "-c", "coord.ini", "measure",
                    "%s:%d" % (relay["address"], relay["or_port"])], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=False)
    time.sleep(1)
    row = result() or {"ok": False, "why": "nothing"}
    if client:
        client.stop()
    for process in running:
        process.terminate()
        process.wait()
    if not row["ok"]:
        return {"failed": "%s %s" % (row.get("why"), row.get("detail", ""))}
    sec = row["sec"]
    x, sent, recv = sec["m"]["m1"], sec["bg_sent"], sec["bg_recv"]
    n = len(sent)
    return {"bw": row["bw"], "x": x, "sent": sent, "recv": recv, "clamped": row["clamped"],
            "counted_sent": counts.between(0, 2, n), "counted_recv": counts.between(0, 1, n)}


# ---- runs ----

def one(rate, share, seconds):
    with tempfile.TemporaryDirectory(prefix="clients-") as folder:
        done = subprocess.run(
            [TUNIC, "testnet", "--no-client", "--quiet", "--measurable", "--rate",
             "%dKB" % (rate * MB // 1024), "--", sys.executable, os.path.abspath(__file__), "inside",
             str(int(rate * MB)), str(share), str(seconds)],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    try:
        row = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        row = {"failed": (done.stdout + done.stderr)[-300:]}
    row.update(rate=rate, share=share, seconds=seconds, load=round(os.getloadavg()[0], 1))
    return row


def percent(part):
    return "%.1f%%" % (100 * part)


def show(rate, share, rows):
    good = [r for r in rows if "bw" in r]
    if not good:
        print("%5g %4d%% %4d  none has a figure" % (rate, share, len(rows)))
        return
    by_rate = [r["bw"] / (rate * MB) for r in good]
    allowed, least, told, had, wanted = [], [], [], [], rate * MB * share / 100 * CELL / DATA
    for r in good:
        claims = [min(a, b) for a, b in zip(r["sent"], r["recv"])][1:]
        may = [max(x, FLOOR_X) * R / (100 - R) for x in r["x"]][1:]
        allowed.append(sum(claims) / sum(may))
        had.append(statistics.mean(claims))
        if wanted > sum(may) / len(may):
            least.append(min(claims) / (FLOOR_X * R / (100 - R)))
        if r["counted_sent"]:
            told.append(abs(sum(r["sent"]) / r["counted_sent"] - 1))
            told.append(abs(sum(r["recv"]) / r["counted_recv"] - 1))
    errors = [abs(b - 1) for b in by_rate]
    print("%5g %4d%% %4d %8.3f %7.2f%% %7.2f%% %8.3f %8s %8s %8s %8s %s" % (
        rate, share, len(good), statistics.median(by_rate), 100 * statistics.median(errors),
        100 * max(errors), statistics.median(had) / 1e6, percent(max(allowed)),
        percent(statistics.median(had) / wanted) if share else "-",
        "%.2f" % min(least) if least else "-", percent(max(told)) if told else "-",
        "%d failed" % (len(rows) - len(good)) if len(rows) > len(good) else ""))


def table(rows, args):
    print("\n MB/s share runs  by rate   median    worst     MB/s   of may  of want  least/floor  BG off")
    for rate in args.rates:
        for share in args.shares:
            show(rate, share, [r for r in rows if (r["rate"], r["share"]) == (rate, share)])


def main():
    if sys.argv[1:2] == ["inside"]:
        print(json.dumps(inside(*map(int, sys.argv[2:5]))))
        return
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rates", type=lambda t: [float(x) for x in t.split(",")], default=[2., 5., 10.])
    parser.add_argument("--shares", type=lambda t: [int(x) for x in t.split(",")],
                        default=[0, 10, 25, 60])
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--log")
    args = parser.parse_args()
    rows = []
    if args.log and os.path.exists(args.log):
        rows = [json.loads(line) for line in read_text(args.log).splitlines()]
    wanted = [(rate, share) for _ in range(args.runs) for rate in args.rates for share in args.shares]
    for row in rows:
        if (row["rate"], row["share"]) in wanted:
            wanted.remove((row["rate"], row["share"]))
    with concurrent.futures.ThreadPoolExecutor(args.at_once) as pool:
        for row in pool.map(lambda w: one(*w, args.seconds), wanted):
            rows.append(row)
            print(json.dumps(row), flush=True)
            if args.log:
                with open(args.log, "a", encoding="utf-8") as log:
                    log.write(json.dumps(row) + "\n")
    table(rows, args)


if __name__ == "__main__":
    main()
