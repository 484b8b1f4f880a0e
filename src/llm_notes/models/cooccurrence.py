"""Words by their company: counts of neighbours, PPMI, and the vectors an SVD makes.

No network and no training: a word's vector is read off a table of counts. This module
knows no tokenizer. Shapes: N tokens in a text, V vocabulary, D width of the vectors.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def count_cooccurrences(
    token_ids: Tensor, vocab_size: int, weights: Sequence[float]
) -> Tensor:
    r"""How often each token stands near each other one.

    $$X_{wc} = \sum_{d=1}^{m} a_d \bigl(|\{i : w_i = w,\, w_{i-d} = c\}|
      + |\{i : w_i = w,\, w_{i+d} = c\}|\bigr)$$

    Both sides count, so X is symmetric. The weights $a_d$ by distance set the window:
    `[1] * m` counts all alike, `[1 / d for d in range(1, m + 1)]` as GloVe does
    (Pennington et al. 2014), `[(m + 1 - d) / m for d in range(1, m + 1)]` as Word2Vec's
    random windows do on average (Levy, Goldberg and Dagan 2015, section 3.1).

    Args:
        token_ids: (N,) integers from 0 to V - 1.
        vocab_size: V.
        weights: a_1 ... a_m, each more than 0; m is the size of the window.

    Returns:
        X: (V, V) sparse, float64, coalesced; only pairs that occur are stored.

    Raises:
        ValueError: when ids are no row of integers below V, or a weight is not
            positive.
    """
    _require_text(token_ids, vocab_size)
    if not weights or not all(0 < weight < float("inf") for weight in weights):
        raise ValueError(f"weights are {list(weights)}; each must be more than 0")
    token_ids = token_ids.long()
    pairs, values = [], []
    for distance, weight in enumerate(weights, start=1):
        left, right = token_ids[:-distance], token_ids[distance:]
        pairs += [torch.stack([left, right]), torch.stack([right, left])]
        values.append(torch.full((2 * len(left),), weight, dtype=torch.float64))
    counts = torch.sparse_coo_tensor(
        torch.cat(pairs, dim=1),
        torch.cat(values),
        (vocab_size, vocab_size),
        check_invariants=True,
    )
    return counts.coalesce()  # adds up what stands at the same place


def ppmi(counts: Tensor, smoothing: float = 0.75, shift: float = 1.0) -> Tensor:
    r"""Positive pointwise mutual information: how much more often than by chance.

    $$\mathrm{PPMI}(w, c) = \max\Bigl(\log \frac{P(w, c)}{P(w)\, P_\alpha(c)}
      - \log k,\; 0\Bigr), \qquad
      P_\alpha(c) = \frac{X_{\cdot c}^\alpha}{\sum_{c'} X_{\cdot c'}^\alpha}$$

    $\alpha < 1$ lifts the probability of rare contexts, which plain PMI overrates; it
    is the 3/4 of Word2Vec's noise (Levy, Goldberg and Dagan 2015, section 3.2). With
    $\alpha = 1$ and k negative samples, this is the positive part of what skip-gram
    factorises (Levy and Goldberg 2014).

    Args:
        counts: (V, C) sparse, words in rows and contexts in columns.
        smoothing: alpha, more than 0 and at most 1.
        shift: k, at least 1; 1 shifts nothing.

    Returns:
        (V, C) sparse and coalesced; only entries above 0 are stored.

    Raises:
        ValueError: when counts are not sparse or not positive, or for a bad argument.
    """
    if not 0 < smoothing <= 1:
        raise ValueError(f"smoothing is {smoothing}; it must lie in (0, 1]")
    if not shift >= 1:
        raise ValueError(f"shift is {shift}; it must be at least 1")
    counts = _require_sparse(counts)
    if (counts.values() <= 0).any():
        raise ValueError(
            "counts must be positive where they are stored; the smallest is "
            f"{float(counts.values().min())}"
        )
    w, c = counts.indices()
    of_word = torch.sparse.sum(counts, dim=1).to_dense()  # (V,)
    of_context = torch.sparse.sum(counts, dim=0).to_dense() ** smoothing  # (C,)
    chance = of_word[w] * of_context[c] / of_context.sum()
    pmi = torch.log(counts.values() / chance / shift)
    positive = pmi > 0
    return torch.sparse_coo_tensor(
        counts.indices()[:, positive],
        pmi[positive],
        counts.shape,
        check_invariants=True,
        is_coalesced=True,
    )


def truncated_svd(
    matrix: Tensor,
    rank: int,
    generator: torch.Generator,
    n_iterations: int = 16,
    n_extra: int = 64,
) -> tuple[Tensor, Tensor, Tensor]:
    r"""The largest singular values of a sparse matrix, and their vectors.

    $A \approx U \,\mathrm{diag}(S)\, V^\top$, found by subspace iteration from random
    directions (Halko, Martinsson and Tropp 2011, algorithms 4.4 and 5.1): only products
    with A and its transpose are needed, so A is never made dense. Where `rank` +
    `n_extra` reaches the smaller side of A, the result is exact.

    Args:
        matrix: (M, C), sparse or dense.
        rank: D, how many singular values; at most min(M, C).
        generator: of the random directions.
        n_iterations: products with A A^T. Tables of PPMI have many close singular
            values; more iterations and more directions tell them apart.
        n_extra: directions beside the D that are kept.

    Returns:
        U (M, D), S (D,) in falling order, V (C, D). The entry of each column of U that
        is largest in size is positive, so that the signs repeat.

    Raises:
        ValueError: when the rank is not between 1 and min(M, C).
    """
    if not 1 <= rank <= min(matrix.shape):
        raise ValueError(
            f"rank is {rank}; a matrix of shape {tuple(matrix.shape)} has 1 to "
            f"{min(matrix.shape)} singular values"
        )
    transposed = matrix.T.coalesce() if matrix.is_sparse else matrix.T
    n_directions = min(rank + n_extra, *matrix.shape)
    start = torch.randn(
        matrix.size(1), n_directions, generator=generator, dtype=matrix.dtype
    )
    q = torch.linalg.qr(matrix @ start).Q  # (M, n_directions)
    for _ in range(n_iterations):
        q = torch.linalg.qr(transposed @ q).Q
        q = torch.linalg.qr(matrix @ q).Q
    v, s, u = torch.linalg.svd(transposed @ q, full_matrices=False)
    u, s, v = (q @ u.T)[:, :rank], s[:rank], v[:, :rank]
    signs = u.gather(0, u.abs().argmax(dim=0, keepdim=True)).sign()
    return u * signs, s, v * signs


def svd_vectors(
    matrix: Tensor, rank: int, generator: torch.Generator, power: float = 0.5
) -> Tensor:
    """U S^p, (V, D): one vector for each row of a matrix, such as a table of PPMI.

    A power below 1 weakens the largest directions; 1/2 and 0 serve words better than 1
    (Levy, Goldberg and Dagan 2015, section 3.3). Raises as `truncated_svd`.
    """
    u, s, _ = truncated_svd(matrix, rank, generator)
    return u * s**power


def _require_text(token_ids: Tensor, vocab_size: int) -> None:
    if token_ids.dim() != 1 or token_ids.is_floating_point():
        raise ValueError(
            "token_ids must be one row of integers, got "
            f"{token_ids.dtype} of shape {tuple(token_ids.shape)}"
        )
    if len(token_ids) == 0:
        return
    low, high = int(token_ids.min()), int(token_ids.max())
    if low < 0 or high >= vocab_size:
        raise ValueError(
            f"token ids must lie between 0 and vocab_size - 1 = {vocab_size - 1}, "
            f"got {low} to {high}"
        )


def _require_sparse(counts: Tensor) -> Tensor:
    if not counts.is_sparse or counts.dim() != 2:
        raise ValueError(
            "counts must be a sparse matrix, as count_cooccurrences gives, got a "
            f"{counts.layout} tensor of shape {tuple(counts.shape)}"
        )
    return counts.coalesce()
