"""A torrc means to Tunic what it means to tor: some generated ones, read by both."""

import os
import shutil
import subprocess
import sys

import pytest

import sut as sut_module

TOOL = os.path.join(sut_module.TOP, "tools", "torrc-compare")
TOR = shutil.which("tor") or "/usr/sbin/tor"


@pytest.mark.skipif(not os.path.exists(TOR), reason="there is no tor to compare with")
def test_generated_files_are_read_as_tor_reads_them():
    done = subprocess.run(
        [sys.executable, TOOL, "--seed", "9", "--count", "360", "--tor", TOR, "--tunic",
         sut_module.program()], capture_output=True, text=True, errors="replace", check=False,
        timeout=300)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
