"""A controller steers: circuits over relays that it names, streams onto them, and elsewhere."""

import calendar
import contextlib
import ipaddress
import re
import signal
import threading
import time

import pytest
import stem
import stem.control

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
    return lab.by_role("exit")


def others(lab):
    return lab.by_role("guard") + lab.by_role("middle")


def left_by(lab, peer, port, wait_s=20):
    """The address of the exit that the one stream to PORT has left by. It is what the far side sees
    on our network; else the exits are asked (streams of before may be on their way out)."""
    if peer in [n.address for n in exits(lab)]:
        return peer
    end = time.monotonic() + wait_s
    while True:
        seen = [s["exit"].address for s in lab.exit_streams() if s["target"].endswith(":%d" % port)]
        if len(seen) == 1:
            return seen[0]
        assert time.monotonic() < end, seen
        time.sleep(0.05)


class Asker(threading.Thread):
    """An application that asks for a connection to echo; its result is the exit's address."""

    def __init__(self, sut, host=privnet.WEB_HOST, port="echo", **options):
        super().__init__(daemon=True)
        self.sut, self.host, self.options = sut, host, options
        self.port = sut.lab.ports[port] if isinstance(port, str) else port
        self.peer = self.error = None
        self.asked = self.port
        self.start()

    def run(self):
        try:
            sock, _ = socks_client.socks5(self.sut.proxy, self.host, self.asked, **self.options)
            with contextlib.closing(sock):
                sock.sendall(b"PEER\n")
                peer = sock.makefile("rb").readline().decode().strip()
                self.peer = left_by(self.sut.lab, peer, self.port)
        except (OSError, AssertionError, socks_client.SocksError) as e:
            self.error = e

    def waits(self, seconds=0.5):
        self.join(seconds)
        return self.is_alive()

    def result(self, timeout=40):      # a stream is moved to another circuit after 10 s and 15 s
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
    ("EXTENDCIRCUIT 0 exit1,nobody,exit1", '552 No such router "nobody"'),
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
def test_what_makes_no_sense_is_refused_in_tors_words(lab, raw, command, answer):
    assert raw.ask(command.replace("exit1", exits(lab)[0].name)) == [answer]


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
    end = time.monotonic() + 10
    while not any(re.match("(250-circuit-status=)?%s BUILT" % circuit, line)
                  for line in c.ask("GETINFO circuit-status")):
        assert time.monotonic() < end, "circuit %s does not stand" % circuit
        time.sleep(0.02)
    return circuit


@works("__LeaveStreamsUnattached")
def test_streams_wait_until_a_controller_says_where_they_go(lab, left, hand):
    asker = Asker(left)
    assert asker.waits()
    stream_that_waits(hand)
    assert asker.result() in [n.address for n in exits(lab)]


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
    # What somebody maps is a destination: Tunic scrubs it, tor does not.
    alone, dots = ("alone", ".a b") if sut_module.IS_TOR else ("[scrubbed]", "[scrubbed]")
    mine.wait_for(re.escape("MapAddress '%s' has too few arguments. Ignoring." % alone))
    mine.wait_for(re.escape("MapAddress '%s' is ambiguous" % dots))
    for name in "mapped.test", "wild.test", "x.y.wild.test":
        assert Asker(mine, name).result(), name
    for _ in range(3):
        assert Asker(mine, "there.test", auth=("u%d" % _, "p")).result() == exit_.address
    with Controller(("127.0.0.1", port)) as c:
        c.ask("AUTHENTICATE")
        assert "mapped.test %s NEVER" % privnet.WEB_HOST in mapped(c, "config")
        assert not mapped(c, "control")


def test_a_clean_circuit_goes_on_to_the_exit_that_is_named(lab, make_sut):
    """Four hops, for who names the exit may be in league with it; at best of a circuit there."""
    port = sut_module.free_port()
    mine = make_sut(torrc=["ControlPort %d" % port, "LearnCircuitBuildTimeout 0"] + [
        "MapAddress %s.test %s.%s.exit" % (e.name, privnet.WEB_HOST, e.fingerprint)
        for e in exits(lab)]).start()
    with Controller(("127.0.0.1", port)) as c, Controller(("127.0.0.1", port)) as ear:
        c.ask("AUTHENTICATE")
        ear.ask("AUTHENTICATE")
        assert ear.ask("SETEVENTS CIRC_MINOR") == ["250 OK"]

        def circuits():
            return re.findall(r"^(?:250-circuit-status=)?(\d+) BUILT (\S+) BUILD_FLAGS=NEED_CAPACITY "
                              "PURPOSE=GENERAL", "\n".join(c.ask("GETINFO circuit-status")), re.M)
        end = time.monotonic() + 15
        while len(circuits()) < 2:
            assert time.monotonic() < end
            time.sleep(0.2)
        before = circuits()
        (named, *_) = [e for e in exits(lab)
                       if not any(path.split(",")[2][1:41] == e.fingerprint for _, path in before)]
        assert Asker(mine, named.name + ".test").result() == named.address
        (went,) = [(number, path) for number, path in circuits() if path.count(",") == 3]
        assert went[1].split(",")[3][1:41] == named.fingerprint
        ear.send("GETINFO version\r\n")
        heard = list(iter(ear.line, "250 OK"))
        told = [line for line in heard if " CANNIBALIZED " in line]
        may_go_on = [number for number, path in before if named.fingerprint not in path]
        assert len(told) == bool(may_go_on) and (went[0] in may_go_on) == bool(may_go_on), heard
        for line in told:
            assert re.search(r"^650 CIRC_MINOR \d+ CANNIBALIZED \S+ BUILD_FLAGS=NEED_CAPACITY "
                             r"PURPOSE=GENERAL TIME_CREATED=\S+ OLD_PURPOSE=GENERAL "
                             r"OLD_TIME_CREATED=\S+$", line), line


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
    with Controller(("127.0.0.1", port)) as c:
        c.ask("AUTHENTICATE")
        assert c.ask("SETEVENTS ADDRMAP STREAM") == ["250 OK"]
        seen = {Asker(mine, "web.test", auth=("u%d" % i, "p")).result() for i in range(6)}
        assert len(seen) == 1
        c.send("SETEVENTS\r\n")
        events = [line for reply in iter(c.reply, ["250 OK"]) for line in reply]
        told, = [e for e in events if e.startswith("650 ADDRMAP web.test web.test.")]
        stream = re.search(r" STREAMID=(\d+)$", told)[1]     # of the first that got there
        assert any(e.startswith("650 STREAM %s NEW " % stream) for e in events), events
        (line,) = mapped(c, "cache")
        name = exits(lab)[[n.address for n in exits(lab)].index(seen.pop())].fingerprint
        assert line.startswith('web.test web.test.%s.exit "' % name), line
        until = calendar.timegm(time.strptime(line.split('"')[1], "%Y-%m-%d %H:%M:%S"))
        assert 590 <= until - time.time() <= 601
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


# ---- by stem ------------------------------------------------------------------------------------

@pytest.fixture
def tor(steered):
    with stem.control.Controller.from_port(port=steered.control[1]) as c:
        c.authenticate()
        yield c
        c.reset_conf("__LeaveStreamsUnattached")


class Heard:
    """What is told of KIND, a kind of stem's events."""

    def __init__(self, tor, kind):
        self.events, self.news = [], threading.Condition()
        tor.add_event_listener(self.hear, kind)

    def hear(self, event):
        with self.news:
            self.events.append(event)
            self.news.notify_all()

    def wait(self, what, timeout=10):
        """The first event for which WHAT holds."""
        def first():
            return next((e for e in self.events if what(e)), None)
        with self.news:
            self.news.wait_for(first, timeout)
            found = first()
        assert found, [str(e).strip() for e in self.events]
        return found


def standing(tor, nodes, **options):
    return tor.new_circuit([n.fingerprint for n in nodes], await_build=True, timeout=10, **options)


class Attacher:
    """Puts each new stream onto the circuit that ASK names; None leaves it alone."""

    def __init__(self, tor, ask):
        self.tor, self.ask, self.errors = tor, ask, []
        tor.add_event_listener(self.attach, stem.control.EventType.STREAM)
        tor.set_conf("__LeaveStreamsUnattached", "1")

    def attach(self, event):
        if event.status == "NEW" and event.purpose == "USER":
            try:
                circuit = self.ask(event)
                if circuit is not None:
                    self.tor.attach_stream(event.id, circuit)
            except stem.ControllerError as e:
                self.errors.append(e)


def test_stem_extends_a_circuit_and_leaves_at_every_hop(lab, steered, tor):
    """The exit that the far side sees is the one that was asked for: the last hop, the one before."""
    one, two = exits(lab)[:2]
    circuit = standing(tor, [others(lab)[0], one])
    Attacher(tor, lambda event: circuit)
    assert Asker(steered).result() == one.address
    assert tor.extend_circuit(circuit, [two.fingerprint], await_build=True, timeout=10) == circuit
    path = tor.get_circuit(circuit).path
    assert [fp for fp, _ in path] == [n.fingerprint for n in (others(lab)[0], one, two)]
    assert Asker(steered).result() == two.address


def test_a_circuit_grows_hop_by_hop(lab, steered, tor):
    path = [others(lab)[0], others(lab)[1]] + exits(lab)[:3]
    circuit = standing(tor, path[:1])
    for node in path[1:]:
        tor.extend_circuit(circuit, [node.fingerprint], await_build=True, timeout=10)
    assert [fp for fp, _ in tor.get_circuit(circuit).path] == [n.fingerprint for n in path]
    Attacher(tor, lambda event: circuit)
    assert Asker(steered).result() == path[-1].address


def test_streams_on_an_extended_circuit_go_on(lab, steered, tor):
    one, two = exits(lab)[:2]
    circuit = standing(tor, [others(lab)[0], one])
    Attacher(tor, lambda event: circuit)
    sock, _ = socks_client.socks5(steered.proxy, privnet.WEB_HOST, lab.ports["echo"])
    with contextlib.closing(sock):
        sock.sendall(b"PEER\n")
        peer = sock.recv(100).decode().strip()
        assert left_by(lab, peer, lab.ports["echo"]) == one.address
        tor.extend_circuit(circuit, [two.fingerprint], await_build=True, timeout=10)
        sock.sendall(b"still here")
        assert socks_client.read_exactly(sock, 10) == b"still here"
    assert Asker(steered).result() == two.address


def test_a_stream_may_leave_before_the_end(lab, left, hand):
    one, two = exits(lab)[:2]
    circuit = built(hand, [others(lab)[0], one, two])
    asker = Asker(left)
    assert asker.waits()
    stream_that_waits(hand, "%s HOP=2" % circuit)
    assert asker.result() == one.address


def test_what_cannot_carry_a_stream_is_refused_as_by_tor(lab, left, hand):
    asker = Asker(left)
    assert asker.waits()
    single = built(hand, [exits(lab)[0]])
    whole = built(hand, [others(lab)[0], exits(lab)[0]])
    answers = {}
    for stream in range(1, 200):
        for where in single, whole + " HOP=1", whole + " HOP=7", whole + " HOP=x", "99999":
            answers.setdefault(where, set()).update(
                hand.ask("ATTACHSTREAM %d %s" % (stream, where)))
    stream_that_waits(hand)
    asker.result()
    assert "551 Can't attach stream to this one-hop circuit." in answers[single]
    assert "551 Can't attach stream to this one-hop circuit." in answers[whole + " HOP=1"]
    assert "551 Circuit doesn't have 7 hops." in answers[whole + " HOP=7"]
    assert "552 Bad value hop=x" in answers[whole + " HOP=x"]
    assert '552 Unknown circuit "99999"' in answers["99999"]


def test_a_circuit_of_a_controllers_own_is_nobody_elses(lab, steered, tor):
    circuit = standing(tor, [others(lab)[0], exits(lab)[0]], purpose="controller")
    assert tor.get_circuit(circuit).purpose == "CONTROLLER"
    minor = Heard(tor, stem.control.EventType.CIRC_MINOR)
    tor.repurpose_circuit(circuit, stem.CircPurpose.GENERAL)
    event = minor.wait(lambda e: e.id == circuit)
    assert (event.event, event.old_purpose) == ("PURPOSE_CHANGED", "CONTROLLER")
    tor.repurpose_circuit(circuit, "controller")
    for i in range(3):
        assert Asker(steered, auth=("apart%d" % i, "p")).result()
    assert not [s for s in tor.get_streams() if s.circ_id == circuit]


def test_circuits_close_when_asked(lab, steered, tor):
    heard = Heard(tor, stem.control.EventType.CIRC)
    circuit = standing(tor, [others(lab)[0], exits(lab)[0]])
    Attacher(tor, lambda event: circuit)
    sock, _ = socks_client.socks5(steered.proxy, privnet.WEB_HOST, lab.ports["echo"])
    with contextlib.closing(sock):
        tor.close_circuit(circuit, "IfUnused")
        sock.sendall(b"x")
        assert socks_client.read_exactly(sock, 1) == b"x"
        tor.close_circuit(circuit)
        event = heard.wait(lambda e: e.id == circuit and e.status == "CLOSED")
        assert event.reason == "REQUESTED"
        assert sock.recv(1) == b""
    with pytest.raises(stem.InvalidArguments):
        tor.close_circuit(circuit)


@pytest.mark.parametrize("reason", list(range(0, 15)) + [200])
def test_streams_close_for_every_reason(lab, steered, tor, reason):
    heard = Heard(tor, stem.control.EventType.STREAM)
    Attacher(tor, lambda event: None)
    asker = Asker(steered)
    stream = heard.wait(lambda e: e.status == "NEW" and e.purpose == "USER").id
    assert tor.msg("CLOSESTREAM %s %d" % (stream, reason)).is_ok()
    heard.wait(lambda e: e.id == stream and e.status in ("FAILED", "CLOSED"))
    with pytest.raises((socks_client.SocksError, OSError)):
        asker.result()


def test_a_stream_is_sent_elsewhere(lab, steered, tor):
    heard = Heard(tor, stem.control.EventType.STREAM)
    circuit = standing(tor, [others(lab)[0], exits(lab)[0]])

    def elsewhere(event):
        assert tor.msg("REDIRECTSTREAM %s %s %d" % (
            event.id, privnet.WEB_HOST, lab.ports["echo"])).is_ok()
        return circuit
    Attacher(tor, elsewhere)
    asker = Asker(steered, "nobody.test", 1)
    asker.port = lab.ports["echo"]      # where it will be seen
    assert asker.result() == exits(lab)[0].address
    target = "%s:%d" % (privnet.WEB_HOST, lab.ports["echo"])
    heard.wait(lambda e: e.status == "SENTCONNECT" and e.target == target)


def test_a_map_is_told_of_and_shown_on_streams(lab, steered, tor):
    maps, streams = (Heard(tor, kind) for kind in (stem.control.EventType.ADDRMAP,
                                                   stem.control.EventType.STREAM))
    assert tor.map_address({"told.test": privnet.WEB_HOST}) == {"told.test": privnet.WEB_HOST}
    event = maps.wait(lambda e: e.hostname == "told.test")
    assert (event.destination, event.expiry, event.cached) == (privnet.WEB_HOST, None, True)
    assert Asker(steered, "told.test").result()
    event = streams.wait(lambda e: e.status == "REMAP" and e.target_address == privnet.WEB_HOST)
    assert event.source == "CACHE"
    tor.map_address({"told.test": "told.test"})


def test_names_are_looked_up_for_a_controller(lab, steered, tor):
    maps = Heard(tor, stem.control.EventType.ADDRMAP)
    address, name = lab.ptr
    for question in "web.test", "nobody.invalid", "mode=reverse " + address:
        assert tor.msg("RESOLVE " + question).is_ok()
    event = maps.wait(lambda e: e.hostname == "web.test")
    assert event.destination == privnet.WEB_HOST and event.utc_expiry and event.cached is False
    event = maps.wait(lambda e: e.hostname == "nobody.invalid")
    assert event.destination is None and event.error == "yes"
    assert maps.wait(lambda e: e.hostname == address).destination == name


def test_signals_are_told_of_wherever_they_come_from(lab, steered, tor):
    heard = Heard(tor, stem.control.EventType.SIGNAL)
    for name in "CLEARDNSCACHE", "HEARTBEAT", "DORMANT", "ACTIVE", "DUMP":
        tor.signal(name)
        heard.wait(lambda e: str(e.signal) in (name, stem.Signal[name] if name in stem.Signal else name))
    steered.signal(signal.SIGUSR1)
    heard.wait(lambda e: len([x for x in heard.events if str(x).startswith("SIGNAL DUMP")]) == 2)
    steered.signal(signal.SIGHUP)
    heard.wait(lambda e: str(e).startswith("SIGNAL RELOAD"))


def test_build_times_are_told_to_be_forgotten(lab, steered, tor):
    heard = Heard(tor, stem.control.EventType.BUILDTIMEOUT_SET)
    guards = Heard(tor, stem.control.EventType.GUARD)
    assert tor.msg("DROPTIMEOUTS").is_ok()
    assert heard.wait(lambda e: True).set_type == "RESET"
    tor.drop_guards()
    guards.wait(lambda e: e.status == "DROPPED")


# ---- a controller that disappears ---------------------------------------------------------------

def test_a_controller_that_disappears_strands_nobody_unsaid(lab, steered, raw):
    """tor keeps the option, and so do we; but whoever looks is told why streams wait."""
    with Controller(steered.control) as attacher:
        attacher.ask("AUTHENTICATE")
        assert attacher.ask("SETEVENTS STREAM") == ["250 OK"]
        assert attacher.ask("SETCONF __LeaveStreamsUnattached=1") == ["250 OK"]
        asker = Asker(steered)
        assert asker.waits(0.3)
        raw.ask("SETEVENTS STATUS_GENERAL")
        mark = steered.log_mark()
    if not sut_module.IS_TOR:
        steered.wait_for("streams wait, and all that come will, until a controller", since=mark)
        assert raw.line() == ("650 STATUS_GENERAL WARN STREAMS_LEFT_UNATTACHED "
                              "REASON=CONTROLLER_GONE WAITING=1")
    raw.ask("SETEVENTS")
    assert raw.ask("GETCONF __LeaveStreamsUnattached") == ["250 __LeaveStreamsUnattached=1"]
    assert asker.waits(0.3)
    assert raw.ask("RESETCONF __LeaveStreamsUnattached") == ["250 OK"]
    assert Asker(steered, port="echo2").result()    # the next one goes
    if sut_module.IS_TOR:
        stream_that_waits(raw)          # tor leaves what waits where it is
    assert asker.result()


# ---- dormancy -----------------------------------------------------------------------------------

@works("DormantOnFirstStartup", "DormantCanceledByStartup")
def test_dormancy_is_there_at_the_first_start_and_outlives_a_run(lab, make_sut, raw):
    port = sut_module.free_port()
    mine = make_sut(torrc=["ControlPort %d" % port, "DormantOnFirstStartup 1"])
    for start in 1, 2:
        mark = mine.log_mark() if start > 1 else 0
        mine.start(wait=False)
        mine.wait_for("Opened Control listener connection", since=mark)
        time.sleep(0.7)
        assert "Bootstrapped 100%" not in mine.log()
        mine.stop()
        assert re.search("^Dormant 1$", open(mine.data + "/state").read(), re.M)
    mine.write_torrc(["DormantCanceledByStartup 1"])
    mine.start()                        # waits for 100 %
    mine.stop()
    assert re.search("^Dormant 0$", open(mine.data + "/state").read(), re.M)


def test_dormancy_ends_with_the_first_application(lab, make_sut):
    mine = make_sut(torrc=["DormantOnFirstStartup 1"]).start(wait=False)
    mine.wait_for("Opened Socks listener connection")
    assert Asker(mine).result(20)
    assert "is no longer dormant" in mine.log()


@works("DormantClientTimeout", "DormantTimeoutEnabled", "DormantTimeoutDisabledByIdleStreams")
@pytest.mark.skipif(sut_module.IS_TOR, reason="tor looks each five minutes")
def test_dormancy_comes_when_nobody_has_asked_for_long(lab, make_sut):
    line = "No user activity in a long time: becoming dormant."
    mine, awake, held, let_go = (make_sut(torrc=["DormantClientTimeout 1 second"] + more) for more in (
        [], ["DormantTimeoutEnabled 0"], [], ["DormantTimeoutDisabledByIdleStreams 0"]))
    for one in mine, awake, held, let_go:
        one.start()
    # A start of all four takes longer than that second, so some sleep by now.
    before = let_go.log_mark()
    socks = [socks_client.socks5(one.proxy, privnet.WEB_HOST, lab.ports["echo2"])[0]
             for one in (held, let_go)]
    opened = held.log_mark()
    mine.wait_for(line)
    let_go.wait_for(line, since=before)
    time.sleep(1.5)
    assert line not in awake.log()
    assert line not in privnet.read_text(held.log_path)[opened:]
    assert Asker(mine).result()
    for sock in socks:
        sock.sendall(b"x")
        assert socks_client.read_exactly(sock, 1) == b"x"
        sock.close()
