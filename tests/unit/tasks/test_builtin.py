import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rung.config import ModelConfig
from rung.errors import PromptError
from rung.model.model import HookedTransformer
from rung.tasks.builtin import ordinary_tokens, repeated_tokens, unrepeated_tokens


def model(n_ctx: int = 32, d_vocab: int = 40, bos: int | None = 0) -> HookedTransformer:
    return HookedTransformer(
        ModelConfig(
            n_layers=1, d_model=4, n_heads=1, d_head=4, d_vocab=d_vocab, n_ctx=n_ctx, bos_token_id=bos, model_name="m"
        )
    )


class Words:
    """As much of a tokenizer as the type asks for."""

    bos_token_id = eos_token_id = pad_token_id = None

    def __init__(self, size: int, **special: object) -> None:
        self.size = size
        vars(self).update(special)

    def __len__(self) -> int:
        return self.size

    def encode(self, text: str, /, *, add_special_tokens: bool = False) -> list[int]:
        raise NotImplementedError

    def decode(self, token_ids: list[int], /) -> str:
        raise NotImplementedError


@given(
    period=st.integers(3, 15), sequences=st.integers(1, 5), seed=st.integers(0, 2**32), bos=st.sampled_from([None, 7])
)
def test_two_copies_of_distinct_ordinary_tokens(period, sequences, seed, bos):
    task = repeated_tokens(model(bos=bos), period=period, sequences=sequences, seed=seed)
    assert task.start == (bos is not None)
    assert task.bos == bos
    assert task.tokens.shape == (sequences, task.start + 2 * period)
    for row in task.tokens.tolist():
        assert row[: task.start] == ([] if bos is None else [bos])
        first, second = row[task.start : task.second], row[task.second :]
        assert first == second
        assert len(set(first)) == period
        assert bos not in first


def test_the_told_queries_are_those_whose_next_token_stands_in_the_first_copy():
    task = repeated_tokens(model(), period=5, sequences=1)
    row = task.tokens[0].tolist()
    predictable = range(*task.predictable.indices(len(row)))
    assert list(predictable) == [q for q in range(len(row) - 1) if row[q] in row[:q] and row[q + 1] in row[:q]]


def test_the_control_is_as_long_and_repeats_nothing():
    task = repeated_tokens(model(), period=10, sequences=4, seed=3)
    control = unrepeated_tokens(model(), task)
    assert control.tokens.shape == task.tokens.shape
    assert (control.period, control.start, control.repeated) == (10, 1, False)
    assert all(len(set(row)) == len(row) for row in control.tokens.tolist())


def test_the_seed_decides_and_a_row_does_not_depend_on_how_many_follow():
    few, many = (repeated_tokens(model(), period=5, sequences=n, seed=1).tokens for n in (2, 6))
    assert torch.equal(few, many[:2])
    assert not torch.equal(few, repeated_tokens(model(), period=5, sequences=2, seed=2).tokens)


def test_special_tokens_and_those_past_the_tokenizer_are_not_ordinary():
    config = model(d_vocab=10, bos=0).config
    ours = Words(8, bos_token_id=1, eos_token_id=2, special_ids=frozenset({4}))
    assert ordinary_tokens(config, ours).tolist() == [3, 5, 6, 7]
    hugging = Words(7, all_special_ids=[5])
    assert ordinary_tokens(config, hugging).tolist() == [1, 2, 3, 4, 6]
    assert ordinary_tokens(config).tolist() == list(range(1, 10))


@pytest.mark.parametrize(
    ("n_ctx", "d_vocab", "expected"),
    [(128, 500, 50), (32, 500, 15), (128, 21, 10), (128, 5, 3)],
)
def test_the_default_period_is_what_context_and_control_can_hold(n_ctx, d_vocab, expected):
    assert repeated_tokens(model(n_ctx, d_vocab)).period == expected


@pytest.mark.parametrize(
    ("size", "asked", "said"),
    [
        ((6, 40), {}, "the context of m is 6, too short.* 7 is needed"),
        ((32, 3), {}, "m has 2 ordinary tokens, too few.* 3 are needed"),
        ((32, 40), {"period": 16}, "16 needs 33 tokens, but m reads 32: the period can be at most 15"),
        ((32, 8), {"period": 10}, "different tokens, but m has 7 ordinary ones"),
        ((32, 40), {"period": 2}, "a period of 2 was requested; the shortest"),
        ((32, 40), {"sequences": 0}, "0 sequences were requested"),
    ],
)
def test_what_does_not_fit_is_said(size, asked, said):
    with pytest.raises(PromptError, match=said):
        repeated_tokens(model(*size), **asked)


def test_a_vocabulary_too_small_for_the_control_is_said():
    small = model(d_vocab=12)
    with pytest.raises(
        PromptError, match=r"16 different tokens, but .* has 11 ordinary ones: the period can be at most 5"
    ):
        unrepeated_tokens(small, repeated_tokens(small, period=8))


def test_queries_targets_and_others_are_read_off_the_sequence() -> None:
    model = HookedTransformer.from_pretrained("two-layer-tiny")
    task = repeated_tokens(model, period=5, sequences=3, seed=2)
    assert list(task.queries) == list(range(task.tokens.shape[1]))[task.predictable]
    for row, tokens in enumerate(task.tokens.tolist()):
        copy = tokens[task.start : task.second]
        for at, query in enumerate(task.queries):
            target = tokens[query + 1]
            assert int(task.targets[row, at]) == target
            assert task.others[row, at].tolist() == [token for token in copy if token != target]
