"""An inverted index: for each term, the documents that hold it, and how often.

A query then touches only documents that share a term with it, instead of all. It knows
no scores. Shapes: N documents, P postings (documents that hold one term).
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Postings = tuple[NDArray[np.int64], NDArray[np.int64]]
_NOWHERE: Postings = (np.zeros(0, np.int64), np.zeros(0, np.int64))


class InvertedIndex:
    """Terms to postings, built once from the terms of each document.

    Args:
        documents: for each of N documents, its terms in any order.

    Attributes:
        lengths: (N,) number of terms in each document.

    Raises:
        ValueError: when there are no documents, none has a term, or one is a string.
    """

    def __init__(self, documents: Iterable[Sequence[str]]) -> None:
        numbers: dict[str, list[int]] = {}
        counts: dict[str, list[int]] = {}
        lengths: list[int] = []
        for number, terms in enumerate(documents):
            if isinstance(terms, str):
                raise ValueError(
                    f"document {number} is a string; an index needs lists of terms, "
                    "such as search_terms(text)"
                )
            lengths.append(len(terms))
            for term, count in Counter(terms).items():
                numbers.setdefault(term, []).append(number)
                counts.setdefault(term, []).append(count)
        if not lengths:
            raise ValueError("there are no documents; an index needs at least one")
        if not numbers:
            raise ValueError(
                f"none of the {len(lengths)} documents has a term; are the texts "
                "empty, or do their letters not count as words?"
            )
        self.lengths = np.array(lengths)
        self._postings = {
            term: (np.array(numbers[term]), np.array(counts[term])) for term in numbers
        }

    def __len__(self) -> int:
        return len(self.lengths)

    def __contains__(self, term: str) -> bool:
        return term in self._postings

    @property
    def terms(self) -> list[str]:
        """All terms, in the order in which they were first seen."""
        return list(self._postings)

    def postings(self, term: str) -> Postings:
        """Documents (P,) that hold a term, rising, and how often (P,); maybe none."""
        return self._postings.get(term, _NOWHERE)

    def n_documents_with(self, term: str) -> int:
        """The document frequency of a term."""
        return len(self.postings(term)[0])
