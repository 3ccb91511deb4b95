#!/usr/bin/python3
"""What an onlooker can time of a client: when its circuits and links begin and end, and when it
sends PADDING. Seen at the relays of a test network, whose debug log has each cell.

As a program: measures N idle clients of each kind for some eight minutes and prints what
docs/habits.md has. Times are cut short by options.

usage: tests/net/habits.py [N]
"""

import collections
import datetime
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import privnet
import sut

LINE = re.compile(r"^(\w+ \d+ [\d:.]+) \[debug\] (\w+): (from|to) ([\d.]+):(\d+): "
                  r"(?:(end of the link)|(\w+) (\d+)(?: (\w+))?)$", re.M)

Event = collections.namedtuple("Event", "at node sent link cmd circuit how")


def events(path, nodes):
    """What the log has of clients' links, in order. `sent`: by the client; `link`: the client's
    address and port; cmd END: the link ended. NODES: {nickname: address}; nodes dial each other
    from there, and a client on the same machine may come to one from its own."""
    found = []
    for when, node, way, host, port, end, cmd, circuit, how in LINE.findall(
            privnet.read_text(path)):
        if host not in nodes.values() or host == nodes[node]:
            at = datetime.datetime.strptime("2026 " + when, "%Y %b %d %H:%M:%S.%f").timestamp()
            found.append(Event(at, node, way == "from", (host, port), "END" if end else cmd,
                               int(circuit or 0), how))
    return found


class Circuit:
    """One circuit of a client, as its first relay saw it."""

    def __init__(self, seen):
        self.begun = seen[0].at
        self.link = seen[0].link
        early = [e for e in seen if e.sent and e.cmd == "RELAY_EARLY"]
        relay = [e for e in seen if e.sent and e.cmd == "RELAY"]
        self.is_dir = not early
        # Two to extend it; the first ones for streams are RELAY_EARLY, too.
        self.is_used = bool(early) and len(early + relay) > 2
        self.is_built = len([e for e in seen if not e.sent and e.cmd == "RELAY"]) >= 2
        self.first_use = relay[0].at if relay else None
        ends = [e for e in seen if e.cmd == "DESTROY"]
        self.ended = ends[0].at if ends else None
        # tor's client asks for paths that lead back where they came from, in so small a network.
        self.is_failed = bool(ends) and (not ends[0].sent or ends[0].at - self.begun < 1)


def circuits(seen):
    by_id = collections.defaultdict(list)
    for e in seen:
        if e.circuit and (by_id[e.link, e.circuit] or e.cmd.startswith("CREATE")):
            by_id[e.link, e.circuit].append(e)
    return [Circuit(cells) for cells in by_id.values() if cells]


class Net:
    """A test network of its own, with its relays' debug log."""

    def __init__(self, directory, params="", *more):
        self.dir = directory
        self.log_path = os.path.join(directory, "relays.log")
        os.makedirs(directory, mode=0o700, exist_ok=True)
        argv = [sut.program(as_tor=False), "testnet", "--no-client", "--dir", directory + "/net",
                "--log", "debug"] + (["--params", params] if params else []) + list(more)
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                privnet.bound_to_parent(privnet.in_lab_namespace(argv)), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=log)
        if not self.process.stdout.readline().startswith(b"testnet ready"):
            raise privnet.LabError("no network: " + privnet.read_text(self.log_path)[-2000:])
        with open(directory + "/net/nodes.json", encoding="utf-8") as f:
            self.nodes = {n["nickname"]: n["address"] for n in json.load(f)["nodes"]}
        self.client_lines = privnet.read_text(directory + "/net/client.torrc").splitlines()

    def events(self):
        return events(self.log_path, self.nodes)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.process.stdout.close()


# ---- ten of each, live ----

QUIET = ["ConnectionPadding 0", "KeepalivePeriod 10", "MaxCircuitDirtiness 10",
         "LearnCircuitBuildTimeout 0", "CircuitsAvailableTimeout 60"]
SECONDS = int(os.environ.get("HABITS_S", "460"))       # 120 s of prediction, 6 more, 31 s to a look, 270 s of rest; and some


def start_client(net, where, as_tor, lines):
    os.makedirs(where, mode=0o700)
    torrc = net.client_lines + ["DataDirectory " + where, "SocksPort auto"] + lines
    torrc += ["ConfluxEnabled 0"]
    privnet.write_text(where + "/torrc", "\n".join(torrc) + "\n")
    return subprocess.Popen(privnet.bound_to_parent(
        [sut.program(as_tor), "-f", where + "/torrc"] +
        (["--defaults-torrc", "/dev/null"] if as_tor else [])),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def of_quiet_client(seen):
    """{what is measured: [seconds]}"""
    mine = circuits(seen)
    clean = [c for c in mine if c.is_built and not c.is_failed and not c.is_dir and not c.is_used]
    found = collections.defaultdict(list)
    found["directory circuit, from its first request"] = [
        c.ended - c.first_use for c in mine if c.is_dir and c.ended and c.first_use]
    found["unused circuit"] = [c.ended - c.begun for c in clean if c.ended]
    for link in {c.link for c in clean}:
        begun = sorted(c.begun for c in clean if c.link == link)
        found["from one circuit ahead to the next"] += [b - a for a, b in zip(begun, begun[1:])
                                                        if b - a < 30]
    for end in (e for e in seen if e.cmd == "END"):
        last = [c.ended for c in mine if c.link == end.link]
        if last and all(last):
            found["link without circuits"].append(end.at - max(last))
    for link in {e.link for e in seen}:
        sent = [e for e in seen if e.link == link and e.sent]
        found["keepalive, from the last cell sent (KeepalivePeriod 10)"] += [
            b.at - a.at for a, b in zip(sent, sent[1:]) if b.cmd == "PADDING"]
    return found


def of_padding_client(seen):
    found = []
    for link in {e.link for e in seen}:
        cells = [e for e in seen if e.link == link]
        found += [b.at - a.at for a, b in zip(cells, cells[1:]) if b.sent and b.cmd == "PADDING"]
    return {"netflow padding, from the last cell": [gap for gap in found if gap < 100],
            "keepalive of a link that is not padded": [gap for gap in found if gap >= 100]}


def spread(values, n=10):
    """N of them, evenly over their order, and how many there were."""
    values = sorted(values)
    if len(values) > n:
        values = [values[round(i * (len(values) - 1) / (n - 1))] for i in range(n)]
    return " ".join("%.1f" % v for v in values)


def measure(n):
    where = tempfile.mkdtemp(prefix="habits-")
    nets, clients = {}, []
    found = [collections.defaultdict(list), collections.defaultdict(list)]
    try:
        for kind in (0, 1):
            for look, lines in ((of_quiet_client, QUIET), (of_padding_client, [])):
                net = Net("%s/%d-%s" % (where, kind, look.__name__))
                nets[kind, look] = net
                clients += [start_client(net, "%s/%d" % (net.dir, i), kind == 1, lines)
                            for i in range(n)]
        time.sleep(SECONDS)
        for (kind, look), net in nets.items():
            for name, values in look(net.events()).items():
                found[kind][name] += values
    finally:
        for client in clients:
            client.send_signal(signal.SIGKILL)
            client.wait()
        for net in nets.values():
            net.stop()
    shutil.rmtree(where)
    return found


def main():
    if not os.environ.get("HABITS_ALONE"):
        os.execvpe("unshare", ["unshare", "-rn", "sh", "-c",
                               'ip link set lo up; exec "$@"', "sh", sys.executable] + sys.argv,
                   dict(os.environ, HABITS_ALONE="1"))
    ours, tors = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
    for name in sorted(set(ours) | set(tors)):
        print(name)
        for who, values in (("tunic", ours[name]), ("tor", tors[name])):
            print("    %-5s %4d: %s" % (who, len(values), spread(values)))


if __name__ == "__main__":
    main()
