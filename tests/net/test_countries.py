"""Relays told by country: node lists with {cc}, and the file that says where relays are."""

import signal
import socket
import struct
import subprocess

import pytest

import sut as sut_module
from test_isolation import open_streams
from works import works


def number(address):
    return struct.unpack(">I", socket.inet_aton(address))[0]


def table(path, countries):
    """A file in tor-geoipdb's form: {node: country}."""
    rows = sorted((number(node.address), cc) for node, cc in countries.items())
    path.write_text("# for a test\n" + "".join("%d,%d,%s\n" % (at, at, cc) for at, cc in rows))
    return "GeoIPFile %s" % path


def exits_used(lab, client, times=3, until=None):
    """Through which exits streams go that share no circuit."""
    seen = set()
    for i in range(times):
        with open_streams(lab, [(client.proxy, "echo", ("%s%d" % (until, i), "p"))]) as circuits:
            seen.add(circuits[0][0])
        if until and until in seen:
            break
    return seen


@pytest.fixture
def exits(lab):
    return [node for node in lab.nodes if node.role == "exit"]


@works("GeoIPFile")
def test_exits_of_a_country(lab, exits, make_sut, tmp_path):
    mine = make_sut(torrc=[table(tmp_path / "geoip", {exits[1]: "ZA", exits[0]: "ZB"}),
                           "ExitNodes {za}"]).start()
    assert exits_used(lab, mine) == {exits[1].name}


def test_countries_are_excluded(lab, exits, make_sut, tmp_path):
    mine = make_sut(torrc=[table(tmp_path / "geoip", {node: "ZB" for node in exits[1:]}),
                           "ExcludeNodes {zb}", "GeoIPExcludeUnknown 0"]).start()
    assert exits_used(lab, mine) == {exits[0].name}


@works("GeoIPExcludeUnknown")
def test_relays_of_no_known_country(lab, exits, make_sut, tmp_path):
    geoip = table(tmp_path / "geoip", {node: "ZA" for node in lab.nodes if node not in exits[1:]})
    strict = make_sut(torrc=[geoip, "GeoIPExcludeUnknown 1"]).start()
    assert exits_used(lab, strict) == {exits[0].name}
    lists = [geoip, "ExcludeNodes {zb}"]
    auto = make_sut(torrc=lists).start()
    assert exits_used(lab, auto) == {exits[0].name}
    auto.write_torrc(lists + ["GeoIPExcludeUnknown 0"])
    auto.signal(signal.SIGHUP)
    auto.wait_for(r"[Rr]eload")
    assert exits[1].name in exits_used(lab, auto, times=60, until=exits[1].name)


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor reads the file once")
def test_the_file_is_read_again(lab, exits, make_sut, tmp_path):
    lists = [table(tmp_path / "geoip", {exits[0]: "ZA"}), "ExitNodes {za}"]
    mine = make_sut(torrc=lists).start()
    assert exits_used(lab, mine, times=1) == {exits[0].name}
    table(tmp_path / "geoip", {exits[1]: "ZA", exits[0]: "ZB"})
    mine.signal(signal.SIGHUP)
    mine.wait_for(r"(?s)Parsing GEOIP.*Parsing GEOIP")
    assert exits_used(lab, mine) == {exits[1].name}


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor goes on, and excludes nobody")
@pytest.mark.parametrize("geoip, says", [
    ("GeoIPFile /nowhere/geoip", 'ExcludeNodes "{de}" needs GeoIPFile'),
    ("GeoIPFile /dev/null", "names no country"),
    ("GeoIPFile", "cannot be read"),
])
def test_countries_without_a_file_are_refused(tmp_path, geoip, says):
    done = subprocess.run(
        [sut_module.program(), "-f", "-", "--defaults-torrc", "/dev/null", "--DataDirectory",
         str(tmp_path / "data"), "--verify-config"], input=geoip + "\nExcludeNodes {de}\n",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
    assert done.returncode == 1 and says in done.stdout, done.stdout


def test_a_country_that_the_file_does_not_name_is_warned_of(lab, exits, make_sut, tmp_path):
    mine = make_sut(torrc=[table(tmp_path / "geoip", {exits[0]: "ZA"}), "ExcludeNodes {zz}",
                           "GeoIPExcludeUnknown 0"]).start(wait=False)
    mine.wait_for("Country code 'zz' is not recognized.")
