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
# # Part 2. Two kinds of head, and the traps
#
# Two layers can do what one cannot: find the earlier place where the current token stood, and copy what came after it.
# That takes two heads. One, in an earlier layer, looks at the **previous token** and writes it down. The other, in a
# later layer, looks for a position where its own token was written down as the previous one, and copies what it finds
# there. It is called an **induction head**.
#
# In this part you find both by where they look, and you learn four ways to be fooled. A pattern is a clue. Nothing here
# proves that the model uses these heads: that is Part 3.

# %%
import math

import torch

from rung import HookedTransformer
from rung.course import check
from rung.planted import plant

torch.set_grad_enabled(False)
model = HookedTransformer.from_pretrained("two-layer")

# %% [markdown]
# ## A text that only induction can predict
#
# Random tokens, twice. Which token follows which was drawn by chance, so nothing that the model learned about language
# helps in the first copy. In the second copy one thing helps: it has been here before.
#
# ### 2.1 Random tokens, twice
#
# Difficulty 1 · importance 4 · 5 minutes
#
# Build the sequences: BOS (token 0), the random tokens, the same tokens again.


# %% tags=["exercise"]
def make_repeats(once):
    """[BOS, once, once] for each row of `once`, integers [batch, period]: integers [batch, 1 + 2
    period].
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# `torch.cat((a, b, c), dim=1)` puts tensors side by side. A column of BOS is `torch.zeros(len(once), 1,
# dtype=torch.long)`.
#
# </details>

# %%
check("2.1", make_repeats)


# %% tags=["solution"]
def make_repeats(once):
    """[BOS, once, once] for each row of `once`, integers [batch, period]: integers [batch, 1 + 2
    period].
    """
    return torch.cat((torch.zeros(len(once), 1, dtype=torch.long), once, once), dim=1)


# %% [markdown]
# Each row is a permutation, so that no token stands in a copy twice: the earlier place is always the only one.


# %%
def random_rows(model, rows, period, seed):
    """Different random tokens in each row, without BOS: [batch, period]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.stack(
        [torch.randperm(model.config.d_vocab - 1, generator=generator)[:period] + 1 for _ in range(rows)]
    )


def show(title, scores):
    """Prints a score for each head, a layer after the other."""
    rows = ["  ".join(f"{one:.2f}" for one in row) for row in scores.tolist()]
    print(f"{title:15}", "   |   ".join(rows))


period = 25
tokens = make_repeats(random_rows(model, rows=16, period=period, seed=0))
tokens.shape

# %% [markdown]
# ### 2.2 The loss of each copy
#
# Difficulty 3 · importance 5 · 12 minutes
#
# Mean loss in nats over the tokens of the first copy, and over the *predictable* tokens of the second. The first token
# of the second copy is not one of them: nothing says that the text starts over.


# %% tags=["exercise"]
def copy_losses(model, tokens, period):
    """Mean loss on the first copy (all its tokens) and on the second (all but its first token): a
    tensor [2].

    `tokens` is [BOS, copy, copy], [batch, 1 + 2 period].
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# `model(tokens, return_type="loss", loss_per_token=True)` is `[batch, position − 1]`; entry `i` is the loss of token
# `i + 1`. The first copy is tokens 1 to `period`; the predictable ones of the second are `period + 2` to `2 * period`.
#
# </details>

# %%
check("2.2", copy_losses)


# %% tags=["solution"]
def copy_losses(model, tokens, period):
    """Mean loss on the first copy (all its tokens) and on the second (all but its first token): a
    tensor [2].

    `tokens` is [BOS, copy, copy], [batch, 1 + 2 period].
    """
    loss = model(tokens, return_type="loss", loss_per_token=True)
    return torch.stack([loss[:, :period].mean(), loss[:, period + 1 :].mean()])


# %% [markdown]
# A model that knows nothing and says so has a loss of ln V, V the size of the vocabulary. In the first copy the model
# does worse: it expects language. In the second it knows almost everything.

# %%
print(f"ln V {math.log(model.config.d_vocab):.2f}")
for _name in ("zero-layer", "one-layer", "two-layer"):
    _first, _second = copy_losses(HookedTransformer.from_pretrained(_name), tokens, period)
    print(f"{_name:10}  first copy {_first:.2f}  second copy {_second:.2f}")

# %% [markdown]
# ## Signatures
#
# In the pattern of a head, `[query, key]`, "one token back" is the line just below the diagonal. "After the earlier
# place" is a line further down: a stripe.
#
# ### 2.3 Previous-token scores
#
# Difficulty 2 · importance 5 · 10 minutes
#
# For each head, the mean attention from a query to the position just before it. Leave out the queries whose previous
# token is BOS: a head that parks there would score for free.


# %% tags=["exercise"]
def previous_token_scores(model, tokens):
    """Mean attention from query q to key q − 1, over the batch and all q from 2 on: a tensor
    [layer, head].
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# `pattern.diagonal(-1, dim1=-2, dim2=-1)` is the attention one back: `[batch, head, n − 1]`. Its entry 0 belongs to
# query 1 and key 0.
#
# </details>

# %%
check("2.3", previous_token_scores)


# %% tags=["solution"]
def previous_token_scores(model, tokens):
    """Mean attention from query q to key q − 1, over the batch and all q from 2 on: a tensor
    [layer, head].
    """
    _, cache = model.run_with_cache(tokens)
    patterns = [cache["pattern", layer] for layer in range(model.config.n_layers)]
    lines = [pattern.diagonal(-1, dim1=-2, dim2=-1) for pattern in patterns]
    return torch.stack([line[..., 1:].mean((0, 2)) for line in lines])


# %% [markdown]
# ### 2.4 Induction scores
#
# Difficulty 3 · importance 5 · 15 minutes
#
# A query in the second copy, at position q. The same token stood at q − period. An induction head looks at the position
# *after* that. Average over the queries of the second copy, and nothing else. Two traps: the line is easily off by one,
# and a whole diagonal has entries outside the second copy, one of them at BOS.


# %% tags=["exercise"]
def induction_scores(model, tokens, period):
    """Mean attention from each query of the second copy to the key after the earlier place: a
    tensor [layer, head].

    `tokens` is [BOS, copy, copy]; the second copy has positions period + 1 to 2 period.
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# The key is q − period + 1. So the diagonal is `-(period - 1)`; its first entry belongs to query period − 1 and key 0.
# How many entries come before query period + 1?
#
# </details>

# %%
check("2.4", induction_scores)


# %% tags=["solution"]
def induction_scores(model, tokens, period):
    """Mean attention from each query of the second copy to the key after the earlier place: a
    tensor [layer, head].

    `tokens` is [BOS, copy, copy]; the second copy has positions period + 1 to 2 period.
    """
    _, cache = model.run_with_cache(tokens)
    patterns = [cache["pattern", layer] for layer in range(model.config.n_layers)]
    stripes = [pattern.diagonal(1 - period, dim1=-2, dim2=-1) for pattern in patterns]
    return torch.stack([stripe[..., 2:].mean((0, 2)) for stripe in stripes])


# %%
show("previous token", previous_token_scores(model, tokens))
show("induction", induction_scores(model, tokens, period))

# %% [markdown]
# Head 0.0 looks one back, head 1.0 looks after the earlier place, and no other head does either.
#
# ### 2.5 What is not parked
#
# Difficulty 3 · importance 3 · 12 minutes
#
# Real heads are mixed. Attention has to sum to one, so a head that has little to say at some positions parks there at
# BOS. A parked share lowers the score, and does not erase the signature. So ask: of the attention that is *not* on BOS,
# which share is on the induction key? Sum both over all sequences and all queries of the second copy before you divide.


# %% tags=["exercise"]
def unparked_scores(model, tokens, period):
    """Attention to the induction key, as a share of all attention not on BOS, in the second copy:
    [layer, head].
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# The attention of a query that is not on BOS is `1 - pattern[..., 0]`, because each row sums to one. The queries of the
# second copy are `period + 1:`.
#
# </details>

# %%
check("2.5", unparked_scores)


# %% tags=["solution"]
def unparked_scores(model, tokens, period):
    """Attention to the induction key, as a share of all attention not on BOS, in the second copy:
    [layer, head].
    """
    _, cache = model.run_with_cache(tokens)
    shares = []
    for layer in range(model.config.n_layers):
        pattern = cache["pattern", layer]
        stripe = pattern.diagonal(1 - period, dim1=-2, dim2=-1)[..., 2:].sum((0, 2))
        unparked = (1 - pattern[:, :, period + 1 :, 0]).sum((0, 2))
        shares.append(stripe / unparked)
    return torch.stack(shares)


# %%
show("not parked", unparked_scores(model, tokens, period))

# %% [markdown]
# ## Decoys
#
# Rung can *plant* models: transformers whose weights were wired by hand, so that it is known what each head does. Some
# hold a true circuit. Others hold a head that merely looks like part of one. You will meet two.
#
# ### 2.6 The head that looks at its own token
#
# Difficulty 2 · importance 3 · 8 minutes
#
# A **duplicate-token head** looks at the earlier place itself, not at the position after it. Its line lies right beside
# the induction stripe, and if your score is off by one, the two change names. Compute its score.


# %% tags=["exercise"]
def duplicate_token_scores(model, tokens, period):
    """Mean attention from each query of the second copy to the earlier occurrence of its token:
    [layer, head].
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# The key is q − period, and the second copy begins at query period + 1. Whose entry is the first on that diagonal?
#
# </details>

# %%
check("2.6", duplicate_token_scores)


# %% tags=["solution"]
def duplicate_token_scores(model, tokens, period):
    """Mean attention from each query of the second copy to the earlier occurrence of its token:
    [layer, head].
    """
    _, cache = model.run_with_cache(tokens)
    patterns = [cache["pattern", layer] for layer in range(model.config.n_layers)]
    lines = [pattern.diagonal(-period, dim1=-2, dim2=-1) for pattern in patterns]
    return torch.stack([line[..., 1:].mean((0, 2)) for line in lines])


# %%
decoy = plant("duplicate_token", seed=1)
decoy_tokens = make_repeats(random_rows(decoy.model, rows=8, period=12, seed=0))
show("induction", induction_scores(decoy.model, decoy_tokens, 12))
show("duplicate", duplicate_token_scores(decoy.model, decoy_tokens, 12))
print("claimed to be the induction head:", decoy.heads["induction"])
print(decoy.why)

# %% [markdown]
# ### 2.7 The head that only counts
#
# Difficulty 4 · importance 4 · 15 minutes
#
# A **fixed-distance head** looks, say, 11 back, whatever stands there. If your copies happen to begin 12 apart, its
# stripe is perfect. To unmask it, take tokens that do **not** repeat: an induction head then finds nothing, and parks.
#
# For one head and such tokens, find the distance back that gets the most attention on average. Use the queries whose
# key at that distance is not BOS. If no distance reaches a mean of 0.3, the head has none: return −1.


# %% tags=["exercise"]
def favourite_distance(model, tokens, layer, head):
    """The distance back with the highest mean attention, over queries q > distance; −1 if none
    reaches 0.3.

    `tokens` is [batch, n] and begins with BOS; nothing in it repeats. Distances are 0 (itself)
    to n − 2.
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# For each distance d take `pattern.diagonal(-d, dim1=-2, dim2=-1)` of that head. Its first entry is the one at BOS. The
# furthest diagonal has that entry only, so a parked head would seem to look as far back as it can.
#
# </details>

# %%
check("2.7", favourite_distance)


# %% tags=["solution"]
def favourite_distance(model, tokens, layer, head):
    """The distance back with the highest mean attention, over queries q > distance; −1 if none
    reaches 0.3.

    `tokens` is [batch, n] and begins with BOS; nothing in it repeats. Distances are 0 (itself)
    to n − 2.
    """
    _, cache = model.run_with_cache(tokens)
    pattern = cache["pattern", layer][:, head]
    lines = [pattern.diagonal(-d, dim1=-2, dim2=-1) for d in range(tokens.shape[1] - 1)]
    means = [line[:, 1:].mean().item() for line in lines]
    best = max(range(len(means)), key=lambda d: means[d])
    return best if means[best] >= 0.3 else -1


# %%
counter = plant("fixed_distance", seed=1)
fixed_layer, fixed_head = counter.heads["induction"][0]
for _period in (7, 9, 12):
    _tokens = make_repeats(random_rows(counter.model, rows=8, period=_period, seed=0))
    _score = induction_scores(counter.model, _tokens, _period)[fixed_layer, fixed_head]
    print(f"copies {_period} apart: induction score of {fixed_layer}.{fixed_head} is {_score:.2f}")
print(counter.why)

# %% [markdown]
# ### 2.8 What kind of head?
#
# Difficulty 4 · importance 4 · 15 minutes
#
# Put it together. Somebody shows you a head and a period at which it has a fine stripe. Say what it is, with one of
# these strings: `"previous token"`, `"duplicate token"`, `"fixed distance"` (any other), `"induction"`, `"none"`. A
# score counts from 0.3 on. You may run the model on tokens of your own: its context is 48 tokens or more.


# %% tags=["exercise"]
def kind_of_head(model, layer, head, period):
    """What the head is: "previous token", "duplicate token", "fixed distance", "induction" or
    "none".

    `period` is a distance between copies at which the head was seen to have a stripe. It may
    be a coincidence.
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# First ask `favourite_distance` on tokens without repeats: 1 is a previous-token head, another distance from 2 on is a
# fixed one. What is left depends on content, so the scores at any period tell: `induction_scores`,
# `duplicate_token_scores`.
#
# </details>

# %%
check("2.8", kind_of_head)


# %% tags=["solution"]
def kind_of_head(model, layer, head, period):
    """What the head is: "previous token", "duplicate token", "fixed distance", "induction" or
    "none".

    `period` is a distance between copies at which the head was seen to have a stripe. It may
    be a coincidence.
    """
    once = random_rows(model, rows=8, period=40, seed=1)
    unrepeated = torch.cat((torch.zeros(8, 1, dtype=torch.long), once), dim=1)
    distance = favourite_distance(model, unrepeated, layer, head)
    if distance == 1:
        return "previous token"
    if distance > 1:
        return "fixed distance"
    repeated = make_repeats(once[:, :20])
    if duplicate_token_scores(model, repeated, 20)[layer, head] >= 0.3:
        return "duplicate token"
    if induction_scores(model, repeated, 20)[layer, head] >= 0.3:
        return "induction"
    return "none"


# %%
for _layer in range(model.config.n_layers):
    for _head in range(model.config.n_heads):
        print(f"{_layer}.{_head}", kind_of_head(model, _layer, _head, period))

# %% [markdown]
# **What you have now.** Two heads with clear signatures, and four checks that keep you from fooling yourself: the right
# diagonal, the right entries, attention that is only parked, and decoys that look alike. One decoy is left that no
# pattern can unmask: a head that looks exactly where an induction head would, and writes *nothing*. For that one you
# must intervene.
