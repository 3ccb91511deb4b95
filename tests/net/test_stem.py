"""stem: the examples of its documentation, each exception of its Controller brought about, its ways
to start a tor, and tor-prompt."""

import base64
import os
import queue
import re
import subprocess
import sys
import threading
import time

import pytest
import stem
import stem.connection
import stem.control
import stem.descriptor
import stem.process
import stem.socket
import stem.util.connection
import stem.util.system

import privnet
import socks_client
import sut as sut_module
from steered import wait_until
from stem.control import EventType

PAGE = "This page came through a private Tor network"


@pytest.fixture
def controller(steered):
    with steered.controller() as one:
        yield one


def a_path(lab):
    return [lab.by_role(role)[-1].fingerprint for role in ("guard", "middle", "exit")]


def echo_stream(lab, steered):
    return socks_client.socks5(steered.proxy, "web.test", lab.ports["echo"])[0]


def stream_to(controller, port):
    return wait_until(lambda: next((s for s in controller.get_streams()
                                    if s.target_port == port and s.circ_id), None),
                      "a stream to port %d" % port)


# ---- the examples ----

def test_hello_world(lab, steered, controller):
    """How much was read and written."""
    before = int(controller.get_info("traffic/read"))
    assert PAGE in steered.curl(lab.url("/")).stdout
    wait_until(lambda: int(controller.get_info("traffic/read")) > before + 1000, "traffic/read")
    assert int(controller.get_info("traffic/written")) > 1000


def test_list_circuits(lab, controller):
    built = [c for c in controller.get_circuits() if c.status == stem.CircStatus.BUILT]
    assert built
    for circuit in built:
        assert circuit.purpose in stem.CircPurpose
        for fingerprint, nickname in circuit.path:
            relay = controller.get_network_status(fingerprint)
            assert (relay.nickname, relay.address) == (nickname, lab.by_name(nickname).address)


def test_bandwidth_events(controller):
    """One a second: a queue of them, as queue_listener.py has it."""
    events = queue.Queue()
    controller.add_event_listener(events.put, EventType.BW)
    first, second = events.get(timeout=5), events.get(timeout=5)
    assert 0.5 < second.arrived_at - first.arrived_at < 1.5
    assert first.read >= 0 and second.written >= 0


def test_listeners_that_break_or_are_slow(controller):
    """Neither keeps others from their events."""
    def broken(event):
        raise ValueError("boom")
    heard = []
    controller.add_event_listener(broken, EventType.BW)
    controller.add_event_listener(lambda event: time.sleep(0.2), EventType.BW)
    controller.add_event_listener(heard.append, EventType.BW)
    wait_until(lambda: heard, "an event behind a broken listener")
    assert controller.get_version()


def test_exit_used(lab, steered, controller):
    """Which exit each connection leaves by."""
    exits = queue.Queue()

    def on_stream(event):
        if event.status == stem.StreamStatus.SUCCEEDED and event.circ_id:
            circuit = controller.get_circuit(event.circ_id)
            exits.put((event.target, controller.get_network_status(circuit.path[-1][0]).nickname))
    controller.add_event_listener(on_stream, EventType.STREAM)
    with echo_stream(lab, steered) as sock:
        sock.sendall(b"x")
        target, nickname = exits.get(timeout=10)
    assert target == "%s:%d" % (privnet.WEB_HOST, lab.ports["echo"])
    assert nickname in [node.name for node in lab.by_role("exit")]


def test_custom_path_selection(lab, steered, controller):
    """Fetches a page over a path of two relays, for each of the guards."""
    last = lab.by_role("exit")[0].fingerprint
    controller.set_conf("__LeaveStreamsUnattached", "1")
    try:
        for node in lab.by_role("guard"):
            circuit = controller.new_circuit([node.fingerprint, last], await_build=True)
            used = []

            def attach(stream):
                if stream.status == "NEW":
                    controller.attach_stream(stream.id, circuit)
                elif stream.status == "SUCCEEDED":
                    used.append(stream.circ_id)
            controller.add_event_listener(attach, EventType.STREAM)
            try:
                assert PAGE in steered.curl(lab.url("/")).stdout
                wait_until(lambda: used, "the stream's success told")
                assert used == [circuit]
            finally:
                controller.remove_event_listener(attach)
            controller.close_circuit(circuit)
    finally:
        controller.reset_conf("__LeaveStreamsUnattached")
    assert PAGE in steered.curl(lab.url("/")).stdout


def test_relay_connections(lab, steered, controller):
    """Our process's connections, told from those of the ORPorts in the consensus."""
    pid = controller.get_pid()
    assert pid == steered.process.pid
    relays = {(r.address, r.or_port) for r in controller.get_network_statuses()}
    assert relays == {(n.address, n.or_port) for n in lab.nodes}
    ours = stem.util.connection.get_connections(
        resolver=stem.util.connection.Resolver.PROC, process_pid=pid)
    assert {(c.remote_address, c.remote_port) for c in ours} & relays
    assert controller.get_ports(stem.control.Listener.CONTROL) == [steered.control_port]
    assert controller.get_listeners(stem.control.Listener.SOCKS) == [
        ("127.0.0.1", steered.socks_port)]
    assert controller.get_ports(stem.control.Listener.OR) == []


def base64_of(digits):
    """Our own network tells Ed25519 keys in hex digits."""
    return base64.b64encode(bytes.fromhex(digits)).decode().rstrip("=") if len(digits) == 64 else ""


def test_descriptors_from_the_control_port(lab, controller):
    assert {(d.nickname, d.fingerprint) for d in controller.get_network_statuses()} == {
        (n.name, n.fingerprint) for n in lab.nodes}
    node = lab.nodes[-1]
    assert controller.get_network_status(node.name).fingerprint == node.fingerprint
    described = controller.get_microdescriptor(node.fingerprint)
    assert described.identifiers["ed25519"] in (node.ed25519, base64_of(node.ed25519))
    assert len(list(controller.get_microdescriptors())) == len(lab.nodes)


def test_descriptors_from_the_data_directory(lab, steered, controller):
    folder = controller.get_conf("DataDirectory")
    assert folder == steered.data
    with open(folder + "/cached-microdesc-consensus", "rb") as f:
        found = {d.nickname: d.flags for d in stem.descriptor.parse_file(
            f, "network-status-microdesc-consensus-3 1.0")}
    assert set(found) == {node.name for node in lab.nodes}
    assert all("Running" in flags for flags in found.values())


def test_user_facts(steered, controller):
    """What programs ask for right after they connect."""
    assert str(controller.get_version()).startswith("0.4.9.11")
    assert controller.get_user() == "root" or os.geteuid() != 0
    assert controller.is_authenticated() and controller.is_alive()
    assert controller.get_protocolinfo().cookie_path == steered.data + "/control_auth_cookie"
    assert controller.get_accounting_stats(None) is None
    assert abs(time.time() - controller.get_latest_heartbeat()) < 10


def test_newnym(steered, controller):
    """A second one within ten seconds waits."""
    signals = queue.Queue()
    controller.add_event_listener(signals.put, EventType.SIGNAL)
    wait_until(controller.is_newnym_available, "a free NEWNYM", 12)
    controller.signal(stem.Signal.NEWNYM)
    assert signals.get(timeout=5).signal == stem.Signal.NEWNYM
    assert not controller.is_newnym_available()
    assert 0 < controller.get_newnym_wait() <= 10


def test_signals(steered, controller):
    signals = queue.Queue()
    controller.add_event_listener(signals.put, EventType.SIGNAL)
    for name in ("DUMP", "CLEARDNSCACHE", "DORMANT", "ACTIVE", "HUP"):
        controller.signal(name)
        assert signals.get(timeout=5).signal == {"HUP": "RELOAD"}.get(name, name)
    controller.signal("HEARTBEAT")
    wait_until(lambda: controller.get_info("dormant") == "0", "awake again")


def test_states_of_a_controller(steered):
    """Status listeners hear RESET at a reload and CLOSED at the end."""
    states = queue.Queue()
    with steered.controller() as one:
        one.add_status_listener(lambda controller, state, when: states.put(state))
        one.signal(stem.Signal.RELOAD)
        assert states.get(timeout=5) == stem.control.State.RESET
    assert states.get(timeout=5) == stem.control.State.CLOSED


def test_mapped_address(lab, steered, controller):
    mapped = controller.map_address({"0.0.0.0": "web.test", "another.test": "web.test"})
    assert mapped["another.test"] == "web.test"
    made_up = next(old for old in mapped if old != "another.test")
    assert made_up.startswith("127.")
    for name in ("another.test", made_up):
        assert PAGE in steered.curl(lab.url("/", host=name)).stdout
    controller.map_address({"another.test": "another.test", made_up: made_up})
    assert "web.test" not in controller.get_info("address-mappings/control")


def test_no_onion_services(controller):
    assert controller.list_ephemeral_hidden_services(detached=True) == []
    assert not controller.remove_ephemeral_hidden_service(
        "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad")


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor has them")
@pytest.mark.parametrize("ask", [
    lambda c: c.create_ephemeral_hidden_service({80: 8080}),
    lambda c: c.get_hidden_service_descriptor("duckduckgogg42xj")])
def test_onion_services_are_not_yet_supported(controller, ask):
    with pytest.raises(stem.ProtocolError, match="not yet supported|unexpected response code: 551"):
        ask(controller)


# ---- exceptions ----

def test_protocol_error(controller):
    """What the other side will not have at all."""
    with pytest.raises(stem.ProtocolError, match="SETEVENTS rejected TB_EMPTY"):
        controller.add_event_listener(lambda event: None, EventType.TB_EMPTY)


def test_operation_failed(controller):
    """There, but not now: a client does not know its address."""
    with pytest.raises(stem.OperationFailed) as raised:
        controller.get_info("address")
    assert type(raised.value) is stem.OperationFailed
    assert raised.value.code == "551"
    assert raised.value.message == "Address unknown"


def test_unsatisfiable_request(lab, steered, controller):
    """A stream that tor has in hand itself."""
    with echo_stream(lab, steered):
        stream = stream_to(controller, lab.ports["echo"])
        with pytest.raises(stem.UnsatisfiableRequest) as raised:
            controller.attach_stream(stream.id, stream.circ_id)
    assert raised.value.code == "555"
    assert raised.value.message == "Connection is not managed by controller."


def test_circuit_extension_failed(lab, controller):
    """Its second relay is away."""
    node = lab.by_role("middle")[0]
    node.kill()
    try:
        with pytest.raises(stem.CircuitExtensionFailed) as raised:
            controller.new_circuit([lab.by_role("guard")[0].fingerprint, node.fingerprint,
                                    lab.by_role("exit")[0].fingerprint], await_build=True)
        circuit = raised.value.circ
        assert circuit.status in ("FAILED", "CLOSED")
        assert circuit.reason == stem.CircClosureReason.DESTROYED
        assert circuit.remote_reason is not None
    finally:
        node.start()


def test_descriptor_unavailable(controller):
    for ask in (controller.get_network_status, controller.get_microdescriptor):
        with pytest.raises(stem.DescriptorUnavailable):
            ask("0123456789" * 4)


def test_timeout(lab, controller):
    with pytest.raises(stem.Timeout):
        controller.new_circuit(a_path(lab), await_build=True, timeout=0.0001)


def test_invalid_request(controller):
    with pytest.raises(stem.InvalidRequest) as raised:
        controller.extend_circuit("0", ["0123456789" * 4])
    assert raised.value.code == "552"
    assert raised.value.message == 'No such router "%s"' % ("0123456789" * 4)


@pytest.mark.parametrize("ask, code, words", [
    (lambda c: c.get_info("no/such/key"), "552", "unrecognized keywords: no/such/key"),
    (lambda c: c.get_conf("NoSuchOption"), "552", "unrecognized keywords: nosuchoption"),
    (lambda c: c.set_conf("NoSuchOption", "1"), "552", "NoSuchOption"),
    (lambda c: c.signal("SHOUT"), "552", 'Unrecognized signal code "SHOUT"'),
    (lambda c: c.close_circuit("4711"), "552", 'Unknown circuit "4711"'),
    (lambda c: c.close_stream("4711"), "552", 'Unknown stream "4711"'),
])
def test_invalid_arguments(controller, ask, code, words):
    with pytest.raises(stem.InvalidArguments) as raised:
        ask(controller)
    assert raised.value.code == code
    assert words in str(raised.value)


def test_socket_error():
    with pytest.raises(stem.SocketError) as raised:
        stem.control.Controller.from_port(port=sut_module.free_port())
    assert not isinstance(raised.value, stem.SocketClosed)


def test_socket_closed(steered):
    one = steered.controller()
    one.close()
    with pytest.raises(stem.SocketClosed):
        one.msg("GETINFO version")


def test_a_process_that_ends_closes_the_socket(make_steered):
    """SHUTDOWN by the controller itself; what it asks then finds nobody."""
    mine = make_steered("DisableNetwork 1")
    mine.start(wait=False)
    mine.wait_for("Opened Control listener")
    with mine.controller() as one:
        one.signal(stem.Signal.SHUTDOWN)
        assert mine.process.wait(timeout=5) == 0
        with pytest.raises(stem.SocketClosed):
            one.get_info("traffic/read")
            one.get_info("traffic/written")


def test_wrong_authentication(steered):
    with stem.control.Controller.from_port(port=steered.control_port) as one:
        with pytest.raises(stem.connection.IncorrectCookieValue):
            stem.connection.authenticate_cookie(one, wrong_cookie(steered))
        assert one.get_info("version", None) is None or not one.is_alive()
        one.reconnect()
        with pytest.raises(stem.connection.IncorrectCookieSize):
            stem.connection.authenticate_cookie(one, steered.torrc_path)


def wrong_cookie(steered):
    path = os.path.join(steered.dir, "wrong-cookie")
    with open(path, "wb") as f:
        f.write(b"x" * 32)
    return path


# ---- a tor of one's own ----

def settings(lab, folder, **more):
    lines = dict({"DataDirectory": str(folder), "SocksPort": str(sut_module.free_port()),
                  "ControlPort": str(sut_module.free_port())}, **more)
    for line in lab.client_torrc_lines() + ["ConfluxEnabled 0"]:
        name, _, value = line.partition(" ")
        lines[name] = lines.get(name, []) + [value] if name == "DirAuthority" else value
    return lines


def test_launch_tor_with_config(lab, tmp_path):
    """Said in a torrc on its standard input; it tells how far it is, and goes when we go."""
    told = []
    config = settings(lab, tmp_path / "data")
    process = stem.process.launch_tor_with_config(
        config, tor_cmd=sut_module.program(), init_msg_handler=told.append, timeout=30,
        take_ownership=True)
    try:
        percents = [int(m.group(1)) for m in (re.search(r"Bootstrapped (\d+)%", t) for t in told)
                    if m]
        assert percents == sorted(percents) and percents[-1] == 100
        with stem.control.Controller.from_port(port=int(config["ControlPort"])) as controller:
            controller.authenticate()
            assert controller.get_pid() == process.pid
            # stem, where it is the owner, asks for TAKEOWNERSHIP instead.
            assert controller.get_conf("__OwningControllerProcess") is None
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.stdout.close()


def test_launch_tor_that_cannot_start(lab, tmp_path):
    """What it warns of is the exception's text."""
    with pytest.raises(OSError, match="Process terminated: .*Invalid SocksPort"):
        stem.process.launch_tor_with_config(
            settings(lab, tmp_path, SocksPort="99999"), tor_cmd=sut_module.program())


def test_launch_tor_that_takes_too_long(lab, tmp_path):
    begun = time.monotonic()
    with pytest.raises(OSError, match="reached a 1 second timeout without success"):
        stem.process.launch_tor_with_config(
            settings(lab, tmp_path, DisableNetwork="1"), tor_cmd=sut_module.program(), timeout=1)
    assert time.monotonic() - begun < 5


# ---- tor-prompt ----

def test_prompt_runs_a_command(steered):
    done = steered.prompt("--run", "GETINFO version")
    assert re.fullmatch(r"250-version=0\.4\.9\.11.*\n250 OK\s*", done.stdout), done


def test_prompt_runs_a_file_of_commands(steered, tmp_path):
    path = tmp_path / "commands"
    path.write_text("GETINFO config-file\n\nGETCONF SocksPort\nGETINFO nonsense\n")
    lines = steered.prompt("--run", str(path)).stdout.split("\n")
    assert [line for line in lines if line] == [
        "250-config-file=" + steered.torrc_path, "250 OK",
        "250 SocksPort=%d" % steered.socks_port, '552 Unrecognized key "nonsense"']


def test_prompt_reads_a_pipe(steered):
    """Its own commands too: /info tells of a relay, /help of tor's commands."""
    done = steered.prompt(
        text="GETINFO traffic/read\n/info 127.99.0.1\nGETCONF ControlPort\n/quit\n")
    assert re.search(r"250-traffic/read=\d+\n250 OK", done.stdout), done
    assert "250 ControlPort=%d" % steered.control_port in done.stdout


def test_prompt_listens_to_events(steered):
    """Until its input ends. (stem 1.8 calls that raw_input(), which Python 3 does not have.)"""
    with subprocess.Popen(
            [sys.executable, "-u", "-c", "import builtins, stem.interpreter; "
             "builtins.raw_input = input; stem.interpreter.main()", "--no-color", "--interface",
             "127.0.0.1:%d" % steered.control_port, "--run", "SETEVENTS BW"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as prompt:
        timer = threading.Timer(20, prompt.kill)
        timer.start()
        assert any(re.fullmatch(r"BW \d+ \d+\n", line) for line in prompt.stdout)
        prompt.communicate("\n")
        timer.cancel()
    assert prompt.returncode == 0
