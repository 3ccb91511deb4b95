"""Conflux: what a stream carries goes over two guards to one exit (proposal 329). tor does the same."""

import contextlib
import hashlib
import re
import socket
import time

import pytest

import ourlab
import socks_client
import sut
import targets
from works import works

SIZE = 6 * 1000 * 1000


@contextlib.contextmanager
def controlled(client):
    """The client's controller, by a socket in its data folder."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(client.data + "/control")
        with s.makefile("rw", encoding="ascii", newline="\r\n") as f:
            def ask(line):
                f.write(line + "\r\n")
                f.flush()
                answer = []
                while not answer or not re.match(r"[0-9]{3} ", answer[-1]):
                    answer.append(f.readline().rstrip("\r\n"))
                return answer
            assert ask("AUTHENTICATE") == ["250 OK"]
            yield ask


@pytest.fixture
def start(make_sut, lab):
    def start_it(*torrc):
        client = make_sut(torrc=list(torrc))
        if not sut.IS_TOR:
            client.lines += ["ControlSocket %s/control" % client.data, "CookieAuthentication 0"]
        client.write_torrc()
        return client.start()
    return start_it


def circuits(client):
    """[(id, [fingerprints], purpose, conflux id, rtt)] of those that are built."""
    found = []
    with controlled(client) as ask:
        lines = ask("GETINFO circuit-status")
    for line in lines:
        match = re.match(r"(?:250[-+]circuit-status=)?(\d+) BUILT (\S+) .*PURPOSE=(\S+)", line)
        if match:
            cid = re.search(r"CONFLUX_ID=([0-9A-F]{32})\b", line)
            rtt = re.search(r"CONFLUX_RTT=(\d+)", line)
            found.append((int(match.group(1)), re.findall(r"\$(\w{40})", match.group(2)),
                          match.group(3), cid and cid.group(1), rtt and int(rtt.group(1))))
    return found


def sets(client):
    """{conflux id: [paths]} of those that are linked."""
    found = {}
    for _, path, purpose, cid, rtt in circuits(client):
        if purpose == "CONFLUX_LINKED":
            assert cid and rtt, "a leg without its set, or not measured"
            found.setdefault(cid, []).append(path)
    return found


def linked(client, timeout=30):
    deadline = time.monotonic() + timeout
    while True:
        found = {cid: paths for cid, paths in sets(client).items() if len(paths) == 2}
        if found:
            return found
        assert time.monotonic() < deadline, "no set is linked: %s" % circuits(client)
        time.sleep(0.3)


def download(lab, client, size=SIZE):
    with socks_client.socks5(client.proxy, "web.test", lab.ports["http"], timeout=60)[0] as sock:
        sock.sendall(b"GET /bytes/%d HTTP/1.1\r\nHost: web.test\r\n\r\n" % size)
        data = b""
        while b"\r\n\r\n" not in data:
            data += sock.recv(65536)
        body = data.split(b"\r\n\r\n", 1)[1]
        digest, n = hashlib.sha256(body), len(body)
        while n < size:
            more = sock.recv(262144)
            if not more:
                return None
            digest.update(more)
            n += len(more)
    assert digest.hexdigest() == targets.content_sha256(size)
    return n


@works("ConfluxEnabled")
def test_download_goes_over_two_guards(start, lab):
    client = start("ConfluxEnabled 1")
    found = linked(client)
    for paths in found.values():
        first, second = paths
        assert first[0] != second[0] and first[1] != second[1], "guards and middles differ"
        assert first[2] == second[2], "the exit is the same"
    before = lab.traffic()
    assert download(lab, client) == SIZE
    after = lab.traffic()
    moved = {name: after[name] - before[name] for name in after if name in before}
    names = {node.fingerprint: node.name for node in lab.nodes}
    guards = {names[path[0]] for paths in found.values() for path in paths}
    busy = [name for name in guards if moved.get(name, 0) > SIZE // 20]
    assert len(busy) >= 2, moved


@works("ConfluxEnabled")
def test_without_conflux_circuits_are_single(start, lab):
    client = start("ConfluxEnabled 0")
    assert download(lab, client) == SIZE
    time.sleep(2)
    assert {purpose for _, _, purpose, _, _ in circuits(client)}.isdisjoint(
        {"CONFLUX_LINKED", "CONFLUX_UNLINKED"})


@works("ConfluxClientUX")
@pytest.mark.parametrize("ux", ["latency", "throughput_lowmem"])
def test_exit_is_asked_for_the_quickest_leg(start, lab, ux):
    client = start("ConfluxEnabled 1", "ConfluxClientUX " + ux)
    linked(client)
    assert download(lab, client, 1000 * 1000) == 1000 * 1000


def stream_circuit(client):
    """The circuit that the client's only stream is on."""
    with controlled(client) as ask:
        lines = "\n".join(ask("GETINFO stream-status"))
    return re.search(r"stream-status=\d+ SUCCEEDED (\d+) ", lines).group(1)


def test_the_set_in_use_goes_first_no_more_often_than_chance_has_it(start, lab):
    """tor takes the first acceptable set in the order of a hash table: one that is linked later goes
    before the one in use in a quarter of all cases, where three stood at first."""
    if not isinstance(lab, ourlab.OurLab):
        pytest.skip("two dozen clients: once is enough")
    clients = [start("ConfluxEnabled 1") for _ in range(24)]
    changed = 0

    def used(client):
        linked(client)
        sock = socks_client.socks5(client.proxy, "web.test", lab.ports["echo"], timeout=60)[0]
        with sock:
            return stream_circuit(client)
    before = [used(client) for client in clients]
    time.sleep(2.5)     # sets in the place of those that are used now
    for client, first in zip(clients, before):
        changed += used(client) != first
    assert 0 < changed < 18, "%d of %d went to another set" % (changed, len(clients))
