"""Machines: network namespaces on one cable, each with an address and a line of its own, and
somebody at one of them who counts what arrives from whom. For tests of coordinators and measurers.
"""

import json
import os
import subprocess
import sys
import time

import pytest

from privnet import bound_to_parent

NET = "198.51.100."

# python3 -c WATCH FILE: counts TCP packets by where they come from and the port that they are for.
WATCH = """
import json, os, select, socket, struct, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
counts = {}
while True:
    if select.select([s], [], [], .1)[0]:
        packet, where = s.recvfrom(65535)
        if where[2] == 4 or len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != 6:
            continue
        head = 4 * (packet[0] & 15)
        key = "%s %d" % (socket.inet_ntoa(packet[12:16]), struct.unpack_from("!H", packet, head + 2)[0])
        counts[key] = counts.get(key, 0) + 1
        if select.select([s], [], [], 0)[0]:
            continue
    with open(sys.argv[1] + ".new", "w") as f:
        json.dump([time.time(), counts], f)
    os.rename(sys.argv[1] + ".new", sys.argv[1])
"""

# python3 -c FORWARD ADDRESS PORT HERE: carries ADDRESS:PORT to HERE:PORT. It says when it is ready.
FORWARD = """
import socket, sys, threading
def carry(a, b):
    try:
        while True:
            data = a.recv(16384)
            if not data:
                break
            b.sendall(data)
    except OSError:
        pass
    for s in (a, b):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
door = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
while True:
    a, _ = door.accept()
    try:
        b = socket.create_connection((sys.argv[3], int(sys.argv[2])),
                                     source_address=("127.0.0.1", 0))
    except OSError:
        a.close()
        continue
    for s in (a, b):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=carry, args=(a, b), daemon=True).start()
    threading.Thread(target=carry, args=(b, a), daemon=True).start()
"""


def sh(command, enter=()):
    return subprocess.run([*enter, "sh", "-c", command], check=False, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


class Machine:
    """One host of the cable at NET + NUMBER."""

    def __init__(self, number, switch):
        self.holder = subprocess.Popen(
            bound_to_parent(["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"]),
            stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.enter = ["nsenter", "--net=/proc/%d/ns/net" % self.holder.pid]
        self.address = NET + str(number)
        self.switch = switch
        if switch is None:
            assert sh("ip link set lo up; ip link add br0 type bridge; ip link set br0 up",
                      self.enter)
            return
        self.port = "p%d" % number
        assert sh("ip link add %s type veth peer name eth0 netns %d; ip link set %s master br0 up" % (
            self.port, self.holder.pid, self.port), switch.enter)
        assert sh("ip link set lo up; ip addr add %s/24 dev eth0; ip link set eth0 up" % self.address,
                  self.enter)

    def shape(self, mbit):
        """Its line carries so much each way. False: that is not allowed here."""
        how = "tc qdisc add dev %s root tbf rate %dkbit burst 16kb latency 200ms"
        return (sh(how % ("eth0", mbit * 1000), self.enter) and
                sh(how % (self.port, mbit * 1000), self.switch.enter))

    def start(self, argv, **more):
        return subprocess.Popen(bound_to_parent(self.enter + argv), stdin=subprocess.DEVNULL, **more)

    def run(self, argv, timeout=60, **more):
        return subprocess.run(bound_to_parent(self.enter + argv), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout, check=False, **more)

    def end(self):
        self.holder.kill()
        self.holder.wait()


class Machines:
    """A switch, and machines by name: Machines(c=10, m1=11)."""

    def __init__(self, **numbers):
        if os.geteuid() != 0 or not sh("unshare --net true"):
            pytest.skip("no network namespaces may be made here")
        self.switch = Machine(1, None)
        self.by_name = {name: Machine(number, self.switch) for name, number in numbers.items()}

    def __getitem__(self, name):
        return self.by_name[name]

    def end(self):
        for machine in self.by_name.values():
            machine.end()
        self.switch.end()


class Watch:
    """What arrives at MACHINE."""

    def __init__(self, machine, path):
        self.path = path
        self.process = machine.start([sys.executable, "-c", WATCH, path])
        deadline = time.monotonic() + 10
        while not os.path.exists(path):
            assert time.monotonic() < deadline
            time.sleep(.05)

    def counts(self):
        """By who sent it and to which port; all that arrived before this was asked."""
        asked = time.time()
        while True:
            with open(self.path, encoding="ascii") as f:
                when, counts = json.load(f)
            if when > asked + .2:
                return {tuple(key.split()): n for key, n in counts.items()}
            time.sleep(.05)

    def packets(self, sender, port):
        return self.counts().get((sender.address, str(port)), 0)

    def end(self):
        self.process.kill()
        self.process.wait()
