"""Models by name: of the same sizes, causal, and found again after saving."""

from dataclasses import asdict

import pytest
import torch

from llm_notes.training.architectures import NAMES, Sizes, make_model

SIZES = Sizes(vocab_size=11, context_length=9, n_layers=2, n_heads=2, d_model=12)


@pytest.mark.parametrize("name", NAMES)
def test_every_model_that_can_be_named_is_causal(name):
    torch.manual_seed(0)
    model = make_model(name, SIZES).eval()
    for parameter in model.parameters():
        parameter.data.uniform_(-0.5, 0.5)  # some begin at zero and hide everything
    ids = torch.arange(18).view(2, 9) % 11
    changed = ids.clone()
    changed[:, 5:] = 3
    with torch.no_grad():
        before, after = model(ids), model(changed)
    assert before.shape == (2, 9, 11)
    torch.testing.assert_close(before[:, :5], after[:, :5], atol=1e-5, rtol=0)
    assert not torch.allclose(before[:, 5:], after[:, 5:], atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_sizes_reach_the_model(name):
    sizes = asdict(make_model(name, SIZES).config)
    assert (sizes["vocab_size"], sizes["n_layers"], sizes["d_model"]) == (11, 2, 12)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"ngram-gpt"}))
def test_dropout_reaches_the_model(name):
    torch.manual_seed(0)
    model = make_model(name, Sizes(11, 9, 2, 2, 12, dropout=0.5)).train()
    for parameter in model.parameters():
        parameter.data.uniform_(-0.5, 0.5)
    ids = torch.arange(18).view(2, 9) % 11
    assert not model(ids).allclose(model(ids))


def test_a_llama_is_as_large_as_a_gpt():
    """Two thirds of the feed-forward width, since it has three matrices for two."""
    sizes = Sizes(11, 9, 2, 2, d_model=48)
    gpt, llama = make_model("gpt", sizes), make_model("llama", sizes)
    assert llama.config.d_ff == 128
    counts = [
        sum(p.numel() for p in model.blocks.parameters()) for model in (gpt, llama)
    ]
    assert counts[1] == pytest.approx(counts[0], rel=0.03)


def test_an_unknown_model_is_refused():
    with pytest.raises(ValueError, match="model is 'elmo'; known are gpt, llama"):
        make_model("elmo", SIZES)


def test_dropout_is_refused_where_there_is_none():
    with pytest.raises(ValueError, match="ngram-gpt has no dropout"):
        make_model("ngram-gpt", Sizes(11, 9, 2, 2, 12, dropout=0.1))
