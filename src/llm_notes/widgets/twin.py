"""The half of an explorer that needs no kernel: self-contained HTML.

Knows no figure function: it gets controls and finished frames. The output carries its
own scripts and style sheets, asks no host for anything, and holds no global id, so any
number of explorers can share a page.
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files

from llm_notes.widgets.controls import Control
from llm_notes.widgets.frames import Frame, frame_html
from llm_notes.widgets.twin_controls import control_html

_STYLES = ("core/core.css", "explore.css")
_SCRIPTS = (
    "core/dom.js",
    "core/fragment.js",
    "explore/nearest.js",
    "explore/fields.js",
    "explore/buttons.js",
    "explore/pictures.js",
    "explore.js",
)

_ESCAPED = re.compile(
    "<(?=[!?]|/?script|/?style)|[\u2028\u2029\ud800-\udfff]", re.IGNORECASE
)


def twin_html(
    controls: Sequence[Control],
    frames: Sequence[Frame],
    descriptions: Sequence[str],
    title: str,
    compared: int | None = None,
) -> str:
    """Return the explorer as HTML.

    frames, descriptions: one per combination of values, the last control changing
    fastest. Equal frames are stored once. The first view is in the markup, so it is
    seen without JavaScript too.
    compared: the place of the control whose values stand side by side.
    """
    first = [(frames[i], descriptions[i]) for i in _start_views(controls, compared)]
    pictures = _frame_html(first, controls, compared)
    data = _json_in_html(_data(controls, frames, descriptions, title, compared))
    size = len((pictures + data).encode("utf-8"))
    parts = [
        f'<div class="llm-explore" data-llm-explore '
        f'data-llm-key="{_key(title, controls)}" role="group" '
        f'aria-label="{escape(title)}"><div class="llm-widget">',
        *[f"<style{_part(name)}>{_static(name)}</style>" for name in _STYLES],
        '<div class="llm-explore-controls">',
        *[control_html(c) for i, c in enumerate(controls) if i != compared],
        "</div>",
        pictures,
        '<div class="llm-explore-foot">'
        f'<span class="llm-quiet">{_size_text(frames, size)}</span></div>',
        "<noscript><p>The controls need JavaScript.</p></noscript>",
        f'<script type="application/json">{data}</script>',
        *[f"<script{_part(name)}>{_static(name)}</script>" for name in _SCRIPTS],
        "<script>llmNotes.explore.start();</script>",
        "</div></div>",
    ]
    return "\n".join(parts)


def _start_views(controls: Sequence[Control], compared: int | None) -> list[int]:
    """The view seen first; with a compared control one for each of its values."""
    places = 1 if compared is None else len(controls[compared].values)
    views = [0] * places
    for i, control in enumerate(controls):
        for j in range(places):
            index = j if i == compared else control.start
            views[j] = views[j] * len(control.values) + index
    return views


def _data(controls, frames, descriptions, title, compared) -> dict:
    unique = {frame: i for i, frame in enumerate(dict.fromkeys(frames))}
    texts = {text: i for i, text in enumerate(dict.fromkeys(descriptions))}
    # The script takes the frames of the start from the markup: stored once.
    in_markup = {frames[i] for i in _start_views(controls, compared)}
    tables = [
        frame.numbers and {"head": frame.numbers.head, "rows": frame.numbers.rows}
        for frame in unique
    ]
    return {
        "title": title,
        "names": [control.name for control in controls],
        "labels": [control.label for control in controls],
        "texts": [control.texts for control in controls],
        "start": [control.start for control in controls],
        "compare": compared,
        "views": [
            [unique[frame], texts[text]]
            for frame, text in zip(frames, descriptions, strict=True)
        ],
        "frames": [
            None if frame in in_markup else {frame.kind: frame.content}
            for frame in unique
        ],
        "numbers": tables if any(tables) else None,
        "descriptions": list(texts),
    }


def _json_in_html(data) -> str:
    """JSON in which nothing can end the element that holds it.

    Inside a script only "<" can mean anything, and only before what `_ESCAPED` lists.
    The others stay, since each escape is five bytes and pictures are full of them. A
    lone surrogate has no UTF-8; as an escape it arrives as it is.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


@cache
def _static(name: str) -> str:
    path = files("llm_notes.widgets").joinpath("static", *name.split("/"))
    return path.read_text("utf-8").strip()


def _part(name: str) -> str:
    """Marks an element that a page with several explorers needs only once."""
    return f' data-llm-part="{name}"'


def _key(title: str, controls: Sequence[Control]) -> str:
    """A short name for the address: the title's first words, or the controls' names."""
    for text in (title, "-".join(control.name for control in controls)):
        words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
        if words:
            return (
                words
                if len(words) <= 32
                else words[:33].rpartition("-")[0] or words[:32]
            )
    return "view"


def _size_text(frames: Sequence[Frame], size: int) -> str:
    """How much there is to see, as in "36 pictures, 214 kB"."""
    unique = set(frames)
    noun = "text" if all(frame.kind == "text" for frame in unique) else "picture"
    noun += "s" * (len(unique) > 1)
    views = f"{len(frames)} views, " if len(unique) < len(frames) else ""
    return f"{views}{len(unique)} {noun}, {max(1, round(size / 1000)):,} kB"


def _frame_html(views, controls: Sequence[Control], compared: int | None) -> str:
    """The pictures of the start; each stands in an element of its own."""
    pictures = [
        f'<div class="llm-explore-picture">{frame_html(*view)}</div>' for view in views
    ]
    if compared is None:
        return f'<div class="llm-explore-frame">{pictures[0]}</div>'
    control = controls[compared]
    figures = [
        f"<figure><figcaption>{escape(f'{control.label} {text}')}</figcaption>"
        f"{picture}</figure>"
        for text, picture in zip(control.texts, pictures, strict=True)
    ]
    return f'<div class="llm-explore-frame llm-explore-many">{"".join(figures)}</div>'
