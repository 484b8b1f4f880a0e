import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.batching import consecutive_windows, sample_windows


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_sampled_windows_have_the_shape_that_was_asked_for():
    x, y = sample_windows(torch.arange(50), 3, 7, seeded())
    assert x.shape == y.shape == (3, 7)
    assert x.dtype == y.dtype == torch.int64


def test_a_target_is_the_token_after_its_input():
    text = torch.randint(0, 90, (60,), generator=seeded(1))
    x, y = sample_windows(text, 20, 5, seeded())
    rows = [row.tolist() for row in text.unfold(0, 6, 1)]
    for inputs, targets in zip(x.tolist(), y.tolist(), strict=True):
        assert inputs[1:] == targets[:-1]
        assert [*inputs, targets[-1]] in rows


def test_every_place_of_the_text_can_be_drawn_and_equally_often():
    x, y = sample_windows(torch.arange(8), 6000, 3, seeded())
    starts = x[:, 0].bincount(minlength=8)
    assert starts[:5].sum() == 6000  # places 0 ... 4: the last target is token 7
    assert starts[:5].float().std() < 100  # binomial: about 31
    assert y.max() == 7


def test_the_generator_alone_decides():
    text = torch.arange(1000)
    first = sample_windows(text, 4, 9, seeded(5))
    torch.manual_seed(99)
    again = sample_windows(text, 4, 9, seeded(5))
    other = sample_windows(text, 4, 9, seeded(6))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_a_text_of_exactly_one_window_is_long_enough():
    x, y = sample_windows(torch.arange(6), 2, 5, seeded())
    assert x.tolist() == [[0, 1, 2, 3, 4]] * 2
    assert y.tolist() == [[1, 2, 3, 4, 5]] * 2


def test_a_text_shorter_than_a_window_is_refused_with_both_numbers():
    with pytest.raises(ValueError, match=r"5 tokens.* 5 needs 6"):
        sample_windows(torch.arange(5), 2, 5, seeded())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.int16, torch.int32])
def test_small_integer_types_come_out_as_int64(dtype):
    text = torch.arange(20).to(dtype)
    assert sample_windows(text, 2, 3, seeded())[1].dtype == torch.int64
    assert all(y.dtype == torch.int64 for _, y in consecutive_windows(text, 3, 2))


@settings(deadline=None)
@given(
    n_tokens=st.integers(2, 60),
    context_length=st.integers(1, 20),
    batch_size=st.integers(1, 5),
)
def test_consecutive_windows_predict_each_token_once_and_in_order(
    n_tokens, context_length, batch_size
):
    text = torch.arange(100, 100 + n_tokens)
    inputs, targets = [], []
    for x, y in consecutive_windows(text, context_length, batch_size):
        assert x.shape == y.shape
        assert 1 <= x.shape[0] <= batch_size
        assert 1 <= x.shape[1] <= context_length
        inputs += x.flatten().tolist()
        targets += y.flatten().tolist()
    assert targets == text[1:].tolist()
    assert inputs == text[:-1].tolist()


def test_only_the_last_window_is_short():
    shapes = [tuple(x.shape) for x, _ in consecutive_windows(torch.arange(24), 5, 3)]
    assert shapes == [(3, 5), (1, 5), (1, 3)]


@pytest.mark.parametrize("n_tokens", [0, 1])
def test_nothing_to_predict_is_an_error_at_the_call(n_tokens):
    with pytest.raises(ValueError, match=f"{n_tokens} tokens"):
        consecutive_windows(torch.arange(n_tokens), 4, 2)


@pytest.mark.parametrize(
    ("argument", "batch_size", "context_length"),
    [("batch_size", 0, 3), ("context_length", 2, 0)],
)
def test_sizes_below_one_are_refused(argument, batch_size, context_length):
    with pytest.raises(ValueError, match=argument):
        sample_windows(torch.arange(9), batch_size, context_length, seeded())
    with pytest.raises(ValueError, match=argument):
        consecutive_windows(torch.arange(9), context_length, batch_size)


def test_a_text_is_one_row_of_whole_numbers():
    with pytest.raises(ValueError, match=r"\(2, 9\)"):
        sample_windows(torch.zeros(2, 9, dtype=torch.long), 2, 3, seeded())
    for dtype in (torch.float32, torch.bool, torch.uint64, torch.complex64):
        with pytest.raises(ValueError, match=str(dtype)):
            consecutive_windows(torch.zeros(9, dtype=dtype), 2, 3)
    with pytest.raises(ValueError, match="a list"):
        sample_windows([1] * 9, 2, 3, seeded())


@pytest.mark.parametrize("context_length", [3, 8])
def test_a_batch_shares_no_memory_with_the_text_or_its_targets(context_length):
    text = torch.arange(9)
    for x, y in (
        sample_windows(text, 1, context_length, seeded()),
        *consecutive_windows(text, context_length, 1),
    ):
        before = y.clone()
        x.fill_(-1)
        assert torch.equal(y, before)
        y.fill_(-1)
    assert torch.equal(text, torch.arange(9))


def array(n_tokens: int, dtype: type = np.uint16) -> np.ndarray:
    """An array whose first id stands out of what a signed type of its size can hold."""
    return (np.arange(n_tokens) + np.iinfo(dtype).max - n_tokens + 1).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
def test_an_array_gives_the_windows_of_the_same_tensor(dtype):
    ids = array(40, dtype)
    text = torch.from_numpy(ids.astype(np.int64))
    for ours, theirs in zip(
        sample_windows(ids, 6, 7, seeded(3)),
        sample_windows(text, 6, 7, seeded(3)),
        strict=True,
    ):
        assert ours.dtype == torch.int64
        assert torch.equal(ours, theirs)
    both = zip(
        consecutive_windows(ids, 7, 2), consecutive_windows(text, 7, 2), strict=True
    )
    for ours, theirs in both:
        assert all(map(torch.equal, ours, theirs))
        assert ours[0].dtype == torch.int64


class WatchedArray(np.ndarray):
    """An array that remembers how much of it was read at once."""

    largest = 0

    def __getitem__(self, key):
        part = super().__getitem__(key)
        WatchedArray.largest = max(WatchedArray.largest, np.size(part))
        return np.asarray(part)

    def astype(self, *args, **kwargs):
        raise AssertionError("the whole array was converted")


def test_only_the_windows_that_are_asked_for_are_read():
    ids = array(10_000).view(WatchedArray)
    sample_windows(ids, 3, 9, seeded())
    for _ in consecutive_windows(ids, 9, 3):
        pass
    assert WatchedArray.largest == 3 * 10


def test_the_batch_goes_to_the_device_that_is_named():
    for text in (torch.arange(20), array(20)):
        x, y = sample_windows(text, 2, 5, seeded(), device="meta")
        assert x.device.type == y.device.type == "meta"


def test_an_array_is_one_row_of_whole_numbers_too():
    with pytest.raises(ValueError, match=r"\(2, 9\)"):
        sample_windows(np.zeros((2, 9), dtype=int), 2, 3, seeded())
    for dtype in ("float64", "bool", "uint64", "object"):
        with pytest.raises(ValueError, match=dtype):
            sample_windows(np.zeros(9, dtype), 2, 3, seeded())
