"""Every known mistake of part 2, as a reader would write it."""

import pytest
import torch

from rung.course.models import random_tokens, repeats
from rung.course.part2 import _distances, _kinds
from rung.course.trial import planted_model

from .mistakes import cases, check_all_tried, check_named


def bos(once):
    return torch.zeros(len(once), 1, dtype=torch.long)


def per_token(model, tokens):
    return model(tokens, return_type="loss", loss_per_token=True)


def two(first, second):
    return torch.stack([first, second])


def own_losses(model, tokens, period):
    own = -model(tokens).log_softmax(-1).gather(-1, tokens[..., None])[..., 0]
    return two(own[:, 1 : period + 1].mean(), own[:, period + 2 :].mean())


def heads(model, tokens, of):
    _, cache = model.run_with_cache(tokens)
    return torch.stack([of(cache["pattern", layer]) for layer in range(model.config.n_layers)])


def line(model, tokens, back, skip):
    return heads(model, tokens, lambda p: p.diagonal(-back, dim1=-2, dim2=-1)[..., skip:].mean((0, 2)))


def ratio(model, tokens, period, of):
    def one(p):
        return of(p.diagonal(1 - period, dim1=-2, dim2=-1)[..., 2:], p[:, :, period + 1 :, 0])

    return heads(model, tokens, one)


def distance(model, tokens, layer, head, skip=1, floor=0.3, more=0, last=1):
    pattern = model.run_with_cache(tokens)[1]["pattern", layer][:, head]
    means = [pattern.diagonal(-d, dim1=-2, dim2=-1)[:, skip:].mean() for d in range(tokens.shape[1] - last)]
    best = max(range(len(means)), key=lambda d: means[d])
    return best + more if means[best] >= floor else -1


def kind(model, layer, head, period, fixed="fixed distance", previous="previous token", duplicate="duplicate token"):
    found = distance(model, random_tokens(model, 4, 40, seed=0), layer, head)
    if found >= 1:
        return previous if found == 1 else fixed
    tokens = repeats(model, 4, 18, seed=0)
    if line(model, tokens, 18, 1)[layer, head] >= 0.3:
        return duplicate
    return "induction" if line(model, tokens, 17, 2)[layer, head] >= 0.3 else "none"


def by_one_period(model, layer, head, period):
    """Looks at the stripe of the period it was given, and asks no further."""
    if line(model, repeats(model, 4, period, seed=0), period - 1, 2)[layer, head] >= 0.3:
        return "induction"
    return kind(model, layer, head, period)


WRONG = {
    "2.1": {
        "no_bos": lambda once: torch.cat((once, once), 1),
        "bos_twice": lambda once: torch.cat((bos(once), once, bos(once), once), 1),
        "each_doubled": lambda once: torch.cat((bos(once), once.repeat_interleave(2, 1)), 1),
        "once": lambda once: torch.cat((bos(once), once), 1),
        "stacked": lambda once: torch.cat((bos(once), once), 1).repeat(2, 1),
    },
    "2.2": {
        "first_copy_in_mean": lambda m, t, p: two(per_token(m, t)[:, :p].mean(), per_token(m, t).mean()),
        "unpredictable_in": lambda m, t, p: two(per_token(m, t)[:, :p].mean(), per_token(m, t)[:, p:].mean()),
        "itself": own_losses,
        "swapped": lambda m, t, p: two(per_token(m, t)[:, p + 1 :].mean(), per_token(m, t)[:, :p].mean()),
        "summed": lambda m, t, p: two(per_token(m, t)[:, :p].sum(), per_token(m, t)[:, p + 1 :].sum()),
    },
    "2.3": {
        "bos_counted": lambda m, t: line(m, t, 1, 0),
        "two_back": lambda m, t: line(m, t, 2, 1),
        "itself": lambda m, t: line(m, t, 0, 2),
        "transposed": lambda m, t: line(m, t, -1, 1),
        "all_keys": lambda m, t: heads(m, t, lambda p: p[:, :, 2:].mean((0, 2, 3))),
    },
    "2.4": {
        "earlier_place": lambda m, t, p: line(m, t, p, 1),
        "outside_repeat": lambda m, t, p: line(m, t, p - 1, 0),
        "earlier_place_and_bos": lambda m, t, p: line(m, t, p, 0),
        "two_after": lambda m, t, p: line(m, t, p - 2, 3),
        "transposed": lambda m, t, p: line(m, t, 1 - p, 2),
        "first_copy_in_mean": lambda m, t, p: line(m, t, p - 1, 2) * p / (2 * p),
    },
    "2.5": {
        "parked_in": lambda m, t, p: ratio(m, t, p, lambda s, b: s.mean((0, 2))),
        "mean_of_ratios": lambda m, t, p: ratio(m, t, p, lambda s, b: (s / (1 - b)).mean((0, 2))),
        "by_parked": lambda m, t, p: ratio(m, t, p, lambda s, b: s.sum((0, 2)) / b.sum((0, 2))),
        "by_stripe_and_parked": lambda m, t, p: ratio(m, t, p, lambda s, b: s.sum((0, 2)) / (s + b).sum((0, 2))),
    },
    "2.6": {
        "place_after": lambda m, t, p: line(m, t, p - 1, 2),
        "bos_counted": lambda m, t, p: line(m, t, p, 0),
        "itself_too": lambda m, t, p: line(m, t, p, 1) + line(m, t, 0, p + 1),
        "transposed": lambda m, t, p: line(m, t, -p, 1),
    },
    "2.7": {
        "bos_counted": lambda *given: distance(*given, skip=0, last=0),
        "one_more": lambda *given: distance(*given, more=1),
        "no_floor": lambda *given: distance(*given, floor=0.0),
    },
    "2.8": {
        "one_period": by_one_period,
        "off_by_one": lambda *given: kind(*given, duplicate="induction"),
        "previous_is_fixed": lambda *given: kind(*given, previous="fixed distance"),
        "unnamed": lambda *given: kind(*given, fixed="none"),
    },
}  # fmt: skip


@pytest.mark.parametrize(("number", "mistake"), cases(WRONG))
def test_a_known_mistake_is_named(number, mistake):
    check_named(WRONG, number, mistake)


def test_every_known_mistake_is_tried():
    check_all_tried(WRONG, "2")


def test_the_distances_are_those_that_were_planted():
    first, second, *others = _distances()
    for trial, seed in ((first, 1), (second, 2)):
        assert f"copies what stands {trial.truth} back" in planted_model("fixed_distance", seed).why
    assert [trial.truth for trial in others] == [1, -1, -1]


def test_every_kind_is_asked_for():
    assert {trial.truth for trial in _kinds()} == {
        "previous token", "duplicate token", "fixed distance", "induction", "none"
    }  # fmt: skip
