"""The n-gram GPT is causal, counts its parameters, and decodes as it reads."""

import pytest
import torch

from llm_notes.models.layers.cache import KeyValueCache, StaticKeyValueCache
from llm_notes.models.ngram_gpt import NgramGPT, NgramGPTConfig
from llm_notes.runtime import count_parameters

V, CONTEXT, B, T = 13, 16, 2, 9
CONFIG = NgramGPTConfig(
    V, CONTEXT, n_layers=2, n_heads=2, d_model=12, d_ff=20, orders=(2, 4), n_buckets=31
)


@pytest.fixture
def model() -> NgramGPT:
    torch.manual_seed(0)
    model = NgramGPT(CONFIG).eval()
    with torch.no_grad():  # far from its beginning, where most of it is zero
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(V, (B, T), generator=torch.Generator().manual_seed(1))


def close(a, b):
    torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


def test_a_fresh_model_gives_each_token_the_same_chance(ids):
    assert NgramGPT(CONFIG)(ids).eq(0).all()


@pytest.mark.parametrize("place", [0, 3, T - 1])
def test_future_tokens_do_not_change_past_logits(model, ids, place):
    changed = ids.clone()
    changed[:, place] = (changed[:, place] + 1) % V
    before, after = model(ids), model(changed)
    close(before[:, :place], after[:, :place])
    assert (before[:, place] - after[:, place]).abs().max() > 1e-3


@pytest.mark.parametrize("cache_class", [KeyValueCache, StaticKeyValueCache])
@pytest.mark.parametrize("first", [1, 3, 8])
def test_cached_logits_equal_those_of_the_whole_text(model, ids, first, cache_class):
    cache = KeyValueCache() if cache_class is KeyValueCache else cache_class(CONTEXT)
    with torch.no_grad():
        parts = [model(ids[:, :first], cache=cache)]
        parts += [model(ids[:, t : t + 1], cache=cache) for t in range(first, T)]
        close(torch.cat(parts, dim=1), model(ids))
    assert cache.length == T


def test_the_ngram_of_the_last_tokens_reaches_the_logits(model, ids):
    """Without attention only n-grams can tell which token came before."""
    with torch.no_grad():
        for block in model.blocks:
            block.attention.o_proj.weight.zero_()
    changed = ids.clone()
    changed[:, 2] = (changed[:, 2] + 1) % V
    moved = (model(ids) - model(changed)).abs().amax(dim=(0, 2)) > 1e-6
    assert moved.tolist() == [2 <= t < 2 + 4 for t in range(T)]


def test_padding_on_the_left_changes_nothing(model, ids):
    padded = torch.cat([torch.zeros(B, 3, dtype=torch.long), ids], dim=1)
    positions = torch.cat([torch.zeros(3), torch.arange(T)]).long()
    may_look = torch.arange(T + 3) >= 3
    mask = may_look.expand(B, 1, 1, T + 3)
    close(model(padded, mask=mask, positions=positions)[:, 3:], model(ids))


def test_weights_are_rows_of_the_causal_triangle(model, ids):
    logits, weights = model(ids, return_weights=True)
    close(logits, model(ids))
    for layer in weights:
        assert layer.shape == (B, 2, T, T)
        close(layer.sum(-1), torch.ones(B, 2, T))
        assert layer.triu(1).eq(0).all()


@pytest.mark.parametrize("orders", [(), (2,), (2, 3, 5)])
def test_parameter_count_by_formula(orders):
    config = NgramGPTConfig(V, CONTEXT, 3, 2, 8, 24, orders, 50)
    assert NgramGPT.parameter_count(config) == count_parameters(NgramGPT(config))


@pytest.mark.parametrize("orders", [(1, 2), (2, 2)])
def test_orders_that_make_no_sense_are_refused(orders):
    with pytest.raises(ValueError, match="different lengths of at least 2"):
        NgramGPTConfig(V, CONTEXT, 1, 1, 4, orders=orders)


def test_ids_out_of_range_are_refused(model):
    with pytest.raises(ValueError, match="between 0 and vocab_size - 1 = 12"):
        model(torch.tensor([[V]]))
