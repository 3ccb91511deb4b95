"""OptimisticReply: an application is told that it is connected as soon as an exit was asked, and its
first bytes travel with the question."""

import hashlib
import os
import socket

import pytest

import privnet
import socks_client
import sut as sut_module
import targets
from test_isolation import circuits_of
from works import works

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="tor has no OptimisticReply")

FAILURE, UNREACHABLE, REFUSED = 1, 4, 5
ONION = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion"


class Ports:
    """One program with a port that waits and one that does not."""

    def __init__(self, sut, waits, eager):
        self.sut, self.waits, self.eager = sut, waits, eager


@pytest.fixture(scope="module")
def ports(lab, workdir):
    directory = os.path.join(workdir, "optimistic")
    os.makedirs(directory, mode=0o700)
    waits, eager = [("127.0.0.1", sut_module.free_port()) for _ in range(2)]
    program = sut_module.Sut(lab, directory, torrc=[
        "SocksPort %d" % waits[1], "SocksPort %d OptimisticReply" % eager[1]])
    program.start()
    yield Ports(program, waits, eager)
    program.kill()


def read_all(sock):
    pieces = []
    while piece := sock.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def ask(proxy, host, port, request, **options):
    """What comes back, up to the end; the request is said with the greeting's end already."""
    sock, _ = socks_client.socks5(proxy, host, port, timeout=60, **options)
    with sock:
        sock.sendall(request)
        return read_all(sock)


def get(path):
    return b"GET %s HTTP/1.0\r\nHost: web.test\r\n\r\n" % path.encode()


def code(proxy, host, port):
    """The reply code, None if it was granted; and whether an end followed."""
    try:
        sock, _ = socks_client.socks5(proxy, host, port, timeout=60)
    except socks_client.SocksError as refused:
        return refused.code, True
    with sock:
        sock.settimeout(30)
        try:
            return None, sock.recv(1) == b""
        except ConnectionResetError:
            return None, True


@works("SocksPort")
def test_bytes_are_right(lab, ports):
    body = ask(ports.eager, "web.test", lab.ports["http"], get("/bytes/3000000"))
    head, _, rest = body.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1") and b" 200 " in head.splitlines()[0] + b" "
    assert hashlib.sha256(rest).hexdigest() == targets.content_sha256(3000000)


@works("SocksPort")
def test_what_is_said_at_once_goes_up_whole(lab, ports):
    """More than is kept for another exit, and more than the stream takes before it is open."""
    said = bytes(range(256)) * 2000
    sock, _ = socks_client.socks5(ports.eager, privnet.WEB_HOST, lab.ports["echo"], timeout=60)
    with sock:
        sock.settimeout(60)
        sock.sendall(said)
        assert socks_client.read_exactly(sock, len(said)) == said


@works("SocksPort")
def test_a_refused_connection_is_one_that_ends(lab, ports):
    assert code(ports.eager, privnet.WEB_HOST, lab.ports["closed"]) == (None, True)
    # (tor 0.4.9 exits lose the errno of a refused connection)
    assert code(ports.waits, privnet.WEB_HOST, lab.ports["closed"])[0] in (REFUSED, FAILURE)
    assert code(ports.eager, "nowhere.invalid", lab.ports["http"]) == (None, True)
    assert code(ports.waits, "nowhere.invalid", lab.ports["http"]) == (UNREACHABLE, True)


@works("SocksPort")
def test_what_is_known_before_is_answered_at_once(lab, ports):
    for host, port in ((ONION, 80), ("short.onion", 80), ("web.test", lab.ports["refused"])):
        got = code(ports.eager, host, port)
        assert got[0] is not None
        assert got == code(ports.waits, host, port)


@works("SocksPort")
def test_look_ups_are_as_ever(ports):
    def addresses(proxy):
        return socks_client.resolve(proxy, "web.test", timeout=60)
    assert addresses(ports.eager) == addresses(ports.waits)
    with pytest.raises(socks_client.SocksError):
        socks_client.resolve(ports.eager, "nowhere.invalid", timeout=60)


@works("SocksPort")
def test_isolation_is_as_ever(lab, ports):
    seen = {}
    for user in ("a", "b", "a"):
        sock, _ = socks_client.socks5(ports.eager, privnet.WEB_HOST, lab.ports["echo"],
                                      auth=(user, "x"), timeout=60)
        with sock:
            sock.sendall(b"x")
            assert socks_client.read_exactly(sock, 1) == b"x"
            seen.setdefault(user, set()).update(circuits_of(lab, ["echo"]))
    assert len(seen["a"]) == 1 and seen["a"] != seen["b"]


@works("SocksPort")
def test_an_application_that_goes_away_at_once(lab, ports):
    for _ in range(20):
        sock, _ = socks_client.socks5(ports.eager, privnet.WEB_HOST, lab.ports["echo"], timeout=60)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.sendall(b"bye")
        sock.close()
    assert ask(ports.eager, "web.test", lab.ports["http"], get("/")).startswith(b"HTTP/1")
    assert ports.sut.running()
