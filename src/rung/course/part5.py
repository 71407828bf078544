"""Checkers of part 5: a claim, what carries a verdict, decoys, and the transfer to key-value look-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from ..errors import ClaimError, SiteError
from ..evidence.claim import OUTPUT, Claim, Role
from ..evidence.observation import Outcome
from ..model.model import HookedTransformer
from .grading import Custom, Exercise, Trial, call, problem
from .lift import SENTENCES as LIFT
from .lift import LiftChoice, check_lift
from .models import bundled, random_model, repeats
from .plan import SENTENCES as PLAN
from .plan import PlanChoice, check_plan
from .reference import Array, Head, run
from .result import CheckResult
from .trial import SEED, confirmation, planted_model, run_chosen

Places = np.ndarray[Any, np.dtype[np.int64]]

CLAIM_MISTAKES: Mapping[str, str] = {
    "contradicts_itself": "The claim contradicts itself: {why}",
    "task": "The claim is about the task {found!r}; the one asked for is {asked!r}.",
    "no_route": 'No role looks one back (signature "previous_token"), so nothing says how a position knows what came '
    "before it.",
    "no_match": 'No role looks at the token after the earlier occurrence (signature "induction") and writes to the '
    "output, so nothing says who answers.",
    "no_edge": "Nothing joins the two roles. Two heads that stand beside each other are no circuit: name the edge.",
    "wrong_input": "Your edge ends in {into}. What the route wrote stands at the position that is looked *for*: it "
    "is read where keys are made.",
    "exchanged": "The heads are exchanged: {route} is claimed to look one back, and {match} does.",
    "wrong_route": "{found} does not look one back: from a position after the first, {score:.2f} of its attention "
    "goes to the one before. The best head has {best:.2f}.",
    "wrong_match": "{found} does not look at the token after the earlier occurrence: {score:.2f} of its attention "
    "goes there. The best head has {best:.2f}.",
    "passenger": "{found} is claimed with the others and does not look where they do ({score:.2f}; the best head has "
    "{best:.2f}). A claim with a passenger is rejected for the passenger.",
    "empty": "The role {role!r} has no heads. `prove` could search for them; here, name them.",
}
"""What may be wrong with a claim, in words."""
LOOKS_THERE = 0.3
"""Attention from which a head looks at a place: the ladder's floor of a clue."""


@dataclass(frozen=True)
class Asked:
    """The claim that an exercise asks for."""

    model: str
    task: str
    right: str
    tokens: Callable[[HookedTransformer], tuple[Tensor, Places]]
    """Sequences, and of each query the position that follows from it; −1 where nothing does."""


def _label(head: Head) -> str:
    return f"{head[0]}.{head[1]}"


def _repeated(model: HookedTransformer) -> tuple[Tensor, Places]:
    period = 20
    tokens = repeats(model, 4, period, seed=41)
    source = np.full(tuple(tokens.shape), -1)
    source[:, period + 1 : -1] = np.arange(2, period + 1)
    return tokens, source


def _asked_keys(model: HookedTransformer) -> tuple[Tensor, Places]:
    tokens, values = pairs(model, rows=4, count=9, seed=42)
    source = np.full(tuple(tokens.shape), -1)
    source[:, 19::2] = values
    return tokens, source


def pairs(model: HookedTransformer, rows: int, count: int, seed: int) -> tuple[Int[Tensor, "batch pos"], Places]:
    """BOS, `count` pairs of a key and a value, the same pairs in another order; where each returning key's value is."""
    generator = np.random.default_rng(seed)
    tokens, values = [], []
    for _ in range(rows):
        drawn = generator.permutation(np.arange(1, model.config.d_vocab))[: 2 * count]
        order = generator.permutation(count)
        again = np.stack((drawn[2 * order], drawn[2 * order + 1]), 1).ravel()
        tokens.append(np.concatenate(([0], drawn, again)))
        values.append(2 * order + 2)
    return torch.tensor(np.stack(tokens)), np.stack(values)


@lru_cache(maxsize=4)
def _attention(asked: Asked) -> tuple[Array, Array]:
    """Of every head [layer, head]: attention one back, and to where the task asks it to look."""
    model = bundled(asked.model)
    tokens, source = asked.tokens(model)
    seen = np.stack(run(model, tokens).pattern)
    one_back = np.stack([np.diagonal(pattern, -1, 2, 3).mean((0, 2)) for pattern in seen])
    rows, queries = np.nonzero(source >= 0)
    there = seen[:, rows, :, queries, source[rows, queries]].mean(0)
    return one_back, there


def _judge_claim(asked: Asked, answer: Any) -> CheckResult:
    _, wrong = call(answer, None)
    if wrong is not None:
        return wrong
    if not isinstance(answer, Claim):
        return problem("type", found=f"a {type(answer).__name__}", asked="a Claim")
    if answer.task != asked.task:
        return _claim_mistake("task", found=answer.task, asked=asked.task)
    route = next((role for role in answer.roles if role.signature == "previous_token"), None)
    match = next((role for role in answer.roles if role.signature == "induction" and role.writes_to == OUTPUT), None)
    if route is None or match is None:
        return _claim_mistake("no_route" if route is None else "no_match")
    edge = next((one for one in answer.edges if (one.sender, one.receiver) == (route.name, match.name)), None)
    if edge is None:
        return _claim_mistake("no_edge")
    for role in (route, match):
        if not role.heads:
            return _claim_mistake("empty", role=role.name)
    if edge.into != "K":
        return _claim_mistake("wrong_input", into=edge.into)
    return _judge_heads(asked, answer, route, match)


def _judge_heads(asked: Asked, answer: Claim, route: Role, match: Role) -> CheckResult:
    one_back, there = _attention(asked)
    outside = next((h for h in answer.heads if not (0 <= h[0] < len(there) and 0 <= h[1] < there.shape[1])), None)
    if outside is None and one_back[match.heads[0]] >= LOOKS_THERE <= there[route.heads[0]]:
        return _claim_mistake("exchanged", route=_label(route.heads[0]), match=_label(match.heads[0]))
    try:
        answer.check(bundled(asked.model).config)
    except (ClaimError, SiteError) as error:
        return _claim_mistake("contradicts_itself", why=str(error))
    for name, role, scores in (("wrong_route", route, one_back), ("wrong_match", match, there)):
        stray = [head for head in role.heads if scores[head] < LOOKS_THERE]
        if stray:
            mistake = "passenger" if len(stray) < len(role.heads) else name
            best = float(scores.max())
            return _claim_mistake(mistake, found=_label(stray[0]), score=float(scores[stray[0]]), best=best)
    return CheckResult(True, "", asked.right)


def _claim_mistake(name: str, **values: Any) -> CheckResult:
    return CheckResult(False, name, CLAIM_MISTAKES[name].format(**values))


def _claim(asked: Asked) -> Custom:
    return Custom(lambda answer: _judge_claim(asked, answer), CLAIM_MISTAKES)


Test = tuple[int, bool, str]
H, F, I, N = (one.value for one in (Outcome.HOLDS, Outcome.FAILS, Outcome.INCONCLUSIVE, Outcome.NOT_RUN))  # noqa: E741
LISTS: Sequence[tuple[int, list[Test], dict[str, int]]] = (
    (
        4,
        [(0, True, H), (1, True, H), (1, True, H), (2, True, H), (3, True, H), (4, True, H), (3, False, F)],
        {"shown_counted": 2, "highest": 4, "any_holds": 4, "undecided_passes": 4, "counted": 5},
    ),
    (
        1,
        [(0, True, H), (1, True, H), (2, True, F), (2, True, H), (3, True, H), (4, True, H)],
        {"shown_counted": 1, "highest": 4, "any_holds": 4, "undecided_passes": 1, "counted": 4},
    ),
    (
        2,
        [(0, True, H), (1, True, H), (2, True, H), (3, True, H), (3, True, I), (3, True, N), (4, True, F)],
        {"shown_counted": 2, "highest": 2, "any_holds": 3, "undecided_passes": 3, "counted": 3},
    ),
    (
        3,
        [(4, True, F), (3, True, H), (2, True, H), (2, False, F), (1, True, H), (0, True, H), (4, True, H)],
        {"shown_counted": 1, "highest": 3, "any_holds": 4, "undecided_passes": 3, "counted": 4},
    ),
    (
        -1,
        [(0, True, F), (1, True, H), (2, True, H), (3, True, N), (4, True, H)],
        {"shown_counted": -1, "highest": 4, "any_holds": -1, "undecided_passes": -1, "counted": 3},
    ),
)
"""The verdict of some lists of outcomes, reasoned out by hand, and what each mistake would say."""


def _verdicts() -> list[Trial]:
    return [Trial(truth, (list(tests),), wrong, f"list {at}") for at, (truth, tests, wrong) in enumerate(LISTS, 1)]


def _faithfulness() -> list[Trial]:
    trials = []
    for seed, level in ((0, 0.3), (1, -0.4), (2, 2.0)):
        generator = np.random.default_rng(seed)
        full = generator.uniform(0.05, 0.6, 24)
        empty = full + generator.uniform(0.5, 9.0, 24)
        circuit = full + level * (empty - full) * generator.uniform(0.2, 1.0, 24)
        share = (empty - circuit).sum() / (empty - full).sum()
        ratios = (empty - circuit) / (empty - full)
        wrong = {
            "mean_of_ratios": float(ratios.mean()),
            "what_is_lost": float(1 - share),
            "clamped": float(np.clip(share, 0, 1)),
            "upside_down": float(1 / share),
            "against_full": float((circuit.mean() - full.mean()) / empty.mean()),
        }
        arguments = tuple(torch.tensor(one) for one in (empty, circuit, full))
        trials.append(Trial(float(share), arguments, wrong, f"case {seed + 1}"))
    return trials


DECOYS = ("stripe", "unread", "covered")
DECOY_MISTAKES: Mapping[str, str] = {
    "missing": "Name one test for each of {asked}.",
    "unknown": "{test!r} is no test that this claim requires. They are called {tests}.",
    "holds_there": "On {decoy}, {test} holds. It does not tell this decoy from a circuit: {why}",
    "too_late": "On {decoy}, {test} indeed does not hold, but the ladder never gets there: it stops at rung {rung}, "
    "where another test does not hold already.",
}


def _judge_decoys(answer: Any) -> CheckResult:
    _, wrong = call(answer, None)
    if wrong is not None:
        return wrong
    if not isinstance(answer, Mapping):
        return problem("type", found=f"a {type(answer).__name__}", asked="a dict from decoy to test")
    if set(answer) != set(DECOYS):
        return _decoy_mistake("missing", asked=", ".join(DECOYS))
    for decoy in DECOYS:
        planted = planted_model(decoy, SEED)
        found = confirmation("induction", decoy, SEED, False, planted.into)
        rungs = {spec.id: spec.rung for spec in found.required}
        test = answer[decoy]
        if test not in rungs:
            return _decoy_mistake("unknown", test=test, tests=", ".join(rungs))
        measured = [m for subject in ("head", "route") for m in run_chosen(found, [test], subject)[test]]
        if all(m.outcome is Outcome.HOLDS for m in measured):
            return _decoy_mistake("holds_there", decoy=decoy, test=test, why=planted.why)
        # The highest rung that a sound verdict may give is known by construction: the next one stops it.
        if rungs[test] > planted.truth + 1:
            return _decoy_mistake("too_late", decoy=decoy, test=test, rung=planted.truth + 1)
    return CheckResult(
        True, "", "Right: each decoy fails another question: what it writes, who reads it, who needs it."
    )


def _decoy_mistake(name: str, **values: Any) -> CheckResult:
    return CheckResult(False, name, DECOY_MISTAKES[name].format(**values))


def _positions() -> list[Trial]:
    trials = []
    for seed, count in ((0, 4), (1, 7), (2, 11)):
        tokens, values = pairs(random_model(21), 1, count, seed)
        wrong = {
            "key": values[0] - 1,
            "next_to_the_query": 2 * count + 2 + 2 * np.arange(count),
            "token": tokens[0].numpy()[values[0]],
        }
        numbers = {name: torch.as_tensor(value) for name, value in wrong.items()}
        trials.append(Trial(torch.tensor(values[0]), (tokens[0],), numbers, f"{count} pairs"))
    return trials


def _scores() -> list[Trial]:
    trials = []
    for model, count, name in (
        (bundled("two-layer"), 8, "two-layer"),
        (bundled("two-layer-tiny"), 6, "two-layer-tiny"),
        (random_model(22), 5, "a random model"),
    ):
        tokens, values = pairs(model, 3, count, seed=count)
        seen = np.stack(run(model, tokens).pattern)
        queries = np.broadcast_to(2 * count + 1 + 2 * np.arange(count), values.shape)

        def at(query: Places, key: Places, seen: Array = seen) -> Array:
            rows = np.arange(len(query))[:, None]
            return np.asarray(seen[:, rows, :, query, key].mean((0, 1)))

        wrong = {
            "key": at(queries, values - 1),
            "from_the_value": at(queries + 1, values),
            "summed": at(queries, values) * values.size,
            "exchanged": at(values, queries),
        }
        trials.append(Trial(at(queries, values), (model, tokens), wrong, name))
    return trials


def _choice(kind: type, judge: Callable[[Any], CheckResult], sentences: Mapping[str, str]) -> Custom:
    def graded(answer: Any) -> CheckResult:
        _, wrong = call(answer, None)
        if wrong is not None:
            return wrong
        if not isinstance(answer, kind):
            return problem("type", found=f"a {type(answer).__name__}", asked=f"a {kind.__name__}")
        return judge(answer)

    return Custom(graded, {name: said for name, said in sentences.items() if name != "right"})


EXERCISES: dict[str, Exercise | Custom] = {
    "5.1": _claim(
        Asked(
            "two-layer-tiny",
            "random repeats",
            "Right: two roles, their heads, and the edge between them. From here on the tests follow, not you.",
            _repeated,
        )
    ),
    "5.2": Exercise(
        _verdicts,
        "Right: a rung holds if every required test there is present and holds, and the first rung that does not "
        "ends it.",
        {
            "shown_counted": "A test that is not required lowered your verdict. It is shown beside the others and "
            "decides nothing.",
            "highest": "You took the highest rung that holds. One below it does not, and a ladder is not climbed "
            "past a missing rung.",
            "any_holds": "One test that holds is not enough for a rung: every required one must.",
            "undecided_passes": '"inconclusive" and "not run" passed as if they held. What was not shown stops '
            "the verdict.",
            "counted": "You counted the rungs that hold, or began at 1. Rungs are numbered from 0, and −1 is none.",
        },
    ),
    "5.3": Exercise(
        _faithfulness,
        "Right: 1 if the circuit alone is as good as the model, 0 if it is no better than nothing, and outside if it "
        "is.",
        {
            "mean_of_ratios": "You averaged ratios, so a sequence on which there was little to explain counts as "
            "much as any. Divide the two means.",
            "what_is_lost": "That is the share that is lost. Faithfulness is the share that is kept.",
            "clamped": "You cut the number off at 0 or 1. Above 1 the circuit is better than the model, and that has "
            "to be seen.",
            "upside_down": "The fraction is upside down: what the circuit explains stands above.",
            "against_full": "You measured from the whole model. Begin at the empty circuit, m(∅), for both "
            "differences.",
        },
    ),
    "5.4": Custom(_judge_decoys, DECOY_MISTAKES),
    "5.5": _choice(LiftChoice, partial(check_lift, every=False), LIFT),
    "5.6": Exercise(
        _positions,
        "Right: that is where a head has to look to answer.",
        {
            "key": "Those are the positions of the earlier keys. What is to be copied stands one after.",
            "next_to_the_query": "Those are the positions after the queries, where the answer will stand. The head "
            "has to find it earlier.",
            "token": "Those are the values themselves, as tokens. Their positions in the first half were asked for.",
        },
    ),
    "5.7": Exercise(
        _scores,
        "Right: one number for every head, and for one of them it is large.",
        {
            "key": "You looked at the earlier key. A head that looks there finds the match, and nothing to copy.",
            "from_the_value": "Your queries are the returning values. The answer is given at the returning *keys*.",
            "summed": "You summed over the queries where a mean was asked for.",
            "exchanged": "Query and key are exchanged: an earlier position cannot look at a later one.",
        },
    ),
    "5.8": _choice(PlanChoice, partial(check_plan, every=False), PLAN),
    "5.9": _claim(
        Asked(
            "two-layer",
            "key-value look-up",
            "Right. It is the circuit of induction: what follows the earlier occurrence is looked up, whatever the "
            "order.",
            _asked_keys,
        )
    ),
}
