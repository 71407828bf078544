"""Terminal views of the results of `rung heads` and `rung board`."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..methods.behaviour import LossByPosition
from ..methods.patterns import SCORES, SIGNATURES, HeadScores, clue
from ..methods.sweep import SweepResult
from ..tasks.builtin import RandomTokens
from .heatmap import HeatMap, heat_map, legend
from .terminal import LABEL, bars, beside, binned, facts, heading, nats, note, printable

_WORDS = {
    "previous_token": ("previous", "prev"),
    "induction": ("induction", "ind"),
    "control": ("control", "ctrl"),
    "duplicate_token": ("duplicate", "dup"),
    "current_token": ("current", "cur"),
    "bos": ("BOS", "BOS"),
    "elsewhere": ("elsewhere", "else"),
}
"""Each score's column heading, long and short."""

ALL_COLUMNS = 52
"""Width in columns from which every score is shown."""
LONG_WORDS = 92
"""Width in columns from which column headings are not abbreviated."""

HeadList = Sequence[tuple[int, int]]


def heads_view(
    scores: HeadScores, control: HeadScores | None, heads: HeadList, width: int, by: str | None = None
) -> RenderableType:
    """The scores of `heads` as a table, and heat maps of all heads; `control`: scores on unrepeated sequences."""
    bos = "" if scores.task.bos is not None else " This model has no BOS: “BOS” is the sequence's first token."
    words = [
        note("Mean attention, 0 to 1. A score is a clue to the role of a head, not proof of it."),
        note(f"control: “induction” on unrepeated sequences. elsewhere: attention to all other positions.{bos}"),
    ]
    left_out = scores.n_layers * scores.n_heads - len(heads)
    if left_out:
        words.insert(0, note(f"{len(heads)} of {left_out + len(heads)} heads."))
    if width < LONG_WORDS:
        words.append(note(" · ".join(f"{short}: {long}" for long, short in _WORDS.values() if long != short)))
    maps = (SIGNATURES[0], SIGNATURES[1]) if by is None else (by,)
    drawn = [
        heading(f"Attention heads of {scores.model_name} on repeated random tokens"),
        note(described(scores.task)),
        Text(),
        _table(scores, control, heads, width),
        Text(),
        *words,
        Text(),
        *_maps(scores, maps, width),
    ]
    return Group(*drawn)


def _table(scores: HeadScores, control: HeadScores | None, heads: HeadList, width: int) -> Table:
    short = int(width < LONG_WORDS)
    names = [name for name in _WORDS if name in SCORES or control is not None]
    if width < ALL_COLUMNS:
        names = [name for name in names if name == "control" or name in SIGNATURES]
    table = Table(box=None, padding=(0, 2 if width >= 72 else 1, 0, 0), pad_edge=False)
    table.add_column("head", style="bold", no_wrap=True)
    for name in names:
        table.add_column(_WORDS[name][short], justify="right", no_wrap=True)
    table.add_column("looks like" if width >= 72 else "like", no_wrap=True)
    for layer, head in heads:
        values = {name: float(scores[name][layer, head]) for name in SCORES}
        if control is not None:
            values["control"] = float(control["induction"][layer, head])
        found = clue(scores, control, layer, head)
        like = "" if found is None else found.replace("_", " ") if width >= 72 else _WORDS[found][1]
        table.add_row(f"{layer}.{head}", *(_weight(values[name]) for name in names), Text(like, style="bold"))
    return table


def _weight(value: float) -> Text:
    return Text(f"{value:.2f}", style="bold" if value >= 0.3 else "dim" if value < 0.05 else "")


def _maps(scores: HeadScores, names: Sequence[str], width: int) -> list[RenderableType]:
    half = (width - 3) // 2
    side_by_side = len(names) == 2 and 4 * scores.n_heads + 3 <= half
    room = half if side_by_side else width
    found = {name: HeatMap.of_heads(scores[name].tolist()) for name in names}
    drawn = [
        Text.assemble((name.replace("_", " "), "bold"), "\n", heat_map(each, room)) for name, each in found.items()
    ]
    key = note(legend(found[names[0]], room))
    if side_by_side:
        return [beside(drawn[0], drawn[1]), key]
    return [*(part for one in drawn for part in (one, Text())), key]


def board_view(board: LossByPosition, example: Sequence[str], width: int) -> RenderableType:
    """Loss by position as bars, with lines at ln V and ln n, the mean of each copy, and a conclusion.

    `example`: the tokens of one sequence, as texts.
    """
    rows = [
        (
            "first copy",
            f"{nats(board.first_copy_loss)} nats per token (ln V = {board.ln_vocabulary:.2f}: uniform guess)",
        ),
        (
            "second copy",
            f"{nats(board.second_copy_loss)} nats per token (ln n = {board.ln_period:.2f}: set known, order unknown)",
        ),
        ("gain", f"{nats(board.gain)} nats"),
        ("top-1", f"{100 * board.accuracy:.0f} % of the second copy's tokens"),
    ]
    return Group(
        heading(f"Loss by position: {board.model_name} on repeated random tokens"),
        note(described(board.task)),
        _excerpt(board.task, example),
        Text(),
        *_chart(board, width),
        Text(),
        facts(rows),
        Text(),
        Text(reading(board)),
    )


def reading(board: LossByPosition) -> str:
    """The conclusion that the two mean losses allow."""
    if board.gain >= 1 and board.second_copy_loss < board.ln_period:
        return (
            "The second copy's loss is below ln n: the model uses the order of the first copy, as an induction circuit "
            "would. See which heads have high induction scores: rung heads."
        )
    if board.gain >= 1:
        return (
            "The second copy's loss is lower, but not below ln n: knowing the set of the first copy's tokens would be "
            "enough for that, so this is no evidence of induction."
        )
    return "The second copy's loss is hardly lower than the first copy's: no evidence that the model uses the repeat."


def _chart(board: LossByPosition, width: int) -> list[RenderableType]:
    values, second = board.by_position.tolist(), board.second_copy.start
    first, rest = values[board.first_copy], values[second - 1 :]
    lines = {"ln V": board.ln_vocabulary, "ln n": board.ln_period}
    top = 1.05 * max(*values, *lines.values())
    legend = note("Loss of each token in nats, mean over sequences. ░ second copy's first token, not part of its mean.")
    if LABEL + len(values) <= width:
        under = "first copy".ljust(len(first) + 1) + "second copy"
        drawn = bars([*first, 0.0, *rest], lines, top, faint=(len(first) + 1,))
        return [drawn, note(" " * LABEL + under), legend]
    room = width - LABEL
    return [
        heading("first copy"),
        bars(binned(first, room), lines, top, height=8),
        heading("second copy"),
        bars([rest[0], *binned(rest[1:], room - 1)], lines, top, faint=(0,), height=8),
        legend,
    ]


def described(task: RandomTokens) -> str:
    """One line that describes the sequences."""
    first = "" if task.bos is None else "BOS, then "
    return f"{len(task.tokens)} sequences: {first}{task.period} random tokens, then the same again; seed {task.seed}"


def _excerpt(task: RandomTokens, example: Sequence[str], shown: int = 3) -> Text:
    texts = [printable(token) for token in example]
    copy = "  ".join(texts[task.start : task.start + shown])
    row = "  ".join([*texts[: task.start], copy, "…", copy, "…"])
    return Text.assemble(("for example  ", "dim"), row, overflow="ellipsis", no_wrap=True)


def store_view(found: SweepResult) -> RenderableType:
    """How much of a stored sweep is finished, and which cells failed."""
    lines = [Text(f"{int(found.measured.sum())} of {len(found.cells)} cells are measured.")]
    lines += [Text(f"Failed, because it ended every worker that tried it: {found.labels[at]}") for at in found.failed]
    return Group(*lines)
