"""Computations of the lab: attribution."""

from __future__ import annotations

from ..computation import Computation

COMPUTATIONS: tuple[Computation, ...] = ()
