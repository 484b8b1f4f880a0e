"""Tests of the loader against a server on this machine; no test needs a network."""

import hashlib
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from llm_notes.data.download import (
    PRESETS,
    DownloadError,
    HashMismatchError,
    PublicDataset,
    fetch,
)

DATA = bytes(range(256)) * 1000  # several chunks


@dataclass
class Behaviour:
    """How the test server answers, and what it was asked."""

    data: bytes = DATA
    status: int | None = None  # answer every request with this error
    knows_range: bool = True
    wrong_range: bool = False
    break_after: list[int] = field(default_factory=list)  # bytes, one per request
    stall: float = 0.0  # seconds of silence before a broken answer ends
    says_length: bool = True
    redirect_to: str | None = None
    ranges: list[str | None] = field(default_factory=list)  # what was asked


@contextmanager
def serving(behaviour: Behaviour):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked = self.headers.get("Range")
            behaviour.ranges.append(asked)
            if behaviour.redirect_to:
                self.send_response(302)
                self.send_header("Location", behaviour.redirect_to)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if behaviour.status:
                self.send_error(behaviour.status)
                return
            start = 0
            if asked and behaviour.knows_range:
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                if start >= len(behaviour.data):
                    self.send_error(416)
                    return
                self.send_response(206)
                last = len(behaviour.data) - 1
                told = start + 1 if behaviour.wrong_range else start
                self.send_header("Content-Range", f"bytes {told}-{last}/{last + 1}")
            else:
                self.send_response(200)
            body = behaviour.data[start:]
            if behaviour.says_length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if behaviour.break_after:
                body = body[: behaviour.break_after.pop(0)]
            self.wfile.write(body)
            self.wfile.flush()
            if len(body) < len(behaviour.data) - start:
                time.sleep(behaviour.stall)
            self.close_connection = True

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/some/words.txt"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def dataset_at(url: str, data: bytes = DATA) -> PublicDataset:
    return PublicDataset("words", url, hashlib.sha256(data).hexdigest(), "CC0")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


def files_in(folder):
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


def test_a_file_is_fetched_whole_and_under_its_own_name(tmp_path):
    with serving(Behaviour()) as url:
        path = fetch(dataset_at(url), folder=tmp_path)
    assert path == tmp_path / "words" / "words.txt"
    assert path.read_bytes() == DATA
    assert files_in(tmp_path) == ["words.txt"]


def test_the_cache_lies_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LLM_NOTES_HOME", str(tmp_path))
    with serving(Behaviour()) as url:
        path = fetch(dataset_at(url))
    assert path == tmp_path / "datasets" / "words" / "words.txt"


def test_a_second_call_asks_nobody(tmp_path):
    behaviour = Behaviour()
    with serving(behaviour) as url:
        first = fetch(dataset_at(url), folder=tmp_path)
        second = fetch(dataset_at(url), folder=tmp_path)
    assert first == second
    assert len(behaviour.ranges) == 1


def test_a_file_put_there_by_hand_needs_no_network(tmp_path):
    target = tmp_path / "words" / "words.txt"
    target.parent.mkdir()
    target.write_bytes(DATA)
    dataset = dataset_at(f"http://127.0.0.1:{closed_port()}/words.txt")
    assert fetch(dataset, folder=tmp_path) == target


def test_a_damaged_file_in_the_cache_is_fetched_anew(tmp_path):
    target = tmp_path / "words" / "words.txt"
    target.parent.mkdir()
    target.write_bytes(DATA[:-1])
    with serving(Behaviour()) as url:
        assert fetch(dataset_at(url), folder=tmp_path).read_bytes() == DATA


def test_a_broken_transfer_goes_on_within_the_call(tmp_path):
    behaviour = Behaviour(break_after=[1000, 70_000])
    with serving(behaviour) as url:
        path = fetch(dataset_at(url), folder=tmp_path)
    assert path.read_bytes() == DATA
    assert behaviour.ranges == [None, "bytes=1000-", "bytes=71000-"]


def test_a_transfer_that_breaks_again_and_again_goes_on_in_the_next_call(tmp_path):
    behaviour = Behaviour(break_after=[100, 100, 100])
    with serving(behaviour) as url:
        with pytest.raises(DownloadError, match="300 bytes are kept") as caught:
            fetch(dataset_at(url), folder=tmp_path)
        assert not isinstance(caught.value, HashMismatchError)
        assert files_in(tmp_path) == ["words.txt.part"]
        path = fetch(dataset_at(url), folder=tmp_path)
    assert path.read_bytes() == DATA
    assert behaviour.ranges[-1] == "bytes=300-"
    assert files_in(tmp_path) == ["words.txt"]


def test_a_server_without_range_sends_the_whole_file_again(tmp_path):
    behaviour = Behaviour(knows_range=False, break_after=[1000])
    with serving(behaviour) as url:
        path = fetch(dataset_at(url), folder=tmp_path)
    assert behaviour.ranges == [None, "bytes=1000-"]
    assert path.read_bytes() == DATA


def test_a_server_that_sends_another_range_is_not_believed(tmp_path):
    behaviour = Behaviour(wrong_range=True, break_after=[1000])
    with serving(behaviour) as url:
        path = fetch(dataset_at(url), folder=tmp_path)
    assert behaviour.ranges == [None, "bytes=1000-", None]
    assert path.read_bytes() == DATA


def test_a_part_that_is_already_whole_is_accepted(tmp_path):
    part = tmp_path / "words" / "words.txt.part"
    part.parent.mkdir()
    part.write_bytes(DATA)
    with serving(Behaviour()) as url:
        assert fetch(dataset_at(url), folder=tmp_path).read_bytes() == DATA


@pytest.mark.parametrize("n_wrong", [10, len(DATA), len(DATA) + 10])
def test_a_part_of_another_file_is_thrown_away(tmp_path, n_wrong):
    part = tmp_path / "words" / "words.txt.part"
    part.parent.mkdir()
    part.write_bytes(b"x" * n_wrong)
    with serving(Behaviour()) as url:
        assert fetch(dataset_at(url), folder=tmp_path).read_bytes() == DATA
    assert files_in(tmp_path) == ["words.txt"]


def test_a_wrong_hash_names_both_hashes_and_keeps_nothing(tmp_path):
    wanted = hashlib.sha256(DATA).hexdigest()
    got = hashlib.sha256(b"an error page").hexdigest()
    with (
        serving(Behaviour(data=b"an error page")) as url,
        pytest.raises(HashMismatchError) as caught,
    ):
        fetch(dataset_at(url), folder=tmp_path)
    assert wanted in str(caught.value)
    assert got in str(caught.value)
    assert "Try again" in str(caught.value)
    assert files_in(tmp_path) == []


def test_a_short_file_of_unknown_length_is_caught_by_its_hash(tmp_path):
    behaviour = Behaviour(says_length=False, break_after=[1000])
    with serving(behaviour) as url, pytest.raises(HashMismatchError):
        fetch(dataset_at(url), folder=tmp_path)
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("status", [403, 404, 416, 500])
def test_a_refusal_is_a_download_error_with_its_status(tmp_path, status):
    behaviour = Behaviour(status=status)
    with (
        serving(behaviour) as url,
        pytest.raises(DownloadError, match=f"answered {status}"),
    ):
        fetch(dataset_at(url), folder=tmp_path)
    assert len(behaviour.ranges) == 1
    assert files_in(tmp_path) == []


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_without_a_network_the_error_says_what_to_put_where(tmp_path):
    url = f"http://127.0.0.1:{closed_port()}/words.txt"
    with pytest.raises(DownloadError, match="cannot be reached") as caught:
        fetch(dataset_at(url), folder=tmp_path)
    assert url in str(caught.value)
    assert str(tmp_path / "words" / "words.txt") in str(caught.value)
    assert files_in(tmp_path) == []


def test_a_server_that_never_answers_is_given_up(tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/words.txt"
        with pytest.raises(DownloadError, match="timed out"):
            fetch(dataset_at(url), folder=tmp_path, timeout=0.1)


def test_what_came_before_a_server_fell_silent_is_kept(tmp_path):
    behaviour = Behaviour(break_after=[1000], stall=1.0)
    with serving(behaviour) as url:
        path = fetch(dataset_at(url), folder=tmp_path, timeout=0.5)
    assert behaviour.ranges == [None, "bytes=1000-"]
    assert path.read_bytes() == DATA


def test_trouble_with_the_disk_is_not_blamed_on_the_network(tmp_path):
    (tmp_path / "words" / "words.txt.part").mkdir(parents=True)
    with serving(Behaviour()) as url, pytest.raises(IsADirectoryError):
        fetch(dataset_at(url), folder=tmp_path)


def test_a_redirect_to_another_scheme_is_refused(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_bytes(DATA)
    behaviour = Behaviour(redirect_to=secret.as_uri())
    with serving(behaviour) as url, pytest.raises(DownloadError):
        fetch(dataset_at(url), folder=tmp_path / "cache")
    behaviour = Behaviour(redirect_to="ftp://127.0.0.1/words.txt")
    with serving(behaviour) as url, pytest.raises(DownloadError, match="ftp"):
        fetch(dataset_at(url), folder=tmp_path / "cache")
    assert files_in(tmp_path / "cache") == []


def test_progress_rises_to_the_size_of_the_file_also_when_resumed(tmp_path):
    calls = []
    with serving(Behaviour(break_after=[100_000])) as url:
        fetch(dataset_at(url), folder=tmp_path, progress=lambda *c: calls.append(c))
    there = [done for done, _ in calls]
    assert there == sorted(there)
    assert calls[-1] == (len(DATA), len(DATA))
    assert {total for _, total in calls} == {len(DATA)}


def test_progress_does_not_invent_a_total(tmp_path):
    calls = []
    with serving(Behaviour(says_length=False)) as url:
        fetch(dataset_at(url), folder=tmp_path, progress=lambda *c: calls.append(c))
    assert calls[-1] == (len(DATA), None)


def test_a_preset_is_fetched_by_its_name(tmp_path, monkeypatch):
    with serving(Behaviour()) as url:
        monkeypatch.setitem(PRESETS, "words", dataset_at(url))
        assert fetch("words", folder=tmp_path).read_bytes() == DATA


def test_an_unknown_name_is_told_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="tiny_shakespeare"):
        fetch("shakespeare", folder=tmp_path)


def test_presets_are_named_by_their_key_and_use_https():
    for name, dataset in PRESETS.items():
        assert dataset.name == name
        assert dataset.url.startswith("https://")
        assert dataset.license


@pytest.mark.parametrize(
    ("field_name", "value"),
    [
        ("name", "../outside"),
        ("name", ""),
        ("name", ".."),
        ("url", "file:///etc/passwd"),
        ("url", "ftp://example.org/words.txt"),
        ("url", "https://example.org/"),
        ("url", "https://example.org/a/.."),
        ("url", "https://example.org/a%2F..%5Cb"),
        ("sha256", "abc"),
        ("sha256", "G" * 64),
    ],
)
def test_a_bad_description_of_a_dataset_is_refused(field_name, value):
    good = {
        "name": "words",
        "url": "https://example.org/words.txt",
        "sha256": "0" * 64,
        "license": "CC0",
    }
    PublicDataset(**good)
    with pytest.raises(ValueError, match=field_name):
        PublicDataset(**good | {field_name: value})
