"""Links whose initiator proves to be a relay, to real relays: what these make of it.

A tool of ours (tests/link/real_probe.c) dials; the relay's own words say whether it knows whom it
speaks to. And the other way round: the tool is a relay, and says who has dialled it."""

import base64
import ctypes
import os
import re
import subprocess
import time

import pytest

import sut as sut_module
import torlab
from test_padding import TIMEOUT, Library, Relay

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


class Hop(ctypes.Structure):
    """The first members of struct tunic_hop; SIZE says how many there are."""
    _fields_ = [("size", ctypes.c_size_t), ("rsa_id", ctypes.c_char_p),
                ("ed25519_id", ctypes.c_char_p), ("ntor_key", ctypes.c_char_p),
                ("ipv4", ctypes.c_char_p), ("ipv4_port", ctypes.c_uint16)]


def told(one, word):
    return re.fullmatch(word + r" (\S+)\n", one.stdout.readline()).group(1)


def test_relay_that_extends_to_us_proves_its_identity(lab, probe):
    """A circuit through the relay is to be extended to the tool: the relay dials it, as relays do
    among themselves."""
    node = lab.by_name("g3")
    here = os.environ.get("TUNIC_CABLE") and "127.192.0.2" or "127.0.0.1"
    with subprocess.Popen([probe, "listen", here, "8"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as one:
        port, rsa, ed = (told(one, word) for word in ("port", "rsa", "ed"))
        lib = Library()
        at = Relay(ctypes.sizeof(Relay), node.address.encode(), node.or_port)
        relay = lib.call("relay_connect", lib.t, ctypes.byref(at), TIMEOUT, lib.error)
        fast = lib.call("circuit_create", relay, 0, None, TIMEOUT, lib.error)
        hop = Hop(ctypes.sizeof(Hop), bytes.fromhex(rsa), bytes.fromhex(ed), b"\x09" + bytes(31),
                  here.encode(), int(port))
        with pytest.raises(RuntimeError):   # the tool makes no circuits
            lib.call("circuit_extend", fast, 1, ctypes.byref(hop), 4000, lib.error,
                     result=ctypes.c_int)
        lib.call("free_all", lib.t, result=None)
        said = one.stdout.read()
    want = "guest %s %s" % (node.fingerprint, base64.b64decode(node.ed25519 + "=").hex().upper())
    assert want in said, said
