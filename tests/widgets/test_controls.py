import numpy as np
import pytest

from llm_notes.widgets.controls import (
    checkbox,
    dropdown,
    make_control,
    nearest,
    not_listed,
    radio,
    slider,
    text_field,
)


def test_the_values_decide_what_kind_of_control_it_is():
    assert make_control("t", [0.5, 1]).kind == "slider"
    assert make_control("t", ["a", "b"]).kind == "dropdown"
    assert make_control("t", [True, False]).kind == "checkbox"
    assert make_control("t", slider(["a", "b"])).kind == "slider"
    assert make_control("t", dropdown([1, 2])).kind == "dropdown"
    assert make_control("t", checkbox()).values == (False, True)
    assert make_control("t", ["a", 1]).kind == "slider"
    assert make_control("t", radio([1, 2])).kind == "radio"
    assert make_control("t", text_field(["a", "b"])).kind == "text"


def test_labels_are_names_with_spaces_unless_given():
    assert make_control("top_p", [0.5, 1]).label == "top p"
    assert make_control("top_p", slider([0.5, 1], label="nucleus")).label == "nucleus"


def test_only_a_slider_that_is_asked_to_plays():
    assert make_control("t", slider([1, 2], play=True)).play
    assert not make_control("t", [1, 2]).play


@pytest.mark.parametrize(
    ("typed", "texts", "meant"),
    [
        ("0.68", ("0.3", "0.7", "1"), "0.7"),
        ("1e9", ("0.3", "0.7", "1"), "1"),
        ("-4", ("0.3", "0.7", "1"), "0.3"),
        ("2", ("1", "3"), "1"),  # as near to both: the first
        ("nan", ("0.3", "0.7"), None),
        (" The Cat ", ("the cat", "the cat sat"), "the cat"),
        ("sat", ("the cat", "the cat sat"), "the cat sat"),
        ("the", ("the cat", "the cat sat"), None),
        ("the", ("a the", "the dog"), "the dog"),
        ("", ("a", "b"), None),
        ("3", ("a", "b3"), "b3"),
        ("dog", ("cat", "bird"), None),
    ],
)
def test_what_is_typed_means_the_nearest_listed_value(typed, texts, meant):
    place = nearest(typed, texts)
    assert (None if place is None else texts[place]) == meant


def test_a_value_that_is_not_listed_is_answered_with_those_that_are():
    assert not_listed("x\u202e", ("a", "b")) == "“xU+202E” is not one of: a, b"
    many = not_listed("x", tuple("abcdefghij"))
    assert many.endswith("a, b, c, d, e, f, g, h, … (10 in all)")
    assert len(not_listed("x" * 1_000_000, ("a", "b"))) < 150


def test_values_may_be_any_iterable_and_numpy_numbers_become_python_ones():
    control = make_control("t", np.array([0.25, 0.5]))
    assert control.values == (0.25, 0.5)
    assert type(control.values[0]) is float
    assert make_control("t", range(3)).values == (0, 1, 2)


def test_numbers_are_short_where_they_stay_apart():
    assert make_control("t", [0.1 + 0.2, 1.0]).texts == ("0.3", "1")
    close = make_control("t", [0.1234567, 0.1234568])
    assert close.texts == ("0.1234567", "0.1234568")


@pytest.mark.parametrize("given", [[True, False], [False, True], [3, 1], ["b", "a"]])
def test_the_first_value_is_the_start_for_a_checkbox_too(given):
    control = make_control("on", given)
    assert control.values[control.start] == given[0]


def test_a_start_that_is_not_listed_names_the_allowed_values():
    assert make_control("t", [0.5, 1.0], 1.0, True).start == 1
    with pytest.raises(ValueError, match=r"cannot start at 2; .* 0\.5, 1\.0"):
        make_control("t", [0.5, 1.0], 2, True)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("abc", TypeError, r"t='abc'.*t=\[1, 2, 3\]"),
        (3, TypeError, "t=3"),
        ([1], ValueError, "at least 2 values, got 1"),
        ([], ValueError, "at least 2 values, got 0"),
        ([True, True], ValueError, "False and True"),
        ([1, 2, 1], ValueError, "twice: 1, 2, 1"),
    ],
)
def test_values_that_make_no_control_are_refused(given, error, message):
    with pytest.raises(error, match=message):
        make_control("t", given)
