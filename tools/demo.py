#!/usr/bin/python3
"""Runs build/tunic against a private network and fetches through it. Called by ./demo."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "net"))
sys.dont_write_bytecode = True

import torlab  # noqa: E402

SOCKS_PORT = int(os.environ.get("DEMO_SOCKS_PORT", "9150"))
BOOTSTRAP_S = 60


class DemoError(Exception):
    """Something did not work; the text says what."""


def start_tunic(lab, folder):
    log_path = os.path.join(folder, "tunic.log")
    command = [os.path.join(TOP, "build", "tunic"), "-f", os.path.join(lab.dir, "client.torrc"),
               "--SocksPort", "127.0.0.1:%d" % SOCKS_PORT, "--DataDirectory",
               os.path.join(folder, "data"), "--Log", "info file " + log_path + ".info",
               "--Log", "notice stdout"]
    print("== Starting: " + " ".join(command), flush=True)
    with open(log_path, "wb") as log:
        tunic = subprocess.Popen(torlab.bound_to_parent(command), stdout=log,
                                 stderr=subprocess.STDOUT)
    shown, end = 0, time.monotonic() + BOOTSTRAP_S
    while True:
        with open(log_path) as log:
            lines = log.read().splitlines()
        for line in lines[shown:]:
            print("   " + line, flush=True)
        shown = len(lines)
        if any("Bootstrapped 100%" in line for line in lines):
            return tunic, log_path
        if tunic.poll() is not None:
            raise DemoError("tunic ended with status %d" % tunic.returncode)
        if time.monotonic() > end:
            raise DemoError("tunic did not bootstrap in %d s; see %s" % (BOOTSTRAP_S, log_path))
        time.sleep(0.05)


def fetch(url, *more):
    command = ["curl", "--silent", "--show-error", "--max-time", "60", "--noproxy", "",
               "--socks5-hostname", "127.0.0.1:%d" % SOCKS_PORT, *more, url]
    print("== " + " ".join(command), flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise DemoError("curl ended with status %d" % done.returncode)
    print("   " + done.stdout.decode(errors="replace").strip().replace("\n", "\n   "), flush=True)


def show_path(lab, log_path):
    names = {n.fingerprint: n.name for n in lab.nodes if n.fingerprint}
    with open(log_path + ".info") as log:
        for line in log:
            found = re.search(r"(Circuit \d+) is open through (.*)", line)
            if found:
                hops = [names.get(f, f) for f in re.findall(r"\$([0-9A-F]{40})", found.group(2))]
                print("   %s goes through the relays %s" % (found.group(1), " -> ".join(hops)))


def main():
    once = "--once" in sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="tunic-demo-") as folder:
        lab = torlab.Lab(os.path.join(folder, "network"))
        tunic = None
        try:
            print("== Starting a private Tor network of %d real relays (about 20 s)"
                  % len(torlab.NODES), flush=True)
            lab.start()
            tunic, log_path = start_tunic(lab, folder)
            fetch(lab.url("/"))
            fetch(lab.url("/bytes/10000000"), "--output", "/dev/null", "--write-out",
                  "%{size_download} bytes in %{time_total} s")
            show_path(lab, log_path)
            if not once:
                print("== Yours to play with, until Ctrl-C:\n"
                      "   curl --socks5-hostname 127.0.0.1:%d %s\n"
                      "   its log: %s" % (SOCKS_PORT, lab.url("/"), log_path), flush=True)
                signal.pause()
            print("== Done", flush=True)
        except (DemoError, torlab.LabError) as problem:
            print("demo: " + str(problem), file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            pass
        finally:
            if tunic:
                tunic.terminate()
                tunic.wait()
            lab.stop()
    return 0


def interrupt(signum, frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    sys.exit(main())
