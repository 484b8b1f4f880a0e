"""N-grams get rows by their tokens alone, wherever and whenever they are read."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.models.layers.ngram_embedding import NgramEmbedding, ngram_buckets

V, R = 11, 997


def rows(ids, order, positions=None, n_buckets=R):
    ids = torch.tensor([ids])
    if positions is None:
        positions = torch.arange(ids.size(1))
    return ngram_buckets(ids, positions, order, n_buckets, V)[0].tolist()


def by_hand(ngram, n_buckets=R):
    """The formula in Python's whole numbers; the newest token comes first."""
    hashed = ngram[0] + 1
    for token in ngram[1:]:
        hashed = (hashed * 0x5BD1E995 + token + 1) % 2**31
    return ((hashed ^ hashed >> 15) * 0x9E3779B1 >> 24) % n_buckets


@pytest.mark.parametrize("order", [2, 3, 5])
def test_rows_follow_the_formula_and_nothing_stands_before_the_text(order):
    ids = [3, 1, 4, 1, 5, 9, 2, 6]
    padded = [V] * (order - 1) + ids
    expected = [by_hand(padded[t : t + order][::-1]) for t in range(len(ids))]
    assert rows(ids, order) == expected


@given(st.lists(st.integers(0, V - 1), min_size=6, max_size=12), st.integers(2, 4))
@settings(deadline=None, max_examples=50)
def test_the_same_ngram_gets_the_same_row_at_every_place(ids, order):
    repeated = rows(ids + ids, order)
    n = len(ids)
    assert repeated[order - 1 : n] == repeated[n + order - 1 :]


@given(st.lists(st.integers(0, V - 1), min_size=8, max_size=8), st.integers(0, 7))
@settings(deadline=None, max_examples=50)
def test_later_tokens_do_not_change_earlier_rows(ids, place):
    changed = [*ids[:place], (ids[place] + 1) % V, *ids[place + 1 :]]
    assert rows(ids, 3)[:place] == rows(changed, 3)[:place]


def test_a_token_read_alone_finds_its_context_among_the_known_ones():
    ids = torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])
    whole = ngram_buckets(ids, torch.arange(5), 3, R, V)
    last = ngram_buckets(ids, torch.tensor([4]), 3, R, V)
    assert last.equal(whole[:, -1:])


@pytest.mark.parametrize("order", [2, 4])
def test_small_integers_get_the_rows_of_large_ones(order):
    ids = torch.tensor([[3, 1, 4, 1, 5, 9]])
    large = ngram_buckets(ids, torch.arange(6), order, R, V)
    assert ngram_buckets(ids.int(), torch.arange(6), order, R, V).equal(large)


def test_padding_on_the_left_stays_out_of_ngrams():
    padded = torch.tensor([[0, 0, 3, 1, 4]])
    positions = torch.tensor([[0, 0, 0, 1, 2]])
    found = ngram_buckets(padded, positions, 3, R, V)[0, 2:].tolist()
    assert found == rows([3, 1, 4], 3)


def test_common_ngrams_spread_over_the_table():
    """Bigrams of 40 tokens in 4,096 rows: about as many rows as random ones take."""
    n, n_buckets = 40, 4096
    pairs = torch.cartesian_prod(torch.arange(n), torch.arange(n))
    positions = torch.tensor([[0, 1]])
    used = ngram_buckets(pairs, positions, 2, n_buckets, n)[:, 1].unique().numel()
    by_chance = n_buckets * (1 - (1 - 1 / n_buckets) ** n**2)
    assert 0.95 * by_chance < used <= n**2


def test_vectors_of_all_orders_are_added():
    layer = NgramEmbedding(V, d_model=6, orders=(2, 4), n_buckets=R)
    for table in layer.tables:
        torch.nn.init.normal_(table, generator=torch.Generator().manual_seed(0))
    ids, positions = torch.tensor([[3, 1, 4, 1, 5]]), torch.arange(5)
    expected = sum(
        table[ngram_buckets(ids, positions, order, R, V)]
        for order, table in zip((2, 4), layer.tables, strict=True)
    )
    torch.testing.assert_close(layer(ids, positions), expected)
    assert torch.as_tensor(NgramEmbedding(V, 6, (), R)(ids, positions)).sum() == 0
