"""Hook points: in the engine's model and in anybody's own."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rung.errors import SiteError
from rung.model.hooks import HookedRootModule, HookPoint
from rung.model.model import HookedTransformer

MID = "blocks.1.hook_resid_mid"


class Toy(HookedRootModule):
    """y = sum over both layers of 2 relu(x w), each layer with a hook before and after."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([[1.0, -1.0], [0.5, 2.0]]))
        self.hook_in = HookPoint()
        self.blocks = nn.ModuleList(nn.Sequential(HookPoint(), nn.ReLU(), HookPoint()) for _ in range(2))
        self.setup()

    def forward(self, x: Tensor, scale: float = 1.0) -> Tensor:
        x = self.hook_in(x) @ self.w
        for block in self.blocks:
            x = block(x) * scale
        return x.sum()


@pytest.fixture
def model(build: Callable[..., HookedTransformer]) -> HookedTransformer:
    return build("LN, learned positions, MLP, biases")


@pytest.fixture
def tokens(draw: Callable[..., Tensor]) -> Tensor:
    return draw()


def attached(model: HookedRootModule) -> list[str]:
    return [point.name or "" for point in model.hook_points() if point.has_hooks()]


def double(x: Tensor, *, hook: HookPoint) -> Tensor:
    return x * 2


def fail(x: Tensor, *, hook: HookPoint) -> Tensor:
    raise ZeroDivisionError


def test_a_hook_is_called_with_the_value_and_its_point(model: HookedTransformer, tokens: Tensor) -> None:
    seen: list[Any] = []

    def look(x: Tensor, *, hook: HookPoint) -> None:
        seen.append((hook.name, hook.layer(), x.shape))
        hook.ctx["kept"] = x

    model.run_with_hooks(tokens, fwd_hooks=[(MID, look)])
    assert seen == [(MID, 1, (3, 7, 20))]
    assert model.hook_dict[MID].ctx["kept"].shape == (3, 7, 20)
    model.reset_hooks()
    assert model.hook_dict[MID].ctx == {}


def test_a_point_outside_layers_says_so(model: HookedTransformer) -> None:
    with pytest.raises(SiteError, match=r"ln_final\.hook_scale.* is in no layer"):
        model.hook_dict["ln_final.hook_scale"].layer()


def test_none_leaves_the_value_and_a_return_replaces_it(model: HookedTransformer, tokens: Tensor) -> None:
    plain = model(tokens)

    def in_place(x: Tensor, *, hook: HookPoint) -> None:
        x[:, 2] = 0

    def returned(x: Tensor, *, hook: HookPoint) -> Tensor:
        x = x.clone()
        x[:, 2] = 0
        return x

    edited = model.run_with_hooks(tokens, fwd_hooks=[(MID, in_place)])
    assert torch.equal(edited, model.run_with_hooks(tokens, fwd_hooks=[(MID, returned)]))
    assert not torch.allclose(edited[:, 2:], plain[:, 2:])
    assert torch.equal(edited[:, :2], plain[:, :2])
    assert torch.equal(model(tokens), plain)


def test_hooks_are_gone_after_the_run(model: HookedTransformer, tokens: Tensor) -> None:
    model.run_with_hooks(tokens, fwd_hooks=[(MID, double)])
    assert attached(model) == []


def test_hooks_are_gone_after_an_exception(model: HookedTransformer, tokens: Tensor) -> None:
    with pytest.raises(ZeroDivisionError):
        model.run_with_hooks(tokens, fwd_hooks=[(MID, double), ("hook_embed", fail)])
    assert attached(model) == []
    with pytest.raises(ZeroDivisionError), model.hooks(bwd_hooks=[(MID, fail)]):
        raise ZeroDivisionError
    assert attached(model) == []
    assert model.context_level == 0


@pytest.mark.parametrize("run", ["run_with_hooks", "run_with_cache"])
def test_a_wrong_name_attaches_nothing_and_names_near_ones(model: HookedTransformer, tokens: Tensor, run: str) -> None:
    near = r"no hook named 'blocks\.1\.attn\.hook_patern'.*Near names: .*blocks\.1\.attn\.hook_pattern"
    with pytest.raises(SiteError, match=near):
        if run == "run_with_hooks":
            model.run_with_hooks(tokens, fwd_hooks=[(MID, double), ("blocks.1.attn.hook_patern", double)])
        else:
            model.run_with_cache(tokens, names_filter=[MID, "blocks.1.attn.hook_patern"])
    assert attached(model) == []


def test_a_function_of_names_that_picks_nothing_is_an_error(model: HookedTransformer, tokens: Tensor) -> None:
    with pytest.raises(SiteError, match="picks none"):
        model.run_with_hooks(tokens, fwd_hooks=[(lambda name: "patern" in name, double)])


def test_names_in_every_form_reach_the_same_points(model: HookedTransformer, tokens: Tensor) -> None:
    def names(wanted: Any) -> list[str]:
        return [point.name or "" for point in model.select_hooks(wanted)]

    every = [f"blocks.{layer}.attn.hook_pattern" for layer in range(3)]
    assert names("pattern") == names(lambda name: name.endswith("pattern")) == every
    assert names(("pattern", 1)) == names(["blocks.1.attn.hook_pattern"]) == names(("pattern", -2)) == every[1:2]
    assert names([("pattern", 2), ("pattern", 0)]) == names(tuple(every[::2])) == every[::2]
    assert names(("scale", 0, "ln1")) == ["blocks.0.ln1.hook_scale"]
    assert model.add_hook("pattern", double)[1].point.name == every[1]
    assert attached(model) == every
    model.reset_hooks()
    with model.hooks(fwd_hooks=[(("pattern", 1), double)]):
        assert attached(model) == every[1:2]


def test_contexts_nest(model: HookedTransformer, tokens: Tensor) -> None:
    plain, calls = model(tokens), []

    def count(x: Tensor, *, hook: HookPoint) -> None:
        calls.append(hook.name)

    with model.hooks(fwd_hooks=[(MID, count)]):
        with model.hooks(fwd_hooks=[("hook_embed", count)]):
            model(tokens)
        assert attached(model) == [MID]
        model(tokens)
    assert calls == ["hook_embed", MID, MID]
    assert torch.equal(model(tokens), plain)


def test_the_outer_contexts_hooks_run_first(model: HookedTransformer, tokens: Tensor) -> None:
    order: list[str] = []

    def say(word: str) -> Any:
        def hook(x: Tensor, *, hook: HookPoint) -> None:
            order.append(word)

        return hook

    with model.hooks(fwd_hooks=[(MID, say("outer"))]):
        model.add_hook(MID, say("first"), prepend=True)
        model.run_with_hooks(tokens, fwd_hooks=[(MID, say("inner"))])
    assert order == ["first", "outer", "inner"]


def test_levels_are_removed_alone(model: HookedTransformer) -> None:
    model.add_hook(MID, double, level=1)
    model.add_hook("hook_embed", double, level=2)
    model.remove_all_hook_fns(level=1)
    assert attached(model) == ["hook_embed"]


def test_directions_are_removed_alone(model: HookedTransformer) -> None:
    model.add_hook(MID, double)
    model.add_hook("hook_embed", double, dir="bwd")
    model.reset_hooks(direction="fwd")
    assert attached(model) == ["hook_embed"]
    model.reset_hooks(direction="bwd")
    assert attached(model) == []


def test_permanent_hooks_stay_until_told_otherwise(model: HookedTransformer, tokens: Tensor) -> None:
    plain = model(tokens)
    model.add_perma_hook(MID, double)
    model.reset_hooks()
    assert attached(model) == [MID]
    with model.hooks(fwd_hooks=[(MID, double)]):
        pass
    assert not torch.allclose(model(tokens), plain)
    model.reset_hooks(including_permanent=True)
    assert torch.equal(model(tokens), plain)


def test_a_handle_removes_its_own_hook_and_only_it(model: HookedTransformer) -> None:
    one, two = (model.add_hook(MID, double)[0] for _ in range(2))
    one.remove()
    one.remove()
    assert model.hook_dict[MID].fwd_hooks == [two]


def test_hooks_may_be_left_attached(model: HookedTransformer, tokens: Tensor) -> None:
    plain = model(tokens)
    model.run_with_hooks(tokens, fwd_hooks=[(MID, double)], reset_hooks_end=False)
    assert attached(model) == [MID]
    assert not torch.allclose(model(tokens), plain)


def test_backward_hooks_see_the_gradient(model: HookedTransformer, tokens: Tensor) -> None:
    model.requires_grad_(True)
    seen: dict[str, Tensor] = {}

    def keep(x: Tensor, *, hook: HookPoint) -> None:
        seen[str(hook.name)] = x

    with model.hooks(bwd_hooks=[(MID, keep), ("hook_embed", keep)]):
        model(tokens, return_type="loss").backward()
    _, cache = model.run_with_cache(tokens, names_filter=[MID, "hook_embed"], incl_bwd=True, return_type="loss")
    for name, grad in seen.items():
        assert torch.allclose(grad, cache[f"{name}_grad"], rtol=1e-12)

    # The same by a difference quotient, at one coordinate.
    step = 1e-5

    def nudge(sign: int) -> Any:
        def hook(x: Tensor, *, hook: HookPoint) -> None:
            x[1, 3, 2] += sign * step

        return hook

    with torch.no_grad():
        up, down = (
            model.run_with_hooks(tokens, fwd_hooks=[(MID, nudge(sign))], return_type="loss") for sign in (1, -1)
        )
    assert seen[MID][1, 3, 2].item() == pytest.approx(((up - down) / (2 * step)).item(), rel=1e-5)


def test_a_backward_hook_replaces_the_gradient_for_what_lies_before(model: HookedTransformer, tokens: Tensor) -> None:
    model.requires_grad_(True)
    met: list[str] = []

    def stop(x: Tensor, *, hook: HookPoint) -> Tensor:
        met.append(str(hook.name))
        return torch.zeros_like(x)

    def look(x: Tensor, *, hook: HookPoint) -> None:
        met.append(str(hook.name))
        assert not x.any()

    # These two points pass on one and the same tensor; the gradient meets the later first.
    late, early = "blocks.1.hook_resid_pre", "blocks.0.hook_resid_post"
    with model.hooks(bwd_hooks=[(early, look), (late, stop)]):
        model(tokens, return_type="loss").backward()
    assert met == [late, early]
    assert not model.embed.W_E.grad.any()
    assert model.blocks[1].attn.W_Q.grad.any()


def test_backward_hooks_of_a_run_that_is_over_are_refused(model: HookedTransformer, tokens: Tensor) -> None:
    with pytest.raises(SiteError, match="call backward inside"):
        model.run_with_hooks(tokens, bwd_hooks=[(MID, double)])
    assert attached(model) == []


@pytest.mark.parametrize("return_type", ["logits", "both"])
def test_a_gradient_of_no_single_number_is_refused(model: HookedTransformer, tokens: Tensor, return_type: str) -> None:
    with pytest.raises(SiteError, match="gradient of a single number"):
        model.run_with_cache(tokens, incl_bwd=True, return_type=return_type)
    assert attached(model) == []


def test_a_copied_model_has_weights_and_hooks_of_its_own(model: HookedTransformer, tokens: Tensor) -> None:
    plain = model(tokens)
    model.add_hook("hook_embed", double)
    twin = copy.deepcopy(model)
    assert attached(twin) == ["hook_embed"]
    model.reset_hooks()
    assert not torch.allclose(twin(tokens), plain), "the copy keeps the hooks it was copied with"
    twin.reset_hooks()
    assert torch.equal(twin(tokens), plain)

    with torch.no_grad():
        twin.blocks[0].attn.W_V.zero_()
        twin.embed.W_E.mul_(1.5)
    assert torch.equal(model(tokens), plain)
    changed = twin(tokens)
    assert not torch.allclose(changed, plain)
    assert not torch.allclose(model.run_with_hooks(tokens, fwd_hooks=[(MID, double)]), plain)
    assert torch.equal(twin(tokens), changed)
    assert not torch.allclose(twin.run_with_hooks(tokens, fwd_hooks=[(MID, double)]), changed)
    own = {id(module) for module in twin.modules()}
    assert all(id(owner) in own for slots in twin._slots.values() for owner, _ in slots)
    assert all(id(point) in own for point in (*twin._points.values(), *twin.hook_dict.values()))
    assert [p.stride() for p in twin.parameters()] == [p.stride() for p in model.parameters()]


def test_anybodys_own_model_can_be_hooked() -> None:
    toy, x = Toy(), torch.tensor([[1.0, 2.0]])
    assert list(toy.hook_dict) == ["hook_in", "blocks.0.0", "blocks.0.2", "blocks.1.0", "blocks.1.2"]
    assert toy(x) == toy(x, scale=1.0) == 5.0
    assert toy.run_with_hooks(x, fwd_hooks=[("hook_in", double)]) == 10.0
    assert toy.run_with_hooks(x, 3.0, fwd_hooks=[("hook_in", double)]) == 90.0
    assert toy.hook_dict["blocks.1.2"].layer() == 1
    with pytest.raises(SiteError, match=r"no hook named 'hook_inn' among the 5 of this model. Near names: hook_in"):
        toy.run_with_hooks(x, fwd_hooks=[("hook_in", double), ("hook_inn", double)])
    with pytest.raises(SiteError, match=r"no hook named 1 among"):
        toy.run_with_hooks(x, fwd_hooks=[(("hook_in", 1), double)])
    assert attached(toy) == []


def test_anybodys_own_model_can_be_cached() -> None:
    toy, x = Toy(), torch.tensor([[1.0, 2.0]])
    out, cache = toy.run_with_cache(x, incl_bwd=True)
    assert out == 5.0
    assert list(cache)[:5] == list(toy.hook_dict)
    assert torch.equal(cache["blocks.0.0"], torch.tensor([[2.0, 3.0]]))
    assert torch.equal(cache["blocks.0.0_grad"], torch.tensor([[1.0, 1.0]]))
    # x itself asks for no gradient, so there is none to keep.
    assert "hook_in_grad" not in cache
    _, one = toy.run_with_cache(x, names_filter="hook_in", remove_batch_dim=True)
    assert {name: value.tolist() for name, value in one.items()} == {"hook_in": [1.0, 2.0]}
    with pytest.raises(SiteError, match="2 examples, not 1"):
        toy.run_with_cache(x.repeat(2, 1), remove_batch_dim=True)
    assert attached(toy) == []


def test_caching_hooks_can_be_had_alone(speaker):
    tokens = torch.tensor([[0, 3, 4]])
    _, wanted = speaker.run_with_cache(tokens, names_filter="z", return_cache_object=False)
    cache, forward, backward = speaker.get_caching_hooks("z", incl_bwd=True)
    with speaker.hooks(fwd_hooks=forward, bwd_hooks=backward):
        speaker.requires_grad_(True)(tokens, return_type="loss").backward()
    assert sorted(cache) == sorted([*wanted, *(f"{name}_grad" for name in wanted)])
    assert all(torch.allclose(cache[name], wanted[name]) for name in wanted)
    assert not any(point.has_hooks() for point in speaker.hook_points())
    lasting = speaker.add_caching_hooks(lambda name: name.endswith("hook_z"), remove_batch_dim=True)
    speaker(tokens)
    assert all(torch.allclose(lasting[name], wanted[name][0]) for name in wanted)
    speaker.reset_hooks()
    assert not any(point.has_hooks() for point in speaker.hook_points())


def test_has_hooks_knows_kinds():
    point = HookPoint()
    point.add_hook(lambda x, hook: x, level=2)
    point.add_perma_hook(lambda x, hook: x, dir="bwd")
    assert point.has_hooks() and point.has_hooks("fwd") and point.has_hooks(level=2)
    assert not point.has_hooks("bwd", including_permanent=False) and not point.has_hooks(level=1)


def test_contexts_may_be_cleared_by_a_cached_run(speaker):
    speaker.hook_dict["hook_embed"].ctx["kept"] = 1
    speaker.run_with_cache(torch.tensor([[1]]), names_filter="z")
    assert speaker.hook_dict["hook_embed"].ctx == {"kept": 1}
    speaker.run_with_cache(torch.tensor([[1]]), names_filter="z", clear_contexts=True)
    assert speaker.hook_dict["hook_embed"].ctx == {}


def test_modules_are_listed_by_name(speaker):
    assert speaker.mod_dict["blocks.1.attn"] is speaker.blocks[1].attn
    assert speaker.mod_dict["hook_embed"] is speaker.hook_dict["hook_embed"]


def test_attached_hooks_are_listed_by_point(model: HookedTransformer) -> None:
    assert model.list_hooks() == {}
    (first,) = model.add_hook(MID, double)
    model.add_hook(MID, fail, "bwd", is_permanent=True)
    model.add_hook("hook_embed", double, level=3)
    assert first.user_hook is double and first.context_level is None
    assert model.list_hooks()["hook_embed"][0].context_level == 3
    assert [handle.user_hook for handle in model.list_hooks()[MID]] == [double, fail]
    assert set(model.list_hooks(name_filter=MID)) == set(model.list_hooks(lambda name: "mid" in name)) == {MID}
    assert set(model.list_hooks(["hook_embed"])) == {"hook_embed"} and set(model.list_hooks(dir="bwd")) == {MID}
    assert len(model.list_hooks(including_permanent=False)[MID]) == 1
    assert repr(model.hook_dict[MID]) == f"HookPoint({MID}, 1 fwd, 1 bwd)" and repr(HookPoint()) == "HookPoint()"
    first.hook.remove()
    assert len(model.list_hooks()[MID]) == 1


def test_a_hook_under_several_names_is_called_for_each() -> None:
    point, seen = HookPoint(), []
    point.ctx["kept"] = 1

    def triple_at_first(x: Tensor, *, hook: HookPoint) -> Tensor | None:
        seen.append((hook.name, hook.ctx["kept"], float(x)))
        return x * 3 if hook.name == "old" else None

    point.add_hook(triple_at_first, alias_names=["old", "new"])
    assert float(point(torch.tensor(2.0))) == 6 and point.name is None
    assert seen == [("old", 1, 2.0), ("new", 1, 6.0)]
    point.remove_hooks()
    point.add_hook(triple_at_first, "bwd", alias_names=["new", "old"])
    x = torch.tensor(1.0, requires_grad=True)
    (point(x) * 5).backward()
    assert float(x.grad) == 15  # type: ignore[arg-type]


def test_a_model_of_ones_own_says_which_hooks_belong() -> None:
    class Strict(Toy):
        def check_hooks_to_add(self, hook_point: HookPoint, hook_point_name: str, hook: Any, **options: Any) -> None:
            assert options == {"dir": "fwd", "is_permanent": False, "prepend": True}
            if hook_point_name == "blocks.0.0":
                raise ZeroDivisionError(hook_point.name)

    strict = Strict()
    strict.add_hook("hook_in", double, prepend=True)
    with pytest.raises(ZeroDivisionError, match=r"blocks\.0\.0"):
        strict.add_hook("blocks.0.0", double, prepend=True)
    assert attached(strict) == ["hook_in"]


def test_every_module_knows_its_name(model: HookedTransformer) -> None:
    for name, module in model.named_modules():
        assert not name or module.name == name
    assert model.blocks[1].attn.name == "blocks.1.attn" and Toy().blocks[0].name == "blocks.0"


def test_the_oldest_caching_names_fill_a_dict(model: HookedTransformer, tokens: Tensor) -> None:
    everything: dict[str, Tensor] = {}
    some: dict[str, Tensor] = {}
    model.cache_all(everything)
    model.cache_some(some, lambda name: name.endswith("hook_z"))
    model(tokens)
    model.reset_hooks()
    assert set(some) == {f"blocks.{layer}.attn.hook_z" for layer in range(model.cfg.n_layers)}
    assert set(everything) == set(model.run_with_cache(tokens)[1])
