"""The library as a program outside would have it: installed into a folder of its own, the worked
examples built from there with pkg-config alone, and run on the network."""

import os
import shutil
import subprocess

import pytest

import ourlab
import sut as sut_module

PAGE = b"This page came through a private Tor network"
EXAMPLES = os.path.join(sut_module.TOP, "docs", "examples")
PACKAGES = ["tunic", "libevent_core"]       # web_client has a loop of its own

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="about tunic's library")


@pytest.fixture(scope="module")
def prefix(workdir):
    """Where it is installed."""
    path = os.path.join(workdir, "installed")
    subprocess.run(["make", "-s", "install", "PREFIX=" + path,
                    "BUILD=" + os.path.dirname(sut_module.program())],
                   cwd=sut_module.TOP, check=True, stdout=subprocess.DEVNULL)
    return path


@pytest.fixture(scope="module")
def built(prefix, workdir):
    """The examples' programs by name."""
    folder = os.path.join(workdir, "examples")
    os.makedirs(folder)
    env = dict(os.environ, PKG_CONFIG_PATH=prefix + "/lib/pkgconfig")

    def flags(which):
        return subprocess.run(["pkg-config", which] + PACKAGES, env=env, check=True,
                              stdout=subprocess.PIPE).stdout.decode().split()
    programs = {}
    for source in sorted(os.listdir(EXAMPLES)):
        name = source[:-len(".c")]
        programs[name] = os.path.join(folder, name)
        # Away from the sources: only what is installed can be found.
        shutil.copy(os.path.join(EXAMPLES, source), folder)
        subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror"] + flags("--cflags") +
                       ["-o", name, source] + flags("--libs"), cwd=folder, check=True)
    assert set(programs) == {"fetch", "three_hops", "two_clients", "web_client"}
    return programs


@pytest.fixture
def run(built, prefix, lab):
    def run_one(name, *arguments, status=0):
        env = dict(os.environ, LD_LIBRARY_PATH=prefix + "/lib", TUNIC_TESTNET_DIR=lab.dir)
        done = subprocess.run([built[name]] + [str(a) for a in arguments], env=env, timeout=100,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        assert done.returncode == status, done.stderr.decode()
        return done.stdout if status == 0 else done.stdout + done.stderr
    return run_one


def code_lines(source):
    """Of main's body, without empty ones and comments."""
    with open(os.path.join(EXAMPLES, source), encoding="ascii") as f:
        body = f.read().split("int main", 1)[1].split("\n{\n", 1)[1].split("\n}", 1)[0]
    return [line for line in body.split("\n")
            if line.strip() and not line.strip().startswith("/*")]


def test_library_examples_are_short():
    for source in os.listdir(EXAMPLES):
        assert len(code_lines(source)) < 20, source


def test_library_example_fetch(run, lab):
    auth = lab.authorities()[0]
    consensus = run("fetch", auth.address, auth.or_port)
    assert consensus.startswith(b"network-status-version 3\n")
    assert b"\ndirectory-signature " in consensus
    for node in lab.nodes:
        assert b"\nr %s " % node.name.encode() in consensus
    run("fetch", "127.0.0.1", 1, status=1)


def test_library_example_three_hops(run, lab):
    auth = lab.authorities()[0]
    hops = [lab.by_role(role)[0].fingerprint for role in ("guard", "middle", "exit")]
    target = "web.test:%d" % lab.ports["http"]
    assert PAGE in run("three_hops", auth.address, auth.or_port, *hops, target)
    # A relay that is not among the descriptors.
    run("three_hops", auth.address, auth.or_port, "0" * 40, *hops[1:], target, status=1)


def test_library_example_web_client(run, lab):
    torrc = "\n".join(lab.client_torrc_lines())
    assert PAGE in run("web_client", torrc, "web.test:%d" % lab.ports["http"])
    closed = "web.test:%d" % lab.ports["closed"]
    refused = run("web_client", torrc, closed, status=1)
    # tor 0.4.9's exits often lose the reason (test_socks.py).
    assert refused in ([b"the destination refused the connection\n"] + ([] if isinstance(
        lab, ourlab.OurLab) else [b"failed for a reason without a number\n"]))
    assert b"NoSuchOption" in run("web_client", "NoSuchOption 1", "web.test:80", status=1)


def test_library_leaves_a_network_that_requires_more_than_it_has(run, tmp_path):
    """At once, and streams that wait hear it."""
    subprocess.run([sut_module.program(), "forge", "consensus", "--count", "9", "--out",
                    str(tmp_path / "net"), "--set", "required-client-protocols Relay=9"],
                   check=True)
    torrc = (tmp_path / "net" / "torrc").read_text()
    assert b"the network requires protocols that this version lacks: Relay=9" in run(
        "web_client", torrc, "web.test:80", status=1)


def test_library_example_two_clients(run, lab, workdir):
    lines = lab.client_torrc_lines() + ["DataDirectory %s/two_clients" % workdir]
    got = run("two_clients", "\n".join(lines), "web.test", lab.ports["http"])
    assert got.count(PAGE) == 2
    assert os.path.exists(workdir + "/two_clients/cached-microdesc-consensus")
    # Again, with what the first run has left there.
    assert run("two_clients", "\n".join(lines), "web.test", lab.ports["http"]).count(PAGE) == 2
