"""Pictures to play with: live in a kernel, and just as movable without one."""

from llm_notes.widgets.attention_explorer import AttentionMaps, attention_explorer
from llm_notes.widgets.attention_of import attention_of
from llm_notes.widgets.controls import (
    checkbox,
    dropdown,
    radio,
    slider,
    text_field,
)
from llm_notes.widgets.embedding_map import embedding_map
from llm_notes.widgets.explore import Explorer, ExplorerTooLargeError, explore
from llm_notes.widgets.playground import PageModel, playground
from llm_notes.widgets.publish import publish
from llm_notes.widgets.question import question
from llm_notes.widgets.sampling_explorer import NextToken, sampling_explorer
from llm_notes.widgets.tokenizer_explorer import tokenizer_explorer
from llm_notes.widgets.training_film import training_film

__all__ = [
    "AttentionMaps",
    "Explorer",
    "ExplorerTooLargeError",
    "NextToken",
    "PageModel",
    "attention_explorer",
    "attention_of",
    "checkbox",
    "dropdown",
    "embedding_map",
    "explore",
    "playground",
    "publish",
    "question",
    "radio",
    "sampling_explorer",
    "slider",
    "text_field",
    "tokenizer_explorer",
    "training_film",
]
