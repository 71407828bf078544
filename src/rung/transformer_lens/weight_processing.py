"""`ProcessWeights`: what `from_pretrained` does to weights, on a state dict in classic names."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..engine.factored import FactoredMatrix
from ..model import state_dicts
from ..model.state_dicts import StateDict

__all__ = ["FactoredMatrix", "ProcessWeights"]


class ProcessWeights:
    """Static methods that each give a new state dict. `adapter`, of TransformerLens's bridge, must be None."""

    @staticmethod
    def fold_layer_norm(
        state_dict: StateDict,
        cfg: Any,
        fold_biases: bool = True,
        center_weights: bool = True,
        adapter: None = None,
    ) -> dict[str, Tensor]:
        """Norm weights moved into what reads the norm."""
        return state_dicts.fold_layer_norm(state_dict, cfg, fold_biases, center_weights)

    @staticmethod
    def center_writing_weights(state_dict: StateDict, cfg: Any, adapter: None = None) -> dict[str, Tensor]:
        """The mean over d_model taken out of everything that writes to the stream."""
        return state_dicts.center_writing_weights(state_dict, cfg)

    @staticmethod
    def center_unembed(state_dict: StateDict, cfg: Any = None, adapter: None = None) -> dict[str, Tensor]:
        """The mean over the vocabulary taken out of the unembedding."""
        return state_dicts.center_unembed(state_dict)

    @staticmethod
    def fold_value_biases(state_dict: StateDict, cfg: Any, adapter: None = None) -> dict[str, Tensor]:
        """Value biases moved into the output's."""
        return state_dicts.fold_value_biases(state_dict, cfg)

    @staticmethod
    def refactor_factored_attn_matrices(state_dict: StateDict, cfg: Any, adapter: None = None) -> dict[str, Tensor]:
        """Each head's factors evened out."""
        return state_dicts.refactor_factored_attn_matrices(state_dict, cfg)

    @staticmethod
    def process_weights(
        state_dict: StateDict,
        cfg: Any,
        fold_ln: bool = True,
        center_writing_weights: bool = True,
        center_unembed: bool = True,
        fold_value_biases: bool = True,
        refactor_factored_attn_matrices: bool = False,
        adapter: None = None,
    ) -> dict[str, Tensor]:
        """All that is asked for, where it fits."""
        return state_dicts.process_weights(
            state_dict, cfg, fold_ln, center_writing_weights, center_unembed, fold_value_biases,
            refactor_factored_attn_matrices,
        )  # fmt: skip
