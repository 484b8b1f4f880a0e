"""What a server counts, as text that Prometheus reads.

It knows no model and no HTTP. Every method may be called from any thread.
"""

import threading
from bisect import bisect_left
from collections import Counter

SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
ROWS = (1, 2, 4, 8, 16, 32, 64)


class Histogram:
    """Counts of values up to each of some bounds."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds, self.total = bounds, 0.0
        self.counts = [0] * (len(bounds) + 1)

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def lines(self, name: str) -> list[str]:
        """Cumulative, as Prometheus wants them."""
        lines, so_far = [f"# TYPE {name} histogram"], 0
        for bound, count in zip((*self.bounds, "+Inf"), self.counts, strict=True):
            so_far += count
            lines.append(f'{name}_bucket{{le="{bound}"}} {so_far}')
        return [*lines, f"{name}_sum {self.total:.6f}", f"{name}_count {so_far}"]


class Metrics:
    """Requests, tokens, the queue, the batch, and how long requests take."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._tokens = Counter({"prompt": 0, "completion": 0})
        self._gauges = {"running": 0, "waiting": 0}
        self._seconds, self._rows = Histogram(SECONDS), Histogram(ROWS)

    def add_request(self, path: str, status: int, seconds: float) -> None:
        """One request is over; `path` is a route, never a client's text."""
        with self._lock:
            self._requests[path, status] += 1
            self._seconds.add(seconds)

    def add_tokens(self, kind: str, n: int) -> None:
        """Tokens that were read ("prompt") or drawn ("completion")."""
        with self._lock:
            self._tokens[kind] += n

    def add_step(self, n_rows: int) -> None:
        """One step of the batch with `n_rows` rows."""
        with self._lock:
            self._rows.add(n_rows)

    def set_load(self, running: int, waiting: int) -> None:
        """How many answers have a place, and how many wait for one."""
        with self._lock:
            self._gauges = {"running": running, "waiting": waiting}

    def text(self) -> str:
        """Everything, in Prometheus' text format 0.0.4."""
        with self._lock:
            lines = ["# TYPE llm_notes_requests_total counter"]
            for (path, status), n in sorted(self._requests.items()):
                labels = f'path="{path}",status="{status}"'
                lines.append(f"llm_notes_requests_total{{{labels}}} {n}")
            lines.append("# TYPE llm_notes_tokens_total counter")
            for kind, n in self._tokens.items():
                lines.append(f'llm_notes_tokens_total{{kind="{kind}"}} {n}')
            for name, n in self._gauges.items():
                lines.append(f"# TYPE llm_notes_{name} gauge")
                lines.append(f"llm_notes_{name} {n}")
            lines += self._rows.lines("llm_notes_batch_rows")
            lines += self._seconds.lines("llm_notes_request_seconds")
        return "\n".join(lines) + "\n"
