"""T5: causal, blind to padding, the same with a cache, and of the published sizes."""

import pytest
import torch

from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.layers.mask import padding_mask
from llm_notes.models.t5 import PRESETS, T5, T5Config
from llm_notes.parity.case import randomise
from llm_notes.runtime import count_parameters

SIZES = {
    "vocab_size": 23,
    "context_length": 20,
    "n_layers": 2,
    "n_heads": 3,
    "d_model": 12,
    "d_ff": 17,
    "d_head": 5,
    "n_buckets": 8,
    "max_distance": 12,
}
B, S, T = 2, 15, 13


@pytest.fixture(params=[{}, {"gated": True, "tied": False}], ids=["1.0", "1.1"])
def model(request) -> T5:
    torch.manual_seed(0)
    model = T5(T5Config(**SIZES, **request.param)).eval()
    randomise(model)
    return model


@pytest.fixture
def ids() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    source = torch.randint(23, (B, S), generator=generator)
    return source, torch.randint(23, (B, T), generator=generator)


def test_future_target_tokens_do_not_change_past_logits(model, ids):
    source, target = ids
    changed = target.clone()
    changed[:, 6] = (changed[:, 6] + 1) % 23
    before, after = model(source, target), model(source, changed)
    torch.testing.assert_close(before[:, :6], after[:, :6], atol=1e-5, rtol=0)
    assert not torch.allclose(before[:, 6:], after[:, 6:], atol=1e-3)


def test_padding_of_the_source_changes_nothing(model, ids):
    source, target = ids
    mask = padding_mask(torch.tensor([9, 9]), S)
    padded = model(source, target, mask)
    torch.testing.assert_close(padded, model(source[:, :9], target), atol=1e-5, rtol=0)


def test_padding_of_the_target_changes_no_real_logit(model, ids):
    source, target = ids
    mask = padding_mask(torch.tensor([8, 8]), T)
    padded = model(source, target, target_mask=mask)[:, :8]
    torch.testing.assert_close(padded, model(source, target[:, :8]), atol=1e-5, rtol=0)


def test_cached_decoding_equals_teacher_forcing(model, ids):
    source, target = ids
    mask = padding_mask(torch.tensor([S, 7]), S)
    memory, cache = model.encode(source, mask), KeyValueCache()
    parts = [
        model.decode(part, memory, mask, cache=cache)
        for part in target.split([1, 8, 4], dim=1)
    ]
    expected = model(source, target, mask)
    torch.testing.assert_close(torch.cat(parts, 1), expected, atol=1e-5, rtol=0)


def test_the_encoder_sees_distances_and_not_places(model, ids):
    # The same tokens, further right behind padding: the same vectors.
    source, _ = ids
    shifted = torch.cat([torch.zeros_like(source[:, :3]), source], dim=1)
    mask = padding_mask(torch.full((B,), S), S + 3, left=True)
    moved = model.encode(shifted, mask)[:, 3:]
    torch.testing.assert_close(moved, model.encode(source), atol=1e-5, rtol=0)
    swapped = source[:, [1, 0, *range(2, S)]]
    assert not torch.allclose(model.encode(source)[:, 2:], model.encode(swapped)[:, 2:])


def test_weights_are_given_for_both_attentions(model, ids):
    logits, weights = model(*ids, return_weights=True)
    assert [w.shape for pair in weights for w in pair] == [
        (B, 3, T, T),
        (B, 3, T, S),
    ] * 2
    assert weights[0][0].triu(diagonal=1).eq(0).all()
    torch.testing.assert_close(logits, model(*ids), atol=1e-5, rtol=0)


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("tied", [False, True])
def test_parameter_count_by_formula_equals_the_model(gated, tied):
    config = T5Config(**SIZES, gated=gated, tied=tied)
    assert T5.parameter_count(config) == count_parameters(T5(config))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("t5-small", 60_506_624),
        ("t5-base", 222_903_552),
        ("t5-large", 737_668_096),
        ("t5-v1.1-small", 76_961_152),
        ("t5-v1.1-base", 247_577_856),
    ],
)
def test_presets_have_the_published_number_of_parameters(name, count):
    assert T5.parameter_count(PRESETS[name]) == count


def test_bad_ids_and_sizes_are_refused(model, ids):
    with pytest.raises(ValueError, match="vocab_size - 1 = 22, got 0 to 23"):
        model(torch.tensor([[0, 23]]), ids[1][:1])
    with pytest.raises(ValueError, match="context_length = 20 tokens, got 21"):
        model.decode(torch.zeros(1, 21, dtype=torch.long), torch.zeros(1, 2, 12))
    with pytest.raises(ValueError, match="d_head must be at least 1, got 0"):
        T5Config(**(SIZES | {"d_head": 0}))
