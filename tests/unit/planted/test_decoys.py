"""That each decoy is what it is said to be: measured on the model, not by the ladder."""

import math

import pytest

from rung.circuits.composition import composition, routed_diagonal
from rung.circuits.heads import head_label, ov_copying
from rung.engine.sites import check_head
from rung.errors import RungError
from rung.planted import DECOYS, plant
from rung.planted.wiring import LATE
from rung.tasks.builtin import ordinary_tokens

every = pytest.mark.parametrize("kind", DECOYS)


@every
def test_a_decoy_names_its_heads_and_its_truth(kind, decoy) -> None:
    planted = decoy(kind).planted
    for head in sum(planted.heads.values(), ()):
        check_head(planted.model.config, *head)
    assert planted.truth in range(-1, 4) and not planted.refused and planted.why.endswith(".")


@every
def test_the_behaviour_is_there_in_every_stratum(kind, decoy) -> None:
    found = decoy(kind)
    gains = [float((found.first - found.second)[rows.any(1)].mean()) for rows in found.batch.strata.values()]
    if kind == "faint":
        assert min(gains) > 0 and max(gains) < 1
    else:
        assert max(map(abs, gains)) < 0.3 if kind == "untrained" else min(gains) > 1.2
    # What says BOS, or every token that was seen, costs the first copy as much as it says.
    loud = {"constant_bonus": 3.5, "constant_member": 2.5, "unordered": 10.0}.get(kind, 1.5)
    assert found.first.mean() < loud * math.log(found.model.config.d_vocab)


def test_a_decoy_that_needs_other_positions_says_so() -> None:
    with pytest.raises(RungError, match="pointer needs standard positions, not shortformer"):
        plant("pointer", 0)


def test_of_two_receivers_only_one_reads_the_claimed_sender(decoy) -> None:
    found = decoy("mixed_routes")
    (sender,), (fed, other) = found.heads["previous_token"], found.heads["induction"]
    assert min(found.stripe(head).min() for head in (fed, other)) > 0.9
    assert found.through(sender, fed) > 0.15 * found.gain
    assert abs(found.through(sender, other)) < 0.01 * found.gain
    assert found.cost((other,)) > 0.05 * found.gain


def test_of_two_senders_each_feeds_one_receiver(decoy) -> None:
    found = decoy("mixed_senders")
    one, two = found.heads["previous_token"]
    fed, other = found.heads["induction"]
    assert min(found.through(one, fed), found.through(two, other)) > 0.05 * found.gain
    assert max(abs(found.through(one, other)), abs(found.through(two, fed))) < 0.01 * found.gain


def test_what_cancels_on_average_does_not_at_each_position(decoy) -> None:
    found = decoy("cancellation")
    loss, agreement = found.alone()
    assert loss == pytest.approx(float(found.second.mean()), abs=0.2 * found.gain)
    assert 0.3 < agreement < 0.75
    assert found.interchanged() < 0.6


def test_few_that_are_misled_do_not_spoil_the_interchange(decoy) -> None:
    found = decoy("cancellation_few")
    loss, agreement = found.alone()
    assert loss == pytest.approx(float(found.second.mean()), abs=0.2 * found.gain)
    assert 0.8 < agreement < 0.92
    assert found.interchanged() > 0.8


def test_a_head_needed_to_undo_anothers_error_does_not_decide_what_is_said(decoy) -> None:
    found = decoy("other_reason")
    (head,) = found.heads["induction"]
    if found.model.config.n_layers == 2:
        assert ov_copying(found.model, head, ordinary_tokens(found.model.config)).share > 0.9
    assert found.push(head) > 4
    assert found.cost((head,)) > 0.3 * found.gain
    assert found.interchanged() < 0.3


def test_a_constant_for_repeated_tokens_does_not_decide_what_is_said(decoy) -> None:
    found = decoy("constant_bonus")
    (head,) = found.heads["induction"]
    assert found.push(head) > 3
    assert found.cost((head,)) > 0.1 * found.gain
    assert found.interchanged() < 0.5


@pytest.mark.parametrize("kind, share", [("mlp_amplifies", 0.2), ("mlp_amplifies_most", 0.01), ("mlp_copies", 0.0)])
def test_the_heads_own_push_is_a_small_share(kind, share, decoy) -> None:
    found = decoy(kind)
    (head,) = found.heads["induction"]
    own, rest = found.push(head), found.mlp_push(head[0])
    assert own / (own + rest) == pytest.approx(share, abs=0.05 if share == 0.2 else 0.01)
    assert found.cost((head,)) > 0.8 * found.gain


@pytest.mark.parametrize(
    "kind", ["mlp_translates", "mlp_translates_nearly", "mlp_translates_most", "mediated", "mediated_most"]
)
def test_the_edge_is_not_what_the_sender_works_through(kind, decoy) -> None:
    found = decoy(kind)
    (sender,), (receiver,) = found.heads["previous_token"], found.heads["induction"]
    assert found.cost((sender,)) > 0.8 * found.gain
    assert found.through(sender, receiver) < (0.35 if kind.endswith("most") else 0.02) * found.gain


def test_what_the_groups_key_loses_is_lost_by_the_sibling(decoy) -> None:
    found = decoy("group_edge")
    config, (sender,), (head,) = found.model.config, found.heads["previous_token"], found.heads["induction"]
    size = config.n_heads // config.n_kv
    (sibling,) = ((head[0], h) for h in range(config.n_heads) if h // size == head[1] // size and h != head[1])
    assert found.stripe(head).min() > 0.9 and found.stripe(sibling).min() > 0.9
    assert found.through(sender, sibling) > 0.3 * found.gain
    assert found.through(sender, head) < found.through(sender, sibling)
    assert abs(found.moved(head, sender)) < 0.1 and found.interchanged() > 0.9
    assert found.moved(sibling, sender) > 0.6


def test_half_of_the_vocabulary_is_copied(decoy) -> None:
    found = decoy("half_vocabulary")
    assert 0.35 < found.right() < 0.65
    assert 0.35 < found.interchanged() < 0.65


def test_the_early_route_ends(decoy) -> None:
    found = decoy("early_only")
    (head,) = found.heads["previous_token"]
    attention = found.previous(head)
    assert attention[:, : LATE - 1].min() > 0.9 and attention[:, LATE:].max() < 0.1


def test_a_pointer_needs_no_previous_token(decoy) -> None:
    found = decoy("pointer")
    (sender,), (receiver,) = found.heads["previous_token"], found.heads["induction"]
    assert found.stripe(receiver).min() > 0.8 and found.previous(sender).min() > 0.9
    assert found.cost((receiver,)) > 0.8 * found.gain
    assert abs(found.cost((sender,))) < 0.05 * found.gain


def test_a_push_that_is_taken_back_is_not_missed(decoy) -> None:
    found = decoy("cancelled_downstream")
    (head,) = found.heads["induction"]
    assert found.push(head) > 8
    assert max(abs(found.cost(heads)) for heads in found.heads.values()) < 0.02 * found.gain


def test_a_constant_output_pushes_nothing_in_particular(decoy) -> None:
    found = decoy("constant_output")
    (head,) = found.heads["induction"]
    assert found.stripe(head).min() > 0.9 and abs(found.push(head)) < 1
    assert ov_copying(found.model, head, ordinary_tokens(found.model.config)).share < 0.2


def test_an_anti_copying_head_pushes_against_the_right_token(decoy) -> None:
    found = decoy("anti_copy")
    (head,) = found.heads["induction"]
    assert found.stripe(head).min() > 0.9 and found.push(head) < -3


def test_a_duplicate_token_head_looks_at_its_own_token(decoy) -> None:
    found = decoy("duplicate_token")
    (head,) = found.heads["induction"]
    assert found.stripe(head).max() < 0.1 and abs(found.cost((head,))) < 0.05 * found.gain


def test_a_passenger_among_senders_is_read_by_nobody(decoy) -> None:
    found = decoy("passenger_sender")
    route, idle = found.heads["previous_token"]
    assert min(found.previous(head).min() for head in (route, idle)) > 0.9
    assert found.cost((route,)) > 0.8 * found.gain and abs(found.cost((idle,))) < 0.03 * found.gain


def test_a_large_composition_norm_in_a_subspace_that_stays_empty(decoy) -> None:
    found = decoy("big_composition_norm")
    (sender,), (receiver,) = found.heads["previous_token"], found.heads["induction"]
    norms = composition(found.model)
    assert norms.score(head_label(sender), head_label(receiver), "K") > 2 * norms.chance
    if found.model.config.rotary is None:
        tokens = ordinary_tokens(found.model.config)
        assert routed_diagonal(found.model, sender, receiver, tokens).share < 0.3
    assert abs(found.cost((sender,))) < 0.03 * found.gain
