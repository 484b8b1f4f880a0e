"""Unigram: the best cut against all cuts and the library; the promises of training."""

import math
import random
from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llm_notes.data.corpus import python_reference
from llm_notes.data.tokenizers import UnigramTokenizer
from llm_notes.data.tokenizers.lattice import Lattice
from llm_notes.data.tokenizers.pre_tokenisation import split_words
from llm_notes.data.tokenizers.unigram_training import em_step, learn_pieces
from llm_notes.parity.tokenizers import unigram_with

pytest.importorskip("tokenizers")

PIECES = [
    ("a", -2.0),
    ("b", -2.5),
    ("ab", -3.0),
    ("ba", -4.5),
    (" a", -3.5),
    ("aa", -4.0),
    ("aba", -5.0),
    (" ", -1.0),
    ("中", -6.0),
]


@cache
def trained() -> UnigramTokenizer:
    return UnigramTokenizer.train(python_reference().train[:60_000], 700, ["<s>"])


@settings(deadline=None)
@given(st.text("ab c中é🙂", max_size=25))
@example("ababab aba 中é🙂é")
@example("aaaa")
def test_ids_of_any_text_equal_the_library(text):
    ours = UnigramTokenizer(PIECES)
    assert ours.encode(text) == unigram_with(PIECES).encode(text).ids


# Multiples of 1/2 are added without rounding, so that equal sums are ties.
@settings(deadline=None)
@given(
    st.lists(st.text("ab", min_size=1, max_size=4), unique=True),
    st.lists(st.integers(-60, -1), min_size=40, max_size=40),
    st.text("abc", max_size=12),
)
def test_ties_are_broken_as_in_the_library(texts, halves, text):
    pieces = [(piece, half / 2) for piece, half in zip(texts, halves, strict=False)]
    ours = UnigramTokenizer(pieces)
    assert ours.encode(text) == unigram_with(pieces).encode(text).ids


def test_a_character_that_is_no_piece_costs_more_than_the_rarest_piece():
    pieces = [("a", -1.0), ("ab", -30.0)]
    ours = UnigramTokenizer(pieces)
    assert ours.encode("ab b") == unigram_with(pieces).encode("ab b").ids
    assert ours.encode("ab") == [257]


@settings(deadline=None)
@given(st.text("ab", min_size=1, max_size=9))
def test_no_segmentation_is_more_probable_than_the_one_taken(word):
    tokenizer = UnigramTokenizer(PIECES)
    score = dict(PIECES)

    def best(rest: str) -> float:
        heads = [rest[:n] for n in range(1, len(rest) + 1) if rest[:n] in score]
        return max((score[h] + best(rest[len(h) :]) for h in heads), default=0.0)

    taken = sum(PIECES[token_id - 256][1] for token_id in tokenizer.encode(word))
    assert taken == pytest.approx(best(word))


@settings(deadline=None)
@given(st.text())
@example("▁ ▁▁a  b\n\t中🙂")
def test_decoding_undoes_encoding_for_every_text(text):
    assert trained().decode(trained().encode(text)) == text
    sampled = trained().sample(text, random.Random(0), alpha=0.3)
    assert trained().decode(sampled) == text


@settings(deadline=None)
@given(st.binary())
@example(bytes(range(256)))
def test_decoding_undoes_encoding_for_every_byte_string(data):
    assert trained().decode_bytes(trained().encode_bytes(data)) == data


def test_a_character_that_is_no_piece_is_spelled_in_bytes():
    tokenizer = UnigramTokenizer(PIECES)
    assert tokenizer.encode("é中") == [0xC3, 0xA9, 256 + 8]
    assert tokenizer.token(0xC3) == "<0xC3>"
    assert tokenizer.token_bytes(0xC3) == b"\xc3"


def test_a_vocabulary_of_bytes_alone_encodes_everything():
    tokenizer = UnigramTokenizer([])
    assert tokenizer.encode("aé") == [*"aé".encode()]


def test_training_fills_the_vocabulary_and_covers_every_character():
    text = python_reference().train[:60_000]
    tokenizer = trained()
    assert tokenizer.vocab_size == 700
    assert tokenizer.special_ids == {"<s>": 699}
    assert set(text) <= {piece for piece, _ in tokenizer.pieces}
    assert sum(math.exp(score) for _, score in tokenizer.pieces) == pytest.approx(1)
    assert min(tokenizer.encode(text)) >= 256  # no byte was needed
    scores = [score for _, score in tokenizer.pieces]
    assert scores == sorted(scores, reverse=True)


def test_pieces_do_not_cross_words_and_earn_their_place():
    corpus = python_reference()
    words = set(split_words(corpus.train[:60_000]))
    assert all(any(p in word for word in words) for p, _ in trained().pieces)
    characters = UnigramTokenizer([(p, s) for p, s in trained().pieces if len(p) == 1])
    n_characters = len(characters.encode(corpus.validation))
    assert len(trained().encode(corpus.validation)) < 0.5 * n_characters


def test_a_small_text_gives_fewer_pieces_than_there_is_room_for():
    pieces = learn_pieces({"abab": 3, "c": 1}, 100)
    assert set(pieces) == {"a", "b", "c", "ab", "ba", "aba", "bab", "abab"}
    assert UnigramTokenizer.train("", 300).vocab_size == 256


def test_a_word_that_occurs_often_becomes_one_piece():
    pieces = learn_pieces({"hello": 50, "help": 40, "held": 1, "lp": 1}, 8)
    assert {"hello", "help"} <= set(pieces) <= {"hello", "help", *"helopd"}
    assert max(pieces, key=pieces.get) == "hello"


def test_the_likelihood_never_falls_from_one_em_step_to_the_next():
    words = Counter(split_words(python_reference().train[:20_000]))
    pieces = sorted({w[a:b] for w in words for a in range(6) for b in range(a + 1, 7)})
    pieces = sorted({*pieces, *"".join(words)} - {""})
    lattice = Lattice.of(list(words), {piece: i for i, piece in enumerate(pieces)})
    counts = np.array(list(words.values()), dtype=float)
    scores = np.full(len(pieces), -math.log(len(pieces)))
    likelihoods = []
    for _ in range(8):
        used, _ = lattice.expected_counts(scores, counts)
        scores, likelihood = em_step(lattice, scores, counts)
        likelihoods.append(likelihood)
        np.testing.assert_allclose(np.exp(scores), used / used.sum(), atol=1e-12)
    gains = np.diff(likelihoods)
    assert (gains > 0).all()
    assert gains[0] > 100 * gains[-1]


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_segmentations_are_drawn_with_their_probability(alpha):
    tokenizer = UnigramTokenizer(PIECES)
    score = {256 + i: s for i, (_, s) in enumerate(PIECES)}
    generator = random.Random(7)
    n_draws = 6000
    drawn = Counter(
        tuple(tokenizer.sample("abaab", generator, alpha)) for _ in range(n_draws)
    )
    weights = {cut: math.exp(alpha * sum(map(score.get, cut))) for cut in drawn}
    # a|b|a|a|b with "ab", "ba", "aa" and "aba" joined wherever they fit: ten cuts
    assert len(drawn) == 10
    for cut, n in drawn.items():
        expected = weights[cut] / sum(weights.values())
        assert n / n_draws == pytest.approx(expected, abs=4 * math.sqrt(0.25 / n_draws))


def test_a_large_alpha_draws_the_best_segmentation_and_seeds_repeat():
    tokenizer = trained()
    text = python_reference().validation[:300]
    sharp = tokenizer.sample(text, random.Random(0), alpha=500.0)
    assert len(sharp) == len(tokenizer.encode(text))
    draws = [tokenizer.sample(text, random.Random(seed)) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_what_cannot_work_is_refused():
    with pytest.raises(ValueError, match=r"vocab_size is 255; .* need 256"):
        UnigramTokenizer.train("abc", 255)
    with pytest.raises(ValueError, match=r"3 different characters.* room for 2"):
        UnigramTokenizer.train("abc", 258)
    with pytest.raises(ValueError, match="given twice"):
        UnigramTokenizer([("a", -1.0), ("a", -2.0)])
    for score in (math.nan, -math.inf):
        with pytest.raises(ValueError, match=f"'a' has the score {score}"):
            UnigramTokenizer([("a", score)])
    for alpha in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match=f"alpha is {alpha}"):
            trained().sample("a", random.Random(0), alpha)
