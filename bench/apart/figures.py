"""The figures of one run, by name: from 100% on, and before."""

import collections
import re

import one


def kind_of(url):
    """/tor/micro/d/AAA-BBB -> micro"""
    if "/status-vote/" in url:
        return "consensus"
    found = re.match(r"/tor/(\w+)", url)
    return {"keys": "certificates", "micro": "microdescriptors"}.get(
        found.group(1) if found else "", "others")


def of_circuits(circuits, since, rows):
    for c in circuits:
        rows["circuits of one hop" if c.is_dir else "circuits"] += 1
        rows["CREATE_FAST"] += c.is_fast
        for number, hop in enumerate(c.hops, 1):
            if not c.is_dir:
                rows["%s to hop %d" % (hop.handshake, number)] += 1
    minutes = collections.Counter(int((c.begun - since) // 60) + 1 for c in circuits)
    for minute in range(1, one.WINDOW_S // 60 + 1):
        rows["circuits begun in minute %d" % minute] += minutes[minute]


def of_requests(seen, lo, hi, rows):
    asked = [r for r in seen.requests if lo <= r.at < hi]
    rows["BEGIN_DIR"] += sum(m.cmd == "BEGIN_DIR" and lo <= m.at < hi
                             for c in seen.circuits for m in c.messages())
    for r in asked:
        rows["requests: " + kind_of(r.url)] += 1
    sizes = sorted(r.size for r in asked)
    if sizes:
        rows["least bytes of a request"] = sizes[0]
        rows["most bytes of a request"] = sizes[-1]
        rows["bytes of all requests"] = sum(sizes)


def of_cells(seen, lo, hi, rows):
    cells = [c for link in seen.links for c in link.cells if lo <= c.at < hi]
    for c in cells:
        if c.cmd in ("DESTROY", "PADDING", "PADDING_NEGOTIATE", "RELAY_EARLY"):
            rows["%s %s" % (c.cmd, "sent" if c.sent else "got")] += 1
    rows["cells sent"] += sum(c.sent for c in cells)
    rows["cells got"] += sum(not c.sent for c in cells)
    rows["links ended"] += sum(bool(link.end) and lo <= link.end < hi for link in seen.links)
    for c in seen.circuits:
        for hop in c.hops:
            for m in hop.messages:
                if lo <= m.at < hi and m.cmd not in ("BEGIN_DIR", "EXTEND2"):
                    rows["messages: " + m.cmd + (" to a directory" if c.is_dir else "")] += 1


def of_span(seen, lo, hi):
    rows = collections.Counter()
    rows["relays dialled"] = len({link.node for link in seen.links if lo <= link.begun < hi})
    of_circuits([c for c in seen.circuits if lo <= c.begun < hi], lo, rows)
    of_requests(seen, lo, hi, rows)
    of_cells(seen, lo, hi, rows)
    return rows


def of_run(run):
    """{("before"|"after", name): value}"""
    ready = run.ready_at
    spans = {"after": (ready, ready + one.WINDOW_S), "before": (0, ready)}
    return {(span, name): value for span, (lo, hi) in spans.items()
            for name, value in of_span(run.seen, lo, hi).items()
            if span == "after" or not name.startswith("circuits begun in")}
