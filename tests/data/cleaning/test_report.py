import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.cleaning import (
    Removed,
    clean,
    drop_exact_duplicates,
    each,
    normalise,
    reject,
)
from llm_notes.data.cleaning.report import EXCERPT_LENGTH


def too_short(text: str) -> str | None:
    return f"{len(text)} characters" if len(text) < 3 else None


STEPS = {
    "normalise": each(normalise),
    "copies": drop_exact_duplicates,
    "short": reject(too_short),
}


def test_each_step_sees_what_the_one_before_it_left():
    documents = ["abc\r\n", "é1", "abc", "defgh", "x", "abc"]
    kept, (normalised, copies, short) = clean(documents, STEPS)
    assert kept == ["abc\n", "defgh"]
    assert (normalised.n_documents, normalised.n_removed, normalised.n_changed) == (
        6, 0, 1,
    )  # fmt: skip
    assert (normalised.n_bytes, normalised.n_bytes_removed) == (20, 1)
    assert normalised.examples == (("changed", "abc\r\n"),)
    assert (copies.n_documents, copies.n_removed) == (6, 2)
    assert (copies.n_bytes, copies.n_bytes_removed) == (19, 6)
    assert copies.removed_share == pytest.approx(2 / 6)
    assert copies.removed_bytes_share == pytest.approx(6 / 19)
    assert (short.n_documents, short.n_removed, short.n_bytes_removed) == (4, 2, 4)
    assert short.examples == (("2 characters", "é1"), ("1 characters", "x"))


@settings(deadline=None)
@given(st.lists(st.text(alphabet="ab\r\né中\ud800", max_size=6)))
def test_the_books_balance(documents):
    kept, reports = clean(documents, STEPS)
    n_documents = len(documents)
    n_bytes = sum(len(d.encode("utf-8", "surrogatepass")) for d in documents)
    for report in reports:
        assert report.n_documents == n_documents
        assert report.n_bytes == n_bytes
        n_documents -= report.n_removed
        n_bytes -= report.n_bytes_removed
    assert n_documents == len(kept)
    assert n_bytes == sum(len(d.encode()) for d in kept)


def test_examples_are_few_and_short():
    steps = {"none": reject(lambda text: "no")}
    _, (report,) = clean(["word " * 99] * 5, steps, n_examples=2)
    assert len(report.examples) == 2
    assert len(report.examples[0][1]) == EXCERPT_LENGTH


def test_a_report_is_one_line_of_text():
    _, (report,) = clean(["ab"] * 4, {"copies": drop_exact_duplicates})
    assert str(report) == (
        "copies: removed 3 of 4 documents (75.0%), changed 0; 6 of 8 bytes went (75.0%)"
    )


def test_nothing_to_clean_is_no_error():
    kept, reports = clean([], STEPS)
    assert kept == []
    assert [report.removed_share for report in reports] == [0, 0, 0]
    assert [report.removed_bytes_share for report in reports] == [0, 0, 0]


def test_a_step_that_loses_count_is_refused():
    with pytest.raises(ValueError, match=r"'bad' got 2 documents and returned 1"):
        clean(["a", "b"], {"bad": lambda documents: [Removed("x")]})
