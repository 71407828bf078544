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
# # Part 5. The ladder
#
# A stripe in a pattern is a clue. A push on the right logit is a contribution. An ablation that costs something shows
# that the model relies on a head. Weights show what it is built to do. No one of the four says *this is the circuit*.
# Together they can, if you say what you claim **before** you look, fix the thresholds beforehand, and accept every
# test that your claim implies. That is the ladder:
#
# | rung | name | question |
# |---|---|---|
# | 0 | behaviour | is there anything to explain? |
# | 1 | clue | where does each head look? |
# | 2 | contribution | who pushes the right token? |
# | 3 | causal support | does the model rely on it, and for the reason you claim? |
# | 4 | mechanism | is it built to do that? |
#
# In this part you state a claim, have it proved, watch three false claims be stopped, and then carry it all over to a
# task that you have not seen: looking up the value of a key.

# %%
import torch

from rung import HookedTransformer, prove
from rung.course import LiftChoice, PlanChoice, check
from rung.evidence.claim import Claim, Edge, Role

torch.set_grad_enabled(False)

# %% [markdown]
# ## A claim
#
# A claim names a task, roles with their heads, and edges between roles. A role says where its heads look
# (`signature`) and who reads what they write (`writes_to`: another role, or `"output"`). An edge says through which
# input it is read: `"Q"`, `"K"` or `"V"`.
#
# ### 5.1 State the claim
#
# Difficulty 2 · importance 5 · 12 minutes
#
# The model is `two-layer-tiny`, with two layers of two heads, and the task `"random repeats"`: random tokens, twice.
# State the induction circuit as you know it from part 2: which head routes, which one matches and copies, and how the
# second reads the first. The signatures are `"previous_token"` and `"induction"`. Look before you name heads.

# %%
tiny = HookedTransformer.from_pretrained("two-layer-tiny")
drawn = torch.randperm(tiny.config.d_vocab - 1, generator=torch.Generator().manual_seed(0))[:12] + 1
_, tiny_cache = tiny.run_with_cache(torch.cat((torch.tensor([0]), drawn, drawn))[None])
for _at in range(2):
    one_back = tiny_cache["pattern", _at][0].diagonal(-1, 1, 2).mean(-1)
    stripe = tiny_cache["pattern", _at][0].diagonal(-11, 1, 2)[:, 2:].mean(-1)
    print(f"layer {_at}: one back {one_back.tolist()}, after the match {stripe.tolist()}")

# %% tags=["exercise"]
claim = ...

# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# `Claim(name="induction", task="random repeats", roles=(…, …), edges=(…,))`. Each role is `Role(name=…, job=…,
# signature=…, writes_to=…, heads=((layer, head),))`; `job` is for readers. The edge is `Edge(sender=…, receiver=…,
# into=…)`, with the names of your roles. The head that routes writes at the position that is looked *for*, so think
# about which input of the later head stands there.
#
# </details>

# %%
check("5.1", claim)

# %% tags=["solution"]
claim = Claim(
    name="induction",
    task="random repeats",
    roles=(
        Role(
            name="route",
            job="writes which token came before",
            signature="previous_token",
            writes_to="copy",
            heads=((0, 0),),
        ),
        Role(
            name="copy",
            job="finds the token after the earlier occurrence, and says it",
            signature="induction",
            writes_to="output",
            heads=((1, 0),),
        ),
    ),
    edges=(Edge(sender="route", receiver="copy", into="K"),),
)

# %% [markdown]
# ## The proof
#
# `prove` draws fresh sequences, whose seed is a hash of your claim and the weights, so that nobody can shop for a
# lucky one. It runs every test that the claim implies, which you cannot choose, and gives the highest rung up to
# which all of them hold.

# %%
proof = prove("induction", tiny)  # your claim, with its heads searched for; prove(claim, tiny) takes yours as it is
proof

# %% [markdown]
# ### 5.2 What a verdict is
#
# Difficulty 2 · importance 5 · 10 minutes
#
# Give the verdict for a list of tests. Each is (rung, required, outcome), with outcomes `"holds"`, `"fails"`,
# `"inconclusive"` or `"not run"`. Tests that are not required are shown, and decide nothing. Give −1 if even rung 0
# does not hold. Every rung from 0 to 4 has at least one required test in each list.


# %% tags=["exercise"]
def verdict(tests):
    """The highest rung up to which every required test of every rung holds; −1 if rung 0 does not."""
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# Go up from rung 0. Stop at the first rung with a required test whose outcome is anything but `"holds"`.
#
# </details>

# %%
check("5.2", verdict)


# %% tags=["solution"]
def verdict(tests):
    """The highest rung up to which every required test of every rung holds; −1 if rung 0 does not."""
    reached = -1
    for rung in range(5):
        if any(outcome != "holds" for at, required, outcome in tests if at == rung and required):
            break
        reached = rung
    return reached


# %% [markdown]
# ### 5.3 The circuit alone
#
# Difficulty 2 · importance 4 · 8 minutes
#
# One of the tests keeps the claimed heads, replaces **all others** by their mean, and asks how much of the behaviour
# is left. With losses m(∅) of the model without any head, m(C) of the circuit alone, and m(M) of the whole model:
#
# F = (m(∅) − m(C)) / (m(∅) − m(M))
#
# Each loss is given for the same sequences. m is the mean over them: F is a ratio of means, and it is never cut off.


# %% tags=["exercise"]
def faithfulness(empty, circuit, model):
    """F of losses by sequence: without any head, with the circuit alone, with the whole model. A number."""
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# Take the three means first.
#
# </details>

# %%
check("5.3", faithfulness)


# %% tags=["solution"]
def faithfulness(empty, circuit, model):
    """F of losses by sequence: without any head, with the circuit alone, with the whole model. A number."""
    return ((empty.mean() - circuit.mean()) / (empty.mean() - model.mean())).item()


# %% [markdown]
# ## Three decoys
#
# Would the ladder notice if your claim were false? Rung plants models whose circuit is known, because it was wired by
# hand. In these three, a head with a perfect stripe is claimed, and the claim is false:
#
# - `stripe`: the claimed head looks where an induction head would, and writes nothing. Another head copies.
# - `unread`: the claimed previous-token head writes where no head reads. Another one is the route.
# - `covered`: the claimed circuit is whole and works. A second one does the same, and is enough without it.
#
# ### 5.4 Which test stops which decoy?
#
# Difficulty 3 · importance 5 · 15 minutes
#
# Say it **before** you run them: for each decoy one test that does not hold, on the rung where the ladder stops. The
# names of the tests that the claim requires:

# %%
for _rung in range(5):
    print(_rung, ", ".join(dict.fromkeys(one.test for one in proof.of(_rung) if one.required)))

# %% tags=["exercise"]
stopped_by = ...

# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# `stopped_by = {"stripe": "…", "unread": "…", "covered": "…"}`. Who writes nothing pushes no logit. What no head
# reads contributes to nobody's keys. What is covered can be taken away.
#
# </details>

# %%
check("5.4", stopped_by)

# %% tags=["solution"]
stopped_by = {"stripe": "contribution.direct", "unread": "contribution.edge", "covered": "support.necessity"}

# %% [markdown]
# Now watch them. All three have the stripe, so all three reach the clue.

# %% tags=["proof"]
from rung.planted import plant

for _kind in ("circuit", "stripe", "unread", "covered"):
    _planted = plant(_kind, seed=2)
    _claimed = proof.claim.with_heads(_planted.heads)
    _found = prove(_claimed, _planted.model)
    print(f"{_kind:8} {_found.verdict.name:15} stopped by {_found.verdict.stopped_by}")

# %% [markdown]
# ### 5.5 What lifts a stripe beyond a clue?
#
# Difficulty 3 · importance 5 · 15 minutes
#
# You may choose tests from this list, and they are run on five planted models. All five have a head with a clean
# stripe. In one the claim is true. In the other four it is false: the head writes nothing, its push is taken back
# later, another circuit covers for it, or it is needed for another reason. Choose as few tests as you can that hold
# on the true one and reject all four others.
#
# `clue.signature` · `contribution.direct` · `support.necessity` (ablation) · `support.denoising` ·
# `support.interchange` (its output from another sequence) · `support.edge` (path patching) · `mechanism.ov` ·
# `mechanism.routed_qk`

# %% tags=["exercise"]
lift = ...

# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# `lift = LiftChoice(tests=("…", "…"))`. Two are enough. One asks whether the model needs the head, one what for.
#
# </details>

# %%
check("5.5", lift)

# %% tags=["solution"]
lift = LiftChoice(tests=("support.necessity", "support.interchange"))

# %% [markdown]
# ## The transfer: a new task
#
# `k₁ v₁ k₂ v₂ k₃ v₃ … k₂ → v₂`. Keys and values are random tokens, and the pairs return in another order. No fixed
# distance helps, and no position. It is a task of a kind that you will meet again: *find the earlier matching
# context, then copy what followed*. Take it from the beginning.
#
# ### 5.6 Where is the answer?
#
# Difficulty 2 · importance 3 · 8 minutes
#
# A sequence is BOS, n pairs, and the same n pairs in another order. For each *returning* key, in the order of the
# second half, give the position of its value in the first half.


# %% tags=["exercise"]
def value_positions(tokens):
    """Of each returning key, the position of its value in the first half. `tokens`: [1 + 4 n]; result: [n] integers."""
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# BOS is position 0, keys of the first half stand at 1, 3, 5, …, and returning keys at 2n + 1, 2n + 3, …. Compare each
# returning key with the keys of the first half; the value is one position after.
#
# </details>

# %%
check("5.6", value_positions)


# %% tags=["solution"]
def value_positions(tokens):
    """Of each returning key, the position of its value in the first half. `tokens`: [1 + 4 n]; result: [n] integers."""
    half = (len(tokens) - 1) // 2
    keys, returning = tokens[1 : half + 1 : 2], tokens[half + 1 :: 2]
    same = returning[:, None] == keys[None]
    return 2 * same.long().argmax(-1) + 2


# %% [markdown]
# ### 5.7 The signature
#
# Difficulty 3 · importance 4 · 12 minutes
#
# Which head looks there? For every head: its mean attention from the returning keys to the values that belong to
# them.


# %% tags=["exercise"]
def look_up_scores(model, tokens):
    """Mean attention from each returning key to its value: [layer, head]. `tokens`: [batch, 1 + 4 n]."""
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# For one row, `cache["pattern", layer][row, :, queries, keys]` has shape `[head, n]`, with `queries` the positions of
# the returning keys and `keys` what your `value_positions` gives.
#
# </details>

# %%
check("5.7", look_up_scores)


# %% tags=["solution"]
def look_up_scores(model, tokens):
    """Mean attention from each returning key to its value: [layer, head]. `tokens`: [batch, 1 + 4 n]."""
    half = (tokens.shape[1] - 1) // 2
    queries = torch.arange(half + 1, tokens.shape[1], 2)
    _, cache = model.run_with_cache(tokens)
    scores = []
    for layer in range(model.config.n_layers):
        rows = []
        for row, sequence in enumerate(tokens):
            keys = sequence[1 : half + 1 : 2]
            values = 2 * (sequence[queries][:, None] == keys[None]).long().argmax(-1) + 2
            rows.append(cache["pattern", layer][row][:, queries, values].mean(-1))
        scores.append(torch.stack(rows).mean(0))
    return torch.stack(scores)


# %% [markdown]
# ### 5.8 A plan
#
# Difficulty 4 · importance 5 · 15 minutes
#
# Before any claim: which checks would you make first? Your plan is run on the true circuit and on six decoys that
# solve this task in a false way. (It takes some seconds.)
#
# - `route`: from the value, the head that feeds the look-up attends `"one_back"`, `"two_back"` or to `"itself"`
# - `match`: from the returning key, the look-up head attends to the earlier `"value"`, the earlier `"key"`, or the
# `"last"` token
# - `interventions`: some of `"ablate"`, `"exchange"` (its output from another sequence), `"path"` (the edge)
# - `into`: the edge ends in `"Q"`, `"K"` or `"V"`
# - `weights`: some of `"ov"`, `"composed_qk"`, `"positional"`, `"embedding_qk"` (the head's own QK on embeddings)

# %% tags=["exercise"]
plan = ...

# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# `plan = PlanChoice(route="…", match="…", interventions=("…", "…", "…"), into="…", weights=("…", "…"))`. Which of the
# three interventions asks about need, which about content, which about the edge? Which two weight checks ask what is
# matched and what is moved?
#
# </details>

# %%
check("5.8", plan)

# %% tags=["solution"]
plan = PlanChoice(
    route="one_back",
    match="value",
    interventions=("ablate", "exchange", "path"),
    into="K",
    weights=("ov", "composed_qk"),
)

# %% [markdown]
# ### 5.9 The claim, and its proof
#
# Difficulty 3 · importance 5 · 15 minutes
#
# State the claim for `two-layer` (two layers of four heads) on the task `"key-value look-up"`, with heads. Your two
# score functions say which.

# %%
model = HookedTransformer.from_pretrained("two-layer")
made = torch.Generator().manual_seed(3)
in_pairs = torch.randperm(model.config.d_vocab - 1, generator=made)[:16].view(8, 2) + 1
shuffled = in_pairs[torch.randperm(8, generator=made)]
look_ups = torch.cat((torch.tensor([0]), in_pairs.flatten(), shuffled.flatten()))[None]
said = model(look_ups)[0, 17::2].argmax(-1)
print("right answers:", int((said == shuffled[:, 1]).sum()), "of 8")

# %% tags=["exercise"]
transfer = ...

# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# Print `look_up_scores(model, look_ups)`, and for the head that routes the mean of each pattern's first diagonal, as
# before 5.1. The signatures have the same names as there: what stands after the earlier occurrence is now the value.
#
# </details>

# %%
check("5.9", transfer)

# %% tags=["solution"]
transfer = Claim(
    name="keys and values",
    task="key-value look-up",
    roles=(
        Role(
            name="route",
            job="writes into each value's position which key came before it",
            signature="previous_token",
            writes_to="read out",
            heads=((0, 0),),
        ),
        Role(
            name="read out",
            job="finds the value whose key is the one asked for, and says it",
            signature="induction",
            writes_to="output",
            heads=((1, 0),),
        ),
    ),
    edges=(Edge(sender="route", receiver="read out", into="K"),),
)

# %% [markdown]
# Prove it. `prove("lookup", model)` is the same claim with the heads left to a search; `prove(transfer, model)` takes
# yours.

# %% tags=["proof"]
prove("lookup", model)

# %% [markdown]
# The circuit that you found on repeats does this as well: it never knew about repeats. It knows *what came after this
# token the last time*.
#
# ## Further: a real language model
#
# The next cell goes the same way on SmolLM2, with 135 million weights, 30 layers and 9 heads in each. It needs that
# model (`rung fetch smollm2-135m-q4`, once) and some minutes; without it, the cell says so. Here nobody wired
# anything, and no answer is known beforehand. Whatever verdict comes, read the line that says why it is not higher.

# %% tags=["long"]
from rung.errors import FetchError

try:
    smol = HookedTransformer.from_pretrained("smollm2-135m-q4")
except FetchError as error:
    print(f"Skipped: {error}")
else:
    ordinary = torch.randperm(smol.config.d_vocab - 1000, generator=made)[:96].view(6, 8, 2) + 1000
    orders = torch.stack([torch.randperm(8, generator=made) for _ in range(6)])
    again = torch.stack([_row[_order] for _row, _order in zip(ordinary, orders, strict=True)])
    first_token = torch.full((6, 1), smol.config.bos_token_id or 0)
    asked = torch.cat((first_token, ordinary.flatten(1), again.flatten(1)), 1)
    answered = smol(asked)[:, 17::2].argmax(-1)
    print(f"SmolLM2 says the right value for {(answered == again[..., 1]).double().mean():.0%} of the keys")
    _, smol_cache = smol.run_with_cache(asked, names_filter=lambda name: name.endswith("pattern"))
    key_at = 2 * orders + 2
    look_up = torch.stack(
        [
            sum(smol_cache["pattern", _l][_b, :, range(17, 33, 2), key_at[_b]].mean(-1) for _b in range(6)) / 6
            for _l in range(smol.config.n_layers)
        ]
    )
    back = torch.stack(
        [smol_cache["pattern", _l].diagonal(-1, 2, 3)[..., 1:].mean((0, 2)) for _l in range(smol.config.n_layers)]
    )
    best_match = divmod(int(look_up.argmax()), smol.config.n_heads)
    best_route = divmod(int(back[: best_match[0]].argmax()), smol.config.n_heads)
    print("looks at the value:", best_match, round(float(look_up.max()), 2))
    print("looks one back, in an earlier layer:", best_route, round(float(back[best_route]), 2))
    print(prove(transfer.with_heads({"route": [best_route], "read out": [best_match]}), smol))
