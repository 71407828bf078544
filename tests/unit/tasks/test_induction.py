"""The layout, token by token, by loops that share nothing with the module."""

import pytest
import torch

from rung.config import ModelConfig
from rung.errors import PromptError
from rung.model.model import HookedTransformer
from rung.tasks.induction import LOOK_UP, STRATA, InductionBatch, corrupt, induction_batch, interchange, period_range


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
        assert (batch.source[row, two], batch.distances_of("induction").max()) == (
            one + 1,
            (batch.period + batch.gap).max() - 1,
        )


def test_predictable_queries_can_be_read_off_the_first_copy_and_first_copy_ones_ask_for_the_same_tokens():
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
    kinds = {(bool(prefix), bool(gap)) for _, _, _, prefix, gap in rows(batch)}
    assert len(kinds) == 4


@pytest.mark.parametrize(("n_ctx", "sequences"), [(128, 64), (48, 64), (16, 24)])
def test_strata_part_the_queries_in_four_ways(n_ctx, sequences):
    batch = induction_batch(model(n_ctx, 300), sequences=sequences, seed=0)
    strata = batch.strata
    assert tuple(strata) == STRATA
    for words in ("periods", "prefix", "gap", "sources"):
        parts = [where for name, where in strata.items() if name.endswith(words)]
        assert torch.equal(sum(part.long() for part in parts), batch.predictable.long()), words
        assert all(part.any() for part in parts)
    periods = [batch.period[strata[f"{size} periods"].any(1)] for size in ("short", "medium", "long")]
    assert periods[0].max() <= periods[1].min() and periods[1].max() <= periods[2].min()
    assert torch.equal(strata["no prefix"].any(1), batch.prefix == 0)
    assert torch.equal(strata["with gap"].any(1), batch.gap > 0)


def test_early_middle_and_late_are_where_b_stands_first():
    batch = induction_batch(model(128, 300), sequences=64, seed=0)
    source = batch.source
    sources = {name: source[batch.strata[f"{name} sources"]] for name in ("early", "middle", "late")}
    assert sources["early"].max() <= sources["middle"].min() <= sources["middle"].max() <= sources["late"].min()
    assert min(len(found) for found in sources.values()) > 100
    for row, query in batch.predictable.nonzero()[:50].tolist():
        assert batch.tokens[row, source[row, query]] == batch.tokens[row, query + 1]


def test_sources_are_the_positions_that_are_copied():
    batch = induction_batch(model(), sequences=24, seed=1)
    for row, (tokens, start, n, prefix, _) in enumerate(rows(batch)):
        one = start + prefix
        assert [at for at in range(len(tokens)) if batch.sources[row, at]] == list(range(one + 1, one + n))


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


def test_sequence_i_follows_from_the_seed_and_i_alone():
    m = model()
    few, many = induction_batch(m, sequences=5, seed=2), induction_batch(m, sequences=64, seed=2)
    assert torch.equal(few.tokens, many.tokens[:5])
    for name in ("period", "prefix", "gap", "first"):
        assert torch.equal(getattr(few, name), getattr(many, name)[:5])
    other = induction_batch(m, sequences=64, seed=3)
    assert not (many.tokens == other.tokens).all(1).any()
    assert torch.equal(few.tokens, induction_batch(m, sequences=5, seed=2).tokens)


def test_no_two_sequences_are_alike():
    batch = induction_batch(model(), sequences=64, seed=2)
    assert len({tuple(row) for row in batch.tokens.tolist()}) == 64


def test_corruptions_and_interchanges_of_more_sequences_extend_the_fewer():
    m = model()
    few, many = (induction_batch(m, sequences=n, seed=2) for n in (5, 12))
    for which in ("A", "B"):
        assert torch.equal(corrupt(few, which, m, 4).tokens, corrupt(many, which, m, 4).tokens[:5])
    assert torch.equal(interchange(few, m, 4).hybrid, interchange(many, m, 4).hybrid[:5])
    assert not torch.equal(interchange(few, m, 4).hybrid, interchange(few, m, 5).hybrid)


@pytest.mark.parametrize(("n_ctx", "d_vocab", "bos"), [(64, 200, 0), (64, 200, None), (500, 600, 7), (48, 97, 0)])
def test_an_interchange_is_as_long_a_copy_of_other_tokens_elsewhere_in_its_row(n_ctx, d_vocab, bos):
    m = model(n_ctx, d_vocab, bos)
    batch = induction_batch(m, sequences=24, seed=3)
    found = interchange(batch, m, seed=4)
    donor = found.donor
    assert torch.equal(donor.period, batch.period)
    assert (donor.prefix != batch.prefix).all() and (donor.gap != batch.gap).all()
    pairs = zip(rows(batch), rows(donor), found.hybrid.tolist(), strict=True)
    for row, ((tokens, start, n, prefix, gap), (others, _, m_n, other_prefix, other_gap), hybrid) in enumerate(pairs):
        assert m_n == n and (bos is None or others[0] == bos)
        one, two = start + prefix, start + prefix + n + gap
        other_one, other_two = start + other_prefix, start + other_prefix + n + other_gap
        assert (int(donor.first[row]), int(donor.second[row])) == (other_one, other_two)
        copy = others[other_one : other_one + n]
        assert copy == others[other_two : other_two + n] and len(set(copy)) == n
        assert not set(copy) & set(tokens[: two + n]), "what is copied there occurs nowhere here"
        assert bos is None or bos not in copy
        assert hybrid == tokens[:two] + copy + tokens[two + n :]
        assert tokens[one : one + n] == hybrid[one : one + n]


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


@pytest.mark.parametrize(("n_ctx", "d_vocab", "bos"), SHAPES)
def test_a_look_up_asks_each_key_once_and_in_another_order(n_ctx, d_vocab, bos):
    batch = induction_batch(model(n_ctx, d_vocab, bos), sequences=24, seed=3, task=LOOK_UP)
    moved = 0
    for row, (tokens, start, n, prefix, gap) in enumerate(rows(batch)):
        one, two = start + prefix, start + prefix + n + gap
        pairs = [(tokens[at], tokens[at + 1]) for at in range(one, one + n, 2)]
        asked = [(tokens[at], tokens[at + 1]) for at in range(two, two + n, 2)]
        assert n % 2 == 0 and sorted(pairs) == sorted(asked)
        moved += pairs != asked
        queries = batch.predictable[row].nonzero()[:, 0].tolist()
        assert queries == list(range(two, two + n, 2)), "keys are asked; which key comes next nobody can know"
        for query in queries:
            source = int(batch.source[row, query])
            assert tokens[source - 1 : source + 1] == tokens[query : query + 2]
            assert batch.asked_at[row, source] == query
        assert batch.sources[row].nonzero()[:, 0].tolist() == list(range(one + 1, one + n, 2))
        assert batch.first_copy[row].nonzero()[:, 0].tolist() == list(range(one, one + n, 2))
    assert moved > 6


def test_corruptions_and_interchanges_of_a_look_up_keep_its_order():
    m = model()
    batch = induction_batch(m, sequences=24, seed=3, task=LOOK_UP)
    for which in ("A", "B"):
        found = corrupt(batch, which, m, seed=1)
        for row, (tokens, *_) in enumerate(rows(batch)):
            (query,) = found.query[row].nonzero()[:, 0].tolist()
            (changed,) = (found.tokens[row] != batch.tokens[row]).nonzero()[:, 0].tolist()
            assert tokens[query] == tokens[changed] if which == "A" else tokens[query + 1] == tokens[changed]
            assert changed < batch.second[row] and found.answer[row] == tokens[query + 1]
    swapped = interchange(batch, m, seed=1)
    for row, (tokens, _, n, *_) in enumerate(rows(batch)):
        own, other = swapped.donor.tokens[row].tolist(), swapped.hybrid[row].tolist()
        one, two = int(swapped.donor.first[row]), int(swapped.donor.second[row])
        order = [tokens[int(batch.first[row]) :].index(t) for t in tokens[int(batch.second[row]) :][:n]]
        assert [own[one : one + n].index(t) for t in own[two : two + n]] == order
        assert other[int(batch.second[row]) :][:n] == own[two : two + n]
        assert not set(own[one : one + n]) & set(tokens[: int(batch.ends[row])])
