import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from llm_notes.data.batching import IGNORE, first_fit, pack_documents
from llm_notes.models.layers.mask import causal_mask, document_mask

documents_of_ids = st.lists(
    st.lists(st.integers(0, 90), min_size=2, max_size=25), min_size=1, max_size=12
)


def test_rows_by_hand():
    packed = pack_documents([[10, 11, 12, 13], [20, 21], [30, 31, 32]], 5, pad_id=7)
    assert packed.token_ids.tolist() == [[10, 11, 12, 20, 7], [30, 31, 7, 7, 7]]
    assert packed.targets.tolist() == [
        [11, 12, 13, 21, IGNORE],
        [31, 32, IGNORE, IGNORE, IGNORE],
    ]
    assert packed.document_ids.tolist() == [[0, 0, 0, 1, -1], [2, 2, -1, -1, -1]]
    assert packed.positions.tolist() == [[0, 1, 2, 0, 0], [0, 1, 0, 0, 0]]
    assert packed.padding_share == pytest.approx(4 / 10)
    assert len(packed) == 2


@settings(deadline=None)
@given(documents_of_ids, st.integers(1, 12))
def test_each_token_after_the_first_is_a_target_once(documents, context_length):
    packed = pack_documents(documents, context_length, pad_id=0)
    assert packed.token_ids.shape[1] == context_length
    pieces = {number: [] for number in range(len(documents))}
    for row in range(len(packed)):
        for number in packed.document_ids[row].unique().tolist():
            there = packed.document_ids[row] == number
            targets = packed.targets[row, there].tolist()
            if number == -1:
                assert set(targets) == {IGNORE}
                continue
            positions = packed.positions[row, there].tolist()
            assert positions == list(range(len(targets)))
            inputs = packed.token_ids[row, there].tolist()
            assert inputs[1:] == targets[:-1]
            pieces[number].append((inputs, targets))
    for number, document in enumerate(documents):
        # Long documents come in pieces, whose order of rows may differ.
        n_targets = sum(len(targets) for _, targets in pieces[number])
        assert n_targets == len(document) - 1
        expected = [
            (document[i : i + context_length][: len(document) - 1 - i],
             document[i + 1 : i + 1 + context_length])
            for i in range(0, len(document) - 1, context_length)
        ]  # fmt: skip
        assert sorted(pieces[number]) == sorted(expected)


@settings(deadline=None)
@given(st.lists(st.integers(1, 9), max_size=40))
def test_each_thing_goes_into_the_first_box_with_room(sizes):
    boxes: list[list[int]] = []
    for index, size in enumerate(sizes):
        for box in boxes:
            if sum(sizes[i] for i in box) + size <= 9:
                box.append(index)
                break
        else:
            boxes.append([index])
    assert first_fit(sizes, 9) == boxes


def test_a_packed_document_reads_what_it_reads_alone():
    # One attention with learned positions: the mask and the positions are enough.
    generator = torch.Generator().manual_seed(0)
    tokens, places = (torch.randn(40, 6, generator=generator) for _ in range(2))
    documents = [
        torch.randint(40, (n,), generator=generator).tolist() for n in (5, 9, 3, 7, 2)
    ]

    def attend(token_ids, positions, mask):
        x = tokens[token_ids] + places[positions]
        return F.scaled_dot_product_attention(x, x, x, attn_mask=mask)

    packed = pack_documents(documents, 10, pad_id=3)
    mask = document_mask(packed.document_ids)[:, 0] & causal_mask(10)
    together = attend(packed.token_ids, packed.positions, mask)
    assert together.isfinite().all()  # padding looks at padding, never at nothing
    for number, document in enumerate(documents):
        ids = torch.tensor(document[:-1])
        alone = attend(ids[None], torch.arange(len(ids)), causal_mask(len(ids)))
        there = packed.document_ids == number
        assert torch.allclose(together[there], alone[0], atol=1e-5, rtol=0)


def test_rows_make_batches_and_move_as_a_whole():
    packed = pack_documents([[i, i + 1, i + 2] for i in range(6)], 2, pad_id=0)
    batch = packed.rows(torch.tensor([4, 1]))
    assert batch.token_ids.tolist() == [[4, 5], [1, 2]]
    assert batch.document_ids.tolist() == [[4, 4], [1, 1]]
    assert len(packed.rows(slice(2, 5))) == 3
    assert {t.device.type for t in vars(batch.to("meta")).values()} == {"meta"}


def test_packing_wastes_less_than_padding_each_document():
    lengths = torch.randint(2, 60, (300,), generator=torch.Generator().manual_seed(0))
    packed = pack_documents([[1] * n for n in lengths.tolist()], 64, pad_id=0)
    alone = 1 - (lengths - 1).sum().item() / (300 * 64)
    assert packed.padding_share < 0.1 < alone
    n_places = (len(packed) * 64) * (1 - packed.padding_share)
    assert math.isclose(n_places, (lengths - 1).sum().item(), rel_tol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pack_documents([], 4, 0), "no documents"),
        (lambda: pack_documents([[1, 2], [3]], 4, 0), "document 1 has 1 tokens"),
        (lambda: pack_documents([[1, -2]], 4, 0), "document 0 is -2"),
        (lambda: pack_documents([[1, 2]], 0, 0), "context_length is 0"),
        (lambda: pack_documents([[1, 2]], 4, -1), "pad_id is -1"),
        (lambda: first_fit([3, 6], 5), "thing 1 has size 6"),
        (lambda: first_fit([0], 5), "thing 0 has size 0"),
    ],
)
def test_bad_arguments_are_refused_with_the_numbers(call, message):
    with pytest.raises(ValueError, match=message):
        call()
