"""Every code block of the documents runs, and what they say a command prints is what it prints, numbers aside."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(kind):
    found = [
        (page, block) for page in PAGES for block in re.findall(rf"```{kind}\n(.*?)```", page.read_text("utf-8"), re.S)
    ]
    return [pytest.param(*pair, id=f"{pair[0].name}-{n}") for n, pair in enumerate(found)]


@pytest.mark.parametrize("page", PAGES[:1], ids=lambda page: page.name)
def test_python_blocks_run_in_order(page, tmp_path):
    """One page is one session: later blocks use what earlier ones made."""
    code = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.S)
    assert code
    run = subprocess.run(
        [sys.executable, "-c", "\n".join(code)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert "mechanism" in run.stdout


@pytest.mark.parametrize(("page", "block"), blocks("console"))
def test_commands_print_what_the_page_says(page, block, tmp_path):
    command, _, expected = block.partition("\n")
    assert command.startswith("$ rung ")
    run = subprocess.run(
        [str(Path(sys.executable).parent / "rung"), *shlex.split(command)[2:]],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"COLUMNS": "100", "NO_COLOR": "1", "OMP_NUM_THREADS": "1"},
        cwd=tmp_path,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert masked(run.stdout) == masked(expected)


def masked(text):
    """Without numbers and line breaks, which differ a little between machines."""
    return " ".join(re.sub(r"[+-]?\d[\d.e-]*", "#", text).split())


def test_links_of_the_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
