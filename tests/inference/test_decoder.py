"""Whatever a decoder remembers, it gives the logits of the model reading all anew."""

import pytest
import torch

from llm_notes.inference import gpt_decoder
from llm_notes.inference.decoder import (
    CachedDecoder,
    RecurrentDecoder,
    UncachedDecoder,
    left_padded,
)
from llm_notes.inference.generate import decoder_for
from llm_notes.inference.gpt_decoder import GPTDecoder
from llm_notes.inference.quantization import FORMATS, quantize_model
from llm_notes.models.layers.cache import KeyValueCache, StaticKeyValueCache
from llm_notes.models.layers.norm import RMSNorm
from llm_notes.models.layers.rotary import RotaryPosition
from llm_notes.models.llama import Llama, LlamaConfig
from llm_notes.models.ngram_gpt import NgramGPT, NgramGPTConfig
from llm_notes.models.rnn import RNNConfig, RNNLanguageModel
from llm_notes.runtime import count_parameters

V, CONTEXT, B, T, N = 17, 24, 3, 5, 7

MAKERS = {
    "growing": lambda model: CachedDecoder(model, KeyValueCache()),
    "static": lambda model: CachedDecoder(model, StaticKeyValueCache(T + N)),
    "none": UncachedDecoder,
    "flat": lambda model: GPTDecoder(model, B, T + N),
}


def close(a, b):
    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def ids(n_rows=B, length=T + N, seed=1):
    return torch.randint(
        V, (n_rows, length), generator=torch.Generator().manual_seed(seed)
    )


@torch.inference_mode()
def read_by(decoder, token_ids, n_prompt=T, mask=None):
    """Logits (B, N + 1, V) after the prompt and after each further token."""
    logits = [decoder.prefill(token_ids[:, :n_prompt], mask)]
    for t in range(n_prompt, token_ids.size(1)):
        logits.append(decoder.step(token_ids[:, t : t + 1]))
    return torch.stack(logits, dim=1)


@pytest.mark.parametrize("options", [{}, {"rotary": True}, {"bias": False}], ids=str)
@pytest.mark.parametrize("name", MAKERS)
def test_each_decoder_equals_reading_the_whole_text(sharp_gpt, name, options):
    model = sharp_gpt(**options).double()  # large weights: float32 rounds at 1e-4
    expected = model(ids())[:, T - 1 :].detach()
    close(read_by(MAKERS[name](model), ids()), expected)


@pytest.mark.parametrize("options", [{}, {"rotary": True}], ids=str)
@pytest.mark.parametrize("name", MAKERS)
def test_rows_of_a_padded_batch_equal_each_row_alone(sharp_gpt, name, options):
    model = sharp_gpt(**options).double()
    lengths, following = (5, 2, 4), ids(B, N, seed=2)
    rows = [ids(1, n, seed=n)[0].tolist() for n in lengths]
    prompts, mask = left_padded(rows, pad_id=3)
    assert prompts.shape == (B, T)
    together = read_by(
        MAKERS[name](model), torch.cat([prompts, following], dim=1), mask=mask
    )
    for i, row in enumerate(rows):
        alone = torch.tensor([row + following[i].tolist()])
        close(together[i], model(alone)[0, len(row) - 1 :].detach())


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("rows", [[2, 0, 2], [1], [0, 1, 1, 2]], ids=str)
def test_selected_rows_go_on_from_what_they_were(sharp_gpt, name, padded, rows):
    model, rows = sharp_gpt().double(), torch.tensor(rows)
    mask = None
    if padded:
        mask = torch.arange(T) >= torch.tensor([[0], [2], [1]])
    decoder, text = MAKERS[name](model), ids()
    with torch.inference_mode():
        decoder.prefill(text[:, :T], mask)
        decoder.step(text[:, T : T + 1])
        decoder.select(rows)
        found = decoder.step(text[rows][:, T + 1 : T + 2])
        plain = UncachedDecoder(model)
        plain.prefill(text[rows][:, :T], None if mask is None else mask[rows])
        plain.step(text[rows][:, T : T + 1])
        close(found, plain.step(text[rows][:, T + 1 : T + 2]))


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_recurrent_model_remembers_its_state(cell):
    torch.manual_seed(0)
    config = RNNConfig(V, 6, 8, n_layers=2, cell=cell)
    model = RNNLanguageModel(config).eval()
    decoder = decoder_for(model, B, T + N)
    assert isinstance(decoder, RecurrentDecoder)
    close(read_by(decoder, ids()), model(ids())[:, T - 1 :].detach())
    rows = torch.tensor([1, 1, 0])
    with torch.inference_mode():
        decoder.select(rows)
        longer = torch.cat([ids()[rows], ids(B, 1, seed=3)], dim=1)
        close(decoder.step(longer[:, -1:]), model(longer)[:, -1])


@pytest.mark.parametrize(
    "model",
    [
        lambda: Llama(LlamaConfig(V, CONTEXT, 2, 4, 2, 16, 24)),
        lambda: Llama(LlamaConfig(V, CONTEXT, 2, 4, 2, 16, 24, window=3)),
        lambda: NgramGPT(NgramGPTConfig(V, CONTEXT, 2, 2, 12, n_buckets=50)),
        lambda: RNNLanguageModel(RNNConfig(V, 6, 8, n_layers=2, cell="gru")),
    ],
    ids=["llama", "window", "ngram_gpt", "gru"],
)
def test_other_models_and_rows_of_padded_batches_are_read_exactly(model):
    torch.manual_seed(0)
    model = model().eval().double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    decoder = decoder_for(model, B, T + N)
    assert not isinstance(decoder, GPTDecoder)
    close(read_by(decoder, ids()), model(ids())[:, T - 1 :].detach())
    rows = [ids(1, n, seed=n)[0].tolist() for n in (5, 2, 4)]
    prompts, mask = left_padded(rows, pad_id=3)
    following = ids(B, N, seed=2)
    for decoder in (decoder_for(model, B, T + N), UncachedDecoder(model)):
        texts = torch.cat([prompts, following], dim=1)
        together = read_by(decoder, texts, mask=mask)
        for i, row in enumerate(rows):
            alone = torch.tensor([row + following[i].tolist()])
            close(together[i], model(alone)[0, len(row) - 1 :].detach())


def test_a_plain_gpt_is_read_flat_and_a_changed_one_is_not(sharp_gpt):
    assert GPTDecoder.fits(sharp_gpt())
    watched = sharp_gpt()
    watched.blocks[1].attention.v_proj.register_forward_hook(lambda *call: None)
    adapted = sharp_gpt()
    adapted.blocks[0].feed_forward.up_proj = torch.nn.Sequential(
        adapted.blocks[0].feed_forward.up_proj
    )
    bent = sharp_gpt()
    bent.blocks[0].feed_forward.activation = torch.nn.functional.relu
    narrow = sharp_gpt()
    narrow.blocks[1].attention.window = 3
    scaled = sharp_gpt()
    scaled.blocks[0].attention.scale = 1.0
    normed = sharp_gpt()
    normed.final_norm = RMSNorm(12)
    rounded = quantize_model(
        sharp_gpt(),
        FORMATS["int8"],
        embeddings=True,
        skip=("q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj"),
    )
    pairs, two_tables = sharp_gpt(rotary=True), sharp_gpt(rotary=True)
    one_table = RotaryPosition(6, CONTEXT, interleaved=True)
    for block in pairs.blocks:
        block.attention.rotary = one_table
    two_tables.blocks[1].attention.rotary = RotaryPosition(6, CONTEXT, base=50.0)
    dropping = sharp_gpt(dropout=0.1).train()
    changed = (watched, adapted, bent, narrow, scaled, normed, rounded)
    changed += (pairs, two_tables)
    for model in (*changed, dropping):
        assert not GPTDecoder.fits(model)
    assert GPTDecoder.fits(dropping.eval())
    for model in changed[1:]:
        model = model.double()
        decoder = decoder_for(model, B, T + N)
        close(read_by(decoder, ids()), model(ids())[:, T - 1 :].detach())


def test_a_large_model_is_not_copied(sharp_gpt, monkeypatch):
    model = sharp_gpt()
    monkeypatch.setattr(gpt_decoder, "LARGE", count_parameters(model))
    assert isinstance(decoder_for(model, B, T + N), GPTDecoder)
    monkeypatch.setattr(gpt_decoder, "LARGE", count_parameters(model) - 1)
    assert not isinstance(decoder_for(model, B, T + N), GPTDecoder)


def test_a_store_for_other_prompts_is_refused(sharp_gpt):
    for n_rows, length in ((B, T - 1), (B + 1, T)):
        decoder = GPTDecoder(sharp_gpt(), n_rows, length)
        with pytest.raises(ValueError, match=rf"\({n_rows}, {length}\).*\(3, 5\)"):
            decoder.prefill(ids(length=T))


def test_a_decoder_begins_anew_or_says_that_it_cannot(sharp_gpt):
    model, mask = sharp_gpt().double(), torch.arange(T) >= torch.tensor([[0], [2], [1]])
    expected = model(ids())[:, T - 1 :].detach()
    for name in ("flat", "none"):
        decoder = MAKERS[name](model)
        read_by(decoder, ids(seed=3), mask=mask)
        close(read_by(decoder, ids()), expected)
    for name in ("growing", "static"):
        decoder = MAKERS[name](model)
        read_by(decoder, ids(seed=3))
        with pytest.raises(ValueError, match="holds 12 positions of another text"):
            decoder.prefill(ids(length=T))


def test_a_full_store_is_refused(sharp_gpt):
    decoder = GPTDecoder(sharp_gpt(), B, T)
    with torch.inference_mode():
        decoder.prefill(ids(length=T))
        with pytest.raises(ValueError, match="max_length = 5"):
            decoder.step(ids(length=1))


def test_padding_stands_left_and_places_count_real_tokens():
    prompts, mask = left_padded([[4, 5, 6], [7]], pad_id=9)
    assert prompts.tolist() == [[4, 5, 6], [9, 9, 7]]
    assert mask.tolist() == [[True] * 3, [False, False, True]]
    for rows in ([], [[1], []]):
        with pytest.raises(ValueError, match="at least one token"):
            left_padded(rows)
