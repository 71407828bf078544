"""Every code block of the documents runs, and what they say a command prints is what it prints, numbers aside."""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(kind):
    found = [
        (page, block) for page in PAGES for block in re.findall(rf"```{kind}\n(.*?)```", page.read_text("utf-8"), re.S)
    ]
    return [pytest.param(*pair, id=f"{pair[0].name}-{n}") for n, pair in enumerate(found)]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("README.md", "mechanism"),
        ("docs/porting.md", "tensor"),
        ("docs/sweeps.md", "nats"),
        ("docs/attribution.md", "recall"),
        ("docs/weights.md", "time"),
    ],
)
def test_python_blocks_run_in_order(document, told, tmp_path):
    """One page is one session: later blocks use what earlier ones made."""
    code = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text("utf-8"), re.S)
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
    assert told in run.stdout


def test_the_family_that_shows_how_one_is_added_is_the_family_of_the_code():
    from rung.families.olmo import OLMO2
    from rung.families.rules import Keys

    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "architecture.md").read_text("utf-8"), re.S)
    made = {}
    exec(code, made)
    shown = made["OLMO2"]
    assert set(shown.rules) == set(OLMO2.rules)
    bare = {"rules": (), "read_config": OLMO2.read_config}
    assert replace(shown, **bare) == replace(OLMO2, **bare)
    values = {
        "hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1, "vocab_size": 5, "intermediate_size": 6,
        "attention_bias": True,
    }  # fmt: skip
    read = [family.read_config(Keys(values, "olmo2"), ()) for family in (shown, OLMO2)]
    assert read[0] == read[1]


@pytest.mark.parametrize(("document", "block"), blocks("console"))
def test_commands_print_what_the_page_says(document, block, tmp_path):
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
