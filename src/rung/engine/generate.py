"""Continuing a sequence, one token at a time, with keys and values kept."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..config import ModelConfig
from ..errors import PromptError
from .past import KeyValueCache
from .taps import NO_TAP, Tap
from .transformer import blocks, embed, locate, unembed
from .weights import Weights, embedding


@torch.no_grad()
def generate(
    config: ModelConfig,
    weights: Weights,
    tokens: Int[Tensor, "batch pos"],
    count: int,
    *,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
    stop_token: int | None = None,
    mask: Bool[Tensor, "batch pos"] | None = None,
    tap: Tap = NO_TAP,
) -> Int[Tensor, "batch longer"]:
    """`tokens` and up to `count` more; the likeliest each time at temperature 0, drawn from the softmax otherwise.

    A row that has produced `stop_token` is filled up with it; generation ends early when every row has. `mask` is
    False at (left) padding. Raises PromptError if the result would not fit the context.
    """
    check_sampling(temperature, top_k, top_p)
    batch, length = tokens.shape
    if length + count > config.n_ctx:
        raise PromptError(
            f"{length} tokens and {count} new ones make {length + count}; {config.model_name} reads {config.n_ctx}"
        )
    past = KeyValueCache(config, batch, length + count, embedding(weights))
    ended = torch.zeros(batch, dtype=torch.bool, device=tokens.device)
    new = tokens
    for _ in range(count):
        frame = locate(config, weights, new.shape, new.device, mask=mask, past=past)
        x = blocks(config, weights, embed(config, weights, new, frame, tap), frame, tap)
        logits = unembed(config, weights, x[:, -1:], tap)[:, -1]
        new = choose(logits, temperature, top_k, top_p, generator)[:, None]
        if stop_token is not None:
            new = torch.where(ended[:, None], stop_token, new)
            ended |= new[:, 0] == stop_token
        tokens = torch.cat((tokens, new), 1)
        if mask is not None:
            mask = torch.cat((mask, mask.new_ones(batch, 1)), 1)
        if bool(ended.all()):
            break
    return tokens


def choose(
    logits: Float[Tensor, "batch d_vocab"],
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Int[Tensor, " batch"]:
    """One token a row: argmax at temperature 0, else a draw from softmax(logits / temperature).

    `top_k` keeps the k likeliest; `top_p` the fewest that hold that much probability (Holtzman et al. 2019,
    arXiv:1904.09751).
    """
    check_sampling(temperature, top_k, top_p)
    if temperature == 0:
        return logits.argmax(-1)
    logits = logits.float() / temperature
    if top_k is not None:
        kth = logits.topk(min(top_k, logits.shape[-1])).values[:, -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if top_p is not None:
        ranked, order = logits.sort(descending=True)
        before = ranked.softmax(-1).cumsum(-1) - ranked.softmax(-1)
        logits = logits.scatter(1, order, ranked.masked_fill(before >= top_p, -torch.inf))
    return torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]


def check_sampling(temperature: float, top_k: int | None, top_p: float | None) -> None:
    """Raises PromptError for settings that no draw can follow."""
    if temperature < 0:
        raise PromptError(f"temperature is {temperature}; it must be 0 (greedy) or more")
    if top_k is not None and top_k < 1:
        raise PromptError(f"top_k is {top_k}; it must be at least 1")
    if top_p is not None and not 0 < top_p <= 1:
        raise PromptError(f"top_p is {top_p}; it must be above 0 and at most 1")
