"""Check (e): a new task. The plan is run on key-value look-ups, and on planted models whose truth is known.

    k₁ v₁ k₂ v₂ … k₅ v₅ k₂ → v₂        the pairs return in another order

Signatures are graded by the heads that they find; interventions and weight checks by whether they hold on the true
circuit and reject each decoy. (The planted models of the induction circuit solve this task too: what follows the
earlier key is its value.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from ..circuits.composition import Into
from ..circuits.heads import Head, head_label, qk_diagonal
from ..errors import RungError, near
from ..methods.runner import Progress, no_progress
from ..tasks.induction import LOOK_UP, induction_batch
from .lift import NAMES as TEST_NAMES
from .result import Case, CheckResult
from .trial import SEED, Subject, by_floors, confirmation, outcome, outcomes, planted_model, run_chosen

RouteSignature = Literal["one_back", "two_back", "itself"]
MatchSignature = Literal["value", "key", "last"]
INTERVENTIONS: Mapping[str, str] = {
    "ablate": "support.necessity",
    "exchange": "support.interchange",
    "path": "support.edge",
}
WEIGHTS: Mapping[str, str] = {
    "ov": "mechanism.ov",
    "composed_qk": "mechanism.routed_qk",
    "positional": "mechanism.positional",
}
NAMES = {**TEST_NAMES, "mechanism.positional": "positional QK"}
OWN_QK = "embedding_qk"
"""The look-up head's QK on embeddings alone: the key's token against the query's."""
MODELS = ("circuit", "covered", "stripe", "unread", "other_reason", "says_forbidden", "matches_kin")
MECHANISM = 4
"""The truth of a model whose claim holds by causes and by weights."""
CLEAR = 0.3
"""A signature's score from which it has found a head."""
MATCHES = 0.8


@dataclass(frozen=True)
class PlanChoice:
    """Which signatures, interventions and weight checks first."""

    route: RouteSignature
    """From the value, the head that feeds the look-up attends one back, two back, or to the value itself."""
    match: MatchSignature
    """From the query, the look-up head attends to the value, to the earlier key, or to the last token."""
    interventions: tuple[str, ...]
    into: Into
    """Where the edge between the two heads ends."""
    weights: tuple[str, ...]


SENTENCES = {
    "route_signature": "Your route signature finds {found}, with {score:.2f}; the head that feeds the look-up "
    "is {truth}. From the value, look at the token just before it: the key.",
    "match_signature": "Your look-up signature finds {found}, with {score:.2f}; the head that looks up is "
    "{truth}. It does not look at the earlier key, nor at the last token, but at what stands after the earlier key.",
    "no_intervention": "No intervention: signatures and weights alone accept a model in which a second circuit "
    "does the same work, and the heads you name are not needed.",
    "wrong_input": "You patch the edge into {into}, and on the true circuit nothing runs there. The route head "
    "writes at the value's position, and it is read where keys are made: patch into K.",
    "own_qk": "You ask whether the look-up head's QK matches embeddings: it does for {share:.0%} of tokens on "
    "the true circuit. It matches what the route head wrote; compose the two.",
    "rejects_truth": "Your plan rejects the true circuit: {tests}.",
    "silent": "Your plan accepts a model whose look-up head writes nothing: you intervene on nothing that it "
    "writes, and no weight check asks what it moves.",
    "not_needed": "Your plan accepts a model in which a second circuit does the same work. Exchanging an output"
    " shows what it can carry; ablating it shows whether it is needed.",
    "edge": "Your plan accepts a model whose look-up head is fed by a head that you do not name: yours writes "
    "where no head reads. Patch the path between the two, or compose their weights.",
    "reason": "Your plan accepts a model that relies on the head for another reason: it takes back what another"
    " head says wrongly. Exchange its output with another sequence's, and see what the model says.",
    "no_weights": "Your plan accepts models that pass every intervention on these sequences, and whose heads "
    "are not built to do it for two fifths of the tokens. Check the weights: OV, and the composed QK.",
    "no_ov": "Your plan accepts a model whose look-up head, by its own weights, raises a wrong token for two "
    "fifths of the vocabulary. Matching is one half; check what OV copies.",
    "no_composed_qk": "Your plan accepts a model whose heads take two tokens for the same: for a part of the "
    "vocabulary another key matches better. OV says what is carried; check the composed QK, which says where from.",
    "right": "Your plan finds both heads, holds on the true circuit and rejects all six decoys, by causes and "
    "by weights.",
}


def check_plan(choice: PlanChoice, progress: Progress = no_progress, every: bool = True) -> CheckResult:
    """Runs the plan: `every` test on every model, or, which is quicker, on a decoy until one does not hold, and on no
    model after the first that is judged wrongly. Raises RungError for a part that may not be chosen.
    """
    _check_names(choice)
    planted = planted_model("circuit", SEED)
    progress("signatures on the true circuit", 0, len(MODELS) + 1)
    for role, signature in (("previous_token", choice.route), ("induction", choice.match)):
        found, score = find_head(role, signature)
        if found not in planted.heads[role] or score < CLEAR:
            name = "route_signature" if role == "previous_token" else "match_signature"
            truth = ", ".join(map(head_label, planted.heads[role]))
            return _wrong(name, (), found=head_label(found), score=score, truth=truth)
    cases = []
    for done, kind in enumerate(MODELS):
        progress(f"planted model {done + 1} of {len(MODELS)}", done + 1, len(MODELS) + 1)
        cases.append(_case(choice, kind, every))
        if not (every or cases[-1].right):
            break
    return _judged(choice, tuple(cases))


def _check_names(choice: PlanChoice) -> None:
    for given, known in (
        ((choice.route,), ("one_back", "two_back", "itself")),
        ((choice.match,), ("value", "key", "last")),
        ((choice.into,), ("Q", "K", "V")),
        (choice.interventions, tuple(INTERVENTIONS)),
        (choice.weights, (*WEIGHTS, OWN_QK)),
    ):
        for one in given:
            if one not in known:
                raise RungError(f"{one!r} cannot be chosen; there are {', '.join(known)}.{near(one, known)}")


def find_head(role: str, signature: str, seed: int = 1) -> tuple[Head, float]:
    """The head that a signature finds on look-ups in the true circuit, and its mean attention there."""
    model = planted_model("circuit", SEED).model
    batch = induction_batch(model, sequences=32, seed=seed, task=LOOK_UP)
    rows, queries = batch.predictable.nonzero(as_tuple=True)
    value = batch.source[rows, queries]
    places = {
        "one_back": (value, value - 1),
        "two_back": (value, value - 2),
        "itself": (value, value),
        "value": (queries, value),
        "key": (queries, value - 1),
        "last": (queries, queries - 1),
    }
    at, key = places[signature]
    with torch.no_grad():
        cache = model.run_with_cache(batch.tokens, names_filter=lambda name: name.endswith("pattern"))[1]
    scores = np.array(
        [
            cache["pattern", layer][rows, :, at, key.clamp(min=0)].mean(0).tolist()
            for layer in range(model.config.n_layers)
        ]
    )
    layer, head = np.unravel_index(int(scores.argmax()), scores.shape)
    return (int(layer), int(head)), float(scores.max())


def _case(choice: PlanChoice, kind: str, every: bool) -> Case:
    planted = planted_model(kind, SEED)
    found = confirmation("lookup", kind, SEED, False, choice.into)
    weights = [WEIGHTS.get(name, name) for name in choice.weights]
    genuine = planted.truth == MECHANISM

    def run(test: str) -> str:
        if test == OWN_QK:
            return "holds" if own_match(kind) >= MATCHES else "fails"
        subject: Subject = "route" if test == "mechanism.positional" else "head"
        return outcome(run_chosen(found, [test], subject)[test], by_floors)

    ran = outcomes([*(INTERVENTIONS[name] for name in choice.interventions), *weights], run, every or genuine)
    return Case(kind, genuine, all(one == "holds" for one in ran.values()), ran, planted.why)


def own_match(kind: str) -> float:
    """For how many tokens the look-up head's QK matches the token itself, read from embeddings alone."""
    planted = planted_model(kind, SEED)
    return float(qk_diagonal(planted.model, planted.heads["induction"][0]).share)


def _judged(choice: PlanChoice, cases: tuple[Case, ...]) -> CheckResult:
    genuine = next(case for case in cases if case.genuine)
    short = [test for test, found in genuine.outcomes.items() if found != "holds"]
    if OWN_QK in short:
        return _wrong("own_qk", cases, share=own_match("circuit"))
    if choice.into != "K" and {"support.edge", "mechanism.routed_qk"} & set(short):
        return _wrong("wrong_input", cases, into=choice.into)
    if short:
        listed = ", ".join(f"{NAMES[test]} {genuine.outcomes[test]}" for test in short)
        return _wrong("rejects_truth", cases, tests=listed)
    fooled = {case.model for case in cases if not case.right}
    if not choice.interventions and "covered" in fooled:
        return _wrong("no_intervention", cases)
    names = {
        "covered": "not_needed",
        "stripe": "silent",
        "unread": "edge",
        "other_reason": "reason",
        "says_forbidden": "no_ov" if choice.weights else "no_weights",
        "matches_kin": "no_composed_qk",
    }
    for kind, name in names.items():
        if kind in fooled:
            return _wrong(name, cases)
    return CheckResult(True, "", SENTENCES["right"], cases)


def _wrong(name: str, cases: tuple[Case, ...], **values: object) -> CheckResult:
    return CheckResult(False, name, SENTENCES[name].format(**values), cases)
