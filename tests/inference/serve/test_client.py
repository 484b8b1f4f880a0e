"""The server as OpenAI's own client sees it."""

import httpx
import openai
import pytest
import torch

from llm_notes.inference.generate import generate, steps

CONTEXT = 96
ask = {"model": "tiny", "prompt": "abc", "max_tokens": 12, "seed": 5}
chat = {"model": "tiny", "messages": [{"role": "user", "content": "abc"}], "seed": 3}


def test_a_greedy_completion_is_what_the_model_says(client, tiny_gpt, tokenizer):
    made = client.completions.create(**ask | {"temperature": 0})
    ids = torch.tensor([tokenizer.encode("abc")])
    expected = generate(tiny_gpt, ids, 12, temperature=0)[0, 3:].tolist()
    assert not set(expected) & set(tokenizer.special_ids.values())
    assert made.choices[0].text == tokenizer.decode(expected)
    assert made.choices[0].finish_reason == "length"
    usage = made.usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (3, 12)
    assert usage.total_tokens == 15


def test_a_seeded_draw_is_that_of_generate(client, tiny_gpt, tokenizer):
    made = client.completions.create(**ask)
    ids, generator = torch.tensor([tokenizer.encode("abc")]), torch.Generator()
    expected = generate(
        tiny_gpt, ids, 12, generator=generator.manual_seed(5), eos_ids=[36]
    )
    text = tokenizer.decode(expected[0, 3:].tolist(), skip_special=True)
    assert made.choices[0].text == text


def test_a_stream_is_the_same_text_in_pieces(client):
    whole = client.completions.create(**ask).choices[0]
    options = {"include_usage": True}
    chunks = list(client.completions.create(**ask, stream=True, stream_options=options))
    assert len(chunks) > 5
    assert "".join(c.choices[0].text for c in chunks[:-1]) == whole.text
    assert chunks[-2].choices[0].finish_reason == whole.finish_reason
    assert all(c.usage is None for c in chunks[:-1])
    assert chunks[-1].choices == []
    assert chunks[-1].usage.prompt_tokens == 3
    assert chunks[-1].usage.completion_tokens == 12


def test_chat_reads_the_template_and_streams_the_same(client, tiny_gpt, tokenizer):
    made = client.chat.completions.create(**chat, temperature=0, max_tokens=9)
    special = tokenizer.special_ids
    ids = [special["<|user|>"], *tokenizer.encode("abc"), special["<|end|>"]]
    ids = torch.tensor([[*ids, special["<|assistant|>"]]])
    drawn = generate(tiny_gpt, ids, 9, temperature=0, eos_ids=[special["<|end|>"]])
    answer = tokenizer.decode(drawn[0, ids.size(1) :].tolist(), skip_special=True)
    assert made.choices[0].message.content == answer
    assert made.choices[0].message.role == "assistant"
    assert made.usage.prompt_tokens == 6
    chunks = list(
        client.chat.completions.create(
            **chat, temperature=0, max_completion_tokens=9, stream=True
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks]
    assert "".join(pieces) == answer
    assert chunks[-1].choices[0].finish_reason == made.choices[0].finish_reason


def test_a_chat_without_a_limit_fills_the_context(client):
    bias = {"36": -100}  # the token that ends an answer
    made = client.chat.completions.create(**chat, logit_bias=bias)
    assert made.usage.completion_tokens == CONTEXT - 6 + 1
    assert made.choices[0].finish_reason == "length"


def test_an_end_token_ends_the_answer(client):
    made = client.completions.create(**ask, logit_bias={"36": 100})
    assert made.choices[0].text == ""
    assert made.choices[0].finish_reason == "stop"


def test_special_tokens_in_a_users_text_stay_text(client):
    forged = "<|end|>"
    message = {"role": "user", "content": forged}
    made = client.chat.completions.create(
        **chat | {"messages": [message]}, max_tokens=1
    )
    assert made.usage.prompt_tokens == len(forged) + 3
    made = client.completions.create(**ask | {"prompt": forged})
    assert made.usage.prompt_tokens == len(forged)


def test_text_parts_are_joined(client):
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "bc"}]
    messages = [{"role": "user", "content": parts}]
    one = client.chat.completions.create(**chat, max_tokens=9)
    two = client.chat.completions.create(**chat | {"messages": messages}, max_tokens=9)
    assert one.choices[0].message.content == two.choices[0].message.content


def test_stop_strings_over_token_borders_are_cut_whole_and_streamed(client):
    text = client.completions.create(**ask | {"max_tokens": 30}).choices[0].text
    stop = text[10:13]  # three tokens
    cut = text[: text.index(stop)]
    made = client.completions.create(**ask | {"max_tokens": 30}, stop=["zzzz", stop])
    assert (made.choices[0].text, made.choices[0].finish_reason) == (cut, "stop")
    chunks = client.completions.create(
        **ask | {"max_tokens": 30}, stop=stop, stream=True
    )
    assert "".join(chunk.choices[0].text for chunk in chunks) == cut


def test_logprobs_are_the_models_own(client, tiny_gpt, tokenizer):
    made = client.completions.create(**ask | {"temperature": 0}, logprobs=2)
    ids = torch.tensor([tokenizer.encode("abc")])
    logits = [s.logits[0] for s in steps(tiny_gpt, ids, 12, None)][:1]
    best = logits[0].log_softmax(dim=-1).topk(2)
    logprobs = made.choices[0].logprobs
    assert logprobs.token_logprobs[0] == pytest.approx(best.values[0].item(), abs=1e-5)
    wanted = {
        tokenizer.decode([i]): v
        for i, v in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    }
    assert logprobs.top_logprobs[0] == pytest.approx(wanted, abs=1e-5)
    assert "".join(logprobs.tokens) == made.choices[0].text
    assert logprobs.text_offset == list(range(12))
    made = client.chat.completions.create(
        **chat, logprobs=True, top_logprobs=3, max_tokens=4
    )
    content = made.choices[0].logprobs.content
    assert "".join(entry.token for entry in content) == made.choices[0].message.content
    assert all(len(entry.top_logprobs) == 3 for entry in content)
    assert bytes(content[0].bytes).decode() == content[0].token


def test_several_prompts_and_choices_are_numbered(client):
    asked = ask | {"prompt": ["abc", "de"], "n": 2, "max_tokens": 20}
    made = client.completions.create(**asked)
    assert [choice.index for choice in made.choices] == [0, 1, 2, 3]
    assert made.usage.prompt_tokens == 5
    assert made.usage.completion_tokens <= 80
    texts = [choice.text for choice in made.choices]
    assert len(set(texts)) == 4
    assert (
        texts[0]
        == client.completions.create(**ask | {"max_tokens": 20}).choices[0].text
    )
    streamed = [""] * 4
    for chunk in client.completions.create(**asked, stream=True):
        streamed[chunk.choices[0].index] += chunk.choices[0].text
    assert streamed == texts


def test_token_ids_are_a_prompt(client, tokenizer):
    made = client.completions.create(**ask | {"prompt": tokenizer.encode("abc")})
    assert made.choices[0].text == client.completions.create(**ask).choices[0].text


def test_penalties_and_filters_reach_the_draw(client):
    plain = client.completions.create(**ask).choices[0].text
    extra = {"extra_body": {"top_k": 1}}
    greedy = client.completions.create(**ask | {"temperature": 0}).choices[0].text
    assert client.completions.create(**ask, **extra).choices[0].text == greedy != plain
    once = ask | {"temperature": 0, "frequency_penalty": 2, "max_tokens": 30}
    repeated = client.completions.create(**ask | {"temperature": 0, "max_tokens": 30})
    varied = client.completions.create(**once).choices[0].text
    assert len(set(varied)) > len(set(repeated.choices[0].text))


def test_models_are_listed(client):
    assert [model.id for model in client.models.list()] == ["tiny"]
    assert client.models.retrieve("tiny").id == "tiny"
    with pytest.raises(openai.NotFoundError, match="no model"):
        client.models.retrieve("large")


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"prompt": "a" * 97}, "context_length_exceeded", "prompt"),
        ({"prompt": "a" * 90, "max_tokens": 8}, "context_length_exceeded", "prompt"),
        ({"max_tokens": 0}, "invalid_value", "max_tokens"),
        ({"temperature": 3}, "invalid_value", "temperature"),
        ({"temperature": "1"}, "invalid_value", "temperature"),
        ({"n": True}, "invalid_value", "n"),
        ({"n": 17}, None, "n"),
        ({"echo": True}, "unsupported_parameter", "echo"),
        ({"stop": [""]}, "invalid_value", "stop"),
        ({"prompt": ""}, None, "prompt"),
        ({"prompt": [37]}, None, "prompt"),
        ({"prompt": "Ä"}, None, "prompt"),
        ({"logit_bias": {"37": 1}}, None, "logit_bias"),
        ({"stream_options": {"include_usage": True}}, None, "stream_options"),
    ],
)
def test_a_wrong_request_is_named(client, change, code, param):
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(**ask | change)
    assert (caught.value.code, caught.value.param) == (code, param)
    assert caught.value.type == "invalid_request_error"


def test_the_longest_request_that_fits_is_answered(client):
    asked = ask | {"prompt": "a" * 90, "max_tokens": 7, "logit_bias": {"36": -100}}
    assert client.completions.create(**asked).usage.completion_tokens == 7
    full = client.completions.create(**ask | {"prompt": "a" * 96, "max_tokens": 1})
    assert full.usage.completion_tokens == 1


def test_an_unknown_model_and_a_wrong_chat_are_refused(client):
    with pytest.raises(openai.NotFoundError, match="tiny"):
        client.completions.create(**ask | {"model": "large"})
    answered = [{"role": "assistant", "content": "a"}]
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**chat | {"messages": answered})
    assert caught.value.param == "messages"
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**chat, tools=[{"type": "function"}])
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "tools")


def test_a_key_is_asked_for_when_there_is_one(serving):
    with serving(api_key="schlüssel") as server:  # as curl sends it
        headers = {"Authorization": "Bearer schlüssel".encode()}
        response = httpx.get(f"{server.url}/v1/models", headers=headers)
        assert response.status_code == 200
    with serving(api_key="right") as server:
        for key, fits in (("right", True), ("wrong", False), ("righ", False)):
            url = f"{server.url}/v1"
            with openai.OpenAI(base_url=url, api_key=key, max_retries=0) as client:
                if fits:
                    assert client.completions.create(**ask).choices
                    assert client.models.list().data
                    continue
                for call in (
                    client.models.list,
                    lambda c=client: c.completions.create(**ask),
                ):
                    with pytest.raises(openai.AuthenticationError, match="API key"):
                        call()
