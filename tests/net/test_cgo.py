"""CGO with every exit that offers it: which layer a hop got stands in the log, and what goes over it
comes out right at both ends."""

import re

import pytest

import ourlab
import socks_client
import sut as sut_module
import targets
from test_transfer import read_body, request

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="reads Tunic's log")
HOP = re.compile(r"circuit (\d+): hop (\d+) is there, with (\w+)")
SIZE = 20 * 1000 * 1000


def layers_of(log):
    """The layers of each circuit, first hop first, of those that have three hops."""
    circuits = {}
    for circuit, hop, layer in HOP.findall(log):
        circuits.setdefault(circuit, {})[int(hop)] = layer
    return [[hops[n] for n in sorted(hops)] for hops in circuits.values() if len(hops) >= 3]


def carries_bytes(lab, mine):
    with request(lab, mine, "GET", "/bytes/%d" % SIZE, timeout=60) as sock:
        assert read_body(sock) == (SIZE, targets.content_sha256(SIZE))
    with request(lab, mine, "POST", "/upload", "Content-Length: %d\r\n" % SIZE, timeout=60) as sock:
        for piece in targets.content(SIZE):
            sock.sendall(piece)
        answer = sock.makefile("rb").read().split(b"\r\n\r\n", 1)[1].decode()
    assert answer.split() == [str(SIZE), targets.content_sha256(SIZE)]


def test_every_exit_gets_cgo_and_bytes_are_right(lab, make_sut):
    before = len(lab.complaints())
    for node in lab.by_role("exit"):
        # Circuits ahead of need are for onion services, too, which have none yet.
        mine = make_sut(torrc=["ExitNodes $" + node.fingerprint, "__DisablePredictedCircuits 1"],
                        log_level="debug").start(wait=False)
        mine.wait_for("Bootstrapped (75|80|85)%")
        carries_bytes(lab, mine)
        found = layers_of(mine.log())
        assert found and all(layers == ["tor1", "tor1", "CGO"] for layers in found), (
            node.name, found)
        assert "against the protocol" not in mine.log()
        assert mine.stop() == 0
    assert len(lab.complaints()) == before, lab.complaints()[before:]


def test_many_streams_share_a_circuit_with_cgo(lab, make_sut):
    """Each message begins in the middle of nobody's: short ones, names, ends and look-ups."""
    mine = make_sut(log_level="debug").start()
    for _ in range(30):
        assert mine.curl("http://web.test:%d/" % lab.ports["http"]).returncode == 0
    assert socks_client.resolve(mine.proxy, "web.test")
    assert ["tor1", "tor1", "CGO"] in layers_of(mine.log())


def test_relays_without_it_get_the_old_layer(lab, tmp_path):
    """Of Debian's each has it, and no option takes it away."""
    if not isinstance(lab, ourlab.OurLab):
        pytest.skip("all relays have it")
    other = ourlab.OurLab(str(tmp_path / "lab"), base=lab.base + 400)
    other.options = ["--protocols", "Conflux=1 Cons=1-2 Desc=1-4 DirCache=2 FlowCtrl=1-2 Link=3-5 "
                     "LinkAuth=3 Microdesc=1-3 Relay=2-4"]
    other.start()
    lab.beside |= {(n.address, n.or_port) for n in other.nodes}     # test_after.py sees them dialled
    mine = sut_module.Sut(other, tmp_path / "mine", log_level="debug").start()
    try:
        carries_bytes(other, mine)
        found = layers_of(mine.log())
        assert found and all(layers == ["tor1"] * 3 for layers in found), found
        assert "against the protocol" not in mine.log()
        assert mine.stop() == 0
        assert not other.complaints()
    finally:
        mine.kill()
        other.stop()
