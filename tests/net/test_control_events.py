"""What controllers are told: every word of the specification that a client can be in, brought about
and seen by stem as what it stands for (docs/control.md has the table)."""

import contextlib
import os
import re
import signal
import socket
import time

import pytest
import stem

import privnet
import socks_client
import sut as sut_module
from ear import Ear, socket_lines
from works import works

RARE = pytest.mark.skipif(os.environ.get("NETWORK") != "tunic",
                          reason="only relays of our own can be told to do this")


def fetch(sut, host="web.test", port=None, auth=None):
    """A page through the SOCKS port -> how many bytes; or the reply code that refuses it."""
    try:
        sock, _ = socks_client.socks5(sut.proxy, host, port or sut.lab.ports["http"], auth=auth)
    except socks_client.SocksError as e:
        return e.code
    with contextlib.closing(sock):
        sock.sendall(b"GET / HTTP/1.0\r\nHost: web.test\r\n\r\n")
        return len(b"".join(iter(lambda: sock.recv(65536), b"")))


@pytest.fixture(scope="module")
def quiet(lab, tmp_path_factory):
    """A program that waits to be let onto the network, and who hears all that it tells from then
    on."""
    mine = sut_module.Sut(lab, tmp_path_factory.mktemp("told"), [
        "DisableNetwork 1", "TestingEnableConnBwEvent 1", "TestingEnableCellStatsEvent 1",
        "CircuitStreamTimeout 10"])
    mine.lines += socket_lines(mine)
    mine.write_torrc()
    mine.start(wait=False)
    with Ear(mine) as ear:
        mine.ear = ear
        yield mine
    mine.stop()


@pytest.fixture(scope="module")
def told(quiet):
    """The same, once it stands and a page has been fetched."""
    quiet.ear.control.set_conf("DisableNetwork", "0")
    quiet.ear.wait("STATUS_CLIENT", action="CIRCUIT_ESTABLISHED", timeout=30)
    quiet.first = quiet.ear.mark()
    assert fetch(quiet) > 0
    quiet.ear.wait("STREAM", quiet.first, status=stem.StreamStatus.CLOSED)
    return quiet


# ---- circuits ----

def test_a_circuit_is_told_from_launch_to_built(told):
    built = told.ear.wait("CIRC", status=stem.CircStatus.BUILT,
                          test=lambda e: "ONEHOP_TUNNEL" not in e.build_flags and
                          e.purpose == stem.CircPurpose.GENERAL)
    assert list(built.build_flags) == [stem.CircBuildFlag.NEED_CAPACITY]
    story = told.ear.of("CIRC", id=built.id)
    assert [e.status for e in story[:5]] == [
        stem.CircStatus.LAUNCHED, stem.CircStatus.EXTENDED, stem.CircStatus.EXTENDED,
        stem.CircStatus.EXTENDED, stem.CircStatus.BUILT]
    assert [len(e.path) for e in story[:5]] == [0, 1, 2, 3, 3]
    names = [told.lab.by_name(name) for _, name in built.path]
    assert [n.fingerprint for n in names] == [fp for fp, _ in built.path]
    assert len({e.created for e in story}) == 1 and built.created


def test_a_circuit_for_documents_has_one_hop(told):
    built = told.ear.wait("CIRC", status=stem.CircStatus.BUILT,
                          test=lambda e: "ONEHOP_TUNNEL" in e.build_flags)
    assert list(built.build_flags) == [stem.CircBuildFlag.ONEHOP_TUNNEL, stem.CircBuildFlag.IS_INTERNAL,
                                 stem.CircBuildFlag.NEED_CAPACITY]
    assert built.purpose == stem.CircPurpose.GENERAL and len(built.path) == 1


def test_circuit_status_has_the_words_of_the_events(told):
    last = {}
    for e in list(told.ear.of("CIRC")):
        last[e.id] = e
    for line in told.ear.control.get_info("circuit-status").splitlines():
        id_, status, rest = line.split(" ", 2)
        event = str(last[id_]) if id_ in last else ""
        if status == "BUILT" and " BUILT " in event and "ONEHOP_TUNNEL" not in event:
            assert event.endswith("650 CIRC " + line) or event.startswith("CIRC " + line), line


# ---- streams ----

FACTS = (r"( SOCKS_USERNAME=\"\S+\" SOCKS_PASSWORD=\"\S+\")? CLIENT_PROTOCOL=SOCKS5 NYM_EPOCH=\d+ "
         r"SESSION_GROUP=-\d+ ISO_FIELDS=[A-Z_,]+NYM_EPOCH$")


def test_a_stream_is_told_from_new_to_closed(told):
    new = told.ear.wait("STREAM", told.first, status=stem.StreamStatus.NEW,
                        purpose=stem.StreamPurpose.USER)
    story = told.ear.of("STREAM", id=new.id)
    assert [e.status for e in story] == [
        stem.StreamStatus.NEW, stem.StreamStatus.SENTCONNECT, stem.StreamStatus.REMAP,
        stem.StreamStatus.SUCCEEDED, stem.StreamStatus.CLOSED]
    assert new.target == "web.test:%d" % told.lab.ports["http"] and new.circ_id is None
    assert new.source_addr and re.match(r"127\.0\.0\.1:\d+$", new.source_addr)
    assert story[2].source == stem.StreamSource.EXIT
    assert story[2].target == story[4].target == "%s:%d" % (
        privnet.WEB_HOST, told.lab.ports["http"])
    assert story[4].reason == stem.StreamClosureReason.END
    assert story[4].remote_reason == stem.StreamClosureReason.DONE
    for e in story:
        assert re.search(FACTS, str(e).strip()), e


def test_a_stream_for_documents_names_its_relay(told):
    new = told.ear.wait("STREAM", status=stem.StreamStatus.NEW,
                        purpose=stem.StreamPurpose.DIR_FETCH)
    host, fingerprint, port = re.match(r"([\d.]+)\.\$([0-9A-F]{40})\.exit:(\d+)$",
                                       new.target).groups()
    node = told.lab.by_address(host)
    assert (node.fingerprint, node.or_port) == (fingerprint, int(port))
    assert str(new).strip().endswith(
        "CLIENT_PROTOCOL=UNKNOWN NYM_EPOCH=0 SESSION_GROUP=-2 ISO_FIELDS=SESSION_GROUP")


def test_who_says_his_name_is_told_with_it(told):
    mark = told.ear.mark()
    assert fetch(told, auth=('us"er', "pa\\ss"))
    said = 'SOCKS_USERNAME="us\\"er" SOCKS_PASSWORD="pa\\\\ss"'
    closed = told.ear.wait("STREAM", mark, status=stem.StreamStatus.CLOSED)
    assert all(said in str(e) for e in told.ear.of("STREAM", mark, id=closed.id))
    assert said in [line for line in told.ear.control.get_info("circuit-status").splitlines()
                    if line.startswith(closed.circ_id + " ")][0]


def test_a_name_that_there_is_not_is_tried_thrice(told):
    mark = told.ear.mark()
    assert fetch(told, "nx.test") == socks_client.HOST_UNREACHABLE
    closed = told.ear.wait("STREAM", mark, status=stem.StreamStatus.CLOSED)
    story = told.ear.of("STREAM", mark, id=closed.id)
    assert [e.status for e in story] == [
        "NEW", "SENTCONNECT", stem.StreamStatus.DETACHED, "SENTCONNECT", "DETACHED", "SENTCONNECT",
        stem.StreamStatus.FAILED, stem.StreamStatus.CLOSED]
    for e in story[2], story[6], story[7]:
        assert e.reason == stem.StreamClosureReason.END
        assert e.remote_reason == stem.RelayEndReason.RESOLVEFAILED
    assert len({e.circ_id for e in story if e.circ_id}) == 3


def test_look_ups_are_told(told):
    mark = told.ear.mark()
    assert socks_client.resolve(told.proxy, "web.test") == privnet.WEB_HOST
    closed = told.ear.wait("STREAM", mark, status=stem.StreamStatus.CLOSED)
    story = told.ear.of("STREAM", mark, id=closed.id)
    assert [e.status for e in story] == [
        stem.StreamStatus.NEWRESOLVE, stem.StreamStatus.SENTRESOLVE, stem.StreamStatus.REMAP,
        stem.StreamStatus.CLOSED]
    assert story[0].purpose == stem.StreamPurpose.DNS_REQUEST
    assert (closed.target, closed.reason) == (privnet.WEB_HOST + ":0", "DONE")
    address, name = told.lab.ptr
    assert socks_client.resolve_ptr(told.proxy, address) == name
    new = told.ear.wait("STREAM", told.ear.heard.index(closed), status="NEWRESOLVE",
                        target=address + ":0")
    assert told.ear.wait("STREAM", mark, id=new.id, status="CLOSED")


def test_a_look_up_that_is_refused_is_closed_and_no_more(told):
    mark = told.ear.mark()
    with pytest.raises(socks_client.SocksError):
        socks_client.resolve(told.proxy, "name.relay.exit")
    closed = told.ear.wait("STREAM", mark, status="CLOSED")
    assert [e.status for e in told.ear.of("STREAM", mark, id=closed.id)] == ["NEWRESOLVE", "CLOSED"]


def test_what_no_exit_would_do_cannot_be_attached(told):
    if told.lab.ports["refused"] and not sut_module.IS_TOR and os.environ.get("NETWORK") != "tunic":
        pytest.skip("Debian's exits refuse it by address, and not for all")
    mark = told.ear.mark()
    assert fetch(told, port=told.lab.ports["refused"]) in (socks_client.NOT_ALLOWED,
                                                           socks_client.FAILURE)
    closed = told.ear.wait("STREAM", mark, status="CLOSED")
    assert closed.circ_id is None and "REASON=CANT_ATTACH " in str(closed)
    if not sut_module.IS_TOR:           # which looks at all policies before it tries
        told.ear.wait("CIRC", mark, status=stem.CircStatus.FAILED,
                      reason=stem.CircClosureReason.NOPATH)


def test_an_internal_name_is_refused_by_ourselves(told):
    mark = told.ear.mark()
    told.ear.control.set_conf("ClientRejectInternalAddresses", "1")
    try:
        assert fetch(told, "127.0.0.1", 80) is not None
        closed = told.ear.wait("STREAM", mark, status="CLOSED")
        assert closed.reason == stem.StreamClosureReason.PRIVATE_ADDR
    finally:
        told.ear.control.set_conf("ClientRejectInternalAddresses", "0")


def test_stream_status_lists_what_is_open(told):
    sock, _ = socks_client.socks5(told.proxy, "web.test", told.lab.ports["echo"])
    with contextlib.closing(sock):
        mine = [line.split() for line in told.ear.control.get_info("stream-status").splitlines()]
        assert [m[1:2] + m[3:] for m in mine] == [
            ["SUCCEEDED", "%s:%d" % (privnet.WEB_HOST, told.lab.ports["echo"])]]


# ---- OR connections and guards ----

def test_an_or_connection_is_told_by_its_relay(told):
    up = told.ear.wait("ORCONN", status=stem.ORStatus.CONNECTED)
    story = told.ear.of("ORCONN", id=up.id)
    assert [e.status for e in story[:2]] == [stem.ORStatus.LAUNCHED, stem.ORStatus.CONNECTED]
    node = told.lab.by_name(told.ear.of("ORCONN")[-1].endpoint_nickname)
    assert node.fingerprint == told.ear.of("ORCONN")[-1].endpoint_fingerprint
    listed = told.ear.control.get_info("orconn-status").splitlines()
    assert "$%s~%s CONNECTED" % (node.fingerprint, node.name) in listed


def test_guards_are_told_when_they_are_chosen_and_work(told):
    up = told.ear.wait("GUARD", status=stem.GuardStatus.UP)
    assert up.guard_type == stem.GuardType.ENTRY
    new = told.ear.of("GUARD", status=stem.GuardStatus.NEW)
    assert up.endpoint_fingerprint in [e.endpoint_fingerprint for e in new]
    listed = told.ear.control.get_info("entry-guards").splitlines()
    assert "$%s~%s up" % (up.endpoint_fingerprint, up.endpoint_nickname) in listed
    assert {line.split()[1] for line in listed} <= {"up", "never-connected", "down"}


# ---- how far it is ----

def test_the_start_is_told_in_steps(told):
    steps = told.ear.of("STATUS_CLIENT", action="BOOTSTRAP")
    numbers = [int(e.arguments["PROGRESS"]) for e in steps]
    assert numbers == sorted(set(numbers)) and numbers[-1] == 100
    assert {"conn", "conn_done", "handshake", "handshake_done", "ap_conn", "circuit_create",
            "done"} <= {
        e.arguments["TAG"] for e in steps}
    assert told.ear.control.get_info("status/bootstrap-phase") == (
        'NOTICE BOOTSTRAP PROGRESS=100 TAG=done SUMMARY="Done"')
    for action in "CONSENSUS_ARRIVED", "ENOUGH_DIR_INFO", "CIRCUIT_ESTABLISHED":
        assert told.ear.wait("STATUS_CLIENT", action=action).runlevel == stem.Runlevel.NOTICE
    told.ear.wait("NETWORK_LIVENESS", status="UP")
    for key, value in (("status/enough-dir-info", "1"), ("status/circuit-established", "1"),
                       ("network-liveness", "up")):
        assert told.ear.control.get_info(key) == value


def test_lines_of_the_log_are_told(told):
    line = told.ear.wait("NOTICE", test=lambda e: e.message.startswith("Bootstrapped 100%"))
    assert line.runlevel == stem.Runlevel.NOTICE


def test_lines_of_any_level_are_told_to_who_asks(told):
    with Ear(told, ["DEBUG", "INFO"]) as other:
        fetch(told)
        assert other.wait("DEBUG").runlevel == stem.Runlevel.DEBUG
        assert other.wait("INFO").runlevel == stem.Runlevel.INFO
    assert not told.ear.of("DEBUG")


# ---- what went ----

@works("TestingEnableConnBwEvent")
def test_bytes_are_told_each_second(told):
    mark = told.ear.mark()
    sock, _ = socks_client.socks5(told.proxy, "web.test", told.lab.ports["echo"])
    with contextlib.closing(sock):
        opened = told.ear.wait("STREAM", mark, status="SUCCEEDED")
        sock.sendall(b"x" * 3000 + b"\n")
        assert len(socks_client.read_exactly(sock, 3001)) == 3001
        stream = told.ear.wait("STREAM_BW", mark, id=opened.id)
        circ = told.ear.wait("CIRC_BW", mark, id=opened.circ_id)
        bw = told.ear.wait("BW", mark, test=lambda e: e.read > 3000)
        conn = told.ear.wait("CONN_BW", mark, conn_type=stem.ConnectionType.OR,
                             test=lambda e: e.read > 3000)
    assert 3001 <= stream.written < 3100 and 3001 <= stream.read < 3100
    # 7 or so cells of 509 bytes each way, of which 3001 and a little were delivered
    assert circ.read % 509 == 0 and circ.written % 509 == 0
    for way, cells in ("READ", circ.read // 509), ("WRITTEN", circ.written // 509):
        delivered, overhead = (int(circ.keyword_args[name + way])
                               for name in ("DELIVERED_", "OVERHEAD_"))
        assert delivered + overhead == cells * 498
        assert 3001 <= delivered < 3700
    assert bw.written > 3000 and conn.written > 3000
    second = "%d,%d" % (bw.read, bw.written)
    assert second in told.ear.control.get_info("bw-event-cache").split()
    assert int(told.ear.control.get_info("traffic/read")) > bw.read
    assert int(told.ear.control.get_info("traffic/written")) > bw.written


@works("TestingEnableCellStatsEvent")
def test_cells_are_told_each_second(told):
    mark = told.ear.mark()
    told.ear.control.new_circuit(await_build=True) if not sut_module.IS_TOR else fetch(told)
    told.ear.wait("CELL_STATS", mark, test=lambda e: "relay" in (e.outbound_removed or {}) or
                  "relay_early" in (e.outbound_removed or {}))


# ---- what applications do ----

def test_names_past_tor_are_a_danger(told):
    mark = told.ear.mark()
    assert fetch(told, privnet.WEB_HOST)
    said = told.ear.wait("STATUS_CLIENT", mark, action="DANGEROUS_SOCKS")
    assert said.runlevel == stem.Runlevel.WARN
    assert said.arguments == {"PROTOCOL": "SOCKS5", "ADDRESS": "%s:%d" % (
        privnet.WEB_HOST, told.lab.ports["http"])}


def test_what_is_no_socks_is_told(told):
    mark = told.ear.mark()
    with socket.create_connection(told.proxy) as sock:
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        sock.recv(1000)
    told.ear.wait("STATUS_CLIENT", mark, action="SOCKS_UNKNOWN_PROTOCOL")
    assert 'DATA=""GET / HT""' in told.ear.told("STATUS_CLIENT", mark)[-1]


def test_bad_names_are_told(told):
    mark = told.ear.mark()
    assert fetch(told, "a.exit") is not None
    said = told.ear.wait("STATUS_CLIENT", mark, action="SOCKS_BAD_HOSTNAME")
    assert said.arguments == {"HOSTNAME": "a.exit"}
    assert told.ear.wait("STREAM", mark, status="CLOSED").reason == "TORPROTOCOL"


def test_ports_in_the_clear_are_a_danger(told):
    mark = told.ear.mark()
    told.ear.control.set_conf("WarnPlaintextPorts", str(told.lab.ports["http"]))
    try:
        assert fetch(told)
        said = told.ear.wait("STATUS_CLIENT", mark, action="DANGEROUS_PORT")
        assert said.arguments == {"PORT": str(told.lab.ports["http"]), "RESULT": "WARN"}
    finally:
        told.ear.control.reset_conf("WarnPlaintextPorts")


# ---- the network ----

def test_a_consensus_is_told_with_all_its_relays(told):
    """Those that are new or changed, too, which the first time are all."""
    everybody = {node.fingerprint for node in told.lab.nodes}
    for kind in "NEWCONSENSUS", "NS":
        event = told.ear.wait(kind)
        assert {status.fingerprint for status in event.desc} == everybody
        assert all("Running" in status.flags for status in event.desc)


@RARE
@pytest.mark.skipif(sut_module.IS_TOR, reason="tor looks for it in the flavor ns only")
def test_a_version_that_is_not_recommended_is_told(told):
    said = told.ear.wait("STATUS_GENERAL", action="DANGEROUS_VERSION")
    assert said.runlevel == stem.Runlevel.WARN and said.arguments["REASON"] == "NEW"
    assert said.arguments["RECOMMENDED"] == told.ear.control.get_info("status/version/recommended")
    assert told.ear.control.get_info("version").startswith(said.arguments["CURRENT"])


@RARE
def test_a_clock_that_is_wrong_is_told(lab, make_sut):
    mine = make_sut(torrc=["DisableNetwork 1"])
    mine.lines += socket_lines(mine)
    mine.write_torrc()
    lab.order("fault authorities:link-clock=3")
    try:
        mine.start(wait=False)
        with Ear(mine) as ear:
            ear.control.set_conf("DisableNetwork", "0")
            said = ear.wait("STATUS_GENERAL", action="CLOCK_SKEW")
            assert said.runlevel == stem.Runlevel.WARN
            assert abs(int(said.arguments["SKEW"]) + 3 * 3600) < 60
            assert re.match(r"OR:127\.\d+\.0\.1:\d+$", said.arguments["SOURCE"])
    finally:
        lab.order("honest authorities")


# ---- what controllers bring about ----

@pytest.mark.skipif(os.environ.get("NETWORK") != "tunic",
                    reason="Debian's relays are not Stable in their first minutes")
def test_a_port_that_lives_long_needs_relays_that_do(lab, make_sut):
    mine = make_sut(torrc=["__DisablePredictedCircuits 1", "LearnCircuitBuildTimeout 0",
                           "LongLivedPorts %d" % lab.ports["http"]])
    mine.lines += socket_lines(mine)
    mine.write_torrc()
    mine.start(wait=False)
    mine.wait_for("Bootstrapped (75|80)%")
    with Ear(mine, ["CIRC"]) as ear:
        assert fetch(mine)
        launched = ear.wait("CIRC", status=stem.CircStatus.LAUNCHED)
        assert list(launched.build_flags) == [stem.CircBuildFlag.NEED_CAPACITY,
                                              stem.CircBuildFlag.NEED_UPTIME]


def test_a_name_that_is_mapped_is_another_from_the_start(told):
    told.ear.control.map_address({"mapped.test": "web.test"})
    try:
        mark = told.ear.mark()
        assert fetch(told, "mapped.test")
        remap = told.ear.wait("STREAM", mark, status=stem.StreamStatus.REMAP,
                              source=stem.StreamSource.CACHE)
        assert remap.target == "web.test:%d" % told.lab.ports["http"]
        new = told.ear.of("STREAM", mark, id=remap.id, status=stem.StreamStatus.NEW)[0]
        assert new.target == "mapped.test:%d" % told.lab.ports["http"]
    finally:
        told.ear.control.map_address({"mapped.test": "mapped.test"})


def test_build_times_are_forgotten(told):
    mark = told.ear.mark()
    assert told.ear.control.msg("DROPTIMEOUTS").is_ok()
    reset = told.ear.wait("BUILDTIMEOUT_SET", mark, set_type=stem.TimeoutSetType.RESET)
    assert (reset.total_times, reset.quantile) == (0, 1.0) and reset.timeout > 0


# ---- why things end ----

def own_circuit(told):
    """A circuit that stands, of three hops, by its event."""
    mark = told.ear.mark()
    id_ = told.ear.control.extend_circuit("0")
    return told.ear.wait("CIRC", mark, id=id_, status=stem.CircStatus.BUILT)


@RARE
@pytest.mark.parametrize("number, reason", [
    (0, stem.CircClosureReason.NONE), (1, stem.CircClosureReason.TORPROTOCOL),
    (2, stem.CircClosureReason.INTERNAL), (3, stem.CircClosureReason.REQUESTED),
    (4, stem.CircClosureReason.HIBERNATING), (5, stem.CircClosureReason.RESOURCELIMIT),
    (6, stem.CircClosureReason.CONNECTFAILED), (7, stem.CircClosureReason.OR_IDENTITY),
    (8, "CHANNEL_CLOSED"), (9, stem.CircClosureReason.FINISHED),
    (10, stem.CircClosureReason.TIMEOUT), (11, stem.CircClosureReason.DESTROYED),
    (12, stem.CircClosureReason.NOSUCHSERVICE),
    (77, "UNKNOWN_589" if sut_module.IS_TOR else "UNKNOWN_77")])    # tor adds a flag of its own
def test_why_a_relay_ends_a_circuit(told, number, reason):
    circ = own_circuit(told)
    told.lab.order("destroy %s=%d" % (circ.path[0][1], number))
    closed = told.ear.wait("CIRC", id=circ.id, status=stem.CircStatus.CLOSED)
    assert (closed.reason, closed.remote_reason) == (stem.CircClosureReason.DESTROYED, reason)
    assert "ONEHOP_TUNNEL" in closed.build_flags or closed.path == circ.path


def test_a_circuit_that_a_controller_closes_was_requested(told):
    circ = own_circuit(told)
    told.ear.control.close_circuit(circ.id)
    closed = told.ear.wait("CIRC", id=circ.id, status=stem.CircStatus.CLOSED)
    assert (closed.reason, closed.remote_reason) == (stem.CircClosureReason.REQUESTED, None)


def test_a_circuit_changes_its_purpose(told):
    circ = own_circuit(told)
    told.ear.control.repurpose_circuit(circ.id, stem.CircPurpose.CONTROLLER)
    minor = told.ear.wait("CIRC_MINOR", id=circ.id, event=stem.CircEvent.PURPOSE_CHANGED)
    assert (minor.purpose, minor.old_purpose) == (stem.CircPurpose.CONTROLLER,
                                                  stem.CircPurpose.GENERAL)
    assert minor.path == circ.path and minor.created == circ.created
    told.ear.control.close_circuit(circ.id)


@RARE
@pytest.mark.parametrize("number, reason", [
    (1, stem.RelayEndReason.MISC), (2, stem.RelayEndReason.RESOLVEFAILED),
    (3, stem.RelayEndReason.CONNECTREFUSED),
    (6, stem.RelayEndReason.DONE), (7, stem.RelayEndReason.TIMEOUT),
    (8, stem.RelayEndReason.NOROUTE), (10, stem.RelayEndReason.INTERNAL),
    (12, stem.RelayEndReason.CONNRESET), (14, stem.RelayEndReason.NOTDIRECTORY)])
def test_why_an_exit_ends_a_stream(told, number, reason):
    told.lab.order("fault exits:stream-end-reason=%d" % number)
    try:
        mark = told.ear.mark()
        fetch(told)
        closed = told.ear.wait("STREAM", mark, status=stem.StreamStatus.CLOSED)
        assert told.ear.of("STREAM", mark, id=closed.id, status=stem.StreamStatus.FAILED)
        assert (closed.reason, closed.remote_reason) == (stem.StreamClosureReason.END, reason)
    finally:
        told.lab.order("honest exits")


@RARE
@pytest.mark.parametrize("number, reason", [
    (5, stem.RelayEndReason.DESTROY), (13, stem.RelayEndReason.TORPROTOCOL),
    (12, stem.RelayEndReason.CONNRESET)])
def test_why_an_exit_ends_a_stream_that_is_open(told, number, reason):
    """Before CONNECTED the first two mean that a cell was tagged on its way, and end the circuit."""
    told.lab.order("fault exits:stream-end-open=%d" % number)
    try:
        mark = told.ear.mark()
        fetch(told)
        closed = told.ear.wait("STREAM", mark, status=stem.StreamStatus.CLOSED)
        assert told.ear.of("STREAM", mark, id=closed.id, status=stem.StreamStatus.SUCCEEDED)
        assert (closed.reason, closed.remote_reason) == (stem.StreamClosureReason.END, reason)
    finally:
        told.lab.order("honest exits")


def test_a_stream_waits_for_its_controller_and_no_longer_than_it_may(told):
    told.ear.control.set_options({"__LeaveStreamsUnattached": "1", "SocksTimeout": "1"})
    try:
        mark = told.ear.mark()
        assert fetch(told) in (socks_client.TTL_EXPIRED, None)
        waits = told.ear.wait("STREAM", mark, status="CONTROLLER_WAIT")
        assert waits.circ_id is None
        closed = told.ear.wait("STREAM", mark, id=waits.id, status=stem.StreamStatus.CLOSED)
        assert closed.reason == stem.StreamClosureReason.TIMEOUT
    finally:
        told.ear.control.reset_conf("__LeaveStreamsUnattached", "SocksTimeout")


# ---- OR connections that fail ----

@RARE
def test_why_an_or_connection_ends(told):
    up = told.ear.wait("CIRC", status=stem.CircStatus.BUILT,
                       test=lambda e: "ONEHOP_TUNNEL" not in e.build_flags)
    node = told.lab.by_name(up.path[0][1])
    mark = told.ear.mark()
    node.kill()
    try:
        closed = told.ear.wait("ORCONN", mark, status=stem.ORStatus.CLOSED,
                               endpoint_fingerprint=node.fingerprint)
        assert closed.reason in (stem.ORClosureReason.DONE, stem.ORClosureReason.CONNECTRESET,
                                 "TLS_ERROR")
        gone = told.ear.wait("CIRC", mark, status=stem.CircStatus.CLOSED)
        assert (gone.reason, gone.remote_reason) == ("DESTROYED", "CHANNEL_CLOSED")
        with contextlib.suppress(stem.ControllerError):
            told.ear.control.extend_circuit("0")
        failed = told.ear.wait("ORCONN", mark, status=stem.ORStatus.FAILED,
                               endpoint_fingerprint=node.fingerprint)
        assert failed.reason in (stem.ORClosureReason.CONNECTREFUSED, "TLS_ERROR",
                                 stem.ORClosureReason.CONNECTRESET)
        told.ear.wait("CIRC", mark, status=stem.CircStatus.FAILED, reason="CHANNEL_CLOSED")
        told.ear.wait("GUARD", mark, status=stem.GuardStatus.DOWN)
    finally:
        node.start()


@RARE
@pytest.mark.skipif(sut_module.IS_TOR, reason="Debian's tor does not get far with one middle relay")
def test_a_circuit_that_is_slow_fails_and_is_measured(lab, make_sut):
    middle = lab.by_role("middle")[0].name
    mine = make_sut(torrc=["MiddleNodes " + middle])
    mine.lines += socket_lines(mine)
    mine.write_torrc()
    # Of another run, which has learnt how long circuits take: half a second or so.
    privnet.write_text(mine.data + "/state", "TotalBuildTimes 200\n" + "".join(
        "CircuitBuildTimeBin %d 50\n" % ms for ms in (375, 425, 475, 525)))
    mine.start()
    with Ear(mine, ["CIRC", "CIRC_MINOR", "BUILDTIMEOUT_SET"]) as ear:
        lab.order("freeze " + middle)
        try:
            mark = ear.mark()
            id_ = ear.control.extend_circuit("0")
            failed = ear.wait("CIRC", mark, id=id_, status=stem.CircStatus.FAILED,
                              reason=stem.CircClosureReason.TIMEOUT)
            assert failed.purpose == stem.CircPurpose.GENERAL
            minor = ear.wait("CIRC_MINOR", mark, id=id_, event=stem.CircEvent.PURPOSE_CHANGED)
            assert (minor.purpose, minor.old_purpose) == (stem.CircPurpose.MEASURE_TIMEOUT,
                                                          stem.CircPurpose.GENERAL)
        finally:
            lab.order("thaw " + middle)
        closed = ear.wait("CIRC", mark, id=id_, status=stem.CircStatus.CLOSED)
        assert closed.reason == stem.CircClosureReason.FINISHED
        computed = ear.wait("BUILDTIMEOUT_SET", set_type=stem.TimeoutSetType.COMPUTED)
        assert computed.total_times >= 200 and 0 < computed.timeout < computed.close_timeout
        assert computed.xm and computed.alpha and computed.quantile == 0.8


@RARE
def test_a_circuit_waits_for_a_better_guard(lab, make_sut):
    """One whose exit the first guard may not be used with: the next guard's circuit waits."""
    guards = lab.by_role("guard")
    exit_ = lab.by_role("exit")[0]
    mine = make_sut(torrc=["NumEntryGuards 1", "NumPrimaryGuards 1", "MaxClientCircuitsPending 4"])
    mine.lines += socket_lines(mine)
    mine.write_torrc()
    mine.start()
    with Ear(mine, ["CIRC", "GUARD"]) as ear:
        first = ear.control.get_info("entry-guards").split()[0].split("~")[1]
        assert first in [g.name for g in guards]
        mark = ear.mark()
        ear.control.set_options({"NodeFamily": "%s,%s" % (first, exit_.name),
                                 "ExitNodes": exit_.name})
        ear.control.extend_circuit("0")
        if sut_module.IS_TOR:
            deadline = time.monotonic() + 10
            while " GUARD_WAIT " not in ear.control.get_info("circuit-status"):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            return
        waits = ear.wait("CIRC", mark, status=stem.CircStatus.GUARD_WAIT)
        assert waits.path[0][1] != first and waits.path[-1][1] == exit_.name
        assert "%s GUARD_WAIT $" % waits.id in ear.control.get_info("circuit-status")


@RARE
def test_a_relay_that_is_another_is_told_by_its_identity(told):
    node = told.lab.by_role("guard")[-1]
    mark = told.ear.mark()
    with told.lab.other_identity(node):
        with contextlib.suppress(stem.ControllerError):
            told.ear.control.extend_circuit("0", [node.fingerprint,
                                                  told.lab.by_role("middle")[0].fingerprint])
        failed = told.ear.wait("ORCONN", mark, status=stem.ORStatus.FAILED)
        assert failed.reason == stem.ORClosureReason.IDENTITY
        assert failed.endpoint_fingerprint == node.fingerprint


def test_guards_that_are_dropped_are_told(told):
    mark = told.ear.mark()
    assert told.ear.control.msg("DROPGUARDS").is_ok()
    dropped = told.ear.wait("GUARD", mark, status=stem.GuardStatus.DROPPED)
    assert dropped.endpoint_fingerprint in {n.fingerprint for n in told.lab.nodes}


def test_a_new_identity_has_new_vanguards(told):
    """Vanguards-lite: four relays, chosen before any onion service is asked for."""
    told.ear.wait("GUARD", status="GOOD_L2")
    mark = told.ear.mark()
    told.ear.control.signal("NEWNYM")
    told.ear.wait("SIGNAL", mark, signal="NEWNYM", timeout=15)
    chosen = told.ear.of("GUARD", mark, status="GOOD_L2")
    assert len({e.endpoint_fingerprint for e in chosen}) == len(chosen) == 4
    assert {e.endpoint_fingerprint for e in chosen} <= {n.fingerprint for n in told.lab.nodes}


@RARE
@pytest.mark.parametrize("number, reason", [
    (4, stem.RelayEndReason.EXITPOLICY), (9, stem.RelayEndReason.HIBERNATING),
    (11, stem.RelayEndReason.RESOURCELIMIT)])
def test_an_exit_that_takes_nothing(told, number, reason):
    """The last ones, for tor asks no exit any more that has said one of these once."""
    if sut_module.IS_TOR and number != 4:
        pytest.skip("no exit is asked any more")
    told.lab.order("fault exits:stream-end-reason=%d" % number)
    try:
        mark = told.ear.mark()
        fetch(told)
        new = told.ear.wait("STREAM", mark, status=stem.StreamStatus.NEW)
        gone = told.ear.wait("STREAM", mark, status=stem.StreamStatus.DETACHED, id=new.id)
        assert (gone.reason, gone.remote_reason) == (stem.StreamClosureReason.END, reason)
    finally:
        told.lab.order("honest exits")
