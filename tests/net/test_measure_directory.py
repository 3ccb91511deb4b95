"""A coordinator that knows the network itself: relays of Debian's tor, by a client of its own that
fetches, and by the DataDirectory of a tor client, which it follows."""

import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

import privnet
import sut as sut_module
import torlab
from privnet import bound_to_parent, find_program, in_lab_namespace
from test_measure_services import PIN, Service, measure, wait_for

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="tor has no such command")

RATE = 3 * 1024 * 1024


class Coordinator:
    """With one measurer, in FOLDER; its relays are those of DIRECTORY."""

    def __init__(self, folder, lab, keys, directory, more=""):
        self.folder = str(folder)
        shutil.copytree(keys, os.path.join(self.folder, "keys"))
        self.port = sut_module.free_port()
        with open(os.path.join(self.folder, "coord.ini"), "w", encoding="utf-8") as f:
            f.write("[coord]\ndatadir = data\nkeydir = keys\nlisten_addr = 127.0.0.1:%d\n"
                    "directory = %s\ntorrc = %s\nmeasurer = m1 %s 20MB\n%s"
                    "[meas_params]\nprior = 3MB\nsockets = 10\nmeas_duration = 12\n"
                    % (self.port, directory, os.path.join(lab.dir, "client.torrc"),
                       lab.pins["m1"], more))
        self.coord = Service(self.folder, "coord", "coord", "-c", "coord.ini")
        self.measurer = Service(self.folder, "m1", "measurer", "--name", "m1", "--keydir", "keys",
                                "--coord-addr", "127.0.0.1:%d" % self.port, "--coord-pin",
                                lab.pins["coord"], "--bw", "20MB")

    def ctl(self, *words, timeout=90):
        return measure("ctl", "-c", "coord.ini", *words, cwd=self.folder, timeout=timeout)

    def relays(self):
        """{nickname: what is known of it}"""
        got = self.ctl("--json", "relays")
        lines = got.stdout.splitlines() if got.returncode == 0 else []
        return {r.get("nickname", r["addr"]): r for r in json.loads(lines[0])["relays"]} if lines else {}

    def described(self):
        return {name: r for name, r in self.relays().items() if r.get("published")}

    def stop(self):
        self.coord.kill()
        self.measurer.kill()


@pytest.fixture(scope="module", name="keys")
def fixture_keys(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("keys") / "keys")
    pins = {}
    for name in ("coord", "m1"):
        made = measure("keygen", name, "--out", folder)
        assert made.returncode == 0, made.stderr
        pins[name] = PIN.search(made.stdout).group()
    return folder, pins


@pytest.fixture(scope="module", name="lab")
def fixture_lab(workdir, keys):
    """Debian's relays: one agrees to be measured, one is limited, two are of a family."""
    lab = torlab.Lab(os.path.join(workdir, "dirlab"), base=privnet.free_base_port() + 800)
    lab.pins = keys[1]
    names = [n for n in torlab.NODES if n[0] == "g"]
    lab.agrees, lab.limited = names[:2]
    lab.extra_torrc[lab.agrees] = ["ContactInfo me tunic-measure:" + lab.pins["coord"]]
    lab.extra_torrc[lab.limited] = ["RelayBandwidthRate %d" % RATE, "RelayBandwidthBurst %d" % RATE]
    lab._make_keys_first = lab._make_keys      # families are named by keys

    def make_keys():
        os.makedirs(lab.dir, mode=0o700, exist_ok=True)
        lab._make_keys_first()
        for one, other in (names[:2], names[1::-1]):
            lab.extra_torrc[one].append("MyFamily $" + lab.node(other).fingerprint)
            lab.node(one).write_torrc()
    lab._make_keys = make_keys
    lab.start()
    yield lab
    lab.stop()


@pytest.fixture(name="coordinator")
def fixture_coordinator(lab, keys, tmp_path):
    made = []

    def make(directory, more=""):
        made.append(Coordinator(tmp_path, lab, keys[0], directory, more))
        return made[-1]
    yield make
    for one in made:
        one.stop()


def knows_the_network(lab, relays):
    """What the coordinator says of RELAYS is what they are."""
    assert set(relays) == {n.name for n in lab.nodes}
    for node in lab.nodes:
        relay = relays[node.name]
        assert relay["fp"] == node.fingerprint
        assert relay["addrs"] == ["%s:%d" % (node.address, node.or_port)]
        assert relay["running"] and relay["published"] > time.time() - 3600
        assert relay["consent"] == ("contact" if node.name == lab.agrees else "free")
    assert relays[lab.limited]["desc_bw_avg"] == RATE
    assert relays[lab.agrees]["desc_bw_avg"] > RATE
    assert relays[lab.limited]["family"] == relays[lab.agrees]["family"] != 0
    assert [r["family"] for r in relays.values()].count(0) == len(lab.nodes) - 2


def test_it_fetches_the_network_and_measures_by_nickname(lab, coordinator):
    c = coordinator("fetch")
    relays = wait_for(lambda: len(c.described()) == len(lab.nodes) and c.described(), 240)
    knows_the_network(lab, relays)
    wait_for(lambda: "Measurer m1 is there" in c.coord.log())
    got = c.ctl("--json", "measure", "--mode", "echo2", "--dur", "6", lab.limited.upper())
    result = json.loads(got.stdout.splitlines()[-2])
    assert result.get("event") == "result", got.stdout + got.stderr
    assert result["fp"] == lab.node(lab.limited).fingerprint
    assert result["ok"] or result["why"] == "inconclusive", result
    if result["ok"]:
        told = c.ctl("results", lab.limited).stdout
        assert " %s %s " % (lab.limited, result["fp"]) in told, told
    got = c.ctl("measure", "--dur", "6", "nobody-here")
    assert got.returncode == 1
    assert "the consensus has no relay of that name" in got.stdout + got.stderr
    words = c.ctl("relays").stdout
    assert re.search(r"^%s .*weight \d+ kB/s.*, says 25\.2 Mbit/s" % lab.limited, words, re.M), words


def test_its_schedule_has_whoever_agreed_in_the_contact_line(lab, coordinator):
    """Nobody wrote a list: the network's documents say who may be measured, and how."""
    c = coordinator("fetch", "compact = yes\n")

    def schedule(*words):
        got = c.ctl("--json", "schedule", *words)
        return json.loads(got.stdout.splitlines()[0]) if got.returncode == 0 else {}
    wait_for(lambda: len(c.described()) == len(lab.nodes), 240)
    schedule("--start")
    wait_for(lambda: schedule().get("state") == "over" and schedule()["counts"]["waiting"] == 0, 90)
    shown = schedule("--show")
    fp = lab.node(lab.agrees).fingerprint
    assert [i["fp"] for i in shown["items"]] == [fp], shown
    with open(glob.glob(os.path.join(c.folder, "data", "results", "*.jsonl"))[0],
              encoding="utf-8") as f:
        ends = [r for r in map(json.loads, f) if r["t"] == "end"]
    assert ends and {r["fp"] for r in ends} == {fp} and {r["mode"] for r in ends} == {"echo2"}
    assert all(r["ok"] or r["why"] == "inconclusive" for r in ends), ends


def write_result(c, fp, bw):
    now = time.time()
    name = time.strftime("%Y-%m-%d", time.gmtime(now)) + ".jsonl"
    with open(os.path.join(c.folder, "data", "results", name), "a", encoding="utf-8") as f:
        f.write(json.dumps({"t": "end", "id": 1, "ts": int(now), "began": int(now) - 40, "ok": True,
                            "fp": fp, "mode": "flashflow", "bw": bw, "x": bw, "bg": 0,
                            "clamped": 0, "limited_by": "relay"}) + "\n")


def test_another_directory_is_taken_while_it_runs(lab, coordinator):
    """SIGHUP: none, then a client of its own, then a torrc that is none: that changes nothing."""
    c = coordinator("none")
    path = os.path.join(c.folder, "coord.ini")

    def say(old, new):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        assert old in text
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
        c.coord.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "Measurer m1 is there" in c.coord.log())
    assert not c.relays()
    say("directory = none", "directory = fetch")
    relays = wait_for(lambda: len(c.described()) == len(lab.nodes) and c.described(), 240)
    knows_the_network(lab, relays)
    torrc = os.path.join(lab.dir, "client.torrc")
    say("torrc = " + torrc, "torrc = coord.ini")
    wait_for(lambda: "The directory stays as it was" in c.coord.log())
    knows_the_network(lab, c.described())
    say("torrc = coord.ini", "torrc = " + torrc)
    say("directory = fetch", "directory = none")
    wait_for(lambda: not c.relays())
    assert c.coord.log().count("Relays: directory = ") == 2
    say("directory = none", "directory = fetch")
    wait_for(lambda: len(c.described()) == len(lab.nodes), 60)     # what it had kept
    own = os.path.join(c.folder, "torrc")
    shutil.copy(torrc, own)
    say("torrc = " + torrc, "torrc = torrc")
    with open(own, "a", encoding="utf-8") as f:                    # the file that is named already
        f.write("DirAuthority x orport=1 v3ident=%s 127.0.0.1:1 %s\n" % ("A" * 40, "B" * 40))
    c.coord.process.send_signal(signal.SIGHUP)
    wait_for(lambda: c.coord.log().count("Relays: directory = ") == 4)
    with open(own, "w", encoding="utf-8") as f:
        f.write("DirAuthority x\n")
    c.coord.process.send_signal(signal.SIGHUP)
    wait_for(lambda: c.coord.log().count("The directory stays as it was") == 2)
    assert c.coord.end() == 0


def test_what_it_fetched_is_there_at_the_next_start_and_for_the_other_commands(lab, coordinator):
    c = coordinator("fetch")
    wait_for(lambda: len(c.described()) == len(lab.nodes), 240)
    assert c.coord.end() == 0
    write_result(c, lab.node(lab.limited).fingerprint, 10 * RATE)
    kept = os.path.join(c.folder, "data", "directory")
    with open(os.path.join(kept, "cached-descriptors.new"), "rb") as f:
        assert f.read().count(b"\nrouter ") >= len(lab.nodes) - 1
    for node in lab.nodes:      # nobody is there to be asked
        node.process.send_signal(19)
    try:
        c.coord = Service(c.folder, "coord2", "coord", "-c", "coord.ini")
        relays = wait_for(lambda: len(c.described()) == len(lab.nodes) and c.described(), 120)
    finally:
        for node in lab.nodes:
            node.process.send_signal(18)
    knows_the_network(lab, relays)
    made = measure("bwfile", os.path.join("data", "results"), "--data-directory", kept, "--out",
                   "out", cwd=c.folder)
    assert "1 of %d relays have a figure" % len(lab.nodes) in made.stderr
    assert "CONSENSUS WAS NOT VERIFIED: its authorities are not those of the pub" in made.stderr
    told = measure("report", os.path.join("data", "results"), "--relay", lab.limited,
                   "--data-directory", kept, "--torrc", os.path.join(lab.dir, "client.torrc"),
                   cwd=c.folder)
    assert "verified" not in told.stdout and "VERIFIED" not in told.stderr, told.stderr
    assert re.search(r"its limit +25\.2 Mbit/s", told.stdout), told.stdout + told.stderr
    assert re.search(r"consensus weight +[\d.]+ Mbit/s \(Bandwidth=\d+", told.stdout), told.stdout
    got = c.ctl("bwfile")
    assert got.returncode in (0, 1), got.stdout + got.stderr
    fp = lab.node(lab.limited).fingerprint
    for path in (os.path.join("out", "v3bw"), os.path.join("data", "v3bw", "v3bw")):
        with open(os.path.join(c.folder, path), encoding="utf-8") as f:
            text = f.read()
        assert "number_consensus_relays=%d\n" % len(lab.nodes) in text, path
        line = [x for x in text.splitlines() if fp in x][0]
        assert " bw=%d " % (RATE // 1000) in " " + line, path     # no more than it says itself


def test_its_schedule_has_those_that_agree_and_nobody_else(lab, coordinator):
    c = coordinator("fetch")
    wait_for(lambda: len(c.described()) == len(lab.nodes), 240)
    wait_for(lambda: "Measurer m1 is there" in c.coord.log())
    assert c.ctl("schedule", "--start").returncode == 0
    fp = lab.node(lab.agrees).fingerprint

    def planned():
        got = c.ctl("--json", "schedule", "--show")
        return got.stdout if fp in got.stdout else None
    shown = wait_for(planned, 60)
    assert [n.name for n in lab.nodes if n.fingerprint in shown] == [lab.agrees]


def start_client(lab, folder):
    """A client of Debian's tor that keeps server descriptors."""
    os.makedirs(folder, mode=0o700)
    with open(os.path.join(lab.dir, "client.torrc"), encoding="utf-8") as f:
        lines = f.read()
    torrc = folder + ".torrc"
    with open(torrc, "w", encoding="utf-8") as f:
        f.write(lines + "SocksPort 0\nDataDirectory %s\nFetchUselessDescriptors 1\n"
                        "UseMicrodescriptors 0\nLog notice file %s.log\n" % (folder, folder))
    return subprocess.Popen(bound_to_parent(in_lab_namespace(
        [find_program("tor"), "-f", torrc, "--defaults-torrc", "/dev/null", "--hush"])))


def test_it_follows_the_data_directory_of_a_tor_client(lab, coordinator, tmp_path):
    folder = str(tmp_path / "tor")
    c = coordinator(folder)
    wait_for(lambda: "Cannot read the folder" in c.coord.log())
    client = start_client(lab, folder)
    try:
        relays = wait_for(lambda: len(c.described()) == len(lab.nodes) and c.described(), 240)
    finally:
        client.terminate()
        client.wait(20)
    knows_the_network(lab, relays)
    # A consensus that another one wrote, and descriptors that somebody changed, do not count.
    path = os.path.join(folder, "cached-consensus")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    forged = re.sub(r"^valid-after .*$", lambda m: time.strftime(
        "valid-after %Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 60)), text, flags=re.M)
    with open(path + ".tmp", "w", encoding="utf-8") as f:
        f.write(re.sub(r"Bandwidth=\d+", "Bandwidth=7777", forged))
    os.rename(path + ".tmp", path)
    wait_for(lambda: "cached-consensus does not count" in c.coord.log())
    descriptors = ""
    for name in ("cached-descriptors", "cached-descriptors.new"):
        if os.path.exists(os.path.join(folder, name)):
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                descriptors += f.read()
    assert descriptors.count("\npublished ") >= len(lab.nodes)
    later = time.strftime("published %Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 60))
    changed = re.sub(r"^bandwidth .*$", "bandwidth 1 1 1",
                     re.sub(r"^published .*$", later, descriptors, flags=re.M), flags=re.M)
    with open(os.path.join(folder, "cached-descriptors.new"), "a", encoding="utf-8") as f:
        f.write(changed)
    wait_for(lambda: "do not verify, and do not count" in c.coord.log())
    assert {n: r["weight_kb"] for n, r in c.relays().items()} == \
        {n: r["weight_kb"] for n, r in relays.items()}
    knows_the_network(lab, c.relays())


class Silent:
    """Takes connections and says nothing, or what is no TLS."""

    def __init__(self, words=b""):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.at = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.words = words
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer = self.listener.accept()[0]
                peer.recv(4096)
                peer.sendall(self.words)
                peer.close()
            except OSError:
                return


@pytest.mark.parametrize("mode", ["flashflow", "echo2"])
def test_a_host_without_a_relay_is_not_called_silent(mode):
    dead = subprocess.run([sut_module.program(), "measure", "run", "--local", "--mode", mode,
                           "127.0.0.1:1"], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=30, check=False)
    assert dead.returncode == 1
    assert "Connection refused" in dead.stdout and "(unreachable)" in dead.stdout, dead.stdout
    server = Silent(b"HTTP/1.0 400 Bad Request\r\n\r\n")
    other = subprocess.run([sut_module.program(), "measure", "run", "--local", "--mode", mode,
                            server.at], text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=60, check=False)
    server.listener.close()
    assert other.returncode == 1
    assert "(handshake_failed)" in other.stdout, other.stdout
