r"""Sets of characters, as ranges of code points: what a class such as [^a-z\d] means.

A set is a sorted tuple of ranges (first, last), both included, that neither overlap nor
touch. Surrogates are in no set: no UTF-8 text holds them. This module knows no pattern.
"""

import re
from functools import cache
from itertools import pairwise

CharacterSet = tuple[tuple[int, int], ...]

LAST = 0x10FFFF
EVERYTHING: CharacterSet = ((0, 0xD7FF), (0xE000, LAST))


def characters(text: str) -> CharacterSet:
    """The set of the characters of a text; surrogates are left out."""
    return union(*(((ord(c), ord(c)),) for c in text if not "\ud800" <= c <= "\udfff"))


def union(*sets: CharacterSet) -> CharacterSet:
    """What is in at least one of the sets."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(piece for ranges in sets for piece in ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def complement(ranges: CharacterSet) -> CharacterSet:
    """All characters that are not in the set."""
    # Surrogates count as members, and so does what lies outside of Unicode.
    members = union(ranges, ((-1, -1), (0xD800, 0xDFFF), (LAST + 1, LAST + 1)))
    return tuple((left[1] + 1, right[0] - 1) for left, right in pairwise(members))


def intersection(a: CharacterSet, b: CharacterSet) -> CharacterSet:
    """What is in both sets (De Morgan)."""
    return complement(union(complement(a), complement(b)))


@cache
def escape_class(letter: str, ascii_only: bool) -> CharacterSet:
    r"""The set of \d, \w, \s, \D, \W or \S, as Python's `re` reads it.

    Args:
        letter: one of d, w, s, D, W, S.
        ascii_only: read it as with `re.ASCII`: \d is [0-9], and \D all the rest.
    """
    if letter.isupper():
        return complement(escape_class(letter.lower(), ascii_only))
    found = re.compile(rf"\{letter}+", re.ASCII if ascii_only else 0)
    ranges = ((0, 127),) if ascii_only else EVERYTHING
    return union(
        *(
            ((first + match.start(), first + match.end() - 1),)
            for first, last in ranges
            for match in found.finditer("".join(map(chr, range(first, last + 1))))
        )
    )
