"""The names of territories and of languages, in hundreds of languages.

CLDR, the Unicode Consortium's data on languages, knows what each of its languages
calls France or Finnish. A code such as "FR" says that two names mean the same, so the
names are a dictionary between any two languages, with no dictionary's ambiguity.

Hold out codes, not names: see `split_codes`. CLDR is read with Babel, which brings a
copy. This module knows no tokenizer and no model.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from llm_notes.data.corpus import split_paragraphs
from llm_notes.data.tasks.messages import MissingExtraError

Kind = Literal["territory", "language"]
# Codes of no place or language: for testing programs, "unknown", "several", "none".
LEFT_OUT = frozenset({"XA", "XB", "ZZ", "root", "und", "mis", "mul", "zxx"})


@dataclass(frozen=True)
class NamePair:
    """What two languages call the same thing, with its code, such as "FR"."""

    code: str
    source: str
    target: str


def languages(kind: Kind = "territory", min_names: int = 100) -> dict[str, int]:
    """The languages that have at least `min_names` names, and how many they have.

    Variants for a country or a script ("de_AT", "zh_Hant") share most names with their
    language; they are not listed, and `names` knows them.

    Returns:
        Codes such as "zh", in alphabetical order. All are read: about two seconds.

    Raises:
        ValueError: for another kind.
        MissingExtraError: when Babel is not installed.
    """
    codes = sorted(code for code in _locales() if "_" not in code)
    sizes = {code: len(names(code, kind)) for code in codes}
    return {code: n for code, n in sizes.items() if n >= min_names}


def names(language: str, kind: Kind = "territory") -> dict[str, str]:
    """What a language calls territories, or languages.

    Args:
        language: a code such as "zh" or "zh_Hant".
        kind: "territory" (countries, and groups of them under a code of three digits),
            or "language".

    Returns:
        {"FR": "法国", ...}, sorted by code.

    Raises:
        ValueError: when CLDR has no such language, or for another kind.
        MissingExtraError: when Babel is not installed.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"kind is {kind!r}; allowed are {', '.join(get_args(Kind))}")
    if language not in _locales():
        raise ValueError(
            f"CLDR has no language {language!r}; a code looks like 'zh' or 'zh_Hant', "
            "and languages() lists those with many names"
        )
    return dict(_names(language, kind))


def name_pairs(
    source: str,
    target: str,
    kind: Kind = "territory",
    *,
    keep_identical: bool = False,
) -> list[NamePair]:
    """The names of the same things in two languages, sorted by code.

    Args:
        source, target: codes as in `names`.
        kind: as in `names`.
        keep_identical: whether names that both languages write alike are kept. To
            copy is no translation, and CLDR fills some gaps with English.

    Raises as `names` does.
    """
    ours, theirs = names(source, kind), names(target, kind)
    return [
        NamePair(code, name, theirs[code])
        for code, name in ours.items()
        if code in theirs and (keep_identical or name != theirs[code])
    ]


def split_codes(
    codes: Iterable[str], test_share: float = 0.1, seed: int = 0
) -> tuple[list[str], list[str]]:
    """Hold out codes, so that what is held out is so in every language.

    Returns:
        (train, test), both sorted.

    Raises as `corpus.split_paragraphs` does.
    """
    return split_paragraphs(sorted(set(codes)), test_share, seed)


@cache
def _locales() -> frozenset[str]:
    """The codes of all that Babel has of CLDR."""
    try:
        from babel.localedata import locale_identifiers
    except ImportError as error:
        raise MissingExtraError(
            "the names are CLDR's, read with Babel, which is not installed; it comes "
            'with: pip install "llm-notes[book]"'
        ) from error
    return frozenset(locale_identifiers())


@cache
def _names(language: str, kind: Kind) -> Mapping[str, str]:
    """One language's names, sorted by code."""
    from babel import Locale

    locale = Locale.parse(language)
    found = locale.territories if kind == "territory" else locale.languages
    return {code: found[code] for code in sorted(found) if code not in LEFT_OUT}
