r"""BM25: documents that share rare words with a query (Robertson and Zaragoza 2009).

$$\mathrm{score}(D, Q) = \sum_{t \in Q} \mathrm{idf}(t) \cdot
  \frac{f_{t,D}}{f_{t,D} + k_1 \bigl(1 - b + b\,\frac{|D|}{\overline{|D|}}\bigr)}$$

with f how often document D holds term t and |D| its number of terms. The second
occurrence of a term adds less than the first (k1), and long documents need more of
them (b). It knows words only: a synonym is not found.

Programs that call themselves BM25 differ in the idf, N being the number of documents
and n that of those with the term (Kamphuis et al. 2020), and in a factor k1 + 1:

| variant       | idf                               | times k1 + 1 |
|---------------|-----------------------------------|--------------|
| "robertson"   | ln((N - n + 1/2) / (n + 1/2))     | no           |
| "lucene"      | ln(1 + (N - n + 1/2) / (n + 1/2)) | no           |
| "atire"       | ln(N / n)                         | yes          |
| "okapi-floor" | as "robertson", with a floor      | yes          |

Robertson's is negative for terms in more than half of the documents: having such a
word makes a document worse. "lucene" and "atire" mend that. The last, which the package
rank-bm25 has, puts `epsilon` times the mean idf of all terms in the place of negative
ones; in a small collection of frequent words that mean is negative itself.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from llm_notes.inference.retrieval.inverted_index import InvertedIndex
from llm_notes.inference.retrieval.terms import search_terms
from llm_notes.inference.retrieval.top_k import Hit, best_hits, require_k

Variant = Literal["robertson", "lucene", "atire", "okapi-floor"]
_VARIANTS = ("robertson", "lucene", "atire", "okapi-floor")


class BM25:
    """A collection of N documents that can be searched by words.

    Args:
        documents: texts.
        terms: maps a text, document or query, to its terms.
        k1: how slowly repetitions of a term stop to count, 0 or above; at 0 it only
            matters whether a term is there.
        b: how far scores are corrected for length, from 0 (not at all) to 1.
        variant: which BM25, see above.
        epsilon: the floor's share of the mean idf, for "okapi-floor".

    Raises:
        ValueError: when there are no documents, none has a term, or a number or a name
            is not allowed.
    """

    def __init__(
        self,
        documents: Sequence[str],
        terms: Callable[[str], list[str]] = search_terms,
        k1: float = 1.2,
        b: float = 0.75,
        variant: Variant = "lucene",
        epsilon: float = 0.25,
    ) -> None:
        if variant not in _VARIANTS:
            raise ValueError(
                f"no variant {variant!r}; there are {', '.join(_VARIANTS)}"
            )
        if not k1 >= 0 or not 0 <= b <= 1:
            raise ValueError(
                f"k1 = {k1} and b = {b}; k1 must be 0 or more, and b from 0 to 1"
            )
        if isinstance(documents, str):
            raise ValueError("documents is one text; pass a list of texts")
        self.index = InvertedIndex(terms(text) for text in documents)
        self._terms = terms
        self.idf = _idf(self.index, variant, epsilon)
        relative = self.index.lengths / self.index.lengths.mean()
        self._saturation = k1 * (1 - b + b * relative)  # (N,)
        self._scale = k1 + 1 if variant in ("atire", "okapi-floor") else 1.0

    def __len__(self) -> int:
        return len(self.index)

    def scores(self, query: str) -> NDArray[np.float64]:
        """The score of each document (N,); 0 where it has no term of the query.

        A term that is twice in the query counts twice.

        Raises ValueError when the query has no terms.
        """
        return self._scores_and_matches(query)[0]

    def search(self, query: str, k: int = 10) -> list[Hit]:
        """The k best documents, the best first, of equal ones the lower number.

        Documents without any term of the query are never found, so there may be fewer
        than k, or none.

        Raises ValueError when the query has no terms, or k < 1.
        """
        require_k(k)
        scores, matches = self._scores_and_matches(query)
        found = np.flatnonzero(matches)
        if not len(found):
            return []
        hits = best_hits(scores[found], k)
        return [Hit(int(found[place]), score) for place, score in hits]

    def _scores_and_matches(self, query: str) -> tuple[NDArray, NDArray]:
        query_terms = Counter(self._terms(query))
        if not query_terms:
            raise ValueError(f"the query {query!r} has no terms to search for")
        scores, matches = np.zeros(len(self)), np.zeros(len(self), dtype=bool)
        for term, n_times in query_terms.items():
            documents, counts = self.index.postings(term)
            saturated = counts / (counts + self._saturation[documents])
            weight = n_times * self.idf.get(term, 0.0) * self._scale
            scores[documents] += weight * saturated
            matches[documents] = True
        return scores, matches


def _idf(index: InvertedIndex, variant: Variant, epsilon: float) -> dict[str, float]:
    terms = index.terms
    n = np.array([index.n_documents_with(term) for term in terms])
    odds = (len(index) - n + 0.5) / (n + 0.5)
    if variant == "lucene":
        idf = np.log1p(odds)
    elif variant == "atire":
        idf = np.log(len(index) / n)
    else:
        idf = np.log(odds)
        if variant == "okapi-floor":
            idf = np.where(idf < 0, epsilon * idf.mean(), idf)
    return dict(zip(terms, idf.tolist(), strict=True))
