"""What a schema says before anything is written: types, references, what excludes what.

This module knows no patterns.
"""

from typing import Any

TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
_DEEPEST = 20  # references and properties; what is told apart, is so much earlier


class SchemaError(ValueError):
    """The schema is wrong, or uses what cannot be guaranteed."""


def resolve(root: Any, reference: Any) -> Any:
    """What a reference such as #/$defs/name points at. Raises SchemaError."""
    if not isinstance(reference, str) or not (reference + "/").startswith("#/"):
        raise SchemaError(
            f"$ref is {reference!r}; it must point into the schema by # or #/…"
        )
    found = root
    for key in reference.removeprefix("#").split("/")[1:]:
        key = key.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(key) if isinstance(found, list) else key]
        except (KeyError, IndexError, TypeError, ValueError):
            raise SchemaError(
                f"$ref {reference!r} points at nothing: there is no {key!r}"
            ) from None
    return found


def is_of_type(value: Any, name: str) -> bool:
    """Whether a value has a JSON type; true is no integer, and 1.0 is one."""
    if isinstance(value, bool):
        return name == "boolean"
    if isinstance(value, int | float):
        return name == "number" or (name == "integer" and value == int(value))
    kinds = {dict: "object", list: "array", str: "string", type(None): "null"}
    return kinds.get(type(value)) == name


def disjoint(a: Any, b: Any, root: Any, depth: int = 0) -> bool:
    """Whether it is certain that no value is valid for both schemas.

    It is when their types differ, or their consts, or the values of a property that a
    common value would have to have. Otherwise the answer is no, which may be wrong.
    """
    if depth > _DEEPEST:
        return False
    if a is False or b is False:
        return True
    if not isinstance(a, dict) or not isinstance(b, dict):
        return False
    for one, other in ((a, b), (b, a)):
        if "$ref" in one:
            return disjoint(resolve(root, one["$ref"]), other, root, depth + 1)
        for keyword in ("anyOf", "oneOf"):
            if keyword in one:
                options = one[keyword]
                return all(disjoint(s, other, root, depth + 1) for s in options)
    values_a, values_b = _values(a), _values(b)
    if values_a is not None and values_b is not None:
        return not any(_equal(v, w) for v in values_a for w in values_b)
    for values, other in ((values_a, b), (values_b, a)):
        if values is not None:
            types = _types(other)
            return not any(is_of_type(v, name) for v in values for name in types)
    common = _types(a) & _types(b)
    return not common or (common == {"object"} and _told_apart(a, b, root, depth))


def _told_apart(a: dict, b: dict, root: Any, depth: int) -> bool:
    """Whether two objects differ in a property that one of them requires."""
    for name in {*a.get("required", ()), *b.get("required", ())}:
        of_a, of_b = (
            s.get("properties", {}).get(name, s.get("additionalProperties", True))
            for s in (a, b)
        )
        if disjoint(of_a, of_b, root, depth + 1):
            return True
    return False


def _values(schema: dict[str, Any]) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _equal(a: Any, b: Any) -> bool:
    """Equality of JSON: 1 equals 1.0, but not true."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    # Within arrays and objects, Python's 1 == True errs on the side of equal.
    return a == b


def _types(schema: dict[str, Any]) -> set[str]:
    """The types that may occur; an integer is a number."""
    given = schema.get("type", list(TYPES))
    types = {given} if isinstance(given, str) else set(given)
    return types | ({"integer"} if "number" in types else set())
