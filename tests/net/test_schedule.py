"""When a client asks for directory documents, of whom, and for how long it waits."""

import base64
import os
import re
import shutil
import socket
import threading
import time

import pytest

import ourlab
import privnet
import sut as sut_module
from test_wrong import faketime
from works import works

PAGE = "This page came through a private Tor network"
CONSENSUS = "cached-microdesc-consensus"


def seconds_to(client, pattern, timeout=30):
    begun = time.monotonic()
    client.start(wait=False)
    client.wait_for(pattern, timeout)
    return time.monotonic() - begun


def fallback_line(node):
    return "FallbackDir %s:%d orport=%d id=%s" % (
        node.address, node.or_port, node.or_port, node.fingerprint)


# -- the first consensus --------------------------------------------------------------------------

@works("ClientBootstrapConsensusAuthorityOnlyDownloadInitialDelay")
def test_authorities_alone_are_asked_after_their_delay(make_sut):
    mine = make_sut(torrc=["ClientBootstrapConsensusAuthorityOnlyDownloadInitialDelay 3"])
    assert seconds_to(mine, "Bootstrapped 100%") > 2


@works("ClientBootstrapConsensusFallbackDownloadInitialDelay",
       "ClientBootstrapConsensusAuthorityDownloadInitialDelay")
def test_fallbacks_and_authorities_have_delays_of_their_own(lab, make_sut):
    """Whichever comes first serves; if either delay were not read, it would be there at once."""
    line = fallback_line(lab.by_role("guard")[0])
    clients = [make_sut(torrc=[
        line, "ClientBootstrapConsensusFallbackDownloadInitialDelay %d" % fallback,
        "ClientBootstrapConsensusAuthorityDownloadInitialDelay %d" % authority])
               for fallback, authority in ((3, 3600), (3600, 3))]
    begun = time.monotonic()
    for mine in clients:
        mine.start(wait=False)
    for mine in clients:
        mine.wait_for("Bootstrapped 25%", 30)
        assert time.monotonic() - begun > 2
        mine.wait_for("Bootstrapped 100%", 30)


@pytest.fixture
def mute(lab):
    """Authorities' lines that lead to ports where nobody answers; and which of them were called."""
    called, held, listeners, lines = set(), [], [], []

    def answer(which, listener):
        while True:
            try:
                held.append(listener.accept())
                called.add(which)
            except OSError:
                return
    for which, authority in enumerate(lab.authorities()):
        listeners.append(socket.create_server(("127.0.0.1", 0)))
        port = listeners[-1].getsockname()[1]
        line = re.sub(r"orport=\d+", "orport=%d" % port, authority.authority_line())
        lines.append(re.sub(r" 127\.\d+\.0\.1:", " 127.0.0.1:", line))
        threading.Thread(target=answer, args=(which, listeners[-1]), daemon=True).start()
    yield ["TestingTorNetwork 1"] + lines, called
    for listener in listeners:
        listener.close()


@works("ClientBootstrapConsensusMaxInProgressTries")
def test_tries_at_once_are_bounded(make_sut, mute):
    """Whoever is called may be called anew, when it is silent for long; nobody else is."""
    network, called = mute
    single = make_sut(network=network, torrc=["ClientBootstrapConsensusMaxInProgressTries 1"])
    single.start(wait=False)
    time.sleep(4)
    assert len(called) == 1
    single.kill()
    called.clear()
    usual = make_sut(network=network)
    usual.start(wait=False)
    deadline = time.monotonic() + 20
    while len(called) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(called) > 1


# -- what follows ---------------------------------------------------------------------------------

@works("TestingClientDownloadInitialDelay")
def test_certificates_and_descriptors_wait_for_their_delay(make_sut):
    mine = make_sut(torrc=["TestingClientDownloadInitialDelay 2"])
    assert seconds_to(mine, "Bootstrapped 100%") > 2


def dates(client):
    """valid-after, fresh-until, valid-until of the consensus that is kept."""
    text = privnet.read_text(os.path.join(client.data, CONSENSUS))
    return [time.mktime(time.strptime(re.search(r"(?m)^%s (.*)$" % key, text).group(1) + " UTC",
                                      "%Y-%m-%d %H:%M:%S %Z")) - time.timezone
            for key in ("valid-after", "fresh-until", "valid-until")]


def next_fetch(client):
    """When the client says that it will ask for the next one."""
    if sut_module.IS_TOR:
        line = client.wait_for(r"Live microdesc consensus .* fetching the next one at (.*)\.\n", 10)
        return time.mktime(time.strptime(line.group(1), "%Y-%m-%d %H:%M:%S"))
    line = client.wait_for(r"(?m)^(\w+ \d+ \S+) \[info\] The next consensus is fetched in (-?\d+) s",
                           10)
    now = time.time()
    return now + int(line.group(2))


@works("FetchDirInfoEarly", "FetchDirInfoExtraEarly")
def test_who_wants_the_next_consensus_early_asks_early(make_sut):
    """An hour before the others (here a day), and within a minute of its being out."""
    slack = 30
    for torrc in ([], ["FetchDirInfoEarly 1"], ["FetchDirInfoEarly 1", "FetchDirInfoExtraEarly 1"]):
        mine = make_sut(torrc=torrc)
        mine.start()
        after, fresh, until = dates(mine)
        interval, at = fresh - after, next_fetch(mine)
        if not torrc:
            assert fresh + interval * 3 / 4 - slack <= at < until
        elif len(torrc) == 1:
            assert fresh + 120 - slack <= at < fresh + 120 + interval / 2 + slack
        else:
            assert fresh + 120 - slack <= at < fresh + 120 + 60 + slack
        assert mine.stop() == 0


@pytest.fixture
def faulty(lab):
    """A function by which all nodes break a rule, until the end of the test."""
    if not isinstance(lab, ourlab.OurLab):
        pytest.skip("only tunic testnet breaks rules when told to")

    def break_rule(fault):
        for node in lab.nodes:
            lab.order("fault %s:%s" % (node.name, fault))
    yield break_rule
    for node in lab.nodes:
        lab.order("honest " + node.name)


def start_late(client, make_sut, torrc):
    """A client that finds CLIENT's documents a minute before their consensus is over."""
    late = make_sut(torrc=torrc, wrapper=faketime("+%ds" % (dates(client)[2] - time.time() - 60)))
    shutil.rmtree(late.data)
    shutil.copytree(client.data, late.data, ignore=shutil.ignore_patterns("lock", "control"))
    late.start()
    return late


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor cannot start its threads under libfaketime")
@works("TestingClientConsensusDownloadInitialDelay")
def test_next_consensus_waits_for_its_delay(lab, make_sut):
    """It is high time, but nobody is asked before the delay is over."""
    if not isinstance(lab, ourlab.OurLab):
        pytest.skip("Debian's relays have certificates that end before their consensus")
    first = make_sut()
    first.start()
    assert first.stop() == 0
    asked = r"answers with status 304|is not newer than ours"
    usual = start_late(first, make_sut, [])
    usual.wait_for(asked, 10)
    patient = start_late(first, make_sut, ["TestingClientConsensusDownloadInitialDelay 3600"])
    time.sleep(4)
    assert not re.search(asked, patient.log())


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor asks at its own pace")
@works("TestingClientMaxIntervalWithoutRequest")
def test_a_few_missing_descriptors_wait(lab, make_sut, faulty):
    first = make_sut()
    middle = base64.b64encode(bytes.fromhex(lab.by_role("middle")[0].ed25519)).decode().rstrip("=")
    first.start()
    assert first.stop() == 0
    faulty("dir-404")
    clients = []
    for interval in (1, 3600):
        clients.append(make_sut(torrc=["TestingClientMaxIntervalWithoutRequest %d seconds" % interval]))
        mine = clients[-1]
        shutil.rmtree(mine.data)
        shutil.copytree(first.data, mine.data, ignore=shutil.ignore_patterns("lock", "control"))
        path = os.path.join(mine.data, "cached-microdescs.new")
        entries = re.split(r"(?m)^(?=@last-listed)", privnet.read_text(path))
        # Not a guard's: without the first guards' no circuit is built.
        privnet.write_text(path, "".join(e for e in entries if middle not in e))
        mine.start()
    time.sleep(5)
    counts = [mine.log().count("answers with status 404") for mine in clients]
    assert counts[0] > 2
    assert counts[1] == 1


@works("TestingDirConnectionMaxStall")
def test_silent_server_is_given_up(make_sut, faulty):
    """In an eighth of the default of such a network, which is 30 seconds."""
    faulty("dir-silent")
    mine = make_sut(torrc=["TestingDirConnectionMaxStall 5 seconds"])
    assert seconds_to(mine, r"No answer from directory server .* timed out|Expiring wedged directory",
                      20) > 4


# -- slow servers ---------------------------------------------------------------------------------

@pytest.mark.skipif(sut_module.IS_TOR, reason="tor waits for them")
def test_slow_directory_servers_hold_nobody_up(lab, make_sut, faulty):
    """Whoever is served by one that sends a byte a second asks others, and the first answer counts."""
    faulty("dir-drip=1")
    # Of three guards a client has an honest one.
    for node in lab.authorities()[1:] + lab.by_role("guard")[2:]:
        lab.order("honest " + node.name)
    clients = [make_sut() for _ in range(12)]
    for client in clients:
        client.start(wait=False)
    for client in clients:
        client.wait_for("Bootstrapped 100%", 25)
