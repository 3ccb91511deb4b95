#!/usr/bin/python3
"""Which relays a client dials: what its connect() calls say, and whether they are its guards,
authorities or fallbacks.

As a program: counts them over many starts on a network of its own, each with the options of one
line of LISTS, cold (an empty DataDirectory) and warm, and the same with Debian's tor.

usage: tests/net/dials.py [--starts N] [--tor-starts N] [--relays N] [--phantom N]
"""

import argparse
import collections
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

CONNECT = re.compile(r'connect\(\d+, \{sa_family=AF_INET6?, (?:sin6?_port|sin6_port)=htons\((\d+)\), '
                     r'.*?(?:inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)")')


def strace(path):
    """The words before a program that append its connect() calls to PATH. The program stays the child
    that signals go to."""
    return ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-s", "200", "-A", "-e", "trace=connect",
            "-e", "signal=none", "-o", path]


def dialled(path, since=0):
    """[(address, port)] in order, of a file that strace() wrote, from byte SINCE on."""
    with open(path, "rb") as f:
        f.seek(since)
        text = f.read().decode("utf-8", "replace")
    # tor "connects" a datagram socket there to learn its own address; nothing is sent.
    return [(v4 or v6, int(port)) for port, v4, v6 in CONNECT.findall(text)
            if (v4, port) != ("18.0.0.1", "9")]


def guards_of(state_path):
    """The fingerprints of all guards that a state file names: of all samples."""
    try:
        with open(state_path, encoding="utf-8") as f:
            return set(re.findall(r"^Guard .*\brsa_id=([0-9A-F]{40})", f.read(), re.M))
    except FileNotFoundError:
        return set()


class Nodes:
    """The nodes of a network: [{"nickname", "fingerprint", "role", "address", "or_port"}]."""

    def __init__(self, facts):
        self.by_address = {(n["address"], n["or_port"]): n for n in facts}
        self.all = facts

    @classmethod
    def of_testnet(cls, directory):
        with open(os.path.join(directory, "nodes.json"), encoding="utf-8") as f:
            return cls(json.load(f)["nodes"])

    @classmethod
    def of_lab(cls, lab):
        return cls([{"nickname": n.name, "fingerprint": n.fingerprint, "role": n.role,
                     "address": n.address, "or_port": n.or_port} for n in lab.nodes])

    def named(self, calls):
        """The nicknames that were dialled, each once, in order; an address if it is no node's."""
        names = [self.by_address.get(c, {"nickname": "%s:%d" % c})["nickname"] for c in calls]
        return list(dict.fromkeys(names))

    def strangers(self, calls, state_path, fallbacks=()):
        """Those of them that are no guard of the state file, no authority and no fallback."""
        guards = guards_of(state_path)
        known = {n["nickname"] for n in self.all
                 if n["role"] == "authority" or n["fingerprint"] in guards} | set(fallbacks)
        return [name for name in self.named(calls) if name not in known]


# ---- as a program -----------------------------------------------------------------------------

HERE = os.path.dirname(os.path.abspath(__file__))
TUNIC = os.path.abspath(os.environ.get("TUNIC", os.path.join(HERE, "..", "..", "build", "tunic")))


def lists(nodes):
    """Options to try, each with who may be dialled under them besides what they allow anyway."""
    guards = [n for n in nodes.all if n["role"] == "guard"]
    auths = [n for n in nodes.all if n["role"] == "authority"]
    some = ",".join(n["nickname"] for n in guards[:len(guards) // 2])
    address = ",".join("%s:*" % n["address"] for n in guards[::2] + auths)
    return {
        "plain": [],
        "EntryNodes": ["--EntryNodes", some],
        "ExcludeNodes": ["--ExcludeNodes", some + "," + auths[0]["nickname"], "--StrictNodes", "1"],
        "ReachableAddresses": ["--ReachableAddresses", address],
        "NumEntryGuards": ["--NumEntryGuards", "2", "--NumDirectoryGuards", "2"],
    }


def forbidden(options, nodes):
    """The nicknames that OPTIONS forbid to dial."""
    at = dict(zip(options[::2], options[1::2]))
    names = {n["nickname"] for n in nodes.all if n["role"] != "authority"}
    entry = set(at.get("--EntryNodes", "").split(",")) - {""}
    out = names - entry if entry else set()
    if at.get("--StrictNodes") == "1":
        out |= set(at.get("--ExcludeNodes", "").split(","))
    if "--ReachableAddresses" in at:
        allowed = {rule.split(":")[0] for rule in at["--ReachableAddresses"].split(",")}
        out |= {n["nickname"] for n in nodes.all if n["address"] not in allowed}
    return out


def one_start(program, network, data, options, trace, as_tor):
    """Starts the program until it is ready and a moment longer."""
    argv = strace(trace) + [program, "-f", os.path.join(network, "client.torrc"), "--SocksPort",
                            "auto", "--DataDirectory", data, "--Log", "notice stdout"] + options
    if as_tor:
        argv[len(strace(trace)) + 1:1 + len(strace(trace))] = ["--defaults-torrc", "/dev/null"]
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
    killer = subprocess.Popen(["sleep", "60"])
    seen = ""
    while "Bootstrapped 100%" not in seen:
        line = child.stdout.readline()
        if not line or killer.poll() is not None:
            break
        seen += line
    killer.kill()
    killer.wait()
    time.sleep(0.7)
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=40)
    time.sleep(0.05)
    return "Bootstrapped 100%" in seen


def starts(program, network, nodes, options, n, as_tor):
    """N starts, every second one warm -> (counter of dials a start, strangers, forbidden ones)."""
    counts, strangers, wrong, unready = [], collections.Counter(), collections.Counter(), 0
    work = tempfile.mkdtemp(prefix="tunic-dials-")
    os.chmod(work, 0o755)
    for i in range(n):
        data = os.path.join(work, "data")
        if i % 2 == 0:
            shutil.rmtree(data, ignore_errors=True)
            os.mkdir(data, 0o700)
        trace = os.path.join(work, "trace")
        if os.path.exists(trace):
            os.unlink(trace)
        unready += not one_start(program, network, data, options, trace, as_tor)
        calls = dialled(trace)
        names = nodes.named(calls)
        counts.append(len(names))
        strangers.update(nodes.strangers(calls, os.path.join(data, "state")))
        wrong.update(set(names) & forbidden(options, nodes))
    shutil.rmtree(work, ignore_errors=True)
    return counts, strangers, wrong, unready


def report(name, who, result):
    counts, strangers, wrong, unready = result
    cold, warm = counts[::2], counts[1::2]
    print("%-20s %-6s %4d starts: %.2f relays a cold start, %.2f a warm one, at most %d; strangers: %s; "
          "forbidden: %s; not ready: %d" % (
              name, who, len(counts), sum(cold) / max(1, len(cold)), sum(warm) / max(1, len(warm)),
              max(counts), dict(strangers) or "none", dict(wrong) or "none", unready), flush=True)
    return not strangers and not wrong and not unready


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--starts", type=int, default=200)
    parser.add_argument("--tor-starts", type=int, default=20)
    parser.add_argument("--relays", type=int, default=60)
    parser.add_argument("--phantom", type=int, default=2000)
    options = parser.parse_args()
    if os.environ.get("DIALS_INSIDE") != "1":
        os.execvpe("unshare", ["unshare"] + ([] if os.geteuid() == 0 else ["--map-root-user"]) +
                   ["--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable]
                   + sys.argv, dict(os.environ, DIALS_INSIDE="1", PATH=os.environ["PATH"] + ":/sbin"))
    network = tempfile.mkdtemp(prefix="tunic-dials-net-")
    process = subprocess.Popen([TUNIC, "testnet", "--no-client", "--dir", network, "--relays",
                                str(options.relays), "--phantom", str(options.phantom)],
                               stdout=subprocess.PIPE, text=True)
    good = process.stdout.readline().startswith("testnet ready")
    nodes = Nodes.of_testnet(network)
    rows = lists(nodes)
    try:
        for name, more in rows.items():
            n = max(2, options.starts // len(rows))
            good &= report(name, "tunic", starts(TUNIC, network, nodes, more, n, False))
            if options.tor_starts:
                n = max(2, options.tor_starts // len(rows))
                report(name, "tor", starts("tor", network, nodes, more, n, True))
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(network, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
