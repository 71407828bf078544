"""Tokenizers of the `tokenizers` library, made of parts: byte-level merges, or pieces with scores.

What a GGUF, a `tokenizer.model` and a `vocab.json` hold comes down to one of the two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import tokenizers

NORMAL, UNKNOWN, CONTROL, USER, BYTE = 1, 2, 3, 4, 6
"""Kinds of piece, as SentencePiece and GGUF number them: of the vocabulary, unknown, special, always whole, a byte."""

_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


class Cut(NamedTuple):
    """How text is cut before merging: a pattern (None: GPT-2's own), or every digit alone before that."""

    pattern: str | None = None
    digits_alone: bool = False
    composed: bool = False
    """Text is brought to Unicode's composed form (NFC) first."""
    whole_first: bool = False
    """A word that is a token is not merged from its parts; such files put a BOS unless they say otherwise."""
    prefixed: bool = False
    """A space is put before the text."""


GPT2, DIGITS = Cut(), Cut(digits_alone=True)
LLAMA3, QWEN2 = Cut(_WORDS % r"\p{N}{1,3}", whole_first=True), Cut(_WORDS % r"\p{N}", composed=True)


class Pieces(NamedTuple):
    """A vocabulary of pieces, and what is done to text before it is cut into them."""

    pieces: Sequence[str]
    scores: Sequence[float]
    kinds: Sequence[int]
    unknown: str | None
    unigram: bool = False
    """The likeliest cut of all (Kudo 2018, arXiv:1804.10959), instead of the best merge first."""
    prefixed: bool = True
    """A space is put before the text."""
    single_spaces: bool = False
    """Spaces at both ends go, and several in a row become one."""
    charsmap: bytes = b""
    """SentencePiece's own table of characters that stand for others."""


def byte_level(
    vocabulary: Mapping[str, int], merges: Sequence[tuple[str, str]], cut: Cut = GPT2
) -> tokenizers.Tokenizer:
    """Bytes spelt as letters, joined by the merges in their order (Radford et al. 2019)."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    backend = Tokenizer(models.BPE(dict(vocabulary), list(merges), ignore_merges=cut.whole_first))
    if cut.composed:
        backend.normalizer = normalizers.NFC()
    first: list[Any] = [pre_tokenizers.Digits(individual_digits=True)] if cut.digits_alone else []
    if cut.pattern is not None:
        first = [pre_tokenizers.Split(Regex(cut.pattern), behavior="isolated")]
    spell = pre_tokenizers.ByteLevel(add_prefix_space=cut.prefixed, use_regex=cut.pattern is None)
    backend.pre_tokenizer = pre_tokenizers.Sequence([*first, spell])
    backend.decoder = decoders.ByteLevel()
    return backend


def from_pieces(made: Pieces) -> tokenizers.Tokenizer:
    """Pieces with scores, as SentencePiece cuts text into them (Kudo & Richardson 2018, arXiv:1808.06226)."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    in_bytes = BYTE in made.kinds
    if made.unigram:
        unknown = None if made.unknown is None else list(made.pieces).index(made.unknown)
        vocabulary = list(zip(made.pieces, made.scores, strict=True))
        backend = Tokenizer(models.Unigram(vocabulary, unk_id=unknown, byte_fallback=in_bytes))
    else:
        ranks = {piece: index for index, piece in enumerate(made.pieces)}
        backend = Tokenizer(
            models.BPE(
                ranks,
                _merges(made),
                unk_token=made.unknown,
                fuse_unk=True,
                byte_fallback=in_bytes,
                ignore_merges=USER in made.kinds,
            )
        )
    steps: list[Any] = [normalizers.Precompiled(made.charsmap)] if made.charsmap else []
    if made.single_spaces:
        steps += [normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")]
    steps += [normalizers.Prepend("▁")] if made.prefixed else []
    backend.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", "▁")])
    whole = sorted(_of_kind(USER, made.pieces, made.kinds), key=len, reverse=True)
    if whole:
        backend.pre_tokenizer = pre_tokenizers.Split(Regex("|".join(map(re.escape, whole))), behavior="isolated")
    strip = [decoders.Strip(" ", 1, 0)] if made.prefixed else []
    back = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
    backend.decoder = decoders.Sequence(back)
    add_tokens(backend, _of_kind(CONTROL, made.pieces, made.kinds), special=True)
    return backend


def _merges(made: Pieces) -> list[tuple[str, str]]:
    """Of all neighbours whose union is a piece, the best is joined first: merges in the order of their pieces' scores
    give the same.
    """
    normal = [index for index, kind in enumerate(made.kinds) if kind == NORMAL]
    joined = {made.pieces[index] for index in normal}
    return [
        (piece[:at], piece[at:])
        # Python sorts stably: of equal scores, the earlier piece is the better.
        for piece in (made.pieces[index] for index in sorted(normal, key=lambda index: -made.scores[index]))
        for at in range(1, len(piece))
        if piece[:at] in joined and piece[at:] in joined
    ]


def add_tokens(backend: tokenizers.Tokenizer, tokens: Sequence[str], special: bool) -> None:
    """Makes these stand out of any text."""
    from tokenizers import AddedToken

    made = [AddedToken(token, normalized=False, special=special) for token in tokens]
    (backend.add_special_tokens if special else backend.add_tokens)(made)


def _of_kind(kind: int, pieces: Sequence[str], kinds: Sequence[int]) -> list[str]:
    return [piece for piece, its in zip(pieces, kinds, strict=True) if its == kind]
