"""Arrays of any kind and a header make the round trip through one string of bytes."""

import numpy as np
import pytest

from llm_notes.inference.export import BundleError, pack, unpack
from llm_notes.inference.export.bundle import DTYPES

HEADER = {"architecture": "Any", "config": {"语": [1, 2.5, None, True]}}


def numbers(dtype, shape):
    """The kind's ends, and what lies between."""
    size = int(np.prod(shape))
    if np.issubdtype(dtype, np.floating):
        return np.linspace(-1e30, 1e30, size).astype(dtype).reshape(shape)
    info = np.iinfo(dtype)
    return np.linspace(info.min, info.max, size).astype(dtype).reshape(shape)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 3), (3, 5), (2, 3, 4)])
def test_an_array_comes_back_as_it_was(dtype, shape):
    array = numbers(dtype, shape)
    header, arrays = unpack(pack(HEADER, {"x": array, "y": np.ones(3, np.uint8)}))
    assert header["config"] == HEADER["config"]
    assert arrays["x"].dtype == array.dtype
    assert arrays["x"].shape == shape
    np.testing.assert_array_equal(arrays["x"], array)
    np.testing.assert_array_equal(arrays["y"], [1, 1, 1])


def test_the_order_of_bytes_and_rows_in_memory_does_not_matter():
    array = np.arange(12, dtype=">f4").reshape(3, 4).T
    _, arrays = unpack(pack({}, {"x": array}))
    np.testing.assert_array_equal(arrays["x"], array)
    assert pack({}, {"x": array}) == pack({}, {"x": array.astype("<f4")})


def test_the_same_array_under_two_names_is_written_once():
    array = np.arange(1000, dtype=np.int32)
    once, twice = pack({}, {"a": array}), pack({}, {"a": array, "b": array})
    assert len(twice) < len(once) + 200
    _, arrays = unpack(twice)
    np.testing.assert_array_equal(arrays["b"], array)
    # Each name has numbers of its own after reading.
    arrays["a"][0] = 7
    assert arrays["b"][0] == 0


@pytest.mark.parametrize("dtype", ["float64", "int64", "bool"])
def test_other_kinds_of_numbers_are_refused(dtype):
    with pytest.raises(ValueError, match=f"x has dtype {dtype}.*convert it first"):
        pack({}, {"x": np.zeros(2, dtype)})


def test_each_byte_that_changes_is_noticed():
    data = pack({"architecture": "Any"}, {"x": np.arange(3, dtype=np.int8)})
    n_padding = 1  # fills the last array up to a multiple of four
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 4
        with pytest.raises(BundleError):
            unpack(bytes(changed))
    with pytest.raises(BundleError, match="cut short"):
        unpack(data[:-n_padding])
