import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.corpus import python_reference
from llm_notes.data.tokenizers import WordTokenizer


def test_the_most_frequent_words_come_first_and_ties_go_by_code_point():
    tokenizer = WordTokenizer.train("b a, B a, é b! b ab", 7)
    assert tokenizer.vocabulary == ["[UNK]", "b", ",", "a", "!", "B", "ab"]
    assert tokenizer.vocab_size == 7


def test_words_numbers_and_signs_are_tokens_and_white_space_is_not():
    tokenizer = WordTokenizer.train("don't x_1 = 22.5;\n\n中文，好 ...", 100)
    words = ["don", "'", "t", "x_1", "=", "22", ".", "5", ";", "中文", "，", "好"]
    assert tokenizer.decode(tokenizer.encode("".join(words[:3]))) == "don ' t"
    token_ids = tokenizer.encode("don't x_1 = 22.5; 中文，好...")
    labels = [tokenizer.token(i) for i in token_ids]
    assert labels == [*words, ".", ".", "."]


def test_a_word_that_is_not_listed_is_unknown():
    tokenizer = WordTokenizer.train("the cat saw the hat", 100)
    assert tokenizer.unknown_id == tokenizer.special_ids["[UNK]"] == 0
    token_ids = tokenizer.encode("the dog saw The hat")
    assert tokenizer.decode(token_ids) == "the [UNK] saw [UNK] hat"
    assert tokenizer.unknown_share("the dog saw The hat") == 2 / 5


def test_a_user_cannot_type_the_unknown_token():
    tokenizer = WordTokenizer(["[UNK]", "a", "pad"], ["[UNK]", "pad"])
    assert tokenizer.encode("pad a") == [0, 1]
    assert tokenizer.encode("pad a", {"pad"}) == [2, 1]


def test_words_seen_less_often_than_min_count_are_left_out():
    text = "a a a b b c"
    assert WordTokenizer.train(text, 9, min_count=2).vocabulary == ["[UNK]", "a", "b"]
    assert WordTokenizer.train(text, 2, min_count=2).vocabulary == ["[UNK]", "a"]


def test_the_unknown_share_of_held_out_text_falls_with_the_vocabulary_not_to_zero():
    corpus = python_reference()
    shares = [
        WordTokenizer.train(corpus.train, size).unknown_share(corpus.validation)
        for size in (100, 1000, 100_000)
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.3
    assert 0 < shares[2] < 0.1
    everything = WordTokenizer.train(corpus.train, 100_000)
    assert everything.unknown_share(corpus.train) == 0


@settings(deadline=None)
@given(st.text(alphabet="ab,' \n\x1c_1中", max_size=40))
def test_decoded_text_has_the_same_words(text):
    tokenizer = WordTokenizer.train(text, 100)
    token_ids = tokenizer.encode(text)
    assert tokenizer.encode(tokenizer.decode(token_ids)) == token_ids


def test_what_cannot_work_is_refused():
    with pytest.raises(ValueError, match=r"vocab_size is 0; .* need 1"):
        WordTokenizer.train("a", 0)
    with pytest.raises(ValueError, match="lists 'a' twice"):
        WordTokenizer(["[UNK]", "a", "a"])
    with pytest.raises(ValueError, match=r"\['<s>'\] lack \[UNK\]"):
        WordTokenizer(["a"], ["<s>"])
    with pytest.raises(ValueError, match="no token"):
        WordTokenizer(["a"]).unknown_share(" \n")
