"""XON and XOFF, where congestion control is: who reads slowly stops the other side, and nothing is lost."""

import hashlib
import re
import socket
import time

import socks_client
import sut as sut_module
import targets

MEGABYTE = 1000 * 1000
SIZE = 60 * MEGABYTE
SENT = {True: r"Sending XOFF", False: r"XOFF sent"}[sut_module.IS_TOR]
LET_GO = {True: r"Sending XON", False: r"XON sent"}[sut_module.IS_TOR]
HEARD = {True: r"Got XOFF", False: r"XOFF received"}[sut_module.IS_TOR]
RESUMED = {True: r"Got XON", False: r"XON received"}[sut_module.IS_TOR]


def memory_kb(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def connected(client, lab, request):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    sock.close()
    sock, _ = socks_client.socks5(client.proxy, "web.test", lab.ports["http"], timeout=60)
    sock.settimeout(120)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    sock.sendall(request)
    return sock


def counts(client, pattern):
    return len(re.findall(pattern, client.log()))


def test_a_lower_limit_of_the_consensus_is_heeded(lowered, tmp_path):
    """What waits is less than the usual 500 cells, and more than 20; no circuit ends over it."""
    size = 300000       # of which the kernel holds a third or more
    client = sut_module.Sut(lowered, tmp_path / "mine", torrc=[
        "ConstrainedSockets 1", "ConstrainedSockSize 2048 bytes"])
    client.start()
    try:
        sock = connected(client, lowered, b"GET /slow/%d/1 HTTP/1.0\r\nHost: web.test\r\n\r\n" % size)
        with sock:
            client.wait_for(SENT, 20)       # it reads nothing
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            data = b""
            while piece := sock.recv(65536):
                data += piece
        body = data.partition(b"\r\n\r\n")[2]
        assert (len(body), hashlib.sha256(body).hexdigest()) == (size, targets.content_sha256(size))
        client.wait_for(LET_GO, 10)
        assert client.stop() == 0
    finally:
        client.kill()


def test_a_slow_server_stops_us_again_and_again(lowered, tmp_path):
    """The exit may say XOFF for 20 cells each: by the usual limit, most of them would come too soon."""
    client = sut_module.Sut(lowered, tmp_path / "mine")
    client.start()
    size = 20 * MEGABYTE
    body = b"0123456789abcdef" * (size // 16)
    try:
        sock = connected(client, lowered, b"POST /late-read HTTP/1.0\r\nHost: web.test\r\n"
                                          b"Content-Length: %d\r\n\r\n" % size)
        with sock:
            sock.sendall(body)
            answer = b""
            while piece := sock.recv(65536):
                answer += piece
        assert hashlib.sha256(body).hexdigest().encode() in answer
        client.wait_for(RESUMED, 10)
        assert counts(client, HEARD) >= 1
        assert client.stop() == 0
    finally:
        client.kill()


def test_a_slow_reader_stops_the_exit(lab, make_sut):
    client = make_sut().start()
    before = memory_kb(client.process.pid)
    sock = connected(client, lab, b"GET /bytes/%d HTTP/1.0\r\nHost: web.test\r\n\r\n" % SIZE)
    with sock:
        client.wait_for(SENT, 60)       # it reads nothing
        time.sleep(2)                   # what was under way has come
        grown = memory_kb(client.process.pid) - before
        assert grown < 20000, "%d kB more while nobody reads" % grown
        digest, head, got = hashlib.sha256(), b"", 0
        while piece := sock.recv(262144):
            if b"\r\n\r\n" not in head:
                head += piece
                piece = head.partition(b"\r\n\r\n")[2]
            digest.update(piece)
            got += len(piece)
    assert got == SIZE and digest.hexdigest() == targets.content_sha256(SIZE)
    client.wait_for(LET_GO, 10)


def test_a_slow_server_stops_us(lab, make_sut):
    """It reads nothing for four seconds; the exit's queue is full before."""
    client = make_sut().start()
    size = 12 * MEGABYTE
    body = b"0123456789abcdef" * (size // 16)
    sock = connected(client, lab, b"POST /late-read HTTP/1.0\r\nHost: web.test\r\n"
                                  b"Content-Length: %d\r\n\r\n" % size)
    with sock:
        sock.sendall(body)
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
    assert hashlib.sha256(body).hexdigest().encode() in answer
    client.wait_for(HEARD, 10)
    client.wait_for(RESUMED, 10)
