"""One client against `tunic testnet` in a process of its own: for ceiling.py and streams.py."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
OURS = os.path.join(TOP, "build", "tunic")
WAIT_S = 60
HOST = b"sink.test"
STREAMS_A_CIRCUIT = 800     # the network's exits take no more than 1,024


def bound(argv, core=None):
    """ARGV that ends with us, on one core if CORE is given."""
    pinned = ["taskset", "-c", str(core)] if core is not None else []
    return ["setpriv", "--pdeathsig", "KILL", *pinned, *argv]


def wait_until(ready, what):
    end = time.monotonic() + WAIT_S
    while not ready():
        if time.monotonic() > end:
            raise RuntimeError("waited in vain: " + what)
        time.sleep(0.05)


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def cpu_ns(pid):
    """Of all threads; finer than the clock ticks of /proc/PID/stat."""
    tasks = "/proc/%d/task" % pid
    return sum(int(read("%s/%s/schedstat" % (tasks, t)).split()[0]) for t in os.listdir(tasks))


class Client:
    def __init__(self, program, directory, torrc, core=None):
        self.a_circuit = STREAMS_A_CIRCUIT
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
        log = os.path.join(directory, "log")
        argv = [program, "-f", torrc, "--DataDirectory", os.path.join(directory, "data"),
                "--SocksPort", str(self.port), "--Log", "notice file " + log]
        self.popen = subprocess.Popen(bound(argv, core), stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: "Bootstrapped 100%" in read(log), "the client")

    def cpu_s(self):
        return cpu_ns(self.popen.pid) / 1e9

    def rss_kb(self):
        line = next(x for x in read("/proc/%d/status" % self.popen.pid).splitlines()
                    if x.startswith("VmRSS"))
        return int(line.split()[1])

    def begin(self, far_port, number=0):
        """Sends all of a SOCKS handshake; every A_CIRCUIT have a circuit of their own."""
        user = b"u%d" % (number // self.a_circuit)
        sock = socket.create_connection(("127.0.0.1", self.port))
        sock.settimeout(WAIT_S)
        sock.sendall(b"\x05\x01\x02\x01" + bytes([len(user)]) + user + b"\x01x\x05\x01\x00\x03" +
                     bytes([len(HOST)]) + HOST + far_port.to_bytes(2, "big"))
        return sock

    @staticmethod
    def finish(sock):
        answer = b""
        while len(answer) < 14:
            more = sock.recv(14 - len(answer))
            if not more:
                raise RuntimeError("the SOCKS port closed")
            answer += more
        if answer[5]:
            raise RuntimeError("refused with %d" % answer[5])
        return sock

    def open(self, far_port, number=0):
        return self.finish(self.begin(far_port, number))


@contextlib.contextmanager
def pair(program, cores=(None, None), params=""):
    """A network with PARAMS in its consensus on the first core and a client on the second -> Client."""
    directory = tempfile.mkdtemp(prefix="tunic-pair-")
    net = os.path.join(directory, "net")
    started = []
    try:
        started.append(subprocess.Popen(
            bound([OURS, "testnet", "--no-client", "--quiet", "--dir", net,
                   *(["--params", params] if params else [])], cores[0]),
            stdin=subprocess.DEVNULL))
        torrc = os.path.join(net, "client.torrc")
        wait_until(lambda: os.path.exists(torrc), "the network")
        client = Client(program, directory, torrc, cores[1])
        started.append(client.popen)
        yield client
    finally:
        for popen in started:
            popen.kill()
            popen.wait()
        shutil.rmtree(directory, ignore_errors=True)


class Far:
    """The server at the other end: for each connection a line says what to do.

    "down N": N bytes come; "up N": N bytes are taken, and "ok" comes."""

    def __init__(self):
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            sock, _ = self.sock.accept()
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    @staticmethod
    def serve(sock):
        with sock:
            head = b""
            while b"\n" not in head:
                more = sock.recv(65536)
                if not more:
                    return
                head += more
            line, body = head.split(b"\n", 1)
            way, left = line.split()[0], int(line.split()[1])
            if way == b"down":
                block = bytes(1 << 17)
                while left:
                    sock.sendall(block[:left])
                    left -= min(left, len(block))
                return
            left -= len(body)
            while left:
                more = sock.recv(1 << 18)
                if not more:
                    return
                left -= len(more)
            sock.sendall(b"ok")


def transfer(client, far, way, size, number=0):
    """Seconds that SIZE bytes took over a stream of their own."""
    begun = time.monotonic()
    with client.open(far.port, number) as sock:
        sock.sendall(b"%s %d\n" % (way.encode(), size))
        if way == "down":
            got, buf = 0, bytearray(1 << 18)
            while n := sock.recv_into(buf):
                got += n
        else:
            block, got = bytes(1 << 17), 0
            while got < size:
                sock.sendall(block[:size - got])
                got += min(len(block), size - got)
            if sock.recv(2) != b"ok":
                raise RuntimeError("the far end did not take all of it")
        if got != size:
            raise RuntimeError("%d of %d bytes" % (got, size))
    return time.monotonic() - begun
