"""One text, cut in several ways: a row of cells for each way, letter above letter.

Each letter has a column of its own, so that cuts can be compared, and what a row does
not cover is seen to be lost. Knows no tokenizer: it takes a text and stretches of it.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from llm_notes.viz.description import describe
from llm_notes.viz.labels import visible
from llm_notes.viz.style import INK, PALE, PALETTE, QUIET_TEXT

# Neighbours take turns, so that two cells of one letter each are told apart.
CELLS = ({"facecolor": PALE}, {"facecolor": "white"})
UNKNOWN = {"facecolor": "white", "edgecolor": PALETTE[1], "hatch": "////"}
MAX_CHARACTERS = 48

# The first character, the one after the last, and whether the piece is known.
Piece = tuple[int, int, bool]


def plot_pieces(
    text: str, cuts: Mapping[str, Sequence[Piece]], *, ax: Axes | None = None
) -> Axes:
    """Draw how several tokenizers cut one text, and return the Axes.

    text: at most 48 characters, of one column each.
    cuts: for each row its name and its pieces (start, end, known) in the order of the
        text. Pieces that are not known are hatched. A space is drawn as "␣"; a
        character that no piece covers is grey and has no cell.

    Raises ValueError for an empty or a longer text, for no rows, and for pieces that
    are empty, overlap, or leave the text.
    """
    if not 0 < len(text) <= MAX_CHARACTERS or not cuts:
        raise ValueError(
            f"a text of 1 to {MAX_CHARACTERS} characters and one cut or more are "
            f"drawn; got {len(text)} characters and {len(cuts)} cuts"
        )
    for name, pieces in cuts.items():
        _require_in_order(name, pieces, len(text))
    if ax is None:
        _, ax = plt.subplots(figsize=(5.6, 0.4 + 0.36 * len(cuts)))
    for row, pieces in enumerate(cuts.values()):
        _draw_row(ax, row, text, pieces)
    _finish(ax, text, cuts)
    return ax


def _draw_row(ax: Axes, row: int, text: str, pieces: Sequence[Piece]) -> None:
    is_known: dict[int, bool] = {}  # of the characters that a piece covers
    for i, (start, end, known) in enumerate(pieces):
        look = {"edgecolor": INK} | CELLS[i % 2] if known else UNKNOWN
        width = end - start - 0.08
        ax.add_patch(
            Rectangle((start + 0.04, row - 0.36), width, 0.72, linewidth=0.6, **look)
        )
        is_known |= dict.fromkeys(range(start, end), known)
    size = max(7.0, min(10.0, 330 / len(text)))
    for column, character in enumerate(text):
        drawn = ax.text(
            column + 0.5, row, visible(character), ha="center", va="center",
            fontsize=size, color=INK if column in is_known else QUIET_TEXT,
            parse_math=False,
        )  # fmt: skip
        drawn.set_in_layout(False)  # it lies inside its cell: nothing to measure
        if not is_known.get(column, True):
            drawn.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.6})


def _finish(ax: Axes, text: str, cuts: Mapping[str, Sequence[Piece]]) -> None:
    ax.set_xlim(0, len(text))
    ax.set_ylim(len(cuts) - 0.5, -0.5)
    ax.set_xticks([])
    ax.set_yticks(range(len(cuts)))
    names = [f"{visible(name)}: {len(pieces)}" for name, pieces in cuts.items()]
    ax.set_yticklabels(names, parse_math=False)
    ax.tick_params(axis="y", length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    if any(not known for pieces in cuts.values() for _, _, known in pieces):
        ax.legend(
            [Patch(**UNKNOWN)], ["unknown"], loc="upper right",
            bbox_to_anchor=(1, 0), fontsize=9, handlelength=1.2,
        )  # fmt: skip
    counts = ", ".join(f"{len(pieces)} by {name}" for name, pieces in cuts.items())
    rows = [
        (name, len(pieces), " | ".join(visible(text[a:b]) for a, b, _ in pieces))
        for name, pieces in cuts.items()
    ]
    describe(
        ax,
        f"One text in pieces, a row for each way to cut it: {counts}.",
        ("cut", "pieces", "text of the pieces"),
        rows,
    )


def _require_in_order(name: str, pieces: Sequence[Piece], length: int) -> None:
    place = 0
    for start, end, _ in pieces:
        if not place <= start < end <= length:
            raise ValueError(
                f"the piece from {start} to {end} of {name!r} does not fit: pieces "
                f"follow each other within the text's {length} characters"
            )
        place = end
