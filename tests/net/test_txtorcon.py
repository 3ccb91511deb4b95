"""txtorcon, in all that its documentation shows of a client: connections, TorState, TorConfig,
attachers, circuits of one's own, and a Tor of one's own."""

import collections
import os
import re
import warnings

import pytest

import privnet
import socks_client
import steered as steered_module
import sut as sut_module
from steered import wait_until

# Its import of Twisted and of a parser that says it is old.
warnings.filterwarnings("ignore", category=DeprecationWarning)
txtorcon = pytest.importorskip("txtorcon")

from twisted.internet import defer                              # noqa: E402
from twisted.internet.endpoints import TCP4ClientEndpoint       # noqa: E402
from twisted.internet.protocol import Factory, Protocol         # noqa: E402
from twisted.web.client import readBody                         # noqa: E402
from zope.interface import implementer                          # noqa: E402
import txtorcon.circuit                                         # noqa: E402

PAGE = "This page came through a private Tor network"


@pytest.fixture(scope="module")
def twist():
    return steered_module.Twist()


@pytest.fixture
def tor(twist, steered):
    """txtorcon's Tor, with its state and config."""
    async def connect():
        one = await txtorcon.connect(
            twist.reactor, TCP4ClientEndpoint(twist.reactor, "127.0.0.1", steered.control_port))
        one.state = await one.create_state()
        one.config = await one.get_config()
        return one
    one = twist.run(connect)
    yield one

    async def leave():
        # One for all circuits' stream_via(), which txtorcon never takes back.
        txtorcon.circuit._get_circuit_attacher.attacher = None
        await one.protocol.queue_command("RESETCONF __LeaveStreamsUnattached")
        one.protocol.transport.loseConnection()
    twist.run(leave)


def router(tor, node):
    return tor.state.routers_by_hash["$" + node.fingerprint]


def a_path(lab, tor):
    """Three relays that nobody chose: no authority, an exit at the end."""
    path = [lab.by_role("guard")[-1], lab.by_role("middle")[-1], lab.by_role("exit")[-1]]
    return [router(tor, node) for node in path]


def built(twist, make):
    """The circuit that MAKE() begins, when it is built."""
    async def build():
        circuit = await make()
        await circuit.when_built()
        return circuit
    return twist.run(build)


def echo_stream(lab, steered):
    sock, _ = socks_client.socks5(steered.proxy, "web.test", lab.ports["echo"])
    return sock


def stream_to(twist, tor, port):
    """The Stream to PORT, once it is attached."""
    def find():
        return next((s for s in list(tor.state.streams.values())
                     if s.target_port == port and s.circuit is not None), None)
    return wait_until(find, "a stream to port %d in TorState" % port)


# ---- connections ----

@pytest.mark.parametrize("how", ["tuple", "endpoint"])
def test_build_tor_connection(lab, twist, steered, how):
    where = (twist.reactor, "127.0.0.1", steered.control_port)
    state = twist.run(txtorcon.build_tor_connection,
                      where if how == "tuple" else TCP4ClientEndpoint(*where))
    assert len(state.routers_by_hash) == len(lab.nodes)
    assert state.protocol.version.startswith("0.4.9.11")
    state.protocol.transport.loseConnection()


def test_build_tor_connection_without_state(twist, steered):
    protocol = twist.run(lambda: txtorcon.build_tor_connection(
        (twist.reactor, "127.0.0.1", steered.control_port), build_state=False))
    assert protocol.version.startswith("0.4.9.11")
    assert twist.run(protocol.get_info, "version")["version"].startswith("0.4.9.11")
    protocol.transport.loseConnection()


def test_build_tor_connection_over_a_socket(lab, twist, make_steered):
    mine = make_steered()
    path = os.path.join(mine.data, "control")
    mine.write_torrc(["ControlSocket " + path])
    mine.start()
    state = twist.run(txtorcon.build_tor_connection, (twist.reactor, path))
    assert state.tor_pid == mine.process.pid
    state.protocol.transport.loseConnection()


def test_build_local_tor_connection(twist, steered):
    """There is no socket, so it takes the port."""
    state = twist.run(lambda: txtorcon.build_local_tor_connection(
        twist.reactor, port=steered.control_port, socket="/nonexistent/control"))
    assert state.tor_pid == steered.process.pid
    state.protocol.transport.loseConnection()


def test_connect_and_see_it_gone(twist, steered):
    async def example():
        tor = await txtorcon.connect(
            twist.reactor, TCP4ClientEndpoint(twist.reactor, "127.0.0.1", steered.control_port))
        gone = tor.protocol.when_disconnected()
        tor.protocol.transport.loseConnection()
        await gone
        return tor.version
    assert twist.run(example).startswith("0.4.9.11")


# ---- TorState ----

def test_state_knows_the_routers(lab, tor):
    state = tor.state
    assert set(state.routers_by_hash) == {"$" + n.fingerprint for n in lab.nodes}
    assert {r.name for r in state.all_routers} == {n.name for n in lab.nodes}
    for node in lab.nodes:
        (by_name,) = state.routers_by_name[node.name]
        assert by_name is state.routers[node.name] is state.routers["$" + node.fingerprint]
        assert (by_name.ip, int(by_name.or_port)) == (node.address, node.or_port)
        assert "running" in by_name.flags and by_name.from_consensus
        assert by_name.bandwidth >= 0
    assert set(state.guards) >= {"$" + n.fingerprint for n in lab.by_role("guard")}
    assert set(state.authorities) == {n.name for n in lab.authorities()}


def test_state_knows_the_entry_guards(lab, steered, tor):
    """What it cannot parse out of GETINFO entry-guards it keeps as lines."""
    state = tor.state
    assert state.entry_guards
    assert set(state.entry_guards) <= set(state.routers_by_hash)
    used = {"$" + node.fingerprint for node in steered.connected_relays()}
    assert used & set(state.entry_guards)
    for line in state.unusable_entry_guards:
        assert re.match(r"\$[0-9A-F]{40}\S* (never-connected|down|unlisted|unusable)", line), line


def test_state_knows_circuits_and_the_process(steered, tor):
    assert tor.state.tor_pid == steered.process.pid
    circuits = [c for c in tor.state.circuits.values() if c.state == "BUILT"]
    assert circuits
    for circuit in circuits:
        assert len(circuit.path) in (1, 3)
        assert all(r.id_hex in tor.state.routers_by_hash for r in circuit.path)
        assert circuit.purpose
        assert 0 <= circuit.age() < 3600
        assert "for " + circuit.purpose in str(circuit)
    assert any("NEED_CAPACITY" in circuit.build_flags for circuit in circuits)


def test_state_knows_streams(lab, twist, steered, tor):
    with echo_stream(lab, steered) as sock:
        stream = stream_to(twist, tor, lab.ports["echo"])
        assert stream.target_host == "web.test"
        assert (str(stream.source_addr), stream.source_port) == sock.getsockname()
        wait_until(lambda: stream.state == "SUCCEEDED", "a stream that succeeded")
        assert stream in stream.circuit.streams
        assert stream.circuit.path[-1].name in [n.name for n in lab.by_role("exit")]
        # Who connects later sees it as well.
        later = twist.run(txtorcon.build_tor_connection,
                          (twist.reactor, "127.0.0.1", steered.control_port))
        assert later.streams[stream.id].circuit.id == stream.circuit.id
        later.protocol.transport.loseConnection()
    wait_until(lambda: stream.id not in tor.state.streams, "the stream closed")


def test_listeners_hear_of_a_circuit(twist, tor):
    heard = []
    state = tor.state
    state.on_circuit_launched(lambda c: heard.append(("launched", c.id)))
    state.on_circuit_extend(lambda c, r: heard.append(("extend", c.id)))
    state.on_circuit_built(lambda c: heard.append(("built", c.id)))
    state.on_circuit_closed(lambda c, **kw: heard.append(("closed", c.id, kw["REASON"])))
    circuit = built(twist, state.build_circuit)
    twist.run(circuit.close)
    mine = [h[:1] + h[2:] for h in list(heard) if h[1] == circuit.id]
    assert mine == [("launched",)] + [("extend",)] * 3 + [("built",), ("closed", "REQUESTED")]


def test_listeners_hear_of_a_stream(lab, twist, steered, tor):
    heard = []
    tor.state.on_stream_new(lambda s: heard.append("new"))
    tor.state.on_stream_attach(lambda s, c: heard.append("attach"))
    tor.state.on_stream_succeeded(lambda s: heard.append("succeeded"))
    tor.state.on_stream_closed(lambda s, **kw: heard.append("closed " + kw["REASON"]))
    echo_stream(lab, steered).close()
    wait_until(lambda: heard and heard[-1].startswith("closed"), "a closed stream")
    # (It takes DONE for what a program closed, and END, with a remote reason, for the other side.)
    assert heard[0] == "new" and "attach" in heard and "succeeded" in heard
    assert heard[-1] == "closed DONE"


# ---- streams, closed and attached ----

def test_close_stream_with_a_reason(lab, twist, steered, tor):
    reasons = []
    tor.state.on_stream_closed(lambda s, **kw: reasons.append(kw["REASON"]))
    with echo_stream(lab, steered) as sock:
        stream = stream_to(twist, tor, lab.ports["echo"])
        closing = twist.run(lambda: tor.state.close_stream(stream, reason="REASON_TORPROTOCOL"))
        assert closing == "OK"
        assert sock.recv(1) == b""
        wait_until(lambda: reasons, "the stream's end")
    assert reasons == ["TORPROTOCOL"]


def test_close_stream_waits_for_its_end(lab, twist, steered, tor):
    with echo_stream(lab, steered) as sock:
        stream = stream_to(twist, tor, lab.ports["echo"])
        twist.run(stream.close)
        assert stream.id not in tor.state.streams
        assert sock.recv(1) == b""


def echoes_at_exits(lab):
    """How many connections to the echo server each exit has."""
    target = "%s:%d" % (privnet.WEB_HOST, lab.ports["echo"])
    return collections.Counter(s["exit"].name for s in lab.exit_streams() if s["target"] == target)


@implementer(txtorcon.IStreamAttacher)
class Attacher:
    """Sends what goes to PORT along CIRCUIT, and closes what goes to FORBIDDEN."""

    def __init__(self, state, port, circuit, forbidden=None):
        self.state, self.port, self.circuit, self.forbidden = state, port, circuit, forbidden
        self.seen = []

    def attach_stream(self, stream, circuits):
        self.seen.append(stream.target_port)
        if stream.target_port == self.forbidden:
            self.state.close_stream(stream)
            return txtorcon.TorState.DO_NOT_ATTACH
        return self.circuit if stream.target_port == self.port else None

    def attach_stream_failure(self, stream, fail):
        pass


def test_attacher(lab, twist, steered, tor):
    """Its stream leaves by the last relay of the circuit that it chose, others by any."""
    path = a_path(lab, tor)
    circuit = built(twist, lambda: tor.state.build_circuit(path, using_guards=False))
    attacher = Attacher(tor.state, lab.ports["echo"], circuit, lab.ports["echo2"])
    twist.run(tor.state.set_attacher, attacher, twist.reactor)
    before = echoes_at_exits(lab)
    with echo_stream(lab, steered) as sock:
        sock.sendall(b"to my exit")
        assert socks_client.read_exactly(sock, 10) == b"to my exit"
        assert echoes_at_exits(lab) - before == {path[-1].name: 1}
        assert stream_to(twist, tor, lab.ports["echo"]).circuit is circuit
    assert PAGE in steered.curl(lab.url("/")).stdout
    with pytest.raises((socks_client.SocksError, ConnectionError, EOFError)):
        socks_client.socks5(steered.proxy, "web.test", lab.ports["echo2"])
    assert set(attacher.seen) >= {lab.ports["echo"], lab.ports["http"], lab.ports["echo2"]}
    twist.run(tor.state.set_attacher, None, twist.reactor)
    assert twist.run(tor.protocol.get_conf, "__LeaveStreamsUnattached") == {
        "__LeaveStreamsUnattached": "0"}
    assert PAGE in steered.curl(lab.url("/")).stdout


def test_circuit_as_web_agent_and_endpoint(lab, twist, steered, tor):
    """web_agent() and stream_via() keep to their circuit."""
    path = a_path(lab, tor)
    circuit = built(twist, lambda: tor.state.build_circuit(path, using_guards=False))

    class Echo(Protocol):
        def connectionMade(self):
            self.got = defer.Deferred()
            self.transport.write(b"via")

        def dataReceived(self, data):
            self.got.callback(data)

    async def use():
        agent = circuit.web_agent(twist.reactor, tor.config.socks_endpoint(twist.reactor))
        page = await readBody(await agent.request(b"GET", lab.url("/").encode()))
        endpoint = circuit.stream_via(twist.reactor, "web.test", lab.ports["echo"],
                                      tor.config.socks_endpoint(twist.reactor))
        echo = await endpoint.connect(Factory.forProtocol(Echo))
        return page, await echo.got, {s.circuit for s in circuit.streams}
    page, echoed, circuits = twist.run(use)
    assert PAGE in page.decode() and echoed == b"via" and circuits == {circuit}
    twist.run(circuit.close)


# ---- circuits ----

def test_build_circuit_by_path(lab, twist, tor):
    path = a_path(lab, tor)
    circuit = built(twist, lambda: tor.state.build_circuit(path, using_guards=False))
    assert circuit.path == path
    assert circuit.state == "BUILT" and circuit.purpose == "GENERAL"
    assert 0 <= circuit.age() < 10
    assert twist.run(circuit.close) is circuit
    assert circuit.id not in tor.state.circuits
    assert twist.run(circuit.close) is None     # closed already


def test_build_circuit_as_the_client_would(tor, twist):
    circuit = built(twist, tor.state.build_circuit)
    assert len(circuit.path) == 3
    assert circuit.path[0].id_hex in tor.state.entry_guards
    assert "NEED_CAPACITY" in circuit.build_flags
    twist.run(circuit.close)


def test_build_circuit_with_guards(lab, twist, tor):
    """Without one of the client's guards in front txtorcon warns, and builds."""
    guard = next(iter(tor.state.entry_guards.values()))
    rest = [r for r in a_path(lab, tor)[1:] if r is not guard]
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        twist.run(built(twist, lambda: tor.state.build_circuit([guard] + rest)).close)
        stranger = next(r for r in tor.state.guards.values()
                        if r.id_hex not in tor.state.entry_guards)
        with pytest.raises(RuntimeWarning):
            twist.run(tor.state.build_circuit, [stranger] + rest)


def test_build_circuit_with_a_purpose(lab, twist, tor):
    circuit = built(twist, lambda: tor.state.build_circuit(
        a_path(lab, tor), using_guards=False, purpose="controller"))
    assert circuit.purpose == "CONTROLLER"
    twist.run(circuit.close)


def test_close_circuit_if_unused(lab, twist, steered, tor):
    with echo_stream(lab, steered) as sock:
        circuit = stream_to(twist, tor, lab.ports["echo"]).circuit
        closing = tor.state.close_circuit(circuit, IfUnused=True)
        assert twist.run(lambda: closing) == "OK"
        sock.sendall(b"still")
        assert socks_client.read_exactly(sock, 5) == b"still"
        assert tor.state.circuits[circuit.id].state == "BUILT"
    unused = built(twist, tor.state.build_circuit)
    assert twist.run(lambda: unused.close(IfUnused=True)) is unused


def test_circuit_that_is_closed_before_it_is_built(lab, twist, tor):
    """when_built() tells of it, and so does a time limit. Some are built before they are closed."""
    async def example():
        circuit = await tor.state.build_circuit(a_path(lab, tor), using_guards=False)
        when_built = circuit.when_built()
        await tor.state.close_circuit(circuit)
        await when_built
    with pytest.raises(Exception, match="Circuit (closed|failed): REQUESTED|never hit BUILT"):
        for _ in range(30):
            twist.run(example)
    with pytest.raises(txtorcon.CircuitBuildTimedOutError):
        twist.run(txtorcon.build_timeout_circuit, tor.state, twist.reactor, a_path(lab, tor), 0.0)


def test_build_circuit_to_nobody(lab, twist, tor):
    unknown = txtorcon.Router(tor.protocol)
    unknown.id_hex = "$" + "0123456789" * 4
    with pytest.raises(txtorcon.TorProtocolError) as refused:
        twist.run(lambda: tor.state.build_circuit([unknown], using_guards=False))
    assert refused.value.code == 552
    assert refused.value.text == 'No such router "%s"' % unknown.id_hex[1:]


def test_close_all_circuits(twist, tor):
    """The example of that name."""
    async def example():
        closed = 0
        for circuit in list(tor.state.circuits.values()):
            for stream in list(circuit.streams):
                await stream.close()
            if circuit.id in tor.state.circuits:
                await circuit.close()
                closed += 1
        return closed
    assert twist.run(example) > 0


# ---- routers ----

def test_router_accepts_port(lab, twist, tor):
    """txtorcon leaves it to its user where the policy comes from: here from the microdescriptor."""
    exit_node = lab.by_role("exit")[0]
    one = router(tor, exit_node)
    with pytest.raises(RuntimeError):
        one.accepts_port(80)
    text = twist.run(tor.protocol.get_info_raw, "md/id/" + exit_node.fingerprint)
    one.policy = re.search(r"^p (\w+ \S+)", text, re.M).group(1).split()
    assert one.accepts_port(lab.ports["http"])
    assert not one.accepts_port(lab.ports["refused"])


def test_router_location(lab, twist, tor):
    """Loopback belongs to no country."""
    where = twist.run(router(tor, lab.nodes[0]).get_location)
    assert where.countrycode in ("??", None)


# ---- TorConfig ----

def test_config_reads(steered, tor):
    config = tor.config
    assert list(config.SOCKSPort) == [str(steered.socks_port)]
    assert config.DataDirectory == steered.data
    assert config.MaxCircuitDirtiness in (600, 10)     # TestingTorNetwork's
    names = list(config)
    assert len(names) > 300 and "UseEntryGuards" in names
    for name in names:
        getattr(config, name)


def test_config_changes_are_saved(twist, steered, tor):
    was = tor.config.CircuitStreamTimeout
    tor.config.CircuitStreamTimeout = 77
    tor.config.WarnPlaintextPorts = ["23"]
    assert tor.config.needs_save()
    twist.run(tor.config.save)
    assert not tor.config.needs_save()
    assert twist.run(tor.protocol.get_conf, "CircuitStreamTimeout") == {
        "CircuitStreamTimeout": "77"}
    assert twist.run(tor.protocol.get_conf, "WarnPlaintextPorts") == {"WarnPlaintextPorts": "23"}
    twist.run(tor.protocol.queue_command, "RESETCONF CircuitStreamTimeout WarnPlaintextPorts")
    wait_until(lambda: tor.config.CircuitStreamTimeout == was, "CONF_CHANGED of our own RESETCONF")


def test_config_hears_of_other_controllers(steered, tor):
    with steered.controller() as other:
        other.set_conf("CircuitStreamTimeout", "66")
        wait_until(lambda: tor.config.CircuitStreamTimeout == 66, "another's SETCONF")
        other.reset_conf("CircuitStreamTimeout")
        wait_until(lambda: tor.config.CircuitStreamTimeout == 0, "another's RESETCONF")


def test_config_refuses_what_tor_refuses(twist, tor):
    tor.config.SOCKSPort = ["nonsense of a port"]
    with pytest.raises(txtorcon.TorProtocolError) as refused:
        twist.run(tor.config.save)
    assert refused.value.code == 513


def test_config_makes_a_socks_port(lab, twist, steered, tor):
    """As launch_tor.py does: a new value for SOCKSPort, which is there at once."""
    port = sut_module.free_port()
    tor.config.SOCKSPort = [str(steered.socks_port), str(port)]
    twist.run(tor.config.save)
    assert PAGE in steered.curl(lab.url("/"), "--socks5-hostname", "127.0.0.1:%d" % port,
                                proxy=None).stdout
    tor.config.SOCKSPort = [str(steered.socks_port)]
    twist.run(tor.config.save)
    with pytest.raises(ConnectionRefusedError):
        socks_client.open_proxy(("127.0.0.1", port), 5)


# ---- the rest of what its examples do ----

def test_web_agent_and_lookups(lab, twist, tor):
    async def example():
        page = await readBody(await tor.web_agent().request(b"GET", lab.url("/").encode()))
        return page, await tor.dns_resolve("web.test"), await tor.dns_resolve_ptr(lab.ptr[0])
    page, address, name = twist.run(example)
    assert PAGE in page.decode()
    assert (address, name) == (privnet.WEB_HOST, lab.ptr[1].encode())


def test_get_info(lab, twist, tor):
    """Several keys at once. (TorInfo, which makes attributes of info/names, stumbles over tor's own
    names since it has ip-to-country/ipv4-available besides ip-to-country/*.)"""
    keys = ["version", "status/bootstrap-phase", "ns/name/" + lab.nodes[0].name, "entry-guards",
            "dormant", "status/enough-dir-info", "status/circuit-established"]
    got = twist.run(tor.protocol.get_info, *keys)
    assert sorted(got) == sorted(keys)
    assert got["version"].startswith("0.4.9.11")
    assert "TAG=done" in got["status/bootstrap-phase"]
    assert "r %s " % lab.nodes[0].name in got["ns/name/" + lab.nodes[0].name]
    assert " up" in got["entry-guards"]
    assert [got[key] for key in keys[-3:]] == ["0", "1", "1"]


def test_log_events(twist, steered, tor):
    """monitor.py: log messages as events."""
    said = []
    for event in ("INFO", "NOTICE", "WARN", "ERR"):
        twist.run(tor.protocol.add_event_listener, event, said.append)
    twist.run(tor.protocol.queue_command, "SIGNAL DUMP")
    wait_until(lambda: said, "a log message as an event")
    twist.run(tor.protocol.remove_event_listener, "INFO", said.append)


# ---- a Tor of one's own ----

async def launch(twist, **options):
    """txtorcon.launch(), which connects at the first word of a control port: with tor that may be
    before it is there, and then nothing comes of it."""
    for _ in range(3 if sut_module.IS_TOR else 1):
        try:
            return await txtorcon.launch(twist.reactor, timeout=10, **options)
        except RuntimeError as error:
            failure = error
    raise failure


def test_launch(lab, twist, tmp_path):
    """Progress is told, pages are fetched, and the process goes with us."""
    progress = []

    async def start():
        tor = await launch(
            twist, tor_binary=steered_module.launcher(lab, tmp_path / "bin"),
            progress_updates=lambda percent, tag, summary: progress.append(percent))
        page = await readBody(await tor.web_agent().request(b"GET", lab.url("/").encode()))
        state = await tor.create_state()
        config = await tor.get_config()
        return tor, page, state.tor_pid, config.DataDirectory
    tor, page, pid, folder = twist.run(start, timeout=40)
    assert PAGE in page.decode()
    assert progress[-1] == 100
    with open("/proc/%d/cmdline" % pid, "rb") as f:
        assert folder.encode() in f.read()
    twist.run(tor.quit)
    wait_until(lambda: not os.path.exists("/proc/%d" % pid), "its end")
    wait_until(lambda: not os.path.exists(folder), "its folder removed")


def test_launched_tor_ends_with_the_connection(lab, twist, tmp_path):
    """TAKEOWNERSHIP: the control connection goes, and so does the process."""
    data = str(tmp_path / "data")

    async def start():
        tor = await launch(
            twist, data_directory=data, socks_port="unix:%s/socks" % data,
            tor_binary=steered_module.launcher(lab, tmp_path / "bin"))
        state = await tor.create_state()
        return tor, state.tor_pid
    tor, pid = twist.run(start, timeout=40)
    twist.run(lambda: tor.protocol.transport.loseConnection())
    wait_until(lambda: not os.path.exists("/proc/%d" % pid), "its end")
