"""An adapter's file gives back what was adapted, and says what it cannot be."""

import json

import pytest
import safetensors.torch
import torch
from torch import nn

from llm_notes.models.gpt import GPT
from llm_notes.training.adapter_files import load_adapter, save_adapter
from llm_notes.training.lora import (
    add_lora,
    lora_layers,
    lora_parameter_count,
    merge_lora,
)

IDS = torch.tensor([[1, 4, 2, 0, 6], [3, 3, 5, 2, 1]])


@pytest.fixture
def adapted(model: GPT, model_factory) -> GPT:  # made from the plain model first
    add_lora(model, 2, 6.0, generator=torch.Generator().manual_seed(1))
    for _, layer in lora_layers(model):
        nn.init.normal_(layer.lora_b)
    return model


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


def test_what_was_merged_is_not_added_twice(adapted, model_factory, tmp_path):
    expected = adapted(IDS)
    merge_lora(adapted)
    other = model_factory()
    load_adapter(save_adapter(tmp_path / "adapter.safetensors", adapted), other)
    torch.testing.assert_close(other(IDS), expected, atol=1e-5, rtol=0)


def test_dropout_comes_back(model, model_factory, tmp_path):
    add_lora(model, 2, 6.0, dropout=0.25)
    other = model_factory()
    load_adapter(save_adapter(tmp_path / "adapter.safetensors", model), other)
    assert [layer.dropout.p for _, layer in lora_layers(other)] == [0.25] * 2


def test_files_from_before_dropout_was_saved_are_read_without_it(
    adapted, model_factory, tmp_path
):
    path = save_adapter(tmp_path / "adapter.safetensors", adapted)
    alphas = {name: layer.alpha for name, layer in lora_layers(adapted)}
    about = {"format": "llm_notes.lora", "alpha": json.dumps(alphas)}
    old = tmp_path / "old.safetensors"
    safetensors.torch.save_file(safetensors.torch.load_file(path), old, about)
    other = model_factory()
    load_adapter(old, other)
    torch.testing.assert_close(other(IDS), adapted(IDS), atol=1e-6, rtol=0)
    assert [layer.dropout.p for _, layer in lora_layers(other)] == [0.0] * 2


def test_a_save_that_fails_leaves_the_earlier_file_alone(
    adapted, tmp_path, monkeypatch
):
    path = save_adapter(tmp_path / "adapter.safetensors", adapted)
    before = path.read_bytes()

    def fill_the_disk(tensors, file, metadata=None):
        file.write_bytes(b"half")
        raise safetensors.SafetensorError("No space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", fill_the_disk)
    with pytest.raises(OSError, match="No space left"):
        save_adapter(path, adapted)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("cut", [0, 4, 200, -1])
def test_files_that_are_cut_short_or_no_safetensors_are_refused(
    adapted, model_factory, tmp_path, cut
):
    path = save_adapter(tmp_path / "adapter.safetensors", adapted)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match=r"adapter\.safetensors holds no adapter"):
        load_adapter(path, model_factory())
    path.write_text("no safetensors, but a text", encoding="utf-8")
    with pytest.raises(ValueError, match=r"adapter\.safetensors holds no adapter"):
        load_adapter(path, model_factory())


def test_a_plain_model_has_nothing_to_save(model, tmp_path):
    with pytest.raises(ValueError, match="no adapted layer"):
        save_adapter(tmp_path / "never.safetensors", model)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_lacks_a_later_layer_stays_as_it_was(adapted, tmp_path):
    path = save_adapter(tmp_path / "adapter.safetensors", adapted)
    other = GPT(adapted.config)
    other.blocks[0].attention.v_proj = nn.Linear(8, 4)
    with pytest.raises(ValueError, match="v_proj"):
        load_adapter(path, other)
    assert all(p.requires_grad for p in other.parameters())
    assert not dict(lora_layers(other))


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
