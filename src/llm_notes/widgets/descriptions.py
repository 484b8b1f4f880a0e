"""What is seen in each view of an explorer, in words.

Knows controls and frames, and how neither is shown.
"""

from collections.abc import Callable, Sequence

from llm_notes.viz.labels import visible
from llm_notes.widgets.controls import Control
from llm_notes.widgets.frames import Frame

Describe = Callable[[dict, Frame], str]


def describer(
    figure_function: Callable,
    alt: str | Callable[..., str] | None,
    controls: Sequence[Control],
) -> tuple[str, Describe]:
    """Return the title of an explorer and the function that describes a view.

    alt: the author's sentence, or a function(**values). Without one the first line of
    the figure function's docstring speaks, and without that the picture's own text.

    Raises ValueError when `alt` is empty; the function raises it for a view of which
    nothing is said anywhere.
    """
    labels = ", ".join(control.label for control in controls)
    if callable(alt):
        return labels, lambda values, frame: visible(alt(**values), edges=False)
    if alt is None:
        doc = (getattr(figure_function, "__doc__", None) or "").strip()
        alt = doc.split("\n")[0].rstrip(".")
    elif not isinstance(alt, str) or not alt.strip():
        raise _missing()
    sentence = visible(alt.strip(), edges=False)

    def describe(values: dict, frame: Frame) -> str:
        said = sentence or frame.text.rstrip(".")
        if not said:
            raise _missing()
        shown = (
            f"{c.label} {c.texts[c.values.index(values[c.name])]}" for c in controls
        )
        return f"{said} ({', '.join(shown)})"

    return sentence or labels, describe


def _missing() -> ValueError:
    return ValueError(
        "explore needs a description for readers who cannot see the picture: pass "
        "alt='what is seen', or give the figure function a docstring"
    )
