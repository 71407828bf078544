"""Continuing a sequence, one token at a time, with keys and values kept."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..config import ModelConfig
from ..errors import PromptError
from .kv_cache import KeyValueCache
from .positions import position_info
from .sites import LAST, Site
from .taps import NO_TAP, Tap, compose
from .transformer import blocks, embed, unembed, upcast
from .weights import Weights, embedding

COLDEST = 1e-30
"""The smallest temperature above 0: a difference of logits over it is still a number in float32."""


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen. Raises PromptError for settings that no draw can follow."""

    temperature: float = 0.0
    """0: the likeliest; else a draw from softmax(logits / temperature)."""
    top_k: int | None = None
    """Only the k likeliest."""
    top_p: float | None = None
    """Only the fewest that hold that much probability (Holtzman et al. 2019, arXiv:1904.09751)."""
    freq_penalty: float = 0.0
    """Taken off each token's logit, once for every time it occurred."""
    repetition_penalty: float = 1.0
    """Logits of what occurred are divided by it if positive, multiplied if not (Keskar et al. 2019,
    arXiv:1909.05858).
    """

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise PromptError(f"temperature is {self.temperature}; it must be 0 (greedy) or more")
        if 0 < self.temperature < COLDEST:
            raise PromptError(
                f"temperature is {self.temperature}, too small to divide by; it must be 0, greedy, or {COLDEST} or more"
            )
        if self.top_k is not None and self.top_k < 1:
            raise PromptError(f"top_k is {self.top_k}; it must be at least 1")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise PromptError(f"top_p is {self.top_p}; it must be above 0 and at most 1")
        if self.repetition_penalty <= 0:
            raise PromptError(f"repetition_penalty is {self.repetition_penalty}; it must be above 0, 1 for none")


GREEDY = Sampling()


class Generated(NamedTuple):
    """What `generate` gives."""

    tokens: Int[Tensor, "batch longer"]
    mask: Bool[Tensor, "batch longer"] | None
    """False at padding: that of the prompt, and what fills up rows that have ended. None where there is none."""
    seen: dict[str, Tensor]
    """What the sites of `keep` held, by full hook name, over all of `tokens`."""


@torch.no_grad()
def generate(
    config: ModelConfig,
    weights: Weights,
    tokens: Int[Tensor, "batch pos"],
    count: int,
    *,
    sampling: Sampling = GREEDY,
    generator: torch.Generator | Sequence[torch.Generator] | None = None,
    stop_tokens: Sequence[int] = (),
    fill: int | None = None,
    mask: Bool[Tensor, "batch pos"] | None = None,
    tap: Tap = NO_TAP,
    use_cache: bool = True,
    keep: Collection[Site] = (),
) -> Generated:
    """`tokens` and up to `count` more, each chosen as `sampling` says.

    `generator`: one for all, or one a row, so that a row's draws do not depend on the others. A row that has produced
    one of `stop_tokens` is filled up with `fill` (None: the first of them); generation ends early when every row has.
    `mask` is False at padding, on either side. Without `use_cache` every step reads the whole sequence. Each position
    of `keep`'s sites is kept as it was when its token was first read; the last token is read for that too.

    Raises PromptError if the result would not fit the context, or a row is padding throughout.
    """
    batch, length = tokens.shape
    if length + count > config.n_ctx:
        raise PromptError(
            f"{length} tokens and {count} new ones make {length + count}; {config.model_name} reads {config.n_ctx}"
        )
    if mask is not None and not bool(mask.any(1).all()):
        raise PromptError(f"row {int(mask.any(1).long().argmin())} is padding throughout: there is nothing to continue")
    past = KeyValueCache(config, batch, length + count, embedding(weights)) if use_cache else None
    seen = _Seen(keep)
    watching = compose(tap, seen)
    # What the first step reads beside the last token is wanted only where somebody looks.
    whole = any(site.name in LAST for site in watching.sites)
    ended = torch.zeros(batch, dtype=torch.bool, device=tokens.device)
    stops = torch.tensor(stop_tokens, dtype=torch.long, device=tokens.device)
    filler = fill if fill is not None or not len(stops) else int(stops[0])
    read = 0
    for step in range(count + bool(keep)):
        again = _turns_again(config, mask, read, tokens.shape[1])
        begin = read if past is not None and not again else 0
        if past is not None:
            past.length = begin
        seen.expect(0 if again else read, begin)
        new = tokens[:, begin:]
        positions = position_info(config, weights, new.shape, new.device, mask=mask, past=past)
        x = blocks(config, weights, embed(config, weights, new, positions, watching), positions, watching)
        at = _last_real(mask)[:, None, None] - begin if mask is not None and begin == 0 else None
        logits = _next_logits(config, weights, x, at, watching, whole)
        read = tokens.shape[1]
        if step == count or bool(ended.all()):
            break
        chosen = choose(logits, sampling, generator, tokens, mask)[:, None]
        if mask is not None:
            mask = torch.cat((mask, ~ended[:, None]), 1)
        elif bool(ended.any()):
            mask = torch.cat((torch.ones_like(tokens, dtype=torch.bool), ~ended[:, None]), 1)
        if len(stops):
            chosen = torch.where(ended[:, None], filler, chosen)  # type: ignore[arg-type]
            ended |= torch.isin(chosen[:, 0], stops)
        tokens = torch.cat((tokens, chosen), 1)
        if not keep and bool(ended.all()):
            break
    return Generated(tokens, mask, seen.joined())


def _next_logits(
    config: ModelConfig, weights: Weights, x: Tensor, at: Tensor | None, tap: Tap, whole: bool
) -> Float[Tensor, "batch d_vocab"]:
    """The logits at each row's last token: at `at` of [batch, 1, 1], or at the end."""

    def last(y: Tensor) -> Tensor:
        return y[:, -1:] if at is None else y.gather(1, at.expand(-1, 1, y.shape[-1]))

    return last(unembed(config, weights, x, tap))[:, 0] if whole else unembed(config, weights, last(x), tap)[:, 0]


def _last_real(mask: Bool[Tensor, "batch pos"]) -> Int[Tensor, " batch"]:
    """Where each row's last token that is no padding stands."""
    return (mask * torch.arange(mask.shape[1], device=mask.device)).argmax(1)


def _turns_again(config: ModelConfig, mask: Tensor | None, before: int, length: int) -> bool:
    """Whether longrope's long frequencies begin at `length`: keys that were turned by the short ones are made again."""
    scaling = None if config.rotary is None else config.rotary.scaling
    if scaling is None or scaling.kind != "longrope" or before == 0:
        return False
    if mask is None:
        return before <= scaling.original_n_ctx < length
    # Rows are as long as they would be without padding.
    were, are = mask[:, :before].sum(1), mask.sum(1)
    return bool(((were <= scaling.original_n_ctx) & (are > scaling.original_n_ctx)).any())


class _Seen:
    """A tap that keeps what each position's sites hold when its token is first read."""

    def __init__(self, sites: Collection[Site]) -> None:
        self.sites = frozenset(sites)
        self._pieces: dict[str, list[Tensor]] = {}
        self._from = self._begin = 0

    def expect(self, first: int, begin: int) -> None:
        """The next step reads positions from `begin` on, and those from `first` on are kept."""
        self._from, self._begin = first, begin
        if first == 0:
            self._pieces.clear()

    def __call__(self, name: str, layer: int | None, x: Tensor) -> Tensor:
        site = Site(name, layer)
        if site in self.sites:
            fresh = x.narrow(
                _query_axis(site), self._from - self._begin, x.shape[_query_axis(site)] - self._from + self._begin
            )
            self._pieces.setdefault(site.path, []).append(fresh.clone())
        return x

    def joined(self) -> dict[str, Tensor]:
        """Every site over all positions, by full hook name; pieces are let go one site after the other."""
        order = list(self._pieces)
        by_path = {site.path: site for site in self.sites}
        return {path: _join(by_path[path], self._pieces.pop(path)) for path in order}


def _query_axis(site: Site) -> int:
    axes = site.kind.axes
    return axes.index("pos" if "pos" in axes else "query_pos")


def _join(site: Site, pieces: list[Tensor]) -> Tensor:
    if site.kind.axes[-1] == "key_pos":
        total = pieces[-1].shape[-1]
        fill = -math.inf if site.name == "attn_scores" else 0.0
        pieces = [F.pad(piece, (0, total - piece.shape[-1]), value=fill) for piece in pieces]
    return torch.cat(pieces, _query_axis(site))


def choose(
    logits: Float[Tensor, "batch d_vocab"],
    sampling: Sampling = GREEDY,
    generator: torch.Generator | Sequence[torch.Generator] | None = None,
    tokens: Int[Tensor, "batch pos"] | None = None,
    mask: Bool[Tensor, "batch pos"] | None = None,
) -> Int[Tensor, " batch"]:
    """One token a row; `tokens`, what stands before it, are what penalties count, but for padding (`mask` False).

    Raises PromptError where logits are no numbers, so that nothing can be drawn.
    """
    logits = _penalized(logits, sampling, tokens, mask)
    if sampling.temperature == 0:
        return logits.argmax(-1)
    if sampling.top_k is not None:
        kth = logits.topk(min(sampling.top_k, logits.shape[-1])).values[:, -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if sampling.top_p is not None:
        ranked, order = logits.sort(descending=True)
        before = ranked.softmax(-1).cumsum(-1) - ranked.softmax(-1)
        logits = logits.scatter(1, order, ranked.masked_fill(before >= sampling.top_p, -torch.inf))
    probs = logits.softmax(-1)
    if probs.device.type == "cpu" and bool(probs.isnan().any()):
        raise PromptError("no token can be drawn: the model's logits are not finite numbers")
    if generator is None or isinstance(generator, torch.Generator):
        return torch.multinomial(probs, 1, generator=generator)[:, 0]
    rows = zip(probs, generator, strict=True)
    return torch.cat([torch.multinomial(row, 1, generator=own) for row, own in rows])


def _penalized(logits: Tensor, sampling: Sampling, tokens: Tensor | None, mask: Tensor | None) -> Tensor:
    """Logits over the temperature, with the penalties taken off."""
    logits = upcast(logits)
    counts = torch.zeros_like(logits)
    if tokens is not None and (sampling.freq_penalty or sampling.repetition_penalty != 1):
        counted = torch.ones_like(tokens) if mask is None else mask
        counts.scatter_add_(1, tokens, counted.to(logits.dtype))
    penalty = sampling.repetition_penalty
    logits = torch.where(counts > 0, torch.where(logits > 0, logits / penalty, logits * penalty), logits)
    if sampling.temperature:
        # From the largest down, so that no temperature makes them infinite: softmax does not see the difference.
        logits = (logits - logits.amax(-1, keepdim=True)) / sampling.temperature
    return logits - sampling.freq_penalty * counts
