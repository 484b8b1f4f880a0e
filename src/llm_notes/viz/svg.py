"""A figure as SVG text: small, free of dates, the same bytes for the same data.

Knows nothing about what is drawn and changes no global setting.
"""

import io
import re

import matplotlib as mpl
from matplotlib.figure import Figure

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
    """
    settings = {key: RC_PARAMS[key] for key in ("svg.fonttype", "svg.hashsalt")}
    buffer = io.StringIO()
    # savefig takes None for "as in rcParams", so "not tight" has to be said there too.
    settings["savefig.bbox"] = "tight" if tight else None
    with mpl.rc_context(settings):
        figure.savefig(buffer, format="svg", metadata=SVG_METADATA)
    text = _NOT_XML.sub("\ufffd", buffer.getvalue())
    text = _INDENTATION.sub("\n<", text[text.index("<svg ") :]).strip()
    # A hundredth of a point cannot be seen, and paths are most of a picture's bytes.
    # Markup characters are escaped in labels, so only real paths can match.
    return _PATH_DATA.sub(
        lambda path: path[1] + _DECIMALS.sub(r"\1", path[2]) + path[3], text
    )
