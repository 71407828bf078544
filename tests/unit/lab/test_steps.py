import msgspec
import numpy as np
import pytest
import torch

from rung.errors import RungError, SiteError
from rung.lab.computations.steps import reach, walk
from rung.tasks.builtin import repeated_tokens


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def ask(computation, **fields):
    return msgspec.convert(fields, computation.ask)


def without(head, mean):
    def hook(z, hook):
        z = z.clone()
        z[:, :, head] = mean
        return z

    return hook


def test_the_walk_is_the_run_and_the_ablated_walk_the_ablated_run(lab, job) -> None:
    found = walk.run(lab, ask(walk, length=10, seed=2, at=4, ablate=[[0, 0]]), job)
    model = lab.model("two-layer")
    tokens = repeated_tokens(model, period=10, sequences=1, seed=2).tokens
    donors = repeated_tokens(model, period=10, sequences=32, seed=3).tokens
    query, source = 15, 6
    assert (found.query, found.source, found.route, found.match) == (query, source, "0.0", "1.0")
    with torch.no_grad():
        mean = model.run_with_cache(donors)[1]["z", 0][:, :, 0].mean(0)
        runs = [model.run_with_cache(tokens)]
        with model.hooks(fwd_hooks=[("blocks.0.attn.hook_z", without(0, mean))]):
            runs.append(model.run_with_cache(tokens))
    answer = int(tokens[0, source])
    others = sorted({*tokens[0].tolist()} - {answer})
    direction = (model.W_U[:, answer] - model.W_U[:, others].mean(1)).detach()
    for one, (logits, cache) in zip((found.clean, found.edited), runs, strict=True):
        scores = cache["attn_scores", 1][0, 0, query, : query + 1]
        rest = torch.cat((scores[:source], scores[source + 1 :]))
        via = cache["result", 0][0, : query + 1, 0] @ model.W_K[1, 0] @ cache["q", 1][0, query, 0] / 32**0.5
        via = via[source] - torch.cat((via[:source], via[source + 1 :])).mean()
        assert one.route_attention == pytest.approx(float(cache["pattern", 0][0, 0, source, source - 1]))
        assert one.route_score == pytest.approx(float(via), abs=1e-4)
        assert one.match_score == pytest.approx(float(scores[source] - rest.mean()), abs=1e-4)
        assert one.match_attention == pytest.approx(float(cache["pattern", 1][0, 0, query, source]), rel=1e-4)
        assert one.copy_logit == pytest.approx(float(cache["result", 1][0, query, 0] @ direction), abs=1e-4)
        row = logits[0, query]
        assert one.logit == pytest.approx(float(row[answer] - row[others].mean()), abs=1e-4)
        assert one.probability == pytest.approx(float(row.softmax(-1)[answer]), rel=1e-4)
        assert one.loss == pytest.approx(-float(row.log_softmax(-1)[answer]), rel=1e-3)
    assert found.broken == ["route", "match", "copy"]


def test_the_head_that_copies_breaks_only_the_copy(lab, job) -> None:
    found = walk.run(lab, ask(walk, length=10, seed=2, ablate=[[1, 0]]), job)
    assert found.broken == ["copy"] and found.edited.match_attention == found.clean.match_attention
    whole = walk.run(lab, ask(walk, length=10, seed=2), job)
    assert whole.edited is None and whole.broken == [] and whole.clean == found.clean


def test_heads_may_be_chosen_and_must_be_able_to_work_together(lab, job) -> None:
    found = walk.run(lab, ask(walk, length=10, route=[0, 2], match=[1, 3]), job)
    assert (found.route, found.match) == ("0.2", "1.3") and found.route_signature < found.clue
    for fields, error, said in (
        ({"route": [1, 1], "match": [1, 0]}, RungError, "heads of one layer read the same input"),
        ({"route": [1, 1]}, RungError, "no head is in a later layer than 1.1"),
        ({"match": [0, 1]}, RungError, "no head is in an earlier layer than 0.1"),
        ({"route": [0, 9]}, SiteError, "no head 0.9"),
        ({"at": 12}, RungError, "position 12 of the copy"),
        ({"model": "one-layer"}, RungError, "route and match need two"),
    ):
        with pytest.raises(error, match=said):
            walk.run(lab, ask(walk, **fields), job)


def test_no_head_reaches_its_own_layer(lab, job) -> None:
    found = reach.run(lab, ask(reach, length=10, seed=2), job)
    change = found.change.numpy()
    layer = np.arange(8) // 4
    assert (change[layer[None] <= layer[:, None]] == 0).all() and (change[:4, 4:] > 0).all()
    assert "no edge 0.1 → 0.0: heads of one layer read the same input" in found.refused
    model = lab.model("two-layer")
    tokens = repeated_tokens(model, period=10, sequences=1, seed=2).tokens
    donors = repeated_tokens(model, period=10, sequences=32, seed=3).tokens
    with torch.no_grad():
        mean = model.run_with_cache(donors)[1]["z", 0][:, :, 3].mean(0)
        clean = model.run_with_cache(tokens)[1]["pattern", 1]
        with model.hooks(fwd_hooks=[("blocks.0.attn.hook_z", without(3, mean))]):
            edited = model.run_with_cache(tokens)[1]["pattern", 1]
    np.testing.assert_allclose(change[3, 4:], (edited - clean).abs().amax((0, 2, 3)).numpy(), rtol=1e-3)
    assert job.steps[-1] == ("ablating each head", 8, 8)


def test_one_layer_reaches_nothing(lab, job) -> None:
    found = reach.run(lab, ask(reach, model="one-layer", length=10), job)
    assert (found.change.numpy() == 0).all() and found.refused == ""
