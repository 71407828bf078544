"""Which files of a folder hold its tokenizer, and the `tokenizers` backend made of them.

`tokenizer.json` is the library's own. `tokenizer.model` (SentencePiece) and `vocab.json` with `merges.txt` are read
where it is known what becomes of text before it is cut; a guess would give other tokens in silence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import TokenizerError
from .backends import GPT2, QWEN2, Cut, add_tokens, byte_level, from_pieces
from .sentencepiece import read_sentencepiece

if TYPE_CHECKING:
    import tokenizers

_OTHERS = ("tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.json", "vocab.txt", "*.tiktoken")
"""Files that hold a tokenizer and no `tokenizer.json`."""

_CUTS: Mapping[str, Cut] = {"GPT2Tokenizer": GPT2, "CodeGenTokenizer": GPT2, "Qwen2Tokenizer": QWEN2}
"""What cuts text, by the class that tokenizer_config.json names."""
_CLASSES: Mapping[str, str] = {
    **dict.fromkeys(("gpt2", "gpt_neo", "gptj", "opt", "gpt_bigcode"), "GPT2Tokenizer"),
    **dict.fromkeys(("codegen", "phi"), "CodeGenTokenizer"),
    **dict.fromkeys(("qwen2", "qwen2_moe", "qwen3", "qwen3_moe"), "Qwen2Tokenizer"),
}
"""The class of a `model_type`, where none is named."""


class Backend(NamedTuple):
    """What turns text into ids, and the special tokens that the file itself names."""

    backend: tokenizers.Tokenizer
    special: Mapping[str, str | None]


def open_backend(folder: Path, settings: Mapping[str, Any], model_type: Any) -> Backend | None:
    """The folder's tokenizer; None if it has none, or none that can be read: `unread_tokenizer` says which.

    Raises TokenizerError on a broken tokenizer.json.
    """
    whole = folder / "tokenizer.json"
    if whole.exists():
        import tokenizers

        try:
            return Backend(tokenizers.Tokenizer.from_file(str(whole)), {})
        except Exception as error:  # tokenizers raises bare Exception
            raise TokenizerError(f"{whole} is not a tokenizer that can be read: {error}") from None
    try:
        found = _pieces(folder, settings) or _merges(folder, settings, model_type)
        if found is not None:
            _add(folder, settings, found.backend)
    except Exception:
        return None
    return found


def unread_tokenizer(folder: Path) -> str | None:
    """What to do about the tokenizer of a folder where none was read; None where there is nothing to read."""
    for pattern in _OTHERS:
        for path in sorted(folder.glob(pattern)):
            return (
                f"the tokenizer is in {path.name}, which Rung cannot read; this writes a tokenizer.json beside it: "
                f"transformers.AutoTokenizer.from_pretrained({str(folder)!r}).save_pretrained({str(folder)!r})"
            )
    return None


def _pieces(folder: Path, settings: Mapping[str, Any]) -> Backend | None:
    path = folder / "tokenizer.model"
    if not path.exists():
        return None
    found = read_sentencepiece(path)
    pieces = found.pieces
    if settings.get("add_prefix_space") is False:
        pieces = pieces._replace(prefixed=False)
    special = {"bos_token": found.bos, "eos_token": found.eos, "pad_token": found.pad}
    return Backend(from_pieces(pieces), special)


def _merges(folder: Path, settings: Mapping[str, Any], model_type: Any) -> Backend | None:
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    named = str(settings.get("tokenizer_class") or _CLASSES.get(str(model_type))).removesuffix("Fast")
    if not vocabulary.exists() or not merges.exists() or named not in _CUTS:
        return None
    lines = merges.read_text(encoding="utf-8").split("\n")
    pairs = [line.split(" ") for line in lines if line.strip() and not line.startswith("#version")]
    cut = _CUTS[named]._replace(prefixed=settings.get("add_prefix_space") is True)
    known = json.loads(vocabulary.read_text(encoding="utf-8"))
    return Backend(byte_level(known, [(left, right) for left, right in pairs], cut), {})


def _add(folder: Path, settings: Mapping[str, Any], backend: tokenizers.Tokenizer) -> None:
    """The tokens that were added to the vocabulary, in the order of their ids."""
    path, listed = folder / "added_tokens.json", settings.get("added_tokens_decoder") or {}
    added = {int(index): (token["content"], bool(token.get("special"))) for index, token in listed.items()}
    if not added and path.exists():
        added = {index: (token, False) for token, index in json.loads(path.read_text(encoding="utf-8")).items()}
    for index, (token, special) in sorted(added.items()):
        add_tokens(backend, [token], special)
        if backend.token_to_id(token) != index:
            raise TokenizerError(f"{token!r} was added as {index}, and would be {backend.token_to_id(token)}")
