"""Everything that a proof or a sweep says in words, by a stable id, so that all that shows it says the same."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence

from ..circuits.heads import head_label
from ..errors import RecordError
from ..evidence.claim import OUTPUT, Claim, Edge, Role
from ..evidence.decide import Criterion, criterion_of
from ..evidence.observation import RUNGS, Check, Floors, Measurement, Outcome
from ..evidence.proof import NOTHING, Proof
from ..evidence.record import Record, load_record
from ..evidence.validity import TIERS, Status, Validity
from ..evidence.why_not import Separation
from ..tasks.task import kind_of_task

SUFFICES = 0.8
"""Share of a role's work from which one member is said to suffice."""

INDIRECT_OBJECT = "indirect object"
SKIP_TRIGRAMS = "skip-trigrams"
SCOPE: Mapping[str, str] = {
    "random repeats": "token induction on random repeats",
    "key-value look-up": "key-value look-up of random tokens",
    SKIP_TRIGRAMS: "skip-trigrams of a table among random tokens",
    INDIRECT_OBJECT: "indirect-object identification in sentences of a few templates",
}
"""What a claim about each task is a claim of."""

SWEEPS: Mapping[str, str] = {
    "ablation": "Each head of {model} ablated by itself: change of the second copy's loss",
    "ablation.joint": "Heads of {model} ablated: change of the second copy's loss",
    "ablation.note": "A large change says that the model relies on the head on this task, not what for.",
    "patching": "{site} of {model} patched from the clean run: change of the logit difference",
    "patching.whole": "the way from the corrupted to the clean run",
    "patching.note": "What is enough on one pair of prompts is evidence about that pair.",
}
"""Titles and notes of sweeps."""

TEST_NAMES: Mapping[str, str] = {
    "behaviour.gain": "gain of the behaviour",
    "behaviour.order": "order among the remaining tokens",
    "clue.signature": "signature score",
    "contribution.direct": "direct logit attribution",
    "contribution.edge": "attribution to the receiver's input",
    "contribution.sum": "decomposition error",
    "support.necessity": "necessity",
    "support.member": "member",
    "support.member_content": "content of one member",
    "support.member_alone": "member, in the circuit alone",
    "support.denoising": "denoising",
    "support.interchange": "interchange",
    "support.positions": "positions",
    "support.output": "direct path to the logits",
    "support.output_part": "direct path of one member",
    "support.output_interchange": "interchange through the logits alone",
    "support.edge": "path patching",
    "support.edge_interchange": "interchange along the edge alone",
    "support.edge_part": "path patching of one pair",
    "support.faithfulness": "faithfulness",
    "support.agreement": "agreement by position",
    "support.complement": "halves of the other heads",
    "support.off_task": "ordinary text",
    "mechanism.ov": "OV copying top-1",
    "mechanism.positional": "positional QK",
    "mechanism.qk": "QK of a token with itself",
    "mechanism.routed_qk": "composed QK",
    "mechanism.member_alone": "member, in the circuit alone",
    "mechanism.faithfulness": "faithfulness",
    "mechanism.agreement": "agreement by position",
    "mechanism.complement": "halves of the other heads",
    "shown.zero": "zero ablation",
    "shown.without": "the model without the circuit",
    "shown.first_copy": "change of the first copy's loss",
    "shown.aligned_mean": "ablation by the mean at the same place of a copy",
    "shown.dose": "dose: partly mean-ablated",
    "shown.logit_difference": "logit difference under ablation",
    "shown.self_repair": "ablation with the last norm's scale frozen",
    "shown.eigenvalues": "eigenvalue copying score",
    "shown.composition": "composition norm",
    "shown.search_stability": "same heads in ten other searches",
    "shown.rival_circuit": "faithfulness of a rival circuit",
    "shown.permuted": "gain with permuted weights",
    "shown.prose_signature": "signature score on repeated prose",
    "shown.prose_necessity": "necessity on repeated prose",
}
"""Each test, as a row of a table calls it."""

CHECK_NAMES: Mapping[str, str] = {
    "gain": "gain",
    "excess": "loss above the order-blind bound",
    "score": "score",
    "control": "control over score",
    "push": "attribution",
    "strongest": "of the strongest component's",
    "rival": "the best unclaimed head's, of it,",
    "error": "error",
    "mean": "mean ablation",
    "resample": "resample ablation",
    "cost/mean": "removed by its mean ablation",
    "cost/resample": "removed by its resample ablation",
    "cost/patch": "removed by patching it",
    "alone/mean": "done alone (mean ablation of the others)",
    "alone/resample": "done alone (resample ablation of the others)",
    "alone/patch": "carried with all others patched",
    "content": "cost of another sequence's output, of that of ablating it,",
    "direct": "direct path, of its whole effect,",
    "recovered": "recovered",
    "damage": "damage, of the gain,",
    "followed": "queries that follow the other sequence",
    "claimed": "effect at the claimed positions",
    "elsewhere": "effect at all other positions",
    "carried": "share of the effect that is carried",
    "senders": "whole effect, of the gain,",
    "explained": "faithfulness",
    "room": "cost of ablating every head, of the gain,",
    "same": "queries with the model's own token",
    "text": "change on text",
    "by_token": "change of each token on text, whatever its sign",
    "copied": "top-1 share",
    "one_back": "share",
    "matched": "top-1 share",
    "half/all": "all other heads",
}
"""Each number of a test, as a sentence says it before the number."""

ROW_NAMES: Mapping[str, str] = {
    "strongest": "as a share of the strongest component's",
    "rival": "best unclaimed head's, as a share of it",
    "content": "cost of another sequence's output, as a share of ablation's",
    "direct": "direct path, as a share of the whole effect",
    "damage": "damage, as a share of the gain",
    "senders": "whole effect, as a share of the gain",
    "room": "cost of ablating every head, as a share of the gain",
}
"""The same where it names a row of a table by itself."""


WEIGHTS: Mapping[str, tuple[str, str]] = {
    "ov": (
        "OV copying",
        "For how many tokens does attending to a token raise that token's own logit most? 95 % intervals of sampled "
        "shares. Listed: source → raised token.",
    ),
    "qk": (
        "QK matching",
        "For how many key tokens is the same token the query that scores it highest? Listed: query → key, before "
        "positions unless a distance is given.",
    ),
    "skip-trigrams": (
        "Skip-trigrams",
        "source … query → output. Score: QK[query, source] × OV[source, output], each less its mean over the tokens "
        "that softmax compares; positive parts only.",
    ),
    "svd": (
        "Singular directions",
        "Share of the squared Frobenius norm in the first singular direction. Listed for OV: singular value, tokens "
        "read → tokens written.",
    ),
    "composition": (
        "Composition scores",
        "‖W_OV M‖ / (‖W_OV‖ ‖M‖), M = W_QK for Q, W_QKᵀ for K, W_OV for V. An unrelated pair may score high: compare "
        "with the other pairs of the same layers and with Gaussian heads.",
    ),
}
"""Each kind of `rung weights`: its title, and what its numbers are."""

WEIGHTS_FIRST_LAYER = (
    "Tokens are read as embeddings alone: exact for heads of the first layer; later heads also read earlier outputs."
)


REPORT: Mapping[str, str] = {
    "title": "{claim} in {model}",
    "open": "What did not hold",
    "none open": "Every test that the claim requires was run and holds.",
    "circuit": "The claim",
    "task": "Task",
    "reads": "How to read the drawings",
    "legend": (
        "A disc is a number that clears its floor, a cross one that does not; the bar is its interval. The verdict is "
        "taken at the interval's conservative end. The dashed line is the floor, or the limit; its wrong side is "
        "shaded. Upright ticks are the same statistic where nothing should be: heads that fill no role, or a control. "
        "The thin upright line is zero."
    ),
    "route": "route: what one head writes for another to read",
    "match": "match: how a query finds its key",
    "copy": "copy: what is written to the output",
    "maps": "Where each method points",
    "maps note": "Each map has its own scale. Claimed heads are framed; dashed cells are not measured.",
    "matrix": "Composition: {sender} → {receiver} by {into}",
    "matrix note": (
        "Rows send, columns receive. The composition norm describes and decides nothing: an unrelated pair may score "
        "high. The composed QK decides: the share of tokens whose best query is the token itself."
    ),
    "norm": "composition norm",
    "share": "composed QK, top-1 share",
    "shown": "Shown, deciding nothing",
    "not run": "This rung was not run: {why}.",
    "provenance": "Provenance",
    "again": "Run it again",
    "again note": (
        "The first command makes the proof again, the second executes every test of the record and compares. They need "
        "the same weights, which the checkpoint's hash names."
    ),
    "again text": "The text whose hash is given above is not the bundled one: add --text FILE to both commands.",
    "again floors": "This proof was made under other floors than the default; the commands use the default ones.",
    "more": "{count} more numbers",
    "agrees": "All methods name claimed heads for {role}.",
    "disagrees": "Methods that name another head for {role}: {methods}.",
    "decided by": "Intervals are two-sided, {level:.3g} %; a test of a floor spends {alpha:g} on one side.",
}
"""Headings and explanations of a report."""

VALIDITY: Mapping[str, str] = {
    "title": "By the criteria of Mechanistic Validity",
    "tier": "Mechanistic Validity, tier {tier} of 5: {name}",
    "no tier": "Mechanistic Validity: no tier",
    "mode": "description mode licensed: {mode}",
    "lacking": "{next} would need {lacking}",
    "status": "{status}: {criteria}",
    "note": (
        "Another framework's criteria ({source}; edition of 27, June 2026), derived from the tests above and stored in "
        "no record. A criterion is met only where tests decide all that it asks; Rung does not test the others."
    ),
    "complement": "halves of the other heads that cost less",
    "beyond": "what no test decides",
}
"""What is said of a proof by the criteria of another framework."""

COMPARED: Mapping[str, str] = {
    "same": "{first} and {second} say the same: verdict, claim, model, floors, and every number within rounding.",
    "differ": "{count} differences.",
    "more": "and {count} more numbers: intervals, p, strata and controls; --json has them",
    "alone": "tests that only {name} has: {count}",
    "on": "{rung}: reached from {record} on",
    "off": "{rung}: not reached at the end",
    "order": "In the order given. A rung is reached from the first record on after which no verdict is below it.",
}
"""What a comparison of records says."""

WHY_NOT: Mapping[str, str] = {
    "separated": "{head} is not {role}: {why} ({outcome}).",
    "nothing": "Nothing separates {head} from {role}: all {count} tests of one head hold.",
    "refused": "{head} cannot be {role}: {why}.",
    "circuit": "The circuit found: {circuit}.",
}
"""Why a head does not fill a role."""

OUTCOME_SIGNS: Mapping[str, str] = {
    "holds": "✓", "fails": "✗", "contradicted": "✗", "inconclusive": "?", "not applicable": "?", "not run": "–",
    "shown": "·",
}  # fmt: skip
"""The sign that stands before each outcome."""


def scope(claim: Claim) -> str:
    """What a claim is a claim of."""
    return SCOPE[kind_of_task(claim.task)]


def clean_numbers(text: str) -> str:
    """A result as people write it: what rounds to nothing has no minus, and a per cent sign stands apart."""
    return re.sub(r"(\d)%", r"\1 %", re.sub(r"-(0(?:\.0+)?)(?![\d.])", r"\1", text))


def percent(value: float | None) -> str:
    """A share in per cent that never rounds up to all, or down to none."""
    if value is None or math.isnan(value):
        return "–"
    if value != 1 and 0.99 <= value < 1.005:
        return f"{min(100 * value, 99.9):.1f} %"
    return f"{round(100 * value) + 0} %"


def row_name(name: str) -> str:
    """One number of a test, as a row calls it."""
    return ROW_NAMES.get(name) or check_name(name)


def check_name(name: str) -> str:
    """One number of a test, as a sentence says it before the number."""
    kind, _, rest = name.partition("/")
    if name in CHECK_NAMES or not rest:
        return CHECK_NAMES.get(name, name)
    starred = {"stratum": rest, "rival": f"through {rest}", "swap": f"loss with {rest}", "half": f"half {rest}"}
    return starred.get(kind, name)


def test_in_progress(step: str) -> str:
    """What a progress bar says of a test id, with the run it is at."""
    test, _, rest = step.partition(",")
    return TEST_NAMES.get(test, test) + (f",{rest}" if rest else "")


def results(measured: Sequence[Measurement], claim: Claim, floors: Floors) -> list[str]:
    """What tests that hold found: tests of one kind in one phrase where there is a short one."""
    kinds: dict[str, list[Measurement]] = {}
    for m in measured:
        kinds.setdefault(m.test, []).append(m)
    said: list[str] = []
    for test, found in kinds.items():
        if test in _TOGETHER and len(found) > 1:
            said.append(
                clean_numbers(_TOGETHER[test].format(", ".join(f"{m.subject} {percent(m.value)}" for m in found)))
            )
        else:
            said += [result(m, claim, floors) for m in found]
    return said


_TOGETHER: Mapping[str, str] = {
    "support.necessity": "ablating removes of the gain: {}",
    "support.denoising": "denoising recovers: {}",
    "support.interchange": "interchange, queries that follow the other sequence: {}",
    "support.positions": "effect at the claimed positions alone: {}",
    "support.member": "each member removes of the gain: {}",
    "support.member_alone": "in the circuit alone each member removes of the gain: {}",
    "mechanism.member_alone": "in the circuit alone each member removes of the gain: {}",
    "support.member_content": "each member from another sequence, of the cost of ablating it: {}",
    "support.output_part": "direct paths of the members remove of the gain: {}",
    "support.edge_part": "each pair's path removes of the gain: {}",
    "mechanism.ov": "OV copying top-1: {}",
    "mechanism.positional": "positional QK, previous position: {}",
}


def result(m: Measurement, claim: Claim, floors: Floors) -> str:
    """What a test found, in one phrase, and what it fell short of."""
    if m.not_run:
        return f"{TEST_NAMES[m.test]} {m.subject}: not run, {m.not_run}"
    if m.undefined:
        return f"{TEST_NAMES[m.test]} {m.subject}: not defined here, {m.undefined}"
    say = _RESULTS.get(m.test, _plain)
    short = "" if m.outcome is Outcome.HOLDS else shortfall(m, floors)
    return clean_numbers(say(m, claim) + (f" ({short})" if short else ""))


def _plain(m: Measurement, claim: Claim) -> str:
    return f"{TEST_NAMES[m.test]} {m.subject} {number(m.value)} {m.unit}"


def _gain(m: Measurement, claim: Claim) -> str:
    worst = min((one for one in m.checks if one.name.startswith("stratum/")), key=lambda one: one.value)
    if claim.task == INDIRECT_OBJECT:
        return (
            f"log-odds of the answer {m.controls['log-odds']:+.2f} nats, "
            f"{m.controls['log-odds, the other name returning']:+.2f} where the other name returns, worst stratum "
            f"{worst.value:+.2f} nats ({worst.name.partition('/')[2]})"
        )
    if "without source" in m.controls:
        return (
            f"loss {m.controls['without source']:.2f} → {m.controls['with source']:.2f} nats with the source, worst "
            f"stratum {worst.value:+.2f} nats ({worst.name.partition('/')[2]})"
        )
    return (
        f"loss {m.controls['first copy']:.2f} → {m.controls['second copy']:.2f} nats on the second copy, worst stratum "
        f"{worst.value:+.2f} nats ({worst.name.partition('/')[2]})"
    )


def _order(m: Measurement, claim: Claim) -> str:
    if kind_of_task(claim.task) == SKIP_TRIGRAMS:
        return f"loss among the outputs {number(m.controls['loss'])} nats (a guess: {m.controls['bound']:.2f})"
    if claim.task == INDIRECT_OBJECT:
        return f"loss among the two names {number(m.controls['loss'])} nats (a guess: {m.controls['bound']:.2f})"
    return (
        f"loss among the first copy's remaining tokens {number(m.controls['loss'])} nats "
        f"(order-blind bound {m.controls['bound']:.2f})"
    )


def _signature(m: Measurement, claim: Claim) -> str:
    name = m.notes["signature"].replace("_", "-").replace("s-inhibition", "S-inhibition")
    best = m.controls.get("best unclaimed head")
    beside = "" if best is None else f" (best unclaimed head {best:.2f})"
    if not any(m.subject == head_label(head) for head in claim.heads):
        return f"no head was found for {m.subject}: the highest {name} score is {m.value:.2f}, of {m.notes['head']}"
    return f"{m.subject} {name} score {m.value:.2f}{beside}"


def _attribution(m: Measurement, claim: Claim) -> str:
    low, high = m.interval or (math.nan, math.nan)
    what = f"{m.subject} direct logit attribution" if m.test == "contribution.direct" else f"{m.subject} attribution"
    to = "" if m.test == "contribution.direct" else " to the right key's score"
    to = " to what tells the value read from others" if m.spec.into == "V" else to
    strong = m.notes.get("as strong") if m.outcome is Outcome.HOLDS else ""
    also = f"; not unique: {strong} gives as much" if strong else ""
    rest = f"99 % CI [{low:.2f}, {high:.2f}] (best unclaimed {m.controls['best unclaimed']:+.2f}){also}"
    return f"{what} {m.value:+.2f}{to}, {rest}"


def _necessity(m: Measurement, claim: Claim) -> str:
    first, second = m.checks[:2]
    other = f"{second.name} {percent(second.value)}"
    return f"ablating {m.subject} removes {percent(first.value)} of the gain ({first.name}; {other})"


def _member(m: Measurement, claim: Claim) -> str:
    cost = min(one.value for one in m.checks if one.name.startswith("cost/"))
    alone = min(one.value for one in m.checks if one.name.startswith("alone/"))
    ablated = m.test.partition(".")[2] in ("member", "member_alone")
    verb = "ablating" if ablated else {"support.output_part": "patching the direct path of"}.get(m.test, "patching")
    where = "in the circuit alone, " if m.test.endswith("member_alone") else ""
    does = "does" if ablated else "carries"
    return f"{where}{verb} {m.subject} removes {percent(cost)} of the gain, alone it {does} {percent(alone)}"


def _denoising(m: Measurement, claim: Claim) -> str:
    other = percent(m.controls["other heads of the layer"])
    return f"denoising: restoring {m.subject} recovers {percent(m.value)} (other heads of its layer {other})"


def _edge(m: Measurement, claim: Claim) -> str:
    shares = ", ".join(
        f"{name.removeprefix('share of ')} {percent(value)}" for name, value in m.controls.items() if "share" in name
    )
    path, _, into = m.subject.rpartition(".")
    carried = f"{into} {percent(m.value)} of {m.controls['nats']:+.2f} nats"
    return f"path patching {path}: {carried}, {shares}"


def _faithfulness(m: Measurement, claim: Claim) -> str:
    more = "; above 1.2: the other heads hinder" if (m.value or 0) > 1.2 else ""
    return f"faithfulness {m.value:.2f} (all other heads mean-ablated){more}"


def _complement(m: Measurement, claim: Claim) -> str:
    removed = percent(max(one.value for one in m.checks))
    return f"ablating half of the other heads removes at most {removed} of the gain"


def _agreement(m: Measurement, claim: Claim) -> str:
    return f"the circuit alone gives the model's token at {percent(m.value)} of queries"


def _weights(what: str) -> Callable[[Measurement, Claim], str]:
    def say(m: Measurement, claim: Claim) -> str:
        beside = "best other pair" if "best other pair" in m.controls else "best unclaimed head"
        return f"{what.format(subject=m.subject, share=percent(m.value))} ({beside} {percent(m.controls[beside])})"

    return say


def _own_qk(m: Measurement, claim: Claim) -> str:
    if kind_of_task(claim.task) == SKIP_TRIGRAMS:
        return _weights("{subject} QK: above 95 % of other tokens for {share} of the sources")(m, claim)
    return _weights("{subject} QK: a token's best query is itself for {share}")(m, claim)


_RESULTS: Mapping[str, Callable[[Measurement, Claim], str]] = {
    "behaviour.gain": _gain,
    "behaviour.order": _order,
    "clue.signature": _signature,
    "contribution.direct": _attribution,
    "contribution.edge": _attribution,
    "contribution.sum": lambda m, claim: f"decomposition error {m.value:.0e}",
    "support.necessity": _necessity,
    "support.member": _member,
    "support.member_content": lambda m, claim: (
        f"{m.subject} from another sequence costs {percent(m.value)} of what ablating it costs"
    ),
    "support.member_alone": _member,
    "mechanism.member_alone": _member,
    "support.denoising": _denoising,
    "support.interchange": lambda m, claim: (
        f"interchange: with {m.subject} from another sequence the model follows it at {percent(m.value)} of queries"
    ),
    "support.edge_interchange": lambda m, claim: (
        f"interchange along {m.subject} alone: the model follows it at {percent(m.value)} of queries"
    ),
    "support.output_interchange": lambda m, claim: (
        f"interchange of {m.subject} through the logits alone: the model follows it at {percent(m.value)} of queries"
    ),
    "support.positions": lambda m, claim: (
        f"ablating {m.subject} at the {m.notes['positions']} alone: {percent(m.value)} of its effect, "
        f"elsewhere {percent(m.checks[1].value)}"
    ),
    "support.output": lambda m, claim: (
        f"path patching {m.subject} → logits: {percent(m.value)} of {m.controls['nats']:+.2f} nats"
    ),
    "support.output_part": _member,
    "support.edge": _edge,
    "support.edge_part": _member,
    "support.faithfulness": _faithfulness,
    "support.agreement": _agreement,
    "support.complement": _complement,
    "support.off_task": lambda m, claim: (
        f"ablating the circuit changes the loss on ordinary text by {percent(m.value)} of its change on the task"
    ),
    "mechanism.ov": _weights("{subject} OV copying top-1 {share}"),
    "mechanism.positional": _weights("{subject} positional QK: previous position for {share} of queries"),
    "mechanism.qk": _own_qk,
    "mechanism.routed_qk": _weights("composed QK {subject}: top-1 match {share}"),
    "mechanism.faithfulness": _faithfulness,
    "mechanism.agreement": _agreement,
    "mechanism.complement": _complement,
}


def shortfall(m: Measurement, floors: Floors) -> str:
    """The number that kept a test from holding, and the floor it did not clear; empty where none is short.

    A guard first, then the number that is shown, then the worst.
    """
    short = [
        (criterion, check)
        for check in m.checks
        if (criterion := criterion_of(m.test, check.name)) is not None and not criterion.met(check, floors)
    ]
    short.sort(
        key=lambda pair: (pair[0].use != "guard", pair[1] is not m.checks[0], not pair[1].name.startswith("stratum/"))
    )
    if not short:
        return ""
    kind = short[0][1].name.partition("/")[0]
    alike = [pair for pair in short if pair[1].name.partition("/")[0] == kind]
    worst = max if alike[0][0].sense == "at most" else min
    criterion, check = worst(alike, key=lambda pair: pair[1].value)
    return _short_of(criterion, check, floors, shown=check is m.checks[0], share=_is_share(m, check))


def _is_share(m: Measurement, check: Check) -> bool:
    """Whether a number is written in per cent."""
    kind = check.name.partition("/")[0]
    if kind in ("explained", "score", "swap", "gain", "excess", "push", "error"):
        return False
    return kind != "stratum" or m.test not in ("behaviour.gain", "behaviour.order", "clue.signature")


def _short_of(criterion: Criterion, check: Check, floors: Floors, shown: bool, share: bool) -> str:
    def say(value: float) -> str:
        return percent(value) if share else number(value)

    floor = criterion.floor(floors)
    below = criterion.sense == "at least" or (criterion.sense == "within" and check.value < 0)
    floor = -floor if criterion.sense == "within" and below else floor
    limit = f"{'floor' if criterion.sense == 'at least' else 'limit'} {say(floor)}"
    what = "" if shown else f"{check_name(check.name)} {say(check.value)}, "
    if math.isinf(check.low if below else check.high):
        return f"{what}no bound: too little to be a share of"
    if (check.value < floor) if below else (check.value > floor):
        return f"{what}{limit}"
    name, end, sign = ("lower", check.low, "<") if below else ("upper", check.high, ">")
    return f"{what}{name} bound {say(end)} {sign} {limit}"


def verdict_sentence(proof: Proof) -> str:
    """The verdict, what stopped it, and what it is about."""
    verdict, floors = proof.verdict, proof.floors
    rung = f"{verdict.name.capitalize()} (rung {verdict.rung} of {len(RUNGS) - 1})"
    if verdict.capped:
        said = f"{rung}, capped: {proof.sequences} of the {floors.sequences:g} confirmation sequences required."
    elif verdict.rung == NOTHING:
        said = _nothing(proof)
    elif empty := [role.name for role in proof.claim.roles if not role.heads]:
        said = f"{rung}, {scope(proof.claim)}. No more can be said: no head was found for {' and '.join(empty)}."
    elif verdict.stopped_by is None:
        what = "A part of a circuit" if proof.claim.is_part else "A circuit"
        said = f"{rung}. {what} for {scope(proof.claim)}: {drawn(proof.claim)}."
    else:
        said = f"{rung}, {scope(proof.claim)}. Not {RUNGS[verdict.rung + 1]}: {stopper(proof)}."
    if proof.claim.is_part and verdict.rung > 0:
        said += _left_open(proof.claim.roles[0])
    if verdict.rung > 0:
        said += _redundant(proof) + _on_prose(proof)
    if changed := floors.changed():
        listed = ", ".join(f"{name} {value:g}" for name, value in changed.items())
        said += f" Under other floors than the default: {listed}."
    return clean_numbers(said)


def stopper(proof: Proof) -> str:
    """The test that stopped the verdict, in words."""
    test, subject = proof.verdict.stopped_by or ("", "")
    m = proof.find(test, subject)
    if m is None:
        return f"{TEST_NAMES[test]} of {subject} was not run"
    first = m.checks[0] if m.checks else None
    if m.test.endswith(".faithfulness") and first and first.value < proof.floors.faithfulness:
        words = f"faithfulness {first.value:.2f} < {proof.floors.faithfulness:.2f}"
    else:
        words = result(m, proof.claim, proof.floors)
    return words if m.outcome is Outcome.FAILS else f"{words} ({m.outcome})"


def _nothing(proof: Proof) -> str:
    stopping = None if proof.verdict.stopped_by is None else proof.find(*proof.verdict.stopped_by)
    if stopping is None or stopping.outcome is Outcome.INCONCLUSIVE:
        return f"Nothing can be said: {stopper(proof)}."
    return f"Nothing to explain: no {scope(proof.claim)} in this model. {stopper(proof).capitalize()}."


def drawn(claim: Claim) -> str:
    """The circuit in a line: 0.0 → 1.0 (K-composition)."""

    def edge(one: Edge) -> str:
        sender, receiver = claim.role(one.sender).labels, claim.role(one.receiver).labels
        return f"{sender} → {receiver} ({one.into}-composition)"

    return "; ".join(map(edge, claim.edges)) or ", ".join(role.labels for role in claim.roles)


def why_not_run(proof: Proof) -> str:
    """Why a rung that was not run was not; empty where the proof does not say."""
    if proof.verdict.rung == NOTHING:
        outcomes = {m.outcome for m in proof.of(0) if m.required}
        lacking = outcomes & {Outcome.FAILS, Outcome.CONTRADICTED}
        return "there is nothing to explain" if lacking else "the behaviour is undecided"
    empty = [role.name for role in proof.claim.roles if not role.heads]
    return f"no head was found for {' and '.join(empty)}" if empty else ""


def _left_open(role: Role) -> str:
    """What a claim of one role says nothing of."""
    if role.writes_to == OUTPUT:
        return f" What makes {role.labels or 'them'} attend there is not claimed."
    return f" Which heads read {role.labels or 'them'} is not claimed."


def _redundant(proof: Proof) -> str:
    """Roles whose members are backup heads for each other."""
    return "".join(_redundant_role(proof, role) for role in proof.claim.roles)


def _redundant_role(proof: Proof, role: Role) -> str:
    members = [m for m in proof.measurements if m.test == "support.member" and m.spec.role == role.name]
    if len(members) < 2 or not all(m.checks for m in members):
        return ""
    alone = [min(one.value for one in m.checks if one.name.startswith("alone/")) for m in members]
    cost = [max(one.value for one in m.checks if one.name.startswith("cost/")) for m in members]
    if min(alone) < proof.floors.alone or max(cost) >= proof.floors.necessity:
        return ""
    if min(alone) >= SUFFICES:
        return f" Redundant (backup heads): any one of {role.labels} suffices."
    return f" Redundant (backup heads): of {role.labels}, each does at least {percent(min(alone))} of the work alone."


def _on_prose(proof: Proof) -> str:
    """What the same heads do on repeated passages of text; of sentences, whether they are text."""
    if proof.claim.task == INDIRECT_OBJECT:
        return " Not tested on text: no tokenizer." if proof.run["text"] is None else ""
    if proof.run["text"] is None:
        return " Not tested on prose: no tokenizer."
    m = proof.find("shown.prose_necessity")
    if m is None or m.value is None:
        return " Not tested on prose." if proof.claim.task == "random repeats" else ""
    gain = m.check("gain")
    if gain is None or gain.low <= 0:
        return " On repeated prose the model gains nothing that its heads could explain."
    scores = [s.value for s in proof.measurements if s.test == "shown.prose_signature" and s.value is not None]
    least = f", least signature score {min(scores):.2f}" if scores else ""
    return f" On repeated prose its heads carry {percent(m.value)} of a gain of {gain.value:.2f} nats{least}."


def validity_words(found: Validity) -> list[str]:
    """The tier, what the next one lacks, and the criteria by status, a phrase each."""
    tier = VALIDITY["tier"].format(tier=found.tier, name=TIERS[found.tier - 1].name)
    said = [tier if found.tier else VALIDITY["no tier"]]
    if found.tier < len(TIERS):
        lacking = ", ".join(VALIDITY.get(one, TEST_NAMES.get(one, one)) for one in found.lacking) or VALIDITY["beyond"]
        said.append(VALIDITY["lacking"].format(next=TIERS[found.tier].name, lacking=lacking))
    if found.tag:
        said.append(VALIDITY["mode"].format(mode=found.tag))
    for status in Status:
        if criteria := found.having(status):
            said.append(VALIDITY["status"].format(status=status, criteria=", ".join(criteria)))
    return said


def read_record(path: str) -> Record:
    """A record whose sentence is the one that its tests give. Raises RecordError."""
    return with_own_sentence(load_record(path), path)


def with_own_sentence(found: Record, name: str) -> Record:
    """The record, if its sentence is the one that its tests give. Raises RecordError."""
    if found.sentence != (said := verdict_sentence(found.proof)):
        raise RecordError(f"the record {name} says {found.sentence!r}; its tests say {said!r}")
    return found


def number(value: float | None) -> str:
    """Three digits, as people write them."""
    if value is None or math.isnan(value):
        return "–"
    if value and abs(value) < 5e-4:
        return f"{value:.0e}"
    if abs(value) >= 10:
        return f"{value:,.1f}" if abs(value) < 1e6 else f"{value:.1e}"
    return f"{round(value, 2) + 0.0:.2f}" if abs(value) >= 0.1 else f"{round(value, 3) + 0.0:.3f}"


def listed(words: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def separation(head: str, found: Separation, floors: Floors) -> str:
    """What separates a head from a role, or that nothing does."""
    about = {"head": head, "role": found.role}
    if found.refused:
        return WHY_NOT["refused"].format(why=found.refused, **about)
    if found.failed is None:
        return WHY_NOT["nothing"].format(count=len(found.held), **about)
    why = result(found.failed, found.claim, floors)
    return WHY_NOT["separated"].format(why=why, outcome=found.failed.outcome, **about)
