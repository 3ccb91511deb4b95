"""Sandbox 1: what a client does works under it, and what it does not do ends it."""

import os
import re
import signal
import subprocess

import pytest

import controller
import privnet
import socks_client
import sut as sut_module
import test_metrics
from works import works

def is_sanitized():
    with open(sut_module.program(), "rb") as f:
        return b"__asan_init" in f.read()


pytestmark = pytest.mark.skipif(is_sanitized(), reason="under AddressSanitizer there is no filter")
PAGE = "This page came through a private Tor network"


def filtered(mine):
    """Whether the kernel filters its calls."""
    status = privnet.read_text("/proc/%d/status" % mine.process.pid)
    return re.search(r"^Seccomp:\s*(\d)", status, re.M).group(1) == "2"


def ends_by_term(mine):
    """tor's own mask of signals comes out as garbage under its sandbox, and SIGTERM stays blocked."""
    if not sut_module.IS_TOR:
        return mine.stop() == 0
    mine.signal(signal.SIGTERM)
    try:
        return mine.process.wait(timeout=3) == 0
    except subprocess.TimeoutExpired:
        return True


@works("Sandbox")
def test_a_client_lives_in_it(lab, make_sut, tmp_path):
    log = str(tmp_path / "log")
    lines = ["Sandbox 1"] if sut_module.IS_TOR else ["Sandbox 1", "Log notice file " + log]
    mine = make_sut(torrc=lines).start()
    assert filtered(mine)
    assert PAGE in mine.curl(lab.url("/")).stdout
    mine.signal(signal.SIGUSR1)
    size = mine.curl(lab.url("/bytes/3000000"), "-o", "/dev/null", "-w", "%{size_download}").stdout
    assert size == "3000000"
    if not sut_module.IS_TOR:
        reloads(lab, mine, log)
    assert ends_by_term(mine)


def reloads(lab, mine, log):
    """A new listener, a socket with a path, a folder of more lines, and a log that was moved away."""
    port, path = sut_module.free_port(), os.path.join(mine.data, "socks")
    os.mkdir(mine.dir + "/more")
    privnet.write_text(mine.dir + "/more/one.conf", "SocksPort %d\n" % port)
    mine.write_torrc(["SocksPort unix:" + path, "%%include %s/more/*.conf" % mine.dir])
    os.rename(log, log + ".1")
    mark = mine.log_mark()
    mine.signal(signal.SIGHUP)
    mine.wait_for("Opened Socks listener.* on %s" % path, since=mark)
    socks_client.open_proxy(("127.0.0.1", port), 5).close()
    assert "opening log file" in privnet.read_text(log)
    mine.signal(signal.SIGUSR2)
    assert PAGE in mine.curl(lab.url("/")).stdout
    mine.lines = [line for line in mine.lines if line != "Sandbox 1"]
    mine.write_torrc()
    mine.signal(signal.SIGHUP)
    mine.wait_for("While Tor is running, changing Sandbox is not allowed", since=mark)


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor's sandbox has what options of the start ask for")
def test_those_who_watch_and_steer_are_served_in_it(lab, make_sut):
    """All their ports, opened while it is closed already; every key that can be asked for; a torrc that is
    written."""
    mine = make_sut(torrc=["Sandbox 1"]).start()
    control, metrics, at = sut_module.free_port(), sut_module.free_port(), mine.data
    mine.write_torrc(["ControlPort %d" % control, "ControlSocket %s/control" % at,
                      "CookieAuthentication 1", "ControlPortWriteToFile %s/ports" % at,
                      "MetricsPort %d" % metrics, "MetricsPortPolicy accept 127.0.0.1",
                      "EventSocket %s/events" % at])
    mine.signal(signal.SIGHUP)
    mine.wait_for("Opened Event listener")
    with open(at + "/control_auth_cookie", "rb") as f:
        cookie = f.read().hex()
    assert "PORT=127.0.0.1:%d" % control in privnet.read_text(at + "/ports")
    with controller.Controller(("127.0.0.1", control)) as c:
        assert c.ask("AUTHENTICATE " + cookie) == ["250 OK"]
        names = [line.split()[0] for line in c.ask("GETINFO info/names")[1:-2]]
        for name in names:
            assert c.ask("GETINFO " + name.replace("*", "x")), "it ended at " + name
        assert c.ask("SETCONF SocksPort=auto MaxCircuitDirtiness=77") == ["250 OK"]
        assert c.ask("SAVECONF") == ["250 OK"]
        assert "MaxCircuitDirtiness 77" in privnet.read_text(mine.torrc_path)
        for signal_name in ("NEWNYM", "DUMP", "HEARTBEAT", "RELOAD", "CLEARDNSCACHE"):
            assert c.ask("SIGNAL " + signal_name) == ["250 OK"]
        with controller.Controller(at + "/control") as local:
            assert local.ask("AUTHENTICATE " + cookie) == ["250 OK"]
        assert "tunic_bootstrap_percent 100" in test_metrics.get(metrics)
        with controller.Controller(at + "/events") as events:
            events.send('{"want":["BW"]}\n')
            assert b"HELLO" in events.sock.recv(100)
        assert c.ask("SIGNAL SHUTDOWN") == ["250 OK"]
    assert mine.process.wait(timeout=10) == 0


@pytest.mark.skipif("SANDBOX" in os.environ, reason="SANDBOX is set: every torrc asks for it")
def test_there_is_none_unless_it_is_asked_for(make_sut):
    assert not filtered(make_sut().start())


# What strace puts into the place of another call is looked at by the filter after it.
def tampering(what):
    return ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "signal=none"] + what


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor answers EPERM, and goes on")
def test_a_refused_call_is_named(make_sut, tmp_path):
    """Its look at the owning process becomes another call."""
    log = tmp_path / "log"
    mine = make_sut(torrc=["Sandbox 1", "__OwningControllerProcess %d" % os.getpid(),
                           "Log err file %s" % log],
                    wrapper=tampering(["-e", "trace=kill", "-e", "inject=kill:retval=0:syscall=getppid"]))
    mine.start(wait=False)
    assert mine.process.wait(timeout=10) == 1
    line = "[err] (Sandbox) Caught a bad syscall attempt (syscall getppid, number "
    assert line in log.read_text()
    assert mine.log().count(line) == 2      # its log, and standard error


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor answers EPERM, and goes on")
def test_it_is_named_in_the_log_that_is_open_then(make_sut, tmp_path):
    """torrc is gone, so the log is opened anew under the old options; the look for torrc at the second
    HUP becomes another call. (The first look of all is the dynamic linker's.)"""
    log = tmp_path / "log"
    mine = make_sut(torrc=["Sandbox 1", "Log err file %s" % log], wrapper=tampering(
        ["-e", "trace=access", "-e", "inject=access:retval=0:syscall=getppid:when=3"]))
    mine.start()
    os.unlink(mine.torrc_path)
    log.rename(tmp_path / "log.1")
    mine.signal(signal.SIGHUP)
    mine.wait_for("The configuration was not changed")
    mine.signal(signal.SIGHUP)
    assert mine.process.wait(timeout=10) == 1
    assert "(syscall getppid, number " in log.read_text()
    assert (tmp_path / "log.1").read_text() == ""


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor's words for it are its own")
def test_a_kernel_that_cannot_filter(make_sut):
    mine = make_sut(torrc=["Sandbox 1"], wrapper=tampering(
        ["-e", "trace=seccomp,prctl", "-e", "inject=seccomp,prctl:error=EINVAL"]))
    mine.start(wait=False)
    assert mine.process.wait(timeout=10) == 1
    assert re.search(r'Failed to create syscall sandbox filter: .*write "Sandbox 0"', mine.log())
    assert "Bootstrapped 100%" not in mine.log()
