"""Reading the book's hand-written sets: one JSON object per line, fields checked.

The sets are files beside this module, installed with the package. A line that does
not have exactly the fields asked for is refused by its number, so a slip of the pen
is found when the file is read and not in the middle of a training run.

This module knows no set: which fields there are, and what their values mean, is for
the module of each set to say.
"""

import json
from collections.abc import Mapping
from importlib.resources import files


def read_json_lines(name: str, fields: Mapping[str, type]) -> list[dict]:
    """Read a set that is installed with the package.

    Args:
        name: the file beside this module, such as "reviews.jsonl".
        fields: each field that a line has, with the type of its value: `str`,
            `bool`, `int`, `float`, `list` or `dict`. All are required.

    Returns:
        One dictionary for each line, in the order of the file.

    Raises:
        FileNotFoundError: when the package holds no such file.
        ValueError: as `parse_json_lines` does.
    """
    folder = files(__package__)
    file = folder / name
    if not file.is_file():
        present = sorted(f.name for f in folder.iterdir() if f.name.endswith(".jsonl"))
        raise FileNotFoundError(
            f"the package holds no set {name!r}; it holds {', '.join(present)}"
        )
    return parse_json_lines(file.read_text(encoding="utf-8"), fields, name)


def parse_json_lines(
    text: str, fields: Mapping[str, type], name: str = "text"
) -> list[dict]:
    """Parse JSON lines and check the fields of each.

    Args:
        text: one JSON object per line; a line break at the end is allowed.
        fields: as in `read_json_lines`. A field called "id" must not repeat a value.
        name: what messages call the text.

    Returns:
        One dictionary for each line.

    Raises ValueError, with the number of the line (from 1), when a line is no JSON
    object, lacks a field, has another one or has one twice, when a value has the
    wrong type or is an empty string, or when an id occurs a second time.
    """
    entries: list[dict] = []
    lines_of_ids: dict[object, int] = {}
    # `splitlines` would also cut at U+2028, which may stand inside a JSON string.
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        try:
            entry = _checked(line, fields)
            if "id" in fields:
                first = lines_of_ids.setdefault(entry["id"], number)
                if first != number:
                    raise ValueError(f"id {entry['id']!r} stands on line {first} too")
        except ValueError as error:  # of which JSONDecodeError is one
            raise ValueError(f"{name}, line {number}: {error}") from None
        entries.append(entry)
    return entries


def _checked(line: str, fields: Mapping[str, type]) -> dict:
    """One line as a dictionary with exactly these fields."""
    entry = json.loads(line, object_pairs_hook=_without_repeats)
    if not isinstance(entry, dict):
        raise ValueError(f"a {type(entry).__name__} where a JSON object should be")
    missing = [field for field in fields if field not in entry]
    unexpected = [field for field in entry if field not in fields]
    if missing or unexpected:
        raise ValueError(
            f"missing fields {missing}, unexpected fields {unexpected}; "
            f"a line has exactly {list(fields)}"
        )
    for field, kind in fields.items():
        value = entry[field]
        # Not isinstance: True is an int for Python, and not for whoever wrote 1.
        if type(value) is not kind:
            raise ValueError(
                f"{field} is {value!r}, a {type(value).__name__}; "
                f"it must be a {kind.__name__}"
            )
        if kind is str and not value.strip():
            raise ValueError(f"{field} is empty; write something or drop the line")
    return entry


def _without_repeats(pairs: list[tuple[str, object]]) -> dict:
    """A JSON object, unless a key occurs in it twice (Python would keep the last)."""
    entry = dict(pairs)
    if len(entry) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        raise ValueError(f"a JSON object has {', '.join(twice)} more than once")
    return entry
