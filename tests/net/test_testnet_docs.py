"""The documents of tunic testnet, as stem reads them: another judge than our own parsers.

stem checks the digests and signatures of what it is told to validate."""

import io
import json
import subprocess

import pytest

import sut as sut_module
from test_testnet import Network, there

descriptor = pytest.importorskip("stem.descriptor")
networkstatus = pytest.importorskip("stem.descriptor.networkstatus")

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="about tunic's own network")

WHOLE = "DOCUMENT"
NODES = 11


@pytest.fixture(scope="module")
def network():
    with Network("--no-client") as net:
        yield net


def fetch(network, path, *options):
    auth = json.loads(network.file("nodes.json"))["nodes"][0]
    url = "http://%s:%d/tor/%s" % (auth["address"], auth["dir_port"], path)
    return subprocess.run(there(["curl", "-sSf", "--http1.0", "--noproxy", "*", *options, url]),
                          stdout=subprocess.PIPE, check=True, timeout=30).stdout


def parse(network, path, kind, **more):
    return list(descriptor.parse_file(io.BytesIO(fetch(network, path)), kind,
                                      validate=True, **more))


def certificates(network):
    first = b"dir-key-certificate-version "
    parts = fetch(network, "keys/all").split(first)[1:]
    return [networkstatus.KeyCertificate(first + part, validate=True) for part in parts]


def test_consensus_is_signed_by_the_authorities(network):
    consensus, = parse(network, "status-vote/current/consensus",
                       "network-status-consensus-3 1.0", document_handler=WHOLE)
    certs = certificates(network)
    assert len(certs) == 3
    consensus.validate_signatures(certs)
    assert len(consensus.routers) == NODES
    assert consensus.bandwidth_weights["Wmm"] == 10000
    assert {a.v3ident for a in consensus.directory_authorities} == {c.fingerprint for c in certs}


def test_microdescriptors_are_those_of_the_consensus(network):
    consensus, = parse(network, "status-vote/current/consensus-microdesc",
                       "network-status-microdesc-consensus-3 1.0", document_handler=WHOLE)
    digests = {r.microdescriptor_digest for r in consensus.routers.values()}
    found = parse(network, "micro/d/" + "-".join(sorted(d.rstrip("=") for d in digests)),
                  "microdescriptor 1.0")
    assert {md.digest() for md in found} == digests
    assert all("ed25519" in md.identifiers for md in found)


def test_descriptors_are_signed_by_their_relays(network):
    consensus, = parse(network, "status-vote/current/consensus",
                       "network-status-consensus-3 1.0", document_handler=WHOLE)
    found = parse(network, "server/all", "server-descriptor 1.0")
    extra = parse(network, "extra/all", "extra-info 1.0")
    assert {d.digest() for d in found} == {r.digest for r in consensus.routers.values()}
    assert {d.extra_info_digest for d in found} == {x.digest() for x in extra}
    assert sum(d.exit_policy.is_exiting_allowed() for d in found) == sum(
        "Exit" in r.flags for r in consensus.routers.values())


def test_votes_are_votes(network):
    vote, = parse(network, "status-vote/current/authority", "network-status-vote-3 1.0",
                  document_handler=WHOLE)
    assert vote.is_vote and len(vote.routers) == NODES
    assert vote.directory_authorities[0].key_certificate is not None


def test_curl_reads_what_is_compressed(network):
    plain = fetch(network, "server/all")
    assert fetch(network, "server/all", "--compressed") == plain
