"""Checkers of part 2: previous-token heads, induction heads, and the traps."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..model.model import HookedTransformer
from .grading import Custom, Exercise, Trial
from .models import bundled, random_model, random_tokens, repeats
from .reference import Array, log_softmax, losses, run
from .trial import planted_model

FLOOR = 0.3
"""The mean attention from which a head has a signature."""


def _twice() -> list[Trial]:
    trials = []
    for seed, (rows, period) in enumerate(((3, 5), (1, 8), (4, 2))):
        drawn = torch.randint(1, 90, (rows, period), generator=torch.Generator().manual_seed(seed))
        once = drawn.numpy()
        bos = np.zeros((rows, 1), dtype=np.int64)
        wrong = {
            "no_bos": np.concatenate((once, once), 1),
            "bos_twice": np.concatenate((bos, once, bos, once), 1),
            "each_doubled": np.concatenate((bos, np.repeat(once, 2, axis=1)), 1),
            "once": np.concatenate((bos, once), 1),
            "stacked": np.concatenate((np.concatenate((bos, bos), 0), np.concatenate((once, once), 0)), 1),
        }
        truth = torch.from_numpy(np.concatenate((bos, once, once), 1))
        trials.append(Trial(truth, (drawn,), wrong, f"{rows} rows of {period} tokens"))
    return trials


def _repeating(rows: int = 4) -> list[tuple[HookedTransformer, Tensor, int, str]]:
    """Models with and without induction, and repeats of another length for each."""
    tiny, two, random = bundled("two-layer-tiny"), bundled("two-layer"), random_model(11)
    return [
        (two, repeats(two, rows, 20, seed=1), 20, "two-layer, copies of 20 tokens"),
        (tiny, repeats(tiny, rows, 17, seed=2), 17, "two-layer-tiny, copies of 17 tokens"),
        (random, repeats(random, rows - 1, 12, seed=3), 12, "a random model, copies of 12 tokens"),
    ]


def _copy_losses() -> list[Trial]:
    trials = []
    for model, tokens, period, name in _repeating():
        logits = run(model, tokens).logits
        loss = losses(logits, tokens)
        own = -np.take_along_axis(log_softmax(logits), tokens.numpy()[..., None], -1)[..., 0]
        first, second = loss[:, :period].mean(), loss[:, period + 1 :].mean()
        wrong = {
            "first_copy_in_mean": np.array([first, loss.mean()]),
            "unpredictable_in": np.array([first, loss[:, period:].mean()]),
            "itself": np.array([own[:, 1 : period + 1].mean(), own[:, period + 2 :].mean()]),
            "swapped": np.array([second, first]),
            "summed": np.array([loss[:, :period].sum(), loss[:, period + 1 :].sum()]),
        }
        trials.append(Trial(np.array([first, second]), (model, tokens, period), wrong, name))
    return trials


def _line(pattern: Array, back: int, skip: int = 0) -> Array:
    """Mean attention `back` tokens back of each head, without the first `skip` queries that have such a key."""
    length = pattern.shape[-1]
    queries = np.arange(back + skip, length)
    return np.asarray(pattern[:, :, queries, queries - back].mean((0, 2)))


def _ahead(pattern: Array, by: int, skip: int = 0) -> Array:
    """What `_line` gives if queries and keys are exchanged."""
    return _line(pattern.swapaxes(-1, -2), by, skip)


def _previous() -> list[Trial]:
    trials = []
    planted = planted_model("circuit", 4).model
    subjects = [*_repeating(), (planted, repeats(planted, 3, 9, seed=5), 9, "a planted model")]
    for model, tokens, _, name in subjects:
        patterns = run(model, tokens).pattern
        wrong = {
            "bos_counted": [_line(p, 1) for p in patterns],
            "two_back": [_line(p, 2, 1) for p in patterns],
            "itself": [_line(p, 0, 2) for p in patterns],
            "transposed": [_ahead(p, 1, 1) for p in patterns],
            "all_keys": [p[:, :, 2:].mean((0, 2, 3)) for p in patterns],
        }
        trials.append(_stacked([_line(p, 1, 1) for p in patterns], (model, tokens), wrong, name))
    return trials


def _stacked(truth: list[Array], arguments: tuple[Any, ...], wrong: dict[str, list[Array]], name: str) -> Trial:
    return Trial(np.stack(truth), arguments, {key: np.stack(value) for key, value in wrong.items()}, name)


def _with_decoys() -> list[tuple[HookedTransformer, Tensor, int, str]]:
    found = _repeating()
    for kind, seed in (("circuit", 4), ("duplicate_token", 5), ("fixed_distance", 6)):
        model = planted_model(kind, seed).model
        found.append((model, repeats(model, 3, 13, seed=7), 13, "a planted model, copies of 13 tokens"))
    return found


def _induction() -> list[Trial]:
    trials = []
    for model, tokens, period, name in _with_decoys():
        patterns = run(model, tokens).pattern
        wrong = {
            "earlier_place": [_line(p, period, 1) for p in patterns],
            "outside_repeat": [_line(p, period - 1) for p in patterns],
            "earlier_place_and_bos": [_line(p, period) for p in patterns],
            "two_after": [_line(p, period - 2, 3) for p in patterns],
            "transposed": [_ahead(p, period - 1, 2) for p in patterns],
            "first_copy_in_mean": [_over_all(p, period) for p in patterns],
        }
        truth = [_line(p, period - 1, 2) for p in patterns]
        trials.append(_stacked(truth, (model, tokens, period), wrong, name))
    return trials


def _over_all(pattern: Array, period: int) -> Array:
    """The attention on the right entries, averaged as if the first copy's queries could have had such a key."""
    right = pattern.diagonal(1 - period, -2, -1)[..., 2:].sum(-1)
    return np.asarray((right / (pattern.shape[-1] - 1)).mean(0))


def _unparked() -> list[Trial]:
    trials = []
    for model, tokens, period, name in _repeating():
        patterns = run(model, tokens).pattern
        stripes = [p.diagonal(1 - period, -2, -1)[..., 2:] for p in patterns]
        parked = [p[:, :, period + 1 :, 0] for p in patterns]
        pairs = list(zip(stripes, parked, strict=True))
        wrong = {
            "parked_in": [s.mean((0, 2)) for s in stripes],
            "mean_of_ratios": [(s / (1 - b)).mean((0, 2)) for s, b in pairs],
            "by_parked": [s.sum((0, 2)) / b.sum((0, 2)) for s, b in pairs],
            "by_stripe_and_parked": [s.sum((0, 2)) / (s + b).sum((0, 2)) for s, b in pairs],
        }
        truth = [s.sum((0, 2)) / (1 - b).sum((0, 2)) for s, b in pairs]
        trials.append(_stacked(truth, (model, tokens, period), wrong, name))
    return trials


def _duplicate() -> list[Trial]:
    trials = []
    for model, tokens, period, name in _with_decoys():
        patterns = run(model, tokens).pattern
        wrong = {
            "place_after": [_line(p, period - 1, 2) for p in patterns],
            "bos_counted": [_line(p, period) for p in patterns],
            "itself_too": [_line(p, period, 1) + _line(p, 0, period + 1) for p in patterns],
            "transposed": [_ahead(p, period, 1) for p in patterns],
        }
        truth = [_line(p, period, 1) for p in patterns]
        trials.append(_stacked(truth, (model, tokens, period), wrong, name))
    return trials


def _distances() -> list[Trial]:
    trials = []
    for kind, seed, role in (
        ("fixed_distance", 1, "induction"),
        ("fixed_distance", 2, "induction"),
        ("circuit", 3, "previous_token"),
        ("circuit", 3, "induction"),
        ("duplicate_token", 5, "other"),
    ):
        planted = planted_model(kind, seed)
        claimed = {head for heads in planted.heads.values() for head in heads}
        layer, head = planted.heads[role][0] if role in planted.heads else (0, 0 if (0, 0) not in claimed else 1)
        tokens = random_tokens(planted.model, 4, 40, seed)
        pattern = run(planted.model, tokens).pattern[layer][:, head, None]
        length = tokens.shape[1]
        means = np.array([_line(pattern, d, 1)[0] for d in range(length - 1)])
        best = int(means.argmax())
        with_bos = np.array([_line(pattern, d)[0] for d in range(length)])
        truth = best if means[best] >= FLOOR else -1
        wrong = {"bos_counted": int(with_bos.argmax()) if with_bos.max() >= FLOOR else -1}
        wrong["one_more"] = truth + 1 if truth >= 0 else -1
        if (
            role != "induction" or kind != "circuit"
        ):  # that head leaves the others nothing: which is largest is rounding
            wrong["no_floor"] = best
        where = f"a planted model, head {layer}.{head}"
        trials.append(Trial(truth, (planted.model, tokens, layer, head), wrong, where))
    return trials


def _kinds() -> list[Trial]:
    """Heads whose kind is known: wired by hand, or the bundled model's, whose circuit is proved elsewhere."""
    two = bundled("two-layer")
    circuit, duplicate = planted_model("circuit", 7), planted_model("duplicate_token", 8)
    fixed, further = planted_model("fixed_distance", 9), planted_model("fixed_distance_alone", 10)
    idle = next((1, head) for head in range(4) if (1, head) not in circuit.heads["induction"])
    subjects = [
        (
            circuit.model,
            circuit.heads["previous_token"][0],
            12,
            "previous token",
            {"previous_is_fixed": "fixed distance"},
        ),
        (circuit.model, circuit.heads["induction"][0], 12, "induction", {}),
        (circuit.model, idle, 12, "none", {}),
        (two, (0, 0), 16, "previous token", {"previous_is_fixed": "fixed distance"}),
        (two, (1, 0), 16, "induction", {}),
        (two, (1, 2), 16, "none", {}),
        (duplicate.model, duplicate.heads["induction"][0], 12, "duplicate token", {"off_by_one": "induction"}),
    ]
    for planted in (fixed, further):
        layer, head = planted.heads["induction"][0]
        tokens = random_tokens(planted.model, 2, 40, seed=0)
        pattern = run(planted.model, tokens).pattern[layer][:, head, None]
        distance = int(np.argmax([_line(pattern, d, 1)[0] for d in range(40)]))
        fooled = {"one_period": "induction", "unnamed": "none"}
        subjects.append((planted.model, (layer, head), distance + 1, "fixed distance", fooled))
    names = ("one_period", "off_by_one", "previous_is_fixed", "unnamed")
    return [
        Trial(
            kind, (model, *head, period), {name: fooled.get(name, kind) for name in names},
            f"{'two-layer' if model is two else 'a planted model'}, head {head[0]}.{head[1]}",
        )
        for model, head, period, kind, fooled in subjects
    ]  # fmt: skip


TRANSPOSED = (
    "Transposed: you read keys after the query, and attention cannot look ahead. [query, key]: keys are the last axis."
)

EXERCISES: dict[str, Exercise | Custom] = {
    "2.1": Exercise(
        _twice,
        "Right: BOS once, then the copy twice.",
        {
            "no_bos": "BOS is missing. The model never saw a text without it.",
            "bos_twice": "BOS stands before each copy. It begins a text, so the second copy would be a text of its "
            "own.",
            "each_doubled": "Each token is doubled in place. The whole copy is repeated: a b c a b c.",
            "once": "There is only one copy.",
            "stacked": "You stacked the copies as more rows. They go side by side, dim=1.",
        },
    ),
    "2.2": Exercise(
        _copy_losses,
        "Right: what the repeat is worth is the difference.",
        {
            "first_copy_in_mean": "The first copy is in your second mean, so it hides most of the gain.",
            "unpredictable_in": "The first token of the second copy is in your mean, and nothing predicts it.",
            "itself": "You scored the token itself, one off: the logits at a position are about the next token.",
            "swapped": "The two are in the wrong order: first copy first.",
            "summed": "Those are sums; means were asked for.",
        },
    ),
    "2.3": Exercise(
        _previous,
        "Right: one back, and BOS not counted.",
        {
            "bos_counted": "Query 1 is in your mean, and its previous token is BOS: heads that park there score for "
            "free.",
            "two_back": "Off by one: that is two tokens back.",
            "itself": "That is the diagonal: the attention of each query to itself.",
            "transposed": TRANSPOSED,
            "all_keys": "You averaged over all keys; every row sums to one, so that says nothing about where a head "
            "looks.",
        },
    ),
    "2.4": Exercise(
        _induction,
        "Right: the key after the earlier place, for the queries of the second copy alone.",
        {
            "earlier_place": "Off by one: you score attention to the earlier occurrence itself. That is a "
            "duplicate-token head. Induction looks at what came after, q − period + 1.",
            "outside_repeat": "Entries outside the second copy are in your mean: the diagonal begins two queries too "
            "early, and one of them looks at BOS.",
            "earlier_place_and_bos": "Off by one, and too long: your diagonal is that of the earlier occurrence "
            "itself, and its first entry looks at BOS. Induction looks one further, q − period + 1, for the queries of "
            "the second copy.",
            "two_after": "Off by one the other way: you look two after the earlier occurrence.",
            "transposed": TRANSPOSED,
            "first_copy_in_mean": "The first copy's queries are in your mean. They have no earlier occurrence to look "
            "at.",
        },
    ),
    "2.5": Exercise(
        _unparked,
        "Right. What is parked lowers a score without erasing the signature.",
        {
            "parked_in": "That is the plain induction score; the parked attention is still in it.",
            "mean_of_ratios": "You divided at each query and averaged the ratios. A query that parks nearly everything "
            "then counts as much as one that does not: sum first, then divide.",
            "by_parked": "You divided by the attention on BOS; divide by the rest, one minus that.",
            "by_stripe_and_parked": "Your denominator holds the stripe and BOS only. Other keys get attention too.",
        },
    ),
    "2.6": Exercise(
        _duplicate,
        "Right: the earlier occurrence itself.",
        {
            "place_after": "Off by one: that is the position after the earlier occurrence, the induction score.",
            "bos_counted": "The first entry of your diagonal belongs to the last query of the first copy, and its key "
            "is BOS.",
            "itself_too": "You added attention to the query itself. It is the same token, and not an earlier one.",
            "transposed": TRANSPOSED,
        },
    ),
    "2.7": Exercise(
        _distances,
        "Right: distance unmasks heads that count, and heads that park have none.",
        {
            "bos_counted": "BOS is in your means. A parked head then seems to look as far back as it can.",
            "one_more": "Off by one: the diagonal −d is the distance d, and 0 is the query itself.",
            "no_floor": "You name a distance even for a head that has none. Below a mean of 0.3, return −1.",
        },
    ),
    "2.8": Exercise(
        _kinds,
        "Right on every head: two real circuits, a duplicate-token head, and two that only count.",
        {
            "one_period": "You were fooled by the period: the head looks a fixed distance back, and the copies you "
            "were shown begin one more than that apart. Use tokens that do not repeat, or another period.",
            "off_by_one": "You call a duplicate-token head an induction head: your stripe is off by one.",
            "previous_is_fixed": "A head that looks one back is a fixed-distance head too, but it has a name of its "
            "own: previous token.",
            "unnamed": "The head that looks a fixed distance back has no kind in your answer. Look at tokens without "
            "repeats.",
        },
    ),
}
