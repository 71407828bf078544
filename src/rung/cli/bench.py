"""`rung bench`: what the ladder is worth, measured."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .exits import Commands
from .options import Json, Quiet, Workers, print_json
from .progress import progress_bar
from .worker import stopped_in_order

app = typer.Typer(
    cls=Commands, rich_markup_mode=None, no_args_is_help=True, help="Measure how far a verdict can be trusted."
)


@app.callback()
def bench() -> None:
    """Measure how far a verdict can be trusted."""


@app.command(short_help="How often is a verdict above, or below, what is true?")
def soundness(
    seeds: Annotated[int, typer.Option(metavar="N", min=1, help="Models of each kind and architecture.")] = 30,
    quick: Annotated[
        bool, typer.Option("--quick", help="One model of each kind, in one of its architectures: minutes.")
    ] = False,
    store: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep every result here; the same command resumes, others may help."),
    ] = None,
    workers: Workers = None,
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Run a fixed share of the models, from 1/N to N/N.  [default: all]"),
    ] = None,
    finished: Annotated[bool, typer.Option("--finished", help="Run nothing: show what --store holds.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run the ladder on planted models, whose circuit is known, and count verdicts above and below the truth.

    \b
    Examples
      rung bench soundness --quick
      rung bench soundness --store ./soundness --workers 4
      rung bench soundness --store /shared/soundness --shard 3/16
      rung bench soundness --store ./soundness --finished

    True circuits and decoys are planted in models with and without MLPs, norms, rotary positions and grouped queries,
    each from a seed. Every rate has its exact 95 % interval. A result is kept with a hash of the model, the claim and
    the ladder's own code, and is used again only where all three are the same.

    \b
    Exit code 0: no verdict is above the truth; 1: one is.
    """
    from ..errors import StoreError
    from ..evidence.soundness import Results, plan, quick_plan, run_cases
    from ..evidence.soundness import finished as finished_cases
    from ..methods.workers import parse_shard
    from ..views.soundness import soundness_view
    from ..views.terminal import show

    cases = quick_plan() if quick else plan(seeds)
    if shard is not None:
        one, of = parse_shard(shard)
        cases = cases[one - 1 :: of]
    if finished and store is None:
        raise StoreError("--finished shows what a folder holds; say which with --store FOLDER")
    results = None if store is None else Results(store.expanduser())
    if finished and results is not None:
        found = finished_cases(cases, results)
    else:
        with stopped_in_order(), progress_bar("models", quiet) as progress:
            found = run_cases(cases, results, workers=workers, progress=progress)
    if as_json:
        print_json("soundness", {"planned": len(cases), "results": [asdict(one) for one in found]})
    else:
        show(lambda width: soundness_view(found, width))
    if any(one.above for one in found):
        raise typer.Exit(1)
