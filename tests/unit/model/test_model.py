"""`HookedTransformer`: running, caching, generating, moving."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from rung.engine.cache import ActivationCache
from rung.engine.sites import check_head
from rung.errors import NoTokenizerError, PromptError, SiteError, TokenizerError
from rung.model.hooks import HookPoint
from rung.model.model import HookedTransformer

Build = Callable[..., HookedTransformer]
Draw = Callable[..., Tensor]
FULL = "LN, learned positions, MLP, biases"
TIGHT: dict[str, float] = {"rtol": 1e-11, "atol": 1e-11}
"""float64, the same sums in another order."""


# Running.


def test_every_split_composes_to_the_whole(any_kind: HookedTransformer, draw: Draw) -> None:
    tokens = draw()
    whole = any_kind(tokens)
    for at in range(4):
        stream = any_kind(tokens, stop_at_layer=at)
        assert stream.shape == (3, 7, 20)
        torch.testing.assert_close(any_kind(stream, start_at_layer=at), whole, **TIGHT)
        for then in range(at, 4):
            middle = any_kind(stream, start_at_layer=at, stop_at_layer=then)
            torch.testing.assert_close(any_kind(middle, start_at_layer=then), whole, **TIGHT)


def test_layers_count_from_the_end_too(build: Build, draw: Draw) -> None:
    model, tokens = build(), draw()
    _, cache = model.run_with_cache(tokens)
    for stop, key in ((-1, ("resid_pre", 2)), (0, ("resid_pre", 0)), (3, ("resid_post", 2))):
        torch.testing.assert_close(model(tokens, stop_at_layer=stop), cache[key], **TIGHT)
    assert torch.equal(model(cache["resid_pre", 2], start_at_layer=-1), model(cache["resid_pre", 2], start_at_layer=2))


@pytest.mark.parametrize("ends", [{"stop_at_layer": 4}, {"stop_at_layer": -4}])
def test_a_layer_out_of_range_is_refused(build: Build, draw: Draw, ends: dict[str, int]) -> None:
    with pytest.raises(SiteError, match=r"stop_at_layer is -?4; .* has 3 layers"):
        build()(draw(), **ends)
    with pytest.raises(SiteError, match=r"start_at_layer is 5; .* has 3 layers"):
        build()(torch.zeros(1, 2, 20).double(), start_at_layer=5)
    with pytest.raises(SiteError, match="nothing lies between"):
        build()(torch.zeros(1, 2, 20).double(), start_at_layer=2, stop_at_layer=1)


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (torch.zeros(1, 2, 19).double(), r"\[batch, pos, 20\]; it was given \[1, 2, 19\]"),
        (torch.zeros(2, 20).double(), r"it was given \[2, 20\]"),
        ("text", "it was given str"),
        (torch.zeros(1, 2, 20), r"stream is torch\.float32; the weights are torch\.float64"),
        (torch.zeros(1, 10, 20).double(), r"shape \[1, 10, 20\]; .* reads 1 to 9 positions"),
        (torch.zeros(1, 0, 20).double(), r"shape \[1, 0, 20\]"),
        (torch.zeros(0, 1, 20).double(), r"shape \[0, 1, 20\]"),
    ],
)
def test_only_a_residual_stream_starts_at_a_layer(build: Build, stream: Any, message: str) -> None:
    with pytest.raises(PromptError, match=message):
        build()(stream, start_at_layer=1)


def test_what_is_returned_is_what_was_asked_for(build: Build, draw: Draw) -> None:
    model, tokens = build(FULL), draw()
    logits = model(tokens)
    assert logits.shape == (3, 7, 13)
    assert model(tokens, return_type=None) is None
    both, loss = model(tokens, return_type="both")
    assert torch.equal(both, logits)
    wanted = F.cross_entropy(logits[:, :-1].reshape(-1, 13), tokens[:, 1:].reshape(-1))
    torch.testing.assert_close(loss, wanted, **TIGHT)
    assert torch.equal(model(tokens, return_type="loss"), loss)
    each = model(tokens, return_type="loss", loss_per_token=True)
    assert each.shape == (3, 6)
    torch.testing.assert_close(each[1, 4], -logits[1, 4].log_softmax(-1)[tokens[1, 5]], **TIGHT)
    torch.testing.assert_close(each.mean(), loss, **TIGHT)


def test_a_run_for_nothing_still_calls_its_hooks(build: Build, draw: Draw) -> None:
    model, seen = build(FULL), []

    def look(x: Tensor, *, hook: HookPoint) -> None:
        seen.append(hook.name)

    last = "ln_final.hook_normalized"
    assert model.run_with_hooks(draw(), return_type=None, fwd_hooks=[(last, look)]) is None
    assert seen == [last]


def test_a_loss_needs_a_next_token(build: Build, draw: Draw) -> None:
    model = build()
    with pytest.raises(PromptError, match="the prompt has one token alone"):
        model(draw(length=1), return_type="loss")
    with pytest.raises(PromptError, match="a loss needs tokens"):
        model(torch.zeros(1, 2, 20).double(), start_at_layer=1, return_type="loss")
    assert model(draw(length=1), return_type="loss", loss_per_token=True).shape == (3, 0)


def test_padding_is_not_seen(build: Build, draw: Draw) -> None:
    model, tokens = build(FULL), draw()
    mask = torch.tensor([[0, 0, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0, 0], [1] * 7])
    masked = model(tokens, attention_mask=mask)
    torch.testing.assert_close(masked[0, 2:], model(tokens[0, 2:])[0], **TIGHT)
    torch.testing.assert_close(masked[1, :5], model(tokens[1, :5])[0], **TIGHT)
    torch.testing.assert_close(masked[2], model(tokens[2])[0], **TIGHT)
    assert torch.equal(model(tokens[0], attention_mask=mask[0]), model(tokens[:1], attention_mask=mask[:1]))
    stream = model(tokens, stop_at_layer=1, attention_mask=mask)
    torch.testing.assert_close(model(stream, start_at_layer=1, attention_mask=mask), masked, **TIGHT)
    loss = model(tokens[:1], attention_mask=mask[:1], return_type="loss")
    torch.testing.assert_close(loss, model(tokens[0, 2:], return_type="loss"), **TIGHT)


@pytest.mark.parametrize("shape", [(3, 6), (2, 7), (7,), (3, 7, 7)])
def test_a_mask_of_another_shape_is_refused(build: Build, draw: Draw, shape: tuple[int, ...]) -> None:
    with pytest.raises(PromptError, match=r"attention_mask has shape .*; the input calls for \[3, 7\]"):
        build()(draw(), attention_mask=torch.ones(shape))


def test_a_mask_and_padded_texts_hide_both(speaker: HookedTransformer) -> None:
    mask = torch.tensor([[1, 1, 1, 1], [0, 1, 1, 1]])
    together = speaker(["a", "bcd"], attention_mask=mask)
    torch.testing.assert_close(together[0, :2], speaker("a")[0], **TIGHT)
    torch.testing.assert_close(together[1, 1:], speaker("bcd", prepend_bos=False)[0], **TIGHT)


def test_a_head_out_of_range_says_what_there_is(build: Build) -> None:
    config = build().config
    assert check_head(config, 2, 3) == (2, 3)
    for layer, head in ((3, 0), (0, 4), (-1, 0), (0, -1)):
        with pytest.raises(SiteError, match=rf"no head {layer}\.{head} in .*layers 0 to 2, heads 0 to 3"):
            check_head(config, layer, head)


# Caching.


def test_everything_that_costs_nothing_is_kept(any_kind: HookedTransformer, draw: Draw) -> None:
    tokens = draw()
    logits, cache = any_kind.run_with_cache(tokens)
    assert isinstance(cache, ActivationCache)
    torch.testing.assert_close(logits, any_kind(tokens), **TIGHT)
    assert set(cache) == {point.name for point in any_kind.default_hooks()}
    asked_for = {
        "hook_result",
        "hook_q_input",
        "hook_k_input",
        "hook_v_input",
        "hook_attn_in",
        "hook_mlp_in",
        "hook_out",
    }
    left_out = {name.rpartition(".")[2] for name in set(any_kind.hook_dict) - set(cache)}
    assert left_out <= asked_for
    wanted = (3, 4, 7, 7)
    assert all(cache["pattern", layer].shape == wanted for layer in range(3))


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ("blocks.1.hook_resid_pre", ["blocks.1.hook_resid_pre"]),
        ("z", [f"blocks.{layer}.attn.hook_z" for layer in range(3)]),
        (("z", 1), ["blocks.1.attn.hook_z"]),
        (("scale", 2, "ln2"), ["blocks.2.ln2.hook_scale"]),
        ("ln_final.hook_scale", ["ln_final.hook_scale"]),
        (["hook_embed", ("z", -1)], ["hook_embed", "blocks.2.attn.hook_z"]),
        (("hook_embed", "blocks.1.hook_resid_pre"), ["hook_embed", "blocks.1.hook_resid_pre"]),
        ((("z", 2), ("z", 0)), ["blocks.0.attn.hook_z", "blocks.2.attn.hook_z"]),
        (lambda name: name.endswith("0.hook_mlp_out"), ["blocks.0.hook_mlp_out"]),
        (lambda name: False, []),
        ([], []),
        (("result", 1), ["blocks.1.attn.hook_result"]),
    ],
)
def test_what_is_kept_is_what_was_asked_for(build: Build, draw: Draw, wanted: Any, kept: list[str]) -> None:
    model, tokens = build(FULL), draw()
    _, whole = model.run_with_cache(tokens)
    logits, cache = model.run_with_cache(tokens, names_filter=wanted)
    assert list(cache) == kept
    for name in kept:
        torch.testing.assert_close(cache[name], whole[name], **TIGHT)
    torch.testing.assert_close(logits, model(tokens), **TIGHT)


def test_slices_and_forms_of_the_cache(build: Build, draw: Draw) -> None:
    model, tokens = build(FULL), draw()
    _, whole = model.run_with_cache(tokens)
    _, last = model.run_with_cache(tokens, pos_slice=-1)
    assert torch.equal(last["resid_post", 1], whole["resid_post", 1][:, -1:])
    assert torch.equal(last["pattern", 1], whole["pattern", 1][:, :, -1:])
    assert torch.equal(last["q", 1], whole["q", 1][:, -1:])
    _, some = model.run_with_cache(tokens, pos_slice=[0, 3])
    assert torch.equal(some["attn_scores", 1], whole["attn_scores", 1][:, :, [0, 3]])
    assert torch.equal(some["scale", 1, "ln1"], whole["scale", 1, "ln1"][:, [0, 3]])
    _, held = model.run_with_cache(tokens, return_cache_object=False)
    assert type(held) is dict
    assert held.keys() == set(whole)
    _, one = model.run_with_cache(tokens[:1], remove_batch_dim=True)
    assert torch.equal(one["resid_post", 1], model.run_with_cache(tokens[:1])[1]["resid_post", 1][0])
    with pytest.raises(SiteError, match=r"cannot drop the batch axis: .* holds 3 examples"):
        model.run_with_cache(tokens, remove_batch_dim=True)
    _, moved = model.run_with_cache(tokens, device="meta", names_filter="z")
    assert moved["z", 0].device.type == "meta"


def test_gradients_are_cached_beside_values(build: Build, draw: Draw) -> None:
    model, tokens = build(FULL).requires_grad_(True), draw()
    with torch.no_grad():
        _, cache = model.run_with_cache(tokens, incl_bwd=True, return_type="loss", names_filter=["resid_post", "z"])
    names = [name for name in cache if not name.endswith("_grad")]
    assert sorted(cache) == sorted(names + [f"{name}_grad" for name in names])
    # The stream's last gradient is that of the loss at the logits, carried back through the norm.
    stream = cache["resid_post", 2].clone().requires_grad_(True)
    again = F.cross_entropy(model(stream, start_at_layer=3)[:, :-1].reshape(-1, 13), tokens[:, 1:].reshape(-1))
    (grad,) = torch.autograd.grad(again, stream)
    torch.testing.assert_close(cache["blocks.2.hook_resid_post_grad"], grad, **TIGHT)


def test_a_cache_is_cut_off_from_the_graph(build: Build, draw: Draw) -> None:
    model = build().requires_grad_(True)
    _, cache = model.run_with_cache(draw())
    assert not any(x.requires_grad for x in cache.values())


# Generating.


def naive(model: HookedTransformer, tokens: Tensor, count: int) -> Tensor:
    for _ in range(count):
        tokens = torch.cat((tokens, model(tokens)[:, -1:].argmax(-1)), 1)
    return tokens


def test_greedy_generation_is_the_loop_without_a_cache(any_kind: HookedTransformer, draw: Draw) -> None:
    tokens = draw(length=3)
    wanted = naive(any_kind, tokens, 5)
    assert torch.equal(any_kind.generate(tokens, 5, do_sample=False), wanted)
    assert torch.equal(any_kind.generate(tokens, 5, temperature=0.0), wanted)
    assert any_kind.generate(tokens, 0).tolist() == tokens.tolist()


@pytest.mark.parametrize(
    "kind", [FULL, "RMS, rotary, grouped, gated", "no norm, shortformer, attention only"]
)  # fmt: skip
def test_texts_of_several_lengths_continue_as_each_would_alone(
    build: Build, speaker: HookedTransformer, kind: str
) -> None:
    found = build(kind, bos_token_id=0, default_prepend_bos=True)
    model = HookedTransformer(found.config, found.weights, tokenizer=speaker.tokenizer)
    texts = ["a", "bcde", "fg"]
    together = model.generate(texts, 4, do_sample=False, stop_at_eos=False)
    assert together == [model.generate(text, 4, do_sample=False, stop_at_eos=False) for text in texts]
    assert all(whole.startswith(text) for whole, text in zip(together, texts, strict=True))
    tokens = model.generate("a", 4, do_sample=False, stop_at_eos=False, return_type="tokens")
    assert torch.equal(tokens, naive(model, torch.tensor([[0, 2]]), 4))
    assert model.to_string(tokens[0, 1:]) == together[0]


def test_draws_come_from_the_seed(build: Build, draw: Draw) -> None:
    model, tokens = build(FULL), draw(rows=8, length=2)
    state = torch.random.get_rng_state()
    one, two, other = (model.generate(tokens, 6, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(torch.random.get_rng_state(), state), "the global generator is nobody's to draw from"
    assert torch.equal(model.generate(tokens, 6, top_k=1), naive(model, tokens, 6))


def test_generation_stops_at_the_end_of_text(speaker: HookedTransformer) -> None:
    # The end of text becomes the likeliest token once an "a" was read, and "a" otherwise.
    with torch.no_grad():
        for parameter in speaker.parameters():
            parameter.zero_()
        speaker.ln_final.w.fill_(1)
        eos, a, b = 1, 2, 3
        speaker.embed.W_E[a, 0] = speaker.embed.W_E[b, 1] = speaker.embed.W_E[0, 1] = speaker.embed.W_E[eos, 1] = 1
        speaker.unembed.W_U[0, eos] = speaker.unembed.W_U[1, a] = 9
    assert speaker.generate("b", 5, do_sample=False) == "ba"
    assert speaker.generate("b", 5, do_sample=False, return_type="tokens").tolist() == [[0, b, a, eos]]
    assert speaker.generate(["b", "a"], 5, do_sample=False) == ["ba", "a"]
    rows = speaker.generate(["b", "a"], 5, do_sample=False, return_type="tokens").tolist()
    assert rows == [[0, b, a, eos], [0, a, eos, eos]], "a row that has ended is filled up"
    on = speaker.generate("b", 4, do_sample=False, stop_at_eos=False)
    assert on == "ba<|eos|>a<|eos|>"


def test_hooks_see_every_step(build: Build, draw: Draw) -> None:
    model, lengths = build(), []

    def look(x: Tensor, *, hook: HookPoint) -> None:
        lengths.append(tuple(x.shape[-2:]))

    with model.hooks(fwd_hooks=[("blocks.1.attn.hook_pattern", look)]):
        model.generate(draw(length=4), 3)
    assert lengths == [(4, 4), (1, 5), (1, 6)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_new_tokens": 6}, "4 tokens and 6 new ones make 10; .* reads 9"),
        ({"max_new_tokens": -1}, "max_new_tokens is -1"),
        ({"max_new_tokens": 2, "temperature": -1.0}, "temperature is -1"),
        ({"max_new_tokens": 2, "top_k": 0}, "top_k is 0"),
        ({"max_new_tokens": 2, "top_p": 1.5}, "top_p is 1.5"),
    ],
)
def test_what_cannot_be_generated_is_refused(build: Build, draw: Draw, options: Any, message: str) -> None:
    with pytest.raises(PromptError, match=message):
        build().generate(draw(length=4), **options)


# Holding and moving weights.


def test_a_state_dict_is_contiguous_classic_and_goes_back(any_kind: HookedTransformer, draw: Draw) -> None:
    plain, held = any_kind(draw()), any_kind.state_dict()
    assert all(tensor.is_contiguous() for tensor in held.values())
    assert {name for name, _ in any_kind.named_parameters()} <= set(held)
    key = "blocks.0.attn._W_K" if any_kind.config.grouped else "blocks.0.attn.W_K"
    key = key if any_kind.config.latent is None else "blocks.0.attn.W_UK"
    assert held[key].shape == ((any_kind.config.n_kv, 20, 6) if any_kind.config.latent is None else (4, 5, 4))
    fresh = HookedTransformer(any_kind.config, seed=1).double()
    strides = [parameter.stride() for parameter in fresh.parameters()]
    fresh.load_state_dict(held)
    assert torch.equal(fresh(draw()), plain)
    assert [parameter.stride() for parameter in fresh.parameters()] == strides
    halves = {name: tensor.half() for name, tensor in held.items()}
    fresh.load_state_dict(halves)
    assert torch.equal(fresh.state_dict()[key], halves[key].double())


def test_a_state_dict_of_another_model_is_refused(build: Build) -> None:
    with pytest.raises(RuntimeError, match=r"Missing key.*W_U"):
        build().load_state_dict({name: x for name, x in build().state_dict().items() if name != "unembed.W_U"})


def test_moving_changes_the_type_and_keeps_the_layout(any_kind: HookedTransformer, draw: Draw) -> None:
    strides = [parameter.stride() for parameter in any_kind.parameters()]
    exact = any_kind.float()(draw())
    assert any_kind.to(None) is any_kind
    rough = any_kind.to(torch.bfloat16)
    assert rough is any_kind
    assert {parameter.dtype for parameter in rough.parameters()} == {torch.bfloat16}
    assert [parameter.stride() for parameter in rough.parameters()] == strides
    logits, cache = rough.run_with_cache(draw())
    assert logits.dtype == cache["resid_post", 2].dtype == torch.bfloat16
    assert logits.isfinite().all()
    # bfloat16 keeps 8 bits: a few percent of the largest logit, after three layers.
    near = (logits - exact).abs().amax(-1) < 0.1 * exact.abs().max()
    # Where a router's choice hangs by a rounding, a token takes another expert.
    assert near.double().mean() >= (1.0 if any_kind.config.n_experts is None else 0.9)
    moved = any_kind.to("meta")
    assert moved.device.type == "meta"


def test_fresh_weights_come_from_the_seed(build: Build, draw: Draw) -> None:
    config = build().config
    one, two, other = (HookedTransformer(config, seed=seed)(draw()) for seed in (3, 3, 4))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_a_model_says_what_it_is(build: Build) -> None:
    shown = repr(build(model_name="toy"))
    assert shown == "HookedTransformer(toy: 3 layers × 4 heads, d_model 20, vocabulary 13, 6,460 parameters)"


@pytest.mark.parametrize("grad", [True, False])
def test_a_watched_run_gives_the_bits_of_an_unwatched_one(any_kind: HookedTransformer, draw: Draw, grad: bool) -> None:
    model, tokens = any_kind.float(), draw()
    with torch.set_grad_enabled(grad):
        plain = model(tokens)
        logits, cache = model.run_with_cache(tokens)
        assert torch.equal(logits, plain)
        for layer in range(model.config.n_layers):
            assert torch.equal(model(tokens, stop_at_layer=layer), cache["resid_pre", layer])
        assert torch.equal(model(cache["resid_pre", 1], start_at_layer=1), plain)


def test_an_edit_that_torch_is_not_told_of_is_an_edit(build: Build, draw: Draw) -> None:
    model, tokens = build("LN, learned positions, MLP, biases").float(), draw()

    def first_key_alone(pattern: Tensor, *, hook: HookPoint) -> None:
        pattern.data[..., 1:] = 0
        pattern.data[..., 0] = 1

    def doubled(scale: Tensor, *, hook: HookPoint) -> None:
        scale.detach().numpy()[:] *= 2

    plain = model(tokens)
    for name, hook in (("pattern", first_key_alone), ("blocks.0.ln1.hook_scale", doubled)):
        assert not torch.allclose(model.run_with_hooks(tokens, fwd_hooks=[(name, hook)]), plain)


@pytest.mark.parametrize("in_place", [True, False])
def test_an_edit_as_small_as_rounding_is_an_edit(build: Build, draw: Draw, in_place: bool) -> None:
    model, tokens, cached = build("LN, learned positions, MLP, biases").float(), draw(), {}

    def nudged(pattern: Tensor, *, hook: HookPoint) -> Tensor | None:
        cached["pattern"] = pattern.clone()
        if in_place:
            pattern.mul_(1 - 2**-21)
            return None
        return pattern * (1 - 2**-21)

    seen = {}
    for name, hooks in (("nudged", [("blocks.0.attn.hook_pattern", nudged)]), ("plain", [])):
        with model.hooks(fwd_hooks=hooks):
            seen[name] = model.run_with_cache(tokens, names_filter=["blocks.0.attn.hook_z", "blocks.0.attn.hook_v"])[1]
    z = cached["pattern"] * (1 - 2**-21) @ seen["plain"]["v", 0].transpose(1, 2)
    assert torch.equal(seen["nudged"]["z", 0], z.transpose(1, 2))
    assert not torch.equal(seen["nudged"]["z", 0], seen["plain"]["z", 0])


def add(x: Tensor, *, hook: HookPoint, more: Tensor) -> Tensor:
    return x + more


def test_gradients_reach_what_is_watched(build: Build, draw: Draw) -> None:
    model, tokens, seen = build("LN, learned positions, MLP, biases").requires_grad_(), draw(), {}

    def keep(x: Tensor, *, hook: HookPoint) -> None:
        x.retain_grad()
        seen[hook.name] = x

    names = ["blocks.1.attn.hook_pattern", "blocks.1.ln1.hook_scale", "ln_final.hook_normalized"]
    model.run_with_hooks(tokens, return_type="loss", fwd_hooks=[(name, keep) for name in names]).backward()
    for name in names:
        nudge = torch.zeros_like(seen[name])
        nudge.view(-1)[5] = 1e-6
        ends = [
            model.run_with_hooks(tokens, return_type="loss", fwd_hooks=[(name, partial(add, more=sign * nudge))])
            for sign in (1, -1)
        ]
        slope = (ends[0] - ends[1]) / 2e-6
        torch.testing.assert_close(slope, seen[name].grad.view(-1)[5], atol=1e-7, rtol=1e-4)


def test_a_stop_at_an_end_nobody_knows_is_refused(build: Build, draw: Draw) -> None:
    model, tokens = build("LN, learned positions, MLP, biases"), draw()
    for kind in (NoTokenizerError, TokenizerError, AssertionError):
        with pytest.raises(kind, match="eos_token_id"):
            model.generate(tokens, max_new_tokens=1, stop_at_eos=True)
    for told in (None, False):
        assert model.generate(tokens, max_new_tokens=1, stop_at_eos=told).shape[1] == tokens.shape[1] + 1
    assert model.generate(tokens, max_new_tokens=1, stop_at_eos=True, eos_token_id=3).shape[1] == tokens.shape[1] + 1
    with pytest.raises(AssertionError, match="has no tokenizer"):
        model.generate("text")
