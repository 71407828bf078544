"""A record executed again: what moves is named, and another model or text is refused."""

import hashlib
from dataclasses import replace

import pytest
import torch

from rung.errors import RecordError
from rung.evidence import verify as module
from rung.evidence.claim import INDUCTION
from rung.evidence.observation import Outcome
from rung.evidence.prove import prove
from rung.evidence.record import record, write_record
from rung.evidence.verify import P_TOLERANCE, TOLERANCE, Difference, verify
from rung.model.model import HookedTransformer
from rung.planted import plant
from rung.views.wording import read_record, verdict_sentence

TEXT = "some text"


@pytest.fixture
def blind(build):
    """A model without a tokenizer."""
    return build()


@pytest.fixture
def reads(build):
    """A model with a tokenizer that nothing here asks to read."""
    model = build()
    model.tokenizer = object()
    return model


@pytest.fixture
def same_weights(proof, monkeypatch):
    """Whatever model is given, it has the weights of the records made here."""
    monkeypatch.setattr(module, "checkpoint_of", lambda _: proof().model["checkpoint"])


@pytest.fixture
def again(blind, same_weights, monkeypatch):
    """again(recorded, found): what `verify` says when executing again gives `found`."""

    def run(recorded, found):
        monkeypatch.setattr(module, "prove", lambda *_, **__: found)
        return verify(recorded, blind)[1]

    return run


def changed(proof, test, **changes):
    """The proof with something else in the first number of a test."""
    measured = [
        replace(m, checks=(replace(m.checks[0], **changes), *m.checks[1:])) if m.test == test else m
        for m in proof.measurements
    ]
    return replace(proof, measurements=tuple(measured))


def test_the_same_numbers_are_no_difference(again, proof):
    assert again(proof(shown=True), proof(shown=True)) == []


def test_rounding_is_no_difference_and_more_is(again, proof):
    value = proof().find("support.edge").value
    assert again(proof(), changed(proof(), "support.edge", value=value + TOLERANCE / 2)) == []
    (found,) = again(proof(), changed(proof(), "support.edge", value=value + 2 * TOLERANCE))
    assert found == Difference("support.edge", "0.0 → 1.0.K", "carried, value", f"{value:.6g}", f"{value + 0.004:.6g}")


@pytest.mark.parametrize("what", ["low", "high", "n"])
def test_every_part_of_a_number_is_compared(again, proof, what):
    moved = changed(proof(), "support.edge", **{what: 50 if what == "n" else 0.5})
    assert [one.what for one in again(proof(), moved)] == [f"carried, {what}"]


def test_p_is_compared_by_its_logarithm(again, proof):
    p = proof().find("support.edge").checks[0].p
    assert again(proof(), changed(proof(), "support.edge", p=p ** (1 + P_TOLERANCE / 2))) == []
    assert [one.what for one in again(proof(), changed(proof(), "support.edge", p=p ** (1 + 2 * P_TOLERANCE)))] == [
        "carried, p"
    ]
    assert [one.what for one in again(proof(), changed(proof(), "support.edge", p=None))] == ["carried, p"]


def test_numbers_that_are_not_finite_are_the_same_only_as_themselves(again, proof):
    nan, inf = float("nan"), float("inf")
    assert again(changed(proof(), "support.edge", low=-inf), changed(proof(), "support.edge", low=-inf)) == []
    assert again(changed(proof(), "support.edge", value=nan), changed(proof(), "support.edge", value=nan)) == []
    assert again(changed(proof(), "support.edge", low=-inf), changed(proof(), "support.edge", low=inf)) != []


def test_tests_that_are_missing_on_either_side_are_named(again, proof):
    whole, part = proof(), proof(leave_out=lambda spec: spec.id == "support.positions")
    assert {one.found for one in again(whole, part) if one.what == "test"} == {"not run"}
    assert {one.recorded for one in again(part, whole) if one.what == "test"} == {"not in the record"}
    assert ("verdict", "rung") in {(one.test, one.what) for one in again(whole, part)}


def test_outcomes_controls_and_top_heads_are_compared(again, proof):
    other = proof()
    measured = tuple(replace(m, controls={"nats": 1.0}) if m.test == "support.edge" else m for m in other.measurements)
    said = again(proof(), replace(other, measurements=measured))
    assert {one.what for one in said} == {"control: nats", "control: share of Q", "control: share of V"}
    assert not any("nan" in (one.recorded, one.found) for one in said)  # a control that is absent is said to be
    pointed = (replace(other.agreement[0], first={"pattern": "0.3"}), other.agreement[1])
    (found,) = again(proof(), replace(other, agreement=pointed))
    assert (found.test, found.subject, found.what) == ("agreement", "previous_token", "top heads")
    failed = proof(outcomes={"support.edge": Outcome.FAILS})
    assert {"outcome", "rung"} <= {one.what for one in again(proof(), failed)}


def test_other_weights_are_another_model_before_anything_runs(again, proof, blind, monkeypatch):
    monkeypatch.setattr(module, "prove", lambda *_, **__: pytest.fail("a test was run"))
    other = replace(proof(), model=proof().model | {"checkpoint": "1e" * 32})
    with pytest.raises(RecordError, match=r"the record is about weights 1e1e1e1e1e1e…, and .* has 0f0f0f0f0f0f…"):
        verify(other, blind)


def test_the_maps_the_notes_and_the_config_are_compared_too(again, proof):
    one = proof()
    means = {"pattern": dict(one.agreement[0].means["pattern"]) | {"0.3": 0.5}}
    moved = replace(one.agreement[0], means=dict(one.agreement[0].means) | means)
    (found,) = again(one, replace(one, agreement=(moved, one.agreement[1])))
    assert (found.test, found.subject, found.what) == ("agreement", "previous_token", "pattern of 0.3")
    config = one.model["config"] | {"eps": 0.5, "model_name": "the same elsewhere"}
    (found,) = again(one, replace(one, model=one.model | {"config": config}))
    assert (found.test, found.what, found.found) == ("model", "eps", "0.5")
    for notes, names in (({"swaps": "0"}, ["note: swaps"]), ({"best unclaimed head": "0.2"}, [])):
        measured = [
            replace(m, notes=dict(m.notes) | notes) if "best unclaimed head" in m.notes else m for m in one.measurements
        ]
        said = {one.what for one in again(one, replace(one, measurements=tuple(measured)))}
        assert said >= set(names) and not any("best" in what for what in said)


@pytest.mark.parametrize(
    ("recorded", "model", "text", "said"),
    [
        (None, "reads", None, "made without a tokenizer"),
        ("0f" * 32, "blind", None, "and this model has no tokenizer"),
        ("0f" * 32, "reads", TEXT, "a text of SHA-256 0f0f0f0f0f0f…, which this is not"),
        ("0f" * 32, "reads", None, "which this is not"),
    ],
)
def test_another_text_is_refused(recorded, model, text, said, proof, request, same_weights):
    with pytest.raises(RecordError, match=said):
        verify(proof(text=recorded), request.getfixturevalue(model), text=text)


def test_the_same_text_is_read_again(proof, reads, same_weights, monkeypatch):
    read = []
    one = proof(text=hashlib.sha256(TEXT.encode()).hexdigest())
    monkeypatch.setattr(module, "prove", lambda *_, text, **__: read.append(text) or one)
    verify(one, reads, text=TEXT)
    assert read == [TEXT]


def test_a_planted_proof_is_executed_again_to_the_same_numbers():
    planted = plant("circuit", 0)
    claim = INDUCTION.with_heads(planted.heads)
    first = prove(claim, planted.model, sequences=24)
    found, differences = verify(first, planted.model)
    assert differences == [] and found.verdict == first.verdict
    with torch.no_grad():
        planted.model.blocks[0].attn.W_Q.mul_(1.001)
    with pytest.raises(RecordError, match="another model"):
        verify(first, planted.model)


@pytest.mark.parametrize("name", ["lookup", "previous_token", "copying"])
def test_a_record_of_every_claim_is_read_and_executed_again(name, tmp_path):
    model = HookedTransformer.from_pretrained("two-layer-tiny")
    proof = prove(name, model, sequences=64)
    write_record(record(proof, verdict_sentence(proof)), tmp_path / "record.json")
    found = read_record(str(tmp_path / "record.json"))
    assert found.proof.claim == proof.claim
    assert verify(found.proof, model)[1] == []
