"""The attention weights of all heads on one text, ready for a page.

Arrays in, compact data and a sentence out. Knows no model and no picture.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from llm_notes.viz.labels import visible

MAX_TOKENS = 128
MAX_CHARACTERS = 60  # of a token; the rest of a longer one is not shown
_ONE = 65535  # a weight of one, in 16 bits

Kind = Literal["self-attention", "causal self-attention", "cross-attention"]


@dataclass(frozen=True)
class AttentionMaps:
    """The weights of all heads on one text.

    Args:
        weights: (L, H, T, S), or a list of L arrays (H, T, S): L layers of H heads;
            rows sum to one.
        queries: the T tokens that ask.
        keys: the S tokens that are looked at; the queries themselves when not given.
        title: how the reader chooses this text; its first tokens when not given.
        causal: whether what comes later is behind a mask. With more keys than queries,
            the queries are the last positions.
        mask: (T, S) booleans, True where a query may look, for any other mask.

    Raises:
        ValueError: for weights of another shape, outside [0, 1] or behind the mask,
            or too many tokens.
    """

    weights: ArrayLike | Sequence[ArrayLike]
    queries: Sequence[str]
    keys: Sequence[str] | None = None
    title: str | None = None
    causal: bool = False
    mask: ArrayLike | None = None

    def __post_init__(self) -> None:
        weights = self.array
        sizes = (len(self.queries), len(self._keys))
        if weights.ndim != 4 or weights.shape[2:] != sizes or not weights.size:
            raise ValueError(
                f"weights must have shape (layers, heads, {sizes[0]}, {sizes[1]}) as "
                f"there are tokens, got {weights.shape}. Take one text of a batch: w[0]"
            )
        is_weight = np.isfinite(weights) & (weights > -1e-6) & (weights < 1 + 1e-4)
        if not is_weight.all():
            raise ValueError("weights must lie between 0 and 1: are they scores still?")
        if max(sizes) > MAX_TOKENS:
            raise ValueError(
                f"{max(sizes)} tokens are too many to look at; take {MAX_TOKENS} or "
                "fewer"
            )
        if self.causal and self.mask is not None:
            raise ValueError("give causal or a mask: a mask says it all, as mask & ...")
        if self.mask is not None and np.shape(self.mask) != sizes:
            raise ValueError(
                f"the mask must have shape {sizes}, got {np.shape(self.mask)}"
            )
        behind = weights[..., ~self.allowed]
        if behind.size and behind.max() > 1e-4:
            raise ValueError(
                f"weights behind the mask are as large as {behind.max():.3f}, and must "
                "be 0: True of a mask means “may look”"
            )

    @cached_property
    def array(self) -> np.ndarray:
        """(L, H, T, S) in double precision."""
        if isinstance(self.weights, list | tuple):
            layers = [_array(layer) for layer in self.weights]
            if len({layer.shape for layer in layers}) > 1:
                shapes = ", ".join(str(layer.shape) for layer in layers)
                raise ValueError(f"all layers need the same shape, got {shapes}")
            return np.array(layers)
        return _array(self.weights)

    @property
    def _keys(self) -> Sequence[str]:
        return self.queries if self.keys is None else self.keys

    @cached_property
    def allowed(self) -> np.ndarray:
        """(T, S) booleans: where a query may look."""
        n_queries, n_keys = len(self.queries), len(self._keys)
        if self.mask is not None:
            return _array(self.mask).astype(bool)
        everything = np.ones((n_queries, n_keys), dtype=bool)
        return np.tril(everything, n_keys - n_queries) if self.causal else everything

    @property
    def kind(self) -> Kind:
        """Who looks at whom."""
        if self.causal:
            return "causal self-attention"
        if self.keys is not None:
            return "cross-attention"
        # A mask may be the causal one, or narrower: a window.
        is_causal = len(self.queries) > 1 and not np.triu(self.allowed, 1).any()
        return "causal self-attention" if is_causal else "self-attention"

    @property
    def name(self) -> str:
        """What the reader chooses the text by."""
        title = self.title
        if title is None:
            title = " ".join("".join(map(_shortened, self.queries[:40])).split())
        return visible(_shortened(title), edges=False).strip() or "a text"

    def as_data(self) -> dict[str, Any]:
        """What the page draws: weights in 16 bits, those behind the mask left out."""
        codes = np.rint(np.clip(self.array[..., self.allowed], 0, 1) * _ONE)
        data = {
            "kind": self.kind,
            "queries": [_shortened(token) for token in self.queries],
            "causal": self.causal,
            "shape": list(self.array.shape),
            "weights": _base64(codes.astype("<u2")),
        }
        if self.keys is not None:
            data["keys"] = [_shortened(token) for token in self.keys]
        if self.mask is not None:
            data["mask"] = _base64(np.packbits(self.allowed))
        return data

    def describe(self) -> str:
        """Where the heads look on the whole, in a few sentences."""
        n_layers, n_heads, n_queries, n_keys = self.array.shape
        size = f"{n_queries} tokens"
        if self.keys is not None:
            size += f" look at {n_keys}"
        text = f"{self.name}: {self.kind}, {size}, {_count(n_layers, 'layer')} of "
        text += f"{_count(n_heads, 'head')}."
        for place, mean in self._habits().items():
            layer, head = np.unravel_index(mean.argmax(), mean.shape)
            text += (
                f" Head {head} of layer {layer} looks most at {place}: "
                f"{mean.max():.2f} of its weight."
            )
        return text + self._strongest()

    def _habits(self) -> dict[str, np.ndarray]:
        """Mean weight (L, H) on places that heads are known to look at."""
        weights = self.array
        if self.keys is not None or weights.shape[2] < 2:
            return {}
        # The first token of a causal text has nothing else to look at.
        return {
            "the token before": weights.diagonal(-1, 2, 3).mean(axis=-1),
            "the first token": weights[:, :, 1:, 0].mean(axis=-1),
        }

    def _strongest(self) -> str:
        """The largest single weight between two different tokens."""
        weights = self.array.copy()
        if self.keys is None:
            np.einsum("lhtt->lht", weights)[:] = 0
            weights[:, :, 0] = 0
        if not weights.max():
            return ""
        places = np.unravel_index(weights.argmax(), weights.shape)
        layer, head, query, key = map(int, places)
        asks, looked_at = (
            visible(_shortened(token))
            for token in (self.queries[query], self._keys[key])
        )
        return (
            f" The largest weight is {weights.max():.2f}, from “{asks}” to "
            f"“{looked_at}” in head {head} of layer {layer}."
        )


def _array(values: ArrayLike) -> np.ndarray:
    if hasattr(values, "detach"):
        values = values.detach().cpu().float()  # NumPy has no bfloat16
    return np.asarray(values, dtype=np.float64)


def _base64(numbers: np.ndarray) -> str:
    return base64.b64encode(numbers.tobytes()).decode("ascii")


def _shortened(text: str) -> str:
    text = str(text)
    return text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS] + "…"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
