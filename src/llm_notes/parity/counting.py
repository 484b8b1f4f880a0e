"""The n-gram models against their definitions, written out over dictionaries.

The models look all n-grams of a text up at once in sorted arrays. The definitions here
are slow and short: each sums over the vocabulary, one context at a time, and shares no
line with the models. This module knows no tokenizer and no neural network.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from llm_notes.models.ngram import (
    AddKNGram,
    KatzNGram,
    KneserNeyNGram,
    ModifiedKneserNeyNGram,
    NGramModel,
)
from llm_notes.parity.case import Parity, compare

Context = tuple[int, ...]
Counts = Counter[Context]

_ORDER, _VOCAB_SIZE = 4, 9


def add_k() -> Parity:
    """Lidstone's law, all contexts of a text that is half unknown."""
    model = AddKNGram(_ORDER, _VOCAB_SIZE, k=0.3)
    return _compare("Add-k n-gram", model, add_k_by_definition(_VOCAB_SIZE, 0.3))


def katz() -> Parity:
    """Katz back-off with the discounts that Good and Turing's counts give."""
    model = KatzNGram(_ORDER, _VOCAB_SIZE)
    return _compare("Katz back-off", model, katz_by_definition(_VOCAB_SIZE))


def kneser_ney() -> Parity:
    """Interpolated Kneser-Ney, one discount for each order."""
    model = KneserNeyNGram(_ORDER, _VOCAB_SIZE)
    definition = kneser_ney_by_definition(_VOCAB_SIZE, _ORDER, one_discount)
    return _compare("Kneser-Ney", model, definition)


def modified_kneser_ney() -> Parity:
    """Modified Kneser-Ney, three discounts for each order."""
    model = ModifiedKneserNeyNGram(_ORDER, _VOCAB_SIZE)
    definition = kneser_ney_by_definition(_VOCAB_SIZE, _ORDER, three_discounts)
    return _compare("Modified Kneser-Ney", model, definition)


# A definition maps a text and a context to p(. | context), a list of V numbers.
Definition = Callable[[Sequence[int], Context], list[float]]


def add_k_by_definition(vocab_size: int, k: float) -> Definition:
    """(c(hw) + k) / (sum of c(hw') + kV)."""

    def p(text: Sequence[int], context: Context) -> list[float]:
        c = _counts(text, len(context) + 1)
        total = sum(c[(*context, w)] for w in range(vocab_size))
        return [
            (c[(*context, w)] + k) / (total + k * vocab_size) for w in range(vocab_size)
        ]

    return p


def katz_by_definition(vocab_size: int, trusted_above: int = 5) -> Definition:
    """Discounted where seen, alpha(h) times the shorter context's p where not."""

    def p(text: Sequence[int], context: Context) -> list[float]:
        shorter = p(text, context[1:]) if context else [1 / vocab_size] * vocab_size
        all_counts = _counts(text, len(context) + 1)
        c = [all_counts[(*context, w)] for w in range(vocab_size)]
        if not any(c):
            return shorter
        d = good_turing_discounts(all_counts, trusted_above)
        ratio = [d.get(count, 1.0) for count in c]
        kept = [r * count for r, count in zip(ratio, c, strict=True)]
        if all(c):
            return [x / sum(kept) for x in kept]
        total = sum(c)
        if all(r == 1 for r in ratio):
            total += 1
        seen = [w for w in range(vocab_size) if c[w]]
        unseen = [w for w in range(vocab_size) if not c[w]]
        left = 1 - sum(kept[w] / total for w in seen)
        alpha = left / sum(shorter[w] for w in unseen)
        return [kept[w] / total if c[w] else alpha * q for w, q in enumerate(shorter)]

    return p


def good_turing_discounts(counts: Counts, trusted_above: int) -> dict[int, float]:
    """d_r of the n-grams of one length, for the largest k that works."""
    n = Counter(counts.values())  # n[r]: how many n-grams occur r times
    for k in range(trusted_above, 0, -1):
        if not all(n[r] for r in range(1, k + 1)) or (k + 1) * n[k + 1] >= n[1]:
            continue
        removed = (k + 1) * n[k + 1] / n[1]
        d = {
            r: ((r + 1) * n[r + 1] / (r * n[r]) - removed) / (1 - removed)
            for r in range(1, k + 1)
        }
        if all(0 < x <= 1 for x in d.values()):
            return d
    return {}


# From the number of n-grams with a = 1, 2, 3, ... to the discount of each a.
Discounts = Callable[[Counter[int]], Callable[[int], float]]


def kneser_ney_by_definition(
    vocab_size: int, order: int, discounts: Discounts
) -> Definition:
    """What is kept of a_n(hw), and what is withheld times the shorter context's p."""

    def p(text: Sequence[int], context: Context) -> list[float]:
        shorter = p(text, context[1:]) if context else [1 / vocab_size] * vocab_size
        length = len(context) + 1
        adjusted = _counts(text, length)
        if length < order:  # the number of different tokens in front of it
            adjusted = Counter(ngram[1:] for ngram in _counts(text, length + 1))
        a = [adjusted[(*context, w)] for w in range(vocab_size)]
        if not any(a):
            return shorter
        discount = discounts(Counter(adjusted.values()))
        withheld = sum(discount(count) for count in a if count)
        return [
            (max(count - discount(count), 0) + withheld * q) / sum(a)
            if count
            else withheld * q / sum(a)
            for count, q in zip(a, shorter, strict=True)
        ]

    return p


def fixed_discount(discount: float) -> Discounts:
    """The same discount everywhere."""
    return lambda n: lambda a: discount


def one_discount(n: Counter[int]) -> Callable[[int], float]:
    """n_1 / (n_1 + 2 n_2) for every a."""
    return lambda a: n[1] / (n[1] + 2 * n[2]) if n[1] else 0.5


def three_discounts(n: Counter[int]) -> Callable[[int], float]:
    """Chen and Goodman's D1, D2 and D3+, or KenLM's fall-back."""
    d = (0.5, 1.0, 1.5)
    if n[1] and n[2] and n[3]:
        y = n[1] / (n[1] + 2 * n[2])
        estimated = (
            1 - 2 * y * n[2] / n[1],
            2 - 3 * y * n[3] / n[2],
            3 - 4 * y * n[4] / n[3],
        )
        if all(x > 0 for x in estimated):
            d = estimated
    return lambda a: d[min(a, 3) - 1]


def skewed_text(n_tokens: int, vocab_size: int, seed: int) -> NDArray[np.int64]:
    """Ids drawn as words are: few frequent, many rare; the last one never."""
    weights = 1 / np.arange(1, vocab_size)
    generator = np.random.default_rng(seed)
    return generator.choice(vocab_size - 1, size=n_tokens, p=weights / weights.sum())


def _counts(text: Sequence[int], length: int) -> Counts:
    tokens = [int(token) for token in text]
    places = range(len(tokens) - length + 1)
    return Counter(tuple(tokens[i : i + length]) for i in places)


def _compare(family: str, model: NGramModel, definition: Definition) -> Parity:
    """Distributions after each place of another text, and the scores of its tokens."""
    text = skewed_text(400, _VOCAB_SIZE, seed=0)
    other = np.random.default_rng(1).integers(0, _VOCAB_SIZE, 40)  # unseen ones too
    model.fit(text)
    contexts = [
        tuple(int(w) for w in other[max(0, i - _ORDER + 1) : i])
        for i in range(len(other))
    ]
    theirs = np.array([definition(text, context) for context in contexts])
    ours = np.array([model.probabilities(context) for context in contexts])
    places = np.arange(len(other))
    return compare(
        family,
        "numpy.array (definition written out)",
        {
            "p": torch.from_numpy(ours),
            "log p": torch.from_numpy(model.log_probabilities(other)),
        },
        {
            "p": torch.from_numpy(theirs),
            "log p": torch.from_numpy(np.log(theirs[places, other])),
        },
    )
