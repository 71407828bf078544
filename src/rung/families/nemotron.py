"""Nemotron 4 and Minitron (NVIDIA 2024, arXiv:2402.16819): LayerNorm whose weights are kept as their distance from 1,
half of each head turns, squared ReLU without a gate.
"""

from collections.abc import Collection

from ..config import ModelConfig
from .llama_like import ATTENTION, BEFORE_MLP, build, gated_biases, read_shape
from .rotary import RotaryDefaults
from .rules import Family, Keys, Rule

_MLP = "model.layers.{l}.mlp"
RULES = (
    *(
        rule._replace(plus=1.0) if "norm" in rule.theirs and rule.theirs.endswith("weight") else rule
        for rule in (*ATTENTION, *BEFORE_MLP)
    ),
    Rule("W_in", f"{_MLP}.up_proj.weight", "m d -> d m"),
    Rule("b_in", f"{_MLP}.up_proj.bias", "m -> m"),
    Rule("W_out", f"{_MLP}.down_proj.weight", "d m -> m d"),
    Rule("b_out", f"{_MLP}.down_proj.bias", "d -> d"),
)


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' NemotronConfig."""
    keys.assume(max_position_embeddings=4096)
    shape = read_shape(keys, RotaryDefaults(part=0.5))
    return build(
        keys,
        "nemotron",
        shape,
        d_mlp=keys.size("intermediate_size"),
        act_fn=keys.activation("hidden_act", "relu2"),
        eps=keys.number("norm_eps", 1e-5),
        biases=gated_biases(keys) - {"b_gate"} | {"ln1_b", "ln2_b", "ln_final_b"},
    )


NEMOTRON = Family("nemotron", ("nemotron",), read_config, RULES, tied_copy="lm_head.weight")
