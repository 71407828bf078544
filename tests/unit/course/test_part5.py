"""Every known mistake of part 5, as a reader would write it."""

from dataclasses import replace

import pytest
import torch

from rung.course import LiftChoice, PlanChoice, check
from rung.course.part5 import CLAIM_MISTAKES, DECOY_MISTAKES, DECOYS, LISTS
from rung.course.trial import SEED, planted_model
from rung.evidence.claim import INDUCTION, LOOKUP, Edge
from rung.evidence.observation import Floors, Measurement, Outcome, TestSpec
from rung.evidence.prove import prove
from rung.evidence.verdict import verdict

from .mistakes import cases, check_all_tried, check_named


def holds(tests, rung, required=lambda test: test[1], passes=("holds",)):
    return all(test[2] in passes for test in tests if test[0] == rung and required(test))


def climbed(tests, **options):
    reached = -1
    for rung in range(5):
        if not holds(tests, rung, **options):
            break
        reached = rung
    return reached


def any_holds(tests):
    reached = -1
    for rung in range(5):
        if not any(outcome == "holds" for at, required, outcome in tests if at == rung and required):
            break
        reached = rung
    return reached


def explained(empty, circuit, model):
    return (empty.mean() - circuit.mean()) / (empty.mean() - model.mean())


def places(tokens):
    half = (len(tokens) - 1) // 2
    return 2 * (tokens[half + 1 :: 2, None] == tokens[None, 1 : half + 1 : 2]).long().argmax(-1) + 2


def looks(model, tokens, query=0, key=0, exchanged=False):
    half = (tokens.shape[1] - 1) // 2
    asking = torch.arange(half + 1, tokens.shape[1], 2) + query
    _, cache = model.run_with_cache(tokens)
    found = []
    for layer in range(model.config.n_layers):
        rows = []
        for row, sequence in enumerate(tokens):
            sides = (asking, places(sequence) + key)
            first, second = sides[::-1] if exchanged else sides
            rows.append(cache["pattern", layer][row][:, first, second].mean(-1))
        found.append(torch.stack(rows).mean(0))
    return torch.stack(found)


def claims(claim, good, other, task):
    """Each mistake in a claim; `good`: the heads, `other`: a head of each layer that does neither."""
    right = claim.with_heads(good)
    route, match = good["previous_token"], good["induction"]
    return {
        "contradicts_itself": replace(right, roles=(*right.roles, replace(right.roles[0]))),
        "task": replace(right, task=task),
        "no_route": replace(right, roles=right.roles[1:], edges=()),
        "no_match": replace(right, roles=right.roles[:1], edges=()),
        "no_edge": replace(right, edges=()),
        "wrong_input": replace(right, edges=(Edge(sender="previous_token", receiver="induction", into="Q"),)),
        "exchanged": right.with_heads({"previous_token": match, "induction": route}),
        "wrong_route": right.with_heads({"previous_token": other[:1]}),
        "wrong_match": right.with_heads({"induction": other[1:]}),
        "passenger": right.with_heads({"induction": (*match, *other[1:])}),
        "empty": right.with_heads({"previous_token": ()}),
    }


HEADS = {"previous_token": ((0, 0),), "induction": ((1, 0),)}
RIGHT = dict(zip(DECOYS, ("contribution.direct", "contribution.edge", "support.necessity"), strict=True))
WRONG = {
    "5.1": claims(INDUCTION, HEADS, ((0, 1), (1, 1)), LOOKUP.task),
    "5.2": {
        "shown_counted": lambda tests: climbed(tests, required=lambda test: True),
        "highest": lambda tests: max((rung for rung in range(5) if holds(tests, rung)), default=-1),
        "any_holds": any_holds,
        "undecided_passes": lambda tests: climbed(tests, passes=("holds", "inconclusive", "not run")),
        "counted": lambda tests: sum(holds(tests, rung) for rung in range(5)),
    },
    "5.3": {
        "mean_of_ratios": lambda empty, circuit, model: ((empty - circuit) / (empty - model)).mean(),
        "what_is_lost": lambda *losses: 1 - explained(*losses),
        "clamped": lambda *losses: explained(*losses).clamp(0, 1),
        "upside_down": lambda *losses: 1 / explained(*losses),
        "against_full": lambda empty, circuit, model: (circuit.mean() - model.mean()) / empty.mean(),
    },
    "5.4": {
        "missing": {"stripe": "contribution.direct"},
        "unknown": RIGHT | {"unread": "path patching"},
        "holds_there": RIGHT | {"stripe": "clue.signature"},
        "too_late": RIGHT | {"stripe": "mechanism.ov"},
    },
    "5.5": {
        "nothing": LiftChoice(()),
        "patterns_only": LiftChoice(("clue.signature",)),
        "not_needed": LiftChoice(("support.interchange",)),
        "needed_not_why": LiftChoice(("support.necessity",)),
    },
    "5.6": {
        "key": lambda tokens: places(tokens) - 1,
        "next_to_the_query": lambda tokens: torch.arange((len(tokens) + 1) // 2 + 1, len(tokens), 2),
        "token": lambda tokens: tokens[places(tokens)],
    },
    "5.7": {
        "key": lambda *given: looks(*given, key=-1),
        "from_the_value": lambda *given: looks(*given, query=1),
        "summed": lambda model, tokens: looks(model, tokens) * len(tokens) * (tokens.shape[1] // 4),
        "exchanged": lambda *given: looks(*given, exchanged=True),
    },
    "5.8": {
        "route_signature": PlanChoice("two_back", "value", ("ablate",), "K", ("ov",)),
        "no_intervention": PlanChoice("one_back", "value", (), "K", ("ov", "composed_qk")),
        "wrong_input": PlanChoice("one_back", "value", ("ablate", "exchange", "path"), "Q", ("ov", "composed_qk")),
    },
    "5.9": claims(LOOKUP, HEADS, ((0, 1), (1, 1)), INDUCTION.task),
}


CHOICES = ("5.5", "5.8")
"""Their other mistakes are put through the checkers in test_lift.py and test_plan.py."""


@pytest.mark.parametrize(("number", "mistake"), cases(WRONG))
def test_a_known_mistake_is_named(number, mistake):
    check_named(WRONG, number, mistake)


def test_every_known_mistake_is_tried():
    check_all_tried(WRONG, "5", elsewhere=CHOICES)


@pytest.mark.parametrize("number", ["5.1", "5.4", "5.5", "5.8", "5.9"])
def test_what_is_no_such_choice_is_told_so(number):
    assert check(number, 3).mistake == "type"


@pytest.mark.parametrize(("number", "claim"), [("5.1", INDUCTION), ("5.9", LOOKUP)])
def test_a_head_that_the_model_does_not_have(number, claim):
    found = check(number, claim.with_heads({**HEADS, "induction": ((1, 9),)}))
    assert found.mistake == "contradicts_itself" and "1.9" in found.sentence


def test_the_lists_of_outcomes_have_the_verdicts_that_the_ladder_gives():
    """The truths were reasoned out by hand; the ladder's own rule says the same."""
    for truth, tests, _ in LISTS:
        named = [(TestSpec(f"t{at}", rung, "x", required), said) for at, (rung, required, said) in enumerate(tests)]
        measured = [Measurement(spec=spec, outcome=Outcome(said)) for spec, said in named if said != "not run"]
        required = [spec for spec, _ in named if spec.required]
        assert verdict(required, measured, Floors(), 64).rung == truth


@pytest.mark.slow
@pytest.mark.parametrize("decoy", DECOYS)
def test_a_decoy_is_stopped_where_the_checker_says(decoy):
    planted = planted_model(decoy, SEED)
    found = prove(INDUCTION.with_heads(planted.heads), planted.model)
    assert found.verdict.rung == planted.truth
    assert found.verdict.stopped_by[0] == RIGHT[decoy]


def test_sentences_are_all_used():
    assert CLAIM_MISTAKES.keys() == WRONG["5.1"].keys() and DECOY_MISTAKES.keys() == WRONG["5.4"].keys()
