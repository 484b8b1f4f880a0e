"""The half of an explorer that needs no kernel: self-contained HTML.

Knows no figure function: it gets controls and finished frames. The output carries
its own small script and style sheet, asks no host for anything, and holds no global
id, so any number of explorers can share a page.
"""

import json
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files

from llm_notes.widgets.controls import Control
from llm_notes.widgets.frames import Frame, frame_html


@cache
def _static(name: str) -> str:
    text = files("llm_notes.widgets").joinpath("static", name).read_text("utf-8")
    return text.strip()


def twin_html(
    controls: Sequence[Control],
    frames: Sequence[Frame],
    descriptions: Sequence[str],
    title: str,
) -> str:
    """Return the explorer as HTML.

    frames, descriptions: one per combination of values, the last control changing
    fastest. Equal frames are stored once. The first view is in the markup, so it is
    seen without JavaScript too.
    """
    start = 0
    for control in controls:
        start = start * len(control.values) + control.start
    unique = {frame: i for i, frame in enumerate(dict.fromkeys(frames))}
    texts = {text: i for i, text in enumerate(dict.fromkeys(descriptions))}
    data = {
        "texts": [control.texts for control in controls],
        "views": [
            [unique[frame], texts[text]]
            for frame, text in zip(frames, descriptions, strict=True)
        ],
        # The script reads the frame of the start from the markup: stored once.
        "frames": [
            None if frame == frames[start] else {frame.kind: frame.content}
            for frame in unique
        ],
        "descriptions": list(texts),
    }
    return "\n".join(
        [
            f'<div class="llm-explore" data-llm-explore role="group" '
            f'aria-label="{escape(title)}">',
            f"<style>{_static('explore.css')}</style>",
            '<div class="llm-explore-controls">',
            *[_control_html(control) for control in controls],
            "</div>",
            f'<div class="llm-explore-frame">'
            f"{frame_html(frames[start], descriptions[start])}</div>",
            '<p class="llm-explore-status" role="status"></p>',
            "<noscript><p>The controls need JavaScript.</p></noscript>",
            f'<script type="application/json">{_json_in_html(data)}</script>',
            f"<script>{_static('explore.js')}</script>",
            "</div>",
        ]
    )


def _json_in_html(data) -> str:
    """JSON in which no character can end the element that holds it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _control_html(control: Control) -> str:
    name = f"<span>{escape(control.label)}</span>"
    text = escape(control.texts[control.start])
    if control.kind == "checkbox":
        checked = " checked" if control.start else ""
        field = f'<input type="checkbox" autocomplete="off"{checked}>'
        return f'<div class="llm-explore-control"><label>{field} {name}</label></div>'
    if control.kind == "dropdown":
        options = "".join(
            f"<option{' selected' if i == control.start else ''}>{escape(t)}</option>"
            for i, t in enumerate(control.texts)
        )
        field = f'<select autocomplete="off">{options}</select>'
        return f'<div class="llm-explore-control"><label>{name} {field}</label></div>'
    field = (
        f'<input type="range" min="0" max="{len(control.values) - 1}" step="1" '
        f'value="{control.start}" aria-valuetext="{text}" autocomplete="off">'
    )
    # The slider's own value text is read aloud; the output is its picture.
    return (
        f'<div class="llm-explore-control"><label>{name} {field}</label> '
        f'<output aria-live="off">{text}</output></div>'
    )
