"""What the relays of a test network saw of one client: its links, circuits hop by hop, messages and
requests, out of the network's debug log (docs/testnet.md)."""

import collections
import datetime
import re

CELL = re.compile(r"^(\w+): (from|to|at) ([\d.]+):(\d+): (?:(end of the link)|(\w+) (\d+)(?: (.*))?)$")
REQUEST = re.compile(r"^a request of (\d+) bytes: (.*)$")
YEAR = str(datetime.date.today().year)

Cell = collections.namedtuple("Cell", "at sent cmd circuit how")        # sent: by the client
Message = collections.namedtuple("Message", "at cmd stream size")
Request = collections.namedtuple("Request", "at url size node")


class Hop:
    """A circuit at one relay. handshake: "ntor-v3 1"."""

    def __init__(self, at, node, handshake):
        self.at = at
        self.node = node
        self.handshake = handshake
        self.messages = []      # those that end here
        self.next = None        # (node's address, circuit id) that it goes on to


class Circuit:
    """A client's circuit. cells: as its first relay saw them; hops: in order."""

    def __init__(self, link, circuit_id):
        self.link = link
        self.id = circuit_id
        self.cells = []
        self.hops = []

    @property
    def begun(self):
        return self.cells[0].at

    @property
    def is_fast(self):
        return self.cells[0].cmd == "CREATE_FAST"

    @property
    def is_dir(self):
        """Of one hop, which is asked for documents."""
        return not any(c.sent and c.cmd == "RELAY_EARLY" for c in self.cells)

    @property
    def ended(self):
        """(when, by the client) or None."""
        return next(((c.at, c.sent) for c in self.cells if c.cmd == "DESTROY"), None)

    def messages(self):
        return [m for hop in self.hops for m in hop.messages]


class Link:
    """A connection of the client to NODE. end: when it was over, or None."""

    def __init__(self, node, at):
        self.node = node
        self.begun = at
        self.end = None
        self.cells = []


def seconds(text):
    return datetime.datetime.strptime(YEAR + " " + text, "%Y %b %d %H:%M:%S.%f").timestamp()


class Seen:
    """Attributes: links, circuits, requests, each in order."""

    def __init__(self, log, nodes):
        """LOG: the text; NODES: {nickname: address}."""
        self.nodes = nodes
        self.home = set(nodes.values())
        self.links, self.circuits, self.requests = [], [], []
        self.link_at, self.circuit_at, self.hop_at, self.behind = {}, {}, {}, {}
        self.last_message = None
        for line in log.split("\n"):
            stamp, mark, text = line.partition(" [debug] ")
            if mark:
                self.take(stamp, text)

    def take(self, stamp, text):
        cell = CELL.match(text)
        if cell:
            node, way, host, port, end, cmd, circuit, how = cell.groups()
            at = seconds(stamp)
            if way == "at":
                self.take_inside(at, node, (host, port), cmd, int(circuit), how or "")
            elif host not in self.home or host == self.nodes[node]:
                self.take_cell(at, node, (host, port), end,
                               Cell(at, way == "from", cmd, int(circuit or 0), how))
            return
        request = REQUEST.match(text)
        if request:
            self.requests.append(Request(seconds(stamp), request.group(2), int(request.group(1)),
                                         self.last_message))

    def take_cell(self, at, node, peer, end, cell):
        link = self.link_at.get((node, peer))
        if end:
            if link:
                link.end = at
                del self.link_at[node, peer]
            return
        if not link:
            link = self.link_at[node, peer] = Link(node, at)
            self.links.append(link)
        link.cells.append(cell)
        if not cell.circuit:
            return
        key = node, peer, cell.circuit
        if cell.sent and cell.cmd.startswith("CREATE"):
            self.circuit_at[key] = Circuit(link, cell.circuit)
            self.circuits.append(self.circuit_at[key])
        if key in self.circuit_at:
            self.circuit_at[key].cells.append(cell)

    def take_inside(self, at, node, peer, what, circuit, how):
        key = node, peer, circuit
        if what == "HANDSHAKE":
            hop = self.hop_at[key] = Hop(at, node, how)
            whole = self.circuit_at.get(key) or self.behind.get((node, peer[0], circuit))
            if whole:
                whole.hops.append(hop)
                hop.whole = whole
        elif key not in self.hop_at:
            return
        elif what == "EXTEND":
            next_id, address = how.split()
            host = address.rsplit(":", 1)[0]
            names = [n for n, a in self.nodes.items() if a == host]
            hop = self.hop_at[key]
            if names and hasattr(hop, "whole"):
                self.behind[names[0], self.nodes[node], int(next_id)] = hop.whole
        elif what == "MESSAGE":
            cmd, stream, size = how.split()
            self.hop_at[key].messages.append(Message(at, cmd, int(stream), int(size)))
            self.last_message = node
