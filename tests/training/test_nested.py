"""Nested states come back as they were: kinds, order, every bit of a tensor."""

import json
import math

import pytest
import safetensors.torch
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llm_notes.training.nested import flatten, unflatten

DTYPES = [
    torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex64,
    torch.int64, torch.int32, torch.uint8, torch.bool,
]  # fmt: skip


@st.composite
def tensors(draw):
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    values = torch.randn(shape, generator=generator) * 9
    tensor = values.to(draw(st.sampled_from(DTYPES)))
    return tensor.transpose(0, -1) if tensor.dim() > 1 else tensor


keys = st.text(max_size=4) | st.integers() | st.sampled_from(["__metadata__", "a.b"])
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | tensors()
)  # fmt: skip
states = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=12,
)


def same(a, b) -> bool:
    if isinstance(a, torch.Tensor):
        kinds = type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape
        return kinds and torch.equal(a.nan_to_num(), b.nan_to_num())
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    if isinstance(a, float) and isinstance(b, float) and a == 0:
        return math.copysign(1, a) == math.copysign(1, b) and b == 0
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return a == b


@settings(deadline=None, max_examples=150)
@given(states)
@example([math.inf, -math.inf, math.nan, -0.0])
@example({"__metadata__": torch.ones(2)})
def test_a_state_comes_back_through_json_and_a_tensor_file(state):
    tree, found = flatten(state)
    text = json.dumps(tree, allow_nan=False)
    stored = safetensors.torch.load(safetensors.torch.save(found))
    assert same(unflatten(json.loads(text), stored), state)


def test_names_say_where_a_tensor_stood():
    state = {"model": {"w": torch.ones(2)}, "optimizer": {0: [torch.zeros(1)]}}
    assert list(flatten(state)[1]) == ["model.w", "optimizer.0.0"]


def test_tensors_that_are_one_are_kept_once():
    tied, other = torch.ones(3), torch.ones(3)
    tree, found = flatten({"first": tied, "last": tied, "other": other})
    assert list(found) == ["first", "other"]
    assert unflatten(tree, found)["last"].equal(tied)


def test_views_of_one_memory_stay_apart():
    whole = torch.arange(6.0)
    state = {"a": whole[:3], "b": whole[3:], "c": whole.view(2, 3), "d": whole[:3]}
    tree, found = flatten(state)
    assert list(found) == ["a", "b", "c"]
    assert same(unflatten(tree, found), state)


def test_what_is_saved_does_not_change_afterwards():
    weight = torch.ones(3)
    _, found = flatten({"w": weight})
    weight.zero_()
    assert found["w"].tolist() == [1, 1, 1]


def test_equal_names_do_not_meet():
    state = {"a.b": torch.ones(1), "a": {"b": torch.zeros(1)}}
    tree, found = flatten(state)
    assert len(found) == 2
    assert same(unflatten(tree, found), state)


def test_what_cannot_be_saved_is_named_with_its_place():
    with pytest.raises(TypeError, match=r"a set at callbacks\.1\.seen cannot be saved"):
        flatten({"callbacks": [{}, {"seen": {1, 2}}]})


def test_unknown_marks_are_refused():
    with pytest.raises(ValueError, match="unknown mark 'code'"):
        unflatten({"code": "print(1)"}, {})
