#!/usr/bin/python3
"""A consensus of full size over BEGIN_DIR: tunic fetch beside stem's client, from one relay of a test
network. usage: bench/fetch.py [--rounds N] [--phantoms N]      TUNIC: the program

Processor time is that of the whole process (user and system, as wait4 has it), so it includes the
start of each: some 6 ms of tunic, 75 ms of Python with stem. stem.client sends no SENDMEs, so a relay
that keeps to its window stops after 500 cells: stem asks one that has been told to ignore it. Rounds
alternate; a ratio is taken within each round."""

import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TUNIC = os.environ.get("TUNIC", "build/tunic")
WANT = "/tor/status-vote/current/consensus"

STEM = """
import sys
import stem, stem.descriptor.remote
from stem.descriptor import Compression
from stem.descriptor.networkstatus import KeyCertificate
where = [stem.ORPort(sys.argv[1], int(sys.argv[2]))]
def ask(path, kind, validate, compression):
    return stem.descriptor.remote.Query(
        path, kind, endpoints=where, validate=validate, document_handler='DOCUMENT',
        compression=[getattr(Compression, compression)], block=False, start=False)
def get(query):
    query.start()
    query._downloader_thread.join()
    assert not query.error, query.error
    return query.content
verify = sys.argv[4] == 'verify'
content = get(ask('%s', 'network-status-consensus-3 1.0', verify, sys.argv[3]))
if verify:
    import io
    found, = stem.descriptor.parse_file(io.BytesIO(content), 'network-status-consensus-3 1.0',
                                        validate=True, document_handler='DOCUMENT')
    first = b'dir-key-certificate-version '
    certs = get(ask('/tor/keys/all', None, False, sys.argv[3])).split(first)[1:]
    found.validate_signatures([KeyCertificate(first + c, validate=True) for c in certs])
with open(sys.argv[5], 'wb') as f:
    f.write(content)
""" % WANT


class Network:
    def __init__(self, directory, phantoms):
        self.dir = directory
        self.process = subprocess.Popen(
            [TUNIC, "testnet", "--no-client", "--phantom", str(phantoms), "--dir", directory],
            stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline().startswith("testnet ready")
        with open(directory + "/nodes.json", encoding="utf-8") as f:
            nodes = {n["nickname"]: n for n in json.load(f)["nodes"]}
        self.honest, self.heedless = nodes["guard1"], nodes["guard2"]
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(directory + "/control")
            control.sendall(b"fault guard2:circ-ignore-window\n")
            assert control.makefile().readline() == "ok\n"

    def stop(self):
        self.process.terminate()
        self.process.wait()


def measure(argv):
    """(seconds, processor seconds)"""
    begun = time.monotonic()
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    assert status == 0, argv
    return time.monotonic() - begun, usage.ru_utime + usage.ru_stime


def tunic(network, out, *options):
    node = network.honest
    return [TUNIC, "fetch", "-q", "-f", network.dir + "/client.torrc", "--from",
            "%s:%d" % (node["address"], node["or_port"]), "-o", out, *options, "consensus"]


def stem(network, out, encoding, what):
    node = network.heedless
    return ["/usr/bin/python3", "-c", STEM, node["address"], str(node["or_port"]), encoding, what,
            out]


def row(name, rounds, ours, theirs):
    runs = [(measure(ours), measure(theirs)) for _ in range(rounds)]
    cells = []
    for i in (1, 0):
        mine, its = [r[0][i] * 1000 for r in runs], [r[1][i] * 1000 for r in runs]
        ratios = [b / a for a, b in zip(mine, its)]
        cells += ["%.0f" % statistics.median(mine), "%.0f" % statistics.median(its),
                  "%.1f (%.1f to %.1f)" % (statistics.median(ratios), min(ratios), max(ratios))]
    print("| %s | %s |" % (name, " | ".join(cells)), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--phantoms", type=int, default=10000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        network = Network(directory + "/net", args.phantoms)
        mine, its = directory + "/mine", directory + "/its"
        try:
            measure(tunic(network, mine))
            measure(stem(network, its, "PLAINTEXT", "verify"))
            with open(mine, "rb") as a, open(its, "rb") as b:
                document = a.read()
                assert document == b.read()
            print("A consensus of %d relays, %.2f MB.\n" % (
                len(re.findall(rb"(?m)^r ", document)), len(document) / 1e6))
            print("| | Tunic, CPU ms | stem | ratio | Tunic, ms | stem | ratio |")
            print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
            row("fetched, not compressed", args.rounds,
                tunic(network, mine, "--no-verify", "--encoding", "identity"),
                stem(network, its, "PLAINTEXT", "only"))
            row("fetched, gzip", args.rounds, tunic(network, mine, "--no-verify", "--encoding", "gzip"),
                stem(network, its, "GZIP", "only"))
            row("fetched, lzma", args.rounds,
                tunic(network, mine, "--no-verify", "--encoding", "x-tor-lzma"),
                stem(network, its, "LZMA", "only"))
            row("fetched and verified, gzip", args.rounds,
                tunic(network, mine, "--encoding", "gzip"),
                stem(network, its, "GZIP", "verify"))
            row("fetched and verified, each as it likes best", args.rounds, tunic(network, mine),
                stem(network, its, "GZIP", "verify"))
        finally:
            network.stop()


if __name__ == "__main__":
    sys.exit(main())
