"""The classic names in the classic places: old code replaces `transformer_lens` by `rung.transformer_lens` and runs.

Each module re-exports what Rung has, or holds the few lines that only classic code asks for. Signatures are classic.
"""

from importlib import import_module
from typing import Any

from .ActivationCache import ActivationCache
from .FactoredMatrix import FactoredMatrix
from .HookedRootModule import HookedRootModule
from .HookedTransformer import HookedTransformer
from .HookedTransformerConfig import HookedTransformerConfig
from .left_out import left_out
from .SVDInterpreter import SVDInterpreter

_MODULES = {
    "components": "components",
    "config": "config",
    "evals": "evals",
    "head_detector": "head_detector",
    "hook_points": "hook_points",
    "loading": "loading_from_pretrained",
    "loading_from_pretrained": "loading_from_pretrained",
    "past_key_value_caching": "past_key_value_caching",
    "patching": "patching",
    "utilities": "utilities",
    "supported_models": "supported_models",
    "tools": "tools",
    "train": "train",
    "utils": "utils",
    "weight_processing": "weight_processing",
}
"""Name, and the module it is. Loaded when asked for."""
_FROM = {
    "HookPoint": "hook_points",
    "HookedTransformerKeyValueCache": "past_key_value_caching",
    "TransformerLensKeyValueCache": "past_key_value_caching",
    "MODEL_ALIASES": "loading_from_pretrained",
    "OFFICIAL_MODEL_NAMES": "loading_from_pretrained",
}
_WHY = {
    "HookedEncoder": "Rung opens decoders that predict the next token, and BERT is none",
    "BertNextSentencePrediction": "Rung opens decoders that predict the next token, and BERT is none",
    "HookedEncoderDecoder": "Rung opens decoders that predict the next token, and T5 is none",
    "HookedAudioEncoder": "Rung opens decoders that predict the next token, and HuBERT is none",
    "TransformerBridge": "HookedTransformer.from_pretrained(name, hf_model=…) takes a model of transformers itself",
    "TransformerBridgeConfig": "HookedTransformerConfig describes every model",
    "TransformerLensKeyValueCacheEntry": "HookedTransformerKeyValueCache holds all layers in one tensor each",
    "conversion_utils": "rung.families holds the rules from checkpoint names to classic ones",
    "factories": "HookedTransformer(cfg) makes every part",
    "lit": "there is no LIT interface",
}

__all__ = [
    "ActivationCache",
    "FactoredMatrix",
    "HookedRootModule",
    "HookedTransformer",
    "HookedTransformerConfig",
    "SVDInterpreter",
    *sorted({*_MODULES, *_FROM}),
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{_MODULES[name]}")
    if name in _FROM:
        return getattr(import_module(f"{__name__}.{_FROM[name]}"), name)
    raise left_out("transformer_lens", name, _WHY, __all__)


def __dir__() -> list[str]:
    return sorted(__all__)
