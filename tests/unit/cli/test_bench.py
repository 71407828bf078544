import json

import pytest
from typer.testing import CliRunner

from rung import cli
from rung.evidence import soundness
from rung.evidence.soundness import Case

CASES = [Case("same_layer", "attention_only", 0), Case("early_only", "attention_only", 0)]


def invoke(*arguments: str):
    return CliRunner().invoke(cli.app, ["bench", "soundness", *arguments])


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(soundness, "plan", lambda seeds: CASES * seeds)
    monkeypatch.setattr(soundness, "quick_plan", lambda: CASES[:1])


def test_it_runs_keeps_and_shows(tmp_path):
    found = invoke("--seeds", "1", "--store", str(tmp_path), "--json")
    assert found.exit_code == 0, found.output
    said = json.loads(found.stdout)
    assert said["planned"] == 2 and [one["verdict"] for one in said["results"]] == [-2, 0]
    shown = invoke("--seeds", "1", "--store", str(tmp_path), "--finished")
    assert shown.exit_code == 0 and "2 planted models" in shown.stdout and "early_only" in shown.stdout
    assert len([*tmp_path.glob("*.jsonl")]) == 1


def test_shards_share_the_models():
    sizes = [
        len(json.loads(invoke("--seeds", "1", "--shard", one, "--json").stdout)["results"]) for one in ("1/2", "2/2")
    ]
    assert sizes == [1, 1]


def test_quick_is_the_subset():
    assert json.loads(invoke("--quick", "--json").stdout)["planned"] == 1


def test_a_verdict_above_the_truth_is_exit_code_1(monkeypatch):
    run = soundness.run_case
    monkeypatch.setattr(soundness, "run_case", lambda case: soundness.replace(run(case), verdict=4))
    found = invoke("--quick")
    assert found.exit_code == 1 and "same_layer, attention_only, seed 0: mechanism, true is refused" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--shard", "3/2"), "the shard is '3/2'"),
        (("--finished",), "say which with --store"),
        (("--seeds", "0"), "seeds"),
    ],
)
def test_bad_input_is_one_line(arguments, message):
    found = invoke(*arguments)
    assert found.exit_code == 2 and found.stdout == ""
    assert message in found.stderr and found.stderr.count("\n") == 1
