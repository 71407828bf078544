"""Weights as people ask for them: stacked over layers, and as circuits. A topic of `HookedTransformer`."""

from typing import SupportsIndex

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..config import ModelConfig, is_layered
from ..engine.decompose import accumulated_bias
from ..engine.factored import FactoredMatrix, later_composition_scores
from ..engine.positions import sinusoids
from ..engine.slicing import whole
from ..engine.weights import WeightEntry, Weights, block_weights, present, read_of_stream, unembedding, unlayered
from ..errors import CheckpointError, SiteError
from .components import Slots


class WeightsTopic:
    """`model.W_Q` and its kin. Stacks are copies: write through `blocks[l].attn.W_Q`."""

    config: ModelConfig
    blocks: nn.ModuleList
    _slots: Slots

    @property
    def weights(self) -> Weights:
        """The parameters as the engine takes them: by name, a tuple over layers."""
        found: dict[str, WeightEntry] = {}
        for name, slots in self._slots.items():
            held = tuple(None if slot is None else getattr(*slot) for slot in slots)
            found[name] = held if is_layered(name) else present(held)[0]
        return found

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return self.W_E.device

    @property
    def dtype(self) -> torch.dtype:
        """What they are kept as."""
        return self.W_E.dtype

    def _stack(self, part: str, name: str) -> Tensor:
        if not self.config.n_layers:
            raise CheckpointError(f"{self.config.model_name} has no layers, so no {name}")
        try:
            held = [getattr(getattr(block, part), name) for block in self.blocks]
        except AttributeError:
            if name in ("W_Q", "W_K", "W_V"):
                read_of_stream(self.config, block_weights(self.weights, 0), name[-1])
            raise CheckpointError(f"{self.config.model_name} has no {name}") from None
        if len({tensor.shape for tensor in held}) > 1:
            raise CheckpointError(
                f"{name} of {self.config.model_name} has another shape in layers {list(self.config.dense_layers)} than "
                f"in the others, so that no one tensor holds them all: see blocks[l].{part}.{name}"
            )
        return torch.stack(held)

    def _single(self, name: str) -> Tensor:
        held = unlayered(self.weights, name)
        if held is None:
            raise CheckpointError(f"{self.config.model_name} has no {name}")
        return held

    @property
    def W_E(self) -> Float[Tensor, "d_vocab d_model"]:
        """Token embedding."""
        return self._single("W_E")

    @property
    def W_U(self) -> Float[Tensor, "d_model d_vocab_out"]:
        """Unembedding; the embedding's transpose where they are tied."""
        return unembedding(self.weights)

    @property
    def b_U(self) -> Float[Tensor, " d_vocab_out"]:
        """Unembedding bias; zeros if there is none."""
        held = unlayered(self.weights, "b_U")
        return self.W_U.new_zeros(self.config.n_out) if held is None else held

    @property
    def W_pos(self) -> Float[Tensor, "n_ctx d_model"]:
        """Position embedding; the formula's table for sinusoidal positions."""
        if self.config.positional_embedding_type == "sinusoidal":
            positions = torch.arange(self.config.n_ctx, device=self.W_E.device)
            return sinusoids(positions, self.config.d_model, self.config.sinusoidal_base).to(self.W_E.dtype)
        return self._single("W_pos")

    @property
    def W_E_pos(self) -> Float[Tensor, "vocab_and_ctx d_model"]:
        """Token and position embeddings, one under the other: everything attention-only heads can read at first."""
        return torch.cat((self.W_E, self.W_pos))

    @property
    def W_Q(self) -> Float[Tensor, "layer head d_model d_head"]:
        return self._stack("attn", "W_Q")

    @property
    def W_K(self) -> Float[Tensor, "layer head d_model d_head"]:
        return self._stack("attn", "W_K")

    @property
    def W_V(self) -> Float[Tensor, "layer head d_model d_head"]:
        return self._stack("attn", "W_V")

    @property
    def W_O(self) -> Float[Tensor, "layer head d_head d_model"]:
        return self._stack("attn", "W_O")

    @property
    def b_Q(self) -> Float[Tensor, "layer head d_head"]:
        return self._stack("attn", "b_Q")

    @property
    def b_K(self) -> Float[Tensor, "layer head d_head"]:
        return self._stack("attn", "b_K")

    @property
    def b_V(self) -> Float[Tensor, "layer head d_head"]:
        return self._stack("attn", "b_V")

    @property
    def b_O(self) -> Float[Tensor, "layer d_model"]:
        return self._stack("attn", "b_O")

    @property
    def W_in(self) -> Float[Tensor, "layer d_model d_mlp"]:
        return self._stack("mlp", "W_in")

    @property
    def W_gate(self) -> Float[Tensor, "layer d_model d_mlp"]:
        return self._stack("mlp", "W_gate")

    @property
    def W_out(self) -> Float[Tensor, "layer d_mlp d_model"]:
        return self._stack("mlp", "W_out")

    @property
    def b_in(self) -> Float[Tensor, "layer d_mlp"]:
        return self._stack("mlp", "b_in")

    @property
    def b_gate(self) -> Float[Tensor, "layer d_mlp"]:
        return self._stack("mlp", "b_gate")

    @property
    def b_out(self) -> Float[Tensor, "layer d_model"]:
        return self._stack("mlp", "b_out")

    @property
    def QK(self) -> FactoredMatrix:
        """W_Q W_Kᵀ of every head: [layer, head, d_model (query), d_model (key)]."""
        return FactoredMatrix(self.W_Q, self.W_K.mT)

    @property
    def OV(self) -> FactoredMatrix:
        """W_V W_O of every head: [layer, head, d_model (read), d_model (written)]."""
        return FactoredMatrix(self.W_V, self.W_O)

    def accumulated_bias(
        self, layer: SupportsIndex, mlp_input: bool = False, include_mlp_biases: bool = True
    ) -> Float[Tensor, " d_model"]:
        """What biases have written to the stream before `layer`; see `engine.decompose.accumulated_bias`."""
        return accumulated_bias(self.config, self.weights, whole(layer), mlp_input, include_mlp_biases)

    def all_composition_scores(self, mode: str) -> Float[Tensor, "layer head layer head"]:
        """‖W_OV M‖ / (‖W_OV‖ ‖M‖) of every head with every head of a later layer, 0 elsewhere; M is what the later one
        does with it: W_QK for mode Q, W_QKᵀ for K, W_OV for V. Raises SiteError for another mode.
        """
        readers = {"Q": lambda: self.QK, "K": lambda: self.QK.T, "V": lambda: self.OV}
        if mode not in readers:
            raise SiteError(f"mode is {mode!r}; known are Q, K and V")
        scores = later_composition_scores(self.OV, readers[mode]())[0]
        at = torch.arange(self.config.n_layers, device=scores.device)
        later = at[:, None, None, None] < at[None, None, :, None]
        return torch.where(later, scores, 0)

    def all_head_labels(self) -> list[str]:
        """L0H0, L0H1, …"""
        return [f"L{layer}H{head}" for layer in range(self.config.n_layers) for head in range(self.config.n_heads)]
