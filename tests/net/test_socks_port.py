"""SocksPort and its flags, and the options about what applications may do: each seen from an
application, and at the exits where circuits are shared or not."""

import contextlib
import os
import re
import socket
import stat
import time

import pytest

import privnet
import socks_client
import sut as sut_module
from test_isolation import circuits_of
from works import works

PAGE = "This page came through a private Tor network"
NOT_ALLOWED, TTL_EXPIRED, BAD_ONION = 2, 6, 0xF6

# One program has them all: the name of a port, and its flags.
PORTS = {
    "plain": "",
    "protocol": "NoIsolateClientProtocol",
    "protocols": "IsolateClientProtocol",       # tor has it off at first
    "client": "NoIsolateClientAddr",
    "auth": "NoIsolateSOCKSAuth",
    "dest port": "IsolateDestPort",
    "dest addr": "IsolateDestAddr",
    "group a": "SessionGroup=7",
    "group b": "SessionGroup=7",
    "group c": "SessionGroup=8",
    "prefer v6": "PreferIPv6",
    "no ipv4": "NoIPv4Traffic",
    "no ipv6": "NoIPv6Traffic",
    "no dns": "NoDNSRequest",
    "no onion": "NoOnionTraffic",
    "onion only": "OnionTrafficOnly",
    "no auth": "PreferSOCKSNoAuth",
    "errors": "ExtendedErrors",
}


class Ports:
    def __init__(self, sut, proxies):
        self.sut, self.proxies = sut, proxies

    def __getitem__(self, name):
        return self.proxies[name]


@pytest.fixture(scope="module")
def ports(lab, workdir):
    directory = os.path.join(workdir, "socks-ports")
    os.makedirs(directory, mode=0o700)
    os.chmod(directory, 0o700)
    proxies = {name: ("127.0.0.1", sut_module.free_port()) for name in PORTS}
    lines = ["SocksPort %d %s" % (proxies[name][1], flags) for name, flags in PORTS.items()]
    for name, flags in (("unix", ""), ("group", "GroupWritable RelaxDirModeCheck"),
                        ("world", "WorldWritable RelaxDirModeCheck")):
        proxies["unix " + name] = os.path.join(directory, name)
        lines.append("SocksPort unix:%s %s" % (proxies["unix " + name], flags))
    program = sut_module.Sut(lab, directory, torrc=lines)
    program.start()
    yield Ports(program, proxies)
    program.kill()


def refusal(proxy, host, port=80, **options):
    """The reply code, or None."""
    try:
        socks_client.socks5(proxy, host, port, **options)[0].close()
    except socks_client.SocksError as refused:
        return refused.code
    return None


# -- where it listens -----------------------------------------------------------------------------

@works("SocksPort")
def test_each_line_is_a_port_of_its_own(lab, ports):
    for name in ("plain", "group a", "unix unix"):
        sock, _ = socks_client.socks5(ports[name], privnet.WEB_HOST, lab.ports["echo"])
        with sock:
            sock.sendall(b"x")
            assert socks_client.read_exactly(sock, 1) == b"x"


@works("SocksPort")
def test_unix_sockets_are_for_whom_they_say(ports):
    modes = {name: stat.S_IMODE(os.stat(ports["unix " + name]).st_mode)
             for name in ("unix", "group", "world")}
    assert modes == {"unix": 0o600, "group": 0o660, "world": 0o666}


@works("SocksPort")
def test_the_system_chooses_a_port_and_none_is_opened_for_0(lab, make_sut):
    mine = make_sut(defaults=False, torrc=["SocksPort auto", "Log notice stdout"]).start()
    port = int(mine.wait_for(r"Socks listener connection \(ready\) on 127\.0\.0\.1:(\d+)").group(1))
    sock, _ = socks_client.socks5(("127.0.0.1", port), privnet.WEB_HOST, lab.ports["echo"])
    sock.close()
    mine.stop()
    none = make_sut(defaults=False, torrc=["SocksPort 0", "Log notice stdout"])
    none.start(wait=False)
    none.wait_for("Starting|Bootstrapped|listener|Parsing", 20)
    time.sleep(0.5)
    assert "Socks listener" not in none.log()


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor takes a socket away from who has it")
def test_a_socket_that_is_served_is_not_taken_away(lab, make_sut):
    """By the same command, given again by mistake."""
    first = make_sut(defaults=False)
    path = first.data + "/socks"
    first.write_torrc(["SocksPort unix:" + path, "Log notice stdout"])
    first.start()
    again = make_sut(defaults=False)
    again.write_torrc(["SocksPort unix:" + path, "Log notice stdout"])
    again.start(wait=False)
    assert again.process.wait(20) == 1
    assert "Is Tor or Tunic already running?" in again.log()
    with socket.socket(socket.AF_UNIX) as application:
        application.connect(path)
    # One that was left behind is taken.
    first.kill()
    again.start()


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor says nothing of exits that no consensus has")
def test_that_requests_are_refused_is_said(make_sut):
    """The application hears no more than that it did not work."""
    mine = make_sut(torrc=["ExitNodes nosuchrelay"])
    mine.start(wait=False)
    mine.wait_for("Opened Socks listener|Bootstrapped 80%")
    mine.curl("http://web.test/", timeout=20)
    mine.wait_for(r"\[warn\] A request of an application was refused: every exit relay .* is "
                  "ruled out by ExitNodes")


# -- who shares a circuit --------------------------------------------------------------------------

@contextlib.contextmanager
def pair(lab, first, second):
    """Two streams, to echo and to echo2, made by the functions -> their (exit, circuit)."""
    socks = [first(lab.ports["echo"]), second(lab.ports["echo2"])]
    try:
        for sock in socks:
            sock.sendall(b"x")
            socks_client.read_exactly(sock, 1)
        yield circuits_of(lab, ["echo", "echo2"])
    finally:
        for sock in socks:
            sock.close()


def by5(proxy, host=privnet.WEB_HOST, **options):
    return lambda port: socks_client.socks5(proxy, host, port, **options)[0]


def by4(proxy):
    return lambda port: socks_client.socks4a(proxy, privnet.WEB_HOST, port)[0]


def from_elsewhere(proxy):
    """From another address of this computer."""
    def dial(port):
        sock = socket.socket()
        for address in ("127.192.0.2", "127.0.0.2"):
            try:
                sock.bind((address, 0))
                break
            except OSError:
                pass
        sock.settimeout(20)
        sock.connect(proxy)
        sock.sendall(b"\x05\x01\x00\x05\x01\x00" + socks_client.encode_address(privnet.WEB_HOST)
                     + port.to_bytes(2, "big"))
        assert socks_client.read_exactly(sock, 2 + 10)[2:4] == b"\x05\x00"
        return sock
    return dial


def pairs(ports):
    plain = ports["plain"]
    yield "same port", True, by5(plain), by5(plain)
    yield "IsolateClientProtocol", False, by5(ports["protocols"]), by4(ports["protocols"])
    yield "IsolateClientProtocol at first", sut_module.IS_TOR, by5(plain), by4(plain)
    yield "NoIsolateClientProtocol", True, by5(ports["protocol"]), by4(ports["protocol"])
    yield "IsolateClientAddr", False, by5(plain), from_elsewhere(plain)
    yield "NoIsolateClientAddr", True, by5(ports["client"]), from_elsewhere(ports["client"])
    yield "IsolateSOCKSAuth", False, by5(plain, auth=("u", "p")), by5(plain, auth=("v", "p"))
    yield ("NoIsolateSOCKSAuth", True, by5(ports["auth"], auth=("u", "p")),
           by5(ports["auth"], auth=("v", "p")))
    yield "IsolateDestPort", False, by5(ports["dest port"]), by5(ports["dest port"])
    yield ("not IsolateDestAddr", True, by5(plain, host="web.test"), by5(plain))
    yield ("IsolateDestAddr", False, by5(ports["dest addr"], host="web.test"), by5(ports["dest addr"]))
    yield "IsolateDestAddr, same", True, by5(ports["dest addr"]), by5(ports["dest addr"])
    yield "another port", False, by5(plain), by5(ports["protocol"])
    yield "SessionGroup", True, by5(ports["group a"]), by5(ports["group b"])
    yield "another SessionGroup", False, by5(ports["group a"]), by5(ports["group c"])


@works("SocksPort")
def test_isolation_flags(lab, ports):
    """Those that may share a circuit do, those that may not do not."""
    wrong = []
    for what, together, first, second in pairs(ports):
        with pair(lab, first, second) as circuits:
            if (circuits[0] == circuits[1]) != together:
                wrong.append("%s: %s" % (what, circuits))
    assert not wrong


@works("SocksPort", "MaxCircuitDirtiness")
def test_a_circuit_is_kept_alive_for_its_user(lab, make_sut):
    """KeepAliveIsolateSOCKSAuth: while it is used, past MaxCircuitDirtiness; and not without."""
    kept, plain = (("127.0.0.1", sut_module.free_port()) for _ in range(2))
    mine = make_sut(torrc=["SocksPort %d KeepAliveIsolateSOCKSAuth" % kept[1],
                           "SocksPort %d" % plain[1], "MaxCircuitDirtiness 10"]).start()
    seen = {kept: [], plain: []}
    for pause in (0, 6, 6):
        time.sleep(pause)
        for proxy in seen:
            sock, _ = socks_client.socks5(proxy, privnet.WEB_HOST, lab.ports["echo"], auth=("u", "p"))
            with sock:
                sock.sendall(b"x")
                socks_client.read_exactly(sock, 1)
                seen[proxy] += circuits_of(lab, ["echo"])
    assert mine.running()
    assert len(set(seen[kept])) == 1
    assert seen[plain][0] == seen[plain][1] != seen[plain][2]


# -- what may be asked -----------------------------------------------------------------------------

@works("SocksPort")
def test_traffic_flags(lab, ports):
    v4, v6 = privnet.WEB_HOST, "2001:db8::1"
    onion = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion"
    rows = [("no ipv4", v4, True), ("no ipv6", v6, True),
            ("no ipv6", v4, False), ("no dns", "web.test", True), ("no dns", v4, False),
            ("onion only", "web.test", True), ("onion only", v4, True), ("onion only", v6, True),
            ("no onion", onion, True), ("no onion", v4, False)]
    wrong = []
    for name, host, refused in rows:
        code = refusal(ports[name], host, lab.ports["http"], timeout=60)
        if (code == NOT_ALLOWED) != refused:
            wrong.append("%s: %s: %s" % (name, host, code))
    assert not wrong
    assert len(re.findall("requested from a port with .onion disabled", ports.sut.log())) == 1


@works("SocksPort")
def test_family_flags_at_the_exit(lab, ports):
    """A name that has an address of each family: which one the exit is asked to take."""
    if not lab.leaves_loopback:
        pytest.skip("exits of our network know one address of a name")
    seen = {}
    for name in ("plain", "prefer v6", "no ipv4", "no ipv6"):
        sock, _ = socks_client.socks5(ports[name], "both.test", lab.ports["http"])
        with sock:
            seen[name] = {s["target"].rpartition(":")[0] for s in lab.exit_streams()
                          if s["target"].endswith(":%d" % lab.ports["http"])}
        time.sleep(0.5)
    assert seen == {"plain": {privnet.WEB_HOST}, "prefer v6": {"[::1]"}, "no ipv4": {"[::1]"},
                    "no ipv6": {privnet.WEB_HOST}}


@works("SocksPort")
def test_method_flag(ports):
    methods = {}
    for name in ("plain", "no auth"):
        with socks_client.open_proxy(ports[name], 10) as sock:
            sock.sendall(b"\x05\x02\x00\x02")
            methods[name] = socks_client.read_exactly(sock, 2)[1]
    assert methods == {"plain": 2, "no auth": 0}


@works("SocksPort")
def test_extended_errors_flag(ports):
    assert refusal(ports["errors"], "short.onion") == BAD_ONION
    assert refusal(ports["plain"], "short.onion") != BAD_ONION


def start_with(make_sut, *lines):
    return make_sut(torrc=list(lines)).start()


LEAK = "is giving Tor only an IP address"


@works("SafeSocks")
def test_safe_socks(lab, make_sut):
    mine = start_with(make_sut, "SafeSocks 1")
    port = lab.ports["http"]
    assert refusal(mine.proxy, privnet.WEB_HOST, port) == NOT_ALLOWED
    assert re.search(LEAK + ".*Rejecting", mine.log())
    assert refusal(mine.proxy, "web.test", port) is None
    with pytest.raises(socks_client.SocksError):
        socks_client.socks4a(mine.proxy, privnet.WEB_HOST, port)


@works("TestSocks")
def test_test_socks(lab, make_sut):
    mine = start_with(make_sut, "TestSocks 1")
    port = lab.ports["http"]
    for _ in range(2):          # each time, not once in a while
        assert refusal(mine.proxy, "web.test", port) is None
        assert refusal(mine.proxy, privnet.WEB_HOST, port) is None
    assert len(re.findall(r"\[notice\] Your application \(using socks5 to port %d\) instructed Tor to "
                          r"take care of the DNS resolution" % port, mine.log())) >= 2
    assert len(re.findall(r"\[warn\] .*" + LEAK, mine.log())) >= 2


PLAINTEXT = (r"\[warn\] Application request to port %d: this port is commonly used for unencrypted "
             r"protocols\. .*")


@works("WarnPlaintextPorts", "RejectPlaintextPorts")
def test_plaintext_ports(lab, make_sut):
    warned, rejected = lab.ports["http"], lab.ports["echo"]
    mine = start_with(make_sut, "RejectPlaintextPorts %d" % rejected,
                      "WarnPlaintextPorts %d,%d" % (warned, rejected))
    assert refusal(mine.proxy, privnet.WEB_HOST, lab.ports["echo2"]) is None
    assert "unencrypted" not in mine.log()
    assert refusal(mine.proxy, privnet.WEB_HOST, rejected) == NOT_ALLOWED
    assert re.search(PLAINTEXT % rejected + "Closing", mine.log())
    mine.stop()
    mine = start_with(make_sut, "WarnPlaintextPorts %d" % warned)
    assert PAGE in mine.curl(lab.url("/")).stdout
    assert re.search(PLAINTEXT % warned, mine.log())


@works("SocksTimeout")
def test_socks_timeout(lab, make_sut):
    """Without it a host that does not answer is tried three times, for more than half a minute."""
    mine = start_with(make_sut, "SocksTimeout 2")
    begun = time.monotonic()
    assert refusal(mine.proxy, privnet.WEB_HOST, lab.ports["blackhole"], timeout=60) in (
        TTL_EXPIRED, socks_client.FAILURE)
    assert time.monotonic() - begun < 25
