"""One file for a model in a page: weights as integers, configuration, tokenizer.

All numbers are little-endian.

    bytes             what
    0 ... 3           "LLMN" in ASCII
    4 ... 7           uint32: version, 1
    8 ... 11          uint32: n, bytes of the header, so that 12 + n is divisible by 4
    12 ... 11 + n     the header, JSON in UTF-8, filled up with spaces
    12 + n ...        the data: tensors, each from a multiple of 4, row by row

The header:

    architecture      name of the class, "GPT"
    config            its sizes
    integers          bits, per_channel, group_size, zero_point of the matrices
    tokenizer         the JSON object of the tokenizer's file
    tensors           list of {name, dtype, shape, offset, n_bytes}; the offset counts
                      from the beginning of the data; dtype is float32, int8 or uint8
    sha256            of the header without this last entry, as it stands there, and of
                      the data, in hexadecimal

A matrix W (O, I) of the layer `x` is `x.codes` (O, I) and `x.scale` (O, 1):
W[o][i] = codes[o][i] * scale[o][0]. Up to four bits, a byte of `x.codes` holds the even
column in its low half and the odd one in its high half, both plus 8 where there is no
`x.zero`; with groups or a zero point see `quantization.rounding`. Every other tensor is
float32 under its own name. Rotations are not stored; they follow from the
configuration.
"""

import base64
import hashlib
import json
import struct
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from llm_notes.data.tokenizers import Tokenizer, load_tokenizer
from llm_notes.inference.quantization import IntegerFormat, quantize_model
from llm_notes.inference.quantization.layers import QuantizedWeight
from llm_notes.models.layers.embedding import TokenEmbedding

MAGIC = b"LLMN"
VERSION = 1
FILE_FORMAT = "llm_notes.web"
_DTYPES = {"float32": "<f4", "int8": "i1", "uint8": "u1"}


class BundleError(ValueError):
    """The bytes are no bundle, cut short, changed, or of another model."""


@dataclass(frozen=True)
class Bundle:
    """What a bundle holds; see the module's own description of the bytes."""

    header: dict[str, Any]
    tensors: dict[str, Tensor]

    def model(self, model_class: type[nn.Module], config_class: type) -> nn.Module:
        """The quantised model, in evaluation mode: the same logits, bit for bit.

        Args:
            model_class, config_class: such as `GPT` and `GPTConfig`.

        Raises:
            BundleError: when the bundle holds another architecture.
        """
        if self.header["architecture"] != model_class.__name__:
            raise BundleError(
                f"the bundle holds a {self.header['architecture']}, not a "
                f"{model_class.__name__}: read it with its own class"
            )
        fresh = model_class(config_class(**self.header["config"])).eval()
        kept = {
            name
            for name, module in fresh.named_modules()
            if type(module) in (nn.Linear, TokenEmbedding)
            and f"{name}.codes" not in self.tensors
        }
        integers = IntegerFormat(**self.header["integers"])
        model = quantize_model(fresh, integers, embeddings=True, skip=kept)
        model.load_state_dict(self.tensors)
        return model

    def tokenizer(self) -> Tokenizer:
        """The tokenizer whose ids the model reads."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "tokenizer.json"
            file.write_text(json.dumps(self.header["tokenizer"]), encoding="utf-8")
            return load_tokenizer(file)


def write_bundle(model: nn.Module, tokenizer: Tokenizer) -> bytes:
    """A quantised model and its tokenizer as one string of bytes.

    Args:
        model: what `quantize_model` gave; with `embeddings=True` it is smallest.
        tokenizer: the one whose ids the model reads.

    Raises:
        ValueError: when the model is not quantised, in several formats, rounds its
            inputs, holds numbers of another kind than float32, or has a configuration
            that JSON cannot hold.
    """
    formats = {m.integers for m in model.modules() if isinstance(m, QuantizedWeight)}
    if len(formats) != 1:
        raise ValueError(
            f"a bundle holds matrices of one integer format, and the model has "
            f"{len(formats)}: quantise it with quantize_model first"
        )
    if any(getattr(module, "integer_inputs", False) for module in model.modules()):
        raise ValueError(
            "a bundle does not say that inputs are rounded too: quantise without "
            "integer_inputs"
        )
    entries, parts, offset = [], [], 0
    for name, tensor in model.state_dict().items():
        dtype = str(tensor.dtype).removeprefix("torch.")
        if dtype not in _DTYPES:
            raise ValueError(
                f"{name} has dtype {dtype}, and a bundle holds {', '.join(_DTYPES)}: "
                "call model.float() before it is quantised"
            )
        data = tensor.cpu().numpy().astype(_DTYPES[dtype]).tobytes()
        entry = {"name": name, "dtype": dtype, "shape": list(tensor.shape)}
        entries.append(entry | {"offset": offset, "n_bytes": len(data)})
        parts.append(data + b"\0" * (-len(data) % 4))
        offset += len(parts[-1])
    data = b"".join(parts)
    header = {
        "architecture": type(model).__name__,
        "config": _plain_config(model),
        "integers": asdict(formats.pop()),
        "tokenizer": _tokenizer_json(tokenizer),
        "tensors": entries,
    }
    text = _as_text(header | {"sha256": _digest(header, data)})
    text += b" " * (-len(text) % 4)
    return MAGIC + struct.pack("<II", VERSION, len(text)) + text + data


def read_bundle(data: bytes) -> Bundle:
    """The reverse of `write_bundle`.

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
    tensors = {}
    for entry in header["tensors"]:
        part = body[entry["offset"] : entry["offset"] + entry["n_bytes"]]
        array = np.frombuffer(part, _DTYPES[entry["dtype"]]).reshape(entry["shape"])
        # In the byte order of this machine, and no longer a view of the bundle.
        tensors[entry["name"]] = torch.from_numpy(array.astype(entry["dtype"]))
    return Bundle(header, tensors)


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


def bundle_data_bytes(model: nn.Module) -> int:
    """Bytes of the data of an int8 bundle by formula, from a model of floats.

    A matrix (O, I) takes O I bytes, filled up to a multiple of 4, and 4 O for its
    scales; every other number takes 4. Tables of tokens are matrices (V, D).
    """
    matrices = [
        module.weight
        for name, module in model.named_modules()
        if type(module) in (nn.Linear, TokenEmbedding) and not name.endswith("router")
    ]
    n_bytes = sum(-(-w.numel() // 4) * 4 + 4 * w.size(0) for w in matrices)
    others = sum(t.numel() for t in model.state_dict().values())
    return n_bytes + 4 * (others - sum(w.numel() for w in matrices))


def _as_text(header: dict[str, Any]) -> bytes:
    return json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()


def _digest(header: dict[str, Any], data: bytes | memoryview) -> str:
    """SHA-256 of the header without its own entry, and of the data."""
    digest = hashlib.sha256(_as_text(header))
    digest.update(data)
    return digest.hexdigest()


def _plain_config(model: nn.Module) -> dict[str, Any]:
    """The configuration as JSON gives it back, if it does."""
    config = json.loads(json.dumps(asdict(model.config)))
    if type(model.config)(**config) != model.config:
        raise ValueError(
            f"JSON does not give {type(model.config).__name__} back as it is: a nested "
            "setting such as rope_scaling has no place in a bundle"
        )
    return config


def _tokenizer_json(tokenizer: Tokenizer) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tokenizer.json"
        tokenizer.save(file)
        return json.loads(file.read_text(encoding="utf-8"))
