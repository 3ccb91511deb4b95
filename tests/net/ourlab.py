"""The same network as torlab's, made of `tunic testnet`: for tests that run on both."""

import json
import os
import re
import socket
import subprocess
import sys
import time

import torlab

NAMES = {"a": "auth", "g": "guard", "m": "middle", "e": "exit"}


class OurNode:
    """One node of the process. kill() and start() are orders to it."""

    def __init__(self, lab, facts, v3ident):
        self.lab = lab
        self.name = facts["nickname"]
        self.role = facts["role"]
        self.address = facts["address"]
        self.or_port, self.dir_port = facts["or_port"], facts["dir_port"]
        self.fingerprint, self.ed25519 = facts["fingerprint"], facts["ed25519"]
        self.v3ident = v3ident
        self.up = True

    authority_line = torlab.Node.authority_line

    def running(self):
        return self.up and self.lab.process.poll() is None

    def kill(self):
        self.lab.order("stop " + self.name)
        self.up = False

    def start(self):
        self.lab.order("start " + self.name)
        self.up = True

    def wait_ready(self, timeout=20):
        pass                    # it listens all the time

    def log(self, level="notice"):
        """What the process says of this node."""
        wanted = {"notice": r"\[(notice|warn|err)\]", "info": r"\[(info|notice|warn|err)\]"}[level]
        return "".join(line + "\n" for line in torlab.read_text(self.lab.log_path).splitlines()
                       if re.search(wanted + " %s: " % re.escape(self.name), line))


class OurLab:
    """torlab.Lab's operations."""

    in_namespace = False        # relays that are spoken to from elsewhere than loopback hang up
    ptr = ("127.80.0.20", "host-20.test")

    def __init__(self, directory, base=None, say=None):
        self.dir = os.path.abspath(directory)
        self.base = base or torlab.free_base_port()
        self.ports = torlab.Lab.target_ports(self.base)
        self.say = say or (lambda text: None)
        self.log_path = os.path.join(self.dir, "testnet.log")
        self.process = self.targets = None
        self.nodes = []

    node = lambda self, name: next(
        n for n in self.nodes if n.name in (name, NAMES.get(name[0], "") + name[1:]))
    by_role = torlab.Lab.by_role
    by_address = torlab.Lab.by_address
    by_fingerprint = torlab.Lab.by_fingerprint
    url = torlab.Lab.url
    client_torrc_lines = torlab.Lab.client_torrc_lines
    _start_targets = torlab.Lab._start_targets
    busy_relays = torlab.Lab.busy_relays

    def start(self):
        import sut              # which asks torlab for programs
        os.makedirs(self.dir, mode=0o700, exist_ok=True)
        begun = time.monotonic()
        self._start_targets()
        hosts = {"web.test": torlab.WEB_HOST, "v6.test": "::1", "nx.test": "none",
                 "servfail.test": "none", self.ptr[1]: self.ptr[0]}
        argv = [sut.program(as_tor=False), "testnet", "--no-client", "--dir", self.dir,
                "--relays", "8", "--exits", "3", "--log", "info",
                "--exit-policy", "reject *:%d,accept *:*" % self.ports["refused"]]
        for name, address in hosts.items():
            argv += ["--host", "%s=%s" % (name, address)]
        self.process = subprocess.Popen(
            torlab.bound_to_parent(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=open(self.log_path, "wb"))
        if not self.process.stdout.readline().startswith(b"testnet ready"):
            raise torlab.LabError("no network: " + torlab.read_text(self.log_path)[-2000:])
        with open(os.path.join(self.dir, "nodes.json"), encoding="utf-8") as f:
            facts = json.load(f)["nodes"]
        v3idents = re.findall(r"v3ident=(\w+)",
                              torlab.read_text(os.path.join(self.dir, "client.torrc")))
        self.nodes = [OurNode(self, one, v3idents[i] if i < len(v3idents) else None)
                      for i, one in enumerate(facts)]
        self.say("network of %d nodes in one process up in %.2f s" % (
            len(self.nodes), time.monotonic() - begun))
        return self

    def stop(self):
        for process in (self.process, self.targets):
            if process is not None:
                process.terminate()
                process.wait(timeout=20)
                process.stdout.close()
        self.process = self.targets = None

    def order(self, line):
        """One order -> its answer."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(20)
            control.connect(os.path.join(self.dir, "control"))
            control.sendall(line.encode() + b"\n")
            with control.makefile("r", encoding="utf-8") as answers:
                answer = answers.readline().strip()
        assert answer and not answer.startswith("error"), "%s: %s" % (line, answer)
        return answer

    def exit_streams(self):
        return [{"target": s["target"], "exit": self.node(s["exit"]), "circuit": s["circuit"]}
                for s in json.loads(self.order("streams"))]

    def traffic(self):
        """Bytes that came in cells, by node."""
        return {name: counts["cells_in"] * 514
                for name, counts in json.loads(self.order("counts")).items()}

    def other_identity(self, node):
        return OtherIdentity(self, node)


class OtherIdentity:
    """While it lasts, the node has another Ed25519 identity under the same RSA identity."""

    def __init__(self, lab, node):
        self.lab, self.node = lab, node

    def __enter__(self):
        self.node.kill()
        self.lab.order("fault %s:link-other-ed" % self.node.name)
        self.node.start()

    def __exit__(self, *problem):
        self.lab.order("honest " + self.node.name)
