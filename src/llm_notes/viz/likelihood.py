"""Likelihood, drawn: the bits of a text, the bowl of a loss, the gap of a divergence.

Knows no model and no tokenizer: it takes numbers and labels.
"""

import re
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from llm_notes.viz.description import describe, number
from llm_notes.viz.jacobian import plot_jacobian
from llm_notes.viz.labels import literal_legend, visible
from llm_notes.viz.style import INK, MARKERS, PALETTE

__all__ = [
    "plot_code_lengths",
    "plot_divergence_gap",
    "plot_jacobian",
    "plot_likelihood_surface",
]


def plot_code_lengths(
    text: str, codes: Mapping[str, tuple], *, ax: Axes | None = None
) -> Axes:
    """Draw how the bits of a text add up, token by token, and return the Axes.

    text: its words stand below the horizontal axis, which counts bytes; so it must
        be ASCII, where a character is a byte.
    codes: {label: (ends, bits)}; ends (N,) is the number of bytes before the end of
        each token, rising to len(text); bits (N,) is what each token costs.

    Raises ValueError when the text is not ASCII or the tokens do not make it up.
    """
    if not text.isascii():
        raise ValueError(f"the text must be ASCII, one byte a character, got {text!r}")
    if ax is None:
        _, ax = plt.subplots()
    handles = []
    for i, (label, (ends, bits)) in enumerate(codes.items()):
        ends, bits = np.asarray(ends), np.asarray(bits, dtype=float)
        if ends.shape != bits.shape or (np.diff(ends) < 0).any():
            raise ValueError(f"{label!r} needs one rising end for each token's bits")
        if not len(ends) or ends[-1] != len(text):
            raise ValueError(f"the tokens of {label!r} do not end where the text ends")
        x = np.concatenate([[0], ends])
        y = np.concatenate([[0], np.cumsum(bits)])
        colour = PALETTE[i % len(PALETTE)]
        ax.step(x, y, where="pre", color=colour, linewidth=1.2)
        handles += ax.plot(
            ends, y[1:], linestyle="", marker=MARKERS[i % 6], color=colour,
            markersize=4.5,
        )  # fmt: skip
    literal_legend(ax, handles, list(codes), loc="upper left")
    words = list(re.finditer(r"\S+", text))
    ax.set_xticks([(word.start() + word.end()) / 2 for word in words])
    ax.set_xticklabels([visible(word[0]) for word in words], parse_math=False)
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(0, len(text) + 0.5)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("bytes of the text")
    ax.set_ylabel("bits so far")
    parts, rows = [], []
    for label, (ends, bits) in codes.items():
        total = np.cumsum(np.asarray(bits, dtype=float))
        parts.append(
            f"{visible(label, False)} {number(total[-1])} in {len(total)} tokens"
        )
        rows += [(label, *numbers) for numbers in zip(ends, total, strict=True)]
    text = f"Bits of '{text}' added up token by token: {'; '.join(parts)}."
    describe(ax, text, ("code", "bytes read", "bits so far"), rows)
    return ax


def plot_likelihood_surface(
    shares, path=None, *, labels: Sequence[str] = "abc", ax: Axes | None = None
) -> Axes:
    r"""Draw the mean negative log-likelihood of three tokens over two logits.

    $-\sum_v s_v \log p_v$ in nats, with $p = \mathrm{softmax}(z)$; softmax sees
    differences only, so the third logit is taken as 0. A star marks the minimum,
    $z_v = \log (s_v / s_3)$.

    shares: (3,) how often each token occurs in the data, more than 0, sum 1.
    path: (M, 3) logits of a descent, drawn as differences to the third.

    Raises ValueError for other shares or a path of another shape.
    """
    shares = np.asarray(shares, dtype=float)
    if shares.shape != (3,) or not (shares > 0).all() or abs(shares.sum() - 1) > 1e-6:
        raise ValueError(f"three shares above 0 with sum 1 are needed, got {shares}")
    if ax is None:
        _, ax = plt.subplots(figsize=(5.2, 3.8))
    best = np.log(shares[:2] / shares[2])
    x, y = (np.linspace(centre - 3, centre + 3, 80) for centre in best)
    z = np.stack([*np.meshgrid(x, y), np.zeros((80, 80))])  # (3, 80, 80)
    loss = np.log(np.exp(z).sum(0)) - np.tensordot(shares, z, 1)
    lines = ax.contour(
        x, y, loss, levels=loss.min() + np.geomspace(0.01, 3, 9), colors=INK,
        linewidths=0.7, alpha=0.75,
    )  # fmt: skip
    ax.clabel(lines, lines.levels[3::2], fmt="%.2f", fontsize=8)
    if path is not None:
        path = np.asarray(path, dtype=float)
        if path.ndim != 2 or path.shape[1] != 3:
            raise ValueError(f"the path must have shape (M, 3), got {path.shape}")
        ax.plot(
            path[:, 0] - path[:, 2], path[:, 1] - path[:, 2], color=PALETTE[1],
            marker="o", markersize=3.5, linewidth=1.2,
        )  # fmt: skip
    ax.plot(*best, marker="*", markersize=15, color=PALETTE[0], linestyle="")
    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(y[0], y[-1])
    names = [visible(label) for label in labels]
    ax.set_xlabel(f"logit of {names[0]} less logit of {names[2]}")
    ax.set_ylabel(f"logit of {names[1]} less logit of {names[2]}")
    _describe_surface(ax, best, loss.min(), path)
    return ax


def _describe_surface(ax: Axes, best, lowest: float, path) -> None:
    text = (
        f"Levels of the loss over two logits: a bowl with its minimum at "
        f"({number(best[0])}, {number(best[1])})."
    )
    head = ("step", "first logit less third", "second logit less third")
    rows = [("minimum", *best)]
    if path is not None:
        ways = path[:, :2] - path[:, 2:]  # (M, 2)
        end = float(np.hypot(*(ways[-1] - best)))
        text += (
            f" A path of {len(ways)} points runs from ({number(ways[0, 0])}, "
            f"{number(ways[0, 1])}) to {number(end)} beside it."
        )
        rows += [(str(i), *place) for i, place in enumerate(ways)]
    describe(ax, text, head, rows)


def plot_divergence_gap(p: float, q: float, *, ax: Axes | None = None) -> Axes:
    r"""Draw the cross-entropy of a coin as its entropy plus a gap.

    The curve is $H(p, q) = -p \log_2 q - (1 - p) \log_2 (1 - q)$ over all q, in bits;
    its lowest point is $H(p)$, at q = p; the bar at q is $D_{KL}(p \| q)$.

    p: chance of heads in the data; q: chance of heads in the model.

    Raises ValueError unless 0 < p < 1 and 0 < q < 1.
    """
    for name, value in (("p", p), ("q", q)):
        if not 0 < value < 1:
            raise ValueError(f"{name} must lie between 0 and 1, got {value}")
    if ax is None:
        _, ax = plt.subplots(figsize=(5.6, 3.4))

    def cross_entropy(q):
        return -p * np.log2(q) - (1 - p) * np.log2(1 - q)

    grid = np.linspace(0.01, 0.99, 99)
    entropy, cost = cross_entropy(p), cross_entropy(q)
    ax.plot(grid, cross_entropy(grid), color=PALETTE[0])
    ax.axhline(entropy, color=INK, linestyle=(0, (4, 3)), linewidth=1.2)
    ax.plot(
        [q, q], [entropy, cost], color=PALETTE[1], linewidth=4, solid_capstyle="butt"
    )
    ax.plot([q], [cost], marker="o", color=PALETTE[1], markersize=7)
    keys = [
        Line2D([], [], color=PALETTE[0]),
        Line2D([], [], color=INK, linestyle=(0, (4, 3)), linewidth=1.2),
        Line2D([], [], color=PALETTE[1], linewidth=4),
    ]
    names = ("cross-entropy", "entropy", "divergence")
    values = (cost, entropy, cost - entropy)
    texts = [f"{name}: {v:.3f}" for name, v in zip(names, values, strict=True)]
    ax.legend(keys, texts, loc="upper center", ncols=1)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 4)
    ax.set_xlabel("model's probability of heads, q")
    ax.set_ylabel("bits per toss")
    text = (
        f"Cross-entropy of a coin over the model's probability. At q = {number(q)} it "
        f"is {number(cost)} bits: entropy {number(entropy)} plus divergence "
        f"{number(cost - entropy)}. The lowest point is at q = p = {number(p)}."
    )
    rows = [(x, cross_entropy(x)) for x in [*grid[4::5], q]]
    describe(ax, text, ("q", "cross-entropy (bits)"), sorted(rows))
    return ax
