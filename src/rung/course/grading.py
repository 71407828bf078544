"""How an answer is graded: run it, compare what it gives with a truth computed elsewhere, and name the mistake.

A checker holds `Trial`s: arguments for the reader's function, the truth that was computed independently for these
arguments, and what each known mistake would give for them.
"""

from __future__ import annotations

import traceback
import zlib
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..model.model import HookedTransformer
from .result import CheckResult

TOLERANCE = 1e-3
"""How far an answer may be from the truth, as a share of the truth's largest value: float32 stays well below it, and no
known mistake comes near it."""

GENERAL: Mapping[str, str] = {
    "not_done": "Not answered yet: replace `raise NotImplementedError`, or the `...`, by your answer.",
    "raises": "Your answer raised {error}{where}: {message}",
    "type": "Your answer gave {found}; what is asked for is {asked}.",
    "shape": "Your answer has shape {found}{trial}; the right one has {asked}.",
    "not_finite": "Your answer holds values that are not finite (NaN or infinite){trial}: {count} of {of}.",
    "changed_model": "Your answer changed the weights of the model it was given. Change activations in a hook, or "
    "copies.",
    "changed_tokens": "Your answer changed the tensors it was given. Work on a copy: `x = x.clone()`.",
    "left_hooks": "Your answer left hooks on the model, so every later run would be changed too. Use run_with_hooks, "
    "or `with model.hooks(…)`.",
    "wrong": "Not right yet{trial}: {gap}",
}
"""Sentences for what may go wrong in any exercise."""


class Missing:
    """Stands for the answer of an exercise that was not answered."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One case that an answer is tried on."""

    truth: Any
    """A tensor, a number, a string, or a tuple, list or set of those, computed by the checker itself."""
    arguments: tuple[Any, ...] | None = None
    """What the reader's function is called with; None where the answer is a value."""
    mistakes: Mapping[str, Any] = field(default_factory=dict)
    """What each known mistake would give here."""
    where: str = ""
    """Which model, tokens or seed, as a sentence calls them: "two-layer, 3 sequences"."""


@dataclass(frozen=True, eq=False)
class Exercise:
    """A checker: cases, and the sentences of the known mistakes."""

    trials: Callable[[], Sequence[Trial]]
    right: str
    """The sentence for a right answer: what was shown, in one line."""
    mistakes: Mapping[str, str] = field(default_factory=dict)
    """Each known mistake's sentence. A mistake is recognised by what it gives on every trial that lists it."""
    tolerance: float = TOLERANCE

    def judge(self, answer: Any) -> CheckResult:
        """Grades an answer. Never raises for what the reader's code does."""
        trials, given = self.trials(), []
        for trial in trials:
            value, problem = call(answer, trial.arguments)
            if problem is not None:
                return problem
            given.append(value)
        same = [compare(value, trial.truth, self.tolerance) for value, trial in zip(given, trials, strict=True)]
        if all(one is None for one in same):
            return CheckResult(True, "", self.right)
        for name, sentence in self.mistakes.items():
            listed = [(value, trial) for value, trial in zip(given, trials, strict=True) if name in trial.mistakes]
            if listed and all(compare(v, trial.mistakes[name], self.tolerance) is None for v, trial in listed):
                return CheckResult(False, name, sentence)
        problem, trial = next((one, trial) for one, trial in zip(same, trials, strict=True) if one is not None)
        return _with_place(problem, trial)


@dataclass(frozen=True, eq=False)
class Custom:
    """A checker with a judge of its own, for answers that are choices rather than values."""

    judge: Callable[[Any], CheckResult]
    mistakes: Mapping[str, str] = field(default_factory=dict)


def problem(name: str, **values: object) -> CheckResult:
    """One of the general sentences as a result."""
    return CheckResult(False, name, GENERAL[name].format(**values))


def call(answer: Any, arguments: tuple[Any, ...] | None) -> tuple[Any, CheckResult | None]:
    """The answer's value, or what is wrong with it: nothing that the reader's function does gets out of here."""
    if answer is None or answer is Ellipsis:
        return Missing, problem("not_done")
    if arguments is None:
        return answer, None
    if not callable(answer):
        return Missing, problem("type", found=_name(answer), asked="a function")
    given = tuple(argument.clone() if isinstance(argument, Tensor) else argument for argument in arguments)
    models = [argument for argument in given if isinstance(argument, HookedTransformer)]
    before = [_fingerprint(model) for model in models]
    grad = torch.is_grad_enabled()
    try:
        with torch.no_grad():
            value = answer(*given)
        value = copy(value.detach().clone() if isinstance(value, Tensor) else value)
    except NotImplementedError:
        return Missing, problem("not_done")
    except Exception as error:
        return Missing, problem("raises", **_raised(answer, error))
    finally:
        torch.set_grad_enabled(grad)
        left = any(point.fwd_hooks or point.bwd_hooks for model in models for point in model.hook_points())
        for model in models:
            model.reset_hooks()
    if left:
        return Missing, problem("left_hooks")
    if before != [_fingerprint(model) for model in models]:
        from .models import forget_models

        forget_models()
        return Missing, problem("changed_model")
    if any(isinstance(a, Tensor) and not torch.equal(a, b) for a, b in zip(arguments, given, strict=True)):
        return Missing, problem("changed_tokens")
    if value is None:
        return Missing, problem("type", found="None (is a `return` missing?)", asked="a value")
    return value, None


def compare(answer: Any, truth: Any, tolerance: float = TOLERANCE) -> CheckResult | None:
    """None if the answer is the truth; else what is different, as the result it would be."""
    if isinstance(truth, (str, set, frozenset)):
        return _compare_exact(answer, truth)
    found = to_array(answer)
    asked = to_array(truth)
    assert asked is not None, "a truth is a tensor, a number, or numbers in lists"
    if found is None:
        return problem("type", found=_name(answer), asked=_name(truth))
    if found.shape != asked.shape:
        return problem("shape", trial="{trial}", found=list(found.shape), asked=list(asked.shape))
    if not np.isfinite(found).all():
        bad = int((~np.isfinite(found)).sum())
        return problem("not_finite", trial="{trial}", count=bad, of=found.size)
    difference = np.abs(found - asked)
    if _exact(truth):
        tolerance = 0.0
    if not found.size or difference.max() <= tolerance * max(np.abs(asked).max(), 1e-6):
        return None
    at = np.unravel_index(int(difference.argmax()), difference.shape)
    place = f" at [{', '.join(map(str, at))}]" if at else ""
    gap = f"{place.strip()} you give {found[at]:.4g}, and an independent computation gives {asked[at]:.4g}.".strip()
    return problem("wrong", trial="{trial}", gap=gap)


def to_array(value: Any) -> np.ndarray | None:
    """Numbers of any kind as float64; None for what is no number."""
    if isinstance(value, Tensor):
        return None if value.is_complex() else value.detach().cpu().double().numpy()
    if isinstance(value, (bool, int, float, np.ndarray, np.generic, list, tuple)):
        try:
            if isinstance(value, (list, tuple)) and any(isinstance(one, Tensor) for one in value):
                value = torch.stack([torch.as_tensor(one).double() for one in value]).numpy()
            return np.asarray(value).astype(np.float64)
        except (TypeError, ValueError, RuntimeError):
            return None
    return None


def _exact(truth: Any) -> bool:
    """Whether the truth is made of integers or of yes and no."""
    if isinstance(truth, Tensor):
        return not truth.is_floating_point()
    return np.asarray(truth).dtype.kind in "iub"


def _compare_exact(answer: Any, truth: str | set[Any] | frozenset[Any]) -> CheckResult | None:
    if isinstance(truth, str):
        if not isinstance(answer, str):
            return problem("type", found=_name(answer), asked="a string")
        return None if answer == truth else problem("wrong", trial="{trial}", gap=f"you give {answer!r}.")
    if not isinstance(answer, (set, frozenset, list, tuple)):
        return problem("type", found=_name(answer), asked="a set")
    try:
        given = {tuple(one) if isinstance(one, list) else one for one in answer}
    except TypeError:
        return problem("type", found=_name(answer), asked="a set")
    if given == set(truth):
        return None
    missing, extra = len(set(truth) - given), len(given - set(truth))
    return problem("wrong", trial="{trial}", gap=f"{missing} missing from your set, {extra} in it that do not belong.")


def _with_place(found: CheckResult, trial: Trial) -> CheckResult:
    where = f" (on {trial.where})" if trial.where else ""
    if "{trial}" in found.sentence:
        return CheckResult(False, found.mistake, found.sentence.replace("{trial}", where))
    return found


def _fingerprint(model: HookedTransformer) -> tuple[int, ...]:
    return tuple(
        zlib.crc32(parameter.detach().cpu().contiguous().numpy().tobytes()) for parameter in model.parameters()
    )


def _raised(answer: Any, error: Exception) -> dict[str, object]:
    """The error and the line of the reader's own code that it came from."""
    code = getattr(answer, "__code__", None)
    frames = [one for one in traceback.extract_tb(error.__traceback__) if code and one.filename == code.co_filename]
    where = f" in line {frames[-1].lineno} of your cell" if frames else ""
    message = " ".join(str(error).split()) or "no message."
    return {"error": type(error).__name__, "where": where, "message": message[:300]}


def _name(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, (Tensor, np.ndarray)):
        return f"a tensor of shape {list(value.shape)}"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        kind = type(value).__name__
        return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    return "a number"
