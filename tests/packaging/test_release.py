"""What a release says of itself: version, citation, licences of what it ships."""

import json
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
THIRD_PARTY = (ROOT / "THIRD_PARTY.md").read_text("utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")


def cited(key: str) -> str:
    (found,) = re.findall(rf"^{key}: (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    return found.strip('"')


def test_one_version_everywhere() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", PROJECT["version"])
    assert PROJECT["version"] == cited("version") == version("rung")


def test_the_newest_release_in_the_changelog_is_this_version() -> None:
    released = re.findall(r"^## \[(\d+\.\d+\.\d+[^\]]*)\] - (\d{4}-\d{2}-\d{2})$", CHANGELOG, re.MULTILINE)
    assert released[0] == (PROJECT["version"], cited("date-released"))


def test_the_licences_of_the_training_text_are_stated() -> None:
    for package in runpy.run_path(str(ROOT / "scripts" / "corpus.py"))["PACKAGES"]:
        (row,) = [line for line in THIRD_PARTY.splitlines() if line.startswith(f"| {package.name} {package.version} ")]
        assert package.holds in row and package.licence in row


def test_every_bundled_model_is_listed() -> None:
    (row,) = [line for line in THIRD_PARTY.splitlines() if "two-layer-redundant" in line]
    for card in (ROOT / "src" / "rung" / "model" / "bundled").glob("*/card.json"):
        trained_on_text = bool(json.loads(card.read_text("utf-8"))["data"].get("packages"))
        assert (card.parent.name in re.findall(r"[\w-]+", row)) == trained_on_text, card.parent.name
        assert card.parent.name in THIRD_PARTY


LOCKED = json.loads((ROOT / "web" / "package-lock.json").read_text("utf-8"))["packages"]
IN_THE_BUNDLE = {
    name.removeprefix("node_modules/"): found["version"]
    for name, found in LOCKED.items()
    if name and not found.get("dev") and not name.startswith(("node_modules/@types/", "node_modules/@lit-labs/"))
}  # types are not code, and @lit-labs/ssr-dom-shim is for servers


@pytest.mark.parametrize("name", IN_THE_BUNDLE)
def test_every_package_in_the_page_has_its_licence(name: str) -> None:
    rows = [line for line in THIRD_PARTY.splitlines() if line.startswith(f"| {name} {IN_THE_BUNDLE[name]} |")]
    assert len(rows) == 1
    (title,) = [
        line for line in THIRD_PARTY.splitlines() if line.startswith("### ") and name in re.split("[ ,]+", line)
    ]
    assert "```text" in THIRD_PARTY.partition(title)[2].partition("### ")[0]


def test_make_names_a_python_that_is_too_old_and_makes_nothing(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    old = tmp_path / "python3.9"
    old.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'import sys; sys.version_info = (3, 9, 1); exec(sys.argv[1])' \"$2\"\n"
    )
    old.chmod(0o755)
    done = subprocess.run(["make", "venv", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode and "python3.9 is Python 3.9, and Rung needs 3.11 or newer" in done.stderr
    assert not (tmp_path / ".venv").exists()
