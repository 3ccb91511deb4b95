"""GETINFO of documents, process, status and countries, asked by stem; and each key beside tor."""

import hashlib
import json
import os
import pwd
import re
import signal
import time

import pytest
import stem
import stem.control
import stem.descriptor

import sut as sut_module
from controller import Controller
from works import works


@pytest.fixture(scope="module")
def asked(lab, tmp_path_factory):
    """A client with a control port that nobody has to authenticate to."""
    mine = sut_module.Sut(lab, tmp_path_factory.mktemp("info"))
    mine.control_port, mine.metrics_port = sut_module.free_port(), sut_module.free_port()
    mine.lines += ["ControlPort %d" % mine.control_port, "MetricsPort %d" % mine.metrics_port, "SocksPort unix:%s/socks" % mine.dir,
                   "GeoIPFile %s/geoip" % mine.dir, "GeoIPv6File %s/geoip6" % mine.dir]
    mine.write_torrc()
    with open(mine.dir + "/geoip", "w", encoding="ascii") as f:
        f.write("16777216,16777471,AU\n2130706432,2147483647,ZA\n")
    with open(mine.dir + "/geoip6", "w", encoding="ascii") as f:
        f.write("2001:200:136::,2001:200:179:ffff:ffff:ffff:ffff:ffff,JP\n")
    mine.start()
    yield mine
    mine.stop()


@pytest.fixture(scope="module")
def stem_of(asked):
    with stem.control.Controller.from_port(port=asked.control_port) as c:
        c.authenticate()
        yield c


@pytest.fixture
def port(asked):
    with Controller(("127.0.0.1", asked.control_port)) as c:
        assert c.ask("AUTHENTICATE") == ["250 OK"]
        yield c


# -- the network -----------------------------------------------------------------------------------

def digests_of(microdescriptors):
    whole = [str(md).strip().encode() + b"\n" for md in microdescriptors]
    return {hashlib.sha256(text).digest()[:20] for text in whole}


def test_every_relay_is_in_the_network_status(lab, stem_of):
    seen = {s.fingerprint: s for s in stem_of.get_network_statuses()}
    assert set(seen) == {node.fingerprint for node in lab.nodes}
    for node in lab.nodes:
        status = seen[node.fingerprint]
        assert (status.nickname, status.address, status.or_port) == (
            node.name, node.address, node.or_port)
        assert {"Running", "Valid"} <= set(status.flags) and status.bandwidth is not None
        assert ("Authority" in status.flags) == (node.role == "authority")


def test_one_relay_by_fingerprint_and_by_name(lab, stem_of, port):
    node = lab.nodes[-1]
    by_id, by_name = stem_of.get_network_status(node.fingerprint), stem_of.get_network_status(node.name)
    assert str(by_id) == str(by_name) and by_id.fingerprint == node.fingerprint
    assert port.ask("GETINFO ns/id/$%s" % node.fingerprint)[1:] == port.ask(
        "GETINFO ns/name/%s" % node.name.upper())[1:]
    with pytest.raises(stem.ControllerError):
        stem_of.get_network_status("nosuchrelay")
    assert port.ask("GETINFO ns/id/xyz") == ["551 Data not decodeable as hex"]
    assert port.ask("GETINFO ns/id/%s" % ("0" * 40)) == [
        '552 Unrecognized key "ns/id/%s"' % ("0" * 40)]


def test_microdescriptors_are_those_that_were_signed(lab, stem_of):
    all_of_them = list(stem_of.get_microdescriptors())
    statuses = list(stem_of.get_network_statuses())
    assert len(all_of_them) == len(statuses)
    for node in lab.nodes[-2:]:
        one = stem_of.get_microdescriptor(node.fingerprint)
        assert str(one) == str(stem_of.get_microdescriptor(node.name))
        assert str(one).strip() in {str(md).strip() for md in all_of_them}
    # Its digest is what the status has, cut, where that of a server descriptor would stand.
    assert digests_of(all_of_them) == {bytes.fromhex(s.digest) for s in statuses}


def test_the_consensus_is_that_of_the_file(asked, stem_of, port):
    text = stem_of.get_info("dir/status-vote/current/consensus-microdesc")
    with open(os.path.join(asked.data, "cached-microdesc-consensus"), encoding="utf-8") as f:
        assert text.strip() == f.read().strip()
    consensus = stem.descriptor.networkstatus.NetworkStatusDocumentV3(
        text.encode(), default_params=True, validate=False)
    assert str(consensus.valid_after) == stem_of.get_info("consensus/valid-after")
    assert str(consensus.valid_until) == stem_of.get_info("consensus/valid-until")
    assert consensus.bandwidth_weights      # vanguards reads them in the file
    assert port.ask("GETINFO dir/status-vote/current/consensus") == [
        "551 Could not open cached consensus. Make sure FetchUselessDescriptors is set to 1."]


def test_server_descriptors_are_not_there(lab, stem_of, port):
    with pytest.raises(ValueError, match="not configured to retrieve server descriptors"):
        stem_of.get_server_descriptor(lab.nodes[-1].fingerprint)
    assert port.ask("GETINFO desc/name/" + lab.nodes[-1].name) == [
        "552 We fetch microdescriptors, not router descriptors. You'll need to use md/name/* "
        "instead of desc/name/*."]
    assert port.ask("GETINFO desc/all-recent desc/download-enabled md/download-enabled") == [
        "250-desc/all-recent=", "250-desc/download-enabled=0", "250-md/download-enabled=1",
        "250 OK"]


# -- the process -----------------------------------------------------------------------------------

def test_the_process(asked, stem_of):
    process = asked.process
    status = os.stat("/proc/%d" % process.pid)
    assert stem_of.get_pid() == process.pid
    assert stem_of.get_info("process/uid") == str(status.st_uid)
    assert stem_of.get_user() == pwd.getpwuid(status.st_uid).pw_name
    with open("/proc/%d/limits" % process.pid, encoding="ascii") as f:
        limit = int(re.search(r"Max open files\s+(\d+)", f.read()).group(1))
    assert limit - 64 < int(stem_of.get_info("process/descriptor-limit")) <= limit
    assert 0 <= int(stem_of.get_info("uptime")) < 600


def test_the_time(stem_of):
    before = time.time()
    at = time.mktime(time.strptime(stem_of.get_info("current-time/local"), "%Y-%m-%dT%H:%M:%S"))
    assert before - 2 < at < before + 5
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$", stem_of.get_info("current-time/utc"))


def test_where_it_listens(asked, stem_of, port):
    assert ("127.0.0.1", asked.socks_port) in stem_of.get_listeners(stem.control.Listener.SOCKS)
    assert list(stem_of.get_ports(stem.control.Listener.CONTROL)) == [asked.control_port]
    assert stem_of.get_listeners(stem.control.Listener.OR) == []
    assert port.ask("GETINFO net/listeners/metrics")[0] == (
        '250-net/listeners/metrics="127.0.0.1:%d"' % asked.metrics_port)
    assert '"unix:%s/socks"' % asked.dir in port.ask("GETINFO net/listeners/socks")[0]
    assert port.ask("GETINFO net/listeners/foo") == ['552 Unrecognized key "net/listeners/foo"']


# -- countries -------------------------------------------------------------------------------------

@works("GeoIPFile", "GeoIPv6File")
def test_countries_of_addresses(asked, stem_of, port):
    for address, country in (("1.0.0.77", "au"), ("1.0.1.0", "??"), ("127.1.2.3", "za"),
                             ("2001:200:140::1", "jp"), ("2001:200:180::1", "??")):
        assert stem_of.get_info("ip-to-country/" + address) == country
    assert port.ask("GETINFO ip-to-country/ipv4-available ip-to-country/ipv6-available") == [
        "250-ip-to-country/ipv4-available=1", "250-ip-to-country/ipv6-available=1", "250 OK"]
    assert port.ask("GETINFO ip-to-country/somewhere") == ["551 Invalid address family"]


def test_the_file_changes_while_it_runs(asked, stem_of, port):
    """By its name, which tor sees, and, which it does not, in its place."""
    def country_now():      # stem would remember it
        return port.ask("GETINFO ip-to-country/1.0.0.77")[0].split("=")[1]
    other = asked.dir + "/geoip-2"
    for number, country in enumerate(("NZ", "FR")[:1 if sut_module.IS_TOR else 2]):
        with open(other + ".new", "w", encoding="ascii") as f:
            f.write("16777216,16777471,%s\n" % country)
        os.rename(other + ".new", other)
        if not number:
            stem_of.set_conf("GeoIPFile", other)
        assert country_now() == country.lower()
    stem_of.set_conf("GeoIPFile", asked.dir + "/geoip")
    assert country_now() == "au"
    if not sut_module.IS_TOR:   # tor takes it, and excludes nobody
        assert port.ask("SETCONF GeoIPFile=/nowhere/geoip ExcludeNodes={au}")[0].startswith(
            '553 Unable to set option: ExcludeNodes "{au}" needs GeoIPFile to say where relays are, and "/nowhere/geoip"')
        assert stem_of.get_conf("GeoIPFile") == asked.dir + "/geoip"
        assert not stem_of.get_conf("ExcludeNodes")


def test_countries_without_files(lab, make_sut):
    mine = make_sut()
    control = sut_module.free_port()
    mine.lines += ["ControlPort %d" % control, "DisableNetwork 1", "GeoIPFile /nowhere/geoip",
                   "GeoIPv6File /nowhere/geoip6"]
    mine.write_torrc()
    mine.start(wait=False)
    mine.wait_for("Opened Control listener")
    with Controller(("127.0.0.1", control)) as c:
        c.ask("AUTHENTICATE")
        assert c.ask("GETINFO ip-to-country/ipv4-available ip-to-country/ipv6-available") == [
            "250-ip-to-country/ipv4-available=0", "250-ip-to-country/ipv6-available=0", "250 OK"]
        for address in "1.2.3.4", "2001:db8::1":
            assert c.ask("GETINFO ip-to-country/" + address) == ["551 GeoIP data not loaded"]
        # There is no consensus either.
        assert c.ask("GETINFO ns/all consensus/valid-after md/all sr/current") == [
            "250-ns/all=", "250-consensus/valid-after=", "250-md/all=", "250-sr/current=", "250 OK"]
        assert c.ask("GETINFO status/version/recommended status/version/current") == [
            "250-status/version/recommended=?", "250-status/version/current=unknown", "250 OK"]


def test_no_key_asks_for_what_the_sandbox_refuses(make_sut):
    mine = make_sut()
    control = sut_module.free_port()
    mine.lines += ["ControlPort %d" % control, "DisableNetwork 1", "Sandbox 1"]
    mine.write_torrc()
    mine.start(wait=False)
    mine.wait_for("Opened Control listener")
    with Controller(("127.0.0.1", control)) as c:
        c.ask("AUTHENTICATE")
        names = [line.split(" -- ")[0] for line in c.ask("GETINFO info/names") if " -- " in line]
        for name in names + ["ip-to-country/1.2.3.4", "ip-to-country/::1", "net/listeners/socks"]:
            assert c.ask("GETINFO " + name.rstrip("*")), "%s ended the program" % name
        assert c.ask("GETINFO process/pid")[0] == "250-process/pid=%d" % mine.process.pid


# -- all keys, beside tor --------------------------------------------------------------------------

# What is said otherwise, each with its reason.
OTHERWISE = {
    "version",                  # it says who it really is, too
    "net/listeners/control",    # the tests have another way in to Debian's tor
}
# What goes on, and what is configured: other tests look at the values.
ELSEWHERE = ("bw-event-cache", "circuit-status", "config-file", "config-defaults-file",
             "config-text", "config/defaults", "config/names", "entry-guards", "helper-nodes", "orconn-status",
             "traffic/")
# Behind prefixes, and what tor answers without listing it.
MORE = """
    ns/id/FP ns/id/xyz ns/id/ZERO ns/name/NICK ns/name/nobody ns/purpose/general ns/purpose/x ns/foo
    consensus/fresh-until consensus/packages consensus/foo md/id/FP md/id/ZERO md/name/NICK
    md/name/nobody desc/id/FP desc/name/NICK desc/all-recent-extrainfo-hack
    extra-info/digest/ZERO extra-info/digest/x desc-annotations/id/FP dir/server/all
    dir/server/authority dir/server/fp/FP dir/server/d/FP dir/server/x dir/status/all
    hs/client/desc/id/x hs/client/desc/idx hs/service/desc/id/x
    hs/client/desc/id/2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid
    hs/service/desc/id/2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid
    net/listeners/or net/listeners/extor net/listeners/dir net/listeners/socks net/listeners/trans
    net/listeners/natd net/listeners/httptunnel net/listeners/dns net/listeners/control
    net/listeners/metrics net/listeners/foo ip-to-country/8.8.8.8 ip-to-country/127.0.0.1
    ip-to-country/2001:4860:4860::8888 ip-to-country/[2001:4860:4860::8888] ip-to-country/foo
    ip-to-country/ipv4-available ip-to-country/ipv6-available current-time/foo accounting/foo
    status/reachability-succeeded status/reachability-succeeded/or
    status/reachability-succeeded/dir status/good-server-descriptor
    status/accepted-server-descriptor status/foo stats/ntor/foo fingerprint exit-policy/foo
    helper-nodes downloads/networkstatus/ns downloads/networkstatus/ns/bootstrap
    downloads/networkstatus/ns/running downloads/networkstatus/microdesc
    downloads/networkstatus/microdesc/bootstrap downloads/networkstatus/microdesc/running
    downloads/networkstatus/foo downloads/networkstatus/ downloads/cert/fps downloads/cert/fp/V3
    downloads/cert/fp/V3/sks downloads/cert/fp/V3/ZERO downloads/cert/fp/V3/x
    downloads/cert/fp/ZERO downloads/cert/fp/ZERO/sks downloads/cert/fp/ZERO/ZERO
    downloads/cert/fp/x downloads/cert/fp/x/sks downloads/cert/x downloads/desc/descs
    downloads/desc/ZERO downloads/desc/x downloads/bridge/bridges downloads/bridge/ZERO
    downloads/bridge/x downloads/x
"""


def shape(reply):
    """A reply without what differs from process to process, and from minute to minute."""
    text = "\n".join(sorted(reply))     # tor has authorities in any order
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?", "TIME", text)
    text = re.sub(r'"unix:[^"]*"', "PATH", re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", text))
    return re.sub(r"\d+", "N", text)


@pytest.mark.skipif(sut_module.IS_TOR, reason="it is compared with itself")
def test_every_key_that_tor_answers_is_answered_alike(lab, asked, port, make_sut):
    control = sut_module.free_port()
    tor = make_sut(as_tor=True)
    tor.lines += ["ControlPort %d" % control, "MetricsPort %d" % sut_module.free_port(),
                  "SocksPort unix:%s/socks" % tor.data, "GeoIPFile %s/geoip" % asked.dir,
                  "GeoIPv6File %s/geoip6" % asked.dir]
    tor.write_torrc()
    tor.start()
    node = lab.nodes[-1]
    with Controller(("127.0.0.1", control)) as theirs:
        theirs.ask("AUTHENTICATE")
        names = [line.split(" -- ") for line in theirs.ask("GETINFO info/names") if " -- " in line]
        keys = [name for name, _ in names if "<" not in name and not name.endswith("*")]
        keys += MORE.replace("FP", node.fingerprint).replace("NICK", node.name).replace(
            "ZERO", "0" * 40).replace("V3", lab.nodes[0].v3ident).split()
        different = {}
        for key in keys:
            ours, other = shape(port.ask("GETINFO " + key)), shape(theirs.ask("GETINFO " + key))
            if key.startswith(ELSEWHERE):
                ours, other = ("=" in text and "Unrecognized" not in text for text in (ours, other))
            if ours != other and key not in OTHERWISE:
                different[key] = str(other)[:400], str(ours)[:400]
    assert not different, json.dumps(different, indent=1)
