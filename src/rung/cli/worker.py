"""`rung worker`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from .options import MODEL_HELP, Json, Quiet, print_json
from .progress import progress_bar

if TYPE_CHECKING:
    from ..methods.sweep import SweepResult


def worker(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="The folder of a stored sweep.")],
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Run a fixed share of the cells, from 1/N to N/N.  [default: all]"),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help=f"Where the sweep's model lies here. {MODEL_HELP}")
    ] = None,
    patience: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="Silence after which another worker is taken for dead.")
    ] = 30.0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Work on a stored sweep, beside any number of other workers, until it is finished.

    \b
    Examples
      rung worker ./sweep
      rung worker /shared/sweep --shard 3/16

    Workers may be started and killed at any time, on any machine that reaches the folder and has the sweep's model; a
    model with other weights is refused. Which worker ran a cell changes none of its numbers. A cell that kills three
    workers is recorded as failed, and the rest is finished.

    \b
    Exit code 0: every cell is measured, or every one of the shard; 1: a cell failed.
    """
    from ..methods.store import Store
    from ..methods.sweep import SweepResult
    from ..methods.workers import SweepWorker, load_for, shard_of

    opened = Store.open(store.expanduser(), patience)
    chunks = shard_of(opened, shard)
    with stopped_in_order(), progress_bar("cells", quiet) as progress:
        SweepWorker(opened, load_for(opened, model), progress).run(chunks, wait=True)
    show_progress(SweepResult.open(opened), str(store), as_json)


def show_unfinished(found: SweepResult, store: str | None, as_json: bool) -> bool:
    """Shows how far a sweep is, and returns True, unless every cell is measured. Exit code 1 if a cell failed."""
    if bool(found.measured.all()):
        return False
    show_progress(found, store, as_json)
    return True


def show_progress(found: SweepResult, store: str | None, as_json: bool) -> None:
    """Shows how many cells are measured. Exit code 1 if a cell failed."""
    from ..views.results import store_view
    from ..views.terminal import show

    failed = [found.labels[cell] for cell in found.failed]
    if as_json:
        counts = {"store": store, "cells": len(found.cells), "measured": int(found.measured.sum())}
        print_json("sweep", counts | {"failed": failed})
    else:
        show(lambda width: store_view(found))
    if failed:
        raise typer.Exit(1)


@contextmanager
def stopped_in_order() -> Iterator[None]:
    """Takes SIGTERM, with which clusters end a job, as Ctrl-C: the cells under way are given back at once."""

    def interrupt(*_: Any) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
