"""What one guard can see of a client in the two minutes after its first circuit stands: numbers, by
name. What began before, that circuit and most links, is another's start, which is not compared. The guard is the one that carries the client's circuits; it reads no message, it has commands,
directions and times of cells, by circuit."""

import collections
import statistics

import one

BIN_S = 10
GAPS = 8


def first_built(circuits):
    """When a circuit of three hops stood first: its second answer to an extension."""
    built = []
    for c in circuits:
        answers = [cell.at for cell in c.cells if not cell.sent and cell.cmd == "RELAY"]
        if not c.is_dir and len(answers) >= 2:
            built.append(answers[1])
    return min(built)


class View:
    """links and circuits at one guard, times in seconds from the first circuit."""

    def __init__(self, run):
        busy = collections.Counter(c.link.node for c in run.seen.circuits if not c.is_dir)
        self.node = busy.most_common(1)[0][0]
        self.links = [link for link in run.seen.links if link.node == self.node]
        self.circuits = [c for c in run.seen.circuits if c.link.node == self.node]
        self.zero = first_built(self.circuits)
        self.begun_inside = [c for c in self.circuits if c.begun >= self.zero]
        self.cells = sorted((self.span(cell for link in self.links for cell in link.cells)),
                            key=lambda cell: cell.at)

    def span(self, cells):
        return [c._replace(at=c.at - self.zero) for c in cells
                if 0 <= c.at - self.zero < one.WINDOW_S]


def summary(features, name, values):
    """Five numbers of VALUES; NaN where there are none: classify.py fills these."""
    values = sorted(values)
    for word, at in (("least", 0), ("quarter", 0.25), ("median", 0.5), ("3/4", 0.75), ("most", 1)):
        features["%s, %s" % (name, word)] = (values[round(at * (len(values) - 1))] if values
                                             else float("nan"))
    features[name + ", mean"] = statistics.fmean(values) if values else float("nan")


def of_counts(view, f):
    for way in (True, False):
        for cmd in ("CREATE2", "CREATE_FAST", "CREATED2", "RELAY", "RELAY_EARLY", "DESTROY",
                    "PADDING", "PADDING_NEGOTIATE"):
            f["%s %s" % (cmd, "sent" if way else "got")] = sum(
                c.sent == way and c.cmd == cmd for c in view.cells)
    f["links"] = len(view.links)
    f["links ended"] = sum(bool(link.end) and link.end - view.zero < one.WINDOW_S - 1
                           for link in view.links)
    for cell in view.cells:
        if cell.cmd == "DESTROY":
            f["DESTROY %s %s" % (cell.how, "sent" if cell.sent else "got")] += 1


def of_begins(view, f):
    circuits = [c for c in view.begun_inside if not c.is_dir]
    begun = sorted(c.begun - view.zero for c in circuits)
    inside = [at for at in begun if 0 <= at < one.WINDOW_S]
    for lo in range(0, one.WINDOW_S, BIN_S):
        f["circuits begun in %d..%d s" % (lo, lo + BIN_S)] = sum(lo <= at < lo + BIN_S
                                                                 for at in inside)
    gaps = [b - a for a, b in zip(begun, begun[1:])]
    for i in range(GAPS):
        f["gap %d between circuits" % (i + 1)] = gaps[i] if i < len(gaps) else float("nan")
    summary(f, "gap between circuits", gaps)
    summary(f, "gap between circuits, of a second", [gap % 1 for gap in gaps])
    f["last circuit begun"] = inside[-1] if inside else 0
    f["circuits of one hop"] = sum(c.is_dir for c in view.begun_inside)
    of_lives(view, circuits, f)


def of_lives(view, circuits, f):
    ends = [(c.ended[0] - c.begun, c.ended[1]) for c in circuits if c.ended]
    summary(f, "life of a circuit", [life for life, _ in ends])
    f["circuits ended by the client"] = sum(by_us for _, by_us in ends)
    used = [(i, len(cells)) for i, cells in enumerate(view.span(c.cells) for c in circuits)
            if len(cells) > 12]
    f["circuits used"] = len(used)
    f["number of the busiest circuit"] = max(used, key=lambda u: u[1])[0] if used else -1


def of_building(view, f):
    """How soon the client goes on when an answer came."""
    waits, early, extend_late = [], [], 0
    for c in view.begun_inside:
        early.append(sum(cell.sent and cell.cmd == "RELAY_EARLY" for cell in c.cells))
        cells = c.cells[:8]
        waits += [(b.at - a.at) * 1000 for a, b in zip(cells, cells[1:]) if not a.sent and b.sent]
        extend_late += len(cells) > 2 and cells[2].at - cells[0].at > 0.1
    summary(f, "ms from an answer to the next step of a circuit", [w for w in waits if w < 500])
    summary(f, "RELAY_EARLY of a circuit", early)


def runs_of(cells):
    """[(sent, [cells])]: neighbours of one direction."""
    runs = []
    for cell in cells:
        if not runs or runs[-1][0] != cell.sent:
            runs.append((cell.sent, []))
        runs[-1][1].append(cell)
    return runs


def of_traffic(view, f):
    """On the circuits that carry pages."""
    waits, before_us, sizes_in, sizes_out, between = [], [], [], [], []
    pairs = collections.Counter()
    for c in view.circuits:
        cells = view.span(c.cells)
        if c.is_dir or len(cells) <= 12:
            continue
        runs = runs_of(cells)
        for (sent, first), (_, second) in zip(runs, runs[1:]):
            wait = (second[0].at - first[-1].at) * 1000
            (before_us if sent else waits).append(wait)
        sizes_in += [len(run) for sent, run in runs if not sent]
        sizes_out += [len(run) for sent, run in runs if sent]
        out = [cell.at for cell in cells if cell.sent]
        between += [(b - a) * 1000 for a, b in zip(out, out[1:])]
        pairs.update((a.cmd, a.sent, b.cmd, b.sent) for a, b in zip(cells, cells[1:]))
    summary(f, "ms from a cell got to the next sent", [w for w in waits if w < 300])
    f["cells sent at once after one got"] = sum(w < 2 for w in waits)
    f["cells sent late after one got"] = sum(w > 300 for w in waits)
    summary(f, "ms from a cell sent to the next got", [w for w in before_us if w < 300])
    summary(f, "cells got in a row", sizes_in)
    summary(f, "cells sent in a row", sizes_out)
    summary(f, "ms between cells sent", between)
    for n in (1, 2, 3, 4):
        f["rows of %d cells sent" % n] = sum(size == n for size in sizes_out)
    for (a, a_sent, b, b_sent), n in pairs.items():
        f["%s %s, then %s %s" % (a, "sent" if a_sent else "got", b,
                                 "sent" if b_sent else "got")] = n


def of_padding(view, f):
    for way, name in ((True, "sent"), (False, "got")):
        gaps = [b.at - a.at for a, b in zip(view.cells, view.cells[1:])
                if b.cmd == "PADDING" and b.sent == way]
        summary(f, "s from the last cell to PADDING " + name, gaps)
    hello = [cell.cmd for link in view.links if link.begun >= view.zero
             for cell in link.cells[:9] if cell.sent]
    for cmd in ("VERSIONS", "NETINFO", "CREATE_FAST", "CREATE2", "PADDING_NEGOTIATE"):
        f["place of %s in a link" % cmd] = hello.index(cmd) if cmd in hello else -1


def features(run):
    view, f = View(run), collections.defaultdict(float)
    for part in (of_counts, of_begins, of_building, of_traffic, of_padding):
        part(view, f)
    return f
