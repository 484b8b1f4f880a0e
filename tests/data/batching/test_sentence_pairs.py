import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.batching import (
    SentencePair,
    collate_sentence_pairs,
    draw_sentence_pairs,
)
from llm_notes.data.batching.sentence_pairs import _truncate

IDS = {"cls_id": 1, "sep_id": 2, "pad_id": 0}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def documents(*sizes: int) -> list[list[list[int]]]:
    """Sentences of one token: 10,000 d + s for sentence s of document d."""
    return [[[10_000 * d + s] for s in range(size)] for d, size in enumerate(sizes)]


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=2, max_size=6), st.integers(0, 2**31))
def test_each_sentence_with_a_next_one_comes_first_once(sizes, seed):
    if sum(size > 0 for size in sizes) < 2 or max(sizes) < 2:
        return
    pairs = draw_sentence_pairs(documents(*sizes), seeded(seed))
    firsts = [s for document in documents(*sizes) for s in document[:-1]]
    assert [pair.first for pair in pairs] == firsts
    for (first,), (second,), is_random in pairs:
        if is_random:
            assert second // 10_000 != first // 10_000
        else:
            assert second == first + 1


def test_half_are_random_and_other_documents_equally_likely():
    n = 4000
    pairs = draw_sentence_pairs(documents(1, 2, n + 1), seeded())[1:]
    drawn = Counter(pair.second[0] for pair in pairs if pair.is_random)
    n_random = drawn.total()
    assert abs(n_random - n / 2) < 4 * math.sqrt(n / 4)
    # First the document, then the sentence: its only one gets as much as both of two.
    for sentence, share in ((0, 1 / 2), (10_000, 1 / 4), (10_001, 1 / 4)):
        error = math.sqrt(n_random * share * (1 - share))
        assert abs(drawn[sentence] - n_random * share) < 4 * error


def test_the_generator_alone_decides_which():
    texts = documents(40, 30)
    assert draw_sentence_pairs(texts, seeded(1)) == draw_sentence_pairs(
        texts, seeded(1)
    )
    assert draw_sentence_pairs(texts, seeded(1)) != draw_sentence_pairs(
        texts, seeded(2)
    )


def test_one_document_has_no_random_sentence():
    with pytest.raises(ValueError, match="1 documents"):
        draw_sentence_pairs(documents(5, 0), seeded())


def test_documents_of_one_sentence_have_no_pair():
    with pytest.raises(ValueError, match="all 3 documents have one sentence"):
        draw_sentence_pairs(documents(1, 1, 0, 1), seeded())


def test_a_batch_moves_as_a_whole():
    pairs = [SentencePair([7, 8], [9], False)]
    batch = collate_sentence_pairs(pairs, context_length=9, **IDS).to("meta")
    assert {tensor.device.type for tensor in vars(batch).values()} == {"meta"}


def test_a_batch_by_hand():
    pairs = [SentencePair([7, 8], [9], False), SentencePair([5], [6, 6, 6], True)]
    batch = collate_sentence_pairs(pairs, context_length=9, **IDS)
    assert batch.token_ids.tolist() == [[1, 7, 8, 2, 9, 2, 0], [1, 5, 2, 6, 6, 6, 2]]
    assert batch.segment_ids.tolist() == [[0, 0, 0, 0, 1, 1, 0], [0, 0, 0, 1, 1, 1, 1]]
    assert batch.mask.shape == (2, 1, 1, 7)
    assert batch.mask[:, 0, 0].tolist() == [[True] * 6 + [False], [True] * 7]
    assert batch.labels.tolist() == [0, 1]


@settings(deadline=None)
@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 20))
def test_the_longer_sentence_gives_its_end_until_both_fit(n_a, n_b, room):
    a, b = list(range(n_a)), list(range(100, 100 + n_b))
    left, right = a.copy(), b.copy()
    while len(left) + len(right) > room:  # one token at a time, as BERT says it
        (left if len(left) > len(right) else right).pop()
    assert _truncate(a, b, room) == (left, right)


def test_a_pair_that_is_too_long_fills_the_context():
    batch = collate_sentence_pairs(
        [SentencePair([7] * 9, [8] * 4, False)], context_length=10, **IDS
    )
    assert batch.token_ids.tolist() == [[1, 7, 7, 7, 7, 2, 8, 8, 8, 2]]


@pytest.mark.parametrize(
    ("pairs", "changes", "message"),
    [
        ([], {}, "no rows"),
        ([SentencePair([7], [8], False)], {"context_length": 4}, "context_length is 4"),
        ([SentencePair([7], [8], False)], {"sep_id": -1}, "sep_id is -1"),
        ([SentencePair([7], [-8], False)], {}, "sentence is -8"),
        ([SentencePair([], [8], False)], {}, "pair 0 has an empty sentence"),
        ([SentencePair([7], [], True)], {}, "pair 0 has an empty sentence"),
    ],
)
def test_bad_arguments_are_refused_with_the_numbers(pairs, changes, message):
    with pytest.raises(ValueError, match=message):
        collate_sentence_pairs(pairs, **{"context_length": 9, **IDS, **changes})
