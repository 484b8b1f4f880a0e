"""Newton-Schulz does to singular values what its polynomial says."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.training.optim.muon import (
    COEFFICIENTS,
    Muon,
    _iterate,
    _iterate_gram,
    orthogonalise,
    shape_factor,
)


@pytest.mark.parametrize("shape", [(4, 4), (4, 7), (9, 3), (3, 20), (20, 3)])
def test_singular_values_follow_the_polynomial_and_vectors_stay(shape):
    matrix = torch.randn(
        shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    u, s, vt = torch.linalg.svd(matrix, full_matrices=False)
    s = s / s.norm()
    a, b, c = COEFFICIENTS
    for _ in range(4):
        s = a * s + b * s**3 + c * s**5
    expected = u * s @ vt
    torch.testing.assert_close(orthogonalise(matrix, 4), expected, atol=1e-10, rtol=0)


def test_converging_coefficients_reach_the_nearest_orthogonal_matrix():
    matrix = torch.randn(
        5, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64
    )
    u, _, vt = torch.linalg.svd(matrix)
    result = orthogonalise(matrix, 40, (1.5, -0.5, 0.0))
    torch.testing.assert_close(result, u @ vt, atol=1e-6, rtol=0)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 6), st.integers(1, 20), st.integers(1, 3), st.integers(0, 10**6))
def test_a_batch_equals_its_matrices_one_by_one(n_rows, n_columns, n_batch, seed):
    matrices = torch.randn(
        (2, n_batch, n_rows, n_columns),
        generator=torch.Generator().manual_seed(seed),
        dtype=torch.float64,
    )
    result = orthogonalise(matrices)
    assert result.shape == matrices.shape
    for i in range(2):
        for j in range(n_batch):
            torch.testing.assert_close(
                result[i, j], orthogonalise(matrices[i, j]), atol=1e-9, rtol=0
            )
    assert torch.linalg.matrix_norm(result, ord=2).max() < 1.3


@pytest.mark.parametrize("n_steps", [0, 1, 5])
def test_both_orders_of_the_products_agree(n_steps):
    x = torch.randn(
        2, 4, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    x = x / x.norm(dim=(-2, -1), keepdim=True)
    torch.testing.assert_close(
        _iterate_gram(x, n_steps, COEFFICIENTS),
        _iterate(x, n_steps, COEFFICIENTS),
        atol=1e-10,
        rtol=0,
    )


@pytest.mark.parametrize("shape", [(3, 3), (3, 8)])
def test_size_of_the_gradient_does_not_matter_and_zero_stays_zero(shape):
    matrix = torch.randn(
        shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    torch.testing.assert_close(
        orthogonalise(1e4 * matrix), orthogonalise(matrix), atol=1e-10, rtol=0
    )
    assert orthogonalise(torch.zeros(shape)).equal(torch.zeros(shape))


def test_shape_factors_at_known_points():
    assert shape_factor((8, 2), "original") == 2.0
    assert shape_factor((2, 8), "original") == 1.0
    assert shape_factor((2, 25), "match_rms_adamw") == pytest.approx(1.0)
    assert shape_factor((25, 2), "match_rms_adamw") == pytest.approx(1.0)


def test_a_step_is_the_orthogonalised_gradient_in_its_own_precision():
    grad = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    weight = torch.zeros(4, 6)
    weight.grad = grad
    Muon([weight], lr=0.5).step()
    torch.testing.assert_close(weight, -0.5 * orthogonalise(grad), atol=1e-5, rtol=0)
