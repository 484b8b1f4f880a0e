"""Token ids in a file, for texts that do not fit into memory.

The file is one JSON header of 256 bytes, then the ids as flat little-endian numbers of
two or four bytes each. Header and ids are one file, so they cannot be parted. The
operating system reads the pages that a window touches and no others. The module knows
ids only: the tokenizer has a file of its own.
"""

import json
import os
import zlib
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from llm_notes.data.batching.padding import as_ids

FILE_FORMAT = "llm_notes.token_ids"
FILE_VERSION = 1
_HEADER_BYTES = 256
_CHUNK = 2**18  # ids held in memory at once: 2 MiB


class TokenFileError(ValueError):
    """The file is cut short, damaged, no file of ids, or of another vocabulary."""


def write_token_ids(path: str | Path, token_ids: Iterable[int], vocab_size: int) -> int:
    """Write ids as they come, in constant memory.

    The file appears under its name when it is whole, and not before: an interrupted
    run leaves an older file as it was.

    Args:
        path: the file to write; an older one is replaced.
        token_ids: any iterable, also a generator over a corpus larger than memory.
        vocab_size: V; ids take two bytes when V <= 65,536, else four.

    Returns:
        The number of ids written.

    Raises:
        ValueError: when V is not in 1 ... 2**32, or an id not in 0 ... V - 1.
    """
    if not 1 <= vocab_size <= 2**32:
        raise ValueError(f"vocab_size is {vocab_size}; allowed are 1 to 2**32")
    dtype = np.dtype("<u2" if vocab_size <= 2**16 else "<u4")
    path = Path(path)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")  # each process its own
    count = checksum = 0
    remaining = iter(token_ids)
    try:
        with part.open("wb") as file:
            file.write(b" " * _HEADER_BYTES)  # its place; the count is not known yet
            while len(ids := as_ids(islice(remaining, _CHUNK)).numpy()):
                _require_in_vocabulary(ids, count, vocab_size)
                data = ids.astype(dtype).tobytes()
                file.write(data)
                checksum = zlib.crc32(data, checksum)
                count += len(ids)
            file.seek(0)
            file.write(_header(dtype, count, vocab_size, checksum))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)  # atomic: no reader ever sees half a file
    finally:
        part.unlink(missing_ok=True)
    return count


def open_token_ids(
    path: str | Path, vocab_size: int | None = None, verify: bool = False
) -> np.ndarray:
    """The ids of a file, mapped into memory and read-only; nothing is read yet.

    Args:
        path: what `write_token_ids` wrote.
        vocab_size: V of the model that will read the ids, to refuse a file that was
            written for another.
        verify: read the whole file once and compare its checksum. The length is
            compared in any case.

    Returns:
        (N,) array of uint16 or uint32: an `np.memmap`, or an empty array for N = 0.

    Raises:
        TokenFileError: when the file is damaged or of another vocabulary.
        FileNotFoundError: when there is none.
    """
    path = Path(path)
    header = _read_header(path)
    dtype, count = np.dtype(header["dtype"]), header["count"]
    expected = _HEADER_BYTES + count * dtype.itemsize
    size = path.stat().st_size
    if size != expected:
        raise TokenFileError(
            f"{path} has {size} bytes, and {count} ids of {dtype.itemsize} bytes need "
            f"{expected} with the header; it was cut short or added to, write it anew"
        )
    if vocab_size is not None and header["vocab_size"] != vocab_size:
        raise TokenFileError(
            f"{path} was written for a vocabulary of {header['vocab_size']} tokens, "
            f"not of {vocab_size}; encode the text with this model's tokenizer"
        )
    if verify and _checksum(path) != header["crc32"]:
        raise TokenFileError(
            f"{path} is damaged: its bytes do not have the checksum that was written "
            "with them; write it anew"
        )
    if count == 0:  # an empty range cannot be mapped
        return np.empty(0, dtype)
    return np.memmap(path, dtype, mode="r", offset=_HEADER_BYTES, shape=(count,))


def _require_in_vocabulary(ids: np.ndarray, n_before: int, vocab_size: int) -> None:
    outside = (ids < 0) | (ids >= vocab_size)
    if outside.any():
        place = int(outside.argmax())
        raise ValueError(
            f"id {ids[place]} at place {n_before + place} is not in the vocabulary; "
            f"allowed are 0 to {vocab_size - 1}"
        )


def _header(dtype: np.dtype, count: int, vocab_size: int, checksum: int) -> bytes:
    content = {
        "format": FILE_FORMAT,
        "version": FILE_VERSION,
        "dtype": dtype.str,
        "count": count,
        "vocab_size": vocab_size,
        "crc32": checksum,
    }
    # A line of its own, so that `head -n 1` shows it.
    return json.dumps(content).ljust(_HEADER_BYTES - 1).encode("ascii") + b"\n"


def _read_header(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        start = file.read(_HEADER_BYTES)
    try:
        header = json.loads(start)
        known = header["format"] == FILE_FORMAT and header["version"] == FILE_VERSION
        numbers = [header[name] for name in ("count", "vocab_size", "crc32")]
    except (ValueError, TypeError, KeyError) as error:
        raise TokenFileError(
            f"{path} does not begin with a header of token ids; "
            "write it with write_token_ids"
        ) from error
    whole = all(isinstance(n, int) and n >= 0 for n in numbers)
    if not (known and whole and header.get("dtype") in ("<u2", "<u4")):
        raise TokenFileError(
            f"{path} has the header {header}, which this package does not write; "
            "write the file anew with write_token_ids"
        )
    return header


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        file.seek(_HEADER_BYTES)
        while data := file.read(4 * _CHUNK):
            checksum = zlib.crc32(data, checksum)
    return checksum
