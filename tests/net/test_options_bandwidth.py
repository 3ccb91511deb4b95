"""BandwidthRate and what belongs to it, set while it runs. The private network is on private addresses:
TestingTorNetwork has CountPrivateBandwidth 1."""

import time

import pytest

import privnet
import socks_client
import sut as sut_module
from controller import Controller
from works import works


@pytest.fixture(scope="module")
def live(lab, tmp_path_factory):
    port = sut_module.free_port()
    mine = sut_module.Sut(lab, tmp_path_factory.mktemp("bandwidth"), ["ControlPort %d" % port])
    mine.start()
    try:
        with Controller(("127.0.0.1", port)) as c:
            assert c.ask("AUTHENTICATE") == ["250 OK"]
            yield mine, c
    finally:
        mine.stop()


def fetch(lab, mine, size):
    """The time that SIZE bytes of a page took, and the longest wait for some of them."""
    sock, _ = socks_client.socks5(mine.proxy, privnet.WEB_HOST, lab.ports["http"])
    with sock:
        sock.settimeout(10)
        begun = last = time.monotonic()
        sock.sendall(b"GET /bytes/%d HTTP/1.0\r\nHost: x\r\n\r\n" % size)
        got, longest = 0, 0
        while more := sock.recv(65536):
            now = time.monotonic()
            longest, last, got = max(longest, now - last), now, got + len(more)
    assert got >= size
    return last - begun, longest


@works("BandwidthRate", "BandwidthBurst", "CountPrivateBandwidth")
def test_no_more_than_the_bandwidth_goes_and_at_once_if_there_is_more(lab, live):
    mine, c = live
    fetch(lab, mine, 1000)
    assert c.ask("SETCONF BandwidthRate=40000 BandwidthBurst=40000") == ["250 OK"]
    took, _ = fetch(lab, mine, 120000)
    assert took >= 1.9, "of 120 kB 40 go at once, 40 in each of two seconds"
    if not sut_module.IS_TOR:   # whose own connections to the program count then, too
        assert c.ask("SETCONF BandwidthRate=1000 BandwidthBurst=1000 CountPrivateBandwidth=0") == [
            "250 OK"]
        took, _ = fetch(lab, mine, 120000)
        assert took < 60, "private addresses do not count"
    assert c.ask("RESETCONF BandwidthRate BandwidthBurst CountPrivateBandwidth") == ["250 OK"]


@works("TokenBucketRefillInterval")
@pytest.mark.skipif(sut_module.IS_TOR, reason="tor 0.4.9 reads it and has a time of its own")
def test_tokens_come_as_often_as_said(lab, make_sut):
    mine = make_sut(torrc=["TokenBucketRefillInterval 1 second", "BandwidthRate 100000",
                           "BandwidthBurst 100000"]).start()
    _, longest = fetch(lab, mine, 250000)
    assert longest >= 0.7, "a TLS record of 16 kB takes less, in small steps"


def test_what_cannot_be_is_refused_in_tors_words(live):
    _, c = live
    bad = "513 Unacceptable option value: "
    for command, says in [
            ("BandwidthRate=100KB BandwidthBurst=50KB",
             "BandwidthBurst must be at least equal to BandwidthRate."),
            ("BandwidthRate=3GB", "BandwidthRate (3221225471) must be at most 2147483647")]:
        assert c.ask("SETCONF " + command) == [bad + says]
    assert c.ask("SETCONF TokenBucketRefillInterval=5") == [
        "553 Transition not allowed: While Tor is running, changing TokenBucketRefillInterval is "
        "not allowed"]
