"""How the benchmarks measure: turns, medians, and a note of the machine.

Contestants take turns within one process tree, so that a machine that slows down slows
all of them; ratios are taken turn by turn, and the median is reported.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import torch


def take_turns(
    contestants: Mapping[str, Callable[[], Any]], n_rounds: int = 7
) -> dict[str, list[float]]:
    """Seconds of each contestant in each round, after one round that is not counted.

    The order is turned around in every other round, so that none always follows the
    same one.
    """
    for contestant in contestants.values():
        contestant()
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for i in range(n_rounds):
        names = list(contestants)
        for name in names if i % 2 == 0 else reversed(names):
            started_at = time.perf_counter()
            contestants[name]()
            seconds[name].append(time.perf_counter() - started_at)
    return seconds


def ratio(slower: list[float], faster: list[float]) -> tuple[float, float, float]:
    """Lowest, median and highest ratio, taken round by round."""
    ratios = [a / b for a, b in zip(slower, faster, strict=True)]
    return min(ratios), median(ratios), max(ratios)


def machine() -> dict[str, Any]:
    """What a figure depends on beside the code."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "load_before": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2] for line in lines if line.startswith("model name"))
    return next(names, platform.processor()).strip()


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A table that a terminal and a page both show."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def keep(path: str | None, name: str, figures: Any) -> None:
    """Put the figures of one benchmark beside those of others, in one JSON file."""
    if path is None:
        return
    file = Path(path)
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    known[name] = figures
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(known, indent=1) + "\n"
    file.write_text(text, encoding="utf-8")
