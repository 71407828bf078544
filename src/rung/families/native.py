"""Rung's own files: the config as it is, weights under classic names. What `save_pretrained` writes."""

from collections.abc import Collection

from ..config import ModelConfig
from .rules import Family, Keys, identity_rules

FORMAT = 1


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """The config that `save_pretrained` wrote."""
    keys.expect("format", FORMAT)
    config = ModelConfig.from_dict(keys.take("config"))
    keys.finish()
    return config


NATIVE = Family("rung", ("rung",), read_config, identity_rules)
