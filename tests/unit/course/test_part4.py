"""Every known mistake of part 4, as a reader would write it."""

import numpy as np
import pytest
import torch

from .mistakes import cases, check_all_tried, check_named


def table(model, head):
    return model.W_E @ model.W_V[head] @ model.W_O[head] @ model.W_U


def share(scores, axis=-1):
    return (scores.argmax(axis) == torch.arange(len(scores))).double().mean()


def summed(model, heads):
    return sum(table(model, head) for head in heads)


def in_a_row(model, heads):
    made = model.W_E
    for head in heads:
        made = made @ model.W_V[head] @ model.W_O[head]
    return share(made @ model.W_U)


def values(model, head):
    return torch.linalg.eigvals(model.W_O[head] @ model.W_U @ model.W_E @ model.W_V[head])


def stream(model, head):
    found = torch.linalg.eigvals(model.W_V[head] @ model.W_O[head])
    return found.real.sum() / found.abs().sum()


def by_position(model, head, n, mask=float("-inf"), scale=None, ask="W_Q", asked="W_K"):
    p = model.W_pos[:n]
    scores = (p @ getattr(model, ask)[head]) @ (p @ getattr(model, asked)[head]).T
    scores = scores / (model.config.d_head**0.5 if scale is None else scale)
    return scores.masked_fill(torch.ones(n, n).triu(1).bool(), mask).softmax(-1)


def no_mask(model, head, n):
    p = model.W_pos[:n]
    return ((p @ model.W_Q[head]) @ (p @ model.W_K[head]).T / model.config.d_head**0.5).softmax(-1)


def parts(model, tokens, head, query, key, scale=None):
    _, cache = model.run_with_cache(tokens)

    def inputs(at):
        return torch.stack((cache["embed"][0, at], cache["pos_embed"][0, at], *cache["result", 0][0, at]))

    root = model.config.d_head**0.5 if scale is None else scale
    return (inputs(query) @ model.W_Q[head]) @ (inputs(key) @ model.W_K[head]).T / root


def compose(left, right, norm=torch.linalg.matrix_norm):
    return norm(left @ right) / (norm(left) * norm(right))


def scores_of(model, sender, receiver, of=compose):
    writes, qk = model.W_V[sender] @ model.W_O[sender], model.W_Q[receiver] @ model.W_K[receiver].T
    return torch.stack([of(writes, m) for m in (qk, qk.T, model.W_V[receiver] @ model.W_O[receiver])])


def all_scores(model, into=1):
    n = model.config.n_heads
    return torch.stack([torch.stack([scores_of(model, (0, s), (1, r))[into] for r in range(n)]) for s in range(n)])


def excess(scores):
    return scores - (scores.sum() - scores) / (scores.numel() - 1)


def same_receiver(model):
    scores = all_scores(model)
    return scores - (scores.sum(0) - scores) / (len(scores) - 1)


def match(model, sender, receiver, ask="W_Q", asked="W_K", axis=-1, into="keys"):
    routed = model.W_E @ model.W_V[sender] @ model.W_O[sender]
    sides = {"keys": (model.W_E, routed), "queries": (routed, model.W_E), "neither": (model.W_E, model.W_E)}[into]
    return share((sides[0] @ getattr(model, ask)[receiver]) @ (sides[1] @ getattr(model, asked)[receiver]).T, axis)


def spectral(matrix):
    return torch.linalg.matrix_norm(matrix, 2)


WRONG = {
    "4.1": {
        "tied": lambda model, head: (model.W_E @ model.W_V[head] @ model.W_O[head] * model.W_E).sum(-1),
        "qk": lambda model, head: ((model.W_E @ model.W_Q[head]) * (model.W_E @ model.W_K[head])).sum(-1),
        "largest": lambda model, head: table(model, head).amax(-1),
    },
    "4.2": {
        "columns": lambda model, heads: share(summed(model, heads), 0),
        "mean_of_shares": lambda model, heads: np.mean([share(table(model, head)).item() for head in heads]),
        "first_only": lambda model, heads: share(table(model, heads[0])),
        "in_a_row": in_a_row,
    },
    "4.3": {
        "stream": stream,
        "sign_lost": lambda model, head: values(model, head).sum().abs() / values(model, head).abs().sum(),
        "real_below": lambda model, head: values(model, head).real.sum() / values(model, head).real.abs().sum(),
        "counted": lambda model, head: (values(model, head).real > 0).double().mean(),
    },
    "4.4": {
        "no_mask": no_mask,
        "no_scale": lambda model, head, n: by_position(model, head, n, scale=1.0),
        "exchanged": lambda model, head, n: by_position(model, head, n, ask="W_K", asked="W_Q"),
        "one_matrix": lambda model, head, n: by_position(model, head, n, asked="W_Q"),
    },
    "4.5": {
        "transposed": lambda *given: parts(*given).T,
        "no_scale": lambda *given: parts(*given, scale=1.0),
        "query_twice": lambda model, tokens, head, query, key: parts(model, tokens, head, query, query),
        "exchanged": lambda model, tokens, head, query, key: parts(model, tokens, head, key, query),
    },
    "4.6": {
        "not_transposed": lambda *given: scores_of(*given)[[1, 0, 2]],
        "same_for_both": lambda *given: scores_of(*given)[[0, 0, 2]],
        "not_divided": lambda *given: scores_of(*given, of=lambda a, b: torch.linalg.matrix_norm(a @ b)),
        "other_order": lambda *given: scores_of(*given, of=lambda a, b: compose(b, a)),
        "spectral": lambda *given: scores_of(*given, of=lambda a, b: compose(a, b, spectral)),
    },
    "4.7": {
        "own_included": lambda model: all_scores(model) - all_scores(model).mean(),
        "chance": lambda model: all_scores(model) - model.config.d_model**-0.5,
        "same_receiver": same_receiver,
        "into_queries": lambda model: excess(all_scores(model, 0)),
        "transposed": lambda model: excess(all_scores(model)).T,
    },
    "4.8": {
        "other_axis": lambda *given: match(*given, axis=0),
        "not_composed": lambda *given: match(*given, into="neither"),
        "into_queries": lambda *given: match(*given, into="queries"),
        "matrices_exchanged": lambda *given: match(*given, ask="W_K", asked="W_Q"),
    },
}


@pytest.mark.parametrize(("number", "mistake"), cases(WRONG))
def test_a_known_mistake_is_named(number, mistake):
    check_named(WRONG, number, mistake)


def test_every_known_mistake_is_tried():
    check_all_tried(WRONG, "4")
