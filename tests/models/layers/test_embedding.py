"""Tables of tokens and positions, and sinusoids."""

import math

import pytest
import torch

from llm_notes.models.layers.embedding import TokenEmbedding
from llm_notes.models.layers.position import LearnedPosition, SinusoidalPosition


def test_tied_embedding_scores_by_dot_product():
    embedding = TokenEmbedding(vocab_size=7, d_model=5)
    x = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    logits = embedding.logits(x)
    expected = torch.einsum("btd,vd->btv", x, embedding.weight)
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=0)
    ids = torch.tensor([[6, 0, 2]])
    assert embedding(ids).equal(embedding.weight[[6, 0, 2]][None])


def test_learned_positions_are_rows_of_one_table():
    position = LearnedPosition(context_length=6, d_model=3)
    assert position(torch.tensor([4, 5])).equal(position.weight[4:6])


def test_sinusoids_equal_their_formula():
    position = SinusoidalPosition(context_length=9, d_model=6)
    rows = position(torch.tensor([[0, 7, 3]]))
    assert rows.shape == (1, 3, 6)
    for column, t in enumerate((0, 7, 3)):
        for i in range(3):
            angle = t / 10_000 ** (2 * i / 6)
            sine, cosine = rows[0, column, 2 * i : 2 * i + 2].tolist()
            assert sine == pytest.approx(math.sin(angle), abs=1e-5)
            assert cosine == pytest.approx(math.cos(angle), abs=1e-5)


def test_products_of_sinusoids_depend_on_the_distance_only():
    position = SinusoidalPosition(context_length=40, d_model=8)
    p = position(torch.arange(40))
    torch.testing.assert_close(p[3] @ p[7], p[32] @ p[36], atol=1e-5, rtol=0)


def test_an_odd_width_has_no_sinusoids():
    with pytest.raises(ValueError, match="d_model = 5 must be even"):
        SinusoidalPosition(context_length=4, d_model=5)
