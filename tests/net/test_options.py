"""What an option says is what the program does: its files, the process, its sockets, whom it
asks. Options of circuits are in test_options_circuits.py; those with a feature of their own in the
files of that feature."""

import os
import re
import socket
import subprocess
import tempfile
import time

import pytest

import privnet
import socks_client
import sut as sut_module
from works import works

PAGE = "This page came through a private Tor network"


def sockets_of(client, state="established"):
    """The program's TCP sockets as ss shows them, one line each: peer, memory, counters."""
    done = subprocess.run(["ss", "-tinpmOH", "state", state], capture_output=True, text=True,
                          check=True)
    return [line for line in done.stdout.splitlines() if "pid=%d," % client.process.pid in line]


def to_relays(lab, client):
    """Those of them that lead to relays."""
    ends = {"%s:%d" % (n.address, n.or_port) for n in lab.nodes}
    return [line for line in sockets_of(client) if line.split()[3] in ends]


def stays_alone(lab, client, seconds=5):
    """Nothing is connected to for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert client.running(), sut_module.tail(client.log())
        assert not sockets_of(client) and not sockets_of(client, "syn-sent")
        time.sleep(0.1)
    return "Bootstrapped 100%" not in client.log()


# ---- folders and files ----

@works("PidFile")
def test_pid_file(lab, make_sut, tmp_path):
    path = tmp_path / "pid"
    mine = make_sut(torrc=["PidFile %s" % path]).start()
    assert path.read_text() == "%d\n" % mine.process.pid
    assert mine.stop() == 0
    assert not path.exists()


@works("SyslogIdentityTag")
def test_syslog_identity_tag(lab, make_sut, tmp_path):
    """In a /dev of its own, where the test is the one who listens for system log lines."""
    dev = tmp_path / "dev"
    dev.mkdir()
    for name in ("null", "zero", "random", "urandom"):
        (dev / name).touch()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(dev / "log"))
        log.settimeout(15)
        script = ("for f in null zero random urandom; do mount --bind /dev/$f %s/$f || exit 9; done;"
                  'mount --rbind %s /dev && exec "$@"' % (dev, dev))
        if subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", "true"],
                          stderr=subprocess.DEVNULL, check=False).returncode != 0:
            pytest.skip("no right to mount")
        mine = make_sut(torrc=["SyslogIdentityTag mine", "Log notice syslog"],
                        wrapper=["unshare", "--mount", "sh", "-c", script, "sh"])
        mine.start(wait=False)
        assert re.search(rb"\bT(or|unic)-mine\b", log.recv(4096))


# ---- the process ----

@works("ConnLimit")
def test_fewer_descriptors_than_conn_limit_asks_for(lab, make_sut):
    few = ["prlimit", "--nofile=300:300"]
    mine = make_sut(torrc=["ConnLimit 200", "DisableNetwork 1"], wrapper=few)
    mine.start(wait=False)
    time.sleep(1)
    assert mine.running(), sut_module.tail(mine.log())
    assert mine.stop() == 0
    too_many = make_sut(torrc=["ConnLimit 400", "DisableNetwork 1"], wrapper=few)
    too_many.start(wait=False)
    assert too_many.process.wait(timeout=15) == 1
    assert "limited to 300" in too_many.log()


@works("DisableAllSwap")
def test_no_memory_is_swapped_out(lab, make_sut):
    probe = subprocess.run(["python3", "-c", "import ctypes; c = ctypes.CDLL(None); "
                            "raise SystemExit(c.mlockall(3) != 0)"], check=False)
    if probe.returncode != 0:
        pytest.skip("no right to lock memory")
    mine = make_sut(torrc=["DisableAllSwap 1", "DisableNetwork 1"])
    mine.start(wait=False)
    deadline = time.monotonic() + 15
    while mine.rss_kb("VmLck") < 1000:
        assert mine.running() and time.monotonic() < deadline, sut_module.tail(mine.log())
        time.sleep(0.05)


@works("DisableDebuggerAttachment")
def test_debuggers_may_attach_if_told_so(lab, make_sut):
    """/proc gives the files of a process that may not be traced to root, whoever runs it."""
    if os.geteuid() != 0 or "4294967295" not in privnet.read_text("/proc/self/uid_map"):
        pytest.skip("no right to run the program as somebody else")
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

    def owner(*torrc):
        with tempfile.TemporaryDirectory() as folder:   # where nobody may go
            mine = make_sut(directory=folder, torrc=torrc, wrapper=nobody)
            for path in (mine.dir, mine.data):
                os.chown(path, 65534, 65534)
            mine.start()
            found = os.stat("/proc/%d/environ" % mine.process.pid).st_uid
            mine.kill()
            return found
    assert owner("DisableDebuggerAttachment 0") == 65534
    assert sut_module.IS_TOR or owner() == 0    # Debian's tor stays as it was


# ---- sockets ----

@works("ConstrainedSockets", "ConstrainedSockSize")
def test_constrained_sockets(lab, make_sut):
    """The kernel makes it twice the size, for its own use."""
    mine = make_sut(torrc=["ConstrainedSockets 1", "ConstrainedSockSize 16384"]).start()
    lines = to_relays(lab, mine)
    assert lines
    for line in lines:
        assert "rb32768," in line and "tb32768," in line, line


@works("SocksPolicy")
def test_socks_policy(lab, make_sut):
    mine = make_sut(torrc=["SocksPolicy reject 127.0.0.0/8", "SocksPolicy accept *"]).start()
    with socks_client.open_proxy(mine.proxy, 10) as sock:
        sock.sendall(b"\x05\x01\x00")
        try:
            assert sock.recv(10) == b""
        except ConnectionResetError:
            pass


@works("__SocksPort")
def test_socks_port_of_a_controller(lab, make_sut):
    port = sut_module.free_port()
    mine = make_sut(torrc=["__SocksPort %d" % port]).start()
    assert socks_client.resolve(("127.0.0.1", port), "web.test") == privnet.WEB_HOST


# ---- whom it asks ----

@works("DirAuthority", "TestingTorNetwork")
def test_a_network_of_ones_own(lab, make_sut):
    mine = make_sut(network=["TestingTorNetwork 1"] + [a.authority_line() for a in lab.authorities()])
    mine.start()
    assert PAGE in mine.curl(lab.url("/")).stdout


@works("AlternateDirAuthority")
def test_alternate_authorities(lab, make_sut):
    lines = [a.authority_line() for a in lab.authorities()]
    mine = make_sut(network=["TestingTorNetwork 1"]
                    + [re.sub("^DirAuthority", "AlternateDirAuthority", line) for line in lines]
                    + [re.sub("^DirAuthority", "AlternateBridgeAuthority", line)
                       for line in lines[:1]])
    mine.start()
    assert PAGE in mine.curl(lab.url("/")).stdout


@works("FetchServerDescriptors")
def test_no_document_is_fetched(lab, make_sut):
    mine = make_sut(torrc=["FetchServerDescriptors 0"])
    mine.start(wait=False)
    assert stays_alone(lab, mine)


# ---- all of them ----

@pytest.mark.skipif(sut_module.IS_TOR, reason="a comparison with tor")
def test_list_of_options_is_tors_and_then_ours():
    def told(as_tor, command):
        return subprocess.run([sut_module.program(as_tor), command], capture_output=True,
                              text=True, check=True, timeout=10).stdout
    if "Tor version 0.4.9." not in told(True, "--version"):
        pytest.skip("the table is of tor 0.4.9")
    theirs = told(True, "--list-torrc-options").split()
    ours = told(False, "--list-torrc-options").split()
    assert ours[:len(theirs)] == theirs
    assert not set(ours[len(theirs):]) & set(theirs)
