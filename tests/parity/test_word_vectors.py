"""Word vectors and the NPLM are equal to their formulas."""

import pytest
import torch

from llm_notes.parity import word_vectors


@pytest.mark.parametrize(
    "case",
    [
        word_vectors.ppmi_svd,
        word_vectors.skip_gram,
        word_vectors.cbow,
        word_vectors.glove,
        word_vectors.nplm,
    ],
    ids=lambda case: case.__name__,
)
def test_the_model_is_its_formula(case):
    state = torch.get_rng_state()
    parity = case()
    assert parity.output_error <= 1e-5
    has_gradients = case is not word_vectors.ppmi_svd
    assert (parity.gradient_error is not None) == has_gradients
    assert (parity.gradient_error or 0) <= 1e-5
    assert parity.library.startswith("numpy ")
    assert torch.get_rng_state().equal(state)
