from dataclasses import replace

import pytest
import torch

from rung.errors import PromptError
from rung.tasks.metrics import METRICS, Metric, logit_difference, next_token_loss

LOGITS = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
TOKENS = torch.tensor([[0, 3, 1, 6, 2], [5, 5, 4, 0, 1]])
PER_TOKEN = -LOGITS.log_softmax(-1)[:, :-1].gather(-1, TOKENS[:, 1:, None])[..., 0]


def test_the_loss_of_some_queries_is_one_number_an_example() -> None:
    found = next_token_loss(slice(1, 3))
    torch.testing.assert_close(found(LOGITS, TOKENS), PER_TOKEN[:, 1:3].mean(1))
    assert (found.name, found.unit) == ("next-token loss", "nats")


def test_each_example_may_have_its_own_queries() -> None:
    queries = torch.tensor([[True, False, False, True, False], [False, True, False, False, False]])
    expected = torch.stack(((PER_TOKEN[0, 0] + PER_TOKEN[0, 3]) / 2, PER_TOKEN[1, 1]))
    torch.testing.assert_close(next_token_loss(queries)(LOGITS, TOKENS), expected)


@pytest.mark.parametrize(
    ("queries", "told"),
    [
        (slice(2, 5), "no next token"),
        (slice(2, 2), "no query"),
        (torch.ones(2, 4, dtype=torch.bool), "must agree"),
    ],
)
def test_queries_without_an_answer_are_refused(queries, told: str) -> None:
    with pytest.raises(PromptError, match=told):
        next_token_loss(queries)(LOGITS, TOKENS)


def test_the_logit_difference_is_the_log_of_the_odds() -> None:
    right, wrong = torch.tensor([1, 2]), torch.tensor([6, 0])
    odds = LOGITS.softmax(-1)[:, -2]
    expected = (odds.gather(1, right[:, None]) / odds.gather(1, wrong[:, None])).log()[:, 0]
    torch.testing.assert_close(logit_difference(right, wrong, query=-2)(LOGITS, TOKENS), expected)


@pytest.mark.parametrize(
    "metric",
    [next_token_loss(slice(1, 3)), logit_difference(torch.tensor([1, 2]), torch.tensor([6, 0]), query=-2)],
)
def test_a_metric_needs_only_the_rows_that_it_reads(metric) -> None:
    at = metric.positions(TOKENS)
    assert at.any(0).tolist() in ([False, True, True, False, False], [False, False, False, True, False])
    rows = LOGITS[at] if metric.answers is None else LOGITS[at].gather(-1, metric.answers(TOKENS))
    assert torch.equal(metric.of_rows(rows, TOKENS), metric(LOGITS, TOKENS))


def test_a_metric_that_does_not_say_what_it_reads_is_given_all_logits() -> None:
    metric = Metric("mean", "logits", lambda logits, tokens: logits.mean((1, 2)))
    assert metric.positions(TOKENS).all()
    assert torch.equal(metric.of_rows(LOGITS.flatten(0, 1), TOKENS), LOGITS.mean((1, 2)))


def test_a_metric_says_what_made_it_and_what_changes_it_says_so_no_more():
    right, wrong = torch.tensor([1, 2]), torch.tensor([3, 4])
    made = logit_difference(right, wrong=wrong)
    assert made.source is not None and made.source[0] == "logit_difference"
    assert made.source[1] == {"right": right, "wrong": wrong}
    again = METRICS[made.source[0]](**made.source[1])
    logits, tokens = torch.randn(2, 3, 6, generator=torch.Generator().manual_seed(0)), torch.ones(2, 3).long()
    assert torch.equal(again(logits, tokens), made(logits, tokens))
    assert replace(made, compute=lambda rows, tokens: rows[:, 0]).source is None
    assert Metric("mean", "logits", lambda logits, tokens: logits.mean((1, 2))).source is None
