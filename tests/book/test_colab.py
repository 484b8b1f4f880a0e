"""A notebook alone, in a strange environment: what happens in Colab.

The environment has PyTorch and the rest, as Colab has, but not this book's package; the
folder holds the notebook and nothing else. Only its set-up cell is there to help. It
installs from the repository's address, which git is told to find in this checkout.
"""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

import nbformat
import pytest

from set_repository import repository_url

pytestmark = pytest.mark.book

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = "notebooks/3_mathematics/01_likelihood"


def answer(python: Path, code: str, **options) -> str:
    """What a line of code prints in an environment."""
    done = subprocess.run(
        [python, "-c", code], check=True, capture_output=True, text=True, **options
    )
    return done.stdout.strip()


def without_isolation(python: Path) -> str:
    """The value of PIP_NO_BUILD_ISOLATION that means what its name says.

    There is no network from which an isolated build could get its tools, and pip's
    releases disagree on whether "1" or "0" is the value that turns isolation off.
    """
    code = (
        "from pip._internal.commands import create_command\n"
        "parser = create_command('install').parser\n"
        "print(parser.parse_args([])[0].build_isolation)"
    )
    for value in ("1", "0"):
        environment = {**os.environ, "PIP_NO_BUILD_ISOLATION": value}
        if answer(python, code, env=environment) in ("False", "0"):
            return value
    raise AssertionError("this pip cannot build without isolation")


@pytest.fixture(scope="module")
def colab(tmp_path_factory) -> Path:
    """The Python of a fresh environment that sees PyTorch and not this package."""
    folder = tmp_path_factory.mktemp("colab")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    # Where Python brings an old setuptools along, the pinned one has to show through.
    remove = ["-m", "pip", "uninstall", "--quiet", "--yes", "setuptools"]
    subprocess.run([python, *remove], check=False, capture_output=True)
    own = answer(python, "import site; print(site.getsitepackages()[0])")
    # A folder named in a .pth file joins the path, but .pth files inside it are not
    # read: the editable install of this checkout stays unseen.
    everything_else = "\n".join(site.getsitepackages())
    Path(own, "everything_else.pth").write_text(everything_else + "\n")
    return python


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A git repository with the files of this checkout, committed or not."""
    folder = tmp_path_factory.mktemp("clone") / "llm-notes"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "All files"]):
        subprocess.run([*git, *command], cwd=folder, check=True)
    return folder


def test_setup_cell_alone_makes_a_notebook_run(colab, clone, tmp_path):
    find = "import importlib.util as u; print(u.find_spec('llm_notes'))"
    torch = "import torch; print(torch.__version__, torch.__file__)"
    assert answer(colab, find, cwd=tmp_path) == "None"
    torch_before = answer(colab, torch, cwd=tmp_path)

    shutil.copy(ROOT / f"{NOTEBOOK}.ipynb", tmp_path / "alone.ipynb")
    worker = ROOT / "book" / "_ext" / "notebook_worker.py"
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("PYTHON")},
        # Its own kernel, and its own pip for `%pip`.
        "PATH": f"{colab.parent}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(colab.parent.parent),
        "JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter"),
        "OMP_NUM_THREADS": "1",
        "LLM_NOTES_HOME": str(tmp_path / "home"),
        # The repository's address, without a network: this checkout.
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"url.file://{clone}.insteadOf",
        "GIT_CONFIG_VALUE_0": repository_url(ROOT),
        "GIT_CONFIG_KEY_1": "protocol.file.allow",
        "GIT_CONFIG_VALUE_1": "always",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": without_isolation(colab),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    done = subprocess.run(
        [colab, worker, tmp_path / "alone.ipynb", tmp_path / "done.ipynb"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    last = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
    assert done.returncode == 0, last.get("traceback", done.stderr)

    executed = nbformat.read(tmp_path / "done.ipynb", as_version=4)
    counts = [c.execution_count for c in executed.cells if c.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    where = answer(colab, "import llm_notes; print(llm_notes.__file__)", cwd=tmp_path)
    assert Path(where).is_relative_to(colab.parent.parent)
    assert answer(colab, torch, cwd=tmp_path) == torch_before
