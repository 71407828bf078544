"""Checkers of part 1: probabilities, patterns, the residual stream, the two paths, skip-trigrams."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..model.model import HookedTransformer
from .grading import Custom, Exercise, Trial
from .models import bundled, random_model, random_tokens
from .reference import losses, read_out, run, softmax, weight

TEXTS = (
    ("two-layer", "the President of the United", " States"),
    ("two-layer", "It is in the power of", " the"),
    ("one-layer", "They came at the same", " time"),
)


def _probability() -> list[Trial]:
    trials = []
    for name, text, following in TEXTS:
        model = bundled(name)
        assert model.tokenizer is not None
        bare = model.tokenizer.encode(text)
        ids = torch.tensor([[0, *bare]])
        (target,) = model.tokenizer.encode(following)
        logits, without = run(model, ids).logits[0], run(model, ids[:, 1:]).logits[0]
        chances = softmax(logits)
        wrong = {
            "logit": logits[-1, target],
            "logarithm": np.log(chances[-1, target]),
            "first_position": chances[0, target],
            "one_early": chances[-2, target],
            "no_bos": softmax(without)[-1, target],
        }
        truth = float(chances[-1, target])
        trials.append(Trial(truth, (model, text, following), _numbers(wrong), f"{name}, “{text}”"))
    return trials


def _numbers(wrong: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in wrong.items()}


def _subjects(rows: int, length: int) -> list[tuple[HookedTransformer, torch.Tensor, str]]:
    """Models that differ in every size, and tokens for each."""
    chosen = (("two-layer-tiny", bundled("two-layer-tiny")), ("a random model", random_model(3)))
    found = [(model, random_tokens(model, rows, length, seed), name) for seed, (name, model) in enumerate(chosen, 5)]
    third = random_model(4, "standard", 3)
    return [*found, (third, random_tokens(third, rows + 1, length - 3, 8), "a random model of three layers")]


def _parked() -> list[Trial]:
    trials = []
    for model, tokens, name in _subjects(3, 14):
        seen = run(model, tokens)
        by_layer = seen.pattern
        wrong = {
            "first_query": np.stack([p[..., 0].mean((0, 2)) for p in by_layer]),
            "transposed": np.stack([p[:, :, 0, 1:].mean((0, 2)) for p in by_layer]),
            "scores": np.stack([s[:, :, 1:, 0].mean((0, 2)) for s in seen.scores]),
            "last_query": np.stack([p[:, :, -1, 0].mean(0) for p in by_layer]),
            "summed": np.stack([p[:, :, 1:, 0].mean(0).sum(-1) for p in by_layer]),
        }
        trials.append(Trial(np.stack([p[:, :, 1:, 0].mean((0, 2)) for p in by_layer]), (model, tokens), wrong, name))
    return trials


def _by_hand() -> list[Trial]:
    trials = []
    for seed, shape in ((0, (2, 6, 3, 5)), (1, (1, 9, 2, 16))):
        generator = torch.Generator().manual_seed(seed)
        q, k = torch.randn(shape, generator=generator), torch.randn(shape, generator=generator)
        products = np.einsum("bqhd,bkhd->bhqk", weight(q), weight(k))
        hidden = np.triu(np.ones(products.shape[-2:], dtype=bool), 1)
        root = shape[-1] ** 0.5
        scores = np.where(hidden, -np.inf, products / root)
        swapped = np.where(hidden, -np.inf, products.swapaxes(-1, -2) / root)
        wrong = {
            "no_mask": softmax(products / root),
            "no_scale": softmax(np.where(hidden, -np.inf, products)),
            "d_head_not_root": softmax(np.where(hidden, -np.inf, products / shape[-1])),
            "zero_mask": softmax(np.where(hidden, 0.0, products / root)),
            "mask_after": np.where(hidden, 0.0, softmax(products / root)),
            "over_queries": softmax(scores.swapaxes(-1, -2)).swapaxes(-1, -2),
            "transposed": softmax(swapped),
        }
        trials.append(Trial(softmax(scores), (q, k), wrong, f"queries of shape {list(shape)}"))
    return trials


def _writers() -> list[Trial]:
    trials = []
    for seed, (model, tokens, name) in enumerate(_subjects(1, 11)):
        if model.config.positional_embedding_type == "standard":
            continue  # there the position writes too
        seen, target = run(model, tokens), 7 + seed
        column = weight(model.W_U)[:, target]
        writes = np.stack([seen.embed, *(result.sum(2) for result in seen.result)])[:, 0]
        wrong = {
            "accumulated": np.stack([*seen.resid_pre, seen.resid_post])[:, 0, -1] @ column,
            "first_position": writes[:, 0] @ column,
            "all_positions": (writes @ column).sum(-1),
            "no_embedding": writes[1:, -1] @ column,
        }
        trials.append(Trial(writes[:, -1] @ column, (model, tokens, target), wrong, name))
    return trials


def _bigrams() -> list[Trial]:
    trials = []
    for name, model in (("zero-layer", bundled("zero-layer")), ("two-layer-tiny", bundled("two-layer-tiny"))):
        table = weight(model.W_E) @ weight(model.W_U)
        wrong = {"transposed": table.argmax(0), "worst": table.argmin(1)}
        if model.config.n_layers:
            alone = run(model, torch.arange(model.config.d_vocab)[:, None]).logits[:, 0]
            wrong["whole_model"] = alone.argmax(1)
        trials.append(Trial(table.argmax(1), (model,), wrong, name))
    return trials


def _direct_loss() -> list[Trial]:
    trials = []
    for model, tokens, name in _subjects(2, 12)[:2]:
        logits = read_out(model, weight(model.W_E)[tokens.numpy()])
        ids = tokens.numpy()
        own = -np.take_along_axis(logits - np.log(np.exp(logits).sum(-1, keepdims=True)), ids[..., None], -1)
        seen = run(model, tokens)
        wrong = {
            "itself": own.mean(),
            "whole_model": losses(seen.logits, ids).mean(),
            "summed": losses(logits, ids).sum(),
            "negative": -losses(logits, ids).mean(),
            "attention_only": losses(seen.logits - logits, ids).mean(),
        }
        trials.append(Trial(float(losses(logits, ids).mean()), (model, tokens), _numbers(wrong), name))
    return trials


def _triple() -> list[Trial]:
    trials = []
    one = bundled("one-layer")
    for model, head, tokens, name in (
        (one, 1, (30, 410, 77), "one-layer"),
        (one, 3, (900, 12, 5), "one-layer"),
        (random_model(5, n_layers=1), 2, (3, 11, 20), "a random model"),
    ):
        source, destination, output = tokens
        e = weight(model.W_E)
        qk = weight(model.W_Q[0, head]) @ weight(model.W_K[0, head]).T
        ov = weight(model.W_V[0, head]) @ weight(model.W_O[0, head]) @ weight(model.W_U)[:, output]
        root = model.config.d_head**0.5
        score, push = e[destination] @ qk @ e[source] / root, e[source] @ ov
        wrong = {
            "swapped": np.array([e[source] @ qk @ e[destination] / root, push]),
            "no_scale": np.array([score * root, push]),
            "destination_moved": np.array([score, e[destination] @ ov]),
            "roles_exchanged": np.array([e[source] @ qk @ e[destination] / root, e[destination] @ ov]),
        }
        trials.append(Trial(np.array([score, push]), (model, head, *tokens), wrong, f"{name}, head 0.{head}"))
    return trials


def _grid() -> list[Trial]:
    trials = []
    one = bundled("one-layer")
    for model, head, source, destinations, outputs, name in (
        (one, 2, 30, [410, 77], [12, 900], "one-layer"),
        (random_model(6, n_layers=1), 1, 4, [11, 20, 6], [9, 2], "a random model"),
    ):
        seen = run(model, torch.tensor([[0, source, destination] for destination in destinations]))
        columns = weight(model.W_U)[:, outputs]
        pushes = seen.v[0][:, 1, head] @ weight(model.W_O[0, head]) @ columns
        wrong = {
            "whole_head": seen.result[0][:, 2, head] @ columns,
            "scores": seen.scores[0][:, head, 2, 1, None] * pushes,
            "to_bos": seen.pattern[0][:, head, 2, 0, None] * pushes,
            "no_attention": pushes,
            "transposed": (seen.pattern[0][:, head, 2, 1, None] * pushes).T,
        }
        truth = seen.pattern[0][:, head, 2, 1, None] * pushes
        trials.append(Trial(truth, (model, head, source, destinations, outputs), wrong, f"{name}, head 0.{head}"))
    return trials


EXERCISES: dict[str, Exercise | Custom] = {
    "1.1": Exercise(
        _probability,
        "Right: the probability that the weights give when they are multiplied out in NumPy.",
        {
            "logit": "That is the logit. Softmax over the whole vocabulary turns logits into probabilities.",
            "logarithm": "That is the log-probability. Softmax instead of log-softmax, or take its exponential.",
            "first_position": "You read the logits at position 0, which know BOS only. What follows the text is at the "
            "last position.",
            "one_early": "You read the position before the last: that predicts the text's last token, not what follows "
            "it.",
            "no_bos": "You left out BOS. `to_tokens` puts it first, and the model never saw a text without it.",
        },
    ),
    "1.2": Exercise(
        _parked,
        "Right: [layer, head], over every query that had a choice.",
        {
            "first_query": "The first query is in your mean. It sees only itself, so it adds a full 1 for every head.",
            "transposed": "Query and key are exchanged: you read what position 0 looks at, and it can look at nothing "
            "later. The key is the last axis.",
            "scores": "Those are attention scores, before softmax. The weights are in `pattern`.",
            "last_query": "You read the last query only; average over all queries after the first.",
            "summed": "You summed over the queries where a mean was asked for.",
        },
    ),
    "1.3": Exercise(
        _by_hand,
        "Right: scores, mask, softmax over the keys.",
        {
            "no_mask": "Nothing is hidden: your queries look at the future. Give later keys the score −inf.",
            "no_scale": "The scores are not divided by √d_head.",
            "d_head_not_root": "You divided by d_head; it is its square root.",
            "zero_mask": "Hidden keys have score 0 in your answer, and e⁰ is 1: they still receive attention. Use "
            "−inf.",
            "mask_after": "You took the hidden keys away after softmax, so the rows no longer sum to 1. Hide them "
            "before.",
            "over_queries": "Your softmax runs over the queries. The weights of one query over its keys sum to 1: the "
            "last axis.",
            "transposed": "Transposed: rows of your scores are keys. Queries come first, [batch, head, query, key].",
        },
    ),
    "1.4": Exercise(
        _writers,
        "Right: one term for each writer, and they sum to the logit.",
        {
            "accumulated": "Those are running sums: the stream after each writer. Take what each one writes, "
            "`attn_out`.",
            "first_position": "You read position 0. The logit asked for is at the last position.",
            "all_positions": "You summed over all positions. A logit is read from the stream at its own position "
            "alone.",
            "no_embedding": "The embedding is missing. It writes to the stream first, and it is a path to the logits.",
        },
    ),
    "1.5": Exercise(
        _bigrams,
        "Right: that is all that a model without attention can know.",
        {
            "transposed": "Transposed: you searched the current token for each next one. Rows are the current token; "
            "take the argmax along them.",
            "worst": "Those are the least likely tokens; take the largest logit.",
            "whole_model": "You ran the whole model on single tokens. Its heads attend to the token itself and write; "
            "the direct path has embedding and unembedding only.",
        },
    ),
    "1.6": Exercise(
        _direct_loss,
        "Right. What the whole model has below that, attention paid for.",
        {
            "itself": "You scored the token itself, one off: the logits at a position are about the next token.",
            "whole_model": "That is the loss of the whole model, attention included.",
            "summed": "That is the sum of the losses; the mean was asked for.",
            "negative": "The sign is the other way: a loss is minus the log-probability.",
            "attention_only": "That is the loss without the direct path. Keep the embedding and leave attention out.",
        },
    ),
    "1.7": Exercise(
        _triple,
        "Right: QK from the destination to the source, OV from the source to the output.",
        {
            "swapped": "Source and destination are exchanged in your score: the destination asks (W_Q), the source is "
            "asked (W_K).",
            "no_scale": "The score is not divided by √d_head.",
            "destination_moved": "You moved the destination. OV carries what is at the source, where attention looks.",
            "roles_exchanged": "Source and destination are exchanged throughout.",
        },
    ),
    "1.8": Exercise(
        _grid,
        "Right. It is a column of attention times a row of pushes, so the wrong pairs rise with the right ones.",
        {
            "whole_head": "That is all the head writes, from BOS and the destination too. Take the source's share "
            "alone.",
            "scores": "You multiplied by the score before softmax; the weight is in `pattern`.",
            "to_bos": "You took the attention to BOS (key 0). The source stands at position 1.",
            "no_attention": "The attention is missing: you have what the source would push if it got all of it.",
            "transposed": "Transposed: rows are destinations, columns are outputs.",
        },
    ),
}
