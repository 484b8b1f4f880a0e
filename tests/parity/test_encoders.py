"""Attention, Transformer, T5, BERT and ViT equal their references."""

import pytest

from llm_notes.parity import bert, t5, transformer, vit


@pytest.mark.parametrize(
    "case",
    [
        transformer.multi_head_attention,
        transformer.transformer,
        bert.bert,
        t5.t5,
        t5.t5_v1_1,
        vit.vit,
    ],
)
def test_outputs_and_gradients_equal_the_reference(case):
    found = case()
    assert found.output_error <= 1e-5
    assert found.gradient_error <= 1e-5
