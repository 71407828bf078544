import base64
import builtins
import json
import re

import numpy as np
import pytest
import torch

from rung.errors import PromptError, RungError
from rung.evidence.claim import required_tests
from rung.evidence.observation import Outcome
from rung.methods.attribution import attribute_logits
from rung.methods.behaviour import loss_by_position
from rung.model.model import HookedTransformer
from rung.tasks.builtin import repeated_tokens
from rung.views import widgets


@pytest.fixture(scope="module")
def model():
    return HookedTransformer.from_pretrained("two-layer-tiny")


def pattern_of(widget):
    found = widget.figure["data"]["pattern"]
    return np.frombuffer(base64.b64decode(found["data"]), "<f4").reshape(found["shape"])


def test_attention_is_the_pattern_of_a_hook(model):
    tokens = repeated_tokens(model, period=6, sequences=1, seed=3).tokens
    seen = {}
    model.run_with_hooks(tokens, fwd_hooks=[("blocks.1.attn.hook_pattern", lambda x, hook: seen.update(p=x.clone()))])
    for given in (tokens, tokens[0], tokens[0].tolist()):
        widget = widgets.attention(model, given, 1)
        np.testing.assert_array_equal(pattern_of(widget), seen["p"][0].detach().numpy())
    data = widget.figure["data"]
    assert data["heads"] == [f"1.{head}" for head in range(model.config.n_heads)]
    assert len(data["tokens"]) == tokens.shape[1]


def test_attention_of_what_is_not_there_is_refused(model):
    with pytest.raises(RungError, match="layers 0 to 1, and no layer 2"):
        widgets.attention(model, torch.tensor([1, 2, 3]), 2)
    with pytest.raises(PromptError, match="one sequence"):
        widgets.attention(model, torch.tensor([[1, 2, 3], [1, 2, 3]]), 0)


def test_attribution_is_the_mean_over_examples_and_says_what_is_left_out(model):
    task = repeated_tokens(model, period=6, sequences=8, seed=0)
    found = attribute_logits(model, task.tokens, task.targets, task.others, task.queries)
    widget = widgets.attribution(found, top=4)
    items = widget.figure["data"]["items"]
    means = {label: float(found.of(label).double().mean()) for label in found.labels}
    assert [item["label"] for item in items] == sorted(means, key=lambda label: -abs(means[label]))[:4]
    for item in items:
        assert item["value"] == pytest.approx(means[item["label"]], rel=1e-6)
        assert item["low"] < item["value"] < item["high"]
    assert any(f"4 of {len(found.labels)}" in note for note in widget.figure["data"]["notes"])


def test_attribution_of_few_examples_has_no_interval(model):
    task = repeated_tokens(model, period=6, sequences=2, seed=0)
    found = attribute_logits(model, task.tokens, task.targets, task.others, task.queries)
    data = widgets.attribution(found).figure["data"]
    assert len(data["items"]) == len(found.labels)
    assert not any("low" in item for item in data["items"])
    assert "No interval" in data["notes"][0]


def test_the_board_holds_the_loss_of_both_copies(model):
    task = repeated_tokens(model, period=6, sequences=4, seed=1)
    logits = model(task.tokens).double().log_softmax(-1)
    loss = -logits[:, :-1].gather(2, task.tokens[:, 1:, None])[..., 0].mean(0)
    data = widgets.board(loss_by_position(model, task)).figure["data"]
    assert [int(item["label"]) for item in data["items"]] == list(range(1, task.tokens.shape[1]))
    np.testing.assert_allclose([item["value"] for item in data["items"]], loss.detach().numpy(), rtol=1e-4)
    groups = [item["group"] for item in data["items"]]
    assert groups == ["first copy"] * 6 + ["not scored"] + ["second copy"] * 5
    assert data["rules"][0]["at"] == pytest.approx(np.log(model.config.d_vocab))


def test_the_ladder_has_a_row_for_each_required_test(proof):
    claimed = proof(outcomes={"support.necessity": Outcome.FAILS})
    widget = widgets.ladder(claimed)
    data = widget.figure["data"]
    required = required_tests(claimed.claim, claimed.config, claimed.run["text"] is not None)
    assert [(row["id"], row["subject"]) for row in data["measurements"]] == [spec.key for spec in required]
    outcomes = {m.spec.key: m.outcome.value for m in claimed.measurements}
    for row in data["measurements"]:
        assert row["outcome"] == outcomes.get((row["id"], row["subject"]), "not run")
    assert data["verdict"]["rung"] == claimed.verdict.rung
    json.dumps(widget.figure, allow_nan=False)


def test_a_page_needs_no_network_and_shows_a_token_as_text():
    token = "</script><img src=x onerror=alert(1)>"
    text = widgets.page({"kind": "bars", "title": token, "data": {"items": [{"label": token, "value": 1.0}]}})
    assert token not in text
    assert "<title>&lt;/script&gt;" in text
    data = re.search(r'<script type="application/rung\+json">(.*?)</script>', text, re.S)
    assert json.loads(data[1])["data"]["items"][0]["label"] == token
    # The data, one module, and what takes the picture away; nothing is asked for from anywhere.
    assert text.count("<script") - widgets.MODULE.read_text().count("<script") == 3
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=", text.replace(widgets.MODULE.read_text(), ""))
    assert "default-src 'none'" in text


def test_without_anywidget_the_extra_is_named(model, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "anywidget":
            raise ImportError(name)
        return real(name, *rest, **more)

    widgets._widget_class.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(RungError, match=r"rung\[notebook\]"):
        widgets.attention(model, torch.tensor([1, 2, 3]), 0)
