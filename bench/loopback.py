"""A network namespace of the benchmark's own, whose loopback acknowledges at once.

On loopback the kernel delays an acknowledgement by up to 40 ms, and a relay's Nagle waits for it:
which page meets that is luck, and says nothing of a client."""

import os
import subprocess
import sys

INSIDE = "TUNIC_BENCH_INSIDE"
STEPS = ["ip link set lo up",
         "ip route change local 127.0.0.0/8 dev lo table local src 127.0.0.1 quickack 1",
         "ip route change local 127.0.0.1 dev lo table local src 127.0.0.1 quickack 1"]


def quiet(argv):
    try:
        return subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              check=False).returncode == 0
    except OSError:
        return False


def enter():
    """Starts this program again in a namespace, or goes on where that is not to be had.
    -> whether the loopback acknowledges at once."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if not os.environ.get(INSIDE):
        words = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--net"]
        if not quiet(words + ["true"]):
            return False
        os.environ[INSIDE] = "1"
        os.execvp("unshare", words + ["--", sys.executable, os.path.abspath(sys.argv[0]),
                                      *sys.argv[1:]])
    if not quiet(STEPS[0].split()):
        sys.exit("no loopback in a network namespace: is iproute2 installed?")
    return all(quiet(step.split()) for step in STEPS[1:])
