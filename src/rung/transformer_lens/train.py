"""A small training loop: next-token loss over a dataset of rows of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from ..errors import ConfigError
from ..model.model import HookedTransformer


@dataclass
class HookedTransformerTrainConfig:
    """How to train. The names and defaults are classic."""

    num_epochs: int
    batch_size: int
    lr: float = 1e-3
    seed: int = 0
    momentum: float = 0.0
    max_grad_norm: float | None = None
    weight_decay: float | None = None
    optimizer_name: str = "Adam"
    """Adam, AdamW or SGD; Adam with a weight decay is AdamW."""
    device: str | torch.device | None = None
    """None: where the model is."""
    warmup_steps: int = 0
    save_every: int | None = None
    """Steps after which the model is written to a folder of `save_dir`."""
    save_dir: str | None = None
    wandb: bool = False
    wandb_project_name: str | None = None
    print_every: int | None = 50
    max_steps: int | None = None
    """Steps of an epoch, at most."""


def train(model: HookedTransformer, config: HookedTransformerTrainConfig, dataset: Any) -> HookedTransformer:
    """Trains `model` on `dataset`, whose items are {"tokens": [pos]}; returns it.

    Rows are shuffled from `config.seed`. Raises ConfigError for an optimizer that is not known, or for wandb.
    """
    if config.wandb:
        raise ConfigError("wandb is not asked by this loop: log from a loop of your own, or pass wandb=False")
    optimizer = _optimizer(model, config)
    warm = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, step / config.warmup_steps) if config.warmup_steps else 1.0
    )
    model.train()
    model.to(config.device)
    order = torch.Generator().manual_seed(config.seed)
    loader: Any = DataLoader(dataset, batch_size=config.batch_size, shuffle=True, generator=order)
    for epoch in range(1, config.num_epochs + 1):
        for step, batch in enumerate(loader):
            loss = model(batch["tokens"].to(model.device), return_type="loss")
            loss.backward()
            if config.max_grad_norm is not None:
                torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
            optimizer.step()
            warm.step()
            optimizer.zero_grad()
            if config.print_every is not None and step % config.print_every == 0:
                print(f"Epoch {epoch} Step {step} Loss {loss.item()}")
            if config.save_every is not None and config.save_dir is not None and step % config.save_every == 0:
                model.save_pretrained(Path(config.save_dir) / f"model_{epoch}_{step}")
            if config.max_steps is not None and step >= config.max_steps:
                break
    return model


def _optimizer(model: HookedTransformer, config: HookedTransformerTrainConfig) -> torch.optim.Optimizer:
    decay = config.weight_decay or 0.0
    match config.optimizer_name:
        case "Adam" | "AdamW":
            kind = torch.optim.Adam if config.weight_decay is None else torch.optim.AdamW
            return kind(model.parameters(), lr=config.lr, weight_decay=decay)
        case "SGD":
            return torch.optim.SGD(model.parameters(), lr=config.lr, weight_decay=decay, momentum=config.momentum)
    raise ConfigError(f"optimizer_name is {config.optimizer_name!r}; known are Adam, AdamW and SGD")
