from dataclasses import replace

import pytest
import torch

from rung.course import PlanChoice, check_plan
from rung.course.plan import MODELS, SENTENCES, find_head, own_match
from rung.course.trial import SEED, planted_model
from rung.errors import RungError
from rung.evidence.claim import LOOKUP
from rung.evidence.decide import summarize
from rung.evidence.prove import prepare
from rung.evidence.tests import MEASURES
from rung.tasks.induction import LOOK_UP, induction_batch

RIGHT = PlanChoice("one_back", "value", ("ablate", "exchange", "path"), "K", ("ov", "composed_qk"))
WRONG = {
    "route_signature": {"route": "two_back"},
    "match_signature": {"match": "key"},
    "no_intervention": {"interventions": ()},
    "not_needed": {"interventions": ("exchange",)},
    "reason": {"interventions": ("ablate",)},
    "edge": {"interventions": ("ablate", "exchange"), "weights": ("ov",)},
    "wrong_input": {"into": "Q"},
    "own_qk": {"weights": ("ov", "embedding_qk")},
    "no_weights": {"weights": ()},
    "no_ov": {"weights": ("composed_qk",)},
    "no_composed_qk": {"weights": ("ov",)},
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_plan_is_rejected_with_a_sentence_of_its_own(mistake):
    found = check_plan(replace(RIGHT, **WRONG[mistake]))
    assert (found.passed, found.mistake) == (False, mistake)
    assert found.sentence.startswith(SENTENCES[mistake].split("{")[0])
    assert "{" not in found.sentence
    quick = check_plan(replace(RIGHT, **WRONG[mistake]), every=False)
    assert (quick.passed, quick.mistake, quick.sentence) == (False, mistake, found.sentence)


@pytest.mark.parametrize(
    "change", [{}, {"interventions": ("ablate", "exchange")}, {"weights": ("ov", "composed_qk", "positional")}]
)
def test_more_than_one_right_plan_passes(change):
    found = check_plan(replace(RIGHT, **change))
    assert found.passed, found
    assert [case.accepted for case in found.cases] == [kind == "circuit" for kind in MODELS]
    quick = check_plan(replace(RIGHT, **change), every=False)
    assert (quick.passed, quick.sentence) == (True, found.sentence)
    for case, whole in zip(quick.cases, found.cases, strict=True):
        assert (case.accepted, case.outcomes.items() <= whole.outcomes.items()) == (whole.accepted, True)


def test_a_signature_finds_what_a_loop_over_queries_finds():
    model = planted_model("circuit", SEED).model
    batch = induction_batch(model, sequences=32, seed=1, task=LOOK_UP)
    _, cache = model.run_with_cache(batch.tokens)
    sums = torch.zeros(model.config.n_layers, model.config.n_heads, dtype=torch.float64)
    count = 0
    for row, tokens in enumerate(batch.tokens.tolist()):
        second = int(batch.second[row])
        for query in range(second, second + int(batch.period[row]), 2):
            value = tokens.index(tokens[query]) + 1
            assert tokens[value] == tokens[query + 1]
            for layer in range(model.config.n_layers):
                sums[layer] += cache["pattern", layer][row, :, query, value]
            count += 1
    head, score = find_head("induction", "value")
    assert score == pytest.approx(float(sums.max()) / count, abs=1e-5)
    assert (
        divmod(int(sums.argmax()), model.config.n_heads) == head == planted_model("circuit", SEED).heads["induction"][0]
    )


def test_the_cases_are_what_each_test_measures_by_itself():
    for case in check_plan(RIGHT).cases[:3]:
        planted = planted_model(case.model, SEED)
        found = prepare(LOOKUP.with_heads(planted.heads), planted.model)
        for spec in found.required:
            if spec.id in case.outcomes and (spec.into or spec.role == "induction"):
                measured = summarize(spec, MEASURES[spec.id](found.setting, spec), found.setting.floors, found.alpha)
                assert case.outcomes[spec.id] == measured.outcome.value
        assert case.genuine is (planted.truth == 4)


def test_embeddings_alone_do_not_match():
    planted = planted_model("circuit", SEED)
    model, (layer, head) = planted.model, planted.heads["induction"][0]
    scores = model.W_E @ model.QK[layer, head].AB @ model.W_E.T
    right = (scores.argmax(0) == torch.arange(len(scores))).float().mean()
    assert own_match("circuit") == pytest.approx(float(right))
    assert own_match("circuit") < 0.1


def test_a_part_that_cannot_be_chosen_is_refused():
    with pytest.raises(RungError, match=r"'ablat' cannot be chosen; there are ablate"):
        check_plan(replace(RIGHT, interventions=("ablat",)))
