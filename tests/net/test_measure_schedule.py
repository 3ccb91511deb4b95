"""A coordinator that follows its schedule: relays of `tunic testnet --measurable` and one of Debian's
tor, by the file of those that have opted in; stopped, killed and back."""

import json
import os
import signal

import privnet
import pytest
import sut as sut_module
from stocktor import StockTor
from test_measure_services import RATE, Team, wait_for
from test_testnet import there

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="tor has no such command")

SECRET = "0123456789abcdef" * 4


class Planned(Team):
    """With a secret, a file of relays, and slots back to back."""

    def write(self, duration):
        super().write(duration)
        with open(os.path.join(self.folder, "secret"), "w", encoding="ascii") as f:
            f.write(SECRET + "\n")
        os.chmod(os.path.join(self.folder, "secret"), 0o600)
        with open(os.path.join(self.network.dir, "nodes.json"), encoding="utf-8") as f:
            nodes = json.load(f)["nodes"][:4]
        self.fps = [n["fingerprint"].upper() for n in nodes]
        self.write_relays(["%s@%s:%d 3MB" % (n["fingerprint"], n["address"], n["or_port"])
                           for n in nodes])
        path = os.path.join(self.folder, "coord.ini")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        with open(path, "w", encoding="utf-8") as f:
            # So much that one relay at a time has room: all of them are one process.
            f.write(text.replace("20MB", "6MB").replace("[meas_params]",
                                 "relays = relays\nsecret = secret\ncompact = yes\n[meas_params]"))

    def write_relays(self, lines):
        with open(os.path.join(self.folder, "relays"), "w", encoding="ascii") as f:
            f.write("# those that have opted in\n" + "".join(line + "\n" for line in lines))

    def read_relays(self):
        with open(os.path.join(self.folder, "relays"), encoding="ascii") as f:
            return f.read().splitlines()

    def schedule(self, *words):
        got = self.ctl("--json", "schedule", *words)
        assert got.returncode == 0, got.stdout + got.stderr
        return json.loads(got.stdout.splitlines()[0])

    def is_over(self):
        return self.schedule()["state"] == "over"

    def ends(self):
        return [r for r in self.results() if r["t"] == "end"]

    def check_all(self, shown):
        """Each has its figure. Beside other tests a team may be too slow for some, and says so."""
        good = {r["fp"] for r in self.ends() if r["ok"]}
        bad = [r for r in self.ends() if not r["ok"]]
        assert all(r["why"] == "inconclusive" for r in bad), bad
        assert {r["fp"] for r in self.ends()} == set(self.fps)
        assert len(good) == shown["counts"]["done"] and len(good) > len(self.fps) / 2, shown
        figures = sorted(r["bw"] for r in self.ends() if r["ok"])
        assert 0.6 * RATE < figures[len(figures) // 2] and figures[-1] < 1.5 * RATE, figures


@pytest.fixture(name="team")
def fixture_team(tmp_path):
    team = Planned(tmp_path)
    try:
        wait_for(lambda: len(team.connected()) == 2)
        yield team
    finally:
        team.stop()


def test_a_schedule_runs(team):
    """Every relay of the file once, in slots that the team can give; a figure near the rate."""
    assert team.schedule()["state"] == "stopped"
    assert team.schedule("--start")["state"] != "stopped"
    wait_for(team.is_over, 60)
    shown = team.schedule("--show")
    assert sorted(i["fp"] for i in shown["items"]) == sorted(team.fps)
    team.check_all(shown)
    assert shown["slot_given"] <= shown["capacity"] and len({i["slot"] for i in shown["items"]}) > 1
    assert "measured" in team.ctl("schedule").stdout
    kept = os.path.join(team.folder, "data", "schedule.jsonl")
    assert os.stat(kept).st_mode & 0o77 == 0
    for path in (kept, os.path.join(team.folder, "coord.log")):
        with open(path, encoding="utf-8") as f:
            assert SECRET not in f.read()


def test_killed_and_back(team):
    """What ran is void and counted, and measured again; it needs no order to go on."""
    team.schedule("--start")
    wait_for(lambda: [j for j in team.status()["jobs"] if j["state"] == "RUNNING"])
    team.coord.kill()
    kept = os.path.join(team.folder, "data", "schedule.jsonl")
    with open(kept, "a", encoding="ascii") as f:
        f.write('{"t":"at')     # torn by the crash
    team.coord = team.start("coord2", "coord", "-c", "coord.ini")
    wait_for(lambda: len(team.connected()) == 2, 40)
    wait_for(team.is_over, 60)
    shown = team.schedule()
    assert shown["cut_short"] >= 1 and "goes on" in team.coord.log()
    team.check_all(shown)
    with open(kept, encoding="ascii") as f:
        assert [line for line in f if not line.startswith('{"t":"') or not line.endswith("}\n")] == \
            ['{"t":"at\n']       # and what came behind it is whole


def test_one_that_is_not_there_and_one_that_came_later(team):
    """Nobody answers at an address: said with its reason. A line more and SIGHUP: it gets a slot."""
    lines = team.read_relays()
    nobody = "F" * 40 + "@127.0.0.9:1"
    team.write_relays([lines[1], nobody])
    team.coord.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "Read again" in team.coord.log())
    team.schedule("--start")
    wait_for(team.is_over, 60)
    bad = [r for r in team.ends() if r["fp"] == "F" * 40]
    assert len(bad) == 1 and not bad[0]["ok"] and bad[0]["why"] not in ("", "inconclusive"), bad
    team.write_relays([lines[1], lines[2]])
    team.coord.process.send_signal(signal.SIGHUP)
    fp = team.fps[1]
    wait_for(lambda: [r for r in team.ends() if r["fp"] == fp], 60)
    end = [r for r in team.ends() if r["fp"] == fp][0]
    assert end["ok"] or end["why"] == "inconclusive", end
    team.schedule("--stop")
    assert team.schedule()["state"] == "stopped"


def test_with_an_unmodified_relay(team, tmp_path):
    """One of Debian's tor beside them, which is measured by echo2, at an address of its own."""
    lines = team.read_relays()
    extra = ["ExtendAllowPrivateAddresses 1", "CountPrivateBandwidth 1"]
    with StockTor(str(tmp_path / "tor"), privnet.free_base_port() + 90, 2000000,
                  address="127.0.0.1", extra=extra, enter=there([])) as tor:
        with open(tor.dir + "/fingerprint", encoding="ascii") as f:
            fp = f.read().split()[1]
        team.write_relays(lines[1:3] + ["%s@%s echo2 2MB" % (fp, tor.at)])
        team.coord.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "Read again" in team.coord.log())
        team.schedule("--start")
        wait_for(team.is_over, 90)
        ends = {r["fp"]: r for r in team.ends()}
        assert ends[fp]["mode"] == "echo2", ends[fp]
        assert ends[fp]["ok"] or ends[fp]["why"] == "inconclusive", ends[fp]
        assert 0.3 * 2000000 < ends[fp]["bw"] < 1.2 * 2000000, ends[fp]
        assert tor.warnings() == [] and tor.closed_for_us() == []
    assert {r["fp"] for r in team.ends()} == {fp, *team.fps[:2]}
