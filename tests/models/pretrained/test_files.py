"""Checkpoint folders: whole, in shards, read by transformers, and never pickle."""

import json

import pytest
import torch
import transformers

from llm_notes.models.gpt import GPT
from llm_notes.models.pretrained.check import load_weights
from llm_notes.models.pretrained.files import (
    INDEX,
    WHOLE,
    CheckpointFileError,
    read_config,
    read_state_dict,
    write_state_dict,
)
from llm_notes.models.pretrained.gpt2 import (
    gpt2_config_from_hugging_face,
    gpt2_from_hugging_face,
    gpt2_to_hugging_face,
)

TENSORS = {f"layer.{i}": torch.arange(6.0).view(2, 3) + i for i in range(5)}


def assert_same(first, second):
    assert first.keys() == second.keys()
    assert all(first[name].equal(second[name]) for name in first)


@pytest.mark.parametrize(("shard_bytes", "n_files"), [(None, 1), (48, 3), (1, 5)])
def test_what_is_written_is_read_back(tmp_path, shard_bytes, n_files):
    write_state_dict(TENSORS, tmp_path, shard_bytes)
    assert len(list(tmp_path.glob("*.safetensors"))) == n_files
    assert (tmp_path / INDEX).exists() == (n_files > 1)
    assert_same(read_state_dict(tmp_path), TENSORS)


def test_one_file_is_read_by_its_own_name(tmp_path):
    write_state_dict(TENSORS, tmp_path)
    assert_same(read_state_dict(tmp_path / WHOLE), TENSORS)


def test_transposed_and_shared_tensors_are_written_whole(tmp_path):
    table = torch.randn(3, 4)
    given = {"a": table, "b": table, "c": table.T}
    write_state_dict(given, tmp_path)
    assert_same(read_state_dict(tmp_path), given)


@pytest.mark.parametrize("shard_size", ["50KB", "1GB"])
def test_a_folder_that_transformers_wrote_gives_the_same_logits(tmp_path, shard_size):
    config = transformers.GPT2Config(
        vocab_size=53,
        n_positions=19,
        n_embd=24,
        n_layer=3,
        n_head=4,
        bos_token_id=0,
        eos_token_id=0,
    )
    theirs = transformers.GPT2LMHeadModel(config).eval()
    theirs.save_pretrained(tmp_path, max_shard_size=shard_size)
    assert (tmp_path / INDEX).exists() == (shard_size == "50KB")
    ours = GPT(gpt2_config_from_hugging_face(read_config(tmp_path)))
    load_weights(ours, gpt2_from_hugging_face(read_state_dict(tmp_path)))
    ids = torch.randint(53, (2, 7))
    with torch.no_grad():
        torch.testing.assert_close(ours(ids), theirs(ids).logits, atol=1e-5, rtol=0)


def test_transformers_reads_a_folder_that_we_wrote(tmp_path):
    config = transformers.GPT2Config(
        vocab_size=53, n_positions=19, n_embd=24, n_layer=2, n_head=4
    )
    ours = GPT(gpt2_config_from_hugging_face(config.to_dict()))
    write_state_dict(
        gpt2_to_hugging_face(ours.state_dict()), tmp_path, shard_bytes=9000
    )
    config.save_pretrained(tmp_path)
    theirs = transformers.GPT2LMHeadModel.from_pretrained(tmp_path).eval()
    ids = torch.randint(53, (2, 7))
    with torch.no_grad():
        torch.testing.assert_close(ours(ids), theirs(ids).logits, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.ckpt"])
def test_pickle_files_are_refused_and_not_opened(tmp_path, name):
    (tmp_path / name).write_bytes(b"no pickle at all")
    for path in (tmp_path, tmp_path / name):
        with pytest.raises(CheckpointFileError, match="can run any code"):
            read_state_dict(path)


def test_a_damaged_file_is_named(tmp_path):
    write_state_dict(TENSORS, tmp_path)
    whole = (tmp_path / WHOLE).read_bytes()
    (tmp_path / WHOLE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointFileError, match="no complete safetensors file"):
        read_state_dict(tmp_path)


def test_nothing_to_read_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="neither"):
        read_state_dict(tmp_path)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_state_dict(tmp_path / "model.safetensors")


def test_a_missing_shard_and_a_missing_tensor_are_named(tmp_path):
    write_state_dict(TENSORS, tmp_path, shard_bytes=48)
    index = json.loads((tmp_path / INDEX).read_text())
    index["weight_map"]["lost"] = index["weight_map"]["layer.0"]
    (tmp_path / INDEX).write_text(json.dumps(index))
    with pytest.raises(CheckpointFileError, match="holds lost"):
        read_state_dict(tmp_path)
    (tmp_path / index["weight_map"]["layer.4"]).unlink()
    with pytest.raises(CheckpointFileError, match=r"00003-of-00003.* is missing"):
        read_state_dict(tmp_path)


@pytest.mark.parametrize("content", ["{}", "[]", "{", '{"weight_map": 3}'])
def test_a_damaged_index_is_refused(tmp_path, content):
    (tmp_path / INDEX).write_text(content)
    with pytest.raises(CheckpointFileError, match=INDEX):
        read_state_dict(tmp_path)


def test_an_index_does_not_lead_out_of_its_folder(tmp_path):
    folder = tmp_path / "inside"
    write_state_dict(TENSORS, tmp_path)
    folder.mkdir()
    index = {"weight_map": {"layer.0": "../" + WHOLE}}
    (folder / INDEX).write_text(json.dumps(index))
    with pytest.raises(CheckpointFileError, match="outside its folder"):
        read_state_dict(folder)


def test_impossible_writes_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no tensor"):
        write_state_dict({}, tmp_path)
    with pytest.raises(ValueError, match="shard_bytes must be at least 1, got 0"):
        write_state_dict(TENSORS, tmp_path, shard_bytes=0)
