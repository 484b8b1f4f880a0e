import math

import pytest

from llm_notes.metrics import bits_per_byte, perplexity


def test_perplexity_of_a_uniform_guess_is_the_number_of_choices():
    assert perplexity(math.log(50)) == pytest.approx(50)


def test_perplexity_of_certainty_is_one():
    assert perplexity(0.0) == 1.0


def test_perplexity_beyond_the_largest_float_is_infinite():
    assert perplexity(1e4) == math.inf
    assert perplexity(math.inf) == math.inf


def test_bits_per_byte_of_a_uniform_guess_over_bytes_is_eight():
    n_bytes = 37
    assert bits_per_byte(n_bytes * math.log(256), n_bytes) == pytest.approx(8)


def test_bits_per_byte_does_not_depend_on_how_the_text_is_cut():
    # Three bytes at 1/2 each, as three tokens or as one.
    assert bits_per_byte(3 * math.log(2), 3) == pytest.approx(1)
    assert bits_per_byte(-math.log(1 / 8), 3) == pytest.approx(1)


@pytest.mark.parametrize("nats", [-0.1, math.nan])
def test_a_wrong_sign_is_named(nats):
    with pytest.raises(ValueError, match="mean_nats"):
        perplexity(nats)
    with pytest.raises(ValueError, match="total_nats"):
        bits_per_byte(nats, 3)


@pytest.mark.parametrize("n_bytes", [0, -1])
def test_a_text_without_bytes_has_no_score(n_bytes):
    with pytest.raises(ValueError, match="n_bytes"):
        bits_per_byte(1.0, n_bytes)
