"""Progress on stderr: bars in a terminal, lines otherwise, nothing with --quiet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ..training import Progress, Recipe


@contextmanager
def progress_bar(what: str, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on stderr if it is a terminal; it is removed at the end."""
    with step_bar(quiet) as update:
        yield None if update is None else lambda done, total: update(what, done, total)


@contextmanager
def step_bar(
    quiet: bool, name: Callable[[str], str] = lambda step: step
) -> Iterator[Callable[[str, int, int], None] | None]:
    """A progress bar with the name of the current step, which `name` gives for the step's id."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda step, done, total: bar.update(task, description=name(step), completed=done, total=total)


@contextmanager
def training_curve(recipe: Recipe, out: Path, first_line: str, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """The training curve on stderr: redrawn in a terminal, otherwise one line for each measurement.

    `first_line` is printed before the first measurement, once the corpus was read without an error.
    """
    from rich.console import Console
    from rich.live import Live

    from ..training import read_curve
    from ..views.terminal import write
    from ..views.training import live_view, progress_line

    console = Console(stderr=True, highlight=False, markup=False)
    utf = (sys.stderr.encoding or "").lower().startswith("utf")
    opening = [first_line]
    if quiet:
        yield lambda progress: None
    elif sys.stderr.isatty() and utf and not console.is_dumb_terminal:
        with Live("getting ready", console=console, transient=True, auto_refresh=False) as live:

            def draw(progress: Progress) -> None:
                if opening:
                    console.print(opening.pop(), soft_wrap=True)
                live.update(live_view(recipe, read_curve(out), console.width), refresh=True)

            yield draw
    else:

        def log(progress: Progress) -> None:
            write("\n".join([*opening, progress_line(recipe, progress)]) + "\n", sys.stderr)
            opening.clear()

        yield log
