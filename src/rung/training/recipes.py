"""The training recipes: everything that decides how a model is trained, as data.

Most recipes use a curriculum, in which a stage ends when the accuracy on it reaches a threshold.
The phase change in such a training curve therefore happens under a curriculum. `head_scale`
multiplies a head's initial weights and its learning rate: it breaks the symmetry between heads, so
that one of them is likely to take a role, and sets no connections.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

from ..config import ModelConfig, Rotary
from ..errors import ConfigError, near
from .corpus import Mix


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of a curriculum: how its batches are made, and when it ends."""

    mix: Mix
    until: float | None = None
    """The stage ends when accuracy on its predictable targets reaches this; None: it is the last stage."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A model's config, its curriculum and the optimizer's settings."""

    name: str
    about: str
    """One sentence for the model card."""
    config: ModelConfig
    stages: tuple[Stage, ...]
    steps: int
    synthetic: bool = False
    """Whether the plain rows are a synthetic language, so that no corpus is needed."""
    head_scale: tuple[tuple[float, ...], ...] | None = None
    """One factor for each head of each layer; None: no scaling."""
    silence: float = 0.0
    """Probability that a random head of the last layer is zero-ablated in a batch, so that the others back it up."""
    learning_rate: float = 3e-3
    """The peak learning rate, after 100 steps of warm-up; a cosine schedule follows."""
    learning_rate_end: float = 0.1
    """The final learning rate as a fraction of the peak."""
    weight_decay: float = 0.01
    position_base: float = 1000.0
    """Shortformer positions start as sinusoids with this base."""
    measure_every: int = 100
    keep: tuple[int, ...] = ()
    """Measured steps at which a checkpoint is saved."""

    def __post_init__(self) -> None:
        for fault in _faults(self):
            raise ConfigError(fault)

    def to_json(self) -> str:
        """The recipe as one line of JSON, the same for equal recipes; `from_json` reads it back."""
        values = asdict(self) | {"config": self.config.to_dict()}
        return json.dumps(values, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Reads a recipe in the form of `to_json`. Raises ConfigError that names the first invalid value."""
        try:
            values = dict(json.loads(text))
            values["stages"] = tuple(_read(Stage, each | {"mix": _read(Mix, each["mix"])}) for each in values["stages"])
            values["config"] = ModelConfig.from_dict(values["config"])
            values["keep"] = tuple(values.get("keep", ()))
            if values.get("head_scale") is not None:
                values["head_scale"] = tuple(map(tuple, values["head_scale"]))
            return cast(Recipe, _read(cls, values))
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigError(f"this is not a recipe: {error}") from None


_JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "float | None": (int, float, type(None)),
    "tuple[int, ...]": (int,),
    "tuple[tuple[float, ...], ...] | None": (int, float),
}
"""The JSON types allowed for each field annotation, or for the items of its tuples."""


def _read(kind: type[Any], values: Mapping[str, Any]) -> Any:
    """Reads a JSON object as a dataclass. Raises ConfigError for an unknown key or a value of the wrong type."""
    known = {field.name: str(field.type) for field in fields(kind)}
    for key, value in values.items():
        if key not in known:
            raise ConfigError(f"recipe key {key!r} is not known.{near(key, known)}")
        allowed = _JSON_TYPES.get(known[key])
        each = _flat(value or ()) if known[key].startswith("tuple") else [value]
        # In Python a bool is an int, here it is not; NaN and infinity are not valid JSON.
        if allowed and not all(type(one) in allowed and (type(one) is not float or math.isfinite(one)) for one in each):
            raise ConfigError(f"{key} is {value!r}; it must be {known[key]}")
    return kind(**values)


def _flat(value: Any) -> list[Any]:
    return [one for item in value for one in _flat(item)] if isinstance(value, tuple) else [value]


def _faults(recipe: Recipe) -> Iterator[str]:
    """The reasons why a recipe is invalid, as error messages."""
    config, rate, end = recipe.config, recipe.learning_rate, recipe.learning_rate_end
    if not recipe.stages:
        yield f"recipe {recipe.name!r} needs at least one stage"
    if recipe.steps < 1 or recipe.measure_every < 1:
        yield f"steps is {recipe.steps} and measure_every {recipe.measure_every}; both must be at least 1"
    if config.bos_token_id != 0:
        yield f"bos_token_id is {config.bos_token_id}; the tokenizer of a recipe uses 0"
    if recipe.head_scale is not None and [*map(len, recipe.head_scale)] != [config.n_heads] * config.n_layers:
        yield f"head_scale is {recipe.head_scale}; it needs one factor for each head of each layer"
    if rate <= 0 or not 0 <= end <= 1:
        yield (
            f"learning_rate is {rate} and learning_rate_end {end}; the first must be above 0, the second between 0 "
            "and 1"
        )
    if recipe.weight_decay < 0 or recipe.position_base <= 0:
        yield (
            f"weight_decay is {recipe.weight_decay} and position_base {recipe.position_base}; the first must be at "
            "least 0, the second above 0"
        )
    if not 0 <= recipe.silence <= 1 or (recipe.silence and not config.n_layers):
        yield f"silence is {recipe.silence}; it is a probability, above 0 only if the model has layers"
    for stage in recipe.stages:
        mix = stage.mix
        if not max(8, 2 * mix.shortest) <= mix.window <= config.n_ctx:
            yield (
                f"window is {mix.window}; it must be at least 8, hold two periods of {mix.shortest} and fit the "
                f"context of {config.n_ctx}"
            )
        if (stage.until is None) != (stage is recipe.stages[-1]):
            yield "every stage except the last needs `until`, the accuracy at which it ends; the last has none"
        if mix.shortest < 1 or mix.unpredictable < 0:
            yield (
                f"shortest is {mix.shortest} and unpredictable {mix.unpredictable}; the first must be at least 1, the "
                "second at least 0"
            )
        if mix.rows < 1 or not all(0 <= each <= 1 for each in (mix.repeated, mix.natural, mix.prefix, mix.gap)):
            yield f"a stage needs at least one row, and probabilities between 0 and 1: {mix}"


def _attention_only(n_layers: int, **changes: Any) -> ModelConfig:
    shape = ModelConfig(
        n_layers=n_layers,
        d_model=128,
        n_heads=4,
        d_head=32,
        d_vocab=2048,
        n_ctx=128,
        normalization_type=None,
        positional_embedding_type="shortformer",
        bos_token_id=0,
        default_prepend_bos=True,
    )
    return replace(shape, **changes)


def _induction(config: ModelConfig, repeated: float, natural: float, unpredictable: float) -> tuple[Stage, ...]:
    """Stages: periodic tokens from position 1 in short windows; from any position; with gaps; mixed with prose."""
    first = Mix(window=config.n_ctx // 2, rows=32, repeated=0.85)
    anywhere = replace(first, prefix=0.7, offset=True)
    whole = replace(anywhere, window=config.n_ctx, rows=20, gap=0.5, shortest=2)
    return (
        Stage(mix=first, until=0.9),
        Stage(mix=anywhere, until=0.9),
        Stage(mix=whole, until=0.9),
        Stage(mix=replace(whole, repeated=repeated, natural=natural, unpredictable=unpredictable)),
    )


def _induction_tiny(config: ModelConfig) -> tuple[Stage, ...]:
    """Stages in full windows: periodic tokens from position 1; from any position; with gaps."""
    first = Mix(window=config.n_ctx, rows=32, repeated=0.9)
    anywhere = replace(first, prefix=0.7)
    return (
        Stage(mix=first, until=0.9),
        Stage(mix=anywhere, until=0.9),
        Stage(mix=replace(anywhere, gap=0.5, shortest=2, repeated=0.8, unpredictable=0.05)),
    )


_VERY_SHORT = Stage(mix=Mix(window=32, rows=48, repeated=0.85), until=0.9)
_TEXT = Stage(mix=Mix(window=128, rows=20, repeated=0.0))

_TWO_LAYERS = _attention_only(2)
_TINY = _attention_only(2, d_model=64, n_heads=2, d_vocab=512, n_ctx=64)
_FULL = _attention_only(
    2,
    n_key_value_heads=2,
    d_mlp=256,
    act_fn="gelu",
    normalization_type="RMS",
    positional_embedding_type="rotary",
    rotary=Rotary(dim=32, base=100.0),
)

RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="zero-layer",
            about="No attention: embedding and unembedding alone, which learn what follows what.",
            config=_attention_only(0),
            stages=(_TEXT,),
            steps=3000,
        ),
        Recipe(
            name="one-layer",
            about="One layer of attention, trained on text: skip-trigrams, and their bug.",
            config=_attention_only(1),
            stages=(_TEXT,),
            steps=3000,
        ),
        Recipe(
            name="two-layer",
            about="A previous-token head in layer 0 feeds an induction head in layer 1.",
            config=_TWO_LAYERS,
            stages=_induction(_TWO_LAYERS, repeated=0.65, natural=0.45, unpredictable=0.01),
            steps=4000,
            head_scale=((1.0, 0.3, 0.3, 0.3),) * 2,
            learning_rate_end=0.01,
        ),
        Recipe(
            name="two-layer-tiny",
            about="The same circuit, small enough to train in a minute, with its phase change.",
            config=_TINY,
            stages=_induction_tiny(_TINY),
            steps=2500,
            synthetic=True,
            head_scale=((1.0, 0.1),) * 2,
            learning_rate=4e-3,
            measure_every=25,
            keep=(0, 200, 300, 350, 400, 450, 500, 550, 600, 700, 1000, 2500),
        ),
        Recipe(
            name="two-layer-redundant",
            about="As two-layer, but all heads of layer 1 do induction, and each covers for the others.",
            config=_TWO_LAYERS,
            stages=_induction(_TWO_LAYERS, repeated=0.4, natural=0.5, unpredictable=0.1),
            steps=4000,
            head_scale=((1.0, 0.3, 0.3, 0.3), (1.0, 1.0, 1.0, 1.0)),
            silence=0.5,
        ),
        Recipe(
            name="two-layer-full",
            about="The same job with RMSNorm, rotary positions, grouped queries and MLPs.",
            config=_FULL,
            stages=(_VERY_SHORT, *_induction(_FULL, repeated=0.4, natural=0.5, unpredictable=0.1)),
            steps=4000,
            head_scale=((1.0, 0.6, 0.6, 0.6),) * 2,
        ),
    )
}


def find_recipe(name: str) -> Recipe:
    """The recipe of that name. Raises ConfigError with the names most like it."""
    if name not in RECIPES:
        known = ", ".join(RECIPES)
        raise ConfigError(f"no recipe is called {name!r}; the recipes are {known}.{near(name, RECIPES)}")
    return RECIPES[name]


def read_recipe(path: Path) -> Recipe:
    """Reads a recipe from a JSON file, in the form that `Recipe.to_json` writes."""
    try:
        return Recipe.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"no recipe can be read from {path}: {error}") from None
