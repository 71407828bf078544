"""What a stored sweep was asked, as data: JSON, and tensors that it names by their content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from ..engine.sites import find_site
from ..errors import InterventionError, StoreError
from ..model.model import HookedTransformer
from ..model.origin import hash_weights, package_version
from ..model.paths import BUNDLED
from ..tasks.metrics import METRICS, Metric
from .interventions import Intervention, Mean, Patch, Replacement, Resample, Zero, find_targets

FORMAT = 1
"""The number of this way to write a request down."""
REPLACEMENTS: Mapping[str, type[Any]] = {"zero": Zero, "mean": Mean, "resample": Resample, "patch": Patch}
"""Replacements that are data, besides tensors."""
PROCESSES = (
    "fold_ln",
    "center_writing_weights",
    "center_unembed",
    "refactor_factored_attn_matrices",
    "fold_value_biases",
)
"""Weight processing that `from_pretrained` does, by the names of its arguments."""
PARTS = {
    "model": "model",
    "tokens": "task's tokens",
    "metric": "metric",
    "cells": "cells",
    "versions": "versions of rung and torch",
}
"""The parts of what was asked, in words."""


class Plan(NamedTuple):
    """How every worker runs the cells, so that all get the same bytes. Whoever resumes a store follows its plan."""

    chunk: int
    """Cells that are run together: each chunk makes its own clean run."""
    max_memory: int
    threads: int
    """CPU threads of every worker."""

    @classmethod
    def of(cls, n_cells: int, max_memory: int, threads: int) -> Plan:
        """At least 16 chunks to share out where that leaves four cells a clean run; at most 32 cells to lose."""
        return cls(min(32, max(4, n_cells // 16)), max_memory, threads)


@dataclass(frozen=True, eq=False)
class Request:
    """One sweep: which model, tokens, metric and cells, and how they are run."""

    asked: Mapping[str, Any]
    """What the numbers depend on."""
    plan: Plan
    load: Mapping[str, Any] | None
    """The arguments of `from_pretrained` that give the model; None: it was made or changed in memory."""
    tensors: Mapping[str, Tensor]
    """The tensors that `asked` names by the hash of their content."""

    @classmethod
    def of(
        cls,
        model: HookedTransformer,
        tokens: Int[Tensor, "batch pos"],
        cells: Sequence[Sequence[Intervention]],
        metric: Metric,
        max_memory: int,
        threads: int,
    ) -> Request:
        """Raises InterventionError for a metric or replacement that is a function, for a model with hooks, which are
        functions, and for no interventions; SiteError for a site that the model does not have.
        """
        if not cells or not all(cells):
            raise InterventionError("no interventions were given to sweep, or none for one of its cells")
        if metric.source is None:
            raise InterventionError(
                f"the metric {metric.name!r} is a function, which cannot be stored; a store or workers need one that "
                f"is made by {' or '.join(METRICS)}"
            )
        tensors: dict[str, Tensor] = {}
        tokens = model.read(tokens)[0]
        for cell in cells:
            find_targets(model, tokens, cell)
        name, arguments = metric.source
        asked = {
            "tokens": _encode(tokens, tensors),
            "metric": {"name": name, **{key: _encode(value, tensors) for key, value in arguments.items()}},
            "cells": [[_encode_one(model, one, tensors) for one in cell] for cell in cells],
            "versions": _versions(),
        }
        asked["model"] = describe_model(model, tensors)
        return cls(_as_json(asked), Plan.of(len(cells), max_memory, threads), _load_options(model), tensors)

    def to_tensors(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """The tensors and metadata of a safetensors file."""
        said = {"format": FORMAT, "asked": self.asked, "plan": self.plan._asdict(), "load": self.load}
        return dict(self.tensors), {"sweep": json.dumps(said)}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Request:
        """What `to_tensors` gave. Raises StoreError if it is not whole, or written by a later Rung."""
        try:
            said = json.loads(metadata["sweep"])
            if said["format"] != FORMAT:
                raise StoreError(f"it is written in format {said['format']}; this Rung reads format {FORMAT}")
            found = cls(said["asked"], Plan(**said["plan"]), said["load"], tensors)
            if any(hash_tensor(tensor) != name for name, tensor in tensors.items()):
                raise StoreError("a tensor of it is not what its name says")
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"it holds no sweep: {error!r}") from None
        return found

    @property
    def digest(self) -> str:
        """SHA-256 of all that was asked, and of the plan."""
        return _hash_json([self.asked, self.plan])

    def cell_keys(self) -> list[str]:
        """A hash of each cell together with the model, tokens, metric and versions."""
        about = _hash_json({name: value for name, value in self.asked.items() if name != "cells"})
        return [_hash_json([about, cell])[:32] for cell in self.asked["cells"]]

    def tokens(self) -> Int[Tensor, "batch pos"]:
        """The scored examples."""
        found = self._decode(self.asked["tokens"])
        assert isinstance(found, Tensor)
        return found

    def metric(self) -> Metric:
        """The metric, made again."""
        said = self.asked["metric"]
        if said["name"] not in METRICS:
            raise StoreError(f"its metric is {said['name']!r}; this Rung knows {', '.join(METRICS)}")
        arguments = {key: self._decode(value) for key, value in said.items() if key != "name"}
        return METRICS[said["name"]](**arguments)

    def cells(self) -> tuple[tuple[Intervention, ...], ...]:
        """The cells, made again; tensors of the same content are one tensor."""
        return tuple(tuple(self._decode_one(one) for one in cell) for cell in self.asked["cells"])

    def difference(self, other: Request) -> str | None:
        """What differs from `other`, in words; None: both ask for the same."""
        names = [words for part, words in PARTS.items() if self.asked[part] != other.asked[part]]
        return " and the ".join(names) or None

    def check_model(self, model: HookedTransformer) -> None:
        """Raises StoreError unless `model`, here, computes what the model of the request does."""
        here, there = _versions(), self.asked["versions"]
        if here != there:
            raise StoreError(f"the store is for {_listed(there)}; here are {_listed(here)}, whose last bits may differ")
        found, wanted = describe_model(model, self.tensors), self.asked["model"]
        wrong = [name for name in wanted if found[name] != wanted[name]]
        if wrong:
            shown = {name: f" ({found[name]}, not {wanted[name]})" for name in wrong if name in ("dtype", "device")}
            said = ", ".join(f"{name}{shown.get(name, '')}" for name in wrong)
            raise StoreError(f"{model.config.model_name} is not the model of this store, which has other {said}")

    def _decode(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._decode(one) for one in value]
        if isinstance(value, dict) and "slice" in value:
            return slice(*value["slice"])
        return self.tensors[value["tensor"]] if isinstance(value, dict) else value

    def _decode_one(self, said: Mapping[str, Any]) -> Intervention:
        put = said["put"]
        made: Replacement
        if "tensor" in put:
            made = self.tensors[put["tensor"]]
        else:
            arguments = {key: self._decode(value) for key, value in put.items() if key != "name"}
            made = REPLACEMENTS[put["name"]](**arguments)
        positions = self._decode(said["positions"])
        at = tuple(positions) if isinstance(positions, list) else positions
        return Intervention(said["site"], made, said["head"], at)


def describe_model(model: HookedTransformer, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """All of a model that its numbers depend on, and what it takes for padding in the token `tensors`."""
    if any(point.fwd_hooks or point.bwd_hooks for point in model.hook_points()):
        raise InterventionError(
            f"{model.config.model_name} has hooks attached, which are functions and cannot be stored; remove them with "
            "reset_hooks(), or sweep without a store or workers"
        )
    config = model.config.to_dict()
    names = ("model_name", "notes")
    padding = {}
    for name, tensor in tensors.items():
        if tensor.ndim == 2 and tensor.dtype in (torch.int64, torch.int32):
            mask = model.find_padding(tensor.to(model.device))
            padding[name] = None if mask is None else hash_tensor(mask)
    described = {
        "weights": hash_weights(model.config, model.weights),
        "config": {key: value for key, value in config.items() if key not in names},
        "dtype": str(model.dtype),
        "device": model.device.type,
        "padding": padding,
    }
    found: dict[str, Any] = _as_json(described)
    return found


def _versions() -> dict[str, str]:
    return {"rung": package_version("rung"), "torch": torch.__version__}


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def hash_tensor(tensor: Tensor) -> str:
    """SHA-256 over type, shape and bytes."""
    digest = hashlib.sha256(f"{tensor.dtype} {list(tensor.shape)}".encode())
    digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _as_json(value: Any) -> Any:
    """`value` as it is after it was written and read: without tuples."""
    return json.loads(json.dumps(value))


def _hash_json(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _encode(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        name = hash_tensor(value)
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {"tensor": name}
    if isinstance(value, slice):
        return {"slice": [value.start, value.stop, value.step]}
    if isinstance(value, list | tuple):
        return [_encode(one, tensors) for one in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InterventionError(f"a {type(value).__name__} cannot be stored; numbers, texts, slices and tensors can")


def _encode_one(model: HookedTransformer, one: Intervention, tensors: dict[str, Tensor]) -> dict[str, Any]:
    put: dict[str, Any]
    if isinstance(one.put, Tensor):
        put = _encode(one.put, tensors)
    else:
        name = next((name for name, kind in REPLACEMENTS.items() if type(one.put) is kind), None)
        if name is None:
            raise InterventionError(
                f"{one}: {type(one.put).__name__} holds a function, which cannot be stored; a store or workers need "
                f"{', '.join(kind.__name__ for kind in REPLACEMENTS.values())} or a tensor"
            )
        put = {"name": name} | {part.name: _encode(getattr(one.put, part.name), tensors) for part in fields(one.put)}
    site = find_site(model.config, one.site).path
    positions = _encode(one.positions, tensors)
    return {"site": site, "put": put, "head": None if one.head is None else int(one.head), "positions": positions}


def _load_options(model: HookedTransformer) -> dict[str, Any] | None:
    origin = model.origin
    if origin is None or len({stamp.path.parent for stamp in origin.files}) != 1:
        return None
    path = origin.files[0].path
    name = path if path.suffix == ".gguf" else path.parent
    done = model.config.processing
    return {
        "model_name": name.name if name.parent == Path(BUNDLED) else str(name),
        "dtype": str(model.dtype).removeprefix("torch."),
        **{process: process in done for process in PROCESSES},
    }
