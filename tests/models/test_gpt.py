"""GPT equals Hugging Face's GPT-2, is causal, and says what it refuses."""

import pytest
import torch
import transformers

from llm_notes.models.gpt import GPT, PRESETS, GPTConfig
from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.layers.mask import padding_mask, real_positions
from llm_notes.models.pretrained.gpt2 import (
    gpt2_from_hugging_face,
    gpt2_to_hugging_face,
)
from llm_notes.runtime import count_parameters

V, CONTEXT, L, H, D = 53, 19, 3, 4, 24
B, T = 2, 11


@pytest.fixture
def model() -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(V, CONTEXT, L, H, D)).eval()


@pytest.fixture(params=["learned", "rotary"])
def either(request) -> GPT:
    """A GPT with either kind of position."""
    torch.manual_seed(0)
    is_rotary = request.param == "rotary"
    return GPT(GPTConfig(V, CONTEXT, L, H, D, rotary=is_rotary, init_std=0.2)).eval()


@pytest.fixture
def token_ids() -> torch.Tensor:
    return torch.randint(V, (B, T), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def reference() -> transformers.GPT2LMHeadModel:
    torch.manual_seed(2)
    config = transformers.GPT2Config(
        vocab_size=V,
        n_positions=CONTEXT,
        n_embd=D,
        n_layer=L,
        n_head=H,
        bos_token_id=0,
        eos_token_id=0,
        attn_implementation="eager",
    )
    model = transformers.GPT2LMHeadModel(config).eval()
    with torch.no_grad():  # biases and gains start at 0 and 1, which hides mistakes
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def test_logits_equal_those_of_transformers(model, reference, token_ids):
    model.load_state_dict(gpt2_from_hugging_face(reference.state_dict()))
    with torch.no_grad():
        ours, theirs = model(token_ids), reference(token_ids).logits
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_gradients_equal_those_of_transformers(model, reference, token_ids):
    model.load_state_dict(gpt2_from_hugging_face(reference.state_dict()))
    for logits in (model(token_ids), reference(token_ids).logits):
        torch.nn.functional.cross_entropy(
            logits[:, :-1].flatten(0, 1), token_ids[:, 1:].flatten()
        ).backward()
    theirs = gpt2_from_hugging_face(
        {name: p.grad for name, p in reference.named_parameters()}
    )
    ours = {name: p.grad for name, p in model.named_parameters()}
    assert ours.keys() == theirs.keys()
    for name, gradient in ours.items():
        torch.testing.assert_close(gradient, theirs[name], atol=1e-5, rtol=0, msg=name)


def test_state_dict_maps_are_inverse_and_complete(model, reference):
    theirs = gpt2_to_hugging_face(model.state_dict())
    assert theirs.keys() == reference.state_dict().keys()
    back = gpt2_from_hugging_face(theirs)
    assert back.keys() == model.state_dict().keys()
    assert all(back[k].equal(v) for k, v in model.state_dict().items())


@pytest.mark.parametrize(
    "map_names", [gpt2_from_hugging_face, gpt2_to_hugging_face], ids=["from", "to"]
)
@pytest.mark.parametrize("name", ["encoder.weight", "transformer.h.0.attn.x.weight"])
def test_foreign_weights_are_named_and_refused(map_names, name):
    with pytest.raises(ValueError, match=name):
        map_names({name: torch.zeros(1)})


def test_future_tokens_do_not_change_past_logits(either, token_ids):
    changed = token_ids.clone()
    changed[:, 6] = (changed[:, 6] + 1) % V
    before, after = either(token_ids), either(changed)
    assert before[:, :6].equal(after[:, :6])
    assert not torch.allclose(before[:, 6:], after[:, 6:])


def test_sequences_of_a_batch_do_not_see_each_other(either, token_ids):
    alone = either(token_ids[1:])
    torch.testing.assert_close(either(token_ids)[1:], alone, atol=1e-5, rtol=0)


def test_cached_logits_equal_uncached_ones(either, token_ids):
    cache = KeyValueCache()
    parts = [either(part, cache=cache) for part in token_ids.split([4, 1, 6], dim=1)]
    torch.testing.assert_close(
        torch.cat(parts, dim=1), either(token_ids), atol=1e-5, rtol=0
    )


def test_texts_of_different_lengths_are_continued_as_if_alone(either, token_ids):
    lengths, longest = torch.tensor([7, 4]), 7
    rows = [token_ids[0, :7], torch.cat([token_ids[1, :3] * 0, token_ids[1, :4]])]
    padded, new = torch.stack(rows), token_ids[:, 7:9]
    mask = padding_mask(lengths, longest, left=True)
    cache = KeyValueCache()
    either(padded, mask=mask, positions=real_positions(mask), cache=cache)
    mask = padding_mask(lengths + 2, longest + 2, left=True)
    logits = either(
        new, mask=mask, positions=real_positions(mask)[:, longest:], cache=cache
    )
    for row, length in enumerate(lengths):
        alone = torch.cat([padded[row, longest - length :], new[row]])[None]
        torch.testing.assert_close(
            logits[row], either(alone)[0, -2:], atol=1e-5, rtol=0
        )


def test_weights_are_given_for_each_layer_and_head(model, token_ids):
    logits, weights = model(token_ids, return_weights=True)
    assert [w.shape for w in weights] == [(B, H, T, T)] * L
    for layer in weights:
        torch.testing.assert_close(layer.sum(-1), torch.ones(B, H, T))
        assert layer.triu(diagonal=1).eq(0).all()
    torch.testing.assert_close(logits, model(token_ids), atol=1e-5, rtol=0)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("d_ff", [None, 37])
@pytest.mark.parametrize("rotary", [True, False])
def test_parameter_count_by_formula_equals_the_model(bias, d_ff, rotary):
    config = GPTConfig(V, CONTEXT, L, H, D, d_ff=d_ff, bias=bias, rotary=rotary)
    assert GPT.parameter_count(config) == count_parameters(GPT(config))


def test_gpt2_has_124_million_parameters():
    # Radford et al. 2019 print 117M for this size; the released weights hold 124M.
    assert GPT.parameter_count(PRESETS["gpt2"]) == 124_439_808


def test_order_matters_with_either_kind_of_position(either, token_ids):
    swapped = token_ids[:, [1, 0, *range(2, T)]]
    assert not torch.allclose(either(token_ids)[:, -1], either(swapped)[:, -1])


def test_fresh_model_predicts_close_to_uniform(model, token_ids):
    loss = torch.nn.functional.cross_entropy(
        model(token_ids[:, :-1]).flatten(0, 1), token_ids[:, 1:].flatten()
    )
    assert loss.item() == pytest.approx(torch.tensor(V).log().item(), abs=0.1)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (torch.zeros(3, dtype=torch.long), r"shape \(3,\)"),
        (torch.zeros(1, 3), "float32"),
        (torch.zeros(1, 0, dtype=torch.long), "at least one token"),
        (torch.zeros(1, CONTEXT + 1, dtype=torch.long), "context_length = 19.* got 20"),
        (torch.tensor([[V]]), f"vocab_size - 1 = {V - 1}.*tokenizer"),
        (torch.tensor([[-1]]), "got -1"),
    ],
)
def test_bad_token_ids_are_refused(model, ids, message):
    with pytest.raises(ValueError, match=message):
        model(ids)


def test_a_full_cache_is_refused(model):
    cache = KeyValueCache()
    model(torch.zeros(1, CONTEXT, dtype=torch.long), cache=cache)
    with pytest.raises(ValueError, match="19 of them in the cache"):
        model(torch.zeros(1, 1, dtype=torch.long), cache=cache)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_heads": 5}, "d_model = 24 .* n_heads = 5"),
        ({"n_layers": 0}, "n_layers must be at least 1, got 0"),
        ({"dropout": 1.0}, r"dropout must lie in \[0, 1\)"),
    ],
)
def test_impossible_sizes_are_refused(change, message):
    sizes = {
        "vocab_size": V,
        "context_length": CONTEXT,
        "n_layers": L,
        "n_heads": H,
        "d_model": D,
    }
    with pytest.raises(ValueError, match=message):
        GPT(GPTConfig(**(sizes | change)))
