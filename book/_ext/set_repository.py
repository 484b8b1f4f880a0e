"""Carry a new repository address to every file that has to repeat it.

    python book/_ext/set_repository.py https://github.com/you/llm-notes

The address stands in ``_config.yml`` (``repository: url``). Some files cannot read it
there: the first cell of a notebook, the citation file, the package's metadata, the
README. This replaces the old address by the new one in all of them.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

ADDRESS = re.compile(r"https://github\.com/(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)")
# Files of these kinds can name the repository.
SUFFIXES = {".cff", ".ipynb", ".md", ".toml", ".yml"}


def repository_url(root: Path) -> str:
    """The address that ``_config.yml`` gives."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    return config["repository"]["url"]


def spellings(url: str) -> list[str]:
    """The ways an address is written: itself, in launch links, as Pages address.

    Raises ValueError when ``url`` is not ``https://github.com/OWNER/NAME``.
    """
    match = ADDRESS.fullmatch(url.removesuffix("/").removesuffix(".git"))
    if match is None:
        raise ValueError(
            f"{url!r} is no repository address; it has to look like "
            "https://github.com/OWNER/NAME (Colab opens notebooks only from there)"
        )
    owner, name = match["owner"], match["name"]
    return [
        match[0],
        f"mybinder.org/v2/gh/{owner}/{name}/",
        f"colab.research.google.com/github/{owner}/{name}/",
        f"{owner}.github.io/{name}/",
    ]


def text_files(root: Path) -> list[Path]:
    """Files of the repository (known to git or new) that can name its address."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    paths = (root / name for name in sorted(set(listed)) if name)
    return [p for p in paths if p.suffix in SUFFIXES and p.is_file()]


def set_repository(root: Path, url: str) -> list[Path]:
    """Replace the address of ``_config.yml`` by ``url``; returns the changed files.

    Raises ValueError when ``url`` is not ``https://github.com/OWNER/NAME``.
    """
    new, old = spellings(url), spellings(repository_url(root))
    changed = []
    for path in text_files(root):
        before = text = path.read_text(encoding="utf-8")
        for was, becomes in zip(old, new, strict=True):
            # Not the beginning of a longer name.
            end = "" if was.endswith("/") else r"(?![\w-])"
            text = re.sub(re.escape(was) + end, becomes, text)
        if text != before:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def main() -> int:
    root = Path(__file__).resolve().parents[2]
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        changed = set_repository(root, sys.argv[1])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for path in changed:
        print(path.relative_to(root))
    print(f"{len(changed)} files now say {sys.argv[1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
