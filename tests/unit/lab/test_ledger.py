import numpy as np
import pytest
import torch

from rung.circuits.overlap import overlap
from rung.errors import RungError
from rung.lab.computations.ledger import OverlapAsk, WritesAsk, overlaps, writes
from rung.tasks.builtin import repeated_tokens


@pytest.mark.parametrize("name", ["two-layer", "two-layer-full", "zero-layer"])
def test_each_term_is_the_component_s_write_on_the_token_s_direction(lab, job, name):
    model = lab.model(name)
    found = writes.run(lab, WritesAsk(model=name, length=6, seed=4), job)
    tokens = repeated_tokens(model, period=6, sequences=1, seed=4).tokens
    with torch.no_grad():
        logits, cache = model.run_with_cache(tokens)
        scale = cache["ln_final.hook_scale"][0, :-1] if model.config.normalization_type else 1
        onto = model.W_U[:, tokens[0, 1:]].T
        expected = {"embed": cache["embed"][0, :-1]}
        for layer in range(model.config.n_layers):
            for head in range(4):
                expected[f"{layer}.{head}"] = cache["z", layer][0, :-1, head] @ model.W_O[layer, head]
            if found.has_mlp:
                expected[f"{layer}.mlp"] = cache["mlp_out", layer][0, :-1]
    assert found.components == list(expected)
    values = found.values.numpy()
    assert values.shape == (12, len(expected)) and len(found.tokens) == 13
    for at, written in enumerate(expected.values()):
        np.testing.assert_allclose(values[:, at], (written / scale * onto).sum(-1), atol=2e-4)
    truth = logits[0, :-1].gather(-1, tokens[0, 1:, None])[:, 0]
    np.testing.assert_allclose(found.total, truth, atol=1e-4)
    np.testing.assert_allclose(np.array(found.total) - values.sum(1), found.residual, atol=1e-4)
    assert max(map(abs, found.residual)) < 1e-4
    assert found.layers == [None if label == "embed" else int(label[0]) for label in found.components]


def test_a_text_is_read_as_its_tokens(lab, job):
    model = lab.model("two-layer")
    found = writes.run(lab, WritesAsk(text="of the United States"), job)
    assert found.tokens == model.to_str_tokens("of the United States")
    with pytest.raises(RungError, match="the lab runs from 1 to 256"):
        writes.run(lab, WritesAsk(length=600), job)


def test_the_overlap_matrix_is_the_library_s(lab, job):
    found, truth = overlaps.run(lab, OverlapAsk(model="two-layer-full"), job), overlap(lab.model("two-layer-full"))
    assert found.writers == list(truth.writers) and found.readers == list(truth.readers)
    np.testing.assert_array_equal(found.times_chance.numpy(), truth.times_chance)
    np.testing.assert_array_equal(found.spread.numpy(), truth.spread)
    seen = found.times_chance.numpy()
    with np.errstate(invalid="ignore"):
        assert ((seen > 1 + 5 * found.spread.numpy()) == (found.stands_out.numpy() == 1)).all()
    assert np.isnan(seen[found.writers.index("1.0"), found.readers.index("0.0.K")])
    assert "0.mlp" in found.readers and "1.mlp" in found.writers
