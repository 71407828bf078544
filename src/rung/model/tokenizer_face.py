"""What people do with a model's tokenizer beyond what a model needs: the ways of calling one of transformers.

The common ones are here, and need no transformers; any other is asked of `to_transformers()`, the same tokenizer as
that package's own, made when it is first needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..errors import TokenizerError

if TYPE_CHECKING:
    import tokenizers

Ids = int | Sequence[int] | Tensor | np.ndarray


class TokenizerFace:
    """The calls of a transformers tokenizer, over a backend and the names of its special tokens."""

    backend: tokenizers.Tokenizer
    bos_token: str | None
    eos_token: str | None
    pad_token: str | None
    padding_side: str | None
    name_or_path: str = ""

    if TYPE_CHECKING:  # the class that mixes this in has them

        @property
        def pad_token_id(self) -> int | None: ...
        @property
        def special_ids(self) -> frozenset[int]: ...

    def __call__(
        self,
        text: str | Sequence[str],
        *,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool = False,
        max_length: int | None = None,
        return_tensors: str | None = None,
        **others: Any,
    ) -> Any:
        """{"input_ids": …, "attention_mask": …} of a text, or of several.

        `padding`: True or "longest", or "max_length", on `padding_side`. `return_tensors`: "pt" or "np", else lists.
        Other options are transformers' own and need it. Raises TokenizerError where rows of unequal length would be a
        tensor, or padding was asked for without a token for it.
        """
        if others or not (isinstance(text, str) or all(isinstance(one, str) for one in text)):
            return self.to_transformers()(
                text, add_special_tokens=add_special_tokens, padding=padding, truncation=truncation,
                max_length=max_length, return_tensors=return_tensors, **others,
            )  # fmt: skip
        texts = [text] if isinstance(text, str) else list(text)
        rows = [list(self.backend.encode(one, add_special_tokens=add_special_tokens).ids) for one in texts]
        rows = [row[:max_length] if truncation else row for row in rows]
        width = max(map(len, rows), default=0)
        if padding == "max_length" and max_length is not None:
            width = max(width, max_length)
        masks = [[1] * len(row) for row in rows]
        if padding:
            rows, masks = self._filled(rows, width, self._pad_id(rows, width)), self._filled(masks, width, 0)
        if isinstance(text, str) and return_tensors is None:
            return Encoding(input_ids=rows[0], attention_mask=masks[0])
        return Encoding(input_ids=_as(return_tensors, rows), attention_mask=_as(return_tensors, masks))

    def _pad_id(self, rows: Sequence[Sequence[int]], width: int) -> int:
        if self.pad_token_id is None and any(len(row) < width for row in rows):
            raise TokenizerError("padding was asked for, and the tokenizer has no pad token: set tokenizer.pad_token")
        return self.pad_token_id or 0

    def _filled(self, rows: list[list[int]], width: int, value: int) -> list[list[int]]:
        fill = [[value] * (width - len(row)) for row in rows]
        left = self.padding_side == "left"
        return [f + row if left else row + f for f, row in zip(fill, rows, strict=True)]

    def encode(
        self, text: str, /, *, add_special_tokens: bool = True, return_tensors: str | None = None, **others: Any
    ) -> Any:
        """Token ids of `text`, as a list or, with `return_tensors` "pt" or "np", as [1, pos]. The tokens that the
        tokenizer itself puts around a text come with them, unless `add_special_tokens` is False.
        """
        if others or not isinstance(text, str):
            return self(
                text, add_special_tokens=add_special_tokens, return_tensors=return_tensors, **others
            )["input_ids"]  # fmt: skip
        ids = list(self.backend.encode(text, add_special_tokens=add_special_tokens).ids)
        return ids if return_tensors is None else _as(return_tensors, [ids])

    def decode(self, token_ids: Any, /, *, skip_special_tokens: bool = False, **others: Any) -> Any:
        """The text of some tokens; of each row, for [batch, pos]."""
        if others:
            return self.to_transformers().decode(token_ids, skip_special_tokens=skip_special_tokens, **others)
        ids = _plain(token_ids)
        if isinstance(ids, list) and ids and isinstance(ids[0], list):
            return [self.decode(row, skip_special_tokens=skip_special_tokens) for row in ids]
        ids = [ids] if isinstance(ids, int) else ids
        return str(self.backend.decode(ids, skip_special_tokens=skip_special_tokens))

    def batch_decode(self, sequences: Any, skip_special_tokens: bool = False, **others: Any) -> list[str]:
        """The text of each row, or of each single id."""
        return [self.decode(row, skip_special_tokens=skip_special_tokens, **others) for row in sequences]

    def tokenize(self, text: str, add_special_tokens: bool = False) -> list[str]:
        """The tokens of `text` as the vocabulary spells them."""
        return list(self.backend.encode(text, add_special_tokens=add_special_tokens).tokens)

    def get_vocab(self) -> dict[str, int]:
        """Every token as the vocabulary spells it, and its id."""
        return dict(self.backend.get_vocab(with_added_tokens=True))

    @property
    def vocab(self) -> dict[str, int]:
        """`get_vocab()`."""
        return self.get_vocab()

    def convert_ids_to_tokens(self, ids: Ids, skip_special_tokens: bool = False) -> Any:
        """Ids as the vocabulary spells them: one, or a list."""
        plain = _plain(ids)
        if isinstance(plain, int):
            return self.backend.id_to_token(plain)
        return [self.backend.id_to_token(i) for i in plain if not (skip_special_tokens and i in self.special_ids)]

    def convert_tokens_to_ids(self, tokens: str | Sequence[str]) -> Any:
        """Tokens as the vocabulary spells them, as ids: one, or a list. None for what it does not have."""
        if isinstance(tokens, str):
            return self.backend.token_to_id(tokens)
        return [self.backend.token_to_id(token) for token in tokens]

    def convert_tokens_to_string(self, tokens: Sequence[str]) -> str:
        """The text of tokens that are spelled as in the vocabulary."""
        return self.decode(self.convert_tokens_to_ids(tokens))  # type: ignore[no-any-return]

    @property
    def special_tokens_map(self) -> dict[str, str]:
        """The special tokens that are named, by what they are for."""
        named = {"bos_token": self.bos_token, "eos_token": self.eos_token, "pad_token": self.pad_token}
        return {kind: token for kind, token in named.items() if token is not None}

    @property
    def all_special_ids(self) -> list[int]:
        """Ids of tokens that stand for no text."""
        return sorted(self.special_ids)

    @property
    def all_special_tokens(self) -> list[str]:
        """Tokens that stand for no text."""
        return [str(self.backend.id_to_token(i)) for i in self.all_special_ids]

    def add_special_tokens(self, tokens: Mapping[str, Any]) -> int:
        """Names special tokens, {"pad_token": "[PAD]"}, and adds those that are new; how many were."""
        given = {kind: token for kind, token in tokens.items() if isinstance(token, str)}
        more = [token for kind, token in tokens.items() if kind not in given for token in token]
        before = self.backend.get_vocab_size(with_added_tokens=True)
        self.backend.add_special_tokens([*given.values(), *more])
        for kind, token in given.items():
            setattr(self, kind, token)
        return int(self.backend.get_vocab_size(with_added_tokens=True)) - before

    def add_tokens(self, tokens: str | Sequence[str], special_tokens: bool = False) -> int:
        """Adds tokens to the vocabulary; how many are new."""
        new = [tokens] if isinstance(tokens, str) else list(tokens)
        self.__dict__.pop("_real", None)
        add = self.backend.add_special_tokens if special_tokens else self.backend.add_tokens
        return int(add(new))

    def to_transformers(self) -> Any:
        """The same tokenizer as a `PreTrainedTokenizerFast`. Raises TokenizerError where transformers is not there."""
        real = self.__dict__.get("_real")
        if real is None:
            try:
                from transformers import PreTrainedTokenizerFast
            except ImportError:
                raise TokenizerError(
                    "this is asked of transformers' own tokenizer, and transformers is not installed: "
                    "pip install 'rung[hf]'"
                ) from None
            real = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
                tokenizer_object=self.backend, clean_up_tokenization_spaces=False, **self.special_tokens_map
            )
            real.padding_side, real.name_or_path = self.padding_side or "right", self.name_or_path
            self.__dict__["_real"] = real
        return real

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__.pop("_real", None)
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        # Copies and pickles ask for these before there is a backend; a protocol check asks for what is not there.
        if name.startswith("_") or "backend" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__} has no {name!r}")
        try:
            return getattr(self.to_transformers(), name)
        except TokenizerError as error:
            raise AttributeError(f"{type(self).__name__} has no {name!r}; {error}") from None

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_real"}


class Encoding(dict[str, Any]):
    """What a tokenizer gives: by name, or as attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def to(self, device: torch.device | str) -> Encoding:
        """With tensors on a device."""
        return Encoding({name: x.to(device) if isinstance(x, Tensor) else x for name, x in self.items()})


def _as(kind: str | None, rows: list[list[int]]) -> Any:
    if kind is None:
        return rows
    if kind not in ("pt", "np"):
        raise TokenizerError(f"return_tensors is {kind!r}; known are 'pt' and 'np'")
    if len({len(row) for row in rows}) > 1:
        raise TokenizerError("rows of unequal length are no tensor: pass padding=True")
    return torch.tensor(rows) if kind == "pt" else np.array(rows)


def _plain(ids: Any) -> Any:
    """Ids as whole numbers and lists of them."""
    if isinstance(ids, Tensor | np.ndarray | np.generic):
        return ids.tolist()
    return ids if isinstance(ids, int) else [_plain(one) for one in ids]
