"""The SOCKS port: wrong things are answered with the reply code that fits, and nothing dies."""

import os
import resource
import socket
import time

import pytest

import privnet
import socks_client
import sut as sut_module

PAGE = "This page came through a private Tor network"


def refusal(client, host, port, **options):
    with pytest.raises(socks_client.SocksError) as refused:
        sock, _ = socks_client.socks5(client.proxy, host, port, **options)
        sock.close()
    return refused.value.code


def test_closed_port(lab, client):
    """tor 0.4.9's exits lose the errno of a refused connection and end with MISC, which is worth
    another exit or two; so the general failure is all a client can say."""
    assert refusal(client, privnet.WEB_HOST, lab.ports["closed"]) in (
        socks_client.REFUSED, socks_client.FAILURE)


def test_port_refused_by_every_exit(lab, client):
    """No exit's policy allows it: no path, so no long wait either."""
    code = refusal(client, privnet.WEB_HOST, lab.ports["refused"], timeout=150)
    assert code in (socks_client.FAILURE, socks_client.NOT_ALLOWED)


def test_unknown_name(lab, client):
    assert refusal(client, "nx.test", lab.ports["http"]) == socks_client.HOST_UNREACHABLE


def test_name_server_failure(lab, client):
    assert refusal(client, "servfail.test", lab.ports["http"], timeout=60) in (
        socks_client.HOST_UNREACHABLE, socks_client.FAILURE)


def test_unreachable_host(lab, client):
    if lab.leaves_loopback and not os.environ.get("TORLAB_NETNS"):
        pytest.skip("no namespace to have an unreachable route in")
    assert refusal(client, "203.0.113.5", 80, timeout=60) in (
        socks_client.HOST_UNREACHABLE, socks_client.NET_UNREACHABLE, socks_client.FAILURE)


def test_host_that_does_not_answer_holds_up_nobody(lab, client):
    """The exit waits long for a connection that is not answered; others go on meanwhile."""
    with socks_client.open_proxy(client.proxy, 20) as waiting:
        waiting.sendall(b"\x05\x01\x00\x05\x01\x00" + socks_client.encode_address(privnet.WEB_HOST)
                        + lab.ports["blackhole"].to_bytes(2, "big"))
        begun = time.monotonic()
        assert PAGE in client.curl(lab.url("/")).stdout
        assert time.monotonic() - begun < 5


def test_target_resets_in_mid_answer(lab, client):
    done = client.curl(lab.url("/reset"))
    assert done.returncode != 0
    assert PAGE in client.curl(lab.url("/")).stdout


GARBAGE = {
    "http request": b"GET / HTTP/1.1\r\nHost: web.test\r\n\r\n",
    "tls hello": bytes.fromhex("16030100c8010000c40303") + b"\x00" * 190,
    "zeros": b"\x00" * 64,
    "socks version 6": b"\x06\x01\x00\x00",
    "no methods": b"\x05\x00",
    "only unknown methods": b"\x05\x02\x80\x81",
    "unknown command": b"\x05\x01\x00\x05\x09\x00\x01\x7f\x50\x00\x01\x4e\x5c",
    "udp associate": b"\x05\x01\x00\x05\x03\x00\x01\x7f\x50\x00\x01\x4e\x5c",
    "unknown address type": b"\x05\x01\x00\x05\x01\x00\x07\x7f\x50\x00\x01\x4e\x5c",
    "empty name": b"\x05\x01\x00\x05\x01\x00\x03\x00\x4e\x5c",
    "name with a nul": b"\x05\x01\x00\x05\x01\x00\x03\x08web\x00test\x4e\x5c",
    "name of 255 bytes": b"\x05\x01\x00\x05\x01\x00\x03\xff" + b"a" * 255 + b"\x4e\x5c",
    "port 0": b"\x05\x01\x00\x05\x01\x00\x01\x7f\x50\x00\x01\x00\x00",
    "socks4 user without end": b"\x04\x01\x4e\x5c\x7f\x50\x00\x01" + b"u" * 5000,
    "socks4 bad command": b"\x04\x09\x4e\x5c\x7f\x50\x00\x01\x00",
}


@pytest.mark.parametrize("what", sorted(GARBAGE))
def test_garbage_is_refused(lab, client, what):
    """The connection is refused (any reply but success) and closed; the program serves on."""
    with socks_client.open_proxy(client.proxy, 10) as sock:
        sock.sendall(GARBAGE[what])
        answer = b""
        try:
            while True:
                data = sock.recv(4096)
                if not data:
                    break
                answer += data
        except ConnectionResetError:
            pass
        except socket.timeout:
            pytest.fail("neither answered nor closed within 10 s; got %r" % answer)
    reply = answer[2:] if answer[:2] == b"\x05\x00" else answer
    assert reply[:2] not in (b"\x05\x00", b"\x00\x5a"), "granted: %r" % answer
    assert PAGE in client.curl(lab.url("/")).stdout


def test_every_truncation_of_a_request(lab, client):
    whole = b"\x05\x02\x00\x02\x01\x01u\x01p\x05\x01\x00\x03\x08web.test" + \
        lab.ports["http"].to_bytes(2, "big")
    for length in range(len(whole)):
        with socks_client.open_proxy(client.proxy, 10) as sock:
            sock.sendall(whole[:length])
            sock.shutdown(socket.SHUT_WR)
    assert PAGE in client.curl(lab.url("/")).stdout


def test_a_request_a_byte_at_a_time(lab, client):
    request = b"\x05\x01\x00\x05\x01\x00\x03\x08web.test" + lab.ports["echo"].to_bytes(2, "big")
    with socks_client.open_proxy(client.proxy, 20) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request:
            sock.sendall(bytes([byte]))
            time.sleep(0.002)
        assert socks_client.read_exactly(sock, 2 + 10)[2:4] == b"\x05\x00"


def test_1000_idle_connections(lab, client):
    """They may stay or be closed, but they keep nobody else out, and they cost little memory."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 2000:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    before = client.rss_kb()
    idle = []
    try:
        for number in range(1000):
            sock = socks_client.open_proxy(client.proxy, 10)
            if number % 2:
                sock.sendall(b"\x05")
            idle.append(sock)
        assert PAGE in client.curl(lab.url("/")).stdout
        grown = client.rss_kb() - before
        assert grown < 40000, "1000 idle connections took %d kB" % grown
    finally:
        for sock in idle:
            sock.close()
    assert PAGE in client.curl(lab.url("/")).stdout


def test_unix_socket(lab, make_sut, tmp_path):
    path = str(tmp_path / "socks")
    tmp_path.chmod(0o700)
    mine = make_sut(torrc=["SocksPort unix:" + path]).start()
    sock, _ = socks_client.socks5(path, "web.test", lab.ports["echo"])
    with sock:
        sock.sendall(b"hello")
        assert socks_client.read_exactly(sock, 5) == b"hello"
    assert mine.stop() == 0


def test_socks_policy_refuses(lab, make_sut):
    mine = make_sut(torrc=["SocksPolicy reject 127.0.0.1", "SocksPolicy accept *"]).start()
    done = mine.curl(lab.url("/"))
    assert done.returncode != 0
    assert mine.running()


def test_warning_where_an_application_resolves_itself(lab, client):
    """Once, and then held back: earlier tests may have caused it already."""
    client.curl(lab.url("/", host=privnet.WEB_HOST), proxy="--socks5")
    client.wait_for(r"(?i)\[warn\].*(DNS|resolv)" if not sut_module.IS_TOR else "", 5)


# -- applications that close their side and wait for the answer -----------------------------------

BODY = 300000


def page_request(lab):
    return b"GET /bytes/%d HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n" % (
        BODY, privnet.WEB_HOST.encode())


def read_all(sock):
    data = b""
    while True:
        more = sock.recv(65536)
        if not more:
            return data
        data += more


HALF_CLOSE = pytest.mark.skipif(
    sut_module.IS_TOR, reason="tor closes the stream when the application closes its side")


@HALF_CLOSE
@pytest.mark.parametrize("when", ["with the request", "later"])
def test_an_answer_comes_after_the_application_closed_its_side(lab, client, when):
    """As `printf ... | nc -N` does."""
    sock, _ = socks_client.socks5(client.proxy, privnet.WEB_HOST, lab.ports["http"])
    with sock:
        sock.sendall(page_request(lab))
        head = b""
        if when == "later":
            head = socks_client.read_exactly(sock, 10000)
        sock.shutdown(socket.SHUT_WR)
        assert len((head + read_all(sock)).partition(b"\r\n\r\n")[2]) == BODY


@HALF_CLOSE
def test_an_answer_comes_though_all_was_said_before_the_circuit(lab, client):
    """Greeting, request, early data and the end in one packet, with a user name that has no circuit yet."""
    with socks_client.open_proxy(client.proxy, 30) as sock:
        sock.sendall(b"\x05\x01\x02\x01\x08halfclos\x01x\x05\x01\x00"
                     + socks_client.encode_address(privnet.WEB_HOST)
                     + lab.ports["http"].to_bytes(2, "big") + page_request(lab))
        sock.shutdown(socket.SHUT_WR)
        answer = read_all(sock)
    assert answer.startswith(b"\x05\x02\x01\x00\x05\x00")
    assert len(answer.partition(b"\r\n\r\n")[2]) == BODY


@HALF_CLOSE
def test_a_look_up_is_answered_though_the_application_closed_its_side(lab, client):
    with socks_client.open_proxy(client.proxy, 30) as sock:
        sock.sendall(b"\x05\x01\x00\x05\xf0\x00" + socks_client.encode_address("web.test") + b"\0\0")
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock)[:4] == b"\x05\x00\x05\x00"


def test_what_was_sent_last_arrives_when_both_sides_are_closed(lab, client):
    """And the stream is closed soon: a server that waits for its client's end is not left waiting."""
    sock, _ = socks_client.socks5(client.proxy, privnet.WEB_HOST, lab.ports["echo"])
    with sock:
        sock.sendall(b"x")
        socks_client.read_exactly(sock, 1)
    end = time.monotonic() + 30
    while any(s["target"] == "%s:%d" % (privnet.WEB_HOST, lab.ports["echo"])
              for s in lab.exit_streams()):
        assert time.monotonic() < end, "the exit still holds the stream"
        time.sleep(0.2)
