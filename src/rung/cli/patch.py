"""`rung patch`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, get_args

import typer

from .options import (
    Dask,
    Device,
    Dtype,
    Json,
    Model,
    Quiet,
    Ray,
    Shard,
    Sharing,
    Slurm,
    Store,
    Threads,
    Workers,
    check_finite,
    open_model,
    print_json,
)
from .progress import progress_bar
from .worker import show_unfinished

if TYPE_CHECKING:
    import torch


def patch(
    model: Model,
    clean: Annotated[str, typer.Option(metavar="TEXT", help="The text whose activations are put in.")],
    corrupted: Annotated[str, typer.Option(metavar="TEXT", help="The text that the model reads; as many tokens.")],
    answer: Annotated[str, typer.Option(metavar="TOKEN", help="The clean text's next token, with its space.")],
    other: Annotated[str, typer.Option(metavar="TOKEN", help="The corrupted text's next token, with its space.")],
    site: Annotated[
        str,
        typer.Option(
            metavar="SITE",
            help="The stream (resid_pre, resid_mid), a layer's output (attn_out, mlp_out), or z, q, k, v or pattern of "
            "each head.",
        ),
    ] = "resid_pre",
    by: Annotated[
        str, typer.Option(metavar="AXIS", help="For heads: at all positions (head), or at each (position).")
    ] = "head",
    store: Store = None,
    shard: Shard = None,
    workers: Workers = None,
    dask: Dask = None,
    ray: Ray = None,
    slurm: Slurm = None,
    device: Device = "cpu",
    dtype: Dtype = "float32",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Where is the difference between two prompts carried?

    \b
    Example
      rung patch gpt2 --clean "The capital of France is" --answer " Paris"
        --corrupted "The capital of Italy is" --other " Rome" --site resid_pre

    \b
    How to read it: the model reads the corrupted text, and one activation at
    a time is taken from the clean one; the difference of the two answers'
    logits at the last position moves
      0 %       not at all
      100 %     all the way to what it is on the clean text: that activation,
                alone, is enough there

    What is enough on one pair of prompts is causal evidence about that pair. Try others before saying more.
    """
    import torch

    from ..errors import InterventionError
    from ..methods.grids import HeadSite, StreamSite, patch_heads, patch_stream
    from ..tasks.metrics import logit_difference
    from ..views.sweeps import Patched, patching_view
    from ..views.terminal import show

    sites = (*get_args(StreamSite), *get_args(HeadSite))
    if site not in sites:
        raise InterventionError(f"the site {site!r} was to be patched; known are {', '.join(sites)}")
    sharing = Sharing(store, shard, workers, dask, ray, slurm)
    sharing.check()
    opened = open_model(model, device, dtype, threads)
    source, tokens = (opened.to_tokens(text, truncate=False) for text in (clean, corrupted))
    _check_pair(source, tokens)
    right, wrong = (torch.tensor([opened.to_single_token(token)]) for token in (answer, other))
    metric = logit_difference(right, wrong)
    with progress_bar("patches", quiet) as progress, sharing.options(progress) as options:
        if site in get_args(StreamSite):
            grid = patch_stream(opened, tokens, source, metric, site, **options)  # type: ignore[arg-type]
        else:
            grid = patch_heads(opened, tokens, source, metric, site, by, **options)  # type: ignore[arg-type]
    if show_unfinished(grid.result, store, as_json):
        return
    check_finite(dtype, grid.result.clean, grid.result.edited)
    with torch.no_grad():
        on_clean, on_corrupted = float(metric(opened(source), source)), float(grid.result.clean)
    if as_json:
        plain = {"clean": on_clean, "corrupted": on_corrupted, "tokens": [source[0].tolist(), tokens[0].tolist()]}
        print_json("patch", {"model": opened.config.model_name, "runs": plain, **grid.to_dict()})
        return
    texts = [opened.token_text(token) for token in tokens[0].tolist()]
    said = Patched((clean, corrupted), (answer, other), (on_clean, on_corrupted), texts)
    show(lambda width: patching_view(opened.config.model_name, site, said, grid, width))


def _check_pair(clean: torch.Tensor, corrupted: torch.Tensor) -> None:
    from ..errors import PromptError

    if clean.shape != corrupted.shape:
        raise PromptError(
            f"the clean text has {clean.shape[1]} tokens and the corrupted one {corrupted.shape[1]}; each position is "
            "patched from the same position, so they must be as long"
        )
    if bool((clean == corrupted).all()):
        raise PromptError("the clean and the corrupted text are the same, so there is no difference to be carried")
