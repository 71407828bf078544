import pytest
import torch

from rung.errors import InterventionError, NotDefinedError, PromptError, SiteError
from rung.methods.attribution import attribute_logits, attribute_neurons, attribute_sources
from rung.methods.scores import attribute_scores
from rung.tasks.builtin import repeated_tokens

EXACT = 1e-12
"""Parts are summed in float64 and the numbers are of order 1 to 100."""


def uncapped(model, tokens):
    """The model's logits, their cap undone."""
    logits, cap = model(tokens), model.config.output_logits_soft_cap
    return logits if cap is None else cap * torch.atanh(logits / cap)


def test_the_parts_sum_to_the_logit(any_kind, draw) -> None:
    model, tokens, targets = any_kind, draw(), draw(seed=2)
    found = attribute_logits(model, tokens, targets)
    torch.testing.assert_close(found.total, uncapped(model, tokens).gather(-1, targets[..., None])[..., 0])
    assert found.values.shape == (len(found.labels), 3, 7)
    assert found.residual.abs().max() < EXACT * found.values.abs().max() + EXACT
    assert {"embed", "0.0", "2.3"} <= set(found.labels)
    assert ("b_U" in found.labels) == ("b_U" in model.config.biases)
    assert ("ln_final.b" in found.labels) == ("ln_final_b" in model.config.biases)
    assert ("0.mlp" in found.labels) == (not model.config.attn_only)
    assert (found.n, found.unit, found.queries) == (3, "logit", tuple(range(7)))


def test_less_the_mean_of_other_tokens_at_some_queries(any_kind, draw) -> None:
    model, tokens = any_kind, draw()
    targets, minus = draw(seed=2, length=2), torch.stack([draw(seed=s, length=2) for s in (3, 4, 5)], -1)
    found = attribute_logits(model, tokens, targets, minus, queries=[4, 2])
    logits = uncapped(model, tokens)[:, [4, 2]]
    expected = logits.gather(-1, targets[..., None])[..., 0] - logits.gather(-1, minus).mean(-1)
    torch.testing.assert_close(found.total, expected)
    assert found.residual.abs().max() < EXACT * found.values.abs().max() + EXACT
    whole = attribute_logits(model, tokens, tokens.roll(1, 0))
    some = attribute_logits(model, tokens, tokens.roll(1, 0)[:, [4, 2]], queries=[4, 2])
    torch.testing.assert_close(some.of("1.2"), whole.of("1.2")[:, [4, 2]])


def test_a_heads_share_is_what_it_writes_read_by_the_unembedding(build, draw) -> None:
    model, tokens, targets = build(), draw(), draw(seed=2)
    _, cache = model.run_with_cache(tokens)
    written = cache["result", 1][:, :, 3]
    found = attribute_logits(model, tokens, targets).of("1.3")
    torch.testing.assert_close(found, torch.einsum("bpd,bpd->bp", written, model.W_U.T[targets]))


def test_the_wired_heads_are_credited_where_they_work(wired) -> None:
    task = repeated_tokens(wired, period=7, sequences=8)
    queries = list(range(task.predictable.start, task.predictable.stop))
    targets = task.tokens[:, task.predictable.start + 1 : task.predictable.stop + 1]
    copies = task.tokens[:, 1:8].unsqueeze(1).expand(-1, len(queries), -1)
    logits = attribute_logits(wired, task.tokens, targets, copies, queries)
    assert logits.values.mean((1, 2)).argmax() == logits.labels.index("1.2")
    keys = (torch.tensor(queries) - 6).expand(8, -1)
    scores = attribute_scores(wired, task.tokens, (1, 2), "K", queries, keys)
    assert scores.of("0.1").mean() > 0.99 * scores.total.mean()


def test_what_cannot_be_attributed_is_refused(wired) -> None:
    tokens = torch.arange(6)[None]
    with pytest.raises(PromptError, match=r"targets have shape \[1, 2\]"):
        attribute_logits(wired, tokens, torch.zeros(1, 2, dtype=torch.long))
    with pytest.raises(PromptError, match="queries"):
        attribute_logits(wired, tokens, torch.zeros(1, 1, dtype=torch.long), queries=[6])
    with pytest.raises(PromptError, match="keys have shape"):
        attribute_scores(wired, tokens, (1, 2), "K", [2, 3], torch.zeros(1, 1, dtype=torch.long))
    for query, key in ((0, 0), (2, 3)):
        with pytest.raises(InterventionError, match="each query must see its right key"):
            attribute_scores(wired, tokens, (1, 2), "K", [query], torch.tensor([[key]]))
    with pytest.raises(SiteError, match="no head"):
        attribute_scores(wired, tokens, (2, 0), "K", [2], torch.tensor([[1]]))
    with pytest.raises(InterventionError, match=r"no component '9\.9'"):
        attribute_logits(wired, tokens, tokens).of("9.9")


def test_neurons_sum_to_what_the_mlps_add(any_kind, draw) -> None:
    model, tokens, targets = any_kind, draw(), draw(seed=2, length=2)
    if model.config.attn_only or model.config.n_experts:
        with pytest.raises(NotDefinedError, match="neurons were asked of"):
            attribute_neurons(model, tokens, targets, queries=[4, 2])
        return
    whole = attribute_logits(model, tokens, targets, queries=[4, 2])
    mlps = sum(whole.of(f"{layer}.mlp") for layer in range(3))
    every = attribute_neurons(model, tokens, targets, queries=[4, 2], count=None)
    torch.testing.assert_close(every.total, mlps)
    assert every.residual.abs().max() < EXACT * every.values.abs().max() + EXACT
    few = attribute_neurons(model, tokens, targets, queries=[4, 2], count=5)
    assert few.residual.abs().max() < EXACT * every.values.abs().max() + EXACT
    neurons = [at for at, label in enumerate(every.labels) if ".mlp." in label]
    largest = {every.labels[at] for at in sorted(neurons, key=lambda at: -every.values[at].abs().mean())[:5]}
    assert {label for label in few.labels if ".mlp." in label} == largest and "other neurons" in few.labels
    for label in largest:
        torch.testing.assert_close(few.of(label), every.of(label))


def test_a_neuron_is_its_activation_times_its_output_read_by_the_unembedding(build, draw) -> None:
    model = build(d_mlp=24, act_fn="gelu")
    tokens, targets = draw(), draw(seed=2)
    _, cache = model.run_with_cache(tokens)
    found = attribute_neurons(model, tokens, targets, count=None).of("1.mlp.7")
    onto = torch.einsum("d,bpd->bp", model.W_out[1, 7], model.W_U.T[targets])
    torch.testing.assert_close(found, cache["post", 1][..., 7] * onto)


def test_sources_sum_to_the_heads_own_attribution(any_kind, draw) -> None:
    model, tokens = any_kind, draw()
    targets, minus = draw(seed=2, length=2), torch.stack([draw(seed=s, length=2) for s in (3, 4)], -1)
    found = attribute_sources(model, tokens, (1, 2), targets, minus, queries=[4, 2])
    whole = attribute_logits(model, tokens, targets, minus, queries=[4, 2])
    torch.testing.assert_close(found.total, whole.of("1.2"))
    assert found.residual.abs().max() < EXACT * found.values.abs().max() + EXACT
    assert found.labels == tuple(map(str, range(7)))
    assert found.values[5:].abs().max() == 0  # after both queries


def test_a_source_is_the_pattern_times_what_its_value_writes(build, draw) -> None:
    model, tokens, targets = build(), draw(), draw(seed=2)
    _, cache = model.run_with_cache(tokens)
    written = cache["v", 1][:, 3, 2] @ model.W_O[1, 2]
    expected = cache["pattern", 1][:, 2, :, 3] * torch.einsum("bd,bpd->bp", written, model.W_U.T[targets])
    torch.testing.assert_close(attribute_sources(model, tokens, (1, 2), targets).of("3"), expected)


def test_targets_that_are_no_tokens_are_refused(wired, build) -> None:
    tokens = torch.arange(6)[None]
    with pytest.raises(PromptError, match="token ids from 0 to 15"):
        attribute_logits(wired, tokens, torch.full((1, 6), 16))
    with pytest.raises(SiteError, match=r"no head 2\.0"):
        attribute_sources(wired, tokens, (2, 0), tokens)
    with pytest.raises(InterventionError, match="count is 0"):
        attribute_neurons(build("LN, learned positions, MLP, biases"), tokens, tokens, count=0)
