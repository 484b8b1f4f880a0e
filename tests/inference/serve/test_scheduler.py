"""Answers in one batch do not know of each other; failures stay where they happen."""

import queue
import threading

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.overrides import TorchFunctionMode

from llm_notes.inference.generate import generate
from llm_notes.inference.sampling import SamplingSettings
from llm_notes.inference.serve.answer import Answer, Job
from llm_notes.inference.serve.engine import EngineClosed, EngineFull
from llm_notes.inference.serve.metrics import Metrics
from llm_notes.inference.serve.places import Places
from llm_notes.inference.serve.requests import nth_seed
from llm_notes.inference.serve.scheduler import Scheduler, draw_one

CONTEXT = 96
JOBS = [
    Job([1, 2, 3], 20, SamplingSettings(temperature=0.0)),
    Job([4], 30, SamplingSettings(), seed=1),
    Job([5, 6] * 9, 7, SamplingSettings(top_p=0.8), seed=2, stop=("ab",)),
    Job([7] * 40, 25, SamplingSettings(temperature=0.7, frequency_penalty=1.5), 3),
    Job([8, 9], 3, SamplingSettings(top_k=5, repetition_penalty=1.4), seed=4),
    Job([3] * 5, 40, SamplingSettings(temperature=1.8, min_p=0.02), seed=5),
]


def texts_of(inbox: queue.SimpleQueue) -> dict[int, str]:
    texts: dict[int, str] = {}
    while not inbox.empty():
        index, update = inbox.get()
        assert update.error is None
        texts[index] = texts.get(index, "") + update.text
    return texts


def alone(job, model, tokenizer):
    scheduler, inbox = Scheduler(model, 1, CONTEXT, Metrics()), queue.SimpleQueue()
    answer = Answer(job, tokenizer, {36}, 0, inbox)
    scheduler.waiting.append(answer)
    while scheduler.is_busy:
        scheduler.step()
    return answer.drawn, texts_of(inbox).get(0, "")


@pytest.fixture(scope="module")
def wanted(tiny_gpt, tokenizer):
    return [alone(job, tiny_gpt, tokenizer) for job in JOBS]


def test_alone_is_what_generate_draws(wanted, tiny_gpt):
    for job, (drawn, _) in list(zip(JOBS, wanted, strict=True))[:4]:
        generator = torch.Generator().manual_seed(job.seed)
        ids = torch.tensor([list(job.prompt_ids)])
        expected = generate(
            tiny_gpt, ids, job.max_tokens, settings=job.settings, generator=generator
        )
        assert expected[0, ids.size(1) :].tolist()[: len(drawn)] == drawn


@settings(deadline=None, max_examples=12)
@given(st.permutations(range(6)), st.integers(1, 6), st.lists(st.integers(0, 4)))
def test_the_batch_changes_no_answer(wanted, tiny_gpt, tokenizer, order, n, pauses):
    """Whoever comes when, and however many places there are."""
    metrics, inbox = Metrics(), queue.SimpleQueue()
    scheduler = Scheduler(tiny_gpt, n, CONTEXT, metrics, prompt_budget=60)
    answers = {i: Answer(JOBS[i], tokenizer, {36}, i, inbox) for i in order}
    for index, pause in zip(order, [*pauses, *[1] * 6], strict=False):
        scheduler.waiting.append(answers[index])
        for _ in range(pause):
            scheduler.step()
    while scheduler.is_busy:
        scheduler.step()
        assert len(scheduler.running) <= n
    texts = texts_of(inbox)
    for index, (drawn, text) in enumerate(wanted):
        assert answers[index].drawn == drawn
        assert texts.get(index, "") == text


def test_a_cancelled_answer_leaves_at_the_next_step(tiny_gpt, tokenizer, wanted):
    over: list[Answer] = []
    scheduler = Scheduler(tiny_gpt, 2, CONTEXT, Metrics(), over.append)
    inbox = queue.SimpleQueue()
    answers = [Answer(job, tokenizer, {36}, i, inbox) for i, job in enumerate(JOBS)]
    scheduler.waiting.extend(answers[:4])
    scheduler.step()
    assert scheduler.running == answers[:2]
    answers[0].cancelled = answers[2].cancelled = True
    scheduler.step()
    assert scheduler.running == [answers[1], answers[3]]
    assert over == [answers[0], answers[2]]
    while scheduler.is_busy:
        scheduler.step()
    assert [answers[i].drawn for i in (1, 3)] == [wanted[i][0] for i in (1, 3)]
    assert len(over) == 4


def test_only_as_many_prompts_are_read_at_once_as_fit(tiny_gpt, tokenizer):
    scheduler = Scheduler(tiny_gpt, 4, CONTEXT, Metrics(), prompt_budget=30)
    for ids in ([1] * 5, [1] * 15, [1] * 50, [1]):
        job = Job(ids, 30)
        scheduler.waiting.append(Answer(job, tokenizer, (), 0, queue.SimpleQueue()))
    sizes = []
    for _ in range(3):
        scheduler.step()
        sizes.append(len(scheduler.running))
    assert sizes == [2, 3, 4]


def test_a_row_that_cannot_be_drawn_fails_alone(tiny_gpt, tokenizer, wanted):
    scheduler, inbox = Scheduler(tiny_gpt, 2, CONTEXT, Metrics()), queue.SimpleQueue()
    bad = Job([1], 5, logit_bias={0: float("nan")})
    good = Answer(JOBS[1], tokenizer, {36}, 1, queue.SimpleQueue())
    scheduler.waiting.extend([Answer(bad, tokenizer, (), 0, inbox), good])
    while scheduler.is_busy:
        scheduler.step()
    assert isinstance(inbox.get()[1].error, RuntimeError)
    assert good.drawn == wanted[1][0]


def test_a_bias_on_every_token_takes_no_more_steps_than_one_on_two(tiny_gpt, tokenizer):
    class Counting(TorchFunctionMode):
        n_calls = 0

        def __torch_function__(self, function, types, args=(), kwargs=None):
            self.n_calls += 1
            return function(*args, **(kwargs or {}))

    counts = []
    for n in (2, 36):
        job = Job(
            [1],
            1,
            SamplingSettings(temperature=0.0),
            logit_bias={**dict.fromkeys(range(n), -1.0), 1: 9.0},
        )
        answer = Answer(job, tokenizer, (), 0, queue.SimpleQueue())
        with Counting() as counting:
            draw_one(answer, torch.zeros(1, 37))
        assert answer.drawn == [1]
        counts.append(counting.n_calls)
    assert counts[0] == counts[1]


class Failing(torch.nn.Module):
    """The model, but the call that is asked for raises (0 is the next one)."""

    def __init__(self, model):
        super().__init__()
        self.model, self.config, self.fails_in = model, model.config, -1

    def forward(self, token_ids, **options):
        self.fails_in -= 1
        if self.fails_in == -1:
            raise RuntimeError("out of memory")
        return self.model(token_ids, **options)


@pytest.mark.parametrize("call", [0, 3], ids=["prompt", "token"])
def test_the_engine_lives_on_after_a_failure(
    make_engine, tiny_gpt, call, wanted, caplog
):
    model = Failing(tiny_gpt)
    engine = make_engine(model)
    engine.start()
    try:
        model.fails_in = call
        inbox = queue.SimpleQueue()
        engine.submit([JOBS[0]], inbox)
        while (update := inbox.get(timeout=10)[1]).error is None:
            assert not update.is_last
        (answer,) = engine.submit([JOBS[1]], inbox)
        while not inbox.get(timeout=10)[1].is_last:
            pass
        assert answer.drawn == wanted[1][0]
    finally:
        engine.close()
    assert "out of memory" in caplog.text


def run_to_the_end(scheduler):
    while scheduler.is_busy:
        scheduler.step()


def test_prompts_that_fail_leave_the_batch_alone(tiny_gpt, tokenizer, wanted):
    model, over = Failing(tiny_gpt), []
    scheduler = Scheduler(model, 2, CONTEXT, Metrics(), over.append)
    inbox = queue.SimpleQueue()
    good, bad, later = (
        Answer(JOBS[1], tokenizer, {36}, 0, queue.SimpleQueue()),
        Answer(JOBS[0], tokenizer, {36}, 0, inbox),
        Answer(JOBS[3], tokenizer, {36}, 0, queue.SimpleQueue()),
    )
    scheduler.waiting.append(good)
    scheduler.step()
    model.fails_in = 0
    scheduler.waiting.append(bad)
    scheduler.step()
    assert scheduler.running == [good]
    assert over == [bad]
    assert str(inbox.get()[1].error) == "out of memory"
    scheduler.waiting.append(later)
    run_to_the_end(scheduler)
    assert good.drawn == wanted[1][0]
    assert later.drawn == wanted[3][0]


class Overflowing(torch.nn.Module):
    """The model, but rows that read a certain token overflow, and so does the store."""

    def __init__(self, model, bad_id):
        super().__init__()
        self.model, self.config, self.bad_id = model, model.config, bad_id

    def forward(self, token_ids, cache, **options):
        logits = self.model(token_ids, cache=cache, **options)
        bad = (token_ids == self.bad_id).any(dim=-1)
        if bad.any():
            keys, values = cache._places.store_for(0, logits)
            first = getattr(cache, "_first", 0)
            for row in bad.nonzero().flatten().tolist():
                keys[first + row] = values[first + row] = torch.nan
            logits = logits.masked_fill(bad[:, None, None], torch.nan)
        return logits


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_overflow_ends_its_own_answer_and_leaves_nothing(
    tiny_gpt, tokenizer, wanted, order, caplog
):
    bad_id = min({*range(4, 36)} - {*wanted[0][0], *wanted[3][0], *JOBS[3].prompt_ids})
    model = Overflowing(tiny_gpt, bad_id)
    scheduler = Scheduler(model, 2, CONTEXT, Metrics())
    inbox = queue.SimpleQueue()
    bad = Answer(Job([4, bad_id], 9), tokenizer, {36}, 0, inbox)
    good = Answer(JOBS[0], tokenizer, {36}, 0, queue.SimpleQueue())
    scheduler.waiting.extend([(bad, good)[i] for i in order])
    scheduler.step()
    assert isinstance(inbox.get()[1].error, FloatingPointError)
    later = Answer(JOBS[3], tokenizer, {36}, 0, queue.SimpleQueue())
    scheduler.waiting.append(later)  # takes the place that overflowed
    run_to_the_end(scheduler)
    assert good.drawn == wanted[0][0]
    assert later.drawn == wanted[3][0]
    assert "no numbers" in caplog.text


class Waiting(Failing):
    """The model, but each call waits until the gate is open."""

    def __init__(self, model):
        super().__init__(model)
        self.gate = threading.Event()

    def forward(self, token_ids, **options):
        assert self.gate.wait(20)
        return self.model(token_ids, **options)


def test_a_full_engine_refuses_and_a_closing_one_finishes(make_engine, tiny_gpt):
    model, inbox = Waiting(tiny_gpt), queue.SimpleQueue()
    engine = make_engine(model, n_places=2, max_waiting=1)
    with pytest.raises(EngineClosed):
        engine.submit(JOBS[:1], inbox)
    engine.start()
    engine.submit(JOBS[:2], inbox)
    with pytest.raises(EngineFull, match="2 of 3"):
        engine.submit(JOBS[:2], inbox)
    engine.submit(JOBS[:1], inbox)
    model.gate.set()
    engine.close()
    with pytest.raises(EngineClosed):
        engine.submit(JOBS[:1], inbox)
    updates = [inbox.get() for _ in range(inbox.qsize())]
    assert sum(update.is_last for _, update in updates) == 3
    assert all(update.error is None for _, update in updates)


def test_what_is_given_up_makes_room_at_once(make_engine, tiny_gpt):
    model = Waiting(tiny_gpt)  # no step ends before the gate is open
    engine = make_engine(model, n_places=1, max_waiting=1)
    engine.start()
    answers = engine.submit(JOBS[:2], queue.SimpleQueue())
    engine.cancel(answers)
    engine.cancel(answers)  # a second time gives no second room
    inbox = queue.SimpleQueue()
    engine.submit(JOBS[:2], inbox)
    with pytest.raises(EngineFull, match="2 of 2"):
        engine.submit(JOBS[:1], inbox)
    model.gate.set()
    engine.close()
    updates = [inbox.get() for _ in range(inbox.qsize())]
    assert sum(update.is_last for _, update in updates) == 2


def test_room_is_given_back_when_answers_are_over(make_engine):
    engine = make_engine(n_places=1, max_waiting=1)
    engine.start()
    try:
        for _ in range(3):
            inbox = queue.SimpleQueue()
            engine.submit(JOBS[:2], inbox)
            last = 0
            while last < 2:
                last += inbox.get(timeout=10)[1].is_last
    finally:
        engine.close()


@pytest.mark.parametrize("fails", ["never", "running", "waiting"])
def test_room_is_free_before_the_last_update_says_so(tiny_gpt, tokenizer, fails):
    events = []

    class Inbox:
        def put_nowait(self, item):
            events.append("last" if item[1].is_last else "more")

    def on_over(answer):
        events.append("over")

    scheduler = Scheduler(tiny_gpt, 1, CONTEXT, Metrics(), on_over)
    scheduler.waiting.append(Answer(JOBS[0], tokenizer, {36}, 0, Inbox()))
    if fails == "running":
        scheduler.step()
        scheduler.fail(RuntimeError("lost"))
    if fails == "waiting":
        scheduler.fail_waiting(RuntimeError("lost"))
    while scheduler.is_busy:
        scheduler.step()
    assert events[-2:] == ["over", "last"]
    assert set(events[:-2]) <= {"more"}


def test_places_refuse_what_does_not_fit():
    with pytest.raises(ValueError, match="at least 1"):
        Places(0, 4)
    places = Places(2, 4)
    for lengths, message in (([1] * 3, "free"), ([5], "between"), ([0], "between")):
        with pytest.raises(ValueError, match=message):
            places.enter(lengths)
    places.enter([4])
    with pytest.raises(ValueError, match="cannot grow"):
        places.step()


def test_seeds_of_choices_differ_between_neighbours():
    assert nth_seed(5, 0) == 5
    seeds = {nth_seed(seed, index) for seed in range(50) for index in range(8)}
    assert len(seeds) == 400
    assert all(0 <= seed < 1 << 63 for seed in {*seeds, nth_seed(-1, 3)})
