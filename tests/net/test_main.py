"""The main job: a page, and the ways to name where it is."""

import os
import subprocess

import pytest

import privnet
import socks_client
import sut as sut_module

PAGE = "This page came through a private Tor network"


def test_a_page(lab, client):
    done = client.curl(lab.url("/"))
    assert done.returncode == 0, done.stderr
    assert PAGE in done.stdout


@pytest.mark.parametrize("option", ["--socks4a", "--socks5-hostname"])
def test_curl_with_a_host_name(lab, client, option):
    done = client.curl(lab.url("/"), proxy=option)
    assert PAGE in done.stdout, done.stderr


@pytest.mark.parametrize("option", ["--socks4", "--socks4a", "--socks5", "--socks5-hostname"])
def test_curl_with_an_ipv4_address(lab, client, option):
    done = client.curl(lab.url("/", host=privnet.WEB_HOST), proxy=option)
    assert PAGE in done.stdout, done.stderr


def test_curl_with_an_ipv6_address(lab, client):
    done = client.curl(lab.url("/", host="[::1]"))
    assert PAGE in done.stdout, done.stderr
    assert "out at ::1" in done.stdout


def test_name_with_only_an_ipv6_address(lab, client):
    done = client.curl(lab.url("/", host="v6.test"))
    assert "out at ::1" in done.stdout, done.stderr


def test_torsocks(lab, client):
    if not lab.leaves_loopback:
        pytest.skip("torsocks refuses loopback addresses, and these exits go nowhere else")
    if not os.environ.get("TORLAB_NETNS"):
        pytest.skip("torsocks refuses loopback addresses, and there is no namespace for others")
    done = subprocess.run(
        ["torsocks", "-a", "127.0.0.1", "-P", str(client.socks_port), "curl", "-sS", "-m", "20",
         lab.url("/", host="public.test")], capture_output=True, text=True, check=False)
    assert PAGE in done.stdout, done.stderr


def test_resolve_a_name(client):
    assert socks_client.resolve(client.proxy, "web.test") == privnet.WEB_HOST


def test_resolve_a_name_with_only_ipv6(client):
    assert socks_client.resolve(client.proxy, "v6.test") == "::1"


def test_resolve_an_unknown_name(client):
    with pytest.raises(socks_client.SocksError) as refused:
        socks_client.resolve(client.proxy, "nx.test")
    assert refused.value.code == socks_client.HOST_UNREACHABLE


def test_resolve_an_address_gives_it_back(client):
    assert socks_client.resolve(client.proxy, "198.51.100.20") == "198.51.100.20"


def test_resolve_ptr(lab, client):
    address, name = lab.ptr
    assert socks_client.resolve_ptr(client.proxy, address) == name


def test_stream_both_ways_and_half_close(lab, client):
    sock, _ = socks_client.socks5(client.proxy, "web.test", lab.ports["echo"])
    with sock:
        for size in (1, 497, 498, 499, 5000):
            sock.sendall(b"x" * size)
            assert socks_client.read_exactly(sock, size) == b"x" * size


def test_data_sent_along_with_the_request(lab, client):
    """Optimistic data: an application need not wait for the SOCKS reply."""
    name = b"web.test"
    with socks_client.open_proxy(client.proxy, 20) as sock:
        sock.sendall(b"\x05\x01\x00\x05\x01\x00\x03" + bytes([len(name)]) + name
                     + lab.ports["echo"].to_bytes(2, "big") + b"early")
        assert socks_client.read_exactly(sock, 2 + 10)[:4] == b"\x05\x00\x05\x00"
        assert socks_client.read_exactly(sock, 5) == b"early"


@pytest.mark.skipif(sut_module.IS_TOR, reason="about tunic's own commands")
def test_words_that_are_no_command():
    def run(word):
        return subprocess.run([sut_module.program(), word], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=10, check=False)
    assert run("chekc").stderr == ('tunic: there is no command or option "chekc". '
                                   'Did you mean "tunic check"?\n')
    assert run("chekc").returncode == 1
    for word in ("help", "--help"):
        done = run(word)
        assert done.returncode == 0
        for command in ("testnet", "fetch", "check", "forge"):
            assert "tunic %s --help" % command in done.stdout
