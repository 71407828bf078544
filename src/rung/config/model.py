"""One description of a decoder-only transformer, whatever family it came from.

Torch-free and frozen. An absent part is `None` (no MLP: `d_mlp=None`; no norm: `normalization_type=None`), an
absent bias is a name that `biases` does not list. `weight_shapes` derives every weight from it.
"""

from dataclasses import asdict, dataclass
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
    """How rotary frequencies are stretched beyond the context a model was first trained on, `original_n_ctx`.

    `linear` divides every angle by `factor`. `dynamic` raises the base with the length of what is read, once that is
    longer. `llama3` divides only the slow ones: wavelengths above `original_n_ctx / low_freq_factor` fully, those below
    `original_n_ctx / high_freq_factor` not at all, a ramp between. `yarn` (Peng et al. 2023, arXiv:2309.00071) does so
    by coordinate, between those that turn `beta_fast` and `beta_slow` times. `longrope` (Ding et al. 2024,
    arXiv:2402.13753) divides each frequency by its own number, one set for short inputs and one for longer.
    """

    kind: Scaling
    factor: float
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_n_ctx: int = 8192
    beta_fast: float = 32.0
    beta_slow: float = 1.0
    whole_coordinates: bool = True
    """yarn's ramp begins and ends at whole coordinates."""
    short_factors: tuple[float, ...] = ()
    long_factors: tuple[float, ...] = ()
    attention_factor: float = 1.0
    """Cosines and sines are multiplied by this."""

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
    """Rotary positions: the first `dim` coordinates of q and k turn by position (Su et al. 2021, arXiv:2104.09864).

    Coordinates are paired as two `halves` (x[i] with x[i + dim/2]) or `adjacent` (x[2i] with x[2i + 1]).
    """

    dim: int
    base: float = 10000.0
    pairing: Literal["halves", "adjacent"] = "halves"
    scaling: RotaryScaling | None = None

    def __post_init__(self) -> None:
        check_fields(vars(self))
        if self.dim % 2:
            raise ConfigError(f"rotary dim is {self.dim}; it must be even, for coordinates turn in pairs")
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
                        f"longrope has {len(factors)} factors; {self.dim // 2} frequencies call for as many"
                    )


@dataclass(frozen=True, kw_only=True)
class Alibi:
    """Positions as a score that grows with the key's: + slope · position, one slope a head (Press et al. 2021,
    arXiv:2108.12409).
    """

    slopes: tuple[float, ...]
    scale: float = 1.0
    """The product is multiplied by this."""
    rounded: bool = False
    """It is rounded to bfloat16 before, as in the code that some models were trained with."""

    def __post_init__(self) -> None:
        check_fields(vars(self))


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The shape of one transformer: what is there, how large, and how its parts are joined."""

    n_layers: int
    """Blocks; 0 is the direct path alone."""
    d_model: int
    """Width of the residual stream."""
    n_heads: int
    """Query heads of each layer."""
    d_head: int
    """Width of one head."""
    d_vocab: int
    """Tokens the model reads, and predicts unless d_vocab_out says otherwise."""
    n_ctx: int
    """Longest sequence it was made for."""
    d_vocab_out: int | None = None
    """Classes the model predicts, where they are not the tokens it reads; None: d_vocab."""
    n_key_value_heads: int | None = None
    """Key/value heads shared by groups of query heads; None: one for each query head."""
    d_mlp: int | None = None
    """Neurons of each MLP (of each expert); None: attention only."""
    act_fn: Activation | None = None
    """The MLP's nonlinearity; None exactly when there is no MLP."""
    gated_mlp: bool = False
    """post = act(x W_gate) * (x W_in) instead of act(x W_in)."""
    n_experts: int | None = None
    """MLPs of each layer, among which a router chooses for each token; None: one MLP for all."""
    experts_per_token: int | None = None
    """How many it chooses; given exactly when there are experts."""
    norm_expert_weights: bool = False
    """Whether the weights of those chosen are divided by their sum."""
    d_mlp_shared: int | None = None
    """Neurons of one more gated MLP that every token takes, beside the experts."""
    parallel_attn_mlp: bool = False
    """Attention and MLP both read the block's input, instead of one after the other."""
    normalization_type: Normalization | None = "LN"
    """LayerNorm or RMSNorm; ...Pre: weights folded into what reads the norm."""
    norm_placement: Placement = "pre"
    """What blocks normalize: what attention and MLP read, what they write, or both."""
    qk_norm: Literal["head", "heads"] | None = None
    """Queries and keys are normalized before positions turn them: each head's alone, or all heads' as one vector."""
    post_embedding_ln: bool = False
    """Embeddings are normalized before the first block."""
    eps: float = 1e-5
    """Added to the variance before the root."""
    positional_embedding_type: Positions | None = "standard"
    """standard: learned and added; sinusoidal: fixed and added; shortformer: learned, added to query and key inputs
    only; rotary: turns q and k; alibi: raises the scores of later keys; None: no positions."""
    sinusoidal_base: float = 10000.0
    """Longest wavelength of sinusoidal positions, over 2 pi."""
    rotary: Rotary | None = None
    """Given exactly when positions are rotary."""
    rotary_local: Rotary | None = None
    """Those of layers with a window, where they differ."""
    unrotated_layers: tuple[int, ...] = ()
    """Layers that do not turn queries and keys: they see no positions."""
    alibi: Alibi | None = None
    """Given exactly when positions are alibi."""
    windows: tuple[int | None, ...] | None = None
    """For each layer, how many keys back a query sees, itself included; None: all of them."""
    attn_scale: float | None = None
    """Scores are divided by this; None: sqrt(d_head)."""
    attention_dir: Direction = "causal"
    """causal: a query sees keys up to its own position; bidirectional: all of them."""
    attn_scores_soft_cap: float | None = None
    """Scores become cap · tanh(score / cap)."""
    output_logits_soft_cap: float | None = None
    """Logits become cap · tanh(logit / cap)."""
    clip_qkv: float | None = None
    """Queries, keys and values are clamped at plus and minus this."""
    embed_scale: float = 1.0
    """Token embeddings are multiplied by this; 1 once it is in W_E."""
    logit_scale: float = 1.0
    """Logits are multiplied by this, before a cap; 1 once it is in W_U."""
    residual_scale: float = 1.0
    """What the checkpoint multiplies all that blocks write by. W_O and W_out hold it: no computation reads it."""
    scores_over_layer: bool = False
    """The checkpoint divides a layer's scores by its number, counted from 1. W_Q holds it: no computation reads it."""
    tied_embeddings: bool = False
    """W_U is the transpose of W_E and not a weight of its own."""
    biases: frozenset[str] = frozenset()
    """Which biases exist, in the names of `WEIGHT_PATHS`."""
    bos_token_id: int | None = None
    """The token that begins a sequence; None: none is known."""
    default_prepend_bos: bool = False
    """Whether `to_tokens` puts it there when not told otherwise."""
    eos_token_ids: tuple[int, ...] = ()
    """Tokens that end a text, as the checkpoint's files say; generation stops at any of them."""
    family: str = "native"
    """Where the weights' layout came from; never read by computation."""
    model_name: str = "unnamed"
    """For people: what reports call it."""
    processing: tuple[str, ...] = ()
    """Weight changes that were applied, in order."""
    notes: tuple[str, ...] = ()
    """What was skipped or assumed on the way in."""

    def __post_init__(self) -> None:
        check(self)

    @property
    def n_kv(self) -> int:
        """Key/value heads of each layer."""
        return self.n_heads if self.n_key_value_heads is None else self.n_key_value_heads

    @property
    def grouped(self) -> bool:
        """Whether several query heads share one key/value head."""
        return self.n_kv != self.n_heads

    @property
    def attn_only(self) -> bool:
        """Whether blocks have no MLP."""
        return self.d_mlp is None

    def window(self, layer: int) -> int | None:
        """Keys that a query of `layer` sees, itself included; None: all that are not later."""
        return None if self.windows is None else self.windows[layer]

    def rotary_of(self, layer: int) -> Rotary | None:
        """How `layer` turns queries and keys, if it does."""
        if layer in self.unrotated_layers:
            return None
        return self.rotary_local if self.rotary_local is not None and self.window(layer) is not None else self.rotary

    @property
    def n_out(self) -> int:
        """Length of the logits."""
        return self.d_vocab if self.d_vocab_out is None else self.d_vocab_out

    @property
    def n_params(self) -> int:
        """Weights in all, norms and biases included."""
        total = 0
        for name, shape in weight_shapes(self).items():
            size = 1
            for length in shape:
                size *= length
            total += size * (self.n_layers if is_layered(name) else 1)
        return total

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `from_dict` reads them back to an equal config."""
        return asdict(self) | {
            "biases": sorted(self.biases),
            "processing": list(self.processing),
            "notes": list(self.notes),
            "eos_token_ids": list(self.eos_token_ids),
            "windows": None if self.windows is None else list(self.windows),
            "unrotated_layers": list(self.unrotated_layers),
        }

    @classmethod
    def from_dict(cls, values: Any) -> "ModelConfig":
        """The config that `to_dict` wrote, read from JSON. Raises ConfigError on keys that are missing, unknown,
        contradictory or of the wrong type.
        """
        read = read_arguments("config", values, cls)
        for name in ("rotary", "rotary_local"):
            if read.get(name) is not None:
                rotary = read_arguments(name, read[name], Rotary)
                if rotary.get("scaling") is not None:
                    rotary["scaling"] = RotaryScaling(**read_arguments("scaling", rotary["scaling"], RotaryScaling))
                read[name] = Rotary(**rotary)
        if read.get("alibi") is not None:
            read["alibi"] = Alibi(**read_arguments("alibi", read["alibi"], Alibi))
        return cls(**read)
