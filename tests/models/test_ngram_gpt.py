"""The n-gram GPT is causal, counts its parameters, and decodes as it reads."""

from dataclasses import replace

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


def test_blocks_of_a_fresh_model_pass_their_input_on():
    x = torch.randn(B, T, 12, generator=torch.Generator().manual_seed(0))
    for block in NgramGPT(CONFIG).blocks:
        assert block(x)[0].equal(x)


@pytest.mark.parametrize("n_heads", [2, 3])
def test_scores_of_a_fresh_model_reach_eight_in_a_head_of_any_width(n_heads):
    model = NgramGPT(replace(CONFIG, n_heads=n_heads))
    attention = model.blocks[0].attention
    q = attention.q_norm(torch.randn(5, attention.d_head))
    assert (q * q).sum(-1).mul(attention.scale).tolist() == pytest.approx([8] * 5, 1e-3)


def test_the_feed_forward_layers_square_what_is_positive():
    activation = NgramGPT(CONFIG).blocks[0].feed_forward.activation
    assert activation(torch.tensor([-2.0, 0.0, 3.0])).tolist() == [0, 0, 9]


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


@pytest.mark.parametrize("cache_class", [KeyValueCache, StaticKeyValueCache])
def test_ids_of_32_bits_give_the_logits_of_those_of_64(model, ids, cache_class):
    cache = KeyValueCache() if cache_class is KeyValueCache else cache_class(CONTEXT)
    with torch.no_grad():
        close(model(ids.int()), model(ids))
        first = model(ids[:, :4].int(), cache=cache)
        close(torch.cat([first, model(ids[:, 4:], cache=cache)], dim=1), model(ids))


def everything_in(cache: KeyValueCache) -> dict:
    stored = {}
    for layer, (keys, values) in cache._layers.items():
        n = cache.length_of(layer)
        stored[layer] = keys[:, :, :n].tolist(), values[:, :, :n].tolist()
    return stored


@pytest.mark.parametrize("past", [0, 5])
@pytest.mark.parametrize("reason", ["gradients", "mask", "room"])
def test_a_call_that_is_refused_leaves_the_cache_as_it_was(model, ids, past, reason):
    cache = StaticKeyValueCache(T)
    with torch.no_grad():
        if past:
            model(ids[:, :past], cache=cache)
        before = everything_in(cache)
    with torch.set_grad_enabled(reason == "gradients"):
        new, mask, message = ids[:, past:], None, "cannot be differentiated"
        if reason == "mask":
            mask, message = torch.ones(2, 3, dtype=torch.bool), "mask must be boolean"
        if reason == "room":
            new, message = torch.cat([new, new[:, :1]], dim=1), "has room for"
        with pytest.raises(ValueError, match=message):
            model(new, mask=mask, cache=cache)
    assert everything_in(cache) == before
    with torch.no_grad():
        close(model(ids[:, past:], cache=cache), model(ids)[:, past:])


def test_a_growing_cache_that_a_mask_did_not_fit_takes_any_batch_next(model, ids):
    cache = KeyValueCache()
    with pytest.raises(ValueError, match="mask must be boolean"):
        model(ids, mask=torch.ones(2, 3, dtype=torch.bool), cache=cache)
    assert everything_in(cache) == {}
    close(model(ids[:1], cache=cache), model(ids[:1]))


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
