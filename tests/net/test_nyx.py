"""Programs that people watch and guard their tor with, as Debian has them: nyx, looked at in a
terminal of tmux; vanguards; onionprobe and OnionShare up to where onion services begin."""

import os
import re
import shlex
import shutil
import subprocess
import time

import pytest
import stem
import stem.control

import privnet
import sut as sut_module
from steered import launcher, wait_until

PAGE = "This page came through a private Tor network"


def needs(program):
    if not shutil.which(program):
        pytest.skip("%s is not installed: this release may not have it" % program)


class Screen:
    """A program in a terminal of tmux, on a server of its own."""

    def __init__(self, folder, command, columns=100, rows=40):
        os.makedirs(folder, exist_ok=True)
        self.socket = os.path.join(folder, "tmux")
        environment = dict(os.environ, HOME=folder, TERM="screen", LC_ALL="C.UTF-8")
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                  command, env=environment)

    def tmux(self, *words, **options):
        return subprocess.run([privnet.find_program("tmux"), "-S", self.socket] + list(words),
                              capture_output=True, text=True, check=False, **options).stdout

    def text(self):
        return self.tmux("capture-pane", "-p")

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def wait_for(self, pattern, timeout=15):
        """Waits until the screen shows PATTERN -> all of it."""
        deadline = time.monotonic() + timeout
        while not re.search(pattern, self.text(), re.M):
            assert time.monotonic() < deadline, "no %r on the screen:\n%s" % (pattern, self.text())
            time.sleep(0.1)
        return self.text()

    def close(self):
        self.tmux("kill-server")


@pytest.fixture
def nyx(steered, tmp_path):
    needs("nyx")
    screen = Screen(str(tmp_path), "nyx --interface 127.0.0.1:%d" % steered.control_port)
    yield screen
    screen.close()


def test_nyx_shows_all_its_pages(lab, steered, nyx):
    """Bandwidth that lives, the log, circuits with their relays, configuration, torrc, a prompt."""
    nyx.wait_for(r"Tor 0\.4\.9\.11(.|\n)*pid: %d\b(.|\n)*page 1 / 5" % steered.process.pid)
    assert steered.curl(lab.url("/bytes/3000000"), "-o", "/dev/null").returncode == 0
    # (Two of its threads draw, and a word here or there is lost.)
    first = nyx.wait_for(r"avg: [1-9][\d.]* [KM]B/sec\)(.|\n)*Events \(TOR/NYX")

    nyx.press("Right")
    circuits = nyx.wait_for(r"page 2 / 5(.|\n)*Connections \(.*\d+ circuit.* 1 control\):"
                            r"(.|\n)*1 / Guard(.|\n)*2 / Middle(.|\n)*3 / End")
    assert any("%s:%d" % (n.address, n.or_port) in circuits for n in lab.by_role("exit"))

    nyx.press("Right")
    nyx.wait_for(r"page 3 / 5(.|\n)*Tor Configuration(.|\n)*ControlPort +%d" % steered.control_port)
    nyx.press("Right")
    nyx.wait_for(r"page 4 / 5(.|\n)*ControlPort %d" % steered.control_port)
    nyx.press("Right")
    nyx.wait_for(r"page 5 / 5(.|\n)*Control Interpreter")
    nyx.press("Enter", "GETINFO version", "Enter")
    nyx.wait_for(r"250-version=0\.4\.9\.11")
    if os.environ.get("KEEP"):
        privnet.write_text(os.path.join(steered.dir, "nyx.screen"), first + circuits)


def run(words, folder, pattern, timeout=15):
    """Runs a program until it says PATTERN or ends -> all it said."""
    environment = dict(os.environ, HOME=str(folder), PYTHONUNBUFFERED="1",
                       PATH="%s:%s" % (folder, os.environ["PATH"]))
    path = os.path.join(folder, "output")
    with open(path, "wb") as f, subprocess.Popen(
            words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=f,
            stderr=subprocess.STDOUT) as process:
        try:
            wait_until(lambda: re.search(pattern, privnet.read_text(path)) or
                       process.poll() is not None, "it says " + pattern, timeout)
        except AssertionError:
            pass
        process.terminate()
    return privnet.read_text(path)


def test_vanguards_settles(lab, make_steered, tmp_path):
    """It reads the consensus file, chooses second and third hops, sets them and keeps watch. (With
    as many layers' guards as it likes it finds too few relays in so small a network.)"""
    needs("vanguards")
    mine = make_steered().start()
    (tmp_path / "vanguards.conf").write_text(
        "[Global]\ncontrol_port = %d\nloglevel = INFO\n"
        "[Vanguards]\nnum_layer1_guards = 2\nnum_layer2_guards = 2\nnum_layer3_guards = 3\n"
        % mine.control_port)
    said = run(["vanguards", "--config", "vanguards.conf", "--state", "state"], tmp_path,
               r"650 ORCONN")
    assert "connected to Tor 0.4.9.11" in said, said
    assert not re.search("WARN|ERROR|Traceback|Trying again", said), said
    with mine.controller() as controller:
        def relays(option):
            return (controller.get_conf(option) or "").split(",")
        wait_until(lambda: len(relays("HSLayer3Nodes")) == 3, "layer 3 set")
        ours = {node.fingerprint for node in lab.nodes}
        assert len(relays("HSLayer2Nodes")) == 2
        assert set(relays("HSLayer2Nodes") + relays("HSLayer3Nodes")) <= ours
        assert controller.get_conf("NumEntryGuards") == "2"
    assert PAGE in mine.curl(lab.url("/")).stdout


def test_onionprobe_starts_its_tor(lab, tmp_path):
    """With a password that tor itself hashed; it goes as far as to ask for a descriptor."""
    needs("onionprobe")
    launcher(lab, tmp_path)
    said = run(["onionprobe", "--log_level", "debug", "--rounds", "1", "--interval", "1",
                "--control_port", str(sut_module.free_port()),
                "--socks_port", str(sut_module.free_port()), "--descriptor_max_retries", "0",
                "--descriptor_timeout", "2", "--endpoints",
                "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion"],
               tmp_path, "Error getting the descriptor", 40)
    assert "Bootstrapped 100%" in said, said
    assert "Error getting the descriptor" in said, said


ONIONSHARE_TORRC = """DataDirectory %(data)s
SocksPort %(port)d
CookieAuthentication 1
CookieAuthFile %(data)s/cookie
AvoidDiskWrites 1
Log notice stdout
GeoIPFile /usr/share/tor/geoip
GeoIPv6File /usr/share/tor/geoip6
ClientTransportPlugin meek_lite,obfs2,obfs3,obfs4,scramblesuit exec None
ClientTransportPlugin snowflake exec None -url https://nowhere.test/ -front front.test -ice stun:a
ControlSocket %(data)s/control_socket
"""


def test_onionshare_starts_its_tor(lab, tmp_path):
    """OnionShare 2.6's steps, in its words, up to its first onion service."""
    program, data = launcher(lab, tmp_path / "bin"), str(tmp_path / "data")
    os.makedirs(data, mode=0o700)
    port = sut_module.free_port()
    (tmp_path / "torrc").write_text(ONIONSHARE_TORRC % {"data": data, "port": port})
    tor = subprocess.Popen([program, "-f", str(tmp_path / "torrc")], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: os.path.exists(data + "/control_socket"), "its control socket")
        with stem.control.Controller.from_socket_file(data + "/control_socket") as controller:
            controller.authenticate()

            def is_done():
                parts = shlex.split(controller.get_info("status/bootstrap-phase"))
                assert parts[2].startswith("PROGRESS=") and parts[4].startswith("SUMMARY=")
                return parts[4].split("=")[1] == "Done"
            wait_until(is_done, "Done", 30)
            assert controller.get_version().version_str.startswith("0.4.9.11")
            assert controller.get_protocolinfo().cookie_path == data + "/cookie"
            if not sut_module.IS_TOR:
                with pytest.raises(stem.ProtocolError, match="not yet supported"):
                    controller.create_ephemeral_hidden_service({1: 1}, await_publication=False)
        tor.terminate()
        assert tor.wait(timeout=5) == 0
    finally:
        tor.kill()
        tor.wait()
