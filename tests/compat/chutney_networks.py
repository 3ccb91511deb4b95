"""Chutney's networks: relays are Debian's tor, clients the program that is tried (node). The torrc
files are chutney's own, unchanged."""

import glob
import os
import re
import subprocess

from program import find, is_tor

HERE = os.path.dirname(os.path.abspath(__file__))
ALL_S = 600
PATIENCE_S = "180"      # until all know the network; with C tor too a relay may take minutes


class Network:
    """One network of chutney's: made, bootstrapped, verified and stopped by its own script."""

    def __init__(self, args, flavour):
        self.flavour, self.problem = flavour, None
        self.nodes = os.path.join(args.work, flavour)
        os.makedirs(self.nodes, exist_ok=True)
        self.output = self.nodes + ".out"
        environment = dict(
            os.environ, CHUTNEY_PATH=args.path, CHUTNEY_DATA_DIR=self.nodes,
            CHUTNEY_TOR=os.path.join(HERE, "node"), CHUTNEY_TOR_GENCERT=find("tor-gencert"),
            PYTHON="/usr/bin/python3", PYTHONDONTWRITEBYTECODE="1", CHUTNEY_START_TIME=PATIENCE_S,
            # With C tor too its authorities may miss a vote on a busy machine, and go astray.
            CHUTNEY_ALLOW_FAILURES="1",
            COMPAT_RELAY=find("tor"), COMPAT_CLIENT=args.tor)
        # Each has the same ports, and a failed one may leave its nodes there: a loopback for each.
        self.argv = ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh",
                     os.path.join(args.path, "tools", "test-network.sh"), "--flavor", flavour]
        self.environment = environment

    def run(self):
        with open(self.output, "wb") as f:
            try:
                status = subprocess.run(self.argv, env=self.environment, stdin=subprocess.DEVNULL,
                                        stdout=f, stderr=subprocess.STDOUT, timeout=ALL_S,
                                        check=False).returncode
            except subprocess.TimeoutExpired:
                status = "none in %d s" % ALL_S
        if status != 0:
            self.problem = "status %s" % status
        else:
            self.problem = self.wrong_clients()

    def clients(self):
        """The folders of the nodes that are clients: 005c is one."""
        return [path for path in glob.glob(os.path.join(self.nodes, "nodes", "*"))
                if re.fullmatch(r"\d+c", os.path.basename(path))]

    def wrong_clients(self):
        """A verified network shows nothing unless the program that is tried was its clients."""
        name = "Tor " if is_tor(self.environment["COMPAT_CLIENT"]) else "Tunic "
        clients = self.clients()
        if not clients:
            return "no clients"
        for path in clients:
            with open(os.path.join(path, "notice.log"), encoding="utf-8") as f:
                if not re.search(r"\[notice\] " + name, f.read()):
                    return "client %s was not %s" % (os.path.basename(path), name.strip())
        return None

    def tell(self):
        with open(self.output, encoding="utf-8", errors="replace") as f:
            text = f.read()
        time = re.search(r"Everything bootstrapped after \d+ sec", text)
        print("chutney %-14s %s; clients: %d" % (
            self.flavour, self.problem or "verified", len(self.clients()))
            + (" (%s)" % time.group(0).lower() if time else ""))
        if self.problem:
            print("\n".join(text.splitlines()[-40:]))


def run(args):
    failed = False
    for flavour in args.flavours.split():
        network = Network(args, flavour)
        network.run()
        network.tell()
        failed = failed or network.problem is not None
    return 1 if failed else 0
