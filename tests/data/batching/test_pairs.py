import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.batching import IGNORE, collate_pairs, pair_batches

IDS = {"bos_id": 1, "eos_id": 2, "pad_id": 0}
ids = st.lists(st.integers(0, 50), max_size=6)
pair_lists = st.lists(st.tuples(ids.filter(bool), ids), min_size=1, max_size=17)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_batch_by_hand():
    batch = collate_pairs([([7, 8, 9], [5]), ([6], [3, 4])], **IDS)
    assert batch.source.tolist() == [[7, 8, 9], [6, 0, 0]]
    assert batch.target_in.tolist() == [[1, 5, 0], [1, 3, 4]]
    assert batch.target_out.tolist() == [[5, 2, IGNORE], [3, 4, 2]]
    assert batch.source_mask.tolist() == [[[[True] * 3]], [[[True, False, False]]]]
    assert batch.target_mask.tolist() == [[[[True, True, False]]], [[[True] * 3]]]
    assert batch.indices.tolist() == [0, 1]
    assert batch.padding_share == pytest.approx(3 / 12)


def test_t5_starts_with_its_padding_and_ends_sources_too():
    batch = collate_pairs([([7], [5]), ([8, 9], [])], bos_id=0, eos_id=1, pad_id=0,
                          end_source=True)  # fmt: skip
    assert batch.source.tolist() == [[7, 1, 0], [8, 9, 1]]
    assert batch.target_in.tolist() == [[0, 5], [0, 0]]
    assert batch.target_mask[:, 0, 0].tolist() == [[True, True], [True, False]]


@settings(deadline=None)
@given(pair_lists, st.booleans())
def test_nothing_is_lost_or_added(pairs, end_source):
    batch = collate_pairs(pairs, **IDS, end_source=end_source)
    tail = [2] if end_source else []
    for row, (source, target) in enumerate(pairs):
        real = batch.source_mask[row, 0, 0]
        assert batch.source[row, real].tolist() == source + tail
        assert (batch.source[row, ~real] == 0).all()
        real = batch.target_mask[row, 0, 0]
        assert batch.target_in[row, real].tolist() == [1, *target]
        assert batch.target_out[row, real].tolist() == [*target, 2]
        assert (batch.target_out[row, ~real] == IGNORE).all()
        assert (batch.target_in[row, ~real] == 0).all()


@settings(deadline=None)
@given(pair_lists, st.integers(1, 5), st.integers(1, 4), st.none() | st.integers(0, 9))
def test_each_pair_comes_once_in_whatever_order(pairs, batch_size, n_bucket, seed):
    generator = None if seed is None else seeded(seed)
    seen = []
    for batch in pair_batches(
        pairs, batch_size, **IDS, generator=generator, n_bucket=n_bucket
    ):
        assert 1 <= len(batch.source) <= batch_size
        for row, index in enumerate(batch.indices.tolist()):
            source = batch.source[row, batch.source_mask[row, 0, 0]].tolist()
            assert source == pairs[index][0]
            seen.append(index)
    assert sorted(seen) == list(range(len(pairs)))
    if seed is None and n_bucket == 1:
        assert seen == sorted(seen)


def many_pairs() -> list[tuple[list[int], list[int]]]:
    lengths = torch.randint(1, 60, (640,), generator=seeded()).tolist()
    return [([5] * n, [6] * n) for n in lengths]


def padding_share(**options: object) -> float:
    batches = list(pair_batches(many_pairs(), 16, **IDS, **options))
    total = sum(b.source_mask.numel() + b.target_mask.numel() for b in batches)
    real = sum(int(b.source_mask.sum() + b.target_mask.sum()) for b in batches)
    return 1 - real / total


def test_larger_buckets_need_less_padding():
    shares = [
        padding_share(generator=seeded(1), n_bucket=n_bucket) for n_bucket in (1, 4, 40)
    ]
    assert shares[0] > 0.4
    assert shares[0] > 2 * shares[1] > 2 * shares[2]
    assert shares[2] < 0.03


def test_a_bucket_is_sorted_by_source_and_then_by_target():
    pairs = [([5] * s, [6] * t) for s, t in [(3, 1), (1, 9), (1, 2), (2, 5)]]
    batches = list(pair_batches(pairs, 2, **IDS, n_bucket=2))
    assert [b.indices.tolist() for b in batches] == [[2, 1], [3, 0]]


def test_the_batches_of_a_bucket_are_shuffled():
    batches = list(
        pair_batches(many_pairs(), 16, **IDS, generator=seeded(1), n_bucket=40)
    )
    lengths = [b.source.shape[1] for b in batches]
    assert lengths != sorted(lengths)


@pytest.mark.parametrize("n_bucket", [1, 3])
def test_the_generator_decides_the_order(n_bucket):
    def order(seed: int) -> list[int]:
        batches = pair_batches(
            many_pairs(), 7, **IDS, generator=seeded(seed), n_bucket=n_bucket
        )
        return [index for batch in batches for index in batch.indices.tolist()]

    assert order(3) == order(3)
    assert order(3) != order(4)


def test_a_batch_moves_as_a_whole():
    batch = collate_pairs([([7], [5])], **IDS).to("meta")
    assert {tensor.device.type for tensor in vars(batch).values()} == {"meta"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: collate_pairs([], **IDS), "no rows"),
        (lambda: collate_pairs([([5], [5]), ([], [5])], **IDS), "source of pair 1"),
        (
            lambda: collate_pairs([([], [5])], **IDS, end_source=True),
            "source of pair 0",
        ),
        (lambda: collate_pairs([([5], [5])], **IDS, indices=[3, 4]), "2 indices for 1"),
        (lambda: collate_pairs([([5], [2**63])], **IDS), "whole numbers"),
        (lambda: collate_pairs([([5, -3], [5])], **IDS), "source is -3"),
        (lambda: collate_pairs([([5], [-4])], **IDS), "target is -4"),
        (lambda: collate_pairs([([5], [5])], bos_id=1, eos_id=-2, pad_id=0), "eos_id"),
        (lambda: pair_batches([([5], [5])], 0, **IDS), "batch_size is 0"),
        (lambda: pair_batches([([5], [5])], 1, **IDS, n_bucket=0), "n_bucket is 0"),
        (lambda: pair_batches([], 1, **IDS), "no pairs"),
    ],
)
def test_bad_arguments_are_refused_at_the_call(call, message):
    with pytest.raises(ValueError, match=message):
        call()
