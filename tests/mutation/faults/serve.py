"""Faults planted in the server: each must make a test fail."""

SERVE = "inference/serve/"
SCHEDULER = SERVE + "scheduler.py"
PLACES = SERVE + "places.py"
ANSWER = SERVE + "answer.py"
STREAM = "inference/text_stream.py"

FAULTS = [
    (PLACES, "if clean:", "if not clean:", "what was no number stays in the store"),
    (
        SCHEDULER,
        "self._end([(answer, failed(answer, error)) for answer in newcomers])",
        "raise",
        "failing prompts end the batch",
    ),
    (
        SCHEDULER,
        "if not is_number:",
        "if False:",
        "tokens are drawn from no numbers",
    ),
    (
        SERVE + "connection.py",
        "elif self.timer is None:",
        "elif False:",
        "half a head is waited for",
    ),
    (
        SERVE + "connection.py",
        "if self.conn.their_state is not h11.IDLE and not is_refused:",
        "if False:",
        "the time of a head runs on after it",
    ),
    (
        SERVE + "connection.py",
        "is_refused = self.conn.our_state is h11.DONE",
        "is_refused = False",
        "the rest of a refused body is waited for",
    ),
    (
        SERVE + "connection.py",
        "transport.set_write_buffer_limits(high=0)",
        "pass",
        "who leaves a little unread holds the connection",
    ),
    (
        SERVE + "connection.py",
        "end = self.transport.abort",
        "end = self.transport.close",
        "who reads nothing holds the connection",
    ),
    (
        SERVE + "body.py",
        '.encode("latin-1")',
        ".encode()",
        "keys in other letters never fit",
    ),
    (
        SERVE + "app.py",
        "min(limits.max_choices, engine.capacity)",
        "limits.max_choices",
        "what can never run is told to come back",
    ),
    (
        SERVE + "schemas.py",
        "content[name] is None or content[name]",
        "content[name]",
        "null asks for something",
    ),
    (PLACES, "<= ends[:, None]", "< ends[:, None]", "a row does not see its new token"),
    (PLACES, "self.lengths[place] = length", "pass", "the moved row keeps no length"),
    (
        PLACES,
        "return _Step(self, ends, n_keys), ends[:, None],",
        "return _Step(self, ends, n_keys), (ends - 1)[:, None],",
        "positions one too low",
    ),
    (
        SCHEDULER,
        "torch.tensor(lengths, device=self._device) - 1",
        "torch.tensor(lengths, device=self._device) * 0 + max(lengths) - 1",
        "logits of the padding",
    ),
    (
        SCHEDULER,
        "self.running[place] = self.running[-1]",
        "pass",
        "rows and places fall apart",
    ),
    (
        SCHEDULER,
        "if answer.is_over or answer.cancelled:",
        "if answer.is_over:",
        "who goes keeps the place",
    ),
    (
        SCHEDULER,
        "sample(changed, answer.generator)",
        "sample(changed)",
        "the seed is not used",
    ),
    (
        SCHEDULER,
        "logprobs = logits[0].log_softmax(dim=-1)",
        "logprobs = changed[0].log_softmax(dim=-1)",
        "log-probabilities after the filters",
    ),
    (
        SCHEDULER,
        "        self._places = Places(*self._size, self._device)\n        for",
        "        for",
        "the store of a failed batch is kept",
    ),
    (
        SERVE + "engine.py",
        "self._unfinished.discard(answer)",
        "pass",
        "room is never given back",
    ),
    (
        ANSWER,
        "if token_id in self._end_ids:",
        "if False:",
        "the end token is forgotten",
    ),
    (
        ANSWER,
        "len(self.drawn) >= self.job.max_tokens",
        "len(self.drawn) > self.job.max_tokens",
        "one token too many",
    ),
    (STREAM, "range(1, min(len(stop) - 1", "range(2, min(len(stop) - 1", "given early"),
    (STREAM, "min(found)[1]", "found[0][1]", "not the first stop string"),
    (
        SERVE + "requests.py",
        "room = context_length - n_prompt + 1",
        "room = context_length - n_prompt",
        "one token less than fits",
    ),
    (
        SERVE + "body.py",
        "len(body) > limits.max_body_bytes",
        "False",
        "a body without a length is read whole",
    ),
    (
        SERVE + "body.py",
        'if scheme.lower() != "bearer" or not fits:',
        'if scheme.lower() != "bearer":',
        "any key will do",
    ),
    (
        SERVE + "replies.py",
        "self._n_tokens[index] = update.n_tokens",
        "self._n_tokens[index] = 1",
        "usage of a stream",
    ),
]

TESTS = [
    "tests/inference/test_text_stream.py",
    "tests/inference/serve/test_scheduler.py",
    "tests/inference/serve/test_client.py",
    "tests/inference/serve/test_hostile.py",
]
