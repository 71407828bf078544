"""Computations of the lab: access."""

from __future__ import annotations

from ..computation import Computation

COMPUTATIONS: tuple[Computation, ...] = ()
