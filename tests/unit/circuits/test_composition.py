import pytest
import torch

from rung.circuits.composition import composition, routed_diagonal, routed_qk
from rung.circuits.heads import attention_scale
from rung.errors import RungError, SiteError


def norm(matrix: torch.Tensor) -> float:
    return float(torch.linalg.matrix_norm(matrix))


@pytest.mark.parametrize("into", ["Q", "K", "V"])
def test_scores_are_those_of_the_dense_products(build, into) -> None:
    model = build()
    found = composition(model)
    for sender, receiver in [((0, 1), (1, 3)), ((0, 2), (2, 0)), ((1, 3), (2, 1))]:
        W_Q, W_K, W_V, W_O = model.W_Q, model.W_K, model.W_V, model.W_O
        write = W_V[sender] @ W_O[sender]
        # What the receiver does with a row vector that it meets as a query, as a key, as a value.
        read = {
            "Q": W_Q[receiver] @ W_K[receiver].T,
            "K": W_K[receiver] @ W_Q[receiver].T,
            "V": W_V[receiver] @ W_O[receiver],
        }[into]
        names = [f"{layer}.{head}" for layer, head in (sender, receiver)]
        assert found.score(*names, into) == pytest.approx(norm(write @ read) / norm(write) / norm(read))


def test_only_later_layers_receive(build) -> None:
    found = composition(build())
    layers = torch.arange(12) // 4
    assert torch.equal(found.values.isfinite(), (layers[:, None] < layers).expand(3, 12, 12))
    assert found.n == 48
    assert found.chance == pytest.approx(20**-0.5)


def test_the_norms_weights_are_folded_in(build) -> None:
    model = build("RMS, rotary, grouped, gated")
    write = model.weights["W_V"][0][0] @ model.weights["W_O"][0][1]
    w = model.weights["ln1_w"][2]
    read = (w[:, None] * model.weights["W_K"][2][1]) @ (w[:, None] * model.weights["W_Q"][2][2]).T
    write = model.weights["ln1_w"][0][:, None] * write
    assert composition(model).score("0.1", "2.2", "K") == pytest.approx(norm(write @ read) / norm(write) / norm(read))


def test_routed_qk_is_the_dense_product(build) -> None:
    model = build()
    sender, receiver = (0, 2), (1, 1)
    W_E, write = model.W_E, model.W_V[sender] @ model.W_O[sender]
    dense = (W_E @ model.W_Q[receiver]) @ (W_E @ write @ model.W_K[receiver]).T / attention_scale(model.config)
    torch.testing.assert_close(routed_qk(model, sender, receiver, W_E, W_E).AB, dense)
    found = routed_diagonal(model, sender, receiver)
    torch.testing.assert_close(found.rank, (dense > dense.diagonal()).sum(0))


def test_routed_qk_is_what_the_receiver_sees_in_a_run(build) -> None:
    """No norm, no positions: the score that the sender's write at each key adds, sender attending to one token."""
    model = build("no norm, shortformer, attention only", positional_embedding_type=None, n_ctx=13)
    tokens = torch.arange(13)
    sender, receiver = (0, 3), (1, 0)
    _, cache = model.run_with_cache(tokens[:, None])  # each token alone, so each is attended to
    written = cache["result", 0][:, 0, 3]
    q = model.W_E @ model.W_Q[receiver]
    ran = torch.einsum("qe,ke->qk", q, written @ model.W_K[receiver]) / attention_scale(model.config)
    torch.testing.assert_close(routed_qk(model, sender, receiver, model.W_E, model.W_E).AB, ran)


def test_the_wired_pair_and_no_other_routes(wired) -> None:
    shares = {(s, r): routed_diagonal(wired, (0, s), (1, r)).share for s in range(3) for r in range(3)}
    assert shares.pop((1, 2)) == 1
    assert set(shares.values()) == {0.0}


@pytest.mark.parametrize(("sender", "receiver"), [((1, 0), (1, 2)), ((1, 0), (0, 2))])
def test_an_edge_within_a_layer_or_backwards_is_refused(wired, sender, receiver) -> None:
    with pytest.raises(RungError, match="no edge"):
        routed_diagonal(wired, sender, receiver)


def test_what_is_not_there_is_refused(wired, build) -> None:
    with pytest.raises(SiteError, match="no head"):
        routed_diagonal(wired, (0, 9), (1, 0))
    with pytest.raises(RungError, match="two layers"):
        composition(build(n_layers=1))
    with pytest.raises(RungError, match=r"no head '7\.7'"):
        composition(wired).score("7.7", "1.0", "K")
