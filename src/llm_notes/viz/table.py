"""A table of results, as Markdown: what a cell computed, in the page's own type.

Measured numbers are shown with three significant digits (very small and very large ones
with a power of ten), whole numbers with their thousands parted.
Knows no formats but these; a cell that needs another gives text.
"""

from collections.abc import Iterable
from numbers import Integral, Real


class Table:
    """Rows below a header; a notebook shows it as a table, ``str`` as Markdown.

    Raises:
        ValueError: when a column has no name, a row has another length than the header,
            or one argument holds several rows.
    """

    def __init__(self, header: Iterable[object], rows: Iterable[Iterable[object]]):
        cells = [list(row) for row in (header, *rows)]
        self.rows = [[shown(cell) for cell in row] for row in cells]
        if not all(name.strip() for name in self.rows[0]):
            raise ValueError(
                f"a column of {self.rows[0]} has no name; give it one: who listens to "
                "the page hears it before each cell"
            )
        for row in cells:
            if row and all(isinstance(cell, list | tuple) for cell in row):
                raise ValueError(
                    f"a row of lists: {row}; pass each row as an argument of its own: "
                    "table(header, *rows)"
                )
        for row in self.rows:
            if len(row) != len(self.rows[0]):
                raise ValueError(
                    f"a row has {len(row)} cells, the header has {len(self.rows[0])}: "
                    f"{row}; give each row one cell for each column"
                )

    def __str__(self) -> str:
        head, *rows = (f"| {' | '.join(row)} |" for row in self.rows)
        return "\n".join([head, "|---" * len(self.rows[0]) + "|", *rows])

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return str(self)


def table(header: Iterable[object], *rows: Iterable[object]) -> Table:
    """``table(["model", "bits per byte"], ["GPT", 1.619])``: one argument a row."""
    return Table(header, rows)


def shown(cell: object) -> str:
    """A cell's text: ``1234567`` as ``1,234,567``, ``0.5`` as ``0.500``."""
    if getattr(cell, "ndim", None) == 0:  # a tensor of one number
        cell = cell.item()
    if isinstance(cell, Integral) and not isinstance(cell, bool):
        return f"{int(cell):,}"
    if isinstance(cell, Real) and not isinstance(cell, bool):
        value = float(cell)
        if 100 <= abs(value) < 1e7:
            return f"{value:,.0f}"
        if not value or 0.001 <= abs(value) < 100:
            return f"{value:#.3g}".rstrip(".")  # 99.99 is 100
        # A line may end after a hyphen, but not after a minus.
        return f"{value:.2e}" if abs(value) > 1 else f"{value:.1e}".replace("e-", "e−")
    # A bar would end the cell.
    return str(cell).replace("|", "\\|").replace("\n", " ")
