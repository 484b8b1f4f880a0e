import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from llm_notes.runtime import (
    best_device,
    best_dtype,
    count_parameters,
    home,
    seed_everything,
)


@pytest.fixture(autouse=True)
def keep_the_global_generators():
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    yield
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    torch.set_rng_state(states[2])


def draw():
    return random.random(), np.random.rand(), torch.rand(()).item()  # noqa: NPY002


def test_the_same_seed_gives_the_same_numbers_everywhere():
    seed_everything(3)
    first = draw()
    seed_everything(3)
    assert draw() == first


def test_another_seed_gives_other_numbers_everywhere():
    seed_everything(3)
    first = draw()
    seed_everything(4)
    assert all(a != b for a, b in zip(first, draw(), strict=True))


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(ValueError, match=str(seed)):
        seed_everything(seed)


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [
        (True, True, "cuda"),
        (True, False, "cuda"),
        (False, True, "mps"),
        (False, False, "cpu"),
    ],
)
def test_the_best_device_is_cuda_then_mps_then_cpu(monkeypatch, cuda, mps, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert best_device().type == expected


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu"), "mps"])
def test_without_cuda_training_is_in_float32(device):
    assert best_dtype(device) == torch.float32


@pytest.mark.parametrize(
    ("capability", "expected"),
    [((7, 5), torch.float16), ((8, 0), torch.bfloat16), ((9, 0), torch.bfloat16)],
)
def test_cuda_uses_bfloat16_where_it_is_native(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert best_dtype("cuda") == expected


def test_parameters_are_counted_by_their_scalars():
    assert count_parameters(nn.Linear(5, 3)) == 5 * 3 + 3


def test_a_shared_parameter_counts_once():
    embedding, head = nn.Embedding(7, 4), nn.Linear(4, 7, bias=False)
    head.weight = embedding.weight
    assert count_parameters(nn.Sequential(embedding, head)) == 7 * 4


def test_frozen_parameters_can_be_left_out():
    layer = nn.Linear(5, 3)
    layer.weight.requires_grad_(False)
    assert count_parameters(layer) == 18
    assert count_parameters(layer, trainable_only=True) == 3


def test_buffers_are_no_parameters():
    assert count_parameters(nn.BatchNorm1d(6)) == 2 * 6


def test_home_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("LLM_NOTES_HOME", str(tmp_path / "kept"))
    assert home() == tmp_path / "kept"
    assert not home().exists()
    monkeypatch.setenv("LLM_NOTES_HOME", "~/kept")
    assert home() == Path.home() / "kept"


@pytest.mark.parametrize("value", [None, ""])
def test_home_is_in_the_cache_folder_otherwise(monkeypatch, value):
    monkeypatch.delenv("LLM_NOTES_HOME", raising=False)
    if value is not None:
        monkeypatch.setenv("LLM_NOTES_HOME", value)
    assert home() == Path.home() / ".cache" / "llm_notes"


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


def test_importing_the_package_imports_no_other_package():
    added = modules_after("import llm_notes") - modules_after("")
    assert "llm_notes" in added
    assert not added & {"torch", "numpy", "matplotlib", "ipywidgets"}
    assert not {name for name in added if name.startswith("llm_notes.")}


def test_text_and_counting_need_no_torch():
    added = modules_after(
        "import llm_notes.data.corpus, llm_notes.data.tokenizers\n"
        "import llm_notes.models.ngram, llm_notes.metrics"
    )
    assert "llm_notes.models.ngram" in added
    assert "torch" not in added
