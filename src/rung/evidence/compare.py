"""What differs between two records, and when each rung turned on over many: training checkpoints, seeds, models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ..display import Shown
from ..errors import RecordError
from .observation import RUNGS
from .proof import Proof
from .verify import Difference, measured_differences


@dataclass(frozen=True, repr=False)
class Comparison(Shown):
    """Everything in which two proofs differ, from the verdict down to single numbers."""

    differences: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs beyond rounding."""
        return not self.differences


def compare(one: Proof, two: Proof) -> Comparison:
    """What differs: verdict, claim, heads, model, floors, outcomes, and numbers beyond the tolerance of `verify`."""
    found: list[Difference] = []

    def add(test: str, subject: str, what: str, first: object, second: object) -> None:
        if first != second:
            found.append(Difference(test, subject, what, str(first), str(second)))

    add("verdict", "the claim", "rung", one.verdict.name, two.verdict.name)
    add("verdict", "the claim", "stopped by", _stopped(one), _stopped(two))
    add("claim", "the claim", "name", one.claim.name, two.claim.name)
    add("claim", "the claim", "task", one.claim.task, two.claim.task)
    roles = dict.fromkeys(role.name for role in (*one.claim.roles, *two.claim.roles))
    for name in roles:
        add("heads", name, "heads", _heads(one, name), _heads(two, name))
    add("model", "the model", "name", one.model["name"], two.model["name"])
    add("model", "the model", "checkpoint", one.model["checkpoint"][:12], two.model["checkpoint"][:12])
    first, second = asdict(one.floors), asdict(two.floors)
    for name in first:
        add("floors", name, "floor", f"{first[name]:g}", f"{second[name]:g}")
    add("run", "the run", "sequences", str(one.sequences), str(two.sequences))
    add("run", "the run", "text", one.run["text"], two.run["text"])
    add("run", "the run", "dtype", one.run["dtype"], two.run["dtype"])
    return Comparison((*found, *measured_differences(one, two)))


def _stopped(proof: Proof) -> str:
    return " of ".join(proof.verdict.stopped_by) if proof.verdict.stopped_by else "nothing"


def _heads(proof: Proof, role: str) -> str:
    found = next((one for one in proof.claim.roles if one.name == role), None)
    return "no such role" if found is None else found.labels or "none"


def turned_on(proofs: Sequence[Proof]) -> dict[str, int | None]:
    """For each rung, the first of these proofs from which on every verdict reaches it; None where the last does not.

    Raises RecordError for fewer than two proofs, or proofs of different claims.
    """
    if len(proofs) < 2:
        raise RecordError(f"{len(proofs)} record was given; a comparison needs at least two")
    if len(names := sorted({proof.claim.name for proof in proofs})) > 1:
        raise RecordError(f"these records are of different claims, {', '.join(names)}; their rungs are not one curve")
    found: dict[str, int | None] = {}
    for rung, name in enumerate(RUNGS):
        below = [i for i, proof in enumerate(proofs) if proof.verdict.rung < rung]
        begin = below[-1] + 1 if below else 0
        found[name] = begin if begin < len(proofs) else None
    return found
