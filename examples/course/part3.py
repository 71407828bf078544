# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Part 3. Hooks: observe, silence, replace
#
# You have seen where heads look. Now you reach into the running model. A **hook** is a function that is called with an
# activation in the middle of a forward pass. It may look at it, or return another one, which the model then computes on
# with. With that you can ask the question that no pattern answers: what happens *without* this head?
#
# There are several ways to take a head away, and they do not always agree. You will write them all, find out what each
# head adds to an answer, and meet two models in which taking one head away tells you almost nothing.

# %%
import torch

from rung import HookedTransformer
from rung.course import check
from rung.planted import plant

torch.set_grad_enabled(False)
model = HookedTransformer.from_pretrained("two-layer")


def make_repeats(model, rows, period, seed):
    """[BOS, copy, copy] of random tokens: [rows, 1 + 2 period]."""
    generator = torch.Generator().manual_seed(seed)
    once = torch.stack(
        [torch.randperm(model.config.d_vocab - 1, generator=generator)[:period] + 1 for _ in range(rows)]
    )
    return torch.cat((torch.zeros(rows, 1, dtype=torch.long), once, once), dim=1)


period = 25
tokens = make_repeats(model, rows=16, period=period, seed=0)

# %% [markdown]
# ## Observe
#
# Hooks are given with the name of the place where they stand. This one looks, and changes nothing.


# %%
def report(z, hook):
    print(f"{hook.name:24} layer {hook.layer()}  {list(z.shape)}  [batch, position, head, d_head]")


_everywhere = (lambda name: name.endswith("hook_z"), report)
model.run_with_hooks(tokens, return_type=None, fwd_hooks=[_everywhere])

# %% [markdown]
# ### 3.1 How spread out does a head look?
#
# Difficulty 3 · importance 3 · 12 minutes
#
# The entropy of a row of the pattern, −Σ p log p in nats, is 0 if a query looks at one key, and log n if it looks at n
# keys alike. Collect, with hooks, each head's mean entropy over the batch and all queries. Mind that log 0 is not a
# number you want, and that hidden keys have p = 0.


# %% tags=["exercise"]
def attention_entropies(model, tokens):
    """The mean entropy of each head's attention, in nats, over the batch and all queries: a
    tensor [layer, head].
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# `torch.special.entr(p)` is −p log p, and 0 where p is 0. A hook can write into a tensor made beforehand:
# `found[hook.layer()] = …`. The name of a pattern's hook ends with `hook_pattern`, its shape is `[batch, head, query,
# key]`.
#
# </details>

# %%
check("3.1", attention_entropies)


# %% tags=["solution"]
def attention_entropies(model, tokens):
    """The mean entropy of each head's attention, in nats, over the batch and all queries: a
    tensor [layer, head].
    """
    found = torch.zeros(model.config.n_layers, model.config.n_heads)

    def collect(pattern, hook):
        found[hook.layer()] = torch.special.entr(pattern).sum(-1).mean((0, 2))

    hooks = [(lambda name: name.endswith("hook_pattern"), collect)]
    model.run_with_hooks(tokens, return_type=None, fwd_hooks=hooks)
    return found


# %%
print([[f"{one:.2f}" for one in row] for row in attention_entropies(model, tokens).tolist()])

# %% [markdown]
# ## Silence
#
# `z` is what a head has read, before `W_O` writes it to the stream: `[batch, position, head, d_head]`. If it is zero,
# the head writes nothing.
#
# ### 3.2 Zero ablation
#
# Difficulty 2 · importance 5 · 10 minutes
#
# The model's mean loss over all tokens with one head set to zero.


# %% tags=["exercise"]
def zero_ablated_loss(model, tokens, layer, head):
    """The mean next-token loss with the output z of one head set to zero everywhere: a number."""
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# `model.run_with_hooks(tokens, return_type="loss", fwd_hooks=[(f"blocks.{layer}.attn.hook_z", silence)])`. In
# `silence(z, hook)` the head is the *third* axis: `z[:, :, head] = 0`. Return `z`.
#
# </details>

# %%
check("3.2", zero_ablated_loss)


# %% tags=["solution"]
def zero_ablated_loss(model, tokens, layer, head):
    """The mean next-token loss with the output z of one head set to zero everywhere: a number."""

    def silence(z, hook):
        z[:, :, head] = 0.0
        return z

    hooks = [(f"blocks.{layer}.attn.hook_z", silence)]
    return model.run_with_hooks(tokens, return_type="loss", fwd_hooks=hooks).item()


# %%
clean_loss = model(tokens, return_type="loss").item()
for _layer in range(model.config.n_layers):
    for _head in range(model.config.n_heads):
        _cost = zero_ablated_loss(model, tokens, _layer, _head) - clean_loss
        print(f"{_layer}.{_head} {_cost:+.2f} nats")

# %% [markdown]
# Two heads cost a great deal, and they are the two with a signature. That is *causal support*: the model relies on
# them.
#
# ### 3.3 Mean ablation
#
# Difficulty 3 · importance 4 · 12 minutes
#
# Zero is a strange value: the model never saw a head say exactly nothing. A head may write something constant that
# later parts count on, a bias in disguise. Mean ablation keeps that and takes away only what depends on the input.
# Replace the head's z by its mean over the batch **and** all positions.


# %% tags=["exercise"]
def mean_ablated_loss(model, tokens, layer, head):
    """The mean next-token loss with a head's z replaced by its mean over batch and positions: a
    number.
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# Inside the hook the batch is at hand: `z[:, :, head].mean((0, 1))` is a vector of length d_head, and it broadcasts.
#
# </details>

# %%
check("3.3", mean_ablated_loss)


# %% tags=["solution"]
def mean_ablated_loss(model, tokens, layer, head):
    """The mean next-token loss with a head's z replaced by its mean over batch and positions: a
    number.
    """

    def average(z, hook):
        z[:, :, head] = z[:, :, head].mean((0, 1))
        return z

    hooks = [(f"blocks.{layer}.attn.hook_z", average)]
    return model.run_with_hooks(tokens, return_type="loss", fwd_hooks=hooks).item()


# %% [markdown]
# ### 3.4 Resample ablation
#
# Difficulty 3 · importance 4 · 12 minutes
#
# A mean is a value that the head never gives either. Resampling takes a real one: what the head writes on *another*
# text. The head is not silenced; it lies. Run the model on `tokens`, with that one head's z taken from a run on
# `other`.


# %% tags=["exercise"]
def resampled_loss(model, tokens, other, layer, head):
    """The mean next-token loss on `tokens` with a head's z from the run on `other` (same shape):
    a number.
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# First `_, cache = model.run_with_cache(other)`. The hook of the second run puts `cache["z", layer][:, :, head]` there.
#
# </details>

# %%
check("3.4", resampled_loss)


# %% tags=["solution"]
def resampled_loss(model, tokens, other, layer, head):
    """The mean next-token loss on `tokens` with a head's z from the run on `other` (same shape):
    a number.
    """
    _, cache = model.run_with_cache(other)

    def replace(z, hook):
        z[:, :, head] = cache["z", layer][:, :, head]
        return z

    hooks = [(f"blocks.{layer}.attn.hook_z", replace)]
    return model.run_with_hooks(tokens, return_type="loss", fwd_hooks=hooks).item()


# %%
others = make_repeats(model, rows=16, period=period, seed=1)
for _layer, _head in ((0, 0), (1, 0), (1, 2)):
    _zero = zero_ablated_loss(model, tokens, _layer, _head) - clean_loss
    _mean = mean_ablated_loss(model, tokens, _layer, _head) - clean_loss
    _resampled = resampled_loss(model, tokens, others, _layer, _head) - clean_loss
    print(f"{_layer}.{_head} zero {_zero:+.2f}, mean {_mean:+.2f}, resample {_resampled:+.2f}")

# %% [markdown]
# ## Restore
#
# Ablation asks what is *lost*. Patching the other way asks what is *enough*: take a text in which the behaviour is
# broken, put back one head's activation from the intact text, and see how much of the answer returns.
#
# ### 3.5 How much does one head bring back?
#
# Difficulty 4 · importance 5 · 15 minutes
#
# Measure the logit of `answer` at the last position. As a share: 0 is the corrupted run, 1 the clean one.


# %% tags=["exercise"]
def recovered(model, clean, corrupted, answer, layer, head):
    """The share of the answer's logit that a head's clean z brings back in the corrupted run, at
    the last position.

    `clean` and `corrupted` are one sequence each, [1, position]. The result is a number.
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# Three numbers: the answer's logit in the clean run, in the corrupted run, and in the corrupted run with the head's z
# from the clean cache. The share is (patched − corrupted) / (clean − corrupted).
#
# </details>

# %%
check("3.5", recovered)


# %% tags=["solution"]
def recovered(model, clean, corrupted, answer, layer, head):
    """The share of the answer's logit that a head's clean z brings back in the corrupted run, at
    the last position.

    `clean` and `corrupted` are one sequence each, [1, position]. The result is a number.
    """
    clean_logits, cache = model.run_with_cache(clean)

    def restore(z, hook):
        z[:, :, head] = cache["z", layer][:, :, head]
        return z

    hooks = [(f"blocks.{layer}.attn.hook_z", restore)]
    patched = model.run_with_hooks(corrupted, fwd_hooks=hooks)[0, -1, answer]
    before, intact = model(corrupted)[0, -1, answer], clean_logits[0, -1, answer]
    return ((patched - before) / (intact - before)).item()


# %% [markdown]
# Corrupt one token of the first copy, the one before the answer, so that the earlier occurrence is gone. Which heads
# bring the answer back?

# %%
clean_text = make_repeats(model, rows=1, period=period, seed=2)[:, : period + 6]
corrupted_text = clean_text.clone()
corrupted_text[0, 5] = 1700  # the last token of the text stood here too
answer_token = int(clean_text[0, 6])
for _layer in range(model.config.n_layers):
    _shares = [
        recovered(model, clean_text, corrupted_text, answer_token, _layer, _head)
        for _head in range(model.config.n_heads)
    ]
    print([f"{_layer}.{_head} {_share:+.2f}" for _head, _share in enumerate(_shares)])

# %% [markdown]
# ## Attribute
#
# Running the model once for each head is slow in a large model. A cheaper look: how much does each head add *directly*?
# The logits are a sum over writers (Part 1), so the difference of two logits is one too.
#
# ### 3.6 Attribution that sums
#
# Difficulty 3 · importance 5 · 12 minutes
#
# What do the embedding and each head add to logit(`right`) − logit(`wrong`) at the last position? The order: embedding,
# then heads 0.0, 0.1, …, 1.0, 1.1, …


# %% tags=["exercise"]
def attributions(model, tokens, right, wrong):
    """What the embedding and each head add to the difference of two logits at the last position.

    `tokens` is one sequence, [1, position]. A tensor [1 + n_layers · n_heads] that sums to the
    difference.
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# One direction is read: `model.W_U[:, right] - model.W_U[:, wrong]`. What head h of layer l writes at the last position
# is `cache["z", l][0, -1, h] @ model.W_O[l, h]`.
#
# </details>

# %%
check("3.6", attributions)


# %% tags=["solution"]
def attributions(model, tokens, right, wrong):
    """What the embedding and each head add to the difference of two logits at the last position.

    `tokens` is one sequence, [1, position]. A tensor [1 + n_layers · n_heads] that sums to the
    difference.
    """
    _, cache = model.run_with_cache(tokens)
    direction = model.W_U[:, right] - model.W_U[:, wrong]
    parts = [cache["embed"][0, -1] @ direction]
    for layer in range(model.config.n_layers):
        for head in range(model.config.n_heads):
            parts.append(cache["z", layer][0, -1, head] @ model.W_O[layer, head] @ direction)
    return torch.stack(parts)


# %%
other_token = int(clean_text[0, 9])
shares = attributions(model, clean_text, answer_token, other_token)
difference = model(clean_text)[0, -1, answer_token] - model(clean_text)[0, -1, other_token]
print("embedding", f"{shares[0]:+.2f}", [f"{one:+.2f}" for one in shares[1:].tolist()])
print(f"sum {shares.sum():.4f}, difference of the logits {difference:.4f}")

# %% [markdown]
# Head 1.0 pushes the answer. Head 0.0 pushes next to nothing, and yet ablating it costs as much: its work is for head
# 1.0, not for the logits. A direct attribution sees the last step only.
#
# ## When one head tells you nothing
#
# ### 3.7 Together and alone
#
# Difficulty 4 · importance 5 · 15 minutes
#
# `two-layer-redundant` has three induction heads. Take one away, and the others cover. Compute, with zero ablation, how
# much the loss on the predictable tokens of the second copy rises without each head alone, and without all of them at
# once.


# %% tags=["exercise"]
def alone_and_together(model, tokens, period, heads):
    """The rise of the second copy's loss without each of `heads` alone, and last without all of
    them: [len(heads) + 1].

    `tokens` is [BOS, copy, copy]; the loss is the mean over tokens period + 2 to 2 period.
    `heads` are pairs.
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# Write a helper that takes a *list* of heads and makes one hook for each. A function made in a loop sees the loop's
# variable as it is when the function is *called*: `functools.partial`, or a function that returns the hook, keeps it.
#
# </details>

# %%
check("3.7", alone_and_together)


# %% tags=["solution"]
def alone_and_together(model, tokens, period, heads):
    """The rise of the second copy's loss without each of `heads` alone, and last without all of
    them: [len(heads) + 1].

    `tokens` is [BOS, copy, copy]; the loss is the mean over tokens period + 2 to 2 period.
    `heads` are pairs.
    """

    def silence(head):
        def hook_fn(z, hook):
            z[:, :, head] = 0.0
            return z

        return hook_fn

    def loss_without(group):
        hooks = [(f"blocks.{layer}.attn.hook_z", silence(head)) for layer, head in group]
        loss = model.run_with_hooks(tokens, return_type="loss", loss_per_token=True, fwd_hooks=hooks)
        return loss[:, period + 1 :].mean()

    base = loss_without([])
    groups = [*([head] for head in heads), heads]
    return torch.stack([loss_without(group) - base for group in groups])


# %%
redundant = HookedTransformer.from_pretrained("two-layer-redundant")
three = [(1, 0), (1, 1), (1, 3)]
rises = alone_and_together(redundant, make_repeats(redundant, 16, period, seed=0), period, three)
for _heads, _rise in zip([*map(str, three), "all three"], rises.tolist(), strict=True):
    print(f"{_heads:10} {_rise:+.2f} nats")
print(f"sum of the three alone {rises[:-1].sum():+.2f}")

# %% [markdown]
# Had you gone through the heads one by one, you would have called each of them unimportant.
#
# ### 3.8 Self-repair
#
# Difficulty 5 · importance 4 · 20 minutes
#
# Redundancy can also be active: a *later* component reads that something is missing, and makes up for it. You can see
# it in numbers. If a head is set to zero, the logit of the target loses at once what the head added directly. Whatever
# else changes comes from later components that now compute something else. So there are three numbers, each a change of
# the target's logit at the last position when the head is zeroed:
#
# 1. **direct**: minus what the head added,
# 2. **total**: the logit after, less the logit before,
# 3. **others**: total less direct.


# %% tags=["exercise"]
def repair(model, tokens, target, layer, head):
    """The change of the target's logit at the last position when a head is zeroed: [direct,
    total, others].

    `tokens` is one sequence, [1, position].
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# Direct comes from the *clean* cache: `-(cache["z", layer][0, -1, head] @ model.W_O[layer, head] @ model.W_U[:,
# target])`. Total needs a second run, as in 3.2.
#
# </details>

# %%
check("3.8", repair)


# %% tags=["solution"]
def repair(model, tokens, target, layer, head):
    """The change of the target's logit at the last position when a head is zeroed: [direct,
    total, others].

    `tokens` is one sequence, [1, position].
    """
    logits, cache = model.run_with_cache(tokens)

    def silence(z, hook):
        z[:, :, head] = 0.0
        return z

    after = model.run_with_hooks(tokens, fwd_hooks=[(f"blocks.{layer}.attn.hook_z", silence)])
    direct = -(cache["z", layer][0, -1, head] @ model.W_O[layer, head] @ model.W_U[:, target])
    total = after[0, -1, target] - logits[0, -1, target]
    return torch.stack([direct, total, total - direct])


# %% [markdown]
# In this planted model a head pushes the right token, a later head takes back exactly that push, and a third head does
# the work. An attribution alone would have named the wrong head.

# %%
cancelled = plant("cancelled_downstream", seed=2)
claimed = cancelled.heads["induction"][0]
cancelled_text = make_repeats(cancelled.model, rows=1, period=12, seed=0)[:, : 12 + 7]
cancelled_token = int(cancelled_text[0, 7])
direct, total, rest = repair(cancelled.model, cancelled_text, cancelled_token, *claimed)
print(f"{claimed}: direct {direct:+.2f}, total {total:+.2f}, others {rest:+.2f}")
print(cancelled.why)

# %% [markdown]
# And the previous-token head of the bundled model is the opposite case: hardly anything direct, and a large change
# through the head that reads it.

# %%
direct_0, total_0, rest_0 = repair(model, clean_text, answer_token, 0, 0)
print(f"0.0: direct {direct_0:+.2f}, total {total_0:+.2f}, others {rest_0:+.2f}")

# %% [markdown]
# **What you have now.** Two heads with a signature, each of which the model relies on: causal support. You know why one
# number is never enough: zero, mean and resampling ask different questions, attribution sees the last step only, and
# heads can cover for each other. What none of this says is whether a head is *built* to do what it does, or does it on
# these texts by chance. That is written in the weights, and Part 4 reads them.
