"""Llama, its relatives, GPT-2, rotations, latent attention equal transformers'."""

import pytest
import torch

from llm_notes.parity import llama as families
from llm_notes.parity import rotary
from llm_notes.parity.case import Parity
from llm_notes.parity.gpt2 import gpt2
from llm_notes.parity.latent_attention import latent_attention

LLAMA_3 = {
    "rope_type": "llama3",
    "rope_theta": 50.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
YARN = {
    "rope_type": "yarn",
    "rope_theta": 50.0,
    "factor": 4.0,
    "beta_fast": 4.0,
    "beta_slow": 1.0,
    "original_max_position_embeddings": 16,
}
LINEAR = {"rope_type": "linear", "rope_theta": 50.0, "factor": 4.0}


def assert_equal(parity: Parity) -> None:
    assert parity.n_compared > 0
    assert parity.output_error <= 1e-5
    assert parity.gradient_error <= 1e-5


@pytest.mark.parametrize("kernel", ["eager", "sdpa"])
@pytest.mark.parametrize(
    "family",
    [families.llama, families.mistral, families.qwen3, families.mixtral, gpt2],
    ids=lambda family: family.__name__,
)
def test_logits_and_gradients_equal_those_of_transformers(family, kernel):
    assert_equal(family(attn_implementation=kernel))


@pytest.mark.parametrize("rope", [LLAMA_3, YARN, LINEAR], ids=lambda r: r["rope_type"])
@pytest.mark.parametrize("family", [families.llama, families.qwen3])
def test_stretched_rotations_equal_those_of_transformers(family, rope):
    assert_equal(family(rope_parameters=rope))


@pytest.mark.parametrize(
    "changes",
    [
        {"num_key_value_heads": 1},
        {"num_key_value_heads": 6},
        {"tie_word_embeddings": True},
        {"head_dim": 2},
        {"rope_theta": 3.0},
    ],
    ids=str,
)
def test_options_of_llama_equal_those_of_transformers(changes):
    assert_equal(families.llama(**changes))


@pytest.mark.parametrize("window", [1, 12, 13])
def test_windows_of_any_width_equal_those_of_transformers(window):
    assert_equal(families.mistral(sliding_window=window))


@pytest.mark.parametrize(
    "changes",
    [
        {"num_experts_per_tok": 1},
        {"num_experts_per_tok": 5},
        {"num_local_experts": 1, "num_experts_per_tok": 1},
        {"sliding_window": 4},
        # Their fast kernel wants rows of a multiple of four numbers.
        {"experts_implementation": "grouped_mm", "intermediate_size": 36},
    ],
    ids=str,
)
def test_mixtures_of_any_size_equal_those_of_transformers(changes):
    assert_equal(families.mixtral(**changes))


@pytest.mark.parametrize(
    "rotations",
    [
        rotary.rotary,
        rotary.rotary_linear,
        rotary.rotary_llama3,
        rotary.rotary_yarn,
    ],
    ids=lambda function: function.__name__,
)
def test_rotations_equal_those_of_transformers_at_real_sizes(rotations):
    assert_equal(rotations())


@pytest.mark.parametrize("d_query_latent", [13, None])
def test_latent_attention_equals_that_of_transformers(d_query_latent):
    assert_equal(latent_attention(d_query_latent))


def test_comparing_draws_nothing_from_the_global_generator():
    before = torch.get_rng_state()
    families.mixtral()
    gpt2()
    latent_attention()
    assert torch.get_rng_state().equal(before)
