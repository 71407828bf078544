"""Where tokens stand: which keys each may see, and what positions add to, or turn in, what they read.

`position_info` works it out once for a run; every layer reads the `PositionInfo` it gives.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..config import Alibi, ModelConfig, Rotary
from ..errors import ConfigError
from .kv_cache import KeyValueCache
from .weights import Weights, embedding, unlayered


class PositionInfo(NamedTuple):
    """What every layer needs to know about where its tokens stand."""

    pos_embed: Float[Tensor, "*batch pos d_model"] | None
    """Positions to add, to the stream or (shortformer) to query and key inputs."""
    angles: tuple[tuple[Float[Tensor, "*batch pos half"], Float[Tensor, "*batch pos half"]] | None, ...]
    """For each layer, cosine and sine of each position's angles."""
    alibi: Float[Tensor, "*batch head one key_pos"] | None
    """What each key's position adds to its scores."""
    allowed: tuple[Bool[Tensor, "*batch_one pos key_pos"] | None, ...]
    """For each layer, which keys a query may see; None: every key up to its own position."""
    past: KeyValueCache | None
    mask: Bool[Tensor, "batch key_pos"] | None = None
    """False at keys that are padding, those in `past` included; None: none is."""


def position_info(
    config: ModelConfig,
    weights: Weights,
    shape: tuple[int, ...],
    device: torch.device,
    *,
    mask: Bool[Tensor, "batch some_pos"] | None = None,
    past: KeyValueCache | None = None,
) -> PositionInfo:
    """Positions and mask for `shape` = (batch, pos) tokens that follow `past`.

    Padding (mask False) takes no position and is seen by no other token; `mask` speaks of the tokens, or of those in
    `past` too, which remembers its own. Raises ConfigError for a past of a bidirectional model: what comes later would
    change it.
    """
    if past is not None and config.attention_dir == "bidirectional":
        raise ConfigError(
            f"{config.model_name} attends both ways, so keys and values cannot be kept from token to token"
        )
    n, before = shape[1], 0 if past is None else past.length
    keys = torch.arange(before + n, device=device)
    mask = mask if past is None else past.with_new(n, mask)
    if mask is not None:
        keys = (mask.long().cumsum(-1) - 1).clamp(min=0)
    positions = keys[..., before:]
    pos_embed = alibi = None
    match config.positional_embedding_type:
        case "standard" | "shortformer":
            W_pos = unlayered(weights, "W_pos")
            assert W_pos is not None
            pos_embed = F.embedding(positions, W_pos)
        case "sinusoidal":
            pos_embed = sinusoids(positions, config.d_model, config.sinusoidal_base).to(embedding(weights).dtype)
        case "alibi":
            assert config.alibi is not None
            alibi = alibi_bias(config.alibi, keys)
    layers = range(config.n_layers)
    # Layers that turn alike, or see alike, share what is made here.
    ways = {config.rotary_of(layer) for layer in layers}
    angles = {way: None if way is None else cos_sin(way, positions) for way in ways}
    seen = {
        window: visible(config, n, before, mask, window, device)
        for window in {config.window(layer) for layer in layers}
    }
    return PositionInfo(
        pos_embed,
        tuple(angles[config.rotary_of(layer)] for layer in layers),
        alibi,
        tuple(seen[config.window(layer)] for layer in layers),
        past,
        mask,
    )


def visible(
    config: ModelConfig,
    n: int,
    before: int,
    mask: Bool[Tensor, "batch key_pos"] | None,
    window: int | None,
    device: torch.device,
) -> Bool[Tensor, "*batch_one pos key_pos"] | None:
    """Which of `before` + `n` keys each of the last `n` tokens may see: none that is later, farther back than the
    window reaches, or padding. None where that is every key up to its own position.
    """
    total = before + n
    windowed = window is not None and window < total
    if config.attention_dir == "bidirectional":
        allowed = torch.ones(n, total, dtype=torch.bool, device=device)
    elif mask is None and not windowed and (before == 0 or n == 1):
        return None
    else:
        allowed = causal(n, total, device)
    if mask is None:
        return allowed.triu(before - window + 1) if window is not None and windowed else allowed
    if window is not None and windowed:
        # Padding takes no position, so a window reaches over it.
        positions = mask.long().cumsum(-1)
        allowed = allowed & (positions[:, before:, None] - positions[:, None, :] < window)
    # Padding sees itself, so that its row of the pattern is a distribution too.
    itself = torch.eye(total, dtype=torch.bool, device=device)[before:]
    return ((allowed & mask[:, None, :]) | itself)[:, None]


def causal(n: int, total: int, device: torch.device) -> Bool[Tensor, "pos key_pos"]:
    """True where a key is not after its query, for the last `n` of `total` positions."""
    return torch.ones(n, total, dtype=torch.bool, device=device).tril(total - n)


def sinusoids(positions: Int[Tensor, "*batch pos"], width: int, base: float) -> Float[Tensor, "*batch pos d_model"]:
    """Sin and cos of pos / base^(2i/width) in even and odd coordinates (Vaswani et al. 2017, section 3.5)."""
    steps = torch.arange(0, width, 2, device=positions.device, dtype=torch.float32)
    angles = positions[..., None] * torch.exp(-math.log(base) / width * steps)
    return torch.stack((angles.sin(), angles.cos()), -1).flatten(-2)[..., :width]


def cos_sin(
    rotary: Rotary, positions: Int[Tensor, "*batch pos"]
) -> tuple[Float[Tensor, "*batch pos half"], Float[Tensor, "*batch pos half"]]:
    """Cosine and sine of each position's angles, times what the scaling says."""
    scaling = rotary.scaling
    # Only these two depend on how much is read, and only for them are numbers fetched from the device.
    if scaling is None or scaling.kind not in ("dynamic", "longrope"):
        freqs = frequencies(rotary, positions.device)
    elif positions.ndim == 1:
        freqs = frequencies(rotary, positions.device, int(positions.max()) + 1)
    else:  # padded rows: each is as long as it would be alone
        lengths = (positions.amax(-1) + 1).tolist()
        freqs = torch.stack([frequencies(rotary, positions.device, length) for length in lengths]).unsqueeze(-2)
    angles = positions[..., None] * freqs
    factor = 1.0 if scaling is None else scaling.attention_factor
    return angles.cos() * factor, angles.sin() * factor


def frequencies(rotary: Rotary, device: torch.device, length: int = 0) -> Float[Tensor, " half"]:
    """Radians a position: base^(−2i/dim), stretched as the scaling says for an input of `length`."""
    steps = torch.arange(0, rotary.dim, 2, device=device, dtype=torch.float32) / rotary.dim
    freqs, scaling = 1.0 / rotary.base**steps, rotary.scaling
    if scaling is None:
        return freqs
    match scaling.kind:
        case "linear":
            return freqs / scaling.factor
        case "dynamic":
            beyond = scaling.factor * max(length, scaling.original_n_ctx) / scaling.original_n_ctx - scaling.factor + 1
            base: float = rotary.base * beyond ** (rotary.dim / (rotary.dim - 2))
            return 1.0 / base**steps
        case "longrope":
            factors = scaling.long_factors if length > scaling.original_n_ctx else scaling.short_factors
            return freqs / torch.tensor(factors, device=device)
        case "llama3":
            turns = scaling.original_n_ctx * freqs / (2 * math.pi)
            keep = (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor)
        case "yarn":
            # The coordinate that turns so many times in the first context; the ramp runs between two of them.
            low, high = (
                rotary.dim * math.log(scaling.original_n_ctx / (times * 2 * math.pi)) / (2 * math.log(rotary.base))
                for times in (scaling.beta_fast, scaling.beta_slow)
            )
            if scaling.whole_coordinates:
                low, high = math.floor(low), math.ceil(high)
            low, high = max(low, 0), min(high, rotary.dim - 1)
            coordinates = torch.arange(rotary.dim // 2, device=device, dtype=torch.float32)
            keep = 1 - (coordinates - low) / (high - low or 0.001)
    keep = keep.clamp(0, 1)
    return keep * freqs + (1 - keep) * freqs / scaling.factor


def alibi_bias(alibi: Alibi, keys: Int[Tensor, "*batch key_pos"]) -> Float[Tensor, "*batch head one key_pos"]:
    """slope · key position · scale. The query's own would lower all its scores alike, which softmax does not see."""
    slopes = torch.tensor(alibi.slopes, device=keys.device)[:, None, None]
    slopes = slopes.bfloat16() if alibi.rounded else slopes
    return (slopes * keys[..., None, None, :]).float() * alibi.scale


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


def apply_rotary(
    config: ModelConfig, layer: int, x: Float[Tensor, "batch pos head d_head"], positions: PositionInfo
) -> Float[Tensor, "batch pos head d_head"]:
    """Queries or keys turned by their positions as `layer` turns them; as they are without rotary positions."""
    rotary, angles = config.rotary_of(layer), positions.angles[layer]
    return x if rotary is None or angles is None else rotate(x, rotary, *angles)
