#!/usr/bin/python3
"""Tunic and Debian's tor client in turn on one private network of real relays.

usage: bench/compare.py [--rounds N] [--append]
  --rounds N   alternated rounds (default 5); medians are compared
  --append     adds the result to bench/RESULTS.md
  TUNIC=path   the program (default build/tunic)

Only the client's own processor time counts (utime and stime of /proc/PID/stat), not that of curl
or the relays. The relays share the machine, so wall times say what a user of this private network
sees, not what the public network would give.
"""

import argparse
import datetime
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "net"))
sys.dont_write_bytecode = True

import torlab  # noqa: E402

MB = 1000000
SIZE = 100 * MB
STREAMS = 64
PAGES = 30
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
UNITS = {  # figure: (what it is, unit)
    "down_cpu": ("CPU for 100 MB down", "s"),
    "up_cpu": ("CPU for 100 MB up", "s"),
    "rss_start": ("resident after bootstrap", "MB"),
    "rss_peak": ("peak resident, %d streams" % STREAMS, "MB"),
    "cold_page": ("start to first page, no cache", "s"),
    "warm_page": ("start to first page, with cache", "s"),
    "first_byte": ("time to first byte, circuit ready", "s"),
    "down_wall": ("100 MB down, one stream", "s"),
    "up_wall": ("100 MB up, one stream", "s"),
}


def say(text):
    print(text, file=sys.stderr, flush=True)


class Client:
    """One of the two programs, with a data directory that it keeps between starts."""

    def __init__(self, lab, program, folder, port):
        self.lab, self.program, self.port = lab, program, port
        self.data = os.path.join(folder, "data")
        self.log_path = os.path.join(folder, "log")
        self.torrc = os.path.join(folder, "torrc")
        os.makedirs(folder, exist_ok=True)
        open(self.torrc, "w", encoding="utf-8").close()
        self.process = None

    def start(self):
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(torlab.bound_to_parent(
                [self.program, "-f", os.path.join(self.lab.dir, "client.torrc"),
                 "--defaults-torrc", self.torrc, "--SocksPort", "127.0.0.1:%d" % self.port,
                 "--DataDirectory", self.data, "--Log", "notice stdout"]),
                stdout=log, stderr=subprocess.STDOUT)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def curl(self, url, *options):
        return ["curl", "-s", "-S", "-o", "/dev/null", "--noproxy", "", "--max-time", "120",
                "--socks5-hostname", "127.0.0.1:%d" % self.port, *options, url]

    def page_after_start(self):
        """Seconds from the start of the program to the whole of the first page."""
        begun = time.monotonic()
        self.start()
        while subprocess.run(self.curl(self.lab.url("/")), stderr=subprocess.DEVNULL,
                             check=False).returncode != 0:
            if time.monotonic() - begun > 60 or self.process.poll() is not None:
                with open(self.log_path, encoding="utf-8") as log:
                    sys.exit("bench: %s fetched no page:\n%s" % (self.program, log.read()[-2000:]))
            time.sleep(0.01)
        return time.monotonic() - begun

    def cpu(self):
        with open("/proc/%d/stat" % self.process.pid, encoding="utf-8") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * TICK_S

    def memory(self, field):
        with open("/proc/%d/status" % self.process.pid, encoding="utf-8") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024 / MB
        raise KeyError(field)

    def timed(self, url, *options):
        cpu, begun = self.cpu(), time.monotonic()
        subprocess.run(self.curl(url, *options), check=True)
        return self.cpu() - cpu, time.monotonic() - begun

    def first_bytes(self):
        times = []
        for _ in range(PAGES):
            done = subprocess.run(self.curl(self.lab.url("/"), "-w", "%{time_starttransfer}"),
                                  stdout=subprocess.PIPE, check=True)
            times.append(float(done.stdout))
        return statistics.median(times)

    def many(self):
        jobs = [subprocess.Popen(self.curl(self.lab.url("/bytes/%d" % (2 * MB))))
                for _ in range(STREAMS)]
        if any([job.wait() for job in jobs]):
            sys.exit("bench: a transfer failed")


def one_round(client, upload):
    shutil.rmtree(client.data, ignore_errors=True)
    got = {"cold_page": client.page_after_start()}
    time.sleep(3)       # circuits built ahead
    got["rss_start"] = client.memory("VmRSS")
    got["first_byte"] = client.first_bytes()
    got["down_cpu"], got["down_wall"] = client.timed(client.lab.url("/bytes/%d" % SIZE))
    got["up_cpu"], got["up_wall"] = client.timed(client.lab.url("/upload"), "-T", upload)
    client.many()
    got["rss_peak"] = client.memory("VmHWM")
    client.stop()
    got["warm_page"] = client.page_after_start()
    client.stop()
    return got


def table(results):
    lines = ["| figure | Tunic | tor | Tunic / tor |", "| --- | --- | --- | --- |"]
    for key, (what, unit) in UNITS.items():
        ours, theirs = ([r[key] for r in results[name]] for name in ("tunic", "tor"))
        cells = ["%.2f %s (%.2f to %.2f)" % (statistics.median(x), unit, min(x), max(x))
                 for x in (ours, theirs)]
        lines.append("| %s | %s | %s | **%.2f** |" % (
            what, *cells, statistics.median(ours) / statistics.median(theirs)))
    return "\n".join(lines)


def heading(rounds, programs):
    version = subprocess.run([programs["tor"], "--version"], stdout=subprocess.PIPE,
                             check=True).stdout.decode().splitlines()[0].rstrip(".")
    return ("## %s, %d rounds, %d cores\n\nTunic against %s, %s. Medians (least to most); under 1 is "
            "better. Repeat with `bench/run --rounds %d`.\n" % (
                datetime.date.today().isoformat(), rounds, os.cpu_count(), version,
                platform.platform(terse=True), rounds))


def main():
    parser = argparse.ArgumentParser(add_help=True, description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--append", action="store_true")
    options = parser.parse_args()
    programs = {"tunic": os.path.abspath(os.environ.get("TUNIC", os.path.join(TOP, "build/tunic"))),
                "tor": torlab.find_program("tor")}
    with tempfile.TemporaryDirectory(prefix="tunic-bench-") as folder:
        upload = os.path.join(folder, "upload")
        with open(upload, "wb") as f:
            f.truncate(SIZE)
        say("starting the private network")
        lab = torlab.Lab(os.path.join(folder, "network"))
        results = {"tunic": [], "tor": []}
        try:
            lab.start()
            clients = {name: Client(lab, program, os.path.join(folder, name), 19050 + i)
                       for i, (name, program) in enumerate(programs.items())}
            for n in range(options.rounds):
                for name, client in clients.items():
                    say("round %d of %d: %s" % (n + 1, options.rounds, name))
                    results[name].append(one_round(client, upload))
        finally:
            lab.stop()
        text = heading(options.rounds, programs) + "\n" + table(results) + "\n"
    print(text)
    if options.append:
        with open(os.path.join(TOP, "bench", "RESULTS.md"), "a", encoding="utf-8") as f:
            f.write("\n" + text)


if __name__ == "__main__":
    main()
