"""What a cache takes apart adds up again in every kind of model; rows read by a head's weights are what runs make."""

import pytest
import torch

from rung.engine.linearize import fold, head_keys, head_queries, head_values
from rung.engine.taps import NO_TAP
from rung.engine.transformer import attention_write, norm_before
from rung.engine.weights import block_weights
from rung.errors import SiteError

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
"""Sinusoidal positions and rotary angles are made in float32."""


def test_every_decomposition_sums_to_the_stream(any_kind, draw) -> None:
    model, config = any_kind, any_kind.config
    _, cache = model.run_with_cache(draw())
    for layer in range(config.n_layers + 1):
        stream = cache["resid_pre", layer] if layer < config.n_layers else cache["resid_post", -1]
        torch.testing.assert_close(cache.decompose_resid(layer).sum(0), stream, **CLOSE)
        torch.testing.assert_close(cache.stack_head_results(layer, incl_remainder=True).sum(0), stream, **CLOSE)
        whole, labels = cache.get_full_resid_decomposition(layer, expand_neurons=False, return_labels=True)
        assert whole.shape[0] == len(labels)
        torch.testing.assert_close(whole.sum(0), stream, **CLOSE)
    heads = cache.stack_head_results().unflatten(0, (config.n_layers, config.n_heads)).sum(1)
    for layer in range(config.n_layers):
        b_O = block_weights(model.weights, layer).b_O
        bias = 0 if b_O is None else cache.as_written(b_O, "attn_out", layer)
        torch.testing.assert_close(heads[layer] + bias, cache["attn_out", layer], **CLOSE)


def test_neurons_sum_to_the_stream_where_there_is_one_list_of_them(any_kind, draw) -> None:
    model, config = any_kind, any_kind.config
    _, cache = model.run_with_cache(draw())
    if config.n_experts is not None:
        for ask in (cache.get_full_resid_decomposition, lambda: cache.stack_neuron_results(2)):
            with pytest.raises(SiteError, match=f"belong to {config.n_experts} experts"):
                ask()
        if config.dense_layers:
            neurons, labels = cache.stack_neuron_results(1, return_labels=True)
            torch.testing.assert_close(neurons.sum(0), cache["mlp_out", 0], **CLOSE)
            assert labels == [f"L0N{number}" for number in range(24)]
        return
    torch.testing.assert_close(cache.get_full_resid_decomposition().sum(0), cache["resid_post", -1], **CLOSE)
    at_last = cache.get_full_resid_decomposition(pos_slice=-1)
    torch.testing.assert_close(at_last.sum(0), cache["resid_post", -1][:, -1], **CLOSE)
    normed = cache.get_full_resid_decomposition(2, apply_ln=True).sum(0)
    stream = cache.apply_ln_to_stack(cache["resid_pre", 2][None], 2)[0]
    torch.testing.assert_close(normed, stream, **CLOSE)
    if not config.attn_only:
        b_out = block_weights(model.weights, 1).b_out
        bias = 0 if b_out is None else cache.as_written(b_out, "mlp_out", 1)
        torch.testing.assert_close(cache.get_neuron_results(1).sum(2) + bias, cache["mlp_out", 1], **CLOSE)


def test_the_parts_logits_sum_to_those_before_the_cap(any_kind, draw) -> None:
    model, tokens = any_kind, draw()
    logits, cache = model.run_with_cache(tokens)
    cap, scale = model.config.output_logits_soft_cap, model.config.logit_scale
    logits = logits if cap is None else cap * torch.atanh(logits / cap)
    constant = 0
    if "ln_final_b" in model.config.biases:
        constant = model.weights["ln_final_b"] @ model.W_U
    constant = (constant + model.weights["b_U"]) if "b_U" in model.config.biases else constant
    right = (logits - constant * scale).gather(-1, tokens[..., None])[..., 0]
    torch.testing.assert_close(cache.logit_attrs(cache.decompose_resid(), tokens).sum(0), right, **CLOSE)


def test_what_attention_writes_is_made_from_z(any_kind, draw) -> None:
    _, cache = any_kind.run_with_cache(draw())
    w = block_weights(any_kind.weights, 1)
    torch.testing.assert_close(attention_write(any_kind.config, w, 1, cache["z", 1]), cache["attn_out", 1])


def test_a_heads_queries_keys_and_values_of_rows_are_those_of_a_run(any_kind, draw) -> None:
    """One token alone, at position 0: nothing is turned there, and shortformer positions are taken out of the run."""
    model, config = any_kind, any_kind.config
    if config.positional_embedding_type == "shortformer":
        model.weights["W_pos"].zero_()
    tokens = draw(rows=4, length=1)
    _, cache = model.run_with_cache(tokens)
    w = block_weights(model.weights, 1)
    x = norm_before(config, None, None, "ln1", 1, cache["resid_pre", 1][:, 0], NO_TAP)
    queries = torch.stack([head_queries(config, w, head, x) for head in range(config.n_heads)], 1)
    keys = torch.stack([head_keys(config, w, head, x) for head in range(config.n_kv)], 1)
    values = torch.stack([head_values(config, w, head, x) for head in range(config.n_kv)], 1)
    torch.testing.assert_close(values, cache["v", 1][:, 0])
    kind = "rot_" if config.rotary is not None else ""
    if config.rotary is not None or config.qk_norm is None:
        torch.testing.assert_close(queries, cache[f"{kind}q", 1][:, 0], **CLOSE)
        torch.testing.assert_close(keys, cache[f"{kind}k", 1][:, 0], **CLOSE)
    group = torch.arange(config.n_heads) // (config.n_heads // config.n_kv)
    scale = config.attn_scale or config.d_head**0.5
    scores = (queries * keys[:, group]).sum(-1) / scale
    cap = config.attn_scores_soft_cap
    scores = scores if cap is None else cap * torch.tanh(scores / cap)
    torch.testing.assert_close(cache["attn_scores", 1][:, :, 0, 0], scores, **CLOSE)


def test_biases_behind_a_norm_are_another_number_in_each_run(build) -> None:
    with pytest.raises(SiteError, match="what their biases write differs from run to run"):
        build("LN before and behind, all queries normed as one, biases").accumulated_bias(1)


def test_folding_a_norm_is_reading_through_it(build) -> None:
    model = build("LN, learned positions, MLP, biases")
    W, w = model.W_Q[1, 2], model.weights["ln1_w"][1]
    x = torch.randn(5, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(x @ fold(model.config, w, W), ((x - x.mean(-1, keepdim=True)) * w) @ W)
