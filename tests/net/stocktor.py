"""One relay of Debian's tor that stands for itself, with a limit of its own: for measuring it."""

import os
import re
import socket
import subprocess
import time

from privnet import LabError, bound_to_parent, find_program, read_text, write_text

# What it warns of because of how it is run here, whoever measures it.
USUAL = (r"TestingTorNetwork is set|running Tor as root|sensitive information|"
         r"specify alternate directory authorities|no authentication method|OutboundBind|ExitRelay|"
         r"ControlPort|exit policy")


# A web server: python3 -c SERVER PORT; GET /N has N bytes. It says when it is ready.
SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        n = int(self.path[1:])
        self.send_response(206)
        self.send_header("Content-Length", str(n))
        self.end_headers()
        for _ in range(n // 16384):
            self.wfile.write(bytes(16384))
        self.wfile.write(bytes(n % 16384))
    def log_message(self, *_):
        pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print("ready", flush=True)
s.serve_forever()
"""


class StockTor:
    """Listens at ADDRESS (of loopback, unless a namespace has others). RATE is in bytes a second; None:
    no limit. EXTRA are more lines for torrc. ENTER is what a command begins with that is to run where
    the relay does (nsenter)."""

    def __init__(self, directory, port, rate=None, address="127.0.0.1", extra=(),
                 enter=()):
        self.dir, self.port, self.address = directory, port, address
        self.enter = list(enter)
        self.at = "%s:%d" % (address, port)
        self.control = port + 1
        os.makedirs(directory, mode=0o700, exist_ok=True)
        lines = [
            "TestingTorNetwork 1",
            "Nickname stock%d" % port,
            "DataDirectory " + directory,
            "Address " + address,
            "ORPort %s IPv4Only" % self.at,
            "OutboundBindAddress " + address,
            "SocksPort 0",
            "ControlPort %d" % self.control,
            "CookieAuthentication 1",
            "AssumeReachable 1",
            "ShutdownWaitLength 0",
            "Log notice file %s/notice.log" % directory,
            "Log info file %s/info.log" % directory,
            "SafeLogging 0",
            "ProtocolWarnings 1",       # what it thinks of the other side
            "NumCPUs 1",
            "HeartbeatPeriod 0",
            "GeoIPFile %s/empty" % directory,
            "GeoIPv6File %s/empty" % directory,
            # It needs no network, and finds none: the authority is nobody.
            "DirAuthority nobody orport=1 no-v2 v3ident=%s 127.255.255.254:1 %s" % ("A" * 40, "B" * 40),
        ]
        if not any(line.startswith("ExitRelay") for line in extra):
            lines += ["ExitRelay 0"]
        if not any(line.startswith("ContactInfo") for line in extra):
            lines += ["ContactInfo somebody <nobody AT example.org>"]
        if rate:
            lines += ["RelayBandwidthRate %d" % rate, "RelayBandwidthBurst %d" % rate]
        write_text(directory + "/empty", "")
        write_text(directory + "/torrc", "\n".join(lines + list(extra)) + "\n")
        self.process = None

    def start(self, timeout=30):
        self.process = subprocess.Popen(
            bound_to_parent(self.enter + [find_program("tor"), "-f", self.dir + "/torrc", "--defaults-torrc",
                             self.dir + "/empty", "--hush"]),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + timeout
        while not self.enter and not self.listens(self.control) or "Uploading relay descriptor" not in self.log("info"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise LabError("tor does not start: " + self.log()[-1500:])
            time.sleep(.1)
        return self

    @staticmethod
    def listens(port):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return True

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(timeout=20)
        self.process = None

    def log(self, level="notice"):
        return read_text("%s/%s.log" % (self.dir, level))

    def warnings(self):
        return [line for line in self.log().splitlines()
                if re.search(r"\[(warn|err)\]|\(Bug\)", line) and not re.search(USUAL, line)]

    def closed_for_us(self):
        """What its log says of circuits or clients that it has had enough of."""
        return [line for line in self.log("info").splitlines()
                if re.search(r"queue.*(too|max)|circ_max_cell|dos_|outq|killing circuit|"
                             r"DoS mitigation.*(reject|mark)", line, re.I)]

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
