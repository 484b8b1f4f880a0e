"""English sentences with their Chinese translation and a gold word alignment.

A synchronous grammar derives both sentences at once, so each pair comes with the
alignment that made it: a truth by which attention between the two can be scored.

Two ways of holding out are offered. By sentence, the test sentences are new, though
made of familiar phrases. By combination, some verbs never meet some of their objects
in training, which asks a model to generalise systematically (Lake and Baroni 2018).

The language is a toy: nearly 800 English word forms, 480 Chinese words, and one
translation for each sentence. Its sentences are grammatical and need not make sense.
They begin with a small letter, unless with a name, and do not name anyone twice.
How they are derived is in `synchronous_grammar`, what they say in `grammar_clauses`.
This module knows no tokenizer and no model.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, get_args

from llm_notes.data.tasks.grammar_clauses import english_chinese_grammar
from llm_notes.data.tasks.grammar_words import (
    NAMES,
    OTHER_NAMES,
    choose_article,
    entries,
)
from llm_notes.data.tasks.synchronous_grammar import SentencePair

HeldOut = Literal["sentences", "combinations"]

LEAST_SHARE = 0.001  # to draw one sentence of a smaller part would take too long
_NAMES = frozenset(name for name, _ in entries(NAMES) + entries(OTHER_NAMES))


def sentence_pairs(n_pairs: int, seed: int = 0) -> list[SentencePair]:
    """Draw different sentences with their translations and alignments.

    Args:
        n_pairs: how many.
        seed: decides which. More pairs with the same seed begin with the same pairs.

    Returns:
        `n_pairs` pairs, no English sentence twice.

    Raises ValueError when `n_pairs` < 0.
    """
    _require_size("n_pairs", n_pairs)
    drawn = _distinct_pairs(seed)
    return [next(drawn) for _ in range(n_pairs)]


def train_and_test(
    n_train: int,
    n_test: int,
    seed: int = 0,
    held_out: HeldOut = "sentences",
    test_share: float = 0.1,
) -> tuple[list[SentencePair], list[SentencePair]]:
    """Draw pairs to learn from and pairs to be examined on.

    Which side a sentence is on depends on a hash of its Chinese words and not on the
    seed or the sizes. So no test sentence, in either language, is in any training part
    that this function gives for "sentences" and the same `test_share`. (Several English
    sentences may have one translation, which goes to one side.) For "combinations" it
    depends on a hash of each combination, and the same holds of combinations.

    Args:
        n_train, n_test: how many pairs of each kind.
        seed: decides which are drawn.
        held_out: "sentences" holds out a share of all sentences; "combinations" a
            share of all (verb, object) pairs, such as (eat, apple), with every
            sentence in which one of them occurs.
        test_share: of what is held out; from 0.001 to 0.999.

    Raises ValueError for a negative size, another way of holding out, or a share that
    leaves less than a thousandth to one side.
    """
    _require_size("n_train", n_train)
    _require_size("n_test", n_test)
    if held_out not in get_args(HeldOut):
        raise ValueError(
            f"held_out is {held_out!r}; allowed are {', '.join(get_args(HeldOut))}"
        )
    if not LEAST_SHARE <= test_share <= 1 - LEAST_SHARE:
        raise ValueError(
            f"test_share is {test_share}; it must lie between {LEAST_SHARE} and "
            f"{1 - LEAST_SHARE}: drawing sentences for a smaller part takes too long"
        )
    train: list[SentencePair] = []
    test: list[SentencePair] = []
    drawn = _distinct_pairs(seed)
    while len(train) < n_train or len(test) < n_test:
        pair = next(drawn)
        part, size = (
            (test, n_test)
            if _is_held_out(pair, held_out, test_share)
            else (train, n_train)
        )
        if len(part) < size:
            part.append(pair)
    return train, test


def count_sentences() -> int:
    """How many derivations the grammar has, counted by its recursion.

    It is the number of sentences if none has two derivations, and the tests, which
    enumerate phrases and draw thousands of sentences, find none that has. Those that
    name somebody twice are counted, though they are never given.
    """
    return english_chinese_grammar().count("S")


def _distinct_pairs(seed: int) -> Iterator[SentencePair]:
    """Sentences that have not come yet; there are more than anyone can draw."""
    grammar = english_chinese_grammar()
    generator = random.Random(seed)
    seen: set[tuple[str, ...]] = set()
    while True:
        pair = grammar.sample(generator).pair()
        names = [word for word in pair.english if word in _NAMES]
        if pair.english not in seen and len(names) == len(set(names)):
            seen.add(pair.english)
            yield replace(pair, english=tuple(choose_article(pair.english)))


def _is_held_out(pair: SentencePair, held_out: HeldOut, share: float) -> bool:
    """Whether a sentence, or a combination in it, is held out."""
    if held_out == "sentences":
        return _falls_below(" ".join(pair.chinese), share)
    return any(_falls_below(" ".join(both), share) for both in pair.combinations)


def _falls_below(text: str, share: float) -> bool:
    """Whether the hash of a text, as a number from 0 to 1, is below `share`."""
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def _require_size(name: str, size: int) -> None:
    if size < 0:
        raise ValueError(f"{name} is {size}; it must not be negative")
