"""Scores, as pure functions of plain numbers, strings and arrays.

One module for each kind of answer: `likelihood` for language models, `classification`
for labels, `answers` for short answers, `bleu`, `chrf` and `rouge` for generated text,
`alignment` for word links, `ranking` for search, `calibration` for confidences,
`pass_rate` for programs; `bootstrap` and `paired` say how sure a score, or a difference
of two, is. BLEU and chrF run from 0 to 100, as their papers print them; all other
shares run from 0 to 1. What is scored comes first, what is right second.

They know no model and need NumPy only.
"""

from llm_notes.metrics.alignment import alignment_error_rate, alignment_scores
from llm_notes.metrics.answers import exact_match, normalise_answer, token_f1
from llm_notes.metrics.bleu import (
    bleu_from_statistics,
    bleu_statistics,
    corpus_bleu,
    sentence_bleu,
)
from llm_notes.metrics.bootstrap import Interval, bootstrap_interval
from llm_notes.metrics.calibration import (
    ReliabilityBins,
    expected_calibration_error,
    reliability_bins,
)
from llm_notes.metrics.chrf import (
    chrf_from_statistics,
    chrf_statistics,
    corpus_chrf,
    sentence_chrf,
)
from llm_notes.metrics.classification import (
    Scores,
    accuracy,
    class_scores,
    confusion_matrix,
    macro_scores,
    micro_scores,
)
from llm_notes.metrics.likelihood import bits_per_byte, perplexity
from llm_notes.metrics.paired import (
    PairedTest,
    mcnemar_exact,
    paired_bootstrap,
    paired_permutation,
)
from llm_notes.metrics.pass_rate import mean_pass_at_k, pass_at_k
from llm_notes.metrics.ranking import (
    mean_reciprocal_rank,
    ndcg_at_k,
    recall_at_k,
    reciprocal_rank,
)
from llm_notes.metrics.rouge import rouge_l, rouge_lsum, rouge_n, rouge_words
from llm_notes.metrics.scored_tokens import TOKENISATIONS

__all__ = [
    "TOKENISATIONS",
    "Interval",
    "PairedTest",
    "ReliabilityBins",
    "Scores",
    "accuracy",
    "alignment_error_rate",
    "alignment_scores",
    "bits_per_byte",
    "bleu_from_statistics",
    "bleu_statistics",
    "bootstrap_interval",
    "chrf_from_statistics",
    "chrf_statistics",
    "class_scores",
    "confusion_matrix",
    "corpus_bleu",
    "corpus_chrf",
    "exact_match",
    "expected_calibration_error",
    "macro_scores",
    "mcnemar_exact",
    "mean_pass_at_k",
    "mean_reciprocal_rank",
    "micro_scores",
    "ndcg_at_k",
    "normalise_answer",
    "paired_bootstrap",
    "paired_permutation",
    "pass_at_k",
    "perplexity",
    "recall_at_k",
    "reciprocal_rank",
    "reliability_bins",
    "rouge_l",
    "rouge_lsum",
    "rouge_n",
    "rouge_words",
    "sentence_bleu",
    "sentence_chrf",
    "token_f1",
]
