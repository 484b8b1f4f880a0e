"""Cleaning: better text for a language model, each step shown by what it removes.

Three kinds of step: `normalise` gives one form to what looks the same, `duplicates`
removes copies, `quality` removes what nobody wrote to be read. None of them takes
punctuation, function words, capitals or numbers out of a text: a language model has
to write them. `lost_tokens` measures what that mistake would cost.
"""

from llm_notes.data.cleaning.duplicates import (
    clusters,
    drop_exact_duplicates,
    drop_near_duplicates,
    near_duplicate_pairs,
)
from llm_notes.data.cleaning.lost_tokens import LostTokens, lost_tokens
from llm_notes.data.cleaning.minhash import (
    candidate_pairs,
    candidate_probability,
    estimated_jaccard,
    jaccard,
    minhash_signature,
    shingles,
)
from llm_notes.data.cleaning.normalise import compatibility_losses, normalise
from llm_notes.data.cleaning.quality import FILTERS
from llm_notes.data.cleaning.report import Removed, Report, clean, each, reject
from llm_notes.data.cleaning.words import words, words_and_marks

__all__ = [
    "FILTERS",
    "LostTokens",
    "Removed",
    "Report",
    "candidate_pairs",
    "candidate_probability",
    "clean",
    "clusters",
    "compatibility_losses",
    "drop_exact_duplicates",
    "drop_near_duplicates",
    "each",
    "estimated_jaccard",
    "jaccard",
    "lost_tokens",
    "minhash_signature",
    "near_duplicate_pairs",
    "normalise",
    "reject",
    "shingles",
    "words",
    "words_and_marks",
]
