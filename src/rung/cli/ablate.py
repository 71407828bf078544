"""`rung ablate`."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import (
    Dask,
    Device,
    Dtype,
    Json,
    Model,
    Period,
    Quiet,
    Ray,
    Seed,
    Sequences,
    Shard,
    Sharing,
    Slurm,
    Store,
    Threads,
    Workers,
    check_finite,
    open_model,
    parse_head,
    print_json,
)
from .progress import progress_bar
from .worker import show_unfinished

PUTS = ("zero", "mean", "resample")


def ablate(
    model: Model,
    put: Annotated[
        str, typer.Option("--by", metavar="VALUE", help=f"What replaces a head's output: {', '.join(PUTS)}.")
    ] = "mean",
    heads: Annotated[
        str | None,
        typer.Option(metavar="LAYER.HEAD,…", help="Ablate these heads together.  [default: every head by itself]"),
    ] = None,
    period: Period = None,
    sequences: Sequences = 16,
    seed: Seed = 0,
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
    """Which attention heads does the prediction of repeated random tokens need?

    \b
    Example
      rung ablate two-layer --by resample
      rung ablate two-layer --heads 0.3,1.0

    \b
    How to read it: the change of the second copy's loss, in nats a token, when
    a head's output is replaced
      zero        by zero: a stress test, for no run of the model has it
      mean        by its mean over other sequences, at each position
      resample    by what it is on 8 other sequences, logits averaged

    A large change says that the model relies on the head on this task, not what for. A small one does not say that the
    head is idle: others may take over.
    """
    from ..errors import InterventionError
    from ..methods.grids import ablate_each_head
    from ..methods.interventions import Mean, Resample, Zero
    from ..methods.sweep import ablate_heads
    from ..tasks.builtin import repeated_tokens
    from ..tasks.metrics import next_token_loss
    from ..views.results import described
    from ..views.sweeps import ablation_view, joint_view
    from ..views.terminal import show

    if put not in PUTS:
        raise InterventionError(f"a head's output was to be replaced by {put!r}; known are {', '.join(PUTS)}")
    sharing = Sharing(store, shard, workers, dask, ray, slurm)
    sharing.check()
    if heads is not None:
        sharing.check_unused("--heads are ablated together, in one run: there is nothing to keep or share out")
    opened = open_model(model, device, dtype, threads)
    task = repeated_tokens(opened, period=period, sequences=sequences, seed=seed)
    others = repeated_tokens(opened, period=task.period, sequences=max(sequences, 8), seed=seed + 1).tokens
    value = Zero() if put == "zero" else Mean(others) if put == "mean" else Resample(others, seed=seed)
    metric = next_token_loss(task.predictable)
    if heads is not None:
        chosen = [parse_head(opened, spelled.strip()) for spelled in heads.split(",")]
        effect = ablate_heads(opened, task.tokens, chosen, value, metric)
        check_finite(dtype, effect.clean, effect.edited)
        if as_json:
            print_json("ablate-heads", {"model": opened.config.model_name, "task": task.to_dict(), **effect.to_dict()})
            return
        show(lambda width: joint_view(opened.config.model_name, described(task), effect))
        return
    with progress_bar("heads", quiet) as progress, sharing.options(progress) as options:
        grid = ablate_each_head(opened, task, metric, value, **options)
    if show_unfinished(grid.result, store, as_json):
        return
    check_finite(dtype, grid.result.clean, grid.result.edited)
    if as_json:
        print_json("ablate", {"model": opened.config.model_name, "task": task.to_dict(), **grid.to_dict()})
        return
    show(lambda width: ablation_view(opened.config.model_name, described(task), str(value), grid, width))
