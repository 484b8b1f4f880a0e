import json
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.batching import (
    TokenFileError,
    consecutive_windows,
    memory_map,
    open_token_ids,
    sample_windows,
    write_token_ids,
)


@settings(deadline=None)
@given(ids=st.lists(st.integers(0, 70_000 - 1)), chunk=st.integers(1, 5))
def test_what_is_written_is_read_whatever_the_chunks(tmp_path_factory, ids, chunk):
    path = tmp_path_factory.mktemp("ids") / "text.bin"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory_map, "_CHUNK", chunk)
        assert write_token_ids(path, iter(ids), 70_000) == len(ids)
        assert open_token_ids(path, 70_000, verify=True).tolist() == ids


@pytest.mark.parametrize(
    ("vocab_size", "dtype"),
    [(1, "<u2"), (2**16, "<u2"), (2**16 + 1, "<u4"), (2**32, "<u4")],
)
def test_ids_take_the_fewest_bytes_that_hold_the_vocabulary(
    tmp_path, vocab_size, dtype
):
    write_token_ids(tmp_path / "text.bin", [0, vocab_size - 1], vocab_size)
    ids = open_token_ids(tmp_path / "text.bin")
    assert ids.dtype == np.dtype(dtype)
    assert ids.tolist() == [0, vocab_size - 1]


def test_the_file_is_mapped_and_read_only(tmp_path):
    write_token_ids(tmp_path / "text.bin", [1, 2], 9)
    ids = open_token_ids(tmp_path / "text.bin")
    assert isinstance(ids, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        ids[0] = 3


def test_other_programs_can_read_header_and_ids(tmp_path):
    path = tmp_path / "text.bin"
    write_token_ids(path, [5, 300], 301)
    header = json.loads(path.read_bytes().splitlines()[0])
    assert (header["count"], header["vocab_size"], header["dtype"]) == (2, 301, "<u2")
    assert np.fromfile(path, "<u2", offset=256).tolist() == [5, 300]


def test_windows_of_a_file_are_those_of_the_text(tmp_path):
    text = torch.arange(60_000, 60_100)
    write_token_ids(tmp_path / "text.bin", text.tolist(), 2**16)
    ids = open_token_ids(tmp_path / "text.bin")
    generators = [torch.Generator().manual_seed(0) for _ in range(2)]
    for ours, theirs in zip(
        sample_windows(ids, 3, 8, generators[0]),
        sample_windows(text, 3, 8, generators[1]),
        strict=True,
    ):
        assert torch.equal(ours, theirs)
    targets = [y for _, y in consecutive_windows(ids, 8, 3)]
    assert torch.equal(torch.cat([y.flatten() for y in targets]), text[1:])


def test_memory_does_not_grow_with_the_text(tmp_path, monkeypatch):
    monkeypatch.setattr(memory_map, "_CHUNK", 1000)
    tracemalloc.start()
    try:
        write_token_ids(tmp_path / "text.bin", (i % 7 for i in range(200_000)), 7)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200_000  # bytes; the ids alone would be 400,000


@pytest.mark.parametrize("ids", [[0, 1, 9], [0, 1, -1]])
def test_an_id_outside_the_vocabulary_leaves_the_old_file(tmp_path, monkeypatch, ids):
    monkeypatch.setattr(memory_map, "_CHUNK", 2)
    path = tmp_path / "text.bin"
    write_token_ids(path, [3, 4], 9)
    with pytest.raises(ValueError, match=rf"id {ids[-1]} at place 2 .* 0 to 8"):
        write_token_ids(path, ids, 9)
    assert open_token_ids(path, verify=True).tolist() == [3, 4]
    assert list(tmp_path.iterdir()) == [path]


def test_a_source_that_breaks_off_leaves_no_file(tmp_path):
    def broken():
        yield 1
        raise RuntimeError("lost")

    with pytest.raises(RuntimeError, match="lost"):
        write_token_ids(tmp_path / "text.bin", broken(), 9)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("vocab_size", [0, 2**32 + 1])
def test_a_vocabulary_without_a_number_type_is_refused(tmp_path, vocab_size):
    with pytest.raises(ValueError, match=f"vocab_size is {vocab_size}"):
        write_token_ids(tmp_path / "text.bin", [0], vocab_size)


def test_another_vocabulary_is_named(tmp_path):
    write_token_ids(tmp_path / "text.bin", [1], 9)
    with pytest.raises(TokenFileError, match="9 tokens, not of 10"):
        open_token_ids(tmp_path / "text.bin", vocab_size=10)


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b + b"\0\0"])
def test_a_file_of_the_wrong_length_is_damaged(tmp_path, change):
    path = tmp_path / "text.bin"
    write_token_ids(path, [1, 2, 3], 9)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(TokenFileError, match="need 262"):
        open_token_ids(path)


def test_changed_bytes_are_found_when_asked_for(tmp_path):
    path = tmp_path / "text.bin"
    write_token_ids(path, [1, 2, 3], 9)
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)
    assert open_token_ids(path).tolist() == [1, 2, 2]
    with pytest.raises(TokenFileError, match="checksum"):
        open_token_ids(path, verify=True)


@pytest.mark.parametrize(
    "content", [b"", b"plain text", b"\xff" * 300, b"[]", b"7", b'{"format": "other"}']
)
def test_a_file_of_something_else_is_refused(tmp_path, content):
    (tmp_path / "text.bin").write_bytes(content)
    with pytest.raises(TokenFileError, match="header"):
        open_token_ids(tmp_path / "text.bin")


@pytest.mark.parametrize(
    ("name", "value"),
    [("version", 2), ("count", -1), ("count", "3"), ("dtype", "<f4")],
)
def test_a_header_that_nobody_wrote_is_shown(tmp_path, name, value):
    path = tmp_path / "text.bin"
    write_token_ids(path, [1, 2, 3], 9)
    data = path.read_bytes()
    header = json.loads(data[:256]) | {name: value}
    path.write_bytes(json.dumps(header).ljust(256).encode() + data[256:])
    with pytest.raises(TokenFileError, match=name):
        open_token_ids(path)


def test_no_file_is_the_usual_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_token_ids(tmp_path / "none.bin")


@pytest.mark.parametrize("ids", [[2**63], [0.5], ["1"]])
def test_what_is_no_id_of_64_bits_is_refused(tmp_path, ids):
    with pytest.raises(ValueError, match="whole numbers"):
        write_token_ids(tmp_path / "text.bin", ids, 10)
    assert not list(tmp_path.iterdir())
