"""Plant faults in the package, one at a time, and count how many the tests catch.

    python tests/mutation/run.py                # all areas
    python tests/mutation/run.py layers llama   # some of them

Each file in `faults/` lists its faults and the tests that have to fail. A copy of the
package is changed, never the package itself. Every area is first tested without a
fault: tests that fail anyway would catch everything.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "llm_notes"
FAULTS = Path(__file__).with_name("faults")
# A fault that makes a test run forever has been noticed; so many times what the tests
# take without a fault, since the machine may be slower by then, and at least a minute.
PATIENCE, LEAST_SECONDS = 5, 60
CLEAN_LIMIT = 1200  # seconds for the tests of an area without a fault


@dataclass(frozen=True)
class Fault:
    """One change of one file: `old`, which stands there once, becomes `new`."""

    area: str
    file: str
    old: str
    new: str
    what: str
    tests: tuple[str, ...]


def all_faults() -> list[Fault]:
    """The faults of every area, in order of file names."""
    return [fault for path in sorted(FAULTS.glob("*.py")) for fault in _read(path)]


def _read(path: Path) -> Iterator[Fault]:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for file, old, new, what in module.FAULTS:
        yield Fault(path.stem, file, old, new, what, tuple(module.TESTS))


def run_all(
    jobs: list[tuple[Fault | None, tuple[str, ...], float]], n_processes: int
) -> Iterator[tuple[Fault | None, str, float]]:
    """Test each (fault, tests, most seconds), `n_processes` at a time.

    Yields:
        the fault, what came of it, and the seconds, in the order of the end.
    """
    waiting = list(reversed(jobs))
    running: dict[int, tuple[Fault | None, Path, float, float]] = {}
    while waiting or running:
        while waiting and len(running) < n_processes:
            fault, tests, limit = waiting.pop()
            folder = Path(tempfile.mkdtemp())
            pid = _start(fault, tests, folder)
            running[pid] = (fault, folder, time.monotonic(), limit)
        time.sleep(0.05)
        for pid, (fault, folder, start, limit) in list(running.items()):
            done, status = os.waitpid(pid, os.WNOHANG)
            seconds = time.monotonic() - start
            if done:
                code = os.waitstatus_to_exitcode(status)
                outcome = {0: "survived", 1: "caught"}.get(code, "broken")
            elif seconds > limit:
                os.killpg(pid, signal.SIGKILL)  # with all that its tests have started
                os.waitpid(pid, 0)
                outcome = "caught (no end)"
            else:
                continue
            del running[pid]
            unexpected = "survived" if fault else "caught"
            if outcome == "broken" or outcome.startswith(unexpected):
                print((folder / "log").read_text()[-2000:])
            shutil.rmtree(folder)
            yield fault, outcome, seconds


def _start(fault: Fault | None, tests: tuple[str, ...], folder: Path) -> int:
    """Change a copy of the package and test it in a child process."""
    copy = folder / "src"
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, copy / "llm_notes", ignore=skipped)
    if fault is not None:
        path = copy / "llm_notes" / fault.file
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(fault.old, fault.new), encoding="utf-8")
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    with (folder / "log").open("w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ["PYTHONPATH"] = str(copy)  # for tests that start Python themselves
    sys.path.insert(0, str(copy))
    os.chdir(ROOT)
    import pytest

    # The parent has imported what pytest would have liked to rewrite.
    quiet = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    options = ["-x", "-q", "-p", "no:cacheprovider", *quiet]
    os._exit(int(pytest.main([*options, *tests])))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("areas", nargs="*", help="names of files in faults/")
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side")
    arguments = parser.parse_args()
    faults = all_faults()
    areas = arguments.areas or sorted({fault.area for fault in faults})
    unknown = set(areas) - {fault.area for fault in faults}
    if unknown:
        parser.error(f"no such area: {', '.join(sorted(unknown))}")
    faults = [fault for fault in faults if fault.area in areas]

    # Imported once here, so that each child begins with them; never the package.
    os.environ["OMP_NUM_THREADS"] = "1"
    import hypothesis  # noqa: F401
    import pytest  # noqa: F401
    import torch
    import transformers  # noqa: F401

    torch.set_num_threads(1)
    jobs, outcomes = [], []
    for area in areas:
        planted = [fault for fault in faults if fault.area == area]
        clean = [(None, planted[0].tests, CLEAN_LIMIT)]
        ((_, outcome, seconds),) = run_all(clean, 1)
        print(f"{area} without a fault: {outcome}, {seconds:.0f} s", flush=True)
        if outcome != "survived":
            print("its tests fail without any fault; mend them first")
            return 1
        limit = max(LEAST_SECONDS, PATIENCE * seconds)
        jobs += [(fault, fault.tests, limit) for fault in planted]
    for fault, outcome, _ in run_all(jobs, arguments.jobs):
        outcomes.append(outcome)
        print(f"{outcome:15}  {fault.file}: {fault.what}", flush=True)
    caught = sum(outcome.startswith("caught") for outcome in outcomes)
    print(f"\n{caught} of {len(faults)} faults caught")
    return 0 if caught == len(faults) else 1


if __name__ == "__main__":
    sys.exit(main())
