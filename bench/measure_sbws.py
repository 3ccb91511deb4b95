#!/usr/bin/python3
"""`tunic measure` beside Debian's sbws, over one private network of Debian's tor (tests/net/torlab.py):
how right each is about the relays' RelayBandwidthRate, how long it takes, how many bytes it has them
carry, and its processor time.

usage: bench/measure_sbws.py [--log FILE] [--limit S] [--seconds N] [--loads idle,half]

Eight relays of .5 to 3 MB/s, weighted so in the consensus, first idle, then with clients that
download through each at half of its rate. `tunic measure run --mode echo2` takes one relay after the
other, once as a stranger and once with the relay's control port (--control), as its operator does,
where the figure is all that the relay wrote meanwhile;
`sbws scanner` runs until each relay has a result, or for --limit seconds, and `sbws generate --raw`
makes its file. Figures are compared with RelayBandwidthRate; as sbws' are no capacities, also as weights
(network weight error: half of the sum of |w/W - c/C|). Each part that is over is a line of FILE and
is not done again (--log); the network is started anew."""

import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "net"))

from privnet import bound_to_parent, find_program, read_text, write_text  # noqa: E402
from torlab import Lab  # noqa: E402

TUNIC = os.environ.get("TUNIC", os.path.join(TOP, "build", "tunic"))
KB = 1000
RATES = {"g1": 500, "m1": 500, "e1": 500, "g2": 1000, "e2": 1000, "g3": 2000, "e3": 2000, "m2": 3000}
# Who downloads through whom, at how much: half of each relay's rate in all.
CHAINS = [("g1", "m1", "e1", 250), ("g2", "m2", "e2", 500), ("g3", "m2", "e3", 1000)]
IDLE_WAIT_S, IDLE_BYTES = 180, 300 * KB     # of all of them, in two seconds
PARTS = ("tunic", "tunic --control", "sbws")

# A web server of a large file that has ranges, as sbws wants it; /paced/N comes at N bytes a second
# (curl's --limit-rate lets nearly twice as much through).
SERVER = """
import http.server, re, sys, time
SIZE = 1 << 30
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def head(self):
        found = re.match(r"bytes=(\\d+)-(\\d+)$", self.headers.get("Range", ""))
        first, last = map(int, found.groups()) if found else (0, SIZE - 1)
        self.send_response(206 if found else 200)
        self.send_header("Content-Length", str(last - first + 1))
        if found:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (first, last, SIZE))
        self.end_headers()
        return last - first + 1
    def do_HEAD(self):
        self.head()
    def do_GET(self):
        left, block = self.head(), bytes(65536)
        rate = int(self.path[7:]) if self.path.startswith("/paced/") else 0
        began, sent = time.monotonic(), 0
        try:
            while left:
                n = self.wfile.write(block[:min(left, rate // 10 or len(block))])
                left, sent = left - n, sent + n
                if rate and sent / rate > time.monotonic() - began:
                    time.sleep(sent / rate - (time.monotonic() - began))
        except OSError:
            self.close_connection = True
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer.daemon_threads = True
s = http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler)
print("ready", flush=True)
s.serve_forever()
"""

SBWS = """[general]
http_timeout = 30
[paths]
sbws_home = %(home)s
[scanner]
nickname = bench
country = ZZ
[destinations]
usability_test_interval = 30
here = on
[destinations.here]
url = http://%(web)s/file
verify = False
country = ZZ
[tor]
extra_lines =
%(lines)s
[logging]
to_file = yes
to_stdout = no
to_syslog = no
"""


def processor_s(pid):
    """Of a process, its children, and theirs."""
    total = 0
    for folder in os.listdir("/proc"):
        if not folder.isdigit():
            continue
        fields = read_text("/proc/%s/stat" % folder).rpartition(")")[2].split()
        if fields and (int(folder) == pid or descends(int(fields[1]), pid)):
            total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def descends(pid, from_pid):
    while pid > 1 and pid != from_pid:
        fields = read_text("/proc/%d/stat" % pid).rpartition(")")[2].split()
        pid = int(fields[1]) if fields else 0
    return pid == from_pid


# ---- the network ----

class Network:
    def __init__(self, folder):
        self.lab = Lab(folder + "/lab", say=lambda text: print("#", text, flush=True))
        self.control = {}
        for i, (name, rate) in enumerate(RATES.items()):
            self.control[name] = self.lab.base + 80 + i
            self.lab.extra_torrc[name] = [
                "RelayBandwidthRate %d" % (rate * KB), "RelayBandwidthBurst %d" % (rate * KB),
                "ControlPort 127.0.0.1:%d" % self.control[name]]

    def __enter__(self):
        self.lab.start()
        weights = read_text(self.lab.dir + "/bandwidths")
        for name, rate in RATES.items():
            weights = re.sub(r"bw=\d+( node_id=\S+ nick=%s)$" % name, r"bw=%d\1" % rate, weights,
                             flags=re.M)
        write_text(self.lab.dir + "/bandwidths", weights)
        valid_after = self.lab.vote_soon()
        time.sleep(max(0, valid_after + 3 - time.time()))
        self.web = "127.0.0.1:%d" % (self.lab.base + 79)     # sbws takes no other by HTTP
        self.server = subprocess.Popen(
            bound_to_parent([sys.executable, "-c", SERVER] + self.web.split(":")),
            stdout=subprocess.PIPE)
        self.server.stdout.readline()
        self.wait_until_idle()
        return self

    def wait_until_idle(self):
        """A young tor sends to itself through others as fast as all can, which takes their rate."""
        nodes = [self.lab.node(name) for name in RATES]
        deadline, before, idle = time.monotonic() + IDLE_WAIT_S, self.carried(), False
        while not idle:
            if time.monotonic() > deadline:
                print("# tor's own bandwidth tests are not over, and take part of the rates", flush=True)
                return
            time.sleep(2)
            now = self.carried()
            idle, before = now - before < IDLE_BYTES and all(
                "Performing bandwidth self-test...done" in node.log() for node in nodes), now

    def __exit__(self, *problem):
        self.server.kill()
        self.server.wait()
        self.lab.stop()

    def authority_lines(self):
        return [line for line in read_text(self.lab.dir + "/client.torrc").splitlines()
                if line.startswith(("DirAuthority", "TestingTorNetwork"))]

    def carried(self):
        """Bytes that the eight have read so far."""
        return sum(self.lab.traffic()[name] for name in RATES)


# ---- clients ----

@contextlib.contextmanager
def clients(network, folder, is_loaded):
    """Downloads through each chain while the block lasts."""
    running = []
    try:
        for i, chain in enumerate(CHAINS if is_loaded else []):
            running += client(network, "%s/client%d" % (folder, i), network.lab.base + 90 + i, chain)
        if is_loaded:
            time.sleep(10)
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def client(network, folder, port, chain):
    os.makedirs(folder, mode=0o700)
    guard, middle, exit_, rate = chain
    lab = network.lab
    write_text(folder + "/torrc", "\n".join(network.authority_lines() + [
        "DataDirectory " + folder, "SocksPort %d" % port, "ConfluxEnabled 0",
        "EntryNodes " + lab.node(guard).fingerprint, "MiddleNodes " + lab.node(middle).fingerprint,
        "ExitNodes " + lab.node(exit_).fingerprint, "StrictNodes 1", "EnforceDistinctSubnets 0",
        "Log notice file %s/notice.log" % folder]) + "\n")
    tor = subprocess.Popen(bound_to_parent([find_program("tor"), "-f", folder + "/torrc", "--hush"]))
    deadline = time.monotonic() + 60
    while "Bootstrapped 100%" not in read_text(folder + "/notice.log"):
        if time.monotonic() > deadline:
            tor.kill()
            raise SystemExit("a client does not come up: see %s/notice.log" % folder)
        time.sleep(.2)
    curl = subprocess.Popen(bound_to_parent(
        ["curl", "-s", "-o", "/dev/null", "--socks5-hostname", "127.0.0.1:%d" % port,
         "--retry", "99", "--retry-all-errors", "http://%s/paced/%d" % (network.web, rate * KB)]))
    return [curl, tor]


# ---- the two ----

def with_tunic(network, seconds, is_operator):
    figures, used = {}, 0
    for name in RATES:
        node = network.lab.node(name)
        argv = [TUNIC, "measure", "run", "%s:%d" % (node.address, node.or_port), "--local",
                "--mode", "echo2", "--seconds", str(seconds)]
        argv += ["--control", str(network.control[name])] if is_operator else []
        child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = child.stdout.read()
        _, _, spent = os.wait4(child.pid, 0)
        child.returncode = 0
        used += spent.ru_utime + spent.ru_stime
        figure = r"By its own count it wrote" if is_operator else r"carries(?: at least)?"
        found = re.search(figure + r" [\d.]+ Mbit/s \(([\d.]+) MB/s\)", said)
        figures[name] = float(found.group(1)) * 1000 if found else None
        if not found or "inconclusive" in said:
            print("#", name, said.strip().replace("\n", " | ")[-300:], flush=True)
    return figures, used


def sbws_results(home, fingerprints):
    """Relays that have a good result by now, and bytes that were asked for."""
    good, asked, folder = set(), 0, home + "/datadir"
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        for line in read_text(folder + "/" + name).splitlines():
            result = json.loads(line)
            if result.get("type") == "success":
                good.add(fingerprints.get(result["fingerprint"]))
                asked += sum(d["amount"] for d in result["downloads"])
    return good - {None}, asked


def with_sbws(network, folder, limit):
    fingerprints = {network.lab.node(name).fingerprint: name for name in RATES}
    home = folder + "/sbws"
    os.makedirs(home)
    lines = network.authority_lines() + ["ConfluxEnabled 0"]
    write_text(folder + "/sbws.ini", SBWS % {
        "home": home, "web": network.web, "lines": "\n".join("    " + line for line in lines)})
    sbws = [find_program("sbws"), "-c", folder + "/sbws.ini"]
    with open(folder + "/sbws.out", "wb") as out:
        child = subprocess.Popen(bound_to_parent(sbws + ["scanner"]), stdout=out, stderr=out)
        deadline, used = time.monotonic() + limit, 0
        while child.poll() is None and time.monotonic() < deadline:
            used = max(used, processor_s(child.pid))
            if len(sbws_results(home, fingerprints)[0]) == len(RATES):
                break
            time.sleep(1)
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    subprocess.run(sbws + ["generate", "--raw", "--output", folder + "/v3bw"], check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    figures = dict.fromkeys(RATES)
    for bw, fingerprint in re.findall(r"^bw=(\d+).*node_id=\$(\w+)",
                                      order_bw_first(read_text(folder + "/v3bw")), re.M):
        if fingerprint in fingerprints:
            figures[fingerprints[fingerprint]] = float(bw)
    return figures, used


def order_bw_first(text):
    """Lines of a bandwidth file with their bw= in front, wherever it stood."""
    return re.sub(r"^(.*?)\b(bw=\d+)\b(.*)$", r"\2 \1\3", text, flags=re.M)


# ---- what came of it ----

def weight_error(figures):
    ours, true = sum(v or 0 for v in figures.values()), sum(RATES.values())
    return .5 * sum(abs((figures[n] or 0) / ours - RATES[n] / true) for n in RATES) if ours else None


def one_part(network, folder, part, load, args):
    before, began = network.carried(), time.monotonic()
    if part == "sbws":
        figures, used = with_sbws(network, folder, args.limit)
    else:
        figures, used = with_tunic(network, args.seconds, part != "tunic")
    took, carried = time.monotonic() - began, network.carried() - before
    errors = [abs(figures[n] / RATES[n] - 1) for n in RATES if figures[n]]
    return {"part": part, "load": load, "figures": figures, "errors": errors, "seconds": took,
            "carried": carried if load == "idle" else None, "processor": used, "weight_error": weight_error(figures),
            "machine": round(os.getloadavg()[0], 1)}


def show(rows):
    # Beside clients nobody can say whose the bytes were.
    print("\n%-5s %-16s %6s %9s %7s %8s %7s %9s %6s  %s" % (
        "load", "", "relays", "error", "worst", "weights", "s", "MB", "CPU s", "machine's load"))
    for r in rows:
        errors = r["errors"] or [float("nan")]
        print("%-5s %-16s %6d %8.1f%% %6.1f%% %7.1f%% %7.0f %9s %6.1f  %.1f" % (
            r["load"], r["part"], len(r["errors"]), 100 * statistics.median(errors),
            100 * max(errors), 100 * (r["weight_error"] or float("nan")), r["seconds"],
            "" if r["carried"] is None else "%.0f" % (r["carried"] / 1e6), r["processor"],
            r["machine"]))


def known_rows(path):
    if not path or not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as log:
        rows = [json.loads(line) for line in log if line.endswith("}\n")]
    return [row for row in rows if row["errors"]]   # what had no figure at all is made again


def measure_all(args, rows):
    done = {(r["load"], r["part"]) for r in rows}
    wanted = [(load, part) for load in args.loads for part in PARTS if (load, part) not in done]
    if not wanted:
        return
    with tempfile.TemporaryDirectory(prefix="sbws-") as top, Network(top) as network:
        for load in args.loads:
            with clients(network, top, load == "half"):
                for part in [part for its, part in wanted if its == load]:
                    folder = "%s/%s-%s" % (top, load, part.replace(" ", ""))
                    os.mkdir(folder)
                    rows.append(one_part(network, folder, part, load, args))
                    print(json.dumps(rows[-1]), flush=True)
                    if args.log:
                        with open(args.log, "a", encoding="utf-8") as log:
                            log.write(json.dumps(rows[-1]) + "\n")
                    if not rows[-1]["errors"] and part == "sbws":
                        print(read_text(folder + "/sbws.out")[-1500:])


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("--log")
    parser.add_argument("--limit", type=int, default=900)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--loads", type=lambda t: t.split(","), default=["idle", "half"])
    args = parser.parse_args()
    rows = known_rows(args.log)
    measure_all(args, rows)
    show(rows)


if __name__ == "__main__":
    main()
