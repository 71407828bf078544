"""A checkpoint while it is open: what its config says, which tensors it has, and how one is read.

Tensors are read one at a time into memory of their own, never mapped: nothing but the weights stays, and a file that
is overwritten later changes no model.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from io import BufferedReader
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..errors import CheckpointError, ConfigError, PickleRefused, near
from ..families import FAMILIES, UNREAD
from ..families.rules import Family
from .origin import FileStamp, Origin, StoredTensor
from .tokenizer import TOKENIZER_CONFIG, TextTokenizer, puts_first_token, read_settings, read_tokenizer

PICKLES = ("*.bin", "*.pth", "*.pt", "*.ckpt", "*.pkl")
INDEX = "model.safetensors.index.json"
WHOLE = "model.safetensors"
_PIECE = 1 << 20
"""Bytes from which on a tensor is given pages of its own."""
_FLOATS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


class CheckpointReader(NamedTuple):
    """What every kind of checkpoint file comes down to, in the spelling of a config.json and its tensors."""

    values: Mapping[str, Any]
    """The keys and values of a config.json."""
    shapes: Mapping[str, tuple[int, ...]]
    read: Callable[[str], Tensor]
    """A tensor by name, floating-point, in memory of its own."""
    tokenizer: Callable[[], TextTokenizer | None]
    """Read once the config is known to be understood."""
    origin: Origin
    """The files, and every tensor in them."""
    puts_bos: bool | None = None
    """Whether the files themselves say that a first token is put."""
    notes: tuple[str, ...] = ()
    generation: Mapping[str, Any] = MappingProxyType({})
    """The keys and values of a generation_config.json."""


class _Span(NamedTuple):
    file: BufferedReader
    kind: str
    shape: tuple[int, ...]
    start: int
    nbytes: int


def open_folder(folder: Path, files: ExitStack) -> CheckpointReader:
    """config.json, safetensors in one file or several, tokenizer.json. Raises where one is missing or broken."""
    values = read_config(folder)
    shapes, read, origin = open_tensors(weight_files(folder), files)
    return CheckpointReader(
        values,
        shapes,
        read,
        lambda: read_tokenizer(folder, values),
        origin,
        puts_first_token(read_settings(folder / TOKENIZER_CONFIG)),
        generation=read_settings(folder / "generation_config.json"),
    )


class OpenTensors(NamedTuple):
    """What safetensors files hold."""

    shapes: dict[str, tuple[int, ...]]
    read: Callable[[str], Tensor]
    origin: Origin


def open_tensors(paths: list[Path], files: ExitStack) -> OpenTensors:
    """The tensors of safetensors files, none read yet. Raises CheckpointError where a file is broken."""
    spans: dict[str, _Span] = {}
    for path in paths:
        for name, span in _spans(path, files).items():
            if name in spans:
                raise CheckpointError(f"{path.parent} holds {name} in two files: which is meant is unknown")
            spans[name] = span

    def read(name: str) -> Tensor:
        file, kind, shape, start, nbytes = spans[name]
        if kind not in _FLOATS:
            raise CheckpointError(f"{name} holds {kind}; weights are floating-point: {', '.join(_FLOATS)}")
        tensor = room(prod(shape), _FLOATS[kind])
        file.seek(start)
        if file.readinto(tensor.view(torch.uint8).numpy().data) != nbytes:
            raise CheckpointError(f"{name} cannot be read: {file.name} ends before it does")
        return tensor.view(shape)

    return OpenTensors({name: span.shape for name, span in spans.items()}, read, _origin(spans))


def room(count: int, dtype: torch.dtype) -> Tensor:
    """An uninitialised tensor whose memory goes back to the system when it is freed.

    malloc keeps what it was given back, and an aligned request of the same size does not fit into the hole it left:
    reading tensor after tensor through it would take up to twice the weights.
    """
    nbytes = count * dtype.itemsize
    if nbytes < _PIECE:
        return torch.empty(count, dtype=dtype)
    return torch.frombuffer(mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), dtype=dtype)


def cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """The tensor as `dtype`, itself if it is that already; a copy has a `room` of its own."""
    if tensor.dtype == dtype:
        return tensor
    return room(tensor.numel(), dtype).view(tensor.shape).copy_(tensor)


def read_config(folder: Path) -> dict[str, Any]:
    """A folder's config.json. Raises CheckpointError if it has none, ConfigError if that is none."""
    path = folder / "config.json"
    if not path.exists():
        raise CheckpointError(f"{folder} has no config.json, so what it holds is unknown; it has {inside(folder)}")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds {type(values).__name__}, not the keys and values of a config")
    return values


def find_family(values: Mapping[str, Any]) -> Family:
    """The family that a config.json's model_type names. Raises ConfigError with near names, or with the reason
    why a known one is not read.
    """
    kind = values.get("model_type")
    by_type = {model_type: family for family in FAMILIES for model_type in family.model_types}
    if isinstance(kind, str) and kind in UNREAD:
        raise ConfigError(f"config.json has model_type {kind!r}, which Rung does not read: {UNREAD[kind]}")
    if not isinstance(kind, str) or kind not in by_type:
        raise ConfigError(
            f"config.json has model_type {kind!r}; Rung reads {', '.join(by_type)}.{near(str(kind), by_type)}"
        )
    return by_type[kind]


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that make up the model: the whole, the shards of its index, or all there are."""
    index = folder / INDEX
    if (folder / WHOLE).exists():
        paths = [folder / WHOLE]
    elif index.exists():
        paths = [folder / name for name in read_index(index)]
    else:
        paths = sorted(folder.glob("*.safetensors"))
    if not paths:
        refuse_pickle(sorted(path for pattern in PICKLES for path in folder.glob(pattern)))
        raise CheckpointError(f"{folder} has a config.json but no {WHOLE}; it has {inside(folder)}")
    for path in paths:
        if not path.is_file():
            raise CheckpointError(f"{INDEX} names {path.name}, which is not in {folder}")
    return paths


def read_index(index: Path) -> list[str]:
    """The files that an index of shards names, each once. Raises CheckpointError on anything that is not beside it."""
    try:
        shards = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        shards = None
    if not isinstance(shards, dict):
        raise CheckpointError(f"{index} is not an index of safetensors files: it needs a weight_map")
    for name in shards.values():
        if not isinstance(name, str) or Path(name).name != name or name == ".." or "\0" in name:
            raise CheckpointError(f"{index} names {name!r}, which is not a file beside it")
    return sorted(set(shards.values()))


def refuse_pickle(paths: list[Path]) -> None:
    """Raises PickleRefused for the first that is one."""
    for path in paths:
        if any(path.match(pattern) for pattern in PICKLES):
            raise PickleRefused(
                f"{path} is a pickle, which can run code when opened; Rung does not open it. Where you trust it, load "
                "it with transformers and call save_pretrained(folder, safe_serialization=True)"
            )


def inside(folder: Path) -> str:
    """A few of the names in it."""
    return ", ".join(sorted(item.name for item in folder.iterdir())[:5]) or "nothing"


def _spans(path: Path, files: ExitStack) -> dict[str, _Span]:
    """Where each tensor lies, once the library has found the header to be whole, gapless and as long as the file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt"):
            pass
        file = files.enter_context(path.open("rb"))
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is not a whole safetensors file: {error}") from None
    header.pop("__metadata__", None)
    spans = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        spans[name] = _Span(file, entry["dtype"], tuple(entry["shape"]), 8 + length + begin, end - begin)
    return spans


def _origin(spans: Mapping[str, _Span]) -> Origin:
    stamps = {file: FileStamp.of(file) for file in dict.fromkeys(span.file for span in spans.values())}
    tensors = (
        StoredTensor(name, span.kind, span.shape, stamps[span.file].path, span.start, span.nbytes)
        for name, span in spans.items()
    )
    return Origin(tuple(stamps.values()), tuple(tensors))
