"""Language models in the page: the reader types, and watches them write.

The page runs each model by itself, from the bundle that `inference.export` writes. In a
kernel Python's own model may compute instead. Knows no architecture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from llm_notes.inference.export import bundle_as_json, unpack
from llm_notes.widgets.page import PageWidget
from llm_notes.widgets.tokenizer_explorer import TOKENIZER_SCRIPTS
from llm_notes.widgets.unicode_classes import unicode_classes

MODEL_SCRIPTS = {
    "GPT": "models/gpt.js",
    "RNNLanguageModel": "models/recurrent.js",
    "KneserNeyNGram": "models/ngram.js",
    "BERTForPretraining": "models/bert.js",
    "Transformer": "models/transformer.js",
}
SHARED_SCRIPTS = ("models/bundle.js", "models/operations.js", "models/attention.js")
_SCRIPTS = (
    "sampling.js",
    "writing.js",
    "explorers/playground_text.js",
    "explorers/playground_token.js",
    "explorers/playground_knobs.js",
    "explorers/playground_tour.js",
    "explorers/playground_column.js",
    "explorers/playground.js",
)
PROMPTS = ("The value of", "If the object", "The following example")
MAX_BYTES = 6_000_000


@dataclass(frozen=True)
class PageModel:
    """A model for the page.

    Args:
        bundle: what `write_bundle` or `write_ngram_bundle` gave.
        about: one sentence on what it is, for the reader.
        model: the same in Python, to compute in a kernel; None when it need not.
    """

    bundle: bytes
    about: str
    model: nn.Module | None = None

    @property
    def architecture(self) -> str:
        """The name that decides which program of the page runs it."""
        return unpack(self.bundle)[0]["architecture"]


def playground(
    models: Mapping[str, PageModel],
    prompts: Sequence[str] = PROMPTS,
    *,
    title: str = "Write with a language model",
    tour: bool = True,
    max_bytes: int = MAX_BYTES,
) -> PageWidget:
    """Causal language models to play with, alone or side by side.

    Args:
        models: by the name that the reader sees.
        prompts: texts to begin with; the first one stands in the field.
        title: its name for those who hear the page.
        tour: whether a tour of six steps is offered.
        max_bytes: the largest HTML allowed; the build of the book keeps the models in
            files beside the page.

    Raises:
        ValueError: without a model or a prompt, and for an architecture that no
            program of the page runs.
        WidgetTooLargeError: when the models are larger than allowed.
    """
    if not models or not prompts:
        raise ValueError("a playground needs at least one model and one prompt")
    architectures = {name: model.architecture for name, model in models.items()}
    data = {
        "models": [
            {"name": name, "about": model.about, "file": name}
            for name, model in models.items()
        ],
        "prompts": list(prompts),
        "unicode_classes": unicode_classes(),
        "tour": tour,
    }
    names = ", ".join(models)
    can_compute = any(model.model is not None for model in models.values())
    return PageWidget(
        "playground",
        data,
        title=title,
        description=(
            f"A field for a text and a button that lets {names} continue it, token by "
            "token, each with its probability."
        ),
        scripts=(*TOKENIZER_SCRIPTS, *model_scripts(architectures), *_SCRIPTS),
        styles=("explorers/playground.css",),
        files={name: bundle_as_json(model.bundle) for name, model in models.items()},
        answer=(lambda request: _answer(models, request)) if can_compute else None,
        max_bytes=max_bytes,
    )


def model_scripts(architectures: Mapping[str, str]) -> tuple[str, ...]:
    """The programs that run these architectures, by the models' names."""
    unknown = sorted(set(architectures.values()) - MODEL_SCRIPTS.keys())
    if unknown:
        raise ValueError(
            f"no program of the page runs {', '.join(unknown)}; there are programs for "
            f"{', '.join(MODEL_SCRIPTS)}"
        )
    own = dict.fromkeys(MODEL_SCRIPTS[name] for name in architectures.values())
    return (*SHARED_SCRIPTS, *own)


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
