"""A figure as SVG text: small, free of dates, the same bytes for the same data.

It carries its own description: what `alternative` reads from it, as JSON in `<desc>`.
Knows nothing about what is drawn and changes no global setting.
"""

import io
import json
import re
from html import escape

import matplotlib as mpl
from matplotlib.figure import Figure

from llm_notes.viz.alternative import alternatives, as_data
from llm_notes.viz.style import RC_PARAMS, SVG_METADATA

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INDENTATION = re.compile(r"\n +<")
_PATH_DATA = re.compile(r'(<path d=")([^"]*)(")')
_DECIMALS = re.compile(r"(\.\d\d)\d+")


def figure_svg(figure: Figure, tight: bool = True) -> str:
    """Return the figure as one `<svg>` element, without XML prolog and metadata.

    `tight` crops to what is drawn; without it the picture has exactly the figure's
    size, which keeps the frames of a series in place. Characters that XML forbids
    (a NUL in a label) become U+FFFD, because one of them would break the picture.
    A `<desc>` after the opening tag holds a list of {"text", "head", "rows"}, one for
    each panel with data.
    """
    settings = {key: RC_PARAMS[key] for key in ("svg.fonttype", "svg.hashsalt")}
    buffer = io.StringIO()
    # savefig takes None for "as in rcParams", so "not tight" has to be said there too.
    settings["savefig.bbox"] = "tight" if tight else None
    with mpl.rc_context(settings):
        figure.savefig(buffer, format="svg", metadata=SVG_METADATA)
    text = _NOT_XML.sub("\ufffd", buffer.getvalue())
    text = _INDENTATION.sub("\n<", text[text.index("<svg ") :]).strip()
    text = _described(text, figure)
    # A hundredth of a point cannot be seen, and paths are most of a picture's bytes.
    # Markup characters are escaped in labels, so only real paths can match.
    return _PATH_DATA.sub(
        lambda path: path[1] + _DECIMALS.sub(r"\1", path[2]) + path[3], text
    )


def _described(svg: str, figure: Figure) -> str:
    """The picture with its description behind the opening tag."""
    panels = as_data(alternatives(figure))
    if not panels:
        return svg
    content = _NOT_XML.sub("\ufffd", json.dumps(panels, ensure_ascii=False))
    end = svg.index(">") + 1
    return f"{svg[:end]}\n<desc>{escape(content, quote=False)}</desc>{svg[end:]}"
