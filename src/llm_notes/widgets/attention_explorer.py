"""Attention to walk through: which head looks where, token by token.

From arrays of weights, whatever model gave them. Knows no model.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from llm_notes.viz.labels import visible
from llm_notes.widgets.page import PageWidget

MAX_TOKENS = 128
_ONE = 65535  # a weight of one, in 16 bits


@dataclass(frozen=True)
class AttentionMaps:
    """The weights of all heads on one text.

    Args:
        weights: (L, H, T, S), L layers of H heads; rows sum to one.
        queries: the T tokens that ask.
        keys: the S tokens that are looked at; the queries themselves when not given.
        title: how the reader chooses this text; its first tokens when not given.
        causal: whether what comes later is behind a mask.

    Raises:
        ValueError: for weights of another shape or outside [0, 1], or too many tokens.
    """

    weights: ArrayLike
    queries: Sequence[str]
    keys: Sequence[str] | None = None
    title: str | None = None
    causal: bool = False

    def __post_init__(self) -> None:
        weights = _array(self.weights)
        keys = self.queries if self.keys is None else self.keys
        wanted = (len(self.queries), len(keys))
        if weights.ndim != 4 or weights.shape[2:] != wanted or not weights.size:
            raise ValueError(
                f"weights must have shape (layers, heads, {wanted[0]}, {wanted[1]}) as "
                f"there are tokens, got {weights.shape}"
            )
        if not (np.isfinite(weights).all() and weights.min() >= -1e-6) or (
            weights.max() > 1 + 1e-4
        ):
            raise ValueError("weights must lie between 0 and 1: are they scores still?")
        if max(wanted) > MAX_TOKENS:
            raise ValueError(
                f"{max(wanted)} tokens are too many to look at; take {MAX_TOKENS} or "
                "fewer"
            )

    def as_data(self) -> dict[str, Any]:
        """What the page draws; weights are rounded to 16 bits."""
        weights = _array(self.weights)
        codes = np.rint(np.clip(weights, 0, 1) * _ONE).astype("<u2")
        keys = self.queries if self.keys is None else self.keys
        title = self.title or " ".join("".join(self.queries)[:60].split())
        return {
            "title": visible(title, edges=False) or "a text",
            "queries": list(self.queries),
            "keys": list(keys),
            "causal": self.causal,
            "shape": list(weights.shape),
            "weights": base64.b64encode(codes.tobytes()).decode("ascii"),
        }

    def describe(self) -> str:
        """Where the heads look on the whole, in one sentence."""
        weights = _array(self.weights)
        n_layers, n_heads, n_queries, n_keys = weights.shape
        text = f"{n_queries} tokens, {n_layers} layers of {n_heads} heads."
        if n_queries == n_keys and n_queries > 1:
            before = weights.diagonal(-1, 2, 3).mean(axis=-1)  # (L, H)
            layer, head = np.unravel_index(before.argmax(), before.shape)
            text += (
                f" Head {head} of layer {layer} looks most at the token before: "
                f"{before.max():.2f} of its weight."
            )
        return text


def attention_explorer(
    maps: AttentionMaps | Sequence[AttentionMaps],
    *,
    title: str = "Where attention looks",
    compute: Callable[[str], AttentionMaps] | None = None,
) -> PageWidget:
    """All heads at a glance, one of them with lines between its tokens.

    Args:
        maps: one text or several.
        title: its name for those who hear the page.
        compute: in a kernel, called with the reader's own text; returns its maps.

    Raises:
        ValueError: when there is no text.
    """
    items = [maps] if isinstance(maps, AttentionMaps) else list(maps)
    if not items:
        raise ValueError("there is no text to show: pass one AttentionMaps or more")

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        text = request.get("text")
        if not isinstance(text, str) or not text.strip():
            raise ValueError("type a text first")
        return {"item": compute(text).as_data()}

    return PageWidget(
        "attention",
        {"items": [item.as_data() for item in items]},
        title=title,
        description=" ".join(item.describe() for item in items),
        scripts=("sampling.js", "explorers/attention.js"),
        styles=("explorers/attention.css",),
        answer=None if compute is None else answer,
    )


def _array(weights: ArrayLike) -> np.ndarray:
    if hasattr(weights, "detach"):
        weights = weights.detach().cpu()
    return np.asarray(weights, dtype=np.float64)
