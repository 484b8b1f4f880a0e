"""A model without some heads computes what it computes when they are silent."""

import pytest
import torch
from torch import nn

from llm_notes.inference.generate import generate
from llm_notes.inference.pruning import (
    gradient_importance,
    least_important,
    magnitude_importance,
    mask_groups,
    remove_groups,
)
from llm_notes.inference.quantization import FORMATS, quantize_model
from llm_notes.models.bert import BERT, BERTConfig
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.llama import Llama, LlamaConfig
from llm_notes.models.t5 import T5, T5Config
from llm_notes.training.lora import add_lora

V = 19
MODELS = {
    "gpt": (lambda: GPT(GPTConfig(V, 10, 2, 4, 12, init_std=0.4)), [0, 2]),
    "bert": (lambda: BERT(BERTConfig(V, 10, 2, 4, 12, init_std=0.4)), [3]),
    "llama": (
        lambda: Llama(
            LlamaConfig(V, 10, 2, 6, 3, 12, 8, d_head=4, qk_norm=True, init_std=0.4)
        ),
        [1],
    ),
}
FIRST, LAST = "blocks.0.attention", "blocks.1.attention"


@pytest.fixture
def token_ids() -> torch.Tensor:
    return torch.randint(V, (3, 7), generator=torch.Generator().manual_seed(1))


def make(name: str) -> nn.Module:
    torch.manual_seed(0)
    model = MODELS[name][0]().eval()
    for parameter_name, parameter in model.named_parameters():
        if parameter_name.endswith("bias"):  # they begin as zeros, which hides them
            nn.init.normal_(parameter)
    return model


def next_token_loss(model: nn.Module, token_ids: torch.Tensor) -> torch.Tensor:
    logits = model(token_ids[:, :-1])
    return nn.functional.cross_entropy(logits.flatten(0, 1), token_ids[:, 1:].flatten())


@pytest.mark.parametrize("name", MODELS)
def test_removing_equals_silencing(name, token_ids):
    model, gone = make(name), MODELS[name][1]
    before = model(token_ids)
    groups = {FIRST: gone, LAST: gone[:1]}
    masked, smaller = mask_groups(model, groups), remove_groups(model, groups)
    expected = masked(token_ids)
    torch.testing.assert_close(smaller(token_ids), expected, atol=1e-5, rtol=0)
    assert (expected - before).abs().max() > 1e-3  # they did say something
    assert model(token_ids).equal(before)


@pytest.mark.parametrize("name", MODELS)
def test_silencing_takes_out_what_the_group_adds(name, token_ids):
    model, gone = make(name), MODELS[name][1]
    layer = model.get_submodule(FIRST)
    x = torch.randn(2, 5, 12)
    heard = []
    layer.o_proj.register_forward_pre_hook(lambda _m, args: heard.append(args[0]))
    layer(x)
    per_group = layer.n_heads // layer.n_kv_heads
    heads = heard[0].unflatten(-1, (layer.n_heads, layer.d_head)).clone()
    for group in gone:
        heads[..., group * per_group : (group + 1) * per_group, :] = 0
    bias = layer.o_proj.bias
    expected = nn.functional.linear(heads.flatten(-2), layer.o_proj.weight, bias)
    masked = mask_groups(model, {FIRST: gone}).get_submodule(FIRST)
    torch.testing.assert_close(masked(x)[0], expected, atol=1e-5, rtol=0)


def test_a_model_without_a_group_is_smaller_by_its_four_parts():
    model = make("llama")
    smaller = remove_groups(model, {FIRST: [1]})
    counts = [sum(p.numel() for p in m.parameters()) for m in (model, smaller)]
    # Two query heads and one of keys and values, each 4 wide, D = 12: q, o, k, v.
    assert counts[0] - counts[1] == 12 * (2 * 2 * 4 + 2 * 4)
    layer = smaller.get_submodule(FIRST)
    assert (layer.n_heads, layer.n_kv_heads) == (4, 2)
    assert smaller.get_submodule(LAST).n_heads == 6


@pytest.mark.parametrize("name", ["gpt", "llama"])
def test_a_smaller_model_generates_with_a_cache(name):
    smaller = remove_groups(make(name), {FIRST: [1], LAST: [0, 2]})
    prompt = torch.tensor([[1, 5, 2]])
    texts = [
        generate(smaller, prompt, 6, temperature=0, use_cache=use_cache)
        for use_cache in (True, False)
    ]
    assert texts[0].equal(texts[1])


@pytest.mark.parametrize("name", ["gpt", "llama"])
def test_gradient_importance_is_the_slope_of_the_loss_over_a_gate(name, token_ids):
    model = make(name).double()
    batches = [token_ids[:1], token_ids[1:]]
    found = gradient_importance(model, next_token_loss, batches)
    assert found.keys() == {FIRST, LAST}
    step = 1e-4
    for layer_name, values in found.items():
        layer = model.get_submodule(layer_name)
        width = layer.d_head * layer.n_heads // layer.n_kv_heads
        for group in range(layer.n_kv_heads):
            slopes = []
            for batch in batches:
                losses = []
                for gate in (1 + step, 1 - step):

                    def scaled(_m, args, gate=gate, group=group, width=width):
                        heads = args[0].clone()
                        heads[..., group * width : (group + 1) * width] *= gate
                        return (heads,)

                    handle = layer.o_proj.register_forward_pre_hook(scaled)
                    losses.append(next_token_loss(model, batch))
                    handle.remove()
                slopes.append(abs(losses[0] - losses[1]).item() / (2 * step))
            expected = sum(slopes) / len(slopes)
            assert values[group].item() == pytest.approx(expected, abs=1e-6)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_magnitude_importance_is_the_size_of_what_writes():
    model = make("llama")
    layer = model.get_submodule(LAST)
    with torch.no_grad():
        layer.o_proj.weight[:, 8:16] = 3.0  # the two query heads of the second group
        layer.o_proj.weight[::2, 8:16] = -3.0
    assert magnitude_importance(model)[LAST].argmax() == 1
    assert magnitude_importance(model)[LAST][1].item() == pytest.approx(3.0)


def test_the_least_important_go_and_each_layer_keeps_one():
    importance = {"a": torch.tensor([0.1, 0.2, 0.3]), "b": torch.tensor([0.9, 0.35])}
    assert least_important(importance, 0) == {}
    assert least_important(importance, 2) == {"a": [0, 1]}
    assert least_important(importance, 3) == {"a": [0, 1], "b": [1]}
    with pytest.raises(ValueError, match="n_groups = 4: between 0 and 3 can go"):
        least_important(importance, 4)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"blocks.7.attention": [0]}, "no attention layer 'blocks.7.attention'"),
        ({FIRST: [4]}, r"has the groups 0 to 3, got \[4\]"),
        ({FIRST: [-1]}, r"has the groups 0 to 3, got \[-1\]"),
        ({FIRST: [0, 1, 2, 3]}, "keep at least one"),
    ],
)
def test_heads_that_cannot_go_are_refused(groups, message):
    for function in (mask_groups, remove_groups):
        with pytest.raises(ValueError, match=message):
            function(make("gpt"), groups)


@pytest.mark.parametrize("change", [mask_groups, remove_groups])
def test_weights_that_are_not_stored_as_they_are_cannot_be_cut(change):
    quantised = quantize_model(make("gpt"), FORMATS["int8"])
    adapted = make("gpt")
    add_lora(adapted, 2, 4.0, pattern="q_proj")
    for model, name in ((quantised, "QuantizedLinear"), (adapted, "LoRALinear")):
        with pytest.raises(ValueError, match=f"{name}.* cut the plain model"):
            change(model, {FIRST: [0]})


def test_importance_is_that_of_evaluation_and_leaves_the_model_as_it_was(token_ids):
    model = GPT(GPTConfig(V, 10, 2, 4, 12, init_std=0.4, dropout=0.5)).train()
    model.blocks[0].eval()  # on purpose
    first, second = (
        gradient_importance(model, next_token_loss, [token_ids]) for _ in range(2)
    )
    assert all(first[name].equal(second[name]) for name in first)
    assert model.training and not model.blocks[0].training
    assert all(p.grad is None for p in model.parameters())


def test_a_model_with_a_bias_for_each_head_is_refused():
    model = T5(T5Config(V, 8, 1, 2, 8, 12, d_head=4))
    with pytest.raises(ValueError, match="position bias for each head"):
        remove_groups(model, {"encoder.0.attention": [0]})


def test_importance_needs_a_batch():
    with pytest.raises(ValueError, match="at least one batch"):
        gradient_importance(make("gpt"), next_token_loss, [])
