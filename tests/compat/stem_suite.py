"""stem's integration suite (run_tests.py --integ), and what is known of it."""

import collections
import os
import re
import shutil
import subprocess
import sys

from program import is_tor

HERE = os.path.dirname(os.path.abspath(__file__))
PASSES, WAITS = os.path.join(HERE, "stem.passes"), os.path.join(HERE, "stem.waits")

MODULES = ("response socket connection control process interpreter version client util.connection "
           "util.proc util.system descriptor").split()
# The suite's own trouble with Python 3.11, without any tor.
LEFT_OUT = ["util.system.test_daemon_task_on_failure",
            "util.system.test_daemon_task_when_successful"]
# Fail now and then with C tor too: a second try counts.
RESTLESS = ["process.test_launch_tor_with_timeout",
            "response.protocolinfo.test_pre_disconnected_query",
            "control.base_controller.test_status_notifications"]
# Wants 10 ms of CPU time spent by the start. Ours takes less, most times.
EITHER_WAY = ["util.proc.test_stats"]
# Skipped while another tor is there, which those that process.* starts are for twelve seconds.
CROWDED = "util.system.test_pid_by_name"
# The suite's torrc (test/settings.cfg) makes a relay of tor; --client leaves out what does.
RELAY_LINES = re.compile(r"^\|(ORPort|Address|AssumeReachable|ExitRelay|PublishServerDescriptor) ",
                         re.M)
ALL_TARGETS = "NONE OPEN PASSWORD COOKIE MULTIPLE SOCKET SCOOKIE PTRACE".split()
PATIENCE_S = 60     # a target; with C tor the first takes 15 s, for a poll of its own, the others 4
PASSED, SKIPPED = "SUCCESS", "SKIPPED"


def client_settings(checkout, path):
    """Writes the suite's torrc without the lines for relays, as a file for STEM_TEST_CONFIG."""
    with open(os.path.join(checkout, "test", "settings.cfg"), encoding="utf-8") as f:
        block = re.search(r"^integ\.torrc\n((?:\|.*\n)+)", f.read(), re.M).group(1)
    lines = [line for line in block.splitlines(True) if not RELAY_LINES.match(line)]
    with open(path, "w", encoding="utf-8") as f:
        f.write("integ.torrc\n" + "".join(lines))


def run_suite(args, name, targets, tests):
    """One run of a fresh copy of the checkout -> the path of its output."""
    copy = os.path.join(args.work, name)
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(args.path, copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    # Some tests look for a process of the name "tor", which Debian would give it too.
    tor = os.path.join(args.work, name + ".bin", "tor")
    shutil.rmtree(os.path.dirname(tor), ignore_errors=True)
    os.makedirs(os.path.dirname(tor))
    os.symlink(args.tor, tor)
    environment = dict(os.environ, PYTHONUNBUFFERED="1")
    if args.client:
        environment["STEM_TEST_CONFIG"] = os.path.join(args.work, name + ".cfg")
        client_settings(copy, environment["STEM_TEST_CONFIG"])
    # util.system.test_set_process_name writes as many bytes as the command line has over Python's
    # copy of its first word, four bytes a character: it has to be long, or Python crashes later.
    python = os.path.join(os.path.dirname(sys.executable), "./" * 300,
                          os.path.basename(sys.executable))
    argv = [python, "run_tests.py", "--integ", "--verbose", "--tor", tor,
            "--targets", ",".join(targets)]
    for test in tests:
        argv += ["--test", test]
    for test in LEFT_OUT:
        argv += ["--exclude-test", test]
    output = os.path.join(args.work, name + ".out")
    with open(output, "wb") as f:
        try:
            subprocess.run(argv, cwd=copy, env=environment, stdin=subprocess.DEVNULL, stdout=f,
                           stderr=subprocess.STDOUT, timeout=PATIENCE_S * len(targets), check=False)
        except subprocess.TimeoutExpired:
            print("stem's suite is stuck; what it printed is in " + output)
    return output


def parse(path):
    """The suite's output -> {(target, "module.test"): "SUCCESS", "FAILURE" or "SKIPPED"}."""
    results, target, module = {}, None, None
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            if line.startswith("Setting up a test instance"):
                target = "NONE"
            elif (found := re.search(r"# Torrc options for the RUN_(\w+) target", line)):
                target = found.group(1)
            elif (found := re.match(r"\s+test\.integ\.([\w.]+)\.\w+\s*$", line)):
                module = found.group(1)
            elif (found := re.match(r"(test_\w+)\b.*\[(\w+)\]\s*$", line)):
                results[target, "%s.%s" % (module, found.group(1))] = found.group(2)
    return results


def read_list(path):
    """Lines "test  words" -> {test: words}; those that begin with # are for people."""
    found = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                test, _, words = line.strip().partition(" ")
                found[test] = words.strip()
    return found


def targets_of(words):
    """"all but NONE" or "OPEN COOKIE" -> the targets."""
    if words.startswith("all"):
        left_out = words.split()[2:]
        return [t for t in ALL_TARGETS if t not in left_out]
    return words.split()


def words_of(targets):
    left_out = [t for t in ALL_TARGETS if t not in targets]
    if len(left_out) < len(targets):
        return "all but " + " ".join(left_out) if left_out else "all"
    return " ".join(targets)


def record(results):
    """Writes stem.passes."""
    passing = collections.defaultdict(list)
    for (target, test), result in results.items():
        if result == PASSED:
            passing[test].append(target)
    with open(PASSES, "w", encoding="utf-8") as f:
        f.write("# What C tor 0.4.9 passes of stem's integration suite as a client, and with\n"
                "# which of the suite's targets. Written by tests/compat/run STEM --tor\n"
                "# /usr/sbin/tor --client --targets RUN_ALL --record.\n")
        for test in sorted(passing):
            f.write("%-66s %s\n" % (test, words_of(passing[test])))


def table(results):
    """Per module: passed/failed/skipped, a column a target."""
    targets = list(dict.fromkeys(target for target, _ in results))
    counts = collections.Counter()
    for (target, test), result in results.items():
        kind = result if result in (PASSED, SKIPPED) else "failed"
        counts[test.rsplit(".", 1)[0], target, kind] += 1
    print("%-36s %s" % ("passed/failed/skipped", " ".join("%9s" % t for t in targets)))
    for module in sorted({test.rsplit(".", 1)[0] for _, test in results}):
        cells = ["%d/%d/%d" % tuple(counts[module, target, kind]
                                    for kind in (PASSED, "failed", SKIPPED)) for target in targets]
        print("%-36s %s" % (module, " ".join("%9s" % cell for cell in cells)))
    ran = [r for r in results.values() if r != SKIPPED]
    print("%d of %d passed, %d skipped" % (ran.count(PASSED), len(ran), len(results) - len(ran)))


def try_again(args, results, failed):
    """A second run of the restless tests alone."""
    for test in sorted({test for _, test in failed if test in RESTLESS}):
        targets = ["RUN_" + target for target, name in failed if name == test]
        again = parse(run_suite(args, "again-" + test, targets, [test]))
        for key, result in again.items():
            if key[1] == test and result == PASSED:
                print("%s %s: passed the second time" % key)
                results[key] = result


def compare(args, results):
    """Status 0 if all passes that should, and what waits is still waiting."""
    waits = read_list(WAITS) if not is_tor(args.tor) else {}
    wanted = {(target, test) for test, words in read_list(PASSES).items()
              for target in targets_of(words) if target in {t for t, _ in results}}
    try_again(args, results, {k for k in wanted if results.get(k) != PASSED})
    bad = []
    for target, test in sorted(wanted):
        result = results.get((target, test), "not run")
        if test in EITHER_WAY or (test.startswith(CROWDED) and result == SKIPPED):
            continue
        if result != PASSED and test not in waits:
            bad.append("%s %s: %s" % (target, test, result.lower()))
        elif result == PASSED and test in waits:
            bad.append("%s %s: passes; stem.waits says it waits" % (target, test))
    for test, why in waits.items():
        if any(name == test and result not in (PASSED, SKIPPED)
               for (_, name), result in results.items()):
            print("%s waits: %s" % (test, why))
    for line in bad:
        print(line)
    print("stem: %d of the %d that C tor passes as a client; %s" % (
        len([k for k in wanted if results.get(k) == PASSED]), len(wanted),
        "%d that should not fail do" % len(bad) if bad else "nothing fails that should pass"))
    return 1 if bad else 0


def run(args):
    targets = (["RUN_" + t for t in ALL_TARGETS] if args.targets == "RUN_ALL"
               else args.targets.split(","))
    results = parse(run_suite(args, "stem", targets, MODULES))
    if not results:
        with open(os.path.join(args.work, "stem.out"), encoding="utf-8", errors="replace") as f:
            print("stem's suite ran nothing:\n" + f.read()[-2000:])
        return 1
    table(results)
    if args.record:
        record(results)
        return 0
    return compare(args, results)
