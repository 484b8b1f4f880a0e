"""GRPO and PPO raise rewards that can be checked, on a tiny task within seconds."""

import copy

import pytest
import torch
from torch import Tensor

from llm_notes.data.batching import IGNORE
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.training.divergence import TrainingDivergedError
from llm_notes.training.optim import SGD, AdamW
from llm_notes.training.reinforce import (
    GRPO,
    PPO,
    ActorCritic,
    GRPOConfig,
    PPOConfig,
    roll_out,
    score,
)
from llm_notes.training.reinforce.ppo import _standardised
from llm_notes.training.reinforce.update import Updates

VOCAB_SIZE, EOS = 6, 5
PROMPTS = torch.cartesian_prod(*[torch.arange(3)] * 3)  # all of three digits


def sortedness(prompt: list[int], answer: list[int]) -> float:
    """The share of places that hold what they would in the sorted prompt."""
    pairs = zip(answer, sorted(prompt), strict=False)
    return sum(a == b for a, b in pairs) / len(prompt)


@pytest.fixture
def model() -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(VOCAB_SIZE, 8, 1, 2, 16, init_std=0.1))


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_rollouts_hold_what_was_written_and_how_likely_it_was(model, generator):
    rollout = roll_out(model, PROMPTS, 4, EOS, generator)
    ended = (rollout.targets == EOS).any(dim=1)
    assert ended.any()
    assert not ended.all()
    log_p = model(rollout.inputs).log_softmax(-1)
    for b in range(len(PROMPTS)):
        assert rollout.prompts[b] == PROMPTS[b].tolist()
        written = [t for t in rollout.targets[b].tolist() if t != IGNORE]
        is_ended = bool(ended[b])
        assert rollout.answers[b] == (written[:-1] if is_ended else written)
        assert (written[-1] == EOS) == is_ended
        assert is_ended or len(written) == 4
        text = [*rollout.prompts[b], *written]
        n_read = len(text) - 1
        assert rollout.inputs[b, :n_read].tolist() == text[:-1]
        mask = [False] * 2 + [True] * len(written)
        mask += [False] * (rollout.mask.size(1) - len(mask))
        assert rollout.mask[b].tolist() == mask
        for t, is_written in enumerate(mask):
            expected = log_p[b, t, rollout.targets[b, t]].item() if is_written else 0
            assert rollout.log_probs[b, t].item() == pytest.approx(expected, abs=1e-5)


def test_tokens_are_drawn_as_often_as_they_are_likely(model, generator):
    prompt = PROMPTS[5:6]
    rollout = roll_out(model, prompt.expand(5000, -1), 1, generator=generator)
    drawn = torch.bincount(rollout.targets[:, -1], minlength=VOCAB_SIZE) / 5000
    expected = model(prompt)[0, -1].softmax(-1)
    torch.testing.assert_close(drawn, expected, atol=0.03, rtol=0)


def test_without_an_end_all_answers_are_full_and_seeds_repeat(model):
    runs = [
        roll_out(model, PROMPTS, 3, None, torch.Generator().manual_seed(4))
        for _ in range(2)
    ]
    assert runs[0].targets.equal(runs[1].targets)
    assert {len(answer) for answer in runs[0].answers} == {3}


def test_writing_stops_when_all_answers_have_ended(model, generator):
    with torch.no_grad():
        model.final_norm.weight.zero_()
        model.final_norm.bias.copy_(1000 * model.token_embedding.weight[1])
    rollout = roll_out(model, PROMPTS, 5, 1, generator)
    assert (rollout.targets[:, -1] == 1).all()
    assert rollout.inputs.size(1) == 3
    assert rollout.answers == [[]] * len(PROMPTS)


def test_rollouts_have_no_dropout_and_leave_the_mode_alone(generator):
    torch.manual_seed(0)
    model = GPT(GPTConfig(VOCAB_SIZE, 8, 1, 2, 16, dropout=0.5)).train()
    rollout = roll_out(model, PROMPTS, 3, None, generator)
    assert model.training
    log_p = model.eval()(rollout.inputs).log_softmax(-1)
    expected = log_p[:, 2:].gather(-1, rollout.targets[:, 2:, None]).squeeze(-1)
    torch.testing.assert_close(rollout.log_probs[:, 2:], expected, atol=1e-5, rtol=0)


def test_a_policy_that_cannot_write_on_has_its_mode_back(model):
    model.train()
    with pytest.raises(ValueError, match="context_length"):
        roll_out(model, PROMPTS, 99)
    assert model.training


def test_rewards_see_prompt_and_answer_and_must_be_numbers(model, generator):
    rollout = roll_out(model, PROMPTS, 3, None, generator)
    rewards = score(rollout, sortedness)
    expected = [
        sortedness(p, a) for p, a in zip(rollout.prompts, rollout.answers, strict=True)
    ]
    assert rewards.tolist() == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"reward of \[.*\] to \[0, 0, 0\] is not"):
        score(rollout, lambda prompt, answer: float("nan"))


def test_grpo_learns_to_sort(model, generator):
    optimizer = AdamW(model.parameters(), 1e-2)
    grpo = GRPO(model, optimizer, sortedness, GRPOConfig(n_new=3), generator)
    rounds = [grpo.step(PROMPTS) for _ in range(25)]
    assert rounds[0].reward < 0.35
    assert rounds[-1].reward > 0.8
    assert rounds[0].kl == 0
    assert rounds[0].length == 3


def test_ppo_learns_to_sort(model, generator):
    critic = ActorCritic(model)
    optimizer = AdamW(critic.parameters(), 1e-2)
    config = PPOConfig(n_new=3, entropy_weight=0.01)
    ppo = PPO(critic, optimizer, sortedness, config, generator)
    rounds = [ppo.step(PROMPTS.repeat(4, 1)) for _ in range(16)]
    assert rounds[0].reward < 0.35
    assert rounds[-1].reward > 0.75


@pytest.mark.parametrize("kind", ["grpo", "ppo"])
def test_a_pull_to_the_reference_keeps_the_policy_near(kind):
    distances = []
    for kl_weight in (0.05, 5.0):
        torch.manual_seed(0)
        model = GPT(GPTConfig(VOCAB_SIZE, 8, 1, 2, 16, init_std=0.1))
        generator = torch.Generator().manual_seed(0)
        if kind == "grpo":
            config = GRPOConfig(n_new=3, kl_weight=kl_weight)
            optimizer = AdamW(model.parameters(), 1e-2)
            method = GRPO(model, optimizer, sortedness, config, generator)
        else:
            critic = ActorCritic(model)
            optimizer = AdamW(critic.parameters(), 1e-2)
            config = PPOConfig(n_new=3, kl_weight=kl_weight)
            method = PPO(critic, optimizer, sortedness, config, generator)
        rounds = [method.step(PROMPTS.repeat(2, 1)) for _ in range(8)]
        assert rounds[0].kl == pytest.approx(0, abs=1e-5)
        distances.append(rounds[-1].kl)
        assert all(p.grad is None for p in method.reference.parameters())
    assert distances[0] > 2 * abs(distances[1])


def test_first_update_of_grpo_is_reinforce_with_the_groups_mean_as_baseline(model):
    config = GRPOConfig(n_new=3, n_answers=4, n_epochs=1, eos_id=EOS, max_grad_norm=1e9)
    twin = copy.deepcopy(model)
    GRPO(
        model,
        SGD(model.parameters(), lr=1.0),
        sortedness,
        config,
        torch.Generator().manual_seed(1),
    ).step(PROMPTS)

    prompts = PROMPTS.repeat_interleave(4, dim=0)
    rollout = roll_out(twin, prompts, 3, EOS, torch.Generator().manual_seed(1))
    loss = torch.zeros(())
    for first in range(0, len(prompts), 4):
        group = range(first, first + 4)
        rewards = [sortedness(rollout.prompts[i], rollout.answers[i]) for i in group]
        rewards = torch.tensor(rewards)
        deviation = rewards.std(correction=0) + 1e-6
        for i, reward in zip(group, rewards, strict=True):
            written = rollout.mask[i].nonzero()[:, 0]
            log_p = twin(rollout.inputs[i : i + 1])[0].log_softmax(-1)
            log_p = log_p[written, rollout.targets[i, written]].mean()
            loss = loss - (reward - rewards.mean()) / deviation * log_p
    (loss / len(prompts)).backward()
    for ours, p in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, p - p.grad, atol=1e-5, rtol=0)


def test_the_reward_comes_last_and_each_token_pays_for_its_distance(model, generator):
    critic = ActorCritic(model)
    optimizer = SGD(critic.parameters(), lr=0.0)
    ppo = PPO(critic, optimizer, sortedness, PPOConfig(4, EOS, kl_weight=0.3))
    with torch.no_grad():
        for p in ppo.reference.parameters():
            p.add_(0.3 * torch.randn(p.shape, generator=generator))
    rollout = roll_out(model, PROMPTS, 4, EOS, generator)
    rewards = torch.arange(1.0, len(PROMPTS) + 1)
    by_token, kl = ppo._token_rewards(rollout, rewards)
    log_p = ppo.reference(rollout.inputs).log_softmax(-1)
    distances = []
    for b in range(len(PROMPTS)):
        written = rollout.mask[b].nonzero()[:, 0].tolist()
        for t in range(rollout.mask.size(1)):
            expected = 0.0
            if t in written:
                reference = log_p[b, t, rollout.targets[b, t]].item()
                distances.append(rollout.log_probs[b, t].item() - reference)
                expected = -0.3 * distances[-1]
                expected += rewards[b].item() if t == written[-1] else 0.0
            assert by_token[b, t].item() == pytest.approx(expected, abs=1e-4)
    assert kl == pytest.approx(sum(distances) / len(distances), abs=1e-5)


def test_values_begin_at_zero_and_logits_are_the_policys(model):
    critic = ActorCritic(model)
    logits, values = critic(PROMPTS)
    assert logits.equal(model(PROMPTS))
    assert values.shape == PROMPTS.shape
    assert (values == 0).all()


def test_critic_learns_what_to_expect(model, generator):
    critic = ActorCritic(model)
    config = PPOConfig(n_new=1, value_clip=None, value_weight=1.0)
    optimizer = AdamW(critic.value_head.parameters(), 5e-2)
    ppo = PPO(critic, optimizer, lambda p, a: 2.0, config, generator)
    for _ in range(40):
        ppo.step(PROMPTS)
    _, values = critic(PROMPTS)
    torch.testing.assert_close(
        values[:, -1], torch.full((len(PROMPTS),), 2.0), atol=0.3, rtol=0
    )


def test_standardised_advantages_leave_padding_out():
    mask = torch.tensor([[True, True, False], [True, False, False]])
    values: Tensor = torch.tensor([[1.0, 3.0, 99.0], [5.0, 99.0, 99.0]])
    result = _standardised(values, mask)
    expected = torch.tensor([[-1.224745, 0.0, 0.0], [1.224745, 0.0, 0.0]])
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: roll_out(m, PROMPTS[0], 3), r"prompts have the shape \(3,\)"),
        (lambda m: roll_out(m, PROMPTS[:, :0], 3), "must be"),
        (lambda m: roll_out(m, PROMPTS, 0), "n_new is 0"),
        (lambda m: GRPOConfig(3, n_answers=1), "n_answers is 1"),
        (lambda m: GRPOConfig(3, n_epochs=0), "n_epochs 0"),
        (lambda m: PPOConfig(3, n_epochs=0), "n_epochs is 0"),
    ],
)
def test_impossible_settings_are_refused(model, call, message):
    with pytest.raises(ValueError, match=message):
        call(model)


@pytest.mark.parametrize("kind", ["grpo", "ppo"])
def test_an_update_is_no_longer_than_its_bound(model, generator, kind):
    if kind == "grpo":
        config = GRPOConfig(n_new=3, n_epochs=1, max_grad_norm=1e-3)
        optimizer = SGD(model.parameters(), lr=1.0)
        method = GRPO(model, optimizer, sortedness, config, generator)
    else:
        critic = ActorCritic(model)
        config = PPOConfig(n_new=3, n_epochs=1, max_grad_norm=1e-3)
        optimizer = SGD(critic.parameters(), lr=1.0)
        method = PPO(critic, optimizer, sortedness, config, generator)
    params = optimizer.param_groups[0]["params"]
    before = [p.detach().clone() for p in params]
    method.step(PROMPTS)
    moved = [(p.detach() - old).norm() for p, old in zip(params, before, strict=True)]
    assert torch.stack(moved).norm().item() == pytest.approx(1e-3, rel=0.01)


@pytest.mark.parametrize("kind", ["grpo", "ppo"])
def test_a_loss_that_is_no_number_leaves_the_weights_as_they_were(
    model, generator, kind
):
    def reward(prompt: list[int], answer: list[int]) -> float:
        return 3e38 if answer[0] == 1 else -3e38  # finite, but their sum is not

    if kind == "grpo":
        optimizer = AdamW(model.parameters(), 1e-2)
        method = GRPO(model, optimizer, reward, GRPOConfig(n_new=3), generator)
    else:
        critic = ActorCritic(model)
        optimizer = AdamW(critic.parameters(), 1e-2)
        method = PPO(critic, optimizer, reward, PPOConfig(n_new=3), generator)
    before = copy.deepcopy(method.model.state_dict())
    with pytest.raises(TrainingDivergedError, match=r"step 0: loss (nan|-?inf)"):
        method.step(PROMPTS)
    for name, weight in method.model.state_dict().items():
        assert weight.equal(before[name]), name


def test_an_error_counts_the_updates_before_it_and_keeps_what_they_learned():
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(layer.weight)
    updates = Updates(layer, SGD(layer.parameters(), lr=0.5), max_grad_norm=10.0)
    assert updates.make(layer.weight.square().sum()) == 1  # its gradient is 2
    assert layer.weight.item() == 0
    # The square root of 0 is a number, and its slope is not.
    with pytest.raises(TrainingDivergedError, match=r"step 1: loss 0\.0, gradient"):
        updates.make(layer.weight.sqrt().sum())
    assert layer.weight.item() == 0


def test_what_was_expected_is_asked_without_dropout(generator):
    torch.manual_seed(0)
    policy = GPT(GPTConfig(VOCAB_SIZE, 8, 1, 2, 16, dropout=0.5, init_std=0.1))
    critic = ActorCritic(policy).train()
    torch.nn.init.normal_(critic.value_head.weight)
    asked = []
    critic.register_forward_hook(lambda module, inputs, y: asked.append((*inputs, y)))
    optimizer = SGD(critic.parameters(), lr=0.0)
    config = PPOConfig(3, n_epochs=1)
    PPO(critic, optimizer, sortedness, config, generator).step(PROMPTS)
    assert critic.training
    assert policy.training
    (inputs, (_, old_values)), (_, (_, values)) = asked
    _, expected = critic.eval()(inputs)
    torch.testing.assert_close(old_values, expected, atol=1e-5, rtol=0)
    assert (values - expected).abs().max() > 0.1  # what learns has dropout


@pytest.mark.parametrize("kind", ["grpo", "ppo"])
def test_the_reference_has_no_dropout(generator, kind):
    torch.manual_seed(0)
    model = GPT(GPTConfig(VOCAB_SIZE, 8, 1, 2, 16, dropout=0.5, init_std=0.1)).train()
    if kind == "grpo":
        config = GRPOConfig(n_new=3, kl_weight=0.1)
        method = GRPO(model, SGD(model.parameters()), sortedness, config, generator)
    else:
        critic = ActorCritic(model)
        config = PPOConfig(n_new=3, kl_weight=0.1)
        method = PPO(critic, SGD(critic.parameters()), sortedness, config, generator)
    assert not any(p.requires_grad for p in method.reference.parameters())
    assert method.step(PROMPTS).kl == pytest.approx(0, abs=1e-5)


def test_entropy_grows_where_it_is_rewarded_and_nothing_else_is(model, generator):
    critic = ActorCritic(model)
    optimizer = AdamW(critic.parameters(), 1e-2, weight_decay=0.0)
    config = PPOConfig(n_new=1, entropy_weight=1.0)
    with torch.no_grad():
        model.token_embedding.weight.mul_(3)  # far from uniform

    def nats() -> float:
        return torch.distributions.Categorical(logits=model(PROMPTS)).entropy().mean()

    before = nats()
    ppo = PPO(critic, optimizer, lambda prompt, answer: 0.0, config, generator)
    for _ in range(3):
        ppo.step(PROMPTS)
    assert nats() > before + 0.05


def test_size_of_the_rewards_does_not_change_the_policys_update(model):
    config = PPOConfig(n_new=2, n_epochs=1, value_weight=0.0, max_grad_norm=1e9)
    weights = []
    for scale in (1.0, 1000.0):
        critic = ActorCritic(copy.deepcopy(model))
        generator = torch.Generator().manual_seed(2)
        PPO(
            critic,
            SGD(critic.parameters(), lr=0.5),
            lambda prompt, answer, scale=scale: scale * sortedness(prompt, answer),
            config,
            generator,
        ).step(PROMPTS)
        weights.append(torch.cat([p.flatten() for p in critic.policy.parameters()]))
    torch.testing.assert_close(weights[0], weights[1], atol=1e-4, rtol=0)
