"""Each token is scored once, with as much context as promised."""

import math

import pytest
import torch

from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.training.evaluation import bits_per_byte, token_nats


def test_nats_equal_cross_entropy_when_one_window_holds_the_text(model, text_ids):
    text = text_ids[:11]
    logits = model(text[None, :-1])[0]
    expected = torch.nn.functional.cross_entropy(logits, text[1:], reduction="none")
    nats = token_nats(model, text, context_length=12)
    torch.testing.assert_close(nats, expected.detach(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("stride", [1, 5, 12])
@pytest.mark.parametrize("n_tokens", [13, 14, 40, 41])
def test_each_token_is_scored_by_the_window_that_first_reaches_it(
    model, text_ids, stride, n_tokens
):
    text, context = text_ids[:n_tokens], 12
    nats = token_nats(model, text, context, stride, batch_size=3)
    assert nats.shape == (n_tokens - 1,)
    n_predictions = n_tokens - 1
    for i in range(n_predictions):
        # Windows start at multiples of the stride; the last one is moved to the end.
        start = 0 if i < context else stride * math.ceil((i - context + 1) / stride)
        start = min(start, n_predictions - context)
        logits = model(text[None, start : i + 1])[0, -1]
        expected = -logits.log_softmax(-1)[text[i + 1]]
        torch.testing.assert_close(nats[i], expected.detach(), atol=1e-5, rtol=0)


def test_evaluation_leaves_training_mode_as_it_was(model, text_ids):
    model.train()
    token_nats(model, text_ids[:20], 12)
    assert model.training


def test_bits_per_byte_charges_the_first_token_and_counts_utf8():
    text = "añb" * 9  # ñ takes two bytes: 36 bytes, 27 characters
    tokenizer = CharacterTokenizer.train(text)
    torch.manual_seed(0)
    model = GPT(GPTConfig(tokenizer.vocab_size, 40, 1, 1, 4)).eval()
    nats = token_nats(model, torch.tensor(tokenizer.encode(text)), 40).sum().item()
    expected = (nats + math.log(3)) / math.log(2) / 36
    assert bits_per_byte(model, tokenizer, text) == pytest.approx(expected, abs=1e-5)


def test_uniform_model_costs_the_logarithm_of_its_vocabulary(model, text_ids):
    for parameter in model.parameters():
        parameter.data.zero_()
    nats = token_nats(model, text_ids, 12)
    torch.testing.assert_close(nats, torch.full((599,), math.log(7)))


@pytest.mark.parametrize("stride", [0, 13])
def test_strides_that_skip_or_stand_still_are_refused(model, text_ids, stride):
    with pytest.raises(ValueError, match=f"context_length = 12, got {stride}"):
        token_nats(model, text_ids, 12, stride)


@pytest.mark.parametrize("n_tokens", [0, 1])
def test_text_with_nothing_to_predict_is_refused(model, text_ids, n_tokens):
    with pytest.raises(ValueError, match=f"{n_tokens} tokens has nothing to predict"):
        token_nats(model, text_ids[:n_tokens], 12)
