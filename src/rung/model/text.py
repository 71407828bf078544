"""Text in and out of a model: the topic of `HookedTransformer` that knows a tokenizer."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..engine.weights import unembedding
from ..errors import NoTokenizerError, PromptError, TextNote, TokenizerError
from .tokenizer import Tokenizer, label
from .weights import WeightsTopic

Side = Literal["left", "right"]
Input = str | Sequence[str] | Tensor


class TextTopic(WeightsTopic):
    """`to_tokens` and its kin."""

    tokenizer: Tokenizer | None

    def read(
        self,
        input: Input,
        prepend_bos: bool | None = None,
        padding_side: Side | None = None,
        truncate: bool = False,
    ) -> tuple[Int[Tensor, "batch pos"], Bool[Tensor, "batch pos"] | None]:
        """Tokens on the model's device, and a mask that is False at padding (None: nothing is padded).

        Padding of texts is what they lack in length; of tokens, what `find_padding` says. Raises PromptError for tokens
        the model cannot read, TokenizerError for text without a tokenizer.
        """
        side = self._side(padding_side)
        if isinstance(input, Tensor):
            tokens = self.check_tokens(input).to(self.device)
            return tokens, self.find_padding(tokens, prepend_bos, padding_side)
        texts = [input] if isinstance(input, str) else list(input)
        if not texts:
            raise PromptError("no text was given: an empty list")
        odd = next((text for text in texts if not isinstance(text, str)), None)
        if odd is not None:
            raise PromptError(f"{odd!r} is not text; token ids are given as a tensor, [pos] or [batch, pos]")
        tokenizer = self._tokenizer("text")
        first = self._first(prepend_bos)
        rows = [first + tokenizer.encode(text, add_special_tokens=False) for text in texts]
        if first and not self.__dict__.get("_told_of_two") and any(row[1:2] == first for row in rows):
            self.__dict__["_told_of_two"] = True
            warnings.warn(
                f"a text begins with {self.token_text(first[0])!r}, and one more is put before it: "
                "prepend_bos=False reads it as it stands",
                TextNote,
                stacklevel=3,
            )
        if truncate:
            rows = [row[: self.config.n_ctx] for row in rows]
        longest = max(map(len, rows))
        if min(map(len, rows)) == 0:
            raise PromptError("a text is empty, and no first token is put: there is nothing to read")
        fill = [[self.pad_token or 0] * (longest - len(row)) for row in rows]
        tokens = torch.tensor([f + r if side == "left" else r + f for f, r in zip(fill, rows, strict=True)])
        tokens = self.check_tokens(tokens).to(self.device)
        if min(map(len, rows)) == longest:
            return tokens, None
        lengths = torch.tensor([len(row) for row in rows], device=self.device)[:, None]
        at = torch.arange(longest, device=self.device)
        return tokens, (at >= longest - lengths if side == "left" else at < lengths)

    @property
    def pad_token(self) -> int | None:
        """What fills up rows of texts: the tokenizer's pad token, else its last, else the first; None without these."""
        if self.tokenizer is None:
            return None
        known = (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id, self.config.bos_token_id)
        return next((token for token in known if token is not None and token < self.config.d_vocab), None)

    def find_padding(
        self, tokens: Int[Tensor, "batch pos"], prepend_bos: bool | None = None, padding_side: Side | None = None
    ) -> Bool[Tensor, "batch pos"] | None:
        """False at padding, None where there is none: the pad tokens that a row begins or ends with.

        Where texts may hold the pad token too, as the first or the last token, those that every row begins or ends with
        are text, for the longest row is not padded: all but one first token on the left, none where `padding_side`
        says right. Of a row of nothing else one is text: the last if padding is on the left, else the first.
        """
        pad = self.pad_token
        if pad is None:
            return None
        compiling = torch.compiler.is_compiling()
        if not compiling and not bool(((tokens[:, 0] == pad) | (tokens[:, -1] == pad)).any()):
            return None
        left = self._side(padding_side) == "left"
        prepends = self.config.default_prepend_bos if prepend_bos is None else prepend_bos
        first = int(pad == self.config.bos_token_id and prepends)
        in_texts = pad in (self.config.bos_token_id, getattr(self.tokenizer, "eos_token_id", None))
        keep_left = first if first or left or not in_texts else None
        mask = real_tokens(tokens == pad, keep_left, None if in_texts and padding_side != "right" else 0, left)
        return mask if compiling or not bool(mask.all()) else None

    def _side(self, given: str | None) -> Side:
        side = given or getattr(self.tokenizer, "padding_side", None) or "right"
        if side == "left":
            return "left"
        if side != "right":
            raise PromptError(f"padding_side is {side!r}; known are 'left' and 'right'")
        return "right"

    def check_tokens(self, tokens: Tensor) -> Int[Tensor, "batch pos"]:
        """`tokens` with a batch axis, if the model can read them; PromptError if not."""
        if tokens.is_floating_point() or tokens.is_complex() or tokens.dtype == torch.bool:
            raise PromptError(f"tokens are whole numbers; these are {tokens.dtype}")
        if tokens.ndim == 1:
            tokens = tokens[None]
        if tokens.ndim != 2 or tokens.shape[1] == 0 or tokens.shape[0] == 0:
            raise PromptError(f"tokens have shape {list(tokens.shape)}; [pos] and [batch, pos] can be read, not empty")
        if tokens.shape[1] > self.config.n_ctx:
            raise PromptError(
                f"the prompt has {tokens.shape[1]} tokens; {self.config.model_name} reads {self.config.n_ctx}"
            )
        if not torch.compiler.is_compiling() and tokens.device.type == "cpu":
            low, high = (int(end) for end in tokens.aminmax())
            if low < 0 or high >= self.config.d_vocab:
                bad = low if low < 0 else high
                known = self.tokenizer is not None and 0 <= bad < len(self.tokenizer)
                named = (
                    f"; the tokenizer has it ({self.token_text(bad)!r}), the embedding no row for it" if known else ""
                )
                raise PromptError(f"token {bad} is outside the vocabulary of {self.config.d_vocab}{named}")
        return tokens.long()

    def to_tokens(
        self,
        input: str | Sequence[str],
        prepend_bos: bool | None = None,
        padding_side: Side | None = None,
        move_to_device: bool = True,
        truncate: bool = True,
    ) -> Int[Tensor, "batch pos"]:
        """Text as tokens [batch, pos]. `prepend_bos` None: as `config.default_prepend_bos` says."""
        tokens = self.read(input, prepend_bos, padding_side, truncate)[0]
        return tokens if move_to_device else tokens.cpu()

    def to_string(self, tokens: int | Sequence[int] | Sequence[Tensor] | Tensor | np.ndarray) -> str | list[str]:
        """Tokens as text: one string, or one a row for [batch, pos]."""
        tokenizer = self._tokenizer("text")
        if isinstance(tokens, Sequence) and any(isinstance(row, Tensor) and row.ndim for row in tokens):
            return [str(self.to_string(row)) for row in tokens]
        ids = torch.as_tensor(tokens)
        if ids.ndim == 2:
            return [tokenizer.decode(row.tolist()) for row in ids]
        return tokenizer.decode(ids.reshape(-1).tolist())

    def to_str_tokens(
        self,
        input: str | Sequence[str] | Sequence[Tensor] | Tensor | np.ndarray,
        prepend_bos: bool | None = None,
        padding_side: Side | None = None,
    ) -> list[str] | list[list[str]]:
        """Each token's text, for one prompt; a list of them for several. Without a tokenizer, ids stand for texts.

        Nothing is padded, so `padding_side`, which classic code may give, changes nothing.
        """
        if isinstance(input, np.ndarray):
            input = torch.from_numpy(input)
        if isinstance(input, Tensor):
            rows = input[None].tolist() if input.ndim < 2 else input.tolist()
            pieces = [[self.token_text(i) for i in (row if isinstance(row, list) else [row])] for row in rows]
            return pieces[0] if input.ndim < 2 or len(pieces) == 1 else pieces
        if isinstance(input, str):
            return [self.token_text(int(i)) for i in self.to_tokens(input, prepend_bos, truncate=False)[0]]
        each: list[Any] = [self.to_str_tokens(text, prepend_bos) for text in input]
        return each

    def token_text(self, token: int) -> str:
        """The text of one token with its leading space, or its id in brackets if there is no tokenizer."""
        return f"[{token}]" if self.tokenizer is None else label(self.tokenizer, token)

    def to_single_token(self, text: str) -> int:
        """The id of a text that is one token. Raises TokenizerError if it is not."""
        ids = self._tokenizer("text").encode(text, add_special_tokens=False)
        if len(ids) != 1:
            pieces = [self.token_text(i) for i in ids]
            raise TokenizerError(f"{text!r} is {len(ids)} tokens, {pieces}, not one")
        return ids[0]

    def to_single_str_token(self, token: int) -> str:
        """The text of one token."""
        return self.token_text(int(token))

    def get_token_position(
        self,
        single_token: str | int | Tensor,
        input: str | Tensor,
        mode: str = "first",
        prepend_bos: bool | None = None,
        padding_side: Side | None = None,
    ) -> int:
        """Where a token stands in a prompt, the first or the last time. Raises PromptError where it does not occur."""
        if mode not in ("first", "last"):
            raise PromptError(f"mode is {mode!r}; known are 'first' and 'last'")
        tokens = self.to_tokens(input, prepend_bos, padding_side) if isinstance(input, str) else input
        if tokens.ndim == 2 and len(tokens) != 1:
            raise PromptError(f"tokens have shape {list(tokens.shape)}; a position is asked of one prompt")
        token = self.to_single_token(single_token) if isinstance(single_token, str) else int(single_token)
        found = (tokens.flatten() == token).nonzero().flatten().tolist()
        if not found:
            raise PromptError(f"the token {self.token_text(token)!r} does not occur in the prompt")
        return int(found[0 if mode == "first" else -1])

    def tokens_to_residual_directions(self, tokens: str | int | Tensor) -> Float[Tensor, "*batch d_model"]:
        """The directions of the stream that raise these tokens' logits: rows of W_Uᵀ."""
        if isinstance(tokens, str):
            tokens = self.to_single_token(tokens)
        W_U = unembedding(self.weights)
        ids = torch.as_tensor(tokens, device=W_U.device)
        return W_U.T[self.check_tokens(ids.reshape(-1, 1)).view(ids.shape)]

    def _first(self, prepend_bos: bool | None) -> list[int]:
        wanted = self.config.default_prepend_bos if prepend_bos is None else prepend_bos
        if not wanted:
            return []
        if self.config.bos_token_id is None:
            raise TokenizerError(f"prepend_bos was asked for, but no first token is known for {self.config.model_name}")
        return [self.config.bos_token_id]

    def _tokenizer(self, what: str) -> Tokenizer:
        if self.tokenizer is None:
            why = next((f" ({note})" for note in self.config.notes if note.startswith("the tokenizer ")), "")
            raise NoTokenizerError(
                f"{self.config.model_name} has no tokenizer, so {what} cannot be read or written{why}: give token ids, "
                "put tokenizer.json into the model's folder, or pass tokenizer="
            )
        return self.tokenizer


def real_tokens(
    is_pad: Bool[Tensor, "batch pos"], keep_left: int | None, keep_right: int | None, left: bool
) -> Bool[Tensor, "batch pos"]:
    """False at the pad tokens that a row begins or ends with, but for `keep_left` and `keep_right` next to its text.

    None: as many as every row has. Of a row of pad tokens alone, the last is kept if `left`, else the first.
    """
    n = is_pad.shape[1]
    at = torch.arange(n, device=is_pad.device)
    before, after = is_pad.cumprod(1).sum(1, keepdim=True), is_pad.flip(1).cumprod(1).sum(1, keepdim=True)
    shared_before, shared_after = before.amin(), after.amin()
    begin = before - (shared_before if keep_left is None else keep_left)
    end = n - after + (shared_after if keep_right is None else keep_right)
    alone = at == (n - 1 if left else 0)
    # Where every row is nothing else, no row is the longest: all is text, if texts may hold it.
    alone = alone | (shared_before == n) if keep_left is None or keep_right is None else alone
    return torch.where(before == n, alone, (at >= begin) & (at < end))
