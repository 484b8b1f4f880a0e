"""Public data sets: fetched once, checked by SHA-256, kept in a cache folder.

The book needs none of them; they are for readers who are online and want more text.
A file counts only when its SHA-256 is the one written here, so a transfer that was cut,
a proxy's error page or a file that its owner changed can never pass for the data.

This module knows no tokenizer and does not look into the files.
"""

import hashlib
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from llm_notes.runtime import home

Progress = Callable[[int, int | None], None]

_CHUNK = 1 << 16  # bytes
_N_ATTEMPTS = 3  # a transfer that breaks off is taken up again this often in one call


class DownloadError(OSError):
    """The file could not be fetched."""


class HashMismatchError(DownloadError):
    """The file was fetched whole, and is not the file that was wanted."""


class _Unreachable(Exception):
    """No answer came at all."""


class _TransferBroke(Exception):
    """The connection ended early; what came stays in the .part file."""


@dataclass(frozen=True)
class PublicDataset:
    """A file on the web, and how to know that it is the right one.

    Raises ValueError for a URL that is not http(s) or names no file, a SHA-256 that is
    not 64 hexadecimal digits, or a name that is no plain folder name.
    """

    name: str
    url: str
    sha256: str
    license: str
    description: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", self.name):
            raise ValueError(
                f"name is {self.name!r}; it names a folder, so only a-z 0-9 _ . - "
                "are allowed"
            )
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise ValueError(f"url is {self.url!r}; only http and https are allowed")
        if not re.fullmatch(r"[\w.-]*\w[\w.-]*", self.filename):
            raise ValueError(f"url is {self.url!r}; its path must end in a file name")
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise ValueError(
                f"sha256 is {self.sha256!r}; it has 64 digits of 0-9 and a-f"
            )

    @property
    def filename(self) -> str:
        """The last part of the URL's path."""
        return PurePosixPath(unquote(urlsplit(self.url).path)).name


PRESETS = {
    dataset.name: dataset
    for dataset in (
        PublicDataset(
            name="tiny_shakespeare",
            url="https://raw.githubusercontent.com/karpathy/char-rnn/"
            "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt",
            sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
            license="public domain",
            description="parts of Shakespeare's plays, one text file of 1.1 MB",
        ),
        PublicDataset(
            name="tinystories_valid",
            url="https://huggingface.co/datasets/roneneldan/TinyStories/resolve/"
            "f54c09fd23315a6f9c86f9dc80f725de7d8f9c64/TinyStories-valid.txt",
            sha256="94e431816c4cce81ff71e4408ff8d3bda9a42e8d2663986697c3954288cb38b4",
            license="CDLA-Sharing-1.0",
            description="short stories in a small vocabulary, written by GPT-3.5 and "
            "GPT-4 (Eldan and Li 2023): the held-out part, one text file of 19 MB",
        ),
        PublicDataset(
            name="wikitext_2_raw",
            url="https://huggingface.co/datasets/ggml-org/ci/resolve/"
            "927b3642933080f1b0e811e2f916e14c292992f9/wikitext-2-raw-v1.zip",
            sha256="ef7edb566e3e2b2d31b29c1fdb0c89a4cc683597484c3dc2517919c615435a11",
            license="CC BY-SA 3.0",
            description="good articles of Wikipedia (Merity et al. 2017): a zip "
            "archive of 4.7 MB that holds wikitext-2-raw/wiki.{train,valid,test}.raw",
        ),
    )
}


def fetch(
    dataset: PublicDataset | str,
    *,
    folder: str | Path | None = None,
    progress: Progress | None = None,
    timeout: float = 30.0,
) -> Path:
    """The path of a data set's file, fetched if it is not in the cache yet.

    A transfer that breaks off leaves a `.part` file, and the next attempt, now or in
    another session, goes on where it ended if the server can. Only a file whose SHA-256
    is right gets its final name. A file that was put there by hand is checked as well.

    Args:
        dataset: a data set, or the name of one in PRESETS.
        folder: the cache; home() / "datasets" if none is given.
        progress: called with the bytes that are there and the bytes in all (None when
            the server does not say).
        timeout: seconds without a sign of life after which the server counts as gone.

    Raises:
        ValueError: for a name that is not in PRESETS.
        DownloadError: when the server cannot be reached, refuses, or breaks off time
            and again. The message says where to put the file by hand.
        HashMismatchError: when another file came. It is not kept.
        OSError: when the cache folder cannot be written to.
    """
    if isinstance(dataset, str):
        if dataset not in PRESETS:
            raise ValueError(
                f"no data set is called {dataset!r}; there are {', '.join(PRESETS)}"
            )
        dataset = PRESETS[dataset]
    root = home() / "datasets" if folder is None else Path(folder)
    target = root / dataset.name / dataset.filename
    if target.exists() and _sha256(target) == dataset.sha256:
        return target

    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    resumed = part.exists()
    _complete(dataset, target, part, progress, timeout)
    actual = _sha256(part)
    if actual != dataset.sha256 and resumed:
        # The old beginning may be what is wrong: once more, from nothing.
        part.unlink()
        _complete(dataset, target, part, progress, timeout)
        actual = _sha256(part)
    if actual != dataset.sha256:
        part.unlink()
        raise HashMismatchError(
            f"{dataset.url} gave another file than {dataset.name!r}: its SHA-256 is\n"
            f"  {actual}, expected was\n  {dataset.sha256}\n"
            "The file was not kept. Try again; if it happens again, the file was "
            "changed at its source, or something on the way answers in its place."
        )
    part.replace(target)  # atomic: no reader ever sees half a file
    return target


def _complete(
    dataset: PublicDataset,
    target: Path,
    part: Path,
    progress: Progress | None,
    timeout: float,
) -> None:
    """Transfer until the .part file is whole, or raise DownloadError."""
    by_hand = (
        f"With no network here, fetch {dataset.url} on another machine and put the "
        f"file at {target}"
    )
    for _ in range(_N_ATTEMPTS):
        try:
            return _transfer(dataset.url, part, progress, timeout)
        except _TransferBroke as error:
            reason = error
        except urllib.error.HTTPError as error:
            error.close()
            raise DownloadError(
                f"{dataset.url} answered {error.code} {error.reason}. {by_hand}"
            ) from error
        except _Unreachable as error:
            raise DownloadError(
                f"{dataset.url} cannot be reached: {error}. {by_hand}"
            ) from error
    raise DownloadError(
        f"the transfer of {dataset.url} broke off {_N_ATTEMPTS} times ({reason}); "
        f"{part.stat().st_size} bytes are kept, and the next call goes on from there. "
        f"{by_hand}"
    )


def _transfer(url: str, part: Path, progress: Progress | None, timeout: float) -> None:
    """One request for what the .part file lacks; appends what comes."""
    n_there = part.stat().st_size if part.exists() else 0
    # Compressed on the way, the bytes would not be those that the hash is of.
    headers = {"User-Agent": "llm-notes", "Accept-Encoding": "identity"}
    if n_there:
        headers["Range"] = f"bytes={n_there}-"
    try:
        response = _opener().open(
            urllib.request.Request(url, headers=headers), timeout=timeout
        )
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and n_there:
            error.close()
            return  # nothing is missing, or the part is wrong: the hash decides
        raise
    except (OSError, http.client.HTTPException) as error:
        raise _Unreachable(getattr(error, "reason", error)) from error
    with response:
        if response.status == http.HTTPStatus.PARTIAL_CONTENT:
            content_range = response.headers.get("Content-Range", "")
            if not content_range.startswith(f"bytes {n_there}-"):
                part.unlink(missing_ok=True)
                raise _TransferBroke(f"the server sent {content_range!r} instead")
        else:
            n_there = 0  # the server sends the whole file, whatever was asked
        with part.open("ab" if n_there else "wb") as file:
            _copy(response, file, n_there, progress)


def _copy(
    response: http.client.HTTPResponse,
    file: BinaryIO,
    n_there: int,
    progress: Progress | None,
) -> None:
    length = response.headers.get("Content-Length", "")
    n_total = n_there + int(length) if length.isdecimal() else None
    while chunk := _read(response, n_there):
        file.write(chunk)
        n_there += len(chunk)
        if progress is not None:
            progress(n_there, n_total)
    if n_total is not None and n_there < n_total:
        raise _TransferBroke(f"{n_there} of {n_total} bytes came")


def _read(response: http.client.HTTPResponse, n_there: int) -> bytes:
    # Around the reading alone: a full disk is no fault of the connection. read1 gives
    # what has come; read would wait for a whole chunk, and lose it to a timeout.
    try:
        return response.read1(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _TransferBroke(f"{type(error).__name__} at byte {n_there}") from error


def _opener() -> urllib.request.OpenerDirector:
    """An opener for http and https alone, also after a redirect."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
