import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from rung import cli
from rung.config import ModelConfig
from rung.model.model import HookedTransformer
from rung.training import RECIPES, Recipe, Stage, loop
from rung.training.corpus import Mix

CONFIG = ModelConfig(
    n_layers=2, d_model=16, n_heads=2, d_head=8, d_vocab=64, n_ctx=16, normalization_type=None,
    positional_embedding_type="shortformer", bos_token_id=0, default_prepend_bos=True,
)  # fmt: skip
SMALL = Recipe(
    name="small",
    about="Too small to learn anything.",
    config=CONFIG,
    stages=(Stage(mix=Mix(window=16, rows=4, repeated=0.75)),),
    steps=6,
    synthetic=True,
    measure_every=2,
)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Iterator[Path]:
    """An empty working folder with small.json; the number of threads is put back."""
    before = torch.get_num_threads()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.json").write_text(SMALL.to_json())
    yield tmp_path
    torch.set_num_threads(before)


def invoke(*arguments: object, charset: str = "utf-8", **environment: str):
    plain = {"NO_COLOR": None, "FORCE_COLOR": None, "COLORTERM": None, "COLUMNS": None}
    return CliRunner(charset=charset).invoke(cli.app, [str(a) for a in arguments], env=plain | environment)


def train(*arguments: object, **environment: str):
    return invoke("train", "--threads", 1, *arguments, **environment)


def complaint(*arguments: object) -> str:
    """The one line on stderr of a command that must end with exit code 2 and print nothing else."""
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("rung: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def interrupt(monkeypatch, at: int, *arguments: object):
    """`rung train` with Ctrl-C before step `at`."""
    step = loop.take_step

    def interrupted(run: loop.Run) -> None:
        if run.step == at:
            raise KeyboardInterrupt
        step(run)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "take_step", interrupted)
        result = train("--config", "small.json", *arguments)
    assert result.exit_code == 130
    assert result.stdout == ""
    return result


def test_a_run_ends_with_its_folder_its_scores_and_what_to_do_next():
    result = train("--config", "small.json")
    assert result.exit_code == 0, result.stderr
    assert "Trained small: 6 steps from seed 0" in result.stdout
    assert "rung heads ./small" in result.stdout
    begun, *log = result.stderr.splitlines()
    assert begun.startswith("small: ") and "1 thread (" in begun and begun.endswith("writing to ./small")
    assert [line.split()[1] for line in log] == ["0/6", "2/6", "4/6", "6/6"]
    assert HookedTransformer.from_pretrained("small").config.d_model == 16
    for command in ("heads", "board", "models", "inspect"):
        assert invoke(command, "small").exit_code == 0


def test_quiet_says_nothing_and_json_is_the_card_alone():
    result = train("--config", "small.json", "--quiet", "--json", "--out", "a/b", "--seed", 4)
    assert result.stderr == ""
    printed = json.loads(result.stdout)
    assert printed["folder"] == "a/b"
    assert printed["card"] == json.loads(Path("a/b/card.json").read_text())
    assert printed["card"]["seed"] == 4 and printed["card"]["threads"] == 1


@pytest.mark.parametrize("at", [1, 3, 5])
def test_interrupted_and_resumed_gives_the_same_bits(monkeypatch, at):
    train("--config", "small.json", "--out", "whole")
    result = interrupt(monkeypatch, at, "--out", "cut")
    kept = at // 2 * 2
    assert result.stderr.splitlines()[-1] == (
        f"rung: interrupted; saved up to step {kept} of 6; the same command resumes from there"
    )
    again = train("--config", "small.json", "--out", "cut")
    assert "resuming in ./cut" in again.stderr
    assert [line.split()[1] for line in again.stderr.splitlines()[1:]] == [f"{n}/6" for n in range(kept + 2, 7, 2)]
    weights = [Path(name, "model.safetensors").read_bytes() for name in ("whole", "cut")]
    assert weights[0] == weights[1]


def test_interrupted_again_before_anything_new_still_tells_what_is_kept(monkeypatch):
    interrupt(monkeypatch, 3)
    assert interrupt(monkeypatch, 2, "--quiet").stderr == (
        "rung: interrupted; saved up to step 2 of 6; the same command resumes from there\n"
    )


def test_interrupted_before_the_first_measurement(monkeypatch):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "find_corpus", stop)
    result = train("--config", "small.json")
    assert result.exit_code == 130
    assert result.stderr == "rung: interrupted before anything was saved; the same command starts again\n"


def test_fresh_begins_again(monkeypatch):
    interrupt(monkeypatch, 5)
    cut = interrupt(monkeypatch, 3, "--fresh")
    assert "step 0/6" in cut.stderr
    assert cut.stderr.endswith("the same command without --fresh resumes from there\n")
    again = train("--config", "small.json", "--fresh")
    assert again.exit_code == 0 and "step 0/6" in again.stderr


def test_progress_of_another_recipe_is_refused(monkeypatch, here):
    interrupt(monkeypatch, 3)
    (here / "other.json").write_text(replace(SMALL, steps=8).to_json())
    assert "another recipe" in complaint("train", "--config", "other.json", "--out", "small")
    assert "another seed" in complaint("train", "--config", "small.json", "--seed", 1)
    (here / "small" / loop.PROGRESS).write_bytes(b"not this")
    assert "delete it to start again" in complaint("train", "--config", "small.json")


def test_what_cannot_be_trained_is_one_line_and_exit_code_2(here):
    (here / "empty.txt").touch()
    (here / "binary.txt").write_bytes(bytes(range(256)))
    (here / "short.txt").write_text("Call me Ishmael.")
    (here / "bad.json").write_text("{")
    corpus = ("train", "two-layer", "--corpus")
    assert "Near names: two-layer" in complaint("train", "two-layers")
    assert "--corpus FILE. `make corpus`" in complaint("train", "two-layer")
    assert "no corpus at none.txt" in complaint(*corpus, "none.txt")
    assert "is empty" in complaint(*corpus, "empty.txt")
    assert "not UTF-8 text" in complaint(*corpus, "binary.txt")
    assert "Is a directory" in complaint(*corpus, ".")
    assert "too little text" in complaint(*corpus, "short.txt")
    assert "without text" in complaint("train", "two-layer-tiny", "--corpus", "short.txt")
    assert "cannot write to short.txt/x" in complaint("train", "--config", "small.json", "--out", "short.txt/x")
    assert "not a recipe" in complaint("train", "--config", "bad.json")
    assert "no recipe can be read" in complaint("train", "--config", "none.json")
    assert "which of the two?" in complaint("train", "two-layer", "--config", "small.json")
    assert "which recipe?" in complaint("train", "--out", "somewhere")
    assert "--seed" in complaint("train", "two-layer-tiny", "--seed", -1)
    assert "--threads" in complaint("train", "two-layer-tiny", "--threads", 0)
    assert {path.name for path in here.iterdir()} == {"small.json", "empty.txt", "binary.txt", "short.txt", "bad.json"}


def test_a_folder_that_cannot_be_entered_or_holds_a_model_is_refused(here):
    train("--config", "small.json")
    assert "already holds a finished model" in complaint("train", "--config", "small.json")
    closed = here / "closed"
    closed.mkdir(mode=0o500)
    if not os.access(closed, os.W_OK):
        assert "cannot write to closed" in complaint("train", "--config", "small.json", "--out", "closed")


@pytest.mark.parametrize("name", ["", "..", "../up", "/tmp/up", "a\\b"])
def test_a_recipes_name_chooses_no_folder_elsewhere(here, name):
    (here / "odd.json").write_text(replace(SMALL, name=name).to_json())
    assert "--out FOLDER" in complaint("train", "--config", "odd.json")
    assert train("--config", "odd.json", "--out", "here", "--quiet").exit_code == 0


def test_without_a_recipe_all_are_listed():
    out = invoke("train").stdout
    for name in RECIPES:
        assert name in out
    printed = json.loads(invoke("train", "--json").stdout)["recipes"]
    assert {name: Recipe.from_json(json.dumps(values)) for name, values in printed.items()} == RECIPES


def test_a_recipe_that_is_shown_can_be_given_back(here):
    (here / "mine.json").write_text(invoke("train", "two-layer-tiny", "--show").stdout)
    assert Recipe.from_json((here / "mine.json").read_text()) == RECIPES["two-layer-tiny"]


def test_the_thread_count_is_pinned(monkeypatch):
    seen = []
    monkeypatch.setattr(loop, "find_corpus", lambda *_: seen.append(torch.get_num_threads()) or 1 / 0)
    for arguments in ((), ("--threads", 3)):
        assert isinstance(invoke("train", "two-layer-tiny", *arguments).exception, ZeroDivisionError)
    assert seen == [1, 3]


def test_models_are_listed_and_one_card_shown():
    out = invoke("models").stdout
    assert "two-layer-tiny" in out and "102,400" in out and "gpt2" in out
    printed = json.loads(invoke("models", "--json").stdout)
    assert printed["models"]["two-layer"]["config"]["n_layers"] == 2
    assert printed["reads"]["gpt2"] == ["gpt2"]
    card = invoke("models", "two-layer-tiny").stdout
    assert "loss during training" in card and "stage" in card
    one = json.loads(invoke("models", "two-layer-tiny", "--json").stdout)
    assert one["curve"][0]["step"] == 0 and one["card"]["name"] == "two-layer-tiny"


def test_a_card_that_is_not_there_is_one_line(here):
    assert "Near names: two-layer" in complaint("models", "two-layr")
    assert "no card can be read" in complaint("models", ".")
    for text, said in (("[1]", "no card"), ("{}", "lacks 'name'"), ("{", "no card")):
        (here / "card.json").write_text(text)
        assert said in complaint("models", ".")


@pytest.mark.parametrize("command", ["train", "models"])
def test_help_teaches(command):
    out = invoke(command, "--help").stdout
    assert "Example" in out
    assert "How to read" in out
    assert "\\b" not in out
    assert "\n    rung train" in out or "\n    rung models" in out
    assert f"rung {command}" in out


@pytest.mark.parametrize("arguments", [("train",), ("models",), ("models", "two-layer-tiny")])
def test_narrow_plain_and_without_colour(arguments):
    result = invoke(*arguments, charset="ascii", COLUMNS="60")
    assert result.stdout.isascii() and "?" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 60
    colourful = {"FORCE_COLOR": "1", "COLORTERM": "truecolor"}
    assert "\033[" not in invoke(*arguments).stdout
    assert "\033[36m" not in invoke(*arguments, **colourful, NO_COLOR="1").stdout


@pytest.mark.parametrize("plain", [{}, {"TERM": "dumb"}])
def test_a_real_terminal_gets_a_curve_that_is_gone_in_the_end(plain):
    leader, follower = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "70", "LINES": "30", "NO_COLOR": "1"} | plain
    command = [sys.executable, "-m", "rung", "train", "--config", "small.json", "--threads", "1"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=follower, env=environment)
    os.close(follower)
    drawn = b""
    try:
        while read := os.read(leader, 65536):
            drawn += read
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(leader)
    out, _ = running.communicate()
    said = drawn.decode()
    assert running.returncode == 0
    assert "Trained small" in out.decode()
    assert "small: 4,352 parameters" in said
    if plain:
        assert "\033[" not in said and "step 6/6" in said
    else:
        assert "step 6 of 6, stage 1/1" in said and "█" in said and "ln V = 4.16" in said
        assert said.endswith("\033[1A\033[2K")
