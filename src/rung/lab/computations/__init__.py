"""What the page can ask for: one module a topic, each with its typed requests and answers."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from ..computation import Computation

TOPICS = (
    "access", "paths", "ledger", "trigrams", "board", "training", "signatures", "measure", "attribution", "steps",
    "weights", "ladder", "checks", "moves", "workbench",
)  # fmt: skip


def load_computations() -> Mapping[str, Computation]:
    """Every computation by its name, `topic.what`."""
    found: dict[str, Computation] = {}
    for topic in TOPICS:
        for one in import_module(f"{__name__}.{topic}").COMPUTATIONS:
            assert one.name.startswith(f"{topic}.") and one.name not in found, one.name
            found[one.name] = one
    return found
