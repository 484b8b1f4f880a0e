"""PPO and GRPO equal their formulas written as loops, also in their gradients."""

import math

import numpy as np
import pytest
import torch

from llm_notes.training.losses import (
    entropy,
    generalised_advantages,
    group_advantages,
    grpo_loss,
    kl_estimate,
    masked_mean,
    ppo_policy_loss,
    ppo_value_loss,
)

B, T = 3, 5
MASK = torch.tensor([[0, 1, 1, 1, 0], [1, 1, 1, 1, 1], [0, 0, 1, 0, 0]]).bool()


@pytest.fixture
def numbers() -> list[torch.Tensor]:
    """Four tables (B, T) of float64."""
    generator = torch.Generator().manual_seed(0)
    return list(torch.randn(4, B, T, generator=generator, dtype=torch.float64))


def places() -> list[tuple[int, int]]:
    return [(b, t) for b in range(B) for t in range(T) if MASK[b, t]]


def test_masked_mean_counts_the_mask_alone(numbers):
    values = numbers[0].masked_fill(~MASK, math.nan)
    expected = np.mean([values[place].item() for place in places()])
    assert masked_mean(values, MASK).item() == pytest.approx(expected)
    assert masked_mean(values, torch.zeros_like(MASK)) == 0


@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 0.95), (0.9, 0.5), (0.8, 0.0)])
def test_advantages_equal_the_sum_of_discounted_errors(numbers, gamma, lam):
    rewards, values = numbers[:2]
    advantages, returns = generalised_advantages(rewards, values, MASK, gamma, lam)
    for b in range(B):
        real = [t for t in range(T) if MASK[b, t]]
        for t in range(T):
            expected = 0.0
            for later in real:
                if later >= t and MASK[b, t]:
                    after = values[b, later + 1].item() if later + 1 in real else 0.0
                    error = rewards[b, later] + gamma * after - values[b, later]
                    expected += (gamma * lam) ** (later - t) * error.item()
            assert advantages[b, t].item() == pytest.approx(expected, abs=1e-10)
            if MASK[b, t]:
                total = expected + values[b, t].item()
                assert returns[b, t].item() == pytest.approx(total, abs=1e-10)


def test_with_lambda_one_returns_are_the_rewards_still_to_come(numbers):
    rewards, values = numbers[:2]
    _, returns = generalised_advantages(rewards, values, MASK, 1.0, 1.0)
    earned = rewards.masked_fill(~MASK, 0.0)
    to_come = earned.flip(1).cumsum(1).flip(1)
    torch.testing.assert_close(returns[MASK], to_come[MASK], atol=1e-10, rtol=0)


def test_clipped_objective_and_its_gradient(numbers):
    new, old, advantages = numbers[0].requires_grad_(), numbers[1], numbers[2]
    loss = ppo_policy_loss(new, old, advantages, MASK, clip=0.3)
    total, gradient = 0.0, np.zeros((B, T))
    for b, t in places():
        ratio = math.exp((new[b, t] - old[b, t]).item())
        a = advantages[b, t].item()
        clipped = min(max(ratio, 0.7), 1.3)
        total -= min(ratio * a, clipped * a) / len(places())
        # It stops where the ratio has gone as far as it may in the good direction.
        stops = (a > 0 and ratio > 1.3) or (a < 0 and ratio < 0.7)
        gradient[b, t] = 0.0 if stops else -ratio * a / len(places())
    assert loss.item() == pytest.approx(total, abs=1e-10)
    loss.backward()
    np.testing.assert_allclose(new.grad, gradient, atol=1e-10)


@pytest.mark.parametrize("clip", [0.2, None])
def test_value_loss_takes_the_worse_of_clipped_and_plain(numbers, clip):
    values, old, returns = numbers[0].requires_grad_(), numbers[1], numbers[2]
    loss = ppo_value_loss(values, old, returns, MASK, clip)
    total = 0.0
    for place in places():
        v, o, r = (x[place].item() for x in (values, old, returns))
        near = v if clip is None else min(max(v, o - clip), o + clip)
        total += 0.5 * max((v - r) ** 2, (near - r) ** 2) / len(places())
    assert loss.item() == pytest.approx(total, abs=1e-10)
    assert torch.autograd.gradcheck(
        lambda v: ppo_value_loss(v, old, returns, MASK, clip), values
    )


def test_entropy_equals_pytorchs_distribution(numbers):
    logits = torch.stack(numbers, dim=-1)  # (B, T, 4)
    expected = torch.distributions.Categorical(logits=logits).entropy()[MASK].mean()
    torch.testing.assert_close(entropy(logits, MASK), expected, atol=1e-10, rtol=0)
    ruled_out = torch.tensor([[[0.0, 0.0, -torch.inf]]], requires_grad=True)
    value = entropy(ruled_out, torch.ones(1, 1, dtype=torch.bool))
    value.backward()
    assert value.item() == pytest.approx(math.log(2))
    assert ruled_out.grad.isfinite().all()


def test_mean_of_the_estimate_is_the_divergence_and_it_is_never_negative():
    p = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    reference = torch.tensor([0.1, 0.6, 0.3], dtype=torch.float64)
    estimates = kl_estimate(p.log(), reference.log())
    assert (estimates >= 0).all()
    divergence = (p * (p / reference).log()).sum()
    torch.testing.assert_close((p * estimates).sum(), divergence, atol=1e-10, rtol=0)


def test_group_advantages_have_mean_zero_and_deviation_one():
    rewards = torch.tensor([[1.0, 0.0, 0.0, 1.0], [5.0, 5.0, 5.0, 5.0], [0, 1, 2, 3]])
    advantages = group_advantages(rewards)
    torch.testing.assert_close(
        advantages[0], torch.tensor([1.0, -1.0, -1.0, 1.0]), atol=1e-4, rtol=0
    )
    assert (advantages[1] == 0).all()
    assert advantages[2].std(correction=0).item() == pytest.approx(1, abs=1e-4)
    centred = group_advantages(rewards, divide_by_std=False)
    assert centred[2].tolist() == [-1.5, -0.5, 0.5, 1.5]


@pytest.mark.parametrize("by_token", [False, True])
def test_grpo_equals_its_formula(numbers, by_token):
    new, old, reference = numbers[:3]
    advantages = torch.tensor([1.5, -0.5, 0.8], dtype=torch.float64)
    loss = grpo_loss(new, old, advantages, MASK, 0.2, reference, 0.3, by_token)
    total = 0.0
    for b, t in places():
        ratio = math.exp((new[b, t] - old[b, t]).item())
        a = advantages[b].item()
        d = (reference[b, t] - new[b, t]).item()
        term = min(ratio * a, min(max(ratio, 0.8), 1.2) * a)
        term -= 0.3 * (math.exp(d) - d - 1)
        total -= term / (len(places()) if by_token else B * MASK[b].sum().item())
    assert loss.item() == pytest.approx(total, abs=1e-10)


def test_on_fresh_answers_grpo_is_reinforce_with_the_groups_mean_as_baseline(numbers):
    """At ratio 1 nothing is clipped, and the gradient is A grad log pi."""
    rewards = torch.tensor([[1.0, 0.0, 0.5]], dtype=torch.float64)
    new = numbers[0].requires_grad_()
    advantages = group_advantages(rewards, divide_by_std=False).flatten()
    grpo_loss(new, new.detach(), advantages, MASK).backward()
    grpo_gradient, new.grad = new.grad, None
    baseline = rewards.mean()
    of_each = new.masked_fill(~MASK, 0.0).sum(1) / MASK.sum(1)
    reinforce = -((rewards.flatten() - baseline) * of_each).mean()
    reinforce.backward()
    torch.testing.assert_close(grpo_gradient, new.grad, atol=1e-12, rtol=0)


def test_old_policy_reference_and_advantages_get_no_gradient(numbers):
    new, old, reference, advantages = (x.requires_grad_() for x in numbers)
    loss = ppo_policy_loss(new, old, advantages, MASK)
    loss = loss + grpo_loss(new, old, advantages[:, 0], MASK, 0.2, reference, 0.1)
    loss = loss + ppo_value_loss(new, old, reference, MASK)
    loss.backward()
    assert new.grad is not None
    assert old.grad is reference.grad is advantages.grad is None
    for result in generalised_advantages(new, old, MASK):
        assert not result.requires_grad


@pytest.mark.parametrize("difference", [1e4, -1e4])
@pytest.mark.parametrize("advantage", [1.0, -1.0])
def test_far_policies_have_finite_losses_and_gradients(difference, advantage):
    new = torch.full((2, 3), difference, requires_grad=True)
    mask = torch.ones(2, 3, dtype=torch.bool)
    old = torch.zeros(2, 3)
    loss = grpo_loss(new, old, torch.full((2,), advantage), mask, 0.2, old, 0.1)
    loss.backward()
    assert loss.isfinite()
    assert new.grad.isfinite().all()


def test_a_far_reference_never_pushes_the_policy_away(numbers):
    near = torch.zeros(1, requires_grad=True)
    for distance in (1.0, 30.0, 1e4):
        near.grad = None
        kl_estimate(near, torch.tensor([distance])).backward()
        assert near.grad.item() <= 0  # a step downhill raises the probability


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: group_advantages(x[:, :1]), "at least 2 answers"),
        (lambda x: group_advantages(x[0]), r"shape \(5,\)"),
        (lambda x: grpo_loss(x, x, x, MASK), r"so it must be \(3,\)"),
        (
            lambda x: grpo_loss(x, x, x[:, 0], MASK, kl_weight=0.1),
            "kl_weight is 0.1 and there is no reference",
        ),
        (lambda x: ppo_policy_loss(x, x, x, MASK, clip=0), "clip is 0"),
        (lambda x: generalised_advantages(x, x, MASK, gamma=1.1), "gamma is 1.1"),
        (lambda x: generalised_advantages(x, x, MASK, lam=-0.1), "lam is -0.1"),
    ],
)
def test_what_does_not_fit_is_refused(numbers, call, message):
    with pytest.raises(ValueError, match=message):
        call(numbers[0])
