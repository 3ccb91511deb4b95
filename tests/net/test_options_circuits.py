"""What an option says of circuits and streams is what the program does with them."""

import contextlib
import json
import re
import subprocess
import threading
import time

import pytest

import privnet
import socks_client
import steered
import sut as sut_module
from test_isolation import circuits_of
from test_options import to_relays
from works import works

PAGE = "This page came through a private Tor network"


@contextlib.contextmanager
def fault(lab, what):
    """Relays of ours that break the protocol on purpose, for a while."""
    if not hasattr(lab, "order"):
        pytest.skip("Debian's relays keep the protocol")
    lab.order("fault " + what)
    try:
        yield
    finally:
        lab.order("honest " + what.split(":")[0])


class Requests:
    """Pages asked for at once, each as a user of its own: none shares a circuit."""

    def __init__(self, client, url, count, timeout):
        self.codes = []
        self.threads = [threading.Thread(target=self.one, args=(client, url, timeout, i))
                        for i in range(count)]
        for thread in self.threads:
            thread.start()

    def one(self, client, url, timeout, number):
        self.codes.append(client.curl(url, "--proxy-user", "u%d:p" % number,
                                      timeout=timeout).returncode)

    def all(self):
        for thread in self.threads:
            thread.join()
        return self.codes


@works("MaxCircuitDirtiness")
def test_a_circuit_that_has_been_used_for_long_takes_no_new_streams(lab, make_sut):
    mine = make_sut(torrc=["MaxCircuitDirtiness 10"]).start()

    def stream(port):
        sock, _ = socks_client.socks5(mine.proxy, privnet.WEB_HOST, lab.ports[port])
        sock.sendall(b"x")
        socks_client.read_exactly(sock, 1)
        return sock
    with stream("echo"):
        with stream("echo2"):
            first, second = circuits_of(lab, ["echo", "echo2"])
            assert first == second
        time.sleep(11)
        with stream("echo2"):
            first, second = circuits_of(lab, ["echo", "echo2"])
            assert first != second


def test_what_is_built_ahead(make_steered):
    """Two circuits to exits, then three internal ones for onion services, as tor says of them."""
    mine = make_steered("LearnCircuitBuildTimeout 0").start()

    def ahead():
        with mine.controller() as c:
            found = re.findall(r"^(\d+) BUILT (\S+) BUILD_FLAGS=(\S+) PURPOSE=(\S+)",
                               c.get_info("circuit-status"), re.M)
        return sorted((int(number), flags, purpose, path.count(",") + 1)
                      for number, path, flags, purpose in found if "ONEHOP" not in flags)

    steered.wait_until(lambda: len(ahead()) >= 5, "five circuits", 20)
    time.sleep(2)
    found = ahead()
    assert [c[1:] for c in found] == [("NEED_CAPACITY", "GENERAL", 3)] * 2 + \
        [("IS_INTERNAL,NEED_CAPACITY,NEED_UPTIME", "HS_VANGUARDS", 3)] * 3, found


@works("CircuitBuildTimeout")
def test_circuits_that_take_too_long_are_given_up(lab, make_sut):
    """A relay that loses an EXTEND2 (14) holds up a circuit for the time that is allowed."""
    mine = make_sut(torrc=["LearnCircuitBuildTimeout 0", "CircuitBuildTimeout 3"]).start()
    with fault(lab, "all:relay-drops=14"):
        requests = Requests(mine, lab.url("/"), 6, 28)
        time.sleep(3)
    assert requests.all() == [0] * 6


@works("LearnCircuitBuildTimeout")
def test_build_times_are_not_kept(lab, make_sut):
    def kept(learn):
        mine = make_sut(torrc=["LearnCircuitBuildTimeout %d" % learn]).start()
        assert Requests(mine, lab.url("/"), 6, 30).all() == [0] * 6
        assert mine.stop() == 0
        return re.findall(r"^(?:TotalBuildTimes|CircuitBuildTime\w*) [1-9].*$",
                          privnet.read_text(mine.data + "/state"), re.M)
    assert kept(1)
    assert not kept(0)


@works("CircuitStreamTimeout")
def test_a_stream_waits_for_its_exit_as_long_as_told(lab, make_sut):
    """By default another circuit is tried after ten seconds."""
    mine = make_sut(torrc=["CircuitStreamTimeout 40"]).start()
    with fault(lab, "exits:stream-silent"):
        requests = Requests(mine, lab.url("/"), 1, 17)
        time.sleep(3)
    assert requests.all() == [28]       # curl has waited for long enough


@works("MaxClientCircuitsPending")
def test_few_circuits_are_built_at_a_time(lab, make_sut):
    """Relays that lose EXTEND2: all circuits stay pending. How many there are is what the relays
    see."""
    def most_built(*torrc):
        mine = make_sut(torrc=torrc).start()
        time.sleep(1)                   # what is built ahead of need
        with fault(lab, "all:relay-drops=14"):
            def circuits():
                return sum(n["circuits_ever"] for n in json.loads(lab.order("counts")).values())
            before = circuits()
            requests = Requests(mine, lab.url("/"), 12, 8)
            time.sleep(4)
            built = circuits() - before
        requests.all()
        mine.kill()
        return built
    assert most_built("MaxClientCircuitsPending 1") + 3 < most_built()


@works("ClientRejectInternalAddresses")
def test_internal_addresses_are_not_asked_of_exits(lab, make_sut):
    mine = make_sut(torrc=["ClientRejectInternalAddresses 1"]).start()
    with pytest.raises(socks_client.SocksError):
        socks_client.socks5(mine.proxy, privnet.WEB_HOST, lab.ports["echo"])


@works("ClientDNSRejectInternalAddresses")
def test_internal_addresses_are_no_answer(lab, make_sut):
    mine = make_sut(torrc=["ClientDNSRejectInternalAddresses 1"]).start()
    with pytest.raises(socks_client.SocksError):
        socks_client.resolve(mine.proxy, "web.test")


@works("ConnectionPadding")
def test_no_padding_if_told_so(lab, make_sut):
    """Padding of either side goes over an idle link every 9.5 s at least (padding-spec 2.6);
    without it nothing does, once no circuits are built to learn how long that takes."""
    mine = make_sut(torrc=["ConnectionPadding 0", "LearnCircuitBuildTimeout 0"]).start()
    seen, since, deadline = None, time.monotonic(), time.monotonic() + 60
    while time.monotonic() < since + 13:
        now = sorted(re.findall(r"bytes_(?:sent|received):\d+", line)
                     for line in to_relays(lab, mine))
        assert now and time.monotonic() < deadline, "something is always going over a link"
        if now != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.5)


@works("ProtocolWarnings")
def test_protocol_warnings(lab, make_sut):
    mine = make_sut(torrc=["ProtocolWarnings 1"]).start()
    with fault(lab, "exits:stream-data-first"):
        mine.curl(lab.url("/"), timeout=5)
    mine.wait_for(r"\[warn\] .*(against the protocol|unexpected relay command)", 10)
