import pytest

from llm_notes.inference.retrieval import InvertedIndex


def test_a_term_leads_to_the_documents_that_hold_it_and_how_often():
    index = InvertedIndex([["b", "a", "b"], [], ["a"], ["c", "b"]])
    documents, counts = index.postings("b")
    assert documents.tolist() == [0, 3]
    assert counts.tolist() == [2, 1]
    assert index.lengths.tolist() == [3, 0, 1, 2]
    assert index.terms == ["b", "a", "c"]
    assert [index.n_documents_with(term) for term in "abcd"] == [2, 2, 1, 0]
    assert len(index) == 4
    assert "a" in index
    assert "d" not in index


def test_a_term_that_is_nowhere_has_no_postings():
    documents, counts = InvertedIndex([["a"]]).postings("b")
    assert len(documents) == len(counts) == 0


def test_what_cannot_be_indexed_is_named():
    with pytest.raises(ValueError, match="there are no documents"):
        InvertedIndex([])
    with pytest.raises(ValueError, match="none of the 2 documents has a term"):
        InvertedIndex([[], []])
    with pytest.raises(ValueError, match="document 1 is a string"):
        InvertedIndex([["a"], "a b"])
