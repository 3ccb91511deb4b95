"""What strangers and want of resources do to a coordinator and its measurers: one connection or one
run is lost, with its reason, and all else goes on."""

import json
import os
import resource
import struct
import subprocess

import pytest

import sut as sut_module
from test_measure_services import Team, there, wait_for

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="tor has no such command")


@pytest.fixture(name="team", scope="module")
def fixture_team(tmp_path_factory):
    team = Team(tmp_path_factory.mktemp("faults"), "--measure-period", "0")
    try:
        wait_for(lambda: len(team.connected()) == 2, 40)
        yield team
    finally:
        team.stop()


# python3 -c VISIT PORT PEM: what is on stdin, in hex, to the coordinator over TLS with that key; what it says until it
# ends the connection, in hex. PEM "-": without TLS.
VISIT = """
import socket, ssl, sys
data = bytes.fromhex(sys.stdin.read())
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.settimeout(20)
if sys.argv[2] != "-":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(sys.argv[2])
    s = context.wrap_socket(s)
got = b""
try:
    s.sendall(data)
    while True:
        more = s.recv(65536)
        if not more:
            break
        got += more
except OSError:
    pass
print(got.hex())
"""


def visit(team, data, pem="-"):
    done = subprocess.run(there(["python3", "-c", VISIT, str(team.port), pem]), input=data.hex(),
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return bytes.fromhex(done.stdout.strip())


def frame(message):
    body = json.dumps(message).encode() if isinstance(message, dict) else message
    return struct.pack("!I", len(body)) + body


def frames(data):
    while len(data) >= 4:
        n = struct.unpack("!I", data[:4])[0]
        yield json.loads(data[4:4 + n])
        data = data[4 + n:]


def signed_by(folder, signer, name):
    """A key of its own with a certificate that SIGNER's key has signed, as one file."""
    at = lambda end: os.path.join(folder, name + end)  # noqa: E731
    for words in (["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                   "-subj", "/CN=" + name, "-keyout", at(".key"), "-out", at(".csr")],
                  ["x509", "-req", "-in", at(".csr"), "-CA", signer, "-CAkey", signer,
                   "-set_serial", "7", "-days", "9", "-out", at(".crt")]):
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    with open(at(".pem"), "w", encoding="ascii") as out:
        for end in (".key", ".crt"):
            with open(at(end), encoding="ascii") as f:
                out.write(f.read())
        with open(signer, encoding="ascii") as f:
            out.write("-----BEGIN CERTIFICATE-----" + f.read().split("-----BEGIN CERTIFICATE-----")[1])
    return at(".pem")


HELLO = {"msg_type": "hello", "proto": 1, "software": "test", "name": "m9", "bw": 1, "sockets_max": 1,
         "cores": 1}


def test_strangers_at_the_coordinators_door(team):
    """While a relay is measured: none of them costs anybody anything."""
    m1 = os.path.join(team.folder, "keys", "m1.pem")
    asked = subprocess.Popen(
        there([sut_module.program(), "measure", "ctl", "-c", "coord.ini", "measure", "--dur", "12",
               team.relays["guard1"]]), stdout=subprocess.PIPE, text=True, cwd=team.folder)
    wait_for(lambda: [j for j in team.status()["jobs"] if j["state"] == "RUNNING"], 40)
    assert b"GET" not in visit(team, b"GET / HTTP/1.0\r\n\r\n" + bytes(300))
    forged = signed_by(team.folder, m1, "m9")
    said = list(frames(visit(team, frame(HELLO), forged)))
    assert [m["code"] for m in said if m["msg_type"] == "failure"] == ["REFUSED"], said
    # With a key that is known, in the place of one that is there.
    for data in (frame(HELLO), frame(HELLO)[:7], struct.pack("!I", 65537) + bytes(100),
                 frame(b"no json"), frame(b"[" * 3000), frame({"msg_type": "go", "meas_id": 1}),
                 b"".join(frame(HELLO) for _ in range(40)), bytes(70000)):
        said = list(frames(visit(team, data, m1)))      # or nothing: it is reset with more to read
        assert {m["code"] for m in said} <= {"RESOURCES"}, said
    out, _ = asked.communicate(timeout=60)
    assert asked.returncode == 0, out + team.coord.log()
    assert sorted(team.connected()) == ["m1", "m2"]
    assert team.coord.process.poll() is None


def test_no_descriptors_are_left(team):
    """The measurer says so, lives, and measures again when there are some."""
    pid = team.measurers[1].process.pid
    open_now = max(int(fd) for fd in os.listdir("/proc/%d/fd" % pid))
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (open_now + 2, before[1]))
    got = team.ctl("measure", team.relays["guard2"])
    end = team.results()[-1]
    assert got.returncode == 1 and not end["ok"] and end["why"] != "cheat" and end["detail"], end
    assert team.measurers[1].process.poll() is None
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    wait_for(lambda: len(team.connected()) == 2, 90)
    got = team.ctl("measure", team.relays["guard2"])
    assert got.returncode == 0, got.stdout
