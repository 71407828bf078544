"""`rung train`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import RungError
from .exits import INTERRUPTED
from .options import Json, Quiet, print_json, set_threads, write_json
from .progress import training_curve

if TYPE_CHECKING:
    from pathlib import Path

    from ..training import Progress, Recipe


def train(
    recipe: Annotated[
        str | None, typer.Argument(metavar="RECIPE", help="The recipe to train; without it, recipes are listed.")
    ] = None,
    config: Annotated[
        str | None, typer.Option(metavar="FILE", help="Your own recipe, in the format that --show prints.")
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="The folder of the trained model.  [default: ./ and the recipe's name]",
            show_default=False,
        ),
    ] = None,
    corpus: Annotated[
        str | None, typer.Option(metavar="FILE", help="The training text, UTF-8; `make corpus` builds one.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start again instead of resuming an interrupted run.")] = False,
    printed: Annotated[bool, typer.Option("--show", help="Print the recipe as JSON; train nothing.")] = False,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, max=2**32 - 1, help="Seed of the initial weights and of every batch.")
    ] = 0,
    threads: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="CPU threads; results are bitwise reproducible for one thread count."),
    ] = 1,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a small model, with a recipe of the bundled models or your own, and watch its circuit form.

    \b
    Examples
      rung train                     list the recipes
      rung train two-layer-tiny      takes two minutes and needs no text
      rung train two-layer --corpus build/corpus/corpus.txt
      rung train two-layer --show > mine.json
      rung train --config mine.json --corpus book.txt

    After Ctrl-C, the same command resumes from the last measurement and gives bitwise the same weights as an
    uninterrupted run, on the same machine, torch build and thread count. Nothing is downloaded.

    \b
    How to read it: measured every few steps, on held-out data
      second copy    loss in nats on the second copy of repeated random tokens:
                     falls when the model learns to use the repeat
      first copy     loss on the first copy, which is not predictable
      text           loss on held-out text
      induction,     the best head's score (rung heads --help); in a phase change
      previous       both rise while the second copy's loss falls
      stage          stage of the curriculum; it ends at a set accuracy

    The folder can be given to every command as MODEL. It also holds the training curve and a model card.
    """
    from pathlib import Path

    if recipe is None and config is None:
        if out is not None or corpus is not None or fresh or printed:
            raise RungError(
                "which recipe? Name one, or give your own with --config FILE; `rung train` lists the recipes"
            )
        _list_recipes(as_json)
        return
    chosen = _recipe(recipe, config)
    if printed:
        write_json(json.loads(chosen.to_json()))
        return
    if corpus is None and not chosen.synthetic:
        raise RungError(
            f"{chosen.name} is trained on text: give it with --corpus FILE. `make corpus` in Rung's repository builds "
            "build/corpus/corpus.txt; any UTF-8 text of at least about ten thousand words can be used"
        )
    folder = Path(_named_folder(chosen.name) if out is None else out)
    _train(chosen, folder, None if corpus is None else Path(corpus), seed, threads, fresh, quiet, as_json)


def _train(
    recipe: Recipe, out: Path, corpus: Path | None, seed: int, threads: int, fresh: bool, quiet: bool, as_json: bool
) -> None:
    from ..training import read_curve
    from ..training import train as learn
    from ..training.loop import PROGRESS
    from ..views.terminal import show, write
    from ..views.training import begin_line, interrupted_line, trained_view

    set_threads(threads)
    shown = str(out) if out.is_absolute() or out.parts[:1] == ("..",) else f"./{out}"
    kept = read_curve(out)[-1]["step"] if not fresh and (out / PROGRESS).exists() else None
    first_line = begin_line(recipe, seed, threads, shown, kept is not None)
    try:
        with training_curve(recipe, out, first_line, quiet) as draw:

            def on_progress(progress: Progress) -> None:
                nonlocal kept
                kept = progress.step
                draw(progress)

            done = learn(recipe, out, seed=seed, corpus=corpus, progress=on_progress, resume=not fresh)
    except KeyboardInterrupt:
        write(f"rung: {interrupted_line(kept, recipe.steps, fresh)}\n", sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        print_json("train", {"folder": str(out), "card": dict(done.card)})
        return
    show(lambda width: trained_view(done.card, expected_card(recipe), recipe.config, read_curve(out), shown, width))


def _recipe(name: str | None, file: str | None) -> Recipe:
    from pathlib import Path

    from ..training import find_recipe, read_recipe

    if name is not None and file is not None:
        raise RungError(f"both the recipe {name} and --config were given: which of the two?")
    return read_recipe(Path(file)) if file is not None else find_recipe(str(name))


def _named_folder(name: str) -> str:
    """The default folder of a recipe. Raises RungError if its name cannot be the name of a folder."""
    if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise RungError(f"the recipe's name, {name!r}, cannot be the name of a folder; give one with --out FOLDER")
    return name


def expected_card(recipe: Recipe) -> dict[str, Any] | None:
    """The card of the bundled model that was trained by exactly this recipe, if there is one."""
    from ..model.paths import BUNDLED, bundled_names
    from ..training import RECIPES, read_card

    bundled = recipe.name in bundled_names() and recipe == RECIPES.get(recipe.name)
    return read_card(BUNDLED / recipe.name) if bundled else None


def _list_recipes(as_json: bool) -> None:
    from ..training import RECIPES
    from ..views.terminal import show
    from ..views.training import recipes_view

    if as_json:
        print_json("recipes", {"recipes": {name: json.loads(recipe.to_json()) for name, recipe in RECIPES.items()}})
        return
    known = [(recipe, expected_card(recipe)) for recipe in RECIPES.values()]
    show(lambda width: recipes_view(known, width))
