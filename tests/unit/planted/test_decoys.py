"""That each decoy is what it is said to be: measured on the model, not by the ladder."""

import math

import pytest

from rung.circuits.heads import ov_copying
from rung.engine.sites import check_head
from rung.planted import ARCHITECTURES, DECOYS, plant
from rung.tasks.builtin import ordinary_tokens

CHOSEN = ("attention_only", "rms", "silent_mlp", "all")
chosen = pytest.mark.parametrize("architecture", CHOSEN)


@pytest.mark.parametrize("kind", DECOYS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_decoy_names_its_heads_and_its_truth(kind, architecture) -> None:
    planted = plant(kind, 4, architecture=architecture)
    for head in sum(planted.heads.values(), ()):
        check_head(planted.model.config, *head)
    assert planted.truth in range(-1, 4) and not planted.refused


@pytest.mark.parametrize("kind", DECOYS)
@chosen
def test_the_behaviour_is_there_in_every_stratum(kind, architecture, measured) -> None:
    found = measured(kind, architecture=architecture)
    for rows in found.batch.strata.values():
        second, first = found.second[rows].mean(), found.first[rows].mean()
        assert first - second > 1.2
    assert found.first.mean() < 1.5 * math.log(found.model.config.d_vocab)


@chosen
def test_of_two_receivers_only_one_reads_the_claimed_sender(architecture, measured) -> None:
    found = measured("mixed_routes", architecture=architecture)
    (sender,), (fed, other) = found.heads["previous_token"], found.heads["induction"]
    assert min(found.stripe(head).min() for head in (fed, other)) > 0.9
    assert found.through(sender, fed) > 0.15 * found.gain
    assert abs(found.through(sender, other)) < 0.01 * found.gain
    assert found.cost((other,)) > 0.05 * found.gain


@chosen
def test_of_two_senders_each_feeds_one_receiver(architecture, measured) -> None:
    found = measured("mixed_senders", architecture=architecture)
    one, two = found.heads["previous_token"]
    fed, other = found.heads["induction"]
    assert min(found.through(one, fed), found.through(two, other)) > 0.05 * found.gain
    assert max(abs(found.through(one, other)), abs(found.through(two, fed))) < 0.01 * found.gain


@chosen
def test_what_cancels_on_average_does_not_at_each_position(architecture, measured) -> None:
    found = measured("cancellation", architecture=architecture)
    loss, agreement = found.alone()
    assert loss == pytest.approx(float(found.second.mean()), abs=0.2 * found.gain)
    assert 0.3 < agreement < 0.75


@chosen
def test_a_head_needed_to_undo_anothers_error_does_not_decide_what_is_said(architecture, measured) -> None:
    found = measured("other_reason", architecture=architecture)
    (head,) = found.heads["induction"]
    tokens = ordinary_tokens(found.model.config)
    if found.model.config.n_layers == 2:
        assert ov_copying(found.model, head, tokens).share > 0.9
    assert found.push(head) > 4
    assert found.cost((head,)) > 0.3 * found.gain
    assert found.interchanged() < 0.3


@pytest.mark.parametrize("kind, share", [("mlp_amplifies", 0.2), ("mlp_amplifies_most", 0.01)])
@chosen
def test_the_heads_own_push_is_a_small_share(kind, share, architecture, measured) -> None:
    found = measured(kind, architecture=architecture)
    (head,) = found.heads["induction"]
    own, rest = found.push(head), found.mlp_push(head[0])
    assert own / (own + rest) == pytest.approx(share, abs=0.05)
    assert found.cost((head,)) > 0.8 * found.gain
