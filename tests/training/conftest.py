"""A tiny text and a tiny model that learns it in a second."""

import pytest
import torch

from llm_notes.models.gpt import GPT, GPTConfig

VOCAB_SIZE, CONTEXT_LENGTH = 7, 12


@pytest.fixture
def text_ids() -> torch.Tensor:
    """A text with a rule: most tokens follow from the one before."""
    generator = torch.Generator().manual_seed(0)
    ids = [0]
    for jump in torch.rand(599, generator=generator):
        ids.append((3 * ids[-1] + (1 if jump < 0.9 else 2)) % VOCAB_SIZE)
    return torch.tensor(ids)


@pytest.fixture
def model() -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(VOCAB_SIZE, CONTEXT_LENGTH, n_layers=1, n_heads=2, d_model=8))


@pytest.fixture
def model_factory(model):
    """Makes models with the weights that `model` had at first."""
    config, state = model.config, {k: v.clone() for k, v in model.state_dict().items()}

    def build() -> GPT:
        twin = GPT(config)
        twin.load_state_dict(state)
        return twin

    return build
