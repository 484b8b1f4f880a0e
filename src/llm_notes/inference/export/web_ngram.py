"""A Kneser-Ney model as a bundle for a page: tables as short as they can be written.

The bytes are those of `bundle`. The header holds "architecture" ("KneserNeyNGram"),
"config" {order, vocab_size, discounts, min_count, min_gain} and "tokenizer". Level n,
from 1 to the order, is four arrays; the n-grams of one context stand together, sorted
by token, and contexts are the n-grams of level n - 1, in their order:

    n.tokens    last token of each n-gram
    n.counts    its adjusted count a
    n.sizes     how many n-grams each context has
    n.dropped   for each context that has any: the sum of a of those that were dropped

Most of these numbers are small, so each takes as few bytes as it needs: seven bits in a
byte, the lowest first, and the eighth bit says that more follow (LEB128). An array is
the uint8 bytes of its numbers, one after the other.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llm_notes.data.tokenizers import Tokenizer
from llm_notes.inference.export.bundle import BundleError, pack, unpack
from llm_notes.inference.export.ngram_tables import Level, NGramTables
from llm_notes.inference.export.web import tokenizer_as_json
from llm_notes.models.ngram.kneser_ney import KneserNeyNGram

ARCHITECTURE = "KneserNeyNGram"
_NAMES = ("tokens", "counts", "sizes", "dropped")


def write_ngram_bundle(
    model: KneserNeyNGram,
    tokenizer: Tokenizer,
    min_count: int = 1,
    min_gain: float = 0.0,
) -> bytes:
    """A fitted model and its tokenizer as one string of bytes.

    Args:
        model: plain or modified Kneser-Ney.
        tokenizer: the one whose ids the model has counted.
        min_count, min_gain: what is dropped, see `NGramTables.from_model`.

    Raises:
        ValueError: when the tokenizer has another number of tokens than the model, or
            as `NGramTables.from_model`.
    """
    if tokenizer.vocab_size != model.vocab_size:
        raise ValueError(
            f"the tokenizer has {tokenizer.vocab_size} tokens and the model "
            f"{model.vocab_size}: pass the tokenizer whose ids the model has counted"
        )
    tables = NGramTables.from_model(model, min_count, min_gain)
    arrays = {
        f"{n}.{name}": as_varints(numbers)
        for n, level in enumerate(tables.levels, start=1)
        for name, numbers in _shortened(level).items()
    }
    header = {
        "architecture": ARCHITECTURE,
        "config": {
            "order": model.order,
            "vocab_size": model.vocab_size,
            "discounts": tables.discounts,
            "min_count": min_count,
            "min_gain": min_gain,
        },
        "tokenizer": tokenizer_as_json(tokenizer),
    }
    return pack(header, arrays)


def read_ngram_bundle(data: bytes) -> NGramTables:
    """The reverse of `write_ngram_bundle`.

    Raises:
        BundleError: when the bytes are no bundle, changed, or of another model.
    """
    header, arrays = unpack(data)
    if header.get("architecture") != ARCHITECTURE:
        raise BundleError(
            f"the bundle holds a {header.get('architecture')}, not a {ARCHITECTURE}: "
            "read it with read_bundle"
        )
    config = header["config"]
    levels = [
        _lengthened({name: from_varints(arrays[f"{n}.{name}"]) for name in _NAMES})
        for n in range(1, config["order"] + 1)
    ]
    return NGramTables(config["vocab_size"], config["discounts"], levels)


def as_varints(numbers: ArrayLike) -> NDArray[np.uint8]:
    """Whole numbers from 0 to 2**35 - 1 as bytes, few for small ones."""
    numbers = np.asarray(numbers, dtype=np.int64)
    parts = numbers[:, None] >> (7 * np.arange(5))  # (N, 5), lowest bits first
    # A number ends with its last part that is not 0; the first is always written.
    written = (parts > 0) | (np.arange(5) == 0)
    more = parts >= 128
    return ((parts & 127) | (more << 7)).astype(np.uint8)[written]


def from_varints(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The reverse of `as_varints`. Raises BundleError for a number without an end."""
    ends = data < 128
    if len(data) and not ends[-1]:
        raise BundleError("the last number of an array has no end: write it anew")
    if not len(data):
        return np.zeros(0, np.int64)
    first = np.flatnonzero(np.append(True, ends[:-1]))
    place = np.arange(len(data)) - np.repeat(
        first, np.diff(np.append(first, len(data)))
    )
    parts = (data.astype(np.int64) & 127) << (7 * place)
    return np.add.reduceat(parts, first)


def _shortened(level: Level) -> dict[str, NDArray[Any]]:
    """The arrays of the file from those of the tables."""
    sizes = np.diff(level["starts"])
    dropped = level["totals"] - _sums(level["counts"], sizes)
    return {
        "tokens": level["tokens"],
        "counts": level["counts"],
        "sizes": sizes,
        "dropped": dropped[sizes > 0],
    }


def _lengthened(arrays: dict[str, NDArray[np.int64]]) -> Level:
    """The reverse of `_shortened`."""
    sizes, counts = arrays["sizes"], arrays["counts"]
    totals = np.zeros(len(sizes), np.int64)
    totals[sizes > 0] = arrays["dropped"]
    return {
        "tokens": arrays["tokens"],
        "counts": counts,
        "starts": np.append(0, np.cumsum(sizes)),
        "totals": totals + _sums(counts, sizes),
    }


def _sums(numbers: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The sum of each run of numbers, (runs,)."""
    ends = np.append(0, np.cumsum(numbers))[np.append(0, np.cumsum(sizes))]
    return np.diff(ends)
