"""Who wrote what into the residual stream: one run taken apart into the writes of embeddings, heads, MLPs and neurons.

Pure functions of a `Run`. The parts sum to the stream; with the scales of that run, they still do after a norm.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..config import ModelConfig
from ..errors import SiteError
from .linearize import linear_after, linear_norm, norms_after, norms_before
from .sites import Site
from .slicing import SliceInput, plain, take
from .taps import NO_TAP
from .transformer import norm
from .weights import Weights, block_weights, embedding, unembedding, unlayered

Labels = list[str]


class Run(NamedTuple):
    """One forward pass, as it is read here."""

    config: ModelConfig
    weights: Weights
    activations: Mapping[str, Tensor]
    """By hook name; raises SiteError for one that was not kept."""
    has_batch_dim: bool = True


class Components(NamedTuple):
    """What was written, [component, batch, pos, d_model], and the name of each component."""

    stack: Tensor
    labels: Labels


def _beside(run: Run, onto: Tensor | None) -> Tensor | None:
    """`onto` where the run's weights are read."""
    return None if onto is None else onto.to(embedding(run.weights).device)


def count_layers(config: ModelConfig, layer: int | None) -> int:
    """The number of blocks before `layer`: None and -1 mean all of them. Raises SiteError for a layer not there."""
    n = config.n_layers
    if layer is None or layer == -1:
        return n
    if not 0 <= layer <= n:
        raise SiteError(f"layer {layer} asked of {config.model_name}, which has {n} (0 to {n})")
    return layer


def writers(
    config: ModelConfig, layer: int | None = None, mlp_input: bool = False, incl_embeds: bool = True
) -> list[tuple[str, Site]]:
    """(label, site) of everything that writes to the stream before `layer`, in order."""
    found: list[tuple[str, Site]] = []
    if incl_embeds:
        found.append(("embed", Site("embed")))
        # Shortformer and rotary positions never enter the stream.
        if config.positional_embedding_type in ("standard", "sinusoidal"):
            found.append(("pos_embed", Site("pos_embed")))
    end = count_layers(config, layer)
    for at in range(end):
        found.append((f"{at}_attn_out", Site("attn_out", at)))
        if not config.attn_only:
            found.append((f"{at}_mlp_out", Site("mlp_out", at)))
    if mlp_input:
        found.append((f"{end}_attn_out", Site("attn_out", end)))
    return found


def accumulated_resid(
    run: Run,
    layer: int | None = None,
    incl_mid: bool = False,
    apply_ln: bool = False,
    pos_slice: SliceInput = None,
    mlp_input: bool = False,
) -> Components:
    """The stream as it stood before each layer up to `layer`: [component, batch, pos, d_model].

    Labels: 0_pre, (0_mid,) 1_pre, …, final_post. With the unembedding this is the logit lens: with `apply_ln` each
    goes through the last norm as if it were the last, or through the norm before `layer` as that scaled this run.
    """
    end = count_layers(run.config, layer)
    wanted: list[tuple[str, Site]] = []
    for at in range(end + 1):
        if at == run.config.n_layers:
            wanted.append(("final_post", Site("resid_post", at - 1) if at else _start(run.config)))
            continue
        wanted.append((f"{at}_pre", Site("resid_pre", at)))
        if (incl_mid and at < end) or (mlp_input and at == end):
            wanted.append((f"{at}_mid", Site("resid_mid", at)))
    parts = [_stream(run, site.name, site.layer, pos_slice) for _, site in wanted]
    labels = [label for label, _ in wanted]
    if apply_ln and end == run.config.n_layers:
        stack = apply_ln_to_stack(run, torch.stack(parts), recompute_ln=True)
        return Components(stack, labels)
    return _finish(run, parts, labels, end, mlp_input, apply_ln, pos_slice)


def decompose_resid(
    run: Run,
    layer: int | None = None,
    mlp_input: bool = False,
    mode: str = "all",
    apply_ln: bool = False,
    pos_slice: SliceInput = None,
    incl_embeds: bool = True,
) -> Components:
    """What each part wrote to the stream before `layer`: [component, batch, pos, d_model]; they sum to it.

    Labels: embed, pos_embed, 0_attn_out, 0_mlp_out, …; `mode` "attn" or "mlp" keeps only those layers' writes.
    """
    if mode not in ("all", "attn", "mlp"):
        raise SiteError(f"mode is {mode!r}; known are 'all', 'attn' and 'mlp'")
    found = writers(run.config, layer, mlp_input, incl_embeds)
    found = [
        (label, site) for label, site in found if mode == "all" or site.name in ("embed", "pos_embed", f"{mode}_out")
    ]
    parts = [_stream(run, site.name, site.layer, pos_slice) for _, site in found]
    labels = [label for label, _ in found]
    return _finish(run, parts, labels, count_layers(run.config, layer), mlp_input, apply_ln, pos_slice)


def stack_head_results(
    run: Run,
    layer: int = -1,
    incl_remainder: bool = False,
    pos_slice: SliceInput = None,
    apply_ln: bool = False,
) -> Components:
    """What each head wrote to the stream before `layer`: [head of all layers, batch, pos, d_model].

    Labels: L0H0, L0H1, …; `incl_remainder` adds everything else that is in the stream there, so that all sum to it.
    """
    end = count_layers(run.config, layer)
    parts: list[Tensor] = []
    labels: Labels = []
    for at in range(end):
        # Slice z before it is spread over d_model: the product is the large part.
        z = take(run.activations[Site("z", at).path], pos_slice, -3)
        result = torch.einsum("...he,hed->h...d", z, block_weights(run.weights, at).W_O)
        parts += list(as_written(run, result, "attn_out", at, pos_slice))
        labels += [f"L{at}H{head}" for head in range(run.config.n_heads)]
    if incl_remainder:
        parts.append(_entering(run, end, pos_slice) - sum(parts))
        labels.append("remainder")
    if not parts:
        like = _stream(run, "embed", None, pos_slice)
        empty = like.new_zeros((0, *like.shape))
        return Components(empty, labels)
    return _finish(run, parts, labels, end, False, apply_ln, pos_slice)


def stack_neuron_results(
    run: Run,
    layer: int | None,
    pos_slice: SliceInput = None,
    neuron_slice: SliceInput = None,
    incl_remainder: bool = False,
    apply_ln: bool = False,
    project_output_onto: Float[Tensor, "d_model *outputs"] | None = None,
) -> Components:
    """What each neuron wrote to the stream before `layer`: [neuron of all layers, batch, pos, d_model].

    Labels: L0N0, L0N1, …; the rest as in `stack_head_results`. With `project_output_onto` ([d_model] or
    [d_model, outputs]) the products with it are made before neurons are spread over d_model.
    """
    if run.config.d_mlp is None:
        raise SiteError(f"{run.config.model_name} has no MLP, so no neurons")
    end, onto = count_layers(run.config, layer), _beside(run, project_output_onto)
    stack, labels = _neurons(run, end, False, pos_slice, apply_ln, onto, neuron_slice)
    if incl_remainder:
        whole = _entering(run, end, pos_slice)
        if apply_ln:
            whole = apply_ln_to_stack(run, whole[None], end, pos_slice=pos_slice)[0]
        whole = whole if onto is None else whole @ onto
        stack = torch.cat((stack, (whole - stack.sum(0))[None]))
        labels.append("remainder")
    return Components(stack, labels)


def get_full_resid_decomposition(
    run: Run,
    layer: int | None = None,
    mlp_input: bool = False,
    expand_neurons: bool = True,
    apply_ln: bool = False,
    pos_slice: SliceInput = None,
    project_output_onto: Float[Tensor, "d_model *outputs"] | None = None,
) -> Components:
    """Everything that was written to the stream before `layer`, in its smallest parts; they sum to it.

    Heads (L0H0, …), neurons (L0N0, …; or MLPs whole, 0_mlp_out, if not `expand_neurons`), embed, pos_embed where
    the stream holds it, and bias, what attention and MLPs add whatever they read. `project_output_onto` as in
    `stack_neuron_results`.
    """
    end, onto = count_layers(run.config, layer), _beside(run, project_output_onto)
    # Behind the attention of `layer`, its heads have written too; its neurons have not.
    heads, labels = stack_head_results(run, end + mlp_input, pos_slice=pos_slice)
    stacks, labels = [heads], list(labels)
    if not expand_neurons and not run.config.attn_only and end:
        mlps, names = decompose_resid(run, end, mode="mlp", pos_slice=pos_slice, incl_embeds=False)
        stacks, labels = [*stacks, mlps], labels + names
    tail = writers(run.config, 0)
    stacks += [_stream(run, site.name, None, pos_slice)[None] for _, site in tail]
    stacks.append(_biases(run, stacks[-1][0], end, mlp_input, expand_neurons, pos_slice)[None])
    parts = torch.cat(stacks)
    if apply_ln:
        parts = apply_ln_to_stack(run, parts, end, mlp_input=mlp_input, pos_slice=pos_slice)
    if onto is not None:
        parts = parts @ onto
    ends = [label for label, _ in tail] + ["bias"]
    if expand_neurons and not run.config.attn_only:
        neurons, names = _neurons(run, end, mlp_input, pos_slice, apply_ln, onto)
        parts = torch.cat((parts[: len(labels)], neurons, parts[len(labels) :]))
        labels = labels + names
    labels += ends
    return Components(parts, labels)


def get_neuron_results(
    run: Run,
    layer: int,
    neuron_slice: SliceInput = None,
    pos_slice: SliceInput = None,
    project_output_onto: Float[Tensor, "d_model *outputs"] | None = None,
) -> Tensor:
    """What each neuron of one layer wrote to the stream: [batch, pos, neuron, d_model], or its products with
    `project_output_onto` in place of d_model.
    """
    written = take(_W_out(run, layer), neuron_slice, 0)
    # The position axis goes first: a single one drops it, and the neurons are then still last.
    post = take(take(run.activations[Site("post", layer).path], pos_slice, -2), neuron_slice, -1)
    post = post / _scale_after(run, "mlp_out", layer, pos_slice)
    if project_output_onto is not None:
        project_output_onto = project_output_onto.to(written.device)
        written = written @ project_output_onto
        if project_output_onto.ndim == 1:
            return post * written
    return post.unsqueeze(-1) * written


def as_written(
    run: Run,
    part: Float[Tensor, "*component_batch_and_pos d_model"],
    name: str,
    layer: int,
    pos_slice: SliceInput = None,
) -> Float[Tensor, "*written d_model"]:
    """What a part of the output of attention (`name` "attn_out") or of the MLP ("mlp_out") added to the stream.

    Behind a norm: (part − mean(part)) / scale · w, its scale as in this run, so that parts sum to the whole.
    """
    return linear_after(run.config, _norm_after_weight(run, name, layer), part) / _scale_after(
        run, name, layer, pos_slice
    )


def apply_ln_to_stack(
    run: Run,
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
    if run.has_batch_dim and has_batch_dim:
        residual_stack = take(residual_stack, batch_slice, 1)
    end = count_layers(run.config, layer)
    if not _reads_a_norm(run.config, end):
        return residual_stack
    if recompute_ln and end == run.config.n_layers:
        w, b = (unlayered(run.weights, f"ln_final_{kind}") for kind in "wb")
        return norm(run.config, w, b, "ln_final", None, residual_stack, NO_TAP)
    taken = batch_slice if has_batch_dim else None
    return _read_by_norm(run, residual_stack, end, mlp_input) / _scale(run, end, mlp_input, pos_slice, taken)


def logit_attrs(
    run: Run,
    residual_stack: Float[Tensor, "component *batch_and_pos d_model"],
    tokens: Int[Tensor, "..."],
    incorrect_tokens: Int[Tensor, "..."] | None = None,
    pos_slice: SliceInput = None,
    batch_slice: SliceInput = None,
    has_batch_dim: bool = True,
) -> Float[Tensor, "component *batch_and_pos_taken"]:
    """Each part's share of the logit of `tokens` (minus that of `incorrect_tokens`): normed as in this run, · W_U.

    Logits before their cap, where the model caps them; times `logit_scale`, where it scales them.

    `tokens`: one for all, one an example [batch], or one a position [batch, pos].
    """
    W_U = unembedding(run.weights)

    def directions(ids: Tensor) -> Tensor:
        return W_U.T.index_select(0, ids.reshape(-1)).view(*ids.shape, -1)

    direction = directions(tokens)
    if incorrect_tokens is not None:
        if incorrect_tokens.shape != tokens.shape:
            raise SiteError(
                f"tokens are {list(tokens.shape)} and incorrect_tokens {list(incorrect_tokens.shape)}; they must agree"
            )
        direction = direction - directions(incorrect_tokens)
    normed = apply_ln_to_stack(
        run, residual_stack, None, pos_slice=pos_slice, batch_slice=batch_slice, has_batch_dim=has_batch_dim
    )
    if direction.ndim == 2 and normed.ndim == 4:
        direction = direction.unsqueeze(1)
    return (normed * direction).sum(-1) * run.config.logit_scale


def accumulated_bias(
    config: ModelConfig, weights: Weights, layer: int, mlp_input: bool = False, include_mlp_biases: bool = True
) -> Float[Tensor, " d_model"]:
    """What biases of attention and MLPs have written to the stream before `layer` (after its attention, if
    `mlp_input`). Raises SiteError for a layer that is not there, or where a norm scales them differently in each run.
    """
    n = config.n_layers
    if not 0 <= layer <= n or (mlp_input and layer == n):
        raise SiteError(f"biases before layer {layer} were asked of {config.model_name}, which has {n} layers")
    if norms_after(config) and config.biases & {"b_O", "b_out"}:
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


def _stream(run: Run, name: str, layer: int | None, pos_slice: SliceInput) -> Tensor:
    return take(run.activations[Site(name, layer).path], pos_slice, -2)


def _entering(run: Run, end: int, pos_slice: SliceInput) -> Tensor:
    """The stream before layer `end`."""
    if end < run.config.n_layers:
        return _stream(run, "resid_pre", end, pos_slice)
    site = Site("resid_post", end - 1) if end else _start(run.config)
    return _stream(run, site.name, site.layer, pos_slice)


def _start(config: ModelConfig) -> Site:
    if config.positional_embedding_type in ("standard", "sinusoidal"):
        raise SiteError("a model without blocks has no stored stream after its positions; add embed and pos_embed")
    return Site("embed")


def _finish(
    run: Run,
    parts: list[Tensor],
    labels: Labels,
    layer: int,
    mlp_input: bool,
    apply_ln: bool,
    pos_slice: SliceInput,
) -> Components:
    stack = torch.stack(parts)
    if apply_ln:
        stack = apply_ln_to_stack(run, stack, layer, mlp_input=mlp_input, pos_slice=pos_slice)
    return Components(stack, labels)


def _norm_after_weight(run: Run, name: str, layer: int) -> Tensor | None:
    w = block_weights(run.weights, layer)
    return w.ln1_post_w if name == "attn_out" else w.ln2_post_w


def _scale_after(run: Run, name: str, layer: int, pos_slice: SliceInput) -> Tensor | float:
    """What the norm after attention or MLP divided by in this run; 1 where there is none."""
    if not norms_after(run.config):
        return 1.0
    return take(
        run.activations[Site(f"{'ln1' if name == 'attn_out' else 'ln2'}_post.scale", layer).path], pos_slice, -2
    )


def _W_out(run: Run, layer: int) -> Float[Tensor, "d_mlp d_model"]:
    """What each neuron writes, but for the scale of a norm after it. Raises SiteError where there is no one list."""
    W_out = block_weights(run.weights, layer).W_out
    if W_out is None:
        raise SiteError(f"{run.config.model_name} has no MLP, so no neurons")
    if run.config.routed(layer):
        raise SiteError(
            f"the neurons of layer {layer} of {run.config.model_name} belong to {run.config.n_experts} experts, each "
            "of which fires for its own tokens only: take MLPs whole (mlp_out; expand_neurons=False)"
        )
    return linear_after(run.config, _norm_after_weight(run, "mlp_out", layer), W_out)


def _neurons(
    run: Run,
    end: int,
    mlp_input: bool,
    pos_slice: SliceInput,
    apply_ln: bool,
    onto: Tensor | None,
    neuron_slice: SliceInput = None,
) -> tuple[Tensor, Labels]:
    """Each neuron's write before layer `end`, through the norm there if `apply_ln`, times `onto` if given."""
    picked = plain(neuron_slice)
    picked = [picked] if isinstance(picked, int) else picked
    parts: list[Tensor] = []
    labels: Labels = []
    for at in range(end):
        # Norm and projection are linear, so they are done to what a neuron writes, once, and not to each write.
        written = _W_out(run, at)
        labels += [f"L{at}N{number}" for number in take(torch.arange(len(written)), picked, 0).tolist()]
        written = take(written, picked, 0)
        post = take(take(run.activations[Site("post", at).path], pos_slice, -2), picked, -1)
        post = post / _scale_after(run, "mlp_out", at, pos_slice)
        if apply_ln and _reads_a_norm(run.config, end):
            written = _read_by_norm(run, written, end, mlp_input)
            post = post / _scale(run, end, mlp_input, pos_slice)
        written = written if onto is None else written @ onto
        post = post.movedim(-1, 0)
        # [neuron, batch, pos] times [neuron, (d_model or outputs)]
        spread = written.reshape(len(written), *(1,) * (post.ndim - 1), *written.shape[1:])
        parts.append(post.reshape(*post.shape, *(1,) * (written.ndim - 1)) * spread)
    if parts:
        return torch.cat(parts), labels
    like = _stream(run, "embed", None, pos_slice)
    like = like if onto is None else like @ onto
    return like.new_zeros((0, *like.shape)), labels


def _biases(
    run: Run, like: Tensor, end: int, mlp_input: bool, include_mlp_biases: bool, pos_slice: SliceInput
) -> Tensor:
    """What attention and MLPs have added to the stream before layer `end` whatever they read."""
    total = torch.zeros_like(like)
    for at in range(end + mlp_input):
        w = block_weights(run.weights, at)
        written = {"attn_out": w.b_O, "mlp_out": w.b_out if include_mlp_biases and at < end else None}
        for name, b in written.items():
            total = total if b is None else total + as_written(run, b, name, at, pos_slice)
    return total


def _reads_a_norm(config: ModelConfig, end: int) -> bool:
    """Whether what is read before layer `end` passes a norm: the last one, or one before attention and MLP."""
    return norms_before(config) or (end == config.n_layers and norms_after(config))


def _norm_before(config: ModelConfig, end: int, mlp_input: bool) -> str:
    return "ln_final" if end == config.n_layers else ("ln2" if mlp_input else "ln1")


def _scale(run: Run, end: int, mlp_input: bool, pos_slice: SliceInput, batch_slice: SliceInput = None) -> Tensor:
    """What the norm before layer `end` divided by in this run."""
    name = _norm_before(run.config, end, mlp_input)
    scale = take(run.activations[Site(f"{name}.scale", None if name == "ln_final" else end).path], pos_slice, -2)
    return take(scale, batch_slice, 0) if run.has_batch_dim else scale


def _read_by_norm(run: Run, x: Tensor, end: int, mlp_input: bool) -> Tensor:
    """(x − mean(x)) · w of the norm before layer `end`; RMSNorm takes no mean out."""
    name = _norm_before(run.config, end, mlp_input)
    if name == "ln_final":
        w = unlayered(run.weights, "ln_final_w")
    else:
        w = getattr(block_weights(run.weights, end), f"{name}_w")
    return linear_norm(run.config, w, x)
