"""The 2017 Transformer: causal, blind to padding, and the same with a cache."""

import pytest
import torch

from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.layers.mask import padding_mask
from llm_notes.models.transformer import PRESETS, Transformer, TransformerConfig
from llm_notes.parity.case import randomise
from llm_notes.runtime import count_parameters

CONFIG = TransformerConfig(
    vocab_size=23, context_length=17, n_layers=2, n_heads=3, d_model=12, d_ff=20
)
B, S, T = 2, 7, 5


@pytest.fixture
def model() -> Transformer:
    torch.manual_seed(0)
    model = Transformer(CONFIG).eval()
    randomise(model)
    return model


@pytest.fixture
def ids() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    source = torch.randint(CONFIG.vocab_size, (B, S), generator=generator)
    return source, torch.randint(CONFIG.vocab_size, (B, T), generator=generator)


def test_future_target_tokens_do_not_change_past_logits(model, ids):
    source, target = ids
    changed = target.clone()
    changed[:, 3] = (changed[:, 3] + 1) % CONFIG.vocab_size
    before, after = model(source, target), model(source, changed)
    assert before[:, :3].equal(after[:, :3])
    assert not torch.allclose(before[:, 3:], after[:, 3:])


def test_every_source_token_changes_every_logit(model, ids):
    source, target = ids
    changed = source.clone()
    changed[:, -1] = (changed[:, -1] + 1) % CONFIG.vocab_size
    difference = (model(source, target) - model(changed, target)).abs().amax(-1)
    assert difference.gt(1e-6).all()


def test_padding_of_the_source_changes_nothing(model, ids):
    source, target = ids
    mask = padding_mask(torch.tensor([4, 4]), S)
    padded = model(source, target, mask)
    torch.testing.assert_close(padded, model(source[:, :4], target), atol=1e-5, rtol=0)
    assert not torch.allclose(padded, model(source, target), atol=1e-3)


def test_padding_of_the_target_changes_no_real_logit(model, ids):
    source, target = ids
    mask = padding_mask(torch.tensor([3, 3]), T)
    padded = model(source, target, target_mask=mask)
    expected = model(source, target[:, :3])
    torch.testing.assert_close(padded[:, :3], expected, atol=1e-5, rtol=0)


def test_cached_decoding_equals_teacher_forcing(model, ids):
    source, target = ids
    mask = padding_mask(torch.tensor([S, 4]), S)
    memory, cache = model.encode(source, mask), KeyValueCache()
    parts = [
        model.decode(part, memory, mask, cache=cache) for part in target.split(2, dim=1)
    ]
    expected = model(source, target, mask)
    torch.testing.assert_close(torch.cat(parts, 1), expected, atol=1e-5, rtol=0)


def test_weights_say_who_looks_at_whom(model, ids):
    source, target = ids
    mask = padding_mask(torch.tensor([S, 4]), S)
    logits, weights = model(source, target, mask, return_weights=True)
    assert len(weights) == CONFIG.n_layers
    for own, cross in weights:
        assert own.shape == (B, CONFIG.n_heads, T, T)
        assert cross.shape == (B, CONFIG.n_heads, T, S)
        assert own.triu(diagonal=1).eq(0).all()
        assert cross[1, :, :, 4:].eq(0).all()
        torch.testing.assert_close(cross.sum(-1), torch.ones(B, CONFIG.n_heads, T))
    torch.testing.assert_close(logits, model(source, target, mask), atol=1e-5, rtol=0)


def test_order_matters_on_both_sides(model, ids):
    source, target = ids
    swap = [1, 0, *range(2, S)]
    assert not torch.allclose(model(source, target), model(source[:, swap], target))
    swapped = model(source, target[:, [1, 0, 2, 3, 4]])
    assert not torch.allclose(model(source, target)[:, -1], swapped[:, -1])


@pytest.mark.parametrize("target_vocab_size", [None, 19])
@pytest.mark.parametrize("d_ff", [None, 37])
def test_parameter_count_by_formula_equals_the_model(target_vocab_size, d_ff):
    config = TransformerConfig(
        23, 17, 2, 3, 12, d_ff, target_vocab_size=target_vocab_size
    )
    model = Transformer(config)
    assert Transformer.parameter_count(config) == count_parameters(model)


@pytest.mark.parametrize(
    ("name", "millions"), [("transformer-base", 65), ("transformer-big", 213)]
)
def test_presets_have_about_the_parameters_that_the_paper_states(name, millions):
    # Table 3 of Vaswani et al. 2017; their vocabulary is "about 37000".
    count = Transformer.parameter_count(PRESETS[name])
    assert count == pytest.approx(millions * 1e6, rel=0.04)


def test_languages_with_tables_of_their_own_have_their_own_logits(ids):
    model = Transformer(TransformerConfig(23, 17, 1, 3, 12, target_vocab_size=19))
    assert model(ids[0], ids[1] % 19).shape == (B, T, 19)
    with pytest.raises(ValueError, match="vocab_size - 1 = 18"):
        model(ids[0], torch.full((B, T), 19))


def test_bad_ids_and_sizes_are_refused(model, ids):
    source, target = ids
    with pytest.raises(ValueError, match="context_length = 17 tokens, got 18"):
        model(torch.zeros(1, 18, dtype=torch.long), target[:1])
    with pytest.raises(ValueError, match="float32"):
        model(source.float(), target)
    with pytest.raises(ValueError, match=r"d_model = 12 .* n_heads = 5"):
        Transformer(TransformerConfig(23, 17, 1, 5, 12))
    with pytest.raises(ValueError, match="target_vocab_size must be at least 1, got 0"):
        TransformerConfig(23, 17, 1, 3, 12, target_vocab_size=0)


def test_logits_of_a_fresh_model_are_of_size_one():
    # Post-norm vectors have length sqrt(D), rows of the table length one.
    torch.manual_seed(0)
    model = Transformer(TransformerConfig(101, 17, 2, 4, 64))
    logits = model(torch.randint(101, (8, 9)), torch.randint(101, (8, 9)))
    assert logits.std().item() == pytest.approx(1, abs=0.3)
