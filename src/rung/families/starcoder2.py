"""StarCoder 2 (Lozhkov et al. 2024, arXiv:2402.19173): LayerNorm, biases, a window, an MLP without a gate."""

from collections.abc import Collection

from ..config import ModelConfig
from .llama_like import ATTENTION, BEFORE_MLP, build, read_shape, read_windows
from .rules import Family, Keys, Rule

RULES = (
    *ATTENTION,
    *BEFORE_MLP,
    Rule("W_in", "model.layers.{l}.mlp.c_fc.weight", "m d -> d m"),
    Rule("b_in", "model.layers.{l}.mlp.c_fc.bias", "m -> m"),
    Rule("W_out", "model.layers.{l}.mlp.c_proj.weight", "d m -> m d"),
    Rule("b_out", "model.layers.{l}.mlp.c_proj.bias", "d -> d"),
)


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' Starcoder2Config."""
    keys.assume(num_key_value_heads=2, max_position_embeddings=4096)
    keys.expect("norm_type", "layer_norm")
    keys.expect("mlp_type", "default")
    keys.expect("scale_attn_weights", True)
    keys.ignore("embedding_dropout", "residual_dropout", "attention_softmax_in_fp32")
    # The published files also spell these as GPT-2 did, the activation wrongly; what counts are the newer names.
    keys.ignore("activation_function", "layer_norm_epsilon", "scale_attention_softmax_in_fp32")
    shape = read_shape(keys, tied=True)
    biases = {"ln1_b", "ln2_b", "ln_final_b"}
    if keys.flag("use_bias", True):
        biases |= {"b_Q", "b_K", "b_V", "b_O", "b_in", "b_out"}
    return build(
        keys,
        "starcoder2",
        shape,
        windows=read_windows(keys, shape["n_layers"]),
        d_mlp=keys.size("intermediate_size"),
        act_fn=keys.activation("hidden_act", "gelu_pytorch_tanh"),
        eps=keys.number("norm_epsilon", 1e-5),
        biases=frozenset(biases),
    )


STARCODER2 = Family("starcoder2", ("starcoder2",), read_config, RULES, tied_copy="lm_head.weight")
