"""Blocks equal their formulas, and PyTorch's layers with the same weights."""

import pytest
import torch
from torch import nn

from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.block import PostNormBlock, PreNormBlock
from llm_notes.models.layers.cross_block import PostNormCrossBlock, PreNormCrossBlock
from llm_notes.models.layers.feedforward import FeedForward
from llm_notes.models.layers.mask import padding_mask
from llm_notes.models.layers.norm import LayerNorm
from llm_notes.parity.case import gradients, randomise

B, T, S, D, H, F = 2, 5, 7, 12, 3, 20


def parts(is_causal: bool = False) -> dict[str, nn.Module]:
    return {
        "attention": MultiHeadAttention(D, H, is_causal=is_causal),
        "feed_forward": FeedForward(D, F, activation=nn.functional.relu),
        "attention_norm": LayerNorm(D),
        "feed_forward_norm": LayerNorm(D),
    }


def cross_parts() -> dict[str, nn.Module]:
    return parts(is_causal=True) | {
        "cross_attention": MultiHeadAttention(D, H),
        "cross_attention_norm": LayerNorm(D),
    }


NAMES = {
    "attention.o_proj": "self_attn.out_proj",
    "cross_attention.o_proj": "multihead_attn.out_proj",
    "feed_forward.up_proj": "linear1",
    "feed_forward.down_proj": "linear2",
    "attention_norm": "norm1",
    "cross_attention_norm": "norm2",
}


def to_pytorch(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Our names to those of nn.TransformerEncoderLayer or ...DecoderLayer."""
    is_decoder = any(name.startswith("cross_") for name in tensors)
    names = NAMES | {"feed_forward_norm": "norm3" if is_decoder else "norm2"}
    theirs: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        part, _, kind = name.rpartition(".")
        if part in names:
            theirs[f"{names[part]}.{kind}"] = tensor
        elif part.endswith("q_proj"):
            whole = "multihead_attn" if part.startswith("cross") else "self_attn"
            qkv = [tensors[name.replace("q_proj", f"{c}_proj")] for c in "qkv"]
            theirs[f"{whole}.in_proj_{kind}"] = torch.cat(qkv)
    return theirs


@pytest.fixture
def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(B, T, D, generator=generator)
    return x, torch.randn(B, S, D, generator=generator)


@pytest.mark.parametrize("norm_first", [False, True])
def test_encoder_blocks_equal_pytorch(norm_first, inputs):
    x, _ = inputs
    ours = (PreNormBlock if norm_first else PostNormBlock)(**parts())
    randomise(ours, seed=1)
    theirs = nn.TransformerEncoderLayer(
        D, H, F, dropout=0.0, batch_first=True, norm_first=norm_first
    )
    theirs.load_state_dict(to_pytorch(ours.state_dict()))
    mask = padding_mask(torch.tensor([T, 3]), T)
    output, _ = ours(x, mask=mask)
    expected = theirs(x, src_key_padding_mask=~mask[:, 0, 0])
    torch.testing.assert_close(output, expected, atol=1e-5, rtol=0)
    output.square().sum().backward()
    expected.square().sum().backward()
    mapped = to_pytorch(gradients(ours))
    for name, gradient in gradients(theirs).items():
        torch.testing.assert_close(mapped[name], gradient, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("norm_first", [False, True])
def test_decoder_blocks_equal_pytorch(norm_first, inputs):
    x, memory = inputs
    ours = (PreNormCrossBlock if norm_first else PostNormCrossBlock)(**cross_parts())
    randomise(ours, seed=1)
    theirs = nn.TransformerDecoderLayer(
        D, H, F, dropout=0.0, batch_first=True, norm_first=norm_first
    )
    theirs.load_state_dict(to_pytorch(ours.state_dict()))
    memory_mask = padding_mask(torch.tensor([S, 4]), S)
    output, weights = ours(x, memory, memory_mask=memory_mask, return_weights=True)
    expected = theirs(
        x,
        memory,
        tgt_mask=nn.Transformer.generate_square_subsequent_mask(T),
        memory_key_padding_mask=torch.zeros(B, S).masked_fill(
            ~memory_mask[:, 0, 0], -torch.inf
        ),
    )
    torch.testing.assert_close(output, expected, atol=1e-5, rtol=0)
    assert weights[0].shape == (B, H, T, T)
    assert weights[1].shape == (B, H, T, S)
    assert weights[0].triu(diagonal=1).eq(0).all()
    assert weights[1][1, :, :, 4:].eq(0).all()
    output.square().sum().backward()
    expected.square().sum().backward()
    mapped = to_pytorch(gradients(ours))
    for name, gradient in gradients(theirs).items():
        torch.testing.assert_close(mapped[name], gradient, atol=2e-5, rtol=1e-5)
