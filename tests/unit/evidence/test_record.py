import json
import math
import os
import stat
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.errors import ConfigError, RecordError
from rung.evidence.claim import INDUCTION
from rung.evidence.ladder import Agreement, Verdict
from rung.evidence.measurement import Floors, Measurement, Outcome
from rung.evidence.record import VERSION, Record, _measurement, _record, check_place, load_record, record, write_record


def test_what_is_written_is_what_is_read(proof, tmp_path):
    for one in (
        proof(),
        proof(claim=INDUCTION, agreement=(), measurements=(), verdict=Verdict(-1, "nothing to explain: …")),
        proof(claim=INDUCTION.with_heads({"induction": [(2, 3), (1, 10)]}), floors=Floors(gain=0.5, sequences=8)),
        proof(agreement=(Agreement("induction", ("1.0", "1.1"), {"pattern": "0.3"}),)),
    ):
        written = write_record(one, tmp_path / "it.json")
        assert load_record(tmp_path / "it.json") == written == Record(one, written.date)


def test_the_file_says_what_another_would_need_to_run_it_again(proof, tmp_path):
    write_record(proof(floors=Floors(clue=0.2)), tmp_path / "it.json")
    found = json.loads((tmp_path / "it.json").read_text())
    assert (found["format"], found["version"]) == ("rung record", VERSION)
    assert found["verdict"]["name"] == "mechanism"
    assert found["claim"]["roles"][1]["heads"] == ["1.0"]
    assert found["model"]["config"]["d_head"] == 6
    assert found["run"]["confirmation_seed"] == 7
    assert found["floors"]["clue"] == 0.2
    assert found["floors_changed"] == {"clue": 0.2}
    assert found["agreement"][0]["agrees"] is True
    gain = found["measurements"][0]
    assert gain | {"control": 0} == {
        "rung": "behaviour", "test": "gain", "subject": "the model", "outcome": "holds", "required": True, "value": 9.8,
        "unit": "nats", "n": 64, "interval": [9.7, 9.9], "p": 0.0001, "p_test": "paired sign flips", "floor": 1.0,
        "control": 0, "control_name": "", "said": "loss 9.88 → 0.07 nats",
    }  # fmt: skip
    assert found["date"].endswith("+00:00")


def test_a_verdict_above_its_own_tests_is_refused(proof, tmp_path):
    weak = Measurement(rung=0, test="gain", subject="the model", outcome=Outcome.FAILS, required=True)
    path = tmp_path / "it.json"
    path.write_text(record(proof(measurements=(weak,))).to_json())
    with pytest.raises(RecordError, match="its verdict says mechanism, and its tests carry nothing to explain at most"):
        load_record(path)


def test_numbers_that_are_not_finite_are_written_as_words(proof, tmp_path):
    odd = Measurement(
        rung=3, test="t", subject="s", outcome=Outcome.INCONCLUSIVE, required=True, value=math.inf, control=-math.inf,
        p=math.nan, interval=(-math.inf, math.nan),
    )  # fmt: skip
    nothing = Verdict(-1, "nothing to explain: it was not tested.")
    written = write_record(proof(measurements=(odd,), verdict=nothing), tmp_path / "it.json").to_json()
    for word in ("NaN", "Infinity"):
        assert word not in written
    assert json.loads(written)["measurements"][0]["interval"] == ["-inf", "nan"]
    found = load_record(tmp_path / "it.json").proof.measurements[0]
    assert (found.value, found.control) == (math.inf, -math.inf)
    assert math.isnan(found.p)
    assert math.isnan(found.interval[1])


@given(
    value=st.none() | st.floats(allow_nan=False),
    ends=st.none() | st.tuples(*[st.floats(allow_nan=False)] * 2),
    n=st.integers(0, 2**40),
    said=st.text(),
)
@settings(max_examples=20)
def test_any_measurement_survives(value, ends, n, said):
    one = Measurement(
        rung=2,
        test=said,
        subject=said,
        outcome=Outcome.FAILS,
        required=False,
        value=value,
        interval=ends,
        n=n,
        said=said,
    )
    plain = Record(_some_proof(one), "now").to_dict()["measurements"][0]
    assert _measurement("it", json.loads(json.dumps(plain, allow_nan=False))) == one


def _some_proof(one):
    from rung.evidence.ladder import Proof

    model = {"name": "m", "weights": "", "config": {}}
    return Proof(INDUCTION, model, Verdict(0, ""), (one,), (), {})


def test_an_existing_record_is_replaced_in_one_piece_and_a_link_stays_a_link(proof, tmp_path):
    target, link = tmp_path / "real.json", tmp_path / "link.json"
    write_record(proof(), target)
    link.symlink_to(target)
    check_place(link)
    write_record(proof(verdict=Verdict(1, "clue; …")), link)
    assert link.is_symlink()
    assert load_record(target).proof.verdict.rung == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "real.json"]


def test_its_permissions_are_those_of_any_new_file(proof, tmp_path):
    (tmp_path / "other").touch()
    write_record(proof(), tmp_path / "it.json")
    assert stat.S_IMODE(os.stat(tmp_path / "it.json").st_mode) == stat.S_IMODE(os.stat(tmp_path / "other").st_mode)


def test_nothing_is_left_behind_when_writing_fails(proof, tmp_path, monkeypatch):
    path = tmp_path / "it.json"
    write_record(proof(), path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(RecordError, match=r"cannot be written to .*it\.json: No space left"):
        write_record(proof(verdict=Verdict(1, "clue")), path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["it.json"]


def test_places_where_no_record_can_be_are_known_before(tmp_path, proof):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    os.mkfifo(tmp_path / "pipe")
    for place, said in {
        tmp_path / "nowhere" / "it.json": "No such file or directory",
        tmp_path / "file" / "it.json": "Not a directory",
        tmp_path / "folder": "it is not a file",
        tmp_path / "pipe": "it is not a file",
        tmp_path / "file": "is there and is not a record, so it is left as it is",
        tmp_path / ("long" * 100): "File name too long",
        "": "names no file",
        "/dev/null": "cannot be written",
    }.items():
        with pytest.raises(RecordError, match=said):
            check_place(place)
    assert (tmp_path / "file").read_text() == "mine"
    (tmp_path / "empty").touch()
    check_place(tmp_path / "empty")
    check_place(tmp_path / "new.json")
    assert not (tmp_path / "new.json").exists()
    write_record(proof(), tmp_path / "new.json")
    check_place(tmp_path / "new.json")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(RecordError, match="Permission denied"):
        check_place(tmp_path / "it.json")


def put(path, value):
    """A change of a record: `value` at the end of `path`; ... takes the entry away."""

    def change(found):
        at = found
        for step in path[:-1]:
            at = at[step]
        if value is ...:
            del at[path[-1]]
        else:
            at[path[-1]] = value

    return change


FIRST = ("measurements", 0)
MALFORMED = [
    (put(("format",), "recipe"), "format is 'recipe', not 'rung record'"),
    (put(("version",), 2), "its format is version 2; this Rung reads version 1"),
    (put(("version",), True), "version is true or false, not a whole number"),
    (put(("date",), ...), "date is missing"),
    (put(("more",), 1), "more is not known"),
    (put(("verdict",), []), "verdict is a list, not an object"),
    (put(("verdict", "rung"), 5), "verdict.rung is 5"),
    (put(("verdict", "name"), "clue"), "verdict.rung is 4 and verdict.name 'clue'"),
    (put(("claim", "roles", 0, "signature"), "fingerprint"), r"claim.roles\[0\].signature is 'fingerprint'; known are"),
    (put(("claim", "roles", 1, "heads", 0), "1"), r"claim.roles\[1\].heads\[0\] is no head"),
    (put(("claim", "roles", 1, "heads", 0), "9" * 5000 + ".0"), "is no head"),
    (put(("claim", "edges", 0, "sender"), "nobody"), "an edge of the claim ends in 'nobody'"),
    (put(("model", "weights"), "0f"), "model.weights is no SHA-256"),
    (put(("model", "config", "n_layers"), -1), "n_layers"),
    (put(("model", "config", "surprise"), 1), "surprise"),
    (put(("run", "sequences"), "64"), "run.sequences is text, not a whole number"),
    (put(("run", "device"), ...), "run.device is missing"),
    (put(("floors", "gain"), ...), "floors.gain is missing"),
    (put(("floors", "gain"), 0.5), "floors_changed does not say what floors says"),
    (put(("agreement", 0, "agrees"), False), r"agreement\[0\].agrees does not say what its heads say"),
    (put(("agreement", 0, "first"), []), r"agreement\[0\].first is a list, not an object"),
    (put(("measurements",), {}), "measurements is an object, not a list"),
    (put(FIRST, None), r"measurements\[0\] is null, not an object"),
    (put((*FIRST, "rung"), "top"), r"measurements\[0\].rung is 'top'; known are behaviour"),
    (put((*FIRST, "outcome"), "hold"), r"measurements\[0\].outcome is 'hold'; known are holds"),
    (put((*FIRST, "outcome"), []), r"measurements\[0\].outcome is \[\]"),
    (put((*FIRST, "required"), 1), r"measurements\[0\].required is a whole number, not true or false"),
    (put((*FIRST, "value"), "much"), r"measurements\[0\].value is text, not a number"),
    (put((*FIRST, "value"), 10**400), r"measurements\[0\].value is too large a number"),
    (put((*FIRST, "interval"), [1.0]), r"measurements\[0\].interval has 1 entries, not 2"),
    (put((*FIRST, "n"), None), r"measurements\[0\].n is null, not a whole number"),
    (put((*FIRST, "said"), 1), r"measurements\[0\].said is a whole number, not text"),
]


@pytest.mark.parametrize(("change", "said"), MALFORMED, ids=[said for _, said in MALFORMED])
def test_a_malformed_record_is_one_clear_error(change, said, proof, tmp_path):
    path = tmp_path / "it.json"
    found = write_record(proof(), path).to_dict()
    change(found)
    path.write_text(json.dumps(found))
    with pytest.raises(RecordError, match=said) as caught:
        load_record(path)
    assert "it.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "it is not JSON"),
        (b"{", "it is not JSON"),
        (b"[]", "all of it is a list, not an object"),
        (b"null", "all of it is null"),
        (b"\xff\xfe", "it is not text"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"format": NaN}', "NaN is no JSON number"),
        (b'{"format": 1e999}', "1e999 is too large a number"),
        (b'{"format": 1, "format": 2}', "'format' stands twice in one object"),
        (b'{"format": ' + b"9" * 5000 + b"}", "it is not JSON"),
    ],
)
def test_what_is_no_record_is_one_clear_error(text, said, tmp_path):
    (tmp_path / "it.json").write_bytes(text)
    with pytest.raises(RecordError, match=said):
        load_record(tmp_path / "it.json")


def test_a_file_that_cannot_be_read(tmp_path):
    for path, said in ((tmp_path / "none.json", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(RecordError, match=said):
            load_record(path)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_is_read_or_refused(value):
    with pytest.raises(RecordError):
        _record(value)


def test_any_entry_may_be_of_any_kind_and_nothing_else_than_a_refusal_follows(proof, tmp_path):
    text = write_record(proof(measurements=proof().measurements[:1]), tmp_path / "it.json").to_json()

    def places(at, here=()):
        yield here
        children = at.items() if isinstance(at, dict) else enumerate(at) if isinstance(at, list) else ()
        for key, child in children:
            yield from places(child, (*here, key))

    refused = 0
    for place in [place for place in places(json.loads(text)) if place and place[:2] != ("model", "config")]:
        for other in (None, "x", ...):
            found = json.loads(text)
            put(place, other)(found)
            try:
                _record(found)
            except (RecordError, ConfigError):
                refused += 1
    assert refused > 150


def test_a_record_is_the_proof_and_can_be_compared(proof):
    assert proof() == proof()
    assert proof() != replace(proof(), verdict=Verdict(3, "causal support"))
