"""Programs: the one that is tried, and those of Debian's beside it."""

import os
import shutil
import subprocess


def find(name):
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if path is None:
        raise SystemExit("tests/compat/run: %s is missing: run tools/install-deps test" % name)
    return path


def is_tor(path):
    """Whether PATH is C tor; Tunic's first line of --version names both."""
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    return "tunic" not in done.stdout
