"""LoRA begins as the model it adapts, learns alone, and can be merged and saved."""

import json
import math

import pytest
import safetensors.torch
import torch
from torch import nn

from llm_notes.models.gpt import GPT
from llm_notes.training.lora import (
    LoRALinear,
    add_lora,
    load_adapter,
    lora_layers,
    lora_parameter_count,
    merge_lora,
    remove_lora,
    save_adapter,
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


def test_a_saved_adapter_holds_the_small_matrices_and_nothing_else(
    adapted, model_factory, tmp_path
):
    path = save_adapter(tmp_path / "new" / "adapter.safetensors", adapted)
    tensors = safetensors.torch.load_file(path)
    assert sum(t.numel() for t in tensors.values()) == 2 * lora_parameter_count(
        [(8, 8)], 2
    )
    assert [p.name for p in path.parent.iterdir()] == ["adapter.safetensors"]
    other = model_factory()
    names = load_adapter(path, other)
    assert names == [name for name, _ in lora_layers(adapted)]
    torch.testing.assert_close(other(IDS), adapted(IDS), atol=1e-6, rtol=0)
    assert all(p.requires_grad == ("lora" in n) for n, p in other.named_parameters())


@pytest.fixture
def model_factory(model):
    config, state = model.config, {k: v.clone() for k, v in model.state_dict().items()}

    def build() -> GPT:
        twin = GPT(config)
        twin.load_state_dict(state)
        return twin

    return build


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
    with pytest.raises(ValueError, match="no adapted layer"):
        save_adapter("never.safetensors", model)
    add_lora(model, 1, 1.0)
    with pytest.raises(ValueError, match="adapted already"):
        add_lora(model, 1, 1.0)


def test_files_that_do_not_fit_are_refused(adapted, model_factory, tmp_path):
    path = save_adapter(tmp_path / "adapter.safetensors", adapted)
    with pytest.raises(ValueError, match="adapted already"):
        load_adapter(path, adapted)
    with pytest.raises(ValueError, match="a linear layer of 8 x 8, which the model"):
        load_adapter(path, nn.Sequential(nn.Linear(8, 8)))
    other = tmp_path / "other.safetensors"
    safetensors.torch.save_file({"x": torch.ones(1)}, other)
    with pytest.raises(ValueError, match="holds no adapter"):
        load_adapter(other, model_factory())
    wide = tmp_path / "wide.safetensors"
    name = "blocks.0.attention.q_proj"
    tensors = {f"{name}.lora_a": torch.ones(2, 9), f"{name}.lora_b": torch.ones(8, 2)}
    about = {"format": "llm_notes.lora", "alpha": json.dumps({name: 1.0})}
    safetensors.torch.save_file(tensors, wide, about)
    with pytest.raises(ValueError, match="a linear layer of 9 x 8"):
        load_adapter(wide, model_factory())
