"""The forward pass against formulas written out head by head, in float64, over every kind of model it covers."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rung.config import BIASES, ModelConfig, Rotary, RotaryScaling, bias_shapes
from rung.engine.positions import causal, frequencies, rotate, sinusoids
from rung.engine.sites import Site, sites_of
from rung.engine.taps import CacheTap, EditTap, compose
from rung.engine.transformer import forward
from rung.engine.weights import block_weights, init_weights, single, unembedding

ACTS = {"gelu": F.gelu, "gelu_new": lambda x: F.gelu(x, approximate="tanh"), "relu": F.relu, "silu": F.silu}


KINDS = st.fixed_dictionaries(
    {
        "n_layers": st.integers(0, 3),
        "heads": st.sampled_from([(4, 4), (4, 2), (3, 1), (1, 1)]),
        "act_fn": st.sampled_from([None, *sorted(ACTS)]),
        "gated": st.booleans(),
        "parallel": st.booleans(),
        "norm": st.sampled_from(["LN", "LNPre", "RMS", "RMSPre", None]),
        "positions": st.sampled_from(["standard", "sinusoidal", "shortformer", "rotary", None]),
        "turning": st.tuples(st.sampled_from([2, 4, 6]), st.sampled_from(["halves", "adjacent"])),
        "scale": st.sampled_from([None, 1.7]),
        "tied": st.booleans(),
        "biases": st.sets(st.sampled_from(BIASES)),
    }
)


def build(kind):
    mlp, (heads, kv), (dim, pairing) = kind["act_fn"] is not None, kind["heads"], kind["turning"]
    config = ModelConfig(
        n_layers=kind["n_layers"],
        d_model=10,
        n_heads=heads,
        d_head=6,
        n_key_value_heads=kv,
        d_vocab=13,
        n_ctx=9,
        d_mlp=7 if mlp else None,
        act_fn=kind["act_fn"],
        gated_mlp=mlp and kind["gated"],
        parallel_attn_mlp=mlp and kind["parallel"],
        normalization_type=kind["norm"],
        positional_embedding_type=kind["positions"],
        rotary=Rotary(dim=dim, base=100.0, pairing=pairing) if kind["positions"] == "rotary" else None,
        attn_scale=kind["scale"],
        tied_embeddings=kind["tied"],
    )
    return replace(config, biases=frozenset(kind["biases"]) & frozenset(bias_shapes(config)))


def random_weights(config, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def shake(x):
        return x + 0.3 * torch.randn(x.shape, generator=generator, dtype=x.dtype)

    weights = init_weights(config, seed, torch.float64)
    return {n: tuple(map(shake, w)) if isinstance(w, tuple) else shake(w) for n, w in weights.items()}


def norm_by_hand(config, x, w, b):
    if config.normalization_type is None:
        return x
    if config.normalization_type.startswith("LN"):
        x = x - x.mean(-1, keepdim=True)
    x = x / ((x**2).mean(-1, keepdim=True) + config.eps) ** 0.5
    return x * (1 if w is None else w) + (0 if b is None else b)


def turn_by_hand(config, x):
    """One head's q or k, [pos, d_head], each pair turned as a complex number."""
    rotary, out = config.rotary, x.clone()
    for pos in range(len(x)):
        for i in range(rotary.dim // 2):
            a, b = (i, i + rotary.dim // 2) if rotary.pairing == "halves" else (2 * i, 2 * i + 1)
            angle = pos * rotary.base ** (-2 * i / rotary.dim)
            turned = complex(x[pos, a], x[pos, b]) * complex(math.cos(angle), math.sin(angle))
            out[pos, a], out[pos, b] = turned.real, turned.imag
    return out


def forward_by_hand(config, weights, tokens):
    """Logits of one sequence, [pos, d_vocab]."""
    n = len(tokens)
    x = weights["W_E"][tokens]
    added = torch.zeros_like(x)
    if config.positional_embedding_type in ("standard", "shortformer"):
        added = weights["W_pos"][:n]
    if config.positional_embedding_type == "sinusoidal":
        for pos in range(n):
            for i in range(config.d_model):
                angle = pos / config.sinusoidal_base ** (2 * (i // 2) / config.d_model)
                added[pos, i] = math.cos(angle) if i % 2 else math.sin(angle)
    short = config.positional_embedding_type == "shortformer"
    x = x if short else x + added
    for layer in range(config.n_layers):
        w = block_weights(weights, layer)
        normed = norm_by_hand(config, x, w.ln1_w, w.ln1_b)
        positioned = normed + added if short else normed
        out = torch.zeros_like(x) if w.b_O is None else w.b_O.expand_as(x)
        for head in range(config.n_heads):
            group = head * config.n_kv // config.n_heads
            q = positioned @ w.W_Q[head] + (0 if w.b_Q is None else w.b_Q[head])
            k = positioned @ w.W_K[group] + (0 if w.b_K is None else w.b_K[group])
            v = normed @ w.W_V[group] + (0 if w.b_V is None else w.b_V[group])
            if config.rotary:
                q, k = turn_by_hand(config, q), turn_by_hand(config, k)
            scores = q @ k.T / (config.attn_scale or config.d_head**0.5)
            weight = (scores - scores.max()).exp() * torch.ones(n, n).tril()
            out = out + (weight / weight.sum(-1, keepdim=True)) @ v @ w.W_O[head]
        mid = x + out
        if config.d_mlp is None:
            x = mid
            continue
        normed = norm_by_hand(config, x if config.parallel_attn_mlp else mid, w.ln2_w, w.ln2_b)
        hidden = normed @ w.W_in + (0 if w.b_in is None else w.b_in)
        if config.gated_mlp:
            hidden = hidden * ACTS[config.act_fn](normed @ w.W_gate + (0 if w.b_gate is None else w.b_gate))
        else:
            hidden = ACTS[config.act_fn](hidden)
        x = mid + hidden @ w.W_out + (0 if w.b_out is None else w.b_out)
    x = norm_by_hand(config, x, single(weights, "ln_final_w"), single(weights, "ln_final_b"))
    b_U = single(weights, "b_U")
    return x @ unembedding(weights) + (0 if b_U is None else b_U)


@given(KINDS)
@settings(max_examples=50, phases=(Phase.generate,))
def test_every_kind_of_model_computes_its_formula(kind):
    config = build(kind)
    weights = random_weights(config)
    tokens = torch.tensor([[3, 1, 4, 1, 5, 9, 2], [6, 5, 3, 5, 8, 9, 7]])
    by_hand = torch.stack([forward_by_hand(config, weights, row) for row in tokens])
    # 1e-6: rotary and sinusoidal tables are kept in float32.
    torch.testing.assert_close(forward(config, weights, tokens), by_hand, atol=1e-5, rtol=1e-5)


@given(KINDS)
@settings(max_examples=40, phases=(Phase.generate,))
def test_watching_every_site_changes_nothing_and_sees_every_site(kind):
    config = build(kind)
    weights, tokens = random_weights(config), torch.tensor([[3, 1, 4, 1, 5]])
    tap = CacheTap(sites_of(config))
    torch.testing.assert_close(forward(config, weights, tokens, tap), forward(config, weights, tokens))
    assert set(tap.store) == {site.path for site in sites_of(config)}
    axes = {"batch": 1, "pos": 5, "query_pos": 5, "key_pos": 5, "1": 1, "head": config.n_heads, "kv_head": config.n_kv}
    axes |= {"d_model": config.d_model, "d_head": config.d_head, "d_mlp": config.d_mlp}
    for site in sites_of(config):
        shape = [axes[axis] for axis in site.kind.axes]
        assert list(tap.store[site.path].shape) == shape, site.path


@given(KINDS, st.integers(0, 10_000))
@settings(max_examples=40, phases=(Phase.generate,))
def test_an_edit_at_a_site_is_what_the_rest_of_the_pass_reads(kind, pick):
    """Replacing any site's value by that of another input moves the logits, and does so in place as well."""
    config = build(kind | {"n_layers": max(1, kind["n_layers"])})
    weights = random_weights(config)
    sites = [site for site in sites_of(config) if site.name not in ("embed", "pos_embed")]
    site = sites[pick % len(sites)]
    tokens, other = torch.tensor([[3, 1, 4, 1, 5]]), torch.tensor([[3, 2, 7, 1, 8]])
    cache = CacheTap([site])
    forward(config, weights, other, cache)
    foreign = cache.store[site.path]
    edited = forward(config, weights, tokens, EditTap({site: lambda x: foreign}))
    in_place = forward(config, weights, tokens, EditTap({site: lambda x: None if x.copy_(foreign) is x else x}))
    torch.testing.assert_close(edited, in_place)
    if torch.equal(foreign, _value(config, weights, tokens, site)):
        return
    assert not torch.allclose(edited, forward(config, weights, tokens)), site.path
    if site.name == "resid_post" and site.layer == config.n_layers - 1:
        torch.testing.assert_close(edited, forward(config, weights, other))


def _value(config, weights, tokens, site):
    cache = CacheTap([site])
    forward(config, weights, tokens, cache)
    return cache.store[site.path]


def test_split_inputs_reach_one_head_only():
    config = ModelConfig(n_layers=1, d_model=8, n_heads=4, n_key_value_heads=2, d_head=4, d_vocab=11, n_ctx=6)
    weights, tokens = random_weights(config), torch.tensor([[3, 1, 4, 1]])
    z = Site("z", 0)
    clean = _value(config, weights, tokens, z)
    for name, head, touched in (("q_input", 2, [2]), ("k_input", 1, [2, 3]), ("v_input", 0, [0, 1])):

        def shift(x, head=head):
            x[:, :, head] += 1.0 + torch.arange(8)

        cache = CacheTap([z])
        forward(config, weights, tokens, compose(EditTap({Site(name, 0): shift}), cache))
        moved = (cache.store[z.path] - clean).abs().sum((0, 1, 3)) > 1e-9
        assert moved.nonzero().flatten().tolist() == touched


def test_causal_later_tokens_change_nothing_before_them():
    config = ModelConfig(n_layers=2, d_model=8, n_heads=2, d_head=4, d_vocab=11, n_ctx=6)
    weights = random_weights(config)
    a = forward(config, weights, torch.tensor([[1, 2, 3, 4]]))
    b = forward(config, weights, torch.tensor([[1, 2, 3, 9]]))
    torch.testing.assert_close(a[:, :3], b[:, :3])
    assert not torch.allclose(a[:, 3], b[:, 3])
    assert causal(2, 3, torch.device("cpu")).tolist() == [[True, True, False], [True, True, True]]


@pytest.mark.parametrize("positions", ["standard", "sinusoidal", "shortformer", "rotary", None])
def test_padding_neither_moves_positions_nor_is_seen(positions):
    rotary = Rotary(dim=4) if positions == "rotary" else None
    config = ModelConfig(
        n_layers=2,
        d_model=8,
        n_heads=2,
        d_head=4,
        d_vocab=11,
        n_ctx=8,
        positional_embedding_type=positions,
        rotary=rotary,
    )
    weights = random_weights(config)
    alone = forward(config, weights, torch.tensor([[3, 1, 4]]))
    padded = torch.tensor([[7, 8, 3, 1, 4]])
    mask = torch.tensor([[False, False, True, True, True]])
    for tap in (CacheTap([]), CacheTap(sites_of(config))):
        out = forward(config, weights, padded, tap, mask=mask)
        assert out.isfinite().all()
        torch.testing.assert_close(out[:, 2:], alone, atol=1e-6, rtol=1e-6)


def test_gradients_flow_to_every_weight_tapped_and_untapped():
    config = ModelConfig(
        n_layers=2, d_model=8, n_heads=2, d_head=4, d_vocab=11, n_ctx=6, d_mlp=5, act_fn="silu", gated_mlp=True,
        biases=frozenset(BIASES),
    )  # fmt: skip
    weights, tokens = random_weights(config), torch.tensor([[3, 1, 4, 1]])
    leaves = [x.requires_grad_() for w in weights.values() for x in (w if isinstance(w, tuple) else (w,))]
    grads = []
    for tap in (CacheTap([]), CacheTap(sites_of(config))):
        loss = forward(config, weights, tokens, tap).logsumexp(-1).sum()
        grads.append(torch.autograd.grad(loss, leaves))
    for plain, tapped, leaf in zip(*grads, leaves, strict=True):
        torch.testing.assert_close(plain, tapped)
        # A key bias moves all of a query's scores alike: its gradient is zero.
        assert plain.abs().sum() > 0 and plain.shape == leaf.shape


def test_half_precision_follows_single():
    config = ModelConfig(n_layers=2, d_model=32, n_heads=2, d_head=16, d_vocab=50, n_ctx=16, d_mlp=64, act_fn="gelu")
    weights = init_weights(config, 0)
    half = {n: tuple(x.bfloat16() for x in w) if isinstance(w, tuple) else w.bfloat16() for n, w in weights.items()}
    tokens = torch.arange(12)[None]
    wide, narrow = forward(config, weights, tokens), forward(config, half, tokens)
    assert narrow.dtype == torch.bfloat16
    tapped = forward(config, half, tokens, CacheTap(sites_of(config)))
    for out in (narrow, tapped):
        # bfloat16 keeps eight bits: a relative error of 2^-8 at each of a dozen roundings.
        torch.testing.assert_close(out.float(), wide, atol=0.05, rtol=0.05)


def test_llama3_scaling_keeps_fast_angles_and_divides_slow_ones():
    plain = Rotary(dim=64, base=500000.0)
    scaling = RotaryScaling(kind="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_n_ctx=8192)
    cpu = torch.device("cpu")
    base, scaled = frequencies(plain, cpu), frequencies(replace(plain, scaling=scaling), cpu)
    wavelengths = 2 * math.pi / base
    fast, slow = wavelengths < 8192 / 4, wavelengths > 8192
    torch.testing.assert_close(scaled[fast], base[fast])
    torch.testing.assert_close(scaled[slow], base[slow] / 8)
    assert ((scaled <= base) & (scaled >= base / 8)).all() and fast.any() and slow.any() and not (fast | slow).all()
    linear = replace(plain, scaling=RotaryScaling(kind="linear", factor=2.0))
    torch.testing.assert_close(frequencies(linear, cpu), base / 2)


def test_rotation_depends_on_distance_only():
    rotary = Rotary(dim=4, base=50.0)
    q, k = torch.randn(2, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    angles = torch.arange(10)[:, None] * frequencies(rotary, torch.device("cpu"))

    def at(x, pos):
        return rotate(x.view(1, 1, 1, 4), rotary, angles[pos : pos + 1].cos(), angles[pos : pos + 1].sin()).flatten()

    torch.testing.assert_close(at(q, 7) @ at(k, 4), at(q, 3) @ at(k, 0), atol=1e-6, rtol=1e-6)
    assert not torch.allclose(at(q, 7) @ at(k, 4), at(q, 7) @ at(k, 5))


def test_sinusoids_of_odd_width_and_any_positions():
    table = sinusoids(torch.tensor([0, 3]), 5, 100.0)
    assert table.shape == (2, 5)
    torch.testing.assert_close(table[0], torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0]))
    torch.testing.assert_close(table[1, 2], torch.tensor(3 / 100 ** (2 / 5)).sin())
