"""What README and docs/testnet.md show of the test network, done as they show it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import pytest

import privnet
import sut as sut_module
from test_testnet import HELLO, READY, Network, dir_get, there, wait

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="about tunic's own network")

PAGE = privnet.read_text(os.path.join(sut_module.TOP, "docs", "testnet.md"))


def blocks(language):
    """The pieces of code of that language on the page, in order."""
    return re.findall(r"^```%s\n(.*?)^```" % language, PAGE, re.M | re.S)


@pytest.fixture
def shell(tmp_path):
    """Runs a line of the page in a folder of its own, where `tunic` and our own Python are found."""
    os.makedirs(tmp_path / "bin")
    for name, program in (("tunic", sut_module.program()), ("python3", sys.executable)):
        privnet.write_text(str(tmp_path / "bin" / name), '#!/bin/sh\nexec "%s" "$@"\n' % program)
        os.chmod(tmp_path / "bin" / name, 0o755)
    environment = dict(os.environ, PATH="%s/bin:%s" % (tmp_path, os.environ["PATH"]))

    def run(line, **files):
        for name, text in files.items():
            privnet.write_text(str(tmp_path / name.replace("_dot_", ".")), text)
        return subprocess.run(there(["sh", "-c", line]), cwd=tmp_path, env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    return run


def test_python_of_the_page(shell):
    """The unittest of the page wants two packages; the other two pieces want Python alone."""
    suite, alone, orders = blocks("python")
    done = shell("python3 alone.py", alone_dot_py=alone)
    assert done.returncode == 0, done.stderr
    assert HELLO.match(done.stdout)
    assert shell("tunic testnet -- python3 orders.py", orders_dot_py=orders).returncode == 0
    for package in ("requests", "socks"):
        pytest.importorskip(package, reason="the page's first example wants python3-%s" % package)
    done = shell("tunic testnet -- python3 test_page.py", test_page_dot_py=suite)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^Ran 2 tests", done.stderr, re.M)


def test_c_of_the_page(shell):
    program, = blocks("c")
    done = shell("cc -Wall -Werror -o spawn spawn.c && ./spawn", spawn_dot_c=program)
    assert done.returncode == 0, done.stderr
    assert HELLO.match(done.stdout)


def test_ci_of_the_page_installs_what_is_needed():
    """To build, that is; as tools/install-deps does."""
    job, = blocks("yaml")
    installer = privnet.read_text(os.path.join(sut_module.TOP, "tools", "install-deps"))
    wanted = re.search(r'^run="([^"]*)"', installer, re.M).group(1).split()
    # Python is there with what the tests themselves want.
    missing = [p for p in wanted if p not in job and p not in ("libc6-dev", "python3", "curl")]
    assert missing == []


@pytest.fixture
def open_folder():
    """A folder that everybody may enter and write."""
    path = tempfile.mkdtemp(prefix="tunic-open-")
    os.chmod(path, 0o777)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def test_needs_no_root(open_folder):
    program = shutil.copy(sut_module.program(), open_folder)
    shutil.copytree(os.path.join(os.path.dirname(sut_module.program()), "libexec"),
                    os.path.join(open_folder, "libexec"))
    with open("/proc/self/uid_map", encoding="ascii") as f:
        others = int(f.read().split()[2]) > 65534
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    done = subprocess.run(
        there((nobody if os.geteuid() == 0 and others else [])
              + ["env", "TMPDIR=" + open_folder, program, "testnet", "--", "sh", "-c",
                 "id -u; curl -sS http://hello.test/"]),
        cwd=open_folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    who, page = READY.sub("", done.stdout).lstrip().split("\n", 1)
    assert HELLO.match(page)
    if others:
        assert who != "0"


def test_demo(tmp_path):
    """./demo behind its building: what it fetches, what it leaves open, and Ctrl-C."""
    port = sut_module.free_port()
    environment = dict(os.environ, DEMO_SOCKS_PORT=str(port), TMPDIR=str(tmp_path),
                       TUNIC=sut_module.program())
    demo = subprocess.Popen(
        there([sys.executable, os.path.join(sut_module.TOP, "tools", "demo.py")]),
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    timer = threading.Timer(60, demo.kill)
    timer.start()
    said = ""
    for line in demo.stdout:
        said += line
        if "its log" in line:
            break
    assert "10000000 bytes in" in said, said
    assert re.search(r"goes through the relays \w+ -> \w+ -> \w+", said), said
    hello, = re.findall(r"^   (Hello.*\n)", said, re.M)
    assert HELLO.match(hello)
    shown, = re.findall(r"Ctrl-C:\n +(curl .*)\n", said)
    assert shown == "curl --socks5-hostname 127.0.0.1:%d http://hello.test/" % port
    page = subprocess.run(there(shown.split() + ["-sS", "--noproxy", ""]), stdout=subprocess.PIPE,
                          text=True, timeout=30, check=False)
    assert HELLO.match(page.stdout)
    demo.send_signal(signal.SIGINT)
    demo.stdout.read()
    assert demo.wait(timeout=20) == 0
    timer.cancel()
    assert os.listdir(tmp_path) == []
    left = subprocess.run(there(["pgrep", "-f", str(tmp_path)]), stdout=subprocess.PIPE, text=True,
                          check=False)
    assert left.stdout == ""


def test_faults_of_the_page(shell):
    """The three lines, with what the words behind them say."""
    lines = re.findall(r"^    (tunic testnet --fault .*?) +# (.*)$", PAGE, re.M)
    statuses = {"no exit resolves it": lambda s: s == 97,   # curl: the proxy refused
                "one never answers": lambda s: s == 0,
                "never ready": lambda s: s == 1}
    assert [said for _, said in lines] == list(statuses)
    for line, said in lines:
        done = shell(line)
        assert statuses[said](done.returncode), (line, done)


# ---- what the manual page says besides --------------------------------------------------------

def order(network, line):
    """One order to the network's socket -> its answer. It is in a folder of the file system, which
    all namespaces share."""
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(10)
        control.connect(os.path.join(network.dir, "control"))
        control.sendall(line.encode() + b"\n")
        return control.makefile().readline().strip()


def test_orders():
    with Network() as network:
        def page():
            return network.curl("http://hello.test/", timeout=10).returncode
        assert page() == 0
        streams = json.loads(order(network, "streams"))
        assert all(set(s) == {"exit", "circuit", "target"} for s in streams)
        counts = json.loads(order(network, "counts"))
        assert counts["auth1"]["links_ever"] >= 0 and len(counts) == 11
        for stop, start in (("stop exits", "start exits"),
                            ("fault exits:stream-end-reason=1", "honest exits")):
            assert order(network, stop) == "ok" and page() != 0
            assert order(network, start) == "ok"
            wait(lambda: page() == 0, 30)
        assert order(network, "destroy all") == "ok"
        wait(lambda: page() == 0, 30)
        port = json.loads(network.file("nodes.json"))["nodes"][0]["dir_port"]
        path = "/tor/status-vote/current/consensus-microdesc"
        first = dir_get(port, path)
        time.sleep(1.1)
        assert order(network, "publish") == "ok"
        wait(lambda: dir_get(port, path) != first, 10)
        assert order(network, "stop nobody").startswith("error: ")
        assert order(network, "nonsense").startswith("error: ")


def connections_to(nodes):
    """What /proc/net/tcp has as established to these relays, by both ends' addresses."""
    wanted = {"%s:%d" % (n["address"], n["or_port"]) for n in nodes}
    def address(text):
        ip, port = text.split(":")
        return "%s:%d" % (socket.inet_ntoa(bytes.fromhex(ip)[::-1]), int(port, 16))
    rows = subprocess.run(there(["cat", "/proc/net/tcp"]), stdout=subprocess.PIPE, text=True,
                          check=True).stdout.splitlines()[1:]
    found = {(address(r.split()[1]), address(r.split()[2])) for r in rows if r.split()[3] == "01"}
    return {pair for pair in found if pair[1] in wanted}


def test_frozen_relays_are_silent_and_go_on():
    """A page that is asked for meanwhile waits, on connections that stay; it comes when they go on."""
    with Network() as network:
        guards = [n for n in json.loads(network.file("nodes.json"))["nodes"]
                  if n["role"] == "guard"]
        assert network.curl("http://hello.test/", timeout=10).returncode == 0
        before = connections_to(guards)
        assert before
        assert order(network, "freeze guards") == "ok"
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(
            network.curl("http://hello.test/", timeout=30)))
        waiting.start()
        for guard in guards:
            hello = there([sys.executable, "-c", FIRST_WORDS, guard["address"], str(guard["or_port"])])
            assert subprocess.run(hello, timeout=30, check=False).returncode == SILENT
        assert waiting.is_alive() and connections_to(guards) >= before
        assert order(network, "thaw guards") == "ok"
        waiting.join()
        assert answers[0].returncode == 0 and HELLO.match(answers[0].stdout.decode())
        assert connections_to(guards) >= before
        for guard in guards:
            hello = there([sys.executable, "-c", FIRST_WORDS, guard["address"], str(guard["or_port"])])
            assert subprocess.run(hello, timeout=30, check=False).returncode == 0


def test_a_frozen_directory_keeps_its_clients_waiting():
    with Network("--no-client") as network:
        node = json.loads(network.file("nodes.json"))["nodes"][0]
        url = "http://%s:%d/tor/keys/all" % (node["address"], node["dir_port"])
        def fetch():
            return subprocess.run(there(["curl", "-sS", "--max-time", "1", url]), check=False,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
        for said, status in (("freeze auth1", CURL_TIMED_OUT), ("thaw auth1", 0)):
            assert order(network, said) == "ok"
            assert fetch() == status


CURL_TIMED_OUT = 28

# Connects, begins TLS, and says how it went: 0 shook hands, 3 (SILENT) nothing came within a second.
SILENT = 3
FIRST_WORDS = """
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 5) as plain:
    plain.settimeout(1)
    try:
        context.wrap_socket(plain)
    except TimeoutError:
        sys.exit(3)
"""


def test_numbers_of_the_network():
    port = sut_module.free_port(several=2)
    with Network("--relays", "10", "--exits", "5", "--authorities", "1", "--interval", "20",
                 "--base-port", str(port), "--socks-port", str(sut_module.free_port()),
                 "--phantom", "7") as network:
        nodes = json.loads(network.file("nodes.json"))["nodes"]
        assert len(nodes) == 11 and network.ready.group(1, 2) == ("1", "10")
        assert {n["or_port"] for n in nodes} == {port}
        assert {n["dir_port"] for n in nodes} - {0} == {port + 1}
        assert [n["role"] for n in nodes].count("exit") == 5
        consensus = dir_get(port + 1, "/tor/status-vote/current/consensus")
        assert len(re.findall("^r ", consensus, re.M)) == 11 + 7
        seconds = [int(s) for s in re.findall(
            r"^(?:valid-after|fresh-until) \S+ \d\d:(?:\d\d):(\d\d)", consensus, re.M)]
        assert (seconds[1] - seconds[0]) % 60 == 20
        assert HELLO.match(network.curl("http://hello.test/").stdout.decode())


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGQUIT, signal.SIGTERM])
def test_ends_by_a_signal(signum):
    with Network("--no-client", "--relays", "3") as network:
        assert network.stop(signum) == 0


def test_quiet_and_log():
    done = subprocess.run(
        there([sut_module.program(), "testnet", "--relays=3", "--quiet", "--", "true"]),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = subprocess.run(
        there([sut_module.program(), "testnet", "--relays=3", "--log", "info", "--", "true"]),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 0 and re.search(r"\[info\]", done.stderr)
