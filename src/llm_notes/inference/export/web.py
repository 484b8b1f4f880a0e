"""A quantised model and its tokenizers as a bundle for a page.

The bytes are those of `bundle`; the header of a model holds

    architecture      name of the class, "GPT"
    config            its sizes
    integers          bits, per_channel, group_size, zero_point of the matrices
    tokenizer         the JSON object of the tokenizer's file, or instead
    tokenizers        several by name, {"source": ..., "target": ...}
    ids               tokens with a part to play, {"bos": 1, "mask": 4}

A matrix W (O, I) of the layer `x` is `x.codes` (O, I) and `x.scale` (O, 1):
W[o][i] = codes[o][i] * scale[o][0]. Up to four bits, a byte of `x.codes` holds the even
column in its low half and the odd one in its high half, both plus 8 where there is no
`x.zero`; with groups or a zero point see `quantization.rounding`. Every other tensor is
float32 under its own name. Rotations are not stored; they follow from the
configuration.
"""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from llm_notes.data.tokenizers import Tokenizer, load_tokenizer
from llm_notes.inference.export.bundle import DTYPES, BundleError, pack, unpack
from llm_notes.inference.quantization import IntegerFormat, quantize_model
from llm_notes.inference.quantization.layers import QuantizedWeight
from llm_notes.models.layers.embedding import TokenEmbedding


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

    def tokenizer(self, name: str | None = None) -> Tokenizer:
        """The tokenizer whose ids the model reads; by name where there are several.

        Raises:
            BundleError: when the bundle holds none of that name.
        """
        several = dict(self.header.get("tokenizers", {}))
        if "tokenizer" in self.header:
            several[None] = self.header["tokenizer"]
        if name not in several:
            raise BundleError(
                f"the bundle holds no tokenizer {name!r}: ask for one of "
                f"{list(several)}, where None is the only one of its model"
            )
        content = several[name]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "tokenizer.json"
            file.write_text(json.dumps(content), encoding="utf-8")
            return load_tokenizer(file)


def write_bundle(
    model: nn.Module,
    tokenizer: Tokenizer | Mapping[str, Tokenizer],
    ids: Mapping[str, int] | None = None,
) -> bytes:
    """A quantised model and its tokenizer as one string of bytes.

    Args:
        model: what `quantize_model` gave; with `embeddings=True` it is smallest.
        tokenizer: the one whose ids the model reads; several by name for a model that
            has them.
        ids: tokens with a part to play, such as {"mask": 4} or {"bos": 1, "eos": 2}.

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
    header: dict[str, Any] = {
        "architecture": type(model).__name__,
        "config": _plain_config(model),
        "integers": asdict(formats.pop()),
    }
    if isinstance(tokenizer, Mapping):
        header["tokenizers"] = {k: tokenizer_as_json(t) for k, t in tokenizer.items()}
    else:
        header["tokenizer"] = tokenizer_as_json(tokenizer)
    if ids is not None:
        header["ids"] = dict(ids)
    return pack(header, _arrays(model))


def read_bundle(data: bytes) -> Bundle:
    """The reverse of `write_bundle`.

    Raises:
        BundleError: when the bytes are no bundle, cut short or changed.
    """
    header, arrays = unpack(data)
    return Bundle(header, {n: torch.from_numpy(a) for n, a in arrays.items()})


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


def _arrays(model: nn.Module) -> dict[str, NDArray[Any]]:
    """All numbers by name; one tensor under two names is one array."""
    arrays: dict[str, NDArray[Any]] = {}
    met: dict[int, NDArray[Any]] = {}
    for name, tensor in model.state_dict().items():
        dtype = str(tensor.dtype).removeprefix("torch.")
        if dtype not in DTYPES:
            raise ValueError(
                f"{name} has dtype {dtype}, and a bundle holds {', '.join(DTYPES)}: "
                "call model.float() before it is quantised"
            )
        arrays[name] = met.setdefault(tensor.data_ptr(), tensor.cpu().numpy())
    return arrays


def _plain_config(model: nn.Module) -> dict[str, Any]:
    """The configuration as JSON gives it back, if it does."""
    config = json.loads(json.dumps(asdict(model.config)))
    if type(model.config)(**config) != model.config:
        raise ValueError(
            f"JSON does not give {type(model.config).__name__} back as it is: a nested "
            "setting such as rope_scaling has no place in a bundle"
        )
    return config


def tokenizer_as_json(tokenizer: Tokenizer) -> dict[str, Any]:
    """What the tokenizer's file holds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tokenizer.json"
        tokenizer.save(file)
        return json.loads(file.read_text(encoding="utf-8"))
