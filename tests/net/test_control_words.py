"""The vocabulary of the control port, held beside stem's, and beside the page that tells of it."""

import os
import re

import stem

import sut as sut_module

NAMES = """CircStatus CircBuildFlag CircPurpose CircClosureReason CircEvent HiddenServiceState
RelayEndReason StreamStatus StreamClosureReason StreamSource StreamPurpose ORStatus ORClosureReason
StatusType GuardType GuardStatus TimeoutSetType ConnectionType TokenBucket HSDescAction HSDescReason
HSAuth Runlevel Signal Flag""".split()


def read(*path):
    with open(os.path.join(sut_module.TOP, *path), encoding="utf-8") as f:
        return f.read()


def vocabularies():
    """{name: {word: NOW, LATER or NEVER}}, from the tables."""
    source = read("src", "control", "words.c")
    shared = re.search(r"#define END_REASONS(.*?)\n\n", source, re.S).group(1)
    tables = {}
    for name, body in re.findall(r"static const struct word (\w+)\[\] = \{(.*?)\};", source, re.S):
        words = re.findall(r"\b(NOW|LATER|NEVER)\((\w+)", body.replace("END_REASONS", shared))
        tables[name] = {word: when for when, word in words}
    return {name: tables[table]
            for name, table in re.findall(r'VOCABULARY\("(\w+)", (\w+)\)', source)}


def test_every_word_of_stem_is_in_the_tables():
    ours = vocabularies()
    assert sorted(ours) == sorted(NAMES)
    for name in NAMES:
        missing = set(getattr(stem, name)) - set(ours[name])
        assert not missing, (name, missing)


def test_the_page_tells_of_every_word():
    page = read("docs", "control.md")
    rows = dict(re.findall(r"^- \*\*(\w+)\*\*: (.*?)(?=^- |^$)", page, re.M | re.S))
    rest = page[page.index("These wait:"):]
    for name, words in vocabularies().items():
        whole = re.search(r"\b%s\b" % name, rest)
        for word, when in words.items():
            if when == "NOW":
                assert "`%s`" % word in rows[name] or (
                    name == "StreamClosureReason" and "`%s`" % word in rows["RelayEndReason"]), word
            else:
                assert "`%s`" % word in rest or whole, (name, word)
