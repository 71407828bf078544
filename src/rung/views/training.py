"""Training as it happens, what came of it, and the cards of the models that ship."""

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
"""What `read_card` reads."""
Line = Mapping[str, Any]
"""One measurement along training."""

WIDE = 110
"""Columns from which a list is a table with a row each."""
GAIN = 1.0
"""Nats that the second copy must be cheaper by, before anything is said about copying."""


def recipes_view(recipes: Sequence[tuple[Recipe, Card | None]], width: int) -> RenderableType:
    """Every recipe, with what its bundled model's training took where there is one."""
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
        note("time: what the bundled model's training took, on one thread (rung models NAME)"),
        note("text: give a file with --corpus FILE, your own or the one that make corpus builds in Rung's repository"),
        note("your own: rung train RECIPE --show > mine.json, edit it, then rung train --config mine.json"),
    )


def models_view(models: Sequence[tuple[ModelConfig, Card]], width: int) -> RenderableType:
    """Every bundled model with what its card says in a row."""
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
        heading("The models that ship with Rung"),
        Text(),
        _listed(titles, rows, width),
        Text(),
        note("second copy, text: loss in nats a token; the second copy is that of random tokens that come twice"),
        note("one model's card: rung models NAME. Use: rung heads NAME, rung prove induction --model NAME"),
        Text(),
    )


def card_view(card: Card, config: ModelConfig, curve: Sequence[Line], width: int) -> RenderableType:
    """One model's card: what it is, what it learned from and how, its scores and its curve."""
    data = card["data"]
    sources = [f"{one['holds']}: {one['name']} {one['version']} ({one['licence']})" for one in data.get("packages", ())]
    heads = f"{_shape(config)} heads" if config.n_layers else "no attention"
    on = f"{card['threads']} thread{'s' if card['threads'] > 1 else ''}"
    rows = [
        ("shape", f"{heads}, {config.d_model} wide; {card['parameters']:,} parameters"),
        ("licence", card["licence"]),
        ("data", f"{data['kind']}: {data['tokens']:,} tokens"),
        *(("", source) for source in sources),
        ("training", f"{card['steps']:,} steps from seed {card['seed']}, {_time(card)} on {on}, torch {card['torch']}"),
        *(("note", told) for told in disclosures(card)),
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
    """What came of a training run: its scores beside those of the bundled model of the same recipe, and where it is."""
    told = [note("The bundled model was trained by the same recipe: its scores are what to expect.")] if bundled else []
    return Group(
        heading(f"{card['name']} is trained: {card['steps']:,} steps from seed {card['seed']}, {_time(card)}"),
        Text(),
        *_scores(card, config, bundled),
        *told,
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
    """The training curve as it grows: one line of bars for each measure, its last value beside it."""
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
        note(f"losses in nats, ln V = {ln_vocabulary:.2f}; each role's best head, 0 to 1"),
    )


def progress_line(recipe: Recipe, told: Progress) -> str:
    """The same in one line, for a log."""
    found = told.scores
    heads = [
        f"{title} {ranked[0][0]} {ranked[0][1]:.2f}"
        for title, name in (("induction", "induction"), ("previous", "previous_token"))
        if (ranked := _best(found[name]))
    ]
    parts = [
        f"step {told.step}/{told.steps}",
        _stage(told.stage, recipe),
        f"second copy {nats(found['second_copy_loss'])}",
        f"first {nats(found['first_copy_loss'])}",
        f"text {nats(found['prose_loss'])}",
        *heads,
        f"{told.seconds:.0f} s",
    ]
    return " · ".join(parts)


def begin_line(recipe: Recipe, seed: int, threads: int, folder: str, resumed: bool) -> str:
    """What is about to be done."""
    where = f"going on with {folder}" if resumed else f"into {folder}"
    return (
        f"{recipe.name}: {recipe.config.n_params:,} parameters, {recipe.steps:,} steps, seed {seed}, "
        f"{threads} thread{'s' if threads > 1 else ''} (another count, other bits), {where}"
    )


def interrupted_line(step: int | None, steps: int, fresh: bool) -> str:
    """How to go on."""
    if step is None:
        return "interrupted before anything was kept; the same command begins again"
    command = "the same command without --fresh" if fresh else "the same command"
    return f"interrupted; kept up to step {step:,} of {steps:,}, and {command} goes on from there"


def _listed(titles: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> RenderableType:
    """A table where there is room; else each row as its name, its facts and its last column below each other."""
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
        told = " · ".join(f"{title} {value}" for title, value in zip(titles[1:-1], between, strict=True))
        for line in (Text(last), note(told)):
            stacked.add_row(Padding(line, (0, 0, 0, 2)))
    return stacked


def _scores(card: Card, config: ModelConfig, beside: Card | None) -> list[RenderableType]:
    """The scores that tell what the model does; `beside`: another card's in a second column."""
    here = _told(card["scores"])
    ln_vocabulary = note(f"Losses in nats a token; guessing evenly costs ln V = {math.log(config.d_vocab):.2f}.")
    if beside is None:
        return [facts(list(here.items())), Text(), ln_vocabulary]
    there = _told(beside["scores"])
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("measured", "here", "bundled"):
        table.add_column(title, style="dim" if title == "measured" else "", overflow="fold")
    for name in {**here, **there}:
        table.add_row(*map(Text, (name, here.get(name, "–"), there.get(name, "–"))))
    return [table, Text(), ln_vocabulary]


def _told(found: Mapping[str, Any]) -> dict[str, str]:
    told = {
        "second copy": f"{nats(found['second_copy_loss'])}, {100 * found['second_copy_accuracy']:.0f} % right",
        "first copy": nats(found["first_copy_loss"]),
        "text": nats(found["prose_loss"]),
        "copied text": (
            f"{nats(found['prose_second_copy_loss'])}, {100 * found['prose_second_copy_accuracy']:.0f} % right"
        ),
    }
    if _copies(found):
        told |= {
            "induction": _ranked(found["induction"]),
            "previous token": _ranked(found["previous_token"]),
            "without a head": _rises({at: rise for at, rise in found["ablation_rise"].items() if at[-1] != "*"}),
            "without a layer": _rises({at: rise for at, rise in found["ablation_rise"].items() if at[-1] == "*"}),
        }
    elif "direct_path_correlation" in found:
        correlation, top = found["direct_path_correlation"], found["direct_path_top1"]
        told["direct path"] = f"correlation {correlation:.2f} with the text's bigrams, {100 * top:.0f} % the same first"
    return told


def _briefly(found: Mapping[str, Any]) -> str:
    """A run from another seed in one line."""
    told = _told(found)
    return "; ".join(
        f"{name} {told[name]}" for name in (("second copy", "copied text") if _copies(found) else ("text",))
    )


def _rises(of: Mapping[str, float]) -> str:
    """The largest rise in each layer, in at most the three layers where it is largest."""
    largest: dict[str, tuple[str, float]] = {}
    for at, rise in sorted(of.items(), key=lambda item: item[1]):
        largest[at.partition(".")[0]] = (at, rise)
    most = sorted(largest.values(), key=lambda found: -found[1])[:3]
    return ", ".join(f"{at} {'+' if rise > -0.005 else ''}{nats(rise)}" for at, rise in most)


def _ranked(scores: Sequence[Sequence[float]]) -> str:
    best = _best(scores)
    then = f", next {best[1][0]} {best[1][1]:.2f}" if len(best) > 1 else ""
    return f"{best[0][0]} {best[0][1]:.2f}{then}"


def _best(scores: Sequence[Sequence[float]]) -> list[tuple[str, float]]:
    """Heads with their scores, highest first."""
    each = [(f"{layer}.{head}", value) for layer, row in enumerate(scores) for head, value in enumerate(row)]
    return sorted(each, key=lambda head: -head[1])


def _copies(found: Mapping[str, Any]) -> bool:
    return bool(found["first_copy_loss"] - found["second_copy_loss"] >= GAIN)


def _curve(curve: Sequence[Line], config: ModelConfig, width: int) -> list[RenderableType]:
    """The loss that the model was taught to lower, along training, with stages and heads below."""
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
        heading(f"The {title} loss along training"),
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
    said = "ind, prev: the induction and previous-token score of the head that ends highest, 0 to 1"
    return [*drawn, note(f"stage: where a stage of the curriculum begins. {said}" if last["stage"] else said)]


def _stages(curve: Sequence[Line], columns: int) -> str:
    """Each stage's number under the column where it begins."""
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
    return "made-up words" if recipe.synthetic else "text"


def _stage(stage: int, recipe: Recipe) -> str:
    return f"stage {stage + 1}/{len(recipe.stages)}"


def _time(card: Card | None) -> str:
    return "–" if card is None else _duration(float(card["seconds"]))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
