from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Generator

from rung.errors import RungError
from rung.training.corpus import (
    BLOCK,
    Mix,
    distinct_tokens,
    encode,
    log_uniform,
    make_batch,
    read_corpus,
    repeat,
    repeated_rows,
    synthetic_corpus,
    train_tokenizer,
)

D_VOCAB = 512
CORPUS = synthetic_corpus(D_VOCAB)


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


@given(start=st.integers(1, 8), period=st.integers(1, 10), gap=st.integers(0, 6), seed=st.integers(0, 9))
def test_each_copied_token_equals_the_one_a_period_and_gap_before(start, period, gap, seed):
    fresh = distinct_tokens(1, 40, D_VOCAB, seeded(seed))
    each = [torch.tensor([[value]]) for value in (start, period, gap)]
    tokens, predictable = repeat(fresh, *each)
    (row,), (known,) = tokens.tolist(), predictable.tolist()
    for j in range(40):
        phase = (j - start) % (period + gap)
        copied = j >= start + period + gap and phase < period
        assert row[j] == (row[j - period - gap] if copied else fresh[0, j])
        assert known[j] == (copied and phase > 0)
        # what counts as predictable follows an earlier occurrence of the token before it
        if known[j]:
            assert row[j - 1] in row[: j - 1]


def test_a_repeated_row_begins_with_bos_and_draws_distinct_tokens():
    batch = repeated_rows(Mix(window=64, rows=200, repeated=1.0), 200, CORPUS.train, D_VOCAB, seeded())
    assert batch.tokens.shape == (200, 65) and batch.weight.shape == (200, 64)
    assert (batch.tokens[:, 0] == 0).all() and (batch.tokens[:, 1:] > 0).all()
    assert (batch.weight.sum(1) > 0).all()
    for row, weight in zip(batch.tokens.tolist(), batch.weight.tolist(), strict=True):
        first = weight.index(1.0)  # the first copy ends before it
        assert len(set(row[:first])) == first


def test_prefixes_and_gaps_leave_something_to_predict_in_every_row():
    mix = Mix(window=128, rows=500, repeated=1.0, prefix=1.0, gap=1.0, natural=0.5, shortest=2)
    batch = repeated_rows(mix, 500, CORPUS.train, D_VOCAB, seeded())
    assert (batch.weight.sum(1) > 0).all()


def test_periods_are_log_uniform():
    drawn = log_uniform(torch.full((20_000, 1), 31), seeded(), low=4).float()
    assert drawn.min() == 4 and drawn.max() == 31
    # 4..31 is three doublings: as many periods in 4..7 as in 16..31
    few, many = ((drawn >= 4) & (drawn < 8)).sum(), (drawn >= 16).sum()
    assert abs(few / many - 1) < 0.1


def test_a_batch_has_the_mix_it_was_asked_for_and_depends_on_the_generator_alone():
    mix = Mix(window=32, rows=10, repeated=0.7, offset=True, unpredictable=0.25)
    one, two = (make_batch(mix, CORPUS, 64, D_VOCAB, seeded(5)) for _ in range(2))
    assert torch.equal(one.tokens, two.tokens) and one.offset == two.offset
    assert set(one.weight[:7].unique().tolist()) == {0.25, 1.0}
    assert (one.weight[7:] == 1).all()
    assert 0 <= one.offset <= 32
    assert not torch.equal(one.tokens, make_batch(mix, CORPUS, 64, D_VOCAB, seeded(6)).tokens)


def test_text_survives_the_tokenizer_and_bos_is_token_zero():
    text = "To be, or not to be: that is the question.\nWhether 'tis nobler… in the mind\n" * 50
    tokenizer = train_tokenizer(text, 300)
    assert tokenizer.token_to_id("<|bos|>") == 0
    assert tokenizer.decode(encode(tokenizer, text).tolist()) == text


def test_a_corpus_is_read_the_same_way_twice_and_holds_something_out(tmp_path: Path):
    path = tmp_path / "text"
    path.write_text("".join(f"line {i * i % 997} of the book\n" for i in range(6000)))
    one, two = (read_corpus(path, 320) for _ in range(2))
    assert torch.equal(one.train, two.train) and one.sha256 == two.sha256
    assert one.tokenizer.to_str() == two.tokenizer.to_str()
    assert len(one.held_out) % BLOCK == 0 and len(one.held_out) >= BLOCK


def test_the_made_up_language_is_predictable_but_not_fixed():
    tokens = CORPUS.train
    follower = torch.zeros(D_VOCAB, D_VOCAB).index_put_((tokens[:-1], tokens[1:]), torch.tensor(1.0), accumulate=True)
    best = follower[1:].max(1).values / follower[1:].sum(1)
    assert 0.4 < best.mean() < 0.6
    words = CORPUS.tokenizer.decode(tokens[:8].tolist())
    assert CORPUS.tokenizer.encode(words).ids == tokens[:8].tolist()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no corpus at"),
        (b"", "empty"),
        (b" \n \n", "empty"),
        (b"\xff\xfe\x00\x01", "not UTF-8"),
        (b"text\0text", "zero bytes"),
        (b"too short a text", "too little text"),
    ],
)
def test_a_file_that_is_no_corpus_is_one_clear_error(tmp_path: Path, content, says):
    path = tmp_path / "corpus.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RungError, match=says) as caught:
        read_corpus(path, 300)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
