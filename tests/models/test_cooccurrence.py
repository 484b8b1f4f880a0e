"""Counts of neighbours, PPMI and the SVD against their definitions."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.models.cooccurrence import (
    count_cooccurrences,
    ppmi,
    svd_vectors,
    truncated_svd,
)

V = 5
WEIGHTS = [1.0, 0.5, 0.2]


def seeded(seed=0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def sparse(rows) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64).to_sparse()


@settings(deadline=None, max_examples=40)
@given(text=st.lists(st.integers(0, V - 1), max_size=30))
def test_counts_are_those_of_a_walk_through_the_text(text):
    expected = torch.zeros(V, V, dtype=torch.float64)
    for i, word in enumerate(text):
        for distance, weight in enumerate(WEIGHTS, start=1):
            for j in (i - distance, i + distance):
                if 0 <= j < len(text):
                    expected[word, text[j]] += weight
    counts = count_cooccurrences(torch.tensor(text, dtype=torch.long), V, WEIGHTS)
    torch.testing.assert_close(counts.to_dense(), expected, atol=1e-12, rtol=0)
    assert counts.is_coalesced()
    assert counts.dtype == torch.float64
    assert counts._nnz() == int((expected > 0).sum())


def test_a_window_wider_than_the_text_counts_what_there_is():
    counts = count_cooccurrences(torch.tensor([3, 1]), V, [1.0] * 9)
    assert counts.indices().tolist() == [[1, 3], [3, 1]]
    assert counts.values().tolist() == [1, 1]


def test_ids_and_weights_that_make_no_counts_are_refused():
    ids = torch.tensor([0, 4])
    with pytest.raises(ValueError, match="vocab_size - 1 = 3, got 0 to 4"):
        count_cooccurrences(ids, 4, [1.0])
    with pytest.raises(ValueError, match="got -1 to 4"):
        count_cooccurrences(torch.tensor([4, -1]), V, [1.0])
    with pytest.raises(ValueError, match=r"one row of integers.*float32"):
        count_cooccurrences(ids.float(), V, [1.0])
    with pytest.raises(ValueError, match=r"one row of integers.*\(1, 2\)"):
        count_cooccurrences(ids[None], V, [1.0])
    for weights in ([], [1.0, 0.0], [-1.0], [math.nan], [math.inf]):
        with pytest.raises(ValueError, match="weights are"):
            count_cooccurrences(ids, V, weights)


def test_ppmi_of_a_tiny_table_counted_by_hand():
    # Rows are words, columns contexts; 8 in all. Rows add up to 4, 4; columns to 1, 7.
    counts = sparse([[1.0, 3.0], [0.0, 4.0]])
    # log P(w, c) / (P(w) P(c)): (1/8) / (4/8 * 1/8) = 2, (3/8) / (4/8 * 7/8) < 1.
    expected = sparse([[math.log(2), 0.0], [0.0, math.log(8 / 7)]])
    table = ppmi(counts, smoothing=1.0)
    torch.testing.assert_close(
        table.to_dense(), expected.to_dense(), atol=1e-12, rtol=0
    )
    # Only what is above 0 is stored.
    assert table.indices().tolist() == [[0, 1], [0, 1]]
    assert table.is_coalesced()


def test_smoothing_raises_the_probability_of_rare_contexts():
    counts = sparse([[1.0, 3.0], [0.0, 4.0]])
    # P_alpha(c) = 1 / (1 + 7 ** 0.75) for the first column; P(w, c) / P(w) = 1/4.
    smooth = float(ppmi(counts, smoothing=0.75).to_dense()[0, 0])
    assert smooth == pytest.approx(math.log((1 + 7**0.75) / 4))
    assert 0 < smooth < math.log(2)


def test_a_shift_lowers_all_and_drops_what_falls_below_zero():
    counts = sparse([[1.0, 3.0], [0.0, 4.0]])
    shifted = ppmi(counts, smoothing=1.0, shift=1.5)
    assert shifted.indices().tolist() == [[0], [0]]
    assert float(shifted.values()) == pytest.approx(math.log(2 / 1.5))


def test_a_table_with_more_contexts_than_words_is_fine():
    table = ppmi(sparse([[1.0, 0.0, 2.0], [0.0, 4.0, 1.0]]))
    assert table.shape == (2, 3)


def test_bad_tables_and_arguments_are_refused():
    counts = sparse([[1.0, 3.0], [0.0, 4.0]])
    for smoothing in (0, 1.1, math.nan):
        with pytest.raises(ValueError, match=r"smoothing is .* \(0, 1\]"):
            ppmi(counts, smoothing=smoothing)
    for shift in (0.5, math.nan):
        with pytest.raises(ValueError, match="shift is"):
            ppmi(counts, shift=shift)
    with pytest.raises(ValueError, match="sparse matrix"):
        ppmi(counts.to_dense())
    with pytest.raises(ValueError, match=r"the smallest is -1\.0"):
        ppmi(sparse([[1.0, -1.0]]))


@pytest.mark.parametrize("shape", [(9, 7), (7, 9)])
def test_the_truncated_svd_of_a_small_matrix_is_that_of_lapack(shape):
    matrix = torch.randn(shape, generator=seeded(1), dtype=torch.float64)
    u, s, v = truncated_svd(matrix.to_sparse(), 3, seeded())
    expected_u, expected_s, expected_vt = np.linalg.svd(matrix.numpy())
    assert u.shape == (shape[0], 3)
    assert v.shape == (shape[1], 3)
    assert s.numpy() == pytest.approx(expected_s[:3], abs=1e-12)
    for ours, theirs in ((u.T, expected_u.T), (v.T, expected_vt)):
        cosines = (ours.numpy() * theirs[:3]).sum(axis=1)  # up to sign
        assert np.abs(cosines) == pytest.approx(1, abs=1e-12)
    # The sign of u and v changes together: the product is the best of rank 3.
    best = expected_u[:, :3] * expected_s[:3] @ expected_vt[:3]
    assert (u * s @ v.T).numpy() == pytest.approx(best, abs=1e-12)
    dense = truncated_svd(matrix, 3, seeded(2))
    torch.testing.assert_close(dense[0], u, atol=1e-10, rtol=0)


def test_few_directions_find_the_largest_values_of_a_big_matrix():
    # 200 x 150 with singular values 1, 1/2, 1/4 ...; 4 + 6 directions see 10 of them.
    q, _ = torch.linalg.qr(torch.randn(200, 150, generator=seeded(1)).double())
    r, _ = torch.linalg.qr(torch.randn(150, 150, generator=seeded(2)).double())
    values = 0.5 ** torch.arange(150, dtype=torch.float64)
    u, s, _ = truncated_svd(q * values @ r.T, 4, seeded(), n_iterations=6, n_extra=6)
    torch.testing.assert_close(s, values[:4], atol=1e-10, rtol=0)
    cosines = (u * q[:, :4]).sum(dim=0).abs()
    torch.testing.assert_close(cosines, torch.ones(4).double(), atol=1e-8, rtol=0)
    # One product less accurate; more iterations are what makes it so.
    rough = truncated_svd(q * values @ r.T, 4, seeded(), n_iterations=0, n_extra=6)[1]
    assert (rough - values[:4]).abs().max() > 1e-6


def test_signs_repeat_whatever_the_random_directions():
    matrix = torch.randn(8, 6, generator=seeded(1), dtype=torch.float64)
    one, other = (truncated_svd(matrix, 4, seeded(seed))[0] for seed in (0, 1))
    torch.testing.assert_close(one, other, atol=1e-10, rtol=0)
    largest = one.gather(0, one.abs().argmax(dim=0, keepdim=True))
    assert (largest > 0).all()


def test_vectors_scale_directions_by_a_power_of_the_singular_values():
    matrix = torch.randn(6, 8, generator=seeded(1), dtype=torch.float64).to_sparse()
    u, s, _ = truncated_svd(matrix, 3, seeded())
    for power in (0.0, 0.5, 1.0):
        vectors = svd_vectors(matrix, 3, seeded(), power)
        torch.testing.assert_close(vectors, u * s**power, atol=1e-12, rtol=0)
    torch.testing.assert_close(svd_vectors(matrix, 3, seeded()), u * s.sqrt())


@pytest.mark.parametrize("rank", [0, 7])
def test_a_rank_that_the_matrix_does_not_have_is_refused(rank):
    with pytest.raises(ValueError, match=rf"rank is {rank}.*1 to 6"):
        truncated_svd(torch.zeros(6, 8), rank, seeded())
