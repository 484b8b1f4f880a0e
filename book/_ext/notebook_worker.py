"""Execute one notebook in a process of its own and say how far it is.

    python notebook_worker.py SOURCE.ipynb RESULT.ipynb --timeout 600

Writes one JSON object per line to standard output: ``{"cell": 3, "of": 20}`` when a
code cell starts, ``{"seconds": 12.3}`` at the end, ``{"error": ..., "source": ...,
"traceback": ...}`` when a cell fails (then the exit status is 1). Knows nothing of
other notebooks, of the cache or of Sphinx.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def say(**fields: object) -> None:
    """One line for the process that started this one."""
    print(json.dumps(fields), flush=True)


def execute(source: Path, result: Path, timeout: int) -> bool:
    """Run the notebook from its own folder; write it with outputs to ``result``."""
    notebook = nbformat.read(source, as_version=4)
    code = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    current = {"source": ""}

    def on_start(cell: nbformat.NotebookNode, cell_index: int) -> None:
        if cell.cell_type == "code":
            current["source"] = cell.source
            say(cell=code.index(cell_index) + 1, of=len(code))

    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        # The page shows the HTML twin of a widget; its live state would only make
        # the cache larger.
        store_widget_state=False,
        record_timing=False,
        # How text was cut into messages depends on the moment; the text does not.
        coalesce_streams=True,
        on_cell_start=on_start,
        resources={"metadata": {"path": str(source.parent)}},
    )
    began = time.perf_counter()
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        say(
            error=getattr(error, "ename", "") or type(error).__name__,
            source=current["source"],
            traceback=_ANSI.sub("", getattr(error, "traceback", "") or str(error)),
        )
        return False
    say(seconds=time.perf_counter() - began)
    tidy_outputs(notebook)
    nbformat.write(notebook, result)
    return True


WIDGET = "application/vnd.jupyter.widget-view+json"


def tidy_outputs(notebook: nbformat.NotebookNode) -> None:
    """Take out what means nothing once the kernel has ended.

    A live widget is named by a number that is new in each run, and the page shows its
    HTML twin. A display may be empty, such as a line of progress that was wiped out.
    """
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for output in cell.outputs:
                if "text/html" in output.get("data", {}):
                    output.data.pop(WIDGET, None)
            cell.outputs = [
                output
                for output in cell.outputs
                if output.output_type != "display_data"
                or any(part for part in output.data.values())
            ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--timeout", type=int, default=600, help="seconds for one cell")
    options = parser.parse_args()
    source, result = options.source.resolve(), options.result.resolve()
    return 0 if execute(source, result, options.timeout) else 1


if __name__ == "__main__":
    sys.exit(main())
