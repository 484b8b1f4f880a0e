r"""How JSON is written (RFC 8259): strings, numbers, literal values, as pattern parts.

Narrower than the RFC where programs differ: integers have at most 15 digits, which a
double holds exactly, exponents at most two, and \u never writes a surrogate. This
module knows no schema.
"""

import json
from typing import Any

from llm_notes.inference.constrained.characters import (
    EVERYTHING,
    CharacterSet,
    characters,
    complement,
    intersection,
)
from llm_notes.inference.constrained.pattern import parse_pattern, whole_text
from llm_notes.inference.constrained.syntax import (
    Characters,
    Choice,
    Listed,
    Node,
    Repeat,
    Sequence,
    literal,
)

_CONTROLS: CharacterSet = ((0, 0x1F),)
_ESCAPED = {'"': '\\"', "\\": "\\\\"} | {
    chr(code): json.dumps(chr(code))[1:-1] for code in range(0x20)
}
_PLAIN = complement((*_CONTROLS, *characters('"'), *characters("\\")))

BOOLEAN = Choice((literal("true"), literal("false")))
NULL = literal("null")


def _read(pattern: str) -> Node:
    return whole_text(parse_pattern(pattern))


INTEGER = _read(r"-?(0|[1-9]\d{0,14})")
NUMBER = _read(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?([eE][+-]?\d{1,2})?")
# One character of a string, in any spelling.
CHARACTER = Choice(
    (
        Characters(_PLAIN),
        _read(r'\\(["\\/bfnrt]|u([\da-ce-fA-CE-F][\da-fA-F]|[dD][0-7])[\da-fA-F]{2})'),
    )
)


def string(content: Node) -> Sequence:
    """A string in its quotation marks, around an escaped content."""
    return Sequence((literal('"'), content, literal('"')))


def escaped(node: Node) -> Node:
    """The parts that write within a string what the given parts match."""
    match node:
        case Characters(ranges):
            plain = Characters(intersection(ranges, _PLAIN))
            signs = [
                literal(written)
                for sign, written in _ESCAPED.items()
                if intersection(ranges, characters(sign))
            ]
            return Choice((plain, *signs))
        case Sequence(parts):
            return Sequence(tuple(map(escaped, parts)))
        case Choice(options):
            return Choice(tuple(map(escaped, options)))
        case Repeat(part, least, most, separator):
            return Repeat(escaped(part), least, most, escaped(separator))
        case Listed():
            raise TypeError("patterns of text have no lists")


class Layout:
    """Objects, arrays and values as text, with a pattern of white space in between.

    Args:
        whitespace: what may stand around the signs { } [ ] : and the comma, as a
            regular expression; "" is the most compact form, and the default.

    Raises:
        ValueError: when it matches anything but JSON's white space.
    """

    def __init__(self, whitespace: str = "") -> None:
        self.space = _read(whitespace)
        allowed = complement(characters(" \t\n\r"))
        if any(intersection(found, allowed) for found in _sets(self.space)):
            raise ValueError(
                f"whitespace is {whitespace!r}; JSON allows spaces, tabs, \\n and \\r "
                'between its signs only, such as " ?"'
            )

    def sign(self, sign: str) -> Sequence:
        return Sequence((self.space, literal(sign), self.space))

    def members(self, items: list[tuple[str, Node, bool]]) -> Sequence:
        """An object of (name, value, whether it is required), in this order."""
        listed = tuple(
            (Sequence((literal(_dumps(name)), self.sign(":"), value)), required)
            for name, value, required in items
        )
        return self._within("{", Listed(listed, self.sign(",")), "}")

    def map(self, value: Node) -> Sequence:
        """An object with any names, all of whose values are alike."""
        name = string(Repeat(CHARACTER, 0, None))
        member = Sequence((name, self.sign(":"), value))
        return self._within("{", Repeat(member, 0, None, self.sign(",")), "}")

    def array(self, item: Node, least: int = 0, most: int | None = None) -> Sequence:
        return self._within("[", Repeat(item, least, most, self.sign(",")), "]")

    def value(self, value: Any) -> Node:
        """One value, such as a const. Raises ValueError for what JSON cannot write."""
        if isinstance(value, dict):
            return self.members([(k, self.value(v), True) for k, v in value.items()])
        if isinstance(value, list):
            items = tuple((self.value(item), True) for item in value)
            return self._within("[", Listed(items, self.sign(",")), "]")
        return literal(_dumps(value))

    def _within(self, first: str, content: Node, last: str) -> Sequence:
        # White space once, not twice around an empty content.
        before = Sequence((literal(first), self.space))
        return Sequence((before, content, self.space, literal(last)))


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _sets(node: Node) -> list[CharacterSet]:
    match node:
        case Characters(ranges):
            return [ranges]
        case Sequence(parts) | Choice(parts):
            return [found for part in parts for found in _sets(part)]
        case Repeat(part):
            return _sets(part)
        case _:
            return [EVERYTHING]
