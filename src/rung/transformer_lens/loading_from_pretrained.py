"""What can be loaded by name, and what it is."""

from __future__ import annotations

from typing import Any

from ..model.catalog import SHORT_NAMES
from ..model.classic import HookedTransformerConfig, describe
from ..model.fetch import load_checkpoint
from ..model.older_names import checkpoint_steps
from ..model.paths import bundled_names
from .left_out import left_out

MODEL_ALIASES: dict[str, list[str]] = {}
"""Repository → the short names that mean it."""
for _short, _repository in SHORT_NAMES.items():
    MODEL_ALIASES.setdefault(_repository, []).append(_short)
OFFICIAL_MODEL_NAMES = [*bundled_names(), *MODEL_ALIASES]
DEFAULT_MODEL_ALIASES = [*bundled_names(), *(aliases[0] for aliases in MODEL_ALIASES.values())]

_WHY = {
    "get_pretrained_state_dict": "HookedTransformer.from_pretrained_no_processing(name).state_dict()",
    "get_basic_config": "HookedTransformerConfig(...) with the sizes you want",
    "convert_gpt2_weights": "rung.families holds the rules from checkpoint names to classic ones",
    "NON_HF_HOSTED_MODEL_NAMES": "every name is a folder, a bundled model or a repository",
}

__all__ = [
    "DEFAULT_MODEL_ALIASES",
    "MODEL_ALIASES",
    "OFFICIAL_MODEL_NAMES",
    "get_checkpoint_labels",
    "get_num_params_of_pretrained",
    "get_official_model_name",
    "get_pretrained_model_config",
    "make_model_alias_map",
]


def __getattr__(name: str) -> Any:
    raise left_out("transformer_lens.loading_from_pretrained", name, _WHY, __all__)


def get_official_model_name(model_name: str) -> str:
    """The repository that a short name means; a name that is no short one comes back as it is."""
    return SHORT_NAMES.get(model_name.lower(), model_name)


def get_pretrained_model_config(model_name: str, **ignored: Any) -> HookedTransformerConfig:
    """The config of a folder, a bundled model or a repository, before anything is done to its weights."""
    return describe(load_checkpoint(model_name).config)


def get_num_params_of_pretrained(model_name: str) -> int:
    """Weights of heads and MLPs alone, as `cfg.n_params` counts them."""
    return get_pretrained_model_config(model_name).n_params


def make_model_alias_map() -> dict[str, str]:
    """Every short name, in lower case, and the repository that it means."""
    return {short.lower(): repository for short, repository in SHORT_NAMES.items()}


def get_checkpoint_labels(model_name: str, **ignored: Any) -> tuple[list[int], str]:
    """The steps of training that a model was published at, and "step". Raises ConfigError where none are known."""
    return list(checkpoint_steps(get_official_model_name(model_name))[0]), "step"
