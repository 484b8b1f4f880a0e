import matplotlib.pyplot as plt
import numpy as np
import pytest

from llm_notes.viz.generation import plot_generation_steps, plot_trade_off

LABELS = ["a", "_b$c$", " the", "\n", "e"]
STEPS = np.array([[0.1, 0.4, 0.25, 0.05, 0.2], [0.6, 0.1, 0.1, 0.15, 0.05]])


def tick_labels(ax):
    return [text.get_text() for text in ax.get_yticklabels()]


def test_each_step_shows_its_likeliest_tokens_and_marks_the_drawn_one():
    figure = plot_generation_steps(STEPS, [2, 0], LABELS, top=3)
    first, second = figure.axes
    assert tick_labels(first) == ["_b$c$", "␣the", "e"]
    assert [bar.get_hatch() for bar in first.containers[0]] == [None, "////", None]
    assert [text.get_text() for text in first.texts] == [
        "0.400",
        "0.250 ← drawn",
        "0.200",
    ]
    assert [bar.get_hatch() for bar in second.containers[0]] == ["////", None, None]
    assert (first.get_ylabel(), second.get_ylabel()) == ("step 1", "step 2")
    assert first.get_xlim() == second.get_xlim()


def test_a_drawn_token_outside_the_top_takes_the_last_place():
    figure = plot_generation_steps(STEPS[:1], [3], LABELS, top=2)
    assert tick_labels(figure.axes[0]) == ["_b$c$", "↵"]
    assert figure.axes[0].texts[1].get_text() == "0.050 ← drawn"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"drawn": [1]}, r"shape \(2, 5\), \(1,\) drawn"),
        ({"drawn": [1, 5]}, "between 0 and 4"),
        ({"drawn": [1, -1]}, "between 0 and 4"),
        ({"top": 1}, "top = 1"),
        ({"top": 6}, "2 to 5 tokens"),
        ({"labels": LABELS[:3]}, "3 labels"),
    ],
)
def test_steps_that_do_not_fit_are_refused(arguments, message):
    usual = {"probabilities": STEPS, "drawn": [2, 0], "labels": LABELS}
    with pytest.raises(ValueError, match=message):
        plot_generation_steps(**(usual | arguments))


def test_settings_are_annotated_along_their_path_and_points_stand_apart():
    ax = plot_trade_off(
        {"one": ([1, 2], [3, 4], ["p$1$", "p2"]), "two": ([5], [6], ["k"])},
        {"people": (2.5, 3.5)},
        "how odd",
        "how varied",
    )
    one, two, people = ax.lines
    assert one.get_xydata().tolist() == [[1, 3], [2, 4]]
    assert one.get_linestyle() != two.get_linestyle()
    assert len({line.get_marker() for line in ax.lines}) == 3
    assert people.get_xydata().tolist() == [[2.5, 3.5]]
    assert [(text.get_text(), text.xy) for text in ax.texts] == [
        ("p$1$", (1, 3)), ("p2", (2, 4)), ("k", (5, 6)),
    ]  # fmt: skip
    assert not any(text.get_parse_math() for text in ax.texts)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [
        "one", "two", "people",
    ]  # fmt: skip
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("how odd", "how varied")


def test_paths_that_cannot_be_drawn_or_told_apart_are_refused():
    with pytest.raises(ValueError, match="2 x, 1 y and 2 texts"):
        plot_trade_off({"one": ([1, 2], [3], ["a", "b"])}, {}, "x", "y")
    too_many = {str(i): ([1], [1], ["a"]) for i in range(5)}
    with pytest.raises(ValueError, match="got 5 and 0"):
        plot_trade_off(too_many, {}, "x", "y")


def test_given_axes_leave_pyplot_alone():
    _, ax = plt.subplots()
    current = plt.figure()
    assert plot_trade_off({}, {"people": (1, 2)}, "x", "y", ax=ax) is ax
    assert plt.gcf() is current
