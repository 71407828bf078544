"""The parts of a model, to be called or made by hand: `LayerNorm(cfg)`, `Attention(cfg)`, `MLP(cfg)`.

Each is in a module of its own too, as in the classic package.
"""

from typing import Any

from ...model.components import (
    MLP,
    Attention,
    Embed,
    GatedMLP,
    GroupedQueryAttention,
    LayerNorm,
    LayerNormPre,
    PosEmbed,
    RMSNorm,
    RMSNormPre,
    TransformerBlock,
    Unembed,
)
from ..left_out import left_out

__all__ = [
    "MLP",
    "Attention",
    "Embed",
    "GatedMLP",
    "GroupedQueryAttention",
    "LayerNorm",
    "LayerNormPre",
    "PosEmbed",
    "RMSNorm",
    "RMSNormPre",
    "TransformerBlock",
    "Unembed",
]

_ENCODER = "Rung opens decoders that predict the next token"
_WHY = {
    "AbstractAttention": "Attention is the one class; GroupedQueryAttention is one of it",
    "MoE": "experts are part of MLP: blocks[l].mlp.W_router, W_in[expert]",
    "GatedMLP4Bit": "weights are floating-point",
    **dict.fromkeys(
        (
            "BertBlock",
            "BertEmbed",
            "BertMLMHead",
            "BertNSPHead",
            "BertPooler",
            "TokenTypeEmbed",
            "T5Attention",
            "T5Block",
        ),
        _ENCODER,
    ),
}


def __getattr__(name: str) -> Any:
    raise left_out("transformer_lens.components", name, _WHY, __all__)
