"""Whom the program dials on this network: its guards, and the authorities."""

import os
import time

import dials
import sut as sut_module


def traced(make_sut, lab, *torrc):
    client = make_sut(torrc=torrc)
    client.trace = os.path.join(client.dir, "connects")
    client.wrapper = dials.strace(client.trace)
    client.nodes = dials.Nodes.of_lab(lab)
    return client


def finish(client):
    time.sleep(0.5)
    assert client.stop() == 0
    calls = dials.dialled(client.trace)
    assert calls, sut_module.tail(client.log())
    assert client.nodes.strangers(calls, os.path.join(client.data, "state")) == []
    return set(client.nodes.named(calls))


def test_cold_and_warm_starts_dial_guards_and_authorities_alone(lab, make_sut):
    client = traced(make_sut, lab)
    client.start(timeout=60)
    assert client.curl(lab.url("/")).returncode == 0
    cold = finish(client)
    os.unlink(client.trace)
    client.start(timeout=60)
    assert client.curl(lab.url("/")).returncode == 0
    assert finish(client) <= cold


def test_one_entry_node_is_all_that_is_dialled(lab, make_sut):
    guard = lab.by_role("guard")[0]
    client = traced(make_sut, lab, "EntryNodes " + guard.fingerprint)
    client.start(timeout=60)
    assert client.curl(lab.url("/")).returncode == 0
    authorities = {n.name for n in lab.authorities()}
    assert finish(client) - authorities == {guard.name}
