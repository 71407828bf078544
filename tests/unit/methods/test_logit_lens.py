import pytest
import torch

from rung.errors import PromptError
from rung.methods import logit_lens as module
from rung.methods.logit_lens import logit_lens


def test_each_stream_is_unembedded_as_if_it_were_the_last(any_kind, draw, monkeypatch) -> None:
    model, tokens, targets = any_kind, draw(), draw(seed=2, length=2)
    monkeypatch.setattr(module, "_LOGITS_AT_ONCE", 4 * 13)  # rows do not fill the last part
    found = logit_lens(model, tokens, targets, queries=[4, 2])
    _, cache = model.run_with_cache(tokens)
    streams = [cache["resid_pre", 0], cache["resid_pre", 1], cache["resid_pre", 2], cache["resid_post", 2]]
    assert found.labels == ("0_pre", "1_pre", "2_pre", "final_post") and (found.n, found.queries) == (3, (4, 2))
    for at, stream in enumerate(streams):
        logits = model(stream, start_at_layer=3)[:, [4, 2]]
        own = logits.gather(-1, targets[..., None])
        torch.testing.assert_close(found.logit[at], own[..., 0])
        torch.testing.assert_close(found.loss[at], -logits.log_softmax(-1).gather(-1, targets[..., None])[..., 0])
        assert torch.equal(found.rank[at], (logits > own).sum(-1))
    torch.testing.assert_close(found.logit[-1], model(tokens)[:, [4, 2]].gather(-1, targets[..., None])[..., 0])


def test_targets_that_do_not_fit_are_refused(build, draw) -> None:
    for targets in (draw(length=2), torch.full((3, 7), 13)):
        with pytest.raises(PromptError, match="token ids from 0 to 12"):
            logit_lens(build(), draw(), targets)
