"""Over the whole run: what left the program, and what the relays said about it."""

import os

import pytest

import dials
import privnet
import sut as sut_module

def test_only_relays_were_contacted(lab, cable, main_sut):
    """Every connection that was opened across the cable goes to a relay's ORPort; no other packet
    crossed it, name lookups included."""
    if cable is None:
        pytest.skip("no namespace to watch")
    ports = {(n.address, n.or_port) for n in lab.nodes}
    ports |= lab.beside
    # test_wrong.py sends the program there on purpose, as ORPorts of authorities.
    ports |= {(n.address, lab.ports["closed"]) for n in lab.nodes}
    strays = sorted({p for p in cable.packets if p[0] != "tcp" or (p[2], p[3]) not in ports})
    # test_host.py puts authorities there, where nobody answers.
    strays = [p for p in strays if p[2] != privnet.SILENT_HOST]
    if sut_module.IS_TOR:
        # It looks up "SocksPort nonsense" as a host name, at the system's name server.
        strays = [p for p in strays if p[0] != "udp" or p[3] != 53]
    assert any(p[0] == "tcp" for p in cable.packets), "the watch saw nothing at all"
    assert strays == [], "\n".join("%s from %s to %s:%d" % p for p in strays[:20])


def test_only_guards_and_authorities_were_dialled(lab, main_sut):
    """In all that the shared program was put through, by itself or by a test."""
    main_sut.stop() # it writes its state
    calls = dials.dialled(main_sut.trace)
    assert calls
    assert dials.Nodes.of_lab(lab).strangers(calls, os.path.join(main_sut.data, "state")) == []


def test_relays_have_no_complaints(lab, main_sut):
    """About our protocol, that is, which they watch closely; nor bugs of their own."""
    complaints = lab.complaints()
    assert complaints == [], "\n".join(line[:300] for line in complaints[:20])
