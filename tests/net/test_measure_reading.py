"""What a relay of `tunic testnet` reads is under its rate as well: cells that it answers nothing to,
which only its reading can hold up."""

import json
import os
import subprocess
import sys

import pytest

import sut as sut_module
from test_testnet import Network, there

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="about tunic's own network")

MB = 1024 * 1024
SECONDS = 4
# What the two kernels hold, and what the relay may read at once.
HELD = 14 * MB

# python3 -c FLOOD ADDRESS PORT SECONDS: PADDING cells, as many as go; how many bytes went.
FLOOD = """
import socket, ssl, sys, time
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
raw = socket.create_connection((sys.argv[1], int(sys.argv[2])))
raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
s = context.wrap_socket(raw)
s.sendall(bytes.fromhex("00000700020004"))                                 # VERSIONS
s.recv(16384)
netinfo = bytes.fromhex("0000000008" + "00000000" + "04047f000001" + "00")
s.sendall(netinfo + bytes(514 - len(netinfo)))
s.settimeout(.2)
sent, until = 0, time.monotonic() + float(sys.argv[3])
cells = bytes(514 * 31)                                                    # PADDING
while time.monotonic() < until:
    try:
        s.sendall(cells)
        sent += len(cells)
    except TimeoutError:
        pass            # zeros all the same
print(sent)
"""


@pytest.mark.parametrize("delay", ["0", "10"])
def test_a_relay_reads_no_more_than_its_rate(delay):
    sent = {}
    for rate in ("512KB", None):
        with Network("--no-client", "--delay", delay, *(["--rate", rate] if rate else [])) as net:
            with open(os.path.join(net.dir, "nodes.json"), encoding="utf-8") as f:
                guard = [n for n in json.load(f)["nodes"] if n["nickname"] == "guard1"][0]
            done = subprocess.run(there([sys.executable, "-c", FLOOD, guard["address"],
                                         str(guard["or_port"]), str(SECONDS)]),
                                  capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stderr
            sent[rate] = int(done.stdout)
    assert 0 < sent["512KB"] < SECONDS * MB + HELD, sent
    assert sent[None] > 2 * sent["512KB"], sent     # else it shows nothing
