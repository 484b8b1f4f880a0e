"""The repository's address stands in one place; all others agree with it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from notebook_sources import cell_source
from set_repository import repository_url, set_repository, spellings, text_files

ROOT = Path(__file__).resolve().parents[2]
OURS = repository_url(ROOT)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_metadata_files_give_the_address():
    assert yaml.safe_load(read("CITATION.cff"))["repository-code"] == OURS
    project = tomllib.loads(read("pyproject.toml"))["project"]
    assert project["urls"]["Repository"] == OURS


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "book/how_to_use.md"])
def test_clone_commands_give_the_address(name):
    cloned = re.findall(r"git clone (\S+)", read(name))
    assert cloned
    assert set(cloned) == {OURS}


def test_notebooks_install_from_the_address(notebooks):
    assert notebooks
    for name, notebook in notebooks.items():
        text = "\n".join(cell_source(cell) for cell in notebook["cells"])
        installed = re.findall(r"git\+(https://[^\"'\s]+)", text)
        assert set(installed) == {OURS}, name


def test_citation_and_package_have_the_same_version():
    from llm_notes import __version__

    assert yaml.safe_load(read("CITATION.cff"))["version"] == __version__


def test_a_fork_changes_the_address_everywhere_with_one_command(tmp_path):
    for source in text_files(ROOT):
        target = tmp_path / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)

    new = "https://github.com/reader/my.notes"
    changed = {path.relative_to(tmp_path).as_posix() for path in _set(tmp_path, new)}
    assert repository_url(tmp_path) == new
    assert {"_config.yml", "README.md", "CITATION.cff", "pyproject.toml"} <= changed
    assert any(name.endswith(".ipynb") for name in changed)
    for path in text_files(tmp_path):
        text = path.read_text(encoding="utf-8")
        for old in spellings(OURS):
            assert not re.search(re.escape(old) + r"(?![\w-])", text), path

    # And back: the way to the fork lost nothing.
    _set(tmp_path, OURS)
    for source in text_files(ROOT):
        copy = tmp_path / source.relative_to(ROOT)
        assert copy.read_text(encoding="utf-8") == source.read_text(encoding="utf-8")


def _set(folder: Path, url: str) -> list[Path]:
    return set_repository(folder, url)


@pytest.mark.parametrize("url", ["github.com/a/b", "https://example.org/a/b", "", "x"])
def test_an_address_that_launch_buttons_cannot_use_is_refused(tmp_path, url):
    shutil.copy(ROOT / "_config.yml", tmp_path)
    with pytest.raises(ValueError, match=r"https://github\.com/OWNER/NAME"):
        set_repository(tmp_path, url)


def test_a_longer_name_is_left_alone(tmp_path):
    shutil.copy(ROOT / "_config.yml", tmp_path)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    other = tmp_path / "other.md"
    other.write_text(f"{OURS}-extras and {OURS}.\n", encoding="utf-8")
    set_repository(tmp_path, "https://github.com/reader/notes")
    text = other.read_text(encoding="utf-8")
    assert text == f"{OURS}-extras and https://github.com/reader/notes.\n"
