"""A controller steers: circuits over relays that it names, streams onto them, and elsewhere."""

import contextlib
import ipaddress
import threading

import pytest

import privnet
import socks_client
import sut as sut_module
from controller import Controller
from works import works


@pytest.fixture(scope="module")
def steered(lab, tmp_path_factory):
    port = sut_module.free_port()
    mine = sut_module.Sut(lab, tmp_path_factory.mktemp("steer"),
                          ["ControlPort %d" % port, "MaxCircuitDirtiness 10 minutes"])
    mine.control = ("127.0.0.1", port)
    mine.start()
    yield mine
    mine.stop()


@pytest.fixture
def raw(steered):
    with Controller(steered.control) as c:
        assert c.ask("AUTHENTICATE") == ["250 OK"]
        yield c


def exits(lab):
    return [n for n in lab.nodes if n.name.startswith("exit")]


def others(lab):
    return [n for n in lab.nodes if not n.name.startswith(("exit", "auth"))]


class Asker(threading.Thread):
    """An application that asks for a connection to echo, and says whom the far side saw."""

    def __init__(self, sut, host=privnet.WEB_HOST, port="echo", **options):
        super().__init__(daemon=True)
        self.sut, self.host, self.options = sut, host, options
        self.port = sut.lab.ports[port] if isinstance(port, str) else port
        self.peer = self.error = None
        self.start()

    def run(self):
        try:
            sock, _ = socks_client.socks5(self.sut.proxy, self.host, self.port, **self.options)
            with contextlib.closing(sock):
                sock.sendall(b"PEER\n")
                self.peer = sock.makefile("rb").readline().decode().strip()
        except (OSError, AssertionError, socks_client.SocksError) as e:
            self.error = e

    def waits(self, seconds=0.5):
        self.join(seconds)
        return self.is_alive()

    def result(self, timeout=10):
        self.join(timeout)
        assert not self.is_alive(), "no end of it"
        if self.error:
            raise self.error
        return self.peer


def stream_that_waits(raw, circuit=0):
    """Gives the one stream that may be attached to CIRCUIT; its id."""
    for stream in range(1, 200):
        if raw.ask("ATTACHSTREAM %d %s" % (stream, circuit)) == ["250 OK"]:
            return stream
    raise AssertionError("no stream can be attached")


def number(reply):
    assert reply and reply[0].startswith("250 EXTENDED "), reply
    return reply[0].split()[2]


# ---- circuits -----------------------------------------------------------------------------------

def test_circuits_are_asked_for_in_every_form(lab, raw):
    relay, exit_ = others(lab)[0], exits(lab)[0]
    names = ["$" + relay.fingerprint, relay.fingerprint, relay.name, relay.name.upper(),
             "$%s~%s" % (relay.fingerprint, relay.name), "$%s~whatever" % relay.fingerprint]
    for name in names:
        number(raw.ask("EXTENDCIRCUIT 0 %s,%s" % (name, exit_.fingerprint)))
    number(raw.ask("EXTENDCIRCUIT 0"))
    number(raw.ask("EXTENDCIRCUIT 0 purpose=general"))
    number(raw.ask("EXTENDCIRCUIT 0 %s purpose=controller" % relay.name))
    number(raw.ask("extendcircuit 0 %s PURPOSE=Controller" % relay.name))


@pytest.mark.parametrize("command, answer", [
    ("EXTENDCIRCUIT", "512 Bad arguments to EXTENDCIRCUIT: Need at least 1 argument(s)"),
    ("EXTENDCIRCUIT 99999 exit1", '552 Unknown circuit "99999"'),
    ("EXTENDCIRCUIT x exit1", '552 Unknown circuit "x"'),
    ("EXTENDCIRCUIT 0 nobody", '552 No such router "nobody"'),
    ("EXTENDCIRCUIT 0 exit1,nobody,exit2", '552 No such router "nobody"'),
    ("EXTENDCIRCUIT 0 exit1,", '552 No such router ""'),
    ("EXTENDCIRCUIT 0 $%s" % ("0" * 40), '552 No such router "$%s"' % ("0" * 40)),
    ("EXTENDCIRCUIT 0 Unnamed", '552 No such router "Unnamed"'),
    ("EXTENDCIRCUIT 0 exit1 purpose=odd", '552 Unknown purpose "odd"'),
    ("EXTENDCIRCUIT 0 purpose=controller", "551 Couldn't start circuit"),
    ("SETCIRCUITPURPOSE 99999 purpose=general", '552 Unknown circuit "99999"'),
    ("CLOSECIRCUIT", "512 Bad arguments to CLOSECIRCUIT: Need at least 1 argument(s)"),
    ("CLOSECIRCUIT 99999", '552 Unknown circuit "99999"'),
    ("CLOSECIRCUIT 99999 IfUnused", '552 Unknown circuit "99999"'),
    ("ATTACHSTREAM 1", "512 Bad arguments to ATTACHSTREAM: Need at least 2 argument(s)"),
    ("ATTACHSTREAM 99999 0", '552 Unknown stream "99999"'),
    ("ATTACHSTREAM 99999 0 FOO=1",
     '512 Bad arguments to ATTACHSTREAM: Unrecognized keyword argument "FOO"'),
    ("REDIRECTSTREAM 99999 a 1", '552 Unknown stream "99999"'),
    ("CLOSESTREAM 99999 1", '552 Unknown stream "99999"'),
    ("CLOSESTREAM 1", "512 Bad arguments to CLOSESTREAM: Need at least 2 argument(s)"),
])
def test_what_makes_no_sense_is_refused_in_tors_words(raw, command, answer):
    assert raw.ask(command) == [answer]


def test_a_circuit_of_old_names_is_nobodys(lab, raw):
    name = "$%s=%s" % (exits(lab)[0].fingerprint, exits(lab)[0].name)
    assert raw.ask("EXTENDCIRCUIT 0 " + name) == ['552 No such router "%s"' % name]


# ---- streams ------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def left(lab, tmp_path_factory):
    """A program that leaves its streams to controllers."""
    port = sut_module.free_port()
    mine = sut_module.Sut(lab, tmp_path_factory.mktemp("left"),
                          ["ControlPort %d" % port, "__LeaveStreamsUnattached 1"])
    mine.control = ("127.0.0.1", port)
    mine.start()
    yield mine
    mine.stop()


@pytest.fixture
def hand(left):
    with Controller(left.control) as c:
        assert c.ask("AUTHENTICATE") == ["250 OK"]
        yield c


def built(c, path, more=""):
    """A circuit over PATH that stands."""
    circuit = number(c.ask("EXTENDCIRCUIT 0 %s%s" % (",".join(n.fingerprint for n in path), more)))
    return circuit


@works("__LeaveStreamsUnattached")
def test_streams_wait_until_a_controller_says_where_they_go(lab, left, hand):
    asker = Asker(left)
    assert asker.waits()
    stream_that_waits(hand)
    assert asker.result() in [n.address for n in exits(lab)] + [privnet.WEB_HOST]


def test_a_stream_leaves_at_the_exit_that_is_named(lab, left, hand):
    for exit_ in exits(lab):
        circuit = built(hand, [others(lab)[0], exit_])
        asker = Asker(left)
        assert asker.waits()
        stream_that_waits(hand, circuit)
        assert asker.result() == exit_.address


# ---- what stands for what -----------------------------------------------------------------------

def mapped(raw, where):
    lines = raw.ask("GETINFO address-mappings/" + where)
    assert lines[-1] == "250 OK", lines
    body = [line for line in lines[:-1] if line != "."]
    body[0] = body[0].split("=", 1)[1]
    return {line for line in body if line}


def test_maps_of_a_controller_come_and_go(lab, steered, raw):
    assert raw.ask("MAPADDRESS one.test=%s *.two.test=*.three.test" % privnet.WEB_HOST) == [
        "250-one.test=%s" % privnet.WEB_HOST, "250 *.two.test=*.three.test"]
    assert mapped(raw, "control") >= {"one.test %s NEVER" % privnet.WEB_HOST,
                                      "*.two.test *.three.test NEVER"}
    assert mapped(raw, "all") >= mapped(raw, "control")
    assert not mapped(raw, "config") and not mapped(raw, "cache")
    assert Asker(steered, "one.test").result()
    assert Asker(steered, "ONE.test").result()          # names are in any case
    assert raw.ask("MAPADDRESS one.test=one.test *.two.test=*.two.test")[-1][:4] == "250 "
    assert not mapped(raw, "control")


@pytest.mark.parametrize("said, answers", [
    ("", ["512 syntax error: not enough arguments to mapaddress."]),
    ("a", ["512 Bad arguments to MAPADDRESS: Cannot parse keyword argument(s)"]),
    ("a=@@@", ["512 syntax error: invalid address '@@@'"]),
    ("a=@@@ b.test=c.test", ["512-syntax error: invalid address '@@@'", "250 b.test=c.test"]),
    ("a=*.b", ["512 syntax error: invalid address mapping  'a=*.b': can only use wildcard (i.e. "
               "'*.') if 'from' address uses wildcard also"]),
    ("*=b", ["512 syntax error: invalid address mapping  '*=b': can't remap from or to *"]),
])
def test_maps_that_make_no_sense_are_refused_one_by_one(raw, said, answers):
    assert raw.ask(("MAPADDRESS " + said).strip()) == answers
    raw.ask("MAPADDRESS b.test=b.test")


def test_a_virtual_address_stands_for_a_name(lab, steered, raw):
    answer = raw.ask("MAPADDRESS 0.0.0.0=web.test ::=web.test .=web.test")
    v4, v6, host = (line[4:].split("=")[0] for line in answer)
    assert ipaddress.ip_address(v4) in ipaddress.ip_network("127.192.0.0/10")
    assert ipaddress.ip_address(v6.strip("[]")) in ipaddress.ip_network("fe80::/10")
    assert host.endswith(".virtual")
    assert raw.ask("MAPADDRESS 0.0.0.0=web.test")[0] == "250 %s=web.test" % v4  # the same again
    for name in v4, v6.strip("[]"), host:
        assert Asker(steered, name).result(), name
    with pytest.raises(socks_client.SocksError):         # nothing else of that network leaves
        Asker(steered, "127.192.77.77").result()


@works("MapAddress")
def test_maps_of_torrc_hold_and_name_exits(lab, make_sut):
    exit_ = exits(lab)[1]
    port = sut_module.free_port()
    mine = make_sut(torrc=["ControlPort %d" % port, "MapAddress mapped.test " + privnet.WEB_HOST,
                           "MapAddress there.test %s.%s.exit" % (privnet.WEB_HOST,
                                                                 exit_.fingerprint),
                           "MapAddress *.wild.test " + privnet.WEB_HOST,
                           "MapAddress alone", "MapAddress .a b"]).start()
    mine.wait_for("MapAddress 'alone' has too few arguments. Ignoring.")
    mine.wait_for("MapAddress '.a b' is ambiguous")
    for name in "mapped.test", "wild.test", "x.y.wild.test":
        assert Asker(mine, name).result(), name
    for _ in range(3):
        assert Asker(mine, "there.test", auth=("u%d" % _, "p")).result() == exit_.address
    with Controller(("127.0.0.1", port)) as c:
        c.ask("AUTHENTICATE")
        assert "mapped.test %s NEVER" % privnet.WEB_HOST in mapped(c, "config")
        assert not mapped(c, "control")


@works("AutomapHostsOnResolve", "AutomapHostsSuffixes", "VirtualAddrNetworkIPv4",
       "VirtualAddrNetworkIPv6")
def test_names_are_looked_up_without_anybody(lab, make_sut):
    port = sut_module.free_port()
    mine = make_sut(torrc=["AutomapHostsOnResolve 1", "AutomapHostsSuffixes .test,.odd",
                           "SocksPort %d NoPreferIPv6Automap" % port,
                           "VirtualAddrNetworkIPv4 10.99.0.0/16",
                           "VirtualAddrNetworkIPv6 [FC12::]/16"]).start()

    def look_up(proxy, name):
        return socks_client.socks5(proxy, name, 0, command=socks_client.RESOLVE)[1]
    first, of_v4 = look_up(mine.proxy, "web.test"), look_up(("127.0.0.1", port), "web.test")
    assert first.startswith("fc12:") and of_v4.startswith("10.99.")
    assert look_up(mine.proxy, "web.test") == first != look_up(mine.proxy, "nobody.odd")
    assert Asker(mine, first).result() and Asker(mine, of_v4).result()


@works("TrackHostExits", "TrackHostExitsExpire")
def test_a_tracked_host_is_reached_by_the_same_exit(lab, make_sut):
    port = sut_module.free_port()
    mine = make_sut(torrc=["ControlPort %d" % port, "TrackHostExits .test",
                           "TrackHostExitsExpire 10 minutes"]).start()
    seen = {Asker(mine, "web.test", auth=("u%d" % i, "p")).result() for i in range(6)}
    assert len(seen) == 1
    with Controller(("127.0.0.1", port)) as c:
        c.ask("AUTHENTICATE")
        (line,) = mapped(c, "cache")
        name = exits(lab)[[n.address for n in exits(lab)].index(seen.pop())].fingerprint
        assert line.startswith('web.test web.test.%s.exit "' % name), line
        assert c.ask("SIGNAL CLEARDNSCACHE") == ["250 OK"]
        assert c.ask("GETINFO version")[-1] == "250 OK"
        assert not mapped(c, "cache")


# ---- signals ------------------------------------------------------------------------------------

NAMES = ("RELOAD HUP SHUTDOWN DUMP USR1 DEBUG USR2 HALT TERM INT NEWNYM CLEARDNSCACHE HEARTBEAT "
         "ACTIVE DORMANT")


def test_signals_have_their_names(raw):
    assert raw.ask("GETINFO signal/names") == ["250-signal/names=" + NAMES, "250 OK"]
    assert raw.ask("SIGNAL KILL") == ['552 Unrecognized signal code "KILL"']
    assert raw.ask("SIGNAL") == ["512 Bad arguments to SIGNAL: Need at least 1 argument(s)"]


@pytest.mark.parametrize("name", ["HALT", "TERM", "INT", "SHUTDOWN"])
def test_signals_end_the_program_and_are_answered(lab, make_sut, name):
    port = sut_module.free_port()
    mine = make_sut(torrc=["ControlPort %d" % port, "DisableNetwork 1"]).start(wait=False)
    mine.wait_for("Opened Control listener connection")
    with Controller(("127.0.0.1", port)) as c:
        c.ask("AUTHENTICATE")
        assert c.ask("SIGNAL " + name) == ["250 OK"]
        assert c.is_closed()
    assert mine.process.wait(timeout=5) == 0
    assert "exiting cleanly" in mine.log()


def test_signals_do_what_they_do_in_tor(lab, steered, raw):
    mark = steered.log_mark()
    for name in "HEARTBEAT", "RELOAD", "DORMANT", "ACTIVE", "DUMP", "CLEARDNSCACHE":
        assert raw.ask("SIGNAL " + name) == ["250 OK"]
    steered.wait_for("Heartbeat: ", since=mark)
    steered.wait_for("Received reload signal \\(hup\\)", since=mark)
    steered.wait_for("Going dormant because of controller request", since=mark)
    steered.wait_for("is no longer dormant", since=mark)


def test_an_identity_is_not_given_twice_in_ten_seconds(lab, steered, raw):
    mark = steered.log_mark()
    assert raw.ask("SIGNAL NEWNYM") == ["250 OK"]
    assert raw.ask("signal newnym") == ["250 OK"]
    steered.wait_for("Rate limiting NEWNYM request: delaying by (10|9) second\\(s\\)", since=mark)


def test_a_dormant_program_is_woken_by_who_asks(lab, steered, raw):
    assert raw.ask("SIGNAL DORMANT") == ["250 OK"]
    mark = steered.log_mark()
    assert Asker(steered).result()
    steered.wait_for("is no longer dormant", since=mark)


def test_guards_and_times_are_dropped(lab, steered, raw):
    assert raw.ask("DROPGUARDS") == ["250 OK"]
    assert raw.ask("DROPTIMEOUTS") == ["250 OK"]
    assert raw.ask("DROPGUARDS x") == [
        "512 Bad arguments to DROPGUARDS: Cannot accept more than 0 argument(s)"]
    assert Asker(steered).result()
