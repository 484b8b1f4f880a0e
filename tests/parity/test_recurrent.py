"""The recurrent families give PyTorch's numbers and PyTorch's gradients."""

import pytest
import torch

from llm_notes.parity import recurrent

LINES = [
    recurrent.rnn,
    recurrent.lstm,
    recurrent.gru,
    recurrent.bidirectional,
    recurrent.seq2seq,
    recurrent.seq2seq_without_attention,
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.__name__)
def test_outputs_and_gradients_equal_those_of_pytorch(line):
    parity = line()
    assert parity.n_compared > 100
    assert parity.output_error <= 1e-5
    assert parity.gradient_error <= 1e-5


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.__name__)
def test_a_comparison_leaves_the_global_generator_alone(line):
    before = torch.get_rng_state()
    line()
    assert torch.get_rng_state().equal(before)
