"""How a proof shows itself by `print` and in a notebook; the public `prove` comes from here, so that it does."""

from __future__ import annotations

from typing import Any

from ..evidence.proof import Proof
from ..evidence.prove import prove as prove
from .proof import html, plain


def _mimebundle(proof: Proof, include: Any = None, exclude: Any = None) -> dict[str, str]:
    """What a notebook shows."""
    return {"text/plain": plain(proof), "text/html": html(proof)}


Proof.__str__ = plain  # type: ignore[assignment, method-assign]
Proof._repr_mimebundle_ = _mimebundle
