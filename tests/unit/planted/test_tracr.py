"""Compiled programs: against a forward pass in NumPy, and against what the program means."""

import copy

import numpy as np
import pytest
import torch

from rung.errors import CheckpointError
from rung.planted import from_tracr

D, HEADS, KEY, NEURONS, VOCABULARY, LENGTH, LAYERS = 7, 3, 4, 5, 6, 9, 2


def shapes(d, columns, neurons, vocabulary, length, layers):
    found = {"token_embed": {"embeddings": (vocabulary, d)}, "pos_embed": {"embeddings": (length, d)}}
    for layer in range(layers):
        here = f"transformer/layer_{layer}"
        for one in ("query", "key", "value"):
            found[f"{here}/attn/{one}"] = {"w": (d, columns), "b": (columns,)}
        found[f"{here}/attn/linear"] = {"w": (columns, d), "b": (d,)}
        found[f"{here}/mlp/linear_1"] = {"w": (d, neurons), "b": (neurons,)}
        found[f"{here}/mlp/linear_2"] = {"w": (neurons, d), "b": (d,)}
    return found


def drawn(seed=0):
    rng = np.random.default_rng(seed)
    made = shapes(D, HEADS * KEY, NEURONS, VOCABULARY, LENGTH, LAYERS)
    return {m: {n: rng.normal(0, 0.4, shape) for n, shape in named.items()} for m, named in made.items()}


def stream(params, tokens, heads, causal):
    """The residual stream of one sequence after the last layer, as Tracr's `transformer/model.py` computes it."""
    x = params["token_embed"]["embeddings"][tokens] + params["pos_embed"]["embeddings"][: len(tokens)]
    layers = sum(name.endswith("attn/query") for name in params)
    for layer in range(layers):
        here = f"transformer/layer_{layer}"
        q, k, v = (
            (x @ params[f"{here}/attn/{one}"]["w"] + params[f"{here}/attn/{one}"]["b"]).reshape(len(x), heads, -1)
            for one in ("query", "key", "value")
        )
        outputs = []
        for head in range(heads):
            scores = q[:, head] @ k[:, head].T / np.sqrt(q.shape[-1])
            if causal:
                scores = np.where(np.tril(np.ones_like(scores)) > 0, scores, -1e30)
            pattern = np.exp(scores - scores.max(1, keepdims=True))
            outputs.append(pattern / pattern.sum(1, keepdims=True) @ v[:, head])
        attended = np.concatenate(outputs, 1) @ params[f"{here}/attn/linear"]["w"]
        x = x + attended + params[f"{here}/attn/linear"]["b"]
        one, two = params[f"{here}/mlp/linear_1"], params[f"{here}/mlp/linear_2"]
        x = x + np.maximum(x @ one["w"] + one["b"], 0) @ two["w"] + two["b"]
    return x


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_random_parameters_give_the_logits_of_an_independent_forward_pass(causal, seed):
    params, output = drawn(seed), [5, 0, 3]
    model = from_tracr(params, n_heads=HEADS, causal=causal, output=output)
    tokens = np.random.default_rng(seed).integers(0, VOCABULARY, (4, LENGTH - seed))
    with torch.no_grad():
        logits = model(torch.tensor(tokens)).numpy()
    for row, found in zip(tokens, logits, strict=True):
        np.testing.assert_allclose(found, stream(params, row, HEADS, causal)[:, output], rtol=1e-4, atol=1e-5)


def test_without_an_output_the_logits_are_the_stream():
    params = drawn()
    model = from_tracr(params, n_heads=HEADS)
    with torch.no_grad():
        found = model(torch.tensor([[1, 2, 3, 4]]))[0].numpy()
    np.testing.assert_allclose(found, stream(params, [1, 2, 3, 4], HEADS, False), rtol=1e-4, atol=1e-5)


def test_names_may_be_flat_and_arrays_lists_or_tensors():
    params = drawn()
    flat = {f"{module}/{name}": array.tolist() for module, named in params.items() for name, array in named.items()}
    tensors = {m: {n: torch.tensor(array) for n, array in named.items()} for m, named in params.items()}
    models = [from_tracr(one, n_heads=HEADS) for one in (params, flat, tensors)]
    for name, W in models[0].state_dict().items():
        assert all(torch.equal(W, other.state_dict()[name]) for other in models[1:])


def fraction_of_x(length):
    """RASP's `aggregate(select(indices, indices, ≤), tokens == "x")`, compiled by hand as Tracr would: an MLP writes
    whether the token is x, a head averages that over the positions up to its own.

    The stream: [BOS, w, x, y | index 0 … | one | is x | the fraction].
    """
    tokens, one, is_x, answer = 4, 4 + length, 5 + length, 6 + length
    d, key = 7 + length, length + 1
    made = shapes(d, key, 1, tokens, length + 1, 2)
    params = {m: {n: np.zeros(shape) for n, shape in named.items()} for m, named in made.items()}
    params["token_embed"]["embeddings"][:, :tokens] = np.eye(tokens)
    params["token_embed"]["embeddings"][:, one] = 1
    params["pos_embed"]["embeddings"][1:, tokens : tokens + length] = np.eye(length)  # BOS has no index
    params["transformer/layer_0/mlp/linear_1"]["w"][2, 0] = 1
    params["transformer/layer_0/mlp/linear_2"]["w"][0, is_x] = 1
    index = slice(tokens, tokens + length)
    selected = np.tril(np.ones((length, length)))  # [query, key]
    here = "transformer/layer_1/attn"
    params[f"{here}/query"]["w"][index, :length] = 100 * selected * np.sqrt(key)
    params[f"{here}/key"]["w"][index, :length] = np.eye(length)
    params[f"{here}/value"]["w"][is_x, 0] = 1
    params[f"{here}/linear"]["w"][0, answer] = 1
    return params, answer


def test_a_program_computes_what_it_says():
    params, answer = fraction_of_x(6)
    model = from_tracr(params, n_heads=1, output=[answer])
    assert model.config.attention_dir == "bidirectional" and model.config.n_ctx == 7
    rows = [[0, 2, 1, 2, 2, 3, 1], [0, 1, 1, 1, 3, 3, 2], [0, 2, 2, 2, 2, 2, 2]]
    with torch.no_grad():
        found = model(torch.tensor(rows))[..., 0]
    for row, fractions in zip(rows, found.tolist(), strict=True):
        wanted = [sum(token == 2 for token in row[1 : at + 1]) / at for at in range(1, len(row))]
        assert fractions[1:] == pytest.approx(wanted, abs=1e-5)


def test_the_head_of_a_program_is_the_one_that_is_needed():
    """What is known of a compiled model can be asked of it: ablating its one working head removes the answer."""
    params, answer = fraction_of_x(6)
    model = from_tracr(params, n_heads=1, output=[answer])
    tokens = torch.tensor([[0, 2, 2, 2, 1, 1, 2]])
    with torch.no_grad():
        without = model.run_with_hooks(tokens, fwd_hooks=[("blocks.1.attn.hook_z", lambda z, hook: z * 0)])
    assert model(tokens)[0, -1, 0] > 0.6 and without.abs().max() < 1e-6


def spoiled(change):
    params = copy.deepcopy(drawn())
    change(params)
    return params


QUERY = "transformer/layer_1/attn/query"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.pop("pos_embed"), "pos_embed/embeddings is missing"),
        (lambda p: p[QUERY].pop("b"), f"{QUERY}/b is missing"),
        (lambda p: p.pop("transformer/layer_0/mlp/linear_1"), "transformer/layer_0/mlp/linear_1/b is missing"),
        (lambda p: p.update({"transformer/layer_0/layer_norm": {"scale": np.ones(D)}}), "none of a compiled program's"),
        (lambda p: p[QUERY].update(w=np.zeros((D, 5))), r"query/w has shape \(7, 5\); 7 × 12 would fit"),
        (lambda p: p[QUERY].update(w=np.zeros(D)), r"query/w has shape \(7,\)"),
        (
            lambda p: p["pos_embed"].update(embeddings=np.zeros((LENGTH, D + 1))),
            "pos_embed is 8 wide, and token_embed",
        ),
        (lambda p: p[QUERY]["w"].put(3, np.nan), "query/w holds numbers that are not finite"),
        (lambda p: p[QUERY].update(b="words"), "query/b is no array of numbers"),
        (
            lambda p: p.update({"transformer/layer_3/attn/query": {"w": 1.0}}),
            "layer_2/attn/query/w is missing",
        ),
    ],
)
def test_parameters_that_do_not_fit_are_named(change, message):
    with pytest.raises(CheckpointError, match=message):
        from_tracr(spoiled(change), n_heads=HEADS)


@pytest.mark.parametrize("heads", [0, 5, -3])
def test_heads_share_the_columns_evenly(heads):
    with pytest.raises(CheckpointError, match="cannot share 12 columns"):
        from_tracr(drawn(), n_heads=heads)


@pytest.mark.parametrize("output", [[], [7], [-1, 0]])
def test_the_output_is_in_the_stream(output):
    with pytest.raises(CheckpointError, match="the stream has those from 0 to 6"):
        from_tracr(drawn(), n_heads=HEADS, output=output)
