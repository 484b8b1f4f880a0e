"""What the head reads is handed over beside the logits, and no hook stays."""

import pytest
import torch
from torch import nn

from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.hidden import logits_and_hidden


@pytest.fixture
def model() -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(7, 12, n_layers=1, n_heads=2, d_model=8))


def test_head_of_the_hidden_vectors_gives_the_logits(model):
    ids = torch.tensor([[1, 4, 2], [0, 6, 3]])
    logits, hidden = logits_and_hidden(model, ids)
    assert hidden.shape == (2, 3, 8)
    assert logits.equal(model(ids))
    expected = model.token_embedding.logits(hidden)
    torch.testing.assert_close(logits, expected, atol=1e-6, rtol=0)


def test_no_hook_is_left_behind_even_after_an_error(model):
    with pytest.raises(ValueError, match="vocab_size"):
        logits_and_hidden(model, torch.tensor([[99]]))
    logits_and_hidden(model, torch.tensor([[1]]))
    assert not model.final_norm._forward_hooks


def test_arguments_reach_the_model(model):
    ids = torch.tensor([[1, 4, 2]])
    positions = torch.tensor([3, 4, 5])
    logits, _ = logits_and_hidden(model, ids, positions=positions)
    assert logits.equal(model(ids, positions=positions))


def test_a_model_without_a_final_norm_is_refused():
    with pytest.raises(ValueError, match="Linear has no final_norm"):
        logits_and_hidden(nn.Linear(2, 2), torch.ones(1, 2))
