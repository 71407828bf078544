"""The config of a decoder-only transformer of any family.

Frozen, and does not import torch. An absent component is `None` (no MLP: `d_mlp=None`; no norm:
`normalization_type=None`); an absent bias is a name that `biases` does not list. `weight_shapes` derives every weight
from the config.
"""

from dataclasses import asdict, dataclass
from math import prod
from typing import Any, Literal

from ..errors import ConfigError
from .shapes import is_layered, weight_shapes
from .validate import (
    Activation,
    Direction,
    Normalization,
    Placement,
    Positions,
    Scaling,
    check,
    check_fields,
    read_arguments,
)


@dataclass(frozen=True, kw_only=True)
class RotaryScaling:
    """Scaling of rotary frequencies beyond `original_n_ctx`, the context that a model was first trained on.

    `linear` divides every angle by `factor`. `dynamic` raises the base with the sequence length, for sequences longer
    than `original_n_ctx`. `llama3` divides low frequencies only: wavelengths above `original_n_ctx / low_freq_factor`
    fully, wavelengths below `original_n_ctx / high_freq_factor` not at all, with a ramp between. `yarn` (Peng et al.
    2023, arXiv:2309.00071) has a ramp over coordinates, between those that rotate `beta_fast` and `beta_slow` times.
    `longrope` (Ding et al. 2024, arXiv:2402.13753) divides each frequency by a factor of its own, from one list for
    short sequences and another for long ones.
    """

    kind: Scaling
    factor: float
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_n_ctx: int = 8192
    beta_fast: float = 32.0
    beta_slow: float = 1.0
    whole_coordinates: bool = True
    """Whether the ends of yarn's ramp are rounded to integer coordinates."""
    short_factors: tuple[float, ...] = ()
    long_factors: tuple[float, ...] = ()
    attention_factor: float = 1.0
    """Factor that cosines and sines are multiplied by."""

    def __post_init__(self) -> None:
        check_fields(vars(self))
        if self.low_freq_factor >= self.high_freq_factor:
            raise ConfigError(
                f"rotary scaling low_freq_factor is {self.low_freq_factor} and high_freq_factor is "
                f"{self.high_freq_factor}; the first must be the smaller"
            )
        if self.beta_slow > self.beta_fast:
            raise ConfigError(f"rotary scaling beta_slow is {self.beta_slow}, above beta_fast, {self.beta_fast}")


@dataclass(frozen=True, kw_only=True)
class Rotary:
    """Rotary positions: the first `dim` coordinates of q and k are rotated (Su et al. 2021, arXiv:2104.09864).

    Coordinates are paired as two `halves` (x[i] with x[i + dim/2]) or `adjacent` (x[2i] with x[2i + 1]).
    """

    dim: int
    base: float = 10000.0
    pairing: Literal["halves", "adjacent"] = "halves"
    scaling: RotaryScaling | None = None

    def __post_init__(self) -> None:
        check_fields(vars(self))
        if self.dim % 2:
            raise ConfigError(f"rotary dim is {self.dim}; it must be even, because coordinates are rotated in pairs")
        kind = None if self.scaling is None else self.scaling.kind
        if kind == "dynamic" and self.dim < 4:
            raise ConfigError(
                f"dynamic scaling raises the base to dim / (dim - 2); rotary dim is {self.dim}, not above 2"
            )
        if kind == "yarn" and self.base <= 1:
            raise ConfigError(f"yarn scaling takes the logarithm of the base; rotary base is {self.base}, not above 1")
        if self.scaling is not None and kind == "longrope":
            for factors in (self.scaling.short_factors, self.scaling.long_factors):
                if len(factors) != self.dim // 2:
                    raise ConfigError(
                        f"longrope has {len(factors)} factors; it needs one for each of {self.dim // 2} frequencies"
                    )


@dataclass(frozen=True, kw_only=True)
class Alibi:
    """ALiBi: slope · key position is added to attention scores, with one slope for each head (Press et al. 2021,
    arXiv:2108.12409).
    """

    slopes: tuple[float, ...]
    scale: float = 1.0
    """Factor that the bias is multiplied by."""
    rounded: bool = False
    """Whether the bias is rounded to bfloat16 first, as in the training code of some models."""

    def __post_init__(self) -> None:
        check_fields(vars(self))


@dataclass(frozen=True, kw_only=True)
class Latent:
    """Multi-head latent attention: queries, keys and values are made from vectors of a few coordinates, each of which
    passes an RMSNorm of its own (DeepSeek-AI 2024, arXiv:2405.04434, section 2.1).
    """

    q_rank: int | None
    """Coordinates that queries are made from; None: they read the stream itself."""
    kv_rank: int
    """Coordinates that keys, but for their rotary part, and values are made from."""
    eps: float = 1e-6
    """Added to the mean square in the norms of these vectors."""

    def __post_init__(self) -> None:
        check_fields(vars(self))


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The architecture of one transformer: its components, their sizes, and how they are connected."""

    n_layers: int
    """Number of blocks; with 0 there is only the direct path."""
    d_model: int
    """Width of the residual stream."""
    n_heads: int
    """Query heads in each layer."""
    d_head: int
    """Width of one head."""
    d_head_v: int | None = None
    """Width of one head's values, if they are not as wide as its queries and keys; None: d_head."""
    latent: Latent | None = None
    """Where queries, keys and values are made from compressed vectors; None: each is one product with the stream."""
    d_vocab: int
    """Size of the input vocabulary, and of the output unless d_vocab_out is given."""
    n_ctx: int
    """Longest sequence that the model supports."""
    d_vocab_out: int | None = None
    """Size of the output, if it is not the input vocabulary; None: d_vocab."""
    n_key_value_heads: int | None = None
    """Key/value heads shared by groups of query heads; None: one for each query head."""
    d_mlp: int | None = None
    """Neurons in each MLP (in each expert); None: attention only."""
    act_fn: Activation | None = None
    """The MLP's nonlinearity; None exactly when there is no MLP."""
    gated_mlp: bool = False
    """post = act(x W_gate) * (x W_in) instead of act(x W_in)."""
    swiglu_limit: float | None = None
    """Gated MLPs: post = act(min(x W_gate, limit)) * (clamp(x W_in, ±limit) + 1); None: as gated_mlp says."""
    n_experts: int | None = None
    """Experts in each layer, among which a router chooses for each token; None: one MLP for all tokens."""
    experts_per_token: int | None = None
    """Number of experts chosen for each token; given exactly when there are experts."""
    norm_expert_weights: bool = False
    """Whether the weights of the chosen experts are divided by their sum."""
    router_score: Literal["softmax", "sigmoid"] = "softmax"
    """What makes a router's outputs the experts' weights: a softmax over all experts, or a sigmoid of each."""
    expert_scale: float = 1.0
    """The weights of the chosen experts are multiplied by this."""
    n_expert_groups: int | None = None
    """Groups of experts, of which a router chooses some before experts are chosen from these; None: no groups."""
    expert_groups_per_token: int | None = None
    """Number of groups chosen for each token; given exactly when there are groups."""
    experts_per_group_score: int = 1
    """A group's score is the sum of so many of its highest."""
    d_mlp_shared: int | None = None
    """Neurons in the shared expert, a gated MLP that is applied to every token."""
    gate_shared: bool = True
    """Whether the shared expert is multiplied by a gate of its own, sigmoid(x W_router_shared)."""
    dense_layers: tuple[int, ...] = ()
    """Layers that have one MLP for all tokens in a model whose other layers have experts."""
    d_mlp_dense: int | None = None
    """Neurons in the MLP of these layers; given exactly when there are such layers."""
    parallel_attn_mlp: bool = False
    """Attention and MLP both read the block's input, instead of one after the other."""
    normalization_type: Normalization | None = "LN"
    """LayerNorm or RMSNorm; ...Pre: its weights are folded into the matrices that read it."""
    norm_placement: Placement = "pre"
    """Whether norms are before attention and MLP (pre), after them (post), or both."""
    qk_norm: Literal["head", "heads"] | None = None
    """QK norm, before any rotary embedding: of each head separately, or of all heads as one vector."""
    post_embedding_ln: bool = False
    """Whether embeddings are normalized before the first block."""
    eps: float = 1e-5
    """Added to the variance before the square root."""
    positional_embedding_type: Positions | None = "standard"
    """standard: learned and added; sinusoidal: fixed and added; shortformer: learned, added to query and key inputs
    only; rotary: rotates q and k; alibi: adds a linear bias to scores; None: no positions."""
    sinusoidal_base: float = 10000.0
    """Longest wavelength of sinusoidal positions, divided by 2 pi."""
    rotary: Rotary | None = None
    """Given exactly when positions are rotary."""
    rotary_local: Rotary | None = None
    """Rotary positions of layers with a window, if they differ."""
    unrotated_layers: tuple[int, ...] = ()
    """Layers that do not rotate queries and keys: they have no positions."""
    alibi: Alibi | None = None
    """Given exactly when positions are alibi."""
    windows: tuple[int | None, ...] | None = None
    """For each layer, the number of keys that a query sees, its own included; None: all of them."""
    attn_scale: float | None = None
    """Scores are divided by this; None: sqrt(d_head)."""
    attn_sinks: bool = False
    """Each head has one score more, a weight, whose share of the pattern goes nowhere: rows sum to less than 1."""
    attention_dir: Direction = "causal"
    """causal: a query sees keys up to its own position; bidirectional: all of them."""
    attn_scores_soft_cap: float | None = None
    """Scores become cap · tanh(score / cap)."""
    output_logits_soft_cap: float | None = None
    """Logits become cap · tanh(logit / cap)."""
    clip_qkv: float | None = None
    """Queries, keys and values are clamped to [-clip_qkv, clip_qkv]."""
    embed_scale: float = 1.0
    """Token embeddings are multiplied by this; 1 after it is folded into W_E."""
    logit_scale: float = 1.0
    """Logits are multiplied by this, before a soft cap; 1 after it is folded into W_U."""
    residual_scale: float = 1.0
    """The checkpoint's factor on block outputs. It is folded into W_O and W_out on loading; the forward ignores it."""
    scores_over_layer: bool = False
    """Whether the checkpoint divides scores by the layer number (from 1). Folded into W_Q; the forward ignores it."""
    tied_embeddings: bool = False
    """Whether W_U is the transpose of W_E instead of a separate weight."""
    biases: frozenset[str] = frozenset()
    """Which biases exist, in the names of `WEIGHT_PATHS`."""
    bos_token_id: int | None = None
    """The token that begins a sequence; None: none is known."""
    default_prepend_bos: bool = False
    """Whether `to_tokens` prepends BOS by default."""
    eos_token_ids: tuple[int, ...] = ()
    """Tokens that end a text, as the checkpoint's files say; generation stops at any of them."""
    family: str = "native"
    """The family of the checkpoint; the forward ignores it."""
    model_name: str = "unnamed"
    """The name shown in reports."""
    processing: tuple[str, ...] = ()
    """The weight processing that was applied, in order."""
    notes: tuple[str, ...] = ()
    """Processing that was skipped, and assumptions made on loading."""

    def __post_init__(self) -> None:
        check(self)

    @property
    def n_kv(self) -> int:
        """Key/value heads in each layer."""
        return self.n_heads if self.n_key_value_heads is None else self.n_key_value_heads

    @property
    def grouped(self) -> bool:
        """Whether several query heads share one key/value head."""
        return self.n_kv != self.n_heads

    @property
    def d_v(self) -> int:
        """Width of one head's values."""
        return self.d_head if self.d_head_v is None else self.d_head_v

    @property
    def attn_only(self) -> bool:
        """Whether blocks have no MLP."""
        return self.d_mlp is None

    def window(self, layer: int) -> int | None:
        """Number of keys that a query of `layer` sees, its own included; None: all that are not later."""
        return None if self.windows is None else self.windows[layer]

    def routed(self, layer: int) -> bool:
        """Whether a router chooses experts for the tokens of `layer`."""
        return self.n_experts is not None and layer not in self.dense_layers

    def mlp_width(self, layer: int) -> int | None:
        """Neurons in the MLP (in each expert) of `layer`."""
        return self.d_mlp_dense if layer in self.dense_layers else self.d_mlp

    def rotary_of(self, layer: int) -> Rotary | None:
        """The rotary positions of `layer`, if it has them."""
        if layer in self.unrotated_layers:
            return None
        return self.rotary_local if self.rotary_local is not None and self.window(layer) is not None else self.rotary

    @property
    def n_out(self) -> int:
        """Length of the logits."""
        return self.d_vocab if self.d_vocab_out is None else self.d_vocab_out

    @property
    def n_params(self) -> int:
        """Number of parameters, norms and biases included."""
        once = [shape for name, shape in weight_shapes(self).items() if not is_layered(name)]
        layers = [
            shape
            for layer in range(self.n_layers)
            for name, shape in weight_shapes(self, layer).items()
            if is_layered(name)
        ]
        return sum(prod(shape) for shape in (*once, *layers))

    def to_dict(self) -> dict[str, Any]:
        """The config as JSON values; `from_dict` reads them back to an equal config."""
        return asdict(self) | {
            "biases": sorted(self.biases),
            "processing": list(self.processing),
            "notes": list(self.notes),
            "eos_token_ids": list(self.eos_token_ids),
            "windows": None if self.windows is None else list(self.windows),
            "unrotated_layers": list(self.unrotated_layers),
            "dense_layers": list(self.dense_layers),
        }

    @classmethod
    def from_dict(cls, values: Any) -> "ModelConfig":
        """Reads a config in the form of `to_dict`. Raises ConfigError on keys that are missing, unknown,
        contradictory or of the wrong type.
        """
        read = read_arguments("config", values, cls)
        for name in ("rotary", "rotary_local"):
            if read.get(name) is not None:
                rotary = read_arguments(name, read[name], Rotary)
                if rotary.get("scaling") is not None:
                    rotary["scaling"] = RotaryScaling(**read_arguments("scaling", rotary["scaling"], RotaryScaling))
                read[name] = Rotary(**rotary)
        for name, kind in (("alibi", Alibi), ("latent", Latent)):
            if read.get(name) is not None:
                read[name] = kind(**read_arguments(name, read[name], kind))
        return cls(**read)
