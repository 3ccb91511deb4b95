"""The system under test: Tunic (or, with SUT=tor, Debian's tor client) as a process.

Both are started as `PROGRAM -f torrc` with tor's option names; "Bootstrapped 100%" on stdout says
that it is ready, SIGTERM ends it with status 0.
"""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time

import privnet

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
IS_TOR = os.environ.get("SUT") == "tor"


def program(as_tor=IS_TOR):
    if as_tor:
        return privnet.find_program("tor")
    return os.path.abspath(os.environ.get("TUNIC", os.path.join(TOP, "build", "tunic")))


PORTS = range(30000, 32700)
next_port = random.choice(PORTS)


def free_port(host="127.0.0.1", several=1):
    """A port that nobody listens on, and SEVERAL - 1 more above it; none is given twice before all
    were. They lie below those that the kernel gives to connections: one of these may get our port
    before the program is there, on any address, and keeps it for a minute after its end. (Those of
    privnet.py are below 30000.)"""
    global next_port
    for _ in range(100):
        port = next_port if next_port + several <= PORTS.stop else PORTS.start
        next_port = port + several
        try:
            for number in range(port, port + several):
                with socket.socket() as probe:
                    probe.bind((host, number))
            return port
        except OSError:
            continue
    raise AssertionError("no free port on " + host)


class Sut:
    """One process with its own DataDirectory. All its output is in self.log()."""

    def __init__(self, lab, directory, torrc=(), network=None, wrapper=(), log_level="info",
                 defaults=True, as_tor=IS_TOR):
        """torrc: more lines; network: lines instead of the lab's DirAuthority lines; wrapper:
        words before the program; defaults=False: torrc has the SocksPort and the logs;
        as_tor: Debian's tor in any case."""
        self.lab = lab
        self.as_tor = as_tor
        self.dir = str(directory)
        self.data = os.path.join(self.dir, "data")
        os.makedirs(self.data, mode=0o700, exist_ok=True)
        os.chmod(self.data, 0o700)
        self.socks_port = free_port()
        self.proxy = ("127.0.0.1", self.socks_port)
        self.wrapper = list(wrapper)
        self.log_path = os.path.join(self.dir, "sut.log")
        self.torrc_path = os.path.join(self.dir, "torrc")
        self.process = None
        lines = list(lab.client_torrc_lines() if network is None else network)
        lines.append("DataDirectory " + self.data)
        # Most tests follow single circuits; test_conflux.py has it otherwise.
        lines.append("ConfluxEnabled 0")
        if defaults:
            lines += ["SocksPort %d" % self.socks_port, "Log %s stdout" % log_level,
                      "SafeLogging 0", "EnforceDistinctSubnets 1"]
        if as_tor:
            lines += ["ControlSocket %s/control" % self.data,
                      "CookieAuthentication 0"]
        if os.environ.get("SANDBOX") and not as_tor:    # whose SIGTERM is lost then
            lines.append("Sandbox 1")
        self.lines = lines + list(torrc)
        self.write_torrc()

    def write_torrc(self, extra=()):
        privnet.write_text(self.torrc_path, "\n".join(self.lines + list(extra)) + "\n")

    def start(self, timeout=30, wait=True, pass_fds=()):
        with open(self.log_path, "ab") as log:
            self.started_at = log.tell()
            self.process = subprocess.Popen(
                privnet.bound_to_parent(self.wrapper + self.command()), stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, cwd=self.dir, pass_fds=pass_fds)
        if wait:
            self.wait_for("Bootstrapped 100%", timeout, since=self.started_at)
        return self

    def command(self):
        # tor would read /etc/tor's files besides.
        return [program(self.as_tor), "-f", self.torrc_path] + (
            ["--defaults-torrc", "/dev/null"] if self.as_tor else [])

    def log(self):
        return privnet.read_text(self.log_path)

    def log_mark(self):
        return os.path.getsize(self.log_path)

    def wait_for(self, pattern, timeout=20, since=0):
        """Waits for a line of the log that matches; returns the match."""
        deadline = time.monotonic() + timeout
        while True:
            with open(self.log_path, "rb") as f:
                f.seek(since)
                text = f.read().decode("utf-8", "replace")
            match = re.search(pattern, text)
            if match:
                return match
            ended = self.process.poll()
            if ended is not None or time.monotonic() > deadline:
                why = "ended with status %s" % ended if ended is not None else "says"
                raise AssertionError("no %r in %.0f s; the program %s:\n%s" % (
                    pattern, timeout, why, tail(text)))
            time.sleep(0.03)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, sig):
        self.process.send_signal(sig)

    def stop(self, timeout=15):
        """SIGTERM; returns the exit status."""
        if self.process is None:
            return None
        if self.running():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("no end within %d s of SIGTERM:\n%s" % (timeout, tail(self.log())))

    def kill(self):
        if self.running():
            self.process.kill()
            self.process.wait()

    # -- what /proc says ----------------------------------------------------------------------

    def rss_kb(self, field="VmRSS"):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as f:
            return int(re.search(r"^%s:\s+(\d+) kB" % field, f.read(), re.M).group(1))

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.process.pid, encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_files(self):
        """Names of what its descriptors are; one may be closed while they are read."""
        found = set()
        for fd in os.listdir("/proc/%d/fd" % self.process.pid):
            try:
                found.add(os.readlink("/proc/%d/fd/%s" % (self.process.pid, fd)))
            except OSError:
                pass
        return found

    def connected_relays(self):
        """The relays that the process has a TCP connection to."""
        inodes = self.open_files()
        found = []
        with open("/proc/%d/net/tcp" % self.process.pid, encoding="ascii") as f:
            for line in list(f)[1:]:
                fields = line.split()
                if fields[3] == "01" and "socket:[%s]" % fields[9] in inodes:
                    host, port = fields[2].split(":")
                    address = socket.inet_ntoa(bytes.fromhex(host)[::-1])
                    node = self.lab.by_address(address)
                    if node and int(port, 16) == node.or_port:
                        found.append(node)
        return found

    # -- use ----------------------------------------------------------------------------------

    def curl(self, url, *options, timeout=30, proxy="--socks5-hostname"):
        """Runs curl through the SOCKS port -> CompletedProcess with text output."""
        return subprocess.run(
            ["curl", "--silent", "--show-error", "--noproxy", "", "--max-time", str(timeout)]
            + ([proxy, "127.0.0.1:%d" % self.socks_port] if proxy else []) + list(options) + [url],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


def tail(text, lines=25):
    return "\n".join(line[:300] for line in text.splitlines()[-lines:])


def remove_tree(path):
    shutil.rmtree(path, ignore_errors=True)
