"""Tunic in tor's place: on its folder, installed, with nothing but itself."""

import os
import re
import signal
import subprocess
import sys

import pytest

import privnet
import sut as sut_module

PAGE = "This page came through a private Tor network"
# What a client writes anew at each end.
OWN_LINES = ("Guard", "CircuitBuild", "TotalBuildTimes", "LastWritten", "TorVersion", "#")


def state_lines(client):
    return privnet.read_text(os.path.join(client.data, "state")).splitlines()


def guards(client):
    """{(fingerprint, when it was sampled)}"""
    lines = [line for line in state_lines(client) if line.startswith("Guard in=default ")]
    return {tuple(re.search(key + r"=(\S+)", line).group(1) for key in ("rsa_id", "sampled_on"))
            for line in lines}


def used(client, lab):
    """A page, a proper end, and the relays that were dialled."""
    client.start()
    assert PAGE in client.curl(lab.url("/")).stdout
    relays = client.connected_relays()
    assert client.stop() == 0
    return {node.fingerprint for node in relays}


def relays_of(sampled):
    return {fingerprint for fingerprint, _ in sampled}


def unserved(lab):
    """The authorities' lines, with a port where nobody listens: only a cache can help."""
    return [re.sub(r"(orport=)\d+", r"\g<1>%d" % lab.ports["closed"],
                   re.sub(r"(127\.\d+\.0\.1:)\d+", r"\g<1>%d" % lab.ports["closed"], line))
            for line in lab.client_torrc_lines()]


def test_a_folder_of_tor_is_taken_over(lab, make_sut):
    """Caches, guards, and lines of the state file that we know nothing of."""
    tor = make_sut(as_tor=True)
    used(tor, lab)
    before, sampled = state_lines(tor), guards(tor)
    mine = make_sut(directory=tor.dir, network=unserved(lab))
    assert used(mine, lab) <= relays_of(sampled)
    assert sampled <= guards(mine)
    kept = [line for line in before if line and not line.startswith(OWN_LINES)]
    assert [line for line in kept if line not in state_lines(mine)] == []


def test_tor_takes_the_folder_back(lab, make_sut):
    mine = make_sut()
    used(mine, lab)
    sampled = guards(mine)
    tor = make_sut(as_tor=True, directory=mine.dir, network=unserved(lab))
    mark = tor.log_mark()
    assert used(tor, lab) <= relays_of(sampled)
    assert sampled <= guards(tor)
    assert not re.search(r"(?i)\[(warn|err)\].*(state|cached|guard|parse)", tor.log()[mark:])


def test_no_process_but_its_own(lab, client):
    """While it works, that is."""
    assert PAGE in client.curl(lab.url("/")).stdout
    done = subprocess.run(["pgrep", "-P", str(client.process.pid)], stdout=subprocess.PIPE,
                          text=True, check=False)
    assert done.stdout == ""


@pytest.mark.skipif(sut_module.IS_TOR or "TUNIC" in os.environ, reason="about our Makefile")
def test_installed(tmp_path):
    """make install and uninstall, into a folder that stands for the system."""
    def make(target):
        subprocess.run(["make", "-s", "-C", sut_module.TOP, target, "DESTDIR=%s" % tmp_path,
                        "PREFIX=/usr"], stdout=subprocess.DEVNULL, check=True)
    make("install")
    done = subprocess.run([tmp_path / "usr/bin/tunic", "--version"], stdout=subprocess.PIPE,
                          text=True, check=True)
    assert re.match(r"Tor version \S+ \(tunic-", done.stdout)
    manuals = {"man1/tunic%s.1" % command for command in ("", "-testnet", "-fetch", "-check",
                                                          "-forge")} | {"man3/tunic_client.3"}
    assert {m for m in manuals if not os.path.exists(tmp_path / "usr/share/man" / m)} == set()
    make("uninstall")
    assert [files for _, _, files in os.walk(tmp_path) if files] == []


@pytest.mark.skipif(sut_module.IS_TOR or os.environ.get("NETWORK") == "tunic",
                    reason="takes long: once is enough, beside Debian's relays")
@pytest.mark.skipif(not os.environ.get("TORLAB_NETNS"), reason="no namespaces")
def test_demo_of_real_relays(tmp_path):
    """./demo --real behind its building, in a network namespace of its own."""
    script = "ip link set lo up && exec %s %s --once --real" % (
        sys.executable, os.path.join(sut_module.TOP, "tools", "demo.py"))
    demo = subprocess.Popen(
        privnet.bound_to_parent(["unshare", "--net", "sh", "-c", script]), text=True,
        env=dict(os.environ, TMPDIR=str(tmp_path), TUNIC=sut_module.program(), TORLAB_NETNS="",
                 DEMO_SOCKS_PORT="9150"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        said, _ = demo.communicate(timeout=150)
    except subprocess.TimeoutExpired:
        demo.send_signal(signal.SIGTERM)
        raise
    assert demo.returncode == 0, said
    assert "a private Tor network of 11 real relays" in said
    assert "10000000 bytes in" in said and PAGE in said
    assert re.search(r"goes through the relays \w+ -> \w+ -> \w+", said), said
