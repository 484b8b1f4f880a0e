"""A checkpoint comes back whole or not at all, and says why not."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.layers.rotary import LinearScaling, YarnScaling
from llm_notes.models.llama import Llama, LlamaConfig
from llm_notes.training.checkpoint import (
    CheckpointError,
    architecture_of,
    load_checkpoint,
    save_checkpoint,
)
from llm_notes.training.durable import sha256


@pytest.fixture
def tokenizer() -> CharacterTokenizer:
    return CharacterTokenizer.train("abcdefg")


@pytest.fixture
def saved(tmp_path, model, tokenizer):
    return save_checkpoint(tmp_path / "a" / "b", model, tokenizer, {"loss": [1.5]})


def load(path):
    return load_checkpoint(path, GPT, GPTConfig)


def test_a_checkpoint_gives_back_what_was_saved(saved, model, tokenizer):
    loaded = load(saved)
    assert loaded.model.config == model.config
    assert not loaded.model.training
    assert loaded.history == {"loss": [1.5]}
    assert loaded.tokenizer.encode("gab") == tokenizer.encode("gab")
    ids = torch.tensor([[0, 3, 6]])
    assert loaded.model(ids).equal(model.eval()(ids))


def test_a_rule_among_the_sizes_comes_back_as_its_class(tmp_path, tokenizer):
    for scaling in (LinearScaling(3.0), YarnScaling(2.0, 8)):
        config = LlamaConfig(
            tokenizer.vocab_size, 16, 1, 2, 1, 8, 12, rope_scaling=scaling
        )
        path = save_checkpoint(tmp_path / "llama", Llama(config), tokenizer)
        assert architecture_of(path) == "Llama"
        assert load_checkpoint(path, Llama, LlamaConfig).model.config == config


def test_saving_twice_writes_the_same_bytes(saved, model, tokenizer):
    before = {f.name: f.read_bytes() for f in saved.iterdir()}
    save_checkpoint(saved, model, tokenizer, {"loss": [1.5]})
    assert {f.name: f.read_bytes() for f in saved.iterdir()} == before
    assert [f.name for f in saved.parent.iterdir()] == ["b"]  # no drafts left


def test_a_failed_save_leaves_the_earlier_checkpoint(saved, model, monkeypatch):
    class BrokenTokenizer:
        def save(self, path):
            raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(saved, model, BrokenTokenizer())
    assert load(saved).history == {"loss": [1.5]}
    assert [f.name for f in saved.parent.iterdir()] == ["b"]


def test_a_folder_that_cannot_be_renamed_leaves_the_earlier_one(
    saved, model, tokenizer, monkeypatch
):
    replace = Path.replace

    def refuse(path, target):
        if (path / "checkpoint.json").is_file() and target.name == "b":
            assert not target.exists()  # the earlier one has made room
            monkeypatch.setattr(Path, "replace", replace)
            raise OSError("Input/output error")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="Input/output"):
        save_checkpoint(saved, model, tokenizer, {"loss": [9.9]})
    assert load(saved).history == {"loss": [1.5]}


@pytest.mark.parametrize("name", ["weights.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("keep", [0, 1, 40])
def test_a_file_that_is_cut_short_is_refused(saved, name, keep):
    file = saved / name
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=f"{name} is cut short"):
        load(saved)


@pytest.mark.parametrize("name", ["weights.safetensors", "tokenizer.json"])
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(CheckpointError, match=f"lacks {name}"):
        load(saved)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"format": "llm_n', "cut short"),
        ("[]", "not written by llm_notes"),
        ('{"format": "other"}', "not written by llm_notes"),
        ('{"format": "llm_notes.checkpoint", "version": 99}', "version 99"),
        ('{"format": "llm_notes.checkpoint", "version": 1}', "lacks architecture"),
    ],
)
def test_a_damaged_description_is_refused(saved, text, message):
    (saved / "checkpoint.json").write_text(text)
    with pytest.raises(CheckpointError, match=message):
        load(saved)


def test_an_empty_or_missing_folder_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(CheckpointError, match=r"there is no checkpoint\.json"):
            load(path)


def test_another_architecture_is_refused(saved):
    class Llama(torch.nn.Module):
        pass

    with pytest.raises(CheckpointError, match="holds a GPT, not a Llama"):
        load_checkpoint(saved, Llama, GPTConfig)


def test_weights_that_do_not_fit_the_sizes_are_refused(saved):
    weights = saved / "weights.safetensors"
    tensors = safetensors.torch.load_file(weights)
    tensors["final_norm.weight"] = torch.zeros(3)
    safetensors.torch.save_file(tensors, weights)
    description = json.loads((saved / "checkpoint.json").read_text())
    description["sha256"][weights.name] = sha256(weights)
    (saved / "checkpoint.json").write_text(json.dumps(description))
    with pytest.raises(CheckpointError, match=r"(?s)does not fit .*final_norm"):
        load(saved)
