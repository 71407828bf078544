import json

import pytest
from typer.testing import CliRunner

from rung import cli
from rung.config import ModelConfig, Rotary
from rung.model.model import HookedTransformer


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "small"
    config = ModelConfig(
        n_layers=2, d_model=16, n_heads=4, d_head=4, d_vocab=30, n_ctx=16, positional_embedding_type="rotary",
        rotary=Rotary(dim=4), model_name="small",
    )  # fmt: skip
    HookedTransformer(config, seed=1).save_pretrained(path)
    return path


def invoke(*arguments):
    return CliRunner().invoke(cli.app, ["weights", *map(str, arguments)], env={"COLUMNS": "80", "NO_COLOR": "1"})


@pytest.mark.parametrize("kind", ["ov", "qk", "composition", "skip-trigrams", "svd"])
def test_every_kind_is_drawn_and_given_as_json(kind, folder):
    drawn = invoke(folder, "--kind", kind, "--heads", "1.2,0.3", "--top", 3)
    assert drawn.exit_code == 0, drawn.output
    assert "1.2" in drawn.stdout and "rows: " in drawn.stdout
    found = json.loads(invoke(folder, "--kind", kind, "--json", "--top", 3).stdout)
    assert found["kind"] == kind
    assert len(found["pairs" if kind == "composition" else "heads"]) == (48 if kind == "composition" else 8)


def test_a_sample_is_seeded_and_says_its_interval(folder):
    first, again, other = (
        json.loads(invoke(folder, "--sample", 7, "--seed", seed, "--json").stdout)["heads"]["0.0"] for seed in (1, 1, 2)
    )
    assert first == again != other
    assert first["low"] <= first["top1"] <= first["high"]
    assert "Sampled: 7 of 30 tokens" in " ".join(invoke(folder, "--sample", 7).stdout.split())


def test_a_distance_turns_queries_and_keys(folder):
    near, far = (json.loads(invoke(folder, "--kind", "qk", "--offset", n, "--json").stdout)["heads"] for n in (0, 9))
    assert near != far


def test_the_bundled_models_copying_head_is_seen():
    found = json.loads(invoke("two-layer", "--heads", "1.0,1.1", "--json", "--top", 1).stdout)["heads"]
    assert found["1.0"]["top1"] > 0.95 > 0.2 > found["1.1"]["top1"]
    assert found["1.0"]["eigenvalues"] > 0.9


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--kind", "mlp"), "kind is 'mlp'; known are ov, qk"),
        (("--heads", "2.0"), "no head 2.0"),
        (("--heads", "1"), "names no head"),
        (("--offset", "3"), "a distance turns queries and keys; ov reads neither"),
        (("--kind", "qk", "--offset", "16"), "distances are 0 to 15"),
        (("--sample", "31"), "a sample of 31 tokens; small has 30"),
        (("--kind", "svd", "--heads", "0.0", "--top", "31"), "there are 1 to 30"),
    ],
)
def test_bad_input_is_one_line(arguments, said, folder):
    result = invoke(folder, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr and result.stderr.count("\n") == 1
