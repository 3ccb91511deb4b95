"""tunic measure report and bwfile on results that a coordinator wrote."""

import gzip
import json
import os
import re
import shutil
import subprocess

import pytest

import sut as sut_module
from test_measure_services import RATE, Team, measure, wait_for
from test_testnet import there

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="about tunic's own command")

DONE, NOT_ALL, USAGE = 0, 1, 2


def fetch(*argv):
    done = subprocess.run(there([sut_module.program(), "fetch", *argv]), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(name="team", scope="module")
def fixture_team(tmp_path_factory):
    """Which has measured one relay, and not another one that does not exist."""
    team = Team(tmp_path_factory.mktemp("team"), duration=6)
    try:
        wait_for(lambda: len(team.connected()) == 2)
        with open(os.path.join(team.network.dir, "nodes.json"), encoding="utf-8") as f:
            nodes = {n["nickname"]: n for n in json.load(f)["nodes"]}
        team.fp = nodes["guard1"]["fingerprint"].upper()
        got = team.ctl("measure", "%s@%s" % (team.fp, team.relays["guard1"]))
        assert got.returncode == 0, got.stdout + got.stderr
        got = team.ctl("measure", "127.0.0.1:1")
        assert got.returncode == NOT_ALL
        yield team
    finally:
        team.stop()


def report(team, *argv):
    return measure("report", "data/results", *argv, cwd=team.folder)


def test_why_a_relay_has_its_figure(team):
    torrc = os.path.join(team.network.dir, "client.torrc")
    consensus, servers = (os.path.join(team.folder, name) for name in ("consensus", "servers"))
    fetch("-f", torrc, "-o", consensus, "consensus-microdesc")
    fetch("-f", torrc, "-o", servers, "server/all")
    done = report(team, "--relay", "GUARD1", "--consensus", consensus, "--descriptors", servers)
    assert done.returncode == DONE, done.stderr
    assert "\nThe consensus was NOT verified: there are no authorities' certificates" in done.stdout
    lines = done.stdout.splitlines()
    assert lines[0] == "guard1, " + team.fp
    carries = re.match(r"It carries ([\d.]+) Mbit/s \((\d+) bytes/s\), measured .* UTC, \d+ s ago, "
                       r"by flashflow\.", lines[1])
    assert .7 * RATE < int(carries.group(2)) < 1.4 * RATE
    assert re.search(r"^- The relay was the limit, or its way", done.stdout, re.M)
    for name in ("m1", "m2"):
        assert re.search(r"^  %s +[\d.]+ Mbit/s of [\d.]+ allotted \(\d+%% of its part\), held back "
                         r"\d+%% of the time, \d+ ms away, \d+%% of a core$" % name, done.stdout, re.M)
    assert "  consensus weight " in done.stdout and "  its limit " in done.stdout
    assert "\nIn short: it carries " in done.stdout
    wanted = re.search(r"`(tunic fetch -o votes/ vote/current/[0-9A-F+]+)`, then --votes votes",
                       done.stdout).group(1)
    votes = os.path.join(team.folder, "votes/")
    fetch("-f", torrc, "-o", votes, wanted.split()[-1])      # the report has said how
    keys = os.path.join(team.folder, "certificates")
    fetch("-f", torrc, "-o", keys, "keys/all")
    done = report(team, "--relay", "guard1", "--consensus", consensus, "--votes", votes,
                  "--certificates", keys, "--torrc", torrc)
    assert done.returncode == DONE, done.stderr
    assert "verified" not in done.stdout and "VERIFIED" not in done.stderr
    assert re.search(r"^  authority \S+ +([\d.]+ Mbit/s \(Measured=\d+\)|has not measured it)$",
                     done.stdout, re.M)
    assert "no votes are here" not in done.stdout
    for word in (team.fp, "$" + team.fp.lower(), team.relays["guard1"]):
        assert report(team, "--relay", word).stdout.splitlines()[1].startswith("It carries ")


def test_a_relay_without_a_figure(team):
    done = report(team, "--relay", "127.0.0.1:1")
    assert done.returncode == DONE
    assert "\nIt has no figure.\n\nWhy:\n- " in done.stdout
    done = report(team, "--relay", "F" * 40)
    assert done.returncode == NOT_ALL and "Nothing is known of" in done.stderr
    done = report(team, "--relay", "guard1")
    assert done.returncode == NOT_ALL and "Who is \"guard1\"?" in done.stderr
    assert report(team).returncode == USAGE


def test_old_results_that_are_compressed(team):
    """They say the same, and with them those of another day."""
    folder = os.path.join(team.folder, "packed")
    os.mkdir(folder)
    source, = [n for n in os.listdir(os.path.join(team.folder, "data", "results"))]
    with open(os.path.join(team.folder, "data", "results", source), "rb") as f, \
            gzip.open(os.path.join(folder, source + ".gz"), "wb") as packed:
        packed.write(f.read())
    plain = report(team, "--classic")
    done = measure("report", "packed", "--classic", cwd=team.folder)
    assert (done.returncode, done.stdout) == (DONE, plain.stdout) and " END\n" in plain.stdout
    done = measure("report", "packed", "--relay", team.fp, "--out", "packedpages", cwd=team.folder)
    assert done.returncode == DONE and "\nIn short: it carries " in done.stdout
    with open(os.path.join(team.folder, "packedpages", "history.csv"), encoding="utf-8") as f:
        assert len(f.read().splitlines()) == 2


def test_flashflows_lines(team):
    """What each second brought, as the original's reader expects it."""
    begin, end = [r for r in team.results() if r.get("fp") == team.fp]
    lines = [line.split() for line in report(team, "--classic").stdout.splitlines()]
    lines = [words for words in lines if words[0] == str(begin["id"])]
    assert lines[0] == [str(begin["id"]), str(begin["ts"]), "BEGIN", team.fp]
    assert lines[-1] == [str(end["id"]), str(end["ts"]), "END"]
    by_second = {}
    for _, stamp, kind, *numbers in lines[1:-1]:
        assert kind in ("MEASR", "BG")
        by_second.setdefault(int(stamp), {}).setdefault(kind, []).append([int(n) for n in numbers])
    assert len(by_second) == 6
    sums = [sum(n for n, in second["MEASR"]) + second["BG"][0][1] for second in by_second.values()]
    assert all(len(second["MEASR"]) == 2 for second in by_second.values())
    assert sorted(sums)[len(sums) // 2] == pytest.approx(end["bw"], rel=.1)


def test_a_bandwidth_file_of_it(team):
    """From ctl to the file: one relay of a network is too little to vote by, and its figure is there."""
    torrc = os.path.join(team.network.dir, "client.torrc")
    consensus = os.path.join(team.folder, "consensus2")
    fetch("-f", torrc, "-o", consensus, "consensus")
    done = measure("bwfile", "data/results", "--consensus", consensus, cwd=team.folder)
    assert done.returncode == NOT_ALL
    end = [r for r in team.results() if r.get("fp") == team.fp][-1]
    line, = [line for line in done.stdout.splitlines() if "node_id=$" + team.fp in line]
    words = dict(word.split("=") for word in line.split(" "))
    assert words["bw"] == str(end["bw"] // 1000) and words["vote"] == "0"
    assert (words["ff_mode"], words["ff_limited_by"]) == ("flashflow", "relay")
    assert words["master_key_ed25519"] == end["ed"]


def test_a_page_and_tables(team):
    out, elsewhere = (os.path.join(team.folder, name) for name in ("pages", "empty"))
    done = report(team, "--out", out)
    assert (done.returncode, done.stdout) == (DONE, os.path.realpath(out) + "/index.html\n")
    with open(os.path.join(out, "relays.json"), encoding="utf-8") as f:
        relays = {r["relay"]: r for r in json.load(f)}
    end = [r for r in team.results() if r.get("fp") == team.fp][-1]
    assert relays[team.fp]["bytes_per_s"] == end["bw"]
    assert relays["127.0.0.1:1"]["ok"] is False and relays["127.0.0.1:1"]["why"]
    with open(os.path.join(out, "seconds.csv"), encoding="utf-8") as f:
        rows = [line.split(",") for line in f.read().splitlines()[1:]]
    assert [row[:2] for row in rows] == [[team.fp, str(i)] for i in range(1, 7)]
    with open(os.path.join(out, "index.html"), encoding="utf-8") as f:
        assert team.fp in f.read()
    plots = [name + kind for name in ("coverage", "slots", "seconds", "measurers")
             for kind in (".svg", ".png")]
    if shutil.which("gnuplot"):
        assert all(os.path.getsize(os.path.join(out, name)) for name in plots), done.stderr
    done = subprocess.run([sut_module.program(), "measure", "report", "data/results", "--out",
                           elsewhere], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          cwd=team.folder, env=dict(os.environ, PATH="/nonexistent"), timeout=60,
                          check=False)
    assert done.returncode == DONE and "install gnuplot-nox and run" in done.stderr
    assert os.path.exists(os.path.join(elsewhere, "plots.gp"))
    assert not os.path.exists(os.path.join(elsewhere, "slots.svg"))
