"""Fresh weights have the deviations that GPT-2's rule gives them."""

import pytest
import torch

from llm_notes.models.bert import BERT, BERTConfig, BERTForPretraining
from llm_notes.models.gpt import GPT, GPTConfig


@pytest.mark.parametrize(("std", "n_layers"), [(0.02, 2), (0.06, 3)])
def test_what_writes_into_the_stream_is_smaller_by_the_root_of_two_l(std, n_layers):
    torch.manual_seed(0)
    model = GPT(GPTConfig(300, 16, n_layers, n_heads=4, d_model=64, init_std=std))
    block = model.blocks[-1]
    residual_std = std / (2 * n_layers) ** 0.5
    for linear, expected in (
        (block.attention.q_proj, std),
        (block.attention.v_proj, std),
        (block.attention.o_proj, residual_std),
        (block.feed_forward.up_proj, std),
        (block.feed_forward.down_proj, residual_std),
    ):
        assert linear.weight.std().item() == pytest.approx(expected, rel=0.1)
        assert linear.bias.eq(0).all()
    table = model.token_embedding.weight
    assert table.std().item() == pytest.approx(std, rel=0.05)
    assert block.attention_norm.weight.eq(1).all()


def test_bert_has_one_deviation_for_all_its_maps():
    torch.manual_seed(0)
    config = BERTConfig(300, 16, n_layers=4, n_heads=4, d_model=64, init_std=0.05)
    for model in (BERT(config), BERTForPretraining(config).bert):
        block = model.blocks[-1]
        for linear in (block.attention.q_proj, block.attention.o_proj):
            assert linear.weight.std().item() == pytest.approx(0.05, rel=0.1)
            assert linear.bias.eq(0).all()
        table = model.token_embedding.weight
        assert table.std().item() == pytest.approx(0.05, rel=0.05)
