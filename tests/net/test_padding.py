"""tor's padding machines, our half of them on circuits through the network's relays: the library,
called from Python, with an ear for every relay message."""

import ctypes
import os
import time

import pytest

import sut as sut_module

pytestmark = pytest.mark.skipif(sut_module.IS_TOR, reason="about tunic's library")

NTOR = 1
MESSAGE = 1                             # enum tunic_trace_kind
DROP, NEGOTIATED = 10, 42
TIMEOUT = 20000
INTRODUCE, REND = 0, 1


class Trace(ctypes.Structure):
    """struct tunic_trace"""
    _fields_ = [("size", ctypes.c_size_t), ("kind", ctypes.c_int), ("out", ctypes.c_int),
                ("time_us", ctypes.c_int64), ("relay", ctypes.c_void_p),
                ("circuit", ctypes.c_void_p), ("circuit_id", ctypes.c_uint32),
                ("command", ctypes.c_int), ("command_name", ctypes.c_char_p),
                ("hop", ctypes.c_int)]


class Relay(ctypes.Structure):
    """The first members of struct tunic_relay_options; SIZE says how many there are."""
    _fields_ = [("size", ctypes.c_size_t), ("address", ctypes.c_char_p),
                ("port", ctypes.c_uint16)]


class Library:
    """One instance of libtunic; calls that fail raise what it says."""

    def __init__(self):
        path = os.path.join(os.path.dirname(sut_module.program()), "libtunic.so")
        self.so = ctypes.CDLL(os.path.abspath(path))
        self.error = ctypes.create_string_buffer(4096)
        self.call("allow_internal_addresses", self.new(), ctypes.c_int(1), result=None)

    def new(self):
        self.t = self.call("new", self.error)
        return self.t

    def call(self, name, *arguments, result=ctypes.c_void_p):
        function = getattr(self.so, "tunic_" + name)
        function.restype = result
        got = function(*[ctypes.c_void_p(a) if isinstance(a, int) and a > 1 << 16 else a
                         for a in arguments])
        failed = not got if result is ctypes.c_void_p else result is ctypes.c_int and got < 0
        if failed and arguments and arguments[-1] is self.error:
            raise RuntimeError("tunic_%s: %r" % (name, self.error.raw.strip(b"\0")[-200:]))
        return got


@pytest.fixture
def made_anew(lab):
    """Makes a circuit through guard, middle and exit: what gives it, and the library."""
    lib = Library()
    auth = lab.authorities()[0]
    at = Relay(ctypes.sizeof(Relay), auth.address.encode(), auth.or_port)
    relay = lib.call("relay_connect", lib.t, ctypes.byref(at), TIMEOUT, lib.error)
    fast = lib.call("circuit_create", relay, 0, None, TIMEOUT, lib.error)
    length = ctypes.c_size_t()
    every = lib.call("dir_get", fast, b"/tor/server/all", ctypes.byref(length), TIMEOUT, lib.error)
    hops = [lab.by_role(role)[0].fingerprint.encode() for role in ("guard", "middle", "exit")]
    first = lib.call("relay_connect_to", lib.t, every, length, hops[0], TIMEOUT, lib.error)

    def make():
        made = lib.call("circuit_start", first, None, lib.error)
        for hop in hops:
            lib.call("circuit_extend_to", made, NTOR, every, length, hop, TIMEOUT, lib.error,
                     result=ctypes.c_int)
        return made
    yield lib, make
    lib.call("free_all", lib.t, result=None)


@pytest.fixture
def circuit(made_anew):
    """A library, and a circuit of its."""
    lib, make = made_anew
    return lib, make()


def listen(lib, seconds, until=lambda seen: False):
    """What goes by, "<DROP" or ">DROP" and the hop, until UNTIL says so."""
    seen = []

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(Trace))
    def note(_, trace):
        if trace.contents.kind == MESSAGE:
            seen.append((">" if trace.contents.out else "<") +
                        trace.contents.command_name.decode() + str(trace.contents.hop))
    lib.call("set_trace", lib.t, note, None, result=None)
    yield seen
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not until(seen):
        lib.call("run_once", lib.t, 50, lib.error, result=ctypes.c_int)
    lib.call("set_trace", lib.t, None, None, result=None)
    yield seen


def pad(lib, made, machine, seconds, until=lambda seen: False):
    ear = listen(lib, seconds, until)
    next(ear)
    lib.call("circuit_pad", made, machine, lib.error, result=ctypes.c_int)
    return next(ear)


def test_introduction_circuits_look_like_fetched_pages(circuit):
    """The middle relay sends 7 to 9 cells, and says when it has done; till then the circuit stays."""
    lib, made = circuit
    seen = pad(lib, made, INTRODUCE, 10, lambda seen: seen.count("<PADDING_NEGOTIATED2") == 2)
    assert seen[:2] == [">PADDING_NEGOTIATE2", "<PADDING_NEGOTIATED2"]
    assert seen[-1] == "<PADDING_NEGOTIATED2"
    assert set(seen[2:-1]) == {"<DROP2"} and 7 <= len(seen[2:-1]) <= 9
    assert lib.call("circuit_is_padding", made, result=ctypes.c_int) == 0


def test_rendezvous_circuits_get_a_cell_each_way(made_anew):
    """Ours goes within a millisecond, or not at all if the relay's came before: on a busy machine
    that happens."""
    lib, make = made_anew
    for _ in range(10):
        seen = pad(lib, make(), REND, 2)
        assert seen[0] == ">PADDING_NEGOTIATE2"
        theirs = [s for s in seen if s != ">DROP2"]
        assert sorted(theirs) == ["<DROP2", "<PADDING_NEGOTIATED2", ">PADDING_NEGOTIATE2"]
        if seen.count(">DROP2") == 1:
            return
        assert ">DROP2" not in seen
    raise AssertionError("ten circuits, and no cell of ours on any")
