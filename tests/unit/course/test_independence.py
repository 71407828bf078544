"""No checker reads a solution, and none calls the library function that its exercise re-implements."""

import ast
from pathlib import Path

import pytest

import rung.course

FOLDER = Path(rung.course.__file__).parent
CHECKERS = sorted(FOLDER.glob("part*.py")) + [FOLDER / name for name in ("grading.py", "models.py", "reference.py")]
REIMPLEMENTED = {
    "run_with_cache", "run_with_hooks", "hooks", "add_hook", "loss_fn", "accumulated_resid", "decompose_resid",
    "stack_head_results", "stack_activation", "logit_attrs", "apply_ln_to_stack", "all_composition_scores", "forward",
    "to_tokens", "eigenvalues", "cross_entropy",
}  # fmt: skip
"""Methods of the public API that exercises ask for; checkers work without them."""
FILES = {"open", "read_text", "read_bytes", "exec", "eval", "runpy", "importlib", "jupytext", "nbformat"}


@pytest.mark.parametrize("path", CHECKERS, ids=lambda path: path.stem)
def test_a_checker_computes_for_itself(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {
        each.name for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)) for each in node.names
    }
    assert used & REIMPLEMENTED == set()
    assert used & FILES == set()


def test_what_is_looked_for_would_be_found():
    """The public API has these names, so a checker that called one would say so."""
    from rung import ActivationCache, FactoredMatrix, HookedTransformer

    there = {name for cls in (ActivationCache, FactoredMatrix, HookedTransformer) for name in dir(cls)}
    assert REIMPLEMENTED - there == {"cross_entropy"}
