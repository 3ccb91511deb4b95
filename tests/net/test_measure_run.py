"""tunic measure run and probe: relays of `tunic testnet` measured from this computer, honest ones
and such that cheat."""

import json
import re
import subprocess
import time

import pytest

import sut as sut_module
import torlab

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="about tunic's own command")

TUNIC = sut_module.program(as_tor=False)
MB = 1024 * 1024
DONE, NOT_ALL, USAGE = 0, 1, 2


def there(argv):
    """Where 127.0.0.0/8 is all local."""
    return torlab.bound_to_parent(torlab.in_lab_namespace(argv))


def measure(*argv, net=("--measurable",), timeout=90):
    """In a network with the options NET of its own."""
    argv = [TUNIC, "testnet", "--no-client", "--quiet", *net, "--", TUNIC, "measure", *argv]
    return subprocess.run(there(argv), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=timeout, check=False)


def carries(done, relay="guard1"):
    """Bytes a second, by the verdict."""
    found = re.search(r"^%s carries [\d.]+ Mbit/s \(([\d.]+) MB/s\)" % relay, done.stdout, re.M)
    assert found, done.stdout + done.stderr
    return float(found.group(1)) * 1e6


NEAR = .2       # these tests run beside others: how near measurements come, bench/measure.py says


def is_near(value, rate, share=NEAR):
    return abs(value - rate) <= share * rate


def test_first_minute():
    """The first thing that a user tries."""
    begun = time.monotonic()
    done = measure("run", "--local", "guard1", net=("--measurable", "--rate", "3MB"))
    assert done.returncode == DONE, done.stdout
    assert time.monotonic() - begun < 60
    assert is_near(carries(done), 3 * MB)
    assert "The limit was the relay" in done.stdout
    lines = [line for line in done.stderr.splitlines() if "/30 s]" in line]
    assert len(lines) == 30
    assert re.fullmatch(r"guard1: \[30/30 s\] [\d.]+ Mbit/s, background 0\.0, [\d,]+ cells checked, "
                        r"160/160 sockets", lines[-1])


def test_a_second_is_told_with_its_background():
    """What the relay says of its clients comes behind the measurer's report, and is of that second."""
    done = measure("run", "--local", "--seconds", "5", "guard1",
                   net=("--measurable", "--rate", "1MB", "--fault", "guard1:bg-claims=125"))
    assert done.returncode == DONE, done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if "/5 s]" in line]
    assert len(lines) == 5
    assert all(", background 1.0, " in line for line in lines), lines


def test_seconds_that_a_relay_does_not_allow():
    """Connecting counts, too: it says so before the run, which counts for nothing then."""
    for seconds in "45", "43":
        done = measure("run", "--local", "--seconds", seconds, "guard1", net=("--measurable",))
        assert "of the usual 45 s 42 can be measured (refused)" in done.stdout, done.stdout


def test_a_network_that_does_not_know_measuring():
    """Its relays are found out, and measured as those of unmodified tor are."""
    done = measure("run", "--local", "--seconds", "6", "guard1", net=("--rate", "1MB"))
    assert done.returncode == DONE, done.stdout + done.stderr
    assert re.search(r"^guard1 carries (at least )?[\d.]+ Mbit/s", done.stdout), done.stdout


@pytest.mark.parametrize("rate,delay,options", [
    ("500KB", "0", ()),
    ("2MB", "50", ("--sockets", "40")),
    ("8MB", "0", ("--framed", "--check", ".1")),
])
def test_rates_and_forms(rate, delay, options):
    done = measure("run", "--local", "--seconds", "12", "--quiet", *options, "guard1",
                   net=("--measurable", "--rate", rate, "--delay", delay))
    wanted = int(rate[:-2]) * (MB if rate.endswith("MB") else 1024)
    assert done.returncode == DONE, done.stdout
    assert not done.stderr
    assert is_near(carries(done), wanted)


def test_what_we_limited_is_no_number():
    done = measure("run", "--local", "--seconds", "6", "--bw", "4mbit", "guard1",
                   net=("--measurable", "--rate", "3MB"))
    assert done.returncode == NOT_ALL
    assert re.search(r"^guard1: inconclusive\. It carries [34]\.\d Mbit/s or more\.", done.stdout)
    assert "The limit was what we gave" in done.stdout


def test_far_too_low_a_prior_costs_a_second_run():
    done = measure("run", "--local", "--seconds", "9", "--quiet", "--prior", "200kbit", "guard1",
                   net=("--measurable", "--rate", "500KB"))
    assert done.returncode == DONE, done.stdout
    assert done.stdout.startswith("guard1: inconclusive. It carries ")
    assert "guard1: it is measured once more" in done.stderr and "second run of the day" in done.stderr
    assert is_near(carries(done), 500 * 1024)


def test_relays_by_name_fingerprint_and_address():
    script = ('D="$TUNIC_TESTNET_DIR"; %s measure probe $(python3 -c "import json; '
              "n = json.load(open('$D/nodes.json'))['nodes'][4]; "
              "print(n['nickname'].upper(), n['fingerprint'], '$' + n['fingerprint'], "
              "n['address'] + ':' + str(n['or_port']))\")" % TUNIC)
    done = subprocess.run(there([TUNIC, "testnet", "--no-client", "--quiet", "--measurable", "--", "sh",
                                 "-c", script]), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=60, check=False)
    assert done.returncode == DONE, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == 4
    for line in said:
        assert line.endswith(" lets itself be measured: up to 45 s, its clients at 25% of the total "
                             "and 3.3 Mbit/s at least")


# In a test network: guard1 stands in a client's consensus with a port where nobody is, and with an IPv6
# address that leads to it.
TWO_ADDRESSES = r"""
import json, os, re, socket, subprocess, sys, threading
tunic, net = sys.argv[1], os.environ["TUNIC_TESTNET_DIR"]
folder = net + "/client"
os.mkdir(folder)
path = folder + "/cached-microdesc-consensus"
subprocess.run([tunic, "fetch", "-f", net + "/client.torrc", "consensus-microdesc", "-o", path], check=True)
node = next(n for n in json.load(open(net + "/nodes.json"))["nodes"] if n["nickname"] == "guard1")
front = socket.create_server(("::1", 0), family=socket.AF_INET6)
closed = socket.create_server(("127.0.0.1", 0))
port = closed.getsockname()[1]
closed.close()
text = open(path).read()
text, n = re.subn(r"(?m)^(r guard1 .*) [\d.]+ \d+ (\d+)$", r"\1 127.0.0.1 %d \2\na [::1]:%d"
                  % (port, front.getsockname()[1]), text)
assert n == 1, text
open(path, "w").write(text)

def pump(a, b):
    while data := a.recv(65536):
        b.sendall(data)
    b.shutdown(socket.SHUT_WR)

def serve():
    while True:
        a, b = front.accept()[0], socket.create_connection((node["address"], node["or_port"]))
        for pair in (a, b), (b, a):
            threading.Thread(target=pump, args=pair, daemon=True).start()

threading.Thread(target=serve, daemon=True).start()
sys.exit(subprocess.run([tunic, "measure", "run", "--local", "--seconds", "4", "--sockets", "20",
                         "--data-directory", folder, "--identity", net + "/measure/coord.id", *sys.argv[2:]],
                        check=False).returncode)
"""


@pytest.mark.parametrize("options", [(), ("--mode", "echo2", "--hop", "[::1]:0")])
def test_the_next_address_is_tried(options):
    done = subprocess.run(there([TUNIC, "testnet", "--no-client", "--quiet", "--measurable", "--rate",
                                 "2MB", "--", "python3", "-c", TWO_ADDRESSES, TUNIC, "GUARD1", *options]),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=90,
                          check=False)
    assert done.returncode == DONE, done.stdout + done.stderr
    assert re.search(r"guard1: .*: its next address is tried\n", done.stderr), done.stderr
    assert re.search(r"^guard1 carries ", done.stdout)


# In a test network: who asks meets guard1, and whoever comes next is led to guard2.
ANOTHER = r"""
import json, os, socket, subprocess, sys, threading
nodes = json.load(open(os.environ["TUNIC_TESTNET_DIR"] + "/nodes.json"))["nodes"]
at = {n["nickname"]: (n["address"], n["or_port"]) for n in nodes}
front = socket.create_server(("127.0.0.1", 0))

def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        a.close()

def serve():
    whom = "guard1"
    while True:
        a, b = front.accept()[0], socket.create_connection(at[whom])
        whom = "guard2"
        for pair in (a, b), (b, a):
            threading.Thread(target=pump, args=pair, daemon=True).start()

threading.Thread(target=serve, daemon=True).start()
sys.exit(subprocess.run([sys.argv[1], "measure", "run", "--local", "--seconds", "4", "--sockets", "4",
                         "127.0.0.1:%d" % front.getsockname()[1]], check=False).returncode)
"""


def test_who_was_asked_is_who_is_measured():
    """A relay named by its address alone: what another carries is not booked on it."""
    done = subprocess.run(there([TUNIC, "testnet", "--no-client", "--quiet", "--measurable", "--",
                                 "python3", "-c", ANOTHER, TUNIC]),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=90,
                          check=False)
    assert done.returncode == NOT_ALL, done.stdout + done.stderr
    assert done.stdout.strip().endswith("(wrong_identity)"), done.stdout


def test_what_was_not_checked_is_not_said_to_be():
    done = measure("run", "--local", "--seconds", "4", "--check", "0", "guard1",
                   net=("--measurable", "--rate", "1MB"))
    assert done.returncode == DONE, done.stdout
    assert " were echoes and " in done.stdout and "No cell was checked" in done.stdout, done.stdout


def test_what_was_measured_until_it_was_interrupted():
    """And the relay hears of it: it may be measured again at once."""
    script = ("cd \"$TUNIC_TESTNET_DIR\"; %(t)s measure run --local guard1 2>err >out & "
              "until grep -q '\\[3/30 s\\]' err; do sleep .1; done; kill -INT $!; wait $!; echo status $?; "
              "cat out; sleep 2; exec %(t)s measure run --local --seconds 3 guard1") % {"t": TUNIC}
    done = subprocess.run(there([TUNIC, "testnet", "--no-client", "--quiet", "--measurable", "--rate",
                                 "2MB", "--", "bash", "-m", "-c", script]), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=90, check=False)
    assert done.returncode == DONE, done.stdout + done.stderr
    assert re.match(r"status 130\nguard1 was not measured: it was interrupted \(cancelled\)\n  Until then, "
                    r"in [3-5] of 30 s: [\d.]+ Mbit/s \([\d.]+ MB/s\), the median of [2-4]; [\d,]+ cells "
                    r"were checked, and all were good.\nguard1 carries ", done.stdout), done.stdout


def test_probe_of_relays_that_say_no_or_nothing():
    done = measure("probe", "guard1", "guard2", "middle1",
                   net=("--measurable", "--fault", "guard1:measure-refuses=6", "--fault",
                        "guard2:measure-silent"))
    assert done.returncode == NOT_ALL
    first, second, how, third = done.stdout.splitlines()
    assert first == ("guard1 does not let itself be measured: the relay says: "
                     "it is being measured already")
    assert second.startswith("guard2 does not know measuring: the relay said nothing for 10 s")
    assert how.endswith("run --local --mode echo2 guard2")
    assert third.startswith("middle1 lets itself be measured")


@pytest.mark.parametrize("fault", ["echo-sealed=100", "echo-random=500", "echo-replay=500",
                                   "echo-early=500", "echo-swap=500", "echo-flood=500",
                                   "echo-elsewhere=500", "echo-lost=500"])
def test_cheats_are_found(fault):
    done = measure("run", "--local", "guard1",
                   net=("--measurable", "--rate", "3MB", "--fault", "guard1:" + fault))
    assert done.returncode == NOT_ALL, done.stdout
    assert re.search(r"^guard1 was not measured: local: circuit [0-9a-f]{8} of socket \d+.*"
                     r"\(cheat\)$", done.stdout, re.M), done.stdout
    assert len(done.stderr.splitlines()) < 8    # asking, opening, measuring, and few seconds


@pytest.mark.parametrize("fault,why", [
    ("measure-silent", "unsupported"),
    ("measure-refuses=5", "refused"),
    ("measure-closes", "relay_lost"),
    ("echo-on-refuses=8", "no_circuits"),
    ("echo-on-closes", "no_circuits"),
    ("run-stalls=3", "timeout"),
    ("run-closes=3", "relay_lost"),
    ("run-pads=3", "protocol_error|timeout"),
    ("run-aborts=3", "refused|relay_lost"),     # which word comes first is the network's
])
def test_relays_that_fail_in_each_phase(fault, why):
    done = measure("run", "--local", "--mode", "flashflow", "--seconds", "12", "guard1",
                   net=("--measurable", "--rate", "3MB", "--fault", "guard1:" + fault))
    assert done.returncode == NOT_ALL, done.stdout
    assert re.search(r"\((%s)\)\n$" % why, done.stdout), done.stdout


@pytest.mark.parametrize("fault,gain", [("bg-claims=100000", 4 / 3), ("bg-absent", 1),
                                        ("bg-zero", 1), ("bg-endless", 1)])
def test_lies_about_clients_gain_a_third_at_most(fault, gain):
    done = measure("run", "--local", "--seconds", "9", "guard1",
                   net=("--measurable", "--rate", "2MB", "--fault", "guard1:" + fault))
    assert done.returncode == DONE, done.stdout
    assert is_near(carries(done), 2 * MB * gain)


@pytest.mark.parametrize("threads", ["2", "3"])
def test_threads_measure_as_one(threads):
    done = measure("run", "--local", "--seconds", "6", "--threads", threads, "guard1",
                   net=("--measurable", "--rate", "3MB"))
    assert done.returncode == DONE, done.stdout + done.stderr
    assert is_near(carries(done), 3 * MB)
    assert "160/160 sockets" in done.stderr
    assert "all were good" in done.stdout


@pytest.mark.parametrize("fault,why", [
    ("echo-random=500", "cheat"),
    ("measure-refuses=5", "refused"),
    ("echo-on-refuses=8", "no_circuits"),
    ("run-stalls=3", "timeout"),
    ("run-closes=3", "relay_lost"),
])
def test_threads_meet_relays_that_fail(fault, why):
    done = measure("run", "--local", "--seconds", "9", "--threads", "2", "guard1",
                   net=("--measurable", "--rate", "3MB", "--fault", "guard1:" + fault))
    assert done.returncode == NOT_ALL, done.stdout
    assert re.search(r"\(%s\)\n$" % why, done.stdout), done.stdout + done.stderr


def test_twice_a_period():
    done = measure("run", "--local", "--seconds", "3", "--quiet", "guard1", "guard1", "guard1",
                   net=("--measurable", "--rate", "2MB"))
    assert done.returncode == NOT_ALL
    assert done.stdout.splitlines()[-1] == (
        "guard1 was not measured: the relay says: it has been measured often enough in this period "
        "(refused)")
    assert len(re.findall("^guard1 carries", done.stdout, re.M)) == 2


def test_strangers_are_refused():
    done = measure("run", "--local", "guard1", "--identity", "/dev/null")
    assert done.returncode == USAGE
    assert "cannot use the identity in" in done.stderr
    done = subprocess.run(there([TUNIC, "testnet", "--no-client", "--quiet", "--measurable", "--", "sh",
                                 "-c", "rm $TUNIC_TESTNET_DIR/measure/coord.id; exec %s measure run "
                                 "--local guard1" % TUNIC]), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == NOT_ALL
    assert done.stdout == ("guard1 was not measured: the relay says: it does not know this "
                           "coordinator: its FFAllowedCoordinators has to name who asks, which "
                           "--identity says here (refused)\n")


def test_wrong_usage():
    for argv in ((), ("rnu",), ("run",), ("run", "--local"), ("run", "guard1"),
                 ("run", "--local", "x", "--bw", "3"), ("probe",)):
        done = subprocess.run([TUNIC, "measure", *argv], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=10, check=False)
        assert done.returncode == USAGE, argv
        assert done.stderr and not done.stdout
    done = subprocess.run([TUNIC, "measure", "run", "--local", "relay.example.com:9001"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=10,
                          check=False)
    assert done.returncode == NOT_ALL
    assert "names are never looked up" in done.stderr
