"""tunic ctl where there is no control port, or one that is up to no good."""

import socket
import subprocess
import threading
import time

import pytest

import sut as sut_module
from ctlrun import PROMPT, TUNIC, environment, run, top_words

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="about tunic's own command")


class Server:
    """A control port of ours, that answers to a command's word, or to its line, as it is told."""

    def __init__(self, answer, whole=False):
        self.answer, self.whole, self.peers = answer, whole, []
        self.port = 0
        self.listen()

    def listen(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, args=(self.listener,), daemon=True).start()

    def hang_up(self):
        for one in [self.listener] + self.peers:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()
        self.peers = []

    def serve(self, listener):
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            self.peers.append(peer)
            threading.Thread(target=self.talk, args=(peer,), daemon=True).start()

    def talk(self, peer):
        try:
            for line in peer.makefile("rb"):
                text = line.decode().strip()
                for part in self.answer(text if self.whole else text.split()[0]):
                    peer.sendall(part)
        except (OSError, ValueError):
            pass


INFO = b'250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250-VERSION Tor="x"\r\n250 OK\r\n'
GREETING = {"PROTOCOLINFO": [INFO], "AUTHENTICATE": [b"250 OK\r\n"]}


def endless(piece, times=1 << 20):
    for _ in range(times):
        yield piece


@pytest.mark.parametrize("answer, says", [
    (lambda word: [], "no answer within 1 s"),
    (lambda word: GREETING.get(word, []), "no answer within 1 s"),
    (lambda word: GREETING.get(word, endless(b"650 BW 1 1\r\n" * 100)), "no answer within 1 s"),
    (lambda word: GREETING.get(word, [b"250 half"]), "no answer within 1 s"),
    (lambda word: [b"HTTP/1.0 400 Bad Request\r\n\r\n"], "not the control protocol"),
    (lambda word: GREETING.get(word, endless(b"250-a=b\r\n" * 1000)), "more in one answer"),
    (lambda word: [b"515 No.\r\n"], "no control port"),
    (lambda word: [INFO.replace(b"NULL", b'SAFECOOKIE COOKIEFILE="/none\x1b[2J"')],
     "cannot read its cookie /none?[2J: No such file"),
    (lambda word: {"PROTOCOLINFO": [INFO]}.get(word, [b"515 No \x1b[2J.\r\n"]), "515 No ?[2J."),
])
def test_servers_that_are_none(answer, says):
    server = Server(answer)
    begun = time.monotonic()
    done = subprocess.run(
        ["prlimit", "--as=%d" % (400 << 20), TUNIC, "ctl", "--timeout", "1", "--control",
         str(server.port), "get", "version"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, timeout=30, check=False, env=environment())
    server.hang_up()
    assert done.returncode == 1 and says in done.stderr, done
    assert time.monotonic() - begun < 10


def test_a_cookie_in_clear_goes_only_where_the_user_says(tmp_path):
    """Whoever has a port could else have any file of 32 bytes."""
    path, seen = tmp_path / "secret", []
    path.write_bytes(b"0123456789abcdef" * 2)

    def answer(line):
        seen.append(line)
        info = INFO.replace(b"NULL", b'COOKIE COOKIEFILE="%s"' % str(path).encode())
        return {"PROTOCOLINFO": [info], "AUTHENTICATE": [b"250 OK\r\n"],
                "GETINFO": [b"250-version=1\r\n250 OK\r\n"]}[line.split()[0]]
    server = Server(answer, whole=True)
    done = run("get", "version", TOR_CONTROL_PORT=str(server.port))
    assert done.returncode == 1 and "cookie in clear" in done.stderr and seen == ["PROTOCOLINFO 1"]
    assert run("--control", str(server.port), "get", "version").stdout == "1\n"
    assert "AUTHENTICATE " + path.read_bytes().hex().upper() in seen
    server.hang_up()


def test_nobody_is_there(tmp_path):
    done = run("--control", str(sut_module.free_port()), "status")
    assert done.returncode == 1 and "Connection refused" in done.stderr
    done = run("--control", str(tmp_path / "none"), "status")
    assert done.returncode == 1 and "No such file" in done.stderr
    done = run("--control", "tor.example:9051", "status")
    assert done.returncode == 2


def test_wrong_usage():
    for words in (["statsu"], ["--jsn"], ["status", "more"], ["signal", "a", "b"], ["close"],
                  ["--run", "x", "status"], ["get", "a b"]):
        done = run(*words, "--control", "1")
        assert done.returncode in (1, 2) and done.stderr, words
    assert 'Did you mean "status"' in run("statsu").stderr
    done = run("--help")
    assert done.returncode == 0 and "Exit status: 0 done" in done.stdout


def test_top_in_monochrome_ascii_with_hostile_names(terminal):
    """And a connection that dies: it says so, and comes back."""
    names = {"GETINFO version": b"250-version=0.4.9.11\x1b[31m\r\n250 OK\r\n",
             "GETINFO events/names": b"250-events/names=BW WARN\r\n250 OK\r\n",
             "GETINFO circuit-status": b"250-circuit-status=7 BUILT $%s~\x1b[2Jx,$%s~\xc3\xa4y "
                                       b"PURPOSE=\"\x9b2J\"\r\n250 OK\r\n" % (b"A" * 40, b"B" * 40),
             "SETEVENTS BW WARN": b"250 OK\r\n" + b"650 BW 1000 2000\r\n" * 20 +
                                  b"650 WARN \x1b]0;title\x07\r\n"}

    def answer(line):
        word = line.split()[0]
        return GREETING.get(word, [names.get(line, b"552 No\x1b[2J\r\n")])
    server = Server(answer, whole=True)
    screen = terminal()
    screen.type("LC_ALL=C TERM=vt100 " + top_words(server.port), "Enter")
    screen.shows(r"0\.4\.9\.11\?\[31m at 127")
    screen.shows(r"^ +7 BUILT .* \?2J +\?\[2Jx \?\? > \?\?y \?\?$")
    screen.shows(r"\[warn\] \?\]0;title\?$")
    screen.shows(r"^ read 1\.0 KB/s, peak 1\.0 KB, 20 KB")
    screen.shows(r"##$")
    assert screen.screen().isascii()
    server.hang_up()
    screen.shows("no connection: the other side closed the connection; trying again")
    screen.shows("no connection: Connection refused; trying again")
    server.listen()
    screen.shows(r"^ q quit .* p pause")
    screen.type("c")
    screen.shows(r"CLOSECIRCUIT 7: 552 No\?\[2J")
    server.hang_up()
    screen.type("q")
    screen.shows(PROMPT)
