"""Windows, thinning and noise are those of the papers."""

from collections import Counter

import pytest
import torch

from llm_notes.models.word2vec import (
    PADDING,
    cbow,
    noise_distribution,
    skip_gram,
    subsample,
)

TEXT = torch.arange(10, 22)  # each word tells its place: word - 10


def seeded(seed=0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pairs(window: int, seed: int = 0) -> list[tuple[int, int]]:
    inputs, targets = skip_gram(TEXT, window, seeded(seed))
    assert inputs.shape == (len(targets), 1)
    return list(zip((inputs[:, 0] - 10).tolist(), (targets - 10).tolist(), strict=True))


def test_the_pairs_of_a_word_are_all_words_within_its_radius():
    seen = Counter()
    for seed in range(20):
        reach = Counter()
        found = pairs(3, seed)
        assert len(set(found)) == len(found)
        for middle, other in found:
            assert middle != other
            reach[middle] = max(reach[middle], abs(middle - other))
        for middle, radius in reach.items():
            places = range(middle - radius, middle + radius + 1)
            expected = {i for i in places if 0 <= i < 12} - {middle}
            assert {b for a, b in found if a == middle} == expected
        assert set(reach) == set(range(12))  # each word has a window
        seen.update(reach[middle] for middle in range(3, 9))
    # Radii 1, 2 and 3 are equally likely: 40 of 120 each, give or take four deviations.
    assert set(seen) == {1, 2, 3}
    assert all(abs(count - 40) < 4 * (120 * 2 / 9) ** 0.5 for count in seen.values())


def test_a_window_of_one_pairs_neighbours_both_ways():
    assert sorted(pairs(1)) == sorted(
        [(i, i + 1) for i in range(11)] + [(i + 1, i) for i in range(11)]
    )


def test_cbow_reads_the_words_that_skip_gram_predicts():
    inputs, targets = cbow(TEXT, 3, seeded(5))
    assert inputs.shape == (12, 6)
    assert targets.equal(TEXT)
    from_cbow = {
        (int(middle) - 10, int(word) - 10)
        for row, middle in zip(inputs, targets, strict=True)
        for word in row
        if word != PADDING
    }
    assert from_cbow == set(pairs(3, seed=5))
    assert (inputs == PADDING).any()


def test_a_word_without_neighbours_gives_no_example():
    for examples in (skip_gram, cbow):
        inputs, targets = examples(torch.tensor([4]), 2, seeded())
        assert len(inputs) == len(targets) == 0


def test_examples_repeat_with_the_seed_and_differ_with_another():
    assert pairs(4, seed=1) == pairs(4, seed=1)
    assert pairs(4, seed=1) != pairs(4, seed=2)


def test_noise_is_the_counts_to_the_power_three_quarters():
    noise = noise_distribution(torch.tensor([16, 0, 1, 81]))
    assert noise.tolist() == pytest.approx([8 / 36, 0, 1 / 36, 27 / 36])
    uniform = noise_distribution(torch.tensor([16, 0, 1, 81]), power=0.0)
    assert uniform.tolist() == pytest.approx([1 / 3, 0, 1 / 3, 1 / 3])


def test_frequent_words_are_thinned_to_the_square_root_of_their_share():
    # Word 0: 90 % of 20,000; word 1: 9 %; word 2: 1 %, which is the threshold.
    text = torch.tensor([0] * 18_000 + [1] * 1_800 + [2] * 200)
    text = text[torch.randperm(len(text), generator=seeded(1))]
    left = torch.bincount(subsample(text, 0.01, seeded()))
    expected = 18_000 * (0.01 / 0.9) ** 0.5, 1_800 * (0.01 / 0.09) ** 0.5
    for count, mean in zip(left, expected, strict=False):
        assert abs(int(count) - mean) < 4 * mean**0.5
    assert left[2] == 200


def test_thinning_keeps_the_order_and_infinity_keeps_all():
    left = subsample(TEXT, 0.02, seeded())
    assert 0 < len(left) < len(TEXT)
    assert left.equal(left.sort().values)
    assert subsample(TEXT, float("inf"), seeded()).equal(TEXT)


def test_bad_arguments_are_refused():
    for examples in (skip_gram, cbow):
        with pytest.raises(ValueError, match="window is 0"):
            examples(TEXT, 0, seeded())
    for threshold in (0, float("nan")):
        with pytest.raises(ValueError, match="threshold is"):
            subsample(TEXT, threshold, seeded())
    for counts in ([[1, 2]], [0, 0], [3, -1], []):
        with pytest.raises(ValueError, match="counts must be one row"):
            noise_distribution(torch.tensor(counts))
