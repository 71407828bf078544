"""Intervals and tests over sequences: SciPy's, seeded."""

import warnings

import numpy as np
from scipy import stats

RESAMPLES = 9_999
SIGN_FLIP = "paired sign flips, one-sided, 9,999 draws"


def sign_flip_p(effects: np.ndarray, seed: int) -> float:
    """p of "the mean is not above zero": (1 + draws at least as large) / (1 + draws), signs flipped at random."""
    if not np.isfinite(effects).all() or not np.any(effects):
        return 1.0
    tested = stats.permutation_test(
        (effects,),
        lambda x, axis: np.mean(x, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        alternative="greater",
        rng=np.random.default_rng(seed),
    )
    return float(tested.pvalue)


def interval(values: np.ndarray, seed: int) -> tuple[float, float]:
    """95 % bootstrap interval of the mean: BCa, or percentile where BCa is not defined (Efron 1987)."""
    low, high = _bootstrap(values, "BCa", seed)
    if not np.isfinite([low, high]).all():
        low, high = _bootstrap(values, "percentile", seed)
    return low, high


def _bootstrap(values: np.ndarray, method: str, seed: int) -> tuple[float, float]:
    if len(values) < 2 or np.ptp(values) == 0:
        return float(values.mean()), float(values.mean())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # BCa on near-constant data: answered by the caller
        found = stats.bootstrap(
            (values,), np.mean, method=method, n_resamples=RESAMPLES, vectorized=True, rng=np.random.default_rng(seed)
        ).confidence_interval
    return float(found.low), float(found.high)


def ratio_interval(top: np.ndarray, bottom: np.ndarray, seed: int) -> tuple[float, float]:
    """95 % percentile bootstrap interval of mean(top) / mean(bottom), sequences drawn in pairs."""
    rows = np.random.default_rng(seed).integers(0, len(top), (RESAMPLES, len(top)))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = top[rows].mean(1) / bottom[rows].mean(1)
    low, high = np.nanpercentile(ratios, [2.5, 97.5])
    return float(low), float(high)
