"""Retrieval: which of many texts answer a question?

`bm25` matches words through an inverted index, `dense` matches vectors of any encoder,
`fusion` joins both; `chunks` cuts long texts into passages first, which a generator
can then be given (retrieval-augmented generation). Scores of rankings stand in
`llm_notes.metrics`. Documents are numbered from 0, and of equally good ones the lower
number comes first.
"""

from llm_notes.inference.retrieval.bm25 import BM25
from llm_notes.inference.retrieval.chunks import Chunk, chunk_text
from llm_notes.inference.retrieval.dense import DenseIndex
from llm_notes.inference.retrieval.fusion import (
    reciprocal_rank_fusion,
    weighted_sum,
)
from llm_notes.inference.retrieval.inverted_index import InvertedIndex
from llm_notes.inference.retrieval.terms import search_terms
from llm_notes.inference.retrieval.top_k import Hit, best_hits, top_k

__all__ = [
    "BM25",
    "Chunk",
    "DenseIndex",
    "Hit",
    "InvertedIndex",
    "best_hits",
    "chunk_text",
    "reciprocal_rank_fusion",
    "search_terms",
    "top_k",
    "weighted_sum",
]
