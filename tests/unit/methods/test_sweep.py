from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from rung.config import Rotary, RotaryScaling
from rung.engine.sites import LAST, sites_of
from rung.errors import InterventionError, RungError, SiteError
from rung.methods.interventions import (
    Edited,
    Intervention,
    Mean,
    Patch,
    Resample,
    Zero,
    on_head,
    run_with_interventions,
    with_frozen_patterns,
)
from rung.methods.sweep import sweep
from rung.tasks.metrics import Metric, logit_difference, next_token_loss

SAME: dict[str, Any] = {"atol": 1e-9, "rtol": 1e-9}
"""In float64: a sweep multiplies the same numbers in batches of other shapes, which differ by rounding."""
KINDS = [
    "LN, learned positions, MLP, biases",
    "RMS, rotary, grouped, gated",
    "LNPre, parallel, rotary, key and value biases",
    "no norm, shortformer, attention only",
    "RMS before and behind, queries normed, caps, windows",
    "RMS, experts, clipped in vain",
    "LN, slopes, normed embeddings, biases",
]
RIGHT, WRONG = torch.tensor([1, 2, 3]), torch.tensor([6, 0, 5])
MEAN_LOGIT = Metric("mean logit", "logits", lambda logits, tokens: logits.mean((1, 2)))
METRICS = [next_token_loss(slice(3, 6)), logit_difference(RIGHT, WRONG), logit_difference(RIGHT, WRONG, 4), MEAN_LOGIT]
GROUPED = "RMS, rotary, grouped, gated"


def loop(model: Any, tokens: Tensor, cells: Sequence[Any], metric: Metric) -> Tensor:
    """The same numbers the plain way: one whole run with hooks for each cell."""
    every = [(cell,) if isinstance(cell, Intervention) else cell for cell in cells]
    return torch.stack([metric(run_with_interventions(model, tokens, cell), tokens) for cell in every])


def check(model: Any, tokens: Tensor, cells: Sequence[Any], metric: Metric, **options: Any) -> None:
    found = sweep(model, tokens, cells, metric, **options)
    torch.testing.assert_close(found.edited, loop(model, tokens, cells, metric), **SAME)
    torch.testing.assert_close(found.clean, metric(model(tokens), tokens), **SAME)
    assert found.measured.all()


def places(model: Any) -> st.SearchStrategy[Any]:
    """(site, head, positions): a head's z, q, k or v, an output, or the stream, at all positions or some."""
    config = model.config
    heads = {"z": config.n_heads, "q": config.n_heads, "pattern": config.n_heads, "k": config.n_kv, "v": config.n_kv}
    plain = ["attn_out", "resid_pre", "resid_post"]
    plain += [] if config.attn_only else ["mlp_out"]
    plain += [] if config.attn_only or config.parallel_attn_mlp else ["resid_mid"]
    ends = ["embed"] if config.normalization_type is None else ["embed", "ln_final.normalized"]
    layer = st.integers(0, config.n_layers - 1)
    positions = st.none() | st.lists(st.integers(-7, 6), min_size=1, max_size=3, unique_by=lambda at: at % 7).map(tuple)
    of_heads = [
        st.tuples(st.tuples(st.just(name), layer), st.none() | st.integers(0, n - 1), positions)
        for name, n in heads.items()
    ]
    of_layers = st.tuples(st.tuples(st.sampled_from(plain), layer), st.none(), positions)
    of_ends = st.tuples(st.tuples(st.sampled_from(ends), st.none()), st.none(), positions)
    return st.one_of(*of_heads, of_layers, of_layers, of_ends)


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_a_sweep_equals_the_loop(build: Any, draw: Any, kind: str, data: st.DataObject) -> None:
    model, tokens = build(kind), draw()
    donors = draw(rows=9, seed=2)
    puts = [Zero(), Mean(donors), Patch(draw(seed=3)), Resample(donors, draws=2), torch.tensor(0.3)]
    # Only plain values are drawn: hypothesis shrinks what has no random checks of its types.
    cell = st.tuples(places(model), st.integers(0, len(puts) - 1))
    drawn = data.draw(st.lists(st.lists(cell, min_size=1, max_size=3), min_size=1, max_size=6))
    cells = [[Intervention(site, puts[put], head, at) for (site, head, at), put in one] for one in drawn]
    memory = data.draw(st.sampled_from([1, 10**5, 2**28]))
    check(model, tokens, cells, data.draw(st.sampled_from(METRICS)), max_memory=memory)


def test_every_head_and_every_position_of_each_kind(any_kind: Any, draw: Any) -> None:
    tokens, run, config = draw(), Patch(draw(seed=3)), any_kind.config
    every = [(layer, head) for layer in range(config.n_layers) for head in range(config.n_heads)]
    heads = [on_head(head, Zero()) for head in every]
    stream = [Intervention(("resid_pre", layer), run, None, (at,)) for layer in range(config.n_layers) for at in (1, 6)]
    check(any_kind, tokens, [*heads, *stream], METRICS[0])
    check(any_kind, tokens, stream, METRICS[1])


def test_what_leaves_a_block_is_edited_before_what_enters_the_next(build: Any, draw: Any) -> None:
    model, tokens = build(), draw()
    leaves = Intervention(("resid_post", 0), Patch(draw(seed=3)), None, (2, 4))
    enters = Intervention(("resid_pre", 1), Patch(draw(seed=5)), None, (4,))
    check(model, tokens, [[leaves, enters], [enters, leaves]], METRICS[0])


def test_a_tensor_replaces_the_positions_that_it_has(build: Any, draw: Any) -> None:
    model, tokens = build(), draw()
    z, pattern = torch.randn(3, 7, 6).double(), torch.rand(3, 7, 7).double()
    cells = [
        on_head((1, 2), z),
        on_head((1, 2), z, (4, -1)),
        on_head((2, 0), z[0, 0], (5,)),
        Intervention(("pattern", 1), pattern, 1, (3, 5)),
    ]
    check(model, tokens, cells, METRICS[0])


@pytest.mark.parametrize(
    ("site", "head"), [("z", 2), ("k", 1), ("pattern", 0), ("resid_pre", None), ("mlp_out", None)], ids=str
)
def test_a_mask_gives_each_example_positions_of_its_own(build: Any, draw: Any, site: str, head: int | None) -> None:
    model, tokens, run, donors = build(GROUPED), draw(), draw(seed=3), draw(rows=9, seed=2)
    own = [(1, 4), (), (-1, 3)]
    mask = torch.zeros_like(tokens, dtype=torch.bool)
    for row, at in enumerate(own):
        mask[row, list(at)] = True
    cells = [Intervention((site, 1), put, head, mask) for put in (Patch(run), Mean(donors))]
    check(model, tokens, cells, METRICS[0])
    found = sweep(model, tokens, cells, METRICS[0])
    for row, at in enumerate(own):
        alone = slice(row, row + 1)
        each = [Intervention((site, 1), put, head, at) for put in (Patch(run[alone]), Mean(donors))]
        expected = sweep(model, tokens[alone], each, METRICS[0]).edited[:, 0]
        torch.testing.assert_close(found.edited[:, row], expected, **SAME)
    with pytest.raises(InterventionError, match=r"shape \[3, 6\]; a mask of \[3, 7\]"):
        sweep(model, tokens, [Intervention((site, 1), Patch(run), head, mask[:, 1:])], METRICS[0])


def test_logits_are_replaced_and_unembedded_last(build: Any, draw: Any) -> None:
    model, tokens, run = build("LN, learned positions, MLP, biases"), draw(), Patch(draw(seed=3))
    cells = [Intervention("unembed.hook_out", run, None, (4,)), Intervention("ln_final.hook_scale", Mean(run.run))]
    check(model, tokens, [*cells, cells], METRICS[0])


def test_every_site_of_the_last_block_and_after_it(any_kind: Any, draw: Any) -> None:
    model, tokens, run = any_kind, draw(), Patch(draw(seed=3))
    last = model.config.n_layers - 1
    sites = [site for site in sites_of(model.config) if site.layer == last or site.name in LAST]
    alone = [Intervention(site, run, None, (2, 4)) for site in sites]
    check(model, tokens, [*alone, *([one, on_head((0, 1), Zero())] for one in alone)], METRICS[0])


def test_a_function_sees_the_positions_that_are_run(build: Any, draw: Any) -> None:
    model, tokens = build(), draw()
    seen = []

    def double(x: Tensor, first: int) -> Tensor:
        seen.append((tuple(x.shape), first))
        x[:, 4 - first] *= 2
        return x

    cell = Intervention(("resid_pre", 1), Edited(double), None, (4,))
    check(model, tokens, [cell], METRICS[0])
    assert seen[0] == ((3, 2, 20), 4)


def test_rotary_angles_that_depend_on_length_are_those_of_the_whole(build: Any, draw: Any) -> None:
    scaling = RotaryScaling(kind="dynamic", factor=2.0, original_n_ctx=4)
    model, tokens = build(GROUPED, rotary=Rotary(dim=4, scaling=scaling)), draw()
    cells = [on_head((1, 2), Zero()), on_head((1, 1), Zero(), (3,))]
    check(model, tokens, cells, logit_difference(RIGHT, WRONG, 4))


def test_a_model_that_attends_both_ways_is_run_at_all_positions(build: Any, draw: Any) -> None:
    model = build("LN, learned positions, MLP, biases", attention_dir="bidirectional")
    check(model, draw(), [on_head((1, 2), Zero(), (5,)), on_head((0, 1), Zero())], logit_difference(RIGHT, WRONG, 2))


def test_hooks_of_the_model_run_first_and_once(build: Any, draw: Any) -> None:
    model, tokens = build("LN, learned positions, MLP, biases"), draw()
    model.add_hook("blocks.1.hook_resid_pre", lambda x, hook: x + torch.arange(7.0).double()[:, None])
    model.add_hook("unembed.hook_in", lambda x, hook: x * 2)
    check(model, tokens, [on_head((1, 2), Zero(), (5,)), on_head((0, 1), Zero())], METRICS[0])


def test_what_is_run_is_no_more_than_can_change(build: Any, draw: Any) -> None:
    model, tokens = build(), draw()
    ran: list[tuple[int, ...]] = []

    def note(x: Tensor, first: int) -> Tensor:
        ran.append((first, x.shape[1]))
        return x

    after = Intervention(("resid_post", 0), Edited(note), None, (6,))
    cells = [after, Intervention(("resid_post", 2), Edited(note), None, (2,))]
    found = sweep(model, tokens, cells, logit_difference(RIGHT, WRONG, 4))
    assert ran == [(2, 3)]
    assert torch.equal(found.edited[0], found.clean)
    # An edited pattern may reach later keys, so that all positions are run; the last is still not read.
    pattern = Intervention(("pattern", 0), torch.rand(7, 7).double(), 1, (6,))
    check(model, tokens, [pattern, after], METRICS[0])


def test_progress_is_reported_and_can_end_the_sweep(build: Any, draw: Any) -> None:
    model, tokens, told = build(), draw(), []
    cells = [on_head((layer, 0), Zero()) for layer in range(3)]
    whole = sweep(model, tokens, cells, METRICS[0], lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    part = sweep(model, tokens, cells, METRICS[0], lambda done, total: done < 2)
    assert part.measured.tolist() == [True, True, False]
    assert part.edited[2].isnan().all()
    assert torch.equal(part.edited[:2], whole.edited[:2])

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(model, tokens, cells, METRICS[0], stop)
    assert not any(point.fwd_hooks for point in model.hook_points())


def test_a_result_says_what_was_done(build: Any, draw: Any) -> None:
    model, tokens = build(), draw()
    donors = Resample(draw(rows=9, seed=2), seed=7)
    found = sweep(
        model, tokens, [on_head((0, 1), Zero()), [on_head((1, 0), donors), on_head((2, 3), donors)]], MEAN_LOGIT
    )
    assert found.labels[0] == "z 0, head 1: zero"
    assert (found.n, found.metric, found.unit) == (3, "mean logit", "logits")
    effect = found.effect(1, ["a", "b"])
    assert (effect.labels, effect.draws, effect.seed) == (("a", "b"), 8, 7)
    torch.testing.assert_close(effect.change, found.change[1])


def test_what_cannot_be_swept_is_refused(build: Any, draw: Any) -> None:
    model, tokens, grouped = build(), draw(), build(GROUPED)

    def refused(
        error: type[RungError], message: str, *cells: Any, model: Any = model, metric: Metric = METRICS[0]
    ) -> None:
        with pytest.raises(error, match=message):
            sweep(model, tokens, cells, metric)

    head = on_head((0, 0), Zero())
    refused(SiteError, r"no head 0\.4", head, on_head((0, 4), Zero()))
    refused(SiteError, "no hook named", Intervention(("mlp_out", 0), Zero()))
    refused(InterventionError, "no interventions were given")
    refused(InterventionError, "cell 1 of the sweep has no interventions", head, [])
    refused(InterventionError, "as long as the scored ones, 7 tokens", on_head((0, 0), Patch(draw(length=6))))
    refused(InterventionError, "positions", on_head((0, 0), Zero(), (7,)))
    scalar = Metric("mean", "logits", lambda logits, tokens: logits.mean())
    refused(InterventionError, r"'mean' returned a tensor of shape \[\].* one number per example", head, metric=scalar)
    refused(
        InterventionError,
        "head 1.3 has none of its own, but belongs to the group of heads 2 to 3, which share key/value head 1",
        Intervention(("v", 1), Zero(), head=3),
        model=grouped,
    )
    nowhere = Metric("none", "", lambda rows, tokens: rows.sum(1), lambda tokens: torch.zeros_like(tokens).bool())
    refused(InterventionError, "reads the logits of no position", head, metric=nowhere)
    with pytest.raises(InterventionError, match="max_memory is 0"):
        sweep(model, tokens, [head], METRICS[0], max_memory=0)


def test_with_frozen_patterns_attention_stays_where_it_was(any_kind: Any, draw: Any) -> None:
    """Against hooks by hand: the edit, and in every layer the clean run's pattern."""
    model, tokens = any_kind, draw()
    _, cache = model.run_with_cache(tokens, names_filter="pattern")
    patterns = [
        (f"blocks.{layer}.attn.hook_pattern", lambda x, hook, layer=layer: cache["pattern", layer].clone())
        for layer in range(3)
    ]

    def zero(x: Tensor, hook: Any) -> Tensor:
        x[:, :, 2] = 0
        return x

    for site, cell in (
        ("blocks.1.attn.hook_z", on_head((1, 2), Zero())),
        ("blocks.0.attn.hook_q", Intervention(("q", 0), Zero(), 2)),
    ):
        cells = with_frozen_patterns(model, tokens, [cell])
        assert len(cells) == (2 if cell.site[0] == "z" else 4)
        logits = model.run_with_hooks(tokens, fwd_hooks=[*patterns, (site, zero)])
        found = sweep(model, tokens, [cells], METRICS[0])
        torch.testing.assert_close(found.edited[0], METRICS[0](logits, tokens), **SAME)
    assert with_frozen_patterns(model, tokens, []) == []
    with pytest.raises(InterventionError, match="a frozen pattern would undo"):
        with_frozen_patterns(model, tokens, [Intervention(("attn_scores", 1), Zero())])
