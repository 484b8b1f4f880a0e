"""The filters equal their definitions and those of transformers."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    MinPLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from llm_notes.inference.penalties import penalise_counts, penalise_repetition
from llm_notes.inference.sampling import (
    SamplingSettings,
    apply_temperature,
    filter_logits,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    keep_typical,
    sample,
)

B, V = 3, 11

# No sum of the probabilities below is near these shares, so rounding decides nothing.
FILTERS = {
    "temperature": lambda logits: apply_temperature(logits, 0.7),
    "greedy": lambda logits: apply_temperature(logits, 0),
    "top_k": lambda logits: keep_top_k(logits, 3),
    "top_p": lambda logits: keep_top_p(logits, 0.8123),
    "min_p": lambda logits: keep_min_p(logits, 0.2123),
    "typical": lambda logits: keep_typical(logits, 0.7123),
}


@st.composite
def rows_of_logits(draw, n_rows=2):
    """(2, V) in steps of a quarter, so that ties are common; some are ruled out."""
    size = draw(st.integers(1, 9))
    number = st.one_of(st.just(-torch.inf), st.integers(-24, 24).map(lambda n: n / 4))
    row = st.lists(number, min_size=size, max_size=size)
    rows = draw(st.lists(row.filter(lambda r: max(r) > -torch.inf), min_size=n_rows,
                         max_size=n_rows))  # fmt: skip
    return torch.tensor(rows, dtype=torch.float64)


def many_logits(test):
    """Run a test on many logits."""
    return settings(deadline=None, max_examples=50)(given(rows_of_logits())(test))


@pytest.fixture
def logits() -> torch.Tensor:
    return 2 * torch.randn(B, V, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_temperature_divides_the_log_odds(logits, temperature):
    before = logits.log_softmax(-1)
    after = apply_temperature(logits, temperature).log_softmax(-1)
    odds_before = (before[:, :1] - before) / temperature
    torch.testing.assert_close(after[:, :1] - after, odds_before, atol=1e-5, rtol=0)


def test_temperature_zero_leaves_the_likeliest_token_only(logits):
    probabilities = apply_temperature(logits, 0).softmax(-1)
    expected = torch.nn.functional.one_hot(logits.argmax(-1), V).float()
    assert probabilities.equal(expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("temperature", [1e-4, 1e-7, 1e-40, 1e-300])
def test_the_coldest_temperatures_are_greedy_and_still_numbers(temperature, dtype):
    logits = torch.tensor([[3.0, 900.0, -2.0], [-50.0, -60.0, -70.0]]).to(dtype)
    p = apply_temperature(logits, temperature).float().softmax(-1)
    assert p.argmax(-1).tolist() == [1, 0]
    torch.testing.assert_close(p.sum(-1), torch.ones(2))


def test_top_p_of_one_keeps_all_however_the_sum_is_rounded():
    logits = torch.tensor([0.0, -20.0, -40.0])
    assert keep_top_p(logits, 1.0).equal(logits)
    assert keep_typical(logits, 1.0).equal(logits)


def test_small_temperatures_stay_numbers_in_half_precision():
    logits = torch.tensor([[70.0, 2.0]]).half()
    for temperature in (1e-3, 0.01, 0.5):
        p = apply_temperature(logits, temperature).float().softmax(-1)
        assert p[0].tolist() == [1, 0]


def test_temperature_zero_breaks_ties_for_the_first():
    assert apply_temperature(torch.zeros(1, 4), 0).softmax(-1).tolist() == [
        [1, 0, 0, 0]
    ]


@pytest.mark.parametrize("k", [1, 4, V, V + 5])
def test_top_k_equals_transformers(logits, k):
    assert keep_top_k(logits, k).equal(TopKLogitsWarper(k)(None, logits))


@pytest.mark.parametrize("p", [0.01, 0.35, 0.8, 0.999])
def test_top_p_equals_transformers(logits, p):
    assert keep_top_p(logits, p).equal(TopPLogitsWarper(p)(None, logits))


@pytest.mark.parametrize("p", [0.0, 0.05, 0.3, 1.0])
def test_min_p_equals_transformers(logits, p):
    assert keep_min_p(logits, p).equal(MinPLogitsWarper(p)(None, logits))


@pytest.mark.parametrize("p", [0.05, 0.4, 0.8, 0.999])
def test_typical_equals_transformers(logits, p):
    assert keep_typical(logits, p).equal(TypicalLogitsWarper(p)(None, logits))


@many_logits
def test_with_ties_and_ruled_out_tokens_filters_equal_transformers(logits):
    for name, theirs in {
        "top_k": TopKLogitsWarper(3),
        "min_p": MinPLogitsWarper(0.2123),
        "typical": TypicalLogitsWarper(0.7123),
    }.items():
        assert FILTERS[name](logits).equal(theirs(None, logits)), name
    # Which of several equal tokens top-p drops is a matter of order.
    ours, theirs = FILTERS["top_p"](logits), TopPLogitsWarper(0.8123)(None, logits)
    assert ours.sort(-1).values.equal(theirs.sort(-1).values)


def test_typical_leaves_out_the_likeliest_token_where_it_says_too_little():
    # Expected surprise 0.99 nats: a token of 0.61 is far from it, of 1.2 near.
    p = torch.tensor([0.55, 0.3, 0.1, 0.05])
    kept = keep_typical(p.log(), 0.25).isfinite()
    assert kept.tolist() == [False, True, False, False]


def test_typical_with_all_the_mass_keeps_all_however_the_sum_is_rounded():
    logits = torch.randn(40, 50, generator=torch.Generator().manual_seed(0))
    sums = logits.softmax(dim=-1).cumsum(dim=-1)[:, -1]
    assert (sums < 1).any()
    rows = logits[sums < 1]
    assert keep_typical(rows, 1.0).equal(rows)


def test_a_share_below_the_smallest_float_keeps_one_token(logits):
    best = apply_temperature(logits, 0).isfinite()
    for keep in (keep_top_p, keep_typical):
        assert keep(logits, 1e-300).isfinite().sum(-1).eq(1).all()
    assert keep_top_p(logits, 1e-300).isfinite().equal(best)


def test_of_equal_tokens_top_p_keeps_the_first():
    kept = keep_top_p(torch.zeros(1, 4), 0.4).isfinite()
    assert kept.tolist() == [[True, True, False, False]]


@many_logits
def test_a_token_stays_and_what_is_ruled_out_stays_so(logits):
    for name, keep in FILTERS.items():
        filtered = keep(logits)
        assert not filtered.isnan().any(), name
        assert filtered.isfinite().any(dim=-1).all(), name
        assert filtered[logits == -torch.inf].eq(-torch.inf).all(), name


@many_logits
def test_kept_tokens_keep_their_odds(logits):
    for name, keep in FILTERS.items():
        filtered = keep(logits)
        kept = filtered.isfinite()
        if name == "temperature":
            filtered = filtered * 0.7
        if name != "greedy":  # keeps one token, whose odds against itself are even
            torch.testing.assert_close(filtered[kept], logits[kept], atol=1e-9, rtol=0)


@many_logits
def test_a_constant_in_the_logits_decides_nothing(logits):
    for name, keep in FILTERS.items():
        assert keep(logits + 5).isfinite().equal(keep(logits).isfinite()), name


@many_logits
def test_rows_of_a_batch_do_not_meet(logits):
    for name, keep in FILTERS.items():
        together = keep(logits).isfinite()
        for i, row in enumerate(logits):
            assert keep(row[None]).isfinite()[0].equal(together[i]), name
            assert keep(row).isfinite().equal(together[i]), name


@many_logits
def test_greedy_top_k_and_min_p_do_nothing_a_second_time(logits):
    for name in ("greedy", "top_k", "min_p"):
        once = FILTERS[name](logits)
        assert FILTERS[name](once).equal(once), name


@settings(deadline=None)
@given(
    st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=12),
    st.floats(0.01, 1.0),
)
def test_top_p_keeps_the_smallest_set_that_holds_p(values, p):
    logits = torch.tensor([values], dtype=torch.float64)
    kept = keep_top_p(logits, p).isfinite()[0]
    probabilities = logits.softmax(-1)[0]
    held = probabilities[kept].sum().item()
    assert held >= p - 1e-9
    assert held - probabilities[kept].min().item() < p + 1e-9
    if not kept.all():
        assert probabilities[kept].min() >= probabilities[~kept].max()


def test_filters_do_not_change_the_odds_of_what_they_keep(logits):
    for filtered in (keep_top_k(logits, 4), keep_top_p(logits, 0.7)):
        kept = filtered.isfinite()
        assert filtered[kept].equal(logits[kept])


def test_filters_are_chained_temperature_first(logits):
    expected = keep_top_p(keep_top_k(apply_temperature(logits, 0.5), 5), 0.6)
    assert filter_logits(logits, 0.5, 5, 0.6).equal(expected)
    assert filter_logits(logits).equal(logits)


def test_sample_draws_with_the_probabilities_it_is_given():
    probabilities = torch.tensor([0.1, 0.6, 0.3])
    rows = probabilities.log().expand(20_000, 3)
    drawn = sample(rows, torch.Generator().manual_seed(0))
    assert drawn.shape == (20_000, 1)
    share = torch.bincount(drawn.flatten(), minlength=3) / len(drawn)
    torch.testing.assert_close(share, probabilities, atol=0.02, rtol=0)


def test_sample_repeats_with_the_same_seed(logits):
    draws = [sample(logits, torch.Generator().manual_seed(7)) for _ in range(2)]
    assert draws[0].equal(draws[1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda z: apply_temperature(z, -1), "temperature must be 0 or above, got -1"),
        (lambda z: apply_temperature(z, math.nan), "temperature must be .* got nan"),
        (lambda z: apply_temperature(z, math.inf), "temperature must be .* got inf"),
        (lambda z: keep_top_k(z, 0), "top_k must be at least 1, got 0"),
        (lambda z: keep_top_p(z, 0), r"top_p must lie in \(0, 1\], got 0"),
        (lambda z: keep_top_p(z, 1.5), r"top_p must lie in \(0, 1\], got 1.5"),
        (lambda z: keep_min_p(z, -0.1), r"min_p must lie in \[0, 1\], got -0.1"),
        (lambda z: keep_min_p(z, 1.1), r"min_p must lie in \[0, 1\], got 1.1"),
        (lambda z: keep_typical(z, 0), r"typical_p must lie in \(0, 1\], got 0"),
        (lambda z: keep_typical(z, 2), r"typical_p must lie in \(0, 1\], got 2"),
    ],
)
def test_impossible_settings_are_refused(logits, call, message):
    with pytest.raises(ValueError, match=message):
        call(logits)


def test_settings_apply_penalties_then_filters_in_their_order(logits):
    token_ids = torch.tensor([[1, 2, 2], [0, 3, 1], [4, 4, 4]])
    chosen = SamplingSettings(0.6, 7, 0.9, 0.02, 0.8, 1.3, 0.4, 0.2)
    expected = penalise_repetition(logits, token_ids, 1.3)
    expected = penalise_counts(expected, token_ids[:, 1:], 0.4, 0.2)
    expected = filter_logits(expected, 0.6, 7, 0.9)
    expected = keep_typical(keep_min_p(expected, 0.02), 0.8)
    assert chosen.apply(logits, token_ids, n_prompt=1).equal(expected)
    assert expected.isfinite().any(dim=-1).all()
    assert not expected.isfinite().all()


@pytest.mark.parametrize(
    ("options", "alone"),
    [
        ({"temperature": 0.4}, lambda z: apply_temperature(z, 0.4)),
        ({"top_k": 3}, lambda z: keep_top_k(z, 3)),
        ({"top_p": 0.6}, lambda z: keep_top_p(z, 0.6)),
        ({"min_p": 0.3}, lambda z: keep_min_p(z, 0.3)),
        ({"typical_p": 0.5}, lambda z: keep_typical(z, 0.5)),
    ],
    ids=["temperature", "top_k", "top_p", "min_p", "typical_p"],
)
def test_each_setting_alone_is_its_filter(logits, options, alone):
    assert not alone(logits).equal(logits)
    assert SamplingSettings(**options).apply(logits).equal(alone(logits))


def test_the_prompt_counts_for_repetition_only(logits):
    prompt = torch.tensor([[5], [5], [5]])
    counted = SamplingSettings(frequency_penalty=1.0, presence_penalty=1.0)
    assert counted.apply(logits, prompt, n_prompt=1).equal(logits)
    repeated = SamplingSettings(repetition_penalty=2.0)
    changed = repeated.apply(logits, prompt, n_prompt=1) != logits
    assert changed.nonzero()[:, 1].tolist() == [5] * B


def test_settings_that_are_not_given_do_nothing(logits):
    assert SamplingSettings().apply(logits).equal(logits)
    penalised = SamplingSettings(repetition_penalty=2.0, presence_penalty=1.0)
    assert penalised.apply(logits).equal(logits)  # without a text


@pytest.mark.parametrize(
    ("options", "needs_counts"),
    [
        ({}, False),
        ({"top_p": 0.9, "min_p": 0.1}, False),
        ({"repetition_penalty": 1.1}, True),
        ({"frequency_penalty": 0.1}, True),
        ({"presence_penalty": -0.1}, True),
    ],
)
def test_settings_say_what_they_need(options, needs_counts):
    assert SamplingSettings(**options).needs_counts == needs_counts
    assert not SamplingSettings(**options).is_greedy
    assert SamplingSettings(temperature=0, **options).is_greedy


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": -1},
        {"top_k": 0},
        {"top_p": 0},
        {"min_p": 2},
        {"typical_p": 0},
        {"repetition_penalty": 0},
        {"repetition_penalty": math.inf},
        {"frequency_penalty": math.nan},
    ],
    ids=str,
)
def test_impossible_settings_are_refused_before_any_logits(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} .*must"):
        SamplingSettings(**options)
