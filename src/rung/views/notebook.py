"""How results show themselves by `print` and in a notebook; the public `prove` comes from here, so that it does."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..circuits.heads import head_label
from ..display import brief, named
from ..evidence.proof import Proof
from ..evidence.prove import prove as prove
from .proof import plain, proof_view
from .terminal import as_html, as_text, facts, heading, note
from .wording import TEST_NAMES, check_name, listed, number

LISTED = 10
"""Rows of the largest entries."""

View = Callable[[Any, int], RenderableType]
"""From a result and a width in columns to what is shown."""


Proof.__str__ = plain  # type: ignore[assignment, method-assign]


def bundle(result: Any) -> dict[str, str]:
    """What a notebook shows of a result: the drawing of its kind, or its fields."""
    view = _views().get(type(result), _fields)
    return {
        "text/plain": as_text(lambda width: view(result, width)),
        "text/html": as_html(lambda width: view(result, width)),
    }


@cache
def _views() -> dict[type, View]:
    from ..circuits.composition import Composition
    from ..circuits.survey import Survey
    from ..evidence.claim import Claim
    from ..evidence.observation import Measurement
    from ..evidence.record import Record
    from ..evidence.soundness import Rate
    from ..methods.attribution import Attribution
    from ..methods.behaviour import LossByPosition
    from ..methods.diagnosis import Diagnosis
    from ..methods.grids import Grid
    from ..methods.inspection import Inspection
    from ..methods.interventions import Effect
    from ..methods.paths import PathEffects
    from ..methods.patterns import HeadScores
    from ..methods.scores import ScoreParts
    from ..methods.sweep import SweepResult
    from .attention import why_attend_view
    from .models import doctor_view, model_view
    from .results import board_view, heads_view
    from .soundness import rate_text
    from .sweeps import grid_view
    from .weights import survey_view

    return {
        Attribution: _attribution,
        Claim: _claim,
        Composition: _composition,
        Diagnosis: doctor_view,
        Effect: _effect,
        Grid: lambda found, width: grid_view(found.what, [], found, width, []),
        HeadScores: lambda found, width: heads_view(found, None, _every_head(found), width),
        Inspection: model_view,
        LossByPosition: lambda found, width: board_view(found, [str(t) for t in found.task.tokens[0].tolist()], width),
        Measurement: _measurement,
        PathEffects: _paths,
        Proof: proof_view,
        Rate: lambda found, width: Text(rate_text(found)),
        Record: lambda found, width: proof_view(found.proof, width),
        ScoreParts: lambda found, width: why_attend_view(found, LISTED, width),
        Survey: lambda found, width: survey_view(found, LISTED, width),
        SweepResult: _sweep,
    }


def _fields(result: Any, width: int) -> RenderableType:
    return Group(heading(type(result).__name__), facts([(name, brief(value)) for name, value in named(result).items()]))


def _every_head(found: Any) -> list[tuple[int, int]]:
    return [(layer, head) for layer in range(found.n_layers) for head in range(found.n_heads)]


def _attribution(found: Any, width: int) -> RenderableType:
    means = found.values.double().mean((1, 2)).tolist()
    title = f"Attribution of {found.what}, {found.unit}"
    total = float(found.total.double().mean())
    ends = note(f"Mean of {found.n} examples. Total {total:+.3f}; the parts sum to it but for {_worst(found):.0e}.")
    return Group(heading(title), _ranked("component", dict(zip(found.labels, means, strict=True))), ends)


def _worst(found: Any) -> float:
    return float(found.residual.abs().max())


def _paths(found: Any, width: int) -> RenderableType:
    means = dict(zip(found.senders, found.change.double().mean(1).tolist(), strict=True))
    said = f"Mean change of {found.metric} ({found.unit}) over {found.n} examples, {found.receiver} reading each anew."
    return Group(heading(f"Direct paths into {found.receiver}"), _ranked("sender", means), note(said))


def _sweep(found: Any, width: int) -> RenderableType:
    means = {label: float(each.double().mean()) for label, each in zip(found.labels, found.change, strict=True)}
    done = int(found.measured.sum())
    said = f"Mean change ({found.unit}) over {found.n} examples; {done} of {len(found.cells)} cells are measured."
    known = {label: mean for label, mean in means.items() if mean == mean}
    return Group(heading(f"A sweep of {found.metric}"), _ranked("cell", known), note(said))


def _effect(found: Any, width: int) -> RenderableType:
    clean, edited = (float(each.double().mean()) for each in (found.clean, found.edited))
    rows = [
        ("replaced", f"{', '.join(found.labels)}, by {found.put}"),
        ("clean", f"{clean:.3f} {found.unit}"),
        ("edited", f"{edited:.3f} {found.unit}"),
        ("change", f"{edited - clean:+.3f} {found.unit}, mean of {len(found.clean)} examples"),
    ]
    return Group(heading(f"Effect on {found.metric}"), facts(rows))


def _claim(found: Any, width: int) -> RenderableType:
    rows = [(role.name, f"{role.job}: {_heads(role.heads)}") for role in found.roles]
    rows += [("edge", f"{edge.sender} → {edge.receiver}.{edge.into}") for edge in found.edges]
    return Group(heading(f"The claim {found.name}, about {found.task}"), facts(rows))


def _heads(heads: Any) -> str:
    return listed([head_label(head) for head in heads]) if heads else "no head named yet; a search finds them"


def _measurement(found: Any, width: int) -> RenderableType:
    name, table = TEST_NAMES.get(found.test, found.test), _table("quantity", "value", "low", "high", "n")
    for check in found.checks:
        table.add_row(check_name(check.name), number(check.value), number(check.low), number(check.high), str(check.n))
    for control, value in found.controls.items():
        table.add_row(check_name(control), number(value), "", "", "")
    unit = f", {found.unit}" if found.unit else ""
    why = [note(said) for said in (found.undefined, found.not_run) if said]
    drawn = [table] if table.row_count else []
    return Group(heading(f"{name} of {found.subject}{unit}: {found.outcome}"), *drawn, *why)


def _composition(found: Any, width: int) -> RenderableType:
    others, table = found.others(), _table("edge", "score", "other pairs")
    for sender, receiver, into, score in found.ranked()[:LISTED]:
        at = found.into.index(into), found.heads.index(sender), found.heads.index(receiver)
        table.add_row(f"{sender} → {receiver}.{into}", number(score), number(others[at].item()))
    said = f"Random directions give {found.chance:.3f}. A score describes; the composed QK decides."
    return Group(heading("Composition scores, the largest"), table, note(said))


def _ranked(what: str, means: dict[str, float]) -> RenderableType:
    table = _table(what, "mean")
    for label, mean in sorted(means.items(), key=lambda one: -abs(one[1]))[:LISTED]:
        table.add_row(label, f"{mean:+.3f}")
    left = len(means) - LISTED
    return table if left <= 0 else Group(table, note(f"and {left} more"))


def _table(*names: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for at, name in enumerate(names):
        table.add_column(name, justify="right" if at else "left", no_wrap=True)
    return table
