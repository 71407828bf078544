import math

import numpy as np
import pytest
import torch

from rung.errors import InterventionError, RungError
from rung.lab.computations.board import Repeats
from rung.lab.computations.measure import EditAsk, LieAsk, Move, SweepAsk, edit, lie, sweep_heads
from rung.tasks.builtin import repeated_tokens, unrepeated_tokens


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def repeats(model, length, sequences, seed):
    return repeated_tokens(model, period=length, sequences=sequences, seed=seed).tokens


def losses(model, tokens, hooks=()):
    """−log p of every next token, in a plain run with hooks."""
    chances = model.run_with_hooks(tokens, fwd_hooks=list(hooks)).log_softmax(-1)
    return -chances[:, :-1].gather(-1, tokens[:, 1:, None])[..., 0], chances


def putting(values, head, positions=slice(None)):
    def put(z, hook):
        z = z.clone()
        z[:, positions, head] = values[:, positions]
        return z

    return put


@pytest.mark.parametrize("put", ["zero", "mean", "patch"])
def test_an_edit_is_the_run_with_that_hook(lab, job, put):
    model = lab.model("two-layer")
    tokens, others = repeats(model, 8, 8, 2), repeats(model, 8, 8, 3)
    control = unrepeated_tokens(model, repeated_tokens(model, period=8, sequences=8, seed=2)).tokens
    values = {
        "zero": lambda: torch.zeros(1, 17, 32),
        "mean": lambda: model.run_with_cache(others)[1]["z", 0][:, :, 0].mean(0, keepdim=True),
        "patch": lambda: model.run_with_cache(control)[1]["z", 0][:, :, 0],
    }[put]()
    found = edit.run(lab, EditAsk(length=8, seed=2, moves=(Move(layer=0, head=0, put=put),), show="1.0"), job)
    clean, before = losses(model, tokens)
    edited, after = losses(model, tokens, [("blocks.0.attn.hook_z", putting(values, 0))])
    np.testing.assert_allclose(found.clean.by_position.numpy(), clean.mean(0), atol=1e-4)
    np.testing.assert_allclose(found.edited.by_position.numpy(), edited.mean(0), atol=1e-4)
    np.testing.assert_allclose(found.edited.example.numpy(), edited[0], atol=1e-4)
    assert found.change.value == pytest.approx(float((edited - clean)[:, 9:16].mean()), abs=1e-4)
    assert found.edited.first.value == pytest.approx(float(edited[:, :8].mean()), abs=1e-4)
    at, target = found.query, int(tokens[0, found.query + 1])
    assert at == 13 and found.target == model.token_text(target)
    for side, chances in ((found.clean, before), (found.edited, after)):
        assert side.probability == pytest.approx(math.exp(float(chances[0, at, target])), abs=1e-5)
        assert side.top == model.token_text(int(chances[0, at].argmax()))
        # Log-probabilities and logits differ by a constant.
        assert side.logit == pytest.approx(float(chances[0, at, target] - chances[0, at].mean()), abs=1e-3)
    seen = {}
    model.run_with_hooks(
        tokens,
        fwd_hooks=[
            ("blocks.0.attn.hook_z", putting(values, 0)),
            ("blocks.1.attn.hook_pattern", lambda x, hook: seen.update(after=x[0, 0].clone())),
        ],
    )
    np.testing.assert_allclose(found.edited.pattern.numpy(), seen["after"], atol=1e-5)
    assert found.hooks == ["blocks.0.attn.hook_z"]


def test_a_stack_applies_together_at_its_positions(lab, job):
    model = lab.model("two-layer-full")
    tokens = repeats(model, 8, 8, 2)
    moves = (Move(layer=1, site="mlp_out", put="zero", positions=[12]), Move(layer=0, site="attn_out", put="zero"))
    found = edit.run(lab, EditAsk(model="two-layer-full", length=8, seed=2, moves=moves), job)

    def nothing(x, hook):
        return torch.zeros_like(x)

    def at_twelve(x, hook):
        x = x.clone()
        x[:, 12] = 0
        return x

    hooks = [("blocks.1.hook_mlp_out", at_twelve), ("blocks.0.hook_attn_out", nothing)]
    np.testing.assert_allclose(found.edited.by_position.numpy(), losses(model, tokens, hooks)[0].mean(0), atol=1e-4)
    undone = edit.run(lab, EditAsk(model="two-layer-full", length=8, seed=2), job)
    assert undone.change.value == 0 and undone.edited == undone.clean


def test_resampled_logits_are_averaged_over_the_draws(lab, job):
    model = lab.model("two-layer")
    tokens, others = repeats(model, 6, 8, 0), repeats(model, 6, 8, 1)
    found = edit.run(lab, EditAsk(length=6, moves=(Move(layer=1, head=0, put="resample"),)), job)
    z = model.run_with_cache(others)[1]["z", 1][:, :, 0]
    order = torch.rand(8, 8, generator=torch.Generator().manual_seed(0)).argsort(1)
    logits = torch.zeros(8, 13, model.config.d_vocab)
    for draw in range(8):
        logits += model.run_with_hooks(tokens, fwd_hooks=[("blocks.1.attn.hook_z", putting(z[order[:, draw]], 0))]) / 8
    edited = -logits.log_softmax(-1)[:, :-1].gather(-1, tokens[:, 1:, None])[..., 0]
    np.testing.assert_allclose(found.edited.by_position.numpy(), edited.mean(0), atol=1e-4)


@pytest.mark.parametrize(
    ("moves", "message"),
    [
        ((Move(layer=0),), "a head is needed in layer 0, from 0 to 3"),
        ((Move(layer=0, site="attn_out", head=1),), "which has no heads; leave the head out"),
        ((Move(layer=5, head=0),), "layer"),
        ((Move(layer=0, head=0),) * 17, "the lab runs from 1 to 17"),
        ((Move(layer=0, head=0, positions=[99]),), "positions"),
    ],
)
def test_a_move_that_does_not_fit_says_what_would(lab, job, moves, message):
    with pytest.raises(RungError, match=message):
        edit.run(lab, EditAsk(moves=moves), job)


def test_a_query_without_a_next_token_and_a_word_that_is_no_head_are_refused(lab, job):
    with pytest.raises(InterventionError, match="choose one from 0 to 39"):
        edit.run(lab, EditAsk(query=40), job)
    with pytest.raises(InterventionError, match="is no head; write layer"):
        edit.run(lab, EditAsk(show="first"), job)


def test_a_sweep_is_a_loop_over_heads(lab, job):
    model = lab.model("two-layer-tiny")
    tokens, others = repeats(model, 8, 6, 4), repeats(model, 8, 8, 5)
    found = sweep_heads.run(lab, SweepAsk(model="two-layer-tiny", length=8, seed=4, sequences=6, put="mean"), job)
    clean, _ = losses(model, tokens)
    _, cache = model.run_with_cache(others)
    expected = {}
    for layer, head in ((0, 0), (0, 1), (1, 0), (1, 1)):
        values = cache["z", layer][:, :, head].mean(0, keepdim=True)
        edited, _ = losses(model, tokens, [(f"blocks.{layer}.attn.hook_z", putting(values, head))])
        expected[f"{layer}.{head}"] = float((edited - clean)[:, 9:16].mean())
    assert found.heads == sorted(expected, key=lambda head: -expected[head])
    for head, change in zip(found.heads, found.change, strict=True):
        assert change.value == pytest.approx(expected[head], abs=1e-4)
    assert job.steps[-1][1:] == (4, 4)


def test_one_donor_makes_the_heads_name_its_token(lab, job):
    model = lab.model("two-layer-redundant")
    heads = ("1.0", "1.1", "1.2", "1.3")
    found = lie.run(lab, LieAsk(length=8, heads=heads), job)
    tokens, others = repeats(model, 8, 16, 0), repeats(model, 8, 16, 1)
    donors = others[torch.rand(16, 16, generator=torch.Generator().manual_seed(0)).argsort(1)[:, 0]]
    z = model.run_with_cache(donors)[1]["z", 1]
    logits = model.run_with_hooks(tokens, fwd_hooks=[("blocks.1.attn.hook_z", lambda x, hook: z)])
    by = {way.put: way for way in found.ways}
    names = (logits.argmax(-1)[:, 9:16] == donors[:, 10:17]).double().mean()
    assert by["one donor"].named.value == pytest.approx(float(names), abs=1e-6)
    assert by["one donor"].named.value > 0.8 > 0.2 > by["zero"].named.value
    clean = model(tokens)
    right = [(x - x.mean(-1, keepdim=True))[:, :-1].gather(-1, tokens[:, 1:, None])[..., 0] for x in (clean, logits)]
    assert by["one donor"].right.value == pytest.approx(float((right[1] - right[0])[:, 9:16].mean()), abs=1e-3)
    assert [one.head for one in found.alone] == list(heads)
    assert max(one.change.value for one in found.alone) < 1 < by["mean"].change.value
    swept = sweep_heads.run(lab, SweepAsk(model="two-layer-redundant", length=8), job)
    changes = {head: change.value for head, change in zip(swept.heads, swept.change, strict=True)}
    assert found.alone[0].change.value == pytest.approx(changes["1.0"], abs=1e-4)
    assert Repeats().sequences == LieAsk().sequences == SweepAsk().sequences
