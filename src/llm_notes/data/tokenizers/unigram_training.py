r"""Learning the pieces of a unigram model: begin with far too many, and prune.

A text is a bag of pieces that were drawn one by one, $P(x) = \prod_i p(x_i)$. Which
pieces were drawn is hidden, so expectation-maximisation fits $p$; then the pieces that
the likelihood misses least are dropped. This module knows no ids and no bytes.

Source: Kudo (2018), section 3.2.
"""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from llm_notes.data.tokenizers.lattice import Floats, Lattice

_LONGEST_PIECE = 16  # characters, the space in front included
_SEEDS_PER_PIECE = 10  # how many more pieces there are to begin with than to end with
_KEPT_SHARE = 0.75  # of the pieces, in each round of pruning
_N_EM_STEPS = 2  # between two prunings
_LEAST_COUNT = 1e-12  # keeps the logarithm of a piece that nobody uses finite


def learn_pieces(word_counts: Mapping[str, int], n_pieces: int) -> dict[str, float]:
    r"""The pieces of a text's words and their $\log p$, most probable first.

    Every character of the words is a piece and is never pruned, so every word has a
    segmentation. Of equal losses, the pieces with larger code points go first.

    Args:
        word_counts: the distinct words and how often each occurs.
        n_pieces: how many pieces are wanted; fewer come out when the words have fewer
            substrings that occur twice.

    Raises ValueError when the words have more characters than `n_pieces`.
    """
    characters = {character for word in word_counts for character in word}
    if len(characters) > n_pieces:
        raise ValueError(
            f"the text has {len(characters)} different characters, and each is a "
            f"piece; there is room for {n_pieces} pieces only"
        )
    if not characters:
        return {}
    pieces, scores = _seeds(word_counts, _SEEDS_PER_PIECE * n_pieces)
    number = {piece: i for i, piece in enumerate(pieces)}
    counts = np.array(list(word_counts.values()), dtype=np.float64)
    lattice = Lattice.of(list(word_counts), number)
    spellings = Lattice.of(pieces, number, whole=False)
    while True:
        for _ in range(_N_EM_STEPS):
            scores, _ = em_step(lattice, scores, counts)
        if len(pieces) <= n_pieces:
            return dict(sorted(zip(pieces, scores.tolist(), strict=True), key=_rank))
        used, _ = lattice.expected_counts(scores, counts)
        losses = pruning_losses(spellings, scores, used)
        n_kept = max(n_pieces, int(_KEPT_SHARE * len(pieces)))
        by_loss = sorted(range(len(pieces)), key=lambda i: (-losses[i], pieces[i]))
        kept = np.zeros(len(pieces), dtype=bool)
        kept[by_loss[:n_kept]] = True
        pieces = [piece for piece, stays in zip(pieces, kept, strict=True) if stays]
        scores = scores[kept]
        lattice = lattice.restricted(kept)
        spellings = spellings.restricted(kept, kept)


def em_step(
    lattice: Lattice, log_probs: Floats, word_counts: Floats
) -> tuple[Floats, float]:
    r"""One step of expectation-maximisation: $p(x) = c(x) / \sum_y c(y)$, where $c$ is
    the expected count under the old $p$.

    Returns:
        (the new $\log p$, the log-likelihood under the old one). The likelihood never
        falls from one step to the next.
    """
    counts, log_likelihood = lattice.expected_counts(log_probs, word_counts)
    counts = np.maximum(counts, _LEAST_COUNT)
    return np.log(counts / counts.sum()), log_likelihood


def pruning_losses(spellings: Lattice, log_probs: Floats, used: Floats) -> Floats:
    r"""By how much the log-likelihood falls, about, when a piece is dropped.

    Each time that it was used, the other pieces have to spell it:
    $c(x) \, (\log p(x) - \log P_{\text{others}}(x))$. The sum $P_{\text{others}}$ runs
    over all spellings. A piece that no others can spell, a character, cannot be missed:
    its loss is infinite.

    Args:
        spellings: the lattice of the pieces' own texts, without the pieces as a whole.
        log_probs: of each piece.
        used: the expected count of each piece.
    """
    spelled = spellings.forward(log_probs)[spellings.last]
    losses = np.full_like(spelled, np.inf)
    finite = np.isfinite(spelled)
    losses[finite] = used[finite] * (log_probs[finite] - spelled[finite])
    return losses


def _seeds(word_counts: Mapping[str, int], n_seeds: int) -> tuple[list[str], Floats]:
    """All characters, and the substrings that cover most of the text; their scores."""
    occurrences: Counter[str] = Counter()
    for word, count in word_counts.items():
        for start in range(len(word)):
            for end in range(start + 1, min(len(word), start + _LONGEST_PIECE) + 1):
                occurrences[word[start:end]] += count
    covered = {
        piece: count * len(piece)
        for piece, count in occurrences.items()
        if len(piece) == 1 or count > 1
    }
    pieces = sorted(covered, key=lambda p: (len(p) > 1, -covered[p], p))[:n_seeds]
    shares = np.array([covered[piece] for piece in pieces], dtype=np.float64)
    return pieces, np.log(shares / shares.sum())


def _rank(item: tuple[str, float]) -> tuple[float, str]:
    """Most probable first, then by code point."""
    return -item[1], item[0]
