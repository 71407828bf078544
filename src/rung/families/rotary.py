"""Rotary settings, in the old spelling of a config (rope_theta, rope_scaling) and the new (rope_parameters)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

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


class _Section(NamedTuple):
    """What one spelling says; None where it says nothing."""

    base: float | None = None
    part: float | None = None
    scaling: RotaryScaling | None = None
    kind: str | None = None


def read_rotary(keys: Keys, d_head: int, default_base: float = 10000.0) -> Rotary:
    """Rotary positions, paired by halves. Raises ConfigError on kinds and keys not understood, and where two spellings
    of one thing disagree.
    """
    theta = _Section(base=keys.number("rope_theta", None))
    sections = (theta, _section(keys, "rope_scaling"), _section(keys, "rope_parameters"))
    base = _agreed("rope_theta", [said.base for said in sections])
    part = _agreed("partial_rotary_factor", [said.part for said in sections])
    kind = _agreed("rope_type", [said.kind for said in sections])
    scaling = _agreed(f"rope_type {kind!r}", [said.scaling for said in sections])
    if part is not None and part > 1:
        raise ConfigError(f"config.json says partial_rotary_factor = {part}; it is a part of each head, at most 1")
    return Rotary(dim=int((part or 1.0) * d_head), base=base or default_base, scaling=scaling)


def _agreed(what: str, said: list[Any]) -> Any:
    """The one thing that was said, or None if nothing was."""
    found: list[Any] = []
    for value in said:
        if value is not None and value not in found:
            found.append(value)
    if len(found) > 1:
        raise ConfigError(f"config.json gives {what} as {' and as '.join(map(str, found))}: they must agree")
    return found[0] if found else None


def _section(keys: Keys, name: str) -> _Section:
    values = keys.take(name, None)
    if values is None:
        return _Section()
    if not isinstance(values, Mapping):
        raise ConfigError(f"config.json says {name} = {values!r}; it must be an object of keys and values, or null")
    read = Keys(values, name)
    base, part = read.number("rope_theta", None), read.number("partial_rotary_factor", None)
    kind = _agreed(f"the type of {name}", [read.take("type", None), read.take("rope_type", None)])
    rest = {key: value for key, value in values.items() if key not in _NOT_SCALING}
    if kind is None and not rest:
        return _Section(base, part)
    return _Section(base, part, _scaling(name, kind or "default", rest, read), kind or "default")


_NOT_SCALING = ("rope_theta", "partial_rotary_factor", "type", "rope_type")


def _scaling(section: str, kind: Any, rest: Mapping[str, Any], read: Keys) -> RotaryScaling | None:
    if not isinstance(kind, str) or kind not in _SCALINGS:
        raise ConfigError(f"rope_type is {kind!r}; known are {', '.join(_SCALINGS)}.{near(str(kind), _SCALINGS)}")
    names = _SCALINGS[kind]
    unknown, missing = sorted(set(rest) - set(names)), sorted(set(names) - set(rest))
    if unknown:
        raise ConfigError(f"{section} of type {kind!r} has {unknown[0]!r}, which is not understood")
    if missing:
        raise ConfigError(f"{section} of type {kind!r} lacks {missing[0]!r}")
    if kind == "default":
        return None
    return RotaryScaling(
        kind="linear" if kind == "linear" else "llama3",
        **{
            ours: read.size(theirs) if ours == "original_n_ctx" else read.number(theirs)
            for theirs, ours in names.items()
        },
    )
