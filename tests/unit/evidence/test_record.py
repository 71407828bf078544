"""What a record says of a proof, and that it can say no more than its tests."""

import json
import math
import os
import stat
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.config import Rotary
from rung.errors import ConfigError, RecordError
from rung.evidence.observation import Floors, Outcome
from rung.evidence.proof import Verdict
from rung.evidence.record import VERSION, Record, _record, check_target, load_record, record, write_record
from rung.views.wording import read_record, verdict_sentence

TWO = {"previous_token": ((0, 0), (0, 1)), "induction": ((1, 0), (1, 1))}
TEXT = "0f" * 32


def write(proof, path):
    """The record of a proof, written with its sentence."""
    made = record(proof, verdict_sentence(proof))
    write_record(made, path)
    return made


PROOFS = {
    "a good run": {},
    "with what is only shown": {"shown": True},
    "with text": {"text": TEXT, "shown": True},
    "two heads a role": {"heads": TWO},
    "a role without heads": {"heads": {"induction": ((1, 0),)}},
    "nothing to explain": {"outcomes": {"behaviour.gain": Outcome.FAILS}},
    "stopped at its edge": {"outcomes": {"support.edge": Outcome.INCONCLUSIVE}},
    "contradicted": {"outcomes": {"contribution.direct": Outcome.CONTRADICTED}},
    "not run": {"outcomes": {"support.interchange": Outcome.NOT_RUN}},
    "not defined": {"outcomes": {"mechanism.routed_qk": Outcome.INCONCLUSIVE}},
    "few sequences": {"sequences": 16},
    "a second look": {"sequences": 128},
    "other floors": {"floors": Floors(clue=0.2, sequences=16), "sequences": 32},
    "without a test": {"leave_out": lambda spec: spec.id == "support.positions"},
}


@pytest.mark.parametrize("changes", PROOFS.values(), ids=PROOFS)
def test_what_is_written_is_what_is_read(changes, proof, tmp_path):
    one = proof(**changes)
    written = write(one, tmp_path / "it.json")
    assert load_record(tmp_path / "it.json") == written == Record(one, written.date, verdict_sentence(one))
    assert read_record(str(tmp_path / "it.json")) == written


def test_models_with_mlps_and_rotary_positions_too(proof, build, tmp_path):
    for kind in ("LN, learned positions, MLP, biases", "RMS, rotary, grouped, gated"):
        one = proof(config=build(kind).config)
        write(one, tmp_path / "it.json")
        found = load_record(tmp_path / "it.json").proof
        assert found == one and found.config == one.config
    assert isinstance(found.config.rotary, Rotary)


def test_the_file_says_what_another_would_need_to_run_it_again(proof, tmp_path):
    write(proof(floors=Floors(clue=0.2)), tmp_path / "it.json")
    found = json.loads((tmp_path / "it.json").read_text())
    assert (found["format"], found["version"]) == ("rung record", VERSION) == ("rung record", 2)
    assert found["verdict"]["name"] == "mechanism" and found["verdict"]["stopped_by"] is None
    assert found["claim"]["roles"][1]["heads"] == ["1.0"]
    assert found["model"]["config"]["d_head"] == 6
    assert len(found["model"]["checkpoint"]) == len(found["model"]["weights"]) == 64
    assert found["run"]["looks"] == [{"sequences": 64, "alpha": 0.004375}]
    assert found["floors"]["clue"] == 0.2
    assert found["floors_changed"] == {"clue": 0.2}
    assert found["agreement"][0]["agrees"] is True
    order = found["measurements"][1]
    assert set(order) == {
        "test", "subject", "rung", "required", "outcome", "unit", "checks", "controls", "undefined", "not_run", "notes",
    }  # fmt: skip
    assert (order["test"], order["rung"], order["outcome"]) == ("behaviour.order", "behaviour", "holds")
    assert set(order["checks"][0]) == {"name", "value", "low", "high", "n", "p"}
    assert found["date"].endswith("+00:00")


def test_numbers_that_are_not_finite_are_written_as_words(proof, tmp_path):
    one = proof(outcomes={"support.edge": Outcome.INCONCLUSIVE})
    at = next(i for i, m in enumerate(one.measurements) if m.test == "support.edge")
    first, *rest = one.measurements[at].checks
    wide = replace(first, value=math.nan, low=-math.inf, high=math.inf, p=1.0)
    odd = replace(one.measurements[at], checks=(wide, *rest), controls={"nats": -math.inf})
    one = replace(one, measurements=(*one.measurements[:at], odd, *one.measurements[at + 1 :]))
    written = record(one, "")
    write_record(written, tmp_path / "it.json")
    for word in ("NaN", "Infinity"):
        assert word not in written.to_json()
    found = load_record(tmp_path / "it.json").proof.measurements[at]
    assert math.isnan(found.value) and found.interval == (-math.inf, math.inf)
    assert found.controls == {"nats": -math.inf}


def test_an_existing_record_is_replaced_in_one_piece_and_a_link_stays_a_link(proof, tmp_path):
    target, link = tmp_path / "real.json", tmp_path / "link.json"
    write(proof(), target)
    link.symlink_to(target)
    check_target(link)
    write(proof(outcomes={"contribution.sum": Outcome.FAILS}), link)
    assert link.is_symlink()
    assert load_record(target).proof.verdict.rung == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "real.json"]


def test_its_permissions_are_those_of_any_new_file(proof, tmp_path):
    (tmp_path / "other").touch()
    write(proof(), tmp_path / "it.json")
    assert stat.S_IMODE(os.stat(tmp_path / "it.json").st_mode) == stat.S_IMODE(os.stat(tmp_path / "other").st_mode)


def test_nothing_is_left_behind_when_writing_fails(proof, tmp_path, monkeypatch):
    path = tmp_path / "it.json"
    write(proof(), path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(RecordError, match=r"cannot be written to .*it\.json: No space left"):
        write(proof(sequences=16), path)
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
            check_target(place)
    assert (tmp_path / "file").read_text() == "mine"
    (tmp_path / "empty").touch()
    check_target(tmp_path / "empty")
    check_target(tmp_path / "new.json")
    assert not (tmp_path / "new.json").exists()
    write(proof(), tmp_path / "new.json")
    check_target(tmp_path / "new.json")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(RecordError, match="Permission denied"):
        check_target(tmp_path / "it.json")


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


def of(test, *path):
    """The path to an entry of the first measurement of a test, in the record of a good run."""
    return lambda found: ("measurements", [m["test"] for m in found["measurements"]].index(test), *path)


def refused(found, path):
    """The error that reading a changed record gives."""
    path.write_text(json.dumps(found))
    with pytest.raises(RecordError) as caught:
        read_record(str(path))
    assert path.name in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


FIRST = ("measurements", 0)
SENTENCE = ("verdict", "sentence")
MALFORMED = [
    (put(("format",), "recipe"), "format is 'recipe', not 'rung record'"),
    (put(("version",), 1), "its format is version 1; this Rung reads version 2"),
    (put(("version",), 3), "its format is version 3, of a newer Rung; this Rung reads version 2"),
    (put(("version",), True), "version is true or false, not a whole number"),
    (put(("date",), ...), "date is missing"),
    (put(("more",), 1), "more is not known"),
    (put(("verdict",), []), "verdict is a list, not an object"),
    (put(("verdict", "rung"), 5), "verdict.rung is 5"),
    (put(("verdict", "name"), "clue"), "verdict.rung is 4, which is 'mechanism', and verdict.name 'clue'"),
    (put(("verdict", "stopped_by"), {"test": "x"}), "verdict.stopped_by has test, not test and subject"),
    (put(("claim", "roles", 0, "signature"), "fingerprint"), "claim.roles[0].signature is 'fingerprint'; known are"),
    (put(("claim", "roles", 1, "heads", 0), "1"), "claim.roles[1].heads[0] is no head"),
    (put(("claim", "roles", 1, "heads", 0), "9" * 5000 + ".0"), "is no head"),
    (put(("claim", "roles", 1, "heads", 0), "2.9"), "it claims what cannot be tested: no head 2.9"),
    (put(("claim", "edges", 0, "sender"), "nobody"), "has no role 'nobody'"),
    (put(("claim", "edges"), []), "no edge says through which input"),
    (put(("claim", "task"), "everything"), "the task 'everything' is not known"),
    (put(("model", "weights"), "0f"), "model.weights is no SHA-256"),
    (put(("model", "checkpoint"), "x" * 64), "model.checkpoint is no SHA-256"),
    (put(("model", "config", "n_layers"), -1), "n_layers"),
    (put(("model", "config", "surprise"), 1), "surprise"),
    (put(("run", "looks"), []), "run.looks is empty"),
    (put(("run", "looks", 0, "sequences"), "64"), "run.looks[0].sequences is text, not a whole number"),
    (put(("run", "looks", 0, "more"), 1), "run.looks[0].more is not known"),
    (put(("run", "device"), ...), "run.device is missing"),
    (put(("floors", "gain"), ...), "floors.gain is missing"),
    (put(("floors", "more"), 1.0), "floors.more is not known"),
    (put(("agreement", 0, "first"), []), "agreement[0].first is a list, not an object"),
    (put(("agreement", 0, "role"), "nobody"), "agreement[0].role is 'nobody', which the claim does not have"),
    (put(("measurements",), {}), "measurements is an object, not a list"),
    (put(FIRST, None), "measurements[0] is null, not an object"),
    (put((*FIRST, "outcome"), "hold"), "measurements[0].outcome is 'hold'; known are holds"),
    (put((*FIRST, "outcome"), []), "measurements[0].outcome is []"),
    (put((*FIRST, "required"), 1), "measurements[0].required is a whole number, not true or false"),
    (put((*FIRST, "checks", 0, "value"), "much"), "measurements[0].checks[0].value is text, not a number"),
    (put((*FIRST, "checks", 0, "value"), 10**400), "measurements[0].checks[0].value is too large a number"),
    (put((*FIRST, "checks", 0, "n"), None), "measurements[0].checks[0].n is null, not a whole number"),
    (put((*FIRST, "notes"), {"a": 1}), "measurements[0].notes.a is a whole number, not text"),
    (put((*FIRST, "said"), "more"), "measurements[0].said is not known"),
]


@pytest.mark.parametrize(("change", "said"), MALFORMED, ids=[said for _, said in MALFORMED])
def test_a_malformed_record_is_one_clear_error(change, said, proof, tmp_path):
    found = write(proof(), tmp_path / "it.json").to_dict()
    change(found)
    assert said in refused(found, tmp_path / "it.json")


TAMPERED = {
    "the sentence alone": (
        put(SENTENCE, "Mechanism (rung 4 of 4). The circuit."),
        "says 'Mechanism (rung 4 of 4). The",
    ),
    "the rung": (
        lambda f: (put(("verdict", "rung"), 4)(f), put(("verdict", "name"), "mechanism")(f)),
        "verdict says mechanism, stopped by ('support.edge', '0.0 → 1.0.K'); its tests give contribution",
    ),
    "the rung, and what stopped it": (
        lambda f: f["verdict"].update(rung=4, name="mechanism", stopped_by=None),
        "verdict says mechanism, stopped by None; its tests give contribution, stopped by ('support.edge',",
    ),
    "what stopped it": (
        put(("verdict", "stopped_by", "test"), "support.positions"),
        "verdict says contribution, stopped by ('support.positions'",
    ),
    "capped": (put(("verdict", "capped"), True), "verdict says contribution, stopped by"),
    "an outcome": (
        lambda f: put(of("support.edge", "outcome")(f), "holds")(f),
        ".outcome is 'holds'; its numbers and the floors give 'fails'",
    ),
    "an outcome made worse": (
        lambda f: put(of("support.output", "outcome")(f), "fails")(f),
        ".outcome is 'fails'; its numbers and the floors give 'holds'",
    ),
    "required": (
        lambda f: put(of("support.edge", "required")(f), False)(f),
        ".required is False; the claim makes it True",
    ),
    "required, of what is only shown": (
        lambda f: put(of("shown.zero", "required")(f), True)(f),
        ".required is True; the claim makes it False",
    ),
    "another rung": (
        lambda f: put(of("support.edge", "rung")(f), "mechanism")(f),
        ".rung is 'mechanism'; the claim makes it 'causal support'",
    ),
    "the failed test, deleted": (
        lambda f: f["measurements"].remove(next(m for m in f["measurements"] if m["test"] == "support.edge")),
        "its tests say 'Contribution (rung 2 of 4), token induction on random repeats. Not causal support: "
        "path patching of 0.0 → 1.0.K was not run.",
    ),
    "all tests, deleted": (put(("measurements",), []), "its tests give nothing to explain"),
    "a test of something else": (
        lambda f: put(of("support.edge", "subject")(f), "0.1 → 1.0.K")(f),
        "is the test 'support.edge' of '0.1 → 1.0.K', which this claim does not have",
    ),
    "another test's id": (
        lambda f: put(of("support.edge", "test")(f), "shown.edge")(f),
        "is the test 'shown.edge' of '0.0 → 1.0.K', which this claim does not have",
    ),
    "a test twice": (
        lambda f: f["measurements"].append(dict(f["measurements"][0])),
        "the test 'behaviour.gain' of 'the model' is there twice",
    ),
    "a good twin of the failed test": (
        lambda f: f["measurements"].insert(0, good_twin(f)),
        "the test 'support.edge' of '0.0 → 1.0.K' is there twice",
    ),
    "a value": (
        lambda f: put(of("support.edge", "checks", 0, "value")(f), 0.99)(f),
        "'carried': its value 0.99 lies outside its interval",
    ),
    "a bound": (
        lambda f: put(of("support.edge", "checks", 0, "high")(f), 0.9)(f),
        ".outcome is 'fails'; its numbers and the floors give 'inconclusive'",
    ),
    "value and bounds": (
        lambda f: f["measurements"][of("support.edge")(f)[1]]["checks"][0].update(value=0.9, low=0.8, high=0.95),
        "'carried': its p is 0.5, and its interval [0.8, 0.95] says otherwise",
    ),
    "p": (
        lambda f: put(of("support.output", "checks", 0, "p")(f), 0.2)(f),
        "'carried': its p is 0.2, and its interval [",
    ),
    "p, taken away": (
        lambda f: put(of("support.output", "checks", 0, "p")(f), None)(f),
        "'carried': it has a floor, and no p",
    ),
    "a number, taken away": (
        lambda f: f["measurements"][of("support.output")(f)[1]]["checks"].pop(0),
        ".outcome is 'holds'; its numbers and the floors give 'not run'",
    ),
    "why it was not run": (
        lambda f: put(of("support.edge", "not_run")(f), "no time")(f),
        ".outcome is 'fails'; its numbers and the floors give 'not run'",
    ),
    "a floor": (put(("floors", "edge"), 0.1), "floors_changed does not say what floors says"),
    "a floor, and its mention": (
        lambda f: (put(("floors", "edge"), 0.1)(f), put(("floors_changed",), {"edge": 0.1})(f)),
        "'carried': its p is 0.5, and its interval [0.25, 0.35]",
    ),
    "a floor, and p": (
        lambda f: (lower_floor(f), put(of("support.edge", "checks", 0, "p")(f), 1e-9)(f)),
        ".outcome is 'fails'; its numbers and the floors give 'holds'",
    ),
    "a floor, p and outcome": (
        lambda f: (
            lower_floor(f),
            put(of("support.edge", "checks", 0, "p")(f), 1e-9)(f),
            put(of("support.edge", "outcome")(f), "holds")(f),
        ),
        "verdict says contribution, stopped by ('support.edge', '0.0 → 1.0.K'); its tests give mechanism",
    ),
    "a floor and all but the sentence": (
        lambda f: (
            lower_floor(f),
            put(of("support.edge", "checks", 0, "p")(f), 1e-9)(f),
            put(of("support.edge", "outcome")(f), "holds")(f),
            f["verdict"].update(rung=4, name="mechanism", stopped_by=None),
        ),
        "Under other floors than the default: edge 0.1.",
    ),
    "sequences": (put(("run", "looks", 0, "sequences"), 65), "65 confirmation sequences were asked for"),
    "a larger look": (
        put(("run", "looks", 0, "sequences"), 128),
        "run.looks spends 0.004375 of alpha at its last look, which may spend 0.0021875",
    ),
    "alpha": (put(("run", "looks", 0, "alpha"), 0.05), "run.looks spends 0.05 of alpha at its last look"),
    "the confirmation seed": (put(("run", "confirmation_seed"), 7), "run.confirmation_seed is 7; claim and checkpoint"),
    "the weights": (put(("model", "checkpoint"), "1e" * 32), "run.confirmation_seed is"),
    "the claimed heads": (put(("claim", "roles", 1, "heads"), ["1.1"]), "run.confirmation_seed is"),
    "text that was never read": (put(("run", "text"), TEXT), "run.confirmation_seed is"),
    "fewer sequences than the look": (
        lambda f: [one.update(n=32) for m in f["measurements"] for one in m["checks"]],
        "it was measured on 32 sequences, and the last look is at 64",
    ),
    "every rival, taken away": (
        lambda f: [
            m.update(checks=[one for one in m["checks"] if not one["name"].startswith("rival/")])
            for m in f["measurements"]
        ],
        "it lacks rival/Q, rival/V",
    ),
    "the nearest swap, taken away": (
        lambda f: [
            m.update(checks=[one for one in m["checks"] if not one["name"].startswith("swap/")])
            for m in f["measurements"]
        ],
        "it lacks the swap that comes nearest",
    ),
    "where methods agree": (put(("agreement", 0, "agrees"), False), "agreement[0].agrees does not say what its heads"),
    "who comes first": (
        put(("agreement", 0, "first", "pattern"), "0.3"),
        "agreement[0].agrees does not say what its heads say",
    ),
    "who comes first, and whether they agree": (
        lambda f: f["agreement"][0].update(agrees=False, first=f["agreement"][0]["first"] | {"pattern": "0.3"}),
        "agreement[0].first does not follow from its means",
    ),
    "a method, taken away": (
        lambda f: f["agreement"][0]["first"].pop("weights"),
        "agreement[0].first does not follow from its means",
    ),
    "whom they agree on": (
        put(("agreement", 0, "claimed"), ["0.0", "0.3"]),
        "agreement[0].claimed lists other heads than the claim",
    ),
}


def lower_floor(found):
    found["floors"]["edge"] = 0.1
    found["floors_changed"] = {"edge": 0.1}


def good_twin(found):
    twin = json.loads(json.dumps(next(m for m in found["measurements"] if m["test"] == "support.edge")))
    twin["checks"][0].update(value=0.9, low=0.8, high=0.95, p=1e-9)
    return twin | {"outcome": "holds"}


@pytest.mark.parametrize("change", TAMPERED)
def test_a_record_cannot_say_more_than_its_tests(change, proof, tmp_path):
    """A run that ends at contribution, because its edge carries too little, and everything one might try."""
    short, good = proof(outcomes={"support.edge": Outcome.FAILS}, shown=True), proof().find("support.edge")
    measured = [
        replace(m, checks=(m.checks[0], *good.checks[1:])) if m.test == "support.edge" else m
        for m in short.measurements
    ]
    short = replace(short, measurements=tuple(measured))
    found = write(short, tmp_path / "it.json").to_dict()
    assert found["verdict"]["name"] == "contribution"
    tamper, said = TAMPERED[change]
    tamper(found)
    assert said in refused(found, tmp_path / "it.json")


def test_agreement_of_a_role_may_not_be_left_out(proof, tmp_path):
    found = write(proof(), tmp_path / "it.json").to_dict()
    twice = found | {"agreement": [*found["agreement"], found["agreement"][0]]}
    found["agreement"].pop()
    for one in (found, twice):
        assert "agreement does not list every role that has heads, once" in refused(one, tmp_path / "it.json")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_record_is_no_record(share, proof, tmp_path):
    write(proof(), tmp_path / "it.json")
    text = (tmp_path / "it.json").read_bytes()
    (tmp_path / "it.json").write_bytes(text[: int(share * len(text))])
    with pytest.raises(RecordError, match=r"it is not (JSON|text)"):
        load_record(tmp_path / "it.json")


def test_every_number_counts(proof, tmp_path):
    """Whatever required number is made as bad as can be, the record is refused: its outcome no longer follows."""
    good = write(proof(), tmp_path / "it.json").to_dict()
    for at, m in enumerate(good["measurements"]):
        for which, check in enumerate(m["checks"]):
            if check["name"] in ("gain", "excess", "score"):
                continue  # only shown
            found = json.loads(json.dumps(good))
            found["measurements"][at]["checks"][which].update(value="nan", low="-inf", high="inf")
            assert f"measurements[{at}]" in refused(found, tmp_path / "it.json"), check["name"]


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


def test_any_entry_may_be_of_any_kind_and_nothing_else_than_a_refusal_follows(proof):
    few = proof(heads={"induction": ((1, 0),)})
    text = record(few, verdict_sentence(few)).to_json()

    def places(at, here=()):
        yield here
        # Entries of one list have one form.
        children = at.items() if isinstance(at, dict) else enumerate(at[:2]) if isinstance(at, list) else ()
        for key, child in children:
            yield from places(child, (*here, key))

    count = 0
    for place in [place for place in places(json.loads(text)) if place and place[:2] != ("model", "config")]:
        for other in (None, "x", ...):
            found = json.loads(text)
            put(place, other)(found)
            try:
                _record(found)
            except (RecordError, ConfigError):
                count += 1
    assert count > 150


def test_a_record_is_the_proof_and_can_be_compared(proof):
    assert proof() == proof()
    assert proof() != replace(proof(), verdict=Verdict(3))
