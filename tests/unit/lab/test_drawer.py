import json

import pytest
from typer.testing import CliRunner

from rung import cli
from rung.errors import RecordError
from rung.evidence.record import record
from rung.lab.drawer import FORMAT, MOST_PINS, VERSION, digest, drawer_proof, read_file, read_opened, save_text
from rung.views.wording import verdict_sentence

PIN = {
    "title": "</script><img onerror=alert(1)>",
    "rung": 3,
    "value": 0.86,
    "unit": "of the gain",
    "panel": "s08-measure",
    "computation": "measure.ablate",
    "ask": {"model": "two-layer", "heads": ["1.0"], "seed": 0},
    "low": 0.8,
    "high": 1,
    "holds": True,
}


@pytest.fixture
def proved(proof) -> dict:
    made = proof()
    return json.loads(record(made, verdict_sentence(made)).to_json())


def changed(text: str, change) -> bytes:
    found = json.loads(text)
    change(found)
    return json.dumps(found).encode()


def test_a_drawer_is_read_as_it_was_saved(proved, tmp_path):
    text = save_text({"pins": [PIN], "proof": proved})
    assert read_opened(text.encode(), "it") == {"drawer": {"pins": [PIN], "proof": proved}, "record": None}
    # However its JSON is laid out.
    assert read_opened(changed(text, lambda found: None), "it")["drawer"]["pins"] == [PIN]
    (tmp_path / "it.json").write_text(text, "utf-8")
    assert read_file(tmp_path / "it.json")["drawer"]["proof"] == proved
    found = drawer_proof(tmp_path / "it.json")
    assert found.to_dict() == proved


def test_a_record_is_opened_too(proved):
    text = json.dumps(proved)
    assert read_opened(text.encode(), "it") == {"drawer": None, "record": text}


def edit_value(found):
    found["pins"][0]["value"] = 0.87


def edit_outcome(found):
    found["pins"][0]["holds"] = False


def drop_a_pin(found):
    found["pins"].pop()


def add_a_proof(found):
    found["proof"] = {"format": "rung record"}


def rename_field(found):
    found["pins"][0]["worth"] = found["pins"][0].pop("value")


def no_digest(found):
    del found["digest"]


def next_version(found):
    found["version"] = 2


def other_format(found):
    found["format"] = "something else"


def more(found):
    found["more"] = 1


def upside_down(found):
    found["pins"][0].update(low=2, high=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit_value, "it was edited after it was saved"),
        (edit_outcome, "it was edited after it was saved"),
        (drop_a_pin, "it was edited after it was saved"),
        (add_a_proof, "the record in it cannot be read: version is missing"),
        (rename_field, r"it is not a drawer: Object .* `(value|worth)`.*\$\.pins\[0\]"),
        (no_digest, "it is not a whole drawer: digest is missing"),
        (next_version, "it is a drawer of version 2; this Rung reads version 1"),
        (other_format, "neither a drawer nor a record: its format is 'something else'"),
        (more, "it is not a drawer: Object contains unknown field `more`"),
        (upside_down, r"pins\[0\].low is above its high"),
    ],
)
def test_an_edited_or_foreign_file_is_refused(change, message):
    text = save_text({"pins": [PIN], "proof": None})
    with pytest.raises(RecordError, match=message):
        read_opened(changed(text, change), "it")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "neither a drawer nor a record: it is not text"),
        (b"{", r"neither a drawer nor a record: it is not JSON"),
        (b'{"format": "rung drawer", "format": "rung drawer"}', "'format' stands twice in one object"),
        (b"[1]", "its format is None"),
        (b'{"format": "rung drawer", "version": 1, "pins": [NaN]}', "NaN is no JSON number"),
        (b"[" * 100_000, "nested too deep"),
    ],
)
def test_what_is_no_json_object_is_refused(content, message):
    with pytest.raises(RecordError, match=message):
        read_opened(content, "it")


def test_a_proof_that_was_edited_is_named(proved):
    proved["measurements"][0]["checks"][0]["value"] = 0.5
    with pytest.raises(RecordError, match=r"the record in it cannot be read: measurements\[0\]"):
        read_opened(save_text_unchecked(proved).encode(), "it")
    with pytest.raises(RecordError, match=r"measurements\[0\]"):
        save_text({"pins": [], "proof": proved})


def save_text_unchecked(proved: dict) -> str:
    """A drawer whose digest fits, as an editor who knows the format would write it."""
    return json.dumps({"format": FORMAT, "version": VERSION, "pins": [], "proof": proved, "digest": digest([], proved)})


def test_a_drawer_has_room_for_so_many_pins():
    with pytest.raises(RecordError, match=f"holds {MOST_PINS + 1} pins; a drawer holds at most {MOST_PINS}"):
        save_text({"pins": [PIN] * (MOST_PINS + 1)})
    with pytest.raises(RecordError, match=r"Invalid enum value 5 - at `\$\.pins\[0\]\.rung`"):
        save_text({"pins": [PIN | {"rung": 5}]})


@pytest.mark.parametrize("ask", [10**400, "\ud800"])
def test_what_no_page_writes_is_refused(ask):
    whole = {"format": FORMAT, "version": VERSION, "pins": [PIN | {"ask": {"x": ask}}], "proof": None, "digest": ""}
    with pytest.raises(RecordError, match="holds what no page writes"):
        read_opened(json.dumps(whole).encode(), "it")


def test_a_file_that_cannot_be_read_says_so(tmp_path):
    with pytest.raises(RecordError, match="cannot be read: No such file"):
        read_file(tmp_path / "none.json")
    (tmp_path / "it.json").write_text("{}", "utf-8")
    assert drawer_proof(tmp_path / "it.json") is None
    (tmp_path / "it.json").write_text(save_text({"pins": [PIN], "proof": None}), "utf-8")
    with pytest.raises(RecordError, match="holds pins and no proof"):
        drawer_proof(tmp_path / "it.json")


def test_rung_verify_executes_the_proof_of_a_drawer_again(tmp_path, monkeypatch):
    from rung.config import ModelConfig
    from rung.model.model import HookedTransformer

    monkeypatch.chdir(tmp_path)
    config = ModelConfig(
        n_layers=2, d_model=8, n_heads=2, d_head=4, d_vocab=60, n_ctx=32, bos_token_id=0, model_name="blank"
    )
    HookedTransformer(config, seed=1).save_pretrained("blank")
    assert invoke("prove", "induction", "--model", "blank", "--record", "it.json").exit_code == 0
    proved = json.loads((tmp_path / "it.json").read_text("utf-8"))
    (tmp_path / "drawer.json").write_text(save_text({"pins": [PIN], "proof": proved}), "utf-8")
    done = invoke("verify", "drawer.json", "--model", "blank")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("Verified: 2 tests executed again on blank, all as recorded.")
    # Other weights: the proof is of another model.
    HookedTransformer(config, seed=2).save_pretrained("other")
    assert invoke("verify", "drawer.json", "--model", "other").exit_code == 1
    (tmp_path / "edited.json").write_bytes(changed((tmp_path / "drawer.json").read_text("utf-8"), edit_value))
    done = invoke("verify", "edited.json", "--model", "blank")
    assert done.exit_code == 1
    assert "edited.json was edited after it was saved" in done.stderr


def invoke(*arguments: str):
    return CliRunner().invoke(cli.app, list(arguments), env={"NO_COLOR": None, "FORCE_COLOR": None, "COLUMNS": "200"})
