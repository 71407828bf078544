import pytest
import torch

from rung.circuits.composition import composition, gaussian_composition, routed_diagonal, routed_qk
from rung.circuits.heads import attention_scale, kv_head, queries_of, token_inputs
from rung.engine.positions import position_info
from rung.engine.taps import NO_TAP
from rung.engine.transformer import norm_before
from rung.engine.weights import block_weights
from rung.errors import NotDefinedError, RungError, SiteError
from rung.methods.scores import LinearizedRead, query_key_vectors


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
    torch.testing.assert_close(routed_qk(model, {sender: W_E}, receiver, W_E).AB, dense)
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
    torch.testing.assert_close(routed_qk(model, {sender: model.W_E}, receiver, model.W_E).AB, ran)


def test_senders_of_one_receiver_are_read_together(build) -> None:
    model, receiver = build("no norm, shortformer, attention only"), (2, 1)
    tables = {(0, 2): model.W_E, (1, 3): model.W_E.flip(1)}
    each = [routed_qk(model, {sender: table}, receiver, model.W_E).AB for sender, table in tables.items()]
    torch.testing.assert_close(routed_qk(model, tables, receiver, model.W_E).AB, each[0] + each[1])


def test_routed_qk_is_what_runs_of_every_kind_add_but_for_a_positive_number_a_key(any_kind) -> None:
    """Each token alone, at position 0, where nothing is turned: what the sender writes, in the receiver's keys."""
    model, config = any_kind, any_kind.config
    sender, receiver, tokens = (0, 3), (1, 0), torch.arange(13)[:, None]
    _, cache = model.run_with_cache(tokens)
    if config.latent is not None:
        with pytest.raises(NotDefinedError, match="has no W_Q"):
            routed_qk(model, {sender: model.W_E}, receiver, model.W_E, back=0)
        return
    positions = position_info(config, model.weights, (13, 1), tokens.device)
    read = LinearizedRead.of(model, receiver, "K", cache, positions)
    w = block_weights(model.weights, 0)
    group = kv_head(config, sender)
    always = 0 if w.b_V is None else w.b_V[group]
    always = always if w.ln1_b is None else always + w.ln1_b @ w.W_V[group]
    alone = cache["z", 0][:, :, 3] - always
    keys = read.of_stream(cache.as_written(alone @ w.W_O[3], "attn_out", 0))[:, 0]
    x = norm_before(config, None, None, "ln1", 0, cache["resid_pre", 0][:, 0], NO_TAP)
    queries = norm_before(config, None, None, "ln1", 1, cache["resid_pre", 1][:, 0], NO_TAP)
    found = routed_qk(model, {sender: x}, receiver, queries, back=0).AB
    if config.positional_embedding_type == "shortformer":
        queries = queries_of(model, receiver, queries)
    else:
        queries = query_key_vectors(model, receiver, cache)[0][:, 0]
    ran = queries @ keys.T / attention_scale(config)
    ratio = ran / found
    torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio), atol=1e-5, rtol=1e-5)
    assert (ratio > 0).all()


def test_senders_of_several_layers_with_norms_behind_them_cannot_be_read_together(build) -> None:
    model = build("RMS behind, all queries normed as one")
    x = token_inputs(model)
    with pytest.raises(RungError, match=r"0\.1, 1\.0 are in several layers"):
        routed_qk(model, {(0, 1): x, (1, 0): x}, (2, 0), x)


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


def test_the_baseline_of_a_pair_is_the_mean_of_the_others_of_its_layers(build) -> None:
    found = composition(build())
    block = found.values[1, 0:4, 8:12]
    expected = (block.sum() - block[2, 3]) / 15
    torch.testing.assert_close(found.others()[1, 2, 11], expected)
    assert torch.equal(found.others().isnan(), found.values.isnan())
    sender, receiver, into, score = found.ranked()[0]
    assert score == found.score(sender, receiver, into) == pytest.approx(float(found.values.nan_to_num().max()))


def test_one_head_a_layer_has_no_other_pairs(build) -> None:
    assert composition(build(n_heads=1)).others().isnan().all()


@pytest.mark.parametrize(("d_model", "d_head"), [(40, 5), (64, 16)])
def test_gaussian_heads_score_one_over_the_root_of_d_model(d_model: int, d_head: int) -> None:
    mean, deviation = gaussian_composition(d_model, d_head, seed=3)
    assert (mean**2 + deviation**2) ** 0.5 == pytest.approx(d_model**-0.5, rel=0.05)
    assert gaussian_composition(d_model, d_head, seed=3) == (mean, deviation)
