"""What most configs and checkpoints since Llama have in common; families say where they differ."""

from collections.abc import Callable
from typing import Any

from ..config import ModelConfig
from ..errors import ConfigError
from .rotary import WHOLE_HEADS, RotaryDefaults, read_rotary
from .rules import Keys, Rule
from .text import bos_or_none

ATTENTION = (
    Rule("W_E", "model.embed_tokens.weight", "v d -> v d"),
    Rule("ln1_w", "model.layers.{l}.input_layernorm.weight", "d -> d"),
    Rule("ln1_b", "model.layers.{l}.input_layernorm.bias", "d -> d"),
    Rule("W_Q", "model.layers.{l}.self_attn.q_proj.weight", "(h e) d -> h d e"),
    Rule("W_K", "model.layers.{l}.self_attn.k_proj.weight", "(k e) d -> k d e"),
    Rule("W_V", "model.layers.{l}.self_attn.v_proj.weight", "(k e) d -> k d e"),
    Rule("W_O", "model.layers.{l}.self_attn.o_proj.weight", "d (h e) -> h e d"),
    Rule("b_Q", "model.layers.{l}.self_attn.q_proj.bias", "(h e) -> h e"),
    Rule("b_K", "model.layers.{l}.self_attn.k_proj.bias", "(k e) -> k e"),
    Rule("b_V", "model.layers.{l}.self_attn.v_proj.bias", "(k e) -> k e"),
    Rule("b_O", "model.layers.{l}.self_attn.o_proj.bias", "d -> d"),
    Rule("ln_final_w", "model.norm.weight", "d -> d"),
    Rule("ln_final_b", "model.norm.bias", "d -> d"),
    Rule("W_U", "lm_head.weight", "v d -> d v"),
)
BEFORE_MLP = (
    Rule("ln2_w", "model.layers.{l}.post_attention_layernorm.weight", "d -> d"),
    Rule("ln2_b", "model.layers.{l}.post_attention_layernorm.bias", "d -> d"),
)
GATED_MLP = (
    Rule("W_gate", "model.layers.{l}.mlp.gate_proj.weight", "m d -> d m"),
    Rule("W_in", "model.layers.{l}.mlp.up_proj.weight", "m d -> d m"),
    Rule("W_out", "model.layers.{l}.mlp.down_proj.weight", "d m -> m d"),
    Rule("b_gate", "model.layers.{l}.mlp.gate_proj.bias", "m -> m"),
    Rule("b_in", "model.layers.{l}.mlp.up_proj.bias", "m -> m"),
    Rule("b_out", "model.layers.{l}.mlp.down_proj.bias", "d -> d"),
)
ROTARY_TABLES = (r"model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq",)


def read_shape(keys: Keys, rotary: RotaryDefaults = WHOLE_HEADS, tied: bool = False) -> dict[str, Any]:
    """ModelConfig's arguments for a decoder with rotary positions: sizes, positions, first token."""
    keys.ignore("attention_dropout", "hidden_dropout", "resid_pdrop", "embd_pdrop", "pretraining_tp", "resid_dropout")
    width, heads, vocab = keys.size("hidden_size"), keys.size("num_attention_heads"), keys.size("vocab_size")
    n_ctx = keys.size("max_position_embeddings", 2048)
    d_head = keys.size("head_dim", None) or keys.share(width, heads)
    bos, notes = bos_or_none(keys.size("bos_token_id", None, least=-1), vocab)
    turned = read_rotary(keys, d_head, n_ctx, rotary)
    if turned.scaling is not None and turned.scaling.kind == "dynamic":
        n_ctx = int(n_ctx * turned.scaling.factor)  # Its base grows with what is read: it was made for more.
    return {
        "n_layers": keys.size("num_hidden_layers", least=0),
        "d_model": width,
        "n_heads": heads,
        "d_head": d_head,
        "n_key_value_heads": keys.size("num_key_value_heads", heads),
        "d_vocab": vocab,
        "n_ctx": n_ctx,
        "positional_embedding_type": "rotary",
        "rotary": turned,
        "tied_embeddings": keys.flag("tie_word_embeddings", tied),
        "bos_token_id": bos,
        "notes": notes,
    }


def read_gated(keys: Keys, rotary: RotaryDefaults = WHOLE_HEADS, tied: bool = False) -> dict[str, Any]:
    """The same with RMSNorm and a gated MLP."""
    return read_shape(keys, rotary, tied) | {
        "d_mlp": keys.size("intermediate_size"),
        "act_fn": keys.activation("hidden_act", "silu"),
        "gated_mlp": True,
        "normalization_type": "RMS",
        "eps": keys.number("rms_norm_eps", 1e-6),
    }


def build(keys: Keys, name: str, shape: dict[str, Any], **more: Any) -> ModelConfig:
    """The config, once nothing in the file is left unread."""
    keys.finish()
    return ModelConfig(**{"family": name, "model_name": name} | shape | more)


def read_windows(
    keys: Keys, n_layers: int, slides: Callable[[int], bool] = lambda layer: True
) -> tuple[int | None, ...] | None:
    """Each layer's window: `sliding_window` where `layer_types` says so, or else where `slides` does."""
    # Some files say 0 for no window.
    size, kinds = keys.size("sliding_window", None, least=0) or None, keys.take("layer_types", None)
    if kinds is None:
        kinds = ["sliding_attention" if slides(layer) else "full_attention" for layer in range(n_layers)]
    known = ("sliding_attention", "full_attention")
    if not isinstance(kinds, list) or len(kinds) != n_layers or not all(kind in known for kind in kinds):
        raise ConfigError(
            f"config.json says layer_types = {kinds!r}; each of {n_layers} layers must be {' or '.join(known)}"
        )
    windows = tuple(size if kind == "sliding_attention" else None for kind in kinds)
    return windows if any(windows) else None


def read_optional_windows(keys: Keys, n_layers: int) -> tuple[int | None, ...] | None:
    """Qwen's: the layers from `max_window_layers` on, and only if `use_sliding_window`."""
    first = keys.size("max_window_layers", 28, least=0)
    windows = read_windows(keys, n_layers, lambda layer: layer >= first)
    return windows if keys.flag("use_sliding_window", False) else None


def gated_biases(keys: Keys) -> frozenset[str]:
    """Llama's two flags."""
    biases = {"b_Q", "b_K", "b_V", "b_O"} if keys.flag("attention_bias", False) else set()
    return frozenset(biases | ({"b_gate", "b_in", "b_out"} if keys.flag("mlp_bias", False) else set()))
