"""When the search looks for heads, and what is said where it finds none."""

from dataclasses import replace

import numpy as np
import pytest

from rung.evidence import prove as module
from rung.evidence import search as searching
from rung.evidence.claim import INDUCTION
from rung.evidence.observation import Floors, Outcome
from rung.evidence.prove import prove
from rung.evidence.search import lacks_behaviour, search
from rung.evidence.setting import Setting
from rung.methods.runner import InductionRunner
from rung.planted import plant
from rung.tasks.induction import induction_batch
from rung.tasks.prose import bundled_text
from rung.views.wording import verdict_sentence


@pytest.mark.parametrize(("kind", "lacks"), [("circuit", False), ("untrained", True)])
def test_a_model_without_the_behaviour_is_not_searched(kind, lacks):
    model = plant(kind, 0).model
    runner = InductionRunner(model, induction_batch(model, sequences=32, seed=3), seed=3)
    assert lacks_behaviour(Setting(runner, INDUCTION, Floors())) == lacks
    assert search(INDUCTION, model, Floors(), 0, 32).complete == (not lacks)


def test_an_undecided_behaviour_is_searched(circuit, monkeypatch):
    """The search confirms nothing, so few sequences are no reason to find no heads."""
    measured = searching.MEASURES["behaviour.order"]

    def noisy(setting, spec):
        observed = measured(setting, spec)
        spread = np.where(np.arange(32) % 2, 90.0, -90.0)
        wide = {name: replace(one, top=one.top + spread) for name, one in observed.quantities.items()}
        return replace(observed, quantities=wide)

    monkeypatch.setitem(searching.MEASURES, "behaviour.order", noisy)
    runner = InductionRunner(circuit.model, induction_batch(circuit.model, sequences=32, seed=3), seed=3)
    specs = module.required_tests(INDUCTION, circuit.model.config, False)
    undecided = module.run_tests(Setting(runner, INDUCTION, Floors()), specs[:2], 0.01)
    assert undecided[1].outcome is Outcome.INCONCLUSIVE
    assert search(INDUCTION, circuit.model, Floors(), 0, 32).with_heads({}) == INDUCTION.with_heads(circuit.heads)


def test_no_circuit_is_spoken_of_where_no_head_was_found(circuit, monkeypatch):
    monkeypatch.setattr(module, "search", lambda claim, *_: claim)
    said = verdict_sentence(prove("induction", circuit.model))
    assert said.startswith(
        "Clue (rung 1 of 4), token induction on random repeats. No more can be said: no head was found for "
        "previous_token and induction."
    )


def test_the_search_and_every_test_report_each_run(circuit):
    """A bar that stands still for a minute on a large model looks like a hang."""
    steps: list[str] = []
    prove("induction", circuit.model, progress=lambda step, done, total: steps.append(step))
    assert {"search", "search, run 4", "behaviour.gain, run 1", "support.necessity, run 1", "done"} <= set(steps)


def test_runs_on_text_are_reported(circuit, reading):
    runner = InductionRunner(reading(circuit), induction_batch(circuit.model, sequences=2, seed=1), seed=1)
    tried = Setting(runner, INDUCTION, Floors(), bundled_text())
    runs: list[int] = []
    tried.on_run = lambda: runs.append(1)
    assert tried.text_runner.stream(1)
    assert len(runs) == len(tried.text_runner.chunks)
