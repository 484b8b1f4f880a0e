"""What holds for every tokenizer: labels, files, ids outside the vocabulary."""

import json

import numpy as np
import pytest
import torch

from llm_notes.data.tokenizers import (
    BytePairTokenizer,
    CharacterTokenizer,
    TokenizerFileError,
    UnencodableTextError,
    UnknownTokenIdError,
    load_tokenizer,
)

TEXT = "the cat, the hat\n\tand «the» 中文 the end\xa0"


@pytest.fixture(params=["character", "byte_pair"])
def tokenizer(request):
    if request.param == "character":
        return CharacterTokenizer.train(TEXT)
    return BytePairTokenizer.train(TEXT, 270)


def test_decoding_undoes_encoding(tokenizer):
    assert tokenizer.decode(tokenizer.encode(TEXT)) == TEXT
    assert tokenizer.encode("") == []
    assert tokenizer.decode([]) == ""


def test_ids_are_whole_numbers_below_the_vocabulary_size(tokenizer):
    token_ids = tokenizer.encode(TEXT)
    assert all(type(token_id) is int for token_id in token_ids)
    assert 0 <= min(token_ids) <= max(token_ids) < tokenizer.vocab_size


def test_ids_may_come_as_an_array_or_a_tensor(tokenizer):
    token_ids = tokenizer.encode(TEXT)
    assert tokenizer.decode(np.array(token_ids)) == TEXT
    assert tokenizer.decode(torch.tensor(token_ids)) == TEXT
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
        tokenizer.token(wrong)


def test_every_label_is_printable_and_on_one_line(tokenizer):
    labels = [tokenizer.token(i) for i in range(tokenizer.vocab_size)]
    assert all(label and label.isprintable() and " " not in label for label in labels)
    assert len(set(labels)) == len(labels)


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
        assert again.encode(TEXT) == tokenizer.encode(TEXT)


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
    for n_bytes in range(len(data)):
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
        ({"kind": "word_piece"}, "known kinds are"),
        ({"kind": 5}, "kind"),
        ({"alphabet": 7}, "alphabet is a int"),
        ({"alphabet": "abca"}, "twice"),
        ({"alphabet": ""}, "empty"),
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
        lambda text: BytePairTokenizer.train(text, 300),
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
