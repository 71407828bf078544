"""One circuit of many heads, measured over the vocabulary: what `rung weights` shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch

from ..display import Shown
from ..engine.factored import FactoredMatrix
from ..errors import RungError
from ..model.model import HookedTransformer
from .argmax_diagonal import Diagonal, diagonal
from .heads import OV, QK, Head, head_label, sampled_copying, vocabulary_ov, vocabulary_qk
from .vocabulary import singular_directions, skip_trigrams, strongest

Kind = Literal["ov", "qk", "skip-trigrams", "svd"]
SAMPLE = 1024
"""Tokens that a share is estimated from, unless told."""
ALL_UNTIL = 8192
"""Vocabulary up to which every token is taken, unless told."""
DIRECTIONS = 3
"""Singular directions that are listed."""


@dataclass(frozen=True)
class Ask:
    """What is asked of the weights."""

    kind: Kind
    heads: tuple[Head, ...] | None = None
    """None: all."""
    listed: int = 0
    """Strongest entries listed for each head."""
    sample: int | None = None
    """Tokens that shares are estimated from; None: all of a small vocabulary, else `SAMPLE`."""
    seed: int = 0
    back: int | None = None
    """Distance of rotary queries and keys."""


@dataclass(frozen=True)
class Listed:
    """One strong entry: its tokens, in the circuit's order, and its value."""

    tokens: tuple[int, ...]
    texts: tuple[str, ...]
    value: float


@dataclass(frozen=True, repr=False)
class Survey(Shown):
    """Numbers of every head, the first of them the one to draw, and strong entries."""

    model: str
    kind: Kind
    unit: str
    values: Mapping[Head, Mapping[str, float]]
    listed: Mapping[Head, tuple[Listed, ...]]
    n: int
    """Tokens that each share was measured on."""
    n_tokens: int
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """The survey as JSON values, heads written as "1.4"."""
        heads = {
            head_label(head): dict(found) | {"listed": [asdict(one) for one in self.listed.get(head, ())]}
            for head, found in self.values.items()
        }
        whole = {"model": self.model, "kind": self.kind, "unit": self.unit, "n": self.n, "seed": self.seed}
        return whole | {"vocabulary": self.n_tokens, "heads": heads}


@torch.no_grad()
def survey(model: HookedTransformer, ask: Ask, progress: Callable[[int, int], None] | None = None) -> Survey:
    """Measures the circuit of each head. Raises RungError for a head, sample or distance that the model lacks."""
    config, measure = model.config, _MEASURES[ask.kind]
    heads = ask.heads or tuple((layer, head) for layer in range(config.n_layers) for head in range(config.n_heads))
    if not heads:
        raise RungError(f"{config.model_name} has no layers, so no heads to read")
    if ask.back is not None and ask.kind not in ("qk", "skip-trigrams"):
        raise RungError(f"a distance turns queries and keys; {ask.kind} reads neither")
    values, listed = {}, {}
    for done, head in enumerate(heads, 1):
        values[head], found = measure(model, head, ask)
        listed[head] = tuple(
            Listed(tokens, tuple(model.token_text(token) for token in tokens), value) for tokens, value in found
        )
        if progress is not None:
            progress(done, len(heads))
    n = _sample(model, ask) or config.d_vocab if ask.kind in ("ov", "qk") else config.d_vocab
    return Survey(config.model_name, ask.kind, UNITS[ask.kind], values, listed, n, config.d_vocab, ask.seed)


UNITS: Mapping[str, str] = {
    "ov": "of tokens",
    "qk": "of tokens",
    "skip-trigrams": "score × logit",
    "svd": "of the squared norm",
}
"""The unit of each kind's first number."""

_Found = tuple[dict[str, float], list[tuple[tuple[int, ...], float]]]


def _ov(model: HookedTransformer, head: Head, ask: Ask) -> _Found:
    found = _ranks(sampled_copying(model, head, _sample(model, ask), ask.seed))
    product = vocabulary_ov(model, head)
    size = float(product.eigenvalues.abs().sum())
    found["eigenvalues"] = float(product.eigenvalues.real.sum()) / size if size else 0.0
    return found, _entries(product, ask)


def _qk(model: HookedTransformer, head: Head, ask: Ask) -> _Found:
    product, rows = vocabulary_qk(model, head, ask.back), None
    keys, sample = product.T, _sample(model, ask)
    if sample is not None:
        rows = torch.randperm(keys.ldim, generator=torch.Generator().manual_seed(ask.seed))[:sample]
        keys = FactoredMatrix(keys.A[rows], keys.B)
    found = diagonal(keys, f"{head_label(head)} QK, key token × query token", rows=rows)
    return _ranks(found), _entries(product, ask)


def _skip_trigrams(model: HookedTransformer, head: Head, ask: Ask) -> _Found:
    found = skip_trigrams(model, head, max(1, ask.listed), back=ask.back)
    best = found[0].score if found else 0.0
    return {"best": best}, [((one.source, one.query, one.output), one.score) for one in found[: ask.listed]]


def _svd(model: HookedTransformer, head: Head, ask: Ask) -> _Found:
    squares = {name: circuit(model, head).S.double().square() for name, circuit in (("OV", OV), ("QK", QK))}
    values = {name: float(each[0] / each.sum()) if each.sum() else 0.0 for name, each in squares.items()}
    if not ask.listed:
        return values, []
    found = singular_directions(model, head, "OV", min(DIRECTIONS, model.config.d_head), ask.listed)
    tokens = torch.cat((found.left, found.right), 1).tolist()
    return values, [(tuple(row), value) for row, value in zip(tokens, found.values.tolist(), strict=False)]


_MEASURES: Mapping[str, Callable[[HookedTransformer, Head, Ask], _Found]] = {
    "ov": _ov,
    "qk": _qk,
    "skip-trigrams": _skip_trigrams,
    "svd": _svd,
}


def _sample(model: HookedTransformer, ask: Ask) -> int | None:
    n = model.config.d_vocab
    if ask.sample is not None:
        if ask.sample > n:
            raise RungError(f"a sample of {ask.sample} tokens; {model.config.model_name} has {n}")
        return ask.sample
    return None if n <= ALL_UNTIL else SAMPLE


def _ranks(found: Diagonal) -> dict[str, float]:
    low, high = found.interval()
    rank = found.rank.double()
    top = {"top1": found.share, "low": low, "high": high, "top5": found.top(min(5, found.size))}
    return top | {"mean_rank": rank.mean().item(), "median_rank": rank.median().item()}


def _entries(product: FactoredMatrix, ask: Ask) -> list[tuple[tuple[int, ...], float]]:
    if not ask.listed:
        return []
    return [((each.row, each.column), each.value) for each in strongest(product, ask.listed)]
