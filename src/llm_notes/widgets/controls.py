"""What a reader can change: a name, a list of values, a kind, a start.

Knows neither ipywidgets nor HTML; both halves of an explorer read the same Control.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from llm_notes.viz.labels import visible

KINDS = ("slider", "dropdown", "checkbox", "radio", "text")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
_MOST = 8  # values named in a message


@dataclass(frozen=True)
class Choice:
    """Values for a control whose kind or label is chosen by hand."""

    values: tuple
    kind: str
    label: str | None = None
    play: bool = False


def slider(values: Iterable, label: str | None = None, play: bool = False) -> Choice:
    """A slider over the listed values, whatever their type.

    With `play` it has a button that moves it through its values, for values that are
    a course of events (steps of training, places in a text).
    """
    return Choice(tuple(values), "slider", label, play)


def dropdown(values: Iterable, label: str | None = None) -> Choice:
    """A dropdown of the listed values."""
    return Choice(tuple(values), "dropdown", label)


def checkbox(label: str | None = None) -> Choice:
    """A checkbox: False or True."""
    return Choice((False, True), "checkbox", label)


def radio(values: Iterable, label: str | None = None) -> Choice:
    """Buttons, one for each of a few values, all seen at once."""
    return Choice(tuple(values), "radio", label)


def text_field(values: Iterable, label: str | None = None) -> Choice:
    """A field to type in; what is typed picks the nearest of the listed values."""
    return Choice(tuple(values), "text", label)


@dataclass(frozen=True)
class Control:
    """One control: `texts` are the values as the reader sees them."""

    name: str
    kind: str
    label: str
    values: tuple
    texts: tuple[str, ...]
    start: int  # index into values
    play: bool = False


def make_control(name: str, given: Any, start: Any = None, has_start=False) -> Control:
    """Return the control for the keyword `name=given` of `explore`.

    A list of booleans becomes a checkbox, of strings a dropdown, anything else a
    slider; `slider`, `dropdown`, `checkbox`, `radio` and `text_field` say it
    explicitly.

    Raises TypeError when `given` is no collection of values and ValueError when it
    holds fewer than two, repeats one, or does not hold the start value.
    """
    if not isinstance(given, Choice):
        given = _guess(name, given)
    # A NumPy number would print as "np.float64(0.7)" and compare oddly with lists.
    values = tuple(v.item() if hasattr(v, "item") else v for v in given.values)
    first = values[:1]
    if given.kind == "checkbox" and set(values) == {False, True}:
        values = (False, True)
    elif given.kind == "checkbox":
        raise ValueError(f"the checkbox {name!r} needs the values False and True")
    if len(values) < 2:
        raise ValueError(f"{name!r} needs at least 2 values, got {len(values)}")
    texts = tuple(_texts(values))
    if len(set(texts)) < len(texts):
        raise ValueError(f"{name!r} lists a value twice: {', '.join(texts)}")
    index = values.index(*first)
    if has_start:
        if start not in values:
            raise ValueError(
                f"{name!r} cannot start at {start!r}; it can be one of: "
                + ", ".join(repr(value) for value in values)
            )
        index = values.index(start)
    label = visible(given.label or name.replace("_", " "), edges=False)
    return Control(name, given.kind, label, values, texts, index, given.play)


def nearest(typed: str, texts: Sequence[str]) -> int | None:
    """Return the index of the listed text that `typed` means, or None.

    The text itself, among numbers the nearest one, otherwise the only text that equals
    it apart from case, starts with it, or contains it.
    """
    if typed in texts:
        return texts.index(typed)
    wanted = typed.strip().lower()
    if not wanted:
        return None
    if all(_NUMBER.fullmatch(text) for text in (wanted, *texts)):
        distances = [abs(float(text) - float(wanted)) for text in texts]
        return distances.index(min(distances))
    lower = [text.lower() for text in texts]
    for fits in (
        lambda text: text.strip() == wanted,
        lambda text: text.startswith(wanted),
        lambda text: wanted in text,
    ):
        found = [i for i, text in enumerate(lower) if fits(text)]
        if len(found) == 1:
            return found[0]
    return None


def not_listed(typed: str, texts: Sequence[str]) -> str:
    """Say which texts are allowed, for a typed one that means none of them."""
    more = f", … ({len(texts)} in all)" if len(texts) > _MOST else ""
    shown = visible(typed[:100])
    return f"“{shown}” is not one of: {', '.join(texts[:_MOST])}{more}"


def _guess(name: str, given: Any) -> Choice:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(
            f"{name}={given!r}: give the values to choose from, as in {name}=[1, 2, 3]"
        )
    values = tuple(given)
    if values and all(isinstance(value, bool) for value in values):
        return Choice(values, "checkbox")
    if values and all(isinstance(value, str) for value in values):
        return Choice(values, "dropdown")
    return Choice(values, "slider")


def _texts(values: tuple) -> list[str]:
    """Short numbers where they stay apart, the full ones where they do not."""
    texts = [
        f"{value:g}" if isinstance(value, float) else visible(str(value))
        for value in values
    ]
    if len(set(texts)) < len(texts):
        return [visible(str(value)) for value in values]
    return texts
