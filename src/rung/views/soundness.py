"""The soundness benchmark, in a terminal and as a page of the documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..evidence.observation import RUNGS
from ..evidence.soundness import MECHANISM, Rate, Result, false_negatives, false_positives, power, rate
from ..planted import ARCHITECTURES, Architecture
from .terminal import heading, note

GROUPS: tuple[tuple[str, Callable[[Architecture], bool]], ...] = (
    ("all true circuits", lambda made: True),
    ("with MLPs", lambda made: made.mlp is not None),
    ("with LayerNorm", lambda made: made.normalization_type == "LN"),
    ("with RMSNorm", lambda made: made.normalization_type == "RMS"),
    ("with rotary positions", lambda made: made.rotary),
    ("with learned positions", lambda made: made.positions == "standard"),
    ("with grouped queries", lambda made: made.grouped),
)
"""What true circuits are counted by."""

ABOVE = "verdicts above the truth"
RECOGNISED = "true circuits recognised"
EXPLAINED = (
    "The interval is the exact 95 % one of Clopper and Pearson, so that a count of zero still has an upper bound. "
    "“False positive” at a rung: the verdict reached it, and by construction of the model it may not. “False "
    "negative”: the claim is true, and the verdict ended below the rung."
)


def rung_name(rung: int) -> str:
    """A rung of a verdict or a truth in words."""
    return {-2: "refused", -1: "nothing"}.get(rung) or RUNGS[rung]


def rate_text(found: Rate) -> str:
    """Count and interval: "0 of 30 [0.0 %, 11.6 %]"."""
    if not found.n:
        return "none run"
    return f"{found.count} of {found.n} [{_percent(found.low)}, {_percent(found.high)}]"


def _percent(share: float) -> str:
    return f"{100 * share:.{1 if share < 0.995 or share == 1 else 2}f} %"


Row = tuple[str, ...]
Sheet = tuple[Row, list[Row]]
"""Column names, and rows."""


def totals(results: Sequence[Result]) -> list[tuple[str, str]]:
    """What counts most: verdicts above the truth, and true circuits that were recognised, by what they are made of."""
    rows = [(ABOVE, rate_text(rate(sum(one.above for one in results), len(results))))]
    for name, picks in GROUPS:
        found = power(results, lambda one, picks=picks: picks(ARCHITECTURES[one.architecture]))  # type: ignore[misc]
        rows.append((f"{RECOGNISED}, {name}" if name != GROUPS[0][0] else RECOGNISED, rate_text(found)))
    return rows


def rung_sheet(results: Sequence[Result]) -> Sheet:
    """Error rates by rung."""
    rows: list[Row] = [
        (name, rate_text(wrong), rate_text(missed))
        for name, wrong, missed in zip(RUNGS, false_positives(results), false_negatives(results), strict=True)
    ]
    return ("rung", "false positives", "false negatives"), rows


def kind_sheet(results: Sequence[Result]) -> Sheet:
    """Error rates and verdicts by kind and architecture."""
    rows: list[Row] = []
    order = sorted(results, key=lambda one: (one.truth == MECHANISM, one.kind, one.architecture))
    for (kind, architecture), group in groupby(order, key=lambda one: (one.kind, one.architecture)):
        found = list(group)
        truth = found[0].truth
        missed = rate_text(power(found)) if truth == MECHANISM else "–"
        above = rate_text(rate(sum(one.above for one in found), len(found)))
        rows.append((kind, architecture, rung_name(truth), above, missed, _given(found)))
    return ("kind", "architecture", "true", "above the truth", "recognised", "verdicts"), rows


def _given(results: Iterable[Result]) -> str:
    """How often each verdict was given."""
    counts = Counter(one.verdict for one in results)
    return ", ".join(f"{rung_name(rung)} {counts[rung]}" for rung in sorted(counts))


def missed_lines(results: Iterable[Result]) -> list[str]:
    """Each verdict above the truth, and each true circuit that was not recognised, with what stopped it."""
    wrong = [one for one in results if one.above or (one.truth == MECHANISM and not one.recognised)]
    return [
        f"{one.kind}, {one.architecture}, seed {one.seed}: {rung_name(one.verdict)}, true is {rung_name(one.truth)}"
        + (f" (stopped by {one.stopped_by})" if one.stopped_by else "")
        for one in wrong
    ]


def soundness_view(results: Sequence[Result], width: int) -> RenderableType:
    """Both tables, totals first."""
    shown: list[RenderableType] = [heading(f"Soundness of the ladder: {len(results)} planted models")]
    shown += [_table((("", ""), list(totals(results)))), Text(), _table(rung_sheet(results)), Text()]
    shown += [_table(kind_sheet(results)), Text()]
    shown += [Text(line) for line in missed_lines(results)]
    return Group(*shown, note(EXPLAINED))


def _table(sheet: Sheet) -> Table:
    columns, rows = sheet
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=any(columns))
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def markdown(sheet: Sheet) -> str:
    """A table of a document."""
    columns, rows = sheet
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "\n".join("| " + " | ".join(cell or " " for cell in row) + " |" for row in lines)
