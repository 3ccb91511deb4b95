"""MetricsPort: figures for Prometheus, read by a strict parser of its text format."""

import math
import os
import re
import signal
import socket
import time
import urllib.error
import urllib.request

import pytest

import socks_client
import sut as sut_module
from works import works

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(r'(%s)(?:\{([^}]*)\})? (\S+)' % NAME)
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


def labels_of(text):
    """'a="x",b="y"' -> (("a", "x"), ("b", "y"))"""
    found, at = [], 0
    while at < len(text):
        label = LABEL.match(text, at)
        assert label, "labels: " + text
        found.append((label.group(1), label.group(2)))
        at = label.end()
        assert at == len(text) or text[at] == ",", "labels: " + text
        at += 1
    assert len({name for name, _ in found}) == len(found), "a label twice: " + text
    return tuple(found)


def parse(text):
    """The exposition format 0.0.4 -> {(name, labels): value}. Each family has its HELP and TYPE
    first, once, and its samples together."""
    values, types, family = {}, {}, None
    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        comment = re.fullmatch(r"# (HELP|TYPE) (%s) (\S.*)" % NAME, line)
        if comment:
            kind, name, rest = comment.groups()
            if kind == "HELP":
                assert name not in types and family is None or family[1] in types, line
                family = (None, name)
            else:
                assert family == (None, name) and rest in SUFFIXES, line
                types[name] = rest
                family = (rest, name)
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample and family and family[0], "no sample: " + line
        name, labels, value = sample.groups()
        assert name in [family[1] + s for s in SUFFIXES[family[0]]], "outside its family: " + line
        key = (name, labels_of(labels or ""))
        assert key not in values, "twice: " + line
        values[key] = float(value)
        assert family[0] == "gauge" or values[key] >= 0
    for name in [n for n, kind in types.items() if kind == "histogram"]:
        check_histogram(name, values)
    return values


def check_histogram(name, values):
    found = [(float(dict(labels)["le"]), v) for (n, labels), v in values.items()
             if n == name + "_bucket"]
    assert found == sorted(found) and found[-1][0] == math.inf, found
    assert [v for _, v in found] == sorted(v for _, v in found), "buckets are sums of those before"
    assert found[-1][1] == values[name + "_count", ()]


def get(port, path="/metrics", method="GET", timeout=10):
    request = urllib.request.Request("http://127.0.0.1:%d%s" % (port, path), method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            request, timeout=timeout) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain;")
        return answer.read().decode("ascii")


def status(port, path="/metrics", method="GET"):
    """0: no answer."""
    try:
        get(port, path, method)
        return 200
    except urllib.error.HTTPError as e:
        return e.code
    except OSError:
        return 0


def with_port(make_sut, *more, option="MetricsPort"):
    port = sut_module.free_port()
    lines = ["%s 127.0.0.1:%d" % (option, port), "MetricsPortPolicy accept 127.0.0.1"]
    return make_sut(torrc=lines + list(more)), port


@works("MetricsPort", "__MetricsPort")
@pytest.mark.parametrize("option", ["MetricsPort", "__MetricsPort"])
def test_figures_are_what_happened(lab, make_sut, option):
    mine, port = with_port(make_sut, option=option)
    mine.start()
    before = parse(get(port))
    assert mine.curl(lab.url("/bytes/200000"), "-o", "/dev/null").returncode == 0
    after = parse(get(port))

    def value(name, values=after, **labels):
        return values.get((name, tuple(labels.items())), 0)
    read = ("tor_relay_traffic_bytes", (("direction", "read"),))
    assert after[read] - before[read] > 200000
    assert value("tor_relay_circuits_total", state="opened") > 0
    if sut_module.IS_TOR:
        return
    assert value("tunic_bootstrap_percent") == 100
    assert value("tunic_relays") == len(lab.nodes)
    assert value("tunic_circuits_built_total") >= 2
    assert value("tunic_circuit_build_seconds_count") >= 1
    assert 0 < value("tunic_circuit_build_seconds_sum") < 60
    assert value("tunic_streams_begun_total", purpose="USER") == 1
    assert value("tunic_streams_succeeded_total", purpose="USER") == 1
    assert value("tunic_streams_begun_total", before, purpose="USER") == 0
    assert value("tunic_links", state="open") >= 1
    assert value("tunic_links_connected_total") >= 1
    assert value("tunic_guards", kind="primary") >= 1
    assert value("tunic_guard_changes_total", status="up") >= 1
    assert value("process_resident_memory_bytes") > 1 << 20
    refused = mine.curl("http://web.test:%d/" % lab.ports["closed"])
    assert refused.returncode != 0
    after = parse(get(port))
    by_reason = [value("tunic_streams_failed_total", after, reason=reason, by="peer")
                 for reason in ("CONNECTREFUSED", "MISC")]      # the latter by Debian's exits
    assert sum(by_reason) == 1


def test_nothing_names_a_relay_or_a_destination(lab, make_sut):
    mine, port = with_port(make_sut)
    mine.start()
    assert mine.curl(lab.url("/")).returncode == 0
    text = get(port)
    for word in ["web.test"] + [n.name for n in lab.nodes] + [n.fingerprint for n in lab.nodes]:
        assert word not in text
    assert "127." not in text


@works("MetricsPortPolicy")
def test_who_is_not_let_in_gets_no_answer(make_sut):
    port = sut_module.free_port()
    mine = make_sut(torrc=["MetricsPort %d" % port]).start()
    assert status(port) == 0                    # the default
    mine.write_torrc(["MetricsPortPolicy reject 127.0.0.1,accept *"])
    hup(mine)
    assert status(port) == 0
    mine.write_torrc(["MetricsPortPolicy accept 127.0.0.0/8"])
    hup(mine)
    assert status(port) == 200


def hup(mine):
    mark = mine.log_mark()
    mine.signal(signal.SIGHUP)
    mine.wait_for("Read configuration file", since=mark)
    time.sleep(0.3)


def test_other_requests(make_sut):
    mine, port = with_port(make_sut)
    mine.start()
    assert status(port, "/") == 404
    assert status(port, "/metrics/more") == 404
    assert status(port, method="POST") == 405
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert b"200" not in sock.recv(100)[:20]
    assert status(port) == 200


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor listens on the first line only, in IPv4")
def test_several_ports_and_a_reload(make_sut):
    mine, first = with_port(make_sut)
    second = sut_module.free_port()
    mine.write_torrc(["MetricsPort %d prometheus" % second])
    mine.start()
    built = parse(get(first))["tunic_circuits_built_total", ()]
    assert parse(get(second))["tunic_circuits_built_total", ()] >= built > 0
    mine.lines = [line for line in mine.lines if not line.endswith(":%d" % first)]
    mine.write_torrc(["MetricsPort %d" % second])
    hup(mine)
    assert status(first) == 0
    assert parse(get(second))["tunic_circuits_built_total", ()] >= built    # they go on


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor bounds them by its sockets only")
def test_those_who_say_nothing_cost_little(lab, make_sut):
    """No more than 16 are let in at a time, and traffic goes on; when they go others come."""
    mine, port = with_port(make_sut)
    mine.start()
    folder = "/proc/%d/fd" % mine.process.pid
    before = len(os.listdir(folder))
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(60)]
    silent[0].sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: ")   # half a request
    try:
        assert mine.curl(lab.url("/")).returncode == 0
        assert len(os.listdir(folder)) <= before + 16 + 4
    finally:
        for sock in silent:
            sock.close()
    deadline = time.monotonic() + 5
    while status(port) != 200:
        assert time.monotonic() < deadline


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor waits")
def test_half_a_request_is_not_waited_for(make_sut):
    mine, port = with_port(make_sut)
    mine.start()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\n")
        begun = time.monotonic()
        for _ in range(10):                     # a drop a second would be news to most timeouts
            try:
                sock.sendall(b"X")
                time.sleep(1)
            except OSError:
                break
        assert time.monotonic() - begun < 9


@pytest.mark.parametrize("line", ["MetricsPort unix:/tmp/x", "MetricsPort 127.0.0.1:99999",
                                  "MetricsPort 9035 xml"])
def test_wrong_lines(make_sut, line):
    mine = make_sut(torrc=[line])
    mine.start(wait=False)
    assert mine.process.wait(timeout=10) == 1
    assert "MetricsPort" in mine.log()
