"""Where weights come from: the tensors of a checkpoint as its files store them, before any processing or rounding."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..config import ModelConfig
from ..engine.weights import Weights, flatten
from ..errors import CheckpointError

_AT_ONCE = 1 << 20
"""Bytes of a file that are held while it is hashed."""
_BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Integers by their size in bytes."""


class FileStamp(NamedTuple):
    """A file as it was at one time."""

    path: Path
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, file: BufferedReader) -> FileStamp:
        """The stamp of an open file."""
        found = os.fstat(file.fileno())
        return cls(Path(file.name).absolute(), found.st_size, found.st_mtime_ns)


class StoredTensor(NamedTuple):
    """Where a file holds one tensor, and as what."""

    name: str
    dtype: str
    """As the file calls it: F32, BF16, Q4_K."""
    shape: tuple[int, ...]
    path: Path
    start: int
    nbytes: int


@dataclass(frozen=True)
class Origin:
    """The checkpoint that weights were read from: its files as they were then, and every tensor in them."""

    files: tuple[FileStamp, ...]
    tensors: tuple[StoredTensor, ...] = field(repr=False)
    sums: tuple[tuple[str, str, float, bool], ...] = field(default=(), repr=False)
    """Of an adapter: the tensor that a product is added to, the product's first factor, its scale, and whether it is
    transposed."""

    def digest(self) -> str:
        """SHA-256 of the checkpoint's own weights, in hexadecimal. Read from the files when first asked.

        Over all tensors, sorted by name: `json.dumps([name, dtype, shape])` and a newline, then the bytes as stored;
        and, with an adapter, over `json.dumps(sums)`, sorted. How tensors are spread over files does not count, nor
        what else the files hold. Raises CheckpointError if a file is gone or was changed after the weights were read.
        """
        return self._digest

    @cached_property
    def _digest(self) -> str:
        hashed, piece = hashlib.sha256(), memoryview(bytearray(_AT_ONCE))
        with ExitStack() as opened:
            files = {stamp.path: opened.enter_context(_open_unchanged(stamp)) for stamp in self.files}
            for tensor in sorted(self.tensors):
                hashed.update(json.dumps([tensor.name, tensor.dtype, tensor.shape]).encode() + b"\n")
                file = files[tensor.path]
                file.seek(tensor.start)
                left = tensor.nbytes
                while left:
                    got = file.readinto(piece[:left])
                    if not got:
                        raise _changed(tensor.path)
                    hashed.update(piece[:got])
                    left -= got
            if self.sums:
                hashed.update(json.dumps(sorted(self.sums)).encode())
            for stamp in self.files:
                if FileStamp.of(files[stamp.path]) != stamp:
                    raise _changed(stamp.path)
        return hashed.hexdigest()


def _open_unchanged(stamp: FileStamp) -> BufferedReader:
    try:
        file = stamp.path.open("rb")
    except OSError as error:
        raise CheckpointError(f"{stamp.path} cannot be read again: {error.strerror or error}") from None
    if FileStamp.of(file) != stamp:
        file.close()
        raise _changed(stamp.path)
    return file


def _changed(path: Path) -> CheckpointError:
    return CheckpointError(f"{path} is not the file any more that the weights were read from: it was changed since")


@torch.no_grad()
def fingerprint(tensors: Iterable[tuple[str, Tensor]]) -> str:
    """A number that differs where values do: SHA-256 of names, types, shapes, and sums of the values' bits.

    Matrices are summed along each of their last two axes, which reads them as fast as memory allows and copies nothing.
    It tells an edit: any one value, any exchange of heads, rows or columns. It does not withstand an edit that was made
    to escape it.
    """
    hashed = hashlib.sha256()
    for name, tensor in tensors:
        hashed.update(json.dumps([name, str(tensor.dtype), tensor.shape]).encode())
        bits = tensor.detach().view(_BITS[tensor.element_size()])
        # Sums in the integers' own type wrap around: still, one value changed changes the sum.
        sums = [bits.sum(axis, dtype=bits.dtype) for axis in (-1, -2)] if tensor.ndim > 1 else [bits]
        for each in sums:
            hashed.update(each.cpu().numpy().tobytes())
    return hashed.hexdigest()


def hash_weights(config: ModelConfig, weights: Weights) -> str:
    """SHA-256 over sorted name, dtype, shape and bytes of every weight, as the model holds them."""
    digest = hashlib.sha256()
    for name, tensor in sorted(flatten(config, weights), key=lambda item: item[0]):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.detach().contiguous().cpu().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def package_version(package: str) -> str:
    """The version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:  # run from its sources, say
        return "not installed"


class OriginTopic(nn.Module):
    """`model.origin` and `model.checkpoint_digest()`. A topic of `HookedTransformer`."""

    _origin: tuple[Origin, str] | None = None
    """The checkpoint, and the fingerprint of the weights that came of it."""

    def keep_origin(self, origin: Origin | None) -> None:
        """Makes `origin` the checkpoint that the weights, as they are now, come from."""
        self._origin = None if origin is None else (origin, fingerprint(self.named_parameters()))

    @property
    def origin(self) -> Origin | None:
        """The checkpoint that the weights come from, whatever processing, type and device they went through since.

        None for weights that were made in memory, or changed there after they were loaded: each call compares them.
        """
        if self._origin is None or self._origin[1] != fingerprint(self.named_parameters()):
            return None
        return self._origin[0]

    def checkpoint_digest(self) -> str | None:
        """`Origin.digest` of the checkpoint that the weights come from; None where there is none, or none any more."""
        origin = self.origin
        try:
            return None if origin is None else origin.digest()
        except CheckpointError:
            return None

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> OriginTopic:
        """What `to`, `half` and `cuda` come down to: values that are rounded or moved stay the checkpoint's."""
        origin = self.origin
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.keep_origin(None if any(weight.is_meta for weight in self.parameters()) else origin)
        return self

    def to_empty(self, **options: Any) -> OriginTopic:
        """Memory for the weights on another device, without their values."""
        super().to_empty(**options)
        self.keep_origin(None)
        return self
