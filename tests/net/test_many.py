"""Many at once: a thousand circuits in one program, with a stream each."""

import socket
import struct

import privnet
import socks_client
import sut as sut_module
from controller import Controller

CIRCUITS = 1000
MESSAGE = 3000
WAIT_S = 240    # MaxClientCircuitsPending are begun at a time, and Debian's relays are slow at it


def begin(mine, lab, number):
    """Sends all of a handshake with a user name of its own, which wants a circuit of its own."""
    user = b"user%d" % number
    sock = socket.create_connection(mine.proxy, WAIT_S)
    sock.sendall(b"\x05\x01\x02\x01" + bytes([len(user)]) + user + b"\x01x\x05\x01\x00" +
                 socks_client.encode_address(privnet.WEB_HOST) + struct.pack(">H", lab.ports["echo"]))
    return sock


def is_connected(sock):
    return socks_client.read_exactly(sock, 14)[5] == socks_client.SUCCEEDED


def message(number):
    return (b"%08d" % number) * (MESSAGE // 8)


def test_1000_circuits_at_once(lab, make_sut):
    port = sut_module.free_port()
    mine = make_sut(torrc=["ControlPort %d" % port, "CircuitsAvailableTimeout 86400",
                           "SocksTimeout %d" % WAIT_S], log_level="notice").start()
    socks = [begin(mine, lab, number) for number in range(CIRCUITS)]
    assert all(is_connected(sock) for sock in socks)
    for number, sock in enumerate(socks):
        sock.sendall(message(number))
    assert all(socks_client.read_exactly(sock, MESSAGE) == message(number)
               for number, sock in enumerate(socks))
    with Controller(("127.0.0.1", port)) as c:
        assert c.ask("AUTHENTICATE") == ["250 OK"]
        built = [line for line in c.ask("GETINFO circuit-status") if " BUILT " in line]
        assert len(built) >= CIRCUITS
    for sock in socks:
        sock.close()
    sock, _ = socks_client.socks5(mine.proxy, privnet.WEB_HOST, lab.ports["echo"])
    with sock:
        sock.sendall(b"still there")
        assert socks_client.read_exactly(sock, 11) == b"still there"
