"""Direct logit attribution, drawn for the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..circuits.heads import head_label
from ..methods.attribution import Attribution
from .heatmap import HeatMap, heat_map, legend
from .terminal import heading, note

LISTED = 10
"""Components in the table of the largest parts."""


def attribution_view(title: str, found: Attribution, n_layers: int, n_heads: int, width: int) -> RenderableType:
    """The heads' parts of one query's logit as a heat map, and the largest parts of all components."""
    parts = dict(zip(found.labels, found.values[:, 0, 0].tolist(), strict=True))
    heads = [[parts[head_label((layer, head))] for head in range(n_heads)] for layer in range(n_layers)]
    drawn: list[RenderableType] = [heading(title), Text()]
    if heads:
        drawn_map = HeatMap.of_heads(heads, unit="logits", scale="number")
        drawn += [heat_map(drawn_map, width), note(legend(drawn_map, width)), Text()]
    ranked = sorted(parts.items(), key=lambda part: -abs(part[1]))
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("component", no_wrap=True)
    table.add_column("logits", justify="right", no_wrap=True)
    for label, value in ranked[:LISTED]:
        table.add_row(label, f"{round(value, 3) + 0.0:+.3f}")
    rest = sum(value for _, value in ranked[LISTED:])
    if len(ranked) > LISTED:
        table.add_row(f"the other {len(ranked) - LISTED}", f"{round(rest, 3) + 0.0:+.3f}")
    table.add_row("total", f"{float(found.total):+.3f}")
    rounding = f"Parts sum to the total but for rounding ({float(found.residual):+.1e})."
    return Group(*drawn, table, Text(), note(f"{rounding} Decomposed: {found.what}."))
