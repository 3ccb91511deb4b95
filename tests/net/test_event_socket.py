"""EventSocket: what happens as lines of JSON, each held to the schema in docs/."""

import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

import pytest

import privnet
import sut as sut_module
from works import works

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="tor has no EventSocket")
DOCS = os.path.join(sut_module.TOP, "docs")
SECRETS = ["web.test", "198.51.100.80", "an-user", "a-password"]


# ---- the schema ----

class Schema:
    """As much of JSON Schema as docs/events.schema.json uses; and no object may have more than it says."""

    TYPES = {"integer": int, "number": (int, float), "boolean": bool, "string": str, "array": list,
             "object": dict}

    def __init__(self):
        with open(os.path.join(DOCS, "events.schema.json"), encoding="utf-8") as f:
            self.root = json.load(f)

    def check(self, line):
        """LINE is one of those that the schema has."""
        mine = [s for s in self.root["oneOf"] if s["properties"]["event"]["const"] == line["event"]]
        assert len(mine) == 1, line
        wrong = list(self.wrong(mine[0], line, line["event"]))
        assert not wrong, "%s: %s" % (wrong, line)

    def wrong(self, schema, value, where):
        if "$ref" in schema:
            schema = self.root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
        if "const" in schema and value != schema["const"]:
            yield "%s is not %s" % (where, schema["const"])
        if "enum" in schema and value not in schema["enum"]:
            yield "%s: no such word: %s" % (where, value)
        if "anyOf" in schema and all(list(self.wrong(s, value, where)) for s in schema["anyOf"]):
            yield "%s is none of those: %s" % (where, value)
        kind = schema.get("type")
        if kind and (not isinstance(value, self.TYPES[kind])
                     or isinstance(value, bool) != (kind == "boolean")):
            yield "%s: not %s: %s" % (where, kind, value)
            return
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield "%s: %s does not fit %s" % (where, value, schema["pattern"])
        if schema.get("format") == "date-time" and not re.fullmatch(
                r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value):
            yield "%s is no time: %s" % (where, value)
        for i, item in enumerate(value if kind == "array" else []):
            yield from self.wrong(schema["items"], item, "%s[%d]" % (where, i))
        if kind == "object":
            yield from ("%s lacks %s" % (where, n) for n in schema["required"] if n not in value)
            for name, member in value.items():
                if name not in schema["properties"]:
                    yield "%s: %s is not in the schema" % (where, name)
                else:
                    yield from self.wrong(schema["properties"][name], member, where + "." + name)


SCHEMA = Schema()


class Reader(threading.Thread):
    """Reads all lines, and checks them."""

    def __init__(self, path, *says):
        super().__init__(daemon=True)
        deadline = time.monotonic() + 10
        self.lines, self.text, self.wrong = [], "", None
        self.sock = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.sock.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                assert time.monotonic() < deadline, "no socket " + path
                time.sleep(0.02)
        for line in says:
            self.say(line)
        self.start()

    def say(self, line):
        self.sock.sendall((line if isinstance(line, str) else json.dumps(line)).encode() + b"\n")

    def run(self):
        with contextlib.suppress(ConnectionResetError), \
                self.sock.makefile(encoding="ascii") as lines:
            for line in lines:
                self.text += line
                self.lines.append(json.loads(line))
                try:
                    SCHEMA.check(self.lines[-1])
                except AssertionError as e:
                    self.wrong = self.wrong or e

    def of(self, event, **fields):
        return [line for line in self.lines if line["event"] == event
                and all(line.get(k) == v for k, v in fields.items())]

    def wait(self, event, timeout=20, **fields):
        """The first such line."""
        deadline = time.monotonic() + timeout
        while not self.of(event, **fields):
            assert time.monotonic() < deadline, "no %s %s in:\n%s" % (event, fields, self.text[-3000:])
            time.sleep(0.02)
        if self.wrong:
            raise self.wrong
        return self.of(event, **fields)[0]


def with_socket(make_sut, *more, flags=""):
    mine = make_sut(torrc=list(more))
    path = os.path.join(mine.data, "events")
    mine.lines.append("EventSocket %s%s" % (path, flags))
    mine.write_torrc()
    return mine, path


ALL = ["CIRC", "CIRC_MINOR", "STREAM", "ORCONN", "GUARD", "BOOTSTRAP", "NEWCONSENSUS", "STATUS",
       "BUILDTIMEOUT_SET", "NETWORK_LIVENESS", "BW", "CIRC_BW", "STREAM_BW"]


@works("EventSocket")
def test_what_a_start_and_a_stream_tell(lab, make_sut):
    mine, path = with_socket(make_sut)
    mine.write_torrc(["DisableNetwork 1"])
    mine.start(wait=False)
    seen = Reader(path, {"want": ALL})
    assert seen.wait("WANTED")["want"] == ALL
    mine.write_torrc()
    mine.signal(signal.SIGHUP)
    seen.wait("BOOTSTRAP", percent=100)
    hello = seen.lines[0]
    assert (hello["event"], hello["schema"], hello["destinations"]) == ("HELLO", 1, True)
    assert seen.wait("NEWCONSENSUS")["relays"] == len(lab.nodes)
    assert seen.of("ORCONN", status="CONNECTED") and seen.of("GUARD", status="UP")
    assert seen.wait("STATUS", action="CIRCUIT_ESTABLISHED")["type"] == "CLIENT"
    mine.curl(lab.url("/bytes/100000"), "-o", "/dev/null", "--proxy-user", "an-user:a-password")
    new = seen.wait("STREAM", status="NEW", purpose="USER")
    assert new["target"] == "web.test:%d" % lab.ports["http"] and new["protocol"] == "SOCKS5"
    done = seen.wait("STREAM", status="CLOSED", id=new["id"])
    assert done["reason"] in ("DONE", "END")
    built = seen.of("CIRC", status="BUILT", id=done["circuit"])[0]
    names = [relay["nickname"] for relay in built["path"]]
    assert len(names) == 3 and set(names) <= {n.name for n in lab.nodes}
    assert seen.wait("STREAM_BW", id=new["id"])["read"] > 0
    assert seen.wait("BW") and seen.wait("CIRC_BW", id=done["circuit"])
    mine.curl("http://web.test:%d/" % lab.ports["closed"])
    failed = seen.wait("STREAM", status="FAILED")
    assert failed["reason"] == "END"
    assert failed["remote_reason"] in ("CONNECTREFUSED", "MISC")    # the latter by Debian's exits
    assert "a-password" not in seen.text and "an-user" not in seen.text
    assert mine.stop() == 0
    seen.join(5)
    assert not seen.is_alive()


def test_what_is_there_comes_first(lab, make_sut):
    """Two readers hear the same; a stream that is open is in HELLO."""
    mine, path = with_socket(make_sut)
    mine.start()
    with socket.create_connection(mine.proxy) as app:
        host = b"web.test"
        app.sendall(b"\5\1\0\5\1\0\3" + bytes([len(host)]) + host
                    + lab.ports["echo"].to_bytes(2, "big"))
        assert app.recv(2) == b"\5\0" and app.recv(10)[1] == 0
        one, two = Reader(path), Reader(path)
        hello, again = one.wait("HELLO"), two.wait("HELLO")
        stream = [s for s in hello["streams"] if s["status"] == "SUCCEEDED"]
        assert len(stream) == 1 and stream[0]["target"].startswith("web.test:")
        assert stream[0]["circuit"] in [c["id"] for c in hello["circuits"] if c["status"] == "BUILT"]
        assert hello["bootstrap"]["percent"] == 100 and hello["bytes"]["read"] > 0
        assert hello["directory"] and hello["circuit"] and hello["live"]
        assert [g for g in hello["guards"] if g["primary"] and g["confirmed"] and not g["down"]]
        assert [o for o in hello["orconns"] if o["status"] == "CONNECTED" and o["circuits"]]
        assert again["streams"] == hello["streams"]
    assert one.wait("STREAM", status="CLOSED") == two.wait("STREAM", status="CLOSED")
    one.say({"hello": True})
    deadline = time.monotonic() + 5
    while len(one.of("HELLO")) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert not one.of("HELLO")[1]["streams"]


def test_destinations_are_told_only_if_the_log_would_have_them(lab, make_sut):
    mine, path = with_socket(make_sut, "SafeLogging 1")
    mine.start()
    seen = Reader(path, {"want": ALL})
    seen.wait("WANTED")
    assert seen.lines[0]["destinations"] is False
    mine.curl(lab.url("/"), "--proxy-user", "an-user:a-password")
    mine.curl("http://web.test:%d/" % lab.ports["closed"])
    mine.curl("http://no such host!/")
    mine.curl("http://198.51.100.80:%d/" % lab.ports["http"], proxy="--socks5")
    seen.wait("STREAM", status="CLOSED", purpose="USER")
    seen.wait("STREAM", status="FAILED")
    seen.say({"hello": True})
    streams = [line for line in seen.lines if line["event"] == "STREAM"]
    told = "\n".join(json.dumps(line) for line in streams + seen.of("STATUS") + seen.of("HELLO"))
    for secret in SECRETS:
        assert secret not in told
    assert str(lab.ports["closed"]) not in told


def test_the_monitor_of_the_page(lab, make_sut):
    """It is run as it stands there, and is shorter than 40 lines."""
    with open(os.path.join(DOCS, "events.md"), encoding="utf-8") as f:
        source = re.search(r"```python\n(.*?)```", f.read(), re.S).group(1)
    assert len(source.splitlines()) < 40
    mine, path = with_socket(make_sut)
    script = os.path.join(mine.dir, "monitor.py")
    privnet.write_text(script, source)
    mine.start(wait=False)
    Reader(path).wait("HELLO")
    with subprocess.Popen([sys.executable, script, path], stdout=subprocess.PIPE, text=True) as shown:
        mine.wait_for("Bootstrapped 100%")
        time.sleep(0.5)
        mine.stop()
        text, _ = shown.communicate(timeout=10)
    assert shown.returncode == 0
    assert "start 100%: Done" in text
    path_of_three = " > ".join(["(?:%s)" % "|".join(n.name for n in lab.nodes)] * 3)
    assert re.search(r"^circuit \d+ BUILT: %s" % path_of_three, text, re.M), text


def test_a_reader_may_want_less(make_sut):
    mine, path = with_socket(make_sut)
    mine.start()
    seen = Reader(path, {"want": ["BW"]}, "nonsense", {"want": ["NO_SUCH"]}, {"want": 3}, {"want": []})
    seen.wait("WANTED", want=[])
    assert len(seen.of("ERROR")) == 3 and seen.of("WANTED", want=["BW"])
    flood = Reader(path, "x" * 5000)
    flood.join(5)
    assert not flood.is_alive() and flood.of("ERROR")


@pytest.mark.parametrize("flags,mode", [("", 0o600), (" GroupWritable", 0o660)])
def test_who_may_open_it(make_sut, flags, mode):
    """It is there without a network, moves with its line, and goes with the program."""
    mine, path = with_socket(make_sut, "DisableNetwork 1", flags=flags)
    mine.start(wait=False)
    assert Reader(path).wait("HELLO")["bootstrap"]["percent"] == 0
    assert stat.S_IMODE(os.stat(path).st_mode) == mode
    mine.lines[-1] = "EventSocket %s2" % path
    mine.write_torrc()
    mine.signal(signal.SIGHUP)
    Reader(path + "2").wait("HELLO")
    assert not os.path.exists(path)
    assert mine.stop() == 0
    assert not os.path.exists(path + "2")


def test_a_folder_that_others_may_enter_is_refused(make_sut):
    mine, _ = with_socket(make_sut)
    folder = os.path.join(mine.dir, "open")
    os.mkdir(folder)
    os.chmod(folder, 0o755)
    mine.lines[-1] = "EventSocket %s/events" % folder
    mine.write_torrc()
    why = 'Before Tor can create an event socket in "%s/events", the directory "%s" needs' % (
        folder, folder)
    asked = subprocess.run([sut_module.program(), "-f", mine.torrc_path, "--verify-config"],
                           stdout=subprocess.PIPE, text=True, check=False)
    assert asked.returncode == 1 and why in asked.stdout, asked.stdout
    mine.start(wait=False)
    assert mine.process.wait(timeout=20) == 1
    assert why in mine.log()
