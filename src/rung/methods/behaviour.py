"""The model's loss by position on sequences that repeat."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..display import Shown
from ..engine.transformer import upcast
from ..errors import PromptError
from ..model.model import HookedTransformer, next_token_loss
from ..tasks.builtin import RandomTokens
from .patterns import Progress

_LOGITS = 2**26
"""Logits held in memory at once: 256 MiB in float32."""


@dataclass(frozen=True, eq=False, repr=False)
class LossByPosition(Shown):
    """Loss in nats of every token except the sequence's first, and whether it was the model's top-1 prediction.

    Column t is for the token at position t + 1, predicted from position t.
    """

    model_name: str
    loss: Float[Tensor, "sequence target"]
    right: Bool[Tensor, "sequence target"]
    task: RandomTokens
    d_vocab: int
    unit: str = "nats"

    @property
    def n_sequences(self) -> int:
        return len(self.loss)

    @property
    def seed(self) -> int:
        return self.task.seed

    @property
    def by_position(self) -> Float[Tensor, " target"]:
        """The mean loss over sequences at each position."""
        return self.loss.mean(0)

    @property
    def first_copy(self) -> slice:
        """Columns of the first copy's tokens (without its first token if there is no BOS before it)."""
        return slice(max(self.task.start, 1) - 1, self.task.second - 1)

    @property
    def second_copy(self) -> slice:
        """Columns of the second copy's tokens without its first, which is not predictable."""
        return self.task.predictable

    @property
    def first_copy_loss(self) -> float:
        """Mean loss on the first copy, which is unpredictable: about ln V, or more if the model expects text."""
        return float(self.loss[:, self.first_copy].mean())

    @property
    def second_copy_loss(self) -> float:
        """Mean loss on the second copy without its first token."""
        return float(self.loss[:, self.second_copy].mean())

    @property
    def gain(self) -> float:
        """First-copy loss − second-copy loss, in nats."""
        return self.first_copy_loss - self.second_copy_loss

    @property
    def accuracy(self) -> float:
        """Top-1 accuracy on the second copy without its first token."""
        return float(self.right[:, self.second_copy].double().mean())

    @property
    def ln_vocabulary(self) -> float:
        """The loss of a uniform distribution over the vocabulary, ln V."""
        return math.log(self.d_vocab)

    @property
    def ln_period(self) -> float:
        """The loss of a uniform distribution over the first copy's tokens, ln n."""
        return math.log(self.task.period)

    def to_dict(self) -> dict[str, Any]:
        """The results as JSON values; `loss` is the mean over sequences at each position."""
        return {
            "model": self.model_name,
            "unit": self.unit,
            "task": self.task.to_dict(),
            "first_copy_loss": self.first_copy_loss,
            "second_copy_loss": self.second_copy_loss,
            "gain": self.gain,
            "second_copy_accuracy": self.accuracy,
            "ln_vocabulary": self.ln_vocabulary,
            "ln_period": self.ln_period,
            "loss": self.by_position.tolist(),
        }


@torch.no_grad()
def loss_by_position(model: HookedTransformer, task: RandomTokens, progress: Progress | None = None) -> LossByPosition:
    """−log p(token) at every position of `task`, in batches, with the model's hooks active.

    Raises PromptError if `task` is a control, which has no second copy.
    """
    if not task.repeated:
        raise PromptError(
            "loss by position compares two copies, but these sequences do not repeat: give repeated tokens"
        )
    length, total = task.tokens.shape[1], len(task.tokens)
    rows = max(1, _LOGITS // (length * model.config.d_vocab))
    losses, rights = [], []
    for begin in range(0, total, rows):
        tokens = task.tokens[begin : begin + rows].to(model.device)
        logits = upcast(model(tokens))
        losses.append(next_token_loss(logits, tokens, per_token=True).cpu())
        rights.append((logits[:, :-1].argmax(-1) == tokens[:, 1:]).cpu())
        if progress is not None:
            progress(min(begin + rows, total), total)
    return LossByPosition(model.config.model_name, torch.cat(losses), torch.cat(rights), task, model.config.d_vocab)
