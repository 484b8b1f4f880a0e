"""Beam search finds what transformers' finds, with the same scores."""

import pytest
import torch

from llm_notes.inference.beam import beam_search
from llm_notes.inference.decoder import CachedDecoder
from llm_notes.inference.generate import generate
from llm_notes.models.layers.cache import KeyValueCache

V, T = 17, 4


@pytest.fixture
def prompt():
    return torch.randint(V, (1, T), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def pair():
    """GPT-2 of transformers and ours with its weights."""
    import transformers

    from llm_notes.models.gpt import GPT, GPTConfig
    from llm_notes.models.pretrained.gpt2 import gpt2_from_hugging_face

    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=V, n_positions=24, n_embd=12, n_layer=2, n_head=2,
        initializer_range=0.5, bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    theirs = transformers.GPT2LMHeadModel(config).eval()
    ours = GPT(GPTConfig(V, 24, 2, 2, 12)).eval()
    ours.load_state_dict(gpt2_from_hugging_face(theirs.state_dict()))
    return theirs, ours


@pytest.mark.parametrize("early_stopping", [False, True, None], ids=str)
@pytest.mark.parametrize("length_penalty", [0.0, 1.0, 2.0])
@pytest.mark.parametrize(
    ("n_beams", "eos_ids"),
    [(2, []), (2, [2, 9, 11]), (3, [5]), (4, [2, 9, 11])],
    ids=str,
)
def test_texts_and_scores_equal_transformers(
    pair, n_beams, eos_ids, length_penalty, early_stopping
):
    theirs, ours = pair
    for seed in (0, 3):
        prompt = torch.randint(V, (1, T), generator=torch.Generator().manual_seed(seed))
        expected = theirs.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=9,
            num_beams=n_beams,
            num_return_sequences=n_beams,
            length_penalty=length_penalty,
            early_stopping="never" if early_stopping is None else early_stopping,
            do_sample=False,
            pad_token_id=0,
            eos_token_id=eos_ids or None,
            output_scores=True,
            return_dict_in_generate=True,
        )
        found = beam_search(
            ours, prompt, 9, n_beams, length_penalty, eos_ids, early_stopping
        )
        # Theirs fills up with unfinished rows where fewer than W texts have ended.
        assert found
        for beam, row, score in zip(
            found, expected.sequences, expected.sequences_scores, strict=False
        ):
            assert beam.token_ids.tolist() == row[: len(beam.token_ids)].tolist()
            assert beam.score == pytest.approx(score.item(), abs=1e-5)


def test_one_beam_is_greedy_decoding(sharp_gpt, prompt):
    model = sharp_gpt()
    (beam,) = beam_search(model, prompt, 8, n_beams=1)
    assert beam.token_ids.tolist() == generate(model, prompt, 8, 0)[0].tolist()


@torch.inference_mode()
def test_log_probability_is_that_of_the_continuation(sharp_gpt, prompt):
    model = sharp_gpt().double()
    for beam in beam_search(model, prompt, 6, n_beams=3, length_penalty=0.7):
        log_p = model(beam.token_ids[None, :-1]).log_softmax(-1)[0]
        chosen = log_p.gather(-1, beam.token_ids[1:, None])[T - 1 :]
        assert beam.log_probability == pytest.approx(chosen.sum().item(), abs=1e-6)
        assert beam.score == pytest.approx(beam.log_probability / 6**0.7, abs=1e-6)


def test_enough_beams_find_the_likeliest_text_of_all(sharp_gpt, prompt):
    model = sharp_gpt()
    best = beam_search(model, prompt, 2, n_beams=V, length_penalty=0)[0]
    pairs = torch.cartesian_prod(torch.arange(V), torch.arange(V))
    texts = torch.cat([prompt.expand(V * V, -1), pairs], dim=1)
    log_p = model(texts[:, :-1]).log_softmax(-1)[:, T - 1 :]
    totals = log_p.gather(-1, pairs[..., None]).sum(dim=(1, 2))
    assert best.token_ids.tolist() == texts[totals.argmax()].tolist()


def test_the_decoder_does_not_change_the_result(sharp_gpt, prompt):
    model = sharp_gpt(rotary=True)
    flat = beam_search(model, prompt, 9, 3, eos_ids=[4])
    cached = CachedDecoder(model, KeyValueCache())
    same = beam_search(model, prompt, 9, 3, eos_ids=[4], decoder=cached)
    for a, b in zip(flat, same, strict=True):
        assert a.token_ids.tolist() == b.token_ids.tolist()


@pytest.mark.parametrize(
    ("n_rows", "n_beams", "message"),
    [(2, 3, "takes one prompt, got 2"), (1, 0, "n_beams = 0")],
)
def test_what_cannot_be_searched_is_refused(sharp_gpt, n_rows, n_beams, message):
    prompts = torch.zeros(n_rows, T, dtype=torch.long)
    with pytest.raises(ValueError, match=message):
        beam_search(sharp_gpt(), prompts, 3, n_beams)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length_penalty": float("nan")}, "length_penalty must be finite, got nan"),
        ({"eos_ids": [3, 99]}, r"vocab_size - 1 = 16, got \[99\]"),
    ],
)
def test_settings_that_mean_nothing_are_refused(sharp_gpt, prompt, options, message):
    with pytest.raises(ValueError, match=message):
        beam_search(sharp_gpt(), prompt, 3, 2, **options)


def test_an_end_that_is_named_twice_ends_once(sharp_gpt, prompt):
    model = sharp_gpt()
    once = beam_search(model, prompt, 5, 3, eos_ids=[4, 9])
    again = beam_search(model, prompt, 5, 3, eos_ids=torch.tensor([9, *[4] * V]))
    assert [b.token_ids.tolist() for b in again] == [b.token_ids.tolist() for b in once]
