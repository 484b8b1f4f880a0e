"""What is exported: a model with named inputs and outputs, tensors only.

A file holds no Python objects, so a cache or a state comes in and goes out as tensors.
These classes know models and caches; they do not know a file format.
"""

import torch
from torch import Tensor, nn

from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.layers.moe import MixtureOfExperts
from llm_notes.models.layers.recurrent import Recurrent

Tensors = tuple[Tensor, ...]


class ExportError(ValueError):
    """The model cannot be exported, or what was exported computes something else."""


class ExportGraph(nn.Module):
    """A module whose inputs and outputs have names, and axes that may change.

    Attributes:
        input_names, output_names: in the order of `forward`.
        axes: for each input, axis -> its name ("batch", "length", "past").

    Raises:
        ExportError: for a mixture of experts.
    """

    input_names: tuple[str, ...] = ("token_ids",)
    output_names: tuple[str, ...] = ("logits",)
    axes: tuple[dict[int, str], ...] = ({0: "batch", 1: "length"},)

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        if any(isinstance(module, MixtureOfExperts) for module in model.modules()):
            raise ExportError(
                "which experts work depends on the token, and an exported graph does "
                "the same steps for every input: a mixture of experts has none"
            )
        self.model = model

    def example(
        self, batch_size: int, length: int, past: int = 0
    ) -> tuple[Tensor, ...]:
        """Inputs of these sizes, the same at each call."""
        return (_token_ids(self.model, batch_size, length),)


class TokenGraph(ExportGraph):
    """All positions at once: token_ids (B, T) to logits (B, T, V), or BERT's vectors.

    Args:
        model: GPT, Llama, BERT, or another that reads token ids.
        length: fixes T. A recurrent model needs it: its loop over time is unrolled.

    Raises:
        ExportError: for a mixture of experts, or a recurrent model without a length.
    """

    def __init__(self, model: nn.Module, length: int | None = None) -> None:
        super().__init__(model)
        recurrent = any(isinstance(module, Recurrent) for module in model.modules())
        if recurrent and length is None:
            raise ExportError(
                "the loop over time of a recurrent model is unrolled for one length: "
                "give it, or export RecurrentGraph, one step for texts of any length"
            )
        self.length = length
        if length is not None:
            self.axes = ({0: "batch"},)

    def forward(self, token_ids: Tensor) -> Tensor:
        return self.model(token_ids)

    def example(
        self, batch_size: int, length: int, past: int = 0
    ) -> tuple[Tensor, ...]:
        return super().example(batch_size, self.length or length)


class DecodeGraph(ExportGraph):
    """New tokens after cached ones: the step of generation, with its cache.

    token_ids (B, T), keys and values (L, B, G, S, K) of the S tokens before, to logits
    (B, V) of the last position and keys and values (L, B, G, S + T, K). S may be 0, so
    that one graph reads the prompt and every token after it.

    Args:
        model: GPT or Llama.

    Raises:
        ExportError: for a mixture of experts, or layers with different caches.
    """

    input_names = ("token_ids", "keys", "values")
    output_names = ("logits", "all_keys", "all_values")
    axes = (
        {0: "batch", 1: "length"},
        {1: "batch", 3: "past"},
        {1: "batch", 3: "past"},
    )

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        layers = [m for m in model.modules() if isinstance(m, MultiHeadAttention)]
        shapes = {(layer.n_kv_heads, layer.d_head) for layer in layers}
        if len(shapes) != 1:
            raise ExportError(
                "one tensor holds the keys of all layers, so all need the same "
                f"(n_kv_heads, d_head), and there are {sorted(shapes)}"
            )
        self.cache_shape = (len(layers), *shapes.pop())  # L, G, K

    def forward(
        self, token_ids: Tensor, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        cache = _TensorCache()
        pairs = zip(keys.unbind(), values.unbind(), strict=True)
        for layer, (layer_keys, layer_values) in enumerate(pairs):
            cache.append(layer, layer_keys, layer_values)
        # A mask that allows all adds nothing to the causal one, and keeps the choice
        # between kernels, which depends on S, out of the graph.
        n_keys = keys.size(3) + token_ids.size(1)
        everything = torch.ones(token_ids.size(1), n_keys, dtype=torch.bool)
        logits = self.model(
            token_ids, mask=everything.to(token_ids.device), cache=cache
        )
        return logits[:, -1], *cache.stacked()

    def example(
        self, batch_size: int, length: int, past: int = 0
    ) -> tuple[Tensor, ...]:
        draw = torch.Generator().manual_seed(0)
        n_layers, n_heads, d_head = self.cache_shape
        shape = (2, n_layers, batch_size, n_heads, past, d_head)
        keys, values = torch.randn(shape, generator=draw).unbind()
        return _token_ids(self.model, batch_size, length), keys, values


class RecurrentGraph(ExportGraph):
    """One token and a state: the step of a recurrent language model.

    token_ids (B, 1) and state tensors (L, B, H) to logits (B, V) and the next state.
    Zeros are the state before the first token.

    Args:
        model: an `RNNLanguageModel`.
    """

    axes = ({0: "batch"},)

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        n_states = len(model.recurrent.zero_state(1))
        names = ("h", "c")[:n_states]
        self.input_names = ("token_ids", *names)
        self.output_names = ("logits", *(f"next_{name}" for name in names))
        self.axes = ({0: "batch"}, *({1: "batch"} for _ in names))

    def forward(self, token_ids: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        logits, after = self.model(token_ids, state, return_state=True)
        return logits[:, -1], *after

    def example(
        self, batch_size: int, length: int, past: int = 0
    ) -> tuple[Tensor, ...]:
        draw = torch.Generator().manual_seed(0)
        state = self.model.recurrent.zero_state(batch_size)
        drawn = (torch.randn(tensor.shape, generator=draw) for tensor in state)
        return _token_ids(self.model, batch_size, 1), *drawn


class _TensorCache(KeyValueCache):
    """A growing cache that can be read as two tensors."""

    def stacked(self) -> tuple[Tensor, Tensor]:
        """Keys and values of all layers, (L, B, G, S, K) each."""
        keys, values = zip(*self._layers.values(), strict=True)
        return torch.stack(keys), torch.stack(values)


def _token_ids(model: nn.Module, batch_size: int, length: int) -> Tensor:
    draw = torch.Generator().manual_seed(1)
    shape = (batch_size, length)
    return torch.randint(model.config.vocab_size, shape, generator=draw)
