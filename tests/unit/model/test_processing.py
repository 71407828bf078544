"""Folding and centring: what the model says stays what it was."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rung.config import BIASES, ModelConfig, Rotary, bias_shapes
from rung.engine.transformer import forward
from rung.engine.weights import Weights, init_weights
from rung.errors import ProcessingError, ProcessingNote
from rung.model.processing import (
    PROCESSES,
    center_unembed,
    center_writing_weights,
    fold_ln,
    process,
)

SAME_LOG_PROBABILITIES = 1e-10
"""In float64: rounding, many times over. Without a norm logits grow to millions, and rounding with them."""
ALL = dict.fromkeys(PROCESSES, None)


DRAWN = st.fixed_dictionaries(
    {
        "n_layers": st.integers(0, 2),
        "n_key_value_heads": st.sampled_from([None, 1, 2]),
        "act_fn": st.sampled_from([None, "gelu", "gelu_new", "relu", "silu"]),
        "gated_mlp": st.booleans(),
        "parallel_attn_mlp": st.booleans(),
        "normalization_type": st.sampled_from(["LN", "LN", "RMS", "RMS", "LNPre", "RMSPre", None]),
        "positional_embedding_type": st.sampled_from(["standard", "sinusoidal", "shortformer", "rotary", None]),
        "tied_embeddings": st.booleans(),
        "biases": st.just(BIASES) | st.sets(st.sampled_from(BIASES)),
        "seed": st.integers(0, 99),
    }
)


def make(drawn: dict[str, Any]) -> tuple[ModelConfig, Weights]:
    """A small model of the kind drawn, every weight far from 0 and 1."""
    drawn = dict(drawn)
    biases, seed, with_mlp = drawn.pop("biases"), drawn.pop("seed"), drawn["act_fn"] is not None
    drawn |= {"d_mlp": 10 if with_mlp else None, "gated_mlp": with_mlp and drawn["gated_mlp"]}
    rotary = Rotary(dim=4) if drawn["positional_embedding_type"] == "rotary" else None
    config = ModelConfig(d_model=8, n_heads=4, d_head=4, d_vocab=7, n_ctx=6, rotary=rotary, **drawn)
    config = replace(config, biases=frozenset(biases) & set(bias_shapes(config)))
    generator = torch.Generator().manual_seed(seed)

    def stir(tensor: Tensor) -> Tensor:
        return tensor + torch.randn(tensor.shape, generator=generator, dtype=torch.float64) * 0.5

    weights = init_weights(config, 0, torch.float64)
    return config, {
        name: tuple(map(stir, held)) if isinstance(held, tuple) else stir(held) for name, held in weights.items()
    }


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
@settings(max_examples=100)
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
        assert all(map(torch.equal, listed(weights), kept)), f"{name} wrote into its input"


@given(DRAWN)
@settings(max_examples=100)
def test_all_changes_together_leave_log_probabilities(drawn: dict[str, Any]) -> None:
    model = make(drawn)
    after = process(*model, ALL)
    assert furthest(model, after) < SAME_LOG_PROBABILITIES
    assert process(*after, ALL)[0].processing == after[0].processing
    skipped = {note.split()[0] for note in after[0].notes}
    assert skipped | set(after[0].processing) == set(PROCESSES), "everything is either done or noted"


@given(DRAWN)
def test_a_change_is_refused_exactly_where_it_would_alter_the_model(drawn: dict[str, Any]) -> None:
    model = make(drawn)
    config, _ = model
    positions, norm = config.positional_embedding_type, config.normalization_type
    fits = {
        "fold_ln": norm in ("LN", "RMS") and positions != "shortformer",
        "center_writing_weights": norm in ("LN", "LNPre") and positions != "sinusoidal",
        "center_unembed": True,
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
    for change in PROCESSES.values():
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
    ],
)
def test_a_refusal_says_why(
    change: Any, kind: str, changes: dict[str, Any], message: str, build: Callable[..., Any]
) -> None:
    model = build(kind, **changes)
    with pytest.raises(ProcessingError, match=message):
        change(model.config, model.weights)


def test_a_skipped_change_is_noted_and_told_when_asked_for(build: Callable[..., Any]) -> None:
    model = build("RMS, rotary, grouped, gated")
    given_ = (model.config, model.weights)
    with pytest.warns(ProcessingNote, match="center_writing_weights skipped: .*RMSPre"):
        config, _ = process(*given_, ALL | {"center_writing_weights": True})
    assert config.processing == ("fold_ln", "center_unembed")
    assert [note.split(":")[0] for note in config.notes] == ["center_writing_weights skipped"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert process(*given_, ALL)[0] == config
        assert process(*given_, dict.fromkeys(PROCESSES, False))[0] == model.config


def test_notes_do_not_pile_up(build: Callable[..., Any]) -> None:
    model = build("RMS, rotary, grouped, gated")
    once = process(model.config, model.weights, ALL)
    assert process(*once, ALL)[0] == once[0]


def test_biases_are_all_known_to_the_strategy() -> None:
    """A new bias must be thought of in folding too."""
    full = ModelConfig(
        n_layers=1, d_model=2, n_heads=1, d_head=2, d_vocab=2, n_ctx=2, d_mlp=2, act_fn="relu", gated_mlp=True
    )  # fmt: skip
    assert set(bias_shapes(full)) == set(BIASES)
    assert replace(full, biases=frozenset(BIASES)).biases == set(BIASES)
