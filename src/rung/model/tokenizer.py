"""Text and tokens. Whether a first token is put is the model's `default_prepend_bos`, never the tokenizer's habit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..config import ModelConfig
from ..errors import TokenizerError
from .tokenizer_face import TokenizerFace

if TYPE_CHECKING:
    import tokenizers


@runtime_checkable
class Tokenizer(Protocol):
    """What a model needs of a tokenizer; those of transformers fit as they are."""

    @property
    def bos_token_id(self) -> int | None: ...
    @property
    def pad_token_id(self) -> int | None: ...
    @property
    def eos_token_id(self) -> int | None: ...
    def encode(self, text: str, /, *, add_special_tokens: bool = ...) -> list[int]: ...
    def decode(self, token_ids: list[int], /) -> str: ...
    def __len__(self) -> int: ...


class TextTokenizer(TokenizerFace):
    """A tokenizer.json, with the names of its special tokens. `TokenizerFace` has the ways of calling it."""

    def __init__(
        self,
        backend: tokenizers.Tokenizer,
        bos_token: str | None = None,
        eos_token: str | None = None,
        pad_token: str | None = None,
    ) -> None:
        self.backend = backend
        self.bos_token = bos_token
        self.eos_token = eos_token
        self.pad_token = pad_token
        self.padding_side: str | None = None
        for token in (bos_token, eos_token, pad_token):
            if token is not None and backend.token_to_id(token) is None:
                raise TokenizerError(f"the tokenizer does not know {token!r}, which its settings name as special")

    def __len__(self) -> int:
        return int(self.backend.get_vocab_size(with_added_tokens=True))

    @property
    def vocab_size(self) -> int:
        return len(self)

    def _id(self, token: str | None) -> int | None:
        return None if token is None else self.backend.token_to_id(token)

    @property
    def bos_token_id(self) -> int | None:
        return self._id(self.bos_token)

    @property
    def eos_token_id(self) -> int | None:
        return self._id(self.eos_token)

    @property
    def pad_token_id(self) -> int | None:
        return self._id(self.pad_token)

    @property
    def special_ids(self) -> frozenset[int]:
        """Tokens that stand for no text."""
        added = self.backend.get_added_tokens_decoder()
        return frozenset(index for index, token in added.items() if token.special)

    def save(self, folder: Path) -> None:
        """Writes tokenizer.json and the names of special tokens."""
        self.backend.save(str(folder / "tokenizer.json"))
        special = {"bos_token": self.bos_token, "eos_token": self.eos_token, "pad_token": self.pad_token}
        (folder / "tokenizer_config.json").write_text(json.dumps(special, indent=2) + "\n")


def with_padding(tokenizer: Tokenizer | None) -> Tokenizer | None:
    """The tokenizer, which from now on pads with its last token, else its first, if it names none to pad with; and on
    the right, if it says nothing.
    """
    if tokenizer is None:
        return None
    tokens = (getattr(tokenizer, name, None) for name in ("eos_token", "bos_token"))
    pad = next((token for token in tokens if token is not None), None)
    if tokenizer.pad_token_id is None and pad is not None:
        tokenizer.pad_token = pad  # type: ignore[attr-defined]
    if getattr(tokenizer, "padding_side", "") is None:
        tokenizer.padding_side = "right"  # type: ignore[attr-defined]
    return tokenizer


def check_pair(tokenizer: Tokenizer | None, config: ModelConfig) -> None:
    """Raises TokenizerError if the tokenizer gives tokens that the model's embedding does not have."""
    if tokenizer is not None and len(tokenizer) > config.d_vocab:
        raise TokenizerError(
            f"the tokenizer has {len(tokenizer)} tokens, the model's embedding {config.d_vocab}: they are not a pair"
        )


def read_tokenizer(folder: Path, config: Mapping[str, Any]) -> TextTokenizer | None:
    """The tokenizer in a model's folder, or None if it has none. Raises TokenizerError on a broken one.

    Special tokens are named by tokenizer_config.json, special_tokens_map.json or `config` (the model's config.json),
    in that order.
    """
    path = folder / "tokenizer.json"
    if not path.exists():
        return None
    import tokenizers

    try:
        backend = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise TokenizerError(f"{path} is not a tokenizer that can be read: {error}") from None
    # Length is the model's to judge: a prompt cut or filled up in silence would be another prompt.
    backend.no_truncation()
    backend.no_padding()
    sources = [_read_json(folder / name) for name in ("tokenizer_config.json", "special_tokens_map.json")]
    sources.append(config)

    def special(kind: str) -> str | None:
        for source in sources:
            token = source.get(kind)
            token = token.get("content") if isinstance(token, Mapping) else token
            if isinstance(token, str):
                return token
        index = config.get(f"{kind}_id")
        if not isinstance(index, int) or not 0 <= index < backend.get_vocab_size():
            return None
        return backend.id_to_token(index)

    return TextTokenizer(backend, special("bos_token"), special("eos_token"), special("pad_token"))


def _read_json(path: Path) -> Mapping[str, Any]:
    if not path.exists():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise TokenizerError(f"{path} is not JSON that can be read: {error}") from None
    return values if isinstance(values, dict) else {}
