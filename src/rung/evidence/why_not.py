"""The cheapest test that separates a head from the nearest claim it fails: "why not 1.4?"

The head takes a role's place in the circuit that a search found, and the tests of that claim that speak of the head run
in rising cost until one does not hold. The nearest role is the one in which most of them held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..circuits.heads import Head, head_label
from ..display import Shown
from ..engine.sites import check_head
from ..errors import ClaimError
from ..methods.runner import Progress, no_progress
from ..model.model import HookedTransformer
from .claim import Claim
from .decide import summarize
from .observation import Measurement, Outcome, TestSpec
from .prove import Confirmation, prepare
from .tests import MEASURES

COST = (
    "mechanism.positional", "mechanism.qk", "clue.signature", "mechanism.ov", "mechanism.routed_qk",
    "contribution.direct", "contribution.edge", "support.output", "support.edge", "support.output_interchange",
    "support.edge_interchange", "support.interchange", "support.positions", "support.denoising", "support.necessity",
)  # fmt: skip
"""Tests of one head from cheap to dear: weights alone, one run, runs with patches, runs with many donors."""


@dataclass(frozen=True)
class Separation:
    """How far a head got in one role."""

    role: str
    claim: Claim
    """The claim with the head as the role's only one."""
    held: tuple[Measurement, ...]
    """Tests that held, in the order they ran."""
    failed: Measurement | None
    """The first that did not hold; None where nothing separates the head from the role."""
    refused: str = ""
    """Why the head cannot fill the role at all."""


@dataclass(frozen=True, repr=False)
class WhyNot(Shown):
    """One head in every role of a claim, the nearest first."""

    head: Head
    found: Claim
    """The circuit that the search found, or that was given."""
    roles: tuple[Separation, ...]


def why_not(
    head: Head,
    model: HookedTransformer,
    claim: str | Claim = "induction",
    *,
    sequences: int = 64,
    seed: int = 0,
    progress: Progress = no_progress,
) -> WhyNot:
    """Tests `head` in each role of the claim, the other roles filled by the found circuit's heads.

    Raises SiteError for a missing head, ClaimError for a claim that cannot be tested or whose search finds no heads.
    """
    check_head(model.config, *head)
    found = prepare(claim, model, sequences=sequences, seed=seed, progress=progress).claim
    if not found.complete:
        empty = ", ".join(role.name for role in found.roles if not role.heads)
        raise ClaimError(
            f"no head was found for {empty}, so there is no circuit to compare {head_label(head)} with; "
            f"rung prove {found.name} shows how far it gets"
        )
    fills = [role.name for role in found.roles if head in role.heads]
    roles = [_separate(head, role.name, found, model, sequences, progress) for role in found.roles]
    order = sorted(roles, key=lambda one: (one.role not in fills, bool(one.refused), -len(one.held)))
    return WhyNot(head, found, tuple(order))


def _separate(
    head: Head, role: str, found: Claim, model: HookedTransformer, sequences: int, progress: Progress
) -> Separation:
    others = {one.name: [h for h in one.heads if h != head] for one in found.roles if one.name != role}
    claim = found.with_heads({**others, role: [head]})
    if not claim.complete:
        # The head is the only one of another role: its place there is left to that role's own test.
        return Separation(role, claim, (), None, f"{head_label(head)} fills {_only(claim)} alone")
    try:
        claim.check(model.config)
    except ClaimError as error:
        return Separation(role, claim, (), None, str(error))
    made = prepare(claim, model, sequences=sequences, progress=progress)
    held: list[Measurement] = []
    specs = sorted((spec for spec in made.required if _about(spec, head, role)), key=lambda one: COST.index(one.id))
    for done, spec in enumerate(specs):
        progress(spec.id, done, len(specs))
        m = _measure(made, spec)
        if m.outcome is not Outcome.HOLDS:
            return Separation(role, claim, tuple(held), m)
        held.append(m)
    return Separation(role, claim, tuple(held), None)


def _only(claim: Claim) -> str:
    return " and ".join(role.name for role in claim.roles if not role.heads)


def _about(spec: TestSpec, head: Head, role: str) -> bool:
    """Whether a test speaks of the head in its role: as what is tested, what sends, or what receives."""
    return spec.id in COST and ((spec.role == role and head in spec.heads) or head in spec.receivers)


def _measure(made: Confirmation, spec: TestSpec) -> Measurement:
    return summarize(spec, MEASURES[spec.id](made.setting, spec), made.setting.floors, made.alpha)


def as_dict(found: WhyNot, words: Mapping[str, str]) -> dict[str, object]:
    """Plain JSON values; `words` says by role what separates it."""
    return {
        "head": head_label(found.head),
        "claim": found.found.to_dict(),
        "roles": [
            {
                "role": one.role,
                "held": [m.test for m in one.held],
                "separated_by": None if one.failed is None else one.failed.test,
                "refused": one.refused,
                "sentence": words[one.role],
            }
            for one in found.roles
        ],
    }
