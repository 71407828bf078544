import numpy as np
import pytest
import torch

from rung.errors import RungError
from rung.lab.computations.access import MOST_COLUMNS, HookAsk, ModelAsk, WeightAsk, hook, names, weight

TEXT = "the United States of the United"


@pytest.mark.parametrize("name", ["two-layer", "two-layer-full", "zero-layer"])
def test_every_hook_and_weight_has_the_shape_that_is_named(lab, job, name):
    model = lab.model(name)
    found = names.run(lab, ModelAsk(model=name, text=TEXT), job)
    tokens = model.to_tokens(TEXT)
    assert found.ids == tokens[0].tolist() and found.tokens == model.to_str_tokens(TEXT)
    assert (found.n_layers, found.n_heads, found.vocabulary) == (model.config.n_layers, 4, 2048)
    _, cache = model.run_with_cache(tokens, names_filter=[one.name for one in found.hooks])
    assert {one.name for one in found.hooks} == set(cache)
    for one in found.hooks:
        assert list(cache[one.name].shape) == one.sizes and len(one.axes) == len(one.sizes), one
        assert one.layer is None or f"blocks.{one.layer}." in one.name
    parameters = model.state_dict()
    for one in found.weights:
        assert list(parameters[one.name].shape) == one.sizes
    assert sum(np.prod(one.sizes) for one in found.weights) == found.parameters


@pytest.mark.parametrize("name", ["two-layer", "two-layer-full"])
def test_the_values_of_every_hook_are_those_of_a_run(lab, job, name):
    model = lab.model(name)
    tokens = model.to_tokens(TEXT)
    for one in names.run(lab, ModelAsk(model=name, text=TEXT), job).hooks:
        seen = {}
        with torch.no_grad():
            model.run_with_hooks(tokens, fwd_hooks=[(one.name, lambda x, hook, seen=seen: seen.update(x=x[0].clone()))])
        truth = seen["x"].float()
        found = hook.run(lab, HookAsk(model=name, text=TEXT, name=one.name), job)
        shown = truth[..., :MOST_COLUMNS].masked_fill(truth[..., :MOST_COLUMNS].isinf(), torch.nan)
        np.testing.assert_allclose(found.values.numpy(), shown, rtol=1e-5, atol=1e-6)
        assert found.cut == (truth.shape[-1] > MOST_COLUMNS) and found.sizes == one.sizes[1:]
        finite = truth[truth.isfinite()].numpy()
        assert (found.low, found.high) == (pytest.approx(finite.min()), pytest.approx(finite.max()))
        assert (found.mean, found.std) == (
            pytest.approx(finite.mean(), abs=1e-5),
            pytest.approx(finite.std(), rel=1e-3),
        )
        assert found.source.line in [line.number for line in found.source.lines]
        here = next(line for line in found.source.lines if line.number == found.source.line)
        assert "tap" in here.code


def test_weights_are_the_model_s_own(lab, job):
    model = lab.model("two-layer-full")
    parameters = model.state_dict()
    for one in names.run(lab, ModelAsk(model="two-layer-full"), job).weights:
        found = weight.run(lab, WeightAsk(model="two-layer-full", name=one.name), job)
        truth = parameters[one.name].numpy()
        shown = found.values.numpy()
        np.testing.assert_array_equal(shown, truth[tuple(slice(size) for size in shown.shape)])
        assert found.sizes == list(truth.shape) and found.low == truth.min() and found.high == truth.max()
        assert len(found.axes) == truth.ndim and found.source is None


def test_a_wrong_name_is_answered_with_the_near_ones(lab, job):
    with pytest.raises(RungError, match=r"no hook 'blocks.1.attn.hook_patern'. Near names: blocks.1.attn.hook_pattern"):
        hook.run(lab, HookAsk(name="blocks.1.attn.hook_patern"), job)
    with pytest.raises(RungError, match=r"no weight 'blocks.0.attn.W_P'. Near names: blocks.0.attn.W_"):
        weight.run(lab, WeightAsk(name="blocks.0.attn.W_P"), job)
    with pytest.raises(RungError, match="the text is empty"):
        names.run(lab, ModelAsk(text=" "), job)
