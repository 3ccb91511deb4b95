#!/usr/bin/python3
"""Tunic against Debian's tor client, and Arti if it is there, on one private network: CPU, memory
and time.

What is measured and how: bench/README.md. Figures, no verdict: nothing here fails a test.
"""

import argparse
import datetime
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(TOP, "tests", "net"))

import arti      # noqa: E402
import loopback  # noqa: E402
import sut       # noqa: E402
import torlab    # noqa: E402

MB = 1000 * 1000
BULK_MB = 100
MANY = 64
PAGES = 50
PAGE_BYTES = 2000

NAGLE = "it delays acknowledgements, so some pages take 40 ms more, whoever asks for them"

# key, what it says in the table, digits after the point; under 1 is better in every ratio
MEASURES = [
    ("cpu_down", "CPU s per 100 MB down, 1 stream", 2),
    ("cpu_down8", "CPU s per 100 MB down, 8 streams", 2),
    ("cpu_up", "CPU s per 100 MB up, 1 stream", 2),
    ("cpu_up8", "CPU s per 100 MB up, 8 streams", 2),
    ("cpu_down64", "CPU s per 100 MB down, 64 streams", 2),
    ("cpu_boot", "CPU s, start to first page, cold cache", 2),
    ("rss_boot", "memory after bootstrap, MB", 1),
    ("rss_after", "memory after the transfers, MB", 1),
    ("hwm", "peak memory with 64 streams, MB", 1),
    ("cold", "s, start to first page, cold cache", 2),
    ("warm", "s, start to first page, warm cache", 2),
    ("ttfb", "ms to first byte of a 2 kB page (median of 50)", 1),
    ("page", "ms for all of a 2 kB page (median of 50)", 1),
    ("wall_down", "s per 100 MB down, 1 stream", 2),
    ("wall_down8", "s per 100 MB down, 8 streams", 2),
    ("wall_down64", "s per 100 MB down, 64 streams", 2),
    ("wall_up", "s per 100 MB up, 1 stream", 2),
    ("wall_up8", "s per 100 MB up, 8 streams", 2),
]


class BenchError(Exception):
    """A transfer or a start failed: there is nothing to compare."""


def say(text):
    print("bench: " + text, file=sys.stderr, flush=True)


def curl(client, arguments, timeout=300):
    """curl through the client's SOCKS port; returns its stdout. Every answer must be complete."""
    done = subprocess.run(
        ["curl", "-q", "--silent", "--show-error", "--fail", "--noproxy", "", "--max-time", str(timeout),
         "--socks5-hostname", "127.0.0.1:%d" % client.socks_port] + arguments,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        check=False)
    if done.returncode != 0:
        raise BenchError("curl %s: status %d: %s\n%s" % (
            " ".join(arguments[-3:]), done.returncode, done.stderr.strip(), sut.tail(client.log())))
    return done.stdout


def parallel(streams):
    return ["--parallel", "--parallel-immediate", "--parallel-max", str(streams)]


def downloads(lab, streams, size):
    arguments = parallel(streams) if streams > 1 else []
    for _ in range(streams):
        arguments += ["-o", "/dev/null", lab.url("/bytes/%d" % size)]
    return arguments + ["-w", "%{size_download}\\n"]


def uploads(lab, streams, path):
    arguments = (parallel(streams) if streams > 1 else []) + ["-H", "Expect:"]
    for _ in range(streams):
        arguments += ["-T", path, lab.url("/upload")]
    return arguments


class Timed:
    """CPU and wall seconds of the client during a block, per 100 MB."""

    def __init__(self, client, megabytes):
        self.client, self.scale = client, 100 / megabytes

    def __enter__(self):
        self.cpu0, self.wall0 = self.client.cpu_seconds(), time.monotonic()
        return self

    def __exit__(self, *unused):
        self.wall = (time.monotonic() - self.wall0) * self.scale
        self.cpu = (self.client.cpu_seconds() - self.cpu0) * self.scale


def wait_listening(client, deadline):
    while True:
        try:
            socket.create_connection(client.proxy, 1).close()
            return
        except OSError:
            if client.process.poll() is not None:
                raise BenchError("the program ended:\n" + sut.tail(client.log())) from None
            if time.monotonic() > deadline:
                raise BenchError("no SOCKS port:\n" + sut.tail(client.log())) from None
            time.sleep(0.002)


def start_to_page(lab, client):
    """Starts the program -> seconds until a page is there, asked for as soon as SOCKS listens."""
    begun = time.monotonic()
    client.start(wait=False)
    wait_listening(client, begun + 30)
    while True:
        try:
            curl(client, ["-o", "/dev/null", lab.url("/bytes/%d" % PAGE_BYTES)], timeout=60)
            return time.monotonic() - begun
        except BenchError:
            # As a user would: again, at once.
            if time.monotonic() > begun + 120:
                raise


def reset_peak(client):
    with open("/proc/%d/clear_refs" % client.process.pid, "w", encoding="ascii") as f:
        f.write("5")


def measure_pages(lab, client, found):
    arguments = ["-w", "%{time_starttransfer} %{time_total}\\n"]
    for _ in range(PAGES):
        arguments += ["-o", "/dev/null", lab.url("/bytes/%d" % PAGE_BYTES)]
    rows = [line.split() for line in curl(client, arguments).splitlines()]
    found["ttfb"] = statistics.median(float(r[0]) for r in rows) * 1000
    found["page"] = statistics.median(float(r[1]) for r in rows) * 1000


def measure_bulk(lab, client, found, files):
    for streams, tail in ((1, ""), (8, "8")):
        size = BULK_MB * MB // streams
        with Timed(client, BULK_MB) as t:
            text = curl(client, downloads(lab, streams, size))
        if [int(n) for n in text.split()] != [size] * streams:
            raise BenchError("a download of another size: " + text)
        found["cpu_down" + tail], found["wall_down" + tail] = t.cpu, t.wall
        with Timed(client, BULK_MB) as t:
            text = curl(client, uploads(lab, streams, files[streams]))
        if re.findall(r"^(\d+) [0-9a-f]{64}$", text, re.M) != [str(size)] * streams:
            raise BenchError("an upload of another size: " + text)
        found["cpu_up" + tail], found["wall_up" + tail] = t.cpu, t.wall


def make_client(lab, name, directory, arti_program):
    if name == "Arti":
        return arti.Arti(lab, directory, arti_program)
    client = sut.Sut(lab, directory, log_level="notice", as_tor=name == "tor")
    # The tests have tor keep to one path a stream; here both are what they are by themselves.
    client.lines = [line for line in client.lines if line != "ConfluxEnabled 0"]
    client.write_torrc()
    return client


def measure(lab, client, files):
    """One program, once through everything -> {key: figure}."""
    found = {}
    try:
        found["cold"] = start_to_page(lab, client)
        found["cpu_boot"] = client.cpu_seconds()
        client.wait_for("Bootstrapped 100%", 60)
        time.sleep(3)       # circuits built ahead of need
        found["rss_boot"] = client.rss_kb() / 1000
        measure_pages(lab, client, found)
        measure_bulk(lab, client, found, files)
        found["rss_after"] = client.rss_kb() / 1000
        reset_peak(client)
        with Timed(client, 2 * MANY) as t:
            curl(client, downloads(lab, MANY, 2 * MB))
        found["cpu_down64"], found["wall_down64"] = t.cpu, t.wall
        found["hwm"] = client.rss_kb("VmHWM") / 1000
        client.stop()
        found["warm"] = start_to_page(lab, client)
        client.stop()
    except (AssertionError, OSError) as error:
        raise BenchError("%s: %s" % (client.dir, error)) from error
    finally:
        client.kill()
    return found


# -- the report -------------------------------------------------------------------------------

def spread(values, digits):
    return "%.*f (%.*f..%.*f)" % (digits, statistics.median(values), digits, min(values),
                                  digits, max(values))


def ratios(results, key, other):
    """Tunic/OTHER of each round; they were measured side by side in time."""
    return [a[key] / b[key] for a, b in zip(results["Tunic"], results[other]) if b[key] > 0]


def table(results):
    others = [name for name in results if name != "Tunic"]
    rows = [["", *results, *("Tunic/" + name for name in others)]]
    for key, label, digits in MEASURES:
        pairs = [ratios(results, key, other) for other in others]
        rows.append([label] + [spread([r[key] for r in rounds], digits)
                               for rounds in results.values()]
                    + [spread(p, 2) if p else "-" for p in pairs])
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(r, widths)) + " |" for r in rows]
    return [lines[0], "|" + "|".join("-" * (w + 1) + ":" for w in widths).replace(":", "-", 1) + "|"
            ] + lines[1:]


def first_line(argv):
    try:
        out = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             stdin=subprocess.DEVNULL, check=False).stdout
    except OSError as error:
        return str(error)
    return out.splitlines()[0].rstrip(".") if out else "?"


def cpu_model():
    match = re.search(r"^model name\s*: (.*)$", torlab.read_text("/proc/cpuinfo"), re.M)
    return match.group(1) if match else platform.machine()


def facts(results, load, at_once, arti_program):
    rounds = len(load)
    # Its first line is in tor's words, for programs that look for them.
    match = re.search(r"tunic-([0-9.]+[0-9])", first_line([sut.program(False), "--version"]))
    tunic = "Tunic " + (match.group(1) if match else "?")
    return [
        "%d round%s, the programs in turn; medians (least..most). A ratio is the median of the "
        "rounds' own" % (rounds, "" if rounds == 1 else "s"),
        "ratios: under 1, Tunic needs less.",
        "",
        "- " + "; ".join(
            [tunic, first_line([torlab.find_program("tor"), "--version"])]
            + ([arti.version(arti_program)] if "Arti" in results else [])
            + [first_line(["openssl", "version"]),
               " ".join(first_line(["curl", "--version"]).split()[:2])]),
        "- loopback: " + ("acknowledges at once" if at_once else NAGLE),
        "- %d cores: %s; Linux %s" % (os.cpu_count(), cpu_model(), platform.release()),
        "- load average (1 min) before each round: " + ", ".join("%.1f" % x for x in load),
    ]


def report(results, load, at_once, arti_program):
    return facts(results, load, at_once, arti_program) + [""] + table(results)


def speeds():
    """What the machine itself does in a cell: lines, or why there are none."""
    program = os.path.join(TOP, "build", "bench", "cells")
    if not os.access(program, os.X_OK):
        return ["(The machine's own speeds: make build/bench/cells first.)"]
    out = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=False).stdout
    return ["The machine's own speeds, by build/bench/cells:", ""] + [
        "    " + line for line in out.splitlines()]


def plot(results, path):
    """Ratios to tor as a picture, where matplotlib is installed -> a line that says what was done."""
    try:
        import matplotlib
    except ImportError:
        return "no plot: python3-matplotlib is not installed"
    matplotlib.use("Agg")
    from matplotlib import pyplot
    rows = [(label, ratios(results, key, "tor")) for key, label, _ in MEASURES]
    rows = [(label, found) for label, found in rows if found][::-1]
    figure, axes = pyplot.subplots(figsize=(9, 0.4 * len(rows) + 1))
    middle = [statistics.median(found) for _, found in rows]
    spans = [[m - min(f) for m, (_, f) in zip(middle, rows)],
             [max(f) - m for m, (_, f) in zip(middle, rows)]]
    axes.barh([label for label, _ in rows], middle, xerr=spans)
    axes.axvline(1, color="black")
    axes.set_xlabel("Tunic / tor: under 1, Tunic needs less")
    figure.tight_layout()
    figure.savefig(path)
    return "plotted: " + path


def append(lines, command):
    path = os.path.join(HERE, "RESULTS.md")
    text = torlab.read_text(path) or "# Results\n"
    commit = first_line(["git", "-C", TOP, "rev-parse", "--short", "HEAD"])
    text += "\n## %s, commit %s\n\n%s\n\nTo repeat it: `make all && %s`\n" % (
        datetime.date.today().isoformat(), commit, "\n".join(lines), command)
    torlab.write_text(path, text)


def make_files(directory):
    """Bodies to upload: {streams: path}."""
    paths = {}
    for streams in (1, 8):
        paths[streams] = os.path.join(directory, "body%d" % streams)
        with open(paths[streams], "wb") as f:
            f.truncate(BULK_MB * MB // streams)
    return paths


def run(rounds, directory, arti_program):
    programs = ["Tunic", "tor"] + (["Arti"] if arti_program else [])
    results, load = {name: [] for name in programs}, []
    lab = torlab.Lab(os.path.join(directory, "lab"), say=say)
    lab.start()
    try:
        files = make_files(directory)
        for number in range(rounds):
            load.append(os.getloadavg()[0])
            for name in programs:
                say("round %d of %d: %s" % (number + 1, rounds, name))
                where = os.path.join(directory, "%s%d" % (name, number))
                found = measure(lab, make_client(lab, name, where, arti_program), files)
                results[name].append(found)
                say("  " + "  ".join("%s %.2f" % (key, found[key]) for key, _, _ in MEASURES))
                shutil.rmtree(where, ignore_errors=True)
    finally:
        lab.stop()
    return results, load


def main():
    parser = argparse.ArgumentParser(description="Tunic against Debian's tor client.")
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--arti", default=shutil.which("arti"), metavar="PATH",
                        help="Arti's program (the one in PATH, if there is one)")
    parser.add_argument("--append", action="store_true", help="add the table to bench/RESULTS.md")
    args = parser.parse_args()
    rounds = 1 if args.quick else args.rounds
    if rounds < 1:
        parser.error("at least one round")
    if not os.access(sut.program(False), os.X_OK):
        sys.exit("bench: no program %s: run make, or set TUNIC" % sut.program(False))
    at_once = loopback.enter()
    if not at_once:
        say("no network namespace of its own: " + NAGLE)
    directory = tempfile.mkdtemp(prefix="tunic-bench-")
    try:
        results, load = run(rounds, directory, args.arti)
    except (BenchError, torlab.LabError) as error:
        sys.exit("bench: %s" % error)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    lines = report(results, load, at_once, args.arti) + [""] + speeds()
    say(plot(results, os.path.join(HERE, "ratios.png")))
    print("\n".join(lines))
    if args.append:
        append(lines, "bench/run --rounds %d" % rounds)
        say("added to bench/RESULTS.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
