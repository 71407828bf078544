"""Computations of the lab: weights."""

from __future__ import annotations

from ..computation import Computation

COMPUTATIONS: tuple[Computation, ...] = ()
