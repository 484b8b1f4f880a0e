"""Several rules look like one optimiser; parameters go to the right one."""

import copy

import pytest
import torch
from torch import nn

from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.llama import Llama, LlamaConfig
from llm_notes.training.optim import (
    SGD,
    AdamW,
    CombinedOptimizer,
    Lion,
    Muon,
    hidden_matrices,
    muon_with_adamw,
    parameter_groups,
)


@pytest.fixture
def gpt() -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(9, 8, n_layers=1, n_heads=2, d_model=4))


def names_of(model: nn.Module, groups: list[dict]) -> set[str]:
    wanted = {id(p) for group in groups for p in group["params"]}
    return {name for name, p in model.named_parameters() if id(p) in wanted}


def give_gradients(model: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for p in model.parameters():
        p.grad = torch.randn(p.shape, generator=generator)


def test_matrices_decay_and_vectors_do_not(gpt):
    matrices, vectors = parameter_groups(gpt, 0.3, lr=0.7)
    assert (matrices["weight_decay"], vectors["weight_decay"]) == (0.3, 0.0)
    assert matrices["lr"] == vectors["lr"] == 0.7
    assert {p.dim() for p in matrices["params"]} == {2}
    assert {p.dim() for p in vectors["params"]} == {1}
    n_all = len(list(gpt.parameters()))
    assert len(matrices["params"]) + len(vectors["params"]) == n_all


def test_frozen_parameters_are_in_no_group(gpt):
    for name, p in gpt.named_parameters():
        p.requires_grad_(name.endswith("up_proj.weight"))
    (group,) = parameter_groups(gpt, 0.1)
    assert names_of(gpt, [group]) == {"blocks.0.feed_forward.up_proj.weight"}


def test_hidden_matrices_are_the_linear_layers_between_the_ends(gpt):
    hidden, others = hidden_matrices(gpt, 0.3)
    assert names_of(gpt, hidden) == {
        *(f"blocks.0.attention.{x}_proj.weight" for x in "qkvo"),
        "blocks.0.feed_forward.up_proj.weight",
        "blocks.0.feed_forward.down_proj.weight",
    }
    matrices, vectors = others
    assert names_of(gpt, [matrices]) == {
        "token_embedding.weight",
        "position_embedding.weight",
    }
    assert matrices["weight_decay"] == hidden[0]["weight_decay"] == 0.3
    assert vectors["weight_decay"] == 0.0


def test_an_untied_head_is_not_hidden_and_experts_are():
    config = LlamaConfig(
        vocab_size=9,
        context_length=8,
        n_layers=1,
        n_heads=2,
        n_kv_heads=1,
        d_model=4,
        d_ff=6,
        tied=False,
        n_experts=2,
        n_active_experts=1,
    )
    model = Llama(config)
    hidden, others = hidden_matrices(model, 0.0)
    assert "head.weight" in names_of(model, others)
    assert "blocks.0.feed_forward.experts.1.up_proj.weight" in names_of(model, hidden)


def test_each_parameter_follows_its_own_rule(gpt):
    twin = copy.deepcopy(gpt)
    optimizer = muon_with_adamw(gpt, 0.02, adamw_lr=0.003, weight_decay=0.1)
    hidden, others = hidden_matrices(twin, 0.1)
    muon = Muon(hidden, 0.02, adjust_lr_fn="match_rms_adamw")
    adamw = torch.optim.AdamW(others, 0.003, betas=(0.9, 0.95))
    for seed in range(5):
        for model in (gpt, twin):
            give_gradients(model, seed)
        optimizer.step()
        muon.step()
        adamw.step()
    for ours, theirs in zip(gpt.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)


def test_a_rate_set_on_the_whole_reaches_the_parts(gpt):
    optimizer = muon_with_adamw(gpt, 0.02, weight_decay=0.1)
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    before = [p.clone() for p in gpt.parameters()]
    give_gradients(gpt, 0)
    optimizer.step()
    for old, new in zip(before, gpt.parameters(), strict=True):
        assert old.equal(new)


@pytest.mark.parametrize("fused", [False, True])
def test_the_whole_saves_and_loads_as_one(gpt, fused):
    def build(model, lr):
        hidden, others = hidden_matrices(model, 0.1)
        adamw = torch.optim.AdamW(others, lr, fused=fused)
        return CombinedOptimizer([Muon(hidden, lr), adamw])

    first = build(gpt, 0.01)
    for seed in range(3):
        give_gradients(gpt, seed)
        first.step()
    twin = copy.deepcopy(gpt)
    second = build(twin, 0.5)
    second.load_state_dict(copy.deepcopy(first.state_dict()))  # as from disk
    assert len(second.state_dict()["state"]) == len(list(gpt.parameters()))
    for seed in range(3, 6):
        for model, optimizer in ((gpt, first), (twin, second)):
            give_gradients(model, seed)
            optimizer.step()
            # The rate of the whole still reaches the parts after loading.
            for group in optimizer.param_groups:
                group["lr"] = 0.02
    for ours, theirs in zip(gpt.parameters(), twin.parameters(), strict=True):
        assert ours.equal(theirs)


def test_parts_that_have_already_stepped_keep_their_state():
    weight, twin, other = torch.ones(2), torch.ones(2), torch.ones(3)
    runs = [SGD([weight], momentum=0.9), SGD([twin], momentum=0.9)]
    weight.grad = twin.grad = torch.tensor([1.0, 2.0])
    for optimizer in runs:
        optimizer.step()
    runs[0] = CombinedOptimizer([runs[0], Lion([other])])
    for optimizer in runs:
        optimizer.step()
    assert weight.equal(twin)


def test_the_closure_is_called_once():
    a, b = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = CombinedOptimizer([SGD([a], lr=0.5), SGD([b], lr=0.25)])
    calls = []

    def closure():
        loss = (a + b).sum()
        loss.backward()
        calls.append(1)
        return loss.item()

    assert optimizer.step(closure) == 4.0
    assert len(calls) == 1
    assert (a.tolist(), b.tolist()) == ([0.5, 0.5], [0.75, 0.75])


def test_what_cannot_be_combined_is_refused(gpt):
    weight = torch.ones(2, 2)
    with pytest.raises(ValueError, match="no optimiser to combine"):
        CombinedOptimizer([])
    with pytest.raises(ValueError, match="more than one"):
        CombinedOptimizer([AdamW([weight]), Muon([weight])])
    with pytest.raises(ValueError, match="which rule a new group wants"):
        muon_with_adamw(gpt).add_param_group({"params": [weight]})
    with pytest.raises(ValueError, match="no linear layer of Embedding is hidden"):
        muon_with_adamw(nn.Embedding(3, 2))


def test_a_model_of_hidden_matrices_alone_needs_no_adamw():
    optimizer = muon_with_adamw(nn.Linear(3, 2, bias=False))
    assert [type(part) for part in optimizer.optimizers] == [Muon]
