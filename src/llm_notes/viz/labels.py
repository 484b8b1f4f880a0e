"""Labels that come from data, shown literally.

A token may hold a line break, a dollar sign or a mark that reverses the reading
direction. Here such text becomes something that can be seen and that changes nothing
around it. Knows nothing about tokenizers.
"""

import unicodedata
from collections.abc import Sequence

from matplotlib.text import Text

_NAMED = {"\n": "↵", "\r": "␍", "\t": "⇥", "\x7f": "␡", "\u200b": "U+200B"}
_BIDI = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}


def visible(text: str, edges: bool = True, keep: str = "") -> str:
    """Return `text` with every character that cannot be seen replaced by one that can.

    Line breaks become "↵", tabs "⇥", other control characters their Unicode control
    pictures, direction marks, byte-order marks and lone surrogates their code point
    ("U+202E"). With `edges`, spaces at either end become "␣": " the" and "the" are
    different tokens. Characters in `keep` stay. Joiners stay: scripts and emoji need
    them.
    """
    text = "".join(c if c in keep else _visible_character(c) for c in str(text))
    if not edges:
        return text
    core = text.strip(" ")
    if not core:
        return "␣" * len(text)
    before = len(text) - len(text.lstrip(" "))
    after = len(text) - len(text.rstrip(" "))
    return "␣" * before + core + "␣" * after


def _visible_character(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code in _BIDI or code == 0xFEFF:
        return f"U+{code:04X}"
    if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return f"U+{code:04X}"
    return character


def set_literal(texts: Sequence[Text]) -> None:
    """Keep "$" in these texts from starting a formula."""
    for text in texts:
        text.set_parse_math(False)


def literal_legend(ax, handles: Sequence, labels: Sequence[str], **kwargs):
    """Add a legend whose labels are shown as they are.

    Matplotlib drops labels that start with "_"; setting the text afterwards keeps them.
    """
    legend = ax.legend(handles, [str(i) for i in range(len(labels))], **kwargs)
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_parse_math(False)
        text.set_text(visible(label, edges=False))
    return legend
