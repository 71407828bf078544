"""Rules read every tensor there is into every weight there is, and say so when one has no counterpart."""

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from rung.config import BIASES, ModelConfig, bias_shapes, weight_shapes
from rung.engine.weights import flatten, gather, init_weights
from rung.errors import CheckpointError, ConfigError
from rung.families import FAMILIES
from rung.families.rules import (
    Family,
    Keys,
    Rule,
    Step,
    apply,
    axis_sizes,
    expected_shape,
    identity_rules,
    make_plan,
    table,
)

SHAPE = ModelConfig(
    n_layers=2, d_model=12, n_heads=6, n_key_value_heads=2, d_head=2, d_vocab=13, n_ctx=10, d_mlp=20, act_fn="silu",
    gated_mlp=True, n_experts=3, experts_per_token=2, d_mlp_shared=5,
)  # fmt: skip


def tensors_for(layout: Any) -> dict[str, Tensor]:
    """A checkpoint that holds exactly what the rules read, every number another."""
    family, config, names = layout
    found: dict[str, Tensor] = {}
    start = 0
    for rule in table(family, config, names):
        stacked = re.search(r"\{([hkx])\}", rule.theirs)
        for layer in range(config.n_layers) if "{l}" in rule.theirs else (None,):
            present, sizes = weight_shapes(config, layer), axis_sizes(config, layer)
            of_layer = layer is None or rule.routed in (None, config.routed(layer))
            if of_layer and all(name in present for name in rule.names):
                for i in range(sizes[stacked[1]] if stacked else 1):
                    shape = expected_shape(rule, sizes)
                    count = math.prod(shape)
                    name = rule.theirs.format(l=layer, h=i, k=i, x=i)
                    found[name] = torch.arange(start, start + count).double().view(shape)
                    start += count
    return found


def shapes(tensors: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def read_all(layout: Any, tensors: dict[str, Tensor], plain: bool = False) -> dict[str, Tensor]:
    """Every weight that the plan's steps read; `plain`: without what rules add or multiply."""
    flat: dict[str, Tensor] = {}
    for step in make_plan(layout.family, layout.config, shapes(tensors)):
        step = step._replace(rule=step.rule._replace(plus=0.0, times=1.0)) if plain else step
        read = dict(apply(step, layout.config, [tensors[name] for name in step.theirs]))
        assert not set(read) & set(flat), "one weight is filled once"
        flat |= read
    return flat


def copies(rule: Rule, sizes: dict[str, int]) -> int:
    """How many times a tensor's numbers arrive: a norm that two parts share, or every head, is there for each."""
    left, right = (set(re.findall(r"[a-z]", side)) for side in rule.pattern.split("->"))
    return math.prod((sizes | {"n": len(rule.names)})[axis] for axis in right - left)


def test_every_family_has_names_of_its_own_and_a_layout_here(layouts: dict[str, Any]) -> None:
    kinds = [kind for family in FAMILIES for kind in family.model_types]
    assert len(set(kinds)) == len(kinds)
    assert {label.split()[0] for label in layouts} == set(kinds), "each model_type needs a config here"


def test_rules_are_complete_in_both_directions(layout: Any) -> None:
    tensors = tensors_for(layout)
    # Raises where a weight is missing or of another shape.
    weights = gather(layout.config, read_all(layout, tensors, plain=True))
    wanted: Counter[float] = Counter()
    sizes = axis_sizes(layout.config)
    for step in make_plan(layout.family, layout.config, shapes(tensors)):
        for name in step.theirs:
            for number in tensors[name][step.rule.skip :].flatten().tolist():
                wanted[number] += copies(step.rule, sizes)
    arrived = torch.cat([tensor.flatten() for _, tensor in flatten(layout.config, weights)])
    assert Counter(arrived.tolist()) == wanted
    assert len(arrived) == layout.config.n_params


def test_each_tensor_is_missed(layout: Any) -> None:
    family, config, _ = layout
    found = shapes(tensors_for(layout))
    for name in found:
        if name in layout.names:
            continue  # Without it this is another layout.
        with pytest.raises(CheckpointError, match=rf"the checkpoint lacks {name}, which this {family.name} config"):
            make_plan(family, config, {other: shape for other, shape in found.items() if other != name})


def test_each_shape_is_checked(layout: Any) -> None:
    family, config, _ = layout
    found = shapes(tensors_for(layout))
    for name, shape in found.items():
        with pytest.raises(CheckpointError, match=rf"{name} has shape .*the config calls for \["):
            make_plan(family, config, found | {name: (*shape[:-1], shape[-1] + 1)})


def test_each_weight_the_config_lacks_is_too_many(layout: Any) -> None:
    family, config, _ = layout
    found = shapes(tensors_for(layout))
    for bias in config.biases:
        poorer = replace(config, biases=config.biases - {bias})
        with pytest.raises(CheckpointError, match=rf"holds .*, which no {family.name} weight of this config reads"):
            make_plan(family, poorer, found)


def test_no_two_rules_of_a_layout_read_one_tensor_or_fill_one_weight(layout: Any) -> None:
    for routed in (True, False):
        rules = [rule for rule in table(*layout) if rule.routed in (None, routed)]
        theirs, ours = [rule.theirs for rule in rules], [name for rule in rules for name in rule.names]
        assert len(set(theirs)) == len(theirs)
        assert len(set(ours)) == len(ours)


def read_one(layout: Any, path: str) -> Tensor:
    """One weight, by its classic name."""
    return read_all(layout, tensors_for(layout))[path]


def test_a_fused_tensor_splits_along_its_first_name(layouts: dict[str, Any]) -> None:
    layout = layouts["gpt2"]
    fused = tensors_for(layout)["h.1.attn.c_attn.weight"]
    assert read_one(layout, "blocks.1.attn.W_K")[2, 5, 3] == fused[5, 12 + 2 * 4 + 3]


def test_a_tensor_fused_head_by_head_splits_within_each(layouts: dict[str, Any]) -> None:
    layout = layouts["bloom"]
    fused = tensors_for(layout)["h.1.self_attention.query_key_value.weight"]
    # Three heads of four rows for queries, then keys, then values.
    assert read_one(layout, "blocks.1.attn.W_V")[2, 5, 3] == fused[2 * 12 + 2 * 4 + 3, 5]


def test_a_tensor_fused_group_by_group_splits_unequally(layouts: dict[str, Any]) -> None:
    layout = layouts["falcon with two norms"]
    fused = tensors_for(layout)["h.1.self_attention.query_key_value.weight"]
    # Two groups of three query heads, one key head and one value head, each two rows.
    assert read_one(layout, "blocks.1.attn.W_Q")[4, 5, 1] == fused[1 * 10 + 1 * 2 + 1, 5]
    assert read_one(layout, "blocks.1.attn._W_K")[1, 5, 1] == fused[1 * 10 + 3 * 2 + 1, 5]
    assert read_one(layout, "blocks.1.attn._W_V")[0, 5, 1] == fused[0 * 10 + 4 * 2 + 1, 5]


def test_a_tensor_fused_part_by_part_splits_unequally(layouts: dict[str, Any]) -> None:
    layout = layouts["phi3"]
    fused = tensors_for(layout)["model.layers.0.self_attn.qkv_proj.weight"]
    # Six query heads, then two key heads, then two value heads, each two rows.
    assert read_one(layout, "blocks.0.attn.W_Q")[4, 5, 1] == fused[4 * 2 + 1, 5]
    assert read_one(layout, "blocks.0.attn._W_K")[1, 5, 1] == fused[6 * 2 + 1 * 2 + 1, 5]
    assert read_one(layout, "blocks.0.attn._W_V")[0, 5, 1] == fused[8 * 2 + 1, 5]


def test_tensors_of_one_expert_or_head_each_are_stacked(layouts: dict[str, Any]) -> None:
    layout = layouts["mixtral"]
    down = tensors_for(layout)["model.layers.1.block_sparse_moe.experts.2.w2.weight"]
    assert torch.equal(read_one(layout, "blocks.1.mlp.W_out")[2], down.T)
    layout = layouts["stablelm side by side"]
    norm = tensors_for(layout)["model.layers.1.self_attn.q_layernorm.norms.1.weight"]
    assert torch.equal(read_one(layout, "blocks.1.attn.q_norm.w")[1], norm)


def test_a_norm_is_there_for_all_who_share_it(layouts: dict[str, Any]) -> None:
    layout = layouts["gptj"]
    shared = tensors_for(layout)["h.1.ln_1.weight"]
    assert torch.equal(read_one(layout, "blocks.1.ln1.w"), shared)
    assert torch.equal(read_one(layout, "blocks.1.ln2.w"), shared)
    layout = layouts["qwen3"]
    every = tensors_for(layout)["model.layers.1.self_attn.q_norm.weight"]
    assert torch.equal(read_one(layout, "blocks.1.attn.q_norm.w"), every.expand(6, 4))


def test_norms_kept_as_their_distance_from_one_get_it_back(layouts: dict[str, Any]) -> None:
    for label in ("gemma", "gemma2", "gemma3_text"):
        layout, tensors = layouts[label], tensors_for(layouts[label])
        plain, read = read_all(layout, tensors, plain=True), read_all(layout, tensors)
        for path in read:
            is_norm = "ln" in path or "norm" in path
            assert torch.equal(read[path], plain[path] + 1 if is_norm else plain[path]), path


def test_what_a_checkpoint_multiplies_its_writes_by_is_in_them(layouts: dict[str, Any]) -> None:
    layout, tensors = layouts["granite"], tensors_for(layouts["granite"])
    plain, read = read_all(layout, tensors, plain=True), read_all(layout, tensors)
    for path in read:
        times = 0.25 if path.endswith(("W_O", "W_out")) else 1.0
        assert torch.equal(read[path], plain[path] * times), path


def test_rows_that_no_input_reaches_are_skipped(layouts: dict[str, Any]) -> None:
    layout = layouts["opt"]
    table_ = tensors_for(layout)["decoder.embed_positions.weight"]
    assert len(table_) == layout.config.n_ctx + 2
    assert torch.equal(read_one(layout, "pos_embed.W_pos"), table_[2:])


def test_a_name_in_another_spelling_is_the_same_tensor(layouts: dict[str, Any]) -> None:
    layout = layouts["gpt_neox"]
    tensors = tensors_for(layout)
    other = {"lm_head.weight" if name == "embed_out.weight" else name: tensor for name, tensor in tensors.items()}
    assert torch.equal(read_all(layout, other)["unembed.W_U"], tensors["embed_out.weight"].T)
    both = shapes(other | tensors)
    with pytest.raises(CheckpointError, match=r"holds both .*lm_head.weight.*: which is meant is unknown"):
        make_plan(layout.family, layout.config, both)


def test_a_prefix_may_stand_before_names_or_not(layouts: dict[str, Any]) -> None:
    for label in ("gpt2", "opt", "gpt_neox", "falcon"):
        layout = layouts[label]
        tensors = tensors_for(layout)
        prefixed = {layout.family.prefix + name: tensor for name, tensor in tensors.items()}
        read, again = read_all(layout, tensors), read_all(layout, prefixed)
        assert layout.family.prefix and all(torch.equal(read[path], again[path]) for path in read)


def test_plus_and_times_and_skip_and_split_by_hand() -> None:
    tensor = torch.arange(24.0).view(12, 2)
    rule = Rule(("b_Q", "b_K", "b_V"), "b", "(s e) -> s e", split="h k k", plus=1.0, times=10.0, skip=4)
    step = Step(("b",), rule, 0)
    config = replace(SHAPE, n_heads=2, n_key_value_heads=1, d_head=2)
    read = dict(apply(step, config, [tensor[:, 0]]))
    assert expected_shape(rule, axis_sizes(config)) == (12,)
    assert read["blocks.0.attn.b_Q"].tolist() == [[81.0, 101.0], [121.0, 141.0]]
    assert read["blocks.0.attn._b_K"].tolist() == [[161.0, 181.0]]
    assert read["blocks.0.attn._b_V"].tolist() == [[201.0, 221.0]]


@pytest.mark.parametrize(
    ("rule", "shape"),
    [
        (Rule("W_E", "e", "v d -> v d"), (13, 12)),
        (Rule("W_pos", "p", "c d -> c d", skip=2), (12, 12)),
        (Rule(("W_Q", "W_K", "W_V"), "qkv", "(s e) d -> s d e", split="h k k"), (20, 12)),
        (Rule(("W_Q", "W_K", "W_V"), "qkv", "(k s e) d -> k s d e", split="g 1 1"), (20, 12)),
        (Rule("W_in", "{x}.w3", "x m d -> x d m"), (20, 12)),
        (Rule("q_norm_w", "{h}", "h e -> h e"), (2,)),
        (Rule("W_router_shared", "s", "1 d -> d 1"), (1, 12)),
        (Rule(("ln1_w", "ln2_w"), "n", "d -> n d"), (12,)),
        (Rule("W_Q", "q", "(h e) d -> h d e"), (12, 12)),
        (Rule("W_K", "k", "(k e) d -> k d e"), (4, 12)),
        (Rule(("W_Q", "W_K", "W_V"), "qkv", "d (n h e) -> n h d e"), (12, 36)),
        (Rule(("b_Q", "b_K"), "b", "(n h e) -> n h e"), (24,)),
        (Rule("W_O", "o", "d (h e) -> h e d"), (12, 12)),
        (Rule("W_in", "m", "m d -> d m"), (20, 12)),
    ],
)
def test_a_pattern_says_what_shape_it_reads(rule: Rule, shape: tuple[int, ...]) -> None:
    assert expected_shape(rule, axis_sizes(SHAPE)) == shape


@given(st.data(), st.sets(st.sampled_from(BIASES)), st.booleans(), st.integers(0, 2))
def test_classic_names_read_any_config(
    layouts: dict[str, Any], data: st.DataObject, biases: set[str], tied: bool, layers: int
) -> None:
    config = layouts[data.draw(st.sampled_from(sorted(layouts)))].config
    windows = config.windows and config.windows[:layers]
    dense = tuple(layer for layer in config.dense_layers if layer < layers)
    shape = {"n_layers": layers, "windows": windows, "unrotated_layers": (), "dense_layers": dense}
    shape["d_mlp_dense"] = config.d_mlp_dense if dense else None
    config = replace(config, biases=frozenset(), tied_embeddings=tied, **shape)
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
