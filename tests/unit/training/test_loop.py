import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from rung.config import ModelConfig
from rung.engine.weights import flatten
from rung.errors import CheckpointError, RungError
from rung.model.model import HookedTransformer
from rung.training import checkpoints, loop, read_card, read_curve
from rung.training.corpus import Mix
from rung.training.recipes import RECIPES, Recipe, Stage

CONFIG = ModelConfig(
    n_layers=2,
    d_model=32,
    n_heads=2,
    d_head=16,
    d_vocab=64,
    n_ctx=32,
    normalization_type=None,
    positional_embedding_type="shortformer",
    bos_token_id=0,
    default_prepend_bos=True,
)
FIRST = Mix(window=16, rows=8, repeated=0.75)
SMALL = Recipe(
    name="small",
    about="Too small to learn anything.",
    config=CONFIG,
    stages=(
        Stage(mix=FIRST, until=0.0),
        Stage(mix=replace(FIRST, window=32, prefix=0.5, offset=True)),
    ),
    steps=12,
    synthetic=True,
    head_scale=((1.0, 0.3),) * 2,
    measure_every=4,
    keep=(0, 8),
)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in (".safetensors", ".jsonl")
    }


def without_time(folder: Path) -> dict[str, object]:
    out: dict[str, object] = dict(files(folder))
    lines = [json.loads(line) for line in (folder / "curve.jsonl").read_text().splitlines()]
    return out | {"curve.jsonl": [{**line, "seconds": 0} for line in lines]}


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        loop.train(SMALL, tmp_path / name, seed=seed)
    assert without_time(tmp_path / "a") == without_time(tmp_path / "b")
    assert without_time(tmp_path / "a") != without_time(tmp_path / "c")


@pytest.mark.parametrize("at", [0, 3, 4, 7, 11])
def test_an_interrupted_run_ends_with_the_bits_of_an_uninterrupted_one(tmp_path, monkeypatch, at):
    loop.train(SMALL, tmp_path / "whole", seed=1)
    step = loop.take_step

    def interrupted(run: loop.Run) -> None:
        if run.step == at:
            raise KeyboardInterrupt
        step(run)

    monkeypatch.setattr(loop, "take_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        loop.train(SMALL, tmp_path / "cut", seed=1)
    assert (tmp_path / "cut" / loop.PROGRESS).exists()
    monkeypatch.setattr(loop, "take_step", step)
    told = []
    loop.train(SMALL, tmp_path / "cut", seed=1, progress=told.append)
    assert without_time(tmp_path / "cut") == without_time(tmp_path / "whole")
    assert [each.step for each in told] == [s for s in (0, 4, 8, 12) if s > at // 4 * 4]


def test_what_a_run_leaves(tmp_path):
    told = []
    result = loop.train(SMALL, tmp_path / "out", progress=told.append)
    left = sorted(str(path.relative_to(result.folder)) for path in result.folder.rglob("*.*"))
    assert left == [
        "README.md",
        "card.json",
        "checkpoints/step-00000/config.json",
        "checkpoints/step-00000/model.safetensors",
        "checkpoints/step-00008/config.json",
        "checkpoints/step-00008/model.safetensors",
        "config.json",
        "curve.jsonl",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert [(each.step, each.steps, each.stage) for each in told] == [
        (0, 12, 0),
        (4, 12, 1),
        (8, 12, 1),
        (12, 12, 1),
    ]
    card = read_card(result.folder)
    assert card == json.loads(json.dumps(result.card))
    assert read_curve(result.folder) == [each.scores for each in told]
    assert list(checkpoints(result.folder)) == [0, 8]
    assert card["seed"] == 0 and card["steps"] == 12 and card["head_scale"] == [[1.0, 0.3]] * 2
    assert card["stages_entered_at_steps"] == [0, 0]
    model = HookedTransformer.from_pretrained_no_processing(result.folder)
    assert model.config == replace(CONFIG, model_name="small")
    assert model.to_str_tokens("ba be")[0] == "<|bos|>"
    weights = load_file(result.folder / "model.safetensors")
    assert {each.dtype for each in weights.values()} == {torch.float16}
    assert "curriculum" in (result.folder / "README.md").read_text()


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains_and_gets_a_card(name, tmp_path):
    """A few steps of each, on the made-up language, narrowed to be quick."""
    recipe = RECIPES[name]
    rotary = recipe.config.rotary and replace(recipe.config.rotary, dim=8)
    mlp = recipe.config.d_mlp and 32
    config = replace(recipe.config, d_vocab=512, d_model=32, d_head=8, n_ctx=64, d_mlp=mlp, rotary=rotary)
    stages = tuple(
        replace(stage, mix=replace(stage.mix, rows=4, window=min(64, stage.mix.window)), until=stage.until and 0.0)
        for stage in recipe.stages
    )
    result = loop.train(
        replace(recipe, config=config, stages=stages, steps=8, measure_every=2, synthetic=True, keep=()), tmp_path
    )
    page = (result.folder / "README.md").read_text(encoding="utf-8")
    assert "second copy loss" in page and ("ablation rise |" in page) == (config.n_layers > 0)
    assert len(result.card["stages_entered_at_steps"]) == len(stages)


def test_head_scale_scales_a_heads_start_and_its_steps():
    """A leaf scaled by s moves the weight by s times AdamW's step, which has no memory of scale."""
    alike = replace(SMALL, head_scale=None, weight_decay=0.0)
    moved = {}
    for recipe in (alike, replace(alike, head_scale=((1.0, 0.25),) * 2)):
        run = loop.begin(recipe, 0, loop.find_corpus(recipe, None))
        before = {name: each.detach().clone() for name, each in flatten(CONFIG, run.weights)}
        loop.take_step(run)
        after = dict(flatten(CONFIG, run.weights))
        moved[recipe.head_scale] = (
            before["blocks.1.attn.W_V"],
            after["blocks.1.attn.W_V"].detach() - before["blocks.1.attn.W_V"],
        )
    (start, step), (scaled_start, scaled_step) = moved.values()
    assert torch.equal(scaled_start[0], start[0])
    assert torch.allclose(scaled_start[1], start[1] * 0.25)
    size = step.abs().median()
    assert torch.isclose(scaled_step[0].abs().median(), size, rtol=1e-3)
    assert torch.isclose(scaled_step[1].abs().median(), size * 0.25, rtol=1e-3)


def test_a_silenced_head_is_one_of_the_last_layer_and_writes_nothing():
    run = loop.begin(SMALL, 0, loop.find_corpus(SMALL, None))
    weights = loop.without_head(run.weights, 1)
    first, last = weights["W_O"]
    assert torch.equal(first, run.weights["W_O"][0])
    assert torch.equal(last[0], run.weights["W_O"][1][0]) and (last[1] == 0).all()
    (taught, plain) = (loop.begin(replace(SMALL, silence=p), 0, run.corpus) for p in (1.0, 0.0))
    loop.take_step(taught), loop.take_step(plain)
    pairs = zip(flatten(CONFIG, taught.leaves), flatten(CONFIG, plain.leaves), strict=True)
    assert not all(torch.equal(one, other) for (_, one), (_, other) in pairs)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"recipe": replace(SMALL, steps=13)}, "another recipe"),
        ({"seed": 2}, "another seed"),
    ],
)
def test_progress_of_another_run_is_refused(tmp_path, monkeypatch, change, says):
    asked = {"recipe": SMALL, "seed": 1}
    interrupt(monkeypatch, tmp_path, **asked)
    asked |= change
    with pytest.raises(CheckpointError, match=says) as caught:
        loop.train(asked["recipe"], tmp_path, seed=asked["seed"])
    assert "\n" not in str(caught.value)


def test_progress_that_is_no_checkpoint_is_refused_and_can_be_passed_over(tmp_path):
    (tmp_path / loop.PROGRESS).write_bytes(b"not this")
    with pytest.raises(CheckpointError, match="delete it to start again"):
        loop.train(SMALL, tmp_path)
    assert loop.train(SMALL, tmp_path, resume=False).folder == tmp_path


def interrupt(monkeypatch, out: Path, recipe: Recipe, seed: int) -> None:
    def stop(run: loop.Run) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(loop, "take_step", stop)
        loop.train(recipe, out, seed=seed)


def test_a_finished_model_is_not_written_over(tmp_path):
    loop.train(SMALL, tmp_path)
    with pytest.raises(RungError, match="already holds a finished model"):
        loop.train(SMALL, tmp_path)


def test_a_folder_that_cannot_be_written_is_found_out_before_training(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RungError, match="cannot write to"):
        loop.train(SMALL, tmp_path / "file" / "out")


def test_a_run_begun_afresh_keeps_nothing_of_the_interrupted_one(tmp_path, monkeypatch):
    interrupt(monkeypatch, tmp_path, recipe=SMALL, seed=1)
    assert (tmp_path / "checkpoints" / "step-00000").exists()
    loop.train(replace(SMALL, keep=(4,)), tmp_path, seed=2, resume=False)
    assert list(checkpoints(tmp_path)) == [4]
    assert {line["step"] for line in read_curve(tmp_path)} == {0, 4, 8, 12}


def test_a_folder_is_looked_at_before_the_corpus_is_read(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(loop, "find_corpus", lambda *_: pytest.fail("the corpus was read"))
    with pytest.raises(RungError, match="file is not a folder; choose another folder"):
        loop.train(SMALL, tmp_path / "file" / "out")


def test_the_learning_rate_ends_at_its_share_of_the_peak():
    recipe = replace(SMALL, steps=300, learning_rate_end=0.25)
    run = loop.begin(recipe, 0, loop.find_corpus(recipe, None))
    found = []
    for step in (0, 100, 299):
        run.step = step
        loop.take_step(run)
        found.append(run.optimizer.param_groups[0]["lr"] / recipe.learning_rate)
    assert found == pytest.approx([0.01, 0.25 + 0.75 * 0.75, 0.25], abs=1e-3)


def test_training_that_diverges_says_so(tmp_path):
    with pytest.raises(RungError, match="diverged: at step 4 the loss is nan; a smaller learning_rate"):
        loop.train(replace(SMALL, learning_rate=1e30), tmp_path)


def test_text_recipes_need_a_corpus_and_made_up_ones_refuse_it(tmp_path):
    with pytest.raises(RungError, match=r"no corpus was given: `make corpus`"):
        loop.train(RECIPES["two-layer"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(RungError, match="without text"):
        loop.train(SMALL, tmp_path / "out", corpus=tmp_path / "text")


@pytest.mark.slow
def test_a_tiny_model_goes_through_its_phase_change(tmp_path):
    """For real, in well under two minutes: nothing for a while, then both heads and the second copy at once."""
    recipe = replace(RECIPES["two-layer-tiny"], steps=1000, keep=())
    told = []
    loop.train(recipe, tmp_path, progress=told.append)
    curve = {each.step: each.scores for each in told}
    early, late = curve[250], curve[1000]
    assert early["second_copy_accuracy"] < 0.05 and early["second_copy_loss"] > 0.9 * math.log(512)
    assert max(early["induction"][1]) < 0.1 and max(early["previous_token"][0]) < 0.2
    assert late["second_copy_accuracy"] > 0.9 and late["second_copy_loss"] < 1.0
    assert late["induction"][1][0] > 0.6 > 0.1 > late["induction"][1][1]
    assert late["previous_token"][0][0] > 0.4 > 0.2 > late["previous_token"][0][1]
    assert [each.stage for each in told] == sorted(each.stage for each in told) and told[-1].stage == 2


def test_a_folder_without_card_says_so(tmp_path):
    for read in (read_card, read_curve):
        with pytest.raises(CheckpointError, match="can be read from"):
            read(tmp_path)
    assert checkpoints(tmp_path) == {}
