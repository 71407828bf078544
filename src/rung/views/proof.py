"""A proof, drawn: a line a rung with its numbers, whether the methods agree, the verdict; on demand every test."""

from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..config import ModelConfig
from ..evidence.ladder import NOTHING, Agreement, Proof
from ..evidence.measurement import RUNGS, Measurement, Outcome
from .terminal import heading, note

METHODS = ("pattern", "attribution", "ablation", "weights")
"""The columns of agreement, in the order of the ladder."""
WIDE = 72
"""Columns from which a rung's numbers stand beside its name."""
TABLE = 132
"""Columns from which measurements stand in a table."""
PLAIN = 100
"""Columns of a proof as plain text and as HTML."""

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
    drawn.append(_verdict(proof, width, record))
    return Group(*drawn)


def plain(proof: Proof) -> str:
    """The proof as text without colour."""
    console = Console(file=StringIO(), width=PLAIN, color_system=None, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        console.print(proof_view(proof, PLAIN))
    return "\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n"))


def html(proof: Proof) -> str:
    """The proof as HTML for a notebook: the same text, its colours in the markup."""
    console = Console(
        file=StringIO(), width=PLAIN, record=True, color_system="truecolor", force_terminal=True, highlight=False,
        markup=False, emoji=False,
    )  # fmt: skip
    console.print(proof_view(proof, PLAIN))
    style = "font-family: ui-monospace, Menlo, Consolas, monospace; line-height: 1.35; overflow-x: auto"
    return console.export_html(inline_styles=True, code_format=f'<pre style="{style}">{{code}}</pre>')


def _opened(proof: Proof) -> list[Text]:
    config = ModelConfig.from_dict(proof.model["config"])
    shape = f"{config.n_layers} layer{'' if config.n_layers == 1 else 's'} × {config.n_heads} heads"
    sequences = f"{proof.run['sequences']} confirmation sequences"
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
    return rung > 1 and proof.run["sequences"] < proof.floors.sequences


def _items(proof: Proof, rung: int) -> list[Text]:
    """What the rung's required tests found, what did not hold first."""
    required = [m for m in proof.of(rung) if m.required]
    if not required:
        return [note(_why_not_run(proof))]
    held = [m for m in required if m.outcome is Outcome.HOLDS]
    rest = sorted((m for m in required if m.outcome is not Outcome.HOLDS), key=lambda m: _WORST.index(m.outcome))
    sign = _mark(proof, rung)
    said = [*((_MARKS[m.outcome], _said(m)) for m in rest), *((_MARKS[Outcome.HOLDS], one) for one in _together(held))]
    # The rung's own mark stands before them all.
    items = [Text(_clean(one)) if mark == sign else Text.assemble(mark, " ", _clean(one)) for mark, one in said]
    if _too_few(proof, rung):
        asked = f"{proof.floors.sequences:g}"
        items.insert(0, note(f"not counted: {asked} sequences are asked for"))
    return items


def _why_not_run(proof: Proof) -> str:
    if proof.verdict.rung == NOTHING:
        return "not run: there is nothing to explain"
    return "not run" if proof.claim.complete else "not run: a role has no head"


def _said(m: Measurement) -> str:
    words = m.said or f"{m.test}, {m.subject}"
    return words if m.outcome in (Outcome.HOLDS, Outcome.FAILS) else f"{words} ({m.outcome})"


def _together(held: Sequence[Measurement]) -> list[str]:
    """What held: tests of one kind in one phrase where there is a short one, else in their own words."""
    kinds: dict[str, list[Measurement]] = {}
    for m in held:
        kinds.setdefault(m.test.split(",")[0], []).append(m)
    said: list[str] = []
    for kind, found in kinds.items():
        said += [_SHORT[kind](found)] if kind in _SHORT else [m.said or f"{m.test}, {m.subject}" for m in found]
    return said


def _each(found: Sequence[Measurement], does: str, of: str = "") -> str:
    first, *rest = ((m.subject, _percent(m.value)) for m in found)
    return f"{first[0]} {does} {first[1]}{of}" + "".join(f", {subject} {value}" for subject, value in rest)


def _members(found: Sequence[Measurement]) -> str:
    each = (f"{m.subject} (costs {_percent(m.value)}, alone does {_percent(m.control)})" for m in found)
    return f"each member earns its place: {', '.join(each)}"


_SHORT: Mapping[str, Callable[[Sequence[Measurement]], str]] = {
    "order within the bag": lambda found: (
        f"among its bag {_number(found[0].value)}, unordered {_number(found[0].floor)}"
    ),
    "necessity": lambda found: f"removing {_each(found, 'costs', ' of the gain')} (mean and resample agree)",
    "member": _members,
    "denoising": lambda found: f"restoring {_each(found, 'mends')}",
}
"""How a test's name begins, and what those that held say in short."""


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{round(100 * value) + 0} %"


def _number(value: float | None) -> str:
    """Three digits, as people write them."""
    if value is None:
        return ""
    if value and abs(value) < 5e-4:
        return f"{value:.0e}"
    return (
        f"{round(value, 3) + 0.0:.3g}" if abs(value) < 10 else f"{value:,.1f}" if abs(value) < 1e6 else f"{value:.1e}"
    )


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
        heads = _and([head for role in found for head in role.claimed])
        missing = [f"no {name} for {role.role}" for role in found for name in methods if name not in role.first]
        verb = "agree on" if len(methods) > 1 else "points at"
        said = f"{_and(methods).capitalize()} {verb} {heads}{f' ({_and(missing)})' if missing else ''}."
        return [Text(_clean(said))]
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("the head put first", no_wrap=True)
    for role in found:
        table.add_column(_clean(role.role), overflow="fold")
    table.add_row(Text("claimed"), *(Text(_clean(", ".join(role.claimed))) for role in found))
    for method in methods:
        table.add_row(Text(f"by {method}"), *(_pointed(role, method) for role in found))
    apart = [
        name for name in methods if any(role.first.get(name, role.claimed[0]) not in role.claimed for role in found)
    ]
    said = f"{_and(apart).capitalize()} {'point' if len(apart) > 1 else 'points'} at other heads than the claimed:"
    return [Text(said), Padding(table, (0, 0, 0, 2))]


def _pointed(role: Agreement, method: str) -> Text:
    if method not in role.first:
        return Text("–", style="dim")
    head = role.first[method]
    return Text.assemble(_clean(head), " ", _MARKS[Outcome.HOLDS if head in role.claimed else Outcome.FAILS])


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _verdict(proof: Proof, width: int, record: str | None) -> Text:
    said = heading(_clean(f"Verdict: {proof.verdict.sentence}"))
    if record is None:
        return said
    written = note(_clean(f"record: {record}"))
    return Text("   " if said.cell_len + 3 + written.cell_len <= width else "\n").join([said, written])


def _measurements(proof: Proof, width: int) -> list[RenderableType]:
    shown = note("“shown” describes and does not decide; every other test is required. Intervals are of 95 %.")
    if width < TABLE:
        return [*(_stacked(m) for m in proof.measurements), shown]
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("test", "of"):
        table.add_column(name, overflow="fold", ratio=4 if name == "test" else 1)
    for name in ("value", "interval", "floor"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("control", overflow="fold", ratio=4)
    for name in ("p", "outcome"):
        table.add_column(name, no_wrap=True)
    for rung, found in groupby(proof.measurements, key=lambda m: m.rung):
        table.add_row(heading(f"{rung} {RUNGS[rung]}"))
        for m in found:
            table.add_row(*_row(m))
    return [table, shown]


def _row(m: Measurement) -> list[Text]:
    test = Text.assemble(f" {_clean(m.test)}", (f", {_clean(m.unit)}" if m.unit else "", "dim"))
    control = Text(_number(m.control))
    if m.control_name:
        control.append(f" {_clean(m.control_name)}", style="dim")
    numbers = (_number(m.value), _interval(m), _number(m.floor))
    return [test, Text(_clean(m.subject)), *map(Text, numbers), control, Text(_p(m)), _outcome(m)]


def _stacked(m: Measurement) -> RenderableType:
    """One measurement where a table would be too wide."""
    parts = {
        "": f"{_number(m.value)} {m.unit}" if m.value is not None else "",
        "interval ": _interval(m),
        "floor ": _number(m.floor),
        "control ": f"{_number(m.control)} {m.control_name}".strip() if m.control is not None else "",
        "p ": _p(m),
    }
    name = Text.assemble((f"{m.rung} {_clean(m.test)}", "bold"), f" · {_clean(m.subject)}  ", _outcome(m))
    found = Text(_clean(" · ".join(label + text for label, text in parts.items() if text)))
    return Group(name, Padding(found, (0, 0, 0, 4)))


def _interval(m: Measurement) -> str:
    return "" if m.interval is None else f"[{_number(m.interval[0])}, {_number(m.interval[1])}]"


def _p(m: Measurement) -> str:
    return "" if m.p is None else f"{m.p:.4f}"


def _outcome(m: Measurement) -> Text:
    if m.outcome is Outcome.NOT_APPLICABLE and not m.required:
        return Text("– shown", style="dim")
    sign, style = _MARKS[m.outcome]
    return Text.assemble((f"{sign} {m.outcome}", style), ("" if m.required else ", shown", "dim"))


def _clean(text: str) -> str:
    """Text that cannot move the cursor, whatever a record says."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
