"""What comes from the network or the disk and is wrong: named in the log, survived, not believed."""

import hashlib
import os
import re
import resource
import shutil
import socket
import subprocess
import threading
import time

import pytest

import privnet
import sut as sut_module
from test_clock import clock_ahead, shim  # noqa: F401

PAGE = "This page came through a private Tor network"
WAIT_S = 3          # long enough for a start that would succeed: those take less than one


def flipped(hex_digits):
    """A fingerprint that is somebody else's."""
    return hashlib.sha1(hex_digits.encode()).hexdigest().upper()


def tor_differs(reason, when=True):
    """The suite also runs on C tor, to show that it is right; here tor does less than we ask."""
    if sut_module.IS_TOR and when:
        pytest.skip("tor " + reason)


def does_not_start(client, wait_s=WAIT_S):
    client.start(wait=False)
    time.sleep(wait_s)
    assert client.running(), "it ended with %s:\n%s" % (
        client.process.poll(), sut_module.tail(client.log()))
    assert "Bootstrapped 100%" not in client.log()


def warns_of(client, pattern):
    """A line at warn (or notice) level that names the problem, soon if not there yet."""
    client.wait_for(r"(?i)\[(?:warn|notice)\][^\n]*(?:%s)" % pattern, 10)


def away(lab):
    """Lines of a torrc by which no authority can be reached."""
    return ["TestingTorNetwork 1"] + [
        re.sub(r"orport=\d+", "orport=%d" % lab.ports["closed"], a.authority_line())
        for a in lab.authorities()]


# -- relays that are not what they should be -----------------------------------------------------

def test_authority_with_another_rsa_identity(lab, make_sut):
    mine = make_sut(network=["TestingTorNetwork 1"] + [
        a.authority_line(fingerprint=flipped(a.fingerprint)) for a in lab.authorities()])
    does_not_start(mine)
    warns_of(mine, "identity|fingerprint|expected")


@pytest.mark.parametrize("what", ["silent", "garbage", "web server"])
def test_port_that_is_no_orport(lab, make_sut, what):
    """Authorities' ports lead to something else."""
    says = {"silent": b"", "garbage": os.urandom(4000),
            "web server": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"}[what]
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()

    def answer():
        kept = []
        while True:
            try:
                kept.append(listener.accept()[0])
                kept[-1].sendall(says)
            except OSError:
                return
    threading.Thread(target=answer, daemon=True).start()
    lines = [re.sub(r"orport=\d+", "orport=%d" % port, a.authority_line())
             for a in lab.authorities()]
    lines = [re.sub(r" 127\.\d+\.0\.1:", " %s:" % host, line) for line in lines]
    mine = make_sut(network=["TestingTorNetwork 1"] + lines)
    does_not_start(mine)
    listener.close()
    if what != "silent":
        warns_of(mine, "TLS|handshake|SSL|connection|problem")


def test_closed_ports_of_all_authorities(lab, make_sut):
    mine = make_sut(network=away(lab))
    does_not_start(mine)
    tor_differs("is slow to say so")
    warns_of(mine, "refused|unable to connect|problem")


def test_authority_signing_key_of_another(lab, make_sut):
    """v3ident that no certificate has: nothing that is signed by them counts."""
    mine = make_sut(network=["TestingTorNetwork 1"] + [
        a.authority_line(v3ident=flipped(a.v3ident)) for a in lab.authorities()])
    does_not_start(mine)


def test_majority_of_signatures_is_unknown(lab, make_sut):
    """Three of our five authorities never signed: two good signatures are not more than half."""
    more = [a.authority_line(v3ident=flipped(a.v3ident), fingerprint=flipped(a.fingerprint))
            for a in lab.authorities()]
    mine = make_sut(network=["TestingTorNetwork 1"] + [
        a.authority_line() for a in lab.authorities()[:2]] + more)
    does_not_start(mine)
    warns_of(mine, "signature|signed|consensus")


# -- what is in the cache -------------------------------------------------------------------------

CONSENSUS = "cached-microdesc-consensus"


@pytest.fixture(scope="module")
def good_cache(lab, workdir):
    """A DataDirectory as a first run leaves it."""
    first = sut_module.Sut(lab, os.path.join(workdir, "good-cache"))
    first.start()
    assert PAGE in first.curl(lab.url("/")).stdout
    assert first.stop() == 0
    assert os.path.exists(os.path.join(first.data, CONSENSUS))
    return first.data


def copy_cache(good_cache, client):
    shutil.rmtree(client.data)
    shutil.copytree(good_cache, client.data,
                    ignore=lambda d, names: [n for n in names if n in ("lock", "control")])


def tampered(text, how):
    """A consensus that is not what the authorities signed."""
    signature = text.index("directory-signature ")
    body, signatures = text[:signature], text[signature:]
    parts = re.split(r"(?m)^(?=directory-signature )", signatures)
    parts = [p for p in parts if p]
    if how == "forged body":
        return body.replace("\ns Fast Guard ", "\ns Exit Fast Guard ", 1) + signatures
    if how == "forged signature":
        return body + re.sub(r"(?m)^([A-Za-z0-9+/]{60})", lambda m: m.group(1)[::-1], signatures)
    if how == "unsigned":
        return body
    if how == "under-signed":
        return body + parts[0]
    if how == "one signature three times":
        return body + parts[0] * 3
    if how == "expired":
        return re.sub(r"(?m)^(valid-after|fresh-until|valid-until) \d{4}", r"\1 2019", text)
    if how == "truncated":
        return text[:len(text) // 2]
    if how == "empty":
        return ""
    if how == "noise":
        return "\x00\xff\x7fnoise\n" * 2000
    raise ValueError(how)


TAMPERINGS = ["forged body", "forged signature", "unsigned", "under-signed",
              "one signature three times", "expired", "truncated", "empty", "noise"]


@pytest.fixture(scope="module")
def misled(lab, workdir, good_cache):
    """For each tampering a client that finds it in its cache, with no authority to ask; all have
    had the time to start."""
    clients = {}
    for how in TAMPERINGS:
        mine = sut_module.Sut(lab, os.path.join(workdir, "misled-" + how.replace(" ", "-")),
                              network=away(lab))
        clients[how] = mine
        copy_cache(good_cache, mine)
        # Guards remembered in `state` may be asked for the directory; here nobody may answer.
        if os.path.exists(mine.data + "/state"):
            os.unlink(mine.data + "/state")
        path = os.path.join(mine.data, CONSENSUS)
        with open(path, encoding="latin-1") as f:
            text = f.read()
        with open(path, "w", encoding="latin-1") as f:
            f.write(tampered(text, how))
    for mine in clients.values():
        mine.start(wait=False)
    time.sleep(WAIT_S + 2)
    yield clients
    for mine in clients.values():
        mine.kill()


@pytest.mark.parametrize("how", TAMPERINGS)
def test_wrong_consensus_in_the_cache(lab, misled, how):
    """It must not be used."""
    mine = misled[how]
    assert mine.running()
    assert "Bootstrapped 100%" not in mine.log()
    assert PAGE not in mine.curl(lab.url("/"), timeout=1).stdout


def test_the_same_cache_untampered_is_used(lab, make_sut, good_cache):
    """The contrast that gives the test above its meaning."""
    mine = make_sut(network=away(lab))
    copy_cache(good_cache, mine)
    mine.start()
    assert PAGE in mine.curl(lab.url("/")).stdout


@pytest.mark.parametrize("name", ["cached-microdesc-consensus", "cached-certs",
                                  "cached-microdescs", "cached-microdescs.new", "state"])
@pytest.mark.parametrize("how", ["half", "noise"])
def test_damaged_file_is_fetched_again(lab, make_sut, good_cache, name, how):
    mine = make_sut()
    copy_cache(good_cache, mine)
    path = os.path.join(mine.data, name)
    if name == "cached-microdescs" and not os.path.exists(path):
        os.rename(path + ".new", path)      # what becomes of the journal sooner or later
    tor_differs("refuses to start with a state file of noise", name == "state" and how == "noise")
    tor_differs("does not return to the consensus that waits for these", name == "cached-certs")
    assert os.path.exists(path)
    with open(path, "rb") as f:
        data = f.read()
    with open(path, "wb") as f:
        f.write(data[:len(data) // 2] if how == "half" else os.urandom(3000))
    mine.start(timeout=40)
    assert PAGE in mine.curl(lab.url("/")).stdout


def test_data_directory_open_to_others(lab, make_sut):
    """Group and world may not look at keys and guards: corrected, or refused by name."""
    mine = make_sut()
    os.chmod(mine.data, 0o777)
    mine.start(wait=False)
    try:
        status = mine.process.wait(timeout=WAIT_S)
        assert status == 1 and mine.data in mine.log()
    except subprocess.TimeoutExpired:
        assert os.stat(mine.data).st_mode & 0o077 == 0


def test_full_disk(lab, make_sut):
    """Nothing can be written (files end at 2 kB): it works from memory, and says what is wrong."""
    mine = make_sut(wrapper=["prlimit", "--fsize=2000"], defaults=True)
    # The log goes to a pipe: the limit is for files.
    mine.log_pipe = subprocess.Popen(["cat"], stdin=subprocess.PIPE,
                                     stdout=open(mine.log_path, "wb"))
    mine.process = subprocess.Popen(
        privnet.bound_to_parent(mine.wrapper + mine.command()), stdin=subprocess.DEVNULL,
        stdout=mine.log_pipe.stdin, stderr=subprocess.STDOUT, cwd=mine.dir)
    try:
        if sut_module.IS_TOR:
            time.sleep(WAIT_S)      # SIGXFSZ may end tor; only Tunic promises more
            return
        mine.wait_for("Bootstrapped 100%", 30)
        assert PAGE in mine.curl(lab.url("/")).stdout
        warns_of(mine, "cached|state|disk|file|write")
        assert mine.stop() == 0
    finally:
        mine.kill()
        mine.log_pipe.stdin.close()
        mine.log_pipe.wait(timeout=10)


def test_full_file_system(lab, make_sut):
    """DataDirectory on a file system with 16 kB of room."""
    mine = make_sut()
    if not os.environ.get("TORLAB_NETNS") or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=16k,mode=0700", "tmpfs", mine.data],
            stderr=subprocess.DEVNULL, check=False).returncode != 0:
        pytest.skip("no namespace to mount a small file system in")
    try:
        if sut_module.IS_TOR:
            mine.start(wait=False)
            time.sleep(WAIT_S)
            assert "Bug" not in mine.log()
            return
        mine.start()
        assert PAGE in mine.curl(lab.url("/")).stdout
        warns_of(mine, "space|disk|write")
        assert mine.stop() == 0
    finally:
        mine.kill()
        subprocess.run(["umount", "-l", mine.data], check=False)


def faketime(offset):
    for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"):
        path = folder + "/faketime/libfaketime.so.1"
        if os.path.exists(path):
            return ["env", "LD_PRELOAD=" + path, "FAKETIME=" + offset, "FAKETIME_DONT_FAKE_MONOTONIC=1"]
    pytest.skip("libfaketime is not installed")


# Whatever says it: certificates, NETINFO cells, Dates, consensuses.
CLOCK_WORDS = r"\[warn\] .*please check your time and date settings!"


@pytest.mark.parametrize("hours, by", [(-24, r"2[34] h \d+ min"), (48, r".* h"),
                                       (-3.2, r"3 h 1\d min")])
def test_clock_wrong(lab, make_sut, shim, hours, by):    # noqa: F811
    """A day behind: before the consensus's time; two days on: after it; some hours: it is used.
    Said, by how much, and once. (The private network's consensus is valid for a day, and clients
    stretch that by another.)"""
    mine = make_sut(wrapper=clock_ahead(shim, int(hours * 3600)))
    mine.start(wait=False)
    time.sleep(WAIT_S)
    assert mine.running()
    warns_of(mine, "clock|time.*(ahead|behind|skew)")
    if sut_module.IS_TOR:
        return
    said = re.findall(CLOCK_WORDS, mine.log())
    assert len(said) == 1, "each relay and each document says it: " + "\n".join(said)
    way = "behind" if hours < 0 else "ahead of"
    assert re.search(r"Our clock is %s %s that of |certificates of the relay" % (by, way), said[0])


@pytest.mark.parametrize("offset", ["-1y", "+1y"], ids=["behind", "ahead"])
def test_clock_a_year_off(lab, make_sut, offset):
    """Then not even the links' certificates are good: in plain words, and once. (Debian's relays
    date theirs back at random: one that is good already says what time it is.)"""
    tor_differs("cannot start its threads under libfaketime")
    mine = make_sut(wrapper=faketime(offset))
    mine.start(wait=False)
    mine.wait_for(r"\[warn\] (The certificates of the relay at \S+ are not valid at the time of this "
                  r"computer, |Our clock is \d+ d \d+ h behind ).*"
                  "please check your time and date settings!", 15)
    time.sleep(WAIT_S)
    assert len(re.findall(CLOCK_WORDS, mine.log())) == 1


# -- limits of this machine -----------------------------------------------------------------------

def test_out_of_file_descriptors(lab, make_sut):
    """Connections beyond the limit wait or are refused; the program goes on afterwards."""
    tor_differs("wants 1000 descriptors or refuses to start")
    resource.setrlimit(resource.RLIMIT_NOFILE, (
        min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
        resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    mine = make_sut(wrapper=["prlimit", "--nofile=256:256"], torrc=["ConnLimit 200"])
    mine.start(wait=False)
    mine.wait_for("Bootstrapped 100%", 30)
    idle = [socket.create_connection(mine.proxy) for _ in range(400)]
    time.sleep(1)
    assert mine.running()
    for sock in idle:
        sock.close()
    time.sleep(0.5)
    assert PAGE in mine.curl(lab.url("/")).stdout
