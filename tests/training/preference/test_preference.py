"""Reward models and DPO tell better answers from worse ones, on tiny data."""

import copy
from functools import partial

import pytest
import torch
from torch import Tensor

from llm_notes.data.batching import IGNORE, ChatTemplate
from llm_notes.data.tasks.preferences import Preference, preferences
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.training.batches import ListBatches
from llm_notes.training.config import TrainingConfig
from llm_notes.training.losses import dpo_loss, reward_model_loss
from llm_notes.training.preference import (
    DPOLoss,
    RewardModel,
    answer_log_probs,
    collate_pairs_of_answers,
    dpo_accuracy,
    encode_preferences,
    pairwise_reward_loss,
    reward_accuracy,
)
from llm_notes.training.trainer import Trainer

TEMPLATE = ChatTemplate({"user": 26, "assistant": 27}, end_id=28)
VOCAB_SIZE, CONTEXT_LENGTH = 29, 12
RUN = TrainingConfig(40, learning_rate=1e-2, n_warmup=3, dtype="float32")


def encode(text: str) -> list[int]:
    return [ord(letter) - ord("a") for letter in text]


def pair(prompt: str, chosen: str, rejected: str) -> Preference:
    return Preference("en-1", "en", "facts", prompt, chosen, rejected, "incorrect")


PAIRS = [
    pair("ab", "good", "bad"),
    pair("c", "good", "worst"),
    pair("xyz", "goo", "bad"),
    pair("q", "ood", "bads"),
    pair("mn", "good", "badl"),
]


@pytest.fixture
def policy() -> GPT:
    torch.manual_seed(0)
    config = GPTConfig(VOCAB_SIZE, CONTEXT_LENGTH, n_layers=1, n_heads=2, d_model=8)
    return GPT(config)


@pytest.fixture
def examples() -> list:
    return encode_preferences(PAIRS, TEMPLATE, encode, CONTEXT_LENGTH)


@pytest.fixture
def batch(examples) -> dict[str, Tensor]:
    return collate_pairs_of_answers(examples, pad_id=0)


def source(examples: list) -> ListBatches:
    return ListBatches(examples, 3, partial(collate_pairs_of_answers, pad_id=0))


def test_only_the_answer_and_its_end_are_scored():
    (encoded,) = encode_preferences([PAIRS[1]], TEMPLATE, encode, CONTEXT_LENGTH)
    assert encoded.chosen == [26, 2, 28, 27, *encode("good"), 28]
    assert encoded.chosen_targets == [
        *[IGNORE] * 3,
        *encode("good"),
        28,
        IGNORE,
    ]
    assert len(encoded.rejected) == len(encoded.rejected_targets) == 10


def test_a_long_answer_loses_its_end():
    (encoded,) = encode_preferences([PAIRS[1]], TEMPLATE, encode, 6)
    assert encoded.chosen == [26, 2, 28, 27, *encode("go")]
    assert encoded.chosen_targets == [*[IGNORE] * 3, *encode("go"), IGNORE]


def test_a_prompt_that_fills_the_context_is_refused():
    with pytest.raises(ValueError, match="prompt of pair 1 has 4 ids"):
        encode_preferences([pair("", "a", "b"), PAIRS[1]], TEMPLATE, encode, 4)


def test_batches_pad_both_sides_alike_and_know_the_lengths(batch):
    assert batch["chosen_ids"].shape == batch["rejected_targets"].shape == (5, 10)
    assert batch["chosen_length"].tolist() == [10, 9, 10, 8, 10]
    assert batch["rejected_length"].tolist() == [9, 10, 10, 9, 10]
    for side in ("chosen", "rejected"):
        for row, goals, n in zip(
            batch[f"{side}_ids"],
            batch[f"{side}_targets"],
            batch[f"{side}_length"],
            strict=True,
        ):
            assert row[n - 1] == 28
            assert (row[n:] == 0).all()
            assert (goals[n - 1 :] == IGNORE).all()
            scored = (goals != IGNORE).nonzero()[:, 0]
            assert row[scored + 1].equal(goals[scored])


def test_the_pairs_of_the_book_fit():
    some = preferences("en")[:3]
    special = ChatTemplate({"user": 256, "assistant": 257}, end_id=258)
    encoded = encode_preferences(some, special, lambda t: list(t.encode()), 2000)
    text = bytes(t for t in encoded[2].chosen_targets if 0 <= t < 256).decode()
    assert text == some[2].chosen


def test_padding_changes_no_reward_and_no_log_probability(policy, examples):
    reward_model = RewardModel(policy)
    torch.nn.init.normal_(reward_model.reward_head.weight)
    batch = collate_pairs_of_answers(examples, pad_id=0)
    rewards = reward_model(batch["chosen_ids"], batch["chosen_length"])
    log_probs = answer_log_probs(policy, batch)
    for i, example in enumerate(examples):
        alone = collate_pairs_of_answers([example], pad_id=7)
        ids = torch.tensor([example.chosen])
        reward = reward_model(ids, torch.tensor([len(example.chosen)]))
        torch.testing.assert_close(rewards[i : i + 1], reward, atol=1e-5, rtol=0)
        for together, by_itself in zip(
            log_probs, answer_log_probs(policy, alone), strict=True
        ):
            torch.testing.assert_close(
                together[i : i + 1], by_itself, atol=1e-5, rtol=0
            )


def test_reward_is_read_where_the_whole_answer_has_been_seen(policy):
    model = RewardModel(policy)
    torch.nn.init.normal_(model.reward_head.weight)
    ids = torch.tensor([[1, 2, 3, 4]])
    last_changed = torch.tensor([[1, 2, 3, 5]])
    four, three = torch.tensor([4]), torch.tensor([3])
    assert model(ids, four) != model(last_changed, four)
    assert model(ids, three) == model(last_changed, three)
    with pytest.raises(ValueError, match="must lie between 1 and 4"):
        model(ids, torch.tensor([5]))


def test_a_reward_model_learns_to_tell_the_answers_apart(policy, examples, batch):
    model = RewardModel(policy)
    assert reward_accuracy(model, batch) == 0.0  # all rewards are equal
    Trainer(model, source(examples), RUN, loss=pairwise_reward_loss).fit()
    assert reward_accuracy(model, batch) == 1.0
    assert pairwise_reward_loss(model, batch) < 0.2


def test_accuracy_of_rewards_is_measured_without_dropout(policy, batch):
    model, modes = RewardModel(policy).train(), []
    model.register_forward_hook(lambda module, *_: modes.append(module.training))
    reward_accuracy(model, batch)
    assert modes == [False]
    assert model.training


def test_pairwise_loss_is_that_of_the_rewards_and_takes_a_margin(policy, batch):
    model = RewardModel(policy)
    torch.nn.init.normal_(model.reward_head.weight)
    chosen = model(batch["chosen_ids"], batch["chosen_length"])
    rejected = model(batch["rejected_ids"], batch["rejected_length"])
    for margin in (0.0, torch.linspace(0, 2, 5)):
        given = batch if isinstance(margin, float) else {**batch, "margin": margin}
        torch.testing.assert_close(
            pairwise_reward_loss(model, given),
            reward_model_loss(chosen, rejected, margin),
            atol=1e-5,
            rtol=0,
        )


@pytest.mark.parametrize("has_reference", [True, False])
def test_dpo_makes_the_better_answers_likelier(policy, examples, batch, has_reference):
    reference = copy.deepcopy(policy) if has_reference else None
    loss = DPOLoss(reference, beta=0.5)
    before = loss.margins(policy, batch)
    Trainer(policy, source(examples), RUN, loss=loss).fit()
    assert (loss.margins(policy, batch) > before + 0.5).all()
    assert dpo_accuracy(loss, policy, batch) == 1.0
    if has_reference:
        assert all(p.grad is None for p in reference.parameters())


@pytest.mark.parametrize("keep", [True, False])
def test_dpo_equals_its_formula_and_the_reference_runs_once_if_kept(
    policy, batch, keep
):
    torch.manual_seed(1)
    reference = GPT(policy.config)
    calls = []
    reference.register_forward_hook(lambda *_: calls.append(1))
    expected = dpo_loss(
        *answer_log_probs(policy, batch),
        *answer_log_probs(reference, batch),
        beta=0.4,
        label_smoothing=0.1,
    )
    calls.clear()
    loss = DPOLoss(reference, 0.4, 0.1, keep)
    reordered = {name: tensor.flip(0) for name, tensor in batch.items()}
    for some in (batch, reordered, batch):
        torch.testing.assert_close(loss(policy, some), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        loss.margins(policy, reordered), loss.margins(policy, batch).flip(0)
    )
    assert len(calls) == (1 if keep else 5)


def test_what_is_kept_of_one_list_is_not_taken_for_another(policy, examples):
    torch.manual_seed(1)
    reference = GPT(policy.config)
    others = encode_preferences(PAIRS[::-1], TEMPLATE, encode, CONTEXT_LENGTH)
    loss, fresh = DPOLoss(reference), DPOLoss(reference, keep=False)
    for some in (examples[:3], others[:3], examples[2:]):
        batch = collate_pairs_of_answers(some, pad_id=0)
        expected = fresh.reference_log_probs(batch)
        for found, wanted in zip(
            loss.reference_log_probs(batch), expected, strict=True
        ):
            torch.testing.assert_close(found, wanted, atol=1e-6, rtol=0)


def test_reference_has_no_dropout_and_accuracy_keeps_the_mode(batch):
    config = GPTConfig(VOCAB_SIZE, CONTEXT_LENGTH, 1, 2, 8, dropout=0.5)
    policy, reference = GPT(config).train(), GPT(config).train()
    loss = DPOLoss(reference, keep=False)
    first, second = (loss.reference_log_probs(batch) for _ in range(2))
    assert first[0].equal(second[0])
    dpo_accuracy(loss, policy, batch)
    model = RewardModel(policy).train()
    reward_accuracy(model, batch)
    assert policy.training
    assert model.training
