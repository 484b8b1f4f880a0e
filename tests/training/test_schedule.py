"""Each schedule hits its known points."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notes.training.schedule import (
    warmup_constant,
    warmup_cosine,
    warmup_inverse_sqrt,
    warmup_linear,
    warmup_stable_decay,
)

RUN = {"n_steps": 110, "n_warmup": 10, "peak": 0.3, "floor": 0.1}
OF_A_RUN = [warmup_cosine, warmup_linear, warmup_stable_decay]


@pytest.mark.parametrize("schedule", OF_A_RUN)
def test_rate_climbs_linearly_to_the_peak_and_no_step_is_lost(schedule):
    rates = [schedule(step, **RUN) for step in range(10)]
    assert rates == pytest.approx([0.03 * (i + 1) for i in range(10)])


@pytest.mark.parametrize("schedule", [warmup_constant, warmup_inverse_sqrt])
def test_endless_schedules_have_the_same_warm_up(schedule):
    rates = [schedule(step, n_warmup=10, peak=0.3) for step in range(10)]
    assert rates == pytest.approx([0.03 * (i + 1) for i in range(10)])


@pytest.mark.parametrize("schedule", [warmup_cosine, warmup_linear])
def test_rate_is_halfway_between_peak_and_floor_halfway_down(schedule):
    assert schedule(10, **RUN) == pytest.approx(0.3)
    assert schedule(60, **RUN) == pytest.approx(0.2)
    assert schedule(110, **RUN) == pytest.approx(0.1)
    assert schedule(500, **RUN) == pytest.approx(0.1)


def test_a_quarter_of_the_way_the_cosine_is_above_the_line():
    assert warmup_linear(35, **RUN) == pytest.approx(0.25)
    quarter = 0.2 + 0.1 * math.cos(math.pi / 4)
    assert warmup_cosine(35, **RUN) == pytest.approx(quarter)


def test_stable_rate_falls_only_in_the_last_share_of_the_run():
    run = {"n_steps": 100, "n_warmup": 10, "peak": 0.3, "floor": 0.1}
    rates = [warmup_stable_decay(step, **run, decay_share=0.4) for step in range(100)]
    assert rates[10:61] == pytest.approx([0.3] * 51)
    assert rates[61] == pytest.approx(0.3 - 0.2 / 40)
    assert rates[80] == pytest.approx(0.2)
    assert warmup_stable_decay(100, **run) == pytest.approx(0.1)
    assert warmup_stable_decay(900, **run) == pytest.approx(0.1)


def test_stable_rate_cools_down_over_at_least_one_step():
    run = {"n_steps": 5, "n_warmup": 0, "peak": 1.0, "decay_share": 0.01}
    assert [warmup_stable_decay(step, **run) for step in (3, 4, 5)] == [1, 1, 0]


def test_inverse_square_root_is_the_schedule_of_vaswani_et_al():
    d_model, n_warmup = 512, 4000
    peak = (d_model * n_warmup) ** -0.5
    for step in (1, 3999, 4000, 4001, 100_000):
        original = d_model**-0.5 * min(step**-0.5, step * n_warmup**-1.5)
        rate = warmup_inverse_sqrt(step - 1, n_warmup, peak)  # theirs counts from 1
        assert rate == pytest.approx(original)


def test_constant_rate_stays_and_needs_no_warm_up():
    assert warmup_constant(10_000, 10, 0.3) == 0.3
    assert warmup_constant(0, 0, 0.3) == 0.3


@given(
    st.sampled_from(OF_A_RUN),
    st.integers(2, 300),
    st.floats(0, 0.7),
    st.floats(0, 1),
)
def test_rate_stays_within_its_bounds_and_never_rises_after_the_warm_up(
    schedule, n_steps, warmup_share, floor
):
    run = {"n_steps": n_steps, "n_warmup": int(warmup_share * n_steps), "floor": floor}
    rates = [schedule(step, **run, peak=1.0) for step in range(n_steps + 3)]
    after = rates[run["n_warmup"] :]
    assert after[0] == max(rates) == 1.0
    assert min(after) >= floor - 1e-12
    assert after == sorted(after, reverse=True)
    assert after[-1] == pytest.approx(floor)


@pytest.mark.parametrize("schedule", OF_A_RUN)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_warmup": 110}, "n_warmup = 110 must lie between 0 and n_steps - 1 = 109"),
        ({"n_warmup": -1}, "n_warmup = -1"),
        ({"floor": 0.4}, "floor = 0.4 must lie between 0 and peak = 0.3"),
        ({"floor": -0.1}, "floor = -0.1 must lie between 0 and peak = 0.3"),
    ],
)
def test_impossible_schedules_are_refused(schedule, change, message):
    with pytest.raises(ValueError, match=message):
        schedule(0, **(RUN | change))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: warmup_constant(0, -1, 0.3), "n_warmup = -1 must be 0 or above"),
        (lambda: warmup_constant(0, 1, -0.3), "peak = -0.3 must be 0 or above"),
        (lambda: warmup_inverse_sqrt(0, 0, 0.3), "n_warmup = 0: .* 1 is the least"),
        (
            lambda: warmup_stable_decay(0, 10, 6, 0.3, decay_share=0.5),
            "6 steps of warm-up and 5 of cool-down do not fit into n_steps = 10",
        ),
        (
            lambda: warmup_stable_decay(0, 10, 1, 0.3, decay_share=0),
            r"decay_share = 0 must lie in \(0, 1\]",
        ),
    ],
)
def test_other_impossible_settings_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
