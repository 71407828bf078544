"""Checks whether Rung works on this machine: packages, hardware, folders, and a test of the engine."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import torch

from ..config import ModelConfig
from ..display import Shown
from ..engine.sites import sites_of
from ..engine.taps import CacheTap
from ..engine.transformer import forward
from ..engine.weights import init_weights
from ..model.paths import BUNDLED, bundled_names, rung_home

TOLERANCE = 1e-10
"""Largest allowed difference between two summation orders in float64; measured differences are near 1e-15."""

Outcome = Literal["ok", "note", "fault"]


@dataclass(frozen=True)
class Check:
    """The result of one check: a `note` gives information, a `fault` stops Rung from working."""

    name: str
    outcome: Outcome
    found: str
    advice: str = ""


@dataclass(frozen=True, repr=False)
class Diagnosis(Shown):
    """The results of all checks, in the order in which they are shown."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(check.outcome != "fault" for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        return {"ok": self.ok, "checks": [asdict(check) for check in self.checks]}


def diagnose() -> Diagnosis:
    """Runs all checks; changes nothing."""
    return Diagnosis((_rung(), *_packages(), _threads(), _devices(), _home(), _bundled(), engine_check()))


def engine_check(seed: int = 0) -> Check:
    """Checks identities on a tiny random model in float64: fused and tapped attention agree, patterns sum to one, and
    component outputs sum to the residual stream.
    """
    config = ModelConfig(
        n_layers=2, d_model=16, n_heads=4, d_head=4, n_key_value_heads=2, d_vocab=32, n_ctx=16, d_mlp=32,
        act_fn="silu", gated_mlp=True, normalization_type="RMS",
    )  # fmt: skip
    weights = init_weights(config, seed, torch.float64)
    tokens = torch.randint(32, (2, 16), generator=torch.Generator().manual_seed(seed))
    tap = CacheTap(sites_of(config))
    with torch.no_grad():
        fused = forward(config, weights, tokens)
        tapped = forward(config, weights, tokens, tap)
    seen = tap.store
    parts = ["hook_embed", "hook_pos_embed", *(f"blocks.{n}.hook_{s}_out" for n in (0, 1) for s in ("attn", "mlp"))]
    gaps = {
        "fused and tapped attention": (fused - tapped).abs().max(),
        "patterns and one": (seen["blocks.1.attn.hook_pattern"].sum(-1) - 1).abs().max(),
        "component outputs and the residual stream": (sum(seen[p] for p in parts) - seen["blocks.1.hook_resid_post"])
        .abs()
        .max(),
    }
    worst, gap = max(gaps.items(), key=lambda item: float(item[1]))
    if float(gap) <= TOLERANCE:
        return Check("engine", "ok", f"identities hold within {float(gap):.0e}")
    found = f"{worst} differ by {float(gap):.0e}, where {TOLERANCE:.0e} is allowed"
    return Check("engine", "fault", found, "results are not reliable: reinstall torch, then run this again")


def _rung() -> Check:
    found = f"{version('rung')}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return Check("rung", "ok", found)


def _packages() -> list[Check]:
    needed = [Check(name, "ok", version(name)) for name in ("torch", "numpy", "safetensors", "tokenizers")]
    try:
        optional = Check("transformers", "ok", version("transformers"))
    except PackageNotFoundError:
        advice = "needed only to convert models loaded with transformers: pip install transformers"
        optional = Check("transformers", "note", "not installed", advice)
    return [*needed, optional]


def _threads() -> Check:
    threads = torch.get_num_threads()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = f"torch uses {threads}; this process may use {cores} cores"
    if threads > cores:
        return Check("threads", "note", found, f"more threads than cores are slow: use --threads {cores}")
    return Check("threads", "ok", found)


def _devices() -> Check:
    found = ["cpu"]
    if torch.cuda.is_available():
        found += [f"cuda:{n} ({torch.cuda.get_device_name(n)})" for n in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    return Check("devices", "ok", ", ".join(found))


def _home() -> Check:
    home = rung_home()
    by = "set by RUNG_HOME" if os.environ.get("RUNG_HOME") else "default; set RUNG_HOME to change it"
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        return Check("caches", "fault", f"{home} is not writable", "set RUNG_HOME to a writable folder")
    return Check("caches", "ok", f"{home} ({by})")


def _bundled() -> Check:
    names = bundled_names()
    if not names:
        return Check("models", "note", f"none in {BUNDLED}", "give commands the folder of your own model")
    return Check("models", "ok", ", ".join(names))
