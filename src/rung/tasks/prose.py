"""Tasks on ordinary text: windows of prose, unchanged or repeated."""

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
"""The least number of windows that a test on text needs."""


@dataclass(frozen=True, eq=False)
class TextBatch:
    """Windows of text, in which every next token is scored."""

    tokens: Int[Tensor, "window pos"]

    @cached_property
    def predictable(self) -> Bool[Tensor, "window pos"]:
        """Mask of all positions except the last."""
        found = torch.ones_like(self.tokens, dtype=torch.bool)
        found[:, -1] = False
        return found

    @property
    def ends(self) -> Int[Tensor, " window"]:
        """The length of each window."""
        return torch.full((len(self.tokens),), self.tokens.shape[1])


def bundled_text() -> str:
    """The forty short passages of prose bundled with Rung, in the public domain."""
    return files(__package__).joinpath("passages.txt").read_text(encoding="utf-8")


def windows(model: HookedTransformer, text: str, length: int) -> Int[Tensor, "window pos"]:
    """The text's tokens in consecutive windows of `length`, without BOS.

    Raises PromptError if the text is too short for `FEWEST` windows.
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
    """Windows as long as the induction task's sequences, each beginning with BOS if the model has one."""
    first = _first(model)
    rows = windows(model, text, min(model.config.n_ctx, LONGEST) - len(first))
    return model.check_tokens(torch.cat((first.expand(len(rows), -1), rows), 1)).cpu()


def repeated_passages(model: HookedTransformer, text: str) -> InductionBatch:
    """[BOS] passage passage: repeated text, on which claims about random tokens are tested too."""
    first = _first(model)
    period = (min(model.config.n_ctx, LONGEST) - len(first)) // 2
    rows = windows(model, text, period)
    zeros = torch.zeros(len(rows), dtype=torch.long)
    tokens = model.check_tokens(torch.cat((first.expand(len(rows), -1), rows, rows), 1)).cpu()
    order = torch.zeros_like(tokens)
    order[:, :period] = torch.arange(period)
    return InductionBatch(
        tokens, order, zeros + period, zeros, zeros, zeros + len(first), "prose", 0, model.config.bos_token_id
    )


def _first(model: HookedTransformer) -> Int[Tensor, " first"]:
    bos = model.config.bos_token_id
    return torch.tensor([] if bos is None else [bos], dtype=torch.long)
