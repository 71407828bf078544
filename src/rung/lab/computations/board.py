"""Computations of the lab: board."""

from __future__ import annotations

from ..computation import Computation

COMPUTATIONS: tuple[Computation, ...] = ()
