"""Rung's own config.json."""

from typing import Any

import pytest

from rung.config import ModelConfig
from rung.errors import ConfigError
from rung.families.native import FORMAT, NATIVE
from rung.families.rules import Keys

CONFIG = ModelConfig(n_layers=1, d_model=4, n_heads=2, d_head=2, d_vocab=3, n_ctx=5, model_name="own")


def read(**values: Any) -> Any:
    return NATIVE.read_config(Keys({"model_type": "rung", "format": FORMAT, **values}, "rung"), [])


def test_what_was_written_is_read() -> None:
    assert read(config=CONFIG.to_dict()) == CONFIG


@pytest.mark.parametrize("config", [5, "config", None, [], [["n_layers", 1]]])
def test_a_config_that_is_no_object_is_refused(config: Any) -> None:
    with pytest.raises(ConfigError, match="it must be an object of keys and values"):
        read(config=config)


def test_a_later_format_is_refused() -> None:
    with pytest.raises(ConfigError, match=f"format = {FORMAT + 1}; Rung's rung reads {FORMAT} only"):
        read(config=CONFIG.to_dict(), format=FORMAT + 1)


def test_keys_that_are_missing_or_strange_are_named() -> None:
    with pytest.raises(ConfigError, match="no 'config', which a rung model needs"):
        read()
    with pytest.raises(ConfigError, match="extra = 1, which Rung's rung does not understand"):
        read(config=CONFIG.to_dict(), extra=1)
    with pytest.raises(ConfigError, match=r"config key 'd_modle' is unknown.*d_model"):
        read(config=CONFIG.to_dict() | {"d_modle": 4})
