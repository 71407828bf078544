"""A proof, drawn: a line a rung with its numbers, whether the methods agree, the verdict; on demand every test."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..evidence.decide import criterion_of
from ..evidence.observation import PAIR, RUNGS, Check, Measurement, Outcome
from ..evidence.proof import Agreement, Proof
from ..evidence.prove import METHODS
from ..evidence.validity import validity
from ..evidence.verify import Difference
from .terminal import NO_BREAK, as_text, heading, note
from .wording import (
    TEST_NAMES,
    check_name,
    clean_numbers,
    listed,
    result,
    results,
    validity_words,
    verdict_sentence,
    why_not_run,
)
from .wording import number as _number

WIDE = 72
"""Columns from which a rung's numbers stand beside its name."""

_MARKS: Mapping[Outcome, tuple[str, str]] = {
    Outcome.HOLDS: ("✓", "green"),
    Outcome.FAILS: ("✗", "bold red"),
    Outcome.CONTRADICTED: ("✗", "bold red"),
    Outcome.INCONCLUSIVE: ("?", "yellow"),
    Outcome.NOT_APPLICABLE: ("?", "yellow"),
    Outcome.NOT_RUN: ("–", "dim"),
}
_WORST = (Outcome.CONTRADICTED, Outcome.FAILS, Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE, Outcome.NOT_RUN)
_NONE = ("–", "dim")


def proof_view(proof: Proof, width: int, tests: bool = False, record: str | None = None) -> RenderableType:
    """What was opened, every rung, agreement, verdict. `tests`: every measurement too. `record`: the file it is in."""
    drawn: list[RenderableType] = [_pack(_opened(proof), width, "bold"), *_ladder(proof, width)]
    if tests:
        drawn += [Text(), *_measurements(proof, width), Text()]
    drawn += _agreement(proof.agreement)
    drawn.append(_pack([note(_clean(one)) for one in validity_words(validity(proof))], width))
    drawn.append(_verdict(proof, width, record))
    return Group(*drawn)


def verified_view(proof: Proof, again: Proof, differences: Sequence[Difference], width: int) -> RenderableType:
    """Whether a record held when it was executed again, and each thing that differs."""
    count = len(proof.measurements)
    if not differences:
        said = f"Verified: {count} tests executed again on {proof.model['name']}, all as recorded."
        return Group(heading(_clean(said)), Text(_clean(f"Verdict: {verdict_sentence(proof)}")))
    drawn: list[RenderableType] = [heading(f"Not verified: {len(differences)} of the record's entries differ.")]
    for one in differences:
        where = f"{TEST_NAMES.get(one.test, one.test)} · {one.subject} · {one.what}"
        drawn.append(Text(_clean(f"  {where}: {one.recorded} recorded, {one.found} found")))
    drawn.append(Text(_clean(f"Verdict now: {verdict_sentence(again)}")))
    return Group(*drawn)


def plain(proof: Proof) -> str:
    """The proof as text without colour."""
    return as_text(lambda width: proof_view(proof, width))


def _opened(proof: Proof) -> list[Text]:
    config = proof.config
    shape = f"{config.n_layers} layer{'' if config.n_layers == 1 else 's'} × {config.n_heads} heads"
    sequences = f"{proof.sequences} confirmation sequences"
    searched = proof.run["heads"] == "found by search"
    said = [proof.model["name"], shape if config.n_layers else "no layers", f"{_count(config.n_params)} parameters"]
    said += [f"{sequences}, apart from the search"] if searched else ["heads as given", sequences]
    return [Text(_clean(one)) for one in said]


def _count(n: int) -> str:
    for size, name in ((10**9, "B"), (10**6, "M")):
        if n >= size // 2:
            return f"{n / size:.1f} {name}"
    return f"{n:,}"


def _ladder(proof: Proof, width: int) -> list[RenderableType]:
    lines = [(f"{rung} {name}", _mark(proof, rung), _items(proof, rung)) for rung, name in enumerate(RUNGS)]
    if width < WIDE:
        drawn: list[RenderableType] = []
        for name, (sign, style), items in lines:
            drawn.append(Text.assemble((f"{sign} ", style), (name, "bold")))
            drawn.append(Padding(_pack(items, width - 4), (0, 0, 0, 4)))
        return drawn
    grid = Table.grid(padding=(0, 1))
    for _ in range(2):
        grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    room = width - max(len(name) for name, _, _ in lines) - 5
    for name, (sign, style), items in lines:
        grid.add_row(Text(f" {name}"), Text(sign, style=style), _pack(items, room))
    return [grid]


def _mark(proof: Proof, rung: int) -> tuple[str, str]:
    required = [m for m in proof.of(rung) if m.required]
    if not required or _too_few(proof, rung):
        return _NONE
    worst = next((one for one in _WORST if any(m.outcome is one for m in required)), Outcome.HOLDS)
    return _MARKS[worst]


def _too_few(proof: Proof, rung: int) -> bool:
    """Whether the rung's tests ran on fewer sequences than may count above a clue."""
    return rung > 1 and proof.sequences < proof.floors.sequences


def _items(proof: Proof, rung: int) -> list[Text]:
    """What the rung's required tests found, what did not hold first."""
    required = [m for m in proof.of(rung) if m.required]
    if not required:
        return [note(_why_not_run(proof))]
    held = [m for m in required if m.outcome is Outcome.HOLDS]
    rest = sorted((m for m in required if m.outcome is not Outcome.HOLDS), key=lambda m: _WORST.index(m.outcome))
    said = [(_MARKS[m.outcome], result(m, proof.claim, proof.floors)) for m in rest]
    said += [(_MARKS[Outcome.HOLDS], phrase) for phrase in results(held, proof.claim, proof.floors)]
    sign = _mark(proof, rung)
    # The rung's own mark stands before them all.
    items = [Text(_clean(one)) if mark == sign else Text.assemble(mark, " ", _clean(one)) for mark, one in said]
    if _too_few(proof, rung):
        items.insert(0, note(f"not counted: {proof.floors.sequences:g} sequences are required"))
    return items


def _why_not_run(proof: Proof) -> str:
    why = why_not_run(proof)
    return f"not run: {why}" if why else "not run"


def _pack(items: Sequence[Text], width: int, style: str = "") -> Text:
    """Items with a dot between them, a new line rather than a broken item."""
    lines: list[list[Text]] = [[]]
    used = 0
    for item in items:
        if lines[-1] and used + 3 + item.cell_len > width:
            lines.append([])
        used = item.cell_len + (used + 3 if lines[-1] else 0)
        lines[-1].append(item)
    return Text("\n", style=style).join(Text(" · ").join(line) for line in lines)


def _agreement(found: Sequence[Agreement]) -> list[RenderableType]:
    """One sentence where every method points at claimed heads; else a table of who points where."""
    methods = [name for name in METHODS if any(name in role.first for role in found)]
    if not methods:
        return []
    if all(role.agrees for role in found):
        heads = listed([head for role in found for head in role.claimed])
        missing = [f"no {name} for {role.role}" for role in found for name in methods if name not in role.first]
        verb = "agree on" if len(methods) > 1 else "names"
        said = f"{listed(methods).capitalize()} {verb} {heads}{f' ({listed(missing)})' if missing else ''}."
        return [Text(_clean(said))]
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("top head by each method", no_wrap=True)
    for role in found:
        table.add_column(_clean(role.role), overflow="fold")
    table.add_row(Text("claimed"), *(Text(_clean(", ".join(role.claimed))) for role in found))
    for method in methods:
        table.add_row(Text(f"by {method}"), *(_pointed(role, method) for role in found))
    apart = [
        name for name in methods if any(role.first.get(name, role.claimed[0]) not in role.claimed for role in found)
    ]
    said = f"Methods disagree with the claim: {listed(apart)}."
    return [Text(said), Padding(table, (0, 0, 0, 2))]


def _pointed(role: Agreement, method: str) -> Text:
    if method not in role.first:
        return Text("–", style="dim")
    head = role.first[method]
    return Text.assemble(_clean(head), " ", _MARKS[Outcome.HOLDS if head in role.claimed else Outcome.FAILS])


def _verdict(proof: Proof, width: int, record: str | None) -> Text:
    said = heading(_clean(f"Verdict: {verdict_sentence(proof)}"))
    if record is None:
        return said
    written = note(_clean(f"record: {record}"))
    return Text("   " if said.cell_len + 3 + written.cell_len <= width else "\n").join([said, written])


def _measurements(proof: Proof, width: int) -> list[RenderableType]:
    """Every number of every test, by rung: value and interval against the floor it is held to."""
    percent = f"{100 * (1 - 2 * float(proof.run['looks'][-1]['alpha'])):.3g}"
    drawn: list[RenderableType] = []
    for rung, found in groupby(sorted(proof.measurements, key=lambda m: m.rung), key=lambda m: m.rung):
        drawn.append(heading(f"{rung} {RUNGS[rung]}"))
        drawn += [_measurement(m, proof) for m in found]
    why = f"“shown” describes and decides nothing; every other test is required. Intervals are of {percent} %."
    return [*drawn, note(why)]


def _measurement(m: Measurement, proof: Proof) -> RenderableType:
    name = Text.assemble((f"  {TEST_NAMES[m.test]}", "bold"), f" · {_clean(m.subject)}  ", _outcome(m))
    if m.undefined or m.not_run:
        return Group(name, Padding(note(_clean(m.undefined or m.not_run)), (0, 0, 0, 4)))
    lines = [_check(m, check, proof) for check in m.checks]
    lines[0] = Text.assemble(lines[0], (f"  {_clean(m.unit)}", "dim"))
    controls = [f"{_clean(what)} {_number(value)}" for what, value in m.controls.items() if not what.startswith(PAIR)]
    if controls:
        lines.append(note(f"beside it: {', '.join(controls)}"))
    return Group(name, Padding(Text("\n").join(lines), (0, 0, 0, 4)))


def _check(m: Measurement, check: Check, proof: Proof) -> Text:
    interval = "" if check.low == check.high else f" [{_number(check.low)}, {_number(check.high)}]"
    said = f"{_clean(check_name(check.name))} {_number(check.value)}{interval}"
    criterion = criterion_of(m.test, check.name)
    if criterion is None:
        return Text(clean_numbers(said))
    sign = {"at least": "≥", "at most": "≤", "within": "within ±"}[criterion.sense]
    p = "" if check.p is None else f", p {check.p:.1g}"
    held = Text(
        f" ({sign}{'' if criterion.sense == 'within' else ' '}{_number(criterion.floor(proof.floors))}{p})", "dim"
    )
    return Text.assemble(clean_numbers(said), held, "" if criterion.met(check, proof.floors) else (" ✗", "red"))


def _outcome(m: Measurement) -> Text:
    if not m.required:
        return Text("– shown", style="dim")
    sign, style = _MARKS[m.outcome]
    return Text(f"{sign} {m.outcome}", style=style)


def _clean(text: str) -> str:
    """Text that cannot move the cursor, whatever a record says."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text).replace(" %", f"{NO_BREAK}%")
