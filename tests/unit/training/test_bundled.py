"""Each model that ships, against its own card."""

import json
import math
from pathlib import Path

import pytest
import torch

from rung.model.fetch import load_checkpoint
from rung.model.model import HookedTransformer
from rung.model.paths import BUNDLED
from rung.training import checkpoints, read_card, read_curve, scores
from rung.training.corpus import encode, synthetic_corpus
from rung.training.recipes import RECIPES

NATS = 2e-3
"""Losses of the same weights and tokens on another machine: sums in another order, then rounding."""
SHARE = 5e-3
"""Accuracies and attention: a few near-ties among 3,136 targets may fall the other way."""

NAMES = sorted(RECIPES)
PROSE = Path(__file__).parent / "held_out.txt"


def held_out(name: str) -> torch.Tensor:
    """The first held-out tokens, as the trainer kept them back."""
    read = load_checkpoint(name)
    if RECIPES[name].synthetic:
        return synthetic_corpus(read.config.d_vocab).held_out
    return encode(read.tokenizer.backend, PROSE.read_text(encoding="utf-8"))


def close(name: str, found: object, told: object) -> None:
    if isinstance(told, list):
        assert len(found) == len(told)
        for one, other in zip(found, told, strict=True):
            close(name, one, other)
    else:
        tolerance = NATS if "loss" in name else SHARE
        assert found == pytest.approx(told, abs=tolerance), name


def test_the_six_models_ship_and_are_small():
    assert sorted(path.parent.name for path in BUNDLED.glob("*/card.json")) == NAMES
    files = [path for path in BUNDLED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 12_000_000


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_those_of_the_card(name):
    config, weights, *_ = load_checkpoint(name)
    told = read_card(name)["scores"]
    found = scores.along_training(config, weights, held_out(name))
    assert set(found) <= set(told)
    for key, value in found.items():
        close(key, value, told[key])


def test_ablations_are_those_of_the_card():
    config, weights, *_ = load_checkpoint("two-layer-tiny")
    found = scores.ablations(config, weights, scores.random_repeats(config))
    assert found == pytest.approx(read_card("two-layer-tiny")["scores"]["ablation_rise"], abs=NATS)


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_where_the_model_comes_from(name):
    told, recipe = read_card(name), RECIPES[name]
    assert told["name"] == name and told["steps"] == recipe.steps
    assert told["head_scale"] == json.loads(json.dumps(recipe.head_scale))
    assert len(told["stages_entered_at_steps"]) == told["stages_planned"] == len(recipe.stages)
    assert told["seconds"] <= 1800
    if not recipe.synthetic:
        assert [each["licence"] != "" for each in told["data"]["packages"]] == [True] * 3
    page = (BUNDLED / name / "README.md").read_text(encoding="utf-8")
    assert name in page and ("curriculum" in page) == (len(recipe.stages) > 1)
    assert read_curve(name)[-1]["step"] == recipe.steps


@pytest.mark.parametrize("name", NAMES)
def test_a_model_loads_with_its_tokenizer_and_begins_with_bos(name):
    model = HookedTransformer.from_pretrained(name)
    words = "den klu spa" if RECIPES[name].synthetic else "The United States"
    tokens = model.to_tokens(words)
    assert tokens[0, 0] == 0 and model(tokens).isfinite().all()
    assert "".join(model.to_str_tokens(words, prepend_bos=False)).replace(" ", "") == (words.replace(" ", ""))
    assert next(model.parameters()).isfinite().all()


def gain(told: dict) -> float:
    return told["first_copy_loss"] - told["second_copy_loss"]


@pytest.mark.parametrize("name", ["two-layer", "two-layer-tiny"])
def test_one_head_of_each_layer_carries_induction(name):
    told = read_card(name)["scores"]
    (previous, *others), (induction, *rest) = told["previous_token"][0], told["induction"][1]
    assert previous > 0.98 and induction > 0.8 and max(others) < 0.1 and max(rest) < 0.1
    assert told["second_copy_loss"] < 0.2 and told["second_copy_accuracy"] > 0.98
    rise = told["ablation_rise"]
    guessing = math.log(RECIPES[name].config.d_vocab)
    assert all(told["second_copy_loss"] + rise[head] > guessing for head in ("0.0", "1.0"))
    n_heads = len(told["induction"][0])
    for head in (f"{layer}.{h}" for layer in (0, 1) for h in range(1, n_heads)):
        assert rise[head] < 0.05 * gain(told), head


@pytest.mark.parametrize("name", ["zero-layer", "one-layer", "two-layer"])
def test_three_seeds_come_to_much_the_same(name):
    card = read_card(name)
    assert [run["seed"] for run in (card, *card["other_seeds"])] == [0, 1, 2]
    for run in card["other_seeds"]:
        assert run["scores"] != card["scores"]
        for key in ("prose_loss", "prose_second_copy_loss"):
            assert run["scores"][key] == pytest.approx(card["scores"][key], abs=0.1)


def test_two_layer_finds_its_circuit_from_every_seed():
    card = read_card("two-layer")
    runs = [card, *card["other_seeds"]]
    for told in (run["scores"] for run in runs):
        assert told["second_copy_loss"] < 0.1 and told["second_copy_accuracy"] > 0.99
        assert told["prose_second_copy_loss"] < 1.2
        assert max(told["previous_token"][0]) > 0.99 and max(told["induction"][1]) > 0.89


def test_the_full_model_does_the_same_job_with_heads_that_share_a_role():
    told = read_card("two-layer-full")["scores"]
    assert sum(score > 0.9 for score in told["previous_token"][0]) == 2
    assert sum(score > 0.7 for score in told["induction"][1]) == 2
    assert told["second_copy_loss"] < 0.25 and told["second_copy_accuracy"] > 0.98
    rise = told["ablation_rise"]
    assert min(rise["0.*"], rise["1.*"]) > 0.85 * gain(told)
    assert max(rise["1.2"], rise["1.3"]) < 0.05 * gain(told)


def test_the_redundant_heads_cover_for_each_other():
    told = read_card("two-layer-redundant")["scores"]
    rise = told["ablation_rise"]
    assert min(told["induction"][1]) > 0.3
    assert all(rise[f"1.{h}"] < 0.1 * gain(told) for h in range(4))
    assert rise["1.*"] > 0.9 * gain(told)


def test_the_zero_layer_model_is_a_table_of_bigrams():
    told = read_card("zero-layer")["scores"]
    assert told["direct_path_correlation"] > 0.85 and told["direct_path_top1"] > 0.8


def test_tiny_ships_its_phase_change():
    kept = checkpoints("two-layer-tiny")
    assert tuple(kept) == RECIPES["two-layer-tiny"].keep and len(kept) >= 12
    by_step = {line["step"]: line for line in read_curve("two-layer-tiny")}
    for step, path in kept.items():
        config, weights, *_ = load_checkpoint(path)
        found = scores.repeat_scores(config, weights, scores.random_repeats(config))
        # the curve was measured before rounding to float16
        assert found["second_copy_loss"] == pytest.approx(by_step[step]["second_copy_loss"], abs=0.02)
    assert by_step[0]["second_copy_accuracy"] < 0.05
    assert by_step[2500]["second_copy_accuracy"] > 0.95


def test_the_one_layer_model_has_skip_trigrams_and_their_bug():
    listed = json.loads((BUNDLED / "one-layer" / "skip_trigrams.json").read_text(encoding="utf-8"))
    model = HookedTransformer.from_pretrained_no_processing("one-layer")
    assert len(listed["skip_trigrams"]) >= 5 and len(listed["bugs"]) >= 1
    for each in listed["bugs"]:
        assert each["model"] > 2 * each["text"] and each["right_after"] != each["destination"]
    for each in listed["skip_trigrams"]:
        assert each["model"] > 2 * each["model_without_source"]
        assert len(model.to_tokens(each["output"], prepend_bos=False)[0]) == 1
