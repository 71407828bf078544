"""Rules read every tensor there is into every weight there is, and say so when one has no counterpart."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rung.config import BIASES, ModelConfig, Rotary, bias_shapes, weight_shapes
from rung.engine.weights import flatten, gather, init_weights
from rung.errors import CheckpointError, ConfigError
from rung.families import FAMILIES
from rung.families.rules import (
    Family,
    Keys,
    Rule,
    apply,
    axis_sizes,
    expected_shape,
    identity_rules,
    make_plan,
    table,
)

CONFIGS = {
    "gpt2": ModelConfig(
        n_layers=2, d_model=12, n_heads=3, d_head=4, d_vocab=13, n_ctx=10, d_mlp=20, act_fn="gelu_new",
        biases=frozenset(BIASES) - {"b_gate", "b_U"},
    ),
    "llama": ModelConfig(
        n_layers=2, d_model=12, n_heads=6, d_head=2, n_key_value_heads=2, d_vocab=13, n_ctx=10, d_mlp=20, act_fn="silu",
        gated_mlp=True, normalization_type="RMS", positional_embedding_type="rotary", rotary=Rotary(dim=2),
        biases=frozenset(("b_Q", "b_K", "b_V", "b_O", "b_gate", "b_in", "b_out")),
    ),
    "attn_only": ModelConfig(
        n_layers=2, d_model=12, n_heads=3, d_head=4, d_vocab=13, n_ctx=10,
        biases=frozenset(("b_Q", "b_K", "b_V", "b_O", "b_U", "ln1_b", "ln_final_b")),
    ),
}  # fmt: skip
CONFIGS["rung"] = CONFIGS["llama"]


@pytest.fixture(params=[family.name for family in FAMILIES])
def family(request: pytest.FixtureRequest) -> Family:
    """Each family in turn."""
    return next(family for family in FAMILIES if family.name == request.param)


def tensors_for(family: Family, config: ModelConfig) -> dict[str, torch.Tensor]:
    """A checkpoint that holds exactly what the rules read, every number another."""
    present, sizes, found, start = weight_shapes(config), axis_sizes(config), {}, 0
    for rule in table(family, config, ()):
        if all(name in present for name in rule.names):
            layers = range(config.n_layers) if "{l}" in rule.theirs else (None,)
            for layer in layers:
                shape = expected_shape(rule, sizes)
                count = math.prod(shape)
                found[rule.theirs.format(l=layer)] = torch.arange(start, start + count).double().view(shape)
                start += count
    return found


def shapes(tensors: dict[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def test_every_family_has_a_name_of_its_own() -> None:
    kinds = [kind for family in FAMILIES for kind in family.model_types]
    assert len(set(kinds)) == len(kinds)
    assert {family.name for family in FAMILIES} <= set(CONFIGS), "a new family needs a config here"


def test_rules_are_complete_in_both_directions(family: Family) -> None:
    config = CONFIGS[family.name]
    tensors = tensors_for(family, config)
    flat: dict[str, torch.Tensor] = {}
    for step in make_plan(family, config, shapes(tensors)):
        read = dict(apply(step, config, [tensors[name] for name in step.theirs]))
        assert not set(read) & set(flat), "one weight is filled once"
        flat |= read
    # Raises where a weight is missing or of another shape; every number of the file arrives exactly once.
    weights = gather(config, flat)
    numbers = torch.cat([tensor.flatten() for _, tensor in flatten(config, weights)]).sort().values
    assert torch.equal(numbers, torch.cat([tensor.flatten() for tensor in tensors.values()]).sort().values)
    assert len(numbers) == config.n_params


def test_each_tensor_is_missed(family: Family) -> None:
    config = CONFIGS[family.name]
    found = shapes(tensors_for(family, config))
    for name in found:
        with pytest.raises(CheckpointError, match=rf"the checkpoint lacks {name}, which this {family.name} config"):
            make_plan(family, config, {other: shape for other, shape in found.items() if other != name})


def test_each_shape_is_checked(family: Family) -> None:
    config = CONFIGS[family.name]
    found = shapes(tensors_for(family, config))
    for name, shape in found.items():
        with pytest.raises(CheckpointError, match=rf"{name} has shape .*the config calls for \["):
            make_plan(family, config, found | {name: (*shape[:-1], shape[-1] + 1)})


def test_each_weight_the_config_lacks_is_too_many(family: Family) -> None:
    config = CONFIGS[family.name]
    found = shapes(tensors_for(family, config))
    for bias in config.biases:
        poorer = replace(config, biases=config.biases - {bias})
        if any(bias in rule.names and len(rule.names) > 1 for rule in family.rules(config)):
            continue
        with pytest.raises(CheckpointError, match=rf"holds .*, which no {family.name} weight of this config reads"):
            make_plan(family, poorer, found)


def test_a_fused_tensor_splits_along_its_first_name(family: Family) -> None:
    config = CONFIGS["gpt2"]
    gpt2 = next(each for each in FAMILIES if each.name == "gpt2")
    tensors = tensors_for(gpt2, config)
    fused = tensors["h.1.attn.c_attn.weight"]
    (step,) = (s for s in make_plan(gpt2, config, shapes(tensors)) if s.theirs == ("h.1.attn.c_attn.weight",))
    read = dict(apply(step, config, [fused]))
    assert list(read) == [f"blocks.1.attn.W_{name}" for name in "QKV"]
    assert read["blocks.1.attn.W_K"][2, 5, 3] == fused[5, 12 + 2 * 4 + 3]


@pytest.mark.parametrize(
    ("rule", "shape"),
    [
        (Rule("W_E", "e", "v d -> v d"), (13, 12)),
        (Rule("W_Q", "q", "(h e) d -> h d e"), (12, 12)),
        (Rule("W_K", "k", "(k e) d -> k d e"), (4, 12)),
        (Rule(("W_Q", "W_K", "W_V"), "qkv", "d (n h e) -> n h d e"), (12, 36)),
        (Rule(("b_Q", "b_K"), "b", "(n h e) -> n h e"), (24,)),
        (Rule("W_O", "o", "d (h e) -> h e d"), (12, 12)),
        (Rule("W_in", "m", "m d -> d m"), (20, 12)),
    ],
)
def test_a_pattern_says_what_shape_it_reads(rule: Rule, shape: tuple[int, ...]) -> None:
    assert expected_shape(rule, axis_sizes(CONFIGS["llama"])) == shape


@given(st.sampled_from(sorted(CONFIGS)), st.sets(st.sampled_from(BIASES)), st.booleans(), st.integers(0, 2))
def test_classic_names_read_any_config(kind: str, biases: set[str], tied: bool, layers: int) -> None:
    config = replace(CONFIGS[kind], biases=frozenset(), tied_embeddings=tied, n_layers=layers)
    config = replace(config, biases=frozenset(biases) & set(bias_shapes(config)))
    family = Family("any", ("any",), lambda keys, names: config, identity_rules)
    weights = dict(flatten(config, init_weights(config, 0)))
    steps = make_plan(family, config, shapes(weights))
    read = dict(pair for step in steps for pair in apply(step, config, [weights[name] for name in step.theirs]))
    assert read.keys() == weights.keys()
    assert all(torch.equal(read[name], weights[name]) for name in weights)


# Reading a config.json key by key.


def test_a_missing_key_is_named_with_near_ones() -> None:
    with pytest.raises(ConfigError, match=r"no 'n_embd', which a toy model needs. Near names: n_embed"):
        Keys({"n_embed": 3}, "toy").take("n_embd")


def test_a_key_nobody_read_is_named_unless_harmless() -> None:
    keys = Keys({"a": 1, "b": 2, "architectures": ["X"], "use_cache": True, "c": 3}, "toy")
    keys.take("a")
    keys.ignore("c")
    with pytest.raises(ConfigError, match=r"config.json has b = 2, which Rung's toy does not understand"):
        keys.finish()
    keys.take("b")
    keys.finish()


def test_a_value_that_changes_the_model_is_refused() -> None:
    keys = Keys({"a": True, "b": "x"}, "toy")
    keys.expect("a", True, None)
    keys.expect("absent", 3)
    with pytest.raises(ConfigError, match="b = 'x'; Rung's toy reads 'y' or 'z' only"):
        keys.expect("b", "y", "z")


Read = Callable[[Keys], Any]


@pytest.mark.parametrize(
    ("read", "value", "message"),
    [
        (lambda keys: keys.size("x"), "4", "x = '4'; it must be a whole number of at least 1"),
        (lambda keys: keys.size("x"), 4.0, "x = 4.0; it must be a whole number"),
        (lambda keys: keys.size("x"), True, "x = True; it must be a whole number"),
        (lambda keys: keys.size("x"), 0, "x = 0; it must be a whole number of at least 1"),
        (lambda keys: keys.size("x", least=0), -1, "x = -1; it must be a whole number of at least 0"),
        (lambda keys: keys.size("x"), None, "x = None; it must be a whole number"),
        (lambda keys: keys.number("x"), None, "x = None; it must be a finite number above 0"),
        (lambda keys: keys.number("x"), "1e-5", "x = '1e-5'; it must be a finite number"),
        (lambda keys: keys.number("x"), False, "x = False; it must be a finite number"),
        (lambda keys: keys.number("x"), math.nan, "x = nan; it must be a finite number"),
        (lambda keys: keys.number("x"), math.inf, "x = inf; it must be a finite number"),
        (lambda keys: keys.number("x"), -1, "x = -1; it must be a finite number"),
        (lambda keys: keys.flag("x", True), "false", "x = 'false'; it must be true or false"),
        (lambda keys: keys.flag("x", True), 0, "x = 0; it must be true or false"),
        (lambda keys: keys.choice("x", "a", ("a", "b")), "c", "x = 'c'; known are a, b and null"),
        (lambda keys: keys.choice("x", "a", ("a", "b")), ["a"], "x = .*known are a, b"),
        (lambda keys: keys.activation("x", "gelu"), "tanh", "x = 'tanh'; known are gelu, .*silu"),
        (lambda keys: keys.activation("x", "gelu"), ["gelu"], "x = .*known are gelu"),
    ],
)
def test_values_of_another_type_are_refused_by_name(read: Read, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=f"config.json says {message}"):
        read(Keys({"x": value}, "toy"))


def test_null_is_as_good_as_absent_where_there_is_a_default() -> None:
    for values in ({"x": None}, {}):
        keys = Keys(values, "toy")
        assert (keys.size("x", 7), keys.size("x", None), keys.number("x", 0.5)) == (7, None, 0.5)
    assert Keys({"x": 3}, "toy").number("x") == 3.0
    assert type(Keys({"x": 3}, "toy").number("x")) is float


def test_heads_share_a_width_evenly() -> None:
    assert Keys({}, "toy").share(12, 3) == 4
    with pytest.raises(ConfigError, match="a width of 12, which 5 heads cannot share evenly"):
        Keys({}, "toy").share(12, 5)


def test_activations_have_our_names() -> None:
    spelt = {"gelu_pytorch_tanh": "gelu_new", "swish": "silu", "silu": "silu", "gelu": "gelu", "relu": "relu"}
    for theirs, ours in spelt.items():
        assert Keys({"x": theirs}, "toy").activation("x", "gelu") == ours
