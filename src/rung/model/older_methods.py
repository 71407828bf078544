"""Methods that only older code calls on a model. A topic of `HookedTransformer`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..config import ModelConfig
from ..engine.kv_cache import KeyValueCache
from ..engine.weights import flatten
from . import state_dicts
from .classic import HookedTransformerConfig, draw_weights

_LEFT_OUT = {
    "generate_stream": "`generate` with a few new tokens at a time, on what it gave last, streams",
    "load_sample_training_dataset": "`utils.tokenize_and_concatenate` reads texts, of the `datasets` package or a list",
    "sample_datapoint": "take a text of a dataset of yours; `to_tokens` reads it",
}
"""Classic methods that Rung does not have, and what to use."""


class OlderMethods(nn.Module):
    """State dicts processed before they are loaded, fresh weights, and the stream made by hand."""

    config: ModelConfig

    if TYPE_CHECKING:  # the class that mixes this in has them
        pos_embed: Any
        hook_pos_embed: Any

        @property
        def cfg(self) -> HookedTransformerConfig: ...

    def __getattr__(self, name: str) -> Any:
        if name in _LEFT_OUT:
            raise AttributeError(f"{name} is left out of Rung: {_LEFT_OUT[name]}")
        return super().__getattr__(name)

    def fold_layer_norm(
        self, state_dict: Mapping[str, Tensor], fold_biases: bool = True, center_weights: bool = True
    ) -> dict[str, Tensor]:
        """A state dict with its norms' weights folded; see `state_dicts.fold_layer_norm`."""
        return state_dicts.fold_layer_norm(state_dict, self.cfg, fold_biases, center_weights)

    def center_writing_weights(self, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A state dict whose writing weights have no mean."""
        return state_dicts.center_writing_weights(state_dict, self.cfg)

    def center_unembed(self, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A state dict whose unembedding has no mean."""
        return state_dicts.center_unembed(state_dict)

    def fold_value_biases(self, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A state dict with its value biases in the output's."""
        return state_dicts.fold_value_biases(state_dict, self.cfg)

    def refactor_factored_attn_matrices(self, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A state dict whose heads' factors share their size evenly."""
        return state_dicts.refactor_factored_attn_matrices(state_dict, self.cfg)

    def fill_missing_keys(self, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The state dict, with this model's own tensors under the names that it lacks."""
        return {**self.state_dict(), **state_dict}

    @torch.no_grad()
    def init_weights(self) -> None:
        """Draws this model's weights again, as `cfg` says."""
        drawn = dict(flatten(self.config, draw_weights(self.cfg, self.config)))
        for name, parameter in self.named_parameters():
            if name in drawn:
                parameter.copy_(drawn[name])

    @property
    def n_params_total(self) -> int:
        """Numbers in all weights."""
        return sum(parameter.numel() for parameter in self.parameters())

    def mps(self) -> Any:
        """The model on an Apple GPU."""
        return self.to("mps")

    def move_model_modules_to_device(self) -> None:
        """Moves every weight to `cfg.device`."""
        self.to(self.cfg.device)

    def get_pos_offset(self, past_kv_cache: KeyValueCache | None, batch_size: int) -> int:
        """How many positions were read before."""
        return 0 if past_kv_cache is None else past_kv_cache.length

    def get_residual(
        self,
        embed: Tensor,
        pos_offset: int,
        prepend_bos: bool | None = None,
        attention_mask: Tensor | None = None,
        tokens: Tensor | None = None,
        return_shortformer_pos_embed: bool = True,
        device: Any = None,
    ) -> Any:
        """(stream, shortformer positions or None) of embeddings [batch, pos, d_model] that follow `pos_offset` others;
        the stream alone if not `return_shortformer_pos_embed`.
        """
        kind = self.config.positional_embedding_type
        added = None
        if kind in ("standard", "shortformer"):
            like = torch.zeros(embed.shape[:2], dtype=torch.long, device=embed.device)
            added = self.hook_pos_embed(self.pos_embed(like, pos_offset, attention_mask))
        stream = embed + added if kind == "standard" and added is not None else embed
        return (stream, added if kind == "shortformer" else None) if return_shortformer_pos_embed else stream
