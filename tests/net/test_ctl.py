"""tunic ctl on running programs: Debian's tor and Tunic, by the same tests."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

import privnet
import sut as sut_module
from ctlrun import PROMPT, TUNIC, environment, run, top_words

PASSWORD = "pw"
HASHED = "16:379C81B7842C5370600D7EEBA3D2EB79DD97F94BBBFF96BF03CAD6E750"     # of "pw"


# Debian's tor among its own kind: it makes our relays complain (ourlab.py), which test_after.py sees.
PROGRAMS = ["tor"] if sut_module.IS_TOR else ["tunic", "tor"] \
    if os.environ.get("NETWORK", "tor") == "tor" else ["tunic"]


@pytest.fixture(scope="module", params=PROGRAMS)
def sut(lab, workdir, request):
    port = sut_module.free_port()
    countries = os.path.join(workdir, "countries")
    privnet.write_text(countries, "2130706432,2147483647,DE\n")     # 127.0.0.0/8
    one = sut_module.Sut(lab, os.path.join(workdir, "ctl-" + request.param), log_level="notice",
                         as_tor=request.param == "tor", torrc=[
                             "ControlPort %d" % port, "CookieAuthentication 1",
                             "HashedControlPassword " + HASHED, "MaxCircuitDirtiness 1 hour",
                             "GeoIPFile " + countries])
    one.control = port
    one.start()
    yield one
    one.kill()


@pytest.fixture
def ctl(sut):
    """Runs a command on the program; its standard output, or with status=1 its standard error."""
    def call(*words, status=0, **more):
        done = run("--control", str(sut.control), *words, **more)
        assert done.returncode == status, (words, done)
        if status == 0:
            assert not done.stderr, done.stderr
        return done.stderr if status else done.stdout
    return call


@pytest.fixture
def ask(sut):
    """What the control port itself says to a line."""
    def call(line):
        with socket.create_connection(("127.0.0.1", sut.control), 5) as port:
            f = port.makefile("rw", encoding="latin-1", newline="")
            f.write('AUTHENTICATE "%s"\r\n%s\r\nQUIT\r\n' % (PASSWORD, line))
            f.flush()
            text = f.read()
        assert text.startswith("250 OK\r\n"), text
        return text[len("250 OK\r\n"):].rsplit("250 closing connection", 1)[0].replace("\r\n", "\n")
    return call


class Held:
    """A connection through the program that stays open."""

    def __init__(self, sut, host="web.test"):
        self.socket = socket.create_connection(sut.proxy, 10)
        name = host.encode()
        self.socket.sendall(b"\x05\x01\x00")
        assert self.socket.recv(2) == b"\x05\x00"
        port = sut.lab.ports["echo"]
        self.socket.sendall(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + port.to_bytes(2, "big"))
        assert self.socket.recv(10)[:2] == b"\x05\x00"
        self.port = port

    def is_open(self, seconds=5):
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) != b""
        except socket.timeout:
            return True
        except OSError:
            return False


@pytest.fixture
def held(sut):
    one = Held(sut)
    yield one
    one.socket.close()


def stream_of(ctl, held):
    """tor may say the address that the exit found in place of the name."""
    stream, = [s for s in json.loads(ctl("streams", "--json"))
               if s["target"].endswith(":%d" % held.port)]
    return stream


# ---- what is there ----

def test_status(ctl, sut):
    text = ctl("status")
    assert re.search(r"^version +0\.4\.9\.", text, re.M)
    assert re.search(r"^bootstrap +100% \(done\): Done$", text, re.M)
    assert re.search(r"^circuits +[1-9]\d* open", text, re.M)
    assert re.search(r"^traffic +\S+ [KM]?B read, \S+ [KM]?B written$", text, re.M)
    assert re.search(r"process %d$" % sut.process.pid, text, re.M)
    assert "Nothing is wrong." in text
    facts = json.loads(ctl("--json", "status"))
    assert facts["bootstrap"] == {"progress": 100, "tag": "done", "summary": "Done"}
    assert facts["pid"] == sut.process.pid and facts["wrong"] == []
    assert facts["circuits"]["built"] > 0 and facts["read_bytes"] > 10000
    assert facts["control"] == "127.0.0.1:%d" % sut.control and facts["found_by"] == "--control"


def test_status_says_what_is_wrong(ctl):
    ctl("conf", "DisableNetwork=1")
    try:
        assert "DisableNetwork is 1" in ctl("status")
        assert any("switched off" in w for w in json.loads(ctl("status", "--json"))["wrong"])
    finally:
        ctl("conf", "DisableNetwork=")
    deadline = time.monotonic() + 20
    while "Nothing is wrong" not in ctl("status"):
        assert time.monotonic() < deadline, ctl("status")
        time.sleep(0.2)


def test_circuits(ctl, lab, held):
    by_fingerprint = {n.fingerprint: n for n in lab.nodes}
    circuits = json.loads(ctl("circuits", "--json"))
    built = [c for c in circuits if c["status"] == "BUILT" and len(c["path"]) >= 3]
    assert built
    for c in built:
        for hop in c["path"]:
            node = by_fingerprint[hop["fingerprint"]]
            assert (hop["nickname"], hop["address"]) == (node.name, node.address)
            assert hop["country"] == "de"
        assert "NEED_CAPACITY" in c["build_flags"] and c["purpose"]
        assert re.match(r"20\d\d-\d\d-\d\dT\d\d:", c["time_created"])
    text = ctl("circuits")
    assert "PURPOSE" in text.splitlines()[0]
    one = built[0]
    assert re.search(r"^ *%s +BUILT +\d+ (s|min) +\S+ +%s \(de\) > " % (
        one["id"], one["path"][0]["nickname"]), text, re.M)


def test_streams(ctl, held):
    stream = stream_of(ctl, held)
    assert stream["status"] == "SUCCEEDED"
    assert re.search(r"^ *%s +SUCCEEDED +%s +%s$" % (
        stream["id"], stream["circuit"], re.escape(stream["target"])), ctl("streams"), re.M)


def test_guards(ctl, lab):
    guards = json.loads(ctl("guards", "--json"))
    assert any(g["status"] == "up" for g in guards)
    names = {n.fingerprint: n.name for n in lab.nodes}
    assert all(names[g["fingerprint"]] == g["nickname"] for g in guards)
    assert len(ctl("guards").splitlines()) == 1 + len(guards)


# ---- what can be done ----

def test_close_stream(ctl, held):
    stream = stream_of(ctl, held)
    assert ctl("close", "stream", stream["id"]) == "Closed.\n"
    assert not held.is_open()
    assert "552 Unknown stream" in ctl("close", "stream", "4294967295", status=1)


def test_close_circuit(ctl, held):
    stream = stream_of(ctl, held)
    ctl("close", "circuit", stream["circuit"], "--if-unused")
    assert held.is_open(0.3)
    assert json.loads(ctl("--json", "close", "circuit", stream["circuit"])) == {"closed": 1}
    assert not held.is_open()
    assert "552 Unknown circuit" in ctl("close", "circuit", stream["circuit"], status=1)
    assert run("close", "circuit").returncode == run("close", "door", "1").returncode == 2


def test_newnym_says_that_it_is_delayed(ctl):
    first, second = ctl("newnym"), ctl("newnym")
    assert first.startswith("New identity: ")
    assert re.match(r"New identity: delayed by \d+ s", second)
    third = json.loads(ctl("newnym", "--json"))
    assert third["done"] is False and 1 <= third["delay_s"] <= 10


def test_signal(ctl, sut):
    mark = sut.log_mark()
    assert ctl("signal", "HEARTBEAT") == "Signal HEARTBEAT was sent.\n"
    sut.wait_for("Heartbeat", since=mark)
    assert 'Unrecognized signal code "NOSUCH"; "tunic ctl get signal/names" lists' in ctl(
        "signal", "NOSUCH", status=1)
    assert run("signal").returncode == 2


def test_get(ctl, ask, sut):
    assert ctl("get", "process/pid") == "%d\n" % sut.process.pid
    assert ctl("get", "config-file", "process/pid") == "config-file=%s\nprocess/pid=%d\n" % (
        sut.torrc_path, sut.process.pid)
    names = ctl("get", "config/names")
    assert ask("GETINFO config/names") == "250+config/names=\n%s.\n250 OK\n" % names
    assert json.loads(ctl("get", "--json", "version"))["version"].startswith("0.4.9.")
    done = run("--control", str(sut.control), "get", "nonsense", "process/pid")
    assert done.returncode == 1
    assert 'Unrecognized key "nonsense"; "tunic ctl get info/names" lists' in done.stderr
    assert "%d\n" % sut.process.pid in done.stdout


def test_conf(ctl, ask):
    assert ctl("conf", "MaxCircuitDirtiness") == "MaxCircuitDirtiness=3600\n"
    assert ctl("conf", "NewCircuitPeriod=77", "CircuitStreamTimeout=33 seconds") == "Set.\n"
    try:
        assert ctl("conf", "newcircuitperiod", "CircuitStreamTimeout") == \
            "NewCircuitPeriod=77\nCircuitStreamTimeout=33\n"
        # One of two is wrong: nothing changes.
        assert "513" in ctl("conf", "NewCircuitPeriod=78", "CircuitStreamTimeout=x y", status=1)
        assert json.loads(ctl("--json", "conf", "NewCircuitPeriod")) == {"NewCircuitPeriod": ["77"]}
    finally:
        ctl("conf", "NewCircuitPeriod=", "CircuitStreamTimeout=")
    assert ask("GETCONF NewCircuitPeriod") == "250 NewCircuitPeriod=30\n"
    assert '"tunic ctl get config/names" lists' in ctl("conf", "NoSuchOption", status=1)
    assert run("conf", "A=1", "B").returncode == 2


# ---- control lines ----

def test_a_control_line_is_answered_as_it_comes(ctl, ask):
    for line in ("GETINFO version", "GETINFO config/names", "GETCONF SocksPort Log"):
        assert ctl(line) == ask(line) + "\n"
    both = ctl("GETINFO process/pid", "GETCONF NewCircuitPeriod")
    assert both == ask("GETINFO process/pid") + "\n" + ask("GETCONF NewCircuitPeriod") + "\n"
    done = json.loads(ctl("--json", "GETCONF NewCircuitPeriod"))
    assert done == {"command": "GETCONF NewCircuitPeriod", "ok": True, "code": 250,
                    "lines": [{"code": 250, "text": "NewCircuitPeriod=30"}]}


def test_a_refused_line_is_status_1(sut):
    done = run("--control", str(sut.control), "GETINFO nonsense", "GETINFO process/pid")
    assert done.returncode == 1
    assert done.stdout == '552 Unrecognized key "nonsense"\n\n250-process/pid=%d\n250 OK\n\n' % (
        sut.process.pid)


COMMANDS = """# comments and empty lines are nothing

GETINFO process/pid
SETCONF NewCircuitPeriod=55
GETCONF NewCircuitPeriod
+POSTDESCRIPTOR purpose=general
not a descriptor
..
.
RESETCONF NewCircuitPeriod
QUIT
GETINFO version
"""


def check_commands(done, sut):
    assert done.returncode == 1 and not done.stderr, done
    replies = done.stdout.split("\n\n")
    assert replies[0] == "250-process/pid=%d\n250 OK" % sut.process.pid
    assert replies[1:3] == ["250 OK", "250 NewCircuitPeriod=55"]
    assert re.match(r"5\d\d ", replies[3])
    assert replies[4] == "250 OK" and replies[5] == "250 closing connection" and replies[6] == ""
    assert len(replies) == 7


def test_a_file_of_commands(sut, tmp_path):
    path = tmp_path / "commands"
    path.write_text(COMMANDS)
    check_commands(run("--control", str(sut.control), "--run", str(path)), sut)
    check_commands(run("--control", str(sut.control), str(path)), sut)
    assert run("--control", str(sut.control), "--run", "/nonexistent/file").returncode == 1


def test_a_pipe_of_commands(sut):
    check_commands(run("--control", str(sut.control), stdin=COMMANDS), sut)
    check_commands(run("--control", str(sut.control), "--run", "-", stdin=COMMANDS), sut)
    done = run("--control", str(sut.control), stdin="GETINFO process/pid\nGETINFO process/pid")
    assert done.returncode == 0 and done.stdout.count("250 OK") == 2
    done = run("--control", str(sut.control), stdin="+LOADCONF\nSocksPort 1\n")
    assert done.returncode == 1 and "dot" in done.stderr


def test_a_pipe_shows_events_while_it_waits(sut, ctl):
    one = subprocess.Popen([TUNIC, "ctl", "--control", str(sut.control)], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, text=True, env=environment())
    one.stdin.write("SETEVENTS SIGNAL\n")
    one.stdin.flush()
    assert (one.stdout.readline(), one.stdout.readline()) == ("250 OK\n", "\n")
    ctl("signal", "DUMP")
    assert one.stdout.readline() == "SIGNAL DUMP\n"
    one.stdin.close()
    assert one.wait(5) == 0


@pytest.mark.skipif(not shutil.which("tor-prompt"), reason="no tor-prompt (python3-stem)")
def test_answers_are_printed_as_tor_prompt_prints_them(sut, tmp_path):
    path = tmp_path / "commands"
    path.write_text("GETINFO process/pid\nGETINFO config/names\nGETCONF SocksPort\nGETINFO x\n")
    theirs = subprocess.run(
        ["tor-prompt", "--interface", "127.0.0.1:%d" % sut.control, "--run", str(path)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=30, check=True).stdout
    ours = run("--control", str(sut.control), str(path)).stdout
    assert ours == theirs.decode().replace("\r", "")


# ---- events ----

def follow(sut, *words, **more):
    return subprocess.Popen([TUNIC, "ctl", "--control", str(sut.control), *words],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env=environment(), **more)


def test_events_end_after_so_many(ctl):
    lines = ctl("events", "BW", "--count", "2").splitlines()
    assert len(lines) == 2 and all(re.fullmatch(r"BW \d+ \d+", line) for line in lines)
    event = json.loads(ctl("--json", "events", "bw", "--count", "1"))
    assert event["type"] == "BW" and len(event["words"]) == 2 and event["fields"] == {}
    assert abs(event["time"] - time.time()) < 60


def test_events_end_clean(sut, ctl):
    """By Ctrl-C, or when nobody reads any more."""
    for line in (["events", "SIGNAL"], ["SETEVENTS SIGNAL"]):
        one = follow(sut, *line)
        if line[0] != "events":
            assert one.stdout.readline() == "250 OK\n" and one.stdout.readline() == "\n"
        time.sleep(0.3)
        ctl("signal", "DUMP")
        # An earlier test's new identity may have been put off until now.
        assert next(x for x in one.stdout if x != "SIGNAL NEWNYM\n") == "SIGNAL DUMP\n"
        one.send_signal(signal.SIGINT)
        assert one.wait(5) == 0 and one.stderr.read() == ""
    one = follow(sut, "events", "BW")
    one.stdout.close()
    assert one.wait(5) == 0 and one.stderr.read() == ""


def test_events_of_every_type(sut, ctl, ask):
    names = ctl("get", "events/names").split()
    one = follow(sut, "events", "ALL", "--json")
    time.sleep(0.3)
    assert sut.curl(sut.lab.url("/"), "--proxy-user", "all:x").returncode == 0
    ctl("signal", "HEARTBEAT")
    seen = set()
    while not {"STREAM", "CIRC", "BW", "SIGNAL", "NOTICE"} <= seen:
        event = json.loads(one.stdout.readline())
        assert event["type"] in names
        seen.add(event["type"])
    one.send_signal(signal.SIGTERM)
    assert one.wait(5) == 0
    assert 'Unrecognized event "NOSUCH"; "tunic ctl get events/names" lists' in ctl(
        "events", "NOSUCH", status=1)
    assert run("events").returncode == run("events", "a b").returncode == 2


# ---- the way in ----

def test_password_of_a_file_and_of_the_environment(sut, tmp_path):
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text(PASSWORD + "\n")
    wrong.write_text("x\n")
    os.rename(sut.data + "/control_auth_cookie", sut.data + "/hidden")
    try:
        word = ["--control", str(sut.control), "get", "process/pid"]
        pid = "%d\n" % sut.process.pid
        assert run("--password-file", str(right), *word).stdout == pid
        assert run("--password-file", "-", *word, stdin=PASSWORD + "\n").stdout == pid
        assert run(*word, TOR_CONTROL_PASSWD=PASSWORD).stdout == pid
        done = run("--password-file", str(wrong), *word)
        assert done.returncode == 1 and "cannot read its cookie" in done.stderr
        done = run("--password-file", "/nonexistent/file", *word)
        assert done.returncode == 1 and "cannot read a password" in done.stderr
        done = subprocess.run(["setsid", TUNIC, "ctl", *word], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=30, check=False, env=environment())
        assert done.returncode == 1 and "cannot read its cookie" in done.stderr
    finally:
        os.rename(sut.data + "/hidden", sut.data + "/control_auth_cookie")


def test_a_false_cookie_is_not_sent(sut):
    """Who does not know the cookie learns nothing of it; a file of another length is none."""
    path = sut.data + "/control_auth_cookie"
    with open(path, "rb") as f:
        cookie = f.read()
    word = ["--control", str(sut.control), "get", "version"]
    try:
        with open(path, "wb") as f:
            f.write(b"x" * 32)
        done = run(*word)
        assert done.returncode == 1 and "does not know the cookie" in done.stderr
        with open(path, "wb") as f:
            f.write(b"secret of another kind")
        done = run(*word)
        assert done.returncode == 1 and "no cookie" in done.stderr
    finally:
        with open(path, "wb") as f:
            f.write(cookie)
    assert run(*word).returncode == 0


def test_it_is_found(sut, tmp_path):
    """Among processes that run, in the user's torrc, by the environment."""
    pid = "%d\n" % sut.process.pid
    done = run("--verbose", "get", "process/pid")
    assert done.stdout == pid, done
    assert "tunic ctl: control port " in done.stderr
    assert "torrc of process %d" % sut.process.pid in done.stderr
    (tmp_path / ".torrc").write_text("ControlPort %d\n" % sut.control)
    done = run("--verbose", "get", "process/pid", home=tmp_path)
    assert done.stdout == pid and "ControlPort of %s/.torrc" % tmp_path in done.stderr
    done = run("--verbose", "get", "process/pid", TOR_CONTROL_PORT=str(sut.control))
    assert done.stdout == pid and "(TOR_CONTROL_PORT)" in done.stderr


def test_the_environment_means_no_other_one(sut, tmp_path):
    """A newnym for the program that is named there goes to no other that happens to run."""
    (tmp_path / ".torrc").write_text("ControlPort %d\n" % sut.control)
    port = sut_module.free_port()
    done = run("newnym", home=tmp_path, TOR_CONTROL_PORT=str(port))
    assert done.returncode == 1 and done.stderr == (
        "tunic ctl: 127.0.0.1:%d (TOR_CONTROL_PORT): Connection refused\n" % port)
    done = run("newnym", home=tmp_path, TOR_CONTROL_PORT="9051x")
    assert done.returncode == 2 and 'TOR_CONTROL_PORT "9051x": must be a port' in done.stderr


# ---- top ----

@pytest.mark.parametrize("columns, rows", [(80, 24), (200, 50)])
def test_top(sut, ctl, terminal, held, columns, rows):
    stream = stream_of(ctl, held)
    screen = terminal(columns, rows)
    screen.type(top_words(sut.control) + "; echo status $?", "Enter")
    screen.shows(r"^ bootstrap 100% \(done\): Done +guards \d+ of \d+ up: \w+ de")
    screen.shows(r"^ read \d.* written \d")
    screen.shows(r"^ +%s BUILT +\d+ (s|min) +1 \S+ +\w+ de > \w+ de > \w+ de" % stream["circuit"])
    assert screen.shows(r"^ +%s SUCCEEDED +%s " % (stream["id"], stream["circuit"]))
    assert sut.curl(sut.lab.url("/bytes/3000000"), "--output", "/dev/null").returncode == 0
    screen.shows("\u2588")              # a full block of the curve
    screen.type("g")
    screen.shows(r"^ %s +up +de 127\.\d" % json.loads(ctl("guards", "--json"))[0]["nickname"])
    # The first of the streams is the only one.
    screen.type("Tab", "c")
    screen.shows("done: CLOSESTREAM %s" % stream["id"])
    assert not held.is_open()
    circuit = screen.shows(r"^ +(\d+) BUILT").group(1)
    screen.type("Tab", "Home", "r")
    screen.shows("done: EXTENDCIRCUIT 0")
    screen.type("n")
    screen.shows("done: SIGNAL NEWNYM")
    assert circuit.isdigit()
    screen.type("?")
    screen.shows(r"new identity: new connections take new circuits$")
    screen.shows(r"Nothing is written\.$")
    screen.type("x", "p")
    screen.shows("PAUSED")
    screen.type("p", "q")
    screen.shows(r"^status 0$")


def test_top_follows_the_terminal(sut, terminal):
    """A new size, Ctrl-Z and back, signals: it draws anew, and gives the terminal back as it was."""
    screen = terminal()
    screen.type("stty -g >before; " + top_words(sut.control), "Enter")
    screen.shows("bootstrap 100%")
    screen.resize(120, 40)
    screen.shows(r"^ q quit .* \? help$")
    screen.shows(r"PURPOSE {16}PATH")
    screen.resize(30, 8)
    screen.shows("30x8 is too small")
    screen.resize(80, 24)
    screen.shows("bootstrap 100%")
    screen.type("C-z")
    screen.shows(r"Stopped")
    screen.type("fg", "Enter")
    screen.shows("bootstrap 100%")
    screen.type("C-c")
    screen.shows(PROMPT)
    screen.clear()
    screen.type("stty -g | cmp - before && echo as before", "Enter")
    screen.shows("^as before$")
    for name, status in (("TERM", 143), ("HUP", 129)):
        screen.clear()
        screen.type("%s; echo status $?; stty -g | cmp - before && echo as before" % (
            top_words(sut.control)), "Enter")
        screen.shows("bootstrap 100%")
        subprocess.run(["pkill", "-%s" % name, "-f", "ctl top --control %d" % sut.control], check=True)
        screen.shows("^status %d\nas before$" % status)


def test_top_says_what_it_needs(sut):
    assert run("--control", str(sut.control), "top").returncode == 2
    assert "needs a terminal" in run("--control", str(sut.control), "top").stderr
    assert "--json" in run("--control", str(sut.control), "top", "--json").stderr


def test_a_password_is_asked_for(sut, terminal):
    """On the terminal, which does not show it, and shows again what is typed afterwards."""
    os.rename(sut.data + "/control_auth_cookie", sut.data + "/hidden")
    try:
        screen = terminal()
        line = "%s ctl --control %d get process/pid; echo status $?" % (TUNIC, sut.control)
        screen.type(line, "Enter")
        screen.shows("^Password of the control port: *$")
        screen.type("px", "BSpace", "w", "Enter")
        screen.shows(r"^%d\nstatus 0$" % sut.process.pid)
        assert "px" not in screen.screen()
        screen.clear()
        screen.type(line, "Enter")
        screen.shows("^Password of the control port: *$")
        screen.type("C-c")
        screen.shows("no password was given\nstatus 1$")
        screen.clear()
        screen.type(line, "Enter")
        screen.shows("^Password of the control port: *$")
        screen.type("wrong", "Enter")
        screen.shows("does not let us in: 515 .*\n(.*\n)*status 1$")
        screen.type("echo seen", "Enter")
        screen.shows("[#$] echo seen$")
    finally:
        os.rename(sut.data + "/hidden", sut.data + "/control_auth_cookie")
