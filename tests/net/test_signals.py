"""Signals, exit status, the command line as service files use it."""

import os
import re
import signal
import subprocess
import time

import pytest

import socks_client
import sut as sut_module
import test_isolation

PAGE = "This page came through a private Tor network"


def test_hup_keeps_streams_and_reloads(lab, make_sut):
    mine = make_sut().start()
    sock, _ = socks_client.socks5(mine.proxy, "web.test", lab.ports["echo"])
    with sock:
        second = sut_module.free_port()
        mine.write_torrc(["SocksPort %d" % second])
        mark = mine.log_mark()
        mine.signal(signal.SIGHUP)
        deadline = time.monotonic() + 10
        while True:
            try:
                socks_client.open_proxy(("127.0.0.1", second), 5).close()
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, "the added SocksPort did not open"
                time.sleep(0.1)
        sock.sendall(b"still here")
        assert socks_client.read_exactly(sock, 10) == b"still here"
    assert "Bootstrapped 0%" not in mine.log()[mark:]
    assert PAGE in mine.curl(lab.url("/")).stdout
    assert mine.stop() == 0


def test_hup_gives_new_connections_new_circuits(lab, make_sut):
    """Those that are open stay where they are."""
    mine = make_sut().start()
    user = ("u", "p")
    with test_isolation.open_streams(lab, [(mine.proxy, "echo", user)]) as before:
        mark = mine.log_mark()
        mine.signal(signal.SIGHUP)
        mine.wait_for("Received reload signal", 10, since=mark)
        time.sleep(0.5)
        with test_isolation.open_streams(lab, [(mine.proxy, "echo2", user)]) as after:
            assert after != before
            assert test_isolation.circuits_of(lab, ["echo"]) == before


def test_hup_with_a_bad_torrc(lab, make_sut):
    """tor ends with status 1; Tunic may as well keep the old configuration. No crash either way."""
    mine = make_sut().start()
    mine.write_torrc(["NoSuchOption 1"])
    mark = mine.log_mark()
    mine.signal(signal.SIGHUP)
    try:
        assert mine.process.wait(timeout=3) == 1
    except subprocess.TimeoutExpired:
        assert PAGE in mine.curl(lab.url("/")).stdout
    assert "NoSuchOption" in mine.log()[mark:]


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_ends_with_streams_open(lab, make_sut, sig):
    mine = make_sut().start()
    sock, _ = socks_client.socks5(mine.proxy, "web.test", lab.ports["echo"])
    download = subprocess.Popen(
        ["curl", "-s", "-o", "/dev/null", "--socks5-hostname", "127.0.0.1:%d" % mine.socks_port,
         lab.url("/bytes/5000000000")])
    with sock:
        time.sleep(0.5)
        mine.signal(sig)
        begun = time.monotonic()
        assert mine.process.wait(timeout=10) == 0
        assert time.monotonic() - begun < 3
    assert download.wait(timeout=5) != 0


def test_usr1_and_usr2(lab, client):
    mark = client.log_mark()
    client.signal(signal.SIGUSR1)
    client.wait_for("(?i)circuit|Conn ", 5, since=mark)
    mark = client.log_mark()
    client.signal(signal.SIGUSR2)
    client.wait_for(r"\[debug\]|debug", 10, since=mark)
    client.signal(signal.SIGHUP)        # back to the torrc's levels
    assert PAGE in client.curl(lab.url("/")).stdout


def run(arguments, text="", **options):
    return subprocess.run([sut_module.program()] + arguments, input=text, capture_output=True,
                          text=True, timeout=20, check=False, **options)


def test_verify_config(lab, make_sut):
    mine = make_sut()
    good = run(["-f", mine.torrc_path, "--verify-config"])
    assert good.returncode == 0, good.stdout + good.stderr
    mine.write_torrc(["SocksPort nonsense"])
    bad = run(["-f", mine.torrc_path, "--verify-config"])
    assert bad.returncode == 1
    assert "SocksPort" in bad.stdout + bad.stderr


def test_unknown_option_ends_with_status_1(make_sut):
    mine = make_sut(torrc=["SocksProt 9050"])
    done = run(["-f", mine.torrc_path])
    assert done.returncode == 1
    assert "SocksProt" in done.stdout + done.stderr


def test_torrc_from_stdin(tmp_path):
    done = run(["-f", "-", "--verify-config"], "SocksPort 9999\nDataDirectory %s\n" % tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_version_and_help():
    done = run(["--version"])
    assert done.returncode == 0 and re.search(r"\d+\.\d+\.\d+", done.stdout)
    assert run(["--help"]).returncode == 0
    listed = run(["--list-torrc-options"])
    assert listed.returncode == 0 and "SocksPort" in listed.stdout.split()


@pytest.mark.skipif(sut_module.IS_TOR, reason="Tunic's own manner")
def test_misspelt_option_gets_a_suggestion(make_sut):
    done = run(["-f", make_sut(torrc=["SocksProt 9050"]).torrc_path])
    assert "SocksPort" in done.stdout + done.stderr


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor has them")
@pytest.mark.parametrize("line", [
    "HTTPSProxy 127.0.0.1:1", "Socks5Proxy 127.0.0.1:1", "UseBridges 1",
    "DNSPort 5353", "TransPort 9040", "HTTPTunnelPort 8118", "HiddenServiceDir /nowhere"])
def test_what_would_be_missed_is_refused_by_name(make_sut, line):
    """What is not there, but somebody may rely on."""
    done = run(["-f", make_sut(torrc=[line]).torrc_path, "--verify-config"])
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert re.search(r"torrc:\d+: %s .*\b(yet|no)\b" % line.split()[0], said), said


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor relays")
def test_line_of_relays_is_taken_with_a_warning(make_sut):
    done = run(["-f", make_sut(torrc=["ORPort 9001"]).torrc_path, "--verify-config"])
    assert done.returncode == 0
    assert re.search(r"torrc:\d+: ORPort .*client", done.stdout + done.stderr)


def test_daemon_with_pid_file(lab, make_sut):
    mine = make_sut(torrc=["RunAsDaemon 1"], defaults=True)
    pid_file, log_file = mine.dir + "/pid", mine.dir + "/file.log"
    mine.write_torrc(["PidFile " + pid_file, "Log notice file " + log_file])
    # Whoever starts it may read until nobody holds its output any more, as chutney does.
    done = subprocess.run(mine.command() + ["--quiet"], capture_output=True, timeout=20, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    with open(pid_file, encoding="ascii") as f:
        pid = int(f.read())
    try:
        deadline = time.monotonic() + 25
        while "Bootstrapped 100%" not in open(log_file, encoding="utf-8").read():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert PAGE in mine.curl(lab.url("/")).stdout
    finally:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 10
    while os.path.exists("/proc/%d" % pid):
        with open("/proc/%d/stat" % pid, encoding="ascii") as f:
            if ") Z " in f.read():
                break
        assert time.monotonic() < deadline, "the daemon does not end"
        time.sleep(0.05)
    assert not os.path.exists(pid_file)


def test_second_program_on_the_same_data_directory(lab, make_sut):
    first = make_sut().start()
    second = make_sut(torrc=["SocksPort %d" % sut_module.free_port()], defaults=False)
    second.lines = [line.replace(second.data, first.data) for line in second.lines
                    if not line.startswith("ControlSocket")]
    second.write_torrc()
    done = subprocess.run(second.command(), capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert re.search("lock|another", done.stdout + done.stderr)
