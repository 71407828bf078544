"""Drawing in a terminal: tables, heat maps of heads and columns of bars, as text of a given width.

Whatever colour says, a number or a character says too. Colours follow NO_COLOR and are left out of a pipe; where the
encoding is not UTF-8, every sign has an ASCII stand-in of the same width.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from itertools import pairwise
from typing import TextIO

from rich.console import Console, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

PIPE_CLOSED = 141
"""Exit code when the reader went away, as shells report it: 128 + SIGPIPE."""

STAND_INS: Mapping[str, str] = {
    "█": "#", "▇": "#", "▆": "#", "▅": "#", "▄": "=", "▃": "=", "▂": "_", "▁": "_", "░": ":", "▓": "%",
    "╌": "-", "─": "-", "━": "-", "│": "|", "·": ".", "×": "x", "–": "-", "−": "-", "→": ">", "≥": ">", "≤": "<",
    "±": "~", "≈": "~", "…": "~", "’": "'", "“": '"', "”": '"', "✓": "+", "✗": "x", "ₙ": "n", "₁": "1", "₂": "2",
    "Σ": "S", "λ": "l",
}  # fmt: skip
"""ASCII for each sign that views use."""

NO_BREAK = "\u00a0"
"""A space at which no line is broken; written as a plain one."""
Output = TextIO | StringIO
Drawing = Callable[[int], RenderableType]
"""Something to show, once the width in columns is known."""

_CIVIDIS = ((0, 32, 77), (53, 69, 108), (102, 105, 112), (148, 142, 119), (200, 184, 102), (255, 234, 70))
_INK = 0.47
"""From here on black shows better than white."""


def show(drawing: Drawing, file: Output | None = None) -> None:
    """Draws for the terminal, pipe or file that `file` (None: stdout) is."""
    console = Console(file=file, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        console.print(drawing(console.width))
    write("\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n")) + "\n", file)


def write(text: str, file: Output | None = None) -> None:
    """Writes text as it is, in what the encoding can carry. A closed pipe ends the program quietly."""
    out = sys.stdout if file is None else file
    text = text.replace(NO_BREAK, " ")
    encoding = (getattr(out, "encoding", None) or "utf-8").lower()
    if not encoding.startswith("utf"):
        text = to_ascii(text).encode(encoding, "replace").decode(encoding)
    try:
        out.write(text)
        out.flush()
    except BrokenPipeError:
        # Python flushes stdout once more on its way out; let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        raise SystemExit(PIPE_CLOSED) from None


def to_ascii(text: str) -> str:
    """The same text with `STAND_INS` in place of our signs, column for column."""
    return text.translate({ord(sign): plain for sign, plain in STAND_INS.items()})


def printable(text: str) -> str:
    """A token's text on one line: spaces as "·", whatever else would move the cursor escaped."""
    shown = "".join("·" if char == " " else char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return shown or "(empty)"


def heading(text: str) -> Text:
    """A line that names what follows."""
    return Text(text, style="bold")


def note(text: str) -> Text:
    """A line for those who wonder."""
    return Text(text, style="dim")


def facts(rows: Sequence[tuple[str, str]]) -> Table:
    """Two columns: what, and what it is."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(Text(name), Text(value))
    return grid


def cividis(value: float) -> Style:
    """Background from dark blue (0) to yellow (1), readable to all kinds of colour vision, with ink that shows on it
    (Nuñez et al. 2018).
    """
    at = min(max(value, 0.0), 1.0) * (len(_CIVIDIS) - 1)
    low = min(int(at), len(_CIVIDIS) - 2)
    mixed = [round(a + (b - a) * (at - low)) for a, b in zip(_CIVIDIS[low], _CIVIDIS[low + 1], strict=True)]
    ink = "#ffffff" if value < _INK else "#000000"
    return Style.parse(f"{ink} on #{mixed[0]:02x}{mixed[1]:02x}{mixed[2]:02x}")


def heat_map(values: Sequence[Sequence[float]], width: int) -> Text:
    """Layers down, heads across; each cell its value in percent ("·" under 1), or in tenths where that is too wide.

    `values[layer][head]` is 0 to 1. Heads that still do not fit go on below.
    """
    margin = max(3, len(str(len(values) - 1)) + 1)
    n_heads = len(values[0])
    cell = 4 if margin + 4 * n_heads <= width else 2
    fit = max(1, (width - margin) // cell)
    drawn = Text(no_wrap=True)
    for begin in range(0, n_heads, fit):
        heads = range(begin, min(begin + fit, n_heads))
        if fit < n_heads:
            drawn.append(f"{'' if begin == 0 else chr(10)}heads {heads[0]} to {heads[-1]}\n", style="dim")
        drawn.append(" " * margin + "".join(_column_name(head, cell) for head in heads) + "\n", style="dim")
        for layer, row in enumerate(values):
            drawn.append(f"{layer:>{margin - 1}} ", style="dim")
            for head in heads:
                drawn.append(_percent(row[head]) if cell == 4 else _tenths(row[head]), style=cividis(row[head]))
            drawn.append("\n")
    drawn.rstrip()
    return drawn


def key_to_heat_map(n_layers: int, n_heads: int, width: int) -> str:
    """What the cells of `heat_map` mean at this width."""
    margin = max(3, len(str(n_layers - 1)) + 1)
    if margin + 4 * n_heads <= width:
        return "layers down, heads across; percent of attention, · under 1"
    return "layers down, heads across; tenths of attention, rounded down, · under 1"


def _column_name(head: int, cell: int) -> str:
    return f"{head:>3} " if cell == 4 else f"{head % 10:>1} "


def _percent(value: float) -> str:
    return f"{'·' if value < 0.005 else round(100 * value):>3} "


def _tenths(value: float) -> str:
    return f"{'·' if value < 0.1 else min(9, int(10 * value))} "


_EIGHTHS = " ▁▂▃▄▅▆▇█"
LABEL = 10
"""Columns that `bars` keeps free on the left, for its scale."""


def bars(
    values: Sequence[float], lines: Mapping[str, float], top: float, *, faint: Sequence[int] = (), style: str = "cyan",
    height: int = 10,
) -> Text:  # fmt: skip
    """One column a value, from 0 to `top`, behind them a dashed line at each named height.

    `faint`: columns drawn in another pattern.
    """
    step = top / height
    rows = {name: min(height - 1, int(at / step)) for name, at in lines.items()}
    drawn = Text(no_wrap=True)
    for row in reversed(range(height)):
        named = [name for name, at in rows.items() if at == row]
        drawn.append(_scale(named, lines, row, height, top), style="bold" if named else "dim")
        for column, value in enumerate(values):
            level = value / step - row
            if level <= 0.0625:
                drawn.append("╌" if named else " ", style="dim")
            elif column in faint:
                drawn.append("░", style="dim")
            else:
                drawn.append("▓" if named and level >= 1 else _EIGHTHS[min(8, round(8 * level))], style=style)
        drawn.append("\n")
    drawn.append(f"{0:>{LABEL - 1}.1f} " + "─" * len(values), style="dim")
    return drawn


def _scale(named: Sequence[str], lines: Mapping[str, float], row: int, height: int, top: float) -> str:
    if len(named) > 1:
        return f"{', '.join(named):<{LABEL - 1}.{LABEL - 1}} "
    if named:
        return f"{named[0]:<4} {lines[named[0]]:>{LABEL - 6}.1f} "
    return f"{top:>{LABEL - 1}.1f} " if row == height - 1 else " " * LABEL


def spark(values: Sequence[float], top: float, columns: int) -> str:
    """A line of characters, each as high as its value from 0 to `top`, in at most `columns`."""
    return "".join(_EIGHTHS[min(8, max(1, round(8 * value / top)))] for value in binned(values, columns))


def nats(value: float) -> str:
    """Two decimals, and no minus before a zero."""
    return f"{round(value, 2) + 0.0:.2f}"


def binned(values: Sequence[float], columns: int) -> list[float]:
    """`values` in at most `columns` groups of neighbours, each its mean."""
    count = min(len(values), max(1, columns))
    edges = [round(i * len(values) / count) for i in range(count + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]


def beside(left: Text, right: Text, gap: int = 3) -> Table:
    """Two drawings next to each other."""
    grid = Table.grid(padding=(0, gap))
    grid.add_row(left, right)
    return grid
