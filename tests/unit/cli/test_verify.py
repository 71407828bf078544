"""`rung verify` as people call it: a record that holds, one that does not, and one that does not follow from itself."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rung import cli
from rung.config import ModelConfig
from rung.evidence.claim import find_claim
from rung.evidence.prove import prove
from rung.evidence.record import record as write_down
from rung.evidence.record import write_record
from rung.model.model import HookedTransformer
from rung.planted import plant
from rung.views.wording import verdict_sentence


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, str]:
    """A model that has learned nothing, and the record of its proof."""
    folder = tmp_path_factory.mktemp("verify")
    save(folder / "blank", seed=1)
    done = invoke("prove", "induction", "--model", folder / "blank", "--record", folder / "it.json")
    assert done.exit_code == 0, done.output
    return folder / "blank", (folder / "it.json").read_text("utf-8")


def save(path: Path, seed: int) -> Path:
    config = ModelConfig(
        n_layers=2, d_model=8, n_heads=2, d_head=4, d_vocab=60, n_ctx=32, bos_token_id=0, model_name="blank"
    )
    HookedTransformer(config, seed=seed).save_pretrained(path)
    return path


def invoke(*arguments: object):
    quiet = {"NO_COLOR": None, "FORCE_COLOR": None, "COLORTERM": None, "COLUMNS": "200"}
    return CliRunner().invoke(cli.app, list(map(str, arguments)), env=quiet)


def record(text: str, change=lambda found: None) -> str:
    found = json.loads(text)
    change(found)
    Path("it.json").write_text(json.dumps(found))
    return "it.json"


def test_a_record_that_holds_is_verified(made):
    model, text = made
    done = invoke("verify", record(text), "--model", model)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("Verified: 2 tests executed again on blank, all as recorded.")
    assert done.stderr == ""


def test_json_says_what_differs(made):
    model, text = made
    done = invoke("verify", record(text), "--model", model, "--json")
    found = {"record": "it.json", "verified": True, "differences": []}
    assert json.loads(done.stdout) == {"format": "rung verify", "version": 1, **found}


def test_a_test_that_was_left_out_is_named(made):
    """One that did not hold either, beside the one that stopped the verdict: the record still follows from itself."""
    done = invoke("verify", record(made[1], lambda found: found["measurements"].pop()), "--model", made[0])
    assert done.exit_code == 1
    assert "order among the remaining tokens · the model · test: not in the record recorded, run found" in done.stdout


def move(found):
    """A control that no floor holds: loading cannot know it."""
    found["measurements"][0]["controls"]["accuracy"] = 0.7


def test_a_number_that_moved_is_named(made):
    model, text = made
    done = invoke("verify", record(text, move), "--model", model)
    assert done.exit_code == 1
    assert "Not verified: 1 of the record's entries differ." in done.stdout
    assert "gain of the behaviour · the model · control: accuracy: 0.7 recorded" in done.stdout
    (found,) = json.loads(invoke("verify", record(text, move), "--model", model, "--json").stdout)["differences"]
    assert (found["test"], found["what"], found["recorded"]) == ("behaviour.gain", "control: accuracy", "0.7")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f["verdict"].update(sentence="Mechanism."), "its tests say 'Nothing to explain"),
        (lambda f: f["verdict"].update(rung=4, name="mechanism"), "verdict says mechanism"),
        (lambda f: f["measurements"].pop(0), "verdict says nothing to explain, stopped by"),
        (lambda f: f.update(version=1), "its format is version 1; this Rung reads version 2"),
    ],
)
def test_a_record_that_does_not_follow_from_itself_is_refused_before_anything_runs(made, change, said, monkeypatch):
    monkeypatch.setattr(cli.verify, "open_model", lambda *_: pytest.fail("a model was opened"))
    done = invoke("verify", record(made[1], change))
    assert done.exit_code == 1 and done.stdout == ""
    assert done.stderr.startswith("rung: the record it.json") and re.search(said, done.stderr)
    assert done.stderr.count("\n") == 1


@pytest.fixture(scope="module", params=["induction", "lookup", "previous_token", "copying"])
def proved(request, tmp_path_factory) -> tuple[Path, str]:
    """A planted circuit, and the record of a claim that it proves."""
    folder = tmp_path_factory.mktemp(request.param)
    planted = plant("circuit", 0)
    roles = dict(zip(("copying", *planted.heads), (planted.heads["induction"], *planted.heads.values()), strict=True))
    claim = find_claim(request.param)
    planted.model.save_pretrained(folder / "model")
    model = HookedTransformer.from_pretrained(str(folder / "model"))
    proof = prove(claim.with_heads({role.name: roles[role.name] for role in claim.roles}), model)
    assert proof.verdict.name == "mechanism"
    write_record(write_down(proof, verdict_sentence(proof)), folder / "it.json")
    return folder / "model", (folder / "it.json").read_text("utf-8")


def above_its_interval(found):
    found["measurements"][2]["checks"][0]["value"] += 0.5


def lower_floor(found):
    found["floors"]["clue"], found["floors_changed"] = 0.2, {"clue": 0.2}


def lower_verdict(found):
    found["verdict"].update(rung=3, name="causal support")


def other_head(found):
    """A head of the first role's layer that plays no role."""
    layer, head = map(int, found["claim"]["roles"][0]["heads"][0].split("."))
    return f"{layer}.{1 - head if head < 2 else 0}"


EDITED = {
    "a number": (
        above_its_interval,
        r"measurements\[2\]\.checks\[0\], 'score': its value .* lies outside its interval",
    ),
    "a floor": (lambda f: f["floors"].update(clue=0.2), "floors_changed does not say what floors says"),
    "a floor and its mention": (lower_floor, r"measurements\[\d+\].* its p is|Under other floors than the default"),
    "a floor that is none": (
        lambda f: f["floors"].update(alpha=2.0),
        "the floor alpha is 2; a probability of error between",
    ),
    "the verdict": (lower_verdict, "verdict says causal support, stopped by None; its tests give mechanism"),
    "the sentence": (lambda f: f["verdict"].update(sentence="Proved."), "says 'Proved.'; its tests say 'Mechanism"),
    "an outcome": (lambda f: f["measurements"][2].update(outcome="fails"), r"measurements\[2\].outcome is 'fails'"),
    "the checkpoint": (lambda f: f["model"].update(checkpoint="0f" * 32), "run.confirmation_seed is"),
    "a head": (lambda f: f["claim"]["roles"][0].update(heads=[other_head(f)]), "run.confirmation_seed is"),
    "where the heads are from": (lambda f: f["run"].update(heads="found by search"), "run.heads is 'found by search'"),
    "a newer version": (lambda f: f.update(version=3), "its format is version 3, of a newer Rung; this Rung reads"),
}


@pytest.mark.parametrize("command", ["verify", "report", "diff"])
@pytest.mark.parametrize("edit", [*EDITED, "cut short", "cut to half a line", "empty"])
def test_what_was_edited_is_named_in_one_line_by_every_command_that_reads_records(proved, edit, command, monkeypatch):
    monkeypatch.setattr(cli.verify, "open_model", lambda *_: pytest.fail("a model was opened"))
    text = proved[1]
    if edit in EDITED:
        change, said = EDITED[edit]
        record(text, change)
    else:
        said = r"it\.json is not a record: it is not JSON \("
        Path("it.json").write_text(text[: {"cut short": -3, "cut to half a line": 1000, "empty": 0}[edit]])
    Path("good.json").write_text(text)
    done = invoke(command, "it.json", *(["good.json"] if command == "diff" else []))
    assert done.exit_code == (1 if command == "verify" else 2), done.output
    assert done.stdout == "" and done.stderr.startswith("rung: ") and done.stderr.count("\n") == 1
    assert re.search(said, done.stderr), done.stderr
    assert sorted(path.name for path in Path().iterdir()) == ["good.json", "it.json"]


def test_a_record_of_each_claim_is_verified_and_a_number_that_nothing_derives_is_caught(proved):
    def move_maps(found):
        found["agreement"][0]["means"]["pattern"]["0.0"] += 0.01

    model, text = proved
    done = invoke("verify", record(text), "--model", model)
    assert done.exit_code == 0, done.output
    moved = invoke("verify", record(text, move_maps), "--model", model)
    assert moved.exit_code == 1 and "pattern of 0.0" in moved.stdout
    assert "Not verified: 1 of the record's entries differ." in moved.stdout


def test_other_weights_are_another_model(made, tmp_path):
    done = invoke("verify", record(made[1]), "--model", save(tmp_path / "other", seed=2))
    assert done.exit_code == 1
    assert "the record is about weights" in done.stderr and "another model" in done.stderr


def test_a_model_that_the_record_names_and_is_not_here_may_be_given(made):
    done = invoke("verify", record(made[1], lambda found: found["model"].update(name="someones-folder")))
    assert done.exit_code == 2 and "no folder 'someones-folder'" in done.stderr
    assert done.stderr.endswith("--model FOLDER says where it is\n")
    given = invoke("verify", "it.json", "--model", "nor-this-one")
    assert given.exit_code == 2 and "--model FOLDER" not in given.stderr


def test_what_is_not_there_is_bad_input(made):
    done = invoke("verify", "nowhere.json")
    assert done.exit_code == 2 and done.stderr == "rung: there is no record nowhere.json; rung prove writes one\n"
    assert invoke("verify").exit_code == 2
    assert invoke("verify", record(made[1]), "--model", "nowhere").exit_code == 2
