"""The forward pass against formulas written out head by head, in float64, over every kind of model it covers."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from rung.config import BIASES, Alibi, ModelConfig, Rotary, RotaryScaling, bias_shapes
from rung.engine.kv_cache import KeyValueCache
from rung.engine.sites import Site, sites_of
from rung.engine.taps import CacheTap, EditTap, compose
from rung.engine.transformer import choose, forward, mixture
from rung.engine.weights import block_weights, init_weights, unembedding, unlayered

ACTS = {
    "gelu": F.gelu,
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "relu2": lambda x: x * x * (x > 0),
    "quick_gelu": lambda x: x / (1 + (-1.702 * x).exp()),
    "relu": F.relu,
    "silu": F.silu,
}
ALL_BIASES = (*BIASES, "ln_embed_b", "q_norm_b", "k_norm_b", "b_router")
SCALINGS = (
    None,
    RotaryScaling(kind="linear", factor=3.0),
    RotaryScaling(kind="dynamic", factor=2.0, original_n_ctx=4),
    RotaryScaling(kind="dynamic", factor=2.0, original_n_ctx=64),
    RotaryScaling(kind="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_n_ctx=100),
    RotaryScaling(kind="yarn", factor=4.0, original_n_ctx=64, beta_fast=8.0, attention_factor=1.2),
    RotaryScaling(kind="yarn", factor=4.0, original_n_ctx=64, beta_fast=8.0, whole_coordinates=False),
    RotaryScaling(
        kind="longrope", factor=2.0, original_n_ctx=4, short_factors=(1.0, 1.0), long_factors=(1.5, 4.0),
        attention_factor=1.1,
    ),
    RotaryScaling(kind="longrope", factor=2.0, original_n_ctx=8, short_factors=(1.2, 3.0), long_factors=(1.0, 1.0)),
)  # fmt: skip

KINDS = st.fixed_dictionaries(
    {
        "n_layers": st.integers(0, 3),
        "heads": st.sampled_from([(4, 4), (4, 2), (3, 1), (1, 1)]),
        "act_fn": st.sampled_from([None, *sorted(ACTS)]),
        "gated": st.booleans(),
        "experts": st.sampled_from([None, None, (3, 2, True, None), (4, 1, False, 5), (3, 3, False, None)]),
        "parallel": st.booleans(),
        "norm": st.sampled_from(["LN", "LN", "LNPre", "RMS", "RMS", "RMSPre", None]),
        "placement": st.sampled_from(["pre", "pre", "post", "both"]),
        "qk_norm": st.sampled_from([None, None, "head", "heads"]),
        "embed_norm": st.booleans(),
        "positions": st.sampled_from(["standard", "sinusoidal", "shortformer", "rotary", "rotary", "alibi", None]),
        "turning": st.tuples(st.sampled_from([4, 6]), st.sampled_from(["halves", "adjacent"])),
        "scaling": st.sampled_from(SCALINGS),
        "rounded": st.booleans(),
        "windows": st.sampled_from([None, None, (3, None, 2), (None, 2, 9), (5, 5, 5)]),
        "local": st.booleans(),
        "scale": st.sampled_from([None, 1.7]),
        "bidirectional": st.sampled_from([False, False, True]),
        "caps": st.sampled_from([(None, None), (None, None), (2.0, None), (None, 3.0), (4.0, 8.0)]),
        "sinks": st.sampled_from([False, False, True]),
        "swiglu_limit": st.sampled_from([None, None, 0.7]),
        "clip": st.sampled_from([None, None, 0.8]),
        "scales": st.sampled_from([(1.0, 1.0), (3.5, 0.25)]),
        "tied": st.booleans(),
        "biases": st.just(ALL_BIASES) | st.sets(st.sampled_from(ALL_BIASES)),
    }
)


def positions_of(kind, heads):
    """What says where tokens stand."""
    name, (dim, pairing) = kind["positions"], kind["turning"]
    windows = kind["windows"] and kind["windows"][: kind["n_layers"]]
    found = {"positional_embedding_type": name, "windows": windows}
    if name == "alibi":
        slopes = tuple(0.31 * 2.0**-head for head in range(heads))
        found["alibi"] = Alibi(slopes=slopes, scale=0.7, rounded=kind["rounded"])
    if name == "rotary":
        scaling = kind["scaling"]
        dim = 4 if scaling is not None and scaling.kind == "longrope" else dim
        found["rotary"] = Rotary(dim=dim, base=100.0, pairing=pairing, scaling=scaling)
        if kind["local"] and windows is not None:
            found["rotary_local"] = Rotary(dim=2, base=9.0)
    return found


def build(kind):
    mlp, (heads, kv) = kind["act_fn"] is not None, kind["heads"]
    normed = kind["norm"] is not None
    experts = kind["experts"] if mlp and kind["experts"] else (None, None, False, None)
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
        n_experts=experts[0],
        experts_per_token=experts[1],
        norm_expert_weights=experts[2],
        d_mlp_shared=experts[3],
        parallel_attn_mlp=mlp and kind["parallel"],
        normalization_type=kind["norm"],
        norm_placement=kind["placement"],
        qk_norm=kind["qk_norm"] if normed else None,
        post_embedding_ln=normed and kind["embed_norm"],
        attn_scale=kind["scale"],
        attention_dir="bidirectional" if kind["bidirectional"] else "causal",
        # Without a norm numbers grow until every cap is reached, and nothing tells one input from another.
        attn_scores_soft_cap=kind["caps"][0] if normed else None,
        output_logits_soft_cap=kind["caps"][1] if normed else None,
        clip_qkv=kind["clip"] if normed else None,
        attn_sinks=kind["sinks"],
        swiglu_limit=kind["swiglu_limit"] if mlp and kind["gated"] else None,
        embed_scale=kind["scales"][0],
        logit_scale=kind["scales"][1],
        tied_embeddings=kind["tied"],
        **positions_of(kind, heads),
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


def angle_by_hand(rotary, pos, i, n):
    """Radians by which pair `i` turns at `pos` of an input of `n`, each kind as its paper writes it."""
    dim, s, theta = rotary.dim, rotary.scaling, rotary.base ** (-2 * i / rotary.dim)
    if s is None:
        return pos * theta
    match s.kind:
        case "linear":
            return pos / s.factor * theta
        case "dynamic":
            if n <= s.original_n_ctx:
                return pos * theta
            stretched = rotary.base * (s.factor * n / s.original_n_ctx - (s.factor - 1)) ** (dim / (dim - 2))
            return pos * stretched ** (-2 * i / dim)
        case "llama3":
            wavelength = 2 * math.pi / theta
            if wavelength < s.original_n_ctx / s.high_freq_factor:
                return pos * theta
            if wavelength > s.original_n_ctx / s.low_freq_factor:
                return pos * theta / s.factor
            smooth = (s.original_n_ctx / wavelength - s.low_freq_factor) / (s.high_freq_factor - s.low_freq_factor)
            return pos * ((1 - smooth) * theta / s.factor + smooth * theta)
        case "yarn":

            def coordinate(turns):
                return dim * math.log(s.original_n_ctx / (turns * 2 * math.pi)) / (2 * math.log(rotary.base))

            low, high = coordinate(s.beta_fast), coordinate(s.beta_slow)
            if s.whole_coordinates:
                low, high = math.floor(low), math.ceil(high)
            low, high = max(low, 0), min(high, dim - 1)
            ramp = min(max((i - low) / (high - low), 0), 1)
            return pos * (theta / s.factor * ramp + theta * (1 - ramp))
        case "longrope":
            return pos * theta / (s.long_factors if n > s.original_n_ctx else s.short_factors)[i]
    raise AssertionError(s.kind)


def turn_by_hand(rotary, x):
    """One head's q or k, [pos, d_head], each pair turned (and stretched) as a complex number."""
    out, grown = x.clone(), 1.0 if rotary.scaling is None else rotary.scaling.attention_factor
    for pos in range(len(x)):
        for i in range(rotary.dim // 2):
            a, b = (i, i + rotary.dim // 2) if rotary.pairing == "halves" else (2 * i, 2 * i + 1)
            angle = angle_by_hand(rotary, pos, i, len(x))
            turned = complex(x[pos, a], x[pos, b]) * complex(math.cos(angle), math.sin(angle)) * grown
            out[pos, a], out[pos, b] = turned.real, turned.imag
    return out


def slope_by_hand(alibi, head, key):
    def rounded(x):
        return float(torch.tensor(x, dtype=torch.float64).bfloat16()) if alibi.rounded else x

    return rounded(rounded(alibi.slopes[head]) * key) * alibi.scale


def embed_by_hand(config, weights, tokens):
    """(the stream's start, positions that are added somewhere)."""
    x = weights["W_E"][tokens] * config.embed_scale
    if config.post_embedding_ln:
        x = norm_by_hand(config, x, weights["ln_embed_w"], weights.get("ln_embed_b"))
    added = torch.zeros_like(x)
    if config.positional_embedding_type in ("standard", "shortformer"):
        added = weights["W_pos"][: len(tokens)]
    if config.positional_embedding_type == "sinusoidal":
        for pos in range(len(tokens)):
            for i in range(config.d_model):
                angle = pos / config.sinusoidal_base ** (2 * (i // 2) / config.d_model)
                added[pos, i] = math.cos(angle) if i % 2 else math.sin(angle)
    return x if config.positional_embedding_type == "shortformer" else x + added, added


def queries_or_keys_by_hand(config, x, W, b, w_norm, b_norm):
    """[head, pos, d_head] of every head: projected, cut off, normalized."""
    made = torch.stack([x @ W[h] + (0 if b is None else b[h]) for h in range(len(W))])
    if config.clip_qkv is not None:
        made = made.clamp(-config.clip_qkv, config.clip_qkv)
    if config.qk_norm == "head":
        heads = [norm_by_hand(config, made[h], w_norm[h], None if b_norm is None else b_norm[h]) for h in range(len(W))]
        made = torch.stack(heads)
    if config.qk_norm == "heads":
        flat = torch.cat(list(made), -1)
        flat = norm_by_hand(config, flat, w_norm.flatten(), None if b_norm is None else b_norm.flatten())
        made = torch.stack(flat.split(config.d_head, -1))
    return made


def attention_by_hand(config, w, layer, x, added):
    n = len(x)
    normed = x if config.norm_placement == "post" else norm_by_hand(config, x, w.ln1_w, w.ln1_b)
    positioned = normed + added if config.positional_embedding_type == "shortformer" else normed
    qs = queries_or_keys_by_hand(config, positioned, w.W_Q, w.b_Q, w.q_norm_w, w.q_norm_b)
    ks = queries_or_keys_by_hand(config, positioned, w.W_K, w.b_K, w.k_norm_w, w.k_norm_b)
    window = config.windows and config.windows[layer]
    rotary = config.rotary_local if config.rotary_local and window else config.rotary
    out = torch.zeros_like(x) if w.b_O is None else w.b_O.expand_as(x)
    for head in range(config.n_heads):
        group = head * config.n_kv // config.n_heads
        q, k = qs[head], ks[group]
        v = normed @ w.W_V[group] + (0 if w.b_V is None else w.b_V[group])
        if config.clip_qkv is not None:
            v = v.clamp(-config.clip_qkv, config.clip_qkv)
        if rotary:
            q, k = turn_by_hand(rotary, q), turn_by_hand(rotary, k)
        scores = q @ k.T / (config.attn_scale or config.d_head**0.5)
        if config.attn_scores_soft_cap:
            scores = config.attn_scores_soft_cap * (scores / config.attn_scores_soft_cap).tanh()
        weight = torch.zeros(n, n, dtype=x.dtype)
        for i in range(n):
            for j in range(n):
                if (j > i and config.attention_dir == "causal") or (window and j <= i - window):
                    continue
                extra = slope_by_hand(config.alibi, head, j) if config.alibi else 0.0
                weight[i, j] = math.exp(scores[i, j] + extra - scores[i].max())
        rest = 0.0 if w.sinks is None else (w.sinks[head] - scores.max(-1, keepdim=True).values).exp()
        out = out + (weight / (weight.sum(-1, keepdim=True) + rest)) @ v @ w.W_O[head]
    return out if config.norm_placement == "pre" else norm_by_hand(config, out, w.ln1_post_w, None)


def neurons_by_hand(config, x, W_gate, W_in, W_out, b_gate=None, b_in=None, b_out=None):
    act = ACTS[config.act_fn]
    hidden = x @ W_in + (0 if b_in is None else b_in)
    if W_gate is None:
        hidden = act(hidden)
    else:
        gate, limit = x @ W_gate + (0 if b_gate is None else b_gate), config.swiglu_limit
        hidden = hidden if limit is None else 1 + hidden.maximum(torch.tensor(-limit)).minimum(torch.tensor(limit))
        hidden = hidden * act(gate if limit is None else gate.minimum(torch.tensor(limit)))
    return hidden @ W_out + (0 if b_out is None else b_out)


def mlp_by_hand(config, w, x):
    x = x if config.norm_placement == "post" else norm_by_hand(config, x, w.ln2_w, w.ln2_b)
    if config.n_experts is None:
        out = neurons_by_hand(config, x, w.W_gate, w.W_in, w.W_out, w.b_gate, w.b_in, w.b_out)
    else:
        out = torch.zeros_like(x)
        for pos in range(len(x)):
            shares = (x[pos] @ w.W_router + (0 if w.b_router is None else w.b_router)).exp()
            shares = (shares / shares.sum()).tolist()
            chosen = sorted(range(config.n_experts), key=lambda e: -shares[e])[: config.experts_per_token]
            total = sum(shares[e] for e in chosen) if config.norm_expert_weights else 1.0
            for e in chosen:
                held = (w.W_gate, w.W_in, w.W_out, w.b_gate, w.b_in, w.b_out)
                its = [None if each is None else each[e] for each in held]
                out[pos] += shares[e] / total * neurons_by_hand(config, x[pos], *its)
            if config.d_mlp_shared is not None:
                share = 1 / (1 + (-x[pos] @ w.W_router_shared).exp())
                gate = w.W_gate_shared
                out[pos] += share * neurons_by_hand(config, x[pos], gate, w.W_in_shared, w.W_out_shared)
    return out if config.norm_placement == "pre" else norm_by_hand(config, out, w.ln2_post_w, None)


def forward_by_hand(config, weights, tokens):
    """Logits of one sequence, [pos, d_vocab]."""
    x, added = embed_by_hand(config, weights, tokens)
    for layer in range(config.n_layers):
        w = block_weights(weights, layer)
        mid = x + attention_by_hand(config, w, layer, x, added)
        if config.d_mlp is not None:
            mid = mid + mlp_by_hand(config, w, x if config.parallel_attn_mlp else mid)
        x = mid
    x = norm_by_hand(config, x, unlayered(weights, "ln_final_w"), unlayered(weights, "ln_final_b"))
    b_U, cap = unlayered(weights, "b_U"), config.output_logits_soft_cap
    logits = (x @ unembedding(weights) + (0 if b_U is None else b_U)) * config.logit_scale
    return logits if cap is None else cap * (logits / cap).tanh()


@given(KINDS)
@settings(max_examples=120, phases=(Phase.generate,))
def test_every_kind_of_model_computes_its_formula(kind):
    config = build(kind)
    weights = random_weights(config)
    tokens = torch.tensor([[3, 1, 4, 1, 5, 9, 2], [6, 5, 3, 5, 8, 9, 7]])
    by_hand = torch.stack([forward_by_hand(config, weights, row) for row in tokens])
    # Without norms, squares of squares leave what a float can hold.
    assume(by_hand.isfinite().all())
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
    axes |= {"d_model": config.d_model, "d_head": config.d_head, "d_mlp": config.d_mlp, "expert": config.n_experts}
    axes |= {"d_vocab": config.d_vocab}
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


SMALL = {"n_layers": 2, "d_model": 8, "n_heads": 2, "d_head": 4, "d_vocab": 11, "n_ctx": 8}
ALIBI = {"positional_embedding_type": "alibi", "alibi": Alibi(slopes=(0.5, 0.25))}
TURNED = {"positional_embedding_type": "rotary", "rotary": Rotary(dim=4)}
STRETCHED = RotaryScaling(kind="dynamic", factor=2.0, original_n_ctx=2)


@pytest.mark.parametrize(
    "changes",
    [
        *({"positional_embedding_type": name} for name in ("standard", "sinusoidal", "shortformer", None)),
        TURNED,
        TURNED | {"windows": (2, None), "rotary_local": Rotary(dim=2, base=9.0)},
        {"positional_embedding_type": "rotary", "rotary": Rotary(dim=4, scaling=STRETCHED)},
        ALIBI,
        ALIBI | {"windows": (None, 2)},
        {"positional_embedding_type": "alibi", "alibi": Alibi(slopes=(0.5, 0.3), rounded=True)},
        {"windows": (1, 3), "attn_scores_soft_cap": 2.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_neither_moves_positions_nor_is_seen(changes, side):
    config = ModelConfig(**SMALL | changes)
    weights = random_weights(config)
    alone = forward(config, weights, torch.tensor([[3, 1, 4]]))
    padding, real = [7, 8], [3, 1, 4]
    padded = torch.tensor([padding + real if side == "left" else real + padding])
    mask = torch.tensor([[False] * 2 + [True] * 3 if side == "left" else [True] * 3 + [False] * 2])
    at = slice(2, None) if side == "left" else slice(0, 3)
    for tap in (CacheTap([]), CacheTap(sites_of(config))):
        out = forward(config, weights, padded, tap, mask=mask)
        assert out.isfinite().all()
        torch.testing.assert_close(out[:, at], alone, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("steps", [(7,), (1,) * 7, (3, 1, 3), (1, 5, 1)])
@given(kind=KINDS)
@settings(max_examples=30, phases=(Phase.generate,))
def test_keys_and_values_that_are_kept_stand_for_what_was_read(steps, kind):
    """Read in pieces behind a past, padded on the left, a model says what it says of the whole at once: but where its
    angles depend on how much there is to read, and where it reads both ways.
    """
    config = build(kind | {"bidirectional": False})
    if config.rotary is not None and config.rotary.scaling is not None:
        config = replace(config, rotary=replace(config.rotary, scaling=None))
    weights = random_weights(config)
    tokens = torch.tensor([[3, 1, 4, 1, 5, 9, 2], [6, 5, 3, 5, 8, 9, 7]])
    mask = torch.tensor([[True] * 7, [False] * 2 + [True] * 5])
    whole = forward(config, weights, tokens, mask=mask)
    past, pieces, start = KeyValueCache(config, 2, 7, weights["W_E"]), [], 0
    for count in steps:
        end = start + count
        pieces.append(forward(config, weights, tokens[:, start:end], mask=mask[:, :end], past=past))
        start = end
    read = torch.cat(pieces, 1)
    torch.testing.assert_close(read[0], whole[0])
    torch.testing.assert_close(read[1, 2:], whole[1, 2:])


@pytest.mark.parametrize("kind", ["dynamic", "longrope"])
def test_angles_that_depend_on_the_length_are_the_same_within_the_first_context_and_behind_it_are_not(kind):
    """Keys that were kept were turned for a shorter input; other implementations keep them so, too."""
    factors = {"short_factors": (1.0, 1.0), "long_factors": (1.0, 4.0)} if kind == "longrope" else {}
    scaling = RotaryScaling(kind=kind, factor=2.0, original_n_ctx=4, **factors)
    config = ModelConfig(**SMALL | {"positional_embedding_type": "rotary", "rotary": Rotary(dim=4, scaling=scaling)})
    weights, tokens = random_weights(config), torch.tensor([[3, 1, 4, 1, 5]])
    past = KeyValueCache(config, 1, 5, weights["W_E"])
    for end in range(1, 6):
        read = forward(config, weights, tokens[:, end - 1 : end], past=past)[:, -1]
        same = torch.allclose(read, forward(config, weights, tokens[:, :end])[:, -1])
        assert same == (end <= 4)


EVERYTHING = SMALL | {
    "d_mlp": 5, "act_fn": "silu", "gated_mlp": True, "norm_placement": "both", "qk_norm": "heads",
    "post_embedding_ln": True, "attn_scores_soft_cap": 4.0, "output_logits_soft_cap": 9.0, "clip_qkv": 4.0,
    "embed_scale": 2.0, "logit_scale": 0.5, "windows": (2, None),
}  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"biases": frozenset(BIASES)},
        EVERYTHING | {"biases": frozenset(ALL_BIASES) - {"b_router"}},
        EVERYTHING | ALIBI | {"n_experts": 3, "experts_per_token": 2, "d_mlp_shared": 4, "norm_expert_weights": True},
    ],
    ids=["plain", "everything", "experts"],
)
def test_gradients_flow_to_every_weight_tapped_and_untapped(changes):
    config = ModelConfig(**SMALL | {"d_mlp": 5, "act_fn": "silu", "gated_mlp": True} | changes)
    weights, tokens = random_weights(config), torch.tensor([[3, 1, 4, 1]])
    leaves = {
        f"{name}.{i}": x.requires_grad_()
        for name, w in weights.items()
        for i, x in enumerate(w if isinstance(w, tuple) else (w,))
    }
    grads = []
    for tap in (CacheTap([]), CacheTap(sites_of(config))):
        loss = forward(config, weights, tokens, tap).logsumexp(-1).sum()
        grads.append(torch.autograd.grad(loss, leaves.values()))
    for plain, tapped, (name, leaf) in zip(*grads, leaves.items(), strict=True):
        torch.testing.assert_close(plain, tapped)
        # A key bias moves all of a query's scores alike: its gradient is nothing but rounding.
        assert plain.shape == leaf.shape and plain.abs().sum() > 0, name


@pytest.mark.parametrize(
    "changes",
    [
        {},
        EVERYTHING | {"d_mlp": 64},
        EVERYTHING | ALIBI | {"normalization_type": "RMS", "n_experts": 4, "experts_per_token": 4, "d_mlp_shared": 8},
    ],
    ids=["plain", "everything", "experts"],
)
def test_half_precision_follows_single(changes):
    """All experts are taken: which few are is a choice that rounding may turn."""
    shape = {"n_layers": 2, "d_model": 32, "n_heads": 2, "d_head": 16, "d_vocab": 50, "n_ctx": 16}
    config = ModelConfig(**{"d_mlp": 64, "act_fn": "gelu"} | changes | shape)
    weights = init_weights(config, 0)
    half = {n: tuple(x.bfloat16() for x in w) if isinstance(w, tuple) else w.bfloat16() for n, w in weights.items()}
    tokens = torch.arange(12)[None]
    wide, narrow = forward(config, weights, tokens), forward(config, half, tokens)
    assert narrow.dtype == torch.bfloat16
    tapped = forward(config, half, tokens, CacheTap(sites_of(config)))
    for out in (narrow, tapped):
        # bfloat16 keeps eight bits: a relative error of 2^-8 at each of a dozen roundings.
        torch.testing.assert_close(out.float(), wide, atol=0.05, rtol=0.05)


def test_a_router_chooses_whose_neurons_are_read_and_can_be_overruled():
    """Σ_e g_e MLP_e: what is hooked in at `expert_weights` is what is summed, for experts that were not chosen too."""
    config = ModelConfig(
        **SMALL | {"d_mlp": 5, "act_fn": "gelu", "n_experts": 3, "experts_per_token": 1, "normalization_type": "RMS"}
    )
    weights, tokens = random_weights(config), torch.tensor([[3, 1, 4, 1]])
    gates, out = Site("expert_weights", 1), Site("mlp_out", 1)
    chosen = _value(config, weights, tokens, gates)
    assert ((chosen > 0).sum(-1) == 1).all() and chosen.shape == (1, 4, 3)

    def written(wanted):
        tap = CacheTap([out])
        forward(
            config, weights, tokens, compose(EditTap({gates: lambda x: torch.tensor(wanted).to(x).expand_as(x)}), tap)
        )
        return tap.store[out.path]

    one, two = written([1.0, 0.0, 0.0]), written([0.0, 0.0, 1.0])
    assert not torch.allclose(one, two)
    torch.testing.assert_close(written([0.25, 0.0, 2.0]), 0.25 * one + 2.0 * two)
    assert written([0.0, 0.0, 0.0]).abs().max() == 0


def test_experts_are_chosen_from_the_groups_whose_best_sum_to_most():
    shape = {"n_layers": 1, "d_model": 4, "n_heads": 1, "d_head": 2, "d_vocab": 3, "n_ctx": 4, "d_mlp": 2}
    config = ModelConfig(**shape, act_fn="relu", n_experts=6, experts_per_token=2)
    parts = torch.tensor([[0.9, 0.1, 0.6, 0.5, 0.0, 0.8], [-0.1, -0.9, -0.3, -0.2, -0.6, -0.5]])
    assert choose(config, parts).tolist() == [[0, 5], [0, 3]]
    best_one = replace(config, n_expert_groups=3, expert_groups_per_token=1)
    assert choose(best_one, parts).tolist() == [[0, 1], [0, 1]], "by its best alone, the first group is ahead"
    best_two = replace(best_one, experts_per_group_score=2)
    assert choose(best_two, parts).tolist() == [[2, 3], [3, 2]], "by its best two, the second"
    two_groups = replace(best_two, expert_groups_per_token=2)
    assert choose(two_groups, parts).tolist() == [[0, 2], [0, 3]]


def test_a_bias_of_the_choice_is_no_part_of_an_experts_weight():
    shape = {"n_layers": 1, "d_model": 4, "n_heads": 1, "d_head": 2, "d_vocab": 3, "n_ctx": 4, "d_mlp": 2}
    experts = {"n_experts": 3, "experts_per_token": 1, "router_score": "sigmoid", "expert_scale": 2.0}
    config = ModelConfig(**shape, act_fn="relu", **experts, biases=frozenset({"b_select"}))
    w = block_weights(init_weights(config, 0, torch.float64), 0)
    w = w._replace(b_select=torch.tensor([0.0, 5.0, 0.0]))
    x, tap = torch.randn(2, 3, 4, dtype=torch.float64), CacheTap([Site("expert_weights", 0)])
    mixture(config, w, 0, x, tap)
    (seen,) = tap.store.values()
    torch.testing.assert_close(seen[..., 1], 2 * (x @ w.W_router)[..., 1].sigmoid())
    assert not seen[..., ::2].any()
