"""Quick looks at how well a model does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from ..errors import TokenizerError
from ..model.model import HookedTransformer, next_token_loss
from .left_out import left_out

_DATA = "it fetches data from the network; load it with the datasets package and give it to evaluate_on_dataset"
_WHY = {
    **dict.fromkeys(
        (
            "evaluate",
            "make_wiki_data_loader",
            "make_owt_data_loader",
            "make_pile_data_loader",
            "make_code_data_loader",
            "make_mmlu_data_loader",
            "mmlu_eval",
        ),
        _DATA,
    ),
    "IOIDataset": "write the prompts out, and see examples/indirect_object.py",
    "ioi_eval": "take the logit difference of the names, as examples/indirect_object.py does",
}

__all__ = ["evaluate_on_dataset", "induction_loss", "sanity_check"]


def __getattr__(name: str) -> Any:
    raise left_out("transformer_lens.evals", name, _WHY, __all__)


def sanity_check(model: HookedTransformer) -> Tensor:
    """The loss on a paragraph of plain English: below 5 nats for a model of language, near ln d_vocab for none."""
    return model(PARAGRAPH, return_type="loss")


PARAGRAPH = (
    "It rained for most of the morning, so we stayed in the kitchen and talked. My sister made tea and read the news "
    "aloud. In the afternoon the sun came out, and we walked along the river to the old bridge, where the children "
    "were feeding the ducks."
)


@torch.no_grad()
def induction_loss(
    model: HookedTransformer,
    tokenizer: Any = None,
    batch_size: int = 4,
    subseq_len: int = 384,
    prepend_bos: bool | None = None,
    device: Any = None,
    *,
    seed: int | None = None,
) -> Tensor:
    """The loss in nats on the second copy of random tokens that come twice: low where there are induction heads.

    Tokens 100 to 19,999, where the vocabulary has them, drawn from `seed` or, without one, torch's global generator.
    With a first token it stands in place of the first of the sequence. `device` is the model's own. Raises PromptError
    where the model reads less than 2 · `subseq_len`.
    """
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    size = model.config.d_vocab
    low, high = (100, min(20000, size)) if size > 200 else (0, size)
    tokens = torch.randint(low, high, (batch_size, subseq_len), generator=generator).repeat(1, 2)
    if model.config.default_prepend_bos if prepend_bos is None else prepend_bos:
        bos = model.config.bos_token_id if tokenizer is None else tokenizer.bos_token_id
        if bos is None:
            raise TokenizerError("a first token was asked for, but none is known")
        tokens[:, 0] = bos
    loss = next_token_loss(model(tokens), tokens.to(model.device), per_token=True)
    return loss[:, subseq_len + 1 :].mean()


@torch.no_grad()
def evaluate_on_dataset(
    model: HookedTransformer, data_loader: Iterable[Mapping[str, Tensor]], truncate: int = 100, device: Any = None
) -> float:
    """The mean loss over the first batches, `truncate` and one more, of {"tokens": [batch, pos]}."""
    losses = []
    for batch in data_loader:
        losses.append(float(model(batch["tokens"], return_type="loss")))
        if len(losses) > truncate:
            break
    return sum(losses) / len(losses)
