"""Formulas of cost against what live modules, autograd and a cache report."""

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from llm_notes.analysis import counting
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.llama import Llama, LlamaConfig
from llm_notes.runtime import count_parameters
from llm_notes.training.optimizers import adamw
from llm_notes.training.trainer import TrainingConfig

CONFIGS = [
    GPTConfig(64, 32, n_layers=2, n_heads=4, d_model=48),
    GPTConfig(31, 20, n_layers=3, n_heads=2, d_model=10, d_ff=14),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_forward_flops_are_those_that_pytorch_counts(config):
    model, ids = GPT(config), torch.randint(config.vocab_size, (3, 17))
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as forward:
        loss = model(ids).sum()
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    wanted = counting.forward_flops(config, 3, 17)
    assert forward.get_total_flops() == wanted
    assert backward.get_total_flops() == 2 * wanted


def test_training_flops_are_three_forward_passes_of_a_short_text():
    config = GPTConfig(16, 8, n_layers=4, n_heads=4, d_model=256)
    exact = 3 * counting.forward_flops(config, 5, 8)
    rule = counting.training_flops(GPT.parameter_count(config), 5 * 8)
    assert rule == pytest.approx(exact, rel=0.02)
    assert counting.training_flops(175e9, 300e9) == pytest.approx(3.15e23)


@pytest.mark.parametrize("config", CONFIGS)
def test_activation_numbers_are_those_that_autograd_keeps(config):
    model, ids = GPT(config), torch.randint(config.vocab_size, (3, 17))
    kept = {}

    def keep(tensor):
        if tensor.is_floating_point():
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        nn.functional.cross_entropy(model(ids).flatten(0, 1), ids.flatten())
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    n_kept = sum(t.numel() for place, t in kept.items() if place not in own)
    wanted = counting.activation_numbers(config, 3, 17)
    assert n_kept == pytest.approx(wanted, rel=0.01)


def test_training_bytes_are_those_of_gradients_and_adam():
    model = GPT(CONFIGS[1])
    optimizer = adamw(model, TrainingConfig(1, 1e-3, n_warmup=0))
    model(torch.zeros(1, 4, dtype=torch.long)).sum().backward()
    optimizer.step()
    wanted = counting.training_bytes(count_parameters(model))
    assert sum(p.nbytes for p in model.parameters()) == wanted["weights"]
    assert sum(p.grad.nbytes for p in model.parameters()) == wanted["gradients"]
    states = optimizer.state.values()
    averages = sum(s[k].nbytes for s in states for k in ("exp_avg", "exp_avg_sq"))
    assert averages == wanted["Adam's two averages"]
    assert sum(counting.training_bytes(10).values()) == 160


def test_cache_bytes_are_those_of_a_live_cache():
    config = LlamaConfig(97, 64, 3, 6, 2, 48, 96, d_head=10)
    cache = KeyValueCache()
    with torch.no_grad():
        Llama(config)(torch.randint(97, (5, 20)), cache=cache)
    assert cache.n_bytes == counting.cache_bytes(3, 2, 10, 20, 5, 4)


def test_decoding_intensity_grows_with_the_batch_until_caches_weigh():
    assert counting.decoding_intensity(100, 1) == 1.0
    assert counting.decoding_intensity(100, 16, bytes_per_number=4) == 8.0
    with_cache = counting.decoding_intensity(100, 16, cache=16 * 200)
    assert with_cache == pytest.approx(2 * 100 * 16 / (200 + 3200))
