"""The same short messages in many languages: the catalogues that Sphinx speaks with.

Sphinx, which builds this book, brings catalogues for 67 languages and countries.
Volunteers translate them: some are whole, many hold a fifth of the messages, and some
are still empty. So this is real data for translation, for low-resource transfer and
for language identification; `languages` says how much there is of which.

A message is on the same side of the split in every language. Otherwise a model could
learn the French for a message and be examined on the German for it.

The catalogues are read with Babel. This module knows no tokenizer and no model.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# What a program fills in: %s, %(name)d, %-10s, %%, {}, {name!r}, {a.b:>8}.
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[#0+-]*\d*(?:\.\d+)?[a-zA-Z%]|\{[^{}\s]*\}")


class MissingExtraError(ImportError):
    """A library that only some readers need is not installed."""


@dataclass(frozen=True)
class MessagePair:
    """A message and its translation.

    Attributes:
        english: as it stands in the program.
        translation: as a volunteer wrote it.
        placeholders: what the program fills in, in the order of the English text. The
            translation has the same ones, perhaps in another order.
    """

    english: str
    translation: str
    placeholders: tuple[str, ...]


def languages(min_pairs: int = 1) -> dict[str, int]:
    """The catalogues' codes, such as "zh_CN", and how many pairs each gives.

    Args:
        min_pairs: with 0, catalogues that nobody has begun to translate are listed
            too, and those that respell English (en_GB).

    Returns:
        The codes with most pairs first, then in alphabetical order.

    Raises MissingExtraError as `message_pairs` does.
    """
    sizes = {code: len(_pairs(code)) for code in _catalogues()}
    codes = sorted(sizes, key=lambda code: (-sizes[code], code))
    return {code: sizes[code] for code in codes if sizes[code] >= min_pairs}


def message_pairs(language: str) -> list[MessagePair]:
    """All messages that are translated into a language, in order of the catalogue.

    Left out are messages that are not translated, that a translator marked as fuzzy,
    that are the same in both languages, and those whose placeholders did not survive:
    a program would fail to fill them in.

    Args:
        language: the code of a catalogue, such as "zh_CN".

    Raises:
        ValueError: when there is no such catalogue.
        MissingExtraError: when Sphinx or Babel is not installed.
    """
    if language not in _catalogues():
        raise ValueError(
            f"there is no catalogue {language!r}; there are "
            f"{', '.join(languages(min_pairs=0))}"
        )
    return list(_pairs(language))


def split_pairs(
    pairs: Iterable[MessagePair], test_share: float = 0.1
) -> tuple[list[MessagePair], list[MessagePair]]:
    """Hold out some messages, the same ones in every language.

    The English text alone decides: see `is_held_out`.

    Returns:
        (train, test), in the order of `pairs`.

    Raises ValueError when the share is not between 0 and 1.
    """
    train: list[MessagePair] = []
    test: list[MessagePair] = []
    for pair in pairs:
        (test if is_held_out(pair.english, test_share) else train).append(pair)
    return train, test


def identification_set(
    test_share: float = 0.1, min_pairs: int = 30
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Texts with the code of their language, English ("en") among them.

    A text that stands in two catalogues has no one right answer and is left out. So is
    a text held out that stands in the training part as well: two messages can have the
    same translation.

    Args:
        test_share: of the messages, held out in every language.
        min_pairs: a language with fewer translations than this is left out.

    Returns:
        (train, test), lists of (text, code), each text once.

    Raises:
        ValueError: when the share is not between 0 and 1.
        MissingExtraError: as `message_pairs` does.
    """
    texts: dict[str, dict[str, bool]] = {"en": {}}  # code -> text -> held out
    for code in languages(min_pairs):
        for pair in _pairs(code):
            held_out = is_held_out(pair.english, test_share)
            for key, text in (("en", pair.english), (code, pair.translation)):
                side = texts.setdefault(key, {})
                # A text that is on both sides stays in the training part.
                side[text] = held_out and side.get(text, True)
    n_languages = Counter(text for side in texts.values() for text in side)
    train: list[tuple[str, str]] = []
    test: list[tuple[str, str]] = []
    for code, side in texts.items():
        for text, held_out in side.items():
            if n_languages[text] == 1:
                (test if held_out else train).append((text, code))
    return train, test


def is_held_out(english: str, share: float) -> bool:
    """Whether a message belongs to the `share` of messages that are held out.

    A hash of its words decides, so the answer depends on nothing else: not on the
    language, and not on which other messages this version of Sphinx has. Letter case,
    punctuation and the names of placeholders are ignored, so near-copies stay together.

    Raises ValueError when the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"the share is {share}; it must lie between 0 and 1")
    words = re.findall(r"\w+", PLACEHOLDER.sub(" ", english).lower())
    digest = hashlib.sha256(" ".join(words).encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def placeholders_of(text: str) -> tuple[str, ...]:
    """What a program fills into a message, in order: "%s of {total}" has two."""
    return tuple(PLACEHOLDER.findall(text))


@cache
def _catalogues() -> dict[str, Path]:
    """The catalogue of each language, by its code."""
    try:
        import babel  # noqa: F401
        import sphinx
    except ImportError as error:
        raise MissingExtraError(
            f"the messages are Sphinx's, read with Babel, and {error.name} is not "
            'installed; both come with: pip install "llm-notes[book]"'
        ) from error
    folder = Path(sphinx.__file__).parent / "locale"
    found = {
        path.parents[1].name: path for path in folder.glob("*/LC_MESSAGES/sphinx.po")
    }
    if not found:
        raise MissingExtraError(
            f"this Sphinx has no catalogues (.po files) below {folder}; the one that "
            'comes with pip install "llm-notes[book]" has them'
        )
    return dict(sorted(found.items()))


@cache
def _pairs(language: str) -> tuple[MessagePair, ...]:
    """The pairs of one catalogue."""
    from babel.messages.pofile import read_po

    if language.startswith("en"):
        return ()  # respelled, not translated
    with _catalogues()[language].open("rb") as file:
        catalogue = read_po(file)
    pairs = []
    for message in catalogue:
        english, translation = message.id, message.string
        # The header has no id; a message with a plural has two, and none is a task.
        if not isinstance(english, str) or not english or not translation:
            continue
        if message.fuzzy or translation.strip() == english.strip():
            continue
        if Counter(placeholders_of(english)) != Counter(placeholders_of(translation)):
            continue
        pairs.append(MessagePair(english, translation, placeholders_of(english)))
    return tuple(pairs)
