"""Every code block of the documents runs, and what they say a command prints is what it prints, numbers aside."""

import inspect
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rung import errors
from rung.model import checkpoint_reader

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SESSION = runpy.run_path(str(ROOT / "scripts" / "pages.py"))
APART = {"sweeps.md"}
"""Pages whose code has a test of its own."""
WITH_CODE = [
    page
    for page in PAGES
    if page.name not in APART and any(map(SESSION["is_run"], SESSION["blocks"](page.read_text("utf-8"))))
]


def names(page):
    return page.relative_to(ROOT).as_posix()


def blocks(kind):
    found = [
        (page, block) for page in PAGES for block in re.findall(rf"```{kind}\n(.*?)```", page.read_text("utf-8"), re.S)
    ]
    return [pytest.param(*pair, id=f"{pair[0].name}-{n}") for n, pair in enumerate(found)]


@pytest.mark.parametrize("document", WITH_CODE, ids=names)
def test_the_code_of_a_page_runs_in_order_and_does_what_the_page_says(document, tmp_path, monkeypatch):
    """One page is one session: later blocks use what earlier ones made."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(checkpoint_reader, "FAMILIES", checkpoint_reader.FAMILIES)  # a page adds one
    for block, found in SESSION["run_page"](document.read_text("utf-8")):
        if block.says:
            assert SESSION["alike"](found, block.expected, block.says != "prints"), (block.code, found)


def test_sweeps_in_processes_of_their_own(tmp_path):
    """The page starts workers, which import the script that started them; so it runs as one."""
    code = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "sweeps.md").read_text("utf-8"), re.S)
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
    assert "nats" in run.stdout


@pytest.mark.parametrize("document", PAGES, ids=names)
def test_what_is_not_run_says_why(document):
    """Commands are in sh blocks, which run, or in console blocks, which are held against what is printed."""
    for block in SESSION["blocks"](document.read_text("utf-8")):
        if block.not_run is None and block.kind == "sh":
            assert SESSION["commands"](block)  # raises for a line that is not Rung's
        elif block.not_run is None and block.kind not in ("python", "console"):
            assert not re.search(r"^(\$ )?rung ", block.code, re.M), block.code


def test_a_page_that_is_wrong_is_found_out(tmp_path, monkeypatch):
    def run(page):
        return [
            SESSION["alike"](found, block.expected, block.says != "prints")
            for block, found in SESSION["run_page"](page)
            if block.says
        ]

    monkeypatch.chdir(tmp_path)
    code = "```python\n{}\n```\n\nIt {}:\n\n```text\n{}\n```\n"
    assert run(code.format("1 / 0", "raises", "ZeroDivisionError: division by zero")) == [True]
    assert run(code.format("1 / 0", "raises", "ZeroDivisionError: division by 0")) == [False]
    assert run(code.format("print('a', 1.5)", "prints", "a 2")) == [True]
    assert run(code.format("print('a', 1.5)", "prints", "b 1.5")) == [False]
    warn = "import warnings\nwarnings.warn('late')"
    assert run(code.format(warn, "warns", "UserWarning: late")) == [True]
    assert run(code.format("pass", "warns", "UserWarning: late")) == [False]
    with pytest.raises(AssertionError, match="nothing was raised"):
        run(code.format("pass", "raises", "ValueError: x"))
    with pytest.raises(AssertionError, match="was not announced"):
        run(f"```python\n{warn}\n```\n")
    with pytest.raises(ZeroDivisionError):
        run("```python\n1 / 0\n```\n")
    assert run("<!-- not run: it divides by zero -->\n```python\n1 / 0\n```\n") == []
    with pytest.raises(AssertionError, match="exit code 2"):
        run("```sh\nrung report nothing.json\n```\n")
    with pytest.raises(ValueError, match="make test"):
        run("```sh\nmake test\n```\n")


def test_every_error_has_its_page():
    kinds = {name for name, _ in inspect.getmembers(errors, inspect.isclass) if name in vars(errors)}
    kinds = {name for name in kinds if vars(errors)[name].__module__ == errors.__name__}
    folder = ROOT / "docs" / "errors"
    assert {page.stem for page in folder.glob("*.md")} == {*kinds, "index"}
    for kind in kinds:
        first, *_ = (block for block in SESSION["blocks"]((folder / f"{kind}.md").read_text("utf-8")) if block.says)
        assert first.expected.startswith(f"{kind}: ")


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


def slug(heading):
    """The anchor of a heading, as GitHub and the site make it."""
    words = re.sub(r"[^\w\s-]", "", re.sub(r"[`*]|\]\([^)]*\)", "", heading).lower())
    return re.sub(r"\s", "-", words.strip())


def faults_of_links(page):
    """Links to files of the repository that are not there, or to anchors that their pages lack."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.S | re.M)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = page.parent / file if file else page
        if not path.exists():
            yield target
        elif anchor and path.suffix == ".md" and not anchor.startswith("rung."):  # those are mkdocstrings's
            headings = re.findall(
                r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.S | re.M), re.M
            )
            if anchor not in map(slug, headings):
                yield target


@pytest.mark.parametrize("document", PAGES, ids=names)
def test_links_of_the_pages_lead_somewhere(document):
    assert not list(faults_of_links(document))


def test_a_link_to_nowhere_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A heading, here\n[a](#a-heading-here) [b](#elsewhere) [c](none.md) [d](page.md#x) [e](https://x.y)\n"
    )
    assert list(faults_of_links(page)) == ["#elsewhere", "none.md", "page.md#x"]


def test_the_line_that_ports_a_folder_changes_scripts_and_notebooks(tmp_path):
    if "GNU" not in subprocess.run(["sed", "--version"], capture_output=True, text=True).stdout:
        pytest.skip("needs GNU sed")
    (line,) = re.findall(r"^sed -i .*?(?=^```$)", (ROOT / "docs/how-to/notebook.md").read_text("utf-8"), re.M | re.S)
    before = [
        "import transformer_lens",
        "import transformer_lens as tl",
        "import transformer_lens.utils as utils",
        "    from transformer_lens import HookedTransformer",
        "from transformer_lens.hook_points import HookPoint",
        "import torch",
    ]
    (tmp_path / "old.py").write_text("\n".join(before) + "\n")
    cells = [{"source": [f"{one}\n" for one in before]}, {"source": before[:1]}]
    (tmp_path / "old.ipynb").write_text(json.dumps({"cells": cells}, indent=1))
    subprocess.run(["sh", "-c", line], cwd=tmp_path, check=True)
    after = [
        "import rung.transformer_lens as transformer_lens",
        "import rung.transformer_lens as tl",
        "import rung.transformer_lens.utils as utils",
        "    from rung.transformer_lens import HookedTransformer",
        "from rung.transformer_lens.hook_points import HookPoint",
        "import torch",
    ]
    assert (tmp_path / "old.py").read_text().splitlines() == after
    changed = [cell["source"] for cell in json.loads((tmp_path / "old.ipynb").read_text())["cells"]]
    assert changed == [[f"{one}\n" for one in after], after[:1]]
