"""A controller steers: circuits over relays that it names, streams onto them, and elsewhere."""

import contextlib
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
