"""The layout, token by token, by loops that share nothing with the module."""

import pytest
import torch

from rung.config import ModelConfig
from rung.errors import PromptError
from rung.model.model import HookedTransformer
from rung.tasks.induction import InductionBatch, corrupt, induction_batch, period_range


def model(n_ctx: int = 64, d_vocab: int = 200, bos: int | None = 0) -> HookedTransformer:
    return HookedTransformer(
        ModelConfig(
            n_layers=1, d_model=4, n_heads=1, d_head=4, d_vocab=d_vocab, n_ctx=n_ctx, bos_token_id=bos, model_name="m"
        )
    )


def rows(batch: InductionBatch) -> list[tuple[list[int], int, int, int, int]]:
    """Each sequence with its start, period, prefix and gap."""
    start = int(batch.bos is not None)
    parts = zip(batch.tokens.tolist(), batch.period.tolist(), batch.prefix.tolist(), batch.gap.tolist(), strict=True)
    return [(tokens, start, n, prefix, gap) for tokens, n, prefix, gap in parts]


SHAPES = [(64, 200, 0), (64, 200, None), (16, 17, 3), (16, 16, None), (500, 600, 7), (33, 40, 0)]


@pytest.mark.parametrize(("n_ctx", "d_vocab", "bos"), SHAPES)
def test_every_sequence_is_laid_out_as_it_says(n_ctx, d_vocab, bos):
    batch = induction_batch(model(n_ctx, d_vocab, bos), sequences=24, seed=3)
    assert batch.tokens.shape == (24, min(n_ctx, 128))
    for row, (tokens, start, n, prefix, gap) in enumerate(rows(batch)):
        if bos is not None:
            assert tokens[0] == bos
            assert bos not in tokens[1:]
        one = start + prefix
        two = one + n + gap
        assert (one, two) == (batch.first[row], batch.second[row])
        assert two + n < len(tokens), "the tail is never empty"
        assert tokens[one : one + n] == tokens[two : two + n]
        once = tokens[:two] + tokens[two + n :]
        assert len(set(once)) == len(once), "nothing else occurs twice"
        assert int(batch.back[row]) == n + gap


def test_told_queries_can_be_read_off_the_first_copy_and_untold_ones_ask_for_the_same_tokens():
    batch = induction_batch(model(), sequences=24, seed=1)
    for row, (tokens, start, n, prefix, gap) in enumerate(rows(batch)):
        predictable = [at for at in range(len(tokens)) if batch.predictable[row, at]]
        first_copy = [at for at in range(len(tokens)) if batch.first_copy[row, at]]
        one, two = start + prefix, start + prefix + n + gap
        assert predictable == list(range(two, two + n - 1))
        assert first_copy == list(range(one, one + n - 1))
        for query in predictable:
            earlier = tokens[:query].index(tokens[query])
            assert tokens[earlier + 1] == tokens[query + 1]
        assert [tokens[at + 1] for at in predictable] == [tokens[at + 1] for at in first_copy]
        assert not set(tokens[: one + 1]) & {tokens[at + 1] for at in first_copy}


def test_periods_prefixes_and_gaps_vary_and_no_stratum_is_empty():
    batch = induction_batch(model(128, 300), sequences=64, seed=0)
    shortest, longest = period_range(128)
    assert shortest <= int(batch.period.min()) < 2 * shortest
    assert longest / 2 < int(batch.period.max()) <= longest
    assert len(set(batch.period.tolist())) > 10
    assert set(batch.strata) == {
        "short periods", "middle periods", "long periods", "no prefix", "a prefix", "no gap", "a gap",
    }  # fmt: skip
    for name, group in batch.strata.items():
        assert 16 <= int(group.sum()) <= 48, name
    kinds = {(bool(prefix), bool(gap)) for _, _, _, prefix, gap in rows(batch)}
    assert len(kinds) == 4
    longest_short = batch.period[batch.strata["short periods"]].max()
    assert longest_short <= batch.period[batch.strata["long periods"]].min()


@pytest.mark.parametrize("kind", ["unrepeated", "shuffled"])
def test_the_controls_differ_from_the_repeat_in_the_second_copy_alone(kind):
    m = model()
    batch = induction_batch(m, sequences=24, seed=5)
    control = induction_batch(m, sequences=24, seed=5, kind=kind)
    assert torch.equal(batch.period, control.period)
    assert torch.equal(batch.second, control.second)
    for (tokens, start, n, prefix, gap), other in zip(rows(batch), control.tokens.tolist(), strict=True):
        two = start + prefix + n + gap
        assert tokens[:two] + tokens[two + n :] == other[:two] + other[two + n :]
        if kind == "unrepeated":
            assert len(set(other)) == len(other)
        else:
            assert sorted(other[two : two + n]) == sorted(tokens[two : two + n])
    assert not torch.equal(batch.tokens, control.tokens)


def test_the_seed_decides():
    m = model()
    assert torch.equal(induction_batch(m, seed=2).tokens, induction_batch(m, seed=2).tokens)
    assert not torch.equal(induction_batch(m, seed=2).tokens, induction_batch(m, seed=3).tokens)


@pytest.mark.parametrize("which", ["A", "B"])
@pytest.mark.parametrize(("n_ctx", "d_vocab", "bos"), SHAPES)
def test_corruption_replaces_one_token_of_the_first_copy_and_asks_about_it(which, n_ctx, d_vocab, bos):
    m = model(n_ctx, d_vocab, bos)
    batch = induction_batch(m, sequences=24, seed=3)
    corruption = corrupt(batch, which, m, seed=4)
    for row, (tokens, start, n, prefix, gap) in enumerate(rows(batch)):
        spoilt = corruption.tokens[row].tolist()
        changed = [at for at in range(len(tokens)) if tokens[at] != spoilt[at]]
        assert len(changed) == 1
        a = changed[0] - (which == "B")
        assert start + prefix <= a < start + prefix + n - 1
        # A token that the model sees nowhere else.
        assert spoilt[changed[0]] not in tokens[: start + prefix + 2 * n + gap]
        assert spoilt[changed[0]] != bos
        queries = [at for at in range(len(tokens)) if corruption.query[row, at]]
        assert queries == [a + n + gap]
        assert tokens[queries[0]] == tokens[a]
        assert int(corruption.answer[row]) == tokens[a + 1]
    assert torch.equal(corruption.tokens, corrupt(batch, which, m, seed=4).tokens)


def test_taking_rows_keeps_everything_in_step():
    batch = induction_batch(model(), sequences=12, seed=0)
    some = batch.take(slice(3, 7))
    assert torch.equal(some.predictable, batch.predictable[3:7])
    assert torch.equal(some.tokens, batch.tokens[3:7])
    assert torch.equal(some.second, batch.second[3:7])


@pytest.mark.parametrize(
    ("n_ctx", "d_vocab", "sequences", "said"),
    [
        (15, 100, 4, "the context of m is 15, too short for the induction task: at least 16 is needed"),
        (64, 64, 4, "m has 63 ordinary tokens, too few for the induction task, which needs 64"),
        (64, 100, 1, "1 sequences were requested; at least 2 are needed"),
    ],
)
def test_models_that_cannot_read_the_task_are_refused(n_ctx, d_vocab, sequences, said):
    with pytest.raises(PromptError, match=said):
        induction_batch(model(n_ctx, d_vocab), sequences=sequences)
