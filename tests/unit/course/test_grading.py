"""What happens to answers that are not answers."""

import math

import numpy as np
import pytest
import torch

from rung.course.grading import Exercise, Trial
from rung.course.models import bundled, random_model, random_tokens

TRUTH = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]])


def judge(answer, truth=TRUTH, arguments=(), mistakes=None):
    return Exercise(
        lambda: [Trial(truth, arguments, mistakes or {}, "a model")], "Right.", dict.fromkeys(mistakes or {}, "Known.")
    ).judge(answer)


def raising():
    raise IndexError("too many indices")


@pytest.mark.parametrize(
    ("answer", "mistake", "said"),
    [
        (None, "not_done", "Not answered yet"),
        (..., "not_done", "Not answered yet"),
        (TRUTH, "type", "a function"),
        (raising, "raises", "raised IndexError in line"),
        (lambda: 1 / 0, "raises", "ZeroDivisionError"),
        (lambda x: x, "raises", "TypeError"),
        (lambda: None, "type", "is a `return` missing?"),
        (lambda: "text", "type", "a str"),
        (lambda: {"a": 1}, "type", "a dict"),
        (lambda: TRUTH.T, "shape", "shape [3, 2] (on a model); the right one has [2, 3]"),
        (lambda: TRUTH * math.nan, "not_finite", "6 of 6"),
        (lambda: TRUTH / 0, "not_finite", "NaN or infinite"),
        (lambda: TRUTH + torch.eye(2, 3), "wrong", "(on a model): at [0, 0] you give 2, and"),
    ],
)
def test_what_is_no_answer_gets_a_sentence(answer, mistake, said):
    found = judge(answer)
    assert not found.passed and found.mistake == mistake
    assert said in found.sentence and "{" not in found.sentence and "\n" not in found.sentence


@pytest.mark.parametrize("kind", [torch.Tensor.double, torch.Tensor.numpy, torch.Tensor.tolist, list])
def test_numbers_of_any_kind_are_an_answer(kind):
    assert judge(lambda: kind(TRUTH)).passed


def test_gradients_are_no_matter():
    torch.set_grad_enabled(True)
    assert judge(lambda: TRUTH.clone().requires_grad_()).passed
    assert torch.is_grad_enabled()


def test_integers_are_compared_exactly():
    assert judge(lambda: torch.tensor([1000, 2000]), torch.tensor([1000, 2000])).passed
    assert judge(lambda: torch.tensor([1000, 2001]), torch.tensor([1000, 2000])).mistake == "wrong"
    assert judge((1, 0), (1, 0), None).passed
    assert judge((0, 1), (1, 0), None).mistake == "wrong"


def test_strings_and_sets():
    assert judge("K", "K", None).passed and judge("Q", "K", None).mistake == "wrong"
    assert judge([[1, 0], (0, 1)], {(0, 1), (1, 0)}, None).passed
    found = judge({(0, 1)}, {(0, 1), (1, 0)}, None)
    assert found.mistake == "wrong" and "1 missing" in found.sentence
    assert judge(3, {(0, 1)}, None).mistake == "type"


def test_a_mistake_is_known_by_what_it_gives_everywhere():
    trials = [Trial(1.0, (1,), {"half": 0.5, "zero": 0.0}), Trial(3.0, (3,), {"half": 1.5})]
    exercise = Exercise(lambda: trials, "Right.", {"half": "Half.", "zero": "Nothing."})
    assert exercise.judge(lambda x: x).passed
    assert exercise.judge(lambda x: x / 2).mistake == "half"
    assert exercise.judge(lambda x: 0.5).mistake == "wrong"
    assert exercise.judge(lambda x: 0.0 if x == 1 else 7.0).mistake == "zero"


def test_a_model_that_an_answer_changed_is_named_and_loaded_anew():
    def spoil(model):
        model.W_E[0, 0] += 1.0
        model.weights["W_E"].data[0, 0] += 1.0
        return 1.0

    for get in (lambda: bundled("two-layer-tiny"), lambda: random_model(3)):
        before = get().weights["W_E"].clone()
        assert judge(spoil, 1.0, (get(),)).mistake == "changed_model"
        assert torch.equal(get().weights["W_E"], before)


def test_tokens_that_an_answer_changed():
    tokens = torch.arange(5)
    found = judge(lambda t: t.zero_().sum(), 0, (tokens,))
    assert found.mistake == "changed_tokens" and tokens.sum() == 10


def test_hooks_left_behind_are_named_and_taken_away():
    model = random_model(3)

    def hang(model):
        model.add_hook("blocks.0.attn.hook_z", lambda z, hook: z * 0)
        return 1.0

    tokens = random_tokens(model, 1, 4, seed=0)
    before = model(tokens)
    assert judge(hang, 1.0, (model,)).mistake == "left_hooks"
    assert torch.equal(model(tokens), before)


def test_arrays_of_objects_are_no_numbers():
    assert judge(lambda: np.array([{}, {}])).mistake == "type"
