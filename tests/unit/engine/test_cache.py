"""The residual stream taken apart must add up again."""

from dataclasses import replace

import pytest
import torch
from torch.overrides import TorchFunctionMode

from rung.config import BIASES, ModelConfig, Rotary
from rung.engine.cache import ActivationCache
from rung.errors import BatchAxisError, SiteError
from rung.model.model import HookedTransformer

BASE = ModelConfig(
    n_layers=3, d_model=12, n_heads=3, d_head=4, d_vocab=17, n_ctx=10, d_mlp=9, act_fn="gelu",
    biases=frozenset(BIASES) - {"b_gate"},
)  # fmt: skip
PLAIN = replace(BASE, d_mlp=None, act_fn=None, biases=frozenset(), normalization_type=None)
KINDS = {
    "serial": BASE,
    "parallel": replace(BASE, parallel_attn_mlp=True),
    "rms, rotary, grouped": replace(
        BASE, normalization_type="RMS", positional_embedding_type="rotary", rotary=Rotary(dim=4), n_key_value_heads=1,
        biases=frozenset({"b_O", "b_out"}),
    ),
    "shortformer without norms": replace(PLAIN, positional_embedding_type="shortformer"),
    "folded": replace(BASE, normalization_type="LNPre", biases=frozenset({"b_Q", "b_U"})),
}  # fmt: skip


@pytest.fixture(params=KINDS)
def run(request):
    """A model in float64, tokens, logits and the cache of everything."""
    model = HookedTransformer(KINDS[request.param], seed=1).double()
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    tokens = torch.randint(0, 17, (2, 7), generator=generator)
    with torch.no_grad():
        logits, cache = model.run_with_cache(tokens)
    return model, tokens, logits, cache


def close(a, b):
    torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-6)


def test_names_in_every_spelling(run):
    _, _, _, cache = run
    full = cache["blocks.1.attn.hook_pattern"]
    for key in (("pattern", 1), ("attn", 1), ("pattern", -2), ("pattern", 1, "attn")):
        assert cache[key] is full
    assert cache["resid_post", -1] is cache["blocks.2.hook_resid_post"]
    assert "blocks.1.attn.hook_pattern" in cache and ("pattern", 1) in cache and ("pattern", 9) not in cache
    assert next(iter(cache)) == "hook_embed" and len(cache) == len(list(cache.items()))
    with pytest.raises(SiteError, match=r"blocks\.1\.attn\.hook_pattern"):
        cache["blocks.1.attn.hook_patern"]
    with pytest.raises(SiteError, match="hook_pattern"):
        cache["pattern", 7]


class CountCalls(TorchFunctionMode):
    """Counts what torch is asked to compute."""

    count = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.count += 1
        return func(*args, **(kwargs or {}))


def test_membership_computes_nothing(run):
    model, tokens, _, cache = run
    with torch.no_grad():
        patterns = model.run_with_cache(tokens, names_filter="pattern")[1]
    inside = (("result", 0), "blocks.1.attn.hook_result", ("result", -1), ("z", 0), "hook_embed")
    outside = (("result", 3), ("q_input", 0), "hook_nothing")
    with CountCalls() as calls:
        assert all(key in cache for key in inside)
        assert not any(key in cache for key in (*outside, None, 4, ["result"]))
        assert ("result", 0) not in patterns and ("pattern", 0) in patterns
        assert calls.count == 0
        assert cache["result", 0].ndim == 4
        assert calls.count > 0
    assert all(cache.get(key) is not None for key in inside) and all(cache.get(key) is None for key in outside)


def test_writes_sum_to_the_stream_before_every_layer(run):
    model, _, _, cache = run
    for layer in range(4):
        stack, labels = cache.decompose_resid(layer, return_labels=True)
        stream = cache["resid_post", -1] if layer == 3 else cache["resid_pre", layer]
        close(stack.sum(0), stream)
        assert labels[0] == "embed" and len(labels) == len(stack)
        assert ("pos_embed" in labels) == (model.config.positional_embedding_type == "standard")
    if not model.config.attn_only and not model.config.parallel_attn_mlp:
        close(cache.decompose_resid(1, mlp_input=True).sum(0), cache["resid_mid", 1])
    attn, labels = cache.decompose_resid(mode="attn", incl_embeds=False, return_labels=True)
    assert labels == ["0_attn_out", "1_attn_out", "2_attn_out"] and len(attn) == 3


def test_heads_sum_to_attention_and_with_the_remainder_to_the_stream(run):
    model, _, _, cache = run
    heads, labels = cache.stack_head_results(return_labels=True)
    assert labels == [f"L{layer}H{head}" for layer in range(3) for head in range(3)]
    for layer in range(3):
        b_O = model.blocks[layer].attn.b_O
        close(heads[3 * layer : 3 * layer + 3].sum(0) + b_O, cache["attn_out", layer])
        close(cache["result", layer].sum(2) + b_O, cache["attn_out", layer])
        close(cache["result", layer][:, :, 1], heads[3 * layer + 1])
    close(cache.stack_head_results(incl_remainder=True).sum(0), cache["resid_post", -1])
    close(cache.stack_head_results(2, incl_remainder=True).sum(0), cache["resid_pre", 2])


def test_the_stored_result_is_the_derived_one(run):
    model, tokens, _, cache = run
    with torch.no_grad():
        _, stored = model.run_with_cache(tokens, names_filter=["result"])
    assert set(stored) == {f"blocks.{layer}.attn.hook_result" for layer in range(3)}
    close(stored["result", 1], cache["result", 1])


def test_accumulated_stream_and_the_logit_lens(run):
    model, _, logits, cache = run
    stack, labels = cache.accumulated_resid(return_labels=True)
    assert labels == ["0_pre", "1_pre", "2_pre", "final_post"]
    close(stack[1], cache["resid_pre", 1])
    close(model.unembed(cache.accumulated_resid(apply_ln=True)[-1]), logits)
    early = model.unembed(model.ln_final(cache["resid_pre", 1][:, -1]))
    close(model.unembed(cache.accumulated_resid(apply_ln=True, pos_slice=-1)[1]), early)
    if not model.config.attn_only and not model.config.parallel_attn_mlp:
        _, labels = cache.accumulated_resid(1, incl_mid=True, mlp_input=True, return_labels=True)
        assert labels == ["0_pre", "0_mid", "1_pre", "1_mid"]


def _constant(model):
    """What reaches the logits from no part of the stream: the last norm's bias and the unembedding's."""
    b = model.ln_final.b @ model.W_U if "ln_final_b" in model.config.biases else 0
    return b + model.b_U


def test_attributions_sum_to_the_logit(run):
    model, _, logits, cache = run
    stack = cache.decompose_resid()
    at = torch.tensor([[3], [5]]).expand(2, 7)
    close(cache.logit_attrs(stack, at).sum(0), (logits - _constant(model)).gather(-1, at[..., None])[..., 0])
    other = torch.full_like(at, 2)
    difference = (logits - _constant(model)).gather(-1, at[..., None]) - (logits - _constant(model)).gather(
        -1, other[..., None]
    )
    close(cache.logit_attrs(stack, at, other).sum(0), difference[..., 0])
    last = cache.decompose_resid(pos_slice=-1)
    close(cache.logit_attrs(last, at[:, -1], pos_slice=-1), cache.logit_attrs(stack, at)[..., -1])
    close(cache.logit_attrs(stack, at[:, 0]), cache.logit_attrs(stack, at))
    close(cache.logit_attrs(stack, 3)[:, 0], cache.logit_attrs(stack, at)[:, 0])


def test_norms_inside_the_model_apply_to_stacks(run):
    model, _, _, cache = run
    if model.config.normalization_type is None:
        return
    b = model.blocks[1].ln1.b if "ln1_b" in model.config.biases else 0
    w = model.blocks[1].ln1.w if model.config.normalization_type in ("LN", "RMS") else 1
    normed = cache.decompose_resid(1, apply_ln=True).sum(0)
    close(normed, cache["normalized", 1, "ln1"] * w)
    assert b is not None


def test_slices_and_batches(run):
    model, tokens, _, cache = run
    full = cache.decompose_resid()
    close(cache.decompose_resid(pos_slice=-1), full[:, :, -1])
    close(cache.decompose_resid(pos_slice=(1, 3)), full[:, :, 1:3])
    close(cache.decompose_resid(pos_slice=[0, 4]), full[:, :, [0, 4]])
    close(cache.stack_head_results(pos_slice=2), cache.stack_head_results()[:, :, 2])
    one = cache.apply_slice_to_batch_dim(1)
    assert not one.has_batch_dim
    close(one.decompose_resid(), full[:, 1])
    close(one.stack_head_results(apply_ln=True), cache.stack_head_results(apply_ln=True)[:, 1])
    with torch.no_grad():
        _, alone = model.run_with_cache(tokens[1:], remove_batch_dim=True)
    close(alone["resid_post", -1], one["resid_post", -1])
    close(cache.apply_slice_to_batch_dim(slice(0, 1)).remove_batch_dim()["z", 0], cache["z", 0][0])
    with pytest.raises(SiteError, match="2 examples"):
        cache.remove_batch_dim()
    with torch.no_grad():
        _, late = model.run_with_cache(tokens, pos_slice=slice(-2, None))
    close(late["resid_post", 1], cache["resid_post", 1][:, -2:])
    close(late["pattern", 1], cache["pattern", 1][:, :, -2:])


def test_what_was_not_kept_is_said_plainly(run):
    model, tokens, _, cache = run
    with torch.no_grad():
        _, few = model.run_with_cache(tokens, names_filter=["blocks.0.attn.hook_z"])
    assert few["result", 0].shape == (2, 7, 3, 12)
    with pytest.raises(SiteError, match="was not cached; this cache holds 1"):
        few["pattern", 0]
    with pytest.raises(SiteError, match="layer 4 asked"):
        cache.decompose_resid(4)
    with pytest.raises(SiteError, match="mode is 'both'"):
        cache.decompose_resid(mode="both")
    assert cache.stack_head_results(0).shape == (0, 2, 7, 12)
    assert "activations" in repr(cache) and cache.to("cpu")["z", 0].equal(cache["z", 0])


def test_text_for_tokens_needs_a_tokenizer():
    model = HookedTransformer(PLAIN)
    with torch.no_grad():
        _, cache = model.run_with_cache(torch.tensor([[1, 2]]))
    bare = ActivationCache(cache.cache_dict, type("Bare", (), {"config": PLAIN, "weights": model.weights})())
    with pytest.raises(SiteError, match="no tokenizer"):
        bare.logit_attrs(cache.decompose_resid(), "a")


def test_the_smallest_parts_sum_to_the_stream(run):
    model, _, _, cache = run
    neurons = 0 if model.config.attn_only else 9
    for layer, mlp_input in ((None, False), (2, False), (1, not model.config.attn_only), (0, False)):
        if mlp_input and model.config.parallel_attn_mlp:
            continue
        n = 3 if layer is None else layer
        parts, labels = cache.get_full_resid_decomposition(layer, mlp_input, return_labels=True)
        assert len(parts) == len(labels) == 3 * (n + mlp_input) + neurons * n + len(cache.writers(0)) + 1
        entering = (
            cache["resid_mid", 1] if mlp_input else cache["resid_post", -1] if layer is None else cache["resid_pre", n]
        )
        close(parts.sum(0), entering)
        assert labels[-1] == "bias" and ("L0N3" in labels) == bool(neurons and n) and ("L0H2" in labels) == (n > 0)
        whole, names = cache.get_full_resid_decomposition(layer, mlp_input, expand_neurons=False, return_labels=True)
        close(whole.sum(0), entering)
        assert len(names) == len(whole)


def test_the_smallest_parts_through_a_norm_and_onto_directions(run):
    model, _, _, cache = run
    onto = torch.randn(12, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    for apply_ln in (False, True):
        for layer, mlp_input in ((None, False), (1, not model.config.attn_only)):
            if mlp_input and model.config.parallel_attn_mlp:
                continue
            parts = cache.get_full_resid_decomposition(layer, mlp_input, apply_ln=apply_ln, pos_slice=(2, 5))
            plain = cache.get_full_resid_decomposition(layer, mlp_input, pos_slice=(2, 5))
            if apply_ln:
                close(parts, cache.apply_ln_to_stack(plain, layer, mlp_input, pos_slice=(2, 5)))
            for directions in (onto, onto[:, 0]):
                projected = cache.get_full_resid_decomposition(
                    layer, mlp_input, apply_ln=apply_ln, pos_slice=(2, 5), project_output_onto=directions
                )
                close(projected, parts @ directions)


def test_neurons_one_by_one(run):
    model, _, _, cache = run
    if model.config.attn_only:
        with pytest.raises(SiteError, match="no MLP"):
            cache.stack_neuron_results(1)
        return
    results = cache.get_neuron_results(1)
    close(results.sum(-2) + model.blocks[1].mlp.b_out, cache["mlp_out", 1])
    close(cache.get_neuron_results(1, neuron_slice=4, pos_slice=-1), results[:, -1, 4])
    stack, labels = cache.stack_neuron_results(-1, return_labels=True, incl_remainder=True)
    close(stack[9:18], results.movedim(-2, 0))
    close(stack.sum(0), cache["resid_post", -1])
    assert labels[9:11] == ["L1N0", "L1N1"] and labels[-1] == "remainder"
    few, names = cache.stack_neuron_results(2, neuron_slice=[1, 5], pos_slice=3, return_labels=True, apply_ln=True)
    assert names == ["L0N1", "L0N5", "L1N1", "L1N5"]
    close(few, cache.apply_ln_to_stack(stack[[1, 5, 10, 14], :, 3], 2, pos_slice=3))
    ending = cache.stack_neuron_results(2, incl_remainder=True, apply_ln=True)
    close(ending.sum(0), cache.apply_ln_to_stack(cache["resid_pre", 2][None], 2)[0])


def test_stacks_of_one_activation(run):
    _, _, _, cache = run
    close(cache.stack_activation("pattern"), torch.stack([cache["pattern", layer] for layer in range(3)]))
    close(cache.stack_activation("z", 2, "attn"), torch.stack([cache["z", 0], cache["z", 1]]))
    assert "blocks.1.attn.hook_result" not in cache.cache_dict
    cache.compute_head_results()
    assert "blocks.1.attn.hook_result" in cache.cache_dict


def test_a_norm_may_be_taken_anew_for_each_part(run):
    model, _, _, cache = run
    stack = cache.accumulated_resid()
    renormed = cache.apply_ln_to_stack(stack, recompute_ln=True)
    with torch.no_grad():
        close(renormed, torch.stack([model.ln_final(x) for x in stack]))


def test_a_batch_slice_is_taken_of_stack_and_scale(run):
    _, _, _, cache = run
    stack = cache.decompose_resid(pos_slice=-1)
    close(
        cache.apply_ln_to_stack(stack, pos_slice=-1, batch_slice=[1]),
        cache.apply_ln_to_stack(stack, pos_slice=-1)[:, 1:],
    )
    with pytest.raises(SiteError, match="they must agree"):
        cache.logit_attrs(stack, torch.tensor([1, 2]), 3, pos_slice=-1)


def mixed(batch):
    """Two activations of a batch, one for all examples alike, one without a batch axis."""
    names = {"hook_embed": (batch, 4, 12), "blocks.0.hook_resid_pre": (batch, 4, 12), "hook_pos_embed": (1, 4, 12)}
    held = {name: torch.randn(shape) for name, shape in names.items()} | {"shared": torch.randn(6)}
    return ActivationCache(held, HookedTransformer(BASE))


def test_what_is_the_same_for_all_examples_survives_a_slice_of_them():
    cache = mixed(3)
    some = cache.apply_slice_to_batch_dim((1, 3))
    assert some.has_batch_dim and torch.equal(some["hook_embed"], cache["hook_embed"][1:])
    assert torch.equal(some["hook_pos_embed"], cache["hook_pos_embed"])
    for index in (2, torch.tensor(2)):
        one = cache.apply_slice_to_batch_dim(index)
        assert not one.has_batch_dim and one["hook_pos_embed"].shape == one["hook_embed"].shape == (4, 12)
        assert torch.equal(one["shared"], cache["shared"])
        with pytest.raises(BatchAxisError, match="no batch axis"):
            one.apply_slice_to_batch_dim(0)


def test_a_batch_axis_is_dropped_where_it_holds_one_example():
    single = mixed(1).remove_batch_dim()
    assert single["hook_embed"].shape == single["hook_pos_embed"].shape == (4, 12) and single["shared"].shape == (6,)
    for kind in (SiteError, AssertionError):
        with pytest.raises(kind, match="batch size 2"):
            mixed(2).remove_batch_dim()
