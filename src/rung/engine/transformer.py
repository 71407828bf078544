"""The transformer: pure functions over (config, weights), with a tap at every named site.

Start at `forward`: the functions from there to `unembed` are a token's whole way, in the order that it takes.
Shapes: batch, pos, d_model; heads stand in their own axis ([batch, pos, head, d_head]) until attention, where they move
before pos. Nothing here knows a family, a tokenizer or a hook.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..config import Latent, ModelConfig
from .kv_cache import KeyValueCache
from .positions import PositionInfo, apply_rotary, causal, position_info
from .taps import NO_TAP, Tap, watches
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
    if config.embed_scale != 1:
        x = x * config.embed_scale
    if config.post_embedding_ln:
        w, b = unlayered(weights, "ln_embed_w"), unlayered(weights, "ln_embed_b")
        x = norm(config, w, b, "ln_embed", None, x, NO_TAP)
    x = tap("embed", None, x)
    if positions.pos_embed is None:
        return x
    pos_embed = tap_pos_embed(positions.pos_embed, x, tap)
    return x + pos_embed


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
    if positions.qk_pos_embed is not None:
        positions = positions._replace(qk_pos_embed=tap_pos_embed(positions.qk_pos_embed, x, tap))
    for layer in range(config.n_layers)[start:stop]:
        x = block(config, block_weights(weights, layer), layer, x, positions, tap)
    if positions.past is not None:
        positions.past.advance(x.shape[1], positions.mask)
    return x


def block(config: ModelConfig, w: BlockWeights, layer: int, x: Residual, positions: PositionInfo, tap: Tap) -> Residual:
    """One layer: `heads` move information between positions, `after_heads` works at each position alone."""
    x = tap("resid_pre", layer, x)
    inputs = attention_inputs(config, w, layer, x, positions, tap)
    z = heads(config, w, layer, inputs, positions, tap)
    return after_heads(config, w, layer, x, z, tap)


def after_heads(
    config: ModelConfig, w: BlockWeights, layer: int, x: Residual, z: Float[Tensor, "batch pos head d_head"], tap: Tap
) -> Residual:
    """What a layer makes of the stream `x` that entered it and its heads' outputs `z`. Attention and MLP add to the
    stream; in a parallel block both read what entered it.

    serial:    x ─┬─ attention ─ + ─┬─ mlp ─ + ─        parallel:  x ─┬─ attention ─┐
                  └──────────────┘  └────────┘                        ├─ mlp ────── + ─
                                                                      └─────────────┘
    """
    attn_out = attention_write(config, w, layer, z, tap)
    if config.attn_only:
        x = x + attn_out
    elif config.parallel_attn_mlp:
        mlp_out = mlp(config, w, layer, x, tap)
        x = x + attn_out + mlp_out
    else:
        x = x + attn_out
        x = tap("resid_mid", layer, x)
        mlp_out = mlp(config, w, layer, x, tap)
        x = x + mlp_out
    return tap("resid_post", layer, x)


def attention_inputs(
    config: ModelConfig, w: BlockWeights, layer: int, x: Residual, positions: PositionInfo, tap: Tap
) -> tuple[Tensor, Tensor, Tensor]:
    """What queries, keys and values are made from: the normalized stream, plus shortformer positions for q and k.

    One tensor [batch, pos, d_model] each; where a split input is watched, one copy a head [batch, pos, head, d_model].
    """
    x_v = norm_before(config, w.ln1_w, w.ln1_b, "ln1", layer, x, tap)
    x_qk = x_v if positions.qk_pos_embed is None else x_v + positions.qk_pos_embed
    if watches(tap, layer, "attn_in", "q_input", "k_input", "v_input"):
        return split_inputs(config, w, layer, x, (x_qk, x_qk, x_v), positions, tap)
    return x_qk, x_qk, x_v


def heads(
    config: ModelConfig,
    w: BlockWeights,
    layer: int,
    inputs: tuple[Tensor, Tensor, Tensor],
    positions: PositionInfo,
    tap: Tap,
) -> Float[Tensor, "batch pos head d_head"]:
    """softmax(q·k / scale) v of each head (Vaswani et al. 2017, arXiv:1706.03762, section 3.2).

    `inputs` are those of `attention_inputs`.
    """
    q, k, v = queries_keys_values(config, w, inputs)
    q = tap("q", layer, q)
    k = tap("k", layer, k)
    v = tap("v", layer, v)

    q = qk_norm(config, w.q_norm_w, w.q_norm_b, q)
    k = qk_norm(config, w.k_norm_w, w.k_norm_b, k)
    if config.rotary is not None:
        q = apply_rotary(config, layer, q, positions)
        k = apply_rotary(config, layer, k, positions)
        q = tap("rot_q", layer, q)
        k = tap("rot_k", layer, k)
    if positions.past is not None:
        k, v = positions.past.append(layer, k, v)

    return attend(config, layer, q, k, v, positions, tap, w.sinks)


def attention_write(
    config: ModelConfig, w: BlockWeights, layer: int, z: Float[Tensor, "batch pos head d_head"], tap: Tap = NO_TAP
) -> Residual:
    """What attention writes to the stream: z → sum over heads → one more norm where the config has it there."""
    attn_out = sum_heads(w, layer, z, tap)
    attn_out = norm_after(config, w.ln1_post_w, "ln1_post", layer, attn_out, tap)
    return tap("attn_out", layer, attn_out)


def sum_heads(w: BlockWeights, layer: int, z: Float[Tensor, "batch pos head d_head"], tap: Tap) -> Residual:
    """Σ_h z_h W_O[h] + b_O; each head's term is made only where it is watched."""
    z = tap("z", layer, z)
    if not watches(tap, layer, "result"):
        return F.linear(z.flatten(2), w.W_O.flatten(0, 1).T, w.b_O)
    result = torch.einsum("bphe,hed->bphd", z, w.W_O)
    result = tap("result", layer, result)
    return result.sum(2) if w.b_O is None else result.sum(2) + w.b_O


def queries_keys_values(
    config: ModelConfig, w: BlockWeights, inputs: tuple[Tensor, Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """X W + b for each, clamped where the config says so; of compressed vectors with latent attention."""
    if config.latent is not None:
        return from_latents(config.latent, w, inputs)
    assert w.W_Q is not None and w.W_K is not None and w.W_V is not None
    x_q, x_k, x_v = inputs
    q = clip(config, project(x_q, w.W_Q, w.b_Q))
    k = clip(config, project(x_k, w.W_K, w.b_K))
    v = clip(config, project(x_v, w.W_V, w.b_V))
    return q, k, v


def attend(
    config: ModelConfig,
    layer: int,
    q: Float[Tensor, "batch pos head d_head"],
    k: Float[Tensor, "batch key_pos kv_head d_head"],
    v: Float[Tensor, "batch key_pos kv_head d_v"],
    positions: PositionInfo,
    tap: Tap,
    sinks: Float[Tensor, " head"] | None = None,
) -> Float[Tensor, "batch pos head d_v"]:
    """Each query's average of the values; fused unless scores or pattern are watched, capped, or have a sink."""
    stepwise_only = config.attn_scores_soft_cap is not None or sinks is not None
    fused = partial(attend_fused, config, layer, q, k, v, positions)
    if not stepwise_only and not watches(tap, layer, "attn_scores", "pattern"):
        return fused()
    z, edited = attend_stepwise(config, layer, q, k, v, positions, tap, sinks)
    return z if edited or stepwise_only else as_unwatched(z, fused)


def mlp(config: ModelConfig, w: BlockWeights, layer: int, x: Residual, tap: Tap) -> Residual:
    """What the MLP writes to the stream: x → norm → neurons, and one more norm where the config has it there."""
    if watches(tap, layer, "mlp_in"):
        x = tap("mlp_in", layer, x.clone())
    x = norm_before(config, w.ln2_w, w.ln2_b, "ln2", layer, x, tap)
    mlp_out = mlp_from(config, w, layer, x, tap)
    mlp_out = norm_after(config, w.ln2_post_w, "ln2_post", layer, mlp_out, tap)
    return tap("mlp_out", layer, mlp_out)


def mlp_from(config: ModelConfig, w: BlockWeights, layer: int, x: Residual, tap: Tap) -> Residual:
    """act(x W_in + b_in) W_out + b_out; gated: act(x W_gate + b_gate) * (x W_in + b_in)
    (Shazeer 2020, arXiv:2002.05202). With experts: `mixture`. x is the stream through its norm.
    """
    assert w.W_in is not None and w.W_out is not None and config.act_fn is not None
    if w.W_router is not None:
        return mixture(config, w, layer, x, tap)
    pre = F.linear(x, w.W_in.T, w.b_in)
    if w.W_gate is None:
        pre = tap("pre", layer, pre)
        post = activate(config.act_fn, pre)
    else:
        gate = F.linear(x, w.W_gate.T, w.b_gate)
        gate = tap("pre", layer, gate)
        pre = tap("pre_linear", layer, pre)
        post = gated(config, gate, pre)
    post = tap("post", layer, post)
    return F.linear(post, w.W_out.T, w.b_out)


def unembed(
    config: ModelConfig, weights: Weights, x: Residual, tap: Tap = NO_TAP
) -> Float[Tensor, "batch pos d_vocab"]:
    """norm(x) W_U + b_U, scaled and capped where the config says so."""
    x = norm(config, unlayered(weights, "ln_final_w"), unlayered(weights, "ln_final_b"), "ln_final", None, x, tap)
    x = tap("unembed_in", None, x)
    logits = F.linear(x, unembedding(weights).T, unlayered(weights, "b_U"))
    logits = tap("unembed_out", None, logits)
    return scale_and_cap(config, logits)


def answer_logits(
    config: ModelConfig, weights: Weights, x: Residual, answers: Int[Tensor, "pos token"]
) -> Float[Tensor, "batch pos token"]:
    """`unembed` for a few tokens of each position only."""
    x = norm(config, unlayered(weights, "ln_final_w"), unlayered(weights, "ln_final_b"), "ln_final", None, x, NO_TAP)
    logits = torch.einsum("bpd,ptd->bpt", x, F.embedding(answers, unembedding(weights).T))
    b_U = unlayered(weights, "b_U")
    return scale_and_cap(config, logits if b_U is None else logits + b_U[answers])


# What these are made of, and what few models have or few taps watch.


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


def from_latents(
    latent: Latent, w: BlockWeights, inputs: tuple[Tensor, Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """With c = norm(x W_DKV) and c' = norm(x W_DQ): q = [c' W_QR, c' W_UQ], k = [x W_KR, c W_UK] and v = c W_UV
    (DeepSeek-AI 2024, arXiv:2405.04434, section 2.1). The rotary part of keys, x W_KR, is the same for all heads.
    """
    assert w.W_QR is not None and w.W_UQ is not None and w.W_DKV is not None
    assert w.W_KR is not None and w.W_UK is not None and w.W_UV is not None
    x_q, x_k, x_v = inputs
    c_q = x_q if w.W_DQ is None else compress(latent, w.W_DQ, w.q_latent_w, x_q)
    c_k = compress(latent, w.W_DKV, w.kv_latent_w, x_k)
    c_v = c_k if x_v is x_k else compress(latent, w.W_DKV, w.kv_latent_w, x_v)
    q = torch.cat((project(c_q, w.W_QR, None), project(c_q, w.W_UQ, None)), -1)
    turning, rest = F.linear(x_k, w.W_KR.T), project(c_k, w.W_UK, None)
    turning = turning if x_k.ndim == 4 else turning.unsqueeze(2).expand(-1, -1, rest.shape[2], -1)
    return q, torch.cat((turning, rest), -1), project(c_v, w.W_UV, None)


def compress(
    latent: Latent, W: Float[Tensor, "d_model rank"], w: Float[Tensor, " rank"] | None, x: Tensor
) -> Float[Tensor, "*batch rank"]:
    """RMSNorm of x W."""
    return F.rms_norm(F.linear(x, W.T), W.shape[1:], w, latent.eps)


def clip(config: ModelConfig, x: Tensor) -> Tensor:
    """Clamped at plus and minus `clip_qkv`, where there is one."""
    return x if config.clip_qkv is None else x.clamp(-config.clip_qkv, config.clip_qkv)


def qk_norm(
    config: ModelConfig,
    w: Float[Tensor, "n_heads d_head"] | None,
    b: Float[Tensor, "n_heads d_head"] | None,
    x: Float[Tensor, "batch pos n_heads d_head"],
) -> Float[Tensor, "batch pos n_heads d_head"]:
    """Queries or keys through a norm of the model's kind, each head's vector alone or all as one
    (Dehghani et al. 2023, arXiv:2302.05442, section 2); as they are where the config has no such norm.
    """
    if config.qk_norm is None:
        return x
    assert w is not None
    over = x.shape[-1:] if config.qk_norm == "head" else x.shape[-2:]
    x = F.layer_norm(x, over, eps=config.eps) if centred(config) else F.rms_norm(x, over, eps=config.eps)
    return x * w if b is None else x * w + b


def split_inputs(
    config: ModelConfig,
    w: BlockWeights,
    layer: int,
    x: Residual,
    whole: tuple[Tensor, Tensor, Tensor],
    positions: PositionInfo,
    tap: Tap,
) -> tuple[Tensor, Tensor, Tensor]:
    """`attention_inputs` with a copy of the stream for each head where that is watched, and `whole` where it is not."""
    per_head = x.unsqueeze(2).expand(-1, -1, config.n_heads, -1)
    every = watches(tap, layer, "attn_in")
    if every:
        per_head = tap("attn_in", layer, per_head.clone())

    def split(name: str, heads: int, pos_embed: Tensor | None, shared: Tensor) -> Tensor:
        if not every and not watches(tap, layer, name):
            return shared
        copies = per_head[:, :, :: config.n_heads // heads].clone()
        copies = tap(name, layer, copies)
        copies = norm_before(config, w.ln1_w, w.ln1_b, "ln1", layer, copies, NO_TAP)
        return copies if pos_embed is None else copies + pos_embed.unsqueeze(-2)

    return (
        split("q_input", config.n_heads, positions.qk_pos_embed, whole[0]),
        split("k_input", config.n_kv, positions.qk_pos_embed, whole[1]),
        split("v_input", config.n_kv, None, whole[2]),
    )


def attend_fused(
    config: ModelConfig,
    layer: int,
    q: Float[Tensor, "batch pos head d_head"],
    k: Float[Tensor, "batch key_pos kv_head d_head"],
    v: Float[Tensor, "batch key_pos kv_head d_v"],
    positions: PositionInfo,
) -> Float[Tensor, "batch pos head d_v"]:
    """`attend` without making scores and pattern."""
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


def attend_stepwise(
    config: ModelConfig,
    layer: int,
    q: Float[Tensor, "batch pos head d_head"],
    k: Float[Tensor, "batch key_pos kv_head d_head"],
    v: Float[Tensor, "batch key_pos kv_head d_v"],
    positions: PositionInfo,
    tap: Tap,
    sinks: Float[Tensor, " head"] | None = None,
) -> tuple[Float[Tensor, "batch pos head d_v"], bool]:
    """`attend` through scores and pattern that a tap can see, and whether it edited them. A sink is one score more in
    each of its head's rows, for a key without a value (OpenAI 2025, arXiv:2508.10925, section 2.1).
    """
    if config.grouped:
        k = k.repeat_interleave(config.n_heads // config.n_kv, 2)
        v = v.repeat_interleave(config.n_heads // config.n_kv, 2)
    scale = math.sqrt(config.d_head) if config.attn_scale is None else config.attn_scale
    scores = (q.transpose(1, 2) / scale) @ k.permute(0, 2, 3, 1)
    if config.attn_scores_soft_cap is not None:
        scores = soft_cap(scores, config.attn_scores_soft_cap)
    if positions.alibi is not None:
        scores = scores + positions.alibi.to(scores.dtype)
    allowed = positions.allowed[layer]
    if allowed is None:
        allowed = causal(q.shape[1], k.shape[1], q.device)
    scores = scores.masked_fill(~allowed, -torch.inf)
    scores, edited_scores = tap_watching(tap, "attn_scores", layer, scores)
    pattern = shares(upcast(scores), sinks).to(v.dtype)
    pattern, edited_pattern = tap_watching(tap, "pattern", layer, pattern)
    z = pattern @ v.transpose(1, 2)
    return z.transpose(1, 2), edited_scores or edited_pattern


def shares(
    scores: Float[Tensor, "batch head pos key_pos"], sinks: Float[Tensor, " head"] | None
) -> Float[Tensor, "batch head pos key_pos"]:
    """softmax over the keys and, where there are sinks, one score more, whose share is left out."""
    if sinks is None:
        return scores.softmax(-1)
    one = sinks.to(scores.dtype)[:, None, None].expand(*scores.shape[:-1], 1)
    return torch.cat((scores, one), -1).softmax(-1)[..., :-1]


def mixture(config: ModelConfig, w: BlockWeights, layer: int, x: Residual, tap: Tap) -> Residual:
    """Σ_e g_e(x) MLP_e(x), with g = softmax(x W_router) kept for the largest few (Shazeer et al. 2017,
    arXiv:1701.06538); plus MLP_shared(x), times sigmoid(x W_router_shared) if gated, where every token takes one more.
    """
    assert w.W_router is not None and w.W_in is not None and w.W_out is not None
    scores = F.linear(upcast(x), upcast(w.W_router).T, None if w.b_router is None else upcast(w.b_router))
    parts = scores.softmax(-1) if config.router_score == "softmax" else scores.sigmoid()
    chosen = choose(config, parts if w.b_select is None else parts + w.b_select)
    kept = parts.gather(-1, chosen)
    if config.norm_expert_weights:
        kept = kept / kept.sum(-1, keepdim=True)
    if config.expert_scale != 1:
        kept = kept * config.expert_scale
    gates = tap("expert_weights", layer, torch.zeros_like(parts).scatter(-1, chosen, kept).to(x.dtype)).flatten(0, 1)
    rows, out = x.flatten(0, 1), torch.zeros_like(x).flatten(0, 1)
    for expert in range(w.W_in.shape[0]):
        taken = gates[:, expert].nonzero()[:, 0]
        its = [
            None if held is None else held[expert] for held in (w.W_gate, w.W_in, w.W_out, w.b_gate, w.b_in, w.b_out)
        ]
        written = neurons(config, rows[taken], *its)
        out = out.index_add(0, taken, written * gates[taken, expert, None])
    if w.W_in_shared is not None:
        shared = neurons(config, rows, w.W_gate_shared, w.W_in_shared, w.W_out_shared)
        if w.W_router_shared is not None:
            shared = F.linear(rows, w.W_router_shared.T).sigmoid() * shared
        out = out + shared
    return out.view(x.shape)


def choose(config: ModelConfig, parts: Float[Tensor, "*tokens expert"]) -> Int[Tensor, "*tokens chosen"]:
    """The experts of the largest parts; with groups, of those in the groups whose best parts sum to most
    (DeepSeek-AI 2024, arXiv:2412.19437, section 2.1.2).
    """
    assert config.experts_per_token is not None
    if config.n_expert_groups is not None and config.expert_groups_per_token is not None:
        groups = parts.unflatten(-1, (config.n_expert_groups, -1))
        best = groups.topk(config.experts_per_group_score).values.sum(-1).topk(config.expert_groups_per_token).indices
        shut = torch.ones_like(groups[..., 0], dtype=torch.bool).scatter(-1, best, False)
        parts = groups.masked_fill(shut.unsqueeze(-1), -torch.inf).flatten(-2)
    return parts.topk(config.experts_per_token).indices


def neurons(
    config: ModelConfig,
    x: Tensor,
    W_gate: Tensor | None,
    W_in: Tensor | None,
    W_out: Tensor | None,
    b_gate: Tensor | None = None,
    b_in: Tensor | None = None,
    b_out: Tensor | None = None,
) -> Tensor:
    """One expert's MLP: no sites."""
    assert config.act_fn is not None and W_in is not None and W_out is not None
    linear = F.linear(x, W_in.T, b_in)
    if W_gate is None:
        return F.linear(activate(config.act_fn, linear), W_out.T, b_out)
    return F.linear(gated(config, F.linear(x, W_gate.T, b_gate), linear), W_out.T, b_out)


def gated(config: ModelConfig, pre: Tensor, linear: Tensor) -> Tensor:
    """act(pre) · linear; with `swiglu_limit`, act(min(pre, limit)) · (clamp(linear, ±limit) + 1)."""
    assert config.act_fn is not None
    if config.swiglu_limit is None:
        return activate(config.act_fn, pre) * linear
    limit = config.swiglu_limit
    return activate(config.act_fn, pre.clamp(max=limit)) * (linear.clamp(-limit, limit) + 1)


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


def scale_and_cap(config: ModelConfig, logits: Tensor) -> Tensor:
    """Logits times their scale, and within their cap, where the config has one."""
    if config.logit_scale != 1:
        logits = logits * config.logit_scale
    if config.output_logits_soft_cap is not None:
        logits = soft_cap(logits, config.output_logits_soft_cap)
    return logits


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
    if not watches(tap, layer, f"{name}.scale", f"{name}.normalized"):
        return fused()
    wide = upcast(x)
    if centred(config):
        wide = wide - wide.mean(-1, keepdim=True)
    scale = (wide.pow(2).mean(-1, keepdim=True) + config.eps).sqrt()
    scale, edited_scale = tap_watching(tap, f"{name}.scale", layer, scale)
    normed = (wide / scale).to(x.dtype)
    normed, edited_normed = tap_watching(tap, f"{name}.normalized", layer, normed)
    normed = normed if w is None else normed * w
    normed = normed if b is None else normed + b
    return normed if edited_scale or edited_normed else as_unwatched(normed, fused)


def tap_watching(tap: Tap, name: str, layer: int | None, x: Tensor) -> tuple[Tensor, bool]:
    """x as the tap leaves it, and whether it was edited, in place or by another value. Inference mode, the compiler and
    the meta device keep no account of that: there it counts as edited.
    """
    if torch.compiler.is_compiling() or x.is_meta or x.is_inference():
        return tap(name, layer, x), True
    version = x._version
    seen = tap(name, layer, x)
    return seen, x._version != version or not (seen is x or torch.equal(seen, x))


def as_unwatched(made: Tensor, fused: Callable[[], Tensor]) -> Tensor:
    """What was made step by step, to be watched, with the bits that the fused kernel gives a run that nobody watches.
    Gradients are those of `made`. Left alone where the two differ by more than rounding: somebody edited a step where
    torch keeps no account of it (`.data`, NumPy).

    Without this the two kinds of run would differ in their last bits, which no one who compares them expects.
    """
    if made.dtype not in (torch.float32, torch.float64):
        return made
    with torch.no_grad():
        alike = fused()
        bound = _ROUNDING * torch.finfo(made.dtype).eps * made.abs().amax()
        if not bool(((alike - made).abs() <= bound).all()):
            return made
    return alike + (made - made.detach()) if made.requires_grad else alike


_ROUNDING = 32
"""In units of the last place of the largest value: how far the fused kernels may be from the same thing in steps."""


def upcast(x: Tensor) -> Tensor:
    """Half precisions as float32, for sums and exponentials; wider ones as they are."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def tap_pos_embed(pos_embed: Tensor, x: Residual, tap: Tap) -> Tensor:
    """Positions as they are added to x, one row an example where they are watched."""
    if not watches(tap, None, "pos_embed"):
        return pos_embed
    return tap("pos_embed", None, pos_embed.expand_as(x).clone())
