"""LoRA adapters as `peft` writes them, merged into the checkpoint they were trained on as its tensors are read.

W ← W + s B A, with s = alpha / r (Hu et al. 2021, arXiv:2106.09685) or, "rank-stabilised", alpha / √r (Kalajdzievski
2023, arXiv:2312.03732). Tensors that were trained whole take the place of the checkpoint's.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from ..errors import CheckpointError, ConfigError, near
from ..families.rules import Family, bare_name
from .checkpoint_reader import CheckpointReader, find_family, open_tensors, refuse_pickle
from .origin import Origin
from .tokenizer import read_tokenizer

ADAPTER, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"

_ADVICE = "merge it with peft, model.merge_and_unload().save_pretrained(FOLDER), and load that folder"

# What says how it was trained, or where, and nothing of what it adds.
_HARMLESS = frozenset(
    (
        *("auto_mapping", "base_model_name_or_path", "inference_mode", "init_lora_weights", "lora_dropout", "revision"),
        *("megatron_config", "megatron_core", "modules_to_save", "peft_type", "peft_version", "task_type", "bias"),
        *("target_modules", "exclude_modules", "layers_to_transform", "layers_pattern", "loftq_config", "eva_config"),
        *("corda_config", "qalora_group_size", "runtime_config", "ensure_weight_tying", "lora_ga_config"),
        *("r", "lora_alpha", "rank_pattern", "alpha_pattern", "use_rslora", "fan_in_fan_out", "enable_lora"),
    )
)


class _Change(NamedTuple):
    """What an adapter does to one tensor of the checkpoint."""

    A: str
    B: str
    scale: float
    turned: bool
    """The checkpoint's tensor is the other way round: inputs first."""


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter and no model."""
    return (folder / ADAPTER).exists() and not (folder / "config.json").exists()


def read_adapter_config(folder: Path) -> dict[str, Any]:
    """adapter_config.json. Raises ConfigError for anything but a LoRA whose sum with its base is the whole model."""
    path = folder / ADAPTER
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON that can be read: {error}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds {type(values).__name__}, not the keys and values of an adapter")
    if values.get("peft_type") != "LORA":
        raise ConfigError(f"{path} has peft_type {values.get('peft_type')!r}; Rung reads LORA only: {_ADVICE}")
    for name in sorted(set(values) - _HARMLESS):
        if values[name]:  # off, empty or null changes nothing
            raise ConfigError(f"{path} has {name} = {values[name]!r}, which Rung does not merge: {_ADVICE}")
    return values


def merged(base: CheckpointReader, folder: Path, files: ExitStack) -> CheckpointReader:
    """The checkpoint with the adapter in it. Raises ConfigError or CheckpointError where one does not fit the other."""
    values, family = read_adapter_config(folder), find_family(base.values)
    if not (folder / WEIGHTS).is_file():
        refuse_pickle(sorted(folder.glob("*.bin")))
        raise CheckpointError(f"{folder} has an {ADAPTER} but no {WEIGHTS}")
    shapes, read, added = open_tensors([folder / WEIGHTS], files)
    names = {bare_name(family, name): name for name in base.shapes}
    changes, whole = _changes(values, family, names, shapes, base.shapes)
    said = _resized(dict(base.values), family, whole, shapes)

    def sum_of(name: str) -> Tensor:
        if name in whole:
            return read(whole[name])
        tensor = base.read(name)
        change = changes.get(name)
        if change is None:
            return tensor
        product = read(change.B).float() @ read(change.A).float() * change.scale
        return tensor.float() + (product.T if change.turned else product)

    found = {**base.shapes, **{name: shapes[theirs] for name, theirs in whole.items()}}
    note = f"an adapter was merged: {folder.name}, {len(changes)} products and {len(whole)} whole tensors"
    own = read_tokenizer(folder, base.values)
    tokenizer = base.tokenizer if own is None else (lambda: own)
    return base._replace(
        values=said,
        shapes=found,
        read=sum_of,
        tokenizer=tokenizer,
        origin=Origin(
            (*base.origin.files, *added.files),
            (*base.origin.tensors, *added.tensors),
            tuple((name, change.A, change.scale, change.turned) for name, change in changes.items()),
        ),
        notes=(*base.notes, note),
    )


def _changes(
    values: Mapping[str, Any],
    family: Family,
    names: Mapping[str, str],
    shapes: Mapping[str, tuple[int, ...]],
    base: Mapping[str, tuple[int, ...]],
) -> tuple[dict[str, _Change], dict[str, str]]:
    """What is added to which of the checkpoint's tensors, and what takes the place of which."""
    changes: dict[str, _Change] = {}
    whole: dict[str, str] = {}
    used: set[str] = set()
    for theirs in shapes:
        bare = theirs.removeprefix("base_model.model.").replace(".modules_to_save.default.", ".")
        found = re.fullmatch(r"(.*)\.lora_(embedding_)?A(?:\.default)?(\.weight)?", bare)
        if found is None:
            if "lora_" not in bare:
                whole[_home(f"{bare}", family, names, allow_head=True)] = theirs
                used.add(theirs)
            continue
        other = theirs[::-1].replace("A_", "B_", 1)[::-1]
        name = _home(f"{found[1]}.weight", family, names)
        if other not in shapes:
            raise CheckpointError(f"the adapter holds {theirs} and no {other}")
        turned = bool(values.get("fan_in_fan_out", False)) or found[2] is not None
        changes[name] = _Change(theirs, other, _scale(values, found[1], shapes[theirs][0]), turned)
        _check_fit(name, shapes[theirs], shapes[other], base[name], turned)
        used |= {theirs, other}
    unused = sorted(set(shapes) - used)
    if unused:
        raise CheckpointError(f"the adapter holds {unused[0]}, which Rung does not merge: {_ADVICE}")
    return changes, whole


def _home(bare: str, family: Family, names: Mapping[str, str], allow_head: bool = False) -> str:
    """The checkpoint's tensor that this one belongs to."""
    name = bare_name(family, bare)
    if name in names:
        return names[name]
    if allow_head and name == family.tied_copy:
        return name
    raise CheckpointError(
        f"the adapter changes {bare}, which the checkpoint does not hold: is it another model's? Else {_ADVICE}."
        f"{near(name, names)}"
    )


def _scale(values: Mapping[str, Any], module: str, rank: int) -> float:
    """alpha / r, by the module's own numbers where patterns name it. Raises ConfigError where they do not fit."""

    def its(kind: str, pattern: str, default: Any) -> float:
        found = default
        for key, value in (values.get(pattern) or {}).items():
            if re.match(rf"(.*\.)?({key})$", module):
                found = value
                break
        if not isinstance(found, int | float) or isinstance(found, bool):
            raise ConfigError(f"{ADAPTER} says {kind} = {found!r}; it must be a number")
        return float(found)

    r, alpha = (
        its("r", "rank_pattern", values.get("r", 8)),
        its("lora_alpha", "alpha_pattern", values.get("lora_alpha", 8)),
    )
    if r != rank:
        raise ConfigError(f"{ADAPTER} says that {module} has r = {r:g}; its tensors have {rank}")
    return alpha / (math.sqrt(rank) if values.get("use_rslora") else rank)


def _check_fit(name: str, A: tuple[int, ...], B: tuple[int, ...], wanted: tuple[int, ...], turned: bool) -> None:
    if len(A) != 2 or len(B) != 2 or A[0] != B[1]:
        raise CheckpointError(
            f"the adapter's factors of {name} have shapes {list(A)} and {list(B)}: they do not multiply"
        )
    made = (A[1], B[0]) if turned else (B[0], A[1])
    if made != wanted:
        raise CheckpointError(f"the adapter adds {list(made)} to {name}, which has shape {list(wanted)}")


def _resized(
    values: dict[str, Any], family: Family, whole: Mapping[str, str], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, Any]:
    """The config of the merged model: a vocabulary that grew, an unembedding of its own."""
    for name, theirs in whole.items():
        if re.search(r"(embed_tokens|wte|word_embeddings|embed_in)\.weight$", name):
            values["vocab_size"] = shapes[theirs][0]
        if bare_name(family, name) == family.tied_copy:
            values["tie_word_embeddings"] = False
    return values
