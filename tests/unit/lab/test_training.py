from dataclasses import replace

import numpy as np
import pytest
import torch

from rung.errors import RungError
from rung.lab.computation import Cancelled
from rung.lab.computations import training
from rung.lab.computations.training import (
    CheckpointAsk,
    RungsAsk,
    SourceAsk,
    TrainAsk,
    checkpoint,
    curve,
    rungs,
    train_here,
)
from rung.model.model import HookedTransformer
from rung.tasks.builtin import repeated_tokens
from rung.training.card import checkpoints, read_curve
from rung.training.recipes import RECIPES


@pytest.fixture
def short(monkeypatch):
    """The recipe cut to a few steps, so that it can be trained in a test."""
    recipe = replace(RECIPES["two-layer-tiny"], steps=4, measure_every=2, keep=(0, 4))
    monkeypatch.setattr(training, "find_recipe", lambda name: recipe)
    return recipe


class Stops:
    """A reader who cancels at a step."""

    def __init__(self, at):
        self.at, self.seen = at, []

    def progress(self, step, done, total):
        self.seen.append((step, done, total))
        if done == self.at and done:
            raise Cancelled


def test_the_shipped_curve_is_the_file(lab, job):
    found = curve.run(lab, SourceAsk(), job)
    lines = read_curve("two-layer-tiny")
    assert [point.step for point in found.kept.points] == [line["step"] for line in lines]
    assert found.kept.points[-1].second == lines[-1]["second_copy_loss"]
    assert found.kept.checkpoints == sorted(checkpoints("two-layer-tiny")) and found.kept.finished
    assert len(found.shipped_seconds) == 3 and min(found.shipped_seconds) > 1


@pytest.mark.parametrize("step", [0, 500, 2500])
def test_a_checkpoint_is_what_its_model_does(lab, job, step):
    found = checkpoint.run(lab, CheckpointAsk(step=step, length=8, sequences=5), job)
    model = HookedTransformer.from_pretrained(str(checkpoints("two-layer-tiny")[step]))
    task = repeated_tokens(model, period=8, sequences=5, seed=0)
    with torch.no_grad():
        logits, cache = model.run_with_cache(task.tokens)
    each = -logits.log_softmax(-1)[:, :-1].gather(-1, task.tokens[:, 1:, None])[..., 0]
    np.testing.assert_allclose(found.by_position.numpy(), each.mean(0), atol=1e-4)
    assert found.in_context == pytest.approx(float(each[:, 9:16].mean() - each[:, :8].mean()), abs=1e-4)
    assert found.heads == ["0.0", "0.1", "1.0", "1.1"]
    for at, (layer, head) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        pattern = cache["pattern", layer][:, head]
        np.testing.assert_allclose(found.patterns.numpy()[at], pattern[0], atol=1e-6)
        assert found.induction[at] == pytest.approx(float(pattern[:, range(9, 16), range(2, 9)].mean()), abs=1e-5)
        assert found.previous_token[at] == pytest.approx(float(pattern[:, range(2, 17), range(1, 16)].mean()), abs=1e-5)


def test_a_step_that_was_not_kept_is_refused(lab, job):
    with pytest.raises(RungError, match="step 7 were requested; kept are 0, 200"):
        checkpoint.run(lab, CheckpointAsk(step=7), job)
    with pytest.raises(RungError, match="nothing was trained from this seed yet"):
        rungs.run(lab, RungsAsk(steps=[0], seed=77), job)


def test_rungs_turn_on_during_training(lab, job):
    found = rungs.run(lab, RungsAsk(steps=[0, 700, 2500]), job).reached
    assert [one.rung for one in found] == [-1, 3, 4]
    assert found[0].stopped_by == ["behaviour.gain", "the model"] and found[-1].stopped_by is None
    assert found[-1].heads == {"previous_token": ["0.0"], "induction": ["1.0"]}
    assert found[-1].sentence.startswith("Mechanism") and job.steps[-1] == ("done", 3, 3)
    before = len(job.steps)
    assert rungs.run(lab, RungsAsk(steps=[2500]), job).reached == found[-1:]
    assert len(job.steps) == before + 2, "a step that was proved is not proved again"


def test_training_stops_is_resumed_and_ends_as_without_a_stop(lab, job, short):
    stops = Stops(2)
    with pytest.raises(Cancelled):
        train_here.run(lab, TrainAsk(seed=3), stops)
    held = curve.run(lab, SourceAsk(seed=3), job).kept
    assert [point.step for point in held.points] == held.checkpoints == [0, 2] and not held.finished
    assert stops.seen[-1][1:] == (2, 4) and "second copy" in stops.seen[-1][0]
    resumed = train_here.run(lab, TrainAsk(seed=3), job).kept
    assert resumed.checkpoints == [0, 2, 4] and resumed.finished
    assert [done for _, done, _ in job.steps] == [0, 4], "it went on from step 2"
    again = train_here.run(lab, TrainAsk(seed=3, take=1), job).kept
    ended, afresh = (
        HookedTransformer.from_pretrained(str(checkpoints(lab.folder / f"two-layer-tiny-3-{take}")[4])).state_dict()
        for take in (0, 1)
    )
    assert again.checkpoints == [0, 2, 4] and all((ended[name] == afresh[name]).all() for name in ended)
    assert checkpoint.run(lab, CheckpointAsk(step=4, seed=3, length=8), job).step == 4


def test_a_seed_out_of_range_is_refused(lab, job):
    with pytest.raises(RungError, match="the seed is -1"):
        train_here.run(lab, TrainAsk(seed=-1), job)
    with pytest.raises(RungError, match="10 runs from one seed were requested; the lab runs from 1 to 9"):
        train_here.run(lab, TrainAsk(take=9), job)
