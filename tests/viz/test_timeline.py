import matplotlib.pyplot as plt
import pytest

from llm_notes.viz.timeline import decimal_year, plot_timeline

MONTHS = ["2018-10", "1948-07", "2018-06"]
LABELS = ["later", "$first$", "before"]
GROUPS = ["nets", "counts", "nets"]


def test_a_month_is_its_middle_in_years():
    assert decimal_year("2000-01") == pytest.approx(2000 + 0.5 / 12)
    assert decimal_year("1999-12") == pytest.approx(2000 - 0.5 / 12)


@pytest.mark.parametrize("month", ["2018", "18-06", "2018-6", "2018-13", "2018-00"])
def test_what_is_no_month_is_refused(month):
    with pytest.raises(ValueError, match="YYYY-MM"):
        decimal_year(month)


def test_events_stand_in_order_of_time_oldest_on_top():
    ax = plot_timeline(MONTHS, LABELS, GROUPS)
    ticks = [t.get_text() for t in ax.get_yticklabels()]
    assert ticks == ["$first$", "before", "later"]
    assert not any(t.get_parse_math() for t in ax.get_yticklabels())
    bottom, top = ax.get_ylim()
    assert bottom > top


def test_each_group_has_its_colour_marker_and_name():
    ax = plot_timeline(MONTHS, LABELS, GROUPS)
    counts, nets = ax.get_lines()
    assert counts.get_xdata() == pytest.approx([decimal_year("1948-07")])
    assert nets.get_ydata() == pytest.approx([1, 2])
    assert nets.get_color() != counts.get_color()
    assert nets.get_marker() != counts.get_marker()
    names = [t.get_text() for t in ax.get_legend().get_texts()]
    assert names == ["counts", "nets"]


def test_lists_of_unequal_length_and_empty_ones_are_refused():
    with pytest.raises(ValueError, match="3 months, 2 labels and 3 groups"):
        plot_timeline(MONTHS, LABELS[:2], GROUPS)
    with pytest.raises(ValueError, match="0 months"):
        plot_timeline([], [], [])


def test_given_axes_are_drawn_on():
    _, ax = plt.subplots()
    assert plot_timeline(MONTHS, LABELS, GROUPS, ax=ax) is ax
