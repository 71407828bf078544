import pytest
import torch

from rung.engine.weights import flatten
from rung.planted import PLANTED, plant
from rung.planted.wiring import LOGIT, PARKED, SHARPNESS, Hiding, Stream

# float32 sums over some hundred products, times the gain of the unembedding.
ROUNDING = 2e-3
BARE = Hiding(noise=0.0, rotated=False)


def weights_of(model):
    """The weights that a model has, without the zeros that classic state dicts hold."""
    return {name: tensor.detach() for name, tensor in flatten(model.config, model.weights)}


@pytest.fixture(params=[0, 1, 2])
def stream(request) -> Stream:
    return Stream.draw(torch.Generator().manual_seed(request.param))


def test_codes_are_unit_vectors_none_of_them_near_another(stream) -> None:
    codes = stream.codes[1:]
    alike = codes @ codes.T
    assert not stream.codes[0].any()
    torch.testing.assert_close(alike.diagonal(), torch.ones(len(codes)))
    assert alike.fill_diagonal_(0).max() < 0.4


def test_the_parts_of_the_stream_fill_it_and_do_not_overlap(stream) -> None:
    ends = [0, *(where.stop for where in stream.parts.values())]
    assert ends[:-1] == [where.start for where in stream.parts.values()]
    assert ends[-1] == stream.d_model


@pytest.mark.parametrize("distance", [0, 1, 7, 23])
def test_looking_back_scores_one_key_and_parks_at_bos(stream, distance) -> None:
    n, QK = stream.n_ctx, stream.looks_back(distance, parked=0.5)
    scores = stream.W_pos @ QK.AB @ stream.W_pos.T
    where = torch.arange(n)
    back = where[:, None] - where
    torch.testing.assert_close(scores[back == distance], torch.full((n - distance,), SHARPNESS))
    assert scores[(back >= 0) & (back != distance)].max() < 1e-3
    parked = stream.W_E[1:] @ QK.AB @ stream.W_E[0]
    torch.testing.assert_close(parked, torch.full_like(parked, 0.5 * SHARPNESS))


def test_matching_scores_the_token_after_itself_above_bos_above_the_rest(stream) -> None:
    query, key = stream.W_E, torch.zeros(stream.d_vocab, stream.d_model)
    key[:, stream.parts["before"]] = stream.codes
    scores = (query @ stream.matches("before").AB @ key.T)[1:, 1:]
    bos = (query @ stream.matches("before").AB @ stream.W_E[0])[1:]
    torch.testing.assert_close(scores.diagonal(), torch.full((stream.d_vocab - 1,), SHARPNESS))
    torch.testing.assert_close(bos, torch.full_like(bos, PARKED * SHARPNESS))
    assert scores.fill_diagonal_(0).max() < 0.4 * SHARPNESS


def test_moving_a_token_to_the_output_raises_it_and_bos_moves_nothing(stream) -> None:
    raised = stream.W_E @ stream.moves("token", "output", 0.5).AB @ stream.W_U
    torch.testing.assert_close(raised.diagonal()[1:], torch.full((stream.d_vocab - 1,), 0.5 * LOGIT))
    assert (raised[1:].argmax(1) == torch.arange(1, stream.d_vocab)).all()
    assert not raised[0].any()


def test_a_head_that_tells_sets_its_flag_for_tokens_and_not_for_bos(stream) -> None:
    told = (stream.W_E @ stream.moves("token", "output", telling=True).AB)[:, stream.parts["done"]]
    torch.testing.assert_close(told[:, 0], (torch.arange(stream.d_vocab) > 0).float())


@pytest.mark.parametrize("kind", PLANTED)
def test_the_rotation_hides_and_changes_nothing(kind, tokens, monkeypatch) -> None:
    monkeypatch.setattr("rung.planted.wiring.STEPS", 2**30)  # what is rounded after the rotation is not the same
    turned, plain = plant(kind, 3), plant(kind, 3, Hiding(rotated=False))
    assert turned.heads == plain.heads
    assert not torch.allclose(turned.model.W_E, plain.model.W_E)
    torch.testing.assert_close(turned.model(tokens), plain.model(tokens), atol=ROUNDING, rtol=ROUNDING)


@pytest.mark.parametrize("kind", ["circuit", "fixed_distance"])
def test_everything_comes_from_the_seed(kind) -> None:
    one, same, other = plant(kind, 1), plant(kind, 1), plant(kind, 2)
    assert (one.heads, one.why, one.name) == (same.heads, same.why, same.name)
    for name, tensor in weights_of(one.model).items():
        assert torch.equal(tensor, weights_of(same.model)[name])
        assert not torch.equal(tensor, weights_of(other.model)[name])


def test_noise_is_in_units_of_each_tensors_size() -> None:
    bare, noisy = plant("circuit", 0, BARE).model, plant("circuit", 0, Hiding(noise=0.1, rotated=False)).model
    for name, tensor in weights_of(bare).items():
        added = (weights_of(noisy)[name] - tensor).square().mean().sqrt() / tensor.square().mean().sqrt()
        assert added == pytest.approx(0.1, rel=0.1), name


def test_the_order_of_heads_is_random() -> None:
    places = {head for seed in range(40) for heads in plant("circuit", seed).heads.values() for head in heads}
    assert places == {(layer, head) for layer in range(2) for head in range(4)}
