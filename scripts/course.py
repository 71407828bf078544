"""Renders the course's sources, examples/course/part*.py, to notebooks.

    python scripts/course.py                  the exercise notebooks, into src/rung/course/notebooks
    python scripts/course.py --check          fails if those are not what the sources render to
    python scripts/course.py --solutions DIR  the solution notebooks, which run from top to bottom

A source is a percent script (jupytext). Its cells carry tags: `exercise` (a stub), `hint` (folded text), `solution`
(what the stub is replaced by) and `long` (takes minutes, or needs a model that is downloaded). An exercise's cells come
in this order: text, stub, hint, check, solution. Needs jupytext and nbformat, which `.[test]` brings.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "examples" / "course"
RENDERED = ROOT / "src" / "rung" / "course" / "notebooks"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def sources() -> list[Path]:
    """The percent scripts, in order."""
    return sorted(SOURCES.glob("part*.py"))


def read_source(path: Path) -> list[NotebookNode]:
    """The cells of a percent script."""
    cells: list[NotebookNode] = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent").cells
    return cells


def tags(cell: NotebookNode) -> Sequence[str]:
    """A cell's tags."""
    found: Sequence[str] = cell.metadata.get("tags", ())
    return found


def exercise_notebook(path: Path) -> NotebookNode:
    """The reader's notebook: stubs to fill in; hints and solutions folded."""
    return _notebook(path, _folded(read_source(path)))


def solution_notebook(path: Path, long: bool = False) -> NotebookNode:
    """The notebook with each stub replaced by its solution. `long`: with the cells that take minutes."""
    return _notebook(path, (cell for cell in _solved(read_source(path)) if long or "long" not in tags(cell)))


def _folded(cells: Sequence[NotebookNode]) -> Iterator[NotebookNode]:
    for cell in cells:
        if "solution" in tags(cell):
            text = f"<details>\n<summary>Solution</summary>\n\n```python\n{cell.source}\n```\n\n</details>"
            cell = nbformat.v4.new_markdown_cell(text, metadata=cell.metadata)
        yield cell


def _solved(cells: Sequence[NotebookNode]) -> Iterator[NotebookNode]:
    solutions = [cell for cell in cells if "solution" in tags(cell)]
    stubs = [cell for cell in cells if "exercise" in tags(cell)]
    if len(solutions) != len(stubs):
        raise ValueError(f"{len(stubs)} stubs and {len(solutions)} solutions")
    for cell in cells:
        if "exercise" in tags(cell):
            yield solutions[stubs.index(cell)]
        elif not {"hint", "solution"} & set(tags(cell)):
            yield cell


def _notebook(path: Path, cells: Iterator[NotebookNode]) -> NotebookNode:
    made = [_clean(cell, f"{path.stem}-{at:02}") for at, cell in enumerate(cells)]
    return nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})


def _clean(cell: NotebookNode, name: str) -> NotebookNode:
    """The cell under a name that does not change from one rendering to the next."""
    return NotebookNode({**cell, "id": name, "metadata": NotebookNode({"tags": [*tags(cell)]} if tags(cell) else {})})


def text_of(notebook: NotebookNode) -> str:
    """A notebook as its file holds it."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook, indent=1) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--solutions", type=Path)
    args = parser.parse_args()
    folder = args.solutions or RENDERED
    folder.mkdir(parents=True, exist_ok=True)
    stale = []
    for path in sources():
        text = text_of(solution_notebook(path, long=True) if args.solutions else exercise_notebook(path))
        target = folder / f"{path.stem}.ipynb"
        if args.check and (not target.exists() or target.read_text(encoding="utf-8") != text):
            stale.append(target.name)
        elif not args.check:
            target.write_text(text, encoding="utf-8")
    if stale:
        print(f"not what the sources render to: {', '.join(stale)}; run scripts/course.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
