"""Text and tokens. Whether a first token is put is the model's `default_prepend_bos`, never the tokenizer's habit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..config import ModelConfig
from ..errors import TokenizerError
from .backends import add_tokens
from .tokenizer_face import TokenizerFace
from .tokenizer_files import open_backend

if TYPE_CHECKING:
    import tokenizers


TOKENIZER_CONFIG = "tokenizer_config.json"


@runtime_checkable
class Tokenizer(Protocol):
    """What a model needs of a tokenizer; those of transformers fit as they are."""

    if TYPE_CHECKING:  # transformers has these by __getattr__, which isinstance does not see from Python 3.12 on

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
        *,
        puts_bos: bool | None = None,
        padding_side: str | None = None,
    ) -> None:
        """`puts_bos`: whether its files say that texts begin with a first token; `padding_side`: where they pad."""
        self.puts_bos = puts_bos
        self.backend = backend
        self.bos_token = bos_token
        self.eos_token = eos_token
        self.pad_token = pad_token
        self.padding_side = padding_side
        if padding_side not in ("left", "right", None):
            raise TokenizerError(f"padding_side is {padding_side!r}; known are 'left' and 'right'")
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
        special: dict[str, Any] = {
            "bos_token": self.bos_token, "eos_token": self.eos_token, "pad_token": self.pad_token,
        }  # fmt: skip
        if self.padding_side is not None:
            special["padding_side"] = self.padding_side
        (folder / TOKENIZER_CONFIG).write_text(json.dumps(special, indent=2) + "\n")


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


def label(tokenizer: Tokenizer, token: int) -> str:
    """The text of one token, its leading space kept: a tokenizer that decodes it alone may take it for the beginning
    of a text.
    """
    text = tokenizer.decode([token])
    find = getattr(tokenizer, "convert_ids_to_tokens", None)
    piece = find(token) if find is not None else None
    if not isinstance(piece, str):
        return text
    spaced = piece.replace("▁", " ").replace("Ġ", " ")
    return spaced if spaced.endswith(text) and not spaced[: len(spaced) - len(text)].strip(" ") else text


def noted_pair(config: ModelConfig, tokenizer: Tokenizer | None) -> ModelConfig:
    """The config, with a note where the tokenizer gives tokens that the model's embedding does not have."""
    if tokenizer is None or len(tokenizer) <= config.d_vocab:
        return config
    note = (
        f"the tokenizer has {len(tokenizer)} tokens, the model's embedding {config.d_vocab}: ids from "
        f"{config.d_vocab} on are refused where they are used"
    )
    return config if note in config.notes else replace(config, notes=(*config.notes, note))


def read_tokenizer(folder: Path, config: Mapping[str, Any]) -> TextTokenizer | None:
    """The tokenizer in a model's folder, or None if it has none that can be read. Raises TokenizerError on a broken
    one.

    Special tokens are named by tokenizer_config.json, special_tokens_map.json or `config` (the model's config.json),
    in that order, then by the tokenizer's own file.
    """
    sources = [read_settings(folder / name) for name in (TOKENIZER_CONFIG, "special_tokens_map.json")]
    found = open_backend(folder, sources[0], config.get("model_type"))
    if found is None:
        return None
    backend = found.backend
    # Length is the model's to judge: a prompt cut or filled up in silence would be another prompt.
    backend.no_truncation()
    backend.no_padding()
    sources.append(config)

    def special(kind: str) -> str | None:
        for source in sources:
            token = source.get(kind)
            token = token.get("content") if isinstance(token, Mapping) else token
            if isinstance(token, str):
                return token
        index = config.get(f"{kind}_id")
        if not isinstance(index, int) or not 0 <= index < backend.get_vocab_size():
            return found.special.get(kind)
        return backend.id_to_token(index)

    side = sources[0].get("padding_side")
    if side not in ("left", "right", None):
        raise TokenizerError(f"{folder / TOKENIZER_CONFIG} has padding_side {side!r}; known are 'left' and 'right'")
    bos, eos, pad = (special(kind) for kind in ("bos_token", "eos_token", "pad_token"))
    if not (folder / "tokenizer.json").exists():
        known = [token for token in (bos, eos, pad) if token and backend.token_to_id(token) is not None]
        add_tokens(backend, known, special=True)
    return TextTokenizer(backend, bos, eos, pad, puts_bos=puts_first_token(sources[0]), padding_side=side)


def puts_first_token(settings: Mapping[str, Any]) -> bool | None:
    """Whether a tokenizer_config.json says that texts begin with a first token; None: it says nothing."""
    said = settings.get("add_bos_token")
    if isinstance(said, bool):
        return said
    return False if "bos_token" in settings and settings["bos_token"] is None else None


def says_first_token(tokenizer: object) -> bool | None:
    """Whether a tokenizer somebody has loaded says that texts begin with a first token; None: it says nothing.

    Those of transformers have a value also where their files are silent, so the files themselves are read.
    """
    if isinstance(tokenizer, TextTokenizer):
        return tokenizer.puts_bos
    said = puts_first_token(read_settings(Path(str(getattr(tokenizer, "name_or_path", ""))) / TOKENIZER_CONFIG))
    if said is None and getattr(tokenizer, "add_bos_token", None) is True:
        return True
    return puts_first_token(getattr(tokenizer, "init_kwargs", {})) if said is None else said


def read_settings(path: Path) -> Mapping[str, Any]:
    """The keys and values of a JSON file; none if there is no such file."""
    if not path.exists():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise TokenizerError(f"{path} is not JSON that can be read: {error}") from None
    return values if isinstance(values, dict) else {}
