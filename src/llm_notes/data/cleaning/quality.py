"""Small filters for what nobody wrote to be read: menus, noise, templates, loops.

Each is a function of one text that returns the reason to remove it, or None. They are
in the spirit of the rules of Gopher (Rae et al. 2021, appendix A.1), with its limits as
defaults, made for web pages: look at what they remove before you use them on anything
else. All count `words`, so one letter of Chinese is one word.

Left out on purpose: rules that know one language (Gopher asks for two of eight English
words, which removes all Chinese) and rules that remove a kind of text (C4 refuses pages
with a curly bracket, which is all code; Raffel et al. 2020, section 2.2).
"""

import re
from collections.abc import Callable

from llm_notes.data.cleaning.repetition import (
    duplicate_ngrams,
    frequent_ngram,
    repeated_lines,
)
from llm_notes.data.cleaning.words import is_spaceless, mostly_spaceless, words

_BULLETS = ("-", "*", "•", "‣", "·", "●", "○", "■", "▪")
_ELLIPSES = ("…", "...")


def unusual_length(text: str, minimum: int = 50, maximum: int = 100_000) -> str | None:
    """Too short for prose, or too long for one document, in words."""
    n_words = len(words(text))
    if n_words < minimum:
        return f"{n_words} words, fewer than {minimum}"
    if n_words > maximum:
        return f"{n_words} words, more than {maximum}"
    return None


def unusual_words(
    text: str, shortest: float = 3.0, longest: float = 10.0
) -> str | None:
    """The mean length of words is that of codes (short) or of hashes and URLs (long).

    Words are measured in scripts with spaces only, and only where they are at least
    half of the text: a Chinese text with a few initials in it is not judged.
    """
    all_words = words(text)
    spaced = [len(word) for word in all_words if not is_spaceless(word)]
    if not spaced or mostly_spaceless(all_words):
        return None
    mean = sum(spaced) / len(spaced)
    if shortest <= mean <= longest:
        return None
    return f"mean word length {mean:.2f}, not in {shortest} to {longest}"


def too_many_symbols(text: str, maximum: float = 0.1) -> str | None:
    """More hash signs, or more ellipses, than a share of the number of words."""
    n_words = len(words(text))
    # Six dots are one ellipsis, and so are the two signs that Chinese writes for it.
    for name, sign in (("hash signs", "#"), ("ellipses", r"…+|\.{3,}")):
        count = len(re.findall(sign, text))
        if count > maximum * n_words:
            return f"{count} {name} to {n_words} words, above {maximum:.0%}"
    return None


def too_few_letters(text: str, minimum: float = 0.8) -> str | None:
    """Too small a share of words with at least one letter: tables of numbers."""
    all_words = words(text)
    n_letters = sum(any(c.isalpha() for c in word) for word in all_words)
    if n_letters >= minimum * len(all_words):
        return None
    share = n_letters / len(all_words)
    return f"{share:.0%} of words have a letter, below {minimum:.0%}"


def mostly_bullets(text: str, maximum: float = 0.9) -> str | None:
    """Too large a share of lines that begin with a bullet: menus."""
    return _too_many_lines(
        text, lambda line: line.startswith(_BULLETS), "begin with a bullet", maximum
    )


def mostly_cut_off(text: str, maximum: float = 0.3) -> str | None:
    """Too large a share of lines that end in an ellipsis: lists of teasers."""
    return _too_many_lines(
        text, lambda line: line.endswith(_ELLIPSES), "end in an ellipsis", maximum
    )


def placeholder(text: str) -> str | None:
    """Filler of a page that was never written (a rule of C4)."""
    return "lorem ipsum" if "lorem ipsum" in text.lower() else None


FILTERS: dict[str, Callable[[str], str | None]] = {
    "unusual length": unusual_length,
    "unusual words": unusual_words,
    "too many symbols": too_many_symbols,
    "too few letters": too_few_letters,
    "mostly bullets": mostly_bullets,
    "mostly cut off": mostly_cut_off,
    "placeholder": placeholder,
    "repeated lines": repeated_lines,
    "frequent n-gram": frequent_ngram,
    "duplicate n-grams": duplicate_ngrams,
}


def _too_many_lines(
    text: str, is_bad: Callable[[str], bool], what: str, maximum: float
) -> str | None:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    n_bad = sum(map(is_bad, lines))
    if n_bad <= maximum * len(lines):
        return None
    return f"{n_bad} of {len(lines)} lines {what}, above {maximum:.0%}"
