import pytest
import torch

from rung.errors import InterventionError, PromptError, SiteError
from rung.methods.attribution import attribute_logits, attribute_scores
from rung.tasks.builtin import repeated_tokens

EXACT = 1e-12
"""Parts are summed in float64 and the numbers are of order 1 to 100."""
SINES = 1e-5
"""Sinusoidal positions are made in float32."""


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
