"""Relays of `tunic testnet` that let their capacity be measured, and relays that do not know it."""

import json
import os
import re
import stat
import subprocess

import pytest

import sut as sut_module
from test_check import at, check
from test_testnet import Network, Tor, there

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="about tunic's own network")


def first_relay(net):
    node = next(n for n in json.loads(net.file("nodes.json"))["nodes"] if n["role"] == "guard")
    return "%(address)s:%(or_port)d" % node


def test_relays_keep_the_rules_of_measurements():
    with Network("--no-client", "--measure-period", "0") as net:
        done = check(first_relay(net), "--only", "measurement", "--identity",
                     os.path.join(net.dir, "measure", "coord.id"))
    assert done.returncode == 0
    assert re.search(r"# \d+ passed, 0 MUST and 0 SHOULD failed, 0 skipped; ", done.stdout), done.stdout


def test_without_an_identity_some_are_skipped():
    with Network("--no-client", "--measurable") as net:
        done = check(first_relay(net), "--only", "measurement")
        twice = check(first_relay(net), "--only", "measurement", "--identity",
                      os.path.join(net.dir, "measure", "coord.id"))
        wrong = check(first_relay(net), "--identity", os.path.join(net.dir, "nodes.json"))
    assert done.returncode == 0 and "say --identity" in done.stdout
    assert re.search(r"# [1-9]\d* passed, 0 MUST and 0 SHOULD failed, [1-9]\d* skipped; ", done.stdout)
    assert twice.returncode == 0 and "the relay says: it has been measured often enough" in twice.stdout
    assert wrong.returncode == 2 and "cannot use the identity" in wrong.stderr


def test_coordinator_is_left_in_the_folder():
    for options in (["--measurable"], ["--measure-period", "0"]):
        with Network("--no-client", *options) as net:
            path = os.path.join(net.dir, "measure", "coord.id")
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
            assert re.search(r"^ed25519 [0-9a-f]{64}\nrsa [A-Za-z0-9+/]+=*\n\Z",
                             net.file("measure/coord.id"), re.M)
    with Network("--no-client") as net:
        assert not os.path.exists(os.path.join(net.dir, "measure"))


def test_coordinator_is_the_same_with_a_seed():
    seen = set()
    for _ in range(2):
        with Network("--no-client", "--measurable", "--seed", "7") as net:
            seen.add(net.file("measure/coord.id"))
    assert len(seen) == 1


def test_who_does_not_know_it_is_skipped(lab):
    done = check(at(lab.by_role("guard")[0]), "--only", "measurement")
    assert done.returncode == 0
    assert re.search(r"# 0 passed, 0 MUST and 0 SHOULD failed, [1-9]\d* skipped; ", done.stdout)
    assert "the relay says nothing to MEASUREMENT" in done.stdout


def test_clients_have_their_share_and_no_more(tmp_path):
    """Debian's tor downloads what it can through a relay that is measured meanwhile: a quarter of
    all is its clients', in both directions."""
    with Network("--no-client", "--relays", "3", "--exits", "1", "--measure-period", "0", "--rate",
                 "4MB") as net, Tor(net, tmp_path) as tor:
        download = subprocess.Popen(there(
            ["curl", "-sS", "--noproxy", "", "--socks5-hostname", "127.0.0.1:%d" % tor.socks, "-o",
             "/dev/null", "http://hello.test/bytes/400000000"]))
        counts = {}
        run = subprocess.Popen(there([sut_module.program(), "measure", "run", "--local", "--seconds",
                                      "10", "guard1"]),
                               env={**os.environ, "TUNIC_TESTNET_DIR": net.dir},
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in run.stderr:
            second = re.search(r"\[(\d+)/10 s\]", line)
            if second and second.group(1) in ("3", "9"):
                counts[second.group(1)] = net.counts()["guard1"]
        said = run.stdout.read()
        assert run.wait(timeout=10) == 0, said
        assert download.poll() is None      # no circuit of its was closed
        download.kill()
        download.wait()
        assert tor.warnings() == []
    grown = {what: counts["9"][what] - counts["3"][what] for what in counts["9"]}
    echoes = 514 * grown["echoes"]
    for way in ("client_bytes_in", "client_bytes_out"):
        assert .2 < grown[way] / (grown[way] + echoes) < .26, (grown, said)
    # What the relay says of them is what it counted.
    theirs = float(re.search(r"and ([\d.]+) Mbit/s its clients", said).group(1))
    whole = float(re.search(r"carries ([\d.]+) Mbit/s", said).group(1))
    assert .2 < theirs / whole < .26, said
