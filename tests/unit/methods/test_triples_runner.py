import math

import numpy as np
import pytest
import torch

from rung.methods.triples_runner import TriplesRunner
from rung.planted import plant
from rung.tasks.triples import read_task, triples_batch, without_source


@pytest.fixture(scope="module")
def runner():
    planted = plant("skip", 1, architecture="gpt2")
    task = read_task(planted.task)
    return TriplesRunner(planted.model, triples_batch(planted.model, task, sequences=12, seed=3), seed=4)


@torch.no_grad()
def test_gain_and_losses_are_those_of_the_model_itself(runner):
    batch, rows = runner.batch, torch.arange(12)
    answer, outputs = batch.tokens[rows, batch.query + 1], batch.outputs
    clean, without = (
        runner.model(tokens)[rows, batch.query].double() for tokens in (batch.tokens, without_source(batch))
    )
    losses = [-x.log_softmax(1)[rows, answer] for x in (without, clean)]
    assert runner.gain == pytest.approx((losses[0] - losses[1]).numpy(), abs=1e-4)
    added = clean[:, outputs] - without[:, outputs]
    loss, bound = runner.remaining_losses()
    at = (rows.numpy(), batch.query.numpy())
    assert loss[at] == pytest.approx(-added.log_softmax(1)[rows, batch.pair].numpy(), abs=1e-4)
    assert bound[at] == pytest.approx(math.log(len(batch.task.pairs)))
    assert np.isnan(loss).sum() == loss.size - 12
    assert runner.clean.top[at].tolist() == outputs[clean[:, outputs].argmax(1)].tolist()


@torch.no_grad()
def test_who_does_not_see_the_source_loses_the_bound(runner):
    blind = runner.again()
    blind.batch = triples_batch(runner.model, runner.batch.task, sequences=12, seed=3)
    tokens = without_source(blind.batch)
    object.__setattr__(blind.batch, "tokens", tokens)
    loss, bound = blind.remaining_losses()
    held = ~np.isnan(loss)
    assert loss[held] == pytest.approx(bound[held], abs=1e-5)
