import math

import pytest
import torch

from rung.circuits.composition import composition
from rung.circuits.overlap import overlap
from rung.model.model import HookedTransformer


def dense(model, label, into=None):
    """What a component writes (rows), or what an input reads (columns), as a dense matrix of a model without norms."""
    w = model.weights
    if label == "embed":
        return w["W_E"]
    if label == "unembed":
        return w["W_U"]
    layer, what = label.split(".")[:2]
    if what == "mlp":
        return w["W_out"][int(layer)] if into is None else w["W_in"][int(layer)]
    head = model.blocks[int(layer)].attn
    ov = head.W_V[int(what)] @ head.W_O[int(what)]
    qk = head.W_Q[int(what)] @ head.W_K[int(what)].T
    return {None: ov, "Q": qk, "K": qk.T, "V": ov}[into]


def test_each_pair_is_the_dense_product(build):
    model = build("no norm, shortformer, attention only", d_mlp=24, act_fn="relu")
    found = overlap(model)
    assert found.writers[0] == "embed" and found.readers[-1] == "unembed" and "1.mlp" in found.writers
    for i, writer in enumerate(found.writers):
        for j, reader in enumerate(found.readers):
            value = float(found.times_chance[i, j])
            when = -1.0 if writer == "embed" else int(writer[0]) + (0.5 if "mlp" in writer else 0)
            reads = 9.0 if reader == "unembed" else int(reader[0]) + (0.5 if "mlp" in reader else 0)
            if reads <= when:
                assert math.isnan(value)
                continue
            W, R = dense(model, writer), dense(model, reader, reader.split(".")[-1] if reader[-1] in "QKV" else "in")
            expected = 20 * float((W @ R).norm() / (W.norm() * R.norm())) ** 2
            assert value == pytest.approx(expected, rel=1e-9), (writer, reader)


def test_between_heads_it_is_the_composition_score_squared(any_kind):
    if any_kind.config.latent is not None:
        pytest.skip("its queries and keys are not one product with the stream")
    found, scores = overlap(any_kind), composition(any_kind)
    for sender, receiver, into, score in scores.ranked():
        at = found.writers.index(sender), found.readers.index(f"{receiver}.{into}")
        assert float(found.times_chance[at]) == pytest.approx(20 * score**2, rel=1e-6)


def test_mean_and_spread_over_random_turns_are_as_computed(build):
    model = build("no norm, shortformer, attention only", d_mlp=24, act_fn="relu")
    found = overlap(model)
    generator = torch.Generator().manual_seed(5)
    turns = [torch.linalg.qr(torch.randn(20, 20, generator=generator, dtype=torch.double))[0] for _ in range(4000)]
    turns = [Q * torch.sign(torch.randn(20, generator=generator, dtype=torch.double)) for Q in turns]
    for writer, reader in (("0.1", "1.0.K"), ("embed", "0.mlp"), ("0.mlp", "unembed")):
        W, R = dense(model, writer), dense(model, reader, "K" if reader.endswith("K") else "in")
        sampled = torch.stack([20 * ((W @ Q @ R).norm() / (W.norm() * R.norm())) ** 2 for Q in turns])
        at = found.writers.index(writer), found.readers.index(reader)
        assert float(sampled.mean()) == pytest.approx(1, abs=5 * float(sampled.std()) / 4000**0.5)
        assert float(sampled.std()) == pytest.approx(float(found.spread[at]), rel=0.08)


def test_the_edge_of_the_circuit_stands_out():
    found = overlap(HookedTransformer.from_pretrained("two-layer"))
    scores = {(w, r): float(found.times_chance[i, j]) for i, w in enumerate(found.writers)
              for j, r in enumerate(found.readers)}  # fmt: skip
    assert found.stands_out()[found.writers.index("0.0"), found.readers.index("1.0.K")]
    between = {pair: v for pair, v in scores.items() if pair[0][0] == "0" and pair[1].endswith(".K") and v == v}
    assert max(between, key=between.get)[1].startswith("1.")
