"""What a computation of the lab is: a typed request, a typed answer, and the function of the library between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, get_type_hints, runtime_checkable

import msgspec
import numpy as np
import torch

from ..errors import RungError
from ..model.model import HookedTransformer

MOST_TOKENS = 512
"""Tokens in a sequence that the page may ask for."""
MOST_SEQUENCES = 64
"""Sequences in a batch that the page may ask for."""
MOST_HEADS = 512
"""Heads in one sweep of the page."""
DEFAULT_MODEL = "two-layer"

Lane = Literal["quick", "long"]
"""quick: answered between the steps of a long job; long: one at a time, in order."""


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request, as JSON of the page. A field that is missing, unknown or of another type is an error."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, as JSON for the page: the library's numbers, unrounded."""


class Array(msgspec.Struct, frozen=True):
    """Numbers with a shape: float32, little-endian, in JSON as base64."""

    shape: list[int]
    data: bytes

    @staticmethod
    def of(values: torch.Tensor | np.ndarray | Sequence[Any]) -> Array:
        """The array of a tensor, a NumPy array or nested sequences."""
        if isinstance(values, torch.Tensor):
            values = values.detach().to("cpu", torch.float32).numpy()
        found = np.ascontiguousarray(values, dtype="<f4")
        return Array(list(found.shape), found.tobytes())

    def numpy(self) -> np.ndarray:
        """The numbers in their shape."""
        return np.frombuffer(self.data, dtype="<f4").reshape(self.shape)


@runtime_checkable
class Lab(Protocol):
    """What a computation may use of the running lab."""

    @property
    def names(self) -> tuple[str, ...]:
        """Models that the page offers."""

    @property
    def folder(self) -> Path:
        """A folder of this run, removed at its end."""

    def model(self, name: str) -> HookedTransformer:
        """The model of that name, loaded once and shared: it must not be changed. Raises RungError."""

    def keep(self, key: str, make: Callable[[], Any]) -> Any:
        """What `make` gives, kept under `key` among the last few."""


@runtime_checkable
class Job(Protocol):
    """One running request."""

    def progress(self, step: str, done: int, total: int) -> None:
        """Tells the page how far the work is. Raises Cancelled once the reader has cancelled."""


class Cancelled(Exception):
    """The reader cancelled the job."""


@dataclass(frozen=True)
class Computation:
    """A function that the page may call by name."""

    name: str
    lane: Lane
    ask: type[Ask]
    answer: type[Answer]
    run: Callable[[Lab, Any, Job], Answer]
    shared: bool = True
    """Whether the ask determines the answer, so that identical requests share one run and its answer is kept."""


AskType = TypeVar("AskType", bound=Ask)
AnswerType = TypeVar("AnswerType", bound=Answer)


def computation(
    name: str, lane: Lane = "quick", *, shared: bool = True
) -> Callable[[Callable[[Lab, AskType, Job], AnswerType]], Computation]:
    """Makes a computation of a function `(lab, ask, job) -> answer`; the types come from its annotations.

    `shared=False`: the answer depends on more than the ask (on what was trained before, say), so each request runs.
    """

    def make(function: Callable[[Lab, AskType, Job], AnswerType]) -> Computation:
        hints = get_type_hints(function)
        return Computation(name, lane, hints["ask"], hints["return"], function, shared)

    return make


def check_at_most(what: str, found: int, most: int) -> None:
    """Raises RungError if `found` is not from 1 to `most`."""
    if not 1 <= found <= most:
        raise RungError(f"{found} {what} were requested; the lab runs from 1 to {most}")


def text_tokens(model: HookedTransformer, text: str) -> torch.Tensor:
    """The tokens [1, pos] of a text.

    Raises RungError for a model without a tokenizer, an empty text, or one that is longer than the model's context or
    than MOST_TOKENS.
    """
    if model.tokenizer is None:
        raise RungError(
            f"{model.config.model_name} has no tokenizer, so it reads no text; choose random tokens instead"
        )
    if not text.strip():
        raise RungError("the text is empty; type at least one word")
    tokens = model.to_tokens(text, truncate=False)
    most = min(model.config.n_ctx, MOST_TOKENS)
    if tokens.shape[-1] > most:
        raise RungError(
            f"the text has {tokens.shape[-1]} tokens; {model.config.model_name} reads at most {most} here. Shorten it"
        )
    return tokens
