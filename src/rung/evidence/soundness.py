"""The ladder on planted models, over many seeds: how often a verdict is above, or below, what is true.

A case is one planted model: a kind, an architecture and a seed. `run_cases` tests each on the required tests of its
claim, keeps every result in a folder and resumes there; `rate` gives an error rate with its exact interval (Clopper &
Pearson 1934, "The use of confidence or fiducial limits illustrated in the case of the binomial", Biometrika 26).
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, as_completed, wait
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import torch

from ..display import Shown
from ..errors import ClaimError, StoreError
from ..methods.executors import open_executor
from ..methods.task_runners import task_runner
from ..model.origin import hash_weights
from ..planted import ARCHITECTURES, KINDS, Planted, plant
from ..planted.models import OWN_ARCHITECTURE, unfit
from ..tasks.task import find_task, task_batch
from .claim import CLAIMS, INDUCTION, Claim, required_tests
from .identity import confirmation_seed, ladder_code
from .looks import look_alpha
from .observation import RUNGS, Floors, Outcome, TestSpec
from .prove import run_tests
from .setting import Setting
from .verdict import verdict

ATTENTION_ONLY = ("attention_only", "rms", "learned_positions")
"""Where a decoy is planted without MLPs: the first of these that it fits."""
WITH_MLPS = ("small_llama", "llama", "all", "gpt2")
"""Where it is planted with MLPs, a norm and rotary positions: the first of these that it fits. Some kinds need
positions that the stream or the keys hold, and have learned ones instead."""
SHARED = ("attention_only", "layernorm", "small_llama")
"""Where true circuits other than the plain one are planted."""
MECHANISM = RUNGS.index("mechanism")
REFUSED = -2
"""Instead of a rung, of a claim that was refused because it contradicts itself."""


@dataclass(frozen=True, order=True)
class Case:
    """One planted model."""

    kind: str
    architecture: str
    seed: int


@dataclass(frozen=True, repr=False)
class Result(Shown):
    """The verdict on one planted model, beside what is true of it."""

    kind: str
    architecture: str
    seed: int
    verdict: int
    """The rung: −1 nothing to explain, 0 behaviour … 4 mechanism; or REFUSED."""
    truth: int
    """The highest rung that a sound verdict may give, or REFUSED."""
    stopped_by: str
    """The test that stopped the verdict, its subject and its outcome; empty where none did."""
    key: str
    """What the result depends on: the model, the claim and the code of the ladder, hashed."""
    seconds: float

    @property
    def case(self) -> Case:
        """What was run."""
        return Case(self.kind, self.architecture, self.seed)

    @property
    def above(self) -> bool:
        """Whether more was said than is true."""
        return self.verdict > self.truth

    @property
    def recognised(self) -> bool:
        """Whether a true circuit got its rung."""
        return self.verdict == self.truth == MECHANISM


@dataclass(frozen=True, repr=False)
class Rate(Shown):
    """`count` of `n`, and the exact 95 % interval of the probability behind it: each end is missed by at most 2.5 %."""

    count: int
    n: int
    low: float
    high: float


def rate(count: int, n: int) -> Rate:
    """A Clopper–Pearson interval. Of no cases nothing is known: from 0 to 1."""
    if not n:
        return Rate(0, 0, 0.0, 1.0)
    from scipy.stats import binomtest

    interval = binomtest(count, n).proportion_ci(0.95, method="exact")
    return Rate(count, n, float(interval.low), float(interval.high))


@cache
def true_kinds() -> tuple[str, ...]:
    """Kinds whose claim is true."""
    return tuple(kind for kind in KINDS if _truth(kind) == MECHANISM)


@cache
def _truth(kind: str) -> int:
    architectures = (name for name in ARCHITECTURES if not unfit(kind, ARCHITECTURES[name]))
    return plant(kind, 0, architecture=next(architectures)).truth


def places(kind: str) -> tuple[str, ...]:
    """The architectures that the benchmark plants a kind in.

    The plain circuit in every one; other true circuits in three; a decoy in attention alone, and with MLPs, a norm and
    rotary positions, where its circuit can be built there.
    """
    if kind in OWN_ARCHITECTURE:
        return ("attention_only",)
    if kind == "circuit":
        return tuple(ARCHITECTURES)
    fits = [name for name in ARCHITECTURES if not unfit(kind, ARCHITECTURES[name])]
    if kind in true_kinds():
        return tuple(name for name in SHARED if name in fits)
    chosen = (next((name for name in some if name in fits), None) for some in (ATTENTION_ONLY, WITH_MLPS))
    return tuple(name for name in chosen if name is not None)


def plan(seeds: int) -> list[Case]:
    """Every kind in each of its architectures, from each seed.

    First every kind once a seed, in its architectures by turns, so that a run that is cut off has as many seeds of one
    kind as of another; then what is left, true circuits first.
    """
    true = true_kinds()
    order = sorted(KINDS, key=lambda kind: kind in true)
    cases = [Case(kind, name, seed) for seed in range(seeds) for kind in order for name in places(kind)]
    by_turns = {Case(kind, places(kind)[seed % len(places(kind))], seed) for seed in range(seeds) for kind in order}
    return sorted(cases, key=lambda case: (case not in by_turns, case.seed, (case.kind in true) == (case in by_turns)))


def quick_plan() -> list[Case]:
    """One seed: each decoy in one of its architectures, in turn, and each true circuit in a few."""
    true = true_kinds()
    decoys = [kind for kind in KINDS if kind not in true]
    cases = [Case(kind, places(kind)[at % len(places(kind))], 0) for at, kind in enumerate(decoys)]
    cases += [Case("circuit", name, 0) for name in (*SHARED, "grouped", "gpt2")]
    return cases + [Case(kind, places(kind)[0], 0) for kind in true if kind != "circuit"]


def claim_of(planted: Planted) -> Claim:
    """What is claimed of a planted model."""
    claim = CLAIMS[planted.claim].with_heads(planted.heads)
    if planted.claim == INDUCTION.name:
        return replace(claim, edges=(replace(claim.edges[0], into=planted.into),))
    return replace(claim, task=planted.task or claim.task)


def setting_of(planted: Planted, claim: Claim, sequences: int = 64) -> tuple[Setting, tuple[TestSpec, ...]]:
    """What `prove` tests a planted model with: the same confirmation sequences, and the required tests of the claim.

    Raises ClaimError for a claim that contradicts itself.
    """
    model, texts = planted.model, planted.text is not None
    claim.check(model.config)
    seed = confirmation_seed(claim, model.config, hash_weights(model.config, model.weights), texts)
    batch = task_batch(model, find_task(claim.task), sequences=sequences, seed=seed)
    setting = Setting(task_runner(model, batch, seed=seed), claim, Floors(), planted.text)
    return setting, required_tests(claim, model.config, texts)


def run_case(case: Case) -> Result:
    """The verdict on one planted model, which `prove` gives as well. Tests end at the first that does not hold: what
    comes after cannot change the rung.
    """
    started = time.perf_counter()
    planted = plant(case.kind, case.seed, architecture=case.architecture)
    truth = REFUSED if planted.refused else planted.truth
    rung, stopped = _judge(planted)
    return Result(
        **asdict(case), verdict=rung, truth=truth, stopped_by=stopped, key=key_of(case), seconds=_since(started)
    )


def _judge(planted: Planted) -> tuple[int, str]:
    claim = claim_of(planted)
    try:
        setting, required = setting_of(planted, claim)
    except ClaimError as error:
        return REFUSED, str(error)
    alpha = look_alpha(Floors().alpha, setting.runner.sequences, Floors().sequences)
    measured = []
    for spec in required:
        measured += run_tests(setting, [spec], alpha)
        if measured[-1].outcome is not Outcome.HOLDS:
            break
    last = measured[-1]
    stopped = "" if last.outcome is Outcome.HOLDS else f"{last.test} of {last.subject}: {last.outcome}"
    return verdict(required, measured, Floors(), setting.runner.sequences).rung, stopped


def key_of(case: Case) -> str:
    """What a result depends on: the weights, the claim, the truth and the code of the ladder."""
    planted = plant(case.kind, case.seed, architecture=case.architecture)
    claimed = {role: [list(head) for head in heads] for role, heads in planted.heads.items()}
    weights = hash_weights(planted.model.config, planted.model.weights)
    text = [asdict(case), weights, claimed, planted.into, planted.truth, planted.refused, planted.text, ladder_code()]
    return hashlib.sha256(json.dumps(text).encode()).hexdigest()[:24]


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 3)


class Results:
    """A folder of results: one file a process, one line a result, only ever appended to."""

    def __init__(self, folder: str | Path) -> None:
        """Raises StoreError if the folder cannot be made."""
        self.folder = Path(folder)
        self._file = self.folder / f"{uuid.uuid4().hex}.jsonl"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self.folder}: {error.strerror or error}") from error

    def read(self) -> dict[str, Result]:
        """Every result so far, by key. A line that is not whole is passed over: its writer was killed."""
        found: dict[str, Result] = {}
        for file in sorted(self.folder.glob("*.jsonl")):
            for line in file.read_text("utf-8").splitlines():
                try:
                    result = Result(**json.loads(line))
                except (ValueError, TypeError):
                    continue
                found.setdefault(result.key, result)
        return found

    def append(self, result: Result) -> None:
        """Writes one line, for good."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(result)) + "\n")
            file.flush()
            os.fsync(file.fileno())


def run_cases(
    cases: Sequence[Case],
    results: Results | None = None,
    *,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Result]:
    """The result of each case, in order; those that `results` holds are not run again.

    `workers` processes share the work (None: this one does it). Whatever ran them, the results are the same.
    """
    known = {} if results is None else results.read()
    found: dict[Case, Result] = {}
    for result in _all(cases, known, workers):
        if results is not None and result.key not in known:
            results.append(result)
        found[result.case] = result
        if progress is not None:
            progress(len(found), len(cases))
    return [found[case] for case in cases]


def finished(cases: Iterable[Case], results: Results) -> list[Result]:
    """The results of those cases that were run with this very code, on these very models."""
    known = results.read()
    done = {result.case for result in known.values()}
    found = (known.get(key_of(case)) for case in cases if case in done)
    return [result for result in found if result is not None]


def _all(cases: Iterable[Case], known: Mapping[str, Result], workers: int | None) -> Iterator[Result]:
    done = {result.case for result in known.values()}

    def recall(case: Case) -> Result | None:
        return known.get(key_of(case)) if case in done else None

    if workers is None:
        for case in cases:
            yield recall(case) or run_case(case)
        return
    running: set[Future[Result]] = set()
    with open_executor(workers) as executor:
        for case in cases:
            if (result := recall(case)) is not None:
                yield result
                continue
            running.add(executor.submit(_run_alone, case))
            # Twice as many are under way as there are workers, so that an interruption loses little.
            if len(running) >= 2 * workers:
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in ended)
        for future in as_completed(running):
            yield future.result()


def _run_alone(case: Case) -> Result:
    """In one of several processes, with one thread."""
    torch.set_num_threads(1)
    return run_case(case)


def false_positives(results: Iterable[Result]) -> list[Rate]:
    """By rung: of the models in which it is not reached, how many got it or more. A claim that is refused gets none."""
    found = list(results)
    rates = []
    for rung in range(len(RUNGS)):
        below = [one for one in found if one.truth < rung]
        rates.append(rate(sum(one.verdict >= rung for one in below), len(below)))
    return rates


def false_negatives(results: Iterable[Result]) -> list[Rate]:
    """By rung: of the true circuits, how many did not get it."""
    true = [one for one in results if one.truth == MECHANISM]
    return [rate(sum(one.verdict < rung for one in true), len(true)) for rung in range(len(RUNGS))]


def power(results: Iterable[Result], kind: Callable[[Result], bool] = lambda result: True) -> Rate:
    """How many of the true circuits that `kind` picks were recognised."""
    true = [one for one in results if one.truth == MECHANISM and kind(one)]
    return rate(sum(one.recognised for one in true), len(true))
