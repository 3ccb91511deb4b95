"""tunic testnet, as its user sees it. Needs no other network: these tests start their own."""

import concurrent.futures
import hashlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

import sut as sut_module
import torlab

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="about tunic's own network")

READY = re.compile(r"^testnet ready: (\d+) authorities, (\d+) relays, "
                   r"(?:SOCKS 127\.0\.0\.1:(\d+)|no client), dir (\S+) \((\d+\.\d+) s\)$", re.M)
HELLO = re.compile(r"Hello! This came through three relays; "
                   r"the exit was (exit\d) \(127\.\d+\.0\.1\)\.\n$")
BYTES = 100000000


def there(argv):
    """argv on the side where 127.0.0.0/8 is all local, and bound to our life."""
    return torlab.bound_to_parent(torlab.in_lab_namespace(argv))


def tunic(*options):
    return there([sut_module.program(), "testnet", *options])


def run(*options, timeout=60, **more):
    """tunic testnet until it ends -> CompletedProcess with text output."""
    return subprocess.run(tunic(*options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=timeout, check=False, **more)


def curl(socks, url, *options, timeout=30):
    return subprocess.run(
        there(["curl", "-sS", "--max-time", str(timeout), "--noproxy", "", "--socks5-hostname",
               "127.0.0.1:%s" % socks, *options, url]),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


class Network:
    """A test network without a command."""

    def __init__(self, *options, timeout=30):
        self.process = subprocess.Popen(tunic(*options), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        timer = threading.Timer(timeout, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        self.ready = READY.match(line)
        if not self.ready:
            self.process.kill()
            raise AssertionError("no ready line but %r, %s" % (line, self.process.stderr.read()))
        self.socks, self.dir = self.ready.group(3), self.ready.group(4)

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.stop()

    def stop(self, signum=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(signum)
        self.out, self.err = self.process.communicate(timeout=20)
        return self.process.returncode

    def curl(self, url, *options, **more):
        return curl(self.socks, url, *options, **more)

    def file(self, name):
        return torlab.read_text(os.path.join(self.dir, name))

    def counts(self):
        path = os.path.join(self.dir, "counts.json")
        if os.path.exists(path):
            os.unlink(path)
        self.process.send_signal(signal.SIGUSR1)
        wait(lambda: os.path.exists(path), 10)
        return json.loads(self.file("counts.json"))

    def rss_kb(self):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as f:
            return int(re.search(r"^VmRSS:\s+(\d+) kB", f.read(), re.M).group(1))


def wait(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not within %d s" % seconds
        time.sleep(0.02)


def alive(marker):
    """Processes whose command line has MARKER."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                if marker.encode() in f.read().split(b"\0"):
                    found.append(int(pid))
        except OSError:
            pass
    return found


@pytest.fixture(scope="module")
def network():
    with Network() as shared:
        yield shared


# -- the first minute ---------------------------------------------------------------------------

def test_readme_command():
    done = run("--", "curl", "-s", "http://hello.test/")
    assert done.returncode == 0, done.stderr
    assert HELLO.fullmatch(done.stdout), done.stdout
    assert READY.fullmatch(done.stderr.strip()), done.stderr     # and not a warning besides


def test_ready_line(network):
    assert network.ready.group(1, 2) == ("3", "8")
    assert float(network.ready.group(5)) < 5    # 0.3 on a quiet machine
    assert os.path.isdir(network.dir)


def test_pages(network, tmp_path):
    assert HELLO.fullmatch(network.curl("http://hello.test/").stdout.decode())
    some = network.curl("http://hello.test/bytes/16").stdout
    assert some.hex() == "66e94bd4ef8a2c3b884cfa59ca342b2e"
    body = os.urandom(3000000)
    (tmp_path / "body").write_bytes(body)
    posted = network.curl("http://hello.test/", "--data-binary", "@%s" % (tmp_path / "body"))
    assert posted.stdout.decode() == "3000000 bytes, sha256 %s\n" % hashlib.sha256(body).hexdigest()


def test_https_is_closed_at_once(network):
    """The page has no TLS; silence would leave a browser waiting for minutes."""
    begun = time.monotonic()
    done = network.curl("https://hello.test/", "--insecure")
    assert done.returncode == 35, done.stderr       # curl: the TLS handshake failed
    assert time.monotonic() - begun < 10


def test_exits_differ(network):
    """A SOCKS user name is a circuit of its own; some of twelve leave by another exit."""
    seen = {HELLO.fullmatch(network.curl("http://hello.test/", "--proxy-user", "u%d:p" % i)
                            .stdout.decode()).group(1) for i in range(12)}
    assert len(seen) > 1


def test_many_at_once(network):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(
            lambda i: len(network.curl("http://hello.test/bytes/%d" % (i * 20011)).stdout),
            range(24)))
    assert sizes == [i * 20011 for i in range(24)]


def test_help_and_faults():
    helped, faults = run("--help"), run("--list-faults")
    assert helped.returncode == 0 and "usage: tunic testnet" in helped.stdout
    assert faults.returncode == 0 and "stream-end-reason" in faults.stdout


# -- the command --------------------------------------------------------------------------------

@pytest.mark.parametrize("script, status", [
    ("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137), ("kill -SEGV $$", 139)])
def test_exit_status(script, status):
    assert run("--relays", "3", "--", "sh", "-c", script).returncode == status


def test_command_that_cannot_be_run(tmp_path):
    missing = run("--relays", "3", "--", "no-such-program-here")
    assert missing.returncode == 127
    assert 'cannot run "no-such-program-here": there is no such program' in missing.stderr
    path = tmp_path / "plain"
    path.write_text("")
    plain = run("--relays", "3", "--", str(path))
    assert plain.returncode == 126 and "Permission denied" in plain.stderr


def test_environment():
    done = run("--relays", "3", "--", "env", env={**os.environ, "http_proxy": "http://x/",
                                                  "no_proxy": "*"})
    env = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    socks = READY.search(done.stderr).group(3)
    assert env["TUNIC_TESTNET_SOCKS"] == "127.0.0.1:" + socks
    assert env["ALL_PROXY"] == env["all_proxy"] == "socks5h://127.0.0.1:" + socks
    assert env["TUNIC_TESTNET_TORRC"] == env["TUNIC_TESTNET_DIR"] + "/client.torrc"
    assert "http_proxy" not in env and "no_proxy" not in env
    assert not os.path.exists(env["TUNIC_TESTNET_DIR"])         # gone with the network


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signals_are_passed_on(signum):
    process = subprocess.Popen(tunic("--relays", "3", "--", "sh", "-c",
                                     "trap 'exit 33' USR1; echo on; while :; do sleep 0.05; done"),
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout.readline() == "on\n"
    process.send_signal(signum)
    assert process.wait(timeout=10) == (33 if signum == signal.SIGUSR1 else 128 + signum)
    process.stdout.close()


def test_nothing_is_left_behind(tmp_path):
    marker = "31536%d" % os.getpid()
    done = run("--relays", "3", "--", "sh", "-c",
               "sleep %s & setsid sleep %s & (trap '' TERM; sleep %s) & sleep 0.2" % (
                   marker, marker, marker))
    assert done.returncode == 0
    assert alive(marker) == []
    process = subprocess.Popen(tunic("--relays", "3", "--quiet", "--", "sleep", marker),
                               env={**os.environ, "TMPDIR": str(tmp_path)})
    wait(lambda: len(alive(marker)) > 1, 60)        # tunic's own command line has it too
    process.kill()
    process.wait()
    wait(lambda: alive(marker) == [], 30)


# -- bad use ------------------------------------------------------------------------------------

@pytest.mark.parametrize("options, says", [
    (["--exits", "0"], '--exits "0"'),
    (["--exits", "8"], "8 exits of 8 relays"),
    (["--relays", "two"], '--relays "two": must be a whole number from 3'),
    (["--relays", "120"], "120"),
    (["--bogus"], "--bogus: there is no such option; see --help"),
    (["--no-client", "--socks-port", "9150"], "--socks-port: there is no client"),
    (["--host", "x=192.0.2.1:80"], "not a loopback address"),
    (["--exit-policy", "accept 192.0.2.0/24:80"], "not a loopback address"),
    (["--params", "a=b"], '"a=b" is no parameter'),
    (["--fault", "nobody:dir-404"], 'there is no node "nobody"'),
    (["--fault", "guard1:dir-4040"], "no such fault"),
    (["--"], "no command behind it"),
    (["curl"], 'after "--"'),
])
def test_wrong_usage(options, says):
    done = run(*options, timeout=10)
    assert done.returncode == 2
    assert done.stderr.startswith("tunic testnet: ") and says in done.stderr
    assert done.stdout == "" and done.stderr.count("\n") == 1


def test_port_taken(network):
    done = run("--socks-port", network.socks, "--", "true")
    assert done.returncode == 1
    assert "cannot listen on 127.0.0.1:%s" % network.socks in done.stderr
    assert "Address already in use" in done.stderr
    taken = json.loads(network.file("nodes.json"))["nodes"][0]["or_port"]
    done = run("--base-port", str(taken), "--", "true")
    assert done.returncode == 1
    assert "127.11.0.1:%d: Address already in use" % taken in done.stderr
    assert "choose another --base-port" in done.stderr


def test_dir_that_cannot_be_used(network, tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    for wish, says in ((path, "Not a directory"), (path / "below", "Not a directory"),
                       (tmp_path / "a" / "b", "No such file or directory"),
                       ("/proc/nothing", "No such file or directory"),
                       (network.dir, "another test network uses --dir")):
        done = run("--dir", str(wish), "--", "true")
        assert done.returncode == 1
        assert says in done.stderr and str(wish) in done.stderr


def test_client_that_never_gets_ready():
    done = run("--fault", "all:link-no-netinfo", "--timeout", "2", "--log", "err", "--", "true")
    assert done.returncode == 1
    assert re.search(r"has not got further than \d+ % in 2 s", done.stderr)


# -- its folder ---------------------------------------------------------------------------------

def test_files(tmp_path):
    directory = tmp_path / "net"
    with Network("--dir", str(directory), "--relays", "4") as net:
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert stat.S_IMODE((directory / "keys").stat().st_mode) == 0o700
        for secret in (directory / "keys").iterdir():
            assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        first = net.file("fingerprints")
        nodes = json.loads(net.file("nodes.json"))
        assert [n["fingerprint"] for n in nodes["nodes"]] == re.findall("[0-9A-F]{40}", first)
        assert len(nodes["nodes"]) == 7 and nodes["socks"] == "127.0.0.1:" + net.socks
        assert net.file("client.torrc").count("\nDirAuthority ") == 3
        assert net.file("arti.toml").count("[[tor_network.fallback_caches]]") == 7
        assert net.stop() == 0
    assert json.loads(net.file("counts.json"))["auth1"]["links_ever"] >= 0
    with Network("--dir", str(directory), "--relays", "4") as again:
        assert again.file("fingerprints") == first          # the keys are kept


def test_a_folder_whose_control_socket_does_not_fit_is_said(tmp_path):
    deep = tmp_path / ("d" * 101)
    with Network("--dir", str(deep), "--no-client") as net:
        assert net.stop() == 0
    assert re.search(r"\[warn\] No control socket: .*Take a --dir of at most 99 bytes", net.err)


def test_temporary_folder_goes_away():
    with Network("--relays", "3") as net:
        assert os.path.exists(net.dir + "/client.torrc")
        assert net.stop() == 0
    assert not os.path.exists(net.dir)


def test_seed_repeats():
    prints = []
    for seed in ("5", "5", "6"):
        with Network("--relays", "3", "--seed", seed) as net:
            prints.append(net.file("fingerprints"))
    assert prints[0] == prints[1] != prints[2]


def test_no_client():
    with Network("--no-client", "--relays", "3") as net:
        assert net.socks is None
        assert "socks" not in json.loads(net.file("nodes.json"))


# -- what the network can be told ---------------------------------------------------------------

def test_host_and_policy():
    """A server of the tester's own, in the same namespace as the network."""
    server = subprocess.Popen(
        there(["python3", "-c", "import http.server as h, sys; s = h.ThreadingHTTPServer(('127.0.0.1', "
               "0), h.SimpleHTTPRequestHandler); print(s.server_port, flush=True); "
               "s.serve_forever()"]), cwd=os.path.dirname(os.path.abspath(__file__)),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    port = server.stdout.readline().strip()
    try:
        with Network("--host", "api.example=127.0.0.1:" + port,
                     "--host", "two.example:81=127.0.0.1:" + port,
                     "--exit-policy", "accept *:80-81,accept *:%s,reject *:*" % port) as net:
            for url in ("http://api.example/pytest.ini", "http://two.example:81/pytest.ini",
                        "http://any.test:%s/pytest.ini" % port):
                assert b"[pytest]" in net.curl(url).stdout, url
            for url in ("http://two.example/", "http://nowhere.example/", "http://any.test:82/"):
                assert net.curl(url, timeout=10).returncode != 0, url
    finally:
        server.kill()
        server.communicate()


def test_two_at_once():
    with Network("--relays", "3") as one, Network("--relays", "3") as two:
        assert one.socks != two.socks and one.file("fingerprints") != two.file("fingerprints")
        for net in (one, two):
            assert HELLO.fullmatch(net.curl("http://hello.test/").stdout.decode())


def test_delay():
    with Network("--delay", "40", "--jitter", "10") as net:
        net.curl("http://hello.test/")
        began = time.monotonic()
        assert net.curl("http://hello.test/").returncode == 0
        took = time.monotonic() - began
    # BEGIN and CONNECTED, request and answer: twice three links there and back. A delay counts from
    # the beginning of a wake-up, which may be some milliseconds ago.
    assert 2 * 6 * 0.035 <= took < 2 * 6 * 0.050 + 0.5


def test_rate():
    with Network("--rate", "400KB") as net:
        began = time.monotonic()
        got = net.curl("http://hello.test/bytes/1000000").stdout
        took = time.monotonic() - began
    assert len(got) == 1000000
    assert 2.0 < took < 5       # 1 MB with cells' and records' headers at 400 KB a second


def test_loss_of_link():
    with Network("--loss-of-link", "1", "--rate", "200KB") as net:
        done = net.curl("http://hello.test/bytes/4000000", timeout=60)
        assert done.returncode != 0             # 20 s over three links that live a second
        wait(lambda: HELLO.fullmatch(net.curl("http://hello.test/", timeout=5).stdout.decode()), 30)


def test_fault():
    with Network("--fault", "exits:stream-end-reason=1") as net:
        done = net.curl("http://hello.test/", timeout=20)
    assert done.returncode == 97        # what curl calls a refusal of the proxy


def dir_get(port, path):
    return subprocess.run(there(["curl", "-sS", "--max-time", "5", "http://127.11.0.1:%d%s" % (
        port, path)]), stdout=subprocess.PIPE, check=True).stdout.decode()


def test_new_consensus_on_demand():
    with Network("--no-client", "--relays", "3") as net:
        port = json.loads(net.file("nodes.json"))["nodes"][0]["dir_port"]
        path = "/tor/status-vote/current/consensus-microdesc"
        first = re.search("^valid-after .*", dir_get(port, path), re.M).group(0)
        time.sleep(1.1)
        net.process.send_signal(signal.SIGHUP)
        wait(lambda: re.search("^valid-after .*", dir_get(port, path), re.M).group(0) != first, 10)


def test_params_are_in_the_consensus():
    with Network("--no-client", "--relays", "3", "--params", "circwindow=900 testing=7") as net:
        port = json.loads(net.file("nodes.json"))["nodes"][0]["dir_port"]
        text = dir_get(port, "/tor/status-vote/current/consensus")
        assert re.search("^params .*circwindow=900 .*testing=7", text, re.M)


def test_memory_of_ten_relays():
    with Network("--relays", "10") as net:
        assert len(net.curl("http://hello.test/bytes/20000000").stdout) == 20000000
        assert net.rss_kb() < 60 * 1024


def test_listens_on_loopback_only(network):
    inodes = set()
    for fd in os.listdir("/proc/%d/fd" % network.process.pid):
        try:
            inodes.add(os.readlink("/proc/%d/fd/%s" % (network.process.pid, fd)))
        except OSError:
            pass
    seen = 0
    for family in ("tcp", "tcp6", "udp", "udp6"):
        with open("/proc/%d/net/%s" % (network.process.pid, family), encoding="ascii") as f:
            for line in list(f)[1:]:
                fields = line.split()
                if "socket:[%s]" % fields[9] in inodes:
                    local, remote = fields[1].split(":"), fields[2].split(":")
                    assert family == "tcp" and local[0].endswith("7F"), line
                    assert remote[0].endswith("7F") or remote[0] == "00000000", line
                    seen += 1
    assert seen > 11


# -- Debian's tor as the client -------------------------------------------------------------------

class Tor:
    """Debian's tor client of a test network."""
    # What tor says of any private network, and of root.
    USUAL = re.compile(r"TestingTorNetwork is set|specify alternate directory authorities|"
                       r"running Tor as root|sensitive information|"
                       r"Path for|CacheDirectory|is relative and will resolve")

    def __init__(self, net, directory):
        self.log = str(directory / "log")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.socks = probe.getsockname()[1]
        data = directory / "data"
        data.mkdir(mode=0o700, parents=True)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                there([torlab.find_program("tor"), "-f", net.dir + "/client.torrc",
                       "--defaults-torrc", "/dev/null", "--SocksPort", str(self.socks),
                       "--DataDirectory", str(data), "--Log", "notice stdout",
                       "--ProtocolWarnings", "1"]),
                stdout=log, stderr=subprocess.STDOUT)
        wait(lambda: "Bootstrapped 100%" in self.text() or self.process.poll() is not None, 60)
        assert "Bootstrapped 100%" in self.text(), self.text()[-3000:]

    def text(self):
        return torlab.read_text(self.log)

    def warnings(self):
        return [line for line in self.text().splitlines()
                if re.search(r"\[(warn|err)\]", line) and not self.USUAL.search(line)]

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.process.terminate()
        self.process.wait(timeout=40)


def keystream_digest():
    made = subprocess.Popen(["openssl", "enc", "-aes-128-ctr", "-K", "0" * 32, "-iv", "0" * 32],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    digest = hashlib.sha256()
    zeros = bytes(1 << 20)

    def feed():
        left = BYTES
        while left:
            left -= made.stdin.write(zeros[:min(left, len(zeros))])
        made.stdin.close()
    threading.Thread(target=feed).start()
    for chunk in iter(lambda: made.stdout.read(1 << 20), b""):
        digest.update(chunk)
    made.wait()
    return digest.hexdigest()


def test_tor_fetches_100_mb(tmp_path):
    with Network("--no-client") as net:
        before = net.counts()
        with Tor(net, tmp_path) as tor:
            page = curl(tor.socks, "http://hello.test/").stdout.decode()
            assert HELLO.fullmatch(page), page + tor.text()
            got = curl(tor.socks, "http://hello.test/bytes/%d" % BYTES, timeout=60)
            assert got.returncode == 0, got.stderr
            assert hashlib.sha256(got.stdout).hexdigest() == keystream_digest()
            counts = net.counts()
            assert tor.warnings() == []
    # tor 0.4.9 asks exits that announce Relay=6 and FlowCtrl=2 for CGO, and says ntor-v3 to all that
    # announce it; to a directory's first hop CREATE_FAST.
    new = {name: {kind: c[kind] - before[name][kind] for kind in c} for name, c in counts.items()}
    assert sum(c["cgo"] for name, c in new.items() if name.startswith("exit")) >= 1, new
    assert sum(c["cgo"] for name, c in new.items() if not name.startswith("exit")) == 0, new
    assert sum(c["ntor_v3"] for name, c in new.items()) >= 3, new
    assert sum(c["create_fast"] for name, c in new.items()) >= 1, new
    # The bytes went through guards, middles and one exit, at 488 bytes a cell: by conflux on two ways.
    out = [c["cells_out"] for c in new.values()]
    assert max(out) > BYTES // 488 and sum(out) > 3 * (BYTES // 488), new
    assert net.stop() == 0
    assert net.err == ""


WITHOUT_CGO = "Cons=1-2 Desc=1-4 DirCache=2 FlowCtrl=1-2 Link=3-5 LinkAuth=3 Microdesc=1-3 Relay=2-4"


def test_tor_and_relays_without_cgo(tmp_path):
    with Network("--no-client", "--protocols", WITHOUT_CGO) as net:
        with Tor(net, tmp_path) as tor:
            page = curl(tor.socks, "http://hello.test/").stdout.decode()
            assert HELLO.fullmatch(page), page + tor.text()
            counts = net.counts()
            assert tor.warnings() == []
    assert sum(c["ntor_v3"] for name, c in counts.items() if name.startswith("exit")) >= 1, counts
    assert sum(c["ntor"] for c in counts.values()) >= 2, counts
    assert sum(c["cgo"] for c in counts.values()) == 0, counts


def test_tor_with_ten_thousand_phantoms(tmp_path):
    with Network("--no-client", "--phantom", "10000", "--spread", "light", timeout=60) as net:
        with Tor(net, tmp_path) as tor:
            for _ in range(3):
                page = curl(tor.socks, "http://hello.test/").stdout.decode()
                assert HELLO.fullmatch(page), page + tor.text()
            assert tor.warnings() == []


def test_own_client_with_ten_thousand_phantoms():
    done = run("--phantom", "10000", "--spread", "light", "--", "curl", "-s", "http://hello.test/")
    assert HELLO.fullmatch(done.stdout), done.stderr
