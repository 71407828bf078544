import math

import numpy as np
import pytest
import torch

from rung.errors import RungError
from rung.lab.computations.board import GuessAsk, Repeats, guess, loss


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def test_the_guess_is_about_the_sequence_that_is_measured(lab, job):
    model = lab.model("two-layer")
    asked = guess.run(lab, GuessAsk(length=10, seed=3), job)
    shown = loss.run(lab, Repeats(length=10, seed=3, sequences=6), job)
    texts = asked.sequence.texts
    assert texts == shown.sequence.texts and len(texts) == 1 + 2 * 10
    assert texts[1:11] == texts[11:] and asked.sequence.second == 11
    assert texts[asked.query] == texts[asked.answer - 1] and texts[asked.query + 1] == texts[asked.answer]
    assert asked.vocabulary == model.config.d_vocab


def test_losses_are_those_of_the_logits(lab, job):
    model = lab.model("two-layer")
    found = loss.run(lab, Repeats(length=10, seed=3, sequences=6), job)
    from rung.tasks.builtin import repeated_tokens

    tokens = repeated_tokens(model, period=10, sequences=6, seed=3).tokens
    chances = model(tokens).double().softmax(-1)
    each = torch.tensor([[-math.log(chances[r, t, tokens[r, t + 1]]) for t in range(20)] for r in range(6)])
    np.testing.assert_allclose(found.by_position.numpy(), each.mean(0), atol=1e-4)
    np.testing.assert_allclose(found.example.numpy(), each[0], atol=1e-4)
    assert found.first.value == pytest.approx(float(each[:, :10].mean()), abs=1e-4)
    assert found.second.value == pytest.approx(float(each[:, 11:].mean()), abs=1e-4)
    assert found.gain.value == pytest.approx(found.first.value - found.second.value)
    hits = (chances.argmax(-1)[:, :-1] == tokens[:, 1:]).double()
    np.testing.assert_allclose(found.right.numpy(), hits.mean(0), atol=1e-6)
    assert (found.ln_vocabulary, found.ln_period) == (math.log(model.config.d_vocab), math.log(10))
    assert job.steps[-1] == ("loss by position", 6, 6)


def test_limits_say_what_fits(lab, job):
    with pytest.raises(RungError, match="tokens a copy were requested; the lab runs from 1 to 256"):
        loss.run(lab, Repeats(length=300), job)
    with pytest.raises(RungError, match="the period can be at most 63"):
        loss.run(lab, Repeats(length=100), job)
