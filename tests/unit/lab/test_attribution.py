import math

import msgspec
import numpy as np
import pytest
import torch
from scipy import stats

from rung.errors import InterventionError, PromptError, RungError, SiteError, TokenizerError
from rung.lab.computations.attribution import agreement, contrast, heads, why
from rung.tasks.builtin import repeated_tokens

SMALL = {"length": 8, "sequences": 6, "seed": 3}


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def ask(computation, **fields):
    return msgspec.convert(fields, computation.ask)


def test_the_bars_are_products_with_the_unembedding_and_sum_to_the_logit(lab, job) -> None:
    found = heads.run(lab, ask(heads, **SMALL), job)
    model = lab.model("two-layer")
    task = repeated_tokens(model, period=8, sequences=6, seed=3)
    with torch.no_grad():
        logits, cache = model.run_with_cache(task.tokens)
        expected = np.zeros((6, 7))
        head = np.zeros((6, 7))
        for row, tokens in enumerate(task.tokens.tolist()):
            copy = tokens[1:9]
            for at, query in enumerate(range(9, 16)):
                right = tokens[query + 1]
                others = [token for token in copy if token != right]
                direction = model.W_U[:, right] - model.W_U[:, others].mean(1)
                head[row, at] = float(cache["result", 1][row, query, 0] @ direction)
                expected[row, at] = float(logits[row, query, right] - logits[row, query, others].mean())
    bars = {bar.label: bar for bar in found.bars}
    assert found.heads == [f"{layer}.{head}" for layer in (0, 1) for head in range(4)]
    assert bars["1.0"].value == pytest.approx(head.mean(), rel=1e-4)
    assert found.total.value == pytest.approx(expected.mean(), rel=1e-4)
    assert sum(bar.value for bar in found.bars) == pytest.approx(found.total.value, abs=1e-4)
    assert abs(found.residual) < 1e-3
    # The bounds miss with 1 % on either side at most: at least as wide as Student's.
    values = head.mean(1)
    low, high = stats.t.interval(1 - 2 * found.alpha, 5, values.mean(), stats.sem(values))
    assert bars["1.0"].low <= low + 1e-4 and bars["1.0"].high >= high - 1e-4
    assert bars["1.0"].low < bars["1.0"].value < bars["1.0"].high


def test_too_few_sequences_have_no_bounds(lab, job) -> None:
    found = heads.run(lab, ask(heads, length=8, sequences=3, model="two-layer-tiny"), job)
    assert found.n == 3 and all(bar.low is None and bar.high is None for bar in found.bars)
    assert b'"low":null' in msgspec.json.encode(found)


def test_a_against_b_is_the_difference_of_two_logits(lab, job) -> None:
    text = "the man went to the house and the"
    found = contrast.run(lab, ask(contrast, text=text, target=" man", other=" house"), job)
    model = lab.model("two-layer")
    with torch.no_grad():
        logits, cache = model.run_with_cache(model.to_tokens(text))
        result = cache["result", 1][0, -1, 0].detach()
    a, b = model.to_single_token(" man"), model.to_single_token(" house")
    assert found.total == pytest.approx(float(logits[0, -1, a] - logits[0, -1, b]), abs=1e-4)
    assert found.logits == pytest.approx((float(logits[0, -1, a]), float(logits[0, -1, b])))
    parts = {part.label: part.value for part in found.parts}
    direction = (model.W_U[:, a] - model.W_U[:, b]).detach()
    assert parts["1.0"] == pytest.approx(float(result @ direction), abs=1e-4)
    assert parts["embed"] == pytest.approx(float(cache["embed"][0, -1] @ direction), abs=1e-4)
    assert sum(parts.values()) + found.residual == pytest.approx(found.total, abs=1e-5)
    assert found.best == model.to_string([int(logits[0, -1].argmax())])


def test_a_text_that_makes_no_contrast_is_refused(lab, job) -> None:
    for fields, error, said in (
        ({"text": "the man", "target": " man", "other": " man"}, RungError, "the same token"),
        ({"text": "the man", "target": "", "other": " man"}, RungError, "type one token for A"),
        ({"text": "the man", "target": " man and the", "other": " man"}, TokenizerError, "not one"),
        ({"text": " ", "target": " a", "other": " the"}, RungError, "the text is empty"),
    ):
        with pytest.raises(error, match=said):
            contrast.run(lab, ask(contrast, **fields), job)


def test_ablation_finds_the_head_that_attribution_misses(lab, job) -> None:
    found = agreement.run(lab, ask(agreement, **SMALL), job)
    model = lab.model("two-layer")
    task = repeated_tokens(model, period=8, sequences=6, seed=3)
    donors = repeated_tokens(model, period=8, sequences=64, seed=4).tokens
    rows = {row.head: row for row in found.rows}

    def loss(logits, queries):
        right = task.tokens[:, 1:][:, queries]
        return -logits.log_softmax(-1)[:, queries].gather(-1, right[..., None])[..., 0].mean(1)

    with torch.no_grad():
        second, first = slice(9, 16), slice(0, 8)
        mean = model.run_with_cache(donors)[1]["z", 0][:, :, 0].mean(0)

        def ablate(z, hook):
            z = z.clone()
            z[:, :, 0] = mean
            return z

        logits = model(task.tokens)
        edited = model.run_with_hooks(task.tokens, fwd_hooks=[("blocks.0.attn.hook_z", ablate)])
    assert found.clean == pytest.approx(float(loss(logits, second).mean()), rel=1e-4)
    assert found.gain == pytest.approx(float(loss(logits, first).mean() - loss(logits, second).mean()), rel=1e-4)
    cost = float((loss(edited, second) - loss(logits, second)).mean())
    assert rows["0.0"].mean.value == pytest.approx(cost, rel=1e-4)
    pattern = model.run_with_cache(task.tokens)[1]["pattern", 0][:, 0]
    previous = torch.stack([pattern[:, q, q - 1] for q in range(2, 17)]).mean()
    assert rows["0.0"].signature == "previous_token" and rows["0.0"].score == pytest.approx(float(previous), rel=1e-5)
    # The lesson: hardly any direct push, and needed all the same.
    assert abs(rows["0.0"].direct.value) < found.weak * rows["1.0"].direct.value
    assert rows["0.0"].mean.low > found.needed * found.gain and rows["0.0"].resample.low > found.needed * found.gain
    expected = np.corrcoef([row.direct.value for row in found.rows], [row.mean.value for row in found.rows])[0, 1]
    assert found.correlation == pytest.approx(expected)
    assert {step for step, _, _ in job.steps} >= {"mean ablation of each head", "resample ablation of each head"}


def test_the_link_is_the_path_into_the_keys(lab, job) -> None:
    found = agreement.run(lab, ask(agreement, **SMALL), job)
    strongest = max(found.links, key=lambda link: link.change.value)
    assert (strongest.sender, strongest.receiver, strongest.into) == ("0.0", "1.0", "K")
    model = lab.model("two-layer")
    task = repeated_tokens(model, period=8, sequences=6, seed=3)
    corrupted = repeated_tokens(model, period=8, sequences=64, seed=4).tokens[:6]
    with torch.no_grad():
        logits, clean = model.run_with_cache(task.tokens)
        other = model.run_with_cache(corrupted)[1]
        delta = other["result", 0][:, :, 0] - clean["result", 0][:, :, 0]

        def keys(k, hook):
            k = k.clone()
            k[:, :, 0] += delta @ model.W_K[1, 0]
            return k

        edited = model.run_with_hooks(task.tokens, fwd_hooks=[("blocks.1.attn.hook_k", keys)])
    right = task.tokens[:, 10:17]

    def loss(logits):
        return -logits.log_softmax(-1)[:, 9:16].gather(-1, right[..., None]).mean()

    assert strongest.change.value == pytest.approx(float(loss(edited) - loss(logits)), rel=1e-4)


def test_the_pairs_of_a_score_sum_to_the_models_own(lab, job) -> None:
    found = why.run(lab, ask(why, layer=1, head=0, query=14, key=7, length=8, seed=3), job)
    model = lab.model("two-layer")
    tokens = repeated_tokens(model, period=8, sequences=1, seed=3).tokens
    with torch.no_grad():
        cache = model.run_with_cache(tokens)[1]
    assert found.score == pytest.approx(float(cache["attn_scores", 1][0, 0, 14, 7]), rel=1e-5)
    assert found.mean_score == pytest.approx(float(cache["attn_scores", 1][0, 0, 14, :15].mean()), rel=1e-4)
    np.testing.assert_allclose(found.pattern.numpy(), cache["pattern", 1][0, 0].numpy(), rtol=1e-6)
    values = found.values.numpy()
    assert values.sum() + found.residual == pytest.approx(found.score, abs=1e-4)
    at = found.query_parts.index("embed"), found.key_parts.index("0.0")
    q = cache["embed"][0, 14] @ model.W_Q[1, 0].detach()
    k = (cache["result", 0][0, 7, 0] @ model.W_K[1, 0]).detach()
    assert values[at] == pytest.approx(float(q @ k) / math.sqrt(32), rel=1e-4)
    assert found.tokens[0] == model.token_text(0) and found.head == "1.0"


def test_why_is_asked_of_a_text_too(lab, job) -> None:
    found = why.run(lab, ask(why, layer=1, head=0, query=-1, key=2, text="the man and the"), job)
    assert found.tokens[-1].strip() == "the" and found.query == len(found.tokens) - 1
    for fields, error in (
        ({"layer": 1, "head": 0, "query": 2, "key": 9}, InterventionError),
        ({"layer": 1, "head": 0, "query": 99, "key": 1}, PromptError),
        ({"layer": 3, "head": 0, "query": 2, "key": 1}, SiteError),
    ):
        with pytest.raises(error):
            why.run(lab, ask(why, **fields), job)


def test_more_than_the_lab_runs_is_refused(lab, job) -> None:
    with pytest.raises(RungError, match="65 sequences were requested"):
        heads.run(lab, ask(heads, sequences=65), job)
    with pytest.raises(RungError, match="tokens in a copy"):
        heads.run(lab, ask(heads, length=1000), job)
    with pytest.raises(RungError, match="no heads to compare"):
        agreement.run(lab, ask(agreement, model="zero-layer"), job)
