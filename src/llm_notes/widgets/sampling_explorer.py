"""One next-token distribution to draw from, with every knob of the draw.

From arrays of logits, whatever model gave them. Knows no model.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from llm_notes.viz.labels import visible
from llm_notes.widgets.page import PageWidget

START = {"temperature": 1.0, "topK": 0, "topP": 1.0, "minP": 0.0, "repetition": 1.0}
_KNOBS = {
    "temperature": "temperature",
    "top_k": "topK",
    "top_p": "topP",
    "min_p": "minP",
    "repetition_penalty": "repetition",
}


@dataclass(frozen=True)
class NextToken:
    """What a model expects after a text.

    Args:
        text: the text, as the reader sees it.
        logits: (V,) of the next token.
        ids: the tokens of the text, for the repetition penalty.

    Raises:
        ValueError: for logits of another shape, or that are not finite.
    """

    text: str
    logits: ArrayLike
    ids: Sequence[int] = ()

    def __post_init__(self) -> None:
        logits = _array(self.logits)
        if logits.ndim != 1 or not logits.size or not np.isfinite(logits).all():
            raise ValueError(
                f"logits must be (V,) and finite, got shape {logits.shape}: take the "
                "last position of one text"
            )

    def as_data(self) -> dict[str, Any]:
        """What the page draws: logits as 32-bit floats."""
        data = _array(self.logits).astype("<f4").tobytes()
        text = visible(self.text, edges=False) or "nothing"
        logits = base64.b64encode(data).decode("ascii")
        return {"text": text, "ids": [int(i) for i in self.ids], "logits": logits}


def sampling_explorer(
    contexts: Sequence[NextToken],
    tokens: Sequence[str],
    *,
    start: Mapping[str, float] | None = None,
    title: str = "Draw the next token",
    compute: Callable[[str], NextToken] | None = None,
) -> PageWidget:
    """Knobs, what each of them rules out, and draws.

    Args:
        contexts: one distribution or more, over the same tokens.
        tokens: the text of each of the V tokens.
        start: where knobs stand first: temperature, top_k, top_p, min_p,
            repetition_penalty; off when not given.
        title: its name for those who hear the page.
        compute: in a kernel, called with the reader's own text.

    Raises:
        ValueError: without a distribution, for another number of tokens, or an unknown
            knob.
    """
    contexts = list(contexts)
    sizes = {len(_array(context.logits)) for context in contexts}
    if sizes != {len(tokens)}:
        raise ValueError(
            f"there are {len(tokens)} tokens and distributions over "
            f"{sorted(sizes) or 'nothing'}: pass the text of each token, and one "
            "distribution or more"
        )
    unknown = set(start or {}) - _KNOBS.keys()
    if unknown:
        raise ValueError(
            f"unknown knobs {', '.join(sorted(unknown))}; there are {', '.join(_KNOBS)}"
        )
    knobs = START | {_KNOBS[name]: value for name, value in (start or {}).items()}

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        text = request.get("text")
        if not isinstance(text, str) or not text:
            raise ValueError("type a text first")
        return {"context": compute(text).as_data()}

    return PageWidget(
        "sampling",
        {
            "contexts": [context.as_data() for context in contexts],
            "tokens": list(tokens),
            "start": knobs,
        },
        title=title,
        description=" ".join(_describe(context, tokens) for context in contexts),
        scripts=("sampling.js", "explorers/sampling.js"),
        styles=("explorers/sampling.css",),
        answer=None if compute is None else answer,
    )


def _describe(context: NextToken, tokens: Sequence[str]) -> str:
    logits = _array(context.logits)
    p = np.exp(logits - logits.max())
    p /= p.sum()
    best = np.argsort(-p, kind="stable")[:3]
    likeliest = ", ".join(f"“{visible(tokens[i])}” {p[i]:.2f}" for i in best)
    return f"After “{visible(context.text, edges=False)}”: {likeliest}."


def _array(logits: ArrayLike) -> np.ndarray:
    if hasattr(logits, "detach"):
        logits = logits.detach().cpu()
    return np.asarray(logits, dtype=np.float64)
