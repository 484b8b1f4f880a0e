"""Intervals from resamples cover what they should, and repeat with their seed."""

from math import sqrt

import numpy as np
import pytest

from llm_notes.metrics import (
    bleu_from_statistics,
    bleu_statistics,
    bootstrap,
    bootstrap_interval,
    corpus_bleu,
)

HYPOTHESES = ["the cat sat on the mat", "a dog", "it is here now", "so what is it"]
REFERENCES = ["the cat sat on a mat", "the dog", "it was here now then", "what is it"]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution():
    values = rng(1).normal(size=400)
    interval = bootstrap_interval(values, rng(), n_resamples=4000)
    spread = values.std() / sqrt(len(values))
    assert interval.estimate == pytest.approx(values.mean())
    assert interval.low == pytest.approx(
        values.mean() - 1.96 * spread, abs=0.1 * spread
    )
    assert interval.high == pytest.approx(
        values.mean() + 1.96 * spread, abs=0.1 * spread
    )


def test_the_interval_covers_the_true_mean_as_often_as_it_says():
    generator, n_trials = rng(2), 300
    n_covered = 0
    for _ in range(n_trials):
        sample = generator.exponential(size=100)
        interval = bootstrap_interval(sample, generator, n_resamples=200, level=0.8)
        n_covered += interval.low <= 1 <= interval.high
    # Three standard errors of a share of 0.8 in 300 trials are 0.07.
    assert n_covered / n_trials == pytest.approx(0.8, abs=0.07)


def test_resamples_of_three_examples_have_the_multinomial_frequencies():
    drawn = np.concatenate(list(bootstrap.resamples(3, 9000, rng())))
    assert drawn.shape == (9000, 3)
    assert (drawn.sum(axis=1) == 3).all()
    # All three alike: 3 of the 27 draws; each once: 6 of them.
    assert (drawn.max(axis=1) == 3).mean() == pytest.approx(3 / 27, abs=0.012)
    assert (drawn.max(axis=1) == 1).mean() == pytest.approx(6 / 27, abs=0.016)


def test_many_examples_are_resampled_in_chunks(monkeypatch):
    monkeypatch.setattr(bootstrap, "_CHUNK", 20)
    chunks = list(bootstrap.resamples(6, 10, rng()))
    assert [chunk.shape for chunk in chunks] == [(3, 6), (3, 6), (3, 6), (1, 6)]
    monkeypatch.setattr(bootstrap, "_CHUNK", 2)  # fewer than one row
    assert len(list(bootstrap.resamples(6, 10, rng()))) == 10


def test_bleu_of_resampled_sentences_is_bleu_of_those_sentences():
    statistics = bleu_statistics(HYPOTHESES, REFERENCES)
    interval = bootstrap_interval(statistics, rng(5), bleu_from_statistics, 50, 0.9)
    scores = []
    for weights in np.concatenate(list(bootstrap.resamples(4, 50, rng(5)))).astype(int):
        chosen = np.repeat(np.arange(4), weights)
        scores.append(
            corpus_bleu(
                [HYPOTHESES[i] for i in chosen], [REFERENCES[i] for i in chosen]
            )
        )
    assert interval.estimate == pytest.approx(corpus_bleu(HYPOTHESES, REFERENCES))
    assert interval.low == pytest.approx(np.quantile(scores, 0.05))
    assert interval.high == pytest.approx(np.quantile(scores, 0.95))


def test_the_same_seed_gives_the_same_interval():
    values = rng(3).normal(size=30)
    assert bootstrap_interval(values, rng(4)) == bootstrap_interval(values, rng(4))
    assert bootstrap_interval(values, rng(4)) != bootstrap_interval(values, rng(5))


def test_equal_examples_leave_no_doubt():
    assert bootstrap_interval([0.5] * 7, rng()) == pytest.approx((0.5, 0.5, 0.5))


def test_what_cannot_be_resampled_is_named():
    with pytest.raises(ValueError, match="at least one example; got shape \\(0,\\)"):
        bootstrap_interval([], rng())
    with pytest.raises(ValueError, match="got shape \\(\\)"):
        bootstrap_interval(1.0, rng())
    with pytest.raises(ValueError, match="got shape \\(1, 1, 1\\)"):
        bootstrap_interval([[[1.0]]], rng())
    for strange in (np.nan, np.inf):
        with pytest.raises(ValueError, match="infinity or NaN"):
            bootstrap_interval([1.0, strange], rng())
    with pytest.raises(ValueError, match="need a score"):
        bootstrap_interval([[1.0, 2.0]], rng())
    with pytest.raises(ValueError, match="n_resamples is 0"):
        bootstrap_interval([1.0], rng(), n_resamples=0)
    for level in (0, 1, 95):
        with pytest.raises(ValueError, match=f"level is {level}"):
            bootstrap_interval([1.0], rng(), level=level)
