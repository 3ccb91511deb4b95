"""What a program leaves in its DataDirectory when it is killed, and whether that is all that was there.

`check()` compares two looks at a folder: no guard is lost, no confirmed one is sampled only, no
microdescriptor is lost, no consensus is followed by an older one."""

import hashlib
import os
import re

DAMAGE = re.compile(r"\[(warn|err)\].*(damaged|[Cc]ould not|Unable|can't be read|contradict)")
FETCHED = re.compile(r"Bootstrapped \d+% \((?:requesting_status|loading_\w+)\)")


def read(data, name):
    try:
        with open(os.path.join(data, name), "rb") as f:
            return f.read()
    except FileNotFoundError:
        return b""


def microdescs(text):
    """Digests of the whole ones. The last may be torn: what is whole has its newline."""
    text = text[:text.rfind(b"\n") + 1]
    found = set()
    for entry in re.split(rb"(?m)^@last-listed [^\n]*\n", text)[1:]:
        if entry.startswith(b"onion-key\n") and re.search(rb"(?m)^id ed25519 \S{43}\n\Z", entry):
            found.add(hashlib.sha256(entry).digest())
    return found


class Left:
    """A look at DATA while nobody runs there."""

    def __init__(self, data):
        state = read(data, "state").decode("latin-1")
        assert not state or state.endswith("\n"), "the state ends within a line: %r" % state[-100:]
        # in the file's order: fingerprint -> whether it is confirmed
        self.guards = {m.group(1): "confirmed_on=" in m.group(0) for m in
                       re.finditer(r"(?m)^Guard in=default rsa_id=(\w{40})\b.*$", state)}
        self.microdescs = microdescs(read(data, "cached-microdescs")) | \
            microdescs(read(data, "cached-microdescs.new"))
        consensus = read(data, "cached-microdesc-consensus").decode("latin-1")
        date = re.search(r"(?m)^valid-after (\S+ \S+)$", consensus)
        self.valid_after = date.group(1) if date else ""
        self.listed = len(re.findall(r"(?m)^m \S+$", consensus))

    def is_whole(self):
        """Whether a start with it has nothing to fetch."""
        return self.listed and len(self.microdescs) >= self.listed


def check(before, after):
    lost = [g for g in before.guards if g not in after.guards]
    assert not lost, "guards are lost: %s" % lost
    assert [g for g in after.guards if g in before.guards] == list(before.guards), "another order"
    unsure = [g for g, sure in before.guards.items() if sure and not after.guards[g]]
    assert not unsure, "guards are not confirmed any more: %s" % unsure
    assert before.microdescs <= after.microdescs, "%d microdescriptors are lost" % len(
        before.microdescs - after.microdescs)
    assert before.valid_after <= after.valid_after, "an older consensus"


def check_log(said, was_whole):
    damage = DAMAGE.search(said)
    assert not damage, damage.string[damage.start():damage.start() + 200]
    fetched = FETCHED.search(said)
    assert not (was_whole and fetched), "fetched again: " + fetched.group(0)
