"""What `prove` refuses, which seeds it takes, and what it says of models it cannot judge."""

from dataclasses import replace

import pytest

from rung.errors import ClaimError, NotDefinedError, PromptError, SiteError
from rung.evidence import prove as module
from rung.evidence import setting
from rung.evidence.claim import INDUCTION, descriptive_tests, required_tests
from rung.evidence.identity import confirmation_seed
from rung.evidence.observation import Floors, Outcome, TestSpec
from rung.evidence.prove import check_model, prove, run_tests
from rung.evidence.setting import Setting
from rung.evidence.tests import MEASURES, attribution, weights
from rung.methods.runner import InductionRunner
from rung.model.origin import hash_weights
from rung.tasks.induction import induction_batch
from rung.views.wording import verdict_sentence


@pytest.fixture
def claim(circuit):
    return INDUCTION.with_heads(circuit.heads)


@pytest.fixture
def quick(monkeypatch):
    """Without the tests that only describe."""
    monkeypatch.setattr(module, "descriptive_tests", lambda *_: ())


@pytest.fixture
def tried(circuit, claim):
    batch = induction_batch(circuit.model, sequences=8, seed=1)
    return Setting(InductionRunner(circuit.model, batch, seed=1), claim, Floors())


@pytest.mark.parametrize("permanent", [True, False])
def test_a_model_with_hooks_is_refused(circuit, claim, permanent):
    """The verdict would be about another model: with layer 1 silenced the loss is another one."""
    model, site = circuit.model, "blocks.1.attn.hook_z"

    def silence(z, hook):
        return z * 0

    if permanent:
        model.add_perma_hook(site, silence)
    else:
        model.add_hook(site, silence)
    try:
        with pytest.raises(ClaimError, match=rf"has hooks attached at {site}: the verdict would be about another mod"):
            prove(claim, model, sequences=8)
        with pytest.raises(ClaimError, match="hooks attached"):
            prove("induction", model, sequences=8)
    finally:
        model.reset_hooks(including_permanent=True)
    check_model(model)


def test_backward_hooks_are_hooks(circuit):
    with (
        circuit.model.hooks(bwd_hooks=[("blocks.0.attn.hook_z", lambda grad, hook: None)]),
        pytest.raises(ClaimError, match="hooks attached"),
    ):
        check_model(circuit.model)


def test_models_without_a_next_token_to_predict_are_refused(build):
    claim = INDUCTION.with_heads({"previous_token": [(0, 1)], "induction": [(1, 2)]})
    for changes, said in (({"attention_dir": "bidirectional"}, "attends both ways"), ({"d_vocab_out": 5}, "5 classes")):
        with pytest.raises(ClaimError, match=said):
            prove(claim, build(d_vocab=41, n_ctx=32, **changes))


def test_what_cannot_be_tested_is_refused_before_anything_runs(circuit, claim, monkeypatch):
    monkeypatch.setattr(module, "task_batch", lambda *_, **__: pytest.fail("something was run"))
    monkeypatch.setattr(module, "search", lambda *_, **__: pytest.fail("something was run"))
    for sequences in (1, 65, 100, 127):
        with pytest.raises(ClaimError, match=f"{sequences} confirmation sequences were asked for"):
            prove("induction", circuit.model, sequences=sequences)
    with pytest.raises(ClaimError, match=r"the floor faithfulness is 1\.01; a share between 0 and 1 would fit"):
        prove("induction", circuit.model, floors=Floors(faithfulness=1.01))
    with pytest.raises(ClaimError, match="no claim 'inductoin'"):
        prove("inductoin", circuit.model)
    with pytest.raises(SiteError, match=r"no head 7\.0"):
        prove(claim.with_heads({"induction": [(7, 0)]}), circuit.model)
    with pytest.raises(ClaimError, match="heads of one layer"):
        prove(claim.with_heads({"previous_token": [(1, 0)], "induction": [(1, 1)]}), circuit.model)


def test_a_model_that_cannot_read_the_task(build):
    with pytest.raises(PromptError, match="too short for the induction task"):
        prove(INDUCTION.with_heads({"previous_token": [(0, 1)], "induction": [(1, 2)]}), build(n_ctx=12))


def test_the_confirmation_seed_follows_the_heads_that_the_search_found(circuit, claim, quick):
    """Not the claim as it was handed over: found or given, the same heads are confirmed on the same sequences."""
    given = prove(claim, circuit.model, sequences=64)
    found = [prove("induction", circuit.model, sequences=64, seed=seed) for seed in (0, 5)]
    assert {role.name: role.heads for role in found[0].claim.roles} == dict(circuit.heads)
    config = circuit.model.config
    seed = confirmation_seed(claim, config, hash_weights(config, circuit.model.weights), False)
    assert {one.run["confirmation_seed"] for one in (given, *found)} == {seed}
    assert given.measurements == found[0].measurements == found[1].measurements
    assert [one.run["search_seed"] for one in (given, *found)] == [None, 0, 5]
    assert (given.run["heads"], found[0].run["heads"]) == ("given", "found by search")


def test_more_sequences_extend_the_fewer(circuit):
    seed = 7
    few, many = (induction_batch(circuit.model, sequences=n, seed=seed) for n in (64, 128))
    assert (many.tokens[:64] == few.tokens).all()


@pytest.mark.parametrize("test", ["positional", "ov", "composed_qk", "edge"])
@pytest.mark.parametrize("error", [SiteError, PromptError, ClaimError])
def test_an_error_in_a_weights_test_that_does_not_mean_undefined_is_raised(tried, claim, monkeypatch, test, error):
    """Only what is not defined on a model leaves a test inconclusive; every other error is somebody's mistake."""

    def wrong(*_, **__):
        raise error("something else")

    for name in ("_one_back", "ov_copying", "routed_share", "_check_whole_keys"):
        monkeypatch.setattr(weights, name, wrong)
    monkeypatch.setattr(attribution, "key_attribution", wrong)
    ids = {"positional": "mechanism.positional", "ov": "mechanism.ov", "composed_qk": "mechanism.routed_qk"}
    spec = next(
        s for s in required_tests(claim, tried.runner.config, False) if s.id == ids.get(test, "contribution.edge")
    )
    measure = getattr(attribution if test == "edge" else weights, test)
    with pytest.raises(error, match="something else"):
        measure(tried, spec)


@pytest.mark.parametrize("test", ["positional", "composed_qk", "edge"])
def test_what_is_not_defined_is_inconclusive_and_says_why(tried, claim, monkeypatch, test):
    def undefined(*_, **__):
        raise NotDefinedError("keys were clamped")

    for name in ("_one_back", "routed_share"):
        monkeypatch.setattr(weights, name, undefined)
    monkeypatch.setattr(attribution, "key_attribution", undefined)
    ids = {"positional": "mechanism.positional", "composed_qk": "mechanism.routed_qk"}
    spec = next(
        s for s in required_tests(claim, tried.runner.config, False) if s.id == ids.get(test, "contribution.edge")
    )
    found = getattr(attribution if test == "edge" else weights, test)(tried, spec)
    assert found.undefined == "keys were clamped" and not found.quantities
    assert module.summarize(spec, found, Floors(), 0.005).outcome is Outcome.INCONCLUSIVE


def test_above_a_behaviour_that_is_not_there_nothing_is_run(tried, claim, monkeypatch):
    nothing = replace(tried.floors, gain=1e3)
    monkeypatch.setattr(tried, "floors", nothing)
    specs = required_tests(claim, tried.runner.config, False)
    assert [m.test for m in run_tests(tried, specs, 0.005)] == ["behaviour.gain", "behaviour.order"]


def test_every_test_and_every_run_is_told_of(circuit, claim, quick):
    steps = []
    prove(claim, circuit.model, sequences=64, progress=lambda *step: steps.append(step))
    total = steps[-1][2]
    assert steps[0] == ("behaviour.gain", 0, total) and steps[-1] == ("done", total, total)
    assert ("support.necessity, run 1", 7, total) in steps
    assert [done for _, done, _ in steps] == sorted(done for _, done, _ in steps)
    searched = []
    prove("induction", circuit.model, sequences=24, progress=lambda *step: searched.append(step))
    assert searched[0] == ("search", 0, 1)


def test_each_test_draws_from_a_seed_of_its_own(circuit, claim):
    """The order in which tests run changes nothing."""
    batch = induction_batch(circuit.model, sequences=8, seed=1)
    specs = [s for s in required_tests(claim, circuit.model.config, False) if s.rung == 3]

    def numbers(order):
        tried = Setting(InductionRunner(circuit.model, batch, seed=1), claim, Floors())
        return {
            (spec.key, name): quantity.top
            for spec in order
            for name, quantity in setting_measure(tried, spec).quantities.items()
        }

    one, other = numbers(specs), numbers(specs[::-1])
    assert one.keys() == other.keys()
    for key, top in one.items():
        assert top == pytest.approx(other[key], abs=1e-6, nan_ok=True), key


def setting_measure(tried: setting.Setting, spec: TestSpec):
    return module.MEASURES[spec.id](tried, spec)


def test_the_sentence_says_whether_prose_was_tried(circuit, claim, reading):
    """A true circuit of a model with a tokenizer is tried on text, and its verdict says what was found there."""
    without = verdict_sentence(prove(claim, circuit.model, sequences=64))
    assert "A circuit for token induction on random repeats: " in without
    assert without.endswith("Not tested on prose: no tokenizer.")
    model = reading(circuit)
    found = prove(claim, model, sequences=64)
    assert found.run["text"] is not None and found.find("support.off_task") is not None
    assert "no tokenizer" not in verdict_sentence(found)
    assert "On repeated prose " in verdict_sentence(found)


def test_text_that_is_too_short_is_refused(circuit, claim, reading):
    with pytest.raises(PromptError, match="windows of"):
        prove(claim, reading(circuit), sequences=64, text="a few words only")


def test_what_latent_attention_leaves_undefined_is_said_and_the_rest_is_measured(build):
    model = build("RMS, latent, one dense layer before groups of experts", d_vocab=64, n_ctx=64).float()
    claim = INDUCTION.with_heads({"previous_token": [(0, 1)], "induction": [(1, 2)]})
    batch = induction_batch(model, sequences=8, seed=1)
    tried = Setting(InductionRunner(model, batch, seed=1), claim, Floors())
    specs = (*required_tests(claim, model.config, False), *descriptive_tests(claim, model.config, False))
    seen = {"contribution.edge", "mechanism.routed_qk", "shown.composition", "mechanism.ov", "mechanism.positional"}
    found = {spec.id: MEASURES[spec.id](tried, spec) for spec in specs if spec.id in seen}
    assert found.keys() == seen
    said = {name for name, observed in found.items() if "has no W_" in observed.undefined}
    assert said == {"contribution.edge", "mechanism.routed_qk", "shown.composition"}


def test_a_part_of_a_proof_never_says_more_than_the_whole(circuit, claim, quick):
    """However the tests are chosen: a rung is reached only if every required test up to it was run and holds."""
    found = module.prepare(claim, circuit.model, sequences=64)
    whole = module.prove_part(found, {spec.id for spec in found.required})
    assert whole.verdict == prove(claim, circuit.model).verdict
    assert whole.verdict.rung == 4
    for rung in range(5):
        for left_out in {spec.id for spec in found.required if spec.rung == rung}:
            part = module.prove_part(found, {spec.id for spec in found.required if spec.id != left_out})
            assert part.verdict.rung == rung - 1
            assert part.verdict.stopped_by[0] == left_out
            assert part.find(left_out) is None
    assert module.prove_part(found, {"mechanism.ov"}).verdict.rung == -1


def test_a_part_measures_what_the_whole_measures_and_runs_nothing_twice(circuit, claim, quick, monkeypatch):
    tests = ("behaviour.gain", "support.interchange", "mechanism.ov")
    found = module.prepare(claim, circuit.model)
    part = module.prove_part(found, tests)
    whole = prove(claim, circuit.model)
    for m in part.measurements:
        assert m == whole.find(*m.spec.key)
    assert {m.test for m in part.measurements} == set(tests)
    monkeypatch.setattr(module, "summarize", lambda *_: pytest.fail("a test ran again"))
    assert module.prove_part(found, tests).measurements == part.measurements


def test_a_part_says_what_was_not_run(circuit, claim):
    found = module.prepare(claim, circuit.model)
    said = verdict_sentence(module.prove_part(found, ("clue.signature",)))
    assert said == "Nothing can be said: gain of the behaviour of the model was not run."
    clue = module.prove_part(found, ("behaviour.gain", "behaviour.order", "clue.signature"))
    (layer, head) = circuit.heads["induction"][0]
    said = f"Not contribution: direct logit attribution of {layer}.{head} was not run."
    assert said in verdict_sentence(clue)
    with pytest.raises(ClaimError, match=r"requires no test 'clue.signatur'.*clue.signature"):
        module.prove_part(found, ("clue.signatur",))


def test_a_whole_proof_after_a_part_is_the_same_proof(circuit, claim, quick):
    found = module.prepare(claim, circuit.model)
    module.prove_part(found, ("mechanism.routed_qk", "contribution.edge", "support.necessity"))
    measured = run_tests(found.setting, found.required, found.alpha, known=found.measured)
    again, first = found.conclude(measured), prove(claim, circuit.model)
    assert again.measurements == first.measurements
    assert again.agreement == first.agreement
    assert again.run == first.run
