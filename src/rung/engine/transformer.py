"""The transformer: pure functions over (config, weights), with a tap at every named site.

Start at `forward`. Shapes: batch, pos, d_model; heads stand in their own axis ([batch, pos, head, d_head]) until
attention, where they move before pos. Nothing here knows a family, a tokenizer or a hook.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..config import ModelConfig
from .kv_cache import KeyValueCache
from .positions import PositionInfo, apply_rotary, causal, position_info
from .sites import Site
from .taps import NO_TAP, Tap
from .weights import BlockWeights, Weights, block_weights, embedding, unembedding, unlayered

Residual = Float[Tensor, "batch pos d_model"]


def forward(
    config: ModelConfig,
    weights: Weights,
    tokens: Int[Tensor, "batch pos"],
    tap: Tap = NO_TAP,
    *,
    mask: Bool[Tensor, "batch some_pos"] | None = None,
    past: KeyValueCache | None = None,
) -> Float[Tensor, "batch pos d_vocab"]:
    """Logits for the token after each one.

    tokens → embed → block 0 → … → block L−1 → norm → unembed → logits

    `mask` is False at padding (of the tokens, or of those in `past` too); `past` holds keys and values already read.
    """
    positions = position_info(config, weights, tokens.shape, tokens.device, mask=mask, past=past)
    x = embed(config, weights, tokens, positions, tap)
    x = blocks(config, weights, x, positions, tap)
    return unembed(config, weights, x, tap)


def embed(
    config: ModelConfig, weights: Weights, tokens: Int[Tensor, "batch pos"], positions: PositionInfo, tap: Tap
) -> Residual:
    """W_E[tokens], scaled or normalized where the config says so, plus positions where they are added to the stream."""
    x = F.embedding(tokens, embedding(weights))
    x = x if config.embed_scale == 1 else x * config.embed_scale
    if config.post_embedding_ln:
        x = norm(
            config, unlayered(weights, "ln_embed_w"), unlayered(weights, "ln_embed_b"), "ln_embed", None, x, NO_TAP
        )
    x = tap("embed", None, x)
    if positions.pos_embed is None or config.positional_embedding_type == "shortformer":
        return x
    return x + _tap_positions(positions.pos_embed, x, tap)


def blocks(
    config: ModelConfig,
    weights: Weights,
    x: Residual,
    positions: PositionInfo,
    tap: Tap = NO_TAP,
    start: int = 0,
    stop: int | None = None,
) -> Residual:
    """The residual stream carried from before layer `start` to before layer `stop` (the end, if None)."""
    if config.positional_embedding_type == "shortformer" and positions.pos_embed is not None:
        positions = positions._replace(pos_embed=_tap_positions(positions.pos_embed, x, tap))
    for layer in range(config.n_layers)[start:stop]:
        x = block(config, block_weights(weights, layer), layer, x, positions, tap)
    if positions.past is not None:
        positions.past.advance(x.shape[1], positions.mask)
    return x


def block(config: ModelConfig, w: BlockWeights, layer: int, x: Residual, positions: PositionInfo, tap: Tap) -> Residual:
    """One layer. Both parts add to the stream; in a parallel block both read what entered it.

    serial:    x ─┬─ norm ─ attention ─ + ─┬─ norm ─ mlp ─ + ─        parallel:  x ─┬─ norm ─ attention ─┐
                  └─────────────────────┘  └───────────────┘                        ├─ norm ─ mlp ────── + ─
                                                                                    └────────────────────┘
    Where `norm_placement` is "post" the norms come after attention and MLP instead; where "both", there as well.
    """
    x = tap("resid_pre", layer, x)
    attn_out = attention(config, w, layer, x, positions, tap)
    attn_out = tap("attn_out", layer, norm_after(config, w.ln1_post_w, "ln1_post", layer, attn_out, tap))
    if config.attn_only:
        return tap("resid_post", layer, x + attn_out)
    mid = x if config.parallel_attn_mlp else tap("resid_mid", layer, x + attn_out)
    mlp_in = tap("mlp_in", layer, mid.clone() if Site("mlp_in", layer) in tap.sites else mid)
    mlp_out = mlp(config, w, layer, mlp_in, tap)
    mlp_out = tap("mlp_out", layer, norm_after(config, w.ln2_post_w, "ln2_post", layer, mlp_out, tap))
    return tap("resid_post", layer, mid + attn_out + mlp_out if config.parallel_attn_mlp else mid + mlp_out)


def attention(
    config: ModelConfig, w: BlockWeights, layer: int, x: Residual, positions: PositionInfo, tap: Tap
) -> Residual:
    """softmax(q·k / scale) v, summed over heads through W_O (Vaswani et al. 2017, arXiv:1706.03762, section 3.2).

    Fused unless this layer's scores or pattern are watched.
    """
    return heads(config, w, layer, attention_inputs(config, w, layer, x, positions, tap), positions, tap)


def heads(
    config: ModelConfig,
    w: BlockWeights,
    layer: int,
    inputs: tuple[Tensor, Tensor, Tensor],
    positions: PositionInfo,
    tap: Tap,
) -> Residual:
    """Attention from what its queries, keys and values read, norm and all: `attention_inputs`."""
    x_q, x_k, x_v = inputs
    q = tap("q", layer, clip(config, project(x_q, w.W_Q, w.b_Q)))
    k = tap("k", layer, clip(config, project(x_k, w.W_K, w.b_K)))
    v = tap("v", layer, clip(config, project(x_v, w.W_V, w.b_V)))
    if config.qk_norm is not None:
        q, k = qk_norm(config, w.q_norm_w, w.q_norm_b, q), qk_norm(config, w.k_norm_w, w.k_norm_b, k)
    if config.rotary is not None:
        q, k = (
            tap("rot_q", layer, apply_rotary(config, layer, q, positions)),
            tap("rot_k", layer, apply_rotary(config, layer, k, positions)),
        )
    if positions.past is not None:
        k, v = positions.past.append(layer, k, v)
    watched = Site("attn_scores", layer) in tap.sites or Site("pattern", layer) in tap.sites
    if config.attn_scores_soft_cap is not None:
        z = attend(config, layer, q, k, v, positions, tap)
    elif watched:
        z = as_unwatched(
            attend(config, layer, q, k, v, positions, tap), partial(attend_fused, config, layer, q, k, v, positions)
        )
    else:
        z = attend_fused(config, layer, q, k, v, positions)
    z = tap("z", layer, z)
    if Site("result", layer) in tap.sites:
        out = tap("result", layer, torch.einsum("bphe,hed->bphd", z, w.W_O)).sum(2)
        return out if w.b_O is None else out + w.b_O
    return F.linear(z.flatten(2), w.W_O.flatten(0, 1).T, w.b_O)


def attention_inputs(
    config: ModelConfig, w: BlockWeights, layer: int, x: Residual, positions: PositionInfo, tap: Tap
) -> tuple[Tensor, Tensor, Tensor]:
    """What queries, keys and values are made from: the normalized stream, plus shortformer positions for q and k.

    One tensor [batch, pos, d_model] each; where a split input is watched, one copy a head [batch, pos, head, d_model].
    """
    normed = norm_before(config, w.ln1_w, w.ln1_b, "ln1", layer, x, tap)
    pos = positions.pos_embed if config.positional_embedding_type == "shortformer" else None
    shared = normed if pos is None else normed + pos
    watched = {name for name in ("attn_in", "q_input", "k_input", "v_input") if Site(name, layer) in tap.sites}
    if not watched:
        return shared, shared, normed

    def split(name: str, heads: int, added: Tensor | None, whole: Tensor) -> Tensor:
        if not watched & {name, "attn_in"}:
            return whole
        copies = tap(name, layer, per_head[:, :, :: config.n_heads // heads].clone())
        copies = norm_before(config, w.ln1_w, w.ln1_b, "ln1", layer, copies, NO_TAP)
        return copies if added is None else copies + added.unsqueeze(-2)

    per_head = x.unsqueeze(2).expand(-1, -1, config.n_heads, -1)
    if "attn_in" in watched:
        per_head = tap("attn_in", layer, per_head.clone())
    return (
        split("q_input", config.n_heads, pos, shared),
        split("k_input", config.n_kv, pos, shared),
        split("v_input", config.n_kv, None, normed),
    )


def project(
    x: Float[Tensor, "batch pos *head d_model"],
    W: Float[Tensor, "n_heads d_model d_head"],
    b: Float[Tensor, "n_heads d_head"] | None,
) -> Float[Tensor, "batch pos n_heads d_head"]:
    """X W + b for every head at once."""
    if x.ndim == 4:
        out = torch.einsum("bphd,hde->bphe", x, W)
        return out if b is None else out + b
    flat = F.linear(x, W.transpose(1, 2).flatten(0, 1), None if b is None else b.flatten())
    return flat.view(*x.shape[:2], W.shape[0], W.shape[2])


def clip(config: ModelConfig, x: Tensor) -> Tensor:
    """Cut off at plus and minus `clip_qkv`, where there is one."""
    return x if config.clip_qkv is None else x.clamp(-config.clip_qkv, config.clip_qkv)


def qk_norm(
    config: ModelConfig,
    w: Float[Tensor, "n_heads d_head"] | None,
    b: Float[Tensor, "n_heads d_head"] | None,
    x: Float[Tensor, "batch pos n_heads d_head"],
) -> Float[Tensor, "batch pos n_heads d_head"]:
    """Queries or keys through a norm of the model's kind, each head's vector alone or all as one
    (Dehghani et al. 2023, arXiv:2302.05442, section 2).
    """
    assert w is not None
    over = x.shape[-1:] if config.qk_norm == "head" else x.shape[-2:]
    x = F.layer_norm(x, over, eps=config.eps) if centred(config) else F.rms_norm(x, over, eps=config.eps)
    return x * w if b is None else x * w + b


def attend_fused(
    config: ModelConfig,
    layer: int,
    q: Float[Tensor, "batch pos head d_head"],
    k: Float[Tensor, "batch key_pos kv_head d_head"],
    v: Float[Tensor, "batch key_pos kv_head d_head"],
    positions: PositionInfo,
) -> Float[Tensor, "batch pos head d_head"]:
    """Each query's average of the values, without making the pattern."""
    allowed = positions.allowed[layer]
    bias = allowed
    if positions.alibi is not None:
        seen = causal(q.shape[1], k.shape[1], q.device) if allowed is None else allowed
        bias = positions.alibi.to(q.dtype).masked_fill(~seen, -torch.inf)
    z = F.scaled_dot_product_attention(
        q.transpose(1, 2),
        k.transpose(1, 2),
        v.transpose(1, 2),
        attn_mask=bias,
        is_causal=bias is None and q.shape[1] > 1,
        scale=None if config.attn_scale is None else 1 / config.attn_scale,
        enable_gqa=config.grouped,
    )
    return z.transpose(1, 2)


def attend(
    config: ModelConfig,
    layer: int,
    q: Float[Tensor, "batch pos head d_head"],
    k: Float[Tensor, "batch key_pos kv_head d_head"],
    v: Float[Tensor, "batch key_pos kv_head d_head"],
    positions: PositionInfo,
    tap: Tap,
) -> Float[Tensor, "batch pos head d_head"]:
    """The same, through scores and pattern that a tap can see."""
    k, v = (x.repeat_interleave(config.n_heads // config.n_kv, 2) if config.grouped else x for x in (k, v))
    scale = math.sqrt(config.d_head) if config.attn_scale is None else config.attn_scale
    scores = (q.transpose(1, 2) / scale) @ k.permute(0, 2, 3, 1)
    if config.attn_scores_soft_cap is not None:
        scores = soft_cap(scores, config.attn_scores_soft_cap)
    scores = scores if positions.alibi is None else scores + positions.alibi.to(scores.dtype)
    allowed = positions.allowed[layer]
    allowed = causal(q.shape[1], k.shape[1], q.device) if allowed is None else allowed
    scores = tap("attn_scores", layer, scores.masked_fill(~allowed, -torch.inf))
    pattern = tap("pattern", layer, upcast(scores).softmax(-1).to(v.dtype))
    return (pattern @ v.transpose(1, 2)).transpose(1, 2)


def mlp(config: ModelConfig, w: BlockWeights, layer: int, x: Residual, tap: Tap) -> Residual:
    """act(x W_in + b_in) W_out + b_out; gated: act(x W_gate + b_gate) * (x W_in + b_in)
    (Shazeer 2020, arXiv:2002.05202). With experts: `mixture`. x is the stream through its norm.
    """
    return mlp_from(config, w, layer, norm_before(config, w.ln2_w, w.ln2_b, "ln2", layer, x, tap), tap)


def mlp_from(config: ModelConfig, w: BlockWeights, layer: int, x: Residual, tap: Tap) -> Residual:
    """The MLP from what it reads, norm and all."""
    assert w.W_in is not None and w.W_out is not None and config.act_fn is not None
    if w.W_router is not None:
        return mixture(config, w, layer, x, tap)
    linear = F.linear(x, w.W_in.T, w.b_in)
    if w.W_gate is None:
        post = activate(config.act_fn, tap("pre", layer, linear))
    else:
        pre = tap("pre", layer, F.linear(x, w.W_gate.T, w.b_gate))
        post = activate(config.act_fn, pre) * tap("pre_linear", layer, linear)
    return F.linear(tap("post", layer, post), w.W_out.T, w.b_out)


def mixture(config: ModelConfig, w: BlockWeights, layer: int, x: Residual, tap: Tap) -> Residual:
    """Σ_e g_e(x) MLP_e(x), with g = softmax(x W_router) kept for the largest few (Shazeer et al. 2017,
    arXiv:1701.06538); plus sigmoid(x W_router_shared) MLP_shared(x) where every token takes one more.
    """
    assert config.experts_per_token is not None
    assert w.W_router is not None and w.W_in is not None and w.W_out is not None
    shares = upcast(F.linear(x, w.W_router.T)).softmax(-1)
    kept, chosen = shares.topk(config.experts_per_token)
    if config.norm_expert_weights:
        kept = kept / kept.sum(-1, keepdim=True)
    gates = tap("expert_weights", layer, torch.zeros_like(shares).scatter(-1, chosen, kept).to(x.dtype)).flatten(0, 1)
    rows, out = x.flatten(0, 1), torch.zeros_like(x).flatten(0, 1)
    for expert in range(w.W_in.shape[0]):
        taken = gates[:, expert].nonzero()[:, 0]
        W_gate = None if w.W_gate is None else w.W_gate[expert]
        written = neurons(config, rows[taken], W_gate, w.W_in[expert], w.W_out[expert])
        out = out.index_add(0, taken, written * gates[taken, expert, None])
    if w.W_router_shared is not None:
        assert w.W_in_shared is not None and w.W_out_shared is not None
        shared = neurons(config, rows, w.W_gate_shared, w.W_in_shared, w.W_out_shared)
        out = out + F.linear(rows, w.W_router_shared.T).sigmoid() * shared
    return out.view(x.shape)


def neurons(config: ModelConfig, x: Tensor, W_gate: Tensor | None, W_in: Tensor, W_out: Tensor) -> Tensor:
    """One expert's MLP: no biases, no sites."""
    assert config.act_fn is not None
    linear = F.linear(x, W_in.T)
    if W_gate is None:
        return F.linear(activate(config.act_fn, linear), W_out.T)
    return F.linear(activate(config.act_fn, F.linear(x, W_gate.T)) * linear, W_out.T)


def activate(name: str, x: Tensor) -> Tensor:
    """The nonlinearity that a config names."""
    match name:
        case "gelu":
            return F.gelu(x)
        case "gelu_new":
            return F.gelu(x, approximate="tanh")
        case "quick_gelu":
            return x * (1.702 * x).sigmoid()
        case "relu":
            return F.relu(x)
        case "relu2":
            return F.relu(x).square()
        case "silu":
            return F.silu(x)
    raise AssertionError(name)


def norm_before(
    config: ModelConfig, w: Tensor | None, b: Tensor | None, name: str, layer: int, x: Tensor, tap: Tap
) -> Tensor:
    """What attention or MLP reads: the stream, normalized unless norms come after them only."""
    return x if config.norm_placement == "post" else norm(config, w, b, name, layer, x, tap)


def norm_after(config: ModelConfig, w: Tensor | None, name: str, layer: int, x: Residual, tap: Tap) -> Residual:
    """What attention or MLP writes, normalized where norms come after them."""
    return x if config.norm_placement == "pre" else norm(config, w, None, name, layer, x, tap)


def centred(config: ModelConfig) -> bool:
    """Whether norms take the mean out: LayerNorm does, RMSNorm does not."""
    return config.normalization_type in ("LN", "LNPre")


def soft_cap(x: Tensor, cap: float) -> Tensor:
    """cap · tanh(x / cap): within ±cap (Gemma Team 2024, arXiv:2408.00118, section 2)."""
    return cap * torch.tanh(x / cap)


def norm(
    config: ModelConfig,
    w: Float[Tensor, " d_model"] | None,
    b: Float[Tensor, " d_model"] | None,
    name: str,
    layer: int | None,
    x: Float[Tensor, "*batch d_model"],
    tap: Tap,
) -> Float[Tensor, "*batch d_model"]:
    """LayerNorm (x − mean)/sqrt(var + eps) · w + b (Ba et al. 2016, arXiv:1607.06450), RMSNorm without mean and b
    (Zhang & Sennrich 2019, arXiv:1910.07467), or x itself.

    Fused unless watched. `scale` is the root, `normalized` what it leaves, before w and b.
    """
    if config.normalization_type is None:
        return x
    if centred(config):
        fused = partial(F.layer_norm, x, x.shape[-1:], w, b, config.eps)
    else:
        fused = partial(F.rms_norm, x, x.shape[-1:], w, config.eps)
    if Site(f"{name}.scale", layer) not in tap.sites and Site(f"{name}.normalized", layer) not in tap.sites:
        return fused()
    wide = upcast(x)
    if centred(config):
        wide = wide - wide.mean(-1, keepdim=True)
    scale = tap(f"{name}.scale", layer, (wide.pow(2).mean(-1, keepdim=True) + config.eps).sqrt())
    normed = tap(f"{name}.normalized", layer, (wide / scale).to(x.dtype))
    normed = normed if w is None else normed * w
    return as_unwatched(normed if b is None else normed + b, fused)


def as_unwatched(made: Tensor, fused: Callable[[], Tensor]) -> Tensor:
    """What was made step by step, to be watched, with the bits that the fused kernel gives a run that nobody watches;
    left alone where the two differ by more than rounding, since somebody edited a step. Gradients are those of `made`.

    Without this the two kinds of run would differ in their last bits, which no one who compares them expects.
    """
    if made.dtype not in (torch.float32, torch.float64) or made.is_meta or torch.compiler.is_compiling():
        return made
    with torch.no_grad():
        alike = fused()
        bound = _ROUNDING * torch.finfo(made.dtype).eps * made.abs().amax()
        if not bool(((alike - made).abs() <= bound).all()):
            return made
    return alike + (made - made.detach()) if made.requires_grad else alike


_ROUNDING = 32
"""In units of the last place of the largest value: how far the fused kernels may be from the same thing in steps."""


def unembed(
    config: ModelConfig, weights: Weights, x: Residual, tap: Tap = NO_TAP
) -> Float[Tensor, "batch pos d_vocab"]:
    """norm(x) W_U + b_U, scaled and capped where the config says so."""
    x = norm(config, unlayered(weights, "ln_final_w"), unlayered(weights, "ln_final_b"), "ln_final", None, x, tap)
    x = tap("unembed_in", None, x)
    logits = tap("unembed_out", None, F.linear(x, unembedding(weights).T, unlayered(weights, "b_U")))
    logits = logits if config.logit_scale == 1 else logits * config.logit_scale
    return logits if config.output_logits_soft_cap is None else soft_cap(logits, config.output_logits_soft_cap)


def upcast(x: Tensor) -> Tensor:
    """Half precisions as float32, for sums and exponentials; wider ones as they are."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _tap_positions(pos_embed: Tensor, x: Tensor, tap: Tap) -> Tensor:
    if Site("pos_embed") not in tap.sites:
        return pos_embed
    return tap("pos_embed", None, pos_embed.expand_as(x).clone())
