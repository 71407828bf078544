"""Every known mistake of part 1, as a reader would write it."""

import pytest
import torch

from .mistakes import cases, check_all_tried, check_named


def cached(model, tokens):
    return model.run_with_cache(tokens)[1]


def by_layer(model, of):
    return torch.stack([of(layer) for layer in range(model.config.n_layers)])


def last_logits(model, text, at=-1, **options):
    return model(model.to_tokens(text, **options))[0, at]


def probability(model, text, following, at=-1, **options):
    return last_logits(model, text, at, **options).softmax(-1)[model.to_single_token(following)]


def pattern(q, k, scale=None, mask=float("-inf"), axis=-1):
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / (q.shape[-1] ** 0.5 if scale is None else scale)
    return scores.masked_fill(torch.ones(scores.shape[-2:]).triu(1).bool(), mask).softmax(axis)


def no_mask(q, k):
    return (torch.einsum("bqhd,bkhd->bhqk", q, k) / q.shape[-1] ** 0.5).softmax(-1)


def pushes(model, tokens, target, at=-1, first=True):
    cache = cached(model, tokens)
    writes = [cache["embed"]] * first + [cache["attn_out", layer] for layer in range(model.config.n_layers)]
    return torch.stack([write[0, at] @ model.W_U[:, target] for write in writes])


def accumulated(model, tokens, target):
    cache = cached(model, tokens)
    layers = range(model.config.n_layers)
    return torch.stack(
        [x[0, -1] @ model.W_U[:, target] for x in (*(cache["resid_pre", n] for n in layers), cache["resid_post", -1])]
    )


def loss(logits, tokens, shift=1):
    chances = logits.log_softmax(-1)[:, : logits.shape[1] - shift]
    return -chances.gather(-1, tokens[:, shift:, None]).squeeze(-1)


def direct(model, tokens):
    return model.W_E[tokens] @ model.W_U


def triple(model, head, asks, asked, moved, output, scale=None):
    e, score = model.W_E, model.config.d_head**0.5 if scale is None else scale
    qk = (e[asks] @ model.W_Q[0, head]) @ (e[asked] @ model.W_K[0, head]) / score
    return torch.stack([qk, e[moved] @ model.W_V[0, head] @ model.W_O[0, head] @ model.W_U[:, output]])


def grid(model, head, source, destinations, outputs, name="pattern", key=1):
    cache = cached(model, torch.tensor([[0, source, d] for d in destinations]))
    push = cache["v", 0][:, 1, head] @ model.W_O[0, head] @ model.W_U[:, outputs]
    return cache[name, 0][:, head, 2, key, None] * push


def whole_head(model, head, source, destinations, outputs):
    cache = cached(model, torch.tensor([[0, source, d] for d in destinations]))
    return cache["z", 0][:, 2, head] @ model.W_O[0, head] @ model.W_U[:, outputs]


def no_attention(model, head, source, destinations, outputs):
    cache = cached(model, torch.tensor([[0, source, d] for d in destinations]))
    return cache["v", 0][:, 1, head] @ model.W_O[0, head] @ model.W_U[:, outputs]


WRONG = {
    "1.1": {
        "logit": lambda m, text, word: last_logits(m, text)[m.to_single_token(word)],
        "logarithm": lambda m, text, word: last_logits(m, text).log_softmax(-1)[m.to_single_token(word)].item(),
        "first_position": lambda m, text, word: probability(m, text, word, at=0),
        "one_early": lambda m, text, word: probability(m, text, word, at=-2),
        "no_bos": lambda m, text, word: probability(m, text, word, prepend_bos=False),
    },
    "1.2": {
        "first_query": lambda m, t: by_layer(m, lambda n: cached(m, t)["pattern", n][:, :, :, 0].mean((0, 2))),
        "transposed": lambda m, t: by_layer(m, lambda n: cached(m, t)["pattern", n][:, :, 0, 1:].mean((0, 2))),
        "scores": lambda m, t: by_layer(m, lambda n: cached(m, t)["attn_scores", n][:, :, 1:, 0].mean((0, 2))),
        "last_query": lambda m, t: by_layer(m, lambda n: cached(m, t)["pattern", n][:, :, -1, 0].mean(0)),
        "summed": lambda m, t: by_layer(m, lambda n: cached(m, t)["pattern", n][:, :, 1:, 0].sum(2).mean(0)),
    },
    "1.3": {
        "no_mask": no_mask,
        "no_scale": lambda q, k: pattern(q, k, scale=1),
        "d_head_not_root": lambda q, k: pattern(q, k, scale=q.shape[-1]),
        "zero_mask": lambda q, k: pattern(q, k, mask=0.0),
        "mask_after": lambda q, k: no_mask(q, k).tril(),
        "over_queries": lambda q, k: pattern(q, k, axis=-2),
        "transposed": lambda q, k: pattern(k, q),
    },
    "1.4": {
        "accumulated": accumulated,
        "first_position": lambda m, t, target: pushes(m, t, target, at=0),
        "all_positions": lambda m, t, target: sum(pushes(m, t, target, at=p) for p in range(t.shape[1])),
        "no_embedding": lambda m, t, target: pushes(m, t, target, first=False),
    },
    "1.5": {
        "transposed": lambda m: (m.W_E @ m.W_U).argmax(0),
        "worst": lambda m: (m.W_E @ m.W_U).argmin(-1),
        "whole_model": lambda m: m(torch.arange(m.config.d_vocab)[:, None])[:, 0].argmax(-1),
    },
    "1.6": {
        "itself": lambda m, t: loss(direct(m, t), t, shift=0).mean(),
        "whole_model": lambda m, t: m(t, return_type="loss"),
        "summed": lambda m, t: loss(direct(m, t), t).sum(),
        "negative": lambda m, t: -loss(direct(m, t), t).mean(),
        "attention_only": lambda m, t: loss(m(t) - direct(m, t), t).mean(),
    },
    "1.7": {
        "swapped": lambda m, head, source, dest, out: triple(m, head, source, dest, source, out),
        "no_scale": lambda m, head, source, dest, out: triple(m, head, dest, source, source, out, scale=1),
        "destination_moved": lambda m, head, source, dest, out: triple(m, head, dest, source, dest, out),
        "roles_exchanged": lambda m, head, source, dest, out: triple(m, head, source, dest, dest, out),
    },
    "1.8": {
        "whole_head": whole_head,
        "scores": lambda *given: grid(*given, name="attn_scores"),
        "to_bos": lambda *given: grid(*given, key=0),
        "no_attention": no_attention,
        "transposed": lambda *given: grid(*given).T,
    },
}  # fmt: skip


@pytest.mark.parametrize(("number", "mistake"), cases(WRONG))
def test_a_known_mistake_is_named(number, mistake):
    check_named(WRONG, number, mistake)


def test_every_known_mistake_is_tried():
    check_all_tried(WRONG, "1")
