"""One notebook running in its own process, and the surroundings it runs in.

Starts, watches and stops ``notebook_worker.py``; does not know which notebook should
run when.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from notebook_plan import short

WORKER = Path(__file__).with_name("notebook_worker.py")
CELL_TIMEOUT = 600  # seconds


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def kernel_environment(home: Path, scratch: Path) -> dict[str, str]:
    """The environment of a kernel: everything that could change a number is fixed."""
    return {
        **os.environ,
        "PYTHONHASHSEED": "0",
        # Keep the memory of one training step for the next one: glibc would give
        # large tensors back each time, and taking them anew costs time at each step.
        "MALLOC_MMAP_MAX_": "0",
        "MALLOC_TRIM_THRESHOLD_": "10000000000",
        "MALLOC_TOP_PAD_": "67108864",
        "LLM_NOTES_HOME": str(home),
        # The kernel of this environment, without the user's own start-up files.
        "JUPYTER_PREFER_ENV_PATH": "1",
        "IPYTHONDIR": str(scratch / "ipython"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def thread_environment(n_threads: int) -> dict[str, str]:
    """Says how many threads the libraries of a kernel compute with.

    The number is fixed, whatever the machine has, because sums then always run in the
    same order.
    """
    libraries = ("OMP", "MKL", "OPENBLAS")
    return {f"{library}_NUM_THREADS": str(n_threads) for library in libraries}


class NotebookProcess:
    """A notebook that is being executed."""

    def __init__(
        self, root: Path, name: str, scratch: Path, env: dict, n_threads: int = 1
    ) -> None:
        self.name = name
        self.n_threads = n_threads
        self.began = time.perf_counter()
        stem = scratch / name.replace("/", "-")
        self.result = stem.with_suffix(".ipynb")
        self._said, self._errors = stem.with_suffix(".jsonl"), stem.with_suffix(".err")
        command = [sys.executable, WORKER, root / f"{name}.ipynb", self.result]
        with self._said.open("w") as out, self._errors.open("w") as err:
            self.process = subprocess.Popen(
                [*map(str, command), "--timeout", str(CELL_TIMEOUT)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**env, **thread_environment(n_threads)},
            )

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def failed(self) -> bool:
        return self.process.returncode != 0

    def lines(self) -> list[dict]:
        text = self._said.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]  # the last line may be half written
        return [json.loads(line) for line in whole.splitlines()]

    def seconds(self) -> float:
        return next(
            (line["seconds"] for line in self.lines() if "seconds" in line),
            time.perf_counter() - self.began,
        )

    def progress(self) -> str:
        cells = [line for line in self.lines() if "cell" in line]
        done = f" cell {cells[-1]['cell']}/{cells[-1]['of']}" if cells else ""
        return f"{short(self.name)}{done} {time.perf_counter() - self.began:.0f} s"

    def error(self) -> str:
        for line in self.lines():
            if "error" in line:
                if line["source"] in line["traceback"]:
                    return line["traceback"]
                cell = "\n".join(f"    {s}" for s in line["source"].splitlines())
                return f"{line['error']} in the cell\n{cell}\n{line['traceback']}"
        return self._errors.read_text(encoding="utf-8") or "the process ended early"

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)  # lets it end its kernel
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
