"""tunic fetch: each kind of document, byte for byte what the relay has or serves over its DirPort, as
stem reads it; and what it says and returns when it cannot be had."""

import base64
import glob
import hashlib
import http.server
import io
import json
import os
import re
import resource
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

import sut as sut_module
import torlab
from test_testnet import there

descriptor = pytest.importorskip("stem.descriptor")
networkstatus = pytest.importorskip("stem.descriptor.networkstatus")

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="tunic's own command")

DONE, FAILED, USAGE, NOT_FOUND, UNREACHABLE, INVALID = range(6)
NOBODY = "0" * 40


def fetch(*args, timeout=60, **more):
    """tunic fetch ARGS -> CompletedProcess, output in bytes."""
    return subprocess.run(there([sut_module.program(), "fetch", *map(str, args)]),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout, check=False, **more)


def good(*args, **more):
    done = fetch(*args, **more)
    assert done.returncode == DONE, done.stderr.decode()
    return done.stdout


def curl(node, path):
    url = "http://%s:%d/tor/%s" % (node.address, node.dir_port, path)
    return subprocess.run(there(["curl", "-sSf", "--http1.0", "--noproxy", "*", url]),
                          stdout=subprocess.PIPE, check=True, timeout=30).stdout


def is_debians(lab):
    return isinstance(lab, torlab.Lab)


def on_disk(node, *names):
    """All of the files of NAMES of one of Debian's relays."""
    found = b""
    for name in names:
        for path in glob.glob(os.path.join(node.dir, name)):
            with open(path, "rb") as f:
                found += f.read()
    return found


@pytest.fixture(scope="module")
def torrc(lab):
    return ["-f", os.path.join(lab.dir, "client.torrc")]


@pytest.fixture(scope="module")
def auth(lab):
    return lab.nodes[0]


@pytest.fixture(scope="module")
def from_auth(torrc, auth):
    """That authority's ORPort alone is asked, for what must be just as it has it."""
    return torrc + ["--from", "%s:%d,rsa=%s" % (auth.address, auth.or_port, auth.fingerprint)]


@pytest.fixture(scope="module")
def from_dirport(torrc, auth):
    return torrc + ["--dirport", "%s:%d" % (auth.address, auth.dir_port)]


def parse(data, kind, **more):
    return list(descriptor.parse_file(io.BytesIO(data), kind, validate=True, **more))


def whole(data, kind):
    found, = parse(data, kind, document_handler="DOCUMENT")
    return found


# ---- each kind ---------------------------------------------------------------------------------

SAME = {  # a want, and the tail of its URL
    "consensus": "status-vote/current/consensus",
    "consensus-microdesc": "status-vote/current/consensus-microdesc",
    "vote/current/authority": "status-vote/current/authority",
    "keys/all": "keys/all",
    "keys/authority": "keys/authority",
    "server/all": "server/all",
    "server/authority": "server/authority",
    "extra/all": "extra/all",
    "extra/authority": "extra/authority",
    "/tor/keys/all": "keys/all",
}


@pytest.mark.parametrize("want", SAME)
def test_same_as_over_the_dirport(auth, from_auth, from_dirport, want):
    served = curl(auth, SAME[want])
    parts = [sorted(split(want, data)) for data in (served, good(*from_auth, want),
                                                    good(*from_dirport, want))]
    assert parts[0] and parts[0] == parts[1] == parts[2]


def split(want, data):
    """Servers list what they have in any order."""
    if want.startswith(("server/all", "extra/all")):
        return [p for p in re.split(rb"(?m)^(?=router |extra-info )", data) if p]
    if "keys" in want:
        return [p for p in re.split(rb"(?m)^(?=dir-key-certificate-version )", data) if p]
    return [data]


@pytest.mark.parametrize("encoding", ["x-zstd", "x-tor-lzma", "gzip", "deflate", "identity"])
def test_any_encoding_is_undone(auth, from_auth, from_dirport, encoding):
    plain = curl(auth, SAME["consensus-microdesc"])
    for source in (from_auth, from_dirport):
        assert good(*source, "--encoding", encoding, "consensus-microdesc") == plain


def test_raw_is_what_came(auth, from_auth):
    import zlib
    raw = good(*from_auth, "--encoding", "deflate", "--raw", "consensus")
    assert zlib.decompress(raw) == curl(auth, SAME["consensus"])


def test_one_by_one(lab, from_auth):
    """By fingerprint and by digest."""
    node = lab.nodes[-1]
    servers = good(*from_auth, "server/fp/" + node.fingerprint)
    server, = parse(servers, "server-descriptor 1.0")
    assert (server.nickname, server.fingerprint) == (node.name, node.fingerprint)
    assert good(*from_auth, "server/d/" + server.digest()) == servers
    extras = good(*from_auth, "extra/fp/" + node.fingerprint)
    extra, = parse(extras, "extra-info 1.0")
    assert extra.nickname == node.name
    assert extra.digest() == server.extra_info_digest
    assert good(*from_auth, "extra/d/" + extra.digest()) == extras
    assert good(*from_auth, "vote/current/" + lab.nodes[0].v3ident) == \
        good(*from_auth, "vote/current/authority")
    cert = good(*from_auth, "keys/fp/" + lab.nodes[1].v3ident)
    assert networkstatus.KeyCertificate(cert, validate=True).fingerprint == lab.nodes[1].v3ident
    if is_debians(lab):
        assert servers in on_disk(lab.nodes[0], "cached-descriptors*")
        assert extras in on_disk(lab.nodes[0], "cached-extrainfo*")
        assert cert in on_disk(lab.nodes[0], "cached-certs")


def test_a_relays_own(lab, torrc):
    node = lab.nodes[-1]
    own = good(*torrc, "--from", "%s:%d" % (node.address, node.or_port), "server/authority")
    assert parse(own, "server-descriptor 1.0")[0].fingerprint == node.fingerprint


def test_microdescriptors(lab, from_auth):
    consensus = whole(good(*from_auth, "consensus-microdesc"),
                      "network-status-microdesc-consensus-3 1.0")
    digests = [r.microdescriptor_digest for r in consensus.routers.values()]
    assert len(digests) == len(lab.nodes)
    data = good(*from_auth, "micro/d/" + "-".join(digests))
    found = parse(data, "microdescriptor 1.0")
    assert sorted(m.digest("SHA256", "BASE64") for m in found) == sorted(digests)
    if is_debians(lab):
        kept = on_disk(lab.nodes[0], "cached-microdescs*")
        assert all(m.get_bytes() in kept for m in found)


def test_what_the_authority_has_on_disk(lab, from_auth):
    if not is_debians(lab):
        pytest.skip("tunic's relays keep nothing on disk")
    auth = lab.nodes[0]
    assert good(*from_auth, "consensus") == on_disk(auth, "cached-consensus")
    assert good(*from_auth, "consensus-microdesc") == on_disk(auth, "cached-microdesc-consensus")
    assert good(*from_auth, "keys/authority") == on_disk(auth, "keys/authority_certificate")
    certs = split("keys", good(*from_auth, "keys/all"))
    assert len(certs) == 3 and all(c in on_disk(auth, "cached-certs") for c in certs)
    done = fetch(*from_auth, "bandwidth")
    assert done.returncode == DONE, done.stderr
    with open(os.path.join(lab.dir, "bandwidths"), "rb") as f:
        assert done.stdout == f.read()
    assert b"note:" in done.stderr      # nothing proves it


def test_stem_validates_what_is_written(lab, torrc, tmp_path):
    """Each file of a folder, by itself."""
    good(*torrc, "-o", "%s/" % tmp_path, "consensus", "consensus-microdesc", "keys/all",
         "vote/current/authority", "server/all", "extra/all")
    kinds = {b"router": "server-descriptor 1.0", b"extra-info": "extra-info 1.0"}
    certs, consensuses, seen = [], [], 0
    for name in sorted(os.listdir(tmp_path)):
        data = (tmp_path / name).read_bytes()
        first = data.split(None, 1)[0]
        if first in kinds:
            found, = parse(data, kinds[first])
            assert found.digest().lower() == name
        elif first == b"dir-key-certificate-version":
            certs.append(networkstatus.KeyCertificate(data, validate=True))
            assert name.upper().startswith(certs[-1].fingerprint)
        elif b"\nvote-status vote\n" in data:
            whole(data, "network-status-vote-3 1.0")
        elif data.startswith(b"network-status-version 3 microdesc\n"):
            consensuses.append(whole(data, "network-status-microdesc-consensus-3 1.0"))
        else:
            consensuses.append(whole(data, "network-status-consensus-3 1.0"))
        seen += 1
    assert len(certs) == 3 and len(consensuses) == 2
    assert seen == 3 + 2 + 1 + 2 * len(lab.nodes)
    ns = [c for c in consensuses if not c.is_microdescriptor]
    ns[0].validate_signatures(certs)
    assert all(len(c.routers) == len(lab.nodes) for c in consensuses)


def test_annotated_for_stem(from_auth):
    data = good(*from_auth, "--annotate", "server/all")
    assert data.startswith(b"@type server-descriptor 1.0\n")
    assert list(descriptor.parse_file(io.BytesIO(data), validate=True))


def test_json(lab, torrc, tmp_path):
    found = json.loads(good(*torrc, "--json", "server/all", "consensus"))
    servers = [d for d in found if d["type"] == "server-descriptor"]
    assert sorted(len(s["digest"]) for s in servers) == [40] * len(lab.nodes)
    assert {d["verdict"] for d in found} == {"good"}
    assert [d["type"] for d in found].count("network-status-consensus-3") == 1
    good(*torrc, "--json", "-o", "%s/j/" % tmp_path, "server/all")
    files = os.listdir(tmp_path / "j")
    assert sorted(files) == sorted(s["digest"] + ".json" for s in servers)
    for name in files:
        assert json.loads((tmp_path / "j" / name).read_text(encoding="utf-8")) in servers


def test_several_wants_over_several_connections(lab, torrc):
    done = fetch(*torrc, "-v", "consensus", "server/all", "extra/all", "keys/all")
    assert done.returncode == DONE
    used = set(re.findall(rb"from (127\S+)", done.stderr))
    assert 2 <= len(used) <= 3
    assert done.stdout.startswith(b"network-status-version 3\n")     # in the order asked for
    assert done.stdout.index(b"\nrouter ") < done.stdout.index(b"\nextra-info ") < \
        done.stdout.index(b"\ndir-key-certificate-version ")


def test_anonymous(lab, auth, torrc, tmp_path):
    state = tmp_path / "state"
    done = fetch(*torrc, "-v", "--anonymous", "--data-directory", state, "consensus",
                 "server/fp/" + lab.nodes[-1].fingerprint)
    assert done.returncode == DONE, done.stderr.decode()
    assert done.stdout.startswith(curl(auth, SAME["consensus"]))
    assert b"identity" in done.stderr and b"x-zstd" not in done.stderr
    guards = re.findall(r"^Guard .*rsa_id=(\w+)", (state / "state").read_text(), re.M)
    assert guards and set(guards) <= {n.fingerprint for n in lab.nodes}
    # A vote is at authorities only, three hops away.
    vote = good(*torrc, "--anonymous", "--data-directory", state, "vote/current/" + auth.v3ident)
    assert vote == curl(auth, "status-vote/current/" + auth.v3ident)


# ---- what there is not -------------------------------------------------------------------------

def test_not_found(lab, torrc, from_auth, from_dirport):
    for source in (torrc, from_auth, from_dirport):
        done = fetch(*source, "server/fp/" + NOBODY)
        assert (done.returncode, done.stdout) == (NOT_FOUND, b"")
        assert b"404" in done.stderr
    # What there is comes all the same.
    node = lab.nodes[-1]
    done = fetch(*from_auth, "server/fp/%s+%s" % (NOBODY, node.fingerprint))
    assert done.returncode == NOT_FOUND
    assert ("not found: fp/" + NOBODY).encode() in done.stderr
    assert parse(done.stdout, "server-descriptor 1.0")[0].fingerprint == node.fingerprint
    done = fetch(*torrc, "--anonymous", "server/fp/" + NOBODY)
    assert done.returncode == NOT_FOUND


def test_another_network_is_not_believed(lab, from_auth, tmp_path):
    """The same source, but the public network's authorities."""
    done = fetch(*from_auth[2:], "--retries", 0, "consensus")
    assert (done.returncode, done.stdout) == (INVALID, b"")
    assert b"invalid: consensus" in done.stderr
    done = fetch(*from_auth[2:], "--no-verify", "consensus")
    assert done.returncode == DONE and done.stdout
    assert b"WARNING: --no-verify" in done.stderr


def test_another_relay_answers(torrc, auth):
    where = "%s:%d" % (auth.address, auth.or_port)
    for identity in ("rsa=" + NOBODY, "ed25519=" + "A" * 43):
        done = fetch(*torrc, "--retries", 0, "--from", where + "," + identity, "consensus")
        assert done.returncode == UNREACHABLE
        assert b"IDENTITY" in done.stderr and b"another relay answers" in done.stderr
