"""Windows of text, and passages that repeat."""

import pytest
import tokenizers
import torch

from rung.config import ModelConfig
from rung.errors import PromptError
from rung.model.model import HookedTransformer
from rung.model.tokenizer import TextTokenizer
from rung.tasks.prose import FEWEST, TextBatch, bundled_text, repeated_passages, text_windows, windows


def model(n_ctx=32, bos=0):
    """Reads single letters."""
    vocabulary = {"<|bos|>": 0} | {chr(at): at - 96 for at in range(97, 123)}
    backend = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, [], unk_token="<|bos|>"))
    config = ModelConfig(n_layers=1, d_model=4, n_heads=1, d_head=4, d_vocab=40, n_ctx=n_ctx, bos_token_id=bos)
    return HookedTransformer(config, tokenizer=TextTokenizer(backend, None if bos is None else "<|bos|>", None))


LETTERS = "abcdefghijklmnopqrstuvwxyz" * 40


def test_the_bundled_text_is_prose_enough_for_both_tests():
    text = bundled_text()
    assert len(text.split()) > 3000 and text.isprintable() is False and "\n" in text
    assert len(text.strip().split("\n\n")) >= 40
    words = text.split()
    assert len(set(words)) > 1000, "passages are not one passage repeated"


def test_windows_follow_each_other_without_overlap():
    found = windows(model(), LETTERS, 10)
    assert found.shape == (len(LETTERS) // 10, 10)
    assert found.flatten().tolist() == [ord(letter) - 96 for letter in LETTERS[: found.numel()]]


@pytest.mark.parametrize("letters", [0, 1, FEWEST * 10 - 1])
def test_too_short_a_text_is_refused_with_its_length(letters):
    with pytest.raises(PromptError, match=f"the text has {letters} tokens; {FEWEST} windows of 10 are needed"):
        windows(model(), LETTERS[:letters], 10)
    assert len(windows(model(), LETTERS[: FEWEST * 10], 10)) == FEWEST


@pytest.mark.parametrize(("n_ctx", "length"), [(32, 32), (500, 128)])
def test_windows_of_text_are_as_long_as_the_task_and_begin_as_the_model_does(n_ctx, length):
    found = text_windows(model(n_ctx), LETTERS * 2)
    assert found.shape[1] == length and (found[:, 0] == 0).all() and (found[:, 1:] != 0).all()
    without = text_windows(model(n_ctx, bos=None), LETTERS * 2)
    assert without.shape[1] == length and (without != 0).all()


@pytest.mark.parametrize("bos", [0, None])
def test_passages_are_repeated_at_once(bos):
    batch = repeated_passages(model(33, bos), LETTERS)
    start, n = int(bos is not None), 16
    assert batch.tokens.shape[1] == start + 2 * n and batch.kind == "prose"
    assert torch.equal(batch.tokens[:, start : start + n], batch.tokens[:, start + n :])
    assert batch.period.unique().tolist() == [n] and not batch.prefix.any() and not batch.gap.any()
    assert (batch.second == start + n).all() and (batch.predictable.sum(1) == n - 1).all()
    for row, query in batch.predictable.nonzero()[:40].tolist():
        assert batch.tokens[row, query + 1] == batch.tokens[row, query + 1 - n]


def test_every_token_of_running_text_but_the_first_is_scored():
    batch = TextBatch(text_windows(model(), LETTERS))
    assert batch.predictable[:, :-1].all() and not batch.predictable[:, -1].any()
    assert batch.ends.tolist() == [32] * len(batch.tokens)
