"""Drawings of a report as SVG text: effects against floors, maps of heads, matrices. Each says in words what it shows.

Colours are classes of the page's style sheet, so that one drawing serves light, dark and print. Whatever a record says
is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from .wording import number

WIDTH, HEIGHT = 260, 22
"""Of one effect, in user units; it fills the column that it stands in."""
_MARGIN = 8
_CELL, _LETTER = 40, 7.5
"""Width of a cell, and of a letter at its widest, in user units."""
MOST_NUMBERED = 16
"""Columns up to which each cell carries its number."""


@dataclass(frozen=True)
class Effect:
    """A number with its interval, what it is held to, and the same statistic where nothing should be."""

    value: float
    low: float
    high: float
    floor: float | None = None
    sense: str = ""
    """"at least", "at most" or "within"."""
    met: bool = True
    controls: Sequence[float] = ()


def axis_of(effects: Sequence[Effect]) -> tuple[float, float]:
    """Least and largest of all that is drawn, zero included; what is not finite is left out."""
    ends = [0.0]
    for one in effects:
        ends += [one.value, one.low, one.high, *one.controls]
        ends += [] if one.floor is None else [one.floor] + ([-one.floor] if one.sense == "within" else [])
    finite = [end for end in ends if math.isfinite(end)]
    low, high = min(finite), max(finite)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def effect_plot(effect: Effect, axis: tuple[float, float], label: str) -> str:
    """Dot and interval; a dashed line at the floor, its wrong side shaded; hollow ticks for the controls."""

    def at(value: float) -> float:
        share = (value - axis[0]) / (axis[1] - axis[0])
        return round(_MARGIN + min(max(share, 0.0), 1.0) * (WIDTH - 2 * _MARGIN), 1)

    middle = HEIGHT / 2
    drawn = [f'<line class="axis" x1="{_MARGIN}" x2="{WIDTH - _MARGIN}" y1="{middle}" y2="{middle}"/>']
    if axis[0] <= 0 <= axis[1]:
        drawn.append(f'<line class="zero" x1="{at(0.0)}" x2="{at(0.0)}" y1="6" y2="16"/>')
    if effect.floor is not None and math.isfinite(effect.floor):
        drawn += _floor(effect, at)
    drawn += [
        f'<line class="control" x1="{at(one)}" x2="{at(one)}" y1="6" y2="16"/>'
        for one in effect.controls
        if math.isfinite(one)
    ]
    if math.isfinite(effect.value):
        kind = "met" if effect.met else "short"
        low = effect.low if math.isfinite(effect.low) else axis[0]
        high = effect.high if math.isfinite(effect.high) else axis[1]
        drawn.append(f'<line class="interval {kind}" x1="{at(low)}" x2="{at(high)}" y1="{middle}" y2="{middle}"/>')
        drawn.append(_dot(at(effect.value), middle, effect.met))
    return _svg(WIDTH, HEIGHT, "effect", f"{label}: {_in_words(effect)}", drawn)


def _dot(x: float, y: float, met: bool) -> str:
    """A disc where the floor is cleared, else a cross: the shape says it without its colour."""
    if met:
        return f'<circle class="met" cx="{x}" cy="{y}" r="4"/>'
    return f'<path class="short" d="M{x - 4} {y - 4}l8 8m0 -8l-8 8"/>'


def _floor(effect: Effect, at: Callable[[float], float]) -> list[str]:
    assert effect.floor is not None
    left, right, floor = _MARGIN, WIDTH - _MARGIN, at(effect.floor)
    if effect.sense == "within":
        low = at(-effect.floor)
        spans, lines = [(left, low), (floor, right)], [low, floor]
    else:
        spans, lines = [(left, floor) if effect.sense == "at least" else (floor, right)], [floor]
    shaded = [
        f'<rect class="wrong" x="{begin}" y="3" width="{round(max(end - begin, 0), 1)}" height="{HEIGHT - 6}"/>'
        for begin, end in spans
    ]
    return shaded + [f'<line class="floor" x1="{x}" x2="{x}" y1="1" y2="{HEIGHT - 1}"/>' for x in lines]


def _in_words(effect: Effect) -> str:
    said = number(effect.value)
    if effect.low != effect.high:
        said += f", interval {number(effect.low)} to {number(effect.high)}"
    if effect.floor is not None:
        sign = {"at least": "at least", "at most": "at most", "within": "within ±"}[effect.sense]
        said += f"; must be {sign} {number(effect.floor)}, and {'is' if effect.met else 'is not'}"
    if effect.controls:
        said += f"; controls up to {number(max(effect.controls))}"
    return said


def matrix(
    values: Mapping[tuple[str, str], float],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    label: str,
    part: str,
    marked: Collection[tuple[str, str]] = (),
) -> str:
    """A grid of numbers: the darker the larger, claimed ones framed, none where nothing was measured."""
    cell = _CELL if len(columns) <= MOST_NUMBERED else 22
    side = math.ceil(8 + _LETTER * max(map(len, rows), default=0))
    width, height = side + cell * len(columns), 18 + 22 * len(rows)
    largest = max((abs(one) for one in values.values() if math.isfinite(one)), default=0.0) or 1.0
    drawn = [
        f'<text class="label" x="{side + cell * (c + 0.5):g}" y="12" text-anchor="middle">{escape(name)}</text>'
        for c, name in enumerate(columns)
    ]
    for r, row in enumerate(rows):
        y = 18 + 22 * r
        drawn.append(f'<text class="label" x="{side - 6}" y="{y + 14}" text-anchor="end">{escape(row)}</text>')
        for c, column in enumerate(columns):
            drawn += _cell(values.get((row, column)), side + cell * c, y, cell, largest, (row, column) in marked)
    known = [(value, *key) for key, value in values.items() if math.isfinite(value)]
    highest = max(known, default=None)
    said = label if highest is None else f"{label}; highest {number(highest[0])} at {highest[1]}, {highest[2]}"
    inside = "".join(drawn)
    title = escape(said)
    return (
        f'<svg class="matrix {part}" viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{title}">'
        f"<title>{title}</title>{inside}</svg>"
    )


def _cell(value: float | None, x: int, y: int, width: int, largest: float, marked: bool) -> list[str]:
    if value is None or not math.isfinite(value):
        return [f'<rect class="none" x="{x + 1}" y="{y + 1}" width="{width - 2}" height="20"/>']
    share = min(abs(value) / largest, 1.0)
    sign = "fill" if value >= 0 else "fill negative"
    drawn = [
        f'<rect class="{sign}" fill-opacity="{0.06 + 0.54 * share:.2f}" x="{x + 1}" y="{y + 1}" '
        f'width="{width - 2}" height="20"/>'
    ]
    if marked:
        drawn.append(f'<rect class="claimed" x="{x + 1.5}" y="{y + 1.5}" width="{width - 3}" height="19"/>')
    if width >= _CELL:
        drawn.append(
            f'<text class="number" x="{x + width / 2:g}" y="{y + 15}" text-anchor="middle">{_brief(value)}</text>'
        )
    return drawn


def _brief(value: float) -> str:
    """A number of at most five characters."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value + 0.0:.2f}".replace("-0.00", "0.00")


def _svg(width: int, height: int, kind: str, label: str, drawn: Sequence[str]) -> str:
    title = escape(label)
    return (
        f'<svg class="{kind}" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{title}">'
        f"<title>{title}</title>{''.join(drawn)}</svg>"
    )
