"""Congestion control: agreed on with the exits that offer it, and bytes are right with and without
it. What relays of Debian's tor have of it stands in their logs."""

import hashlib
import os
import re
import threading

import pytest

import socks_client
import sut as sut_module
import targets
import torlab
from ear import Ear, socket_lines

SIZE = 20 * 1000 * 1000
VEGAS = re.compile(r"congestion_control_vegas_log\(\): CC: TOR_VEGAS RTT: .* CWND: (\d+)")


def http(sut, lab, head, body=()):
    """The body of the answer to a request."""
    sock, _ = socks_client.socks5(sut.proxy, "web.test", lab.ports["http"], timeout=120)
    with sock:
        sock.sendall((head + " HTTP/1.0\r\nHost: web.test\r\nContent-Length: %d\r\n\r\n" % SIZE)
                     .encode())
        for piece in body:
            sock.sendall(piece)
        answer = bytearray()
        while data := sock.recv(262144):
            answer += data
    return bytes(answer).split(b"\r\n\r\n", 1)[1]


def transfers_are_right(sut, lab):
    got = http(sut, lab, "GET /bytes/%d" % SIZE)
    assert (len(got), hashlib.sha256(got).hexdigest()) == (SIZE, targets.content_sha256(SIZE))
    said = http(sut, lab, "POST /upload", targets.content(SIZE)).decode()
    assert said.split() == [str(SIZE), targets.content_sha256(SIZE)]


def windows(lab):
    """The windows that exits have told of, newest last."""
    return {n.name: VEGAS.findall(n.log("info")) for n in lab.nodes if n.role == "exit"}


def is_ours(lab):
    return not isinstance(lab, torlab.Lab)


def test_exits_grant_it_and_all_bytes_are_right(lab, make_sut):
    mine = make_sut()
    mine.lines += socket_lines(mine)
    mine.write_torrc()
    before = {} if is_ours(lab) else windows(lab)
    mine.start()
    with Ear(mine, ["CIRC_BW", "STREAM"]) as ear:
        mark = ear.mark()
        transfers_are_right(mine, lab)
        # C tor's fields for controllers; a circuit without congestion control has none of them.
        told = ear.wait("CIRC_BW", mark, test=lambda e: e.read > 100000)
        assert int(told.keyword_args["CWND"]) >= 124
        assert told.keyword_args["SS"] in ("0", "1")
        assert int(told.keyword_args["RTT"]) >= int(told.keyword_args["MIN_RTT"])
    if not is_ours(lab):
        # The exit's own end: it has left slow start, which takes our SENDMEs.
        assert any(len(now) > len(before[name]) for name, now in windows(lab).items())


class Trickle:
    """An upload of a few bytes now and then: a context that lasts as long as it does."""

    def __init__(self, sut, lab):
        self.sut, self.lab = sut, lab
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        sock, _ = socks_client.socks5(self.sut.proxy, "web.test", self.lab.ports["http"], timeout=60)
        with sock:
            sock.sendall(b"POST /upload HTTP/1.0\r\nHost: web.test\r\nContent-Length: 900000\r\n\r\n")
            while not self.over.wait(0.1):
                sock.sendall(b"x" * 100)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *problem):
        self.over.set()
        self.thread.join()


def test_end_of_slow_start_is_told_at_once(lab, make_sut):
    """As sbws wants it: CIRC_BW comes once a second for each circuit that carries something, behind BW,
    and once more when slow start is over."""
    mine = make_sut(torrc=["__DisablePredictedCircuits 1"])
    mine.lines += socket_lines(mine)
    mine.write_torrc()
    mine.start(wait=False)
    mine.wait_for("Bootstrapped (75|80|85)%")
    with Ear(mine, ["CIRC_BW", "BW"]) as ear, Trickle(mine, lab):
        mark = ear.mark()
        ear.wait("CIRC_BW", mark, test=lambda e: e.keyword_args.get("SS") == "1")
        for _ in range(5):
            said = http(mine, lab, "POST /upload", targets.content(SIZE)).decode()
            assert said.split() == [str(SIZE), targets.content_sha256(SIZE)]
            if any(e.keyword_args.get("SS") == "0" for e in ear.of("CIRC_BW", mark)):
                break
        ear.wait("BW", len(ear.heard))
        heard = ear.heard[mark:]
    over = next(i for i, e in enumerate(heard)
                if e.type == "CIRC_BW" and e.keyword_args.get("SS") == "0")
    first = max(i for i, e in enumerate(heard[:over]) if e.type == "BW")
    last = next(i for i, e in enumerate(heard) if i > over and e.type == "BW")
    told = [e.keyword_args["SS"] for e in heard[first:last]
            if e.type == "CIRC_BW" and e.id == heard[over].id]
    assert told == ["1", "0"], told


@pytest.fixture
def without(lab, tmp_path_factory):
    """Debian's relays, whose consensus has no congestion control."""
    if is_ours(lab):
        pytest.skip("a network of Debian's relays of its own")
    directory = tmp_path_factory.mktemp("without")
    os.chmod(directory, 0o755)
    other = torlab.Lab(str(directory / "lab"), base=lab.base + 100)
    other.extra_torrc = {name: ["ConsensusParams cc_alg=0"] for name in torlab.AUTHORITIES}
    other.start()
    lab.beside |= {(n.address, n.or_port) for n in other.nodes}     # test_after.py sees them dialled
    yield other
    other.stop()


def test_consensus_without_it_leaves_fixed_windows(without, tmp_path):
    mine = sut_module.Sut(without, tmp_path / "mine", torrc=["ConfluxEnabled 1"])
    mine.start()
    try:
        transfers_are_right(mine, without)
        assert not any(windows(without).values())
        # Conflux is not without it, whoever wants it.
        assert not any("Processing a CONFLUX_LINK" in n.log("info") for n in without.nodes)
        assert mine.stop() == 0
    finally:
        mine.kill()
