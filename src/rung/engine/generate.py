"""Continuing a sequence, one token at a time, with keys and values kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..config import ModelConfig
from ..errors import PromptError
from .kv_cache import KeyValueCache
from .positions import position_info
from .taps import NO_TAP, Tap
from .transformer import blocks, embed, unembed, upcast
from .weights import Weights, embedding


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
        if self.temperature < 0:
            raise PromptError(f"temperature is {self.temperature}; it must be 0 (greedy) or more")
        if self.top_k is not None and self.top_k < 1:
            raise PromptError(f"top_k is {self.top_k}; it must be at least 1")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise PromptError(f"top_p is {self.top_p}; it must be above 0 and at most 1")
        if self.repetition_penalty <= 0:
            raise PromptError(f"repetition_penalty is {self.repetition_penalty}; it must be above 0, 1 for none")


GREEDY = Sampling()


@torch.no_grad()
def generate(
    config: ModelConfig,
    weights: Weights,
    tokens: Int[Tensor, "batch pos"],
    count: int,
    *,
    sampling: Sampling = GREEDY,
    generator: torch.Generator | None = None,
    stop_tokens: Sequence[int] = (),
    mask: Bool[Tensor, "batch pos"] | None = None,
    tap: Tap = NO_TAP,
) -> Int[Tensor, "batch longer"]:
    """`tokens` and up to `count` more, each chosen as `sampling` says.

    A row that has produced one of `stop_tokens` is filled up with the first of them; generation ends early when every
    row has. `mask` is False at (left) padding. Raises PromptError if the result would not fit the context.
    """
    batch, length = tokens.shape
    if length + count > config.n_ctx:
        raise PromptError(
            f"{length} tokens and {count} new ones make {length + count}; {config.model_name} reads {config.n_ctx}"
        )
    past = KeyValueCache(config, batch, length + count, embedding(weights))
    ended = torch.zeros(batch, dtype=torch.bool, device=tokens.device)
    stops = torch.tensor(stop_tokens, dtype=torch.long, device=tokens.device)
    new = tokens
    for _ in range(count):
        if _turns_anew(config, past.length, tokens.shape[1]):
            past.length, new = 0, tokens
        positions = position_info(config, weights, new.shape, new.device, mask=mask, past=past)
        x = blocks(config, weights, embed(config, weights, new, positions, tap), positions, tap)
        logits = unembed(config, weights, x[:, -1:], tap)[:, -1]
        new = choose(logits, sampling, generator, tokens)[:, None]
        if len(stops):
            new = torch.where(ended[:, None], stops[0], new)
            ended |= torch.isin(new[:, 0], stops)
        tokens = torch.cat((tokens, new), 1)
        if mask is not None:
            mask = torch.cat((mask, mask.new_ones(batch, 1)), 1)
        if bool(ended.all()):
            break
    return tokens


def _turns_anew(config: ModelConfig, before: int, length: int) -> bool:
    """Whether longrope's long frequencies begin at `length`: keys that were turned by the short ones are made again."""
    scaling = None if config.rotary is None else config.rotary.scaling
    return scaling is not None and scaling.kind == "longrope" and 0 < before <= scaling.original_n_ctx < length


def choose(
    logits: Float[Tensor, "batch d_vocab"],
    sampling: Sampling = GREEDY,
    generator: torch.Generator | None = None,
    tokens: Int[Tensor, "batch pos"] | None = None,
) -> Int[Tensor, " batch"]:
    """One token a row; `tokens`, what stands before it, are what penalties count."""
    logits = _penalized(logits, sampling, tokens)
    if sampling.temperature == 0:
        return logits.argmax(-1)
    if sampling.top_k is not None:
        kth = logits.topk(min(sampling.top_k, logits.shape[-1])).values[:, -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if sampling.top_p is not None:
        ranked, order = logits.sort(descending=True)
        before = ranked.softmax(-1).cumsum(-1) - ranked.softmax(-1)
        logits = logits.scatter(1, order, ranked.masked_fill(before >= sampling.top_p, -torch.inf))
    return torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]


def _penalized(logits: Tensor, sampling: Sampling, tokens: Tensor | None) -> Tensor:
    """Logits over the temperature, with the penalties taken off."""
    logits = upcast(logits)
    counts = torch.zeros_like(logits)
    if tokens is not None and (sampling.freq_penalty or sampling.repetition_penalty != 1):
        counts.scatter_add_(1, tokens, torch.ones_like(tokens, dtype=logits.dtype))
    penalty = sampling.repetition_penalty
    logits = torch.where(counts > 0, torch.where(logits > 0, logits / penalty, logits * penalty), logits)
    return logits / (sampling.temperature or 1) - sampling.freq_penalty * counts
