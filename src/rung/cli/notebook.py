"""`rung notebook`."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer


def notebook(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the notebooks go; made if missing.")] = Path(
        "rung-course"
    ),
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite notebooks that are there, with the answers in them.")
    ] = False,
    open_lab: Annotated[
        bool, typer.Option("--open/--no-open", help="Open JupyterLab there, if it is installed.")
    ] = True,
) -> None:
    """The course in code: copies its notebooks to a folder and opens JupyterLab.

    \b
    Examples
      rung notebook
      rung notebook my-course --no-open

    Each notebook is a part: exercises with a stub, a hint, a check and a solution, on the models that come with Rung.
    They need no network. Nothing is overwritten without --force.

    JupyterLab is not part of Rung: pip install jupyterlab. VS Code opens the notebooks too.

    \b
    Exit codes: 0 copied (and JupyterLab closed) · 2 a notebook is there already
    """
    from ..course.notebooks import copy_notebooks

    copies = copy_notebooks(folder, force)
    typer.echo(f"{len(copies)} notebooks in {folder}; begin with {copies[0].name}.")
    if not open_lab:
        return
    if find_spec("jupyterlab") is None:
        typer.echo(
            "JupyterLab is not installed here: pip install jupyterlab, then jupyter lab " + str(folder), err=True
        )
        return
    import subprocess

    sys.stdout.flush()
    ran = subprocess.run([sys.executable, "-m", "jupyterlab", str(folder / copies[0].name)], check=False)
    raise typer.Exit(ran.returncode)
