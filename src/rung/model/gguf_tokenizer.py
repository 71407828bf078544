"""The tokenizer inside a GGUF file, built from its vocabulary, merges or scores.

A GGUF names the way text is cut before merging (`tokenizer.ggml.pre`) and does not spell it out; ways that are not in
`CUTS` leave the model without a tokenizer, and a note that says so, for a guess would give other tokens in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import TokenizerError
from .backends import (
    CONTROL,
    DIGITS,
    GPT2,
    LLAMA3,
    QWEN2,
    USER,
    Cut,
    Pieces,
    add_tokens,
    byte_level,
    from_pieces,
)
from .tokenizer import TextTokenizer

if TYPE_CHECKING:
    import tokenizers

CUTS: dict[str, Cut] = {
    **dict.fromkeys(("gpt-2", "phi-2", "mpt", "olmo"), GPT2),
    **dict.fromkeys(("smollm", "starcoder", "refact", "codeshell", "command-r"), DIGITS),
    **dict.fromkeys(("llama-bpe", "llama3", "llama-v3"), LLAMA3),
    **dict.fromkeys(("qwen2", "deepseek-r1-qwen"), QWEN2),
}
"""Known values of `tokenizer.ggml.pre`."""


class Inside(NamedTuple):
    """What a file says of its tokenizer."""

    build: Callable[[], TextTokenizer | None]
    puts_bos: bool | None
    notes: tuple[str, ...] = ()


def find_tokenizer(metadata: Mapping[str, Any]) -> Inside:
    """The tokenizer of the file; none, with a note, where it is of a kind that is not known."""
    said = {key.removeprefix("tokenizer.ggml."): value for key, value in metadata.items()}
    model, cut = said.get("model"), said.get("pre")
    if model is None:
        return Inside(lambda: None, None)
    if model == "gpt2" and isinstance(cut, str) and cut in CUTS:
        known = CUTS[cut]
        return Inside(lambda: _build(said, _byte_level(said, known)), said.get("add_bos_token", known.whole_first))
    if model == "llama":
        return Inside(lambda: _build(said, _sentence_piece(said)), said.get("add_bos_token", True))
    kind = f"model {model!r}" if model != "gpt2" else f"pre-tokenizer {cut!r}"
    note = f"the tokenizer inside the file has {kind}, which Rung does not know: give one, or token ids"
    return Inside(lambda: None, said.get("add_bos_token"), (note,))


def _build(said: Mapping[str, Any], make: Callable[[], tokenizers.Tokenizer]) -> TextTokenizer:
    """The tokenizer with its special tokens. Raises TokenizerError where the lists do not make one."""
    try:
        tokens = said["tokens"]
        if len(set(tokens)) != len(tokens):
            raise ValueError("a token stands in the vocabulary twice")
        backend = make()
        special = [_token(said, tokens, kind) for kind in ("bos", "eos", "padding")]
        return TextTokenizer(backend, *special)
    except TokenizerError:
        raise
    except Exception as error:  # tokenizers raises bare Exception
        raise TokenizerError(f"the tokenizer inside the file is broken: {type(error).__name__}: {error}") from None


def _token(said: Mapping[str, Any], tokens: list[str], kind: str) -> str | None:
    index = said.get(f"{kind}_token_id")
    if index is None:
        return None
    if not 0 <= index < len(tokens):
        raise TokenizerError(f"{kind}_token_id is {index}, outside the vocabulary of {len(tokens)}")
    return str(tokens[index])


def _byte_level(said: Mapping[str, Any], cut: Cut) -> Callable[[], tokenizers.Tokenizer]:
    def make() -> tokenizers.Tokenizer:
        vocabulary = {token: index for index, token in enumerate(said["tokens"])}
        pairs = [merge.split(" ") for merge in said["merges"]]
        backend = byte_level(vocabulary, [(left, right) for left, right in pairs], cut)
        kinds = said.get("token_type", [])
        for token, kind in zip(said["tokens"], kinds, strict=bool(kinds)):
            if kind in (CONTROL, USER):
                add_tokens(backend, [token], special=kind == CONTROL)
        return backend

    return make


def _sentence_piece(said: Mapping[str, Any]) -> Callable[[], tokenizers.Tokenizer]:
    def make() -> tokenizers.Tokenizer:
        unknown, prefixed = _token(said, said["tokens"], "unknown"), said.get("add_space_prefix", True)
        return from_pieces(Pieces(said["tokens"], said["scores"], said["token_type"], unknown, prefixed=prefixed))

    return make
