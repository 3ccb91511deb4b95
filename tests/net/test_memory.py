"""Memory: what waits for slow applications is bounded, those that have waited longest give way, and what
traffic took goes back."""

import socket
import struct
import time

import privnet
import socks_client
from controller import Controller
import sut as sut_module
from works import works

READERS = 40
SIZE = 2000000
SMALL = ["ConstrainedSockets 1", "ConstrainedSockSize 2048 bytes"]


def lazy_reader(mine, lab):
    """An application that asks for much and reads nothing; the kernel holds next to none of it."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.settimeout(20)
    sock.connect(mine.proxy)
    sock.sendall(b"\x05\x01\x00")
    assert socks_client.read_exactly(sock, 2) == b"\x05\x00"
    sock.sendall(b"\x05\x01\x00" + socks_client.encode_address(privnet.WEB_HOST) +
                 struct.pack(">H", lab.ports["http"]))
    if socks_client.read_exactly(sock, 10)[1] != socks_client.SUCCEEDED:
        return sock     # tor ends circuits, too: who comes meanwhile may be refused
    sock.sendall(b"GET /bytes/%d HTTP/1.0\r\nHost: x\r\n\r\n" % SIZE)
    return sock


def reads_all(sock):
    """At last: whether all comes that it asked for."""
    sock.settimeout(20)
    # With the window of before, the sender would wait for its probe's timer again and again.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    got = 0
    with sock:
        try:
            while more := sock.recv(65536):
                got += len(more)
        except ConnectionError:
            pass
    return got > SIZE


def is_served(sock):
    """At last: whether what waits is for it, and no end."""
    sock.settimeout(20)
    with sock:
        return len(sock.recv(65536)) > 0 and len(sock.recv(65536)) > 0


def fetch(mine, lab, size):
    sock, _ = socks_client.socks5(mine.proxy, privnet.WEB_HOST, lab.ports["http"], timeout=30)
    with sock:
        sock.sendall(b"GET /bytes/%d HTTP/1.0\r\nHost: x\r\n\r\n" % size)
        return len(sock.makefile("rb").read().split(b"\r\n\r\n", 1)[1])


@works("MaxMemInQueues")
def test_more_than_queues_may_hold_ends_those_that_waited_longest(lab, make_sut):
    """Each lazy reader's stream holds a window, a quarter of a megabyte: 40 are more than 4 MB."""
    port = sut_module.free_port()
    mine = make_sut(torrc=SMALL + ["MaxMemInQueues 4 MB", "ControlPort %d" % port]).start()
    readers = [lazy_reader(mine, lab) for _ in range(4)]
    time.sleep(1)       # so these are the oldest
    readers += [lazy_reader(mine, lab) for _ in range(READERS - 4)]
    mine.wait_for("Removed [0-9]+ bytes" if sut_module.IS_TOR else "gave back [0-9]+ bytes", 30)
    time.sleep(3)
    assert fetch(mine, lab, 500000) == 500000, "who reads is served"
    with Controller(("127.0.0.1", port)) as c:
        assert c.ask("AUTHENTICATE") == ["250 OK"]
        assert c.ask("GETINFO limits/max-mem-in-queues")[0] == "250-limits/max-mem-in-queues=4194304"
    assert not any(reads_all(sock) for sock in readers[:4]), "the oldest are ended"
    assert any(reads_all(sock) for sock in readers[4:]), "no more than was needed"


@works("MaxMemInQueues")
def test_what_queues_may_hold_ends_nobody(lab, make_sut):
    mine = make_sut(torrc=SMALL + ["MaxMemInQueues 64 MB"]).start()
    readers = [lazy_reader(mine, lab) for _ in range(READERS)]
    time.sleep(3)
    assert all(is_served(sock) for sock in readers)
