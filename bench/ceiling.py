#!/usr/bin/python3
"""How near the client comes to what its machine can do: the client alone on one core, the network on
the other, and what a byte must cost at least.

usage: bench/ceiling.py [--mb N] [--rounds N] [--layer tor1|cgo] [--program PATH]

The ceiling is 1 / (processor seconds a byte): what the client would carry if its core were all its own
and the network endless. The limit has in it, for a cell of some 490 bytes of data: what its layers take
(build/bench/cells: three key streams and a running SHA-1 of 509 bytes, or with CGO at the exit two key
streams, UIV+ and its new keys), 514 bytes of AES-128-GCM (openssl speed, records of 4 kB), one copy, and
64 kB calls of recv() and send() on loopback, measured here. tor1 goes with fixed windows, CGO with
congestion control, and neither with conflux. The goal is half of the limit. Figures, no verdict."""

import argparse
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import loopback  # noqa: E402
import pair      # noqa: E402

CELL = 514
PIECE = 65536
STREAM = "AES-128-CTR of a cell's body"
# What the consensus says, bytes of data in a cell, and the steps of build/bench/cells in it.
LAYERS = {
    "tor1": ("cc_alg=0 cfx_enabled=0", 498,
             {STREAM: 3, "SHA-1 of a cell's body and its running digest": 1}),
    "cgo": ("cfx_enabled=0", 488, {STREAM: 2, "UIV+ of a cell's body": 1, "UIV+'s new keys": 1}),
}


def steps():
    """What build/bench/cells prints -> {step: ns}."""
    out = subprocess.run([os.path.join(pair.TOP, "build", "bench", "cells")], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    return {m.group(1): float(m.group(2))
            for m in re.finditer(r"^(.+?) {2,}([0-9.]+) ns", out, re.M)}


def gcm_ns():
    """Of a byte."""
    out = subprocess.run(["openssl", "speed", "-mr", "-seconds", "1", "-bytes", "4096", "-evp",
                          "aes-128-gcm"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                         check=True).stdout
    return 1e9 / float(re.search(r"^\+F:.*:([0-9.]+)$", out, re.M).group(1))


def copy_ns():
    """Of a byte, within the second-level cache."""
    a, b = bytearray(PIECE), bytearray(PIECE)
    begun = time.thread_time_ns()
    for _ in range(20000):
        a[:] = b
    return (time.thread_time_ns() - begun) / 20000 / PIECE


def socket_ns():
    """Of a byte: (recv, send), each with a thread of its own at the other end."""
    found = []
    for way in ("recv", "send"):
        near, far = socket.create_server(("127.0.0.1", 0)), socket.socket()
        far.connect(near.getsockname())
        here, _ = near.accept()
        total, block, buf = 300 * 1000 * 1000, bytes(PIECE), bytearray(PIECE)

        def other(sock=far, sends=way == "recv"):
            left = total
            while left > 0:
                left -= sock.send(block) if sends else len(sock.recv(PIECE)) or left
            sock.close()
        thread = threading.Thread(target=other)
        thread.start()
        begun, left = time.thread_time_ns(), total
        while left > 0:
            left -= here.recv_into(buf) or left if way == "recv" else here.send(block)
        found.append((time.thread_time_ns() - begun) / total)
        here.close()
        thread.join()
        near.close()
    return found


def limit(way, data, layers):
    """-> (ns a byte of data at least, the lines that say of what)."""
    cells, (recv, send) = steps(), socket_ns()
    parts = {"%d x %s" % (n, step): n * cells[step] for step, n in layers.items()}
    parts |= {
        "AES-128-GCM of its record": CELL * gcm_ns(),
        "one copy": data * copy_ns(),
        "recv()": (CELL if way == "down" else data) * recv,
        "send()": (data if way == "down" else CELL) * send,
    }
    lines = ["  %-50s %7.1f ns" % item for item in parts.items()]
    return sum(parts.values()) / data, lines


def main():
    parser = argparse.ArgumentParser(description="The client's ceiling, and the limit.")
    parser.add_argument("--mb", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--layer", choices=list(LAYERS), action="append")
    parser.add_argument("--program", default=pair.OURS)
    args = parser.parse_args()
    loopback.enter()
    cores = sorted(os.sched_getaffinity(0))
    cores = (cores[0], cores[-1])
    os.sched_setaffinity(0, {cores[0]})
    for layer in args.layer or LAYERS:
        measure(args, layer, cores)


def measure(args, layer, cores):
    params, data, layers = LAYERS[layer]
    far, size = pair.Far(), args.mb * 1000 * 1000
    costs = {"down": [], "up": []}
    with pair.pair(args.program, cores, params) as client:
        for way in costs:
            pair.transfer(client, far, way, 1000000)
        for _ in range(args.rounds):
            for way, found in costs.items():
                before = client.cpu_s()
                pair.transfer(client, far, way, size)
                found.append((client.cpu_s() - before) / size * 1e9)
    for way, found in costs.items():
        least, lines = limit(way, data, layers)
        ns = statistics.median(found)
        print("%s %s: %.2f ns a byte (%.2f..%.2f), a ceiling of %.0f MB/s; at least %.2f ns, %.0f MB/s; "
              "%.2f of the limit" % (layer, way, ns, min(found), max(found), 1000 / ns, least,
                                     1000 / least, least / ns))
        print("\n".join(lines), flush=True)


if __name__ == "__main__":
    main()
