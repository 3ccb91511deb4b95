"""The session's private network, the long-lived program under test, and the watch on its traffic."""

import getpass
import os
import re
import socket
import struct
import subprocess
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import ctlrun             # noqa: E402
import dials              # noqa: E402
import ourlab             # noqa: E402
import privnet            # noqa: E402
import steered as steered_module  # noqa: E402
import sut as sut_module  # noqa: E402
import torlab             # noqa: E402

NETWORK = {"tor": torlab.Lab, "tunic": ourlab.OurLab}[os.environ.get("NETWORK", "tor")]

# Test files in this order: what kills relays comes last, then the relays' logs, then what fills
# them with warnings on purpose.
ORDER = ["main", "socks", "isolation", "signals", "link", "wrong", "transfer", None, "failures",
         "after", "check", "alive"]


# What can be run side by side, each with a network of its own (TESTS of tests/net/run). "own",
# "measures" and "teams" are tests that bring their networks, or need none: for them once is enough.
PARTS = {
    "own": "badctl testnet forge habits grammar words ipv6",
    "measures": "measure_run measure_reading measure_report measure_bwfile stock",
    "teams": "measure_directory measure_faults measure_files measure_machines measure_schedule "
             "measure_services",
    "tools": "countries padding fetch check measurable ctl library manual place host options schedule files sandbox metrics event_socket after",
    "clients": "control main path_options socks isolation signals link wrong transfer many conflux congestion memory cgo clock dials stem failures pathbias after alive",
    "controllers": "txtorcon nyx after",
}
BRING_THEIRS = ("own", "measures", "teams")


def is_in(item, part):
    name = re.sub(r"^test_|\.py$", "", os.path.basename(str(item.fspath)))
    return any(name == word or name.startswith(word + "_") for word in PARTS[part].split())


def is_wanted(item):
    if not any(is_in(item, part) for part in PARTS):
        raise pytest.UsageError("conftest.py: no part has %s" % item.fspath)
    if NETWORK is torlab.Lab and any(is_in(item, part) for part in BRING_THEIRS):
        return False
    return any(is_in(item, part) for part in os.environ.get("TESTS", " ".join(PARTS)).split())


def pytest_collection_modifyitems(config, items):
    unwanted = [i for i in items if not is_wanted(i)]
    if unwanted:
        config.hook.pytest_deselected(items=unwanted)
        items[:] = [i for i in items if is_wanted(i)]

    def place(item):
        name = re.sub(r"^test_|\.py$", "", os.path.basename(str(item.fspath)))
        return ORDER.index(name if name in ORDER else None)
    items.sort(key=place)


def pytest_runtest_logreport(report):
    """The names of what failed, for tests/net/run."""
    if report.failed and os.environ.get("TUNIC_FAILED"):
        with open(os.environ["TUNIC_FAILED"], "a", encoding="ascii") as f:
            f.write(report.nodeid + "\n")


def pytest_sessionstart(session):
    if not os.access(sut_module.program(), os.X_OK):
        pytest.exit("no program to test: %s (make first)" % sut_module.program(), 1)


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory):
    """What programs under test remember is forgotten afterwards."""
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))
    yield os.environ["XDG_STATE_HOME"]
    if before is None:
        del os.environ["XDG_STATE_HOME"]
    else:
        os.environ["XDG_STATE_HOME"] = before


def pytest_report_header(config):
    return "program under test: %s; network: %s; namespaces: %s" % (
        sut_module.program(), NETWORK.what,
        "yes" if os.environ.get("TORLAB_NETNS") else "no")


class Cable:
    """Notes every connection that is opened, and every packet that is not TCP, on the cable
    between the program under test and the rest of the world."""

    # tcp with SYN and without ACK, or anything that is not TCP over IPv4 (offsets: Ethernet).
    FILTER = [(0x28, 0, 0, 12), (0x15, 0, 6, 0x800), (0x30, 0, 0, 23), (0x15, 0, 4, 6),
              (0xB1, 0, 0, 14), (0x50, 0, 0, 27), (0x54, 0, 0, 0x12), (0x15, 0, 1, 2),
              (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)]

    def __init__(self, interface):
        self.packets = []       # (what, source, destination, port)
        code = b"".join(struct.pack("HBBI", *step) for step in self.FILTER)
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        import ctypes
        buffer = ctypes.create_string_buffer(code)
        program = struct.pack("HP", len(self.FILTER), ctypes.addressof(buffer))
        self.sock.setsockopt(socket.SOL_SOCKET, 26, program)    # SO_ATTACH_FILTER
        self.sock.bind((interface, 0))
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        while True:
            try:
                packet, where = self.sock.recvfrom(65536)
            except OSError:     # the cable was pulled (test_alive.py); it comes back
                continue
            if where[2] == socket.PACKET_OUTGOING:
                seen = self.describe(packet)
                if seen:
                    self.packets.append(seen)

    @staticmethod
    def describe(packet):
        kind = struct.unpack(">H", packet[12:14])[0]
        if kind == 0x0806:
            return None         # ARP: the kernel's own, for the other end of the cable
        if kind != 0x0800:
            return ("ethertype %04x" % kind, packet[6:12].hex(), packet[0:6].hex(), 0)
        header = (packet[14] & 15) * 4
        source, destination = socket.inet_ntoa(packet[26:30]), socket.inet_ntoa(packet[30:34])
        if packet[23] == 1:
            return ("icmp", source, destination, packet[14 + header])
        port = struct.unpack(">H", packet[14 + header + 2:14 + header + 4])[0]
        return ({6: "tcp", 17: "udp"}.get(packet[23], "protocol %d" % packet[23]), source,
                destination, port)


@pytest.fixture(scope="session")
def workdir():
    path = os.environ["TUNIC_WORKDIR"]
    yield path
    if not os.environ.get("KEEP"):
        sut_module.remove_tree(path)


@pytest.fixture(scope="session")
def cable():
    """None where there are no namespaces."""
    return Cable(os.environ["TUNIC_CABLE"]) if os.environ.get("TUNIC_CABLE") else None


@pytest.fixture(scope="session")
def lab(workdir, cable, request):
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def say(text):
        with capture.global_and_fixture_disabled():
            print("\n[%s]" % text, flush=True)
    network = NETWORK(os.path.join(workdir, "lab"), say=say)
    say("starting the network of %s" % network.what)
    network.start()
    yield network
    network.stop()


# What else a consensus may say of flow control and of conflux.
LOWERED = "cfx_enabled=0 cc_xoff_client=20 cc_xoff_exit=20 cc_xon_rate=20"


@pytest.fixture(scope="session")
def lowered(lab, workdir):
    """A second network, whose consensus has no conflux and stops streams soon."""
    other = NETWORK(os.path.join(workdir, "lowered"), base=lab.base + 200)
    if NETWORK is torlab.Lab:
        other.extra_torrc = {name: ["ConsensusParams " + LOWERED] for name in torlab.AUTHORITIES}
    else:
        other.options = ["--params", LOWERED]
    other.start()
    lab.beside |= {(n.address, n.or_port) for n in other.nodes}     # test_after.py sees them dialled
    yield other
    other.stop()


@pytest.fixture(scope="session")
def main_sut(lab, workdir):
    """One program for all tests that do not need one of their own."""
    client = sut_module.Sut(lab, os.path.join(workdir, "main"))
    client.trace = os.path.join(client.dir, "connects")  # whom it dials, for test_after.py
    client.wrapper = dials.strace(client.trace)
    client.start()
    yield client
    client.kill()


@pytest.fixture
def client(main_sut):
    """The shared program; a test that finds it dead says so and the next one has a new one."""
    if not main_sut.running():
        main_sut.start()
    yield main_sut
    assert main_sut.running(), "the program died in this test:\n" + sut_module.tail(main_sut.log())


@pytest.fixture
def make_sut(lab, workdir, request):
    """Makes programs of the test's own; ended with the test."""
    made = []

    def make(**options):
        name = re.sub(r"\W+", "_", request.node.name)
        directory = os.path.join(workdir, "%s-%d" % (name, len(made)))
        made.append(sut_module.Sut(lab, options.pop("directory", directory), **options))
        return made[-1]
    yield make
    for one in made:
        one.kill()


@pytest.fixture(scope="session")
def steered_sut(lab, workdir):
    """One program with a control port for all tests that leave it as it was."""
    one = steered_module.Steered(lab, os.path.join(workdir, "steered")).start()
    yield one
    one.kill()


@pytest.fixture
def steered(steered_sut):
    if not steered_sut.running():
        steered_sut.start()
    yield steered_sut
    assert steered_sut.running(), \
        "the program died in this test:\n" + sut_module.tail(steered_sut.log())


@pytest.fixture
def make_steered(lab, workdir, request):
    """Makes programs with a control port, of the test's own; ended with the test."""
    made = []

    def make(*torrc, **options):
        name = re.sub(r"\W+", "_", request.node.name)
        directory = os.path.join(workdir, "%s-steered-%d" % (name, len(made)))
        made.append(steered_module.Steered(lab, directory, torrc=torrc, **options))
        return made[-1]
    yield make
    for one in made:
        one.kill()


class SshServer:
    """An sshd of our own on the relays' side, for the user who runs the tests."""

    def __init__(self, lab, directory):
        self.dir, self.port = directory, lab.ports["ssh"]
        os.makedirs(directory, mode=0o700)
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                            os.path.join(directory, name)], check=True)
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        config = ["ListenAddress %s:%d" % (privnet.WEB_HOST, self.port),
                  "HostKey %s/host" % directory, "AuthorizedKeysFile %s/user.pub" % directory,
                  "PidFile none", "UsePAM no", "StrictModes no", "PasswordAuthentication no",
                  "PermitRootLogin yes", "UseDNS no"]
        privnet.write_text(directory + "/config", "\n".join(config) + "\n")
        self.process = subprocess.Popen(
            privnet.bound_to_parent(privnet.in_lab_namespace(
                [privnet.find_program("sshd"), "-D", "-e", "-f", directory + "/config"])),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(directory + "/log", "wb"))

    def command(self, client):
        proxy = "%s %s --ssh 127.0.0.1 %d %%h %%p" % (
            sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                         "socks_client.py"), client.socks_port)
        return ["ssh", "-T", "-F", "/dev/null", "-i", self.dir + "/user", "-p", str(self.port),
                "-o", "ProxyCommand=" + proxy, "-o", "StrictHostKeyChecking=no",
                "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                "-o", "BatchMode=yes", getpass.getuser() + "@web.test"]


@pytest.fixture(scope="session")
def ssh_server(lab, workdir):
    with open("/proc/self/uid_map", encoding="ascii") as f:
        if os.geteuid() == 0 and int(f.read().split()[2]) < 65536:
            pytest.skip("sshd does not run as root of a user namespace")
    server = SshServer(lab, os.path.join(workdir, "ssh"))
    yield server
    server.process.kill()
    server.process.wait()


@pytest.fixture
def terminal(tmp_path):
    """Makes terminals (ctlrun.Terminal), of COLUMNS and ROWS."""
    made = []

    def make(columns=80, rows=24):
        made.append(ctlrun.Terminal(tmp_path, columns, rows))
        return made[-1]
    yield make
    for one in made:
        one.end()


@pytest.fixture(scope="session")
def git_server(lab, workdir):
    """A repository served over plain ("dumb") HTTP; yields its URL."""
    source, served = os.path.join(workdir, "git-source"), os.path.join(workdir, "lab", "www")
    who = ["-c", "user.name=t", "-c", "user.email=t@web.test"]
    os.makedirs(served, exist_ok=True)

    def run(*argv):
        subprocess.run(["git"] + list(argv), check=True, capture_output=True)
    run("init", "-q", source)
    privnet.write_text(source + "/file", "through three relays\n")
    run("-C", source, "add", "file")
    run("-C", source, *who, "commit", "-qm", "one")
    run("clone", "-q", "--bare", source, served + "/r.git")
    run("-C", served + "/r.git", "update-server-info")
    yield lab.url("/files/r.git")
