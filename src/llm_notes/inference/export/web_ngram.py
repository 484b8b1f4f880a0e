"""A Kneser-Ney model as a bundle for a page: sorted tables, pruned where it says so.

The bytes are those of `bundle`. The header holds "architecture" ("KneserNeyNGram"),
"config" {order, vocab_size, discounts, min_count} and "tokenizer". Level n, from 1 to
the order, is four arrays; the n-grams of one context stand together, sorted by token:

    n.tokens    (ngrams,) last token of each n-gram
    n.counts    (ngrams,) its adjusted count a
    n.starts    (contexts + 1,) where the n-grams of each context begin; contexts are
                the n-grams of level n - 1, in their order
    n.totals    (contexts,) sum of a over all n-grams of a context, dropped ones too
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llm_notes.data.tokenizers import Tokenizer
from llm_notes.inference.export.bundle import pack, unpack
from llm_notes.inference.export.web import tokenizer_as_json
from llm_notes.models.ngram.kneser_ney import KneserNeyNGram


class NGramTables:
    """The tables of a page, and the probabilities that it computes from them.

    What pruning takes from a context is passed on to the next shorter one, so all
    probabilities still sum to one.

    Args:
        discounts: for each order the discount of a = 1, 2, ...; the last: and more.
        levels: for each order the arrays {tokens, counts, starts, totals}.
    """

    def __init__(
        self,
        vocab_size: int,
        discounts: Sequence[Sequence[float]],
        levels: Sequence[dict[str, NDArray[Any]]],
    ) -> None:
        self.vocab_size, self.discounts, self.levels = vocab_size, discounts, levels

    @classmethod
    def from_model(cls, model: KneserNeyNGram, min_count: int = 1) -> "NGramTables":
        """The tables of a fitted model, without n-grams seen fewer than `min_count`
        times; single tokens all stay.

        Raises ValueError for a `min_count` below 1.
        """
        if min_count < 1:
            raise ValueError(f"min_count is {min_count}; 1 keeps everything")
        counts, levels = model.counts, []
        stays = np.ones(1, dtype=bool)  # of the contexts of the next level
        for n in range(1, model.order + 1):
            kept = counts.counts[n] >= (1 if n == 1 else min_count)
            contexts = counts.contexts(n)
            number = np.cumsum(stays) - 1  # contexts, counted anew
            sizes = np.bincount(number[contexts[kept]], minlength=int(stays.sum()))
            adjusted = model.adjusted_counts(n)
            totals = counts.sum_by_context(n, adjusted)[stays]
            levels.append(
                {
                    "tokens": _small(counts.keys[n][kept] % model.vocab_size),
                    "counts": _small(adjusted[kept]),
                    "starts": np.append(0, np.cumsum(sizes)).astype(np.uint32),
                    "totals": _small(totals.astype(np.int64)),
                }
            )
            stays = kept
        discounts = [np.atleast_1d(d).tolist() for d in model.discounts]
        return cls(model.vocab_size, discounts, levels)

    def probabilities(self, context: Sequence[int]) -> NDArray[np.float64]:
        """The distribution of the next token, (V,)."""
        p = np.full(self.vocab_size, 1 / self.vocab_size)
        for n, place in enumerate(self._contexts(context), start=1):
            if place < 0:
                continue
            level = self.levels[n - 1]
            total = float(level["totals"][place])
            part = slice(*level["starts"][place : place + 2].astype(int))
            a = level["counts"][part].astype(float)
            by_count = np.array(self.discounts[n - 1])
            kept = a - by_count[np.minimum(a, len(by_count)).astype(int) - 1]
            if total:
                p *= (total - kept.sum()) / total
                p[level["tokens"][part]] += kept / total
        return p

    def log_probabilities(self, token_ids: ArrayLike) -> NDArray[np.float64]:
        """Of each token after those before it, in nats: (N,)."""
        ids = np.asarray(token_ids)
        reach = len(self.levels) - 1
        return np.log(
            [
                self.probabilities(ids[max(0, i - reach) : i])[token]
                for i, token in enumerate(ids)
            ]
        )

    def _contexts(self, context: Sequence[int]) -> list[int]:
        """The place of each context of length 0, 1, ..., or -1."""
        found = []
        for length in range(len(self.levels)):
            place = 0 if length <= len(context) else -1
            for n, token in enumerate(context[len(context) - length :], start=1):
                place = self._child(n, place, token) if place >= 0 else -1
            found.append(place)
        return found

    def _child(self, n: int, context: int, token: int) -> int:
        level = self.levels[n - 1]
        start, end = level["starts"][context : context + 2].astype(int)
        place = start + int(np.searchsorted(level["tokens"][start:end], token))
        return place if place < end and level["tokens"][place] == token else -1


def write_ngram_bundle(
    model: KneserNeyNGram, tokenizer: Tokenizer, min_count: int = 1
) -> bytes:
    """A fitted model and its tokenizer as one string of bytes.

    Args:
        model: plain or modified Kneser-Ney.
        min_count: n-grams of two and more tokens seen less often are dropped.
    """
    tables = NGramTables.from_model(model, min_count)
    arrays = {
        f"{n}.{name}": array
        for n, level in enumerate(tables.levels, start=1)
        for name, array in level.items()
    }
    config = {"order": model.order, "vocab_size": model.vocab_size}
    header = {
        "architecture": "KneserNeyNGram",
        "config": config | {"discounts": tables.discounts, "min_count": min_count},
        "tokenizer": tokenizer_as_json(tokenizer),
    }
    return pack(header, arrays)


def read_ngram_bundle(data: bytes) -> NGramTables:
    """The reverse of `write_ngram_bundle`. Raises BundleError."""
    header, arrays = unpack(data)
    config = header["config"]
    names = ("tokens", "counts", "starts", "totals")
    levels = [
        {name: arrays[f"{n}.{name}"] for name in names}
        for n in range(1, config["order"] + 1)
    ]
    return NGramTables(config["vocab_size"], config["discounts"], levels)


def _small(numbers: NDArray[Any]) -> NDArray[Any]:
    """In the smallest kind of unsigned integers that holds them all."""
    for dtype in (np.uint8, np.uint16):
        if numbers.max(initial=0) <= np.iinfo(dtype).max:
            return numbers.astype(dtype)
    return numbers.astype(np.uint32)
