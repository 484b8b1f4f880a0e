"""From a JSON schema to an automaton: every text that it accepts is valid.

The other way round does not hold: of the valid texts, one form is written. Properties
come in the order of the schema, and only those that it names. That is what one wants of
a model's output, and what makes the language regular.

A schema that refers to itself needs a stack, which a finite automaton has not. But a
stack of bounded depth has finitely many contents, so with a depth limit a push-down
automaton *is* a finite one: a reference is unrolled `max_depth` times within itself,
and what would go deeper is cut off.

Source: JSON Schema 2020-12; the idea of masks over the vocabulary is that of Willard
and Louf (2023). This module knows no automaton's inside and no tokens.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from llm_notes.inference.constrained.byte_automaton import Automaton, byte_automaton
from llm_notes.inference.constrained.json_text import (
    BOOLEAN,
    CHARACTER,
    INTEGER,
    NULL,
    NUMBER,
    Layout,
    escaped,
    string,
)
from llm_notes.inference.constrained.pattern import (
    PatternError,
    anywhere,
    parse_pattern,
)
from llm_notes.inference.constrained.schema_values import (
    TYPES,
    SchemaError,
    disjoint,
    is_of_type,
    resolve,
)
from llm_notes.inference.constrained.syntax import NOTHING, Choice, Node, Repeat

# They say nothing about what is valid.
_NOTES = {
    *("$schema", "$id", "$comment", "$defs", "definitions", "title", "description"),
    *("default", "examples", "deprecated", "readOnly", "writeOnly", "format"),
}
_KEYWORDS: dict[str, set[str]] = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "minItems", "maxItems"},
    "string": {"minLength", "maxLength", "pattern"},
}
# Each of them says all; beside it only notes may stand.
_ALONE = ("$ref", "const", "enum", "anyOf", "oneOf")
_ANY_VALUE = "any value"


def json_schema(schema: Any, whitespace: str = "", max_depth: int = 2) -> Automaton:
    """The automaton of the JSON texts that a schema allows.

    | type | keywords |
    |---|---|
    | object | properties, required, additionalProperties |
    | array | items, minItems, maxItems |
    | string | minLength, maxLength, or pattern |
    | number, integer, boolean, null | |
    | of any type | const, enum, anyOf, oneOf, $ref (within the schema), true, {} |

    Members that `properties` does not name are never written, unless it names none:
    then any names are, with values of `additionalProperties`. A oneOf has to have
    alternatives that cannot hold at the same time, such as objects told apart by a
    const. `pattern` may match anywhere in the string, as the standard says.

    Args:
        schema: what `json.load` gives.
        whitespace: a pattern of what may stand between JSON's signs, such as " ?".
        max_depth: how often a $ref may stand within itself, and an unnamed value (of a
            schema {}) within an unnamed value. The automaton grows with it, as a power
            of the number of places where the schema refers to itself.

    Raises:
        SchemaError: for what is wrong or not supported, with its place.
        PatternError: when no text is valid (within `max_depth`), or the automaton would
            become too large.
        ValueError: for a negative depth or for white space that JSON does not allow.
    """
    if max_depth < 0:
        raise ValueError(f"max_depth must be 0 or above, got {max_depth}")
    return byte_automaton(_Writer(schema, Layout(whitespace), max_depth).node(schema))


class _Writer:
    """Turns (part of) a schema into pattern parts; `open` counts the references."""

    def __init__(self, root: Any, layout: Layout, max_depth: int) -> None:
        self.root = root
        self.layout = layout
        self.max_depth = max_depth
        self.open: Counter[str] = Counter()

    def node(self, schema: Any, path: str = "#") -> Node:
        if schema is False:
            return NOTHING
        if schema is True or (isinstance(schema, dict) and not set(schema) - _NOTES):
            return self.nested(_ANY_VALUE, self.any_value)
        if not isinstance(schema, dict):
            raise SchemaError(f"{path} is {schema!r}; a schema is an object or true")
        _require_kinds(schema, path)
        alone = [keyword for keyword in _ALONE if keyword in schema]
        if alone:
            beside = sorted(set(schema) - _NOTES - {alone[0]} - {"type"})
            if beside or ("type" in schema and alone[0] not in ("const", "enum")):
                raise SchemaError(
                    f"{path} has {beside or ['type']} beside {alone[0]!r}; both would "
                    "have to hold. Write them into one schema"
                )
            return self.alone(alone[0], schema, path)
        types = _types(schema, path)
        allowed = {"type"}.union(_NOTES, *(_KEYWORDS.get(t, set()) for t in types))
        unknown = sorted(set(schema) - allowed)
        if unknown:
            raise SchemaError(
                f"{path} uses {unknown}, which cannot be guaranteed for the type "
                f"{' or '.join(types)}; supported are {sorted(allowed - _NOTES)} and, "
                f"each alone, {list(_ALONE)}"
            )
        return Choice(tuple(self.of_type(name, schema, path) for name in types))

    def nested(self, name: str, write: Callable[[], Node]) -> Node:
        """What `write` gives, or nothing where it is too deep within itself."""
        if self.open[name] > self.max_depth:
            return NOTHING
        self.open[name] += 1
        node = write()
        self.open[name] -= 1
        return node

    def any_value(self) -> Node:
        simple = (string(Repeat(CHARACTER, 0, None)), NUMBER, BOOLEAN, NULL)
        inner = self.node(True)
        return Choice((*simple, self.layout.map(inner), self.layout.array(inner)))

    def alone(self, keyword: str, schema: dict[str, Any], path: str) -> Node:
        given = schema[keyword]
        path = f"{path}/{keyword}"
        if keyword == "$ref":
            return self.nested(given, lambda: self.node(resolve(self.root, given)))
        if keyword == "const":
            given = [given]
        if not isinstance(given, list) or not given:
            raise SchemaError(f"{path} is {given!r}; it must be a list of at least one")
        if keyword in ("const", "enum"):
            types = _types(schema, path) if "type" in schema else TYPES
            try:
                fitting = [v for v in given if any(is_of_type(v, t) for t in types)]
                return Choice(tuple(self.layout.value(v) for v in fitting))
            except (TypeError, ValueError, OverflowError) as error:
                raise SchemaError(f"{path} is no JSON: {error}") from error
        if keyword == "oneOf":
            self.require_disjoint(given, path)
        options = enumerate(given)
        return Choice(tuple(self.node(s, f"{path}/{i}") for i, s in options))

    def require_disjoint(self, options: list[Any], path: str) -> None:
        for i, option in enumerate(options):
            for j in range(i):
                if not disjoint(option, options[j], self.root):
                    raise SchemaError(
                        f"alternatives {j} and {i} of {path} may both hold, and then "
                        "the value is not valid: use anyOf, or tell them apart by type "
                        "or by a required property with different consts"
                    )

    def of_type(self, name: str, schema: dict[str, Any], path: str) -> Node:
        match name:
            case "object":
                return self.object(schema, path)
            case "array":
                least, most = _counts(schema, "minItems", "maxItems", path)
                item = NOTHING
                if most != 0:
                    item = self.node(schema.get("items", True), f"{path}/items")
                return self.layout.array(item, least, most)
            case "string":
                return self.string(schema, path)
        return {
            "integer": INTEGER,
            "number": NUMBER,
            "boolean": BOOLEAN,
            "null": NULL,
        }[name]

    def object(self, schema: dict[str, Any], path: str) -> Node:
        properties = dict(schema.get("properties", {}))
        required = schema.get("required", [])
        others = schema.get("additionalProperties", True)
        for name in required:
            properties.setdefault(name, others)
        if not properties and others is not False:
            inner = self.node(others, f"{path}/additionalProperties")
            return self.layout.map(inner)
        return self.layout.members(
            [
                (name, self.node(value, f"{path}/properties/{name}"), name in required)
                for name, value in properties.items()
            ]
        )

    def string(self, schema: dict[str, Any], path: str) -> Node:
        least, most = _counts(schema, "minLength", "maxLength", path)
        if "pattern" not in schema:
            return string(Repeat(CHARACTER, least, most))
        if (least, most) != (0, None):
            raise SchemaError(
                f"{path} has a length beside its pattern; write the length into the "
                "pattern, such as ^[a-z]{2,5}$"
            )
        try:
            # Validators differ in what \w is; what is written holds for all of them.
            alternatives = parse_pattern(schema["pattern"], narrow=True)
        except PatternError as error:
            raise SchemaError(f"{path}/pattern: {error}") from error
        return string(escaped(anywhere(alternatives)))


def _require_kinds(schema: dict[str, Any], path: str) -> None:
    """Refuse keywords whose values are of another kind than the standard says."""
    kinds = {"properties": dict, "required": list, "pattern": str, "type": (str, list)}
    for name, kind in kinds.items():
        if name in schema and not isinstance(schema[name], kind):
            raise SchemaError(f"{path}/{name} is {schema[name]!r}, which says nothing")
    for name in ("required", "type"):
        values = schema.get(name, [])
        if isinstance(values, list) and not all(isinstance(v, str) for v in values):
            raise SchemaError(f"{path}/{name} is {values!r}; it must list names")
    if "$id" in schema and path != "#":
        raise SchemaError(
            f"{path} has an $id, which changes what $ref means below it; leave it out"
        )


def _types(schema: dict[str, Any], path: str) -> list[str]:
    """The types of a schema; without any, that whose keywords it uses."""
    given = schema.get("type")
    if given is None:
        given = [name for name, words in _KEYWORDS.items() if words & set(schema)]
        if len(given) != 1:
            raise SchemaError(
                f"{path} names no type, and {sorted(set(schema) - _NOTES)} do not tell "
                f"it: add a type of {list(TYPES)}"
            )
    types = [given] if isinstance(given, str) else given
    if not types or not set(types) <= set(TYPES):
        raise SchemaError(f"{path} has the type {given!r}; types are {list(TYPES)}")
    return list(types)


def _counts(
    schema: dict[str, Any], least_name: str, most_name: str, path: str
) -> tuple[int, int | None]:
    least, most = schema.get(least_name, 0), schema.get(most_name)
    for name, count in ((least_name, least), (most_name, 0 if most is None else most)):
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise SchemaError(f"{path}/{name} is {count!r}; it must be 0, 1, 2, …")
    if most is not None and most < least:
        raise SchemaError(
            f"{path} asks for {least_name} = {least} and {most_name} = {most}; no "
            "value has both"
        )
    return least, most
