"""On the wire like C tor's client: the same ClientHello, the same form of server name."""

import os
import re
import shutil
import subprocess
import time

import pytest

import sut as sut_module

FIELDS = ["tls.handshake.ja3", "tls.handshake.extension.type", "tls.handshake.ciphersuite",
          "tls.handshake.extensions_server_name", "tls.handshake.version",
          "tls.handshake.extensions.supported_version", "tls.handshake.extensions_supported_group",
          "tls.handshake.sig_hash_alg", "tls.handshake.session_id_length"]


def first_hellos(lab, client, directory):
    """Starts the client under a capture -> the fields of its ClientHellos, in order."""
    interface = os.environ.get("TUNIC_CABLE") or "lo"
    ports = " or ".join("tcp dst port %d" % n.or_port for n in lab.nodes)
    path = str(directory / "hello.pcap")
    # dumpcap/tshark need CAP_NET_RAW, which namespaces give.
    capture = subprocess.Popen(["tshark", "-q", "-i", interface, "-f", ports, "-w", path],
                               stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 20
        for line in capture.stderr:
            if "Capturing on" in line:
                break
            assert time.monotonic() < deadline
        time.sleep(1.0)
        client.start()
        time.sleep(1.0)
    finally:
        client.kill()
        capture.terminate()
        capture.communicate(timeout=20)
    decode = []
    for node in lab.nodes:
        decode += ["-d", "tcp.port==%d,tls" % node.or_port]
    arguments = ["tshark", "-r", path] + decode + ["-Y", "tls.handshake.type == 1", "-T", "fields"]
    for field in FIELDS:
        arguments += ["-e", field]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=30)
    return [dict(zip(FIELDS, line.split("\t"))) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def hellos(lab, workdir, tmp_path_factory):
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    if not os.environ.get("TORLAB_NETNS") and os.geteuid() != 0:
        pytest.skip("no right to capture")
    directory = tmp_path_factory.mktemp("hello")
    directory.chmod(0o755)
    tor = sut_module.Sut(lab, workdir + "/hello-tor", as_tor=True)
    ours = sut_module.Sut(lab, workdir + "/hello-ours")
    return first_hellos(lab, tor, directory), first_hellos(lab, ours, directory)


@pytest.mark.parametrize("field", [f for f in FIELDS if "server_name" not in f])
def test_client_hello_is_tors(hellos, field):
    tor, ours = hellos
    assert tor and ours, "no ClientHello seen"
    assert {h[field] for h in ours} == {h[field] for h in tor}


def test_server_name_has_tors_form(hellos):
    for hello in hellos[0] + hellos[1]:
        assert re.fullmatch(r"www\.[a-z2-7]{4,25}\.com", hello["tls.handshake.extensions_server_name"])


def test_server_name_is_new_for_each_connection(hellos):
    names = [h["tls.handshake.extensions_server_name"] for h in hellos[1]]
    assert len(set(names)) == len(names)
