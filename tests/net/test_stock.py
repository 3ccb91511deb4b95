"""tunic measure run against a relay of Debian's tor, which knows nothing of being measured."""

import os
import re
import subprocess
import time

import pytest

import privnet
import sut as sut_module
from stocktor import SERVER, StockTor

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="about tunic's own command")

TUNIC = sut_module.program(as_tor=False)
MB = 1000 * 1000
DONE, NOT_ALL, USAGE = 0, 1, 2


@pytest.fixture(scope="module")
def base():
    return privnet.free_base_port()


@pytest.fixture(scope="module")
def relay(base, tmp_path_factory):
    with StockTor(str(tmp_path_factory.mktemp("stock") / "tor"), base, 2 * MB) as tor:
        yield tor


def measure(relay, mode, *options, seconds=10):
    return subprocess.run([TUNIC, "measure", "run", relay if isinstance(relay, str) else relay.at,
                           "--local", "--mode", mode, "--seconds", str(seconds), *options],
                          capture_output=True, text=True, timeout=seconds + 90, check=False)


def said(pattern, done):
    found = re.search(pattern, done.stdout)
    assert found, done.stdout + done.stderr
    return float(found.group(1))


def of_itself(done):
    """Bytes a second by our measure, and by the relay's own count."""
    return (of_ours(done),
            said(r"By its own count it wrote [\d.]+ Mbit/s \(([\d.]+) MB/s\)", done))


def of_ours(done):
    return said(r"carries (?:at least )?[\d.]+ Mbit/s \(([\d.]+) MB/s\)", done)


def is_content(relay):
    assert relay.warnings() == []
    assert relay.closed_for_us() == []


def test_echo2_agrees_with_the_relay(relay):
    """What went through the relay and came back is what it counts itself."""
    done = measure(relay, "echo2", "--control", str(relay.control), seconds=12)
    assert done.returncode == DONE, done.stdout + done.stderr
    ours, its = of_itself(done)
    assert .8 * its <= ours <= 1.25 * its, done.stdout
    assert .6 * 2 <= ours <= 1.25 * 2            # its limit is 2 MB/s
    assert "of ours: the median" in done.stdout and "The two differ by" in done.stdout
    assert "at least" not in done.stdout.splitlines()[0] and "Warning" not in done.stdout
    assert re.search(r"  \d+,\d{3} cells were checked", done.stdout)
    assert "The limit was the relay" in done.stdout
    assert "came back checked" in done.stdout and "all were good" in done.stdout
    assert re.search(r"\[12/12 s\] .* 10/10 sockets", done.stderr)
    is_content(relay)


def test_without_a_mode_it_is_found_out(relay):
    """The relay says nothing to a question that it does not know, and is measured all the same."""
    done = subprocess.run([TUNIC, "measure", "run", "--local", relay.at, "--seconds", "5"],
                          capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == DONE or "inconclusively" in done.stdout, done.stdout + done.stderr
    assert ("%s does not know measuring: it is measured as one of unmodified tor (--mode echo2)\n"
            % relay.at) in done.stderr
    assert "10/10 sockets" in done.stderr and "unsupported" not in done.stdout
    assert .6 * 2 <= said(r"carries at least [\d.]+ Mbit/s \(([\d.]+) MB/s\)", done) <= 1.25 * 2
    is_content(relay)


def test_sink2_agrees_with_the_relay(relay):
    done = measure(relay, "sink2", "--control", str(relay.control))
    assert done.returncode == DONE, done.stdout + done.stderr
    ours, its = of_itself(done)
    assert .8 * its <= ours <= 1.25 * its, done.stdout
    is_content(relay)


def test_without_its_count_it_is_a_least(relay):
    done = measure(relay, "echo2", "--sockets", "40", seconds=5)
    assert done.returncode == DONE, done.stdout + done.stderr
    assert "carries at least" in done.stdout
    assert "What its clients had meanwhile is not known" in done.stdout
    assert "40/40 sockets" in done.stderr
    is_content(relay)


def test_more_sockets_than_is_polite_are_not_opened(relay):
    done = measure(relay, "echo2", "--sockets", "160", seconds=3)
    assert "40/40 sockets" in done.stderr
    assert "--sockets 160 is taken as 40" in done.stderr
    assert "background unknown" in done.stderr
    is_content(relay)


def test_a_drop_without_limits_ends_with_a_figure(relay):
    """A slow relay empties large buffers for long: that is no relay that has stopped."""
    done = measure(relay, "drop", "--control", str(relay.control), seconds=12)
    assert done.returncode == NOT_ALL and "was sent" in done.stdout, done.stdout + done.stderr
    assert "[12/12 s]" in done.stderr


def test_drop_does_not_spoil_what_comes_next(base, tmp_path):
    """What waits at a slow relay is no more than it reads in a moment, so the next run has it whole."""
    with StockTor(str(tmp_path / "slow"), base + 60, MB // 2) as tor:
        done = measure(tor, "drop", "--control", str(tor.control), seconds=5)
        assert done.returncode == NOT_ALL and "was sent" in done.stdout, done.stdout + done.stderr
        sent = said(r"was sent [\d.]+ Mbit/s \(([\d.]+) MB/s\)", done)
        assert sent <= 1.5 * .5, done.stdout
        done = measure(tor, "echo2", seconds=6)
        assert .6 * .5 <= of_ours(done) <= 1.25 * .5, done.stdout + done.stderr
        is_content(tor)


def test_a_relay_that_knows_no_measuring_is_told_of_modes(relay):
    done = measure(relay, "flashflow")
    assert done.returncode == NOT_ALL and "--mode echo2" in done.stdout, done.stdout


def test_lines_of_torrc_that_are_missing_are_named(base, tmp_path):
    lines = ["CountPrivateBandwidth 0"]
    with StockTor(str(tmp_path / "count"), base + 40, 2 * MB, extra=lines) as tor:
        done = measure(tor, "echo2", "--bw", "80mbit", "--control", str(tor.control), seconds=5)
        assert "Warning" in done.stdout and "CountPrivateBandwidth 1" in done.stdout, done.stdout
        assert "carries at least" in done.stdout
    lines = ["ExtendAllowPrivateAddresses 0"]
    with StockTor(str(tmp_path / "extend"), base + 44, 2 * MB, extra=lines) as tor:
        done = measure(tor, "echo2", seconds=5)
        assert done.returncode == NOT_ALL and "ExtendAllowPrivateAddresses 1" in done.stdout, done.stdout


def test_who_gives_too_little_finds_nothing_out(relay):
    """The limit was ours: no number of the relay's."""
    done = measure(relay, "echo2", "--bw", "1mbit", seconds=6)
    assert done.returncode == NOT_ALL
    assert "inconclusively" in done.stdout
    assert "The limit was what it was given, by --prior or --bw" in done.stdout


def test_dir_and_drop_say_what_they_prove(relay):
    done = measure(relay, "dir", "--control", str(relay.control), seconds=5)
    assert "nothing of what it takes" in done.stdout, done.stdout + done.stderr
    ours, its = of_itself(done)
    assert 0 < ours <= 1.25 * its
    done = measure(relay, "drop", "--bw", "8mbit", "--control", str(relay.control), seconds=5)
    assert "nothing proves that it has read them" in done.stdout, done.stdout + done.stderr
    assert said(r"By its own count it read ([\d.]+) Mbit/s", done) > 0
    is_content(relay)


@pytest.fixture(scope="module")
def web(base):
    """A web server's address."""
    with subprocess.Popen(["python3", "-c", SERVER, str(base + 50)], stdout=subprocess.PIPE,
                          text=True) as serve:
        assert serve.stdout.readline() == "ready\n"
        yield "127.0.0.1:%d" % (base + 50)
        serve.kill()


@pytest.fixture(scope="module")
def an_exit(base, tmp_path_factory):
    lines = ["ExitRelay 1", "ExitPolicyRejectPrivate 0", "ExitPolicy accept *:*",
             "RefuseUnknownExits 0"]    # it knows no directory
    with StockTor(str(tmp_path_factory.mktemp("exit") / "tor"), base + 10, extra=lines) as there:
        yield there


def test_http_goes_through_an_exit(relay, web, an_exit):
    """As sbws does it: the exit's own descriptor says who it is."""
    done = measure(relay, "http", "--exit", an_exit.at, "--server", web, "--control", str(relay.control),
                   "--sockets", "3", seconds=6)
    ours, its = of_itself(done)
    assert .1 < ours <= 1.25 * its
    assert an_exit.warnings() == []
    is_content(relay)


@pytest.fixture
def services(base, tmp_path):
    """A coordinator and its measurer -> how to give the coordinator orders."""
    pins = {}
    for name in ("coord", "m1"):
        _, word = keygen(tmp_path / "keys", name)
        pins[name] = word.split(":", 1)[1]
    keys, port = "keydir = %s/keys\n" % tmp_path, base + 60
    (tmp_path / "coord.ini").write_text(
        "[coord]\ndatadir = %s/data\n%slisten_addr = 127.0.0.1:%d\nmeasurer = m1 %s 60MB\n"
        % (tmp_path, keys, port, pins["m1"]))
    (tmp_path / "m1.ini").write_text(
        "[measurer]\nname = m1\ndatadir = %s/m1\n%scoord_addr = 127.0.0.1:%d\ncoord_pin = %s\n"
        "bw = 60MB\nhop_addr = 127.0.0.1:%d\n" % (tmp_path, keys, port, pins["coord"], base + 61))
    running = [subprocess.Popen([TUNIC, "measure", what, "-c", str(tmp_path / (name + ".ini"))],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
               for what, name in (("coord", "coord"), ("measurer", "m1"))]

    def ctl(*words):
        return subprocess.run([TUNIC, "measure", "ctl", "-c", str(tmp_path / "coord.ini"), *words],
                              capture_output=True, text=True, timeout=90, check=False)
    deadline = time.monotonic() + 20
    while '"m1"' not in ctl("--json", "measurers").stdout and time.monotonic() < deadline:
        time.sleep(.2)
    yield ctl
    for process in running:
        process.kill()
        process.wait()


def test_a_coordinator_has_it_measured_by_a_measurer(relay, services):
    done = services("measure", relay.at, "--mode", "echo2", "--dur", "10")
    assert done.returncode == DONE, done.stdout + done.stderr
    assert .6 * 2 <= said(r"carries at least [\d.]+ Mbit/s \(([\d.]+) MB/s\), by echo2", done) <= 1.25 * 2
    is_content(relay)


def test_a_coordinator_has_drop_and_http_done(relay, services, web, an_exit):
    """Both with what they want: http an exit and a server, drop a relay of this computer."""
    done = services("measure", relay.at, "--mode", "http", "--exit", an_exit.at, "--server", web, "--dur",
                    "6")
    assert .1 < said(r"(?:It carried|carries at least) [\d.]+ Mbit/s \(([\d.]+) MB/s\)", done) <= 2.5
    assert an_exit.warnings() == []
    # So little that it does not have to be read by the tests behind this one.
    done = services("measure", relay.at, "--mode", "drop", "--dur", "4", "--prior", "1mbit")
    assert done.returncode == NOT_ALL and "nothing proves that the relay has read it" in done.stdout
    assert said(r"It was sent [\d.]+ Mbit/s \(([\d.]+) MB/s\)", done) > .1
    for words, says in ((("192.0.2.1:9001", "--mode", "drop"), "of this computer alone"),
                        ((relay.at, "--mode", "http"), "which exit?"),
                        ((relay.at, "--mode", "http", "--exit", an_exit.at), "which server?"),
                        ((relay.at, "--mode", "http", "--exit", an_exit.at, "--server", "192.0.2.1:80"),
                         "http_server")):
        done = services("measure", *words)
        assert done.returncode == NOT_ALL and says in done.stdout + done.stderr, done.stdout + done.stderr
    is_content(relay)


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("address,says", [
    ("192.0.2.1:9001", "--key NAME"),
    ("[::ffff:127.0.0.1]:9001", "IPv4"),
    ("0.0.0.0:9001", "no relay's address"),
])
def test_nobody_else_is_measured_unasked(address, says):
    done = measure(address, "echo2")
    assert done.returncode in (NOT_ALL, USAGE)
    assert says in done.stderr and "Mbit/s" not in done.stdout


def test_a_mapped_address_is_refused_in_any_way(relay):
    address = "[::ffff:127.0.0.1]:%d" % relay.port
    for words in (["run", "--local", address], ["probe", address]):
        done = subprocess.run([TUNIC, "measure", *words], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == NOT_ALL and "is an IPv4 address" in done.stderr and not done.stdout


@pytest.fixture(scope="module")
def elsewhere():
    """Another machine: a namespace with an address of its own -> how to run something there, its
    address, and ours."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "--net", "true"], check=False).returncode:
        pytest.skip("no namespaces")
    holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"],
                              stdout=subprocess.PIPE)
    holder.stdout.readline()
    enter = ["nsenter", "--net=/proc/%d/ns/net" % holder.pid]
    subprocess.run("ip link add stock0 type veth peer name stock1 netns %d; ip addr add "
                   "198.51.100.1/24 dev stock0; ip link set stock0 up" % holder.pid,
                   shell=True, check=True)
    subprocess.run(enter + ["sh", "-c", "ip link set lo up; ip addr add 198.51.100.2/24 dev stock1; "
                            "ip link set stock1 up"], check=True)
    yield enter, "198.51.100.2", "198.51.100.1"
    subprocess.run(["ip", "link", "del", "stock0"], check=False)
    holder.kill()
    holder.wait()


def keygen(folder, name):
    done = subprocess.run([TUNIC, "measure", "keygen", name, "--out", str(folder)],
                          capture_output=True, text=True, check=True)
    return str(folder / name), re.search(r"tunic-measure:sha256//\S+", done.stdout).group(0)


def test_a_relay_elsewhere_agrees_in_its_contact_line(elsewhere, base, tmp_path):
    enter, there, here = elsewhere
    key, word = keygen(tmp_path, "ours")
    other, _ = keygen(tmp_path, "other")
    hop = ["--hop", here + ":0"]
    with StockTor(str(tmp_path / "tor"), base + 30, 2 * MB, address=there, enter=enter,
                  extra=["ContactInfo somebody %s, and more" % word]) as tor:
        done = measure(tor.at, "echo2", *hop)
        assert done.returncode == NOT_ALL and "--key NAME" in done.stderr
        done = measure(tor.at, "echo2", "--key", other, *hop)
        assert done.returncode == NOT_ALL and "its operator has not agreed" in done.stderr
        assert "ContactInfo" in done.stderr
        done = measure(tor.at, "echo2", "--key", key)       # a hop on loopback would be its own
        assert done.returncode == NOT_ALL and "relay's own machine" in done.stderr
        done = measure(tor.at, "echo2", "--key", key, *hop)
        assert done.returncode == DONE, done.stdout + done.stderr
        assert "will be driven to its limit" in done.stderr
        assert .6 * 2 <= said(r"carries at least [\d.]+ Mbit/s \(([\d.]+) MB/s\)", done) <= 1.25 * 2
        is_content(tor)
        # The second run of the day is cut short, and counts: so there is no third.
        run = subprocess.Popen([TUNIC, "measure", "run", tor.at, "--local", "--mode", "echo2", "--key", key,
                                *hop], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        began = any("[1/30 s]" in line for line in run.stderr)
        run.kill()
        out, _ = run.communicate()
        assert began, out
        done = measure(tor.at, "echo2", "--key", key, *hop)
        assert done.returncode == NOT_ALL
        assert re.fullmatch(re.escape(tor.at) + r" was not measured: it was measured twice: not for "
                            r"23 h 5\d min \(resting\)\n", done.stdout), done.stdout
        is_content(tor)


def test_a_second_hop_elsewhere_is_refused(relay):
    done = measure(relay, "echo2", "--hop", "192.0.2.1:443")
    assert done.returncode == NOT_ALL and "second hop cannot listen" in done.stderr
    done = measure(relay, "echo2", "--hop", "somewhere:443")
    assert done.returncode == USAGE and "in numbers" in done.stderr


def test_wrong_usage(relay):
    assert measure(relay, "echo3").returncode == USAGE
    for words, says in ((("--mode", "echo3"), "flashflow, echo2, sink2, dir, drop and http"),
                        (("--exit", "relay.example:443"), "--exit: "),
                        (("--server", "[::ffff:127.0.0.1]:80"), "--server: ")):
        done = subprocess.run([TUNIC, "measure", "ctl", "measure", relay.at, *words],
                              capture_output=True, text=True, check=False)
        assert done.returncode == USAGE and says in done.stderr
    assert measure(relay, "http").returncode == USAGE
    assert measure(relay, "echo2", "--control", "1").returncode == NOT_ALL


def test_a_relay_that_stops_is_said(base, tmp_path):
    with StockTor(str(tmp_path / "tor"), base + 20, 2 * MB) as tor:
        run = subprocess.Popen([TUNIC, "measure", "run", tor.at, "--local", "--mode", "echo2"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in run.stderr:
            if "[2/30 s]" in line:
                break
        tor.process.kill()
        out, err = run.communicate(timeout=30)
    assert run.returncode == NOT_ALL
    assert re.search("was not measured: .*the relay closed a link", out), out + err
