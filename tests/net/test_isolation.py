"""Streams that must not share a circuit do not. Seen at the exits: which circuit each comes from."""

import contextlib
import subprocess
import time

import privnet
import socks_client


def circuits_of(lab, ports, wait_s=60):
    """The (exit, circuit) of the one stream to each port. Streams of the test before may still be
    on their way out at the exits: those are waited for (tor can hold back a DESTROY on an idle link
    for 9.5 s)."""
    end = time.monotonic() + wait_s
    while True:
        seen = lab.exit_streams()
        found = [[(s["exit"].name, s["circuit"]) for s in seen
                  if s["target"] == "%s:%d" % (privnet.WEB_HOST, lab.ports[port])]
                 for port in ports]
        if all(len(mine) == 1 for mine in found):
            return [mine[0] for mine in found]
        assert time.monotonic() < end, "streams at the exits: %r" % seen
        time.sleep(0.1)


@contextlib.contextmanager
def open_streams(lab, wanted):
    """wanted: [(proxy, port name, auth)] -> the streams' (exit, circuit), in order. Each needs a
    port of its own, by which the exit's dump tells them apart."""
    socks = []
    try:
        for proxy, port, auth in wanted:
            sock, _ = socks_client.socks5(proxy, privnet.WEB_HOST, lab.ports[port], auth=auth)
            socks.append(sock)
            sock.sendall(b"x")
            socks_client.read_exactly(sock, 1)
        yield circuits_of(lab, [port for _, port, _ in wanted])
    finally:
        for sock in socks:
            sock.close()


def test_same_user_and_password_share_a_circuit(lab, client):
    """The contrast that gives the next tests their meaning."""
    with open_streams(lab, [(client.proxy, "echo", ("u", "p")),
                            (client.proxy, "echo2", ("u", "p"))]) as circuits:
        assert circuits[0] == circuits[1]


def test_two_users_never_share_a_circuit(lab, client):
    for number in range(4):
        with open_streams(lab, [(client.proxy, "echo", ("user%d" % number, "p")),
                                (client.proxy, "echo2", ("other%d" % number, "p"))]) as circuits:
            assert circuits[0] != circuits[1]


def test_two_passwords_never_share_a_circuit(lab, client):
    with open_streams(lab, [(client.proxy, "echo", ("v", "one")),
                            (client.proxy, "echo2", ("v", "two"))]) as circuits:
        assert circuits[0] != circuits[1]


def test_password_and_none_do_not_share_a_circuit(lab, client):
    with open_streams(lab, [(client.proxy, "echo", None),
                            (client.proxy, "echo2", ("w", "p"))]) as circuits:
        assert circuits[0] != circuits[1]


def test_two_listeners_do_not_share_a_circuit(lab, make_sut, tmp_path):
    tmp_path.chmod(0o700)
    mine = make_sut(torrc=["SocksPort unix:%s/s" % tmp_path]).start()
    with open_streams(lab, [(mine.proxy, "echo", None),
                            (str(tmp_path / "s"), "echo2", None)]) as circuits:
        assert circuits[0] != circuits[1]


def test_ssh_through_the_port(lab, client, ssh_server):
    """A long-lived protocol with small packets, keyboard style."""
    done = subprocess.run(ssh_server.command(client) + ["echo seen from $((40 + 2))"],
                          capture_output=True, text=True, timeout=40, check=False)
    assert "seen from 42" in done.stdout, done.stderr


def test_git_through_the_port(lab, client, git_server, tmp_path):
    done = subprocess.run(
        ["git", "-c", "core.gitProxy=", "-c", "http.proxy=socks5h://127.0.0.1:%d"
         % client.socks_port, "clone", "-q", git_server, str(tmp_path / "clone")],
        capture_output=True, text=True, timeout=40, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "clone" / "file").read_text() == "through three relays\n"
