"""Which models are here, which can be fetched, and which checkpoints can be read, at every width."""

import io
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from rung.families import FAMILIES
from rung.model.catalog import EXAMPLES
from rung.views.models import fetched_view, sources_view


def words(drawn: RenderableType, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, markup=False).print(drawn)
    assert max(map(len, out.getvalue().splitlines())) <= width
    return " ".join(out.getvalue().replace(",", " ").split())


@pytest.mark.parametrize("width", [50, 80, 140])
def test_everything_that_is_here_or_can_be_is_listed(width: int) -> None:
    drawn = words(sources_view(["one", "org/two"], {"three": "a third"}, FAMILIES, width), width)
    assert "Fetched: no network needed one org/two Available to fetch" in drawn
    assert "rung fetch three a third" in drawn and "GGUF of llama" in drawn
    for family in FAMILIES:
        assert set(family.model_types) <= set(drawn.split())
    assert f"such as {EXAMPLES['gpt2']}" in drawn
    assert "Fetched" not in words(sources_view([], {}, FAMILIES, width), width)


def test_what_was_fetched_says_where_and_what_next(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"0" * 2_500_000)
    drawn = words(fetched_view("one", tmp_path, 200), 200)
    assert drawn.startswith("Fetched one; it needs no network from now on.")
    assert str(tmp_path) in drawn and "2 MB" in drawn and "rung prove induction --model one" in drawn
    assert "2 MB" in words(fetched_view("one", tmp_path / "model.safetensors", 200), 200)
