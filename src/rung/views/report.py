"""A proof as one HTML file that needs nothing else: no script, no network. What did not hold comes first.

The same record gives the same page, wherever it is made.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path

from ..circuits.heads import head_label
from ..errors import RecordError
from ..evidence.claim import OUTPUT, Claim
from ..evidence.observation import PAIR, RUNGS, Measurement, TestSpec
from ..evidence.proof import Agreement, Proof
from ..evidence.record import Record
from ..evidence.validity import CRITERIA, SOURCE, validity
from ..tasks.prose import bundled_text
from .evidence_graph import EvidenceRow, ShownCheck, evidence_graph, shown_row
from .figures import Effect, axis_of, effect_plot, matrix
from .wording import (
    OUTCOME_SIGNS,
    REPORT,
    VALIDITY,
    clean_numbers,
    number,
    row_name,
    scope,
    validity_words,
    why_not_run,
)

_OPENING = b"<!doctype html>"
CONTROLS = (
    "control", "best unclaimed", "best unclaimed head", "best other pair", "rotated", "other heads of the layer",
    "share of Q", "share of K", "share of V", "chance",
)  # fmt: skip
"""Controls in the unit of the test's first number."""
METHOD_OF = {
    "clue.signature": "pattern",
    "contribution.direct": "attribution",
    "mechanism.ov": "weights",
    "mechanism.positional": "weights",
    "mechanism.qk": "weights",
}
"""Tests whose first number the agreement table holds for every head."""


def report(made: Record, file: str = "RECORD.json") -> str:
    """The whole page; `file` is what its commands call the record."""
    proof = made.proof
    title = escape(REPORT["title"].format(claim=proof.claim.name, model=proof.model["name"]))
    style = files("rung.views").joinpath("report.css").read_text("utf-8")
    rows = evidence_graph(proof).rows
    body = [
        f"<header><h1>{title}</h1>",
        f'<p class="quiet">{REPORT["task"]}: {escape(scope(proof.claim))}</p>',
        f'<p class="verdict">{escape(made.sentence)}</p>',
        _ladder(proof),
        "</header><main>",
        _open(rows, proof),
        _claim(proof.claim),
        _legend(proof),
        *(_rung(rung, rows, proof) for rung in range(len(RUNGS))),
        _maps(proof),
        _matrices(proof),
        _shown(proof),
        _validity(proof),
        _provenance(made),
        _commands(proof, file),
        "</main>",
    ]
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{style}</style></head><body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def check_page(path: str | Path) -> None:
    """Raises RecordError unless a page can be written there; a file that is there and is no page is left as it is."""
    path = Path(path)
    try:
        if path.is_dir() or not path.parent.is_dir():
            why = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
            raise RecordError(f"the page cannot be written to {path}: {why}")
        opening = path.read_bytes()[: len(_OPENING)] if path.exists() else _OPENING
    except OSError as error:
        raise RecordError(f"the page cannot be written to {path}: {error.strerror or error}") from None
    if opening and opening != _OPENING:
        raise RecordError(f"{path} is there and is no HTML page, so it is left as it is; choose another file")


def write_report(made: Record, path: str | Path, record: str = "RECORD.json") -> None:
    """Writes the page to a file. Raises RecordError as `check_page` does."""
    check_page(path)
    try:
        Path(path).write_text(report(made, record), "utf-8")
    except OSError as error:
        raise RecordError(f"the page cannot be written to {path}: {error.strerror or error}") from None


def _outcome(outcome: str) -> str:
    return f'<span class="outcome {outcome.replace(" ", "-")}">{OUTCOME_SIGNS[outcome]} {escape(outcome)}</span>'


def _ladder(proof: Proof) -> str:
    graph = evidence_graph(proof)
    steps = []
    for rung, name in enumerate(RUNGS):
        node = graph.node(f"rung:{rung}")
        count = f"{node.held} of {len(node.tests)} required tests hold"
        steps.append(
            f'<li class="{node.fill.replace(" ", "-")}"><a href="#rung-{rung}">{rung} {name}</a><br>'
            f'{_outcome(node.fill)}<br><span class="quiet">{count}</span></li>'
        )
    return f'<ol class="ladder">{"".join(steps)}</ol>'


def _open(rows: Sequence[EvidenceRow], proof: Proof) -> str:
    """The required tests that did not hold, in full; what was not run for want of anything to explain in one line."""
    failed = [row for row in rows if row.outcome not in ("holds", "not run")]
    skipped = [row for row in rows if row.outcome == "not run"]
    said = [f"<h2>{REPORT['open']}</h2>"]
    if not failed and not skipped:
        said.append(f"<p>{REPORT['none open']}</p>")
    said += [_test(row, proof) for row in failed]
    if skipped:
        items = "".join(
            f"<li>{_outcome(row.outcome)} {escape(row.name)} · {escape(row.subject)}: {escape(row.words)}</li>"
            for row in skipped
        )
        said.append(f"<ul>{items}</ul>")
    return f"<section>{''.join(said)}</section>"


def _claim(claim: Claim) -> str:
    def heads(role: str) -> str:
        return escape(claim.role(role).labels or "no head found")

    lines = []
    for role in claim.roles:
        part = "copy" if role.writes_to == OUTPUT else "route"
        lines.append(
            f"<tr><td>{_chip(part)}</td><td>{heads(role.name)}</td>"
            f"<td>{escape(role.name)}: {escape(role.job)}</td></tr>"
        )
    for edge in claim.edges:
        path = f"{heads(edge.sender)} → {heads(edge.receiver)}"
        named = f"{escape(edge.sender)} → {escape(edge.receiver)}, {edge.into}-composition"
        lines.append(f"<tr><td>{_chip('match')}</td><td>{path}</td><td>{named}</td></tr>")
    return f"<section><h2>{REPORT['circuit']}</h2><table>{''.join(lines)}</table></section>"


def _chip(part: str) -> str:
    kinds = ("match", "copy") if part == "both" else (part,)
    return " ".join(f'<span class="part {kind}" title="{REPORT[kind]}">{kind}</span>' for kind in kinds if kind)


def _legend(proof: Proof) -> str:
    alpha = float(proof.run["looks"][-1]["alpha"])
    level = REPORT["decided by"].format(level=100 * (1 - 2 * alpha), alpha=alpha)
    parts = "".join(f"<li>{_chip(part)} {REPORT[part].partition(': ')[2]}</li>" for part in ("route", "match", "copy"))
    return f"<section><h2>{REPORT['reads']}</h2><p>{REPORT['legend']} {level}</p><ul>{parts}</ul></section>"


def _rung(rung: int, rows: Sequence[EvidenceRow], proof: Proof) -> str:
    worst_first = sorted((row for row in rows if row.rung == rung), key=lambda row: row.outcome == "holds")
    measured = [row for row in worst_first if row.outcome != "not run"]
    head = f'<h2 id="rung-{rung}">{rung} {RUNGS[rung]}</h2>'
    if measured:
        return f"<section>{head}{''.join(_test(row, proof) for row in measured)}</section>"
    why = why_not_run(proof) or "the proof has no test of it"
    return f"<section>{head}<p>{REPORT['not run'].format(why=why)}</p></section>"


def _test(row: EvidenceRow, proof: Proof) -> str:
    m = proof.find(row.test, row.subject)
    chip = "" if m is None else _chip(_part(m.spec, proof.claim))
    head = f"<header>{_outcome(row.outcome)}<h3>{escape(row.name)} · {escape(row.subject)}</h3>{chip}</header>"
    said = clean_numbers(row.words)
    words = f"<p>{escape(said[:1].upper() + said[1:])}</p>"
    if m is None or not row.checks:
        return f"<article>{head}{words}</article>"
    return f"<article>{head}{words}{_effects(row.checks, m, proof)}</article>"


def _effects(checks: Sequence[ShownCheck], m: Measurement, proof: Proof) -> str:
    """What falls short, else the first number, in sight; the others on demand. One axis for numbers of a kind."""
    short = [one for one in checks if not one.met]
    first = short or list(checks[:1])
    kinds: dict[str, list[Effect]] = {}
    drawn = {one.name: _effect(one, m, proof) for one in checks}
    for one in checks:
        kinds.setdefault(_kind(one.name), []).append(drawn[one.name])

    def line(one: ShownCheck) -> str:
        effect = drawn[one.name]
        plot = effect_plot(effect, axis_of(kinds[_kind(one.name)]), one.label)
        return (
            f'<div class="row"><span class="name">{escape(one.label)}</span>{plot}'
            f'<span class="numbers">{escape(_numbers(one, m.unit if one is checks[0] else ""))}</span></div>'
        )

    rest = [one for one in checks if one not in first]
    more = REPORT["more"].format(count=len(rest)) if len(rest) > 1 else REPORT["more"].format(count=1).rstrip("s")
    hidden = f"<details><summary>{more}</summary>{''.join(map(line, rest))}</details>" if rest else ""
    beside = ", ".join(f"{name} {number(value)}" for name, value in m.controls.items() if not name.startswith(PAIR))
    controls = f'<p class="quiet">Beside it: {escape(beside)}.</p>' if beside else ""
    return "".join(map(line, first)) + controls + hidden


def _kind(name: str) -> str:
    return name.partition("/")[0]


def _numbers(check: ShownCheck, unit: str = "") -> str:
    interval = "" if check.low == check.high else f" [{number(check.low)}, {number(check.high)}]"
    sign = {"at least": "≥\u00a0", "at most": "≤\u00a0", "within": "within\u00a0±"}.get(check.sense, "")
    floor = "" if check.floor is None else f" · {sign}{number(check.floor)}"
    return clean_numbers(f"{number(check.value)}{interval}{unit and f' {unit}'}{floor} · n\u00a0{check.n:,}")


def _effect(check: ShownCheck, m: Measurement, proof: Proof) -> Effect:
    controls: list[float] = []
    if m.checks and check.name == m.checks[0].name:
        controls = [value for name, value in m.controls.items() if name in CONTROLS] + _other_heads(m, proof)
    return Effect(check.value, check.low, check.high, check.floor, check.sense, check.met, controls)


def _other_heads(m: Measurement, proof: Proof) -> list[float]:
    """The same statistic of every head that fills no role."""
    found = next((one for one in proof.agreement if one.role == m.spec.role), None)
    means = {} if found is None else found.means.get(METHOD_OF.get(m.test, ""), {})
    claimed = {head_label(head) for head in proof.claim.heads}
    return [value for head, value in means.items() if head not in claimed]


def _part(spec: TestSpec, claim: Claim) -> str:
    """Which part of route, match and copy a test speaks of; empty for the circuit as a whole."""
    if spec.into is not None:
        return "match"
    role = next((one for one in claim.roles if one.name == spec.role), None)
    if role is None:
        return ""
    if role.writes_to != OUTPUT:
        return "route"
    if spec.id == "clue.signature":
        return "match"
    writes = spec.id.startswith(("contribution.direct", "support.output", "mechanism.ov"))
    return "copy" if writes else "both"


def _maps(proof: Proof) -> str:
    shown = []
    for role in proof.agreement:
        writes = "copy" if proof.claim.role(role.role).writes_to == OUTPUT else "route"
        looks = "match" if writes == "copy" else "route"
        figures = "".join(
            _map(role, method, means, looks if method == "pattern" else writes, proof)
            for method, means in role.means.items()
            if means
        )
        apart = [method for method, head in role.first.items() if head not in role.claimed]
        words = REPORT["disagrees" if apart else "agrees"].format(role=role.role, methods=", ".join(apart))
        shown.append(f'<h3>{escape(role.role)}</h3><p>{escape(words)}</p><div class="maps">{figures}</div>')
    if not shown:
        return ""
    return f'<section><h2>{REPORT["maps"]}</h2><p class="quiet">{REPORT["maps note"]}</p>{"".join(shown)}</section>'


def _map(role: Agreement, method: str, means: Mapping[str, float], part: str, proof: Proof) -> str:
    layers, heads = range(proof.config.n_layers), range(proof.config.n_heads)
    cells = {(f"layer {one.partition('.')[0]}", one.partition(".")[2]): value for one, value in means.items()}
    marked = {(f"layer {one.partition('.')[0]}", one.partition(".")[2]) for one in role.claimed}
    drawn = matrix(
        cells,
        [f"layer {layer}" for layer in layers],
        list(map(str, heads)),
        label=f"{method} of {role.role}: layers down, heads across",
        part=part,
        marked=marked,
    )
    return f'<figure class="scroll">{drawn}<figcaption>{escape(method)}</figcaption></figure>'


def _matrices(proof: Proof) -> str:
    drawn = []
    for edge in proof.claim.edges:
        senders, receivers = proof.claim.ends(edge)
        claimed = {(head_label(one), head_label(two)) for one in senders for two in receivers}
        named = {"sender": escape(edge.sender), "receiver": escape(edge.receiver), "into": edge.into}
        for test, kind in (("shown.composition", "norm"), ("mechanism.routed_qk", "share")):
            cells = _pairs(m for m in proof.measurements if m.test == test)
            if cells:
                rows, columns = (sorted({pair[end] for pair in cells}, key=_order) for end in (0, 1))
                svg = matrix(cells, rows, columns, label=REPORT[kind], part="match", marked=claimed)
                drawn.append(f'<figure class="scroll">{svg}<figcaption>{REPORT[kind]}</figcaption></figure>')
        if drawn:
            drawn.insert(0, f"<h2>{REPORT['matrix'].format(**named)}</h2><p class='quiet'>{REPORT['matrix note']}</p>")
    return f"<section>{''.join(drawn)}</section>" if drawn else ""


def _pairs(measured: Iterable[Measurement]) -> dict[tuple[str, str], float]:
    """Each pair of heads that the controls of these tests name, and the best other one."""
    found: dict[tuple[str, str], float] = {}
    for m in measured:
        for name, value in m.controls.items():
            pair = m.notes.get(name, "") if name == "best other pair" else name.removeprefix(PAIR)
            sender, arrow, receiver = pair.partition(" → ")
            if arrow:
                found[sender, receiver] = value
    return found


def _order(head: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else -1 for part in head.split("."))


def _shown(proof: Proof) -> str:
    rows = [shown_row(m, proof) for m in proof.measurements if not m.required]
    if not rows:
        return ""
    kinds: dict[str, list[EvidenceRow]] = {}
    for row in rows:
        kinds.setdefault(row.name, []).append(row)
    drawn = []
    for name, found in kinds.items():
        cells = []
        for row in found:
            numbers = "; ".join(f"{row_name(one.name)} {_numbers(one, row.unit)}" for one in row.checks) or row.words
            cells.append(f"{escape(row.subject)}: {escape(numbers)}")
        drawn.append(f'<tr><th scope="row">{escape(name)}</th><td>{"<br>".join(cells)}</td></tr>')
    return f'<section><h2>{REPORT["shown"]}</h2><table class="stacked">{"".join(drawn)}</table></section>'


def _validity(proof: Proof) -> str:
    """Each criterion of Mechanistic Validity with its status, and the tier."""
    found = validity(proof)
    tier = ". ".join(one[:1].upper() + one[1:] for one in validity_words(found)[: -len(set(found.statuses.values()))])
    rows = "".join(
        f'<tr><th scope="row">{one.id}</th><td>{escape(one.name)}</td><td>{escape(found.statuses[one.id])}</td></tr>'
        for one in CRITERIA
    )
    said = f"<h2>{VALIDITY['title']}</h2><p>{escape(tier)}.</p>"
    note = f'<p class="quiet">{escape(VALIDITY["note"].format(source=SOURCE))}</p>'
    return f"<section>{said}{note}<table>{rows}</table></section>"


def _provenance(made: Record) -> str:
    proof, run = made.proof, made.proof.run
    config = proof.config
    shape = f"{config.n_layers} layers × {config.n_heads} heads, {config.n_params:,} parameters"
    facts = {
        "model": f"{proof.model['name']}: {shape}",
        "checkpoint, SHA-256": proof.model["checkpoint"],
        "weights as tested, SHA-256": proof.model["weights"],
        "date": made.date,
        "heads": run["heads"],
        "search seed": "none" if run["search_seed"] is None else run["search_seed"],
        "confirmation seed": f"{run['confirmation_seed']}, from the claim's heads, the checkpoint and the task",
        "looks": "; ".join(f"{look['sequences']} sequences, α {look['alpha']:g}" for look in run["looks"]),
        "text, SHA-256": run["text"] or "none: no tokenizer",
        "dtype, device": f"{run['dtype']}, {run['device']}",
        "versions": ", ".join(f"{name} {version}" for name, version in run["versions"].items()),
        "floors": ", ".join(f"{name} {value:g}" for name, value in vars(proof.floors).items()),
    }
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in facts.items())
    return f"<section><h2>{REPORT['provenance']}</h2><dl>{listed}</dl></section>"


def _commands(proof: Proof, file: str) -> str:
    run = proof.run
    model = proof.model["name"]
    prove = ["rung", "prove", proof.claim.name, "--model", model, "--sequences", str(proof.sequences)]
    if run["search_seed"] is None:
        for role in proof.claim.roles:
            prove += ["--heads", f"{role.name}={role.labels.replace(' ', '')}"] if role.heads else []
    else:
        prove += ["--seed", str(run["search_seed"])]
    prove += ["--dtype", run["dtype"]] if run["dtype"] != "float32" else []
    lines = "\n".join(map(shlex.join, (prove, ["rung", "verify", file, "--model", model])))
    notes = [REPORT["again note"]]
    if run["text"] and run["text"] != sha256(bundled_text().encode()).hexdigest():
        notes.append(REPORT["again text"])
    if proof.floors.changed():
        notes.append(REPORT["again floors"])
    said = " ".join(notes)
    return f"<section><h2>{REPORT['again']}</h2><p>{said}</p><pre>{escape(lines)}</pre></section>"
