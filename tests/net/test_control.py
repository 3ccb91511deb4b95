"""The control port as a port: who comes in, how, and what those cannot do who should not."""

import contextlib
import os
import pwd
import re
import signal
import socket
import stat
import subprocess

import pytest

import sut as sut_module
from controller import Controller, safecookie
from works import works

# As Debian's tor hashes them.
PASSWORDS = {
    "open sesame": "16:BBC37E7C96BB36AA608690F5EC30E43920DFF3FB16960BF6046915283E",
    'a "quoted\\ one': "16:64647836AC77360860FEDFF29713BA84BD9330AAF53878FACC39CCE50E",
}


def quoted(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@contextlib.contextmanager
def begun(lab, folder, torrc, **how):
    """A program of its own, without a network, once its last listener is open."""
    mine = sut_module.Sut(lab, folder, list(torrc) + ["DisableNetwork 1"], **how)
    mine.start(wait=False)
    try:
        # Each says this when the rest is done.
        mine.wait_for("Bootstrapped 0%" if sut_module.IS_TOR else "DisableNetwork is set")
        yield mine
    finally:
        mine.stop()


@pytest.fixture(scope="module")
def open_sut(lab, tmp_path_factory):
    """Without authentication, and without a network."""
    port = sut_module.free_port(several=2)
    with begun(lab, tmp_path_factory.mktemp("control"),
               ["ControlPort %d" % port, "__ControlPort 127.0.0.1:%d" % (port + 1)]) as mine:
        mine.ports = ("127.0.0.1", port), ("127.0.0.1", port + 1)
        yield mine


# ---- without authentication ----

@works("ControlPort", "__ControlPort")
def test_every_port_answers_also_without_a_network(open_sut):
    for where in open_sut.ports:
        name = "%s:%d" % where
        assert "Opening Control listener on " + name in open_sut.log()
        assert "Opened Control listener connection (ready) on " + name in open_sut.log()
        with Controller(where) as c:
            info = c.ask("PROTOCOLINFO 1")
            assert info[:2] == ["250-PROTOCOLINFO 1", "250-AUTH METHODS=NULL"], info
            assert info[2].startswith('250-VERSION Tor="0.4.'), info
            assert info[3:] == ["250 OK"], info
            assert c.ask("authenticate \"anything\"") == ["250 OK"]
            assert c.ask("GETINFO version")[0].startswith("250-version=0.4.")
            assert c.ask("QUIT") == ["250 closing connection"]
            assert c.is_closed()
    assert "ControlPort is open, but no authentication method has been configured." in (
        open_sut.log())


def test_who_comes_in_is_said(open_sut):
    with Controller(open_sut.ports[0]):
        open_sut.wait_for("New control connection opened from 127.0.0.1.")


def test_nobody_is_heard_before_authentication(open_sut):
    for command in "GETINFO version", "SETEVENTS BW", "NONSENSE", "SIGNAL SHUTDOWN":
        with Controller(open_sut.ports[0]) as c:
            assert c.ask(command) == ["514 Authentication required."]
            assert c.is_closed()
    with Controller(open_sut.ports[0]) as c:    # asked twice, it is a guess
        assert c.ask("PROTOCOLINFO")[-1] == "250 OK"
        assert c.ask("PROTOCOLINFO") == ["514 Authentication required."]
        assert c.is_closed()


def test_a_browser_is_told_where_it_is(open_sut):
    with Controller(open_sut.ports[0]) as c:
        c.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert c.line() == "HTTP/1.0 501 Tor ControlPort is not an HTTP proxy"
    open_sut.wait_for("Received HTTP request on ControlPort")


def test_too_long_a_command_ends_its_connection_only(open_sut):
    with Controller(open_sut.ports[0]) as other, Controller(open_sut.ports[0]) as c:
        assert c.ask("AUTHENTICATE") == ["250 OK"]
        try:
            c.send("GETINFO " + "x" * (1 << 20) + "\r\n")
            assert c.reply() in (["500 Line too long."], None)
        except (ConnectionResetError, BrokenPipeError):
            pass
        assert other.ask("AUTHENTICATE") == ["250 OK"]
        assert other.ask("GETINFO version")[-1] == "250 OK"


def test_open_to_the_world_without_a_password_is_closed(lab, tmp_path):
    port = sut_module.free_port(several=2)
    torrc = ["ControlPort 0.0.0.0:%d" % port, "ControlPort %d" % (port + 1)]
    with begun(lab, tmp_path, torrc) as mine:
        log = mine.log()
        assert "That's so bad that I'm closing your ControlPort for you." in log
        assert "Opening Control listener on 127.0.0.1:%d" % (port + 1) in log
        assert "Opening Control listener on 0.0.0.0" not in log
        with pytest.raises(ConnectionRefusedError):
            Controller(("127.0.0.1", port))


# ---- cookie and passwords, and the files ----

@pytest.fixture(scope="module")
def guarded(lab, tmp_path_factory):
    """With a cookie, passwords, and ports of every kind."""
    folder = str(tmp_path_factory.mktemp("guarded"))
    os.chmod(folder, 0o750)
    torrc = ["ControlPort auto", "ControlPort unix:%s/a RelaxDirModeCheck" % folder,
             "ControlSocket %s/b" % folder, "ControlSocket unix:%s/c WorldWritable" % folder,
             "ControlSocketsGroupWritable 1", "CookieAuthentication 1",
             "CookieAuthFile %s/cookie" % folder, "CookieAuthFileGroupReadable 1",
             "ControlPortWriteToFile %s/ports" % folder, "ControlPortFileGroupReadable 1"]
    torrc += ["HashedControlPassword " + hashed for hashed in PASSWORDS.values()]
    with begun(lab, folder, torrc) as mine:
        mine.folder = folder
        with open(folder + "/cookie", "rb") as f:
            mine.cookie = f.read()
        with open(folder + "/ports", encoding="ascii") as f:
            mine.listed = f.read()
        mine.ports = ("127.0.0.1", int(re.search(r"^PORT=127.0.0.1:(\d+)$", mine.listed,
                                                 re.M).group(1)))
        yield mine
    assert not os.path.exists(folder + "/cookie"), "left at the end"
    assert not os.path.exists(folder + "/ports"), "left at the end"


@works("ControlSocket", "ControlSocketsGroupWritable", "ControlPortWriteToFile",
       "ControlPortFileGroupReadable", "CookieAuthFile", "CookieAuthFileGroupReadable",
       "CookieAuthentication")
def test_files_and_sockets_are_where_they_should_be_for_whom_they_should(guarded):
    folder = guarded.folder
    assert len(guarded.cookie) == 32
    assert mode_of(folder + "/cookie") == 0o640
    assert mode_of(folder + "/ports") == 0o640
    modes = {name: mode_of(folder + "/" + name) for name in "abc"}
    assert modes == {"a": 0o660, "b": 0o660, "c": 0o666}, modes
    for name in "abc":
        assert "UNIX_PORT=%s/%s\n" % (folder, name) in guarded.listed
    assert "Opened Control listener connection (ready) on %s/b" % folder in guarded.log()
    assert not [name for name in os.listdir(folder) if name.endswith(".tmp")]
    for where in [guarded.ports] + [folder + "/" + name for name in "abc"]:
        with Controller(where) as c:
            assert c.ask("PROTOCOLINFO 1")[1] == (
                '250-AUTH METHODS=COOKIE,SAFECOOKIE,HASHEDPASSWORD COOKIEFILE="%s/cookie"' % folder)
            assert c.ask("AUTHENTICATE " + guarded.cookie.hex()) == ["250 OK"]
            assert c.ask("GETINFO version")[-1] == "250 OK"


def answers(where, *commands):
    """The last reply to these, and whether the connection closed after it."""
    with Controller(where, timeout=5) as c:
        reply = None
        for command in commands:
            reply = c.ask(command)
        if reply == ["250 OK"]:
            return reply[0]
        assert len(reply) == 1 and c.is_closed(), reply
        return reply[0]


@works("HashedControlPassword")
def test_every_good_way_in(guarded):
    for password in PASSWORDS:
        assert answers(guarded.ports, "AUTHENTICATE " + quoted(password)) == "250 OK"
        assert answers(guarded.ports, "AUTHENTICATE " + password.encode().hex()) == "250 OK"
    with Controller(guarded.ports) as c:
        assert c.ask("PROTOCOLINFO 1")[-1] == "250 OK"
        assert c.ask("AUTHENTICATE " + safecookie(c, guarded.cookie).upper()) == ["250 OK"]
    with Controller(guarded.ports) as c:
        assert c.ask("AUTHENTICATE " + safecookie(c, guarded.cookie, b"x")) == ["250 OK"]


BOTH = ("515 Authentication failed: Password did not match HashedControlPassword *or* "
        "authentication cookie.")
HEX = ("551 Invalid hexadecimal encoding.  Maybe you tried a plain text password?  If so, the "
       "standard requires that you put it in double quotes.")


@pytest.mark.parametrize("commands, says", [
    (["AUTHENTICATE"], BOTH),
    (["AUTHENTICATE \"open sesam\""], BOTH),
    (["AUTHENTICATE " + "00" * 32], BOTH),
    (["AUTHENTICATE " + "00" * 500], BOTH),
    (["AUTHENTICATE open"], HEX),
    (["AUTHENTICATE abc"], HEX),
    (["AUTHENTICATE \"open\" \"sesame\""], "512 Too many arguments to AUTHENTICATE."),
    (["AUTHENTICATE a=b"], "512 AUTHENTICATE does not accept keyword arguments."),
    (["AUTHCHALLENGE"], "512 Bad arguments to AUTHCHALLENGE: Need at least 1 argument(s)"),
    (["AUTHCHALLENGE COOKIE 00"],
     "513 AUTHCHALLENGE only supports SAFECOOKIE authentication"),
    (["AUTHCHALLENGE SAFECOOKIE"], "512 Wrong number of arguments for AUTHCHALLENGE"),
    (["AUTHCHALLENGE SAFECOOKIE 00 00"], "512 Wrong number of arguments for AUTHCHALLENGE"),
    (["AUTHCHALLENGE SAFECOOKIE a=b"], "512 AUTHCHALLENGE does not accept keyword arguments."),
    (["AUTHCHALLENGE SAFECOOKIE xy"], "513 Invalid base16 client nonce"),
    (["AUTHCHALLENGE SAFECOOKIE 00", "AUTHENTICATE 00"],
     "515 Authentication failed: Wrong length for safe cookie response."),
    (["AUTHCHALLENGE SAFECOOKIE 00", "AUTHENTICATE " + "00" * 32],
     "515 Authentication failed: Safe cookie response did not match expected value."),
    (["AUTHCHALLENGE SAFECOOKIE 00", "AUTHENTICATE \"open sesame\""],
     "515 Authentication failed: Wrong length for safe cookie response."),
    (["AUTHCHALLENGE SAFECOOKIE 00", "PROTOCOLINFO"], "514 Authentication required."),
    (["AUTHCHALLENGE SAFECOOKIE 00", "AUTHCHALLENGE SAFECOOKIE 00"],
     "514 Authentication required."),
    (["PROTOCOLINFO x"], "513 No such version \"x\""),
])
def test_every_failed_way_in_has_tors_words(guarded, commands, says):
    if commands[-1].startswith(("AUTHCHALLENGE", "PROTOCOLINFO x")) and says.startswith("512 Bad"):
        with Controller(guarded.ports) as c:    # this one is forgiven
            assert c.ask(commands[-1]) == [says]
            assert c.ask("AUTHENTICATE \"open sesame\"") == ["250 OK"]
        return
    assert answers(guarded.ports, *commands) == says


def test_one_method_alone_has_words_of_its_own(lab, tmp_path):
    for name, torrc, cases in (
            ("cookie", ["CookieAuthentication 1"], [
                ("AUTHENTICATE", "Wrong length on authentication cookie."),
                ("AUTHENTICATE " + "00" * 32,
                 "Authentication cookie did not match expected value.")]),
            ("password", ["HashedControlPassword " + PASSWORDS["open sesame"]], [
                ("AUTHENTICATE \"x\"", "Password did not match HashedControlPassword value from "
                 "configuration"),
                ("AUTHENTICATE 00", "Password did not match HashedControlPassword value from "
                 "configuration. Maybe you tried a plain text password? If so, the standard "
                 "requires that you put it in double quotes.")])):
        port = sut_module.free_port()
        with begun(lab, tmp_path / name, ["ControlPort %d" % port] + torrc) as mine:
            where = ("127.0.0.1", port)
            for command, says in cases:
                assert answers(where, command) == "515 Authentication failed: " + says
            if name == "cookie":
                cookie = mine.data + "/control_auth_cookie"
                assert mode_of(cookie) == 0o600
                with Controller(where) as c:
                    assert c.ask("PROTOCOLINFO")[1] == (
                        '250-AUTH METHODS=COOKIE,SAFECOOKIE COOKIEFILE="%s"' % cookie)
            else:
                assert answers(where, "AUTHCHALLENGE SAFECOOKIE 00") == (
                    "515 Cookie authentication is disabled")
        assert not os.path.exists(mine.data + "/control_auth_cookie")


@works("__HashedControlSessionPassword")
def test_a_password_from_the_command_line_is_this_runs(lab, tmp_path):
    port = sut_module.free_port()
    hashed, other = (
        subprocess.run([sut_module.program(), "--quiet", "--hash-password", "s p"],
                       stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        for _ in range(2))
    assert re.fullmatch("16:[0-9A-F]{58}", hashed) and hashed != other, hashed
    with begun(lab, tmp_path, ["ControlPort %d" % port,
                               "__HashedControlSessionPassword " + hashed]):
        assert answers(("127.0.0.1", port), 'AUTHENTICATE "s p"') == "250 OK"
        assert answers(("127.0.0.1", port), 'AUTHENTICATE "s"').startswith("515 ")


# ---- owners ----

def test_the_process_ends_with_the_connection_that_owns_it(lab, tmp_path):
    for name, leave in (("close", lambda c: c.close()), ("quit", lambda c: c.ask("QUIT"))):
        port = sut_module.free_port()
        with begun(lab, tmp_path / name, ["ControlPort %d" % port]) as mine:
            with Controller(("127.0.0.1", port)) as c, Controller(("127.0.0.1", port)) as other:
                for each in c, other:
                    assert each.ask("AUTHENTICATE") == ["250 OK"]
                    assert each.ask("TAKEOWNERSHIP") == ["250 OK"]
                assert other.ask("DROPOWNERSHIP") == ["250 OK"]
                other.close()
                assert c.ask("GETINFO version")[-1] == "250 OK", "the wrong one was the owner"
                leave(c)
                assert mine.process.wait(timeout=3) == 0
            assert "Owning controller connection has closed -- exiting now." in mine.log()


def test_either_of_two_owners_is_enough(lab, tmp_path):
    port = sut_module.free_port()
    with begun(lab, tmp_path, ["ControlPort %d" % port]) as mine:
        with Controller(("127.0.0.1", port)) as c, Controller(("127.0.0.1", port)) as other:
            for each in c, other:
                assert each.ask("AUTHENTICATE") == ["250 OK"]
                assert each.ask("TAKEOWNERSHIP") == ["250 OK"]
            other.close()
            assert mine.process.wait(timeout=3) == 0


@works("__OwningControllerFD")
def test_an_inherited_connection_is_the_owners(lab, tmp_path):
    ours, theirs = socket.socketpair()
    mine = sut_module.Sut(lab, tmp_path, ["DisableNetwork 1",
                                          "__OwningControllerFD %d" % theirs.fileno()])
    mine.start(wait=False, pass_fds=[theirs.fileno()])
    theirs.close()
    with Controller(ours) as c:
        assert c.ask("GETINFO version")[-1] == "250 OK"     # it is let in already
        c.close()
        assert mine.process.wait(timeout=3) == 0
    assert "Owning controller connection has closed -- exiting now." in mine.log()


def test_a_bad_descriptor_ends_the_start(lab, tmp_path):
    log = fails_to_start(lab, tmp_path, ["__OwningControllerFD 999"])
    assert "Could not add local controller connection with given FD." in log


# ---- hostile ones ----

def test_half_commands_and_broken_ones_cost_their_own_connection_only(open_sut):
    with Controller(open_sut.ports[0]) as c:
        assert c.ask("AUTHENTICATE") == ["250 OK"]
        for data in (b"GETINFO ver", b"\xff\xfe\r\n", b"AUTHENTICATE \"", b"+LOADCONF\r\nSocksPort 1\r\n",
                     b"\r\n\r\n\r\n", b"." * 5000, b"PROTOCOLINFO\0\r\n"):
            with Controller(open_sut.ports[0]) as bad:
                bad.send(data)
        # A command in pieces, and two in one piece.
        for byte in b"GETINFO version\r\n":
            c.send(bytes([byte]))
        assert c.reply()[-1] == "250 OK"
        c.send("GETINFO version\r\nGETINFO version\r\n")
        assert c.reply()[-1] == "250 OK" and c.reply()[-1] == "250 OK"
        c.send("GETINFO version\n")
        assert c.reply()[-1] == "250 OK"
        assert c.ask("+GETINFO version\r\nx\r\n.") == ['510 Unrecognized command "+GETINFO"']
        assert c.ask("") == ['510 Unrecognized command ""']


def test_one_who_does_not_read_is_not_read(open_sut):
    """Of answers to one who takes none the program keeps little, and goes on for the others."""
    before = open_sut.rss_kb()
    with Controller(open_sut.ports[0]) as deaf, Controller(open_sut.ports[0]) as c:
        assert deaf.ask("AUTHENTICATE") == ["250 OK"]
        deaf.sock.settimeout(0.3)
        asked = 0
        with contextlib.suppress(socket.timeout):
            while asked < 64 << 20:
                asked += deaf.sock.send(b"GETINFO info/names\r\n" * 100)
        assert c.ask("AUTHENTICATE") == ["250 OK"]
        assert c.ask("GETINFO version")[-1] == "250 OK"
        if not sut_module.IS_TOR:   # tor keeps all
            assert asked < 40 << 20, "it goes on reading"
            assert open_sut.rss_kb() < before + 8192
        deaf.sock.settimeout(10)
        deaf.rest = b""
        assert deaf.reply()[-1] == "250 OK"     # nothing was lost


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor lets in as many as there are descriptors")
def test_thousands_who_say_nothing_keep_nobody_out(open_sut):
    with contextlib.ExitStack() as crowd:
        first = crowd.enter_context(Controller(open_sut.ports[0]))
        assert first.ask("AUTHENTICATE") == ["250 OK"]
        for _ in range(1500):
            crowd.enter_context(Controller(open_sut.ports[0])).send(b"x" * 1000)
        last = crowd.enter_context(Controller(open_sut.ports[0]))
        assert last.ask("AUTHENTICATE") == ["250 OK"]
        for c in first, last:
            assert c.ask("GETINFO version")[-1] == "250 OK"
        assert len(os.listdir("/proc/%d/fd" % open_sut.process.pid)) < 600


def test_hostile_controllers_do_not_touch_traffic(lab, make_sut):
    """Deaf ones that want to know everything, silent ones, and one that never ends a command."""
    port = sut_module.free_port()
    mine = make_sut(torrc=["ControlPort %d" % port]).start()
    with contextlib.ExitStack() as crowd:
        for _ in range(20):
            deaf = crowd.enter_context(Controller(("127.0.0.1", port)))
            deaf.ask("AUTHENTICATE")
            names = deaf.ask("GETINFO events/names")[0].partition("=")[2]
            assert deaf.ask("SETEVENTS " + names) == ["250 OK"]
        for _ in range(300):
            crowd.enter_context(Controller(("127.0.0.1", port)))
        crowd.enter_context(Controller(("127.0.0.1", port))).send("GETINFO " + "x" * 60000)
        for _ in range(3):
            got = mine.curl(lab.url("/bytes/1000000"), "-o", "/dev/null", "-w",
                            "%{size_download} %{time_total}")
            size, seconds = got.stdout.split()
            assert int(size) == 1000000 and float(seconds) < 10, got
        with Controller(("127.0.0.1", port)) as c:
            assert c.ask("AUTHENTICATE") == ["250 OK"]
            assert c.ask("GETINFO version")[-1] == "250 OK"
    assert mine.stop() == 0


# ---- what does not start ----

def fails_to_start(lab, folder, torrc):
    mine = sut_module.Sut(lab, folder, torrc)
    mine.start(wait=False)
    assert mine.process.wait(timeout=20) == 1, mine.log()
    return mine.log()


def test_bad_luck_at_the_start_ends_it_in_tors_words(lab, tmp_path):
    port = sut_module.free_port()
    with begun(lab, tmp_path / "first", ["ControlPort %d" % port]):
        log = fails_to_start(lab, tmp_path / "second", ["ControlPort %d" % port])
    assert re.search(r"Could not bind to 127.0.0.1:%d: Address already in use. Is Tor " % port, log)
    assert "Failed to bind one of the listener ports." in log
    log = fails_to_start(lab, tmp_path / "third", [
        "ControlPort %d" % port, "CookieAuthentication 1", "CookieAuthFile /nowhere/cookie"])
    assert 'Error writing auth cookie to "/nowhere/cookie"' in log
    assert "Error creating control cookie authentication file." in log
    if not sut_module.IS_TOR:   # which does not look
        done = subprocess.run([sut_module.program(), "--verify-config", "-f",
                               str(tmp_path / "third" / "torrc")], stdout=subprocess.PIPE,
                              text=True, check=False)
        assert done.returncode == 1
        assert "control cookie authentication file /nowhere/cookie" in done.stdout
    log = fails_to_start(lab, tmp_path / "fourth", [
        "ControlPort %d" % port, "HashedControlPassword 16:00"])
    assert "Bad HashedControlPassword: wrong length or bad encoding" in log


def test_a_folder_that_others_may_enter_is_refused_in_tors_words(lab, tmp_path):
    os.chmod(tmp_path, 0o755)
    log = fails_to_start(lab, tmp_path, ["ControlSocket %s/socket" % tmp_path])
    assert "Permissions on directory %s are too permissive." % tmp_path in log
    assert ('Before Tor can create a control socket in "%s/socket", the directory "%s" needs to '
            "exist, and to be accessible only by the user account that is running Tor." % (
                tmp_path, tmp_path)) in log
    assert "Failed to bind one of the listener ports." in log


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
@pytest.mark.skipif(sut_module.IS_TOR, reason="with User and DisableNetwork tor opens no listener")
def test_what_is_laid_down_is_the_users(lab, tmp_path):
    """Debian's service: the socket is made by root, for the user whom it becomes."""
    user = pwd.getpwnam("nobody")
    for folder in tmp_path, tmp_path / "data":
        folder.mkdir(exist_ok=True)
        os.chown(folder, user.pw_uid, user.pw_gid)
        os.chmod(folder, 0o700)
    for parent in list(tmp_path.parents)[:-1]:
        os.chmod(parent, os.stat(parent).st_mode | 0o011)
    torrc = ["User nobody", "CookieAuthentication 1", "CookieAuthFile %s/cookie" % tmp_path,
             "CookieAuthFileGroupReadable 1",
             "ControlSocket %s/socket GroupWritable RelaxDirModeCheck" % tmp_path]
    with begun(lab, tmp_path, torrc):
        for name in "socket", "cookie":
            found = os.stat(tmp_path / name)
            assert (found.st_uid, found.st_gid) == (user.pw_uid, user.pw_gid), name
        cookie = (tmp_path / "cookie").read_bytes()
        assert answers(str(tmp_path / "socket"), "AUTHENTICATE " + cookie.hex()) == "250 OK"
    assert not (tmp_path / "socket").exists()
    assert not (tmp_path / "cookie").exists()


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor deletes it")
def test_what_is_in_the_way_of_a_socket_stays(lab, tmp_path):
    way = tmp_path / "socket"
    way.write_text("mine")
    os.chmod(tmp_path, 0o700)
    log = fails_to_start(lab, tmp_path, ["ControlSocket %s" % way])
    assert "Failed to bind one of the listener ports." in log
    assert way.read_text() == "mine"


# ---- while it runs ----

@pytest.fixture
def live(lab, tmp_path):
    """One of a test's own, steered over a unix socket."""
    os.chmod(tmp_path, 0o700)
    with begun(lab, tmp_path, ["ControlSocket %s/socket" % tmp_path]) as mine:
        mine.folder = str(tmp_path)
        with Controller(mine.folder + "/socket") as c:
            assert c.ask("AUTHENTICATE") == ["250 OK"]
            mine.ask = c.ask
            yield mine


def test_ports_open_and_close_while_it_runs(live):
    port = sut_module.free_port(several=2)
    listed = live.folder + "/ports"
    assert live.ask("SETCONF ControlPort=%d ControlPortWriteToFile=%s" % (port, listed)) == [
        "250 OK"]
    with open(listed, encoding="ascii") as f:
        assert "PORT=127.0.0.1:%d\n" % port in f.read()
    with Controller(("127.0.0.1", port)) as c:
        assert c.ask("AUTHENTICATE") == ["250 OK"]
        assert live.ask("SETCONF ControlPort=%d" % (port + 1)) == ["250 OK"]
        with pytest.raises(ConnectionRefusedError):
            Controller(("127.0.0.1", port))
        Controller(("127.0.0.1", port + 1)).close()
        assert c.ask("GETINFO version")[-1] == "250 OK", "connections outlive their port"
        assert live.ask("RESETCONF ControlPort") == ["250 OK"]
        assert c.ask("GETINFO version")[-1] == "250 OK"
    with pytest.raises(ConnectionRefusedError):
        Controller(("127.0.0.1", port + 1))


def test_a_port_that_is_taken_changes_nothing(live):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        good = sut_module.free_port()
        refused = live.ask('SETCONF ControlPort="%d" MaxCircuitDirtiness=99 ControlSocket=0' % taken)
        if sut_module.IS_TOR:
            assert refused[0].startswith("553 "), refused
        else:
            assert refused == [
                "553 Unable to set option: Failed to bind one of the listener ports."]
        assert live.ask("GETCONF MaxCircuitDirtiness") == ["250 MaxCircuitDirtiness=600"]
        assert live.ask("GETCONF ControlPort") == ["250 ControlPort"]
        assert live.ask("SETCONF ControlPort=%d" % good) == ["250 OK"]
        Controller(("127.0.0.1", good)).close()
    Controller(live.folder + "/socket").close()


def test_a_control_port_is_no_part_of_the_network(live):
    for value in "0", "1", "0", "1":
        assert live.ask("SETCONF DisableNetwork=" + value) == ["250 OK"]
        Controller(live.folder + "/socket").close()
    mark = live.log_mark()
    live.signal(signal.SIGHUP)
    live.wait_for("Received reload signal", since=mark)
    Controller(live.folder + "/socket").close()
    assert live.ask("GETINFO version")[-1] == "250 OK"
    assert len(re.findall("Opening Control listener on %s/socket" % live.folder, live.log())) == 1


def cookie_file_of(live):
    with Controller(live.folder + "/socket") as c:
        return re.search('COOKIEFILE="(.*)"', c.ask("PROTOCOLINFO 1")[1]).group(1)


def test_a_cookie_is_wanted_or_not_while_it_runs(live):
    assert live.ask("SETCONF CookieAuthentication=1") == ["250 OK"]
    path = cookie_file_of(live)
    with open(path, "rb") as f:
        cookie = f.read()
    assert path == live.data + "/control_auth_cookie" and len(cookie) == 32
    assert answers(live.folder + "/socket", "AUTHENTICATE").startswith("515 ")
    assert answers(live.folder + "/socket", "AUTHENTICATE " + cookie.hex()) == "250 OK"
    assert live.ask("SETCONF SocksTimeout=77") == ["250 OK"]
    with open(path, "rb") as f:
        assert f.read() == cookie, "another cookie, though nobody asked for one"
    assert live.ask("SETCONF CookieAuthentication=0") == ["250 OK"]
    assert answers(live.folder + "/socket", "AUTHENTICATE") == "250 OK"
    assert live.ask("SETCONF HashedControlPassword=%s" % PASSWORDS["open sesame"]) == ["250 OK"]
    assert answers(live.folder + "/socket", "AUTHENTICATE").startswith("515 ")
    assert answers(live.folder + "/socket", 'AUTHENTICATE "open sesame"') == "250 OK"


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor ends, or leaves its cookie where it was")
def test_a_cookie_moves_or_stays(live):
    assert live.ask("SETCONF CookieAuthentication=1 CookieAuthFile=%s/a" % live.folder) == [
        "250 OK"]
    with open(live.folder + "/a", "rb") as f:
        cookie = f.read()
    assert live.ask("SETCONF CookieAuthFile=/nowhere/b") == [
        "553 Unable to set option: Error creating control cookie authentication file."]
    assert cookie_file_of(live) == live.folder + "/a"
    assert answers(live.folder + "/socket", "AUTHENTICATE " + cookie.hex()) == "250 OK"
    assert live.ask("SETCONF CookieAuthFile=%s/b CookieAuthFileGroupReadable=1" % live.folder) == [
        "250 OK"]
    assert not os.path.exists(live.folder + "/a")
    assert mode_of(live.folder + "/b") == 0o640
    assert answers(live.folder + "/socket", "AUTHENTICATE " + cookie.hex()) == "250 OK"


def test_stem_comes_in_by_itself(guarded, lab, tmp_path):
    stem_connection = pytest.importorskip("stem.connection")
    from stem.control import Controller as StemController
    with StemController.from_port(port=guarded.ports[1]) as c:
        c.authenticate()        # by the cookie: SAFECOOKIE, as stem prefers
        assert str(c.get_version()).startswith("0.4.")
    with StemController.from_socket_file(guarded.folder + "/b") as c:
        with pytest.raises(stem_connection.IncorrectPassword):
            stem_connection.authenticate_password(c, "no")
    with StemController.from_socket_file(guarded.folder + "/b") as c:
        stem_connection.authenticate_password(c, "open sesame")
        assert str(c.get_version()).startswith("0.4.")


# ---- relays' descriptors ----

def test_a_descriptor_is_looked_at(open_sut):
    with Controller(open_sut.ports[0]) as c:
        assert c.ask("AUTHENTICATE") == ["250 OK"]
        assert c.ask("+POSTDESCRIPTOR purpose=x\r\nrouter\r\n.") == ['552 Unknown purpose "x"']
        assert c.ask("+POSTDESCRIPTOR cache=x\r\nrouter\r\n.") == ['552 Unknown cache request "x"']
        assert c.ask("+POSTDESCRIPTOR\r\nrouter\r\n.") == ["554 Couldn't parse router descriptor."]
        assert c.ask("+POSTDESCRIPTOR y=x\r\nrouter\r\n.") == [
            '512 Bad arguments to +POSTDESCRIPTOR: Unrecognized keyword argument "y"']
        assert c.ask("POSTDESCRIPTOR\r") == ['510 Unrecognized command "POSTDESCRIPTOR"']
        assert c.ask("SETROUTERPURPOSE a b") == ["511 SETROUTERPURPOSE is obsolete."]
