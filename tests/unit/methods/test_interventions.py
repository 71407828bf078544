import pytest
import torch

from rung.engine.sites import Site
from rung.engine.taps import CacheTap
from rung.engine.transformer import forward
from rung.errors import InterventionError, SiteError
from rung.methods.interventions import (
    Intervention,
    Mean,
    Patch,
    Resample,
    Zero,
    donor_rows,
    hooks_of,
    on_head,
    record,
    run_with_interventions,
    taps,
)
from rung.methods.sweep import ablate_heads, measure
from rung.tasks.builtin import repeated_tokens
from rung.tasks.metrics import next_token_loss

LOSS = next_token_loss(slice(1, 6))


def by_hook(model, tokens, layer, head, value):
    """Logits with a head's z replaced, the plain way."""

    def replace(z, *, hook):
        z = z.clone()
        z[:, :, head] = value
        return z

    return model.run_with_hooks(tokens, fwd_hooks=[(f"blocks.{layer}.attn.hook_z", replace)])


def z_of(model, tokens, layer, head):
    return model.run_with_cache(tokens)[1]["z", layer][:, :, head]


def test_each_way_of_replacing_a_head_equals_a_hook(any_kind, draw) -> None:
    model, tokens, others = any_kind, draw(), draw(rows=9, seed=2)
    run = draw(seed=3)
    head = (1, 2)
    constant = torch.arange(model.config.d_v, dtype=torch.float64)
    puts = {
        Zero(): torch.zeros(()),
        Mean(others): z_of(model, others, *head).mean(0),
        Patch(run): z_of(model, run, *head),
    }
    for put, value in puts.items():
        torch.testing.assert_close(
            run_with_interventions(model, tokens, [on_head(head, put)]), by_hook(model, tokens, *head, value)
        )
    torch.testing.assert_close(
        run_with_interventions(model, tokens, [on_head(head, constant)]), by_hook(model, tokens, *head, constant)
    )


def test_resampling_averages_the_logits_over_its_draws(build, draw) -> None:
    model, tokens, donors = build(), draw(), draw(rows=12, seed=2)
    put = Resample(donors, draws=8, seed=4)
    rows = donor_rows(put, batch=3)
    assert rows.shape == (8, 3)
    assert all(len(set(column.tolist())) == 8 for column in rows.T)
    z = z_of(model, donors, 1, 0)
    expected = sum(by_hook(model, tokens, 1, 0, z[picked]) for picked in rows) / 8
    torch.testing.assert_close(run_with_interventions(model, tokens, [on_head((1, 0), put)]), expected)


def test_heads_resampled_together_take_the_same_donor(build, draw) -> None:
    model, tokens, donors = build(), draw(), draw(rows=8, seed=2)
    put = Resample(donors)
    z = model.run_with_cache(donors)[1]["z", 1]
    expected = 0
    for picked in donor_rows(put, batch=3):
        expected = expected + by_hook(model, tokens, 1, [0, 3], z[picked][:, :, [0, 3]])
    found = run_with_interventions(model, tokens, [on_head((1, head), put) for head in (0, 3)])
    torch.testing.assert_close(found, expected / 8)


def test_donors_follow_from_the_seed(draw) -> None:
    donors = draw(rows=20)
    same, other = Resample(donors, seed=1), Resample(donors, seed=2)
    assert torch.equal(donor_rows(same, 5), donor_rows(Resample(donors, seed=1), 5))
    assert not torch.equal(donor_rows(same, 5), donor_rows(other, 5))


def test_patching_a_run_into_itself_changes_nothing(any_kind, draw) -> None:
    model, tokens = any_kind, draw()
    sites = [site for site in ("embed", "q", "v", "pattern", "mlp_out", "resid_post", "k_input") if site != "mlp_out"]
    every = [Intervention((site, None if site == "embed" else 1), Patch(tokens)) for site in sites]
    torch.testing.assert_close(run_with_interventions(model, tokens, every), model(tokens))


def test_patching_all_of_the_stream_gives_the_other_run(any_kind, draw) -> None:
    model, tokens, run = any_kind, draw(), draw(seed=5)
    found = run_with_interventions(model, tokens, [Intervention("blocks.1.hook_resid_post", Patch(run))])
    torch.testing.assert_close(found, model(run))


@pytest.mark.parametrize(("site", "index"), [("z", (slice(None), [2, 6], 1)), ("pattern", (slice(None), 1, [2, 6]))])
def test_only_the_given_positions_and_head_change(build, draw, site: str, index) -> None:
    model, tokens = build(), draw()
    (tap,) = taps(model, tokens, [Intervention(Site(site, 0), Zero(), head=1, positions=(2, -1))])
    clean = model.run_with_cache(tokens)[1][site, 0]
    edited = tap(site, 0, clean)
    expected = clean.clone()
    expected[index] = 0
    torch.testing.assert_close(edited, expected)


def test_a_shared_key_input_belongs_to_the_group(build, draw) -> None:
    model, tokens = build("RMS, rotary, grouped, gated"), draw()
    (tap,) = taps(model, tokens, [Intervention(("k_input", 1), Zero(), head=1)])
    x = torch.ones(3, 7, 2, 20, dtype=torch.float64)
    edited = tap("k_input", 1, x)
    assert edited[:, :, 1].eq(0).all()
    assert edited[:, :, 0].eq(1).all()
    with pytest.raises(InterventionError, match="key/value head 2"):
        taps(model, tokens, [Intervention(("k_input", 1), Zero(), head=2)])


def test_a_tap_runs_with_the_engine_and_as_hooks(build, draw) -> None:
    model, tokens = build(), draw()
    (tap,) = taps(model, tokens, [on_head((0, 1), Zero()), Intervention(("resid_post", 1), Mean(draw(seed=8)))])
    ran = forward(model.config, model.weights, tokens, tap)
    torch.testing.assert_close(model.run_with_hooks(tokens, fwd_hooks=hooks_of(tap)), ran)
    assert not any(point.fwd_hooks for point in model.hook_points())


def test_recording_stops_where_nothing_is_left_to_see(build, draw) -> None:
    model, tokens = build("LN, learned positions, MLP, biases"), draw()
    sites = [Site("z", 0), Site("pos_embed"), Site("ln_final.scale")]
    tap = CacheTap(sites)
    forward(model.config, model.weights, tokens, tap)
    found = record(model, tokens, sites)
    for site in sites:
        torch.testing.assert_close(found[site], tap.store[site.path])
    assert list(record(model, tokens, sites[1:2])) == ["hook_pos_embed"]


def test_an_effect_says_what_was_done(build, draw) -> None:
    model, tokens = build(), draw()
    put = Resample(draw(rows=9, seed=2), seed=7)
    found = ablate_heads(model, tokens, [(0, 1), (2, 3)], put, LOSS)
    assert found.labels == ("0.1", "2.3")
    assert found.put == "resample, 8 of 9 donors, logits averaged, seed 7"
    assert (found.metric, found.unit, found.n, found.seed, found.draws) == ("next-token loss", "nats", 3, 7, 8)
    torch.testing.assert_close(found.clean, LOSS(model(tokens), tokens))
    torch.testing.assert_close(found.change, found.edited - found.clean)
    measured = measure(model, tokens, [Intervention(("z", 0), torch.zeros(6), 1, (2,))], LOSS)
    assert measured.labels == ("z 0, head 1, positions (2,): a tensor of shape [6]",)
    assert measured.seed is None


def test_the_wired_circuit_breaks_where_it_is_cut(wired) -> None:
    task = repeated_tokens(wired, period=7, sequences=16, seed=1)
    others = repeated_tokens(wired, period=7, sequences=16, seed=2).tokens
    loss = next_token_loss(task.predictable)
    for put in (Zero(), Mean(others), Resample(others)):
        for head in [(0, 1), (1, 2)]:
            assert ablate_heads(wired, task.tokens, [head], put, loss).change.min() > 1
        for head in [(0, 0), (1, 1)]:
            assert ablate_heads(wired, task.tokens, [head], put, loss).change.abs().max() < 1e-4


def test_what_cannot_be_done_is_refused(build, draw) -> None:
    model, tokens, donors = build(), draw(), draw(rows=9, seed=2)

    def refused(told: str, *interventions: Intervention) -> None:
        with pytest.raises(InterventionError, match=told):
            run_with_interventions(model, tokens, interventions)

    refused("a donor is one of the scored", on_head((0, 0), Resample(torch.cat((donors, tokens[1:2])))))
    refused("12 different donors", on_head((0, 0), Resample(donors, draws=12)))
    refused(
        "the same donors, draws and seed", on_head((0, 0), Resample(donors)), on_head((0, 1), Resample(donors, draws=9))
    )
    refused("as long as the scored ones, 7 tokens", on_head((0, 0), Mean(donors[:, :6])))
    refused("one source sequence for each of 3", on_head((0, 0), Patch(donors)))
    refused(r"shape \[4\] cannot replace", on_head((0, 0), torch.zeros(4)))
    refused("positions", on_head((0, 0), Zero(), (7,)))
    refused("axes are batch, pos, d_model", Intervention(("resid_post", 0), Zero(), head=1))
    with pytest.raises(SiteError, match=r"no head 0\.4"):
        run_with_interventions(model, tokens, [on_head((0, 4), Zero())])
    with pytest.raises(SiteError, match="no hook named"):
        run_with_interventions(model, tokens, [Intervention("blocks.0.attn.hook_patern", Zero())])
    with pytest.raises(SiteError, match=r"no head 3\.0"):
        ablate_heads(model, tokens, [(3, 0)], Zero(), LOSS)
    with pytest.raises(InterventionError, match="no head was given"):
        ablate_heads(model, tokens, [], Zero(), LOSS)
    with pytest.raises(InterventionError, match="at least 8"):
        ablate_heads(model, tokens, [(0, 0)], Resample(donors, draws=4), LOSS)
