import pytest
import torch

from rung.errors import PromptError
from rung.planted import plant
from rung.tasks.names import PATTERNS, TEXTS, corrupt_names, flipped, names_batch, renamed, words_of


@pytest.fixture(scope="module")
def model():
    return plant("names", 0).model


def said(batch, where):
    return batch.tokens[torch.arange(len(batch.tokens)), where]


def test_the_answer_is_the_name_that_does_not_return(model):
    batch = names_batch(model, sentences=40, seed=3)
    assert torch.equal(said(batch, batch.s1), said(batch, batch.s2))
    assert torch.equal(said(batch, batch.io), said(batch, batch.query + 1))
    assert (said(batch, batch.io) != said(batch, batch.s1)).all() and (batch.s1 < batch.s2).all()
    assert (batch.query > batch.s2).all() and (batch.io < batch.s2).all()
    assert batch.predictable.sum(1).tolist() == [1] * 40
    for row, s in enumerate(said(batch, batch.s1).tolist()):
        assert batch.tokens[row, : int(batch.ends[row])].tolist().count(s) == 2


def test_every_template_comes_in_both_orders(model):
    batch = names_batch(model, sentences=20, seed=0)
    assert len(PATTERNS) == len(TEXTS) == 5
    for at in range(5):
        first = (batch.io < batch.s1)[batch.template == at].tolist()
        assert sorted(first) == [False, False, True, True]
    assert list(batch.strata) == list(batch.task.strata)
    assert sum(int(where.sum()) for name, where in batch.strata.items() if "template" in name) == 20


def test_more_sentences_extend_fewer_and_the_control_repeats_nothing(model):
    few, many = (names_batch(model, sentences=n, seed=5) for n in (10, 20))
    assert torch.equal(few.tokens, many.tokens[:10])
    control = names_batch(model, sentences=10, seed=5, kind="control")
    assert torch.equal(said(control, control.s2), few.third) and torch.equal(said(control, few.s1), said(few, few.s1))
    different = (control.tokens != few.tokens).nonzero()
    assert torch.equal(different[:, 1], few.s2)


def test_flipped_renamed_and_corrupted(model):
    batch = names_batch(model, sentences=12, seed=1)
    other = flipped(batch)
    assert torch.equal(said(other, batch.s2), said(batch, batch.io))
    assert torch.equal(said(other, batch.query + 1), said(batch, batch.s1))
    assert torch.equal(flipped(other).tokens, batch.tokens)
    named = renamed(batch, 7)
    assert (said(named, batch.io) != said(batch, batch.io)).all() and torch.equal(named.io, batch.io)
    for row in range(12):
        assert not set(said(named, batch.s1)[row : row + 1].tolist()) & set(batch.tokens[row].tolist())
    a, b = corrupt_names(batch, "A"), corrupt_names(batch, "B")
    rows = torch.arange(12)
    assert torch.equal(a.tokens[rows, batch.s2], said(batch, batch.io))
    assert torch.equal(b.tokens[rows, batch.io], batch.third)
    assert torch.equal(a.answer, said(batch, batch.io)) and torch.equal(b.answer, a.answer)


def test_templates_of_tokens_hold_no_name_and_end_with_the_same_token(model):
    words = words_of(model)
    for template in words.templates:
        own = [piece for piece in template if piece >= 0]
        assert not set(own) & set(words.names.tolist()) and own[-1] == words.templates[0][-1]
        assert len(set(own)) == len(own)


def test_too_few_tokens_too_short_a_context_too_few_names(build):
    with pytest.raises(PromptError, match="too few for sentences of names: 24 are needed"):
        names_batch(build(d_vocab=20, n_ctx=32))
    with pytest.raises(PromptError, match="too short for the longest template, which needs"):
        names_batch(build(d_vocab=60, n_ctx=8))
    with pytest.raises(PromptError, match=r"names, .* things and .* places as whole tokens; at least 8 names"):
        names_batch(plant("random_only", 0).model)
    with pytest.raises(PromptError, match="1 sentences were requested"):
        names_batch(build(d_vocab=60, n_ctx=32), sentences=1)
