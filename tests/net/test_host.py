"""Options made to run, and changed while they run: what a start makes, what a reload opens, closes
and leaves alone, and what the service manager hears."""

import contextlib
import os
import pwd
import re
import signal
import socket
import stat
import subprocess
import time

import pytest

import privnet
import socks_client
import sut as sut_module
from test_clock import shim, with_clock  # noqa: F401  a fixture
from test_isolation import circuits_of, open_streams
from works import works

PAGE = "This page came through a private Tor network"
TOR_ENDS = "tor ends when it cannot read its torrc"


def until(true, what, timeout=10):
    deadline = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < deadline, "not in %d s: %s" % (timeout, what)
        time.sleep(0.05)


def reload(mine, lines, wait_for=None):
    """HUP with more lines in torrc."""
    mine.write_torrc(lines)
    mark = mine.log_mark()
    mine.signal(signal.SIGHUP)
    mine.wait_for("Received reload signal", since=mark)
    if wait_for:
        mine.wait_for(wait_for, since=mark)
    return mark


def listens(address, port):
    try:
        socks_client.open_proxy((address, port), 5).close()
        return True
    except OSError:
        return False


def verify(torrc, *more):
    return subprocess.run(
        [sut_module.program(), "-f", torrc, "--verify-config"] + list(more)
        + (["--defaults-torrc", "/dev/null"] if sut_module.IS_TOR else []),
        capture_output=True, text=True, timeout=20, check=False)


# ---- DisableNetwork ----------------------------------------------------------------------------

@works("DisableNetwork")
def test_disable_network_ends_all_and_comes_back(lab, make_sut):
    mine = make_sut().start()
    sock, _ = socks_client.socks5(mine.proxy, privnet.WEB_HOST, lab.ports["echo"])
    sock.sendall(b"x")
    socks_client.read_exactly(sock, 1)
    mark = reload(mine, ["DisableNetwork 1"],
                  "Closing no-longer-configured Socks listener on 127.0.0.1:%d" % mine.socks_port)
    mine.wait_for("DisableNetwork is set", since=mark)
    sock.settimeout(10)
    with contextlib.suppress(ConnectionResetError):
        assert sock.recv(1) == b""
    sock.close()
    until(lambda: mine.connected_relays() == [], "no link is left")
    assert not listens(*mine.proxy)
    reload(mine, ["DisableNetwork 0"], "Opened Socks listener")
    until(lambda: PAGE in mine.curl(lab.url("/")).stdout, "a page", 30)
    assert mine.stop() == 0


@works("DisableNetwork")
def test_disable_network_from_the_start(lab, make_sut):
    mine = make_sut(torrc=["DisableNetwork 1"])
    mine.start(wait=False)
    mine.wait_for("DisableNetwork is set")
    time.sleep(1)
    assert mine.running() and mine.connected_relays() == []
    assert not listens(*mine.proxy)
    mine.lines.remove("DisableNetwork 1")
    reload(mine, [], "Bootstrapped 100%")
    assert PAGE in mine.curl(lab.url("/")).stdout
    assert mine.stop() == 0


# ---- ports -------------------------------------------------------------------------------------

def test_a_port_moves_to_another_of_its_addresses(make_sut):
    """0.0.0.0:P and 127.0.0.1:P cannot both be bound: closing a port to the network is no request
    that may go unheard."""
    mine = make_sut(defaults=False, torrc=["Log notice stdout"])
    port, outside = mine.socks_port, "127.192.0.2"
    if not os.environ.get("TORLAB_NETNS"):
        outside = "127.0.0.2"
    mine.write_torrc(["SocksPort 0.0.0.0:%d" % port])
    mine.start(wait=False)
    mine.wait_for("Opened Socks listener")
    assert listens(outside, port)
    reload(mine, ["SocksPort 127.0.0.1:%d" % port], "Closed no-longer-configured Socks listener")
    assert not listens(outside, port) and listens("127.0.0.1", port)
    reload(mine, ["SocksPort 0.0.0.0:%d" % port], "Closed no-longer-configured Socks listener")
    assert listens(outside, port)


@pytest.mark.skipif(sut_module.IS_TOR, reason=TOR_ENDS)
def test_a_change_that_fails_changes_nothing(lab, make_sut):
    """One line of many cannot be had: ports, logs and circuits are as before, and it is said."""
    mine = make_sut().start()
    new_log, port = mine.dir + "/new.log", sut_module.free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        mark = reload(mine, ["SocksPort %d" % port, "Log debug file " + new_log, "ExitNodes $%s" % (
            40 * "0"), "StrictNodes 1", "SocksPort %d" % taken.getsockname()[1]],
                      "The configuration was not changed")
    assert "Failed to bind one of the listener ports" in mine.log()[mark:]
    assert not listens("127.0.0.1", port) and not os.path.exists(new_log)
    assert PAGE in mine.curl(lab.url("/")).stdout


@pytest.mark.skipif(sut_module.IS_TOR, reason=TOR_ENDS)
def test_what_may_not_change_is_refused_in_tors_words(make_sut):
    mine = make_sut(log_level="notice").start()
    mark = reload(mine, ["CacheDirectory %s/other" % mine.dir, "SocksPort %d" % mine.socks_port],
                  "The configuration was not changed")
    assert "While Tor is running, changing CacheDirectory is not allowed" in mine.log()[mark:]
    assert listens(*mine.proxy)


def test_ports_that_change_places_keep_their_streams_apart(lab, make_sut):
    first, second, third = (sut_module.free_port() for _ in range(3))
    mine = make_sut(defaults=False, torrc=["Log notice stdout"])
    mine.write_torrc(["SocksPort %d" % first, "SocksPort %d" % second])
    mine.start()

    def proxy(port):
        return ("127.0.0.1", port)
    with open_streams(lab, [(proxy(first), "echo", None)]) as (old,):
        # Swapped, and one more in front of both.
        reload(mine, ["SocksPort %d" % p for p in (third, second, first)], "Opened Socks listener")
        with open_streams(lab, [(proxy(second), "echo2", None)]) as (swapped,):
            assert circuits_of(lab, ["echo"]) == [old]
            assert swapped != old, "a line that moved joined two ports"
        with open_streams(lab, [(proxy(third), "echo2", None)]) as (added,):
            assert added not in (old, swapped), "a new line joined a port that was there"


# ---- log ---------------------------------------------------------------------------------------

def rotate(mine, path):
    """As logrotate: the file goes away, and HUP."""
    os.rename(path, path + ".1")
    mine.signal(signal.SIGHUP)
    until(lambda: os.path.exists(path), "the log is opened anew")


@works("Log", "__ReloadTorrcOnSIGHUP")
def test_hup_opens_log_files_anew_and_may_leave_torrc_alone(lab, make_sut):
    mine = make_sut(torrc=["__ReloadTorrcOnSIGHUP 0"])
    path = mine.dir + "/file.log"
    mine.lines.append("Log notice file " + path)
    mine.write_torrc()
    mine.start()
    assert "Bootstrapped 100%" in privnet.read_text(path)
    # What torrc says now is nobody's business.
    mine.write_torrc(["NoSuchOption 1"])
    mark = mine.log_mark()
    rotate(mine, path)
    mine.wait_for("Not reloading config file: the controller told us not to", since=mark)
    assert mine.running() and PAGE in mine.curl(lab.url("/")).stdout


@pytest.mark.skipif(sut_module.IS_TOR, reason=TOR_ENDS)
def test_hup_opens_log_files_anew_though_torrc_cannot_be_read(lab, make_sut):
    mine = make_sut()
    path = mine.dir + "/file.log"
    mine.lines.append("Log notice file " + path)
    mine.write_torrc()
    mine.start()
    os.unlink(mine.torrc_path)
    rotate(mine, path)
    until(lambda: "The configuration was not changed" in privnet.read_text(path), "it is said there")
    assert PAGE in mine.curl(lab.url("/")).stdout


@works("Log", "LogTimeGranularity", "TruncateLogFile")
def test_log_lines_levels_and_times(make_sut):
    mine = make_sut(defaults=False)
    low, high, old = (mine.dir + name for name in ("/low.log", "/high.log", "/old.log"))
    privnet.write_text(old, "of yesterday\n")
    mine.write_torrc(["SocksPort %d" % mine.socks_port, "Log notice stdout",
                      "Log info-info file " + low, "Log err file " + high,
                      "Log [control,~net]notice [app]debug file " + old, "LogTimeGranularity 10",
                      "TruncateLogFile 1"])
    mine.start()
    # tor greets a file whatever its levels are.
    levels = [set(re.findall(r"\[(debug|info|notice|warn|err)\](?!.* opening (?:new )?log file)",
                             privnet.read_text(path))) for path in (low, high)]
    assert levels == [{"info"}, set()]
    assert "of yesterday" not in privnet.read_text(old)
    stamps = re.findall(r"^\w+ \d+ [\d:]+\.(\d+) \[", privnet.read_text(low), re.M)
    assert {int(ms) % 10 for ms in stamps} == {0} and set(stamps) != {"000"}
    # HUP empties them again.
    assert "Bootstrapped" in privnet.read_text(old)
    mine.signal(signal.SIGHUP)
    until(lambda: "Bootstrapped" not in privnet.read_text(old), "the log is emptied")


def read_for(fd, seconds):
    text, end = b"", time.monotonic() + seconds
    os.set_blocking(fd, False)
    while time.monotonic() < end:
        try:
            text += os.read(fd, 65536)
        except BlockingIOError:
            time.sleep(0.02)
    return text.decode("utf-8", "replace")


@works("Log")
@pytest.mark.skipif(sut_module.IS_TOR, reason="tor stops when nobody reads its log")
@pytest.mark.parametrize("where", ["stdout", "fifo"])
def test_a_log_that_nobody_reads_stops_nothing(lab, make_sut, where):
    mine = make_sut(defaults=False)
    mine.log_path, fifo = mine.dir + "/said.log", mine.dir + "/fifo"
    os.mkfifo(fifo)
    mine.write_torrc(["SocksPort %d" % mine.socks_port, "TestSocks 1", "Log notice file " + mine.log_path,
                      "Log debug " + ("stdout" if where == "stdout" else "file " + fifo)])
    mine.process = subprocess.Popen(
        privnet.bound_to_parent(mine.command()), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        stdout=subprocess.PIPE if where == "stdout" else subprocess.DEVNULL, cwd=mine.dir)
    until(lambda: os.path.exists(mine.log_path), "the other log is there")
    mine.wait_for("Bootstrapped 100%", 30)
    for _ in range(1500):       # each is worth two or three lines
        with pytest.raises(socks_client.SocksError):
            socks_client.socks5(mine.proxy, "x.exit", 80)
    assert PAGE in mine.curl(lab.url("/")).stdout
    reader = (mine.process.stdout.fileno() if where == "stdout"
              else os.open(fifo, os.O_RDONLY | os.O_NONBLOCK))
    text = read_for(reader, 1)
    assert "Bootstrapped 100%" in text      # what was said first is there, in order
    lost = re.search(r"\[warn\] (\d+) lines of this log are lost: nobody was reading it\.\n", text)
    assert lost, sut_module.tail(text)
    assert PAGE in mine.curl(lab.url("/")).stdout
    assert "instructed Tor" in read_for(reader, 0.5)
    assert mine.stop() == 0
    if where == "stdout":
        mine.process.stdout.close()
    else:
        os.close(reader)


@works("Log", "LogMessageDomains")
def test_log_domains(lab, make_sut):
    """tor and Tunic do not agree on the domain of every line; on these they do."""
    mine = make_sut(defaults=False, torrc=["LogMessageDomains 1", "Log notice stdout"])
    some = mine.dir + "/some.log"
    mine.write_torrc(["SocksPort %d" % mine.socks_port, "Log [net]info [*,~net]err file " + some])
    mine.start()
    reload(mine, ["SocksPort %d" % sut_module.free_port(),
                  "Log [net]info [*,~net]err file " + some],
           r"\[notice\] \{NET\} Opened Socks listener")
    assert re.search(r"\[notice\] \{CONTROL\} Bootstrapped 100%", mine.log())
    shown = set(re.findall(r"\] \{(\w+)\}", privnet.read_text(some)))
    assert shown - {"GENERAL"} == {"NET"}


@works("SafeLogging")
@pytest.mark.parametrize("value, shown", [("0", True), ("1", False)])
def test_safe_logging(lab, make_sut, value, shown):
    mine = make_sut(defaults=False, torrc=["SafeLogging " + value, "Log debug stdout"])
    mine.write_torrc(["SocksPort %d" % mine.socks_port])
    mine.start()
    assert PAGE in mine.curl(lab.url("/")).stdout
    mine.curl("http://secret.invalid/")
    assert ("secret.invalid" in mine.log()) == shown
    assert ("[scrubbed]" in mine.log()) != shown


@works("HeartbeatPeriod")
def test_heartbeat(lab, make_sut):
    mine = make_sut(torrc=["HeartbeatPeriod 2 seconds"]).start()
    assert PAGE in mine.curl(lab.url("/")).stdout
    line = mine.wait_for(r"Heartbeat: \w+'s uptime is 0:00 hours, with (\d+) circuits open\. I've "
                         r"sent (\d+) kB and received (\d+) kB\. I've received (\d+) connections on "
                         r"IPv4 and 0 on IPv6\. I've made (\d+) connections with IPv4 and 0 with "
                         r"IPv6\.", since=mine.log_mark())
    circuits, sent, received, came, went = (int(n) for n in line.groups())
    assert circuits >= 1 and sent >= 1 and received >= 1 and came >= 1 and went >= 1
    mark = reload(mine, ["HeartbeatPeriod 0"])
    time.sleep(3)
    assert "Heartbeat:" not in mine.log()[mark:].split("Received reload signal")[1]


# ---- folders -----------------------------------------------------------------------------------

def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@works("DataDirectory", "DataDirectoryGroupReadable", "CacheDirectory", "CacheDirectoryGroupReadable")
def test_folders_and_what_lies_in_them(lab, make_sut):
    mine = make_sut()
    cache = mine.dir + "/cache"
    mine.lines += ["CacheDirectory " + cache, "CacheDirectoryGroupReadable 1"]
    mine.write_torrc()
    mine.start()
    assert mine.stop() == 0
    caches = {"cached-certs", "cached-microdesc-consensus"}
    assert caches <= set(os.listdir(cache)) and not caches & set(os.listdir(mine.data))
    assert "state" in os.listdir(mine.data) and "state" not in os.listdir(cache)
    assert (mode_of(mine.data), mode_of(cache)) == (0o700, 0o750)
    # The next start has them from there.
    mine.lines += ["DataDirectoryGroupReadable 1"]
    mine.lines[-2] = "CacheDirectoryGroupReadable 0"
    mine.write_torrc()
    mark = mine.log_mark() if os.path.exists(mine.log_path) else 0
    mine.start()
    assert "loading_keys" not in mine.log()[mark:]
    assert (mode_of(mine.data), mode_of(cache)) == (0o750, 0o700)
    assert mine.stop() == 0


def test_data_directory_that_is_a_link_is_refused(make_sut):
    mine = make_sut()
    target = mine.dir + "/target"
    os.mkdir(target, 0o755)
    os.chmod(target, 0o755)
    os.rmdir(mine.data)
    os.symlink(target, mine.data)
    mine.start(wait=False)
    assert mine.process.wait(timeout=20) == 1
    assert mode_of(target) == 0o755 and os.listdir(target) == []
    assert verify(mine.torrc_path).returncode == 1


# ---- what a start needs, asked beforehand ------------------------------------------------------

STRICT = [
    # (line, a tor that was asked finds it, too)
    ("User nosuchuser", True),
    ("DataDirectory {dir}/file", True),
    ("DataDirectory {dir}/gone/data", False),
    ("CacheDirectory {dir}/file", True),
    ("CacheDirectory {dir}/gone/cache", False),
    ("Log notice file {dir}/gone/log", False),
    ("Log notice file {dir}", False),
    ("PidFile {dir}/gone/pid", False),
    ("SocksPort unix:{dir}/gone/socks", False),
    ("SocksPort unix:{dir}/file", False),
    ("SocksPort unix:{open}/socks", False),
    ("ConnLimit 2000000000", False),
]


@pytest.mark.parametrize("line, tor_finds_it", STRICT, ids=[row[0].split("{")[0] + str(i)
                                                            for i, row in enumerate(STRICT)])
def test_verify_config_is_as_strict_as_a_start(make_sut, line, tor_finds_it):
    if sut_module.IS_TOR and not tor_finds_it:
        pytest.skip("tor says that it is valid")
    mine = make_sut(defaults=False, torrc=["SocksPort 0"])
    privnet.write_text(mine.dir + "/file", "")
    os.mkdir(mine.dir + "/open")
    os.chmod(mine.dir + "/open", 0o777)
    mine.lines.remove("DataDirectory " + mine.data)
    if "DataDirectory" not in line:
        mine.lines.append("DataDirectory " + mine.data)
    if "SocksPort" in line:
        mine.lines.remove("SocksPort 0")
    mine.write_torrc([line.format(dir=mine.dir, open=mine.dir + "/open")])
    before = sorted(os.walk(mine.dir))
    asked = verify(mine.torrc_path)
    assert asked.returncode == 1, asked.stdout
    assert "Reading config failed" in asked.stdout + asked.stderr
    assert sorted(os.walk(mine.dir)) == before
    mine.start(wait=False)
    assert mine.process.wait(timeout=20) == 1, "a start succeeds"


def test_verify_config_leaves_nothing_behind(make_sut):
    mine = make_sut(torrc=["User " + pwd.getpwuid(os.geteuid()).pw_name])
    os.rmdir(mine.data)
    mine.write_torrc(["Log notice file %s/log" % mine.data, "PidFile %s/pid" % mine.data,
                      "CacheDirectory %s/cache" % mine.data])
    before = sorted(os.walk(mine.dir))
    asked = verify(mine.torrc_path)
    assert asked.returncode == 0, asked.stdout + asked.stderr
    assert sorted(os.walk(mine.dir)) == before


def many_users():
    """Whether this is root over other users, too."""
    with open("/proc/self/uid_map", encoding="ascii") as f:
        return os.geteuid() == 0 and int(f.read().split()[2]) >= 65536


@works("User")
def test_runs_as_user(lab, make_sut):
    if not many_users():
        pytest.skip("only root can become another user")
    mine = make_sut(torrc=["User nobody"])
    someone = pwd.getpwnam("nobody")
    # A folder of root's is another user's.
    assert verify(mine.torrc_path).returncode == 1
    os.chown(mine.data, someone.pw_uid, someone.pw_gid)
    os.chmod(mine.dir, 0o755)
    for above in (os.path.dirname(mine.dir), os.path.dirname(os.path.dirname(mine.dir))):
        os.chmod(above, os.stat(above).st_mode | 0o011)
    assert verify(mine.torrc_path).returncode == 0
    mine.start()
    with open("/proc/%d/status" % mine.process.pid, encoding="ascii") as f:
        assert re.search(r"^Uid:((\s+%d){4})$" % someone.pw_uid, f.read(), re.M)
    assert PAGE in mine.curl(lab.url("/")).stdout
    assert mine.stop() == 0
    assert os.stat(mine.data + "/state").st_uid == someone.pw_uid


# ---- the service manager -----------------------------------------------------------------------

class Manager:
    """A datagram socket as systemd has one; what came in, in order."""

    def __init__(self, address):
        self.name, self.heard = address, []
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)
        self.sock.settimeout(0.05)

    def hear(self, line, timeout=20):
        """Waits for a message that has the LINE; the message."""
        deadline = time.monotonic() + timeout
        while True:
            with contextlib.suppress(socket.timeout):
                self.heard.append(self.sock.recv(4096).decode())
                if re.search("^%s$" % line, self.heard[-1], re.M):
                    return self.heard[-1]
            assert time.monotonic() < deadline, "no %s among %r" % (line, self.heard)


    def hear_the_end(self):
        if not sut_module.IS_TOR:       # which says it as a relay only
            self.hear("STOPPING=1")


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    name = "@tunic-test-%d" % os.getpid() if request.param == "abstract" else str(tmp_path / "n")
    one = Manager(name)
    yield one
    one.sock.close()


def test_the_service_manager_hears_of_start_reload_and_end(make_sut, manager):
    mine = make_sut(wrapper=["env", "NOTIFY_SOCKET=" + manager.name], network=[
        "DisableNetwork 1"])        # a start is over without a network
    mine.start(wait=False)
    manager.hear("READY=1")
    mine.signal(signal.SIGHUP)
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    said = manager.hear("RELOADING=1")
    if not sut_module.IS_TOR:       # needed by Type=notify-reload
        at = int(re.search(r"^MONOTONIC_USEC=(\d+)$", said, re.M).group(1))
        assert now - 10**7 < at < now + 10**7
    manager.hear("READY=1")
    mine.signal(signal.SIGTERM)
    manager.hear_the_end()
    assert mine.process.wait(timeout=15) == 0


@pytest.mark.skipif(sut_module.IS_TOR, reason=TOR_ENDS)
def test_a_reload_that_fails_is_over_all_the_same(make_sut, manager):
    mine = make_sut(wrapper=["env", "NOTIFY_SOCKET=" + manager.name], network=["DisableNetwork 1"])
    mine.start(wait=False)
    manager.hear("READY=1")
    mine.write_torrc(["NoSuchOption 1"])
    mine.signal(signal.SIGHUP)
    manager.hear("RELOADING=1")
    manager.hear("READY=1")
    assert mine.running()


@works("RunAsDaemon")
def test_a_daemon_says_which_process_it_is(make_sut, manager):
    mine = make_sut(wrapper=["env", "NOTIFY_SOCKET=" + manager.name, "WATCHDOG_USEC=300000"],
                    network=["DisableNetwork 1"], torrc=["RunAsDaemon 1"])
    mine.start(wait=False)
    said = manager.hear(r"MAINPID=\d+")
    pid = int(re.search(r"MAINPID=(\d+)", said).group(1))
    assert pid != mine.process.pid
    try:
        assert mine.process.wait(timeout=20) == 0       # the parent
        manager.hear("READY=1")
        manager.hear("WATCHDOG=1")
        with open("/proc/%d/stat" % pid, encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        session, terminal = int(fields[3]), int(fields[4])
        assert session != os.getsid(0) and terminal == 0
    finally:
        os.kill(pid, signal.SIGTERM)
    manager.hear_the_end()
    until(lambda: not os.path.exists("/proc/%d" % pid), "the daemon ends")


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor's words are its own library's")
def test_a_service_manager_that_is_not_there_is_no_reason_to_end(make_sut):
    mine = make_sut(wrapper=["env", "NOTIFY_SOCKET=/nowhere/notify"], network=["DisableNetwork 1"])
    mine.start(wait=False)
    mine.wait_for("The service manager could not be told READY=1: No such file")
    assert mine.running() and mine.stop() == 0


# ---- the process -------------------------------------------------------------------------------

@works("__DisableSignalHandlers")
def test_signals_are_left_alone_if_told_to(make_sut):
    mine = make_sut(torrc=["__DisableSignalHandlers 1"], network=["DisableNetwork 1"])
    mine.start(wait=False)
    mine.wait_for("DisableNetwork is set")
    time.sleep(0.5)
    mine.signal(signal.SIGTERM)
    assert mine.process.wait(timeout=10) == -signal.SIGTERM


@works("__OwningControllerProcess")
def test_ends_with_its_owner(make_sut):
    owner = subprocess.Popen(["sleep", "600"])
    mine = make_sut(torrc=["__OwningControllerProcess %d" % owner.pid], network=["DisableNetwork 1"])
    mine.start(wait=False)
    mine.wait_for("DisableNetwork is set")
    owner.kill()
    owner.wait()
    assert mine.process.wait(timeout=40) == 0
    assert re.search("Owning controller.* has vanished|exiting now", mine.log())


# Nobody answers there; a loopback address is dialled without a bind(), as tor(1) says.
SILENT, SECOND_END = privnet.SILENT_HOST, "127.192.0.3"


@pytest.fixture
def second_address():
    """Another address of this end of the cable."""
    if not os.environ.get("TORLAB_NETNS"):
        pytest.skip("needs network namespaces")
    where = [SECOND_END + "/32", "dev", os.environ["TUNIC_CABLE"]]
    subprocess.run(["ip", "addr", "add"] + where, check=True)
    yield SECOND_END
    subprocess.run(["ip", "addr", "del"] + where, check=False)


def dials_from(mine):
    """The addresses that connections to SILENT are tried from."""
    sockets, found = mine.open_files(), set()
    with open("/proc/%d/net/tcp" % mine.process.pid, encoding="ascii") as f:
        for line in list(f)[1:]:
            fields = line.split()
            local, remote = (socket.inet_ntoa(bytes.fromhex(a.split(":")[0])[::-1])
                             for a in fields[1:3])
            if remote == SILENT and "socket:[%s]" % fields[9] in sockets:
                found.add(local)
    return found


@works("OutboundBindAddress", "OutboundBindAddressOR")
@pytest.mark.parametrize("lines", [["OutboundBindAddress " + SECOND_END],
                                   ["OutboundBindAddress 127.192.0.2",
                                    "OutboundBindAddressOR " + SECOND_END]], ids=["all", "or"])
def test_outbound_bind_address(lab, make_sut, second_address, lines):
    silent = [re.sub(r"127\.\d+\.0\.1:", SILENT + ":", line) for line in lab.client_torrc_lines()]
    mine = make_sut(network=silent, torrc=lines)
    mine.start(wait=False)
    until(lambda: dials_from(mine), "it dials")
    assert dials_from(mine) == {second_address}


@works("UnixSocksGroupWritable")
def test_unix_socks_group_writable(make_sut):
    mine = make_sut(defaults=False, torrc=["Log notice stdout"])
    folder, path = mine.dir + "/sockets", mine.dir + "/sockets/socks"
    os.mkdir(folder, 0o750)
    os.chmod(folder, 0o750)
    mine.write_torrc(["SocksPort unix:" + path, "UnixSocksGroupWritable 1"])
    mine.start()
    assert mode_of(path) & 0o077 == 0o060
    assert mine.stop() == 0
    mine.write_torrc(["SocksPort unix:%s RelaxDirModeCheck" % path])
    mine.start()
    assert mode_of(path) & 0o077 == 0


@works("AvoidDiskWrites")
@pytest.mark.parametrize("value, written", [("0", True), ("1", False)], ids=["0", "1"])
def test_avoid_disk_writes(make_sut, shim, value, written):
    """What is new of guards is written within half a minute, or within ten. The clocks go a minute
    ahead."""
    mine, ahead = with_clock(make_sut, shim, 60, True, ["AvoidDiskWrites " + value])
    state = mine.data + "/state"

    def stamp():
        return os.stat(state).st_mtime_ns if os.path.exists(state) else None
    before = stamp()
    privnet.write_text(ahead, "")
    if written:
        until(lambda: stamp() != before, "state is written", 20)
    else:
        time.sleep(4)
        assert stamp() == before
