import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.tasks.json_lines import parse_json_lines, read_json_lines

FIELDS = {"id": str, "text": str, "hard": bool, "n": int}
GOOD = {"id": "a", "text": "short", "hard": False, "n": 3}


def as_text(*entries):
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def without(field):
    return {name: value for name, value in GOOD.items() if name != field}


@given(
    st.lists(
        st.fixed_dictionaries(
            {"text": st.text().filter(str.strip), "hard": st.booleans()}
        ),
        min_size=1,
        max_size=5,
    ),
    st.booleans(),
    st.booleans(),
)
@settings(deadline=None)
def test_what_was_written_is_read(entries, ascii_only, last_break):
    lines = [json.dumps(entry, ensure_ascii=ascii_only) for entry in entries]
    text = "\n".join(lines) + "\n" * last_break
    assert parse_json_lines(text, {"text": str, "hard": bool}) == entries


def test_a_line_separator_inside_a_string_does_not_end_the_line():
    text = '{"text": "one\u2028two\u0085three"}\n{"text": "four"}'
    read = parse_json_lines(text, {"text": str})
    assert [entry["text"] for entry in read] == ["one\u2028two\u0085three", "four"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (without("hard"), r"missing fields \['hard'\]"),
        (GOOD | {"mood": "x"}, r"unexpected fields \['mood'\]"),
        (GOOD | {"hard": "no"}, "hard is 'no', a str; it must be a bool"),
        (GOOD | {"hard": 0}, "hard is 0, a int; it must be a bool"),
        (GOOD | {"n": True}, "n is True, a bool; it must be a int"),
        (GOOD | {"n": 3.0}, "n is 3.0, a float; it must be a int"),
        (GOOD | {"text": None}, "text is None"),
        (GOOD | {"text": ""}, "text is empty"),
        (GOOD | {"text": " \t"}, "text is empty"),
        (["a", "b"], "a list where a JSON object should be"),
        ("text", "a str where a JSON object should be"),
    ],
)
def test_a_wrong_line_is_refused_by_its_number(bad, message):
    fine = [GOOD | {"id": "x"}, GOOD | {"id": "y"}]
    with pytest.raises(ValueError, match=f"^my set, line 3: .*{message}"):
        parse_json_lines(as_text(*fine, bad, GOOD | {"id": "z"}), FIELDS, "my set")


@pytest.mark.parametrize("line", ["", "   ", "{", '{"id": "a",}', "nonsense", "{}{}"])
def test_a_line_that_is_no_json_is_refused_by_its_number(line):
    with pytest.raises(ValueError, match=r"^text, line 2: "):
        parse_json_lines(as_text(GOOD) + line + "\n", FIELDS)


def test_a_field_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match="line 1: a JSON object has text more than"):
        parse_json_lines('{"text": "one", "n": 1, "text": "two"}', {"text": str})


@pytest.mark.parametrize("between", [[], [GOOD | {"id": "b"}]])
def test_an_id_that_stands_twice_is_refused_with_both_lines(between):
    number = len(between) + 2
    with pytest.raises(ValueError, match=f"line {number}: id 'a' stands on line 1 too"):
        parse_json_lines(as_text(GOOD, *between, GOOD), FIELDS)


def test_without_a_field_called_id_lines_may_repeat():
    assert len(parse_json_lines(as_text({"n": 1}, {"n": 1}), {"n": int})) == 2


def test_an_installed_set_is_read_in_order():
    fields = {"id": str, "language": str, "domain": str, "text": str}
    entries = read_json_lines("reviews.jsonl", fields | {"label": str, "hard": bool})
    assert entries[0]["id"] == "en-films-01"
    languages = [entry["language"] for entry in entries]
    assert languages == sorted(languages)
    assert any("é" in entry["text"] for entry in entries)  # read as UTF-8


def test_an_error_in_an_installed_set_names_its_file():
    with pytest.raises(ValueError, match=r"^reviews\.jsonl, line 1: missing.*'stars'"):
        read_json_lines("reviews.jsonl", {"stars": int})


@pytest.mark.parametrize("name", ["films.jsonl", "reviews", ""])
def test_a_set_that_is_not_there_is_refused_with_those_that_are(name):
    with pytest.raises(FileNotFoundError, match=f"{re.escape(repr(name))}.*reviews"):
        read_json_lines(name, FIELDS)
