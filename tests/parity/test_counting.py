"""The n-gram models are equal to their definitions."""

import pytest

from llm_notes.parity import counting


@pytest.mark.parametrize(
    "case",
    [
        counting.add_k,
        counting.katz,
        counting.kneser_ney,
        counting.modified_kneser_ney,
    ],
    ids=lambda case: case.__name__,
)
def test_the_model_is_its_definition(case):
    parity = case()
    assert parity.output_error <= 1e-12
    assert parity.n_compared == 40 * 9 + 40
    assert parity.gradient_error is None
    assert parity.library.startswith("numpy ")


def test_the_compared_text_exercises_the_estimates():
    # Otherwise every order would take its fall-back, and the line would say little.
    text = counting.skewed_text(400, 9, seed=0)
    assert text.max() == 7
    katz = counting.KatzNGram(4, 9).fit(text)
    assert len(katz.discounts[2]) >= 3
    modified = counting.ModifiedKneserNeyNGram(4, 9).fit(text)
    assert modified.FALL_BACK not in modified.discounts[1:]
