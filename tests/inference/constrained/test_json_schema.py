"""What the automaton of a schema accepts is valid JSON of that schema."""

import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.inference.constrained import PatternError, SchemaError, json_schema

TREE = {
    "type": "object",
    "properties": {
        "value": {"type": "integer"},
        "left": {"$ref": "#"},
        "right": {"$ref": "#"},
    },
    "required": ["value"],
    "additionalProperties": False,
}
OPTIONAL = {
    "properties": {name: {"type": "null"} for name in "abcd"},
    "required": ["c"],
}
A = {"type": "object", "properties": {"k": {"const": "a"}}, "required": ["k"]}
B = {"type": "object", "properties": {"k": {"const": "b"}}, "required": ["k"]}


def dumps(value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize(
    ("schema", "accepted", "refused"),
    [
        ({"type": "null"}, ["null"], ["nul", "true", ""]),
        ({"type": "boolean"}, ["true", "false"], ["True", "1"]),
        ({"type": "integer"}, ["0", "-12", "9" * 15], ["01", "1.0", "+1", "9" * 16]),
        ({"type": "number"}, ["0.5", "-1e-9", "12E+10"], [".5", "1.", "1e400", "01"]),
        (
            {"type": "string"},
            ['""', '"é日"', r'"\n\"\\\/"', r'"\u00e9\uD7ff"'],
            ['"', '"\n"', r'"\x"', '"a"b"', r'"\ud800"', "'a'", r'"\u12"'],
        ),
        (
            {"type": "string", "minLength": 2, "maxLength": 3},
            ['"ab"', r'"\n\n\n"', '"日本"'],
            ['"a"', '"abcd"'],
        ),
        (
            {"type": "string", "pattern": "^a.|b$"},
            ['"ab"', '"axyz"', '"zzb"', r'"a\t"', r'"a\""'],
            ['"a"', '"xa"', '"bx"', '"a"x"'],
        ),
        ({"type": ["string", "null"], "maxLength": 1}, ["null", '"a"'], ['"aa"', "1"]),
        ({"enum": [1, "a", None, [1, {"b": "é"}]]}, ["1", '[1,{"b":"é"}]'], ["2"]),
        ({"const": {"a": [True]}}, ['{"a":[true]}'], ["{}", '{"a":[1]}']),
        ({"type": "string", "enum": ["x", 1]}, ['"x"'], ["1"]),
        (
            {"type": "array", "items": {"type": "null"}, "minItems": 1, "maxItems": 3},
            ["[null]", "[null,null,null]"],
            ["[]", "[null,]", "[,null]", "[null,null,null,null]"],
        ),
        (
            {"type": "array", "items": {"type": "null"}, "minItems": 2},
            ["[null,null]", "[null,null,null,null]"],
            ["[null]", "[]"],
        ),
        ({"items": {"type": "null"}}, ["[]", "[null,null]"], ["[nullnull]"]),
        ({"type": "array", "maxItems": 0}, ["[]"], ["[1]"]),
        (
            OPTIONAL,
            ['{"c":null}', '{"a":null,"c":null}', '{"b":null,"c":null,"d":null}'],
            ["{}", '{"a":null}', '{,"c":null}', '{"c":null,}', '{"c":null,"a":null}'],
        ),
        (
            {"properties": {"a": {"type": "null"}, "b": {"type": "null"}}},
            ["{}", '{"a":null}', '{"b":null}', '{"a":null,"b":null}'],
            ['{"a":null"b":null}', '{,"b":null}'],
        ),
        (
            {"type": "object", "additionalProperties": {"type": "boolean"}},
            ["{}", '{"x":true,"y":false}'],
            ['{"x":1}', "{1:true}"],
        ),
        ({"type": "object", "additionalProperties": False}, ["{}"], ['{"a":1}']),
        (
            {"required": ["z"], "additionalProperties": {"type": "null"}},
            ['{"z":null}'],
            ["{}", '{"z":1}'],
        ),
        ({"anyOf": [{"type": "null"}, {"const": 1}]}, ["null", "1"], ["2"]),
        ({"oneOf": [A, B, {"type": "null"}]}, ['{"k":"a"}', "null"], ['{"k":"c"}']),
        (
            {"$defs": {"a/b": {"const": 1}}, "$ref": "#/$defs/a~1b"},
            ["1"],
            ["2"],
        ),
        (True, ["1", '{"a":[1,{}]}', '"x"', "[null,true]"], ["", "[", "nul"]),
    ],
)
def test_schemas_accept_and_refuse(schema, accepted, refused):
    automaton = json_schema(schema)
    for text in accepted:
        assert automaton.matches(text), text
        jsonschema.validate(json.loads(text), schema)
    for text in refused:
        assert not automaton.matches(text), text


def tree(depth: int) -> dict:
    return {"value": 1} | ({"right": tree(depth - 1)} if depth else {})


@pytest.mark.parametrize("max_depth", [0, 1, 3])
def test_a_schema_may_refer_to_itself_down_to_the_depth_limit(max_depth):
    automaton = json_schema(TREE, max_depth=max_depth)
    # A reference may stand max_depth times within itself.
    assert automaton.matches(dumps(tree(max_depth + 1)))
    assert not automaton.matches(dumps(tree(max_depth + 2)))


def test_a_schema_that_has_to_refer_to_itself_for_ever_is_refused():
    endless = {"type": "object", "properties": {"x": {"$ref": "#"}}, "required": ["x"]}
    with pytest.raises(PatternError, match="no text matches"):
        json_schema(endless)


def test_any_value_nests_down_to_the_depth_limit():
    automaton = json_schema({}, max_depth=1)
    assert automaton.matches("[[]]")
    assert automaton.matches('{"a":[]}')
    assert not automaton.matches("[[1]")
    assert not automaton.matches("[[[]]]")


def test_white_space_may_stand_between_signs_only():
    schema = {"properties": {"a": {"items": {"type": "null"}}}, "required": ["a"]}
    spaced = json_schema(schema, whitespace=r"[ \n]?")
    for text in ('{"a":[null,null]}', '{ "a" : [ null\n,\nnull ] }', '{"a": [\n]}'):
        assert spaced.matches(text)
    assert not spaced.matches('{"a":[nu ll]}')
    assert not spaced.matches('{ "a ":[]}')
    assert not json_schema(schema).matches('{"a": []}')
    with pytest.raises(ValueError, match="white"):
        json_schema(schema, whitespace="[ x]?")


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text('ab"\\\n', max_size=2), inner, max_size=2)
    ),
    max_leaves=5,
)


@settings(deadline=None, max_examples=60)
@given(values)
def test_a_const_accepts_its_own_text(value):
    assert json_schema({"const": value}).matches(dumps(value))


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=6))
def test_every_string_can_be_written(text):
    automaton = json_schema({"type": "string", "pattern": "^[^x]*$"})
    assert automaton.matches(dumps(text)) == ("x" not in text)


@pytest.mark.parametrize("options", [{}, {"pattern": "a|$"}], ids=str)
def test_strings_hold_as_they_are_only_the_characters_that_json_allows(options):
    automaton = json_schema({"type": "string", **options})
    for sign in map(chr, range(0x30)):
        try:
            parses = json.loads(f'"{sign}"') == sign
        except json.JSONDecodeError:
            parses = False
        assert automaton.matches(f'"{sign}"') == parses


def test_a_class_in_a_schema_is_what_all_validators_agree_on():
    def matches(pattern, text):
        return json_schema({"type": "string", "pattern": pattern}).matches(dumps(text))

    assert matches(r"^\w$", "a")
    assert matches(r"^\W$", "-")
    assert not matches(r"^\w$", "é")  # re and ECMAScript differ about it
    assert not matches(r"^\W$", "é")


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "integer", "minimum": 3}, r"# uses \['minimum'\]"),
        ({"type": "text"}, "has the type 'text'"),
        ({"minLength": 1, "minItems": 1}, "names no type"),
        ({"allOf": [{}]}, "names no type"),
        ({"type": "string", "pattern": "a", "maxLength": 3}, "length beside its patt"),
        ({"type": "string", "pattern": r"(a)\1"}, "#/pattern: .*back-reference"),
        ({"type": "string", "minLength": 3, "maxLength": 2}, "no value has both"),
        ({"type": "array", "minItems": -1}, "#/minItems is -1"),
        ({"type": "array", "maxItems": True}, "#/maxItems is True"),
        ({"$ref": "other.json"}, "must point into the schema"),
        ({"$ref": "#/$defs/no"}, "points at nothing"),
        ({"$ref": "#item", "$defs": {"i": {"$anchor": "item"}}}, "by # or #/"),
        ({"properties": {"a": {"$id": "x", "type": "null"}}}, "has an \\$id"),
        ({"type": 5}, "#/type is 5"),
        ({"type": ["string", 5]}, "#/type .* must list names"),
        ({"type": "string", "pattern": 5}, "#/pattern is 5"),
        ({"properties": 5}, "#/properties is 5"),
        ({"properties": {}, "required": "ab"}, "#/required is 'ab'"),
        ({"type": "object", "required": [1]}, "#/required .* must list names"),
        ({"type": "integer", "const": float("inf")}, "#/const is no JSON"),
        ({"anyOf": []}, "#/anyOf is \\[\\]"),
        ({"anyOf": [{}], "type": "null"}, "beside 'anyOf'"),
        ({"$ref": "#", "minLength": 1}, "beside '\\$ref'"),
        ({"const": float("nan")}, "#/const is no JSON"),
        ({"const": "\ud800"}, "#/const is no JSON"),
        ({"properties": {"a": 3}}, "#/properties/a is 3"),
        ({"oneOf": [{"type": "number"}, {"type": "integer"}]}, "alternatives 0 and 1"),
        ({"oneOf": [{"const": 1}, {"type": "number"}]}, "alternatives 0 and 1"),
        ({"oneOf": [{"const": 1}, {"enum": [2, 1.0]}]}, "alternatives 0 and 1"),
        ({"oneOf": [A, {"type": "object"}]}, "alternatives 0 and 1"),
        ({"oneOf": [A, {"type": "null"}, A]}, "alternatives 0 and 2"),
        ({"oneOf": [A, {"anyOf": [B, A]}]}, "alternatives 0 and 1"),
        ({"oneOf": [{}, {"type": "null"}]}, "alternatives 0 and 1"),
    ],
)
def test_what_cannot_be_guaranteed_is_refused_with_its_place(schema, message):
    with pytest.raises(SchemaError, match=message):
        json_schema(schema)


@pytest.mark.parametrize(
    "options",
    [
        [A, B],
        [{"const": 1}, {"const": True}, {"const": "1"}],
        [{"enum": [1, 2]}, {"type": "string"}],
        [{"anyOf": [A, {"type": "null"}]}, {"$ref": "#/$defs/b"}],
        [A, {"type": "object", "properties": {}, "additionalProperties": False}],
        [False, {"type": "null"}],
    ],
)
def test_alternatives_that_exclude_each_other_are_taken(options):
    json_schema({"oneOf": options, "$defs": {"b": B}})


def test_a_negative_depth_is_refused():
    with pytest.raises(ValueError, match="max_depth must be 0 or above, got -1"):
        json_schema({}, max_depth=-1)
