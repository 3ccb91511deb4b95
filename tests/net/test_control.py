"""The control port as a port: who comes in, how, and what those cannot do who should not."""

import pytest

import sut as sut_module
from controller import Controller
from works import works


@pytest.fixture(scope="module")
def open_sut(lab, tmp_path_factory):
    """Without authentication, and without a network."""
    port, other = sut_module.free_port(several=2), None
    other = port + 1
    mine = sut_module.Sut(lab, tmp_path_factory.mktemp("control"),
                          ["ControlPort %d" % port, "__ControlPort 127.0.0.1:%d" % other,
                           "DisableNetwork 1"])
    mine.ports = ("127.0.0.1", port), ("127.0.0.1", other)
    mine.start(wait=False)
    mine.wait_for("Opened Control listener connection \\(ready\\) on 127.0.0.1:%d" % other)
    yield mine
    mine.stop()


@works("ControlPort", "__ControlPort")
def test_every_port_answers_also_without_a_network(open_sut):
    for where in open_sut.ports:
        with Controller(where) as c:
            info = c.ask("PROTOCOLINFO 1")
            assert info[:2] == ["250-PROTOCOLINFO 1", "250-AUTH METHODS=NULL"], info
            assert info[2].startswith('250-VERSION Tor="0.4.'), info
            assert info[3:] == ["250 OK"], info
            assert c.ask("authenticate") == ["250 OK"]
            assert c.ask("GETINFO version")[0].startswith("250-version=0.4.")
            assert c.ask("QUIT") == ["250 closing connection"]
            assert c.is_closed()


def test_nobody_is_heard_before_authentication(open_sut):
    for command in "GETINFO version", "SETEVENTS BW", "NONSENSE", "SIGNAL SHUTDOWN":
        with Controller(open_sut.ports[0]) as c:
            assert c.ask(command) == ["514 Authentication required."]
            assert c.is_closed()
    with Controller(open_sut.ports[0]) as c:    # asked twice, it is a guess
        assert c.ask("PROTOCOLINFO")[-1] == "250 OK"
        assert c.ask("PROTOCOLINFO") == ["514 Authentication required."]
        assert c.is_closed()


def test_a_browser_is_told_where_it_is(open_sut):
    with Controller(open_sut.ports[0]) as c:
        c.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert c.line() == "HTTP/1.0 501 Tor ControlPort is not an HTTP proxy"
    open_sut.wait_for("Received HTTP request on ControlPort")


def test_too_long_a_command_ends_its_connection_only(open_sut):
    with Controller(open_sut.ports[0]) as other, Controller(open_sut.ports[0]) as c:
        assert c.ask("AUTHENTICATE") == ["250 OK"]
        try:
            c.send("GETINFO " + "x" * (1 << 20) + "\r\n")
            assert c.reply() in (["500 Line too long."], None)
        except (ConnectionResetError, BrokenPipeError):
            pass
        assert other.ask("AUTHENTICATE") == ["250 OK"]
        assert other.ask("GETINFO version")[-1] == "250 OK"
