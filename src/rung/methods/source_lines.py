"""The line of the forward pass at which a hook is called, found by parsing the source of `engine.transformer`."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..config import ModelConfig
from ..display import Shown
from ..engine import transformer
from ..engine.sites import Site

FILE = "engine/transformer.py"


@dataclass(frozen=True)
class SourceLine:
    """One line of the forward pass."""

    function: str
    number: int
    """Counted from 1."""
    code: str
    """The statement's first line, without its indentation."""
    passes: str
    """The name that is passed to the tap there: a site's, or "{name}", "{name}.scale" where the caller says it."""


@dataclass(frozen=True, repr=False)
class HookSource(Shown):
    """Where a site's tap is called, and, if several sites share that line, the line that says which of them it is."""

    tap: SourceLine
    caller: SourceLine | None
    lines: tuple[tuple[int, str], ...]
    """The tap's line and the function's lines around it, as (number, text): at most four before it and two after."""
    file: str = FILE


BEFORE, AFTER = 4, 2
"""Lines shown before a hook and after it."""


def hook_source(config: ModelConfig, site: Site) -> HookSource:
    """The line of `engine.transformer` that calls the tap at `site`, for a model of this config."""
    taps, passed = _parsed()
    stem, dot, kind = site.name.partition(".")
    direct = [line for line in taps if line.passes == site.name]
    if direct:
        # Neurons are tapped on two lines of one function: without a gate on the first, with one on the second.
        tap, caller = direct[-1 if config.gated_mlp else 0], None
    else:
        tap = next(line for line in taps if line.passes == (f"{{name}}.{kind}" if dot else "{name}"))
        caller = next(line for line in passed if line.passes == stem)
    first, last = _function(tap.number)
    around = range(max(first, tap.number - BEFORE), min(last, tap.number + AFTER) + 1)
    return HookSource(tap, caller, tuple((at, _lines()[at - 1]) for at in around))


@cache
def _lines() -> list[str]:
    return Path(transformer.__file__).read_text(encoding="utf-8").splitlines()


@cache
def _functions() -> list[ast.FunctionDef]:
    """Every function, those within others after them."""
    tree = ast.parse("\n".join(_lines()))
    return sorted((each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)), key=lambda f: f.lineno)


def _function(number: int) -> tuple[int, int]:
    """The first and last line of the innermost function around a line."""
    around = [f for f in _functions() if f.lineno <= number <= (f.end_lineno or f.lineno)]
    return around[-1].lineno, around[-1].end_lineno or around[-1].lineno


@cache
def _parsed() -> tuple[list[SourceLine], list[SourceLine]]:
    """Lines that call a tap, and lines that hand a name on to a function that does."""
    taps: list[SourceLine] = []
    passed: list[SourceLine] = []
    for function in _functions():
        inner = {id(node) for f in ast.walk(function) if isinstance(f, ast.FunctionDef) and f is not function
                 for node in ast.walk(f)}  # fmt: skip
        for node in ast.walk(function):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or id(node) in inner:
                continue
            called = node.func.id
            found = taps if called in ("tap", "tap_watching") else passed
            if called in ("watches", "getattr") or (function.name == "tap_watching" and called == "tap"):
                continue  # it asks whether a site is watched; or it is the one call that all of its callers share
            for argument in node.args:
                name = _name(argument)
                if name is not None:
                    code = _lines()[node.lineno - 1].strip()
                    found.append(SourceLine(function.name, node.lineno, code, name))
                    break
    return sorted(taps, key=lambda line: line.number), sorted(passed, key=lambda line: line.number)


def _name(argument: ast.expr) -> str | None:
    """A name that is passed on: "z", or "{name}.scale" of f"{name}.scale"."""
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return argument.value
    if isinstance(argument, ast.Name) and argument.id == "name":
        return "{name}"
    if isinstance(argument, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{name}" for part in argument.values)
    return None
