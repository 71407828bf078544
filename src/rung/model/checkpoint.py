"""Folders of config.json, safetensors and tokenizer.json, read and written. Never pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from ..config import ModelConfig
from ..engine.weights import Weights, flatten, gather
from ..errors import CheckpointError, ConfigError, PickleRefused, near
from ..families import FAMILIES
from ..families.native import FORMAT, NATIVE
from ..families.rules import Family, Keys, apply, make_plan
from .tokenizer import TextTokenizer, check_pair, read_tokenizer

if TYPE_CHECKING:
    from safetensors import safe_open

BUNDLED = Path(__file__).parent / "bundled"
PICKLES = ("*.bin", "*.pth", "*.pt", "*.ckpt", "*.pkl")


class Checkpoint(NamedTuple):
    """A model as read from files, before anything is done to it."""

    config: ModelConfig
    weights: Weights
    tokenizer: TextTokenizer | None


def find_folder(name: str | Path) -> Path:
    """The folder that `name` means: itself, or a bundled model's. Raises CheckpointError if there is none."""
    try:
        path = Path(name).expanduser()
    except RuntimeError:  # "~nobody": no such user, so no such folder
        path = Path(name)
    if path.is_dir():
        return path
    if path.is_file():
        _refuse_pickle([path])
        raise CheckpointError(f"{path} is a file; give the folder that holds it beside its config.json")
    bundled = bundled_names()
    if str(name) in bundled:
        return BUNDLED / str(name)
    known = f"bundled models: {', '.join(bundled)}." if bundled else "no models are bundled."
    raise CheckpointError(
        f"no folder {str(name)!r}, and no bundled model of that name; {known}{near(str(name), bundled)} Rung downloads "
        "nothing: save a model with transformers' save_pretrained(folder) and give that folder"
    )


def bundled_names() -> list[str]:
    """The trained models that ship with the package."""
    return sorted(path.parent.name for path in BUNDLED.glob("*/config.json"))


def load_checkpoint(name: str | Path, dtype: torch.dtype = torch.float32) -> Checkpoint:
    """Config, weights (as `dtype`) and tokenizer of a folder or bundled model.

    Names, shapes and config keys are checked in both directions before a tensor is read; what is read must be finite.
    """
    folder = find_folder(name)
    values = _read_config(folder)
    family = find_family(values)
    with ExitStack() as files:
        tensors = _open(folder, files)
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name, file in tensors.items()}
        config = family.read_config(Keys(values, family.name), shapes.keys())
        tokenizer = read_tokenizer(folder, values)
        config = _with_text(replace(config, model_name=_called(family, config, folder)), family, tokenizer)
        weights = _read(family, config, tensors, shapes, dtype)
    return Checkpoint(config, weights, tokenizer)


def convert(
    values: Mapping[str, Any], tensors: Mapping[str, Tensor], dtype: torch.dtype = torch.float32
) -> tuple[ModelConfig, Weights]:
    """A model that somebody has loaded: its config's values and its state dict, under the same checks as files."""
    family = find_family(values)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    config = family.read_config(Keys(values, family.name), shapes.keys())

    def read(name: str) -> Tensor:
        return _floating(name, tensors[name].detach()).to(dtype, copy=True)

    return _with_text(config, family, None), _collect(family, config, shapes, read)


def save_checkpoint(folder: str | Path, config: ModelConfig, weights: Weights, tokenizer: object | None) -> None:
    """Writes config.json, model.safetensors and the tokenizer, as `load_checkpoint` reads them."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A file of that name may be in use: a model just read from this folder still has its weights there.
        partial = folder / "model.safetensors.partial"
        save_file({name: tensor.detach().contiguous() for name, tensor in flatten(config, weights)}, partial)
        partial.replace(folder / "model.safetensors")
        written = {"model_type": "rung", "format": FORMAT, "config": config.to_dict()}
        (folder / "config.json").write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
        if isinstance(tokenizer, TextTokenizer):
            tokenizer.save(folder)
        elif hasattr(tokenizer, "save_pretrained"):
            tokenizer.save_pretrained(folder)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot write the model to {folder}: {error}") from None


def rounded(config: ModelConfig, weights: Weights, dtype: torch.dtype) -> Weights:
    """The weights as `dtype`. Raises CheckpointError if one is too large for it."""
    flat = {name: tensor.detach().to(dtype) for name, tensor in flatten(config, weights)}
    for name, tensor in flat.items():
        _check_finite(name, tensor)
    return gather(config, flat)


def find_family(values: Mapping[str, Any]) -> Family:
    """The family that a config.json's model_type names. Raises ConfigError with near names."""
    kind = values.get("model_type")
    by_type = {model_type: family for family in FAMILIES for model_type in family.model_types}
    if not isinstance(kind, str) or kind not in by_type:
        raise ConfigError(
            f"config.json has model_type {kind!r}; Rung reads {', '.join(by_type)}.{near(str(kind), by_type)}"
        )
    return by_type[kind]


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.exists():
        raise CheckpointError(f"{folder} has no config.json, so what it holds is unknown; it has {_inside(folder)}")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds {type(values).__name__}, not the keys and values of a config")
    return values


def _inside(folder: Path) -> str:
    return ", ".join(sorted(item.name for item in folder.iterdir())[:5]) or "nothing"


def _refuse_pickle(paths: list[Path]) -> None:
    for path in paths:
        if any(path.match(pattern) for pattern in PICKLES):
            raise PickleRefused(
                f"{path} is a pickle, which can run code when opened; Rung does not open it. Where you trust it, load "
                "it with transformers and call save_pretrained(folder, safe_serialization=True)"
            )


def _open(folder: Path, files: ExitStack) -> dict[str, safe_open]:
    """Every tensor's name, and the open file that holds it."""
    from safetensors import SafetensorError, safe_open

    index = folder / "model.safetensors.index.json"
    whole = folder / "model.safetensors"
    if whole.exists():
        paths = [whole]
    elif index.exists():
        paths = [folder / name for name in sorted(set(_shards(index).values()))]
    else:
        paths = sorted(folder.glob("*.safetensors"))
    if not paths:
        _refuse_pickle(sorted(path for pattern in PICKLES for path in folder.glob(pattern)))
        raise CheckpointError(f"{folder} has a config.json but no model.safetensors; it has {_inside(folder)}")
    found: dict[str, safe_open] = {}
    for path in paths:
        if not path.is_file():
            raise CheckpointError(f"{index.name} names {path.name}, which is not in {folder}")
        try:
            file = files.enter_context(safe_open(path, framework="pt"))
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{path} is not a whole safetensors file: {error}") from None
        for name in file.keys():  # noqa: SIM118 - a safetensors file is no mapping
            if name in found:
                raise CheckpointError(f"{folder} holds {name} in two files: which is meant is unknown")
            found[name] = file
    return found


def _shards(index: Path) -> dict[str, str]:
    try:
        shards = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
    except (ValueError, KeyError, TypeError, RecursionError):
        shards = None
    if not isinstance(shards, dict):
        raise CheckpointError(f"{index} is not an index of safetensors files: it needs a weight_map")
    for name in shards.values():
        if not isinstance(name, str) or Path(name).name != name or name == "..":
            raise CheckpointError(f"{index} names {name!r}, which is not a file beside it")
    return shards


def _read(
    family: Family,
    config: ModelConfig,
    tensors: Mapping[str, safe_open],
    shapes: Mapping[str, tuple[int, ...]],
    dtype: torch.dtype,
) -> Weights:
    from safetensors import SafetensorError

    def read(name: str) -> Tensor:
        try:
            tensor: Tensor = tensors[name].get_tensor(name)
        except SafetensorError as error:
            raise CheckpointError(f"{name} cannot be read: {error}") from None
        return _floating(name, tensor).to(dtype)

    return _collect(family, config, shapes, read)


def _floating(name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        raise CheckpointError(f"{name} holds {tensor.dtype}; weights are floating-point")
    return tensor


def _collect(family: Family, config: ModelConfig, shapes: Mapping[str, tuple[int, ...]], read: Any) -> Weights:
    flat: dict[str, Tensor] = {}
    for step in make_plan(family, config, shapes):
        tensor = read(step.theirs)
        _check_finite(step.theirs, tensor)
        flat |= dict(apply(step, config, tensor))
    _check_tie(family, config, shapes, read, flat)
    return gather(config, flat)


def _check_finite(name: str, tensor: Tensor) -> None:
    if not bool(torch.isfinite(tensor).all()):
        bad = int((~torch.isfinite(tensor)).sum())
        raise CheckpointError(f"{name} holds {bad} values that are not finite numbers as {tensor.dtype}")


def _check_tie(
    family: Family, config: ModelConfig, shapes: Mapping[str, Any], read: Any, flat: Mapping[str, Tensor]
) -> None:
    copies = [name for name in shapes if name.removeprefix(family.prefix) == family.tied_copy]
    if config.tied_embeddings and copies and not torch.equal(read(copies[0]), flat["embed.W_E"]):
        raise CheckpointError(
            f"the config says that embeddings are tied, but {copies[0]} differs from the embedding; "
            "if both are meant, set tie_word_embeddings to false in config.json"
        )


def _called(family: Family, config: ModelConfig, folder: Path) -> str:
    """Our own files carry a name; other folders give theirs."""
    return config.model_name if family is NATIVE and config.model_name != "unnamed" else folder.resolve().name


def _with_text(config: ModelConfig, family: Family, tokenizer: TextTokenizer | None) -> ModelConfig:
    """The config, with what its tokenizer says of the first token; ours keep what they were saved with."""
    check_pair(tokenizer, config)
    if family is NATIVE:
        return config
    bos = config.bos_token_id
    if bos is None and tokenizer is not None:
        bos = tokenizer.bos_token_id
    return replace(config, bos_token_id=bos, default_prepend_bos=bos is not None)
