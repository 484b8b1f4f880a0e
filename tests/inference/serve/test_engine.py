"""The engine refuses what it would compute wrongly; replies give true bytes."""

import pytest

from llm_notes.data.tokenizers import BytePairTokenizer
from llm_notes.inference.serve.answer import Job, TokenLogprob
from llm_notes.inference.serve.engine import Engine
from llm_notes.inference.serve.replies import Replies
from llm_notes.inference.serve.requests import Work
from llm_notes.inference.serve.schemas import CHAT
from llm_notes.models.llama import Llama, LlamaConfig
from llm_notes.models.ngram_gpt import NgramGPT, NgramGPTConfig


def llama(window):
    return Llama(LlamaConfig(17, 24, 1, 2, 1, 8, 12, window=window))


@pytest.mark.parametrize(
    "model",
    [llama(4), NgramGPT(NgramGPTConfig(17, 24, 1, 2, 8, n_buckets=31))],
    ids=["window", "n-grams"],
)
def test_models_that_count_from_the_end_of_the_batch_are_refused(model, tokenizer):
    with pytest.raises(ValueError, match="cannot be served"):
        Engine(model, tokenizer)


@pytest.mark.parametrize("sizes", [(0, 4), (2, -1)])
def test_an_engine_has_a_place_at_least(tiny_gpt, tokenizer, sizes):
    with pytest.raises(ValueError, match="at least one answer has to run"):
        Engine(tiny_gpt, tokenizer, n_places=sizes[0], max_waiting=sizes[1])


@pytest.mark.parametrize("window", [None, 24])
def test_a_window_as_long_as_the_context_is_none(window, tokenizer):
    assert Engine(llama(window), tokenizer).context_length == 24


def test_a_token_with_half_a_character_has_its_own_bytes():
    tokenizer = BytePairTokenizer.train("abc", 256)
    ids = tokenizer.encode("中")
    assert len(ids) == 3
    work = Work(CHAT, [Job([1], 3, n_logprobs=0)], 1, False, False)
    replies = Replies(work, "tiny", tokenizer)
    tokens = [TokenLogprob(i, -1.0) for i in ids]
    entries = replies._chat_logprobs(tokens)["content"]
    assert bytes(b for entry in entries for b in entry["bytes"]).decode() == "中"
