"""Language models in the page: the reader types, and watches them write.

Causal models continue a text, BERT fills gaps, the Transformer translates. The page
runs each model by itself, from the bundle that `inference.export` writes. In a kernel
Python's own model may compute instead. Knows no architecture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import nn

from llm_notes.inference.export import bundle_as_json, unpack
from llm_notes.widgets.page import PageWidget
from llm_notes.widgets.playground_scripts import (
    NEEDED_IDS,
    Task,
    playground_scripts,
    playground_styles,
    task_of,
)
from llm_notes.widgets.unicode_classes import unicode_classes

PROMPTS = ("The value of", "If the object", "The following example")
MAX_BYTES = 6_000_000
_ALL = "all side by side"  # what the page calls the comparison
_DOES: dict[Task, str] = {
    "continue": "continue it, token by token, each with its probability",
    "fill": "fill its gaps, each with the likeliest tokens",
    "translate": "translate it, with the alignment of the tokens",
}


@dataclass(frozen=True)
class PageModel:
    """A model for the page.

    Args:
        bundle: what `write_bundle` or `write_ngram_bundle` gave. For BERT it names the
            id "mask" (and "start" and "end", which then stand around the text), for the
            Transformer the ids "bos" and "eos".
        about: one sentence on what it is, for the reader.
        model: the same in Python, to compute in a kernel; None when it need not. Only
            causal models are asked.
        prompts: texts to begin with for this model, instead of the playground's. BERT
            (with ___ where a token is missing) and the Transformer need their own.
        bits_per_byte: on text that it has not read, if known.
        n_parameters: how many it has, if known.
    """

    bundle: bytes
    about: str
    model: nn.Module | None = None
    prompts: Sequence[str] | None = field(default=None, kw_only=True)
    bits_per_byte: float | None = field(default=None, kw_only=True)
    n_parameters: int | None = field(default=None, kw_only=True)

    @cached_property
    def header(self) -> dict[str, Any]:
        """What the bundle says of itself."""
        return unpack(self.bundle)[0]

    @property
    def architecture(self) -> str:
        """The name that decides which program of the page runs it."""
        return self.header["architecture"]

    @property
    def task(self) -> Task:
        """What it does with a text."""
        return task_of(self.architecture)


def playground(
    models: Mapping[str, PageModel],
    prompts: Sequence[str] = PROMPTS,
    *,
    title: str = "Write with a language model",
    tour: bool = True,
    max_bytes: int = MAX_BYTES,
) -> PageWidget:
    """Language models to play with, alone or (causal ones) side by side.

    Args:
        models: by the name that the reader sees; the first is shown first.
        prompts: texts for causal models to begin with; the first one stands in the
            field.
        title: its name for those who hear the page.
        tour: whether a tour of six steps is offered, when there is a causal model.
        max_bytes: the largest HTML allowed; the build of the book keeps the models in
            files beside the page.

    Raises:
        ValueError: without a model or a prompt, for an architecture that no program of
            the page runs, and for a bundle that lacks an id its task needs.
        WidgetTooLargeError: when the models are larger than allowed.
    """
    if not models or not prompts or isinstance(prompts, str):
        raise ValueError(
            "a playground needs at least one model and one prompt: pass models by "
            "name, and a list of prompts"
        )
    for name, model in models.items():
        _require_usable(name, model)
    architectures = [model.architecture for model in models.values()]
    can_compute = any(model.model is not None for model in models.values())
    return PageWidget(
        "playground",
        {
            "models": [_described(name, model) for name, model in models.items()],
            "prompts": list(prompts),
            "unicode_classes": unicode_classes(),
            "tour": tour,
        },
        title=title,
        description=_description(models),
        scripts=playground_scripts(architectures),
        styles=playground_styles(architectures),
        files={name: bundle_as_json(model.bundle) for name, model in models.items()},
        answer=(lambda request: _answer(models, request)) if can_compute else None,
        max_bytes=max_bytes,
    )


def _require_usable(name: str, model: PageModel) -> None:
    """Say what is missing before the page would."""
    if not name.strip() or name == _ALL:
        raise ValueError(f"a model cannot be called {name!r}: give it another name")
    ids = model.header.get("ids", {})
    missing = [needed for needed in NEEDED_IDS[model.task] if needed not in ids]
    if missing:
        raise ValueError(
            f"the bundle of {name} does not say which token is {' and '.join(missing)}:"
            " pass ids to write_bundle"
        )
    if model.task != "continue" and not model.prompts:
        raise ValueError(
            f"{name} needs prompts of its own: PageModel(..., prompts=[...])"
        )


def _described(name: str, model: PageModel) -> dict[str, Any]:
    return {
        "name": name,
        "about": model.about,
        "file": name,
        "task": model.task,
        "prompts": list(model.prompts) if model.prompts else None,
        "in_python": model.model is not None and model.task == "continue",
        "n_parameters": model.n_parameters,
        "bits_per_byte": model.bits_per_byte,
    }


def _description(models: Mapping[str, PageModel]) -> str:
    """What is seen, for those who do not see it."""
    parts = []
    for task, does in _DOES.items():
        names = [name for name, model in models.items() if model.task == task]
        if names:
            parts.append(f"{', '.join(names)} {does}")
    return f"A field for a text, and a button that lets {'; '.join(parts)}."


@torch.no_grad()
def _answer(
    models: Mapping[str, PageModel], request: Mapping[str, Any]
) -> dict[str, Any]:
    """Logits of the next token, by Python: {model, ids} to {logits, slid}."""
    name, ids = request.get("model"), request.get("ids")
    model = models[name].model if name in models else None
    if model is None:
        raise ValueError(f"Python has no model {name!r}: let the page compute")
    if not isinstance(ids, list) or not ids:
        raise ValueError("send the ids of a text with one token or more")
    context = getattr(model.config, "context_length", len(ids))
    kept = ids[-context:]
    device = next(model.parameters()).device
    logits = model.eval()(torch.tensor([kept], device=device))[0, -1]
    return {"logits": logits.float().tolist(), "slid": len(kept) < len(ids)}
