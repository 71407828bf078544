"""The folder that a training run leaves: model, tokenizer, curve, and a card written from the run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..engine.weights import Weights
from ..errors import CheckpointError
from ..model.checkpoint import save_checkpoint
from ..model.fetch import load_checkpoint
from ..model.resolve import resolve_folder
from ..model.tokenizer import TextTokenizer
from . import scores
from .corpus import BOS, Corpus
from .recipes import RECIPES, Recipe

KEYS = (
    "name", "about", "parameters", "data", "licence", "seed", "steps", "stages_entered_at_steps", "stages_planned",
    "head_scale", "silence", "seconds", "threads", "torch", "scores",
)  # fmt: skip
"""What every card tells."""


@dataclass(frozen=True)
class Training:
    """What a finished run hands over to its card."""

    recipe: Recipe
    seed: int
    corpus: Corpus
    corpus_file: Path | None
    seconds: float
    stage_steps: tuple[int, ...]
    """The step at which each stage was entered."""
    weights: Weights


def write_model(out: Path, training: Training) -> dict[str, Any]:
    """Write config, float16 weights, tokenizer and card; the card's scores are of those weights."""
    config = replace(training.recipe.config, model_name=training.recipe.name)
    tokenizer = TextTokenizer(training.corpus.tokenizer, bos_token=BOS)
    save_checkpoint(out, config, halved(training.weights), tokenizer)
    read = load_checkpoint(out)
    found = scores.of_model(read.config, read.weights, training.corpus)
    card = describe(training) | {"scores": found}
    write_card(out, card)
    return card


def write_card(out: Path, card: Mapping[str, Any]) -> None:
    """The card for programs, and for people."""
    (out / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    (out / "README.md").write_text(page(card), encoding="utf-8")


def halved(weights: Weights) -> Weights:
    """The same in float16, free of gradients."""

    def half(held: Tensor) -> Tensor:
        return held.detach().half()

    return {name: tuple(map(half, held)) if isinstance(held, tuple) else half(held) for name, held in weights.items()}


def describe(training: Training) -> dict[str, Any]:
    """Where the model comes from."""
    recipe = training.recipe
    return {
        "name": recipe.name,
        "about": recipe.about,
        "parameters": recipe.config.n_params,
        "data": data_sources(training),
        "licence": "MIT, as Rung itself" if recipe == RECIPES.get(recipe.name) else "its trainer's to choose",
        "seed": training.seed,
        "steps": recipe.steps,
        "stages_entered_at_steps": list(training.stage_steps),
        "stages_planned": len(recipe.stages),
        "head_scale": recipe.head_scale,
        "silence": recipe.silence,
        "seconds": round(training.seconds),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def data_sources(training: Training) -> dict[str, Any]:
    """The corpus with its hash, and its packages where a `corpus.json` beside the file lists them."""
    corpus, file = training.corpus, training.corpus_file
    about: dict[str, Any] = {"sha256": corpus.sha256, "tokens": len(corpus.train)}
    if file is None:
        return {"kind": "a made-up language and repeated random tokens"} | about
    repeated = any(stage.mix.repeated for stage in training.recipe.stages)
    about = {"kind": "text and repeated sequences" if repeated else "text"} | about
    listing = file.with_suffix(".json")
    if listing.exists():
        read = json.loads(listing.read_text())
        if read.get("sha256") == corpus.sha256:
            names = ("name", "version", "licence", "sha256", "holds")
            about["packages"] = [{name: each[name] for name in names} for each in read["packages"]]
    return about


def page(card: Mapping[str, Any]) -> str:
    """The card as a page for people."""
    data, found = card["data"], card["scores"]
    sources = [
        f"- {one['name']} {one['version']}: {one['holds']} ({one['licence']})" for one in data.get("packages", ())
    ]
    paragraphs = [
        f"# {card['name']}",
        card["about"],
        f"{card['parameters']:,} parameters, stored in float16. Licence: {card['licence']}.",
        "## Data",
        f"Trained on {data['kind']}: {data['tokens']:,} tokens, SHA-256 `{data['sha256'][:16]}…`.",
        "\n".join(sources),
        "## Training",
        f"{card['steps']} steps from seed {card['seed']}, {card['seconds']} s on {card['threads']} thread(s) with "
        f"torch {card['torch']}. The bits repeat on the same machine with the same torch build and thread count.",
        *disclosures(card),
        "## Scores",
        "Of the stored weights; losses in nats. The copies are those of [BOS] r₁ … rₙ r₁ … rₙ, with distinct random "
        "tokens r, or (“prose”) a passage that was held out from training. Heads are written layer.head. The ablation "
        "rise is what the second copy's loss gains when heads give their mean per position instead.",
        table(["measured", "value"], scores.rows(found)),
        *seeds(card),
    ]
    return "\n\n".join(each for each in paragraphs if each) + "\n"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as Markdown has it."""
    title, *below = (f"| {' | '.join(row)} |" for row in (titles, *rows))
    return "\n".join([title, "|" + "---|" * len(titles), *below])


def seeds(card: Mapping[str, Any]) -> Iterator[str]:
    """The same recipe from other seeds, beside this one."""
    runs = [card, *card.get("other_seeds", ())]
    if len(runs) > 1:
        told = [scores.headline(run["scores"]) for run in runs]
        rows = [[name, *(each[name] for each in told)] for name in told[0]]
        if card["stages_planned"] > 1:
            stages = (" ".join(map(str, run["stages_entered_at_steps"])) for run in runs)
            rows.append(["stages began at steps", *stages])
        yield "## Seeds"
        yield "The recipe was run from other seeds too, which ship as figures only."
        yield table(["measured", *(f"seed {run['seed']}" for run in runs)], rows)


def with_seeds(card: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The card with the figures of other seeds. Raises CheckpointError if a run differs in more than its seed."""
    same = ("name", "parameters", "data", "steps", "stages_planned", "head_scale", "silence", "threads", "torch")
    told = ("seed", "seconds", "stages_entered_at_steps", "scores")
    runs = sorted(others, key=lambda run: int(run["seed"]))
    for run in runs:
        if differ := [key for key in same if run[key] != card[key]]:
            raise CheckpointError(f"seed {run['seed']} of {run['name']} differs from {card['name']} in {differ[0]}")
    if len({card["seed"], *(run["seed"] for run in runs)}) <= len(runs):
        raise CheckpointError(f"two runs of {card['name']} have the same seed")
    return dict(card) | {"other_seeds": [{key: run[key] for key in told} for run in runs]}


def disclosures(card: Mapping[str, Any]) -> Iterator[str]:
    """What was done to the training that a reader of its curve must know."""
    steps = card["stages_entered_at_steps"]
    if card["stages_planned"] > 1:
        yield (
            f"A curriculum of {card['stages_planned']} stages taught it, each begun once the one before was learned to "
            f"a set accuracy: stages began at steps {', '.join(map(str, steps))}. The phase change in its curve is one "
            "under a curriculum."
        )
    if len(steps) < card["stages_planned"]:
        yield f"Only {len(steps)} of them were reached."
    if card["head_scale"]:
        layers = "; ".join(f"layer {layer}: {tuple(factors)}" for layer, factors in enumerate(card["head_scale"]))
        yield (
            f"Heads started, and took their steps, scaled by fixed factors ({layers}). That breaks their "
            "symmetry, so that one is likely to win a role; it wires nothing."
        )
    if card["silence"]:
        yield (
            f"In a share of {card['silence']} of the batches one head of the last layer, drawn at random, was silent, "
            "so that the others learned to cover for it."
        )


def read_card(name: str | Path) -> dict[str, Any]:
    """The card of a bundled model, or of a folder that `train` left. Raises CheckpointError if it has none."""
    path = resolve_folder(name) / "card.json"
    try:
        card = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"no card can be read from {path}: {error}") from None
    if missing := [key for key in KEYS if key not in card]:
        raise CheckpointError(f"no card can be read from {path}: it lacks {missing[0]!r}")
    return card


def read_curve(name: str | Path) -> list[dict[str, Any]]:
    """Every measurement along training, in order: what `Progress.scores` held."""
    path = resolve_folder(name) / "curve.jsonl"
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise CheckpointError(f"no training curve can be read from {path}: {error}") from None


def checkpoints(name: str | Path) -> dict[int, Path]:
    """The weights kept along training: step to a folder that `from_pretrained` reads."""
    kept = (resolve_folder(name) / "checkpoints").glob("step-*")
    return {int(path.name.removeprefix("step-")): path for path in sorted(kept)}
