"""Text in and out of a model."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rung.errors import PromptError, RungError, TokenizerError
from rung.model.model import HookedTransformer


@pytest.fixture
def mute(build: Callable[..., HookedTransformer]) -> HookedTransformer:
    """A model without a tokenizer."""
    return build()


def test_the_first_token_is_put_as_said(speaker: HookedTransformer) -> None:
    assert speaker.to_tokens("ab").tolist() == [[0, 2, 3]]
    assert speaker.to_tokens("ab", prepend_bos=False).tolist() == [[2, 3]]
    assert torch.equal(speaker("ab"), speaker(torch.tensor([[0, 2, 3]])))
    assert torch.equal(speaker("ab", prepend_bos=False), speaker(torch.tensor([2, 3])))


def test_a_first_token_nobody_knows_cannot_be_put(
    build: Callable[..., HookedTransformer], speaker: HookedTransformer
) -> None:
    unknowing = HookedTransformer(build().config, tokenizer=speaker.tokenizer)
    assert unknowing.to_tokens("ab").tolist() == [[2, 3]]
    with pytest.raises(TokenizerError, match="no first token is known for"):
        unknowing.to_tokens("ab", prepend_bos=True)


def test_texts_are_padded_on_either_side(speaker: HookedTransformer) -> None:
    assert speaker.to_tokens(["a", "bcd"]).tolist() == [[0, 2, 1, 1], [0, 3, 4, 5]]
    assert speaker.to_tokens(["a", "bcd"], padding_side="left").tolist() == [[1, 1, 0, 2], [0, 3, 4, 5]]
    assert speaker.read(["ab", "cd"])[1] is None
    mask = speaker.read(["a", "bcd"], padding_side="left")[1]
    assert mask is not None
    assert mask.tolist() == [[False, False, True, True], [True] * 4]


def test_the_eos_in_a_text_is_no_padding(speaker: HookedTransformer) -> None:
    tokens, mask = speaker.read(["a<|eos|>", "bcd"])
    assert tokens.tolist() == [[0, 2, 1, 1], [0, 3, 4, 5]]
    assert mask is not None
    assert mask.tolist() == [[True, True, True, False], [True] * 4]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(
    "kind",
    ["LN, learned positions, MLP, biases", "RMS, rotary, grouped, gated", "no norm, shortformer, attention only"],
)
def test_a_padded_text_gives_what_it_gives_alone(
    side: Any, kind: str, build: Callable[..., HookedTransformer], speaker: HookedTransformer
) -> None:
    found = build(kind, bos_token_id=0, default_prepend_bos=True)
    model = HookedTransformer(found.config, found.weights, tokenizer=speaker.tokenizer)
    texts = ["a", "bcdef", "gh"]
    together = model(texts, padding_side=side)
    losses = model(texts, padding_side=side, return_type="loss", loss_per_token=True)
    alone = []
    for row, text in enumerate(texts):
        n = len(text) + 1
        real = slice(6 - n, 6) if side == "left" else slice(0, n)
        torch.testing.assert_close(together[row, real], model(text)[0], rtol=1e-12, atol=1e-12)
        loss = model(text, return_type="loss", loss_per_token=True)[0]
        shown = losses[row][5 - (n - 1) :] if side == "left" else losses[row][: n - 1]
        torch.testing.assert_close(shown, loss, rtol=1e-12, atol=1e-12)
        assert losses[row].count_nonzero() == n - 1, "no loss is taken at padding"
        alone.append(loss)
    mean = model(texts, padding_side=side, return_type="loss")
    torch.testing.assert_close(mean, torch.cat(alone).mean(), rtol=1e-12, atol=1e-12)


def test_strings_and_tokens_return(speaker: HookedTransformer) -> None:
    assert speaker.to_string(torch.tensor([0, 2, 3])) == speaker.to_string([0, 2, 3]) == "<|bos|>ab"
    assert speaker.to_string(2) == "a"
    assert speaker.to_string(torch.tensor([[2, 3], [4, 5]])) == ["ab", "cd"]
    assert speaker.to_str_tokens("ab") == ["<|bos|>", "a", "b"]
    assert speaker.to_str_tokens("ab", prepend_bos=False) == ["a", "b"]
    assert speaker.to_str_tokens(["a", "bc"]) == [["<|bos|>", "a"], ["<|bos|>", "b", "c"]]
    for tokens in (torch.tensor([0, 2]), torch.tensor([[0, 2]])):
        assert speaker.to_str_tokens(tokens) == ["<|bos|>", "a"]
    assert speaker.to_str_tokens(torch.tensor(2)) == ["a"]
    assert speaker.to_str_tokens(torch.tensor([[2], [3]])) == [["a"], ["b"]]


def test_single_tokens(speaker: HookedTransformer) -> None:
    assert speaker.to_single_token("c") == 4
    assert speaker.to_single_str_token(4) == "c"
    with pytest.raises(TokenizerError, match=r"'ab' is 2 tokens, \['a', 'b'\], not one"):
        speaker.to_single_token("ab")
    with pytest.raises(TokenizerError, match="'' is 0 tokens"):
        speaker.to_single_token("")


def test_directions_of_tokens(speaker: HookedTransformer) -> None:
    assert torch.equal(speaker.tokens_to_residual_directions("c"), speaker.W_U[:, 4])
    assert torch.equal(speaker.tokens_to_residual_directions(4), speaker.W_U[:, 4])
    many = torch.randint(13, (4, 5), generator=torch.Generator().manual_seed(0))
    assert torch.equal(speaker.tokens_to_residual_directions(many)[3, 2], speaker.W_U[:, many[3, 2]])
    for wrong in (13, -1):
        with pytest.raises(PromptError, match=f"token {wrong} is outside the vocabulary of 13"):
            speaker.tokens_to_residual_directions(wrong)


def test_a_model_without_a_tokenizer_shows_ids_and_asks_for_them(mute: HookedTransformer) -> None:
    assert mute.to_str_tokens(torch.tensor([3, 4])) == ["[3]", "[4]"]
    for use in (mute, mute.to_tokens, mute.to_str_tokens, mute.to_single_token, mute.generate):
        with pytest.raises(TokenizerError, match=r"has no tokenizer.*give token ids"):
            use("ab")
    with pytest.raises(TokenizerError, match="has no tokenizer"):
        mute.to_string([3])


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (torch.zeros(10, dtype=torch.long), "the prompt has 10 tokens; .* reads 9"),
        (torch.zeros(2, 0, dtype=torch.long), r"shape \[2, 0\].*not empty"),
        (torch.zeros(0, 2, dtype=torch.long), r"shape \[0, 2\].*not empty"),
        (torch.tensor(3), r"shape \[\]; \[pos\] and \[batch, pos\] can be read"),
        (torch.zeros(1, 2, 3, dtype=torch.long), r"shape \[1, 2, 3\]"),
        (torch.tensor([3, 13]), "token 13 is outside the vocabulary of 13"),
        (torch.tensor([3, -1]), "token -1 is outside the vocabulary of 13"),
        (torch.tensor([3.0]), r"whole numbers; these are torch\.float32"),
        (torch.tensor([True]), r"whole numbers; these are torch\.bool"),
        (torch.tensor([1j]), r"whole numbers; these are torch\.complex64"),
    ],
)
def test_tokens_that_cannot_be_read_are_refused(mute: HookedTransformer, tokens: Tensor, message: str) -> None:
    for use in (mute, mute.run_with_cache, mute.generate):
        with pytest.raises(PromptError, match=message):
            use(tokens)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
def test_any_whole_numbers_are_tokens(mute: HookedTransformer, dtype: torch.dtype) -> None:
    tokens = torch.tensor([3, 4, 5])
    assert torch.equal(mute(tokens.to(dtype)), mute(tokens[None]))


def test_a_text_longer_than_the_context_is_refused_unless_cut(speaker: HookedTransformer) -> None:
    with pytest.raises(PromptError, match=r"the prompt has 12 tokens; .* reads 9"):
        speaker("a" * 11)
    with pytest.raises(PromptError, match="the prompt has 12 tokens"):
        speaker.to_tokens("a" * 11, truncate=False)
    assert speaker.to_tokens("a" * 11).shape == (1, 9)


@pytest.mark.parametrize("texts", [[], ["a", ""], ""])
def test_nothing_to_read_is_refused(speaker: HookedTransformer, texts: Any) -> None:
    with pytest.raises(PromptError, match=r"no text was given|a text is empty"):
        speaker(texts, prepend_bos=False)
    if texts:
        assert speaker(texts).shape[0] == len(texts)


def test_errors_of_text_are_of_one_tree() -> None:
    assert issubclass(PromptError, RungError)
    assert issubclass(TokenizerError, RungError)


def test_a_token_has_its_place(speaker: HookedTransformer) -> None:
    assert speaker.get_token_position("b", "abcb") == 2
    assert speaker.get_token_position("b", "abcb", mode="last") == 4
    assert speaker.get_token_position(3, torch.tensor([[5, 3]])) == 1
    assert speaker.get_token_position("b", "ab", prepend_bos=False) == 1
    for wrong, said in (
        (("k", "ab"), "'k' does not occur"),
        (("a", "ab", "middle"), "mode is 'middle'"),
        ((2, torch.ones(2, 3).long()), "asked of one prompt"),
    ):
        with pytest.raises(PromptError, match=said):
            speaker.get_token_position(*wrong)


def test_forms_of_tokens(speaker: HookedTransformer) -> None:
    assert speaker.to_str_tokens(np.array([2, 3])) == ["a", "b"]
    assert speaker.to_str_tokens([torch.tensor([2]), torch.tensor([3, 4])]) == [["a"], ["b", "c"]]
    assert speaker.to_string([torch.tensor([2]), torch.tensor([3, 4])]) == ["a", "bc"]
    assert speaker.to_string(np.array([2, 3])) == "ab"
