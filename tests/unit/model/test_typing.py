"""What type checkers and editors are told that a call gives back."""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
SNIPPET = """
from typing import Any, Literal, assert_type

from torch import Tensor

from rung import ActivationCache, HookedTransformer
from rung.model.model import Output

Kind = Literal["logits", "loss", "both"] | None


def calls(model: HookedTransformer, tokens: Tensor, kind: Kind, stop: int | None) -> None:
    assert_type(model(tokens), Tensor)
    assert_type(model.forward("text", padding_side="left"), Tensor)
    assert_type(model(tokens, "loss"), Tensor)
    assert_type(model(["a", "b"], return_type="loss", loss_per_token=True), Tensor)
    assert_type(model(tokens, return_type="both"), Output)
    assert_type(model(tokens, return_type="both").loss, Tensor)
    assert_type(model(tokens, stop_at_layer=1), Tensor)
    assert_type(model(tokens, return_type=None, stop_at_layer=1), Tensor)
    assert_type(model(tokens, return_type="both", stop_at_layer=-1), Tensor)
    assert_type(model(tokens, return_type=None), None)
    assert_type(model(tokens, return_type=kind), Tensor | Output | None)
    assert_type(model(tokens, stop_at_layer=stop), Tensor)
    assert_type(model(tokens, "loss", True), Any)
    model(tokens, return_type="losses")  # type: ignore[call-overload]
    model(tokens, return_typ="loss")  # type: ignore[call-overload]


def caches(model: HookedTransformer, tokens: Tensor, kind: Kind) -> None:
    assert_type(model.run_with_cache(tokens), tuple[Tensor, ActivationCache])
    assert_type(model.run_with_cache(tokens, "loss", names_filter="pattern"), tuple[Tensor, ActivationCache])
    assert_type(model.run_with_cache(tokens, return_type="both"), tuple[Output, ActivationCache])
    assert_type(model.run_with_cache(tokens, return_type=None, pos_slice=-1), tuple[None, ActivationCache])
    assert_type(model.run_with_cache(tokens, return_type=None, stop_at_layer=1), tuple[Tensor, ActivationCache])
    assert_type(model.run_with_cache(tokens, return_cache_object=False), tuple[Any, dict[str, Tensor]])
    assert_type(model.run_with_cache(tokens, return_type=kind), tuple[Any, Any])
    assert_type(model.run_with_cache(tokens)[1]["pattern", 0], Tensor)
    model.run_with_cache(tokens, names_filer="pattern")  # type: ignore[call-overload]


def texts(model: HookedTransformer, tokens: Tensor, kind: Literal["input", "tokens"]) -> None:
    assert_type(model.generate(tokens), Tensor)
    assert_type(model.generate(tokens, 5, do_sample=False), Tensor)
    assert_type(model.generate(), str)
    assert_type(model.generate("text", max_new_tokens=5, temperature=0.5), str)
    assert_type(model.generate(["a", "b"]), list[str])
    assert_type(model.generate("text", return_type="tokens"), Tensor)
    assert_type(model.generate(["a"], 3, return_type="tensor"), Tensor)
    assert_type(model.generate(["a"], return_type="str"), list[str])
    assert_type(model.generate(tokens, return_type="str"), str | list[str])
    assert_type(model.generate(tokens, return_type=kind), Tensor)
    assert_type(model.generate(tokens, 5, True), Any)
    assert_type(model.generate(tokens, return_cache=True), tuple[Tensor, ActivationCache])
    assert_type(model.generate("text", return_cache=True, names_filter="z"), tuple[str, ActivationCache])
    assert_type(model.generate(["a"], return_type="tokens", return_cache=True), tuple[Tensor, ActivationCache])
    assert_type(model.generate(tokens, names_filter="z"), Any)
    model.generate(tokens, max_tokens=5)  # type: ignore[call-overload]
"""


def test_calls_say_what_comes_back(tmp_path: Path) -> None:
    """Strict, so that each ignored error must be there: a wrong call is seen as one."""
    pytest.importorskip("mypy")
    snippet = tmp_path / "snippet.py"
    snippet.write_text(SNIPPET)
    environment = os.environ | {"MYPYPATH": str(ROOT / "src")}
    # A cache of its own, begun with the project's: another run of mypy may be writing to that.
    cache, project = tmp_path / "cache", ROOT / ".mypy_cache"
    if project.exists():
        with suppress(shutil.Error):  # a file that is being replaced
            shutil.copytree(project, cache)
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(cache), str(snippet)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
