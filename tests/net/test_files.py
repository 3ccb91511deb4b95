"""The files of the DataDirectory: what cannot be read is not lost, what is damaged costs itself."""

import os
import re
import shutil
import signal
import subprocess
import time

import pytest

import killed
import sut as sut_module

CACHE = ("cached-certs", "cached-microdesc-consensus", "cached-microdescs", "cached-microdescs.new",
         "unverified-microdesc-consensus")

# Without the capabilities by which root reads whatever it likes.
AS_ANYBODY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def guards(client):
    """Fingerprints of the Guard lines of its state, in the file's order."""
    with open(client.data + "/state", encoding="latin-1") as f:
        return re.findall(r"(?m)^Guard in=default rsa_id=(\w{40})", f.read())


def known(make_sut, **how):
    """A client that has chosen its guards, and is not running."""
    mine = make_sut(**how)
    mine.start()
    assert mine.stop() == 0
    assert guards(mine)
    return mine


def refuses(client):
    """It ends with tor's words and status; nothing has become of the folder."""
    before = sorted(os.listdir(client.data))
    client.start(wait=False)
    assert client.process.wait(20) == 1
    said = client.log()[client.started_at:]
    assert re.search(r"\[warn\] (State file .* is not a file|Unable to read state file)", said), \
        sut_module.tail(said)
    assert "[err] %s--see warnings above." % (
        "Reading config failed" if sut_module.IS_TOR else "Tunic could not start") in said
    assert [n for n in os.listdir(client.data) if n.startswith("state")] == \
        [n for n in before if n.startswith("state")]


def test_state_that_may_not_be_read(make_sut):
    """Two things: no state, and a state that cannot be read."""
    mine = known(make_sut, wrapper=AS_ANYBODY)
    chosen = guards(mine)
    os.chmod(mine.data + "/state", 0)
    refuses(mine)
    os.chmod(mine.data + "/state", 0o600)
    assert guards(mine) == chosen
    mine.start()
    assert mine.stop() == 0
    assert guards(mine)[:3] == chosen[:3]


@pytest.mark.parametrize("what", ["a folder", "a loop of links"])
def test_state_that_is_no_file(make_sut, what):
    mine = make_sut()
    path = mine.data + "/state"
    os.mkdir(path) if what == "a folder" else os.symlink("state", path)
    refuses(mine)
    assert os.path.islink(path) or os.path.isdir(path)


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor reads whatever size")
@pytest.mark.parametrize("megabytes", [5, 300])
def test_state_that_is_too_large(make_sut, megabytes):
    mine = make_sut()
    path = mine.data + "/state"
    with open(path, "wb") as f:
        f.truncate(megabytes << 20)
    refuses(mine)
    assert os.path.getsize(path) == megabytes << 20


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor begins anew when one line is damaged")
def test_damaged_line_of_state_costs_itself(make_sut):
    """And what this program does not know is kept for the one that does."""
    mine = known(make_sut)
    chosen = guards(mine)
    with open(mine.data + "/state", "r+", encoding="latin-1") as f:
        text = f.read()
        text = text.replace("TorVersion ", "Tor\0Version ").replace(chosen[1], "<" + chosen[1], 1)
        f.seek(0)
        f.write(text + "TransportProxy obfs4 127.0.0.1:4444\nTheFuture  is\\there # \"\n")
    mine.start()
    mine.wait_for(r"\[warn\] 1 lines of the state file are damaged", 5, since=mine.started_at)
    assert mine.stop() == 0
    # The hit one may have been drawn anew.
    assert [g for g in guards(mine) if g in chosen and g != chosen[1]] == chosen[:1] + chosen[2:]
    with open(mine.data + "/state", encoding="latin-1") as f:
        text = f.read()
    assert "\nTransportProxy obfs4 127.0.0.1:4444\nTheFuture is\\there # \"\n" in text
    assert not [n for n in os.listdir(mine.data) if "damaged" in n]


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor numbers them in another way, and keeps noise")
def test_state_without_a_readable_guard_is_kept(make_sut):
    mine = make_sut()
    for n in ("state.damaged", "state.damaged.1", "state.damaged.2"):
        with open(mine.data + "/state", "w", encoding="latin-1") as f:
            f.write("Guard in=default rsa_id=%s\nDormant 0\n" % n)
        mine.start()
        assert mine.stop() == 0
        assert guards(mine)
        with open(os.path.join(mine.data, n), encoding="latin-1") as f:
            assert f.read() == "Guard in=default rsa_id=%s\nDormant 0\n" % n


@pytest.mark.skipif(sut_module.IS_TOR, reason="tor reads whatever size")
@pytest.mark.parametrize("name", ["cached-microdescs.new", "cached-microdesc-consensus"])
def test_cached_file_that_is_too_large(lab, make_sut, name):
    """It is set aside and said; the next one is as it should be."""
    mine = known(make_sut)
    path = os.path.join(mine.data, name)
    os.truncate(path, 200 << 20)
    mine.start()
    said = mine.log()[mine.started_at:]
    assert re.search(r"\[warn\] \"%s\" is too large, with 200 MB" % re.escape(path), said)
    assert re.search(r"\[warn\] \"%s\" is kept as \"%s\.damaged\"" % (re.escape(path), name), said)
    assert mine.stop() == 0
    assert os.path.getsize(path + ".damaged") == 200 << 20
    assert not os.path.exists(path) or os.path.getsize(path) < 10 << 20
    os.unlink(path + ".damaged")


@pytest.fixture
def outgrown(tmp_path):
    """The torrc of a network that requires what nobody has: its consensus is in the cache."""
    folder = str(tmp_path / "outgrown")
    subprocess.run([sut_module.program(as_tor=False), "forge", "consensus", "--count", "9", "--out",
                    folder, "--set", "required-client-protocols Link=4 Relay=9"], check=True)
    return folder + "/torrc"


def test_network_that_requires_more_than_we_have(outgrown):
    """The cached consensus says so: the start ends before anybody is asked."""
    mine = subprocess.run(
        ["unshare", "--net", sut_module.program(), "-f", outgrown, "--SocksPort", "auto"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=20, check=False)
    assert mine.returncode == 1
    assert re.search(r"\[err\] At least one protocol listed as required in the consensus is not "
                     r"supported by this version of .*The missing protocols are: Relay=9$",
                     mine.stdout, re.M), mine.stdout
    assert "Connecting to a relay" not in mine.stdout


def test_killed_at_any_time(lab, make_sut):
    """Whenever the program is killed: it starts again, with its guards and its cache, and finds no
    damage. (A thousand times, and with the files of a larger network: tests/tools/killed.)"""
    mine = make_sut(log_level="notice")
    mine.start()
    mine.stop()
    for n in range(24):
        if n % 4 == 0:
            for name in CACHE:
                path = os.path.join(mine.data, name)
                if os.path.exists(path):
                    os.unlink(path)
        before = killed.Left(mine.data)
        mine.start(wait=False)
        time.sleep(0.02 * (n + 1) % 0.31)
        if n % 3 == 0:
            mine.signal(signal.SIGTERM)
            time.sleep(0.001 * n)
        mine.kill()
        killed.check(before, killed.Left(mine.data))
        killed.check_log(mine.log()[mine.started_at:], before.is_whole())
    mine.start()
    assert mine.stop() == 0
    killed.check_log(mine.log()[mine.started_at:], False)


# -- from one program to the other ---------------------------------------------------------------

def use(client):
    """Starts it, and ends it after a page. -> what it said, the relays that it had dialled"""
    client.start()
    page = client.curl(client.lab.url("/bytes/100"), "--output", "/dev/null")
    assert page.returncode == 0, page.stderr
    dialled = {relay.fingerprint for relay in client.connected_relays()}
    assert client.stop() == 0
    return client.log()[client.started_at:], dialled


def in_use(client):
    """Guards in the order in which they are used: confirmed ones first, each as they were sampled."""
    state = killed.read(client.data, "state").decode("latin-1")
    lines = [(" confirmed_on=" not in m.group(0), int(re.search(r"sampled_idx=(\d+)", m.group(0)).group(1)),
              m.group(1)) for m in re.finditer(r"(?m)^Guard in=default rsa_id=(\w{40})\b.*$", state)]
    return [guard for _, _, guard in sorted(lines)]


def check_taken_over(client, before, first):
    said, dialled = use(client)
    killed.check(before, killed.Left(client.data))
    killed.check_log(said, True)
    assert not re.search(r"\[warn\].*([Ss]tate|[Cc]ache|[Pp]ars|microdesc|consensus)", said), said
    assert first in dialled
    assert in_use(client)[0] == first


def test_folder_of_tor_is_taken_over_and_given_back(lab, make_sut):
    """Guards and cache of Debian's tor, then those of Tunic, are each the other's."""
    theirs = make_sut(as_tor=True, log_level="notice")
    use(theirs)
    unknown = {"cached-descriptors": b"router x\n", "cached-extrainfo.new": b"extra-info x\n",
               "keys/note": b"of somebody", "diff-cache/0": b"of a relay"}
    for name, content in unknown.items():
        path = os.path.join(theirs.data, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content)
    first = in_use(theirs)[0]
    ours = make_sut(directory=theirs.dir, log_level="notice")
    before = killed.Left(ours.data)
    assert before.is_whole()
    check_taken_over(ours, before, first)
    for name, content in unknown.items():
        assert killed.read(ours.data, name) == content or sut_module.IS_TOR     # they are its own
    shutil.rmtree(ours.data + "/diff-cache")
    for name in list(unknown)[:3]:
        os.unlink(os.path.join(ours.data, name))
    again = make_sut(directory=theirs.dir, as_tor=True, log_level="notice")
    check_taken_over(again, killed.Left(again.data), first)
