"""A mixture of experts: who goes where, what comes out, and what imbalance costs."""

import pytest
import torch
from torch import nn
from transformers import MixtralConfig
from transformers.models.mixtral.modeling_mixtral import (
    MixtralTopKRouter,
    load_balancing_loss_func,
)

from llm_notes.models.layers.feedforward import GatedFeedForward
from llm_notes.models.layers.moe import (
    MixtureOfExperts,
    load_balancing_loss,
    record_router_logits,
)

B, T, D, F, E, N_ACTIVE = 2, 7, 6, 9, 5, 3


def build(n_experts: int = E, n_active: int = N_ACTIVE) -> MixtureOfExperts:
    torch.manual_seed(0)
    experts = [GatedFeedForward(D, F) for _ in range(n_experts)]
    return MixtureOfExperts(D, experts, n_active)


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(B, T, D, generator=torch.Generator().manual_seed(1))


def assert_close(ours: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("n_active", range(1, E + 1))
def test_tokens_choose_the_experts_that_they_choose_in_transformers(x, n_active):
    mixture = build(n_active=n_active)
    config = MixtralConfig(
        hidden_size=D, num_local_experts=E, num_experts_per_tok=n_active
    )
    router = MixtralTopKRouter(config)
    router.load_state_dict(mixture.router.state_dict())
    _, expected_weights, expected = router(x)
    weights, chosen = mixture.route(x.flatten(0, 1))
    assert chosen.equal(expected)
    assert_close(weights, expected_weights)


@pytest.mark.parametrize("n_active", range(1, E + 1))
def test_output_equals_its_formula_token_by_token(x, n_active):
    mixture = build(n_active=n_active)
    output = mixture(x)
    assert output.shape == (B, T, D)
    for b in range(B):
        for t in range(T):
            p = (x[b, t] @ mixture.router.weight.T).softmax(0)
            best = sorted(range(E), key=lambda i: -p[i].item())[:n_active]
            expected = sum(p[i] * mixture.experts[i](x[b, t]) for i in best)
            assert_close(output[b, t], expected / sum(p[i] for i in best))


def test_a_mixture_of_one_expert_is_that_expert(x):
    mixture = build(n_experts=1, n_active=1)
    assert_close(mixture(x), mixture.experts[0](x))


def test_equal_experts_make_a_dense_layer(x):
    mixture = build()
    for expert in mixture.experts:
        expert.load_state_dict(mixture.experts[0].state_dict())
    assert_close(mixture(x), mixture.experts[0](x))


def test_an_expert_sees_only_the_tokens_that_chose_it(x):
    mixture = build()
    seen: list[int] = []
    for expert in mixture.experts:
        expert.register_forward_hook(lambda _m, args, _o: seen.append(len(args[0])))
    mixture(x)
    _, chosen = mixture.route(x.flatten(0, 1))
    counts = torch.bincount(chosen.flatten(), minlength=E).tolist()
    assert seen == [count for count in counts if count]
    assert sum(seen) == B * T * N_ACTIVE


def test_an_expert_that_nobody_chose_is_left_alone(x):
    mixture = build(n_active=1)
    with torch.no_grad():
        mixture.router.weight.zero_()
        mixture.router.weight[2, 0] = 1e3
    mixture(x[..., :1].abs().expand(B, T, D)).sum().backward()
    touched = [e.down_proj.weight.grad is not None for e in mixture.experts]
    assert touched == [False, False, True, False, False]


def test_the_router_learns_from_the_output(x):
    mixture = build(n_active=2)
    mixture(x).square().sum().backward()
    assert mixture.router.weight.grad.abs().max() > 1e-4


@pytest.mark.parametrize("n_active", [0, E + 1])
def test_impossible_numbers_of_active_experts_are_refused(n_active):
    with pytest.raises(ValueError, match=rf"n_active = {n_active}: .* all 5 experts"):
        build(n_active=n_active)


@pytest.mark.parametrize("n_active", [1, 2, E])
def test_load_balancing_loss_equals_transformers(n_active):
    generator = torch.Generator().manual_seed(0)
    # As many layers as there could be experts or tokens would hide a swapped axis.
    layers = tuple(torch.randn(B * T, E, generator=generator) for _ in range(4))
    expected = load_balancing_loss_func(layers, E, n_active)
    assert_close(load_balancing_loss(torch.cat(layers), n_active), expected)
    assert_close(load_balancing_loss(torch.stack(layers), n_active), expected)


def test_balance_costs_k_and_collapse_costs_the_number_of_experts():
    balanced = 1e-3 * torch.eye(E).repeat(4, 1)  # each expert is best for as many
    assert_close(load_balancing_loss(balanced, 1), torch.tensor(1.0))
    assert_close(load_balancing_loss(torch.zeros(9, E), 3), torch.tensor(3.0))
    collapsed = torch.zeros(9, E)
    collapsed[:, 2] = 100.0
    assert_close(load_balancing_loss(collapsed, 1), torch.tensor(float(E)))


def test_the_loss_pulls_tokens_away_from_the_crowd():
    logits = torch.zeros(9, E)
    logits[:, 2] = 1.0
    logits.requires_grad_()
    load_balancing_loss(logits, 1).backward()
    assert (logits.grad[:, 2] > 0).all()  # descent lowers the crowded expert
    assert (logits.grad[:, [0, 1, 3, 4]] < 0).all()


def test_router_logits_are_recorded_in_the_order_of_layers(x):
    first, second = build(), build(n_experts=4, n_active=2)
    model = nn.Sequential(first, nn.Linear(D, D), second)
    with record_router_logits(model) as logits:
        model(x)
    assert [tuple(one.shape) for one in logits] == [(B * T, E), (B * T, 4)]
    assert_close(logits[0], first.router(x.flatten(0, 1)))
    sum(load_balancing_loss(one, 2) for one in logits).backward()
    assert first.router.weight.grad is not None
    assert second.router.weight.grad is not None


def test_recording_ends_with_the_context_even_after_an_error(x):
    model = build()
    with pytest.raises(RuntimeError), record_router_logits(model) as logits:
        model(x)
        model(x[..., :-1])  # too narrow
    assert len(logits) == 1
    model(x)
    assert len(logits) == 1


def test_experts_may_answer_in_half_precision(x):
    mixture = build(n_active=E)  # rounding could change the choice of fewer
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = mixture(x)
    assert output.dtype == torch.float32
    torch.testing.assert_close(output, mixture(x), atol=0.02, rtol=0.02)
