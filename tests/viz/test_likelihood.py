import matplotlib.pyplot as plt
import numpy as np
import pytest

from llm_notes.viz.likelihood import (
    plot_code_lengths,
    plot_divergence_gap,
    plot_jacobian,
    plot_likelihood_surface,
)

SHARES = np.array([0.5, 0.3, 0.2])
JACOBIAN = np.array([[0.25, -0.1, 0.0], [-0.2, 0.05, 0.1]])


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_code_lengths_add_up_at_the_ends_of_tokens():
    codes = {"letters": ([1, 2, 3], [2, 1, 4]), "_pair$s$": ([2, 3], [2.5, 4])}
    ax = plot_code_lengths("a b", codes)
    steps, ends, _, pair_ends = ax.get_lines()
    assert steps.get_xdata().tolist() == [0, 1, 2, 3]
    assert steps.get_ydata().tolist() == [0, 2, 3, 7]
    assert ends.get_ydata().tolist() == [2, 3, 7]
    assert pair_ends.get_xdata().tolist() == [2, 3]
    assert pair_ends.get_ydata().tolist() == [2.5, 6.5]
    assert legend_texts(ax) == list(codes)


def test_words_stand_below_the_middle_of_their_bytes():
    ax = plot_code_lengths("ab $c$.", {"model": ([2, 7], [3, 4])})
    assert ax.get_xticks().tolist() == [1, 5]
    labels = ax.get_xticklabels()
    assert [text.get_text() for text in labels] == ["ab", "$c$."]
    assert not any(text.get_parse_math() for text in labels)


@pytest.mark.parametrize(
    ("text", "ends", "bits", "message"),
    [
        ("né", [1, 2], [1, 1], "ASCII"),
        ("ab", [1], [1], "do not end where the text ends"),
        ("ab", [], [], "do not end where the text ends"),
        ("ab", [1, 2], [1], "one rising end"),
        ("ab", [2, 1], [1, 1], "one rising end"),
    ],
)
def test_tokens_that_do_not_make_up_the_text_are_refused(text, ends, bits, message):
    with pytest.raises(ValueError, match=message):
        plot_code_lengths(text, {"model": (ends, bits)})


def test_the_star_stands_at_the_logarithms_of_the_shares():
    path = [[0.0, 0.0, 0.0], [0.7, 0.3, 0.1]]
    ax = plot_likelihood_surface(SHARES, path, labels=["x", "y", "$z$"])
    descent, star = ax.get_lines()
    best = np.log(SHARES[:2] / SHARES[2])
    assert np.ravel(star.get_data()) == pytest.approx(best)
    assert np.stack(descent.get_data()) == pytest.approx(
        np.array([[0.0, 0.6], [0.0, 0.2]])
    )


def test_the_innermost_curve_goes_round_the_star():
    ax = plot_likelihood_surface(SHARES)
    (contours,) = [c for c in ax.collections if hasattr(c, "levels")]
    best = np.log(SHARES[:2] / SHARES[2])
    assert contours.get_paths()[0].contains_point(best)
    entropy = -(SHARES * np.log(SHARES)).sum()
    assert contours.levels[0] == pytest.approx(entropy + 0.01, abs=1e-3)


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.5, 0.5, 0.0], [0.5, 0.4, 0.4]])
def test_a_surface_needs_three_shares(shares):
    with pytest.raises(ValueError, match="three shares"):
        plot_likelihood_surface(shares)


def test_a_path_needs_three_logits():
    with pytest.raises(ValueError, match=r"\(M, 3\), got \(4, 2\)"):
        plot_likelihood_surface(SHARES, np.zeros((4, 2)))


def test_the_bar_is_the_divergence_and_the_line_the_entropy():
    p, q = 0.25, 0.5
    ax = plot_divergence_gap(p, q)
    curve, floor, bar, _ = ax.get_lines()
    entropy = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    assert floor.get_ydata() == pytest.approx([entropy, entropy])
    assert bar.get_xdata() == pytest.approx([q, q])
    assert bar.get_ydata() == pytest.approx([entropy, 1.0])
    assert min(curve.get_ydata()) == pytest.approx(entropy)
    assert "divergence: 0.189" in legend_texts(ax)


@pytest.mark.parametrize(("p", "q", "name"), [(0, 0.5, "p"), (0.5, 1, "q")])
def test_certain_coins_are_refused(p, q, name):
    with pytest.raises(ValueError, match=f"{name} must lie between 0 and 1"):
        plot_divergence_gap(p, q)


def test_rows_of_a_jacobian_are_outputs_and_values_are_printed():
    ax = plot_jacobian(JACOBIAN, ["p0", "p1"], ["z0", "z1", "$z_2$"])
    assert [t.get_text() for t in ax.get_yticklabels()] == ["p0", "p1"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["z0", "z1", "$z_2$"]
    assert [t.get_text() for t in ax.texts][:3] == ["+0.25", "-0.10", "+0.00"]


def test_zero_is_white_and_signs_differ_in_colour():
    image = plot_jacobian(JACOBIAN, "ab", "xyz").images[0]
    shades = image.to_rgba(image.get_array())
    assert shades[0, 2] == pytest.approx([1, 1, 1, 1], abs=0.01)
    assert shades[0, 0, 2] > shades[0, 0, 0]  # positive: more blue than red
    assert shades[1, 0, 2] < shades[1, 0, 0]


def test_a_jacobian_must_fit_its_labels():
    with pytest.raises(ValueError, match=r"shape \(2, 3\) does not fit 3 outputs"):
        plot_jacobian(JACOBIAN, "abc", "xy")


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plot_code_lengths("ab", {"m": ([1, 2], [1, 1])}, ax=ax),
        lambda ax: plot_likelihood_surface(SHARES, ax=ax),
        lambda ax: plot_divergence_gap(0.4, 0.6, ax=ax),
        lambda ax: plot_jacobian(JACOBIAN, "ab", "xyz", ax=ax),
    ],
)
def test_given_axes_leave_pyplot_alone(draw):
    mine, ax = plt.subplots()
    current = plt.figure()
    assert draw(ax) is ax
    assert plt.gcf() is current
    assert plt.get_fignums() == [mine.number, current.number]
