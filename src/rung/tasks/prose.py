"""Ordinary text as a task: windows of prose, as they are or repeated."""

from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ..errors import PromptError
from ..model.model import HookedTransformer
from .induction import LONGEST, InductionBatch

FEWEST = 8
"""Windows without which text says nothing."""


@dataclass(frozen=True, eq=False)
class TextBatch:
    """Windows of running text, every next token of which is scored."""

    tokens: Int[Tensor, "window pos"]

    @cached_property
    def predictable(self) -> Bool[Tensor, "window pos"]:
        """All positions but the last."""
        found = torch.ones_like(self.tokens, dtype=torch.bool)
        found[:, -1] = False
        return found

    @property
    def ends(self) -> Int[Tensor, " window"]:
        """Where each window ends."""
        return torch.full((len(self.tokens),), self.tokens.shape[1])


def bundled_text() -> str:
    """Forty short passages of prose that come with Rung, dedicated to the public domain."""
    return files(__package__).joinpath("passages.txt").read_text(encoding="utf-8")


def windows(model: HookedTransformer, text: str, length: int) -> Int[Tensor, "window pos"]:
    """The text's tokens in windows of `length`, without a first token, one after the other.

    Raises PromptError for a text too short for `FEWEST` windows.
    """
    assert model.tokenizer is not None
    tokens = torch.tensor(model.tokenizer.encode(text, add_special_tokens=False))
    count = len(tokens) // length
    if count < FEWEST:
        raise PromptError(
            f"the text has {len(tokens)} tokens; {FEWEST} windows of {length} are needed to measure anything on it"
        )
    return tokens[: count * length].view(count, length)


def text_windows(model: HookedTransformer, text: str) -> Int[Tensor, "window pos"]:
    """Windows as long as the induction task's sequences, after the model's first token."""
    first = _first(model)
    rows = windows(model, text, min(model.config.n_ctx, LONGEST) - len(first))
    return model.check_tokens(torch.cat((first.expand(len(rows), -1), rows), 1)).cpu()


def repeated_passages(model: HookedTransformer, text: str) -> InductionBatch:
    """[BOS] passage passage: running text twice, for heads that a claim about random tokens names."""
    first = _first(model)
    period = (min(model.config.n_ctx, LONGEST) - len(first)) // 2
    rows = windows(model, text, period)
    zeros = torch.zeros(len(rows), dtype=torch.long)
    tokens = model.check_tokens(torch.cat((first.expand(len(rows), -1), rows, rows), 1)).cpu()
    return InductionBatch(
        tokens, zeros + period, zeros, zeros, zeros + len(first), "prose", 0, model.config.bos_token_id
    )


def _first(model: HookedTransformer) -> Int[Tensor, " first"]:
    bos = model.config.bos_token_id
    return torch.tensor([] if bos is None else [bos], dtype=torch.long)
