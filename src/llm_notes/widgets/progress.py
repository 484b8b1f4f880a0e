"""How far a long series of frames is, for whoever waits; nothing for a short one.

Writes to the notebook or to a terminal, and to neither when the output is a file.
"""

import sys
import time

from llm_notes.viz.display import Display, PlainText, in_jupyter


class FrameProgress:
    """Silent for `patience` seconds, then one line that is replaced, then nothing."""

    def __init__(self, n_frames: int, patience: float = 5.0):
        self._n_frames = n_frames
        self._started = time.monotonic()
        self._due = self._started + patience
        self._write = None

    def show(self, n_done: int) -> None:
        now = time.monotonic()
        if n_done >= self._n_frames or now < self._due:
            return
        if self._write is None:
            self._write = _notebook_line() or _terminal_line
        self._due = now + 1.0
        left = (now - self._started) / n_done * (self._n_frames - n_done)
        self._write(f"explore: {n_done} of {self._n_frames} frames, {left:.0f} s left")

    def finish(self) -> None:
        if self._write is not None:
            self._write("")


def _notebook_line():
    if not in_jupyter():
        return None
    display = Display()
    return lambda text: display.show(PlainText(text))


def _terminal_line(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<60}\r", end="", file=sys.stderr, flush=True)
