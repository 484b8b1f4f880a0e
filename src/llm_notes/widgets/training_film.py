"""A film of a training: losses, a text, attention and weights, step by step.

From snapshots that a callback took, see `training.callbacks.snapshots`. Knows no model.
"""

import base64
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from llm_notes.training.callbacks.snapshots import Snapshot
from llm_notes.training.history import History
from llm_notes.viz.labels import visible
from llm_notes.widgets.attention_explorer import ATTENTION_SCRIPTS
from llm_notes.widgets.attention_maps import AttentionMaps
from llm_notes.widgets.explore import ExplorerTooLargeError
from llm_notes.widgets.page import PageWidget, as_json

MAX_BYTES = 1_500_000  # of data, without the scripts
MAX_FRAMES = 200
MAX_TEXT = 2000  # characters of a sample
MAX_POINTS = 300  # of a curve
_SCRIPTS = (
    "explorers/attention_data.js",
    "explorers/film_pictures.js",
    "explorers/film.js",
)


def training_film(
    frames: Sequence[Snapshot],
    *,
    history: History | None = None,
    tokens: Sequence[str] = (),
    causal: bool = True,
    matrix_name: str = "weights",
    bytes_per_token: float | None = None,
    title: str = "A training, step by step",
    max_bytes: int = MAX_BYTES,
) -> PageWidget:
    """A slider through the steps of a training; everything moves with it.

    Args:
        frames: snapshots of one run, as `Snapshots.frames`.
        history: of the run, for the whole curve of its losses; those of the snapshots
            when not given.
        tokens: the T tokens of the fixed text, where snapshots hold attention.
        causal: whether that attention has a causal mask.
        matrix_name: what the weights of the snapshots are, such as "token table".
        bytes_per_token: of the text; losses are said in bits per byte as well.
        title: its name for those who hear the page.
        max_bytes: the largest data allowed, in bytes.

    Raises:
        ValueError: without a snapshot, or when snapshots are not of one run.
        ExplorerTooLargeError: when there is more than a page should carry.
    """
    frames = list(frames)
    _require_one_run(frames, tokens)
    data = {
        "frames": [_frame_data(frame) for frame in frames],
        "curves": _curves(frames, history),
        "attention": _attention_data(frames, tokens, causal),
        "matrix": _matrix_data(frames, matrix_name),
        "bytes_per_token": bytes_per_token,
    }
    _require_size(data, len(frames), max_bytes)
    return PageWidget(
        "film",
        data,
        title=title,
        description=_describe(frames, matrix_name, bytes_per_token),
        scripts=(*ATTENTION_SCRIPTS, *_SCRIPTS),
        styles=("explorers/attention.css", "explorers/film.css"),
    )


def _require_one_run(frames: Sequence[Snapshot], tokens: Sequence[str]) -> None:
    steps = [frame.step for frame in frames]
    if not frames or sorted(set(steps)) != steps:
        raise ValueError(
            f"a film needs snapshots in the order of their steps, got steps {steps}: "
            "pass Snapshots.frames of a run that has ended"
        )
    if len(frames) > MAX_FRAMES:
        raise ExplorerTooLargeError(
            f"{len(frames)} snapshots are too many to look at; take {MAX_FRAMES} or "
            "fewer: Snapshots(n_frames=24)"
        )
    for name in ("text", "attention", "matrix"):
        values = [getattr(frame, name) for frame in frames]
        shapes = {getattr(value, "shape", value is None) for value in values}
        if name == "text":
            shapes = {value is None for value in values}
        if len(shapes) > 1:
            raise ValueError(
                f"all snapshots of a film hold the same: {name} is missing in some, or "
                "has another shape"
            )
    attention = frames[0].attention
    if attention is not None and len(tokens) != attention.shape[-1]:
        raise ValueError(
            f"the snapshots hold attention on {attention.shape[-1]} tokens, and "
            f"{len(tokens)} are named: pass tokens=[...]"
        )


def _frame_data(frame: Snapshot) -> dict[str, Any]:
    text = frame.text
    if text is not None and len(text) > MAX_TEXT:
        text = text[:MAX_TEXT] + "…"
    return {
        "step": frame.step,
        "train": _number(frame.train_loss),
        "validation": _number(frame.validation_loss),
        "text": text,
    }


def _attention_data(frames, tokens, causal) -> list[dict[str, Any]] | None:
    if frames[0].attention is None:
        return None
    return [
        AttentionMaps(frame.attention, tokens, causal=causal, title="film").as_data()
        for frame in frames
    ]


def _matrix_data(frames: Sequence[Snapshot], name: str) -> dict[str, Any] | None:
    """Weights in 16 bits with one scale for all steps, so that colours compare."""
    if frames[0].matrix is None:
        return None
    values = np.stack([np.asarray(frame.matrix, dtype=np.float64) for frame in frames])
    if values.ndim != 3 or not np.isfinite(values).all():
        raise ValueError(
            "the matrix of a snapshot must be (R, C) and finite, got "
            f"{values.shape[1:]}: take a slice, as model.token_embedding.weight[:32]"
        )
    scale = float(np.abs(values).max()) or 1.0
    codes = np.rint(values / scale * 32767).astype("<i2")
    return {
        "name": visible(name, edges=False),
        "scale": scale,
        "shape": list(values.shape[1:]),
        "frames": [base64.b64encode(one.tobytes()).decode("ascii") for one in codes],
    }


def _curves(frames: Sequence[Snapshot], history: History | None) -> dict[str, Any]:
    """[step, loss] pairs; a long curve is thinned to means over steps."""
    if history is None:
        train = [(frame.step, frame.train_loss) for frame in frames]
        validation = [(frame.step, frame.validation_loss) for frame in frames]
    else:
        train = _thinned(history.train_loss)
        pairs = zip(history.validation_steps, history.validation_loss, strict=True)
        validation = list(pairs)
        if not validation:
            validation = [(frame.step, frame.validation_loss) for frame in frames]
    return {
        "train": [[s, x] for s, x in train if _number(x) is not None],
        "validation": [[s, x] for s, x in validation if _number(x) is not None],
    }


def _thinned(losses: Sequence[float]) -> list[tuple[float, float]]:
    """Means over steps: over more of them later, as the axis is one of logarithms."""
    n = len(losses)
    edges = np.unique(np.rint(np.geomspace(1, n + 1, min(n, MAX_POINTS) + 1)))
    edges = edges.astype(int) - 1
    return [
        # The loss of step i was measured before it, after i steps.
        ((low + high - 1) / 2, float(np.mean(losses[low:high])))
        for low, high in pairwise(edges)
    ]


def _require_size(data: Mapping[str, Any], n_frames: int, max_bytes: int) -> None:
    sizes = {name: len(as_json({name: part})) for name, part in data.items()}
    total = sum(sizes.values())
    if total > max_bytes:
        largest = sorted(sizes.items(), key=lambda pair: -pair[1])[:2]
        shares = ", ".join(f"{name} {size:,}" for name, size in largest)
        raise ExplorerTooLargeError(
            f"{n_frames} snapshots are {total:,} bytes ({shares}); at most "
            f"{max_bytes:,} are allowed. Take fewer snapshots, a shorter text, or a "
            "smaller slice of the weights"
        )


def _describe(
    frames: Sequence[Snapshot], name: str, bytes_per_token: float | None
) -> str:
    first, last = frames[0], frames[-1]
    text = f"{len(frames)} moments of a training, from step {first.step} to "
    text += f"step {last.step}."
    for label in ("train", "validation"):
        losses = [
            (frame.step, value)
            for frame in frames
            if (value := _number(getattr(frame, f"{label}_loss"))) is not None
        ]
        if losses:
            (start, before), (end, after) = losses[0], losses[-1]
            text += (
                f" The {label} loss is {before:.2f} at step {start} and {after:.2f} "
                f"at step {end}."
            )
            if label == "validation" and bytes_per_token:
                bits = after / math.log(2) / bytes_per_token
                text += f" That is {bits:.2f} bits per byte."
    if first.text is not None:
        for frame in (first, last):
            sample = visible(frame.text[:80], edges=False)
            text += f" At step {frame.step} the model writes: “{sample}”."
    if first.matrix is not None:
        before, after = (
            float(np.abs(np.asarray(frame.matrix, dtype=np.float64)).mean())
            for frame in (first, last)
        )
        text += (
            f" The mean size of the {visible(name, edges=False)} goes from "
            f"{before:.3g} to {after:.3g}."
        )
    return text


def _number(value: float | None) -> float | None:
    """None for what JSON does not hold: a loss that is missing or has run away."""
    return None if value is None or not math.isfinite(value) else float(value)
