"""The book's corpus: the prose of the Python language reference.

The text comes with every Python, as `pydoc_data.topics` (what `help("assert")`
prints), so a model can be trained on real prose without a download. The text differs
a little between Python versions, and so does every number measured on it.

The reference repeats itself: many paragraphs stand under several topics. A model that
is tested on a paragraph which it has learned by heart gets a score that it does not
deserve. So paragraphs are de-duplicated first and split second, and two measures tell
how much of a held-out text a training text gives away.

This module knows no tokenizer and no model.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from llm_notes.data.cleaning.duplicates import (
    collapse_white_space,
    drop_exact_duplicates,
)
from llm_notes.data.cleaning.minhash import shingles
from llm_notes.data.cleaning.words import words

PARAGRAPH_BREAK = "\n\n"


class EmptyCorpusError(ValueError):
    """There is no text to learn from or to measure on."""


@dataclass(frozen=True)
class Corpus:
    """A text in two parts: one to learn from, one held out to measure on.

    Raises EmptyCorpusError when a part holds nothing but white space.
    """

    name: str
    train: str
    validation: str

    def __post_init__(self) -> None:
        for part, text in (("train", self.train), ("validation", self.validation)):
            if not text.strip():
                raise EmptyCorpusError(
                    f"the {part} part of corpus {self.name!r} is empty; "
                    "both parts need text"
                )

    @property
    def train_bytes(self) -> int:
        """The size of the training part as UTF-8, in bytes."""
        return len(self.train.encode())

    @property
    def validation_bytes(self) -> int:
        """The size of the held-out part as UTF-8: what bits per byte divides by."""
        return len(self.validation.encode())

    @property
    def alphabet(self) -> str:
        """Every character of either part, once, in order of code points.

        A character tokenizer trained on it can encode both parts. It tells the model
        which characters exist, as a keyboard does, and not how often or where.
        """
        return "".join(sorted(set(self.train) | set(self.validation)))


def paragraphs_of(text: str) -> list[str]:
    """Cut a text at its blank lines; keep indentation, drop empty paragraphs."""
    parts = re.split(r"\n\s*\n", text)  # the indentation after it stays
    return [part.strip("\n").rstrip() for part in parts if part.strip()]


def reference_paragraphs() -> list[str]:
    """All paragraphs of the Python language reference, copies included.

    Topics come in alphabetical order, whatever the order of the dictionary is.
    """
    from pydoc_data.topics import topics  # half a megabyte: only when asked for

    return [p for _, text in sorted(topics.items()) for p in paragraphs_of(text)]


def deduplicate(paragraphs: Sequence[str]) -> list[str]:
    """Keep the first of all paragraphs that differ in white space only.

    Empty ones go too. `cleaning.drop_exact_duplicates` also says what it removes.
    """
    kept = drop_exact_duplicates(paragraphs)
    return [p for p in kept if isinstance(p, str) and p.strip()]


def split_paragraphs(
    paragraphs: Sequence[str], validation_share: float = 0.1, seed: int = 0
) -> tuple[list[str], list[str]]:
    """Hold out random paragraphs that make up about `validation_share` of the bytes.

    Both parts keep the order of the document. Copies are not looked for: call
    `deduplicate` first.

    Returns:
        (train, validation), two lists of paragraphs, neither empty.

    Raises:
        ValueError: when the share is not between 0 and 1.
        EmptyCorpusError: when there are fewer than two paragraphs.
    """
    if not 0 < validation_share < 1:
        raise ValueError(
            f"validation_share is {validation_share}; it must lie between 0 and 1"
        )
    if len(paragraphs) < 2:
        raise EmptyCorpusError(
            f"the corpus has {len(paragraphs)} paragraph(s); a split needs at least 2"
        )
    # Sorting by `random()` keys repeats on every Python version; the standard
    # library makes that promise for `random()` and not for `shuffle` or `sample`.
    generator = random.Random(seed)
    keys = [generator.random() for _ in paragraphs]
    shuffled = sorted(range(len(paragraphs)), key=keys.__getitem__)

    sizes = [len(paragraph.encode()) for paragraph in paragraphs]
    wanted = validation_share * sum(sizes)
    held_out: set[int] = set()
    n_bytes = 0
    for index in shuffled[:-1]:  # the last one stays, so that train is not empty
        held_out.add(index)
        n_bytes += sizes[index]
        if n_bytes >= wanted:
            break
    train = [p for i, p in enumerate(paragraphs) if i not in held_out]
    validation = [p for i, p in enumerate(paragraphs) if i in held_out]
    return train, validation


@cache
def python_reference() -> Corpus:
    """The Python language reference, de-duplicated and then split by paragraph.

    A tenth of the bytes is held out, with seed 0. Cached: the text is cut once.
    """
    train, validation = split_paragraphs(deduplicate(reference_paragraphs()))
    return Corpus(
        name="python reference",
        train=PARAGRAPH_BREAK.join(train),
        validation=PARAGRAPH_BREAK.join(validation),
    )


def leaked_share(train: str, validation: str) -> float:
    """The share of held-out bytes whose paragraph stands word for word in train.

    Paragraphs are compared after white space is normalised. 0 is what a clean split
    has; 1 means that the model is examined on nothing but what it has read.

    Raises EmptyCorpusError when the held-out text has no paragraph.
    """
    known = {collapse_white_space(paragraph) for paragraph in paragraphs_of(train)}
    leaked = total = 0
    for paragraph in _require_paragraphs(validation):
        n_bytes = len(paragraph.encode())
        total += n_bytes
        leaked += n_bytes * (collapse_white_space(paragraph) in known)
    return leaked / total


def near_duplicate_share(
    train: str, validation: str, n_words: int = 8, threshold: float = 0.5
) -> float:
    """The share of held-out bytes in paragraphs that train contains in large part.

    A paragraph counts when at least `threshold` of its distinct shingles (runs of
    `n_words` words, lower-cased, punctuation ignored) occur somewhere in train, in
    any paragraph. This is the containment of Broder (1997). A paragraph shorter than
    `n_words` has no shingle and never counts: short phrases recur in honest prose.

    Raises:
        EmptyCorpusError: when the held-out text has no paragraph.
        ValueError: when `n_words` < 1 or `threshold` is not in (0, 1].
    """
    if n_words < 1:
        raise ValueError(f"n_words is {n_words}; a shingle has at least one word")
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is {threshold}; it must lie in (0, 1]")
    known: set[tuple[str, ...]] = set()
    for paragraph in paragraphs_of(train):
        known |= shingles(words(paragraph.lower()), n_words)
    near = total = 0
    for paragraph in _require_paragraphs(validation):
        n_bytes = len(paragraph.encode())
        total += n_bytes
        own = shingles(words(paragraph.lower()), n_words)
        if own and len(own & known) >= threshold * len(own):
            near += n_bytes
    return near / total


def _require_paragraphs(validation: str) -> list[str]:
    paragraphs = paragraphs_of(validation)
    if not paragraphs:
        raise EmptyCorpusError("the held-out text is empty; there is nothing to check")
    return paragraphs
