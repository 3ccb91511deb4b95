"""tunic forge: stem reads and validates all that it makes; tor takes it for its directory."""

import base64
import calendar
import hashlib
import io
import os
import re
import signal
import socket
import subprocess
import time

import pytest

import privnet
import sut as sut_module

descriptor = pytest.importorskip("stem.descriptor")
networkstatus = pytest.importorskip("stem.descriptor.networkstatus")
control = pytest.importorskip("stem.control")

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="about tunic's own command")

TUNIC = sut_module.program()
MANUAL = os.path.join(sut_module.TOP, "docs", "forge.md")
WHOLE = "DOCUMENT"
WHEN = "2026-01-31 12:00:00"
SERVER, EXTRA = "server-descriptor 1.0", "extra-info 1.0"
NS, MICRO = "network-status-consensus-3 1.0", "network-status-microdesc-consensus-3 1.0"
HOUR = 3600


def run(*argv, **more):
    return subprocess.run([TUNIC, "forge", *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60, check=False, **more)


def forge(*argv, **more):
    done = run(*argv, **more)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def parse(content, kind, **more):
    """stem checks digests and signatures of what it validates."""
    return list(descriptor.parse_file(io.BytesIO(content), kind, validate=True, **more))


def read(*path):
    with open(os.path.join(*map(str, path)), "rb") as f:
        return f.read()


def network(folder, *argv):
    forge("consensus", "--out", str(folder), *argv)
    return folder


# ---- relays ----

def test_server_is_signed_by_its_relay():
    one, = parse(forge("server", "--nickname", "caerSidi", "--address", "203.0.113.7", "--or-port",
                       "443", "--dir-port", "80", "--bandwidth", "12345", "--published", WHEN,
                       "--exit-policy", "accept *:80,reject *:*", "--contact", "me",
                       "--platform", "Tor 0.4.8.1 on Linux"), SERVER)
    assert (one.nickname, one.address, one.or_port, one.dir_port) == (
        "caerSidi", "203.0.113.7", 443, 80)
    assert (one.average_bandwidth, one.contact, str(one.published)) == (12345, b"me", WHEN)
    assert str(one.exit_policy) == "accept *:80, reject *:*"
    assert str(one.tor_version) == "0.4.8.1"
    assert one.ed25519_certificate is not None and one.signature


def test_a_spoilt_server_is_refused_by_stem():
    whole = forge("server", "--nickname", "caerSidi")
    with pytest.raises(ValueError):
        parse(whole.replace(b"caerSidi", b"caerSidj"), SERVER)
    parse(whole, SERVER)


def test_set_and_drop_change_what_is_signed():
    one, = parse(forge("server", "--contact", "me", "--set", "contact you", "--set",
                       "hibernating 1", "--drop", "caches-extra-info", "--set",
                       "reject *:25", "--set", "accept *:*"), SERVER)
    assert one.contact == b"you" and one.hibernating and not one.extra_info_cache
    assert str(one.exit_policy) == "reject *:25, accept *:*"


def test_objects_can_be_set():
    key = "-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----"
    content = forge("server", "--set", "onion-key\n" + key)
    assert content.count(b"onion-key\n" + key.encode() + b"\n") == 1


def test_content_has_no_signatures():
    for kind in ("server", "extra-info"):
        content = forge(kind, "--no-sign")
        assert b"router-sig" not in content and b"published " in content
    for kind in ("consensus", "vote"):
        assert b"\ndirectory-signature " not in forge(kind, "--no-sign").split(b"\nr ")[-1]
    assert b"dir-key-certification" not in forge("key-certificate", "--no-sign")


def test_many_in_a_folder_each_by_its_digest(tmp_path):
    assert forge("server", "--count", "12", "--nickname", "many", "--out", str(tmp_path)) == b""
    extras = {}
    for name in os.listdir(tmp_path / "extra-infos"):
        one, = parse(read(tmp_path, "extra-infos", name), EXTRA)
        assert one.digest() == name
        extras[name] = one
    servers = [(name, *parse(read(tmp_path, "server-descriptors", name), SERVER))
               for name in os.listdir(tmp_path / "server-descriptors")]
    assert len(servers) == len(extras) == 12
    assert {s.nickname for _, s in servers} == {"many%d" % n for n in range(1, 13)}
    assert len({s.address for _, s in servers}) == 12
    for name, one in servers:
        assert one.digest() == name
        assert extras[one.extra_info_digest].fingerprint == one.fingerprint
        whole = read(tmp_path, "extra-infos", one.extra_info_digest)
        assert base64.b64encode(hashlib.sha256(whole).digest()).decode().rstrip("=") == \
            one.extra_info_sha256_digest
    assert set(os.listdir(tmp_path / "keys")) == {s.fingerprint for _, s in servers}


def test_the_extra_info_goes_with_the_server_of_the_same_seed():
    seeded = ("--seed", "x", "--published", WHEN)
    server, = parse(forge("server", *seeded), SERVER)
    extra, = parse(forge("extra-info", *seeded), EXTRA)
    assert server.extra_info_digest == extra.digest()
    changed, = parse(forge("extra-info", *seeded, "--set", "dirreq-v3-ips us=8"), EXTRA)
    assert changed.fingerprint == extra.fingerprint and changed.dir_v3_ips == {"us": 8}


def test_a_seed_repeats_and_another_does_not():
    first = forge("consensus", "--seed", "a", "--valid-after", WHEN)
    assert first == forge("consensus", "--seed", "a", "--valid-after", WHEN)
    assert first != forge("consensus", "--seed", "b", "--valid-after", WHEN)


def test_microdescs_are_named_by_their_digest(tmp_path):
    servers = forge("server", "--count", "3", "--exit-policy", "accept *:443")
    (tmp_path / "servers").write_bytes(servers)
    mds = parse(forge("microdesc", "--relays", str(tmp_path / "servers")), "microdescriptor 1.0")
    relays = parse(servers, SERVER)
    assert [m.identifiers["ed25519"] for m in mds] == [
        r.ed25519_master_key.rstrip("=") for r in relays]
    assert [m.ntor_onion_key for m in mds] == [r.ntor_onion_key for r in relays]
    assert {str(m.exit_policy) for m in mds} == {"accept 443"}
    (tmp_path / "one").write_bytes(forge("server"))
    more = forge("microdesc", "--relays", str(tmp_path / "servers"), "--relays", str(tmp_path / "one"),
                 "--count", "2")
    assert len(parse(more, "microdescriptor 1.0")) == 3 + 1 + 2
    forge("microdesc", "--relays", "-", "--out", str(tmp_path / "out"), input=servers)
    names = os.listdir(tmp_path / "out" / "microdescs")
    assert all(hashlib.sha256(read(tmp_path, "out", "microdescs", n)).hexdigest().upper() == n
               for n in names) and len(names) == 3


# ---- authorities ----

def certificates(content):
    first = b"dir-key-certificate-version "
    return [networkstatus.KeyCertificate(first + part, validate=True)
            for part in content.split(first)[1:]]


def test_key_certificates():
    one, two = certificates(forge("key-certificate", "--authorities", "2", "--published", WHEN,
                                  "--expires", "2026-03-01 00:00:00"))
    assert one.fingerprint != two.fingerprint
    assert str(one.published) == WHEN and str(one.expires) == "2026-03-01 00:00:00"


@pytest.mark.parametrize("flavor,kind", [("ns", NS), ("microdesc", MICRO)])
def test_consensus_is_signed_by_its_authorities(tmp_path, flavor, kind):
    network(tmp_path, "--authorities", "5", "--count", "7", "--valid-after", WHEN, "--fresh-until",
            "2026-01-31 12:30:00", "--valid-until", "2026-01-31 15:00:00", "--params", "a=1 b=-2",
            "--voting-delay", "20 30")
    name = "consensus" if flavor == "ns" else "consensus-microdesc"
    consensus, = parse(read(tmp_path, name), kind, document_handler=WHOLE)
    certs = certificates(read(tmp_path, "key-certificates"))
    assert len(certs) == 5 and len(consensus.routers) == 7
    if flavor == "ns":      # stem knows no signatures with SHA-256
        consensus.validate_signatures(certs)
    assert len(consensus.signatures) == 5
    assert (str(consensus.valid_after), str(consensus.fresh_until), str(consensus.valid_until)) == (
        WHEN, "2026-01-31 12:30:00", "2026-01-31 15:00:00")
    assert (consensus.vote_delay, consensus.dist_delay) == (20, 30)
    assert consensus.params["a"] == 1 and consensus.params["b"] == -2
    for relay in consensus.routers.values():
        if flavor == "ns":
            one, = parse(read(tmp_path, "server-descriptors", relay.digest), SERVER)
            assert one.fingerprint == relay.fingerprint
            assert one.published == relay.published
    digests = {hashlib.sha256(read(tmp_path, "microdescs", n)).hexdigest().upper()
               for n in os.listdir(tmp_path / "microdescs")}
    assert len(digests) == 7 and digests == set(os.listdir(tmp_path / "microdescs"))


def test_flags_and_weights_are_set(tmp_path):
    (tmp_path / "s").write_bytes(forge("server", "--count", "3", "--nickname", "r"))
    consensus, = parse(forge("consensus", "--relays", str(tmp_path / "s"), "--flags",
                             "*=Running,Valid", "--flags", "r2=Exit,Running,Valid", "--weight",
                             "r3=77", "--set", "client-versions 0.4.9.1"), NS,
                       document_handler=WHOLE)
    by_name = {r.nickname: r for r in consensus.routers.values()}
    assert {n: set(r.flags) for n, r in by_name.items()} == {
        "r1": {"Running", "Valid"}, "r2": {"Exit", "Running", "Valid"}, "r3": {"Running", "Valid"}}
    assert (by_name["r3"].bandwidth, by_name["r1"].bandwidth) == (77, 1000)
    assert [str(v) for v in consensus.client_versions] == ["0.4.9.1"]


def test_phantoms_are_as_varied_as_the_public_network(tmp_path):
    network(tmp_path, "--phantom", "3000", "--seed", "a")
    consensus, = parse(read(tmp_path, "consensus-microdesc"), MICRO, document_handler=WHOLE)
    routers = list(consensus.routers.values())
    assert len(routers) == 3000 and not (tmp_path / "server-descriptors").exists()
    share = {flag: sum(flag in r.flags for r in routers) / len(routers)
             for flag in ("Guard", "Exit", "Stable", "V2Dir", "BadExit", "MiddleOnly")}
    assert 0.5 < share["Guard"] < 0.65 and 0.22 < share["Exit"] < 0.32, share
    assert 0.85 < share["Stable"] < 0.96 and 0.7 < share["V2Dir"] < 0.9, share
    assert 0 < share["BadExit"] < 0.03 and 0 < share["MiddleOnly"] < 0.03, share
    weights = sorted(r.bandwidth for r in routers)
    assert weights[0] < 5 and 5000 < weights[1500] < 20000 and weights[-1] > 100000
    micros = parse(b"".join(read(tmp_path, "microdescs", name)
                            for name in os.listdir(tmp_path / "microdescs")),
                   "microdescriptor 1.0")
    assert len(micros) == 3000
    assert 1200 < sum(bool(m.family) for m in micros) < 1900
    light, = parse(forge("consensus", "--phantom", "100", "--spread", "light", "--flavor",
                         "microdesc"), MICRO, document_handler=WHOLE)
    assert sum(r.bandwidth for r in light.routers.values()) < 1000


def test_votes(tmp_path):
    network(tmp_path, "--authorities", "2", "--count", "3")
    consensus, = parse(read(tmp_path, "consensus"), NS, document_handler=WHOLE)
    digests = {a.v3ident: a.vote_digest for a in consensus.directory_authorities}
    assert set(os.listdir(tmp_path / "votes")) == set(digests)
    for v3ident, digest in digests.items():
        content = read(tmp_path, "votes", v3ident)
        vote, = parse(content, "network-status-vote-3 1.0", document_handler=WHOLE)
        assert vote.is_vote and len(vote.routers) == 3
        assert vote.directory_authorities[0].key_certificate.fingerprint == v3ident
        signed = content[:content.index(b"directory-signature ") + len("directory-signature ")]
        assert hashlib.sha1(signed).hexdigest().upper() == digest


# ---- what is not said ----

def test_relays_by_default(tmp_path):
    """Addresses that belong to nobody, and the numbers that the manual page has."""
    network(tmp_path, "--valid-after", WHEN)
    names = os.listdir(tmp_path / "server-descriptors")
    relays = [parse(read(tmp_path, "server-descriptors", n), SERVER)[0] for n in names]
    assert sorted(r.nickname for r in relays) == ["forged%d" % n for n in range(1, 10)]
    for one in relays:
        assert re.fullmatch(r"240\.\d+\.\d+\.1", one.address)
        assert (one.or_port, one.dir_port or 0) == (9001, 0)
        assert one.average_bandwidth == one.burst_bandwidth == one.observed_bandwidth == 1000000
        assert str(one.published) == "2026-01-31 11:00:00"
    exits = [r.nickname for r in relays if r.exit_policy.is_exiting_allowed()]
    assert len(exits) == 3
    alone, = parse(forge("server", "--proto", "Link=4-5 Relay=1-4"), SERVER)
    assert not alone.exit_policy.is_exiting_allowed()
    assert alone.protocols == {"Link": [4, 5], "Relay": [1, 2, 3, 4]}
    consensus, = parse(read(tmp_path, "consensus"), NS, document_handler=WHOLE)
    for one in consensus.routers.values():
        last = {"Exit"} if one.nickname in exits else {"Guard"}
        assert set(one.flags) == {"Fast", "Running", "Stable", "Valid", "V2Dir"} | last


def test_times_by_default():
    consensus, = parse(forge("consensus"), NS, document_handler=WHOLE)
    after = consensus.valid_after
    assert (after.minute, after.second) == (0, 0)
    assert 0 <= time.time() - calendar.timegm(after.timetuple()) < HOUR + 60
    assert ((consensus.fresh_until - after).total_seconds(),
            (consensus.valid_until - after).total_seconds()) == (HOUR, 3 * HOUR)
    assert (consensus.vote_delay, consensus.dist_delay) == (300, 300)
    assert len(consensus.directory_authorities) == 3
    one, = certificates(forge("key-certificate", "--published", "1769860800"))
    assert (str(one.published), (one.expires - one.published).days) == (WHEN, 365)


def test_examples_of_the_page(tmp_path):
    page = privnet.read_text(os.path.join(sut_module.TOP, "docs", "tunic-forge.1"))
    shown = re.search(r"^\.SH EXAMPLES\n\.nf\n(.*?)^\.fi", page, re.M | re.S).group(1)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tunic").symlink_to(TUNIC)
    lines = [line.split(" && tor ")[0].replace("\\-", "-") for line in shown.splitlines()]
    done = subprocess.run(
        ["sh", "-eux", "-c", "\n".join(lines)], cwd=tmp_path, timeout=60, check=False,
        env=dict(os.environ, PATH="%s:%s" % (tmp_path / "bin", os.environ["PATH"])),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
    last, = parse(done.stdout.encode(), NS, document_handler=WHOLE)
    assert [r.nickname for r in last.routers.values()] == ["caerSidi"]
    assert len(os.listdir(tmp_path / "bridges" / "server-descriptors")) == 100


# ---- tor's own tools ----

def tor(*argv, **more):
    return subprocess.run([privnet.find_program("tor"), "-f", "/nonexistent", "--ignore-missing-torrc",
                           "--defaults-torrc", "/dev/null", "--quiet", *argv],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
                          check=False, **more)


def fingerprint_by_tor(data):
    done = tor("--DataDirectory", str(data), "--ORPort", "9001", "--Nickname", "x",
               "--list-fingerprint")
    assert done.returncode == 0, done.stdout
    return done.stdout.split(None, 1)[1].replace(" ", "").strip()


def test_tor_runs_with_forged_keys(tmp_path):
    forge("server", "--out", str(tmp_path))
    name, = os.listdir(tmp_path / "keys")
    secret = read(tmp_path, "keys", name, "keys", "ed25519_master_id_secret_key")
    assert fingerprint_by_tor(tmp_path / "keys" / name) == name
    # tor did not make a new one
    assert read(tmp_path, "keys", name, "keys", "ed25519_master_id_secret_key") == secret


def test_keys_of_tor_are_taken(tmp_path):
    fingerprint = fingerprint_by_tor(tmp_path)
    public = read(tmp_path, "keys", "ed25519_master_id_public_key")[32:]
    for folder in (tmp_path, tmp_path / "keys"):
        one, = parse(forge("server", "--keys", str(folder)), SERVER)
        assert one.fingerprint == fingerprint
        assert base64.b64decode(one.ed25519_master_key + "=") == public


def test_keys_of_tor_gencert_sign(tmp_path):
    done = subprocess.run([privnet.find_program("tor-gencert"), "--create-identity-key",
                           "--passphrase-fd", "0", "-m", "12"], cwd=tmp_path, input=b"secret\n",
                          capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "net"
    network(out, "--authority-keys", str(tmp_path), "--authorities", "2")
    certs = certificates(read(out, "key-certificates"))
    ours, = certificates(read(tmp_path, "authority_certificate"))
    assert certs[0].fingerprint == ours.fingerprint and len(certs) == 3
    consensus, = parse(read(out, "consensus"), NS, document_handler=WHOLE)
    consensus.validate_signatures(certs)
    assert not os.path.exists(out / "authorities" / ours.fingerprint / "authority_signing_key")


class Client:
    """Debian's tor, which can reach nothing."""

    def __init__(self, folder, *options):
        self.dir = str(folder)
        self.control = os.path.join(self.dir, "control")
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            nowhere = "127.0.0.1:%d" % closed.getsockname()[1]
        os.chmod(os.path.join(self.dir, "data"), 0o700)
        self.process = subprocess.Popen(privnet.bound_to_parent(
            [privnet.find_program("tor"), "-f", self.dir + "/torrc", "--defaults-torrc",
             "/dev/null", "--ignore-missing-torrc", "--SocksPort", "0", "--Socks5Proxy", nowhere,
             "--ControlSocket", self.control, "--Log", "info file %s/log" % self.dir, *options]),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()

    def log(self):
        try:
            return read(self.dir, "log").decode()
        except FileNotFoundError:
            return ""

    def wait_for(self, text, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if re.search(text, self.log()):
                return
            assert self.process.poll() is None, self.log()[-3000:]
            time.sleep(0.05)
        raise AssertionError("no %r in: %s" % (text, self.log()[-6000:]))

    def ask(self, what):
        with control.Controller.from_socket_file(self.control) as c:
            c.authenticate()
            return c.get_info(what)

    def complaints(self):
        """What tor warned of, but for the proxy that is not there, and a torrc of its own."""
        expected = ("proxy|Problem bootstrapping|You have used DirAuthority|sensitive information|"
                    "running Tor as root")
        return [line for line in self.log().splitlines()
                if re.search(r"\[(warn|err)\]", line) and not re.search(expected, line)]


def test_tor_takes_the_consensus(tmp_path):
    network(tmp_path, "--count", "9")
    with Client(tmp_path) as client:
        client.wait_for("We now have enough directory information to build circuits")
        assert client.ask("status/enough-dir-info") == "1"
        assert len(re.findall("^r ", client.ask("ns/all"), re.M)) == 9
        consensus, = parse(read(tmp_path, "consensus-microdesc"), MICRO, document_handler=WHOLE)
        assert client.ask("consensus/valid-after") == str(consensus.valid_after)
        assert client.complaints() == []


def test_tor_takes_the_other_flavor_and_whole_descriptors(tmp_path):
    network(tmp_path, "--count", "9")
    with Client(tmp_path, "--UseMicrodescriptors", "0") as client:
        client.wait_for("We now have enough directory information to build circuits")
        assert len(re.findall("^r ", client.ask("ns/all"), re.M)) == 9
        some = os.listdir(tmp_path / "keys")[0]
        assert client.ask("desc/id/" + some).encode() + b"\n" in [
            read(tmp_path, "server-descriptors", d)
            for d in os.listdir(tmp_path / "server-descriptors")]
        assert client.complaints() == []


def test_tunic_takes_the_consensus(tmp_path):
    alone = ["unshare", "--map-root-user", "--net"]     # there, nothing of it can be reached
    if subprocess.run(alone + ["true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no network namespaces here")
    network(tmp_path, "--count", "9")
    where = str(tmp_path / "control")
    os.chmod(tmp_path, 0o700)
    process = subprocess.Popen(
        privnet.bound_to_parent(alone + [TUNIC, "-f", str(tmp_path / "torrc"), "--SocksPort", "0",
                                         "--ControlSocket", where]),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 10
        while not os.path.exists(where) and time.monotonic() < end:
            time.sleep(0.05)
        with control.Controller.from_socket_file(where) as c:
            c.authenticate()
            while c.get_info("status/enough-dir-info") != "1" and time.monotonic() < end:
                time.sleep(0.05)
            assert c.get_info("status/enough-dir-info") == "1"
    finally:
        process.kill()
        process.wait()


def spoil(folder):
    path = os.path.join(folder, "data", "cached-microdesc-consensus")
    content = read(path)
    assert b"w Bandwidth=1000\n" in content
    with open(path, "wb") as f:
        f.write(content.replace(b"w Bandwidth=1000\n", b"w Bandwidth=1001\n", 1))


def taken(folder, *options):
    """What tor says of the consensus, and how many relays it knows then."""
    with Client(folder, "--DisableNetwork", "1", *options) as client:
        client.wait_for("Starting with guard context")      # after the cached files were read
        return client.log(), len(re.findall("^r ", client.ask("ns/all"), re.M))


def test_tor_refuses_a_spoilt_one(tmp_path):
    network(tmp_path)
    assert taken(tmp_path)[1] == 9
    os.unlink(tmp_path / "log")
    spoil(tmp_path)
    log, relays = taken(tmp_path)
    assert relays == 0 and "3 of the signatures on it didn't verify correctly" in log


def test_tor_refuses_too_few_signatures(tmp_path):
    network(tmp_path, "--signatures", "1")
    log, relays = taken(tmp_path)
    assert relays == 0 and "2 (auth3 auth2) of the authorities we know didn't sign it" in re.sub(
        "auth2 auth3", "auth3 auth2", log)


def test_tor_refuses_authorities_that_it_does_not_know(tmp_path):
    network(tmp_path / "a")
    network(tmp_path / "b")
    os.chmod(tmp_path / "b" / "data", 0o700)
    log, relays = taken(tmp_path / "a", "--DataDirectory", str(tmp_path / "b" / "data"))
    assert relays == 0 and "Not enough good signatures" in log


# ---- what is wrong ----

def test_no_more_signatures_than_authorities():
    done = run("consensus", "--signatures", "9")
    assert done.returncode == 1 and not done.stdout
    assert "--signatures 9: there are 3 authorities" in str(done.stderr)


WRONG = [
    ([], "say what to forge"),
    (["relay"], "say what to forge"),
    (["server", "--nickname", "no spaces"], "letters and digits"),
    (["server", "--address", "::1"], "IPv4"),
    (["server", "--or-port", "0"], "from 1 to 65535"),
    (["server", "--count", "-1"], "whole number"),
    (["server", "--exit-policy", "allow *:*"], "rules like"),
    (["server", "--published", "yesterday"], "time in UTC"),
    (["server", "--set", ""], "must be one line"),
    (["server", "--set", "a b\nc d"], "must be one line"),
    (["server", "--drop", "contact me"], "keyword"),
    (["server", "--contact", "a\nb"], "one line"),
    (["server", "--flags", "a=Fast"], "not for this kind"),
    (["server", "--keys", "k", "--count", "2"], "one relay"),
    (["server", "--wrong"], "no such option"),
    (["server", "out"], "Options begin with --"),
    (["server", "--no-sign=1"], "takes no value"),
    (["server", "--seed"], "needs a value"),
    (["consensus", "--flags", "a=Quick"], "no flag"),
    (["consensus", "--flags", "Fast"], "RELAY=VALUE"),
    (["consensus", "--weight", "a=much"], "whole number"),
    (["consensus", "--params", "a=b"], "NAME=NUMBER"),
    (["consensus", "--authorities", "16"], "from 1 to 15"),
    (["consensus", "--flavor", "tar"], "ns or microdesc"),
    (["consensus", "--spread", "wide"], "alike, light or live"),
    (["server", "--phantom", "9"], "not for this kind"),
    (["consensus", "--voting-delay", "5"], "two numbers"),
]


@pytest.mark.parametrize("argv,words", WRONG, ids=lambda v: " ".join(v)[:40] if v else "none")
def test_wrong_usage_is_told(argv, words):
    done = run(*argv)
    assert done.returncode == 2 and done.stdout == b""
    assert words in done.stderr.decode() and done.stderr.count(b"\n") == 1


def test_what_cannot_be_read_is_told(tmp_path):
    (tmp_path / "text").write_text("no descriptor\n")
    (tmp_path / "empty").write_text("")
    cut = forge("server").replace(b"\nntor-onion-key ", b"\nntor-onion-kez ")
    (tmp_path / "cut").write_bytes(cut)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "secret_id_key").write_text("no key")
    twice = forge("server")
    (tmp_path / "twice").write_bytes(twice + twice)
    for argv, words in [
            (["consensus", "--relays", "none"], "No such file"),
            (["consensus", "--relays", "text"], 'begin with a "router" line'),
            (["consensus", "--relays", "empty"], "nothing in it"),
            (["consensus", "--relays", "cut"], 'no "ntor-onion-key"'),
            (["consensus", "--relays", "twice"], "of one relay"),
            (["consensus", "--weight", "nobody=1"], "no relay"),
            (["server", "--keys", "keys"], "no key as tor writes it"),
            (["server", "--keys", "none"], "No such file"),
            (["consensus", "--authority-keys", "keys"], "No such file"),
            (["server", "--out", "text/x"], "Not a directory")]:
        done = run(*argv, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, b""), argv
        assert words in done.stderr.decode(), (argv, done.stderr)


def test_a_full_disk_leaves_no_half_file(tmp_path):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([TUNIC, "forge", "server"], stdout=full, stderr=subprocess.PIPE,
                              check=False, timeout=60)
    assert done.returncode == 1 and b"No space left" in done.stderr
    # no file may grow beyond a kilobyte
    done = subprocess.run(["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", TUNIC, "forge",
                           "server", "--out", str(tmp_path / "o")], capture_output=True,
                          check=False, timeout=60)
    assert done.returncode == 1 and b"cannot write" in done.stderr
    assert [f for _, _, files in os.walk(tmp_path / "o") for f in files] == []


def test_interrupted_leaves_no_half_file(tmp_path):
    out = tmp_path / "o"
    with subprocess.Popen([TUNIC, "forge", "server", "--count", "1000", "--out", str(out)],
                          stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 30
        while len(list(out.rglob("*"))) < 50 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == -signal.SIGINT
    files = [f for f in out.rglob("*") if f.is_file()]
    assert files and not [f for f in files if f.suffix == ".tmp"]
    for f in files:
        if f.parent.name in ("server-descriptors", "extra-infos"):
            assert f.read_bytes().endswith(b"-----END SIGNATURE-----\n")


# ---- the manual ----

def examples():
    with open(MANUAL, encoding="utf-8") as f:
        return "".join(line[4:] for line in f if line.startswith("    "))


def test_the_manual_works(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tunic").symlink_to(TUNIC)
    path = "%s:%s:/usr/sbin" % (tmp_path / "bin", os.environ["PATH"])
    done = subprocess.run(["sh", "-eux", "-c", examples()], cwd=tmp_path, timeout=120, check=False,
                          env=dict(os.environ, PATH=path, HOME=str(tmp_path)),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    assert examples().count("tunic forge ") >= 15
