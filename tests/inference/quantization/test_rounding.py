"""Rounding equals PyTorch's, moves no weight by more than half a step, keeps zeros."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from llm_notes.inference.quantization.packing import pack_nibbles, unpack_nibbles
from llm_notes.inference.quantization.rounding import (
    FORMATS,
    IntegerFormat,
    quantize,
    to_grid,
)

O, I = 5, 12  # noqa: E741 - the letters of outputs and inputs

MATRICES = arrays(
    np.float32, (3, 8), elements=st.floats(-100, 100, width=32, allow_subnormal=False)
).map(torch.from_numpy)
SMALL_FORMATS = st.builds(
    IntegerFormat,
    bits=st.integers(2, 8),
    group_size=st.sampled_from([None, 1, 4, 8]),
    zero_point=st.booleans(),
) | st.builds(
    IntegerFormat,
    bits=st.integers(2, 8),
    per_channel=st.just(False),
    zero_point=st.booleans(),
)


@pytest.fixture
def weight() -> torch.Tensor:
    return torch.randn(O, I, generator=torch.Generator().manual_seed(0))


def steps(scale: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """The scale of each weight."""
    n_rows, n_columns = shape
    widened = scale.repeat_interleave(n_columns // scale.size(1), dim=1)
    return widened.expand(n_rows, n_columns)


def test_int8_per_channel_equals_torch_integer_by_integer(weight):
    found = quantize(weight, FORMATS["int8"])
    scale = weight.abs().amax(dim=1) / 127
    zeros = torch.zeros(O, dtype=torch.int32)
    torch.testing.assert_close(found.scale, scale[:, None], atol=0, rtol=0)
    expected = torch.fake_quantize_per_channel_affine(
        weight, scale, zeros, 0, -127, 127
    )
    assert found.codes.equal((expected / scale[:, None]).round().to(torch.int8))
    torch.testing.assert_close(found.dequantize(), expected, atol=1e-6, rtol=0)


def test_int8_per_tensor_equals_torch_integer_by_integer(weight):
    found = quantize(weight, FORMATS["int8-per-tensor"])
    scale = (weight.abs().max() / 127).item()
    expected = torch.fake_quantize_per_tensor_affine(weight, scale, 0, -127, 127)
    assert found.codes.equal((expected / scale).round().to(torch.int8))


@pytest.mark.parametrize("bits", [4, 8])
def test_zero_points_equal_torch(weight, bits):
    weight = weight + 0.7  # not centred
    found = quantize(weight, IntegerFormat(bits, zero_point=True))
    expected = torch.fake_quantize_per_channel_affine(
        weight, found.scale[:, 0], found.zero[:, 0].int(), 0, 0, 2**bits - 1
    )
    torch.testing.assert_close(found.dequantize(), expected, atol=1e-6, rtol=0)
    low = weight.amin(dim=1).clamp(max=0)
    high = weight.amax(dim=1).clamp(min=0)
    torch.testing.assert_close(found.scale[:, 0], (high - low) / (2**bits - 1))


def test_a_group_is_a_matrix_of_its_own(weight):
    for zero_point in (False, True):
        grouped = quantize(
            weight, IntegerFormat(4, group_size=4, zero_point=zero_point)
        )
        for start in (0, 4, 8):
            part = weight[:, start : start + 4]
            alone = quantize(part, IntegerFormat(4, zero_point=zero_point))
            assert grouped.codes[:, start : start + 4].equal(alone.codes)
            assert grouped.dequantize()[:, start : start + 4].equal(alone.dequantize())


@settings(deadline=None, max_examples=60)
@given(MATRICES, SMALL_FORMATS)
def test_no_weight_moves_by_more_than_half_a_step(weight, integers):
    found = quantize(weight, integers)
    error = (found.dequantize() - weight).abs()
    # What the float arithmetic itself rounds is in proportion to the weight.
    slack = 1e-5 * weight.abs().max() + 1e-30
    assert (error <= steps(found.scale, weight.shape) / 2 + slack).all()


@settings(deadline=None, max_examples=40)
@given(MATRICES, SMALL_FORMATS)
def test_zeros_stay_zero_and_integers_stay_in_range(weight, integers):
    weight = weight.clone()
    weight[:, ::3] = 0
    found = quantize(weight, integers)
    assert (found.dequantize()[weight == 0] == 0).all()
    codes = found.codes.int()
    assert integers.lowest <= codes.min()
    assert codes.max() <= integers.highest


@settings(deadline=None, max_examples=40)
@given(MATRICES, SMALL_FORMATS, st.sampled_from([2.0**-3, 2.0, 2.0**7]))
def test_a_factor_goes_into_the_scale(weight, integers, factor):
    weight = weight.round(decimals=2)  # no numbers near the smallest float
    one, other = quantize(weight, integers), quantize(factor * weight, integers)
    assert other.codes.equal(one.codes)
    assert other.dequantize().equal(factor * one.dequantize())


def test_the_largest_weight_gets_the_largest_integer(weight):
    codes = quantize(weight, IntegerFormat(4)).codes
    assert codes.abs().amax(dim=1).tolist() == [7] * O
    assert quantize(-weight, IntegerFormat(4)).codes.equal(-codes)


def test_what_lies_outside_a_grid_gets_its_end():
    far, scale = torch.tensor([[-100.0, 100.0]]), torch.ones(1, 1)
    assert to_grid(far, scale, None, IntegerFormat(4)).tolist() == [[-7, 7]]
    shift, integers = torch.full((1, 1), 3), IntegerFormat(4, zero_point=True)
    assert to_grid(far, scale, shift, integers).tolist() == [[0, 15]]


def test_small_weights_of_half_precision_have_a_scale_of_their_own():
    weight = torch.tensor([[1e-3, 5e-4], [3.0, -1.5]]).half()
    codes = quantize(weight, FORMATS["int8"]).codes.tolist()
    assert codes[0][0] in (126, 127)
    assert codes[0][1] in (63, 64)
    assert codes[1] == [127, -64]


@pytest.mark.parametrize("zero_point", [False, True])
def test_a_row_of_zeros_has_a_scale_that_can_be_divided_by(weight, zero_point):
    weight[1] = 0
    found = quantize(weight, IntegerFormat(4, zero_point=zero_point))
    assert (found.scale > 0).all()
    assert (found.dequantize()[1] == 0).all()


def test_a_matrix_that_was_rounded_is_not_changed_again(weight):
    for integers in (FORMATS["int8"], IntegerFormat(4, group_size=4)):
        once = quantize(weight, integers)
        again = quantize(once.dequantize(), integers)
        assert again.codes.equal(once.codes)


@given(arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 9))))
def test_packing_is_undone_by_unpacking(values):
    values = torch.from_numpy(values) % 16
    packed = pack_nibbles(values)
    assert packed.shape == (values.size(0), (values.size(1) + 1) // 2)
    assert unpack_nibbles(packed, values.size(1)).equal(values)


def test_the_even_column_is_the_lower_half_of_a_byte():
    assert pack_nibbles(torch.tensor([[1, 2, 15]])).tolist() == [[0x21, 0x0F]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w: IntegerFormat(1), "bits must lie between 2 and 8, got 1"),
        (lambda w: IntegerFormat(9), "bits must lie between 2 and 8, got 9"),
        (
            lambda w: IntegerFormat(4, per_channel=False, group_size=4),
            "a group is at least 1 column of one channel",
        ),
        (
            lambda w: quantize(w, IntegerFormat(4, group_size=5)),
            "12 inputs, which group_size = 5 does not divide",
        ),
        (lambda w: quantize(w[0], FORMATS["int8"]), r"a matrix \(O, I\), got shape"),
        (lambda w: quantize(w / 0, FORMATS["int8"]), "inf or nan"),
        (lambda w: pack_nibbles(torch.tensor([[16]])), "0 to 15, got 16 to 16"),
        (lambda w: pack_nibbles(torch.tensor([[-1]])), "0 to 15, got -1 to -1"),
    ],
)
def test_what_cannot_be_rounded_is_refused(weight, call, message):
    with pytest.raises(ValueError, match=message):
        call(weight)
