"""What somebody reads who wrote something wrong: what it was, where it stands, what to do."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

import sut as sut_module

TUNIC_ONLY = pytest.mark.skipif(sut_module.IS_TOR, reason="tor names one wrong line a run, and guesses nothing")


def run(*words, torrc=None, timeout=20, program=None):
    return subprocess.run([program or sut_module.program()] + list(words), input=torrc,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                          check=False)


def said(*words, **options):
    """(status, lines without time and level)"""
    done = run(*words, **options)
    text = done.stdout.decode("utf-8", "replace")
    return done.returncode, [line.split("] ", 1)[-1] for line in text.splitlines()]


def verdict(torrc, tmp_path):
    """Of a torrc that is no business of this computer's own files."""
    path = tmp_path / "torrc"
    path.write_bytes(torrc if isinstance(torrc, bytes) else torrc.encode())
    return said("--verify-config", "-f", str(path), "--defaults-torrc", "/dev/null",
                "--DataDirectory", str(tmp_path / "data"))


# -- a torrc ---------------------------------------------------------------------------------------

WRONG = """SafeSocks 2
SocksPrt 9050
SocksPort 9050 IsolateDestAdr
ContactInfo "a" b
ExitNodes foo bar
SocksPolicy accept nothing
FallbackDir nowhere
MaxCircuitDirtiness 10 fortnights
"""


@TUNIC_ONLY
def test_all_wrong_lines_are_named_in_one_run(tmp_path):
    status, lines = verdict(WRONG, tmp_path)
    assert status == 1
    where = str(tmp_path / "torrc")
    for number in range(1, 9):
        assert any(line.startswith("%s:%d: " % (where, number)) for line in lines), number
    assert lines[-2].startswith("Failed to parse/validate config: %s:4: " % where)
    assert "(the first of 8 faults; the log names all)" in lines[-2]
    assert lines[-1] == "Reading config failed--see warnings above."


def test_one_wrong_line_ends_as_in_tor(tmp_path):
    status, lines = verdict("SafeSocks 1\nSocksPort 70000\n", tmp_path)
    assert status == 1
    assert "SocksPort" in "\n".join(lines)
    assert lines[-2].startswith("Failed to parse/validate config: ")
    assert lines[-1] == "Reading config failed--see warnings above."


@TUNIC_ONLY
def test_of_very_many_wrong_lines_the_first_are_named(tmp_path):
    status, lines = verdict("".join("Xyzzy%d 1\n" % i for i in range(1, 500)), tmp_path)
    assert status == 1
    assert sum("Unknown option" in line for line in lines) == 21
    assert "(the first of 499 faults; the log names 20)" in lines[-2]


@TUNIC_ONLY
@pytest.mark.parametrize("line, meant", [
    ("SockPort 9050", 'Did you mean "SocksPort"?'),
    ("SocksPort 9050 IsolateDestAdr", 'Did you mean "IsolateDestAddr"?'),
    ("SocksPort 9050 NoIsolateSOCKSAut", 'Did you mean "NoIsolateSOCKSAuth"?'),
    ("Socks 9050", "It may be short for Socks4Proxy, Socks5Proxy, Socks5ProxyPassword or others."),
])
def test_what_may_have_been_meant(tmp_path, line, meant):
    status, lines = verdict(line, tmp_path)
    assert status == 1
    assert lines[-2].endswith(meant), lines


@TUNIC_ONLY
@pytest.mark.parametrize("torrc, says", [
    (b"\xef\xbb\xbfSafeSocks 1\n", ":1: the file begins with a byte order mark. Save it without one"),
    ("SafeSocks 1\n".encode("utf-16"), "It holds a NUL byte, so it is no plain text"),
    (b"SafeSocks 1\n\0", "It holds a NUL byte, so it is no plain text"),
])
def test_what_an_editor_may_have_done(tmp_path, torrc, says):
    status, lines = verdict(torrc, tmp_path)
    assert status == 1
    assert says in lines[-2]


# -- the command line ------------------------------------------------------------------------------

@TUNIC_ONLY
@pytest.mark.parametrize("words, says", [
    (["--testnet"], "option '--testnet' with no value. Failing. Did you mean \"tunic testnet\"?"),
    (["--testnet", "--relays", "5"], "Did you mean \"tunic testnet\"?"),
    (["-V"], "option '-V' with no value. Failing. See tunic --help."),
    (["--verify-confg", "-f", "x"], "Did you mean \"--verify-config\"?"),
    (["--sockport", "9050"], "Did you mean \"SocksPort\"?"),
    (["testnt"], "Did you mean \"tunic testnet\"?"),
    (["fetch", "--jsn", "x"], "tunic fetch: --jsn: there is no such option. Did you mean \"--json\"?"),
    (["testnet", "--relay", "5"], "Did you mean \"--relays\"?"),
])
def test_mistyped_words(words, says):
    done = run(*words)
    assert done.returncode != 0
    assert says in done.stdout.decode()


def test_option_without_its_value():
    status, lines = said("--SocksTimeout")
    assert status == 1
    assert "Command-line option '--SocksTimeout' with no value. Failing." in lines


@TUNIC_ONLY
def test_help_names_our_own_manual():
    status, lines = said("--help")
    assert status == 0
    assert "man tunic" in lines[-1]
    assert "torproject.org" not in "\n".join(lines)


def test_help_under_tors_name(tmp_path):
    """Programs that run tor look for its first and last words."""
    tor = tmp_path / "tor"
    tor.symlink_to(sut_module.program())
    for word in ("--help", "-h"):
        text = subprocess.run([str(tor), word], capture_output=True, text=True, check=True).stdout
        assert text.startswith("Copyright (c) 2001")
        assert text.endswith("\ntor -f <torrc> [args]\nSee man page for options, or "
                             "https://www.torproject.org/ for documentation.\n")


# -- a start that fails ----------------------------------------------------------------------------

def test_a_port_in_use(tmp_path):
    taken = socket.create_server(("127.0.0.1", 0))
    (tmp_path / "torrc").write_text("SocksPort %d\n" % taken.getsockname()[1])
    status, lines = said("-f", str(tmp_path / "torrc"), "--defaults-torrc", "/dev/null",
                         "--DataDirectory", str(tmp_path / "data"))
    taken.close()
    assert status == 1
    text = "\n".join(lines)
    assert "Address already in use. Is Tor" in text and "already running?" in text
    assert "Failed to bind one of the listener ports." in text
    if not sut_module.IS_TOR:       # whose last line is that reading the configuration failed
        assert lines[-1] == "Tunic could not start--see warnings above."
        assert "Reading config failed" not in text


@TUNIC_ONLY
def test_a_folder_that_cannot_be_made_is_said_once():
    status, lines = said("-f", "-", "--DataDirectory", "/proc/self/nothing", "--SocksPort", "auto",
                         torrc=b"")
    assert status == 1
    text = "\n".join(lines)
    assert text.count("No such file or directory") == 1
    assert "Couldn't create private data directory \"/proc/self/nothing\"" in lines[-2]


# -- while it runs ---------------------------------------------------------------------------------

@TUNIC_ONLY
def test_a_reload_names_all_wrong_lines_and_changes_nothing(make_sut):
    mine = make_sut()
    mine.start()
    mine.write_torrc(["SafeSocks 2", "Xyzzy 1", "SocksPort 70000"])
    mark = mine.log_mark()
    mine.signal(signal.SIGHUP)
    mine.wait_for("The configuration was not changed|not changed", 10, since=mark)
    told = mine.log()[mark:]
    lines = len(mine.lines)
    for number in range(lines + 1, lines + 4):
        assert re.search(r"\[warn\] \S*torrc:%d: " % number, told), told
    assert "(the first of 3 faults; the log names all)" in told
    assert mine.running()


NO_NETWORK = """
ip link set lo up
"$@" --DataDirectory data --SocksPort 127.0.0.1:9050 --Log 'notice file log' --hush &
for i in $(seq 200); do [ -e data/lock ] && break; sleep 0.05; done
for i in 1 2; do curl -sS -m 60 --socks5-hostname 127.0.0.1:9050 http://example.com/; done
kill $!
wait
"""


@TUNIC_ONLY
def test_no_network_is_said_in_plain_words_and_applications_are_told(tmp_path):
    """A namespace with nothing but loopback: no dial finds a route."""
    if subprocess.run(["unshare", "-n", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("no network namespace to be had")
    (tmp_path / "torrc").write_text("")
    begun = time.monotonic()
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", NO_NETWORK, "sh", sut_module.program(), "-f", "torrc"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=150,
        check=False)
    assert time.monotonic() - begun < 50, "applications were kept waiting"
    assert done.stdout.count("(3)") == 2, done.stdout        # REP 3: network unreachable
    log = (tmp_path / "log").read_text()
    assert log.count("There is no network: this computer has no route to any relay.") == 1


# -- Debian's service ------------------------------------------------------------------------------

CONTRIB = os.path.join(sut_module.TOP, "contrib")


def test_what_the_unit_says_before_torrc_is_fine(tmp_path):
    """With Debian's folders, which are as here: the one of the sockets is open to all."""
    (tmp_path / "run").mkdir(mode=0o755)
    os.chmod(tmp_path, 0o755)
    (tmp_path / "lib").mkdir(mode=0o700)
    with open(CONTRIB + "/service-defaults.torrc", encoding="utf-8") as f:
        text = f.read().replace("/run/tor", str(tmp_path / "run")).replace(
            "/var/lib/tor", str(tmp_path / "lib"))
    (tmp_path / "defaults").write_text(text)
    (tmp_path / "torrc").write_text("# as Debian has it\n")
    status, lines = said("--defaults-torrc", str(tmp_path / "defaults"), "-f",
                         str(tmp_path / "torrc"), "--verify-config")
    assert status == 0 and "Configuration was valid" in lines


@TUNIC_ONLY
def test_the_unit_is_one(tmp_path):
    systemd = shutil.which("systemd-analyze")
    if not systemd:
        pytest.skip("no systemd-analyze")
    with open(CONTRIB + "/tunic.service", encoding="utf-8") as f:
        text = f.read().replace("/usr/local/bin/tunic", sut_module.program()).replace(
            "Documentation=man:tunic(1)\n", "")     # not installed here
    (tmp_path / "tunic.service").write_text(text)
    done = subprocess.run([systemd, "verify", str(tmp_path / "tunic.service")],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
