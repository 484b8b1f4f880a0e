"""Progress is one line: how far, how good, how long still."""

import io

import pytest

from llm_notes.training import progress as progress_module
from llm_notes.training.progress import Progress, format_seconds


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    return now


def run(clock, n_steps=4, seconds_each=2.0, stop_after=None):
    with Progress(n_steps) as progress:
        for step in range(n_steps):
            if step == stop_after:
                raise KeyboardInterrupt
            clock[0] += seconds_each
            progress.advance(f"loss {9 - step}")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (65, "1 min 05 s"), (3840, "1 h 04 min")],
)
def test_seconds_read_as_one_says_them(seconds, text):
    assert format_seconds(seconds) == text


def test_a_pipe_gets_the_last_line_only(clock, monkeypatch):
    pipe = io.StringIO()
    monkeypatch.setattr(progress_module.sys, "stderr", pipe)
    run(clock)
    assert pipe.getvalue() == "step 4/4 · loss 6 · done in 8 s\n"


def test_a_terminal_line_is_rewritten_with_the_time_left(clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(progress_module.sys, "stderr", terminal)
    run(clock)
    lines = [line.removesuffix("\x1b[K") for line in terminal.getvalue().split("\r")]
    assert lines[1] == "step 1/4 · loss 9 · 6 s left"
    assert lines[3] == "step 3/4 · loss 7 · 2 s left"
    assert lines[-1] == "step 4/4 · loss 6 · done in 8 s\x1b[K\n"


def test_jupyter_keeps_one_clean_line(clock, monkeypatch):
    shown = []
    monkeypatch.setattr(progress_module, "in_jupyter", lambda: True)
    monkeypatch.setattr(progress_module.Display, "show", lambda _, x: shown.append(x))
    run(clock)
    assert repr(shown[0]) == "step 1/4 · loss 9 · 6 s left"
    assert repr(shown[-1]) == "step 4/4 · loss 6 · done in 8 s"


def test_an_interrupted_run_says_where_it_stopped(clock, monkeypatch):
    pipe = io.StringIO()
    monkeypatch.setattr(progress_module.sys, "stderr", pipe)
    with pytest.raises(KeyboardInterrupt):
        run(clock, stop_after=2)
    assert pipe.getvalue() == "step 2/4 · loss 8 · stopped after 4 s\n"
