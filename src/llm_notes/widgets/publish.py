"""A result of a notebook for another page of the book.

The book's other pages show it by MyST-NB's directive `glue:any`. This writes what that
directive reads, so that notebooks need not import a program for building books, which
Colab does not have.
"""

from IPython.display import display

from llm_notes.widgets.explore import Explorer
from llm_notes.widgets.page import PageWidget

HIDDEN = "application/papermill.record/"


def publish(name: str, widget: PageWidget | Explorer) -> None:
    """Keep the HTML of an explorer under a name in the cell's output, unseen.

    Args:
        name: what the other page asks for.
        widget: its half without a kernel is kept.
    """
    metadata = {"scrapbook": {"name": name, "mime_prefix": HIDDEN}}
    display({f"{HIDDEN}text/html": widget.html}, raw=True, metadata=metadata)
