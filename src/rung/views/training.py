"""Views of training: recipes, progress, the finished model, and the cards of the bundled models."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..config import ModelConfig
from ..training import Progress, Recipe
from ..training.card import disclosures
from .terminal import LABEL, bars, binned, facts, heading, nats, note, spark

Card = Mapping[str, Any]
"""The value of `read_card`."""
Line = Mapping[str, Any]
"""One measurement during training."""

WIDE = 110
"""Width in columns from which a list is drawn as a table with one row for each item."""
GAIN = 1.0
"""The gain in nats from which a model counts as one that uses the repeat."""


def recipes_view(recipes: Sequence[tuple[Recipe, Card | None]], width: int) -> RenderableType:
    """Every recipe, with the training time of its bundled model if there is one."""
    titles = ("recipe", "layers × heads", "steps", "time", "learns from", "what it is")
    rows = [
        (recipe.name, _shape(recipe.config), f"{recipe.steps:,}", _time(card), _source(recipe), recipe.about)
        for recipe, card in recipes
    ]
    return Group(
        heading("The recipes: rung train RECIPE"),
        Text(),
        _listed(titles, rows, width),
        Text(),
        note("time: training time of the bundled model, on one thread (rung models NAME)"),
        note("text: give a text file with --corpus FILE; make corpus builds one in Rung's repository"),
        note("your own recipe: rung train RECIPE --show > mine.json, edit it, then rung train --config mine.json"),
    )


def models_view(models: Sequence[tuple[ModelConfig, Card]], width: int) -> RenderableType:
    """Every bundled model in one row, with the main values of its card."""
    titles = ("model", "layers × heads", "parameters", "second copy", "text", "licence", "what it shows")
    rows = [
        (
            card["name"],
            _shape(config),
            f"{card['parameters']:,}",
            nats(card["scores"]["second_copy_loss"]),
            nats(card["scores"]["prose_loss"]),
            card["licence"],
            card["about"],
        )
        for config, card in models
    ]
    return Group(
        heading("The bundled models"),
        Text(),
        _listed(titles, rows, width),
        Text(),
        note("second copy, text: loss in nats per token; the second copy is the repeat of a random sequence"),
        note("one model's card: rung models NAME. Use: rung heads NAME, rung prove induction --model NAME"),
        Text(),
    )


def card_view(card: Card, config: ModelConfig, curve: Sequence[Line], width: int) -> RenderableType:
    """One model's card: description, data, training, scores and training curve."""
    data = card["data"]
    sources = [f"{one['holds']}: {one['name']} {one['version']} ({one['licence']})" for one in data.get("packages", ())]
    heads = f"{_shape(config)} heads" if config.n_layers else "no attention"
    on = f"{card['threads']} thread{'s' if card['threads'] > 1 else ''}"
    rows = [
        ("shape", f"{heads}, d_model {config.d_model}; {card['parameters']:,} parameters"),
        ("licence", card["licence"]),
        ("data", f"{data['kind']}: {data['tokens']:,} tokens"),
        *(("", source) for source in sources),
        ("training", f"{card['steps']:,} steps from seed {card['seed']}, {_time(card)} on {on}, torch {card['torch']}"),
        *(("note", sentence) for sentence in disclosures(card)),
        *((f"seed {run['seed']}", _briefly(run["scores"])) for run in card.get("other_seeds", ())),
    ]
    return Group(
        heading(card["name"]),
        Text(card["about"]),
        Text(),
        facts(rows),
        Text(),
        *_scores(card, config, None),
        *_curve(curve, config, width),
    )


def trained_view(
    card: Card, bundled: Card | None, config: ModelConfig, curve: Sequence[Line], folder: str, width: int
) -> RenderableType:
    """The result of a training run: its scores, those of the bundled model of the same recipe, and its folder."""
    expected = (
        [note("The bundled model was trained by the same recipe, so similar scores are expected.")] if bundled else []
    )
    return Group(
        heading(f"Trained {card['name']}: {card['steps']:,} steps from seed {card['seed']}, {_time(card)}"),
        Text(),
        *_scores(card, config, bundled),
        *expected,
        *_curve(curve, config, width),
        Text(),
        facts(
            [
                ("model", folder),
                ("card", f"rung models {folder}"),
                ("next", f"rung heads {folder}" if config.n_layers else f"rung board {folder}"),
            ]
        ),
    )


def live_view(recipe: Recipe, curve: Sequence[Line], width: int) -> RenderableType:
    """The training curve so far: one sparkline for each measure, followed by its last value."""
    ln_vocabulary, now = math.log(recipe.config.d_vocab), curve[-1]
    left = "" if not now["step"] else f", {_duration(now['seconds'] * (recipe.steps / now['step'] - 1))} to go"
    losses = {"second copy": "second_copy_loss", "first copy": "first_copy_loss", "text": "prose_loss"}
    top = max(ln_vocabulary, *(line[name] for line in curve for name in losses.values()))
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    columns = max(8, width - 32)
    for title, name in losses.items():
        grid.add_row(title, Text(spark([line[name] for line in curve], top, columns), "cyan"), nats(now[name]))
    for title, name in (("induction", "induction"), ("previous", "previous_token")):
        best = [_best(line[name]) for line in curve]
        if best[-1]:
            values = [ranked[0][1] for ranked in best]
            grid.add_row(title, Text(spark(values, 1.0, columns), "cyan"), f"{values[-1]:.2f} ({best[-1][0][0]})")
    return Group(
        heading(f"{recipe.name}: step {now['step']:,} of {recipe.steps:,}, {_stage(now['stage'], recipe)}{left}"),
        grid,
        note(f"losses in nats, ln V = {ln_vocabulary:.2f}; best head's score for each role, 0 to 1"),
    )


def progress_line(recipe: Recipe, progress: Progress) -> str:
    """One measurement as one line of a log."""
    found = progress.scores
    heads = [
        f"{title} {ranked[0][0]} {ranked[0][1]:.2f}"
        for title, name in (("induction", "induction"), ("previous", "previous_token"))
        if (ranked := _best(found[name]))
    ]
    parts = [
        f"step {progress.step}/{progress.steps}",
        _stage(progress.stage, recipe),
        f"second copy {nats(found['second_copy_loss'])}",
        f"first {nats(found['first_copy_loss'])}",
        f"text {nats(found['prose_loss'])}",
        *heads,
        f"{progress.seconds:.0f} s",
    ]
    return " · ".join(parts)


def begin_line(recipe: Recipe, seed: int, threads: int, folder: str, resumed: bool) -> str:
    """The line printed before training: parameters, steps, seed, threads and folder."""
    where = f"resuming in {folder}" if resumed else f"writing to {folder}"
    return (
        f"{recipe.name}: {recipe.config.n_params:,} parameters, {recipe.steps:,} steps, seed {seed}, "
        f"{threads} thread{'s' if threads > 1 else ''} (results are bitwise reproducible for one thread count), {where}"
    )


def interrupted_line(step: int | None, steps: int, fresh: bool) -> str:
    """The message after an interruption: what was saved, and how to resume."""
    if step is None:
        return "interrupted before anything was saved; the same command starts again"
    command = "the same command without --fresh" if fresh else "the same command"
    return f"interrupted; saved up to step {step:,} of {steps:,}; {command} resumes from there"


def _listed(titles: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> RenderableType:
    """A table if it fits; otherwise each row as lines: its name, its last column, its other columns."""
    if width >= WIDE:
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for column, title in enumerate(titles):
            number = all(row[column].replace(",", "").replace(".", "").isdecimal() for row in rows)
            table.add_column(
                title,
                style="bold" if column == 0 else "",
                justify="right" if number else "left",
                no_wrap=column < len(titles) - 1,
            )
        for row in rows:
            table.add_row(*map(Text, row))
        return table
    stacked = Table.grid()
    for name, *between, last in rows:
        stacked.add_row(Text(name, style="bold"))
        details = " · ".join(f"{title} {value}" for title, value in zip(titles[1:-1], between, strict=True))
        for line in (Text(last), note(details)):
            stacked.add_row(Padding(line, (0, 0, 0, 2)))
    return stacked


def _scores(card: Card, config: ModelConfig, other: Card | None) -> list[RenderableType]:
    """The main scores of a card; `other`: a card whose scores are shown in a second column."""
    here = _score_texts(card["scores"])
    ln_vocabulary = note(f"Losses in nats per token; a uniform guess has ln V = {math.log(config.d_vocab):.2f}.")
    if other is None:
        return [facts(list(here.items())), Text(), ln_vocabulary]
    there = _score_texts(other["scores"])
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("measured", "here", "bundled"):
        table.add_column(title, style="dim" if title == "measured" else "", overflow="fold")
    for name in {**here, **there}:
        table.add_row(*map(Text, (name, here.get(name, "–"), there.get(name, "–"))))
    return [table, Text(), ln_vocabulary]


def _score_texts(found: Mapping[str, Any]) -> dict[str, str]:
    texts = {
        "second copy": f"{nats(found['second_copy_loss'])}, top-1 accuracy {100 * found['second_copy_accuracy']:.0f} %",
        "first copy": nats(found["first_copy_loss"]),
        "text": nats(found["prose_loss"]),
        "copied text": (
            f"{nats(found['prose_second_copy_loss'])}, top-1 accuracy {100 * found['prose_second_copy_accuracy']:.0f} %"
        ),
    }
    if _copies(found):
        texts |= {
            "induction": _ranked(found["induction"]),
            "previous token": _ranked(found["previous_token"]),
            "ablating a head": _rises({at: rise for at, rise in found["ablation_rise"].items() if at[-1] != "*"}),
            "ablating a layer": _rises({at: rise for at, rise in found["ablation_rise"].items() if at[-1] == "*"}),
        }
    elif "direct_path_correlation" in found:
        correlation, top = found["direct_path_correlation"], found["direct_path_top1"]
        texts["direct path"] = (
            f"correlation {correlation:.2f} with the text's bigrams, top-1 agreement {100 * top:.0f} %"
        )
    return texts


def _briefly(found: Mapping[str, Any]) -> str:
    """The scores of a run from another seed in one line."""
    texts = _score_texts(found)
    return "; ".join(
        f"{name} {texts[name]}" for name in (("second copy", "copied text") if _copies(found) else ("text",))
    )


def _rises(of: Mapping[str, float]) -> str:
    """The largest rise in each layer, for the three layers where it is largest."""
    largest: dict[str, tuple[str, float]] = {}
    for at, rise in sorted(of.items(), key=lambda item: item[1]):
        largest[at.partition(".")[0]] = (at, rise)
    most = sorted(largest.values(), key=lambda found: -found[1])[:3]
    return ", ".join(f"{at} {'+' if rise > -0.005 else ''}{nats(rise)}" for at, rise in most)


def _ranked(scores: Sequence[Sequence[float]]) -> str:
    best = _best(scores)
    second = f" (second best {best[1][0]} {best[1][1]:.2f})" if len(best) > 1 else ""
    return f"{best[0][0]} {best[0][1]:.2f}{second}"


def _best(scores: Sequence[Sequence[float]]) -> list[tuple[str, float]]:
    """Heads with their scores, highest first."""
    each = [(f"{layer}.{head}", value) for layer, row in enumerate(scores) for head, value in enumerate(row)]
    return sorted(each, key=lambda head: -head[1])


def _copies(found: Mapping[str, Any]) -> bool:
    return bool(found["first_copy_loss"] - found["second_copy_loss"] >= GAIN)


def _curve(curve: Sequence[Line], config: ModelConfig, width: int) -> list[RenderableType]:
    """The loss of the second copy (or of text) during training, with stages and head scores below it."""
    if len(curve) < 2:
        return []
    last, room = curve[-1], width - LABEL
    name, title = ("second_copy_loss", "second copy's") if _copies(last) else ("prose_loss", "text's")
    values = binned([line[name] for line in curve], room)
    ln_vocabulary = math.log(config.d_vocab)
    top = 1.05 * max(ln_vocabulary, *values)
    end = f"{last['step']:,}"
    drawn: list[RenderableType] = [
        Text(),
        heading(f"The {title} loss during training"),
        bars(values, {"ln V": ln_vocabulary}, top, height=8),
        note(f"{'step':<{LABEL}}0{end:>{max(len(end), len(values) - 1)}}"),
    ]
    if last["stage"]:
        drawn.append(note(f"{'stage':<{LABEL}}{_stages(curve, len(values))}"))
    if not _copies(last):
        return drawn
    for short, role in (("ind", "induction"), ("prev", "previous_token")):
        at = _best(last[role])[0][0]
        layer, head = map(int, at.split("."))
        scores = [line[role][layer][head] for line in curve]
        drawn.append(Text.assemble((f"{f'{short} {at}':<{LABEL}}", "dim"), (spark(scores, 1.0, room), "cyan")))
    legend = "ind, prev: induction and previous-token score (0 to 1) of the head with the highest final score"
    return [*drawn, note(f"stage: where a stage of the curriculum begins. {legend}" if last["stage"] else legend)]


def _stages(curve: Sequence[Line], columns: int) -> str:
    """A line with each stage's number under the column where it begins."""
    marks = [" "] * columns
    before = -1
    for at, line in enumerate(curve):
        if line["stage"] != before:
            before = line["stage"]
            marks[min(columns - 1, at * columns // len(curve))] = str((before + 1) % 10)
    return "".join(marks)


def _shape(config: ModelConfig) -> str:
    return f"{config.n_layers} × {config.n_heads}" if config.n_layers else "0"


def _source(recipe: Recipe) -> str:
    return "synthetic words" if recipe.synthetic else "text"


def _stage(stage: int, recipe: Recipe) -> str:
    return f"stage {stage + 1}/{len(recipe.stages)}"


def _time(card: Card | None) -> str:
    return "–" if card is None else _duration(float(card["seconds"]))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
