"""Filters for text that repeats itself within one document.

A page made by a loop or a template says the same thing again and again, and a model
learns to do so too. The limits are those of Gopher (Rae et al. 2021, table A1). Each
function returns the reason to remove a text, or None. In a text of a script without
spaces, two letters stand for one word of an n-gram. Copies in other documents are the
business of `duplicates`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from llm_notes.data.cleaning.words import mostly_spaceless, words

# n -> the largest share of letters allowed
FREQUENT_LIMITS = {2: 0.20, 3: 0.18, 4: 0.16}
DUPLICATE_LIMITS = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}


def repeated_lines(text: str, maximum: float = 0.3) -> str | None:
    """Too large a share of lines that stood above already; blank lines do not count."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    n_copies = len(lines) - len(set(lines))
    if n_copies <= maximum * len(lines):
        return None
    return f"{n_copies} of {len(lines)} lines repeat others, above {maximum:.0%}"


def frequent_ngram(
    text: str, limits: Mapping[int, float] = FREQUENT_LIMITS
) -> str | None:
    """One n-gram covers too large a share of the letters.

    All places of the most frequent n-gram count; one that occurs once repeats nothing.
    """
    all_words = words(text)
    scale = _letters_per_word(all_words)
    for n, limit in limits.items():
        ngrams = _ngrams(all_words, n * scale)
        if not ngrams:
            continue
        ngram, count = Counter(ngrams).most_common(1)[0]
        if count < 2:
            continue
        starts = [i for i, other in enumerate(ngrams) if other == ngram]
        share = _covered_share(all_words, starts, n * scale)
        if share > limit:
            shown = " ".join(ngram)
            return f"{shown!r} covers {share:.0%}, above {limit:.0%}"
    return None


def duplicate_ngrams(
    text: str, limits: Mapping[int, float] = DUPLICATE_LIMITS
) -> str | None:
    """N-grams that stood before cover too large a share of the letters.

    The first place of an n-gram is no repetition; overlapping copies count once.
    """
    all_words = words(text)
    scale = _letters_per_word(all_words)
    for n, limit in limits.items():
        seen: set[tuple[str, ...]] = set()
        starts = []
        for i, ngram in enumerate(_ngrams(all_words, n * scale)):
            if ngram in seen:
                starts.append(i)
            seen.add(ngram)
        share = _covered_share(all_words, starts, n * scale)
        if share > limit:
            return f"repeated {n}-grams cover {share:.0%}, above {limit:.0%}"
    return None


def _letters_per_word(all_words: Sequence[str]) -> int:
    """2 where most words are letters of a script without spaces, else 1."""
    # A Chinese word has one or two letters, and five letters recur in honest prose as
    # three English words do.
    return 2 if mostly_spaceless(all_words) else 1


def _ngrams(all_words: Sequence[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(all_words[i : i + n]) for i in range(len(all_words) - n + 1)]


def _covered_share(all_words: Sequence[str], starts: Sequence[int], n: int) -> float:
    """The share of letters in words that a run of n, begun at a start, covers."""
    covered = {place for start in starts for place in range(start, start + n)}
    n_letters = sum(map(len, all_words))
    return sum(len(all_words[i]) for i in covered) / n_letters if n_letters else 0.0
