"""Rung 0: is there anything to explain?"""

from __future__ import annotations

import math

import numpy as np

from ...methods.runner import averaged
from ..observation import Observation, Quantity, TestSpec
from ..setting import Setting


def gain(setting: Setting, spec: TestSpec) -> Observation:
    """First-copy loss minus second-copy loss, in every stratum."""
    runner = setting.runner
    found = runner.gain_by_query
    first, second = averaged(runner.first_loss).mean(), averaged(runner.clean.loss).mean()
    right = averaged(np.where(runner.batch.predictable.numpy(), _right(setting), np.nan)).mean()
    return Observation(
        {"gain": Quantity(averaged(found)), **by_stratum(setting, found)},
        "nats",
        controls={
            "first copy": float(first),
            "second copy": float(second),
            "accuracy": float(right),
            "ln n": float(runner.batch.period.double().log().mean()),
            "ln V": math.log(runner.config.d_vocab),
        },
    )


def order(setting: Setting, spec: TestSpec) -> Observation:
    """Loss among the first copy's remaining tokens minus the order-blind bound ln(n − k), in every stratum.

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


def _right(setting: Setting) -> np.ndarray:
    return np.asarray(setting.runner.clean.top == setting.runner.batch.tokens.roll(-1, 1).numpy(), dtype=float)
