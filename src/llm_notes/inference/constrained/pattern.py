r"""Reading a regular expression: the part of Python's syntax that automata can match.

| written | means |
|---|---|
| `abc`, `\.`, `\n \t \r \f \v \a`, `\x41 \u00e4 \U0001f600` | characters |
| `.` | any character but a line break |
| `\d \w \s \D \W \S` | classes, as with `re.ASCII`: `\d` is `[0-9]` |
| `[a-z_]`, `[^"\\]` | a set of characters, or all others |
| `(…)`, `(?:…)`, `(?P<name>…)`, `a\|b` | groups, alternatives |
| `* + ? {m} {m,} {,n} {m,n}` | repetition; a lazy `?` behind it changes nothing |
| `^ $` | only where they begin or end one of the outermost alternatives |

The whole text has to match, as with `re.fullmatch`. Back-references, look-around, word
borders, atomic groups and flags are refused: they ask for more than what has been read
so far as one of finitely many states. This module knows no automaton.
"""

import re
from dataclasses import dataclass

from llm_notes.inference.constrained.characters import (
    EVERYTHING,
    CharacterSet,
    characters,
    complement,
    escape_class,
    union,
)
from llm_notes.inference.constrained.syntax import (
    EMPTY,
    Characters,
    Choice,
    Node,
    Repeat,
    Sequence,
)

_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_HEX_DIGITS = {"x": 2, "u": 4, "U": 8}
_COUNTS = re.compile(r"\{(?!\})(\d*)(,?)(\d*)\}")
_NAMED_GROUP = re.compile(r"\?P<[^\W\d]\w*>")
_REFUSED_GROUPS = {
    "?=": "look-ahead",
    "?!": "look-ahead",
    "?<": "look-behind",
    "?P=": "a back-reference",
    "?>": "an atomic group",
    "?(": "a condition",
    "?#": "a comment",
}


class PatternError(ValueError):
    """The regular expression is wrong, or uses what automata cannot match."""


@dataclass(frozen=True)
class Alternative:
    """One of a pattern's outermost alternatives, and whether ^ and $ stand at its ends.

    Where the whole text has to match, the two change nothing.
    """

    node: Node
    from_start: bool
    to_end: bool


def parse_pattern(pattern: str, narrow: bool = False) -> tuple[Alternative, ...]:
    r"""Read a regular expression.

    Args:
        pattern: in the syntax above.
        narrow: take of `.` and of classes only what Python's default, `re.ASCII` and
            ECMAScript agree on: é is in neither \w nor \W. For validators that we do
            not know.

    Raises:
        PatternError: says what is wrong, and where.
    """
    reader = _Reader(pattern, narrow)
    alternatives = reader.alternatives()
    if reader.place < len(pattern):
        raise reader.error("a ) has no ( before it", "write \\) for the character")
    return alternatives


class _Reader:
    """Recursive descent; `place` is where the next character to be read stands."""

    def __init__(self, pattern: str, narrow: bool) -> None:
        self.pattern = pattern
        self.narrow = narrow
        self.place = 0
        self.depth = 0

    def error(self, problem: str, advice: str) -> PatternError:
        return PatternError(
            f"{problem}, at position {self.place} of the pattern {self.pattern!r}: "
            f"{advice}"
        )

    def at(self, *texts: str) -> bool:
        return self.pattern.startswith(texts, self.place)

    def take(self, text: str) -> bool:
        """Whether a text comes next; if so, step over it."""
        found = self.at(text)
        self.place += len(text) * found
        return found

    def next(self) -> str:
        if self.place >= len(self.pattern):
            raise self.error("the pattern ends too soon", "complete or escape its end")
        self.place += 1
        return self.pattern[self.place - 1]

    def alternatives(self) -> tuple[Alternative, ...]:
        found = [self.alternative()]
        while self.take("|"):
            found.append(self.alternative())
        return tuple(found)

    def alternative(self) -> Alternative:
        outermost = self.depth == 0
        from_start = outermost and self.take("^")
        parts: list[Node] = []
        to_end = False
        while self.place < len(self.pattern) and not self.at("|", ")"):
            if outermost and (self.pattern[self.place :] == "$" or self.at("$|")):
                self.place += 1
                to_end = True
                break
            parts.append(self.repeated(self.atom()))
        return Alternative(Sequence(tuple(parts)), from_start, to_end)

    def repeated(self, part: Node) -> Node:
        counts = self.counts()
        if counts is None:
            return part
        least, most = counts
        if most is not None and most < least:
            raise self.error(
                f"{{{least},{most}}} asks for at least {least} and at most {most}",
                "put the smaller number first",
            )
        self.take("?")  # lazy: another order of search, the same texts
        before = self.place
        if self.at("+") or self.counts() is not None:
            self.place = before
            raise self.error(
                "a repetition follows a repetition",
                "put the first into a group (?:…)",
            )
        return Repeat(part, least, most)

    def counts(self) -> tuple[int, int | None] | None:
        """The counts that come next, if any do; a { that is none is a character."""
        for sign, counts in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self.take(sign):
                return counts
        match = _COUNTS.match(self.pattern, self.place)
        if match is None:
            return None
        self.place = match.end()
        first, comma, last = match.groups()
        if not comma:
            return int(first), int(first)
        return int(first or 0), int(last) if last else None

    def atom(self) -> Node:
        if self.counts() is not None:
            self.place -= 1
            raise self.error("there is nothing to repeat", "escape the sign with \\")
        character = self.next()
        if character == "(":
            return self.group()
        if character == "[":
            return Characters(self.bracket())
        if character == ".":
            breaks = "\n\r\u2028\u2029" if self.narrow else "\n"
            return Characters(complement(characters(breaks)))
        if character in "^$":
            self.place -= 1
            raise self.error(
                f"{character} stands within the pattern",
                "it is read only at the ends of an outermost alternative; "
                f"write \\{character} for the character",
            )
        if character == "\\":
            return Characters(self.escape(negated=False))
        return Characters(self.single(character))

    def group(self) -> Node:
        if not self.take("?:"):
            named = _NAMED_GROUP.match(self.pattern, self.place)
            if named:
                self.place = named.end()
            elif self.at("?"):
                what = next(
                    (w for sign, w in _REFUSED_GROUPS.items() if self.at(sign)),
                    "a flag or an extension",
                )
                raise self.error(
                    f"(?… is {what}, which is not supported",
                    "groups are (…), (?:…) and (?P<name>…)",
                )
        start = self.place
        self.depth += 1
        options = tuple(alternative.node for alternative in self.alternatives())
        self.depth -= 1
        if not self.take(")"):
            self.place = start
            raise self.error("a group has no end", "close it with )")
        return options[0] if len(options) == 1 else Choice(options)

    def bracket(self) -> CharacterSet:
        start = self.place
        negated = self.take("^")
        members: list[CharacterSet] = []
        while not members or not self.at("]"):  # a ] that comes first is a member
            if self.place >= len(self.pattern):
                self.place = start
                raise self.error("a set has no end", "close it with ]")
            first = self.member(negated)
            if self.at("-") and not self.at("-]"):
                self.next()
                first = self.range(first, self.member(negated))
            members.append(first)
        self.next()
        found = union(*members)
        return complement(found) if negated else found

    def member(self, negated: bool) -> CharacterSet:
        character = self.next()
        if character == "\\":
            if self.take("b"):  # within a set it is the backspace
                return characters("\b")
            return self.escape(negated)
        return self.single(character)

    def range(self, first: CharacterSet, last: CharacterSet) -> CharacterSet:
        single = all(len(s) == 1 and s[0][0] == s[0][1] for s in (first, last))
        if not single or first[0][0] > last[0][0]:
            raise self.error(
                "a range of a set does not go upwards from character to character",
                "write - first or last for the character",
            )
        upwards = ((first[0][0], last[0][0]),)
        return complement(union(complement(upwards), complement(EVERYTHING)))

    def escape(self, negated: bool) -> CharacterSet:
        r"""What follows a \; `negated` when it stands in a set [^…]."""
        character = self.next()
        if character in "dwsDWS":
            # A narrow pattern takes the smaller reading, of which [^…] takes the rest.
            smaller_is_ascii = character.islower() != negated
            return escape_class(character, not self.narrow or smaller_is_ascii)
        if character in _CONTROLS:
            return characters(_CONTROLS[character])
        if character in _HEX_DIGITS:
            end = self.place + _HEX_DIGITS[character]
            digits = self.pattern[self.place : end]
            if not re.fullmatch(rf"[0-9a-fA-F]{{{end - self.place}}}", digits):
                raise self.error(
                    f"\\{character} needs {end - self.place} hexadecimal digits",
                    "write all of them",
                )
            self.place = end
            code = int(digits, 16)
            return self.single(chr(code) if code <= 0x10FFFF else "\ud800")
        if character.isascii() and character.isalnum():
            what = "a back-reference or an octal number" if character.isdigit() else ""
            what = what or "a border or unknown"
            raise self.error(
                f"\\{character} is {what}, which is not supported",
                "escapes are \\d \\w \\s \\D \\W \\S, \\n \\t \\r \\f \\v \\a, \\x \\u "
                "\\U, and signs such as \\.",
            )
        return self.single(character)

    def single(self, character: str) -> CharacterSet:
        found = characters(character)
        if not found:
            raise self.error("no character has this number", "leave it out")
        return found


def whole_text(alternatives: tuple[Alternative, ...]) -> Node:
    """The part that the whole text has to match, as with `re.fullmatch`."""
    return Choice(tuple(alternative.node for alternative in alternatives))


def anywhere(alternatives: tuple[Alternative, ...]) -> Node:
    """The part that matches where `re.search` finds the pattern: JSON Schema's rule."""
    rest = Repeat(Characters(EVERYTHING), 0, None)
    return Choice(
        tuple(
            Sequence(
                (
                    EMPTY if alternative.from_start else rest,
                    alternative.node,
                    EMPTY if alternative.to_end else rest,
                )
            )
            for alternative in alternatives
        )
    )
