"""Whom the program dials, on a network that is big enough for strangers: guards that its state file
names, authorities and fallbacks alone, and of these what its options allow. Each test starts the
program with an option that would show if nobody read it."""

import calendar
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

import dials
import privnet
import sut as sut_module
from works import works

RELAYS, SEED = 60, 5
HELLO = re.compile(r"the exit was (\w+) \(")


class BigNetwork:
    """tunic testnet with 60 relays and 2,000 more that are in the consensus only."""

    def __init__(self, directory):
        self.dir = directory
        argv = [sut_module.program(as_tor=False), "testnet", "--no-client", "--dir", directory,
                "--relays", str(RELAYS), "--phantom", "2000", "--seed", str(SEED)]
        self.process = subprocess.Popen(
            privnet.bound_to_parent(privnet.in_lab_namespace(argv)), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout.readline().startswith("testnet ready")
        self.nodes = dials.Nodes.of_testnet(directory)

    def by_role(self, role):
        return [n for n in self.nodes.all if n["role"] == role]

    def client_torrc_lines(self):
        lines = privnet.read_text(self.dir + "/client.torrc").splitlines()
        return [line for line in lines if line.startswith(("TestingTorNetwork", "DirAuthority"))]

    def order(self, line):
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(20)
            control.connect(os.path.join(self.dir, "control"))
            control.sendall(line.encode() + b"\n")
            with control.makefile("r", encoding="utf-8") as answers:
                return answers.readline().strip()

    def stop(self):
        self.process.terminate()
        self.process.communicate(timeout=20)


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    network = BigNetwork(str(tmp_path_factory.mktemp("big")))
    yield network
    network.stop()


class Traced(sut_module.Sut):
    """The program with its connect() calls noted."""

    def __init__(self, network, directory, torrc=(), lines=None):
        self.trace = os.path.join(str(directory), "connects")
        super().__init__(network, directory, torrc=torrc, network=lines,
                         wrapper=dials.strace(self.trace))
        self.nodes = network.nodes
        self.state = os.path.join(self.data, "state")

    def calls(self, since=0):
        return dials.dialled(self.trace, since) if os.path.exists(self.trace) else []

    def dialled(self, since=0):
        """The nicknames it dialled, each once."""
        return self.nodes.named(self.calls(since))

    def mark(self):
        return os.path.getsize(self.trace)

    def relays(self):
        """Those that are no authority."""
        return [n for n in self.dialled() if not n.startswith("auth")]

    def page(self, user="u"):
        """The exit that a page came by, for a user who wants a circuit of his own."""
        done = self.curl("http://hello.test/", "--proxy-user", user + ":x")
        found = HELLO.search(done.stdout)
        assert found, done.stderr + sut_module.tail(self.log())
        return found.group(1)

    def settle(self):
        time.sleep(0.7)
        return self

    def check_dials(self, allowed=None, fallbacks=()):
        """After an orderly end: nobody was dialled that is none of the three, nor, of relays that are
        no authority, any that is not ALLOWED."""
        assert self.stop() == 0
        assert self.nodes.strangers(self.calls(), self.state, fallbacks) == []
        if allowed is not None:
            assert set(self.relays()) <= set(allowed), self.dialled()


@pytest.fixture
def start(big, tmp_path):
    made = []

    def start(*torrc, ready=True, lines=None):
        client = Traced(big, tmp_path / str(len(made)), torrc, lines)
        made.append(client)
        client.start(wait=ready)
        if ready:
            client.settle()
        return client
    yield start
    for client in made:
        client.kill()


def until(true, seconds=20):
    """Waits for what comes soon unless the machine is busy; whether it came."""
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.03)
    return true()


def nobody_is_dialled(client, seconds=1.5):
    client.wait_for("Opened Socks listener")
    time.sleep(seconds)
    assert client.running(), client.log()
    assert client.dialled() == []


def names(nodes):
    return [n["nickname"] for n in nodes]


def accept(nodes):
    return ",".join("%s:*" % n["address"] for n in nodes)


# ---- who is dialled at all ---------------------------------------------------------------------

def test_cold_and_warm_starts_dial_guards_and_authorities_alone(big, start):
    client = start()
    assert client.page().startswith("exit")
    assert client.stop() == 0
    cold = client.relays()
    # One guard for circuits and three for documents at most (guard-spec A.1).
    assert 1 <= len(cold) <= 3
    os.rename(client.trace, client.trace + ".cold")
    client.start().settle()
    assert client.page().startswith("exit")
    client.check_dials(allowed=cold)
    assert client.dialled() == client.relays(), "a warm start needs no authority"


def test_guards_that_are_all_down_drive_nobody_to_strangers(big, start):
    client = start()
    assert client.page().startswith("exit")
    try:
        big.order("stop guards")
        assert client.curl("http://hello.test/", timeout=4).returncode != 0
        time.sleep(2)
        # Documents are wanted, too: a client of another directory asks for all of them.
        other = start(ready=False)
        time.sleep(3)
    finally:
        big.order("start guards")
    other.wait_for("Bootstrapped 100%", 60)
    other.check_dials()
    deadline = time.monotonic() + 60
    while client.curl("http://hello.test/").returncode != 0:
        assert time.monotonic() < deadline
    client.check_dials()


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor fetches nothing on request")
def test_fetch_anonymous_dials_guards_and_authorities_alone(big, tmp_path):
    trace, data = str(tmp_path / "connects"), tmp_path / "data"
    data.mkdir(mode=0o700)
    privnet.write_text(str(tmp_path / "torrc"), "\n".join(big.client_torrc_lines()) + "\n")
    done = subprocess.run(
        dials.strace(trace) + [sut_module.program(), "fetch", "--anonymous", "--data-directory",
                               str(data), "-f", str(tmp_path / "torrc"), "-o",
                               str(tmp_path / "consensus"), "consensus"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    calls = dials.dialled(trace)
    assert calls and big.nodes.strangers(calls, str(data / "state")) == []


# ---- lists of relays ---------------------------------------------------------------------------

@works("EntryNodes")
def test_entry_nodes_are_asked_for_documents_too(big, start):
    two = names(big.by_role("guard")[:2])
    client = start("EntryNodes " + ",".join(two))
    assert client.page().startswith("exit")
    client.check_dials(allowed=two)


@works("ExcludeNodes", "StrictNodes")
def test_excluded_relays_are_not_dialled_authorities_included(big, start):
    guards, auths = big.by_role("guard"), big.by_role("authority")
    excluded = names(guards[2:] + auths[:2])
    client = start("ExcludeNodes " + ",".join(excluded), "StrictNodes 1")
    assert client.page().startswith("exit")
    client.check_dials(allowed=names(guards[:2]))
    assert not set(client.dialled()) & set(excluded)


@works("StrictNodes")
def test_strict_nodes_decide_whether_excluded_authorities_may_help(big, start):
    exclude = "ExcludeNodes " + ",".join(names(big.by_role("authority")))
    client = start(exclude, "StrictNodes 1", ready=False)
    client.wait_for("no running dirservers known")
    nobody_is_dialled(client, 1)
    lenient = start(exclude, "StrictNodes 0")
    assert any(n.startswith("auth") for n in lenient.dialled())


@works("ExitNodes")
def test_exit_nodes(start):
    client = start("ExitNodes exit4")
    assert {client.page("user%d" % i) for i in range(3)} == {"exit4"}


@works("ExcludeExitNodes")
def test_exclude_exit_nodes(big, start):
    client = start("ExcludeExitNodes " + ",".join(names(big.by_role("exit")[1:])))
    assert {client.page("user%d" % i) for i in range(3)} == {big.by_role("exit")[0]["nickname"]}


@works("MiddleNodes")
def test_middle_nodes(big, start):
    """Seen at the relays: nobody but the three is in a circuit."""
    before = json.loads(big.order("counts"))
    client = start("EntryNodes guard1", "MiddleNodes middle1", "ExitNodes exit1")
    for i in range(3):
        assert client.page("user%d" % i) == "exit1"
    after = json.loads(big.order("counts"))
    # The programs of other tests have ended; their relays have nothing left to say.
    busy = {name for name in after if after[name]["cells_in"] - before[name]["cells_in"] > 5}
    assert {n for n in busy if not n.startswith("auth")} == {"guard1", "middle1", "exit1"}


@works("NodeFamily")
def test_node_family_keeps_two_relays_apart_until_a_reload(big, start):
    """R11: what a reload says reaches the choice of paths."""
    client = start("EntryNodes guard1", "ExitNodes exit1", "NodeFamily guard1,exit1", ready=False)
    client.wait_for("dir_?info|descriptors")
    time.sleep(4)
    assert "Bootstrapped 100%" not in client.log()
    client.lines = [line for line in client.lines if not line.startswith("NodeFamily")]
    client.write_torrc()
    client.signal(signal.SIGHUP)
    client.wait_for("Bootstrapped 100%", 30)
    assert client.page() == "exit1"


@works("EntryNodes", "ExitNodes")
def test_lists_of_a_reload(big, start):
    """R11: circuits of before take no new stream, and the new ones are what the lists say."""
    client = start("ExitNodes exit1")
    assert client.page() == "exit1"
    other = [n for n in names(big.by_role("guard")) if n not in client.relays()][0]
    client.lines = [line for line in client.lines if not line.startswith("ExitNodes")]
    client.write_torrc(["EntryNodes " + other, "ExitNodes exit1,exit2", "ExcludeNodes exit1"])
    mark = client.mark()
    client.signal(signal.SIGHUP)
    time.sleep(1)
    assert client.page() == "exit2"
    assert client.dialled(mark) == [other]


# ---- firewalls ---------------------------------------------------------------------------------

@works("ReachableAddresses", "ReachableORAddresses")
@pytest.mark.parametrize("option", ["ReachableAddresses", "ReachableORAddresses"])
def test_reachable_addresses(big, start, option):
    two = big.by_role("guard")[:2]
    client = start("%s %s" % (option, accept(two + big.by_role("authority")[:1])))
    assert client.page().startswith("exit")
    client.check_dials(allowed=names(two))
    assert set(client.dialled()) - set(client.relays()) == {"auth1"}


@works("FascistFirewall", "FirewallPorts")
def test_fascist_firewall_lets_out_to_some_ports(big, start):
    two = big.by_role("guard")[:2]
    ports = ",".join(str(n["or_port"]) for n in two + big.by_role("authority"))
    client = start("FascistFirewall 1", "FirewallPorts " + ports)
    assert client.page().startswith("exit")
    # Others may have one of these ports by chance.
    allowed = [n for n in big.by_role("guard") if str(n["or_port"]) in ports.split(",")]
    client.check_dials(allowed=names(allowed))


@works("FascistFirewall")
def test_fascist_firewall_alone_lets_out_to_443(start):
    nobody_is_dialled(start("FascistFirewall 1", ready=False))


@works("ReachableAddresses", "ReachableORAddresses")
@pytest.mark.parametrize("option", [
    pytest.param("ReachableAddresses", marks=pytest.mark.skipif(
        sut_module.IS_TOR, reason="tor goes on choosing guards that it then has no address of")),
    "ReachableORAddresses"])
def test_reachable_addresses_of_a_reload(big, start, option):
    """R11: the guards are chosen anew at once, and old circuits take no new stream."""
    client = start()
    client.page()
    first = client.relays()
    others = [n for n in big.by_role("guard") if n["nickname"] not in first][:2]
    client.write_torrc([option + " " + accept(others + big.by_role("authority"))])
    mark = client.mark()
    client.signal(signal.SIGHUP)
    time.sleep(1)
    assert client.page("another").startswith("exit")
    assert set(client.dialled(mark)) <= set(names(others)), client.dialled(mark)
    assert client.dialled(mark)


@works("ExtendAllowPrivateAddresses")
def test_private_addresses_are_not_dialled_unless_that_is_allowed(start):
    nobody_is_dialled(start("ExtendAllowPrivateAddresses 0", ready=False))


# ---- IPv4 and IPv6 -----------------------------------------------------------------------------

V6 = "2001:db8:%d::1"


@pytest.fixture
def dual_lines(big):
    """The authorities' lines, each with an IPv6 address where nobody answers."""
    lines = []
    for line in big.client_torrc_lines():
        if line.startswith("DirAuthority"):
            words = line.split()
            words.insert(2, "ipv6=[%s]:9001" % (V6 % len(lines)))
            line = " ".join(words)
        lines.append(line)
    return lines


def dials_in_family(client, *wanted):
    """It dials addresses of these families, and of no other within a second."""
    client.wait_for("Opened Socks listener")

    def seen():
        return {"v6" if ":" in address else "v4" for address, _ in client.calls()}
    until(lambda: seen() >= set(wanted))
    time.sleep(1)
    assert seen() == set(wanted), client.calls()


@works("ClientUseIPv4")
def test_client_use_ipv4(start, dual_lines):
    dials_in_family(start("ClientUseIPv4 0", ready=False, lines=dual_lines), "v6")


@works("ClientUseIPv6")
def test_client_use_ipv6(start, dual_lines):
    behind = "ReachableAddresses reject 127.0.0.0/8:*,accept *:*"
    dials_in_family(start(behind, ready=False, lines=dual_lines), "v6")
    dials_in_family(start(behind, "ClientUseIPv6 0", ready=False, lines=dual_lines))


@works("ClientPreferIPv6ORPort")
def test_client_prefer_ipv6_orport(start, dual_lines):
    dials_in_family(start("ClientPreferIPv6ORPort 1", ready=False, lines=dual_lines), "v6")
    dials_in_family(start(ready=False, lines=dual_lines), "v4")


@works("ClientUseIPv4")
def test_client_use_ipv4_of_a_reload(start):
    """R11: no connection over IPv4 is opened from then on."""
    client = start()
    client.page()
    client.write_torrc(["ClientUseIPv4 0"])
    client.signal(signal.SIGHUP)
    time.sleep(1)
    mark = client.mark()
    assert client.curl("http://hello.test/", "--proxy-user", "new:x", timeout=3).returncode != 0
    assert client.dialled(mark) == []


# ---- guards ------------------------------------------------------------------------------------

@works("UseEntryGuards")
def test_without_entry_guards_first_hops_are_anybody(start):
    client = start("UseEntryGuards 0")
    for i in range(8):
        client.page("user%d" % i)
    assert len(client.relays()) > 4, client.dialled()


@works("NumDirectoryGuards")
def test_num_directory_guards(start):
    client = start("NumDirectoryGuards 1")
    assert len(client.relays()) == 1, client.dialled()


@works("NumPrimaryGuards")
def test_num_primary_guards(start):
    client = start("NumPrimaryGuards 1")
    assert len(client.relays()) == 1, client.dialled()


@works("NumEntryGuards")
def test_num_entry_guards(start):
    client = start("NumDirectoryGuards 1", "NumEntryGuards 2")
    for i in range(10):
        client.page("user%d" % i)
    assert len(client.relays()) == 2, client.dialled()


def age(state, days):
    """All guards of a state file were sampled and confirmed so many days ago."""
    then = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - days * 86400))
    text = privnet.read_text(state)
    privnet.write_text(state, re.sub(r"\b(sampled_on|confirmed_on)=\S+", r"\1=" + then, text))


def ages(state):
    """How many days ago the guards were sampled, each."""
    dates = re.findall(r"^Guard .*\bsampled_on=(\d+)-(\d+)-(\d+)", privnet.read_text(state), re.M)
    return [(time.time() - calendar.timegm(tuple(map(int, d)) + (0, 0, 0))) / 86400 for d in dates]


@works("GuardLifetime")
def test_guard_lifetime(start):
    client = start("GuardLifetime 100 days")
    assert client.stop() == 0
    age(client.state, 70)
    client.start()
    assert client.stop() == 0
    assert min(ages(client.state)) > 69, "70 days are less than 100"
    client.lines = ["GuardLifetime 30 days" if line.startswith("GuardLifetime") else line
                    for line in client.lines]
    client.write_torrc()
    client.start()
    assert client.stop() == 0
    assert max(ages(client.state)) < 10, "70 days are more than 30, and than 60"


# ---- fallbacks ---------------------------------------------------------------------------------

@works("DirAuthorityFallbackRate")
@pytest.mark.parametrize("rate, first", [("0", "middle1"), ("1000000", "auth")])
def test_dir_authority_fallback_rate(big, start, rate, first):
    node = big.by_role("middle")[0]
    line = "FallbackDir %s orport=%d id=%s" % (node["address"], node["or_port"], node["fingerprint"])
    for _ in range(3):
        client = start(line, "DirAuthorityFallbackRate " + rate, ready=False)
        assert until(client.dialled), client.log()
        client.kill()
        assert client.dialled()[0].startswith(first)


@works("FallbackDir")
def test_fallback_dir(big, start):
    """A fallback, and no authority, serves the first documents."""
    node = big.by_role("middle")[0]
    line = "FallbackDir %s orport=%d id=%s" % (node["address"], node["or_port"], node["fingerprint"])
    client = start(line, "DirAuthorityFallbackRate 0")
    assert "middle1" in client.dialled()
    client.check_dials(fallbacks=["middle1"])


def public_authorities():
    """The IPv4 addresses of the public network's, as the program has them."""
    source = privnet.read_text(os.path.join(sut_module.TOP, "src/dir/authorities.c"))
    rows = source[source.index("authorities[] = {"):source.index("fallbacks[] = {")]
    found = re.findall(r'\{"\w+", "([\d.]+)",', rows)
    assert len(found) > 7
    return set(found)


@works("UseDefaultFallbackDirs")
def test_use_default_fallback_dirs(big, tmp_path):
    """Where there is no network at all, who would be dialled."""
    traces = {use: str(tmp_path / ("connects" + use)) for use in "01"}
    clients = []
    for use, trace in traces.items():
        clients.append(sut_module.Sut(
            big, tmp_path / use, network=[], torrc=["UseDefaultFallbackDirs " + use],
            wrapper=["unshare", "--net"] + dials.strace(trace)))
        clients[-1].start(wait=False)

    def seen(use):
        calls = dials.dialled(traces[use]) if os.path.exists(traces[use]) else []
        return {address for address, _ in calls if ":" not in address}
    try:
        assert until(lambda: seen("1") - public_authorities())
        assert until(lambda: seen("0"))
        time.sleep(2)
        assert seen("0") <= public_authorities()
    finally:
        for client in clients:
            client.kill()


# ---- circuits ----------------------------------------------------------------------------------

@works("ExtendByEd25519ID")
@pytest.mark.parametrize("said", ["0", "1"])
def test_extend_by_ed25519_id(big, start, said):
    """The last hop shows the certificates of another Ed25519 key: that is noticed by the relay before
    it, if it was told which key to expect."""
    big.order("fault exit2:link-other-ed")
    try:
        big.order("stop exit2")
        big.order("start exit2")
        client = start("ExitNodes exit2", "ExtendByEd25519ID " + said, ready=False)
        client.wait_for("dir_?info|descriptors", 20)
        if said == "0":
            client.wait_for("Bootstrapped 100%", 30)
            assert client.page() == "exit2"
        else:
            time.sleep(3)
            assert "Bootstrapped 100%" not in client.log()
    finally:
        big.order("honest exit2")
        big.order("stop exit2")
        big.order("start exit2")
