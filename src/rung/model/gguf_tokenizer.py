"""The tokenizer inside a GGUF file, built from its vocabulary, merges or scores.

A GGUF names the way text is cut before merging (`tokenizer.ggml.pre`) and does not spell it out; ways that are not in
`CUTS` leave the model without a tokenizer, and a note that says so, for a guess would give other tokens in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import TokenizerError
from .tokenizer import TextTokenizer

if TYPE_CHECKING:
    import tokenizers

_NORMAL, _CONTROL, _USER, _BYTE = 1, 3, 4, 6
"""Kinds of token, as GGUF numbers them: from the vocabulary; special; always whole; one byte."""

_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


class _Cut(NamedTuple):
    """How text is cut before merging: a pattern (None: GPT-2's own), or every digit alone before that."""

    pattern: str | None = None
    digits_alone: bool = False
    composed: bool = False
    """Text is brought to Unicode's composed form (NFC) first."""
    whole_first: bool = False
    """A word that is a token is not merged from its parts; such files put a BOS unless they say otherwise."""


_GPT2, _DIGITS = _Cut(), _Cut(digits_alone=True)
_LLAMA3, _QWEN2 = _Cut(_WORDS % r"\p{N}{1,3}", whole_first=True), _Cut(_WORDS % r"\p{N}", composed=True)
CUTS: dict[str, _Cut] = {
    **dict.fromkeys(("gpt-2", "phi-2", "mpt", "olmo"), _GPT2),
    **dict.fromkeys(("smollm", "starcoder", "refact", "codeshell", "command-r"), _DIGITS),
    **dict.fromkeys(("llama-bpe", "llama3", "llama-v3"), _LLAMA3),
    **dict.fromkeys(("qwen2", "deepseek-r1-qwen"), _QWEN2),
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
    import tokenizers

    try:
        tokens, kinds = said["tokens"], said.get("token_type", [])
        if len(set(tokens)) != len(tokens):
            raise ValueError("a token stands in the vocabulary twice")
        backend = make()
        for token, kind in zip(tokens, kinds, strict=bool(kinds)):
            if kind in (_CONTROL, _USER):
                added = tokenizers.AddedToken(token, normalized=False, special=kind == _CONTROL)
                (backend.add_special_tokens if added.special else backend.add_tokens)([added])
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


def _byte_level(said: Mapping[str, Any], cut: _Cut) -> Callable[[], tokenizers.Tokenizer]:
    """Bytes spelt as letters, joined by the file's merges (Radford et al. 2019)."""

    def make() -> tokenizers.Tokenizer:
        from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

        vocabulary = {token: index for index, token in enumerate(said["tokens"])}
        merges = [tuple(merge.split(" ")) for merge in said["merges"]]
        backend = Tokenizer(models.BPE(vocabulary, merges, ignore_merges=cut.whole_first))
        if cut.composed:
            backend.normalizer = normalizers.NFC()
        first: list[Any] = [pre_tokenizers.Digits(individual_digits=True)] if cut.digits_alone else []
        if cut.pattern is not None:
            first = [pre_tokenizers.Split(Regex(cut.pattern), behavior="isolated")]
        spell = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=cut.pattern is None)
        backend.pre_tokenizer = pre_tokenizers.Sequence([*first, spell])
        backend.decoder = decoders.ByteLevel()
        return backend

    return make


def _sentence_piece(said: Mapping[str, Any]) -> Callable[[], tokenizers.Tokenizer]:
    """Pieces with scores: of all neighbours whose union is a piece, the best is joined first (Kudo & Richardson 2018).

    Merges in the order of their pieces' scores give the same; what no piece covers is spelt in bytes.
    """

    def make() -> tokenizers.Tokenizer:
        from tokenizers import Tokenizer, decoders, models, normalizers

        tokens, scores, kinds = said["tokens"], said["scores"], said["token_type"]
        vocabulary = {token: index for index, token in enumerate(tokens)}
        normal = [index for index, kind in enumerate(kinds) if kind == _NORMAL]
        # Python sorts stably: of equal scores, the earlier piece is the better.
        ranked = sorted(normal, key=lambda index: -scores[index])
        joined = {tokens[index] for index in normal}
        merges = [
            (piece[:at], piece[at:])
            for piece in (tokens[index] for index in ranked)
            for at in range(1, len(piece))
            if piece[:at] in joined and piece[at:] in joined
        ]
        unknown = _token(said, tokens, "unknown")
        in_bytes = _BYTE in kinds
        backend = Tokenizer(models.BPE(vocabulary, merges, unk_token=unknown, fuse_unk=True, byte_fallback=in_bytes))
        space = normalizers.Replace(" ", "▁")
        prefixed = said.get("add_space_prefix", True)
        backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), space]) if prefixed else space
        strip = [decoders.Strip(" ", 1, 0)] if prefixed else []
        back = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
        backend.decoder = decoders.Sequence(back)
        return backend

    return make
