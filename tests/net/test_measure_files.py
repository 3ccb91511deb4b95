"""What a coordinator does with its files by itself: the bandwidth file, old results, a disk that is
full; and what a kill leaves of it. No relay is needed for that."""

import glob
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

import sut as sut_module
from test_measure_bwfile import DAY, bwfile, write_results
from test_measure_services import Service, Team, measure, wait_for
from test_metrics import parse
from test_testnet import there

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="about tunic's own command")

FPS = ["%040X" % i for i in range(1, 400)]
FIGURES = {fp: 1000000 * i for i, fp in enumerate(FPS, 1)}


class Coord:
    """A coordinator without measurers, and its folder."""

    def __init__(self, folder):
        self.folder = folder
        self.data, self.results = folder / "data", folder / "data" / "results"
        self.data.mkdir(mode=0o700)
        self.link = self.data / "v3bw" / "v3bw"
        made = measure("keygen", "coord", "--out", str(folder / "keys"))
        assert made.returncode == 0, made.stderr
        self.service = None
        self.started = 0

    def words(self, *more):
        return ["coord", "--datadir", "data", "--keydir", "keys", "--listen-addr", "localhost:0",
                *more]

    def start(self, *more):
        self.started += 1
        self.service = Service(str(self.folder), "coord%d" % self.started, *self.words(*more))
        wait_for(lambda: "and orders on" in self.service.log())
        return self.service

    def ctl(self, *words):
        return measure("ctl", "--datadir", "data", *words, cwd=str(self.folder))

    def stop(self):
        if self.service:
            self.service.kill()

    def files(self):
        return sorted(os.path.basename(p) for p in glob.glob(str(self.link) + ".*"))


@pytest.fixture(name="coord")
def fixture_coord(tmp_path):
    own = Coord(tmp_path)
    yield own
    own.stop()


def lines_of(path):
    with open(path, encoding="ascii") as f:
        return f.read().splitlines()


def is_whole(path, relays):
    lines = lines_of(path)
    return sum("node_id=" in line for line in lines) == relays and \
        lines[-1].endswith("relay_recent_measurements_excluded_few_count=0")


def without_times(path):
    return [line for line in lines_of(path)
            if not line.startswith(("file_created=", "generator_started="))]


def test_a_file_at_the_start_and_each_hour(coord):
    """`every` seconds stand for an hour."""
    write_results(coord.results, FIGURES)
    coord.start("--every", "1")
    wait_for(lambda: len(coord.files()) >= 3)
    assert os.path.realpath(coord.link) in [str(coord.link.parent / f) for f in coord.files()]
    assert is_whole(coord.link, len(FPS))
    assert "Bandwidth file " in coord.service.log()


def test_the_same_file_as_the_command_makes(coord):
    write_results(coord.results, FIGURES)
    coord.start("--every", "0", "--round", "3", "--country", "NO")
    got = coord.ctl("bwfile")
    assert got.returncode == 0
    path = got.stdout.split(": ")[0]
    assert path == os.path.realpath(coord.link) and "399 relays; nobody is to vote" in got.stdout
    assert "scanner_country=NO" in lines_of(path)
    made = bwfile(coord.results, "--round", "3", "--country", "NO", "--out",
                  coord.folder / "out")
    assert without_times(made.stdout.strip()) == without_times(path)


def test_orders_see_what_was_there_when_they_came(coord):
    """Of a file that is being made already nobody knows what it has read."""
    write_results(coord.results, FIGURES)
    coord.start("--every", "1")
    for n in range(1, 6):
        fp = "%040X" % (1000 + n)
        write_results(coord.results, {fp: 5000})
        path = json.loads(coord.ctl("--json", "bwfile").stdout.splitlines()[0])["path"]
        assert is_whole(path, len(FPS) + n)
        assert any(fp in line for line in lines_of(path))


def test_a_reload_changes_all_but_places(coord):
    write_results(coord.results, FIGURES)
    ini = coord.folder / "coord.ini"
    ini.write_text("[v3bw]\nevery = 0\n")
    coord.start("-c", str(ini))
    assert coord.ctl("bwfile").returncode == 0 and len(coord.files()) == 1
    ini.write_text("[v3bw]\nevery = 1\nround = 2\nv3bw = elsewhere/v3bw\n")
    coord.service.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(coord.files()) >= 3)
    assert any(" bw=120000 " in line for line in lines_of(coord.link))      # of 123000
    assert not any(" bw=123000 " in line for line in lines_of(coord.link))
    assert not (coord.folder / "elsewhere").exists()


def test_nothing_measured_is_no_file(coord):
    coord.start()
    got = coord.ctl("bwfile")
    assert got.returncode == 1 and "no relay has a recent result" in got.stdout
    assert not coord.link.exists()
    warned = [w for w in re.findall(r"\[warn\] (.*)", coord.service.log())
              if "nobody may come" not in w]       # it has no measurers
    assert not warned


def test_old_results_are_compressed_and_go(coord):
    """And are read all the same, by everybody."""
    now = int(time.time())
    for age in (0, 1, 3, 5, 61, 70):
        write_results(coord.results, {FPS[age % 7]: 1000000 + age}, now=now - age * DAY)
    days = sorted(coord.results.iterdir())
    whole = {p.name: p.read_bytes() for p in days}
    coord.start("--every", "0")
    names = [p.name for p in days]      # 70, 61, 5, 3, 1 and 0 days ago
    old = names[2:4]
    wanted = {n + ".gz" for n in old} | set(names[4:])
    wait_for(lambda: {p.name for p in coord.results.iterdir()} == wanted)
    for name in old:
        with gzip.open(coord.results / (name + ".gz")) as f:
            assert f.read() == whole[name]
    got = coord.ctl("results")
    assert got.stdout.count("carries") == 4
    assert coord.ctl("results", FPS[3]).stdout.count("carries") == 1
    assert json.loads(coord.ctl("--json", "bwfile").stdout.splitlines()[0])["measured"] == 4
    report = measure("report", str(coord.results), "--relay", FPS[3], cwd=str(coord.folder))
    assert "1000003 bytes/s" in report.stdout
    one = bwfile(coord.results / (old[-1] + ".gz"))
    assert one.stdout.count("node_id=") == 1
    coord.service.end()
    coord.start("--every", "0")        # what it remembers is from those files
    relays = json.loads(coord.ctl("--json", "relays").stdout.splitlines()[0])["relays"]
    assert len(relays) == 4


def test_old_files_go(coord):
    """But not the one that the link leads to, nor what is not ours; and what a kill left."""
    folder = coord.link.parent
    folder.mkdir()
    old = time.strftime("v3bw.%Y-%m-%d-%H-%M-%S", time.gmtime(time.time() - 8 * DAY))
    older = time.strftime("v3bw.%Y-%m-%d-%H-%M-%S", time.gmtime(time.time() - 9 * DAY))
    young = time.strftime("v3bw.%Y-%m-%d-%H-%M-%S", time.gmtime(time.time() - 6 * DAY))
    for name in (old, older, young, "v3bw.notes", ".tunic-a1b2c3", ".tunic-young"):
        (folder / name).write_text("x")
    os.utime(folder / ".tunic-a1b2c3", (time.time() - DAY,) * 2)
    coord.link.symlink_to(old)
    coord.start()
    wait_for(lambda: not (folder / older).exists())
    wait_for(lambda: not (folder / ".tunic-a1b2c3").exists())
    coord.ctl("bwfile")
    assert {p.name for p in folder.iterdir()} == {old, young, "v3bw.notes", ".tunic-young", "v3bw"}
    write_results(coord.results, FIGURES)
    assert coord.ctl("bwfile").returncode == 0
    assert not (folder / old).exists() and is_whole(coord.link, len(FPS))


@pytest.mark.parametrize("call", ["write", "openat", "fsync", "rename", "symlink", "unlink",
                                  "renameat", "unlinkat", "fchmodat"])
def test_killed_at_any_call(coord, call):
    """Coordinator and what works for it, each at its first ten calls: the link leads to a whole
    file at any moment, no result is lost, and none counts twice."""
    now = int(time.time())
    write_results(coord.results, FIGURES)
    write_results(coord.results, {"%040X" % 1001: 7000}, now=now - 4 * DAY)
    assert bwfile(coord.results, "--out", coord.link.parent).returncode == 1   # no consensus
    before = set(coord.files())
    killed = 0
    for when in range(1, 11):
        # One of the days is as it was before.
        packed = list(coord.results.glob("*.gz"))
        if packed and not packed[0].with_suffix("").exists():
            with gzip.open(packed[0]) as f:
                packed[0].with_suffix("").write_bytes(f.read())
            if when % 2:
                packed[0].unlink()
        service = Service(str(coord.folder), "%s%d" % (call, when), *coord.words(),
                          before=["strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=" + call,
                                  "-e", "inject=%s:signal=SIGKILL:when=%d" % (call, when)])
        coord.service = service
        wait_for(lambda s=service: s.process.poll() is not None or "Bandwidth file" in s.log() or
                 "no new bandwidth file" in s.log())
        killed += service.process.poll() is not None or "was killed" in service.log()
        time.sleep(0.2)
        service.kill()
        assert is_whole(coord.link, len(FPS) + 1)
        made = bwfile(coord.results)
        assert " success=1 " in made.stdout and " success=2 " not in made.stdout
        assert made.stdout.count("node_id=") == len(FPS) + 1
        assert all(is_whole(coord.link.parent / f, len(FPS) + 1)
                   for f in set(coord.files()) - before)
    assert killed or call == "symlink"


# -- results of one relay -------------------------------------------------------------------------

def test_results_by_fingerprint_have_what_was_recorded_by_address(coord):
    """A run that ended before the relay had said who it is."""
    coord.results.mkdir()
    now = int(time.time())
    end = {"t": "end", "mode": "flashflow", "ok": False, "detail": "d"}
    lines = [{**end, "id": 1, "ts": now - 30, "addr": "127.0.0.1:9001", "why": "timeout"},
             {**end, "id": 2, "ts": now - 20, "addr": "127.0.0.1:9001", "why": "refused",
              "fp": FPS[0]},
             {**end, "id": 3, "ts": now - 10, "addr": "127.0.0.1:9002", "why": "timeout"},
             {**end, "id": 4, "ts": now - 5, "addr": "127.0.0.1:9001", "why": "cheat",
              "fp": FPS[1]}]
    name = time.strftime("%Y-%m-%d.jsonl", time.gmtime(now))
    (coord.results / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    coord.start("--every", "0")

    def ids(*words):
        got = coord.ctl("--json", "results", *words).stdout.splitlines()
        return [json.loads(line).get("id") for line in got][:-1]
    assert ids(FPS[0]) == [1, 2] and ids("$" + FPS[0].lower()) == [1, 2]
    assert ids("127.0.0.1:9002") == [3] and ids("127.0.0.1:9001") == [1, 2, 4]
    assert ids() == [1, 2, 3, 4] and ids(FPS[7]) == []
    assert coord.ctl("results", "guard1").returncode == 1


def test_what_a_start_remembers(coord):
    """Of each relay the newest of its last month, also where that is compressed."""
    now = int(time.time())
    write_results(coord.results, {FPS[0]: 1000, FPS[1]: 1000, FPS[2]: "timeout"}, now=now - 31 * DAY)
    write_results(coord.results, {FPS[1]: 2000}, now=now - 20 * DAY)
    write_results(coord.results, {FPS[3]: 4000}, now=now - 40 * DAY)
    for path in list(coord.results.iterdir())[:2]:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    coord.start("--every", "0")
    relays = json.loads(coord.ctl("--json", "relays").stdout.splitlines()[0])["relays"]
    assert {r["fp"]: r.get("bw") or 0 for r in relays} == {FPS[0]: 1000, FPS[1]: 2000, FPS[2]: 0}
    coord.service.kill()
    coord.start("--every", "0", "--keep", "25")      # what is to go is not read
    relays = json.loads(coord.ctl("--json", "relays").stdout.splitlines()[0])["relays"]
    assert [r["fp"] for r in relays] == [FPS[1]]


def write_long_results(coord, n):
    """-> their IDs"""
    coord.results.mkdir()
    now = int(time.time())
    name = time.strftime("%Y-%m-%d.jsonl", time.gmtime(now))
    end = {"t": "end", "mode": "flashflow", "ok": False, "why": "timeout", "detail": "x" * 200,
           "sec": ["y" * 8000]}
    (coord.results / name).write_text("".join(
        json.dumps({**end, "id": i, "ts": now - 3000 + i, "fp": FPS[i % 300]}) + "\n"
        for i in range(1, n + 1)))
    return range(1, n + 1)


def test_results_of_all_come_one_after_the_other(coord):
    """Ten megabytes, which are nowhere in one piece."""
    ids = write_long_results(coord, 1200)
    coord.start("--every", "0")
    got = coord.ctl("--json", "results")
    lines = [json.loads(line) for line in got.stdout.splitlines()]
    assert got.returncode == 0 and lines[-1] == {"event": "end"}
    assert [line["id"] for line in lines[:-1]] == list(ids)
    got = coord.ctl("--json", "results", FPS[7])
    assert got.returncode == 0 and len(got.stdout.splitlines()) == 5


def readers(coord):
    """Processes that the coordinator has beside itself."""
    with open("/proc/%d/task/%d/children" % ((coord.service.process.pid,) * 2),
              encoding="ascii") as f:
        return f.read().split()


def resident(coord):
    with open("/proc/%d/statm" % coord.service.process.pid, encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def ask(coord, order):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(str(coord.data / "ctl"))
    s.sendall((json.dumps(order) + "\n").encode())
    return s


def answers(sock):
    """Up to the end of what was asked."""
    with sock, sock.makefile("rb") as f:
        for line in f:
            yield json.loads(line)
            if line == b'{"event":"end"}\n':
                return


def test_results_are_for_few_at_a_time_and_wait_for_who_reads(coord):
    """Who does not read what he asked for costs the coordinator nothing but a process, for few; who
    goes away, not even that."""
    write_long_results(coord, 4000)
    coord.start("--every", "0")
    wait_for(lambda: not readers(coord))      # old results are looked after
    before = resident(coord)
    slow = [ask(coord, {"cmd": "results"}) for _ in range(4)]
    wait_for(lambda: len(readers(coord)) == 4)
    refused = list(answers(ask(coord, {"cmd": "results"})))
    assert [a["event"] for a in refused] == ["error", "end"] and "ask again" in refused[0]["why"]
    got = coord.ctl("results", FPS[7])
    assert got.returncode == 1 and "others read the results now" in got.stdout + got.stderr
    assert coord.ctl("status").returncode == 0
    time.sleep(1)                             # thirty megabytes each, if nothing held them
    assert len(readers(coord)) == 4 and resident(coord) - before < 16 << 20
    slow.pop().close()
    wait_for(lambda: len(readers(coord)) == 3)
    assert coord.ctl("results", FPS[7]).returncode == 0
    # Two at a time of one caller are too many; what was asked for first comes all the same.
    again = slow.pop()
    again.sendall(b'{"cmd":"results"}\n{"cmd":"status"}\n')
    heard = list(answers(again))
    assert any("before are being read" in a.get("why", "") for a in heard)
    assert [a["id"] for a in list(answers(slow.pop()))[:-1]] == list(range(1, 4001))
    slow.pop().close()
    wait_for(lambda: not readers(coord))


def test_results_whose_reader_is_killed(coord):
    """What is missing is not passed over in silence; and the next is read."""
    write_long_results(coord, 4000)
    coord.start("--every", "0")
    wait_for(lambda: not readers(coord))
    slow = ask(coord, {"cmd": "results"})
    os.kill(int(wait_for(lambda: readers(coord))[0]), signal.SIGKILL)
    heard = list(answers(slow))
    assert [a.get("event") for a in heard[-2:]] == ["error", "end"] and len(heard) < 4000
    assert "cannot be read" in heard[-2]["why"]
    assert len(coord.ctl("--json", "results").stdout.splitlines()) == 4001
    # It ends with the coordinator, too.
    held = ask(coord, {"cmd": "results"})
    child = wait_for(lambda: readers(coord))[0]
    assert coord.ctl("shutdown").returncode == 0
    wait_for(lambda: coord.service.process.poll() is not None)
    assert not os.path.exists("/proc/" + child)
    held.close()


# -- figures --------------------------------------------------------------------------------------

def fetch(port, path="/metrics", *more):
    """-> (status, 0 if there is no answer; body)"""
    got = subprocess.run(there(["curl", "-s", "--noproxy", "*", "-w", "\n%{http_code}", *more,
                                "http://127.0.0.1:%d%s" % (port, path)]),
                         stdout=subprocess.PIPE, text=True, timeout=30, check=False)
    body, _, code = got.stdout.rpartition("\n")
    return int(code), body


def status(port, path="/metrics", *more):
    return fetch(port, path, *more)[0]


def get(port):
    code, body = fetch(port)
    assert code == 200
    return body


def value(values, name, **labels):
    return values.get(("tunic_measure_" + name, tuple(labels.items())))


def test_figures_of_a_coordinator_alone(coord):
    port = sut_module.free_port()
    coord.start("--metrics", "localhost:%d" % port, "--every", "0")
    values = parse(get(port))
    assert value(values, "measurers_listed") == 0 and value(values, "measured_total") == 0
    assert value(values, "failed_total", reason="timeout") == 0
    assert value(values, "newest_result_age_seconds") is None
    assert value(values, "newest_file_age_seconds") is None
    assert values["process_resident_memory_bytes", ()] > 1 << 20
    write_results(coord.results, FIGURES)
    assert coord.ctl("bwfile").returncode == 0
    assert 0 <= value(parse(get(port)), "newest_file_age_seconds") < 60
    assert value(parse(get(port)), "files_failed_total") == 0
    assert status(port, "/") == 404 and status(port, "/metrics", "-d", "x") == 405
    # The folder of the files has become a file.
    os.rename(coord.link.parent, coord.data / "aside")
    coord.link.parent.write_text("x")
    assert coord.ctl("bwfile").returncode == 1
    assert value(parse(get(port)), "files_failed_total") == 1
    assert "There is no new bandwidth file: " in coord.service.log()


@pytest.mark.parametrize("policy,welcome", [
    ("accept 127.0.0.0/8", True), ("accept 127.0.0.7", False), ("reject 127.0.0.1,accept *", False),
])
def test_figures_are_for_whom_the_policy_lets_in(coord, policy, welcome):
    port = sut_module.free_port()
    coord.start("--metrics", "0.0.0.0:%d" % port, "--metrics-policy", policy)
    assert status(port) == (200 if welcome else 0)


def test_figures_for_others_have_to_be_said(coord):
    got = measure(*coord.words("--metrics", "0.0.0.0:9099"), cwd=str(coord.folder))
    assert got.returncode == 2 and "without a metrics_policy" in got.stderr
    for words in (["--metrics", "0.0.0.0:9099"],
                  ["--metrics", "localhost:9099", "--metrics-policy", "let everybody in"]):
        got = measure(*coord.words(*words, "--dump-config"), cwd=str(coord.folder))
        assert got.returncode == 2 and "metrics" in got.stderr
    got = measure(*coord.words("--metrics", "localhost:9099", "--metrics-policy", "accept me"), cwd=str(coord.folder))
    assert got.returncode == 2 and 'Malformed policy "accept me"' in got.stderr


def today(team):
    return os.path.join(team.folder, "data", "results",
                        time.strftime("%Y-%m-%d.jsonl", time.gmtime()))


def test_figures_of_a_team_and_a_full_disk(tmp_path):
    """What cannot be written down does not begin; a result that cannot be waits for room."""
    port = sut_module.free_port()
    team = Team(tmp_path)
    try:
        team.coord.end()
        team.coord = team.start("coord", "coord", "-c", "coord.ini", "--metrics",
                                "localhost:%d" % port)
        wait_for(lambda: len(team.connected()) == 2)
        assert team.ctl("measure", "--no-wait", team.relays["guard1"]).returncode == 0
        wait_for(lambda: [j for j in team.status()["jobs"] if j["state"] == "RUNNING"])
        values = parse(get(port))
        assert value(values, "running") == 1 and value(values, "measurers_up") == 2
        assert 0 < value(values, "capacity_use_ratio") < 1
        # No room from now on: the run's result.
        os.rename(today(team), today(team) + ".aside")
        os.symlink("/dev/full", today(team))
        wait_for(lambda: not team.status()["jobs"])
        values = parse(get(port))
        assert value(values, "measured_total") == 1 and value(values, "cells_checked_total") > 1000
        assert value(values, "results_unwritten_total") == 1
        assert value(values, "newest_result_age_seconds") < 60
        got = team.ctl("measure", team.relays["guard1"])
        assert got.returncode == 1 and "the disk is full" in got.stdout
        assert value(parse(get(port)), "failed_total", reason="cancelled") == 1
        # Room again: both results are there, and the next begins.
        os.rename(today(team) + ".aside", today(team))
        assert team.ctl("measure", team.relays["guard2"]).returncode == 0
        lines = team.results()
        assert [line["t"] for line in lines] == ["begin", "end", "end", "begin", "end"]
        assert [line.get("why") for line in lines if line["t"] == "end"] == [None, "cancelled", None]
        assert len({line["id"] for line in lines}) == 3
        begun, forgotten = str(lines[0]["id"]), str(lines[2]["id"])
        assert all(begun in m.log() and forgotten not in m.log() for m in team.measurers)
    finally:
        team.stop()
