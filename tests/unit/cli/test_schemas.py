"""What every command prints with --json, held against its published schema."""

import copy
import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from rung import cli
from rung.cli.formats import FORMATS
from rung.cli.schemas import TYPES, schema
from rung.evidence.record import VERSION

ROOT = Path(__file__).parents[3]
TINY = "two-layer-tiny"
RECORDS = [str(ROOT / "examples" / "records" / f"{name}.json") for name in ("one-layer", TINY, "two-layer")]
PROMPTS = ("--clean", "the man and the", "--corrupted", "the war and the", "--answer", " man", "--other", " war")
TEXT = "the man and the man"
FEW = ("--sequences", "2")
CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "ablate": ("ablate", ("ablate", TINY, *FEW)),
    "ablate together": ("ablate-heads", ("ablate", TINY, *FEW, "--heads", "0.0,1.0", "--by", "resample")),
    "ablate by zero": ("ablate-heads", ("ablate", TINY, *FEW, "--heads", "0.0", "--by", "zero")),
    "ablate a shard": ("sweep", ("ablate", "two-layer", *FEW, "--shard", "1/2", "--store", "{folder}/store")),
    "worker": ("sweep", ("worker", "{folder}/store")),
    "attribute": ("attribute", ("attribute", "two-layer", "--text", TEXT, "--answer", " the")),
    "attribute a difference": (
        "attribute",
        ("attribute", "two-layer-full", "--text", TEXT, "--answer", " the", "--other", " of"),
    ),
    "board": ("board", ("board", TINY, *FEW)),
    "doctor": ("doctor", ("doctor",)),
    "diff": ("diff", ("diff", RECORDS[1], RECORDS[2])),
    "diff of three": ("diff-series", ("diff", *RECORDS)),
    "heads": ("heads", ("heads", TINY, *FEW)),
    "inspect": ("inspect", ("inspect", "two-layer-full")),
    "inspect a hook": ("hooks", ("inspect", TINY, "--hook", "pattern")),
    "inspect no layers": ("inspect", ("inspect", "zero-layer")),
    "models": ("models", ("models",)),
    "model": ("model", ("models", TINY)),
    "patch streams": ("patch", ("patch", "two-layer", *PROMPTS)),
    "patch heads": ("patch", ("patch", "two-layer", *PROMPTS, "--site", "z")),
    "patch positions": ("patch", ("patch", "two-layer", *PROMPTS, "--site", "z", "--by", "position")),
    "prove": ("record", ("prove", "induction", "--model", TINY, "--sequences", "16")),
    "recipes": ("recipes", ("train",)),
    "soundness": ("soundness", ("bench", "soundness", "--quick", "--finished", "--store", "{folder}/none")),
    "weights ov": ("weights", ("weights", TINY, "--top", "2")),
    "weights qk": ("weights", ("weights", TINY, "--kind", "qk", "--heads", "1.0")),
    "weights svd": ("weights", ("weights", TINY, "--kind", "svd", "--heads", "1.0")),
    "weights skip-trigrams": ("weights", ("weights", TINY, "--kind", "skip-trigrams", "--heads", "0.0")),
    "composition": ("composition", ("weights", TINY, "--kind", "composition")),
    "why-attend": ("why-attend", ("why-attend", "two-layer", "1.0", "-1", "3", "--text", TEXT)),
    "why-not": ("why-not", ("why-not", "1.1", "--model", TINY, "--sequences", "16")),
}


def printed(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(cli.app, [*arguments, "--json"])
    assert result.exit_code in (0, 1), result.output
    return json.loads(result.stdout)


def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema(name))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("json")


@pytest.mark.parametrize("case", CASES)
def test_what_a_command_prints_has_its_schema(case: str, folder: Path) -> None:
    name, command = CASES[case]
    if case == "worker":
        printed(*(word.format(folder=folder) for word in CASES["ablate a shard"][1]))
    found = printed(*(word.format(folder=folder) for word in command))
    assert found["format"] == f"rung {name}" and found["version"] == FORMATS[name].version
    check = validator(name)
    check.validate(found)
    for field in set(found) - {"layer", "head", "position"}:
        assert not check.is_valid({key: value for key, value in found.items() if key != field}), field
    assert not check.is_valid(found | {"another": 1})
    assert not check.is_valid(found | {"version": FORMATS[name].version + 1})


def test_a_trained_model_and_a_verified_record_have_theirs(folder: Path) -> None:
    recipe = json.loads(CliRunner().invoke(cli.app, ["train", TINY, "--show"]).stdout)
    recipe |= {"steps": 2, "measure_every": 1, "keep": [], "name": "brief", "stages": recipe["stages"][:1]}
    recipe["stages"][0]["until"] = None
    (folder / "brief.json").write_text(json.dumps(recipe))
    validator("train").validate(
        printed("train", "--config", str(folder / "brief.json"), "--out", str(folder / "brief"), "--quiet")
    )
    validator("model").validate(printed("models", str(folder / "brief")))
    record = printed("prove", "induction", "--model", "zero-layer", "--sequences", "16")
    (folder / "record.json").write_text(json.dumps(record))
    validator("verify").validate(printed("verify", str(folder / "record.json"), "--quiet"))


def test_what_a_fetched_model_and_planted_models_give_has_its_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from rung.evidence import soundness
    from rung.model import fetch

    there = SimpleNamespace(path=Path("models/one"), notes=("kept as float32",))
    monkeypatch.setattr(fetch, "fetch_model", lambda *_: there)
    validator("fetch").validate(printed("fetch", "one"))
    result = soundness.Result("true", "plain", 0, 4, 4, "", "0f" * 16, 1.5)
    monkeypatch.setattr(soundness, "run_cases", lambda *_, **__: [result])
    found = printed("bench", "soundness", "--quick", "--quiet")
    validator("soundness").validate(found)
    assert found["results"][0]["verdict"] == 4


def objects(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        if part.get("type") == "object":
            yield part
        for value in part.values():
            yield from objects(value)
    elif isinstance(part, list):
        for value in part:
            yield from objects(value)


@pytest.mark.parametrize("name", TYPES)
def test_a_schema_allows_no_field_that_it_does_not_name(name: str) -> None:
    found = schema(name)
    jsonschema.Draft202012Validator.check_schema(found)
    for part in objects(found):
        named, free = "properties" in part, part.get("additionalProperties")
        assert free is False if named else isinstance(free, dict) and free, part


def test_a_nested_change_is_seen() -> None:
    found = printed("heads", TINY, "--sequences", "2")
    changed = copy.deepcopy(found)
    changed["heads"]["1.0"]["prefix"] = 0.5
    assert validator("heads").is_valid(found) and not validator("heads").is_valid(changed)


def test_every_format_is_published_as_it_is_printed() -> None:
    scripts = runpy.run_path(str(ROOT / "scripts" / "schemas.py"))
    for path, text in scripts["published"]().items():
        assert (ROOT / "docs" / path).read_text("utf-8") == text, f"run scripts/schemas.py: {path}"
    assert {file.name for file in (ROOT / "docs" / "schemas").iterdir()} == {f"{name}.schema.json" for name in TYPES}
    assert set(FORMATS) == {*TYPES, "record"} and FORMATS["record"].version == VERSION


def test_the_command_lists_and_prints_them() -> None:
    listed = CliRunner().invoke(cli.app, ["schema"])
    assert listed.exit_code == 0 and all(name in listed.stdout for name in FORMATS)
    for name in ("heads", "record"):
        result = CliRunner().invoke(cli.app, ["schema", name])
        assert json.loads(result.stdout) == schema(name)
    unknown = CliRunner().invoke(cli.app, ["schema", "head"])
    assert unknown.exit_code == 2 and "Near names: heads" in unknown.stderr


def test_every_command_with_json_is_tested() -> None:
    import typer

    whole = typer.main.get_command(cli.app)
    known = {command[0] for _, command in CASES.values()} | {"train", "verify", "fetch", "bench"}
    speaks = {
        name
        for name, command in whole.commands.items()
        if any(
            "--json" in one.opts
            for each in (command, *getattr(command, "commands", {}).values())
            for one in each.params
        )
    }
    assert speaks == known
