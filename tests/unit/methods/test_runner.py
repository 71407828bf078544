"""The runs of a proof: chunks, edits, draws and readings, against plain runs of the model."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from rung.engine import transformer
from rung.engine.sites import Site
from rung.engine.taps import EditTap
from rung.methods import runner as module
from rung.methods.interventions import donor_rows
from rung.methods.runner import MEAN, RESAMPLE, ZERO, InductionRunner, averaged, sub_seed
from rung.tasks.induction import induction_batch

EXACT = 1e-9


@pytest.fixture
def readable(build, any_kind_name):
    """A random model of each kind that can read the task."""
    return build(any_kind_name, d_vocab=41, n_ctx=32)


def of(model, sequences=12):
    return InductionRunner(model, induction_batch(model, sequences=sequences, seed=1), seed=1)


@pytest.fixture
def whole(readable):
    return of(readable)


@pytest.fixture
def chunked(readable, monkeypatch):
    """The same sequences, five at a time and no longer than they need to be."""
    monkeypatch.setattr(module, "LARGE", 1)
    monkeypatch.setattr(module, "ROWS", 5)
    found = of(readable)
    assert len(found.chunks) == 3 and found.chunks[0].width < found.batch.tokens.shape[1]
    return found


def plain_loss(model, tokens, at, hooks=()):
    logits = model.run_with_hooks(tokens, fwd_hooks=list(hooks))
    losses = F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
    found = np.full(tokens.shape, np.nan)
    found[:, :-1] = losses.view(len(tokens), -1).detach().double()
    found[~at.numpy()] = np.nan
    return found


def same(one, two):
    np.testing.assert_allclose(one, two, atol=EXACT)


def test_clean_loss_is_the_models_own(whole, chunked) -> None:
    expected = plain_loss(whole.model, whole.batch.tokens, whole.batch.predictable)
    same(whole.clean.loss, expected)
    same(chunked.clean.loss, expected)
    logits = whole.model(whole.batch.tokens)
    top = np.where(whole.batch.predictable, logits.argmax(-1), np.nan)
    np.testing.assert_array_equal(whole.clean.top, top)
    np.testing.assert_array_equal(chunked.clean.top, top)


def test_chunks_give_the_numbers_of_the_whole(whole, chunked) -> None:
    heads = ((0, 1), (1, 2), (1, 3))
    for how in (MEAN, ZERO, RESAMPLE):
        for where in (None, whole.batch.predictable):
            same(whole.ablate(heads, how, where).loss, chunked.ablate(heads, how, where).loss)
    same(whole.gain, chunked.gain)
    for one, two in zip(whole.remaining_losses(), chunked.remaining_losses(), strict=True):
        same(one, two)


def test_zero_and_mean_are_those_of_plain_hooks(whole) -> None:
    """Written out: z of one head put to nothing, or to the donors' mean at each position."""
    donors = whole.donors
    mean = whole.model.run_with_cache(donors)[1]["z", 1].mean(0)

    def hook(value):
        def put(z, *, hook):
            z = z.clone()
            z[:, :, 2] = value
            return z

        return [("blocks.1.attn.hook_z", put)]

    tokens, at = whole.batch.tokens, whole.batch.predictable
    same(whole.ablate([(1, 2)], ZERO).loss, plain_loss(whole.model, tokens, at, hook(0.0)))
    same(whole.ablate([(1, 2)], MEAN).loss, plain_loss(whole.model, tokens, at, hook(mean[:, 2])))


def test_resampling_averages_logits_over_donors_before_the_loss(build) -> None:
    found = of(build(d_vocab=41, n_ctx=32))
    z = found.model.run_with_cache(found.donors)[1]["z", 1]
    rows = donor_rows(found.resample(RESAMPLE.draws), found.n)
    assert rows.shape == (8, found.n) and all(len(set(column)) == 8 for column in rows.T.tolist())
    total = 0
    for row in rows:

        def put(value, *, hook, row=row):
            value = value.clone()
            value[:, :, 2] = z[row][:, :, 2]
            return value

        total = total + found.model.run_with_hooks(found.batch.tokens, fwd_hooks=[("blocks.1.attn.hook_z", put)])
    losses = F.cross_entropy((total / 8)[:, :-1].flatten(0, 1), found.batch.tokens[:, 1:].flatten(), reduction="none")
    expected = np.full(found.batch.tokens.shape, np.nan)
    expected[:, :-1] = losses.view(found.n, -1).detach()
    expected[~found.batch.predictable.numpy()] = np.nan
    same(found.ablate([(1, 2)], RESAMPLE).loss, expected)


def test_donors_are_sequences_that_are_not_scored(whole) -> None:
    scored = {tuple(row) for row in whole.batch.tokens.tolist()}
    assert len(whole.donors) == 12 and not scored & {tuple(row) for row in whole.donors.tolist()}


def test_a_run_starts_at_the_first_layer_that_is_edited(build) -> None:
    found, layers = of(build(d_vocab=41, n_ctx=32)), []
    assert found.clean.loss.shape == found.batch.tokens.shape
    original = found.run

    def watched(tokens, tap=module.NO_TAP, start=0, *more, **named):
        layers.append(start)
        return original(tokens, tap, start, *more, **named)

    found.run = watched
    found.ablate([(2, 0)], ZERO)
    assert layers[-1] == 2


def test_heads_of_the_first_edited_layer_are_run_again_only_where_they_change(whole, monkeypatch) -> None:
    """Edits of z begin from the known z; edits of what heads are made from do not, and both give what hooks give."""
    run_again = []
    original = transformer.heads

    def counted(config, w, layer, *more):
        run_again.append(layer)
        return original(config, w, layer, *more)

    whole.z([1])
    at_z = whole.ablation([(1, 2)], ZERO)
    at_v = [lambda _: EditTap({Site("v", 1): lambda v: v * 0.5})]
    monkeypatch.setattr(transformer, "heads", counted)
    gone = whole.read(at_z, 1).loss
    assert run_again == list(range(2, whole.config.n_layers))
    run_again.clear()
    found = whole.read(at_v, 1).loss
    assert run_again == list(range(1, whole.config.n_layers))
    without = torch.ones(whole.config.n_heads, 1, dtype=torch.float64)
    without[2] = 0
    for loss, hook in (
        (gone, ("blocks.1.attn.hook_z", lambda z, *, hook: z * without)),
        (found, ("blocks.1.attn.hook_v", lambda v, *, hook: v * 0.5)),
    ):
        same(loss, plain_loss(whole.model, whole.batch.tokens, whole.batch.predictable, [hook]))


def test_a_value_of_another_sequence_is_put_where_it_is_told(whole) -> None:
    """Patching half of the positions with the run's own values changes nothing; with another's, the rest stays."""
    own = whole.replaced([(1, 2)], whole.z([1]), whole.batch.predictable)
    same(whole.read([own], 1).loss, whole.clean.loss)
    late = torch.zeros_like(whole.batch.predictable)
    late[:, -1] = True
    other = whole.replaced([(1, 2)], {1: whole.z([1])[1].roll(1, 0)}, late)
    same(whole.read([other], 1).loss, whole.clean.loss)


def test_what_is_added_after_the_last_layer_reaches_the_logits_alone(whole) -> None:
    delta = torch.randn(*whole.batch.tokens.shape, whole.config.d_model, dtype=torch.float64, generator=_seeded())

    def add(x, *, hook):
        return x + delta

    site = f"blocks.{whole.config.n_layers - 1}.hook_resid_post"
    expected = plain_loss(whole.model, whole.batch.tokens, whole.batch.predictable, [(site, add)])
    same(whole.read_with_addition(delta).loss, expected)


def _seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_the_order_blind_bound_is_that_of_what_is_left(build) -> None:
    found = of(build(d_vocab=41, n_ctx=32))
    loss, bound = found.remaining_losses()
    batch, logits = found.batch, found.model(found.batch.tokens)
    for row in range(3):
        n, first, second = (int(x[row]) for x in (batch.period, batch.first, batch.second))
        for k in range(1, n):
            query = second + k - 1
            left = batch.tokens[row, first + k : first + n]
            own = logits[row, query, left].log_softmax(0)[0]
            assert loss[row, query] == pytest.approx(-float(own), abs=EXACT)
            assert bound[row, query] == pytest.approx(np.log(n - k))


def test_sequences_without_a_query_have_no_mean() -> None:
    values = np.array([[1.0, 3.0, np.nan], [np.nan, np.nan, np.nan]])
    assert averaged(values)[0] == 2 and np.isnan(averaged(values)[1])
    where = torch.tensor([[True, False, False], [False, False, False]])
    assert averaged(values, where)[0] == 1 and np.isnan(averaged(values, where)[1])


def test_each_purpose_draws_from_a_seed_of_its_own() -> None:
    assert len({sub_seed(1, name) for name in ("donors", "draws", "tokens", "turns")}) == 4
    assert sub_seed(1, "donors") == sub_seed(1, "donors") != sub_seed(2, "donors")
