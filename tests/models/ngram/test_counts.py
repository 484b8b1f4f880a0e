"""Counts in sorted arrays against counting place by place."""

from itertools import pairwise, product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.models.ngram import AddKNGram, NGramCounts
from llm_notes.models.ngram.counts import ABSENT, take

V = 5
texts = st.lists(st.integers(0, 3), min_size=4, max_size=40)


def occurrences(text, ngram) -> int:
    n = len(ngram)
    return sum(tuple(text[i : i + n]) == ngram for i in range(len(text) - n + 1))


@settings(deadline=None)
@given(text=texts, ngram=st.lists(st.integers(0, 3), max_size=4))
def test_counts_are_those_of_the_text(text, ngram):
    model = AddKNGram(4, V).fit(text)
    expected = occurrences(text, tuple(ngram)) if ngram else len(text)
    assert model.count(ngram) == expected
    assert model.distinct(2) == len({*pairwise(text)})


@settings(deadline=None, max_examples=40)
@given(text=texts)
def test_followers_and_suffixes_are_those_of_the_text(text):
    counts = NGramCounts(np.array(text), 3, V)
    ids = {}  # each n-gram of the text -> its id
    for n in (1, 2, 3):
        for i in range(len(text) - n + 1):
            ngram = tuple(text[i : i + n])
            ids[ngram] = int(counts.walk(np.array(ngram))[n][-1])
    for context in (*product(range(V), repeat=2), *product(range(V), repeat=1)):
        if context not in ids:
            continue
        n = len(context) + 1
        followers = counts.followers(n, ids[context])
        tokens = counts.keys[n][followers] % V
        seen = [w for w in range(V) if (*context, w) in ids]
        assert tokens.tolist() == seen
        for w in seen:
            ngram = (*context, w)
            assert counts.suffixes[n][ids[ngram]] == ids[ngram[1:]]
            assert counts.contexts(n)[ids[ngram]] == ids[context]
        # The sum over the followers of a context, of their counts.
        total = counts.sum_by_context(n, counts.counts[n])[ids[context]]
        assert total == sum(occurrences(text, (*context, w)) for w in range(V))


def test_what_is_absent_is_taken_as_zero():
    taken = take(np.array([5, 7]), np.array([1, ABSENT, 0]))
    assert taken.tolist() == [7, 0, 5]
