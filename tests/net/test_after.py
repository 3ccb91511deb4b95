"""Over the whole run: what left the program, and what the relays said about it."""

import re

import pytest

import sut as sut_module

# What relays say in every run of a private network, whoever the client is.
USUAL = [
    r"http status code 404", r"TestingTorNetwork is set", r"running Tor as root",
    r"sensitive information", r"specify alternate directory authorities", r"approved-routers",
    r"sr-state", r"Consensus does not include configured authority", r"Unable to add signatures",
    r"SR: ", r"consensus needs \d+ good signatures", r"Mismatched digest", r"http status 400",
    r"posted vote", r"Rejected vote", r"Not enough info to publish", r"Problem bootstrapping",
    r"received http status", r"Could not open", r"OpenSSL", r"ExitRelay", r"IPv6",
    r"Consensus with empty bandwidth", r"Unable to store signatures",
    r"adding detached signatures", r"ControlSocket", r"problem reading bandwidth",
    # Relays' own circuits through so small a network; that ours never do it, path's tests show.
    r"extend back to the previous hop", r"connection_edge_process_relay_cell \(away from origin\)",
    r"eventdns rejected address",  # a host name of 255 letters, on purpose
    # About the relay that a test gives another identity; clients show no certificates.
    r"bad CERTS cell on OR connection .* with 127\.\d+\.0\.1:",
    # Only while the tests hold a node down.
    r"signatures? (posted|from)", r"Failed to find node for hop", r"circuit.*died due to",
    r"No circuits are opened", r"Relaxed timeout", r"skew", r"while fetching", r"OutboundBind",
    r"configuration (file|option)", r"Tried connecting to router", r"We were unable to",
    r"consensus (directory|flavor)", r"assign_to_cpuworker failed", r"Error binding",
]


def test_only_relays_were_contacted(lab, cable, main_sut):
    """Every connection that was opened across the cable goes to a relay's ORPort; no other packet
    crossed it, name lookups included."""
    if cable is None:
        pytest.skip("no namespace to watch")
    ports = {(n.address, n.or_port) for n in lab.nodes}
    # test_wrong.py sends the program there on purpose, as ORPorts of authorities.
    ports |= {(n.address, lab.ports["closed"]) for n in lab.nodes}
    strays = sorted({p for p in cable.packets if p[0] != "tcp" or (p[2], p[3]) not in ports})
    if sut_module.IS_TOR:
        # It looks up "SocksPort nonsense" as a host name, at the system's name server.
        strays = [p for p in strays if p[0] != "udp" or p[3] != 53]
    assert any(p[0] == "tcp" for p in cable.packets), "the watch saw nothing at all"
    assert strays == []


def test_relays_have_no_complaints(lab, main_sut):
    """ProtocolWarnings is on at every relay: whatever is amiss in our protocol is at level warn."""
    complaints = []
    for node in lab.nodes:
        for line in node.log().splitlines():
            if "[warn]" in line or "[err]" in line:
                if not any(re.search(usual, line, re.I) for usual in USUAL):
                    complaints.append("%s: %s" % (node.name, line[:300]))
    assert complaints == [], "\n".join(complaints[:20])


def test_relays_have_no_bug_lines(lab, main_sut):
    for node in lab.nodes:
        for line in node.log("info").splitlines():
            assert not re.search(r"\(Bug\)|\[err\]|malformed cell|unrecognized (cell|relay)|"
                                 r"Dropping.*protocol|protocol violation", line, re.I), (
                "%s: %s" % (node.name, line[:300]))
