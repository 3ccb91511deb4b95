#!/usr/bin/python3
"""The servers behind the exits of the private network (started by torlab.py).

usage: targets.py WEB_HOST DNS_HOST PORTS_JSON FILES_FOLDER

http       GET /            a page that says what it is and who asked
           GET /bytes/N     N bytes, the same ones each time (see content())
           GET /slow/N/MS   N bytes, 100 at a time, every MS milliseconds
           GET /files/PATH  a file of FILES_FOLDER
           GET /hang        headers, then silence
           GET /reset       some bytes, then a TCP reset
           POST, PUT /upload   answers "<count> <sha256>"
           POST /late-read  reads nothing for 4 s, then as /upload
           POST /told-read  reads nothing until GET /read-on (60 s at most), then up to LAST
           GET /status      JSON: requests, open connections, peers seen
echo, echo2  sends back what it gets; a line "PEER\\n" first thing is answered with the peer's address
sink       reads nothing at all
blackhole  SYNs are dropped (full accept queue)
dns (UDP)  web.test and *.web.test A; v6.test AAAA; both.test A and AAAA; slow.test after 3 s;
           servfail.test; public.test (only in a namespace: an address outside loopback); everything else NXDOMAIN; PTR for 198.51.100.x is "host-x.test"
           (tor's exits do not look up internal addresses)
"""

import asyncio
import hashlib
import json
import os
import random
import re
import socket
import struct
import sys

BLOCK = random.Random(20240229).randbytes(1048573)   # a prime: no power of two repeats in step
PIECE = 256 * 1024
LAST = b"\r\nthese are the last bytes\r\n"
PUBLIC_HOST = "198.51.100.80"


def content(count):
    """The `count` bytes of /bytes/N as an iterator of pieces."""
    view = memoryview(BLOCK + BLOCK[:PIECE])
    at = 0
    while count > 0:
        size = min(PIECE, count)
        yield view[at:at + size]
        at = (at + size) % len(BLOCK)
        count -= size


def content_sha256(count):
    digest = hashlib.sha256()
    for piece in content(count):
        digest.update(piece)
    return digest.hexdigest()


class Web:
    """A small HTTP/1.1 server, one request a connection."""

    def __init__(self):
        self.requests = 0
        self.read_on = asyncio.Event()
        self.open = 0
        self.peers = {}

    async def serve(self, reader, writer):
        self.open += 1
        peer = writer.get_extra_info("peername")[0]
        self.peers[peer] = self.peers.get(peer, 0) + 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.requests += 1
            method, path = head.split(" ", 2)[:2]
            await self.answer(method, path, head, reader, writer, peer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def answer(self, method, path, head, reader, writer, peer):
        match = re.fullmatch(r"/bytes/(\d+)", path)
        if match:
            count = int(match.group(1))
            self.head(writer, 200, count)
            for piece in content(count):
                writer.write(piece)
                await writer.drain()
            return
        match = re.fullmatch(r"/slow/(\d+)/(\d+)", path)
        if match:
            count, pause = int(match.group(1)), int(match.group(2)) / 1000
            self.head(writer, 200, count)
            data = b"".join(content(count))
            for at in range(0, count, 100):
                writer.write(data[at:at + 100])
                await writer.drain()
                await asyncio.sleep(pause)
            return
        if path in ("/upload", "/late-read") and method in ("POST", "PUT"):
            return await self.upload(path, head, reader, writer)
        if path == "/told-read" and method == "POST":
            return await self.told(reader, writer)
        if path.startswith("/files/") and ".." not in path:
            return self.file(writer, os.path.join(sys.argv[4], path.split("?")[0][7:]))
        if path == "/hang":
            self.head(writer, 200, 1000)
            await writer.drain()
            await reader.read()
            return
        if path == "/reset":
            self.head(writer, 200, 1000000)
            writer.write(b"x" * 1000)
            await writer.drain()
            await asyncio.sleep(0.2)
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return
        if path == "/read-on":
            self.read_on.set()
            body = "\n"
        elif path == "/status":
            body = json.dumps({"requests": self.requests, "open": self.open, "peers": self.peers})
        elif path == "/":
            body = "This page came through a private Tor network, out at %s.\n" % peer
        else:
            self.head(writer, 404, 0)
            return
        self.head(writer, 200, len(body))
        writer.write(body.encode())
        await writer.drain()

    def file(self, writer, path):
        try:
            with open(path, "rb") as f:
                data = f.read()
        except OSError:
            return self.head(writer, 404, 0)
        self.head(writer, 200, len(data))
        writer.write(data)

    async def upload(self, path, head, reader, writer):
        match = re.search(r"\r\ncontent-length: *(\d+)", head, re.I)
        left = int(match.group(1)) if match else 0
        if re.search(r"\r\nexpect: *100-continue", head, re.I):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if path == "/late-read":
            writer.transport.pause_reading()
            await asyncio.sleep(4)
            writer.transport.resume_reading()
        count, digest = await self.read(reader, left)
        if count == left:
            await self.say(writer, count, digest)

    async def told(self, reader, writer):
        # Without this the system would take megabytes for a reader that reads nothing.
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        writer.transport.pause_reading()
        await asyncio.wait_for(self.read_on.wait(), 60)
        self.read_on.clear()
        writer.transport.resume_reading()
        await self.say(writer, *await self.read(reader, 1 << 40, LAST))

    @staticmethod
    async def read(reader, most, last=None):
        """-> (count, sha256) of what comes, up to MOST bytes or to LAST."""
        digest, count, tail = hashlib.sha256(), 0, b""
        while count < most and (not last or tail != last):
            data = await reader.read(min(most - count, PIECE))
            if not data:
                break
            tail = (tail + data)[-len(last):] if last else b""
            digest.update(data)
            count += len(data)
        return count, digest.hexdigest()

    async def say(self, writer, count, digest):
        body = "%d %s\n" % (count, digest)
        self.head(writer, 200, len(body))
        writer.write(body.encode())
        await writer.drain()

    @staticmethod
    def head(writer, status, length):
        writer.write(("HTTP/1.1 %d %s\r\nContent-Length: %d\r\nConnection: close\r\n"
                      "Content-Type: application/octet-stream\r\n\r\n"
                      % (status, "OK" if status == 200 else "Not Found", length)).encode())


async def echo(reader, writer):
    try:
        first = True
        while True:
            data = await reader.read(65536)
            if not data:
                break
            if first and data.startswith(b"PEER\n"):
                data = ("%s\n" % writer.get_extra_info("peername")[0]).encode() + data[5:]
            first = False
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def sink(reader, writer):
    writer.transport.pause_reading()
    try:
        await asyncio.sleep(3600)
    finally:
        writer.close()


class Dns(asyncio.DatagramProtocol):
    """Answers from a table; no recursion, one question a packet."""

    def __init__(self, web_host):
        self.web_host = web_host

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        try:
            self.answer(data, addr)
        except (IndexError, struct.error, UnicodeDecodeError):
            pass

    def answer(self, data, addr):
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode("ascii"))
            at += 1 + data[at]
        question = data[12:at + 5]
        kind = struct.unpack(">H", data[at + 1:at + 3])[0]
        name = ".".join(labels).lower()
        code, records = self.look_up(name, kind)
        reply = data[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(records), 0, 0) + question
        for rdata in records:
            reply += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(rdata)) + rdata
        if name == "slow.test":
            asyncio.get_running_loop().call_later(3, self.transport.sendto, reply, addr)
        else:
            self.transport.sendto(reply, addr)

    def look_up(self, name, kind):
        v4 = socket.inet_aton(self.web_host)
        v6 = socket.inet_pton(socket.AF_INET6, "::1")
        if name == "public.test":
            return 0, [socket.inet_aton(PUBLIC_HOST)] if kind == 1 else []
        has_v4 = name in ("web.test", "both.test", "slow.test") or name.endswith(".web.test")
        has_v6 = name in ("v6.test", "both.test")
        if name == "servfail.test":
            return 2, []
        if has_v4 or has_v6:
            return 0, [v4] if kind == 1 and has_v4 else [v6] if kind == 28 and has_v6 else []
        match = re.fullmatch(r"(\d+)\.100\.51\.198\.in-addr\.arpa", name)
        if match and kind == 12:
            host = b"host-" + match.group(1).encode()
            return 0, [bytes([len(host)]) + host + b"\x04test\x00"]
        return 3, []


def make_blackhole(host, port):
    """A listening socket whose accept queue is full: the kernel drops every further SYN."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((host, port))
    server.listen(0)
    kept = [server]
    for _ in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex((host, port))
        kept.append(client)
    return kept


async def main():
    web_host, dns_host, ports = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    web = Web()
    lock = socket.socket()
    lock.bind((web_host, ports["lock"]))
    servers = [await asyncio.start_server(web.serve, web_host, ports["http"], backlog=1024),
               await asyncio.start_server(sink, web_host, ports["sink"], backlog=1024)]
    for name in ("echo", "echo2"):
        servers.append(await asyncio.start_server(echo, web_host, ports[name], backlog=1024))
    if os.environ.get("TORLAB_NETNS"):
        servers.append(await asyncio.start_server(web.serve, PUBLIC_HOST, ports["http"]))
    try:
        servers.append(await asyncio.start_server(web.serve, "::1", ports["http"], backlog=1024))
        servers.append(await asyncio.start_server(echo, "::1", ports["echo"], backlog=1024))
    except OSError as error:
        print("no IPv6 on loopback: %s" % error, file=sys.stderr)
    await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Dns(web_host), local_addr=(dns_host, ports["dns"]))
    kept = make_blackhole(web_host, ports["blackhole"])
    print("ready", flush=True)
    await asyncio.sleep(1e9)
    del kept, lock


if __name__ == "__main__":
    asyncio.run(main())
