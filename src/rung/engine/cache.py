"""What a run leaves behind: every watched activation, and the residual stream taken apart into who wrote what."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..config import ModelConfig
from ..errors import SiteError
from .sites import Site, SiteKey, find_site
from .slicing import SliceInput, take
from .weights import Weights, block_weights, single, unembedding

Labels = list[str]


@runtime_checkable
class Opened(Protocol):
    """A model as the cache needs it: what it is, and what it weighs."""

    @property
    def config(self) -> ModelConfig: ...
    @property
    def weights(self) -> Weights: ...


class ActivationCache(Mapping[str, Tensor]):
    """Activations by hook name, in the order they were met.

    `cache["pattern", 0]`, `cache["blocks.0.attn.hook_pattern"]`, `cache["resid_post", -1]` and
    `cache["normalized", 0, "ln1"]` all work. `result` is derived from `z` when it was not stored. Values are the run's
    own tensors, not copies: a hook that edits a tensor in place shows in every site that holds it.
    """

    def __init__(self, cache_dict: Mapping[str, Tensor], model: Opened, has_batch_dim: bool = True) -> None:
        self.cache_dict = dict(cache_dict)
        self.model = model
        self.has_batch_dim = has_batch_dim

    @property
    def config(self) -> ModelConfig:
        return self.model.config

    def __getitem__(self, key: SiteKey) -> Tensor:
        if isinstance(key, str) and key in self.cache_dict:
            return self.cache_dict[key]
        site = find_site(self.config, key)
        if site.path in self.cache_dict:
            return self.cache_dict[site.path]
        z = Site("z", site.layer).path
        if site.name == "result" and z in self.cache_dict and site.layer is not None:
            return torch.einsum(
                "...he,hed->...hd", self.cache_dict[z], block_weights(self.model.weights, site.layer).W_O
            )
        raise SiteError(f"{site.path} was not cached; this cache holds {len(self)} activations: {self._sample()}")

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
        try:
            self[key]  # type: ignore[index]
        except (SiteError, TypeError, ValueError):
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self.cache_dict)

    def __len__(self) -> int:
        return len(self.cache_dict)

    def __repr__(self) -> str:
        return f"ActivationCache of {self.config.model_name}: {len(self)} activations, {self._sample()}"

    def to(self, device: torch.device | str) -> "ActivationCache":
        """The same activations on `device`."""
        return type(self)({name: x.to(device) for name, x in self.items()}, self.model, self.has_batch_dim)

    def remove_batch_dim(self) -> "ActivationCache":
        """The same activations without their batch axis. Raises SiteError if there is more than one example."""
        if not self.has_batch_dim:
            return self
        for name, x in self.items():
            if x.shape[0] != 1:
                raise SiteError(f"cannot drop the batch axis: {name} holds {x.shape[0]} examples, not 1")
        return type(self)({name: x[0] for name, x in self.items()}, self.model, False)

    def apply_slice_to_batch_dim(self, batch_slice: SliceInput) -> "ActivationCache":
        """The same activations of some examples only; a single int drops the axis."""
        if not self.has_batch_dim:
            raise SiteError("this cache has no batch axis to slice")
        sliced = {name: take(x, batch_slice, 0) for name, x in self.items()}
        return type(self)(sliced, self.model, not isinstance(batch_slice, int))

    def _end(self, layer: int | None) -> int:
        """`layer` as a count of blocks behind us: None and -1 are all of them."""
        n = self.config.n_layers
        if layer is None or layer == -1:
            return n
        if not 0 <= layer <= n:
            raise SiteError(f"layer {layer} asked of {self.config.model_name}, which has {n} (0 to {n})")
        return layer

    def _stream(self, name: str, layer: int | None, pos_slice: SliceInput) -> Tensor:
        return take(self[Site(name, layer).path], pos_slice, -2)

    def _finish(
        self,
        parts: list[Tensor],
        labels: Labels,
        layer: int,
        mlp_input: bool,
        apply_ln: bool,
        pos_slice: SliceInput,
        return_labels: bool,
    ) -> Tensor | tuple[Tensor, Labels]:
        stack = torch.stack(parts)
        if apply_ln:
            stack = self.apply_ln_to_stack(stack, layer, mlp_input=mlp_input, pos_slice=pos_slice)
        return (stack, labels) if return_labels else stack

    def accumulated_resid(
        self,
        layer: int | None = None,
        incl_mid: bool = False,
        apply_ln: bool = False,
        pos_slice: SliceInput = None,
        mlp_input: bool = False,
        return_labels: bool = False,
    ) -> Tensor | tuple[Tensor, Labels]:
        """The stream as it stood before each layer up to `layer`: [component, batch, pos, d_model].

        Labels: 0_pre, (0_mid,) 1_pre, …, final_post. With the unembedding this is the logit lens.
        """
        end = self._end(layer)
        wanted: list[tuple[str, Site]] = []
        for at in range(end + 1):
            if at == self.config.n_layers:
                wanted.append(("final_post", Site("resid_post", at - 1) if at else self._start()))
                continue
            wanted.append((f"{at}_pre", Site("resid_pre", at)))
            if (incl_mid and at < end) or (mlp_input and at == end):
                wanted.append((f"{at}_mid", Site("resid_mid", at)))
        parts = [self._stream(site.name, site.layer, pos_slice) for _, site in wanted]
        return self._finish(parts, [label for label, _ in wanted], end, mlp_input, apply_ln, pos_slice, return_labels)

    def _start(self) -> Site:
        if self.config.positional_embedding_type in ("standard", "sinusoidal"):
            raise SiteError("a model without blocks has no stored stream after its positions; add embed and pos_embed")
        return Site("embed")

    def writers(
        self, layer: int | None = None, mlp_input: bool = False, incl_embeds: bool = True
    ) -> list[tuple[str, Site]]:
        """(label, site) of everything that writes to the stream before `layer`, in order."""
        found: list[tuple[str, Site]] = []
        if incl_embeds:
            found.append(("embed", Site("embed")))
            # Shortformer and rotary positions never enter the stream.
            if self.config.positional_embedding_type in ("standard", "sinusoidal"):
                found.append(("pos_embed", Site("pos_embed")))
        end = self._end(layer)
        for at in range(end):
            found.append((f"{at}_attn_out", Site("attn_out", at)))
            if not self.config.attn_only:
                found.append((f"{at}_mlp_out", Site("mlp_out", at)))
        if mlp_input:
            found.append((f"{end}_attn_out", Site("attn_out", end)))
        return found

    def decompose_resid(
        self,
        layer: int | None = None,
        mlp_input: bool = False,
        mode: str = "all",
        apply_ln: bool = False,
        pos_slice: SliceInput = None,
        incl_embeds: bool = True,
        return_labels: bool = False,
    ) -> Tensor | tuple[Tensor, Labels]:
        """What each part wrote to the stream before `layer`: [component, batch, pos, d_model]; they sum to it.

        Labels: embed, pos_embed, 0_attn_out, 0_mlp_out, …; `mode` "attn" or "mlp" keeps only those layers' writes.
        """
        if mode not in ("all", "attn", "mlp"):
            raise SiteError(f"mode is {mode!r}; known are 'all', 'attn' and 'mlp'")
        found = self.writers(layer, mlp_input, incl_embeds)
        found = [
            (label, site)
            for label, site in found
            if mode == "all" or site.name in ("embed", "pos_embed", f"{mode}_out")
        ]
        parts = [self._stream(site.name, site.layer, pos_slice) for _, site in found]
        labels = [label for label, _ in found]
        return self._finish(parts, labels, self._end(layer), mlp_input, apply_ln, pos_slice, return_labels)

    def stack_head_results(
        self,
        layer: int = -1,
        return_labels: bool = False,
        incl_remainder: bool = False,
        pos_slice: SliceInput = None,
        apply_ln: bool = False,
    ) -> Tensor | tuple[Tensor, Labels]:
        """What each head wrote to the stream before `layer`: [head of all layers, batch, pos, d_model].

        Labels: L0H0, L0H1, …; `incl_remainder` adds everything else that is in the stream there, so that all sum to it.
        """
        end = self._end(layer)
        parts: list[Tensor] = []
        labels: Labels = []
        for at in range(end):
            # Slice z before it is spread over d_model: the product is the large part.
            z = take(self[Site("z", at).path], pos_slice, -3)
            result = torch.einsum("...he,hed->h...d", z, block_weights(self.model.weights, at).W_O)
            parts += list(result)
            labels += [f"L{at}H{head}" for head in range(self.config.n_heads)]
        if incl_remainder:
            at_end = Site("resid_post", end - 1) if end == self.config.n_layers else Site("resid_pre", end)
            stream = self._stream(at_end.name, at_end.layer, pos_slice)
            parts.append(stream - sum(parts))
            labels.append("remainder")
        if not parts:
            raise SiteError(f"there are no heads before layer {end} of {self.config.model_name}")
        return self._finish(parts, labels, end, False, apply_ln, pos_slice, return_labels)

    def apply_ln_to_stack(
        self,
        residual_stack: Float[Tensor, "component *batch_and_pos d_model"],
        layer: int | None = None,
        mlp_input: bool = False,
        pos_slice: SliceInput = None,
        batch_slice: SliceInput = None,
        has_batch_dim: bool = True,
    ) -> Float[Tensor, "component *batch_and_pos d_model"]:
        """Each part as the norm before `layer` (the last one, if None) scaled it in this run.

        (part − mean(part)) / scale · w: linear in the part, since the scale is the whole stream's. The norm's b, which
        belongs to no part, is left out. Slices are those already applied to the stack.
        """
        kind = self.config.normalization_type
        if kind is None:
            return residual_stack
        end = self._end(layer)
        name = "ln_final" if end == self.config.n_layers else ("ln2" if mlp_input else "ln1")
        scale = self[Site(f"{name}.scale", None if name == "ln_final" else end).path]
        scale = take(scale, pos_slice, -2)
        if self.has_batch_dim and has_batch_dim:
            scale = take(scale, batch_slice, 0)
        if kind in ("LN", "LNPre"):
            residual_stack = residual_stack - residual_stack.mean(-1, keepdim=True)
        w = single(self.model.weights, "ln_final_w") if name == "ln_final" else None
        if name != "ln_final":
            block = block_weights(self.model.weights, end)
            w = block.ln1_w if name == "ln1" else block.ln2_w
        scaled = residual_stack / scale
        return scaled if w is None else scaled * w

    def logit_attrs(
        self,
        residual_stack: Float[Tensor, "component *batch_and_pos d_model"],
        tokens: int | str | Int[Tensor, "..."],
        incorrect_tokens: int | str | Int[Tensor, "..."] | None = None,
        pos_slice: SliceInput = None,
        batch_slice: SliceInput = None,
        has_batch_dim: bool = True,
    ) -> Float[Tensor, "component *batch_and_pos"]:
        """Each part's share of the logit of `tokens` (minus that of `incorrect_tokens`): normed as in this run, · W_U.

        `tokens`: one for all, one an example [batch], or one a position [batch, pos].
        """
        W_U = unembedding(self.model.weights)
        direction = W_U.T[self._ids(tokens, W_U.device)]
        if incorrect_tokens is not None:
            direction = direction - W_U.T[self._ids(incorrect_tokens, W_U.device)]
        normed = self.apply_ln_to_stack(
            residual_stack, None, pos_slice=pos_slice, batch_slice=batch_slice, has_batch_dim=has_batch_dim
        )
        if direction.ndim == 2 and normed.ndim == 4:
            direction = direction.unsqueeze(1)
        return (normed * direction).sum(-1)

    def _ids(self, tokens: int | str | Tensor, device: torch.device) -> Tensor:
        if isinstance(tokens, str):
            to_single_token = getattr(self.model, "to_single_token", None)
            if to_single_token is None:
                raise SiteError(f"{tokens!r} is text, and this cache's model has no tokenizer: give token ids")
            tokens = int(to_single_token(tokens))
        return torch.as_tensor(tokens, device=device)
