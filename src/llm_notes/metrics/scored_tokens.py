r"""The tokens that BLEU counts: four ways to cut a text, named as sacreBLEU names them.

A BLEU score means nothing without its tokenisation (Post 2018), so these follow the
published rules to the letter, oddities included. They are no tokenizers for a model:
what they drop cannot be put back.
"""

import re
from collections.abc import Callable

_SYMBOL = re.compile(r"([!\"#$%&()*+/:;<=>?@\[\\\]^_`{|}~])")
_MARK_AFTER_OTHER = re.compile(r"([^0-9])([.,])")
_MARK_BEFORE_OTHER = re.compile(r"([.,])([^0-9])")
_DASH_AFTER_DIGIT = re.compile(r"([0-9])(-)")
_ENTITIES = {"&quot;": '"', "&amp;": "&", "&lt;": "<", "&gt;": ">"}
# What counts as a Chinese character. The first range holds dashes, arrows and curly
# quotes as well, and rarer characters beyond U+FFFF are missing: the table that all
# published scores were computed with has two ranges cut short. We keep it.
_CHINESE = re.compile(
    "([\u2001-\u2a6d\u2e80-\u2fdf\u2ff0-\u303f\u3100-\u312f\u31a0-\u31ef"
    "\u3200-\u4db5\u4e00-\u9fbb\uf900-\ufa2d\ufa30-\ufa6a\ufa70-\ufad9"
    "\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uffef])"
)


def tokens_13a(text: str) -> list[str]:
    """Words and punctuation, as NIST's script mteval-v13a cuts Western text.

    A full stop or comma stays in a number ("3.14"), and apostrophes and hyphens stay
    in words; a hyphen after a digit does not.
    """
    text = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    return _western(f" {text} ")


def tokens_zh(text: str) -> list[str]:
    """Each Chinese character on its own; what lies between is cut as in `tokens_13a`.

    It has no white space put around the text and leaves entities such as "&amp;" be.
    """
    return _western(_CHINESE.sub(r" \1 ", text.strip()))


def tokens_char(text: str) -> list[str]:
    """Every character but white space."""
    return list("".join(text.split()))


def tokens_none(text: str) -> list[str]:
    """What white space separates: for text that is already cut into tokens."""
    return text.split()


TOKENISATIONS: dict[str, Callable[[str], list[str]]] = {
    "13a": tokens_13a,
    "zh": tokens_zh,
    "char": tokens_char,
    "none": tokens_none,
}


def _western(text: str) -> list[str]:
    # The order matters: each rule sees the blanks that the one before has put in.
    text = _SYMBOL.sub(r" \1 ", text)
    text = _MARK_AFTER_OTHER.sub(r"\1 \2 ", text)
    text = _MARK_BEFORE_OTHER.sub(r" \1 \2", text)
    text = _DASH_AFTER_DIGIT.sub(r"\1 \2 ", text)
    return text.split()
