"""A small model whose predictions are far from uniform, so that a wrong token shows."""

import pytest
import torch

from llm_notes.models.gpt import GPT, GPTConfig

V, CONTEXT = 17, 24


@pytest.fixture
def sharp_gpt():
    """Makes a GPT with the given options: `sharp_gpt(rotary=True)`."""

    def make(**options) -> GPT:
        torch.manual_seed(0)
        model = GPT(GPTConfig(V, CONTEXT, 2, 2, 12, **options)).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(8)
                parameter.add_(0.1 * torch.randn_like(parameter))
        return model

    return make
