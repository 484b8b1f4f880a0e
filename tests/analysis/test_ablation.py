"""A part that is taken away leaves the rest of the block as the formula says."""

import pytest
import torch

from llm_notes.analysis.ablation import PARTS, without
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.block import PostNormBlock, PreNormBlock
from llm_notes.models.layers.feedforward import FeedForward
from llm_notes.models.layers.norm import LayerNorm
from llm_notes.models.transformer import Transformer, TransformerConfig


def block_of(kind, seed=0):
    torch.manual_seed(seed)
    return kind(
        MultiHeadAttention(8, 2), FeedForward(8, 12), LayerNorm(8), LayerNorm(8)
    )


@pytest.fixture
def x():
    return torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(1))


def encoder_decoder():
    torch.manual_seed(0)
    return Transformer(TransformerConfig(11, 7, 2, 2, 8, target_vocab_size=9))


def ids(high):
    return torch.randint(high, (2, 5), generator=torch.Generator().manual_seed(2))


def test_without_residual_a_post_norm_block_norms_its_parts(x):
    block = block_of(PostNormBlock)
    y = block.attention_norm(block.attention(x)[0])
    expected = block.feed_forward_norm(block.feed_forward(y))
    torch.testing.assert_close(without(block, "residual")(x)[0], expected)


def test_without_residual_a_pre_norm_block_still_reads_the_norm(x):
    block = block_of(PreNormBlock)
    y = block.attention(block.attention_norm(x))[0]
    expected = block.feed_forward(block.feed_forward_norm(y))
    torch.testing.assert_close(without(block, "residual")(x)[0], expected)


@pytest.mark.parametrize("kind", [PreNormBlock, PostNormBlock])
def test_without_norm_the_parts_are_added_as_they_are(kind, x):
    block = block_of(kind)
    y = x + block.attention(x)[0]
    expected = y + block.feed_forward(y)
    torch.testing.assert_close(without(block, "norm")(x)[0], expected)


@pytest.mark.parametrize("kind", [PreNormBlock, PostNormBlock])
def test_without_feed_forward_and_self_attention_nothing_is_added(kind, x):
    block = without(block_of(kind), "norm", "feed-forward", "self-attention")
    assert torch.equal(block(x)[0], x)


@pytest.mark.parametrize("kind", [PreNormBlock, PostNormBlock])
@pytest.mark.parametrize("order", [1, -1])
def test_attention_alone_does_not_depend_on_the_order_of_names(kind, order, x):
    block = block_of(kind)
    expected = block.attention(x)[0]
    names = ["feed-forward", "norm", "residual"][::order]
    torch.testing.assert_close(without(block, *names)(x)[0], expected)


def test_without_positions_an_encoder_reads_a_bag_of_tokens():
    model, source = without(encoder_decoder(), "positions"), ids(11)
    torch.testing.assert_close(
        model.encode(source.flip(1)), model.encode(source).flip(1)
    )


def test_without_positions_a_table_of_positions_stays_zero():
    model = without(GPT(GPTConfig(11, 8, 1, 2, 8)), "positions")
    assert not model.position_embedding.weight.any()
    assert not model.position_embedding.weight.requires_grad


@pytest.mark.parametrize("part", PARTS)
def test_each_part_changes_the_logits_and_leaves_a_model_that_learns(part):
    source, target = ids(11), ids(9)
    before = encoder_decoder()(source, target)
    after = without(encoder_decoder(), part)(source, target)
    assert after.shape == before.shape
    assert not torch.allclose(before, after, atol=1e-3)
    after.square().sum().backward()


def test_the_weights_of_attention_are_still_shown():
    model = without(encoder_decoder(), "residual", "norm", "feed-forward")
    _, weights = model(ids(11), ids(9), return_weights=True)
    assert [w.shape for w in weights[0]] == [(2, 2, 5, 5), (2, 2, 5, 5)]


def test_an_unknown_part_and_a_model_without_it_are_told():
    with pytest.raises(ValueError, match="no part 'bias'"):
        without(encoder_decoder(), "bias")
    with pytest.raises(ValueError, match="nothing to take residual from"):
        without(torch.nn.Linear(2, 2), "residual")
    with pytest.raises(ValueError, match="nothing to take positions from"):
        without(GPT(GPTConfig(11, 8, 1, 2, 8, rotary=True)), "positions")
