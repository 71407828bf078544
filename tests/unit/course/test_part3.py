"""Every known mistake of part 3, as a reader would write it."""

import pytest
import torch

from rung.course import check

from .mistakes import cases, check_all_tried, check_named


def name(layer):
    return f"blocks.{layer}.attn.hook_z"


def hooked(model, tokens, *hooks, **options):
    """The model's output with z changed by functions of z, in place or returned, by layer."""
    pairs = [(name(layer), lambda z, hook, change=change: change(z)) for layer, change in hooks]
    return model.run_with_hooks(tokens, fwd_hooks=pairs, **options)


def loss(model, tokens, *hooks):
    return hooked(model, tokens, *hooks, return_type="loss").item()


def put(at, value):
    """A change: z at an index becomes a value, or a function of what stood there."""

    def change(z):
        z[at] = value(z[at]) if callable(value) else value

    return change


def of(head):
    return (slice(None), slice(None), head)


def entropy(model, tokens, reduce):
    _, cache = model.run_with_cache(tokens)
    return torch.stack([reduce(torch.special.entr(cache["pattern", n])) for n in range(model.config.n_layers)])


def ablated(model, tokens, layer, at, value):
    return loss(model, tokens, (layer, put(at, value)))


def dropped(model, tokens, layer, head):
    """A hook that computes the ablated z and forgets to return it."""

    def change(z):
        z = z.clone()
        z[:, :, head] = 0.0

    return loss(model, tokens, (layer, change))


def others(model, head):
    return of([one for one in range(model.config.n_heads) if one != head])


def z_of(model, tokens, layer):
    return model.run_with_cache(tokens)[1]["z", layer]


def resampled(model, tokens, source, layer, head, into=None):
    return ablated(
        model,
        tokens,
        layer,
        of(head) if into is None else into,
        z_of(model, source, layer)[of(head if into is None else slice(None))],
    )


def logit(model, tokens, answer, *hooks):
    return hooked(model, tokens, *hooks)[0, -1, answer].item()


def shares(model, clean, corrupted, answer, layer, head):
    """Clean, corrupted, the corrupted run restored, the clean run spoiled."""
    patched = logit(model, corrupted, answer, (layer, put(of(head), z_of(model, clean, layer)[of(head)])))
    spoiled = logit(model, clean, answer, (layer, put(of(head), z_of(model, corrupted, layer)[of(head)])))
    return logit(model, clean, answer), logit(model, corrupted, answer), patched, spoiled


def share(formula):
    return lambda *given: formula(*shares(*given))


def parts(model, tokens, direction, at=-1):
    _, cache = model.run_with_cache(tokens)
    heads = [
        cache["z", n][0, at, h] @ model.W_O[n, h]
        for n in range(model.config.n_layers)
        for h in range(model.config.n_heads)
    ]
    return torch.stack([cache["embed"][0, at], *heads]) @ direction


def between(model, right, wrong):
    return model.W_U[:, right] - model.W_U[:, wrong]


def by_layer(model, tokens, right, wrong):
    found = parts(model, tokens, between(model, right, wrong))
    return torch.cat((found[:1], found[1:].view(model.config.n_layers, -1).sum(1)))


def by_head(model, tokens, right, wrong):
    found = parts(model, tokens, between(model, right, wrong))
    return torch.cat((found[:1], found[1:].view(model.config.n_layers, -1).T.flatten()))


def second(model, tokens, period, heads, start=None):
    hooks = [(layer, put(of(head), 0.0)) for layer, head in heads]
    per_token = hooked(model, tokens, *hooks, return_type="loss", loss_per_token=True)
    return per_token[:, period + 1 if start is None else start :].mean()


def rises(model, tokens, period, heads, start=None):
    base = second(model, tokens, period, [], start)
    return torch.stack([second(model, tokens, period, group, start) - base for group in (*([h] for h in heads), heads)])


def summed(*given):
    alone = rises(*given)[:-1]
    return torch.cat((alone, alone.sum()[None]))


def not_a_rise(model, tokens, period, heads):
    return torch.stack([second(model, tokens, period, group) for group in (*([h] for h in heads), heads)])


def left_on(model, tokens, period, heads):
    """Hooks that are added and never taken away until the end."""
    base, found = second(model, tokens, period, []), []
    for at in (*range(len(heads)), len(heads) - 1):
        found.append(second(model, tokens, period, heads[: at + 1]) - base)
    return torch.stack(found)


def late_binding(model, tokens, period, heads):
    def without(group):
        hooks = []
        for layer, head in group:

            def silence(z, hook):
                z[:, :, head] = 0.0  # noqa: B023  # the mistake

            hooks.append((name(layer), silence))
        return model.run_with_hooks(tokens, return_type="loss", loss_per_token=True, fwd_hooks=hooks)[
            :, period + 1 :
        ].mean()

    return torch.stack([without(group) - without([]) for group in (*([h] for h in heads), heads)])


def effects(model, tokens, target, layer, head):
    direct = -(z_of(model, tokens, layer)[0, -1, head] @ model.W_O[layer, head] @ model.W_U[:, target])
    total = logit(model, tokens, target, (layer, put(of(head), 0.0))) - logit(model, tokens, target)
    return direct, torch.tensor(total)


def effect(formula):
    return lambda *given: torch.stack(formula(*effects(*given)))


WRONG = {
    "3.1": {
        "bits": lambda m, t: entropy(m, t, lambda e: e.sum(-1).mean((0, 2))) / torch.tensor(2.0).log(),
        "negative": lambda m, t: -entropy(m, t, lambda e: e.sum(-1).mean((0, 2))),
        "mean_over_keys": lambda m, t: entropy(m, t, lambda e: e.mean((0, 2, 3))),
        "last_query": lambda m, t: entropy(m, t, lambda e: e[:, :, -1].sum(-1).mean(0)),
    },
    "3.2": {
        "not_ablated": dropped,
        "whole_layer": lambda m, t, layer, head: ablated(m, t, layer, of(slice(None)), 0.0),
        "only_this": lambda m, t, layer, head: ablated(m, t, layer, others(m, head), 0.0),
        "position": lambda m, t, layer, head: ablated(m, t, layer, (slice(None), head), 0.0),
        "increase": lambda m, t, layer, head: ablated(m, t, layer, of(head), 0.0) - loss(m, t),
    },
    "3.3": {
        "not_ablated": dropped,
        "zero": lambda m, t, layer, head: ablated(m, t, layer, of(head), 0.0),
        "own_sequence": lambda m, t, layer, head: ablated(m, t, layer, of(head), lambda z: z.mean(1, keepdim=True)),
        "own_position": lambda m, t, layer, head: ablated(m, t, layer, of(head), lambda z: z.mean(0, keepdim=True)),
        "whole_layer": lambda m, t, layer, head: ablated(m, t, layer, of(slice(None)), lambda z: z.mean((0, 1))),
    },
    "3.4": {
        "not_ablated": lambda m, t, other, layer, head: dropped(m, t, layer, head),
        "other_s_loss": lambda m, t, other, layer, head: loss(m, other),
        "exchanged": lambda m, t, other, layer, head: resampled(m, other, t, layer, head),
        "whole_layer": lambda m, t, other, layer, head: resampled(m, t, other, layer, head, of(slice(None))),
        "next_row": lambda m, t, other, layer, head: ablated(m, t, layer, of(head), lambda z: z.roll(1, 0)),
    },
    "3.5": {
        "noising": share(lambda clean, corrupted, patched, spoiled: (spoiled - corrupted) / (clean - corrupted)),
        "lost": share(lambda clean, corrupted, patched, spoiled: (clean - spoiled) / (clean - corrupted)),
        "not_a_share": share(lambda clean, corrupted, patched, spoiled: patched - corrupted),
        "missing": share(lambda clean, corrupted, patched, spoiled: (clean - patched) / (clean - corrupted)),
        "of_clean": share(lambda clean, corrupted, patched, spoiled: patched / clean),
    },
    "3.6": {
        "one_logit": lambda m, t, right, wrong: parts(m, t, m.W_U[:, right]),
        "sign": lambda m, t, right, wrong: parts(m, t, between(m, wrong, right)),
        "no_embedding": lambda m, t, right, wrong: parts(m, t, between(m, right, wrong))[1:],
        "by_layer": by_layer,
        "head_first": by_head,
        "first_position": lambda m, t, right, wrong: parts(m, t, between(m, right, wrong), at=0),
    },
    "3.7": {
        "sum": summed,
        "not_a_rise": not_a_rise,
        "left_on": left_on,
        "late_binding": late_binding,
        "first_copy_in_mean": lambda m, t, period, heads: rises(m, t, period, heads, start=0),
    },
    "3.8": {
        "direct_sign": effect(lambda direct, total: [-direct, total, total + direct]),
        "others_sign": effect(lambda direct, total: [direct, total, direct - total]),
        "after_the_fact": effect(lambda direct, total: [0 * direct, total, total]),
        "total_sign": effect(lambda direct, total: [direct, -total, -total - direct]),
    },
}  # fmt: skip


@pytest.mark.parametrize(("number", "mistake"), cases(WRONG))
def test_a_known_mistake_is_named(number, mistake):
    check_named(WRONG, number, mistake)


def test_every_known_mistake_is_tried():
    check_all_tried(WRONG, "3")


def test_a_naive_logarithm_of_zero_is_said_to_be_no_number():
    def entropies(model, tokens):
        return entropy(model, tokens, lambda e: e.sum(-1).mean((0, 2))) * float("nan")

    assert check("3.1", entropies).mistake == "not_finite"


def test_a_hook_that_stays_on_the_model_is_named():
    def forgetful(model, tokens, layer, head):
        model.add_hook(name(layer), lambda z, hook: put(of(head), 0.0)(z))
        return model(tokens, return_type="loss").item()

    assert check("3.2", forgetful).mistake == "left_hooks"
