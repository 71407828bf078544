"""Progress on stderr: bars where somebody can see them, lines where not, nothing when quiet."""

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
    """A bar on stderr where somebody can see it, gone when done."""
    with step_bar(quiet) as tell:
        yield None if tell is None else lambda done, total: tell(what, done, total)


@contextmanager
def step_bar(
    quiet: bool, name: Callable[[str], str] = lambda step: step
) -> Iterator[Callable[[str, int, int], None] | None]:
    """The same for work whose steps have names, or ids that `name` puts into words."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda step, done, total: bar.update(task, description=name(step), completed=done, total=total)


@contextmanager
def training_curve(recipe: Recipe, out: Path, begun: str, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """The training curve on stderr: drawn where it can be drawn again, else a line for each measurement.

    `begun` comes before the first: until then the text is read, and what is wrong comes out.
    """
    from rich.console import Console
    from rich.live import Live

    from ..training import read_curve
    from ..views.terminal import write
    from ..views.training import live_view, progress_line

    console = Console(stderr=True, highlight=False, markup=False)
    utf = (sys.stderr.encoding or "").lower().startswith("utf")
    opening = [begun]
    if quiet:
        yield lambda told: None
    elif sys.stderr.isatty() and utf and not console.is_dumb_terminal:
        with Live("getting ready", console=console, transient=True, auto_refresh=False) as live:

            def draw(told: Progress) -> None:
                if opening:
                    console.print(opening.pop(), soft_wrap=True)
                live.update(live_view(recipe, read_curve(out), console.width), refresh=True)

            yield draw
    else:

        def log(told: Progress) -> None:
            write("\n".join([*opening, progress_line(recipe, told)]) + "\n", sys.stderr)
            opening.clear()

        yield log
