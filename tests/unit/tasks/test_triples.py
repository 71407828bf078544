import pytest
import torch

from rung.errors import ClaimError, PromptError
from rung.planted import plant
from rung.tasks.task import find_task, kind_of_task
from rung.tasks.triples import FAR, NEAR, TriplesTask, corrupt_triples, other_source, read_task, triples_batch


@pytest.fixture(scope="module")
def planted():
    return plant("skip", 0)


@pytest.fixture(scope="module")
def task(planted):
    return read_task(planted.task)


def test_a_task_is_read_back_from_its_name(task):
    assert read_task(task.name) == task == find_task(task.name)
    assert kind_of_task(task.name) == "skip-trigrams" and kind_of_task("random repeats") == "random repeats"
    assert read_task("skip-trigrams 7: 1>2 3>") is None and read_task("random repeats") is None
    with pytest.raises(ClaimError, match="the task 'skip-trigram' is not known"):
        find_task("skip-trigram")


@pytest.mark.parametrize(
    ("queries", "pairs", "said"),
    [
        ((1,), ((2, 3), (4, 5), (6, 7)), "a table of 3 pairs and 1 queries"),
        ((), ((2, 3), (4, 5), (6, 7), (8, 9)), "a table of 4 pairs and 0 queries"),
        ((2,), ((2, 3), (4, 5), (6, 7), (8, 9)), "stands twice"),
        ((1,), ((2, 3), (4, 3), (6, 7), (8, 9)), "stands twice"),
    ],
)
def test_a_table_that_is_none(queries, pairs, said):
    with pytest.raises(ClaimError, match=said):
        TriplesTask(queries, pairs)


def test_source_query_and_answer_stand_where_they_are_said_to(planted, task):
    batch = triples_batch(planted.model, task, sequences=60, seed=2)
    rows, outputs = torch.arange(60), dict(task.pairs)
    table = {token for pair in task.pairs for token in pair} | set(task.queries)
    for row in range(60):
        source, query, answer = (
            int(batch.tokens[row, at]) for at in (batch.source[row], batch.query[row], batch.query[row] + 1)
        )
        assert outputs[source] == answer and query in task.queries
        before = batch.tokens[row, : int(batch.query[row]) + 1].tolist()
        assert len(set(before)) == len(before) and set(before) & table == {source, query}
        assert int(batch.filler[row]) not in before and int(batch.filler[row]) not in table
    back = batch.query - batch.source
    where = {name: mask[rows, batch.query] for name, mask in batch.strata.items()}
    assert (back[where["near"]] <= NEAR).all() and (back[where["far"]] > FAR).all()
    assert sum(where.values()).tolist() == [1] * 60
    control = triples_batch(planted.model, task, sequences=60, seed=2, kind="control")
    assert (control.tokens != batch.tokens).nonzero()[:, 1].tolist() == batch.query.tolist()
    assert torch.equal(triples_batch(planted.model, task, sequences=90, seed=2).tokens[:60], batch.tokens)


def test_another_source_and_none(planted, task):
    batch = triples_batch(planted.model, task, sequences=20, seed=1)
    rows, outputs = torch.arange(20), dict(task.pairs)
    other = other_source(batch, 5)
    assert (other.pair != batch.pair).all()
    for row in range(20):
        assert outputs[int(other.tokens[row, batch.source[row]])] == int(other.tokens[row, batch.query[row] + 1])
    a, b = corrupt_triples(batch, "A", 5), corrupt_triples(batch, "B", 5)
    assert torch.equal(a.tokens[rows, batch.source], batch.filler) and torch.equal(b.tokens, other.tokens)
    assert torch.equal(a.answer, batch.tokens[rows, batch.query + 1])


def test_what_does_not_fit(planted, task, build):
    with pytest.raises(PromptError, match="the table holds token 99"):
        triples_batch(planted.model, TriplesTask((99,), task.pairs), seed=0)
    with pytest.raises(PromptError, match="skip-trigrams need"):
        triples_batch(build(d_vocab=30, n_ctx=32), TriplesTask((1,), ((2, 3), (4, 5), (6, 7), (8, 9))), seed=0)
    with pytest.raises(PromptError, match="1 sequences were requested"):
        triples_batch(planted.model, task, sequences=1)
