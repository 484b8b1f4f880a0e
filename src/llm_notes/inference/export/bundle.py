"""One file for a model in a page: a header as JSON, and arrays.

All numbers are little-endian.

    bytes             what
    0 ... 3           "LLMN" in ASCII
    4 ... 7           uint32: version, 1
    8 ... 11          uint32: n, bytes of the header, so that 12 + n is divisible by 4
    12 ... 11 + n     the header, JSON in UTF-8, filled up with spaces
    12 + n ...        the data: arrays, each from a multiple of 4, row by row

The header is an object. Two entries are this module's:

    tensors           list of {name, dtype, shape, offset, n_bytes}; the offset counts
                      from the beginning of the data; two names may share their bytes
    sha256            of the header without this last entry, as it stands there, and of
                      the data, in hexadecimal

Knows no model: what else the header holds is the business of `web` and `web_ngram`.
"""

import base64
import hashlib
import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = b"LLMN"
VERSION = 1
FILE_FORMAT = "llm_notes.web"
DTYPES = {
    "float32": "<f4",
    "int8": "i1",
    "uint8": "u1",
    "uint16": "<u2",
    "int32": "<i4",
    "uint32": "<u4",
}


class BundleError(ValueError):
    """The bytes are no bundle, cut short, changed, or of another model."""


def pack(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """A header and arrays as one string of bytes.

    Args:
        header: what JSON can hold, without "tensors" and "sha256".
        arrays: by name. The same array under two names is written once.

    Raises:
        ValueError: when an array has a dtype that a bundle does not hold.
    """
    entries, parts, offset = [], [], 0
    written: dict[int, dict[str, Any]] = {}
    for name, array in arrays.items():
        if array.dtype.name not in DTYPES:
            raise ValueError(
                f"{name} has dtype {array.dtype.name}, and a bundle holds "
                f"{', '.join(DTYPES)}: convert it first"
            )
        if (same := written.get(id(array))) is not None:
            entries.append(same | {"name": name})
            continue
        data = np.ascontiguousarray(array, DTYPES[array.dtype.name]).tobytes()
        entry = {"name": name, "dtype": array.dtype.name, "shape": list(array.shape)}
        entries.append(entry | {"offset": offset, "n_bytes": len(data)})
        written[id(array)] = entries[-1]
        parts.append(data + b"\0" * (-len(data) % 4))
        offset += len(parts[-1])
    data = b"".join(parts)
    full = dict(header) | {"tensors": entries}
    text = _as_text(full | {"sha256": _digest(full, data)})
    text += b" " * (-len(text) % 4)
    return MAGIC + struct.pack("<II", VERSION, len(text)) + text + data


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The reverse of `pack`: the header with "tensors", and the arrays, copied.

    Raises:
        BundleError: when the bytes are no bundle, cut short or changed.
    """
    if len(data) < 12 or data[:4] != MAGIC:
        raise BundleError("these bytes are no bundle: they do not begin with LLMN")
    version, length = struct.unpack("<II", data[4:12])
    if version != VERSION:
        raise BundleError(
            f"the bundle has version {version}, this package reads {VERSION}: write it "
            "anew"
        )
    try:
        header = json.loads(data[12 : 12 + length])
        digest = header.pop("sha256")
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise BundleError(f"the header is cut short or no JSON: {error!r}") from error
    body = memoryview(data)[12 + length :]
    if _digest(header, body) != digest:
        raise BundleError("the bundle is cut short or was changed: write it anew")
    arrays = {}
    for entry in header["tensors"]:
        part = body[entry["offset"] : entry["offset"] + entry["n_bytes"]]
        array = np.frombuffer(part, DTYPES[entry["dtype"]]).reshape(entry["shape"])
        # In the byte order of this machine, and no longer a view of the bundle.
        arrays[entry["name"]] = array.astype(entry["dtype"])
    return header, arrays


def bundle_as_json(bundle: bytes) -> str:
    """The bundle as JSON for a page: {"format", "version", "base64"}, safe in HTML."""
    text = base64.b64encode(bundle).decode("ascii")
    return json.dumps({"format": FILE_FORMAT, "version": VERSION, "base64": text})


def bundle_from_json(text: str) -> bytes:
    """The reverse of `bundle_as_json`. Raises BundleError."""
    try:
        content = json.loads(text)
        known = (content["format"], content["version"]) == (FILE_FORMAT, VERSION)
        data = base64.b64decode(content["base64"], validate=True)
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"this text is no bundle in JSON: {error}") from error
    if not known:
        raise BundleError(
            f"this JSON has format {content['format']!r} and version "
            f"{content['version']!r}, not {FILE_FORMAT!r} and {VERSION}"
        )
    return data


def _as_text(header: Mapping[str, Any]) -> bytes:
    return json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()


def _digest(header: Mapping[str, Any], data: bytes | memoryview) -> str:
    """SHA-256 of the header without its own entry, and of the data."""
    digest = hashlib.sha256(_as_text(header))
    digest.update(data)
    return digest.hexdigest()
