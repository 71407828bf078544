"""The description of a model: what it refuses, what it derives, and that it survives JSON."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.config import (
    BIASES,
    WEIGHT_PATHS,
    Alibi,
    Latent,
    ModelConfig,
    Rotary,
    RotaryScaling,
    bias_shapes,
    is_layered,
    weight_path,
    weight_shapes,
)
from rung.errors import ConfigError

SHAPE: dict[str, Any] = {"n_layers": 2, "d_model": 12, "n_heads": 4, "d_head": 3, "d_vocab": 7, "n_ctx": 5}
FULL = ModelConfig(
    **SHAPE,
    n_key_value_heads=2,
    d_mlp=8,
    act_fn="silu",
    gated_mlp=True,
    parallel_attn_mlp=True,
    normalization_type="LN",
    eps=1e-6,
    positional_embedding_type="rotary",
    rotary=Rotary(dim=2, base=5e5, pairing="adjacent", scaling=RotaryScaling(kind="llama3", factor=8.0)),
    attn_scale=2.0,
    biases=frozenset(BIASES),
    bos_token_id=0,
    default_prepend_bos=True,
    family="llama",
    model_name="full",
    processing=("fold_ln",),
    notes=("a note",),
)


def wrong(**changes: Any) -> dict[str, Any]:
    return {**SHAPE, **changes}


@pytest.mark.parametrize("size", ["d_model", "n_heads", "d_head", "d_vocab", "n_ctx"])
@pytest.mark.parametrize("value", [0, -1, "4", 4.0, True, None, [4], math.nan])
def test_sizes_are_whole_numbers_of_at_least_one(size: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"{size} is .*whole number of at least 1"):
        ModelConfig.from_dict(wrong(**{size: value}))


@pytest.mark.parametrize("name", ["n_key_value_heads", "d_mlp"])
@pytest.mark.parametrize("value", [0, -2, "2", 2.0, False])
def test_optional_sizes_are_whole_numbers_too(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"{name} is"):
        ModelConfig.from_dict(wrong(**{name: value}))


@pytest.mark.parametrize("value", [-1, True, "2", 2.0])
def test_layers_may_be_none_at_all_but_not_fewer(value: Any) -> None:
    assert ModelConfig(**wrong(n_layers=0)).n_layers == 0
    with pytest.raises(ConfigError, match=r"n_layers is .*at least 0"):
        ModelConfig.from_dict(wrong(n_layers=value))


@pytest.mark.parametrize("name", ["eps", "sinusoidal_base", "attn_scale"])
@pytest.mark.parametrize("value", ["1e-5", -1.0, math.nan, math.inf, True, [1.0]])
def test_numbers_are_finite_and_positive(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"{name} is"):
        ModelConfig.from_dict(wrong(**{name: value}))


def test_only_eps_may_be_zero() -> None:
    assert ModelConfig(**wrong(eps=0.0)).eps == 0
    for name in ("sinusoidal_base", "attn_scale"):
        with pytest.raises(ConfigError, match=f"{name} is 0"):
            ModelConfig.from_dict(wrong(**{name: 0}))


@pytest.mark.parametrize("name", ["gated_mlp", "parallel_attn_mlp", "tied_embeddings", "default_prepend_bos"])
@pytest.mark.parametrize("value", ["false", 0, 1, None])
def test_flags_are_true_or_false(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"{name} is .*true or false"):
        ModelConfig.from_dict(wrong(**{name: value}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_key_value_heads": 3}, "4 query heads cannot share 3"),
        ({"n_key_value_heads": 8}, "4 query heads cannot share 8"),
        ({"d_mlp": 8}, "act_fn is None and d_mlp is 8"),
        ({"act_fn": "relu"}, "act_fn is 'relu' and d_mlp is None"),
        ({"gated_mlp": True}, "no MLP"),
        ({"normalization_type": "BatchNorm"}, "BatchNorm.*known are LN, LNPre, RMS, RMSPre, None"),
        ({"normalization_type": ["LN"]}, "normalization_type is"),
        ({"positional_embedding_type": "relative"}, "relative.*rotary"),
        ({"router_score": "max"}, "router_score is 'max'; known are softmax, sigmoid"),
        ({"expert_scale": 0.0}, "expert_scale is 0.0; it must be a finite number above 0"),
        ({"gate_shared": None}, "gate_shared is None; it must be true or false"),
        ({"dense_layers": [-1]}, "dense_layers is .*list of layers"),
        ({"latent": {"q_rank": None}}, "latent lacks 'kv_rank'"),
        ({"latent": {"q_rank": 0, "kv_rank": 4}}, "q_rank is 0"),
        ({"positional_embedding_type": "rotary"}, "rotary settings must be given exactly"),
        ({"rotary": {"dim": 2}}, "rotary settings must be given exactly"),
        ({"positional_embedding_type": "rotary", "rotary": {"dim": 4}}, "at most d_head = 3"),
        ({"biases": ["b_Z"]}, "bias 'b_Z' is unknown.*Near names: .*b_"),
        ({"biases": ["b_in"]}, "b_in.*no component with that bias"),
        ({"normalization_type": "RMS", "biases": ["ln1_b"]}, "ln1_b.*no component with that bias"),
        ({"biases": "b_Q"}, "biases is 'b_Q'"),
        ({"biases": [["b_Q"]]}, "biases is"),
        ({"notes": "a note"}, "notes is 'a note'"),
        ({"processing": [1]}, "processing is"),
        ({"bos_token_id": 7}, "outside the vocabulary of 7"),
        ({"bos_token_id": -1}, "bos_token_id is -1"),
        ({"bos_token_id": True}, "bos_token_id is True"),
        ({"default_prepend_bos": True}, "there is no bos_token_id"),
        ({"model_name": None}, "model_name is None; it must be text"),
        ({"rotary": "halves"}, "rotary is 'halves'"),
        ({"n_head": 4}, "config key 'n_head' is unknown. Near names: n_heads"),
    ],
)
def test_contradictions_and_strangers_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ModelConfig.from_dict(wrong(**changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dim": 3}, "rotary dim is 3; it must be even"),
        ({"dim": 0}, "dim is 0"),
        ({"dim": "2"}, "dim is '2'"),
        ({"base": 0}, "base is 0"),
        ({"base": "1e4"}, "base is '1e4'"),
        ({"pairing": "quarters"}, "quarters.*known are halves, adjacent"),
        ({"dims": 2}, "'dims' is unknown. Near names: dim"),
        ({"scaling": "linear"}, "scaling is 'linear'"),
        ({"scaling": {"kind": "ntk", "factor": 2.0}}, "ntk.*known are linear, dynamic"),
        ({"scaling": {"kind": "linear", "factor": 0}}, "factor is 0"),
        ({"scaling": {"kind": "linear"}}, "lacks 'factor'"),
        ({"scaling": {"kind": "llama3", "factor": 2.0, "low_freq_factor": 4.0}}, "must be the smaller"),
        ({"scaling": {"kind": "llama3", "factor": 2.0, "original_n_ctx": 1.5}}, "original_n_ctx is 1.5"),
    ],
)
def test_rotary_settings_are_checked_where_they_stand(changes: dict[str, Any], message: str) -> None:
    rotary = {"dim": 2, **changes}
    with pytest.raises(ConfigError, match=message):
        ModelConfig.from_dict(wrong(positional_embedding_type="rotary", rotary=rotary))


@pytest.mark.parametrize("values", [5, "config", None, [], [1]])
def test_a_config_that_is_no_object_is_refused(values: Any) -> None:
    with pytest.raises(ConfigError, match="must be an object of keys and values"):
        ModelConfig.from_dict(values)


def test_a_missing_size_is_named() -> None:
    with pytest.raises(ConfigError, match="lacks 'd_head'"):
        ModelConfig.from_dict({key: value for key, value in SHAPE.items() if key != "d_head"})


def test_a_config_survives_json() -> None:
    for config in (FULL, ModelConfig(**SHAPE), ModelConfig(**wrong(n_layers=0, normalization_type=None))):
        again = ModelConfig.from_dict(json.loads(json.dumps(config.to_dict())))
        assert again == config
        assert hash(again) == hash(config)


def test_what_a_config_derives() -> None:
    assert (FULL.n_kv, FULL.grouped, FULL.attn_only) == (2, True, False)
    plain = ModelConfig(**SHAPE)
    assert (plain.n_kv, plain.grouped, plain.attn_only) == (4, False, True)
    assert not replace(FULL, n_key_value_heads=4).grouped


def test_every_weight_has_its_shape() -> None:
    shapes = weight_shapes(FULL)
    rare = {"ln_embed_w", "ln_embed_b", "q_norm_w", "q_norm_b", "k_norm_w", "k_norm_b", "ln1_post_w", "ln2_post_w"}
    rare |= {"sinks", "b_router", "W_router", "W_router_shared", "W_gate_shared", "W_in_shared", "W_out_shared"}
    rare |= {"W_DQ", "q_latent_w", "W_QR", "W_UQ", "W_DKV", "kv_latent_w", "W_KR", "W_UK", "W_UV", "b_select"}
    assert set(shapes) == set(WEIGHT_PATHS) - {"W_pos"} - rare
    assert shapes["W_Q"] == (4, 12, 3)
    assert shapes["W_K"] == shapes["W_V"] == (2, 12, 3)
    assert shapes["W_O"] == (4, 3, 12)
    assert shapes["b_K"] == (2, 3)
    assert shapes["b_Q"] == (4, 3)
    assert shapes["W_in"] == shapes["W_gate"] == (12, 8)
    assert shapes["W_out"] == (8, 12)
    assert (shapes["W_E"], shapes["W_U"], shapes["b_U"]) == ((7, 12), (12, 7), (7,))


def test_rarer_parts_have_theirs() -> None:
    experts = {
        "n_experts": 5,
        "experts_per_token": 2,
        "d_mlp_shared": 6,
        "d_mlp": 8,
        "act_fn": "silu",
        "gated_mlp": True,
    }
    norms = {"norm_placement": "both", "qk_norm": "heads", "post_embedding_ln": True}
    shapes = weight_shapes(ModelConfig(**wrong(n_key_value_heads=2, **experts, **norms)))
    assert shapes["W_in"] == shapes["W_gate"] == (5, 12, 8) and shapes["W_out"] == (5, 8, 12)
    assert shapes["W_router"] == (12, 5) and shapes["W_router_shared"] == (12, 1) and shapes["W_out_shared"] == (6, 12)
    assert shapes["q_norm_w"] == (4, 3) and shapes["k_norm_w"] == (2, 3) and shapes["ln_embed_w"] == (12,)
    assert {"ln1_w", "ln1_post_w", "ln2_w", "ln2_post_w"} <= shapes.keys()
    shifted = {"attn_sinks": True, "biases": frozenset({"b_router", "b_in", "b_gate", "b_out"})}
    shapes = weight_shapes(ModelConfig(**wrong(**experts, **shifted)))
    assert shapes["sinks"] == (4,) and shapes["b_router"] == (5,) and shapes["b_out"] == (5, 12)
    assert shapes["b_in"] == shapes["b_gate"] == (5, 8)
    behind = weight_shapes(ModelConfig(**wrong(norm_placement="post")))
    assert "ln1_post_w" in behind and "ln1_w" not in behind and "ln2_post_w" not in behind


ROTARY = {"positional_embedding_type": "rotary", "rotary": Rotary(dim=2)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positional_embedding_type": "alibi"}, "alibi settings must be given exactly when"),
        (
            {"positional_embedding_type": "alibi", "alibi": Alibi(slopes=(0.5,))},
            "1 slopes; it needs one for each of 4 heads",
        ),
        ({"windows": (3,)}, "windows are given for 1 layers; there are 2"),
        ({"swiglu_limit": 7.0}, "swiglu_limit is for gated MLPs"),
        ({"unrotated_layers": (1,)}, r"unrotated_layers are \[1\]; .*positions are rotary"),
        ({"unrotated_layers": (-1,)}, "unrotated_layers is .*list of layers"),
        ({"windows": (3, 0)}, "windows is .*whole numbers of at least 1"),
        ({**ROTARY, "rotary_local": Rotary(dim=2)}, "rotary_local applies to layers with a window"),
        ({"d_mlp": 8, "act_fn": "relu", "n_experts": 4}, "give both, or neither"),
        ({"d_mlp": 8, "act_fn": "relu", "n_experts": 2, "experts_per_token": 3}, "experts_per_token is 3; there are 2"),
        ({"n_experts": 4, "experts_per_token": 1}, "no MLP"),
        ({"d_mlp": 8, "act_fn": "relu", "d_mlp_shared": 4}, "need n_experts"),
        ({"normalization_type": None, "qk_norm": "head"}, "normalization_type is None"),
        ({"clip_qkv": 0.0}, "finite number above 0"),
    ],
)
def test_rarer_parts_must_fit_together(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ModelConfig(**wrong(**changes))


LATENT: dict[str, Any] = ROTARY | {"normalization_type": "RMS", "latent": Latent(q_rank=None, kv_rank=5)}
EXPERTS: dict[str, Any] = {"d_mlp": 8, "act_fn": "silu", "gated_mlp": True, "n_experts": 6, "experts_per_token": 3}


def test_latent_attention_and_layers_without_experts_have_their_weights() -> None:
    mixed = EXPERTS | {"dense_layers": (1,), "d_mlp_dense": 9, "d_mlp_shared": 4, "gate_shared": False}
    config = ModelConfig(**wrong(**LATENT, **mixed, d_head_v=4, biases=frozenset({"b_select"})))
    usual, dense = weight_shapes(config, 0), weight_shapes(config, 1)
    assert usual == weight_shapes(config), "named as where most layers have them"
    assert usual["W_QR"] == (4, 12, 2) and usual["W_UQ"] == (4, 12, 1) and usual["W_KR"] == (12, 2)
    assert usual["W_DKV"] == (12, 5) and usual["W_UK"] == (4, 5, 1) and usual["W_UV"] == (4, 5, 4)
    assert usual["W_O"] == (4, 4, 12) and usual["kv_latent_w"] == (5,) and not usual.keys() & {"W_Q", "W_DQ", "W_V"}
    assert usual["W_in"] == (6, 12, 8) and dense["W_in"] == (12, 9) and dense["W_out"] == (9, 12)
    lacking = {"W_router", "b_select", "W_gate_shared", "W_in_shared", "W_out_shared"}
    assert usual.keys() - dense.keys() == lacking and "W_router_shared" not in usual
    sizes = [math.prod(shape) for layer in (usual, dense) for name, shape in layer.items() if is_layered(name)]
    assert config.n_params == sum(sizes) + 7 * 12 + 12 * 7 + 12
    assert (config.routed(0), config.routed(1), config.mlp_width(0), config.mlp_width(1)) == (True, False, 8, 9)
    compressed = replace(config, latent=Latent(q_rank=3, kv_rank=5))
    assert weight_shapes(compressed)["W_DQ"] == (12, 3) and weight_shapes(compressed)["W_UQ"] == (4, 3, 1)
    assert ModelConfig.from_dict(json.loads(json.dumps(compressed.to_dict()))) == compressed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latent": Latent(q_rank=None, kv_rank=5), "normalization_type": "RMS"}, "give rotary, with dim below d_head"),
        ({**LATENT, "d_head": 2}, "turns a part of each head, not all"),
        ({**LATENT, "normalization_type": "LN"}, "needs RMSNorm"),
        ({**LATENT, "n_key_value_heads": 2}, "takes no n_key_value_heads"),
        ({**LATENT, "qk_norm": "head"}, "takes no n_key_value_heads, qk_norm"),
        ({**LATENT, "biases": frozenset({"b_Q"})}, "no component with that bias"),
        ({**EXPERTS, "dense_layers": (0,)}, "give both, or neither"),
        ({**EXPERTS, "dense_layers": (2,), "d_mlp_dense": 4}, "among 2 layers of a model that has experts"),
        ({"d_mlp": 8, "act_fn": "relu", "dense_layers": (0,), "d_mlp_dense": 4}, "of a model that has experts"),
        ({**EXPERTS, "n_expert_groups": 2}, "give both, or neither"),
        (
            {**EXPERTS, "n_expert_groups": 4, "expert_groups_per_token": 2},
            "3 of 6 experts are chosen from 2 of 4 groups",
        ),
        ({**EXPERTS, "n_expert_groups": 3, "expert_groups_per_token": 1}, "those chosen hold enough experts"),
        (
            {**EXPERTS, "n_expert_groups": 3, "expert_groups_per_token": 2, "experts_per_group_score": 3},
            "experts_per_group_score is 3; a group has 2 experts",
        ),
    ],
)
def test_latent_attention_and_routing_must_fit_together(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ModelConfig(**wrong(**changes))


def test_rarer_parts_survive_json() -> None:
    yarn = RotaryScaling(kind="yarn", factor=4.0, attention_factor=1.1)
    turned = {**ROTARY, "rotary": Rotary(dim=2, scaling=yarn), "rotary_local": Rotary(dim=2, base=9.0)}
    odd = ModelConfig(**wrong(**turned, windows=(4, None), output_logits_soft_cap=30.0))
    assert ModelConfig.from_dict(json.loads(json.dumps(odd.to_dict()))) == odd
    assert odd.rotary_of(0) == odd.rotary_local and odd.rotary_of(1) == odd.rotary
    slopes = ModelConfig(**wrong(positional_embedding_type="alibi", alibi=Alibi(slopes=(1.0, 0.5, 0.25, 0.125))))
    assert ModelConfig.from_dict(json.loads(json.dumps(slopes.to_dict()))) == slopes


def test_absent_parts_have_no_weights() -> None:
    bare = ModelConfig(**wrong(normalization_type=None, positional_embedding_type=None, tied_embeddings=True))
    assert set(weight_shapes(bare)) == {"W_E", "W_Q", "W_K", "W_V", "W_O"}
    assert "ln2_w" not in weight_shapes(ModelConfig(**SHAPE))
    assert "ln1_w" not in weight_shapes(ModelConfig(**wrong(normalization_type="LNPre")))
    assert set(bias_shapes(bare)) == {"b_Q", "b_K", "b_V", "b_O", "b_U"}


def test_parameters_are_counted_layer_by_layer() -> None:
    # W_E, W_pos, W_U; each layer four of 12 · 4 · 3 and a norm; the last norm.
    assert ModelConfig(**SHAPE).n_params == 7 * 12 + 5 * 12 + 12 * 7 + 2 * (4 * 12 * 4 * 3 + 12) + 12


def test_shared_heads_are_stored_under_an_underscore() -> None:
    assert weight_path(FULL, "W_K", 1) == "blocks.1.attn._W_K"
    assert weight_path(FULL, "b_V", 0) == "blocks.0.attn._b_V"
    assert weight_path(FULL, "W_Q", 1) == "blocks.1.attn.W_Q"
    assert weight_path(ModelConfig(**SHAPE), "W_K", 1) == "blocks.1.attn.W_K"
    assert weight_path(FULL, "W_U") == "unembed.W_U"
    assert is_layered("ln2_b")
    assert not is_layered("ln_final_b")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 20) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=3,
)


@given(st.dictionaries(st.sampled_from(sorted(FULL.to_dict())), JSON, max_size=3))
def test_any_json_is_a_config_or_one_clear_error(changes: dict[str, Any]) -> None:
    values = FULL.to_dict() | changes
    try:
        config = ModelConfig.from_dict(values)
    except ConfigError as error:
        assert len(str(error)) > 10
    else:
        assert ModelConfig.from_dict(config.to_dict()) == config
        assert weight_shapes(config)
