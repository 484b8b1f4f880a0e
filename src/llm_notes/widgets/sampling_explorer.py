"""One next-token distribution to draw from, with every knob of the draw.

`sampling_explorer` takes arrays of logits, whatever gave them; the other one asks a
model for them, in a kernel also for those after the reader's own text.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from llm_notes.data.tokenizers import Tokenizer
from llm_notes.models.ngram.base import NGramModel
from llm_notes.viz.labels import visible
from llm_notes.widgets.page import PageWidget

MAX_TEXT = 2000  # characters of a text that are shown: its end

# Name in Python: name in the page, where it is off, lowest, highest, step.
_KNOBS = {
    "temperature": ("temperature", 1.0, 0.0, 2.0, 0.05),
    "top_k": ("topK", 0, 0, None, 1),
    "top_p": ("topP", 1.0, 0.05, 1.0, 0.05),
    "min_p": ("minP", 0.0, 0.0, 0.5, 0.01),
    "repetition_penalty": ("repetition", 1.0, 1.0, 2.0, 0.05),
}


@dataclass(frozen=True)
class NextToken:
    """What a model expects after a text.

    Args:
        text: the text, as the reader sees it.
        logits: (V,) of the next token; minus infinity where it cannot be.
        ids: the tokens of the text, for the repetition penalty.

    Raises:
        ValueError: for logits of another shape, without one that is finite, or with
            NaN or plus infinity; for ids that are none of the V.
    """

    text: str
    logits: ArrayLike
    ids: Sequence[int] = ()

    def __post_init__(self) -> None:
        logits = _array(self.logits)
        # The largest is NaN or plus infinity where any of them is.
        if logits.ndim != 1 or not logits.size or not np.isfinite(logits.max()):
            raise ValueError(
                f"logits must be (V,) and finite, got shape {logits.shape}: take the "
                "last position of one text"
            )
        if any(not 0 <= i < len(logits) for i in self.ids):
            raise ValueError(
                f"ids must lie from 0 to {len(logits) - 1}: encode the text with the "
                "tokenizer of the model"
            )

    def as_data(self) -> dict[str, Any]:
        """What the page draws: logits as 32-bit floats."""
        data = _array(self.logits).astype("<f4").tobytes()
        text = visible(self.text[-MAX_TEXT:], edges=False) or "nothing"
        logits = base64.b64encode(data).decode("ascii")
        return {"text": text, "ids": [int(i) for i in self.ids], "logits": logits}


def next_token(
    model: nn.Module | NGramModel, tokenizer: Tokenizer, text: str
) -> NextToken:
    """What a model expects after a text; of a long one it reads the end.

    Args:
        model: an n-gram model, or a network from ids (1, T) to logits (1, T, V).
        tokenizer: the one whose ids the model reads.

    Raises:
        ValueError: for a text without tokens.
    """
    ids = tokenizer.encode(text)
    if not ids:
        raise ValueError("type a text first: an empty one gives nothing to go on")
    if isinstance(model, NGramModel):
        with np.errstate(divide="ignore"):  # what cannot be has probability 0
            return NextToken(text, np.log(model.probabilities(ids)), ids)
    context_length = getattr(model.config, "context_length", len(ids))
    device = next(model.parameters()).device
    read = torch.tensor([ids[-context_length:]], device=device)
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            logits = model(read)[0, -1]
    finally:
        model.train(was_training)
    return NextToken(text, logits, ids)


def sampling_explorer(
    contexts: Sequence[NextToken],
    tokens: Sequence[str],
    *,
    start: Mapping[str, float] | None = None,
    title: str = "Draw the next token",
    compute: Callable[[str], NextToken] | None = None,
) -> PageWidget:
    """Knobs, what each of them rules out, and draws that are counted.

    Args:
        contexts: one distribution or more, over the same tokens.
        tokens: the text of each of the V tokens.
        start: where knobs stand first: temperature, top_k, top_p, min_p,
            repetition_penalty; off when not given.
        title: its name for those who hear the page.
        compute: in a kernel, called with the reader's own text.

    Raises:
        ValueError: without a distribution, for another number of tokens, an unknown
            knob, or a place that its slider does not have.
    """
    contexts = list(contexts)
    sizes = {len(_array(context.logits)) for context in contexts}
    if sizes != {len(tokens)}:
        raise ValueError(
            f"there are {len(tokens)} tokens and distributions over "
            f"{sorted(sizes) or 'nothing'}: pass the text of each token, and one "
            "distribution or more"
        )

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
            "start": _start(start or {}),
            "knobs": {knob: ends for knob, _, *ends in _KNOBS.values()},
        },
        title=title,
        description=" ".join(_describe(context, tokens) for context in contexts),
        scripts=("sampling.js", "explorers/sampling_bars.js", "explorers/sampling.js"),
        styles=("explorers/sampling.css",),
        answer=None if compute is None else answer,
    )


def model_sampling_explorer(
    model: nn.Module | NGramModel,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    *,
    start: Mapping[str, float] | None = None,
    title: str = "Draw the next token",
) -> PageWidget:
    """`sampling_explorer` of what a model expects after some prompts.

    In a kernel the reader may type any other prompt.

    Args:
        model, tokenizer: see `next_token`.
        prompts: one text or more.
        start, title: see `sampling_explorer`.

    Raises:
        ValueError: as `next_token` and `sampling_explorer`.
    """
    return sampling_explorer(
        [next_token(model, tokenizer, prompt) for prompt in prompts],
        [tokenizer.token(i) for i in range(tokenizer.vocab_size)],
        start=start,
        title=title,
        compute=lambda text: next_token(model, tokenizer, text),
    )


def _start(given: Mapping[str, float]) -> dict[str, float]:
    """Where the page's knobs stand. Raises ValueError for where they cannot."""
    unknown = set(given) - _KNOBS.keys()
    if unknown:
        raise ValueError(
            f"unknown knobs {', '.join(sorted(unknown))}; there are {', '.join(_KNOBS)}"
        )
    places = {}
    for name, (knob, off, lowest, highest, step) in _KNOBS.items():
        value = given.get(name, off)
        beyond = value < lowest or (highest is not None and value > highest)
        steps = (value - lowest) / step
        if beyond or abs(steps - round(steps)) > 1e-6:
            upwards = f"{lowest} up" if highest is None else f"{lowest} to {highest}"
            raise ValueError(
                f"{name} cannot start at {value}: its knob goes from {upwards} in "
                f"steps of {step}"
            )
        places[knob] = value
    return places


def _describe(context: NextToken, tokens: Sequence[str]) -> str:
    logits = _array(context.logits)
    p = np.exp(logits - logits.max())
    p /= p.sum()
    best = np.argsort(-p, kind="stable")[:3]
    likeliest = ", ".join(f"“{visible(tokens[i][:40])}” {p[i]:.2f}" for i in best)
    entropy = -(p[p > 0] * np.log2(p[p > 0])).sum()
    text = visible(context.text[-MAX_TEXT:], edges=False)
    return f"After “{text}”: {likeliest}; entropy {entropy:.2f} bits."


def _array(logits: ArrayLike) -> np.ndarray:
    if hasattr(logits, "detach"):
        logits = logits.detach().cpu()
    return np.asarray(logits, dtype=np.float64)
