"""Byte-level BPE against its definition and the library `tokenizers`."""

import random
from collections import Counter
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llm_notes.data.corpus import python_reference
from llm_notes.data.tokenizers import BytePairTokenizer
from llm_notes.data.tokenizers.byte_pair import BYTES, split_words
from llm_notes.parity.tokenizers import merges_of, trained_byte_pair

tokenizers = pytest.importorskip("tokenizers")

TRICKY_TEXTS = [
    "",
    "a",
    "aaaa aaa aa a aaaaa",
    "abab abab bab aba",
    "it's they're I've we'll he'd I'm don't IT'S 'tis",
    "  two  spaces\n\n\nlines \t\n x\x1c\x1dy\x85z\u00a0 \u3000end  ",
    "x=1; y=22.5e-3; z٣¾Ⅷ²",
    "中文 and 日本語, naïve café, 🙂🙂🙂 👩‍👩‍👧",
    "low low low low low lower lower newest newest newest widest widest",
    "abababab xabab yababab",
]


close_texts = st.text(alphabet="ab 'slt\n1²é中\x1c", max_size=60)


library_tokenizer = cache(trained_byte_pair)


def merges_by_definition(text: str, n_merges: int) -> list[tuple[int, int]]:
    """Recount every pair of every word before each merge."""
    words = [[BYTES.index(byte) for byte in w.encode()] for w in split_words(text)]
    merges: list[tuple[int, int]] = []
    while len(merges) < n_merges:
        counts = Counter(pair for word in words for pair in pairwise(word))
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        for word in words:
            i = 0
            while i < len(word) - 1:
                if (word[i], word[i + 1]) == best:
                    word[i : i + 2] = [255 + len(merges)]
                i += 1
    return merges


@pytest.mark.parametrize("vocab_size", [512, 1024])
def test_merges_and_encodings_of_the_corpus_equal_the_library(vocab_size):
    corpus = python_reference()
    ours = BytePairTokenizer.train(corpus.train, vocab_size)
    library = library_tokenizer(corpus.train, vocab_size)
    assert ours.vocab_size == library.get_vocab_size() == vocab_size
    assert ours.merges == merges_of(library)
    for text in (corpus.validation, *TRICKY_TEXTS):
        assert ours.encode(text) == library.encode(text).ids


@pytest.mark.parametrize("text", TRICKY_TEXTS)
def test_merges_and_encodings_of_tricky_texts_equal_the_library(text):
    ours = BytePairTokenizer.train(text, 300)
    library = library_tokenizer(text, 300)
    assert ours.merges == merges_of(library)
    for other in TRICKY_TEXTS:
        assert ours.encode(other) == library.encode(other).ids


@settings(deadline=None)
@given(close_texts, close_texts)
def test_merges_and_encodings_of_any_text_equal_the_library(text, other):
    ours = BytePairTokenizer.train(text, 280)
    library = library_tokenizer(text, 280)
    assert ours.merges == merges_of(library)
    assert ours.encode(other) == library.encode(other).ids


@settings(deadline=None)
@given(st.text(alphabet="ab c", max_size=80))
@example("aaa aaaa aaaaa")
def test_counts_kept_up_to_date_give_the_merges_of_the_definition(text):
    assert BytePairTokenizer.train(text, 276).merges == merges_by_definition(text, 20)


@settings(deadline=None)
@given(st.text())
@example("\x00\x1c\r\n\u2028\ufeff\U0010ffff")
def test_decoding_undoes_encoding_for_every_text(text):
    tokenizer = reference_tokenizer()
    assert tokenizer.decode(tokenizer.encode(text)) == text


@cache
def reference_tokenizer() -> BytePairTokenizer:
    return BytePairTokenizer.train(python_reference().train, 512)


def test_the_first_ids_are_the_bytes():
    tokenizer = BytePairTokenizer([])
    assert sorted(tokenizer.token_bytes(i)[0] for i in range(256)) == [*range(256)]
    assert tokenizer.vocab_size == 256
    assert tokenizer.encode("!") == [0]


def test_the_token_of_a_merge_is_the_bytes_of_its_pair():
    tokenizer = reference_tokenizer()
    for token_id, (a, b) in enumerate(tokenizer.merges, start=256):
        joined = tokenizer.token_bytes(a) + tokenizer.token_bytes(b)
        assert tokenizer.token_bytes(token_id) == joined


def test_of_equally_frequent_pairs_the_one_with_smaller_ids_is_merged():
    # Ids: "!" 0, "a" 64, "b" 65, "c" 66; each pair occurs once.
    tokenizer = BytePairTokenizer.train("cb\nba\nac", 258)
    assert tokenizer.merges == [(64, 66), (65, 64)]


def test_training_stops_when_every_word_is_one_token():
    tokenizer = BytePairTokenizer.train("aaaa", 1000)
    assert tokenizer.vocab_size == 258
    assert len(tokenizer.encode("aaaa")) == 1


def test_no_merge_crosses_a_word():
    tokenizer = BytePairTokenizer.train("a b a b a b a b", 300)
    assert len(tokenizer.encode("a b")) == 2


@pytest.mark.parametrize("vocab_size", [255, 0, -1])
def test_a_vocabulary_smaller_than_the_bytes_is_refused(vocab_size):
    with pytest.raises(ValueError, match=f"vocab_size is {vocab_size}"):
        BytePairTokenizer.train("abc", vocab_size)


def test_part_of_a_character_is_labelled_by_its_bytes():
    tokenizer = BytePairTokenizer([])
    labels = [tokenizer.token(i) for i in tokenizer.encode("中 ")]
    assert labels == ["<0xE4>", "<0xB8>", "<0xAD>", "␣"]
    assert BytePairTokenizer.train("é", 257).token(256) == "é"


def test_part_of_a_character_is_decoded_to_the_replacement_character():
    tokenizer = BytePairTokenizer([])
    assert tokenizer.decode(tokenizer.encode("a中")[:2]) == "a\ufffd"


def test_a_word_encoded_before_is_encoded_alike_and_not_shared():
    tokenizer = BytePairTokenizer.train("lower lowest", 270)
    first = tokenizer.encode("lowest")
    expected = list(first)
    first.append(0)
    assert tokenizer.encode("lowest") == expected


def test_a_long_word_of_one_letter_is_encoded_in_reasonable_time():
    # Each round merges all places of a pair, so rounds are as few as the merges used.
    tokenizer = BytePairTokenizer.train("a" * 64, 300)
    n_letters = 30_000
    token_ids = tokenizer.encode("a" * n_letters)
    assert tokenizer.decode(token_ids) == "a" * n_letters
    assert len(token_ids) < n_letters / 32


def test_a_long_word_of_many_letters_takes_the_time_of_n_log_n():
    # Going through the word once for each of hundreds of merges would be felt here.
    tokenizer = BytePairTokenizer.train(python_reference().train[:50_000], 1024)
    word = "".join(random.Random(0).choices("etaoinsrhld", k=50_000))
    token_ids = tokenizer.encode(word)
    assert tokenizer.decode(token_ids) == word
    assert token_ids == library_of(tokenizer).encode(word).ids


def library_of(tokenizer: BytePairTokenizer):
    return library_tokenizer(python_reference().train[:50_000], tokenizer.vocab_size)


@settings(deadline=None)
@given(st.binary())
@example(bytes(range(256)))
@example(b"a \xff\xfe b\xed\xa0\x80 \xe4\xb8")
def test_decoding_undoes_encoding_for_every_byte_string(data):
    tokenizer = reference_tokenizer()
    assert tokenizer.decode_bytes(tokenizer.encode_bytes(data)) == data


@settings(deadline=None)
@given(st.text())
def test_the_bytes_of_a_text_have_the_ids_of_the_text(text):
    tokenizer = reference_tokenizer()
    assert tokenizer.encode_bytes(text.encode()) == tokenizer.encode(text)


def test_stray_bytes_form_a_word_of_their_own_with_the_space_before_them():
    stray = b" \xff\xff"
    ids = [BYTES.index(byte) for byte in stray]
    tokenizer = BytePairTokenizer([(ids[1], ids[2]), (ids[0], 256)])
    assert tokenizer.encode_bytes(b"a" + stray + b"b") == [
        BYTES.index(b"a"),
        257,
        BYTES.index(b"b"),
    ]


def test_special_tokens_follow_the_merges_and_count_as_vocabulary():
    special = ["<|endoftext|>", "<|user|>"]
    tokenizer = BytePairTokenizer.train(python_reference().train, 300, special)
    assert tokenizer.vocab_size == 300
    assert len(tokenizer.merges) == 300 - 256 - 2
    assert tokenizer.special_ids == {"<|endoftext|>": 298, "<|user|>": 299}
    assert tokenizer.token_bytes(299) == b"<|user|>"


def test_special_tokens_are_found_where_the_library_finds_them():
    text = "a <|x|> b<|x|><|x|>y|> <|x <|y|>\n<|z"
    special = ["<|x|>", "<|x|>y|>", "<|y|>"]
    library = trained_byte_pair(text, 300)
    library.add_special_tokens(special)
    ours = BytePairTokenizer(merges_of(library), special)
    assert ours.encode(text, ours.special_ids) == library.encode(text).ids
    library.decoder = tokenizers.decoders.ByteLevel()
    plain = library.decode(ours.encode(text, special), skip_special_tokens=True)
    assert ours.decode(ours.encode(text, special), skip_special=True) == plain


def test_no_room_for_special_tokens_is_refused():
    with pytest.raises(ValueError, match=r"vocab_size is 257; .* 2 special .* 258"):
        BytePairTokenizer.train("abc", 257, ["<a>", "<b>"])
