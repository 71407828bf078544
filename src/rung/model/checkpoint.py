"""Models in files, read and written: folders of config.json, safetensors and tokenizer.json, or GGUF. Never pickle."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..config import ModelConfig
from ..engine.weights import FULL_PRECISION, Weights, changed, flatten, gather, to_kernel_layout
from ..errors import CheckpointError
from ..families.native import FORMAT, NATIVE
from ..families.rules import Family, Keys, Step, apply, bare_name, make_plan
from ..families.text import bos_or_none
from .adapter import merged
from .checkpoint_reader import CheckpointReader, cast, find_family, open_folder
from .gguf import open_gguf
from .origin import Origin
from .processing import MutableWeights
from .resolve import ModelLocation
from .tokenizer import TextTokenizer, noted_pair
from .tokenizer_files import unread_tokenizer

Read = Callable[[str, bool], Tensor]
"""A tensor by name, as float32 or as wide as was asked for."""


class Checkpoint(NamedTuple):
    """A model as read from files, before anything is done to it."""

    config: ModelConfig
    weights: MutableWeights
    tokenizer: TextTokenizer | None
    origin: Origin


def read_checkpoint(
    location: ModelLocation, dtype: torch.dtype = torch.float32, adapter: ModelLocation | None = None
) -> Checkpoint:
    """Config, weights (as `dtype`), tokenizer and origin of the files at `location`, with a LoRA `adapter` merged.

    Names, shapes and config keys are checked in both directions before a tensor is read; what is read must be finite.
    No more than one tensor is held beside the weights.
    """
    with ExitStack() as files:
        reader = open_gguf(location.path, files) if location.path.is_file() else open_folder(location.path, files)
        reader = reader if adapter is None else merged(reader, adapter.path, files)
        family = find_family(reader.values)
        config = family.read_config(Keys(reader.values, family.name), reader.shapes.keys())
        tokenizer = reader.tokenizer()
        unread = unread_tokenizer(location.path) if tokenizer is None and location.path.is_dir() else None
        config = replace(config, notes=(*config.notes, unread)) if unread else config
        location = location if adapter is None else adapter._replace(notes=(*location.notes, *adapter.notes))
        config = _with_text(_called(config, family, location, reader), family, tokenizer, reader.puts_bos)
        config = with_ends(config, reader.values, reader.generation)
        weights = _collect(
            family, config, reader.shapes, lambda name, full: cast(reader.read(name), _type(dtype, full))
        )
    return Checkpoint(config, weights, tokenizer, reader.origin)


def as_saved(hf_model: Any) -> Mapping[str, Tensor]:
    """The tensors of a model that transformers has loaded, under the names its files have.

    In memory transformers keeps experts fused; what undoes that is its own, from version 5 on.
    """
    try:
        from transformers.core_model_loading import revert_weight_conversion
    except ImportError:
        held: Mapping[str, Tensor] = hf_model.state_dict()
        return held
    saved: Mapping[str, Tensor] = revert_weight_conversion(hf_model, hf_model.state_dict())
    return saved


def convert(
    values: Mapping[str, Any], tensors: Mapping[str, Tensor], dtype: torch.dtype = torch.float32
) -> tuple[ModelConfig, MutableWeights]:
    """A model that somebody has loaded: its config's values and its state dict, under the same checks as files."""
    family = find_family(values)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    config = family.read_config(Keys(values, family.name), shapes.keys())

    def read(name: str, full: bool) -> Tensor:
        return _floating(name, tensors[name].detach()).to(_type(dtype, full), copy=True)

    return with_ends(_with_text(config, family, None), values), _collect(family, config, shapes, read)


def with_ends(config: ModelConfig, *settings: Mapping[str, Any]) -> ModelConfig:
    """The config with every end token that a config.json or generation_config.json names: one number, or a list."""
    found = list(config.eos_token_ids)
    for values in settings:
        inner = values.get("text_config")
        for each in (values, inner if isinstance(inner, Mapping) else {}):
            named = each.get("eos_token_id")
            found += [eos for eos in (named if isinstance(named, list) else [named]) if type(eos) is int]
    known = dict.fromkeys(eos for eos in found if 0 <= eos < config.d_vocab)
    return replace(config, eos_token_ids=tuple(known))


def save_checkpoint(folder: str | Path, config: ModelConfig, weights: Weights, tokenizer: object | None) -> None:
    """Writes config.json, model.safetensors and the tokenizer, as `read_checkpoint` reads them."""
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


def round_in_place(weights: MutableWeights, dtype: torch.dtype) -> None:
    """Puts `dtype` in the place of what is there, tensor after tensor. Raises CheckpointError if one is too large for
    it.
    """

    def narrow(name: str, tensor: Tensor) -> Tensor:
        tensor = tensor.detach().to(dtype)
        _check_finite(name, tensor)
        return tensor

    for name in weights.keys() - FULL_PRECISION:
        weights[name] = changed(weights[name], partial(narrow, name))


def _type(dtype: torch.dtype, full: bool) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32) if full else dtype


def _floating(name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        raise CheckpointError(f"{name} holds {tensor.dtype}; weights are floating-point")
    return tensor


def _collect(family: Family, config: ModelConfig, shapes: Mapping[str, tuple[int, ...]], read: Read) -> MutableWeights:
    flat: dict[str, Tensor] = {}
    copies = [name for name in shapes if bare_name(family, name) == family.tied_copy]
    for step in make_plan(family, config, shapes):
        flat |= _laid(step, config, read)
        if step.rule.ours == "W_E" and config.tied_embeddings:
            for copy in copies:
                _check_tie(copy, read(copy, False), flat["embed.W_E"])
    return gather(config, flat)


def _laid(step: Step, config: ModelConfig, read: Read) -> dict[str, Tensor]:
    """What one rule reads, as ours and laid out at once: what it was cut from goes when this returns."""
    tensors = [read(name, step.rule.ours in FULL_PRECISION) for name in step.theirs]
    for name, tensor in zip(step.theirs, tensors, strict=True):
        _check_finite(name, tensor)
    return {path: to_kernel_layout(_weight_name(path), part) for path, part in apply(step, config, tensors)}


def _weight_name(path: str) -> str:
    return path.rpartition(".")[2].removeprefix("_")


def _check_finite(name: str, tensor: Tensor) -> None:
    # The two ends of the range tell, and need no copy of the tensor.
    if tensor.numel() and not all(bool(end.isfinite()) for end in torch.aminmax(tensor)):
        bad = int((~torch.isfinite(tensor)).sum())
        raise CheckpointError(f"{name} holds {bad} values that are not finite numbers as {tensor.dtype}")


def _check_tie(name: str, copy: Tensor, W_E: Tensor) -> None:
    if not torch.equal(copy, W_E):
        raise CheckpointError(
            f"the config says that embeddings are tied, but {name} differs from the embedding; "
            "if both are meant, set tie_word_embeddings to false in config.json"
        )


def _called(config: ModelConfig, family: Family, location: ModelLocation, reader: CheckpointReader) -> ModelConfig:
    """Our own files carry a name; others are called after their folder or file. Where they came from is noted."""
    named = family is NATIVE and config.model_name != "unnamed"
    notes = tuple(dict.fromkeys((*config.notes, *location.notes, *reader.notes)))
    return replace(config, model_name=config.model_name if named else location.name, notes=notes)


def _with_text(
    config: ModelConfig, family: Family, tokenizer: TextTokenizer | None, puts_bos: bool | None = None
) -> ModelConfig:
    """The config, with what the files say of the first token; ours keep what they were saved with.

    Where the files say nothing, code written for this class expects a first token wherever one is known, but for a few
    families.
    """
    config = noted_pair(config, tokenizer)
    if family is NATIVE:
        return config
    puts = family.begins_texts if puts_bos is None else puts_bos
    bos = config.bos_token_id
    if bos is None and tokenizer is not None:
        bos, notes = bos_or_none(tokenizer.bos_token_id, config.d_vocab)
        config = replace(config, notes=(*config.notes, *notes))
    return replace(config, bos_token_id=bos, default_prepend_bos=bos is not None and puts)
