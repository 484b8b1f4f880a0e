"""InfoNCE equals its formula written as loops, and its limits."""

import math

import numpy as np
import pytest
import torch

from llm_notes.training.losses import info_nce

B, S, D = 4, 6, 3


@pytest.fixture
def vectors() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(B, D, generator=generator, dtype=torch.float64),
        torch.randn(S, D, generator=generator, dtype=torch.float64),
    )


def written_out(queries: np.ndarray, keys: np.ndarray, temperature: float) -> float:
    total = 0.0
    for i, q in enumerate(queries):
        scores = [
            math.exp(q @ k / np.linalg.norm(q) / np.linalg.norm(k) / temperature)
            for k in keys
        ]
        total -= math.log(scores[i] / sum(scores))
    return total / len(queries)


def test_contrast_equals_its_formula(vectors):
    queries, keys = vectors
    expected = written_out(queries.numpy(), keys.numpy(), 0.3)
    assert info_nce(queries, keys, 0.3).item() == pytest.approx(expected, abs=1e-10)


def test_symmetric_contrast_is_the_mean_of_both_directions(vectors):
    queries, keys = vectors[0].numpy(), vectors[1][:B].numpy()
    expected = (written_out(queries, keys, 0.2) + written_out(keys, queries, 0.2)) / 2
    loss = info_nce(vectors[0], vectors[1][:B], 0.2, symmetric=True)
    assert loss.item() == pytest.approx(expected, abs=1e-10)


def test_gradients_agree_with_differences(vectors):
    queries, keys = (v.requires_grad_() for v in vectors)
    assert torch.autograd.gradcheck(lambda q, k: info_nce(q, k, 0.4), (queries, keys))


def test_length_of_the_vectors_does_not_matter(vectors):
    queries, keys = vectors
    torch.testing.assert_close(info_nce(1e3 * queries, keys), info_nce(queries, keys))


def test_equal_vectors_cost_the_log_of_their_number():
    same = torch.ones(5, 3)
    assert info_nce(same, same).item() == pytest.approx(math.log(5))
    assert info_nce(torch.zeros(5, 3), same).isfinite()


@pytest.mark.parametrize(
    ("queries", "keys", "settings", "message"),
    [
        ((4, 3), (3, 3), {}, "3 keys for 4 queries"),
        ((4, 3), (5, 3), {"symmetric": True}, "5 keys for 4 queries"),
        ((4, 3), (4, 2), {}, "matrices of the same width"),
        ((4, 3), (4, 3), {"temperature": 0}, "temperature is 0"),
    ],
)
def test_what_does_not_fit_is_refused(queries, keys, settings, message):
    with pytest.raises(ValueError, match=message):
        info_nce(torch.ones(queries), torch.ones(keys), **settings)
