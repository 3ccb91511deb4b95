"""Choices that need relays of a certain kind: on networks that are forged and cannot be reached. The
program has all documents in its cache; what it would build shows in whom it dials and what it logs."""

import base64
import hashlib
import os
import re
import subprocess
import time

import pytest
import stem.control

import dials
import privnet
import sut as sut_module
from works import works

RELAY = "Fast,Guard,HSDir,Running,Stable,V2Dir,Valid"
# A circuit that was tried, and the exit of it.
CHOSEN = re.compile(r"Chose exit server '\$([0-9A-F]{40})" if sut_module.IS_TOR else
                    r"Circuit \d+ through \$\w+ \$\w+ \$([0-9A-F]{40}) could not be built")


class Forged:
    """A network of `tunic forge`: DIR/torrc and DIR/data."""

    def __init__(self, directory, *options):
        self.dir = str(directory)
        subprocess.run([sut_module.program(as_tor=False), "forge", "consensus", "--out", self.dir,
                        *options], check=True, stdout=subprocess.DEVNULL)
        os.chmod(self.dir + "/data", 0o700)

    @staticmethod
    def relays(file, *options):
        """Server descriptors into FILE, for --relays."""
        done = subprocess.run([sut_module.program(as_tor=False), "forge", "server", *options],
                              check=True, stdout=subprocess.PIPE)
        with open(file, "wb") as f:
            f.write(done.stdout)
        return str(file)

    def torrc(self):
        return [line for line in privnet.read_text(self.dir + "/torrc").splitlines()
                if line.startswith("DirAuthority")]

    def fingerprints(self):
        """{nickname: fingerprint}"""
        text = privnet.read_text(self.dir + "/data/cached-microdesc-consensus")
        return {name: base64.b64decode(rsa + "=").hex().upper()
                for name, rsa in re.findall(r"^r (\w+) (\S{27}) ", text, re.M)}

    def forget_microdescriptors(self, nicknames):
        """Those of the relays are in no cache."""
        consensus = privnet.read_text(self.dir + "/data/cached-microdesc-consensus")
        wanted = dict(re.findall(r"^r (\w+) .*\n(?:a .*\n)*m (\S+)", consensus, re.M))
        gone = {wanted[name] for name in nicknames}
        path = self.dir + "/data/cached-microdescs"
        kept = []
        for entry in re.split(r"(?m)^(?=@last-listed)", privnet.read_text(path)):
            body = entry[entry.find("onion-key"):]
            digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode().rstrip("=")
            if digest not in gone:
                kept.append(entry)
        privnet.write_text(path, "".join(kept))


@pytest.fixture
def start(tmp_path):
    """Starts the program where there is no network, with the caches of a forged one."""
    made = []

    def start(forged, *torrc):
        directory = tmp_path / ("sut%d" % len(made))
        data = directory / "data"
        directory.mkdir()
        subprocess.run(["cp", "-r", forged.dir + "/data", str(data)], check=True)
        client = sut_module.Sut(
            None, directory, network=forged.torrc(),
            torrc=["__DisablePredictedCircuits 1", "LearnCircuitBuildTimeout 0", *torrc],
            wrapper=["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
            + dials.strace(str(directory / "connects")))
        made.append(client)
        client.start(wait=False)
        client.wait_for("Opened Socks listener", 20)
        return client
    yield start
    for client in made:
        client.kill()


def ask(client, port):
    """A stream to PORT is wanted for two seconds."""
    netns = "/proc/%d/ns/net" % client.process.pid
    subprocess.run(["nsenter", "--net=" + netns, "curl", "-s", "-o", "/dev/null", "--max-time", "2",
                    "--noproxy", "", "--socks5-hostname", "127.0.0.1:%d" % client.socks_port,
                    "http://host.test:%d/" % port], check=False)


@works("EnforceDistinctSubnets")
def test_enforce_distinct_subnets(start, tmp_path):
    """Nine relays of one /16: no two may be in a circuit unless that does not matter."""
    forged = Forged(tmp_path / "net", "--count", "9", "--address", "240.1.0.1", "--exit-policy",
                    "accept *:*", "--flags", "*=Exit," + RELAY)
    dialled = {}
    for distinct in "10":
        client = start(forged, "EnforceDistinctSubnets " + distinct)
        ask(client, 80)
        dialled[distinct] = dials.dialled(client.dir + "/connects")
    assert dialled["1"] == [] and dialled["0"]


@works("LongLivedPorts")
def test_long_lived_ports_want_stable_exits(start, tmp_path):
    exits = Forged.relays(tmp_path / "exits", "--count", "6", "--nickname", "exit", "--exit-policy",
                          "accept *:*")
    others = Forged.relays(tmp_path / "others", "--count", "6", "--nickname", "relay")
    flags = ["--flags", "*=" + RELAY, "--flags", "exit1=Exit," + RELAY]
    for i in range(2, 7):
        flags += ["--flags", "exit%d=Exit,Fast,Running,Valid" % i]
    forged = Forged(tmp_path / "net", "--relays", exits, "--relays", others, *flags)
    stable = forged.fingerprints()["exit1"]
    # Long-lived only by the option; and by default, but not by the option.
    for line, port, only in (("4242", 4242, True), ("4242", 6667, False)):
        client = start(forged, "LongLivedPorts " + line)
        ask(client, port)
        chosen = set(CHOSEN.findall(client.log()))
        assert chosen, sut_module.tail(client.log())
        assert (chosen == {stable}) == only, (port, chosen)


@works("PathsNeededToBuildCircuits")
def test_paths_needed_to_build_circuits(start, tmp_path):
    """Of twelve relays four have no descriptor here: less than a third of the paths is known."""
    forged = Forged(tmp_path / "net", "--count", "12", "--nickname", "relay", "--exit-policy",
                    "accept *:*", "--flags", "*=Exit," + RELAY)
    forged.forget_microdescriptors(["relay%d" % i for i in range(9, 13)])
    entry = "EntryNodes relay1,relay2,relay3"
    os.chmod(tmp_path, 0o700)
    controls = [str(tmp_path / name) for name in ("default", "most", "few")]
    for where, line in zip(controls, ((), ("PathsNeededToBuildCircuits 0.95",),
                                      ("PathsNeededToBuildCircuits 0.25",))):
        start(forged, entry, "ControlSocket " + where, *line)

    def is_enough(where):
        with stem.control.Controller.from_socket_file(where) as c:
            c.authenticate()
            return c.get_info("status/enough-dir-info") == "1"
    deadline = time.monotonic() + 20
    while not (os.path.exists(controls[2]) and is_enough(controls[2])):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(1.5)
    assert not is_enough(controls[0]) and not is_enough(controls[1])
