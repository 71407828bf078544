"""Terminal views of the circuits of weights: `rung weights`."""

import math
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..circuits.composition import Composition
from ..circuits.heads import Head, head_label
from ..circuits.survey import Survey
from .heatmap import HeatMap, heat_map, legend
from .terminal import heading, note, printable
from .wording import WEIGHTS, WEIGHTS_FIRST_LAYER, number, percent

PAIRS = 32
"""Heads up to which every pair has a cell."""


def survey_view(found: Survey, top: int, width: int) -> RenderableType:
    """A heat map of the first number of each head, the `top` heads with every number, and the listed entries."""
    title, what = WEIGHTS[found.kind]
    names = list(next(iter(found.values.values())))
    ranked = sorted(found.values, key=lambda head: -found.values[head][names[0]])[:top]
    share = found.kind != "skip-trigrams"
    layers, heads = (1 + max(head[axis] for head in found.values) for axis in (0, 1))
    cells = [
        [found.values.get((layer, head), {names[0]: math.nan})[names[0]] for head in range(heads)]
        for layer in range(layers)
    ]
    drawn = HeatMap.of_heads(cells, found.unit, "share" if share else "number")
    n = "" if found.n == found.n_tokens else f" Sampled: {found.n} of {found.n_tokens} tokens, seed {found.seed}."
    return Group(
        heading(f"{title}: {found.model}"),
        note(f"{what}{n}"),
        note(WEIGHTS_FIRST_LAYER),
        Text(),
        heat_map(drawn, width),
        note(legend(drawn, width)),
        Text(),
        _numbers(found, ranked, names),
        *(part for head in ranked if found.listed[head] for part in (Text(), _listed(found, head))),
    )


def _numbers(found: Survey, ranked: Sequence[Head], names: Sequence[str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("head", style="bold", no_wrap=True)
    for name in names:
        table.add_column(name.replace("_", " "), justify="right")
    shares = ("top1", "low", "high", "top5", "OV", "QK")
    for head in ranked:
        values = found.values[head]
        table.add_row(
            head_label(head), *(percent(values[name]) if name in shares else number(values[name]) for name in names)
        )
    return table


def _listed(found: Survey, head: Head) -> Text:
    drawn = Text(f"{head_label(head)}\n", style="bold")
    for one in found.listed[head]:
        texts = [printable(text) for text in one.texts]
        if found.kind == "svd":
            half = len(texts) // 2
            line = f"{' '.join(texts[:half])} → {' '.join(texts[half:])}"
        elif found.kind == "skip-trigrams":
            line = f"{texts[0]} … {texts[1]} → {texts[2]}"
        else:
            line = " → ".join(texts)
        drawn.append(f"{number(one.value):>9}  {line}\n", style="not bold")
    drawn.rstrip()
    return drawn


def composition_view(
    found: Composition, pairs: Sequence[tuple[str, str, str, float]], gaussian: tuple[float, float], width: int
) -> RenderableType:
    """Heat maps of all pairs of a small model, and the strongest `pairs` beside their baselines."""
    title, what = WEIGHTS["composition"]
    others = found.others()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("pair", "score", "other pairs"):
        table.add_column(name, justify="left" if name == "pair" else "right", no_wrap=True)
    for sender, receiver, into, score in pairs:
        at = found.into.index(into), found.heads.index(sender), found.heads.index(receiver)
        table.add_row(f"{sender} → {receiver}.{into}", number(score), number(others[at].item()))
    maps: list[RenderableType] = []
    if len(found.heads) <= PAIRS:
        senders, receivers = found.heads[: -found.n_heads], found.heads[found.n_heads :]
        for into, values in zip(found.into, found.values[:, : len(senders), found.n_heads :].tolist(), strict=True):
            drawn = HeatMap(values, senders, receivers, "senders", "receivers", found.unit.removeprefix("share "))
            maps += [
                Text.assemble((into, "bold"), "\n", heat_map(drawn, width)),
                note(legend(drawn, width)),
                Text(),
            ]
    chance = f"Gaussian heads of this shape: {gaussian[0]:.4f} ± {gaussian[1]:.4f}; 1/√d_model = {found.chance:.4f}."
    return Group(heading(title), note(what), note(chance), Text(), *maps, table)
