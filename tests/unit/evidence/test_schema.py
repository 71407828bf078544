"""The published JSON Schema: it accepts what `prove` writes, refuses what is broken, and knows every field."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rung.evidence.observation import Floors, Outcome
from rung.evidence.record import VERSION, record
from rung.views.wording import verdict_sentence

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "record.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def written(proof) -> dict[str, Any]:
    return record(proof, verdict_sentence(proof)).to_dict()


def test_it_is_a_schema_of_this_version():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["version"]["const"] == VERSION


@pytest.mark.parametrize(
    "changes",
    [
        {"shown": True},
        {"text": "0f" * 32, "shown": True},
        {"outcomes": {"behaviour.gain": Outcome.FAILS}},
        {"outcomes": {"support.interchange": Outcome.NOT_RUN}},
        {"heads": {"induction": ((1, 0),)}},
        {"floors": Floors(clue=0.2)},
    ],
)
def test_what_is_written_is_valid(proof, changes):
    VALIDATOR.validate(written(proof(**changes)))


def objects(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all objects whose entries have fixed names."""
    free = {"config", "versions", "first", "means", "controls", "notes", "floors_changed"}
    if isinstance(value, dict):
        yield path
        for name, one in value.items():
            if name not in free:
                yield from objects(one, (*path, name))
    elif isinstance(value, list) and value:
        yield from objects(value[0], (*path, 0))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def test_a_field_that_is_missing_or_new_is_refused_everywhere(proof):
    found = written(proof(outcomes={"mechanism.ov": Outcome.FAILS}))
    paths = list(objects(found))
    assert len(paths) > 8
    for path in paths:
        new = copy.deepcopy(found)
        at(new, path)["unheard of"] = 1
        assert not VALIDATOR.is_valid(new), path
        for name in at(found, path):
            less = copy.deepcopy(found)
            del at(less, path)[name]
            assert not VALIDATOR.is_valid(less), (path, name)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), 3), (("format",), "other"), (("verdict", "rung"), 5), (("model", "checkpoint"), "0f"),
        (("claim", "roles", 0, "heads", 0), "a.b"), (("measurements", 0, "outcome"), "passes"),
        (("measurements", 0, "checks", 0, "value"), "many"), (("run", "looks"), []),
    ],
)  # fmt: skip
def test_what_is_broken_is_refused(proof, path, value):
    found = written(proof())
    at(found, path[:-1])[path[-1]] = value
    assert not VALIDATOR.is_valid(found)


def test_the_package_has_the_same():
    from rung.cli.schemas import schema

    assert schema("record") == SCHEMA
