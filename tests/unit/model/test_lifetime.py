"""A model's memory goes when its last reference does, and a model survives being copied and pickled."""

import copy
import gc
import pickle
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from rung.config import ModelConfig
from rung.errors import ConfigError, SiteError
from rung.model.classic import HookedTransformerConfig
from rung.model.model import HookedTransformer

Build = Callable[..., HookedTransformer]
Use = Callable[[HookedTransformer, Tensor], Any]
GROUPED = "RMS, rotary, grouped, gated"


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Reference counts alone free what is freed in the test."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def double(x: Tensor, *, hook: Any) -> Tensor:
    return 2 * x


def learn(model: HookedTransformer, tokens: Tensor) -> None:
    model.requires_grad_(True)
    model(tokens, return_type="loss").backward()


USES: dict[str, Use] = {
    "nothing": lambda model, tokens: None,
    "run": lambda model, tokens: model(tokens),
    "cache": lambda model, tokens: model.run_with_cache(tokens)[1]["result", 0],
    "hooks": lambda model, tokens: model.run_with_hooks(tokens, fwd_hooks=[("pattern", double)]),
    "hooks left": lambda model, tokens: model.add_hook("resid_pre", double),
    "caching hooks left": lambda model, tokens: (model.add_caching_hooks(), model(tokens)),
    "gradients": learn,
    "generate": lambda model, tokens: model.generate(tokens[:, :4], 2),
    "classic config": lambda model, tokens: model.cfg.n_layers,
    "classic component": lambda model, tokens: model.blocks[0](model.embed(tokens)),
    "processed": lambda model, tokens: model.process_weights_(),
    "other type": lambda model, tokens: model.to(torch.float32),
    "state": lambda model, tokens: model.load_state_dict(model.state_dict()),
    "stacks": lambda model, tokens: (model.W_Q, model.OV),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.usefixtures("no_collector")
def test_a_model_is_freed_with_its_last_reference(build: Build, draw: Callable[..., Tensor], use: str) -> None:
    model = build(GROUPED)
    USES[use](model, draw())
    held = [weakref.ref(module) for module in model.modules()]
    held += [weakref.ref(parameter) for parameter in model.parameters()]
    del model
    assert [ref() for ref in held if ref() is not None] == []


@pytest.mark.usefixtures("no_collector")
def test_a_model_of_every_kind_is_freed_with_its_last_reference(build: Build, any_kind_name: str) -> None:
    model = build(any_kind_name)
    held = [weakref.ref(parameter) for parameter in model.parameters()]
    del model
    assert [ref() for ref in held if ref() is not None] == []


@pytest.mark.usefixtures("no_collector")
def test_a_loaded_model_is_freed_with_its_last_reference() -> None:
    model = HookedTransformer.from_pretrained("two-layer")
    held = [weakref.ref(parameter) for parameter in model.parameters()]
    model = HookedTransformer.from_pretrained("one-layer")
    assert [ref() for ref in held if ref() is not None] == []
    assert model.cfg.n_layers == 1


@pytest.mark.usefixtures("no_collector")
def test_what_a_hook_kept_goes_with_the_model(build: Build, draw: Callable[..., Tensor]) -> None:
    model = build(GROUPED)
    store = model.add_caching_hooks("resid_post")
    model(draw())
    kept = weakref.ref(store["blocks.0.hook_resid_post"])
    del store, model
    assert kept() is None


@pytest.mark.usefixtures("no_collector")
def test_a_handle_outlives_its_model_and_then_removes_nothing(build: Build) -> None:
    (handle,) = build(GROUPED).add_hook(("resid_post", 0), double)
    handle.remove()
    with pytest.raises(SiteError, match="gone, and its model with it"):
        handle.point  # noqa: B018


@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copied", "pickled"])
def test_a_copy_has_hooks_and_handles_of_its_own(
    build: Build, draw: Callable[..., Tensor], again: Callable[[Any], Any]
) -> None:
    model = build(GROUPED)
    plain = model(draw())
    (handle,) = model.add_hook(("resid_post", 0), double)
    twin, own = again((model, handle))
    point = twin.find_hook(("resid_post", 0))
    assert handle.point is model.find_hook(("resid_post", 0)) and own.point is point
    assert copy.copy(point).fwd_hooks is point.fwd_hooks and own.point is point
    assert torch.equal(model(draw()), twin(draw())) and not torch.allclose(twin(draw()), plain)
    own.remove()
    assert torch.equal(twin(draw()), plain) and not torch.allclose(model(draw()), plain)
    handle.remove()
    assert torch.equal(model(draw()), plain)


def same(one: HookedTransformer, two: HookedTransformer, tokens: Tensor) -> None:
    assert one.config == two.config
    assert torch.equal(one(tokens), two(tokens))
    assert {id(p) for p in one.parameters()}.isdisjoint(id(p) for p in two.parameters())


@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copied", "pickled"])
def test_a_model_and_its_cache_survive(
    any_kind: HookedTransformer, draw: Callable[..., Tensor], again: Callable[[Any], Any]
) -> None:
    tokens = draw()
    same(again(any_kind), any_kind, tokens)
    any_kind.cfg.seed = 7
    twin = again(any_kind)
    same(twin, any_kind, tokens)
    assert twin.cfg is not any_kind.cfg and twin.cfg == any_kind.cfg and twin.cfg.seed == 7
    twin.cfg.default_prepend_bos = twin.config.default_prepend_bos
    with pytest.raises(ConfigError, match="n_heads is 4 in a model that is built"):
        twin.cfg.n_heads = 3
    # What the copy's classic config says and does is the copy's affair.
    twin.process_weights_()
    assert any_kind.config != twin.config
    cache = any_kind.run_with_cache(tokens)[1]
    other = again(cache)
    assert torch.equal(other["result", 0], cache["result", 0]) and other.model is not cache.model


def test_a_classic_config_survives_alone_and_in_a_model_made_from_it() -> None:
    cfg = HookedTransformerConfig(
        n_layers=1, d_model=8, n_ctx=8, d_head=4, d_vocab=10, act_fn="relu", use_qk_norm=False
    )
    twin = pickle.loads(pickle.dumps(cfg))
    assert twin == cfg and twin.others == cfg.others == {"use_qk_norm": False}
    twin.n_layers = 2
    assert cfg.n_layers == 1 and twin.to_model_config().n_layers == 2
    model = HookedTransformer(cfg)
    same(pickle.loads(pickle.dumps(model)), model, torch.arange(5)[None])


@pytest.mark.parametrize(
    "again", [lambda cfg: cfg, lambda cfg: pickle.loads(pickle.dumps(cfg))], ids=["held", "pickled"]
)
def test_a_classic_config_outlives_its_model(again: Callable[[Any], Any]) -> None:
    """It still describes that model in full, also where the classic names do not reach, and still is not to be changed
    into another.
    """
    config = ModelConfig(
        n_layers=1, d_model=8, n_heads=2, d_head=4, d_vocab=10, n_ctx=8, qk_norm="head", normalization_type="RMS",
        bos_token_id=1,
    )  # fmt: skip
    cfg = again(HookedTransformer(config).cfg)
    gc.collect()
    assert cfg.owner is None and cfg.to_model_config() == config
    with pytest.raises(ConfigError, match="n_layers is 1 in a model that is built"):
        cfg.n_layers = 2
    cfg.default_prepend_bos = True
    assert HookedTransformer(cfg).config.default_prepend_bos
    free = copy.copy(cfg)
    free.n_layers = 2
    assert free.to_model_config().n_layers == 2
