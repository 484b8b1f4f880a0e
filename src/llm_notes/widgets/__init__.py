"""Pictures to play with: live in a kernel, and just as movable without one."""

from llm_notes.widgets.controls import (
    checkbox,
    dropdown,
    radio,
    slider,
    text_field,
)
from llm_notes.widgets.explore import Explorer, ExplorerTooLargeError, explore

__all__ = [
    "Explorer",
    "ExplorerTooLargeError",
    "checkbox",
    "dropdown",
    "explore",
    "radio",
    "slider",
    "text_field",
]
