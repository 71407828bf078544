"""What hook functions may do to what they are handed: edit it in place, whatever reads it later, and in any type."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from rung.engine.sites import sites_of
from rung.engine.taps import EditTap
from rung.engine.transformer import forward
from rung.errors import SiteError
from rung.model.hooks import HookPoint
from rung.model.model import HookedTransformer

Build = Callable[..., HookedTransformer]
Draw = Callable[..., Tensor]


def in_place(x: Tensor, *, hook: HookPoint) -> None:
    """Halves every other entry of the last axis; a −∞ stays one."""
    x[..., ::2] *= 0.5


def anew(x: Tensor, *, hook: HookPoint) -> Tensor:
    half = torch.ones_like(x)
    half[..., ::2] = 0.5
    return x * half


def seen_only(x: Tensor, *, hook: HookPoint) -> None:
    """Watches."""


def gradients(model: HookedTransformer, tokens: Tensor, hooks: list[Any], cached: bool) -> list[Tensor]:
    model.zero_grad()
    with model.hooks(hooks):
        if cached:
            model.run_with_cache(tokens, names_filter=lambda name: True, return_type="loss", incl_bwd=True)
        else:
            model(tokens, return_type="loss").backward()
    return [p.grad.clone() for p in model.parameters() if p.grad is not None]


def check_sites(model: HookedTransformer, tokens: Tensor, others: str) -> None:
    """At every site, editing in place gives the gradients that returning the same does."""
    every = [site.path for site in sites_of(model.config)]
    for name in [site.path for site in sites_of(model.config) if site.layer in (None, 1)]:
        beside = [(other, seen_only) for other in every if other != name] if others == "watched" else []
        found, wanted = (
            gradients(model, tokens, [*beside, (name, edit)], others == "cached") for edit in (in_place, anew)
        )
        for one, other in zip(found, wanted, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9, msg=lambda said, name=name: f"{name}: {said}")


def test_an_edit_in_place_is_one_that_returns_for_gradients_too(any_kind: HookedTransformer, draw: Draw) -> None:
    check_sites(any_kind.requires_grad_(True), draw(rows=1, length=4), "nobody")


@pytest.mark.parametrize("others", ["watched", "cached"])
@pytest.mark.parametrize(
    "kind",
    ["LN, learned positions, MLP, biases", "RMS before and behind, queries normed, caps, windows"],
)
def test_an_edit_in_place_with_every_other_site_watched(build: Build, kind: str, draw: Draw, others: str) -> None:
    check_sites(build(kind).requires_grad_(True), draw(rows=1, length=4), others)


def test_edits_in_place_everywhere_at_once(any_kind: HookedTransformer, draw: Draw) -> None:
    model, tokens = any_kind.requires_grad_(True), draw(rows=1, length=4)
    every = [site.path for site in sites_of(model.config)]
    found, wanted = (gradients(model, tokens, [(name, edit) for name in every], False) for edit in (in_place, anew))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def test_a_tap_may_edit_in_place_too(any_kind: HookedTransformer, draw: Draw) -> None:
    model, tokens = any_kind.requires_grad_(True), draw(rows=1, length=4)
    for site in (site for site in sites_of(model.config) if site.layer in (None, 1)):

        def edit(x: Tensor) -> None:
            x[..., ::2] *= 0.5

        forward(model.config, model.weights, tokens, EditTap({site: edit})).logsumexp(-1).sum().backward()


def test_a_gradient_edited_in_place_changes_nothing_beside_it(build: Build, draw: Draw) -> None:
    model, tokens = build("LN, learned positions, MLP, biases").requires_grad_(True), draw()

    def halve(grad: Tensor, *, hook: HookPoint) -> None:
        grad *= 0.5

    def halved(grad: Tensor, *, hook: HookPoint) -> Tensor:
        return grad * 0.5

    for name in ("blocks.1.hook_attn_out", "blocks.1.hook_resid_mid", "blocks.1.hook_mlp_out", "blocks.1.attn.hook_z"):
        found = []
        for edit in (halve, halved):
            model.zero_grad()
            with model.hooks(bwd_hooks=[(name, edit)]):
                model(tokens, return_type="loss").backward()
            found.append([p.grad.clone() for p in model.parameters()])
        for one, other in zip(*found, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_what_a_hook_returns_takes_the_type_of_the_stream(
    build: Build, any_kind_name: str, draw: Draw, dtype: torch.dtype
) -> None:
    model, tokens = build(any_kind_name).to(dtype), draw(rows=1, length=4)
    wide = torch.float64 if dtype is torch.float32 else torch.float32
    for site in (site for site in sites_of(model.config) if site.layer in (None, 1)):

        def add(x: Tensor, *, hook: HookPoint) -> Tensor:
            return x + torch.zeros(x.shape[-1], dtype=wide)

        def check(x: Tensor, *, hook: HookPoint, scale: bool = "scale" in site.name) -> None:
            assert x.dtype == (torch.float32 if scale else dtype)

        logits = model.run_with_hooks(tokens, fwd_hooks=[(site.path, add), (site.path, check)])
        assert logits.dtype == dtype


def test_what_is_no_tensor_is_refused_by_name(build: Build, draw: Draw) -> None:
    with pytest.raises(SiteError, match=r"a hook at blocks.1.hook_attn_out returned a float; a hook returns a tensor"):
        build().run_with_hooks(draw(), fwd_hooks=[("blocks.1.hook_attn_out", lambda x, hook: 0.0)])


@pytest.mark.parametrize("picked", [(-1, None), (0, 1), -1, [2], torch.tensor([1]), slice(1, 2)])
def test_a_kept_slice_does_not_keep_the_whole(any_kind: HookedTransformer, draw: Draw, picked: Any) -> None:
    _, cache = any_kind.run_with_cache(draw(rows=1), pos_slice=picked, names_filter=lambda name: True)
    for name, x in cache.items():
        assert x.untyped_storage().nbytes() <= x.nbytes, name
    one = any_kind.run_with_cache(draw())[1].apply_slice_to_batch_dim(slice(0, 1))
    assert all(x.untyped_storage().nbytes() <= x.nbytes for x in one.values())


def test_the_whole_goes_when_its_slice_is_kept(build: Build, draw: Draw) -> None:
    model, seen = build(), []

    def watch(x: Tensor, *, hook: HookPoint) -> None:
        seen.append(weakref.ref(x.untyped_storage()))

    with model.hooks([("blocks.1.hook_resid_post", watch)]), torch.no_grad():
        _, cache = model.run_with_cache(draw(), names_filter=("resid_post", 1), pos_slice=(-1, None))
    gc.collect()
    assert seen[0]() is None and cache["resid_post", 1].shape == (3, 1, 20)
