"""Two records side by side, and over many records the place where each rung turns on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..evidence.compare import Comparison
from ..evidence.proof import Proof
from ..evidence.verify import Difference
from .terminal import heading, note
from .wording import COMPARED, TEST_NAMES

DETAIL = re.compile(r"stratum/|control: |.*, (low|high|n|p)$")
"""What of a test is told only where nothing else of it differs."""


def comparison_view(found: Comparison, names: Sequence[str]) -> RenderableType:
    """What differs between two records, in the order verdict, claim, model, floors, tests.

    Of a test the outcome and its numbers are shown, and of intervals, strata and controls one, where nothing else
    differs; tests that only one record has are counted.
    """
    first, second = map(_clean, names)
    if found.same:
        return heading(COMPARED["same"].format(first=first, second=second))
    drawn: list[RenderableType] = [heading(COMPARED["differ"].format(count=len(found.differences)))]
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for column in ("", first, second):
        table.add_column(column, overflow="fold")
    both = [one for one in found.differences if one.what != "test"]
    shown = _main(both)
    for one in shown:
        where = f"{TEST_NAMES.get(one.test, one.test)} · {one.subject} · {one.what}"
        table.add_row(*(Text(_clean(text)) for text in (where, one.recorded, one.found)))
    alone = [one for one in found.differences if one.what == "test"]
    lines = [note(COMPARED["more"].format(count=len(both) - len(shown)))] if len(both) > len(shown) else []
    for name, count in (
        (first, sum(one.recorded == "run" for one in alone)),
        (second, sum(one.found == "run" for one in alone)),
    ):
        lines += [note(COMPARED["alone"].format(name=name, count=count))] if count else []
    return Group(*drawn, table, *lines)


def _main(differences: Sequence[Difference]) -> list[Difference]:
    of = {(one.test, one.subject): one for one in reversed(differences)}
    of |= {(one.test, one.subject): one for one in reversed(differences) if not DETAIL.match(one.what)}
    return [one for one in differences if not DETAIL.match(one.what) or of[one.test, one.subject] is one]


def curve_view(proofs: Sequence[Proof], names: Sequence[str], turned: Mapping[str, int | None]) -> RenderableType:
    """The verdict of each record in the order given, and the first from which on a rung is always reached."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for column in ("record", "model", "rung", "heads"):
        table.add_column(column, overflow="fold")
    for proof, name in zip(proofs, names, strict=True):
        heads = "; ".join(f"{role.name} {role.labels or 'none'}" for role in proof.claim.roles)
        row = (name, str(proof.model["name"]), f"{max(proof.verdict.rung, 0)} {proof.verdict.name}", heads)
        if proof.verdict.rung < 0:
            row = (*row[:2], f"– {proof.verdict.name}", row[3])
        table.add_row(*(Text(_clean(text)) for text in row))
    lines = [
        Text(
            _clean(
                COMPARED["on"].format(rung=rung, record=names[at])
                if at is not None
                else COMPARED["off"].format(rung=rung)
            )
        )
        for rung, at in turned.items()
    ]
    return Group(table, *lines, note(COMPARED["order"]))


def _clean(text: str) -> str:
    """Text that cannot move the cursor, whatever a record says."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
