r"""Dense retrieval: texts whose vectors point where the query's vector points.

The encoder is any function from texts to vectors: averaged word vectors, a BERT, a
service. The search is exact, every query against every document. Shapes: N documents,
Q queries, D width of the vectors.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llm_notes.inference.retrieval.top_k import Hit, best_hits, require_k

Encoder = Callable[[Sequence[str]], ArrayLike]


class DenseIndex:
    r"""Vectors of N documents that can be searched by vectors, or by texts.

    "dot" is $q \cdot d$; "cosine" is $q \cdot d / (\|q\| \|d\|)$, for which only the
    direction counts, and which is 0 for a vector of zeros.

    Args:
        vectors: (N, D), an array or a tensor.
        encode: maps texts to vectors (Q, D), for `search`.
        similarity: "cosine" or "dot".

    Raises:
        ValueError: when there are no vectors, one holds what is no number, or the
            similarity is unknown.
    """

    def __init__(
        self,
        vectors: ArrayLike,
        encode: Encoder | None = None,
        similarity: Literal["cosine", "dot"] = "cosine",
    ) -> None:
        if similarity not in ("cosine", "dot"):
            raise ValueError(
                f"similarity is {similarity!r}; there are 'cosine' and 'dot'"
            )
        self.similarity = similarity
        self.encode = encode
        # A copy: the caller's table may go on learning.
        self.vectors = self._prepared(vectors, "document").copy()  # (N, D)

    @classmethod
    def from_texts(
        cls,
        texts: Sequence[str],
        encode: Encoder,
        similarity: Literal["cosine", "dot"] = "cosine",
        batch_size: int = 64,
    ) -> "DenseIndex":
        """Encode texts, `batch_size` at a time, and index their vectors.

        Raises ValueError when there are no texts, and as the class.
        """
        if isinstance(texts, str) or not len(texts):
            raise ValueError("an index needs a list of at least one text")
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; encode at least one at once")
        batches = []
        for start in range(0, len(texts), batch_size):
            batch = texts[start : start + batch_size]
            batches.append(_encoded(encode, batch))
        return cls(np.concatenate(batches), encode, similarity)

    def __len__(self) -> int:
        return len(self.vectors)

    def scores(self, queries: ArrayLike) -> NDArray[np.floating]:
        """The similarity of each query (Q, D) and each document: (Q, N)."""
        prepared = self._prepared(queries, "query")
        if prepared.shape[1] != self.vectors.shape[1]:
            raise ValueError(
                f"queries have width {prepared.shape[1]} and documents "
                f"{self.vectors.shape[1]}; were they encoded by the same model?"
            )
        return prepared @ self.vectors.T

    def search_vectors(
        self, queries: ArrayLike, k: int = 10, batch_size: int = 64
    ) -> list[list[Hit]]:
        """The k best documents for each query vector (Q, D), the best first.

        All N are found when k is larger. Only `batch_size` rows of scores are held at
        once. Of equal scores the lower number comes first.

        Raises ValueError when k < 1, there are no queries, or widths differ.
        """
        require_k(k)
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
        queries = _array(queries)
        if queries.ndim != 2:
            raise ValueError(
                f"query vectors must be (number, width), got shape {queries.shape}"
            )
        starts = range(0, max(1, len(queries)), batch_size)
        return [
            best_hits(row, k)
            for start in starts
            for row in self.scores(queries[start : start + batch_size])
        ]

    def search(self, query: str, k: int = 10) -> list[Hit]:
        """The k best documents for a text, which the index's encoder turns to a vector.

        Raises ValueError when the text is blank, k < 1, or there is no encoder.
        """
        return self.search_texts([query], k)[0]

    def search_texts(self, queries: Sequence[str], k: int = 10) -> list[list[Hit]]:
        """`search` for many texts, which are encoded in one batch."""
        if self.encode is None:
            raise ValueError(
                "this index has no encoder, so it cannot read a text; pass encode to "
                "it, or search by vectors"
            )
        if isinstance(queries, str) or not all(query.strip() for query in queries):
            raise ValueError("queries must be a list of texts, none of them blank")
        if not len(queries):
            raise ValueError("there are no queries; ask at least one")
        return self.search_vectors(_encoded(self.encode, queries), k)

    def _prepared(self, vectors: ArrayLike, what: str) -> NDArray[np.floating]:
        table = _array(vectors)
        if table.ndim != 2 or not table.size:
            raise ValueError(
                f"{what} vectors must be (number, width) with at least one, got shape "
                f"{table.shape}"
            )
        if not np.isfinite(table).all():
            raise ValueError(f"a {what} vector holds infinity or NaN")
        if self.similarity == "dot":
            return table
        norms = np.linalg.norm(table, axis=1, keepdims=True)
        return np.divide(table, norms, out=np.zeros_like(table), where=norms > 0)


def _encoded(encode: Encoder, texts: Sequence[str]) -> NDArray[np.floating]:
    vectors = _array(encode(texts))
    if vectors.ndim != 2 or len(vectors) != len(texts):
        raise ValueError(
            f"the encoder gave shape {vectors.shape} for {len(texts)} texts; it must "
            "give one row for each, (number of texts, width)"
        )
    return vectors


def _array(vectors: ArrayLike) -> NDArray[np.floating]:
    # A tensor, also one that has a gradient or lies on another device.
    if hasattr(vectors, "detach"):
        vectors = vectors.detach().cpu()
        # NumPy has no bfloat16.
        vectors = (vectors.float() if vectors.element_size() < 4 else vectors).numpy()
    array = np.asarray(vectors)
    if not np.issubdtype(array.dtype, np.floating):
        return array.astype(float)
    # The squares of half-precision numbers above 256 are infinite.
    return array.astype(np.float32) if array.itemsize < 4 else array
