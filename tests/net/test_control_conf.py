"""Options through the control port: asked for, changed, loaded, saved, told of. With SUT=tor the same
tables are Debian's tor's."""

import contextlib
import os
import re
import socket
import subprocess
import time

import pytest

import privnet
import sut as sut_module
from controller import Controller
from works import works

stem = pytest.importorskip("stem.control").stem


@contextlib.contextmanager
def opened(lab, folder, torrc=(), at=None, from_stdin=False, **how):
    """A program without a network, and a controller of it that is in. AT: where its torrc is."""
    port = sut_module.free_port()
    torrc = ["ControlPort %d" % port, "DisableNetwork 1"] + list(torrc)
    mine = sut_module.Sut(lab, folder, torrc, **how)
    if at:
        mine.torrc_path = at
        mine.write_torrc()
    if from_stdin:
        mine.wrapper = ["sh", "-c", 'exec "$0" -f - <"$2"']
    mine.start(wait=False)
    try:
        mine.wait_for("DisableNetwork is set")
        mine.where = ("127.0.0.1", port)
        with Controller(mine.where) as c:
            assert c.ask("AUTHENTICATE") == ["250 OK"]
            yield mine, c
    finally:
        mine.stop()


def answer(c, *names):
    """GETCONF as a list of (name, value), value None where there is none."""
    lines = c.ask("GETCONF " + " ".join(names))
    assert all(line[:3] == "250" for line in lines), lines
    return [tuple((line[4:].split("=", 1) + [None])[:2]) for line in lines]


def info(c, key):
    """The value of one key of GETINFO, its lines joined by newlines."""
    lines = c.ask("GETINFO " + key)
    if lines[0].startswith("250+"):
        assert lines[0] == "250+%s=" % key
        assert lines[-2:] == [".", "250 OK"], lines[-2:]
        return "\n".join(lines[1:-2])
    assert lines[0].startswith("250-%s=" % key), lines
    return lines[0].split("=", 1)[1]


# Commands, one after another, and what is answered to them.
BAD = "513 Unacceptable option value: "
TABLE = [
    ("GETCONF", ["250 OK"]),
    ("getconf maxcircuitdirtiness", ["250 MaxCircuitDirtiness=700"]),
    ("GETCONF MaxCircuitDirtiness CONTACTINFO nickname",
     ["250-MaxCircuitDirtiness=700", "250-ContactInfo=me", "250 Nickname"]),
    ("GETCONF nosuch ContactInfo nosuch2", ['552-Unrecognized configuration key "nosuch"',
                                            '552 Unrecognized configuration key "nosuch2"']),
    ("GETCONF ContactInfo=1", ['552 Unrecognized configuration key "ContactInfo=1"']),
    ("GETCONF MaxCirc", ["250 MaxCircuitDirtiness=700"]),
    ("GETCONF HiddenServiceOptions HiddenServiceDir Bridge ORPort User",
     ["250-HiddenServiceOptions", "250-HiddenServiceDir", "250-Bridge", "250-ORPort", "250 User"]),
    ("GETCONF EntryNodes FastFirstHopPK BandwidthRate CircuitPriorityHalflife",
     ["250-EntryNodes=", "250-FastFirstHopPK", "250-BandwidthRate=1073741824",
      "250 CircuitPriorityHalflife=-1.000000"]),
    ("SETCONF", ["250 OK"]),
    ("RESETCONF", ["250 OK"]),
    ("SETCONF foo", ["552 Unrecognized option: Unknown option 'foo'.  Failing."]),
    ("SETCONF foo=bar", ["552 Unrecognized option: Unknown option 'foo'.  Failing."]),
    ("SETCONF +SocksPort=1", ["552 Unrecognized option: Unknown option '+SocksPort'.  Failing."]),
    ("SETCONF MaxCircuitDirtiness = 5",
     ["512 Bad arguments to SETCONF: Cannot parse keyword argument(s)"]),
    ('SETCONF MaxCircuitDirtiness="5',
     ["512 Bad arguments to SETCONF: Cannot parse keyword argument(s)"]),
    ('RESETCONF ="x"', ["512 Bad arguments to RESETCONF: Cannot parse keyword argument(s)"]),
    ('SETCONF ContactInfo="a\\0b"',
     ["512 Bad arguments to SETCONF: Cannot parse keyword argument(s)"]),
    # values, plain and in quotes
    ('SETCONF ContactInfo="a\\"b\\\\c\\x41\\101 # x"', ["250 OK"]),
    ("GETCONF ContactInfo", ['250 ContactInfo="a\\"b\\\\cAA # x"']),
    ('SETCONF ContactInfo="a\\nb"', ["250 OK"]),
    ("GETCONF ContactInfo", ['250 ContactInfo="a\\nb"']),
    ("SETCONF ContactInfo=it's", ["250 OK"]),
    ("GETCONF ContactInfo", ["250 ContactInfo=it's"]),
    ("SETCONF ContactInfo=y ContactInfo=", ["250 OK"]),
    ("GETCONF ContactInfo", ["250 ContactInfo=y"]),
    ('SETCONF contactinfo=tab  MAXCIRCUITDIRTINESS="20 minutes"', ["250 OK"]),
    ("GETCONF ContactInfo MaxCircuitDirtiness",
     ["250-ContactInfo=tab", "250 MaxCircuitDirtiness=1200"]),
    # nothing, and the default
    ("SETCONF MaxCircuitDirtiness", ["250 OK"]),
    ("GETCONF MaxCircuitDirtiness", ["250 MaxCircuitDirtiness=10"]),
    ("RESETCONF MaxCircuitDirtiness", ["250 OK"]),
    ("GETCONF MaxCircuitDirtiness", ["250 MaxCircuitDirtiness=600"]),
    ("SETCONF MaxCircuitDirtiness=700 MaxCircuitDirtiness=800", ["250 OK"]),
    ("GETCONF MaxCircuitDirtiness", ["250 MaxCircuitDirtiness=800"]),
    # lists
    ('SETCONF NodeFamily="a,b" NodeFamily="c,d"', ["250 OK"]),
    ("GETCONF NodeFamily", ["250-NodeFamily=a,b", "250 NodeFamily=c,d"]),
    ("SETCONF NodeFamily=e,f", ["250 OK"]),
    ("GETCONF NodeFamily", ["250 NodeFamily=e,f"]),
    ("RESETCONF NodeFamily", ["250 OK"]),
    ("GETCONF NodeFamily", ["250 NodeFamily"]),
    ('SETCONF ExitNodes="a, b ,c" ExitNodes=d', ["250 OK"]),
    ("GETCONF ExitNodes", ["250 ExitNodes=a,b,c,d"]),
    ("SETCONF ExitNodes=", ["250 OK"]),
    ("GETCONF ExitNodes", ["250 ExitNodes="]),
    ('SETCONF LongLivedPorts="80, 81"', ["250 OK"]),
    ("GETCONF LongLivedPorts", ["250 LongLivedPorts=80,81"]),
    ('SETCONF ExitPolicy="accept *:80" ExitPolicy="reject *:*"', ["250 OK"]),
    ("GETCONF ExitPolicy", ["250-ExitPolicy=accept *:80", "250 ExitPolicy=reject *:*"]),
    ("RESETCONF ExitPolicy", ["250 OK"]),
    # groups of several names are one list
    ("SETCONF SocksPort=0", ["250 OK"]),
    ("GETCONF SocksPort __SocksPort SocksPortLines",
     ["250-SocksPort=0", "250-__SocksPort", "250 SocksPort=0"]),
    ("SETCONF __SocksPort=0", ["250 OK"]),
    ("GETCONF SocksPort SocksPortLines", ["250-SocksPort", "250 __SocksPort=0"]),
    ("SETCONF SocksPort", ["250 OK"]),
    ("GETCONF SocksPortLines", ["250 SocksPortLines"]),
    ("SETCONF SocksPortLines=1", [BAD + "Cannot assign directly to virtual option."]),
    # one bad value of five changes nothing
    ("SETCONF ContactInfo=no Nickname=no MaxCircuitDirtiness=abc NewCircuitPeriod=5 SafeSocks=1",
     [BAD + "Could not parse MaxCircuitDirtiness: Provided value is malformed or out of bounds: "
      "Unable to parse abc as a number"]),
    ("SETCONF ContactInfo=no Nickname=no MaxClientCircuitsPending=0 NewCircuitPeriod=5 SafeSocks=1",
     [BAD + "MaxClientCircuitsPending must be between 1 and 1024, but was set to 0"]),
    ("RESETCONF ContactInfo NewCircuitPeriod=5 MaxCircuitDirtiness SafeSocks=1 foo",
     ["552 Unrecognized option: Unknown option 'foo'.  Failing."]),
    ("SETCONF ContactInfo=no NewCircuitPeriod=5 DisableAllSwap=1 SafeSocks=1 Nickname=no",
     ["553 Transition not allowed: While Tor is running, changing DisableAllSwap is not allowed"]),
    ("GETCONF ContactInfo Nickname NewCircuitPeriod SafeSocks MaxCircuitDirtiness",
     ["250-ContactInfo=tab", "250-Nickname", "250-NewCircuitPeriod=30", "250-SafeSocks=0",
      "250 MaxCircuitDirtiness=800"]),
    # what is wrong with a value
    ("SETCONF FascistFirewall=yes", [BAD + "Could not parse FascistFirewall: Unrecognized value "
                                     "yes. Allowed values are 0 and 1."]),
    ("SETCONF ConnectionPadding=maybe", [BAD + "Could not parse ConnectionPadding: Unrecognized "
                                         "value maybe. Allowed values are 0, 1, and auto."]),
    ("SETCONF NumCPUs=-1", [BAD + "Could not parse NumCPUs: Integer -1 is malformed or out of "
                            "bounds. Allowed values are between 0 and 2147483647."]),
    ("SETCONF BandwidthRate=10x", [BAD + "Could not parse BandwidthRate: Provided value is "
                                   "malformed or out of bounds: Unknown unit in 10x"]),
    ("SETCONF PathsNeededToBuildCircuits=x", [BAD + "Could not parse PathsNeededToBuildCircuits: "
                                              'Could not convert "x" to a number.']),
    ("SETCONF ConnLimit=0", [BAD + "ConnLimit must be greater than 0, but was set to 0"]),
    ("SETCONF LongLivedPorts=abc", [BAD + "Port 'abc' out of range in LongLivedPorts"]),
    ('SETCONF Nickname="bad name"',
     [BAD + "Nickname 'bad name', nicknames must be between 1 and 19 characters inclusive, and "
      "must contain only the characters [a-zA-Z0-9]."]),
    ("SETCONF HiddenServiceSingleHopMode=1",
     [BAD + "HiddenServiceSingleHopMode does not provide any server anonymity. It must be used "
      "with HiddenServiceNonAnonymousMode set to 1."]),
    ("SETCONF KeepalivePeriod=0", [BAD + "KeepalivePeriod option must be positive."]),
    ("SETCONF FetchDirInfoExtraEarly=1",
     [BAD + "FetchDirInfoExtraEarly requires that you also set FetchDirInfoEarly"]),
    ("SETCONF __OwningControllerProcess=foo",
     [BAD + "Bad OwningControllerProcess: invalid PID"]),
    # what may not change
    ("SETCONF User=foo",
     ["553 Transition not allowed: While Tor is running, changing User is not allowed"]),
    ("SETCONF DataDirectory=/x",
     ["553 Transition not allowed: While Tor is running, changing DataDirectory is not allowed"]),
    ("SETCONF Sandbox=1",
     ["553 Transition not allowed: While Tor is running, changing Sandbox is not allowed"]),
    ("SETCONF RunAsDaemon=1",
     ["553 Transition not allowed: While Tor is running, changing RunAsDaemon is not allowed"]),
    # a relay's, and what is kept: given back
    ("SETCONF OrPort=9090 DisableNetwork=1", ["250 OK"]),
    ("GETCONF ORPort DisableNetwork ORPortLines",
     ["250-ORPort=9090", "250-DisableNetwork=1", "250 ORPort=9090"]),
    ("RESETCONF ORPort", ["250 OK"]),
    ("GETCONF ORPort", ["250 ORPort"]),
    ("SETCONF ConnLimit=999 AssumeReachable=1 Nickname=abc", ["250 OK"]),
    ("GETCONF connlimit assumereachable NICKNAME",
     ["250-ConnLimit=999", "250-AssumeReachable=1", "250 Nickname=abc"]),
    ("RESETCONF ConnLimit AssumeReachable Nickname HTTPSProxy", ["250 OK"]),
    ("GETCONF ConnLimit AssumeReachable Nickname HTTPSProxy",
     ["250-ConnLimit=1000", "250-AssumeReachable=0", "250-Nickname", "250 HTTPSProxy"]),
    # the rest of the grammar
    ('SAVECONF "x"', ["512 Bad arguments to SAVECONF: Cannot parse keyword argument(s)"]),
    ("LOADCONF", ['510 Unrecognized command "LOADCONF"']),
    ("+LOADCONF x\r\nNickname abc\r\n.",
     ["512 Bad arguments to +LOADCONF: Cannot accept more than 0 argument(s)"]),
    ("+LOADCONF\r\n.", ["512 Bad arguments to +LOADCONF: Empty body"]),
    ("GETINFO config/foo", ['552 Unrecognized key "config/foo"']),
]


def test_every_command_is_answered_in_tors_words(lab, tmp_path):
    with opened(lab, tmp_path, ["MaxCircuitDirtiness 700", "ContactInfo me # you"]) as (mine, c):
        for command, wanted in TABLE:
            assert c.ask(command) == wanted, command
        log = mine.log()
        assert ("[warn] Controller gave us config lines that didn't validate: Unknown option "
                "'foo'.  Failing.") in log
        assert mine.running()


@pytest.mark.skipif(sut_module.IS_TOR, reason="what Tunic lacks, tor has")
@pytest.mark.parametrize("command, lacks", [
    ("UseBridges=1 Bridge=1.2.3.4:80", "UseBridges: Tunic uses no bridges yet."),
    ("HTTPSProxy=1.2.3.4:80", "HTTPSProxy: Tunic does not connect through a proxy yet."),
    ('HiddenServiceDir=/x HiddenServicePort="80"', "HiddenServiceDir: Tunic has no onion services yet."),
])
def test_what_is_not_there_yet_is_refused_by_name(lab, tmp_path, command, lacks):
    with opened(lab, tmp_path) as (_, c):
        assert c.ask("SETCONF ContactInfo=x " + command) == [BAD + lacks]
        assert answer(c, "ContactInfo") == [("ContactInfo", None)]


def test_every_name_is_answered_and_names_types_and_defaults_are_tors(lab, tmp_path):
    with opened(lab, tmp_path / "mine") as (_, ours), \
            opened(lab, tmp_path / "tors", as_tor=True) as (_, theirs):
        names = [line.split(" ") for line in info(ours, "config/names").split("\n")]
        assert len(names) > 350 and all(len(name) == 2 for name in names)
        tors = [line.split(" ") for line in info(theirs, "config/names").split("\n")]
        assert names[:len(tors)] == tors, "tor's come first"
        differ = {name for name, _ in tors if answer(ours, name) != answer(theirs, name)}
        assert differ <= {"ControlPort", "ControlPortLines", "DataDirectory", "SocksPort",
                          "SocksPortLines", "CacheDirectory", "KeyDirectory", "Log",
                          "ControlSocket", "ConfluxEnabled", "CookieAuthFile"}, differ
        for name, _ in names:
            lines = answer(ours, name)
            assert lines and all(value is not None for _, value in lines[1:]), name
        bare = [re.sub(r" ([0-9A-F]{4})(?= |\")", r"\1", info(c, "config/defaults"))
                for c in (ours, theirs)]
        assert bare[0].startswith("___UsingTestNetworkDefaults") and "FallbackDir" in bare[0]
        defaults = [{line for line in text.split("\n") if "Authority \"" not in line}
                    for text in bare]
        assert defaults[0] >= defaults[1], defaults[1] - defaults[0]


# ---- what takes effect ----

def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_setconf_takes_effect_at_once_or_not_at_all(live, tmp_path):
    mine, c = live
    other = sut_module.free_port()
    taken = socket.create_server(("127.0.0.1", sut_module.free_port()))
    busy = taken.getsockname()[1]
    assert c.ask("SETCONF SocksPort=%d SocksPort=%d" % (mine.socks_port, other)) == ["250 OK"]
    assert listens(mine.socks_port) and listens(other)
    lines = c.ask("SETCONF SocksPort=%d ContactInfo=no SocksPort=%d" % (other, busy))
    assert lines == ["553 Unable to set option: Failed to bind one of the listener ports."]
    assert listens(other)
    assert listens(mine.socks_port) or sut_module.IS_TOR    # which has closed it
    assert answer(c, "ContactInfo") == [("ContactInfo", None)]
    assert c.ask("SETCONF SocksPort=%d" % other) == ["250 OK"]
    assert listens(other) and not listens(mine.socks_port)
    taken.close()
    lines = c.ask('SETCONF Log="notice file %s/none/log" ContactInfo=no' % tmp_path)
    assert lines[0].startswith("553 Unable to set option: "), lines
    log = str(tmp_path / "new.log")
    assert c.ask('SETCONF Log="notice file %s" Log="notice stdout"' % log) == ["250 OK"]
    assert "opening" in privnet.read_text(log)
    assert c.ask('SETCONF SocksPort=%d Log="notice stdout"' % mine.socks_port) == ["250 OK"]


@pytest.fixture(scope="module")
def live(lab, tmp_path_factory):
    """On the network, so that ports are open."""
    port = sut_module.free_port()
    mine = sut_module.Sut(lab, tmp_path_factory.mktemp("live"), ["ControlPort %d" % port])
    mine.start(wait=False)
    try:
        mine.wait_for("Opened Control listener")
        mine.wait_for("Opened Socks listener")
        with Controller(("127.0.0.1", port)) as c:
            assert c.ask("AUTHENTICATE") == ["250 OK"]
            yield mine, c
    finally:
        mine.stop()


def test_disable_network_closes_and_opens_ports(live):
    mine, c = live
    assert c.ask("SETCONF DisableNetwork=1") == ["250 OK"]
    assert not listens(mine.socks_port)
    assert c.ask("RESETCONF DisableNetwork") == ["250 OK"]
    assert listens(mine.socks_port)


# ---- CONF_CHANGED, SIGHUP ----

EVENTS = [
    ("SETCONF MaxCircuitDirtiness=800", ["MaxCircuitDirtiness=800"]),
    ("SETCONF MaxCircuitDirtiness=800", None),
    ('SETCONF SocksPort=0 ContactInfo="a # b\\n" ExitNodes=bb,{??}',
     ['ContactInfo="a # b\\n"', "ExitNodes=bb,{??}", "SocksPort=0"]),
    ("RESETCONF ContactInfo ExitNodes SocksPort", ["ContactInfo", "ExitNodes=", "SocksPortLines"]),
    ("SETCONF NodeFamily=a,b NodeFamily=c,d", ["NodeFamily=a,b", "NodeFamily=c,d"]),
    ("SETCONF SocksPort=0 __SocksPort=0", ["SocksPort=0", "__SocksPort=0"]),
    ("SETCONF __SocksPort", ["SocksPortLines"]),
    ("SETCONF foo=1", None),
    ("SETCONF MaxCircuitDirtiness=x", None),
    ("SETCONF MaxCircuitDirtiness=801 AssumeReachable=1",
     ["AssumeReachable=1", "MaxCircuitDirtiness=801"]),
]


def event(lines):
    return ["650-CONF_CHANGED"] + ["650-" + line for line in lines] + ["650 OK"]


def test_conf_changed_tells_every_change_and_nothing_else(lab, tmp_path):
    with opened(lab, tmp_path) as (mine, c), Controller(mine.where) as other:
        assert other.ask("AUTHENTICATE") == ["250 OK"]
        assert c.ask("SETEVENTS CONF_CHANGED") == ["250 OK"]
        assert other.ask("SETEVENTS CONF_CHANGED") == ["250 OK"]
        for command, told in EVENTS:
            reply = c.ask(command)
            if told:
                assert reply == ["250 OK"], command
                assert c.reply() == event(told), command
                assert other.reply() == event(told), command
        # What SETCONF has set is gone with SIGHUP, unless the controller says otherwise.
        mine.signal(1)
        assert c.reply() == event(["AssumeReachable=0", "MaxCircuitDirtiness=600", "NodeFamily",
                                   c_socks(mine)])
        assert other.reply()[0] == "650-CONF_CHANGED"
        assert c.ask("SETCONF __ReloadTorrcOnSIGHUP=0 MaxCircuitDirtiness=900") == ["250 OK"]
        assert c.reply() == event(["__ReloadTorrcOnSIGHUP=0", "MaxCircuitDirtiness=900"])
        mark = mine.log_mark()
        mine.signal(1)
        mine.wait_for("Not reloading config file: the controller told us not to.", since=mark)
        assert answer(c, "MaxCircuitDirtiness") == [("MaxCircuitDirtiness", "900")]
        mine.write_torrc()


def c_socks(mine):
    return "SocksPort=%d" % mine.socks_port


# ---- LOADCONF, SAVECONF ----

def load(c, lines):
    return c.ask("+LOADCONF\r\n%s\r\n." % "\r\n".join(lines))


def test_loadconf_takes_the_place_of_torrc(lab, tmp_path):
    with opened(lab, tmp_path, ["ContactInfo old"]) as (mine, c):
        assert c.ask("SETEVENTS CONF_CHANGED") == ["250 OK"]
        assert load(c, mine.lines + ["ContactInfo new", "Nickname abc"]) == ["250 OK"]
        assert c.reply() == event(["ContactInfo=new", "Nickname=abc"])
        prefix = "Failed to parse/validate config: "
        for more, says in [
                ("Blahblah blah", "552 Invalid config file: %sUnknown option 'Blahblah'.  Failing."),
                ("SafeSocks 2", "552 Invalid config file: %sCould not parse SafeSocks: Unrecognized "
                 "value 2. Allowed values are 0 and 1."),
                ("DataDirectory /x", "553 Transition not allowed: %sWhile Tor is running, changing "
                 "DataDirectory is not allowed")]:
            kept = [line for line in mine.lines if line.split()[0] != more.split()[0]]
            assert load(c, kept + [more]) == [says % prefix], more
        lines = load(c, mine.lines + ['ContactInfo "x'])
        assert lines[0].startswith("552 Invalid config file"), lines
        lines = load(c, mine.lines + ["Log notice file %s/none/x" % tmp_path])
        assert lines[0].startswith("553 Unable to set option: " + prefix), lines
        assert answer(c, "ContactInfo", "Nickname") == [("ContactInfo", "new"), ("Nickname", "abc")]


HEAD = """\
# This file was generated by Tor; if you edit it, comments will not be preserved
# The old torrc file was renamed to torrc.orig.1, and Tor will ignore it

"""


def test_saveconf_writes_what_config_text_says_and_it_reads_back(lab, tmp_path):
    with opened(lab, tmp_path, ["ContactInfo old # not kept"]) as (mine, c):
        old = privnet.read_text(mine.torrc_path)
        assert info(c, "config-file") == mine.torrc_path
        assert info(c, "config-can-saveconf") == "1"
        assert c.ask('SETCONF ContactInfo="a # b" MaxCircuitDirtiness=900') == ["250 OK"]
        text = info(c, "config-text")
        assert '\nMaxCircuitDirtiness 900' in text and 'ContactInfo "a # b"' in text.split("\n")
        assert sorted(text.split("\n"), key=str.lower) == text.split("\n"), "in order"
        assert c.ask("SAVECONF") == ["250 OK"]
        assert privnet.read_text(mine.torrc_path) == HEAD + text + "\n"
        assert privnet.read_text(mine.torrc_path + ".orig.1") == old
        assert "Renaming old configuration file to \"%s.orig.1\"" % mine.torrc_path in mine.log()
        mark = mine.log_mark()
        mine.signal(1)
        mine.wait_for("Received reload signal", since=mark)
        assert answer(c, "ContactInfo", "MaxCircuitDirtiness") == [
            ("ContactInfo", '"a # b"'), ("MaxCircuitDirtiness", "900")]
        assert info(c, "config-text") == text
        assert c.ask("RESETCONF ContactInfo MaxCircuitDirtiness") == ["250 OK"]
        assert c.ask("saveconf force") == ["250 OK"]
        assert privnet.read_text(mine.torrc_path + ".orig.1") == old, "a person's is kept"
        assert "MaxCircuitDirtiness" not in privnet.read_text(mine.torrc_path)


def test_saveconf_will_not_lose_an_include_unless_forced(lab, tmp_path):
    (tmp_path / "more").write_text("ContactInfo included\n", encoding="ascii")
    with opened(lab, tmp_path, ["%%include %s/more" % tmp_path]) as (mine, c):
        old = privnet.read_text(mine.torrc_path)
        assert info(c, "config-can-saveconf") == "0"
        assert c.ask("SAVECONF") == ["551 Unable to write configuration to disk."]
        assert c.ask("SETCONF MaxCircuitDirtiness=900") == ["250 OK"]
        if not sut_module.IS_TOR:   # which forgets it with the first SETCONF
            assert c.ask("SAVECONF") == ["551 Unable to write configuration to disk."]
        assert privnet.read_text(mine.torrc_path) == old
        assert c.ask("SAVECONF FORCE") == ["250 OK"]
        assert "\nContactInfo included\n" in privnet.read_text(mine.torrc_path)


def test_saveconf_on_a_full_disk_loses_nothing(lab, tmp_path):
    disk = str(tmp_path / "disk")
    os.mkdir(disk)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", disk],
                      check=False).returncode:
        pytest.skip("no file system of our own can be mounted here")
    try:
        with opened(lab, tmp_path, at=disk + "/torrc") as (mine, c):
            old = privnet.read_text(mine.torrc_path)
            fill = disk + "/fill"
            with open(fill, "wb", buffering=0) as f, pytest.raises(OSError):
                while True:
                    f.write(b"x" * 4096)
            assert c.ask("SETCONF ContactInfo=%s" % ("x" * 5000)) == ["250 OK"]
            assert c.ask("SAVECONF") == ["551 Unable to write configuration to disk."]
            kept = mine.torrc_path + (".orig.1" if sut_module.IS_TOR else "")
            assert privnet.read_text(kept) == old
            os.unlink(fill)
            assert c.ask("SAVECONF") == ["250 OK"]
            assert "ContactInfo xxx" in privnet.read_text(mine.torrc_path)
            assert privnet.read_text(mine.torrc_path + ".orig.1") == old
            assert sorted(os.listdir(disk)) == ["torrc", "torrc.orig.1"]
    finally:
        subprocess.run(["umount", "-l", disk], check=False)


@pytest.mark.skipif(sut_module.IS_TOR, reason="in its sandbox Debian's tor is deaf to SIGTERM")
def test_options_change_and_are_saved_and_loaded_in_the_sandbox(lab, tmp_path):
    (tmp_path / "more").write_text("ContactInfo included\n", encoding="ascii")
    with opened(lab, tmp_path, ["Sandbox 1"]) as (mine, c):
        assert c.ask('SETCONF NumEntryGuards=2 Log="notice file %s/new.log"' % tmp_path) == [
            "250 OK"]
        assert c.ask("SAVECONF") == ["250 OK"]
        assert "NumEntryGuards 2\n" in privnet.read_text(mine.torrc_path)
        assert os.path.exists(mine.torrc_path + ".orig.1")
        assert load(c, mine.lines + ["%%include %s/more" % tmp_path]) == ["250 OK"]
        assert answer(c, "ContactInfo") == [("ContactInfo", "included")]


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor writes a torrc that it has not read")
def test_saveconf_has_no_file_to_write_if_torrc_was_standard_input(lab, tmp_path):
    with opened(lab, tmp_path, from_stdin=True) as (mine, c):
        assert info(c, "config-can-saveconf") == "0"
        assert c.ask("SAVECONF") == ["551 Unable to write configuration to disk."]
        assert "The configuration did not come from a file: there is none to write." in mine.log()


# ---- stem ----

def wait_until(is_so, timeout=10):
    deadline = time.monotonic() + timeout
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_stem_reads_sets_loads_and_saves(lab, tmp_path):
    with opened(lab, tmp_path, ["ContactInfo old"]) as (mine, _), \
            stem.control.Controller.from_port(port=mine.where[1]) as c:
        c.authenticate()
        heard = []
        c.add_event_listener(heard.append, stem.control.EventType.CONF_CHANGED)
        assert c.get_conf("contactinfo") == "old"
        assert c.get_conf("HTTPSProxy") is None
        assert c.get_conf("HTTPSProxy", [], multiple=True) == []
        with pytest.raises(stem.InvalidArguments):
            c.get_conf("blarg")
        c.set_conf("connlimit", "999")
        assert c.get_conf("ConnLimit") == "999" and c.is_set("ConnLimit")
        c.set_conf("ExitPolicy", ["accept 34.3.4.5", "reject *:*"])
        assert c.get_conf("ExitPolicy", multiple=True) == ["accept 34.3.4.5", "reject *:*"]
        with pytest.raises(stem.InvalidArguments) as refused:
            c.set_conf("invalidkeyboo", "abcde")
        assert refused.value.arguments == ["invalidkeyboo"]
        c.reset_conf("ConnLimit", "ExitPolicy")
        assert not c.is_set("ConnLimit") and c.get_conf("ExitPolicy") is None
        c.set_options({"ConnLimit": "998", "ContactInfo": "stem@testing"})
        assert c.get_conf("contactinfo") == "stem@testing"
        with pytest.raises(stem.InvalidArguments) as refused:
            c.set_conf("DisableAllSwap", "1")
        assert str(refused.value) == "DisableAllSwap cannot be changed while tor's running"
        with pytest.raises(stem.InvalidArguments) as refused:
            c.load_conf("Blahblah blah")
        assert refused.value.arguments == ["Blahblah"]
        with pytest.raises(stem.InvalidRequest):
            c.load_conf("DataDirectory /somewhere/else")
        old = privnet.read_text(mine.torrc_path)
        c.load_conf(old + "\nContactInfo confloaded\n")
        wait_until(lambda: any(e.changed.get("ContactInfo") == ["confloaded"] for e in heard))
        assert c.get_conf("ContactInfo") == "confloaded"
        c.save_conf()
        assert "ContactInfo confloaded\n" in privnet.read_text(mine.torrc_path)


@works("__ReloadTorrcOnSIGHUP")
def test_reload_is_the_controllers_to_forbid(lab, tmp_path):
    with opened(lab, tmp_path) as (mine, c):
        mine.write_torrc(["ContactInfo changed"])
        assert c.ask("SETCONF __ReloadTorrcOnSIGHUP=0") == ["250 OK"]
        mark = mine.log_mark()
        mine.signal(1)
        mine.wait_for("Not reloading config file", since=mark)
        assert answer(c, "ContactInfo") == [("ContactInfo", None)]
        assert c.ask("SETCONF __ReloadTorrcOnSIGHUP=1") == ["250 OK"]
        assert c.ask("SETEVENTS CONF_CHANGED") == ["250 OK"]
        mine.signal(1)
        assert c.reply() == event(["ContactInfo=changed"])
