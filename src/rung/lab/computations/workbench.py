"""Computations of the lab: the workbench (any model) and the record viewer (every test behind a verdict)."""

from __future__ import annotations

import msgspec

from ...circuits.heads import head_label
from ...evidence.claim import required_tests
from ...evidence.decide import criterion_of
from ...evidence.observation import RUNGS, Check, Floors, Measurement, Outcome, TestSpec
from ...evidence.proof import Proof
from ...evidence.record import Record, parse_record
from ...methods.inspection import inspect
from ...views.models import model_facts
from ...views.wording import TEST_NAMES, check_name, drawn, result, why_not_run, with_own_sentence
from ..computation import DEFAULT_MODEL, Answer, Ask, Computation, Job, Lab, computation


class OpenAsk(Ask, frozen=True):
    """Opens a model of this machine."""

    model: str = DEFAULT_MODEL
    """A bundled or fetched model's name, a folder, or a GGUF file."""


class Special(msgspec.Struct, frozen=True):
    """A special token."""

    name: str
    id: int
    text: str


class ModelAnswer(Answer, frozen=True):
    """What a model is, and which panels it can fill."""

    model: str
    """What was asked for: the name for further requests."""
    name: str
    family: str
    parameters: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_model: int
    d_head: int
    d_mlp: int | None
    d_vocab: int
    n_ctx: int
    has_tokenizer: bool
    vocabulary: int | None
    """Tokens of its tokenizer."""
    special: list[Special]
    processing: list[str]
    notes: list[str]
    facts: list[tuple[str, str]]
    """The same and more in words, as `rung inspect` says them."""


@computation("workbench.open")
def open_model(lab: Lab, ask: OpenAsk, job: Job) -> ModelAnswer:
    """A model's size, tokenizer and notes."""
    job.progress(f"loading {ask.model}", 0, 1)
    found = inspect(lab.model(ask.model))
    config, tokenizer = found.config, found.tokenizer
    special = {} if tokenizer is None else tokenizer.special
    return ModelAnswer(
        model=ask.model,
        name=config.model_name,
        family=config.family,
        parameters=config.n_params,
        n_layers=config.n_layers,
        n_heads=config.n_heads,
        n_kv_heads=config.n_kv,
        d_model=config.d_model,
        d_head=config.d_head,
        d_mlp=config.d_mlp,
        d_vocab=config.d_vocab,
        n_ctx=config.n_ctx,
        has_tokenizer=tokenizer is not None,
        vocabulary=None if tokenizer is None else tokenizer.size,
        special=[Special(name, id, text) for name, (id, text) in special.items()],
        processing=list(config.processing),
        notes=list(config.notes),
        facts=model_facts(found),
    )


class RecordAsk(Ask, frozen=True):
    """Reads a record that `rung prove` wrote."""

    text: str
    """The file's text."""


class CheckAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One number of a test. What is not finite is null: no bound."""

    name: str
    label: str
    """The name as a row calls it."""
    value: float
    low: float
    high: float
    n: int
    p: float | None
    floor: float | None
    """What it is held against; null for a number that is only shown."""
    sense: str
    """at least, at most, within (±floor); empty without a floor."""
    met: bool | None


class TestAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One test: its numbers with intervals, floors and controls, and how it ended."""

    __test__ = False  # no pytest class

    id: str
    name: str
    """The test as a row calls it."""
    subject: str
    rung: int
    required: bool
    outcome: str
    """holds, fails, contradicted, inconclusive, not applicable, not run."""
    said: str
    """What it found, in a phrase, and what it fell short of."""
    unit: str
    role: str
    heads: list[str]
    checks: list[CheckAnswer]
    controls: dict[str, float]
    notes: dict[str, str]


class RoleAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A role and the heads that are said to fill it."""

    name: str
    job: str
    signature: str
    writes_to: str
    heads: list[str]


class EdgeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What one role writes and another reads."""

    sender: str
    receiver: str
    into: str


class AgreementAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """For one role, the top head by each method."""

    role: str
    claimed: list[str]
    first: dict[str, str]
    agrees: bool
    means: dict[str, dict[str, float]]


class RecordAnswer(Answer, frozen=True):
    """A proof: what was claimed, the verdict, and every test behind it."""

    sentence: str
    rung: int
    """−1: nothing to explain."""
    rung_name: str
    stopped_by: tuple[str, str] | None
    """Id and subject of the test that stopped the verdict."""
    capped: bool
    claim: str
    task: str
    circuit: str
    """The circuit in a line."""
    roles: list[RoleAnswer]
    edges: list[EdgeAnswer]
    tests: list[TestAnswer]
    """By rung; a required test that was not run is there, as not run."""
    agreement: list[AgreementAnswer]
    model: str
    checkpoint: str
    """SHA-256 of the checkpoint's weights."""
    n_layers: int
    n_heads: int
    parameters: int
    sequences: int
    alpha: float
    """Of the last look: intervals are of 1 − 2α."""
    looks: list[int]
    """Sequences of every look."""
    heads_found: str
    """found by search, or given."""
    floors_changed: dict[str, float]
    date: str
    versions: dict[str, str]


@computation("workbench.record")
def read(lab: Lab, ask: RecordAsk, job: Job) -> RecordAnswer:
    """A record, held against itself, as the page shows it."""
    return describe(with_own_sentence(parse_record(ask.text, "the file"), "the file"))


def describe(found: Record) -> RecordAnswer:
    """A record with everything that the page shows of it."""
    proof, config = found.proof, found.proof.config
    verdict, look = proof.verdict, proof.run["looks"][-1]
    return RecordAnswer(
        sentence=found.sentence,
        rung=verdict.rung,
        rung_name=verdict.name,
        stopped_by=verdict.stopped_by,
        capped=verdict.capped,
        claim=proof.claim.name,
        task=proof.claim.task,
        circuit=drawn(proof.claim),
        roles=[
            RoleAnswer(
                name=role.name,
                job=role.job,
                signature=role.signature,
                writes_to=role.writes_to,
                heads=list(map(head_label, role.heads)),
            )
            for role in proof.claim.roles
        ],
        edges=[EdgeAnswer(sender=edge.sender, receiver=edge.receiver, into=edge.into) for edge in proof.claim.edges],
        tests=tests_of(proof),
        agreement=[
            AgreementAnswer(
                role=one.role,
                claimed=list(one.claimed),
                first=dict(one.first),
                agrees=one.agrees,
                means={method: dict(heads) for method, heads in one.means.items()},
            )
            for one in proof.agreement
        ],
        model=proof.model["name"],
        checkpoint=proof.model["checkpoint"],
        n_layers=config.n_layers,
        n_heads=config.n_heads,
        parameters=config.n_params,
        sequences=proof.sequences,
        alpha=float(look["alpha"]),
        looks=[int(one["sequences"]) for one in proof.run["looks"]],
        heads_found=proof.run["heads"],
        floors_changed=proof.floors.changed(),
        date=found.date,
        versions=dict(proof.run["versions"]),
    )


def tests_of(proof: Proof) -> list[TestAnswer]:
    """Every test of a proof by rung, and the required ones that were not run."""
    measured = {m.spec.key for m in proof.measurements}
    missing = [
        Measurement(spec=spec, outcome=Outcome.NOT_RUN, not_run=_why_not_run(proof, spec))
        for spec in required_tests(proof.claim, proof.config, proof.run["text"] is not None)
        if spec.key not in measured
    ]
    return [describe_test(m, proof) for m in sorted((*proof.measurements, *missing), key=lambda m: m.rung)]


def describe_test(m: Measurement, proof: Proof) -> TestAnswer:
    """One test with the floors that it is held against."""
    return TestAnswer(
        id=m.test,
        name=TEST_NAMES.get(m.test, m.test),
        subject=m.subject,
        rung=m.rung,
        required=m.required,
        outcome=str(m.outcome),
        said=result(m, proof.claim, proof.floors),
        unit=m.unit,
        role=m.spec.role,
        heads=list(map(head_label, m.spec.heads)),
        checks=[_check(m.test, check, proof.floors) for check in m.checks],
        controls=dict(m.controls),
        notes=dict(m.notes),
    )


def _check(test: str, check: Check, floors: Floors) -> CheckAnswer:
    criterion = criterion_of(test, check.name)
    return CheckAnswer(
        name=check.name,
        label=check_name(check.name),
        value=check.value,
        low=check.low,
        high=check.high,
        n=check.n,
        p=check.p,
        floor=None if criterion is None else criterion.floor(floors),
        sense="" if criterion is None else criterion.sense,
        met=None if criterion is None else criterion.met(check, floors),
    )


def _why_not_run(proof: Proof, spec: TestSpec) -> str:
    return why_not_run(proof) or f"the proof has no such test of {RUNGS[spec.rung]}"


COMPUTATIONS: tuple[Computation, ...] = (open_model, read)
