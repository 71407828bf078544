"""The models and tokens that answers are tried on: bundled ones, small random ones, planted ones."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import torch
from jaxtyping import Int
from torch import Tensor

from ..config import ModelConfig
from ..model.model import HookedTransformer
from .trial import planted_model


@lru_cache(maxsize=8)
def bundled(name: str) -> HookedTransformer:
    """A bundled model, kept."""
    return HookedTransformer.from_pretrained(name)


@lru_cache(maxsize=8)
def random_model(
    seed: int, positions: Literal["shortformer", "standard"] = "shortformer", n_layers: int = 2
) -> HookedTransformer:
    """A small attention-only model whose weights are all drawn from `seed`, kept: no axis has the length of another."""
    config = ModelConfig(
        n_layers=n_layers, d_model=20, n_heads=3, d_head=7, d_vocab=31, n_ctx=48, normalization_type=None,
        positional_embedding_type=positions, bos_token_id=0, model_name=f"random-{seed}",
    )  # fmt: skip
    model = HookedTransformer(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return model.requires_grad_(False)


def forget_models() -> None:
    """Loads every model anew when it is asked for next: an answer has changed one."""
    bundled.cache_clear()
    random_model.cache_clear()
    planted_model.cache_clear()


def random_tokens(model: HookedTransformer, rows: int, length: int, seed: int) -> Int[Tensor, "batch pos"]:
    """BOS, then `length` random tokens without replacement in each row."""
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.randperm(model.config.d_vocab - 1, generator=generator)[:length] + 1 for _ in range(rows)]
    return torch.cat((torch.zeros(rows, 1, dtype=torch.long), torch.stack(drawn)), 1)


def repeats(model: HookedTransformer, rows: int, period: int, seed: int) -> Int[Tensor, "batch pos"]:
    """BOS, then `period` random tokens, twice."""
    once = random_tokens(model, rows, period, seed)
    return torch.cat((once, once[:, 1:]), 1)


def gapped_repeats(model: HookedTransformer, rows: int, period: int, gap: int, seed: int) -> Int[Tensor, "batch pos"]:
    """BOS, `period` random tokens, `gap` others, and the same `period` tokens again."""
    once = random_tokens(model, rows, period + gap, seed)
    return torch.cat((once, once[:, 1 : period + 1]), 1)
