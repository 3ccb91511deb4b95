"""Bytes in bulk: all of them right, none held up by a slow neighbour, memory bounded."""

import hashlib
import os
import socket
import subprocess
import threading
import time

import pytest

import socks_client
import targets

BIG = 200 * 1000 * 1000
PAGE = "This page came through a private Tor network"


def request(lab, client, method, path, extra="", **options):
    """Opens a stream to the web server and sends a request's head; returns the socket."""
    sock, _ = socks_client.socks5(client.proxy, "web.test", lab.ports["http"], **options)
    sock.sendall(("%s %s HTTP/1.1\r\nHost: web.test\r\n%s\r\n" % (method, path, extra)).encode())
    return sock


def read_body(sock):
    """-> (count, sha256) of the answer's body."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        assert more, "closed within the head"
        data += more
    body = data.split(b"\r\n\r\n", 1)[1]
    digest, count = hashlib.sha256(body), len(body)
    while True:
        data = sock.recv(262144)
        if not data:
            return count, digest.hexdigest()
        digest.update(data)
        count += len(data)


def test_200_mb_down(lab, client):
    with request(lab, client, "GET", "/bytes/%d" % BIG, timeout=60) as sock:
        assert read_body(sock) == (BIG, targets.content_sha256(BIG))


def test_200_mb_up(lab, client):
    with request(lab, client, "POST", "/upload", "Content-Length: %d\r\n" % BIG, timeout=60) as sock:
        for piece in targets.content(BIG):
            sock.sendall(piece)
        answer = sock.makefile("rb").read().split(b"\r\n\r\n", 1)[1].decode()
    assert answer.split() == [str(BIG), targets.content_sha256(BIG)]


def test_down_and_up_at_once(lab, client):
    """One stream, full in both directions (the echo server)."""
    size = 10 * 1000 * 1000
    sock, _ = socks_client.socks5(client.proxy, "web.test", lab.ports["echo"], timeout=60)
    got = []
    with sock:
        def read():
            digest = hashlib.sha256()
            count = 0
            while count < size:
                data = sock.recv(262144)
                if not data:
                    break
                digest.update(data)
                count += len(data)
            got.append((count, digest.hexdigest()))
        reader = threading.Thread(target=read)
        reader.start()
        for piece in targets.content(size):
            sock.sendall(piece)
        reader.join(60)
    assert got == [(size, targets.content_sha256(size))]


def test_200_streams_at_once(lab, client):
    sizes = [(0, 1, 497, 498, 499, 5000, 50001, 300000)[n % 8] for n in range(200)]
    wrong = []

    def fetch(number, size):
        try:
            with request(lab, client, "GET", "/bytes/%d" % size, timeout=100) as sock:
                got = read_body(sock)
            if got != (size, targets.content_sha256(size)):
                wrong.append("stream %d: %r for %d bytes" % (number, got, size))
        except (OSError, AssertionError, socks_client.SocksError) as error:
            wrong.append("stream %d: %r" % (number, error))
    threads = [threading.Thread(target=fetch, args=pair) for pair in enumerate(sizes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def assert_others_are_fast(lab, client):
    begun = time.monotonic()
    size = 2000000
    with request(lab, client, "GET", "/bytes/%d" % size) as sock:
        assert read_body(sock) == (size, targets.content_sha256(size))
    taken = time.monotonic() - begun
    assert taken < 8, "2 MB beside a stalled stream took %.1f s" % taken


def test_slow_reader_holds_back_only_itself(lab, client):
    """On the same circuit too: same user and password as the others, that is none."""
    with request(lab, client, "GET", "/bytes/20000000", timeout=60) as slow:
        time.sleep(1)
        assert_others_are_fast(lab, client)
        # And what waited is complete.
        assert read_body(slow) == (20000000, targets.content_sha256(20000000))


def test_slow_writer_holds_back_only_itself(lab, client):
    """The server reads nothing for long: our side fills up and the writer is made to wait."""
    with request(lab, client, "POST", "/told-read", timeout=120) as slow:
        sent, digest = 0, hashlib.sha256()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        slow.settimeout(0.5)
        try:
            while True:
                piece = targets.BLOCK[:slow.send(targets.BLOCK[:65536])]
                digest.update(piece)
                sent += len(piece)
                assert sent < 100000000, "nothing makes the writer wait"
        except socket.timeout:
            pass
        assert_others_are_fast(lab, client)
        with request(lab, client, "GET", "/read-on") as sock:
            read_body(sock)
        # What waits goes at the rate that the exit's XON names, which has the pause in it: it may be
        # 150 kB/s for long.
        slow.settimeout(120)
        slow.sendall(targets.LAST)
        digest.update(targets.LAST)
        answer = slow.makefile("rb").read().split(b"\r\n\r\n", 1)[1].decode()
    assert answer.split() == [str(sent + len(targets.LAST)), digest.hexdigest()]


def test_trickle_arrives_promptly(lab, client):
    """A slow server's 100 bytes each 50 ms come as they are sent, not in lumps."""
    with request(lab, client, "GET", "/slow/2000/50") as sock:
        arrivals = []
        while True:
            data = sock.recv(4096)
            if not data:
                break
            arrivals.append(time.monotonic())
    assert len(arrivals) > 10, "came in %d pieces" % len(arrivals)


@pytest.mark.parametrize("stalled", [1, 10])
def test_memory_is_bounded_while_readers_stall(lab, client, stalled):
    """100 MB wait in all; flow control keeps most of it at the server."""
    before = client.rss_kb()
    socks = [request(lab, client, "GET", "/bytes/%d" % (100000000 // stalled), timeout=60)
             for _ in range(stalled)]
    try:
        time.sleep(4)
        grown = client.rss_kb() - before
        assert grown < 16000, "%d kB more while %d readers stall" % (grown, stalled)
        assert PAGE in client.curl(lab.url("/")).stdout
    finally:
        for sock in socks:
            sock.close()


def test_memory_is_bounded_while_the_server_stalls(lab, client):
    """Upload into a server that reads nothing."""
    before = client.rss_kb()
    sock, _ = socks_client.socks5(client.proxy, "web.test", lab.ports["sink"], timeout=60)
    with sock:
        sock.setblocking(False)
        sent, until = 0, time.monotonic() + 4
        while time.monotonic() < until:
            try:
                sent += sock.send(b"x" * 65536)
            except BlockingIOError:
                time.sleep(0.02)
        assert sent < 60000000
        grown = client.rss_kb() - before
        assert grown < 16000, "%d kB more while the server stalls (%d bytes taken)" % (grown, sent)
        assert PAGE in client.curl(lab.url("/")).stdout


def test_application_goes_away_in_mid_download(lab, client):
    """Half-closed streams: late cells for closed streams harm nobody."""
    for _ in range(20):
        sock = request(lab, client, "GET", "/bytes/5000000")
        sock.recv(1000)
        sock.close()
    assert PAGE in client.curl(lab.url("/")).stdout


def test_many_short_connections_leak_nothing(lab, client):
    for _ in range(50):
        client.curl(lab.url("/"))
    time.sleep(0.5)
    before = client.rss_kb()
    files = len(os.listdir("/proc/%d/fd" % client.process.pid))
    for _ in range(6):
        jobs = [subprocess.Popen(["curl", "-s", "-o", "/dev/null", "--socks5-hostname",
                                  "127.0.0.1:%d" % client.socks_port, lab.url("/bytes/1000")])
                for _ in range(25)]
        assert [job.wait(timeout=30) for job in jobs] == [0] * 25
    time.sleep(1)
    assert client.rss_kb() - before < 8000
    assert len(os.listdir("/proc/%d/fd" % client.process.pid)) <= files + 6
