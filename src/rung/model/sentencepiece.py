"""SentencePiece's `tokenizer.model`, read as what it is: a protocol buffer of pieces, scores and settings.

Fields by their numbers in sentencepiece_model.proto; every length is checked before it is believed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import TokenizerError
from .backends import BYTE, Pieces

_UNIGRAM, _BPE = 1, 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class SentencePieceModel(NamedTuple):
    """The pieces, and the names of special ones where the model has them."""

    pieces: Pieces
    bos: str | None
    eos: str | None
    pad: str | None


def read_sentencepiece(path: Path) -> SentencePieceModel:
    """Raises TokenizerError where the file is not a SentencePiece model of pieces with scores."""
    try:
        return _read(path.read_bytes())
    except (ValueError, IndexError, struct.error, UnicodeDecodeError, OSError) as error:
        raise TokenizerError(f"{path} is not a SentencePiece model that can be read: {error}") from None


def _read(data: bytes) -> SentencePieceModel:
    pieces: list[str] = []
    scores: list[float] = []
    kinds: list[int] = []
    trainer: dict[int, int | bytes] = {}
    normalizer: dict[int, int | bytes] = {}
    for number, value in _fields(data):
        if number == 1:
            piece = dict(_fields(_bytes(value)))
            pieces.append(_bytes(piece[1]).decode() if 1 in piece else "")
            scores.append(struct.unpack("<f", _bytes(piece.get(2, b"\0\0\0\0")))[0])
            kinds.append(_number(piece.get(3, 1)))
        elif number in (2, 3):
            (trainer if number == 2 else normalizer).update(_fields(_bytes(value)))
    kind = _number(trainer.get(3, _UNIGRAM))
    if not pieces or kind not in (_UNIGRAM, _BPE):
        raise ValueError(f"model_type {kind}" if pieces else "it holds no pieces")
    if _number(trainer.get(24, 0)) or not _number(normalizer.get(5, 1)):
        raise ValueError("it keeps spaces in another way than before words, as ▁")

    def named(number: int, default: int) -> str | None:
        index = _signed(_number(trainer.get(number, default & (1 << 64) - 1)))
        return pieces[index] if 0 <= index < len(pieces) else None

    made = Pieces(
        pieces,
        scores,
        kinds,
        named(40, 0),
        unigram=kind == _UNIGRAM,
        prefixed=bool(_number(normalizer.get(3, 1))),
        single_spaces=bool(_number(normalizer.get(4, 1))),
        charsmap=_bytes(normalizer.get(2, b"")),
    )
    if _number(trainer.get(35, 0)) != (BYTE in kinds):
        raise ValueError("its settings and its pieces do not agree on bytes")
    return SentencePieceModel(made, named(41, 1), named(42, 2), named(43, -1))


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(number, value) of each field: a whole number, or bytes as they stand."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if wire == _BYTES:
            length, at = _varint(data, at)
        elif wire in (_FIXED32, _FIXED64):
            length = 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"a field of kind {wire} stands at {at}")
        if at + length > len(data):
            raise ValueError(f"{length} bytes are promised at {at}, and there are {len(data)}")
        yield key >> 3, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
    raise ValueError(f"the number before {at} does not end")


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number stands where bytes must")
    return value


def _number(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise ValueError("bytes stand where a number must")
    return value


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
