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
# # Part 1. Inside a transformer
#
# You load a small transformer, read everything that it computes on a sentence, and take its prediction apart: what the
# current token says by itself (the direct path), and what attention heads bring from earlier tokens (the attention
# path). At the end a one-layer model shows you skip-trigrams, and a bug that it cannot help having.
#
# Every model here is small and comes with Rung, so nothing is downloaded and a CPU is enough. They have attention and
# no MLPs, so that little stands between you and the mechanism.
#
# Each exercise has a stub, a hint, and a check. `check` compares your answer with an independent computation on several
# models, and if it recognises a mistake, it tells you which. Numbers after a title: difficulty and importance from 1 to
# 5, and the minutes it may take. Cells after a check use what you wrote: to pass over an exercise, copy its solution
# into the stub.

# %%
import torch

from rung import HookedTransformer
from rung.course import check

torch.set_grad_enabled(False)  # you only run models here, you train none

# %% [markdown]
# ## A model, and its tokens
#
# A model reads integers. The tokenizer turns text into them, and puts a first token in front, BOS (beginning of
# sequence), which says nothing but is always there to be looked at.

# %%
model = HookedTransformer.from_pretrained("two-layer")
config = model.config
print(config.n_layers, "layers,", config.n_heads, "heads each,", config.d_vocab, "tokens")

text = "the President of the United"
tokens = model.to_tokens(text)
print(tokens.shape, model.to_str_tokens(tokens))

# %%
logits = model(tokens)  # [batch, position, vocabulary]
best = logits[0, -1].softmax(-1).topk(5)
for _chance, _token in zip(best.values, best.indices, strict=True):
    print(f"{_chance:.3f}", repr(model.to_single_str_token(int(_token))))

# %% [markdown]
# ### 1.1 The probability of a next token
#
# Difficulty 1 · importance 4 · 5 minutes
#
# At each position the model gives one logit for every token of the vocabulary: its opinion of what comes *next*.
# Softmax turns them into probabilities. Write a function that gives the probability of `following`, a text of one
# token, right after `text`.


# %% tags=["exercise"]
def next_token_probability(model, text, following):
    """The probability of the token `following` after `text`, as a number between 0 and 1."""
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# `model.to_single_token(" States")` is the token's number. The logits at the last position, `logits[0, -1]`, are about
# the token that comes after the text.
#
# </details>

# %%
check("1.1", next_token_probability)


# %% tags=["solution"]
def next_token_probability(model, text, following):
    """The probability of the token `following` after `text`, as a number between 0 and 1."""
    logits = model(model.to_tokens(text))
    return logits[0, -1].softmax(-1)[model.to_single_token(following)].item()


# %% [markdown]
# ## The cache
#
# `run_with_cache` keeps what every part of the model computed. A name and a layer find an activation.

# %%
same_logits, cache = model.run_with_cache(tokens)
for _name in ("embed", "resid_pre", "q", "k", "v", "attn_scores", "pattern", "z", "resid_post"):
    _found = cache[_name] if _name == "embed" else cache[_name, 0]
    print(f"{_name:12}", list(_found.shape))

# %% [markdown]
# `pattern` is where the heads look: `[batch, head, query, key]`. Row `q` holds the weights with which position `q`
# reads positions 0 to `q`; they sum to one. Heads with nothing to find tend to look at BOS. That is a parking spot:
# attention has to go somewhere.
#
# ### 1.2 How much is parked?
#
# Difficulty 2 · importance 3 · 8 minutes
#
# For every head: its attention to BOS (key 0), averaged over the batch and over all queries **but the first**, which
# can see nothing else.


# %% tags=["exercise"]
def attention_to_bos(model, tokens):
    """Mean attention to position 0 over all queries after it: a tensor [layer, head]."""
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# One layer is `cache["pattern", layer][:, :, 1:, 0]`, of shape `[batch, head, query]`. Take its mean over the first and
# the last axis, and stack the layers.
#
# </details>

# %%
check("1.2", attention_to_bos)


# %% tags=["solution"]
def attention_to_bos(model, tokens):
    """Mean attention to position 0 over all queries after it: a tensor [layer, head]."""
    _, cache = model.run_with_cache(tokens)
    layers = range(model.config.n_layers)
    return torch.stack([cache["pattern", layer][:, :, 1:, 0].mean((0, 2)) for layer in layers])


# %% [markdown]
# ### 1.3 A pattern by hand
#
# Difficulty 3 · importance 4 · 12 minutes
#
# A pattern is not read off anything: it is computed, in three steps. Each query vector is multiplied with each key
# vector, and the products are divided by √d_head. Keys that come *after* the query are hidden. Softmax over what is
# left gives the weights. Do it yourself from queries and keys, of shape `[batch, position, head, d_head]`.


# %% tags=["exercise"]
def attention_pattern(q, k):
    """The causal attention pattern [batch, head, query, key] of queries and keys [batch,
    position, head, d_head].
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# `torch.einsum("bqhd,bkhd->bhqk", q, k)` makes the scores. Hidden keys get the score `-inf` *before* softmax, so that
# they receive exactly nothing. `torch.ones(n, n).triu(1)` marks them.
#
# </details>

# %%
check("1.3", attention_pattern)


# %% tags=["solution"]
def attention_pattern(q, k):
    """The causal attention pattern [batch, head, query, key] of queries and keys [batch,
    position, head, d_head].
    """
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / q.shape[-1] ** 0.5
    hidden = torch.ones(q.shape[1], q.shape[1], dtype=torch.bool).triu(1)
    return scores.masked_fill(hidden, float("-inf")).softmax(-1)


# %% [markdown]
# ## The residual stream
#
# Every component reads the residual stream and *adds* to it; nothing is ever overwritten. So what stands in the stream
# at the end is a sum: the embedding, and what each layer's attention wrote. The unembedding is linear. So each logit is
# a sum too, with one term for every writer.
#
# ### 1.4 A logit is a sum
#
# Difficulty 3 · importance 5 · 12 minutes
#
# How much does each writer add to the logit of `target` at the **last** position? The first writer is the embedding
# (`cache["embed"]`), then come the layers (`cache["attn_out", layer]`). `model.W_U` has shape `[d_model, vocabulary]`.


# %% tags=["exercise"]
def logit_by_writer(model, tokens, target):
    """What the embedding and each layer's attention add to the logit of the token `target` at the
    last position.

    `tokens` is one sequence, [1, position]. The result has shape [1 + n_layers].
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# A writer's vector at the last position is `cache["attn_out", layer][0, -1]`. Its share is the dot product of that
# vector with the token's column, `model.W_U[:, target]`. What a layer *writes* is `attn_out`; `resid_post` is the sum
# up to there.
#
# </details>

# %%
check("1.4", logit_by_writer)


# %% tags=["solution"]
def logit_by_writer(model, tokens, target):
    """What the embedding and each layer's attention add to the logit of the token `target` at the
    last position.

    `tokens` is one sequence, [1, position]. The result has shape [1 + n_layers].
    """
    _, cache = model.run_with_cache(tokens)
    writes = [cache["embed"]] + [cache["attn_out", layer] for layer in range(model.config.n_layers)]
    return torch.stack([write[0, -1] @ model.W_U[:, target] for write in writes])


# %% [markdown]
# Do the terms really sum to the logit? (This model's unembedding has no bias, so nothing else is added.)

# %%
target = model.to_single_token(" States")
terms = logit_by_writer(model, tokens, target)
print([f"{term:+.2f}" for term in terms.tolist()])
print(f"sum {terms.sum():.4f}, logit {logits[0, -1, target]:.4f}")

# %% [markdown]
# ## The direct path
#
# Take attention away and one path is left: embedding, stream, unembedding. It knows the current token only, so the best
# it can do is to learn which token tends to follow which. After `" United"` comes `" States"`, whatever came before.
#
# ### 1.5 The bigrams of the direct path
#
# Difficulty 2 · importance 4 · 8 minutes
#
# For every token of the vocabulary: which next token does the direct path alone rank first? You need weights only, and
# no run: `model.W_E` is `[vocabulary, d_model]`, `model.W_U` is `[d_model, vocabulary]`.


# %% tags=["exercise"]
def direct_bigrams(model):
    """For each token, the token that the direct path ranks first after it: integers,
    [vocabulary].
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# `model.W_E @ model.W_U` is a table: row, the current token; column, the next. Which axis do you search for the best?
#
# </details>

# %%
check("1.5", direct_bigrams)


# %% tags=["solution"]
def direct_bigrams(model):
    """For each token, the token that the direct path ranks first after it: integers,
    [vocabulary].
    """
    return (model.W_E @ model.W_U).argmax(-1)


# %%
following = direct_bigrams(model)
for _word in (" United", " able", " shall"):
    _next = int(following[model.to_single_token(_word)])
    print(repr(_word), "→", repr(model.to_single_str_token(_next)))

# %% [markdown]
# ### 1.6 What does attention buy?
#
# Difficulty 3 · importance 4 · 12 minutes
#
# The loss of a token is −log of the probability that the model gave it at the position **before**. Compute the mean
# loss of the direct path alone over all predicted tokens: use the embeddings at each position, the unembedding, and
# nothing else.


# %% tags=["exercise"]
def direct_loss(model, tokens):
    """The mean next-token loss, in nats, of embedding and unembedding alone, over [batch,
    position]: a number.
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# `model.W_E[tokens] @ model.W_U` are the logits, `[batch, position, vocabulary]`. The logits at position 0 are about
# token 1: drop the last position of the logits and the first of the tokens, and take `log_softmax(-1)` at the tokens.
#
# </details>

# %%
check("1.6", direct_loss)


# %% tags=["solution"]
def direct_loss(model, tokens):
    """The mean next-token loss, in nats, of embedding and unembedding alone, over [batch,
    position]: a number.
    """
    log_probabilities = (model.W_E[tokens] @ model.W_U).log_softmax(-1)
    return -log_probabilities[:, :-1].gather(-1, tokens[:, 1:, None]).mean().item()


# %% [markdown]
# Compare the two paths with the whole model on a sentence. The difference is what heads brought from earlier positions.

# %%
sentence = model.to_tokens("The people of the United States have the right to vote in the United States.")
print(f"direct path alone {direct_loss(model, sentence):.2f} nats")
print(f"whole model       {model(sentence, return_type='loss'):.2f} nats")

# %% [markdown]
# ## Skip-trigrams
#
# One layer of attention adds one thing: from the current token (the *destination*), look back at an earlier one (the
# *source*), and let it change what comes next (the *output*). In *the postman **went** to the bank, and the milkman
# **went*** … the second *went* can look for the first and raise what followed it. Three tokens with a gap: a
# skip-trigram.
#
# Two tables of a head say it all, and each is made of its weights:
#
# - **QK**, destination against source: how strongly does this token ask for that one? `e_dest · W_Q W_Kᵀ · e_source /
#   √d_head`
# - **OV**, source against output: once attended to, what does it raise? `e_source · W_V W_O · W_U`
#
# The one-layer model learned *at the same* → *time*. (Its positions enter queries and keys only. Leave them out here.)

# %%
one_layer = HookedTransformer.from_pretrained("one-layer")

# %% [markdown]
# ### 1.7 The two numbers of a skip-trigram
#
# Difficulty 3 · importance 4 · 12 minutes
#
# Compute both for a head of layer 0, from the weights `W_Q`, `W_K`, `W_V` (each `[layer, head, d_model, d_head]`) and
# `W_O` (`[layer, head, d_head, d_model]`). The three tokens are integers.


# %% tags=["exercise"]
def skip_trigram(model, head, source, destination, output):
    """The QK score of destination → source, and what the source's OV adds to the logit of
    `output`: a tensor [2].
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# The destination asks, so its embedding meets `W_Q`. The source answers, so its embedding meets `W_K`; and the source
# is what is moved, so its embedding meets `W_V`. The score is divided by `model.config.d_head ** 0.5`.
#
# </details>

# %%
check("1.7", skip_trigram)


# %% tags=["solution"]
def skip_trigram(model, head, source, destination, output):
    """The QK score of destination → source, and what the source's OV adds to the logit of
    `output`: a tensor [2].
    """
    query = model.W_E[destination] @ model.W_Q[0, head]
    key = model.W_E[source] @ model.W_K[0, head]
    moved = model.W_E[source] @ model.W_V[0, head] @ model.W_O[0, head]
    return torch.stack([query @ key / model.config.d_head**0.5, moved @ model.W_U[:, output]])


# %%
at, same, time = (one_layer.to_single_token(word) for word in (" at", " same", " time"))
for _head in range(one_layer.config.n_heads):
    _score, _push = skip_trigram(one_layer, _head, at, same, time)
    print(f"head 0.{_head}: score {_score:+.2f}, push {_push:+.2f}")

# %% [markdown]
# ## The bug
#
# English has *keep … in mind* and *keep … at bay*. A head that wants both must let *in* and *at* look at *keep*, and
# let *keep* raise *mind* and *bay*. But then *in* raises *bay* too: OV sees the source and has no idea which
# destination asked. QK and OV are separate tables, so raising the two right triples raises the two wrong ones.
#
# Your model has this bug with *at*: it learned *at the same → time* and *at an early → period*.
#
# ### 1.8 The grid of right and wrong
#
# Difficulty 4 · importance 4 · 15 minutes
#
# For each destination, run the model on the three tokens `[BOS, source, destination]`, and compute what one head adds
# to the logit of each output at the destination **through the source alone**: its attention from destination to source,
# times what the source's value pushes.


# %% tags=["exercise"]
def contribution_grid(model, head, source, destinations, outputs):
    """What a head of layer 0 adds to the logits of `outputs` by attending to `source`:
    [destination, output].

    `destinations` and `outputs` are lists of tokens. Each destination is run as [BOS, source,
    destination]; BOS is 0.
    """
    raise NotImplementedError


# %% [markdown] tags=["hint"]
# <details>
# <summary>Hint</summary>
#
# All runs in one batch: `torch.tensor([[0, source, d] for d in destinations])`. The attention is `cache["pattern",
# 0][:, head, 2, 1]`. The value at the source is `cache["v", 0][:, 1, head]`; through `W_O[0, head]` and the columns
# `W_U[:, outputs]` it becomes a push on each output.
#
# </details>

# %%
check("1.8", contribution_grid)


# %% tags=["solution"]
def contribution_grid(model, head, source, destinations, outputs):
    """What a head of layer 0 adds to the logits of `outputs` by attending to `source`:
    [destination, output].

    `destinations` and `outputs` are lists of tokens. Each destination is run as [BOS, source,
    destination]; BOS is 0.
    """
    tokens = torch.tensor([[0, source, destination] for destination in destinations])
    _, cache = model.run_with_cache(tokens)
    attention = cache["pattern", 0][:, head, 2, 1]
    pushes = cache["v", 0][:, 1, head] @ model.W_O[0, head] @ model.W_U[:, outputs]
    return attention[:, None] * pushes


# %% [markdown]
# Look at the signs. Whenever both right entries (the diagonal) are raised, so are the two wrong ones: the grid is a
# column times a row, and its determinant is zero but for rounding. No choice of this head's weights raises the diagonal
# alone. (Two heads could share the work, a pair each; but there are far more pairs than heads.) A *second layer* can:
# it reads what the first one wrote, so its heads can ask for a pair of tokens instead of one. That is where Part 2
# begins.

# %%
destinations = [one_layer.to_single_token(word) for word in (" same", " early")]
outputs = [one_layer.to_single_token(word) for word in (" time", " period")]
for _head in range(one_layer.config.n_heads):
    _grid = contribution_grid(one_layer, _head, at, destinations, outputs)
    _rows = [[f"{one:+.3f}" for one in row] for row in _grid.tolist()]
    print(f"head 0.{_head}", _rows, f"determinant {_grid.det():.0e}")

# %% [markdown]
# **What you have now.** A transformer's prediction is a sum of paths. The direct path reads the current token; each
# head adds a path from an earlier position. QK says *where from*, OV says *what*, and within one layer neither knows of
# the other. All you have looked at so far is what the model computes. Whether it *relies* on any of it is a question
# for Part 3.
