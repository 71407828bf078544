"""Terminal drawing: tables, heat maps of heads and bar charts, as text of a given width.

No information is shown by colour alone. Colours follow NO_COLOR and are not written to a pipe. If the encoding is not
UTF-8, every character is replaced by an ASCII character of the same width.
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
"""Exit code when the reader of a pipe has closed it, as shells report it: 128 + SIGPIPE."""

STAND_INS: Mapping[str, str] = {
    "█": "#", "▇": "#", "▆": "#", "▅": "#", "▄": "=", "▃": "=", "▂": "_", "▁": "_", "░": ":", "▓": "%",
    "╌": "-", "─": "-", "━": "-", "│": "|", "·": ".", "×": "x", "–": "-", "−": "-", "→": ">", "≥": ">", "≤": "<",
    "±": "~", "≈": "~", "…": "~", "’": "'", "“": '"', "”": '"', "✓": "+", "✗": "x", "ₙ": "n", "₁": "1", "₂": "2",
    "Σ": "S", "λ": "l", "‖": "|", "√": "r", "ᵀ": "T",
}  # fmt: skip
"""The ASCII replacement of each non-ASCII character that views use."""

NO_BREAK = "\u00a0"
"""A space at which no line is broken; printed as an ordinary space."""
Output = TextIO | StringIO
Drawing = Callable[[int], RenderableType]
"""A function from the width in columns to what is shown."""

_CIVIDIS = ((0, 32, 77), (53, 69, 108), (102, 105, 112), (148, 142, 119), (200, 184, 102), (255, 234, 70))
_INK = 0.47
"""From this value on, black text has more contrast than white."""


def show(drawing: Drawing, file: Output | None = None) -> None:
    """Renders a drawing to the terminal, pipe or file `file` (None: stdout)."""
    console = Console(file=file, highlight=False, markup=False, emoji=False, force_jupyter=False)
    with console.capture() as captured:
        console.print(drawing(console.width))
    write("\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n")) + "\n", file)


PLAIN = 100
"""Columns of what is shown as plain text or as HTML."""


def as_text(drawing: Drawing) -> str:
    """A drawing as text without colour."""
    console = Console(
        file=StringIO(), width=PLAIN, color_system=None, highlight=False, markup=False, emoji=False,
        force_jupyter=False,
    )  # fmt: skip
    with console.capture() as captured:
        console.print(drawing(PLAIN))
    drawn = captured.get().replace(NO_BREAK, " ").rstrip("\n")
    return "\n".join(line.rstrip() for line in drawn.split("\n"))


def as_html(drawing: Drawing) -> str:
    """A drawing as HTML for a notebook: the same text, its colours in the markup."""
    console = Console(
        file=StringIO(), width=PLAIN, record=True, color_system="truecolor", force_terminal=True, highlight=False,
        markup=False, emoji=False, force_jupyter=False,
    )  # fmt: skip
    console.print(drawing(PLAIN))
    style = "font-family: ui-monospace, Menlo, Consolas, monospace; line-height: 1.35; overflow-x: auto"
    return console.export_html(inline_styles=True, code_format=f'<pre style="{style}">{{code}}</pre>')


def write(text: str, file: Output | None = None) -> None:
    """Writes text, replacing characters that the encoding lacks. A closed pipe ends the program silently."""
    out = sys.stdout if file is None else file
    text = text.replace(NO_BREAK, " ")
    encoding = (getattr(out, "encoding", None) or "utf-8").lower()
    if not encoding.startswith("utf"):
        text = to_ascii(text).encode(encoding, "replace").decode(encoding)
    try:
        out.write(text)
        out.flush()
    except BrokenPipeError:
        # Python flushes stdout again at exit; send that to the null device.
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        raise SystemExit(PIPE_CLOSED) from None


def to_ascii(text: str) -> str:
    """The text with each character in `STAND_INS` replaced, of the same width."""
    return text.translate({ord(sign): plain for sign, plain in STAND_INS.items()})


def printable(text: str) -> str:
    """A token's text on one line: spaces as "·", other non-printable characters escaped."""
    shown = "".join("·" if char == " " else char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return shown or "(empty)"


def heading(text: str) -> Text:
    """A heading."""
    return Text(text, style="bold")


def note(text: str) -> Text:
    """A line of explanation, in dim text."""
    return Text(text, style="dim")


def facts(rows: Sequence[tuple[str, str]]) -> Table:
    """A table of two columns: name and value."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(Text(name), Text(value))
    return grid


def cividis(value: float) -> Style:
    """The cividis colour map, from dark blue (0) to yellow (1), as background with a contrasting text colour
    (Nuñez et al. 2018).
    """
    at = min(max(value, 0.0), 1.0) * (len(_CIVIDIS) - 1)
    low = min(int(at), len(_CIVIDIS) - 2)
    mixed = [round(a + (b - a) * (at - low)) for a, b in zip(_CIVIDIS[low], _CIVIDIS[low + 1], strict=True)]
    ink = "#ffffff" if value < _INK else "#000000"
    return Style.parse(f"{ink} on #{mixed[0]:02x}{mixed[1]:02x}{mixed[2]:02x}")


_EIGHTHS = " ▁▂▃▄▅▆▇█"
LABEL = 10
"""Width in columns of the scale to the left of `bars`."""


def bars(
    values: Sequence[float], lines: Mapping[str, float], top: float, *, faint: Sequence[int] = (), style: str = "cyan",
    height: int = 10,
) -> Text:  # fmt: skip
    """A bar chart with one column for each value, from 0 to `top`, and a dashed line at each named height.

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
    """A sparkline of the values, from 0 to `top`, in at most `columns` characters."""
    return "".join(_EIGHTHS[min(8, max(1, round(8 * value / top)))] for value in binned(values, columns))


def nats(value: float) -> str:
    """The value with two decimals, without a minus sign before zero."""
    return f"{round(value, 2) + 0.0:.2f}"


def binned(values: Sequence[float], columns: int) -> list[float]:
    """The means of `values` in at most `columns` bins of consecutive values."""
    count = min(len(values), max(1, columns))
    edges = [round(i * len(values) / count) for i in range(count + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]


def beside(left: Text, right: Text, gap: int = 3) -> Table:
    """Two drawings side by side."""
    grid = Table.grid(padding=(0, gap))
    grid.add_row(left, right)
    return grid
