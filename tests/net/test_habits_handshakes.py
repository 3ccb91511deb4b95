"""Which handshake which hop is asked for, and what in it (1 is congestion control, 3 a subprotocol,
CGO), by what relays say they speak: seen at the relays."""

import re
import subprocess

import pytest

import habits
import privnet

FLOW = "Cons=1-2 Desc=1-4 DirCache=2 Link=3-5 LinkAuth=3 Microdesc=1-3 FlowCtrl=1-2 "


HANDSHAKE = re.compile(r"^.* (\w+): at [\d.]+:\d+: HANDSHAKE (\d+) (\S+)( .*)?$", re.M)
EXTEND = re.compile(r"^.* (\w+): at [\d.]+:\d+: EXTEND (\d+) (\d+) ([\d.]+):\d+$", re.M)


def paths_of(log, nodes):
    """The handshakes of each circuit of three hops or more, first hop first."""
    names = {address: name for name, address in nodes.items()}
    asked = {(node, circuit): kind + what for node, circuit, kind, what in HANDSHAKE.findall(log)}
    goes_on = {(node, circuit): (names[address], other)
               for node, circuit, other, address in EXTEND.findall(log)}
    paths = []
    for at in asked.keys() - set(goes_on.values()):
        path = []
        while at in asked:
            path.append(asked[at])
            at = goes_on.get(at)
        paths.append(path)
    return [path for path in paths if len(path) >= 3]


@pytest.mark.parametrize("protocols,params,wanted", [
    # tor 0.4.9: CGO is there, so ntor-v3 is for all, and at the end it is asked for.
    (FLOW + "Relay=2-6", "cc_alg=2", ["ntor-v3", "ntor-v3", "ntor-v3 1 3"]),
    # It goes with congestion control only.
    (FLOW + "Relay=2-6", "cc_alg=0", ["ntor-v3"] * 3),
    # tor 0.4.8: ntor-v3 is for whom congestion control is asked of.
    (FLOW + "Relay=2-4", "cc_alg=2", ["ntor", "ntor", "ntor-v3 1"]),
    # Nobody is asked for it.
    (FLOW + "Relay=2-4", "cc_alg=0", ["ntor"] * 3),
], ids=["tor-0.4.9", "tor-0.4.9-cc-off", "tor-0.4.8", "tor-0.4.8-cc-off"])
def test_each_hop_hears_tors_handshake(tmp_path, make_sut, protocols, params, wanted):
    tmp_path.chmod(0o755)
    net = habits.Net(str(tmp_path / "net"), params, "--protocols", protocols)
    try:
        mine = make_sut(network=net.client_lines, torrc=["__DisablePredictedCircuits 1"],
                        wrapper=privnet.in_lab_namespace([]))
        mine.start(wait=False)
        mine.wait_for("Bootstrapped (75|80|85)%", since=mine.started_at)
        page = subprocess.run(privnet.in_lab_namespace(
            ["curl", "-sS", "--max-time", "20", "--socks5-hostname",
             "127.0.0.1:%d" % mine.socks_port, "http://hello.test/"]),
            capture_output=True, text=True, check=False)
        assert "three relays" in page.stdout, page.stderr
        found = paths_of(privnet.read_text(net.log_path), net.nodes)
        assert found and all(path == wanted for path in found), found
        assert mine.stop() == 0
    finally:
        net.stop()


@pytest.mark.parametrize("protocols,params,wanted", [
    (FLOW + "Relay=2-4", "cc_alg=2", " 1"),
    (FLOW + "Relay=2-4", "cc_sendme_inc=20", " 1"),
    (FLOW + "Relay=2-4", "cc_alg=0", ""),
    (FLOW.replace("FlowCtrl=1-2", "FlowCtrl=1") + "Relay=2-4", "cc_alg=2", ""),
], ids=["vegas", "other-steps", "cc_alg=0", "without-FlowCtrl-2"])
def test_exits_are_asked_for_congestion_control(tmp_path, make_sut, protocols, params, wanted):
    tmp_path.chmod(0o755)
    net = habits.Net(str(tmp_path / "net"), params, "--protocols", protocols)
    try:
        mine = make_sut(network=net.client_lines, wrapper=privnet.in_lab_namespace([]))
        mine.start()
        got = subprocess.run(privnet.in_lab_namespace(
            ["curl", "-sS", "--max-time", "60", "--socks5-hostname",
             "127.0.0.1:%d" % mine.socks_port, "http://hello.test/bytes/2000000"]),
            capture_output=True, check=False)
        assert len(got.stdout) == 2000000, got.stderr
        asked = {more for node, _, _, more in HANDSHAKE.findall(privnet.read_text(net.log_path))
                 if node.startswith("exit") and more != " fast"}
        assert wanted in asked if wanted else asked <= {""}
        assert mine.stop() == 0
        assert "broke the protocol" not in privnet.read_text(net.log_path)
    finally:
        net.stop()
