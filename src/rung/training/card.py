"""Writes and reads the folder of a training run: model, tokenizer, curve, and a model card derived from the run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..engine.weights import Weights, changed
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
"""The keys of every card."""


@dataclass(frozen=True)
class Training:
    """The values of a finished run that its card is written from."""

    recipe: Recipe
    seed: int
    corpus: Corpus
    corpus_file: Path | None
    seconds: float
    stage_steps: tuple[int, ...]
    """The step at which each stage was entered."""
    weights: Weights


def write_model(out: Path, training: Training) -> dict[str, Any]:
    """Writes config, float16 weights, tokenizer and card; the card's scores are measured on the float16 weights."""
    config = replace(training.recipe.config, model_name=training.recipe.name)
    tokenizer = TextTokenizer(training.corpus.tokenizer, bos_token=BOS)
    save_checkpoint(out, config, halved(training.weights), tokenizer)
    read = load_checkpoint(out)
    found = scores.of_model(read.config, read.weights, training.corpus)
    card = describe(training) | {"scores": found}
    write_card(out, card)
    return card


def write_card(out: Path, card: Mapping[str, Any]) -> None:
    """Writes the card as card.json and as a README.md."""
    (out / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    (out / "README.md").write_text(page(card), encoding="utf-8")


def halved(weights: Weights) -> Weights:
    """The weights in float16, detached from the graph."""

    def half(tensor: Tensor) -> Tensor:
        return tensor.detach().half()

    return {name: changed(value, half) for name, value in weights.items()}


def describe(training: Training) -> dict[str, Any]:
    """The card without its scores: recipe, data, licence, seed and the run's settings."""
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
    """The corpus with its hash, and its packages if a `corpus.json` in the same folder lists them."""
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
    """The card as a Markdown page."""
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
        f"torch {card['torch']}. The same machine, torch build and thread count give bitwise the same weights.",
        *disclosures(card),
        "## Scores",
        "Measured on the stored weights; losses in nats. The copies are those of [BOS] r₁ … rₙ r₁ … rₙ, with distinct "
        "random tokens r, or (“prose”) a passage that was held out from training. Heads are written layer.head. The "
        "ablation rise is the increase of the second copy's loss when heads are mean-ablated, position by position.",
        table(["measured", "value"], scores.rows(found)),
        *seeds(card),
    ]
    return "\n\n".join(each for each in paragraphs if each) + "\n"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    title, *below = (f"| {' | '.join(row)} |" for row in (titles, *rows))
    return "\n".join([title, "|" + "---|" * len(titles), *below])


def seeds(card: Mapping[str, Any]) -> Iterator[str]:
    """The section that compares this run with runs of the same recipe from other seeds."""
    runs = [card, *card.get("other_seeds", ())]
    if len(runs) > 1:
        columns = [scores.headline(run["scores"]) for run in runs]
        rows = [[name, *(column[name] for column in columns)] for name in columns[0]]
        if card["stages_planned"] > 1:
            stages = (" ".join(map(str, run["stages_entered_at_steps"])) for run in runs)
            rows.append(["stages began at steps", *stages])
        yield "## Seeds"
        yield "The recipe was also run from other seeds. Only the scores of those runs are included."
        yield table(["measured", *(f"seed {run['seed']}" for run in runs)], rows)


def with_seeds(card: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The card with the scores of other seeds. Raises CheckpointError if a run differs in more than its seed."""
    same = ("name", "parameters", "data", "steps", "stages_planned", "head_scale", "silence", "threads", "torch")
    kept = ("seed", "seconds", "stages_entered_at_steps", "scores")
    runs = sorted(others, key=lambda run: int(run["seed"]))
    for run in runs:
        if differ := [key for key in same if run[key] != card[key]]:
            raise CheckpointError(f"seed {run['seed']} of {run['name']} differs from {card['name']} in {differ[0]}")
    if len({card["seed"], *(run["seed"] for run in runs)}) <= len(runs):
        raise CheckpointError(f"two runs of {card['name']} have the same seed")
    return dict(card) | {"other_seeds": [{key: run[key] for key in kept} for run in runs]}


def disclosures(card: Mapping[str, Any]) -> Iterator[str]:
    """Sentences on curriculum, head scales and silenced heads, which a reader of the training curve must know of."""
    steps = card["stages_entered_at_steps"]
    if card["stages_planned"] > 1:
        yield (
            f"Trained with a curriculum of {card['stages_planned']} stages, which began at steps "
            f"{', '.join(map(str, steps))}: a stage ends when the accuracy on it reaches a threshold. The phase change "
            "in the curve therefore happens under a curriculum."
        )
    if len(steps) < card["stages_planned"]:
        yield f"Only {len(steps)} of the stages were reached."
    if card["head_scale"]:
        layers = "; ".join(f"layer {layer}: {tuple(factors)}" for layer, factors in enumerate(card["head_scale"]))
        yield (
            f"Each head's initial weights and learning rate were multiplied by a fixed factor ({layers}). This "
            "breaks the symmetry between heads, so that one of them is likely to take a role; it sets no connections."
        )
    if card["silence"]:
        yield (
            f"In a fraction {card['silence']} of the batches, one random head of the last layer was zero-ablated, "
            "so that the others learned to back it up."
        )


def read_card(name: str | Path) -> dict[str, Any]:
    """The card of a bundled model, or of a folder written by `train`. Raises CheckpointError if it has none."""
    path = resolve_folder(name) / "card.json"
    try:
        card = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"no card can be read from {path}: {error}") from None
    if missing := [key for key in KEYS if key not in card]:
        raise CheckpointError(f"no card can be read from {path}: it lacks {missing[0]!r}")
    return card


def read_curve(name: str | Path) -> list[dict[str, Any]]:
    """Every measurement during training, in order, as in `Progress.scores`."""
    path = resolve_folder(name) / "curve.jsonl"
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise CheckpointError(f"no training curve can be read from {path}: {error}") from None


def checkpoints(name: str | Path) -> dict[int, Path]:
    """The checkpoints saved during training: a dict from step to a folder that `from_pretrained` reads."""
    kept = (resolve_folder(name) / "checkpoints").glob("step-*")
    return {int(path.name.removeprefix("step-")): path for path in sorted(kept)}
