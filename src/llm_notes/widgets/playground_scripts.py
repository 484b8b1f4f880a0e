"""Which programs of the page a playground needs, by the architectures of its models.

Knows the names of architectures and of files below `static/`, and no model.
"""

from collections.abc import Iterable
from typing import Literal

from llm_notes.widgets.tokenizer_explorer import TOKENIZER_SCRIPTS

Task = Literal["continue", "fill", "translate"]

# What a model does in the page, and the program that runs it.
TASKS: dict[str, tuple[Task, str]] = {
    "GPT": ("continue", "models/gpt.js"),
    "RNNLanguageModel": ("continue", "models/recurrent.js"),
    "KneserNeyNGram": ("continue", "models/ngram.js"),
    "BERTForPretraining": ("fill", "models/bert.js"),
    "Transformer": ("translate", "models/transformer.js"),
}
# Tokens with a part to play that a bundle has to name.
NEEDED_IDS: dict[Task, tuple[str, ...]] = {
    "continue": (),
    "fill": ("mask",),
    "translate": ("bos", "eos"),
}
_SHARED = ("models/bundle.js", "models/operations.js", "models/attention.js")
_COMMON = ("bars", "text", "parts", "tour", "models")
_VIEWS: dict[Task, tuple[str, ...]] = {
    "continue": ("writing", "token", "knobs", "column", "generate", "steps"),
    "fill": ("gaps", "fill"),
    "translate": ("gaps", "alignment", "translate"),
}
_WITH_ALL_HEADS = {"GPT", "BERTForPretraining"}


def task_of(architecture: str) -> Task:
    """What a model of this architecture does in the page.

    Raises:
        ValueError: for an architecture that no program of the page runs.
    """
    if architecture not in TASKS:
        raise ValueError(
            f"no program of the page runs {architecture}; there are programs for "
            f"{', '.join(TASKS)}"
        )
    return TASKS[architecture][0]


def playground_scripts(architectures: Iterable[str]) -> tuple[str, ...]:
    """The files that a page with models of these architectures loads, in order."""
    wanted = list(dict.fromkeys(architectures))
    tasks = dict.fromkeys(task_of(name) for name in wanted)
    parts = (*_COMMON, *(part for task in tasks for part in _VIEWS[task]))
    return (
        *TOKENIZER_SCRIPTS,
        *_SHARED,
        *(TASKS[name][1] for name in wanted),
        "sampling.js",
        *(("explorers/attention.js",) if _WITH_ALL_HEADS & set(wanted) else ()),
        *(f"explorers/playground_{part}.js" for part in dict.fromkeys(parts)),
        "explorers/playground.js",
    )


def playground_styles(architectures: Iterable[str]) -> tuple[str, ...]:
    """The style sheets of the same page."""
    with_heads = _WITH_ALL_HEADS & set(architectures)
    own = ("explorers/playground.css",)
    return (*(("explorers/attention.css",) if with_heads else ()), *own)
