"""Generation is greedy or seeded, and the same with and without a cache."""

import pytest
import torch

from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.inference.generate import complete, generate, stream
from llm_notes.models.gpt import GPT, GPTConfig

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


def test_no_new_tokens_are_refused(model, prompt):
    with pytest.raises(ValueError, match="max_new_tokens must be at least 1, got 0"):
        generate(model, prompt, 0)


def test_complete_keeps_the_prompt_and_repeats_with_its_seed(model):
    tokenizer = CharacterTokenizer.train("abcdefghijklmnop ")
    assert tokenizer.vocab_size == V
    texts = [complete(model, tokenizer, "a cab", 10, seed=s) for s in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]
    assert all(text.startswith("a cab") and len(text) == 15 for text in texts)


def test_generation_leaves_the_model_as_it_was(model, prompt):
    model.train()
    generate(model, prompt, 2)
    assert model.training
    assert all(p.requires_grad for p in model.parameters())
