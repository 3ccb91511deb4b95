"""tunic check, as its user sees it: on real relays, and on what is none.

Comes last: the relays' logs are full of it afterwards."""

import json
import os
import re
import socket
import subprocess
import threading
import time
import xml.etree.ElementTree

import pytest

import privnet
import sut as sut_module
import torlab

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="about tunic's own checker")

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "check.md")
LEAST_CASES = 150


def check(*options, timeout=300):
    argv = torlab.bound_to_parent(torlab.in_lab_namespace(
        [sut_module.program(), "check", *options]))
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=timeout, check=False)


def at(node):
    return "%s:%d" % (node.address, node.or_port)


def wait_for_descriptor(node):
    """A relay that was started again a moment ago has none of its own yet."""
    deadline = time.monotonic() + 90
    while subprocess.run(torlab.bound_to_parent(torlab.in_lab_namespace(
            [sut_module.program(), "fetch", "-q", "--no-verify", "--retries", "0", "--from", at(node),
             "server/authority"])), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False).returncode != 0 and time.monotonic() < deadline:
        time.sleep(1)


def whole(lab, role, *options):
    """A check of everything -> (exit status, the report)."""
    node = lab.by_role(role)[0]
    wait_for_descriptor(node)
    done = check(at(node), "--rsa", node.fingerprint, "--ed25519", node.ed25519, "--rate", "100",
                 "--json", "-", *options)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def failures(report, level):
    return {c["id"]: "%(why)s; sent %(sent)s; awaited %(awaited)s; seen %(seen)s" % c
            for c in report["cases"] if c["verdict"] == "fail" and c["level"] == level}


def deviations():
    """The cases that docs/check.md says Debian's tor does not pass."""
    with open(DOCS, encoding="utf-8") as f:
        part = f.read().split("## Deviations of C tor", 1)[1].split("\n## ", 1)[0]
    return set(re.findall(r"^- `([a-z0-9_/.-]+)` \((?:MUST|SHOULD)\)", part, re.M))


def sections_but(*names):
    cases = [line for line in check("--list").stdout.splitlines() if not line.startswith("#")]
    return ",".join(sorted({case.split("/")[0] for case in cases} - set(names)))


# Padding is waited for, half a minute in all: on one relay only.
@pytest.mark.parametrize("role", ["guard", "exit"])
def test_relays_keep_every_rule(lab, role):
    options = [] if role == "guard" else ["--only", sections_but("padding")]
    status, report = whole(lab, role, *options)
    known = deviations() if isinstance(lab, torlab.Lab) else set()
    broken = {k: v for k, v in failures(report, "MUST").items() if k not in known}
    if broken and isinstance(lab, torlab.Lab):  # links between relays that young come and go
        again = whole(lab, role, "--only", ",".join(broken))[1]
        broken = {k: v for k, v in failures(again, "MUST").items() if k in broken}
    assert not broken, json.dumps(broken, indent=1)
    assert status == (1 if failures(report, "MUST") else 0)
    assert len(report["cases"]) >= LEAST_CASES
    if not isinstance(lab, torlab.Lab):
        assert not failures(report, "SHOULD")
    else:
        assert set(failures(report, "SHOULD")) <= known
    skipped = {c["id"]: c["why"] for c in report["cases"] if c["verdict"] == "skip"}
    print("skipped:", json.dumps(skipped, indent=1))
    assert all(skipped.values())
    assert len([c for c in skipped if not c.startswith("measurement/")]) <= 4


def test_an_authority_keeps_the_rules_of_directories(lab):
    status, report = whole(lab, "authority", "--only", "directory,certs,streams")
    known = deviations() if isinstance(lab, torlab.Lab) else set()
    assert not set(failures(report, "MUST")) and status == 0
    assert set(failures(report, "SHOULD")) <= known


def test_every_deviation_that_is_written_up_is_there(lab):
    if not isinstance(lab, torlab.Lab):
        pytest.skip("about C tor")
    if deviations():
        _, report = whole(lab, "guard", "--only", ",".join(sorted(deviations())))
        seen = set(failures(report, "MUST")) | set(failures(report, "SHOULD"))
        assert seen == deviations()


def test_a_relay_lives_on(lab):
    node = lab.by_role("guard")[0]
    assert node.running()
    assert check(at(node), "--only", "versions").returncode == 0


def test_tap_says_what_is_tried_and_what_came_of_it(lab):
    done = check(at(lab.by_role("guard")[0]), "--only", "versions", "--verbose")
    lines = done.stdout.splitlines()
    assert lines[0] == "TAP version 13"
    assert "for relays that you run yourself" in lines[1]
    plan = int(lines[2].removeprefix("1.."))
    assert re.fullmatch(r"# about \d+ s, more where it leaves us without an answer", lines[3])
    results = [line for line in lines if re.match(r"ok \d+ - versions/[a-z0-9-]+: the relay ", line)]
    assert len(results) == plan > 3
    assert re.search(r'^  spec: "tor-spec 4', done.stdout, re.M)
    assert re.search(r'^  sent: "VERSIONS\(', done.stdout, re.M)
    assert re.match(r"# %d passed, 0 MUST and 0 SHOULD failed, 0 skipped; \d+ connections$" % plan,
                    lines[-1])


def test_junit_and_json_go_to_files_whole(lab, workdir):
    junit, report = workdir + "/check.xml", workdir + "/check.json"
    done = check(at(lab.by_role("guard")[0]), "--only", "versions,certs", "--junit", junit, "--json",
                 report)
    assert done.returncode == 0 and done.stdout.startswith("TAP")
    suite = xml.etree.ElementTree.parse(junit).getroot()
    with open(report, encoding="utf-8") as f:
        cases = json.load(f)["cases"]
    assert suite.tag == "testsuite" and len(suite) == int(suite.get("tests")) == len(cases)
    assert {c.get("classname") for c in suite} == {"versions", "certs"}
    assert {c["id"] for c in cases} == {c.get("name") for c in suite}
    assert not [f for f in os.listdir(workdir) if f.endswith(".tmp")]


def test_keys_and_a_consensus_that_are_told(lab, workdir):
    """--ntor in place of what the relay itself tells, right and wrong; --consensus for a diff."""
    node = lab.by_role("guard")[0]
    wait_for_descriptor(node)
    fetch = [sut_module.program(), "fetch", "-q", "--no-verify", "--from", at(node)]
    own, old = (subprocess.run(torlab.bound_to_parent(torlab.in_lab_namespace(fetch + [want])),
                               stdout=subprocess.PIPE, text=True, check=True).stdout
                for want in ("server/authority", "consensus-microdesc"))
    ntor = re.search(r"^ntor-onion-key (\S+)", own, re.M).group(1)
    right = check(at(node), "--only", "ntor/auth", "--ntor", ntor)
    assert right.returncode == 0, right.stdout
    wrong = check(at(node), "--only", "ntor/auth", "--ntor", "A" * 42 + "E", "--timeout", "2")
    assert wrong.returncode == 1, wrong.stdout
    path = os.path.join(workdir, "before")
    privnet.write_text(path, old)
    report = check(at(node), "--only", "directory", "--consensus", path, "--json", "-")
    cases = {c["id"]: c for c in json.loads(report.stdout)["cases"]}
    assert "--consensus" not in cases["directory/diff-known"]["why"]


def test_next_is_whom_circuits_are_extended_to(lab):
    node, other = lab.by_role("guard")[0], lab.by_role("exit")[0]
    wait_for_descriptor(other)
    own = subprocess.run(torlab.bound_to_parent(torlab.in_lab_namespace(
        [sut_module.program(), "fetch", "-q", "--no-verify", "--from", at(other), "server/authority"])),
        stdout=subprocess.PIPE, text=True, check=True).stdout
    ntor = re.search(r"^ntor-onion-key (\S+)", own, re.M).group(1).rstrip("=")
    for key, status in ((ntor, 0), ("A" * 42 + "E", 1)):
        done = check(at(node), "--only", "extend/end-to-end", "--timeout", "2", "--next",
                     "%s,rsa=%s,ntor=%s,ed25519=%s" % (at(other), other.fingerprint, key, other.ed25519))
        assert done.returncode == status, done.stdout


def test_quiet_says_the_sum(lab):
    done = check(at(lab.by_role("guard")[0]), "--only", "versions", "--quiet")
    assert done.returncode == 0
    assert re.fullmatch(r"# tunic check \S+ for relays that you run yourself\n# \d+ passed, 0 MUST and "
                        r"0 SHOULD failed, 0 skipped; \d+ connections\n", done.stdout), done.stdout


def test_a_report_that_cannot_be_written_is_said(lab):
    done = check(at(lab.by_role("guard")[0]), "--only", "versions/answer", "--json", "/nowhere/x")
    assert done.returncode == 1
    assert "/nowhere/x: No such file or directory" in done.stderr


def test_list_needs_no_relay():
    done = check("--list")
    cases = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    assert done.returncode == 0 and len(cases) >= LEAST_CASES
    assert all(re.match(r"[a-z0-9_-]+/[a-z0-9.-]+ +(MUST|SHOULD) +\S+", line) for line in cases)


def test_cases_that_the_pages_name_are_there():
    ids = re.findall(r"^(\w\S*/\S+) ", check("--list").stdout, re.M)
    known = set(ids) | {case.split("/")[0] for case in ids}
    text = check("--help").stdout
    for page in ("check.md", "tunic-check.1"):
        text += privnet.read_text(os.path.join(os.path.dirname(DOCS), page)).replace("\\fI", " ")
    named = set(",".join(re.findall(r"(?:between them:|commas:|--only) +([a-z0-9-]+(?:[,/][a-z0-9-]+)+)", text)).split(","))
    named |= set(re.findall(r"^(?:not )?ok \d+ \S+ (\S+/\S+):", text, re.M))
    assert len(named) > 3 and named - known == set()


@pytest.mark.parametrize("options, says", [
    ([], "which relay?"),
    (["127.0.0.1"], "must be ADDRESS:PORT"),
    (["relay.example:9001"], "names are never looked up"),
    (["127.0.0.1:0"], "must be ADDRESS:PORT"),
    (["127.0.0.1:99999"], "must be ADDRESS:PORT"),
    (["127.0.0.1:1", "127.0.0.1:2"], "one relay at a time"),
    (["127.0.0.1:1", "--rsa", "ABC"], "40 hex digits"),
    (["127.0.0.1:1", "--rsa"], "needs a value"),
    (["127.0.0.1:1", "--ed25519", "ABC"], "32 bytes"),
    (["127.0.0.1:1", "--only", "nothing"], 'no section or case "nothing"'),
    (["127.0.0.1:1", "--only", "versions,tls/nope,certs"], 'no section or case "tls/nope"'),
    (["127.0.0.1:1", "--only="], "names no case"),
    (["127.0.0.1:1", "--rate", "0"], "from 1 to 1000"),
    (["127.0.0.1:1", "--timeout", "x"], "whole number from 1 to 600"),
    (["127.0.0.1:1", "--next", "1.2.3.4:5"], "rsa= and ntor= are needed"),
    (["127.0.0.1:1", "--next", "x"], "begins with ADDRESS:PORT"),
    (["127.0.0.1:1", "--next", "1.2.3.4:5,foo=1"], '"foo" is not understood'),
    (["127.0.0.1:1", "--json", "-", "--junit", "-"], "cannot both"),
    (["127.0.0.1:1", "--list=1"], "takes no value"),
    (["127.0.0.1:1", "--what"], "--what: there is no such option"),
])
def test_wrong_usage_is_explained(options, says):
    done = check(*options)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("tunic check: ") and says in done.stderr


class Impostor:
    """Something that is no relay: sends WORDS, then reads (or not)."""

    def __init__(self, words, hang_up=False):
        self.words, self.hang_up, self.held = words, hang_up, []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                conn, _ = self.server.accept()
                conn.sendall(self.words)
                self.held.append(conn)
                if self.hang_up:
                    conn.close()
            except OSError:
                return


def check_here(*options):
    return subprocess.run([sut_module.program(), "check", *options], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                          check=False)


@pytest.mark.parametrize("words, hang_up, says", [
    (b"", False, "TLS"),
    (b"", True, "closed"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", False, "TLS"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", True, "TLS"),
])
def test_what_is_no_relay_is_told_once(words, hang_up, says):
    server = Impostor(words, hang_up)
    done = check_here("127.0.0.1:%d" % server.port, "--timeout", "1")
    server.server.close()
    assert done.returncode == 3 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and says in done.stderr


def test_a_directory_port_is_told(lab):
    """It says nothing to a TLS handshake, and would for minutes."""
    node = lab.authorities()[0]
    done = check("%s:%d" % (node.address, node.dir_port), "--timeout", "2")
    assert (done.returncode, done.stdout) == (3, "")
    assert "It answers in plain HTTP: a directory port" in done.stderr


def test_nobody_there():
    done = check_here("127.0.0.1:1", "--timeout", "1")
    assert (done.returncode, done.stdout) == (3, "")
    assert "Connection refused" in done.stderr


def test_another_relay_than_was_asked_for(lab):
    a, b = lab.by_role("guard")[:2]
    done = check(at(a), "--rsa", b.fingerprint)
    assert done.returncode == 3 and b.fingerprint in done.stderr and a.fingerprint in done.stderr
    done = check(at(a), "--ed25519", b.ed25519)
    assert done.returncode == 3 and done.stdout == ""


@pytest.mark.parametrize("fault, stage", [
    ("link-no-versions", "came"), ("link-no-common-version", "no version"),
    ("link-no-netinfo", "nothing came"),
])
def test_a_relay_that_stalls_at_once(fault, stage):
    done = check_broken(fault)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "tunic check: " in done.stderr and stage in done.stderr


@pytest.mark.parametrize("fault, case", [
    ("link-no-certs", "certs/sent"), ("link-cert-expired", "certs/signing-date"),
])
def test_a_relay_that_does_not_prove_itself_is_told_case_by_case(fault, case):
    done = check_broken(fault, "--only", "certs")
    assert done.returncode == 1 and done.stderr == ""
    assert re.search(r"^not ok \d+ - %s:" % case, done.stdout, re.M)


def check_broken(fault, *options):
    argv = torlab.bound_to_parent(torlab.in_lab_namespace(
        [sut_module.program(), "testnet", "--no-client", "--quiet", "--fault", "exit1:" + fault,
         "--", "sh", "-c", '%s check $(python3 -c "import json,os; print([\'%%s:%%d\' %% '
         "(n['address'], n['or_port']) for n in json.load(open(os.environ['TUNIC_TESTNET_DIR']"
         " + '/nodes.json'))['nodes'] if n['nickname'] == 'exit1'][0])\") --timeout 1 %s"
         % (sut_module.program(), " ".join(options))]))
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60, check=False)
