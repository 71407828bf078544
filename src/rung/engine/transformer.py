"""The transformer: pure functions over (config, weights), with a tap at every named site.

Start at `forward`. Shapes: batch, pos, d_model; heads stand in their own axis ([batch, pos, head, d_head]) until
attention, where they move before pos. Nothing here knows a family, a tokenizer or a hook.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..config import ModelConfig, Rotary
from .past import KeyValueCache
from .sites import Site
from .taps import NO_TAP, Tap
from .weights import BlockWeights, Weights, block_weights, embedding, single, unembedding

Residual = Float[Tensor, "batch pos d_model"]


def forward(
    config: ModelConfig,
    weights: Weights,
    tokens: Int[Tensor, "batch pos"],
    tap: Tap = NO_TAP,
    *,
    mask: Bool[Tensor, "batch key_pos"] | None = None,
    past: KeyValueCache | None = None,
) -> Float[Tensor, "batch pos d_vocab"]:
    """Logits for the token after each one.

    tokens → embed → block 0 → … → block L−1 → norm → unembed → logits

    `mask` is False at padding (all positions, those in `past` included); `past` holds keys and values already read.
    """
    frame = locate(config, weights, tokens.shape, tokens.device, mask=mask, past=past)
    x = embed(config, weights, tokens, frame, tap)
    x = blocks(config, weights, x, frame, tap)
    return unembed(config, weights, x, tap)


def embed(
    config: ModelConfig, weights: Weights, tokens: Int[Tensor, "batch pos"], frame: "Frame", tap: Tap
) -> Residual:
    """W_E[tokens], plus positions where they are added to the stream."""
    x = tap("embed", None, F.embedding(tokens, embedding(weights)))
    if frame.pos_embed is None or config.positional_embedding_type == "shortformer":
        return x
    return x + _tap_positions(frame.pos_embed, x, tap)


def blocks(
    config: ModelConfig,
    weights: Weights,
    x: Residual,
    frame: "Frame",
    tap: Tap = NO_TAP,
    start: int = 0,
    stop: int | None = None,
) -> Residual:
    """The residual stream carried from before layer `start` to before layer `stop` (the end, if None)."""
    if config.positional_embedding_type == "shortformer" and frame.pos_embed is not None:
        frame = frame._replace(pos_embed=_tap_positions(frame.pos_embed, x, tap))
    for layer in range(config.n_layers)[start:stop]:
        x = block(config, block_weights(weights, layer), layer, x, frame, tap)
    if frame.past is not None:
        frame.past.advance(x.shape[1])
    return x


def block(config: ModelConfig, w: BlockWeights, layer: int, x: Residual, frame: "Frame", tap: Tap) -> Residual:
    """One layer. Both parts add to the stream; in a parallel block both read what entered it.

    serial:    x ─┬─ norm ─ attention ─ + ─┬─ norm ─ mlp ─ + ─        parallel:  x ─┬─ norm ─ attention ─┐
                  └─────────────────────┘  └───────────────┘                        ├─ norm ─ mlp ────── + ─
                                                                                    └────────────────────┘
    """
    x = tap("resid_pre", layer, x)
    attn_out = tap("attn_out", layer, attention(config, w, layer, x, frame, tap))
    if config.attn_only:
        return tap("resid_post", layer, x + attn_out)
    mid = x if config.parallel_attn_mlp else tap("resid_mid", layer, x + attn_out)
    mlp_in = tap("mlp_in", layer, mid.clone() if Site("mlp_in", layer) in tap.sites else mid)
    mlp_out = tap("mlp_out", layer, mlp(config, w, layer, mlp_in, tap))
    return tap("resid_post", layer, mid + attn_out + mlp_out if config.parallel_attn_mlp else mid + mlp_out)


def attention(config: ModelConfig, w: BlockWeights, layer: int, x: Residual, frame: "Frame", tap: Tap) -> Residual:
    """softmax(q·k / scale) v, summed over heads through W_O (Vaswani et al. 2017, arXiv:1706.03762, section 3.2).

    Fused unless this layer's scores or pattern are watched.
    """
    return heads(config, w, layer, attention_inputs(config, w, layer, x, frame, tap), frame, tap)


def heads(
    config: ModelConfig, w: BlockWeights, layer: int, inputs: tuple[Tensor, Tensor, Tensor], frame: "Frame", tap: Tap
) -> Residual:
    """Attention from what its queries, keys and values read, norm and all: `attention_inputs`."""
    x_q, x_k, x_v = inputs
    q = tap("q", layer, project(x_q, w.W_Q, w.b_Q))
    k = tap("k", layer, project(x_k, w.W_K, w.b_K))
    v = tap("v", layer, project(x_v, w.W_V, w.b_V))
    if config.rotary is not None and frame.rotary is not None:
        q = tap("rot_q", layer, rotate(q, config.rotary, *frame.rotary))
        k = tap("rot_k", layer, rotate(k, config.rotary, *frame.rotary))
    if frame.past is not None:
        k, v = frame.past.append(layer, k, v)
    if Site("attn_scores", layer) in tap.sites or Site("pattern", layer) in tap.sites:
        z = attend(config, layer, q, k, v, frame, tap)
    else:
        z = attend_fused(config, q, k, v, frame)
    z = tap("z", layer, z)
    if Site("result", layer) in tap.sites:
        out = tap("result", layer, torch.einsum("bphe,hed->bphd", z, w.W_O)).sum(2)
        return out if w.b_O is None else out + w.b_O
    return F.linear(z.flatten(2), w.W_O.flatten(0, 1).T, w.b_O)


def attention_inputs(
    config: ModelConfig, w: BlockWeights, layer: int, x: Residual, frame: "Frame", tap: Tap
) -> tuple[Tensor, Tensor, Tensor]:
    """What queries, keys and values are made from: the normalized stream, plus shortformer positions for q and k.

    One tensor [batch, pos, d_model] each; where a split input is watched, one copy a head [batch, pos, head, d_model].
    """
    normed = norm(config, w.ln1_w, w.ln1_b, "ln1", layer, x, tap)
    pos = frame.pos_embed if config.positional_embedding_type == "shortformer" else None
    shared = normed if pos is None else normed + pos
    watched = {name for name in ("attn_in", "q_input", "k_input", "v_input") if Site(name, layer) in tap.sites}
    if not watched:
        return shared, shared, normed

    def split(name: str, heads: int, positions: Tensor | None, whole: Tensor) -> Tensor:
        if not watched & {name, "attn_in"}:
            return whole
        copies = tap(name, layer, per_head[:, :, :: config.n_heads // heads].clone())
        copies = norm(config, w.ln1_w, w.ln1_b, "ln1", layer, copies, NO_TAP)
        return copies if positions is None else copies + positions.unsqueeze(-2)

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


def attend_fused(
    config: ModelConfig,
    q: Float[Tensor, "batch pos head d_head"],
    k: Float[Tensor, "batch key_pos kv_head d_head"],
    v: Float[Tensor, "batch key_pos kv_head d_head"],
    frame: "Frame",
) -> Float[Tensor, "batch pos head d_head"]:
    """Each query's average of the values, without making the pattern."""
    z = F.scaled_dot_product_attention(
        q.transpose(1, 2),
        k.transpose(1, 2),
        v.transpose(1, 2),
        attn_mask=frame.allowed,
        is_causal=frame.allowed is None and q.shape[1] > 1,
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
    frame: "Frame",
    tap: Tap,
) -> Float[Tensor, "batch pos head d_head"]:
    """The same, through scores and pattern that a tap can see."""
    k, v = (x.repeat_interleave(config.n_heads // config.n_kv, 2) if config.grouped else x for x in (k, v))
    scale = math.sqrt(config.d_head) if config.attn_scale is None else config.attn_scale
    scores = (q.transpose(1, 2) / scale) @ k.permute(0, 2, 3, 1)
    allowed = causal(q.shape[1], k.shape[1], q.device) if frame.allowed is None else frame.allowed
    scores = tap("attn_scores", layer, scores.masked_fill(~allowed, -torch.inf))
    pattern = tap("pattern", layer, upcast(scores).softmax(-1).to(v.dtype))
    return (pattern @ v.transpose(1, 2)).transpose(1, 2)


def mlp(config: ModelConfig, w: BlockWeights, layer: int, x: Residual, tap: Tap) -> Residual:
    """act(x W_in + b_in) W_out + b_out; gated: act(x W_gate + b_gate) * (x W_in + b_in)
    (Shazeer 2020, arXiv:2002.05202). x is the stream through its norm.
    """
    return neurons(config, w, layer, norm(config, w.ln2_w, w.ln2_b, "ln2", layer, x, tap), tap)


def neurons(config: ModelConfig, w: BlockWeights, layer: int, x: Residual, tap: Tap) -> Residual:
    """The MLP from what it reads, the normalized stream."""
    assert w.W_in is not None and w.W_out is not None and config.act_fn is not None
    linear = F.linear(x, w.W_in.T, w.b_in)
    if w.W_gate is None:
        post = activate(config.act_fn, tap("pre", layer, linear))
    else:
        pre = tap("pre", layer, F.linear(x, w.W_gate.T, w.b_gate))
        post = activate(config.act_fn, pre) * tap("pre_linear", layer, linear)
    return F.linear(tap("post", layer, post), w.W_out.T, w.b_out)


def activate(name: str, x: Tensor) -> Tensor:
    """The nonlinearity that a config names."""
    match name:
        case "gelu":
            return F.gelu(x)
        case "gelu_new":
            return F.gelu(x, approximate="tanh")
        case "relu":
            return F.relu(x)
        case "silu":
            return F.silu(x)
    raise AssertionError(name)


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
    centred = config.normalization_type in ("LN", "LNPre")
    if Site(f"{name}.scale", layer) not in tap.sites and Site(f"{name}.normalized", layer) not in tap.sites:
        if centred:
            return F.layer_norm(x, x.shape[-1:], w, b, config.eps)
        return F.rms_norm(x, x.shape[-1:], w, config.eps)
    wide = upcast(x)
    if centred:
        wide = wide - wide.mean(-1, keepdim=True)
    scale = tap(f"{name}.scale", layer, (wide.pow(2).mean(-1, keepdim=True) + config.eps).sqrt())
    normed = tap(f"{name}.normalized", layer, (wide / scale).to(x.dtype))
    normed = normed if w is None else normed * w
    return normed if b is None else normed + b


def unembed(
    config: ModelConfig, weights: Weights, x: Residual, tap: Tap = NO_TAP
) -> Float[Tensor, "batch pos d_vocab"]:
    """norm(x) W_U + b_U."""
    x = norm(config, single(weights, "ln_final_w"), single(weights, "ln_final_b"), "ln_final", None, x, tap)
    return F.linear(x, unembedding(weights).T, single(weights, "b_U"))


class Frame(NamedTuple):
    """What every layer needs to know about where its tokens stand."""

    pos_embed: Float[Tensor, "*batch pos d_model"] | None
    """Positions to add, to the stream or (shortformer) to query and key inputs."""
    rotary: tuple[Float[Tensor, "*batch pos half"], Float[Tensor, "*batch pos half"]] | None
    """Cosine and sine of each position's angles."""
    allowed: Bool[Tensor, "*batch_one pos key_pos"] | None
    """Which keys a query may see; None: every key up to its own position."""
    past: KeyValueCache | None


def locate(
    config: ModelConfig,
    weights: Weights,
    shape: tuple[int, ...],
    device: torch.device,
    *,
    mask: Bool[Tensor, "batch key_pos"] | None = None,
    past: KeyValueCache | None = None,
) -> Frame:
    """Positions and mask for `shape` = (batch, pos) tokens that follow `past`.

    Padding (mask False) takes no position and is seen by no other token.
    """
    n, before = shape[1], 0 if past is None else past.length
    positions = torch.arange(before, before + n, device=device)
    allowed = None if before == 0 or n == 1 else causal(n, before + n, device)
    if mask is not None:
        allowed = causal(n, before + n, device)
        itself = torch.eye(before + n, dtype=torch.bool, device=device)[before:]
        allowed = ((allowed & mask[:, None, :]) | itself)[:, None]
        positions = (mask.long().cumsum(-1) - 1).clamp(min=0)[:, before:]
    pos_embed = rotary = None
    match config.positional_embedding_type:
        case "standard" | "shortformer":
            W_pos = single(weights, "W_pos")
            assert W_pos is not None
            pos_embed = F.embedding(positions, W_pos)
        case "sinusoidal":
            pos_embed = sinusoids(positions, config.d_model, config.sinusoidal_base).to(embedding(weights).dtype)
        case "rotary":
            assert config.rotary is not None
            angles = positions[..., None] * frequencies(config.rotary, device)
            rotary = (angles.cos(), angles.sin())
    return Frame(pos_embed, rotary, allowed, past)


def causal(n: int, total: int, device: torch.device) -> Bool[Tensor, "pos key_pos"]:
    """True where a key is not after its query, for the last `n` of `total` positions."""
    return torch.ones(n, total, dtype=torch.bool, device=device).tril(total - n)


def sinusoids(positions: Int[Tensor, "*batch pos"], width: int, base: float) -> Float[Tensor, "*batch pos d_model"]:
    """Sin and cos of pos / base^(2i/width) in even and odd coordinates (Vaswani et al. 2017, section 3.5)."""
    steps = torch.arange(0, width, 2, device=positions.device, dtype=torch.float32)
    angles = positions[..., None] * torch.exp(-math.log(base) / width * steps)
    return torch.stack((angles.sin(), angles.cos()), -1).flatten(-2)[..., :width]


def frequencies(rotary: Rotary, device: torch.device) -> Float[Tensor, " half"]:
    """Radians a position: base^(−2i/dim), stretched as the scaling says."""
    steps = torch.arange(0, rotary.dim, 2, device=device, dtype=torch.float32)
    freqs = 1.0 / rotary.base ** (steps / rotary.dim)
    scaling = rotary.scaling
    if scaling is None:
        return freqs
    if scaling.kind == "linear":
        return freqs / scaling.factor
    turns = scaling.original_n_ctx * freqs / (2 * math.pi)
    ramp = (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor)
    keep = ramp.clamp(0, 1)
    return keep * freqs + (1 - keep) * freqs / scaling.factor


def rotate(
    x: Float[Tensor, "batch pos head d_head"],
    rotary: Rotary,
    cos: Float[Tensor, "*batch pos half"],
    sin: Float[Tensor, "*batch pos half"],
) -> Float[Tensor, "batch pos head d_head"]:
    """Each pair of coordinates turned by its angle: (a, b) → (a cos − b sin, b cos + a sin)."""
    cos, sin = cos.unsqueeze(-2).to(x.dtype), sin.unsqueeze(-2).to(x.dtype)
    turning, rest = x[..., : rotary.dim], x[..., rotary.dim :]
    if rotary.pairing == "halves":
        a, b = turning.chunk(2, -1)
        turned = torch.cat((a * cos - b * sin, b * cos + a * sin), -1)
    else:
        a, b = turning[..., ::2], turning[..., 1::2]
        turned = torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)
    return turned if rotary.dim == x.shape[-1] else torch.cat((turned, rest), -1)


def upcast(x: Tensor) -> Tensor:
    """Half precisions as float32, for sums and exponentials; wider ones as they are."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _tap_positions(pos_embed: Tensor, x: Tensor, tap: Tap) -> Tensor:
    if Site("pos_embed") not in tap.sites:
        return pos_embed
    return tap("pos_embed", None, pos_embed.expand_as(x).clone())
