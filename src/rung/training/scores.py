"""The measurements of the training curve and the card: losses, and the attention scores of each head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from ..config import ModelConfig
from ..engine.sites import Site
from ..engine.taps import NO_TAP, CacheTap, Tap
from ..engine.transformer import forward
from ..engine.weights import Weights
from ..methods.interventions import Mean, on_head
from ..methods.patterns import pattern_scores
from ..methods.sweep import sweep
from ..model.model import HookedTransformer, next_token_loss
from ..tasks import metrics
from .corpus import Corpus, distinct_tokens

ROWS = 64


@dataclass(frozen=True)
class Repeats:
    """Sequences of BOS and two copies: [BOS] r₁…rₙ r₁…rₙ."""

    tokens: Int[Tensor, "batch length"]
    n: int

    @property
    def second(self) -> slice:
        """Queries whose next token is in the first copy: the second copy without its last token."""
        return slice(self.n + 1, 2 * self.n)


def random_repeats(config: ModelConfig, seed: int = 999) -> Repeats:
    """Copies of distinct random tokens, as long as the context allows and at most 50 tokens each."""
    n = min(50, (config.n_ctx - 1) // 2, config.d_vocab - 1)
    half = distinct_tokens(ROWS, n, config.d_vocab, Generator().manual_seed(seed))
    return Repeats(after_bos(torch.cat([half, half], 1)), n)


def prose_repeats(config: ModelConfig, held_out: Int[Tensor, "tokens"]) -> Repeats:
    """Held-out passages, each repeated once."""
    n = random_repeats(config).n
    half = held_out[: len(held_out) // n * n].view(-1, n)[:ROWS]
    return Repeats(after_bos(torch.cat([half, half], 1)), n)


def losses(
    config: ModelConfig, weights: Weights, tokens: Int[Tensor, "batch length"], tap: Tap = NO_TAP
) -> tuple[Float[Tensor, "batch pos"], Float[Tensor, "batch pos"]]:
    """Loss in nats, and 1.0 where the top-1 prediction is correct, for every token except the first."""
    logits = forward(config, weights, tokens, tap)
    correct = logits[:, :-1].argmax(-1) == tokens[:, 1:]
    return next_token_loss(logits, tokens, per_token=True), correct.float()


@torch.no_grad()
def repeat_scores(config: ModelConfig, weights: Weights, repeats: Repeats) -> dict[str, Any]:
    """Loss on both copies, accuracy on the second, and each head's induction and previous-token scores."""
    tap = CacheTap(Site("pattern", layer) for layer in range(config.n_layers))
    loss, correct = losses(config, weights, repeats.tokens, tap)
    by_layer = [pattern_scores(pattern, repeats.n, start=1) for pattern in tap.store.values()]
    heads = {
        name: [[mean(head) for head in each[name].unbind(1)] for each in by_layer]
        for name in ("induction", "previous_token")
    }
    return {
        "first_copy_loss": mean(loss[:, : repeats.n]),
        "second_copy_loss": mean(loss[:, repeats.second]),
        "second_copy_accuracy": mean(correct[:, repeats.second]),
    } | heads


@torch.no_grad()
def prose_loss(config: ModelConfig, weights: Weights, held_out: Int[Tensor, "tokens"]) -> float:
    """Mean loss on held-out text, in windows of the full context."""
    rows = held_out[: len(held_out) // (config.n_ctx - 1) * (config.n_ctx - 1)].view(-1, config.n_ctx - 1)[:ROWS]
    return mean(losses(config, weights, after_bos(rows))[0])


@torch.no_grad()
def ablations(config: ModelConfig, weights: Weights, repeats: Repeats) -> dict[str, float]:
    """Increase of the second copy's loss, in nats, when heads are mean-ablated (the mean of these repeats, at each
    position): each head alone ("1.0"), and all heads of a layer together ("1.*").
    """
    every = range(config.n_heads)
    sets = {f"{layer}.{h}": (layer, [h]) for layer in range(config.n_layers) for h in every}
    sets |= {f"{layer}.*": (layer, list(every)) for layer in range(config.n_layers)}
    put = Mean(repeats.tokens)
    cells = [[on_head((layer, head), put) for head in heads] for layer, heads in sets.values()]
    metric = metrics.next_token_loss(repeats.second)
    found = sweep(HookedTransformer(config, weights), repeats.tokens, cells, metric)
    return {name: mean(change) for name, change in zip(sets, found.change, strict=True)}


def along_training(config: ModelConfig, weights: Weights, held_out: Int[Tensor, "tokens"]) -> dict[str, Any]:
    """One line of the training curve: scores on random and on prose repeats, and the loss on prose."""
    found: dict[str, Any] = repeat_scores(config, weights, random_repeats(config))
    prose = repeat_scores(config, weights, prose_repeats(config, held_out))
    found |= {f"prose_{name}": value for name, value in prose.items()}
    return found | {"prose_loss": prose_loss(config, weights, held_out)}


def of_model(config: ModelConfig, weights: Weights, corpus: Corpus) -> dict[str, Any]:
    """The scores of a card: those of the curve, each head's mean ablation, and the direct path."""
    found = along_training(config, weights, corpus.held_out)
    if config.n_layers:
        found |= {"ablation_rise": ablations(config, weights, random_repeats(config))}
    if config.normalization_type is None:
        found |= direct_path(weights, corpus.train)
    return found


def direct_path(weights: Weights, text: Int[Tensor, "tokens"], often: int = 1000, seen: int = 10) -> dict[str, float]:
    """How well W_E W_U, the direct path from token to logits, matches the bigram statistics of the text.

    Over tokens that occur at least `often` times: the correlation between its log-probabilities and
    those of the text, over pairs that occur at least `seen` times; and how often both have the same
    most likely next token. Empty if the text is too small.
    """
    W_E, W_U = weights["W_E"], weights["W_U"]
    assert isinstance(W_E, Tensor) and isinstance(W_U, Tensor)
    size = len(W_E)
    counts = (text[:-1] * size + text[1:]).bincount(minlength=size * size).view(size, size).float()
    counts = counts[rows := counts.sum(1) >= often]
    bigram = (counts / counts.sum(1, keepdim=True)).log()
    direct = (W_E[rows] @ W_U).log_softmax(1)
    pairs = counts >= seen
    if pairs.sum() < 2:
        return {}
    correlation = torch.stack([bigram[pairs], direct[pairs]]).corrcoef()[0, 1]
    return {
        "direct_path_correlation": mean(correlation),
        "direct_path_top1": mean((counts.argmax(1) == direct.argmax(1)).float()),
    }


def rows(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Scores as rows of a table: name and value; the values of heads are listed as "1.0: value"."""
    out = []
    for name, value in found.items():
        if isinstance(value, list):
            each = {f"{at}.{h}": v for at, row in enumerate(value) for h, v in enumerate(row)}
        else:
            each = value if isinstance(value, dict) else {"": value}
        texts = [f"{head}: {v:.3f}".removeprefix(": ") for head, v in each.items()]
        if texts:
            out.append((name.replace("_", " "), " · ".join(texts)))
    return out


def headline(found: Mapping[str, Any]) -> dict[str, str]:
    """Scores in short: each number, and for each role its best head with the ablation rise."""
    out = {name.replace("_", " "): f"{value:.3f}" for name, value in found.items() if isinstance(value, float)}
    for role in ("previous_token", "induction"):
        heads = {f"{at}.{h}": score for at, row in enumerate(found[role]) for h, score in enumerate(row)}
        if heads:
            best = max(heads, key=heads.__getitem__)
            name = f"best {role.replace('_', ' ')} head, its ablation"
            out[name] = f"{best}: {heads[best]:.3f}, {found['ablation_rise'][best]:+.2f} nats"
    return out


def after_bos(rows: Int[Tensor, "batch pos"]) -> Int[Tensor, "batch length"]:
    """The rows with BOS (token 0) prepended."""
    return torch.cat([rows.new_zeros(len(rows), 1), rows], 1)


def mean(x: Tensor) -> float:
    """The mean of all entries, rounded to four digits."""
    return round(x.mean().item(), 4)
