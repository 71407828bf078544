"""Widgets as still pictures (SVG): what a page shows where no script runs."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from ..evidence.observation import RUNGS

UP, DOWN = "#0072B2", "#D55E00"
"""Blue and vermilion of Okabe and Ito: a positive and a negative bar."""
GROUPS: Mapping[str | None, str] = {"second copy": "#009E73", "not scored": "#999999"}
MARKS = {"holds": "✓", "fails": "✗", "contradicted": "✗", "not run": "–"}
"""The sign of an outcome; any other is undecided."""
FAINT = 0.02
"""Attention below this is not drawn."""
PER_ROW = 4
"""Heads beside each other."""
LINE = 18
SIDE = 130
"""Room for the names at the left of bars."""


def still(figure: Mapping[str, Any]) -> str:
    """The picture of a widget's figure: every head's pattern, the bars, or the rungs with their tests."""
    width, height, drawn = _KINDS[figure["kind"]](figure["data"])
    title = escape(figure["title"])
    inside = "".join(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img" '
        f'aria-label="{title}" style="max-width:100%;height:auto" font-family="sans-serif" font-size="12" '
        f'fill="currentColor"><title>{title}</title>{inside}</svg>'
    )


Drawn = tuple[float, float, list[str]]


def _attention(data: Mapping[str, Any]) -> Drawn:
    array = data["pattern"]
    pattern = np.frombuffer(base64.b64decode(array["data"]), "<f4").reshape(array["shape"])
    heads, n = len(pattern), pattern.shape[1]
    cell = max(2.0, min(12.0, 160 / n))
    side, step = cell * n, cell * n + 24
    drawn = []
    for at, grid in enumerate(pattern):
        left, top = (at % PER_ROW) * step, (at // PER_ROW) * (step + LINE) + LINE
        drawn.append(_text(left, top - 5, data["heads"][at]))
        drawn.append(
            f'<rect x="{left:g}" y="{top:g}" width="{side:g}" height="{side:g}" fill="none" stroke="currentColor" '
            'stroke-opacity="0.3"/>'
        )
        for query, key in np.argwhere(grid >= FAINT).tolist():
            drawn.append(
                f'<rect x="{left + key * cell:g}" y="{top + query * cell:g}" width="{cell:g}" height="{cell:g}" '
                f'fill="{UP}" fill-opacity="{min(float(grid[query, key]), 1.0):.2f}"/>'
            )
    rows = -(-heads // PER_ROW)
    return min(heads, PER_ROW) * step, rows * (step + LINE), drawn


def _bars(data: Mapping[str, Any]) -> Drawn:
    return _columns(data) if data.get("layout") == "columns" else _rows(data)


def _rows(data: Mapping[str, Any]) -> Drawn:
    items, room = data["items"], 380.0
    low, high = _ends(items, data.get("rules", ()))
    zero, drawn = SIDE + room * -low / (high - low), []
    for at, item in enumerate(items):
        y, end = at * LINE + 4, SIDE + room * (item["value"] - low) / (high - low)
        drawn.append(_text(SIDE - 6, y + 11, item["label"], anchor="end"))
        drawn.append(_bar(min(zero, end), y, abs(end - zero), LINE - 5, item))
        drawn.append(
            _text(SIDE + room + 8, y + 11, f"{item['value']:+.3g}" if data.get("signed") else f"{item['value']:.3g}")
        )
    bottom = len(items) * LINE + 8.0
    return SIDE + room + 70, *_noted(data.get("notes", ()), bottom, drawn)


def _columns(data: Mapping[str, Any]) -> Drawn:
    items, room, wide = data["items"], 160.0, max(4.0, min(16.0, 640 / max(1, len(data["items"]))))
    low, high = _ends(items, data.get("rules", ()))
    drawn, zero = [], room * high / (high - low)
    for at, item in enumerate(items):
        y = room * (high - item["value"]) / (high - low)
        drawn.append(_bar(40 + at * wide, min(y, zero), wide - 1, abs(zero - y), item))
    for rule in data.get("rules", ()):
        y = room * (high - rule["at"]) / (high - low)
        drawn.append(f'<path d="M40 {y:g}h{wide * len(items):g}" stroke="currentColor" stroke-dasharray="4 3"/>')
        drawn.append(_text(44 + wide * len(items), y + 4, rule["label"]))
    drawn += [_text(34, 10, f"{high:.3g}", anchor="end"), _text(34, room, f"{low:.3g}", anchor="end")]
    return 40 + wide * len(items) + 150, *_noted(data.get("notes", ()), room + 8, drawn)


def _ladder(data: Mapping[str, Any]) -> Drawn:
    lines: list[tuple[int, str, bool]] = []
    for rung, name in enumerate(RUNGS):
        here = [row for row in data["measurements"] if row["rung"] == rung]
        lines.append((0, f"{rung}  {name}", True))
        for row in here:
            lines.append(
                (18, f"{MARKS.get(row['outcome'], '?')}  {row['title']} · {row['subject']}: {row['note']}", False)
            )
    lines += [(0, part, True) for part in _wrapped(data["verdict"]["sentence"], 110)]
    drawn = [_text(x, (at + 1) * LINE, text, bold=bold) for at, (x, text, bold) in enumerate(lines)]
    longest = max(len(text) for _, text, _ in lines)
    return 24 + 6.6 * longest, float((len(lines) + 1) * LINE), drawn


_KINDS: Mapping[str, Callable[[Mapping[str, Any]], Drawn]] = {
    "attention": _attention,
    "bars": _bars,
    "ladder": _ladder,
}


def _ends(items: Sequence[Mapping[str, Any]], rules: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    values = [0.0, *(item["value"] for item in items), *(rule["at"] for rule in rules)]
    low, high = float(min(values)), float(max(values))
    return (low, high) if high > low else (0.0, 1.0)


def _bar(x: float | int, y: float | int, width: float | int, height: float | int, item: Mapping[str, Any]) -> str:
    colour = GROUPS.get(item.get("group"), UP if item["value"] >= 0 else DOWN)
    return f'<rect x="{x:.4g}" y="{y:.4g}" width="{width:.4g}" height="{height:.4g}" fill="{colour}"/>'


def _noted(notes: Sequence[str], bottom: float, drawn: list[str]) -> tuple[float, list[str]]:
    lines = [part for said in notes for part in _wrapped(said, 90)]
    drawn += [_text(0, bottom + (at + 1) * LINE, said) for at, said in enumerate(lines)]
    return bottom + (len(lines) + 1) * LINE, drawn


def _wrapped(text: str, width: int) -> list[str]:
    from textwrap import wrap

    return wrap(text, width) or [""]


def _text(x: float | int, y: float | int, text: str, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'
