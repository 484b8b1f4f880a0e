"""Llama and its relatives: what must hold whatever the weights are."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.models.layers.cache import KeyValueCache, StaticKeyValueCache
from llm_notes.models.layers.mask import document_mask, padding_mask, real_positions
from llm_notes.models.layers.rotary import LinearScaling, Llama3Scaling, YarnScaling
from llm_notes.models.llama import PRESETS, Llama, LlamaConfig
from llm_notes.parity.case import randomise
from llm_notes.runtime import count_parameters

V, CONTEXT, L, H, G, D, F = 53, 26, 3, 6, 2, 24, 37
B, T = 2, 11
SMALL = LlamaConfig(V, CONTEXT, L, H, G, D, F, rope_base=50.0, init_std=0.2)
ARCHITECTURES = {
    "llama": SMALL,
    "llama-3.1": replace(SMALL, rope_scaling=Llama3Scaling(4.0, context_length=8)),
    "mistral": replace(SMALL, window=5),
    "qwen3": replace(SMALL, qk_norm=True, d_head=10, tied=True),
    "mixtral": replace(SMALL, n_experts=5, n_active_experts=2),
}


def build(config: LlamaConfig) -> Llama:
    torch.manual_seed(0)
    model = Llama(config).eval()
    randomise(model, seed=1)  # gains start at one, which hides mistakes
    return model


def assert_close(ours: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)


@pytest.fixture(params=ARCHITECTURES)
def model(request) -> Llama:
    return build(ARCHITECTURES[request.param])


@pytest.fixture
def token_ids() -> torch.Tensor:
    return torch.randint(V, (B, T), generator=torch.Generator().manual_seed(1))


def test_future_tokens_do_not_change_past_logits(model, token_ids):
    changed = token_ids.clone()
    changed[:, 6] = (changed[:, 6] + 1) % V
    before, after = model(token_ids), model(changed)
    assert_close(after[:, :6], before[:, :6])
    assert not torch.allclose(before[:, 6:], after[:, 6:], atol=1e-3)


def test_sequences_of_a_batch_do_not_see_each_other(model, token_ids):
    assert_close(model(token_ids)[1:], model(token_ids[1:]))


@pytest.mark.parametrize("left", [True, False])
def test_padding_changes_nothing_for_real_tokens(model, token_ids, left):
    lengths = torch.tensor([T, 4])
    mask = padding_mask(lengths, T, left=left)
    padded = model(token_ids, mask=mask, positions=real_positions(mask))
    assert_close(padded[:1], model(token_ids[:1]))
    real = slice(T - 4, T) if left else slice(0, 4)
    assert_close(padded[1:, real], model(token_ids[1:, real]))


@pytest.mark.parametrize("cache_class", [KeyValueCache, StaticKeyValueCache])
def test_cached_logits_equal_uncached_ones(model, token_ids, cache_class):
    cache = cache_class() if cache_class is KeyValueCache else cache_class(T)
    with torch.no_grad():
        parts = [model(part, cache=cache) for part in token_ids.split([4, 1, 6], 1)]
    assert cache.length == T
    assert_close(torch.cat(parts, dim=1), model(token_ids))


@pytest.mark.parametrize("cache_class", [KeyValueCache, StaticKeyValueCache])
def test_prompts_of_different_lengths_decode_together_as_alone(
    model, token_ids, cache_class
):
    lengths, longest = torch.tensor([8, 3]), 8
    cache = cache_class() if cache_class is KeyValueCache else cache_class(T)
    logits = []
    with torch.no_grad():
        for new in (token_ids[:, :longest], *token_ids[:, longest:].split(1, dim=1)):
            seen = cache.length + new.size(1)
            mask = padding_mask(lengths + seen - longest, seen, left=True)
            positions = real_positions(mask)[:, -new.size(1) :]
            logits.append(model(new, mask=mask, positions=positions, cache=cache))
    together = torch.cat(logits, dim=1)
    for row, length in enumerate(lengths.tolist()):
        start = longest - length
        alone = model(token_ids[row : row + 1, start:])
        assert_close(together[row : row + 1, start:], alone)


@pytest.mark.parametrize("shift", [1, CONTEXT - T])
def test_logits_depend_on_distances_only(model, token_ids, shift):
    shifted = model(token_ids, positions=torch.arange(T) + shift)
    assert_close(shifted, model(token_ids))
    stretched = model(token_ids, positions=torch.arange(T) * 2)
    assert not torch.allclose(stretched, shifted, atol=1e-3)


def test_documents_in_one_row_are_as_good_as_alone(model, token_ids):
    lengths = [4, 1, 6]
    ids = torch.tensor([[0] * 4 + [1] + [2] * 6]).expand(B, T)
    positions = torch.cat([torch.arange(length) for length in lengths])
    packed = model(token_ids, mask=document_mask(ids), positions=positions)
    alone = [model(part) for part in token_ids.split(lengths, dim=1)]
    assert_close(packed, torch.cat(alone, dim=1))


def test_weights_are_given_for_each_layer_and_head(model, token_ids):
    logits, weights = model(token_ids, return_weights=True)
    assert [w.shape for w in weights] == [(B, H, T, T)] * L
    window = model.config.window or T
    for layer in weights:
        torch.testing.assert_close(layer.sum(-1), torch.ones(B, H, T))
        assert layer.triu(diagonal=1).eq(0).all()
        assert layer.tril(diagonal=-window).eq(0).all()
    assert_close(logits, model(token_ids))


def test_order_matters(model, token_ids):
    swapped = token_ids[:, [*range(T - 3), T - 2, T - 3, T - 1]]
    before, after = model(token_ids)[:, -1], model(swapped)[:, -1]
    assert not torch.allclose(before, after, atol=1e-3)


def test_every_parameter_learns(model):
    generator = torch.Generator().manual_seed(1)  # enough tokens for every expert
    model(torch.randint(V, (8, CONTEXT), generator=generator)).square().sum().backward()
    still = [
        n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()
    ]
    assert not still


@pytest.mark.parametrize("window", [T, CONTEXT])
def test_a_window_as_wide_as_the_context_is_full_attention(token_ids, window):
    full, windowed = build(SMALL), build(replace(SMALL, window=window))
    assert_close(windowed(token_ids), full(token_ids))
    narrow = build(replace(SMALL, window=T - 1))(token_ids)
    assert_close(narrow[:, :-1], full(token_ids)[:, :-1])
    assert not torch.allclose(narrow[:, -1], full(token_ids)[:, -1], atol=1e-4)


def test_a_token_outside_all_windows_is_forgotten(token_ids):
    # L layers of windows of 3 reach L (3 - 1) tokens back.
    model = build(replace(SMALL, window=3))
    changed = token_ids.clone()
    changed[:, 0] = (changed[:, 0] + 1) % V
    before, after = model(token_ids), model(changed)
    reach = L * (3 - 1)
    assert_close(after[:, reach + 1 :], before[:, reach + 1 :])
    assert not torch.allclose(after[:, reach], before[:, reach], atol=1e-5)


def test_shared_key_heads_equal_repeated_ones(token_ids):
    grouped = build(SMALL)
    full = build(replace(SMALL, n_kv_heads=H))
    state = grouped.state_dict()
    for name in [n for n in state if n.endswith(("k_proj.weight", "v_proj.weight"))]:
        heads = state[name].unflatten(0, (G, -1))
        state[name] = heads.repeat_interleave(H // G, dim=0).flatten(0, 1)
    full.load_state_dict(state)
    assert_close(full(token_ids), grouped(token_ids))


def test_a_mixture_of_one_expert_is_a_dense_model(token_ids):
    dense = build(SMALL)
    mixture = build(replace(SMALL, n_experts=1, n_active_experts=1))
    state = {
        name.replace("feed_forward.", "feed_forward.experts.0."): tensor
        for name, tensor in dense.state_dict().items()
    }
    missing = mixture.load_state_dict(state, strict=False)
    assert [name.rpartition(".feed_forward.")[2] for name in missing.missing_keys] == (
        ["router.weight"] * L
    )
    assert not missing.unexpected_keys
    assert_close(mixture(token_ids), dense(token_ids))


def test_a_tied_head_is_the_embedding(token_ids):
    tied, own = build(replace(SMALL, tied=True)), build(SMALL)
    state = tied.state_dict()
    own.load_state_dict(state | {"head.weight": state["token_embedding.weight"]})
    assert_close(own(token_ids), tied(token_ids))
    assert count_parameters(own) - count_parameters(tied) == V * D


def test_a_stretched_model_reads_stretched_text_like_the_trained_one(token_ids):
    scaled = build(replace(SMALL, rope_scaling=LinearScaling(2.0)))
    stretched = scaled(token_ids, positions=2 * torch.arange(T))
    assert_close(stretched, build(SMALL)(token_ids))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_fresh_model_predicts_close_to_uniform(architecture, token_ids):
    torch.manual_seed(0)
    model = Llama(replace(ARCHITECTURES[architecture], init_std=0.02))
    loss = torch.nn.functional.cross_entropy(
        model(token_ids[:, :-1]).flatten(0, 1), token_ids[:, 1:].flatten()
    )
    assert loss.item() == pytest.approx(torch.tensor(V).log().item(), abs=0.1)


def test_what_writes_into_the_residual_stream_begins_smaller():
    config = replace(SMALL, d_model=96, d_ff=200, n_experts=2, n_active_experts=1)
    torch.manual_seed(0)
    for name, parameter in Llama(config).named_parameters():
        if parameter.dim() == 1:
            assert parameter.eq(1).all(), name
            continue
        writes = name.endswith(("o_proj.weight", "down_proj.weight"))
        expected = config.init_std / (2 * L) ** 0.5 if writes else config.init_std
        assert parameter.std().item() == pytest.approx(expected, rel=0.15), name


@pytest.mark.parametrize("place", ["dropout", "attention", "output", "feed_forward"])
def test_each_dropout_is_for_training_only(token_ids, place):
    model = build(replace(SMALL, dropout=0.5))
    assert model(token_ids).equal(model(token_ids))
    assert_close(model(token_ids), build(SMALL)(token_ids))
    model.train()
    if place != "dropout":
        model.dropout.p = 0.0
    for block in model.blocks:
        if place != "attention":
            block.attention.dropout = 0.0
        if place != "output":
            block.attention.output_dropout.p = 0.0
        if place != "feed_forward":
            block.feed_forward.dropout.p = 0.0
    assert not torch.allclose(model(token_ids), model(token_ids))


@settings(deadline=None, max_examples=40)
@given(
    sizes=st.tuples(*[st.integers(1, 9)] * 3),
    heads=st.sampled_from([(1, 1), (4, 2), (6, 3), (6, 6)]),
    widths=st.tuples(st.sampled_from([12, 24]), st.integers(1, 50)),
    d_head=st.sampled_from([None, 2, 10]),
    mixture=st.sampled_from([(None, None), (1, 1), (5, 2)]),
    qk_norm=st.booleans(),
    tied=st.booleans(),
)
def test_parameter_count_by_formula_equals_the_model(
    sizes, heads, widths, d_head, mixture, qk_norm, tied
):
    config = LlamaConfig(
        *sizes,
        *heads,
        *widths,
        # A rotation needs an even head.
        d_head=12 if d_head is None and widths[0] // heads[0] % 2 else d_head,
        n_experts=mixture[0],
        n_active_experts=mixture[1],
        qk_norm=qk_norm,
        tied=tied,
    )
    with torch.device("meta"):
        model = Llama(config)
    assert Llama.parameter_count(config) == count_parameters(model)


# What the published safetensors files hold, a tied head counted once.
PUBLISHED = {
    "llama-2-7b": 6_738_415_616,
    "llama-3-8b": 8_030_261_248,
    "llama-3.1-8b": 8_030_261_248,
    "llama-3.2-1b": 1_235_814_400,
    "mistral-7b": 7_241_732_096,
    "mixtral-8x7b": 46_702_792_704,
    "qwen3-0.6b": 596_049_920,
    "qwen3-1.7b": 1_720_574_976,
    "qwen3-4b": 4_022_468_096,
    "qwen3-8b": 8_190_735_360,
}


@pytest.mark.parametrize("name", PRESETS)
def test_presets_have_the_published_number_of_parameters(name):
    assert Llama.parameter_count(PRESETS[name]) == PUBLISHED[name]
    with torch.device("meta"):  # shapes without memory
        model = Llama(PRESETS[name])
    assert count_parameters(model) == PUBLISHED[name]


def test_a_token_of_mixtral_uses_13_of_47_billion_parameters():
    # Jiang et al. 2024, abstract: 47B parameters, of which a token uses 13B.
    assert Llama.active_parameter_count(PRESETS["mixtral-8x7b"]) == 12_879_925_248
    llama = PRESETS["llama-2-7b"]
    assert Llama.active_parameter_count(llama) == Llama.parameter_count(llama)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_heads": 5, "n_kv_heads": 5}, "d_model = 24 .* n_heads = 5"),
        ({"n_kv_heads": 4}, "n_heads = 6 .* n_kv_heads = 4"),
        ({"n_layers": 0}, "n_layers must be at least 1, got 0"),
        ({"d_ff": 2.5}, "d_ff must be an integer, got 2.5"),
        ({"window": 0}, "window must be at least 1, got 0"),
        ({"d_head": 0}, "d_head must be at least 1, got 0"),
        ({"d_head": 5}, "d_head = 5 must be even"),
        ({"n_experts": 4}, "n_active_experts = None, n_experts = 4"),
        ({"n_active_experts": 2}, "n_active_experts = 2, n_experts = None"),
        (
            {"n_experts": 4, "n_active_experts": 5},
            "n_active_experts = 5, n_experts = 4",
        ),
        ({"dropout": 1.0}, r"dropout must lie in \[0, 1\)"),
        (
            {"rope_scaling": YarnScaling(2.0, 8, base=99.0)},
            "rope_base = 10000.0 and rope_scaling.base = 99.0",
        ),
    ],
)
def test_impossible_sizes_are_refused(change, message):
    sizes = {
        "vocab_size": V,
        "context_length": CONTEXT,
        "n_layers": L,
        "n_heads": H,
        "n_kv_heads": G,
        "d_model": D,
        "d_ff": F,
    }
    with pytest.raises(ValueError, match=message):
        Llama(LlamaConfig(**(sizes | change)))


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (torch.zeros(3, dtype=torch.long), r"shape \(3,\)"),
        (torch.zeros(1, 3), "float32"),
        (torch.zeros(1, CONTEXT + 1, dtype=torch.long), "= 26 tokens, got 27"),
        (torch.tensor([[V]]), f"vocab_size - 1 = {V - 1}.*tokenizer"),
    ],
)
def test_bad_token_ids_are_refused(ids, message):
    with pytest.raises(ValueError, match=message):
        build(SMALL)(ids)


def test_a_full_cache_is_refused():
    model, cache = build(SMALL), KeyValueCache()
    model(torch.zeros(1, CONTEXT, dtype=torch.long), cache=cache)
    with pytest.raises(ValueError, match="26 of them in the cache"):
        model(torch.zeros(1, 1, dtype=torch.long), cache=cache)
