"""Computations of the lab: the ladder, run test by test, whole, and on decoys."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import msgspec

from ...errors import ClaimError
from ...evidence.claim import INDUCTION, Claim, parse_heads
from ...evidence.observation import RUNGS
from ...evidence.proof import Proof
from ...evidence.prove import Confirmation, prepare, prove_part, run_tests
from ...evidence.record import record
from ...methods.runner import Progress
from ...planted import plant
from ...views.evidence_graph import EvidenceGraph, evidence_graph, kind_of
from ...views.wording import TEST_NAMES, drawn, stopper, test_in_progress, verdict_sentence
from ..computation import DEFAULT_MODEL, Answer, Ask, Computation, Job, Lab, check_at_most, computation

DECOYS = ("stripe", "fixed_distance", "wrong_edge")
"""Planted models whose claim is false, each in another way."""
MOST_SEED = 10_000


class AboutTest(msgspec.Struct, frozen=True):
    """One test that the claim requires."""

    test: str
    subject: str
    name: str
    kind: str
    rung: int


class Verdict(Answer, frozen=True, kw_only=True):
    """A proof, whole or in part, as the page draws it."""

    model: str
    circuit: str
    """The claimed heads and edges in a line."""
    heads: dict[str, list[str]]
    given: bool
    """Whether the heads were given, and not searched for."""
    rung: int
    rung_name: str
    capped: bool
    sentence: str
    weakest: str
    """The test that stopped the verdict, in words; empty where nothing did."""
    weakest_test: str
    graph: EvidenceGraph
    sequences: int


class Required(Answer, frozen=True, kw_only=True):
    """The claim on this model, and the tests that it must pass."""

    model: str
    circuit: str
    heads: dict[str, list[str]]
    given: bool
    tests: list[AboutTest]


class Proved(Verdict, frozen=True, kw_only=True):
    """A whole proof and its record."""

    record: str
    """The text of the record's file."""


class DecoyProved(Verdict, frozen=True, kw_only=True):
    """A whole proof of a planted model whose truth is known."""

    truth: int
    truth_name: str
    why: str


class AskClaim(Ask, frozen=True, kw_only=True):
    """A claim about induction: heads as in `--heads`, "previous_token=0.7; induction=1.4,1.10"; empty: a search."""

    model: str = DEFAULT_MODEL
    heads: str = ""


class AskPart(AskClaim, frozen=True, kw_only=True):
    """Which tests to run, by id."""

    tests: list[str]
    sequences: int = 64


class AskProof(AskClaim, frozen=True, kw_only=True):
    """A whole proof."""

    sequences: int = 64


class AskDecoy(Ask, frozen=True, kw_only=True):
    """Which decoy, planted from which seed."""

    decoy: str
    seed: int = 0


@computation("ladder.required", lane="long")
def required(lab: Lab, ask: AskClaim, job: Job) -> Required:
    """The heads of the claim, found or given, and its required tests."""
    found = _confirmation(lab, ask, 64, job)
    tests = [AboutTest(s.id, s.subject, TEST_NAMES[s.id], kind_of(s.id), s.rung) for s in found.required]
    claim = found.claim
    return Required(model=ask.model, circuit=drawn(claim), heads=_heads(claim), given=bool(ask.heads), tests=tests)


@computation("ladder.part", lane="long")
def part(lab: Lab, ask: AskPart, job: Job) -> Verdict:
    """The verdict from some of the required tests alone."""
    check_at_most("tests", len(ask.tests), len(TEST_NAMES))
    found = _confirmation(lab, ask, ask.sequences, job)
    return Verdict(**_shown(prove_part(found, ask.tests, _progress(job))))


@computation("ladder.prove", lane="long")
def whole(lab: Lab, ask: AskProof, job: Job) -> Proved:
    """The whole proof, and its record."""
    found = _confirmation(lab, ask, ask.sequences, job)
    specs = (*found.required, *found.described)
    proof = found.conclude(run_tests(found.setting, specs, found.alpha, _progress(job), found.measured))
    return Proved(**_shown(proof), record=record(proof, verdict_sentence(proof)).to_json())


@computation("ladder.decoy", lane="long")
def decoy(lab: Lab, ask: AskDecoy, job: Job) -> DecoyProved:
    """The whole proof of a claim that is false, on a model whose circuit was wired by hand."""
    if ask.decoy not in DECOYS:
        raise ClaimError(f"no decoy {ask.decoy!r} on this page; there are {', '.join(DECOYS)}")
    check_at_most("seeds", ask.seed + 1, MOST_SEED)
    job.progress(f"wiring {ask.decoy}", 0, 1)
    planted = plant(ask.decoy, ask.seed)
    claim = INDUCTION.with_heads(planted.heads)
    claim = replace(claim, edges=tuple(replace(edge, into=planted.into) for edge in claim.edges))
    found = prepare(claim, planted.model, progress=_progress(job))
    proof = found.conclude(run_tests(found.setting, found.required, found.alpha, _progress(job)))
    truth = RUNGS[planted.truth] if planted.truth >= 0 else "nothing to explain"
    return DecoyProved(**_shown(proof), truth=planted.truth, truth_name=truth, why=planted.why)


def read_claim(heads: str) -> Claim:
    """The induction claim with heads as a reader types them. Raises ClaimError."""
    pieces = [piece.strip() for piece in re.split(r"[;\n]", heads) if piece.strip()]
    given = dict(parse_heads(piece) for piece in pieces)
    if len(given) < len(pieces):
        raise ClaimError(f"a role is named twice in {heads!r}; write each once, as previous_token=0.0; induction=1.0")
    return INDUCTION.with_heads(given)


def _confirmation(lab: Lab, ask: AskClaim, sequences: int, job: Job) -> Confirmation:
    """Kept, so that a test once run is not run again."""

    def make() -> Confirmation:
        return prepare(read_claim(ask.heads), lab.model(ask.model), sequences=sequences, progress=_progress(job))

    found: Confirmation = lab.keep(f"ladder {ask.model} {ask.heads.strip()} {sequences}", make)
    return found


def _progress(job: Job) -> Progress:
    return lambda step, done, total: job.progress(test_in_progress(step), done, total)


def _heads(claim: Claim) -> dict[str, list[str]]:
    return {role.name: [f"{layer}.{head}" for layer, head in role.heads] for role in claim.roles}


def _shown(proof: Proof) -> dict[str, Any]:
    verdict = proof.verdict
    return {
        "model": proof.model["name"],
        "circuit": drawn(proof.claim),
        "heads": _heads(proof.claim),
        "given": proof.run["heads"] == "given",
        "rung": verdict.rung,
        "rung_name": verdict.name,
        "capped": verdict.capped,
        "sentence": verdict_sentence(proof),
        "weakest": "" if verdict.stopped_by is None else stopper(proof),
        "weakest_test": "" if verdict.stopped_by is None else verdict.stopped_by[0],
        "graph": evidence_graph(proof),
        "sequences": proof.sequences,
    }


COMPUTATIONS: tuple[Computation, ...] = (required, part, whole, decoy)
