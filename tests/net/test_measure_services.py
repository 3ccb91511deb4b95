"""tunic measure keygen, coord, measurer and ctl, as their user sees them: processes that know each
other by pins, on relays of `tunic testnet --measurable`."""

import glob
import json
import os
import re
import signal
import socket
import stat
import subprocess
import time

import pytest

import privnet
import sut as sut_module
from stocktor import StockTor
from test_testnet import Network, there

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="tor has no such command")

RATE = 3 * 1024 * 1024
PIN = re.compile(r"sha256//[A-Za-z0-9+/]{43}=")


def measure(*words, timeout=60, cwd=None):
    return subprocess.run(there([sut_module.program(), "measure", *words]),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=timeout, check=False, cwd=cwd)


def wait_for(what, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come about in %d s" % seconds)


class Service:
    """tunic measure coord or measurer, with its log in a file."""

    def __init__(self, folder, name, *words, env=None, before=()):
        self.log_path = os.path.join(folder, name + ".log")
        with open(self.log_path, "w", encoding="utf-8") as log:
            argv = [*before, sut_module.program(), "measure", *words]
            self.process = subprocess.Popen(there(argv), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, cwd=folder, env=env)

    def log(self):
        with open(self.log_path, encoding="utf-8") as f:
            return f.read()

    def end(self, how=signal.SIGTERM, timeout=20):
        self.process.send_signal(how)
        return self.process.wait(timeout)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Team:
    """A coordinator with two measurers, one of them of two threads, and relays that let it measure
    them."""

    def __init__(self, folder, *network, duration=4, measurable=True):
        self.folder = str(folder)
        self.network = Network(*(["--measurable"] if measurable else []), "--no-client", "--rate",
                               "3MB", *network)
        with open(os.path.join(self.network.dir, "nodes.json"), encoding="utf-8") as f:
            nodes = json.load(f)["nodes"]
        self.relays = {n["nickname"]: "%s:%d" % (n["address"], n["or_port"]) for n in nodes}
        self.pins = {}
        for name in ("coord", "m1", "m2"):
            made = measure("keygen", name, "--out", os.path.join(self.folder, "keys"))
            assert made.returncode == 0, made.stderr
            self.pins[name] = PIN.search(made.stdout).group()
        if measurable:
            with open(os.path.join(self.network.dir, "measure", "coord.id"), "rb") as f:
                identity = f.read()
            with open(os.path.join(self.folder, "keys", "coord.id"), "wb") as f:
                f.write(identity)  # the one that these relays know
        self.port = sut_module.free_port()
        self.write(duration)
        self.services = {}
        self.coord = self.start("coord", "coord", "-c", "coord.ini")
        self.measurers = [self.start(m, "measurer", "-c", m + ".ini") for m in ("m1", "m2")]

    def write(self, duration):
        with open(os.path.join(self.folder, "coord.ini"), "w", encoding="utf-8") as f:
            f.write("[coord]\ndatadir = data\nkeydir = keys\nlisten_addr = 127.0.0.1:%d\n"
                    % self.port)
            for m in ("m1", "m2"):
                f.write("measurer = %s %s 20MB\n" % (m, self.pins[m]))
            f.write("[meas_params]\nmeas_duration = %d\nsockets = 20\nprior = 3MB\n" % duration)
        for m, threads in ("m1", 1), ("m2", 2):
            with open(os.path.join(self.folder, m + ".ini"), "w", encoding="utf-8") as f:
                f.write("[measurer]\nname = %s\nkeydir = keys\ncoord_addr = 127.0.0.1:%d\n"
                        "coord_pin = %s\nbw = 20MB\nthreads = %d\n"
                        % (m, self.port, self.pins["coord"], threads))

    def start(self, name, *words, env=None):
        self.services[name] = Service(self.folder, name, *words, env=env)
        return self.services[name]

    def ctl(self, *words, timeout=60):
        return measure("ctl", "-c", "coord.ini", *words, cwd=self.folder, timeout=timeout)

    def status(self):
        got = self.ctl("--json", "status")
        return json.loads(got.stdout.splitlines()[0]) if got.returncode == 0 else None

    def connected(self):
        status = self.status()
        return [m["name"] for m in status["measurers"] if m["connected"]] if status else []

    def results(self):
        lines = []
        for path in sorted(glob.glob(os.path.join(self.folder, "data", "results", "*.jsonl"))):
            with open(path, encoding="utf-8") as f:
                lines += [json.loads(line) for line in f]
        return lines

    def stop(self):
        for service in self.services.values():
            service.kill()
        self.network.process.terminate()
        self.network.process.wait(20)


@pytest.fixture(name="team")
def fixture_team(tmp_path):
    team = Team(tmp_path)
    try:
        wait_for(lambda: len(team.connected()) == 2)
        yield team
    finally:
        team.stop()


def test_a_team_measures_a_relay(team):
    """keygen, coord, two measurers, ctl measure: a figure near the rate, and results on disk."""
    got = team.ctl("measure", team.relays["guard1"])
    assert got.returncode == 0, got.stdout + got.stderr + team.coord.log()
    assert re.search(r"\[4/4 s\] .* Mbit/s, background .*, \d+ cells checked, 20/20 sockets",
                     got.stdout)
    carries = re.search(r"carries [\d.]+ Mbit/s \(([\d.]+) MB/s\)", got.stdout)
    assert 0.7 * RATE < float(carries.group(1)) * 1e6 < 1.4 * RATE
    begin, end = team.results()
    assert (begin["t"], end["t"]) == ("begin", "end") and begin["id"] == end["id"]
    assert len(end["ed"]) == 43 and end["ok"] and end["limited_by"] == "relay" and end["bad"] == 0
    assert set(end["sec"]["m"]) == {"m1", "m2"} and len(end["sec"]["m"]["m1"]) == 4
    assert sum(begin["alloc"].values()) > 2 * RATE
    relays = json.loads(team.ctl("--json", "relays").stdout.splitlines()[0])["relays"]
    assert relays[0]["bw"] == end["bw"]
    assert team.relays["guard1"] in team.ctl("results").stdout


def test_keygen_makes_the_folders_that_lead_to_its_own(tmp_path):
    made = measure("keygen", "m1", "--out", "a/b/keys", cwd=str(tmp_path))
    assert made.returncode == 0, made.stderr
    for folder in "a", "a/b", "a/b/keys":
        assert stat.S_IMODE(os.stat(tmp_path / folder).st_mode) == 0o700
    (tmp_path / "file").write_text("")
    made = measure("keygen", "m1", "--out", "file/keys", cwd=str(tmp_path))
    assert made.returncode == 1
    assert made.stderr == "tunic measure: cannot make the folder file: Not a directory\n"


def test_files_are_their_owners(team):
    """Keys 0600, the socket for orders 0600."""
    for path in glob.glob(os.path.join(team.folder, "keys", "*")):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, path
    assert stat.S_IMODE(os.stat(os.path.join(team.folder, "data", "ctl")).st_mode) == 0o600


def test_a_measurer_killed_fails_its_run_at_once(team):
    """And others go on: the next run is by the other one alone."""
    asked = subprocess.Popen(
        there([sut_module.program(), "measure", "ctl", "-c", "coord.ini", "measure",
               team.relays["guard1"]]), stdout=subprocess.PIPE, text=True, cwd=team.folder)
    wait_for(lambda: [j for j in team.status()["jobs"] if j["state"] == "RUNNING"])
    team.measurers[1].kill()
    begun = time.monotonic()
    out, _ = asked.communicate(timeout=20)
    assert asked.returncode == 1 and "measurer_lost" in out
    assert time.monotonic() - begun < 3
    assert team.ctl("measure", team.relays["guard1"]).returncode == 0
    team.measurers[1] = team.start("m2", "measurer", "-c", "m2.ini")
    wait_for(lambda: len(team.connected()) == 2)


def test_a_coordinator_killed_and_back(team):
    """Traffic stops, what ran stays a beginning without an end, and measurers come back."""
    team.ctl("measure", "--no-wait", team.relays["guard1"])
    wait_for(lambda: [j for j in team.status()["jobs"] if j["state"] == "RUNNING"])
    team.coord.kill()
    for m in team.measurers:
        wait_for(lambda: " is over: " in m.log(), 6)  # by us, or by the relay
    assert [line["t"] for line in team.results()] == ["begin"]
    assert team.ctl("status").returncode == 3
    team.coord = team.start("coord", "coord", "-c", "coord.ini")
    wait_for(lambda: len(team.connected()) == 2)
    assert team.ctl("measure", team.relays["guard1"]).returncode == 0
    assert [line["t"] for line in team.results()] == ["begin", "begin", "end"]


def test_a_coordinator_that_says_nothing(team):
    """Its process stopped, the connections stand: measurers stop by themselves after 5 s."""
    team.ctl("measure", "--no-wait", "--dur", "30", team.relays["guard1"])
    wait_for(lambda: [j for j in team.status()["jobs"] if j["state"] == "RUNNING"])
    team.coord.process.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    try:
        for m in team.measurers:
            wait_for(lambda: "DEAD_MAN" in m.log(), 15)
        assert 4 < time.monotonic() - begun
    finally:
        team.coord.process.send_signal(signal.SIGCONT)
    wait_for(lambda: not team.status()["jobs"])
    assert team.results()[-1]["why"] == "measurer_lost"


def test_reasons_and_statuses(team):
    """0 all measured, 1 some not, each with its reason, 2 usage, 3 no coordinator."""
    closed = "127.0.0.1:%d" % sut_module.free_port()
    got = team.ctl("measure", closed, team.relays["guard2"])
    assert got.returncode == 1
    assert re.search(re.escape(closed) + ": unreachable: ", got.stdout), got.stdout
    assert re.search(re.escape(team.relays["guard2"]) + " carries ", got.stdout)
    assert team.ctl("measure", "relay.example:9001").returncode == 1
    assert team.ctl("measure").returncode == 2
    assert team.ctl("cancel", "x").returncode == 2
    assert team.ctl("cancel", "12345").returncode == 1
    assert measure("ctl", "--ctrl-addr", "/nowhere/ctl", "status").returncode == 3


def test_two_coordinators_do_not_share_results(team):
    """Neither would know how often the other has measured a relay."""
    os.mkdir(os.path.join(team.folder, "other"), 0o700)
    other = team.start("other", "coord", "-c", "coord.ini", "--listen-addr",
                       "127.0.0.1:%d" % sut_module.free_port(), "--ctrl-addr",
                       os.path.join(team.folder, "other", "ctl"))
    assert other.process.wait(20) == 1
    assert "Another coordinator keeps its results in" in other.log(), other.log()
    assert team.ctl("status").returncode == 0


@pytest.mark.parametrize("mode", ["echo2", "sink2"])
def test_relays_that_know_no_measurements(tmp_path, mode):
    """As those of tor: ctl measure, --mode or not, with the second hop at each measurer."""
    team = Team(tmp_path, measurable=False)
    try:
        wait_for(lambda: len(team.connected()) == 2)
        silent = team.ctl("measure", team.relays["guard1"])
        assert "does not know measuring" in silent.stdout, silent.stdout
        end = team.results()[-1]
        assert end["mode"] == "echo2" and end["bw"] > RATE / 20, end
        assert end["ok"] or end["why"] == "inconclusive", end
        got = team.ctl("measure", "--mode", mode, "--dur", "6", team.relays["guard1"])
        end = team.results()[-1]
        assert end["mode"] == mode and end["bw"] > RATE / 20, end
        assert end["ok"] or end["why"] == "inconclusive", end
        assert "Mbit/s" in got.stdout
        assert team.ctl("measure", "--mode", "x", team.relays["guard1"]).returncode == 2
    finally:
        team.stop()


def test_a_relay_of_debians_tor(tmp_path):
    """By a team of two: what comes back through it is near its limit, and its log has no warning."""
    team = Team(tmp_path, measurable=False)
    try:
        wait_for(lambda: len(team.connected()) == 2)
        with StockTor(str(tmp_path / "tor"), privnet.free_base_port() + 90, 2000000,
                      enter=there([])) as tor:
            got = team.ctl("measure", "--mode", "echo2", "--dur", "10", tor.at)
            end = team.results()[-1]
            assert end["ok"] and end["limited_by"] == "relay", end
            assert got.returncode == 0 and end["bad"] == 0 and end["checked"] > 5000
            assert 0.6 * 2000000 < end["bw"] < 1.15 * 2000000, end
            assert tor.warnings() == [] and tor.closed_for_us() == []
    finally:
        team.stop()


def test_strangers(team, tmp_path):
    """A measurer of another key is turned away, and asks less and less often; one that meets another
    coordinator tries on."""
    made = measure("keygen", "m3", "--out", str(tmp_path / "keys"))
    other = PIN.search(made.stdout).group()
    common = ["--coord-addr", "127.0.0.1:%d" % team.port, "--keydir", "keys", "--bw", "1MB"]
    m3 = team.start("m3", "measurer", "--name", "m3", "--coord-pin", team.pins["coord"], *common)
    wait_for(lambda: "does not know your key" in m3.log())
    assert m3.process.poll() is None
    m4 = team.start("m4", "measurer", "--name", "m1", "--coord-pin", other, *common)
    wait_for(lambda: "is not the coordinator: its key is " + team.pins["coord"] in m4.log())
    assert m4.process.poll() is None
    assert sorted(team.connected()) == ["m1", "m2"]


def test_reload_and_end(team):
    """SIGHUP takes a measurer from the list; SIGTERM ends when what runs is over."""
    path = os.path.join(team.folder, "coord.ini")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write("".join(line for line in text.splitlines(True) if "= m2 " not in line))
    team.coord.process.send_signal(signal.SIGHUP)
    wait_for(lambda: team.connected() == ["m1"])
    with open(path, "w", encoding="utf-8") as f:
        f.write("nonsense\n")
    team.coord.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "The configuration stays as it was" in team.coord.log())
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    asked = subprocess.Popen(
        there([sut_module.program(), "measure", "ctl", "-c", "coord.ini", "measure",
               team.relays["guard1"]]), stdout=subprocess.PIPE, text=True, cwd=team.folder)
    wait_for(lambda: [j for j in team.status()["jobs"] if j["state"] == "RUNNING"])
    team.coord.process.send_signal(signal.SIGTERM)
    assert asked.wait(20) == 0
    assert team.coord.process.wait(10) == 0
    assert team.measurers[0].end() == 0


def test_the_service_manager_hears_when_it_serves(tmp_path):
    """READY=1 by sd_notify's protocol."""
    folder = str(tmp_path)
    path = os.path.join(folder, "notify")
    assert measure("keygen", "coord", "--out", os.path.join(folder, "keys")).returncode == 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(20)
        service = Service(folder, "coord", "coord", "--keydir", "keys", "--datadir", "data",
                          "--listen-addr", "127.0.0.1:%d" % sut_module.free_port(),
                          env=dict(os.environ, NOTIFY_SOCKET=path))
        try:
            assert manager.recv(100) == b"READY=1"
            service.process.send_signal(signal.SIGHUP)
            assert manager.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert manager.recv(100) == b"READY=1"
            service.process.send_signal(signal.SIGTERM)
            assert manager.recv(100) == b"STOPPING=1"
            assert service.process.wait(10) == 0
        finally:
            service.kill()


def test_dump_config_says_where_from(tmp_path):
    path = tmp_path / "ff.ini"
    path.write_text("[coord]\ndatadir = data\ntor_bin = tor\n")
    assert measure("keygen", "coord", "--out", str(tmp_path / "data" / "keys")).returncode == 0
    got = measure("coord", "-c", str(path), "--meas-duration", "7", "--dump-config",
                  cwd=str(tmp_path))
    assert got.returncode == 0
    assert "datadir = data ; %s:2\n" % path in got.stdout
    assert "meas_duration = 7 ; --meas-duration\n" in got.stdout
    assert "bg_percent = 0.25 ; default\n" in got.stdout
    assert "tor_bin has no meaning here" in got.stderr
    wrong = measure("coord", "-c", str(path), "--meas-durations", "7")
    assert wrong.returncode == 2 and "--meas-durations" in wrong.stderr


@pytest.mark.parametrize("key, says", [
    ("--relays", 'no file "nofile"'),
    ("--secret", "nofile: No such file"),
    ("--torrc", "nofile"),
    ("--key", "nofile"),
])
def test_dump_config_reads_what_the_start_reads(tmp_path, key, says):
    at = str(tmp_path)
    assert measure("keygen", "coord", "--out", "data-coord/keys", cwd=str(tmp_path)).returncode == 0
    words = ["coord", "--directory", "fetch", "--dump-config"]
    good = measure(*words, cwd=at)
    assert good.returncode == 0, good.stderr
    got = measure(*words, key, "nofile", cwd=at)
    assert got.returncode == 2 and says in got.stderr, got.stderr


def test_dump_config_wants_a_secret_that_is_its_owners(tmp_path):
    assert measure("keygen", "coord", "--out", "data-coord/keys", cwd=str(tmp_path)).returncode == 0
    secret = tmp_path / "secret"
    for text, mode, says in ("x" * 32, 0o644, "chmod 600"), ("x" * 31, 0o600, "32 to"):
        secret.write_text(text)
        secret.chmod(mode)
        got = measure("coord", "--secret", str(secret), "--dump-config", cwd=str(tmp_path))
        assert got.returncode == 2 and says in got.stderr, got.stderr


def test_dump_config_refuses_what_the_start_refuses(tmp_path):
    assert measure("keygen", "measurer", "--out", str(tmp_path)).returncode == 0
    words = ["measurer", "--keydir", str(tmp_path), "--coord-pin", "sha256//" + 43 * "A" + "=",
             "--bw", "1MB", "--coord-addr"]
    assert measure(*words, "127.0.0.1:1", "--dump-config").returncode == 0
    for wrong in ("coord.example:1", "127.0.0.1:99999", "127.0.0.1:0"):
        got = measure(*words, wrong, "--dump-config")
        assert got.returncode == 2 and "coord_addr" in got.stderr, wrong
        assert "coord_addr = %s" % wrong in got.stdout


@pytest.mark.parametrize("words, says", [
    (["measure", "127.0.0.1:1", "--dur", "601"], "1 to 600"),
    (["measure", "127.0.0.1:1", "--prior", "4mbits"], "4mbit,"),
    (["measure", "127.0.0.1:1", "--data-directory", "not-there"], "not-there: No such file"),
    (["measure", "127.0.0.1:1", "--mode"], "--mode needs a value"),
    (["meassure", "127.0.0.1:1"], 'no order "meassure"'),
    (["cancel"], "needs to know what"),
    (["schedule", "--foo"], "there is no option --foo"),
    (["schedule", "--start", "--stop"], "not for one order"),
])
def test_orders_that_are_wrong_say_why(words, says, tmp_path):
    got = measure("ctl", "--datadir", str(tmp_path), *words)
    assert got.returncode == 2 and says in got.stderr, got.stderr


def test_a_part_that_is_none_is_named():
    got = measure("frob")
    assert got.returncode == 2 and 'there is no part "frob"' in got.stderr


def test_a_folder_that_others_can_enter_takes_no_orders(tmp_path):
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    assert measure("keygen", "coord", "--out", str(data / "keys")).returncode == 0
    got = measure("coord", "--datadir", str(data), "--listen-addr",
                  "127.0.0.1:%d" % sut_module.free_port())
    assert got.returncode == 1
    assert "chmod 700 %s" % data in got.stderr and "tunic measure" in got.stderr
    assert "datadir" in got.stderr and "Socks" not in got.stderr, got.stderr


def test_a_newcomers_coordinator_says_what_is_missing(tmp_path):
    """Nobody may come, and the folder that it reads has no descriptors: said once each."""
    data = tmp_path / "data-coord"
    data.mkdir(mode=0o700)
    assert measure("keygen", "coord", "--out", str(data / "keys")).returncode == 0
    tor = tmp_path / "tor"
    tor.mkdir()
    (tor / "cached-microdesc-consensus").write_text("none")
    coord = Service(str(tmp_path), "coord", "coord", "--directory", str(tor), "--listen-addr",
                    "127.0.0.1:%d" % sut_module.free_port())
    try:
        wait_for(lambda: '"FetchUselessDescriptors 1"' in coord.log())
        wait_for(lambda: '"measurer = NAME PIN BW"' in coord.log())
        time.sleep(6)           # another look at the folder
        assert coord.log().count("FetchUselessDescriptors") == 1
        assert coord.end() == 0
    finally:
        coord.kill()


def test_a_measurer_that_is_not_listed_says_its_line_and_stays(tmp_path):
    """And comes in once the coordinator's file has that line."""
    folder = str(tmp_path)
    os.mkdir(os.path.join(folder, "data-coord"), 0o700)
    made = measure("keygen", "coord", "--out", "data-coord/keys", cwd=folder)
    assert measure("keygen", "m1", "--out", "data-measurer/keys", cwd=folder).returncode == 0
    at = "127.0.0.1:%d" % sut_module.free_port()
    conf = tmp_path / "coord.ini"
    conf.write_text("[coord]\nlisten_addr = %s\n" % at)
    coord = Service(folder, "coord", "coord", "-c", str(conf))
    m1 = Service(folder, "m1", "measurer", "--name", "m1", "--coord-addr", at, "--coord-pin",
                 PIN.search(made.stdout).group(), "--bw", "3MB")
    try:
        wait_for(lambda: "does not know your key" in m1.log())
        line = re.search(r"there is to be: (measurer = m1 sha256//\S+ \d+)", m1.log()).group(1)
        conf.write_text("[coord]\nlisten_addr = %s\n%s\n" % (at, line))
        coord.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "Measurer m1 is there" in coord.log(), 60)
        assert "Connected with the coordinator" in m1.log()
    finally:
        coord.kill()
        m1.kill()


def test_ctrl_c_tells_how_to_cancel(team):
    """It ends the looking on; the measurement goes on until it is cancelled."""
    asked = subprocess.Popen(
        there([sut_module.program(), "measure", "ctl", "-c", "coord.ini", "measure", "--prior",
               "24mbit", team.relays["guard1"]]),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=team.folder)
    wait_for(lambda: [j for j in team.status()["jobs"] if j["state"] == "RUNNING"])
    os.kill(asked.pid, signal.SIGINT)
    said = asked.communicate(timeout=20)[1]
    assert asked.returncode == 130, said
    order = re.search(r"tunic measure ctl (--ctrl-addr \S+ cancel \d+)", said).group(1)
    assert team.ctl(*order.split()).returncode == 0
    wait_for(lambda: [r for r in team.results() if r.get("why") == "cancelled"])


def test_an_order_by_address_records_who_it_was(team):
    assert team.ctl("measure", team.relays["guard1"]).returncode == 0
    begin, end = team.results()
    assert begin["fp"] == end["fp"] and len(end["fp"]) == 40
    assert end["fp"] in team.ctl("relays").stdout


def test_keys_that_others_can_read_are_refused(tmp_path):
    assert measure("keygen", "coord", "--out", str(tmp_path)).returncode == 0
    os.chmod(tmp_path / "coord.pem", 0o640)
    got = measure("coord", "--keydir", str(tmp_path), "--datadir", str(tmp_path / "data"))
    assert got.returncode == 1 and "chmod 600" in got.stderr
    again = measure("keygen", "coord", "--out", str(tmp_path))
    assert again.returncode == 1 and "is there already" in again.stderr
