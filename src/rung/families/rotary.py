"""Rotary settings, in the old spelling of a config (rope_theta, rope_scaling) and the new (rope_parameters)."""

from typing import Any

from ..config import Rotary, RotaryScaling
from ..errors import ConfigError, near
from .rules import Keys

_SCALINGS: dict[str, dict[str, str]] = {
    "default": {},
    "linear": {"factor": "factor"},
    "llama3": {
        "factor": "factor",
        "low_freq_factor": "low_freq_factor",
        "high_freq_factor": "high_freq_factor",
        "original_max_position_embeddings": "original_n_ctx",
    },
}
"""Each kind's keys in a config, and what `RotaryScaling` calls them."""


def read_rotary(keys: Keys, d_head: int, default_base: float = 10000.0) -> Rotary:
    """Rotary positions over the whole head, paired by halves. Raises ConfigError on kinds and keys not understood."""
    old = dict(keys.take("rope_scaling", None) or {})
    new = dict(keys.take("rope_parameters", None) or {})
    theta = keys.take("rope_theta", None)
    bases = {
        float(base) for base in (theta, old.pop("rope_theta", None), new.pop("rope_theta", None)) if base is not None
    }
    if len(bases) > 1:
        raise ConfigError(f"config.json gives rope_theta as {' and as '.join(map(str, sorted(bases)))}")
    if old and new and _named(old) != _named(new):
        raise ConfigError(f"config.json says rope_scaling = {old} and rope_parameters = {new}: they must agree")
    dim = float((new or old).get("partial_rotary_factor", 1.0)) * d_head
    return Rotary(dim=int(dim), base=bases.pop() if bases else default_base, scaling=_scaling(new or old))


def _named(values: dict[str, Any]) -> dict[str, Any]:
    return {("rope_type" if key == "type" else key): value for key, value in values.items()}


def _scaling(values: dict[str, Any]) -> RotaryScaling | None:
    values = _named(values)
    kind = values.pop("rope_type", "default")
    values.pop("partial_rotary_factor", None)
    if kind not in _SCALINGS:
        raise ConfigError(f"rope_type is {kind!r}; known are {', '.join(_SCALINGS)}.{near(str(kind), _SCALINGS)}")
    names = _SCALINGS[kind]
    unknown, missing = sorted(set(values) - set(names)), sorted(set(names) - set(values))
    if unknown and kind != "default":
        raise ConfigError(f"rope scaling of type {kind!r} has {unknown[0]!r}, which is not understood")
    if missing:
        raise ConfigError(f"rope scaling of type {kind!r} lacks {missing[0]!r}")
    if kind == "default":
        return None
    return RotaryScaling(kind=kind, **{names[key]: value for key, value in values.items()})
