"""An explorer that draws itself: JavaScript in the page, Python behind it in a kernel.

One object, two halves, as `explore` has them. Without a kernel its HTML carries the
scripts, the data and a text for readers without scripts. In a kernel anywidget runs the
same scripts, and they may ask a Python function. Knows no explorer: each is a kind (the
name of a function in `llmNotes.widgets`), a dictionary of data and a list of scripts.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

from llm_notes.viz.labels import visible

MAX_BYTES = 2_500_000
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_CORE = ("core/dom.js", "core/fragment.js", "core/start.js")
_STYLE = ("core/core.css",)


class WidgetTooLargeError(ValueError):
    """An explorer's scripts and data are too many bytes for a page."""


class PageWidget:
    """An explorer; the last expression of a cell shows it.

    Args:
        kind: name of the function in `llmNotes.widgets` that draws it.
        data: what it draws; anything that JSON can hold.
        title: its name for those who hear the page.
        description: what is seen, from the data, for those who do not see it.
        scripts: files below `static/`, in the order in which they are loaded, besides
            the core.
        styles: style sheets below `static/`, besides the core's.
        files: JSON texts by name, for what is large and not always needed, such as
            a model. The page asks for one when it needs it.
        answer: called in a kernel with each request of the page (a dictionary); returns
            a dictionary. None when the page needs no Python.
        max_bytes: the largest HTML allowed.

    Raises:
        ValueError: when the data holds what JSON cannot, or a text is empty.
        WidgetTooLargeError: when the HTML is larger than allowed.
    """

    def __init__(
        self,
        kind: str,
        data: Mapping[str, Any],
        *,
        title: str,
        description: str,
        scripts: Sequence[str],
        styles: Sequence[str] = (),
        files: Mapping[str, str] | None = None,
        answer: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        if not title.strip() or not description.strip():
            raise ValueError(
                "an explorer needs a title and a description for readers who cannot "
                "see it: pass both"
            )
        self.kind, self.title = kind, visible(title.strip(), edges=False)
        self.description = visible(description.strip(), edges=False)
        self._answer, self._live = answer, None
        self._data = in_html(as_json(data))
        self._files = {name: in_html(text) for name, text in (files or {}).items()}
        self._scripts = tuple(dict.fromkeys((*_CORE, *scripts)))
        self._styles = tuple(dict.fromkeys((*_STYLE, *styles)))
        self.html = self._page_html()
        self.size_bytes = len(self.html.encode("utf-8"))
        if self.size_bytes > max_bytes:
            raise WidgetTooLargeError(
                f"{self.size_bytes:,} bytes, of which {self._n_data_bytes:,} are data; "
                f"at most {max_bytes:,} are allowed. Show fewer things, or raise "
                "max_bytes"
            )

    @property
    def _n_data_bytes(self) -> int:
        return len(self._data) + sum(map(len, self._files.values()))

    @property
    def key(self) -> str:
        """Names the explorer's state in the address of the page."""
        plain = re.sub(r"[^a-z0-9]+", "-", self.title.lower())
        return plain[:40].strip("-") or self.kind

    @property
    def live(self) -> anywidget.AnyWidget:
        """The half in a kernel, made when it is first asked for."""
        if self._live is None:
            self._live = _LiveWidget(
                _esm=_module(self._scripts),
                _css=_joined(self._styles),
                kind=self.kind,
                data=self._data,
                files=self._files,
                title=self.title,
                key=self.key,
                answers=self._answer is not None,
            )
            self._live.on_msg(self._receive)
        return self._live

    def _receive(self, widget, message, _buffers) -> None:
        """Answer one request; what the function raises becomes its answer."""
        if self._answer is None or not isinstance(message, dict):
            return
        reply: dict[str, Any] = {"id": message.get("id")}
        try:
            # Through JSON: what the page gets is what the tests of both halves compare.
            reply["answer"] = json.loads(as_json(self._answer(message["request"])))
        except Exception as error:
            reply["error"] = f"{type(error).__name__}: {error}"
        widget.send(reply)

    def _page_html(self) -> str:
        return "\n".join(
            [
                f'<div class="llm-widget" data-llm-kind="{escape(self.kind)}" '
                f'data-llm-key="{self.key}" role="group" '
                f'aria-label="{escape(self.title)}">',
                *[f"<style{_part(n)}>{_static(n)}</style>" for n in self._styles],
                f'<div class="llm-mount"><p>{escape(self.description)}</p></div>',
                "<noscript><p>Playing with this needs JavaScript.</p></noscript>",
                f'<script type="application/json" data-llm-data>{self._data}</script>',
                *[
                    f'<script type="application/json" data-llm-file="{escape(name)}">'
                    f"{text}</script>"
                    for name, text in self._files.items()
                ],
                *[f"<script{_part(n)}>{_static(n)}</script>" for n in self._scripts],
                "<script>llmNotes.start();</script>",
                "</div>",
            ]
        )

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, Any]:
        bundle = {"text/plain": repr(self), "text/html": self.html}
        model_id = self.live.model_id
        if model_id is not None:
            bundle[WIDGET_VIEW] = {
                "version_major": 2,
                "version_minor": 0,
                "model_id": model_id,
            }
        return bundle

    def __repr__(self) -> str:
        return f"PageWidget({self.title}; {self.size_bytes:,} bytes)"


class _LiveWidget(anywidget.AnyWidget):
    """What the kernel and the page share; see `static/core/start.js`."""

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)
    kind = traitlets.Unicode().tag(sync=True)
    data = traitlets.Unicode().tag(sync=True)
    files = traitlets.Dict().tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    key = traitlets.Unicode().tag(sync=True)
    answers = traitlets.Bool().tag(sync=True)


def as_json(data: Mapping[str, Any]) -> str:
    """Compact JSON. Raises ValueError for NaN, infinities and what is no JSON."""
    try:
        return json.dumps(
            data, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"an explorer's data has to be JSON with finite numbers: {error}"
        ) from error


def in_html(text: str) -> str:
    """JSON in which no character can end the element that holds it."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    # A lone surrogate has no UTF-8; as an escape it arrives as it is.
    return re.sub(r"[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


@cache
def _static(name: str) -> str:
    text = files("llm_notes.widgets").joinpath("static", *name.split("/"))
    return text.read_text("utf-8").strip()


def _part(name: str) -> str:
    """Marks an element that a page with several explorers needs only once."""
    return f' data-llm-part="{name}"'


def _joined(names: Sequence[str]) -> str:
    return "\n".join(_static(name) for name in names)


def _module(scripts: Sequence[str]) -> str:
    """All scripts as one module, in the form that anywidget loads."""
    return _joined(scripts) + "\nexport default { render: globalThis.llmNotes.render };"
