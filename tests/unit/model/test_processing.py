"""Folding, centring and evening out: what the model says stays what it was."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rung.config import BIASES, Alibi, ModelConfig, Rotary, bias_shapes, weight_shapes
from rung.engine.sites import Site
from rung.engine.taps import CacheTap
from rung.engine.transformer import forward
from rung.engine.weights import Weights, init_weights
from rung.errors import ProcessingError, ProcessingNote
from rung.methods.attribution import attribute_logits
from rung.model.model import HookedTransformer
from rung.model.processing import (
    PROCESSES,
    center_unembed,
    center_writing_weights,
    fold_ln,
    fold_value_biases,
    process,
    refactor_factored_attn_matrices,
)

SAME_LOG_PROBABILITIES = 1e-10
"""In float64: rounding, many times over. Without a norm logits grow to millions, and rounding with them."""
ALL = dict.fromkeys(PROCESSES, None)
ALL_BIASES = (*BIASES, "ln_embed_b", "q_norm_b", "k_norm_b")


DRAWN = st.fixed_dictionaries(
    {
        "n_layers": st.integers(0, 2),
        "n_key_value_heads": st.sampled_from([None, None, 1, 2]),
        "act_fn": st.sampled_from([None, "gelu", "gelu_new", "relu", "silu"]),
        "gated_mlp": st.booleans(),
        "n_experts": st.sampled_from([None, None, 3]),
        "d_mlp_shared": st.sampled_from([None, 5]),
        "parallel_attn_mlp": st.booleans(),
        "normalization_type": st.sampled_from(["LN", "LN", "RMS", "RMS", "LNPre", "RMSPre", None]),
        "norm_placement": st.sampled_from(["pre", "pre", "pre", "post", "both"]),
        "qk_norm": st.sampled_from([None, None, None, "head", "heads"]),
        "post_embedding_ln": st.booleans(),
        "positional_embedding_type": st.sampled_from(
            ["standard", "sinusoidal", "shortformer", "rotary", "alibi", None]
        ),
        "windows": st.sampled_from([None, (2, None)]),
        "attn_scores_soft_cap": st.sampled_from([None, 1.5]),
        "output_logits_soft_cap": st.sampled_from([None, None, 2.0]),
        "clip_qkv": st.sampled_from([None, None, None, 0.6]),
        "embed_scale": st.sampled_from([1.0, 3.5]),
        "logit_scale": st.sampled_from([1.0, 0.3]),
        "tied_embeddings": st.booleans(),
        "biases": st.just(ALL_BIASES) | st.sets(st.sampled_from(ALL_BIASES)),
        "seed": st.integers(0, 99),
    }
)


def make(drawn: dict[str, Any]) -> tuple[ModelConfig, Weights]:
    """A small model of the kind drawn, every weight far from 0 and 1."""
    drawn = dict(drawn)
    biases, seed, with_mlp = drawn.pop("biases"), drawn.pop("seed"), drawn["act_fn"] is not None
    experts, positions = drawn["n_experts"] if with_mlp else None, drawn["positional_embedding_type"]
    drawn |= {"d_mlp": 10 if with_mlp else None, "gated_mlp": with_mlp and drawn["gated_mlp"], "n_experts": experts}
    drawn |= {"experts_per_token": 2, "norm_expert_weights": True} if experts else {"d_mlp_shared": None}
    drawn["windows"] = drawn["windows"] and drawn["windows"][: drawn["n_layers"]]
    if drawn["normalization_type"] is None:
        drawn |= {"qk_norm": None, "post_embedding_ln": False}
    rotary = Rotary(dim=4) if positions == "rotary" else None
    alibi = Alibi(slopes=(0.1, 0.2, 0.4, 0.8)) if positions == "alibi" else None
    config = ModelConfig(d_model=8, n_heads=4, d_head=4, d_vocab=7, n_ctx=6, rotary=rotary, alibi=alibi, **drawn)
    config = replace(config, biases=frozenset(biases) & set(bias_shapes(config)))
    generator = torch.Generator().manual_seed(seed)

    def stir(tensor: Tensor) -> Tensor:
        return tensor + torch.randn(tensor.shape, generator=generator, dtype=torch.float64) * 0.5

    weights = init_weights(config, 0, torch.float64)
    return config, {
        name: tuple(map(stir, held)) if isinstance(held, tuple) else stir(held) for name, held in weights.items()
    }


GPT = "LN, learned positions, MLP, biases"
PRE: dict[str, Any] = {"norm_placement": "pre"}
ROTARY: dict[str, Any] = {"positional_embedding_type": "rotary", "rotary": Rotary(dim=4)}
EXPERTS: dict[str, Any] = {"n_experts": 3, "experts_per_token": 2}


def tokens() -> Tensor:
    return torch.randint(7, (3, 6), generator=torch.Generator().manual_seed(0))


def furthest(before: tuple[ModelConfig, Weights], after: tuple[ModelConfig, Weights]) -> float:
    """The largest change of a log-probability; of its part of the largest logit, where logits are large."""
    logits = forward(*before, tokens())
    change = forward(*after, tokens()).log_softmax(-1) - logits.log_softmax(-1)
    return float(change.abs().max() / logits.abs().max().clamp(min=1))


def listed(weights: Weights) -> list[Tensor]:
    return [tensor for held in weights.values() for tensor in (held if isinstance(held, tuple) else (held,))]


@given(DRAWN)
@settings(max_examples=60)
def test_each_change_leaves_log_probabilities_or_is_refused(drawn: dict[str, Any]) -> None:
    model = make(drawn)
    config, weights = model
    kept = [tensor.clone() for tensor in listed(weights)]
    for name, change in PROCESSES.items():
        try:
            new_config, new_weights = change(config, weights)
        except ProcessingError:
            continue
        assert furthest(model, (new_config, new_weights)) < SAME_LOG_PROBABILITIES, name
        assert new_config.processing == (name,)
        assert list(new_weights) == list(weight_shapes(new_config)), "what is left over goes"
        assert all(map(torch.equal, listed(weights), kept)), f"{name} wrote into its input"


@given(DRAWN)
@settings(max_examples=60)
def test_all_changes_together_leave_log_probabilities(drawn: dict[str, Any]) -> None:
    model = make(drawn)
    after = process(*model, ALL)
    assert furthest(model, after) < SAME_LOG_PROBABILITIES
    assert process(*after, ALL)[0].processing == after[0].processing
    skipped = {note.split()[0] for note in after[0].notes}
    nothing = set() if "b_V" in model[0].biases or "fold_value_biases" in after[0].processing else {"fold_value_biases"}
    assert skipped | set(after[0].processing) | nothing == set(PROCESSES), "done, noted, or none to do"


@given(DRAWN)
def test_a_change_is_refused_exactly_where_it_would_alter_the_model(drawn: dict[str, Any]) -> None:
    model = make(drawn)
    config, _ = model
    positions, norm, placement = config.positional_embedding_type, config.normalization_type, config.norm_placement
    clipped = config.clip_qkv is not None
    fits = {
        "fold_ln": norm in ("LN", "RMS")
        and (positions != "shortformer" or placement == "post")
        and not (config.n_experts and "ln2_b" in config.biases),
        "center_writing_weights": norm in ("LN", "LNPre") and positions != "sinusoidal" and placement == "pre",
        "center_unembed": config.output_logits_soft_cap is None,
        "fold_value_biases": "b_V" in config.biases and not clipped,
        "refactor_factored_attn_matrices": not (clipped or config.rotary or config.qk_norm or config.grouped),
    }
    for name, change in PROCESSES.items():
        try:
            change(*model)
        except ProcessingError:
            assert not fits[name], name
        else:
            assert fits[name], name


@pytest.fixture
def everything(build: Callable[..., Any]) -> tuple[ModelConfig, Weights]:
    model = build("LN, learned positions, MLP, biases", gated_mlp=True, n_key_value_heads=2)
    return model.config, model.weights


def test_folding_leaves_no_norm_weights_and_centres_what_reads(everything: tuple[ModelConfig, Weights]) -> None:
    config, weights = fold_ln(*everything)
    assert config.normalization_type == "LNPre"
    assert not {name for name in weights if name.startswith("ln")}
    assert not {name for name in config.biases if name.startswith("ln")}
    assert config.biases >= {"b_Q", "b_K", "b_V", "b_in", "b_gate", "b_U"}
    for name in ("W_Q", "W_K", "W_V", "W_in", "W_gate"):
        assert all(W.mean(-2).abs().max() < 1e-14 for W in weights[name]), name
    assert weights["W_K"][0].shape == (2, 20, 6)


def test_folding_rms_scales_and_does_not_centre(build: Callable[..., Any]) -> None:
    model = build("RMS, rotary, grouped, gated")
    config, weights = fold_ln(model.config, model.weights)
    assert config.normalization_type == "RMSPre"
    assert config.biases == model.config.biases
    wanted = model.weights["ln1_w"][1][None, :, None] * model.weights["W_Q"][1]
    assert torch.equal(weights["W_Q"][1], wanted)


def test_centring_leaves_no_mean_where_the_stream_is_written(everything: tuple[ModelConfig, Weights]) -> None:
    _, weights = center_writing_weights(*everything)
    for name in ("W_E", "W_pos", "W_O", "b_O", "W_out", "b_out"):
        for W in listed({name: weights[name]}):
            assert W.mean(-1).abs().max() < 1e-14, name


def test_centring_the_unembedding_leaves_no_mean_logit(everything: tuple[ModelConfig, Weights]) -> None:
    config, weights = center_unembed(*everything)
    assert forward(config, weights, tokens()).mean(-1).abs().max() < 1e-12


def test_changes_untie_the_embeddings(build: Callable[..., Any]) -> None:
    model = build(tied_embeddings=True, normalization_type="LN", positional_embedding_type="standard")
    for change in (fold_ln, center_writing_weights, center_unembed):
        config, weights = change(model.config, model.weights)
        assert not config.tied_embeddings
        assert "W_U" in weights


def test_weights_stay_laid_out_for_products(everything: tuple[ModelConfig, Weights]) -> None:
    config, weights = process(*everything, ALL)
    fresh = init_weights(config, 0, torch.float64)
    assert [w.stride() for w in listed(weights)] == [w.stride() for w in listed(fresh)]


@pytest.mark.parametrize(
    ("change", "kind", "changes", "message"),
    [
        (fold_ln, "no norm, shortformer, attention only", {}, "no norm weights to fold: .* has no norm"),
        (fold_ln, "LNPre, parallel, rotary, key and value biases", {}, "no norm weights to fold: .* has LNPre"),
        (fold_ln, "LN, shortformer, biases", {}, "shortformer positions behind the norm"),
        (center_writing_weights, "RMS, rotary, grouped, gated", {}, "has RMS, so the mean of the stream is read"),
        (center_writing_weights, "no norm, shortformer, attention only", {}, "has no norm, so the mean"),
        (
            center_writing_weights,
            "RMSPre, sinusoidal, tied, own scale",
            {"normalization_type": "LN"},
            "sinusoidal positions are a formula",
        ),
        (fold_ln, GPT, EXPERTS, "has experts, which have no biases that could take up the norm's"),
        (center_writing_weights, GPT, {"norm_placement": "post"}, "read the stream without a norm, mean and all"),
        (center_writing_weights, GPT, {"norm_placement": "both"}, "the mean of what they write is not in the weights"),
        (center_unembed, GPT, {"output_logits_soft_cap": 2.5}, "capped at 2.5: moving them all alike"),
        (fold_value_biases, GPT, {"clip_qkv": 0.5}, "cut off at ±0.5, bias and all: it is no constant"),
        (fold_value_biases, GPT, {"attn_sinks": True}, "sum to less than 1: b_V is written in part only"),
        (fold_value_biases, "RMS, rotary, grouped, gated", {}, "no value biases to fold"),
        (refactor_factored_attn_matrices, "RMS, rotary, grouped, gated", {}, "turns queries and keys by position"),
        (refactor_factored_attn_matrices, GPT, {"qk_norm": "head"}, "normalizes queries and keys"),
        (refactor_factored_attn_matrices, GPT, {"clip_qkv": 0.5}, "cuts off queries, keys and values"),
        (refactor_factored_attn_matrices, GPT, {"n_key_value_heads": 2}, "shares keys and values between query heads"),
    ],
)
def test_a_refusal_says_why(
    change: Any, kind: str, changes: dict[str, Any], message: str, build: Callable[..., Any]
) -> None:
    model = build(kind, **changes)
    with pytest.raises(ProcessingError, match=message):
        change(model.config, model.weights)


@pytest.mark.parametrize(
    ("change", "kind", "changes", "lie"),
    [
        (fold_ln, "LN, shortformer, biases", {}, {"positional_embedding_type": "standard"}),
        (center_writing_weights, GPT, {"normalization_type": "RMSPre"}, {"normalization_type": "LNPre"}),
        (center_writing_weights, GPT, {"normalization_type": None}, {"normalization_type": "LNPre"}),
        (center_writing_weights, GPT, {"norm_placement": "post", "normalization_type": "LNPre"}, PRE),
        (center_unembed, GPT, {"output_logits_soft_cap": 2.0}, {"output_logits_soft_cap": None}),
        (fold_value_biases, GPT, {"clip_qkv": 0.5}, {"clip_qkv": None}),
        (refactor_factored_attn_matrices, GPT, {"qk_norm": "head"}, {"qk_norm": None}),
        (refactor_factored_attn_matrices, GPT, {"clip_qkv": 0.5}, {"clip_qkv": None}),
        (refactor_factored_attn_matrices, GPT, ROTARY, {"positional_embedding_type": None, "rotary": None}),
    ],
)
def test_what_is_refused_would_alter_the_model(
    change: Any, kind: str, changes: dict[str, Any], lie: dict[str, Any], build: Callable[..., Any]
) -> None:
    """The formula as it stands, done to a config that hides the reason, and then read under the true one."""
    model = build(kind, **changes)
    with pytest.raises(ProcessingError):
        change(model.config, model.weights)
    lying = replace(model.config, biases=frozenset(), **lie)
    lying = replace(lying, biases=model.config.biases & set(bias_shapes(lying)))
    done, weights = change(lying, model.weights)
    truth = {name: getattr(model.config, name) for name in lie}
    # A bias that the true config could not have is none of the formula's doing.
    config = replace(done, **truth, biases=done.biases | (model.config.biases - lying.biases))
    if change is fold_ln:
        config = replace(config, normalization_type="LNPre")
    assert furthest((model.config, model.weights), (config, {**model.weights, **weights})) > 1e-4


def test_a_skipped_change_is_noted_and_told_when_asked_for(build: Callable[..., Any]) -> None:
    model = build("RMS, rotary, grouped, gated")
    given_ = (model.config, model.weights)
    with pytest.warns(ProcessingNote, match="center_writing_weights skipped: .*RMSPre"):
        config, _ = process(*given_, ALL | {"center_writing_weights": True})
    assert config.processing == ("fold_ln", "center_unembed")
    skipped = ("center_writing_weights", "refactor_factored_attn_matrices")
    assert [note.split(":")[0] for note in config.notes] == [f"{name} skipped" for name in skipped]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert process(*given_, ALL)[0] == config
        assert process(*given_, {})[0] == model.config, "what nobody asked for is left"
        assert process(*given_, dict.fromkeys(PROCESSES, False))[0] == model.config


def test_notes_do_not_pile_up(build: Callable[..., Any]) -> None:
    model = build("RMS, rotary, grouped, gated")
    once = process(model.config, model.weights, ALL)
    assert process(*once, ALL)[0] == once[0]


def test_biases_are_all_known_to_the_strategy() -> None:
    """A new bias must be thought of in folding too."""
    full = ModelConfig(
        n_layers=1, d_model=2, n_heads=1, d_head=2, d_vocab=2, n_ctx=2, d_mlp=2, act_fn="relu", gated_mlp=True,
        qk_norm="head", post_embedding_ln=True,
    )  # fmt: skip
    assert set(bias_shapes(full)) == set(ALL_BIASES)
    assert replace(full, biases=frozenset(ALL_BIASES)).biases == set(ALL_BIASES)


# What each change leaves behind.


@given(DRAWN)
def test_whatever_unties_the_ends_puts_their_constants_into_them(drawn: dict[str, Any]) -> None:
    """W_E[tokens] is what enters the stream, and x W_U + b_U the logits."""
    model = make(drawn)
    for change in (fold_ln, center_writing_weights, center_unembed):
        try:
            config, weights = change(*model)
        except ProcessingError:
            continue
        assert (config.embed_scale, config.logit_scale, config.post_embedding_ln) == (1.0, 1.0, False)
        sites = [Site("embed")] + ([] if config.normalization_type is None else [Site("ln_final.normalized")])
        tap = CacheTap(sites)
        logits = forward(config, weights, tokens(), tap)
        assert torch.equal(tap.store["hook_embed"], weights["W_E"][tokens()])
        if config.normalization_type in ("LNPre", "RMSPre") and config.output_logits_soft_cap is None:
            read = tap.store["ln_final.hook_normalized"] @ weights["W_U"] + weights.get("b_U", 0)
            torch.testing.assert_close(logits, read)


@given(DRAWN)
def test_only_centring_the_unembedding_moves_logits(drawn: dict[str, Any]) -> None:
    model = make(drawn)
    logits = forward(*model, tokens())
    for name, change in PROCESSES.items():
        if name == "center_unembed":
            continue
        try:
            after = forward(*change(*model), tokens())
        except ProcessingError:
            continue
        assert float((after - logits).abs().max() / logits.abs().max().clamp(min=1)) < SAME_LOG_PROBABILITIES, name


@given(DRAWN)
def test_a_change_done_twice_is_done_once(drawn: dict[str, Any]) -> None:
    model = make(drawn)
    for name, change in PROCESSES.items():
        try:
            once = change(*model)
        except ProcessingError:
            continue
        try:
            twice = change(*once)
        except ProcessingError:
            assert name in ("fold_ln", "fold_value_biases"), "nothing is left to fold"
            continue
        assert furthest(once, twice) < SAME_LOG_PROBABILITIES
        if name != "refactor_factored_attn_matrices":  # singular vectors have no sign
            for one, two in zip(listed(once[1]), listed(twice[1]), strict=True):
                torch.testing.assert_close(one, two)


def test_norms_behind_keep_their_weights_and_the_last_one_folds(build: Callable[..., Any]) -> None:
    for placement, kept in (("post", set()), ("both", {"W_Q", "W_in"})):
        model = build(GPT, norm_placement=placement, qk_norm="heads")
        config, weights = fold_ln(model.config, model.weights)
        assert {name for name in weights if name.endswith("_w")} == {"ln1_post_w", "ln2_post_w", "q_norm_w", "k_norm_w"}
        changed = {name for name in ("W_Q", "W_in") if not torch.equal(weights[name][0], model.weights[name][0])}
        assert changed == kept and not torch.equal(weights["W_U"], model.weights["W_U"])
        assert config.normalization_type == "LNPre"


def test_experts_router_and_shared_expert_read_the_folded_norm(build: Callable[..., Any]) -> None:
    model = build("RMS, rotary, grouped, gated", **EXPERTS, d_mlp_shared=7)
    _, weights = fold_ln(model.config, model.weights)
    for name in ("W_router", "W_gate", "W_in", "W_router_shared", "W_gate_shared", "W_in_shared"):
        wanted = model.weights["ln2_w"][2][:, None] * model.weights[name][2]
        assert torch.equal(weights[name][2], wanted), name
    for name in ("W_out", "W_out_shared"):
        assert torch.equal(weights[name][2], model.weights[name][2])


def test_centring_what_experts_write(build: Callable[..., Any]) -> None:
    model = build(GPT, **EXPERTS, d_mlp_shared=7, post_embedding_ln=True)
    _, weights = center_writing_weights(model.config, model.weights)
    for W in listed({name: weights[name] for name in ("W_E", "W_O", "W_out", "W_out_shared")}):
        assert W.mean(-1).abs().max() < 1e-14


@pytest.mark.parametrize("changes", [{}, {"n_key_value_heads": 2}, {"biases": frozenset(("b_V",))}])
def test_every_query_head_writes_its_share_of_a_folded_bias(changes: dict[str, Any], build: Callable[..., Any]) -> None:
    model = build(GPT, **changes)
    config, weights = fold_value_biases(model.config, model.weights)
    assert config.biases == model.config.biases - {"b_V"} | {"b_O"} and "b_V" not in weights
    held, group = model.weights, model.config.n_heads // model.config.n_kv
    wanted = held["b_O"][1].clone() if "b_O" in held else torch.zeros(20, dtype=torch.float64)
    for head in range(4):
        wanted += held["b_V"][1][head // group] @ held["W_O"][1][head]
    torch.testing.assert_close(weights["b_O"][1], wanted)


def test_attribution_is_exact_wherever_value_biases_are(build: Callable[..., Any]) -> None:
    """Before, a head's b_V is in its own term; after, in the attention bias of its layer. Both sum to the logit."""
    model = build(GPT)
    folded = HookedTransformer(*fold_value_biases(model.config, model.weights))
    targets = tokens()[:, :1]
    before, after = (attribute_logits(each, tokens(), targets, queries=[5]) for each in (model, folded))
    for found in (before, after):
        assert found.residual.abs().max() < 1e-10 * found.total.abs().max().clamp(min=1)
    torch.testing.assert_close(before.total, after.total)
    heads = [f"1.{head}" for head in range(4)]
    moved = sum(before.of(label) - after.of(label) for label in heads)
    assert moved.abs().max() > 1e-3
    torch.testing.assert_close(after.of("1.b_O") - before.of("1.b_O"), moved)


@pytest.mark.parametrize("shape", [{}, {"d_model": 5, "d_head": 8}, {"biases": frozenset(("b_Q", "b_O"))}])
def test_evened_factors_share_each_product_evenly(shape: dict[str, Any], build: Callable[..., Any]) -> None:
    model = build(GPT, **shape)
    config, weights = refactor_factored_attn_matrices(model.config, model.weights)
    assert config.biases == model.config.biases
    found = {
        name: tuple(held[0].shape) if isinstance(held, tuple) else tuple(held.shape) for name, held in weights.items()
    }
    assert found == weight_shapes(config), "a product of a smaller rank is as wide as any"

    def product(held: Weights, left: str, right: str) -> tuple[Tensor, Tensor]:
        """Both factors of layer 1 with rows [d_model, and the bias if there is one]."""
        rows = []
        for name in (left, right):
            W = held[f"W_{name}"][1]
            W = W.mT if name == "O" else W
            has_row = name != "O" and f"b_{name}" in held
            rows.append(torch.cat((W, held[f"b_{name}"][1].unsqueeze(1)), 1) if has_row else W)
        return rows[0], rows[1]

    for pair in (("Q", "K"), ("V", "O")):
        old_left, old_right = product(model.weights, *pair)
        left, right = product(weights, *pair)
        torch.testing.assert_close(left @ right.mT, old_left @ old_right.mT)
        singular = torch.linalg.svdvals(old_left @ old_right.mT)[:, : left.shape[-1]]
        wanted = torch.zeros_like(left[:, 0]).index_copy(1, torch.arange(singular.shape[1]), singular)
        for factor in (left, right):
            torch.testing.assert_close(factor.mT @ factor, torch.diag_embed(wanted), atol=1e-10, rtol=1e-10)


def test_narrow_types_are_evened_in_a_wider_one(build: Callable[..., Any]) -> None:
    model = build(GPT).bfloat16()
    _, weights = refactor_factored_attn_matrices(model.config, model.weights)
    assert {tensor.dtype for tensor in listed(weights)} == {torch.bfloat16}


def test_loading_does_what_fits_and_evens_factors_only_when_asked(tmp_path: Path, build: Callable[..., Any]) -> None:
    build(GPT).float().save_pretrained(tmp_path)
    standard = ("fold_ln", "center_writing_weights", "center_unembed", "fold_value_biases")
    plain = HookedTransformer.from_pretrained(tmp_path)
    assert plain.config.processing == standard and "b_V" not in plain.config.biases
    asked = HookedTransformer.from_pretrained(tmp_path, refactor_factored_attn_matrices=True)
    assert asked.config.processing == (*standard, "refactor_factored_attn_matrices")
    kept = HookedTransformer.from_pretrained(tmp_path, fold_value_biases=False)
    assert kept.config.processing == standard[:3] and "b_V" in kept.config.biases
    read = tokens()
    torch.testing.assert_close(asked(read).log_softmax(-1), plain(read).log_softmax(-1), atol=1e-4, rtol=1e-4)
