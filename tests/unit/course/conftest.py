"""Stubs and solutions of the course, taken from the sources by their tags."""

import ast
import contextlib
import io
import runpy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

ROOT = Path(__file__).resolve().parents[3]
course = SimpleNamespace(**runpy.run_path(str(ROOT / "scripts" / "course.py")))


@cache
def answers(part: str) -> dict[str, tuple[Any, Any]]:
    """Of each exercise of a part: what its check is given by the untouched stub, and by the solution."""
    cells = course.read_source(ROOT / "examples" / "course" / f"part{part}.py")
    namespace: dict[str, Any] = {"check": lambda number, answer: None}
    found: dict[str, tuple[Any, Any]] = {}
    stub = asked = None
    grad = torch.is_grad_enabled()
    try:
        for cell in cells:
            if cell.cell_type != "code" or {"long", "proof"} & {*course.tags(cell)}:
                continue
            if number := checked(cell.source):
                asked = (*number, eval(number[1], namespace))
                continue
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(cell.source, f"part{part}", "exec"), namespace)
            namespace["check"] = lambda number, answer: None
            if "solution" in course.tags(cell):
                number, expression, stub = asked
                found[number] = (stub, eval(expression, namespace))
    finally:
        torch.set_grad_enabled(grad)
    return found


def checked(source: str) -> tuple[str, str] | None:
    """The number and the expression of a cell that is a check and nothing else."""
    match ast.parse(source).body:
        case [ast.Expr(ast.Call(ast.Name("check"), [ast.Constant(number), expression]))]:
            return number, ast.unparse(expression)
    return None


@pytest.fixture
def answers_of() -> Callable[[str], dict[str, tuple[Any, Any]]]:
    """answers_of(part): of each exercise, the stub and the solution."""
    return answers
