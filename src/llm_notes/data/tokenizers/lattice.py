r"""All segmentations of many words at once, summed over in one pass (forward-backward).

The places between the characters of a word are nodes; a piece that fits between two of
them is an edge with the score $\log p$. A segmentation is a path, and its probability
the product of its pieces'. This module does not know where the probabilities come from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Lattice:
    """The edges of all words, in the order of the place in the word where they start.

    Args:
        first, last: the nodes where each word begins and ends.
        places: how many characters of its word stand before each edge, ascending.
        starts, ends: the nodes that each edge joins.
        pieces: the number of the piece on each edge.
    """

    first: Integers
    last: Integers
    places: Integers
    starts: Integers
    ends: Integers
    pieces: Integers

    @classmethod
    def of(
        cls, words: Sequence[str], number: Mapping[str, int], whole: bool = True
    ) -> Self:
        """The lattice of some words.

        Args:
            words: the texts to cut, at least one.
            number: of each piece.
            whole: whether a word that is itself a piece may stay in one.
        """
        longest = max(map(len, number))
        lengths = np.array([len(word) for word in words], dtype=np.int64)
        last = np.cumsum(lengths + 1) - 1
        first = last - lengths
        places: list[int] = []
        starts: list[int] = []
        ends: list[int] = []
        pieces: list[int] = []
        for node, word in zip(first.tolist(), words, strict=True):
            for start in range(len(word)):
                for end in range(start + 1, min(len(word), start + longest) + 1):
                    piece = number.get(word[start:end])
                    if piece is not None and (whole or end - start < len(word)):
                        places.append(start)
                        starts.append(node + start)
                        ends.append(node + end)
                        pieces.append(piece)
        order = np.argsort(places, kind="stable")
        edges = (np.array(e, dtype=np.int64) for e in (places, starts, ends, pieces))
        return cls(first, last, *(edge[order] for edge in edges))

    def restricted(self, pieces: Booleans, words: Booleans | None = None) -> Self:
        """Without the edges of dropped pieces, and without dropped words.

        Args:
            pieces: which pieces stay; they are numbered anew, in the same order.
            words: which words stay; None keeps all.
        """
        if words is None:
            words = np.ones(len(self.first), dtype=bool)
        word_of = np.searchsorted(self.first, self.starts, side="right") - 1
        stays = pieces[self.pieces] & words[word_of]
        return type(self)(
            self.first[words],
            self.last[words],
            self.places[stays],
            self.starts[stays],
            self.ends[stays],
            (np.cumsum(pieces) - 1)[self.pieces[stays]],
        )

    def forward(self, log_probs: Floats) -> Floats:
        r"""$\alpha$: for each node, the log of the summed probability of all paths from
        the start of its word. At the word's last node that is the word's own."""
        alpha = np.full(self.last[-1] + 1, -np.inf)
        alpha[self.first] = 0.0
        scores = log_probs[self.pieces]
        for level in self._levels():
            # No two edges of a level end at the same node, so nothing is lost here.
            starts, ends = self.starts[level], self.ends[level]
            alpha[ends] = np.logaddexp(alpha[ends], alpha[starts] + scores[level])
        return alpha

    def expected_counts(
        self, log_probs: Floats, word_counts: Floats
    ) -> tuple[Floats, float]:
        r"""How often each piece is used, averaged over all segmentations.

        A segmentation counts as much as it is probable; a word as often as it occurs.
        These are the derivatives of the log-likelihood by $\log p$, so one pass back
        through the edges finds them.

        Args:
            log_probs: the score of each piece. Each word needs a segmentation.
            word_counts: how often each word occurs.

        Returns:
            (the expected count of each piece, the log-likelihood of all words).
        """
        alpha = self.forward(log_probs)
        reached = np.zeros_like(alpha)  # the expected number of paths through a node
        reached[self.last] = word_counts
        used = np.exp(alpha[self.starts] + log_probs[self.pieces] - alpha[self.ends])
        for level in reversed(self._levels()):
            used[level] *= reached[self.ends[level]]
            np.add.at(reached, self.starts[level], used[level])
        counts = np.bincount(self.pieces, used, minlength=len(log_probs))
        return counts, float(word_counts @ alpha[self.last])

    def _levels(self) -> list[slice]:
        """The edges that start at the same place of their words, for each place."""
        n_places = self.places[-1] + 1 if len(self.places) else 0
        cuts = np.searchsorted(self.places, np.arange(n_places + 1))
        return [slice(a, b) for a, b in pairwise(cuts)]
