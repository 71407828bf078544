import math

import pytest
import torch

from rung.config import ModelConfig
from rung.errors import PromptError
from rung.methods import behaviour
from rung.methods.behaviour import loss_by_position
from rung.model.model import HookedTransformer
from rung.tasks.builtin import repeated_tokens, unrepeated_tokens


def small(bos: int | None = 0, seed: int = 1) -> HookedTransformer:
    config = ModelConfig(
        n_layers=1, d_model=8, n_heads=2, d_head=4, d_vocab=30, n_ctx=24, bos_token_id=bos, model_name="small"
    )
    return HookedTransformer(config, seed=seed)


@pytest.mark.parametrize("bos", [None, 0])
def test_losses_are_those_of_a_plain_loop(bos):
    model = small(bos)
    task = repeated_tokens(model, period=5, sequences=3, seed=4)
    found = loss_by_position(model, task)
    log_probs = model(task.tokens).log_softmax(-1)
    expected = torch.zeros(3, task.tokens.shape[1])
    for row in range(3):
        for at in range(1, task.tokens.shape[1]):
            expected[row, at] = -log_probs[row, at - 1, task.tokens[row, at]]
    torch.testing.assert_close(found.loss, expected[:, 1:])
    start = task.start
    first = expected[:, max(start, 1) : start + 5].mean()
    second = expected[:, start + 6 : start + 10].mean()
    assert found.first_copy_loss == pytest.approx(first.item(), abs=1e-6)
    assert found.second_copy_loss == pytest.approx(second.item(), abs=1e-6)
    assert found.gain == pytest.approx((first - second).item(), abs=1e-6)


@pytest.mark.parametrize("bos", [None, 0])
def test_a_model_that_copies_is_right_in_the_second_copy_alone(bos, monkeypatch):
    model = small(bos)
    task = repeated_tokens(model, period=6, sequences=4)

    def copying(tokens, **_):
        logits = torch.zeros(*tokens.shape, 30)
        for row in range(len(tokens)):
            for at in range(tokens.shape[1]):
                earlier = [i for i in range(at) if tokens[row, i] == tokens[row, at]]
                if earlier:
                    logits[row, at, tokens[row, earlier[-1] + 1]] = 50
        return logits

    monkeypatch.setattr(model, "forward", copying)
    found = loss_by_position(model, task)
    assert found.accuracy == 1.0
    assert found.second_copy_loss < 1e-6
    assert found.first_copy_loss == pytest.approx(math.log(30), abs=1e-5)
    assert found.loss[:, task.second - 1].min() > 1, "the second copy's first token cannot be known"
    assert (found.ln_vocabulary, found.ln_period) == (math.log(30), math.log(6))


def test_batches_give_what_one_run_gives(monkeypatch):
    model = small()
    task = repeated_tokens(model, period=5, sequences=5)
    whole = loss_by_position(model, task)
    monkeypatch.setattr(behaviour, "_LOGITS", 2 * 11 * 30)
    done = []
    torch.testing.assert_close(loss_by_position(model, task, lambda *at: done.append(at)).loss, whole.loss)
    assert done == [(2, 5), (4, 5), (5, 5)]


def test_results_say_what_they_are():
    task = repeated_tokens(small(), period=5, sequences=2, seed=9)
    plain = loss_by_position(small(), task).to_dict()
    assert (plain["model"], plain["unit"], plain["task"]["seed"], len(plain["loss"])) == ("small", "nats", 9, 10)


def test_a_control_is_refused():
    with pytest.raises(PromptError, match="two copies"):
        loss_by_position(small(), unrepeated_tokens(small(), repeated_tokens(small(), period=5)))
