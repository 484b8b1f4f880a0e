"""requirements.txt: exact, installed, and within the package's own ranges."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line.partition("#")[0].strip() for line in lines]
    found = {}
    for line in filter(None, wanted):
        match = re.fullmatch(r"([\w.-]+)==([\w.]+)", line)
        assert match, f"not an exact pin: {line}"
        found[canonicalize_name(match[1])] = match[2]
    return found


PINS = pins()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PINS)
def test_the_pinned_version_is_the_installed_one(name):
    installed = importlib.metadata.version(name)
    # A build for another processor has a local part: 2.13.0+cpu.
    assert installed.partition("+")[0] == PINS[name]


def test_pins_satisfy_the_ranges_of_the_package():
    project = PROJECT["project"]
    ranges = [*project["dependencies"], *PROJECT["build-system"]["requires"]]
    for extra in project["optional-dependencies"].values():
        ranges += extra
    for text in ranges:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if name == "llm-notes":  # an extra that includes other extras
            continue
        assert name in PINS, f"{name} is needed and has no pin"
        assert requirement.specifier.contains(PINS[name]), text


def test_binder_installs_what_the_package_needs():
    text = (ROOT / "binder" / "environment.yml").read_text(encoding="utf-8")
    listed = [d for d in yaml.safe_load(text)["dependencies"] if isinstance(d, str)]
    there = {re.match(r"[\w-]+", line)[0] for line in listed}
    # The same things under conda-forge's names.
    other_names = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}
    for text in PROJECT["project"]["dependencies"]:
        name = Requirement(text).name
        assert other_names.get(name, name) in there


def test_no_file_names_a_package_host():
    hosts = (
        "pypi.org",
        "pythonhosted",
        "download.pytorch",
        "--index-url",
        "--find-links",
    )
    names = ("requirements.txt", "pyproject.toml", "Makefile", ".ci/run")
    folders = ("binder", ".github")
    files = [ROOT / name for name in names]
    files += [p for f in folders for p in (ROOT / f).rglob("*") if p.is_file()]
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert not [host for host in hosts if host in text], path
