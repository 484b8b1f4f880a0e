"""Folders that appear whole or not at all, also when the machine stops in between.

A folder is written under another name, brought to the disk (fsync), and renamed, which
a file system does in one go. What stood there before is moved aside for the moment of
the renaming; a machine that stops in that very moment leaves it under its other name.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A draft to write into, which replaces `path` at the end of the block.

    When the block fails, the draft goes and `path` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        yield draft
        draft.chmod(0o755)  # mkdtemp's folders are for their owner only
        for file in (*draft.iterdir(), draft):
            _to_disk(file)
        _replace(draft, path)
        _to_disk(path.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)  # gone already when all went well


def remove_drafts(folder: Path, prefix: str) -> None:
    """Remove what a process that was killed has left of `new_folder`."""
    for draft in folder.glob(f".{prefix}*"):
        shutil.rmtree(draft, ignore_errors=True)


def write_tensors(
    file: Path, tensors: Mapping[str, Tensor], about: Mapping[str, str] | None = None
) -> None:
    """Write a safetensors file, with strings about it in its head if there are any.

    Raises OSError, as any other writing does.
    """
    about = None if about is None else dict(about)
    try:
        safetensors.torch.save_file(dict(tensors), file, about)
    except safetensors.SafetensorError as error:
        raise OSError(f"{file.name} could not be written: {error}") from error


@contextmanager
def new_file(file: Path) -> Iterator[Path]:
    """A draft to write into, which replaces `file` at the end of the block."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}-draft")
    try:
        yield draft
        _to_disk(draft)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)  # gone already when all went well


def sha256(file: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _replace(draft: Path, path: Path) -> None:
    """Put the draft in the place of `path`; what was there is lost only afterwards."""
    if not path.exists():
        draft.replace(path)
        return
    retired = Path(tempfile.mkdtemp(prefix=f".{path.name}-old-", dir=path.parent))
    path.replace(retired)  # a folder may replace an empty one
    try:
        draft.replace(path)
    except OSError:
        retired.replace(path)
        raise
    shutil.rmtree(retired, ignore_errors=True)


def _to_disk(path: Path) -> None:
    """Wait until the disk holds a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
