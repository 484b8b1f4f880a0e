"""The class of each character as this Python knows it, small enough for a page.

Tokenizers cut between letters, numbers and signs. Unicode grows, and a reader's browser
knows another version of it than this Python; so a page that has to cut as Python does
brings these classes along. `static/tokenizers/unicode.js` reads them.
"""

import unicodedata
from functools import cache
from itertools import groupby

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@cache
def unicode_classes() -> str:
    """All code points in order, as runs: the length in base 36, then the class.

    Classes are L letter, N number, P punctuation, M non-spacing mark, H hidden
    (control, format, private use), U unassigned, O other. A length of one is left out.
    """
    return "".join(
        _base_36(sum(1 for _ in run)) + name
        for name, run in groupby(map(chr, range(0x110000)), _class_of)
    )


def _class_of(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Cf", "Co"):
        return "H"
    named = {"Mn": "M", "Cn": "U"}.get(category)
    return named or (category[0] if category[0] in "LNP" else "O")


def _base_36(number: int) -> str:
    if number == 1:
        return ""
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits
