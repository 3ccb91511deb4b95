"""src/conf/opttab.c as Python sees it, and the tests that say which option they show to work."""

import ast
import glob
import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TABLE = os.path.join(TOP, "src", "conf", "opttab.c")

# The macros of rows: kind, type (None: an argument), the arguments.
MACROS = {
    "NO_MATTER": ("can't matter", None, "name type default flags reason"),
    "KEPT": ("kept", None, "name type default flags reason"),
    "NOT_YET": ("not yet", None, "name type default flags off reason"),
    "RELAYS": ("can't matter", None, "name type default flags"),
    "WOULD_RELAY": ("can't matter", None, "name type default flags"),
    "OBSOLETE": ("obsolete", None, "name"),
}
for _type in ("BOOL AUTOBOOL POSINT INT UINT64 DOUBLE INTERVAL MSEC_INTERVAL CSV_INTERVAL SIZE "
              "STRING FILENAME CSV NODES LINES VIRTUAL").split():
    MACROS[_type] = ("works", "OPTT_" + _type, "name member default flags")

# As in `tor --list-torrc-options` and opt_type_name().
TYPE_NAMES = {
    "OPTT_BOOL": "0 or 1", "OPTT_AUTOBOOL": "0, 1 or auto", "OPTT_POSINT": "number",
    "OPTT_INT": "number", "OPTT_UINT64": "number", "OPTT_DOUBLE": "fraction",
    "OPTT_INTERVAL": "time", "OPTT_MSEC_INTERVAL": "time", "OPTT_CSV_INTERVAL": "time",
    "OPTT_SIZE": "size", "OPTT_STRING": "text", "OPTT_FILENAME": "file", "OPTT_CSV": "list",
    "OPTT_NODES": "relays", "OPTT_LINES": "lines", "OPTT_VIRTUAL": "shown only",
}


class Row:
    """One option: name, kind, type, default (None: nothing), flags, member, off, reason."""

    def __init__(self, macro, arguments):
        kind, fixed, names = MACROS[macro]
        values = dict(zip(names.split(), arguments))
        self.macro, self.kind = macro, kind
        self.name = values["name"]
        self.type = fixed or values.get("type", "OPTT_STRING")
        self.default = values.get("default")
        self.flags = set(re.findall(r"OPTF_\w+", values.get("flags") or ""))
        self.member, self.off = values.get("member"), values.get("off")
        self.reason = values.get("reason")
        if macro == "RELAYS":
            self.reason = "it is for relays"
        if macro == "WOULD_RELAY":
            self.reason = "Tunic is a client and will not relay"

    def __repr__(self):
        return "%s (%s)" % (self.name, self.kind)


def split_arguments(text):
    """The arguments of one macro call: words, or the text of string literals."""
    found = []
    for part in re.findall(r'(?:"(?:[^"\\]|\\.)*"\s*)+|[^,"]+', text):
        part = part.strip()
        if part.startswith('"'):
            pieces = re.findall(r'"((?:[^"\\]|\\.)*)"', part)
            found.append("".join(pieces).replace("\\'", "'").replace('\\"', '"'))
        elif part:
            found.append(None if part == "NULL" else part)
    return found


def rows():
    with open(TABLE, encoding="utf-8") as f:
        source = f.read()
    words = dict(re.findall(r'^#define (\w+)\s+"([^"]*)"$', source, re.M))
    table = source[source.index("TABLE[] = {") + len("TABLE[] = {"):]
    table = table[:table.index("\n};")]
    found = []
    for macro, text in re.findall(r'^    (\w+)\(((?:[^()"]|"[^"]*")*)\),$', table, re.M):
        found.append(Row(macro, [words.get(a, a) for a in split_arguments(text)]))
    lines = len(re.findall(r"^    \w+\(", table, re.M))
    assert lines == len(found), "%d rows of %s are not understood" % (lines - len(found), TABLE)
    return found


def named_in(decorator, known):
    """The options that the works() calls in a decorator name. In works(o) for o in (...), all that
    the decorator has."""
    calls = [node for node in ast.walk(decorator)
             if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "works"]
    arguments = [a for call in calls for a in call.args]
    if any(not isinstance(a, ast.Constant) for a in arguments):
        arguments = [n for n in ast.walk(decorator)
                     if isinstance(n, ast.Constant) and n.value in known]
    return [a.value for a in arguments]


def works_tests():
    """Option -> the tests that carry its name in @works, as pytest calls them."""
    found, known = {}, {row.name for row in rows()}
    for path in sorted(glob.glob(os.path.join(TOP, "tests", "net", "test_*.py"))):
        with open(path, encoding="utf-8") as f:
            tree = ast.parse(f.read(), path)
        for function in ast.walk(tree):
            for decorator in getattr(function, "decorator_list", []):
                for name in named_in(decorator, known):
                    tests = found.setdefault(name, [])
                    test = "%s::%s" % (os.path.relpath(path, TOP), function.name)
                    if test not in tests:
                        tests.append(test)
    return found
