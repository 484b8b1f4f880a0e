"""The five parts that every pattern here is made of.

Patterns are read into these parts and schemas are written with them; the automaton is
built from them. Two parts are made for JSON: a repetition and a list can have a
separator, and neither copies its items for it. This module knows no automaton.
"""

from dataclasses import dataclass

from llm_notes.inference.constrained.characters import CharacterSet, characters


@dataclass(frozen=True)
class Characters:
    """Any one character of a set."""

    ranges: CharacterSet


@dataclass(frozen=True)
class Sequence:
    """All parts, one after the other; no parts are the empty text."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Choice:
    """One of the options; no options match nothing at all, not even the empty text."""

    options: tuple["Node", ...]


@dataclass(frozen=True)
class Repeat:
    """A part `least` to `most` times (None: without end), a separator in between."""

    part: "Node"
    least: int
    most: int | None
    separator: "Node" = Sequence(())


@dataclass(frozen=True)
class Listed:
    """Items in their order, a separator in between; each may be left out unless it is
    required. Items are pairs (part, whether it is required)."""

    items: tuple[tuple["Node", bool], ...]
    separator: "Node"


Node = Characters | Sequence | Choice | Repeat | Listed

EMPTY = Sequence(())
NOTHING = Choice(())


def literal(text: str) -> Sequence:
    """A text, word for word. Raises ValueError for a lone surrogate."""
    parts = tuple(Characters(characters(c)) for c in text)
    if Characters(()) in parts:
        raise ValueError(f"{text!r} holds a lone surrogate, which no UTF-8 text can")
    return Sequence(parts)
