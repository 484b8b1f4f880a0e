import matplotlib.pyplot as plt
import numpy as np
import pytest

from llm_notes.viz import plot_bars, plot_token_distribution

LABELS = ["a", "_b$c$", " the", "\n", "e"]
PROBABILITIES = np.array([0.1, 0.4, 0.25, 0.05, 0.2])


def tick_labels(ax):
    return [text.get_text() for text in ax.get_yticklabels()]


def test_the_most_probable_tokens_come_first_with_their_numbers():
    ax = plot_token_distribution(PROBABILITIES, LABELS, top=3)
    assert tick_labels(ax) == ["_b$c$", "␣the", "e"]
    assert not any(text.get_parse_math() for text in ax.get_yticklabels())
    widths = [bar.get_width() for bar in ax.containers[0]]
    assert widths == pytest.approx([0.4, 0.25, 0.2])
    assert [text.get_text() for text in ax.texts] == ["0.400", "0.250", "0.200"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_the_axis_says_what_the_other_tokens_share():
    ax = plot_token_distribution(PROBABILITIES, LABELS, top=3)
    assert ax.get_xlabel() == "probability (the other 2 tokens share 0.150)"
    ax = plot_token_distribution(PROBABILITIES, LABELS, top=4)
    assert ax.get_xlabel() == "probability (the other 1 token has 0.050)"
    assert plot_token_distribution(PROBABILITIES, LABELS).get_xlabel() == "probability"


def test_equal_probabilities_stay_in_vocabulary_order():
    assert tick_labels(plot_token_distribution([0.25] * 4, list("dbca"))) == list(
        "dbca"
    )


def test_removed_tokens_differ_by_more_than_colour():
    ax = plot_token_distribution(PROBABILITIES, LABELS, kept=PROBABILITIES > 0.15)
    hatches = [bar.get_hatch() for bar in ax.containers[0]]
    assert hatches == [None, None, None, "////", "////"]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["kept", "removed"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"probabilities": [0.5, 0.5]}, r"\(2,\) do not fit 5 labels"),
        ({"probabilities": [0.5] * 5}, "the sum 2.5"),
        ({"probabilities": [-0.1, 0.5, 0.2, 0.2, 0.2]}, "smallest is -0.1"),
        ({"kept": [True]}, r"\(5,\), got \(1,\)"),
        ({"top": 0}, "at least 1, got 0"),
    ],
)
def test_what_is_no_distribution_is_refused(arguments, message):
    usual = {"probabilities": PROBABILITIES, "labels": LABELS}
    with pytest.raises(ValueError, match=message):
        plot_token_distribution(**(usual | arguments))


def test_bars_need_one_finite_value_per_label():
    with pytest.raises(ValueError, match=r"shape \(2,\) and 3 labels"):
        plot_bars([1, 2], ["a", "b", "c"])
    with pytest.raises(ValueError, match="finite"):
        plot_bars([1, float("nan")], ["a", "b"])


def test_a_fixed_maximum_keeps_figures_comparable():
    narrow = plot_token_distribution(PROBABILITIES, LABELS, maximum=1.0)
    peaked = plot_token_distribution([0.9, 0.1, 0, 0, 0], LABELS, maximum=1.0)
    assert narrow.get_xlim() == peaked.get_xlim()


def test_given_axes_leave_pyplot_alone():
    mine, ax = plt.subplots()
    current = plt.figure()
    plot_token_distribution(PROBABILITIES, LABELS, kept=PROBABILITIES > 0.1, ax=ax)
    assert plt.gcf() is current
    assert plt.get_fignums() == [mine.number, current.number]
