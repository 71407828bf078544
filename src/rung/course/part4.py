"""Checkers of part 4: what a head's weights say, copying, positions, the parts of a score, composition."""

from __future__ import annotations

import numpy as np

from ..model.model import HookedTransformer
from .grading import Custom, Exercise, Trial
from .models import bundled, random_model, random_tokens
from .reference import Array, Head, run, softmax, weight

Edge = tuple[HookedTransformer, Head, Head, str]


def _label(head: Head) -> str:
    return f"{head[0]}.{head[1]}"


def _qkvo(model: HookedTransformer, head: Head) -> tuple[Array, Array, Array, Array]:
    """W_Q, W_K, W_V, W_O of one head in float64."""
    return tuple(weight(w[head]) for w in (model.W_Q, model.W_K, model.W_V, model.W_O))  # type: ignore[return-value]


def _ov(model: HookedTransformer, head: Head) -> Array:
    _, _, v, o = _qkvo(model, head)
    return np.asarray(v @ o)


def _table(model: HookedTransformer, ov: Array) -> Array:
    """W_E (OV) W_U, dense: token read × token raised."""
    return np.asarray(weight(model.W_E) @ ov @ weight(model.W_U))


def _own_logits() -> list[Trial]:
    trials = []
    for model, head, name in (
        (bundled("two-layer-tiny"), (1, 0), "two-layer-tiny"),
        (bundled("one-layer"), (0, 1), "one-layer"),
        (random_model(11), (1, 2), "a random model"),
    ):
        e, u, (q, k, v, o) = weight(model.W_E), weight(model.W_U), _qkvo(model, head)
        table = e @ v @ o @ u
        wrong = {
            "tied": np.einsum("tm,tm->t", e @ v @ o, e),
            "qk": np.einsum("td,td->t", e @ q, e @ k),
            "largest": table.max(1),
        }
        trials.append(Trial(table.diagonal().copy(), (model, head), wrong, f"{name}, head {_label(head)}"))
    return trials


def _top(table: Array, axis: int = 1) -> float:
    return float((table.argmax(axis) == np.arange(len(table))).mean())


def _copying() -> list[Trial]:
    trials = []
    redundant = bundled("two-layer-redundant")
    for model, heads, name in (
        (redundant, ((1, 1), (1, 2)), "two-layer-redundant"),
        (bundled("two-layer-tiny"), ((1, 0),), "two-layer-tiny"),
        (bundled("two-layer-tiny"), ((1, 0), (1, 1)), "two-layer-tiny"),
        (random_model(12), ((0, 1), (1, 2)), "a random model"),
    ):
        each = [_table(model, _ov(model, head)) for head in heads]
        wrong = {"columns": _top(sum(each[1:], each[0]), 0)}
        if len(heads) > 1:
            wrong["mean_of_shares"] = float(np.mean([_top(one) for one in each]))
            wrong["first_only"] = _top(each[0])
            wrong["in_a_row"] = _top(_table(model, _ov(model, heads[0]) @ _ov(model, heads[1])))
        where = f"{name}, {' and '.join(map(_label, heads))}"
        trials.append(Trial(_top(sum(each[1:], each[0])), (model, heads), wrong, where))
    return trials


def _eigenvalues() -> list[Trial]:
    trials = []
    for model, head, name in (
        (random_model(13), (0, 1), "a random model"),
        (random_model(14), (1, 0), "another random model"),
        (bundled("two-layer-tiny"), (0, 0), "two-layer-tiny"),
    ):
        # Of the whole table, tokens × tokens, and not of the small product that has the same ones.
        found = np.linalg.eigvals(_table(model, _ov(model, head)))
        found = found[np.abs(found) > 1e-9 * np.abs(found).max()]
        inside = np.linalg.eigvals(_ov(model, head))
        size, total = np.abs(found).sum(), found.sum()
        wrong = {
            "stream": inside.real.sum() / np.abs(inside).sum(),
            "sign_lost": np.abs(total) / size,
            "real_below": total.real / np.abs(found.real).sum(),
            "counted": (found.real > 0).mean(),
        }
        numbers = {key: float(value) for key, value in wrong.items()}
        trials.append(Trial(float(total.real / size), (model, head), numbers, f"{name}, head {_label(head)}"))
    return trials


def _by_position() -> list[Trial]:
    trials = []
    for model, head, n, name in (
        (bundled("two-layer"), (0, 0), 24, "two-layer"),
        (bundled("two-layer-tiny"), (1, 1), 17, "two-layer-tiny"),
        (random_model(15), (0, 2), 12, "a random model"),
    ):
        p, (q, k, _, _) = weight(model.W_pos)[:n], _qkvo(model, head)
        scores, hidden = (p @ q) @ (p @ k).T, np.triu(np.ones((n, n), dtype=bool), 1)
        scaled = scores / model.config.d_head**0.5
        wrong = {
            "no_mask": softmax(scaled),
            "no_scale": softmax(np.where(hidden, -np.inf, scores)),
            "exchanged": softmax(np.where(hidden, -np.inf, scaled.T)),
            "one_matrix": softmax(np.where(hidden, -np.inf, (p @ q) @ (p @ q).T / model.config.d_head**0.5)),
        }
        truth = softmax(np.where(hidden, -np.inf, scaled))
        trials.append(Trial(truth, (model, head, n), wrong, f"{name}, head {_label(head)}"))
    return trials


def _parts() -> list[Trial]:
    trials = []
    for model, head, query, key, name in (
        (bundled("two-layer"), (1, 0), 13, 6, "two-layer"),
        (bundled("two-layer-tiny"), (1, 1), 9, 2, "two-layer-tiny"),
        (random_model(16), (1, 2), 8, 5, "a random model"),
    ):
        tokens = random_tokens(model, 1, 14, seed=31)
        seen, (q, k, _, _) = run(model, tokens), _qkvo(model, head)
        root = model.config.d_head**0.5

        def inputs(at: int, seen=seen) -> Array:  # type: ignore[no-untyped-def]
            return np.stack([seen.embed[0, at], seen.pos_embed[0, at], *seen.result[0][0, at]])

        asking, asked = inputs(query) @ q, inputs(key) @ k
        truth = asking @ asked.T / root
        wrong = {
            "transposed": truth.T,
            "no_scale": truth * root,
            "query_twice": asking @ (inputs(query) @ k).T / root,
            "exchanged": (inputs(key) @ q) @ (inputs(query) @ k).T / root,
        }
        where = f"{name}, head {_label(head)}, query {query}, key {key}"
        trials.append(Trial(truth, (model, tokens, head, query, key), wrong, where))
    return trials


def _compose(left: Array, right: Array, norm: str | int = "fro") -> float:
    def size(matrix: Array) -> float:
        return float(np.linalg.norm(matrix, norm))  # type: ignore[arg-type]

    return size(left @ right) / (size(left) * size(right))


def _composition() -> list[Trial]:
    trials = []
    for model, sender, receiver, name in (
        (bundled("two-layer"), (0, 0), (1, 0), "two-layer"),
        (bundled("two-layer-tiny"), (0, 1), (1, 1), "two-layer-tiny"),
        (random_model(17), (0, 2), (1, 1), "a random model"),
    ):
        writes, (q, k, v, o) = _ov(model, sender), _qkvo(model, receiver)
        reads = (q @ k.T, k @ q.T, v @ o)
        truth = np.array([_compose(writes, one) for one in reads])
        wrong = {
            "not_transposed": truth[[1, 0, 2]],
            "same_for_both": truth[[0, 0, 2]],
            "not_divided": np.array([np.linalg.norm(writes @ one) for one in reads]),
            "other_order": np.array([_compose(one, writes) for one in reads]),
            "spectral": np.array([_compose(writes, one, 2) for one in reads]),
        }
        where = f"{name}, {_label(sender)} → {_label(receiver)}"
        trials.append(Trial(truth, (model, sender, receiver), wrong, where))
    return trials


def _excess() -> list[Trial]:
    trials = []
    for model, name in (
        (bundled("two-layer"), "two-layer"),
        (bundled("two-layer-tiny"), "two-layer-tiny"),
        (random_model(18), "a random model"),
    ):
        n = model.config.n_heads
        qk = [_qkvo(model, (1, receiver))[:2] for receiver in range(n)]
        scores = np.array([[_compose(_ov(model, (0, sender)), k @ q.T) for q, k in qk] for sender in range(n)])
        into_queries = np.array([[_compose(_ov(model, (0, sender)), q @ k.T) for q, k in qk] for sender in range(n)])

        def above(found: Array) -> Array:
            rest = [np.delete(found.ravel(), at).mean() for at in range(found.size)]
            return np.asarray(found - np.reshape(rest, found.shape))

        wrong = {
            "own_included": scores - scores.mean(),
            "chance": scores - model.config.d_model**-0.5,
            "same_receiver": scores - (scores.sum(0) - scores) / (n - 1),
            "into_queries": above(into_queries),
            "transposed": above(scores).T,
        }
        trials.append(Trial(above(scores), (model,), wrong, name))
    return trials


def _match() -> list[Trial]:
    trials = []
    for model, sender, receiver, name in (
        (bundled("two-layer-tiny"), (0, 0), (1, 0), "two-layer-tiny"),
        (bundled("two-layer-redundant"), (0, 0), (1, 2), "two-layer-redundant"),
        (bundled("two-layer-tiny"), (0, 1), (1, 0), "two-layer-tiny"),
        (random_model(19), (0, 2), (1, 1), "a random model"),
    ):
        e, writes, (q, k, _, _) = weight(model.W_E), _ov(model, sender), _qkvo(model, receiver)
        scores = (e @ q) @ (e @ writes @ k).T
        wrong = {
            "other_axis": _top(scores, 0),
            "not_composed": _top((e @ q) @ (e @ k).T),
            "into_queries": _top((e @ writes @ q) @ (e @ k).T),
            "matrices_exchanged": _top((e @ k) @ (e @ writes @ q).T),
        }
        where = f"{name}, {_label(sender)} → {_label(receiver)}"
        trials.append(Trial(_top(scores), (model, sender, receiver), wrong, where))
    return trials


EXERCISES: dict[str, Exercise | Custom] = {
    "4.1": Exercise(
        _own_logits,
        "Right: a diagonal needs the factors only, and no table of tokens × tokens.",
        {
            "tied": "You read the result with W_E. Tokens come out through W_U, and in this model that is another "
            "matrix.",
            "qk": "That is QK: how well a token's query matches its own key. What a head writes is OV.",
            "largest": "That is the largest entry of each row. The diagonal was asked for: the token's own logit.",
        },
    ),
    "4.2": Exercise(
        _copying,
        "Right: heads write into one sum, so their circuits are added before anything is counted.",
        {
            "columns": "Your argmax runs down the columns: which token raises this one most? Ask along the rows: "
            "which token is raised most by this one?",
            "mean_of_shares": "You averaged the heads' shares. What they do together is the sum of their circuits; "
            "count after adding.",
            "first_only": "Only the first head is in your answer. Add the others' circuits.",
            "in_a_row": "You multiplied the two circuits: one head reading the other. Heads side by side are added.",
        },
    ),
    "4.3": Exercise(
        _eigenvalues,
        "Right, and the table of tokens × tokens was never needed: AB and BA have the same eigenvalues but for zeros.",
        {
            "stream": "Those are the eigenvalues of W_V W_O alone. Embedding and unembedding belong to the circuit: "
            "from token to token.",
            "sign_lost": "You took the absolute value of the sum, so a head that suppresses looks like one that "
            "copies. Keep the sign: the sum's real part.",
            "real_below": "Below the line stand the sizes |λ| of the complex eigenvalues, not of their real parts.",
            "counted": "You counted eigenvalues with a positive real part. Weigh each by its size.",
        },
    ),
    "4.4": Exercise(
        _by_position,
        "Right: where the head looks before it has seen a single token.",
        {
            "no_mask": "Your queries look at later positions. Hide them before softmax.",
            "no_scale": "The scores are not divided by √d_head.",
            "exchanged": "Query and key are exchanged: rows are the position that asks (W_Q), columns the one that "
            "is asked (W_K).",
            "one_matrix": "You used W_Q on both sides. Keys are made with W_K.",
        },
    ),
    "4.5": Exercise(
        _parts,
        "Right: every pair of writers has its share, and the shares sum to the score.",
        {
            "transposed": "Transposed: rows are what wrote at the query, columns what wrote at the key.",
            "no_scale": "The shares are not divided by √d_head, so they do not sum to the score.",
            "query_twice": "You took both sides from the query's position. The key's side reads what stands at the "
            "key.",
            "exchanged": "The two positions are exchanged: W_Q reads the stream at the query, W_K at the key.",
        },
    ),
    "4.6": Exercise(
        _composition,
        "Right: into Q with W_QK, into K with its transpose, into V with the receiver's OV.",
        {
            "not_transposed": "Q and K are exchanged. W_QK = W_Q W_Kᵀ begins at the query's side: what is written "
            "meets it there for Q-composition. Keys are on the other side, so K-composition takes the transpose.",
            "same_for_both": "Your K score is your Q score. The key side of W_QK is reached through its transpose.",
            "not_divided": "You did not divide by the norms of the two factors, so a large head scores high with "
            "every other.",
            "other_order": "The order is the other way: with rows as vectors, what is written first stands on the "
            "left.",
            "spectral": "You took the largest singular value. The score uses the Frobenius norm.",
        },
    ),
    "4.7": Exercise(
        _excess,
        "Right. Compare with the other pairs of the same two layers, and even then call the score a description.",
        {
            "own_included": "Each pair is in its own baseline. Leave it out: the mean of the *other* pairs.",
            "chance": "You subtracted 1/√d_model, what random directions give. Trained heads of one layer share "
            "directions, so their own neighbours are the baseline.",
            "same_receiver": "You compared with the other senders of the same receiver only. All other pairs were "
            "asked for.",
            "into_queries": "Those are scores into the queries. W_QK has to be transposed for the keys.",
            "transposed": "Transposed: rows are senders, columns receivers.",
        },
    ),
    "4.8": Exercise(
        _match,
        "Right: the share of tokens whose earlier occurrence these two heads are built to find.",
        {
            "other_axis": "Your argmax runs over the queries: which query scores this key highest? Here each *query* "
            "looks for its best key, as attention does.",
            "not_composed": "That matches embeddings with embeddings. The key that matters is what the sender wrote: "
            "put its OV between embedding and W_K.",
            "into_queries": "You put the sender's OV on the query's side. The previous-token head writes where keys "
            "are made.",
            "matrices_exchanged": "W_Q and W_K are exchanged: the plain token asks through W_Q, what was written is "
            "asked through W_K.",
        },
    ),
}
