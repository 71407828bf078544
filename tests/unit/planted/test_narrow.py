"""That each kind is what it is said to be: measured on the model, not by the ladder."""

import pytest
import torch

from rung.circuits.composition import routed_diagonal
from rung.circuits.heads import ov_copying
from rung.circuits.positional import looks_back
from rung.engine.sites import check_head
from rung.errors import RungError
from rung.planted import plant
from rung.planted.narrow import NARROW, NARROW_POSITIONS, NORMED
from rung.tasks.builtin import ordinary_tokens
from rung.tasks.prose import repeated_passages, text_windows


def home(kind: str) -> str:
    """An architecture that holds the kind."""
    if kind in NORMED:
        return "rms" if kind == "hums" else "gpt2"
    return "learned_positions" if NARROW_POSITIONS.get(kind) == ("standard",) else "attention_only"


@pytest.fixture
def found(request, measured_in):
    """The kind that the test is called with, measured in its home."""
    return measured_in(home(request.param), request.param)


def of(*kinds: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("found", kinds, indirect=True)


@of(*NARROW)
def test_the_behaviour_is_there_in_every_stratum(found) -> None:
    planted = found.planted
    for head in sum(planted.heads.values(), ()):
        check_head(planted.model.config, *head)
    assert planted.truth in (2, 3, 4) and planted.why.endswith(".") and not planted.refused
    assert (planted.text is None) == (planted.model.tokenizer is None)
    gains = [float((found.first - found.second)[rows.any(1)].mean()) for rows in found.batch.strata.values()]
    assert min(gains) > 1


@pytest.mark.parametrize("kind, architecture", [("hums", "attention_only"), ("covered_late", "rotary")])
def test_a_kind_that_does_not_fit_says_so(kind, architecture) -> None:
    with pytest.raises(RungError, match=f"{kind} needs"):
        plant(kind, 0, architecture=architecture)


@of("mirrored_positions")
def test_a_head_that_is_told_its_position_looks_one_back_and_not_by_its_weights(found) -> None:
    (head,) = found.heads["previous_token"]
    assert found.previous(head).min() > 0.9
    assert looks_back(found.model, head).share < 0.1


@of("matches_kin")
def test_the_tokens_of_a_pair_are_taken_for_the_same(found) -> None:
    (sender,), (receiver,) = found.heads["previous_token"], found.heads["induction"]
    assert found.stripe(receiver).mean() > 0.85
    # An embedding of their own tells the query and the route which pair it is.
    assert routed_diagonal(found.model, sender, receiver, ordinary_tokens(found.model.config)).share < 0.8


@of("says_forbidden")
def test_what_the_weights_raise_most_is_not_what_is_said(found) -> None:
    (head,) = found.heads["induction"]
    assert ov_copying(found.model, head, ordinary_tokens(found.model.config)).share < 0.7
    assert found.right() > 0.95


@of("hums", "alarm")
def test_alone_the_circuit_says_the_same_less_surely(found) -> None:
    loss, same = found.alone()
    assert same > 0.98 and loss > 0.6 and found.second.mean() < 0.1


@of("hushed")
def test_alone_the_circuit_says_what_should_be_hushed(found) -> None:
    loss, same = found.alone()
    assert same < 0.9 and loss < 0.15 * found.gain


@of("period_lookup")
def test_a_look_up_is_blind_at_its_distances_only(found) -> None:
    blind = {int(word) for word in found.planted.why.split() if word.isdigit()}
    stripe = found.stripe(found.heads["induction"][0])
    there = torch.tensor([int(back) - 1 in blind for back in found.batch.period + found.batch.gap])
    assert len(blind) == 2 and there.any() and not there.all()
    assert stripe[there].max() < 0.1 and stripe[~there].min() > 0.8
    assert found.right() > 0.95


@of("covered_member")
def test_a_covered_sender_is_not_missed(found) -> None:
    larger, smaller = found.heads["previous_token"]
    assert abs(found.cost((smaller,))) < 0.01 * found.gain < 0.7 * found.gain < found.cost((larger,))


@of("spare_edge")
def test_of_two_receivers_one_has_enough_of_another_route(found) -> None:
    (sender,), (one, other) = found.heads["previous_token"], found.heads["induction"]
    assert found.moved(one, sender) > 0.8
    assert abs(found.moved(other, sender)) < 0.05


@of("dormant_route")
def test_an_erased_route_is_heard_when_it_is_patched(found) -> None:
    (claimed,), (head,) = found.heads["previous_token"], found.heads["induction"]
    assert found.moved(head, claimed) > 0.8
    needed = [other for other in found.unclaimed if other[0] == claimed[0] and found.moved(head, other) > 0.8]
    assert len(needed) == 1, "the route"
    everything = [other for other in found.every if other[0] == claimed[0] and other not in (claimed, *needed)]
    assert max(abs(found.cost((other,))) for other in everything) < 0.05 * found.gain, "the eraser is not missed"


@of("reads_on", "random_only")
def test_text_is_read_as_it_was_written(found) -> None:
    model, text = found.model, found.planted.text
    assert len(text_windows(model, text)) >= 24 and len(repeated_passages(model, text).tokens) >= 24
    assert model.tokenizer.encode("w1 w63", add_special_tokens=False) == [1, 63]


@of("random_only")
def test_on_text_the_claimed_head_looks_away(found) -> None:
    batch = repeated_passages(found.model, found.planted.text)
    with torch.no_grad():
        pattern = found.model.run_with_cache(batch.tokens, names_filter="pattern")[1]
    layer, index = found.heads["induction"][0]
    away = pattern["pattern", layer][:, index, :, 0][batch.predictable]
    assert away.mean() > 0.9 and found.stripe((layer, index)).mean() > 0.9
