"""Generation is greedy or seeded, and the same with and without a cache."""

from dataclasses import replace

import pytest
import torch

from llm_notes.data.tokenizers import CharacterTokenizer, WordTokenizer
from llm_notes.inference.decoder import UncachedDecoder, left_padded
from llm_notes.inference.generate import (
    complete,
    generate,
    steps,
    stream,
    stream_text,
)
from llm_notes.inference.penalties import penalise_counts, penalise_repetition
from llm_notes.inference.sampling import SamplingSettings
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.rnn import RNNConfig, RNNLanguageModel

V, CONTEXT, B, T = 17, 24, 3, 5


@pytest.fixture
def model() -> GPT:
    torch.manual_seed(0)
    model = GPT(GPTConfig(V, CONTEXT, n_layers=2, n_heads=2, d_model=12)).eval()
    with torch.no_grad():  # far from uniform, so that a wrong token shows
        for parameter in model.parameters():
            parameter.mul_(8)
    return model


@pytest.fixture
def prompt() -> torch.Tensor:
    return torch.randint(V, (B, T), generator=torch.Generator().manual_seed(1))


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(2)


@pytest.mark.parametrize(
    "settings",
    [{"temperature": 0}, {}, {"temperature": 0.8, "top_k": 6, "top_p": 0.9}],
    ids=["greedy", "plain", "filtered"],
)
def test_cached_generation_equals_uncached(model, prompt, settings):
    cached, uncached = (
        generate(model, prompt, 15, generator=seeded(), use_cache=use, **settings)
        for use in (True, False)
    )
    assert cached.equal(uncached)
    assert cached.shape == (B, T + 15)
    assert cached[:, :T].equal(prompt)


def test_greedy_generation_takes_the_likeliest_token_each_time(model, prompt):
    token_ids = generate(model, prompt, 10, temperature=0)
    predicted = model(token_ids[:, :-1]).argmax(-1)
    assert predicted[:, T - 1 :].equal(token_ids[:, T:])


def test_same_seed_gives_the_same_text_and_another_seed_another(model, prompt):
    first, second = (generate(model, prompt, 12, generator=seeded()) for _ in range(2))
    other = generate(model, prompt, 12, generator=torch.Generator().manual_seed(3))
    assert first.equal(second)
    assert not first.equal(other)


def test_stream_yields_the_tokens_that_generate_returns(model, prompt):
    whole = generate(model, prompt, 6, generator=seeded())
    steps = list(stream(model, prompt, 6, generator=seeded()))
    assert [tuple(step.shape) for step in steps] == [(B, 1)] * 6
    assert torch.cat(steps, dim=1).equal(whole[:, T:])


def test_context_can_be_filled_to_the_last_position(model, prompt):
    # The last token that is drawn is never read, so one more than the context fits.
    token_ids = generate(model, prompt, CONTEXT - T + 1, temperature=0)
    assert token_ids.shape == (B, CONTEXT + 1)
    uncached = generate(model, prompt, CONTEXT - T + 1, temperature=0, use_cache=False)
    assert token_ids.equal(uncached)


def test_a_text_longer_than_the_context_is_refused_before_any_work(model, prompt):
    with pytest.raises(ValueError, match=r"at most 20 tokens") as raised:
        generate(model, prompt, CONTEXT - T + 2)
    assert "context_length = 24" in str(raised.value)


@pytest.mark.parametrize("shape", [(3,), (2, 0)])
def test_an_empty_or_flat_prompt_is_refused(model, shape):
    with pytest.raises(ValueError, match="at least one token"):
        generate(model, torch.zeros(shape, dtype=torch.long), 3)
    with pytest.raises(ValueError, match="must be a tensor"):
        generate(model, [[1, 2]], 3)


@pytest.mark.parametrize(
    ("options", "strange"),
    [
        ({"eos_ids": [3, V]}, V),
        ({"eos_ids": torch.tensor([-1])}, -1),
        ({"eos_ids": [3], "pad_id": V}, V),
        ({"eos_ids": [3], "pad_id": -1}, -1),
    ],
    ids=str,
)
def test_ends_and_padding_that_the_model_does_not_have_are_refused(
    model, prompt, options, strange
):
    with pytest.raises(ValueError, match=rf"vocab_size - 1 = 16, got \[{strange}\]"):
        generate(model, prompt, 3, **options)
    with pytest.raises(ValueError, match=rf"got \[{strange}\]"):
        generate(model, prompt, 3, **options, use_cache=False)


def test_an_end_in_the_prompt_ends_nothing(model, prompt):
    end = prompt[0, 2].item()
    free = greedy(model, prompt[:1], 4)
    assert end not in free[0, T:].tolist()
    for eos_ids in ([end], torch.tensor([end]), {end}, (), torch.tensor([])):
        assert greedy(model, prompt[:1], 4, eos_ids=eos_ids).equal(free)


def test_no_new_tokens_are_refused(model, prompt):
    with pytest.raises(ValueError, match="max_new_tokens must be at least 1, got 0"):
        generate(model, prompt, 0)


def test_complete_keeps_the_prompt_and_repeats_with_its_seed(model):
    tokenizer = CharacterTokenizer.train("abcdefghijklmnop ")
    assert tokenizer.vocab_size == V
    texts = [complete(model, tokenizer, "a cab", 10, seed=s) for s in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]
    assert all(text.startswith("a cab") and len(text) == 15 for text in texts)


def test_words_are_joined_as_the_tokenizer_joins_them(model):
    words = "the cat sat on a mat and saw one dog in no hat by it"
    tokenizer = WordTokenizer.train(words, V)
    for stop in ((), ("zzz",)):
        text = complete(model, tokenizer, "the cat", 5, seed=3, stop=stop)
        ids = torch.tensor([tokenizer.encode("the cat")])
        generator = torch.Generator().manual_seed(3)
        ids = generate(model, ids, 5, generator=generator)
        assert text == tokenizer.decode(ids[0].tolist(), skip_special=True)
        assert text.startswith("the cat ")


def test_greedy_takes_the_likeliest_whatever_filters_say(model, prompt):
    typical = SamplingSettings(temperature=0, typical_p=0.2)
    penalised = replace(typical, presence_penalty=1e-6)
    for settings in (typical, penalised):
        found = generate(model, prompt, 6, settings=settings)
        assert found.equal(generate(model, prompt, 6, temperature=0))


def test_what_would_be_ignored_is_refused(model, prompt):
    settings = SamplingSettings(top_k=5)
    with pytest.raises(ValueError, match="not both"):
        generate(model, prompt, 2, temperature=0, settings=settings)
    with pytest.raises(ValueError, match="no decoder to choose"):
        generate(model, prompt, 2, use_cache=False, decoder=UncachedDecoder(model))


def test_generation_leaves_the_model_as_it_was(model, prompt):
    model.train()
    generate(model, prompt, 2)
    assert model.training
    assert all(p.requires_grad for p in model.parameters())


def greedy(model, prompt, n, **options):
    return generate(model, prompt, n, temperature=0, **options)


def test_rows_of_different_lengths_equal_each_row_alone(model):
    rows = [[3, 1, 4, 1, 5], [9, 2], [6, 5, 3]]
    prompts, mask = left_padded(rows, pad_id=7)
    together = greedy(model, prompts, 8, mask=mask)
    for row, found in zip(rows, together, strict=True):
        alone = greedy(model, torch.tensor([row]), 8)
        assert found[-8:].equal(alone[0, -8:])


def test_one_padded_row_is_a_batch_too(model):
    prompt, mask = (
        torch.tensor([[7, 7, 3, 1]]),
        torch.tensor([[False] * 2 + [True] * 2]),
    )
    alone = greedy(model, prompt[:, 2:], 8)
    assert greedy(model, prompt, 8, mask=mask)[:, 2:].equal(alone)
    full = greedy(model, prompt, CONTEXT - 3, mask=mask)
    assert full.size(1) == CONTEXT + 1
    everywhere = torch.ones_like(mask)
    assert greedy(model, prompt, 8, mask=everywhere).equal(greedy(model, prompt, 8))


def test_a_row_that_ends_is_filled_up_while_others_go_on(model, prompt):
    free = greedy(model, prompt, 9)[:, T:]
    end = free[0, 2].item()  # what row 0 says third
    found = greedy(model, prompt, 9, eos_ids=[end], pad_id=16)[:, T:]
    lengths = [(*row, end).index(end) + 1 for row in free.tolist()]
    assert min(lengths) < max(lengths)
    assert found.size(1) == min(max(lengths), 9)  # until the last row has ended
    for row, expected in zip(found.tolist(), free.tolist(), strict=True):
        if end in expected:
            n = expected.index(end) + 1
            expected = expected[:n] + [16] * (found.size(1) - n)
        assert row == expected[: found.size(1)]


def test_generation_is_over_when_all_rows_have_ended(model, prompt):
    first = greedy(model, prompt, 1)[:, -1].unique().tolist()
    found = greedy(model, prompt, 9, eos_ids=first)
    assert found.shape == (B, T + 1)


def test_log_probabilities_are_those_of_the_model(model, prompt):
    settings = SamplingSettings(temperature=0.7, top_k=3)
    processors = [lambda token_ids, logits: logits.flip(-1)]  # the model said otherwise
    drawn = list(steps(model, prompt, 6, settings, seeded(), processors=processors))
    ids = torch.cat([prompt, *(step.token_ids for step in drawn)], dim=1)
    log_p = model(ids[:, :-1]).log_softmax(-1)[:, T - 1 :]
    expected = log_p.gather(-1, ids[:, T:, None])[..., 0]
    found = torch.stack([step.log_probabilities for step in drawn], dim=1)
    torch.testing.assert_close(found, expected.detach(), atol=1e-4, rtol=1e-5)
    values, best = drawn[2].top(4)
    assert best[:, 0].equal(log_p[:, 2].argmax(-1))
    assert (values.diff(dim=-1) <= 0).all()


def test_processors_see_the_text_so_far_and_decide(model, prompt):
    seen = []

    def only_the_last_plus_one(token_ids, logits):
        seen.append(token_ids.clone())
        allowed = (token_ids[:, -1:] + 1) % V
        return torch.full_like(logits, -torch.inf).scatter(-1, allowed, 0.0)

    found = generate(model, prompt, 4, processors=[only_the_last_plus_one])
    assert found[:, T:].equal((prompt[:, -1:] + torch.arange(1, 5)) % V)
    assert [ids.shape for ids in seen] == [(B, T + i) for i in range(4)]
    assert seen[-1].equal(found[:, :-1])


def test_a_processor_may_write_into_the_logits_that_it_gets(model, prompt):
    def first_four(token_ids, logits):
        logits[:, 4:] = -torch.inf
        return logits

    def only_three(token_ids, logits):
        assert logits[:, 4:].eq(-torch.inf).all()  # one after the other
        return logits.index_fill(-1, torch.arange(3), -torch.inf)

    found = list(steps(model, prompt, 3, processors=[first_four, only_three]))
    assert all(step.token_ids.eq(3).all() for step in found)
    assert all(step.logits.isfinite().all() for step in found)  # the model's own


def test_processors_that_leave_no_token_are_named_with_their_row(model, prompt):
    def nothing_after_the_second(token_ids, logits):
        if token_ids.size(1) == T + 2:
            logits[1] = -torch.inf
        return logits

    for temperature in (0, 1):
        with pytest.raises(ValueError, match=r"leave rows \[1\] no token"):
            generate(
                model, prompt, 5, temperature, processors=[nothing_after_the_second]
            )


def test_a_row_that_has_ended_needs_no_token_of_the_processors(model, prompt):
    def end_row_one(token_ids, logits):
        logits[1] = -torch.inf
        if token_ids.size(1) == T:
            logits[1, 2] = 0.0
        return logits

    options = {"eos_ids": [2], "pad_id": 9, "processors": [end_row_one]}
    for temperature in (0, 1):
        found = generate(model, prompt, 3, temperature, generator=seeded(), **options)
        assert found[1, T:].tolist() == [2, 9, 9]


def test_a_repetition_penalty_is_applied_to_greedy_text_too(model, prompt):
    settings = SamplingSettings(temperature=0, repetition_penalty=1e6)
    found = generate(model, prompt[:1], 6, settings=settings)[0].tolist()
    assert found != greedy(model, prompt[:1], 6)[0].tolist()
    for t in range(T, T + 6):
        logits = model(torch.tensor([found[:t]]))[0, -1]
        expected = penalise_repetition(logits[None], torch.tensor([found[:t]]), 1e6)
        assert expected.argmax() == found[t]


def test_counts_of_a_padded_prompt_leave_padding_out(model):
    settings = SamplingSettings(temperature=0, repetition_penalty=3.0)
    prompts, mask = left_padded([[3, 1, 4, 1, 5], [9, 2]], pad_id=2)
    together = generate(model, prompts, 6, settings=settings, mask=mask)
    alone = generate(model, torch.tensor([[9, 2]]), 6, settings=settings)
    assert together[1, -6:].equal(alone[0, -6:])


def test_padding_was_never_said(model):
    def rather_zero_than_five(token_ids, logits):
        wanted = torch.full_like(logits, -5.0)
        wanted[:, 0], wanted[:, 5] = 2.0, 1.0
        return wanted

    settings = SamplingSettings(temperature=0, repetition_penalty=3.0)
    prompts, mask = left_padded([[3, 1, 4], [9]], pad_id=0)
    found = generate(
        model,
        prompts,
        2,
        settings=settings,
        mask=mask,
        processors=[rather_zero_than_five],
    )
    assert found[:, -2:].tolist() == [[0, 5]] * 2


def test_frequency_and_presence_count_what_was_generated_only(model, prompt):
    settings = SamplingSettings(
        temperature=0, frequency_penalty=6.0, presence_penalty=3.0
    )
    found = generate(model, prompt, 8, settings=settings)
    assert not found.equal(greedy(model, prompt, 8))
    for t in range(T, T + 8):
        logits = model(found[:, :t])[:, -1]
        expected = penalise_counts(logits, found[:, T:t], 6.0, 3.0)
        assert expected.argmax(-1).equal(found[:, t])


@pytest.mark.parametrize(
    "mask",
    [
        torch.ones(B, T),  # no booleans
        torch.ones(B, T + 1, dtype=torch.bool),
        torch.tensor([[True] * 4 + [False]]).expand(B, T),  # padding on the right
        torch.tensor([[True, False, True, True, True]]).expand(B, T),
    ],
    ids=["dtype", "shape", "right", "hole"],
)
def test_a_mask_that_is_no_left_padding_is_refused(model, prompt, mask):
    with pytest.raises(ValueError, match="False at padding on the left"):
        generate(model, prompt, 3, mask=mask)


def test_text_ends_before_a_stop_string_that_crosses_tokens(model):
    tokenizer = CharacterTokenizer.train("abcdefghijklmnop ")
    whole = complete(model, tokenizer, "a cab", 14, seed=4)
    new = whole[len("a cab") :]
    stop = new[5:8]  # three tokens
    cut = complete(model, tokenizer, "a cab", 14, seed=4, stop=[stop, "zzz"])
    assert cut == "a cab" + new[: new.index(stop)]
    pieces = list(stream_text(model, tokenizer, "a cab", 14, seed=4))
    assert "".join(pieces) == new

    calls = []

    def count(token_ids, logits):
        calls.append(token_ids)
        return logits

    options = {"seed": 4, "stop": [stop], "processors": [count]}
    pieces = stream_text(model, tokenizer, "a cab", 14, **options)
    assert "".join(pieces) == new[: new.index(stop)]
    assert len(calls) == new.index(stop) + len(stop)  # and nothing was read after it


def test_a_recurrent_model_writes_beyond_any_context():
    torch.manual_seed(0)
    rnn = RNNLanguageModel(RNNConfig(V, 6, 8, cell="gru")).eval()
    prompt = torch.randint(V, (2, 3), generator=torch.Generator().manual_seed(1))
    cached, uncached = (
        generate(rnn, prompt, 40, generator=seeded(), use_cache=use)
        for use in (True, False)
    )
    assert cached.equal(uncached)
    assert cached.shape == (2, 43)
    prompts, mask = left_padded([[3, 1, 4], [9]])
    cached, uncached = (
        greedy(rnn, prompts, 9, mask=mask, use_cache=use) for use in (True, False)
    )
    assert cached.equal(uncached)
    assert cached[1, 3:].equal(greedy(rnn, torch.tensor([[9]]), 9)[0, 1:])
