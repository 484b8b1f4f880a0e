"""N-grams of words or of characters: what BLEU, chrF and ROUGE count."""

from collections import Counter
from collections.abc import Sequence


def ngram_counts(sequence: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    """How often each run of n neighbours occurs; none where the sequence is shorter."""
    return Counter(zip(*(sequence[start:] for start in range(n)), strict=False))
