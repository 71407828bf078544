import io
import json
import math
from dataclasses import replace

import pytest
from rich.console import Console

from rung.model.fetch import load_checkpoint
from rung.model.paths import BUNDLED, bundled_names
from rung.training import RECIPES, Progress, read_card, read_curve
from rung.views.terminal import spark, to_ascii
from rung.views.training import (
    begin_line,
    card_view,
    interrupted_line,
    live_view,
    models_view,
    progress_line,
    recipes_view,
    trained_view,
)

WIDTHS = (40, 60, 80, 140)
TINY = BUNDLED / "two-layer-tiny"


def text(renderable, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, markup=False).print(renderable)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert to_ascii(out.getvalue()).isascii()
    return out.getvalue()


def joined(drawn: str) -> str:
    return " ".join(drawn.split())


def told(step: int = 100, stage: int = 1, **changes: object) -> Progress:
    found = {
        "step": step, "stage": stage, "seconds": 30.0, "first_copy_loss": 6.5, "second_copy_loss": 1.25,
        "prose_loss": 4.0, "induction": [[0.01, 0.02], [0.75, 0.1]], "previous_token": [[0.9, 0.3], [0.0, 0.0]],
    }  # fmt: skip
    return Progress(step, 400, stage, 30.0, found | changes)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_recipe_is_listed_with_what_it_took(width):
    card = read_card(TINY) | {"seconds": 123}
    known = [(recipe, card if recipe.name == "two-layer-tiny" else None) for recipe in RECIPES.values()]
    drawn = joined(text(recipes_view(known, width), width))
    for recipe in RECIPES.values():
        assert recipe.name in drawn
    assert "2 min" in drawn and "–" in drawn
    assert "synthetic words" in drawn and "--corpus FILE" in drawn and "--show" in drawn


@pytest.mark.parametrize("width", WIDTHS)
def test_every_bundled_model_is_listed(width):
    found = [(load_checkpoint(BUNDLED / name).config, read_card(BUNDLED / name)) for name in bundled_names()]
    drawn = joined(text(models_view(found, width), width))
    for name in bundled_names():
        assert name in drawn
    assert "102,400" in drawn and "MIT" in drawn


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", bundled_names())
def test_a_card_is_readable_at_every_width(name, width):
    card, config = read_card(BUNDLED / name), load_checkpoint(BUNDLED / name).config
    drawn = joined(text(card_view(card, config, read_curve(BUNDLED / name), width), width))
    assert f"{card['parameters']:,}" in drawn
    assert card["licence"] in drawn
    assert f"ln V = {math.log(config.d_vocab):.2f}" in drawn
    for package in card["data"].get("packages", ()):
        assert package["licence"] in drawn
    if card["stages_planned"] > 1:
        assert "under a curriculum" in drawn
    if card["head_scale"]:
        assert "it sets no connections" in drawn


def test_the_phase_change_is_seen():
    card, config, curve = read_card(TINY), load_checkpoint(TINY).config, read_curve(TINY)
    lines = text(card_view(card, config, curve, 80), 80).splitlines()
    (top,) = [line for line in lines if line.startswith("ln V")]
    (stages,) = [line for line in lines if line.startswith("stage ") and "1" in line]
    (induction,) = [line for line in lines if line.startswith("ind ")]
    first = stages.index("2")
    assert "╌" not in top[10 : first - 6] and set(top[first + 2 :]) == {"╌"}
    assert set(induction[10 : first - 8]) == {"▁"} and set(induction[first + 20 :]) <= set("▆▇█")
    assert stages.index("1") == 10 < stages.index("2") < stages.index("3")


def test_a_card_without_curve_or_stages_has_no_empty_chart():
    card, config, curve = read_card(TINY), load_checkpoint(TINY).config, read_curve(TINY)
    assert "during training" not in text(card_view(card, config, [], 80), 80)
    alike = [{**line, "stage": 0} for line in curve]
    assert "\nstage" not in text(card_view(card, config, alike, 80), 80)


def test_a_card_tells_of_its_other_seeds():
    card, config = read_card(TINY), load_checkpoint(TINY).config
    other = json.loads(json.dumps(card["scores"])) | {"second_copy_loss": 0.77}
    others = [
        {"seed": 8, "scores": other},
        {"seed": 9, "scores": other | {"second_copy_loss": 7.0, "prose_loss": 3.21}},
    ]
    drawn = joined(text(card_view(card | {"other_seeds": others}, config, [], 140), 140))
    assert "seed 8 second copy 0.77, top-1 accuracy 99 %; copied text" in drawn
    assert "seed 9 text 3.21" in drawn


def test_a_model_that_does_not_copy_is_shown_by_its_text():
    card, curve = read_card(TINY), read_curve(TINY)
    flat = {"first_copy_loss": 6.0, "second_copy_loss": 6.1}
    drawn = text(
        card_view(
            card | {"scores": card["scores"] | flat},
            load_checkpoint(TINY).config,
            [line | flat | {"induction": [], "previous_token": []} for line in curve],
            80,
        ),
        80,
    )
    assert "The text's loss during training" in drawn
    assert "direct path" in drawn and "ablating a head" not in drawn


@pytest.mark.parametrize("width", WIDTHS)
def test_a_finished_run_is_set_beside_the_bundled_model(width):
    card, config, curve = read_card(TINY), load_checkpoint(TINY).config, read_curve(TINY)
    mine = json.loads(json.dumps(card))
    mine["scores"]["second_copy_loss"] = 0.5
    beside = joined(text(trained_view(mine, card, config, curve, "./mine", width), width))
    assert "0.50" in beside and "0.05" in beside and "bundled" in beside
    assert "rung heads ./mine" in beside and "rung models ./mine" in beside
    alone = joined(text(trained_view(mine, None, config, curve, "./mine", width), width))
    assert "bundled" not in alone


def test_a_model_without_layers_is_not_sent_to_heads():
    card, curve = read_card(TINY), read_curve(TINY)
    config = replace(load_checkpoint(TINY).config, n_layers=0)
    assert "rung board ./flat" in text(trained_view(card, None, config, curve, "./flat", 80), 80)
    assert "no attention" in text(card_view(card, config, curve, 80), 80)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_live_curve_says_every_measure(width):
    recipe = replace(RECIPES["two-layer-tiny"], steps=400, measure_every=25, keep=())
    first = told(0, 0, second_copy_loss=6.2).scores
    drawn = joined(text(live_view(recipe, [first, told().scores], width), width))
    for said in ("step 100 of 400, stage 2/3", "2 min to go", "1.25", "6.50", "4.00", "0.75 (1.0)", "0.90 (0.0)"):
        assert said in drawn or width == 40
    assert "to go" not in text(live_view(recipe, [first], width), width)


def test_a_model_without_heads_has_no_heads_in_its_line():
    recipe, bare = RECIPES["zero-layer"], told(induction=[], previous_token=[])
    assert "induction" not in progress_line(recipe, replace(bare, stage=0))
    assert "induction" not in text(live_view(recipe, [{**bare.scores, "stage": 0}], 80), 80)


def test_a_log_has_one_line_a_measurement():
    assert progress_line(RECIPES["two-layer-tiny"], told()) == (
        "step 100/400 · stage 2/3 · second copy 1.25 · first 6.50 · text 4.00 · induction 1.0 0.75 · "
        "previous 0.0 0.90 · 30 s"
    )


def test_beginning_and_interruption_say_what_matters():
    recipe = RECIPES["two-layer-tiny"]
    assert "seed 3, 1 thread (" in begin_line(recipe, 3, 1, "./out", False)
    assert "resuming in ./out" in begin_line(recipe, 3, 2, "./out", True)
    assert "starts again" in interrupted_line(None, 400, False)
    assert interrupted_line(100, 400, False).endswith("step 100 of 400; the same command resumes from there")
    assert "without --fresh resumes" in interrupted_line(100, 400, True)


def test_a_spark_is_as_high_as_its_values():
    assert spark([0.0, 0.5, 1.0, 2.0], 1.0, 10) == "▁▄██"
    assert spark([0.0, 0.0, 1.0, 1.0], 1.0, 2) == "▁█"
