"""`verify`: every test of a record executed again on the same weights, and what differs."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import RecordError
from ..methods.runner import Progress, no_progress
from ..model.model import HookedTransformer
from ..tasks.prose import bundled_text
from .observation import Check, Measurement
from .proof import Proof
from .prove import checkpoint_of, prove

TOLERANCE = 2e-3
"""How far a number may move, of the larger of itself and 1: rounding differs between machines and libraries."""
P_TOLERANCE = 0.1
"""How far the logarithm of a p may move, of itself: p lies far out in the tail."""

NAMES = {"model_name", "tokenizer_name", "notes"}
"""What a config calls its model: the same checkpoint may lie elsewhere."""
_LABEL = re.compile(r"\d+\.\d+")
"""A head: which of two equal ones comes first may differ between machines."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not what the record says."""

    test: str
    subject: str
    what: str
    recorded: str
    found: str


def verify(
    proof: Proof, model: HookedTransformer, *, text: str | None = None, progress: Progress = no_progress
) -> tuple[Proof, list[Difference]]:
    """The proof computed again on `model`, and where it differs from the one recorded.

    Raises RecordError for other weights than the record names, or another text than it was tested on.
    """
    if (checkpoint := checkpoint_of(model)) != proof.model["checkpoint"]:
        raise RecordError(
            f"the record is about weights {proof.model['checkpoint'][:12]}…, and {model.config.model_name} has "
            f"{checkpoint[:12]}…: another model"
        )
    text = _same_text(proof, model, text)
    again = prove(proof.claim, model, sequences=proof.sequences, floors=proof.floors, text=text, progress=progress)
    return again, list(_differences(proof, again))


def _same_text(proof: Proof, model: HookedTransformer, text: str | None) -> str | None:
    recorded = proof.run["text"]
    if recorded is None and model.tokenizer is not None:
        raise RecordError(
            "the record was made without a tokenizer, and so without its tests on text; this model has one"
        )
    if recorded is None:
        return None
    if model.tokenizer is None:
        raise RecordError("the record was tested on text, and this model has no tokenizer")
    text = bundled_text() if text is None else text
    if hashlib.sha256(text.encode()).hexdigest() != recorded:
        raise RecordError(
            f"the record was tested on a text of SHA-256 {recorded[:12]}…, which this is not; give it as text"
        )
    return text


def measured_differences(proof: Proof, again: Proof) -> Iterator[Difference]:
    """Tests that only one of two proofs has, and what the tests of both differ in beyond rounding."""
    found = {m.spec.key: m for m in again.measurements}
    for m in proof.measurements:
        other = found.pop(m.spec.key, None)
        if other is None:
            yield Difference(*m.spec.key, "test", "run", "not run")
            continue
        yield from _moved(m, other)
    for key in found:
        yield Difference(*key, "test", "not in the record", "run")


def _differences(proof: Proof, again: Proof) -> Iterator[Difference]:
    yield from measured_differences(proof, again)
    if proof.verdict != again.verdict:
        yield Difference("verdict", "the claim", "rung", proof.verdict.name, again.verdict.name)
    for one, two in zip(proof.agreement, again.agreement, strict=True):
        if dict(one.first) != dict(two.first):
            yield Difference("agreement", one.role, "top heads", str(dict(one.first)), str(dict(two.first)))
        for method in dict.fromkeys((*one.means, *two.means)):
            was, now = one.means.get(method, {}), two.means.get(method, {})
            for head in dict.fromkeys((*was, *now)):
                first, second = was.get(head, math.nan), now.get(head, math.nan)
                if not _close(first, second):
                    yield Difference("agreement", one.role, f"{method} of {head}", f"{first:.6g}", f"{second:.6g}")
    recorded, found = proof.config.to_dict(), again.config.to_dict()
    if recorded.get("processing") == found.get("processing"):  # which may rename, untie and centre
        for name in sorted({*recorded, *found} - NAMES):
            if recorded.get(name) != found.get(name):
                yield Difference("model", "the model", name, str(recorded.get(name)), str(found.get(name)))


def _moved(m: Measurement, other: Measurement) -> Iterator[Difference]:
    if m.outcome is not other.outcome:
        yield Difference(*m.spec.key, "outcome", str(m.outcome), str(other.outcome))
    for name in ("unit", "undefined", "not_run"):
        if getattr(m, name) != getattr(other, name):
            yield Difference(*m.spec.key, name, getattr(m, name), getattr(other, name))
    for name in sorted({*m.notes, *other.notes}):
        one, two = m.notes.get(name, ""), other.notes.get(name, "")
        if one != two and not (_LABEL.match(one) and _LABEL.match(two)):
            yield Difference(*m.spec.key, f"note: {name}", one, two)
    checks = {one.name: one for one in other.checks}
    for check in m.checks:
        again = checks.pop(check.name, None)
        if again is None:
            yield Difference(*m.spec.key, check.name, "there", "not measured")
            continue
        for name in ("value", "low", "high", "n"):
            before, after = float(getattr(check, name)), float(getattr(again, name))
            if not _close(before, after):
                yield Difference(*m.spec.key, f"{check.name}, {name}", f"{before:.6g}", f"{after:.6g}")
        if not _same_p(check, again):
            yield Difference(*m.spec.key, f"{check.name}, p", _p(check.p), _p(again.p))
    for name in checks:
        yield Difference(*m.spec.key, name, "not in the record", "measured")
    for name in sorted({*m.controls, *other.controls}):
        before, after = m.controls.get(name, math.nan), other.controls.get(name, math.nan)
        if not _close(before, after):
            recorded = f"{before:.6g}" if name in m.controls else "not in the record"
            found = f"{after:.6g}" if name in other.controls else "not measured"
            yield Difference(*m.spec.key, f"control: {name}", recorded, found)


def _p(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"


def _close(one: float, two: float) -> bool:
    if not (math.isfinite(one) and math.isfinite(two)):
        return one == two or (math.isnan(one) and math.isnan(two))
    return abs(one - two) <= TOLERANCE * max(abs(one), abs(two), 1.0)


def _same_p(check: Check, again: Check) -> bool:
    one, two = check.p, again.p
    if one is None or two is None:
        return one is two
    logs = [math.log10(max(p, 1e-300)) for p in (one, two)]
    return abs(logs[0] - logs[1]) <= max(0.01, P_TOLERANCE * max(map(abs, logs)))
