"""The same circuit in every architecture: that it is there, does the work, and is hidden."""

import math

import pytest
import torch

from rung.errors import RungError
from rung.planted import ARCHITECTURES, plant
from rung.planted.wiring import CLEARLY, NEURONS, Architecture, Hiding, Stream

ROUNDING = 5e-3
"""float32 sums over some hundred products, times the gain of the unembedding, through up to nine norms."""
architectures = pytest.mark.parametrize("architecture", ARCHITECTURES)


@architectures
def test_a_model_has_what_its_architecture_says(architecture) -> None:
    made, config = ARCHITECTURES[architecture], plant("circuit", 0, architecture=architecture).model.config
    assert config.normalization_type == made.normalization_type
    assert config.attn_only == (made.mlp is None) and config.grouped == made.grouped
    assert (config.rotary is not None) == made.rotary and config.n_layers == max(2, made.n_layers)
    if made.positions == "rotary":
        assert config.rotary.dim == config.d_head
    if made.positions == "partial_rotary":
        assert config.rotary.dim < config.d_head


@architectures
def test_the_circuit_does_the_work_and_runs_into_keys(architecture, measured_in) -> None:
    found = measured_in(architecture)
    (sender,), (receiver,) = found.heads["previous_token"], found.heads["induction"]
    assert found.second.mean() < 0.1 and found.first.mean() < 1.3 * math.log(found.model.config.d_vocab)
    assert found.previous(sender).min() > 0.9 and found.stripe(receiver).min() > 0.9
    for heads in found.heads.values():
        assert min(found.costs(heads).values()) > 0.7 * found.gain
    shares = found.shares()
    assert shares["K"] > 0.9 and max(abs(shares["Q"]), abs(shares["V"])) < 0.05
    loss, agreement = found.alone()
    assert loss < 0.2 and agreement > 0.95
    assert found.interchanged() > 0.95
    assert found.push(receiver) > 8


@architectures
def test_no_other_head_matters(architecture, measured_in) -> None:
    found = measured_in(architecture)
    assert max(found.cost((head,)) for head in found.unclaimed) < 0.03 * found.gain


@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if name != "attention_only"])
def test_the_rotation_hides_and_changes_nothing(architecture, tokens, monkeypatch) -> None:
    monkeypatch.setattr("rung.planted.wiring.STEPS", 2**30)  # what is rounded after the rotation is not the same
    turned, plain = (plant("circuit", 3, Hiding(rotated=rotated), architecture) for rotated in (True, False))
    assert turned.heads == plain.heads
    assert not torch.allclose(turned.model.W_E, plain.model.W_E)
    torch.testing.assert_close(turned.model(tokens), plain.model(tokens), atol=ROUNDING, rtol=ROUNDING)


def test_under_layernorm_there_is_no_mean_to_take_out(monkeypatch) -> None:
    monkeypatch.setattr("rung.planted.wiring.STEPS", 2**30)  # what is rounded after the rotation has a small mean
    W_E = plant("circuit", 0, architecture="layernorm").model.W_E
    assert W_E.mean(1).abs().max() < 1e-6 < W_E.abs().max()


def test_silent_neurons_write_nothing_and_stray_ones_something_faint(measured_in) -> None:
    silent, stray = (measured_in(name) for name in ("silent_mlp", "mlp"))
    assert not any(W.any() for W in silent.model.weights["W_out"])
    assert all(W.any() for W in stray.model.weights["W_out"])
    assert abs(stray.mlp_push(1)) < 0.1 * stray.push(stray.heads["induction"][0])


@pytest.mark.parametrize("positions", ["rotary", "partial_rotary"])
@pytest.mark.parametrize("distance", [1, 2, 9])
def test_a_rotary_head_prefers_its_distance_to_every_other(positions, distance) -> None:
    from rung.engine.positions import cos_sin, rotate

    stream = Stream.draw(torch.Generator().manual_seed(0), architecture=Architecture(positions=positions))
    QK, n = stream.looks_back(distance), stream.n_ctx
    flag = torch.zeros(stream.d_model)
    flag[stream.parts["ordinary"]] = 1
    cos, sin = cos_sin(stream.rotary, torch.arange(n))
    q, k = ((flag @ W).expand(1, n, 1, -1) for W in (QK.A, QK.B.T))
    scores = (rotate(q, stream.rotary, cos, sin)[0, -1, 0] * rotate(k, stream.rotary, cos, sin)[0, :, 0]).sum(-1)
    scores = scores.flip(0)
    others = scores[torch.arange(n) != distance]
    assert float(scores[distance] - others.max()) == pytest.approx(CLEARLY, rel=1e-3)


@pytest.mark.parametrize("act_fn", ["gelu", "gelu_new", "quick_gelu", "relu", "silu"])
def test_pairs_of_neurons_carry_a_code_as_it_is(act_fn) -> None:
    from rung.engine.transformer import activate

    stream = Stream.draw(torch.Generator().manual_seed(0)).beside("side")
    neurons = stream.carries("side", "output", 0.5)
    x = torch.zeros(stream.d_vocab, stream.d_model)
    x[:, stream.parts["side"]] = stream.codes
    written = activate(act_fn, x @ neurons.W_in + neurons.b_in) @ neurons.W_out
    torch.testing.assert_close(written[:, stream.parts["output"]], 0.5 * stream.codes)
    assert len(neurons.b_in) <= NEURONS


def test_neurons_that_look_a_code_up_write_that_code() -> None:
    stream = Stream.draw(torch.Generator().manual_seed(0)).beside("side")
    neurons = stream.looks_up("side", "output")
    x = torch.zeros(stream.d_vocab, stream.d_model)
    x[:, stream.parts["side"]] = stream.codes
    written = (x @ neurons.W_in + neurons.b_in).relu() @ neurons.W_out
    torch.testing.assert_close(written[1:, stream.parts["output"]], stream.codes[1:])
    assert not written[0].any()


def test_an_unknown_architecture_is_named_beside_those_there_are() -> None:
    with pytest.raises(
        RungError, match=r"no architecture is called 'mpl'; there are attention_only, .* Near names: mlp"
    ):
        plant("circuit", 0, architecture="mpl")


def test_a_kind_with_an_architecture_of_its_own_takes_no_other() -> None:
    with pytest.raises(RungError, match="circuit_norm has an architecture of its own"):
        plant("circuit_norm", 0, architecture="mlp")


def test_the_architecture_is_in_the_name() -> None:
    assert plant("circuit", 3, architecture="mlp").name == "circuit-mlp-3"
    assert plant("circuit", 3, architecture=Architecture(mlp="stray")).name == "circuit-3"
