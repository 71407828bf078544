"""Why a head attends where it does, drawn for the terminal."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..circuits.heads import head_label
from ..methods.scores import ScoreParts
from .terminal import facts, heading, note, printable

PARTS = 8
"""Rows of the table of one side's parts."""


def why_attend_view(found: ScoreParts, top: int, width: int) -> RenderableType:
    """The score, its largest pairs of parts, and each side's parts summed over the other's."""
    query, key = (f"position {at} ({printable(found.texts[at])})" for at in (found.query, found.key))
    capped = ", before its cap" if found.capped else ""
    rows = [
        ("attention", f"{100 * found.pattern:.1f} % of this query's, to this key"),
        ("score", f"{found.score:+.3f}{capped}; the mean over the keys that the query sees is {found.mean_score:+.3f}"),
    ]
    if found.alibi:
        rows.append(("slope", f"{found.alibi:+.3f} of the score, for the key's position"))
    pairs = found.ranked(top)
    listed, whole = sum(score for _, _, score in pairs), float(found.values.sum())
    sides = [
        _side("query parts", found.query_labels, found.values.sum(1).tolist()),
        _side("key parts", found.key_labels, found.values.sum(0).tolist()),
    ]
    return Group(
        heading(f"Why {head_label(found.head)} of {found.model_name} attends from {query} to {key}"),
        Text(),
        facts(rows),
        Text(),
        _pairs(pairs),
        note(f"{len(pairs)} of {found.values.numel()} pairs; they sum to {listed:+.3f} of {whole:+.3f}."),
        Text(),
        *(_beside(*sides) if width >= 72 else [sides[0], Text(), sides[1]]),
        Text(),
        note(f"All parts sum to the score but for rounding ({found.residual:+.1e})."),
        note("Parts of one side are listed with the other side whole."),
        note("A part that scores every key alike moves no attention: compare keys."),
    )


def _pairs(pairs: Sequence[tuple[str, str, float]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("query part", no_wrap=True)
    table.add_column("key part", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    for query, key, score in pairs:
        table.add_row(query, key, f"{score:+.3f}")
    return table


def _side(title: str, labels: Sequence[str], values: Sequence[float]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(title, no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    ranked = sorted(zip(labels, values, strict=True), key=lambda part: -abs(part[1]))
    for label, value in ranked[:PARTS]:
        table.add_row(label, f"{value:+.3f}")
    return table


def _beside(left: Table, right: Table) -> list[RenderableType]:
    grid = Table.grid(padding=(0, 4, 0, 0))
    grid.add_row(left, right)
    return [grid]
