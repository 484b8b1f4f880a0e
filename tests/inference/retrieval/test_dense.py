"""Dense search equals the comparison of every pair, whatever the vectors come as."""

import numpy as np
import pytest
import torch

from llm_notes.inference.retrieval import DenseIndex, Hit

N, Q, D = 9, 5, 4


@pytest.fixture
def documents() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(N, D))


@pytest.fixture
def queries() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(Q, D))


def letters(texts) -> np.ndarray:
    """An encoder: how often each of three letters is in a text."""
    return np.array([[text.count(letter) for letter in "abc"] for text in texts])


def test_cosines_equal_those_of_pytorch(documents, queries):
    expected = torch.nn.functional.cosine_similarity(
        torch.tensor(queries)[:, None], torch.tensor(documents)[None], dim=-1
    )
    scores = DenseIndex(documents).scores(queries)  # (Q, N)
    np.testing.assert_allclose(scores, expected.numpy(), atol=1e-12)


def test_dot_products_keep_lengths(documents, queries):
    scores = DenseIndex(documents, similarity="dot").scores(queries)
    expected = [[float(q @ d) for d in documents] for q in queries]
    np.testing.assert_allclose(scores, expected, atol=1e-12)


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("batch_size", [1, 2, 5, 64])
def test_the_best_k_of_each_query_do_not_depend_on_the_batch(
    documents, queries, similarity, batch_size
):
    index = DenseIndex(documents, similarity=similarity)
    results = index.search_vectors(queries, k=3, batch_size=batch_size)
    scores = index.scores(queries)
    assert len(results) == Q
    for row, hits in zip(scores, results, strict=True):
        assert [hit.document for hit in hits] == (-row).argsort()[:3].tolist()
        assert [hit.score for hit in hits] == pytest.approx(sorted(row)[:-4:-1])


def test_equally_good_documents_come_in_order_of_their_numbers():
    vectors = np.array([[0, 1], [1, 0], [0, 1], [1, 0], [2, 0]])
    [hits] = DenseIndex(vectors, similarity="dot").search_vectors([[1, 0]], k=9)
    assert hits == [Hit(4, 2), Hit(1, 1), Hit(3, 1), Hit(0, 0), Hit(2, 0)]
    [hits] = DenseIndex(vectors).search_vectors([[3, 0]], k=3)
    assert [hit.document for hit in hits] == [1, 3, 4]


def test_tensors_are_vectors_too(documents, queries):
    expected = DenseIndex(documents).scores(queries)
    with_gradient = torch.tensor(documents, requires_grad=True)
    scores = DenseIndex(with_gradient).scores(torch.tensor(queries))
    np.testing.assert_allclose(scores, expected, atol=1e-12)
    half = DenseIndex(torch.tensor(documents).bfloat16()).scores(queries)
    np.testing.assert_allclose(half, expected, atol=0.03)
    large = DenseIndex((300 * documents).astype(np.float16)).scores(queries)
    np.testing.assert_allclose(large, expected, atol=0.01)


def test_a_vector_of_zeros_is_like_nothing():
    index = DenseIndex([[0.0, 0.0], [3.0, 4.0]])
    assert index.scores([[0.0, 1.0], [0.0, 0.0]]).tolist() == [[0, 0.8], [0, 0]]


def test_texts_are_encoded_in_batches_and_found_by_texts():
    sizes = []

    def encode(texts):
        sizes.append(len(texts))
        return torch.tensor(letters(texts))

    index = DenseIndex.from_texts(
        ["aab", "bbb", "ccc", "a", "cb"], encode, batch_size=2
    )
    assert sizes == [2, 2, 1]
    assert len(index) == 5
    assert [hit.document for hit in index.search("a", k=2)] == [3, 0]
    by_text = index.search_texts(["a", "cb"], k=2)
    assert [[hit.document for hit in hits] for hits in by_text] == [[3, 0], [4, 1]]
    assert sizes[3:] == [1, 2]
    dot = DenseIndex.from_texts(["a", "aaa"], letters, "dot")
    assert dot.search("a") == [Hit(1, 3), Hit(0, 1)]


def test_what_cannot_be_indexed_is_named():
    for vectors in ([], [1.0, 2.0], np.zeros((0, 3)), np.zeros((3, 0))):
        with pytest.raises(ValueError, match="document vectors must be"):
            DenseIndex(vectors)
    with pytest.raises(ValueError, match="infinity or NaN"):
        DenseIndex([[1.0, np.nan]])
    with pytest.raises(ValueError, match="similarity is 'l2'"):
        DenseIndex([[1.0]], similarity="l2")
    for texts in ([], "a text"):
        with pytest.raises(ValueError, match="list of at least one text"):
            DenseIndex.from_texts(texts, letters)
    with pytest.raises(ValueError, match="batch_size is 0"):
        DenseIndex.from_texts(["a"], letters, batch_size=0)
    with pytest.raises(ValueError, match="shape \\(3,\\) for 1 texts"):
        DenseIndex.from_texts(["a"], lambda texts: np.zeros(3))
    with pytest.raises(ValueError, match="shape \\(1, 3\\) for 2 texts"):
        DenseIndex.from_texts(["a", "b"], lambda texts: np.zeros((1, 3)))


def test_what_cannot_be_asked_is_named(documents):
    index = DenseIndex(documents)
    with pytest.raises(ValueError, match="width 3 and documents 4"):
        index.search_vectors(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="query vectors must be"):
        index.search_vectors(np.zeros((0, D)))
    with pytest.raises(ValueError, match="k is 0"):
        index.search_vectors(documents, 0)
    with pytest.raises(ValueError, match="batch_size is 0"):
        index.search_vectors(documents, 1, 0)
    with pytest.raises(ValueError, match="no encoder"):
        index.search("a")
    index = DenseIndex.from_texts(["a"], letters)
    with pytest.raises(ValueError, match="none of them blank"):
        index.search(" ")
    with pytest.raises(ValueError, match="none of them blank"):
        index.search_texts("a b")
    with pytest.raises(ValueError, match="there are no queries"):
        index.search_texts([])


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_an_index_keeps_its_vectors_when_the_table_learns(similarity):
    table = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    index = DenseIndex(table, similarity=similarity)
    before = index.vectors.copy()
    table.mul_(2)
    table[0] = 0
    assert (index.vectors == before).all()


def test_one_vector_alone_is_named_by_its_own_shape():
    with pytest.raises(ValueError, match=r"\(number, width\), got shape \(768,\)"):
        DenseIndex(np.ones((2, 768))).search_vectors(np.ones(768))
