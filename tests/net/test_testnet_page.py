"""What README and docs/testnet.md show of the test network, done as they show it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

import pytest

import privnet
import sut as sut_module
from test_testnet import HELLO, READY, there

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="about tunic's own network")

PAGE = privnet.read_text(os.path.join(sut_module.TOP, "docs", "testnet.md"))


def blocks(language):
    """The pieces of code of that language on the page, in order."""
    return re.findall(r"^```%s\n(.*?)^```" % language, PAGE, re.M | re.S)


@pytest.fixture
def shell(tmp_path):
    """Runs a line of the page in a folder of its own, where `tunic` and our own Python are found."""
    os.makedirs(tmp_path / "bin")
    for name, program in (("tunic", sut_module.program()), ("python3", sys.executable)):
        privnet.write_text(str(tmp_path / "bin" / name), '#!/bin/sh\nexec "%s" "$@"\n' % program)
        os.chmod(tmp_path / "bin" / name, 0o755)
    environment = dict(os.environ, PATH="%s/bin:%s" % (tmp_path, os.environ["PATH"]))

    def run(line, **files):
        for name, text in files.items():
            privnet.write_text(str(tmp_path / name.replace("_dot_", ".")), text)
        return subprocess.run(there(["sh", "-c", line]), cwd=tmp_path, env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    return run


def test_python_of_the_page(shell):
    """The unittest of the page wants two packages; the other two pieces want Python alone."""
    suite, alone, orders = blocks("python")
    done = shell("python3 alone.py", alone_dot_py=alone)
    assert done.returncode == 0, done.stderr
    assert HELLO.match(done.stdout)
    assert shell("tunic testnet -- python3 orders.py", orders_dot_py=orders).returncode == 0
    for package in ("requests", "socks"):
        pytest.importorskip(package, reason="the page's first example wants python3-%s" % package)
    done = shell("tunic testnet -- python3 test_page.py", test_page_dot_py=suite)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^Ran 2 tests", done.stderr, re.M)


def test_c_of_the_page(shell):
    program, = blocks("c")
    done = shell("cc -Wall -Werror -o spawn spawn.c && ./spawn", spawn_dot_c=program)
    assert done.returncode == 0, done.stderr
    assert HELLO.match(done.stdout)


def test_ci_of_the_page_installs_what_is_needed():
    """To build, that is; as tools/install-deps does."""
    job, = blocks("yaml")
    installer = privnet.read_text(os.path.join(sut_module.TOP, "tools", "install-deps"))
    wanted = re.search(r'^run="([^"]*)"', installer, re.M).group(1).split()
    # Python is there with what the tests themselves want.
    missing = [p for p in wanted if p not in job and p not in ("libc6-dev", "python3", "curl")]
    assert missing == []


@pytest.fixture
def open_folder():
    """A folder that everybody may enter and write."""
    path = tempfile.mkdtemp(prefix="tunic-open-")
    os.chmod(path, 0o777)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def test_needs_no_root(open_folder):
    program = shutil.copy(sut_module.program(), open_folder)
    with open("/proc/self/uid_map", encoding="ascii") as f:
        others = int(f.read().split()[2]) > 65534
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    done = subprocess.run(
        there((nobody if os.geteuid() == 0 and others else [])
              + ["env", "TMPDIR=" + open_folder, program, "testnet", "--", "sh", "-c",
                 "id -u; curl -sS http://hello.test/"]),
        cwd=open_folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    who, page = READY.sub("", done.stdout).lstrip().split("\n", 1)
    assert HELLO.match(page)
    if others:
        assert who != "0"


def test_demo(tmp_path):
    """./demo behind its building: what it fetches, what it leaves open, and Ctrl-C."""
    port = sut_module.free_port()
    environment = dict(os.environ, DEMO_SOCKS_PORT=str(port), TMPDIR=str(tmp_path),
                       TUNIC=sut_module.program())
    demo = subprocess.Popen(
        there([sys.executable, os.path.join(sut_module.TOP, "tools", "demo.py")]),
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    timer = threading.Timer(60, demo.kill)
    timer.start()
    said = ""
    for line in demo.stdout:
        said += line
        if "its log" in line:
            break
    assert "10000000 bytes in" in said, said
    assert re.search(r"goes through the relays \w+ -> \w+ -> \w+", said), said
    hello, = re.findall(r"^   (Hello.*\n)", said, re.M)
    assert HELLO.match(hello)
    shown, = re.findall(r"Ctrl-C:\n +(curl .*)\n", said)
    assert shown == "curl --socks5-hostname 127.0.0.1:%d http://hello.test/" % port
    page = subprocess.run(there(shown.split() + ["-sS", "--noproxy", ""]), stdout=subprocess.PIPE,
                          text=True, timeout=30, check=False)
    assert HELLO.match(page.stdout)
    demo.send_signal(signal.SIGINT)
    demo.stdout.read()
    assert demo.wait(timeout=20) == 0
    timer.cancel()
    assert os.listdir(tmp_path) == []
    left = subprocess.run(there(["pgrep", "-f", str(tmp_path)]), stdout=subprocess.PIPE, text=True,
                          check=False)
    assert left.stdout == ""
