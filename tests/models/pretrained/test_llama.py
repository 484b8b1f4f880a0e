"""Checkpoints of Llama and its relatives, from transformers and back, in any layout."""

import json
from dataclasses import replace

import pytest
import torch
import transformers

from llm_notes.models.layers.rotary import LinearScaling, Llama3Scaling, YarnScaling
from llm_notes.models.llama import PRESETS, Llama, LlamaConfig
from llm_notes.models.pretrained.check import WeightsDoNotFitError, load_weights
from llm_notes.models.pretrained.files import (
    read_config,
    read_state_dict,
    write_state_dict,
)
from llm_notes.models.pretrained.llama import (
    llama_config_from_hugging_face,
    llama_from_hugging_face,
    llama_to_hugging_face,
)
from llm_notes.parity.case import randomise

SIZES = {
    "vocab_size": 53,
    "max_position_embeddings": 40,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "hidden_size": 24,
    "intermediate_size": 36,
    "rms_norm_eps": 1e-3,
}
TINY = LlamaConfig(7, 9, 1, 2, 2, 4, 6)
FAMILIES = {
    "llama": (transformers.LlamaConfig, {}),
    "mistral": (transformers.MistralConfig, {"sliding_window": 5}),
    "qwen3": (transformers.Qwen3Config, {"head_dim": 10, "tie_word_embeddings": True}),
    "mixtral": (
        transformers.MixtralConfig,
        {"num_local_experts": 12, "num_experts_per_tok": 2},  # numbers of two digits
    ),
}


@pytest.fixture(params=FAMILIES)
def theirs(request) -> transformers.PreTrainedModel:
    """A tiny live model of each family."""
    config_class, options = FAMILIES[request.param]
    config = config_class(**SIZES, **options, experts_implementation="eager")
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    randomise(model, seed=1)
    return model


@pytest.fixture
def config(theirs) -> LlamaConfig:
    return llama_config_from_hugging_face(theirs.config.to_dict())


@pytest.fixture
def ours(config) -> Llama:
    torch.manual_seed(3)
    model = Llama(config).eval()
    randomise(model, seed=4)
    return model


@pytest.fixture
def token_ids() -> torch.Tensor:
    return torch.randint(53, (2, 11), generator=torch.Generator().manual_seed(5))


def assert_same_logits(ours: Llama, theirs, token_ids: torch.Tensor) -> None:
    with torch.no_grad():
        expected = theirs(token_ids).logits
        torch.testing.assert_close(ours(token_ids), expected, atol=1e-5, rtol=0)


def test_live_models_give_their_logits(theirs, ours, config, token_ids):
    weights = llama_from_hugging_face(theirs.state_dict(), config)
    assert weights.keys() == ours.state_dict().keys()
    assert_same_logits(load_weights(ours, weights), theirs, token_ids)


def test_our_weights_go_into_live_models(theirs, ours, config, token_ids):
    theirs.load_state_dict(llama_to_hugging_face(ours.state_dict(), config))
    assert_same_logits(ours, theirs, token_ids)


def test_files_of_transformers_give_their_logits(theirs, ours, token_ids, tmp_path):
    theirs.save_pretrained(tmp_path, max_shard_size="20KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    config = llama_config_from_hugging_face(read_config(tmp_path))
    assert config == ours.config
    weights = llama_from_hugging_face(read_state_dict(tmp_path), config)
    assert_same_logits(load_weights(ours, weights), theirs, token_ids)


@pytest.mark.parametrize("layout", [4, 5])
def test_transformers_reads_our_files_in_either_layout(
    theirs, ours, config, layout, token_ids, tmp_path
):
    theirs.config.save_pretrained(tmp_path)
    write_state_dict(llama_to_hugging_face(ours.state_dict(), config, layout), tmp_path)
    read, report = type(theirs).from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert_same_logits(ours, read.eval(), token_ids)


@pytest.mark.parametrize("layout", [4, 5])
def test_there_and_back_changes_no_bit(ours, config, layout):
    there = llama_to_hugging_face(ours.state_dict(), config, layout)
    back = llama_from_hugging_face(there, config)
    assert back.keys() == ours.state_dict().keys()
    assert all(back[name].equal(t) for name, t in ours.state_dict().items())


def test_names_of_live_models_are_all_there(theirs, ours, config):
    there = llama_to_hugging_face(ours.state_dict(), config)
    assert there.keys() == theirs.state_dict().keys()
    shapes = {name: tensor.shape for name, tensor in theirs.state_dict().items()}
    assert {name: tensor.shape for name, tensor in there.items()} == shapes


def test_experts_have_the_names_of_mixtrals_files():
    config = replace(TINY, n_experts=2, n_active_experts=1)
    state = Llama(config).state_dict()
    there = llama_to_hugging_face(state, config, layout=4)
    mixture = "model.layers.0.block_sparse_moe"
    assert {name for name in there if mixture in name} == {
        f"{mixture}.gate.weight",
        *(f"{mixture}.experts.{e}.w{i}.weight" for e in (0, 1) for i in (1, 2, 3)),
    }
    for theirs, name in (("w1", "gate"), ("w2", "down"), ("w3", "up")):
        expected = state[f"blocks.0.feed_forward.experts.1.{name}_proj.weight"]
        assert there[f"{mixture}.experts.1.{theirs}.weight"].equal(expected)


def test_a_tied_head_may_be_given_or_not():
    config = replace(TINY, tied=True)
    model = Llama(config)
    given = llama_to_hugging_face(model.state_dict(), config)
    not_given = {k: v for k, v in given.items() if k != "lm_head.weight"}
    for state_dict in (given, not_given):
        load_weights(model, llama_from_hugging_face(state_dict, config))
    given["lm_head.weight"] = given["lm_head.weight"] + 1
    with pytest.raises(
        ValueError, match=r"lm_head\.weight differs .* one tensor for both"
    ):
        llama_from_hugging_face(given, config)


def test_a_head_of_its_own_is_missed():
    model = Llama(TINY)
    given = llama_to_hugging_face(model.state_dict(), TINY)
    del given["lm_head.weight"]
    with pytest.raises(WeightsDoNotFitError, match=r"1 missing: head\.weight"):
        load_weights(model, llama_from_hugging_face(given, TINY))


def test_buffers_of_old_files_are_left_out(ours, config):
    given = llama_to_hugging_face(ours.state_dict(), config)
    given["model.layers.11.self_attn.rotary_emb.inv_freq"] = torch.zeros(2)
    back = llama_from_hugging_face(given, config)
    assert back.keys() == ours.state_dict().keys()


@pytest.mark.parametrize(
    "map_names", [llama_from_hugging_face, llama_to_hugging_face], ids=["from", "to"]
)
@pytest.mark.parametrize(
    "name", ["encoder.weight", "model.layers.0.self_attn.q_proj.bias"]
)
def test_foreign_weights_are_named_and_refused(map_names, name):
    with pytest.raises(ValueError, match=name):
        map_names({name: torch.zeros(1)}, PRESETS["llama-3-8b"])


def test_an_unknown_layout_is_refused(ours, config):
    with pytest.raises(ValueError, match=r"layout is 4 or 5, .* got 3"):
        llama_to_hugging_face(ours.state_dict(), config, layout=3)


LLAMA_3_1 = {  # the numbers of the published config.json
    "model_type": "llama",
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "rms_norm_eps": 1e-05,
    "tie_word_embeddings": False,
    "rope_theta": 500000.0,
    "rope_scaling": {
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
        "rope_type": "llama3",
    },
}
QWEN3 = {
    "model_type": "qwen3",
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "head_dim": 128,
    "rms_norm_eps": 1e-06,
    "tie_word_embeddings": True,
    "rope_theta": 1000000,
    "rope_scaling": None,
    "sliding_window": None,
    "use_sliding_window": False,
    "max_window_layers": 28,
}
MISTRAL = {
    "model_type": "mistral",
    "vocab_size": 32000,
    "max_position_embeddings": 32768,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "rms_norm_eps": 1e-05,
    "rope_theta": 10000.0,
    "sliding_window": 4096,
}
MIXTRAL = MISTRAL | {
    "model_type": "mixtral",
    "rope_theta": 1000000.0,
    "sliding_window": None,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
}


@pytest.mark.parametrize(
    ("published", "preset"),
    [
        (LLAMA_3_1, "llama-3.1-8b"),
        (QWEN3, "qwen3-0.6b"),
        (MISTRAL, "mistral-7b"),
        (MIXTRAL, "mixtral-8x7b"),
    ],
)
def test_published_configurations_are_our_presets(published, preset):
    assert llama_config_from_hugging_face(published) == PRESETS[preset]
    # transformers 5 gathers what turns the rotations under one name.
    new = {k: v for k, v in published.items() if not k.startswith("rope")}
    new["rope_parameters"] = {
        "rope_theta": published["rope_theta"],
        "rope_type": "default",
        **(published.get("rope_scaling") or {}),
    }
    assert llama_config_from_hugging_face(new) == PRESETS[preset]
    live = transformers.AutoConfig.for_model(**published)
    assert llama_config_from_hugging_face(live.to_dict()) == PRESETS[preset]


@pytest.mark.parametrize(
    ("rope", "scaling"),
    [
        ({"rope_type": "default"}, None),
        ({"type": "linear", "factor": 2.0}, LinearScaling(2.0)),
        (
            {
                "rope_type": "llama3",
                "factor": 2.0,
                "low_freq_factor": 3.0,
                "high_freq_factor": 5.0,
                "original_max_position_embeddings": 64,
            },
            Llama3Scaling(2.0, 64, low=3.0, high=5.0),
        ),
        (
            {
                "rope_type": "yarn",
                "factor": 4.0,
                "original_max_position_embeddings": 64,
            },
            YarnScaling(4.0, 64, 1e6),
        ),
        (
            {"type": "yarn", "factor": 4.0, "beta_fast": 9, "beta_slow": 2},
            YarnScaling(4.0, 40960, 1e6, fast=9, slow=2),
        ),
    ],
)
def test_scalings_of_rotations_are_read(rope, scaling):
    config = llama_config_from_hugging_face(QWEN3 | {"rope_scaling": rope})
    assert config.rope_scaling == scaling
    assert config.rope_base == 1e6


def test_a_window_that_qwen3_does_not_use_is_left_out():
    unused = QWEN3 | {"sliding_window": 4096, "use_sliding_window": False}
    assert llama_config_from_hugging_face(unused).window is None


@pytest.mark.parametrize(
    ("family", "base"),
    [("llama", 1e4), ("mistral", 1e4), ("mixtral", 1e6)],
)
def test_what_an_old_file_leaves_out_has_the_familys_default(family, base):
    config = llama_config_from_hugging_face(
        {
            **{k: v for k, v in MIXTRAL.items() if k != "rope_theta"},
            "model_type": family,
            "num_key_value_heads": None,
        }
    )
    assert config.rope_base == base
    assert config.n_kv_heads == 32
    assert config.d_head == 128
    assert not config.tied
    assert config.n_experts == (8 if family == "mixtral" else None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "gpt2"}, "'gpt2'; this reads llama, mistral, qwen3, mixtral"),
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu'"),
        ({"attention_bias": True}, "attention_bias is True"),
        ({"mlp_bias": True}, "mlp_bias is True"),
        ({"use_sliding_window": True}, "use_sliding_window is True"),
        ({"rope_scaling": {"type": "dynamic", "factor": 2.0}}, "'dynamic'"),
        (
            {"rope_scaling": {"type": "yarn", "factor": 2.0, "attention_factor": 3.0}},
            r"'yarn' with \['attention_factor', 'factor'\]",
        ),
        (
            {"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}},
            "partial_rotary_factor",
        ),
    ],
    ids=str,
)
def test_options_that_our_llama_lacks_are_refused(change, message):
    config = {k: v for k, v in QWEN3.items() if k != "rope_scaling"} | change
    with pytest.raises(ValueError, match=message):
        llama_config_from_hugging_face(json.loads(json.dumps(config)))
