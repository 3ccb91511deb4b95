"""Tunic in tor's place: on its folder, installed, with nothing but itself."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

import privnet
import sut as sut_module
from controller import Controller

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


# ---- guards, in whoever's file -----------------------------------------------------------------

def add_guards(client):
    """Ten more guards between those of the file: the consensus lists none of them, some have worked.
    Two lines stand in another place of the file than in the sample."""
    rng, lines = random.Random(271), state_lines(client)
    own = [line for line in lines if line.startswith("Guard in=default ")]

    def day(ago):
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - ago * 86400))
    made = ["Guard in=default rsa_id=%040X nickname=gone%d sampled_on=%s sampled_idx=0 "
            "unlisted_since=%s listed=0%s" % (
                rng.getrandbits(160), i, day(30), day(3),
                " confirmed_on=%s confirmed_idx=%d" % (day(20), 40 - i) if i % 3 == 0 else "")
            for i in range(10)]
    sample = made[:4] + own[::-1] + made[4:]
    sample = [re.sub(r"sampled_idx=\d+", "sampled_idx=%d" % i, g) for i, g in enumerate(sample)]
    sample[0], sample[7] = sample[7], sample[0]
    rest = [line for line in lines if line not in own]
    privnet.write_text(os.path.join(client.data, "state"), "\n".join(rest + sample) + "\n")


def entry_guards(lab, directory, copy, as_tor, *torrc):
    """What the program says of its guards, started on a copy of DIRECTORY, and used once."""
    shutil.copytree(directory, copy, ignore=shutil.ignore_patterns("*.log", "control", "lock"))
    client = sut_module.Sut(lab, copy, as_tor=as_tor, torrc=torrc, network=unserved(lab))
    where = os.path.join(client.data, "control")
    if not as_tor:
        client.lines.append("ControlSocket " + where)
        client.write_torrc()
    client.start()
    try:
        assert PAGE in client.curl(lab.url("/")).stdout
        with Controller(where) as c:
            c.ask("AUTHENTICATE")
            return c.ask("GETINFO entry-guards")
    finally:
        client.stop()


@pytest.mark.parametrize("maker", ["ours", "tor's"])
def test_guards_of_one_file_are_the_same_to_both(lab, make_sut, tmp_path, maker):
    """GETINFO entry-guards: the same guards in the same order and state, whoever wrote the file."""
    first = make_sut(as_tor=maker == "tor's")
    used(first, lab)
    add_guards(first)
    os.chmod(tmp_path, 0o700)
    for i, torrc in enumerate(((), ("ExcludeNodes " + lab.by_role("guard")[1].fingerprint,))):
        mine, tors = (entry_guards(lab, first.dir, str(tmp_path / (who + str(i))), who == "tor", *torrc)
                      for who in ("tunic", "tor"))
        assert len(tors) >= 13, tors
        assert mine == tors
        # Both programs write the file anew: each reads the other's.
        backs = [entry_guards(lab, str(tmp_path / (who + str(i))),
                              str(tmp_path / (who + str(i) + "back")), who == "tunic", *torrc)
                 for who in ("tunic", "tor")]
        assert backs == [tors, tors]


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
    done = subprocess.run([tmp_path / "usr/bin/tunic", "forge", "--help"], stdout=subprocess.PIPE,
                          text=True, check=True)
    assert done.stdout.startswith("usage: tunic forge")
    os.rename(tmp_path / "usr/libexec", tmp_path / "away")
    done = subprocess.run([tmp_path / "usr/bin/tunic", "forge", "--help"], stderr=subprocess.PIPE,
                          text=True, check=False)
    assert done.returncode == 1
    assert re.match(r"tunic: cannot run \S+libexec/tunic-tools: No such file", done.stderr)
    os.rename(tmp_path / "away", tmp_path / "usr/libexec")
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
