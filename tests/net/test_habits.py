"""What an onlooker can time (docs/habits.md): seen at the relays of a network of the test's own."""

import subprocess
import time

import pytest

import habits
import privnet
import sut
from works import works


@pytest.fixture
def net(tmp_path):
    tmp_path.chmod(0o755)
    one = habits.Net(str(tmp_path / "habits"))
    yield one
    one.stop()


@pytest.fixture
def client_of(net, make_sut):
    """Makes clients of that network, on its side of the cable: the cable is watched for the lab's."""
    def make(*lines):
        return make_sut(network=net.client_lines, torrc=lines, wrapper=privnet.in_lab_namespace([]))
    return make


def wait_for(found, seconds, what):
    """What FOUND() gives once it is not empty."""
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, what
        time.sleep(0.2)
    return found()


@works("CircuitsAvailableTimeout", "KeepalivePeriod", "NewCircuitPeriod")
def test_an_idle_client_rests_as_it_was_told(net, client_of):
    """Circuits ahead are kept 2 to 4 seconds here, ended once in 2; silent links speak each 3."""
    mine = client_of("LearnCircuitBuildTimeout 0", "CircuitsAvailableTimeout 2",
                     "NewCircuitPeriod 1", "MaxCircuitDirtiness 10", "ConnectionPadding 0",
                     "KeepalivePeriod 3").start()

    def unused():
        return [c for c in habits.circuits(net.events())
                if c.is_built and not (c.is_failed or c.is_dir or c.is_used)]

    wait_for(lambda: [c for c in unused() if c.ended], 15, "a circuit that nobody used stays")
    # Two to exits and three internal ones (of which some may fail), one a second after the start.
    begun = sorted(c.begun for c in unused())
    assert 2 <= len(begun) <= 6, begun
    assert all(b - a > 0.5 for a, b in zip(begun[1:], begun[2:])), begun
    lives = [c.ended - c.begun for c in unused() if c.ended]
    assert all(0.9 <= life <= 12 for life in lives), lives

    wait_for(lambda: [e for e in net.events() if e.sent and e.cmd == "PADDING"], 10,
             "no keepalive, and other padding is off")

    # A circuit to a directory is kept for MaxCircuitDirtiness from its first request. (tor's may
    # wait for more: for the other end of a stream that it closed itself.)
    def over():
        return [c for c in habits.circuits(net.events()) if c.is_dir and c.first_use and c.ended]

    if not sut.IS_TOR:
        wait_for(over, 25, "a directory circuit stays")
    assert all(9.5 <= c.ended - c.first_use <= 40 for c in over())
    assert mine.stop() == 0


def page(client):
    return subprocess.run(privnet.in_lab_namespace(
        ["curl", "-sS", "--max-time", "20", "--socks5-hostname",
         "127.0.0.1:%d" % client.socks_port, "http://hello.test/"]),
        capture_output=True, text=True, check=False)


def test_circuits_are_begun_one_a_second_and_the_first_is_used(net, client_of):
    """Two for pages, three for onion services; streams share the oldest, however many are clean."""
    mine = client_of().start()

    def whole():
        return [c for c in habits.circuits(net.events()) if c.is_built and not c.is_dir]

    built = wait_for(lambda: [found for found in [whole()] if len(found) >= 5], 12,
                     "less than five circuits are built ahead")[0]
    begun = sorted(c.begun for c in built)
    assert all(b - a > 0.5 for a, b in zip(begun, begun[1:])), begun
    for _ in range(3):
        assert "three relays" in page(mine).stdout
    used = [c for c in whole() if c.is_used]
    assert [c.begun for c in used] == begun[:1]
    assert mine.stop() == 0


@works("__DisablePredictedCircuits")
def test_without_prediction_circuits_are_built_for_who_asks(net, client_of):
    mine = client_of("__DisablePredictedCircuits 1")
    mine.start(wait=False)
    mine.wait_for("Bootstrapped (75|80|85)%", since=mine.started_at)
    time.sleep(2.5)         # two looks
    assert [c for c in habits.circuits(net.events()) if not c.is_dir] == []
    got = page(mine)
    assert "three relays" in got.stdout, got.stderr
    assert [c for c in habits.circuits(net.events()) if c.is_used]
    assert mine.stop() == 0


@works("ReducedConnectionPadding")
def test_reduced_padding_is_asked_of_the_relay(net, client_of):
    """The relay is told to send none, and ours comes 9 to 14 seconds after the last cell."""
    mine = client_of("ReducedConnectionPadding 1").start()
    told = wait_for(lambda: [e for e in net.events() if e.cmd == "PADDING_NEGOTIATE"], 5,
                    "no word of padding")
    assert {e.how for e in told} == {"STOP"}
    time.sleep(5)
    gaps = habits.of_padding_client(net.events())["netflow padding, from the last cell"]
    assert all(gap >= 8.9 for gap in gaps), gaps
    assert mine.stop() == 0
