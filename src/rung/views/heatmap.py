"""A heat map for the terminal: any rows and columns, shares or signed numbers, each cell with its number."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.style import Style
from rich.text import Text

from .terminal import cividis

_PUOR = ((94, 60, 153), (247, 247, 247), (230, 97, 1))


@dataclass(frozen=True)
class HeatMap:
    """What to draw: `values[row][column]`, NaN where there is none."""

    values: Sequence[Sequence[float]]
    rows: Sequence[str]
    columns: Sequence[str]
    row_name: str = "layers"
    column_name: str = "heads"
    unit: str = ""
    scale: Literal["share", "number"] = "share"
    """share: 0 to 1, in percent. number: any sign and size."""

    @classmethod
    def of_heads(
        cls,
        values: Sequence[Sequence[float]],
        unit: str = "of attention",
        scale: Literal["share", "number"] = "share",
    ) -> "HeatMap":
        """Layers down, heads across."""
        return cls(values, _count(len(values)), _count(len(values[0])), unit=unit, scale=scale)

    @property
    def largest(self) -> float:
        """The largest absolute value; 0 if there is none."""
        return max((abs(one) for row in self.values for one in row if math.isfinite(one)), default=0.0)

    @property
    def exponent(self) -> int:
        """Power of ten that numbers are divided by, so that they fit their cells."""
        power = math.floor(math.log10(self.largest)) if self.largest else 0
        return 0 if -1 <= power <= 2 else power


def heat_map(found: HeatMap, width: int) -> Text:
    """The drawing, at most `width` columns wide. Columns that do not fit are continued below.

    Shares are percent ("·" under 1), in tenths where that is too wide; numbers have three digits, or are tenths of the
    largest.
    """
    margin, cell = _margin(found, width), _cell(found, width)
    fit, n = max(1, (width - margin) // cell), len(found.columns)
    drawn = Text(no_wrap=True)
    for begin in range(0, n, fit):
        shown = range(begin, min(begin + fit, n))
        if fit < n:
            first = "" if begin == 0 else "\n"
            title = f"{found.column_name} {found.columns[shown[0]]} to {found.columns[shown[-1]]}"
            drawn.append(f"{first}{title[:width]}\n", style="dim")
        names = "".join(f"{_short(found.columns[at], cell - 1):>{cell - 1}} " for at in shown)
        drawn.append(" " * margin + names + "\n", style="dim")
        for label, row in zip(found.rows, found.values, strict=True):
            drawn.append(f"{label[: margin - 1]:>{margin - 1}} ", style="dim")
            for at in shown:
                drawn.append(*_draw(found, row[at], cell))
            drawn.append("\n")
    drawn.rstrip()
    return drawn


def legend(found: HeatMap, width: int) -> str:
    """What rows, columns and numbers of `heat_map` are at this width."""
    wide = _cell(found, width) == _wide(found)
    if found.scale == "share":
        what = f"percent {found.unit}" if wide else f"tenths {found.unit}, rounded down"
        what += ", · under 1"
    elif wide:
        what = f"{found.unit} × 10^{found.exponent}" if found.exponent else found.unit
    else:
        what = f"tenths of {found.largest:.3g} {found.unit}, the largest"
    return f"rows: {found.row_name}, columns: {found.column_name}; {what}"


def diverging(value: float) -> Style:
    """Purple (−1) over white to orange (1), as background with black or white text, whichever has more contrast
    (PuOr; Brewer, colorbrewer2.org).
    """
    at = min(max(value, -1.0), 1.0) + 1
    low = min(int(at), 1)
    rgb = [round(a + (b - a) * (at - low)) for a, b in zip(_PUOR[low], _PUOR[low + 1], strict=True)]
    linear = [((c / 255 + 0.055) / 1.055) ** 2.4 if c > 10 else c / 255 / 12.92 for c in rgb]
    ink = "#ffffff" if 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] < 0.179 else "#000000"
    return Style.parse(f"{ink} on #{rgb[0]:02x}{rgb[1]:02x}{rgb[2]:02x}")


def _draw(found: HeatMap, value: float, cell: int) -> tuple[str, Style | str]:
    if not math.isfinite(value):
        return " " * cell, ""
    if found.scale == "share":
        if cell == 4:
            return f"{'·' if value < 0.005 else round(100 * value):>3} ", cividis(value)
        return f"{'·' if value < 0.1 else min(9, int(10 * value))} ", cividis(value)
    part = value / found.largest if found.largest else 0.0
    if cell == _wide(found):
        scaled = value / 10**found.exponent
        digits = 2 if found.largest / 10**found.exponent < 10 else 1
        return f"{scaled + 0.0:>6.{digits}f} ", diverging(part)
    tenths = min(9, int(10 * abs(part)))
    return f"{('-' if part < 0 else '') + str(tenths) if tenths else '·':>2} ", diverging(part)


def _wide(found: HeatMap) -> int:
    return 4 if found.scale == "share" else 7


def _cell(found: HeatMap, width: int) -> int:
    if _margin(found, width) + _wide(found) * len(found.columns) <= width:
        return _wide(found)
    return 2 if found.scale == "share" else 3


def _margin(found: HeatMap, width: int) -> int:
    return min(max(3, *(len(label) + 1 for label in found.rows)), max(3, width // 3))


def _short(label: str, room: int) -> str:
    """The label cut to its place: of a number the last digits, of a text the first letters."""
    return label[-room:] if label.isdecimal() else label[:room]


def _count(n: int) -> tuple[str, ...]:
    return tuple(map(str, range(n)))
