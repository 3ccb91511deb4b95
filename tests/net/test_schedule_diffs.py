"""The next consensus comes as a diff of the one that is here."""

import hashlib
import os
import re
import shutil
import time

import pytest

import ourlab
import privnet
import sut as sut_module
from test_clock import clock_ahead, shim  # noqa: F401
from test_schedule import CONSENSUS, dates

EARLY = ["FetchDirInfoEarly 1", "FetchDirInfoExtraEarly 1"]   # asks authorities, and soon
APPLIED = "Applied consensus diff" if sut_module.IS_TOR else r"A diff of \d+ bytes makes a consensus"


def consensus_of(client):
    return privnet.read_text(os.path.join(client.data, CONSENSUS))


def digest_of(consensus):
    mark = "\ndirectory-signature "
    signed = consensus[:consensus.index(mark) + len(mark)]
    return hashlib.sha3_256(signed.encode()).hexdigest().upper()


NEWS_S = 180    # so much younger has a consensus to be, or it is the same to If-Modified-Since


@pytest.fixture
def network(lab, workdir):
    """One in which a consensus may be from the future."""
    if not isinstance(lab, ourlab.OurLab):
        yield lab
        return
    own = ourlab.OurLab(os.path.join(workdir, "diffs"), say=lab.say).start(targets=False)
    lab.beside |= {(n.address, n.or_port) for n in own.nodes}     # test_after.py sees them dialled
    yield own
    own.stop()


@pytest.fixture
def cached(network, make_sut):
    """A client that has run, and the network has another consensus since."""
    first = make_sut(network=network.client_torrc_lines())
    first.start()
    assert first.stop() == 0
    if isinstance(network, ourlab.OurLab):
        network.order("publish %d" % (NEWS_S + 20))
        return first
    wait = dates(first)[0] + NEWS_S - time.time()
    if wait > 0 and not os.environ.get("PATIENT"):
        pytest.skip("Debian's network is too young for another consensus, by %d s; PATIENT=1 waits"
                    % wait)
    time.sleep(max(0, wait))
    time.sleep(max(0, network.vote_soon() - time.time()) + 3)
    return first


def start_when_due(client, make_sut, clock, network, torrc=()):
    """One that finds CLIENT's documents when it is time to ask for the next consensus."""
    ahead = int(dates(client)[1] + 300 - time.time())
    late = make_sut(network=network.client_torrc_lines(), torrc=EARLY + list(torrc),
                    wrapper=clock_ahead(clock, ahead))
    shutil.rmtree(late.data)
    shutil.copytree(client.data, late.data, ignore=shutil.ignore_patterns("lock", "control"))
    return late.start(wait=False)


def requests(lab):
    """(bytes of the answer, the head's lines) of each request for a consensus that had a digest."""
    found = []
    for node in lab.nodes:
        for answer, head in re.findall(r"asked by \S+ in \d+ bytes, answers (\d+): (.*)",
                                       node.log("info")):
            if "X-Or-Diff" in head:
                found.append((int(answer), head.split("; ")))
    return found


def test_next_consensus_is_a_diff_of_the_last(network, make_sut, cached, shim):  # noqa: F811
    old = consensus_of(cached)
    mine = start_when_due(cached, make_sut, shim, network)
    mine.wait_for(APPLIED, 30)
    deadline = time.monotonic() + 10
    while consensus_of(mine) == old and time.monotonic() < deadline:
        time.sleep(0.1)
    assert dates(mine)[0] > dates(cached)[0]
    if isinstance(network, ourlab.OurLab):
        answer, head = requests(network)[-1]
        assert answer < 3000
        # In tor's order; what a server cannot tell apart is not to differ.
        assert [line.split(":")[0] for line in head[1:]] == [
            "Host", "If-Modified-Since", "Accept-Encoding", "X-Or-Diff-From-Consensus"]
        assert head[-1] == "X-Or-Diff-From-Consensus: " + digest_of(old)
        since = time.mktime(time.strptime(head[2].split(": ")[1] + " UTC",
                                          "%a, %d %b %Y %H:%M:%S GMT %Z")) - time.timezone
        assert since == dates(cached)[0] + 180
    assert mine.stop() == 0
    # What was made of the diff is a cache like any other.
    again = make_sut(network=network.client_torrc_lines())
    shutil.rmtree(again.data)
    shutil.copytree(mine.data, again.data, ignore=shutil.ignore_patterns("lock", "control"))
    again.start()
    assert "damaged" not in again.log()
