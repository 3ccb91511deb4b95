"""What a coordinator does with its files by itself: the bandwidth file, old results, a disk that is
full; and what a kill leaves of it. No relay is needed for that."""

import glob
import gzip
import json
import os
import signal
import time

import pytest

import sut as sut_module
from test_measure_bwfile import DAY, bwfile, write_results
from test_measure_services import Service, measure, wait_for

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


def test_nothing_measured_is_no_file(coord):
    coord.start()
    got = coord.ctl("bwfile")
    assert got.returncode == 1 and "no relay has a recent result" in got.stdout
    assert not coord.link.exists()
    assert "[warn]" not in coord.service.log()


def test_old_results_are_compressed_and_go(coord):
    """And are read all the same, by everybody."""
    now = int(time.time())
    for age in (0, 1, 3, 5, 61, 70):
        write_results(coord.results, {FPS[age % 7]: 1000000 + age}, now=now - age * DAY)
    days = sorted(coord.results.iterdir())
    whole = {p.name: p.read_bytes() for p in days}
    coord.start("--every", "0")
    wait_for(lambda: len(list(coord.results.glob("*.gz"))) >= 2)
    wait_for(lambda: not (coord.results / days[0].name).exists())
    left = {p.name for p in coord.results.iterdir()}
    names = [p.name for p in days]
    old = names[2:4] if names[1] not in left and names[1] + ".gz" not in left else names[1:4]
    assert left == {n + ".gz" for n in old} | set(names[4:])
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
