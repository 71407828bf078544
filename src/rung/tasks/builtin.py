"""Repeated random tokens, which memorized bigrams cannot predict, and the unrepeated control.

    [BOS] r₁ … rₙ r₁ … rₙ        the second copy is predictable from the first
    [BOS] r₁ … rₙ rₙ₊₁ … r₂ₙ      the control: the same length, without repetition

Tokens are drawn without replacement within a period, so that each has at most one earlier occurrence.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from ..config import ModelConfig
from ..display import Shown
from ..errors import PromptError
from ..model.model import HookedTransformer
from ..model.tokenizer import Tokenizer

DEFAULT_PERIOD = 50
SHORTEST_PERIOD = 3
"""With two tokens a copy, the position before and the one after the earlier occurrence are the same."""


@dataclass(frozen=True, eq=False, repr=False)
class RandomTokens(Shown):
    """Sequences of random tokens, and the positions of their copies.

    A copy is `period` tokens long; the first begins at position `start` (1 after a BOS, else 0), the second at
    `start + period`.
    """

    tokens: Int[Tensor, "sequence pos"]
    period: int
    start: int
    seed: int
    bos: int | None
    """The BOS token at position 0; None: the model has no BOS, and the first copy begins at position 0."""
    repeated: bool
    """False for the control, whose second half consists of other tokens."""

    @property
    def second(self) -> int:
        """The position at which the second copy begins."""
        return self.start + self.period

    @property
    def predictable(self) -> slice:
        """Queries whose next token is in the first copy: the second copy without its last token.

        Their targets are the second copy without its first token, which is not predictable.
        """
        return slice(self.second, self.second + self.period - 1)

    @property
    def queries(self) -> tuple[int, ...]:
        """The positions of `predictable`."""
        return tuple(range(self.predictable.start, self.predictable.stop))

    @property
    def targets(self) -> Int[Tensor, "sequence query"]:
        """The next token of each of the `queries`."""
        return self.tokens[:, self.second + 1 : self.second + self.period]

    @property
    def others(self) -> Int[Tensor, "sequence query other"]:
        """For each of the `queries`, the other tokens of the copy: all but its target."""
        copy = self.tokens[:, self.start : self.start + self.period]
        rest = [torch.cat((copy[:, :at], copy[:, at + 1 :]), 1) for at in range(1, self.period)]
        return torch.stack(rest, 1)

    def to_dict(self) -> dict[str, Any]:
        """The parameters that reproduce the tokens, as JSON values; the tokens themselves are left out."""
        return {
            "sequences": len(self.tokens),
            "period": self.period,
            "start": self.start,
            "seed": self.seed,
            "bos": self.bos,
            "repeated": self.repeated,
        }


def repeated_tokens(
    model: HookedTransformer, *, period: int | None = None, sequences: int = 32, seed: int = 0
) -> RandomTokens:
    """[BOS] r₁ … rₙ r₁ … rₙ, n = `period` (None: 50, or the most that context and vocabulary allow), drawn from `seed`.

    Raises PromptError if the model's context or vocabulary is too small.
    """
    config, ordinary = model.config, ordinary_tokens(model.config, model.tokenizer)
    start = int(config.bos_token_id is not None)
    most = (config.n_ctx - start) // 2
    _check_room(config, start, most, len(ordinary))
    if sequences < 1:
        raise PromptError(f"{sequences} sequences were requested; at least 1 is needed")
    n = min(DEFAULT_PERIOD, most, max(len(ordinary) // 2, SHORTEST_PERIOD)) if period is None else period
    if n < SHORTEST_PERIOD:
        raise PromptError(
            f"a period of {n} was requested; the shortest that distinguishes the scores is {SHORTEST_PERIOD}"
        )
    if n > most:
        raise PromptError(
            f"a period of {n} needs {start + 2 * n} tokens, but {config.model_name} reads {config.n_ctx}: "
            f"the period can be at most {most}"
        )
    if n > len(ordinary):
        raise PromptError(
            f"a period of {n} needs {n} different tokens, but {config.model_name} has {len(ordinary)} ordinary ones"
        )
    copy = draw_distinct(ordinary, n, sequences, torch.Generator().manual_seed(seed))
    return RandomTokens(_with_first(config, torch.cat((copy, copy), 1)), n, start, seed, config.bos_token_id, True)


def unrepeated_tokens(model: HookedTransformer, like: RandomTokens) -> RandomTokens:
    """The control of `like`: sequences of the same number, length and seed, in which no token occurs twice.

    Raises PromptError if the vocabulary is too small.
    """
    config, ordinary = model.config, ordinary_tokens(model.config, model.tokenizer)
    if 2 * like.period > len(ordinary):
        raise PromptError(
            f"the control needs {2 * like.period} different tokens, but {config.model_name} has {len(ordinary)} "
            f"ordinary ones: the period can be at most {len(ordinary) // 2}"
        )
    both = draw_distinct(ordinary, 2 * like.period, len(like.tokens), torch.Generator().manual_seed(like.seed))
    return RandomTokens(_with_first(config, both), like.period, like.start, like.seed, like.bos, False)


def ordinary_tokens(config: ModelConfig, tokenizer: Tokenizer | None = None) -> Int[Tensor, " token"]:
    """The ids of ordinary tokens: all but the special ones."""
    special = {config.bos_token_id}
    if tokenizer is not None:
        special |= {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}
        for name in ("special_ids", "all_special_ids"):  # Rung's tokenizers, and those of transformers
            special |= set(getattr(tokenizer, name, ()))
    return torch.tensor([id for id in all_tokens(config, tokenizer).tolist() if id not in special], dtype=torch.long)


def all_tokens(config: ModelConfig, tokenizer: Tokenizer | None = None) -> Int[Tensor, " token"]:
    """The ids of all tokens, without those of a padded vocabulary beyond the tokenizer's end."""
    return torch.arange(config.d_vocab if tokenizer is None else min(config.d_vocab, len(tokenizer)))


def draw_distinct(
    ordinary: Int[Tensor, " token"], count: int, sequences: int, generator: torch.Generator
) -> Int[Tensor, "sequence pos"]:
    """Rows of `count` different tokens; a row does not depend on the number of rows after it."""
    rows = [torch.randperm(len(ordinary), generator=generator)[:count] for _ in range(sequences)]
    return ordinary[torch.stack(rows)]


def _with_first(config: ModelConfig, tokens: Int[Tensor, "sequence pos"]) -> Int[Tensor, "sequence longer"]:
    if config.bos_token_id is None:
        return tokens
    return torch.cat((torch.full((len(tokens), 1), config.bos_token_id), tokens), 1)


def _check_room(config: ModelConfig, start: int, most: int, ordinary: int) -> None:
    if most < SHORTEST_PERIOD:
        raise PromptError(
            f"the context of {config.model_name} is {config.n_ctx}, too short for repeated random tokens: at least "
            f"{start + 2 * SHORTEST_PERIOD} is needed"
        )
    if ordinary < SHORTEST_PERIOD:
        raise PromptError(
            f"{config.model_name} has {ordinary} ordinary tokens, too few for repeated random tokens: at least "
            f"{SHORTEST_PERIOD} are needed"
        )
