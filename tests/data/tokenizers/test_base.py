"""What holds for every tokenizer: special tokens, streams, labels, files, bad ids."""

import json
import pickle
from itertools import cycle, islice, pairwise

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llm_notes.data.tokenizers import (
    BytePairTokenizer,
    CharacterTokenizer,
    TokenizerFileError,
    UnencodableTextError,
    UnigramTokenizer,
    UnknownTokenIdError,
    WordPieceTokenizer,
    WordTokenizer,
    load_tokenizer,
)

TEXT = "the cat, the hat\n\tand «the» 中文 the end\xa0"


SPECIAL = ["[UNK]", "<|end|>", "<|end|>!"]
TRAINED = {
    "character": CharacterTokenizer.train(TEXT, SPECIAL),
    "word": WordTokenizer.train(TEXT, 20, SPECIAL),
    "byte_pair": BytePairTokenizer.train(TEXT, 270, SPECIAL),
    "word_piece": WordPieceTokenizer.train(TEXT, 50, SPECIAL, lower_case=False),
    "unigram": UnigramTokenizer.train(TEXT, 290, SPECIAL),
}
LOSSLESS = [kind for kind, tokenizer in TRAINED.items() if tokenizer.lossless]
texts = st.text(alphabet=sorted(set(TEXT)), max_size=50)
marked_texts = st.lists(st.sampled_from([*SPECIAL, "<|en", "d|>", " ", "the", "\n"]))


@pytest.fixture(params=TRAINED)
def tokenizer(request):
    return TRAINED[request.param]


def test_two_of_five_kinds_are_lossy():
    assert LOSSLESS == ["character", "byte_pair", "unigram"]


@pytest.mark.parametrize("kind", LOSSLESS)
@settings(deadline=None)
@given(texts, marked_texts)
@example(TEXT, [])
def test_decoding_undoes_encoding(kind, text, marked):
    tokenizer = TRAINED[kind]
    assert tokenizer.decode(tokenizer.encode(text)) == text
    text = TEXT + "".join(marked).translate(str.maketrans("", "", "[]UNK<|>!"))
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("kind", ["byte_pair", "unigram"])
@settings(deadline=None)
@given(st.text(), marked_texts)
def test_decoding_undoes_encoding_with_special_tokens_or_without(kind, text, marked):
    tokenizer = TRAINED[kind]
    text += "".join(marked) + text
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.decode(tokenizer.encode(text, SPECIAL)) == text


def test_the_empty_text_has_no_tokens(tokenizer):
    assert tokenizer.encode("") == []
    assert tokenizer.encode("", tokenizer.special_ids) == []
    assert tokenizer.decode([]) == ""


def test_ids_are_whole_numbers_below_the_vocabulary_size(tokenizer):
    token_ids = tokenizer.encode(TEXT)
    assert all(type(token_id) is int for token_id in token_ids)
    assert 0 <= min(token_ids) <= max(token_ids) < tokenizer.vocab_size


def test_ids_may_come_as_an_array_or_a_tensor(tokenizer):
    token_ids = tokenizer.encode(TEXT)
    assert tokenizer.decode(np.array(token_ids)) == tokenizer.decode(token_ids)
    assert tokenizer.decode(torch.tensor(token_ids)) == tokenizer.decode(token_ids)
    assert tokenizer.token(torch.tensor(3)) == tokenizer.token(3)


@pytest.mark.parametrize("beyond", [-1, 0, 1000])
def test_an_id_outside_the_vocabulary_is_refused_with_what_is_allowed(
    tokenizer, beyond
):
    wrong = beyond if beyond < 0 else tokenizer.vocab_size + beyond
    allowed = f"{wrong} .* 0 to {tokenizer.vocab_size - 1}"
    with pytest.raises(UnknownTokenIdError, match=allowed):
        tokenizer.decode([0, wrong])
    with pytest.raises(UnknownTokenIdError, match=allowed):
        tokenizer.decode([0, wrong], skip_special=True)
    with pytest.raises(UnknownTokenIdError, match=allowed):
        tokenizer.token(wrong)


def test_every_label_is_printable_and_on_one_line(tokenizer):
    labels = [tokenizer.token(i) for i in range(tokenizer.vocab_size)]
    assert all(label and label.isprintable() and " " not in label for label in labels)
    assert len(set(labels)) == len(labels)


def test_special_tokens_have_ids_of_their_own_in_the_order_given(tokenizer):
    assert list(tokenizer.special_ids) == SPECIAL
    ids = list(tokenizer.special_ids.values())
    assert ids == list(range(ids[0], ids[0] + len(SPECIAL)))
    assert ids[-1] < tokenizer.vocab_size
    for token, token_id in tokenizer.special_ids.items():
        assert tokenizer.token(token_id) == token
        assert tokenizer.decode([token_id]) == token


def test_a_special_token_in_a_text_stays_text_unless_it_is_allowed(tokenizer):
    if tokenizer.kind == "character":
        tokenizer = CharacterTokenizer.train(TEXT + "<|end|>", SPECIAL)
    end = tokenizer.special_ids["<|end|>"]
    text = "the<|end|>cat"
    before, after = tokenizer.encode("the"), tokenizer.encode("cat")
    assert end not in tokenizer.encode(text)
    assert tokenizer.encode(text, {"<|end|>"}) == [*before, end, *after]
    assert end not in tokenizer.encode(text, {"[UNK]"})


def test_an_allowed_token_that_is_none_is_refused(tokenizer):
    for allowed in ({"<|end|>", "<|begin|>"}, "<|end|>", ["<"]):
        with pytest.raises(ValueError, match=r"allowed_special is .*'<\|end\|>'"):
            tokenizer.encode("the", allowed)
        with pytest.raises(ValueError, match="allowed_special"):
            tokenizer.encode_iterable(["the"], allowed)


def test_special_tokens_are_left_out_of_the_text_when_asked(tokenizer):
    the, cat = tokenizer.encode("the"), tokenizer.encode("cat")
    marked = [*the, *tokenizer.special_ids.values(), *cat]
    skipped = tokenizer.decode(marked, skip_special=True)
    assert skipped == tokenizer.decode([*the, *cat])
    assert "<|end|>" in tokenizer.decode(marked)


@pytest.mark.parametrize("kind", TRAINED)
@settings(deadline=None)
@given(data=st.data(), marked=marked_texts)
def test_ids_of_chunks_are_those_of_the_whole_wherever_it_is_cut(kind, data, marked):
    tokenizer = TRAINED[kind]
    if kind == "character":
        text = data.draw(texts)
    else:
        text = data.draw(texts) + "".join(marked) + data.draw(texts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    chunks = [text[a:b] for a, b in pairwise([0, *cuts, len(text)])]
    allowed = data.draw(st.sampled_from([(), SPECIAL, SPECIAL[1:2], SPECIAL[2:]]))
    whole = tokenizer.encode(text, allowed)
    assert list(tokenizer.encode_iterable(chunks, allowed)) == whole
    assert list(tokenizer.encode_iterable(text, allowed)) == whole  # one by one


@pytest.mark.parametrize(
    "tokenizer",
    [
        CharacterTokenizer.train("ab <>", ["<a b>"]),
        WordTokenizer.train("ab a b <", 10, ["[UNK]", "<a b>"]),
        BytePairTokenizer([], ["<a b>"]),
    ],
    ids=lambda tokenizer: tokenizer.kind,
)
def test_a_special_token_may_hold_a_space_and_come_in_parts(tokenizer):
    text = "a<a b> b<a b><a <a b>b <a"
    whole = tokenizer.encode(text, ["<a b>"])
    assert whole.count(tokenizer.special_ids["<a b>"]) == 3
    for cut in range(len(text)):
        chunks = [text[:cut], text[cut:]]
        assert list(tokenizer.encode_iterable(chunks, ["<a b>"])) == whole
    assert list(tokenizer.encode_iterable(text, ["<a b>"])) == whole


def test_an_endless_text_is_encoded_as_it_is_read(tokenizer):
    n_read = 0

    def endless():
        nonlocal n_read
        for chunk in cycle(["the cat, ", "the h", "at\n"]):
            n_read += 1
            yield chunk

    token_ids = tokenizer.encode_iterable(endless())
    assert n_read == 0
    assert list(islice(token_ids, 8)) == tokenizer.encode("the cat, the hat\n" * 3)[:8]
    assert n_read <= 15


def test_a_tokenizer_can_be_sent_to_another_process(tokenizer):
    tokenizer.encode(TEXT)  # fills its cache, which goes along
    again = pickle.loads(pickle.dumps(tokenizer))
    assert again.encode(TEXT + TEXT) == tokenizer.encode(TEXT + TEXT)


def test_invisible_characters_have_a_sign():
    tokenizer = CharacterTokenizer.train(" \n\ta\xa0\u200b")
    labels = [tokenizer.token(i) for i in tokenizer.encode(" \n\ta\xa0\u200b")]
    assert labels == ["␣", "↵", "⇥", "a", "<U+00A0>", "<U+200B>"]


def test_a_saved_tokenizer_is_read_back(tokenizer, tmp_path):
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    for again in (load_tokenizer(path), type(tokenizer).load(path)):
        assert type(again) is type(tokenizer)
        assert again.vocab_size == tokenizer.vocab_size
        assert again.special_ids == tokenizer.special_ids
        assert again.encode(TEXT) == tokenizer.encode(TEXT)
        labels = [again.token(i) for i in range(again.vocab_size)]
        assert labels == [tokenizer.token(i) for i in range(tokenizer.vocab_size)]


def test_a_file_from_before_special_tokens_is_read(tmp_path):
    path = tmp_path / "tokenizer.json"
    BytePairTokenizer([(64, 65)]).save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content.keys() == {"format", "version", "kind", "merges"}
    assert load_tokenizer(path).special_ids == {}


def test_the_file_is_plain_json_that_says_what_it_is(tokenizer, tmp_path):
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["format"] == "llm_notes.tokenizer"
    assert content["kind"] == tokenizer.kind


def test_a_file_cut_anywhere_is_refused(tokenizer, tmp_path):
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    data = path.read_bytes().rstrip()
    for n_bytes in range(0, len(data), 5):
        path.write_bytes(data[:n_bytes])
        with pytest.raises(TokenizerFileError, match=r"tokenizer\.json"):
            load_tokenizer(path)


def test_the_other_kind_is_refused_by_name(tokenizer, tmp_path):
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    other = BytePairTokenizer if tokenizer.kind == "character" else CharacterTokenizer
    with pytest.raises(TokenizerFileError, match=f"'{tokenizer.kind}'.*load_tokenizer"):
        other.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "something else"}, "no tokenizer of this package"),
        ({"version": 99}, "version 99"),
        ({"kind": "syllable"}, "known kinds are"),
        ({"kind": 5}, "kind"),
        ({"alphabet": 7}, "alphabet is a int"),
        ({"alphabet": "abca"}, "twice"),
        ({"alphabet": ""}, "empty"),
        ({"special_tokens": "ab"}, "list of texts"),
        ({"special_tokens": [""]}, "a special token is ''"),
        ({"special_tokens": [7]}, "a special token is 7"),
        ({"special_tokens": ["<a>", "<a>"]}, "'<a>' is given twice"),
        ({"special_tokens": None}, "no complete 'character'"),
    ],
)
def test_a_changed_file_is_refused(tmp_path, change, message):
    path = tmp_path / "tokenizer.json"
    CharacterTokenizer.train("abc").save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | change), encoding="utf-8")
    with pytest.raises(TokenizerFileError, match=message):
        load_tokenizer(path)


@pytest.mark.parametrize(
    "merges", [None, 3, [5], [["a", "b"]], [[0, 256]], [[0, 1]] * 2]
)
def test_damaged_merges_are_refused(tmp_path, merges):
    path = tmp_path / "tokenizer.json"
    BytePairTokenizer([(0, 1)]).save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | {"merges": merges}), encoding="utf-8")
    with pytest.raises(TokenizerFileError, match="no complete 'byte_pair'"):
        load_tokenizer(path)


@pytest.mark.parametrize(
    "pieces", [None, [5], [["a"]], [["", -1]], [["a", "b"]], [["a", float("nan")]]]
)
def test_damaged_pieces_are_refused(tmp_path, pieces):
    path = tmp_path / "tokenizer.json"
    UnigramTokenizer([("a", -1.0)]).save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | {"pieces": pieces}), encoding="utf-8")
    with pytest.raises(TokenizerFileError, match="no complete 'unigram'"):
        load_tokenizer(path)


@pytest.mark.parametrize(
    "change",
    [
        {"vocabulary": None},
        {"vocabulary": ["[UNK]", 5]},
        {"vocabulary": ["[UNK]", "a", "a"]},
        {"vocabulary": ["[UNK]", ""]},
        {"special_tokens": []},
    ],
)
@pytest.mark.parametrize("kind", ["word", "word_piece"])
def test_a_damaged_vocabulary_is_refused(tmp_path, kind, change):
    path = tmp_path / "tokenizer.json"
    TRAINED[kind].save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | change), encoding="utf-8")
    with pytest.raises(TokenizerFileError, match=f"no complete '{kind}'"):
        load_tokenizer(path)


def test_a_missing_field_is_named(tmp_path):
    path = tmp_path / "tokenizer.json"
    CharacterTokenizer.train("abc").save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["alphabet"]
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(TokenizerFileError, match="alphabet"):
        load_tokenizer(path)


@pytest.mark.parametrize("data", [b"[1, 2]", b"null", b"\xff\xfe", b"", b"text"])
def test_a_foreign_file_is_refused(tmp_path, data):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(data)
    with pytest.raises(TokenizerFileError):
        load_tokenizer(path)


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_tokenizer(tmp_path / "nowhere.json")


@pytest.mark.parametrize("text", ["ab\ud800c", "\udfff", "a\ude00\ud83d"])
@pytest.mark.parametrize(
    "use",
    [
        CharacterTokenizer.train,
        lambda text: WordTokenizer.train(text, 300),
        lambda text: BytePairTokenizer.train(text, 300),
        lambda text: WordPieceTokenizer.train(text, 300),
        lambda text: UnigramTokenizer.train(text, 300),
        lambda text: CharacterTokenizer("a", [text]),
        BytePairTokenizer([]).encode,
    ],
)
def test_a_lone_surrogate_is_named_with_its_place(use, text):
    place = next(i for i, c in enumerate(text) if 0xD800 <= ord(c) <= 0xDFFF)
    # The alphabet is sorted, so training on characters names another place.
    with pytest.raises(UnencodableTextError, match=r"U\+D[0-9A-F]{3}, at position"):
        use(text)
    with pytest.raises(UnencodableTextError, match=f"position {place};"):
        BytePairTokenizer([]).encode(text)
