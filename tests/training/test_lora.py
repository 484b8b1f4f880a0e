"""LoRA begins as the model it adapts, learns alone, and can be merged."""

import math

import pytest
import torch
from torch import nn

from llm_notes.models.gpt import GPT
from llm_notes.training.lora import (
    LoRALinear,
    add_lora,
    lora_layers,
    lora_parameter_count,
    merge_lora,
    remove_lora,
    unmerge_lora,
)

IDS = torch.tensor([[1, 4, 2, 0, 6], [3, 3, 5, 2, 1]])


def fill(model: nn.Module) -> None:
    """As if something had been learned: B is no longer zero."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for _, layer in lora_layers(model):
            layer.lora_b.normal_(generator=generator)


@pytest.fixture
def adapted(model: GPT, model_factory) -> GPT:  # made from the plain model first
    add_lora(model, 2, 6.0, generator=torch.Generator().manual_seed(1))
    fill(model)
    return model


def test_a_layer_adds_the_scaled_product_of_its_small_matrices():
    linear = nn.Linear(5, 3)
    layer = LoRALinear(linear, 2, 7.0)
    learned = {name for name, p in layer.named_parameters() if p.requires_grad}
    assert learned == {"lora_a", "lora_b"}
    nn.init.normal_(layer.lora_b)
    x = torch.randn(4, 5)
    w = linear.weight + 7.0 / 2 * layer.lora_b @ layer.lora_a
    expected = x @ w.T + linear.bias
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(layer.weight, w, atol=1e-6, rtol=0)
    assert layer.bias is linear.bias


def test_an_adapted_model_begins_as_it_was(model):
    before = model(IDS)
    names = add_lora(model, 2, 4.0, dropout=0.5)
    assert names == ["blocks.0.attention.q_proj", "blocks.0.attention.v_proj"]
    assert model(IDS).equal(before)
    for _, layer in lora_layers(model):
        assert layer.lora_a.std().item() == pytest.approx(1 / math.sqrt(8), rel=0.5)


def test_only_the_small_matrices_learn_and_their_number_is_the_formula(model):
    model_weights = {n: p.clone() for n, p in model.named_parameters()}
    names = add_lora(model, 2, 4.0, pattern="proj")
    shapes = [(8, 8)] * 4 + [(8, 32), (32, 8)]
    trained = [p for p in model.parameters() if p.requires_grad]
    assert len(names) == 6
    assert sum(p.numel() for p in trained) == lora_parameter_count(shapes, 2)

    optimizer = torch.optim.AdamW(trained, lr=0.05)
    first = None
    for _ in range(30):
        logits = model(IDS[:, :-1])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), IDS[:, 1:].flatten())
        first = loss.item() if first is None else first
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < first - 0.05
    remaining = {n.replace(".linear", ""): p for n, p in model.named_parameters()}
    for name, weight in model_weights.items():
        assert remaining[name].equal(weight), name
        assert remaining[name].grad is None


def test_merged_equals_adapted_and_unmerged_equals_both(adapted):
    weights = {n: p.clone() for n, p in adapted.named_parameters()}
    expected = adapted(IDS)
    for _ in range(2):  # doing it twice does nothing more
        merge_lora(adapted)
        torch.testing.assert_close(adapted(IDS), expected, atol=1e-5, rtol=0)
    name, layer = next(iter(lora_layers(adapted)))
    assert (layer.linear.weight - weights[f"{name}.linear.weight"]).abs().max() > 0.1
    assert layer.weight.equal(layer.linear.weight)
    for _ in range(2):
        unmerge_lora(adapted)
        torch.testing.assert_close(adapted(IDS), expected, atol=1e-5, rtol=0)
    for name, weight in adapted.named_parameters():
        torch.testing.assert_close(weight, weights[name], atol=1e-6, rtol=0)


@pytest.mark.parametrize("was_merged", [True, False])
@pytest.mark.parametrize("is_merged", [True, False])
def test_a_state_dict_says_whether_it_is_merged(
    adapted, model_factory, was_merged, is_merged
):
    expected = adapted(IDS)
    if was_merged:
        merge_lora(adapted)
    other = model_factory()
    add_lora(other, 2, 6.0)
    if is_merged:
        merge_lora(other)
    other.load_state_dict(adapted.state_dict())
    torch.testing.assert_close(other(IDS), expected, atol=1e-5, rtol=0)
    unmerge_lora(other)
    torch.testing.assert_close(other(IDS), expected, atol=1e-5, rtol=0)


def test_a_state_dict_that_does_not_say_whether_it_is_merged_is_refused(
    adapted, model_factory
):
    state = {k: v for k, v in adapted.state_dict().items() if "extra_state" not in k}
    other = model_factory()
    add_lora(other, 2, 6.0)
    with pytest.raises(RuntimeError, match=r"Missing key.*q_proj\._extra_state"):
        other.load_state_dict(state)


@pytest.mark.parametrize("keep", [True, False])
def test_removal_gives_the_plain_model_back(model, keep):
    plain, names = model(IDS), list(model.state_dict())
    add_lora(model, 2, 6.0)
    fill(model)
    expected = model(IDS) if keep else plain
    remove_lora(model, keep)
    torch.testing.assert_close(model(IDS), expected, atol=1e-5, rtol=0)
    assert list(model.state_dict()) == names
    assert all(p.requires_grad for p in model.parameters())


def test_removal_without_the_update_also_undoes_a_merge(model):
    plain = model(IDS)
    add_lora(model, 2, 6.0)
    fill(model)
    merge_lora(model)
    remove_lora(model, keep=False)
    torch.testing.assert_close(model(IDS), plain, atol=1e-5, rtol=0)


def test_dropout_thins_the_update_alone_and_only_while_training():
    torch.manual_seed(0)
    layer = LoRALinear(nn.Linear(6, 4), 2, 2.0, dropout=0.5)
    x = torch.randn(3, 6)
    assert layer(x).equal(layer.linear(x))  # B is zero
    nn.init.normal_(layer.lora_b)
    assert not layer(x).equal(layer(x))
    layer.eval()
    assert layer(x).equal(layer(x))


def test_same_generator_gives_the_same_start(model_factory):
    starts = []
    for _ in range(2):
        model = model_factory()
        add_lora(model, 3, 3.0, generator=torch.Generator().manual_seed(5))
        starts.append(next(iter(lora_layers(model)))[1].lora_a)
    assert starts[0].equal(starts[1])


def test_a_rank_too_large_for_a_later_layer_freezes_none():
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 3))
    with pytest.raises(ValueError, match="for a layer of 8 x 3"):
        add_lora(model, 5, 1.0, pattern=".")
    assert all(p.requires_grad for p in model.parameters())


def test_what_cannot_be_adapted_is_refused_and_left_alone(model):
    before = list(model.state_dict())
    for settings, message in (
        ({"rank": 0}, "rank is 0; for a layer of 8 x 8"),
        ({"rank": 9}, "must lie between 1 and 8"),
        ({"rank": 2, "dropout": 1.0}, "dropout is 1.0"),
        ({"rank": 2, "pattern": "nothing"}, "no linear layer fits 'nothing'; .*q_proj"),
    ):
        with pytest.raises(ValueError, match=message):
            add_lora(model, alpha=1.0, **settings)
    assert list(model.state_dict()) == before
    assert all(p.requires_grad for p in model.parameters())
    add_lora(model, 1, 1.0)
    with pytest.raises(ValueError, match="adapted already"):
        add_lora(model, 1, 1.0)
