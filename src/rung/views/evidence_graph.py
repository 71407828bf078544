"""The evidence graph: kinds of test on one side, the rungs that they carry on the other, each filled by its own tests.

    pattern → clue, attribution → contribution, ablation → causal support, QK and OV and composition → mechanism

A rung's node holds only where the verdict reaches it; a kind's node only where every required test of it was run and
holds. Nodes and edges are values: the lab, a notebook widget and a report draw the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..evidence.claim import required_tests
from ..evidence.decide import CRITERIA, Criterion, criterion_of
from ..evidence.observation import RUNGS, Check, Floors, Measurement, Outcome, TestSpec
from ..evidence.proof import Proof
from .wording import TEST_NAMES, result, row_name

Fill = Literal["holds", "fails", "contradicted", "inconclusive", "not applicable", "not run"]

KINDS: Mapping[str, str] = {
    "behaviour": "loss on the task",
    "clue": "pattern",
    "contribution": "attribution",
    "support.necessity": "ablation",
    "support.member": "ablation",
    "support.member_content": "ablation",
    "support.denoising": "denoising",
    "support.interchange": "interchange",
    "support.positions": "ablation by position",
    "support.output": "path patching",
    "support.edge": "path patching",
    "support.off_task": "ordinary text",
    "support": "circuit alone",
    "mechanism.ov": "OV",
    "mechanism.positional": "QK",
    "mechanism.qk": "QK",
    "mechanism.routed_qk": "composition",
    "mechanism": "circuit alone, with MLPs",
}
"""Which kind of evidence a test is, by its id, or by the part of it before the dot or before the underscore."""

_WORST = (Outcome.CONTRADICTED, Outcome.FAILS, Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE, Outcome.NOT_RUN)


@dataclass(frozen=True)
class ShownCheck:
    """One number of a test, and the floor or limit that it is held to."""

    name: str
    label: str
    value: float
    low: float
    high: float
    n: int
    floor: float | None
    sense: str
    """"at least", "at most" or "within"; empty where nothing is asked."""
    met: bool


@dataclass(frozen=True)
class EvidenceRow:
    """One required test: what it found, or that it was not run."""

    test: str
    subject: str
    name: str
    kind: str
    rung: int
    outcome: Fill
    words: str
    unit: str
    checks: tuple[ShownCheck, ...]
    """The number that says most comes first: the one that falls short, else the one that is shown."""
    controls: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class EvidenceNode:
    """A kind of test, or a rung."""

    id: str
    label: str
    rung: int
    is_rung: bool
    fill: Fill
    tests: tuple[tuple[str, str], ...]
    """Id and subject of the required tests that fill it."""
    held: int
    """How many of them hold."""


@dataclass(frozen=True)
class EvidenceEdge:
    """A kind of test carries a rung, or a rung stands on the one below."""

    source: str
    target: str
    fill: Fill


@dataclass(frozen=True)
class EvidenceGraph:
    """What a proof shows, rung by rung."""

    nodes: tuple[EvidenceNode, ...]
    edges: tuple[EvidenceEdge, ...]
    rows: tuple[EvidenceRow, ...]

    def node(self, name: str) -> EvidenceNode:
        """The node of this id. Raises KeyError."""
        return {node.id: node for node in self.nodes}[name]


def kind_of(test: str) -> str:
    """The kind of evidence that a test is."""
    if test in KINDS:
        return KINDS[test]
    rung, _, name = test.partition(".")
    stem = f"{rung}.{name.split('_')[0]}"
    return KINDS[stem] if stem in KINDS and name.split("_")[0] in ("output", "edge") else KINDS.get(rung, rung)


def evidence_graph(proof: Proof) -> EvidenceGraph:
    """Nodes, edges and rows of a proof, whole or in part."""
    required = required_tests(proof.claim, proof.config, proof.run["text"] is not None)
    found = {m.spec.key: m for m in proof.measurements}
    outcomes = {spec.key: found[spec.key].outcome if spec.key in found else Outcome.NOT_RUN for spec in required}
    kinds: dict[tuple[str, int], list[TestSpec]] = {}
    for spec in required:
        kinds.setdefault((kind_of(spec.id), spec.rung), []).append(spec)
    nodes, edges = [], []
    for (kind, rung), specs in kinds.items():
        node = _node(f"kind:{kind}", kind, rung, False, specs, outcomes)
        nodes.append(node)
        edges.append(EvidenceEdge(node.id, f"rung:{rung}", node.fill))
    for rung, name in enumerate(RUNGS):
        node = _node(f"rung:{rung}", name, rung, True, [spec for spec in required if spec.rung == rung], outcomes)
        if node.fill == "holds" and proof.verdict.rung < rung:
            # Its own tests hold, and the verdict stopped below it.
            node = EvidenceNode(node.id, node.label, rung, True, "inconclusive", node.tests, node.held)
        nodes.append(node)
        if rung:
            edges.append(EvidenceEdge(f"rung:{rung - 1}", f"rung:{rung}", node.fill))
    rows = tuple(_row(spec, found.get(spec.key), proof) for spec in required)
    return EvidenceGraph(tuple(nodes), tuple(edges), rows)


def _node(
    name: str,
    label: str,
    rung: int,
    is_rung: bool,
    specs: Sequence[TestSpec],
    outcomes: Mapping[tuple[str, str], Outcome],
) -> EvidenceNode:
    own = [outcomes[spec.key] for spec in specs]
    fill = Outcome.HOLDS if own else Outcome.NOT_RUN
    fill = next((one for one in _WORST if one in own), fill)
    held = sum(one is Outcome.HOLDS for one in own)
    return EvidenceNode(name, label, rung, is_rung, fill.value, tuple(spec.key for spec in specs), held)


def _row(spec: TestSpec, m: Measurement | None, proof: Proof) -> EvidenceRow:
    if m is None:
        about = (spec.id, spec.subject, TEST_NAMES[spec.id], kind_of(spec.id), spec.rung)
        return EvidenceRow(*about, Outcome.NOT_RUN.value, "not measured", "", (), ())
    return shown_row(m, proof)


def shown_row(m: Measurement, proof: Proof) -> EvidenceRow:
    """One measurement as a row, required or not."""
    about = (m.test, m.subject, TEST_NAMES[m.test], kind_of(m.test), m.rung)
    words = result(m, proof.claim, proof.floors)
    checks = sorted((_shown(m, check, proof.floors) for check in m.checks), key=lambda one: one.met)
    return EvidenceRow(*about, m.outcome.value, words, m.unit, tuple(checks), tuple(m.controls.items()))


def _shown(m: Measurement, check: Check, floors: Floors) -> ShownCheck:
    criterion = criterion_of(m.test, check.name)
    label = row_name(check.name)
    met = criterion is None or criterion.met(check, floors)
    # The mean over strata is held to what each stratum is held to.
    held = criterion or _over_strata(m.test, check.name)
    floor = None if held is None else held.floor(floors)
    sense = "" if held is None else held.sense
    return ShownCheck(check.name, label, check.value, check.low, check.high, check.n, floor, sense, met)


def _over_strata(test: str, name: str) -> Criterion | None:
    criteria = CRITERIA.get(test, ())
    if not any(one.name == name and one.use == "shown" for one in criteria):
        return None
    return next((one for one in criteria if one.name == "stratum/*"), None)
