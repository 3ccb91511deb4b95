"""Small faults for a C source: where they can stand and what the text is then (for tools/mutate).

The text is looked at as clang-format leaves it: binary operators have blanks around them, a
function begins with a brace in the first column. Each fault keeps the number of lines.
"""

import collections
import re

# kind: one of KINDS; start, end: what of the text is replaced by new; function: where it stands.
Mutant = collections.namedtuple("Mutant", "path kind start end new function")

KINDS = ["operator", "bound", "constant", "call", "condition", "return", "loop", "and/or"]

SWAPPED = {"+": "-", "-": "+", "*": "+", "/": "*", "%": "/", "&": "|", "|": "&", "^": "|",
           "<<": ">>", ">>": "<<", "+=": "-=", "-=": "+=", "*=": "+=", "/=": "*=", "|=": "&=",
           "&=": "|=", "^=": "|=", "++": "--", "--": "++"}
BOUNDS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
DECLARES = re.compile(r"\s*(static |const |struct \w+ |enum \w+ |unsigned |char |bool |u?int\d+_t |"
                      r"size_t |double )[^=]*$")
CALL = re.compile(r"(?m)^[ \t]+(?:\(void\)!?)?[A-Za-z_][\w.>\[\]-]*\(")
CLOSING = {"(": ")", "{": "}", "[": "]"}


def mask(text):
    """TEXT with comments, the insides of literals, and #include and #if lines blanked."""
    def blank(match):
        found = match.group(0)
        if found[0] in "\"'":
            return found[0] + re.sub(r"[^\n]", " ", found[1:-1]) + found[-1]
        return re.sub(r"[^\n]", " ", found)
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
                  r"|^[ \t]*#[ \t]*(?:include|if|elif|ifdef|ifndef|undef|error)[^\n]*",
                  blank, text, flags=re.S | re.M)


class Source:
    """One file: its masked text, and what is found in it."""

    def __init__(self, path, text):
        self.path, self.text, self.code = path, text, mask(text)
        self.functions = self._functions()

    def _functions(self):
        """[(start and end of the body, name, what stands before the name)]"""
        found = []
        for match in re.finditer(r"(?m)^([A-Za-z_][^;{}=#]*?)\b(\w+)\([^;{}]*\)\n\{", self.code):
            end = self.code.find("\n}", match.end() - 1)
            found.append((match.end() - 1, end, match.group(2), match.group(1)))
        return found

    def function_at(self, at):
        return next((f for f in self.functions if f[0] <= at < f[1]), None)

    def closing(self, at):
        """The place of the bracket that closes the one at AT."""
        depth, opening, closing = 0, self.code[at], CLOSING[self.code[at]]
        for i in range(at, len(self.code)):
            depth += (self.code[i] == opening) - (self.code[i] == closing)
            if depth == 0:
                return i
        return len(self.code) - 1

    def statement_end(self, at):
        """The end of the statement that begins at AT or after blanks."""
        at += len(self.code[at:]) - len(self.code[at:].lstrip())
        if self.code[at] == "{":
            return self.closing(at) + 1
        head = re.compile(r"(if|for|while|switch|HASH_ITER|[DL]L_FOREACH\w*)\s*\(").match(
            self.code, at)
        if head:
            end = self.statement_end(self.closing(head.end() - 1) + 1)
            other = re.compile(r"\s*else\b").match(self.code, end)
            return self.statement_end(other.end()) if other and head.group(1) == "if" else end
        while self.code[at] != ";":
            at = self.closing(at) if self.code[at] in CLOSING else at
            at += 1
        return at + 1

    # -- each kind: yields (start, end, new) ----------------------------------------------------

    def operator(self):
        for m in re.finditer(r"(?<= )(\+=|-=|\*=|/=|\|=|&=|\^=|<<|>>|[-+*/%&|^])(?= )", self.code):
            yield m.start(), m.end(), SWAPPED[m.group()]
        for m in re.finditer(r"\+\+|--", self.code):
            yield m.start(), m.end(), SWAPPED[m.group()]

    def bound(self):
        for m in re.finditer(r"(?<= )(<=|>=|==|!=|<|>)(?= )", self.code):
            yield m.start(), m.end(), BOUNDS[m.group()]

    def constant(self):
        number = r"(?<![\w.'\"])(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)(?![\w.'\"])"
        for m in re.finditer(number, self.code):
            line = self.code[self.code.rfind("\n", 0, m.start()) + 1:m.start()]
            if DECLARES.match(line) and line.count("[") > line.count("]"):
                continue    # the size of a buffer: one more shows nowhere
            text = m.group(1)
            value = int(text, 8 if re.fullmatch(r"0[0-7]+", text) else 0)
            yield m.start(), m.end(), str(value + 1) + m.group(2)
            if value > 0:
                yield m.start(), m.end(), str(value - 1) + m.group(2)

    def call(self):
        for m in CALL.finditer(self.code):
            end = self.closing(m.end() - 1) + 1
            before = self.code[:m.start()].rstrip()
            first = m.group().strip()
            # What goes on from the line before is not a statement.
            whole = self.code[end:end + 1] == ";" and (
                before[-1] in ";{}):" or before.endswith("else"))
            if whole and not re.match(r"(if|for|while|switch|return|va_\w+|sizeof)\(", first):
                start = m.start() + len(m.group()) - len(m.group().lstrip())
                yield start, end, "\n" * self.text.count("\n", start, end)

    def condition(self):
        for m in re.finditer(r"\b(?:if|while) \(", self.code):
            end = self.closing(m.end() - 1)
            yield m.end(), end, "!(" + self.text[m.end():end] + ")"
        for m in re.finditer(r" \? ", self.code):
            yield m.start(), m.end(), " && 0 ? "

    def returned(self):
        for m in re.finditer(r"\breturn( [^;]*)?;", self.code):
            inside = self.function_at(m.start())
            if not inside:
                continue
            value = self.text[m.start() + 7:m.end() - 1]
            kind = inside[3]
            if m.group(1) is None:
                yield m.start(), m.end(), ";"
            elif re.search(r"\berr_t\b", kind):
                yield m.start() + 7, m.end() - 1, "ERR_STATE" if value == "OK" else (
                    "OK" + "\n" * value.count("\n"))
            elif re.search(r"\*\s*$", kind):
                if value != "NULL":
                    yield m.start() + 7, m.end() - 1, "NULL" + "\n" * value.count("\n")
            elif re.search(r"\bbool\b", kind):
                yield m.start() + 7, m.end() - 1, "!(" + value + ")"
            else:
                yield m.start() + 7, m.end() - 1, "(" + value + ") + 1"

    def loop(self):
        for m in re.finditer(r"\b(?:for|while|HASH_ITER|[DL]L_FOREACH\w*) ?\(", self.code):
            if not self.function_at(m.start()):
                continue
            head_end = self.closing(m.end() - 1)
            # One round fewer.
            less = re.compile(r" < ").search(self.code, m.end(), head_end)
            if less and m.group().startswith("for"):
                yield less.start(), less.end(), " + 1 < "
            body = head_end + 1
            if self.code[body:].lstrip()[:1] == ";":
                continue
            end = self.statement_end(body)
            if self.code[end - 1] == "}" and self.code[body:].lstrip()[0] == "{":
                yield end - 1, end, "break; }"
            else:
                yield body, end, " {" + self.text[body:end] + " break; }"
        for m in re.finditer(r"\bcontinue;", self.code):
            yield m.start(), m.end(), "break;"

    def and_or(self):
        for m in re.finditer(r"(?<=[ \n])(&&|\|\|)(?=[ \n])", self.code):
            yield m.start(), m.end(), "||" if m.group() == "&&" else "&&"

    def mutants(self):
        """{kind: [Mutant]}, in the order of the text."""
        found = {}
        for kind in KINDS:
            make = getattr(self, {"and/or": "and_or", "return": "returned"}.get(kind, kind))
            found[kind] = []
            for start, end, new in make():
                inside = self.function_at(start)
                if not inside and kind != "constant":
                    continue
                found[kind].append(Mutant(self.path, kind, start, end, new,
                                          inside[2] if inside else "-"))
        return found


def drawn(sources, generator):
    """All mutants of SOURCES, the kinds in turn, each in an order that GENERATOR draws."""
    by_kind = {kind: [] for kind in KINDS}
    for source in sources:
        for kind, found in source.mutants().items():
            by_kind[kind] += found
    for kind in KINDS:
        generator.shuffle(by_kind[kind])
    while any(by_kind.values()):
        for kind in KINDS:
            if by_kind[kind]:
                yield by_kind[kind].pop()


def changed_lines(text, mutant):
    """(number of the first changed line, the lines as they are, the lines as they would be)"""
    mutated = text[:mutant.start] + mutant.new + text[mutant.end:]
    old, new = text.split("\n"), mutated.split("\n")
    differ = [i for i in range(len(old)) if old[i] != new[i]]
    return (differ[0] + 1, [old[i] for i in differ], [new[i] for i in differ]) if differ else (
        0, [], [])
