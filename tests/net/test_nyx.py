"""Programs that people watch and guard their tor with, as Debian has them: nyx, looked at in a
terminal of tmux; vanguards; onionprobe and OnionShare up to where onion services begin."""

import os
import re
import subprocess
import time

import pytest

import privnet
import socks_client
import sut as sut_module
from steered import wait_until

PAGE = "This page came through a private Tor network"


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
    screen = Screen(str(tmp_path), "nyx --interface 127.0.0.1:%d" % steered.control_port)
    yield screen
    screen.close()


def test_nyx_shows_all_its_pages(lab, steered, nyx):
    """Bandwidth that lives, the log, circuits with their relays, configuration, torrc, interpreter."""
    first = nyx.wait_for(r"page 1 / 5")
    assert re.search(r"nyx - \S+ .*Tor 0\.4\.9\.11", first), first
    assert "pid: %d" % steered.process.pid in first, first
    assert steered.curl(lab.url("/bytes/3000000"), "-o", "/dev/null").returncode == 0
    first = nyx.wait_for(r"Download \(.*avg: [1-9][\d.]* [KM]B/sec\)(.|\n)*Events \(TOR/NYX")

    nyx.press("Right")
    circuits = nyx.wait_for(r"page 2 / 5(.|\n)*3 / End")
    assert re.search(r"Connections \(\d+ outbound, \d+ circuit.* 1 control\):", circuits), circuits
    for place in ("1 / Guard", "2 / Middle"):
        assert place in circuits, circuits
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
