import json
import math

import msgspec
import pytest

from rung.config import ModelConfig
from rung.errors import RungError
from rung.evidence.claim import required_tests
from rung.evidence.observation import Outcome
from rung.evidence.record import record
from rung.lab.computations.workbench import OpenAsk, RecordAsk, open_model, read
from rung.model.model import HookedTransformer
from rung.views.wording import result, verdict_sentence


def test_a_model_is_described_as_its_config_says(lab, job):
    found = open_model.run(lab, OpenAsk(), job)
    model = lab.model("two-layer")
    config = model.config
    assert (found.n_layers, found.n_heads, found.d_model, found.d_head) == (
        config.n_layers, config.n_heads, config.d_model, config.d_head,
    )  # fmt: skip
    # Without b_U, b_O and the like, which processing adds: what the weights hold.
    assert found.parameters == config.n_params
    assert found.vocabulary == len(model.tokenizer) and found.has_tokenizer
    assert dict(found.facts)["family"] == found.family
    assert [one.id for one in found.special if one.name == "BOS"] == [model.tokenizer.bos_token_id]
    assert job.steps == [("loading two-layer", 0, 1)]


def test_a_folder_is_a_model_too_and_may_have_no_tokenizer(lab, job, tmp_path):
    config = ModelConfig(
        n_layers=1, d_model=8, n_heads=2, d_head=4, d_vocab=30, n_ctx=16, bos_token_id=0, model_name="x"
    )
    HookedTransformer(config, seed=1).save_pretrained(tmp_path / "mine")
    found = open_model.run(lab, OpenAsk(model=str(tmp_path / "mine")), job)
    assert (found.n_layers, found.vocabulary, found.special, found.has_tokenizer) == (1, None, [], False)
    with pytest.raises(RungError, match=r"no folder 'two-layr'.*two-layer"):
        open_model.run(lab, OpenAsk(model="two-layr"), job)


def shown(lab, job, made):
    answer = read.run(lab, RecordAsk(text=record(made, verdict_sentence(made)).to_json()), job)
    return msgspec.json.decode(msgspec.json.encode(answer))


def test_a_record_shows_every_test_behind_its_verdict(lab, job, proof):
    made = proof(shown=True)
    found = shown(lab, job, made)
    assert found["sentence"] == verdict_sentence(made)
    assert (found["rung"], found["rung_name"], found["stopped_by"]) == (4, "mechanism", None)
    assert [role["heads"] for role in found["roles"]] == [["0.0"], ["1.0"]]
    assert found["edges"] == [{"sender": "previous_token", "receiver": "induction", "into": "K"}]
    assert {(one["id"], one["subject"]) for one in found["tests"]} == {m.spec.key for m in made.measurements}
    assert [one["rung"] for one in found["tests"]] == sorted(one["rung"] for one in found["tests"])
    by_key = {(one["id"], one["subject"]): one for one in found["tests"]}
    for m in made.measurements:
        one = by_key[m.spec.key]
        assert (one["outcome"], one["required"], one["unit"]) == (str(m.outcome), m.required, m.unit)
        assert one["said"] == result(m, made.claim, made.floors)
        assert [(c["value"], c["low"], c["high"], c["n"]) for c in one["checks"]] == [
            (c.value, c.low, c.high, c.n) for c in m.checks
        ]
        assert one["controls"] == dict(m.controls)
    # The floor of each number is the record's own.
    ov = by_key["mechanism.ov", "1.0"]["checks"][0]
    assert (ov["floor"], ov["sense"], ov["met"]) == (made.floors.weights, "at least", True)
    assert found["sequences"] == 64 and found["looks"] == [64]


def test_a_test_that_failed_and_one_that_is_missing_are_both_there(lab, job, proof):
    made = proof(outcomes={"mechanism.ov": Outcome.FAILS}, leave_out=lambda spec: spec.id == "mechanism.positional")
    found = shown(lab, job, made)
    assert found["rung"] == 3
    outcomes = {(one["id"], one["subject"]): one for one in found["tests"]}
    assert outcomes["mechanism.ov", "1.0"]["outcome"] == "fails"
    assert not outcomes["mechanism.ov", "1.0"]["checks"][0]["met"]
    missing = outcomes["mechanism.positional", "0.0"]
    assert (missing["outcome"], missing["required"], missing["checks"]) == ("not run", True, [])
    assert "not run" in missing["said"]
    assert set(outcomes) == {spec.key for spec in required_tests(made.claim, made.config, False)}


def test_bounds_that_are_not_finite_are_null(lab, job, proof):
    from dataclasses import replace

    made = proof(shown=True)
    change = made.measurements.index(made.find("shown.composition") or made.measurements[-1])
    m = made.measurements[change]
    m = replace(m, checks=tuple(replace(one, low=-math.inf, high=math.inf) for one in m.checks))
    made = replace(made, measurements=(*made.measurements[:change], m, *made.measurements[change + 1 :]))
    one = next(t for t in shown(lab, job, made)["tests"] if (t["id"], t["subject"]) == m.spec.key)
    assert one["checks"][0]["low"] is None and one["checks"][0]["high"] is None


def test_an_edited_record_is_refused(lab, job, proof):
    made = proof()
    found = json.loads(record(made, verdict_sentence(made)).to_json())
    with pytest.raises(RungError, match="the file says 'Proven!'; its tests say"):
        read.run(lab, RecordAsk(text=json.dumps(found | {"verdict": found["verdict"] | {"sentence": "Proven!"}})), job)
    found["measurements"][0]["outcome"] = "fails"
    with pytest.raises(RungError, match=r"measurements\[0\].outcome is 'fails'; its numbers and the floors give"):
        read.run(lab, RecordAsk(text=json.dumps(found)), job)
    with pytest.raises(RungError, match="the file is not a record"):
        read.run(lab, RecordAsk(text="hello"), job)
