import numpy as np
import pytest
import torch

from rung.errors import RungError
from rung.lab.computations.board import Repeats
from rung.lab.computations.signatures import QuizAsk, heads, quiz, solution
from rung.planted.models import plant
from rung.tasks.builtin import repeated_tokens, unrepeated_tokens


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def test_each_head_has_the_scores_split_and_pattern_that_its_patterns_give(lab, job):
    model = lab.model("two-layer")
    found = heads.run(lab, Repeats(length=8, seed=1, sequences=6), job)
    task = repeated_tokens(model, period=8, sequences=6, seed=1)
    _, cache = model.run_with_cache(task.tokens)
    _, control = model.run_with_cache(unrepeated_tokens(model, task).tokens)
    assert [one.label for one in found.heads[:2]] == ["previous_token", "induction"]
    assert {one.head for one in found.heads} == {f"{layer}.{head}" for layer in range(2) for head in range(4)}
    for at, one in enumerate(found.heads):
        layer, head = map(int, one.head.split("."))
        pattern, other = cache["pattern", layer][:, head], control["pattern", layer][:, head]
        induction = torch.stack([pattern[:, q, q - 7] for q in range(9, 16)]).mean()
        baseline = torch.stack([other[:, q, q - 7] for q in range(9, 16)]).mean()
        assert one.scores["induction"] == pytest.approx(float(induction), abs=1e-5)
        assert one.floors["induction"] == pytest.approx(max(0.3, 3 * float(baseline)), abs=1e-5)
        assert one.split["bos"] == pytest.approx(float(pattern[:, 9:16, 0].mean()), abs=1e-5)
        assert sum(one.split.values()) == pytest.approx(1)
        assert one.estimate.value == pytest.approx(one.score) == pytest.approx(one.scores[one.signature])
        assert (one.score >= one.floor) == (one.label != "none fits")
        np.testing.assert_allclose(found.patterns.numpy()[at], pattern[0], atol=1e-6)
        lengths = (cache["v", layer][0, :, head] @ model.W_O[layer, head]).norm(dim=-1)
        np.testing.assert_allclose(found.written.numpy()[at], lengths, rtol=1e-4)


def test_the_two_heads_look_alike_and_only_one_writes(lab, job):
    letters = set()
    for seed in range(4):
        asked, told = quiz.run(lab, QuizAsk(seed=seed), job), solution.run(lab, QuizAsk(seed=seed), job)
        assert min(asked.induction) > 0.9 > 0.3 > max(asked.control)
        decoy = "AB".index(told.decoy)
        letters.add(decoy)
        planted = plant("passenger", seed)
        layer, head = planted.heads["induction"][1]
        tokens = repeated_tokens(planted.model, period=12, sequences=16, seed=seed).tokens
        _, cache = planted.model.run_with_cache(tokens)
        np.testing.assert_allclose(asked.patterns.numpy()[decoy], cache["pattern", layer][0, head], atol=1e-6)
        assert abs(told.direct[decoy].value) < 0.01 * told.direct[1 - decoy].value
        written = cache["z", layer][:, :, head] @ planted.model.W_O[layer, head] @ planted.model.W_U
        expected = np.mean([float(written[r, q, tokens[r, q + 1]]) for r in range(16) for q in range(13, 24)])
        assert told.direct[decoy].value == pytest.approx(expected, abs=1e-3)
    assert letters == {0, 1}


def test_a_seed_out_of_range_is_refused(lab, job):
    with pytest.raises(RungError, match="the lab runs from 1 to 1000"):
        quiz.run(lab, QuizAsk(seed=-1), job)
