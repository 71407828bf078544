import math

import msgspec
import numpy as np
import pytest
import torch

from rung.errors import RungError, SiteError
from rung.lab.computations.weights import heads, pairs, tiles


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def ask(computation, **fields):
    return msgspec.convert(fields, computation.ask)


def ov(model, head):
    return (model.W_E @ model.W_V[head] @ model.W_O[head] @ model.W_U).detach()


def top1(matrix):
    return float((matrix.argmax(1) == torch.arange(len(matrix))).double().mean())


def test_tiles_are_corners_of_dense_products(lab, job) -> None:
    found = tiles.run(lab, ask(tiles, layer=1, head=0, sender=[0, 0], size=6, seed=4), job)
    model = lab.model("two-layer")
    ids = torch.tensor([model.to_single_token(text) for text in found.tokens])
    dense = ov(model, (1, 0))
    np.testing.assert_allclose(found.ov.right.values.numpy(), dense[ids][:, ids].numpy(), atol=2e-4)
    assert found.ov.right.whole.value == pytest.approx(top1(dense), abs=1e-9) and found.ov.right.whole.n == 2048
    assert found.ov.right.sample.value == pytest.approx(top1(dense[ids][:, ids]))
    x, (q, k) = model.W_E.detach(), (model.W_Q[1, 0].detach(), model.W_K[1, 0].detach())
    written = x @ model.W_V[0, 0].detach() @ model.W_O[0, 0].detach()
    composed = (written @ k) @ (x @ q).T / math.sqrt(32)
    np.testing.assert_allclose(found.composed.right.values.numpy(), composed[ids][:, ids].numpy(), atol=2e-4)
    assert found.composed.right.whole.value == pytest.approx(top1(composed), abs=1e-9)
    wrong = (x @ q @ k.T @ written.T / math.sqrt(32)).T
    assert top1(wrong) == found.composed.right.whole.value  # the same product, written the other way round
    turned = (x @ k @ q.T @ written.T).T
    assert found.composed.wrong.whole.value == pytest.approx(top1(turned), abs=1e-9)
    assert found.qk.right.whole.value == pytest.approx(top1((x @ k) @ (x @ q).T), abs=1e-9)
    assert found.ov.wrong.whole.value == pytest.approx(
        top1(x @ (model.W_V[1, 0] @ model.W_O[1, 0]).detach().T @ model.W_U.detach()), abs=1e-9
    )
    # What the section says of this model.
    assert found.ov.right.whole.value > 0.99 > 0.05 > found.ov.wrong.whole.value
    assert found.composed.right.whole.value > 0.99 > 0.05 > found.composed.wrong.whole.value
    assert found.qk.right.whole.value < 0.01
    assert (found.dense_bytes, found.factored_bytes) == (2048 * 2048 * 4, 2 * 2048 * 32 * 4)


def test_positions_are_read_where_there_are_any(lab, job) -> None:
    found = tiles.run(lab, ask(tiles, layer=0, head=0, size=5), job)
    model = lab.model("two-layer")
    P = model.W_pos.detach()
    scores = (P @ model.W_Q[0, 0].detach()) @ (P @ model.W_K[0, 0].detach()).T / math.sqrt(32)
    seen = torch.ones_like(scores, dtype=torch.bool).tril()
    causal = scores.masked_fill(~seen, -torch.inf)
    n = len(P)
    best = causal[1:].argmax(1) == torch.arange(n - 1)
    assert found.positions.share == pytest.approx(float(best.double().mean()))
    previous = causal.softmax(1)[torch.arange(1, n), torch.arange(n - 1)]
    assert found.positions.attention == pytest.approx(float(previous.mean()), rel=1e-4)
    corner = found.positions.values.numpy()
    assert np.isnan(corner[0, 1]) and corner[3, 2] == pytest.approx(float(scores[3, 2]), rel=1e-4)
    assert found.composed is None and found.no_positions == ""
    rotary = tiles.run(lab, ask(tiles, layer=0, head=0, size=5, model="two-layer-full"), job)
    assert rotary.positions is None and "rotary positions" in rotary.no_positions


def test_all_heads_score_high_by_eigenvalues_and_one_copies(lab, job) -> None:
    found = heads.run(lab, ask(heads), job)
    model = lab.model("two-layer")
    rows = {row.head: row for row in found.rows}
    for head in ((0, 2), (1, 0)):
        label, dense = f"{head[0]}.{head[1]}", ov(model, head)
        assert rows[label].copying.value == pytest.approx(top1(dense), abs=1e-9)
        small = (model.W_O[head] @ model.W_U @ model.W_E @ model.W_V[head]).detach().double()
        eigenvalues = torch.linalg.eigvals(small)
        score = float(eigenvalues.real.sum() / eigenvalues.abs().sum())
        assert rows[label].eigenvalues == pytest.approx(score, abs=1e-3)
    assert all(row.eigenvalues > 0.9 for row in found.rows) and len(found.rows) == 8
    assert [row.head for row in found.rows if row.copying.low >= found.floor] == ["1.0"]
    assert job.steps[-1] == ("QK of each head", 8, 8)


def test_the_largest_norm_is_not_the_pair_that_works(lab, job) -> None:
    found = pairs.run(lab, ask(pairs), job)
    model = lab.model("two-layer")
    scores = found.scores.numpy()

    def norm(sender, receiver):
        W_OV = (model.W_V[0, sender] @ model.W_O[0, sender]).detach()
        W_QK = (model.W_Q[1, receiver] @ model.W_K[1, receiver].T).detach()
        return float((W_OV @ W_QK.T).norm() / (W_OV.norm() * W_QK.norm()))

    by_pair = {(pair.sender, pair.receiver): pair for pair in found.pairs}
    assert len(by_pair) == 16 and found.pairs_left_out == 0
    for sender, receiver in ((0, 0), (3, 3)):
        pair = by_pair[f"0.{sender}", f"1.{receiver}"]
        assert pair.norm == pytest.approx(norm(sender, receiver), rel=1e-4)
        at = found.into.index("K"), found.heads.index(pair.sender), found.heads.index(pair.receiver)
        assert scores[at] == pytest.approx(pair.norm)
        rest = [norm(i, j) for i in range(4) for j in range(4) if (i, j) != (sender, receiver)]
        assert pair.other_pairs == pytest.approx(np.mean(rest), rel=1e-4)
        written = (model.W_E @ model.W_V[0, sender] @ model.W_O[0, sender]).detach()
        composed = (written @ model.W_K[1, receiver]) @ (model.W_E @ model.W_Q[1, receiver]).T
        assert pair.match.value == pytest.approx(top1(composed.detach()), abs=1e-9)
    assert found.chance == pytest.approx(1 / math.sqrt(128))
    strongest, true = found.pairs[0], max(found.pairs, key=lambda pair: pair.match.value)
    assert (strongest.sender, strongest.receiver) == ("0.3", "1.3") and strongest.match.value < 0.01
    assert (true.sender, true.receiver) == ("0.0", "1.0") and true.match.low > found.floor
    assert np.isnan(scores[:, 4:, :4]).all() and np.isfinite(scores[:, :4, 4:]).all()


def test_what_has_no_weights_to_read_is_refused(lab, job) -> None:
    for computation, fields, error, said in (
        (tiles, {"layer": 2, "head": 0}, SiteError, "no head 2.0"),
        (tiles, {"layer": 1, "head": 0, "sender": [1, 1]}, RungError, "heads of one layer read the same input"),
        (tiles, {"layer": 1, "head": 0, "size": 49}, RungError, "tokens in a tile"),
        (heads, {"model": "zero-layer"}, RungError, "no heads to read"),
        (pairs, {"model": "one-layer"}, RungError, "composition needs two layers"),
    ):
        with pytest.raises(error, match=said):
            computation.run(lab, ask(computation, **fields), job)
