"""Rotations: their definition, their layouts, and how they are stretched."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from llm_notes.models.layers.rotary import (
    LinearScaling,
    Llama3Scaling,
    RotaryPosition,
    YarnScaling,
    half_split_from_interleaved,
    interleaved_from_half_split,
)

B, H, T, K, CONTEXT = 2, 3, 5, 8, 40


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def randn(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator)


def assert_close(ours: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)


def complex_rotation(x: torch.Tensor, positions: torch.Tensor, base: float):
    """Pairs of neighbours as complex numbers, times e^(i t theta), in float64."""
    n_pairs = x.size(-1) // 2
    theta = torch.tensor([base ** (-i / n_pairs) for i in range(n_pairs)])
    angles = positions[..., None].double() * theta.double()
    turn = torch.polar(torch.ones_like(angles), angles)
    pairs = torch.view_as_complex(x.double().unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * turn).flatten(-2).float()


@pytest.mark.parametrize("base", [3.0, 10_000.0])
def test_interleaved_rotation_multiplies_complex_numbers(generator, base):
    x = randn(generator, B, H, T, K)
    positions = torch.tensor([0, 39, 7, 8, 2])
    rotary = RotaryPosition(K, CONTEXT, base, interleaved=True)
    assert_close(rotary(x, positions), complex_rotation(x, positions, base))


@pytest.mark.parametrize("base", [3.0, 10_000.0])
def test_half_split_rotation_pairs_numbers_half_a_head_apart(generator, base):
    x = randn(generator, B, H, T, K)
    positions = torch.tensor([0, 39, 7, 8, 2])
    first, second = x.chunk(2, dim=-1)
    neighbours = torch.stack([first, second], dim=-1).flatten(-2)
    expected = complex_rotation(neighbours, positions, base)
    expected = torch.cat([expected[..., 0::2], expected[..., 1::2]], dim=-1)
    assert_close(RotaryPosition(K, CONTEXT, base)(x, positions), expected)


@settings(deadline=None, max_examples=50)
@given(
    t=st.integers(0, 30),
    s=st.integers(0, 30),
    shift=st.integers(0, 9),
    interleaved=st.booleans(),
)
def test_scores_depend_on_the_distance_only(t, s, shift, interleaved):
    generator = torch.Generator().manual_seed(t)
    q, k = randn(generator, 1, K), randn(generator, 1, K)
    rotary = RotaryPosition(K, CONTEXT, 50.0, interleaved=interleaved)

    def score(t: int, s: int) -> torch.Tensor:
        return (rotary(q, torch.tensor([t])) * rotary(k, torch.tensor([s]))).sum()

    assert_close(score(t + shift, s + shift), score(t, s))


def test_both_layouts_give_the_same_scores_after_the_permutation(generator):
    n_heads, d_model = 3, 10
    x = randn(generator, B, T, d_model)
    weights = [0.3 * randn(generator, n_heads * K, d_model) for _ in "qk"]
    scores = []
    for interleaved in (True, False):
        rotary = RotaryPosition(K, CONTEXT, 50.0, interleaved=interleaved)
        q, k = (
            (x @ (w if interleaved else half_split_from_interleaved(w, n_heads)).T)
            .unflatten(-1, (n_heads, K))
            .transpose(1, 2)
            for w in weights
        )
        scores.append(rotary(q) @ rotary(k).transpose(-2, -1))
    assert_close(scores[1], scores[0])
    unpermuted = RotaryPosition(K, CONTEXT, 50.0)
    q, k = ((x @ w.T).unflatten(-1, (n_heads, K)).transpose(1, 2) for w in weights)
    wrong = unpermuted(q) @ unpermuted(k).transpose(-2, -1)
    assert not torch.allclose(wrong, scores[0], atol=1e-2)


def test_permutations_of_the_layouts_are_inverse(generator):
    for rows in (randn(generator, 3 * K, 5), randn(generator, 3 * K)):
        there = half_split_from_interleaved(rows, 3)
        assert there.shape == rows.shape
        assert not there.equal(rows)
        assert interleaved_from_half_split(there, 3).equal(rows)
    # By hand: pairs (0, 1), (2, 3) of each of two heads of width 4.
    order = half_split_from_interleaved(torch.arange(8.0), 2)
    assert order.tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_sequences_of_a_batch_have_their_own_positions(generator):
    x = randn(generator, B, H, T, K)
    positions = torch.stack([torch.arange(T), torch.arange(T) + 9])
    rotary = RotaryPosition(K, CONTEXT)
    together = rotary(x, positions)
    for row in range(B):
        assert_close(together[row], rotary(x[row], positions[row]))
    assert rotary(x).equal(rotary(x, torch.arange(T)))


@pytest.mark.parametrize("interleaved", [True, False])
def test_a_rotation_keeps_lengths_and_leaves_position_zero(generator, interleaved):
    x = randn(generator, B, H, T, K)
    turned = RotaryPosition(K, CONTEXT, interleaved=interleaved)(x)
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    assert turned[:, :, 0].equal(x[:, :, 0])
    assert not torch.allclose(turned[:, :, 1], x[:, :, 1])


def test_tables_are_no_part_of_a_checkpoint():
    assert not RotaryPosition(K, CONTEXT).state_dict()


def their_speeds(kind: str, d_head: int, base: float, **rope: float):
    """transformers' inverse frequencies and the factor of cosines and sines."""
    config = LlamaConfig(
        hidden_size=2 * d_head,
        num_attention_heads=2,
        max_position_embeddings=1_000_000,
        rope_parameters={"rope_type": kind, "rope_theta": base, **rope},
    )
    return ROPE_INIT_FUNCTIONS[kind](config, torch.device("cpu"))


def our_speeds(scaling, d_head: int, base: float) -> torch.Tensor:
    return scaling(1 / base ** (torch.arange(0, d_head, 2) / d_head))


def assert_same_speeds(ours, theirs, d_head: int, base: float) -> None:
    speeds, magnitude = theirs
    torch.testing.assert_close(
        our_speeds(ours, d_head, base), speeds, rtol=1e-6, atol=0
    )
    assert ours.magnitude == pytest.approx(magnitude, rel=1e-7)


@pytest.mark.parametrize(("d_head", "base"), [(8, 10_000.0), (128, 500_000.0)])
def test_linear_scaling_equals_transformers(d_head, base):
    theirs = their_speeds("linear", d_head, base, factor=3.0)
    assert_same_speeds(LinearScaling(3.0), theirs, d_head, base)


@pytest.mark.parametrize(
    ("d_head", "base", "factor", "context", "low", "high"),
    [
        (128, 500_000.0, 8.0, 8192, 1.0, 4.0),  # Llama 3.1
        (64, 500_000.0, 32.0, 8192, 1.0, 4.0),  # Llama 3.2
        (10, 100.0, 4.0, 64, 1.0, 4.0),
        (16, 50.0, 2.0, 16, 0.5, 3.0),
        (8, 10_000.0, 8.0, 4, 1.0, 4.0),  # all slow: each is divided
        (8, 2.0, 8.0, 100_000, 1.0, 4.0),  # all fast: each is kept
    ],
)
def test_llama3_scaling_equals_transformers(d_head, base, factor, context, low, high):
    theirs = their_speeds(
        "llama3",
        d_head,
        base,
        factor=factor,
        original_max_position_embeddings=context,
        low_freq_factor=low,
        high_freq_factor=high,
    )
    ours = Llama3Scaling(factor, context, low, high)
    assert_same_speeds(ours, theirs, d_head, base)


@pytest.mark.parametrize(
    ("d_head", "base", "factor", "context", "fast", "slow"),
    [
        (128, 1_000_000.0, 4.0, 32_768, 32.0, 1.0),  # Qwen3
        (64, 10_000.0, 40.0, 4096, 32.0, 1.0),  # DeepSeek-V2
        (10, 100.0, 3.0, 64, 8.0, 1.0),
        (16, 50.0, 1.0, 16, 4.0, 0.5),  # a factor of one: nothing grows
        (16, 10_000.0, 4.0, 64, 32.0, 1.0),  # the first pair lies below zero
        (8, 100.0, 4.0, 1000, 32.0, 1.0),  # the last pair lies beyond the head
        (8, 10.0, 4.0, 4096, 200.0, 1.0),  # and beyond twice the head
        (8, 10.0, 4.0, 4096, 32.0, 1.0),  # the first one, too: each is kept
        (8, 10_000.0, 4.0, 6, 32.0, 1.0),  # both ends at zero: a step
    ],
)
def test_yarn_equals_transformers(d_head, base, factor, context, fast, slow):
    theirs = their_speeds(
        "yarn",
        d_head,
        base,
        factor=factor,
        original_max_position_embeddings=context,
        beta_fast=fast,
        beta_slow=slow,
    )
    ours = YarnScaling(factor, context, base, fast, slow)
    assert_same_speeds(ours, theirs, d_head, base)


def test_scalings_keep_fast_angles_and_divide_slow_ones():
    speeds = 1 / 500_000.0 ** (torch.arange(0, 128, 2) / 128)
    for scaling in (Llama3Scaling(8.0), YarnScaling(8.0, 8192, base=500_000.0)):
        ratio = speeds / scaling(speeds)
        torch.testing.assert_close(ratio[0], torch.tensor(1.0))
        torch.testing.assert_close(ratio[-1], torch.tensor(8.0))
        assert (ratio.diff() >= -1e-5).all()  # never back


def test_yarn_makes_scores_grow_with_the_logarithm_of_the_factor(generator):
    scaling = YarnScaling(16.0, context_length=8)
    q, k = randn(generator, 1, K), randn(generator, 1, K)
    rotary = RotaryPosition(K, CONTEXT, scaling=scaling)
    here = torch.tensor([0])  # no rotation at all
    score = (rotary(q, here) * rotary(k, here)).sum()
    # Peng et al. 2023, equation 22: sqrt(1/t) = 0.1 ln(s) + 1.
    assert_close(score, (0.1 * math.log(16) + 1) ** 2 * (q * k).sum())


def test_real_contexts_give_the_angles_of_transformers_bit_for_bit():
    # A rounding error of a speed is multiplied by the position.
    d_head, base, context = 128, 500_000.0, 8192
    speeds = 1.0 / base ** (torch.arange(0, d_head, 2, dtype=torch.float) / d_head)
    angles = torch.arange(context).float()[:, None] * speeds
    cos = RotaryPosition(d_head, context, base).cos
    assert cos.equal(torch.cat([angles, angles], dim=-1).cos())


def test_impossible_rotations_are_refused(generator):
    with pytest.raises(ValueError, match="d_head = 7 must be even"):
        RotaryPosition(7, CONTEXT)
    rotary = RotaryPosition(K, CONTEXT)
    with pytest.raises(ValueError, match="x has width 6, the rotation d_head = 8"):
        rotary(randn(generator, T, 6))
    with pytest.raises(ValueError, match=r"41 positions, .* context_length = 40"):
        rotary(randn(generator, CONTEXT + 1, K))
