"""The logit lens: what the residual stream before each layer would predict if it were the last.

(nostalgebraist 2020, "interpreting GPT: the logit lens".)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from ..display import Shown
from ..engine.transformer import unembed, upcast
from ..errors import PromptError
from ..model.model import HookedTransformer
from .attribution import check_queries

_LOGITS_AT_ONCE = 2**24
"""Logits held at once: 64 MiB in float32."""


@dataclass(frozen=True, eq=False, repr=False)
class LogitLens(Shown):
    """The target's logit, loss and rank at each query, from the stream before each layer. Exact: nothing is sampled."""

    labels: tuple[str, ...]
    """0_pre, 1_pre, …, final_post, as in `accumulated_resid`."""
    logit: Float[Tensor, "stream batch query"]
    loss: Float[Tensor, "stream batch query"]
    """−log p(target), in nats."""
    rank: Int[Tensor, "stream batch query"]
    """Number of tokens of a higher logit: 0 if none has."""
    queries: tuple[int, ...]
    method: str = "final norm with the scale of each stream itself, then the unembedding"

    @property
    def n(self) -> int:
        """Number of examples."""
        return self.logit.shape[1]


@torch.no_grad()
def logit_lens(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    targets: Int[Tensor, "batch query"],
    queries: Sequence[int] | None = None,
) -> LogitLens:
    """unembed(norm(x)) at `queries` (None: all), for the stream x before each layer and after the last.

    The final norm is recomputed for each stream, as if it were the last. Logits are made for some rows at a time.
    Raises PromptError if targets do not fit the queries or the vocabulary, or tokens the model.
    """
    config, at = model.config, list(check_queries(tokens, queries))
    if targets.shape != (len(tokens), len(at)) or ((targets < 0) | (targets >= config.n_out)).any():
        raise PromptError(
            f"targets have shape {list(targets.shape)}; needed are {len(tokens)} examples and {len(at)} queries of "
            f"token ids from 0 to {config.n_out - 1}"
        )
    last, cache = model.run_with_cache(tokens, names_filter="resid_pre", stop_at_layer=config.n_layers, pos_slice=at)
    found: list[list[Tensor]] = []
    wanted = targets.to(model.device).flatten()
    for x in (*(cache["resid_pre", layer] for layer in range(config.n_layers)), last[:, at]):
        rows = max(1, _LOGITS_AT_ONCE // config.n_out)
        parts = zip(x.flatten(0, 1).split(rows), wanted.split(rows), strict=True)
        made = [_of_rows(upcast(unembed(config, model.weights, some[None])[0]), ids) for some, ids in parts]
        found.append([torch.cat(one).view(targets.shape) for one in zip(*made, strict=True)])
    logit, loss, rank = (torch.stack(one) for one in zip(*found, strict=True))
    labels = (*(f"{layer}_pre" for layer in range(config.n_layers)), "final_post")
    return LogitLens(labels, logit, loss, rank, tuple(at))


def _of_rows(logits: Float[Tensor, "row d_vocab"], targets: Int[Tensor, " row"]) -> tuple[Tensor, Tensor, Tensor]:
    own = logits.gather(1, targets[:, None])
    return own[:, 0], F.cross_entropy(logits, targets, reduction="none"), (logits > own).sum(1)
