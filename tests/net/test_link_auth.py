"""Links whose initiator proves to be a relay, to real relays: what these make of it.

A tool of ours (tests/link/real_probe.c) dials; the relay's own words say whether it knows whom it
speaks to."""

import os
import re
import subprocess
import time

import pytest

import sut as sut_module
import torlab

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="about links of ours")


@pytest.fixture(scope="module")
def probe(lab):
    if not isinstance(lab, torlab.Lab):
        pytest.skip("relays of ours: tests/link/test_link_auth.c")
    build = os.path.dirname(os.path.abspath(sut_module.program()))
    target = os.path.join(os.path.relpath(build, sut_module.TOP), "tests/link/real_probe")
    subprocess.run(["make", "-s", "-C", sut_module.TOP, "BUILD=" +
                    os.path.relpath(build, sut_module.TOP), target],
                   check=True, stdout=subprocess.DEVNULL)
    return os.path.join(sut_module.TOP, target)


def dial(probe, node, seconds, *how):
    return subprocess.Popen([probe, "%s:%d" % (node.address, node.or_port), node.fingerprint,
                             str(seconds), *how], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True)


def wait_for(what, seconds=8):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.1)
    return False


def test_orconn_status_names_a_link_that_proved_its_identity(lab, probe):
    node = lab.by_name("g1")
    with dial(probe, node, 6, "relay") as one:
        we = re.fullmatch("we are ([0-9A-F]{40})\n", one.stdout.readline()).group(1)

        def is_known():
            return re.search(r"\$%s\S* CONNECTED" % we, node.control("GETINFO orconn-status"))
        assert wait_for(is_known), node.control("GETINFO orconn-status")
        said = one.stdout.read()
    assert one.returncode == 0, said
    assert "circuit: CREATED_FAST" in said


def test_link_without_proof_has_no_name(lab, probe):
    node = lab.by_name("g1")

    def named():
        return re.findall(r"\$[0-9A-F]{40}", node.control("GETINFO orconn-status"))
    before = set(named())
    with dial(probe, node, 3) as one:
        assert wait_for(lambda: "open: version 5" in one.stdout.readline())
        time.sleep(0.5)
        news = set(named()) - before - {"$" + n.fingerprint for n in lab.nodes}
        one.stdout.read()
    assert not news
    assert one.returncode == 0


def test_forged_proof_is_refused(lab, probe):
    node = lab.by_name("g2")
    with dial(probe, node, 4, "forged") as one:
        said = one.stdout.read()
    we = re.search("we are ([0-9A-F]{40})", said).group(1)
    assert we not in node.control("GETINFO orconn-status")
    assert "CREATED_FAST" not in said
    assert "closed:" in said
