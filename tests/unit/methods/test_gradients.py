import pytest
import torch

from rung.errors import InterventionError, NotDefinedError, SiteError
from rung.methods.gradients import compare_screen, screen_edges, screen_interventions
from rung.methods.interventions import Edited, Intervention, Mean, Patch, Resample, Zero, on_head
from rung.methods.paths import Edge, patch_all_senders, patch_paths
from rung.methods.sweep import sweep
from rung.tasks.builtin import repeated_tokens
from rung.tasks.metrics import Metric, logit_difference, next_token_loss

LOSS = next_token_loss(slice(1, 6))
RIGHT, WRONG = torch.tensor([1, 2, 3]), torch.tensor([6, 0, 5])
LINEAR = logit_difference(RIGHT, WRONG)
PLAIN = "no norm, shortformer, attention only"


def test_small_changes_are_those_of_finite_differences(any_kind, draw) -> None:
    """(metric(x + h r) − metric(x − h r)) / 2h is the derivative along r, in sign and size."""
    model, tokens, config = any_kind, draw(), any_kind.config
    h, generator = 1e-5, torch.Generator().manual_seed(3)
    sites = [("z", 1), ("q", 1), ("k", 0), ("v", 2), ("resid_pre", 1), ("attn_out", 0), "embed"]
    sites += [] if config.attn_only else [("mlp_out", 1)]
    _, cache = model.run_with_cache(tokens)
    clean = {site: cache[site if isinstance(site, tuple) else "hook_embed"] for site in sites}
    along = {site: torch.randn(x.shape, generator=generator).double() for site, x in clean.items()}
    up, down = ([Intervention(site, clean[site] + sign * h * along[site]) for site in sites] for sign in (1, -1))
    measured = (sweep(model, tokens, up, LOSS).edited - sweep(model, tokens, down, LOSS).edited) / 2
    found = screen_interventions(model, tokens, up, LOSS)
    torch.testing.assert_close(found.scores, measured, rtol=2e-3, atol=2e-9)
    torch.testing.assert_close(found.clean, LOSS(model(tokens), tokens))
    assert (found.n, found.unit) == (3, "nats")


@pytest.mark.parametrize("put", ["zero", "mean", "patch", "resample", "function"])
def test_where_the_metric_is_linear_the_screen_is_exact(build, draw, put) -> None:
    """The last layer of a model without norms: z, values, the stream after it, and any set of these heads."""
    model, tokens, donors = build(PLAIN), draw(), draw(rows=9, seed=2)
    puts = {
        "zero": Zero(), "mean": Mean(donors), "patch": Patch(draw(seed=3)), "resample": Resample(donors, draws=3),
        "function": Edited(lambda x, first: 2 * x),
    }  # fmt: skip
    cells = [
        on_head((2, 1), puts[put]),
        [on_head((2, 0), puts[put]), on_head((2, 3), puts[put])],
        Intervention(("v", 2), puts[put], 2),
        Intervention(("resid_post", 2), puts[put]),
    ]
    cells += [] if put == "function" else [on_head((2, 2), puts[put], (6, 3))]
    found = screen_interventions(model, tokens, cells, LINEAR)
    torch.testing.assert_close(found.scores, sweep(model, tokens, cells, LINEAR).change)


@pytest.mark.parametrize("kind", [PLAIN, "RMS, rotary, grouped, gated"])
def test_queries_and_keys_go_through_the_softmax_exactly(build, draw, kind) -> None:
    """Behind the pattern all is linear in the last layer, so that only the softmax could make a difference."""
    model = build(kind, normalization_type=None, d_mlp=None, act_fn=None, gated_mlp=False)
    tokens, run = draw(), Patch(draw(seed=3))
    cells = [
        Intervention(("q", 2), run, 3),
        Intervention(("k", 2), run, 1),
        Intervention(("k", 2), run, 0, (2,)),
        [Intervention(("q", 2), run), Intervention(("k", 2), run)],
    ]
    found = screen_interventions(model, tokens, cells, LINEAR)
    torch.testing.assert_close(found.scores, sweep(model, tokens, cells, LINEAR).change)


@pytest.mark.parametrize("kind", [PLAIN, "RMS, rotary, grouped, gated"])
def test_integrated_gradients_of_the_embedding_sum_to_the_metrics_change(build, draw, kind) -> None:
    """The midpoint rule: the error falls with the square of the number of steps."""
    model = build(kind, eps=1.0)
    for parameter in model.parameters():
        parameter.mul_(0.5)  # smooth: a few steps are enough
    tokens, corrupted = draw(), draw(seed=2)
    change = LOSS(model(corrupted), tokens) - LOSS(model(tokens), tokens)
    cells = [Intervention("hook_embed", Patch(corrupted))]
    errors = []
    for steps in (8, 32):
        found = screen_interventions(model, tokens, cells, LOSS, toward=corrupted, steps=steps)
        errors.append(float((found.scores[0] - change).abs().max()))
    assert errors[1] < 5e-2 * float(change.abs().max()) and errors[1] < errors[0] / 4
    assert found.method == "attribution patching, integrated gradients of 32 steps"


def test_edges_are_exact_where_everything_is_linear(build, draw) -> None:
    """Without norms: every sender to the logits, and into the values of the last layer."""
    model, tokens, corrupted = build(PLAIN), draw(), draw(seed=2)
    found = screen_edges(model, tokens, corrupted, LINEAR)
    for end, name in ((("logits", None), "logits"), (((2, 1), "V"), "2.1.V")):
        exact = patch_all_senders(model, tokens, corrupted, end, LINEAR)
        rows = torch.stack([found.scores[found.labels.index(f"{sender} → {name}")] for sender in exact.senders])
        torch.testing.assert_close(rows, exact.change)


def test_an_edge_is_the_derivative_of_path_patching(any_kind, draw) -> None:
    """With a corrupted run next to the clean one (a weight of the embedding moved a little), both agree."""
    model, tokens, config = any_kind, draw(), any_kind.config
    corrupted, h = tokens.roll(1, 0), 1e-5
    E = model.weights["W_E"]
    with torch.no_grad():
        E[tokens.unique()] = E[tokens[0, 0]] + h * E[tokens.unique()]  # every run is almost the same
    if config.qk_norm == "heads" or config.latent is not None:
        with pytest.raises(NotDefinedError, match=r"queries of all heads as one|compressed vectors"):
            screen_edges(model, tokens, corrupted, LOSS)
        return
    found = screen_edges(model, tokens, corrupted, LOSS)
    group = config.n_heads // config.n_kv
    for into in "QKV":
        shared = 1 if into == "Q" else group
        receivers = [(2, head) for head in range(4) if head // shared == 2 // shared]
        name = "+".join(f"2.{head}" for _, head in receivers)
        exact = patch_paths(model, tokens, corrupted, [Edge((0, 1), one, into) for one in receivers], LOSS).change
        score = found.scores[found.labels.index(f"0.1 → {name}.{into}")]
        torch.testing.assert_close(score, exact, rtol=2e-2, atol=1e-10)


def test_the_wired_circuit_comes_first_and_the_screen_is_compared(wired) -> None:
    task = repeated_tokens(wired, period=7, sequences=8)
    loss, corrupted = next_token_loss(task.predictable), task.tokens.roll(1, 0)
    cells = [on_head((layer, head), Zero()) for layer in range(2) for head in range(3)]
    found = screen_interventions(wired, task.tokens, cells, loss)
    assert set(found.top(2)) == {1, 5}  # 0.1 and 1.2
    check = compare_screen(found, sweep(wired, task.tokens, cells, loss).change, top=2)
    assert check.recall == 1 and check.chance_recall == pytest.approx(1 / 3) and check.n == 6
    assert check.correlation > 0 and 0 <= check.chance_correlation <= 1
    edges = screen_edges(wired, task.tokens, corrupted, loss, steps=5)
    assert "0.1 → 1.2.K" in [edges.labels[at] for at in edges.top(6)]


def test_shuffled_scores_are_told_from_good_ones(build, draw) -> None:
    model, tokens = build(PLAIN), draw()
    cells = [on_head((layer, head), Zero()) for layer in range(3) for head in range(4)]
    found, exact = screen_interventions(model, tokens, cells, LINEAR), sweep(model, tokens, cells, LINEAR).change
    same = compare_screen(found, found.scores, top=3)
    assert same.correlation == pytest.approx(1) and same.recall == 1 and 0.3 < same.chance_correlation < 0.9
    with pytest.raises(InterventionError, match="exact effects have shape"):
        compare_screen(found, exact[1:])
    with pytest.raises(InterventionError, match="12 parts and their top 20"):
        compare_screen(found, exact)
    with pytest.raises(InterventionError, match="not finite"):
        compare_screen(found, exact * torch.nan, top=3)


def test_no_gradient_is_left_behind(build, draw) -> None:
    model = build("LN, learned positions, MLP, biases")
    for parameter in model.parameters():
        parameter.requires_grad_()
    found = screen_interventions(model, draw(), [on_head((0, 0), Zero())], LOSS)
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())
    assert not found.scores.requires_grad and not found.clean.requires_grad


def test_what_cannot_be_screened_is_refused(build, draw) -> None:
    model, tokens, cell = build(PLAIN), draw(), [on_head((0, 0), Zero())]
    scalar = Metric("mean", "logits", lambda logits, tokens: logits.mean())
    for said, run in (
        ("no interventions", lambda: screen_interventions(model, tokens, [], LOSS)),
        ("has no interventions", lambda: screen_interventions(model, tokens, [[]], LOSS)),
        ("one number per example", lambda: screen_interventions(model, tokens, cell, scalar)),
        ("`toward` is needed", lambda: screen_interventions(model, tokens, cell, LOSS, steps=3)),
        ("at least 1", lambda: screen_interventions(model, tokens, cell, LOSS, tokens, 0)),
        ("of the same length", lambda: screen_interventions(model, tokens, cell, LOSS, tokens[:, :5])),
        ("of the same length", lambda: screen_edges(model, tokens, tokens[:, :5], LOSS)),
    ):
        with pytest.raises(InterventionError, match=said):
            run()
    with pytest.raises(SiteError, match=r"no head 0\.7"):
        screen_interventions(model, tokens, [on_head((0, 7), Zero())], LOSS)
