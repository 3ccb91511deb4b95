"""tunic measure bwfile: three of Debian's directory authorities vote by files of ours, as stem reads
them too; and a file is whole, or not there."""

import base64
import glob
import hashlib
import json
import os
import re
import signal
import subprocess
import time

import pytest

import privnet
import sut as sut_module
import test_measure_services as services
import torlab
from test_testnet import there

bandwidth_file = pytest.importorskip("stem.descriptor.bandwidth_file")

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="about tunic's own command")

DONE, NOT_ALL, USAGE = 0, 1, 2
GOLDEN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "measure", "golden")
DAY = 24 * 3600
SAID = re.compile(r"^r (\S+) (\S+) .*?^w (.*?)$", re.M | re.S)     # of each relay


def bwfile(*argv, **more):
    return subprocess.run([sut_module.program(), "measure", "bwfile", *map(str, argv)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                          check=False, **more)


def report(*argv):
    return subprocess.run([sut_module.program(), "measure", "report", *argv], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)


def write_results(folder, figures, now=None):
    """A day's file: {fingerprint: bytes a second, or why there is no figure}."""
    now = int(now or time.time())
    folder.mkdir(exist_ok=True)
    name = time.strftime("%Y-%m-%d.jsonl", time.gmtime(now))
    with open(folder / name, "a", encoding="utf-8") as f:
        for i, (fp, figure) in enumerate(figures.items(), 1):
            line = {"id": i, "ts": now - 40, "fp": fp, "mode": "flashflow"}
            f.write(json.dumps({"t": "begin", **line}) + "\n")
            line = {"t": "end", **line, "ts": now - 5, "began": now - 40}
            if isinstance(figure, str):
                line.update(ok=False, why=figure, detail="for a test")
            else:
                line.update(ok=True, bw=figure, x=figure, bg=0, clamped=0, limited_by="relay")
            f.write(json.dumps(line) + "\n")
    return folder


def fetched(what, port):
    url = "http://%s:%d/tor/%s" % (port.address, port.dir_port, what)
    return subprocess.run(there(["curl", "-sSf", "--http1.0", "--noproxy", "*", url]), text=True,
                          stdout=subprocess.PIPE, check=True, timeout=30).stdout


def said(text):
    """{fingerprint: what its "w" line says} of a vote or a consensus."""
    found = {}
    for _, identity, words in SAID.findall(text):
        fp = base64.b64decode(identity + "=").hex().upper()
        found[fp] = dict(word.split("=") for word in words.split())
    return found


@pytest.mark.parametrize("name", ["every-key", "under-60-percent", "capped", "rounded"])
def test_stem_reads_the_golden_files(name):
    with open(os.path.join(GOLDEN, name + ".v3bw"), "rb") as f:
        text = f.read()
    found = bandwidth_file.BandwidthFile(text, validate=True)
    lines = text.decode().split("=====\n")[1].splitlines()
    assert found.version == "1.6.0" and found.software == "tunic"
    assert len(found.measurements) == len(lines)
    assert found.latest_bandwidth.timestamp() == pytest.approx(found.timestamp.timestamp())
    for line in lines:
        words = dict(word.split("=") for word in line.split(" "))
        assert found.measurements[words["node_id"][1:]] == words


@pytest.mark.parametrize("name", ["every-key", "under-60-percent", "capped", "rounded"])
def test_sbws_reads_the_golden_files(name):
    """Every header, and every key but ours."""
    v3bwfile = pytest.importorskip("sbws.lib.v3bwfile")
    path = os.path.join(GOLDEN, name + ".v3bw")
    with open(path, encoding="utf-8") as f:
        headers, lines = f.read().split("=====\n")
    found = v3bwfile.V3BWFile.from_v1_fpath(path)
    for header in headers.splitlines()[1:]:
        key, value = header.split("=")
        assert str(getattr(found.header, key)) == value
    assert len(found.bw_lines) == len(lines.splitlines())
    for line, read in zip(lines.splitlines(), found.bw_lines):
        words = dict(word.split("=") for word in line.split(" "))
        assert {k: str(getattr(read, k)) for k in words if not k.startswith("ff_")} == \
            {k: v for k, v in words.items() if not k.startswith("ff_")}


@pytest.fixture(scope="module")
def authorities(workdir):
    """A network of Debian's relays."""
    own = torlab.Lab(os.path.join(workdir, "bwlab"), base=privnet.free_base_port() + 400)
    own.start()
    yield own
    own.stop()


def vote(own):
    """-> (votes of the authorities, the consensus)"""
    nodes = own.by_role("authority")
    for _ in range(4):
        valid_after = own.vote_soon()
        time.sleep(max(0, valid_after + 1 - time.time()))
        text = fetched("status-vote/current/consensus", nodes[0])
        stamp = time.strftime("valid-after %Y-%m-%d %H:%M:%S", time.gmtime(valid_after))
        if stamp in text:
            return [fetched("status-vote/current/authority", node) for node in nodes], text
    raise AssertionError("no consensus")


def make_files(own, tmp_path, figures):
    """A file for each authority, the second's and the third's with twice and thrice as much."""
    made = []
    for k, node in enumerate(own.by_role("authority"), 1):
        scaled = {fp: f if isinstance(f, str) else f * k for fp, f in figures.items()}
        results = write_results(tmp_path / ("results%d" % k), scaled)
        out = tmp_path / ("out%d" % k)
        done = bwfile(results, "--data-directory", node.dir, "--out", out)
        assert done.returncode == DONE, done.stderr
        assert os.path.realpath(out / "v3bw") == os.path.realpath(done.stdout.strip())
        node.control("SETCONF V3BandwidthsFile=%s" % (out / "v3bw"))
        made.append((out / "v3bw").read_text())
    return made


def by_name(own, name):
    return own.by_name(name).fingerprint


def figures_of(own):
    """All relays have one but m2, which refuses; one authority is measured."""
    figures = {n.fingerprint: 1000000 * (i + 1) for i, n in enumerate(own.nodes)
               if n.role != "authority"}
    figures[by_name(own, "m2")] = "no_consent"
    figures[by_name(own, "a1")] = 4000000
    return figures


def test_authorities_vote_by_it(authorities, tmp_path):
    own = authorities
    figures = figures_of(own)
    files = make_files(own, tmp_path, figures)
    votes, consensus = vote(own)
    for k, (text, given) in enumerate(zip(votes, files), 1):
        words = said(text)
        for fp, figure in figures.items():
            key = "MeasuredButAuthority" if fp == by_name(own, "a1") else "Measured"
            if isinstance(figure, str):
                assert "Measured" not in words[fp]
            else:
                assert words[fp][key] == str(figure * k // 1000)
        headers = re.search(r"^bandwidth-file-headers (.*)$", text, re.M).group(1).split(" ")
        assert headers == ["timestamp=" + given.split("\n")[0]] + \
            given.split("=====\n")[0].splitlines()[1:]
        digest = base64.b64encode(hashlib.sha256(given.encode()).digest()).decode().rstrip("=")
        assert "\nbandwidth-file-digest sha256=%s\n" % digest in text
    words = said(consensus)
    for node in own.nodes:
        figure = figures.get(node.fingerprint, "authority")
        if node.role == "authority" or isinstance(figure, str):
            assert words[node.fingerprint]["Unmeasured"] == "1"
        else:
            assert words[node.fingerprint] == {"Bandwidth": str(figure * 2 // 1000)}


def test_a_tenth_is_a_tenth(authorities, tmp_path):
    """Measured anew with a tenth of its rate, a relay has a tenth of its weight."""
    own, g1 = authorities, by_name(authorities, "g1")
    figures = figures_of(own)
    for share in (1, 10):
        make_files(own, tmp_path, {**figures, g1: figures[g1] // share})
        assert said(vote(own)[1])[g1] == {"Bandwidth": str(figures[g1] * 2 // share // 1000)}


class Coord:
    """A coordinator that knows the network by an authority's folder, and one measurer."""

    def __init__(self, folder, own):
        self.folder = folder
        pins = {}
        for name in ("coord", "m1"):
            made = services.measure("keygen", name, "--out", str(folder / "keys"))
            pins[name] = services.PIN.search(made.stdout).group()
        port = sut_module.free_port()
        (folder / "coord.ini").write_text(
            "[coord]\ndatadir = data\nkeydir = keys\nlisten_addr = 127.0.0.1:%d\n"
            "directory = %s\ntorrc = %s/client.torrc\nmeasurer = m1 %s 20MB\n[v3bw]\nv3bw = out/v3bw\nevery = 0\n"
            "[meas_params]\nmeas_duration = 10\nprior = 2MB\n" %
            (port, own.by_role("authority")[0].dir, own.dir, pins["m1"]))
        self.services = [
            services.Service(str(folder), "coord", "coord", "-c", "coord.ini"),
            services.Service(str(folder), "m1", "measurer", "--name", "m1", "--keydir", "keys",
                             "--coord-addr", "127.0.0.1:%d" % port, "--coord-pin", pins["coord"],
                             "--bw", "20MB")]
        services.wait_for(lambda: "Measurer m1 is there" in self.services[0].log())

    def ctl(self, *words):
        return services.measure("ctl", "-c", "coord.ini", *words, cwd=str(self.folder))

    def stop(self):
        for service in self.services:
            service.kill()


def measured_by(coord, relay, figures):
    """Measures it, and makes the file -> its figure there, in kB/s."""
    got = coord.ctl("measure", "--mode", "echo2", relay)
    assert got.returncode == 0, got.stdout + got.stderr
    made = coord.ctl("bwfile")
    assert made.returncode == 0 and "nobody is to vote" not in made.stdout, made.stdout
    assert os.readlink(coord.folder / "out" / "v3bw").startswith("v3bw.20")
    text = (coord.folder / "out" / "v3bw").read_text()
    kb = {m.group(1): int(m.group(2)) for m in re.finditer(r"node_id=\$(\w{40}) .*?bw=(\d+)", text)}
    for fp, figure in figures.items():
        assert kb[fp] == (1 if isinstance(figure, str) else figure // 1000)
    return kb[relay]


def has_tested_itself(node):
    """A young tor sends to itself through others as fast as all can: a relay at 200 kB/s has nothing
    else to give meanwhile."""
    return "Performing bandwidth self-test...done" in node.log()


def is_idle(node):
    def read():
        return int(re.search(r"traffic/read=(\d+)", node.control("GETINFO traffic/read")).group(1))
    before = read()
    time.sleep(2)
    return read() - before < 40000


def test_the_coordinators_own_file(authorities, tmp_path):
    """Through its link, with a relay that was measured; throttled to a tenth, and measured anew."""
    own, g1 = authorities, authorities.by_name("g1")
    figures = {fp: f for fp, f in figures_of(own).items() if fp != g1.fingerprint}
    (tmp_path / "data").mkdir(mode=0o700)
    write_results(tmp_path / "data" / "results", figures)
    coord = Coord(tmp_path, own)
    weights = []
    try:
        services.wait_for(lambda: g1.fingerprint in coord.ctl("relays").stdout)
        services.wait_for(lambda: all(has_tested_itself(node) for node in own.nodes), 180)
        for node in own.by_role("authority"):
            node.control("SETCONF V3BandwidthsFile=%s" % (tmp_path / "out" / "v3bw"))
        for rate in (2000000, 200000):
            g1.control("SETCONF RelayBandwidthRate=%d RelayBandwidthBurst=%d" % (rate, rate))
            services.wait_for(lambda: is_idle(g1), 90)
            kb = measured_by(coord, g1.fingerprint, figures)
            votes, consensus = vote(own)
            weights.append(int(said(consensus)[g1.fingerprint]["Bandwidth"]))
            assert weights[-1] == kb
            assert all(said(text)[g1.fingerprint]["Measured"] == str(kb) for text in votes)
            unmeasured = {fp for fp, words in said(consensus).items() if "Unmeasured" in words}
            assert unmeasured == {by_name(own, "m2")} | {n.fingerprint for n in own.nodes
                                                         if n.role == "authority"}
        assert 0.07 < weights[1] / weights[0] < 0.14, weights
    finally:
        coord.stop()
        g1.control("RESETCONF RelayBandwidthRate RelayBandwidthBurst")


def test_what_authorities_serve_of_it(authorities, tmp_path):
    own = authorities
    files = make_files(own, tmp_path, figures_of(own))
    vote(own)
    for node, text in zip(own.by_role("authority"), files):
        done = subprocess.run(there([
            sut_module.program(), "fetch", "--from",
            "%s:%d,rsa=%s" % (node.address, node.or_port, node.fingerprint), "bandwidth"]),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        assert done.returncode == 0 and done.stdout == text, done.stderr
        read = bandwidth_file.BandwidthFile(text.encode(), validate=True)
        assert len(read.measurements) == len(own.nodes) - 2     # two authorities without a figure
        # The descriptors in its folder are verified ones: what they say is there.
        assert all("desc_bw_avg" in m for m in read.measurements.values())


def test_too_few_are_not_voted_by(authorities, tmp_path):
    own = authorities
    some = dict(list(figures_of(own).items())[:3])
    results = write_results(tmp_path / "results", some)
    done = bwfile(results, "--data-directory", own.by_role("authority")[0].dir)
    assert done.returncode == NOT_ALL
    assert "3 of 11 relays have a figure (27%): less than 60%" in done.stderr
    lines = done.stdout.split("=====\n")[1].splitlines()
    assert lines and all(" vote=0 " in line and " under_min_report=1 " in line for line in lines)


def test_what_authorities_say_of_it(authorities, tmp_path):
    own = authorities
    make_files(own, tmp_path, figures_of(own))
    votes, consensus = vote(own)
    (tmp_path / "votes").write_text("".join(votes))
    (tmp_path / "consensus").write_text(consensus)
    results = write_results(tmp_path / "r", figures_of(own), now=time.time() - 3600)
    g1, m2 = own.by_name("g1").fingerprint, own.by_name("m2").fingerprint
    options = ["--votes", str(tmp_path / "votes"), "--consensus", str(tmp_path / "consensus")]
    done = report(str(results), "--relay", "g1", *options)
    measured = figures_of(own)[g1] // 1000
    for k, name in enumerate(torlab.AUTHORITIES, 1):
        assert re.search(r"^  authority %s +[\d.]+ Mbit/s \(Measured=%d\)$" % (name, measured * k),
                         done.stdout, re.M), done.stdout
    assert "(Bandwidth=%d)" % (measured * 2) in done.stdout
    done = report(str(results), "--relay", m2, *options)
    assert done.stdout.count("has not measured it") == 3
    assert "- It has not agreed: its operator has to write so" in done.stdout
    assert ", Unmeasured)" in done.stdout


# -- without a network ----------------------------------------------------------------------------

def some_results(tmp_path):
    return write_results(tmp_path / "results", {"%040X" % i: 1000000 * i for i in range(1, 400)})


def test_no_file_without_recent_results(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "v3bw").symlink_to("v3bw.of.before")
    old = write_results(tmp_path / "old", {"%040X" % 1: 1000000}, now=time.time() - 9 * DAY)
    done = bwfile(old, "--out", out)
    assert (done.returncode, done.stdout) == (NOT_ALL, "")
    assert done.stderr == "tunic measure: no relay has a recent result: no file is made\n"
    assert os.listdir(out) == ["v3bw"] and os.readlink(out / "v3bw") == "v3bw.of.before"
    done = bwfile(old, "--max-results-age", 30 * DAY)
    assert " bw=1000 vote=0 under_min_report=1 " in done.stdout
    done = bwfile(tmp_path / "nowhere")
    assert done.returncode == NOT_ALL and "Cannot read results" in done.stderr
    assert not (tmp_path / "nowhere").exists()


def test_torn_lines_cost_no_other(tmp_path):
    results = some_results(tmp_path)
    name, = glob.glob(str(results / "*.jsonl"))
    with open(name, "a", encoding="utf-8") as f:
        f.write('{"t":"end","id":9,"ts')
    done = bwfile(results)
    assert "1 lines of the results are torn" in done.stderr
    assert done.stdout.count("node_id=") == 399


@pytest.mark.parametrize("call", ["write", "fsync", "rename", "symlink"])
def test_killed_at_any_write(tmp_path, call):
    """The old file is what is there, or the new one, whole; the link leads to one of them."""
    results, out = some_results(tmp_path), tmp_path / "out"
    whole = bwfile(results, "--out", out)
    assert whole.returncode == NOT_ALL      # without a consensus
    time.sleep(1.1)                         # or it would have the same name
    killed = 0
    for when in range(1, 5):
        done = subprocess.run(
            ["strace", "-f", "-o", "/dev/null", "-e", "trace=" + call,
             "-e", "inject=%s:signal=SIGKILL:when=%d" % (call, when),
             sut_module.program(), "measure", "bwfile", str(results), "--out", str(out)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        killed += done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
        lines = (out / os.readlink(out / "v3bw")).read_text().splitlines()
        assert lines[-1].endswith("relay_recent_measurements_excluded_few_count=0")
        assert sum("node_id=" in line for line in lines) == 399
    assert killed


@pytest.mark.parametrize("argv,why", [
    (("a", "b"), "there is one RESULTS"),
    (("--round", "1"), "--round"),
    (("--country", "Norway"), "must be two letters"),
    (("--relay", "x"), "is of another part"),
    (("--consensus",), "--consensus"),
])
def test_usage(argv, why):
    done = bwfile(*argv)
    assert done.returncode == USAGE and why in done.stderr
