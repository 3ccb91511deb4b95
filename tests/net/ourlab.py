"""The private network of torlab.py, made of `tunic testnet`: one process, up in half a second."""

import json
import os
import re
import socket
import subprocess
import time

import sut
from privnet import (WEB_HOST, LabError, Network, NetworkNode, bound_to_parent, in_lab_namespace,
                     read_text)


class OurNode(NetworkNode):
    """One node of the process. It keeps its port while it is stopped, and hangs up on all."""

    def __init__(self, lab, facts, v3ident):
        self.lab = lab
        self.name, self.role = facts["nickname"], facts["role"]
        self.address = facts["address"]
        self.or_port, self.dir_port = facts["or_port"], facts["dir_port"]
        self.fingerprint, self.ed25519 = facts["fingerprint"], facts["ed25519"]
        self.v3ident = v3ident
        self.up = True

    def running(self):
        return self.up and self.lab.process.poll() is None

    def kill(self):
        self.lab.order("stop " + self.name)
        self.up = False

    def start(self):
        self.lab.order("start " + self.name)
        self.up = True

    def log(self, level="notice"):
        wanted = {"notice": "notice|warn|err", "info": "info|notice|warn|err"}[level]
        return "".join(line + "\n" for line in read_text(self.lab.log_path).splitlines()
                       if re.search(r"\[(%s)\] %s: " % (wanted, re.escape(self.name)), line))


class OurLab(Network):
    """The network of `tunic testnet`."""

    what = "tunic testnet"
    ptr = ("127.80.0.20", "host-20.test")

    def __init__(self, directory, base=None, say=None):
        super().__init__(directory, base, say)
        self.options = []       # more of `tunic testnet`
        self.log_path = os.path.join(self.dir, "testnet.log")
        self.process = None

    def start(self, targets=True):
        """Without targets: a second network, whose exits lead nowhere."""
        begun = time.monotonic()
        os.makedirs(self.dir, mode=0o700, exist_ok=True)
        try:
            if targets:
                self.start_targets()
            self._start_process()
        except BaseException:
            self.stop()
            raise
        idents = re.findall(r"v3ident=(\w+)", read_text(os.path.join(self.dir, "client.torrc")))
        with open(os.path.join(self.dir, "nodes.json"), encoding="utf-8") as f:
            for facts in json.load(f)["nodes"]:
                ident = idents.pop(0) if facts["role"] == "authority" else None
                self.nodes.append(OurNode(self, facts, ident))
        self.say("network of %d nodes up in %.2f s" % (len(self.nodes), time.monotonic() - begun))
        return self

    def _start_process(self):
        argv = [sut.program(as_tor=False), "testnet", "--no-client", "--dir", self.dir,
                "--relays", "8", "--exits", "3", "--log", "info",
                "--exit-policy", "reject *:%d,accept *:*" % self.ports["refused"]]
        for host in ("web.test=" + WEB_HOST, "v6.test=::1", "nx.test=none", "servfail.test=none",
                     "%s=%s" % (self.ptr[1], self.ptr[0])):
            argv += ["--host", host]
        argv += self.options
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                bound_to_parent(in_lab_namespace(argv)), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=log)
        if not self.process.stdout.readline().startswith(b"testnet ready"):
            raise LabError("no network: " + read_text(self.log_path)[-2000:])

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=20)
            self.process.stdout.close()
            self.process = None
        self.stop_targets()

    def order(self, line):
        """One order to the process (docs/testnet.md) -> its answer."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(20)
            control.connect(os.path.join(self.dir, "control"))
            control.sendall(line.encode() + b"\n")
            with control.makefile("r", encoding="utf-8") as answers:
                answer = answers.readline().strip()
        if not answer or answer.startswith("error"):
            raise LabError("%s: %s" % (line, answer or "no answer"))
        return answer

    def exit_streams(self):
        return [{"target": s["target"], "exit": self.by_name(s["exit"]), "circuit": s["circuit"]}
                for s in json.loads(self.order("streams"))]

    def traffic(self):
        """In cells: what a link carries besides is little."""
        counts = json.loads(self.order("counts"))
        return {n.name: counts[n.name]["cells_in"] * 514 for n in self.nodes if n.running()}

    def complaints(self):
        found = [line for line in read_text(self.log_path).splitlines()
                 if re.search(r"\[(warn|err)\]|ERROR: \w+Sanitizer|runtime error:", line)]
        if self.process.poll() is not None:
            found.append("the process ended with status %d" % self.process.returncode)
        return found

    def other_identity(self, node):
        return OtherIdentity(self, node)


class OtherIdentity:
    """A fault: the node shows the certificates of another Ed25519 key."""

    def __init__(self, lab, node):
        self.lab, self.node = lab, node

    def __enter__(self):
        self.node.kill()
        self.lab.order("fault %s:link-other-ed" % self.node.name)
        self.node.start()

    def __exit__(self, *problem):
        self.node.kill()
        self.lab.order("honest " + self.node.name)
        self.node.start()
