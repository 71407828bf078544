"""Llama with a difference or two: other defaults, another pairing or activation, layers that see no positions.

SmolLM 3 (Hugging Face 2025), EXAONE 4 (LG AI Research 2025, arXiv:2507.11407), ERNIE 4.5 (Baidu 2025), Helium (Kyutai
2025), Seed-OSS (ByteDance 2025), Arcee's AFM (2025).
"""

from collections.abc import Collection

from ..config import ModelConfig
from ..errors import ConfigError
from .llama import RULES
from .llama_like import ATTENTION, GATED_MLP, build, gated_biases, read_gated, read_windows
from .olmo import POST_NORMS
from .qwen3 import QK_NORM
from .rotary import WHOLE_HEADS
from .rules import Family, Keys, Rule

_ADJACENT = WHOLE_HEADS._replace(pairing="adjacent")
EXAONE4_RULES = (*ATTENTION, *GATED_MLP, *QK_NORM, *POST_NORMS)
ARCEE_RULES: tuple[Rule, ...] = tuple(rule for rule in RULES if rule.ours not in ("W_gate", "b_gate"))


def read_smollm3(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' SmolLM3Config: every fourth layer sees no positions."""
    keys.assume(num_key_value_heads=4, max_position_embeddings=32768)
    keys.ignore("max_window_layers")
    shape = read_gated(keys, WHOLE_HEADS._replace(base=2e6), tied=True)
    n, every = shape["n_layers"], keys.size("no_rope_layer_interval", 4)
    turned = keys.take("no_rope_layers", None)  # 1 where a layer turns, whatever the name says
    turned = [int((layer + 1) % every != 0) for layer in range(n)] if turned is None else turned
    if not isinstance(turned, list) or len(turned) < n or not all(each in (0, 1) for each in turned):
        raise ConfigError(f"config.json says no_rope_layers = {turned!r}; it must be 0 or 1 for each of {n} layers")
    windows = read_windows(keys, n, lambda layer: not turned[layer])
    return build(
        keys,
        "smollm3",
        shape,
        unrotated_layers=tuple(layer for layer in range(n) if not turned[layer]),
        windows=windows if keys.flag("use_sliding_window", False) else None,
        biases=gated_biases(keys),
    )


def read_exaone4(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' Exaone4Config: where some layers see a window, those that see everything see no positions."""
    keys.assume(num_key_value_heads=32, rms_norm_eps=1e-5, sliding_window=4096)
    shape = read_gated(keys) | {"norm_placement": "post", "qk_norm": "head"}
    n, every = shape["n_layers"], keys.take("sliding_window_pattern", 4)
    if isinstance(every, str) and every:  # "LLLG": local and global layers in turn
        slides = [every[layer % len(every)] == "L" for layer in range(n)]
    elif isinstance(every, int) and every:
        slides = [(layer + 1) % every != 0 for layer in range(n)]
    else:
        slides = [False] * n
    size = keys.take("sliding_window")
    windows = read_windows(keys, n, lambda layer: slides[layer])
    full = tuple(layer for layer in range(n) if size and (windows is None or windows[layer] is None))
    return build(keys, "exaone4", shape, windows=windows, unrotated_layers=full)


def read_ernie(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' Ernie4_5Config."""
    keys.assume(num_key_value_heads=2, head_dim=128, max_position_embeddings=131072, rms_norm_eps=1e-5)
    biases = {"b_Q", "b_K", "b_V", "b_O", "b_gate", "b_in", "b_out"} if keys.flag("use_bias", False) else set()
    return build(keys, "ernie4_5", read_gated(keys, _ADJACENT._replace(base=5e5), tied=True), biases=frozenset(biases))


def read_helium(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' HeliumConfig."""
    keys.assume(num_key_value_heads=20, head_dim=128, max_position_embeddings=4096, rms_norm_eps=1e-8)
    shape = read_gated(keys, _ADJACENT._replace(base=1e5))
    return build(keys, "helium", shape, biases=gated_biases(keys) - {"b_O"})


def read_seed(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' SeedOssConfig."""
    keys.assume(num_key_value_heads=8, head_dim=128, max_position_embeddings=524288, attention_bias=True)
    keys.ignore("residual_dropout")
    biases = gated_biases(keys) - {"b_O"}
    return build(
        keys,
        "seed_oss",
        read_gated(keys),
        biases=biases | {"b_O"} if keys.flag("attention_out_bias", False) else biases,
    )


def read_arcee(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' ArceeConfig: no gate, and the square of what ReLU lets through."""
    keys.assume(max_position_embeddings=4096, rms_norm_eps=1e-5, hidden_act="relu2")
    return build(keys, "arcee", read_gated(keys) | {"gated_mlp": False}, biases=gated_biases(keys) - {"b_gate"})


SMOLLM3 = Family("smollm3", ("smollm3",), read_smollm3, RULES, tied_copy="lm_head.weight")
EXAONE4 = Family("exaone4", ("exaone4",), read_exaone4, EXAONE4_RULES, tied_copy="lm_head.weight")
ERNIE = Family("ernie4_5", ("ernie4_5",), read_ernie, RULES, tied_copy="lm_head.weight")
HELIUM = Family("helium", ("helium",), read_helium, RULES, tied_copy="lm_head.weight")
SEED = Family("seed_oss", ("seed_oss",), read_seed, RULES, tied_copy="lm_head.weight")
ARCEE = Family("arcee", ("arcee",), read_arcee, ARCEE_RULES, tied_copy="lm_head.weight")
