"""tunic fetch: each kind of document, byte for byte what the relay has or serves over its DirPort, as
stem reads it; and what it says and returns when it cannot be had."""

import fcntl
import glob
import hashlib
import io
import json
import os
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

import sut as sut_module
import torlab
from test_testnet import Network, there

descriptor = pytest.importorskip("stem.descriptor")
networkstatus = pytest.importorskip("stem.descriptor.networkstatus")

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="tunic's own command")

DONE, FAILED, USAGE, NOT_FOUND, UNREACHABLE, INVALID = range(6)
NOBODY = "0" * 40


def fetch(*args, timeout=60, **more):
    """tunic fetch ARGS -> CompletedProcess, output in bytes."""
    return subprocess.run(there([sut_module.program(), "fetch", *map(str, args)]),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=timeout, check=False,
                          **{"stdin": subprocess.DEVNULL, **more} if "input" not in more else more)


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
    """One network status. stem 1.8.1 refuses a list of versions that is empty, as authorities
    without recommendations write it: then all but these lines is validated."""
    empty = re.compile(rb"(?m)^(client|server)-versions *\n")
    found, = parse(empty.sub(b"", data), kind, document_handler="DOCUMENT")
    if empty.search(data):
        found, = descriptor.parse_file(io.BytesIO(data), kind, validate=False,
                                       document_handler="DOCUMENT")
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
    for _ in range(5):
        before = split(want, curl(auth, SAME[want]))
        ours = [split(want, good(*source, want)) for source in (from_auth, from_dirport)]
        if split(want, curl(auth, SAME[want])) == before:
            break       # else a relay has published anew meanwhile
    assert before and ours == [before, before]


def split(want, data):
    """Servers list what they have in any order, and tor an empty line behind its own server
    descriptor, which is no part of it."""
    if want.startswith(("server/", "extra/")):
        return sorted(p.rstrip(b"\n") for p in
                      re.split(rb"(?m)^(?=router |extra-info )", data) if p)
    if "keys" in want:
        return sorted(p for p in
                      re.split(rb"(?m)^(?=dir-key-certificate-version )", data) if p)
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
    assert b"WARNING: --raw: nothing" in fetch(*from_auth, "-q", "--raw", "consensus").stderr


def test_raw_in_a_folder_is_named_by_its_digest(from_auth, tmp_path):
    good(*from_auth, "--raw", "-o", "%s/new/" % tmp_path, "keys/all")
    name, = os.listdir(tmp_path / "new")
    assert hashlib.sha256((tmp_path / "new" / name).read_bytes()).hexdigest() == name.split(".")[0]


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
    """On the screen, and in files by their digests."""
    for attempt in range(6):    # young relays of Debian's publish anew at times, between the two
        folder = tmp_path / str(attempt)
        found = json.loads(good(*torrc, "--json", "server/all", "consensus"))
        servers = [d for d in found if d["type"] == "server-descriptor"]
        good(*torrc, "--json", "-o", "%s/" % folder, "server/all")
        if {s["digest"] + ".json" for s in servers} == set(os.listdir(folder)):
            break
        time.sleep(5)
    assert sorted(len(s["digest"]) for s in servers) == [40] * len(lab.nodes)
    assert {d["verdict"] for d in found} == {"good"}
    assert [d["type"] for d in found].count("network-status-consensus-3") == 1
    files = os.listdir(folder)
    assert sorted(files) == sorted(s["digest"] + ".json" for s in servers)
    for name in files:
        assert json.loads((folder / name).read_text(encoding="utf-8")) in servers


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

def test_a_directory_port_is_told_from_an_orport(auth):
    """It says nothing to a TLS handshake: not four times 20 seconds long."""
    begun = time.monotonic()
    done = fetch("--from", "%s:%d" % (auth.address, auth.dir_port), "server/authority",
                 timeout=100)
    assert time.monotonic() - begun < 20
    assert done.returncode == UNREACHABLE
    said = done.stderr.decode()
    assert "it answers in plain HTTP. Is that an ORPort?" in said and "say --dirport" in said


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


def test_messages_are_short_however_long_the_want_is(torrc):
    want = "server/fp/" + "+".join("%040X" % i for i in range(300))
    done = fetch(*torrc, "--from", "127.0.0.1:1", "--retries", 0, want)
    assert done.returncode == UNREACHABLE and b"server/fp/0000" in done.stderr
    assert max(map(len, done.stderr.splitlines())) < 400


PRINTED = ["consensus", "consensus-microdesc", "vote/current/authority", "keys/all", "server/all",
           "extra/all"]


def test_print_gives_the_documents_again(lab, from_auth, tmp_path):
    """Of every kind that the network has: parsed, printed, and not a byte is another one."""
    for want in PRINTED + ["micro/d/" + one_micro(from_auth)]:
        for _ in range(5):
            before, form = good(*from_auth, want), good(*from_auth, "--json", want)
            (tmp_path / "form").write_bytes(form)
            if split(want, before) == split(want, good("--print", tmp_path / "form")):
                break       # else a relay has published anew meanwhile
        else:
            assert good("--print", tmp_path / "form") == before, want
        assert b"unrecognized" not in form, want
    changed = json.loads(form)
    changed[0]["p"] = {"policy": "accept", "ports": ["80"]}
    done = fetch("--print", "-", input=json.dumps(changed).encode())
    assert done.returncode == DONE and b"\np accept 80\n" in done.stdout


def one_micro(source):
    digest = re.search(rb"(?m)^m (\S+)$", good(*source, "consensus-microdesc")).group(1)
    return digest.decode()


@pytest.mark.parametrize("text, why", [("x", b"near"), ("[{}]", b"type"), ("[1", b"near"),
                                       ('{"type":"extra-info","x":1}', b'no "x"')])
def test_print_of_something_else_is_refused(tmp_path, text, why):
    (tmp_path / "form").write_text(text)
    done = fetch("--print", tmp_path / "form")
    assert done.returncode == INVALID and why in done.stderr and not done.stdout, done.stderr
    assert fetch("--print", tmp_path / "nothing").returncode == FAILED


def test_json_is_written_in_large_pieces(from_auth, tmp_path):
    """Not word by word: of a full-size consensus that would be a million system calls."""
    trace = tmp_path / "trace"
    tracer = ["strace", "-f", "-e", "trace=write", "-o", str(trace)]
    if shutil.which("strace") is None:
        pytest.skip("strace is not there")
    done = subprocess.run(there([*tracer, sut_module.program(), "fetch", *map(str, from_auth), "-q",
                                 "--json", "server/all"]), stdout=subprocess.PIPE, check=True,
                          timeout=60)
    assert len(json.loads(done.stdout)) > 5
    assert len(re.findall(r"(?m) write\(1,", trace.read_text())) < 2 + len(done.stdout) // 16384


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


def test_a_folder_in_use_is_left_alone(torrc, tmp_path):
    with open(tmp_path / "lock", "wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = fetch(*torrc, "--anonymous", "--data-directory", tmp_path, "consensus")
    assert done.returncode == FAILED and not done.stdout
    assert b"is in use" in done.stderr
    assert os.listdir(tmp_path) == ["lock"]


# ---- arguments ---------------------------------------------------------------------------------

BAD = {
    (): b"what is to be fetched",
    ("nonsense",): b"WANT \"nonsense\"",
    ("server/fp/xyz",): b"server/fp/xyz",
    ("micro/d/x",): b"micro/d/x",
    ("consensus", "--nonsense"): b"no such option",
    ("consensus", "--from"): b"needs a value",
    ("consensus", "--json=1"): b"takes no value",
    ("consensus", "--from", "localhost:9001"): b"host names are not looked up",
    ("consensus", "--from", "127.0.0.1"): b"must be an IP address and a port",
    ("consensus", "--from", "127.0.0.1:0"): b"port",
    ("consensus", "--from", "127.0.0.1:99999"): b"port",
    ("consensus", "--from", "127.0.0.1:9001,rsa=12"): b"40 hexadecimal digits",
    ("consensus", "--from", "127.0.0.1:9001,ed25519=12"): b"32 bytes in base64",
    ("consensus", "--from", "127.0.0.1:9001,dsa=12"): b"is not known",
    ("consensus", "--dirport", "web.test:80"): b"host names are not looked up",
    ("consensus", "--dir-authority", "nonsense"): b"no DirAuthority line",
    ("consensus", "--authorities-from", "/nonexistent"): b"No such file",
    ("consensus", "--authorities-from", "/dev/null"): b"no DirAuthority line",
    ("consensus", "--fallbacks", "/nonexistent"): b"No such file",
    ("consensus", "--fallbacks", "/dev/null"): b"no fallback",
    ("consensus", "-f", "/nonexistent"): b"No such file",
    ("consensus", "-f", "/"): b"cannot be read",
    ("consensus", "-f", "/etc/passwd"): b"is no torrc",
    ("consensus", "-f", "/dev/null"): b"names no DirAuthority",
    ("consensus", "--encoding", "brotli"): b"must be x-zstd",
    ("consensus", "--retries", "-1"): b"whole number from 0 to 20",
    ("consensus", "--retries", "x"): b"whole number from 0 to 20",
    ("consensus", "--timeout", "0"): b"whole number from 1 to 86400",
    ("consensus", "--timeout", "1.5"): b"whole number",
    ("consensus", "-o", ""): b"name of a file or folder",
    ("consensus", "--data-directory", ""): b"name of a folder",
    ("consensus", "--data-directory", "x"): b"with --anonymous only",
    ("consensus", "--anonymous", "--from", "127.0.0.1:1"): b"chooses relays itself",
    ("consensus", "--anonymous", "--encoding", "gzip"): b"does not go with --anonymous",
    ("consensus", "--raw", "--json"): b"do not go together",
    ("consensus", "--raw", "--annotate"): b"do not go together",
    ("consensus", "--json", "--annotate"): b"do not go together",
    ("consensus", "-q", "-v"): b"do not go together",
    ("consensus", "--check-fallbacks", "x"): b"fetches nothing",
    ("consensus", "--print", "x"): b"fetches nothing",
    ("--print", ""): b"name of a file",
    ("--check-fallbacks", "/nonexistent"): b"No such file",
    ("--check-fallbacks", "/dev/null", "-o", "/tmp"): b"one file",
}


@pytest.mark.parametrize("args", BAD, ids=" ".join)
def test_bad_arguments(args):
    done = fetch(*args)
    assert (done.returncode, done.stdout) == (USAGE, b"")
    assert done.stderr.startswith(b"tunic fetch: ")
    assert done.stderr.count(b"\n") == 1 or "/dev/null" in args    # a list's lines besides
    assert BAD[args] in done.stderr


def test_help():
    text = fetch("--help").stdout
    source = os.path.join(sut_module.TOP, "src", "app", "fetch", "args.c")
    with open(source, encoding="ascii") as f:
        options = set(re.findall(r'\{\{"(-[a-z-]+)", (?:true|false)\}', f.read()))
    assert len(options) > 20
    assert [o for o in options if o.encode() not in text and o != "--output"] == []
    assert max(map(len, text.splitlines())) <= 100
    assert fetch("-h").stdout == text


LIST = """/* type=fallback */
/* version=2.0.0 */
/* timestamp=20210412000000 */
/* ===== */
"192.0.2.1:80 orport=443 id=%040d"
" ipv6=[2001:db8::1]:443"
/* nickname=one */
/* extrainfo=0 */
/* ===== */
,
"192.0.2.2:80 orport=443 id=%040d"
/* nickname=two */
/* extrainfo=1 */
/* ===== */
,
""" % (1, 2)


def test_check_fallbacks(tmp_path):
    """A list of version 2 is checked, and comes out as stem reads it, and as JSON."""
    given, out = tmp_path / "given", tmp_path / "out"
    given.write_text(LIST)
    done = fetch("--check-fallbacks", given, "-o", out)
    assert done.returncode == DONE and b"2 fallbacks, 0 errors" in done.stderr, done.stderr
    assert fetch("--check-fallbacks", given, "-q").stdout == out.read_bytes()
    read = pytest.importorskip("stem.directory").Fallback
    from unittest import mock
    with mock.patch("urllib.request.urlopen", return_value=io.BytesIO(out.read_bytes())):
        found = read.from_remote()
    assert {f.nickname: (f.address, f.or_port, f.dir_port, f.has_extrainfo, f.orport_v6)
            for f in found.values()} == {
                "one": ("192.0.2.1", 443, 80, False, ("2001:db8::1", 443)),
                "two": ("192.0.2.2", 443, 80, True, None)}
    parsed = json.loads(good("--check-fallbacks", given, "--json"))
    assert [f["nickname"] for f in parsed["fallbacks"]] == ["one", "two"]
    assert parsed["headers"]["version"] == "2.0.0"
    given.write_text(LIST.replace("192.0.2.2:80", "192.0.2.1:80").replace("orport=443", "orport=x", 1))
    done = fetch("--check-fallbacks", given, "--json")
    parsed = json.loads(done.stdout)
    assert done.returncode == INVALID
    assert [f["nickname"] for f in parsed["fallbacks"]] == ["two"]
    problem, = [p for p in parsed["problems"] if p["severity"] == "error"]
    assert problem["line"] == 5 and ("%s:5: " % given).encode() in done.stderr
    done = fetch("--check-fallbacks", given, "-o", "/dev/full")
    assert done.returncode == FAILED and b"No space left" in done.stderr


def test_list_sources(lab, torrc, tmp_path):
    lines = good(*torrc, "--list-sources").decode().splitlines()
    authorities = [n for n in lab.nodes if n.role == "authority"]
    assert lines == ["orport %s:%d rsa=%s authority" % (n.address, n.or_port, n.fingerprint)
                     for n in authorities]
    listed = json.loads(good(*torrc, "--list-sources", "--json"))
    assert [s["rsa"] for s in listed] == [n.fingerprint for n in authorities]
    public = good("--list-sources").decode().splitlines()
    assert len(public) > 50 and sum(line.endswith(" authority") for line in public) >= 8
    node = lab.nodes[-1]
    entry = ('/* type=fallback */\n/* version=4.0.0 */\n/* timestamp=20210412000000 */\n'
             '/* source=test */\n//\n"%s orport=%d id=%s"\n/* nickname=%s */\n/* extrainfo=0 */\n'
             '/* ===== */\n,\n' % (node.address, node.or_port, node.fingerprint, node.name))
    (tmp_path / "fallbacks").write_text(entry)
    done = fetch("--fallbacks", tmp_path / "fallbacks", "--list-sources")
    if b"loopback" not in done.stderr and b"reach" not in done.stderr:
        assert done.returncode == DONE and node.fingerprint.encode() in done.stdout
    (tmp_path / "authorities").write_text(
        "# ours\n" + "".join(n.authority_line() + "\n" for n in authorities))
    assert good("--authorities-from", tmp_path / "authorities",
                "--list-sources").decode().splitlines() == lines
    assert good(*[a for n in authorities for a in
                  ("--dir-authority", n.authority_line().split(None, 1)[1])],
                "--list-sources").decode().splitlines() == lines


# ---- files -------------------------------------------------------------------------------------

def test_a_file(auth, from_auth, tmp_path):
    where = tmp_path / "consensus"
    assert good(*from_auth, "-o", where, "consensus") == b""
    assert where.read_bytes() == curl(auth, SAME["consensus"])
    assert stat.S_IMODE(where.stat().st_mode) & 0o600 == 0o600
    # Through a link, and over what there is.
    link = tmp_path / "link"
    link.symlink_to(where)
    good(*from_auth, "-o", link, "keys/authority")
    assert link.is_symlink() and where.read_bytes() == curl(auth, SAME["keys/authority"])
    # What fails leaves the old one.
    assert fetch(*from_auth, "-o", where, "server/fp/" + NOBODY).returncode == NOT_FOUND
    assert where.read_bytes() == curl(auth, SAME["keys/authority"])
    assert sorted(os.listdir(tmp_path)) == ["consensus", "link"]
    assert good(*from_auth, "-o", "/dev/null", "consensus") == b""
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_places_that_cannot_be_written(from_auth, tmp_path):
    (tmp_path / "file").write_text("")
    for where in ("/nonexistent/x", "/nonexistent/x/", str(tmp_path / "file") + "/", "/proc/x"):
        done = fetch(*from_auth, "-o", where, "consensus")
        assert done.returncode == FAILED, where
        assert b"cannot" in done.stderr or b"no folder" in done.stderr
    with open("/dev/full", "wb") as full:
        done = subprocess.run(there([sut_module.program(), "fetch", *from_auth, "consensus"]),
                              stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == FAILED and b"No space left" in done.stderr
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(there([sut_module.program(), "fetch", *from_auth, "consensus"]),
                          stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writer)
    assert done.returncode == FAILED and b"Broken pipe" in done.stderr


@pytest.mark.parametrize("folder", [False, True])
def test_a_limit_in_mid_write_leaves_no_half_file(from_auth, tmp_path, folder):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
    where = str(tmp_path) + "/" if folder else tmp_path / "consensus"
    done = fetch(*from_auth, "-o", where, "consensus", preexec_fn=limit)
    assert done.returncode == FAILED
    assert b"File too large" in done.stderr
    assert os.listdir(tmp_path) == []


def test_a_full_disk_leaves_no_half_file(lab, from_auth, tmp_path):
    """A file system of 32 kB, in a mount namespace of its own."""
    script = ('mount -t tmpfs -o size=32k none "$1" && cd "$1" && shift && echo old > all && '
              '{ "$@" -o all server/all extra/all server/all; echo "status $?"; ls -A; cat all; }')
    base = [] if os.geteuid() == 0 else ["--map-root-user"]
    done = subprocess.run(
        there(["unshare", *base, "--mount", "sh", "-c", script, "sh", str(tmp_path),
               sut_module.program(), "fetch", *from_auth]),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    if "status" not in done.stdout:
        pytest.skip("no mount namespace here: " + done.stderr.strip()[-200:])
    assert done.stdout == "status 1\nall\nold\n"
    assert "No space left on device; make room" in done.stderr


def test_ended_by_a_signal(from_auth, tmp_path):
    listener = Server(b"")
    process = subprocess.Popen(
        there([sut_module.program(), "fetch", *from_auth[:2], "--from", listener.where, "-o",
               str(tmp_path / "x"), "consensus"]), stderr=subprocess.PIPE)
    assert listener.came.wait(20)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == FAILED
    assert b"interrupted" in process.stderr.read()
    process.stderr.close()
    assert os.listdir(tmp_path) == []


# ---- who answers -------------------------------------------------------------------------------

class Server:
    """On the relays' side: says GREETING (at once, or to whatever it is sent), and hangs up; with
    nothing to say it stays silent."""

    def __init__(self, greeting, at_once=False):
        code = ("import socket,sys,threading\n"
                "s=socket.create_server(('127.0.0.1',0));print(s.getsockname()[1],flush=True)\n"
                "g=bytes.fromhex(sys.argv[1]);at_once=sys.argv[2]=='1'\n"
                "kept=[]\n"
                "while True:\n"
                "    c,_=s.accept();print('came',flush=True);kept.append(c)\n"
                "    try:\n"
                "        c.settimeout(5)\n"
                "        if at_once: c.sendall(g);c.recv(65536)\n"
                "        elif g: c.recv(65536);c.sendall(g)\n"
                "        if g: c.close()\n"
                "    except OSError: pass\n")
        self.process = subprocess.Popen(there(["python3", "-c", code, greeting.hex(),
                                               "1" if at_once else "0"]),
                                        stdout=subprocess.PIPE, text=True)
        self.where = "127.0.0.1:" + self.process.stdout.readline().strip()
        self.came = threading.Event()
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        for _ in self.process.stdout:
            self.came.set()

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.process.kill()
        self.process.wait()


WEB = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
SSH = b"SSH-2.0-OpenSSH_9.2p1\r\n"
TLS_ALERT = b"\x15\x03\x03\x00\x02\x02\x28"


@pytest.mark.parametrize("option,greeting,at_once,status,says", [
    ("--from", WEB, False, UNREACHABLE, b"tls: PROTOCOL, TLS_ERROR"),
    ("--from", SSH, True, UNREACHABLE, b"tls: PROTOCOL, TLS_ERROR"),
    ("--from", b"", False, UNREACHABLE, b"tls: TIMEOUT"),
    ("--dirport", WEB, False, UNREACHABLE, b"the server says 400 Bad Request"),
    ("--dirport", SSH, True, INVALID, b"an SSH server answers there"),
    ("--dirport", TLS_ALERT, False, INVALID, b"a TLS server answers there"),
    ("--dirport", b"", False, UNREACHABLE, b"directory: TIMEOUT: no answer to the request"),
    ("--dirport", b"HTTP/1.0 200 OK\r\n\r\n", False, NOT_FOUND, b"is empty"),
    ("--dirport", b"HTTP/1.0 200 OK\r\n\r\nhello", False, INVALID, b"invalid"),
    ("--dirport", b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nhello", False, INVALID,
     b"message ends too early"),
    ("--dirport", b"HTTP/1.0 200 OK\r\nContent-Encoding: x-zstd\r\n\r\nhello", False, INVALID,
     b"malformed"),
])
def test_other_servers(torrc, option, greeting, at_once, status, says):
    with Server(greeting, at_once) as server:
        done = fetch(*torrc, option, server.where, "--retries", 0, "--timeout", 2, "consensus")
    assert (done.returncode, done.stdout) == (status, b"")
    assert says in done.stderr and server.where.encode() in done.stderr


def test_nobody_there(torrc):
    for option in ("--from", "--dirport"):
        begun = time.monotonic()
        done = fetch(*torrc, option, "127.0.0.1:1", "--retries", 2, "--timeout", 30, "consensus")
        assert done.returncode == UNREACHABLE
        assert b"in 3 attempts" in done.stderr and b"Connection refused" in done.stderr
        assert 1 < time.monotonic() - begun < 10     # with a pause before each attempt
    done = fetch(*torrc, "-q", "--from", "127.0.0.1:1", "--retries", 0, "consensus")
    assert (done.returncode, done.stderr) == (UNREACHABLE, b"")


def test_another_source_helps(torrc, auth):
    """What does not answer, is no relay, or has it not, is passed over."""
    here = "%s:%d" % (auth.address, auth.or_port)
    with Server(SSH, True) as ssh, Server(b"") as silent:
        done = fetch(*torrc, "--timeout", 12, "-v", "--from", "127.0.0.1:1", "--from", ssh.where,
                     "--from", silent.where, "--from", here, "consensus")
    assert done.returncode == DONE, done.stderr.decode()
    assert done.stdout == curl(auth, SAME["consensus"])
    assert done.stderr.count(b"trying again") == 3


def test_detached_signatures_and_next_ones(lab, auth, torrc):
    """Authorities have these for seconds only: here a web server has what would be there."""
    consensus = curl(auth, SAME["consensus"]).decode()
    vote = curl(auth, SAME["vote/current/authority"])
    head, *signatures = re.split(r"(?m)^(?=directory-signature )", consensus)
    signed = (head + "directory-signature ").encode()
    detached = "consensus-digest %s\n" % hashlib.sha1(signed).hexdigest().upper()
    detached += "".join(re.findall(r"(?m)^(?:valid-after|fresh-until|valid-until) .*\n", head))
    detached += "".join(s for s in signatures if not s.startswith("directory-signature sha"))
    pages = {"/tor/status-vote/next/consensus": consensus.encode(),
             "/tor/status-vote/next/authority": vote,
             "/tor/status-vote/next/consensus-signatures": detached.encode(),
             "/tor/keys/all": curl(auth, "keys/all")}
    with Pages(pages) as web:
        source = torrc + ["--dirport", web.where]
        assert good(*source, "vote/next/authority", "--from",
                    "%s:%d" % (auth.address, auth.or_port)) == vote
        done = fetch(*source, "consensus-signatures")
        assert (done.returncode, done.stdout) == (DONE, detached.encode()), done.stderr.decode()


class Pages:
    """A web server of PAGES (path -> bytes) on the relays' side."""

    def __init__(self, pages):
        code = ("import http.server,json,sys\n"
                "pages={k:bytes.fromhex(v) for k,v in json.load(sys.stdin).items()}\n"
                "class H(http.server.BaseHTTPRequestHandler):\n"
                "    def log_message(self,*a): pass\n"
                "    def do_GET(self):\n"
                "        p=pages.get(self.path)\n"
                "        self.send_response(200 if p else 404);self.end_headers()\n"
                "        self.wfile.write(p or b'')\n"
                "s=http.server.ThreadingHTTPServer(('127.0.0.1',0),H)\n"
                "print(s.server_port,flush=True);s.serve_forever()\n")
        self.process = subprocess.Popen(there(["python3", "-c", code]), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        json.dump({k: v.hex() for k, v in pages.items()}, self.process.stdin)
        self.process.stdin.close()
        self.where = "127.0.0.1:" + self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


# ---- relays that break the rules ---------------------------------------------------------------

@pytest.fixture(scope="module")
def faulty():
    """A network of its own, whose first authority is made to fail in one way after the other."""
    if os.environ.get("NETWORK", "tor") == "tor":
        pytest.skip("Debian's relays have no faults to switch on")
    with Network("--no-client") as net:
        net.auth = json.loads(net.file("nodes.json"))["nodes"][0]
        net.source = ["-f", os.path.join(net.dir, "client.torrc"), "--from",
                      "%s:%d" % (net.auth["address"], net.auth["or_port"])]
        yield net


class Fault:
    def __init__(self, net, fault):
        self.net, self.fault = net, fault

    def order(self, line):
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(20)
            control.connect(os.path.join(self.net.dir, "control"))
            control.sendall(line.encode() + b"\n")
            assert control.makefile().readline().strip() == "ok"

    def __enter__(self):
        self.order("fault auth1:" + self.fault)

    def __exit__(self, *problem):
        self.order("honest auth1")


STAGES = [
    # It stalls:
    ("link-no-netinfo", UNREACHABLE, b"link: TIMEOUT, TIMEOUT: link handshake not done; --timeout"),
    ("circ-silent", UNREACHABLE, b"circuit hop 1: TIMEOUT, TIMEOUT: no answer; --timeout is over"),
    ("dir-silent", UNREACHABLE, b"directory: TIMEOUT: no answer to the request; --timeout is over"),
    ("dir-drip", UNREACHABLE, b"directory: TIMEOUT: the document is not all here yet; --timeout"),
    # It breaks the protocol, or refuses:
    ("link-no-certs", UNREACHABLE, b"link: PROTOCOL"),
    ("link-cert-expired", UNREACHABLE, b"expired (or our clock is wrong)"),
    ("circ-destroy", UNREACHABLE, b"circuit hop 1: REFUSED, TORPROTOCOL"),
    ("circ-bad-auth", UNREACHABLE, b"circuit hop 1: PROTOCOL"),
    ("circ-created-twice", UNREACHABLE, b"circuit hop 1: PROTOCOL"),
    ("dir-404", NOT_FOUND, b"the server says 404"),
    ("dir-503", UNREACHABLE, b"It is busy: try again later"),
    # What it sends is none, or no good:
    ("dir-garbage", INVALID, b"message is malformed"),
    ("dir-truncated", INVALID, b"message ends too early"),
    ("dir-zlib-cut", INVALID, b"message ends too early"),
    ("dir-bomb", INVALID, b"expands beyond all bounds"),
    ("dir-unsigned", INVALID, b"it is signed by 1 of the 3 authorities"),
    ("dir-forged", INVALID, b"the signature is wrong"),
    ("dir-old", INVALID, b"our clock says"),
    ("dir-future", INVALID, b"our clock says"),
    ("dir-bad-utf8", INVALID, b"it is no consensus"),
]


@pytest.mark.parametrize("fault,status,says", STAGES, ids=[s[0] for s in STAGES])
def test_a_fault(faulty, tmp_path, fault, status, says):
    with Fault(faulty, fault):
        begun = time.monotonic()
        done = fetch(*faulty.source, "--retries", 0, "--timeout", 2, "-o", tmp_path / "x",
                     "consensus")
        assert time.monotonic() - begun < 5
    assert done.returncode == status, done.stderr.decode()
    assert says in done.stderr
    assert b"consensus: " in done.stderr and faulty.auth["address"].encode() in done.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("fault", ["dir-forged", "dir-silent", "circ-silent", "dir-truncated",
                                   "dir-503", "dir-404", "dir-drip", "link-no-netinfo"])
def test_a_fault_is_got_round(faulty, fault):
    """Where there are other sources."""
    others = [n for n in json.loads(faulty.file("nodes.json"))["nodes"] if n["role"] == "authority"]
    more = [a for n in others[1:] for a in ("--from", "%s:%d" % (n["address"], n["or_port"]))]
    with Fault(faulty, fault):
        done = fetch(*faulty.source, *more, "-v", "--timeout", 4, "consensus", "server/all")
    assert done.returncode == DONE, done.stderr.decode()
    assert b"trying " in done.stderr
    assert done.stdout.startswith(b"network-status-version 3\n")


@pytest.mark.parametrize("fault,want", [("dir-desc-sig", "server/authority"),
                                        ("dir-desc-ed-sig", "server/authority"),
                                        ("dir-wrong-microdesc", None)])
def test_a_forged_descriptor(faulty, fault, want):
    if want is None:
        consensus = good(*faulty.source, "consensus-microdesc").decode()
        want = "micro/d/" + "-".join(re.findall(r"(?m)^m (\S+)$", consensus))
    with Fault(faulty, fault):
        done = fetch(*faulty.source, "--retries", 0, want)
        assert done.returncode in (INVALID, NOT_FOUND), done.stderr.decode()
        assert b"invalid: " in done.stderr
        skipped = fetch(*faulty.source, "--retries", 0, "--no-verify", want)
        assert b"WARNING: --no-verify" in skipped.stderr
        assert len(skipped.stdout) > len(done.stdout)


def test_interrupted_while_nobody_reads(tmp_path, from_auth):
    """A pipe without a reader does not keep it; nor does one whose reader has stopped."""
    os.mkfifo(tmp_path / "pipe")
    for output, stdout in ((["-o", tmp_path / "pipe"], subprocess.DEVNULL), ([], subprocess.PIPE)):
        want = ["consensus", "server/all", "extra/all"] * 10
        with subprocess.Popen(
                there([sut_module.program(), "fetch", *map(str, from_auth), "-q",
                       *map(str, output), *want]), stdout=stdout) as process:
            try:
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(2)
                process.send_signal(signal.SIGINT)
                assert process.wait(5) in (-signal.SIGINT, FAILED)
            finally:
                process.kill()
    assert os.listdir(tmp_path) == ["pipe"]


# ---- progress ----------------------------------------------------------------------------------

def test_progress_on_a_terminal():
    """With bytes, how much of it, and rate; and none of it elsewhere."""
    if os.environ.get("NETWORK", "tor") == "tor":
        pytest.skip("its own network is needed, and once is enough")
    with Network("--no-client", "--phantom", "2000", "--rate", "300KB") as net:
        master, slave = os.openpty()
        process = subprocess.Popen(
            there([sut_module.program(), "fetch", "-f", os.path.join(net.dir, "client.torrc"),
                   "--encoding", "identity", "consensus"]),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave)
        os.close(slave)
        seen = b""
        while True:
            try:
                piece = os.read(master, 4096)
            except OSError:     # the other end is closed
                break
            if not piece:
                break
            seen += piece
        os.close(master)
        assert process.wait(20) == DONE
        assert re.search(rb"\r\d+ kB of \d+ kB \(\d+ %\), \d+ kB/s, 0 of 1 done, asking 127", seen)
        assert re.search(rb"\x1b\[Ktunic fetch: 1 documents, \d+ kB on the wire in \d", seen)
        shares = [int(n) for n in re.findall(rb"\((\d+) %\)", seen)]
        assert len(shares) > 3 and shares == sorted(shares) and shares[-1] <= 100
        quiet = fetch("-f", os.path.join(net.dir, "client.torrc"), "consensus")
        assert (quiet.returncode, quiet.stderr) == (DONE, b"")


# ---- much --------------------------------------------------------------------------------------

def test_more_than_fits_one_request(tmp_path):
    """92 microdescriptors a request; the answers of several, in one folder or one stream."""
    if os.environ.get("NETWORK", "tor") == "tor":
        pytest.skip("its own network is needed, and once is enough")
    with Network("--no-client", "--phantom", "500") as net:
        source = ["-f", os.path.join(net.dir, "client.torrc")]
        consensus = good(*source, "consensus-microdesc").decode()
        digests = re.findall(r"(?m)^m (\S+)$", consensus)
        assert len(digests) == 511
        want = "micro/d/" + "-".join(digests)
        done = fetch(*source, "-v", want, want + "-" + "A" * 43)
        assert done.returncode == NOT_FOUND
        assert done.stderr.count(b"not found: d/" + b"A" * 43) == 1
        assert 2 <= len(set(re.findall(rb"bytes from (\S+)", done.stderr))) <= 3
        found = parse(done.stdout, "microdescriptor 1.0")
        names = sorted(m.digest("SHA256", "BASE64") for m in found)
        assert names == sorted(2 * digests)
        good(*source, "-o", "%s/" % tmp_path, want)
        wanted = {m.digest("SHA256", "HEX").lower() for m in found}
        assert set(os.listdir(tmp_path)) == wanted
        for name in wanted:
            assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == name


def test_one_failure_does_not_spoil_the_rest(lab, torrc, tmp_path):
    """The exit status is that of the worst."""
    done = fetch(*torrc, "-o", "%s/" % tmp_path, "server/fp/" + NOBODY, "keys/all")
    assert done.returncode == NOT_FOUND
    assert len(os.listdir(tmp_path)) == 3
    with Server(b"HTTP/1.0 200 OK\r\n\r\nhello") as server:
        done = fetch(*torrc, "--retries", 0, "--dirport", server.where, "consensus", "keys/all")
        assert (done.returncode, done.stdout) == (INVALID, b"")
        assert done.stderr.count(b"invalid: ") == 2


@pytest.mark.parametrize("option", ["--from", "--dirport"])
def test_a_port_that_takes_no_connection(torrc, option):
    """Its queue is full, so SYNs are dropped: the first of the stages to stall in."""
    code = ("import socket,sys\n"
            "s=socket.socket();s.bind(('127.0.0.1',0));s.listen(0)\n"
            "kept=[]\n"
            "for _ in range(4):\n"
            "    c=socket.socket();c.setblocking(False);c.connect_ex(s.getsockname())\n"
            "    kept.append(c)\n"
            "print(s.getsockname()[1],flush=True);sys.stdin.read()\n")
    process = subprocess.Popen(there(["python3", "-c", code]), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    where = "127.0.0.1:" + process.stdout.readline().strip()
    done = fetch(*torrc, option, where, "--retries", 0, "--timeout", 2, "consensus")
    process.stdin.close()
    process.wait(10)
    process.stdout.close()
    assert done.returncode == UNREACHABLE
    assert b"tcp: TIMEOUT" in done.stderr and where.encode() in done.stderr
