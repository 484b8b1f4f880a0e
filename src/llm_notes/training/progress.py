"""One line of progress with the speed and the time that is left.

In a terminal the line is rewritten in place; in Jupyter one display is updated, so the
built page keeps a single clean line; in a pipe only the last line is printed.
"""

import sys
import time
from types import TracebackType

from llm_notes.viz.display import Display, PlainText, in_jupyter

SECONDS_BETWEEN = 0.5  # two lines


def format_seconds(seconds: float) -> str:
    """Seconds as a reader says them: '8 s', '2 min 05 s', '1 h 04 min'."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


class Progress:
    """Counts steps and shows how far a run is, and how fast.

    Use as a context manager; the last line stays even when the run is interrupted.

    Args:
        n_steps: steps in the whole run.
        first_step: steps done before, by a run that goes on now.
    """

    def __init__(self, n_steps: int, first_step: int = 0) -> None:
        self.n_steps = n_steps
        self.step = self.first_step = first_step
        self.tokens = 0
        self._message = ""
        self._display = Display()
        self._shown_at = float("-inf")

    def __enter__(self) -> "Progress":
        self._started_at = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(finished=kind is None)

    def close(self, finished: bool) -> None:
        """Show the last line; for who does not use `with`."""
        seconds = time.monotonic() - self._started_at
        verb = "done in" if finished else "stopped after"
        line = f"{self._head(seconds)} · {verb} {format_seconds(seconds)}"
        self._show(line, last=True)

    def advance(self, message: str = "", tokens: int = 0) -> None:
        """One more step is done; `message` says what it reached, `tokens` how many
        tokens it took, for the speed."""
        self.step += 1
        self.tokens += tokens
        self._message = message
        now = time.monotonic()
        if now - self._shown_at < SECONDS_BETWEEN:
            return
        self._shown_at = now
        seconds = now - self._started_at
        each = seconds / (self.step - self.first_step)
        left = format_seconds(each * (self.n_steps - self.step))
        self._show(f"{self._head(seconds)} · {left} left", last=False)

    def _head(self, seconds: float) -> str:
        parts = [f"step {self.step}/{self.n_steps}"]
        if self._message:
            parts.append(self._message)
        if self.tokens and seconds > 0:
            parts.append(f"{self.tokens / seconds:,.0f} tokens/s")
        return " · ".join(parts)

    def _show(self, line: str, last: bool) -> None:
        if in_jupyter():
            self._display.show(PlainText(line))
        elif sys.stderr.isatty():
            # \x1b[K clears what a longer line before it has left.
            print(f"\r{line}\x1b[K", end="\n" if last else "", file=sys.stderr)
        elif last:
            print(line, file=sys.stderr)
