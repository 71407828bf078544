"""What a proof is about: which weights, which claim, and the seed that follows from both."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import PackageNotFoundError, version

import torch

from ..config import ModelConfig
from ..engine.weights import Weights, flatten
from .claim import Claim

PACKAGES = ("rung", "torch", "numpy", "scipy")
"""Packages whose versions a record names."""


def hash_weights(config: ModelConfig, weights: Weights) -> str:
    """SHA-256 over sorted name, dtype, shape and bytes of every weight, as the model holds them."""
    digest = hashlib.sha256()
    for name, tensor in sorted(flatten(config, weights), key=lambda item: item[0]):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.detach().contiguous().cpu().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def confirmation_seed(claim: Claim, checkpoint: str) -> int:
    """A seed that nobody chose: from which heads are claimed for what (not the claim's words), the checkpoint's own
    weights before processing, and the task.
    """
    roles = sorted((role.name, role.signature, role.writes_to, sorted(role.heads)) for role in claim.roles)
    edges = sorted((edge.sender, edge.receiver, edge.into) for edge in claim.edges)
    text = json.dumps(["confirmation", claim.task, roles, edges, checkpoint])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def versions() -> dict[str, str]:
    """The packages that a proof was computed with."""
    return {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from its sources, say
        return "not installed"
