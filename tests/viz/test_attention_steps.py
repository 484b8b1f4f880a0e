import matplotlib.pyplot as plt
import numpy as np
import pytest

from llm_notes.viz.attention_steps import plot_matrix_product, plot_softmax_sharpness

LEFT = np.array([[1.0, 2, 0, 3], [0, 1, 1, 0]])  # (2, 4)
RIGHT = np.arange(12.0).reshape(4, 3)
LABELS = {
    "names": ("left", "right", "product"),
    "letters": "TKS",
    "rows": ["cat", "$x$_1"],
    "columns": ["a", "b", " c"],
}


def drawn_texts(ax):
    return [text.get_text() for text in ax.texts]


def test_every_number_of_the_three_matrices_is_printed():
    ax = plot_matrix_product(LEFT, RIGHT, LEFT @ RIGHT, **LABELS)
    texts = drawn_texts(ax)
    for matrix in (LEFT, RIGHT, LEFT @ RIGHT):
        for value in matrix.ravel():
            assert f"{value:.0f}" in texts
    assert len(ax.patches) == LEFT.size + RIGHT.size + 6


def test_a_matrix_with_fractions_shows_two_decimals():
    ax = plot_matrix_product(LEFT / 8, RIGHT, LEFT @ RIGHT / 8, **LABELS)
    assert "0.38" in drawn_texts(ax)


def test_each_edge_carries_the_letter_of_its_axis():
    ax = plot_matrix_product(LEFT, RIGHT, LEFT @ RIGHT, **LABELS)
    letters = [text for text in drawn_texts(ax) if text in ("T", "K", "S")]
    assert sorted(letters) == ["K", "K", "S", "S", "T", "T"]


def test_dollar_signs_in_labels_start_no_formula():
    ax = plot_matrix_product(LEFT, RIGHT, LEFT @ RIGHT, **LABELS)
    (label,) = [text for text in ax.texts if text.get_text() == "$x$_1"]
    assert not label.get_parse_math()
    assert "␣c" in drawn_texts(ax)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"right": RIGHT[:3]}, "does not make"),
        ({"product": LEFT @ RIGHT[:, :2]}, "does not make"),
        ({"left": LEFT[0]}, "draws matrices"),
        ({"letters": "TK"}, "three axis letters"),
        ({"rows": ["one"]}, "labels do not fit"),
        ({"columns": ["one"]}, "labels do not fit"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    given = {"left": LEFT, "right": RIGHT, "product": LEFT @ RIGHT} | LABELS | change
    with pytest.raises(ValueError, match=message):
        plot_matrix_product(**given)


def test_bars_and_curves_show_the_numbers_given():
    raw, scaled = [0.9, 0.1, 0.0], [0.5, 0.3, 0.2]
    sizes, raw_bits, scaled_bits = [4, 64], [0.9, 0.2], [1.2, 1.3]
    figure = plot_softmax_sharpness(raw, scaled, sizes, raw_bits, scaled_bits, 64)
    bars, curves = figure.axes
    heights = [bar.get_height() for bar in bars.patches]
    assert heights == pytest.approx(raw + scaled)
    lines = [list(line.get_ydata()) for line in curves.get_lines()[:2]]
    assert lines == [raw_bits, scaled_bits]
    uniform, chosen = curves.get_lines()[2:]
    assert uniform.get_ydata()[0] == pytest.approx(np.log2(3))
    assert chosen.get_xdata()[0] == 64
    plt.close(figure)


def test_weights_and_curves_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="one length"):
        plot_softmax_sharpness([1.0], [0.5, 0.5], [4], [0], [1], 4)
    with pytest.raises(ValueError, match="2 sizes"):
        plot_softmax_sharpness([1.0, 0], [0.5, 0.5], [4, 8], [0], [1, 1], 4)
