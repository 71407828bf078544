from typing import Any

import pytest
import torch

from rung.errors import InterventionError, SiteError
from rung.methods.grids import ablate_each_head, patch_heads, patch_stream
from rung.methods.interventions import Intervention, Mean, Patch, Zero, run_with_interventions
from rung.tasks.metrics import logit_difference, next_token_loss

SAME: dict[str, Any] = {"atol": 1e-9, "rtol": 1e-9}
METRIC = logit_difference(torch.tensor([1, 2, 3]), torch.tensor([6, 0, 5]))
GROUPED = "RMS, rotary, grouped, gated"


def by_hand(model: Any, tokens: Any, cell: Intervention, metric: Any) -> Any:
    return metric(run_with_interventions(model, tokens, [cell]), tokens) - metric(model(tokens), tokens)


def test_each_head_is_ablated_by_itself(build: Any, draw: Any) -> None:
    model, tokens, loss = build(GROUPED), draw(), next_token_loss(slice(3, 6))
    for put in (None, Mean(draw(rows=9, seed=2))):
        grid = ablate_each_head(model, tokens, loss, put)
        assert grid.mean_change.shape == (3, 4) and grid.rows == ("0", "1", "2")
        cell = Intervention(("z", 2), Zero() if put is None else put, 1)
        torch.testing.assert_close(grid.change[2, 1], by_hand(model, tokens, cell, loss), **SAME)
    assert ablate_each_head(model, tokens, loss).what == "z of each head: zero"


def test_every_layer_and_position_of_the_stream_is_patched(build: Any, draw: Any) -> None:
    model, tokens, source = build("LN, learned positions, MLP, biases"), draw(), draw(seed=3)
    for site in ("resid_pre", "resid_mid", "attn_out", "mlp_out"):
        grid = patch_stream(model, tokens, source, METRIC, site)
        assert grid.change.shape == (3, 7, 3)
        cell = Intervention((site, 1), Patch(source), None, (4,))
        torch.testing.assert_close(grid.change[1, 4], by_hand(model, tokens, cell, METRIC), **SAME)
    last = tokens[:, -1:], source[:, -1:]
    alone = patch_stream(model, *last, METRIC)
    # All that a sequence of one token has is its stream.
    whole = METRIC(model(last[1]), last[1]) - METRIC(model(last[0]), last[0])
    torch.testing.assert_close(alone.change[0, 0], whole, **SAME)


@pytest.mark.parametrize("site", ["z", "q", "k", "v", "pattern"])
def test_heads_are_patched_at_all_positions_or_at_each(build: Any, draw: Any, site: Any) -> None:
    model, tokens, source = build(GROUPED), draw(), draw(seed=3)
    heads = 2 if site in ("k", "v") else 4
    grid = patch_heads(model, tokens, source, METRIC, site)
    assert grid.change.shape == (3, heads, 3)
    cell = Intervention((site, 1), Patch(source), 1)
    torch.testing.assert_close(grid.change[1, 1], by_hand(model, tokens, cell, METRIC), **SAME)
    grid = patch_heads(model, tokens, source, METRIC, site, "position")
    assert grid.rows[heads + 1] == "1.1" and grid.change.shape == (3 * heads, 7, 3)
    cell = Intervention((site, 1), Patch(source), 1, (5,))
    torch.testing.assert_close(grid.change[heads + 1, 5], by_hand(model, tokens, cell, METRIC), **SAME)


def test_a_grid_says_what_it_holds(build: Any, draw: Any) -> None:
    model, tokens, source = build(), draw(), draw(seed=3)
    grid = patch_stream(model, tokens, source, METRIC, progress=lambda done, total: done < 2)
    plain = grid.to_dict()
    assert plain["layer"] == ["0", "1", "2"] and plain["position"] == list("0123456")
    assert (plain["metric"], plain["unit"]) == ("logit difference", "nats")
    measured = [cell for row in plain["edited"] for cell in row if cell is not None]
    assert len(measured) == 2 == int(grid.result.measured.sum())
    with pytest.raises(SiteError, match="no hook named"):
        patch_stream(model, tokens, source, METRIC, "mlp_out")
    with pytest.raises(InterventionError, match="by 'head' and by 'position'"):
        patch_heads(model, tokens, source, METRIC, "z", "layer")
