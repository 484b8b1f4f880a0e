"""Training finds the structure of a made text, and collapses without negatives."""

import pytest
import torch

from llm_notes.models.nearest import mean_cosine, nearest
from llm_notes.models.word2vec import (
    Word2Vec,
    Word2VecConfig,
    cbow,
    skip_gram,
    train_word2vec,
)

N_TOPICS, N_WORDS = 4, 5  # words 0 to 4 belong to topic 0, and so on
V = N_TOPICS * N_WORDS


def runs(n_runs: int, length: int) -> torch.Tensor:
    """A text of runs of words that share a topic."""
    generator = torch.Generator().manual_seed(1)
    topics = torch.randint(N_TOPICS, (n_runs, 1), generator=generator)
    words = torch.randint(N_WORDS, (n_runs, length), generator=generator)
    return (topics * N_WORDS + words).flatten()


@pytest.fixture
def text() -> torch.Tensor:
    return runs(150, 10)


def trained(text, examples, **arguments) -> tuple[Word2Vec, list[float]]:
    torch.manual_seed(0)
    model = Word2Vec(Word2VecConfig(V, 8))
    arguments = {"n_epochs": 4, "window": 3, "batch_size": 128} | arguments
    losses = train_word2vec(
        model,
        text,
        examples,
        torch.Generator().manual_seed(0),
        threshold=float("inf"),
        learning_rate=0.03,
        **arguments,
    )
    return model, losses


@pytest.mark.parametrize("examples", [skip_gram, cbow])
def test_words_of_a_topic_become_neighbours(text, examples):
    model, losses = trained(text, examples, n_epochs=8 if examples is cbow else 4)
    assert losses[-1] < losses[0]
    for word in range(V):
        ids, _ = nearest(model.vectors, model.vectors[word], 4, exclude=[word])
        assert (ids // N_WORDS == word // N_WORDS).all()


def test_without_negatives_all_words_drift_together():
    # Short runs: words of different topics meet often, and so pull each other along.
    text = runs(375, 4)
    model, losses = trained(text, skip_gram, n_negatives=0)
    other, other_losses = trained(text, skip_gram, n_negatives=5)
    assert losses[-1] < 0.01
    assert other_losses[-1] > 1
    assert mean_cosine(model.vectors) > 0.8
    assert mean_cosine(other.vectors) < 0.6


def test_training_repeats_with_the_seed(text):
    one, losses = trained(text, skip_gram, n_epochs=1)
    other, other_losses = trained(text, skip_gram, n_epochs=1)
    assert losses == other_losses
    assert one.vectors.equal(other.vectors)


def test_negatives_come_from_the_noise_and_the_rate_falls_to_zero(text, monkeypatch):
    model = Word2Vec(Word2VecConfig(V + 3, 8))  # three words that never occur
    seen, loss = [], model.loss

    def spy(input_ids, target_ids, negative_ids):
        seen.append(negative_ids)
        return loss(input_ids, target_ids, negative_ids)

    rates = []
    step = torch.optim.Adam.step

    def spy_step(self, *args):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *args)

    model.loss = spy
    monkeypatch.setattr(torch.optim.Adam, "step", spy_step)
    text = torch.cat([text, torch.zeros(600, dtype=torch.long)])  # word 0 is frequent
    train_word2vec(
        model, text, skip_gram, torch.Generator().manual_seed(0), 2, threshold=1e9
    )
    drawn = torch.bincount(torch.cat([x.flatten() for x in seen]), minlength=V + 3)
    assert all(x.shape[1] == 5 for x in seen)
    assert drawn[V:].eq(0).all()
    counts = torch.bincount(text, minlength=V + 3).double() ** 0.75
    expected = drawn.sum() * counts / counts.sum()
    assert ((drawn - expected).abs() < 5 * expected.sqrt() + 1e-9).all()
    assert rates[0] == 0.005
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] < 0.005 * 2 / len(rates)


@pytest.mark.parametrize("wrong", [{"n_negatives": -1}, {"batch_size": 0}])
def test_numbers_that_cannot_be_are_refused(text, wrong):
    with pytest.raises(ValueError, match=r"-1 and batch|batch_size 0"):
        trained(text, skip_gram, **wrong)


def test_a_text_that_gives_no_example_is_refused():
    model = Word2Vec(Word2VecConfig(V, 8))
    with pytest.raises(ValueError, match=r"of 1 words are left .* raise the threshold"):
        train_word2vec(model, torch.tensor([3]), skip_gram, torch.Generator())
