"""Figures in a notebook: the book's look, as SVG that says what it shows.

Knows nothing about what is drawn.
"""

from matplotlib.figure import Figure

from llm_notes.viz.style import SVG_METADATA, set_style
from llm_notes.viz.svg import figure_svg


def use_style() -> None:
    """Give every figure drawn from here on the book's look.

    Sets matplotlib's rcParams; in IPython it also makes inline figures SVG that carries
    its own description (see `figure_svg`). The same data then gives the same bytes: ids
    are salted with a constant and no date is written.
    """
    set_style()
    try:
        from IPython import get_ipython
        from matplotlib_inline.config import InlineBackend
    except ImportError:
        return
    shell = get_ipython()
    if shell is None:
        return
    # On the configuration object, not with set_matplotlib_formats(): the backend reads
    # it again when the first figure is made and would go back to PNG.
    config = InlineBackend.instance(parent=shell)
    config.shell = shell
    config.print_figure_kwargs = {"bbox_inches": "tight", "metadata": SVG_METADATA}
    config.figure_formats = {"svg"}

    def describe_figures(*_: object) -> None:
        """The backend puts its own function here when the first figure is made."""
        formatter = shell.display_formatter.formatters["image/svg+xml"]
        formatter.for_type(Figure, figure_svg)

    describe_figures()
    # After the code of a cell and before the backend shows its figures. The first one
    # registered is called first, and the backend's own comes with the first figure.
    if not getattr(shell, "_llm_notes_describes", False):
        shell.events.register("post_execute", describe_figures)
        shell._llm_notes_describes = True
