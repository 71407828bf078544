"""Cards that tell of several seeds."""

import json

import pytest

from rung.errors import CheckpointError
from rung.model.paths import BUNDLED
from rung.training.card import page, read_card, seeds, with_seeds


@pytest.fixture
def card() -> dict:
    return read_card(BUNDLED / "two-layer-tiny") | {"seed": 0, "other_seeds": []}


def run(card: dict, **changes: object) -> dict:
    return json.loads(json.dumps(card)) | changes


def test_other_seeds_stand_beside_the_first_in_order(card):
    scores = card["scores"] | {"second_copy_loss": 0.777, "induction": [[0.0, 0.1], [0.2, 0.876]]}
    merged = with_seeds(card, [run(card, seed=7), run(card, seed=3, scores=scores)])
    assert [each["seed"] for each in merged["other_seeds"]] == [3, 7]
    told = page(merged)
    first = f"{card['scores']['second_copy_loss']:.3f}"
    assert "| measured | seed 0 | seed 3 | seed 7 |" in told
    assert f"| second copy loss | {first} | 0.777 | {first} |" in told
    rise = card["scores"]["ablation_rise"]["1.1"]
    assert f"1.1: 0.876, {rise:+.2f} nats" in told
    assert "| stages began at steps | 0 500 625 | 0 500 625 |" in told


def test_a_card_of_one_seed_has_no_table_of_seeds(card):
    assert list(seeds(card)) == [] and "seed 0 |" not in page(card)


def test_a_model_without_heads_is_compared_too():
    card = read_card(BUNDLED / "zero-layer") | {"seed": 0}
    told = page(with_seeds(card, [run(card, seed=1)]))
    assert "| direct path top1 |" in told and "best induction head" not in told and "stages began" not in told


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seed": 1, "steps": 5}, "seed 1 of two-layer-tiny differs from two-layer-tiny in steps"),
        ({"seed": 1, "threads": 7}, "differs from two-layer-tiny in threads"),
        ({"seed": 1, "name": "mine"}, "of mine differs"),
        ({}, "two runs of two-layer-tiny have the same seed"),
    ],
)
def test_runs_that_differ_in_more_than_the_seed_or_not_at_all_are_refused(card, changes, says):
    with pytest.raises(CheckpointError, match=says):
        with_seeds(card, [run(card, **changes)])
