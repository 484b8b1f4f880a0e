import math
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.cleaning import (
    candidate_pairs,
    candidate_probability,
    estimated_jaccard,
    jaccard,
    minhash_signature,
    shingles,
)


def numbers(start: int, stop: int) -> set[tuple[str, ...]]:
    return {(str(i), "x") for i in range(start, stop)}


def test_shingles_are_the_distinct_runs_of_tokens():
    assert shingles(["a", "b", "a", "b", "a"], 2) == {("a", "b"), ("b", "a")}
    assert shingles(["a", "b", "c"], 3) == {("a", "b", "c")}
    assert shingles(["a", "b"], 3) == set()


def test_jaccard_is_the_common_share():
    assert jaccard(numbers(0, 6), numbers(4, 10)) == pytest.approx(2 / 10)
    assert jaccard(set(), numbers(0, 2)) == jaccard(set(), set()) == 0


@pytest.mark.parametrize("n_common", [0, 100, 300, 500, 900, 1000])
def test_the_estimate_is_within_its_standard_error(n_common):
    # 1000 + 1000 - n_common shingles in all; more than one chunk of them.
    a, b = numbers(0, 1000), numbers(1000 - n_common, 2000 - n_common)
    true, n_hashes = jaccard(a, b), 400
    errors = []
    for seed in range(30):
        signatures = [minhash_signature(s, n_hashes, seed) for s in (a, b)]
        errors.append(estimated_jaccard(*signatures) - true)
    standard_error = math.sqrt(true * (1 - true) / n_hashes)
    # 30 seeds: the mean is 30 times less uncertain, the spread known to about 13 %.
    assert abs(np.mean(errors)) <= 4 * standard_error / math.sqrt(30)
    assert 0.5 * standard_error <= np.std(errors) <= 1.5 * standard_error


def test_each_place_of_a_signature_has_a_function_of_its_own():
    signature = minhash_signature(numbers(0, 50), 64)
    assert signature.shape == (64,)
    assert signature.dtype == np.uint64
    assert len(set(signature.tolist())) == 64


def test_the_smallest_of_n_hashes_is_as_small_as_chance_says():
    # The smallest of n uniform numbers in [0, 1) is 1 / (n + 1) in the mean.
    signature = minhash_signature(numbers(0, 99), 4000).astype(float) / 2.0**64
    assert signature.mean() == pytest.approx(1 / 100, rel=0.08)


def test_a_signature_depends_on_the_seed_and_the_set_alone():
    a = numbers(0, 70)
    backwards = dict.fromkeys(sorted(a, reverse=True)).keys()  # another order
    first = minhash_signature(a, 32, seed=3)
    assert (first == minhash_signature(backwards, 32, seed=3)).all()
    assert (first != minhash_signature(a, 32, seed=4)).all()


def test_the_arithmetic_is_that_of_whole_numbers_modulo_two_to_the_64():
    a = {("a", "b"), ("b", "ü"), ("ü", "a")}
    multipliers, offsets = np.random.default_rng(5).integers(
        2**64, size=(2, 3), dtype=np.uint64
    )
    expected = []
    for multiplier, offset in zip(multipliers.tolist(), offsets.tolist(), strict=True):
        values = []
        for shingle in a:
            digest = blake2b("\x1f".join(shingle).encode(), digest_size=8).digest()
            x = int.from_bytes(digest, "little") * (multiplier | 1) + offset
            x %= 2**64
            x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
            x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
            values.append(x ^ (x >> 31))
        expected.append(min(values))
    assert minhash_signature(a, 3, seed=5).tolist() == expected


def test_the_parts_of_a_shingle_are_not_run_together():
    one, other = ({("ab", "c")}, {("a", "bc")})
    assert (minhash_signature(one, 8) != minhash_signature(other, 8)).all()


def test_the_s_curve_is_that_of_the_formula_and_of_experience():
    assert candidate_probability(0.8, 20, 5) == pytest.approx(0.99964, abs=1e-5)
    assert candidate_probability(0, 3, 2) == 0
    assert candidate_probability(1, 3, 2) == 1
    # Signatures whose places agree with probability s, cut into 6 bands of 3 rows.
    s, n_pairs = 0.6, 4000
    generator = np.random.default_rng(0)
    same = generator.random((n_pairs, 18)) < s
    found = 0
    for row in same:
        both = np.stack([np.zeros(18), ~row]).astype(np.uint64)
        found += (0, 1) in candidate_pairs(both, 6, 3)
    expected = candidate_probability(s, 6, 3)
    error = math.sqrt(expected * (1 - expected) / n_pairs)
    assert abs(found / n_pairs - expected) < 4 * error


@settings(deadline=None)
@given(
    st.integers(1, 4), st.integers(1, 3), st.integers(2, 7), st.integers(0, 2**32 - 1)
)
def test_candidates_are_the_pairs_that_share_a_whole_band(
    n_bands, n_rows, n_documents, seed
):
    signatures = np.random.default_rng(seed).integers(
        2, size=(n_documents, n_bands * n_rows), dtype=np.uint64
    )
    expected = {
        (i, j)
        for i in range(n_documents)
        for j in range(i + 1, n_documents)
        if any(
            (signatures[i, k : k + n_rows] == signatures[j, k : k + n_rows]).all()
            for k in range(0, n_bands * n_rows, n_rows)
        )
    }
    assert candidate_pairs(signatures, n_bands, n_rows) == expected


def test_equal_bands_in_different_places_are_no_match():
    signatures = np.array([[1, 2, 3, 4], [3, 4, 1, 2]], dtype=np.uint64)
    assert candidate_pairs(signatures, 2, 2) == set()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: shingles(["a"], 0), "n is 0"),
        (lambda: minhash_signature(set(), 4), "empty"),
        (lambda: minhash_signature({("a",)}, 0), "n_hashes is 0"),
        (lambda: estimated_jaccard(np.zeros(3), np.zeros(4)), "3 and 4"),
        (lambda: estimated_jaccard(np.zeros(0), np.zeros(0)), "0 and 0"),
        (lambda: candidate_probability(1.1, 2, 2), "1.1"),
        (lambda: candidate_probability(0.5, 0, 2), "n_bands is 0"),
        (lambda: candidate_pairs(np.zeros((2, 5)), 2, 3), r"\(2, 5\).* 6"),
    ],
)
def test_bad_arguments_are_refused_with_the_numbers(call, message):
    with pytest.raises(ValueError, match=message):
        call()
