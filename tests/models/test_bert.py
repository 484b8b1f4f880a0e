"""BERT: looks both ways, past padding, and its heads do what they say."""

import pytest
import torch

from llm_notes.models.bert import (
    BERT,
    PRESETS,
    BERTClassifier,
    BERTConfig,
    BERTForPretraining,
    sentence_vectors,
)
from llm_notes.models.layers.mask import padding_mask
from llm_notes.parity.case import randomise
from llm_notes.runtime import count_parameters

CONFIG = BERTConfig(
    vocab_size=29, context_length=13, n_layers=2, n_heads=3, d_model=12, d_ff=20
)
B, T = 2, 9


@pytest.fixture
def model() -> BERT:
    torch.manual_seed(0)
    model = BERT(CONFIG).eval()
    randomise(model)
    return model


@pytest.fixture
def token_ids() -> torch.Tensor:
    return torch.randint(29, (B, T), generator=torch.Generator().manual_seed(1))


def test_every_token_changes_the_vectors_on_both_sides(model, token_ids):
    changed = token_ids.clone()
    changed[:, 4] = (changed[:, 4] + 1) % 29
    moved = (model(token_ids) - model(changed)).abs().amax(-1)
    assert moved.gt(1e-6).all()


def test_padding_changes_nothing(model, token_ids):
    mask = padding_mask(torch.tensor([6, 6]), T)
    padded = model(token_ids, mask=mask)[:, :6]
    alone = model(token_ids[:, :6])
    torch.testing.assert_close(padded, alone, atol=1e-5, rtol=0)
    # Without the mask, the padding would be read.
    assert not torch.allclose(model(token_ids)[:, :6], alone, atol=1e-3)


def test_segments_are_told_apart_and_zero_is_the_default(model, token_ids):
    zeros, ones = torch.zeros_like(token_ids), torch.ones_like(token_ids)
    assert model(token_ids).equal(model(token_ids, zeros))
    assert not torch.allclose(model(token_ids), model(token_ids, ones))


def test_weights_are_given_for_each_layer(model, token_ids):
    mask = padding_mask(torch.tensor([T, 6]), T)
    hidden, weights = model(token_ids, mask=mask, return_weights=True)
    assert [w.shape for w in weights] == [(B, 3, T, T)] * 2
    assert weights[0][1, :, :, 6:].eq(0).all()
    torch.testing.assert_close(hidden, model(token_ids, mask=mask), atol=1e-5, rtol=0)


def test_sentence_vectors_are_means_over_real_tokens(model, token_ids):
    mask = padding_mask(torch.tensor([T, 6]), T)
    hidden = model(token_ids, mask=mask)
    vectors = sentence_vectors(hidden, mask)
    torch.testing.assert_close(vectors[0], hidden[0].mean(0))
    torch.testing.assert_close(vectors[1], hidden[1, :6].mean(0))
    torch.testing.assert_close(sentence_vectors(hidden)[1], hidden[1].mean(0))
    alone = sentence_vectors(model(token_ids[1:, :6]))
    torch.testing.assert_close(vectors[1:], alone, atol=1e-5, rtol=0)


def test_the_token_head_shares_the_table_of_tokens(token_ids):
    torch.manual_seed(0)
    model = BERTForPretraining(CONFIG)
    token_logits, pair_logits = model(token_ids)
    assert token_logits.shape == (B, T, 29)
    assert pair_logits.shape == (B, 2)
    token_logits.sum().backward()
    # A token that was not read has a gradient all the same: from the last layer.
    unread = next(i for i in range(29) if i not in token_ids)
    assert model.bert.token_embedding.weight.grad[unread].abs().sum() > 0


def test_a_classifier_gives_one_logit_for_each_class(token_ids):
    torch.manual_seed(0)
    model = BERTClassifier(CONFIG, n_classes=5).eval()
    logits = model(token_ids)
    assert logits.shape == (B, 5)
    mask = padding_mask(torch.tensor([6, 6]), T)
    padded = model(token_ids, mask=mask)
    torch.testing.assert_close(padded, model(token_ids[:, :6]), atol=1e-5, rtol=0)
    with pytest.raises(ValueError, match="n_classes must be at least 2, got 1"):
        BERTClassifier(CONFIG, n_classes=1)


@pytest.mark.parametrize("d_ff", [None, 37])
def test_parameter_count_by_formula_equals_the_model(d_ff):
    config = BERTConfig(29, 13, 2, 3, 12, d_ff, n_segments=4)
    assert BERT.parameter_count(config) == count_parameters(BERT(config))


@pytest.mark.parametrize(
    ("name", "count"),
    # The published files count a pooler of D x (D + 1) too.
    [("bert-base-uncased", 109_482_240), ("bert-large-uncased", 335_141_888)],
)
def test_presets_have_the_published_number_of_parameters(name, count):
    config = PRESETS[name]
    pooler = config.d_model * (config.d_model + 1)
    assert BERT.parameter_count(config) + pooler == count


@pytest.mark.parametrize(
    ("ids", "segments", "message"),
    [
        (torch.tensor([[29]]), None, "vocab_size - 1 = 28"),
        (torch.zeros(1, 14, dtype=torch.long), None, "context_length = 13"),
        (
            torch.zeros(1, 3, dtype=torch.long),
            torch.full((1, 3), 2),
            "n_segments - 1 = 1",
        ),
        (
            torch.zeros(1, 3, dtype=torch.long),
            torch.zeros(1, 2, dtype=torch.long),
            r"\(1, 2\) and token_ids \(1, 3\)",
        ),
    ],
)
def test_bad_ids_are_refused(model, ids, segments, message):
    with pytest.raises(ValueError, match=message):
        model(ids, segments)
