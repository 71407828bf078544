"""The records under examples/: each follows from itself, the page says what they say, and an edited one is refused."""

import json
from pathlib import Path

import pytest

from rung.errors import RecordError
from rung.evidence.verify import verify
from rung.model.model import HookedTransformer
from rung.views.wording import read_record, verdict_sentence

ROOT = Path(__file__).parents[3]
RECORDS = sorted((ROOT / "examples" / "records").glob("*.json"))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_each_follows_from_itself_and_is_read_aloud(path, tmp_path):
    found = read_record(str(path))
    model = found.proof.model["name"]
    assert path.stem in (model, f"{found.proof.claim.name}-{model}")
    assert f"## {path.stem}\n" in (page := (ROOT / "docs" / "records.md").read_text("utf-8"))
    assert verdict_sentence(found.proof) in page
    edited = json.loads(path.read_text("utf-8"))
    check = edited["measurements"][0]["checks"][1]
    check["low"] = check["high"] + 1
    (tmp_path / "edited.json").write_text(json.dumps(edited))
    with pytest.raises(RecordError, match=r"measurements\[0\]"):
        read_record(str(tmp_path / "edited.json"))


@pytest.mark.parametrize("name", ["zero-layer", "one-layer", "skip_trigram-one-layer"])
def test_the_fast_ones_verify(name):
    proof = read_record(str(ROOT / "examples" / "records" / f"{name}.json")).proof
    again, differences = verify(proof, HookedTransformer.from_pretrained(proof.model["name"]))
    assert not differences and again.verdict == proof.verdict
