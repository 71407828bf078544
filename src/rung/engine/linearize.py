"""What one part of the model adds to the stream, and what one head reads of it, with the scales of a run given.

A norm whose scale is given is linear: x → (x − mean(x)) · w / scale. So through the norm after attention, the norm
before a later head and that head's norm of its queries or keys, a whole stays the sum of its parts.
"""

from jaxtyping import Float
from torch import Tensor

from ..config import Latent, ModelConfig
from .transformer import centred, clip, from_latents, project, upcast
from .transformer import qk_norm as normalize_heads
from .weights import LATENT_WEIGHTS, BlockWeights, read_of_stream


def linear_norm(
    config: ModelConfig, w: Float[Tensor, " d_model"] | None, x: Float[Tensor, "*batch d_model"]
) -> Float[Tensor, "*batch d_model"]:
    """(x − mean(x)) · w: a norm but for its scale. RMSNorm takes no mean out; without norms, x."""
    x = x - x.mean(-1, keepdim=True) if centred(config) else x
    return x if w is None else x * w


def norms_after(config: ModelConfig) -> bool:
    """Whether what attention and MLP write passes a norm."""
    return config.normalization_type is not None and config.norm_placement != "pre"


def norms_before(config: ModelConfig) -> bool:
    """Whether what attention and MLP read passes a norm."""
    return config.normalization_type is not None and config.norm_placement != "post"


def linear_after(
    config: ModelConfig, w: Float[Tensor, " d_model"] | None, x: Float[Tensor, "*batch d_model"]
) -> Float[Tensor, "*batch d_model"]:
    """What a part of the output of attention (`w` its ln1_post) or MLP (ln2_post) writes, but for the norm's scale."""
    return linear_norm(config, w, x) if norms_after(config) else x


def linear_before(
    config: ModelConfig, w: Float[Tensor, " d_model"] | None, x: Float[Tensor, "*batch d_model"]
) -> Float[Tensor, "*batch d_model"]:
    """What attention (`w` its ln1) or MLP (ln2) reads of a part of the stream, but for the norm's scale."""
    return linear_norm(config, w, x) if norms_before(config) else x


def head_queries(
    config: ModelConfig, w: BlockWeights, head: int, x: Float[Tensor, "row d_model"]
) -> Float[Tensor, "row d_head"]:
    """A head's queries of rows that stand where the norm left them, before its w and b; not yet turned."""
    if config.latent is not None:
        return _from_latents(config.latent, w, _read(w, x))[0][0, :, head]
    return _made(config, _read(w, x), (read_of_stream(config, w, "Q"), w.b_Q, w.q_norm_w, w.q_norm_b), head)


def head_keys(
    config: ModelConfig, w: BlockWeights, head: int, x: Float[Tensor, "row d_model"]
) -> Float[Tensor, "row d_head"]:
    """A key head's keys of such rows: as `head_queries`, all biases in."""
    if config.latent is not None:
        return _from_latents(config.latent, w, _read(w, x))[1][0, :, head]
    return _made(config, _read(w, x), (read_of_stream(config, w, "K"), w.b_K, w.k_norm_w, w.k_norm_b), head)


def head_values(
    config: ModelConfig, w: BlockWeights, head: int, x: Float[Tensor, "row d_model"]
) -> Float[Tensor, "row d_head"]:
    """A value head's values of such rows."""
    if config.latent is not None:
        return _from_latents(config.latent, w, _read(w, x))[2][0, :, head]
    b = None if w.b_V is None else upcast(w.b_V[head : head + 1])
    W_V = read_of_stream(config, w, "V")[head : head + 1]
    return clip(config, project(_read(w, x), upcast(W_V), b))[0, :, 0]


def _from_latents(latent: Latent, w: BlockWeights, x: Float[Tensor, "one row d_model"]) -> tuple[Tensor, ...]:
    held = {name: getattr(w, name) for name in LATENT_WEIGHTS}
    wide = w._replace(**{name: upcast(tensor) for name, tensor in held.items() if tensor is not None})
    return from_latents(latent, wide, (x, x, x))


def _read(w: BlockWeights, x: Float[Tensor, "row d_model"]) -> Float[Tensor, "one row d_model"]:
    x = x if w.ln1_w is None else x * upcast(w.ln1_w)
    return (x if w.ln1_b is None else x + upcast(w.ln1_b))[None]


def _made(
    config: ModelConfig,
    x: Float[Tensor, "one row d_model"],
    held: tuple[Tensor, Tensor | None, Tensor | None, Tensor | None],
    head: int,
) -> Float[Tensor, "row d_head"]:
    # A norm over all heads needs all of them; else one is enough.
    heads = slice(None) if config.qk_norm == "heads" else slice(head, head + 1)
    W, b, norm_w, norm_b = (None if one is None else upcast(one[heads]) for one in held)
    assert W is not None
    made = clip(config, project(x, W, b))
    made = made if config.qk_norm is None else normalize_heads(config, norm_w, norm_b, made)
    return made[0, :, head if config.qk_norm == "heads" else 0]


def qk_scale(
    config: ModelConfig, x: Float[Tensor, "batch pos heads d_head"]
) -> Float[Tensor, "batch pos heads_or_1 1"]:
    """What the norm of queries or keys divides by: the root mean square of each head's, or of all heads' as one."""
    axes = (-1,) if config.qk_norm == "head" else (-2, -1)
    x = x - x.mean(axes, keepdim=True) if centred(config) else x
    return (x.pow(2).mean(axes, keepdim=True) + config.eps).sqrt()


def fold_before(
    config: ModelConfig, w: Float[Tensor, " d_model"] | None, W: Float[Tensor, "d_model *width"]
) -> Float[Tensor, "d_model *width"]:
    """`linear_before` moved into what reads it: diag(w) W, then its mean over d_model taken out under LayerNorm."""
    return fold(config, w, W) if norms_before(config) else upcast(W)


def fold(
    config: ModelConfig, w: Float[Tensor, " d_model"] | None, W: Float[Tensor, "d_model *width"]
) -> Float[Tensor, "d_model *width"]:
    """The linear part of a norm moved into what reads it: diag(w) W, then its mean over d_model taken out under
    LayerNorm, whose output is centred before w. The scale, a positive number for each position, is not in it.
    """
    W = upcast(W) if w is None else upcast(w).view(-1, *(1,) * (W.ndim - 1)) * upcast(W)
    return W - W.mean(0, keepdim=True) if centred(config) else W


def linear_heads(
    config: ModelConfig,
    w: Float[Tensor, "heads d_head"] | None,
    x: Float[Tensor, "*rows heads d_head"],
    head: int,
) -> Float[Tensor, "*rows d_head"]:
    """One head's part of queries or keys through their norm, but for its scale; as it is where there is none."""
    own = x[..., head, :]
    if config.qk_norm is None:
        return own
    if centred(config):
        own = own - (own if config.qk_norm == "head" else x.flatten(-2)).mean(-1, keepdim=True)
    return own if w is None else own * upcast(w)[head]


def read_matrix(config: ModelConfig, w: BlockWeights, into: str, head: int) -> Float[Tensor, "d_model d_head"]:
    """W_Q of a head (`into` "Q") or W_K of a key head ("K"), with the linear parts of the norms around it folded in:
    that before attention into its rows, that of queries or keys into its columns.
    """
    W, norm_w = read_of_stream(config, w, into), w.q_norm_w if into == "Q" else w.k_norm_w
    return linear_heads(config, norm_w, fold_before(config, w.ln1_w, W.movedim(0, 1)), head)


def write_matrix(config: ModelConfig, w: BlockWeights, head: int) -> Float[Tensor, "d_head d_model"]:
    """W_O of a head with the linear part of the norm after attention folded in."""
    return linear_after(config, w.ln1_post_w, upcast(w.W_O[head]))
