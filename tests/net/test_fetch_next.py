"""tunic fetch of what exists for two seconds only: votes, signatures and the consensus that
authorities are about to agree on."""

import subprocess
import time

import pytest

import sut as sut_module
import torlab
from test_fetch import DONE, curl, fetch, parse, whole

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="tunic's own command")

NEXT = {  # a want, and the tail of its URL
    "vote/next/authority": "status-vote/next/authority",
    "consensus/next": "status-vote/next/consensus",
    "consensus-signatures": "status-vote/next/consensus-signatures",
}


def served(node, path):
    try:
        return curl(node, path)
    except subprocess.CalledProcessError:
        return None     # 404: not there yet, or no more


def test_votes_signatures_and_consensus_to_come(lab):
    if not isinstance(lab, torlab.Lab):
        pytest.skip("tunic testnet's authorities do not vote")
    auth, got = lab.nodes[0], {}
    source = ["-f", lab.dir + "/client.torrc", "--retries", 0, "--from",
              "%s:%d,rsa=%s" % (auth.address, auth.or_port, auth.fingerprint)]
    for _ in range(3):      # a machine with other work to do may miss one
        valid_after = lab.vote_soon()
        while time.time() < valid_after and len(got) < len(NEXT):
            for want, path in NEXT.items():
                before = want not in got and served(auth, path)
                done = before and fetch(*source, want)
                # Signatures of other authorities come in meanwhile.
                if before and done.returncode == DONE and served(auth, path) == before:
                    got[want] = (done.stdout, before)
            time.sleep(0.05)
    assert set(got) == set(NEXT)
    for want, (ours, theirs) in got.items():
        assert ours == theirs, want
    vote = whole(got["vote/next/authority"][0], "network-status-vote-3 1.0")
    assert vote.is_vote and len(vote.routers) == len(lab.nodes)
    assert whole(got["consensus/next"][0], "network-status-consensus-3 1.0").is_consensus
    signatures, = parse(got["consensus-signatures"][0], "detached-signature-3 1.0")
    assert signatures.signatures
