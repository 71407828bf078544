"""`rung lab`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from .options import MODEL_HELP, Quiet


def lab(
    model: Annotated[str, typer.Option(metavar="MODEL", help=MODEL_HELP)] = "two-layer",
    port: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, max=65535, help="The port.  [default: 7864, or the next free one]", show_default=False
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The address to listen on; off this machine only with --name.")
    ] = "127.0.0.1",
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A host name under which other machines open it; may be repeated."),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
    open_file: Annotated[
        str | None,
        typer.Option("--open", metavar="FILE", help="Show a record of rung prove, or a drawer saved from the page."),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="CPU threads of a computation.  [default: half of the cores]", show_default=False
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """The lesson, live: a local page over a running model. Stop it with Ctrl-C.

    \b
    Examples
      rung lab
      rung lab --model ./my-model --no-browser
      rung lab --open induction.json

    It needs no network. The address that is printed holds a token: whoever has it can use the lab until it is stopped.
    With --host other machines reach it too, in plain HTTP; an SSH tunnel to this machine is the safer way.

    \b
    Exit codes: 0 stopped · 2 bad input
    """
    from ..lab.server import Options, serve

    opened = {}
    if open_file is not None:
        from ..lab.drawer import read_file

        opened = read_file(Path(open_file))
    _check_model(model)
    options = Options(model, host, port, tuple(name or ()), browser, threads, opened)

    def tell(address: str) -> None:
        typer.echo(f"Rung lab: {address}" if not quiet else address)
        if not quiet:
            typer.echo("Ctrl-C stops it.", err=True)
        sys.stdout.flush()

    if not serve(options, tell):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)  # a computation does not look up: its thread must not hold the process


def _check_model(name: str) -> None:
    """Brings the model to this machine if it has to be fetched, before anything is served. Raises RungError."""
    from ..model.paths import bundled_names

    if name not in bundled_names():
        from ..model.fetch import locate_model

        locate_model(name)
