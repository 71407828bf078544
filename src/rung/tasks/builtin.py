"""Random tokens, twice: the sequence that memorised pairs cannot help with, and its unrepeated control.

    [BOS] r₁ … rₙ r₁ … rₙ        the second copy can be read off the first
    [BOS] r₁ … rₙ rₙ₊₁ … r₂ₙ      the control: as long, and nothing comes back

Tokens are drawn without replacement within a sequence's period, so that each has one earlier occurrence at most.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from ..config import ModelConfig
from ..errors import PromptError
from ..model.model import HookedTransformer
from ..model.tokenizer import Tokenizer

DEFAULT_PERIOD = 50
SHORTEST_PERIOD = 3
"""With two tokens a copy, the position before and the one after the earlier occurrence are the same."""


@dataclass(frozen=True, eq=False)
class RandomTokens:
    """Sequences of random tokens, and where their copies lie.

    A copy is `period` tokens long; the first begins at position `start` (1 after a BOS, else 0), the second at
    `start + period`.
    """

    tokens: Int[Tensor, "sequence pos"]
    period: int
    start: int
    seed: int
    bos: int | None
    """The token at position 0; None: the model has none, and the first copy begins there."""
    repeated: bool
    """False: the control, where the second half is other tokens."""

    @property
    def second(self) -> int:
        """Where the second copy begins."""
        return self.start + self.period

    @property
    def predictable(self) -> slice:
        """Queries whose next token the first copy tells: all of the second copy but its last.

        What they predict is the second copy without its first token, which nothing announces.
        """
        return slice(self.second, self.second + self.period - 1)

    def to_dict(self) -> dict[str, Any]:
        """What it takes to draw the same tokens again, as JSON values; the tokens themselves are left out."""
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
    """[BOS] r₁ … rₙ r₁ … rₙ, n = `period` (None: 50, or what context and vocabulary hold), drawn from `seed`.

    Raises PromptError if the model is too short in context or too small in vocabulary for it.
    """
    config, ordinary = model.config, ordinary_tokens(model.config, model.tokenizer)
    start = int(config.bos_token_id is not None)
    most = (config.n_ctx - start) // 2
    _check_room(config, start, most, len(ordinary))
    if sequences < 1:
        raise PromptError(f"{sequences} sequences were asked for; at least 1 is needed")
    n = min(DEFAULT_PERIOD, most, max(len(ordinary) // 2, SHORTEST_PERIOD)) if period is None else period
    if n < SHORTEST_PERIOD:
        raise PromptError(
            f"a period of {n} was asked for; the shortest that tells signatures apart is {SHORTEST_PERIOD}"
        )
    if n > most:
        raise PromptError(
            f"a period of {n} makes {start + 2 * n} tokens, and {config.model_name} reads {config.n_ctx}: "
            f"at most {most} fits"
        )
    if n > len(ordinary):
        raise PromptError(
            f"a period of {n} needs as many different tokens, and {config.model_name} has {len(ordinary)} ordinary ones"
        )
    copy = draw_distinct(ordinary, n, sequences, torch.Generator().manual_seed(seed))
    return RandomTokens(_with_first(config, torch.cat((copy, copy), 1)), n, start, seed, config.bos_token_id, True)


def unrepeated_tokens(model: HookedTransformer, like: RandomTokens) -> RandomTokens:
    """The control of `like`: as many sequences, as long, from the same seed, with no token twice.

    Raises PromptError if the vocabulary is too small for it.
    """
    config, ordinary = model.config, ordinary_tokens(model.config, model.tokenizer)
    if 2 * like.period > len(ordinary):
        raise PromptError(
            f"{2 * like.period} different tokens are needed where nothing repeats, and {config.model_name} has "
            f"{len(ordinary)} ordinary ones: at most a period of {len(ordinary) // 2} fits"
        )
    both = draw_distinct(ordinary, 2 * like.period, len(like.tokens), torch.Generator().manual_seed(like.seed))
    return RandomTokens(_with_first(config, both), like.period, like.start, like.seed, like.bos, False)


def ordinary_tokens(config: ModelConfig, tokenizer: Tokenizer | None = None) -> Int[Tensor, " token"]:
    """Ids that stand for text: no special token, and none past the tokenizer's end in a padded vocabulary."""
    end, special = config.d_vocab, {config.bos_token_id}
    if tokenizer is not None:
        end = min(end, len(tokenizer))
        special |= {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}
        for name in ("special_ids", "all_special_ids"):  # ours, and that of transformers
            special |= set(getattr(tokenizer, name, ()))
    return torch.tensor([token for token in range(end) if token not in special], dtype=torch.long)


def draw_distinct(
    ordinary: Int[Tensor, " token"], count: int, sequences: int, generator: torch.Generator
) -> Int[Tensor, "sequence pos"]:
    """`count` different tokens a row; a row does not depend on how many follow it."""
    rows = [torch.randperm(len(ordinary), generator=generator)[:count] for _ in range(sequences)]
    return ordinary[torch.stack(rows)]


def _with_first(config: ModelConfig, tokens: Int[Tensor, "sequence pos"]) -> Int[Tensor, "sequence longer"]:
    if config.bos_token_id is None:
        return tokens
    return torch.cat((torch.full((len(tokens), 1), config.bos_token_id), tokens), 1)


def _check_room(config: ModelConfig, start: int, most: int, ordinary: int) -> None:
    if most < SHORTEST_PERIOD:
        raise PromptError(
            f"{config.model_name} reads {config.n_ctx} tokens, too short a context for random tokens twice: "
            f"{start + 2 * SHORTEST_PERIOD} is the least"
        )
    if ordinary < SHORTEST_PERIOD:
        raise PromptError(
            f"{config.model_name} has {ordinary} ordinary tokens, too small a vocabulary for random tokens twice: "
            f"{SHORTEST_PERIOD} is the least"
        )
