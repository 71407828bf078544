import pytest
import torch

from rung.errors import InterventionError, PromptError, RungError, SiteError
from rung.methods.interventions import Mean, Resample, Zero, on_head
from rung.methods.steps import BROKEN, follower, induction_steps, intervened, pattern_reach

ROUTE, MATCH = (0, 1), (1, 2)
TOKENS = torch.tensor([0, 3, 5, 7, 9, 3, 5, 7])
"""5 comes at 2 and, as a query, at 6; 7 follows."""


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def test_each_number_of_the_wired_circuit_is_what_a_run_says(wired) -> None:
    found = induction_steps(wired, TOKENS, ROUTE, MATCH, 6)
    logits, cache = wired.run_with_cache(TOKENS[None])
    assert (found.query, found.source, found.answer) == (6, 3, 7)
    assert found.route_attention == pytest.approx(float(cache["pattern", 0][0, 1, 3, 2]))
    assert found.match_attention == pytest.approx(float(cache["pattern", 1][0, 2, 6, 3]))
    scores = cache["attn_scores", 1][0, 2, 6, :7]
    others = torch.cat((scores[:3], scores[4:])).mean()
    assert found.match_score == pytest.approx(float(scores[3] - others))
    # The keys read nothing else that matters here: what the route wrote is the whole score.
    keys = cache["result", 0][0, :, 1] @ wired.W_K[MATCH]
    via = keys[:7] @ cache["q", 1][0, 6, 2]
    assert found.route_score == pytest.approx(float(via[3] - torch.cat((via[:3], via[4:])).mean()))
    different = [0, 3, 5, 9]
    direction = wired.W_U[:, 7] - wired.W_U[:, different].mean(1)
    assert found.copy_logit == pytest.approx(float(cache["result", 1][0, 6, 2] @ direction))
    assert found.logit == pytest.approx(float(logits[0, 6, 7] - logits[0, 6, different].mean()))
    assert found.probability == pytest.approx(float(logits[0, 6].softmax(-1)[7]))
    assert found.loss == pytest.approx(-float(logits[0, 6].log_softmax(-1)[7]))
    assert found.probability > 0.49 and found.broken(found) == ()


def test_an_ablated_head_breaks_its_step_and_those_after(wired) -> None:
    clean = induction_steps(wired, TOKENS, ROUTE, MATCH, 6)
    routeless = induction_steps(wired, TOKENS, ROUTE, MATCH, 6, [on_head(ROUTE, Zero())])
    assert routeless.broken(clean) == ("route", "match", "copy")
    assert routeless.route_attention == clean.route_attention  # it still looks; what it writes is gone
    copyless = induction_steps(wired, TOKENS, ROUTE, MATCH, 6, [on_head(MATCH, Zero())])
    assert copyless.broken(clean) == ("copy",) and copyless.match_attention == clean.match_attention
    idle = induction_steps(wired, TOKENS, ROUTE, MATCH, 6, [on_head((0, 2), Zero())])
    assert idle == clean
    logits = wired.run_with_hooks(TOKENS[None], fwd_hooks=[("blocks.0.attn.hook_z", _without(1))])
    assert routeless.loss == pytest.approx(-float(logits[0, 6].log_softmax(-1)[7]))


def _without(head):
    def hook(z, hook):
        z = z.clone()
        z[:, :, head] = 0
        return z

    return hook


def test_a_step_that_did_nothing_cannot_break(wired) -> None:
    idle = induction_steps(wired, TOKENS, (0, 2), (1, 1), 6)
    assert idle.route_score == 0 and idle.broken(idle) == ()
    assert 0 < BROKEN < 1


def test_a_query_without_an_earlier_occurrence_has_no_steps(wired) -> None:
    assert follower(TOKENS, 7) == 4
    for query in (3, 4):
        with pytest.raises(PromptError, match=f"position {query} does not occur before"):
            follower(TOKENS, query)
    with pytest.raises(PromptError, match="does not occur before, with another token after it"):
        follower(torch.tensor([1, 4, 4]), 2)
    with pytest.raises(PromptError, match="positions 0 to 7"):
        follower(TOKENS, 8)


def test_heads_that_cannot_work_together_are_refused(wired) -> None:
    with pytest.raises(RungError, match=r"no edge 1\.1 → 1\.2: heads of one layer read the same input"):
        induction_steps(wired, TOKENS, (1, 1), MATCH, 6)
    with pytest.raises(SiteError, match=r"no head 0\.7"):
        induction_steps(wired, TOKENS, (0, 7), MATCH, 6)
    with pytest.raises(SiteError, match=r"no head 0\.9"):
        induction_steps(wired, TOKENS, ROUTE, MATCH, 6, [on_head((0, 9), Zero())])
    drawn = on_head(ROUTE, Resample(TOKENS.expand(9, -1)))
    with pytest.raises(InterventionError, match="averages several runs"):
        induction_steps(wired, TOKENS, ROUTE, MATCH, 6, [drawn])


def test_the_model_itself_is_left_alone(wired) -> None:
    with intervened(wired, TOKENS[None], [on_head(ROUTE, Zero())]) as edited:
        assert edited is not wired and edited.W_Q[0, 1].equal(wired.W_Q[0, 1])
        assert not any(point.fwd_hooks for point in wired.hook_dict.values())
    with intervened(wired, TOKENS[None], []) as same:
        assert same is wired


def test_a_head_reaches_the_attention_of_later_layers_only(build, draw) -> None:
    model, tokens, reference = build(), draw(), draw(seed=5)
    done = []
    found = pattern_reach(model, tokens, reference, lambda at, total: done.append((at, total)))
    config = model.config
    heads = config.n_layers * config.n_heads
    assert found.change.shape == (heads, heads) and done[-1] == (heads, heads) and found.n == len(tokens)
    layer = torch.arange(heads) // config.n_heads
    later = layer[None] > layer[:, None]
    assert (found.change[~later] == 0).all() and (found.change[later] > 0).all()

    clean = model.run_with_cache(tokens)[1]
    mean = model.run_with_cache(reference)[1]["z", 0][:, :, 2].mean(0)

    def hook(z, hook):
        z = z.clone()
        z[:, :, 2] = mean
        return z

    with model.hooks(fwd_hooks=[("blocks.0.attn.hook_z", hook)]):
        edited = model.run_with_cache(tokens)[1]
    moved = (edited["pattern", 1][:, 3] - clean["pattern", 1][:, 3]).abs().max()
    at = found.heads.index("0.2"), found.heads.index("1.3")
    assert float(found.change[at]) == pytest.approx(float(moved))


def test_a_model_without_layers_has_nothing_to_reach(build, draw) -> None:
    model = build(n_layers=0)
    with pytest.raises(InterventionError, match="has no layers"):
        pattern_reach(model, draw(), draw(seed=1))


def test_a_mean_over_others_is_what_an_ablated_head_writes(wired) -> None:
    reference = torch.stack([TOKENS.roll(3), TOKENS.roll(5)])
    with intervened(wired, TOKENS[None], [on_head(ROUTE, Mean(reference))]) as edited:
        z = edited.run_with_cache(TOKENS[None])[1]["z", 0][0, :, 1]
    torch.testing.assert_close(z, wired.run_with_cache(reference)[1]["z", 0][:, :, 1].mean(0))
