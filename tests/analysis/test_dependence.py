"""What moves when a token changes, and what the mask says may move."""

import pytest
import torch

from llm_notes.analysis.dependence import influence, reachable
from llm_notes.models.bert import BERT, BERTConfig
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.layers.mask import causal_mask
from llm_notes.models.rnn import RNNConfig, RNNLanguageModel

IDS = torch.tensor([3, 1, 4, 1, 5, 9, 2])
OTHERS = IDS + 10
T = len(IDS)


def gpt(n_layers):
    torch.manual_seed(0)
    return GPT(GPTConfig(20, 8, n_layers, 2, 16, init_std=0.3)).double().eval()


def test_a_gpt_depends_on_the_past_and_itself():
    moved = influence(gpt(1), IDS, OTHERS) > 1e-9
    assert torch.equal(moved, causal_mask(T))


def test_an_rnn_depends_on_the_past_without_any_mask():
    torch.manual_seed(0)
    moved = influence(RNNLanguageModel(RNNConfig(20, 8)).eval(), IDS, OTHERS) > 1e-7
    assert torch.equal(moved, causal_mask(T))


def test_each_output_of_an_encoder_depends_on_all():
    torch.manual_seed(0)
    assert (influence(BERT(BERTConfig(20, 8, 1, 2, 16)).eval(), IDS, OTHERS) > 0).all()


@pytest.mark.parametrize("n_layers", [1, 2, 3])
def test_what_moves_is_what_the_mask_lets_through(n_layers):
    model, window = gpt(n_layers), causal_mask(T, window=2)
    moved = influence(lambda ids: model(ids, window), IDS, OTHERS) > 1e-12
    assert torch.equal(moved, reachable(window, n_layers))
    assert torch.equal(moved, causal_mask(T, window=n_layers + 1))


def test_the_change_is_the_largest_one_of_a_row():
    def outputs(ids):  # (B, 3) to (B, 1, 2)
        return torch.stack([ids[:, 0] - ids[:, 1], 3 * ids[:, 0]], -1)[:, None].float()

    measured = influence(outputs, torch.tensor([1, 2, 3]), torch.tensor([3, 7, 0]))
    assert measured.tolist() == [[6.0, 5.0, 0.0]]


def test_the_residual_connection_keeps_a_place_that_no_query_sees():
    mask = torch.tensor([[False, True], [False, False]])
    assert reachable(mask, 1).tolist() == [[True, True], [False, True]]
    assert reachable(mask, 0).tolist() == [[True, False], [False, True]]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="agree at"):
        influence(gpt(1), IDS, IDS)
    with pytest.raises(ValueError, match="shape"):
        influence(gpt(1), IDS, OTHERS[:3])
    with pytest.raises(ValueError, match="booleans"):
        reachable(torch.ones(2, 3, dtype=torch.bool), 1)
    with pytest.raises(ValueError, match="booleans"):
        reachable(torch.ones(2, 2), 1)
    with pytest.raises(ValueError, match="negative"):
        reachable(causal_mask(3), -1)
