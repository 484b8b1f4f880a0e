"""N-gram language models: predict a token from the n - 1 tokens before it, by counting.

Four ways to share probability with what was never seen: `add_k`, `katz` (back-off with
Good-Turing discounts) and `kneser_ney` (interpolated, and modified with three
discounts). They need NumPy only, and know no tokenizer and no neural network.
"""

from llm_notes.models.ngram.add_k import AddKNGram
from llm_notes.models.ngram.base import NGramModel
from llm_notes.models.ngram.counts import NGramCounts
from llm_notes.models.ngram.katz import KatzNGram
from llm_notes.models.ngram.kneser_ney import KneserNeyNGram, ModifiedKneserNeyNGram

__all__ = [
    "AddKNGram",
    "KatzNGram",
    "KneserNeyNGram",
    "ModifiedKneserNeyNGram",
    "NGramCounts",
    "NGramModel",
]
