"""Guards that have an address of each family: by which of them they are reached. The relays are
Debian's, in a network namespace of their own that has IPv6; the program lives beside them.

As a program: runs that network, and the program under test with each line of ROWS in turn; prints
what was dialled as JSON. usage: unshare --net tests/net/test_ipv6.py DIR
"""

import json
import os
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dials                # noqa: E402
import privnet              # noqa: E402
import sut as sut_module    # noqa: E402
import torlab               # noqa: E402
from works import works     # noqa: E402

GUARDS = ["g1", "g2", "g3"]
V6 = {name: "fd00:6::%d" % (i + 1) for i, name in enumerate(GUARDS)}
V4_SHUT = "ReachableAddresses reject 127.0.0.0/8:*,accept *:*"
# What is said: the families that guards are dialled by. All starts but the first are warm ones: the
# authorities have IPv4 only.
ROWS = {
    "": {"v4"},
    "ClientPreferIPv6ORPort 1": {"v6"},
    "ClientPreferIPv6ORPort 0": {"v4"},
    "ClientUseIPv4 0": {"v6"},
    "ClientUseIPv6 0": {"v4"},
    # tor(1): what is preferred is used
    "ClientUseIPv6 0\nClientPreferIPv6ORPort 1": {"v6"},
    V4_SHUT: {"v6"},
    V4_SHUT + "\nClientUseIPv6 0": set(),
    "ReachableORAddresses reject [fd00::]/16:*,accept *:*\nClientPreferIPv6ORPort 1": {"v4"},
    "ReachableAddresses reject [fd00::]/16:*,accept *:*\nClientPreferIPv6ORPort 1": {"v4"},
}
# tor looks at a relay's IPv4 address alone in these lists, and says nothing.
ONLY_G2 = ["ClientPreferIPv6ORPort 1\nExcludeNodes [%s],[%s]" % (V6["g1"], V6["g3"]),
           "ClientPreferIPv6ORPort 1\nEntryNodes [%s]/128" % V6["g2"]]
if not sut_module.IS_TOR:
    ROWS.update(dict.fromkeys(ONLY_G2, {"v6"}))


def start_network(directory):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    lab = torlab.Lab(directory)
    for i, name in enumerate(GUARDS):
        subprocess.run(["ip", "addr", "add", V6[name] + "/128", "dev", "lo"], check=True)
        lab.extra_torrc[name] = ["ORPort [%s]:%d IPv6Only" % (V6[name], lab.base + 80 + i)]
    for name in torlab.AUTHORITIES:
        lab.extra_torrc[name] = ["AuthDirHasIPv6Connectivity 1"]
    return lab.start()


def dialled(lab, directory, lines, warm):
    """The addresses of guards that the program dials until a page has come."""
    trace = directory + "/connects"
    os.mkdir(directory)
    if warm:
        shutil.copytree(warm, directory + "/data")
    client = sut_module.Sut(lab, directory, torrc=lines.splitlines(), wrapper=dials.strace(trace))
    client.start(wait=False)
    try:
        client.wait_for("Opened Socks listener")
        done = client.curl(lab.url("/"), timeout=30 if ROWS[lines] else 4)
    finally:
        client.stop()
    v4 = {lab.node(name).address for name in GUARDS}
    return {"page": "through a private Tor network" in done.stdout,
            "guards": sorted({a for a, _ in dials.dialled(trace) if a in v4 or a in V6.values()})}


def main():
    for name in ("TORLAB_NETNS", "TORLAB_PORT"):
        os.environ.pop(name, None)
    top = os.path.abspath(sys.argv[1])
    lab, found, warm = start_network(top + "/lab"), {}, None
    try:
        for i, lines in enumerate(ROWS):
            found[lines] = dialled(lab, "%s/sut%d" % (top, i), lines, warm)
            warm = warm or top + "/sut0/data"
    finally:
        lab.stop()
    json.dump(found, sys.stdout)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    words = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if subprocess.run(words + ["sh", "-c", "ip link set lo up && ip addr add fd00:6::1 dev lo"],
                      stderr=subprocess.DEVNULL, check=False).returncode != 0:
        pytest.skip("no network namespace with IPv6")
    top = str(tmp_path_factory.mktemp("ipv6"))
    os.chmod(top, 0o755)
    done = subprocess.run(privnet.bound_to_parent(words + [sys.executable, __file__, top]),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=400,
                          check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@works("ClientPreferIPv6ORPort", "ClientUseIPv4", "ClientUseIPv6", "ReachableAddresses",
       "ReachableORAddresses")
def test_guards_are_reached_by_the_family_that_was_said(found):
    families = {lines: {"v6" if ":" in a else "v4" for a in row["guards"]}
                for lines, row in found.items()}
    assert families == ROWS
    assert {lines for lines, row in found.items() if not row["page"]} == {
        lines for lines, wanted in ROWS.items() if not wanted}


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor knows relays by their IPv4 addresses alone")
def test_lists_know_relays_by_their_ipv6_addresses(found):
    assert {lines: found[lines]["guards"] for lines in ONLY_G2} == {
        lines: [V6["g2"]] for lines in ONLY_G2}


if __name__ == "__main__":
    main()
