"""Computations of the lab: ledger."""

from __future__ import annotations

from ..computation import Computation

COMPUTATIONS: tuple[Computation, ...] = ()
