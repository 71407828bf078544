"""Checkers of part 3: hooks, ablation, patching, attribution, redundancy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
from torch import Tensor

from ..model.model import HookedTransformer
from .grading import Custom, Exercise, Trial
from .models import bundled, random_model, random_tokens, repeats
from .reference import Array, Head, Run, losses, run, weight
from .trial import planted_model


def _subjects(rows: int = 4) -> list[tuple[HookedTransformer, Tensor, Head, str]]:
    """Models, tokens, and a head of each to take away."""
    tiny, two, random = bundled("two-layer-tiny"), bundled("two-layer"), random_model(21)
    third = random_model(22, "standard", 3)
    found = [
        (two, repeats(two, rows, 14, seed=1), (1, 0), "two-layer"),
        (tiny, repeats(tiny, rows, 11, seed=2), (0, 1), "two-layer-tiny"),
        (random, random_tokens(random, rows - 1, 17, seed=3), (0, 2), "a random model"),
        (third, random_tokens(third, rows + 1, 13, seed=4), (1, 2), "a random model of three layers"),
    ]
    return [(model, tokens, head, f"{name}, head {head[0]}.{head[1]}") for model, tokens, head, name in found]


def _entropies() -> list[Trial]:
    trials = []
    for model, tokens, _, name in _subjects():
        by_layer = [-(p * np.log(np.where(p > 0, p, 1.0))) for p in run(model, tokens).pattern]
        truth = np.stack([e.sum(-1).mean((0, 2)) for e in by_layer])
        wrong = {
            "bits": truth / np.log(2),
            "negative": -truth,
            "mean_over_keys": np.stack([e.mean((0, 2, 3)) for e in by_layer]),
            "last_query": np.stack([e[:, :, -1].sum(-1).mean(0) for e in by_layer]),
        }
        trials.append(Trial(truth, (model, tokens), wrong, name.partition(",")[0]))
    return trials


def _loss(model: HookedTransformer, tokens: Tensor, z: Mapping[Head, Array] | None = None) -> float:
    return float(losses(run(model, tokens, z).logits, tokens).mean())


def _zeros(model: HookedTransformer, layer: int, heads: Sequence[int]) -> dict[Head, Array]:
    return {(layer, head): np.zeros(model.config.d_head) for head in heads}


def _zeroed() -> list[Trial]:
    trials = []
    for model, tokens, (layer, head), name in _subjects():
        every = range(model.config.n_heads)
        clean = run(model, tokens)
        holed = clean.z[layer].copy()
        holed[:, head] = 0.0
        wrong = {
            "not_ablated": _loss(model, tokens),
            "whole_layer": _loss(model, tokens, _zeros(model, layer, every)),
            "only_this": _loss(model, tokens, _zeros(model, layer, [h for h in every if h != head])),
            "position": _loss(model, tokens, {(layer, h): holed[:, :, h] for h in every}),
            "increase": _loss(model, tokens, _zeros(model, layer, [head])) - _loss(model, tokens),
        }
        truth = _loss(model, tokens, _zeros(model, layer, [head]))
        trials.append(Trial(truth, (model, tokens, layer, head), wrong, name))
    return trials


def _averaged() -> list[Trial]:
    trials = []
    for model, tokens, (layer, head), name in _subjects():
        z = run(model, tokens).z[layer]
        own, every = z[:, :, head], range(model.config.n_heads)

        def at(
            value: Array, model: HookedTransformer = model, tokens: Tensor = tokens, key: Head = (layer, head)
        ) -> float:
            return _loss(model, tokens, {key: value})

        wrong = {
            "not_ablated": _loss(model, tokens),
            "zero": at(np.zeros(model.config.d_head)),
            "own_sequence": at(own.mean(1, keepdims=True)),
            "own_position": at(own.mean(0, keepdims=True)),
            "whole_layer": _loss(model, tokens, {(layer, h): z[:, :, h].mean((0, 1)) for h in every}),
        }
        trials.append(Trial(at(own.mean((0, 1))), (model, tokens, layer, head), wrong, name))
    return trials


def _resampled() -> list[Trial]:
    trials = []
    for seed, (model, tokens, (layer, head), name) in enumerate(_subjects(), 30):
        other = random_tokens(model, len(tokens), tokens.shape[1] - 1, seed)
        mine, theirs = run(model, tokens).z[layer], run(model, other).z[layer]
        every = range(model.config.n_heads)
        wrong = {
            "not_ablated": _loss(model, tokens),
            "other_s_loss": _loss(model, other),
            "exchanged": _loss(model, other, {(layer, head): mine[:, :, head]}),
            "whole_layer": _loss(model, tokens, {(layer, h): theirs[:, :, h] for h in every}),
            "next_row": _loss(model, tokens, {(layer, head): np.roll(mine[:, :, head], 1, 0)}),
        }
        truth = _loss(model, tokens, {(layer, head): theirs[:, :, head]})
        trials.append(Trial(truth, (model, tokens, other, layer, head), wrong, name))
    return trials


def _texts() -> list[tuple[HookedTransformer, Tensor, Tensor, int, Head, str]]:
    """Models, a text whose end repeats its beginning, the same with the earlier place spoiled, the answer, a head."""
    found = []
    planted = planted_model("circuit", 2)
    for seed, (model, head, name) in enumerate(
        (
            (bundled("two-layer"), (1, 0), "two-layer"),
            (bundled("two-layer-tiny"), (0, 0), "two-layer-tiny"),
            (random_model(23), (0, 1), "a random model"),
            (planted.model, planted.heads["induction"][0], "a planted model"),
        ),
        40,
    ):
        clean = repeats(model, 1, 10, seed)[:, :15]
        corrupted = clean.clone()
        corrupted[0, 4] = next(token for token in range(1, 30) if token not in clean[0].tolist())
        found.append((model, clean, corrupted, int(clean[0, 5]), head, f"{name}, head {head[0]}.{head[1]}"))
    return found


def _restored() -> list[Trial]:
    trials = []
    for model, clean, corrupted, answer, (layer, head), name in _texts():
        good, bad = run(model, clean), run(model, corrupted)
        put, taken = {(layer, head): good.z[layer][:, :, head]}, {(layer, head): bad.z[layer][:, :, head]}
        patched, noised = run(model, corrupted, put).logits, run(model, clean, taken).logits
        a, b, p, n = (float(of[0, -1, answer]) for of in (good.logits, bad.logits, patched, noised))
        wrong = {
            "noising": (n - b) / (a - b),
            "lost": (a - n) / (a - b),
            "not_a_share": p - b,
            "missing": (a - p) / (a - b),
            "of_clean": p / a,
        }
        arguments = (model, clean, corrupted, answer, layer, head)
        trials.append(Trial((p - b) / (a - b), arguments, wrong, name))
    return trials


def _writes(seen: Run, at: int = -1) -> Array:
    """What embedding and heads write at one position of the first sequence: [writer, d_model]."""
    heads = np.concatenate([result[0, at] for result in seen.result])
    return np.concatenate((seen.embed[:1, at], heads))


def _attributed() -> list[Trial]:
    trials = []
    for model, clean, _, answer, _, name in _texts():
        seen, other = run(model, clean), int(clean[0, 8])
        W_U = weight(model.W_U)
        direction = W_U[:, answer] - W_U[:, other]
        parts = _writes(seen) @ direction
        layers = [result[0, -1].sum(0) @ direction for result in seen.result]
        wrong = {
            "one_logit": _writes(seen) @ W_U[:, answer],
            "sign": -parts,
            "no_embedding": parts[1:],
            "by_layer": np.array([parts[0], *layers]),
            "head_first": _by_head(parts, model.config.n_layers),
            "first_position": _writes(seen, 0) @ direction,
        }
        trials.append(Trial(parts, (model, clean, answer, other), wrong, name.partition(",")[0]))
    return trials


def _by_head(parts: Array, n_layers: int) -> Array:
    """The same in the order 0.0, 1.0, 0.1, 1.1, …"""
    return np.concatenate((parts[:1], parts[1:].reshape(n_layers, -1).T.reshape(-1)))


def _second_copy(model: HookedTransformer, tokens: Tensor, period: int) -> Callable[[Sequence[Head]], Array]:
    """The mean loss of the second copy and of everything, without a group of heads; computed once for each group."""

    @cache
    def of(group: tuple[Head, ...]) -> Array:
        loss = losses(run(model, tokens, {head: np.zeros(model.config.d_head) for head in group}).logits, tokens)
        return np.array([loss[:, period + 1 :].mean(), loss.mean()])

    return lambda group: of(tuple(group))


def _together() -> list[Trial]:
    trials = []
    redundant, tiny, random = bundled("two-layer-redundant"), bundled("two-layer-tiny"), random_model(24)
    for model, period, heads, name in (
        (redundant, 18, [(1, 0), (1, 1), (1, 3)], "two-layer-redundant"),
        (tiny, 12, [(0, 0), (1, 1)], "two-layer-tiny"),
        (random, 9, [(0, 1), (1, 2), (0, 2)], "a random model"),
    ):
        tokens = repeats(model, 3, period, seed=50)
        without = _second_copy(model, tokens, period)
        groups: list[list[Head]] = [*([head] for head in heads), heads]
        after, everything = np.stack([without(group) for group in groups]).T
        base, whole = without([])
        truth = after - base
        growing = np.array([without(heads[: at + 1])[0] for at in range(len(heads))])
        wrong = {
            "sum": np.array([*truth[:-1], truth[:-1].sum()]),
            "not_a_rise": after,
            "left_on": np.array([*growing, growing[-1]]) - base,
            "first_copy_in_mean": everything - whole,
        }
        if len({layer for layer, _ in heads}) == 1:  # elsewhere a hook made too late may also stand in a wrong layer
            wrong["late_binding"] = np.array([*truth[:-1], without(heads[-1:])[0] - base])
        trials.append(Trial(truth, (model, tokens, period, heads), wrong, name))
    return trials


def _repaired() -> list[Trial]:
    trials = []
    planted = planted_model("cancelled_downstream", 3)
    subjects = [(model, clean, answer, head, name) for model, clean, _, answer, head, name in _texts()[:3]]
    head = planted.heads["induction"][0]
    text = repeats(planted.model, 1, 10, seed=60)[:, :15]
    subjects.append((planted.model, text, int(text[0, 5]), head, "a planted model"))
    for model, tokens, target, (layer, head_at), name in subjects:
        clean, gone = run(model, tokens), run(model, tokens, _zeros(model, layer, [head_at]))
        push = float(clean.result[layer][0, -1, head_at] @ weight(model.W_U)[:, target])
        total = float((gone.logits - clean.logits)[0, -1, target])
        wrong = {
            "direct_sign": np.array([push, total, total - push]),
            "others_sign": np.array([-push, total, -push - total]),
            "after_the_fact": np.array([0.0, total, total]),
            "total_sign": np.array([-push, -total, push - total]),
        }
        trials.append(
            Trial(np.array([-push, total, total + push]), (model, tokens, target, layer, head_at), wrong, name)
        )
    return trials


NOT_ABLATED = (
    "Nothing has changed: that is the loss of the clean run. Does your hook change z in place, or return the new one?"
)
WHOLE_LAYER = "You replaced all heads of the layer. The head is the third axis of z: z[:, :, head]."

EXERCISES: dict[str, Exercise | Custom] = {
    "3.1": Exercise(
        _entropies,
        "Right: in nats, and hidden keys count nothing.",
        {
            "bits": "That is in bits: you took the logarithm to base 2. Nats were asked for.",
            "negative": "The sign is the other way: an entropy is −Σ p log p, and never negative.",
            "mean_over_keys": "You took the mean over the keys. The entropy is the sum over the keys, and then you "
            "average.",
            "last_query": "That is the last query only; average over all queries.",
        },
    ),
    "3.2": Exercise(
        _zeroed,
        "Right: the loss without that head.",
        {
            "not_ablated": NOT_ABLATED,
            "whole_layer": "You silenced all heads of the layer. The head is the third axis of z: z[:, :, head] = 0.",
            "only_this": "You silenced all other heads of the layer, and kept this one.",
            "position": "You silenced a position, not a head: z[:, head] is the second axis. The head is the third.",
            "increase": "That is by how much the loss rises; the loss itself was asked for.",
        },
    ),
    "3.3": Exercise(
        _averaged,
        "Right: what does not depend on the input stays.",
        {
            "not_ablated": NOT_ABLATED,
            "zero": "That is zero ablation.",
            "own_sequence": "You took each sequence's own mean. It still tells the sequences apart: take it over the "
            "batch too.",
            "own_position": "You took a mean for each position. Take it over the positions too.",
            "whole_layer": WHOLE_LAYER,
        },
    ),
    "3.4": Exercise(
        _resampled,
        "Right: that head speaks of another text.",
        {
            "not_ablated": NOT_ABLATED,
            "other_s_loss": "That is the loss on the other text. Run on `tokens`; only the head's z is from `other`.",
            "exchanged": "The texts are exchanged: you put z of `tokens` into the run on `other`.",
            "whole_layer": WHOLE_LAYER,
            "next_row": "You took z from another row of `tokens`. It was to come from the run on `other`.",
        },
    ),
    "3.5": Exercise(
        _restored,
        "Right: the share that this head alone brings back.",
        {
            "noising": "That is the other direction: you put the corrupted z into the clean run. Restore the clean z "
            "in the corrupted run.",
            "lost": "That is the share lost when the clean run gets the corrupted z. Restore the clean z in the "
            "corrupted run.",
            "not_a_share": "That is in logits. Divide by what there is to recover, clean − corrupted.",
            "missing": "That is the share that is still missing; the share recovered is one minus that.",
            "of_clean": "You divided the patched logit by the clean one. A share has the corrupted run at 0: take it "
            "away from both.",
        },
    ),
    "3.6": Exercise(
        _attributed,
        "Right, and it sums to the difference of the logits.",
        {
            "one_logit": "That is the logit of the right token alone. What all tokens get is in it; take the "
            "difference.",
            "sign": "The sign is the other way: right minus wrong.",
            "no_embedding": "The embedding is missing, so the parts do not sum.",
            "by_layer": "You have one part for each layer. Keep the heads apart.",
            "head_first": "The order is off: all heads of layer 0 come first, then those of layer 1.",
            "first_position": "You read position 0. The logits asked for are at the last position.",
        },
    ),
    "3.7": Exercise(
        _together,
        "Right. Alone and together are different questions.",
        {
            "sum": "Your last number is the sum of the others. Ablate all heads in one run: what they do together is "
            "no sum.",
            "not_a_rise": "Those are losses. Take the clean loss away from each.",
            "left_on": "Heads ablated before are still ablated: each number has those before it in it.",
            "late_binding": "In your joint run every hook silences the last head of the list: a function made in a "
            "loop sees the loop's variable as it is in the end. Bind it when the hook is made.",
            "first_copy_in_mean": "The first copy is in your mean, so the rise looks about half as large.",
        },
    ),
    "3.8": Exercise(
        _repaired,
        "Right: what is direct, and what others make of it.",
        {
            "direct_sign": "Direct is a change: zeroing takes away what the head added, so it is minus the "
            "attribution.",
            "others_sign": "The third is total less direct; you have direct less total.",
            "after_the_fact": "Your direct effect is from the ablated run, where the head adds nothing. Read it from "
            "the clean cache.",
            "total_sign": "Total is the logit after, less the logit before.",
        },
    ),
}
