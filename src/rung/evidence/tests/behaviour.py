"""Rung 0: is there anything to explain?"""

from __future__ import annotations

import numpy as np

from ...methods.runner import averaged
from ..observation import Observation, Quantity, TestSpec
from ..setting import Setting


def gain(setting: Setting, spec: TestSpec) -> Observation:
    """What the behaviour is worth, in every stratum: first-copy loss minus second-copy loss, or log-odds."""
    found = setting.runner.gain_by_query
    return Observation(
        {"gain": Quantity(averaged(found)), **by_stratum(setting, found)},
        "nats",
        controls=setting.runner.beside_gain(),
    )


def order(setting: Setting, spec: TestSpec) -> Observation:
    """Loss among the tokens that are left minus the order-blind bound ln(n − k) (names: ln 2), in every stratum.

    A model may know which tokens return and not in which order, and one that expects text may pay more for random
    tokens than either explains.
    """
    loss, bound = setting.runner.remaining_losses()
    excess = loss - bound
    return Observation(
        {"excess": Quantity(averaged(excess)), **by_stratum(setting, excess)},
        "nats",
        controls={"loss": float(averaged(loss).mean()), "bound": float(averaged(bound).mean())},
    )


def by_stratum(
    setting: Setting, top: np.ndarray, bottom: np.ndarray | None = None, share: bool = False
) -> dict[str, Quantity]:
    """mean(top) / mean(bottom) of each stratum's queries."""
    strata = setting.runner.batch.strata
    return {
        f"stratum/{name}": Quantity(
            averaged(top, where), 1.0 if bottom is None else averaged(bottom, where), share=share
        )
        for name, where in strata.items()
    }
