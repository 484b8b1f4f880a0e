"""Execute the book's notebooks side by side, only those whose result is out of date.

    python book/_ext/run_notebooks.py                    the whole book
    python book/_ext/run_notebooks.py 4_code/04_gpt      one, and what it needs
    python book/_ext/run_notebooks.py --force            all again

A notebook is out of date when its code, the package files that it can touch, a
notebook that it needs, requirements.txt or the interpreter changed. The build of the
book calls :func:`run_notebooks`; this module does not know Sphinx.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from notebook_plan import Queue, book_notebooks, short, with_needed
from notebook_process import NotebookProcess, available_cores, kernel_environment
from notebook_sources import (
    code_cells,
    notebook_key,
    notebook_needs,
    notebook_threads,
)
from notebook_store import NotebookStore, Run

ROOT = Path(__file__).resolve().parents[2]
NOT_DONE = {"failed", "skipped"}


@dataclass(frozen=True)
class Outcome:
    """What became of one notebook."""

    name: str
    status: str  # "up to date", "executed", "failed" or "skipped"
    key: str
    seconds: float | None = None
    error: str = ""

    def __str__(self) -> str:
        if self.status == "executed":
            return f"{short(self.name)} {self.seconds:.1f} s"
        if self.status == "failed":
            return f"{short(self.name)} FAILED {self.seconds:.1f} s\n{self.error}"
        return f"{short(self.name)} {self.status}: {self.error}"


def run_notebooks(
    root: Path = ROOT,
    names: Sequence[str] | None = None,
    *,
    store_folder: Path | None = None,
    home: Path | None = None,
    jobs: int | None = None,
    force: bool = False,
    say: Callable[[str], None] | None = None,
) -> list[Outcome]:
    """Bring the stored results of ``names`` (default: all) and their needs up to date.

    Results go to ``store_folder`` (default ``_build/.jupyter_cache``); what notebooks
    leave for each other goes to ``home`` (default ``_build/home``). ``jobs`` notebooks
    run at a time (default: the number of cores, or ``$LLM_NOTES_JOBS``); one that
    computes with several threads takes that many places, or runs alone where there
    are fewer, because more threads than cores are far slower than fewer. A notebook
    that fails does not stop those that do not need it.

    Raises ValueError for a name, or a need, that is no notebook of the book.
    """
    store = NotebookStore(store_folder or root / "_build" / ".jupyter_cache")
    home = (home or root / "_build" / "home").resolve()
    home.mkdir(parents=True, exist_ok=True)
    jobs = jobs or int(os.environ.get("LLM_NOTES_JOBS", 0)) or available_cores()
    status = StatusLine(say)

    needs = chosen_needs(root, names)
    keys: dict[str, str] = {}
    for name in TopologicalSorter(needs).static_order():
        keys[name] = notebook_key(
            root / f"{name}.ipynb",
            root / "src",
            root / "requirements.txt",
            [keys[needed] for needed in needs[name]],
        )
    outcomes: dict[str, Outcome] = {}
    for name in needs:
        notebook = root / f"{name}.ipynb"
        if not force and store.is_fresh(name, keys[name]):
            store.refresh_metadata(name, notebook)
            outcomes[name] = Outcome(name, "up to date", keys[name])
    stale = [name for name in needs if name not in outcomes]
    if not stale:
        status.say(f"{len(needs)} notebooks are up to date")
        return [outcomes[name] for name in needs]

    status.say(f"Executing {len(stale)} of {len(needs)} notebooks, {jobs} at a time")
    known = {name: run.seconds for name, run in store.runs().items()}
    queue = Queue({n: [m for m in needs[n] if m in stale] for n in stale}, known)
    with tempfile.TemporaryDirectory(prefix="llm-notes-") as scratch:
        env = kernel_environment(home, Path(scratch))
        prepare_fonts(env)
        running: list[NotebookProcess] = []
        first = None  # ready, and waiting for places
        try:
            while queue or first or running:
                while first := first or queue.next_ready():
                    n_threads = notebook_threads(root / f"{first}.ipynb")
                    taken = sum(process.n_threads for process in running)
                    if running and taken + n_threads > jobs:
                        break
                    running.append(
                        NotebookProcess(root, first, Path(scratch), env, n_threads)
                    )
                    first = None
                status.show(" · ".join(process.progress() for process in running))
                time.sleep(0.1)
                for process in [p for p in running if p.has_ended()]:
                    running.remove(process)
                    outcome = finish(process, root, keys[process.name], store)
                    ended = [outcome]
                    if outcome.status == "failed":
                        reason = f"needs {short(process.name)}"
                        ended += [
                            Outcome(name, "skipped", keys[name], error=reason)
                            for name in queue.drop_dependents(process.name)
                        ]
                    queue.done(process.name)
                    for outcome in ended:
                        outcomes[outcome.name] = outcome
                        n = len([o for o in stale if o in outcomes])
                        status.say(f"[{n}/{len(stale)}] {outcome}")
        finally:
            status.show("")
            for process in running:
                process.stop()
    return [outcomes[name] for name in needs]


def chosen_needs(root: Path, names: Sequence[str] | None) -> dict[str, list[str]]:
    """What each notebook needs: of ``names`` and their needs, or of the whole book."""
    book = book_notebooks(root)
    needs = {name: notebook_needs(root / f"{name}.ipynb") for name in book}
    for name in [*(names or []), *(n for some in needs.values() for n in some)]:
        if name not in needs:
            listed = ", ".join(map(short, book))
            raise ValueError(f"{name!r} is no notebook of the book. Known: {listed}")
    chosen = with_needed(names or book, needs)
    return {name: needs[name] for name in book if name in chosen}


def finish(
    process: NotebookProcess, root: Path, key: str, store: NotebookStore
) -> Outcome:
    """Keep the result of a process that has ended, or say why there is none."""
    seconds = process.seconds()
    if process.failed():
        return Outcome(process.name, "failed", key, seconds, process.error())
    notebook = root / f"{process.name}.ipynb"
    run = Run(key, round(seconds, 3), len(code_cells(notebook)))
    store.save(process.name, notebook, process.result, run)
    return Outcome(process.name, "executed", key, seconds)


def prepare_fonts(env: dict[str, str]) -> None:
    """Let matplotlib list the machine's fonts, which it does once per machine.

    A notebook that had to wait for the list would show a message in its page.
    """
    subprocess.run(
        [sys.executable, "-c", "import matplotlib.font_manager"],
        env=env,
        check=False,
        stderr=subprocess.DEVNULL,
    )


class StatusLine:
    """Lines that stay, and below them (on a terminal) one that is written over."""

    def __init__(self, say: Callable[[str], None] | None) -> None:
        self._say = say
        self._live = say is None and sys.stdout.isatty()
        self._shown = ""

    def show(self, text: str) -> None:
        if self._live and text != self._shown:
            width = os.get_terminal_size().columns - 1
            print(f"\r\x1b[K{text[:width]}", end="", flush=True)
            self._shown = text

    def say(self, text: str) -> None:
        self.show("")
        if self._say is None:
            print(text, flush=True)
        else:
            self._say(text)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="e.g. 4_code/04_gpt; default: all")
    parser.add_argument("--force", action="store_true", help="also what is up to date")
    parser.add_argument("--jobs", type=int, help="how many at a time")
    options = parser.parse_args(arguments)
    tidy = [n.removesuffix(".ipynb").removeprefix("notebooks/") for n in options.names]
    names = [f"notebooks/{name}" for name in tidy]
    try:
        outcomes = run_notebooks(
            names=names or None, jobs=options.jobs, force=options.force
        )
    except ValueError as error:
        parser.error(str(error))
    return int(any(outcome.status in NOT_DONE for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
