"""What a proof is about: which weights, which claim, and the seed that follows from both."""

from __future__ import annotations

import hashlib
import json
import platform
from functools import cache
from pathlib import Path

from ..circuits.heads import Head
from ..config import ModelConfig
from ..model.origin import package_version
from .claim import LATER, OUTPUT, Claim, Role

PACKAGES = ("rung", "torch", "numpy", "scipy")
"""Packages whose versions a record names."""
SHAPE = ("n_layers", "d_model", "n_heads", "d_head", "d_mlp", "d_vocab", "n_ctx", "positional_embedding_type")
"""What of a config no processing changes, and a record must not change either."""

LADDER = ("config", "engine", "model", "tasks", "circuits", "methods", "evidence")
"""Packages whose code decides a verdict."""


def confirmation_seed(claim: Claim, config: ModelConfig, checkpoint: str, texts: bool) -> int:
    """A seed that nobody chose: from which heads are claimed for what, the checkpoint's own weights before processing,
    the model's shape, whether it has a tokenizer, and the task. No word of the claim counts, nor an order.
    """
    roles = sorted(
        (
            role.signature,
            _readers(claim, role),
            sorted(role.heads),
        )
        for role in claim.roles
    )
    edges = sorted((*map(sorted, claim.ends(edge)), edge.into) for edge in claim.edges)
    shape = [getattr(config, name) for name in SHAPE]
    text = json.dumps(["confirmation", claim.task, roles, edges, checkpoint, shape, texts])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _readers(claim: Claim, role: Role) -> list[Head] | str:
    if role.writes_to == LATER:
        return LATER
    return [] if role.writes_to == OUTPUT else sorted(claim.role(role.writes_to).heads)


def versions() -> dict[str, str]:
    """The packages that a proof was computed with."""
    return {"python": platform.python_version()} | {name: package_version(name) for name in PACKAGES}


@cache
def ladder_code() -> str:
    """A hash of the source files that decide a verdict. What plants models is not among them, as its weights are
    hashed, nor what runs and counts, as that changes no verdict.
    """
    here, hashed = Path(__file__).parents[1], hashlib.sha256()
    for package in LADDER:
        for file in sorted(set((here / package).rglob("*.py")) - {Path(__file__).with_name("soundness.py")}):
            hashed.update(f"{file.relative_to(here).as_posix()}\n".encode() + file.read_bytes())
    return hashed.hexdigest()[:16]
