"""What hooks see while a model generates, and what is kept of it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from rung.config import Rotary, RotaryScaling
from rung.engine.cache import ActivationCache
from rung.engine.sites import sites_of
from rung.errors import PromptError, SiteError
from rung.model.hooks import HookPoint
from rung.model.model import HookedTransformer
from rung.model.tokenizer import TextTokenizer

Build = Callable[..., HookedTransformer]
Draw = Callable[..., Tensor]
CLOSE: dict[str, Any] = {"rtol": 1e-9, "atol": 1e-9}
GREEDY: dict[str, Any] = {"do_sample": False, "stop_at_eos": False}
KEPT = pytest.mark.parametrize("kept", [True, False])


def test_without_a_cache_hooks_see_the_whole_sequence(any_kind: HookedTransformer, draw: Draw) -> None:
    """Hooks that speak of positions act as in a loop by hand that reads everything anew."""
    tokens = draw(rows=2, length=4)
    push = torch.randn(20, generator=torch.Generator().manual_seed(2)).double()
    lengths: list[tuple[int, ...]] = []

    def steer(x: Tensor, *, hook: HookPoint) -> None:
        x[:, 1:] += push
        x[:, 3] = 0
        lengths.append(tuple(x.shape[:2]))

    with any_kind.hooks(
        [("blocks.1.hook_resid_pre", steer), ("unembed.hook_in", lambda x, hook: lengths.append(x.shape[:2]))]
    ):
        found = any_kind.generate(tokens, 4, use_past_kv_cache=False, **GREEDY)
        assert lengths == [(2, n) for n in (4, 5, 6, 7) for _ in range(2)]
        by_hand = tokens
        for _ in range(4):
            by_hand = torch.cat((by_hand, any_kind(by_hand)[:, -1:].argmax(-1)), 1)
    assert torch.equal(found, by_hand)


@KEPT
def test_what_is_kept_is_that_of_a_run_over_the_result(any_kind: HookedTransformer, draw: Draw, kept: bool) -> None:
    tokens = draw(rows=2, length=3)
    found, cache = any_kind.generate(tokens, 4, names_filter=lambda name: True, use_past_kv_cache=kept, **GREEDY)
    assert torch.equal(found, any_kind.generate(tokens, 4, **GREEDY)) and isinstance(cache, ActivationCache)
    _, wanted = any_kind.run_with_cache(found, names_filter=lambda name: True)
    assert list(cache) == list(wanted) and len(cache) == len(sites_of(any_kind.config))
    for name in wanted:
        torch.testing.assert_close(cache[name], wanted[name], **CLOSE, msg=lambda said, name=name: f"{name}: {said}")
    torch.testing.assert_close(cache["unembed_out"][:, :-1].argmax(-1)[:, 2:], found[:, 3:])
    torch.testing.assert_close(
        cache.accumulated_resid(apply_ln=True)[-1], wanted.accumulated_resid(apply_ln=True)[-1], **CLOSE
    )


def test_by_default_is_kept_what_a_run_keeps(build: Build, draw: Draw) -> None:
    model, tokens = build(), draw(rows=1, length=3)
    _, wanted = model.run_with_cache(draw(rows=1, length=5))
    found, cache = model.generate(tokens, 2, return_cache=True)
    assert found.shape == (1, 5) and list(cache) == list(wanted)
    assert {name: x.shape for name, x in cache.items()} == {name: x.shape for name, x in wanted.items()}
    _, few = model.generate(tokens, 2, names_filter=("z", 1))
    assert list(few) == ["blocks.1.attn.hook_z"]
    torch.testing.assert_close(few["z", 1], cache["z", 1], **CLOSE)
    none, cache = model.generate(tokens, 0, names_filter="resid_post")
    assert torch.equal(none, tokens) and cache["resid_post", 2].shape == (1, 3, 20)
    with pytest.raises(SiteError, match="no hook named"):
        model.generate(tokens, 2, names_filter="nothing")


@KEPT
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_batch_of_texts_keeps_what_each_keeps_alone(
    build: Build, any_kind_name: str, letters: TextTokenizer, kept: bool, side: Any
) -> None:
    found = build(any_kind_name, n_ctx=14, bos_token_id=0, default_prepend_bos=True)
    model = HookedTransformer(
        found.config, found.weights, tokenizer=TextTokenizer(letters.backend, "<|bos|>", "<|eos|>", "k")
    )
    texts, options = ["a", "bcde"], GREEDY | {"names_filter": ["resid_post", "pattern"], "use_past_kv_cache": kept}
    together, cache = model.generate(texts, 5, padding_side=side, **options)
    assert isinstance(together, list)
    for row, text in enumerate(texts):
        alone, own = model.generate(text, 5, **options)
        assert alone == together[row]
        n = len(text) + 1
        at = [*(range(5 - n, 5) if side == "left" else range(n)), *range(5, 10)]
        torch.testing.assert_close(cache["resid_post", 2][row, at], own["resid_post", 2][0], **CLOSE)
        torch.testing.assert_close(cache["pattern", 1][row][:, at][..., at], own["pattern", 1][0], **CLOSE)


@KEPT
def test_edits_are_kept_as_they_were_when_a_token_was_read(build: Build, draw: Draw, kept: bool) -> None:
    model, tokens = build("LN, learned positions, MLP, biases"), draw(rows=2, length=3)
    push = torch.randn(20, generator=torch.Generator().manual_seed(2)).double()

    def last(x: Tensor, *, hook: HookPoint) -> None:
        x[:, -1] += push

    with model.hooks([("blocks.1.hook_resid_mid", last)]):
        _, cache = model.generate(tokens, 3, return_cache=True, use_past_kv_cache=kept, **GREEDY)
    change = cache["resid_mid", 1] - cache["resid_pre", 1] - cache["attn_out", 1]
    wanted = torch.zeros(2, 6, 20).double()
    wanted[:, 2:] = push
    torch.testing.assert_close(change, wanted, **CLOSE)


@KEPT
def test_keys_that_are_turned_again_are_kept_again(build: Build, draw: Draw, kept: bool) -> None:
    scaling = RotaryScaling(
        kind="longrope", factor=4.0, original_n_ctx=4, short_factors=(1.0, 1.0), long_factors=(2.0, 9.0)
    )
    model = build("RMS, rotary, grouped, gated", rotary=Rotary(dim=4, base=10.0, scaling=scaling))
    found, cache = model.generate(draw(rows=2, length=3), 5, return_cache=True, use_past_kv_cache=kept, **GREEDY)
    _, wanted = model.run_with_cache(found)
    for name in wanted:
        torch.testing.assert_close(cache[name], wanted[name], **CLOSE)


def test_what_is_kept_is_no_more_than_was_asked_for(build: Build, draw: Draw) -> None:
    _, cache = build().generate(draw(rows=1, length=3), 5, names_filter=("resid_post", 1), use_past_kv_cache=False)
    (x,) = cache.values()
    assert x.untyped_storage().nbytes() == x.nbytes == 8 * 20 * 8


def test_a_row_that_has_ended_is_padding_from_there_on(build: Build, draw: Draw) -> None:
    model, tokens = build("RMS, rotary, grouped, gated"), draw(rows=2, length=3)
    free = model.generate(tokens, 5, **GREEDY)
    stop = int(free[0, 3])
    if stop in free[1, 3:].tolist():
        pytest.skip("both rows stop there")
    found, cache = model.generate(tokens, 5, do_sample=False, eos_token_id=stop, return_cache=True)
    mask = torch.ones(2, 8)
    mask[0, 4:] = 0
    _, wanted = model.run_with_cache(found, attention_mask=mask)
    torch.testing.assert_close(cache["resid_post", 2][mask.bool()], wanted["resid_post", 2][mask.bool()], **CLOSE)


def test_a_model_that_reads_both_ways_generates_without_a_cache(build: Build, draw: Draw) -> None:
    model, tokens = build(attention_dir="bidirectional"), draw(rows=1, length=3)
    found = model.generate(tokens, 3, use_past_kv_cache=False, **GREEDY)
    assert found[0, -1] == model(found[:, :-1])[0, -1].argmax()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 1e-40}, "temperature is 1e-40, too small to divide by"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"temperature": float("inf")}, "temperature is inf"),
    ],
)
def test_temperatures_that_no_draw_can_follow(build: Build, draw: Draw, options: Any, message: str) -> None:
    with pytest.raises(PromptError, match=message):
        build().generate(draw(length=3), 2, **options)


@pytest.mark.parametrize("temperature", [1e-30, 1e-12, 1e-4])
def test_small_temperatures_are_nearly_greedy(build: Build, draw: Draw, temperature: float) -> None:
    model, tokens = build().float(), draw(length=3)
    assert torch.equal(model.generate(tokens, 4, temperature=temperature), model.generate(tokens, 4, temperature=0.0))


def test_a_model_without_numbers_draws_nothing(build: Build, draw: Draw) -> None:
    model = build()
    model.unembed.W_U.data[:] = torch.nan
    with pytest.raises(PromptError, match="the model's logits are not finite numbers"):
        model.generate(draw(length=3), 2)
