"""One line of progress with the time that is left.

In a terminal the line is rewritten in place; in Jupyter one display is updated, so the
built page keeps a single clean line; in a pipe only the last line is printed.
"""

import sys
import time
from types import TracebackType


def format_seconds(seconds: float) -> str:
    """Seconds as a reader says them: '8 s', '2 min 05 s', '1 h 04 min'."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


class _Line(str):
    """Text that Jupyter shows without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Progress:
    """Counts steps and shows how far a run is.

    Use as a context manager; the last line stays even when the run is interrupted.

    Args:
        n_steps: steps in the whole run.
        seconds_between: how often the line is rewritten.
    """

    def __init__(self, n_steps: int, seconds_between: float = 0.5) -> None:
        self.n_steps = n_steps
        self.seconds_between = seconds_between
        self.step = 0
        self._message = ""
        self._handle = None
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
        seconds = format_seconds(time.monotonic() - self._started_at)
        verb = "done in" if kind is None else "stopped after"
        self._show(f"{self._head()} · {verb} {seconds}", last=True)

    def advance(self, message: str = "") -> None:
        """One more step is done; `message` says what it reached."""
        self.step += 1
        self._message = message
        now = time.monotonic()
        if now - self._shown_at < self.seconds_between:
            return
        self._shown_at = now
        left = (now - self._started_at) / self.step * (self.n_steps - self.step)
        self._show(f"{self._head()} · {format_seconds(left)} left", last=False)

    def _head(self) -> str:
        head = f"step {self.step}/{self.n_steps}"
        return f"{head} · {self._message}" if self._message else head

    def _show(self, line: str, last: bool) -> None:
        shell = _jupyter_shell()
        if shell is not None:
            from IPython.display import display

            if self._handle is None:
                self._handle = display(_Line(line), display_id=True)
            else:
                self._handle.update(_Line(line))
        elif sys.stderr.isatty():
            # \x1b[K clears what a longer line before it has left.
            print(f"\r{line}\x1b[K", end="\n" if last else "", file=sys.stderr)
        elif last:
            print(line, file=sys.stderr)


def _jupyter_shell() -> object | None:
    """The running Jupyter shell, without importing IPython where there is none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell if shell is not None and hasattr(shell, "kernel") else None
