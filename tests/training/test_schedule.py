"""Warm-up and cosine hit their known points."""

import pytest

from llm_notes.training.schedule import warmup_cosine

RUN = {"n_steps": 110, "n_warmup": 10, "peak": 0.3, "floor": 0.1}


def test_rate_climbs_linearly_to_the_peak_and_no_step_is_lost():
    rates = [warmup_cosine(step, **RUN) for step in range(10)]
    assert rates == pytest.approx([0.03 * (i + 1) for i in range(10)])


def test_rate_is_halfway_between_peak_and_floor_halfway_down():
    assert warmup_cosine(10, **RUN) == pytest.approx(0.3)
    assert warmup_cosine(60, **RUN) == pytest.approx(0.2)
    assert warmup_cosine(110, **RUN) == pytest.approx(0.1)
    assert warmup_cosine(500, **RUN) == pytest.approx(0.1)


def test_rate_never_rises_after_the_warm_up():
    rates = [warmup_cosine(step, **RUN) for step in range(10, 110)]
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_warmup": 110}, "n_warmup = 110 must lie between 0 and n_steps - 1 = 109"),
        ({"n_warmup": -1}, "n_warmup = -1"),
        ({"floor": 0.4}, "floor = 0.4 must lie between 0 and peak = 0.3"),
    ],
)
def test_impossible_schedules_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        warmup_cosine(0, **(RUN | change))
