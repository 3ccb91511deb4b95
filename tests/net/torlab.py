#!/usr/bin/python3
"""A private Tor network of Debian's tor on loopback, for tests, benchmarks and play.

    python3 tests/net/torlab.py up DIR      start it in the background; prints client torrc lines
    python3 tests/net/torlab.py down DIR    stop it
    python3 tests/net/torlab.py run DIR     the same in the foreground, until Ctrl-C
    python3 tests/net/torlab.py info DIR    the client torrc lines again, and the servers behind the exits
    python3 tests/net/torlab.py traffic DIR bytes through each relay, a line a second

What runs (root is not needed, the internet is not touched):
    a1 a2 a3   directory authorities (bandwidth 1: hardly ever in a circuit)
    g1 g2 g3   guards        m1 m2   middles        e1 e2 e3   exits
each on its own 127.X.0.1 in its own /16, with its own folder DIR/<nick>: torrc, notice.log,
info.log, control (a control socket without password), keys/.
DIR/client.torrc has the lines a client needs: `tor -f DIR/client.torrc --SocksPort 9150
--DataDirectory /some/where`. DIR/lab.json has every address, port and fingerprint.

Every node connects from its own address only (OutboundBindAddress), so nothing it is asked for can
leave loopback. The exits' policy is "accept *:*" but for one port (`refused`), because tor's
policy summary does not count an accept of 127.0.0.0/8.
Behind the exits (targets.py): web server, echo servers, sink, DNS, and ports that go wrong.

Ports: TORLAB_PORT is the first of 100 (default: the first free hundred from 20000 on).
In Python: `lab = Lab(dir); lab.start(); ...; lab.stop()`.
"""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

from privnet import (DNS_HOST, WEB_HOST, LabError, Network, NetworkNode, bound_to_parent,
                     find_program, in_lab_namespace, read_text, write_text)

NODES = ["a1", "a2", "a3", "g1", "g2", "g3", "m1", "m2", "e1", "e2", "e3"]
AUTHORITIES = NODES[:3]
VOTE_INTERVAL_S = 1800
READY_TIMEOUT_S = 90

# What relays warn of in every run of a private network, whoever the client is.
USUAL = [
    r"http status code 404", r"TestingTorNetwork is set", r"running Tor as root",
    r"sensitive information", r"specify alternate directory authorities", r"approved-routers",
    r"sr-state", r"Consensus does not include configured authority", r"Unable to add signatures",
    r"SR: ", r"consensus needs \d+ good signatures", r"Mismatched digest", r"http status 400",
    r"posted vote", r"Rejected vote", r"Not enough info to publish", r"Problem bootstrapping",
    r"received http status", r"Could not open", r"OpenSSL", r"ExitRelay", r"IPv6",
    r"Consensus with empty bandwidth", r"Unable to store signatures",
    r"adding detached signatures", r"ControlSocket", r"problem reading bandwidth",
    # Relays' own circuits through so small a network; that ours never do it, path's tests show.
    r"extend back to the previous hop", r"connection_edge_process_relay_cell \(away from origin\)",
    r"eventdns rejected address",  # a host name of 255 letters, on purpose
    # An authority that a busy machine kept from trying its own port in time.
    r"We just marked ourself as down",
    # An exit that test_conflux.py asks not to join circuits.
    r"ConfluxEnabled is set to 0",
    # About the relay that a test gives another identity; clients show no certificates.
    r"bad CERTS cell on OR connection .* with 127\.\d+\.0\.1:",
    # From the link that proves its identity with another key, on purpose.
    r"bad AUTHENTICATE cell on OR connection",
    # Only while the tests hold a node down.
    r"signatures? (posted|from)", r"Failed to find node for hop", r"circuit.*died due to",
    r"No circuits are opened", r"Relaxed timeout", r"skew", r"while fetching", r"OutboundBind",
    r"configuration (file|option)", r"Tried connecting to router", r"We were unable to",
    r"consensus (directory|flavor)", r"assign_to_cpuworker failed", r"Error binding",
]
BUGS = (r"\(Bug\)|\[err\]|malformed cell|unrecognized (cell|relay)|Dropping.*protocol|"
        r"protocol violation")


class Node(NetworkNode):
    """One tor process of the network."""

    def __init__(self, lab, name, index):
        self.lab = lab
        self.name = name
        self.role = {"a": "authority", "g": "guard", "m": "middle", "e": "exit"}[name[0]]
        self.dir = os.path.join(lab.dir, name)
        self.address = "127.%d.0.1" % (11 + index)
        self.or_port = lab.base + 1 + index
        self.dir_port = lab.base + 31 + index
        self.process = None
        self.fingerprint = None     # RSA, 40 hex digits
        self.ed25519 = None         # base64 without padding, as in "id ed25519" lines
        self.v3ident = None

    def describe(self):
        return {"name": self.name, "role": self.role, "address": self.address,
                "or_port": self.or_port, "dir_port": self.dir_port if self.role == "authority" else 0,
                "fingerprint": self.fingerprint, "ed25519": self.ed25519, "v3ident": self.v3ident,
                "dir": self.dir}

    def log(self, level="notice"):
        return read_text(os.path.join(self.dir, level + ".log"))

    # -- keys ---------------------------------------------------------------------------------

    def start_keygen(self):
        """Starts the programs that make this node's keys; returns their processes."""
        os.makedirs(os.path.join(self.dir, "keys"), mode=0o700, exist_ok=True)
        os.chmod(self.dir, 0o700)
        empty = os.path.join(self.dir, "empty")
        write_text(empty, "")
        jobs = [subprocess.Popen(
            bound_to_parent([find_program("tor"), "-f", empty, "--defaults-torrc", empty,
                             "--DataDirectory", self.dir, "--ORPort", "1", "--Nickname", self.name,
                             "--AssumeReachable", "1", "--PublishServerDescriptor", "0",
                             "--Log", "warn stderr", "--list-fingerprint"]),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)]
        if self.role == "authority":
            keys = os.path.join(self.dir, "keys")
            read_end, write_end = os.pipe()
            os.write(write_end, b"private network\n")
            os.close(write_end)
            jobs.append(subprocess.Popen(
                bound_to_parent([find_program("tor-gencert"), "--create-identity-key",
                                 "-i", keys + "/authority_identity_key",
                                 "-s", keys + "/authority_signing_key",
                                 "-c", keys + "/authority_certificate", "-m", "12",
                                 "-a", "%s:%d" % (self.address, self.dir_port),
                                 "--passphrase-fd", str(read_end)]),
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                pass_fds=[read_end]))
            os.close(read_end)
        return jobs

    def read_keys(self):
        text = read_text(os.path.join(self.dir, "fingerprint"))
        if not text:
            raise LabError("tor --list-fingerprint made no fingerprint for " + self.name)
        self.fingerprint = text.split()[-1]
        self.ed25519 = read_text(os.path.join(self.dir, "fingerprint-ed25519")).split()[-1]
        if self.role == "authority":
            cert = read_text(os.path.join(self.dir, "keys", "authority_certificate"))
            match = re.search(r"^fingerprint ([0-9A-F]{40})$", cert, re.M)
            if not match:
                raise LabError("tor-gencert made no certificate for " + self.name)
            self.v3ident = match.group(1)

    # -- process ------------------------------------------------------------------------------

    def write_torrc(self):
        lab = self.lab
        lines = [
            "TestingTorNetwork 1",
            "Nickname " + self.name,
            "DataDirectory " + self.dir,
            "Address " + self.address,
            "ORPort %s:%d IPv4Only" % (self.address, self.or_port),
            "SocksPort 0",
            "ControlSocket %s/control" % self.dir,
            "CookieAuthentication 0",
            "AssumeReachable 1",
            "ShutdownWaitLength 0",
            "Log notice file %s/notice.log" % self.dir,
            "Log info file %s/info.log" % self.dir,
            "SafeLogging 0",
            # Complaints about the other side's protocol come at level warn.
            "ProtocolWarnings 1",
            "ContactInfo private network for tests",
            "NumCPUs 1",
            "MaxMemInQueues 1 GB",
            "HeartbeatPeriod 0",
            "GeoIPFile %s/empty" % self.dir,
            "GeoIPv6File %s/empty" % self.dir,
        ] + [lab.node(a).authority_line() for a in AUTHORITIES]
        if self.role == "authority":
            guards = ",".join(lab.node(n).fingerprint for n in NODES if n[0] == "g")
            exits = ",".join(lab.node(n).fingerprint for n in NODES if n[0] == "e")
            lines += [
                "OutboundBindAddress " + self.address,
                "DirPort %s:%d IPv4Only" % (self.address, self.dir_port),
                "AuthoritativeDirectory 1",
                "V3AuthoritativeDirectory 1",
                "V3BandwidthsFile %s/bandwidths" % lab.dir,
                "MinMeasuredBWsForAuthToIgnoreAdvertised 0",
                "TestingDirAuthVoteGuard " + guards,
                "TestingDirAuthVoteGuardIsStrict 1",
                "TestingDirAuthVoteExit " + exits,
                "TestingDirAuthVoteExitIsStrict 1",
                "AuthDirVoteStableGuaranteeMinUptime 0",
                "AuthDirVoteStableGuaranteeMTBF 0",
                "AuthDirFastGuarantee 1 KB",
                # One vote soon after the start (see _start_nodes), the next half an hour later.
                "V3AuthVotingInterval 30 minutes",
                "V3AuthVoteDelay 2",
                "V3AuthDistDelay 2",
                "V3AuthNIntervalsValid 48",
                "TestingV3AuthInitialVotingInterval 30 minutes",
                "TestingV3AuthInitialVoteDelay 2",
                "TestingV3AuthInitialDistDelay 2",
                "TestingV3AuthVotingStartOffset %d" % lab.vote_offset,
                "ExitPolicy reject *:*",
            ]
        elif self.role == "exit":
            lines += [
                "OutboundBindAddress " + self.address,
                "OutboundBindAddress ::1",
                "ExitRelay 1",
                "IPv6Exit 1",
                "ExitPolicyRejectPrivate 0",
                "ExitPolicy reject *:%d" % lab.ports["refused"],
                "ExitPolicy accept *:*",
                "ExitPolicy accept6 *:*",
                "ServerDNSResolvConfFile %s/resolv.conf" % lab.dir,
                "ServerDNSDetectHijacking 0",
                "ServerDNSTestAddresses",
                "ServerDNSAllowBrokenConfig 1",
                "ServerDNSSearchDomains 0",
            ]
        else:
            lines += ["OutboundBindAddress " + self.address, "ExitPolicy reject *:*", "ExitRelay 0"]
        lines += lab.extra_torrc.get(self.name, [])
        write_text(os.path.join(self.dir, "torrc"), "\n".join(lines) + "\n")

    def start(self):
        empty = os.path.join(self.dir, "empty")
        out = open(os.path.join(self.dir, "stdout.log"), "ab")
        self.process = subprocess.Popen(
            bound_to_parent(in_lab_namespace(
                [find_program("tor"), "-f", os.path.join(self.dir, "torrc"),
                 "--defaults-torrc", empty, "--hush"])),
            stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        out.close()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self, sig=signal.SIGKILL):
        if self.running():
            self.process.send_signal(sig)
            self.process.wait(timeout=20)

    def dump(self):
        """The text that SIGUSR1 makes tor write about its connections and circuits."""
        path = os.path.join(self.dir, "info.log")
        before = os.path.getsize(path)
        self.process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            time.sleep(0.05)
            with open(path, "rb") as f:
                f.seek(before)
                text = f.read().decode("utf-8", "replace")
            # The last block of the dump.
            if "--------------- Dumping memory information:" in text:
                break
        return text

    def control(self, command):
        """One command on the control socket -> its reply's text."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(os.path.join(self.dir, "control"))
            sock.sendall(b"AUTHENTICATE\r\n%s\r\nQUIT\r\n" % command.encode())
            with sock.makefile("r", encoding="utf-8", errors="replace") as replies:
                return "".join(replies.read().splitlines(True)[1:-1])

    def traffic(self):
        """Bytes the node has read from the network so far."""
        return int(re.search(r"traffic/read=(\d+)", self.control("GETINFO traffic/read")).group(1))

    def knows_all_relays(self):
        """Whether this authority has every node's own descriptor."""
        try:
            return self.control("GETINFO desc/all-recent").count("\nrouter-signature") == len(NODES)
        except OSError:
            return False        # not that far yet

    def has_directory(self):
        """Whether the node has a consensus with every relay and all their microdescriptors."""
        if not consensus_is_complete(read_text(self.dir + "/cached-microdesc-consensus")):
            return False
        if self.role == "authority":
            return True
        have = (read_text(self.dir + "/cached-microdescs.new") +
                read_text(self.dir + "/cached-microdescs"))
        return have.count("\nid ed25519 ") + have.startswith("id ed25519") >= len(NODES)


def consensus_is_complete(text):
    flags = re.findall(r"^s (.*)$", text, re.M)
    return (len(flags) == len(NODES) and
            all({"Running", "Stable", "Fast", "V2Dir"} <= set(f.split()) for f in flags) and
            sum("Exit" in f.split() for f in flags) == 3 and "\nbandwidth-weights " in text)


class Lab(Network):
    """The network of Debian's relays."""

    what = "Debian's tor"
    ptr = ("198.51.100.20", "host-20.test")
    leaves_loopback = True

    def __init__(self, directory, base=None, say=None):
        super().__init__(directory, base, say)
        self.extra_torrc = {}
        self.vote_offset = 0
        self.nodes = [Node(self, name, i) for i, name in enumerate(NODES)]

    node = Network.by_name

    # -- start and stop -----------------------------------------------------------------------

    def start(self):
        os.makedirs(self.dir, mode=0o700, exist_ok=True)
        begun = time.monotonic()
        try:
            self.start_targets()
            self._make_keys()
            self._write_client_torrc()
            self._start_nodes()
        except BaseException:
            self.stop()
            raise
        self._write_info()
        self.say("network of %d relays up in %.0f s" % (len(NODES), time.monotonic() - begun))
        return self

    def start_targets(self):
        super().start_targets()
        # libevent, which tor's exits resolve names with, takes a port on these lines.
        write_text(os.path.join(self.dir, "resolv.conf"),
                   "nameserver %s:%d\n" % (DNS_HOST, self.ports["dns"]))

    def _make_keys(self):
        waiting = []
        for node in self.nodes:
            if not os.path.exists(os.path.join(node.dir, "fingerprint-ed25519")):
                waiting += [(node, job) for job in node.start_keygen()]
        for node, job in waiting:
            out, err = job.communicate(timeout=60)
            if job.returncode != 0:
                raise LabError("making keys for %s: %s" % (node.name, (out + err).decode()[-500:]))
        for node in self.nodes:
            node.read_keys()

    def _wait(self, deadline, condition, what):
        """Waits until condition() is true; fails when it is late or a node has ended."""
        while not condition():
            for node in self.nodes:
                if not node.running():
                    raise LabError("%s ended: %s" % (node.name, (
                        node.log() + read_text(os.path.join(node.dir, "stdout.log")))[-1500:]))
            if time.monotonic() > deadline:
                raise LabError("%s; see %s/*/notice.log" % (what, self.dir))
            time.sleep(0.2)

    def _start_nodes(self):
        deadline = time.monotonic() + READY_TIMEOUT_S
        now = int(time.time())
        lines = [str(now), "version=1.4.0", "software=tunic-tests", "====="]
        for node in self.nodes:
            lines.append("bw=%d node_id=$%s nick=%s" % (
                1 if node.role == "authority" else 10000, node.fingerprint, node.name))
        write_text(os.path.join(self.dir, "bandwidths"), "\n".join(lines) + "\n")
        # The vote is far away until all relays have published themselves; then it is called.
        self.vote_offset = (now + 900) % VOTE_INTERVAL_S
        for node in self.nodes:
            node.write_torrc()
            node.start()
        authorities = self.by_role("authority")
        self._wait(deadline, lambda: all(n.knows_all_relays() for n in authorities),
                   "the relays do not reach the authorities")
        for _ in range(4):
            valid_after = self.vote_soon()

            def published():
                return all(os.path.exists(n.dir + "/cached-microdesc-consensus")
                           for n in authorities)
            self._wait(deadline, lambda: published() or time.time() > valid_after + 2,
                       "the authorities reach no consensus")
            if published():
                break
            self.say("the authorities were too slow to agree; they vote again")
        self._wait(deadline, lambda: all(
            consensus_is_complete(read_text(n.dir + "/cached-microdesc-consensus"))
            for n in authorities), "the consensus lacks relays")
        self.say("consensus reached; relays fetch it")
        next_hup = [0]

        def all_have_it():
            lacking = [n for n in self.nodes if not n.has_directory()]
            if lacking and time.monotonic() > next_hup[0]:
                # A reload forgets the back-off of fetches that failed before there was a consensus.
                for node in lacking:
                    node.process.send_signal(signal.SIGHUP)
                next_hup[0] = time.monotonic() + 4
            return not lacking
        self._wait(deadline, all_have_it, "some relays get no directory")

    def vote_soon(self):
        """Has the authorities vote on a new consensus now; returns when it will be valid, in seconds
        since 1970. Two seconds of voting and two of exchanging signatures end at that moment."""
        valid_after = int(time.time()) + 7
        for node in self.by_role("authority"):
            node.control("SETCONF TestingV3AuthVotingStartOffset=%d"
                         % (valid_after % VOTE_INTERVAL_S))
        return valid_after

    def _stop_nodes(self):
        for node in self.nodes:
            if node.running():
                node.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 5
        for node in self.nodes:
            if node.process is not None:
                try:
                    node.process.wait(timeout=max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    node.process.kill()
                    node.process.wait()

    def stop(self):
        self._stop_nodes()
        self.stop_targets()

    # -- what others need ---------------------------------------------------------------------

    def _write_client_torrc(self):
        write_text(os.path.join(self.dir, "client.torrc"), "\n".join(self.client_torrc_lines()) + "\n")

    def _write_info(self):
        write_text(os.path.join(self.dir, "lab.json"), json.dumps({
            "pid": os.getpid(), "base_port": self.base, "ports": self.ports, "web_host": WEB_HOST,
            "names": {"web.test": WEB_HOST, "v6.test": "::1", "nx.test": None},
            "node_pids": {n.name: n.process.pid for n in self.nodes},
            "nodes": [n.describe() for n in self.nodes]}, indent=1) + "\n")

    def exit_streams(self):
        """From tor's SIGUSR1 dump."""
        found = []
        for node in self.by_role("exit"):
            if not node.running():
                continue
            conns, circuits = parse_dump(node.dump())
            for conn, previous_id in circuits:
                found.append({"target": conns.get(conn, "?"), "exit": node, "circuit": previous_id})
        return found

    def traffic(self):
        return {n.name: n.traffic() for n in self.nodes if n.running()}

    def complaints(self):
        """ProtocolWarnings is on: whatever is amiss in a client's protocol is at level warn."""
        found = []
        for node in self.nodes:
            found += ["%s: %s" % (node.name, line) for line in node.log().splitlines()
                      if re.search(r"\[(warn|err)\]", line)
                      and not any(re.search(usual, line, re.I) for usual in USUAL)]
            found += ["%s: %s" % (node.name, line) for line in node.log("info").splitlines()
                      if re.search(BUGS, line, re.I)]
        return found

    def other_identity(self, node):
        return OtherIdentity(node)


class OtherIdentity:
    """Moves the node's Ed25519 keys out of the way, so that tor makes new ones."""

    def __init__(self, node):
        self.node, self.keys = node, os.path.join(node.dir, "keys")
        self.names = [name for name in os.listdir(self.keys) if name.startswith("ed25519_")]

    def move(self, where):
        for name in self.names:
            os.rename(*(os.path.join(self.keys, where(kept) + name) for kept in (False, True)))

    def __enter__(self):
        self.node.kill()
        self.move(lambda kept: "kept." if kept else "")
        self.node.start()
        self.node.wait_ready()

    def __exit__(self, *problem):
        self.node.kill()
        self.move(lambda kept: "" if kept else "kept.")
        self.node.start()
        self.node.wait_ready()


def parse_dump(text):
    """SIGUSR1's text -> ({connection number: remote address}, [(exit connection, circuit id)])."""
    conns, circuits = {}, []
    for line in text[text.rfind("Dumping stats:"):].splitlines():
        match = re.search(r"Conn (\d+) \(socket -?\d+\) is an? (.*), created", line)
        if match:
            where = re.search(r" (?:to|with|from) (\[?[0-9a-fA-F.:]+\]?:\d+)", match.group(2))
            conns[int(match.group(1))] = where.group(1) if where else match.group(2)
            continue
        match = re.search(r"Conn (\d+) has Exit-ward circuit: circID \d+ \(other side (\d+)\)", line)
        if match:
            circuits.append((int(match.group(1)), int(match.group(2))))
    return conns, circuits


# -- command line -----------------------------------------------------------------------------

def load_info(directory):
    try:
        with open(os.path.join(directory, "lab.json"), encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        sys.exit("torlab: no network in " + directory)


def print_info(directory):
    info = load_info(directory)
    sys.stdout.write(read_text(os.path.join(directory, "client.torrc")))
    ports = info["ports"]
    print("# a page:   http://web.test:%d/    (also http://%s:%d/, http://v6.test:%d/ = ::1)" % (
        ports["http"], WEB_HOST, ports["http"], ports["http"]))
    print("# N bytes:  http://web.test:%d/bytes/10000000" % ports["http"])
    print("# echo %(echo)d, sink %(sink)d, closed %(closed)d, black hole %(blackhole)d, refused by "
          "every exit %(refused)d" % ports)


def serve(directory, ready_fd=None):
    """Runs a network until SIGTERM or SIGINT."""
    ended = []

    def on_signal(signum, frame):
        ended.append(signum)
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, on_signal)
    lab = Lab(directory, say=lambda text: print("torlab: " + text, file=sys.stderr, flush=True))
    try:
        lab.start()
        if ready_fd is not None:
            os.write(ready_fd, b"ready")
            os.close(ready_fd)
        else:
            print_info(directory)
            sys.stdout.flush()
        while True:
            signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        lab.stop()
        try:
            os.unlink(os.path.join(directory, "lab.json"))
        except FileNotFoundError:
            pass


def up(directory):
    os.makedirs(directory, mode=0o700, exist_ok=True)
    if os.path.exists(os.path.join(directory, "lab.json")):
        try:
            os.kill(load_info(directory)["pid"], 0)
            print_info(directory)
            return 0
        except ProcessLookupError:
            pass
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        os.setsid()
        with open(os.path.join(directory, "lab.log"), "ab", 0) as log, open(os.devnull, "rb") as null:
            os.dup2(null.fileno(), 0)
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        status = 1
        try:
            serve(directory, write_end)
            status = 0
        except LabError as error:
            print("torlab: %s" % error, file=sys.stderr, flush=True)
        finally:
            os._exit(status)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        if pipe.read() != b"ready":
            sys.stderr.write(read_text(os.path.join(directory, "lab.log"))[-2000:])
            return 1
    print_info(directory)
    return 0


def down(directory):
    if not os.path.exists(os.path.join(directory, "lab.json")):
        return 0
    pid = load_info(directory)["pid"]
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        os.unlink(os.path.join(directory, "lab.json"))
        return 0
    for _ in range(200):
        if not os.path.exists(os.path.join(directory, "lab.json")):
            return 0
        time.sleep(0.05)
    return 1


def show_traffic(directory):
    """Bytes each relay reads, a line a second, until Ctrl-C."""
    lab = Lab(directory, base=load_info(directory)["base_port"])
    before = None
    try:
        while True:
            counts = [node.traffic() for node in lab.nodes]
            if before:
                print("  ".join("%s %6d kB" % (n.name, (now - was) // 1000)
                                for n, now, was in zip(lab.nodes, counts, before)), flush=True)
            before = counts
            time.sleep(1)
    except KeyboardInterrupt:
        pass


def main():
    parser = argparse.ArgumentParser(description="A private Tor network on loopback.")
    parser.add_argument("command", choices=["up", "down", "run", "info", "traffic"])
    parser.add_argument("dir")
    args = parser.parse_args()
    directory = os.path.abspath(args.dir)
    try:
        if args.command == "up":
            return up(directory)
        if args.command == "down":
            return down(directory)
        if args.command == "info":
            return print_info(directory)
        if args.command == "traffic":
            return show_traffic(directory)
        return serve(directory)
    except LabError as error:
        sys.exit("torlab: %s" % error)


if __name__ == "__main__":
    sys.exit(main())
