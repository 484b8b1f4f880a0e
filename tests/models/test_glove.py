"""GloVe is the weighted least squares of its paper, and finds a known factorisation."""

import pytest
import torch

from llm_notes.models.glove import PRESETS, GloVe, GloVeConfig, train_glove
from llm_notes.parity import word_vectors
from llm_notes.parity.case import randomise
from llm_notes.runtime import count_parameters

V, D = 7, 3


@pytest.fixture
def model() -> GloVe:
    torch.manual_seed(0)
    model = GloVe(GloVeConfig(V, D, x_max=10.0))
    randomise(model, std=0.3)
    return model


def test_estimates_loss_and_gradients_equal_those_derived_by_hand():
    parity = word_vectors.glove()
    assert parity.output_error <= 1e-5
    assert parity.gradient_error <= 1e-5


def test_counts_weigh_as_their_power_up_to_a_limit(model):
    def weight(count: float) -> float:
        """The loss of one count over the square of its error."""
        place = torch.tensor([2]), torch.tensor([4])
        error = model(*place) - torch.tensor([count]).log()
        loss = model.loss(*place, torch.tensor([count]))
        return float((loss / error.square()).detach())

    assert weight(5.0) == pytest.approx(0.5**0.75, rel=1e-4)
    assert weight(0.1) == pytest.approx(0.01**0.75, rel=1e-4)
    assert weight(10.0) == pytest.approx(1, rel=1e-4)
    assert weight(5000.0) == pytest.approx(1, rel=1e-4)


def test_the_loss_is_a_sum_over_the_counts(model):
    i, j = torch.tensor([0, 3, 3]), torch.tensor([1, 1, 6])
    x = torch.tensor([2.0, 30.0, 0.5])
    parts = [model.loss(i[k : k + 1], j[k : k + 1], x[k : k + 1]) for k in range(3)]
    torch.testing.assert_close(model.loss(i, j, x), sum(parts))


def test_the_result_is_the_sum_of_both_tables(model):
    expected = model.words.weight + model.contexts.weight
    assert model.vectors.equal(expected)
    assert not model.vectors.requires_grad


def test_counts_made_from_a_factorisation_are_fitted_to_zero():
    torch.manual_seed(0)
    truth = GloVe(GloVeConfig(V, 2))
    randomise(truth, std=0.7)
    i, j = torch.ones(V, V).nonzero(as_tuple=True)
    counts = truth(i, j).exp().detach().view(V, V).to_sparse()
    model = GloVe(GloVeConfig(V, D, x_max=2.0))
    losses = train_glove(
        model,
        counts,
        torch.Generator().manual_seed(0),
        n_epochs=300,
        batch_size=10,
        learning_rate=0.3,
    )
    assert losses[0] > 5
    assert losses[-1] < 1e-3
    torch.testing.assert_close(model(i, j), truth(i, j), atol=0.1, rtol=0)


def test_each_epoch_visits_each_count_once():
    counts = torch.tensor([[0.0, 2, 0], [1, 0, 5], [0, 3, 0]]).to_sparse()
    model, seen = GloVe(GloVeConfig(3, 2)), []
    loss = model.loss

    def spy(word_ids, context_ids, values):
        seen.extend(
            zip(word_ids.tolist(), context_ids.tolist(), values.tolist(), strict=True)
        )
        return loss(word_ids, context_ids, values)

    model.loss = spy
    train_glove(model, counts, torch.Generator().manual_seed(0), 2, batch_size=3)
    expected = [(0, 1, 2.0), (1, 0, 1.0), (1, 2, 5.0), (2, 1, 3.0)]
    assert sorted(seen[:4]) == sorted(seen[4:]) == expected
    assert seen[:4] != seen[4:]


def test_training_repeats_with_the_seed():
    counts = torch.tensor([[0.0, 2, 0], [1, 0, 5], [0, 3, 0]]).to_sparse()
    results = []
    for seed in (0, 0, 1):
        torch.manual_seed(0)
        model = GloVe(GloVeConfig(3, 2))
        generator = torch.Generator().manual_seed(seed)
        train_glove(model, counts, generator, 2, batch_size=1)
        results.append(model.vectors)
    assert results[0].equal(results[1])
    assert not results[0].equal(results[2])


def test_the_parameter_count_is_that_of_the_model(model):
    expected = 2 * V * D + 2 * V
    assert GloVe.parameter_count(model.config) == count_parameters(model) == expected
    assert GloVe.parameter_count(PRESETS["6b-300d"]) == 2 * 400_000 * 301


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="vocab_size must be at least 1, got 0"):
        GloVeConfig(0, 3)
    with pytest.raises(ValueError, match="x_max must be more than 0, got 0"):
        GloVeConfig(5, 3, x_max=0)
    with pytest.raises(ValueError, match="power must be more than 0, got -1"):
        GloVeConfig(5, 3, power=-1)


def test_bad_counts_are_refused(model):
    i = torch.tensor([0, 1])
    with pytest.raises(ValueError, match=r"more than 0, the smallest is 0\.0"):
        model.loss(i, i, torch.tensor([1.0, 0.0]))
    with pytest.raises(ValueError, match=r"one shape .* \(2,\), \(2,\), \(1,\)"):
        model.loss(i, i, torch.ones(1))
    with pytest.raises(ValueError, match="M >= 1"):
        model.loss(i[:0], i[:0], torch.ones(0))
    with pytest.raises(ValueError, match="= 6, got 0 to 7"):
        model.loss(i, torch.tensor([7, 0]), torch.ones(2))
    generator = torch.Generator()
    with pytest.raises(ValueError, match=r"sparse and \(7, 7\), got a torch.strided"):
        train_glove(model, torch.ones(V, V), generator)
    with pytest.raises(ValueError, match="batch_size is 0"):
        train_glove(model, torch.ones(V, V).to_sparse(), generator, batch_size=0)
    with pytest.raises(ValueError, match=r"of shape \(3, 7\)"):
        train_glove(model, torch.ones(3, V).to_sparse(), generator)
