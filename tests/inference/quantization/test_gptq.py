"""GPTQ equals the recursion it was derived from, and errs less than rounding."""

import numpy as np
import pytest
import torch

from llm_notes.inference.quantization.gptq import gptq, gptq_or_nearest, output_error
from llm_notes.inference.quantization.rounding import (
    FORMATS,
    IntegerFormat,
    QuantizedMatrix,
    quantize,
)

N, O, I = 40, 3, 8  # noqa: E741 - the letters of outputs and inputs
EVERY_KIND = [
    IntegerFormat(3),
    IntegerFormat(4, per_channel=False),
    IntegerFormat(3, zero_point=True),
    IntegerFormat(4, group_size=4),
    IntegerFormat(4, group_size=2, zero_point=True),
]


@pytest.fixture
def weight() -> torch.Tensor:
    return torch.randn(O, I, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def x() -> torch.Tensor:
    """Inputs that are far from independent, as those of a layer are."""
    draw = torch.Generator().manual_seed(1)
    return torch.randn(N, 4, generator=draw) @ torch.randn(4, I, generator=draw)


def optimal_brain_quantizer(
    weight: np.ndarray, gram: np.ndarray, integers: IntegerFormat
) -> np.ndarray:
    """The slow twin: after each column, solve for the rest and shrink the inverse.

    Frantar & Alistarh 2022 (equations 3 and 4), with the columns in their order.
    """
    n_rows, n_columns = weight.shape
    width = integers.group_size or n_columns
    damped = gram + 0.01 * np.diag(gram).mean() * np.eye(n_columns)
    inverse = np.linalg.inv(damped)
    w, result = weight.astype(float).copy(), np.zeros_like(weight, dtype=float)
    for j in range(n_columns):
        if j % width == 0:  # scales from the weights as they are by now
            cells = w[:, j : j + width].astype(np.float32)
            if integers.zero_point:
                low = np.minimum(cells.min(axis=1), 0)
                scale = (np.maximum(cells.max(axis=1), 0) - low) / integers.highest
                zero = np.round(-low / scale)
            else:
                largest = np.abs(cells).max(axis=1)
                if not integers.per_channel:
                    largest[:] = largest.max()
                scale, zero = largest / integers.highest, np.zeros(n_rows)
        code = np.round(w[:, j] / scale) + zero
        code = np.clip(code, integers.lowest, integers.highest)
        result[:, j] = (code - zero) * scale
        error = (w[:, j] - result[:, j]) / inverse[j, j]
        w -= np.outer(error, inverse[j])  # the best answer of all others
        inverse -= np.outer(inverse[:, j], inverse[j]) / inverse[j, j]
    return result


@pytest.mark.parametrize("integers", EVERY_KIND, ids=str)
def test_equals_the_slow_recursion(weight, x, integers):
    gram = x.T @ x
    found = gptq(weight, gram, integers).dequantize()
    expected = optimal_brain_quantizer(weight.numpy(), gram.double().numpy(), integers)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("integers", EVERY_KIND, ids=str)
def test_no_row_errs_more_than_plain_rounding_does(integers):
    for seed in range(10):
        draw = torch.Generator().manual_seed(seed)
        weight = torch.randn(O, I, generator=draw)
        x = torch.randn(N, I, generator=draw)  # independent: GPTQ wins little or loses
        gram = x.T @ x
        best = gptq_or_nearest(weight, gram, integers)
        error = output_error(weight, best.dequantize(), gram)
        for other in (quantize(weight, integers), gptq(weight, gram, integers)):
            limit = output_error(weight, other.dequantize(), gram)
            assert (error <= limit * (1 + 1e-9)).all()


def test_one_output_has_its_own_scales_too():
    integers = IntegerFormat(4, group_size=8)
    for seed in range(10):
        draw = torch.Generator().manual_seed(seed)
        weight = torch.randn(1, 32, generator=draw)
        x = torch.randn(100, 32, generator=draw) @ torch.randn(32, 32, generator=draw)
        gram = x.T @ x
        error = output_error(
            weight, gptq_or_nearest(weight, gram, integers).dequantize(), gram
        )
        for other in (quantize(weight, integers), gptq(weight, gram, integers)):
            limit = output_error(weight, other.dequantize(), gram)
            assert (error <= limit * (1 + 1e-6)).all()


def test_it_wins_clearly_on_inputs_that_depend_on_each_other(weight, x):
    integers, gram = IntegerFormat(4), x.T @ x
    solved = gptq(weight, gram, integers).dequantize()
    nearest = quantize(weight, integers).dequantize()
    error = output_error(weight, solved, gram).sum()
    assert error < 0.5 * output_error(weight, nearest, gram).sum()


def test_output_error_is_that_of_the_outputs(weight, x):
    other = weight.round()
    expected = (x @ weight.T - x @ other.T).square().sum(dim=0)
    found = output_error(weight, other, x.T @ x)
    torch.testing.assert_close(found.float(), expected, atol=1e-4, rtol=1e-5)


def test_without_inputs_it_is_plain_rounding(weight):
    found = gptq(weight, torch.zeros(I, I), FORMATS["int8"])
    nearest = quantize(weight, FORMATS["int8"])
    assert found.codes.equal(nearest.codes)
    assert found.scale.equal(nearest.scale)


def test_an_input_that_was_always_zero_is_rounded_alone(weight, x):
    x = x.clone()
    x[:, 2] = 0
    integers = IntegerFormat(4)
    found = gptq(weight, x.T @ x, integers)
    assert found.codes[:, 2].equal(quantize(weight, integers).codes[:, 2])


def test_a_factor_of_the_inputs_does_not_matter(weight, x):
    one = gptq(weight, x.T @ x, FORMATS["int8"])
    assert gptq(weight, 2 * x.T @ x, FORMATS["int8"]).codes.equal(one.codes)


def test_bad_arguments_are_refused(weight):
    with pytest.raises(ValueError, match=r"needs a matrix \(I, I\) of its inputs"):
        gptq(weight, torch.eye(I + 1), FORMATS["int8"])
    with pytest.raises(ValueError, match="damping must be above 0, got 0"):
        gptq(weight, torch.eye(I), FORMATS["int8"], damping=0)


def test_the_better_of_two_keeps_scales_and_integers_together(weight, x):
    integers = IntegerFormat(2, group_size=2, zero_point=True)
    gram = x.T @ x
    best = gptq_or_nearest(weight, gram, integers)
    solved, nearest = gptq(weight, gram, integers), quantize(weight, integers)
    for row in range(O):

        def one_row(matrix: QuantizedMatrix, row: int = row) -> torch.Tensor:
            return matrix.dequantize()[row]

        assert any(one_row(best).equal(one_row(m)) for m in (solved, nearest))
