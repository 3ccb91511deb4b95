"""A SOCKS client of the tests' own, which can also send what no proper client would.

As a program: socks_client.py --ssh PROXY_HOST PROXY_PORT HOST PORT (for ssh's ProxyCommand).
"""

import ipaddress
import os
import select
import socket
import struct
import sys

# Reply codes of SOCKS5 (RFC 1928) and of Tor's extended errors (proposal 304).
SUCCEEDED, FAILURE, NOT_ALLOWED, NET_UNREACHABLE, HOST_UNREACHABLE = 0, 1, 2, 3, 4
REFUSED, TTL_EXPIRED, BAD_COMMAND, BAD_ADDRESS = 5, 6, 7, 8
CONNECT, RESOLVE, RESOLVE_PTR = 0x01, 0xF0, 0xF1


class SocksError(Exception):
    """The proxy refused; `code` is its reply, None where it just closed."""

    def __init__(self, code, text):
        super().__init__("%s (reply %s)" % (text, code))
        self.code = code


def read_exactly(sock, count):
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise SocksError(None, "the proxy closed after %d of %d bytes" % (len(data), count))
        data += more
    return data


def encode_address(host):
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("idna") if not host.isascii() else host.encode()
        return b"\x03" + bytes([len(name)]) + name
    return (b"\x01" if address.version == 4 else b"\x04") + address.packed


def open_proxy(proxy, timeout):
    """`proxy`: (host, port) or the path of a unix socket."""
    if isinstance(proxy, str):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(timeout)
        sock.connect(proxy)
        return sock
    return socket.create_connection(proxy, timeout)


def socks5(proxy, host, port, command=CONNECT, auth=None, timeout=20):
    """Returns (socket, answered address): for CONNECT ready to use, for RESOLVE closed."""
    sock = open_proxy(proxy, timeout)
    try:
        sock.sendall(b"\x05\x01\x02" if auth else b"\x05\x01\x00")
        version, method = read_exactly(sock, 2)
        if version != 5 or method != (2 if auth else 0):
            raise SocksError(method, "method refused")
        if auth:
            user, password = (part.encode() for part in auth)
            sock.sendall(b"\x01" + bytes([len(user)]) + user + bytes([len(password)]) + password)
            if read_exactly(sock, 2)[1] != 0:
                raise SocksError(FAILURE, "password refused")
        sock.sendall(b"\x05" + bytes([command, 0]) + encode_address(host) + struct.pack(">H", port))
        version, code, _, kind = read_exactly(sock, 4)
        if code != SUCCEEDED:
            raise SocksError(code, "refused")
        if kind == 3:
            answer = read_exactly(sock, read_exactly(sock, 1)[0]).decode()
        else:
            answer = str(ipaddress.ip_address(read_exactly(sock, 4 if kind == 1 else 16)))
        read_exactly(sock, 2)
        if command != CONNECT:
            sock.close()
        return sock, answer
    except BaseException:
        sock.close()
        raise


def socks4a(proxy, host, port, user=b"", command=CONNECT, timeout=20):
    sock = open_proxy(proxy, timeout)
    try:
        try:
            address, name = socket.inet_aton(host), b""
        except OSError:
            address, name = b"\x00\x00\x00\x01", host.encode() + b"\x00"
        sock.sendall(b"\x04" + bytes([command]) + struct.pack(">H", port) + address + user + b"\x00" + name)
        reply = read_exactly(sock, 8)
        if reply[:2] != b"\x00\x5a":
            raise SocksError(reply[1], "refused")
        return sock, socket.inet_ntoa(reply[4:])
    except BaseException:
        sock.close()
        raise


def resolve(proxy, name, **options):
    return socks5(proxy, name, 0, command=RESOLVE, **options)[1]


def resolve_ptr(proxy, address, **options):
    return socks5(proxy, address, 0, command=RESOLVE_PTR, **options)[1]


def main():
    sock, _ = socks5((sys.argv[2], int(sys.argv[3])), sys.argv[4], int(sys.argv[5]))
    sock.settimeout(None)
    sources = [0, sock.fileno()]
    while sources:
        for ready in select.select(sources, [], [])[0]:
            data = os.read(ready, 65536)
            if not data and ready == sock.fileno():
                return
            if not data:
                sources.remove(0)
                sock.shutdown(socket.SHUT_WR)
            elif ready == 0:
                sock.sendall(data)
            else:
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()


if __name__ == "__main__" and sys.argv[1:2] == ["--ssh"]:
    main()
