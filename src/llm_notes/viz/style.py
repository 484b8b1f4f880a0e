"""One look for every figure: colours, sizes, fonts and repeatable SVG.

Knows nothing about what is drawn. Figures have a white face; the site turns them
with a CSS filter in its dark theme, so the colours are chosen to stay legible, and
apart from each other for colour-blind readers, on both sides of that filter.
"""

import warnings

import matplotlib as mpl
from matplotlib.colors import LinearSegmentedColormap

# Okabe and Ito's colour-blind-safe hues (2008). Their light members (yellow, orange,
# sky blue) are hard to see on white: brown stands in for them, and the others are a
# shade darker. Contrast with the page is 4.5:1 or more in both themes: also for text.
PALETTE = ("#0072B2", "#C24F00", "#00794F", "#A8478A", "#222222", "#6E4B00")

# A second sign beside each colour, for readers and printers without colours.
MARKERS = "osD^vP"
LINES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (8, 3)), (0, (3, 3)))

# Ink for axes and text, grey for text and lines of less weight (4.5:1, 3:1), and the
# fill of cells that a mask has switched off, which lines of the second grey strike.
INK = "#333333"
QUIET_TEXT = "#6B6B6B"
QUIET = "#8C8C8C"
MASKED = "#D9D9D9"
# A surface that carries dark text: pale blue.
PALE = "#C9E0F0"

# Weight 0 is exactly the page's white; lightness falls all the way to weight 1.
ATTENTION_COLOURS = LinearSegmentedColormap.from_list(
    "llm_notes_attention", ["#ffffff", "#b5d4e9", "#5ba3cf", "#1d6aae", "#08306b"]
)

# Without these four entries matplotlib writes no metadata block: no date (two runs
# give the same bytes) and some 600 bytes less in each picture.
SVG_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}

RC_PARAMS = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": 11,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": mpl.cycler(color=PALETTE),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    # 5.6 inches are 538 CSS pixels: close to a page's text column, and on a 360-pixel
    # phone 11-point text is still 9 pixels high.
    "figure.figsize": (5.6, 3.2),
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "sans-serif"],
    "font.size": 11,
    "hatch.linewidth": 0.8,
    "image.cmap": ATTENTION_COLOURS.name,
    "image.interpolation": "none",
    "legend.fontsize": 10,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "mathtext.fontset": "dejavusans",
    "savefig.bbox": "tight",
    "savefig.facecolor": "white",
    "svg.fonttype": "none",
    "svg.hashsalt": "llm-notes",
    "text.color": INK,
    "xtick.color": INK,
    "xtick.labelsize": 10,
    "ytick.color": INK,
    "ytick.labelsize": 10,
}


def set_style() -> None:
    """Give every figure drawn from here on the book's look: matplotlib's rcParams.

    Text stays text in the SVG (`svg.fonttype` "none") instead of becoming outlines.
    Pictures are a half to a third of the size, and scripts that matplotlib's own font
    lacks (Chinese tokens) are drawn by the reader's fonts instead of as empty boxes.
    The price: widths depend on those fonts. Space is measured with DejaVu Sans, which
    is wider than the usual sans-serif faces, so labels get shorter, never longer.
    """
    if ATTENTION_COLOURS.name not in mpl.colormaps:
        mpl.colormaps.register(ATTENTION_COLOURS)
    mpl.rcParams.update(RC_PARAMS)
    # Matplotlib warns while it measures; the browser that draws does have the glyph.
    warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from")
