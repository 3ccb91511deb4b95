"""The way to the relays is cut, and is there again: in silence, with the cable pulled, with another
address. What is asked for then works within seconds, by the guards of before."""

import os
import signal
import subprocess
import threading
import time

import pytest

import sut as sut_module

PAGE = "This page came through a private Tor network"
NEAR, FAR_END = "tunic0", "127.192.0.1"
SOON_S = 5

pytestmark = [
    pytest.mark.skipif(not os.environ.get("TORLAB_NETNS"), reason="needs network namespaces"),
    pytest.mark.skipif(sut_module.IS_TOR, reason="tor waits for the kernel: bench/RESULTS.md"),
]


def there(command):
    subprocess.run(["nsenter", "--net=" + os.environ["TORLAB_NETNS"]] + command.split(), check=True)


def here(command):
    subprocess.run(command.split(), check=True)


class Silence:
    """Packets are lost at the far end, both ways; nothing here says so."""

    @staticmethod
    def cut():
        there("sysctl -qw net.ipv4.conf.relays0.route_localnet=0")

    @staticmethod
    def mend():
        there("sysctl -qw net.ipv4.conf.relays0.route_localnet=1")


class Pulled:
    """The interface goes down, and its routes with it."""

    near_end = "127.192.0.2"

    @classmethod
    def cut(cls):
        here("ip link set %s down" % NEAR)

    @classmethod
    def mend(cls):
        here("ip link set %s up" % NEAR)
        cls.routes(cls.near_end)

    @staticmethod
    def routes(source):
        for to in (FAR_END, "127.0.0.0/8 via " + FAR_END, "default via " + FAR_END):
            here("ip route replace %s dev %s src %s" % (to, NEAR, source))


class Moved(Pulled):
    """It comes back with another address: the one of before is gone."""

    other_end = "127.192.0.3"

    @classmethod
    def mend(cls):
        cls.move(cls.near_end, cls.other_end)

    @classmethod
    def move(cls, old, new):
        here("ip link set %s down" % NEAR)
        here("ip addr del %s/32 dev %s" % (old, NEAR))
        here("ip addr add %s/32 dev %s" % (new, NEAR))
        here("ip link set %s up" % NEAR)
        cls.routes(new)
        there("ip route replace %s dev relays0 src %s" % (new, FAR_END))


class Requests:
    """Somebody asks for a page again and again, each second, and waits ten at most."""

    def __init__(self, client, url):
        self.client, self.url, self.good, self.over = client, url, [], False
        self.threads = []
        self.clock = threading.Thread(target=self.run)
        self.clock.start()

    def run(self):
        while not self.over:
            self.threads.append(threading.Thread(target=self.ask))
            self.threads[-1].start()
            time.sleep(1)

    def ask(self):
        if PAGE in self.client.curl(self.url, timeout=10).stdout:
            self.good.append(time.monotonic())

    def first_after(self, moment, timeout):
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            good = [t for t in self.good if t > moment]
            if good:
                return min(good) - moment
            time.sleep(0.05)
        return None

    def end(self):
        self.over = True
        self.clock.join()
        for thread in self.threads:
            thread.join()


@pytest.fixture
def restore():
    yield
    Silence.mend()
    addresses = subprocess.run(["ip", "addr", "show", "dev", NEAR], check=True, text=True,
                               stdout=subprocess.PIPE).stdout
    if Moved.other_end in addresses:
        Moved.move(Moved.other_end, Moved.near_end)
    else:
        Pulled.mend()


# Long enough for the kernel to be late by more than SOON_S; half a minute where there is time.
CUTS = [(Silence, 30 if os.environ.get("NETWORK") == "tunic" else 15), (Pulled, 6), (Moved, 6)]


@pytest.mark.parametrize("cut,seconds", CUTS)
def test_used_at_once_when_it_is_back(lab, make_sut, restore, cut, seconds):
    client = make_sut().start()
    before = set(client.connected_relays())
    load = subprocess.Popen(
        ["curl", "-s", "-o", "/dev/null", "--socks5-hostname", "127.0.0.1:%d" % client.socks_port,
         lab.url("/bytes/5000000000")])
    requests = Requests(client, lab.url("/"))
    try:
        assert requests.first_after(0, 10) is not None
        mark = client.log_mark()
        cut.cut()
        gone = time.monotonic()
        time.sleep(seconds)
        assert requests.first_after(gone + 1, 0.1) is None, "it was not cut"
        cut.mend()
        back = time.monotonic()
        waited = requests.first_after(back, 40)
        dialled = set(client.connected_relays())
    finally:
        load.kill()
        load.wait()
        requests.end()
    assert waited is not None and waited < SOON_S, "%s s\n%s" % (
        waited, sut_module.tail(client.log()[mark:], 60))
    assert dialled & before, "it has left its guards"
    strangers = [n.name for n in dialled - before if n.role != "guard"]
    assert not strangers, "it asks others than its guards: %s" % strangers


def freeze(lab, node, frozen):
    """Its sockets stay open, and it reads and writes nothing."""
    if hasattr(lab, "order"):
        lab.order("%s %s" % ("freeze" if frozen else "thaw", node.name))
    else:
        node.process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)


def test_a_guard_that_falls_silent_is_left(lab, make_sut):
    """Its kernel goes on to acknowledge, so that no connection ends; other guards are there."""
    client = make_sut().start()
    assert PAGE in client.curl(lab.url("/")).stdout
    guards = [n for n in client.connected_relays() if n.role == "guard"]
    used = max(guards, key=lambda n: client.log().count("$" + n.fingerprint))
    freeze(lab, used, True)
    try:
        asked = time.monotonic()
        page = client.curl(lab.url("/"), timeout=60).stdout
        waited = time.monotonic() - asked
    finally:
        freeze(lab, used, False)
    assert PAGE in page and waited < 25, "%.1f s\n%s" % (waited, sut_module.tail(client.log(), 60))
