import numpy as np
import pytest
import torch

from rung.evidence.tests.attribution import value_attribution
from rung.methods.names_runner import NamesRunner
from rung.methods.runner import MEAN, RESAMPLE
from rung.planted import plant
from rung.tasks.names import flipped, names_batch


@pytest.fixture(scope="module", params=["attention_only", "gpt2"])
def runner(request):
    model = plant("names", 2, architecture=request.param).model
    return NamesRunner(model, names_batch(model, sentences=15, seed=4), seed=9)


def at_query(values, batch):
    return values[np.arange(len(values)), batch.query.numpy()]


def odds(logits, batch):
    rows = torch.arange(len(logits))
    found = logits[rows, batch.query].double()
    answer, foil = (batch.tokens[rows, where] for where in (batch.io, batch.s1))
    return (found[rows, foil] - found[rows, answer]).numpy()


@torch.no_grad()
def test_a_loss_is_the_log_odds_of_the_two_names(runner):
    batch = runner.batch
    logits = runner.model(batch.tokens)
    assert at_query(runner.clean.loss, batch) == pytest.approx(odds(logits, batch), abs=1e-4)
    names = batch.names[logits[torch.arange(15), batch.query][:, batch.names].argmax(1)]
    assert at_query(runner.clean.top, batch).tolist() == names.tolist()
    other = flipped(batch)
    gain = (-odds(runner.model(other.tokens), other) - odds(logits, batch)) / 2
    assert runner.gain == pytest.approx(gain, abs=1e-4)
    loss, bound = runner.remaining_losses()
    assert at_query(loss, batch) == pytest.approx(np.log1p(np.exp(odds(logits, batch))), abs=1e-4)
    assert at_query(bound, batch) == pytest.approx(np.log(2))


@torch.no_grad()
def test_ablation_takes_donors_of_the_same_template(runner):
    batch, given, head = runner.batch, runner.given, (0, 1)
    _, cache = runner.model.run_with_cache(given.tokens, names_filter=lambda name: name.endswith("0.attn.hook_z"))
    z = cache["z", 0]
    means = torch.stack([z[given.template == at].mean(0)[:, 1] for at in batch.template.tolist()])

    def put(x, hook):
        x[:, :, 1] = means
        return x

    logits = runner.model.run_with_hooks(batch.tokens, fwd_hooks=[("blocks.0.attn.hook_z", put)])
    assert at_query(runner.ablate([head], MEAN).loss, batch) == pytest.approx(odds(logits, batch), abs=1e-3)

    donors = runner.donors_of(8)
    assert (given.template[donors] == batch.template).all()
    assert all(len(set(row)) == 8 for row in donors.T.tolist())
    total = 0
    for rows in donors:
        runs = runner.model.run_with_hooks(
            batch.tokens,
            fwd_hooks=[
                (
                    "blocks.0.attn.hook_z",
                    lambda x, hook, r=rows: torch.cat((x[:, :, :1], z[r][:, :, 1:2], x[:, :, 2:]), 2),
                )
            ],
        )
        total = total + runs
    assert at_query(runner.ablate([head], RESAMPLE).loss, batch) == pytest.approx(odds(total / 8, batch), abs=1e-3)


@torch.no_grad()
def test_what_tells_a_value_from_the_others_is_the_sum_of_its_parts(runner):
    """Against the values of the run itself: the parts, constants apart, sum to the distance."""
    if runner.config.normalization_type is not None:
        pytest.skip("the mean that LayerNorm takes out is no component")
    batch, receiver = runner.batch, (1, 2)
    pushes = value_attribution(runner, receiver, "s_inhibition")
    _, cache = runner.model.run_with_cache(batch.tokens)
    for row in range(len(batch.tokens)):
        query, at = int(batch.query[row]), int(batch.s2[row])
        v = cache["v", 1][row, : query + 1, 2].double()
        others = torch.cat((v[:at], v[at + 1 :])).mean(0)
        assert sum(push[row] for push in pushes.values()) == pytest.approx(float((v[at] - others).norm()), rel=1e-4)
