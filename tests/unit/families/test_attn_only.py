"""Attention-only toys in classic fields."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from rung.config import ModelConfig
from rung.engine.weights import flatten
from rung.errors import CheckpointError, ConfigError
from rung.families.attn_only import ATTN_ONLY
from rung.families.rules import Keys
from rung.model.model import HookedTransformer


def read(values: dict[str, Any], *names: str, **changes: Any) -> Any:
    return ATTN_ONLY.read_config(Keys(values | changes, "attn_only"), names)


def test_the_config_says_what_the_toy_is(toy_values: dict[str, Any]) -> None:
    config = read(toy_values)
    assert (config.n_layers, config.d_model, config.n_heads, config.d_head, config.n_ctx) == (2, 12, 3, 4, 10)
    assert (config.positional_embedding_type, config.normalization_type, config.attn_only) == (
        "shortformer",
        None,
        True,
    )
    assert config.biases == frozenset()


def test_biases_are_those_that_are_there(toy_values: dict[str, Any]) -> None:
    config = read(toy_values, "blocks.0.attn.b_Q", "unembed.b_U", "blocks.0.ln1.b", normalization_type="LN")
    assert config.biases == {"b_Q", "b_U", "ln1_b"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attn_only": False}, "attn_only = False"),
        ({"attention_dir": "bidirectional"}, "attention_dir = 'bidirectional'"),
        ({"d_model": "12"}, "d_model = '12'"),
        ({"n_heads": 5}, "a width of 12, which 5 heads cannot share"),
        ({"n_heads": 0}, "n_heads = 0"),
        ({"normalization_type": "BN"}, "normalization_type = 'BN'; known are LN, LNPre, RMS, RMSPre and null"),
        ({"positional_embedding_type": "rotary"}, "= 'rotary'; known are standard, sinusoidal, shortformer and null"),
        ({"eps": "1e-5"}, "eps = '1e-5'"),
        ({"attn_scale": 0}, "attn_scale = 0"),
        ({"bos_token_id": 13}, "bos_token_id is 13, outside the vocabulary"),
        ({"gated_mlp": True}, "gated_mlp = True, which Rung's attn_only does not understand"),
    ],
)
def test_what_would_be_another_model_is_refused(
    toy_values: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        read(toy_values, **changes)


def test_a_folder_of_one_is_read(toy_values: dict[str, Any], tmp_path: Path) -> None:
    config = ModelConfig(
        n_layers=2, d_model=12, n_heads=3, d_head=4, d_vocab=13, n_ctx=10, normalization_type=None,
        positional_embedding_type="shortformer", biases=frozenset(("b_O",)),
    )  # fmt: skip
    model = HookedTransformer(config, seed=1)
    held = {name: tensor.detach().contiguous() for name, tensor in flatten(config, model.weights)}
    mask = {"blocks.0.attn.mask": torch.ones(10, 10, dtype=torch.bool), "blocks.1.attn.IGNORE": torch.tensor(-1e5)}
    save_file(held | mask, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(toy_values))
    tokens = torch.tensor([[3, 1, 4, 1, 5]])
    read_back = HookedTransformer.from_pretrained_no_processing(tmp_path)
    assert torch.equal(read_back(tokens), model(tokens))
    processed = HookedTransformer.from_pretrained(tmp_path)
    torch.testing.assert_close(processed(tokens).log_softmax(-1), model(tokens).log_softmax(-1))
    assert processed.config.processing == ("center_unembed",)
    save_file(held | {"blocks.0.attn.masks": torch.ones(1)}, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"holds blocks\.0\.attn\.masks"):
        HookedTransformer.from_pretrained(tmp_path)
