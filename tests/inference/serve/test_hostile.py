"""Many clients, rude clients, and clients that go: the server answers them all."""

import asyncio
import json
import socket
import time

import httpx
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_notes.inference.generate import generate
from llm_notes.inference.serve.limits import Limits

ask = {"model": "tiny", "prompt": "abc", "max_tokens": 12, "seed": 5}
JSON = {"Content-Type": "application/json"}
COMPLETIONS, CHAT = "/v1/completions", "/v1/chat/completions"
never_ends = {"prompt": "a", "max_tokens": 96, "logit_bias": {"36": -100}}


def is_error(response, status: int) -> bool:
    error = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert isinstance(error["message"], str)
    return response.status_code == status


def test_fifty_clients_get_their_own_answers(serving, make_engine, tiny_gpt, tokenizer):
    prompts = [chr(97 + i % 26) * (1 + i % 7) for i in range(50)]

    async def load(url):
        async with httpx.AsyncClient(base_url=url, timeout=30) as http:

            async def one(i):
                body = ask | {"prompt": prompts[i], "seed": i, "stream": i % 2 == 1}
                response = await http.post(COMPLETIONS, json=body)
                assert response.status_code == 200
                if i % 2 == 0:
                    return response.json()["choices"][0]["text"]
                events = response.text.split("\n\n")
                assert events[-2:] == ["data: [DONE]", ""]
                chunks = [json.loads(event[6:]) for event in events[:-2]]
                return "".join(chunk["choices"][0]["text"] for chunk in chunks)

            return await asyncio.gather(*map(one, range(50)))

    with serving(make_engine(n_places=8)) as server:
        texts = asyncio.run(load(server.url))
        assert server.metric('llm_notes_tokens_total{kind="completion"}') <= 600
        rows = server.metric("llm_notes_batch_rows_sum")
        assert rows > 1.5 * server.metric("llm_notes_batch_rows_count")
        name = f'llm_notes_requests_total{{path="{COMPLETIONS}",status="200"}}'
        assert server.wait_until(lambda: server.metric(name) == 50)
    for i, prompt in enumerate(prompts):
        ids = torch.tensor([tokenizer.encode(prompt)])
        generator = torch.Generator().manual_seed(i)
        ids = generate(tiny_gpt, ids, 12, generator=generator, eos_ids=[36])
        drawn = ids[0, len(prompt) :].tolist()
        assert texts[i] == tokenizer.decode(drawn, skip_special=True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"model":"tiny","prompt":"a","temperature":NaN}',
        b'{"model":"tiny","prompt":"a","temperature":1e999}',
        b'{"model":"tiny","prompt":"a","seed":' + b"9" * 5000 + b"}",
        b'{"model":"tiny","prompt":"a","top_p":' + b"9" * 400 + b"}",
        b'{"model":"tiny","prompt":"\\ud800"}',
        b'{"model":"tiny","prompt":"a","\\ud800":1}',
        b'{"model":"tiny","prompt":"a","logit_bias":{"\\u0663":1}}',
        b'{"model":"tiny","prompt":[]}',
        b'{"model":"tiny","prompt":[true]}',
        b'{"model":"tiny","prompt":[[]]}',
        b'{"model":"tiny"}',
    ],
)
def test_malformed_bodies_are_bad_requests(http, body):
    response = http.post(COMPLETIONS, content=body, headers=JSON)
    assert is_error(response, 400)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["tiny", "abc", "user", "<|end|>"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
names = "prompt messages max_tokens n stream stop seed temperature top_p logprobs"
names += " frequency_penalty presence_penalty logit_bias top_k min_p stream_options"
names += " repetition_penalty top_logprobs user model"
bodies = st.dictionaries(st.sampled_from(names.split()), values, max_size=4)


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(bodies, st.sampled_from([COMPLETIONS, CHAT]))
def test_any_json_is_answered_or_refused(http, body, path):
    messages = [{"role": "user", "content": "abc"}]
    base = {"model": "tiny", "max_tokens": 2}
    base |= {"prompt": "abc"} if path == COMPLETIONS else {"messages": messages}
    content = json.dumps(base | body).encode()
    response = http.post(path, content=content, headers=JSON)
    if response.status_code != 200:
        assert response.status_code < 500
        assert is_error(response, response.status_code)
    assert http.get("/health").json() == {"status": "ok"}


def test_extreme_settings_are_answered(http):
    extremes = [
        {"temperature": 1e-300},
        {"temperature": 1e-3},
        {"top_p": 1e-300},
        {"top_p": 0},
        {"repetition_penalty": 0.01, "frequency_penalty": -2},
        {"logit_bias": {str(i): -100 for i in range(37)}},
        {"min_p": 1},
        {"top_k": 1 << 31},
        {"seed": -(1 << 63)},
    ]
    for extreme in extremes:
        response = http.post(COMPLETIONS, json=ask | extreme)
        assert response.status_code == 200, extreme


@pytest.mark.parametrize("path", [COMPLETIONS, CHAT])
def test_fields_that_ask_for_nothing_are_taken(http, path):
    chat = {"model": "tiny", "messages": [{"role": "user", "content": "a"}]}
    body = (ask if path == COMPLETIONS else chat) | {"max_tokens": 2}
    neutral = {"best_of": 1, "echo": False, "suffix": None, "store": False}
    neutral |= {"response_format": {"type": "text"}, "tools": None, "metadata": {}}
    assert http.post(path, json=body | neutral).status_code == 200
    for name, value in (("echo", True), ("best_of", 2), ("suffix", "x")):
        response = http.post(path, json=body | {name: value})
        assert is_error(response, 400)
        assert response.json()["error"]["param"] == name


def test_what_can_never_run_is_a_bad_request(strict):
    response = httpx.post(strict.url + COMPLETIONS, json=ask | {"n": 3})
    assert is_error(response, 400)
    assert "more than 2 answers" in response.json()["error"]["message"]


def test_wrong_paths_methods_and_types_are_refused_in_the_same_form(http):
    assert is_error(http.get("/v1/nothing"), 404)
    assert is_error(http.get(COMPLETIONS), 405)
    assert is_error(http.post(COMPLETIONS, content=b"{}"), 415)
    assert (
        "access-control-allow-origin"
        not in http.get("/health", headers={"Origin": "http://evil.example"}).headers
    )


def test_only_allowed_pages_may_call(serving):
    with serving(allowed_origins=["http://good.example"]) as server:
        for origin, allowed in (("http://good.example", True), ("http://x.y", False)):
            headers = httpx.get(
                f"{server.url}/health", headers={"Origin": origin}
            ).headers
            assert ("access-control-allow-origin" in headers) == allowed


def test_an_allowed_page_may_use_openais_own_client(serving):
    with serving(allowed_origins=["http://good.example"]) as server:
        asked = {
            "Origin": "http://good.example",
            "Access-Control-Request-Method": "POST",
        }
        names = "authorization,content-type,x-stainless-os"
        asked["Access-Control-Request-Headers"] = names
        response = httpx.options(server.url + COMPLETIONS, headers=asked)
    assert response.status_code == 200
    assert response.headers["access-control-allow-headers"] == names


def test_metrics_are_prometheus_text(http):
    http.post(COMPLETIONS, json=ask)
    text = http.get("/metrics").text
    for line in text.splitlines():
        assert line.startswith("# TYPE ") or float(line.rpartition(" ")[2]) >= 0
    buckets = [x for x in text.splitlines() if x.startswith("llm_notes_request_sec")]
    counts = [int(x.split()[-1]) for x in buckets if "bucket" in x]
    assert counts == sorted(counts)
    assert counts[-1] == int(buckets[-1].split()[-1]) > 0


@pytest.fixture(scope="module")
def strict(serving, make_engine):
    limits = Limits(
        max_body_bytes=2000,
        head_seconds=0.5,
        body_seconds=0.3,
        request_seconds=5,
        max_tokens=96,
    )
    with serving(make_engine(n_places=1, max_waiting=1), limits=limits) as server:
        yield server


def raw(server, data: bytes) -> bytes:
    """What the server says to these bytes, until it closes or falls silent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(data)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return received


HEAD = b"POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"


def test_a_body_that_is_too_large_is_not_read(strict):
    answer = raw(strict, HEAD + b"Content-Length: 99999999999\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"body_too_large" in answer
    chunk = b"400\r\n" + b" " * 0x400 + b"\r\n"
    answer = raw(strict, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 2)
    assert answer.startswith(b"HTTP/1.1 413")  # though the body has no end


def test_a_body_that_does_not_come_is_given_up(strict):
    answer = raw(strict, HEAD + b"Content-Length: 100\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 408")
    assert httpx.get(f"{strict.url}/health").status_code == 200


@pytest.mark.parametrize("half", [b"", b"GE", HEAD], ids=["nothing", "word", "head"])
def test_a_head_that_does_not_come_is_given_up(strict, half):
    answer = raw(strict, half)
    assert answer.startswith(b"HTTP/1.1 408")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "timeout"


def test_a_slow_second_head_is_given_up_too(strict):
    whole = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
    with socket.create_connection(("127.0.0.1", strict.port), timeout=5) as connection:
        for _ in range(2):  # a connection that is used outlives the time of a head
            connection.sendall(whole)
            received = b""
            while not received.endswith(b"}"):
                received += (piece := connection.recv(65536))
                assert piece
            assert received.startswith(b"HTTP/1.1 200")
            time.sleep(0.4)
        connection.sendall(b"GET /hea")
        received = b""
        for piece in iter(lambda: connection.recv(65536), b""):
            received += piece
    assert received.startswith(b"HTTP/1.1 408")


def test_the_rest_of_a_refused_body_has_its_time_too(strict):
    # Whoever drips it in would hold the connection as long as a body may be.
    refused = (
        b"POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n"
    )
    received, left = b"", False
    with socket.create_connection(("127.0.0.1", strict.port), timeout=10) as connection:
        connection.sendall(refused)
        while not received.endswith(b"}}"):
            received += (piece := connection.recv(65536))
            assert piece
        connection.settimeout(0.1)
        for _ in range(100):  # ten seconds, twenty times what a head has
            try:
                connection.sendall(b" ")
                left = connection.recv(1) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                left = True
            if left:
                break
    assert received.startswith(b"HTTP/1.1 415")
    assert left


def test_an_answer_may_take_longer_than_a_head(serving_app):
    async def app(scope, receive, send):
        await asyncio.sleep(1.5)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"late"})

    limits = Limits(head_seconds=1.0)
    with serving_app(app, limits, lifespan="off") as (port, _):
        assert httpx.get(f"http://127.0.0.1:{port}/").text == "late"


@pytest.mark.parametrize("n_bytes", [1_000_000, 50_000])
def test_a_client_that_does_not_read_is_left(serving_app, n_bytes):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(n_bytes)})

    limits = Limits(request_seconds=0.5)
    options = {"send_buffer": 4096, "lifespan": "off", "timeout_keep_alive": 1}
    with serving_app(app, limits, **options) as (port, server), socket.socket() as rude:
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        rude.connect(("127.0.0.1", port))
        rude.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        connections = server.server_state.connections
        end = time.monotonic() + 20
        while connections or not server.server_state.total_requests:
            assert time.monotonic() < end
            time.sleep(0.01)


@pytest.mark.parametrize(
    "rubbish",
    [b"\x00\xff\r\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"],
    ids=["head", "body"],
)
def test_rubbish_is_no_http(strict, rubbish):
    answer = raw(strict, rubbish)
    assert answer.startswith(b"HTTP/1.1 400")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "bad_http"
    assert httpx.get(f"{strict.url}/health").status_code == 200


@pytest.fixture
def slow(serving, make_engine, tiny_gpt):
    """A server with one place whose model takes a while for each token."""

    class Slow(torch.nn.Module):
        config = tiny_gpt.config

        def __init__(self):
            super().__init__()
            self.model = tiny_gpt
            self.pause = 0.05

        def forward(self, token_ids, **options):
            time.sleep(self.pause)
            return self.model(token_ids, **options)

    engine = make_engine(Slow(), n_places=1, max_waiting=1)
    with serving(engine, limits=Limits(request_seconds=1.0)) as server:
        yield server


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_goes_frees_its_place(slow, stream):
    body = json.dumps(ask | never_ends | {"stream": stream}).encode()
    length = f"Content-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", slow.port), timeout=5) as connection:
        connection.sendall(HEAD + length + body)
        assert slow.wait_until(lambda: slow.metric("llm_notes_running") == 1)
        if stream:
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
    assert slow.wait_until(lambda: slow.metric("llm_notes_running") == 0)
    assert slow.metric('llm_notes_tokens_total{kind="completion"}') < 18


def test_a_full_queue_is_429_and_time_is_limited(slow):
    async def many():
        async with httpx.AsyncClient(base_url=slow.url, timeout=20) as http:
            body = ask | never_ends
            calls = [http.post(COMPLETIONS, json=body) for _ in range(4)]
            return await asyncio.gather(*calls)

    responses = sorted(asyncio.run(many()), key=lambda response: response.status_code)
    assert [response.status_code for response in responses] == [429, 429, 504, 504]
    assert all(int(r.headers["retry-after"]) > 0 for r in responses[:2])
    assert is_error(responses[0], 429)
    assert is_error(responses[2], 504)
    stream = httpx.post(
        slow.url + COMPLETIONS, json=ask | never_ends | {"stream": True}
    )
    last = json.loads(stream.text.strip().split("\n\n")[-1].removeprefix("data: "))
    assert last["error"]["code"] == "timeout"


def test_a_failing_model_is_a_500_in_the_same_form(serving, make_engine, tiny_gpt):
    class Failing(torch.nn.Module):
        config, fails = tiny_gpt.config, True

        def __init__(self):
            super().__init__()
            self.model = tiny_gpt

        def forward(self, token_ids, **options):
            if self.fails:
                raise RuntimeError("secret")
            return self.model(token_ids, **options)

    model = Failing()
    with serving(make_engine(model)) as server:
        response = httpx.post(server.url + COMPLETIONS, json=ask)
        assert is_error(response, 500)
        assert "secret" not in response.text
        model.fails = False
        assert httpx.post(server.url + COMPLETIONS, json=ask).status_code == 200
