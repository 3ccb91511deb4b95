"""A coordinator and three measurers on machines of their own, with lines that differ, and a relay on
a fifth: what each gives, who is slow, and that nobody gets a byte who has not agreed to it."""

import json
import os
import re
import signal
import ssl
import statistics
import struct
import subprocess
import sys
import threading
import time

import pytest

import sut as sut_module
from machines import FORWARD, Machines, Watch
from stocktor import StockTor
from test_measure_services import PIN, wait_for

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="tor has no such command")

MB = 1000 * 1000
TUNIC = sut_module.program()
BW = {"m1": 1.0, "m2": 2.5, "m3": 2.5}      # MB/s, as each says of itself
LINES = {"m1": 12, "m2": 30, "m3": 2}       # Mbit/s, as it is: m3 is slow
RATE, RELAY = 1.5, 9001
MEASURERS = sorted(BW)


def keygen(folder, name):
    done = subprocess.run([TUNIC, "measure", "keygen", name, "--out", os.path.join(folder, "keys")],
                          capture_output=True, text=True, check=True)
    return PIN.search(done.stdout).group(0)


class World:
    """The machines, and the services on them."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.machines = Machines(c=10, m1=11, m2=12, m3=13, r=20)
        self.running = []
        self.pins = {name: keygen(self.folder, name) for name in ["coord", "other", *MEASURERS]}
        self.watch = Watch(self.machines["r"], os.path.join(self.folder, "counts"))
        self.shaped = all(self.machines[m].shape(LINES[m]) for m in MEASURERS)
        self.relay = self.machines["r"].address + ":"

    def write_coord(self):
        with open(os.path.join(self.folder, "coord.ini"), "w", encoding="utf-8") as f:
            f.write("[coord]\ndatadir = data\nkeydir = keys\nlisten_addr = %s:12934\n" %
                    self.machines["c"].address)
            for m in MEASURERS:
                f.write("measurer = %s %s %dkB\n" % (m, self.pins[m], BW[m] * 1000))
            f.write("[meas_params]\nmeas_duration = 8\nsockets = 24\nprior = %dkB\n" % (RATE * 1000))

    def write_measurer(self, m, pin="coord", hop=None):
        with open(os.path.join(self.folder, m + ".ini"), "w", encoding="utf-8") as f:
            f.write("[measurer]\nname = %s\nkeydir = keys\ncoord_addr = %s:12934\ncoord_pin = %s\n"
                    "bw = %dkB\nhop_addr = %s:0\n" %
                    (m, self.machines["c"].address, self.pins[pin], BW[m] * 1000,
                     hop or self.machines[m].address))

    def start(self, machine, *words):
        with open(os.path.join(self.folder, machine + ".log"), "a", encoding="utf-8") as log:
            process = self.machines[machine].start([TUNIC, "measure", *words], cwd=self.folder,
                                                   stdout=log, stderr=log)
        self.running.append(process)
        return process

    def log(self, machine):
        with open(os.path.join(self.folder, machine + ".log"), encoding="utf-8") as f:
            return f.read()

    def begin(self):
        self.write_coord()
        self.coord = self.start("c", "coord", "-c", "coord.ini")
        self.measurers = {}
        for m in MEASURERS:
            self.write_measurer(m, pin="other" if m == "m1" else "coord")
            self.measurers[m] = self.start(m, "measurer", "-c", m + ".ini")
        # One that was told of another coordinator, and hears of this one by a reload.
        wait_for(lambda: "is not the coordinator" in self.log("m1"), 40)
        self.write_measurer("m1")
        self.measurers["m1"].send_signal(signal.SIGHUP)
        wait_for(lambda: self.connected() == MEASURERS, 40)

    def ctl(self, *words, timeout=90):
        return self.machines["c"].run([TUNIC, "measure", "ctl", "-c", "coord.ini", *words],
                                      cwd=self.folder, timeout=timeout)

    def connected(self):
        got = self.ctl("--json", "measurers")
        if got.returncode:
            return []
        known = json.loads(got.stdout.splitlines()[0])["measurers"]
        return sorted(m["name"] for m in known if m["connected"])

    def state(self):
        got = self.ctl("--json", "status")
        return [j["state"] for j in json.loads(got.stdout.splitlines()[0])["jobs"]]

    def last(self):
        """The last end in the results, and its beginning, if it has one."""
        lines = []
        folder = os.path.join(self.folder, "data", "results")
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                lines += [json.loads(line) for line in f]
        end = [line for line in lines if line["t"] == "end"][-1]
        begins = [line for line in lines if line["t"] == "begin" and line["id"] == end["id"]]
        return begins, end

    def arrived(self, port):
        """Packets by measurers, and by the coordinator."""
        counts = self.watch.counts()
        one = {name: counts.get((self.machines[name].address, str(port)), 0)
               for name in ["c", *MEASURERS]}
        return sum(one[m] for m in MEASURERS), one["c"]

    def quiet(self):
        """Counts, once nothing of what was before arrives any more."""
        last, now = None, self.ours()
        while last != now:
            time.sleep(1)       # a slow line empties
            last, now = now, self.ours()
        return now

    def ours(self):
        """What came from the coordinator and its measurers; relays go about business of their own."""
        senders = [self.machines[name].address for name in ["c", *MEASURERS]]
        return {key: n for key, n in self.watch.counts().items() if key[0] in senders}

    def end(self):
        for process in self.running:
            process.kill()
            process.wait()
        self.watch.end()
        self.machines.end()


@pytest.fixture(name="world", scope="module")
def fixture_world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("machines"))
    try:
        world.testnet = world.machines["r"].start(
            [TUNIC, "testnet", "--measurable", "--no-client", "--rate", "%dkB" % (RATE * 1000),
             "--dir", os.path.join(world.folder, "net")], stdout=subprocess.PIPE, text=True)
        world.running.append(world.testnet)
        world.testnet.stdout.readline()
        with open(os.path.join(world.folder, "net", "measure", "coord.id"), "rb") as f:
            identity = f.read()
        with open(os.path.join(world.folder, "keys", "coord.id"), "wb") as f:
            f.write(identity)       # the one that these relays know
        with open(os.path.join(world.folder, "net", "nodes.json"), encoding="utf-8") as f:
            nodes = {n["nickname"]: n for n in json.load(f)["nodes"]}
        world.ports = {name: n["or_port"] for name, n in nodes.items()}
        for name in ("guard1", "guard2"):
            carrier = world.machines["r"].start([sys.executable, "-c", FORWARD,
                                                 world.machines["r"].address, str(world.ports[name]),
                                                 nodes[name]["address"]],
                                                stdout=subprocess.PIPE, text=True)
            world.running.append(carrier)
            carrier.stdout.readline()
        world.begin()
        yield world
    finally:
        world.end()


@pytest.fixture(name="tor", scope="module")
def fixture_tor(world, tmp_path_factory):
    """Debian's, whose operator has agreed."""
    machine = world.machines["r"]
    with StockTor(str(tmp_path_factory.mktemp("tor")), 9101, int(RATE * MB), address=machine.address,
                  enter=machine.enter,
                  extra=["ContactInfo me, tunic-measure:%s" % world.pins["coord"]]) as tor:
        yield tor


@pytest.fixture(name="silent", scope="module")
def fixture_silent(world, tmp_path_factory):
    """Debian's, whose operator has agreed to another coordinator."""
    machine = world.machines["r"]
    with StockTor(str(tmp_path_factory.mktemp("silent")), 9201, int(RATE * MB),
                  address=machine.address, enter=machine.enter,
                  extra=["ContactInfo me, tunic-measure:%s" % world.pins["other"]]) as tor:
        yield tor


# -- what each gives ------------------------------------------------------------------------------


def gave(end):
    """Bytes a second by measurer."""
    return {m: statistics.median(seconds[2:]) for m, seconds in end["sec"]["m"].items()}


def is_split(world, begin, end):
    """Each was told of its share, and gives it; but the slow one, which the report names."""
    told, all_bw = begin["alloc"], sum(BW.values())
    for m in MEASURERS:
        assert abs(told[m] / sum(told.values()) - BW[m] / all_bw) < .03, told
    if not world.shaped:
        return
    parts = gave(end)
    fair = {m: sum(parts.values()) * BW[m] / all_bw for m in MEASURERS}
    assert parts["m3"] < .75 * fair["m3"], (parts, fair)
    assert min(MEASURERS, key=lambda m: parts[m] / fair[m]) == "m3", (parts, fair)


def test_a_team_of_machines(world):
    """A relay that agrees by its answer, over lines that differ."""
    got = world.ctl("measure", world.relay + str(world.ports["guard1"]))
    begins, end = world.last()
    assert end.get("bw"), (got.stdout, end, world.log("c"))
    assert .6 * RATE * MB < end["bw"] < 1.2 * RATE * MB, end
    is_split(world, begins[0], end)
    assert end["bad"] == 0 and set(end["blocked"]) == set(MEASURERS)
    done = subprocess.run([TUNIC, "measure", "report", "--relay", end["fp"],
                           os.path.join(world.folder, "data", "results")],
                          capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    for m in MEASURERS:
        assert re.search(r"\b%s\b" % m, done.stdout), done.stdout
    # The slow one shows.
    parts = {m: n / begins[0]["alloc"][m] for m, n in gave(end).items()}
    assert not world.shaped or min(parts, key=parts.get) == "m3", parts
    if not world.shaped:
        pytest.skip("tc may shape no line here: all were alike, and the slow one is not shown")


def test_a_team_of_machines_and_debians_tor(world, tor):
    """The second hop of each is at that measurer's own address."""
    got = world.ctl("measure", "--mode", "echo2", tor.at)
    begins, end = world.last()
    assert end["mode"] == "echo2" and end.get("bw"), (got.stdout, end)
    assert .5 * RATE * MB < end["bw"] < 1.2 * RATE * MB, end
    assert begins and end["bad"] == 0 and end["checked"] > 2000
    parts = gave(end)
    assert not world.shaped or parts["m3"] < parts["m2"], parts
    assert tor.warnings() == [] and tor.closed_for_us() == []


# -- consent --------------------------------------------------------------------------------------


NO_ADDRESSES = ["localhost:9101", "relay.example:9101", "[::ffff:198.51.100.20]:9101",
                "198.51.100.276:9101", "0xc6336414:9101", "3325256724:9101", "198.51.25620:9101",
                "198.51.100.20:0", "198.51.100.20:9101@example.org"]


@pytest.mark.parametrize("mode", ["flashflow", "echo2"])
def test_an_address_that_is_none_is_asked_nothing(world, mode):
    before = world.quiet()
    for address in NO_ADDRESSES:
        got = world.ctl("measure", "--mode", mode, address)
        assert got.returncode in (1, 2) and "Mbit/s" not in got.stdout, (address, got.stdout)
    assert before == world.ours()


@pytest.mark.parametrize("mode", ["echo2", "dir"])
def test_a_relay_that_has_agreed_to_another(world, silent, mode):
    """The coordinator asks for the relay's word, on one connection; measurers send nothing."""
    world.quiet()
    before = world.arrived(9201)[0]
    got = world.ctl("measure", "--mode", mode, silent.at)
    begins, end = world.last()
    assert got.returncode == 1 and end["why"] == "no_consent" and not begins, (got.stdout, end)
    assert "tunic-measure:" + world.pins["coord"] in end["detail"]
    assert world.arrived(9201)[0] == before
    assert world.arrived(9201)[1] < 60


def test_tor_that_is_told_of_measurements_nobody_takes_for_a_yes(world, silent):
    """It knows nothing of PARAMS: silence is no consent."""
    world.quiet()
    before = world.arrived(9201)[0]
    world.ctl("measure", "--mode", "flashflow", silent.at)
    begins, end = world.last()
    assert end["why"] == "unsupported" and not begins
    assert world.arrived(9201)[0] == before
    got = world.ctl("measure", silent.at)   # without a mode it is asked for its word, then
    begins, end = world.last()
    assert "does not know measuring" in got.stdout + got.stderr, (got.stdout, got.stderr)
    assert end["mode"] == "echo2" and end["why"] == "no_consent" and not begins, end
    assert world.arrived(9201)[0] == before


def test_a_relay_is_measured_twice_a_day_and_no_more(world, tor):
    """Over a restart of the coordinator, too; what is refused sends nothing."""
    world.ctl("measure", "--mode", "echo2", "--dur", "4", tor.at)
    world.coord.kill()
    world.coord.wait()
    world.coord = world.start("c", "coord", "-c", "coord.ini")
    wait_for(lambda: world.connected() == MEASURERS, 60)
    world.quiet()
    before = world.arrived(9101)[0]
    world.ctl("measure", "--mode", "echo2", "--dur", "4", tor.at)
    begins, end = world.last()
    assert end["why"] == "resting" and "twice" in end["detail"] and not begins, end
    assert world.arrived(9101)[0] == before


# -- a coordinator that lies ----------------------------------------------------------------------


class Liar:
    """In the coordinator's place, with its key, at a measurer's door."""

    def __init__(self, world):
        folder = os.path.join(world.folder, "keys")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(os.path.join(folder, "coord.pem"))
        self.context = context
        self.failures = []
        self.said = threading.Event()
        self.link = None

    def serve(self, door, orders):
        raw, _ = door.accept()
        self.link = self.context.wrap_socket(raw, server_side=True)
        self.say({"msg_type": "hello", "proto": 1, "software": "liar", "name": "coord"})
        while True:
            head = self.read(4)
            message = json.loads(self.read(struct.unpack("!I", head)[0]))
            if message["msg_type"] == "hello":
                for order in orders:
                    self.say(order)
            elif message["msg_type"] == "failure":
                self.failures.append(message)
                if len(self.failures) == len(orders):
                    self.said.set()
            elif message["msg_type"] == "ping":
                self.say({"msg_type": "pong"})

    def say(self, message):
        body = json.dumps(message).encode()
        self.link.sendall(struct.pack("!I", len(body)) + body)

    def read(self, n):
        data = b""
        while len(data) < n:
            more = self.link.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data


LIAR = """
import sys, json, threading
sys.path.insert(0, sys.argv[1])
import socket
from test_measure_machines import Liar
class W: folder = sys.argv[2]
liar = Liar(W)
door = socket.create_server((sys.argv[3], 12934))
print("ready", flush=True)
orders = json.loads(sys.argv[4])
t = threading.Thread(target=lambda: liar.serve(door, orders), daemon=True)
t.start()
liar.said.wait(60)
print(json.dumps(liar.failures), flush=True)
"""


def told(meas_id, address, **more):
    return dict({"msg_type": "connect_to_relay", "meas_id": meas_id,
                 "relay": {"addrs": [address]}, "mode": "echo2", "n_circs": 20,
                 "alloc_bw": 1000000, "dur": 10, "check": 1, "echo": "raw",
                 "session": "00" * 16, "seed": "00" * 32}, **more)


def test_a_coordinator_that_lies_cannot_send_measurers(world, silent):
    """With its own key, but without the relay's word: each measurer looks at that itself. Where a
    relay is to agree by its answer, there is one connection and no second beside it."""
    port = 9201
    world.coord.kill()
    world.coord.wait()
    world.quiet()
    before = world.arrived(port)[0]
    word = "router x 198.51.100.20 9201 0 0\ncontact tunic-measure:%s\n" % world.pins["coord"]
    orders = [told(1, silent.at), told(2, silent.at, proof=""), told(3, silent.at, proof=word),
              told(4, silent.at, mode="dir", proof=word), told(5, silent.at, mode="drop"),
              told(6, "[::ffff:198.51.100.20]:%d" % port),
              told(7, "[::ffff:198.51.100.20]:%d" % port, mode="flashflow"),
              told(8, silent.at, relay={"addrs": ["127.0.0.1:1", silent.at]})]
    machine = world.machines["c"]
    liar = machine.start([sys.executable, "-c", LIAR, os.path.dirname(__file__), world.folder,
                          machine.address, json.dumps(orders)], stdout=subprocess.PIPE, text=True)
    assert liar.stdout.readline() == "ready\n"
    failures = json.loads(liar.stdout.readline())
    liar.wait(20)
    assert sorted(f["meas_id"] for f in failures) == list(range(1, 9)), failures
    assert {f["code"] for f in failures} <= {"NO_CONSENT", "MALFORMED"}, failures
    assert world.arrived(port)[0] == before
    world.coord = world.start("c", "coord", "-c", "coord.ini")
    wait_for(lambda: world.connected() == MEASURERS, 90)


def test_traffic_stops_with_the_coordinator(world):
    """Killed in the midst of a run: within five seconds nothing arrives any more."""
    port = world.ports["guard2"]
    world.ctl("measure", "--no-wait", "--dur", "30", world.relay + str(port))
    wait_for(lambda: world.state() == ["RUNNING"], 30)
    wait_for(lambda: world.arrived(port)[0] > 500, 20)
    world.coord.send_signal(signal.SIGSTOP)
    time.sleep(7)
    still = world.arrived(port)[0]
    time.sleep(1.5)
    assert world.arrived(port)[0] - still < 20
    world.coord.send_signal(signal.SIGCONT)
    wait_for(lambda: world.connected() == MEASURERS and not world.state(), 90)
    assert world.last()[1]["why"] == "measurer_lost"


def test_another_coordinator_by_reload_ends_what_runs(world):
    """A measurer whose settings name another coordinator stops at once what this one asked for."""
    port = world.ports["guard2"]
    world.ctl("measure", "--no-wait", "--dur", "30", world.relay + str(port))
    wait_for(lambda: world.state() == ["RUNNING"], 30)
    m2 = world.machines["m2"].address
    wait_for(lambda: world.watch.counts().get((m2, str(port)), 0) > 200, 20)
    world.write_measurer("m2", pin="other")
    world.measurers["m2"].send_signal(signal.SIGHUP)
    wait_for(lambda: not world.state(), 20)
    assert world.last()[1]["why"] == "measurer_lost"
    def is_still():
        before = world.arrived(port)[0]
        time.sleep(1)
        return world.arrived(port)[0] - before < 20
    wait_for(is_still, 10)      # what was under way arrives, and the ends of links
    wait_for(lambda: "is not the coordinator" in world.log("m2"), 20)
    world.write_measurer("m2")
    world.measurers["m2"].send_signal(signal.SIGHUP)
