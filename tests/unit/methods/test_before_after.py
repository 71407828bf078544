import pytest
import torch

from rung.config import ModelConfig
from rung.engine.sites import Site
from rung.engine.weights import init_weights
from rung.errors import PromptError
from rung.methods.before_after import before_after, record_under
from rung.methods.interventions import (
    Intervention,
    Mean,
    Patch,
    Resample,
    Zero,
    hooks_of,
    on_head,
    run_with_interventions,
    taps,
)
from rung.model.model import HookedTransformer

CONFIG = ModelConfig(
    n_layers=2, d_model=8, n_heads=2, d_head=4, d_vocab=30, n_ctx=16, d_mlp=8, act_fn="relu", model_name="small",
)  # fmt: skip


@pytest.fixture
def model(seed):
    return HookedTransformer(CONFIG, init_weights(CONFIG, seed))


def drawn(seed: int, rows: int) -> torch.Tensor:
    return torch.randint(30, (rows, 9), generator=torch.Generator().manual_seed(seed))


def puts():
    return {
        "zero": Zero(),
        "mean": Mean(drawn(1, 10)),
        "resample": Resample(drawn(1, 10), seed=3),
        "patch": Patch(drawn(2, 5)),
    }


@pytest.mark.parametrize("put", puts())
def test_the_numbers_are_those_of_a_run_with_interventions(model, put):
    tokens, value = drawn(0, 5), puts()[put]
    edits = [on_head((0, 1), value), Intervention(Site("mlp_out", 1), value, None, (4, 5))]
    found = before_after(model, tokens, edits)
    with torch.no_grad():
        clean = model(tokens)
    for side, logits in ((found.clean, clean), (found.edited, run_with_interventions(model, tokens, edits))):
        for row in range(5):
            for at in range(8):
                one, right = logits[row, at].double(), int(tokens[row, at + 1])
                assert float(side.loss[row, at]) == pytest.approx(-float(one.log_softmax(-1)[right]), abs=1e-5)
                assert float(side.logit[row, at]) == pytest.approx(float(one[right] - one.mean()), abs=1e-5)
                rest = [float(one[t] - one.mean()) for t in range(30) if t != right]
                assert float(side.rival[row, at]) == pytest.approx(max(rest), abs=1e-5)
                assert int(side.top[row, at]) == int(one.argmax())


def test_without_interventions_both_runs_are_the_clean_one(model):
    found = before_after(model, drawn(0, 2), [])
    assert found.edited is found.clean
    with pytest.raises(PromptError, match="one token"):
        before_after(model, drawn(0, 2)[:, :1], [])


@pytest.mark.parametrize("put", puts())
@pytest.mark.parametrize("example", [0, 3])
def test_activations_under_interventions_are_those_of_a_run_with_hooks(model, put, example):
    tokens = drawn(0, 5)
    mask = torch.zeros(5, 9, dtype=torch.bool)
    mask[:, 2:] = True
    edits = [on_head((0, 0), puts()[put], mask), on_head((0, 1), Zero(), (3,))]
    if put == "resample":
        edits = edits[:1]
    site = Site("pattern", 1)
    found = record_under(model, tokens, edits, [site], example)[site]
    seen = []
    for tap in taps(model, tokens, edits):
        read = (site.path, lambda x, hook: seen.append(x[example].clone()))
        model.run_with_hooks(tokens, fwd_hooks=[*hooks_of(tap), read])
    torch.testing.assert_close(found, torch.stack(seen).mean(0))
    assert not torch.allclose(found, model.run_with_cache(tokens)[1]["pattern", 1][example])
