"""The course as readers get it: the notebooks that ship are what the sources render to, and the solutions run."""

import ast
import json
import os
import runpy
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbclient import NotebookClient

from rung.course.notebooks import notebook_files

ROOT = Path(__file__).resolve().parents[2]
course = SimpleNamespace(**runpy.run_path(str(ROOT / "scripts" / "course.py")))
SOURCES = course.sources()
LONG = bool(os.environ.get("RUNG_COURSE_LONG"))
"""Set by `make course-long`: the cells that take minutes or need a downloaded model run too."""


def test_the_shipped_notebooks_are_what_the_sources_render_to():
    shipped = {file.stem: file.read_text(encoding="utf-8") for file in notebook_files()}
    rendered = {path.stem: course.text_of(course.exercise_notebook(path)) for path in SOURCES}
    assert shipped == rendered, "run scripts/course.py"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_an_exercise_notebook_is_small_and_has_its_stubs(path):
    notebook = json.loads(course.text_of(course.exercise_notebook(path)))
    assert len(json.dumps(notebook)) < 100_000
    stubs = [cell for cell in notebook["cells"] if "exercise" in cell["metadata"].get("tags", ())]
    solutions = [cell for cell in notebook["cells"] if "solution" in cell["metadata"].get("tags", ())]
    assert stubs and len(stubs) == len(solutions)
    assert all(cell["cell_type"] == "markdown" and "<details>" in "".join(cell["source"]) for cell in solutions)
    assert not any(cell.get("outputs") for cell in notebook["cells"])
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
@pytest.mark.parametrize("kind", ["exercise_notebook", "solution_notebook"])
def test_no_name_is_defined_in_two_cells(path, kind):
    """Marimo refuses a name of the notebook that two cells define; one that begins with _ is the cell's own."""
    cells = [cell.source for cell in getattr(course, kind)(path).cells if cell.cell_type == "code"]
    defined = Counter(name for source in cells for name in names(source) if not name.startswith("_"))
    assert [name for name, count in defined.items() if count > 1] == []


def names(source):
    """The names that a cell defines at its top level."""
    found = set()

    class Reader(ast.NodeVisitor):
        def visit_FunctionDef(self, node):
            found.add(node.name)

        def visit_ClassDef(self, node):
            found.add(node.name)

        def visit_Lambda(self, node):
            pass

        def skip(self, node):
            pass

        visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = skip

        def visit_Name(self, node):
            if isinstance(node.ctx, ast.Store):
                found.add(node.id)

        def visit_Import(self, node):
            found.update(each.asname or each.name.split(".")[0] for each in node.names)

        visit_ImportFrom = visit_Import

    Reader().visit(ast.parse(source))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_solution_notebook_runs_from_top_to_bottom(path, tmp_path, monkeypatch, request):
    if LONG:  # their model is downloaded once, and kept between runs
        request.getfixturevalue("smollm2")
        monkeypatch.setenv("RUNG_HOME", str(request.getfixturevalue("kept")))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.reads(course.text_of(course.solution_notebook(path, LONG)), as_version=4)
    NotebookClient(notebook, timeout=1800 if LONG else 120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    said = [out.text for cell in notebook.cells for out in cell.get("outputs", ()) if out.output_type == "stream"]
    checks = [line for text in said for line in text.splitlines() if line[:1] in "✓✗" and line[2:3].isdigit()]
    expected = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.startswith("check(")]
    assert not [text for text in said if text.startswith("Skipped")]
    assert len(checks) == len(expected) > 0
    assert [line for line in checks if not line.startswith("✓")] == []
