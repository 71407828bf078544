"""Rotary settings, in the old spelling of a config (rope_theta, rope_scaling) and the new (rope_parameters)."""

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from ..config import Rotary, RotaryScaling
from ..errors import ConfigError, near
from .rules import Keys


class RotaryDefaults(NamedTuple):
    """What a family takes where its config says nothing, and how its oldest configs spell two of the keys."""

    base: float = 10000.0
    part: float = 1.0
    pairing: Literal["halves", "adjacent"] = "halves"
    base_key: str = "rope_theta"
    part_key: str = "partial_rotary_factor"
    parts: bool = True
    """Whether a config may say that part of each head turns."""


WHOLE_HEADS = RotaryDefaults(parts=False)


class _Kind(NamedTuple):
    """The keys of one kind of scaling: those it needs, and those it may have."""

    needs: frozenset[str] = frozenset()
    may_have: frozenset[str] = frozenset()


_ORIGINAL = "original_max_position_embeddings"
_KINDS: Mapping[str, _Kind] = {
    "default": _Kind(),
    "linear": _Kind(frozenset({"factor"})),
    "dynamic": _Kind(frozenset({"factor"})),
    "llama3": _Kind(frozenset({"factor", "low_freq_factor", "high_freq_factor"}), frozenset({_ORIGINAL})),
    "yarn": _Kind(
        frozenset({"factor"}),
        frozenset({_ORIGINAL, "attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim"})
        | {"truncate", "finetuned"},
    ),
    "longrope": _Kind(frozenset({"short_factor", "long_factor"}), frozenset({_ORIGINAL, "factor", "attention_factor"})),
}
_SAME = {"su": "longrope"}
"""Older names of a kind."""


class _Section(NamedTuple):
    """What one spelling says; None where it says nothing."""

    base: float | None = None
    part: float | None = None
    scaling: RotaryScaling | None = None
    kind: str | None = None


def read_rotary(keys: Keys, d_head: int, n_ctx: int, defaults: RotaryDefaults | None = None) -> Rotary:
    """Rotary positions of a config whose context is `n_ctx`. Raises ConfigError on kinds and keys not understood, and
    where two spellings of one thing disagree.
    """
    defaults = RotaryDefaults() if defaults is None else defaults
    original = keys.size(_ORIGINAL, None)
    for ours, copy in ((defaults.base_key, "rope_theta"), (defaults.part_key, "partial_rotary_factor")):
        # Transformers 4 writes the usual spelling beside the family's own.
        if copy != ours and keys.take(copy, None) is not None:
            keys.expect(copy, keys.take(ours))
    old = _Section(base=keys.number(defaults.base_key, None), part=keys.number(defaults.part_key, None))
    sections = [old]
    for name in ("rope_scaling", "rope_parameters"):
        values = keys.take(name, None)
        sections.append(_Section() if values is None else _section(values, name, n_ctx, original))
    base = agreed(defaults.base_key, [said.base for said in sections])
    part = agreed(defaults.part_key, [said.part for said in sections])
    kind = agreed("rope_type", [said.kind for said in sections])
    scaling = agreed(f"rope_type {kind!r}", [said.scaling for said in sections])
    part = defaults.part if part is None else part
    _check_part(part, defaults)
    if part > 1:
        raise ConfigError(f"config.json says {defaults.part_key} = {part}; it is a part of each head, at most 1")
    return Rotary(dim=int(part * d_head), base=base or defaults.base, pairing=defaults.pairing, scaling=scaling)


def read_rotary_of(values: Any, name: str, d_head: int, n_ctx: int, default_base: float) -> Rotary:
    """Rotary positions of one kind of layer, from a section of its own."""
    said = _section(values, name, n_ctx, None)
    _check_part(said.part or 1.0, WHOLE_HEADS)
    return Rotary(dim=d_head, base=said.base or default_base, scaling=said.scaling)


def split_sections(keys: Keys) -> Any:
    """The windowed layers' section of rope_parameters, where it has one for each kind of layer; that for the rest stays
    in its place. None where the config has no such sections.
    """
    sections = keys.take("rope_parameters", None)
    kinds = ("full_attention", "sliding_attention")
    if sections is None:
        return None
    if not isinstance(sections, Mapping) or set(sections) != set(kinds):
        raise ConfigError(f"config.json says rope_parameters = {sections!r}; it must have {' and '.join(kinds)}")
    keys.put("rope_parameters", sections[kinds[0]])
    return sections[kinds[1]]


def _check_part(part: float, defaults: RotaryDefaults) -> None:
    if part != 1 and not defaults.parts:
        raise ConfigError(f"config.json says {defaults.part_key} = {part}; in this family whole heads turn")


def agreed(what: str, said: list[Any]) -> Any:
    """The one thing that was said, or None if nothing was."""
    found: list[Any] = []
    for value in said:
        if value is not None and value not in found:
            found.append(value)
    if len(found) > 1:
        raise ConfigError(f"config.json gives {what} as {' and as '.join(map(str, found))}: they must agree")
    return found[0] if found else None


def _section(values: Any, name: str, n_ctx: int, original: int | None) -> _Section:
    if not isinstance(values, Mapping):
        raise ConfigError(f"config.json says {name} = {values!r}; it must be an object of keys and values, or null")
    read = Keys(values, name)
    base, part = read.number("rope_theta", None), read.number("partial_rotary_factor", None)
    kind = agreed(f"the type of {name}", [read.take("type", None), read.take("rope_type", None)])
    rest = {key for key, value in values.items() if key not in _NOT_SCALING and value is not None}
    if kind is None and not rest:
        return _Section(base, part)
    kind = _SAME.get(kind, kind) if isinstance(kind, str) else kind
    return _Section(base, part, _scaling(name, kind or "default", rest, read, n_ctx, original), kind or "default")


_NOT_SCALING = ("rope_theta", "partial_rotary_factor", "type", "rope_type")


def _scaling(
    section: str, kind: Any, rest: set[str], read: Keys, n_ctx: int, original: int | None
) -> RotaryScaling | None:
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ConfigError(f"rope_type is {kind!r}; known are {', '.join(_KINDS)}.{near(str(kind), _KINDS)}")
    needs, may_have = _KINDS[kind]
    unknown, missing = sorted(rest - needs - may_have), sorted(needs - rest)
    if unknown and not (kind == "default" and unknown == [_ORIGINAL]):
        raise ConfigError(f"{section} of type {kind!r} has {unknown[0]!r}, which is not understood")
    if missing:
        raise ConfigError(f"{section} of type {kind!r} lacks {missing[0]!r}")
    said = agreed(_ORIGINAL, [original, read.size(_ORIGINAL, None)])
    original = n_ctx if kind == "dynamic" or said is None else said
    factor = read.number("factor", n_ctx / original)
    match kind:
        case "linear":
            return RotaryScaling(kind="linear", factor=factor, original_n_ctx=original)
        case "dynamic":
            return RotaryScaling(kind="dynamic", factor=factor, original_n_ctx=original)
        case "llama3":
            low, high = read.number("low_freq_factor"), read.number("high_freq_factor")
            return RotaryScaling(
                kind="llama3", factor=factor, low_freq_factor=low, high_freq_factor=high, original_n_ctx=original
            )
        case "yarn":
            return RotaryScaling(
                kind="yarn",
                factor=factor,
                original_n_ctx=original,
                beta_fast=read.number("beta_fast", 32.0),
                beta_slow=read.number("beta_slow", 1.0),
                whole_coordinates=read.flag("truncate", True),
                attention_factor=read.number("attention_factor", None) or _yarn_attention(read, factor),
            )
        case "longrope":
            if original == 1:
                raise ConfigError(
                    f"{section} of type {kind!r} stretches a context of {_ORIGINAL} = 1; it must be longer"
                )
            grown = 1.0 if factor <= 1 else math.sqrt(1 + math.log(factor) / math.log(original))
            return RotaryScaling(
                kind="longrope",
                factor=factor,
                original_n_ctx=original,
                short_factors=_row(section, "short_factor", read),
                long_factors=_row(section, "long_factor", read),
                attention_factor=read.number("attention_factor", None) or grown,
            )
    return None


def _yarn_attention(read: Keys, factor: float) -> float:
    """What cosines and sines grow by, or the ratio of two such factors where the config weighs both."""
    over, under = read.number("mscale", None), read.number("mscale_all_dim", None)
    return yarn_growth(factor, over) / yarn_growth(factor, under) if over and under else yarn_growth(factor)


def yarn_growth(factor: float, weight: float = 1.0) -> float:
    """0.1 · weight · ln(factor) + 1, or 1 for a context that does not grow (Peng et al. 2023, section 3.4)."""
    return 1.0 if factor <= 1 else 0.1 * weight * math.log(factor) + 1


def _row(section: str, name: str, read: Keys) -> tuple[float, ...]:
    values = read.take(name)
    numbers = isinstance(values, list | tuple) and all(type(each) in (int, float) for each in values)
    if not numbers:
        raise ConfigError(f"{section} says {name} = {values!r}; it must be a list of numbers, one a frequency")
    return tuple(float(each) for each in values)
