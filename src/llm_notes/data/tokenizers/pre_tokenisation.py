"""Cutting a text into words before any token is made: GPT-2's pattern.

No token crosses a word, so a word can be counted, encoded and remembered by itself. The
pieces joined are the text: a word keeps the space in front of it. This module knows no
tokenizer.
"""

import re
import unicodedata
from collections import defaultdict
from functools import cache
from itertools import groupby

# Unicode's White_Space. Python's str.isspace() and \s are no help: they count the four
# separators U+001C to U+001F too.
WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
    "\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_BEYOND_PLANE_0 = re.compile("[\U00010000-\U0010ffff]")


def split_words(text: str) -> list[str]:
    """Cut a text into words, numbers, punctuation and white space, as GPT-2 does.

    Joined again, the pieces are the text.
    """
    # A class with characters beyond U+FFFF is searched range by range, and five times
    # slower. Most texts (all without emoji or rare signs) do not need it.
    beyond = _BEYOND_PLANE_0.search(text)
    return _word_pattern(0x110000 if beyond else 0x10000).findall(text)


@cache
def _word_pattern(n_code_points: int) -> re.Pattern[str]:
    r"""GPT-2's pattern, in the notation that Python's `re` does not have:

    's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+

    Python's `re` has no \p, so the classes are written out from the Unicode categories
    of this Python (at first use: it takes a fraction of a second).
    """
    ranges: dict[str, str] = defaultdict(str)
    code_points = range(n_code_points)
    for group, run in groupby(code_points, lambda c: unicodedata.category(chr(c))[0]):
        if group in "LN":
            run = list(run)
            ranges[group] += f"\\U{run[0]:08x}-\\U{run[-1]:08x}"
    letter, number, space = ranges["L"], ranges["N"], WHITE_SPACE
    return re.compile(
        "'s|'t|'re|'ve|'m|'ll|'d"
        f"| ?[{letter}]+| ?[{number}]+| ?[^{space}{letter}{number}]+"
        f"|[{space}]+(?![^{space}])|[{space}]+"
    )


def last_word_end(text: str, start: int, end: int, spaces: str = WHITE_SPACE) -> int:
    """The last place, from `start` to `end`, between a word and white space after it.

    A text may be cut there: no piece of the pattern goes on from a word into white
    space, and none looks back. A cut on the other side of the white space would not do,
    since the pattern looks ahead to see whether its last space belongs to a word.

    Returns:
        `start` when there is no such place.
    """
    last_space = max(text.rfind(space, start, end + 1) for space in spaces)
    return start + len(text[start : max(start, last_space)].rstrip(spaces))
