#!/usr/bin/python3
"""Runs build/tunic against a private network and fetches through it. Called by ./demo."""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TUNIC = os.environ.get("TUNIC", os.path.join(TOP, "build", "tunic"))
sys.path.insert(0, os.path.join(TOP, "tests", "net"))
sys.dont_write_bytecode = True

import torlab  # noqa: E402

SOCKS_PORT = int(os.environ.get("DEMO_SOCKS_PORT", "9150"))
READY_S = 60


class DemoError(Exception):
    """Something did not work; the text says what."""


def show(text):
    print("   " + text.strip().replace("\n", "\n   "), flush=True)


def start(command, log_path, ready):
    """Runs COMMAND, shows what it says, and comes back when a line matches READY."""
    print("== Starting: " + shlex.join(command), flush=True)
    with open(log_path, "wb") as log:
        process = subprocess.Popen(torlab.bound_to_parent(command), stdout=log,
                                   stderr=subprocess.STDOUT)
    shown, end = 0, time.monotonic() + READY_S
    while True:
        with open(log_path, encoding="utf-8") as log:
            lines = log.read().splitlines()
        for line in lines[shown:]:
            if not re.search(r"\[info\]|OR listener|Directory listener", line):
                show(line)
        shown = len(lines)
        if any(re.search(ready, line) for line in lines):
            return process
        if process.poll() is not None:
            raise DemoError("tunic ended with status %d; if a port is taken, choose another: "
                            "DEMO_SOCKS_PORT=9151 ./demo" % process.returncode)
        if time.monotonic() > end:
            process.kill()
            raise DemoError("tunic was not ready in %d s; see %s" % (READY_S, log_path))
        time.sleep(0.02)


class OwnNetwork:
    """tunic testnet: relays, directory, web page and client in one process."""
    what = "a private Tor network of 11 nodes and a client of it in one process"

    def __init__(self, folder):
        self.dir, self.log = os.path.join(folder, "network"), os.path.join(folder, "tunic.log")
        self.process = None

    def start(self):
        self.process = start([TUNIC, "testnet", "--socks-port", str(SOCKS_PORT), "--dir", self.dir,
                              "--log", "info"], self.log, "^testnet ready")

    def url(self, path):
        return "http://hello.test" + path

    def names(self):
        with open(os.path.join(self.dir, "fingerprints"), encoding="ascii") as f:
            return {line.split()[1]: line.split()[0] for line in f}

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()


class RealNetwork:
    """Eleven processes of Debian's tor, and tunic as their client."""
    what = "a private Tor network of %d real relays (about 20 s)" % len(torlab.NODES)

    def __init__(self, folder):
        self.folder, self.log = folder, os.path.join(folder, "tunic.log")
        self.lab = torlab.Lab(os.path.join(folder, "network"))
        self.process = None

    def start(self):
        self.lab.start()
        self.process = start([TUNIC, "-f", os.path.join(self.lab.dir, "client.torrc"),
                              "--SocksPort", "127.0.0.1:%d" % SOCKS_PORT,
                              "--DataDirectory", os.path.join(self.folder, "data"),
                              "--Log", "info stdout"], self.log, "Bootstrapped 100%")

    def url(self, path):
        return self.lab.url(path)

    def names(self):
        return {n.fingerprint: n.name for n in self.lab.nodes if n.fingerprint}

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
        self.lab.stop()


def fetch(url, *more):
    command = ["curl", "--silent", "--show-error", "--max-time", "60", "--noproxy", "",
               "--socks5-hostname", "127.0.0.1:%d" % SOCKS_PORT, *more, url]
    print("== " + shlex.join(command), flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise DemoError("curl ended with status %d" % done.returncode)
    show(done.stdout.decode(errors="replace"))


def show_path(network):
    names = network.names()
    with open(network.log, encoding="utf-8") as log:
        for line in log:
            found = re.search(r"(Circuit \d+) is open through (.*)", line)
            if found:
                hops = [names.get(f, f) for f in re.findall(r"\$([0-9A-F]{40})", found.group(2))]
                show("%s goes through the relays %s" % (found.group(1), " -> ".join(hops)))


def main():
    once, real = "--once" in sys.argv[1:], "--real" in sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="tunic-demo-") as folder:
        network = (RealNetwork if real else OwnNetwork)(folder)
        try:
            print("== Starting " + network.what, flush=True)
            network.start()
            fetch(network.url("/bytes/10000000"), "--output", "/dev/null", "--write-out",
                  "%{size_download} bytes in %{time_total} s")
            show_path(network)
            fetch(network.url("/"))
            if not once:
                print("== Yours to play with, until Ctrl-C:\n"
                      "   curl --socks5-hostname 127.0.0.1:%d %s\n"
                      "   its log: %s" % (SOCKS_PORT, network.url("/"), network.log), flush=True)
                signal.pause()
            print("== Done", flush=True)
        except (DemoError, torlab.LabError) as problem:
            print("demo: " + str(problem), file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            pass
        except BrokenPipeError:     # whoever read us has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        finally:
            network.stop()
    return 0


def interrupt(signum, frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    sys.exit(main())
