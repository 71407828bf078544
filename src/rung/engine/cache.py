"""What a run leaves behind: every watched activation, and the residual stream taken apart into who wrote what."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..config import ModelConfig
from ..errors import SiteError
from .linearize import linear_behind, linear_norm, norms_before, norms_behind
from .sites import Site, SiteKey, find_site
from .slicing import SliceInput, plain, take
from .taps import NO_TAP
from .transformer import norm
from .weights import Weights, block_weights, embedding, single, unembedding

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
        """Drops this cache's batch axis; returns it. Raises SiteError if there is more than one example."""
        if not self.has_batch_dim:
            return self
        for name, x in self.items():
            if x.shape[0] != 1:
                raise SiteError(f"cannot drop the batch axis: {name} holds {x.shape[0]} examples, not 1")
        self.cache_dict = {name: x[0] for name, x in self.items()}
        self.has_batch_dim = False
        return self

    def apply_slice_to_batch_dim(self, batch_slice: SliceInput) -> "ActivationCache":
        """The same activations of some examples only; a single int drops the axis."""
        if not self.has_batch_dim:
            raise SiteError("this cache has no batch axis to slice")
        sliced = {name: take(x, batch_slice, 0) for name, x in self.items()}
        return type(self)(sliced, self.model, not isinstance(plain(batch_slice), int))

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

    def _entering(self, end: int, pos_slice: SliceInput) -> Tensor:
        """The stream before layer `end`."""
        if end < self.config.n_layers:
            return self._stream("resid_pre", end, pos_slice)
        site = Site("resid_post", end - 1) if end else self._start()
        return self._stream(site.name, site.layer, pos_slice)

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

        Labels: 0_pre, (0_mid,) 1_pre, …, final_post. With the unembedding this is the logit lens: with `apply_ln` each
        goes through the last norm as if it were the last, or through the norm before `layer` as that scaled this run.
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
        labels = [label for label, _ in wanted]
        if apply_ln and end == self.config.n_layers:
            stack = self.apply_ln_to_stack(torch.stack(parts), recompute_ln=True)
            return (stack, labels) if return_labels else stack
        return self._finish(parts, labels, end, mlp_input, apply_ln, pos_slice, return_labels)

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
            parts += list(self.as_written(result, "attn_out", at, pos_slice))
            labels += [f"L{at}H{head}" for head in range(self.config.n_heads)]
        if incl_remainder:
            parts.append(self._entering(end, pos_slice) - sum(parts))
            labels.append("remainder")
        if not parts:
            like = self._stream("embed", None, pos_slice)
            empty = like.new_zeros((0, *like.shape))
            return (empty, labels) if return_labels else empty
        return self._finish(parts, labels, end, False, apply_ln, pos_slice, return_labels)

    def as_written(
        self,
        part: Float[Tensor, "*component_batch_and_pos d_model"],
        name: str,
        layer: int,
        pos_slice: SliceInput = None,
    ) -> Float[Tensor, "*written d_model"]:
        """What a part of the output of attention (`name` "attn_out") or of the MLP ("mlp_out") added to the stream.

        Behind a norm: (part − mean(part)) / scale · w, its scale as in this run, so that parts sum to the whole.
        """
        return linear_behind(self.config, self._behind(name, layer), part) / self._scale_behind(name, layer, pos_slice)

    def _behind(self, name: str, layer: int) -> Tensor | None:
        w = block_weights(self.model.weights, layer)
        return w.ln1_post_w if name == "attn_out" else w.ln2_post_w

    def _scale_behind(self, name: str, layer: int, pos_slice: SliceInput) -> Tensor | float:
        """What the norm behind attention or MLP divided by in this run; 1 where there is none."""
        if not norms_behind(self.config):
            return 1.0
        return take(self[Site(f"{'ln1' if name == 'attn_out' else 'ln2'}_post.scale", layer).path], pos_slice, -2)

    def compute_head_results(self) -> None:
        """Stores every layer's `result`, which is otherwise derived from z when it is asked for."""
        for layer in range(self.config.n_layers):
            self.cache_dict[Site("result", layer).path] = self["result", layer]

    def stack_activation(
        self, activation_name: str, layer: int | None = -1, sublayer_type: str | None = None
    ) -> Float[Tensor, "layer ..."]:
        """One activation of every layer before `layer`: [layer, batch, …]."""
        key = (sublayer_type,) if sublayer_type else ()
        return torch.stack([self[(activation_name, at, *key)] for at in range(self._end(layer))])

    def get_neuron_results(
        self,
        layer: int,
        neuron_slice: SliceInput = None,
        pos_slice: SliceInput = None,
        project_output_onto: Float[Tensor, "d_model *outputs"] | None = None,
    ) -> Tensor:
        """What each neuron of one layer wrote to the stream: [batch, pos, neuron, d_model], or its products with
        `project_output_onto` in place of d_model.
        """
        written = take(self._W_out(layer), neuron_slice, 0)
        # The position axis goes first: a single one drops it, and the neurons are then still last.
        post = take(take(self[Site("post", layer).path], pos_slice, -2), neuron_slice, -1)
        post = post / self._scale_behind("mlp_out", layer, pos_slice)
        if project_output_onto is not None:
            written = written @ project_output_onto
            if project_output_onto.ndim == 1:
                return post * written
        return post.unsqueeze(-1) * written

    def _W_out(self, layer: int) -> Float[Tensor, "d_mlp d_model"]:
        """What each neuron writes, but for the scale of a norm behind. Raises SiteError where there is no one list."""
        W_out = block_weights(self.model.weights, layer).W_out
        if W_out is None:
            raise SiteError(f"{self.config.model_name} has no MLP, so no neurons")
        if self.config.n_experts is not None:
            raise SiteError(
                f"the neurons of {self.config.model_name} belong to {self.config.n_experts} experts, each of which "
                "fires for its own tokens only: take MLPs whole (mlp_out; expand_neurons=False)"
            )
        return linear_behind(self.config, self._behind("mlp_out", layer), W_out)

    def stack_neuron_results(
        self,
        layer: int | None,
        pos_slice: SliceInput = None,
        neuron_slice: SliceInput = None,
        return_labels: bool = False,
        incl_remainder: bool = False,
        apply_ln: bool = False,
        project_output_onto: Float[Tensor, "d_model *outputs"] | None = None,
    ) -> Tensor | tuple[Tensor, Labels]:
        """What each neuron wrote to the stream before `layer`: [neuron of all layers, batch, pos, d_model].

        Labels: L0N0, L0N1, …; the rest as in `stack_head_results`. With `project_output_onto` ([d_model] or
        [d_model, outputs]) the products with it are made before neurons are spread over d_model.
        """
        if self.config.d_mlp is None:
            raise SiteError(f"{self.config.model_name} has no MLP, so no neurons")
        end, onto = self._end(layer), project_output_onto
        stack, labels = self._neurons(end, False, pos_slice, apply_ln, onto, neuron_slice)
        if incl_remainder:
            whole = self._entering(end, pos_slice)
            if apply_ln:
                whole = self.apply_ln_to_stack(whole[None], end, pos_slice=pos_slice)[0]
            whole = whole if onto is None else whole @ onto
            stack = torch.cat((stack, (whole - stack.sum(0))[None]))
            labels.append("remainder")
        return (stack, labels) if return_labels else stack

    def _neurons(
        self,
        end: int,
        mlp_input: bool,
        pos_slice: SliceInput,
        apply_ln: bool,
        onto: Tensor | None,
        neuron_slice: SliceInput = None,
    ) -> tuple[Tensor, Labels]:
        """Each neuron's write before layer `end`, through the norm there if `apply_ln`, times `onto` if given."""
        assert self.config.d_mlp is not None
        picked = plain(neuron_slice)
        picked = [picked] if isinstance(picked, int) else picked
        numbers = take(torch.arange(self.config.d_mlp), picked, 0).tolist()
        parts: list[Tensor] = []
        for at in range(end):
            # Norm and projection are linear, so they are done to what a neuron writes, once, and not to each write.
            written = take(self._W_out(at), picked, 0)
            post = take(take(self[Site("post", at).path], pos_slice, -2), picked, -1)
            post = post / self._scale_behind("mlp_out", at, pos_slice)
            if apply_ln and self._reads_a_norm(end):
                written = self._read_by_norm(written, end, mlp_input)
                post = post / self._scale(end, mlp_input, pos_slice)
            written = written if onto is None else written @ onto
            post = post.movedim(-1, 0)
            # [neuron, batch, pos] times [neuron, (d_model or outputs)]
            spread = written.reshape(len(written), *(1,) * (post.ndim - 1), *written.shape[1:])
            parts.append(post.reshape(*post.shape, *(1,) * (written.ndim - 1)) * spread)
        labels = [f"L{at}N{number}" for at in range(end) for number in numbers]
        if parts:
            return torch.cat(parts), labels
        like = self._stream("embed", None, pos_slice)
        like = like if onto is None else like @ onto
        return like.new_zeros((0, *like.shape)), labels

    def get_full_resid_decomposition(
        self,
        layer: int | None = None,
        mlp_input: bool = False,
        expand_neurons: bool = True,
        apply_ln: bool = False,
        pos_slice: SliceInput = None,
        return_labels: bool = False,
        project_output_onto: Float[Tensor, "d_model *outputs"] | None = None,
    ) -> Tensor | tuple[Tensor, Labels]:
        """Everything that was written to the stream before `layer`, in its smallest parts; they sum to it.

        Heads (L0H0, …), neurons (L0N0, …; or MLPs whole, 0_mlp_out, if not `expand_neurons`), embed, pos_embed where
        the stream holds it, and bias, what attention and MLPs add whatever they read. `project_output_onto` as in
        `stack_neuron_results`.
        """
        end, onto = self._end(layer), project_output_onto
        # Behind the attention of `layer`, its heads have written too; its neurons have not.
        heads, labels = self.stack_head_results(end + mlp_input, True, pos_slice=pos_slice)
        stacks, labels = [heads], list(labels)
        if not expand_neurons and not self.config.attn_only and end:
            mlps, names = self.decompose_resid(
                end, mode="mlp", pos_slice=pos_slice, incl_embeds=False, return_labels=True
            )
            stacks, labels = [*stacks, mlps], labels + names
        tail = self.writers(0)
        stacks += [self._stream(site.name, None, pos_slice)[None] for _, site in tail]
        stacks.append(self._biases(stacks[-1][0], end, mlp_input, expand_neurons, pos_slice)[None])
        parts = torch.cat(stacks)
        if apply_ln:
            parts = self.apply_ln_to_stack(parts, end, mlp_input=mlp_input, pos_slice=pos_slice)
        if onto is not None:
            parts = parts @ onto
        ends = [label for label, _ in tail] + ["bias"]
        if expand_neurons and not self.config.attn_only:
            neurons, names = self._neurons(end, mlp_input, pos_slice, apply_ln, onto)
            parts = torch.cat((parts[: len(labels)], neurons, parts[len(labels) :]))
            labels = labels + names
        labels += ends
        return (parts, labels) if return_labels else parts

    def _biases(
        self, like: Tensor, end: int, mlp_input: bool, include_mlp_biases: bool, pos_slice: SliceInput
    ) -> Tensor:
        """What attention and MLPs have added to the stream before layer `end` whatever they read."""
        total = torch.zeros_like(like)
        for at in range(end + mlp_input):
            w = block_weights(self.model.weights, at)
            written = {"attn_out": w.b_O, "mlp_out": w.b_out if include_mlp_biases and at < end else None}
            for name, b in written.items():
                total = total if b is None else total + self.as_written(b, name, at, pos_slice)
        return total

    def _reads_a_norm(self, end: int) -> bool:
        """Whether what is read before layer `end` passes a norm: the last one, or one before attention and MLP."""
        return norms_before(self.config) or (end == self.config.n_layers and norms_behind(self.config))

    def apply_ln_to_stack(
        self,
        residual_stack: Float[Tensor, "component *batch_and_pos d_model"],
        layer: int | None = None,
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
        if self.has_batch_dim and has_batch_dim:
            residual_stack = take(residual_stack, batch_slice, 1)
        end = self._end(layer)
        if not self._reads_a_norm(end):
            return residual_stack
        if recompute_ln and end == self.config.n_layers:
            w, b = (single(self.model.weights, f"ln_final_{kind}") for kind in "wb")
            return norm(self.config, w, b, "ln_final", None, residual_stack, NO_TAP)
        taken = batch_slice if has_batch_dim else None
        return self._read_by_norm(residual_stack, end, mlp_input) / self._scale(end, mlp_input, pos_slice, taken)

    def _norm_before(self, end: int, mlp_input: bool) -> str:
        return "ln_final" if end == self.config.n_layers else ("ln2" if mlp_input else "ln1")

    def _scale(self, end: int, mlp_input: bool, pos_slice: SliceInput, batch_slice: SliceInput = None) -> Tensor:
        """What the norm before layer `end` divided by in this run."""
        name = self._norm_before(end, mlp_input)
        scale = take(self[Site(f"{name}.scale", None if name == "ln_final" else end).path], pos_slice, -2)
        return take(scale, batch_slice, 0) if self.has_batch_dim else scale

    def _read_by_norm(self, x: Tensor, end: int, mlp_input: bool) -> Tensor:
        """(x − mean(x)) · w of the norm before layer `end`; RMSNorm takes no mean out."""
        name = self._norm_before(end, mlp_input)
        if name == "ln_final":
            w = single(self.model.weights, "ln_final_w")
        else:
            w = getattr(block_weights(self.model.weights, end), f"{name}_w")
        return linear_norm(self.config, w, x)

    def logit_attrs(
        self,
        residual_stack: Float[Tensor, "component *batch_and_pos d_model"],
        tokens: int | str | Int[Tensor, "..."],
        incorrect_tokens: int | str | Int[Tensor, "..."] | None = None,
        pos_slice: SliceInput = None,
        batch_slice: SliceInput = None,
        has_batch_dim: bool = True,
    ) -> Float[Tensor, "component *batch_and_pos_taken"]:
        """Each part's share of the logit of `tokens` (minus that of `incorrect_tokens`): normed as in this run, · W_U.

        Logits before their cap, where the model caps them; times `logit_scale`, where it scales them.

        `tokens`: one for all, one an example [batch], or one a position [batch, pos].
        """
        W_U = unembedding(self.model.weights)
        ids = self._ids(tokens, W_U.device)
        direction = W_U.T[ids]
        if incorrect_tokens is not None:
            others = self._ids(incorrect_tokens, W_U.device)
            if others.shape != ids.shape:
                raise SiteError(
                    f"tokens are {list(ids.shape)} and incorrect_tokens {list(others.shape)}; they must agree"
                )
            direction = direction - W_U.T[others]
        normed = self.apply_ln_to_stack(
            residual_stack, None, pos_slice=pos_slice, batch_slice=batch_slice, has_batch_dim=has_batch_dim
        )
        if direction.ndim == 2 and normed.ndim == 4:
            direction = direction.unsqueeze(1)
        return (normed * direction).sum(-1) * self.config.logit_scale

    def _ids(self, tokens: int | str | Tensor, device: torch.device) -> Tensor:
        if isinstance(tokens, str):
            to_single_token = getattr(self.model, "to_single_token", None)
            if to_single_token is None:
                raise SiteError(f"{tokens!r} is text, and this cache's model has no tokenizer: give token ids")
            tokens = int(to_single_token(tokens))
        return torch.as_tensor(tokens, device=device)


def accumulated_bias(
    config: ModelConfig, weights: Weights, layer: int, mlp_input: bool = False, include_mlp_biases: bool = True
) -> Float[Tensor, " d_model"]:
    """What biases of attention and MLPs have written to the stream before `layer` (behind its attention, if
    `mlp_input`). Raises SiteError for a layer that is not there, or where a norm scales them in each run anew.
    """
    n = config.n_layers
    if not 0 <= layer <= n or (mlp_input and layer == n):
        raise SiteError(f"biases before layer {layer} were asked of {config.model_name}, which has {n} layers")
    if norms_behind(config) and config.biases & {"b_O", "b_out"}:
        raise SiteError(
            f"{config.model_name} has norms behind attention and MLP, so what their biases write differs from run to "
            'run: see "bias" in get_full_resid_decomposition of a cache'
        )
    total = embedding(weights).new_zeros(config.d_model)
    for at in range(layer + mlp_input):
        w = block_weights(weights, at)
        total = total if w.b_O is None else total + w.b_O
        total = total if w.b_out is None or at == layer or not include_mlp_biases else total + w.b_out
    return total
