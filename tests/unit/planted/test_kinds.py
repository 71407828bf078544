"""That what is planted is there, and what is said of it true: measured directly, not by the ladder."""

import math
from contextlib import nullcontext

import pytest
import torch

from rung.circuits.composition import check_edge, routed_diagonal
from rung.circuits.heads import ov_copying
from rung.circuits.positional import looks_back
from rung.engine.sites import check_head
from rung.errors import RungError
from rung.planted import PLANTED, plant
from rung.tasks.builtin import ordinary_tokens, repeated_tokens

TRUE = ("circuit", "circuit_norm", "circuit_deep", "circuit_shared")
RIGHT_HEADS = (*TRUE, "wrong_edge", "wrong_edge_value")
IDLE = ("stripe_alone", "fixed_distance_alone")


def every_stratum(measured, values):
    return {name: float(values[rows].mean()) for name, rows in measured.batch.strata.items()}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_model_names_its_heads_and_its_truth(kind) -> None:
    planted = plant(kind, 4)
    assert planted.name == planted.model.config.model_name == f"{kind}-4"
    assert set(planted.heads) == {"previous_token", "induction"}
    for head in sum(planted.heads.values(), ()):
        check_head(planted.model.config, *head)
    assert planted.truth in range(-1, 5)
    assert (planted.truth == 4) == (kind in TRUE)
    assert planted.model.config.attn_only and planted.model.tokenizer is None


@pytest.mark.parametrize("kind", PLANTED)
def test_only_the_pair_of_one_layer_contradicts_itself(kind) -> None:
    planted = plant(kind, 0)
    pairs = [(s, r) for s in planted.heads["previous_token"] for r in planted.heads["induction"]]
    refusal = pytest.raises(RungError, match="heads of one layer") if planted.refused else nullcontext()
    for pair in pairs:
        with refusal:
            check_edge(planted.model.config, *pair)


def test_an_unknown_kind_is_named_beside_those_there_are() -> None:
    with pytest.raises(RungError, match=r"no planted model is called 'stripes'; there are circuit, .* Near names: str"):
        plant("stripes", 0)


@pytest.mark.parametrize("kind", [kind for kind in PLANTED if kind not in IDLE])
def test_the_behaviour_is_there_in_every_stratum(kind, measured) -> None:
    found = measured(kind)
    second, first = every_stratum(found, found.second), every_stratum(found, found.first)
    assert max(second.values()) < math.log(4)
    assert all(first[name] - second[name] > 1 for name in second)
    bag = found.batch.period.double().log()
    assert all(second[name] < value for name, value in every_stratum(found, bag).items())
    assert found.first.mean() < 1.3 * math.log(found.model.config.d_vocab)


def test_without_a_head_that_copies_there_is_no_behaviour(measured) -> None:
    found = measured("stripe_alone")
    second, first = every_stratum(found, found.second), every_stratum(found, found.first)
    assert all(abs(first[name] - second[name]) < 0.2 for name in second)


def test_a_fixed_distance_alone_is_right_at_one_period_and_wrong_at_others() -> None:
    for seed in range(3):
        planted = plant("fixed_distance_alone", seed)
        right = 1 + next(int(word) for word in planted.why.split() if word.isdigit())
        for period in range(4, 16):
            task = repeated_tokens(planted.model, period=period, sequences=16)
            with torch.no_grad():
                loss = planted.model(task.tokens, return_type="loss", loss_per_token=True)[:, task.told].mean()
            assert (loss < 0.5) == (period == right), (seed, period)


@pytest.mark.parametrize("kind", RIGHT_HEADS)
def test_the_right_heads_look_where_they_should_in_every_stratum(kind, measured) -> None:
    found = measured(kind)
    for head in found.heads["previous_token"]:
        assert found.previous(head).min() > 0.95
    for head in found.heads["induction"]:
        assert min(every_stratum(found, found.stripe(head)).values()) > 0.9


@pytest.mark.parametrize("kind", RIGHT_HEADS)
def test_the_right_heads_are_needed_and_the_edge_runs_into_keys(kind, measured) -> None:
    found = measured(kind)
    for heads in found.heads.values():
        assert min(found.costs(heads).values()) > 0.8 * found.gain
        for head in heads:
            assert found.cost((head,)) > 0.02 * found.gain
    shares = found.shares()
    assert shares["K"] > 0.9
    assert max(abs(shares["Q"]), abs(shares["V"])) < 0.02


@pytest.mark.parametrize("kind", RIGHT_HEADS)
def test_the_right_heads_are_built_for_it(kind, measured) -> None:
    model, heads = measured(kind).model, measured(kind).heads
    tokens = ordinary_tokens(model.config)
    for sender in heads["previous_token"]:
        assert looks_back(model, sender).share == 1
        for receiver in heads["induction"]:
            assert routed_diagonal(model, sender, receiver, tokens).share == 1
    for receiver in heads["induction"]:
        assert ov_copying(model, receiver, tokens).share == 1


@pytest.mark.parametrize("kind", RIGHT_HEADS)
def test_no_other_head_or_pair_looks_like_the_right_ones(kind, measured) -> None:
    found = measured(kind)
    config, claimed = found.model.config, sum(found.heads.values(), ())
    tokens = ordinary_tokens(config)
    every = [(layer, head) for layer in range(config.n_layers) for head in range(config.n_heads)]
    for head in every:
        if head not in claimed:
            assert found.previous(head).mean() < 0.3
            assert found.stripe(head).mean() < 0.3
            assert ov_copying(found.model, head, tokens).share < 0.3
            assert found.cost((head,)) < 0.02 * found.gain
    for sender in every:
        for receiver in every:
            if sender[0] < receiver[0] and (sender not in claimed or receiver not in claimed):
                assert routed_diagonal(found.model, sender, receiver, tokens).share < 0.3


def test_half_a_role_is_missed(measured) -> None:
    found = measured("circuit_shared")
    both = found.cost(found.heads["induction"])
    assert all(0.02 * found.gain < found.cost((head,)) < 0.5 * both for head in found.heads["induction"])


@pytest.mark.parametrize("kind", ["stripe", "stripe_alone"])
def test_the_stripe_is_there_and_writes_nothing(kind, measured) -> None:
    found = measured(kind)
    (head,) = found.heads["induction"]
    assert min(every_stratum(found, found.stripe(head)).values()) > 0.9
    assert ov_copying(found.model, head, ordinary_tokens(found.model.config)).share < 0.2
    assert max(map(abs, found.costs((head,)).values())) < 0.01


def test_beside_the_stripe_another_head_of_its_layer_does_induction(measured) -> None:
    found = measured("stripe")
    ((layer, claimed),) = found.heads["induction"]
    costs = {head: found.cost(((layer, head),)) for head in range(found.model.config.n_heads) if head != claimed}
    assert sorted(cost > 0.8 * found.gain for cost in costs.values()) == [False, False, True]


def test_a_fixed_distance_shows_the_stripe_at_its_own_distance_only(measured) -> None:
    found = measured("fixed_distance")
    (head,) = found.heads["induction"]
    stripe = found.stripe(head)
    distance = 1 + next(int(word) for word in found.planted.why.split() if word.isdigit())
    there = found.batch.back == distance
    assert there.any()
    assert stripe[there].min() > 0.8
    assert stripe[~there].max() < 0.2
    assert max(every_stratum(found, stripe).values()) < 0.3
    assert ov_copying(found.model, head, ordinary_tokens(found.model.config)).share > 0.9
    assert abs(found.cost((head,))) < 0.05 * found.gain


def test_in_one_layer_nothing_of_the_claimed_route_is_read(measured) -> None:
    found = measured("same_layer")
    (route,) = found.heads["previous_token"]
    assert found.previous(route).min() > 0.95
    assert max(map(abs, found.costs((route,)).values())) < 0.01
    assert found.cost(found.heads["induction"]) > 0.8 * found.gain


def test_a_covered_circuit_can_go_and_contributes_most(measured) -> None:
    found = measured("covered")
    model, (sender,), (receiver,) = found.model, found.heads["previous_token"], found.heads["induction"]
    tokens = ordinary_tokens(model.config)
    assert routed_diagonal(model, sender, receiver, tokens).share == 1
    assert ov_copying(model, receiver, tokens).share == 1
    assert found.stripe(receiver).min() > 0.9
    for heads in ((sender,), (receiver,), (sender, receiver)):
        assert max(map(abs, found.costs(heads).values())) < 0.02 * found.gain


def test_with_the_cover_gone_too_nothing_is_left(measured) -> None:
    found = measured("covered")
    ((layer, claimed),) = found.heads["induction"]
    pairs = [((layer, claimed), (layer, head)) for head in range(4) if head != claimed]
    assert sorted(found.cost(pair) > 0.8 * found.gain for pair in pairs) == [False, False, True]
