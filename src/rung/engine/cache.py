"""What a run leaves behind: every watched activation, by hook name. `decompose` takes the stream apart."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, SupportsIndex

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..config import ModelConfig
from ..errors import BatchAxisError, SiteError
from . import decompose
from .decompose import Run, count_layers
from .sites import Site, SiteKey, find_site
from .slicing import SliceInput, alone, plain, take, whole
from .weights import ModelLike, Weights, block_weights, unembedding, weights_on


class ActivationCache(Mapping[str, Tensor]):
    """Activations by hook name, in the order they were met.

    `cache["pattern", 0]`, `cache["blocks.0.attn.hook_pattern"]`, `cache["resid_post", -1]` and
    `cache["normalized", 0, "ln1"]` all work. `result` is derived from `z` when it was not stored. Values are the run's
    own tensors, not copies: a hook that edits a tensor in place shows in every site that holds it, unless gradients
    run: then it is handed a copy.

    What takes `return_labels` gives a tensor without it, and (tensor, list of labels) with it.
    """

    def __init__(self, cache_dict: Mapping[str, Tensor], model: ModelLike, has_batch_dim: bool = True) -> None:
        self.cache_dict = dict(cache_dict)
        self.model = model
        self.has_batch_dim = has_batch_dim

    @property
    def config(self) -> ModelConfig:
        return self.model.config

    @property
    def _run(self) -> Run:
        return Run(self.config, self._weights, self, self.has_batch_dim)

    @property
    def device(self) -> torch.device:
        """Where the activations lie; the model may lie elsewhere."""
        return next((x.device for x in self.cache_dict.values()), unembedding(self.model.weights).device)

    @property
    def _weights(self) -> Weights:
        return weights_on(self.model.weights, self.device)

    def __getitem__(self, key: SiteKey) -> Tensor:
        if isinstance(key, str) and key in self.cache_dict:
            return self.cache_dict[key]
        site = find_site(self.config, key)
        if site.path in self.cache_dict:
            return self.cache_dict[site.path]
        z = self._z_of_result(site)
        if z is None:
            raise SiteError(f"{site.path} was not cached; this cache holds {len(self)} activations: {self._sample()}")
        assert site.layer is not None
        return torch.einsum("...he,hed->...hd", z, block_weights(self._weights, site.layer).W_O)

    def _z_of_result(self, site: Site) -> Tensor | None:
        """The stored `z` that the `result` at `site` is derived from; None for every other kind of site."""
        return self.cache_dict.get(Site("z", site.layer).path) if site.name == "result" else None

    def get(self, key: Any, default: Any = None) -> Any:
        """The activation, or `default` where there is none."""
        try:
            return self[key]
        except SiteError:
            return default

    def _sample(self) -> str:
        names = list(self.cache_dict)
        return ", ".join(names[:4]) + (", …" if len(names) > 4 else "")

    def __contains__(self, key: object) -> bool:
        """Whether `self[key]` gives an activation, stored or derived. Nothing is derived to find out."""
        if not isinstance(key, str | tuple):
            return False
        if isinstance(key, str) and key in self.cache_dict:
            return True
        try:
            site = find_site(self.config, key)
        except SiteError:
            return False
        return site.path in self.cache_dict or self._z_of_result(site) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.cache_dict)

    def __len__(self) -> int:
        return len(self.cache_dict)

    def __repr__(self) -> str:
        return f"ActivationCache of {self.config.model_name}: {len(self)} activations, {self._sample()}"

    @property
    def has_embed(self) -> bool:
        return "hook_embed" in self.cache_dict

    @property
    def has_pos_embed(self) -> bool:
        return "hook_pos_embed" in self.cache_dict

    def to(self, device: torch.device | str) -> "ActivationCache":
        """Moves this cache to `device`; returns it."""
        self.cache_dict = {name: x.to(device) for name, x in self.items()}
        return self

    def toggle_autodiff(self, mode: bool = False) -> None:
        """Turns gradients off (or on) for all of torch, until told otherwise."""
        torch.set_grad_enabled(mode)

    def remove_batch_dim(self) -> "ActivationCache":
        """Drops this cache's batch axis; returns it. Raises BatchAxisError if there is more than one example."""
        if not self.has_batch_dim:
            return self
        if self._batch_size != 1:
            name = next(name for name, x in self.items() if x.ndim and len(x) == self._batch_size)
            raise BatchAxisError(
                f"cannot drop the batch axis: this cache has batch size {self._batch_size}; {name} holds "
                f"{self._batch_size} examples"
            )
        self.cache_dict = {name: x[0] if x.ndim and len(x) == 1 else x for name, x in self.items()}
        self.has_batch_dim = False
        return self

    @property
    def _batch_size(self) -> int:
        """Length of the batch axis: that of most entries. One may be the same for all examples (length 1), or have no
        batch axis at all.
        """
        lengths = Counter(len(x) for x in self.cache_dict.values() if x.ndim)
        return lengths.most_common(1)[0][0] if lengths else 1

    def apply_slice_to_batch_dim(self, batch_slice: SliceInput) -> "ActivationCache":
        """The same activations of some examples only; a single int drops the axis.

        What is the same for all examples (a first axis of length 1) stays so. Raises BatchAxisError without an axis.
        """
        if not self.has_batch_dim:
            raise BatchAxisError("this cache has no batch axis to slice")
        picked = plain(batch_slice)
        size, single = self._batch_size, isinstance(picked, int) or getattr(picked, "ndim", 1) == 0
        sliced = {}
        for name, x in self.items():
            if x.ndim and len(x) == size:
                x = alone(take(x, batch_slice, 0))
            elif x.ndim and len(x) == 1 and single:
                x = x[0]
            sliced[name] = x
        return type(self)(sliced, self.model, not single)

    def accumulated_resid(
        self,
        layer: SupportsIndex | None = None,
        incl_mid: bool = False,
        apply_ln: bool = False,
        pos_slice: SliceInput = None,
        mlp_input: bool = False,
        return_labels: bool = False,
    ) -> Any:
        """The stream as it stood before each layer up to `layer`: [component, batch, pos, d_model].

        Labels: 0_pre, (0_mid,) 1_pre, …, final_post. With the unembedding this is the logit lens: with `apply_ln` each
        goes through the last norm as if it were the last, or through the norm before `layer` as that scaled this run.
        """
        parts = decompose.accumulated_resid(self._run, whole(layer), incl_mid, apply_ln, pos_slice, mlp_input)
        return parts if return_labels else parts.stack

    def writers(
        self, layer: SupportsIndex | None = None, mlp_input: bool = False, incl_embeds: bool = True
    ) -> list[tuple[str, Site]]:
        """(label, site) of everything that writes to the stream before `layer`, in order."""
        return decompose.writers(self.config, whole(layer), mlp_input, incl_embeds)

    def decompose_resid(
        self,
        layer: SupportsIndex | None = None,
        mlp_input: bool = False,
        mode: str = "all",
        apply_ln: bool = False,
        pos_slice: SliceInput = None,
        incl_embeds: bool = True,
        return_labels: bool = False,
    ) -> Any:
        """What each part wrote to the stream before `layer`: [component, batch, pos, d_model]; they sum to it.

        Labels: embed, pos_embed, 0_attn_out, 0_mlp_out, …; `mode` "attn" or "mlp" keeps only those layers' writes.
        """
        parts = decompose.decompose_resid(self._run, whole(layer), mlp_input, mode, apply_ln, pos_slice, incl_embeds)
        return parts if return_labels else parts.stack

    def stack_head_results(
        self,
        layer: SupportsIndex = -1,
        return_labels: bool = False,
        incl_remainder: bool = False,
        pos_slice: SliceInput = None,
        apply_ln: bool = False,
    ) -> Any:
        """What each head wrote to the stream before `layer`: [head of all layers, batch, pos, d_model].

        Labels: L0H0, L0H1, …; `incl_remainder` adds everything else that is in the stream there, so that all sum to it.
        """
        parts = decompose.stack_head_results(self._run, whole(layer), incl_remainder, pos_slice, apply_ln)
        return parts if return_labels else parts.stack

    def as_written(
        self,
        part: Float[Tensor, "*component_batch_and_pos d_model"],
        name: str,
        layer: SupportsIndex,
        pos_slice: SliceInput = None,
    ) -> Float[Tensor, "*written d_model"]:
        """What a part of the output of attention (`name` "attn_out") or of the MLP ("mlp_out") added to the stream.

        Behind a norm: (part − mean(part)) / scale · w, its scale as in this run, so that parts sum to the whole.
        """
        return decompose.as_written(self._run, part, name, whole(layer), pos_slice)

    def compute_head_results(self) -> None:
        """Stores every layer's `result`, which is otherwise derived from z when it is asked for."""
        for layer in range(self.config.n_layers):
            self.cache_dict[Site("result", layer).path] = self["result", layer]

    def stack_activation(
        self, activation_name: str, layer: SupportsIndex | None = -1, sublayer_type: str | None = None
    ) -> Float[Tensor, "layer ..."]:
        """One activation of every layer before `layer`: [layer, batch, …]."""
        key = (sublayer_type,) if sublayer_type else ()
        return torch.stack([self[(activation_name, at, *key)] for at in range(count_layers(self.config, whole(layer)))])

    def get_neuron_results(
        self,
        layer: SupportsIndex,
        neuron_slice: SliceInput = None,
        pos_slice: SliceInput = None,
        project_output_onto: Float[Tensor, "d_model *outputs"] | None = None,
    ) -> Tensor:
        """What each neuron of one layer wrote to the stream: [batch, pos, neuron, d_model], or its products with
        `project_output_onto` in place of d_model.
        """
        return decompose.get_neuron_results(self._run, whole(layer), neuron_slice, pos_slice, project_output_onto)

    def stack_neuron_results(
        self,
        layer: SupportsIndex | None,
        pos_slice: SliceInput = None,
        neuron_slice: SliceInput = None,
        return_labels: bool = False,
        incl_remainder: bool = False,
        apply_ln: bool = False,
        project_output_onto: Float[Tensor, "d_model *outputs"] | None = None,
    ) -> Any:
        """What each neuron wrote to the stream before `layer`: [neuron of all layers, batch, pos, d_model].

        Labels: L0N0, L0N1, …; the rest as in `stack_head_results`. With `project_output_onto` ([d_model] or
        [d_model, outputs]) the products with it are made before neurons are spread over d_model.
        """
        parts = decompose.stack_neuron_results(
            self._run, whole(layer), pos_slice, neuron_slice, incl_remainder, apply_ln, project_output_onto
        )
        return parts if return_labels else parts.stack

    def get_full_resid_decomposition(
        self,
        layer: SupportsIndex | None = None,
        mlp_input: bool = False,
        expand_neurons: bool = True,
        apply_ln: bool = False,
        pos_slice: SliceInput = None,
        return_labels: bool = False,
        project_output_onto: Float[Tensor, "d_model *outputs"] | None = None,
    ) -> Any:
        """Everything that was written to the stream before `layer`, in its smallest parts; they sum to it.

        Heads (L0H0, …), neurons (L0N0, …; or MLPs whole, 0_mlp_out, if not `expand_neurons`), embed, pos_embed where
        the stream holds it, and bias, what attention and MLPs add whatever they read. `project_output_onto` as in
        `stack_neuron_results`.
        """
        parts = decompose.get_full_resid_decomposition(
            self._run, whole(layer), mlp_input, expand_neurons, apply_ln, pos_slice, project_output_onto
        )
        return parts if return_labels else parts.stack

    def apply_ln_to_stack(
        self,
        residual_stack: Float[Tensor, "component *batch_and_pos d_model"],
        layer: SupportsIndex | None = None,
        mlp_input: bool = False,
        pos_slice: SliceInput = None,
        batch_slice: SliceInput = None,
        has_batch_dim: bool = True,
        recompute_ln: bool = False,
    ) -> Float[Tensor, "component *batch_and_pos_taken d_model"]:
        """Each part as the norm before `layer` (the last one, if None) scaled it in this run; as it is where none is.

        (part − mean(part)) / scale · w: linear in the part, since the scale is the whole stream's. The norm's b, which
        belongs to no part, is left out. `pos_slice` is one that the stack went through already, `batch_slice` one that
        it goes through here. `recompute_ln`: each part through the last norm as if it were the whole stream.
        """
        return decompose.apply_ln_to_stack(
            self._run, residual_stack, whole(layer), mlp_input, pos_slice, batch_slice, has_batch_dim, recompute_ln
        )

    def logit_attrs(
        self,
        residual_stack: Float[Tensor, "component *batch_and_pos d_model"],
        tokens: SupportsIndex | str | Sequence[str] | Int[Tensor, "..."],
        incorrect_tokens: SupportsIndex | str | Sequence[str] | Int[Tensor, "..."] | None = None,
        pos_slice: SliceInput = None,
        batch_slice: SliceInput = None,
        has_batch_dim: bool = True,
    ) -> Float[Tensor, "component *batch_and_pos_taken"]:
        """Each part's share of the logit of `tokens` (minus that of `incorrect_tokens`): normed as in this run, · W_U.

        Logits before their cap, where the model caps them; times `logit_scale`, where it scales them.

        `tokens`: one for all, one an example [batch], or one a position [batch, pos]; ids, or texts of one token each.
        """
        others = None if incorrect_tokens is None else self._ids(incorrect_tokens)
        return decompose.logit_attrs(
            self._run, residual_stack, self._ids(tokens), others, pos_slice, batch_slice, has_batch_dim
        )

    def _ids(self, tokens: SupportsIndex | str | Sequence[str] | Tensor) -> Tensor:
        device = self.device
        if isinstance(tokens, str):
            return torch.tensor(self._id(tokens), device=device)
        if isinstance(tokens, Sequence) and all(isinstance(token, str) for token in tokens):
            return torch.tensor([self._id(token) for token in tokens], device=device)
        try:
            ids = torch.as_tensor(tokens, device=device)
        except (TypeError, ValueError, RuntimeError):
            raise SiteError(f"{tokens!r} names no tokens: give an id, ids as a tensor, or texts of one token") from None
        n = self.config.n_out
        if ids.is_floating_point() or (ids.device.type == "cpu" and bool(((ids < 0) | (ids >= n)).any())):
            raise SiteError(f"{tokens!r} names no tokens of this model: ids are whole numbers from 0 to {n - 1}")
        return ids.long()

    def _id(self, text: str) -> int:
        to_single_token = getattr(self.model, "to_single_token", None)
        if to_single_token is None:
            raise SiteError(f"{text!r} is text, and this cache's model has no tokenizer: give token ids")
        return int(to_single_token(text))
