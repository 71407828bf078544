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
from rung.methods.interventions import Resample, Zero
from rung.planted import PLANTED, plant
from rung.tasks.builtin import ordinary_tokens, repeated_tokens

TRUE = ("circuit", "circuit_norm", "circuit_behind", "circuit_deep", "circuit_shared")
IDLE = ("stripe_alone", "fixed_distance_alone")


def every_stratum(measured, values):
    return {name: float(values[queries.any(1)].mean()) for name, queries in measured.batch.strata.items()}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_model_names_its_heads_and_its_truth(kind) -> None:
    planted = plant(kind, 4)
    assert planted.name == planted.model.config.model_name == f"{kind}-4"
    assert set(planted.heads) == {"previous_token", "induction"}
    for head in sum(planted.heads.values(), ()):
        check_head(planted.model.config, *head)
    assert planted.truth in range(-1, 5)
    assert (planted.truth == 4) == (kind in TRUE)
    assert (planted.into == "K") == (not kind.startswith("wrong_edge"))
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
    # A norm behind attention makes a layer that has nothing to say as loud as one that has.
    most = 1.7 if kind.endswith("_behind") else 1.3
    assert found.first.mean() < most * math.log(found.model.config.d_vocab)


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
                loss = planted.model(task.tokens, return_type="loss", loss_per_token=True)[:, task.predictable].mean()
            assert (loss < 0.5) == (period == right), (seed, period)


@pytest.mark.parametrize("kind", TRUE)
def test_the_right_heads_look_where_they_should_in_every_stratum(kind, measured) -> None:
    found = measured(kind)
    for head in found.heads["previous_token"]:
        assert found.previous(head).min() > 0.95
    for head in found.heads["induction"]:
        assert min(every_stratum(found, found.stripe(head)).values()) > 0.9


@pytest.mark.parametrize("kind", TRUE)
def test_the_right_heads_are_needed_and_the_edge_runs_into_keys(kind, measured) -> None:
    found = measured(kind)
    for heads in found.heads.values():
        assert min(found.costs(heads).values()) > 0.7 * found.gain
    shares = found.shares()
    assert shares["K"] > 0.9
    assert max(abs(shares["Q"]), abs(shares["V"])) < 0.02


@pytest.mark.parametrize("kind", TRUE)
def test_the_right_heads_are_built_for_it(kind, measured) -> None:
    model, heads = measured(kind).model, measured(kind).heads
    tokens = ordinary_tokens(model.config)
    for sender in heads["previous_token"]:
        assert looks_back(model, sender).share == 1
        for receiver in heads["induction"]:
            assert routed_diagonal(model, sender, receiver, tokens).share == 1
    for receiver in heads["induction"]:
        assert ov_copying(model, receiver, tokens).share == 1


@pytest.mark.parametrize("kind", TRUE)
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


@pytest.mark.parametrize("kind, into", [("wrong_edge", "Q"), ("wrong_edge_value", "V")])
def test_a_wrong_edge_is_a_wrong_claim_about_the_true_circuit(kind, into) -> None:
    claimed, true = plant(kind, 5), plant("circuit", 5)
    assert (claimed.into, claimed.heads) == (into, true.heads)
    for name, tensor in claimed.model.state_dict().items():
        assert torch.equal(tensor, true.model.state_dict()[name])


def test_half_a_role_is_missed(measured) -> None:
    found = measured("circuit_shared")
    both = found.cost(found.heads["induction"])
    assert all(0.1 * found.gain < found.cost((head,)) < 0.5 * both for head in found.heads["induction"])


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
    found = measured("fixed_distance", 72)
    (head,) = found.heads["induction"]
    stripe = found.stripe(head)
    distance = 1 + next(int(word) for word in found.planted.why.split() if word.isdigit())
    there = found.batch.period + found.batch.gap == distance
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


def test_a_backup_sleeps_until_the_claimed_heads_fall_silent(measured) -> None:
    """Resampled heads do not fall silent: they assert, and keep it asleep."""
    found = measured("dormant", 36)
    roles = found.heads
    for heads in (*roles.values(), sum(roles.values(), ())):
        assert max(abs(found.cost(heads)), abs(found.cost(heads, Zero()))) < 0.05 * found.gain
    assert found.cost(roles["induction"], Resample(found.others)) > 0.03 * found.gain
    assert found.shares()["K"] > 0.9
    backups = [found.cost(((2, head),)) for head in range(4)]
    assert max(backups) < 0.02 * found.gain
    both = [found.cost((*roles["induction"], (2, head))) for head in range(4)]
    assert sorted(cost > 0.8 * found.gain for cost in both) == [False, False, False, True]


def test_the_smaller_share_is_hardly_missed_and_the_larger_is(measured) -> None:
    found = measured("partial")
    ((layer, claimed),) = found.heads["induction"]
    others = sorted(found.cost(((layer, head),)) for head in range(4) if head != claimed)
    assert found.stripe((layer, claimed)).min() > 0.9
    assert 0 < found.cost(((layer, claimed),)) < 0.05 * found.gain < others[-1]


def test_a_passenger_looks_the_same_way_and_does_nothing(measured) -> None:
    found = measured("passenger")
    worker, idle = found.heads["induction"]
    assert min(float(found.stripe(head).min()) for head in (worker, idle)) > 0.9
    assert found.cost((worker,)) > 0.8 * found.gain
    assert max(map(abs, found.costs((idle,)).values())) < 0.01
    assert found.cost((worker, idle)) == pytest.approx(found.cost((worker,)), abs=0.01)


def test_an_unread_route_looks_one_back_and_tells_nobody(measured) -> None:
    found = measured("unread")
    (unread,) = found.heads["previous_token"]
    assert found.previous(unread).min() > 0.95
    assert looks_back(found.model, unread).share == 1
    assert max(map(abs, found.costs((unread,)).values())) < 0.01
    assert found.cost(found.heads["induction"]) > 0.8 * found.gain


def test_a_wrong_match_copies_and_shows_no_stripe(measured) -> None:
    found = measured("wrong_match")
    (head,) = found.heads["induction"]
    tokens = ordinary_tokens(found.model.config)
    assert ov_copying(found.model, head, tokens).share == 1
    assert max(every_stratum(found, found.stripe(head)).values()) < 0.3
    for sender in range(4):
        assert routed_diagonal(found.model, (0, sender), head, tokens).share < 0.3
    assert abs(found.cost((head,))) < 0.02 * found.gain
