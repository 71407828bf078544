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
# # Part 4. What the weights say
#
# A pattern speaks of one input. Weights speak of every input: what a head is *built* to do. Each head has two
# circuits. QK = W_Q W_Kᵀ says where it looks. OV = W_V W_O says what it moves once it looks there. A third question
# is about two heads: does the later one read what the earlier one writes?
#
# You answer all three without running the model once, on heads whose job you know from part 2: in `two-layer`, head
# 0.0 looks one back, and head 1.0 does induction.

# %%
import torch

from rung import FactoredMatrix, HookedTransformer
from rung.course import check

torch.set_grad_enabled(False)

# %%
model = HookedTransformer.from_pretrained("two-layer")
print(model.W_E.shape, model.W_V.shape, model.W_O.shape, model.W_U.shape)

# %% [markdown]
# ## OV: what is moved
#
# If head 1.0 attends to a token, it adds `embedding @ W_V @ W_O` to the stream, and the unembedding turns that into
# logits. From token to token that is one table, W_E W_V W_O W_U, with a row for each token read and a column for each
# token raised. With 2,048 tokens it has four million entries. With a real vocabulary it has billions, and you never
# want to hold it.
#
# You do not have to. Its inner axis is d_head, 32 here, so it is the product of two thin matrices. `FactoredMatrix`
# keeps the two and computes from them.

# %%
table = FactoredMatrix(model.W_E @ model.W_V[1, 0], model.W_O[1, 0] @ model.W_U)
print(table, "holds", table.A.numel() + table.B.numel(), "numbers for", table.shape[0] * table.shape[1])
print("norm", table.norm(), "largest singular values", table.S[:4])

# %% [markdown]
# ### 4.1 A token's own logit
#
# Difficulty 2 · importance 4 · 8 minutes
#
# A head that copies raises the token it reads. How much does each token raise *its own* logit? That is the diagonal
# of the table. Compute it from the factors: entry t is the dot product of row t of the first with column t of the
# second.


# %% tags=["exercise"]
def own_logits(model, head):
    """The diagonal of W_E W_V W_O W_U of head = (layer, index): a tensor [vocabulary], without the whole table."""
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# `model.W_V[head]` and `model.W_O[head]` are the head's own weights, since `head` is a pair. With factors `A` of
# shape `[vocabulary, d_head]` and `B` of shape `[d_head, vocabulary]`, the diagonal is `(A * B.T).sum(-1)`.
#
# </details>

# %%
check("4.1", own_logits)


# %% tags=["solution"]
def own_logits(model, head):
    """The diagonal of W_E W_V W_O W_U of head = (layer, index): a tensor [vocabulary], without the whole table."""
    read = model.W_E @ model.W_V[head]
    raised = model.W_O[head] @ model.W_U
    return (read * raised.T).sum(-1)


# %% [markdown]
# A large diagonal is not yet copying: perhaps every token raises everything. What counts is whether the own logit is
# the *largest* in its row.
#
# ### 4.2 Copying, of one head and of several together
#
# Difficulty 3 · importance 5 · 12 minutes
#
# For which share of tokens is the own logit raised most? Write it for a list of heads that act **together**, as heads
# do that attend to the same place: each adds its output to the same stream.


# %% tags=["exercise"]
def copying_share(model, heads):
    """The share of tokens t for which column t is the largest in row t, for all `heads` together; a number from 0 to 1.

    `heads` is a list of pairs (layer, index).
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# Add the heads' OV matrices first: `sum(model.W_V[head] @ model.W_O[head] for head in heads)`. This vocabulary is
# small enough to hold the table; `argmax(-1)` of each row is to be the row's own number.
#
# </details>

# %%
check("4.2", copying_share)


# %% tags=["solution"]
def copying_share(model, heads):
    """The share of tokens t for which column t is the largest in row t, for all `heads` together; a number from 0 to 1.

    `heads` is a list of pairs (layer, index).
    """
    together = sum(model.W_V[head] @ model.W_O[head] for head in heads)
    logits = model.W_E @ together @ model.W_U
    own = torch.arange(len(logits))
    return (logits.argmax(-1) == own).double().mean().item()


# %% [markdown]
# In `two-layer-redundant` every head of layer 1 does induction. Rung's own `ov_copying` measures one head. Is one of
# them enough to name the right token, and what do two of them do together?

# %%
from rung.circuits.heads import ov_copying

redundant = HookedTransformer.from_pretrained("two-layer-redundant")
for _h in range(4):
    print(f"1.{_h} alone: {ov_copying(redundant, (1, _h)).share:.3f}")
pair_table = redundant.W_E @ (redundant.W_V[1, 1:3] @ redundant.W_O[1, 1:3]).sum(0) @ redundant.W_U
print(f"1.1 and 1.2 together: {(pair_table.argmax(-1) == torch.arange(len(pair_table))).double().mean():.3f}")

# %% [markdown]
# Each errs on other tokens, so two together are right more often than either. A head that "fails" OV copying by
# itself may be half of a circuit that copies. That is why a claim may name several heads for one role.
#
# ### 4.3 The eigenvalue score
#
# Difficulty 3 · importance 3 · 12 minutes
#
# Another number for copying looks at eigenvalues: a direction that is mapped onto itself, stretched by λ. If all λ
# are positive, whatever is read is made more likely. The score is Σ Re λ / Σ |λ|, from −1 (all suppress) to 1 (all
# copy), over the eigenvalues of W_E W_V W_O W_U.
#
# The table has thousands of rows, but AB and BA have the same eigenvalues, apart from zeros. Turned round, it is a
# matrix of d_head × d_head.


# %% tags=["exercise"]
def eigenvalue_score(model, head):
    """Σ Re λ / Σ |λ| over the eigenvalues of W_E W_V W_O W_U of head = (layer, index); a number from −1 to 1."""
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# `torch.linalg.eigvals(W_O @ W_U @ W_E @ W_V)`: the same four matrices, begun at another place of the circle. The
# values are complex; `.real.sum()` above and `.abs().sum()` below.
#
# </details>

# %%
check("4.3", eigenvalue_score)


# %% tags=["solution"]
def eigenvalue_score(model, head):
    """Σ Re λ / Σ |λ| over the eigenvalues of W_E W_V W_O W_U of head = (layer, index); a number from −1 to 1."""
    round_trip = model.W_O[head] @ model.W_U @ model.W_E @ model.W_V[head]
    values = torch.linalg.eigvals(round_trip)
    return (values.real.sum() / values.abs().sum()).item()


# %% [markdown]
# Now look at all heads beside what they really copy, and decide which of the two numbers you would put in a claim.

# %%
from rung.circuits.heads import eigenvalue_copying

for _layer in range(2):
    for _h in range(4):
        _score, _share = eigenvalue_copying(model, (_layer, _h)), ov_copying(model, (_layer, _h)).share
        print(f"{_layer}.{_h}  eigenvalue score {_score:+.2f}   own token raised most {_share:6.1%}")

# %% [markdown]
# All eight heads score above 0.9, and one of them copies. The eigenvalue score is a description: it says that a head
# rather raises than lowers what it reads, and decides nothing. On Rung's ladder the share decides.
#
# ## QK: where it looks
#
# These models use *shortformer* positions: a position's vector is added to what makes queries and keys, and to
# nothing else. So there is a part of the attention score that comes from positions alone.
#
# ### 4.4 The positional circuit
#
# Difficulty 3 · importance 4 · 10 minutes
#
# Compute the pattern that a head would have if it saw positions only: positions in place of the stream, through W_Q
# and W_K, divided by √d_head, later keys hidden, softmax.


# %% tags=["exercise"]
def pattern_by_position(model, head, n):
    """Attention [query, key] of the first n positions by position alone, for head = (layer, index)."""
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# `model.W_pos[:n] @ model.W_Q[head]` are the queries. The mask is that of exercise 1.3. `model.config.d_head` is the
# size of a head.
#
# </details>

# %%
check("4.4", pattern_by_position)


# %% tags=["solution"]
def pattern_by_position(model, head, n):
    """Attention [query, key] of the first n positions by position alone, for head = (layer, index)."""
    positions = model.W_pos[:n]
    scores = (positions @ model.W_Q[head]) @ (positions @ model.W_K[head]).T / model.config.d_head**0.5
    hidden = torch.ones(n, n, dtype=torch.bool).triu(1)
    return scores.masked_fill(hidden, float("-inf")).softmax(-1)


# %% [markdown]
# For which share of queries is the position just before the best key? `looks_back` computes that for every position.

# %%
from rung.circuits.positional import looks_back

for _h in range(4):
    found = looks_back(model, (0, _h))
    print(f"0.{_h}: one back for {found.share:.1%} of queries, attention there {found.attention.mean():.2f}")

# %% [markdown]
# Head 0.0 looks one back *because of positions*, whatever the tokens are. Three heads do not. A previous-token
# pattern seen on ten sentences could have been luck; this table holds for all of them.
#
# ### 4.5 A score is a sum too
#
# Difficulty 4 · importance 4 · 15 minutes
#
# Head 1.0 reads the stream at the query and at the key, and each of the two is a sum: the embedding, the position,
# and what each head of layer 0 wrote. A score is a product of the two sums, so it is a sum over *pairs*: what of the
# query meets what of the key. Compute that table for a head of layer 1.


# %% tags=["exercise"]
def score_by_writers(model, tokens, head, query, key):
    """The attention score of one query and key of a layer-1 head, by what wrote at the query (rows) and key (columns).

    `tokens` is one sequence, [1, position]. Rows and columns: embedding, position, then each head of layer 0. All
    entries sum to `cache["attn_scores", 1][0, index, query, key]`.
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# From `_, cache = model.run_with_cache(tokens)`: `cache["embed"][0, at]`, `cache["pos_embed"][0, at]`, and
# `cache["result", 0][0, at]`, which has one row for each head. Stack them to `[2 + n_heads, d_model]` for the query's
# and for the key's position, multiply with W_Q and W_K, and divide by √d_head.
#
# </details>

# %%
check("4.5", score_by_writers)


# %% tags=["solution"]
def score_by_writers(model, tokens, head, query, key):
    """The attention score of one query and key of a layer-1 head, by what wrote at the query (rows) and key (columns).

    `tokens` is one sequence, [1, position]. Rows and columns: embedding, position, then each head of layer 0. All
    entries sum to `cache["attn_scores", 1][0, index, query, key]`.
    """
    _, cache = model.run_with_cache(tokens)

    def inputs(at):
        return torch.cat((cache["embed"][0, at][None], cache["pos_embed"][0, at][None], cache["result", 0][0, at]))

    asking = inputs(query) @ model.W_Q[head]
    asked = inputs(key) @ model.W_K[head]
    return asking @ asked.T / model.config.d_head**0.5


# %% [markdown]
# Here it is on a repeat: `A B C D E A ?`. The query is the second A. The best key is B, because head 0.0 wrote there
# that A came before. On the command line, `rung why-attend` splits a score in the same way.

# %%
repeat = torch.tensor([[model.config.bos_token_id, 410, 77, 905, 30, 1200, 410]])
_, seen = model.run_with_cache(repeat)
names = ["embed", "position", "0.0", "0.1", "0.2", "0.3"]


def stream_parts(at):
    """What stands in the stream before layer 1 at a position, by writer."""
    return torch.cat((seen["embed"][0, at][None], seen["pos_embed"][0, at][None], seen["result", 0][0, at]))


shares = (stream_parts(6) @ model.W_Q[1, 0]) @ (stream_parts(2) @ model.W_K[1, 0]).T / model.config.d_head**0.5
print("sum", round(float(shares.sum()), 4), "score", round(float(seen["attn_scores", 1][0, 0, 6, 2]), 4))
for row, column in zip(*torch.where(shares.abs() > 1), strict=True):
    print(f"query {names[row]:9} × key {names[column]:9} {shares[row, column]:+.2f}")

# %% [markdown]
# ## Composition: does one read what the other writes?
#
# What a sender writes is `x W_OV`. The receiver's score is `query W_QK keyᵀ`, and its value is `x W_OV`. So there are
# three ways to read: into Q, into K, into V. The composition score of each is ‖W_OV M‖ / (‖W_OV‖ ‖M‖), with Frobenius
# norms.
#
# **Why the transpose matters.** Vectors are rows and multiply from the left. For Q, what was written stands on the
# *left* of W_QK: M = W_QK. For K, it stands on its *right*, as `keyᵀ`: to put it on the left, the whole product is
# transposed, and M = W_QKᵀ. Leave that out, and you have measured the queries and called it keys.
#
# ### 4.6 The three composition scores
#
# Difficulty 3 · importance 4 · 12 minutes


# %% tags=["exercise"]
def composition_scores(model, sender, receiver):
    """‖W_OV M‖ / (‖W_OV‖ ‖M‖) of the sender's W_OV, for the receiver's Q, K and V input: a tensor of three."""
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# M is `W_Q @ W_K.T` for Q, its transpose `W_K @ W_Q.T` for K, and the receiver's `W_V @ W_O` for V.
# `torch.linalg.matrix_norm` is the Frobenius norm by default.
#
# </details>

# %%
check("4.6", composition_scores)


# %% tags=["solution"]
def composition_scores(model, sender, receiver):
    """‖W_OV M‖ / (‖W_OV‖ ‖M‖) of the sender's W_OV, for the receiver's Q, K and V input: a tensor of three."""
    writes = model.W_V[sender] @ model.W_O[sender]
    qk = model.W_Q[receiver] @ model.W_K[receiver].T
    size = torch.linalg.matrix_norm
    return torch.stack(
        [size(writes @ m) / (size(writes) * size(m)) for m in (qk, qk.T, model.W_V[receiver] @ model.W_O[receiver])]
    )


# %% [markdown]
# Head 0.0 into head 1.0: about 0.01 into Q, 0.19 into K, 0.01 into V. That looks clear. Look at the other pairs
# before you believe it.

# %%
from rung.circuits.composition import composition

pairs = composition(model)
print(f"random directions would give {pairs.chance:.2f}")
for first, second, into, value in pairs.ranked()[:6]:
    print(f"{first} → {second}.{into}  {value:.2f}")

# %% [markdown]
# The pair that does induction comes fifth. The first, 0.3 → 1.3, has nothing to do with it. And most scores into K
# lie above what random directions would give, because the heads of a trained model live in common subspaces.
#
# ### 4.7 The right baseline
#
# Difficulty 3 · importance 4 · 12 minutes
#
# Compare a pair with the **other** pairs of the same two layers. For every head of layer 0 (rows) and of layer 1
# (columns), give its K-composition score less the mean score of all other pairs.


# %% tags=["exercise"]
def excess_composition(model):
    """K-composition score of each layer-0 head with each layer-1 head, less the mean of all other pairs.

    The result has shape [n_heads (sender), n_heads (receiver)].
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# First all scores, n × n. The mean of the others is `(scores.sum() - scores) / (scores.numel() - 1)`.
#
# </details>

# %%
check("4.7", excess_composition)


# %% tags=["solution"]
def excess_composition(model):
    """K-composition score of each layer-0 head with each layer-1 head, less the mean of all other pairs.

    The result has shape [n_heads (sender), n_heads (receiver)].
    """
    size = torch.linalg.matrix_norm
    writes = model.W_V[0] @ model.W_O[0]
    keys = model.W_K[1] @ model.W_Q[1].mT
    joint = size(writes[:, None] @ keys[None])
    scores = joint / (size(writes)[:, None] * size(keys)[None])
    return scores - (scores.sum() - scores) / (scores.numel() - 1)


# %% [markdown]
# A fair baseline still leaves 0.3 → 1.3 on top. The norm counts *all* that passes between two heads, whatever it
# says, and big unrelated traffic beats the small message that matters. To decide, ask for the message itself.
#
# ### 4.8 The composed QK
#
# Difficulty 4 · importance 5 · 15 minutes
#
# Token A is at the query. At some key, the sender wrote "A was before me". Does the receiver match exactly that?
# Score every query token against every token that the sender may have read:
#
# query: W_E W_Q (receiver) · key: W_E W_V W_O (sender) W_K (receiver)
#
# For which share of query tokens is the same token the best key?


# %% tags=["exercise"]
def match_share(model, sender, receiver):
    """The share of query tokens whose best key in `receiver` is the one for which `sender` read the same token."""
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# Two matrices of shape `[vocabulary, d_head]`, multiplied to `[query token, key token]`. Each row's `argmax` is to be
# the row's own number.
#
# </details>

# %%
check("4.8", match_share)


# %% tags=["solution"]
def match_share(model, sender, receiver):
    """The share of query tokens whose best key in `receiver` is the one for which `sender` read the same token."""
    queries = model.W_E @ model.W_Q[receiver]
    keys = model.W_E @ model.W_V[sender] @ model.W_O[sender] @ model.W_K[receiver]
    best = (queries @ keys.T).argmax(-1)
    return (best == torch.arange(len(best))).double().mean().item()


# %%
from rung.circuits.composition import routed_diagonal

for _h in range(4):
    matched = [routed_diagonal(model, (0, _h), (1, receiver)).share for receiver in range(4)]
    print(f"0.{_h} →", "  ".join(f"1.{at} {share:6.1%}" for at, share in enumerate(matched)))

# %% [markdown]
# Rung's `routed_diagonal` asks the other way round: of each *key*, is the same token the query that scores it
# highest? Where a model has norms, every key has a scale of its own, and only this question is free of it.
#
# One pair of sixteen is right for nearly every token, and no other pair for more than three in a hundred. That is
# what *decides* means: the same number, taken where nothing should be, is small.
#
# You now have the four checks of a mechanism: the positional circuit of the head that routes, the composed QK of the
# two, OV copying of the head that answers, and a baseline for each. What they cannot say is whether the model *uses*
# all that. Part 5 puts both kinds of evidence together.
