"""The lab's elements as notebook widgets: `pip install 'rung[notebook]'`.

Each function returns an anywidget, which JupyterLab, VS Code and marimo show. `.html()` is a page of its own that needs
no network; `.picked` is what the reader last chose in the figure; `.svg()` is a still picture.

A notebook that shows a widget keeps that page beside it, hidden while the widget is live: `jupyter nbconvert --to html`
gives a file that needs no network, and that shows the still picture where no script runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from ..circuits.heads import head_label
from ..errors import PromptError, RungError
from ..evidence.observation import Floors
from ..evidence.proof import Proof
from ..evidence.statistics import SPARSEST, bounds
from ..methods.attribution import Attribution
from ..methods.behaviour import LossByPosition
from ..model.model import HookedTransformer
from .evidence_graph import EvidenceRow, evidence_graph
from .still import still
from .wording import verdict_sentence

MODULE = Path(__file__).parents[1] / "lab" / "static" / "widget.js"
"""The elements, as one ES module built from web/."""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<title>{title}</title>
</head>
<body>
<main>
<script type="application/rung+json">{figure}</script>
</main>
<figure id="still">{still}</figure>
<script type="module">{module}</script>
<script type="module">if (document.querySelector("main > div")) document.getElementById("still").remove();</script>
</body>
</html>
"""  # noqa: E501


def attention(model: HookedTransformer, tokens: str | Tensor | Sequence[int], layer: int) -> Any:
    """A widget of the attention patterns of a layer's heads, on one text or sequence of tokens.

    Raises PromptError if there is more than one sequence, RungError if there is no such layer.
    """
    if not 0 <= layer < model.config.n_layers:
        raise RungError(f"{model.config.model_name} has layers 0 to {model.config.n_layers - 1}, and no layer {layer}")
    given = model.to_tokens(tokens) if isinstance(tokens, str) else torch.as_tensor(tokens)
    sequence = given[None] if given.ndim == 1 else given
    if sequence.ndim != 2 or len(sequence) != 1:
        raise PromptError(f"one sequence is drawn at a time; tokens of shape {list(given.shape)} were given")
    name = f"blocks.{layer}.attn.hook_pattern"
    with torch.no_grad():
        _, found = model.run_with_cache(sequence, names_filter=name, return_cache_object=False)
    pattern = found[name][0]
    texts = [model.token_text(token) for token in sequence[0].tolist()]
    heads = [head_label((layer, head)) for head in range(len(pattern))]
    data = {"tokens": texts, "heads": heads, "pattern": _array(pattern)}
    return _widget("attention", f"{model.config.model_name}: attention of layer {layer}", data)


def attribution(found: Attribution, top: int | None = None) -> Any:
    """A widget of signed bars, one a component: means over examples, each with its interval.

    `top` keeps that many components, those of the largest size; None keeps all.
    """
    # One number an example: its mean over queries. The examples are what the interval is over.
    values = found.values.double().mean(2).cpu()
    order = values.mean(1).abs().argsort(descending=True).tolist()[:top]
    alpha = Floors().alpha
    items = [{"label": found.labels[i], **_bounded(values[i], alpha)} for i in order]
    notes = ["One example." if found.n == 1 else f"Mean of {found.n} examples."]
    if any("low" in item for item in items):
        notes[0] += f" Each end of an interval is missed with a probability of at most {alpha:g}."
    else:
        notes[0] += f" No interval: it takes at least {SPARSEST}."
    if len(order) < len(found.labels):
        notes.append(f"{len(order)} of {len(found.labels)} components are shown.")
    notes.append(
        f"All components sum to the total, {float(found.total.double().mean()):+.2f} {found.unit}; "
        f"largest error {float(found.residual.abs().max()):.0e}."
    )
    return _bars(f"Attribution of {found.what}", items, unit=found.unit, signed=True, notes=notes)


def board(found: LossByPosition) -> Any:
    """A widget of the loss at each token of repeated random tokens, by copy, beside what a uniform guess loses."""
    first, second = (range(*part.indices(found.loss.shape[1])) for part in (found.first_copy, found.second_copy))
    # Nothing foretells the second copy's first token: it is drawn, and in neither mean.
    group = {**dict.fromkeys(first, "first copy"), **dict.fromkeys(second, "second copy")}
    items = [
        {"label": str(at + 1), "value": value, "group": group.get(at, "not scored")}
        for at, value in enumerate(found.by_position.double().tolist())
    ]
    notes = [
        f"Mean of {found.n_sequences} sequences, seed {found.seed}.",
        f"First copy {float(found.loss[:, found.first_copy].mean()):.2f} nats, "
        f"second copy {float(found.loss[:, found.second_copy].mean()):.2f} nats.",
    ]
    rules = [{"at": found.ln_vocabulary, "label": "uniform guess, ln V"}]
    title = f"{found.model_name}: loss by position"
    return _bars(title, items, unit=found.unit, layout="columns", rules=rules, notes=notes)


def ladder(proof: Proof) -> Any:
    """A widget of a proof: the verdict, and every required test behind it, rung by rung."""
    rows = [_measurement(row) for row in evidence_graph(proof).rows]
    verdict = {"rung": proof.verdict.rung, "sentence": verdict_sentence(proof)}
    return _widget("ladder", f"Evidence in {proof.model['name']}", {"measurements": rows, "verdict": verdict})


def page(figure: Mapping[str, Any]) -> str:
    """A figure as an HTML page that needs nothing else, the network included."""
    # A token may be text that closes a script: no < is left in the data.
    data = json.dumps(figure, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    module = MODULE.read_text(encoding="utf-8")
    return _PAGE.format(title=escape(figure["title"]), figure=data, still=still(figure), module=module)


def static(figure: Mapping[str, Any]) -> str:
    """A figure as HTML for a saved notebook: its page in a frame, which a live notebook, showing the widget, hides."""
    height = HEIGHTS[figure["kind"]]
    return (
        f"<style>{_LIVE}</style>"
        f'<div class="rung-static"><iframe title="{escape(figure["title"])}" sandbox="allow-scripts" loading="lazy" '
        f'style="width:100%;height:{height}px;border:0" srcdoc="{escape(page(figure))}"></iframe></div>'
    )


HEIGHTS: Mapping[str, int] = {"attention": 620, "bars": 420, "ladder": 640}
"""Pixels of a kind of figure in a saved notebook; what is longer scrolls."""
_LIVE = (
    "body:has(.jp-LabShell) .rung-static,body:has(.jp-NotebookShell) .rung-static,body:has(#main.jp-ThemedContainer) "
    ".rung-static,body[data-vscode-theme-kind] .rung-static{display:none}"
)
"""JupyterLab, Notebook and VS Code run widgets."""


@cache
def _widget_class() -> type[Any]:
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise RungError("widgets need anywidget, which is not installed: pip install 'rung[notebook]'") from error

    class Widget(anywidget.AnyWidget):
        """A figure in a notebook."""

        _esm = MODULE
        figure = traitlets.Dict().tag(sync=True)
        picked = traitlets.Dict().tag(sync=True)

        def html(self) -> str:
            """A page with this figure that needs no network."""
            return page(self.figure)

        def svg(self) -> str:
            """A still picture."""
            return still(self.figure)

        def __repr__(self) -> str:
            return f"<Rung widget: {self.figure.get('title', '')}>"

        def _ipython_display_(self) -> None:
            from IPython.display import publish_display_data

            publish: Any = publish_display_data
            publish(*(self._repr_mimebundle_() or ({},)))
            publish({"text/plain": "", "text/html": static(self.figure)})

    return Widget


def _widget(kind: str, title: str, data: Mapping[str, Any]) -> Any:
    return _widget_class()(figure={"kind": kind, "title": title, "data": dict(data)})


def _bars(title: str, items: list[dict[str, Any]], **options: Any) -> Any:
    usual = {"signed": False, "layout": "rows", "rules": [], "tokens": False}
    return _widget("bars", title, {"items": items, "label": title, **usual, **options})


def _array(values: Tensor) -> dict[str, Any]:
    found = values.detach().to("cpu", torch.float32).contiguous().numpy().astype("<f4")
    return {"shape": list(found.shape), "data": msgspec.to_builtins(found.tobytes())}


def _bounded(values: Tensor, alpha: float) -> dict[str, float]:
    found = bounds(values.numpy(), alpha=alpha)
    ends = {"low": found.low, "high": found.high}
    return {"value": found.value, **({} if len(values) < SPARSEST else ends)}


def _measurement(row: EvidenceRow) -> dict[str, Any]:
    check = row.checks[0] if row.checks else None
    return {
        "id": row.test,
        "title": row.name,
        "subject": row.subject,
        "rung": row.rung,
        "outcome": row.outcome,
        "required": True,
        "unit": row.unit,
        "value": None if check is None else _finite(check.value),
        "low": None if check is None else _finite(check.low),
        "high": None if check is None else _finite(check.high),
        "floor": None if check is None or check.floor is None else _finite(check.floor),
        "n": None if check is None else check.n,
        "control": next((_finite(value) for _, value in row.controls), None),
        "note": row.words,
    }


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
