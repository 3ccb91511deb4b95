"""One run: a network of its own, a client, some rest, some pages."""

import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time

import privnet
import seen
import sut

READY_S = 60
SETTLE_S = 8
STAGGER_S = 20          # or those that go on at once would all start at once
PAUSE_S = 4             # mostly: before it starts, so that its own network's start is over
WINDOW_S = 120          # from 100% on
IDLE_S = 40
PAGES = 20


def plan(seed):
    """[(seconds after 100%, bytes)]: whoever is the seed's client asks for the same."""
    dice = random.Random(seed)
    at, pages = IDLE_S, []
    for _ in range(PAGES):
        pages.append((at, int(10 ** dice.uniform(3, 5.2))))
        at += min(12.0, dice.expovariate(1 / 2.5))
    return pages


class Client:
    """A process that says when it is ready."""

    def __init__(self, as_tor, torrc, data, more):
        os.makedirs(data, mode=0o700, exist_ok=True)
        self.socks_port = sut.free_port()
        argv = [sut.program(as_tor), "-f", torrc, "--SocksPort", str(self.socks_port),
                "--DataDirectory", data, "--Log", "notice stdout"] + more
        if as_tor:
            argv += ["--defaults-torrc", "/dev/null"]
        self.ready_at = None
        self.begun = time.time()
        self.process = subprocess.Popen(privnet.bound_to_parent(argv), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.ready = threading.Event()
        self.said = []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.said.append(line)
            if "Bootstrapped 100%" in line and not self.ready_at:
                self.ready_at = time.time()
                self.ready.set()

    def wait_ready(self):
        if not self.ready.wait(READY_S):
            self.kill()
            raise RuntimeError("never ready: " + "".join(self.said)[-1500:])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=40)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Network:
    """A process `tunic testnet` with its relays' log."""

    def __init__(self, where, relays, phantom, more=()):
        self.log_path = where + "/relays.log"
        self.dir = where + "/net"
        os.makedirs(where, mode=0o700)
        argv = [sut.program(False), "testnet", "--no-client", "--dir", self.dir, "--log", "debug",
                "--relays", str(relays), "--phantom", str(phantom), *more]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(privnet.bound_to_parent(argv), stdout=subprocess.PIPE,
                                            stdin=subprocess.DEVNULL, stderr=log)
        if not self.process.stdout.readline().startswith(b"testnet ready"):
            raise RuntimeError("no network: " + privnet.read_text(self.log_path)[-2000:])
        facts = privnet.read_text(self.dir + "/nodes.json")
        self.nodes = dict(zip(re.findall(r'"nickname":\s*"(\w+)"', facts),
                              re.findall(r'"address":\s*"([\d.]+)"', facts)))
        self.torrc = self.dir + "/client.torrc"

    def log_from(self, offset):
        with open(self.log_path, "rb") as f:
            f.seek(offset)
            return f.read().decode("utf-8", "replace")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.process.stdout.close()


class Run:
    """What came of one: who ("tor", "tunic"), how ("cold", "warm"), seed, ready_at, begun, and
    seen."""

    def __init__(self, who, how, seed):
        self.who, self.how, self.seed = who, how, seed
        self.failed_pages = 0
        self.seen = self.ready_at = self.begun = None

    def go(self, where, options, tor_options):
        time.sleep(random.uniform(0, STAGGER_S))
        network = Network(where, options.relays, options.phantom,
                          ["--params", options.params, *options.network_option])
        try:
            self.observe(network, where + "/data", tor_options if self.who == "tor" else [])
        finally:
            network.stop()
            shutil.rmtree(where)
        return self

    def observe(self, network, data, more):
        as_tor = self.who == "tor"
        if self.how == "warm":
            client = Client(as_tor, network.torrc, data, more)
            client.wait_ready()
            time.sleep(SETTLE_S)
            client.stop()
        time.sleep(PAUSE_S * random.uniform(0.5, 1.5))
        offset = os.path.getsize(network.log_path)
        client = Client(as_tor, network.torrc, data, more)
        try:
            client.wait_ready()
            self.begun, self.ready_at = client.begun, client.ready_at
            self.browse(client)
            time.sleep(max(0, self.ready_at + WINDOW_S - time.time()))
        finally:
            client.kill()
        self.seen = seen.Seen(network.log_from(offset), network.nodes)

    def browse(self, client):
        for at, size in plan(self.seed):
            time.sleep(max(0, self.ready_at + at - time.time()))
            got = subprocess.run(
                ["curl", "-sS", "-o", "/dev/null", "--max-time", "20", "--socks5-hostname",
                 "127.0.0.1:%d" % client.socks_port, "http://hello.test/bytes/%d" % size],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            self.failed_pages += got.returncode != 0
