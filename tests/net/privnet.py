"""A private Tor network as the tests see it, whoever its relays are: torlab.Lab runs Debian's,
ourlab.OurLab those of `tunic testnet`. Both have the same targets behind their exits (targets.py).
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WEB_HOST = "127.80.0.1"
SILENT_HOST = "198.51.100.81"       # nobody is there
DNS_HOST = "127.53.0.1"


class LabError(Exception):
    """The private network could not be started."""


def find_program(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin")
    if path is None:
        raise LabError("%s is not installed: run tools/install-deps test" % name)
    return path


def bound_to_parent(argv):
    """argv, changed so that the kernel kills it when the starting process dies."""
    return [find_program("setpriv"), "--pdeathsig", "KILL"] + argv


def in_lab_namespace(argv):
    """argv, changed so that it runs in the network namespace of the relays, if they have one."""
    namespace = os.environ.get("TORLAB_NETNS")
    return [find_program("nsenter"), "--net=" + namespace, "--"] + argv if namespace else argv


def free_base_port():
    """The first of 100 ports that nobody uses on the addresses of the lab."""
    if os.environ.get("TORLAB_PORT"):
        return int(os.environ["TORLAB_PORT"])
    if os.environ.get("TORLAB_NETNS"):
        return 20000
    for base in range(20000, 30000, 100):
        try:
            # 99 is the lab's lock: held by the targets process as long as it lives.
            for host, port in ((WEB_HOST, 99), (WEB_HOST, 60), (WEB_HOST, 61), ("127.11.0.1", 1)):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind((host, base + port))
            return base
        except OSError:
            continue
    raise LabError("no free ports for the private network")


def read_text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def write_text(path, text):
    with open(path + ".tmp", "w", encoding="utf-8") as f:
        f.write(text)
    os.replace(path + ".tmp", path)


class NetworkNode:
    """One authority or relay. Attributes: name, role ("authority", "guard", "middle", "exit"),
    address, or_port, dir_port, fingerprint (RSA, 40 hex digits), ed25519 (base64 without padding),
    v3ident (None but for authorities)."""

    def running(self):
        raise NotImplementedError

    def kill(self):
        """Ends the node at once, as a crash would: its links break. start() brings it back."""
        raise NotImplementedError

    def start(self):
        raise NotImplementedError

    def wait_ready(self, timeout=20):
        """Waits until the node, started again, takes connections."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                socket.create_connection((self.address, self.or_port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise LabError("%s does not come back:\n%s" % (self.name, self.log()[-2000:]))

    def log(self, level="notice"):
        """What the node has said at this level and above."""
        raise NotImplementedError

    def authority_line(self, fingerprint=None, v3ident=None):
        """The torrc line of an authority."""
        return "DirAuthority %s orport=%d no-v2 v3ident=%s %s:%d %s" % (
            self.name, self.or_port, v3ident or self.v3ident, self.address, self.dir_port,
            fingerprint or self.fingerprint)


class Network:
    """start() returns when a client can use every node."""

    what = None                 # whose relays, for people
    ptr = None                  # (an address, the name that exits find for it)
    leaves_loopback = False     # whether exits reach public.test, which needs a namespace too

    def __init__(self, directory, base=None, say=None):
        self.dir = os.path.abspath(directory)
        self.base = base or free_base_port()
        self.say = say or (lambda text: None)
        self.nodes = []         # authorities first
        self.beside = set()     # addresses and ports of other networks' nodes
        self.targets = None
        names = ["http", "echo", "echo2", "sink", "blackhole", "closed", "ssh", "git", "refused",
                 "dns"]
        self.ports = dict({name: self.base + 60 + i for i, name in enumerate(names)},
                          lock=self.base + 99)

    # -- each network's own -------------------------------------------------------------------

    def start(self):
        raise NotImplementedError

    def stop(self):
        raise NotImplementedError

    def traffic(self):
        """Bytes that each running node has read from the network so far, by its name."""
        raise NotImplementedError

    def exit_streams(self):
        """For every connection an exit has open to a target: {"target": "IP:PORT", "exit": node,
        "circuit": id of the circuit at that exit}, for any client."""
        raise NotImplementedError

    def complaints(self):
        """Lines of the nodes' logs that tell of a client that broke the protocol, or of bugs."""
        raise NotImplementedError

    def other_identity(self, node):
        """A context: while it lasts, the node runs with another Ed25519 identity under the same
        RSA identity, and the directory still has the old one."""
        raise NotImplementedError

    # -- the same for all ---------------------------------------------------------------------

    def authorities(self):
        return self.by_role("authority")

    def by_role(self, role):
        return [n for n in self.nodes if n.role == role]

    def by_address(self, address):
        return next((n for n in self.nodes if n.address == address), None)

    def by_name(self, name):
        return next(n for n in self.nodes if n.name == name)

    def url(self, path="/", host=None):
        return "http://%s:%d%s" % (host or "web.test", self.ports["http"], path)

    def client_torrc_lines(self):
        return ["TestingTorNetwork 1"] + [a.authority_line() for a in self.authorities()]

    def busy_relays(self, seconds=0.5):
        """[(bytes read in that time, node)], busiest first: while one big transfer runs, the first
        three are its path."""
        before = self.traffic()
        time.sleep(seconds)
        after = self.traffic()
        return sorted(((after[name] - before[name], self.by_name(name))
                       for name in after if name in before), key=lambda pair: -pair[0])

    def start_targets(self):
        os.makedirs(self.dir, mode=0o700, exist_ok=True)
        with open(os.path.join(self.dir, "targets.log"), "ab") as log:
            self.targets = subprocess.Popen(
                bound_to_parent(in_lab_namespace([
                    sys.executable, os.path.join(HERE, "targets.py"), WEB_HOST, DNS_HOST,
                    json.dumps(self.ports), self.dir + "/www"])),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        if self.targets.stdout.readline() != b"ready\n":
            raise LabError("the target servers do not start: see %s/targets.log" % self.dir)

    def stop_targets(self):
        if self.targets is not None:
            self.targets.kill()
            self.targets.wait()
            self.targets.stdout.close()
            self.targets = None
