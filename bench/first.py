#!/usr/bin/python3
"""Time to the first byte of a page on links with delay: Tunic, Tunic with OptimisticReply, Debian's tor.

usage: bench/first.py [--rounds N] [--pages N] [--users N] [--delay MS] [--jitter MS] [--tunic PATH] [--tor PATH]

One network (`tunic testnet`), three programs at once: each has a circuit for each of so many SOCKS users, made
before by a page that is not counted. A round is some pages of each program in turn, each from the call of
connect() to the first byte of the answer; the request is sent as soon as the program says "connected". In a
network namespace whose loopback acknowledges at once. Figures, no verdict."""

import argparse
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path.insert(0, HERE)

import loopback  # noqa: E402
from many import Process  # noqa: E402
from start import free_port, middle  # noqa: E402

HOST, GET = b"hello.test", b"GET / HTTP/1.0\r\nHost: hello.test\r\n\r\n"
PATIENCE_S = 60


def exactly(sock, n):
    data = b""
    while len(data) < n:
        piece = sock.recv(n - len(data))
        if not piece:
            raise OSError("the proxy closed")
        data += piece
    return data


def first_byte(port, user):
    """-> ms from connect() to the first byte"""
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(b"\5\1\2")
        exactly(sock, 2)
        sock.sendall(b"\1" + bytes([len(user)]) + user + b"\1x")
        exactly(sock, 2)
        sock.sendall(b"\5\1\0\3" + bytes([len(HOST)]) + HOST + b"\0\120")
        if exactly(sock, 10)[1] != 0:
            raise OSError("refused")
        sock.sendall(GET)
        exactly(sock, 1)
        took = time.monotonic() - begun
        while sock.recv(65536):
            pass
        return took * 1000


def first_page(port, user):
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return first_byte(port, user)
        except OSError:
            if time.monotonic() > until:
                sys.exit("first: no page through port %d" % port)
            time.sleep(0.2)


def start(path, torrc, directory, name, ports):
    """-> the process, with a line for each port"""
    argv = [path, "-f", torrc, "--DataDirectory", "%s/%s" % (directory, name), "--Log", "notice stdout"]
    for port in ports:
        argv += ["+SocksPort", port] if argv.count("--SocksPort") else ["--SocksPort", port]
    os.mkdir("%s/%s" % (directory, name), 0o700)
    return Process(argv, "%s/%s.log" % (directory, name))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pages", type=int, default=16)
    parser.add_argument("--users", type=int, default=8)
    parser.add_argument("--delay", type=int, default=50)
    parser.add_argument("--jitter", type=int, default=20)
    parser.add_argument("--tunic", default=os.path.join(TOP, "build", "tunic"))
    parser.add_argument("--tor", default=shutil.which("tor"))
    args = parser.parse_args()
    if not loopback.enter():
        sys.exit("first: no network namespace of its own is to be had here")
    directory = tempfile.mkdtemp(prefix="tunic-first-")
    network = Process([args.tunic, "testnet", "--no-client", "--dir", directory + "/net", "--relays", "16",
                       "--delay", str(args.delay), "--jitter", str(args.jitter)],
                      directory + "/network.log")
    network.wait_for("testnet ready")
    torrc = directory + "/net/client.torrc"
    ports = {name: free_port() for name in ("Tunic, OptimisticReply", "Tunic", "tor")}
    eager, waits, tors = ports.values()
    programs = [start(args.tunic, torrc, directory, "tunic", ["%d OptimisticReply" % eager, str(waits)]),
                start(args.tor, torrc, directory, "tor", [str(tors)])]
    users = [b"user%d" % i for i in range(args.users)]
    try:
        for port in ports.values():
            for user in users:
                first_page(port, user)
        rounds = []
        for _ in range(args.rounds):
            took = {name: [] for name in ports}
            for i in range(args.pages):
                for name, port in ports.items():
                    took[name].append(first_page(port, users[i % len(users)]))
            rounds.append({name: statistics.median(ms) for name, ms in took.items()})
        for name in ports:
            column = [r[name] for r in rounds]
            print("%-24s ms %s   ratio to tor %s" % (
                name, middle(column), middle([r[name] / r["tor"] for r in rounds])), flush=True)
    finally:
        for process in [*programs, network]:
            process.end()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
