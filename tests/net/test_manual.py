"""What tunic(1) says of the command line, held against tor's where tor has it."""

import os
import re
import subprocess

import pytest

import privnet
import sut as sut_module

TORRC = """SocksPort 9060 IsolateDestAddr
SocksPolicy accept 10.0.0.0/8,reject *
maxcircuitdirtiness 20 minutes   # in any case
ExitNodes a,\\
b
Log notice file /dev/null
%include {folder}/parts
+Log info file /dev/null
"""


def run(program, *arguments, text="", home="/nonexistent"):
    """-> (status, standard output)"""
    done = subprocess.run([program, *arguments], input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=30, check=False,
                          env=dict(os.environ, HOME=home))
    return done.returncode, done.stdout


def both(*arguments, **more):
    """The same of the program under test and of Debian's tor."""
    return [run(p, *arguments, **more) for p in (sut_module.program(), privnet.find_program("tor"))]


@pytest.fixture
def torrc(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "one").write_text("EntryNodes c\n")
    (tmp_path / "parts" / ".hidden").write_text("NoSuchOption 1\n")
    (tmp_path / "defaults").write_text("NumEntryGuards 3\nMaxCircuitDirtiness 5 minutes\n")
    path = tmp_path / "torrc"
    path.write_text(TORRC.format(folder=tmp_path))
    return ["-f", str(path), "--defaults-torrc", str(tmp_path / "defaults"), "--hush"]


def test_dump_config_is_tors(torrc):
    ours, tors = both("--dump-config", "short", *torrc, "--CircuitStreamTimeout", "30", "/SocksPolicy")
    assert ours == tors and ours[0] == 0
    assert "MaxCircuitDirtiness 1200\n" in ours[1] and "EntryNodes c\n" in ours[1]
    assert "SocksPolicy" not in ours[1] and "NumEntryGuards" not in ours[1]


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor calls it deprecated, and prints what `short` does")
def test_dump_config_beside_what_is_built_in(torrc):
    status, text = run(sut_module.program(), "--dump-config", "non-builtin", *torrc)
    assert status == 0 and "NumEntryGuards 3\n" in text and "MaxCircuitDirtiness 1200\n" in text


def test_dump_config_in_full_has_every_option(torrc):
    status, text = run(sut_module.program(), "--dump-config", "full", *torrc)
    assert status == 0
    assert "MaxCircuitDirtiness 1200\n" in text and re.search(r"^NewCircuitPeriod 30$", text, re.M)


def test_list_of_options_begins_with_tors():
    ours, tors = both("--list-torrc-options")
    assert ours[0] == tors[0] == 0
    assert ours[1].split()[:len(tors[1].split())] == tors[1].split()


def test_files_that_are_not_there(tmp_path):
    missing, data = str(tmp_path / "none"), ["--DataDirectory", str(tmp_path), "--verify-config"]
    for options, status in (([], 1), (["--ignore-missing-torrc"], 0), (["--allow-missing-torrc"], 0)):
        ours, tors = both("-f", missing, "--defaults-torrc", "/dev/null", *options, *data)
        assert ours[0] == tors[0] == status, options


def test_torrc_of_the_user(tmp_path):
    """Where /etc has none; with a file system in its place that is empty."""
    (tmp_path / ".torrc").write_text("MaxCircuitDirtiness 77\n")
    script = '[ ! -d /etc/tor ] || mount -t tmpfs none /etc/tor && exec "$@"'
    base = [] if os.geteuid() == 0 else ["--map-root-user"]
    done = subprocess.run(
        ["unshare", *base, "--mount", "sh", "-c", script, "sh", sut_module.program(), "--dump-config",
         "short", "--hush"], env=dict(os.environ, HOME=str(tmp_path)), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("no mount namespace here: " + done.stderr.strip()[-200:])
    assert "MaxCircuitDirtiness 77\n" in done.stdout


def test_hush_and_quiet(tmp_path):
    base = ["--DataDirectory", str(tmp_path), "--verify-config", "-f", "-"]
    warned = "BandwidthRate 1 MB\nHashedControlPassword x\n"
    loud = run(sut_module.program(), *base, text=warned)[1]
    hushed = run(sut_module.program(), "--hush", *base, text=warned)[1]
    silent = run(sut_module.program(), "--quiet", *base, text=warned)[1]
    assert "[notice]" in loud and "[warn]" in loud
    assert "[notice]" not in hushed and "[warn]" in hushed
    assert "[" not in silent


def test_version_has_tors_form():
    ours, tors = both("--version")
    form = r"Tor version (\S+?)(?: \(\S+\))?\.\n"
    assert re.match(form, ours[1]).group(1) == re.match(form, tors[1]).group(1)
    for word in ("--library-versions", "--list-modules", "--help", "-h"):
        status, text = run(sut_module.program(), word)
        assert status == 0 and text


@pytest.mark.skipif(sut_module.IS_TOR, reason="what works otherwise than in tor")
@pytest.mark.parametrize("line, status, says", [
    ("Exclude a", 1, "short for ExcludeExitNodes, ExcludeNodes"),
    ("SocksPort 9050 IsolateDestAdr", 1, 'Did you mean "IsolateDestAddr"'),
    ("SocksPort localhost:9061", 0, "valid"),
    ("SocksPort example.com:9061", 1, "SocksPort"),
    ("FallbackDir a.test:80 orport=1 id=0123456789012345678901234567890123456789", 1, "FallbackDir"),
    ("SocksPort 9061 CacheDNS", 0, "Tunic keeps none"),
    ("DNSPort 5353", 1, "DNSPort"),
])
def test_what_works_otherwise_than_in_tor(tmp_path, line, status, says):
    done = subprocess.run(
        [sut_module.program(), "-f", "-", "--defaults-torrc", "/dev/null", "--DataDirectory",
         str(tmp_path), "--verify-config"], input=line + "\n", stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
    assert done.returncode == status and says in done.stdout, done.stdout


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor has onion services")
def test_an_onion_name_is_refused_at_once(client):
    done = client.curl("http://%s.onion/" % ("a" * 56), timeout=5)
    assert done.returncode == 97, done.stderr       # what curl calls a refusal of the proxy


def test_the_line_that_says_where_it_listens(make_sut):
    mine = make_sut(defaults=False, torrc=["SocksPort auto", "Log notice stdout"]).start()
    port = mine.wait_for(r"Opened Socks listener connection \(ready\) on 127\.0\.0\.1:(\d+)").group(1)
    mine.socks_port = int(port)
    assert mine.curl(mine.lab.url("/")).returncode == 0
