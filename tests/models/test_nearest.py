"""Neighbours, analogies and the mean cosine against slow formulas."""

import pytest
import torch

from llm_notes.models.nearest import analogy, mean_cosine, nearest


@pytest.fixture
def vectors() -> torch.Tensor:
    return torch.randn(9, 4, generator=torch.Generator().manual_seed(0))


def cosine(a, b) -> float:
    return float(a @ b / a.norm() / b.norm())


def test_the_nearest_are_those_of_the_largest_cosine(vectors):
    query = 7 * vectors[2]  # its length does not matter
    ids, cosines = nearest(vectors, query, n=5, exclude=[2])
    by_hand = sorted(
        (i for i in range(9) if i != 2), key=lambda i: -cosine(vectors[i], query)
    )
    assert ids.tolist() == by_hand[:5]
    assert cosines.tolist() == pytest.approx(
        [cosine(vectors[i], query) for i in ids], abs=1e-6
    )


def test_a_vector_is_nearest_to_itself_unless_excluded(vectors):
    assert nearest(vectors, vectors[3], n=1)[0].tolist() == [3]
    assert nearest(vectors, vectors[3], n=1, exclude={3})[0].tolist() != [3]


def test_the_table_is_left_as_it_was(vectors):
    before = vectors.clone()
    nearest(vectors, vectors[0], n=2, exclude=[0, 1])
    assert vectors.equal(before)


def test_an_analogy_adds_unit_vectors():
    # man, woman, king, queen on two axes, sex and rank; lengths differ on purpose.
    man, woman = torch.tensor([1.0, 0.0, 1.0]), torch.tensor([-1.0, 0.0, 1.0])
    king, queen = torch.tensor([1.0, 1.0, 1.0]), torch.tensor([-1.0, 1.0, 1.0])
    other = torch.tensor([0.1, 0.2, -1.0])
    vectors = torch.stack([9 * man, woman, king, 5 * queen, other])
    ids, cosines = analogy(vectors, a=0, b=1, c=2)
    assert ids.tolist() == [3]
    unit = torch.nn.functional.normalize(vectors, dim=1)
    query = unit[1] - unit[0] + unit[2]
    assert float(cosines[0]) == pytest.approx(cosine(query, queen), abs=1e-6)
    assert analogy(vectors, a=1, b=0, c=3)[0].tolist() == [2]
    # The three words of the question never answer it.
    assert sorted(analogy(vectors, a=0, b=1, c=2, n=2)[0].tolist()) == [3, 4]


def test_the_mean_cosine_is_that_of_all_pairs(vectors):
    pairs = [(i, j) for i in range(9) for j in range(9) if i != j]
    by_hand = sum(cosine(vectors[i], vectors[j]) for i, j in pairs) / len(pairs)
    assert float(mean_cosine(vectors)) == pytest.approx(by_hand, abs=1e-6)
    assert float(mean_cosine(torch.ones(5, 3))) == pytest.approx(1)


def test_shapes_and_numbers_that_do_not_fit_are_refused(vectors):
    with pytest.raises(ValueError, match=r"got \(9, 4\) and \(3,\)"):
        nearest(vectors, torch.ones(3))
    with pytest.raises(ValueError, match=r"got \(4,\)"):
        nearest(vectors[0], vectors[0])
    with pytest.raises(ValueError, match="n is 9; 9 rows less 1 excluded ones leave 8"):
        nearest(vectors, vectors[0], n=9, exclude=[0, 0])
    with pytest.raises(ValueError, match="n is 0"):
        nearest(vectors, vectors[0], n=0)
