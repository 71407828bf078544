"""A cache that lies on another device than its model: `meta` stands for one, for it refuses to be mixed too."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from rung.errors import SiteError
from rung.model.model import HookedTransformer

METHODS: dict[str, Callable[[Any, HookedTransformer], Any]] = {
    "result": lambda cache, model: cache["result", 1],
    "accumulated_resid": lambda cache, model: cache.accumulated_resid(apply_ln=True, incl_mid=False),
    "accumulated_resid of a layer": lambda cache, model: cache.accumulated_resid(2, apply_ln=True),
    "decompose_resid": lambda cache, model: cache.decompose_resid(apply_ln=True),
    "stack_head_results": lambda cache, model: cache.stack_head_results(apply_ln=True, incl_remainder=True),
    "stack_neuron_results": lambda cache, model: cache.stack_neuron_results(-1, apply_ln=True, incl_remainder=True),
    "projected neurons": lambda cache, model: cache.stack_neuron_results(-1, project_output_onto=model.W_U),
    "get_neuron_results": lambda cache, model: cache.get_neuron_results(1, project_output_onto=model.W_U),
    "get_full_resid_decomposition": lambda cache, model: cache.get_full_resid_decomposition(apply_ln=True),
    "projected decomposition": lambda cache, model: cache.get_full_resid_decomposition(
        expand_neurons=False, project_output_onto=model.W_U
    ),
    "apply_ln_to_stack": lambda cache, model: cache.apply_ln_to_stack(cache.decompose_resid(1), 1),
    "logit_attrs": lambda cache, model: cache.logit_attrs(
        cache.decompose_resid(), torch.tensor([1, 2]), torch.tensor([3, 4])
    ),
    "logit_attrs of one": lambda cache, model: cache.logit_attrs(cache.decompose_resid(), 1),
    "apply_slice_to_batch_dim": lambda cache, model: cache.apply_slice_to_batch_dim(torch.tensor([0]))["z", 1],
    "stack_activation": lambda cache, model: cache.stack_activation("z"),
}


@pytest.mark.parametrize("kept", ["by the run", "moved"])
def test_every_method_answers_where_the_cache_lies(any_kind: HookedTransformer, draw: Any, kept: str) -> None:
    tokens = draw(rows=2, length=4)
    options: dict[str, Any] = {"names_filter": lambda name: True}
    _, here = any_kind.run_with_cache(tokens, **options)
    if kept == "moved":
        away = any_kind.run_with_cache(tokens, **options)[1].to("meta")
    else:
        _, away = any_kind.run_with_cache(tokens, device="meta", **options)
    for name, ask in METHODS.items():
        try:
            wanted = ask(here, any_kind)
        except SiteError:
            continue
        found = ask(away, any_kind)
        assert found.device.type == "meta" and found.shape == wanted.shape, name
    away.compute_head_results()
    assert away["result", 1].device.type == "meta"
