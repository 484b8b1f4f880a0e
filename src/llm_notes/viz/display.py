"""One output of a cell that is replaced in place, in Jupyter.

Elsewhere there is none: a terminal rewrites its line, and a file keeps the last one.
"""

import sys
from typing import Any


def in_jupyter() -> bool:
    """Whether a Jupyter kernel runs this, without importing IPython where none does."""
    ipython = sys.modules.get("IPython")
    return hasattr(ipython.get_ipython() if ipython else None, "kernel")


class PlainText(str):
    """Text that Jupyter shows without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Display:
    """Shows one thing after the other in the same place; the built page keeps the last.

    Use it where `in_jupyter()`.
    """

    def __init__(self) -> None:
        self._handle = None

    def show(self, thing: Any) -> None:
        """Show a figure, a text, or anything that Jupyter can, instead of the last."""
        from IPython.display import display

        if self._handle is None:
            self._handle = display(thing, display_id=True)
        else:
            self._handle.update(thing)
