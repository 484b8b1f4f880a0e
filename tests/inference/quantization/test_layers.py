"""Layers of integers compute with exactly what their integers stand for."""

import pytest
import safetensors.torch
import torch
from torch import nn

from llm_notes.inference.quantization.layers import (
    QuantizedEmbedding,
    QuantizedLinear,
    int8_product,
)
from llm_notes.inference.quantization.rounding import FORMATS, IntegerFormat, quantize
from llm_notes.models.layers.embedding import TokenEmbedding

B, T, O, I, V = 2, 3, 5, 12, 7  # noqa: E741 - the letters of outputs and inputs
EVERY_KIND = [
    FORMATS["int8-per-tensor"],
    FORMATS["int8"],
    IntegerFormat(8, group_size=3, zero_point=True),
    IntegerFormat(4, group_size=4),
    IntegerFormat(4, group_size=6, zero_point=True),
    IntegerFormat(3, per_channel=False),
]


@pytest.fixture
def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(I, O)


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(B, T, I, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("integers", EVERY_KIND, ids=str)
def test_a_layer_is_the_linear_layer_of_its_rounded_weight(linear, x, integers):
    layer = QuantizedLinear.from_linear(linear, integers)
    rounded = quantize(linear.weight, integers).dequantize()
    assert layer.weight.equal(rounded)
    assert layer(x).equal(nn.functional.linear(x, rounded, linear.bias))
    assert (layer.in_features, layer.out_features) == (I, O)


@pytest.mark.parametrize("integers", EVERY_KIND, ids=str)
def test_a_table_is_the_table_of_its_rounded_rows(integers):
    torch.manual_seed(0)
    table = TokenEmbedding(V, I)
    layer = QuantizedEmbedding.from_embedding(table, integers)
    table.weight.data = quantize(table.weight.data, integers).dequantize()
    token_ids = torch.tensor([[6, 0, 3], [1, 1, 5]])
    assert layer(token_ids).equal(table(token_ids))
    x = torch.randn(B, T, I)
    assert layer.logits(x).equal(table.logits(x))


@pytest.mark.parametrize("integers", EVERY_KIND, ids=str)
def test_a_file_holds_the_small_form_and_gives_it_back(linear, x, integers, tmp_path):
    layer = QuantizedLinear.from_linear(linear, integers)
    file = tmp_path / "layer.safetensors"
    safetensors.torch.save_file(layer.state_dict(), file)
    fresh = QuantizedLinear(I, O, integers)
    fresh.load_state_dict(safetensors.torch.load_file(file))
    assert fresh(x).equal(layer(x))
    stored = safetensors.torch.load_file(file)
    assert layer.n_bytes == sum(t.numel() * t.element_size() for t in stored.values())


@pytest.mark.parametrize(
    ("integers", "n_bytes"),
    [
        (FORMATS["int8-per-tensor"], O * I + 4 + 4 * O),
        (FORMATS["int8"], O * I + 4 * O + 4 * O),
        (IntegerFormat(4, group_size=4), O * I // 2 + 4 * O * 3 + 4 * O),
        (
            IntegerFormat(4, group_size=4, zero_point=True),
            O * I // 2 + (4 + 1) * O * 3 + 4 * O,
        ),
    ],
)
def test_bytes_are_those_of_codes_scales_shifts_and_bias(linear, integers, n_bytes):
    assert QuantizedLinear.from_linear(linear, integers).n_bytes == n_bytes


def test_an_odd_number_of_columns_is_packed_as_well():
    linear = nn.Linear(5, 3, bias=False)
    layer = QuantizedLinear.from_linear(linear, IntegerFormat(4))
    assert layer.codes.shape == (3, 3)
    assert layer.weight.equal(quantize(linear.weight, IntegerFormat(4)).dequantize())
    assert layer.bias is None


@pytest.mark.parametrize("name", ["int8", "int8-per-tensor"])
def test_integer_products_equal_sums_of_long_integers(x, name):
    weight = torch.randn(O, I, generator=torch.Generator().manual_seed(2))
    matrix = quantize(weight, FORMATS[name])
    rows = x.flatten(end_dim=-2)
    inputs = quantize(rows, FORMATS["int8"])
    sums = inputs.codes.long() @ matrix.codes.long().T
    expected = sums.float() * inputs.scale * matrix.scale.T
    found = int8_product(rows, matrix.codes, matrix.scale)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)
    # And they are near the product of floats: both sides are rounded to 1/254.
    torch.testing.assert_close(found, rows @ weight.T, atol=0.2, rtol=0)


def test_integer_inputs_keep_shape_bias_and_dtype(linear, x):
    layer = QuantizedLinear.from_linear(linear, FORMATS["int8"], integer_inputs=True)
    rows = x.flatten(end_dim=-2)
    expected = int8_product(rows, layer.codes, layer.scale) + linear.bias
    assert layer(x).equal(expected.view(B, T, O))
    assert layer(x).dtype == x.dtype
    assert layer(x[0, 0]).equal(layer(x[:1, :1])[0, 0])  # one vector without a batch


@pytest.mark.parametrize(
    "integers", [IntegerFormat(4), IntegerFormat(8, group_size=4)], ids=str
)
def test_integer_inputs_need_plain_bytes(linear, integers):
    with pytest.raises(ValueError, match="integer_inputs needs 8 bits without groups"):
        QuantizedLinear.from_linear(linear, integers, integer_inputs=True)


def test_a_layer_keeps_the_mode_of_the_one_it_stands_for(linear):
    assert not QuantizedLinear.from_linear(linear.eval(), FORMATS["int8"]).training


def test_a_layer_shows_what_it_is(linear):
    layer = QuantizedLinear.from_linear(linear, FORMATS["int8"])
    assert "5, 12, IntegerFormat(bits=8" in repr(layer)
